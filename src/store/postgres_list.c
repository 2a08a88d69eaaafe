/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Arrays in PostgreSQL's binary form.
 */
#include <config.h>

#include "postgres_list.h"

#include <string.h>

static void put_be(struct pg_list *list, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		*list->at++ = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

struct pg_list pg_list_new(struct tact_arena *arena, size_t count, enum pg_type type, size_t content_bytes)
{
	struct pg_list list;

	list.bytes = list.at = tact_arena_alloc(arena, 20 + 4 * count + content_bytes);
	put_be(&list, count > 0, 4);
	put_be(&list, 0, 4);
	put_be(&list, type, 4);
	put_be(&list, count, 4);
	put_be(&list, 1, 4);
	return list;
}

void pg_list_add_integer(struct pg_list *list, int64_t value, size_t bytes)
{
	put_be(list, bytes, 4);
	put_be(list, (uint64_t)value, bytes);
}

void *pg_list_add_room(struct pg_list *list, size_t size)
{
	void *room;

	put_be(list, size, 4);
	room = list->at;
	list->at += size;
	return room;
}

void pg_list_add_bytes(struct pg_list *list, const void *bytes, size_t size)
{
	memcpy(pg_list_add_room(list, size), bytes, size);
}

struct pg_param pg_list_param(const struct pg_list *list)
{
	return (struct pg_param){list->bytes, (size_t)(list->at - list->bytes)};
}

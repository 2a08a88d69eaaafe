/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Arrays in PostgreSQL's binary form, as parameters of its functions.
 */
#ifndef TACT_STORE_POSTGRES_LIST_H
#define TACT_STORE_POSTGRES_LIST_H

#include "postgres.h"

enum pg_type { PG_BYTEA = 17, PG_INT8 = 20, PG_INT2 = 21 };

struct pg_list {
	uint8_t *bytes, *at;
};

/* One dimension of COUNT items, no NULL, counted from 1; what they hold takes CONTENT_BYTES together. */
struct pg_list pg_list_new(struct tact_arena *arena, size_t count, enum pg_type type, size_t content_bytes);
void pg_list_add_integer(struct pg_list *list, int64_t value, size_t bytes);
void pg_list_add_bytes(struct pg_list *list, const void *bytes, size_t size);
/* An item of SIZE bytes, to be written by the caller. */
void *pg_list_add_room(struct pg_list *list, size_t size);
struct pg_param pg_list_param(const struct pg_list *list);

#endif

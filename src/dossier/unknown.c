/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the record's readers and writers do alike: memory, and the fields that a newer tact wrote. No field of
 * our own.
 */
#include <config.h>

#include <assert.h>

#include "record.h"

static void *allocate(void *arena, size_t size_bytes)
{
	return tact_arena_alloc(arena, size_bytes);
}

static void release(void *arena, void *memory)
{
	(void)arena;
	(void)memory;
}

ProtobufCAllocator dossier_allocator(struct tact_arena *arena)
{
	return (ProtobufCAllocator){.alloc = allocate, .free = release, .allocator_data = arena};
}

static const Tact__Nothing *read_nothing(struct tact_arena *arena, const void *bytes, size_t size)
{
	ProtobufCAllocator allocator = dossier_allocator(arena);

	return tact__nothing__unpack(&allocator, size, bytes);
}

/* A message without fields of its own writes just the unknown ones, and reads nothing else. */
bool dossier_read_unknown(struct tact_arena *arena, const ProtobufCMessage *message, struct tact_unknown *ret)
{
	Tact__Nothing carrier = TACT__NOTHING__INIT;
	uint8_t *bytes;
	size_t size;

	*ret = (struct tact_unknown){0};
	if (message->n_unknown_fields == 0)
		return true;
	carrier.base.n_unknown_fields = message->n_unknown_fields;
	carrier.base.unknown_fields = message->unknown_fields;
	bytes = tact_arena_alloc(arena, tact__nothing__get_packed_size(&carrier));
	size = tact__nothing__pack(&carrier, bytes);
	/* The library reads some fields that it cannot read again once it has written them, a field 0 for
	 * one. */
	if (read_nothing(arena, bytes, size) == NULL)
		return false;
	*ret = (struct tact_unknown){.bytes = bytes, .size = size};
	return true;
}

void dossier_write_unknown(
    struct tact_arena *arena, const struct tact_unknown *unknown, ProtobufCMessage *message)
{
	const Tact__Nothing *carrier;

	if (unknown->size == 0)
		return;
	carrier = read_nothing(arena, unknown->bytes, unknown->size);
	assert(carrier != NULL); /* dossier_read_unknown has made them, and has tried */
	message->n_unknown_fields = carrier->base.n_unknown_fields;
	message->unknown_fields = carrier->base.unknown_fields;
}

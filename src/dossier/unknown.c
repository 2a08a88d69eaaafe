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

/* Back into the bytes they came from: a message without fields of its own writes just them. */
struct tact_unknown dossier_read_unknown(struct tact_arena *arena, const ProtobufCMessage *message)
{
	Tact__Nothing carrier = TACT__NOTHING__INIT;
	struct tact_unknown unknown = {0};
	uint8_t *bytes;

	if (message->n_unknown_fields == 0)
		return unknown;
	carrier.base.n_unknown_fields = message->n_unknown_fields;
	carrier.base.unknown_fields = message->unknown_fields;
	bytes = tact_arena_alloc(arena, tact__nothing__get_packed_size(&carrier));
	unknown.size = tact__nothing__pack(&carrier, bytes);
	unknown.bytes = bytes;
	return unknown;
}

void dossier_write_unknown(
    struct tact_arena *arena, const struct tact_unknown *unknown, ProtobufCMessage *message)
{
	ProtobufCAllocator allocator = dossier_allocator(arena);
	const Tact__Nothing *carrier;

	if (unknown->size == 0)
		return;
	carrier = tact__nothing__unpack(&allocator, unknown->size, unknown->bytes);
	assert(carrier != NULL); /* only dossier_read_unknown makes them */
	message->n_unknown_fields = carrier->base.n_unknown_fields;
	message->unknown_fields = carrier->base.unknown_fields;
}

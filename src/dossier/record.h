/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the files of this room share among themselves and show to nobody: the generated record and a few
 * helpers.
 */
#ifndef TACT_DOSSIER_RECORD_H
#define TACT_DOSSIER_RECORD_H

#include <tact/dossier.h>

#include "src/dossier/dossier.pb-c.h"

#define RECORD_SCHEMA 1
#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)

/* protobuf-c's memory comes from the arena and dies with it. */
ProtobufCAllocator dossier_allocator(struct tact_arena *arena);
/* The fields of MESSAGE that the schema does not know, as bytes in the arena; false when they are damaged.
 * And put back. */
bool dossier_read_unknown(
    struct tact_arena *arena, const ProtobufCMessage *message, struct tact_unknown *ret);
void dossier_write_unknown(
    struct tact_arena *arena, const struct tact_unknown *unknown, ProtobufCMessage *message);

/* Room for COUNT items and as many more as tact_arena_push takes for granted. NULL for none. */
void *dossier_new_array(struct tact_arena *arena, size_t count, size_t item_bytes);
/* The same with FROM's items in it. */
void *dossier_copy_array(struct tact_arena *arena, const void *from, size_t count, size_t item_bytes);

/* False for a kind that is not one, and for a purpose or channel that no mail can have: it would cover
 * nothing. */
bool dossier_scope_is_possible(const struct tact_scope *scope);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Ready records on their way into the database, in the two forms that it takes many of: arrays for one call
 * of tact_fill, and the rows of COPY, each of them a transaction. When which is used: postgres_fill.c.
 */
#include <config.h>

#include "engine.h"
#include "frame.h"
#include "postgres_list.h"
#include "postgres_ready.h"

#include <stdlib.h>
#include <string.h>

/* A row of COPY without its frame: the number of fields, and each field behind its size. */
#define ROW_BYTES (2 + (4 + 2) + (4 + TACT_ID_BYTES) + (4 + 8) + (4 + 8) + 4)
#define COLUMNS 5
#define PART_BYTES 65536

static struct tact_record record_of(const struct tact_store_put *put, int64_t now_us)
{
	return (struct tact_record){.bytes = put->bytes,
	    .size = put->size,
	    .version = tact_store_next_version(0, now_us),
	    .wake_us = tact_store_wake(put->wake_us)};
}

static size_t frames_bytes(const struct pg_ready *ready)
{
	size_t bytes = 0;

	for (size_t i = 0; i < ready->count; i++)
		bytes += TACT_STORE_FRAME_BYTES + ready->puts[i].size;
	return bytes;
}

static void answer_all(const struct pg_ready *ready)
{
	for (size_t i = 0; i < ready->count; i++)
		ready->answers[i] = (struct tact_store_answer){
		    .result = TACT_OK, .version = tact_store_next_version(0, ready->now_us)};
}

/* ---- the call ---------------------------------------------------------------------------------------- */

static enum pg_outcome call(
    struct pg_link *link, struct tact_arena *arena, const struct pg_ready *ready, int64_t deadline_ms)
{
	size_t count = ready->count;
	struct pg_list kinds = pg_list_new(arena, count, PG_INT2, 2 * count),
		       ids = pg_list_new(arena, count, PG_BYTEA, TACT_ID_BYTES * count),
		       versions = pg_list_new(arena, count, PG_INT8, 8 * count),
		       wakes = pg_list_new(arena, count, PG_INT8, 8 * count),
		       frames = pg_list_new(arena, count, PG_BYTEA, frames_bytes(ready));

	for (size_t i = 0; i < count; i++) {
		struct tact_record record = record_of(&ready->puts[i], ready->now_us);

		pg_list_add_integer(&kinds, (int64_t)ready->keys[i].kind, 2);
		pg_list_add_bytes(&ids, ready->keys[i].id.b, TACT_ID_BYTES);
		pg_list_add_integer(&versions, (int64_t)record.version, 8);
		pg_list_add_integer(&wakes, record.wake_us, 8);
		tact_store_frame_write_summed(pg_list_add_room(&frames, tact_store_frame_bytes(&record)),
		    &ready->keys[i], &record, ready->puts[i].sum);
	}
	const struct pg_param params[] = {pg_list_param(&kinds), pg_list_param(&ids),
	    pg_list_param(&versions), pg_list_param(&wakes), pg_list_param(&frames)};
	return pg_link_call(link, PG_FILL, params, 5, deadline_ms);
}

static int compare_keys(const void *a, const void *b)
{
	return tact_store_key_compare(a, b);
}

/* Keys that were handed over in another order are looked for one by one. */
static size_t find_key(const struct pg_ready *ready, const struct tact_store_key *key)
{
	const struct tact_store_key *keys = ready->keys,
				    *found = bsearch(key, keys, ready->count, sizeof *keys, compare_keys);
	size_t at = found ? (size_t)(found - keys) : 0;

	while (!found && at < ready->count && tact_store_key_compare(&keys[at], key) != 0)
		at++;
	return at;
}

/* A row for each key under which something stands already. */
static void take_known(const struct pg_link *link, const struct pg_ready *ready)
{
	for (size_t row = 0; row < pg_link_rows(link); row++) {
		struct tact_store_key key = {.kind = (enum tact_store_kind)pg_link_integer(link, row, 0)};
		size_t size, at;
		const void *id = pg_link_value(link, row, 1, &size);

		memcpy(key.id.b, id, size < TACT_ID_BYTES ? size : TACT_ID_BYTES);
		at = find_key(ready, &key);
		if (at < ready->count)
			ready->answers[at] = (struct tact_store_answer){.result = TACT_REFUSED};
	}
}

enum pg_outcome pg_ready_call(struct pg_link *link, const struct pg_ready *ready, int64_t deadline_ms)
{
	struct tact_arena *arena = tact_arena_new();
	enum pg_outcome outcome = call(link, arena, ready, deadline_ms);

	tact_arena_free(&arena);
	if (outcome != PG_DONE)
		return outcome;
	answer_all(ready);
	take_known(link, ready);
	return outcome;
}

/* ---- COPY -------------------------------------------------------------------------------------------- */

/* A part of the rows: the server works at one while the next is made. */
struct part {
	struct pg_link *link;
	int64_t deadline_ms;
	uint8_t *bytes;
	size_t used, most;
};

static uint8_t *put_be(uint8_t *to, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
	return to + bytes;
}

static uint8_t *put_integer(uint8_t *to, uint64_t value, size_t bytes)
{
	return put_be(put_be(to, bytes, 4), value, bytes);
}

/* In the order in which pg_link_copy_begin names the columns. */
static uint8_t *put_row(
    uint8_t *to, const struct tact_store_key *key, const struct tact_record *record, uint32_t sum)
{
	size_t size = tact_store_frame_bytes(record);

	to = put_be(to, COLUMNS, 2);
	to = put_integer(to, (uint64_t)key->kind, 2);
	to = put_be(to, TACT_ID_BYTES, 4);
	memcpy(to, key->id.b, TACT_ID_BYTES);
	to = put_integer(to + TACT_ID_BYTES, record->version, 8);
	to = put_integer(to, (uint64_t)record->wake_us, 8);
	to = put_be(to, size, 4);
	tact_store_frame_write_summed(to, key, record, sum);
	return to + size;
}

static enum pg_outcome send_part(struct part *part)
{
	size_t size = part->used;

	part->used = 0;
	return pg_link_copy_rows(part->link, part->bytes, size, part->deadline_ms);
}

/* At least a row fits, be it the largest. */
static size_t part_bytes(const struct pg_ready *ready)
{
	size_t most = PART_BYTES;

	for (size_t i = 0; i < ready->count; i++) {
		size_t row = ROW_BYTES + TACT_STORE_FRAME_BYTES + ready->puts[i].size;
		most = row > most ? row : most;
	}
	return most;
}

static enum pg_outcome send_rows(struct part *part, const struct pg_ready *ready)
{
	enum pg_outcome outcome = PG_DONE;

	for (size_t i = 0; i < ready->count && outcome == PG_DONE; i++) {
		struct tact_record record = record_of(&ready->puts[i], ready->now_us);

		if (part->used + ROW_BYTES + tact_store_frame_bytes(&record) > part->most)
			outcome = send_part(part);
		part->used =
		    (size_t)(put_row(part->bytes + part->used, &ready->keys[i], &record, ready->puts[i].sum) -
			     part->bytes);
	}
	return outcome;
}

static enum pg_outcome copy(struct part *part, const struct pg_ready *ready)
{
	static const char head[19] = "PGCOPY\n\377\r\n"; /* with no flags and nothing more in it */
	enum pg_outcome outcome = pg_link_copy_begin(part->link, part->deadline_ms);

	if (outcome != PG_DONE)
		return outcome;
	memcpy(part->bytes, head, sizeof head);
	part->used = sizeof head;
	outcome = send_rows(part, ready);
	if (outcome == PG_DONE)
		outcome = send_part(part);
	if (outcome != PG_DONE)
		return outcome;
	part->used = (size_t)(put_be(part->bytes, UINT16_MAX, 2) - part->bytes);
	outcome = send_part(part);
	return outcome == PG_DONE ? pg_link_copy_end(part->link, part->deadline_ms) : outcome;
}

enum pg_outcome pg_ready_copy(struct pg_link *link, const struct pg_ready *ready, int64_t deadline_ms)
{
	struct part part = {.link = link, .deadline_ms = deadline_ms, .most = part_bytes(ready)};
	enum pg_outcome outcome;

	part.bytes = tact_malloc(part.most);
	outcome = copy(&part, ready);
	free(part.bytes);
	if (outcome == PG_DONE)
		answer_all(ready);
	return outcome;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Making many records where none stand: whole arrays of ready frames in one call of tact_fill.
 *
 * Not COPY into a staging table: every row would be written twice, and COPY passes neither PL/Proxy nor a
 * pooler that hands out transactions. The arrays are as quick (tests/bench/bench_bulk.c).
 */
#include <config.h>

#include "engine.h"
#include "frame.h"
#include "postgres_list.h"

#include <stdlib.h>
#include <string.h>

static struct tact_record record_of(const struct tact_store_put *put, int64_t now_us)
{
	return (struct tact_record){.bytes = put->bytes,
	    .size = put->size,
	    .version = tact_store_next_version(0, now_us),
	    .wake_us = tact_store_wake(put->wake_us)};
}

static size_t frames_bytes(const struct tact_store_put *puts, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += TACT_STORE_FRAME_BYTES + puts[i].size;
	return bytes;
}

static enum pg_outcome call(struct pg_link *link, struct tact_arena *arena, const struct tact_store_key *keys,
    const struct tact_store_put *puts, size_t count, int64_t now_us, int64_t deadline_ms)
{
	struct pg_list kinds = pg_list_new(arena, count, PG_INT2, 2 * count),
		       ids = pg_list_new(arena, count, PG_BYTEA, TACT_ID_BYTES * count),
		       versions = pg_list_new(arena, count, PG_INT8, 8 * count),
		       wakes = pg_list_new(arena, count, PG_INT8, 8 * count),
		       frames = pg_list_new(arena, count, PG_BYTEA, frames_bytes(puts, count));

	for (size_t i = 0; i < count; i++) {
		struct tact_record record = record_of(&puts[i], now_us);

		pg_list_add_integer(&kinds, (int64_t)keys[i].kind, 2);
		pg_list_add_bytes(&ids, keys[i].id.b, TACT_ID_BYTES);
		pg_list_add_integer(&versions, (int64_t)record.version, 8);
		pg_list_add_integer(&wakes, record.wake_us, 8);
		tact_store_frame_write(
		    pg_list_add_room(&frames, tact_store_frame_bytes(&record)), &keys[i], &record);
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
static size_t find_key(const struct tact_store_key *keys, size_t count, const struct tact_store_key *key)
{
	const struct tact_store_key *found = bsearch(key, keys, count, sizeof *keys, compare_keys);
	size_t at = found ? (size_t)(found - keys) : 0;

	while (!found && at < count && tact_store_key_compare(&keys[at], key) != 0)
		at++;
	return at;
}

/* A row for each key under which something stands already. */
static void take_known(const struct pg_link *link, const struct tact_store_key *keys, size_t count,
    struct tact_store_answer *answers)
{
	for (size_t row = 0; row < pg_link_rows(link); row++) {
		struct tact_store_key key = {.kind = (enum tact_store_kind)pg_link_integer(link, row, 0)};
		size_t size, at;
		const void *id = pg_link_value(link, row, 1, &size);

		memcpy(key.id.b, id, size < TACT_ID_BYTES ? size : TACT_ID_BYTES);
		at = find_key(keys, count, &key);
		if (at < count)
			answers[at] = (struct tact_store_answer){.result = TACT_REFUSED};
	}
}

enum pg_outcome pg_fill_call(struct pg_link *link, const struct tact_store_key *keys,
    const struct tact_store_put *puts, size_t count, int64_t now_us, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	struct tact_arena *arena = tact_arena_new();
	enum pg_outcome outcome = call(link, arena, keys, puts, count, now_us, deadline_ms);

	tact_arena_free(&arena);
	if (outcome != PG_DONE)
		return outcome;
	for (size_t i = 0; i < count; i++)
		ret_answers[i] = (struct tact_store_answer){
		    .result = TACT_OK, .version = tact_store_next_version(0, now_us)};
	take_known(link, keys, count, ret_answers);
	return outcome;
}

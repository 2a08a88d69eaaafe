/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Long work in chunks that leave the mail its share: the same for every engine, made of its update. Each
 * chunk is as large as fits into HOLD_MS, commit included, and is followed by a rest of the same length.
 */
#include <config.h>

#include "engine.h"

#include <stdlib.h>
#include <time.h>

#define HOLD_MS 20
#define CHUNK_FIRST 32
#define CHUNK_MOST 512
#define REST_MOST_MS 100    /* waiting for somebody else's lock is not our work: it needs no rest */
#define CHUNK_WAIT_MS 30000 /* a store that is stuck for this long will not be mended by waiting on */

struct bulk {
	tact_store_change_fn fn;
	void *context;
	uint64_t offset, done, corrupt;
	size_t count;
	struct tact_store_key keys[CHUNK_MOST];
	struct tact_store_answer answers[CHUNK_MOST];
};

static bool change_at_offset(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	const struct bulk *bulk = context;
	return bulk->fn(bulk->context, bulk->offset + index, now, store_now_us, ret);
}

static void rest(int64_t ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	while (nanosleep(&left, &left) != 0)
		continue;
}

static size_t next_chunk(size_t chunk, int64_t took_ms)
{
	if (took_ms < HOLD_MS / 2)
		return chunk * 2 < CHUNK_MOST ? chunk * 2 : CHUNK_MOST;
	if (took_ms > HOLD_MS)
		return chunk > 2 ? chunk / 2 : 1;
	return chunk;
}

/* TACT_OK also when records were corrupt: the others of the chunk are done. */
static int run_chunk(struct tact_store *store, struct bulk *bulk, struct tact_error *err)
{
	int stop = TACT_OK;
	tact_store_update(store, bulk->keys, bulk->count, change_at_offset, bulk, bulk->answers,
	    tact_clock_monotonic_ms() + CHUNK_WAIT_MS);
	for (size_t i = 0; i < bulk->count; i++) {
		int result = bulk->answers[i].result;
		if (result == TACT_OK)
			bulk->done++;
		else if (result == TACT_CORRUPT)
			bulk->corrupt++;
		else if (result < stop)
			stop = result;
	}
	bulk->offset += bulk->count;
	if (stop != TACT_OK && err)
		tact_store_last_error(store, err);
	return stop;
}

int tact_store_bulk(struct tact_store *store, tact_store_next_fn next, tact_store_change_fn fn,
    tact_store_progress_fn progress, void *context, uint64_t *ret_done, struct tact_error *err)
{
	struct bulk *bulk = tact_calloc(1, sizeof *bulk);
	size_t chunk = CHUNK_FIRST;
	int result = TACT_OK;
	bool more = true;

	bulk->fn = fn;
	bulk->context = context;
	while (more && result == TACT_OK) {
		for (bulk->count = 0; bulk->count < chunk && more;)
			if ((more = next(context, &bulk->keys[bulk->count])))
				bulk->count++;
		if (bulk->count == 0)
			break;
		int64_t began_ms = tact_clock_monotonic_ms();
		result = run_chunk(store, bulk, err);
		int64_t took_ms = tact_clock_monotonic_ms() - began_ms;
		if (progress)
			progress(context, bulk->done);
		chunk = next_chunk(chunk, took_ms);
		if (more && result == TACT_OK)
			rest(took_ms < REST_MOST_MS ? took_ms : REST_MOST_MS);
	}
	if (result == TACT_OK && bulk->corrupt > 0)
		result = tact_store_report(store, TACT_CORRUPT, err,
		    "%llu records cannot be read and were left as they are: run \"tact store check\"",
		    (unsigned long long)bulk->corrupt);
	if (ret_done)
		*ret_done = bulk->done;
	free(bulk);
	return result;
}

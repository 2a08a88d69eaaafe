/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Long work in chunks that leave the mail its share: the same for every engine, made of its update, and of
 * its fill where it has one. Each chunk is as large as fits into the time that it may hold the store, commit
 * included, and is followed by a rest: of the same length where others write, else a short one.
 */
#include <config.h>

#include "engine.h"

#include <stdlib.h>
#include <time.h>

#define HOLD_MS 20
#define CHUNK_FIRST 32
#define CHUNK_MOST 512
#define CHUNK_LEAST 128
#define FILL_MOST 65536
#define HOLD_QUIET_US 17000 /* below HOLD_MS: not every chunk takes what the one before did */
#define HOLD_BESIDE_US 2000
#define HOLD_ASIDE_US 100000 /* where nobody waits for it to end */
#define CHUNK_ASIDE 8192
#define REST_QUIET 16	    /* part of a chunk's time: enough for one who waits to take the lock */
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

/* ---- the gait ---------------------------------------------------------------------------------------- */

static int64_t monotonic_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static void rest_us(int64_t us)
{
	struct timespec left = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
	while (us > 0 && nanosleep(&left, &left) != 0)
		continue;
}

static size_t begin_chunk(struct tact_store_pace *pace, size_t first, size_t most)
{
	if (pace->chunk == 0)
		pace->chunk = first;
	rest_us(pace->began_us + pace->held_us + pace->rest_us - monotonic_us());
	pace->began_us = monotonic_us();
	return pace->chunk < most ? pace->chunk : most;
}

/* A record that is ready costs little. */
size_t tact_store_pace_begin(struct tact_store *store, struct tact_store_pace *pace, size_t most)
{
	(void)store;
	return begin_chunk(pace, 16 * CHUNK_FIRST, most);
}

/* Has anybody else written since the chunk before? Where nobody can tell, nobody waits for a chunk to end. */
static bool others_write(struct tact_store *store, struct tact_store_pace *pace)
{
	uint64_t others = store->engine->others ? store->engine->others(store) : 0;
	bool moved = others != pace->others;

	pace->others = others;
	return moved;
}

static size_t chunk_that_fits(const struct tact_store_pace *pace, size_t done, int64_t hold_us)
{
	size_t fits = (size_t)((int64_t)done * hold_us / (pace->held_us > 0 ? pace->held_us : 1));

	if (fits > 2 * pace->chunk)
		fits = 2 * pace->chunk; /* one quick chunk says little of the next */
	if (done < pace->chunk && fits > pace->chunk)
		fits = pace->chunk;
	return fits < CHUNK_LEAST ? CHUNK_LEAST : fits > FILL_MOST ? FILL_MOST : fits;
}

/* Who else writes waits for a chunk to end, and for its flush on top of his own: then a chunk takes little
 * more than a flush does, and rests as long. Where nobody does, a short rest lets in whoever comes. */
void tact_store_pace_end(struct tact_store *store, struct tact_store_pace *pace, size_t done)
{
	bool beside = others_write(store, pace);

	pace->held_us = monotonic_us() - pace->began_us;
	pace->rest_us = beside ? pace->held_us : pace->held_us / REST_QUIET;
	if (pace->rest_us > REST_MOST_MS * 1000)
		pace->rest_us = REST_MOST_MS * 1000;
	if (done > 0)
		pace->chunk = chunk_that_fits(pace, done, beside ? HOLD_BESIDE_US : HOLD_QUIET_US);
}

/* ---- fill -------------------------------------------------------------------------------------------- */

struct fill {
	const struct tact_store_put *puts;
	bool *stood;
};

static bool put_where_nothing_stands(void *context, size_t index, const struct tact_record *now,
    int64_t store_now_us, struct tact_store_put *ret)
{
	const struct fill *fill = context;

	(void)store_now_us;
	fill->stood[index] = now->version != 0;
	*ret = fill->puts[index];
	return !fill->stood[index];
}

/* For engines that have nothing better. */
static void fill_by_update(struct tact_store *store, const struct tact_store_key *keys,
    const struct tact_store_put *puts, size_t count, struct tact_store_answer *answers, int64_t deadline_ms)
{
	struct fill fill = {puts, tact_calloc(count, sizeof *fill.stood)};

	store->engine->update(store, keys, count, put_where_nothing_stands, &fill, answers, deadline_ms);
	for (size_t i = 0; i < count; i++)
		if (answers[i].result == TACT_OK && fill.stood[i])
			answers[i] = (struct tact_store_answer){.result = TACT_REFUSED};
	free(fill.stood);
}

static int worst_but_refused(const struct tact_store_answer *answers, size_t count)
{
	int worst = TACT_OK;

	for (size_t i = 0; i < count; i++)
		if (answers[i].result != TACT_REFUSED && answers[i].result < worst)
			worst = answers[i].result;
	return worst;
}

static size_t begin_fill(struct tact_store *store, struct tact_store_pace *pace, size_t most)
{
	return store->engine->fill_is_aside ? begin_chunk(pace, CHUNK_ASIDE, most)
					    : tact_store_pace_begin(store, pace, most);
}

static void end_fill(struct tact_store *store, struct tact_store_pace *pace, size_t done)
{
	bool beside;

	if (!store->engine->fill_is_aside) {
		tact_store_pace_end(store, pace, done);
		return;
	}
	beside = others_write(store, pace);
	pace->held_us = monotonic_us() - pace->began_us;
	pace->rest_us = !beside				      ? 0
			: pace->held_us < REST_MOST_MS * 1000 ? pace->held_us
							      : REST_MOST_MS * 1000;
	pace->chunk = chunk_that_fits(pace, done, beside ? HOLD_QUIET_US : HOLD_ASIDE_US);
}

int tact_store_fill(struct tact_store *store, struct tact_store_pace *pace, const struct tact_store_key *keys,
    const struct tact_store_put *puts, size_t count, struct tact_store_answer *ret_answers,
    struct tact_error *err)
{
	int result = TACT_OK;

	for (size_t i = 0; i < count; i++)
		ret_answers[i] = (struct tact_store_answer){.result = TACT_UNAVAILABLE};
	for (size_t at = 0, n; at < count && result == TACT_OK; at += n) {
		int64_t deadline_ms;

		n = begin_fill(store, pace, count - at);
		deadline_ms = tact_clock_monotonic_ms() + CHUNK_WAIT_MS;
		if (store->engine->fill)
			store->engine->fill(store, keys + at, puts + at, n, ret_answers + at, deadline_ms);
		else
			fill_by_update(store, keys + at, puts + at, n, ret_answers + at, deadline_ms);
		end_fill(store, pace, n);
		result = worst_but_refused(ret_answers + at, n);
	}
	if (result != TACT_OK && err)
		tact_store_last_error(store, err);
	return result;
}

/* ---- update in chunks -------------------------------------------------------------------------------- */

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
			rest_us(1000 * (took_ms < REST_MOST_MS ? took_ms : REST_MOST_MS));
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

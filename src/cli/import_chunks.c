/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The sorted rows of a long import on their way into the store, a chunk at a time: some threads read and make
 * the next ones while one loads, or changes, what is made.
 */
#include <config.h>

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "import_chunks.h"

#define CHUNK 65536		/* rows that are loaded in one go */
#define SMALLER 4		/* the first are fewer, each half of the next: loading waits for them */
#define CHANGE_MOST 500		/* of people who are known */
#define REUSED_BYTES (32 << 20) /* the most that malloc lets itself be told */
#define BEHIND 5		/* of what nice(1) counts: who makes chunks is behind who stores them */

static void show_progress(const struct bulk *bulk, bool end)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%s %llu of %llu%s", bulk->label, (unsigned long long)bulk->mark.done,
		    (unsigned long long)bulk->mark.rows, end ? "\n" : "");
}

/* ---- making a chunk ---- */

static size_t rows_most(size_t chunks_before)
{
	return chunks_before < SMALLER ? CHUNK >> (SMALLER - chunks_before) : CHUNK;
}

/* One person's rows may stand in two chunks: of the second he is known. TACT_OK also at the end, with none.
 */
static int read_chunk(struct bulk *bulk, struct chunk *chunk, size_t most)
{
	struct cli_spool_words words = {0};
	int result = TACT_OK;

	tact_arena_reset(chunk->arena);
	if (chunk->rows == NULL)
		chunk->rows = tact_malloc(CHUNK * sizeof *chunk->rows); /* each is written whole */
	for (chunk->count = 0; chunk->count < most; chunk->count++) {
		struct cli_import_row *row = &chunk->rows[chunk->count];
		struct tact_id key;
		const void *bytes;
		size_t size;

		result = cli_merge_next(bulk->merge, &key, &bytes, &size, &chunk->err);
		if (result != TACT_OK)
			break;
		if (!cli_spool_unpack(bytes, size, bulk->import, chunk->arena, &words, row))
			return tact_error_set(&chunk->err, TACT_CORRUPT,
			    "%s is not as it was written; begin again with --anew", bulk->rows_path);
		row->key = key;
	}
	return result == TACT_ABSENT ? TACT_OK : result;
}

static int load_row(void *context, size_t index, struct tact_load_row *ret, struct tact_error *err)
{
	struct chunk *chunk = context;
	const struct bulk *bulk = chunk->bulk;
	const struct cli_import_row *row = chunk->loads[index];
	struct tact_recipient recipient;
	int result;

	cli_import_change(bulk->import, bulk->cli->by, row, &ret->change);
	ret->address = NULL;
	if (!bulk->cli->config->rules.keep_addresses || row->by != CLI_BY_ADDRESS)
		return TACT_OK;
	result = cli_import_person(bulk->import, chunk->arena, row, &recipient, err);
	if (result == TACT_OK)
		ret->address = recipient.address.canonical;
	return result;
}

/* Whoever may stand under other keys as well is changed, not loaded: those are to be looked at. */
static int make_load(struct bulk *bulk, struct chunk *chunk)
{
	struct tact_arena *arena = chunk->arena;
	struct tact_id *ids = tact_arena_alloc(arena, chunk->count * sizeof *ids);

	chunk->loads = tact_arena_alloc(arena, chunk->count * sizeof(struct cli_import_row *));
	chunk->changes = tact_arena_alloc(arena, chunk->count * sizeof(struct cli_import_row *));
	chunk->loads_count = chunk->changes_count = 0;
	for (size_t i = 0; i < chunk->count; i++) {
		const struct cli_import_row *row = &chunk->rows[i];

		if (row->also) {
			chunk->changes[chunk->changes_count++] = row;
			continue;
		}
		ids[chunk->loads_count] = row->key;
		chunk->loads[chunk->loads_count++] = row;
	}
	return tact_decide_load_begin(bulk->cli->decider, arena, ids, chunk->loads_count, load_row, chunk,
	    bulk->import->now_us, &chunk->load, &chunk->err);
}

/* Rows are read by one at a time, in their order. NULL when there are no more to be made. */
static struct chunk *read_next(struct bulk *bulk)
{
	struct chunk *chunk = NULL;

	pthread_mutex_lock(&bulk->read_lock);
	pthread_mutex_lock(&bulk->lock);
	if (!bulk->read_all) {
		chunk = &bulk->chunks[bulk->chunks_read++ % CHUNKS];
		while (chunk->state != CHUNK_FREE && !bulk->stop)
			pthread_cond_wait(&bulk->moved, &bulk->lock);
		chunk->state = CHUNK_MAKING;
		chunk = bulk->stop ? NULL : chunk;
	}
	pthread_mutex_unlock(&bulk->lock);
	if (chunk != NULL) {
		chunk->result = read_chunk(bulk, chunk, rows_most(bulk->chunks_read - 1));
		bulk->read_all = chunk->result != TACT_OK || chunk->count == 0;
	}
	pthread_mutex_unlock(&bulk->read_lock);
	return chunk;
}

/* A thread of its own, or several. The chunk without rows, or that failed, is the last that is looked at. */
static void *make_chunks(void *context)
{
	struct bulk *bulk = context;
	struct chunk *chunk;

	/* Whoever stores is waited for by all. Of one thread on Linux. */
	(void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + BEHIND);
	while ((chunk = read_next(bulk)) != NULL) {
		if (chunk->result == TACT_OK && chunk->count > 0 && !bulk->dry)
			chunk->result = make_load(bulk, chunk);
		pthread_mutex_lock(&bulk->lock);
		chunk->state = CHUNK_FULL;
		pthread_cond_broadcast(&bulk->moved);
		pthread_mutex_unlock(&bulk->lock);
	}
	return NULL;
}

/* ---- storing a chunk ---- */

static int change_rows(struct bulk *bulk, struct tact_arena *arena, const struct cli_import_row *const *rows,
    size_t count, struct tact_error *err)
{
	struct tact_decider *decider = bulk->cli->decider;
	struct tact_recipient *recipients = tact_arena_alloc(arena, count * sizeof *recipients);
	struct tact_change *changes = tact_arena_alloc(arena, count * sizeof *changes);
	struct tact_changed *changed = tact_arena_alloc(arena, count * sizeof *changed);
	int64_t now_us = bulk->import->now_us;
	int result = TACT_OK;

	for (size_t i = 0; i < count && result == TACT_OK; i++) {
		result = cli_import_person(bulk->import, arena, rows[i], &recipients[i], err);
		cli_import_change(bulk->import, bulk->cli->by, rows[i], &changes[i]);
	}
	if (result == TACT_OK)
		result = bulk->dry ? tact_decide_change_preview(
					 decider, arena, recipients, changes, count, now_us, changed, err)
				   : tact_decide_change(
					 decider, arena, recipients, changes, count, now_us, 0, changed, err);
	for (size_t i = 0; i < count && result == TACT_OK; i++) {
		bulk->mark.fresh += changed[i].changed;
		bulk->mark.known += !changed[i].changed;
	}
	return result;
}

/* A change takes some kilobytes, which are given back after each few of them. */
static int change_all(
    struct bulk *bulk, const struct cli_import_row *const *rows, size_t count, struct tact_error *err)
{
	struct tact_store *store = bulk->cli->store;
	struct tact_arena *arena = tact_arena_new();
	int result = TACT_OK;

	for (size_t at = 0, n; at < count && result == TACT_OK; at += n) {
		size_t most = count - at < CHANGE_MOST ? count - at : CHANGE_MOST;

		n = bulk->dry ? most : tact_store_pace_begin(store, &bulk->change_pace, most);
		result = change_rows(bulk, arena, rows + at, n, err);
		if (!bulk->dry)
			tact_store_pace_end(store, &bulk->change_pace, n);
		tact_arena_reset(arena);
	}
	tact_arena_free(&arena);
	return result;
}

static int load_chunk(struct bulk *bulk, struct chunk *chunk, struct tact_error *err)
{
	struct tact_changed *changed = tact_arena_alloc(chunk->arena, (chunk->count + 1) * sizeof *changed);
	int result = tact_decide_load_end(chunk->load, &bulk->pace, changed, err);

	for (size_t i = 0; i < chunk->loads_count && result == TACT_OK; i++) {
		if (changed[i].result == TACT_REFUSED)
			chunk->changes[chunk->changes_count++] = chunk->loads[i];
		bulk->mark.fresh += changed[i].result == TACT_OK && changed[i].changed;
		bulk->mark.known += changed[i].result == TACT_OK && !changed[i].changed;
	}
	return result == TACT_OK ? change_all(bulk, chunk->changes, chunk->changes_count, err) : result;
}

static int preview_chunk(struct bulk *bulk, struct chunk *chunk, struct tact_error *err)
{
	const struct cli_import_row **rows =
	    tact_arena_alloc(chunk->arena, chunk->count * sizeof(struct cli_import_row *));

	for (size_t i = 0; i < chunk->count; i++)
		rows[i] = &chunk->rows[i];
	return change_all(bulk, rows, chunk->count, err);
}

/* ---- all of them ---- */

/* One that failed is done anew when the import goes on, and counted then. */
static int store_chunk(struct bulk *bulk, struct chunk *chunk, struct tact_error *err)
{
	struct cli_mark before = bulk->mark;
	int result = bulk->dry ? preview_chunk(bulk, chunk, err) : load_chunk(bulk, chunk, err);

	if (result != TACT_OK) {
		bulk->mark.fresh = before.fresh;
		bulk->mark.known = before.known;
		return result;
	}
	bulk->mark.done += chunk->count;
	show_progress(bulk, false);
	return bulk->dry ? TACT_OK : cli_bulk_mark(bulk, false, err);
}

/* What the maker made, in its order. */
static int store_chunks(struct bulk *bulk, struct tact_error *err)
{
	for (size_t n = 0;; n++) {
		struct chunk *chunk = &bulk->chunks[n % CHUNKS];
		int result;

		pthread_mutex_lock(&bulk->lock);
		while (chunk->state != CHUNK_FULL)
			pthread_cond_wait(&bulk->moved, &bulk->lock);
		pthread_mutex_unlock(&bulk->lock);
		result = chunk->result;
		if (result != TACT_OK)
			*err = chunk->err;
		if (result != TACT_OK || chunk->count == 0)
			return result;
		result = store_chunk(bulk, chunk, err);
		if (result != TACT_OK)
			return result;
		pthread_mutex_lock(&bulk->lock);
		chunk->state = CHUNK_FREE;
		pthread_cond_broadcast(&bulk->moved);
		pthread_mutex_unlock(&bulk->lock);
	}
}

int cli_chunks_run(struct bulk *bulk, struct tact_error *err)
{
	int result;

	bulk->label = bulk->dry ? "looked at" : "loaded";
	result = bulk->makers_count > 0 ? store_chunks(bulk, err)
					: tact_error_set(err, TACT_SYSTEM, "no thread can be started");
	show_progress(bulk, true);
	if (result == TACT_OK && bulk->mark.done != bulk->mark.rows)
		result = tact_error_set(err, TACT_CORRUPT,
		    "%s holds other rows than were written; begin again with --anew", bulk->rows_path);
	return result;
}

static void start_makers(struct bulk *bulk)
{
	while (bulk->makers_count < MAKERS &&
	       pthread_create(&bulk->makers[bulk->makers_count], NULL, make_chunks, bulk) == 0)
		bulk->makers_count++;
}

static void end_makers(struct bulk *bulk)
{
	pthread_mutex_lock(&bulk->lock);
	bulk->stop = true;
	pthread_cond_broadcast(&bulk->moved);
	pthread_mutex_unlock(&bulk->lock);
	while (bulk->makers_count > 0)
		pthread_join(bulk->makers[--bulk->makers_count], NULL);
}

/* Begins with nothing in hand. */
void cli_chunks_begin(struct bulk *bulk)
{
	bulk->arena = tact_arena_new();
	for (size_t i = 0; i < CHUNKS; i++)
		bulk->chunks[i] = (struct chunk){.bulk = bulk, .arena = tact_arena_new()};
	pthread_mutex_init(&bulk->lock, NULL);
	pthread_mutex_init(&bulk->read_lock, NULL);
	pthread_cond_init(&bulk->moved, NULL);
	(void)malloc_trim(0); /* reading had its own */
	/* A chunk's memory is that of the one before it, not the system's again. */
	(void)mallopt(M_MMAP_THRESHOLD, REUSED_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, REUSED_BYTES);
	start_makers(bulk);
}

void cli_chunks_end(struct bulk *bulk)
{
	end_makers(bulk);
	tact_arena_free(&bulk->arena);
	for (size_t i = 0; i < CHUNKS; i++) {
		tact_arena_free(&bulk->chunks[i].arena);
		free(bulk->chunks[i].rows);
	}
	pthread_cond_destroy(&bulk->moved);
	pthread_mutex_destroy(&bulk->lock);
	pthread_mutex_destroy(&bulk->read_lock);
}

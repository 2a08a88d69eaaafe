/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One batch: load its keys, run the functions of all its steps, commit what changed by the versions that were
 * read. Knows neither threads nor what an outcome means for the callers.
 */
#include <config.h>

#include "frame.h"
#include "postgres_batch.h"
#include "postgres_list.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_MOST ((size_t)64 << 20)

/* ---- cells ---- */

static int compare_cells(const void *a, const void *b)
{
	return tact_store_key_compare(&((const struct pg_cell *)a)->key, &((const struct pg_cell *)b)->key);
}

static struct pg_cell *find_cell(const struct pg_batch *batch, const struct tact_store_key *key)
{
	struct pg_cell like = {.key = *key};
	return bsearch(&like, batch->cells, batch->cells_count, sizeof like, compare_cells);
}

bool pg_batch_holds(const struct pg_batch *batch, const struct tact_store_key *key)
{
	return batch->cells_count > 0 && find_cell(batch, key) != NULL;
}

void pg_batch_sort(struct pg_batch *batch)
{
	size_t kept = 0;

	for (size_t i = 0; i < batch->count; i++)
		batch->cells[i] = (struct pg_cell){.key = batch->steps[i]->key};
	qsort(batch->cells, batch->count, sizeof *batch->cells, compare_cells);
	for (size_t i = 0; i < batch->count; i++)
		if (i == 0 || compare_cells(&batch->cells[i], &batch->cells[kept - 1]) != 0)
			batch->cells[kept++] = batch->cells[i];
	batch->cells_count = kept;
	for (size_t i = 0; i < batch->count; i++)
		batch->steps[i]->cell = (size_t)(find_cell(batch, &batch->steps[i]->key) - batch->cells);
}

/* ---- load ---- */

static void load_cell(struct pg_cell *cell, uint64_t version, const void *bytes, size_t size)
{
	cell->loaded = true;
	if (version == 0)
		return;
	/* A frame that does not say what the column says could never be changed by its version. */
	cell->corrupt = tact_store_frame_read(bytes, size, &cell->key, &cell->now, NULL) != TACT_OK ||
			cell->now.version != version;
	cell->read_version = version;
}

static bool key_of_row(const struct pg_link *link, size_t row, struct tact_store_key *ret)
{
	size_t size;
	const void *id = pg_link_value(link, row, 1, &size);

	ret->kind = (enum tact_store_kind)pg_link_integer(link, row, 0);
	if (size == TACT_ID_BYTES)
		memcpy(ret->id.b, id, TACT_ID_BYTES);
	return size == TACT_ID_BYTES;
}

static void take_loaded(struct pg_batch *batch, const struct pg_link *link)
{
	for (size_t row = 0; row < pg_link_rows(link); row++) {
		struct tact_store_key key;
		struct pg_cell *cell = key_of_row(link, row, &key) ? find_cell(batch, &key) : NULL;
		size_t size;
		const void *bytes = pg_link_value(link, row, 3, &size);

		if (cell)
			load_cell(cell, (uint64_t)pg_link_integer(link, row, 2), bytes, size);
		batch->store_now_us = pg_link_integer(link, row, 4);
	}
}

enum pg_outcome pg_batch_load(struct pg_batch *batch, struct pg_link *link, int64_t deadline_ms)
{
	size_t count = batch->cells_count;
	struct pg_list kinds = pg_list_new(batch->arena, count, PG_INT2, 2 * count),
		       ids = pg_list_new(batch->arena, count, PG_BYTEA, TACT_ID_BYTES * count);
	enum pg_outcome outcome;

	for (size_t i = 0; i < count; i++) {
		pg_list_add_integer(&kinds, (int64_t)batch->cells[i].key.kind, 2);
		pg_list_add_bytes(&ids, batch->cells[i].key.id.b, TACT_ID_BYTES);
	}
	const struct pg_param params[] = {pg_list_param(&kinds), pg_list_param(&ids)};
	batch->asked_us = pg_clock_monotonic_us();
	outcome = pg_link_call(link, PG_LOAD, params, 2, deadline_ms);
	if (outcome == PG_DONE)
		take_loaded(batch, link);
	return outcome;
}

/* ---- run ---- */

/* What a step wants becomes what the next one sees. The bytes are copied at once: they may be in a buffer
 * that the next call writes over. */
static void change_cell(
    struct pg_batch *batch, struct pg_cell *cell, const struct tact_store_put *put, struct pg_step *step)
{
	/* What another step of the batch took away is not begun below what it had. */
	uint64_t before = cell->now.version > cell->read_version ? cell->now.version : cell->read_version;
	uint64_t version = tact_store_next_version(before, batch->store_now_us);

	cell->changed = step->changed = true;
	step->answer.version = version;
	cell->now = (struct tact_record){0};
	if (put->remove)
		return;
	cell->now.version = version;
	cell->now.wake_us = tact_store_wake(put->wake_us);
	cell->now.size = put->size;
	if (put->size > 0)
		cell->now.bytes = tact_arena_copy(batch->arena, put->bytes, put->size);
}

static bool call_fn(struct pg_batch *batch, const struct pg_step *step, const struct tact_record *now,
    struct tact_store_put *ret)
{
	struct pg_request *r = step->request;
	size_t index = (size_t)(step - r->steps);
	bool changed;

	pthread_mutex_lock(&r->fn_lock);
	changed = r->fn(r->context, index, now, batch->store_now_us, ret);
	pthread_mutex_unlock(&r->fn_lock);
	return changed;
}

static void run_step(struct pg_batch *batch, struct pg_step *step)
{
	struct pg_cell *cell = &batch->cells[step->cell];
	struct tact_store_put put = {.wake_us = cell->now.wake_us};

	step->changed = false;
	step->answer = (struct tact_store_answer){.result = TACT_UNAVAILABLE};
	if (cell->corrupt)
		step->answer.result = TACT_CORRUPT;
	if (!cell->loaded || cell->corrupt)
		return;
	step->answer = (struct tact_store_answer){.result = TACT_OK, .version = cell->now.version};
	if (call_fn(batch, step, &cell->now, &put)) {
		if (put.size > RECORD_MOST) {
			step->answer.result = TACT_UNAVAILABLE;
			return;
		}
		change_cell(batch, cell, &put, step);
	}
	cell->ran = true;
}

void pg_batch_run(struct pg_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		if (batch->steps[i])
			run_step(batch, batch->steps[i]);
}

static void deliver_step(const struct pg_batch *batch, struct pg_step *step)
{
	const struct pg_cell *cell = &batch->cells[step->cell];

	step->answer.result = cell->corrupt ? TACT_CORRUPT : cell->loaded ? TACT_OK : TACT_UNAVAILABLE;
	if (step->answer.result != TACT_OK)
		return;
	step->answer.version = cell->now.version;
	step->record = cell->now;
	if (cell->now.size > 0) {
		void *bytes = tact_malloc(cell->now.size);
		memcpy(bytes, cell->now.bytes, cell->now.size);
		step->record.bytes = bytes;
	}
}

void pg_batch_deliver(struct pg_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		if (batch->steps[i])
			deliver_step(batch, batch->steps[i]);
}

/* ---- commit ---- */

struct changes {
	struct pg_list kinds, ids, expected, versions, wakes, frames;
};

static size_t frame_bytes(const struct pg_cell *cell)
{
	return cell->changed && cell->now.version != 0 ? tact_store_frame_bytes(&cell->now) : 0;
}

static void add_frame(struct pg_list *list, const struct pg_cell *cell)
{
	size_t size = frame_bytes(cell);

	void *to = pg_list_add_room(list, size);

	if (size > 0)
		tact_store_frame_write(to, &cell->key, &cell->now);
}

/* See tact_commit: above 0 writes, 0 only asks, -1 removes. What was not there need not be removed. */
static int64_t wanted_version(const struct pg_cell *cell)
{
	if (!cell->changed || (cell->now.version == 0 && cell->read_version == 0))
		return 0;
	return cell->now.version == 0 ? -1 : (int64_t)cell->now.version;
}

static void add_change(struct changes *changes, const struct pg_cell *cell)
{
	pg_list_add_integer(&changes->kinds, (int64_t)cell->key.kind, 2);
	pg_list_add_bytes(&changes->ids, cell->key.id.b, TACT_ID_BYTES);
	pg_list_add_integer(&changes->expected, (int64_t)cell->read_version, 8);
	pg_list_add_integer(&changes->versions, wanted_version(cell), 8);
	pg_list_add_integer(&changes->wakes, cell->now.wake_us, 8);
	add_frame(&changes->frames, cell);
}

static struct changes changes_new(struct tact_arena *arena, size_t count, size_t frames_bytes)
{
	return (struct changes){
	    .kinds = pg_list_new(arena, count, PG_INT2, 2 * count),
	    .ids = pg_list_new(arena, count, PG_BYTEA, TACT_ID_BYTES * count),
	    .expected = pg_list_new(arena, count, PG_INT8, 8 * count),
	    .versions = pg_list_new(arena, count, PG_INT8, 8 * count),
	    .wakes = pg_list_new(arena, count, PG_INT8, 8 * count),
	    .frames = pg_list_new(arena, count, PG_BYTEA, frames_bytes),
	};
}

static enum pg_outcome send_changes(struct pg_link *link, const struct changes *changes, int64_t deadline_ms)
{
	const struct pg_param params[] = {pg_list_param(&changes->kinds), pg_list_param(&changes->ids),
	    pg_list_param(&changes->expected), pg_list_param(&changes->versions),
	    pg_list_param(&changes->wakes), pg_list_param(&changes->frames)};
	return pg_link_call(link, PG_COMMIT, params, 6, deadline_ms);
}

static void take_committed(struct pg_batch *batch, const struct pg_link *link)
{
	for (size_t row = 0; row < pg_link_rows(link); row++) {
		struct tact_store_key key;
		struct pg_cell *cell = key_of_row(link, row, &key) ? find_cell(batch, &key) : NULL;
		bool done = pg_link_integer(link, row, 2) == 1;

		if (cell) {
			cell->done = done;
			cell->refused = !done;
		}
	}
}

enum pg_outcome pg_batch_commit(struct pg_batch *batch, struct pg_link *link, int64_t deadline_ms)
{
	struct changes changes;
	size_t count = 0, bytes = 0;
	enum pg_outcome outcome;

	for (size_t i = 0; i < batch->cells_count; i++) {
		count += batch->cells[i].ran;
		bytes += batch->cells[i].ran ? frame_bytes(&batch->cells[i]) : 0;
	}
	if (count == 0)
		return PG_DONE;
	changes = changes_new(batch->arena, count, bytes);
	for (size_t i = 0; i < batch->cells_count; i++)
		if (batch->cells[i].ran)
			add_change(&changes, &batch->cells[i]);
	outcome = send_changes(link, &changes, deadline_ms);
	if (outcome == PG_DONE)
		take_committed(batch, link);
	return outcome;
}

enum pg_outcome pg_batch_probe(struct pg_link *link, bool writes, uint8_t first_byte, int64_t deadline_ms)
{
	struct pg_batch batch = {.arena = tact_arena_new(), .cells_count = 1};
	enum pg_outcome outcome;

	batch.cells[0] = (struct pg_cell){
	    .key = {.kind = TACT_STORE_DOSSIER, .id.b = {first_byte}}, .loaded = true, .ran = true};
	outcome =
	    writes ? pg_batch_commit(&batch, link, deadline_ms) : pg_batch_load(&batch, link, deadline_ms);
	tact_arena_free(&batch.arena);
	return outcome;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Making many records where none stand. Keys behind the last one are appended, which leaves no page half
 * empty; all others go where they belong. Slices of some rows are the writer's steps, so that it may end a
 * transaction between them.
 */
#include <config.h>

#include "lmdb_engine.h"

#include <stdlib.h>

#define SLICE 128

struct fill {
	struct tact_store_work work;
	const struct tact_store_key *keys;
	const struct tact_store_put *puts;
	size_t count;
	uint64_t *versions; /* of each row; 0: something stands there */
};

static int put_new(MDB_cursor *cursor, const struct tact_store_key *key, MDB_val *value, bool *appends)
{
	MDB_val id = lmdb_id_val(key), room = *value;
	int code = MDB_KEYEXIST;

	if (*appends)
		code = mdb_cursor_put(cursor, &id, value, MDB_APPEND | MDB_RESERVE);
	if (code != MDB_KEYEXIST)
		return code;
	*appends = false;
	*value = room;
	id = lmdb_id_val(key);
	return mdb_cursor_put(cursor, &id, value, MDB_NOOVERWRITE | MDB_RESERVE);
}

static int fill_row(struct lmdb *e, MDB_cursor *cursor, const struct fill *fill, size_t row, int64_t now_us,
    bool *appends, size_t *bytes)
{
	const struct tact_store_put *put = &fill->puts[row];
	struct tact_record record = {.bytes = put->bytes,
	    .size = put->size,
	    .version = tact_store_next_version(0, now_us),
	    .wake_us = tact_store_wake(put->wake_us)};
	MDB_val value = {.mv_size = tact_store_frame_bytes(&record)};
	int code = put_new(cursor, &fill->keys[row], &value, appends);

	fill->versions[row] = 0;
	if (code != 0)
		return code == MDB_KEYEXIST ? 0 : code;
	tact_store_frame_write_summed(value.mv_data, &fill->keys[row], &record, put->sum);
	fill->versions[row] = record.version;
	*bytes += value.mv_size;
	return lmdb_move_due(e, &fill->keys[row], 0, record.wake_us);
}

/* The rows of one slice that are of one kind, under one cursor. */
static int fill_run(
    struct lmdb *e, const struct fill *fill, size_t *row, size_t end, int64_t now_us, size_t *bytes)
{
	enum tact_store_kind kind = fill->keys[*row].kind;
	bool appends = true;
	MDB_cursor *cursor;
	int code = mdb_cursor_open(e->txn, e->kinds[kind], &cursor);

	if (code != 0)
		return code;
	for (; code == 0 && *row < end && fill->keys[*row].kind == kind; ++*row)
		code = fill_row(e, cursor, fill, *row, now_us, &appends, bytes);
	mdb_cursor_close(cursor);
	return code;
}

static int fill_step(
    void *engine, const struct tact_store_work *work, size_t index, struct tact_store_step *ret)
{
	struct lmdb *e = engine;
	const struct fill *fill = (const struct fill *)work;
	size_t row = index * SLICE, end = row + SLICE < fill->count ? row + SLICE : fill->count;
	int64_t now_us = tact_clock_now_us();
	int code = 0;

	if (mdb_txn_id(e->txn) != e->filled_txn)
		atomic_fetch_add(&e->fills, 1);
	e->filled_txn = mdb_txn_id(e->txn);
	while (code == 0 && row < end)
		code = fill_run(e, fill, &row, end, now_us, &ret->bytes);
	if (code != 0)
		return lmdb_lose_transaction(e, code, ret);
	ret->answer.result = TACT_OK;
	ret->changed = true;
	return TACT_OK;
}

void lmdb_fill(struct tact_store *store, const struct tact_store_key *keys, const struct tact_store_put *puts,
    size_t count, struct tact_store_answer *ret_answers, int64_t deadline_ms)
{
	struct lmdb *e = (struct lmdb *)store;
	size_t slices = (count + SLICE - 1) / SLICE;
	struct fill fill = {
	    {.step = fill_step}, keys, puts, count, tact_calloc(count, sizeof *fill.versions)};
	struct tact_store_answer *answers = tact_calloc(slices, sizeof *answers);

	lmdb_explain_outcome(e, tact_store_writer_do(e->writer, &fill.work, slices, answers, deadline_ms));
	for (size_t i = 0; i < count; i++) {
		int result = answers[i / SLICE].result;

		if (result == TACT_OK && fill.versions[i] == 0)
			result = TACT_REFUSED;
		ret_answers[i] = (struct tact_store_answer){
		    .result = result, .version = result == TACT_OK ? fill.versions[i] : 0};
	}
	free(answers);
	free(fill.versions);
}

/* Transactions are counted in the file, whoever committed them; those that filled are no others'. */
uint64_t lmdb_others(struct tact_store *store)
{
	struct lmdb *e = (struct lmdb *)store;
	MDB_envinfo info;

	mdb_env_info(e->env, &info);
	return info.me_last_txnid - atomic_load(&e->fills);
}

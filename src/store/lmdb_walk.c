/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Walks over whole databases in chunks: scan, what is due, check.
 */
#include <config.h>

#include "lmdb_engine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK_RECORDS 1024
#define CHUNK_BYTES ((size_t)1 << 20)
#define CHUNK_MS 50 /* a scan's read transaction: shorter than 100 ms, which is the promise */

/* ---- walks ------------------------------------------------------------------------------------------- */

/* One database from a key on, in chunks: each is copied out of a short read transaction, then handed on
 * without one. */
struct walk {
	struct lmdb *e;
	MDB_dbi dbi;
	uint8_t from[DUE_KEY_BYTES]; /* the last key seen, or where to begin */
	size_t from_size;
	bool after;  /* from itself was seen */
	bool at_end; /* nothing follows */
	size_t count;
	struct item {
		struct tact_store_key key;
		struct tact_record record; /* bytes: ours */
		const char *why;	   /* corrupt */
	} items[CHUNK_RECORDS];
};

/* Looks at one pair inside the transaction and may add an item to the chunk. False: the walk ends before this
 * pair. */
typedef bool (*look_fn)(
    struct walk *walk, MDB_txn *txn, const MDB_val *key, const MDB_val *value, void *context);

static struct walk *walk_new(struct lmdb *e, MDB_dbi dbi)
{
	struct walk *walk = tact_calloc(1, sizeof *walk);
	walk->e = e;
	walk->dbi = dbi;
	return walk;
}

static void walk_clear(struct walk *walk)
{
	for (size_t i = 0; i < walk->count; i++)
		free((void *)walk->items[i].record.bytes);
	walk->count = 0;
}

static void walk_free(struct walk *walk)
{
	walk_clear(walk);
	free(walk);
}

static int walk_seek(struct walk *walk, MDB_cursor *cursor, MDB_val *key, MDB_val *value)
{
	int code;
	if (walk->from_size == 0)
		return mdb_cursor_get(cursor, key, value, MDB_FIRST);
	*key = (MDB_val){.mv_size = walk->from_size, .mv_data = walk->from};
	code = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
	if (code == 0 && walk->after && key->mv_size == walk->from_size &&
	    memcmp(key->mv_data, walk->from, walk->from_size) == 0)
		code = mdb_cursor_get(cursor, key, value, MDB_NEXT);
	return code;
}

static int walk_pairs(struct walk *walk, MDB_txn *txn, MDB_cursor *cursor, look_fn look, void *context)
{
	int64_t until_ms = tact_clock_monotonic_ms() + CHUNK_MS;
	size_t bytes = 0;
	MDB_val key, value;
	int code = walk_seek(walk, cursor, &key, &value);

	for (; code == 0; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		if (key.mv_size > sizeof walk->from)
			return MDB_INCOMPATIBLE;
		if (!look(walk, txn, &key, &value, context)) {
			walk->at_end = true;
			return 0;
		}
		memcpy(walk->from, key.mv_data, key.mv_size);
		walk->from_size = key.mv_size;
		walk->after = true;
		bytes += value.mv_size;
		if (walk->count == CHUNK_RECORDS || bytes > CHUNK_BYTES ||
		    tact_clock_monotonic_ms() > until_ms)
			return 0;
	}
	walk->at_end = code == MDB_NOTFOUND;
	return code == MDB_NOTFOUND ? 0 : code;
}

/* Fills the next chunk: LMDB's code. */
static int walk_chunk(struct walk *walk, look_fn look, void *context)
{
	MDB_cursor *cursor;
	MDB_txn *txn;
	int code = lmdb_reader_begin(walk->e, &txn);

	walk_clear(walk);
	if (code != 0)
		return code;
	code = mdb_cursor_open(txn, walk->dbi, &cursor);
	if (code == 0) {
		code = walk_pairs(walk, txn, cursor, look, context);
		mdb_cursor_close(cursor);
	}
	lmdb_reader_end(walk->e, txn);
	return code;
}

static struct item *walk_add(struct walk *walk, const struct tact_store_key *key)
{
	struct item *item = &walk->items[walk->count++];
	*item = (struct item){.key = *key};
	return item;
}

static void item_read(struct item *item, const MDB_val *key, const MDB_val *value)
{
	if (key->mv_size != TACT_ID_BYTES)
		item->why = "the key has a wrong size";
	else
		tact_store_frame_read(value->mv_data, value->mv_size, &item->key, &item->record, &item->why);
}

static struct tact_store_key key_of_pair(enum tact_store_kind kind, const MDB_val *key)
{
	struct tact_store_key of = {.kind = kind};
	memcpy(of.id.b, key->mv_data, key->mv_size < TACT_ID_BYTES ? key->mv_size : TACT_ID_BYTES);
	return of;
}

static bool look_at_record(
    struct walk *walk, MDB_txn *txn, const MDB_val *key, const MDB_val *value, void *context)
{
	struct tact_store_key of = key_of_pair(*(const enum tact_store_kind *)context, key);
	struct item *item = walk_add(walk, &of);

	(void)txn;
	item_read(item, key, value);
	if (item->record.size > 0) {
		void *bytes = tact_malloc(item->record.size);
		memcpy(bytes, item->record.bytes, item->record.size);
		item->record.bytes = bytes;
	}
	return true;
}

int lmdb_scan(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn, void *context,
    struct tact_error *err)
{
	struct lmdb *e = (struct lmdb *)store;
	struct walk *walk = walk_new(e, e->kinds[kind]);
	uint64_t corrupt = 0;
	bool more = true;
	int code = 0, result = TACT_OK;

	while (more && !walk->at_end && (code = walk_chunk(walk, look_at_record, &kind)) == 0) {
		for (size_t i = 0; i < walk->count && more; i++) {
			const struct item *item = &walk->items[i];
			if (item->why)
				corrupt++;
			else
				more = fn(context, &item->key, &item->record);
		}
	}
	if (code != 0)
		result = lmdb_explain(e, code, err);
	else if (more && corrupt > 0)
		result = tact_store_report(store, TACT_CORRUPT, err,
		    "%" PRIu64 " %s records in %s cannot be read and were left out: run \"tact store check\"",
		    corrupt, tact_store_kind_name(kind), e->folder);
	walk_free(walk);
	return result;
}

/* ---- due --------------------------------------------------------------------------------------------- */

struct due {
	int64_t until_us;
	size_t left;
};

static bool parse_due(const MDB_val *key, struct tact_store_key *ret, int64_t *ret_wake_us)
{
	const uint8_t *bytes = key->mv_data;
	if (key->mv_size != DUE_KEY_BYTES || bytes[8] < TACT_STORE_DOSSIER || bytes[8] > TACT_STORE_ALIAS)
		return false;
	*ret_wake_us = (int64_t)tact_store_get_u64_be(bytes);
	ret->kind = bytes[8];
	memcpy(ret->id.b, bytes + 9, TACT_ID_BYTES);
	return true;
}

static bool look_at_due(
    struct walk *walk, MDB_txn *txn, const MDB_val *key, const MDB_val *value, void *context)
{
	struct due *due = context;
	struct tact_store_key of;
	int64_t wake_us;

	(void)txn, (void)value;
	if (!parse_due(key, &of, &wake_us))
		return true;
	if (wake_us > due->until_us || due->left == 0)
		return false;
	walk_add(walk, &of)->record.wake_us = wake_us;
	due->left--;
	return true;
}

int lmdb_due(struct tact_store *store, int64_t after_us, int64_t until_us, size_t limit,
    tact_store_scan_fn fn, void *context, struct tact_error *err)
{
	struct lmdb *e = (struct lmdb *)store;
	struct walk *walk = walk_new(e, e->due);
	struct due due = {until_us, limit};
	bool more = true;
	int code = 0, result = TACT_OK;

	tact_store_put_u64_be(walk->from, (uint64_t)after_us + 1);
	walk->from_size = 8;
	while (more && !walk->at_end && (code = walk_chunk(walk, look_at_due, &due)) == 0)
		for (size_t i = 0; i < walk->count && more; i++)
			more = fn(context, &walk->items[i].key, &walk->items[i].record);
	if (code != 0)
		result = lmdb_explain(e, code, err);
	walk_free(walk);
	return result;
}

/* ---- check ------------------------------------------------------------------------------------------- */

struct check {
	struct lmdb *e;
	enum tact_store_kind kind;
	struct tact_store_figures figures;
	void (*report)(void *context, const struct tact_store_key *key, const char *why);
	void *context;
};

static bool is_due(struct lmdb *e, MDB_txn *txn, const struct item *item)
{
	uint8_t bytes[DUE_KEY_BYTES];
	MDB_val due = lmdb_due_val(bytes, item->record.wake_us, &item->key), value;
	return mdb_get(txn, e->due, &due, &value) == 0;
}

/* Only what is wrong stays in the chunk. */
static bool check_record(
    struct walk *walk, MDB_txn *txn, const MDB_val *key, const MDB_val *value, void *context)
{
	struct check *check = context;
	struct tact_store_key of = key_of_pair(check->kind, key);
	struct item *item = walk_add(walk, &of);

	item_read(item, key, value);
	item->record.bytes = NULL;
	check->figures.records[check->kind]++;
	if (!item->why) {
		check->figures.emptied[check->kind] += item->record.size == 0;
		check->figures.waking += item->record.wake_us != 0;
		if (item->record.wake_us != 0 && !is_due(check->e, txn, item))
			item->why = "the record's wake time is not in the index";
	}
	if (!item->why)
		walk->count--;
	return true;
}

/* The way back: each entry of the index belongs to a record that wakes then. A corrupt record was reported
 * already. */
static bool check_due(
    struct walk *walk, MDB_txn *txn, const MDB_val *key, const MDB_val *value, void *context)
{
	struct check *check = context;
	struct tact_store_key of = {.kind = TACT_STORE_DOSSIER};
	struct tact_record record = {0};
	const char *why = NULL;
	int64_t wake_us = 0;

	(void)value;
	if (!parse_due(key, &of, &wake_us))
		walk_add(walk, &of)->why = "an entry of the wake index is damaged";
	else if (lmdb_get_record(check->e, txn, &of, &record, &why) == 0 && record.wake_us != wake_us)
		walk_add(walk, &of)->why = "the wake index names a time that the record does not";
	return true;
}

static int check_database(struct check *check, MDB_dbi dbi, look_fn look)
{
	struct walk *walk = walk_new(check->e, dbi);
	int code = 0;

	while (!walk->at_end && (code = walk_chunk(walk, look, check)) == 0) {
		for (size_t i = 0; i < walk->count; i++) {
			check->figures.corrupt++;
			if (check->report)
				check->report(check->context, &walk->items[i].key, walk->items[i].why);
		}
	}
	walk_free(walk);
	return code;
}

int lmdb_check(struct tact_store *store, struct tact_store_figures *ret,
    void (*report)(void *context, const struct tact_store_key *key, const char *why), void *context,
    struct tact_error *err)
{
	struct lmdb *e = (struct lmdb *)store;
	struct check check = {.e = e, .report = report, .context = context};
	MDB_envinfo info;
	MDB_stat stat;
	int code = 0;

	for (int kind = TACT_STORE_DOSSIER; kind <= TACT_STORE_ALIAS && code == 0; kind++) {
		check.kind = (enum tact_store_kind)kind;
		code = check_database(&check, e->kinds[kind], check_record);
	}
	if (code == 0)
		code = check_database(&check, e->due, check_due);
	if (code != 0)
		return lmdb_explain(e, code, err);
	mdb_env_info(e->env, &info);
	mdb_env_stat(e->env, &stat);
	check.figures.size_bytes = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
	check.figures.limit_bytes = info.me_mapsize;
	*ret = check.figures;
	return TACT_OK;
}

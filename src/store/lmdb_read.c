/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Reading records: a pool of read transactions, renewed for each call.
 */
#include <config.h>

#include "lmdb_engine.h"

#include <errno.h>
#include <sys/stat.h>

#define LINE_BYTES 64	 /* of a processor's cache, on most */
#define FETCH_BYTES 4096 /* beyond that the processor sees itself what is read */
#define PLACE_MS 10	 /* for so long a read believes the last look at where the file is */

/* ---- read transactions ------------------------------------------------------------------------------- */

int lmdb_reader_take(struct lmdb *e, MDB_txn **ret)
{
	MDB_txn *txn = NULL;
	int dead, code;

	if (atomic_load(&e->broken))
		return MDB_PANIC;
	pthread_mutex_lock(&e->pool_lock);
	if (e->pooled > 0)
		txn = e->pool[--e->pooled];
	pthread_mutex_unlock(&e->pool_lock);
	if (txn) {
		code = mdb_txn_renew(txn);
		if (code != 0)
			mdb_txn_abort(txn);
	} else {
		code = mdb_txn_begin(e->env, NULL, MDB_RDONLY, &txn);
		if (code == MDB_READERS_FULL && mdb_reader_check(e->env, &dead) == 0 && dead > 0)
			code = mdb_txn_begin(e->env, NULL, MDB_RDONLY, &txn);
	}
	if (code == 0)
		*ret = txn;
	return code;
}

/* A file that was moved away, deleted or replaced can still be read and written, and what is written to it is
 * found by nobody: other programs and we ourselves after a restart open what the url names. */
static int look_at_place(const struct lmdb *e)
{
	struct stat status;

	if (stat(e->data_path, &status) != 0)
		return errno == ENOENT || errno == ENOTDIR ? ESTALE : errno;
	return status.st_dev == e->data_device && status.st_ino == e->data_inode ? 0 : ESTALE;
}

int lmdb_check_place(struct lmdb *e)
{
	int64_t now_ms = tact_clock_monotonic_ms(); /* of before: a look may take long */
	int code = look_at_place(e);

	atomic_store(&e->place_seen_ms, code == 0 ? now_ms : 0);
	return code;
}

/* Nothing is accepted on a read alone, and each write looks: for reads the path need not be walked each time.
 */
int lmdb_reader_begin(struct lmdb *e, MDB_txn **ret)
{
	int64_t seen_ms = atomic_load(&e->place_seen_ms), now_ms = tact_clock_monotonic_ms();
	int code = now_ms - seen_ms < PLACE_MS ? 0 : lmdb_check_place(e);

	return code == 0 ? lmdb_reader_take(e, ret) : code;
}

void lmdb_reader_end(struct lmdb *e, MDB_txn *txn)
{
	mdb_txn_reset(txn);
	pthread_mutex_lock(&e->pool_lock);
	if (e->pooled < POOL_MOST) {
		e->pool[e->pooled++] = txn;
		txn = NULL;
	}
	pthread_mutex_unlock(&e->pool_lock);
	if (txn)
		mdb_txn_abort(txn);
}

MDB_val lmdb_id_val(const struct tact_store_key *key)
{
	return (MDB_val){.mv_size = TACT_ID_BYTES, .mv_data = (void *)key->id.b};
}

/* Asks for all of the record's memory at once: checked line after line, a record of a store that is larger
 * than the processor's caches is waited for again and again. */
static void fetch_ahead(const MDB_val *value)
{
	const char *bytes = value->mv_data;

	for (size_t at = 0; at < value->mv_size && at < FETCH_BYTES; at += LINE_BYTES)
		__builtin_prefetch(bytes + at);
}

/* LMDB's code; 0 with a record that points into the map, absent included. A wrong frame is MDB_CORRUPTED with
 * *ret_why; the transaction is well then. */
int lmdb_get_record(struct lmdb *e, MDB_txn *txn, const struct tact_store_key *key, struct tact_record *ret,
    const char **ret_why)
{
	MDB_val id = lmdb_id_val(key), value;
	int code = mdb_get(txn, e->kinds[key->kind], &id, &value);

	*ret_why = NULL;
	*ret = (struct tact_record){0};
	if (code == MDB_NOTFOUND)
		return 0;
	if (code != 0)
		return code;
	fetch_ahead(&value);
	return tact_store_frame_read(value.mv_data, value.mv_size, key, ret, ret_why) == TACT_OK
		   ? 0
		   : MDB_CORRUPTED;
}

void lmdb_report_record(struct lmdb *e, const struct tact_store_key *key, const char *why)
{
	char id[2 * TACT_ID_BYTES + 1];
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < TACT_ID_BYTES; i++) {
		id[2 * i] = digits[key->id.b[i] >> 4];
		id[2 * i + 1] = digits[key->id.b[i] & 15];
	}
	id[2 * TACT_ID_BYTES] = '\0';
	tact_store_report(&e->store, TACT_CORRUPT, NULL, "%s %s in %s: %s: run \"tact store check\"",
	    tact_store_kind_name(key->kind), id, e->folder, why);
}

/* False when the transaction is of no more use. */
static bool read_one(struct lmdb *e, MDB_txn *txn, const struct tact_store_key *key, struct tact_arena *arena,
    struct tact_record *ret, struct tact_store_answer *ret_answer)
{
	struct tact_record record;
	const char *why;
	int code = lmdb_get_record(e, txn, key, &record, &why);

	if (code != 0) {
		ret_answer->result = why || lmdb_means_corrupt(code) ? TACT_CORRUPT : TACT_UNAVAILABLE;
		if (why)
			lmdb_report_record(e, key, why);
		else
			lmdb_explain(e, code, NULL);
		return why != NULL;
	}
	if (record.size > 0)
		record.bytes = tact_arena_copy(arena, record.bytes, record.size);
	*ret = record;
	*ret_answer = (struct tact_store_answer){.result = TACT_OK, .version = record.version};
	return true;
}

void lmdb_read(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    struct tact_arena *arena, struct tact_record *ret_records, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	struct lmdb *e = (struct lmdb *)store;
	MDB_txn *txn = NULL;
	int code = 0;

	(void)deadline_ms; /* nothing to wait for */
	for (size_t i = 0; i < count && code == 0; i++) {
		if (!txn)
			code = lmdb_reader_begin(e, &txn);
		if (code == 0 && !read_one(e, txn, &keys[i], arena, &ret_records[i], &ret_answers[i])) {
			lmdb_reader_end(e, txn);
			txn = NULL;
		}
	}
	if (code != 0)
		lmdb_explain(e, code, NULL);
	if (txn)
		lmdb_reader_end(e, txn);
}

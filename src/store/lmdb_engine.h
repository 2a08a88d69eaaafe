/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the files of the embedded engine share, and the only place that knows LMDB's header.
 */
#ifndef TACT_STORE_LMDB_ENGINE_H
#define TACT_STORE_LMDB_ENGINE_H

#include "engine.h"
#include "frame.h"
#include "writer.h"

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#define POOL_MOST 128
#define DUE_KEY_BYTES (8 + 1 + TACT_ID_BYTES)

struct lmdb {
	struct tact_store store;
	char *folder;
	char *data_path;
	uint64_t map_size;
	dev_t device; /* of the folder: one process opens it once */
	ino_t inode;
	dev_t data_device; /* of the file that is open */
	ino_t data_inode;
	atomic_int_fast64_t place_seen_ms; /* by the monotonic clock, 0: it is not where it was */
	bool registered;
	struct lmdb *next_open;
	MDB_env *env;
	MDB_dbi kinds[TACT_STORE_KINDS], due, meta;
	struct tact_store_writer *writer;
	pthread_mutex_t pool_lock;
	MDB_txn *pool[POOL_MOST]; /* reset read transactions: they keep their reader slot */
	size_t pooled;
	atomic_bool broken; /* a commit failed and nobody knows how: only a restart helps */
	atomic_uint_fast64_t commits, fills;
	/* The writer thread's own. */
	MDB_txn *txn;
	size_t filled_txn; /* the latest transaction with a step of fill in it */
	void *scratch;	   /* the record a change function looks at */
	size_t scratch_size;
};

/* ---- lmdb_words.c ---- */

/* The result for a code of LMDB or errno; err gets words that say what to do. */
int lmdb_explain(struct lmdb *e, int code, struct tact_error *err);
/* The file, or what was read of it, is damaged. */
bool lmdb_means_corrupt(int code);

/* ---- lmdb_read.c ---- */

/* LMDB codes, 0 for none. A read transaction from the pool, whatever became of the folder. */
int lmdb_reader_take(struct lmdb *e, MDB_txn **ret);
/* Are folder and file still those that were opened? */
int lmdb_check_place(struct lmdb *e);
/* Both of them: what reads records begins so. The place was looked at within the last 10 ms. */
int lmdb_reader_begin(struct lmdb *e, MDB_txn **ret);
void lmdb_reader_end(struct lmdb *e, MDB_txn *txn);
MDB_val lmdb_id_val(const struct tact_store_key *key);
/* LMDB's code; 0 with a record that points into the map, absent included. A wrong frame is MDB_CORRUPTED with
 * *ret_why; the transaction is well then. */
int lmdb_get_record(struct lmdb *e, MDB_txn *txn, const struct tact_store_key *key, struct tact_record *ret,
    const char **ret_why);
void lmdb_report_record(struct lmdb *e, const struct tact_store_key *key, const char *why);
void lmdb_read(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    struct tact_arena *arena, struct tact_record *ret_records, struct tact_store_answer *ret_answers,
    int64_t deadline_ms);

/* ---- lmdb_write.c ---- */

MDB_val lmdb_due_val(uint8_t to[DUE_KEY_BYTES], int64_t wake_us, const struct tact_store_key *key);
int lmdb_move_due(struct lmdb *e, const struct tact_store_key *key, int64_t from_us, int64_t to_us);
/* Adds the words for what the writer did not even come to try. */
void lmdb_explain_outcome(struct lmdb *e, enum tact_store_outcome outcome);
/* A step that ends the whole transaction: what that means to the writer. */
int lmdb_lose_transaction(struct lmdb *e, int code, struct tact_store_step *ret);
void lmdb_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms);
void lmdb_update_then(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, tact_store_after_fn after, void *context, struct tact_store_answer *ret_answers,
    int64_t deadline_ms);
int lmdb_identity(struct tact_store *store, struct tact_arena *arena, char **ret, struct tact_error *err);
/* One piece of work by itself, waited for. */
int lmdb_do_alone(struct lmdb *e, const struct tact_store_work *work, struct tact_error *err);
int lmdb_set_identity(
    struct tact_store *store, const char *expected, const char *text, struct tact_error *err);
extern const struct tact_store_writer_limits lmdb_writer_limits;
extern const struct tact_store_writer_calls lmdb_writer_calls;

/* ---- lmdb_fill.c ---- */

void lmdb_fill(struct tact_store *store, const struct tact_store_key *keys, const struct tact_store_put *puts,
    size_t count, struct tact_store_answer *ret_answers, int64_t deadline_ms);
uint64_t lmdb_others(struct tact_store *store);

/* ---- lmdb_walk.c ---- */

int lmdb_scan(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn, void *context,
    struct tact_error *err);
int lmdb_due(struct tact_store *store, int64_t after_us, int64_t until_us, size_t limit,
    tact_store_scan_fn fn, void *context, struct tact_error *err);
int lmdb_check(struct tact_store *store, struct tact_store_figures *ret,
    void (*report)(void *context, const struct tact_store_key *key, const char *why), void *context,
    struct tact_error *err);

/* ---- lmdb.c ---- */

void lmdb_free(void *engine);

#endif

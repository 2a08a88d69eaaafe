/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Changing records: what the writer does with LMDB for each step, and the identity.
 */
#include <config.h>

#include "lmdb_engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define RECORD_MOST ((size_t)64 << 20)
#define OPEN_WAIT_MS 10000 /* for the writer's lock, at open and for the identity */
#define LOCKED_WORDS                                                                                         \
	"no answer from %s before the deadline: another program holds its lock (fuser %s/lock.mdb names "    \
	"it), or the disk is slow"

const struct tact_store_writer_limits lmdb_writer_limits = {
    .queue = 100000,
    .batch_steps = 512,
    .batch_bytes = 8 << 20,
    .batch_ms = 20,
    .idle_ms = 600000,
};

/* ---- the writer's transaction ------------------------------------------------------------------------ */

static int write_begin(void *engine)
{
	struct lmdb *e = engine;
	int code = atomic_load(&e->broken) ? MDB_PANIC : lmdb_check_place(e);
	if (code == 0)
		code = mdb_txn_begin(e->env, NULL, 0, &e->txn);
	if (code == 0)
		return TACT_OK;
	lmdb_explain(e, code, NULL);
	return TACT_UNAVAILABLE;
}

static void write_abort(void *engine)
{
	struct lmdb *e = engine;
	mdb_txn_abort(e->txn);
	e->txn = NULL;
}

/* LMDB answers EIO for a write that the system cut short, which is what a full disk and a size limit do
 * first. */
static int find_full(struct lmdb *e)
{
	struct statvfs disk;
	struct rlimit limit;
	struct stat file;
	mdb_filehandle_t fd;

	if (mdb_env_get_fd(e->env, &fd) != 0)
		return 0;
	if (fstat(fd, &file) == 0 && getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY && (rlim_t)file.st_size + 4096 > limit.rlim_cur)
		return EFBIG;
	if (fstatvfs(fd, &disk) == 0 && disk.f_bavail < 16)
		return ENOSPC;
	return 0;
}

/* Did the failure come when the new root was being written? Then LMDB refuses all further transactions.
 * Before that, nothing of the transaction can be seen by anybody, now or after a crash. */
static bool failed_at_root(struct lmdb *e)
{
	MDB_txn *probe;
	int code = lmdb_reader_take(e, &probe);
	if (code == 0)
		lmdb_reader_end(e, probe);
	return code == MDB_PANIC;
}

static bool did_not_happen(int code)
{
	static const int codes[] = {ENOSPC, EDQUOT, EFBIG, EROFS, ENOMEM, MDB_MAP_FULL, MDB_TXN_FULL};
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i] == code)
			return true;
	return false;
}

static int explain_commit(struct lmdb *e, int code)
{
	bool at_root = failed_at_root(e);
	int full = code == EIO ? find_full(e) : 0;

	if (!at_root && (full != 0 || did_not_happen(code))) {
		lmdb_explain(e, full != 0 ? full : code, NULL);
		return TACT_UNAVAILABLE;
	}
	atomic_store(&e->broken, true);
	lmdb_explain(e, code, NULL);
	return TACT_UNCERTAIN;
}

static int write_end(void *engine, bool wrote)
{
	struct lmdb *e = engine;
	int code;

	if (!wrote) { /* what was read is durable: LMDB shows nothing before it is */
		write_abort(e);
		return TACT_OK;
	}
	tact_edge("store.before-commit");
	code = mdb_txn_commit(e->txn);
	e->txn = NULL;
	if (code != 0)
		return explain_commit(e, code);
	tact_edge("store.after-commit");
	atomic_fetch_add(&e->commits, 1);
	return TACT_OK;
}

/* Readers that were killed keep their slots, and with them old pages. */
static void write_idle(void *engine)
{
	struct lmdb *e = engine;
	int dead;
	mdb_reader_check(e->env, &dead);
}

const struct tact_store_writer_calls lmdb_writer_calls = {
    .begin = write_begin,
    .end = write_end,
    .abort = write_abort,
    .idle = write_idle,
    .orphaned = lmdb_free,
};

/* ---- update ------------------------------------------------------------------------------------------ */

struct update {
	struct tact_store_work work;
	const struct tact_store_key *keys;
	tact_store_change_fn fn;
	void *context;
};

MDB_val lmdb_due_val(uint8_t to[DUE_KEY_BYTES], int64_t wake_us, const struct tact_store_key *key)
{
	tact_store_put_u64_be(to, (uint64_t)wake_us);
	to[8] = (uint8_t)key->kind;
	memcpy(to + 9, key->id.b, TACT_ID_BYTES);
	return (MDB_val){.mv_size = DUE_KEY_BYTES, .mv_data = to};
}

int lmdb_move_due(struct lmdb *e, const struct tact_store_key *key, int64_t from_us, int64_t to_us)
{
	uint8_t bytes[DUE_KEY_BYTES];
	MDB_val due, nothing = {0};
	int code = 0;

	if (from_us == to_us)
		return 0;
	if (from_us != 0) {
		due = lmdb_due_val(bytes, from_us, key);
		code = mdb_del(e->txn, e->due, &due, NULL);
		if (code == MDB_NOTFOUND)
			code = 0;
	}
	if (code == 0 && to_us != 0) {
		due = lmdb_due_val(bytes, to_us, key);
		code = mdb_put(e->txn, e->due, &due, &nothing, 0);
	}
	return code;
}

/* The change function gets a copy: LMDB's own pages move under the next put, and what it puts may be what it
 * got. */
static void copy_to_scratch(struct lmdb *e, struct tact_record *record)
{
	if (record->size == 0)
		return;
	if (record->size > e->scratch_size) {
		free(e->scratch);
		e->scratch = tact_malloc(record->size);
		e->scratch_size = record->size;
	}
	memcpy(e->scratch, record->bytes, record->size);
	record->bytes = e->scratch;
}

static int put_record(struct lmdb *e, const struct tact_store_key *key, const struct tact_record *old,
    const struct tact_record *new, size_t *ret_bytes)
{
	MDB_val id = lmdb_id_val(key), value = {.mv_size = tact_store_frame_bytes(new)};
	int code = mdb_put(e->txn, e->kinds[key->kind], &id, &value, MDB_RESERVE);

	if (code != 0)
		return code;
	tact_store_frame_write(value.mv_data, key, new);
	*ret_bytes = value.mv_size;
	return lmdb_move_due(e, key, old->wake_us, new->wake_us);
}

static int remove_record(struct lmdb *e, const struct tact_store_key *key, const struct tact_record *old)
{
	MDB_val id = lmdb_id_val(key);
	int code = mdb_del(e->txn, e->kinds[key->kind], &id, NULL);

	return code == 0 || code == MDB_NOTFOUND ? lmdb_move_due(e, key, old->wake_us, 0) : code;
}

/* The transaction is lost; so is LMDB's own view of it. */
int lmdb_lose_transaction(struct lmdb *e, int code, struct tact_store_step *ret)
{
	lmdb_explain(e, code, NULL);
	ret->answer.result = lmdb_means_corrupt(code) ? TACT_CORRUPT : TACT_UNAVAILABLE;
	return TACT_UNAVAILABLE;
}

static int update_step(
    void *engine, const struct tact_store_work *work, size_t index, struct tact_store_step *ret)
{
	struct lmdb *e = engine;
	const struct update *update = (const struct update *)work;
	const struct tact_store_key *key = &update->keys[index];
	struct tact_store_put put = {0};
	struct tact_record now;
	const char *why;
	int64_t now_us = tact_clock_now_us();
	int code = lmdb_get_record(e, e->txn, key, &now, &why);

	if (why) {
		lmdb_report_record(e, key, why);
		ret->answer.result = TACT_CORRUPT;
		return TACT_OK;
	}
	if (code != 0)
		return lmdb_lose_transaction(e, code, ret);
	copy_to_scratch(e, &now);
	put.wake_us = now.wake_us;
	ret->answer = (struct tact_store_answer){.result = TACT_OK, .version = now.version};
	if (!update->fn(update->context, index, &now, now_us, &put))
		return TACT_OK;
	if (put.size > RECORD_MOST) {
		ret->answer.result = tact_store_report(&e->store, TACT_UNAVAILABLE, NULL,
		    "a record of %zu bytes is too large for %s: trim the history", put.size, e->folder);
		return TACT_OK;
	}
	struct tact_record new = {
	    .bytes = put.bytes,
	    .size = put.size,
	    .version = tact_store_next_version(now.version, now_us),
	    .wake_us = tact_store_wake(put.wake_us),
	};
	code = put.remove ? remove_record(e, key, &now) : put_record(e, key, &now, &new, &ret->bytes);
	if (code != 0)
		return lmdb_lose_transaction(e, code, ret);
	ret->answer.version = new.version;
	ret->changed = true;
	return TACT_OK;
}

void lmdb_explain_outcome(struct lmdb *e, enum tact_store_outcome outcome)
{
	if (outcome == TACT_STORE_LATE || outcome == TACT_STORE_LATE_COMMIT)
		tact_store_report(&e->store, TACT_UNAVAILABLE, NULL, LOCKED_WORDS, e->folder, e->folder);
	else if (outcome == TACT_STORE_QUEUE_FULL)
		tact_store_report(&e->store, TACT_UNAVAILABLE, NULL,
		    "%zu calls wait for %s already: its disk is too slow for this traffic, or stuck",
		    lmdb_writer_limits.queue, e->folder);
}

void lmdb_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms)
{
	struct lmdb *e = (struct lmdb *)store;
	struct update update = {{.step = update_step}, keys, fn, context};
	lmdb_explain_outcome(
	    e, tact_store_writer_do(e->writer, &update.work, count, ret_answers, deadline_ms));
}

void lmdb_update_then(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, tact_store_after_fn after, void *context, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	struct lmdb *e = (struct lmdb *)store;
	struct update update = {
	    {.step = update_step, .after = after, .after_context = context}, keys, fn, context};
	lmdb_explain_outcome(
	    e, tact_store_writer_do(e->writer, &update.work, count, ret_answers, deadline_ms));
}

/* ---- identity ---------------------------------------------------------------------------------------- */

/* Framed like a record, under a key that no record has. */
static const struct tact_store_key identity_key;
static MDB_val identity_name = {.mv_size = 8, .mv_data = (void *)"identity"};

struct set_identity {
	struct tact_store_work work;
	const char *expected, *text;
};

static int get_identity(struct lmdb *e, MDB_txn *txn, struct tact_record *ret)
{
	MDB_val name = identity_name, value;
	int code = mdb_get(txn, e->meta, &name, &value);
	*ret = (struct tact_record){0};
	if (code == MDB_NOTFOUND)
		return 0;
	if (code != 0)
		return code;
	return tact_store_frame_read(value.mv_data, value.mv_size, &identity_key, ret, NULL) == TACT_OK
		   ? 0
		   : MDB_CORRUPTED;
}

int lmdb_identity(struct tact_store *store, struct tact_arena *arena, char **ret, struct tact_error *err)
{
	struct lmdb *e = (struct lmdb *)store;
	struct tact_record record;
	MDB_txn *txn;
	int code = lmdb_reader_begin(e, &txn);

	if (code != 0)
		return lmdb_explain(e, code, err);
	code = get_identity(e, txn, &record);
	if (code == 0)
		*ret = record.size > 0 ? tact_arena_strndup(arena, record.bytes, record.size)
				       : tact_arena_strdup(arena, "");
	lmdb_reader_end(e, txn);
	return code == 0 ? TACT_OK : lmdb_explain(e, code, err);
}

static int identity_step(
    void *engine, const struct tact_store_work *work, size_t index, struct tact_store_step *ret)
{
	struct lmdb *e = engine;
	const struct set_identity *set = (const struct set_identity *)work;
	struct tact_record now, new = {.bytes = set->text, .size = strlen(set->text)};
	MDB_val name = identity_name, value = {.mv_size = tact_store_frame_bytes(&new)};
	int code = get_identity(e, e->txn, &now);

	(void)index;
	if (code != 0)
		return lmdb_lose_transaction(e, code, ret);
	if (now.size != strlen(set->expected) ||
	    (now.size > 0 && memcmp(now.bytes, set->expected, now.size) != 0)) {
		ret->answer.result = TACT_REFUSED;
		return TACT_OK;
	}
	new.version = now.version + 1;
	code = mdb_put(e->txn, e->meta, &name, &value, MDB_RESERVE);
	if (code != 0)
		return lmdb_lose_transaction(e, code, ret);
	tact_store_frame_write(value.mv_data, &identity_key, &new);
	*ret = (struct tact_store_step){.answer.result = TACT_OK, .changed = true, .bytes = value.mv_size};
	return TACT_OK;
}

/* Work of one step that everybody may wait for. */
int lmdb_do_alone(struct lmdb *e, const struct tact_store_work *work, struct tact_error *err)
{
	struct tact_store_answer answer = {.result = TACT_UNAVAILABLE};
	lmdb_explain_outcome(
	    e, tact_store_writer_do(e->writer, work, 1, &answer, tact_clock_monotonic_ms() + OPEN_WAIT_MS));
	if (answer.result != TACT_OK && err)
		tact_store_last_error(&e->store, err);
	return answer.result;
}

int lmdb_set_identity(
    struct tact_store *store, const char *expected, const char *text, struct tact_error *err)
{
	struct lmdb *e = (struct lmdb *)store;
	struct set_identity set = {{.step = identity_step}, expected, text};
	int result = lmdb_do_alone(e, &set.work, err);
	if (result == TACT_REFUSED)
		return tact_store_report(
		    store, result, err, "the identity of %s is not the one expected", e->folder);
	return result;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The embedded engine, the only file that knows LMDB. One database for each kind (key: the id, value: a
 * frame), "due" (wake_us as 8 bytes big endian, kind, id → nothing), kept in the same transaction as its
 * record, and "meta". Default sync: a commit that succeeded is on the disk.
 *
 * Writes go through one thread (writer.c), reads through a pool of read transactions, and no read transaction
 * is held while a caller works: a page freed after it began cannot be used again before it ends, so a slow
 * reader would make the file grow.
 *
 * Sizes, and what is refused: a record above RECORD_MOST. SIGXFSZ is ignored in the whole process, so that a
 * file size limit is an error that can be answered.
 */
#include <config.h>

#include "engine.h"
#include "frame.h"
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lmdb.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MAP_SIZE_DEFAULT ((uint64_t)256 << 30)
#define MAP_SIZE_LEAST ((uint64_t)128 << 10)
#define MAP_SIZE_MOST ((uint64_t)64 << 40)
#define MAX_READERS 4096
#define POOL_MOST 128
#define RECORD_MOST ((size_t)64 << 20)
#define DUE_KEY_BYTES (8 + 1 + TACT_ID_BYTES)
#define LINE_BYTES 64	 /* of a processor's cache, on most */
#define FETCH_BYTES 4096 /* beyond that the processor sees itself what is read */
#define CHUNK_RECORDS 1024
#define CHUNK_BYTES ((size_t)1 << 20)
#define CHUNK_MS 50	   /* a scan's read transaction: shorter than 100 ms, which is the promise */
#define OPEN_WAIT_MS 10000 /* for the writer's lock, at open and for the identity */
#define CLOSE_WAIT_MS 5000
#define LOCKED_WORDS                                                                                         \
	"no answer from %s before the deadline: another program holds its lock (fuser %s/lock.mdb names "    \
	"it), or the disk is slow"

static const struct tact_store_writer_limits writer_limits = {
    .queue = 100000,
    .batch_steps = 512,
    .batch_bytes = 8 << 20,
    .batch_ms = 20,
    .idle_ms = 600000,
};

struct lmdb {
	struct tact_store store;
	char *folder;
	char *data_path;
	uint64_t map_size;
	dev_t device; /* of the folder: one process opens it once */
	ino_t inode;
	dev_t data_device; /* of the file that is open */
	ino_t data_inode;
	bool registered;
	struct lmdb *next_open;
	MDB_env *env;
	MDB_dbi kinds[TACT_STORE_KINDS], due, meta;
	struct tact_store_writer *writer;
	pthread_mutex_t pool_lock;
	MDB_txn *pool[POOL_MOST]; /* reset read transactions: they keep their reader slot */
	size_t pooled;
	atomic_bool broken; /* a commit failed and nobody knows how: only a restart helps */
	atomic_uint_fast64_t commits;
	/* The writer thread's own. */
	MDB_txn *txn;
	void *scratch; /* the record a change function looks at */
	size_t scratch_size;
};

/* LMDB loses its file locks when one process opens an environment twice. */
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static struct lmdb *open_list;

/* ---- words ------------------------------------------------------------------------------------------- */

struct words {
	int code, result;
	const char *text; /* %s is the folder */
};

static const struct words words_list[] = {
    {ENOSPC, TACT_UNAVAILABLE, "disk full: free space below %s"},
    {EDQUOT, TACT_UNAVAILABLE, "the disk quota is used up: raise it or free space below %s"},
    {EFBIG, TACT_UNAVAILABLE,
	"%s/data.mdb is as large as this process may make it: raise LimitFSIZE= (ulimit -f)"},
    {MDB_MAP_FULL, TACT_UNAVAILABLE,
	"the map of %s is full: raise map_size in the store's url for all programs and restart"},
    {MDB_TXN_FULL, TACT_UNAVAILABLE,
	"one transaction in %s became too large: send fewer or smaller records at once"},
    {MDB_MAP_RESIZED, TACT_UNAVAILABLE,
	"another program opened %s with a larger map_size: give all programs the same url"},
    {MDB_READERS_FULL, TACT_UNAVAILABLE, "all reader slots of %s are taken: end programs that hang in it"},
    {EROFS, TACT_UNAVAILABLE,
	"%s is on a read-only file system: mount it writable and look for disk errors (dmesg)"},
    {EACCES, TACT_SYSTEM,
	"no permission for %s: folder and files must belong to the user this program runs as"},
    {EPERM, TACT_SYSTEM,
	"no permission for %s: folder and files must belong to the user this program runs as"},
    {ENOENT, TACT_SYSTEM, "%s cannot be made: its parent folder must exist"},
    {ENOTDIR, TACT_SYSTEM, "%s is not a folder"},
    {ENOMEM, TACT_SYSTEM,
	"the map of %s does not fit: raise LimitAS= (ulimit -v) or lower map_size in the store's url"},
    {EMFILE, TACT_SYSTEM, "too many open files to open %s: raise LimitNOFILE= (ulimit -n)"},
    {EBUSY, TACT_UNAVAILABLE, "%s is already open in this program"},
    {MDB_INVALID, TACT_CORRUPT,
	"%s/data.mdb is not a store, or its header is damaged: restore it from a backup"},
    {MDB_VERSION_MISMATCH, TACT_CORRUPT,
	"%s was written by another version of LMDB: dump it there (mdb_dump), load it here"},
    {MDB_CORRUPTED, TACT_CORRUPT,
	"pages of %s are damaged: run \"tact store check\", restore it from a backup"},
    {MDB_PAGE_NOTFOUND, TACT_CORRUPT,
	"pages of %s are damaged: run \"tact store check\", restore it from a backup"},
    {MDB_INCOMPATIBLE, TACT_CORRUPT, "%s holds databases that are not tact's: restore it from a backup"},
    {MDB_PANIC, TACT_UNAVAILABLE,
	"an earlier write to %s failed and may or may not have happened: check the disk (dmesg), restart"},
    {ESTALE, TACT_UNAVAILABLE,
	"%s was moved away, deleted or replaced: put it back, or restart to work with what stands there now"},
    {EIO, TACT_UNAVAILABLE, "input/output error below %s: check the disk (dmesg), restart"},
};

static const struct words *find_words(int code)
{
	for (size_t i = 0; i < sizeof words_list / sizeof *words_list; i++)
		if (words_list[i].code == code)
			return &words_list[i];
	return NULL;
}

/* Remembers what LMDB's or the system's code means and what to do; returns our result for it. */
static int explain(struct lmdb *e, int code, struct tact_error *err)
{
	const struct words *words = find_words(code);
	if (!words)
		return tact_store_report(
		    &e->store, TACT_UNAVAILABLE, err, "%s: %s", e->folder, mdb_strerror(code));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return tact_store_report(&e->store, words->result, err, words->text, e->folder);
#pragma GCC diagnostic pop
}

/* A damaged page costs the key that stands on it, and no other. */
static bool means_corrupt(int code)
{
	const struct words *words = find_words(code);
	return words && words->result == TACT_CORRUPT;
}

/* ---- url --------------------------------------------------------------------------------------------- */

static int parse_map_size(const char *text, uint64_t *ret, struct tact_error *err)
{
	static const char units[] = "KMGT";
	char digits[16];
	size_t length = strlen(text);
	const char *unit = length > 0 ? strchr(units, text[length - 1]) : NULL;
	int64_t value;

	if (length < sizeof digits && unit) {
		memcpy(digits, text, length - 1);
		digits[length - 1] = '\0';
		int shift = 10 * (int)(unit - units + 1);
		if (tact_text_parse_int(digits, 1, (int64_t)(MAP_SIZE_MOST >> shift), &value, NULL) ==
			TACT_OK &&
		    (uint64_t)value << shift >= MAP_SIZE_LEAST) {
			*ret = (uint64_t)value << shift;
			return TACT_OK;
		}
	}
	return tact_error_set(err, TACT_INVALID,
	    "map_size \"%s\" is not a size: a whole number with K, M, G or T, from 128K to 64T, would be",
	    text);
}

/* *ret_folder is the caller's to free. */
static int parse_url(const char *rest, char **ret_folder, uint64_t *ret_map_size, struct tact_error *err)
{
	static const char option[] = "map_size=";
	const char *question = strchr(rest, '?');
	size_t length = question ? (size_t)(question - rest) : strlen(rest);
	uint64_t map_size = MAP_SIZE_DEFAULT;

	if (rest[0] != '/' || length < 2)
		return tact_error_set(
		    err, TACT_INVALID, "\"lmdb:%s\" names no folder: lmdb:/FOLDER would", rest);
	if (question) {
		if (strncmp(question + 1, option, sizeof option - 1) != 0)
			return tact_error_set(err, TACT_INVALID,
			    "\"%s\" is not an option of a store url: ?map_size=SIZE would be", question);
		if (parse_map_size(question + sizeof option, &map_size, err) != TACT_OK)
			return TACT_INVALID;
	}
	*ret_folder = tact_malloc(length + 1);
	memcpy(*ret_folder, rest, length);
	(*ret_folder)[length] = '\0';
	*ret_map_size = map_size;
	return TACT_OK;
}

static int lmdb_check_url(const char *rest, struct tact_error *err)
{
	char *folder = NULL;
	uint64_t map_size;
	int result = parse_url(rest, &folder, &map_size, err);
	free(folder);
	return result;
}

/* ---- read transactions ------------------------------------------------------------------------------- */

static int reader_take(struct lmdb *e, MDB_txn **ret)
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
static int check_place(const struct lmdb *e)
{
	struct stat status;

	if (stat(e->data_path, &status) != 0)
		return errno == ENOENT || errno == ENOTDIR ? ESTALE : errno;
	return status.st_dev == e->data_device && status.st_ino == e->data_inode ? 0 : ESTALE;
}

static int reader_begin(struct lmdb *e, MDB_txn **ret)
{
	int code = check_place(e);
	return code == 0 ? reader_take(e, ret) : code;
}

static void reader_end(struct lmdb *e, MDB_txn *txn)
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

static MDB_val id_val(const struct tact_store_key *key)
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
static int get_record(struct lmdb *e, MDB_txn *txn, const struct tact_store_key *key, struct tact_record *ret,
    const char **ret_why)
{
	MDB_val id = id_val(key), value;
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

static void report_record(struct lmdb *e, const struct tact_store_key *key, const char *why)
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
	int code = get_record(e, txn, key, &record, &why);

	if (code != 0) {
		ret_answer->result = why || means_corrupt(code) ? TACT_CORRUPT : TACT_UNAVAILABLE;
		if (why)
			report_record(e, key, why);
		else
			explain(e, code, NULL);
		return why != NULL;
	}
	if (record.size > 0)
		record.bytes = tact_arena_copy(arena, record.bytes, record.size);
	*ret = record;
	*ret_answer = (struct tact_store_answer){.result = TACT_OK, .version = record.version};
	return true;
}

static void lmdb_read(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    struct tact_arena *arena, struct tact_record *ret_records, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	struct lmdb *e = (struct lmdb *)store;
	MDB_txn *txn = NULL;
	int code = 0;

	(void)deadline_ms; /* nothing to wait for */
	for (size_t i = 0; i < count && code == 0; i++) {
		if (!txn)
			code = reader_begin(e, &txn);
		if (code == 0 && !read_one(e, txn, &keys[i], arena, &ret_records[i], &ret_answers[i])) {
			reader_end(e, txn);
			txn = NULL;
		}
	}
	if (code != 0)
		explain(e, code, NULL);
	if (txn)
		reader_end(e, txn);
}

/* ---- the writer's transaction ------------------------------------------------------------------------ */

static int write_begin(void *engine)
{
	struct lmdb *e = engine;
	int code = atomic_load(&e->broken) ? MDB_PANIC : check_place(e);
	if (code == 0)
		code = mdb_txn_begin(e->env, NULL, 0, &e->txn);
	if (code == 0)
		return TACT_OK;
	explain(e, code, NULL);
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
	int code = reader_take(e, &probe);
	if (code == 0)
		reader_end(e, probe);
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
		explain(e, full != 0 ? full : code, NULL);
		return TACT_UNAVAILABLE;
	}
	atomic_store(&e->broken, true);
	explain(e, code, NULL);
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

static void lmdb_free(void *engine);

static const struct tact_store_writer_calls writer_calls = {
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

static MDB_val due_val(uint8_t to[DUE_KEY_BYTES], int64_t wake_us, const struct tact_store_key *key)
{
	tact_store_put_u64_be(to, (uint64_t)wake_us);
	to[8] = (uint8_t)key->kind;
	memcpy(to + 9, key->id.b, TACT_ID_BYTES);
	return (MDB_val){.mv_size = DUE_KEY_BYTES, .mv_data = to};
}

static int move_due(struct lmdb *e, const struct tact_store_key *key, int64_t from_us, int64_t to_us)
{
	uint8_t bytes[DUE_KEY_BYTES];
	MDB_val due, nothing = {0};
	int code = 0;

	if (from_us == to_us)
		return 0;
	if (from_us != 0) {
		due = due_val(bytes, from_us, key);
		code = mdb_del(e->txn, e->due, &due, NULL);
		if (code == MDB_NOTFOUND)
			code = 0;
	}
	if (code == 0 && to_us != 0) {
		due = due_val(bytes, to_us, key);
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
	MDB_val id = id_val(key), value = {.mv_size = TACT_STORE_FRAME_BYTES + new->size};
	int code = mdb_put(e->txn, e->kinds[key->kind], &id, &value, MDB_RESERVE);

	if (code != 0)
		return code;
	tact_store_frame_write(value.mv_data, key, new);
	*ret_bytes = value.mv_size;
	return move_due(e, key, old->wake_us, new->wake_us);
}

static int remove_record(struct lmdb *e, const struct tact_store_key *key, const struct tact_record *old)
{
	MDB_val id = id_val(key);
	int code = mdb_del(e->txn, e->kinds[key->kind], &id, NULL);

	return code == 0 || code == MDB_NOTFOUND ? move_due(e, key, old->wake_us, 0) : code;
}

/* The transaction is lost; so is LMDB's own view of it. */
static int lose_transaction(struct lmdb *e, int code, struct tact_store_step *ret)
{
	explain(e, code, NULL);
	ret->answer.result = means_corrupt(code) ? TACT_CORRUPT : TACT_UNAVAILABLE;
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
	int code = get_record(e, e->txn, key, &now, &why);

	if (why) {
		report_record(e, key, why);
		ret->answer.result = TACT_CORRUPT;
		return TACT_OK;
	}
	if (code != 0)
		return lose_transaction(e, code, ret);
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
		return lose_transaction(e, code, ret);
	ret->answer.version = new.version;
	ret->changed = true;
	return TACT_OK;
}

/* Adds the words for what the writer did not even come to try. */
static void explain_outcome(struct lmdb *e, enum tact_store_outcome outcome)
{
	if (outcome == TACT_STORE_LATE || outcome == TACT_STORE_LATE_COMMIT)
		tact_store_report(&e->store, TACT_UNAVAILABLE, NULL, LOCKED_WORDS, e->folder, e->folder);
	else if (outcome == TACT_STORE_QUEUE_FULL)
		tact_store_report(&e->store, TACT_UNAVAILABLE, NULL,
		    "%zu calls wait for %s already: its disk is too slow for this traffic, or stuck",
		    writer_limits.queue, e->folder);
}

static void lmdb_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms)
{
	struct lmdb *e = (struct lmdb *)store;
	struct update update = {{.step = update_step}, keys, fn, context};
	explain_outcome(e, tact_store_writer_do(e->writer, &update.work, count, ret_answers, deadline_ms));
}

static void lmdb_update_then(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, tact_store_after_fn after, void *context, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	struct lmdb *e = (struct lmdb *)store;
	struct update update = {
	    {.step = update_step, .after = after, .after_context = context}, keys, fn, context};
	explain_outcome(e, tact_store_writer_do(e->writer, &update.work, count, ret_answers, deadline_ms));
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

static int lmdb_identity(
    struct tact_store *store, struct tact_arena *arena, char **ret, struct tact_error *err)
{
	struct lmdb *e = (struct lmdb *)store;
	struct tact_record record;
	MDB_txn *txn;
	int code = reader_begin(e, &txn);

	if (code != 0)
		return explain(e, code, err);
	code = get_identity(e, txn, &record);
	if (code == 0)
		*ret = record.size > 0 ? tact_arena_strndup(arena, record.bytes, record.size)
				       : tact_arena_strdup(arena, "");
	reader_end(e, txn);
	return code == 0 ? TACT_OK : explain(e, code, err);
}

static int identity_step(
    void *engine, const struct tact_store_work *work, size_t index, struct tact_store_step *ret)
{
	struct lmdb *e = engine;
	const struct set_identity *set = (const struct set_identity *)work;
	struct tact_record now, new = {.bytes = set->text, .size = strlen(set->text)};
	MDB_val name = identity_name, value = {.mv_size = TACT_STORE_FRAME_BYTES + new.size};
	int code = get_identity(e, e->txn, &now);

	(void)index;
	if (code != 0)
		return lose_transaction(e, code, ret);
	if (now.size != strlen(set->expected) ||
	    (now.size > 0 && memcmp(now.bytes, set->expected, now.size) != 0)) {
		ret->answer.result = TACT_REFUSED;
		return TACT_OK;
	}
	new.version = now.version + 1;
	code = mdb_put(e->txn, e->meta, &name, &value, MDB_RESERVE);
	if (code != 0)
		return lose_transaction(e, code, ret);
	tact_store_frame_write(value.mv_data, &identity_key, &new);
	*ret = (struct tact_store_step){.answer.result = TACT_OK, .changed = true, .bytes = value.mv_size};
	return TACT_OK;
}

/* Work of one step that everybody may wait for. */
static int do_alone(struct lmdb *e, const struct tact_store_work *work, struct tact_error *err)
{
	struct tact_store_answer answer = {.result = TACT_UNAVAILABLE};
	explain_outcome(
	    e, tact_store_writer_do(e->writer, work, 1, &answer, tact_clock_monotonic_ms() + OPEN_WAIT_MS));
	if (answer.result != TACT_OK && err)
		tact_store_last_error(&e->store, err);
	return answer.result;
}

static int lmdb_set_identity(
    struct tact_store *store, const char *expected, const char *text, struct tact_error *err)
{
	struct lmdb *e = (struct lmdb *)store;
	struct set_identity set = {{.step = identity_step}, expected, text};
	int result = do_alone(e, &set.work, err);
	if (result == TACT_REFUSED)
		return tact_store_report(
		    store, result, err, "the identity of %s is not the one expected", e->folder);
	return result;
}

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
	int code = reader_begin(walk->e, &txn);

	walk_clear(walk);
	if (code != 0)
		return code;
	code = mdb_cursor_open(txn, walk->dbi, &cursor);
	if (code == 0) {
		code = walk_pairs(walk, txn, cursor, look, context);
		mdb_cursor_close(cursor);
	}
	reader_end(walk->e, txn);
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

static int lmdb_scan(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn,
    void *context, struct tact_error *err)
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
		result = explain(e, code, err);
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

static int lmdb_due(struct tact_store *store, int64_t after_us, int64_t until_us, size_t limit,
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
		result = explain(e, code, err);
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
	MDB_val due = due_val(bytes, item->record.wake_us, &item->key), value;
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
	else if (get_record(check->e, txn, &of, &record, &why) == 0 && record.wake_us != wake_us)
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

static int lmdb_check(struct tact_store *store, struct tact_store_figures *ret,
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
		return explain(e, code, err);
	mdb_env_info(e->env, &info);
	mdb_env_stat(e->env, &stat);
	check.figures.size_bytes = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
	check.figures.limit_bytes = info.me_mapsize;
	*ret = check.figures;
	return TACT_OK;
}

/* ---- open and close ---------------------------------------------------------------------------------- */

static int sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), code = 0;
	if (fd < 0)
		return errno;
	if (fsync(fd) != 0 && errno != EINVAL && errno != EROFS)
		code = errno;
	close(fd);
	return code;
}

static int sync_parent(const char *folder)
{
	char *parent = tact_strdup(folder), *slash;
	int code;

	for (slash = parent + strlen(parent) - 1; slash > parent && *slash == '/'; slash--)
		*slash = '\0';
	slash = strrchr(parent, '/');
	slash[slash == parent ? 1 : 0] = '\0';
	code = sync_folder(parent);
	free(parent);
	/* A parent we may not read (0711) still holds the folder; its owner's next sync makes it last. */
	return code == EACCES ? 0 : code;
}

static int make_folder(struct lmdb *e)
{
	struct stat status;
	if (mkdir(e->folder, 0700) == 0)
		return sync_parent(e->folder);
	if (errno != EEXIST && errno != EROFS && errno != EACCES)
		return errno;
	int code = errno;
	if (stat(e->folder, &status) != 0)
		return code == EEXIST ? errno : code;
	return S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
}

static int register_open(struct lmdb *e)
{
	struct stat status;
	bool taken = false;

	if (stat(e->folder, &status) != 0)
		return errno;
	e->device = status.st_dev;
	e->inode = status.st_ino;
	pthread_mutex_lock(&open_lock);
	for (const struct lmdb *other = open_list; other; other = other->next_open)
		taken |= other->device == e->device && other->inode == e->inode;
	if (!taken) {
		e->next_open = open_list;
		open_list = e;
		e->registered = true;
	}
	pthread_mutex_unlock(&open_lock);
	return taken ? EBUSY : 0;
}

static void unregister_open(struct lmdb *e)
{
	if (!e->registered)
		return;
	pthread_mutex_lock(&open_lock);
	for (struct lmdb **at = &open_list; *at; at = &(*at)->next_open) {
		if (*at == e) {
			*at = e->next_open;
			break;
		}
	}
	pthread_mutex_unlock(&open_lock);
}

/* Reading a mapped page past the end of the file is SIGBUS. A file that was cut short gets zeros there: then
 * LMDB says "corrupted". fallocate never shrinks a file that another program lets grow meanwhile. */
static int mend_length(struct lmdb *e)
{
	MDB_envinfo info;
	MDB_stat header;
	struct stat file;
	mdb_filehandle_t fd;
	off_t want;

	mdb_env_info(e->env, &info);
	mdb_env_stat(e->env, &header);
	mdb_env_get_fd(e->env, &fd);
	if (fstat(fd, &file) != 0)
		return errno;
	e->data_device = file.st_dev;
	e->data_inode = file.st_ino;
	want = ((off_t)info.me_last_pgno + 1) * (off_t)header.ms_psize;
	if (file.st_size >= want || fallocate(fd, 0, file.st_size, want - file.st_size) == 0)
		return 0;
	return errno == EOPNOTSUPP ? 0 : errno;
}

static int open_env(struct lmdb *e)
{
	int code = mdb_env_create(&e->env);
	if (code == 0)
		code = mdb_env_set_mapsize(e->env, e->map_size);
	if (code == 0)
		code = mdb_env_set_maxreaders(e->env, MAX_READERS);
	if (code == 0)
		code = mdb_env_set_maxdbs(e->env, TACT_STORE_KINDS + 2);
	if (code == 0)
		code = mdb_env_open(e->env, e->folder, MDB_NOTLS, 0600);
	if (code == 0)
		code = mend_length(e);
	/* What an earlier process wrote but did not live to see on the disk is now read by us: make it last
	 * first. */
	if (code == 0)
		code = mdb_env_sync(e->env, 1);
	if (code == 0)
		code = sync_folder(e->folder);
	return code;
}

static int open_databases(struct lmdb *e, MDB_txn *txn, unsigned flags)
{
	int code = 0;
	for (int kind = TACT_STORE_DOSSIER; kind <= TACT_STORE_ALIAS && code == 0; kind++)
		code = mdb_dbi_open(
		    txn, tact_store_kind_name((enum tact_store_kind)kind), flags, &e->kinds[kind]);
	if (code == 0)
		code = mdb_dbi_open(txn, "due", flags, &e->due);
	if (code == 0)
		code = mdb_dbi_open(txn, "meta", flags, &e->meta);
	return code;
}

/* Handles opened in a transaction stay when it is committed, a read one too. */
static int open_existing_databases(struct lmdb *e)
{
	MDB_txn *txn;
	int dead, code;

	mdb_reader_check(e->env, &dead);
	code = mdb_txn_begin(e->env, NULL, MDB_RDONLY, &txn);
	if (code != 0)
		return code;
	code = open_databases(e, txn, 0);
	if (code != 0) {
		mdb_txn_abort(txn);
		return code;
	}
	return mdb_txn_commit(txn);
}

static int create_step(
    void *engine, const struct tact_store_work *work, size_t index, struct tact_store_step *ret)
{
	struct lmdb *e = engine;
	int code = open_databases(e, e->txn, MDB_CREATE);
	(void)work, (void)index;
	if (code != 0)
		return lose_transaction(e, code, ret);
	*ret = (struct tact_store_step){.answer.result = TACT_OK, .changed = true};
	return TACT_OK;
}

/* Frees what there is; also called by the writer's thread when it comes back after close gave up waiting. */
static void lmdb_free(void *engine)
{
	struct lmdb *e = engine;
	while (e->pooled > 0)
		mdb_txn_abort(e->pool[--e->pooled]);
	if (e->env)
		mdb_env_close(e->env);
	unregister_open(e);
	pthread_mutex_destroy(&e->pool_lock);
	tact_store_clear(&e->store);
	free(e->scratch);
	free(e->data_path);
	free(e->folder);
	free(e);
}

static void lmdb_close(struct tact_store *store)
{
	struct lmdb *e = (struct lmdb *)store;
	if (!e->writer || tact_store_writer_stop(&e->writer, CLOSE_WAIT_MS))
		lmdb_free(e);
}

static int open_all(struct lmdb *e, struct tact_error *err)
{
	struct tact_store_work create = {.step = create_step};
	int code = make_folder(e);
	if (code == 0)
		code = register_open(e);
	if (code == 0)
		code = open_env(e);
	if (code == 0)
		code = open_existing_databases(e);
	if (code != 0 && code != MDB_NOTFOUND)
		return explain(e, code, err);
	e->writer = tact_store_writer_new(&writer_calls, &writer_limits, e);
	if (!e->writer)
		return tact_store_report(&e->store, TACT_SYSTEM, err,
		    "no thread can be made for %s: raise LimitNPROC= or TasksMax=", e->folder);
	return code == MDB_NOTFOUND ? do_alone(e, &create, err) : TACT_OK;
}

static int lmdb_open(const char *rest, struct tact_store **ret, struct tact_error *err)
{
	struct lmdb *e;
	char *folder;
	uint64_t map_size;
	int result = parse_url(rest, &folder, &map_size, err);

	if (result != TACT_OK)
		return result;
	signal(SIGXFSZ, SIG_IGN);
	e = tact_calloc(1, sizeof *e);
	tact_store_init(&e->store, &tact_store_lmdb);
	pthread_mutex_init(&e->pool_lock, NULL);
	e->folder = folder;
	e->data_path = tact_malloc(strlen(folder) + sizeof "/data.mdb");
	snprintf(e->data_path, strlen(folder) + sizeof "/data.mdb", "%s/data.mdb", folder);
	e->map_size = map_size;
	result = open_all(e, err);
	if (result == TACT_OK)
		*ret = &e->store;
	else
		lmdb_close(&e->store);
	return result;
}

static int64_t lmdb_now_us(struct tact_store *store)
{
	(void)store;
	return tact_clock_now_us();
}

static uint64_t lmdb_commits(struct tact_store *store)
{
	return atomic_load(&((struct lmdb *)store)->commits);
}

const struct tact_store_engine tact_store_lmdb = {
    .scheme = "lmdb:",
    .check_url = lmdb_check_url,
    .open = lmdb_open,
    .close = lmdb_close,
    .read = lmdb_read,
    .update = lmdb_update,
    .update_then = lmdb_update_then,
    .scan = lmdb_scan,
    .due = lmdb_due,
    .identity = lmdb_identity,
    .set_identity = lmdb_set_identity,
    .now_us = lmdb_now_us,
    .check = lmdb_check,
    .commits = lmdb_commits,
};

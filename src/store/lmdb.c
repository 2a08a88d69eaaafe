/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The embedded engine: opening and closing it; its other files are named in lmdb_engine.h. One database for
 * each kind (key: the id, value: a frame), "due" (wake_us as 8 bytes big endian, kind, id → nothing), kept in
 * the same transaction as its record, and "meta". Default sync: a commit that succeeded is on the disk.
 *
 * Writes go through one thread (writer.c), reads through a pool of read transactions, and no read transaction
 * is held while a caller works: a page freed after it began cannot be used again before it ends, so a slow
 * reader would make the file grow.
 *
 * Sizes, and what is refused: a record above RECORD_MOST. SIGXFSZ is ignored in the whole process, so that a
 * file size limit is an error that can be answered.
 */
#include <config.h>

#include "lmdb_engine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_SIZE_DEFAULT ((uint64_t)256 << 30)
#define MAP_SIZE_LEAST ((uint64_t)128 << 10)
#define MAP_SIZE_MOST ((uint64_t)64 << 40)
#define MAX_READERS 4096
#define CLOSE_WAIT_MS 5000

/* LMDB loses its file locks when one process opens an environment twice. */
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static struct lmdb *open_list;

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
		return lmdb_lose_transaction(e, code, ret);
	*ret = (struct tact_store_step){.answer.result = TACT_OK, .changed = true};
	return TACT_OK;
}

/* Frees what there is; also called by the writer's thread when it comes back after close gave up waiting. */
void lmdb_free(void *engine)
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
		return lmdb_explain(e, code, err);
	e->writer = tact_store_writer_new(&lmdb_writer_calls, &lmdb_writer_limits, e);
	if (!e->writer)
		return tact_store_report(&e->store, TACT_SYSTEM, err,
		    "no thread can be made for %s: raise LimitNPROC= or TasksMax=", e->folder);
	return code == MDB_NOTFOUND ? lmdb_do_alone(e, &create, err) : TACT_OK;
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

static void lmdb_go_first(struct tact_store *store)
{
	struct lmdb *e = (struct lmdb *)store;

	tact_store_writer_go_first(e->writer);
}

static bool lmdb_is_over(struct tact_store *store)
{
	return atomic_load(&((struct lmdb *)store)->broken);
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
    .fill = lmdb_fill,
    .others = lmdb_others,
    .scan = lmdb_scan,
    .due = lmdb_due,
    .identity = lmdb_identity,
    .set_identity = lmdb_set_identity,
    .now_us = lmdb_now_us,
    .check = lmdb_check,
    .commits = lmdb_commits,
    .is_over = lmdb_is_over,
    .go_first = lmdb_go_first,
};

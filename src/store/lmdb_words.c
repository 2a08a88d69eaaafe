/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * LMDB's error codes in words, and what to do about each.
 */
#include <config.h>

#include "lmdb_engine.h"

#include <errno.h>
#include <string.h>

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
int lmdb_explain(struct lmdb *e, int code, struct tact_error *err)
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
bool lmdb_means_corrupt(int code)
{
	const struct words *words = find_words(code);
	return words && words->result == TACT_CORRUPT;
}

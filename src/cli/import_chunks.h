/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What import_bulk.c and import_chunks.c tell one another of a long import. Nobody else includes this.
 */
#ifndef TACT_CLI_IMPORT_CHUNKS_H
#define TACT_CLI_IMPORT_CHUNKS_H

#include <pthread.h>
#include <stdatomic.h>

#include "private.h"

#define MAKERS 2
#define CHUNKS (MAKERS + 1)

/* Rows on their way into the store. */
struct chunk {
	struct bulk *bulk;
	enum { CHUNK_FREE, CHUNK_MAKING, CHUNK_FULL } state; /* MAKING: a maker's, FULL: the main thread's */
	struct tact_arena *arena;
	struct cli_import_row *rows; /* as many as a chunk has at most, for all that it is used for */
	size_t count;		     /* 0: the end */
	struct tact_load *load;
	const struct cli_import_row **loads,
	    **changes; /* rows that are loaded; that are changes from the start */
	size_t loads_count, changes_count;
	int result;
	struct tact_error err;
};

struct bulk {
	struct cli *cli;
	struct cli_import *import;
	FILE *const *files;
	const char *folder, *rows_path, *mark_path, *digest;
	const char *lock_path;
	int lock_fd;	  /* held while the other files are used; -1: not */
	uint8_t *digests; /* of each file, then of the options */
	struct cli_mark mark;
	bool went_on;		   /* an earlier run had begun */
	atomic_uint_fast64_t read; /* rows, about: for the progress */
	struct cli_runs *runs;
	struct cli_merge *merge;
	bool dry;
	struct chunk chunks[CHUNKS]; /* some are made while one goes into the store */
	pthread_t makers[MAKERS];
	size_t makers_count;
	pthread_mutex_t read_lock; /* of the rows being read, and of read_all */
	size_t chunks_read;
	bool read_all;
	pthread_mutex_t lock; /* of the chunks' states, and of stop */
	pthread_cond_t moved;
	bool stop;				  /* no more are wanted */
	struct tact_store_pace pace, change_pace; /* a change takes longer than a load */
	int64_t marked_ms;
	struct tact_arena *arena; /* of the mark being written */
	const char *sources;	  /* names and digests, for the evidence */
	const char *label;	  /* of the progress */
};

/* ---- import_bulk.c ---- */

/* Writes how far it has come: NOW, or else only when that was not done lately. TACT_OK or TACT_SYSTEM. */
int cli_bulk_mark(struct bulk *bulk, bool now, struct tact_error *err);

/* ---- import_chunks.c ---- */

/* Before rows are put into the store; the merge is open, at the first that is not in it. From here on threads
 * of its own make chunks, and use the merge and what the import keeps of all rows, until cli_chunks_end. */
void cli_chunks_begin(struct bulk *bulk);
/* Loads all rows that are left and marks how far it came; when it is dry, only looks at them. TACT_OK, or
 * what stopped it: what the mark counts is done all the same. */
int cli_chunks_run(struct bulk *bulk, struct tact_error *err);
void cli_chunks_end(struct bulk *bulk);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What csv.c and csv_shared.c tell one another of a file being read. Nobody else includes this.
 */
#ifndef TACT_CLI_CSV_READER_H
#define TACT_CLI_CSV_READER_H

#include <csv.h>

#include "private.h"

#define CSV_TOLD_MAX 100
#define CSV_COLUMNS_MAX 256
#define CSV_TEXT_BYTES 1024

struct cli_csv {
	const struct cli_csv_file *file;
	struct tact_arena *arena; /* of one record */
	struct csv_parser parser;
	uint64_t line, record_line; /* where we are, where the record began */
	bool after_return;	    /* a line feed now ends no line, but belongs to the one before */
	uint64_t record;	    /* a number that rises with each; two may share a line */
	size_t record_bytes;
	FILE *told;		   /* where mistakes go */
	char text[CSV_TEXT_BYTES]; /* of the record's cells, as far as it goes; the arena has the others' */
	size_t text_used;
	char *cells[CSV_COLUMNS_MAX];
	size_t cells_count;
	bool too_wide;
	int columns[CSV_COLUMNS_MAX]; /* field of each column, or -1 */
	size_t columns_count;	      /* 0: the header has not come yet */
	bool stopped;		      /* nothing more can be read of this file */
};

void cli_csv_begin(struct cli_csv *r, const struct cli_csv_file *file);
void cli_csv_end(struct cli_csv *r);
/* How much of the block was taken: all, or up to the end of the header when that is all that is wanted. */
size_t cli_csv_feed_block(struct cli_csv *r, const char *block, size_t length, bool header_alone);
/* There is nothing behind what was fed. */
void cli_csv_finish(struct cli_csv *r);
/* fread, and FILE sees what was read. */
size_t cli_csv_read_block(const struct cli_csv_file *file, FILE *stream, char *to, size_t most);

/* ---- csv_shared.c ---- */

/* cli_csv_read for a file with threads. */
int cli_csv_read_shared(const struct cli_csv_file *file, FILE *stream);

#endif

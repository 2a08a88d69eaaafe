/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A CSV file read by several threads: the caller's reads blocks of whole records and hands them out, the
 * others take them apart. Mistakes are told in the order of the file, whoever found them first.
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "csv_reader.h"

#define BLOCK ((size_t)256 << 10) /* longer than any record may be */

#define RECORDS ((uint64_t)1 << 20) /* more than stand in a block */

enum state { FREE, READY, TAKEN, DONE };

/* Whole records, or what is left at the end of the file. */
struct block {
	enum state state;
	char *bytes;
	size_t length;
	uint64_t number, line; /* of its first byte */
	bool last, after_return;
	char *told; /* its mistakes, a line each, of which not all need be there */
	size_t told_bytes, mistakes;
	bool stopped;
};

struct reader {
	const struct cli_csv_file *file;
	const struct cli_csv *header;
	struct worker *workers;
	size_t threads;
	pthread_mutex_t lock; /* of all that follows, but the bytes of a block are whose state it is in */
	pthread_cond_t moved;
	struct block *blocks; /* number N stands at N modulo their count */
	size_t blocks_count;
	uint64_t read, taken, settled; /* numbers: read and not beyond … */
	bool stopped, ended;
	size_t told, mistakes; /* of this file and those before; of this one's rows */
};

struct worker {
	struct reader *reader;
	pthread_t thread;
	struct cli_csv_file file;
	struct cli_csv csv;
};

/* ---- taking apart ---- */

static struct block *block_of(struct reader *reader, uint64_t number)
{
	return &reader->blocks[number % reader->blocks_count];
}

static void take_apart(struct worker *worker, struct block *block)
{
	struct cli_csv *csv = &worker->csv;

	size_t before = *csv->file->mistakes;

	csv->line = block->line;
	csv->after_return = block->after_return;
	csv->record = block->number * RECORDS;
	csv->record_bytes = 0;
	csv->told = open_memstream(&block->told, &block->told_bytes);
	if (csv->told == NULL)
		abort(); /* out of memory */
	(void)cli_csv_feed_block(csv, block->bytes, block->length, false);
	if (block->last && !csv->stopped)
		cli_csv_finish(csv);
	fclose(csv->told);
	block->mistakes = *csv->file->mistakes - before;
	block->stopped = csv->stopped;
}

/* Prints what may be printed, line by line: the hundredth mistake is the last that is told. */
static void tell(struct reader *reader, const struct block *block)
{
	const char *at = block->told, *end = at + block->told_bytes;

	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		size_t length = line_end != NULL ? (size_t)(line_end - at) + 1 : (size_t)(end - at);

		if (reader->told++ < CSV_TOLD_MAX)
			fwrite(at, 1, length, stderr);
		at += length;
	}
}

/* Under the lock. What stands behind a mistake that stopped the reading was never read. */
static void settle(struct reader *reader)
{
	while (reader->settled < reader->taken && block_of(reader, reader->settled)->state == DONE) {
		struct block *block = block_of(reader, reader->settled++);

		if (!reader->stopped) {
			reader->mistakes += block->mistakes;
			tell(reader, block);
		}
		reader->stopped |= block->stopped;
		free(block->told);
		block->told = NULL;
		block->state = FREE;
	}
}

static void *work(void *context)
{
	struct worker *worker = context;
	struct reader *reader = worker->reader;

	pthread_mutex_lock(&reader->lock);
	for (;;) {
		struct block *block;

		while (reader->taken == reader->read && !reader->ended)
			pthread_cond_wait(&reader->moved, &reader->lock);
		if (reader->taken == reader->read)
			break;
		block = block_of(reader, reader->taken++);
		block->state = TAKEN;
		pthread_mutex_unlock(&reader->lock);
		take_apart(worker, block);
		pthread_mutex_lock(&reader->lock);
		block->state = DONE;
		settle(reader);
		pthread_cond_broadcast(&reader->moved);
	}
	pthread_mutex_unlock(&reader->lock);
	return NULL;
}

/* ---- handing out ---- */

/* Where the last whole record ends: behind a line's end outside quotation marks. 0: none does. In a file
 * whose marks stand where they must not, that may be wrong behind the first of them, where nothing is read.
 */
static size_t whole_records(const char *bytes, size_t length)
{
	bool quoted = false;
	size_t end = 0;

	if (memchr(bytes, '"', length) == NULL) {
		for (end = length; end > 0; end--)
			if (bytes[end - 1] == '\n' || bytes[end - 1] == '\r')
				return end;
		return 0;
	}
	for (size_t i = 0; i < length; i++) {
		quoted ^= bytes[i] == '"';
		if (!quoted && (bytes[i] == '\n' || bytes[i] == '\r'))
			end = i + 1;
	}
	return end;
}

/* NULL once nothing more is to be read. */
static struct block *free_block(struct reader *reader)
{
	struct block *block = block_of(reader, reader->read);

	pthread_mutex_lock(&reader->lock);
	while (block->state != FREE && !reader->stopped)
		pthread_cond_wait(&reader->moved, &reader->lock);
	if (reader->stopped)
		block = NULL;
	pthread_mutex_unlock(&reader->lock);
	return block;
}

static void hand_out(struct reader *reader, struct block *block)
{
	pthread_mutex_lock(&reader->lock);
	block->state = READY;
	block->number = reader->read++;
	pthread_cond_broadcast(&reader->moved);
	pthread_mutex_unlock(&reader->lock);
}

/* What was read behind the last whole record goes into the next block. */
struct rest {
	char bytes[2 * BLOCK];
	size_t length;
	uint64_t line;
	bool after_return;
};

/* As csv.c counts them. */
static void count_lines(struct rest *rest, const char *bytes, size_t length)
{
	const char *end = bytes + length, *at;

	if (length == 0)
		return;
	rest->line -= rest->after_return && *bytes == '\n';
	for (at = bytes; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
		rest->line++;
	for (at = bytes; (at = memchr(at, '\r', (size_t)(end - at))) != NULL; at++)
		rest->line += at + 1 == end || at[1] != '\n';
	rest->after_return = end[-1] == '\r';
}

static bool hand_out_next(struct reader *reader, struct rest *rest, FILE *stream)
{
	struct block *block = free_block(reader);
	size_t got, all;

	if (block == NULL)
		return false;
	memcpy(block->bytes, rest->bytes, rest->length);
	got = cli_csv_read_block(reader->file, stream, block->bytes + rest->length, 2 * BLOCK - rest->length);
	all = rest->length + got;
	block->last = got < 2 * BLOCK - rest->length;
	block->length = block->last ? all : whole_records(block->bytes, all);
	if (block->length == 0)
		block->length = all; /* a record that is too long, or the end */
	block->line = rest->line;
	block->after_return = rest->after_return;
	count_lines(rest, block->bytes, block->length);
	rest->length = all - block->length;
	memcpy(rest->bytes, block->bytes + block->length, rest->length);
	hand_out(reader, block);
	return !block->last;
}

/* ---- threads ---- */

/* With fewer threads than were asked for it takes longer. */
static void start(struct reader *reader, struct worker *workers)
{
	pthread_mutex_init(&reader->lock, NULL);
	pthread_cond_init(&reader->moved, NULL);
	reader->workers = workers;
	for (size_t i = 0; i < reader->threads; i++) {
		struct worker *worker = &workers[i];

		worker->reader = reader;
		worker->file = *reader->file;
		worker->file.context = reader->file->helper(reader->file->context, i, &worker->file.mistakes);
		cli_csv_begin(&worker->csv, &worker->file);
		memcpy(worker->csv.columns, reader->header->columns, sizeof worker->csv.columns);
		worker->csv.columns_count = reader->header->columns_count;
		if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
			cli_csv_end(&worker->csv);
			reader->threads = i;
		}
	}
}

static void finish(struct reader *reader)
{
	pthread_mutex_lock(&reader->lock);
	reader->ended = true;
	pthread_cond_broadcast(&reader->moved);
	pthread_mutex_unlock(&reader->lock);
	for (size_t i = 0; i < reader->threads; i++) {
		pthread_join(reader->workers[i].thread, NULL);
		cli_csv_end(&reader->workers[i].csv);
	}
	pthread_cond_destroy(&reader->moved);
	pthread_mutex_destroy(&reader->lock);
}

/* ---- the header, which the caller's thread reads ---- */

/* False when there is nothing to be handed out. */
static bool read_header(struct cli_csv *header, struct rest *rest, FILE *stream)
{
	bool first = true, more = true;

	while (more && !header->stopped && (first || header->columns_count == 0)) {
		size_t skip, taken;

		rest->length = cli_csv_read_block(header->file, stream, rest->bytes, BLOCK);
		more = rest->length > 0;
		skip = first ? cli_csv_skip_mark(rest->bytes, rest->length) : 0;
		taken = skip + cli_csv_feed_block(header, rest->bytes + skip, rest->length - skip, true);
		rest->length -= taken;
		memmove(rest->bytes, rest->bytes + taken, rest->length);
		first = false;
	}
	if (!more && !header->stopped)
		cli_csv_finish(header);
	rest->line = header->line;
	rest->after_return = header->after_return;
	return more && !header->stopped;
}

static int read_rows(struct reader *reader, struct rest *rest, FILE *stream)
{
	struct worker *workers = tact_calloc(reader->threads, sizeof *workers);
	struct block *blocks = tact_calloc(2 * reader->threads + 1, sizeof *blocks);

	reader->blocks = blocks;
	reader->blocks_count = 2 * reader->threads + 1;
	for (size_t i = 0; i < reader->blocks_count; i++)
		blocks[i].bytes = tact_malloc(sizeof rest->bytes);
	reader->told = *reader->file->mistakes;
	start(reader, workers);
	while (reader->threads > 0 && hand_out_next(reader, rest, stream))
		continue;
	finish(reader);
	*reader->file->mistakes += reader->mistakes;
	for (size_t i = 0; i < reader->blocks_count; i++)
		free(blocks[i].bytes);
	free(blocks);
	free(workers);
	return reader->threads > 0
		   ? EX_OK
		   : cli_fail(EX_OSERR, "%s: no thread can be made to read it", reader->file->name);
}

int cli_csv_read_shared(const struct cli_csv_file *file, FILE *stream)
{
	struct rest *rest = tact_calloc(1, sizeof *rest);
	struct cli_csv header;
	struct reader reader = {.file = file, .header = &header, .threads = file->threads};
	int code = EX_OK;

	cli_csv_begin(&header, file);
	if (read_header(&header, rest, stream))
		code = read_rows(&reader, rest, stream);
	cli_csv_end(&header);
	free(rest);
	return ferror(stream) ? cli_fail(EX_IOERR, "%s: %s", file->name, strerror(errno)) : code;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A CSV file with named columns, read by libcsv and handed over record by record, every mistake in it told
 * with its line. Knows nothing of what the columns mean, but for those that name a person.
 *
 * libcsv does not count lines: the file is fed to it in pieces that end with a line, and a record is named by
 * the line it begins in.
 */
#include <config.h>

#include <csv.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

#define TOLD_MAX 100
#define RECORD_MAX 65536
#define FIELD_MAX 4096
#define COLUMNS_MAX 256

struct cli_csv {
	const struct cli_csv_file *file;
	struct tact_arena *arena; /* of one record */
	struct csv_parser parser;
	uint64_t line, record_line; /* where we are, where the record began */
	size_t record_bytes;
	char *cells[COLUMNS_MAX];
	size_t cells_count;
	bool too_wide;
	int columns[COLUMNS_MAX]; /* field of each column, or -1 */
	size_t columns_count;	  /* 0: the header has not come yet */
	bool stopped;		  /* nothing more can be read of this file */
};

/* ---- mistakes ---- */

static void mistake_at(struct cli_csv *r, uint64_t line, const char *format, va_list args)
{
	if (++*r->file->mistakes > TOLD_MAX)
		return;
	fprintf(stderr, "%s:%llu: ", r->file->name, (unsigned long long)line);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

static void mistake(struct cli_csv *r, uint64_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void mistake(struct cli_csv *r, uint64_t line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	mistake_at(r, line, format, args);
	va_end(args);
}

void cli_csv_mistake(struct cli_csv *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	mistake_at(r, r->record_line, format, args);
	va_end(args);
}

const char *cli_csv_shown(struct cli_csv *r, const char *text)
{
	return tact_text_printable(r->arena, text, 80);
}

struct tact_arena *cli_csv_arena(struct cli_csv *r)
{
	return r->arena;
}

/* ---- cells ---- */

const char *cli_csv_cell(struct cli_csv *r, int field)
{
	for (size_t i = 0; i < r->columns_count; i++)
		if (r->columns[i] == field)
			return tact_text_trim(r->arena, r->cells[i]);
	return "";
}

bool cli_csv_has(const struct cli_csv *r, int field)
{
	for (size_t i = 0; i < r->columns_count; i++)
		if (r->columns[i] == field)
			return true;
	return false;
}

bool cli_csv_time(struct cli_csv *r, int field, const char *name, int64_t *ret_us)
{
	const char *text = cli_csv_cell(r, field);
	struct tact_error err;

	if (*text == '\0' || tact_text_parse_time(text, ret_us, &err) == TACT_OK)
		return true;
	cli_csv_mistake(r, "%s: %s", name, cli_safe(r->arena, err.text));
	return false;
}

const char *cli_csv_person(
    struct cli_csv *r, const struct tact_identity *identity, struct tact_recipient *ret, bool *ret_sha256)
{
	bool sha256 = cli_csv_has(r, CLI_CSV_SHA256);
	const char *text = cli_csv_cell(r, sha256 ? CLI_CSV_SHA256 : CLI_CSV_EMAIL);
	struct tact_error err;
	int result = sha256 ? tact_facts_recipient_of_sha256(r->arena, identity, text, ret, &err)
			    : tact_facts_recipient(r->arena, identity, text, ret, &err);

	if (result != TACT_OK) {
		cli_csv_mistake(
		    r, "%s: \"%s\": %s", sha256 ? "sha256" : "email", cli_csv_shown(r, text), err.text);
		return NULL;
	}
	*ret_sha256 = sha256;
	return text;
}

/* ---- the header ---- */

static int field_of(const struct cli_csv *r, const char *name)
{
	static const struct {
		const char *name;
		int field;
	} people[] = {{"email", CLI_CSV_EMAIL}, {"address", CLI_CSV_EMAIL}, {"recipient", CLI_CSV_EMAIL},
	    {"sha256", CLI_CSV_SHA256}};

	for (size_t i = 0; i < sizeof people / sizeof *people; i++)
		if (tact_text_equal_nocase(name, people[i].name))
			return people[i].field;
	if (r->file->keys && tact_text_equal_nocase(name, "key"))
		return CLI_CSV_KEY;
	return r->file->field_of != NULL ? r->file->field_of(r->file->context, name) : -1;
}

/* Both name the person. */
static bool says_again(int field, int other)
{
	return field == other || (field == CLI_CSV_SHA256 && other == CLI_CSV_EMAIL) ||
	       (field == CLI_CSV_EMAIL && other == CLI_CSV_SHA256);
}

static void take_column(struct cli_csv *r, size_t i)
{
	const char *name = tact_text_trim(r->arena, r->cells[i]);
	int field = field_of(r, name);

	for (size_t j = 0; field >= 0 && j < i && !r->stopped; j++)
		if (says_again(field, r->columns[j])) {
			mistake(r, r->record_line, "%s: column %zu says again what column %zu says; keep one",
			    cli_csv_shown(r, name), i + 1, j + 1);
			r->stopped = true;
		}
	if (field < 0 && *name != '\0' && r->file->ignored != NULL)
		r->file->ignored(r->file->context, cli_csv_shown(r, name));
	r->columns[i] = field;
}

static void read_header(struct cli_csv *r)
{
	for (size_t i = 0; i < r->cells_count; i++)
		take_column(r, i);
	r->columns_count = r->cells_count;
	if (r->stopped || cli_csv_has(r, CLI_CSV_EMAIL) || cli_csv_has(r, CLI_CSV_SHA256) ||
	    cli_csv_has(r, CLI_CSV_KEY))
		return;
	r->stopped = true;
	mistake(r, r->record_line,
	    "email: the first line is to name the columns, one of them email, address, recipient%s; for a "
	    "file "
	    "of one address a line say --plain",
	    r->file->keys ? ", sha256 or key" : " or sha256");
}

/* ---- what libcsv calls ---- */

static void on_field(void *data, size_t length, void *context)
{
	struct cli_csv *r = context;

	if (r->cells_count == COLUMNS_MAX) {
		r->too_wide = true;
		return;
	}
	if (length > FIELD_MAX) {
		mistake(r, r->record_line, "field %zu: longer than %d bytes", r->cells_count + 1, FIELD_MAX);
		r->stopped = true;
		return;
	}
	r->cells[r->cells_count++] =
	    length > 0 ? tact_arena_strndup(r->arena, data, length) : tact_arena_strdup(r->arena, "");
}

static void judge_record(struct cli_csv *r)
{
	if (r->too_wide)
		mistake(r, r->record_line, "more than %d fields", COLUMNS_MAX);
	else if (r->columns_count == 0)
		read_header(r);
	else if (r->cells_count != r->columns_count)
		mistake(r, r->record_line, "%zu fields where %s %zu", r->cells_count,
		    r->file->plain ? "one address stands alone, not" : "the header has", r->columns_count);
	else
		r->file->row(r->file->context, r);
}

static void on_record(int end, void *context)
{
	struct cli_csv *r = context;

	(void)end;
	if (!r->stopped)
		judge_record(r);
	r->cells_count = 0;
	r->too_wide = false;
	r->record_bytes = 0;
	tact_arena_reset(r->arena);
}

/* ---- feeding it ---- */

/* A piece that ends a line, or the rest of a block. */
static void feed(struct cli_csv *r, const char *piece, size_t length)
{
	if (r->record_bytes == 0)
		r->record_line = r->line;
	r->record_bytes += length;
	if (memchr(piece, '\0', length) != NULL) {
		mistake(r, r->line, "there is a NUL byte in this line; is this a text file in UTF-8?");
		r->stopped = true;
	} else if (r->record_bytes > RECORD_MAX) {
		mistake(r, r->record_line,
		    "a record of more than %d bytes begins here; is a quotation mark missing?", RECORD_MAX);
		r->stopped = true;
	} else if (csv_parse(&r->parser, piece, length, on_field, on_record, r) != length) {
		mistake(r, r->line,
		    "a quotation mark stands inside a field; write it twice and the field in quotes "
		    "(nothing after this was read)");
		r->stopped = true;
	}
	if (length > 0 && piece[length - 1] == '\n') {
		if (r->cells_count == 0 && r->parser.pstate == 0) /* 0: libcsv is between records */
			r->record_bytes = 0;			  /* an empty line */
		r->line++;
	}
}

static void feed_block(struct cli_csv *r, const char *block, size_t length)
{
	while (length > 0 && !r->stopped) {
		const char *end = memchr(block, '\n', length);
		size_t piece = end != NULL ? (size_t)(end - block) + 1 : length;

		feed(r, block, piece);
		block += piece;
		length -= piece;
	}
}

static size_t skip_mark(const char *block, size_t length)
{
	return length >= 3 && memcmp(block, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static int read_file(struct cli_csv *r, FILE *stream)
{
	char *block = tact_malloc(65536);
	size_t length;
	bool first = true;

	while (!r->stopped && (length = fread(block, 1, 65536, stream)) > 0) {
		size_t skip = first ? skip_mark(block, length) : 0;

		feed_block(r, block + skip, length - skip);
		first = false;
	}
	free(block);
	if (ferror(stream))
		return cli_fail(EX_IOERR, "%s: %s", r->file->name, strerror(errno));
	if (!r->stopped && csv_fini(&r->parser, on_field, on_record, r) != 0)
		mistake(r, r->record_line,
		    "the quotation mark that opens a field of this record is never closed");
	else if (!r->stopped && r->columns_count == 0)
		mistake(r, 1, "the file is empty");
	return EX_OK;
}

int cli_csv_read(const struct cli_csv_file *file, FILE *stream)
{
	struct cli_csv r = {.file = file, .arena = tact_arena_new(), .line = 1};
	int code;

	if (csv_init(&r.parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
		abort(); /* it only sets fields */
	if (file->plain) {
		r.columns_count = 1;
		r.columns[0] = CLI_CSV_EMAIL;
	}
	code = read_file(&r, stream);
	csv_free(&r.parser);
	tact_arena_free(&r.arena);
	return code;
}

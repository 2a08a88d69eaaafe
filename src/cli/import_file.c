/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A CSV file read by libcsv into rows, every mistake in it told with its line. Changes nothing.
 *
 * libcsv does not count lines: the file is fed to it in pieces that end with a line, and a record is named by
 * the line it begins in.
 */
#include <config.h>

#include <csv.h>
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

#define TOLD_MAX 100
#define RECORD_MAX 65536
#define FIELD_MAX 4096
#define COLUMNS_MAX 256

enum field { ADDRESS, SHA256, REASON, SCOPE, SOURCE, CREATED, EXPIRES, FIELDS };
static const char *const field_names[FIELDS] = {
    "email", "sha256", "reason", "scope", "source", "created_at", "expires_at"};

struct reading {
	struct cli_import *import;
	const char *name;
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

static void mistake(struct reading *r, uint64_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void mistake(struct reading *r, uint64_t line, const char *format, ...)
{
	va_list args;

	if (++r->import->mistakes > TOLD_MAX)
		return;
	fprintf(stderr, "%s:%llu: ", r->name, (unsigned long long)line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static const char *shown(struct reading *r, const char *text)
{
	return tact_text_printable(r->arena, text, 80);
}

/* ---- scopes and sources, each once ---- */

static int compare_scopes(const void *a, const void *b)
{
	return strcmp(((const struct cli_scope_count *)a)->text, ((const struct cli_scope_count *)b)->text);
}

struct cli_scope_count *cli_import_scope(struct cli_import *import, const char *text, struct tact_error *err)
{
	struct cli_scope_count wanted = {.text = text}, *fresh;
	struct tact_arena *arena;
	struct cli_scope_count **found = tfind(&wanted, &import->scopes, compare_scopes);
	char *canonical;

	if (found != NULL)
		return *found;
	arena = import->arena;
	if (tact_dossier_parse_scope(arena, text, &wanted.scope, err) != TACT_OK)
		return NULL;
	/* Two spellings of one scope are one. */
	canonical = tact_dossier_format_scope(arena, &wanted.scope);
	wanted.text = canonical;
	fresh = tact_arena_copy(arena, &wanted, sizeof wanted);
	found = tsearch(fresh, &import->scopes, compare_scopes);
	if (found == NULL)
		abort(); /* out of memory */
	return *found;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(a, b);
}

static const char *keep_source(struct cli_import *import, const char *text)
{
	char **found = tfind(text, &import->sources, compare_texts);

	if (found == NULL)
		found = tsearch(tact_arena_strdup(import->arena, text), &import->sources, compare_texts);
	if (found == NULL)
		abort(); /* out of memory */
	return *found;
}

static void keep_nothing(void *node)
{
	(void)node; /* the arena owns it */
}

void cli_import_clear(struct cli_import *import)
{
	tdestroy(import->scopes, keep_nothing);
	tdestroy(import->sources, keep_nothing);
	free(import->rows);
	*import = (struct cli_import){0};
}

/* ---- a row ---- */

static struct cli_import_row *push_row(struct cli_import *import)
{
	struct cli_import_row *row;

	if (import->rows_count == import->rows_room) {
		import->rows_room = import->rows_room == 0 ? 1024 : 2 * import->rows_room;
		import->rows = tact_realloc(import->rows, import->rows_room * sizeof *import->rows);
	}
	row = &import->rows[import->rows_count];
	*row = (struct cli_import_row){.order = import->rows_count++};
	return row;
}

/* The cell of a field, trimmed; "" when there is no such column or nothing in it. */
static const char *cell(struct reading *r, enum field field)
{
	for (size_t i = 0; i < r->columns_count; i++)
		if (r->columns[i] == (int)field)
			return tact_text_trim(r->arena, r->cells[i]);
	return "";
}

static bool has_column(const struct reading *r, enum field field)
{
	for (size_t i = 0; i < r->columns_count; i++)
		if (r->columns[i] == (int)field)
			return true;
	return false;
}

static void read_person(struct reading *r, struct cli_import_row *row)
{
	enum field field = has_column(r, SHA256) ? SHA256 : ADDRESS;
	const char *text = cell(r, field);
	struct tact_recipient recipient;
	struct tact_error err;
	int result;

	row->sha256 = field == SHA256;
	result = row->sha256
		     ? tact_facts_recipient_of_sha256(r->arena, r->import->identity, text, &recipient, &err)
		     : tact_facts_recipient(r->arena, r->import->identity, text, &recipient, &err);
	if (result != TACT_OK) {
		mistake(r, r->record_line, "%s: \"%s\": %s", field_names[field], shown(r, text), err.text);
		return;
	}
	row->key = recipient.key;
	row->address = tact_arena_strdup(r->import->arena, text);
}

static void read_reason(struct reading *r, struct cli_import_row *row)
{
	const char *text = cell(r, REASON);

	row->reason = r->import->reason;
	if (*text != '\0' && tact_dossier_parse_reason(text, &row->reason) != TACT_OK)
		mistake(r, r->record_line,
		    "reason: there is no reason \"%s\"; unsubscribe, complaint, hard_bounce, manual, "
		    "erasure, pause "
		    "and topic are known",
		    shown(r, text));
}

static void read_scope(struct reading *r, struct cli_import_row *row)
{
	const char *text = cell(r, SCOPE);
	struct tact_error err;

	if (!cli_is_clean(text)) {
		mistake(r, r->record_line, "scope: write UTF-8 without control characters");
		return;
	}
	row->scope = cli_import_scope(r->import, *text != '\0' ? text : r->import->scope, &err);
	if (row->scope == NULL)
		mistake(r, r->record_line, "scope: %s", err.text);
}

static void read_source(struct reading *r, struct cli_import_row *row)
{
	const char *text = cell(r, SOURCE);

	if (!cli_is_clean(text))
		mistake(r, r->record_line, "source: write UTF-8 without control characters");
	else
		row->source = keep_source(r->import, *text != '\0' ? text : r->import->source);
}

static void read_time(struct reading *r, enum field field, int64_t *ret_us)
{
	const char *text = cell(r, field);
	struct tact_error err;

	if (*text != '\0' && tact_text_parse_time(text, ret_us, &err) != TACT_OK)
		mistake(r, r->record_line, "%s: %s", field_names[field], cli_safe(r->arena, err.text));
}

static void read_row(struct reading *r)
{
	size_t before = r->import->mistakes;
	struct cli_import_row *row = push_row(r->import);

	row->time_us = r->import->now_us;
	read_person(r, row);
	read_reason(r, row);
	read_scope(r, row);
	read_source(r, row);
	read_time(r, CREATED, &row->time_us);
	read_time(r, EXPIRES, &row->until_us);
	if (row->time_us > r->import->now_us)
		mistake(
		    r, r->record_line, "created_at: \"%s\" lies in the future", shown(r, cell(r, CREATED)));
	if (row->until_us != 0 && row->until_us <= row->time_us)
		mistake(r, r->record_line, "expires_at: \"%s\" is not later than created_at",
		    shown(r, cell(r, EXPIRES)));
	if (r->import->mistakes > before)
		r->import->rows_count--; /* told; nothing will be applied */
}

/* ---- the header ---- */

static int field_of(const char *name)
{
	for (int i = 0; i < FIELDS; i++)
		if (tact_text_equal_nocase(name, field_names[i]))
			return i;
	return tact_text_equal_nocase(name, "address") || tact_text_equal_nocase(name, "recipient") ? ADDRESS
												    : -1;
}

static void take_column(struct reading *r, size_t i)
{
	const char *name = tact_text_trim(r->arena, r->cells[i]);
	int field = field_of(name);

	for (size_t j = 0; field >= 0 && j < i && !r->stopped; j++)
		if (r->columns[j] == field || (field == SHA256 && r->columns[j] == ADDRESS) ||
		    (field == ADDRESS && r->columns[j] == SHA256)) {
			mistake(r, r->record_line, "%s: column %zu says again what column %zu says; keep one",
			    shown(r, name), i + 1, j + 1);
			r->stopped = true;
		}
	if (field < 0 && *name != '\0')
		*TACT_PUSH(r->import->arena, r->import->ignored, r->import->ignored_count) =
		    tact_arena_strdup(r->import->arena, shown(r, name));
	r->columns[i] = field;
}

static void read_header(struct reading *r)
{
	for (size_t i = 0; i < r->cells_count; i++)
		take_column(r, i);
	r->columns_count = r->cells_count;
	if (r->stopped || has_column(r, ADDRESS) || has_column(r, SHA256))
		return;
	r->stopped = true;
	mistake(r, r->record_line,
	    "email: the first line is to name the columns, one of them email, address, recipient or sha256; "
	    "for a "
	    "file of one address a line say --plain");
}

/* ---- what libcsv calls ---- */

static void on_field(void *data, size_t length, void *context)
{
	struct reading *r = context;

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

static void judge_record(struct reading *r)
{
	if (r->too_wide)
		mistake(r, r->record_line, "more than %d fields", COLUMNS_MAX);
	else if (r->columns_count == 0)
		read_header(r);
	else if (r->cells_count != r->columns_count)
		mistake(r, r->record_line, "%zu fields where %s %zu", r->cells_count,
		    r->import->plain ? "one address stands alone, not" : "the header has", r->columns_count);
	else
		read_row(r);
}

static void on_record(int end, void *context)
{
	struct reading *r = context;

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
static void feed(struct reading *r, const char *piece, size_t length)
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

static void feed_block(struct reading *r, const char *block, size_t length)
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

static int read_file(struct reading *r, FILE *file)
{
	char *block = tact_malloc(65536);
	size_t length;
	bool first = true;

	while (!r->stopped && (length = fread(block, 1, 65536, file)) > 0) {
		size_t skip = first ? skip_mark(block, length) : 0;

		feed_block(r, block + skip, length - skip);
		first = false;
	}
	free(block);
	if (ferror(file))
		return cli_fail(EX_IOERR, "%s: %s", r->name, strerror(errno));
	if (!r->stopped && csv_fini(&r->parser, on_field, on_record, r) != 0)
		mistake(r, r->record_line,
		    "the quotation mark that opens a field of this record is never closed");
	else if (!r->stopped && r->columns_count == 0)
		mistake(r, 1, "the file is empty");
	return EX_OK;
}

int cli_import_read(struct cli_import *import, const char *name, FILE *file)
{
	struct reading r = {.import = import, .name = name, .arena = tact_arena_new(), .line = 1};
	int code;

	if (csv_init(&r.parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
		abort(); /* it only sets fields */
	if (import->plain) {
		r.columns_count = 1;
		r.columns[0] = ADDRESS;
	}
	code = read_file(&r, file);
	csv_free(&r.parser);
	tact_arena_free(&r.arena);
	return code;
}

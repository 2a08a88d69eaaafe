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

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "csv_reader.h"

#define RECORD_MAX 65536

/* ---- mistakes ---- */

static void mistake_at(struct cli_csv *r, uint64_t line, const char *format, va_list args)
{
	if (++*r->file->mistakes > CSV_TOLD_MAX)
		return;
	fprintf(r->told, "%s:%llu: ", r->file->name, (unsigned long long)line);
	vfprintf(r->told, format, args);
	fputc('\n', r->told);
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

uint64_t cli_csv_order(const struct cli_csv *r)
{
	return r->record;
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
			return r->cells[i];
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

	if (*text == '\0' || cli_parse_time(text, ret_us, &err) == TACT_OK)
		return true;
	cli_csv_mistake(r, "%s: %s", name, cli_safe(r->arena, err.text));
	return false;
}

bool cli_csv_is_keyed(struct cli_csv *r)
{
	if (!cli_csv_has(r, CLI_CSV_EMAIL) && !cli_csv_has(r, CLI_CSV_SHA256))
		return true;
	return *cli_csv_cell(r, CLI_CSV_KEY) != '\0' && *cli_csv_cell(r, CLI_CSV_EMAIL) == '\0' &&
	       *cli_csv_cell(r, CLI_CSV_SHA256) == '\0';
}

static const char *read_key(struct cli_csv *r, struct tact_recipient *ret)
{
	const char *text = cli_csv_cell(r, CLI_CSV_KEY);
	struct tact_error err;

	if (cli_recipient_of_key(r->arena, text, ret, &err) == TACT_OK)
		return text;
	cli_csv_mistake(r, "key: \"%s\": %s", cli_csv_shown(r, text), err.text);
	return NULL;
}

const char *cli_csv_person(
    struct cli_csv *r, const struct tact_identity *identity, struct tact_recipient *ret, bool *ret_sha256)
{
	*ret_sha256 = false;
	if (cli_csv_is_keyed(r))
		return read_key(r, ret);

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
	const char *name = r->cells[i];
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

static void refuse_parting(struct cli_csv *r, char by)
{
	mistake(r, r->record_line,
	    "email: the columns of the first line are parted by %s: part them by commas",
	    by == ';' ? "semicolons" : "tabs");
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
	if (r->cells_count == 1 && strpbrk(r->cells[0], ";\t") != NULL) {
		refuse_parting(r, strchr(r->cells[0], ';') != NULL ? ';' : '\t');
		return;
	}
	mistake(r, r->record_line,
	    "email: the first line is to name the columns, one of them email, address, recipient%s; for a "
	    "file "
	    "of one address a line say --plain",
	    r->file->keys ? ", sha256 or key" : " or sha256");
}

/* ---- fields and records ---- */

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static char *room_for(struct cli_csv *r, size_t bytes)
{
	if (bytes > sizeof r->text - r->text_used)
		return tact_arena_alloc(r->arena, bytes);
	r->text_used += bytes;
	return r->text + r->text_used - bytes;
}

static void take_field(struct cli_csv *r, const char *text, size_t length)
{
	char *cell;

	if (r->cells_count == CSV_COLUMNS_MAX) {
		r->too_wide = true;
		return;
	}
	if (length > CLI_TEXT_MOST) {
		mistake(
		    r, r->record_line, "field %zu: longer than %d bytes", r->cells_count + 1, CLI_TEXT_MOST);
		r->stopped = true;
		return;
	}
	while (length > 0 && is_space(*text))
		text++, length--;
	while (length > 0 && is_space(text[length - 1]))
		length--;
	cell = room_for(r, length + 1);
	if (length > 0)
		memcpy(cell, text, length);
	cell[length] = '\0';
	r->cells[r->cells_count++] = cell;
}

static void judge_record(struct cli_csv *r)
{
	if (r->too_wide)
		mistake(r, r->record_line, "more than %d fields", CSV_COLUMNS_MAX);
	else if (r->columns_count == 0)
		read_header(r);
	else if (r->cells_count != r->columns_count)
		mistake(r, r->record_line, "%zu fields where %s %zu", r->cells_count,
		    r->file->plain ? "one address stands alone, not" : "the header has", r->columns_count);
	else
		r->file->row(r->file->context, r);
}

static void take_record(struct cli_csv *r)
{
	if (!r->stopped)
		judge_record(r);
	r->cells_count = 0;
	r->text_used = 0;
	r->too_wide = false;
	r->record_bytes = 0;
	r->record++;
	tact_arena_reset(r->arena);
}

/* ---- what libcsv calls ---- */

static void on_field(void *data, size_t length, void *context)
{
	take_field(context, data, length);
}

static void on_record(int end, void *context)
{
	(void)end;
	take_record(context);
}

/* ---- feeding it ---- */

static bool is_between_records(const struct cli_csv *r)
{
	return r->cells_count == 0 && r->parser.pstate == 0; /* 0: libcsv's own word for that */
}

/* What stands beside a quotation mark of the header as if it parted columns; 0: nothing does. AT: what could
 * not be read, behind a mark or one itself. */
static char find_parting(const struct cli_csv *r, const char *piece, size_t at)
{
	if (r->columns_count > 0 || r->cells_count > 0)
		return 0;
	if (piece[at] == ';')
		return ';';
	return at > 0 && (piece[at - 1] == ';' || piece[at - 1] == '\t') ? piece[at - 1] : 0;
}

static void parse(struct cli_csv *r, const char *piece, size_t length)
{
	size_t done = csv_parse(&r->parser, piece, length, on_field, on_record, r);
	char parting;

	if (done == length)
		return;
	r->stopped = true;
	parting = find_parting(r, piece, done);
	if (parting != 0)
		refuse_parting(r, parting);
	else
		mistake(r, r->line,
		    "a quotation mark stands inside a field; write it twice and the field in quotes "
		    "(nothing after this was read)");
}

static bool is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

/* A carriage return that no line feed follows ends a line, too; they may come in two pieces. */
static void count_line(struct cli_csv *r, const char *piece, size_t length)
{
	char last = piece[length - 1];
	bool follows = r->after_return && length == 1;

	r->line += last == '\r' || (last == '\n' && !follows);
	r->after_return = last == '\r';
}

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
	} else {
		parse(r, piece, length);
	}
	if (is_line_end(piece[length - 1]) && is_between_records(r))
		r->record_bytes = 0; /* an empty line */
	count_line(r, piece, length);
}

/* Line by line, also where some end otherwise than the piece does. */
static void feed_lines(struct cli_csv *r, const char *piece, size_t length)
{
	while (length > 0 && !r->stopped) {
		const char *end = memchr(piece, '\r', length);
		size_t line = end == NULL ? length : (size_t)(end - piece) + 1;

		if (line + 1 == length && piece[line] == '\n')
			line++;
		feed(r, piece, line);
		piece += line;
		length -= line;
	}
}

/* Up to the end of a line, which is a carriage return alone where no other is in sight; of a header, of one
 * that any program would call so. */
static size_t next_piece(const char *block, size_t length, bool header_alone)
{
	const char *end;
	size_t piece;

	if (length > RECORD_MAX)
		length = RECORD_MAX; /* lines may end otherwise: then a piece holds many records */
	end = memchr(block, '\n', length);
	piece = end != NULL ? (size_t)(end - block) + 1 : length;

	end = header_alone || end == NULL ? memchr(block, '\r', piece) : NULL;
	return end != NULL ? (size_t)(end - block) + 1 : piece;
}

size_t cli_csv_feed_block(struct cli_csv *r, const char *block, size_t length, bool header_alone)
{
	size_t at = 0;

	while (at < length && !r->stopped && !(header_alone && r->columns_count > 0)) {
		size_t piece = next_piece(block + at, length - at, header_alone);

		feed_lines(r, block + at, piece);
		at += piece;
	}
	return at;
}

size_t cli_csv_skip_mark(const char *block, size_t length)
{
	return length >= 3 && memcmp(block, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

void cli_csv_finish(struct cli_csv *r)
{
	if (csv_fini(&r->parser, on_field, on_record, r) != 0)
		mistake(r, r->record_line,
		    "the quotation mark that opens a field of this record is never closed");
	else if (!r->stopped && r->columns_count == 0)
		mistake(r, 1, "the file is empty");
}

size_t cli_csv_read_block(const struct cli_csv_file *file, FILE *stream, char *to, size_t most)
{
	size_t length = fread(to, 1, most, stream);

	if (file->seen != NULL && length > 0)
		file->seen(file->context, to, length);
	return length;
}

static int read_file(struct cli_csv *r, FILE *stream)
{
	char *block = tact_malloc(65536);
	size_t length;
	bool first = true;

	while (!r->stopped && (length = cli_csv_read_block(r->file, stream, block, 65536)) > 0) {
		size_t skip = first ? cli_csv_skip_mark(block, length) : 0;

		(void)cli_csv_feed_block(r, block + skip, length - skip, false);
		first = false;
	}
	free(block);
	if (ferror(stream))
		return cli_fail(EX_IOERR, "%s: %s", r->file->name, strerror(errno));
	if (!r->stopped)
		cli_csv_finish(r);
	return EX_OK;
}

void cli_csv_begin(struct cli_csv *r, const struct cli_csv_file *file)
{
	*r = (struct cli_csv){.file = file, .arena = tact_arena_new(), .line = 1, .told = stderr};
	if (csv_init(&r->parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
		abort(); /* it only sets fields */
	if (file->plain) {
		r->columns_count = 1;
		r->columns[0] = CLI_CSV_EMAIL;
	}
}

void cli_csv_end(struct cli_csv *r)
{
	csv_free(&r->parser);
	tact_arena_free(&r->arena);
}

int cli_csv_read(const struct cli_csv_file *file, FILE *stream)
{
	struct cli_csv r;
	int code;

	if (file->threads > 0)
		return cli_csv_read_shared(file, stream);
	cli_csv_begin(&r, file);
	code = read_file(&r, stream);
	cli_csv_end(&r);
	return code;
}

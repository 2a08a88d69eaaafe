/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A CSV file's lines that are taken apart without the library come to what the library makes of them. Behind
 * a quotation mark every line of a block is the library's: so each text is read as it is and behind one.
 */
#include <config.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/cli/csv_reader.h"

#define HEADER "email,reason,created_at\n"
#define MARKED "\"first\",of,all\n"
#define TEXTS 100000

enum { REASON = CLI_CSV_OWN, CREATED };

/* What came of a text, a line each: where a record began and its cells. */
struct seen {
	char *text;
	size_t text_bytes;
	FILE *to;
	uint64_t line_before;
	bool skip;
	size_t mistakes, records;
};

static int field_of(void *context, const char *column)
{
	(void)context;
	return strcmp(column, "reason") == 0 ? REASON : strcmp(column, "created_at") == 0 ? CREATED : -1;
}

static void see_row(void *context, struct cli_csv *csv)
{
	struct seen *seen = context;

	if (seen->skip) {
		seen->skip = false;
		return;
	}
	seen->records++;
	fprintf(seen->to, "%llu [%s] [%s] [%s]\n", (unsigned long long)(csv->record_line - seen->line_before),
	    cli_csv_cell(csv, CLI_CSV_EMAIL), cli_csv_cell(csv, REASON), cli_csv_cell(csv, CREATED));
}

static void read_text(const char *before, const char *text, size_t length, struct seen *seen)
{
	struct cli_csv_file csv = {.name = "text",
	    .field_of = field_of,
	    .row = see_row,
	    .context = seen,
	    .mistakes = &seen->mistakes};
	size_t before_bytes = strlen(before);
	char *all = tact_malloc(before_bytes + length + 1);
	FILE *file;

	memcpy(all, before, before_bytes);
	memcpy(all + before_bytes, text, length);
	file = fmemopen(all, before_bytes + length, "r");
	ck_assert_ptr_nonnull(file);
	*seen =
	    (struct seen){.skip = strcmp(before, HEADER) != 0, .line_before = strcmp(before, HEADER) != 0};
	seen->to = open_memstream(&seen->text, &seen->text_bytes);
	ck_assert_ptr_nonnull(seen->to);
	ck_assert_int_eq(cli_csv_read(&csv, file), EX_OK);
	fclose(seen->to);
	fclose(file);
	free(all);
}

static void compare(const char *text, size_t length, size_t *records)
{
	struct seen simple, library;

	read_text(HEADER, text, length, &simple);
	read_text(HEADER MARKED, text, length, &library);
	ck_assert_msg(strcmp(simple.text, library.text) == 0 && simple.mistakes == library.mistakes,
	    "\"%.*s\": got %zu mistakes and\n%swant %zu and\n%s", (int)length, text, simple.mistakes,
	    simple.text, library.mistakes, library.text);
	*records += simple.records;
	free(simple.text);
	free(library.text);
}

/* The hundred mistakes that are told of each text are not what is looked at. */
static void be_silent(void)
{
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
}

START_TEST(a_line_comes_to_what_the_library_makes_of_it)
{
	static const char *const texts[] = {"", "a,b,c\n", "a,b,c", "a,b,c\r\n", "a,b,c\r\r\n",
	    "a,b,c\rd,e,f\n", "\n\na,b,c\n\n", " \t\na,b,c\n", " a , b\t, c \n", ",,\n", "a,,\n", ",,c\r\n",
	    "a,b\nd,e,f,g\nh,i,j\n", "a,b,c\n\"d\",e,f\ng,h,i\n", "a,b\"b,c\n", "\va\v,\fb\f,c\n", "\v\n",
	    "a,b,c \r\n", "\r\n", "\r", "a,\xc3\xa9,c\n",
	    "\xef\xbb\xbf"
	    "a,b,c\n"};
	size_t records = 0;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		compare(texts[i], strlen(texts[i]), &records);
	compare("a,b,c\na,\0,c\nd,e,f\n", 18, &records);
	ck_assert_uint_ge(records, 15);
}
END_TEST

/* Where one line is as long as the library alone may take it, and beyond. */
START_TEST(a_line_may_be_of_any_length)
{
	static const size_t lengths[] = {CSV_TEXT_BYTES - 1, CSV_TEXT_BYTES, CSV_TEXT_BYTES + 1,
	    CLI_TEXT_MOST - 1, CLI_TEXT_MOST, CLI_TEXT_MOST + 1, 65535, 65536, 65537, 1 << 20};

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		size_t length = lengths[i], records = 0;
		char *text = tact_malloc(length + 16);

		memset(text, 'x', length);
		memcpy(text + length - 5, ",b,c\n", 5);
		memcpy(text + length, "d,e,f\n", 6);
		compare(text, length + 6, &records);
		free(text);
	}
}
END_TEST

START_TEST(any_text_comes_to_what_the_library_makes_of_it)
{
	static const char bytes[] = "aab,,,,  \t\v\r\n\n\n\n\"\xc3\xa9";
	size_t records = 0;
	uint64_t state = 1;

	for (size_t n = 0; n < TEXTS; n++) {
		char text[48];
		size_t length = n % sizeof text;

		for (size_t i = 0; i < length; i++) {
			state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
			text[i] = bytes[(state >> 33) % (sizeof bytes - 1)];
		}
		compare(text, length, &records);
	}
	ck_assert_uint_ge(records, TEXTS / 20);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli: CSV");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, be_silent, NULL);
	tcase_add_test(all, a_line_comes_to_what_the_library_makes_of_it);
	tcase_add_test(all, a_line_may_be_of_any_length);
	tcase_add_test(all, any_text_comes_to_what_the_library_makes_of_it);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

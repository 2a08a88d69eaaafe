/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the contract of base promises, function by function; needs no network and waits for nothing.
 */
#include <config.h>

#include <check.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <tact/base.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define UNTOUCHED INT64_C(-77)

#define want_int(what, got, want)                                                                            \
	do {                                                                                                 \
		int64_t got_ = (int64_t)(got), want_ = (int64_t)(want);                                      \
		ck_assert_msg(got_ == want_, "%s: got %" PRId64 ", want %" PRId64, (what), got_, want_);     \
	} while (0)
#define want_text(what, got, want)                                                                           \
	do {                                                                                                 \
		const char *got_ = (got), *want_ = (want);                                                   \
		ck_assert_msg(strcmp(got_, want_) == 0, "%s: got \"%s\", want \"%s\"", (what), got_, want_); \
	} while (0)

static struct tact_arena *arena;

/* Lets the tests of running out of memory run below the address sanitizer too. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void setup(void)
{
	arena = tact_arena_new();
}

static void teardown(void)
{
	tact_arena_free(&arena);
	ck_assert_msg(arena == NULL, "got an arena that was freed and is not NULL");
}

/* ---- errors, memory ---------------------------------------------------------------------------------- */

/* With another digest made meanwhile. */
static void digest_in_pieces(const char *bytes, size_t size, uint8_t ret[TACT_SHA256_BYTES])
{
	struct tact_sha256 *digest = tact_digest_sha256_begin();
	uint8_t other[TACT_SHA256_BYTES];

	for (size_t at = 0, piece = 1; at < size; at += piece, piece = piece % 65536 * 7 + 1) {
		tact_digest_sha256_more(digest, bytes + at, piece < size - at ? piece : size - at);
		tact_digest_sha256("other", 5, other);
	}
	tact_digest_sha256_end(&digest, ret);
	ck_assert_ptr_null(digest);
	digest = tact_digest_sha256_begin();
	tact_digest_sha256_end(&digest, NULL);
	tact_digest_sha256_end(&digest, NULL);
}

START_TEST(sha256_of_a_file_is_that_of_its_bytes)
{
	static char bytes[3 * 1024 * 1024 + 7];
	uint8_t want[TACT_SHA256_BYTES], got[TACT_SHA256_BYTES];
	FILE *file = tmpfile();

	ck_assert_ptr_nonnull(file);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 31 + i / 997);
	for (size_t size = 0; size <= sizeof bytes; size = size == 0   ? 1
							   : size == 1 ? 1024 * 1024
								       : size + 1024 * 1024 + 7) {
		rewind(file);
		ck_assert_int_eq(ftruncate(fileno(file), 0), 0);
		ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
		ck_assert_int_eq(fflush(file), 0);
		ck_assert_int_eq(lseek(fileno(file), 0, SEEK_SET), 0);
		tact_digest_sha256(bytes, size, want);
		ck_assert_int_eq(tact_digest_sha256_file(fileno(file), got), TACT_OK);
		ck_assert_mem_eq(got, want, sizeof want);
		digest_in_pieces(bytes, size, got);
		ck_assert_mem_eq(got, want, sizeof want);
	}
	fclose(file);
	ck_assert_int_eq(tact_digest_sha256_file(-1, got), TACT_SYSTEM);
}
END_TEST

START_TEST(result_names)
{
	want_text("0", tact_result_name(TACT_OK), "ok");
	want_text("-4", tact_result_name(TACT_UNCERTAIN), "uncertain");
	want_text("-7", tact_result_name(TACT_SYSTEM), "system");
	want_text("-8", tact_result_name(-8), "unknown");
	want_text("1", tact_result_name(1), "unknown");
}
END_TEST

START_TEST(error_text)
{
	struct tact_error err;
	char longer[2000];

	want_int("result", tact_error_set(&err, TACT_INVALID, "line %d: %s", 3, "x"), TACT_INVALID);
	want_text("text", err.text, "line 3: x");
	memset(longer, 'a', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	want_int("long", tact_error_set(&err, TACT_SYSTEM, "%s", longer), TACT_SYSTEM);
	want_int("cut", strlen(err.text), sizeof err.text - 1);
	want_int("no text wanted", tact_error_set(NULL, TACT_ABSENT, "x"), TACT_ABSENT);
}
END_TEST

START_TEST(memory_wrappers)
{
	char *a = tact_malloc(0), *b = tact_strdup("tact"), *c = tact_calloc(3, 2), *d = tact_calloc(0, 8);

	want_text("strdup", b, "tact");
	for (int i = 0; i < 6; i++)
		want_int("calloc", c[i], 0);
	a = tact_realloc(a, 100);
	memset(a, 1, 100);
	a = tact_realloc(a, 0);
	free(a);
	free(b);
	free(c);
	free(d);
}
END_TEST

/* One per loop: malloc, calloc (product overflows), realloc, arena, arena_push. */
START_TEST(memory_ends_the_process)
{
	volatile size_t much = SIZE_MAX / 2 - 64;
	void *items = arena;
	size_t count = (size_t)1 << 60;

	tact_log_open("test", false, TACT_LOG_ERROR);
	(void)freopen("/dev/null", "w", stderr);
	switch (_i) {
	case 0:
		free(tact_malloc(much));
		break;
	case 1:
		free(tact_calloc(much, 16));
		break;
	case 2:
		free(tact_realloc(NULL, much));
		break;
	case 3:
		(void)tact_arena_alloc(arena, SIZE_MAX - 3);
		break;
	default:
		(void)tact_arena_push(arena, &items, &count, 4096);
	}
}
END_TEST

/* ---- arena ------------------------------------------------------------------------------------------- */

START_TEST(arena_zeroed_and_aligned)
{
	static const size_t sizes[] = {0, 1, 15, 16, 17, 8191, 8192, 8193, 32767, 32768, 32769, 1048576, 3};

	for (int round = 0; round < 3; round++) {
		want_int("used", tact_arena_used_bytes(arena), 0);
		for (size_t i = 0; i < COUNT(sizes) * 4; i++) {
			size_t size = sizes[i % COUNT(sizes)];
			unsigned char *p = tact_arena_alloc(arena, size);

			want_int("alignment", (uintptr_t)p % _Alignof(max_align_t), 0);
			for (size_t j = 0; j < size; j++)
				if (p[j] != 0)
					ck_abort_msg("size %zu byte %zu: got %d, want 0", size, j, p[j]);
			memset(p, 0xff, size);
		}
		ck_assert_msg(tact_arena_used_bytes(arena) >= 4 * 1048576, "got used %zu, want 4 MiB or more",
		    tact_arena_used_bytes(arena));
		tact_arena_reset(arena);
	}
}
END_TEST

START_TEST(arena_texts)
{
	char longer[1000];

	want_text("strdup", tact_arena_strdup(arena, "abc"), "abc");
	want_text("strndup", tact_arena_strndup(arena, "abc", 2), "ab");
	want_text("strndup past the end", tact_arena_strndup(arena, "abc", 9), "abc");
	want_int("copy", memcmp(tact_arena_copy(arena, "a\0b", 3), "a\0b", 3), 0);
	ck_assert_ptr_nonnull(tact_arena_copy(arena, NULL, 0));
	want_text("printf", tact_arena_printf(arena, "%d-%s", 7, "x"), "7-x");
	for (size_t length = 254; length < 999; length += length < 258 ? 1 : 740) {
		memset(longer, 'y', length);
		longer[length] = '\0';
		want_text("printf, long", tact_arena_printf(arena, "%s", longer), longer);
	}
}
END_TEST

START_TEST(arena_push_grows)
{
	struct item {
		int64_t a;
		char b;
	} *items = NULL;
	size_t count = 0;

	for (int i = 0; i < 5000; i++) {
		struct item *item = TACT_PUSH(arena, items, count);

		ck_assert_msg(item == &items[i], "item %d: got another element than the last", i);
		want_int("new element", item->a, 0);
		item->a = i;
		item->b = (char)0xff;
	}
	want_int("count", count, 5000);
	for (int i = 0; i < 5000; i++)
		want_int("element", items[i].a, i);
}
END_TEST

START_TEST(arena_push_zeroes_reused)
{
	uint8_t *bytes = NULL;
	size_t count = 0;

	for (int i = 0; i < 4; i++)
		*TACT_PUSH(arena, bytes, count) = 9;
	count = 3; /* the caller took the last one back */
	want_int("pushed again", *TACT_PUSH(arena, bytes, count), 0);
}
END_TEST

START_TEST(arena_free_nothing)
{
	struct tact_arena *none = NULL;

	tact_arena_free(&none);
	tact_arena_free(NULL);
}
END_TEST

/* ---- text -------------------------------------------------------------------------------------------- */

START_TEST(text_compare)
{
	want_int("equal", tact_text_equal("a", "a"), true);
	want_int("case", tact_text_equal("a", "A"), false);
	want_int("NULL NULL", tact_text_equal(NULL, NULL), true);
	want_int("NULL a", tact_text_equal(NULL, "a"), false);
	want_int("a NULL", tact_text_equal("a", NULL), false);
	want_int("nocase", tact_text_equal_nocase("List-ID", "LIST-id"), true);
	want_int("nocase prefix", tact_text_equal_nocase("List", "List-Id"), false);
	want_int("nocase [ {", tact_text_equal_nocase("[", "{"), false);
	want_int("nocase latin1", tact_text_equal_nocase("\xc4", "\xe4"), false);
	want_int("nocase NULL", tact_text_equal_nocase(NULL, ""), false);
	want_int("nocase NULL NULL", tact_text_equal_nocase(NULL, NULL), true);
	want_int("starts", tact_text_starts_nocase("X-Tact-Stream", "x-tact-"), true);
	want_int("starts, shorter", tact_text_starts_nocase("X-T", "x-tact-"), false);
	want_int("starts, empty", tact_text_starts_nocase("", ""), true);
	want_int("starts, NULL", tact_text_starts_nocase(NULL, "x"), false);
	want_int("ascii", tact_text_is_ascii("a\x7f"), true);
	want_int("not ascii", tact_text_is_ascii("a\x80"), false);
	want_int("empty is ascii", tact_text_is_ascii(""), true);
}
END_TEST

START_TEST(text_host)
{
	static const char *const good[] = {"a", "Relay-1_b.example", "-", "a..b"}, *const bad[] = {"", ".",
										       ".a", "a/b", "a b",
										       "a\n", "\xc3\xa4"};
	char longest[255];

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		want_int(good[i], tact_text_is_host(good[i]), true);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		want_int(bad[i], tact_text_is_host(bad[i]), false);
	memset(longest, 'a', sizeof longest);
	longest[254] = '\0';
	want_int("254", tact_text_is_host(longest), false);
	want_int("253", tact_text_is_host(longest + 1), true);
}
END_TEST

START_TEST(text_trim)
{
	want_text("both ends", tact_text_trim(arena, " \t\r\n a b \v\f "), "a b");
	want_text("nothing left", tact_text_trim(arena, " \t "), "");
	want_text("empty", tact_text_trim(arena, ""), "");
	want_text("not ASCII", tact_text_trim(arena, "\xa0x"), "\xa0x");
}
END_TEST

START_TEST(text_printable)
{
	static const struct {
		const char *text;
		size_t max;
		const char *want;
	} rows[] = {
	    {"plain 'text'", 100, "plain 'text'"},
	    {"a\r\nb", 100, "a\\x0d\\x0ab"},
	    {"\"\\\x7f\x1b", 100, "\\x22\\x5c\\x7f\\x1b"},
	    {"\xc3\xa4", 100, "\\xc3\\xa4"},
	    {"abcdef", 3, "abc"},
	    {"abcdef", 0, ""},
	    {"ab\ncd", 5, "ab"}, /* an escape is never cut in two */
	    {"ab\ncd", 6, "ab\\x0a"},
	    {"\n\n", 7, "\\x0a"},
	    {"\n\n", SIZE_MAX, "\\x0a\\x0a"},
	    {NULL, 9, ""},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		want_text(rows[i].want, tact_text_printable(arena, rows[i].text, rows[i].max), rows[i].want);
}
END_TEST

/* An address may have anything between quotes, also what looks like the end of it and the next field. */
START_TEST(text_path)
{
	static const struct {
		const char *text;
		size_t max;
		const char *want;
	} rows[] = {
	    {"ann@person.test", 100, "ann@person.test"},
	    {"a+b=c%d!e'f@[192.0.2.1]", 100, "a+b=c%d!e'f@[192.0.2.1]"},
	    {"\"x> verdict=accept to=<ceo\"@desk.test", 100,
		"\\x22x\\x3e\\x20verdict=accept\\x20to=\\x3cceo\\x22@desk.test"},
	    {"a\tb\\ \xc3\xa4", 100, "a\\x09b\\x5c\\x20\\xc3\\xa4"},
	    {"ab c", 5, "ab"}, /* an escape is never cut in two */
	    {"", 5, ""},
	    {NULL, 5, ""},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		want_text(rows[i].want, tact_text_path(arena, rows[i].text, rows[i].max), rows[i].want);
}
END_TEST

START_TEST(text_duration)
{
	static const struct {
		const char *text;
		int64_t want; /* UNTOUCHED: refused */
	} rows[] = {
	    {"0", 0},
	    {"0s", 0},
	    {"0d", 0},
	    {"90s", 90},
	    {"15m", 900},
	    {"20h", 72000},
	    {"7d", 604800},
	    {"2w", 1209600},
	    {"007d", 604800},
	    {"40000d", INT64_C(3456000000)},
	    {"3456000000s", INT64_C(3456000000)},
	    {"40001d", UNTOUCHED},
	    {"3456000001s", UNTOUCHED},
	    {"5715w", UNTOUCHED},
	    {"9223372036854775807d", UNTOUCHED},
	    {"99999999999999999999999999999999s", UNTOUCHED},
	    {"18446744073709551617s", UNTOUCHED},
	    {"", UNTOUCHED},
	    {"7", UNTOUCHED},
	    {"00", UNTOUCHED},
	    {"d", UNTOUCHED},
	    {"-1d", UNTOUCHED},
	    {"+1d", UNTOUCHED},
	    {" 1d", UNTOUCHED},
	    {"1d ", UNTOUCHED},
	    {"1 d", UNTOUCHED},
	    {"1D", UNTOUCHED},
	    {"1.5d", UNTOUCHED},
	    {"1d2h", UNTOUCHED},
	    {"1y", UNTOUCHED},
	    {NULL, UNTOUCHED},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tact_error err = {""};
		int64_t got = UNTOUCHED;
		int result = tact_text_parse_duration(rows[i].text, &got, &err);
		const char *what = rows[i].text == NULL ? "NULL" : rows[i].text;

		want_int(what, got, rows[i].want);
		want_int(what, result, rows[i].want == UNTOUCHED ? TACT_INVALID : TACT_OK);
		want_int(what, err.text[0] != '\0', rows[i].want == UNTOUCHED);
	}
}
END_TEST

START_TEST(text_duration_format)
{
	static const struct {
		int64_t seconds;
		const char *want;
	} rows[] = {{0, "0"}, {1, "1s"}, {90, "90s"}, {120, "2m"}, {3600, "1h"}, {72000, "20h"},
	    {604800, "7d"}, {86401, "86401s"}, {1209600, "14d"}, {-7200, "-2h"}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char *got = tact_text_format_duration(arena, rows[i].seconds);
		int64_t back = UNTOUCHED;

		want_text("duration", got, rows[i].want);
		if (rows[i].seconds >= 0)
			(void)tact_text_parse_duration(got, &back, NULL);
		want_int(got, back, rows[i].seconds >= 0 ? rows[i].seconds : UNTOUCHED);
	}
}
END_TEST

START_TEST(text_int)
{
	static const struct {
		const char *text;
		int64_t least, most, want;
	} rows[] = {
	    {"0", 0, 9, 0},
	    {"9", 0, 9, 9},
	    {"-9", -9, 9, -9},
	    {"007", 0, 9, 7},
	    {"9223372036854775807", 0, INT64_MAX, INT64_MAX},
	    {"-9223372036854775808", INT64_MIN, 0, INT64_MIN},
	    {"9223372036854775808", 0, INT64_MAX, UNTOUCHED},
	    {"-9223372036854775809", INT64_MIN, 0, UNTOUCHED},
	    {"10", 0, 9, UNTOUCHED},
	    {"-1", 0, 9, UNTOUCHED},
	    {"", 0, 9, UNTOUCHED},
	    {"-", -9, 9, UNTOUCHED},
	    {"--1", -9, 9, UNTOUCHED},
	    {"+1", 0, 9, UNTOUCHED},
	    {" 1", 0, 9, UNTOUCHED},
	    {"1 ", 0, 9, UNTOUCHED},
	    {"0x1", 0, 9, UNTOUCHED},
	    {"1e0", 0, 9, UNTOUCHED},
	    {NULL, 0, 9, UNTOUCHED},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tact_error err = {""};
		int64_t got = UNTOUCHED;
		int result = tact_text_parse_int(rows[i].text, rows[i].least, rows[i].most, &got, &err);
		const char *what = rows[i].text == NULL ? "NULL" : rows[i].text;

		want_int(what, got, rows[i].want);
		want_int(what, result, rows[i].want == UNTOUCHED ? TACT_INVALID : TACT_OK);
		want_int(what, err.text[0] != '\0', rows[i].want == UNTOUCHED);
	}
}
END_TEST

START_TEST(text_time)
{
	static const struct {
		const char *text;
		int64_t want_us;
	} rows[] = {
	    {"2026-11-24T09:00:00Z", INT64_C(1795510800000000)},
	    {"2026-11-24t09:00:00z", INT64_C(1795510800000000)},
	    {"2026-11-24 09:00:00", INT64_C(1795510800000000)},
	    {"2026-11-24 09:00:00Z", INT64_C(1795510800000000)},
	    {"2026-11-24T10:30:00+01:30", INT64_C(1795510800000000)},
	    {"2026-11-24T04:00:00-05:00", INT64_C(1795510800000000)},
	    {"2026-11-24T09:00:00-00:00", INT64_C(1795510800000000)},
	    {"2026-11-24T09:00:00.5Z", INT64_C(1795510800500000)},
	    {"2026-11-24T09:00:00.123456Z", INT64_C(1795510800123456)},
	    {"2026-11-24T09:00:00.000001+00:00", INT64_C(1795510800000001)},
	    {"2026-11-24T09:00:00.9999999999Z", INT64_C(1795510800999999)},
	    {"2026-11-24", INT64_C(1795478400000000)},
	    {"2024-02-29", INT64_C(1709164800000000)},
	    {"1970-01-01", 0},
	    {"1969-12-31T23:59:59.25Z", -750000},
	    {"0001-01-01", INT64_C(-62135596800000000)},
	    {"9999-12-31T23:59:59Z", INT64_C(253402300799000000)},
	    {"2016-12-31T23:59:60Z", INT64_C(1483228799000000)}, /* a leap second */
	    {"@0", 0},
	    {"@1795510800", INT64_C(1795510800000000)},
	    {"@1795510800.25", INT64_C(1795510800250000)},
	    {"@-1.5", -1500000},
	    {"2026-02-29", UNTOUCHED},
	    {"2100-02-29", UNTOUCHED},
	    {"2026-13-01", UNTOUCHED},
	    {"2026-00-10", UNTOUCHED},
	    {"2026-01-00", UNTOUCHED},
	    {"0000-01-01", UNTOUCHED},
	    {"2026-11-24T24:00:00Z", UNTOUCHED},
	    {"2026-11-24T09:60:00Z", UNTOUCHED},
	    {"2026-11-24T09:00:61Z", UNTOUCHED},
	    {"2026-11-24T09:00:00", UNTOUCHED}, /* whose nine o'clock? */
	    {"2026-11-24T09:00Z", UNTOUCHED},
	    {"2026-11-24T", UNTOUCHED},
	    {"2026-11-24X09:00:00Z", UNTOUCHED},
	    {"2026-11-24T09:00:00.Z", UNTOUCHED},
	    {"2026-11-24T09:00:00Zx", UNTOUCHED},
	    {"2026-11-24T09:00:00+0100", UNTOUCHED},
	    {"2026-11-24T09:00:00+24:00", UNTOUCHED},
	    {"2026-11-24T09:00:00+01:60", UNTOUCHED},
	    {"2026-11-24T09:00:00+01:00x", UNTOUCHED},
	    {"20261124T090000Z", UNTOUCHED},
	    {"2026-W48-2", UNTOUCHED},
	    {"2026-328", UNTOUCHED},
	    {" 2026-11-24", UNTOUCHED},
	    {"2026-11-24 ", UNTOUCHED},
	    {"@", UNTOUCHED},
	    {"@-", UNTOUCHED},
	    {"@.5", UNTOUCHED},
	    {"@1.", UNTOUCHED},
	    {"@1x", UNTOUCHED},
	    {"@1.5x", UNTOUCHED},
	    {"@253402300800", UNTOUCHED},
	    {"@99999999999999999999999999999", UNTOUCHED},
	    {"", UNTOUCHED},
	    {"now", UNTOUCHED},
	    {NULL, UNTOUCHED},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tact_error err = {""};
		int64_t got = UNTOUCHED;
		int result = tact_text_parse_time(rows[i].text, &got, &err);
		const char *what = rows[i].text == NULL ? "NULL" : rows[i].text;

		want_int(what, got, rows[i].want_us);
		want_int(what, result, rows[i].want_us == UNTOUCHED ? TACT_INVALID : TACT_OK);
		want_int(what, err.text[0] != '\0', rows[i].want_us == UNTOUCHED);
	}
}
END_TEST

START_TEST(text_time_format)
{
	static const struct {
		int64_t time_us;
		const char *want;
	} rows[] = {
	    {0, "1970-01-01T00:00:00Z"},
	    {INT64_C(1795510800000000), "2026-11-24T09:00:00Z"},
	    {INT64_C(1795510800000001), "2026-11-24T09:00:00.000001Z"},
	    {INT64_C(1709209845120000), "2024-02-29T12:30:45.120000Z"},
	    {-1, "1969-12-31T23:59:59.999999Z"},
	    {-1000000, "1969-12-31T23:59:59Z"},
	    {INT64_C(-62135596800000000), "0001-01-01T00:00:00Z"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char *got = tact_text_format_time(arena, rows[i].time_us);
		int64_t back = UNTOUCHED;

		want_text("time", got, rows[i].want);
		(void)tact_text_parse_time(got, &back, NULL);
		want_int(got, back, rows[i].time_us);
	}
	ck_assert_ptr_nonnull(tact_text_format_time(arena, INT64_MIN));
	ck_assert_ptr_nonnull(tact_text_format_time(arena, INT64_MAX));
}
END_TEST

/* ---- time -------------------------------------------------------------------------------------------- */

static int64_t at(const char *text)
{
	int64_t us = UNTOUCHED;

	want_int(text, tact_text_parse_time(text, &us, NULL), TACT_OK);
	return us / 1000000;
}

static void want_time(const char *what, int64_t got_s, const char *want)
{
	want_text(what, tact_text_format_time(arena, got_s * 1000000), want);
}

static void write_clock(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

/* Has no name any more, so that nothing is left behind when a test ends the process. */
static char *clock_file(const char *text)
{
	const char *folder = getenv("TMPDIR");
	char *path = tact_arena_printf(arena, "%s/tact-clock-XXXXXX", folder == NULL ? "/tmp" : folder);
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(unlink(path), 0);
	path = tact_arena_printf(arena, "/proc/self/fd/%d", fd);
	write_clock(path, text);
	ck_assert_int_eq(setenv("TACT_TEST_CLOCK", path, 1), 0);
	return path;
}

START_TEST(clock_monotonic)
{
	int64_t first = tact_clock_monotonic_ms(), second = tact_clock_monotonic_ms();

	ck_assert_msg(second >= first, "got %" PRId64 " after %" PRId64, second, first);
}
END_TEST

#ifdef TACT_TEST_CLOCK
START_TEST(clock_from_file)
{
	char *path = clock_file("@1795510800.5\n");
	int64_t before, after;

	want_int("@", tact_clock_now_us(), INT64_C(1795510800500000));
	write_clock(path, "@1795510801");
	want_int("@, later", tact_clock_now_us(), INT64_C(1795510801000000));
	write_clock(path, "+86400\n");
	after = tact_clock_now_us();
	write_clock(path, "-86400\n");
	before = tact_clock_now_us();
	ck_assert_msg(after - before > INT64_C(172700000000) && after - before <= INT64_C(172800000000),
	    "got %" PRId64 " us between +86400 and -86400, want two days", after - before);
}
END_TEST

START_TEST(clock_wrong_file)
{
	(void)clock_file(_i == 0 ? "tomorrow\n" : _i == 1 ? "++5" : "+-5x");

	tact_log_open("test", false, TACT_LOG_ERROR);
	(void)freopen("/dev/null", "w", stderr);
	(void)tact_clock_now_us();
}
END_TEST
#else
START_TEST(clock_has_no_door)
{
	int64_t got;

	(void)clock_file("@0");
	got = tact_clock_now_us();
	ck_assert_msg(got > INT64_C(1700000000000000), "got %" PRId64 ", want the real time", got);
}
END_TEST
#endif

START_TEST(zone_names)
{
	static const struct {
		const char *name;
		bool known;
	} rows[] = {
	    {"UTC", true},
	    {"Europe/London", true},
	    {"America/Argentina/Buenos_Aires", true},
	    {"Etc/GMT+5", true},
	    {"", false},
	    {NULL, false},
	    {"Europe", false},
	    {"Europe/", false},
	    {"Europe/Atlantis", false},
	    {"+01:00", false},
	    {"-05", false},
	    {"Z", false},
	    {"UTC+1", false},
	    {"GMT0BST,M3.5.0/1,M10.5.0/2", false},
	    {"/usr/share/zoneinfo/Europe/London", false},
	    {"../zoneinfo/Europe/London", false},
	    {":Europe/London", false},
	    {"Europe/London\n", false},
	    {"zone.tab", false},
	    {"leapseconds", false},
	    {"right/Europe/London", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tact_zone *zone = tact_zone_open(rows[i].name);

		want_int(rows[i].name == NULL ? "NULL" : rows[i].name, zone != NULL, rows[i].known);
		if (zone != NULL)
			want_text("name", tact_zone_name(zone), rows[i].name);
		tact_zone_free(&zone);
		ck_assert_ptr_null(zone);
	}
	tact_zone_free(NULL);
}
END_TEST

START_TEST(zone_periods)
{
	static const struct {
		const char *zone;
		enum tact_period period;
		const char *time;
		int offset;
		const char *want;
	} rows[] = {
	    {"UTC", TACT_DAY, "2026-11-24T09:00:00Z", 0, "2026-11-24T00:00:00Z"},
	    {"UTC", TACT_DAY, "2026-11-24T00:00:00Z", 0, "2026-11-24T00:00:00Z"},
	    {"UTC", TACT_DAY, "2026-11-23T23:59:59Z", 0, "2026-11-23T00:00:00Z"},
	    {"UTC", TACT_DAY, "1969-12-31T12:00:00Z", 0, "1969-12-31T00:00:00Z"},
	    {"UTC", TACT_DAY, "2024-02-28T12:00:00Z", 1, "2024-02-29T00:00:00Z"},
	    {"UTC", TACT_DAY, "2026-02-28T12:00:00Z", 1, "2026-03-01T00:00:00Z"},
	    {"UTC", TACT_DAY, "2026-11-24T09:00:00Z", -365, "2025-11-24T00:00:00Z"},
	    /* London: 23 hours in March, 25 in October */
	    {"Europe/London", TACT_DAY, "2026-03-29T12:00:00Z", 0, "2026-03-29T00:00:00Z"},
	    {"Europe/London", TACT_DAY, "2026-03-29T12:00:00Z", 1, "2026-03-29T23:00:00Z"},
	    {"Europe/London", TACT_DAY, "2026-03-29T22:59:59Z", 0, "2026-03-29T00:00:00Z"},
	    {"Europe/London", TACT_DAY, "2026-03-29T23:00:00Z", 0, "2026-03-29T23:00:00Z"},
	    {"Europe/London", TACT_DAY, "2026-10-25T12:00:00Z", 0, "2026-10-24T23:00:00Z"},
	    {"Europe/London", TACT_DAY, "2026-10-25T12:00:00Z", 1, "2026-10-26T00:00:00Z"},
	    {"Europe/London", TACT_DAY, "2026-10-25T23:59:59Z", 0, "2026-10-24T23:00:00Z"},
	    {"Europe/London", TACT_DAY, "2026-10-26T12:00:00Z", -1, "2026-10-24T23:00:00Z"},
	    /* weeks start on Monday */
	    {"Europe/London", TACT_WEEK, "2026-03-29T12:00:00Z", 0, "2026-03-23T00:00:00Z"},
	    {"Europe/London", TACT_WEEK, "2026-03-29T12:00:00Z", 1, "2026-03-29T23:00:00Z"},
	    {"UTC", TACT_WEEK, "2026-11-23T00:00:00Z", 0, "2026-11-23T00:00:00Z"},
	    {"UTC", TACT_WEEK, "2026-11-22T23:59:59Z", 0, "2026-11-16T00:00:00Z"},
	    {"UTC", TACT_WEEK, "2027-01-02T00:00:00Z", 0, "2026-12-28T00:00:00Z"},
	    {"UTC", TACT_WEEK, "2024-02-26T00:00:00Z", 1, "2024-03-04T00:00:00Z"},
	    {"UTC", TACT_WEEK, "2026-11-24T00:00:00Z", -52, "2025-11-24T00:00:00Z"},
	    /* months, quarters, years */
	    {"Europe/London", TACT_MONTH, "2026-03-31T22:59:59Z", 0, "2026-03-01T00:00:00Z"},
	    {"Europe/London", TACT_MONTH, "2026-03-31T23:00:00Z", 0, "2026-03-31T23:00:00Z"},
	    {"Europe/London", TACT_MONTH, "2026-03-15T00:00:00Z", 1, "2026-03-31T23:00:00Z"},
	    {"UTC", TACT_MONTH, "2026-01-31T12:00:00Z", 1, "2026-02-01T00:00:00Z"},
	    {"UTC", TACT_MONTH, "2024-03-31T12:00:00Z", -1, "2024-02-01T00:00:00Z"},
	    {"UTC", TACT_MONTH, "2026-01-31T12:00:00Z", -1, "2025-12-01T00:00:00Z"},
	    {"UTC", TACT_MONTH, "2026-11-24T12:00:00Z", -23, "2024-12-01T00:00:00Z"},
	    {"UTC", TACT_MONTH, "2026-11-24T12:00:00Z", 14, "2028-01-01T00:00:00Z"},
	    {"Europe/London", TACT_QUARTER, "2026-08-15T00:00:00Z", 0, "2026-06-30T23:00:00Z"},
	    {"Europe/London", TACT_QUARTER, "2026-12-31T23:59:59Z", 0, "2026-09-30T23:00:00Z"},
	    {"Europe/London", TACT_QUARTER, "2026-12-31T23:59:59Z", 1, "2027-01-01T00:00:00Z"},
	    {"UTC", TACT_QUARTER, "2026-01-01T00:00:00Z", -1, "2025-10-01T00:00:00Z"},
	    {"UTC", TACT_QUARTER, "2026-04-01T00:00:00Z", -5, "2025-01-01T00:00:00Z"},
	    {"America/New_York", TACT_YEAR, "2026-01-01T04:59:59Z", 0, "2025-01-01T05:00:00Z"},
	    {"America/New_York", TACT_YEAR, "2026-01-01T05:00:00Z", 0, "2026-01-01T05:00:00Z"},
	    {"America/New_York", TACT_YEAR, "2026-07-04T00:00:00Z", 1, "2027-01-01T05:00:00Z"},
	    {"UTC", TACT_YEAR, "2024-02-29T00:00:00Z", -1, "2023-01-01T00:00:00Z"},
	    {"Asia/Kolkata", TACT_DAY, "2024-02-29T12:00:00Z", 0, "2024-02-28T18:30:00Z"},
	    /* no midnight: clocks go from 00:00 to 01:00 */
	    {"America/Sao_Paulo", TACT_DAY, "2018-11-04T12:00:00Z", 0, "2018-11-04T03:00:00Z"},
	    {"America/Sao_Paulo", TACT_DAY, "2018-11-04T12:00:00Z", 1, "2018-11-05T02:00:00Z"},
	    {"America/Sao_Paulo", TACT_DAY, "2018-11-04T03:00:00Z", 0, "2018-11-04T03:00:00Z"},
	    {"America/Sao_Paulo", TACT_DAY, "2018-11-04T02:59:59Z", 0, "2018-11-03T03:00:00Z"},
	    {"Asia/Beirut", TACT_DAY, "2022-03-27T12:00:00Z", 0, "2022-03-26T22:00:00Z"},
	    {"Asia/Beirut", TACT_DAY, "2022-03-26T21:59:59Z", 1, "2022-03-26T22:00:00Z"},
	    /* midnight is reached, and clocks go back to 23:00: still the old day */
	    {"America/Sao_Paulo", TACT_DAY, "2018-02-18T02:30:00Z", 0, "2018-02-17T02:00:00Z"},
	    {"America/Sao_Paulo", TACT_DAY, "2018-02-18T02:30:00Z", 1, "2018-02-18T03:00:00Z"},
	    {"Asia/Beirut", TACT_DAY, "2022-10-29T21:30:00Z", 1, "2022-10-29T22:00:00Z"},
	    /* midnight twice: the first; nor does the day before come again */
	    {"America/Havana", TACT_DAY, "2022-11-06T05:30:00Z", 0, "2022-11-06T04:00:00Z"},
	    {"America/St_Johns", TACT_DAY, "2010-11-07T02:30:30Z", 0, "2010-11-07T02:30:00Z"},
	    {"America/St_Johns", TACT_DAY, "2010-11-07T03:00:00Z", 0, "2010-11-07T02:30:00Z"},
	    {"America/St_Johns", TACT_DAY, "2010-11-07T03:00:00Z", 1, "2010-11-08T03:30:00Z"},
	    /* a day that never was: 2011-12-30 */
	    {"Pacific/Apia", TACT_DAY, "2011-12-30T09:59:59Z", 0, "2011-12-29T10:00:00Z"},
	    {"Pacific/Apia", TACT_DAY, "2011-12-30T10:00:00Z", 0, "2011-12-30T10:00:00Z"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tact_zone *zone = tact_zone_open(rows[i].zone);
		char *what = tact_arena_printf(arena, "row %zu, %s %s %+d in periods of kind %d", i,
		    rows[i].zone, rows[i].time, rows[i].offset, (int)rows[i].period);

		ck_assert_ptr_nonnull(zone);
		want_time(what,
		    tact_zone_period_start(zone, rows[i].period, at(rows[i].time), rows[i].offset),
		    rows[i].want);
		tact_zone_free(&zone);
	}
}
END_TEST

/* Every second lies in exactly one period: start(0) <= time < start(1). */
START_TEST(zone_periods_hold_their_time)
{
	static const char *const names[] = {"UTC", "Europe/London", "America/Sao_Paulo", "Asia/Beirut",
	    "America/Havana", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe", "Africa/Casablanca"};

	for (size_t i = 0; i < COUNT(names); i++) {
		struct tact_zone *zone = tact_zone_open(names[i]);

		ck_assert_ptr_nonnull(zone);
		for (int64_t time_s = at("2009-12-31"); time_s < at("2019-03-01"); time_s += 7919) {
			enum tact_period period = (enum tact_period)(time_s % 5);
			int64_t start = tact_zone_period_start(zone, period, time_s, 0);
			int64_t next = tact_zone_period_start(zone, period, time_s, 1);

			ck_assert_msg(start <= time_s && time_s < next,
			    "%s period %d: got %" PRId64 " to %" PRId64 ", want them around %" PRId64,
			    names[i], (int)period, start, next, time_s);
			want_int(names[i], tact_zone_period_start(zone, period, start, 0), start);
			want_int(names[i], tact_zone_period_start(zone, period, next - 1, 0), start);
		}
		tact_zone_free(&zone);
	}
}
END_TEST

/* ---- the table of all zones ---- */

START_TEST(zone_table_names)
{
	static const struct {
		const char *name;
		bool known;
	} rows[] = {{"Europe/London", true}, {"UTC", true}, {"GB", true}, {"America/Argentina/Ushuaia", true},
	    {"Pacific/Kiritimati", true}, {"Etc/GMT+12", true}, {"", false}, {NULL, false},
	    {"Mars/Olympus", false}, {"europe/london", false}, {"Europe/Londo", false},
	    {"Europe/London ", false}, {"Europe", false}, {"/usr/share/zoneinfo/UTC", false},
	    {"right/Europe/London", false}, {"posix/Europe/London", false}, {"zone.tab", false},
	    {"+01:00", false}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct tact_zone *zone = tact_zone_find(rows[i].name);

		want_int(rows[i].name == NULL ? "NULL" : rows[i].name, zone != NULL, rows[i].known);
		if (zone != NULL) {
			want_text("name", tact_zone_name(zone), rows[i].name);
			ck_assert_ptr_eq(tact_zone_find(rows[i].name), zone);
		}
	}
}
END_TEST

/* Whoever is asked, the answer is the same: each change of the clocks of a century, and a second beside it.
 */
static void compare_zones(const struct tact_zone *zone, const struct tact_zone *opened)
{
	int64_t end_s, opened_end_s, last_s = at("2099-12-31");

	for (int64_t time_s = at("2000-01-01"); time_s < last_s; time_s = end_s) {
		int offset_s = tact_zone_offset(zone, time_s, last_s, &end_s);

		want_int("offset", offset_s, tact_zone_offset(opened, time_s, last_s, &opened_end_s));
		/* GLib ends a stretch also where but the name of the time changes. */
		while (opened_end_s < end_s &&
		       tact_zone_offset(opened, opened_end_s, opened_end_s, &opened_end_s) == offset_s)
			(void)tact_zone_offset(opened, opened_end_s, last_s, &opened_end_s);
		want_int(tact_zone_name(zone), end_s, opened_end_s);
		want_int("a second before", tact_zone_offset(opened, end_s - 1, end_s - 1, &opened_end_s),
		    offset_s);
	}
}

START_TEST(zone_table_knows_every_change)
{
	static const char *const names[] = {"UTC", "Europe/London", "America/Sao_Paulo", "Asia/Beirut",
	    "America/Havana", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe", "Africa/Casablanca",
	    "Asia/Gaza", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kathmandu", "Antarctica/Troll"};

	for (size_t i = 0; i < COUNT(names); i++) {
		struct tact_zone *opened = tact_zone_open(names[i]);

		ck_assert_ptr_nonnull(opened);
		ck_assert_ptr_nonnull(tact_zone_find(names[i]));
		compare_zones(tact_zone_find(names[i]), opened);
		tact_zone_free(&opened);
	}
}
END_TEST

START_TEST(zone_offset_ends)
{
	static const struct {
		const char *zone, *time, *until, *end;
		int offset_s;
	} rows[] = {
	    {"Europe/London", "2026-03-01", "2026-04-01", "2026-03-29T01:00:00Z", 0},
	    {"Europe/London", "2026-03-29T00:59:59Z", "2026-04-01", "2026-03-29T01:00:00Z", 0},
	    {"Europe/London", "2026-03-29T01:00:00Z", "2026-04-01", "2026-04-01T00:00:00Z", 3600},
	    {"Europe/London", "2026-03-01", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z", 0},
	    {"Europe/London", "2026-03-01", "2026-03-29T00:59:59Z", "2026-03-29T00:59:59Z", 0},
	    {"Europe/London", "2026-03-01", "2026-02-01", "2026-02-01T00:00:00Z", 0},
	    {"America/Los_Angeles", "2026-10-25", "2026-12-01", "2026-11-01T09:00:00Z", -25200},
	    {"Europe/London", "9999-12-31", "9999-12-31T12:00:00Z", "9999-12-31T12:00:00Z", 0},
	    {"Europe/London", "0001-01-01", "0001-01-01T12:00:00Z", "0001-01-01T12:00:00Z", 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct tact_zone *zone = tact_zone_find(rows[i].zone);
		int64_t end_s;

		ck_assert_ptr_nonnull(zone);
		want_int(rows[i].time, tact_zone_offset(zone, at(rows[i].time), at(rows[i].until), &end_s),
		    rows[i].offset_s);
		want_time(rows[i].time, end_s, rows[i].end);
	}
}
END_TEST

START_TEST(dates)
{
	static const struct {
		int64_t day;
		int year, month, month_day;
	} rows[] = {{0, 1970, 1, 1}, {-1, 1969, 12, 31}, {59, 1970, 3, 1}, {11016, 2000, 2, 29},
	    {11017, 2000, 3, 1}, {20512, 2026, 2, 28}, {20513, 2026, 3, 1}, {47540, 2100, 2, 28},
	    {47541, 2100, 3, 1}, {2932896, 9999, 12, 31}, {-719162, 1, 1, 1}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int year, month, day;

		tact_date_of_day(rows[i].day, &year, &month, &day);
		want_int("year", year, rows[i].year);
		want_int("month", month, rows[i].month);
		want_int("day", day, rows[i].month_day);
		want_int("back", tact_date_day(year, month, day), rows[i].day);
	}
	want_int("runs on", tact_date_day(2026, 2, 30), tact_date_day(2026, 3, 2));
	want_int("February", tact_date_days_in_month(2026, 2), 28);
	want_int("a leap year", tact_date_days_in_month(2028, 2), 29);
	want_int("2100", tact_date_days_in_month(2100, 2), 28);
	want_int("no month", tact_date_days_in_month(2026, 13), 0);
	want_int("no month", tact_date_days_in_month(2026, 0), 0);
	want_int("no year", tact_date_days_in_month(0, 1), 0);
}
END_TEST

START_TEST(zone_local_time)
{
	static const struct {
		const char *zone, *time, *want;
	} rows[] = {
	    {"UTC", "1970-01-01", "1970-01-01 00:00:00 4 +0"},
	    {"UTC", "1969-12-31T23:59:59Z", "1969-12-31 23:59:59 3 +0"},
	    {"UTC", "2024-02-29T23:59:59Z", "2024-02-29 23:59:59 4 +0"},
	    {"Europe/London", "2026-03-29T00:59:59Z", "2026-03-29 00:59:59 7 +0"},
	    {"Europe/London", "2026-03-29T01:00:00Z", "2026-03-29 02:00:00 7 +3600"},
	    {"Europe/London", "2026-10-25T00:59:59Z", "2026-10-25 01:59:59 7 +3600"},
	    {"Europe/London", "2026-10-25T01:00:00Z", "2026-10-25 01:00:00 7 +0"},
	    {"America/New_York", "2026-01-01T04:59:59Z", "2025-12-31 23:59:59 3 -18000"},
	    {"Asia/Kolkata", "2026-11-22T18:30:00Z", "2026-11-23 00:00:00 1 +19800"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tact_zone *zone = tact_zone_open(rows[i].zone);
		struct tact_local_time t;

		ck_assert_ptr_nonnull(zone);
		tact_zone_local(zone, at(rows[i].time), &t);
		want_text(rows[i].time,
		    tact_arena_printf(arena, "%04d-%02d-%02d %02d:%02d:%02d %d %+d", t.year, t.month, t.day,
			t.hour, t.minute, t.second, t.weekday, t.offset_s),
		    rows[i].want);
		want_time(rows[i].time,
		    tact_zone_from_local(zone, t.year, t.month, t.day, t.hour, t.minute, t.second),
		    strcmp(rows[i].time, "2026-10-25T01:00:00Z") == 0
			? "2026-10-25T00:00:00Z"
			: tact_text_format_time(arena, at(rows[i].time) * 1000000));
		tact_zone_free(&zone);
	}
}
END_TEST

START_TEST(zone_from_local)
{
	static const struct {
		const char *zone;
		int at[6];
		const char *want;
	} rows[] = {
	    {"Europe/London", {2026, 7, 1, 9, 0, 0}, "2026-07-01T08:00:00Z"},
	    {"Europe/London", {2026, 3, 29, 0, 59, 59}, "2026-03-29T00:59:59Z"},
	    {"Europe/London", {2026, 3, 29, 1, 0, 0}, "2026-03-29T01:00:00Z"}, /* gap 01:00 to 02:00 */
	    {"Europe/London", {2026, 3, 29, 1, 30, 0}, "2026-03-29T01:00:00Z"},
	    {"Europe/London", {2026, 3, 29, 2, 0, 0}, "2026-03-29T01:00:00Z"},
	    {"Europe/London", {2026, 3, 29, 2, 0, 1}, "2026-03-29T01:00:01Z"},
	    {"Europe/London", {2026, 10, 25, 0, 59, 59}, "2026-10-24T23:59:59Z"},
	    {"Europe/London", {2026, 10, 25, 1, 0, 0}, "2026-10-25T00:00:00Z"}, /* overlap: the first */
	    {"Europe/London", {2026, 10, 25, 1, 59, 59}, "2026-10-25T00:59:59Z"},
	    {"Europe/London", {2026, 10, 25, 2, 0, 0}, "2026-10-25T02:00:00Z"},
	    {"Australia/Lord_Howe", {2026, 4, 5, 1, 45, 0}, "2026-04-04T14:45:00Z"},
	    {"Australia/Lord_Howe", {2026, 10, 4, 2, 15, 0}, "2026-10-03T15:30:00Z"},
	    {"America/Sao_Paulo", {2018, 11, 4, 0, 0, 0}, "2018-11-04T03:00:00Z"},
	    {"Pacific/Apia", {2011, 12, 30, 12, 0, 0}, "2011-12-30T10:00:00Z"},
	    {"Pacific/Kiritimati", {2026, 1, 1, 0, 0, 0}, "2025-12-31T10:00:00Z"},
	    {"UTC", {2024, 2, 29, 23, 59, 59}, "2024-02-29T23:59:59Z"},
	    {"UTC", {2026, 2, 29, 0, 0, 0}, "2026-03-01T00:00:00Z"}, /* runs on */
	    {"UTC", {2026, 13, 1, 0, 0, 0}, "2027-01-01T00:00:00Z"},
	    {"UTC", {2026, 1, 0, 0, 0, 0}, "2025-12-31T00:00:00Z"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tact_zone *zone = tact_zone_open(rows[i].zone);
		const int *t = rows[i].at;

		ck_assert_ptr_nonnull(zone);
		want_time(tact_arena_printf(arena, "row %zu, %s", i, rows[i].zone),
		    tact_zone_from_local(zone, t[0], t[1], t[2], t[3], t[4], t[5]), rows[i].want);
		tact_zone_free(&zone);
	}
}
END_TEST

START_TEST(zone_extremes)
{
	static const int64_t times[] = {INT64_MIN, INT64_MAX, 0};
	struct tact_zone *zone = tact_zone_open("Europe/London");
	struct tact_local_time t;

	for (size_t i = 0; i < COUNT(times); i++) {
		tact_zone_local(zone, times[i], &t);
		ck_assert_msg(t.year >= 1 && t.year <= 9999, "got year %d, want 1 to 9999", t.year);
		for (int period = TACT_DAY; period <= TACT_YEAR; period++) {
			(void)tact_zone_period_start(zone, (enum tact_period)period, times[i], INT32_MIN);
			(void)tact_zone_period_start(zone, (enum tact_period)period, times[i], INT32_MAX);
		}
	}
	(void)tact_zone_from_local(zone, INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN);
	(void)tact_zone_from_local(zone, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX);
	tact_zone_free(&zone);
}
END_TEST

/* ---- digests, ids, random ---------------------------------------------------------------------------- */

static char *sha256(const void *data, size_t size)
{
	uint8_t digest[TACT_SHA256_BYTES];

	tact_digest_sha256(data, size, digest);
	return tact_hex_encode(arena, digest, sizeof digest);
}

START_TEST(digest_sha256)
{
	char *million = tact_arena_alloc(arena, 1000000);

	/* FIPS 180-4 examples */
	want_text("empty", sha256("", 0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	want_text(
	    "NULL", sha256(NULL, 0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	want_text(
	    "abc", sha256("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	want_text("two blocks", sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56),
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	memset(million, 'a', 1000000);
	want_text("million a", sha256(million, 1000000),
	    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

START_TEST(digest_hmac)
{
	static const struct {
		int key_byte; /* -1: the text */
		const char *key;
		size_t key_bytes;
		const char *data;
		const char *want;
	} rows[] = {
	    /* RFC 4231, cases 1, 2, 6, 7 */
	    {0x0b, NULL, 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	    {-1, "Jefe", 4, "what do ya want for nothing?",
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	    {0xaa, NULL, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	    {0xaa, NULL, 131,
		"This is a test using a larger than block-size key and a larger than block-size data. The "
		"key "
		"needs to be hashed before being used by the HMAC algorithm.",
		"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
	    {-1, "", 0, "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
	};

	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		size_t row = i % COUNT(rows);
		uint8_t key[131], digest[TACT_SHA256_BYTES];

		if (rows[row].key_byte >= 0)
			memset(key, rows[row].key_byte, rows[row].key_bytes);
		else
			memcpy(key, rows[row].key, rows[row].key_bytes);
		tact_digest_hmac(key, rows[row].key_bytes, rows[row].data, strlen(rows[row].data), digest);
		want_text(rows[row].data, tact_hex_encode(arena, digest, sizeof digest), rows[row].want);
	}
}
END_TEST

START_TEST(digest_hmac_no_secret_is_not_the_last)
{
	uint8_t a[TACT_SHA256_BYTES], b[TACT_SHA256_BYTES];

	tact_digest_hmac("", 0, NULL, 0, a);
	tact_digest_hmac("secret", 6, NULL, 0, b);
	tact_digest_hmac(NULL, 0, NULL, 0, b);
	want_int("HMAC with nothing", memcmp(a, b, sizeof a), 0);
}
END_TEST

/* Twice: there may be nothing to be let go. */
START_TEST(digest_goes_on_after_what_it_kept_was_let_go)
{
	uint8_t before[TACT_SHA256_BYTES], after[TACT_SHA256_BYTES];

	tact_digest_hmac("secret", 6, "abc", 3, before);
	tact_digest_leave();
	tact_digest_leave();
	tact_digest_hmac("secret", 6, "abc", 3, after);
	want_int("HMAC", memcmp(before, after, sizeof before), 0);
	want_text(
	    "abc", sha256("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

START_TEST(digest_id)
{
	const char *ab_c[] = {"ab", "c"}, *a_bc[] = {"a", "bc"}, *abc[] = {"abc"}, *none[] = {"", NULL};
	struct tact_id id = tact_digest_id(ab_c, 2), other = tact_digest_id(a_bc, 2);
	char *want = sha256("\2\0\0\0\0\0\0\0ab\1\0\0\0\0\0\0\0c", 19);

	want[32] = '\0';
	want_text("ab c", tact_id_format(arena, &id), want);
	want_int("ab c, a bc", tact_id_equal(&id, &other), false);
	other = tact_digest_id(ab_c, 2);
	want_int("again", tact_id_equal(&id, &other), true);
	other = tact_digest_id(abc, 1);
	want_int("ab c, abc", tact_id_equal(&id, &other), false);
	id = tact_digest_id(none, 1);
	other = tact_digest_id(none + 1, 1);
	want_int("empty, NULL", tact_id_equal(&id, &other), false);
	other = tact_digest_id(NULL, 0);
	want_int("empty, no field", tact_id_equal(&id, &other), false);
}
END_TEST

/* What is counted here, held against what GLib says of the same time in another spelling. */
START_TEST(times_in_utc_are_the_calendars)
{
	static const char *const hours[] = {
	    "00:00:00", "12:34:56", "23:59:59", "23:59:60", "24:00:00", "00:60:00"};
	char utc[64], zero[64];

	for (int year = 0; year <= 9999; year += year < 1890 || year > 2110 ? 9 : 1)
		for (int day = 0; day < 14 * 33; day++) {
			const char *hour = hours[(year + day) % (int)COUNT(hours)];
			int64_t got = UNTOUCHED, want = UNTOUCHED;
			int result, other;

			(void)snprintf(utc, sizeof utc, "%04d-%02d-%02dT%sZ", year, day / 33, day % 33, hour);
			(void)snprintf(
			    zero, sizeof zero, "%04d-%02d-%02dT%s+00:00", year, day / 33, day % 33, hour);
			result = tact_text_parse_time(utc, &got, NULL);
			other = tact_text_parse_time(zero, &want, NULL);
			want_int(utc, result, other);
			want_int(utc, got, want);
		}
}
END_TEST

START_TEST(digest_crc32)
{
	want_int("check value", tact_digest_crc32("123456789", 9), 0xcbf43926);
	want_int("empty", tact_digest_crc32("", 0), 0);
	want_int("NULL", tact_digest_crc32(NULL, 0), 0);
	want_int("a word", tact_digest_crc32("12345678", 8), 0x9ae0daaf);
}
END_TEST

/* Bit by bit, as the polynomial says it. */
static uint32_t crc32_of_bits(const uint8_t *bytes, size_t count)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < 8 * count; i++) {
		bool bit = ((crc ^ (uint32_t)(bytes[i / 8] >> (i % 8))) & 1) != 0;

		crc = crc >> 1 ^ (bit ? 0xedb88320U : 0);
	}
	return ~crc;
}

START_TEST(digest_crc32_of_every_length)
{
	uint8_t bytes[200 + 8];

	tact_random_bytes(bytes, sizeof bytes);
	for (size_t length = 0; length < 200; length++)
		for (size_t at = 0; at < 8; at++) {
			uint32_t first = tact_digest_crc32(bytes + at, length / 3);

			want_int("random bytes", tact_digest_crc32(bytes + at, length),
			    crc32_of_bits(bytes + at, length));
			want_int("in two parts",
			    tact_digest_crc32_more(first, bytes + at + length / 3, length - length / 3),
			    crc32_of_bits(bytes + at, length));
		}
}
END_TEST

START_TEST(id_text)
{
	static const char text[] = "00112233445566778899aabbccddeeff";
	struct tact_id id = {{0}}, upper = {{0}};

	want_int("none", tact_id_is_none(&id), true);
	want_int("parse", tact_id_parse(text, &id), TACT_OK);
	want_int("not none", tact_id_is_none(&id), false);
	want_int("byte 10", id.b[10], 0xaa);
	want_text("format", tact_id_format(arena, &id), text);
	want_int("upper", tact_id_parse("00112233445566778899AABBCCDDEEFF", &upper), TACT_OK);
	want_int("equal", tact_id_equal(&id, &upper), true);
	want_int("short", tact_id_parse("00112233445566778899aabbccddeef", &id), TACT_INVALID);
	want_int("long", tact_id_parse("00112233445566778899aabbccddeeff0", &id), TACT_INVALID);
	want_int("foreign", tact_id_parse("00112233445566778899aabbccddeefg", &id), TACT_INVALID);
	want_int("empty", tact_id_parse("", &id), TACT_INVALID);
	want_int("NULL", tact_id_parse(NULL, &id), TACT_INVALID);
	want_int("untouched", tact_id_equal(&id, &upper), true);
}
END_TEST

START_TEST(random_differs)
{
	static struct tact_id seen[300]; /* more than one filling of the pool */
	uint8_t large[1000] = {0};
	int zeroes = 0;

	for (size_t i = 0; i < COUNT(seen); i++) {
		seen[i] = tact_id_random();
		for (size_t j = 0; j < i; j++)
			ck_assert_msg(!tact_id_equal(&seen[i], &seen[j]), "got ids %zu and %zu equal", i, j);
	}
	tact_random_bytes(large, sizeof large);
	for (size_t i = 0; i < sizeof large; i++)
		zeroes += large[i] == 0;
	ck_assert_msg(zeroes < 40, "got %d zeroes in 1000 bytes, want about 4", zeroes);
	tact_random_bytes(large, 0);
}
END_TEST

START_TEST(random_differs_after_fork)
{
	struct tact_id ours, theirs;
	int fds[2], status;
	pid_t child;

	(void)tact_id_random();
	ck_assert_int_eq(pipe(fds), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		theirs = tact_id_random();
		_exit(write(fds[1], theirs.b, sizeof theirs.b) == (ssize_t)sizeof theirs.b ? 0 : 1);
	}
	ours = tact_id_random();
	want_int("read", read(fds[0], theirs.b, sizeof theirs.b), sizeof theirs.b);
	want_int("wait", waitpid(child, &status, 0), child);
	want_int("equal", tact_id_equal(&ours, &theirs), false);
	(void)close(fds[0]);
	(void)close(fds[1]);
}
END_TEST

struct work {
	const struct tact_zone *zone;
	int wrong;
};

static void *work_in_thread(void *arg)
{
	static const uint8_t want[4] = {0xba, 0x78, 0x16, 0xbf};
	uint8_t digest[TACT_SHA256_BYTES];
	struct work *work = arg;

	for (int i = 0; i < 1000; i++) {
		struct tact_id id = tact_id_random();

		tact_digest_hmac(id.b, sizeof id.b, "abc", 3, digest);
		tact_digest_sha256("abc", 3, digest);
		work->wrong += memcmp(digest, want, sizeof want) != 0;
		work->wrong += tact_zone_period_start(work->zone, TACT_DAY, 1782910000, 0) != 1782860400;
	}
	return NULL;
}

START_TEST(threads)
{
	struct tact_zone *zone = tact_zone_open("Europe/London");
	pthread_t thread[8];
	struct work work[8];

	for (int i = 0; i < 8; i++) {
		work[i] = (struct work){.zone = zone};
		ck_assert_int_eq(pthread_create(&thread[i], NULL, work_in_thread, &work[i]), 0);
	}
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
		want_int("wrong answers", work[i].wrong, 0);
	}
	tact_zone_free(&zone);
}
END_TEST

/* ---- seal -------------------------------------------------------------------------------------------- */

static const uint8_t seal_key[TACT_SEAL_KEY_BYTES] = {1, 2, 3};

START_TEST(seal_round_trip)
{
	static const size_t sizes[] = {0, 1, 15, 16, 17, 31, 255, 4096, 100000};

	for (size_t i = 0; i < COUNT(sizes); i++) {
		size_t sealed_bytes, plain_bytes, size = sizes[i];
		uint8_t *plain = tact_arena_alloc(arena, size), *sealed;
		void *back;

		memset(plain, 'p', size);
		sealed = tact_seal(arena, seal_key, plain, size, "name", i % 2 == 0 ? 4 : 0, &sealed_bytes);
		want_int("sealed bytes", sealed_bytes, size + 28);
		want_int("unseal",
		    tact_unseal(arena, seal_key, sealed, sealed_bytes, "name", i % 2 == 0 ? 4 : 0, &back,
			&plain_bytes),
		    TACT_OK);
		want_int("bytes", plain_bytes, size);
		want_int("same", memcmp(back, plain, size), 0);
	}
}
END_TEST

START_TEST(seal_tampered)
{
	size_t size, plain_bytes = 77;
	void *back = NULL;
	uint8_t *sealed = tact_seal(arena, seal_key, "hello", 5, "name", 4, &size), key[TACT_SEAL_KEY_BYTES];

	for (size_t bit = 0; bit < 8 * size; bit++) {
		sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
		want_int("a bit turned",
		    tact_unseal(arena, seal_key, sealed, size, "name", 4, &back, &plain_bytes), TACT_CORRUPT);
		sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	for (size_t n = 0; n < size; n++)
		want_int("cut", tact_unseal(arena, seal_key, sealed, n, "name", 4, &back, &plain_bytes),
		    TACT_CORRUPT);
	want_int("other name", tact_unseal(arena, seal_key, sealed, size, "nam", 3, &back, &plain_bytes),
	    TACT_CORRUPT);
	want_int("no name", tact_unseal(arena, seal_key, sealed, size, NULL, 0, &back, &plain_bytes),
	    TACT_CORRUPT);
	memcpy(key, seal_key, sizeof key);
	key[31] ^= 1;
	want_int(
	    "other key", tact_unseal(arena, key, sealed, size, "name", 4, &back, &plain_bytes), TACT_CORRUPT);
	ck_assert_msg(back == NULL && plain_bytes == 77, "outputs were written on failure");
	want_int(
	    "whole", tact_unseal(arena, seal_key, sealed, size, "name", 4, &back, &plain_bytes), TACT_OK);
	want_text("plain", back, "hello");
}
END_TEST

/* The GCM specification (McGrew and Viega), test case 14. */
START_TEST(seal_known_answer)
{
	static const uint8_t zero_key[TACT_SEAL_KEY_BYTES];
	uint8_t sealed[44], zeroes[16] = {0};
	size_t size = 0;
	void *plain = NULL;

	want_int("hex",
	    tact_hex_decode("000000000000000000000000"
			    "cea7403d4d606b6e074ec5d3baf39d18"
			    "d0d1c8a799996bf0265b98b5d48ab919",
		sealed, sizeof sealed),
	    TACT_OK);
	want_int(
	    "unseal", tact_unseal(arena, zero_key, sealed, sizeof sealed, NULL, 0, &plain, &size), TACT_OK);
	want_int("bytes", size, 16);
	want_int("plain", memcmp(plain, zeroes, 16), 0);
}
END_TEST

START_TEST(seal_nonce_is_new)
{
	size_t size;
	uint8_t *a = tact_seal(arena, seal_key, "hello", 5, NULL, 0, &size);
	uint8_t *b = tact_seal(arena, seal_key, "hello", 5, NULL, 0, &size);

	ck_assert_msg(memcmp(a, b, 12) != 0, "got the same nonce twice");
}
END_TEST

/* ---- encodings --------------------------------------------------------------------------------------- */

START_TEST(encode_hex)
{
	uint8_t out[3] = {9, 9, 9};

	want_text("encode", tact_hex_encode(arena, "\x00\xaf\x10", 3), "00af10");
	want_text("empty", tact_hex_encode(arena, NULL, 0), "");
	want_int("foreign", tact_hex_decode("00aF1g", out, 3), TACT_INVALID);
	want_int("short", tact_hex_decode("00aF1", out, 3), TACT_INVALID);
	want_int("long", tact_hex_decode("00aF1000", out, 3), TACT_INVALID);
	want_int("sign", tact_hex_decode("00 F10", out, 3), TACT_INVALID);
	want_int("untouched", out[0], 9);
	want_int("decode", tact_hex_decode("00aF10", out, 3), TACT_OK);
	want_int("same", memcmp(out, "\x00\xaf\x10", 3), 0);
	want_int("nothing", tact_hex_decode("", out, 0), TACT_OK);
}
END_TEST

static const struct {
	const char *plain, *base32, *base64;
} vectors[] = {
    /* RFC 4648, section 10 */
    {"", "", ""},
    {"f", "my", "Zg=="},
    {"fo", "mzxq", "Zm8="},
    {"foo", "mzxw6", "Zm9v"},
    {"foob", "mzxw6yq", "Zm9vYg=="},
    {"fooba", "mzxw6ytb", "Zm9vYmE="},
    {"foobar", "mzxw6ytboi", "Zm9vYmFy"},
};

START_TEST(encode_vectors)
{
	for (size_t i = 0; i < COUNT(vectors); i++) {
		const char *plain = vectors[i].plain;
		size_t n = 77;
		void *back = NULL;

		want_text(plain, tact_base32_encode(arena, plain, strlen(plain)), vectors[i].base32);
		want_int(plain,
		    tact_base32_decode(arena, vectors[i].base32, strlen(vectors[i].base32), &back, &n),
		    TACT_OK);
		want_text("base32", back, plain);
		want_int("base32", n, strlen(plain));
		want_text(plain, tact_base64_encode(arena, plain, strlen(plain)), vectors[i].base64);
		want_int(plain, tact_base64_decode(arena, vectors[i].base64, &back, &n), TACT_OK);
		want_text("base64", back, plain);
		want_int("base64", n, strlen(plain));
	}
}
END_TEST

START_TEST(encode_round_trips)
{
	static uint8_t data[10000];

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 151 + i / 256);
	for (size_t size = 0; size <= sizeof data; size = size < 300 ? size + 1 : size + 3071) {
		char *text = tact_base32_encode(arena, data, size);
		void *back = NULL;
		size_t n = 0;

		want_int("base32 length", strlen(text), (8 * size + 4) / 5);
		want_int("base32", tact_base32_decode(arena, text, strlen(text), &back, &n), TACT_OK);
		want_int("base32 bytes", n, size);
		want_int("base32 same", memcmp(back, data, size), 0);
		want_int("NUL past the end", ((char *)back)[n], 0);
		text = tact_base64_encode(arena, data, size);
		want_int("base64 length", strlen(text), (size + 2) / 3 * 4);
		want_int("base64", tact_base64_decode(arena, text, &back, &n), TACT_OK);
		want_int("base64 bytes", n, size);
		want_int("base64 same", memcmp(back, data, size), 0);
		tact_arena_reset(arena);
	}
}
END_TEST

START_TEST(encode_base32_refusals)
{
	static const char *const refused[] = {"m", "mzx", "mzxw6y", "mz", "mzxr", "mzxw7", "mzxw6yr",
	    "my======", "m1", "m0", "m8", "mz xq", "mzxq\n", "-y", "m\xc3"};
	size_t n = 77;
	void *back = NULL;

	for (size_t i = 0; i < COUNT(refused); i++)
		want_int(refused[i], tact_base32_decode(arena, refused[i], strlen(refused[i]), &back, &n),
		    TACT_INVALID);
	ck_assert_msg(back == NULL && n == 77, "outputs were written on failure");
	want_int("upper case", tact_base32_decode(arena, "MzXw6YtBoI", 10, &back, &n), TACT_OK);
	want_text("upper case", back, "foobar");
	want_int(
	    "length is obeyed", tact_base32_decode(arena, "mzxw6ytboi@example.org", 10, &back, &n), TACT_OK);
	want_text("length is obeyed", back, "foobar");
}
END_TEST

START_TEST(encode_base64_refusals)
{
	static const char *const refused[] = {"Z", "Zg", "Zg=", "Zg===", "=",
	    "====", "Z===", "Zg==Zg==", "Zh==", "Zm9=", "Zm9v\n", "Zm 9", "Zm-_", "Zm=v", "Zm9vYg"};
	size_t n = 77;
	void *back = NULL;

	for (size_t i = 0; i < COUNT(refused); i++)
		want_int(refused[i], tact_base64_decode(arena, refused[i], &back, &n), TACT_INVALID);
	want_int("NULL", tact_base64_decode(arena, NULL, &back, &n), TACT_INVALID);
	ck_assert_msg(back == NULL && n == 77, "outputs were written on failure");
}
END_TEST

/* ---- log, edges -------------------------------------------------------------------------------------- */

/* What one call writes to standard error. */
static char *logged(enum tact_log_level level, const char *text)
{
	static char got[16384];
	int fds[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_ge(dup2(fds[1], STDERR_FILENO), 0);
	tact_log(level, "%s", text);
	ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
	(void)close(saved);
	(void)close(fds[1]);
	n = read(fds[0], got, sizeof got - 1);
	(void)close(fds[0]);
	ck_assert_int_ge(n, 0);
	got[n] = '\0';
	return got;
}

START_TEST(log_lines)
{
	char *longer = tact_arena_alloc(arena, 5001),
	     *pid = tact_arena_printf(arena, "test[%d]: ", (int)getpid());

	tact_log_open("test", false, TACT_LOG_INFO);
	want_text("info", logged(TACT_LOG_INFO, "4ABC: verdict=accept"),
	    tact_arena_printf(arena, "%sinfo: 4ABC: verdict=accept\n", pid));
	want_text("error", logged(TACT_LOG_ERROR, "a\nb\x1b\x7f%s"),
	    tact_arena_printf(arena, "%serror: a\\x0ab\\x1b\\x7f%%s\n", pid));
	want_text("below the least", logged(TACT_LOG_DEBUG, "x"), "");
	tact_log_set_level(TACT_LOG_ERROR);
	want_text("below the new least", logged(TACT_LOG_WARNING, "x"), "");
	tact_log_set_level(TACT_LOG_DEBUG);
	want_text("debug", logged(TACT_LOG_DEBUG, "x"), tact_arena_printf(arena, "%sdebug: x\n", pid));
	memset(longer, '\n', 5000);
	want_int("cut", strlen(logged(TACT_LOG_INFO, longer)), strlen(pid) + strlen("info: \n") + 4 * 2047);
}
END_TEST

START_TEST(log_says_what_it_writes)
{
	for (int least = TACT_LOG_DEBUG; least <= TACT_LOG_ERROR; least++) {
		tact_log_open("test", false, (enum tact_log_level)least);
		for (int level = TACT_LOG_DEBUG; level <= TACT_LOG_ERROR; level++)
			want_int("writes", tact_log_writes((enum tact_log_level)level),
			    logged((enum tact_log_level)level, "x")[0] != '\0');
	}
	want_int("all but the least", tact_log_writes(TACT_LOG_WARNING), false);
}
END_TEST

START_TEST(log_syslog)
{
	tact_log_open("test", true, TACT_LOG_ERROR);
	want_text("to syslog", logged(TACT_LOG_INFO, "below the least"), "");
	tact_log_open("test", false, TACT_LOG_ERROR);
	ck_assert_ptr_nonnull(strstr(logged(TACT_LOG_ERROR, "back"), "back\n"));
}
END_TEST

START_TEST(edge_not_wanted)
{
	(void)unsetenv("TACT_KILL_AT");
	tact_edge("store-before-commit");
	tact_edge("");
}
END_TEST

#ifdef TACT_EDGES
START_TEST(edge_other)
{
	(void)setenv("TACT_KILL_AT", "store-before-commit:3", 1);
	for (int i = 0; i < 9; i++)
		tact_edge("store-before");
	tact_edge("store-before-commit");
	tact_edge("store-before-commit");
}
END_TEST

START_TEST(edge_kills)
{
	(void)setenv("TACT_KILL_AT", _i == 0 ? "x" : "x:3", 1);
	if (_i == 1) {
		tact_edge("x");
		tact_edge("x");
		tact_edge("y");
	}
	tact_edge("x");
}
END_TEST

START_TEST(edge_wish_unreadable)
{
	tact_log_open("test", false, TACT_LOG_ERROR);
	(void)freopen("/dev/null", "w", stderr);
	(void)setenv("TACT_KILL_AT", _i == 0 ? "x:0" : "x:", 1);
	tact_edge("y");
}
END_TEST
#endif

/* ---- all --------------------------------------------------------------------------------------------- */

static TCase *new_case(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	return tcase;
}

static void add_memory(Suite *suite)
{
	TCase *tcase = new_case(suite, "errors, memory, arena");

	tcase_add_test(tcase, sha256_of_a_file_is_that_of_its_bytes);
	tcase_add_test(tcase, result_names);
	tcase_add_test(tcase, error_text);
	tcase_add_test(tcase, memory_wrappers);
	tcase_add_loop_exit_test(tcase, memory_ends_the_process, EX_OSERR, 0, 5);
	tcase_add_test(tcase, arena_zeroed_and_aligned);
	tcase_add_test(tcase, arena_texts);
	tcase_add_test(tcase, arena_push_grows);
	tcase_add_test(tcase, arena_push_zeroes_reused);
	tcase_add_test(tcase, arena_free_nothing);
}

static void add_text(Suite *suite)
{
	TCase *tcase = new_case(suite, "text");

	tcase_add_test(tcase, text_compare);
	tcase_add_test(tcase, text_host);
	tcase_add_test(tcase, text_trim);
	tcase_add_test(tcase, text_printable);
	tcase_add_test(tcase, text_path);
	tcase_add_test(tcase, text_duration);
	tcase_add_test(tcase, text_duration_format);
	tcase_add_test(tcase, text_int);
	tcase_add_test(tcase, text_time);
	tcase_add_test(tcase, text_time_format);
}

static void add_time(Suite *suite)
{
	TCase *tcase = new_case(suite, "time");

	tcase_add_test(tcase, clock_monotonic);
#ifdef TACT_TEST_CLOCK
	tcase_add_test(tcase, clock_from_file);
	tcase_add_loop_exit_test(tcase, clock_wrong_file, EX_CONFIG, 0, 3);
#else
	tcase_add_test(tcase, clock_has_no_door);
#endif
	tcase_add_test(tcase, zone_names);
	tcase_add_test(tcase, zone_periods);
	tcase_add_test(tcase, zone_periods_hold_their_time);
	tcase_add_test(tcase, zone_table_names);
	tcase_add_test(tcase, zone_table_knows_every_change);
	tcase_add_test(tcase, zone_offset_ends);
	tcase_add_test(tcase, dates);
	tcase_add_test(tcase, zone_local_time);
	tcase_add_test(tcase, zone_from_local);
	tcase_add_test(tcase, zone_extremes);
}

static void add_digest(Suite *suite)
{
	TCase *tcase = new_case(suite, "digests, seal, encodings");

	tcase_add_test(tcase, digest_sha256);
	tcase_add_test(tcase, digest_hmac);
	tcase_add_test(tcase, digest_hmac_no_secret_is_not_the_last);
	tcase_add_test(tcase, digest_goes_on_after_what_it_kept_was_let_go);
	tcase_add_test(tcase, digest_id);
	tcase_add_test(tcase, times_in_utc_are_the_calendars);
	tcase_add_test(tcase, digest_crc32);
	tcase_add_test(tcase, digest_crc32_of_every_length);
	tcase_add_test(tcase, id_text);
	tcase_add_test(tcase, random_differs);
	tcase_add_test(tcase, random_differs_after_fork);
	tcase_add_test(tcase, threads);
	tcase_add_test(tcase, seal_round_trip);
	tcase_add_test(tcase, seal_tampered);
	tcase_add_test(tcase, seal_known_answer);
	tcase_add_test(tcase, seal_nonce_is_new);
	tcase_add_test(tcase, encode_hex);
	tcase_add_test(tcase, encode_vectors);
	tcase_add_test(tcase, encode_round_trips);
	tcase_add_test(tcase, encode_base32_refusals);
	tcase_add_test(tcase, encode_base64_refusals);
}

static void add_log(Suite *suite)
{
	TCase *tcase = new_case(suite, "log, edges");

	tcase_add_test(tcase, log_lines);
	tcase_add_test(tcase, log_says_what_it_writes);
	tcase_add_test(tcase, log_syslog);
	tcase_add_test(tcase, edge_not_wanted);
#ifdef TACT_EDGES
	tcase_add_test(tcase, edge_other);
	tcase_add_loop_test_raise_signal(tcase, edge_kills, SIGKILL, 0, 2);
	tcase_add_loop_test_raise_signal(tcase, edge_wish_unreadable, SIGABRT, 0, 2);
#endif
}

int main(void)
{
	Suite *suite = suite_create("base");
	SRunner *runner = srunner_create(suite);
	int failed;

	add_memory(suite);
	add_text(suite);
	add_time(suite);
	add_digest(suite);
	add_log(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

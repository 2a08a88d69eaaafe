/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The gate's parsers: command lines, xtext, XFORWARD, VERP, dots. And the fuzz target over its seeds.
 */
#include <config.h>

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/gate/body.h"
#include "../../src/gate/command.h"
#include "../../src/gate/dots.h"
#include "../../src/gate/verp.h"
#include "../../src/gate/xforward.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tact_arena *arena;

static void setup(void)
{
	arena = tact_arena_new();
}

static void teardown(void)
{
	tact_arena_free(&arena);
}

static struct command parse(const char *line)
{
	struct command command;

	command_parse(arena, line, strlen(line), &command);
	return command;
}

/* ---- commands ---- */

static const struct {
	const char *line;
	enum verb verb;
	const char *address, *args;
} lines[] = {
    {"LHLO relay.test", VERB_LHLO, "", "relay.test"},
    {"lhlo  relay.test ", VERB_LHLO, "", "relay.test"},
    {"LHLO", VERB_BROKEN, "", ""},
    {"EHLO x", VERB_HELO, "", "x"},
    {"HELO x", VERB_HELO, "", "x"},
    {"MAIL FROM:<a@b.example>", VERB_MAIL, "a@b.example", ""},
    {"MAIL FROM:<>", VERB_MAIL, "", ""},
    {"mail from: <a@b.example> SIZE=12 RET=HDRS ENVID=x+3Dy", VERB_MAIL, "a@b.example",
	"SIZE=12 RET=HDRS ENVID=x+3Dy"},
    {"MAIL FROM:<\"a>b\"@c.example> BODY=8BITMIME", VERB_MAIL, "\"a>b\"@c.example", "BODY=8BITMIME"},
    {"MAIL FROM:<\"a\\\">b\"@c.example>", VERB_MAIL, "\"a\\\">b\"@c.example", ""},
    {"MAIL FROM:<grün@x.example> SMTPUTF8", VERB_MAIL, "grün@x.example", "SMTPUTF8"},
    {"MAIL FROM:a@b.example", VERB_BROKEN, "", ""},
    {"MAIL FROM:<a@b.example", VERB_BROKEN, "", ""},
    {"MAIL FROM:<\"a>b@c.example>", VERB_BROKEN, "", ""},
    {"MAIL FROM:<a@b.example>SIZE=1", VERB_BROKEN, "", ""},
    {"MAIL <a@b.example>", VERB_BROKEN, "", ""},
    {"MAIL", VERB_BROKEN, "", ""},
    {"RCPT TO:<x@y.example> NOTIFY=FAILURE ORCPT=rfc822;x@y.example", VERB_RCPT, "x@y.example",
	"NOTIFY=FAILURE ORCPT=rfc822;x@y.example"},
    {"RCPT FROM:<x@y.example>", VERB_BROKEN, "", ""},
    {"RCPT TO:", VERB_BROKEN, "", ""},
    {"XFORWARD NAME=a ADDR=192.0.2.1", VERB_XFORWARD, "", "NAME=a ADDR=192.0.2.1"},
    {"XFORWARD", VERB_BROKEN, "", ""},
    {"DATA", VERB_DATA, "", ""},
    {"RSET", VERB_RSET, "", ""},
    {"NOOP x", VERB_NOOP, "", "x"},
    {"QUIT", VERB_QUIT, "", ""},
    {"VRFY x", VERB_REFUSED, "", "x"},
    {"BDAT 12 LAST", VERB_REFUSED, "", "12 LAST"},
    {"DATAX", VERB_UNKNOWN, "", ""},
    {"", VERB_UNKNOWN, "", ""},
    {" DATA", VERB_UNKNOWN, "", "DATA"},
    {"DATA\x01", VERB_BROKEN, "", ""},
    {"RCPT TO:<x@y.example>\rDATA", VERB_BROKEN, "", ""},
};

START_TEST(lines_are_taken_apart)
{
	struct command got = parse(lines[_i].line);

	ck_assert_msg(
	    got.verb == lines[_i].verb, "%s: got verb %d, want %d", lines[_i].line, got.verb, lines[_i].verb);
	if (got.verb == VERB_BROKEN)
		return;
	ck_assert_str_eq(got.address, lines[_i].address);
	ck_assert_str_eq(got.args, lines[_i].args);
}
END_TEST

START_TEST(a_nul_breaks_a_line)
{
	struct command command;

	command_parse(arena, "DATA\0x", 6, &command);
	ck_assert_int_eq(command.verb, VERB_BROKEN);
}
END_TEST

START_TEST(long_lines_are_taken_apart)
{
	static const size_t lengths[] = {0, 1, 1023, 1024, 65535, 65536, 1048576};
	size_t length = lengths[_i];
	char *line = tact_arena_alloc(arena, length + 64);
	struct command command;

	memcpy(line, "RCPT TO:<", 9);
	memset(line + 9, 'a', length);
	memcpy(line + 9 + length, "> X=1", 6);
	command_parse(arena, line, strlen(line), &command);
	ck_assert_int_eq(command.verb, VERB_RCPT);
	ck_assert_uint_eq(strlen(command.address), length);
	ck_assert_str_eq(command.args, "X=1");
}
END_TEST

START_TEST(xtext_is_decoded)
{
	ck_assert_str_eq(xtext_decode(arena, "a+3Db+2B"), "a=b+");
	ck_assert_str_eq(xtext_decode(arena, ""), "");
	ck_assert_ptr_null(xtext_decode(arena, "a+3"));
	ck_assert_ptr_null(xtext_decode(arena, "a+"));
	ck_assert_ptr_null(xtext_decode(arena, "a+zz"));
	ck_assert_ptr_null(xtext_decode(arena, "a+00"));
}
END_TEST

START_TEST(xforward_is_read)
{
	struct xforward xforward = {0};

	ck_assert(xforward_read(arena, "NAME=mail.example ADDR=IPV6:2001:db8::1", &xforward));
	ck_assert(xforward_read(arena, "ident=4B2C HELO=[UNAVAILABLE] PORT=[unavailable]", &xforward));
	ck_assert_str_eq(xforward_value(arena, &xforward, XF_NAME), "mail.example");
	ck_assert_str_eq(xforward_value(arena, &xforward, XF_ADDR), "2001:db8::1");
	ck_assert_str_eq(xforward_value(arena, &xforward, XF_IDENT), "4B2C");
	ck_assert_ptr_null(xforward_value(arena, &xforward, XF_HELO));
	ck_assert_ptr_null(xforward_value(arena, &xforward, XF_PORT));
	ck_assert_ptr_null(xforward_value(arena, &xforward, XF_SOURCE));
	ck_assert(!xforward_read(arena, "COLOUR=red", &xforward));
	ck_assert(!xforward_read(arena, "NAME", &xforward));
	ck_assert(!xforward_read(arena, "NAME=+zz", &xforward));
}
END_TEST

/* ---- VERP ---- */

#define GATE "0123456789abcdef0123456789abcdef.mfxg4@s12.later.tact.invalid"

static const struct {
	const char *sender, *real, *want, *original; /* want NULL: left alone */
} verps[] = {
    {"owner+0123456789abcdef0123456789abcdef.mfxg4=s12.later.tact.invalid@list.example", "ann@example.com",
	"owner+ann=example.com@list.example", "owner@list.example"},
    {"a-b-0123456789abcdef0123456789abcdef.mfxg4#s12.later.tact.invalid@list.example", "ann@example.com",
	"a-b-ann#example.com@list.example", "a-b@list.example"},
    {"owner+0123456789ABCDEF0123456789abcdef.mfxg4=S12.later.tact.INVALID@list.example",
	"\"a b\"@example.com", "\"owner+a b=example.com\"@list.example", "owner@list.example"},
    {"\"o w+0123456789abcdef0123456789abcdef.mfxg4=s12.later.tact.invalid\"@list.example", "ann@example.com",
	"\"o w+ann=example.com\"@list.example", "\"o w\"@list.example"},
    {"owner@list.example", "ann@example.com", NULL, NULL},
    {"owner+bob=example.com@list.example", "ann@example.com", NULL, NULL},
    {"+0123456789abcdef0123456789abcdef.mfxg4=s12.later.tact.invalid@list.example", "ann@example.com", NULL,
	NULL},
    {"0123456789abcdef0123456789abcdef.mfxg4=s12.later.tact.invalid@list.example", "ann@example.com", NULL,
	NULL},
    {"=s12.later.tact.invalid@list.example", "ann@example.com", NULL, NULL},
    {"s12.later.tact.invalid@list.example", "ann@example.com", NULL, NULL},
    {"", "ann@example.com", NULL, NULL},
};

START_TEST(verp_has_the_real_recipient)
{
	const char *sender = "unset", *original = "unset";
	bool got = verp_restore(arena, verps[_i].sender, GATE, verps[_i].real, &sender, &original);

	ck_assert_msg(got == (verps[_i].want != NULL), "%s: got %d", verps[_i].sender, got);
	ck_assert_str_eq(sender, got ? verps[_i].want : "unset");
	ck_assert_str_eq(original, got ? verps[_i].original : "unset");
}
END_TEST

/* ---- dots ---- */

static void collect(void *context, const char *data, size_t size)
{
	body_append(context, data, size);
}

/* In pieces of STEP bytes; answers how many bytes of the wire were used. */
static size_t receive(const char *wire, size_t size, size_t step, struct body *ret)
{
	struct dots_in dots = {.state = DOTS_LINE_START};
	size_t at = 0;

	while (at < size && dots.state != DOTS_DONE) {
		size_t part = size - at < step ? size - at : step;
		size_t used = dots_feed(&dots, wire + at, part, collect, ret);

		at += used;
		if (used < part)
			break;
	}
	ck_assert_msg(dots.state == DOTS_DONE, "the end was not seen");
	return at;
}

static void transmit(const char *text, size_t size, size_t step, struct body *ret)
{
	struct dots_out dots = {0};

	for (size_t at = 0; at < size; at += step)
		dots_write(&dots, text + at, size - at < step ? size - at : step, collect, ret);
	dots_end(&dots, collect, ret);
}

static const struct {
	const char *text;
	size_t size;
} messages[] = {
#define M(text)                                                                                              \
	{                                                                                                    \
		text, sizeof text - 1                                                                        \
	}
    M(""),
    M("\r\n"),
    M(".\r\n"),
    M("..\r\n"),
    M("a\r\n.\r\nb\r\n"),
    M("a\r\n..b\r\n...\r\n"),
    M("bare\rcr\r\r\n.\rx\r\n"),
    M("bare\nlf\n.\nx\r\n"),
    M("\n.\r\n"),
    M("nul\0in\0it\r\n\0\r\n"),
    M("\xff\x80 8 bit\r\n"),
    M(".\r\r\n.\r.\r\n"),
    M("a\r\n\r\n\r\n.x\r\n"),
#undef M
};

/* What goes out comes in again, byte for byte, however it is cut, when the receiver knows only CR LF; what
 * stands before a bare LF's dot is the one exception, made so that a receiver which takes LF for a line end
 * does not see an end. */
START_TEST(dots_go_round)
{
	for (size_t step = 1; step < 8; step++) {
		struct body wire, back;

		body_init(&wire);
		body_init(&back);
		transmit(messages[_i].text, messages[_i].size, step, &wire);
		ck_assert_uint_eq(receive(wire.memory, wire.memory_size, step, &back), wire.memory_size);
		if (memmem(messages[_i].text, messages[_i].size, "\n.", 2) == NULL ||
		    memmem(messages[_i].text, messages[_i].size, "\r\n.", 3) != NULL) {
			ck_assert_uint_eq(back.memory_size, messages[_i].size);
			ck_assert(back.memory_size == 0 ||
				  memcmp(back.memory, messages[_i].text, back.memory_size) == 0);
		}
		body_clear(&wire);
		body_clear(&back);
	}
}
END_TEST

static void wire_is(const char *text, const char *want)
{
	struct body wire;

	body_init(&wire);
	transmit(text, strlen(text), 3, &wire);
	body_append(&wire, "", 1);
	ck_assert_str_eq(wire.memory, want);
	body_clear(&wire);
}

START_TEST(dots_on_the_wire)
{
	wire_is("", ".\r\n");
	wire_is("a\r\n", "a\r\n.\r\n");
	wire_is("a", "a\r\n.\r\n");
	wire_is("a\n", "a\n\r\n.\r\n");
	wire_is(".\r\n", "..\r\n.\r\n");
	wire_is("a\n.\r\nQUIT\r\n", "a\n..\r\nQUIT\r\n.\r\n");
}
END_TEST

static void body_is(const char *wire, const char *want, size_t want_used)
{
	struct body body;

	body_init(&body);
	ck_assert_uint_eq(receive(wire, strlen(wire), 2, &body), want_used);
	body_append(&body, "", 1);
	ck_assert_str_eq(body.memory, want);
	body_clear(&body);
}

/* Only CR LF "." CR LF is an end. */
START_TEST(nothing_else_ends_a_message)
{
	body_is("a\n.\nb\r\n.\r\nMAIL", "a\n.\nb\r\n", 10);
	body_is("a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", 11);
	body_is("a\r.\rb\r\n.\r\n", "a\r.\rb\r\n", 10);
	body_is("a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", 11);
	body_is("a\r\n.\r.\r\n.\r\n", "a\r\n\r.\r\n", 11);
	body_is("a\r\n.\r\r\n.\r\n", "a\r\n\r\r\n", 10);
	body_is(".\r\n", "", 3);
}
END_TEST

/* ---- the body ---- */

START_TEST(a_body_outgrows_memory)
{
	static const size_t sizes[] = {0, 1, 2162687, 2162688, 2162689, 4000000};
	struct body body;
	char *text = tact_arena_alloc(arena, sizes[_i] + 1),
	     *back = tact_arena_alloc(arena, sizes[_i] + 70000);
	size_t at = 0;

	for (size_t i = 0; i < sizes[_i]; i++)
		text[i] = (char)(i * 7 + i / 251);
	body_init(&body);
	for (size_t i = 0; i < sizes[_i]; i += 4999)
		body_append(&body, text + i, sizes[_i] - i < 4999 ? sizes[_i] - i : 4999);
	ck_assert_uint_eq(body.size, sizes[_i]);
	ck_assert_int_eq(body.fd >= 0, sizes[_i] > 2162688);
	for (ssize_t n; (n = body_read(&body, at, back + at, 65536)) != 0; at += (size_t)n)
		ck_assert_int_gt(n, 0);
	ck_assert_uint_eq(at, sizes[_i]);
	ck_assert(memcmp(text, back, at) == 0);
	body_clear(&body);
}
END_TEST

START_TEST(a_body_without_room_says_so)
{
	struct body body;
	char *text = tact_arena_alloc(arena, 3000000);

	ck_assert_int_eq(setenv("TMPDIR", "/nonexistent", 1), 0);
	body_init(&body);
	body_append(&body, text, 3000000);
	ck_assert_int_ne(body.error, 0);
	body_append(&body, text, 10);
	body_clear(&body);
}
END_TEST

/* ---- seeds ---- */

START_TEST(seeds_pass)
{
	const char *top = getenv("srcdir");
	const char *folder = tact_arena_printf(arena, "%s/tests/fuzz/seeds/lmtp", top != NULL ? top : ".");
	DIR *seeds = opendir(folder);
	struct dirent *entry;
	int count = 0;

	ck_assert_msg(seeds != NULL, "%s: cannot be opened", folder);
	while ((entry = readdir(seeds)) != NULL) {
		static uint8_t data[65536];
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		file = fopen(tact_arena_printf(arena, "%s/%s", folder, entry->d_name), "rb");
		ck_assert_ptr_nonnull(file);
		ck_assert_int_eq(LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof data, file)), 0);
		(void)fclose(file);
		count++;
	}
	(void)closedir(seeds);
	ck_assert_int_ge(count, 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gate_command");
	TCase *tcase = tcase_create("parsers");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, lines_are_taken_apart, 0, sizeof lines / sizeof *lines);
	tcase_add_test(tcase, a_nul_breaks_a_line);
	tcase_add_loop_test(tcase, long_lines_are_taken_apart, 0, 7);
	tcase_add_test(tcase, xtext_is_decoded);
	tcase_add_test(tcase, xforward_is_read);
	tcase_add_loop_test(tcase, verp_has_the_real_recipient, 0, sizeof verps / sizeof *verps);
	tcase_add_loop_test(tcase, dots_go_round, 0, sizeof messages / sizeof *messages);
	tcase_add_test(tcase, dots_on_the_wire);
	tcase_add_test(tcase, nothing_else_ends_a_message);
	tcase_add_loop_test(tcase, a_body_outgrows_memory, 0, 6);
	tcase_add_test(tcase, a_body_without_room_says_so);
	tcase_add_test(tcase, seeds_pass);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

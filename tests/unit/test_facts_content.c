/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What a reader sees of a message: every file of tests/mails/content, each with what is to be read from it
 * beside it; what no file shows; and that no message takes long.
 */
#include <config.h>

#include <check.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tact/facts.h>

static struct tact_arena *arena;

static void begin(void)
{
	arena = tact_arena_new();
}

static void end(void)
{
	tact_arena_free(&arena);
}

static char *read_file(const char *name, size_t *ret_size)
{
	const char *source = getenv("srcdir");
	char *path =
	    tact_arena_printf(arena, "%s/tests/mails/content/%s", source == NULL ? "." : source, name);
	size_t room = 1 << 20;
	char *data = tact_arena_alloc(arena, room);
	FILE *file = fopen(path, "rb");

	ck_assert_msg(file != NULL, "got no file %s", path);
	*ret_size = fread(data, 1, room - 1, file);
	fclose(file);
	return data;
}

static struct tact_content read_mail(const char *mail, size_t size, bool whole)
{
	static const struct tact_canonical_profile profile = {.fold_local_case = true};
	static const struct tact_envelope envelope = {.listener = "smtp", .sender = "leeds@acme.example"};
	struct tact_message *message;
	struct tact_content content;
	struct tact_error err;
	size_t offset;

	ck_assert_int_eq(
	    tact_facts_read_message(arena, &envelope, mail, size, &profile, &message, &offset, &err),
	    TACT_OK);
	struct tact_body body = {.bytes = mail + offset, .size_bytes = size - offset, .whole = whole};
	tact_facts_read_content(arena, message, &body, &content);
	return content;
}

static struct tact_content read_text(const char *mail)
{
	return read_mail(mail, strlen(mail), true);
}

/* ---- the files ---- */

/* As the file beside a message is written. A text of "*" there: whatever could be read. */
static char *written(const struct tact_content *content, bool with_text)
{
	return tact_arena_printf(arena, "subject: %s\nattachment: %s\nunreadable: %s\n\n%s", content->subject,
	    content->attachment ? "yes" : "no", content->unreadable == NULL ? "-" : content->unreadable,
	    with_text ? content->text : "*");
}

static size_t check_mail(const char *name)
{
	size_t length = strlen(name), mail_size, want_size;

	if (length < 4 || strcmp(name + length - 4, ".eml") != 0)
		return 0;
	char *mail = read_file(name, &mail_size);
	char *want = read_file(tact_arena_printf(arena, "%.*s.txt", (int)length - 4, name), &want_size);
	struct tact_content content = read_mail(mail, mail_size, true);
	char *got = written(&content, want_size < 3 || strcmp(want + want_size - 3, "\n\n*") != 0);

	ck_assert_msg(strcmp(got, want) == 0, "%s: got\n%s\nwant\n%s", name, got, want);
	ck_assert_uint_eq(content.text_bytes, strlen(content.text));
	return 1;
}

START_TEST(every_file_is_read_as_it_says)
{
	const char *source = getenv("srcdir");
	DIR *folder =
	    opendir(tact_arena_printf(arena, "%s/tests/mails/content", source == NULL ? "." : source));
	size_t count = 0;

	ck_assert_ptr_nonnull(folder);
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
		count += check_mail(entry->d_name);
	closedir(folder);
	ck_assert_msg(count >= 60, "got %zu messages, want at least 60", count);
}
END_TEST

/* ---- what no file shows ---- */

#define HEAD "From: a@acme.example\n"

START_TEST(a_body_that_was_cut_is_unreadable)
{
	const char *mail = HEAD "\nDear Ann, and so on";
	struct tact_content content = read_mail(mail, strlen(mail), false);

	ck_assert_str_eq(content.unreadable, "the body is too large");
	ck_assert_str_eq(content.text, "Dear Ann, and so on");
}
END_TEST

START_TEST(a_body_that_was_not_kept_is_unreadable)
{
	static const struct tact_envelope envelope = {.listener = "smtp", .sender = ""};
	static const struct tact_canonical_profile profile = {.fold_local_case = true};
	struct tact_message *message = tact_facts_new_message(arena, &envelope);
	struct tact_content content;

	tact_facts_add_header(arena, message, "From", "a@acme.example");
	tact_facts_add_header(arena, message, "Subject", "=?utf-8?Q?Gr=C3=BC=C3=9Fe?=");
	tact_facts_finish_message(arena, message, &profile);
	tact_facts_read_content(arena, message, NULL, &content);
	ck_assert_str_eq(content.unreadable, "the body was not kept");
	ck_assert_ptr_null(content.subject_unreadable);
	ck_assert_str_eq(content.subject, "Grüße");
	ck_assert_str_eq(content.text, "");
}
END_TEST

START_TEST(a_subject_that_cannot_be_decoded_says_so)
{
	static const char *const broken[] = {"=?utf-8?Q?caf=E9?=", "caf\xe9",
	    "=?utf-8?B?%%%?=", "=?x-unheard-of?Q?abc?=", "=?utf-8?B?4pg=?=", "=?utf-8?X?abc?="};
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct tact_content content =
		    read_text(tact_arena_printf(arena, HEAD "Subject: %s\n\nx", broken[i]));

		ck_assert_msg(content.subject_unreadable != NULL, "%s: got \"%s\", want unreadable",
		    broken[i], content.subject);
		ck_assert_ptr_null(content.unreadable);
	}
	ck_assert_ptr_null(
	    read_text(HEAD "Subject: =?utf-8?B?4oI=?= =?utf-8?B?rA==?= 5\n\nx").subject_unreadable);
	ck_assert_ptr_null(read_text(HEAD "Subject: what =? is this\n\nx").subject_unreadable);
	ck_assert_ptr_null(read_text(HEAD "\nx").subject_unreadable);
}
END_TEST

/* Their neighbours are. */
START_TEST(directions_are_not_seen)
{
	struct tact_content content = read_text(
	    HEAD "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
		 "Content-Transfer-Encoding: 8bit\n\n"
		 "a\u200e\u200fb\u202a\u202b\u202c\u202d\u202ec\u2066\u2067\u2068\u2069d\u2010\u2065e");

	ck_assert_ptr_null(content.unreadable);
	ck_assert_str_eq(content.text, "abcd\u2010\u2065e");
}
END_TEST

START_TEST(an_ambiguous_message_is_unreadable)
{
	struct tact_content content = read_text(HEAD "Subject: a\nSubject: b\n\nx");

	ck_assert_str_eq(content.unreadable, "header Subject stands more than once");
	ck_assert_str_eq(content.subject_unreadable, "header Subject stands more than once");
}
END_TEST

START_TEST(nul_bytes_end_nothing)
{
	static const char mail[] = HEAD "\nDear\0Sir\0or Madam";
	struct tact_content content = read_mail(mail, sizeof mail - 1, true);

	ck_assert_str_eq(content.text, "Dear Sir or Madam");
	ck_assert_ptr_null(content.unreadable);
}
END_TEST

/* GMime would remember every one of these names. */
START_TEST(names_of_character_sets_are_not_collected)
{
	char *mail = tact_arena_printf(arena,
	    HEAD
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; name*=x-%080d'en'a\n"
	    "Content-Disposition: inline; filename=\"=?x-%d?Q?a?=\"\n\nA =?x-word?= and a*=b'c\n--b--\n",
	    1, 2);
	struct tact_content content = read_text(mail);

	ck_assert_str_eq(content.text, "A =?x-word?= and a*=b'c");
	ck_assert_ptr_null(content.unreadable);
}
END_TEST

/* ---- nothing takes long ---- */

static char *repeat(const char *head, const char *what, size_t size)
{
	size_t length = strlen(what), at = strlen(head);
	char *text = tact_arena_alloc(arena, at + size + 1);

	memcpy(text, head, at);
	for (size_t i = 0; i + length <= size; i += length)
		memcpy(text + at + i, what, length);
	return text;
}

#define MULTIPART HEAD "Content-Type: multipart/mixed; boundary=b\n\n"
#define HTML HEAD "Content-Type: text/html; charset=utf-8\n\n"
static const struct {
	const char *head, *what;
} long_ones[] = {
    {MULTIPART, "--b\n"},
    {MULTIPART, "--b\n\n"},
    {MULTIPART, "--b\nContent-Type: multipart/mixed; boundary=b\n\n"},
    {MULTIPART, "--b\nContent-Type: message/rfc822\n\n"},
    {MULTIPART, "--"},
    {MULTIPART, "Content-Type: a*=b'c'd; "},
    {HEAD "Content-Type: text/plain", "; boundary=x"},
    {HTML, "<b>"},
    {HTML, "</i>"},
    {HTML, "<b></i>"},
    {HTML, "<p><table>"},
    {HTML, "<"},
    {HTML, "&amp"},
    {HTML, "<!--"},
    {HTML, "<a a a "},
    {HTML, "<img alt='"},
    {HTML, "]]>"},
    {HEAD "Content-Transfer-Encoding: quoted-printable\n\n", "= "},
    {HEAD "Content-Transfer-Encoding: base64\n\n", "===="},
    {HEAD "Content-Type: text/plain; charset=iso-2022-jp\n\n", "\033$B"},
    {HEAD "\n", "a\xcc\x80\xcc\x81"},
    {HEAD "\n", "=?=?*='"},
};

/* The process's own time: others may be busy. */
START_TEST(no_message_takes_long)
{
	char *mail = repeat(long_ones[_i].head, long_ones[_i].what, 1 << 20);
	clock_t before = clock();

	(void)read_text(mail);
	double seconds = (double)(clock() - before) / CLOCKS_PER_SEC;
	ck_assert_msg(seconds < 4, "\"%s\": got %.1f s, want less than 4", long_ones[_i].what, seconds);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("facts: content");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 300);
	tcase_add_checked_fixture(all, begin, end);
	tcase_add_test(all, every_file_is_read_as_it_says);
	tcase_add_test(all, a_body_that_was_cut_is_unreadable);
	tcase_add_test(all, a_body_that_was_not_kept_is_unreadable);
	tcase_add_test(all, a_subject_that_cannot_be_decoded_says_so);
	tcase_add_test(all, directions_are_not_seen);
	tcase_add_test(all, an_ambiguous_message_is_unreadable);
	tcase_add_test(all, nul_bytes_end_nothing);
	tcase_add_test(all, names_of_character_sets_are_not_collected);
	tcase_add_loop_test(all, no_message_takes_long, 0, sizeof long_ones / sizeof *long_ones);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Messages: what is read of headers, what makes a message ambiguous, RFC 5322 text, contact ids.
 */
#include <config.h>

#include <check.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <tact/facts.h>

static struct tact_arena *arena;

static const struct tact_canonical_profile profile = {.fold_local_case = true};
static const struct tact_envelope envelope = {.listener = "main",
    .smtp = true,
    .sasl_user = "robot",
    .client_ip = "192.0.2.7",
    .sender = "shop@example.com"};

static void set_up(void)
{
	arena = tact_arena_new();
}

static void tear_down(void)
{
	tact_arena_free(&arena);
}

/* Header text with LF, without the empty line. */
static struct tact_message *message_in(struct tact_arena *in, const char *header)
{
	struct tact_message *message = NULL;
	size_t body;
	const char *text = tact_arena_printf(in, "%s\nbody\n", header);
	int got = tact_facts_read_message(in, &envelope, text, strlen(text), &profile, &message, &body, NULL);
	ck_assert_int_eq(got, TACT_OK);
	ck_assert_str_eq(text + body, "body\n");
	return message;
}

static struct tact_message *message_of(const char *header)
{
	return message_in(arena, header);
}

#define FROM "From: Shop <Shop@Example.com>\n"

static void check_text(const char *what, const char *got, const char *want)
{
	if (got == NULL || want == NULL)
		ck_assert_msg(got == want, "%s: got %s, want %s", what, got == NULL ? "none" : got,
		    want == NULL ? "none" : want);
	else
		ck_assert_msg(strcmp(got, want) == 0, "%s: got %s, want %s", what, got, want);
}

/* ---- From ---------------------------------------------------------------------------------------------- */

static const struct {
	const char *header, *from; /* NULL: ambiguous */
} froms[] = {
    {"From: ann@example.com\n", "ann@example.com"},
    {"FROM:ann@example.com\n", "ann@example.com"},
    {"From : ann@example.com\n", "ann@example.com"},
    {"From: Ann <Ann@Example.COM>\n", "ann@example.com"},
    {"From: \"Smith, Ann\" <ann@example.com>\n", "ann@example.com"},
    {"From: John Q. Public <ann@example.com>\n", "ann@example.com"},
    {"From: \"ann@good.example\" <bob@example.com>\n", "bob@example.com"},
    {"From: \"<ann@good.example>\" <bob@example.com>\n", "bob@example.com"},
    {"From: (ann@good.example) bob@example.com\n", "bob@example.com"},
    {"From: =?utf-8?q?Gr=C3=BC=C3=9Fe?= <ann@example.com>\n", "ann@example.com"},
    {"From: =?utf-8?q?a=40b?=\n\t<ann@example.com>\n", "ann@example.com"},
    {"From: M\xc3\xbcller <ann@example.com>\n", "ann@example.com"},
    {"From: M\xfcller <ann@example.com>\n", "ann@example.com"},
    {"From: <m\xc3\xbcller@b\xc3\xbc"
     "cher.example>\n",
	"m\xc3\xbcller@xn--bcher-kva.example"},
    {"From: \"ann smith\"@example.com\n", "\"ann smith\"@example.com"},
    {"From: ann@[192.0.2.1]\n", "ann@[192.0.2.1]"},
    {"From: ann@example.com,\n", "ann@example.com"},
    {"From: =?zz-1?q?x?= <ann@example.com>\n", "ann@example.com"},
    {"From: =?utf-8?q?x?= <=?utf-8?q?ann?=@example.com>\n", NULL},
    {"From: =?zz-1?q?ann?=@example.com\n", NULL},
    {"", NULL},
    {"From:\n", NULL},
    {"From: \n", NULL},
    {"From: <>\n", NULL},
    {"From: ann\n", NULL},
    {"From: Ann <ann>\n", NULL},
    {"From: undisclosed:;\n", NULL},
    {"From: desk: ann@example.com;\n", NULL},
    {"From: ann@example.com, bob@example.com\n", NULL},
    {"From: ann@example.com bob@example.com\n", NULL},
    {"From: ann@example.com; bob@example.com\n", NULL},
    {"From: <ann@example.com><bob@example.com>\n", NULL},
    {"From: Ann <ann@example.com, bob@example.com>\n", NULL},
    {"From: ann@good.example <bob@example.com>\n", NULL},
    {"From: ann@example.com garbage\n", NULL},
    {"From: ann@good.example@example.com\n", NULL},
    {"From: Ann <ann@example.com\n", NULL},
    {"From: ann@exam_ple..com\n", NULL},
    {"From: \xff@example.com\n", NULL},
    {"From: ann@example.com\nFrom: ann@example.com\n", NULL},
    {"From: ann@example.com\nFrom: bob@example.com\n", NULL},
    {"From: ann@example.com\nfrom : bob@example.com\n", NULL},
    {"From: ann@example.com\nSubject: x\nFROM:\n", NULL},
};

START_TEST(from_is_one_mailbox_or_ambiguous)
{
	const struct tact_message *message = message_of(froms[_i].header);
	const char *want = froms[_i].from;
	ck_assert_msg((message->ambiguous == NULL) == (want != NULL), "%s: got ambiguity \"%s\", want %s",
	    froms[_i].header, message->ambiguous == NULL ? "none" : message->ambiguous,
	    want == NULL ? "some" : "none");
	if (want == NULL)
		return;
	check_text(froms[_i].header, message->from, want);
	check_text(froms[_i].header, message->from_domain, strrchr(want, '@') + 1);
}
END_TEST

/* ---- single headers ------------------------------------------------------------------------------------ */

START_TEST(single_headers_twice_are_ambiguous)
{
	static const char *const names[] = {"Sender", "Reply-To", "To", "Cc", "Message-ID", "Date", "Subject",
	    "In-Reply-To", "References", "Content-Type", "MIME-Version", "List-Id", "List-Unsubscribe",
	    "Feedback-ID", "Auto-Submitted"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *once = tact_arena_printf(arena, FROM "%s: x\n", names[i]);
		ck_assert_msg(message_of(once)->ambiguous == NULL, "%s once: got %s, want none", names[i],
		    message_of(once)->ambiguous);
		const char *why =
		    message_of(tact_arena_printf(arena, "%s%s: x\n", once, names[i]))->ambiguous;
		ck_assert_msg(why != NULL && strstr(why, names[i]) != NULL, "%s twice: got %s, want its name",
		    names[i], why == NULL ? "none" : why);
		ck_assert_ptr_nonnull(
		    message_of(tact_arena_printf(arena, "%s%s :\n", once, names[i]))->ambiguous);
	}
}
END_TEST

START_TEST(other_headers_may_repeat)
{
	const struct tact_message *message =
	    message_of("Received: 1\nReceived: 2\n" FROM "X-A: 1\nX-A: 2\nDKIM-Signature: a\n"
		       "DKIM-Signature: b\nPrecedence: first-class\nPrecedence: x\n");
	check_text("ambiguous", message->ambiguous, NULL);
	check_text("first X-A", tact_facts_header(message, "x-a"), "1");
	check_text("absent", tact_facts_header(message, "X"), NULL);
}
END_TEST

/* ---- values -------------------------------------------------------------------------------------------- */

START_TEST(simple_values_are_the_first_as_written)
{
	const struct tact_message *message = message_of(FROM
	    "Message-ID:  <1@x> \nDate: Sat, 21 Nov\n\t2026\nList-Unsubscribe: <mailto:u@x>,\n <https://x/>\n"
	    "Precedence: first-class\nAuto-Submitted: no\n");
	check_text("Message-ID", message->message_id, "<1@x>");
	check_text("Date", message->date, "Sat, 21 Nov\t2026");
	check_text("List-Unsubscribe", message->list_unsubscribe, "<mailto:u@x>, <https://x/>");
	check_text("Precedence", message->precedence, "first-class");
	check_text("Auto-Submitted", message->auto_submitted, "no");
	message = message_of(FROM);
	check_text("Message-ID", message->message_id, NULL);
	check_text("Subject", message->subject, NULL);
	check_text("List-Id", message->list_id, NULL);
	check_text("Feedback-ID", message->feedback_id[0], NULL);
}
END_TEST

START_TEST(subjects_are_decoded)
{
	static const struct {
		const char *raw, *want;
	} rows[] = {
	    {"Hello", "Hello"},
	    {"", ""},
	    {"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Gr\xc3\xbc\xc3\x9f"
					    "e"},
	    {"=?ISO-8859-1?Q?Gr=FC=DFe?= an =?utf-8?B?w5xsaQ==?=", "Gr\xc3\xbc\xc3\x9f"
								   "e an \xc3\x9cli"},
	    {"=?utf-8?q?a?=\n =?utf-8?q?b?=", "ab"},
	    {"Gr\xc3\xbc\xc3\x9f"
	     "e",
		"Gr\xc3\xbc\xc3\x9f"
		"e"},
	    {"=?utf-8?q?a=0D=0AX-Evil:_1?=", "a  X-Evil: 1"},
	    {"=?no-such-charset?q?abc?=", "abc"},
	    {"=?zz-7?q?Gr=C3=BC?=", "Gr\xc3\xbc"},
	    {"=?unknown-8bit?b?w5xsaQ==?= =?x?y", "\xc3\x9cli =?utf-8?y"},
	    {"=?ISO-8859-1*de?q?Gr=FC?=", "Gr\xc3\xbc"},
	    {"what =?is this? =??", "what =?is this? =?utf-8?"},
	    {"=?utf-8?q?broken", "=?utf-8?q?broken"},
	    {"=?utf-8?x?abc?=", "=?utf-8?x?abc?="},
	    {"tab\there", "tab here"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *header = tact_arena_printf(arena, FROM "Subject: %s\n", rows[i].raw);
		check_text(rows[i].raw, message_of(header)->subject, rows[i].want);
	}
}
END_TEST

START_TEST(list_ids_lose_their_phrase_and_case)
{
	static const struct {
		const char *raw, *want;
	} rows[] = {
	    {"Weekly News <News.Example.COM>", "news.example.com"},
	    {"<news.example.com>", "news.example.com"},
	    {"\"a < b\" <news.example.com>", "news.example.com"},
	    {"news.example.com", "news.example.com"},
	    {"<news.example.com", "news.example.com"},
	    {"< news.example.com >", "news.example.com"},
	    {"<>", ""},
	    {"<N\xc3\x84WS>", "n\xc3\xa4ws"},
	    {"<N\xff>", "N\xff"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *header = tact_arena_printf(arena, FROM "List-Id: %s\n", rows[i].raw);
		check_text(rows[i].raw, message_of(header)->list_id, rows[i].want);
	}
}
END_TEST

START_TEST(feedback_ids_have_up_to_four_fields)
{
	static const struct {
		const char *raw, *want[4];
	} rows[] = {
	    {"camp:cust:type:sender", {"camp", "cust", "type", "sender"}},
	    {" camp : cust\n : type : sender ", {"camp", "cust", "type", "sender"}},
	    {"camp:sender", {"camp", NULL, NULL, "sender"}},
	    {"camp:cust:sender", {"camp", "cust", NULL, "sender"}},
	    {"sender", {NULL, NULL, NULL, "sender"}},
	    {":::sender", {NULL, NULL, NULL, "sender"}},
	    {"camp:::", {"camp", NULL, NULL, NULL}},
	    {"", {NULL, NULL, NULL, NULL}},
	    {"a:b:c:d:e", {NULL, NULL, NULL, NULL}},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct tact_message *message =
		    message_of(tact_arena_printf(arena, FROM "Feedback-ID: %s\n", rows[i].raw));
		for (int field = 0; field < 4; field++)
			check_text(rows[i].raw, message->feedback_id[field], rows[i].want[field]);
	}
}
END_TEST

START_TEST(machines_are_told_from_people)
{
	static const struct {
		const char *header;
		bool automatic, platform;
	} rows[] = {
	    {FROM, false, false},
	    {FROM "Content-Type: text/plain\n", false, false},
	    {FROM "Content-Type: multipart/report; report-type=delivery-status; boundary=x\n", true, false},
	    {FROM "Content-Type: MULTIPART/Report\n", true, false},
	    {FROM "Content-Type: multipart/reporter\n", false, false},
	    {FROM "Content-Type: multipart/mixed; x=\"multipart/report\"\n", false, false},
	    {FROM "Content-Type: \n", false, false},
	    {FROM "Content-Type: ;;;\n", false, false},
	    {FROM "Auto-Submitted: no\n", false, false},
	    {FROM "Auto-Submitted: NO (really)\n", false, false},
	    {FROM "Auto-Submitted: no; x=y\n", false, false},
	    {FROM "Auto-Submitted: \n", false, false},
	    {FROM "Auto-Submitted: auto-replied\n", true, false},
	    {FROM "Auto-Submitted: auto-generated; x=y\n", true, false},
	    {FROM "Auto-Submitted: nothing\n", true, false},
	    {FROM "Auto-Submitted: n\n", true, false},
	    {"Auto-Submitted: auto-replied\n", false, false},
	    {FROM FROM "Auto-Submitted: auto-replied\n", false, false},
	    {FROM "Auto-Submitted: no\nAuto-Submitted: auto-replied\n", false, false},
	    {FROM "List-Id: x\n", false, true},
	    {FROM "list-unsubscribe: <mailto:x@y>\n", false, true},
	    {FROM "List-Unsubscribe-Post: List-Unsubscribe=One-Click\n", false, true},
	    {FROM "Feedback-ID: a:b:c:d\n", false, true},
	    {FROM "Precedence: bulk\n", false, true},
	    {FROM "Precedence: LIST\n", false, true},
	    {FROM "Precedence: first-class\nPrecedence: junk\n", false, true},
	    {FROM "Precedence: first-class\n", false, false},
	    {FROM "X-MC-User: x\n", false, true},
	    {FROM "X-SG-EID: x\n", false, true},
	    {FROM "X-Mailgun-Sid: x\n", false, true},
	    {FROM "X-SES-Outgoing: x\n", false, true},
	    {FROM "X-PM-Message-Id: x\n", false, true},
	    {FROM "X-CampaignID: x\n", false, true},
	    {FROM "X-Campaign: \n", false, true},
	    {FROM "X-Mailer: Thunderbird\n", false, false},
	    {"List-Id: x\nList-Id: y\n", false, true},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct tact_message *message = message_of(rows[i].header);
		ck_assert_msg(
		    message->automatic == rows[i].automatic && message->platform == rows[i].platform,
		    "%s: got automatic %d platform %d, want %d %d", rows[i].header, message->automatic,
		    message->platform, rows[i].automatic, rows[i].platform);
	}
}
END_TEST

/* ---- what comes through the milter --------------------------------------------------------------------- */

START_TEST(folds_and_odd_line_ends_are_taken_out)
{
	static const struct {
		const char *value, *want;
	} rows[] = {
	    {" a\n\tb", "a\tb"},
	    {"a\r\n b", "a b"},
	    {"a\r\n b\r\n", "a b"},
	    {"a\nX-Evil: b", "a X-Evil: b"},
	    {"a\rb", "a b"},
	    {"a\r\rb", "a b"},
	    {"a\r\n\r\n b", "a b"},
	    {"\n", ""},
	    {"", ""},
	    {"\xff\xfe", "\xff\xfe"},
	};
	struct tact_message *message = tact_facts_new_message(arena, &envelope);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		tact_facts_add_header(arena, message, "X-A", rows[i].value);
		check_text(rows[i].value, message->headers[i].value, rows[i].want);
	}
}
END_TEST

START_TEST(two_thousand_fields_and_no_more)
{
	struct tact_message *message = tact_facts_new_message(arena, &envelope);
	tact_facts_add_header(arena, message, "From", "ann@example.com");
	for (int i = 1; i < 2000; i++)
		tact_facts_add_header(arena, message, "X-A", "b");
	check_text("2000 fields", message->ambiguous, NULL);
	tact_facts_add_header(arena, message, "X-Last", "b");
	ck_assert_ptr_nonnull(message->ambiguous);
	ck_assert_uint_eq(message->headers_count, 2000);
	tact_facts_finish_message(arena, message, &profile);
	check_text("From", message->from, "ann@example.com");
	check_text("2001 fields", message->ambiguous, "too many header fields");
}
END_TEST

START_TEST(one_mebibyte_and_no_more)
{
	static const struct {
		size_t length;
		bool kept;
	} rows[] = {{1024 * 1024 - 2, true}, {1024 * 1024 - 1, true}, {1024 * 1024, false},
	    {10 * 1024 * 1024, false}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tact_message *message = tact_facts_new_message(arena, &envelope);
		char *value = tact_arena_alloc(arena, rows[i].length + 1);
		memset(value, 'a', rows[i].length);
		tact_facts_add_header(arena, message, "X", value);
		ck_assert_msg((message->headers_count == 1) == rows[i].kept &&
				  (message->ambiguous == NULL) == rows[i].kept,
		    "value of %zu: got %zu fields, want %d", rows[i].length, message->headers_count,
		    rows[i].kept);
	}
}
END_TEST

START_TEST(long_values_are_read_or_ambiguous)
{
	static const char *const names[] = {
	    "From", "Subject", "List-Id", "Feedback-ID", "Content-Type", "Auto-Submitted"};
	static const char *const units[] = {
	    "a", "a@b.example,", "(", "<", "\"", "=?utf-8?q?a?= ", "\\", ":", ";a=b", "\xff", "\xc3\x9c"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
			size_t length = strlen(units[u]), count = 1000000 / length;
			char *value = tact_arena_alloc(arena, count * length + 1);
			for (size_t n = 0; n < count; n++)
				memcpy(value + n * length, units[u], length);
			struct tact_message *message = tact_facts_new_message(arena, &envelope);
			tact_facts_add_header(arena, message, names[i], value);
			tact_facts_finish_message(arena, message, &profile);
			ck_assert_ptr_nonnull(message->ambiguous);
			tact_arena_reset(arena);
		}
	}
}
END_TEST

START_TEST(the_envelope_is_copied_and_the_sender_made_canonical)
{
	static const struct {
		const char *given, *sender, *domain;
	} rows[] = {
	    {"", "", ""},
	    {"Shop+1@Example.com", "shop+1@example.com", "example.com"},
	    {"a@b\xc3\xbc"
	     "cher.example",
		"a@xn--bcher-kva.example", "xn--bcher-kva.example"},
	    {"MAILER-DAEMON", "MAILER-DAEMON", ""},
	    {"a..b@Example.com", "a..b@Example.com", "Example.com"},
	    {NULL, "", ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tact_envelope one = {.sender = rows[i].given};
		const struct tact_message *message = tact_facts_new_message(arena, &one);
		check_text("given", message->envelope.sender, rows[i].given == NULL ? "" : rows[i].given);
		check_text("sender", message->sender, rows[i].sender);
		check_text("domain", message->sender_domain, rows[i].domain);
		check_text("user", message->envelope.sasl_user, NULL);
	}
}
END_TEST

/* ---- RFC 5322 text ------------------------------------------------------------------------------------- */

#define A "From: a@example.com"

START_TEST(text_is_split_where_the_body_starts)
{
	static const struct {
		const char *text, *body;
		size_t fields;
		bool ambiguous;
	} rows[] = {
	    {A "\nX: 1\n\nbody\n", "body\n", 2, false},
	    {A "\r\nX: 1\r\n\r\nbody\r\n", "body\r\n", 2, false},
	    {A "\r\nX: 1\n\r\nbody", "body", 2, false},
	    {"From ann Sat Nov 21\n" A "\n\nbody", "body", 1, false},
	    {"From ann Sat Nov 21\r\n" A "\r\n\r\n", "", 1, false},
	    {A "\n\n", "", 1, false},
	    {A "\n", "", 1, false},
	    {A, "", 1, false},
	    {A "\nX: a\n b\n\tc\n\n\nbody", "\nbody", 2, false},
	    {A "\nX: a\n \n\nbody", "body", 2, false},
	    {A "\nX: a\n\n b: c", " b: c", 2, false},
	    {A "\nX:\n\nbody", "body", 2, false},
	    {A "\nno field\n\nbody", "no field\n\nbody", 1, true},
	    {A "\n: x\n\nbody", ": x\n\nbody", 1, true},
	    {A "\nX\xc3\xbc: x\n\nbody", "X\xc3\xbc: x\n\nbody", 1, true},
	    {A "\n\rbody", "\rbody", 1, true},
	    {" " A "\n\nbody", " " A "\n\nbody", 0, true},
	    {"\n" A "\n", A "\n", 0, true},
	    {"", "", 0, true},
	    {"From ", "", 0, true},
	    {"From", "From", 0, true},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tact_message *message = NULL;
		size_t offset;
		int got = tact_facts_read_message(
		    arena, &envelope, rows[i].text, strlen(rows[i].text), &profile, &message, &offset, NULL);
		ck_assert_int_eq(got, TACT_OK);
		check_text(rows[i].text, rows[i].text + offset, rows[i].body);
		ck_assert_msg(message->headers_count == rows[i].fields, "%s: got %zu fields, want %zu",
		    rows[i].text, message->headers_count, rows[i].fields);
		ck_assert_msg((message->ambiguous != NULL) == rows[i].ambiguous, "%s: got %s", rows[i].text,
		    message->ambiguous == NULL ? "none" : message->ambiguous);
	}
}
END_TEST

START_TEST(a_nul_byte_is_refused_in_the_header_only)
{
	static const char in_header[] = A "\nX: a\0b\n\nbody", in_body[] = A "\n\nbo\0dy",
			  in_name[] = A "\nX\0: b\n\n";
	struct tact_message *message = NULL;
	struct tact_error err = {""};
	size_t offset = 0;
	ck_assert_int_eq(tact_facts_read_message(arena, &envelope, in_header, sizeof in_header - 1, &profile,
			     &message, &offset, &err),
	    TACT_INVALID);
	ck_assert(message == NULL && offset == 0 && strstr(err.text, "NUL") != NULL);
	ck_assert_int_eq(tact_facts_read_message(arena, &envelope, in_body, sizeof in_body - 1, &profile,
			     &message, &offset, &err),
	    TACT_OK);
	ck_assert_uint_eq(offset, sizeof A - 1 + 2);
	ck_assert_int_eq(tact_facts_read_message(arena, &envelope, in_name, sizeof in_name - 1, &profile,
			     &message, &offset, &err),
	    TACT_OK);
	ck_assert_ptr_nonnull(message->ambiguous);
}
END_TEST

/* ---- contact ids --------------------------------------------------------------------------------------- */

#define CONTACT                                                                                              \
	"Message-ID: <1@x>\nDate: Sat, 21 Nov 2026 09:00:00 +0000\nFrom: Shop <shop@example.com>\nSubject: " \
	"=?utf-8?q?Gr=C3=BC=C3=9Fe?=\n"

static const char *contact_id(const struct tact_message *message, uint8_t key_byte)
{
	/* The key of ann@example.com in test_facts_key.c. */
	struct tact_id key;
	ck_assert_int_eq(tact_id_parse("69c8dfcfcc581277cd9a201ca6faf941", &key), TACT_OK);
	key.b[0] ^= key_byte;
	struct tact_id id = tact_facts_contact_id(message, &key);
	return tact_id_format(arena, &id);
}

START_TEST(a_contact_id_is_known_again)
{
	check_text("vector", contact_id(message_of(CONTACT), 0), "123e08f2ebb0c28b6452b0c21a3d3eca");
	struct tact_envelope other = {.client_ip = "192.0.2.7", .sender = ""};
	check_text("bare vector", contact_id(tact_facts_new_message(arena, &other), 0),
	    "4425deba1055c5557f04908350a95d27");
	check_text("other headers", contact_id(message_of(CONTACT "X-Try: 2\n"), 0),
	    "123e08f2ebb0c28b6452b0c21a3d3eca");
}
END_TEST

START_TEST(a_contact_id_depends_on_all_it_names)
{
	static const char *const headers[] = {CONTACT, FROM CONTACT, "Subject: b\n" CONTACT,
	    "Date: x\n" CONTACT, "Message-ID: <2@x>\n" CONTACT, ""};
	const size_t count = sizeof headers / sizeof *headers;
	const char *ids[sizeof headers / sizeof *headers + 1];
	for (size_t i = 0; i < count; i++)
		ids[i] = contact_id(message_of(headers[i]), 0);
	ids[count] = contact_id(message_of(CONTACT), 1);
	for (size_t i = 0; i <= count; i++) {
		for (size_t j = 0; j < i; j++)
			ck_assert_msg(strcmp(ids[i], ids[j]) != 0, "got %s for %zu and %zu, want two ids",
			    ids[i], i, j);
	}
}
END_TEST

/* ---- memory -------------------------------------------------------------------------------------------- */

static size_t heap_after(int messages)
{
	for (int i = 0; i < messages; i++) {
		message_of(tact_arena_printf(arena,
		    "From: =?zz-a%d?q?a?= <a@example.com>\nSubject: =?zz-b%d?q?a?=\n"
		    "Content-Type: multipart/report; x*=zz-c%d''a\n",
		    i, i, i));
		tact_arena_reset(arena);
	}
	return mallinfo2().uordblks;
}

/* GMime 3.2 keeps every name of a character set for ever, and leaks what its strict mode refuses. */
START_TEST(character_sets_from_outside_leave_nothing_behind)
{
	size_t before = heap_after(100);
	size_t after = heap_after(5000);
	ck_assert_msg(
	    after < before + 65536, "got %zu bytes more after 5000 messages, want none", after - before);
}
END_TEST

/* ---- threads ------------------------------------------------------------------------------------------- */

static void *read_many(void *unused)
{
	(void)unused;
	struct tact_arena *own = tact_arena_new();
	size_t wrong = 0;
	for (int i = 0; i < 500; i++) {
		const char *header = tact_arena_printf(own,
		    "From: =?iso-8859-1?q?M=FC?= <a%d@example.com>\n"
		    "Subject: =?iso-8859-1?q?Gr=FC=DFe?=\nContent-Type: multipart/report\n",
		    i);
		const struct tact_message *message = message_in(own, header);
		wrong += strcmp(message->subject, "Gr\xc3\xbc\xc3\x9f"
						  "e") != 0 ||
			 !message->automatic ||
			 strcmp(message->from, tact_arena_printf(own, "a%d@example.com", i)) != 0;
		tact_arena_reset(own);
	}
	tact_arena_free(&own);
	return (void *)wrong;
}

START_TEST(messages_are_read_by_many_threads)
{
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, read_many, NULL), 0);
	for (int i = 0; i < 4; i++) {
		void *wrong;
		pthread_join(threads[i], &wrong);
		ck_assert_msg(wrong == NULL, "got %zu messages read wrong, want 0", (size_t)wrong);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("facts: messages");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_add_loop_test(all, from_is_one_mailbox_or_ambiguous, 0, sizeof froms / sizeof *froms);
	tcase_add_test(all, single_headers_twice_are_ambiguous);
	tcase_add_test(all, other_headers_may_repeat);
	tcase_add_test(all, simple_values_are_the_first_as_written);
	tcase_add_test(all, subjects_are_decoded);
	tcase_add_test(all, list_ids_lose_their_phrase_and_case);
	tcase_add_test(all, feedback_ids_have_up_to_four_fields);
	tcase_add_test(all, machines_are_told_from_people);
	tcase_add_test(all, folds_and_odd_line_ends_are_taken_out);
	tcase_add_test(all, two_thousand_fields_and_no_more);
	tcase_add_test(all, one_mebibyte_and_no_more);
	tcase_add_test(all, long_values_are_read_or_ambiguous);
	tcase_add_test(all, the_envelope_is_copied_and_the_sender_made_canonical);
	tcase_add_test(all, text_is_split_where_the_body_starts);
	tcase_add_test(all, a_nul_byte_is_refused_in_the_header_only);
	tcase_add_test(all, a_contact_id_is_known_again);
	tcase_add_test(all, a_contact_id_depends_on_all_it_names);
	tcase_add_test(all, character_sets_from_outside_leave_nothing_behind);
	tcase_add_test(all, messages_are_read_by_many_threads);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Mail that comes in, over memory and lmdb: whose contact it becomes, what opens no conversation, and that a
 * retry counts once.
 */
#include <config.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "decide_help.h"

#define NOW INT64_C(1767603600000000) /* 2026-01-05T09:00:00Z, a Monday */
#define HOUR (3600 * INT64_C(1000000))
#define DAY (24 * HOUR)

static const char configuration[] =
    "listener smtp { socket = \"inet:8891@127.0.0.1\" }\n"
    "listener inbound { socket = \"inet:8892@127.0.0.1\" }\n"
    "owner sales {}\nowner desk {}\n"
    "stream answers { direction = in owner = sales listeners = {inbound} }\n"
    "stream news { owner = desk purpose = newsletter senders = {\"@news.example\"} }\n"
    "stream letters { owner = sales purpose = personal senders = {\"@sales.example\"} personal_max = 3 }\n"
    "suppression unsubscribed { action = reject }\n"
    "limit none { at_most = 0/5d count = newsletter action = reject }\n";

static void setup_memory(void)
{
	bench_open("memory:", configuration);
}

static void setup_lmdb(void)
{
	bench_open(NULL, configuration);
}

/* ---- asking ---- */

#define PLAIN "From: Ann <Ann@example.com>\r\nSubject: Re: your offer\r\nMessage-ID: <1@x.example>\r\n"

struct answer {
	struct tact_ruling rulings[2];
	enum tact_sum sum;
};

static struct answer deliver(
    const char *listener, const char *sender, const char *header, int64_t now_us, bool explain)
{
	struct tact_envelope envelope = {
	    .listener = listener, .smtp = true, .client_ip = "192.0.2.1", .sender = sender};
	const char *text = tact_arena_printf(b.arena, "%s\r\nhello\r\n", header);
	struct tact_asked asked[2] = {{.given = "bob@our.example"}, {.given = "no address at all"}};
	struct tact_decide_request request = {.asked = asked, .asked_count = 2, .now_us = now_us};
	struct tact_message *message;
	struct tact_error err = {""};
	struct answer answer;
	size_t body;

	ck_assert_int_eq(tact_facts_read_message(b.arena, &envelope, text, strlen(text), &b.config->profile,
			     &message, &body, &err),
	    TACT_OK);
	request.message = message;
	(explain ? tact_decide_explain : tact_decide_message)(
	    b.decider, b.arena, &request, answer.rulings, &err);
	answer.sum = tact_decide_sum(answer.rulings, 2);
	return answer;
}

static struct answer receive(const char *sender, const char *header, int64_t now_us)
{
	return deliver("inbound", sender, header, now_us, false);
}

static void want_contacts(const char *what, const char *address, size_t want)
{
	size_t got = bench_view(address).contacts_count;

	ck_assert_msg(got == want, "%s: got %zu contacts of %s, want %zu", what, got, address, want);
}

static void want_passed(const char *what, const struct answer *answer)
{
	ck_assert_msg(answer->sum == TACT_SUM_CONTINUE, "%s: got sum %d (%s %s), want %d", what, answer->sum,
	    answer->rulings[0].code, answer->rulings[0].text, TACT_SUM_CONTINUE);
}

/* ---- a conversation ---- */

START_TEST(who_writes_is_remembered)
{
	struct answer answer = receive("ann@example.com", PLAIN, NOW);
	struct tact_dossier dossier = bench_view("ann@example.com");

	want_passed("an answer", &answer);
	ck_assert_uint_eq(dossier.contacts_count, 1);
	ck_assert_int_eq(dossier.contacts[0].direction, TACT_IN);
	ck_assert_int_eq(dossier.contacts[0].purpose, TACT_PERSONAL);
	ck_assert_int_eq(dossier.contacts[0].sentiment, TACT_NEUTRAL);
	ck_assert_int_eq(dossier.contacts[0].channel, TACT_EMAIL);
	ck_assert_int_eq(dossier.contacts[0].time_us, NOW);
	ck_assert_str_eq(dossier.contacts[0].owner, "sales");
	ck_assert_str_eq(dossier.contacts[0].stream, "answers");
	want_contacts("our desk has none", "bob@our.example", 0);
	(void)receive("ann@example.com", "From: ann@example.com\r\nMessage-ID: <2@x>\r\n", NOW + DAY);
	want_contacts("another day", "ann@example.com", 2);
}
END_TEST

START_TEST(a_retry_counts_once)
{
	(void)receive("ann@example.com", PLAIN, NOW);
	(void)receive("ann@example.com", PLAIN, NOW + HOUR - 1);
	want_contacts("within the hour", "ann@example.com", 1);
	(void)receive("ann@example.com", PLAIN, NOW + HOUR);
	want_contacts("not for ever", "ann@example.com", 2);
}
END_TEST

/* From, not the envelope; but an ambiguous message says nothing that is believed. */
static const struct {
	const char *what, *sender, *header, *whose;
} writers[] = {
    {"From", "bounce-77@relay.example", PLAIN, "ann@example.com"},
    {"no From", "eve@example.com", "Subject: x\r\n", "eve@example.com"},
    {"two From", "eve@example.com", PLAIN "From: bob@example.com\r\n", "eve@example.com"},
    {"two mailboxes", "eve@example.com", "From: ann@example.com, bob@example.com\r\n", "eve@example.com"},
    {"Auto-Submitted: no", "ann@example.com", PLAIN "Auto-Submitted: no\r\n", "ann@example.com"},
    {"Auto-Submitted: no and a comment", "ann@example.com", PLAIN "Auto-Submitted: no (by hand)\r\n",
	"ann@example.com"},
    {"Precedence: first-class", "ann@example.com", PLAIN "Precedence: first-class\r\n", "ann@example.com"},
};

START_TEST(whose_contact_it_is)
{
	struct answer answer = receive(writers[_i].sender, writers[_i].header, NOW);

	want_passed(writers[_i].what, &answer);
	want_contacts(writers[_i].what, writers[_i].whose, 1);
	want_contacts(writers[_i].what, "bob@example.com", 0);
	if (strcmp(writers[_i].whose, "ann@example.com") != 0)
		want_contacts(writers[_i].what, "ann@example.com", 0);
}
END_TEST

/* ---- what opens none ---- */

static const struct {
	const char *what, *sender, *header;
} machines[] = {
    {"null sender", "", PLAIN},
    {"auto-replied", "ann@example.com", PLAIN "Auto-Submitted: auto-replied\r\n"},
    {"auto-generated, ambiguous", "ann@example.com",
	PLAIN "Auto-Submitted: auto-generated\r\nFrom: ann@example.com\r\n"},
    {"once no, once not", "ann@example.com", PLAIN "Auto-Submitted: no\r\nAuto-Submitted: auto-replied\r\n"},
    {"a word that begins with no", "ann@example.com", PLAIN "Auto-Submitted: notified\r\n"},
    {"report", "ann@example.com",
	PLAIN "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n"},
    {"precedence bulk", "ann@example.com", PLAIN "Precedence: BULK\r\n"},
    {"precedence auto_reply", "ann@example.com", PLAIN "Precedence: auto_reply\r\n"},
    {"X-Autoreply", "ann@example.com", PLAIN "X-Autoreply: yes\r\n"},
    {"X-Autorespond", "ann@example.com", PLAIN "x-autorespond: Re\r\n"},
    {"X-Auto-Response-Suppress", "ann@example.com", PLAIN "X-Auto-Response-Suppress: All\r\n"},
    {"a list", "ann@example.com", PLAIN "List-Id: <talk.example.com>\r\n"},
    {"a platform", "ann@example.com", PLAIN "List-Unsubscribe: <mailto:u@example.com>\r\n"},
    {"a sender that is no address", "nobody", "Subject: x\r\n"},
};

START_TEST(machines_open_no_conversation)
{
	struct answer answer = receive(machines[_i].sender, machines[_i].header, NOW);

	want_passed(machines[_i].what, &answer);
	want_contacts(machines[_i].what, "ann@example.com", 0);
}
END_TEST

/* ---- no rule is asked ---- */

static bool collect(void *context, const char *host, uint64_t seq, const char *json, size_t length)
{
	const char **entries = context;

	(void)host;
	(void)seq;
	(void)length;
	*entries = tact_arena_printf(b.arena, "%s%s\n", *entries, json);
	return true;
}

static const char *evidence(void)
{
	const char *entries = "";

	ck_assert_int_eq(tact_audit_scan(bench_below("audit"), NULL, collect, &entries, NULL), TACT_OK);
	return entries;
}

/* A desk that is not to be mailed still gets its mail. */
START_TEST(every_recipient_gets_it)
{
	struct tact_recipient desk = bench_person("bob@our.example");
	struct tact_change change = {.kind = TACT_CHANGE_SUPPRESS,
	    .suppression = {.scope = {TACT_SCOPE_GLOBAL, ""},
		.reason = TACT_MANUAL,
		.source = "",
		.note = "",
		.time_us = NOW,
		.ended_by = "",
		.ended_why = ""}};
	struct tact_changed changed;
	struct tact_ruling ruling;
	struct tact_asked asked = {.given = "bob@our.example"};
	struct tact_envelope envelope = {
	    .listener = "inbound", .smtp = true, .client_ip = "192.0.2.1", .sender = "ann@example.com"};
	struct answer answer;

	ck_assert_int_eq(
	    tact_decide_change(b.decider, b.arena, &desk, &change, 1, NOW, 0, &changed, NULL), TACT_OK);
	tact_decide_rcpt(b.decider, b.arena,
	    &(struct tact_decide_request){.message = tact_facts_new_message(b.arena, &envelope),
		.asked = &asked,
		.asked_count = 1,
		.now_us = NOW},
	    &ruling, NULL);
	ck_assert_msg(ruling.fate == TACT_FATE_PASS, "at RCPT: got %d", ruling.fate);
	answer = receive("ann@example.com", PLAIN, NOW);
	want_passed("at end of message", &answer);
	ck_assert_msg(strstr(evidence(), "\"phase\":\"inbound\"") != NULL, "got %s", evidence());
	answer = deliver("smtp", "ann@example.com", PLAIN, NOW, false);
	ck_assert_msg(answer.sum == TACT_SUM_REJECT, "by another listener: got %d", answer.sum);
}
END_TEST

START_TEST(asking_records_nothing)
{
	struct answer answer = deliver("inbound", "ann@example.com", PLAIN, NOW, true);

	want_passed("explain", &answer);
	ck_assert_str_eq(answer.rulings[0].facts.stream, "answers");
	want_contacts("explain", "ann@example.com", 0);
	ck_assert_str_eq(evidence(), "");
}
END_TEST

START_TEST(without_evidence_it_is_asked_for_again_and_found)
{
	struct answer answer;

	bench_use_audit(NULL);
	answer = receive("ann@example.com", PLAIN, NOW);
	ck_assert_msg(answer.sum == TACT_SUM_TEMPFAIL, "no log: got %d", answer.sum);
	bench_use_audit(b.audit);
	answer = receive("ann@example.com", PLAIN, NOW + 4 * DAY);
	want_passed("retry four days later", &answer);
	want_contacts("retry", "ann@example.com", 1);
	ck_assert_int_eq(bench_view("ann@example.com").contacts[0].time_us, NOW + 4 * DAY);
}
END_TEST

/* ---- and what goes out ---- */

START_TEST(personal_mail_opens_one_and_bulk_does_not)
{
	struct answer answer = deliver("smtp", "eve@sales.example",
	    "From: eve@sales.example\r\nSubject: hello\r\nMessage-ID: <3@x>\r\n", NOW, false);
	struct tact_contact contact = bench_view("bob@our.example").contacts[0];

	ck_assert_int_eq(answer.rulings[0].fate, TACT_FATE_PASS);
	ck_assert_int_eq(contact.direction, TACT_OUT);
	ck_assert_int_eq(contact.purpose, TACT_PERSONAL);
	answer = deliver("smtp", "eve@sales.example",
	    "From: eve@sales.example\r\nSubject: hello\r\nMessage-ID: <4@x>\r\n", NOW, false);
	ck_assert_msg(
	    answer.rulings[0].match.bulk, "the fourth of three: got %s", answer.rulings[0].match.why);
	contact = bench_view("bob@our.example").contacts[1];
	ck_assert_msg(contact.purpose != TACT_PERSONAL, "bulk: got purpose %d", contact.purpose);
	answer = deliver("smtp", "joe@sales.example",
	    "From: joe@sales.example\r\nList-Unsubscribe: <mailto:x@sales.example>\r\nMessage-ID: <5@x>\r\n",
	    NOW, false);
	ck_assert_msg(answer.rulings[0].match.bulk, "platform: got %s", answer.rulings[0].match.why);
	contact = bench_view("bob@our.example").contacts[2];
	ck_assert_msg(contact.purpose != TACT_PERSONAL, "platform: got purpose %d", contact.purpose);
}
END_TEST

static void add_case(Suite *s, const char *name, void (*setup)(void))
{
	TCase *c = tcase_create(name);

	tcase_add_checked_fixture(c, setup, bench_close);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, who_writes_is_remembered);
	tcase_add_test(c, a_retry_counts_once);
	tcase_add_loop_test(c, whose_contact_it_is, 0, sizeof writers / sizeof *writers);
	tcase_add_loop_test(c, machines_open_no_conversation, 0, sizeof machines / sizeof *machines);
	tcase_add_test(c, every_recipient_gets_it);
	tcase_add_test(c, asking_records_nothing);
	tcase_add_test(c, without_evidence_it_is_asked_for_again_and_found);
	tcase_add_test(c, personal_mail_opens_one_and_bulk_does_not);
	suite_add_tcase(s, c);
}

int main(void)
{
	Suite *s = suite_create("inbound");
	SRunner *runner;
	int failed;

	add_case(s, "memory", setup_memory);
	add_case(s, "lmdb", setup_lmdb);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}

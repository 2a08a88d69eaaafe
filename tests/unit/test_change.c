/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Profiles and consents as people and files bring them, over memory and lmdb: what is written, what is known
 * already, what is ended under every key, what the evidence says, and what a consent does to mail.
 */
#include <config.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide_help.h"

#define NOW INT64_C(1767603600000000) /* 2026-01-05T09:00:00Z, a Monday */
#define DAY (86400 * INT64_C(1000000))

static const char configuration[] = "listener smtp { socket = \"inet:8891@127.0.0.1\" }\n"
				    "stream news { purpose = newsletter senders = {\"@news.example\"} }\n"
				    "suppression unsubscribed { action = reject }\n";

static void setup_memory(void)
{
	bench_open("memory:", configuration);
}

static void setup_lmdb(void)
{
	bench_open(NULL, configuration);
}

/* ---- asking ---- */

static void change(const char *what, const char *address, struct tact_change change, int want, bool changes)
{
	struct tact_recipient recipient = bench_person(address);
	struct tact_changed changed;
	struct tact_error err = {""};
	int got;

	change.by = "eve";
	got = tact_decide_change(b.decider, b.arena, &recipient, &change, 1, NOW, 0, &changed, &err);
	ck_assert_msg(got == want, "%s: got %s (%s), want %s", what, tact_result_name(got), err.text,
	    tact_result_name(want));
	ck_assert_msg(
	    changed.changed == changes, "%s: got changed %d, want %d", what, changed.changed, changes);
}

static void set_profile(const char *what, struct tact_profile_change profile, bool changes)
{
	change(what, "ann@example.com", (struct tact_change){.kind = TACT_CHANGE_PROFILE, .profile = profile},
	    TACT_OK, changes);
}

static struct tact_scope scope_of(const char *text)
{
	struct tact_scope scope;

	ck_assert_int_eq(tact_dossier_parse_scope(b.arena, text, &scope, NULL), TACT_OK);
	return scope;
}

static struct tact_consent consent_of(enum tact_basis basis, const char *scope, int64_t time_us)
{
	return (struct tact_consent){.basis = basis,
	    .scope = scope_of(scope),
	    .source = "form",
	    .proof = "double opt-in",
	    .time_us = time_us,
	    .ended_by = "",
	    .ended_why = ""};
}

static void give(const char *what, struct tact_consent consent, bool changes)
{
	change(what, "ann@example.com", (struct tact_change){.kind = TACT_CHANGE_CONSENT, .consent = consent},
	    TACT_OK, changes);
}

static void end(const char *what, const char *address, const char *scope, int want)
{
	change(what, address,
	    (struct tact_change){
		.kind = TACT_CHANGE_END_CONSENT, .consent = {.scope = scope_of(scope)}, .why = "asked"},
	    want, want == TACT_OK);
}

static void want_text(const char *what, const char *got, const char *want)
{
	ck_assert_msg(strcmp(got, want) == 0, "%s: got \"%s\", want \"%s\"", what, got, want);
}

static void want_occasion(const char *name, const char *date)
{
	struct tact_profile profile = bench_view("ann@example.com").profile;

	for (size_t i = 0; i < profile.occasions_count; i++)
		if (strcmp(profile.occasions[i].name, name) == 0) {
			want_text(name, tact_dossier_format_date(b.arena, &profile.occasions[i]), date);
			return;
		}
	ck_assert_msg(*date == '\0', "%s: got none, want %s", name, date);
}

/* ---- the profile ---- */

START_TEST(a_profile_is_set_field_by_field)
{
	set_profile("zone and language",
	    (struct tact_profile_change){.zone = "Europe/Berlin", .language = "de"}, true);
	set_profile("the same again", (struct tact_profile_change){.zone = "Europe/Berlin"}, false);
	set_profile("owner and limit",
	    (struct tact_profile_change){.home_owner = "leeds", .own_limit = "4/7d"}, true);
	struct tact_profile profile = bench_view("ann@example.com").profile;
	want_text("zone", profile.zone, "Europe/Berlin");
	want_text("language", profile.language, "de");
	want_text("home owner", profile.home_owner, "leeds");
	want_text("own limit", profile.own_limit, "4/7d");
	set_profile("zone away", (struct tact_profile_change){.zone = ""}, true);
	set_profile("again away", (struct tact_profile_change){.zone = ""}, false);
	profile = bench_view("ann@example.com").profile;
	want_text("zone", profile.zone, "");
	want_text("language", profile.language, "de");
}
END_TEST

START_TEST(occasions_go_by_their_name)
{
	struct tact_occasion dates[] = {{.name = "birthday", .year = 1980, .month = 5, .day = 17},
	    {.name = "wedding", .month = 2, .day = 29}};
	struct tact_profile_change profile = {.occasions = dates, .occasions_count = 2};

	set_profile("two", profile, true);
	set_profile("again", profile, false);
	want_occasion("birthday", "1980-05-17");
	want_occasion("wedding", "--02-29");
	dates[0] = (struct tact_occasion){.name = "Birthday", .month = 5, .day = 18};
	profile.occasions_count = 1;
	set_profile("another day", profile, true);
	want_occasion("birthday", "--05-18");
	dates[0] = (struct tact_occasion){.name = "BIRTHDAY"};
	set_profile("away", profile, true);
	set_profile("again away", profile, false);
	want_occasion("birthday", "");
	want_occasion("wedding", "--02-29");
}
END_TEST

/* What stands under the address before it became an alias is still read, so it must be cleared there too. */
static void make_alias(const char *address, const char *of)
{
	change("alias", address,
	    (struct tact_change){.kind = TACT_CHANGE_ALIAS, .alias_of = bench_person(of).key}, TACT_OK, true);
}

START_TEST(clearing_reaches_every_key)
{
	struct tact_occasion date = {.name = "birthday", .month = 5, .day = 17};

	set_profile("before",
	    (struct tact_profile_change){
		.zone = "Asia/Tokyo", .language = "ja", .occasions = &date, .occasions_count = 1},
	    true);
	make_alias("ann@example.com", "ann@home.example");
	want_text("zone", bench_view("ann@example.com").profile.zone, "Asia/Tokyo");
	date.month = 0;
	set_profile("clear",
	    (struct tact_profile_change){
		.zone = "", .language = "en", .occasions = &date, .occasions_count = 1},
	    true);
	struct tact_profile profile = bench_view("ann@example.com").profile;
	want_text("zone", profile.zone, "");
	want_text("language", profile.language, "en");
	ck_assert_uint_eq(profile.occasions_count, 0);
}
END_TEST

/* ---- consents ---- */

static void want_consents(const char *what, size_t want)
{
	size_t got = bench_view("ann@example.com").consents_count;

	ck_assert_msg(got == want, "%s: got %zu consents, want %zu", what, got, want);
}

START_TEST(the_newest_consent_of_a_scope_stays)
{
	struct tact_consent first = consent_of(TACT_EXPRESS, "list:news", NOW - 9 * DAY),
			    later = consent_of(TACT_EXPRESS, "list:NEWS", NOW - 8 * DAY);

	give("first", first, true);
	give("first again", first, false);
	later.until_us = NOW + DAY;
	give("renewed", later, true);
	give("the older one again", first, false);
	want_consents("renewed", 1);
	ck_assert_int_eq(bench_view("ann@example.com").consents[0].until_us, NOW + DAY);
	later.proof = "call 17";
	give("put right", later, true);
	want_text("proof", bench_view("ann@example.com").consents[0].proof, "call 17");
	later.proof = "";
	give("said again without it", later, false);
	give("another basis", consent_of(TACT_IMPLIED, "list:news", NOW), true);
	give("another scope", consent_of(TACT_EXPRESS, "global", NOW), true);
	want_consents("three", 3);
}
END_TEST

START_TEST(ended_consent_is_given_again_by_the_person_only)
{
	struct tact_consent given = consent_of(TACT_EXPRESS, "brand:alpha", NOW - DAY), imported;

	end("nothing to end", "ann@example.com", "brand:alpha", TACT_ABSENT);
	give("given", given, true);
	give("implied too", consent_of(TACT_IMPLIED, "brand:alpha", NOW - DAY), true);
	end("ended", "ann@example.com", "brand:ALPHA", TACT_OK);
	end("ended again", "ann@example.com", "brand:alpha", TACT_ABSENT);
	struct tact_dossier dossier = bench_view("ann@example.com");
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(dossier.consents[i].ended_us, NOW);
		want_text("by", dossier.consents[i].ended_by, "eve");
		want_text("why", dossier.consents[i].ended_why, "asked");
	}
	give("what was given before the end", given, false);
	imported = consent_of(TACT_SOFT_OPT_IN, "brand:alpha", NOW + DAY);
	imported.imported = true;
	give("a file, however late", imported, false);
	give("the person, later", consent_of(TACT_EXPRESS, "brand:alpha", NOW + 1), true);
	want_consents("all three", 3);
}
END_TEST

/* Long after the end was news, too. */
START_TEST(what_was_ended_long_ago_no_file_gives_again)
{
	struct tact_recipient ann = bench_person("ann@example.com");
	struct tact_consent imported = consent_of(TACT_EXPRESS, "global", NOW - DAY);
	struct tact_change again = {.kind = TACT_CHANGE_CONSENT, .by = "eve"};
	struct tact_changed changed;
	int64_t later_us = NOW + 3000 * DAY;

	give("given", imported, true);
	end("ended", "ann@example.com", "global", TACT_OK);
	again.kind = TACT_CHANGE_PROFILE; /* the record is written, and tidied */
	again.profile.zone = "UTC";
	ck_assert_int_eq(
	    tact_decide_change(b.decider, b.arena, &ann, &again, 1, later_us, 0, &changed, NULL), TACT_OK);
	again.kind = TACT_CHANGE_CONSENT;
	imported.imported = true;
	for (int i = 0; i < 2; i++) {
		imported.time_us += i * 2999 * DAY;
		again.consent = imported;
		ck_assert_int_eq(
		    tact_decide_change(b.decider, b.arena, &ann, &again, 1, later_us, 0, &changed, NULL),
		    TACT_OK);
		ck_assert_msg(!changed.changed, "file %d gave it again", i);
	}
	want_consents("ended", 1);
}
END_TEST

START_TEST(ending_reaches_every_key)
{
	give("given", consent_of(TACT_EXPRESS, "global", NOW - DAY), true);
	make_alias("ann@example.com", "ann@home.example");
	end("by the other address", "ann@home.example", "global", TACT_ABSENT);
	end("by the alias", "ann@example.com", "global", TACT_OK);
	ck_assert_int_eq(bench_view("ann@example.com").consents[0].ended_us, NOW);
}
END_TEST

/* The end stands under the other name, where it is read and not written. */
START_TEST(what_was_ended_by_another_name_no_file_gives_again)
{
	struct tact_consent imported = consent_of(TACT_IMPLIED, "global", NOW + 1);

	give("given", consent_of(TACT_EXPRESS, "global", NOW - DAY), true);
	end("ended", "ann@example.com", "global", TACT_OK);
	make_alias("ann@example.com", "ann@home.example");
	imported.imported = true;
	give("a file, however late", imported, false);
	give("what was given before the end", consent_of(TACT_EXPRESS, "global", NOW - 1), false);
	give("the person, later", consent_of(TACT_EXPRESS, "global", NOW + 1), true);
}
END_TEST

START_TEST(a_file_and_a_person_are_never_one)
{
	struct tact_consent imported = consent_of(TACT_EXPRESS, "global", NOW);

	imported.imported = true;
	give("by herself", consent_of(TACT_EXPRESS, "global", NOW - DAY), true);
	give("by a file", imported, true);
	give("the file again", imported, false);
	imported.proof = "other words";
	give("the file in other words", imported, false);
	want_consents("both", 2);
}
END_TEST

/* ---- wishes: what a consent does to mail ---- */

static enum tact_fate fate_of_mail(const char *id)
{
	struct tact_envelope envelope = {
	    .listener = "smtp", .smtp = true, .client_ip = "192.0.2.1", .sender = "a@news.example"};
	const char *text = tact_arena_printf(b.arena,
	    "From: News <a@news.example>\r\nSubject: news\r\nMessage-ID: <%s@x.example>\r\n\r\nhello\r\n",
	    id);
	struct tact_asked asked = {.given = "ann@example.com"};
	struct tact_ruling ruling;
	struct tact_message *message;
	struct tact_error err = {""};
	size_t body;

	ck_assert_int_eq(tact_facts_read_message(b.arena, &envelope, text, strlen(text), &b.config->profile,
			     &message, &body, &err),
	    TACT_OK);
	tact_decide_message(b.decider, b.arena,
	    &(struct tact_decide_request){
		.message = message, .asked = &asked, .asked_count = 1, .now_us = NOW},
	    &ruling, &err);
	return ruling.fate;
}

static void unsubscribe_at(const char *what, int64_t time_us, bool changes)
{
	change(what, "ann@example.com",
	    (struct tact_change){.kind = TACT_CHANGE_SUPPRESS,
		.suppression = {.scope = scope_of("global"),
		    .reason = TACT_UNSUBSCRIBE,
		    .source = "",
		    .note = "",
		    .time_us = time_us,
		    .ended_by = "",
		    .ended_why = ""}},
	    TACT_OK, changes);
}

static void unsubscribe(void)
{
	unsubscribe_at("unsubscribed", NOW - 2 * DAY, true);
}

/* What she permitted in between lifts the first wish, and the second says the same. */
START_TEST(who_thinks_better_of_a_permission_is_heard)
{
	unsubscribe();
	unsubscribe_at("the same wish later", NOW - DAY - 1, false);
	give("permitted", consent_of(TACT_EXPRESS, "global", NOW - DAY), true);
	ck_assert_int_eq(fate_of_mail("1"), TACT_FATE_PASS);
	unsubscribe_at("an old list says so", NOW - DAY - 1, false);
	ck_assert_int_eq(fate_of_mail("2"), TACT_FATE_PASS);
	unsubscribe_at("left again", NOW - DAY, true);
	ck_assert_int_eq(fate_of_mail("3"), TACT_FATE_REFUSE);
	unsubscribe_at("said once more", NOW, false);
	give("permitted again", consent_of(TACT_EXPRESS, "global", NOW - DAY + 1), true);
	ck_assert_int_eq(fate_of_mail("4"), TACT_FATE_PASS);
}
END_TEST

/* What another relay wrote, whose clock is a little ahead, she said before. */
START_TEST(a_permission_that_a_clock_ahead_has_written_lifts_no_later_wish)
{
	give("permitted", consent_of(TACT_EXPRESS, "list:news", NOW + 2), true);
	unsubscribe_at("an old list says so", NOW - 1, true);
	ck_assert_int_eq(bench_view("ann@example.com").suppressions[0].time_us, NOW - 1);
	give("permitted all", consent_of(TACT_EXPRESS, "global", NOW + 3), true);
	ck_assert_int_eq(fate_of_mail("1"), TACT_FATE_PASS);
	unsubscribe_at("left again", NOW, true);
	ck_assert_int_eq(bench_view("ann@example.com").suppressions[1].time_us, NOW + 3);
	ck_assert_int_eq(fate_of_mail("2"), TACT_FATE_REFUSE);
	give("permitted again", consent_of(TACT_EXPRESS, "global", NOW + 4), true);
	ck_assert_int_eq(fate_of_mail("3"), TACT_FATE_PASS);
}
END_TEST

/* The permission stands under the other name, where it is read and not written. */
START_TEST(who_thinks_better_of_it_by_another_name_is_heard_too)
{
	give("permitted", consent_of(TACT_EXPRESS, "global", NOW - DAY), true);
	unsubscribe();
	make_alias("ann@example.com", "ann@home.example");
	ck_assert_int_eq(fate_of_mail("1"), TACT_FATE_PASS);
	unsubscribe_at("left again", NOW, true);
	ck_assert_int_eq(fate_of_mail("2"), TACT_FATE_REFUSE);
}
END_TEST

START_TEST(an_import_never_resubscribes)
{
	struct tact_consent imported = consent_of(TACT_EXPRESS, "global", NOW - DAY);

	unsubscribe();
	ck_assert_int_eq(fate_of_mail("1"), TACT_FATE_REFUSE);
	imported.imported = true;
	give("by a file", imported, true);
	ck_assert_int_eq(fate_of_mail("2"), TACT_FATE_REFUSE);
	give("by herself", consent_of(TACT_EXPRESS, "global", NOW - DAY), true);
	ck_assert_int_eq(fate_of_mail("3"), TACT_FATE_PASS);
	end("taken back", "ann@example.com", "global", TACT_OK);
	ck_assert_int_eq(fate_of_mail("4"), TACT_FATE_REFUSE);
}
END_TEST

static enum tact_fate fate_at_rcpt(void)
{
	struct tact_envelope envelope = {
	    .listener = "smtp", .smtp = true, .client_ip = "192.0.2.1", .sender = "a@news.example"};
	struct tact_asked asked = {.given = "ann@example.com"};
	struct tact_ruling ruling;

	tact_decide_rcpt(b.decider, b.arena,
	    &(struct tact_decide_request){.message = tact_facts_new_message(b.arena, &envelope),
		.asked = &asked,
		.asked_count = 1,
		.now_us = NOW},
	    &ruling, NULL);
	return ruling.fate;
}

/* Which list it is only the header tells, so the answer must wait for it. */
START_TEST(what_a_header_may_lift_is_not_refused_at_rcpt)
{
	static const char *const scopes[] = {"list:news", "campaign:spring", "offer:half"};
	struct tact_consent imported = consent_of(TACT_EXPRESS, "list:news", NOW);

	imported.imported = true;
	unsubscribe();
	give("by a file", imported, true);
	give("implied", consent_of(TACT_IMPLIED, "list:news", NOW), true);
	give("of a brand", consent_of(TACT_EXPRESS, "brand:alpha", NOW), true);
	ck_assert_int_eq(fate_at_rcpt(), TACT_FATE_REFUSE);
	give("by herself", consent_of(TACT_EXPRESS, scopes[_i], NOW), true);
	ck_assert_int_eq(fate_at_rcpt(), TACT_FATE_PASS);
	ck_assert_int_eq(fate_of_mail("1"), TACT_FATE_REFUSE);
	end("taken back", "ann@example.com", scopes[_i], TACT_OK);
	ck_assert_int_eq(fate_at_rcpt(), TACT_FATE_REFUSE);
}
END_TEST

/* ---- evidence ---- */

struct found {
	const uint8_t *person_key;
	const char *entries; /* opened, one a line */
};

static bool collect(void *context, const char *host, uint64_t seq, const char *json, size_t length)
{
	struct found *found = context;
	char *opened;

	(void)host;
	(void)seq;
	(void)length;
	ck_assert_int_eq(tact_audit_open_entry(b.arena, json, found->person_key, &opened, NULL), TACT_OK);
	found->entries = tact_arena_printf(b.arena, "%s%s\n", found->entries, opened);
	return true;
}

static void want_evidence(const char *entries, const char *words)
{
	ck_assert_msg(strstr(entries, words) != NULL, "got %s, want in it: %s", entries, words);
}

START_TEST(each_change_leaves_sealed_evidence)
{
	struct tact_occasion date = {.name = "birthday", .month = 5, .day = 17};
	struct tact_dossier dossier;
	struct found found = {.entries = ""}, sealed = {.entries = ""};

	set_profile("profile",
	    (struct tact_profile_change){
		.zone = "Europe/Berlin", .language = "", .occasions = &date, .occasions_count = 1},
	    true);
	give("consent", consent_of(TACT_IMPLIED, "list:news", NOW), true);
	end("end", "ann@example.com", "list:news", TACT_OK);
	dossier = bench_view("ann@example.com");
	found.person_key = dossier.person_key;
	ck_assert_int_eq(tact_audit_scan(bench_below("audit"), NULL, collect, &found, NULL), TACT_OK);
	want_evidence(found.entries, "\"action\":\"profile\"");
	want_evidence(found.entries, "by eve: zone=Europe/Berlin language cleared birthday=--05-17");
	want_evidence(found.entries, "\"action\":\"consent\"");
	want_evidence(found.entries, "\"scope\":\"list:news\",\"reason\":\"implied\"");
	want_evidence(found.entries, "by eve: form, proof double opt-in");
	want_evidence(found.entries, "\"action\":\"end-consent\"");
	want_evidence(found.entries, "by eve: asked");
	ck_assert_int_eq(tact_audit_scan(bench_below("audit"), NULL, collect, &sealed, NULL), TACT_OK);
	ck_assert_msg(strstr(sealed.entries, "Berlin") == NULL, "not sealed: %s", sealed.entries);
}
END_TEST

/* ---- loading ---- */

static struct tact_load_row row_of(const char *address, enum tact_reason reason, const char *scope)
{
	struct tact_recipient recipient = bench_person(address);

	return (struct tact_load_row){.key = recipient.key,
	    .change = {.kind = TACT_CHANGE_SUPPRESS,
		.suppression = {.scope = scope_of(scope),
		    .reason = reason,
		    .source = "import list",
		    .note = "",
		    .time_us = NOW - DAY,
		    .ended_by = "",
		    .ended_why = ""}}};
}

static int compare_load_rows(const void *left, const void *right)
{
	return memcmp(((const struct tact_load_row *)left)->key.b,
	    ((const struct tact_load_row *)right)->key.b, TACT_ID_BYTES);
}

START_TEST(loading_is_for_those_of_whom_nothing_is_known)
{
	struct tact_load_row rows[] = {row_of("ann@example.com", TACT_UNSUBSCRIBE, "global"),
	    row_of("bob@example.com", TACT_UNSUBSCRIBE, "global"),
	    row_of("bob@example.com", TACT_COMPLAINT, "brand:x"),
	    row_of("bob@example.com", TACT_UNSUBSCRIBE, "global"),
	    row_of("cid@example.com", TACT_COMPLAINT, "campaign:spring"),
	    row_of("dan@example.com", TACT_MANUAL, "global")};
	size_t count = sizeof rows / sizeof *rows;
	struct tact_id bob = rows[1].key;
	struct tact_changed changed[sizeof rows / sizeof *rows];
	struct tact_store_pace pace = {0};
	struct tact_error err = {""};
	int got;

	set_profile("ann is known", (struct tact_profile_change){.language = "en"}, true);
	change("dan stands for boss", "dan@example.com",
	    (struct tact_change){
		.kind = TACT_CHANGE_ALIAS, .alias_of = bench_person("boss@example.com").key, .why = "asked"},
	    TACT_OK, true);
	qsort(rows, count, sizeof *rows, compare_load_rows);
	got = tact_decide_load(b.decider, b.arena, &pace, rows, count, NOW, changed, &err);
	ck_assert_msg(got == TACT_OK, "got %s (%s), want ok", tact_result_name(got), err.text);
	for (size_t i = 0, of_bob = 0; i < count; i++) {
		bool is_bob = tact_id_equal(&rows[i].key, &bob);
		int want = is_bob ? TACT_OK : TACT_REFUSED;

		of_bob += is_bob && changed[i].changed;
		ck_assert_msg(changed[i].result == want, "row %zu: got %s, want %s", i,
		    tact_result_name(changed[i].result), tact_result_name(want));
		ck_assert_msg(!is_bob || of_bob <= 2, "a wish said twice is one");
	}
	ck_assert_uint_eq(bench_view("bob@example.com").suppressions_count, 2);
	ck_assert(!bench_view("bob@example.com").has_person_key);
	ck_assert_uint_eq(bench_view("ann@example.com").suppressions_count, 0);
	/* Again: now he is known, too. */
	got = tact_decide_load(b.decider, b.arena, &pace, rows, count, NOW, changed, &err);
	ck_assert_int_eq(got, TACT_OK);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(changed[i].result, TACT_REFUSED);
}
END_TEST

/* So old that it is folded when it is written. */
START_TEST(an_old_contact_is_known_again_however_it_is_told)
{
	struct tact_load_row row = row_of("ann@example.com", TACT_MANUAL, "global");
	struct tact_store_pace pace = {0};
	struct tact_changed changed;
	struct tact_error err = {""};
	struct tact_dossier ann;

	row.change = (struct tact_change){.kind = TACT_CHANGE_CONTACT,
	    .contact = {.id = {{0xca, 0x11}},
		.time_us = NOW - 83 * DAY,
		.stream = "news",
		.owner = "",
		.brand = "",
		.campaign = "",
		.offer = "",
		.list = ""}};
	ck_assert_int_eq(tact_decide_load(b.decider, b.arena, &pace, &row, 1, NOW, &changed, &err), TACT_OK);
	ck_assert_msg(changed.result == TACT_OK && changed.changed, "loaded: got %s, %s, want ok, new",
	    tact_result_name(changed.result), changed.changed ? "new" : "known");
	change("told again", "ann@example.com", row.change, TACT_OK, false);
	row.change.contact.id.b[0]++;
	change("another of the day", "ann@example.com", row.change, TACT_OK, true);
	change("and that again", "ann@example.com", row.change, TACT_OK, false);
	ann = bench_view("ann@example.com");
	ck_assert_msg(ann.contacts_count == 1 && ann.contacts[0].count == 2,
	    "got %zu rows, the first of %u, want one of 2", ann.contacts_count, ann.contacts[0].count);
	ck_assert(tact_id_is_none(&ann.contacts[0].id));
}
END_TEST

/* ---- recovering ---- */

START_TEST(what_is_no_recover_field_is_told_so)
{
	static const char *const texts[] = {"", ".", "1", "20000.", "20000.!", "-5.AAAA",
	    "99999999999999999999.AAAA",
	    "20458.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
	struct tact_recovery *recovery = tact_decide_recovery_new(b.decider);
	struct tact_recovered sum;
	struct tact_error err;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		ck_assert_msg(
		    tact_decide_recovery_take(recovery, texts[i]) != TACT_OK, "\"%s\" was taken", texts[i]);
	ck_assert_int_eq(tact_decide_recover(recovery, "eve", true, NOW, NULL, NULL, &sum, &err), TACT_OK);
	ck_assert_uint_eq(sum.read + sum.people, 0);
	tact_decide_recovery_free(&recovery);
	ck_assert_ptr_null(recovery);
}
END_TEST

static void add_case(Suite *s, const char *name, void (*setup)(void))
{
	TCase *c = tcase_create(name);

	tcase_add_checked_fixture(c, setup, bench_close);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_profile_is_set_field_by_field);
	tcase_add_test(c, occasions_go_by_their_name);
	tcase_add_test(c, clearing_reaches_every_key);
	tcase_add_test(c, the_newest_consent_of_a_scope_stays);
	tcase_add_test(c, ended_consent_is_given_again_by_the_person_only);
	tcase_add_test(c, ending_reaches_every_key);
	tcase_add_test(c, what_was_ended_long_ago_no_file_gives_again);
	tcase_add_test(c, what_was_ended_by_another_name_no_file_gives_again);
	tcase_add_test(c, a_file_and_a_person_are_never_one);
	tcase_add_test(c, an_import_never_resubscribes);
	tcase_add_test(c, who_thinks_better_of_a_permission_is_heard);
	tcase_add_test(c, a_permission_that_a_clock_ahead_has_written_lifts_no_later_wish);
	tcase_add_test(c, who_thinks_better_of_it_by_another_name_is_heard_too);
	tcase_add_loop_test(c, what_a_header_may_lift_is_not_refused_at_rcpt, 0, 3);
	tcase_add_test(c, each_change_leaves_sealed_evidence);
	tcase_add_test(c, loading_is_for_those_of_whom_nothing_is_known);
	tcase_add_test(c, an_old_contact_is_known_again_however_it_is_told);
	tcase_add_test(c, what_is_no_recover_field_is_told_so);
	suite_add_tcase(s, c);
}

int main(void)
{
	Suite *s = suite_create("change");
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

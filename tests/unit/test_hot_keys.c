/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * There is no record that every mail touches: whatever the mail, what is written for it stands under the keys
 * of its own recipients. Many relays that want one record would wait for each other (DESIGN §5: 3,360 commits
 * a second of one client fall to 501 of 32). What is counted of a campaign is written once a second by each
 * relay, under a key of its own. Held on LMDB, and on the store of TACT_STORE_URL, which must be new.
 */
#include <config.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide_help.h"

#define MAILS 60
#define TEND_EVERY 20 /* mails: a second's worth */
#define SECOND_US INT64_C(1000000)
#define NOON_US INT64_C(1791979200000000)
#define KEYS_MOST 256

static const char configuration[] =
    "listener \"smtp\" { socket = \"unix:/tmp/none\" }\n"
    "trusted { listeners = {\"smtp\"} }\n"
    "owner \"corporate\" { }\n"
    "owner \"leeds\" { }\n"
    "stream \"shop\" { owner = \"corporate\" senders = {\"@shop.example\"} priority = 500 max_delay = 20d }\n"
    "stream \"desk\" { owner = \"leeds\" senders = {\"@leeds.example\"} priority = 300 max_delay = 20d }\n"
    "suppression \"wishes\" { }\n"
    "breaker \"stop\" { complaints = \"20%\" at_least = 2 }\n"
    "limit \"weekly\" { at_most = 1/7d }\n";

/* Every record that ever stood there, and how often its version was found to be another one. */
static struct {
	struct tact_store_key keys[KEYS_MOST];
	uint64_t versions[KEYS_MOST];
	unsigned writes[KEYS_MOST];
	size_t count;
	struct tact_store_key changed[KEYS_MOST]; /* since the look before */
	size_t changed_count;
} seen;

static size_t find_seen(const struct tact_store_key *key)
{
	size_t i = 0;

	while (
	    i < seen.count && (seen.keys[i].kind != key->kind || !tact_id_equal(&seen.keys[i].id, &key->id)))
		i++;
	ck_assert_uint_lt(i, KEYS_MOST);
	if (i == seen.count) {
		seen.keys[seen.count] = *key;
		seen.versions[seen.count++] = 0;
	}
	return i;
}

static bool note_record(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	size_t i = find_seen(key);

	(void)context;
	if (seen.versions[i] == record->version)
		return true;
	seen.versions[i] = record->version;
	seen.writes[i]++;
	seen.changed[seen.changed_count++] = *key;
	return true;
}

static void look(void)
{
	struct tact_error err = {""};

	seen.changed_count = 0;
	for (int kind = TACT_STORE_DOSSIER; kind <= TACT_STORE_ALIAS; kind++)
		ck_assert_msg(
		    tact_store_scan(b.store, (enum tact_store_kind)kind, note_record, NULL, &err) == TACT_OK,
		    "scan: %s", err.text);
}

static const char *address_of(int number)
{
	return tact_arena_printf(b.arena, "person%d@customers.example", number);
}

static enum tact_fate send_one(struct tact_decider *decider, const char *sender, int number, int64_t now_us)
{
	struct tact_envelope envelope = {.listener = "smtp", .smtp = true, .sender = sender};
	struct tact_message *message = tact_facts_new_message(b.arena, &envelope);
	struct tact_asked asked = {.given = address_of(number)};
	struct tact_ruling ruling = {0};
	struct tact_error err = {""};

	tact_facts_add_header(
	    b.arena, message, "Message-ID", tact_arena_printf(b.arena, "<%d.%s>", number, sender));
	tact_facts_add_header(b.arena, message, "From", sender);
	tact_facts_add_header(b.arena, message, "Feedback-ID", "autumn:x:y:z");
	tact_facts_finish_message(b.arena, message, &b.config->profile);
	tact_decide_message(decider, b.arena,
	    &(struct tact_decide_request){
		.message = message, .asked = &asked, .asked_count = 1, .now_us = now_us},
	    &ruling, &err);
	ck_assert_msg(ruling.fate != TACT_FATE_UNDECIDED, "%s: got undecided (%s %s), want a decision",
	    asked.given, ruling.text, err.text);
	return ruling.fate;
}

static void want_own_key_only(int number)
{
	struct tact_id own = bench_person(address_of(number)).key;

	look();
	ck_assert_msg(
	    seen.changed_count == 1, "mail %d: got %zu records written, want 1", number, seen.changed_count);
	ck_assert_msg(seen.changed[0].kind == TACT_STORE_DOSSIER && tact_id_equal(&seen.changed[0].id, &own),
	    "mail %d: got a record of kind %d written, want its recipient's dossier", number,
	    (int)seen.changed[0].kind);
}

/* Once a second. */
static void tend(struct tact_decider *const relays[2], int64_t now_us)
{
	struct tact_error err = {""};

	for (int i = 0; i < 2; i++)
		ck_assert_msg(tact_decide_tend_campaigns(relays[i], now_us, NULL, NULL, &err) == TACT_OK,
		    "tend: %s", err.text);
	look();
	for (size_t i = 0; i < seen.changed_count; i++)
		ck_assert_int_eq(seen.changed[i].kind, TACT_STORE_CAMPAIGN);
}

/* Two relays, turn about: mail of one campaign that all passes, or all waits. */
static void send_round(
    struct tact_decider *const relays[2], const char *sender, enum tact_fate want, int64_t now_us)
{
	for (int i = 0; i < MAILS; i++, now_us += SECOND_US / TEND_EVERY) {
		enum tact_fate got = send_one(relays[i % 2], sender, i, now_us);

		ck_assert_msg(got == want, "mail %d: got fate %d, want %d", i, (int)got, (int)want);
		want_own_key_only(i);
		if (i % TEND_EVERY == TEND_EVERY - 1)
			tend(relays, now_us);
	}
}

static unsigned most_writes(enum tact_store_kind kind)
{
	unsigned most = 0;

	for (size_t i = 0; i < seen.count; i++)
		if (seen.keys[i].kind == kind && seen.writes[i] > most)
			most = seen.writes[i];
	return most;
}

static struct tact_decider *relay_of(const char *host)
{
	struct tact_decider *decider = tact_decider_new(&(struct tact_decider_parts){.store = b.store,
	    .audit = b.audit,
	    .identity = &b.identity,
	    .host = host,
	    .writer = "milter:smtp"});

	tact_decider_set_rules(
	    decider, tact_arena_copy(b.arena, &b.config->rules, sizeof b.config->rules), NULL, NULL);
	return decider;
}

static void hold_on(const char *url)
{
	struct tact_decider *relays[2];
	unsigned seconds = 2 * MAILS / TEND_EVERY;

	memset(&seen, 0, sizeof seen);
	bench_open(url, configuration);
	relays[0] = relay_of("one.example");
	relays[1] = relay_of("two.example");
	look();
	send_round(relays, "a@shop.example", TACT_FATE_PASS, NOON_US);
	send_round(relays, "b@leeds.example", TACT_FATE_GATE, NOON_US + 60 * SECOND_US);
	ck_assert_uint_eq(most_writes(TACT_STORE_DOSSIER), 2); /* two mails to each person */
	ck_assert_msg(most_writes(TACT_STORE_CAMPAIGN) > 0 && most_writes(TACT_STORE_CAMPAIGN) <= seconds + 1,
	    "a campaign's record: got %u writes in %u seconds and %d mails", most_writes(TACT_STORE_CAMPAIGN),
	    seconds, 2 * MAILS);
	ck_assert_uint_eq(most_writes(TACT_STORE_REVIEW) + most_writes(TACT_STORE_ALIAS), 0);
	tact_decider_free(&relays[0]);
	tact_decider_free(&relays[1]);
	bench_close();
}

START_TEST(no_record_is_touched_by_every_mail)
{
	hold_on(getenv("TACT_STORE_URL"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hot keys");
	TCase *tc = tcase_create("hot keys");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, no_record_is_touched_by_every_mail);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

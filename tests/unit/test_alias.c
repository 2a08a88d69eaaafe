/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One more name for a person who had a life of its own: whatever state it is in when it becomes an alias,
 * mail to either address counts what the other got, whatever it waits for is found, and no wish is lost. Also
 * while others write at the same time, and when the alias ends.
 */
#include <config.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide_help.h"

#define NOW INT64_C(1767603600000000) /* 2026-01-05T09:00:00Z, a Monday */
#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

#define MAIN "ann@example.com"
#define OTHER "ann@home.example"
#define THIRD "ann@work.example"
#define FOURTH "ann@old.example"

static const char configuration[] =
    "listener smtp { socket = \"inet:8891@127.0.0.1\" }\n"
    "trusted { listeners = {\"smtp\"} }\n"
    "owner head {}\nowner leeds {}\n"
    "slot_length = 60s\nmax_delay = 3d\n"
    "stream launch { owner = head purpose = promotional priority = 800 senders = {\"@head.example\"} }\n"
    "stream branch { owner = leeds purpose = promotional priority = 300 senders = {\"@leeds.example\"} }\n"
    "stream cards { owner = leeds purpose = promotional priority = 300 senders = {\"@cards.example\"} "
    "delay_by = tempfail "
    "}\n"
    "suppression unsubscribed { action = reject }\n"
    "limit daily { at_most = 1/20h count = {promotional} action = delay }\n"
    "limit asked { at_most = recipient action = delay }\n"
    "limit cross { at_most = 0/30d count = negative action = quarantine }\n";

static void setup_memory(void)
{
	bench_open("memory:", configuration);
}

static void setup_lmdb(void)
{
	bench_open(NULL, configuration);
}

/* ---- somebody who acts between two steps of another ---- */

static struct {
	void (*act)(void);
	int after; /* updates that go before */
} meanwhile;

static bool died; /* the process, before that update */

static void come_between(void)
{
	void (*act)(void) = meanwhile.act;

	if (act == NULL || meanwhile.after-- > 0)
		return;
	meanwhile.act = NULL;
	act();
}

static void dies(void)
{
	died = true;
}

static int answer_nothing(size_t count, struct tact_store_answer *ret_answers)
{
	for (size_t i = 0; i < count; i++)
		ret_answers[i] = (struct tact_store_answer){.result = TACT_UNAVAILABLE};
	return TACT_UNAVAILABLE;
}

int __real_tact_store_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms);
int __wrap_tact_store_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms);
int __real_tact_store_update_then(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, tact_store_after_fn after, void *context, struct tact_store_answer *ret_answers,
    int64_t deadline_ms);
int __wrap_tact_store_update_then(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, tact_store_after_fn after, void *context, struct tact_store_answer *ret_answers,
    int64_t deadline_ms);

/* The linker puts them before the store's own. */
int __wrap_tact_store_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms)
{
	come_between();
	if (died)
		return answer_nothing(count, ret_answers);
	return __real_tact_store_update(store, keys, count, fn, context, ret_answers, deadline_ms);
}

int __wrap_tact_store_update_then(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, tact_store_after_fn after, void *context, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	come_between();
	return __real_tact_store_update_then(
	    store, keys, count, fn, after, context, ret_answers, deadline_ms);
}

/* ---- asking ---- */

static struct tact_message *message_of(const char *sender, const char *id)
{
	struct tact_envelope envelope = {
	    .listener = "smtp", .smtp = true, .client_ip = "192.0.2.1", .sender = sender};
	struct tact_message *message = tact_facts_new_message(b.arena, &envelope);

	tact_facts_add_header(b.arena, message, "From", sender);
	tact_facts_add_header(
	    b.arena, message, "Message-ID", tact_arena_printf(b.arena, "<%s@x.example>", id));
	if (strncmp(id, "autumn", 6) == 0)
		tact_facts_add_header(b.arena, message, "Feedback-ID", "autumn:x:y:z");
	tact_facts_finish_message(b.arena, message, &b.config->profile);
	return message;
}

static struct tact_ruling send_to(const char *sender, const char *id, const char *address, int64_t now_us)
{
	struct tact_asked asked = {.given = address};
	struct tact_decide_request request = {
	    .message = message_of(sender, id), .asked = &asked, .asked_count = 1, .now_us = now_us};
	struct tact_ruling ruling = {0};

	tact_decide_message(b.decider, b.arena, &request, &ruling, NULL);
	return ruling;
}

static const char *const fates[] = {"pass", "gate", "review", "refuse", "undecided"};

static void want_fate(const char *what, struct tact_ruling got, enum tact_fate want)
{
	ck_assert_msg(
	    got.fate == want, "%s: got %s (%s), want %s", what, fates[got.fate], got.text, fates[want]);
}

static void want_until(const char *what, struct tact_ruling got, int64_t want_us)
{
	want_fate(what, got, TACT_FATE_GATE);
	ck_assert_msg(got.opinion.until_us == want_us, "%s: got a place %lld s from now, want %lld", what,
	    (long long)((got.opinion.until_us - NOW) / SECOND), (long long)((want_us - NOW) / SECOND));
}

static int change(const char *address, struct tact_change change, struct tact_changed *ret)
{
	struct tact_recipient recipient = bench_person(address);

	change.by = "eve";
	if (change.why == NULL)
		change.why = "asked";
	return tact_decide_change(b.decider, b.arena, &recipient, &change, 1, NOW, 0, ret, NULL);
}

static void want_result(const char *what, int got, int want)
{
	ck_assert_msg(
	    got == want, "%s: got %s, want %s", what, tact_result_name(got), tact_result_name(want));
}

/* of NULL: for itself again */
static int try_alias(const char *address, const char *of)
{
	struct tact_change alias = {.kind = TACT_CHANGE_ALIAS};
	struct tact_changed changed;
	struct tact_recipient whose;

	if (of != NULL) {
		whose = bench_person(of);
		alias.alias_of = whose.key;
	}
	return change(address, alias, &changed);
}

static void make_alias(const char *address, const char *of)
{
	want_result(of != NULL ? "alias" : "alias ends", try_alias(address, of), TACT_OK);
}

static int try_unsubscribe(const char *address)
{
	struct tact_changed changed;

	return change(address,
	    (struct tact_change){.kind = TACT_CHANGE_SUPPRESS,
		.suppression = {.scope = {TACT_SCOPE_GLOBAL, ""},
		    .reason = TACT_UNSUBSCRIBE,
		    .source = "",
		    .note = "",
		    .time_us = NOW,
		    .ended_by = "",
		    .ended_why = ""}},
	    &changed);
}

/* ---- at the gate ---- */

static struct tact_waiting look(const struct tact_id *claim, const char *given, int64_t now_us)
{
	struct tact_waiting waiting = {.claim = *claim, .given = given};

	tact_decide_look(b.decider, b.arena, &waiting, now_us, 0, NULL);
	return waiting;
}

static void want_look(const char *what, const struct tact_waiting *got, enum tact_look want)
{
	ck_assert_msg(
	    got->look == want, "%s: got look %d (%s), want %d", what, (int)got->look, got->text, (int)want);
}

static void take(struct tact_waiting *waiting, const char *sender, const char *id, int64_t now_us)
{
	tact_decide_take(b.decider, b.arena, message_of(sender, id), NULL, NULL, waiting, 1, now_us, 0, NULL);
}

static void pass(const char *what, struct tact_waiting *waiting, int64_t now_us)
{
	want_result(
	    what, tact_decide_passed(b.decider, b.arena, waiting, 1, "Q1", "Q2", now_us, 0, NULL), TACT_OK);
}

static void release(const char *sender, const char *id, const struct tact_ruling *ruling, int64_t now_us)
{
	struct tact_waiting waiting = look(&ruling->claim, ruling->given, now_us);

	want_look(id, &waiting, TACT_LOOK_TAKE);
	take(&waiting, sender, id, now_us);
	ck_assert_msg(waiting.fate == TACT_FATE_PASS, "%s at the gate: got %s (%s), want pass", id,
	    fates[waiting.fate], waiting.text);
	pass(id, &waiting, now_us);
	waiting = look(&ruling->claim, ruling->given, now_us);
	want_look("again", &waiting, TACT_LOOK_DROP);
}

/* One mail passed there, and one waits for its place 20 hours later. */
static struct tact_ruling delay(const char *address)
{
	struct tact_ruling ruling;

	want_fate("the first", send_to("a@leeds.example", "first", address, NOW), TACT_FATE_PASS);
	ruling = send_to("a@leeds.example", "waits", address, NOW + HOUR);
	want_until("the second", ruling, NOW + 20 * HOUR);
	return ruling;
}

/* ---- what each state becomes ---- */

START_TEST(contacts_of_either_count_for_both)
{
	want_fate("there", send_to("a@leeds.example", "a", OTHER, NOW), TACT_FATE_PASS);
	make_alias(OTHER, MAIN);
	want_until("here", send_to("a@leeds.example", "b", MAIN, NOW + HOUR), NOW + 20 * HOUR);
}
END_TEST

/* One that was typed in has no id to be known by. */
START_TEST(a_telephone_call_counts_once)
{
	struct tact_changed changed;

	want_result("call",
	    change(OTHER,
		(struct tact_change){.kind = TACT_CHANGE_CONTACT,
		    .contact = {.time_us = NOW,
			.count = 1,
			.channel = TACT_PHONE,
			.purpose = TACT_PROMOTIONAL,
			.stream = "",
			.owner = "leeds",
			.brand = "",
			.campaign = "",
			.offer = "",
			.list = "",
			.counts = true}},
		&changed),
	    TACT_OK);
	make_alias(OTHER, MAIN);
	make_alias(OTHER, MAIN);
	ck_assert_uint_eq(bench_view(MAIN).contacts_count, 1);
	ck_assert_uint_eq(bench_view(OTHER).contacts_count, 1);
	want_until("mail", send_to("a@leeds.example", "a", OTHER, NOW + HOUR), NOW + 20 * HOUR);
}
END_TEST

/* Folded it has no id any more, on either side. */
START_TEST(an_old_call_told_again_by_either_name_counts_once)
{
	struct tact_change call = {.kind = TACT_CHANGE_CONTACT,
	    .contact = {.id = {{0xca, 0x11}},
		.time_us = NOW - 60 * DAY,
		.channel = TACT_PHONE,
		.purpose = TACT_PROMOTIONAL,
		.stream = "",
		.owner = "leeds",
		.brand = "",
		.campaign = "",
		.offer = "",
		.list = "",
		.counts = true}};
	const char *const told[] = {OTHER, OTHER, NULL, OTHER, MAIN};
	struct tact_changed changed;

	for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
		if (told[i] == NULL) {
			make_alias(OTHER, MAIN);
			continue;
		}
		want_result("call", change(told[i], call, &changed), TACT_OK);
		ck_assert_msg(changed.changed == (i == 0), "call, told as number %zu: got %s, want %s", i,
		    changed.changed ? "new" : "known", i == 0 ? "new" : "known");
	}
	ck_assert_uint_eq(bench_view(MAIN).contacts_count, 1);
	ck_assert_uint_eq(bench_view(MAIN).contacts[0].count, 1);
	ck_assert_uint_eq(bench_view(MAIN).told_count, 1);
}
END_TEST

START_TEST(what_waited_counts_for_the_main_address_once_it_passed)
{
	struct tact_ruling ruling = delay(OTHER);

	make_alias(OTHER, MAIN);
	release("a@leeds.example", "waits", &ruling, NOW + 20 * HOUR);
	want_until("to the main address", send_to("a@leeds.example", "next", MAIN, NOW + 21 * HOUR),
	    NOW + 40 * HOUR);
	want_until(
	    "to the alias", send_to("a@cards.example", "card", OTHER, NOW + 22 * HOUR), NOW + 60 * HOUR);
}
END_TEST

START_TEST(what_waits_keeps_its_place_before_later_mail_to_the_main_address)
{
	struct tact_ruling ruling = delay(OTHER);

	make_alias(OTHER, MAIN);
	want_until("behind it", send_to("a@leeds.example", "later", MAIN, NOW + 2 * HOUR), NOW + 40 * HOUR);
	release("a@leeds.example", "waits", &ruling, NOW + 20 * HOUR);
}
END_TEST

START_TEST(the_bell_rings_for_what_waited)
{
	struct tact_ruling ruling = delay(OTHER);
	struct tact_bell_claim *claims;
	int64_t next_us;
	size_t count;

	make_alias(OTHER, MAIN);
	ck_assert_int_eq(tact_decide_due_page(b.decider, b.arena, NOW, NOW + 30 * HOUR, 100, NOW + 20 * HOUR,
			     &claims, &count, &next_us, NULL),
	    TACT_OK);
	ck_assert_msg(count == 1, "got %zu claims that are due, want 1", count);
	ck_assert(tact_id_equal(&claims[0].claim, &ruling.claim));
	ck_assert_int_eq(claims[0].place_us, NOW + 20 * HOUR);
}
END_TEST

START_TEST(what_was_handed_on_before_is_passed_after)
{
	struct tact_ruling ruling = delay(OTHER);
	struct tact_waiting waiting = look(&ruling.claim, OTHER, NOW + 20 * HOUR);

	take(&waiting, "a@leeds.example", "waits", NOW + 20 * HOUR);
	ck_assert_int_eq(waiting.fate, TACT_FATE_PASS);
	make_alias(OTHER, MAIN);
	pass("in between", &waiting, NOW + 20 * HOUR);
	waiting = look(&ruling.claim, OTHER, NOW + 20 * HOUR);
	want_look("again", &waiting, TACT_LOOK_DROP);
	want_until("next", send_to("a@leeds.example", "next", MAIN, NOW + 21 * HOUR), NOW + 40 * HOUR);
}
END_TEST

/* A client that tries again is no second mail. */
START_TEST(a_retry_is_found_under_either_name)
{
	struct tact_ruling first;

	want_fate("first", send_to("a@leeds.example", "a", OTHER, NOW), TACT_FATE_PASS);
	first = send_to("a@cards.example", "card", OTHER, NOW + HOUR);
	want_until("a card, at its client", first, NOW + 20 * HOUR);
	make_alias(OTHER, MAIN);
	want_fate("again", send_to("a@leeds.example", "a", OTHER, NOW + HOUR / 2), TACT_FATE_PASS);
	want_until(
	    "the card again", send_to("a@cards.example", "card", OTHER, NOW + 2 * HOUR), NOW + 20 * HOUR);
	want_fate(
	    "the card in time", send_to("a@cards.example", "card", OTHER, NOW + 20 * HOUR), TACT_FATE_PASS);
	ck_assert_uint_eq(bench_view(MAIN).contacts_count, 2);
}
END_TEST

static void set_own_limit(const char *address, const char *limit)
{
	struct tact_changed changed;

	want_result("own limit",
	    change(address,
		(struct tact_change){.kind = TACT_CHANGE_PROFILE, .profile = {.own_limit = limit}}, &changed),
	    TACT_OK);
}

START_TEST(what_the_recipient_asked_for_holds_for_both)
{
	set_own_limit(OTHER, "1/60h");
	make_alias(OTHER, MAIN);
	want_fate("first", send_to("a@leeds.example", "a", MAIN, NOW), TACT_FATE_PASS);
	want_until("second", send_to("a@leeds.example", "b", MAIN, NOW + HOUR), NOW + 60 * HOUR);
}
END_TEST

START_TEST(the_main_address_keeps_its_own_limit)
{
	set_own_limit(OTHER, "1/60h");
	set_own_limit(MAIN, "1/30h");
	make_alias(OTHER, MAIN);
	ck_assert_str_eq(bench_view(MAIN).profile.own_limit, "1/30h");
}
END_TEST

/* ---- campaigns ---- */

struct list {
	const char *const *addresses;
	size_t count, at;
};

static bool next_person(void *context, struct tact_id *ret_key)
{
	struct list *list = context;

	if (list->at == list->count)
		return false;
	*ret_key = bench_person(list->addresses[list->at++]).key;
	return true;
}

static uint64_t plan(const char *first, const char *second)
{
	const struct tact_stream *stream = &b.config->rules.streams.streams[0];
	const char *const addresses[] = {first, second};
	struct list list = {.addresses = addresses, .count = second != NULL ? 2 : 1};
	struct tact_campaign campaign = {.name = "autumn",
	    .stream = "launch",
	    .owner = "head",
	    .brand = "",
	    .offer = "",
	    .priority = 800,
	    .planned_us = NOW + DAY,
	    .not_after_us = NOW + 3 * DAY,
	    .by = "anna",
	    .why = ""};
	struct tact_facts facts;
	struct tact_planned planned;

	tact_facts_of_stream(stream, "autumn", "", "", &facts);
	want_result("plan",
	    tact_decide_plan(b.decider, &campaign, &facts, next_person, NULL, &list, NOW, &planned, NULL),
	    TACT_OK);
	return planned.claimed;
}

START_TEST(a_planned_place_is_the_main_address_s)
{
	ck_assert_uint_eq(plan(OTHER, NULL), 1);
	make_alias(OTHER, MAIN);
	want_until("behind the plan", send_to("a@leeds.example", "a", MAIN, NOW + 5 * HOUR), NOW + 44 * HOUR);
	ck_assert_uint_eq(plan(MAIN, OTHER), 0);
	want_fate("its mail", send_to("a@head.example", "autumn", OTHER, NOW + DAY), TACT_FATE_PASS);
	ck_assert_uint_eq(bench_view(MAIN).contacts_count, 1);
}
END_TEST

START_TEST(two_places_of_one_campaign_become_one)
{
	size_t planned = 0;

	ck_assert_uint_eq(plan(OTHER, MAIN), 2);
	make_alias(OTHER, MAIN);
	struct tact_dossier view = bench_view(OTHER);
	for (size_t i = 0; i < view.claims_count; i++)
		planned += view.claims[i].planned;
	ck_assert_msg(planned == 1, "got %zu planned places, want 1", planned);
}
END_TEST

/* ---- several names ---- */

START_TEST(two_aliases_of_one_person_count_together)
{
	struct tact_ruling ruling = delay(OTHER);

	want_fate("third", send_to("a@leeds.example", "third", THIRD, NOW + 2 * HOUR), TACT_FATE_PASS);
	make_alias(OTHER, MAIN);
	make_alias(THIRD, MAIN);
	struct tact_waiting waiting = look(&ruling.claim, OTHER, NOW + 20 * HOUR);
	want_look("until what the third got is 20 hours old", &waiting, TACT_LOOK_WAIT);
	ck_assert_int_eq(waiting.until_us, NOW + 22 * HOUR);
	release("a@leeds.example", "waits", &ruling, NOW + 22 * HOUR);
	want_until("to the third", send_to("a@leeds.example", "b", THIRD, NOW + 23 * HOUR), NOW + 42 * HOUR);
}
END_TEST

START_TEST(an_alias_of_an_alias_brings_all_along)
{
	struct tact_ruling ruling = delay(THIRD);

	make_alias(THIRD, OTHER);
	make_alias(OTHER, MAIN);
	release("a@leeds.example", "waits", &ruling, NOW + 20 * HOUR);
	want_until("main", send_to("a@leeds.example", "b", MAIN, NOW + 21 * HOUR), NOW + 40 * HOUR);
}
END_TEST

/* What was told under the name while it stood for one belongs to whom it stands for next as well. */
START_TEST(led_to_somebody_else_it_takes_along_what_it_was_told)
{
	make_alias(OTHER, THIRD);
	struct tact_ruling ruling = delay(OTHER);
	want_result("unsubscribe", try_unsubscribe(OTHER), TACT_OK);
	make_alias(OTHER, MAIN);
	ck_assert_uint_eq(bench_view(MAIN).contacts_count, 1);
	want_fate("main", send_to("a@leeds.example", "b", MAIN, NOW + 21 * HOUR), TACT_FATE_REFUSE);
	want_fate("third", send_to("a@leeds.example", "c", THIRD, NOW + 21 * HOUR), TACT_FATE_REFUSE);
	struct tact_waiting waiting = look(&ruling.claim, OTHER, NOW + 20 * HOUR);
	want_look("what waited", &waiting, TACT_LOOK_TAKE);
}
END_TEST

/* ---- for itself again ---- */

START_TEST(for_itself_again_it_keeps_what_was_told_meanwhile)
{
	make_alias(OTHER, MAIN);
	struct tact_ruling ruling = delay(OTHER);
	want_fate("card", send_to("a@cards.example", "card", MAIN, NOW + 2 * HOUR), TACT_FATE_GATE);
	make_alias(OTHER, NULL);
	want_fate("at once", send_to("a@leeds.example", "b", OTHER, NOW + 3 * HOUR), TACT_FATE_GATE);
	release("a@leeds.example", "waits", &ruling, NOW + 20 * HOUR);
	ck_assert_uint_eq(bench_view(OTHER).contacts_count, 2);
	ck_assert_uint_eq(bench_view(MAIN).contacts_count, 1);
}
END_TEST

START_TEST(for_itself_again_it_is_still_unsubscribed)
{
	make_alias(OTHER, MAIN);
	want_result("unsubscribe", try_unsubscribe(OTHER), TACT_OK);
	make_alias(OTHER, NULL);
	want_fate("itself", send_to("a@leeds.example", "a", OTHER, NOW), TACT_FATE_REFUSE);
	want_fate("main", send_to("a@leeds.example", "b", MAIN, NOW), TACT_FATE_REFUSE);
	/* From now on each has wishes of its own. */
	struct tact_changed changed;
	want_result("ended there",
	    change(OTHER,
		(struct tact_change){
		    .kind = TACT_CHANGE_UNSUPPRESS, .suppression = {.scope = {TACT_SCOPE_GLOBAL, ""}}},
		&changed),
	    TACT_OK);
	want_fate("itself", send_to("a@leeds.example", "c", OTHER, NOW), TACT_FATE_PASS);
	want_fate("main", send_to("a@leeds.example", "d", MAIN, NOW), TACT_FATE_REFUSE);
	make_alias(OTHER, MAIN);
	want_fate("once more one", send_to("a@leeds.example", "e", OTHER, NOW), TACT_FATE_REFUSE);
}
END_TEST

/* ---- contacts so old that only their day is known ---- */

static void want_count(const char *address, unsigned want)
{
	struct tact_dossier view = bench_view(address);
	unsigned got = 0;

	for (size_t i = 0; i < view.contacts_count; i++)
		got += view.contacts[i].count;
	ck_assert_msg(got == want, "%s: got %u contacts, want %u", address, got, want);
}

static void make_and_end(unsigned want)
{
	for (int i = 0; i < 3; i++) {
		make_alias(OTHER, MAIN);
		want_count(MAIN, want);
		make_alias(OTHER, NULL);
		want_count(MAIN, want);
		want_count(OTHER, want);
	}
}

START_TEST(what_is_old_stays_one_however_often_an_alias_is_made_and_ended)
{
	want_fate("old", send_to("a@leeds.example", "old", MAIN, NOW - 40 * DAY), TACT_FATE_PASS);
	make_and_end(1);
}
END_TEST

START_TEST(what_both_were_sent_alike_long_ago_counts_twice)
{
	want_fate("here", send_to("a@leeds.example", "a", MAIN, NOW - 40 * DAY), TACT_FATE_PASS);
	want_fate("there", send_to("a@leeds.example", "b", OTHER, NOW - 40 * DAY), TACT_FATE_PASS);
	make_and_end(2);
}
END_TEST

START_TEST(what_died_half_way_brings_what_is_old_once)
{
	const char *const addresses[] = {MAIN, OTHER};

	for (size_t i = 0; i < 2; i++) {
		want_fate(
		    "old", send_to("a@leeds.example", "old", addresses[i], NOW - 40 * DAY), TACT_FATE_PASS);
		for (int after = 1; after < 3; after++) {
			meanwhile.act = dies;
			meanwhile.after = after;
			want_result("died", try_alias(OTHER, MAIN), TACT_UNAVAILABLE);
			died = false;
		}
		make_alias(OTHER, MAIN);
		want_count(MAIN, 1);
		bench_close();
		bench_open("memory:", configuration);
	}
}
END_TEST

/* One more of the same day folds into the row that went over already. */
START_TEST(a_day_that_grew_half_way_counts_whole)
{
	int64_t day = NOW - 40 * DAY - 9 * HOUR; /* its beginning */

	want_fate("old", send_to("a@leeds.example", "old", OTHER, day), TACT_FATE_PASS);
	meanwhile.act = dies;
	meanwhile.after = 1;
	want_result("died", try_alias(OTHER, MAIN), TACT_UNAVAILABLE);
	died = false;
	want_fate("one more", send_to("a@leeds.example", "more", OTHER, day + 21 * HOUR), TACT_FATE_PASS);
	make_alias(OTHER, MAIN);
	want_count(MAIN, 2);
}
END_TEST

/* ---- others write at the same time ---- */

static void becomes_alias(void)
{
	make_alias(OTHER, MAIN);
}

START_TEST(mail_that_looked_before_is_asked_again_after)
{
	meanwhile.act = becomes_alias;
	want_fate("looked up before", send_to("a@leeds.example", "a", OTHER, NOW), TACT_FATE_UNDECIDED);
	want_fate("its retry", send_to("a@leeds.example", "a", OTHER, NOW), TACT_FATE_PASS);
	want_until("main", send_to("a@leeds.example", "b", MAIN, NOW + HOUR), NOW + 20 * HOUR);
}
END_TEST

START_TEST(a_wish_that_looked_before_is_not_noted_where_nobody_reads_it)
{
	meanwhile.act = becomes_alias;
	want_result("looked up before", try_unsubscribe(OTHER), TACT_UNAVAILABLE);
	want_result("again", try_unsubscribe(OTHER), TACT_OK);
	want_fate("main", send_to("a@leeds.example", "b", MAIN, NOW), TACT_FATE_REFUSE);
}
END_TEST

static void is_sent_to(void)
{
	want_fate("in between", send_to("a@leeds.example", "between", OTHER, NOW), TACT_FATE_PASS);
}

static void wishes(void)
{
	want_result("in between", try_unsubscribe(OTHER), TACT_OK);
}

/* The alias is made in several writes; each time somebody comes before one of them. */
START_TEST(mail_between_the_writes_of_an_alias_counts)
{
	for (int after = 0; after < 3; after++) {
		meanwhile.act = is_sent_to;
		meanwhile.after = after;
		make_alias(OTHER, MAIN);
		ck_assert_msg(meanwhile.act == NULL, "there is no write %d", after);
		want_until("main", send_to("a@leeds.example", "b", MAIN, NOW + HOUR), NOW + 20 * HOUR);
		ck_assert_uint_eq(bench_view(MAIN).contacts_count, 1);
		bench_close();
		bench_open("memory:", configuration);
	}
}
END_TEST

START_TEST(a_wish_between_the_writes_of_an_alias_holds)
{
	for (int after = 0; after < 3; after++) {
		meanwhile.act = wishes;
		meanwhile.after = after;
		make_alias(OTHER, MAIN);
		ck_assert_msg(meanwhile.act == NULL, "there is no write %d", after);
		want_fate("main", send_to("a@leeds.example", "b", MAIN, NOW), TACT_FATE_REFUSE);
		bench_close();
		bench_open("memory:", configuration);
	}
}
END_TEST

static struct tact_ruling delayed;

static void gets_cross(void)
{
	struct tact_changed changed;

	want_result("contact",
	    change(OTHER,
		(struct tact_change){.kind = TACT_CHANGE_CONTACT,
		    .contact = {.time_us = NOW + 2 * HOUR,
			.count = 1,
			.channel = TACT_PHONE,
			.sentiment = TACT_NEGATIVE,
			.purpose = TACT_PERSONAL,
			.stream = "",
			.owner = "leeds",
			.brand = "",
			.campaign = "",
			.offer = "",
			.list = "",
			.counts = true}},
		&changed),
	    TACT_OK);
}

static void is_held(void)
{
	struct tact_waiting waiting = look(&delayed.claim, OTHER, NOW + 20 * HOUR);

	want_look("in between", &waiting, TACT_LOOK_TAKE);
	take(&waiting, "a@leeds.example", "waits", NOW + 20 * HOUR);
	ck_assert_msg(
	    waiting.fate == TACT_FATE_REVIEW, "in between: got %s (%s)", fates[waiting.fate], waiting.text);
}

START_TEST(what_is_held_between_the_writes_of_an_alias_is_a_reviewer_s)
{
	for (int after = 0; after < 3; after++) {
		delayed = delay(OTHER);
		gets_cross();
		meanwhile.act = is_held;
		meanwhile.after = after;
		make_alias(OTHER, MAIN);
		ck_assert_msg(meanwhile.act == NULL, "there is no write %d", after);
		struct tact_dossier view = bench_view(MAIN);
		ck_assert_uint_eq(view.claims_count, 1);
		ck_assert_msg(view.claims[0].state == TACT_CLAIM_REVIEW,
		    "before write %d: got %s, want review", after,
		    tact_dossier_claim_state_name(view.claims[0].state));
		ck_assert(!tact_id_is_none(&view.claims[0].review));
		bench_close();
		bench_open("memory:", configuration);
	}
}
END_TEST

static void takes(void)
{
	struct tact_waiting waiting = look(&delayed.claim, OTHER, NOW + 20 * HOUR);

	want_look("in between", &waiting, TACT_LOOK_TAKE);
	take(&waiting, "a@leeds.example", "waits", NOW + 20 * HOUR);
	ck_assert_msg(
	    waiting.fate == TACT_FATE_PASS, "in between: got %s (%s)", fates[waiting.fate], waiting.text);
	pass("in between", &waiting, NOW + 20 * HOUR);
}

START_TEST(what_passes_between_the_writes_of_an_alias_passed_once)
{
	for (int after = 0; after < 3; after++) {
		delayed = delay(OTHER);
		meanwhile.act = takes;
		meanwhile.after = after;
		make_alias(OTHER, MAIN);
		ck_assert_msg(meanwhile.act == NULL, "there is no write %d", after);
		struct tact_waiting waiting = look(&delayed.claim, OTHER, NOW + 20 * HOUR);
		want_look("again", &waiting, TACT_LOOK_DROP);
		want_until("main", send_to("a@leeds.example", "b", MAIN, NOW + 21 * HOUR), NOW + 40 * HOUR);
		ck_assert_uint_eq(bench_view(MAIN).contacts_count, 2);
		bench_close();
		bench_open("memory:", configuration);
	}
}
END_TEST

static int crossed;

static void becomes_alias_the_other_way(void)
{
	crossed = try_alias(MAIN, OTHER);
}

/* Two who make each the other's alias: one of them may, and mail goes on. */
START_TEST(two_are_never_each_other_s_alias)
{
	for (int after = 0; after < 3; after++) {
		meanwhile.act = becomes_alias_the_other_way;
		meanwhile.after = after;
		int got = try_alias(OTHER, MAIN);
		ck_assert_msg(meanwhile.act == NULL, "there is no write %d", after);
		ck_assert_msg((got == TACT_OK) + (crossed == TACT_OK) <= 1, "both were made (%d)", after);
		want_fate("to one", send_to("a@leeds.example", "a", OTHER, NOW), TACT_FATE_PASS);
		want_fate("to the other", send_to("a@leeds.example", "b", MAIN, NOW + DAY), TACT_FATE_PASS);
		bench_close();
		bench_open("memory:", configuration);
	}
}
END_TEST

static void main_becomes_alias(void)
{
	make_alias(MAIN, THIRD);
}

/* The person it is led to becomes an alias itself: still one hop. */
START_TEST(whom_it_stands_for_may_become_an_alias_meanwhile)
{
	for (int after = 0; after < 3; after++) {
		meanwhile.act = main_becomes_alias;
		meanwhile.after = after;
		int got = try_alias(OTHER, MAIN);
		ck_assert_msg(meanwhile.act == NULL, "there is no write %d", after);
		if (got != TACT_OK)
			make_alias(OTHER, MAIN);
		want_fate("one", send_to("a@leeds.example", "a", OTHER, NOW), TACT_FATE_PASS);
		want_fate("two", send_to("a@leeds.example", "b", MAIN, NOW + HOUR), TACT_FATE_GATE);
		want_fate("three", send_to("a@leeds.example", "c", THIRD, NOW + HOUR), TACT_FATE_GATE);
		bench_close();
		bench_open("memory:", configuration);
	}
}
END_TEST

/* Meant for the alias, it was noted with its person: it goes with the alias, whom that leads to next. */
static void want_wish_kept(const char *before, const char *next, int after)
{
	make_alias(OTHER, before);
	meanwhile.act = wishes;
	meanwhile.after = after;
	make_alias(OTHER, next);
	ck_assert_msg(meanwhile.act == NULL, "there is no write %d", after);
	want_fate("the alias", send_to("a@leeds.example", "a", OTHER, NOW), TACT_FATE_REFUSE);
	bench_close();
	bench_open("memory:", configuration);
}

START_TEST(a_wish_between_the_writes_that_end_an_alias_is_its_own_too)
{
	for (int after = 0; after < 2; after++)
		want_wish_kept(MAIN, NULL, after);
}
END_TEST

START_TEST(a_wish_between_the_writes_that_lead_an_alias_on_goes_with_it)
{
	for (int after = 0; after < 3; after++)
		want_wish_kept(THIRD, MAIN, after);
}
END_TEST

static void sends_card(void)
{
	want_fate("in between", send_to("a@leeds.example", "between", MAIN, NOW), TACT_FATE_PASS);
}

START_TEST(what_is_looked_at_once_more_counts_once)
{
	make_alias(OTHER, MAIN);
	want_fate("before", send_to("a@leeds.example", "before", OTHER, NOW - DAY), TACT_FATE_PASS);
	meanwhile.act = sends_card;
	meanwhile.after = 1;
	make_alias(OTHER, NULL);
	ck_assert_msg(meanwhile.act == NULL, "there is no write 1");
	ck_assert_uint_eq(bench_view(OTHER).contacts_count, 2);
}
END_TEST

static void ends(void)
{
	make_alias(OTHER, NULL);
}

static void leads_to_third(void)
{
	make_alias(OTHER, THIRD);
}

START_TEST(a_wish_for_an_alias_that_is_led_elsewhere_meanwhile_is_asked_for_again)
{
	void (*const acts[])(void) = {ends, leads_to_third};

	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
		make_alias(OTHER, MAIN);
		meanwhile.act = acts[i];
		meanwhile.after = 0;
		want_result("looked up before", try_unsubscribe(OTHER), TACT_UNAVAILABLE);
		want_result("again", try_unsubscribe(OTHER), TACT_OK);
		want_fate("the alias", send_to("a@leeds.example", "a", OTHER, NOW), TACT_FATE_REFUSE);
		bench_close();
		bench_open("memory:", configuration);
	}
}
END_TEST

static void main_becomes_alias_of_fourth(void)
{
	make_alias(MAIN, FOURTH);
}

/* Told to try again, it is as it was: whoever does not try again gets mail and wishes through. */
static void want_all_as_before(const char *address, int got)
{
	if (got == TACT_OK)
		return;
	want_result("lost", got, TACT_UNAVAILABLE);
	want_fate("the alias", send_to("a@leeds.example", "a", address, NOW), TACT_FATE_PASS);
	want_result("wish", try_unsubscribe(address), TACT_OK);
}

START_TEST(an_alias_that_could_not_be_led_on_stands_for_whom_it_stood_for)
{
	int lost = 0;

	for (int after = 0; after < 4; after++) {
		make_alias(OTHER, THIRD);
		meanwhile.act = main_becomes_alias_of_fourth;
		meanwhile.after = after;
		int got = try_alias(OTHER, MAIN);
		ck_assert_msg(meanwhile.act == NULL, "there is no write %d", after);
		lost += got != TACT_OK;
		want_all_as_before(OTHER, got);
		/* Later it stands for whom the person it was led to stands for. */
		if (got != TACT_OK)
			want_fate("whom it stands for",
			    send_to("a@leeds.example", "b", after < 2 ? THIRD : FOURTH, NOW),
			    TACT_FATE_REFUSE);
		bench_close();
		bench_open("memory:", configuration);
	}
	ck_assert_msg(lost > 0, "it was never lost");
}
END_TEST

START_TEST(an_alias_made_again_goes_with_whom_it_stands_for)
{
	for (int after = 0; after < 3; after++) {
		make_alias(OTHER, MAIN);
		meanwhile.act = main_becomes_alias_of_fourth;
		meanwhile.after = after;
		int got = try_alias(OTHER, MAIN);
		ck_assert_msg(meanwhile.act == NULL, "there is no write %d", after);
		want_all_as_before(OTHER, got);
		bench_close();
		bench_open("memory:", configuration);
	}
}
END_TEST

START_TEST(whoever_led_to_an_alias_that_lost_leads_there_again)
{
	int lost = 0;

	for (int after = 0; after < 3; after++) {
		make_alias(THIRD, OTHER);
		meanwhile.act = main_becomes_alias_of_fourth;
		meanwhile.after = after;
		int got = try_alias(OTHER, MAIN);
		ck_assert_msg(meanwhile.act == NULL, "there is no write %d", after);
		lost += got != TACT_OK;
		want_all_as_before(THIRD, got);
		make_alias(OTHER, MAIN);
		want_fate("at last", send_to("a@cards.example", "c", THIRD, NOW + DAY),
		    got == TACT_OK ? TACT_FATE_PASS : TACT_FATE_REFUSE);
		bench_close();
		bench_open("memory:", configuration);
	}
	ck_assert_msg(lost > 0, "it was never lost");
}
END_TEST

/* ---- a process that died, or an older tact ---- */

static bool put_id(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	(void)index, (void)now, (void)store_now_us;
	*ret = (struct tact_store_put){.bytes = context, .size = TACT_ID_BYTES};
	return true;
}

static void point(const char *address, const char *of)
{
	struct tact_store_key key = {.kind = TACT_STORE_ALIAS, .id = bench_person(address).key};
	struct tact_id target = bench_person(of).key;
	struct tact_store_answer answer;

	ck_assert_int_eq(tact_store_update(b.store, &key, 1, put_id, &target, &answer, 0), TACT_OK);
}

/* It died when it had led another on to one who had just become an alias. */
START_TEST(an_alias_of_two_hops_is_mended_by_making_it_again)
{
	make_alias(MAIN, FOURTH);
	point(THIRD, MAIN);
	want_fate("two hops", send_to("a@leeds.example", "a", THIRD, NOW), TACT_FATE_UNDECIDED);
	make_alias(OTHER, MAIN);
	want_fate("one", send_to("a@leeds.example", "a", THIRD, NOW), TACT_FATE_PASS);
}
END_TEST

static bool put_short(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	(void)context, (void)index, (void)now, (void)store_now_us;
	*ret = (struct tact_store_put){.bytes = "short", .size = 5};
	return true;
}

/* Whoever's it is, it may be of the one who is asked for. */
START_TEST(names_say_that_one_which_cannot_be_read_may_be_among_them)
{
	struct tact_recipient asked = bench_person(MAIN);
	struct tact_store_key key = {.kind = TACT_STORE_ALIAS, .id = bench_person(THIRD).key};
	struct tact_store_answer answer;
	struct tact_name *names = NULL;
	struct tact_error err = {""};
	size_t count = 0;
	bool all = false;

	make_alias(OTHER, MAIN);
	make_alias(THIRD, FOURTH);
	want_result(
	    "names", tact_decide_names(b.decider, b.arena, &asked, &names, &count, &all, &err), TACT_OK);
	ck_assert_uint_eq(count, 2);
	ck_assert(all);
	ck_assert_int_eq(tact_store_update(b.store, &key, 1, put_short, NULL, &answer, 0), TACT_OK);
	count = 0;
	want_result("one is short", tact_decide_names(b.decider, b.arena, &asked, &names, &count, &all, &err),
	    TACT_OK);
	ck_assert_uint_eq(count, 2);
	ck_assert(!all);
	count = 0;
	asked = bench_person(THIRD);
	want_result("certainly his",
	    tact_decide_names(b.decider, b.arena, &asked, &names, &count, &all, &err), TACT_CORRUPT);
	ck_assert_msg(strstr(err.text, "tact store check") != NULL, "got \"%s\"", err.text);
	ck_assert_uint_eq(count, 0);
}
END_TEST

/* Made, and nothing was brought along. */
START_TEST(an_alias_that_was_half_made_is_mended_by_making_it_again)
{
	struct tact_ruling ruling = delay(OTHER);

	point(OTHER, MAIN);
	make_alias(OTHER, MAIN);
	release("a@leeds.example", "waits", &ruling, NOW + 20 * HOUR);
	want_until("main", send_to("a@leeds.example", "b", MAIN, NOW + 21 * HOUR), NOW + 40 * HOUR);
	make_alias(OTHER, MAIN);
	ck_assert_uint_eq(bench_view(OTHER).contacts_count, 2);
}
END_TEST

/* ---- what is amiss ---- */

struct faults {
	size_t unfinished, damaged;
	struct tact_id alias, person;
};

static void take_fault(
    void *context, const struct tact_id *alias, const struct tact_id *person, const char *why)
{
	struct faults *faults = context;

	ck_assert(*why != '\0');
	faults->alias = *alias;
	if (person != NULL)
		faults->person = *person;
	faults->unfinished += person != NULL;
	faults->damaged += person == NULL;
}

static struct faults want_faults(const char *what, int step, size_t unfinished, size_t damaged)
{
	struct faults faults = {0};

	want_result(what, tact_decide_check_aliases(b.decider, take_fault, &faults, NULL), TACT_OK);
	ck_assert_msg(faults.unfinished == unfinished && faults.damaged == damaged,
	    "%s, step %d: got %zu unfinished and %zu damaged, want %zu and %zu", what, step,
	    faults.unfinished, faults.damaged, unfinished, damaged);
	return faults;
}

static bool is_of(const struct tact_id *key, const char *address)
{
	struct tact_id want = bench_person(address).key;

	return tact_id_equal(key, &want);
}

static bool is_alias(const char *address)
{
	struct tact_store_key key = {.kind = TACT_STORE_ALIAS, .id = bench_person(address).key};
	struct tact_record record;
	struct tact_store_answer answer;

	ck_assert_int_eq(tact_store_read(b.store, &key, 1, b.arena, &record, &answer, 0), TACT_OK);
	return record.size > 0;
}

/* False when it was done before the step at which it was to die. */
static bool dies_at(int step, const char *address, const char *of)
{
	int result;

	meanwhile.act = dies;
	meanwhile.after = step;
	result = try_alias(address, of);
	meanwhile.act = NULL;
	want_result("died", result, died ? TACT_UNAVAILABLE : TACT_OK);
	return died && !(died = false);
}

START_TEST(what_was_half_made_is_told_of_until_it_is_made_again)
{
	int step, told = 0;

	for (step = 0; step < 100; step++) {
		struct faults faults;

		want_fate("counts", send_to("a@leeds.example", "a", OTHER, NOW), TACT_FATE_PASS);
		if (!dies_at(step, OTHER, MAIN))
			break;
		faults = want_faults("half made", step, is_alias(OTHER), 0);
		if (faults.unfinished > 0) {
			ck_assert(is_of(&faults.alias, OTHER));
			ck_assert(is_of(&faults.person, MAIN));
			told++;
		}
		make_alias(OTHER, MAIN);
		want_faults("made again", step, 0, 0);
		bench_close();
		bench_open("memory:", configuration);
	}
	ck_assert_int_gt(step, 2);
	ck_assert_int_gt(told, 0);
	want_faults("made at once", step, 0, 0);
}
END_TEST

START_TEST(what_was_half_ended_is_told_of_until_it_is_ended_or_made_again)
{
	int step, told = 0;

	for (step = 0; step < 100; step++) {
		make_alias(OTHER, MAIN);
		want_fate("counts", send_to("a@leeds.example", "a", OTHER, NOW), TACT_FATE_PASS);
		want_faults("before", step, 0, 0);
		if (!dies_at(step, OTHER, NULL))
			break;
		told += (int)want_faults("half ended", step, step > 0 && is_alias(OTHER), 0).unfinished;
		if (is_alias(OTHER))
			make_alias(OTHER, step % 2 == 0 ? NULL : MAIN);
		want_faults("ended", step, 0, 0);
		bench_close();
		bench_open("memory:", configuration);
	}
	ck_assert_int_gt(step, 1);
	ck_assert_int_gt(told, 0);
	want_faults("ended at once", step, 0, 0);
}
END_TEST

/* What it says of itself is of whom it was made for. */
START_TEST(who_was_led_on_is_not_unfinished)
{
	make_alias(THIRD, OTHER);
	make_alias(OTHER, MAIN);
	want_faults("led on", 0, 0, 0);
	make_alias(OTHER, NULL);
	want_faults("left where it was led to", 0, 0, 0);
}
END_TEST

START_TEST(who_was_not_led_on_is_told_of)
{
	struct faults faults;

	make_alias(MAIN, FOURTH);
	point(THIRD, MAIN);
	faults = want_faults("two hops", 0, 1, 0);
	ck_assert(is_of(&faults.alias, THIRD));
	make_alias(THIRD, MAIN);
	want_faults("one", 0, 0, 0);
}
END_TEST

START_TEST(what_is_no_alias_is_damage)
{
	struct tact_store_key key = {.kind = TACT_STORE_ALIAS, .id = bench_person(THIRD).key};
	struct tact_store_answer answer;

	ck_assert_int_eq(tact_store_update(b.store, &key, 1, put_short, NULL, &answer, 0), TACT_OK);
	want_faults("short", 0, 0, 1);
}
END_TEST

/* ---- earlier keys ---- */

static void rotate_key(void)
{
	struct tact_keyring *other;

	ck_assert_int_eq(tact_facts_create_key_file(bench_below("key"), true, NULL), TACT_OK);
	ck_assert_int_eq(tact_facts_load_keyring(bench_below("key"), &other, NULL), TACT_OK);
	ck_assert_int_eq(tact_decide_open_identity(
			     b.store, other, &b.config->profile, TACT_OPEN_ADOPT, b.arena, &b.identity, NULL),
	    TACT_OK);
	tact_facts_free_keyring(&b.keyring);
	b.keyring = other;
}

START_TEST(what_stands_under_earlier_keys_is_brought_along)
{
	struct tact_ruling ruling = delay(OTHER);

	rotate_key();
	make_alias(OTHER, MAIN);
	want_until("main", send_to("a@leeds.example", "b", MAIN, NOW + 2 * HOUR), NOW + 40 * HOUR);
	release("a@leeds.example", "waits", &ruling, NOW + 20 * HOUR);
	want_until("card", send_to("a@cards.example", "c", MAIN, NOW + 21 * HOUR), NOW + 60 * HOUR);
}
END_TEST

static void make_alias_of(const char *address, const char *of)
{
	struct tact_recipient whose = bench_person(of);
	struct tact_changed changed;

	want_result("alias",
	    change(address,
		(struct tact_change){.kind = TACT_CHANGE_ALIAS,
		    .alias_of = whose.key,
		    .alias_also = whose.also,
		    .alias_also_count = whose.also_count},
		&changed),
	    TACT_OK);
}

START_TEST(a_wish_under_an_earlier_key_of_the_main_address_holds_for_its_alias)
{
	want_result("unsubscribe", try_unsubscribe(MAIN), TACT_OK);
	rotate_key();
	make_alias_of(OTHER, MAIN);
	want_fate("alias", send_to("a@leeds.example", "a", OTHER, NOW), TACT_FATE_REFUSE);
	want_fate("main", send_to("a@leeds.example", "b", MAIN, NOW), TACT_FATE_REFUSE);
}
END_TEST

START_TEST(made_again_after_a_rotation_an_alias_counts_as_before)
{
	make_alias(OTHER, MAIN);
	want_fate("before", send_to("a@leeds.example", "a", OTHER, NOW), TACT_FATE_PASS);
	rotate_key();
	make_alias_of(OTHER, MAIN);
	want_until("main", send_to("a@leeds.example", "b", MAIN, NOW + HOUR), NOW + 20 * HOUR);
	want_until("alias", send_to("a@leeds.example", "c", OTHER, NOW + 2 * HOUR), NOW + 40 * HOUR);
}
END_TEST

START_TEST(what_waited_under_an_earlier_form_of_the_address_counts_for_all)
{
	static const char *const domains[] = {"plus.example"};
	struct tact_canonical_profile folding = {
	    .fold_local_case = true, .plus_domains = domains, .plus_domains_count = 1};
	struct tact_ruling ruling = delay("ann+a@plus.example");

	ck_assert_int_eq(tact_decide_open_identity(
			     b.store, b.keyring, &folding, TACT_OPEN_ADOPT, b.arena, &b.identity, NULL),
	    TACT_OK);
	release("a@leeds.example", "waits", &ruling, NOW + 20 * HOUR);
	want_until("another form", send_to("a@leeds.example", "b", "ann+b@plus.example", NOW + 21 * HOUR),
	    NOW + 40 * HOUR);
}
END_TEST

static Suite *suite(void)
{
	static const struct {
		const char *name;
		void (*setup)(void);
	} engines[] = {{"memory", setup_memory}, {"lmdb", setup_lmdb}};
	Suite *suite = suite_create("alias");

	for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
		TCase *c = tcase_create(engines[i].name);

		tcase_set_timeout(c, 60);
		tcase_add_checked_fixture(c, engines[i].setup, bench_close);
		tcase_add_test(c, what_waited_under_an_earlier_form_of_the_address_counts_for_all);
		tcase_add_test(c, contacts_of_either_count_for_both);
		tcase_add_test(c, a_telephone_call_counts_once);
		tcase_add_test(c, an_old_call_told_again_by_either_name_counts_once);
		tcase_add_test(c, what_waited_counts_for_the_main_address_once_it_passed);
		tcase_add_test(c, what_waits_keeps_its_place_before_later_mail_to_the_main_address);
		tcase_add_test(c, the_bell_rings_for_what_waited);
		tcase_add_test(c, what_was_handed_on_before_is_passed_after);
		tcase_add_test(c, a_retry_is_found_under_either_name);
		tcase_add_test(c, what_the_recipient_asked_for_holds_for_both);
		tcase_add_test(c, the_main_address_keeps_its_own_limit);
		tcase_add_test(c, a_planned_place_is_the_main_address_s);
		tcase_add_test(c, two_places_of_one_campaign_become_one);
		tcase_add_test(c, two_aliases_of_one_person_count_together);
		tcase_add_test(c, an_alias_of_an_alias_brings_all_along);
		tcase_add_test(c, led_to_somebody_else_it_takes_along_what_it_was_told);
		tcase_add_test(c, for_itself_again_it_keeps_what_was_told_meanwhile);
		tcase_add_test(c, for_itself_again_it_is_still_unsubscribed);
		tcase_add_test(c, what_is_old_stays_one_however_often_an_alias_is_made_and_ended);
		tcase_add_test(c, what_both_were_sent_alike_long_ago_counts_twice);
		tcase_add_test(c, what_died_half_way_brings_what_is_old_once);
		tcase_add_test(c, a_day_that_grew_half_way_counts_whole);
		tcase_add_test(c, mail_that_looked_before_is_asked_again_after);
		tcase_add_test(c, a_wish_that_looked_before_is_not_noted_where_nobody_reads_it);
		tcase_add_test(c, mail_between_the_writes_of_an_alias_counts);
		tcase_add_test(c, a_wish_between_the_writes_of_an_alias_holds);
		tcase_add_test(c, what_passes_between_the_writes_of_an_alias_passed_once);
		tcase_add_test(c, what_is_held_between_the_writes_of_an_alias_is_a_reviewer_s);
		tcase_add_test(c, two_are_never_each_other_s_alias);
		tcase_add_test(c, whom_it_stands_for_may_become_an_alias_meanwhile);
		tcase_add_test(c, a_wish_between_the_writes_that_end_an_alias_is_its_own_too);
		tcase_add_test(c, a_wish_between_the_writes_that_lead_an_alias_on_goes_with_it);
		tcase_add_test(c, what_is_looked_at_once_more_counts_once);
		tcase_add_test(c, a_wish_for_an_alias_that_is_led_elsewhere_meanwhile_is_asked_for_again);
		tcase_add_test(c, an_alias_that_could_not_be_led_on_stands_for_whom_it_stood_for);
		tcase_add_test(c, an_alias_made_again_goes_with_whom_it_stands_for);
		tcase_add_test(c, whoever_led_to_an_alias_that_lost_leads_there_again);
		tcase_add_test(c, an_alias_of_two_hops_is_mended_by_making_it_again);
		tcase_add_test(c, an_alias_that_was_half_made_is_mended_by_making_it_again);
		tcase_add_test(c, what_was_half_made_is_told_of_until_it_is_made_again);
		tcase_add_test(c, what_was_half_ended_is_told_of_until_it_is_ended_or_made_again);
		tcase_add_test(c, who_was_led_on_is_not_unfinished);
		tcase_add_test(c, who_was_not_led_on_is_told_of);
		tcase_add_test(c, what_is_no_alias_is_damage);
		tcase_add_test(c, names_say_that_one_which_cannot_be_read_may_be_among_them);
		tcase_add_test(c, what_stands_under_earlier_keys_is_brought_along);
		tcase_add_test(c, a_wish_under_an_earlier_key_of_the_main_address_holds_for_its_alias);
		tcase_add_test(c, made_again_after_a_rotation_an_alias_counts_as_before);
		suite_add_tcase(suite, c);
	}
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

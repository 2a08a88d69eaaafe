/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Campaigns: what several writers count adds up, what is lent out stays as it is, what cannot be read lets
 * nobody pass, a plan holds places until one write frees them. Over each engine.
 */
#include <config.h>

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide_help.h"
#include "src/store/engine.h"

#define NOW_US (INT64_C(1795510800) * 1000000) /* 2026-11-24 09:00 UTC */
#define HOUR_US INT64_C(3600000000)
#define DAY_US (24 * HOUR_US)

static const char configuration[] =
    "listener \"smtp\" { socket = \"inet:8891@127.0.0.1\" }\n"
    "trusted { listeners = {\"smtp\"} }\n"
    "owner \"corporate\" { }\nowner \"leeds\" { }\n"
    "stream \"shop\" { owner = \"corporate\" senders = {\"@shop.example\"} priority = 500 max_delay = 20d }\n"
    "stream \"desk\" { owner = \"leeds\" senders = {\"@leeds.example\"} priority = 300 max_delay = 20d }\n"
    "breaker \"stop\" { complaints = \"20%\" at_least = 2 }\n"
    "limit \"weekly\" { at_most = 1/7d }\n";

static const char *const urls[] = {"memory:", NULL};

static void setup_on(int which)
{
	bench_open(urls[which], configuration);
}

/* ---- helpers ---- */

static struct tact_decider *decider_of(const char *writer)
{
	struct tact_decider *decider = tact_decider_new(&(struct tact_decider_parts){
	    .store = b.store, .audit = b.audit, .identity = &b.identity, .host = "relay", .writer = writer});

	/* Rules in force are known by where they stand. */
	tact_decider_set_rules(
	    decider, tact_arena_copy(b.arena, &b.config->rules, sizeof b.config->rules), NULL, NULL);
	return decider;
}

static int changes;

static void note_change(void *context, const struct tact_campaign *campaign)
{
	(void)context;
	(void)campaign;
	changes++;
}

static void tend(struct tact_decider *decider, int64_t now_us)
{
	struct tact_error err = {""};
	int got = tact_decide_tend_campaigns(decider, now_us, note_change, NULL, &err);

	ck_assert_msg(got == TACT_OK, "tend: got %s (%s), want ok", tact_result_name(got), err.text);
}

/* ---- a store that stalls ---- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool stalled;
} stall = {.lock = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER};

int __real_tact_store_scan(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn,
    void *context, struct tact_error *err);
int __wrap_tact_store_scan(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn,
    void *context, struct tact_error *err);

/* The linker puts it before the store's own. */
int __wrap_tact_store_scan(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn,
    void *context, struct tact_error *err)
{
	pthread_mutex_lock(&stall.lock);
	while (stall.stalled)
		pthread_cond_wait(&stall.over, &stall.lock);
	pthread_mutex_unlock(&stall.lock);
	return __real_tact_store_scan(store, kind, fn, context, err);
}

static void set_stalled(bool stalled)
{
	pthread_mutex_lock(&stall.lock);
	stall.stalled = stalled;
	pthread_cond_broadcast(&stall.over);
	pthread_mutex_unlock(&stall.lock);
}

static int64_t send_deadline_ms; /* 0: none */

/* A mail of CAMPAIGN ("" for none) from SENDER; each is another one. */
static struct tact_ruling send_to(
    struct tact_decider *decider, const char *sender, const char *campaign, const char *rcpt, int64_t now_us)
{
	static int number;
	struct tact_envelope envelope = {.listener = "smtp", .smtp = true, .sender = sender};
	struct tact_message *message = tact_facts_new_message(b.arena, &envelope);
	struct tact_asked asked = {.given = rcpt};
	struct tact_decide_request request = {.message = message,
	    .asked = &asked,
	    .asked_count = 1,
	    .now_us = now_us,
	    .deadline_ms = send_deadline_ms};
	struct tact_ruling ruling = {0};
	struct tact_error err = {""};

	tact_facts_add_header(
	    b.arena, message, "Message-ID", tact_arena_printf(b.arena, "<%d@shop.example>", ++number));
	tact_facts_add_header(b.arena, message, "From", sender);
	if (*campaign != '\0')
		tact_facts_add_header(
		    b.arena, message, "Feedback-ID", tact_arena_printf(b.arena, "%s:x:y:z", campaign));
	tact_facts_finish_message(b.arena, message, &b.config->profile);
	tact_decide_message(decider, b.arena, &request, &ruling, &err);
	return ruling;
}

static void want_fate(struct tact_ruling got, enum tact_fate want, const char *what)
{
	ck_assert_msg(
	    got.fate == want, "%s: got fate %d (%s), want %d", what, (int)got.fate, got.text, (int)want);
}

static struct tact_campaign_health sum_of(struct tact_decider *decider, const char *name)
{
	struct tact_error err = {""};
	const struct tact_campaigns *campaigns = tact_decider_take_campaigns(decider, &err);
	const struct tact_campaign_view *view = tact_policy_find_campaign(campaigns, name);
	struct tact_campaign_health sum = {0};

	if (view != NULL)
		tact_policy_campaign_health(view, 0, NOW_US, &sum);
	tact_decider_put_campaigns(decider, campaigns);
	return sum;
}

static void want_sent(struct tact_decider *decider, const char *name, int64_t want)
{
	int64_t got = sum_of(decider, name).sent;

	ck_assert_msg(got == want, "sent of %s: got %lld, want %lld", name, (long long)got, (long long)want);
}

static struct tact_changed complain(const char *address, const char *campaign)
{
	struct tact_recipient recipient = bench_person(address);
	struct tact_change change = {.kind = TACT_CHANGE_SUPPRESS,
	    .suppression = {.reason = TACT_COMPLAINT,
		.scope = {.kind = TACT_SCOPE_GLOBAL, .value = ""},
		.source = "",
		.note = "",
		.time_us = NOW_US,
		.ended_by = "",
		.ended_why = ""},
	    .campaign = campaign,
	    .by = "test",
	    .why = ""};
	struct tact_changed changed;
	struct tact_error err = {""};

	ck_assert_int_eq(
	    tact_decide_change(b.decider, b.arena, &recipient, &change, 1, NOW_US, 0, &changed, &err),
	    TACT_OK);
	return changed;
}

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

static int plan(const char *const *addresses, size_t count, int64_t at_us, struct tact_planned *ret,
    struct tact_error *err)
{
	const struct tact_stream *stream = &b.config->rules.streams.streams[0];
	struct list list = {.addresses = addresses, .count = count};
	struct tact_campaign campaign = {.name = "autumn",
	    .stream = "shop",
	    .owner = "corporate",
	    .brand = "",
	    .offer = "",
	    .priority = 700,
	    .planned_us = at_us,
	    .not_after_us = at_us + 3 * DAY_US,
	    .by = "anna",
	    .why = ""};
	struct tact_facts facts;

	tact_facts_of_stream(stream, "autumn", "", "", &facts);
	facts.priority = 700;
	return tact_decide_plan(b.decider, &campaign, &facts, next_person, NULL, &list, NOW_US, ret, err);
}

static void plan_for(const char *address)
{
	struct tact_planned planned;
	struct tact_error err = {""};
	int got = plan(&address, 1, NOW_US + DAY_US, &planned, &err);

	ck_assert_msg(got == TACT_OK, "plan: got %s (%s), want ok", tact_result_name(got), err.text);
	ck_assert_int_eq(planned.claimed, 1);
}

static int deed(const char *name, enum tact_campaign_deed what, const char *why, struct tact_error *err)
{
	struct tact_campaign campaign;
	bool changed;

	return tact_decide_campaign(
	    b.decider, b.arena, name, what, "anna", why, NOW_US, &campaign, &changed, err);
}

static void do_deed(const char *name, enum tact_campaign_deed what)
{
	struct tact_error err = {""};
	int got = deed(name, what, "", &err);

	ck_assert_msg(got == TACT_OK, "deed: got %s (%s), want ok", tact_result_name(got), err.text);
	tend(b.decider, NOW_US);
}

/* ---- counts ---- */

START_TEST(test_writers_do_not_overwrite_each_other)
{
	setup_on(_i);
	struct tact_decider *gate = decider_of("gate"), *smtp = decider_of("smtp");

	for (int i = 0; i < 5; i++) {
		want_fate(send_to(i % 2 == 0 ? gate : smtp, "a@shop.example", i == 0 ? "Spring" : "spring",
			      tact_arena_printf(b.arena, "p%d@x.example", i), NOW_US + i % 3 * HOUR_US),
		    TACT_FATE_PASS, "a mail of the campaign");
		tend(gate, NOW_US);
		tend(smtp, NOW_US);
	}
	tend(gate, NOW_US);
	want_sent(gate, "SPRING", 5);
	/* Written again it is the same: absolute values. */
	tend(smtp, NOW_US);
	tend(gate, NOW_US);
	want_sent(gate, "spring", 5);
	tact_decider_free(&gate);
	tact_decider_free(&smtp);
	bench_close();
}
END_TEST

START_TEST(test_a_writer_goes_on_after_a_restart)
{
	setup_on(_i);
	for (int i = 0; i < 3; i++) {
		struct tact_decider *gate = decider_of("gate");

		(void)send_to(
		    gate, "a@shop.example", "spring", tact_arena_printf(b.arena, "p%d@x.example", i), NOW_US);
		(void)send_to(
		    gate, "a@shop.example", "spring", tact_arena_printf(b.arena, "q%d@x.example", i), NOW_US);
		tend(gate, NOW_US);
		want_sent(gate, "spring", 2 * (i + 1));
		tact_decider_free(&gate);
	}
	bench_close();
}
END_TEST

START_TEST(test_verbs_add_to_each_other)
{
	setup_on(_i);
	struct tact_decider *gate = decider_of("gate");

	(void)send_to(gate, "a@shop.example", "spring", "p@x.example", NOW_US - HOUR_US);
	tend(gate, NOW_US);
	ck_assert(complain("p@x.example", NULL).changed);  /* the latest mail's */
	ck_assert(!complain("p@x.example", NULL).changed); /* the same wish again */
	bench_use_audit(b.audit);			   /* another verb */
	ck_assert(complain("q@x.example", "SPRING").changed);
	ck_assert(complain("nobody@x.example", NULL).changed); /* no mail, no campaign */
	tend(gate, NOW_US);
	ck_assert_int_eq(sum_of(gate, "spring").complaints, 2);
	ck_assert_int_eq(sum_of(gate, "spring").sent, 1);
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

START_TEST(test_a_retry_counts_once)
{
	setup_on(_i);
	struct tact_decider *gate = decider_of("gate");
	struct tact_envelope envelope = {.listener = "smtp", .smtp = true, .sender = "a@shop.example"};
	struct tact_asked asked = {.given = "p@x.example"};

	for (int i = 0; i < 3; i++) {
		struct tact_message *message = tact_facts_new_message(b.arena, &envelope);
		struct tact_decide_request request = {
		    .message = message, .asked = &asked, .asked_count = 1, .now_us = NOW_US + i};
		struct tact_ruling ruling;

		tact_facts_add_header(b.arena, message, "Message-ID", "<same@shop.example>");
		tact_facts_add_header(b.arena, message, "From", envelope.sender);
		tact_facts_add_header(b.arena, message, "Feedback-ID", "spring:x:y:z");
		tact_facts_finish_message(b.arena, message, &b.config->profile);
		tact_decide_message(gate, b.arena, &request, &ruling, NULL);
		want_fate(ruling, TACT_FATE_PASS, "the same mail");
	}
	tend(gate, NOW_US);
	want_sent(gate, "spring", 1);
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

START_TEST(test_too_many_names_are_told)
{
	setup_on(_i);
	struct tact_error err = {""};

	/* Counting alone; the store is not asked for each. */
	struct tact_decider *gate = decider_of("gate");
	for (int i = 0; i < 4097; i++)
		(void)send_to(gate, "a@shop.example", tact_arena_printf(b.arena, "c%d", i),
		    tact_arena_printf(b.arena, "p%d@x.example", i), NOW_US);
	ck_assert_int_eq(tact_decide_tend_campaigns(gate, NOW_US, NULL, NULL, &err), TACT_REFUSED);
	ck_assert_msg(strstr(err.text, "1 mails were not counted") != NULL, "got %s", err.text);
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

/* ---- what is lent out ---- */

START_TEST(test_what_is_taken_stays_as_it_is)
{
	setup_on(_i);
	tend(b.decider, NOW_US);
	const struct tact_campaigns *before = tact_decider_take_campaigns(b.decider, NULL);
	uint64_t mark = tact_decide_campaigns_mark(b.decider);

	ck_assert_ptr_nonnull(before);
	ck_assert_int_eq(before->count, 0);
	do_deed("spring", TACT_CAMPAIGN_PAUSE);
	const struct tact_campaigns *after = tact_decider_take_campaigns(b.decider, NULL);
	ck_assert_int_eq(before->count, 0);
	ck_assert_int_eq(after->count, 1);
	ck_assert_int_eq(after->views[0].record.state, TACT_CAMPAIGN_PAUSED);
	ck_assert(tact_decide_campaigns_mark(b.decider) != mark);
	tact_decider_put_campaigns(b.decider, before);
	tact_decider_put_campaigns(b.decider, after);
	/* Counts free no places. */
	mark = tact_decide_campaigns_mark(b.decider);
	(void)send_to(b.decider, "a@shop.example", "summer", "p@x.example", NOW_US);
	tend(b.decider, NOW_US);
	ck_assert(tact_decide_campaigns_mark(b.decider) == mark);
	bench_close();
}
END_TEST

static bool write_garbage(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	(void)context;
	(void)index;
	(void)now;
	(void)store_now_us;
	*ret = (struct tact_store_put){.bytes = "\xff\xff\xff", .size = 3};
	return true;
}

START_TEST(test_what_cannot_be_read_lets_nobody_of_a_campaign_pass)
{
	setup_on(_i);
	struct tact_store_key key = {.kind = TACT_STORE_CAMPAIGN, .id = tact_dossier_campaign_id("spring")};
	struct tact_store_answer answer;
	struct tact_error err = {""};

	ck_assert_int_eq(tact_store_update(b.store, &key, 1, write_garbage, NULL, &answer, 0), TACT_OK);
	ck_assert_ptr_null(tact_decider_take_campaigns(b.decider, &err));
	ck_assert_msg(strstr(err.text, "do not parse") != NULL, "got %s", err.text);
	want_fate(send_to(b.decider, "a@shop.example", "summer", "p@x.example", NOW_US), TACT_FATE_UNDECIDED,
	    "mail of a campaign");
	want_fate(
	    send_to(b.decider, "a@shop.example", "", "p@x.example", NOW_US), TACT_FATE_PASS, "other mail");
	ck_assert_int_eq(tact_decide_tend_campaigns(b.decider, NOW_US, NULL, NULL, &err), TACT_CORRUPT);
	bench_close();
}
END_TEST

static bool write_nothing(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	(void)context;
	(void)index;
	(void)now;
	(void)store_now_us;
	*ret = (struct tact_store_put){.size = 0};
	return true;
}

static void spoil_counts(const char *campaign, const char *writer, tact_store_change_fn fn)
{
	struct tact_store_key key = {
	    .kind = TACT_STORE_CAMPAIGN, .id = tact_dossier_campaign_count_id(campaign, writer)};
	struct tact_store_answer answer;

	ck_assert_int_eq(tact_store_update(b.store, &key, 1, fn, NULL, &answer, 0), TACT_OK);
}

/* More than are written at a time: wherever they stand, others stand behind them. */
START_TEST(test_counts_that_cannot_be_read_hold_up_no_others)
{
	setup_on(_i);
	struct tact_decider *gate = decider_of("gate");
	struct tact_error err = {""};

	for (int i = 0; i < 100; i++)
		(void)send_to(gate, "a@shop.example",
		    tact_arena_printf(b.arena, "%s%d", i % 5 == 0 ? "good" : "bad", i),
		    tact_arena_printf(b.arena, "p%d@x.example", i), NOW_US);
	for (int i = 0; i < 100; i++)
		if (i % 5 != 0)
			spoil_counts(tact_arena_printf(b.arena, "bad%d", i), "relay/gate", write_garbage);
	ck_assert_int_eq(tact_decide_tend_campaigns(gate, NOW_US, NULL, NULL, &err), TACT_CORRUPT);
	for (int i = 0; i < 100; i++)
		if (i % 5 != 0)
			spoil_counts(tact_arena_printf(b.arena, "bad%d", i), "relay/gate", write_nothing);
	struct tact_decider *other = decider_of("other");
	for (int i = 0; i < 100; i += 5)
		want_sent(other, tact_arena_printf(b.arena, "good%d", i), 1);
	tend(gate, NOW_US);
	tend(other, NOW_US);
	want_sent(other, "bad1", 1);
	tact_decider_free(&gate);
	tact_decider_free(&other);
	bench_close();
}
END_TEST

/* Of a writer and a campaign that other records name, and this process's own. */
START_TEST(test_counts_that_cannot_be_read_stop_no_mail)
{
	setup_on(_i);
	struct tact_decider *gate = decider_of("gate"), *milter = decider_of("milter");
	struct tact_error err = {""};

	(void)send_to(gate, "a@shop.example", "spring", "p@x.example", NOW_US);
	(void)send_to(gate, "a@shop.example", "summer", "q@x.example", NOW_US);
	(void)send_to(milter, "a@shop.example", "spring", "r@x.example", NOW_US);
	tend(gate, NOW_US);
	tend(milter, NOW_US);
	spoil_counts("spring", "relay/gate", write_garbage);
	ck_assert_int_eq(tact_decide_tend_campaigns(milter, NOW_US, NULL, NULL, &err), TACT_CORRUPT);
	ck_assert_msg(strstr(err.text, "cannot be read: 1;") != NULL, "got %s", err.text);
	want_sent(milter, "spring", 1);
	want_fate(send_to(milter, "a@shop.example", "spring", "s@x.example", NOW_US), TACT_FATE_PASS,
	    "mail of the campaign");
	spoil_counts("nobody planned this", "relay/gate", write_garbage);
	ck_assert_int_eq(tact_decide_tend_campaigns(milter, NOW_US, NULL, NULL, &err), TACT_CORRUPT);
	ck_assert_msg(strstr(err.text, "campaigns cannot be read") != NULL, "got %s", err.text);
	tact_decider_free(&gate);
	tact_decider_free(&milter);
	bench_close();
}
END_TEST

START_TEST(test_a_store_that_fails)
{
	struct tact_store *store = NULL;
	struct tact_error err = {""};

	(void)_i;
	bench_open("memory:", configuration);
	ck_assert_int_eq(tact_store_open("fail:", &store, &err), TACT_OK);
	struct tact_decider *decider = tact_decider_new(&(struct tact_decider_parts){
	    .store = store, .audit = b.audit, .identity = &b.identity, .host = "relay", .writer = "gate"});
	tact_decider_set_rules(
	    decider, tact_arena_copy(b.arena, &b.config->rules, sizeof b.config->rules), NULL, NULL);
	ck_assert_ptr_null(tact_decider_take_campaigns(decider, &err));
	ck_assert_int_eq(tact_decide_tend_campaigns(decider, NOW_US, NULL, NULL, &err), TACT_UNAVAILABLE);
	want_fate(send_to(decider, "a@shop.example", "spring", "p@x.example", NOW_US), TACT_FATE_UNDECIDED,
	    "a store that fails");
	tact_decider_free(&decider);
	tact_store_close(&store);
	bench_close();
}
END_TEST

/* The scan ends only when this test lets it: without a bound, each mail would wait for ever. */
START_TEST(test_a_store_that_stalls_holds_up_no_mail)
{
	setup_on(_i);
	set_stalled(true);
	send_deadline_ms = tact_clock_monotonic_ms() + 60000;
	for (int i = 0; i < 3; i++) {
		const char *other = tact_arena_printf(b.arena, "p%d@x.example", i);

		want_fate(
		    send_to(b.decider, "a@shop.example", "", other, NOW_US), TACT_FATE_PASS, "other mail");
		want_fate(send_to(b.decider, "a@shop.example", "spring", "q@x.example", NOW_US),
		    TACT_FATE_UNDECIDED, "mail of a campaign");
	}
	set_stalled(false);
	tend(b.decider, NOW_US);
	want_fate(send_to(b.decider, "a@shop.example", "spring", "q@x.example", NOW_US), TACT_FATE_PASS,
	    "mail of a campaign when it goes on");
	bench_close();
}
END_TEST

/* ---- plans ---- */

START_TEST(test_a_plan_again_is_the_same_plan)
{
	setup_on(_i);
	static const char *const people[] = {"p@x.example", "q@x.example", "P@x.example"};
	struct tact_planned planned;
	struct tact_error err = {""};

	ck_assert_int_eq(plan(people, 2, NOW_US + DAY_US, &planned, &err), TACT_OK);
	ck_assert_int_eq(planned.claimed, 2);
	ck_assert_int_eq(plan(people, 2, NOW_US + DAY_US, &planned, &err), TACT_OK);
	ck_assert_int_eq(planned.claimed, 0);
	ck_assert_int_eq(planned.known, 2);
	struct tact_dossier dossier = bench_view("p@x.example");
	ck_assert_int_eq(dossier.claims_count, 1);
	ck_assert(dossier.claims[0].planned);
	ck_assert_int_eq(dossier.claims[0].asked_us, NOW_US + DAY_US);
	ck_assert_int_eq(dossier.claims[0].made_us, NOW_US);
	ck_assert_int_eq(dossier.claims[0].priority, 700);
	ck_assert_int_eq(dossier.claims[0].facts.priority, 700);
	bench_close();
}
END_TEST

START_TEST(test_who_stands_twice_in_a_plan_is_one)
{
	static const char *const people[] = {"p@x.example", "q@x.example", "p@x.example", "also-q@x.example"};
	struct tact_planned planned;
	struct tact_error err = {""};

	setup_on(_i);
	struct tact_recipient also = bench_person("also-q@x.example");
	struct tact_change change = {
	    .kind = TACT_CHANGE_ALIAS, .alias_of = bench_person("q@x.example").key, .by = "test", .why = ""};
	struct tact_changed changed;

	ck_assert_int_eq(
	    tact_decide_change(b.decider, b.arena, &also, &change, 1, NOW_US, 0, &changed, &err), TACT_OK);
	ck_assert_int_eq(plan(people, 4, NOW_US + DAY_US, &planned, &err), TACT_OK);
	ck_assert_msg(planned.claimed == 2 && planned.known == 2, "got %d claimed, %d known, want 2 and 2",
	    (int)planned.claimed, (int)planned.known);
	ck_assert_uint_eq(bench_view("p@x.example").claims_count, 1);
	ck_assert_uint_eq(bench_view("q@x.example").claims_count, 1);
	bench_close();
}
END_TEST

START_TEST(test_its_mail_takes_the_claim)
{
	setup_on(_i);
	plan_for("p@x.example");
	struct tact_ruling other = send_to(b.decider, "a@leeds.example", "", "p@x.example", NOW_US);
	want_fate(other, TACT_FATE_GATE, "another desk's mail");
	ck_assert_msg(strstr(other.text, "place held by autumn of corporate") != NULL, "got %s", other.text);
	/* Another owner's mail of that name does not. */
	want_fate(send_to(b.decider, "a@leeds.example", "autumn", "p@x.example", NOW_US + 1), TACT_FATE_GATE,
	    "another owner's");
	want_fate(send_to(b.decider, "a@shop.example", "AUTUMN", "p@x.example", NOW_US + DAY_US),
	    TACT_FATE_PASS, "its own mail");
	struct tact_dossier dossier = bench_view("p@x.example");
	struct tact_recipient person = bench_person("p@x.example");
	struct tact_id id = tact_dossier_planned_id("autumn", &person.key);
	const struct tact_claim *claim = tact_dossier_find_claim(&dossier, &id);
	ck_assert_ptr_nonnull(claim);
	ck_assert_int_eq(claim->state, TACT_CLAIM_PASSED);
	ck_assert(!claim->planned);
	ck_assert_int_eq(claim->rank_us, NOW_US);
	ck_assert_int_eq(claim->made_us, NOW_US + DAY_US);
	/* A second mail of it is mail like any other. */
	want_fate(send_to(b.decider, "a@shop.example", "autumn", "p@x.example", NOW_US + DAY_US + 1),
	    TACT_FATE_GATE, "a second one");
	bench_close();
}
END_TEST

START_TEST(test_mail_that_waits_keeps_the_rank_of_its_plan)
{
	setup_on(_i);
	want_fate(send_to(b.decider, "a@shop.example", "", "p@x.example", NOW_US), TACT_FATE_PASS, "before");
	plan_for("p@x.example");
	struct tact_ruling taken = send_to(b.decider, "a@shop.example", "autumn", "p@x.example", NOW_US + 1);
	want_fate(taken, TACT_FATE_REFUSE, "no place by the plan's not_after");
	bench_close();
}
END_TEST

/* ---- a store in which somebody else was faster: what was made of the old record is made again ---- */

static struct {
	const struct tact_store_engine *engine;
	void (*meanwhile)(void);
} race;

static void update_twice(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms)
{
	void (*meanwhile)(void) = race.meanwhile;

	race.meanwhile = NULL;
	if (meanwhile != NULL) {
		struct tact_record *records = tact_arena_alloc(b.arena, count * sizeof *records);
		struct tact_store_put put;

		race.engine->read(store, keys, count, b.arena, records, ret_answers, deadline_ms);
		for (size_t i = 0; i < count; i++)
			(void)fn(context, i, &records[i], NOW_US, &put);
		meanwhile();
	}
	race.engine->update(store, keys, count, fn, context, ret_answers, deadline_ms);
}

static struct tact_ruling faster;

static void send_another(void)
{
	faster = send_to(b.decider, "a@shop.example", "autumn", "p@x.example", NOW_US);
}

START_TEST(test_who_loses_the_planned_claim_makes_one_of_his_own)
{
	setup_on(_i);
	struct tact_store_engine engine = *b.store->engine;
	struct tact_ruling slower;

	race.engine = b.store->engine;
	engine.update = update_twice;
	engine.update_then = NULL;
	want_fate(send_to(b.decider, "a@shop.example", "", "p@x.example", NOW_US - 5 * DAY_US),
	    TACT_FATE_PASS, "before");
	plan_for("p@x.example");
	b.store->engine = &engine;
	race.meanwhile = send_another;
	slower = send_to(b.decider, "a@shop.example", "autumn", "p@x.example", NOW_US);
	b.store->engine = race.engine;
	want_fate(faster, TACT_FATE_GATE, "the faster one");
	want_fate(slower, TACT_FATE_GATE, "the slower one");
	ck_assert_msg(!tact_id_equal(&faster.claim, &slower.claim), "got one claim for two mails, want two");
	ck_assert_int_eq(slower.opinion.until_us - faster.opinion.until_us, 7 * DAY_US);
	bench_close();
}
END_TEST

static int64_t wake_of(const char *address)
{
	struct tact_store_key key = {.kind = TACT_STORE_DOSSIER, .id = bench_person(address).key};
	struct tact_record record;
	struct tact_store_answer answer;

	ck_assert_int_eq(tact_store_read(b.store, &key, 1, b.arena, &record, &answer, 0), TACT_OK);
	return record.wake_us;
}

static const struct tact_claim *claim_of(const char *address, const struct tact_ruling *ruling)
{
	struct tact_dossier *dossier = tact_arena_alloc(b.arena, sizeof *dossier);
	const struct tact_claim *claim;

	*dossier = bench_view(address);
	claim = tact_dossier_find_claim(dossier, &ruling->claim);
	ck_assert_ptr_nonnull(claim);
	return claim;
}

/* Its place lapsed, and who waited behind it moved up: not for ever, though its mail comes after all. */
START_TEST(test_late_mail_that_takes_its_planned_place_bumps_whom_it_moves)
{
	static const char p[] = "p@x.example";

	setup_on(_i);
	plan_for(p);
	struct tact_ruling low = send_to(b.decider, "a@leeds.example", "", p, NOW_US);
	want_fate(low, TACT_FATE_GATE, "behind");
	ck_assert_int_eq(wake_of(p), NOW_US + 8 * DAY_US);
	want_fate(
	    send_to(b.decider, "a@shop.example", "autumn", p, NOW_US + 2 * DAY_US), TACT_FATE_PASS, "late");
	ck_assert_int_eq(claim_of(p, &low)->bumps, 1);
	ck_assert_int_eq(wake_of(p), NOW_US + 9 * DAY_US);
	bench_close();
}
END_TEST

START_TEST(test_mail_in_time_moves_nobody_from_behind_its_place)
{
	static const char p[] = "p@x.example";

	setup_on(_i);
	plan_for(p);
	struct tact_ruling low = send_to(b.decider, "a@leeds.example", "", p, NOW_US);
	want_fate(
	    send_to(b.decider, "a@shop.example", "autumn", p, NOW_US + DAY_US), TACT_FATE_PASS, "in time");
	ck_assert_int_eq(claim_of(p, &low)->bumps, 0);
	ck_assert_int_eq(wake_of(p), NOW_US + 8 * DAY_US);
	bench_close();
}
END_TEST

START_TEST(test_who_waited_is_woken_when_the_place_is_free)
{
	setup_on(_i);
	struct tact_store_layout layout;
	int64_t next_us = 0;
	struct tact_error err = {""};

	plan_for("p@x.example");
	want_fate(send_to(b.decider, "a@leeds.example", "", "p@x.example", NOW_US), TACT_FATE_GATE, "behind");
	ck_assert_int_eq(wake_of("p@x.example"), NOW_US + 8 * DAY_US);
	do_deed("autumn", TACT_CAMPAIGN_CANCEL);
	ck_assert_int_eq(wake_of("p@x.example"), NOW_US + 8 * DAY_US);
	ck_assert_int_eq(tact_store_layout(b.store, &layout, &err), TACT_OK);
	ck_assert_int_eq(
	    tact_decide_rewake(b.decider, b.arena, &layout, 0, 0, 100, NOW_US + 60000000, &next_us, &err),
	    TACT_OK);
	ck_assert_int_eq(next_us, INT64_MAX);
	ck_assert_int_eq(wake_of("p@x.example"), NOW_US);
	want_fate(send_to(b.decider, "a@shop.example", "autumn", "q@x.example", NOW_US), TACT_FATE_REFUSE,
	    "mail of the cancelled campaign");
	bench_close();
}
END_TEST

START_TEST(test_claims_of_what_is_over_are_swept)
{
	setup_on(_i);
	struct tact_swept swept;
	struct tact_error err = {""};

	plan_for("p@x.example");
	do_deed("autumn", TACT_CAMPAIGN_FINISH);
	ck_assert_int_eq(tact_decide_sweep(b.decider, NOW_US + 1, NULL, NULL, NULL, &swept, &err), TACT_OK);
	ck_assert_int_eq(swept.trimmed, 1);
	struct tact_dossier dossier = bench_view("p@x.example");
	ck_assert_int_eq(dossier.claims[0].state, TACT_CLAIM_WITHDRAWN);
	ck_assert_int_eq(dossier.claims[0].done_us, NOW_US);
	ck_assert_int_eq(
	    tact_decide_sweep(b.decider, NOW_US + 12 * DAY_US, NULL, NULL, NULL, &swept, &err), TACT_OK);
	ck_assert_int_eq(bench_view("p@x.example").claims_count, 0);
	bench_close();
}
END_TEST

/* Of the four that were, as a letter each in this order. */
static const char *known(int64_t now_us)
{
	static const char *const names[] = {"autumn", "spring", "summer", "winter"};
	const struct tact_campaigns *campaigns;
	char *ret = tact_arena_strdup(b.arena, "----");

	tend(b.decider, now_us);
	campaigns = tact_decider_take_campaigns(b.decider, NULL);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct tact_campaign_view *view = tact_policy_find_campaign(campaigns, names[i]);

		if (view != NULL)
			ret[i] = view->hours_count > 0 ? 'c' : 'k';
	}
	tact_decider_put_campaigns(b.decider, campaigns);
	return ret;
}

static struct tact_swept sweep_at(int64_t now_us)
{
	struct tact_swept swept;
	struct tact_error err = {""};
	int got = tact_decide_sweep(b.decider, now_us, NULL, NULL, NULL, &swept, &err);

	ck_assert_msg(got == TACT_OK, "sweep: got %s (%s), want ok", tact_result_name(got), err.text);
	return swept;
}

START_TEST(test_what_was_over_long_ago_is_swept)
{
	setup_on(_i);

	plan_for("p@x.example");
	do_deed("autumn", TACT_CAMPAIGN_FINISH);
	for (int i = 0; i < 2; i++) {
		(void)send_to(b.decider, "a@shop.example", "spring",
		    tact_arena_printf(b.arena, "s%d@x.example", i), NOW_US);
		(void)send_to(b.decider, "a@shop.example", "summer",
		    tact_arena_printf(b.arena, "t%d@x.example", i), NOW_US);
	}
	(void)complain("t0@x.example", NULL);
	tend(b.decider, NOW_US);
	want_fate(send_to(b.decider, "a@shop.example", "summer", "u@x.example", NOW_US), TACT_FATE_REFUSE,
	    "stopped");
	do_deed("winter", TACT_CAMPAIGN_CANCEL);
	ck_assert_str_eq(known(NOW_US), "kcck");
	(void)sweep_at(NOW_US + 399 * DAY_US);
	ck_assert_str_eq(known(NOW_US), "kcck");
	ck_assert_int_eq(sweep_at(NOW_US + 430 * DAY_US).removed, 0);
	ck_assert_str_eq(known(NOW_US), "--kk");
	want_fate(send_to(b.decider, "a@shop.example", "summer", "v@x.example", NOW_US), TACT_FATE_REFUSE,
	    "stopped for good");
	want_fate(send_to(b.decider, "a@shop.example", "winter", "w@x.example", NOW_US), TACT_FATE_REFUSE,
	    "cancelled for good");
	want_fate(send_to(b.decider, "a@shop.example", "spring", "x@x.example", NOW_US), TACT_FATE_PASS,
	    "counted anew");
	ck_assert_str_eq(known(NOW_US), "-ckk");
	ck_assert_int_ge(sweep_at(tact_store_now_us(b.store) + 430 * DAY_US).removed, 2);
	ck_assert_str_eq(known(NOW_US), "--kk");
	bench_close();
}
END_TEST

/* ---- stopped ---- */

START_TEST(test_stopped_once_by_several)
{
	setup_on(_i);
	struct tact_decider *gate = decider_of("gate"), *smtp = decider_of("smtp");
	struct tact_error err = {""};

	changes = 0;
	for (int i = 0; i < 2; i++)
		(void)send_to(
		    gate, "a@shop.example", "spring", tact_arena_printf(b.arena, "p%d@x.example", i), NOW_US);
	(void)complain("p0@x.example", NULL);
	tend(gate, NOW_US);
	tend(smtp, NOW_US);
	want_fate(
	    send_to(gate, "a@shop.example", "spring", "q0@x.example", NOW_US), TACT_FATE_REFUSE, "gate's");
	want_fate(
	    send_to(smtp, "a@shop.example", "spring", "q1@x.example", NOW_US), TACT_FATE_REFUSE, "smtp's");
	tend(gate, NOW_US);
	tend(smtp, NOW_US);
	ck_assert_int_eq(changes, 1);
	ck_assert_int_eq(deed("spring", TACT_CAMPAIGN_RESUME, "", &err), TACT_REFUSED);
	ck_assert_int_eq(deed("spring", TACT_CAMPAIGN_RESUME, "a mistake", &err), TACT_OK);
	tend(gate, NOW_US);
	want_fate(
	    send_to(gate, "a@shop.example", "spring", "q2@x.example", NOW_US), TACT_FATE_PASS, "resumed");
	ck_assert_int_eq(changes, 1);
	tact_decider_free(&gate);
	tact_decider_free(&smtp);
	bench_close();
}
END_TEST

START_TEST(test_what_people_may_do)
{
	setup_on(_i);
	struct tact_error err = {""};

	ck_assert_int_eq(deed("spring", TACT_CAMPAIGN_RESUME, "why", &err), TACT_ABSENT);
	ck_assert_int_eq(deed("spring", TACT_CAMPAIGN_FINISH, "why", &err), TACT_ABSENT);
	do_deed("spring", TACT_CAMPAIGN_PAUSE);
	do_deed("SPRING", TACT_CAMPAIGN_PAUSE);
	do_deed("spring", TACT_CAMPAIGN_RESUME);
	ck_assert_int_eq(deed("spring", TACT_CAMPAIGN_RESUME, "another reason", &err), TACT_REFUSED);
	do_deed("spring", TACT_CAMPAIGN_CANCEL);
	ck_assert_int_eq(deed("spring", TACT_CAMPAIGN_PAUSE, "why", &err), TACT_REFUSED);
	ck_assert_int_eq(deed("spring", TACT_CAMPAIGN_FINISH, "why", &err), TACT_REFUSED);
	bench_close();
}
END_TEST

static bool count_entries(void *context, const char *host, uint64_t seq, const char *json, size_t length)
{
	size_t *counts = context;

	(void)host;
	(void)seq;
	(void)length;
	counts[0] += strstr(json, "\"action\":\"campaign-") != NULL;
	counts[1] += strstr(json, " by anna: why (known already)\"") != NULL;
	return true;
}

static void want_entries(const char *what, size_t all, size_t known)
{
	size_t counts[2] = {0, 0};

	ck_assert_int_eq(tact_audit_scan(bench_below("audit"), NULL, count_entries, counts, NULL), TACT_OK);
	ck_assert_msg(counts[0] == all && counts[1] == known,
	    "%s: got %zu entries, %zu known, want %zu and %zu", what, counts[0], counts[1], all, known);
}

START_TEST(test_a_deed_without_evidence_is_told_when_it_is_done_again)
{
	static const enum tact_campaign_deed deeds[] = {
	    TACT_CAMPAIGN_PAUSE, TACT_CAMPAIGN_RESUME, TACT_CAMPAIGN_CANCEL};
	struct tact_error err = {""};

	setup_on(_i);
	for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
		bench_use_audit(NULL);
		ck_assert_int_ne(deed("spring", deeds[i], "why", &err), TACT_OK);
		bench_use_audit(b.audit);
		ck_assert_int_eq(deed("spring", deeds[i], "why", &err), TACT_OK);
		want_entries("told", i + 1, i + 1);
	}
	ck_assert_int_eq(deed("spring", TACT_CAMPAIGN_CANCEL, "another reason", &err), TACT_OK);
	want_entries("nothing new", 3, 3);
	bench_close();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("campaigns");
	TCase *tcase = tcase_create("all");
	const int engines = (int)(sizeof urls / sizeof *urls);

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, test_writers_do_not_overwrite_each_other, 0, engines);
	tcase_add_loop_test(tcase, test_a_writer_goes_on_after_a_restart, 0, engines);
	tcase_add_loop_test(tcase, test_verbs_add_to_each_other, 0, engines);
	tcase_add_loop_test(tcase, test_a_retry_counts_once, 0, engines);
	tcase_add_loop_test(tcase, test_too_many_names_are_told, 0, 1);
	tcase_add_loop_test(tcase, test_what_is_taken_stays_as_it_is, 0, engines);
	tcase_add_loop_test(tcase, test_what_cannot_be_read_lets_nobody_of_a_campaign_pass, 0, engines);
	tcase_add_loop_test(tcase, test_counts_that_cannot_be_read_hold_up_no_others, 0, engines);
	tcase_add_loop_test(tcase, test_counts_that_cannot_be_read_stop_no_mail, 0, engines);
	tcase_add_loop_test(tcase, test_a_store_that_fails, 0, 1);
	tcase_add_loop_test(tcase, test_a_store_that_stalls_holds_up_no_mail, 0, engines);
	tcase_add_loop_test(tcase, test_a_plan_again_is_the_same_plan, 0, engines);
	tcase_add_loop_test(tcase, test_who_stands_twice_in_a_plan_is_one, 0, engines);
	tcase_add_loop_test(tcase, test_its_mail_takes_the_claim, 0, engines);
	tcase_add_loop_test(tcase, test_mail_that_waits_keeps_the_rank_of_its_plan, 0, engines);
	tcase_add_loop_test(tcase, test_who_loses_the_planned_claim_makes_one_of_his_own, 0, engines);
	tcase_add_loop_test(
	    tcase, test_late_mail_that_takes_its_planned_place_bumps_whom_it_moves, 0, engines);
	tcase_add_loop_test(tcase, test_mail_in_time_moves_nobody_from_behind_its_place, 0, engines);
	tcase_add_loop_test(tcase, test_who_waited_is_woken_when_the_place_is_free, 0, engines);
	tcase_add_loop_test(tcase, test_claims_of_what_is_over_are_swept, 0, engines);
	tcase_add_loop_test(tcase, test_what_was_over_long_ago_is_swept, 0, engines);
	tcase_add_loop_test(tcase, test_stopped_once_by_several, 0, engines);
	tcase_add_loop_test(tcase, test_what_people_may_do, 0, engines);
	tcase_add_loop_test(tcase, test_a_deed_without_evidence_is_told_when_it_is_done_again, 0, engines);
	suite_add_tcase(suite, tcase);
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

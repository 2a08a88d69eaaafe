/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Campaigns over a store of three parts, of which one does not answer, or hands over records to another while
 * they are read: what is not known lets nobody pass, and what is known goes on.
 */
#include <config.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "decide_help.h"

#define NOW_US (INT64_C(1795510800) * 1000000) /* 2026-11-24 09:00 UTC */
#define DAY_US (INT64_C(86400) * 1000000)
#define PARTS 3

static const char configuration[] =
    "listener \"smtp\" { socket = \"inet:8891@127.0.0.1\" }\n"
    "trusted { listeners = {\"smtp\"} }\n"
    "owner \"corporate\" { }\n"
    "stream \"shop\" { owner = \"corporate\" senders = {\"@shop.example\"} max_delay = 20d }\n"
    "stream \"desk\" { owner = \"corporate\" senders = {\"@desk.example\"} max_delay = 20d }\n"
    "stream \"odd\" { owner = \"corporate\" senders = {\"@odd.example\"} max_delay = 20d }\n"
    "suppression \"gone\" { action = reject }\n"
    "limit \"held\" { at_most = 0/1d streams = {\"odd\"} action = quarantine }\n"
    "breaker \"stop\" { complaints = \"20%\" at_least = 2 streams = {\"shop\"} }\n";

/* ---- a store of three parts ---- */

static struct {
	size_t parts;
	bool lost[PARTS];
	int64_t hang_ms;    /* so long one that is lost is waited for */
	bool mute;	    /* nobody tells where anything stands */
	uint8_t where[256]; /* the part in which what begins with this byte stands */
	int scans, move_at; /* parts scanned; when so many were, ids that begin with MOVED go to MOVE_TO */
	uint8_t moved, move_to;
	int64_t skip_ms; /* how much later it is than it is */
	/* What a part still has of a record that was moved away from it; bytes NULL: nothing */
	struct tact_store_key left_key;
	struct tact_record left;
	size_t left_in;
} world;

int64_t __real_tact_clock_monotonic_ms(void);
int64_t __wrap_tact_clock_monotonic_ms(void);
int __wrap_tact_store_layout(struct tact_store *store, struct tact_store_layout *ret, struct tact_error *err);
int __wrap_tact_store_scan_part(struct tact_store *store, const struct tact_store_layout *layout, size_t part,
    enum tact_store_kind kind, tact_store_scan_fn fn, void *context, struct tact_error *err);
int __wrap_tact_store_due_part(struct tact_store *store, const struct tact_store_layout *layout, size_t part,
    int64_t after_us, int64_t until_us, size_t limit, tact_store_scan_fn fn, void *context,
    struct tact_error *err);
int __real_tact_store_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms);
int __wrap_tact_store_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms);

int64_t __wrap_tact_clock_monotonic_ms(void)
{
	return __real_tact_clock_monotonic_ms() + world.skip_ms;
}

int __wrap_tact_store_layout(struct tact_store *store, struct tact_store_layout *ret, struct tact_error *err)
{
	(void)store;
	if (world.mute)
		return tact_error_set(err, TACT_UNAVAILABLE, "nobody answers");
	*ret = (struct tact_store_layout){.parts = world.parts};
	memcpy(ret->part_of, world.where, sizeof ret->part_of);
	for (size_t i = 0; i < world.parts; i++)
		ret->name[i] = (uint8_t)i;
	return TACT_OK;
}

struct filter {
	size_t part;
	tact_store_scan_fn fn;
	void *context;
};

static bool pass_those_of_the_part(
    void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	const struct filter *filter = context;

	return world.where[key->id.b[0]] != filter->part || filter->fn(filter->context, key, record);
}

/* A server tells what stands on it, whatever the caller believes. */
int __wrap_tact_store_scan_part(struct tact_store *store, const struct tact_store_layout *layout, size_t part,
    enum tact_store_kind kind, tact_store_scan_fn fn, void *context, struct tact_error *err)
{
	struct filter filter = {.part = layout->name[part], .fn = fn, .context = context};
	int result = tact_store_scan(store, kind, pass_those_of_the_part, &filter, err);

	if (world.left.bytes != NULL && filter.part == world.left_in)
		(void)fn(context, &world.left_key, &world.left);
	if (++world.scans == world.move_at)
		world.where[world.moved] = world.move_to;
	if (world.lost[filter.part])
		world.skip_ms += world.hang_ms;
	/* What was told by then is no answer. */
	return world.lost[filter.part]
		   ? tact_error_set(err, TACT_UNAVAILABLE, "part %zu is lost", filter.part)
		   : result;
}

int __wrap_tact_store_due_part(struct tact_store *store, const struct tact_store_layout *layout, size_t part,
    int64_t after_us, int64_t until_us, size_t limit, tact_store_scan_fn fn, void *context,
    struct tact_error *err)
{
	struct filter filter = {.part = layout->name[part], .fn = fn, .context = context};

	if (world.lost[filter.part])
		return tact_error_set(err, TACT_UNAVAILABLE, "part %zu is lost", filter.part);
	return tact_store_due(store, after_us, until_us, limit, pass_those_of_the_part, &filter, err);
}

struct one {
	tact_store_change_fn fn;
	void *context;
	size_t index;
};

static bool change_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	const struct one *one = context;

	(void)index;
	return one->fn(one->context, one->index, now, store_now_us, ret);
}

int __wrap_tact_store_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms)
{
	int worst = TACT_OK;

	for (size_t i = 0; i < count; i++) {
		struct one one = {.fn = fn, .context = context, .index = i};

		ret_answers[i] = (struct tact_store_answer){.result = TACT_UNAVAILABLE};
		if (!world.lost[world.where[keys[i].id.b[0]]])
			(void)__real_tact_store_update(
			    store, &keys[i], 1, change_one, &one, &ret_answers[i], deadline_ms);
		if (ret_answers[i].result < worst)
			worst = ret_answers[i].result;
	}
	return worst;
}

static void setup_of(size_t parts)
{
	memset(&world, 0, sizeof world);
	world.parts = parts;
	for (size_t i = 0; i < sizeof world.where; i++)
		world.where[i] = (uint8_t)(i % parts);
	bench_open("memory:", configuration);
}

static void setup(void)
{
	setup_of(PARTS);
}

/* ---- helpers ---- */

static size_t part_of(const struct tact_id *id)
{
	return world.where[id->b[0]];
}

static size_t part_of_campaign(const char *name)
{
	struct tact_id id = tact_dossier_campaign_id(name);

	return part_of(&id);
}

static size_t part_of_counts(const char *name, const char *writer)
{
	struct tact_id id = tact_dossier_campaign_count_id(name, writer);

	return part_of(&id);
}

static size_t part_of_person(const char *address)
{
	struct tact_recipient person = bench_person(address);

	return part_of(&person.key);
}

/* One whose record stands in part 0, what the relay counts of it in part 1, what people enter in part 2. */
static const char *campaign_in_parts(void)
{
	for (int i = 0;; i++) {
		const char *name = tact_arena_printf(b.arena, "spring%d", i);

		if (part_of_campaign(name) == 0 && part_of_counts(name, "relay/gate") == 1 &&
		    part_of_counts(name, "relay/tact") == 2)
			return name;
	}
}

static const char *campaign_of_part(size_t part)
{
	for (int i = 0;; i++) {
		const char *name = tact_arena_printf(b.arena, "autumn%d", i);

		if (part_of_campaign(name) == part)
			return name;
	}
}

static const char *person_in(size_t part)
{
	static int number;

	for (;;) {
		const char *address = tact_arena_printf(b.arena, "p%d@x.example", number++);

		if (part_of_person(address) == part)
			return address;
	}
}

static struct tact_decider *gate_decider(void)
{
	struct tact_decider *decider = tact_decider_new(&(struct tact_decider_parts){
	    .store = b.store, .audit = b.audit, .identity = &b.identity, .host = "relay", .writer = "gate"});

	tact_decider_set_rules(
	    decider, tact_arena_copy(b.arena, &b.config->rules, sizeof b.config->rules), NULL, NULL);
	return decider;
}

static int changes;

static void note_change(void *context, const struct tact_campaign *campaign)
{
	(void)context, (void)campaign;
	changes++;
}

/* As every second; whether all answered is told by what follows. */
static void tend(struct tact_decider *decider)
{
	(void)tact_decide_tend_campaigns(decider, NOW_US, note_change, NULL, NULL);
}

static void pass_seconds(struct tact_decider *decider, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		world.skip_ms += 1000;
		tend(decider);
	}
}

static struct tact_error said; /* about the latest mail */

static struct tact_message *message_of(const char *sender, const char *campaign)
{
	static int number;
	struct tact_envelope envelope = {.listener = "smtp", .smtp = true, .sender = sender};
	struct tact_message *message = tact_facts_new_message(b.arena, &envelope);

	tact_facts_add_header(
	    b.arena, message, "Message-ID", tact_arena_printf(b.arena, "<%d@shop.example>", ++number));
	tact_facts_add_header(b.arena, message, "From", sender);
	if (*campaign != '\0')
		tact_facts_add_header(
		    b.arena, message, "Feedback-ID", tact_arena_printf(b.arena, "%s:x:y:z", campaign));
	tact_facts_finish_message(b.arena, message, &b.config->profile);
	return message;
}

static void send_to(struct tact_decider *decider, const char *sender, const char *campaign,
    const struct tact_asked *asked, size_t count, struct tact_ruling *ret)
{
	struct tact_decide_request request = {
	    .message = message_of(sender, campaign), .asked = asked, .asked_count = count, .now_us = NOW_US};

	said = (struct tact_error){""};
	tact_decide_message(decider, b.arena, &request, ret, &said);
}

static struct tact_ruling send_as(
    struct tact_decider *decider, const char *sender, const char *campaign, const char *rcpt)
{
	struct tact_asked asked = {.given = rcpt};
	struct tact_ruling ruling = {0};

	send_to(decider, sender, campaign, &asked, 1, &ruling);
	return ruling;
}

static struct tact_ruling send(struct tact_decider *decider, const char *campaign)
{
	return send_as(decider, "a@shop.example", campaign, person_in(0));
}

/* Of no breaker's concern. */
static struct tact_ruling send_by_desk(struct tact_decider *decider, const char *campaign)
{
	return send_as(decider, "a@desk.example", campaign, person_in(0));
}

static void want_fate(struct tact_ruling got, enum tact_fate want, const char *what)
{
	ck_assert_msg(got.fate == want, "%s: got fate %d (%s; %s), want %d", what, (int)got.fate, got.text,
	    said.text, (int)want);
}

static void want_undecided(struct tact_ruling got, const char *why)
{
	want_fate(got, TACT_FATE_UNDECIDED, why);
	ck_assert_msg(strstr(said.text, why) != NULL, "for the log: got \"%s\", want \"%s\"", said.text, why);
}

static void complain(const char *address, const char *campaign)
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

	ck_assert_int_eq(
	    tact_decide_change(b.decider, b.arena, &recipient, &change, 1, NOW_US, 0, &changed, NULL),
	    TACT_OK);
}

static void complain_of(const char *campaign)
{
	complain(person_in(0), campaign);
}

static int deed(struct tact_decider *decider, const char *name, enum tact_campaign_deed what, const char *why,
    struct tact_error *err)
{
	struct tact_campaign campaign;
	bool changed;

	return tact_decide_campaign(
	    decider, b.arena, name, what, "anna", why, NOW_US, &campaign, &changed, err);
}

static void do_deed(struct tact_decider *decider, const char *name, enum tact_campaign_deed what)
{
	struct tact_error err = {""};
	int got = deed(decider, name, what, "why", &err);

	ck_assert_msg(got == TACT_OK, "deed: got %s (%s), want ok", tact_result_name(got), err.text);
}

/* ---- counts of which some are away ---- */

START_TEST(test_a_breaker_that_lacks_counts_lets_nobody_pass)
{
	static const char lacks[] = "a breaker wants its counts";
	setup();
	struct tact_decider *gate = gate_decider();
	const char *campaign = campaign_in_parts();

	tend(gate);
	want_fate(send(gate, campaign), TACT_FATE_PASS, "all are there");
	world.lost[1] = true;
	pass_seconds(gate, 28);
	want_fate(send(gate, campaign), TACT_FATE_PASS, "counts of a moment ago");
	pass_seconds(gate, 3);
	struct tact_ruling ruling = send(gate, campaign);
	want_fate(ruling, TACT_FATE_UNDECIDED, "no counts");
	ck_assert_str_eq(ruling.code, "4.3.0");
	ck_assert_msg(strstr(said.text, lacks) != NULL && strstr(said.text, campaign) != NULL,
	    "for the log: got \"%s\", want \"%s\" of %s", said.text, lacks, campaign);
	want_fate(send(gate, ""), TACT_FATE_PASS, "mail without a campaign");
	want_fate(send_as(gate, "a@desk.example", campaign, person_in(0)), TACT_FATE_PASS,
	    "mail that no breaker is for");
	want_fate(send_as(gate, "a@desk.example", "", person_in(2)), TACT_FATE_PASS, "another healthy part");
	world.lost[1] = false;
	pass_seconds(gate, 1);
	want_fate(send(gate, campaign), TACT_FATE_UNDECIDED, "others may not have written yet");
	pass_seconds(gate, 8);
	want_fate(send(gate, campaign), TACT_FATE_UNDECIDED, "nor now");
	pass_seconds(gate, 3);
	want_fate(send(gate, campaign), TACT_FATE_PASS, "all is known again");
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

/* Nobody reads anew at the moment from which on it is too old. */
START_TEST(test_what_grows_too_old_holds_up_no_other_mail)
{
	setup();
	struct tact_decider *gate = gate_decider();
	const char *campaign = campaign_in_parts(), *away = campaign_of_part(1);

	tend(gate);
	world.lost[1] = true;
	pass_seconds(gate, 28);
	world.skip_ms += 1500;
	tend(gate);
	want_fate(send(gate, campaign), TACT_FATE_PASS, "counts of a moment ago");
	want_fate(send_by_desk(gate, away), TACT_FATE_PASS, "a record of a moment ago");
	world.skip_ms += 600;
	want_fate(send_by_desk(gate, campaign), TACT_FATE_PASS, "mail that no breaker is for");
	want_undecided(send_by_desk(gate, away), "in which it stands does not answer");
	want_undecided(send(gate, campaign), "a breaker wants its counts");
	/* And when nobody can read anything any more, the other parts were read later. */
	world.mute = true;
	pass_seconds(gate, 28);
	want_fate(send_by_desk(gate, campaign), TACT_FATE_PASS, "read a moment ago");
	want_undecided(send_by_desk(gate, away), "in which it stands does not answer");
	pass_seconds(gate, 2);
	want_undecided(send_by_desk(gate, campaign), "campaigns cannot be read");
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

/* Who could read nothing does not know in which parts others counted meanwhile. */
START_TEST(test_counts_settle_after_nothing_could_be_read)
{
	setup();
	struct tact_decider *gate = gate_decider();
	const char *campaign = campaign_in_parts();

	tend(gate);
	world.mute = true;
	pass_seconds(gate, 60);
	world.mute = false;
	pass_seconds(gate, 1);
	want_fate(send_by_desk(gate, campaign), TACT_FATE_PASS, "mail that no breaker is for");
	want_undecided(send(gate, campaign), "a breaker wants its counts");
	pass_seconds(gate, 8);
	want_undecided(send(gate, campaign), "a breaker wants its counts");
	pass_seconds(gate, 3);
	want_fate(send(gate, campaign), TACT_FATE_PASS, "all is known again");
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

/* Nobody could count anything in it meanwhile. */
START_TEST(test_counts_of_a_single_part_are_whole_at_once)
{
	setup_of(1);
	struct tact_decider *gate = gate_decider();

	tend(gate);
	world.mute = true;
	pass_seconds(gate, 60);
	want_undecided(send(gate, "spring"), "campaigns cannot be read");
	world.mute = false;
	pass_seconds(gate, 1);
	want_fate(send(gate, "spring"), TACT_FATE_PASS, "it is there again");
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

/* A part that is slow now and then is no part that is away. */
START_TEST(test_counts_go_on_while_a_part_misses_a_reading_now_and_then)
{
	setup();
	struct tact_decider *gate = gate_decider();
	const char *campaign = campaign_in_parts();

	tend(gate);
	for (int i = 0; i < 60; i++) {
		world.lost[1] = i % 3 == 2;
		pass_seconds(gate, 1);
		want_fate(send(gate, campaign), TACT_FATE_PASS, "now and then");
	}
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

/* Seen without what was sent, one complaint would be all there is. */
START_TEST(test_no_rate_is_made_of_some_of_the_counts)
{
	setup();
	struct tact_decider *gate = gate_decider();
	const char *campaign = campaign_in_parts();

	changes = 0;
	for (int i = 0; i < 10; i++)
		want_fate(send(gate, campaign), TACT_FATE_PASS, "the campaign");
	pass_seconds(gate, 2);
	world.lost[1] = true; /* what was sent */
	for (int i = 0; i < 2; i++)
		complain_of(campaign);
	for (int i = 0; i < 40; i++) {
		struct tact_ruling ruling = send(gate, campaign);

		pass_seconds(gate, 1);
		ck_assert_msg(ruling.fate == TACT_FATE_PASS || ruling.fate == TACT_FATE_UNDECIDED,
		    "after %d s: got fate %d (%s)", i, (int)ruling.fate, ruling.text);
	}
	world.lost[1] = false;
	pass_seconds(gate, 12);
	want_fate(send(gate, campaign), TACT_FATE_PASS, "two of many are no reason");
	complain_of(campaign);
	for (int i = 0; i < 20; i++)
		complain_of(campaign);
	pass_seconds(gate, 2);
	want_fate(send(gate, campaign), TACT_FATE_REFUSE, "too many complained");
	pass_seconds(gate, 1);
	ck_assert_msg(changes == 1, "stopped: got %d times, want once", changes);
	world.lost[1] = true;
	pass_seconds(gate, 40);
	want_fate(send(gate, campaign), TACT_FATE_REFUSE, "what was stopped is known to be");
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

/* Who begins while a part is away has no earlier counts. */
START_TEST(test_who_begins_without_counts_has_none)
{
	setup();
	const char *campaign = campaign_in_parts();

	world.lost[2] = true;
	struct tact_decider *gate = gate_decider();
	tend(gate);
	want_fate(send(gate, campaign), TACT_FATE_UNDECIDED, "counts never seen");
	want_fate(
	    send_as(gate, "a@desk.example", campaign, person_in(0)), TACT_FATE_PASS, "no breaker is for it");
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

START_TEST(test_counts_are_written_past_a_part_that_is_away)
{
	setup();
	struct tact_decider *gate = gate_decider();
	struct tact_campaign_health sum = {0};
	int here = 0;

	/* More than are written at a time, each in a batch of its own part or not. */
	for (int i = 0; i < 300; i++) {
		const char *name = tact_arena_printf(b.arena, "c%d", i);

		if (part_of_counts(name, "relay/gate") != 1)
			here++;
		want_fate(send_as(gate, "a@desk.example", name, person_in(0)), TACT_FATE_PASS, "a mail");
	}
	world.lost[1] = true;
	tend(gate);
	world.lost[1] = false;
	const struct tact_campaigns *campaigns = tact_decider_take_campaigns(b.decider, NULL);
	ck_assert_ptr_nonnull(campaigns);
	for (size_t i = 0; i < campaigns->count; i++) {
		struct tact_campaign_health health;

		tact_policy_campaign_health(&campaigns->views[i], 0, NOW_US, &health);
		sum.sent += health.sent;
	}
	tact_decider_put_campaigns(gate, campaigns);
	ck_assert_msg(sum.sent == here, "written: got %d of 300, want %d", (int)sum.sent, here);
	ck_assert_int_gt(here, 100);
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

/* ---- what Postfix brings while a part is away ---- */

static struct tact_waiting look_at(struct tact_decider *decider, const struct tact_ruling *ruling)
{
	struct tact_waiting waiting = {.claim = ruling->claim, .given = ruling->given};

	tact_decide_look(decider, b.arena, &waiting, NOW_US, 0, NULL);
	waiting.look = TACT_LOOK_TAKE;
	return waiting;
}

static void take(struct tact_decider *decider, struct tact_waiting *waiting, size_t count)
{
	said = (struct tact_error){""};
	tact_decide_take(
	    decider, b.arena, message_of("a@desk.example", ""), NULL, NULL, waiting, count, NOW_US, 0, &said);
}

START_TEST(test_the_log_tells_whose_campaign_is_not_known)
{
	setup();
	struct tact_decider *gate = gate_decider();
	const char *known = campaign_of_part(0), *away = campaign_of_part(1);
	struct tact_waiting waiting[2];

	do_deed(b.decider, known, TACT_CAMPAIGN_PAUSE);
	do_deed(b.decider, away, TACT_CAMPAIGN_PAUSE);
	tend(gate);
	const struct tact_ruling first = send_by_desk(gate, away), second = send_by_desk(gate, known);
	want_fate(first, TACT_FATE_GATE, "one");
	want_fate(second, TACT_FATE_GATE, "the other");
	waiting[0] = look_at(gate, &first);
	waiting[1] = look_at(gate, &second);
	world.lost[1] = true;
	pass_seconds(gate, 31);
	take(gate, waiting, 2);
	ck_assert_int_eq(waiting[0].fate, TACT_FATE_UNDECIDED);
	ck_assert_int_eq(waiting[1].fate, TACT_FATE_GATE);
	ck_assert_msg(strstr(said.text, away) != NULL && strstr(said.text, "in which it stands") != NULL,
	    "got \"%s\", want the campaign and why", said.text);
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

START_TEST(test_a_promised_bounce_waits_for_no_campaign)
{
	setup();
	struct tact_decider *gate = gate_decider();
	const char *away = campaign_of_part(1);
	const struct tact_asked both[] = {{.given = person_in(0)}, {.given = person_in(0)}};
	struct tact_ruling rulings[2] = {0};

	tend(gate);
	complain(both[0].given, away);
	send_to(gate, "a@desk.example", away, both, 2, rulings);
	want_fate(rulings[0], TACT_FATE_REFUSE, "who complained");
	want_fate(rulings[1], TACT_FATE_PASS, "another");
	struct tact_waiting waiting = look_at(gate, &rulings[0]);
	world.lost[1] = true;
	pass_seconds(gate, 31);
	take(gate, &waiting, 1);
	ck_assert_msg(waiting.fate == TACT_FATE_REFUSE, "got fate %d (%s; %s), want %d", (int)waiting.fate,
	    waiting.text, said.text, (int)TACT_FATE_REFUSE);
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

static bool take_review(void *context, const struct tact_review *review)
{
	*(struct tact_id *)context = review->id;
	return true;
}

START_TEST(test_what_a_reviewer_discarded_waits_for_no_campaign)
{
	setup();
	struct tact_decider *gate = gate_decider();
	const char *away = campaign_of_part(1);
	struct tact_id review = {{0}};

	tend(gate);
	const struct tact_ruling ruling = send_as(gate, "a@odd.example", away, person_in(0));
	want_fate(ruling, TACT_FATE_REVIEW, "held");
	ck_assert_int_eq(tact_decide_list_reviews(gate, b.arena, take_review, &review, NULL), TACT_OK);
	ck_assert_int_eq(
	    tact_decide_end_review(gate, b.arena, &review, TACT_REVIEW_DISCARDED, "eve", "", NOW_US, NULL),
	    TACT_OK);
	struct tact_waiting waiting = look_at(gate, &ruling);
	world.lost[1] = true;
	pass_seconds(gate, 31);
	take(gate, &waiting, 1);
	ck_assert_msg(waiting.fate == TACT_FATE_REFUSE, "got fate %d (%s; %s), want %d", (int)waiting.fate,
	    waiting.text, said.text, (int)TACT_FATE_REFUSE);
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

/* ---- words of people while a part is away ---- */

START_TEST(test_a_pause_is_obeyed_at_once_while_another_part_is_away)
{
	setup();
	struct tact_decider *gate = gate_decider();
	const char *campaign = campaign_in_parts();

	tend(gate);
	want_fate(send(gate, campaign), TACT_FATE_PASS, "it runs");
	world.lost[2] = true;
	do_deed(b.decider, campaign, TACT_CAMPAIGN_PAUSE);
	pass_seconds(gate, 1);
	want_fate(send(gate, campaign), TACT_FATE_GATE, "it is paused");
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

/* Not at each reading do the others wait for one that hangs. */
START_TEST(test_a_part_that_hangs_is_left_alone_for_a_while)
{
	setup();
	struct tact_decider *gate = gate_decider();
	const char *campaign = campaign_in_parts();
	int64_t then_ms;

	tend(gate);
	world.lost[1] = true;
	world.hang_ms = 5000;
	pass_seconds(gate, 1);
	do_deed(b.decider, campaign, TACT_CAMPAIGN_PAUSE);
	then_ms = world.skip_ms;
	for (int i = 0; i < 4; i++) {
		pass_seconds(gate, 1);
		want_fate(send_by_desk(gate, campaign), TACT_FATE_GATE, "it is paused");
	}
	ck_assert_msg(world.skip_ms - then_ms == 4000, "waited for: got %d ms, want none",
	    (int)(world.skip_ms - then_ms - 4000));
	pass_seconds(gate, 2);
	ck_assert_msg(world.skip_ms - then_ms == 11000, "waited for again: got %d ms, want %d",
	    (int)(world.skip_ms - then_ms - 6000), (int)world.hang_ms);
	do_deed(b.decider, campaign, TACT_CAMPAIGN_RESUME);
	world.lost[1] = false;
	pass_seconds(gate, 17);
	want_fate(send(gate, campaign), TACT_FATE_PASS, "all is known again");
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

START_TEST(test_a_pause_is_obeyed_while_its_own_part_is_away)
{
	setup();
	struct tact_decider *gate = gate_decider();
	const char *campaign = campaign_in_parts();

	do_deed(b.decider, campaign, TACT_CAMPAIGN_PAUSE);
	tend(gate);
	world.lost[0] = true;
	pass_seconds(gate, 10);
	want_fate(send_as(gate, "a@desk.example", campaign, person_in(1)), TACT_FATE_GATE, "paused, as read");
	pass_seconds(gate, 21);
	want_fate(send_as(gate, "a@desk.example", campaign, person_in(1)), TACT_FATE_UNDECIDED,
	    "read too long ago");
	ck_assert_msg(
	    strstr(said.text, "in which it stands does not answer") != NULL, "got \"%s\"", said.text);
	tact_decider_free(&gate);
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

static int rewake(struct tact_decider *decider, size_t part)
{
	struct tact_store_layout layout;
	int64_t next_us;

	ck_assert_int_eq(tact_decide_layout(decider, &layout, NULL), TACT_OK);
	return tact_decide_rewake(decider, b.arena, &layout, part, 0, 100, NOW_US + 1, &next_us, NULL);
}

START_TEST(test_a_resume_wakes_those_whose_part_is_there)
{
	setup();
	struct tact_decider *gate = gate_decider();
	const char *campaign = campaign_in_parts(), *here = person_in(0), *away = person_in(2);
	uint64_t mark;

	do_deed(b.decider, campaign, TACT_CAMPAIGN_PAUSE);
	tend(gate);
	want_fate(send_as(gate, "a@desk.example", campaign, here), TACT_FATE_GATE, "here");
	want_fate(send_as(gate, "a@desk.example", campaign, away), TACT_FATE_GATE, "away");
	ck_assert_int_eq(wake_of(here), NOW_US + 20 * DAY_US);
	ck_assert_int_eq(wake_of(away), NOW_US + 20 * DAY_US);
	mark = tact_decide_campaigns_mark(gate);
	world.lost[2] = true;
	pass_seconds(gate, 1);
	ck_assert(tact_decide_campaigns_mark(gate) == mark); /* nothing happened but that */
	do_deed(b.decider, campaign, TACT_CAMPAIGN_RESUME);
	pass_seconds(gate, 1);
	ck_assert(tact_decide_campaigns_mark(gate) != mark);
	ck_assert_int_eq(rewake(gate, 0), TACT_OK);
	ck_assert_int_eq(rewake(gate, 2), TACT_UNAVAILABLE);
	ck_assert_int_eq(wake_of(here), NOW_US);
	ck_assert_int_eq(wake_of(away), NOW_US + 20 * DAY_US);
	world.lost[2] = false;
	pass_seconds(gate, 1);
	ck_assert_int_eq(rewake(gate, 2), TACT_OK);
	ck_assert_int_eq(wake_of(away), NOW_US);
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

/* Meanwhile places may have been given as if it were not known who holds them. */
START_TEST(test_what_was_not_known_is_looked_at_again_when_it_is)
{
	setup();
	struct tact_decider *gate = gate_decider();
	uint64_t mark;

	do_deed(b.decider, campaign_in_parts(), TACT_CAMPAIGN_PAUSE);
	tend(gate);
	mark = tact_decide_campaigns_mark(gate);
	world.lost[0] = true;
	pass_seconds(gate, 40);
	ck_assert(tact_decide_campaigns_mark(gate) == mark);
	world.lost[0] = false;
	pass_seconds(gate, 1);
	ck_assert(tact_decide_campaigns_mark(gate) != mark);
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

START_TEST(test_what_was_stopped_is_not_resumed_without_counts)
{
	setup();
	struct tact_decider *gate = gate_decider();
	const char *campaign = campaign_in_parts();
	struct tact_error err = {""};

	for (int i = 0; i < 4; i++)
		(void)send(gate, campaign);
	complain_of(campaign);
	pass_seconds(gate, 2);
	want_fate(send(gate, campaign), TACT_FATE_REFUSE, "stopped");
	pass_seconds(gate, 1);
	world.lost[1] = true;
	ck_assert_int_eq(deed(b.decider, campaign, TACT_CAMPAIGN_RESUME, "why", &err), TACT_UNAVAILABLE);
	ck_assert_msg(strstr(err.text, "cannot be read now") != NULL, "got \"%s\"", err.text);
	world.lost[1] = false;
	world.skip_ms += 6000; /* others have not written yet */
	ck_assert_int_eq(deed(b.decider, campaign, TACT_CAMPAIGN_RESUME, "why", &err), TACT_UNAVAILABLE);
	world.skip_ms += 10000;
	do_deed(b.decider, campaign, TACT_CAMPAIGN_RESUME);
	pass_seconds(gate, 1);
	want_fate(send(gate, campaign), TACT_FATE_PASS, "resumed");
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

/* ---- records that move ---- */

/* From a part that is still to be read to one that was: it would be met in neither. */
START_TEST(test_a_record_that_moves_while_it_is_read_is_not_overlooked)
{
	setup();
	const char *campaign = campaign_in_parts();
	struct tact_id id = tact_dossier_campaign_id(campaign);

	world.where[id.b[0]] = 2;
	do_deed(b.decider, campaign, TACT_CAMPAIGN_PAUSE);
	struct tact_decider *gate = gate_decider();
	world.moved = id.b[0];
	world.move_to = 0;
	world.move_at = world.scans + 1;
	want_fate(send_as(gate, "a@desk.example", campaign, person_in(1)), TACT_FATE_GATE, "it is paused");
	ck_assert_int_eq(part_of(&id), 0); /* it did move */
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

/* It is copied, then asked for at its new place, and taken away at the old one at last. */
START_TEST(test_what_a_record_left_behind_where_it_was_moved_from_is_not_it)
{
	setup();
	const char *campaign = campaign_in_parts();
	struct tact_id id = tact_dossier_campaign_id(campaign);
	struct tact_store_answer answer;

	world.left_in = _i == 0 ? 0 : 2;
	world.where[id.b[0]] = (uint8_t)(2 - world.left_in);
	do_deed(b.decider, campaign, TACT_CAMPAIGN_PAUSE);
	do_deed(b.decider, campaign, TACT_CAMPAIGN_RESUME);
	world.left_key = (struct tact_store_key){.kind = TACT_STORE_CAMPAIGN, .id = id};
	ck_assert_int_eq(
	    tact_store_read(b.store, &world.left_key, 1, b.arena, &world.left, &answer, 0), TACT_OK);
	do_deed(b.decider, campaign, TACT_CAMPAIGN_PAUSE);
	struct tact_decider *gate = gate_decider();
	want_fate(send_as(gate, "a@desk.example", campaign, person_in(1)), TACT_FATE_GATE, "it is paused");
	const struct tact_campaigns *campaigns = tact_decider_take_campaigns(gate, NULL);
	ck_assert_uint_eq(campaigns->count, 1);
	tact_decider_put_campaigns(gate, campaigns);
	tact_decider_free(&gate);
	bench_close();
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("campaigns in parts");
	TCase *tcase = tcase_create("all");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, test_a_breaker_that_lacks_counts_lets_nobody_pass);
	tcase_add_test(tcase, test_what_grows_too_old_holds_up_no_other_mail);
	tcase_add_test(tcase, test_counts_settle_after_nothing_could_be_read);
	tcase_add_test(tcase, test_counts_of_a_single_part_are_whole_at_once);
	tcase_add_test(tcase, test_counts_go_on_while_a_part_misses_a_reading_now_and_then);
	tcase_add_test(tcase, test_no_rate_is_made_of_some_of_the_counts);
	tcase_add_test(tcase, test_who_begins_without_counts_has_none);
	tcase_add_test(tcase, test_counts_are_written_past_a_part_that_is_away);
	tcase_add_test(tcase, test_the_log_tells_whose_campaign_is_not_known);
	tcase_add_test(tcase, test_a_promised_bounce_waits_for_no_campaign);
	tcase_add_test(tcase, test_what_a_reviewer_discarded_waits_for_no_campaign);
	tcase_add_test(tcase, test_a_pause_is_obeyed_at_once_while_another_part_is_away);
	tcase_add_test(tcase, test_a_part_that_hangs_is_left_alone_for_a_while);
	tcase_add_test(tcase, test_a_pause_is_obeyed_while_its_own_part_is_away);
	tcase_add_test(tcase, test_a_resume_wakes_those_whose_part_is_there);
	tcase_add_test(tcase, test_what_was_not_known_is_looked_at_again_when_it_is);
	tcase_add_test(tcase, test_what_was_stopped_is_not_resumed_without_counts);
	tcase_add_test(tcase, test_a_record_that_moves_while_it_is_read_is_not_overlooked);
	tcase_add_loop_test(tcase, test_what_a_record_left_behind_where_it_was_moved_from_is_not_it, 0, 2);
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

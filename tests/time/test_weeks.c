/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Simulated weeks: mails come at random, are decided in a loop with an advancing clock, wait, are rung, come
 * late or never, and are bumped. The oracle counts only what was accepted. No store, no Postfix: the rules
 * and time alone.
 */
#include <config.h>

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../policy/oracle.h"
#include "../policy/wake.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (3600 * SECOND_US)
#define DAY_US (24 * HOUR_US)

/* One recipient, and the house around him. */
struct house {
	uint64_t seed;
	struct tact_arena *arena, *scratch;
	struct tact_rule_set set;
	struct tact_dossier dossier;
	int64_t now_us;
	int64_t max_delay_us;
	size_t made, accepted, refused, lost, bumped;
	unsigned serial;
};

static int64_t below(struct house *house, int64_t limit)
{
	return oracle_below(&house->seed, limit);
}

static int64_t at(const char *text)
{
	int64_t time_us;

	ck_assert_int_eq(tact_text_parse_time(text, &time_us, NULL), TACT_OK);
	return time_us;
}

static void open_house(
    struct house *house, const char *test, const struct tact_rule *rules, size_t count, const char *start)
{
	*house = (struct house){.seed = oracle_seed(test)};
	house->arena = tact_arena_new();
	house->scratch = tact_arena_new();
	house->set = (struct tact_rule_set){.rules = rules, .rules_count = count};
	tact_dossier_init(&house->dossier);
	house->now_us = at(start);
	house->max_delay_us = 30 * DAY_US;
}

static void close_house(struct house *house)
{
	printf("\t%zu mails: %zu accepted, %zu refused, %zu never fetched, %zu moved by others\n",
	    house->made, house->accepted, house->refused, house->lost, house->bumped);
	tact_arena_free(&house->arena);
	tact_arena_free(&house->scratch);
}

/* ---- the house ---------------------------------------------------------------------------------- */

/* What is accepted must fit beside all that was accepted before, whatever the policy thinks. */
static void check_fits(const struct house *house, const struct tact_facts *facts)
{
	for (size_t i = 0; i < house->set.rules_count; i++) {
		struct oracle oracle = {&house->set.rules[i].limit, facts, house->dossier.contacts,
		    house->dossier.contacts_count, NULL, 0, house->dossier.history_since_us};

		ck_assert_msg(oracle_fits(&oracle, house->now_us), "%s: accepted one too many at %s",
		    house->set.rules[i].name, tact_text_format_time(house->arena, house->now_us));
	}
}

static void accept(struct house *house, const struct tact_facts *facts)
{
	check_fits(house, facts);
	*TACT_PUSH(house->arena, house->dossier.contacts, house->dossier.contacts_count) =
	    (struct tact_contact){.time_us = house->now_us,
		.count = 1,
		.channel = facts->channel,
		.purpose = facts->purpose,
		.stream = facts->stream,
		.owner = facts->owner,
		.brand = facts->brand,
		.campaign = facts->campaign,
		.offer = facts->offer,
		.list = facts->list,
		.counts = facts->counts};
	house->accepted++;
}

static struct tact_opinion ask(
    struct house *house, const struct tact_facts *facts, const struct tact_id *claim, int64_t made_us)
{
	struct tact_question question = {.rules = &house->set,
	    .facts = facts,
	    .dossier = &house->dossier,
	    .now_us = house->now_us,
	    .made_us = made_us,
	    .not_after_us = made_us + house->max_delay_us,
	    .claim = *claim};
	struct tact_opinion opinion;

	tact_arena_reset(house->scratch);
	tact_policy_ask(house->scratch, &question, &opinion);
	return opinion;
}

static void mail(struct house *house, const struct tact_facts *facts)
{
	struct tact_id id = {{0}};
	struct tact_opinion opinion;

	house->serial++;
	for (int i = 0; i < 8; i++)
		id.b[i] = (uint8_t)below(house, 256);
	memcpy(id.b + 12, &house->serial, sizeof house->serial);
	house->made++;
	opinion = ask(house, facts, &id, house->now_us);
	if (opinion.verdict == TACT_ACCEPT) {
		accept(house, facts);
	} else if (opinion.verdict == TACT_REJECT) {
		house->refused++;
	} else {
		*TACT_PUSH(house->arena, house->dossier.claims, house->dossier.claims_count) =
		    (struct tact_claim){.id = id,
			.priority = facts->priority,
			.made_us = house->now_us,
			.not_after_us = house->now_us + house->max_delay_us,
			.facts = *facts,
			.relay = "",
			.ring = "s1",
			.text = "",
			.code = ""};
		ck_assert_int_gt(opinion.until_us, house->now_us);
	}
}

/* The gate asks for one claim. */
static void fetch(struct house *house, struct tact_claim *claim, int64_t place_us)
{
	struct tact_opinion opinion = ask(house, &claim->facts, &claim->id, claim->made_us);

	if (opinion.verdict == TACT_ACCEPT) {
		ck_assert_int_ge(house->now_us, place_us);
		claim->state = TACT_CLAIM_PASSED;
		accept(house, &claim->facts);
	} else if (opinion.verdict == TACT_REJECT) {
		claim->state = TACT_CLAIM_REFUSED;
		claim->done_us = house->now_us;
		house->refused++;
	} else {
		ck_assert_int_gt(opinion.until_us, house->now_us);
		if (place_us > house->now_us)
			ck_assert_int_eq(opinion.until_us, place_us);
		else
			house->bumped++;
	}
}

/* Rings what is due; one in twenty is never fetched; now and then Postfix comes too early of its own. */
static void ring(struct house *house)
{
	struct tact_dossier *dossier = &house->dossier;
	int64_t *places = tact_calloc(dossier->claims_count + 1, sizeof *places);

	for (size_t i = 0; i < dossier->claims_count; i++) {
		struct tact_claim *claim = &dossier->claims[i];

		if (claim->state != TACT_CLAIM_WAITING)
			continue;
		tact_arena_reset(house->scratch);
		tact_policy_places(house->scratch, &house->set, NULL, dossier, house->now_us, places);
		if (places[i] == 0) {
			claim->state = TACT_CLAIM_WITHDRAWN;
			claim->done_us = house->now_us;
			house->lost++;
		} else if (places[i] == INT64_MAX) {
			fetch(house, claim, places[i]);
			ck_assert_int_eq(claim->state, TACT_CLAIM_REFUSED);
		} else if (places[i] <= house->now_us ? claim->id.b[0] % 20 != 0 : below(house, 20) == 0) {
			fetch(house, claim, places[i]);
		}
	}
	free(places);
}

static bool anybody_waits(const struct house *house)
{
	for (size_t i = 0; i < house->dossier.claims_count; i++)
		if (house->dossier.claims[i].state == TACT_CLAIM_WAITING)
			return true;
	return false;
}

/* Goes to the next moment: a mail, or a ring some seconds late, or an hour past the last look. */
static void advance(struct house *house, int64_t next_mail_us)
{
	int64_t wake_us, next_us = next_mail_us;

	tact_arena_reset(house->scratch);
	wake_us = wake_of(house->scratch, &house->set, NULL, &house->dossier, house->now_us);
	if (wake_us > 0 && wake_us < house->now_us)
		wake_us = house->now_us + 59 * MINUTE_US;
	if (wake_us > 0 && wake_us < next_us)
		next_us = wake_us + below(house, 3) * below(house, 20) * SECOND_US + below(house, 2);
	house->now_us = next_us > house->now_us ? next_us : house->now_us + 1;
}

struct plan {
	const struct tact_facts *facts; /* one of these each time */
	size_t facts_count;
	int64_t pause_us; /* on average */
	const char *end;
	int64_t set_back_us; /* once, half way, the clock is put back by this */
};

static void run(struct house *house, const struct plan *plan)
{
	int64_t end_us = at(plan->end), half_us = house->now_us + (end_us - house->now_us) / 2;
	int64_t mail_us = house->now_us, set_back_us = plan->set_back_us;

	while (mail_us < end_us || anybody_waits(house)) {
		advance(house, mail_us < end_us ? mail_us : house->now_us + 59 * MINUTE_US);
		if (set_back_us > 0 && house->now_us > half_us) {
			house->now_us -= set_back_us;
			mail_us -= set_back_us;
			set_back_us = 0;
		}
		ring(house);
		if (mail_us > house->now_us || mail_us >= end_us)
			continue;
		mail(house, &plan->facts[below(house, (int64_t)plan->facts_count)]);
		mail_us = house->now_us + below(house, 2 * plan->pause_us);
		/* Whole hours meet. */
		if (below(house, 2) == 0)
			mail_us -= mail_us % HOUR_US;
	}
}

/* Over everything accepted no window and no period holds more than the limit, whoever looks. */
static void check_windows(const struct house *house)
{
	for (size_t i = 0; i < house->set.rules_count; i++) {
		const struct tact_limit *limit = &house->set.rules[i].limit;
		int64_t most;

		if (limit->by != TACT_BY_ANY || limit->same != TACT_SAME_NONE)
			continue;
		most = oracle_fullest(limit, house->dossier.contacts, house->dossier.contacts_count);
		printf("\t%s: fullest %g of %g\n", house->set.rules[i].name, (double)most / 1000,
		    (double)limit->at_most_milli / 1000);
		ck_assert_int_le(most, limit->at_most_milli);
	}
}

/* ---- scenarios ---------------------------------------------------------------------------------- */

static struct tact_rule sliding(const char *name, int64_t most, int64_t window_s)
{
	struct tact_rule rule = {.name = name, .kind = TACT_RULE_LIMIT, .action = TACT_DELAY};

	rule.limit.at_most_milli = most * 1000;
	rule.limit.window_s = window_s;
	rule.limit.window = name;
	for (int i = 0; i < TACT_CHANNELS; i++)
		rule.limit.weight_milli[i] = 1000;
	return rule;
}

static struct tact_rule calendar(
    const char *name, int64_t most, enum tact_period period, const struct tact_zone *zone)
{
	struct tact_rule rule = sliding(name, most, 0);

	rule.limit.period = period;
	rule.limit.zone = zone;
	return rule;
}

#define FACTS(owner_, purpose_, priority_)                                                                   \
	{                                                                                                    \
		.stream = owner_, .owner = owner_, .brand = "alpha", .campaign = "", .offer = "",            \
		.list = "", .purpose = purpose_, .priority = priority_, .counts = true                       \
	}

static const struct tact_facts desks[] = {
    FACTS("corporate", TACT_NEWSLETTER, 200),
    FACTS("leeds", TACT_PROMOTIONAL, 100),
    FACTS("sales", TACT_PROMOTIONAL, 100),
    FACTS("robot", TACT_OCCASION, 300),
};
#define DESKS (sizeof desks / sizeof desks[0])

START_TEST(four_a_week_through_half_a_year)
{
	const struct tact_rule rules[] = {sliding("weekly", 4, 7 * 86400)};
	const struct plan plan = {desks, DESKS, 20 * HOUR_US, "2026-07-01", 0};
	struct house house;

	open_house(&house, "weekly", rules, 1, "2026-01-01");
	run(&house, &plan);
	check_windows(&house);
	/* 26 weeks of more mail than there is room for: nearly all of the room is used. */
	ck_assert_int_ge((int64_t)house.accepted, 90);
	close_house(&house);
}
END_TEST

START_TEST(three_rules_and_desks_of_different_rank)
{
	struct tact_rule rules[] = {sliding("daily", 1, 86400), sliding("weekly", 3, 7 * 86400),
	    sliding("breathing", 1, 20 * 3600), sliding("own", 2, 10 * 86400)};
	const struct plan plan = {desks, DESKS, 18 * HOUR_US, "2026-06-01", 0};
	struct house house;

	rules[2].limit.by = TACT_BY_OTHER_OWNER;
	rules[3].limit.by = TACT_BY_SAME_OWNER;
	open_house(&house, "ranks", rules, 4, "2026-01-01");
	house.set.release_spread_s = 900;
	run(&house, &plan);
	check_windows(&house);
	ck_assert_int_gt((int64_t)house.accepted, 30);
	close_house(&house);
}
END_TEST

START_TEST(days_over_both_changes_of_the_clocks)
{
	static const char *const zones[] = {
	    "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo"};

	for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
		struct tact_zone *zone = tact_zone_open(zones[i]);
		const struct tact_rule rules[] = {
		    calendar("day", 2, TACT_DAY, zone), calendar("week", 9, TACT_WEEK, zone)};
		const struct plan spring = {desks, DESKS, 4 * HOUR_US, "2026-04-20", 0};
		const struct plan autumn = {desks, DESKS, 4 * HOUR_US, "2026-11-15", 0};
		struct house house;

		ck_assert_ptr_nonnull(zone);
		open_house(&house, zones[i], rules, 2, "2026-03-01");
		house.max_delay_us = 4 * DAY_US;
		run(&house, &spring);
		check_windows(&house);
		close_house(&house);
		open_house(&house, zones[i], rules, 2, "2026-09-20");
		house.max_delay_us = 4 * DAY_US;
		run(&house, &autumn);
		check_windows(&house);
		close_house(&house);
		tact_zone_free(&zone);
	}
}
END_TEST

START_TEST(months_quarters_and_years)
{
	struct tact_zone *zone = tact_zone_open("Pacific/Auckland");
	const struct tact_rule rules[] = {calendar("month", 5, TACT_MONTH, zone),
	    calendar("quarter", 12, TACT_QUARTER, zone), calendar("year", 40, TACT_YEAR, zone),
	    sliding("fortnight", 4, 14 * 86400)};
	/* Over a leap day. */
	const struct plan plan = {desks, DESKS, 3 * DAY_US, "2028-07-01", 0};
	struct house house;

	open_house(&house, "months", rules, 4, "2026-11-01");
	house.max_delay_us = 100 * DAY_US;
	run(&house, &plan);
	check_windows(&house);
	ck_assert_int_gt((int64_t)house.accepted, 60);
	close_house(&house);
	tact_zone_free(&zone);
}
END_TEST

START_TEST(weights_and_short_windows)
{
	static const struct tact_facts channels[] = {
	    FACTS("leeds", TACT_PROMOTIONAL, 100),
	    {.stream = "s",
		.owner = "sms",
		.brand = "",
		.campaign = "",
		.offer = "",
		.list = "",
		.channel = TACT_SMS,
		.priority = 50,
		.counts = true},
	};
	struct tact_rule rules[] = {sliding("half-hour", 2, 1800), sliding("day", 6, 86400)};
	const struct plan plan = {channels, 2, 40 * MINUTE_US, "2026-02-01", 0};
	struct house house;

	rules[0].limit.weight_milli[TACT_SMS] = 1500;
	rules[1].limit.weight_milli[TACT_SMS] = 500;
	open_house(&house, "weights", rules, 2, "2026-01-01");
	house.max_delay_us = 12 * HOUR_US;
	run(&house, &plan);
	check_windows(&house);
	close_house(&house);
}
END_TEST

START_TEST(a_clock_that_is_put_back_an_hour)
{
	const struct tact_rule rules[] = {sliding("hourly", 1, 3600), sliding("weekly", 30, 7 * 86400)};
	const struct plan plan = {desks, DESKS, 50 * MINUTE_US, "2026-02-01", HOUR_US};
	struct house house;

	open_house(&house, "clock", rules, 2, "2026-01-01");
	house.max_delay_us = 2 * DAY_US;
	run(&house, &plan);
	check_windows(&house);
	close_house(&house);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("simulated weeks");
	TCase *tcase = tcase_create("weeks");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, four_a_week_through_half_a_year);
	tcase_add_test(tcase, three_rules_and_desks_of_different_rank);
	tcase_add_test(tcase, days_over_both_changes_of_the_clocks);
	tcase_add_test(tcase, months_quarters_and_years);
	tcase_add_test(tcase, weights_and_short_windows);
	tcase_add_test(tcase, a_clock_that_is_put_back_an_hour);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

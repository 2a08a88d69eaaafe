/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Properties of the rules that ask who the recipient is and when: quiet hours, occasions, permissions. Each
 * is held against what its words say, asked minute by minute of the clocks that hang there.
 */
#include <config.h>

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define DAY_US (86400 * SECOND_US)
#define HOURS_MAX 4
#define DATES_MAX 6
#define CONSENTS_MAX 8

static const char *const zone_names[] = {"Europe/London", "America/Los_Angeles", "Pacific/Kiritimati",
    "Asia/Beirut", "Australia/Lord_Howe", "America/St_Johns", "Africa/Casablanca", "Asia/Kolkata", "UTC", ""};
#define ZONES (sizeof zone_names / sizeof *zone_names)

struct hours {
	unsigned days;
	int from, to; /* minutes of the day */
};

struct world {
	uint64_t seed;
	struct tact_arena *arena;
	struct tact_rule rule;
	struct tact_rule_set set;
	struct tact_dossier dossier;
	struct tact_facts facts;
	const struct tact_zone *zone; /* where the person is */
	struct hours hours[HOURS_MAX];
	size_t hours_count;
	struct tact_date dates[DATES_MAX];
	struct tact_occasion occasion;
	struct tact_claim claim;
	struct tact_consent consents[CONSENTS_MAX];
};

static int64_t below(struct world *world, int64_t limit)
{
	return oracle_below(&world->seed, limit);
}

static void open_world(struct world *world)
{
	const char *name = zone_names[below(world, ZONES)];
	const struct tact_zone *otherwise = tact_zone_find("Asia/Tokyo");

	world->arena = tact_arena_new();
	tact_dossier_init(&world->dossier);
	world->dossier.profile.zone = name;
	world->zone = *name == '\0' ? otherwise : tact_zone_find(name);
	ck_assert_ptr_nonnull(world->zone);
	world->facts = (struct tact_facts){.stream = "",
	    .owner = "",
	    .brand = "",
	    .campaign = "",
	    .offer = "",
	    .list = "",
	    .occasion = "birthday",
	    .purpose = TACT_OCCASION};
	world->rule = (struct tact_rule){.name = "r",
	    .action = TACT_DELAY,
	    .quiet_hours = {.zone = otherwise},
	    .occasion = {.zone = otherwise},
	    .consent = {.zone = world->zone}};
	world->set = (struct tact_rule_set){.rules = &world->rule, .rules_count = 1};
}

static void close_world(struct world *world)
{
	tact_arena_free(&world->arena);
}

/* Often beside a change of the clocks, often on a whole minute. */
static int64_t random_time(struct world *world)
{
	int64_t time_s = INT64_C(1104537600) + below(world, 86400 * 365) * 85, end_s; /* 2005 to 2090 */
	static const int64_t beside_us[] = {-DAY_US, -MINUTE_US, -1, 0, 1, SECOND_US - 1, 3599 * SECOND_US};

	if (below(world, 2) == 0)
		(void)tact_zone_offset(world->zone, time_s, time_s + INT64_C(86400) * 365, &end_s);
	else
		end_s = time_s - time_s % 60;
	if (below(world, 3) == 0)
		return end_s * SECOND_US + below(world, 2 * DAY_US) - DAY_US;
	return end_s * SECOND_US + beside_us[below(world, 7)];
}

static int64_t floor_s(int64_t t_us)
{
	return t_us / SECOND_US - (t_us % SECOND_US < 0);
}

static int64_t earliest(const struct world *world, int64_t t_us)
{
	return tact_policy_earliest(&world->rule, &world->facts, &world->dossier, NULL, NULL, 0, t_us);
}

/* ---- quiet hours -------------------------------------------------------------------------------- */

static void random_hours(struct world *world, struct tact_span **spans, size_t *count)
{
	static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

	world->hours_count = (size_t)below(world, HOURS_MAX + 1);
	for (size_t i = 0; i < world->hours_count; i++) {
		struct hours *hours = &world->hours[i];
		int day = (int)below(world, 7);
		bool daily = below(world, 2) == 0;
		char text[32];

		hours->days = daily ? 0x7f : 1U << day;
		hours->from = (int)below(world, 1440);
		hours->to = (hours->from + 1 + (int)below(world, 700)) % 1440;
		(void)snprintf(text, sizeof text, "%s%s%02d:%02d-%02d:%02d", daily ? "" : days[day],
		    daily ? "" : " ", hours->from / 60, hours->from % 60, hours->to / 60, hours->to % 60);
		ck_assert_msg(
		    tact_policy_parse_hours(world->arena, text, spans, count, NULL) == TACT_OK, "%s", text);
	}
}

static void random_quiet(struct world *world, int64_t near_us)
{
	struct tact_quiet_hours *quiet = &world->rule.quiet_hours;
	struct tact_span *spans = NULL;
	size_t count = 0;

	world->rule.kind = TACT_RULE_QUIET_HOURS;
	random_hours(world, &spans, &count);
	quiet->days = (unsigned)below(world, 4) == 0 ? 1U << below(world, 7) | 1U << below(world, 7) : 0;
	for (int day = 0; day < 7; day++)
		if (quiet->days >> day & 1)
			*TACT_PUSH(world->arena, spans, count) =
			    (struct tact_span){day * 1440, day * 1440 + 1440};
	quiet->spans_count = tact_policy_join_spans(spans, count);
	quiet->spans = spans;
	quiet->holidays_count = (size_t)below(world, DATES_MAX + 1);
	for (size_t i = 0; i < quiet->holidays_count; i++) {
		struct tact_date *date = &world->dates[i];

		tact_date_of_day(
		    floor_s(near_us) / 86400 + below(world, 9) - 4, &date->year, &date->month, &date->day);
		if (below(world, 2) == 0)
			date->year = 0;
	}
	qsort(world->dates, quiet->holidays_count, sizeof world->dates[0], tact_policy_compare_dates);
	quiet->holidays = world->dates;
}

/* What the words say, of the clock on the wall. */
static bool is_quiet(const struct world *world, int64_t t_us)
{
	const struct tact_quiet_hours *quiet = &world->rule.quiet_hours;
	struct tact_local_time t;
	int minute, today, yesterday;

	tact_zone_local(world->zone, floor_s(t_us), &t);
	minute = t.hour * 60 + t.minute;
	today = t.weekday - 1;
	yesterday = (today + 6) % 7;
	if (quiet->days >> today & 1)
		return true;
	for (size_t i = 0; i < quiet->holidays_count; i++)
		if ((world->dates[i].year == 0 || world->dates[i].year == t.year) &&
		    world->dates[i].month == t.month && world->dates[i].day == t.day)
			return true;
	for (size_t i = 0; i < world->hours_count; i++) {
		const struct hours *hours = &world->hours[i];
		bool crosses = hours->to <= hours->from;

		if ((hours->days >> today & 1) && minute >= hours->from && (crosses || minute < hours->to))
			return true;
		if (crosses && (hours->days >> yesterday & 1) && minute < hours->to)
			return true;
	}
	return false;
}

static void check_all_quiet(struct world *world, int64_t from_us, int64_t to_us)
{
	for (int64_t t_us = from_us; t_us < to_us; t_us += MINUTE_US)
		ck_assert_msg(is_quiet(world, t_us), "%s: not quiet at %" PRId64 ", answered %" PRId64,
		    tact_zone_name(world->zone), t_us, to_us);
	if (to_us > from_us)
		ck_assert_msg(is_quiet(world, to_us - 1), "not quiet just before %" PRId64, to_us);
}

static void check_later(struct world *world, int64_t t_us, int64_t earliest_us)
{
	int64_t later_us = t_us + below(world, earliest_us - t_us + 3 * DAY_US);
	int64_t of_later_us = earliest(world, later_us);

	ck_assert_int_ge(of_later_us, later_us <= earliest_us ? earliest_us : later_us);
	if (later_us <= earliest_us)
		ck_assert_int_eq(of_later_us, earliest_us);
}

START_TEST(quiet_hours_end_when_the_clocks_say_so)
{
	struct world world = {.seed = oracle_seed("quiet")};
	size_t waited = 0;

	for (int i = 0; i < 2500; i++) {
		int64_t t_us, earliest_us;

		open_world(&world);
		t_us = random_time(&world);
		random_quiet(&world, t_us);
		if (!tact_policy_is_always_quiet(&world.rule.quiet_hours)) {
			earliest_us = earliest(&world, t_us);
			ck_assert_int_ge(earliest_us, t_us);
			ck_assert_msg(!is_quiet(&world, earliest_us), "quiet at %" PRId64, earliest_us);
			check_all_quiet(&world, t_us, earliest_us);
			ck_assert_int_eq(earliest(&world, earliest_us), earliest_us);
			check_later(&world, t_us, earliest_us);
			waited += earliest_us > t_us;
		}
		close_world(&world);
	}
	printf("quiet_hours: 2500 asked, %zu later\n", waited);
	ck_assert_msg(waited > 400, "only %zu of them were quiet at all", waited);
}
END_TEST

/* ---- occasions ---------------------------------------------------------------------------------- */

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Clocks that are set back a minute after midnight show the old day once more; but the new one has begun. */
static bool is_shown_again(const struct world *world, int64_t t_us)
{
	struct tact_local_time now, before;

	tact_zone_local(world->zone, floor_s(t_us), &now);
	for (int64_t ago_s = 30; ago_s <= 3600; ago_s += 30) {
		tact_zone_local(world->zone, floor_s(t_us) - ago_s, &before);
		if (tact_date_day(before.year, before.month, before.day) >
		    tact_date_day(now.year, now.month, now.day))
			return true;
	}
	return false;
}

/* Is it the day there, as anybody there would say? */
static bool is_the_day(const struct world *world, int64_t t_us)
{
	struct tact_local_time t;
	int month = world->occasion.month, day = world->occasion.day;

	tact_zone_local(world->zone, floor_s(t_us), &t);
	if (month == 2 && day == 29 && !is_leap(t.year)) {
		month = world->rule.occasion.leap_day_after ? 3 : 2;
		day = world->rule.occasion.leap_day_after ? 1 : 28;
	}
	return t.month == month && t.day == day && (t.hour != 23 || !is_shown_again(world, t_us));
}

static void random_occasion(struct world *world, int64_t near_us)
{
	struct tact_local_time t;

	world->rule.kind = TACT_RULE_OCCASION;
	world->rule.occasion.leap_day_after = below(world, 2) == 0;
	tact_zone_local(world->zone, floor_s(near_us) + below(world, 86400 * 40) - 86400 * 20, &t);
	world->occasion = (struct tact_occasion){.name = "Birthday", .month = t.month, .day = t.day};
	if (below(world, 6) == 0)
		world->occasion = (struct tact_occasion){.name = "birthday", .month = 2, .day = 29};
	world->dossier.profile.occasions = &world->occasion;
	world->dossier.profile.occasions_count = 1;
}

static bool accepts(const struct world *world, int64_t t_us)
{
	struct tact_question question = {.rules = &world->set,
	    .facts = &world->facts,
	    .dossier = &world->dossier,
	    .now_us = t_us,
	    .made_us = t_us,
	    .not_after_us = t_us + 30 * DAY_US};
	struct tact_opinion opinion;

	tact_policy_ask(world->arena, &question, &opinion);
	return opinion.verdict == TACT_ACCEPT;
}

/* The place of a mail that was made at one time and told to wait at another. */
static int64_t place(struct world *world, int64_t made_us, int64_t asked_us)
{
	int64_t place_us;

	world->claim = (struct tact_claim){.facts = world->facts,
	    .made_us = made_us,
	    .asked_us = asked_us,
	    .not_after_us = made_us + 30 * DAY_US,
	    .relay = "",
	    .ring = "s1",
	    .text = "",
	    .code = ""};
	world->claim.id.b[0] = 1;
	world->dossier.claims = &world->claim;
	world->dossier.claims_count = 1;
	tact_policy_places(world->arena, &world->set, NULL, &world->dossier, made_us, &place_us);
	world->dossier.claims_count = 0;
	return place_us;
}

START_TEST(occasions_are_kept_for_the_day_and_never_late)
{
	struct world world = {.seed = oracle_seed("occasion")};
	size_t kept = 0, late = 0;

	for (int i = 0; i < 2500; i++) {
		int64_t t_us, earliest_us, to_us;

		open_world(&world);
		t_us = random_time(&world);
		random_occasion(&world, t_us);
		earliest_us = earliest(&world, t_us);
		ck_assert_int_eq(accepts(&world, t_us), is_the_day(&world, t_us));
		ck_assert_int_eq(earliest_us == t_us, is_the_day(&world, t_us));
		to_us = earliest_us == INT64_MAX ? t_us + 30 * DAY_US : earliest_us;
		for (int64_t at_us = t_us; at_us < to_us; at_us += 15 * MINUTE_US)
			ck_assert_msg(!is_the_day(&world, at_us),
			    "%s: %" PRId64 " is the day, answered %" PRId64, tact_zone_name(world.zone),
			    at_us, earliest_us);
		late += earliest_us == INT64_MAX;
		if (earliest_us != INT64_MAX && earliest_us - t_us < 30 * DAY_US) {
			int64_t asked_us = t_us + below(&world, earliest_us - t_us + 1);

			kept += earliest_us > t_us;
			ck_assert_msg(
			    is_the_day(&world, earliest_us), "%" PRId64 " is not the day", earliest_us);
			ck_assert_msg(earliest_us == t_us || !is_the_day(&world, earliest_us - 1),
			    "%" PRId64 " is not its first instant", earliest_us);
			ck_assert_int_eq(earliest(&world, earliest_us), earliest_us);
			ck_assert_int_eq(place(&world, t_us, 0), earliest_us);
			ck_assert_int_eq(place(&world, t_us, asked_us), earliest_us);
		}
		close_world(&world);
	}
	printf("occasion: 2500 asked, %zu later, %zu never\n", kept, late);
	ck_assert_msg(kept > 400 && late > 400, "%zu kept, %zu late", kept, late);
}
END_TEST

/* ---- permissions -------------------------------------------------------------------------------- */

static const struct tact_expiry lengths[] = {
    {.basis = TACT_IMPLIED, .source = "purchase", .period = TACT_YEAR, .periods = 2},
    {.basis = TACT_IMPLIED, .length_s = 5 * 86400},
    {.basis = TACT_SOFT_OPT_IN, .period = TACT_DAY, .periods = 3},
};

static void random_consents(struct world *world)
{
	static const char *const sources[] = {"purchase", "PURCHASE", "fair", ""};

	world->rule.kind = TACT_RULE_CONSENT;
	world->rule.consent.expiries = lengths;
	world->rule.consent.expiries_count = 3;
	world->rule.consent.bases = (unsigned)below(world, 8);
	world->dossier.consents = world->consents;
	world->dossier.consents_count = (size_t)below(world, CONSENTS_MAX + 1);
	for (size_t i = 0; i < world->dossier.consents_count; i++) {
		struct tact_consent *consent = &world->consents[i];

		*consent = (struct tact_consent){.basis = (enum tact_basis)below(world, 3),
		    .scope = {below(world, 2) == 0 ? TACT_SCOPE_GLOBAL : TACT_SCOPE_BRAND, ""},
		    .source = sources[below(world, 4)],
		    .proof = "",
		    .ended_by = "",
		    .ended_why = "",
		    .time_us = (1000 + below(world, 20)) * DAY_US};
		consent->id.b[0] = (uint8_t)(i + 1);
		if (consent->scope.kind == TACT_SCOPE_BRAND)
			consent->scope.value = below(world, 2) == 0 ? "alpha" : "beta";
		if (below(world, 4) == 0)
			consent->until_us = consent->time_us + below(world, 9) * DAY_US;
		if (below(world, 4) == 0)
			consent->ended_us = consent->time_us + below(world, 9) * DAY_US;
	}
	world->facts.brand = "Alpha";
}

/* What changes, changes at one of these times. */
static size_t list_times(const struct world *world, int64_t t_us, int64_t *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < world->dossier.consents_count; i++)
		for (int k = -1; k <= 1; k++)
			if (world->consents[i].time_us + k >= t_us)
				ret[count++] = world->consents[i].time_us + k;
	for (int64_t day = 995; day < 1040; day++)
		if (day * DAY_US >= t_us)
			ret[count++] = day * DAY_US;
	return count;
}

static bool permits(const struct world *world, int64_t t_us)
{
	return earliest(world, t_us) == t_us;
}

START_TEST(permissions_come_at_the_earliest_told)
{
	struct world world = {.seed = oracle_seed("consent")};
	size_t came = 0;

	for (int i = 0; i < 2500; i++) {
		int64_t times[CONSENTS_MAX * 3 + 64], t_us, earliest_us;
		size_t count;

		open_world(&world);
		random_consents(&world);
		t_us = (995 + below(&world, 40)) * DAY_US + below(&world, 3) - 1;
		earliest_us = earliest(&world, t_us);
		ck_assert_int_ge(earliest_us, t_us);
		count = list_times(&world, t_us, times);
		for (size_t k = 0; k < count; k++)
			ck_assert_msg(times[k] >= earliest_us || !permits(&world, times[k]),
			    "good at %" PRId64 ", answered %" PRId64, times[k], earliest_us);
		came += earliest_us > t_us && earliest_us != INT64_MAX;
		if (earliest_us != INT64_MAX)
			ck_assert_int_eq(earliest(&world, earliest_us), earliest_us);
		close_world(&world);
	}
	printf("consent: 2500 asked, %zu later\n", came);
	ck_assert_msg(came > 40, "only %zu came later", came);
}
END_TEST

/* Adding an end, or taking a permission away, never makes a mail good. */
START_TEST(less_permission_allows_no_more)
{
	struct world world = {.seed = oracle_seed("less")};

	for (int i = 0; i < 2500; i++) {
		int64_t t_us;
		bool before;
		struct tact_consent *one;

		open_world(&world);
		random_consents(&world);
		t_us = (995 + below(&world, 40)) * DAY_US;
		if (world.dossier.consents_count > 0) {
			before = permits(&world, t_us);
			one = &world.consents[below(&world, (int64_t)world.dossier.consents_count)];
			if (one->ended_us == 0 || one->ended_us > t_us)
				one->ended_us = one->time_us > t_us ? one->time_us : t_us;
			ck_assert_msg(before || !permits(&world, t_us), "an end made it good");
		}
		close_world(&world);
	}
}
END_TEST

/* ---- records that only a damaged store can hold ------------------------------------------------- */

static void damage(struct world *world)
{
	static const int64_t wild[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};

	for (size_t i = 0; i < world->dossier.consents_count; i++) {
		world->consents[i].time_us = wild[below(world, 7)];
		world->consents[i].until_us = wild[below(world, 7)];
		world->consents[i].ended_us = wild[below(world, 7)];
		world->consents[i].basis = (enum tact_basis)below(world, 5);
	}
	world->occasion.month = (int)below(world, 16) - 1;
	world->occasion.day = (int)below(world, 36) - 1;
	for (int kind = TACT_RULE_CONSENT; kind <= TACT_RULE_TERRITORY; kind++) {
		struct tact_question question = {.rules = &world->set,
		    .facts = &world->facts,
		    .dossier = &world->dossier,
		    .now_us = wild[below(world, 7)],
		    .made_us = wild[below(world, 7)],
		    .not_after_us = wild[below(world, 7)]};
		struct tact_opinion opinion;

		world->rule.kind = (enum tact_rule_kind)kind;
		tact_policy_ask(world->arena, &question, &opinion);
		ck_assert_ptr_nonnull(opinion.text);
		(void)earliest(world, question.now_us);
	}
}

START_TEST(impossible_records_are_survived)
{
	struct world world = {.seed = oracle_seed("damage")};

	for (int i = 0; i < 3000; i++) {
		open_world(&world);
		random_quiet(&world, 0);
		random_occasion(&world, 0);
		random_consents(&world);
		if (!tact_policy_is_always_quiet(&world.rule.quiet_hours))
			damage(&world);
		close_world(&world);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy: rules about people");
	TCase *tcase = tcase_create("properties");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, quiet_hours_end_when_the_clocks_say_so);
	tcase_add_test(tcase, occasions_are_kept_for_the_day_and_never_late);
	tcase_add_test(tcase, permissions_come_at_the_earliest_told);
	tcase_add_test(tcase, less_permission_allows_no_more);
	tcase_add_test(tcase, impossible_records_are_survived);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

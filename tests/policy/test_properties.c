/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Properties of limits and places over random rules, records and times, held against the oracle.
 */
#include <config.h>

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

#define SECOND_US INT64_C(1000000)
#define HOUR_US (3600 * SECOND_US)
#define DAY_US (24 * HOUR_US)
#define DAYS 20 /* that everything happens in */
#define CONTACTS_MAX 12
#define CLAIMS_MAX 6
#define RULES_MAX 4

static const char *const owners[] = {"leeds", "Leeds", "sales", ""};
static const char *const names[] = {"a", "b", "A", ""};
static const char *const zone_names[] = {"UTC", "Europe/London", "America/New_York", "Asia/Tokyo",
    "Asia/Kolkata", "Australia/Lord_Howe", "America/Los_Angeles", "Pacific/Kiritimati"};
#define ZONES ((int64_t)(sizeof zone_names / sizeof *zone_names))
static struct tact_zone *zones[ZONES];

/* What happens in the days after each. */
static const int64_t bases_us[] = {
    INT64_C(1772700000) * SECOND_US, /* 2026-03-05: clocks go forward in America on the 8th */
    INT64_C(1774400000) * SECOND_US, /* 2026-03-25: in Europe on the 29th; a month and a quarter end */
    INT64_C(1775000000) * SECOND_US, /* 2026-03-31: back on Lord Howe on 5 April, by half an hour */
    INT64_C(1792400000) * SECOND_US, /* 2026-10-19: back in Europe on the 25th, in America on 1 November */
    INT64_C(1834900000) * SECOND_US, /* 2028-02-23: a leap day */
    INT64_C(1830000000) * SECOND_US, /* 2027-12-28: a year ends within a week */
};

struct world {
	uint64_t seed;
	int64_t base_us;
	struct tact_arena *arena;
	struct tact_rule rules[RULES_MAX];
	struct tact_limit meant[RULES_MAX]; /* what each rule comes to: the recipient's number filled in */
	struct tact_rule_set set;
	struct tact_contact contacts[CONTACTS_MAX];
	struct tact_claim claims[CLAIMS_MAX];
	struct tact_dossier dossier;
};

static int64_t below(struct world *world, int64_t limit)
{
	return oracle_below(&world->seed, limit);
}

static const char *pick(struct world *world, const char *const *from)
{
	return from[below(world, 4)];
}

/* Times that meet: whole hours, hours and a window later, now and then a microsecond beside. */
static int64_t random_time(struct world *world)
{
	int64_t time_us = world->base_us + below(world, 24 * DAYS) * HOUR_US;

	switch (below(world, 8)) {
	case 0:
		return time_us + 1;
	case 1:
		return time_us - 1;
	case 2:
		return time_us + below(world, HOUR_US);
	default:
		return time_us;
	}
}

static void random_facts(struct world *world, struct tact_facts *ret)
{
	*ret = (struct tact_facts){.stream = pick(world, names),
	    .owner = pick(world, owners),
	    .brand = pick(world, names),
	    .campaign = pick(world, names),
	    .offer = pick(world, names),
	    .list = pick(world, names),
	    .purpose = (enum tact_purpose)below(world, 3),
	    .channel = below(world, 4) == 0 ? TACT_SMS : TACT_EMAIL,
	    .priority = (int)below(world, 3),
	    .counts = below(world, 8) != 0};
}

static void random_limit(struct world *world, struct tact_rule *ret)
{
	static const int64_t windows_s[] = {3600, 7200, 5 * 3600, 86400, 3 * 86400, 7 * 86400};
	static const char *const one[] = {"leeds"}, *const two[] = {"a", "B"};
	struct tact_limit *limit = &ret->limit;

	*ret = (struct tact_rule){.name = "l", .kind = TACT_RULE_LIMIT, .action = TACT_DELAY};
	limit->window = "window";
	limit->at_most_milli = below(world, 5) * 1000 - (below(world, 6) == 0 ? 500 : 0);
	if (limit->at_most_milli < 0)
		limit->at_most_milli = 0;
	for (int i = 0; i < TACT_CHANNELS; i++)
		limit->weight_milli[i] = 1000;
	if (below(world, 3) == 0)
		limit->weight_milli[TACT_SMS] = 500 * below(world, 4);
	if (below(world, 3) != 0) {
		limit->window_s = windows_s[below(world, 6)];
	} else {
		limit->period = (enum tact_period)below(world, 5);
		limit->zone = zones[below(world, ZONES)];
	}
	if (below(world, 3) == 0)
		limit->purposes = (unsigned)below(world, 8);
	if (below(world, 5) == 0)
		limit->channels = 1U << TACT_EMAIL;
	if (below(world, 6) == 0)
		limit->owners = (struct tact_names){one, 1};
	if (below(world, 6) == 0)
		limit->streams = (struct tact_names){two, 2};
	if (below(world, 6) == 0)
		limit->brands = (struct tact_names){two, 2};
	if (below(world, 4) == 0)
		limit->by = (enum tact_by)below(world, 3);
	if (below(world, 4) == 0)
		limit->same = (enum tact_same)below(world, 7);
}

/* The rarer forms and options. */
static void random_form(struct world *world, struct tact_rule *rule)
{
	static const int64_t lengths_s[] = {3600, 5 * 3600, 86400, 4 * 86400};
	struct tact_limit *limit = &rule->limit;

	if (below(world, 5) == 0)
		limit->directions = (unsigned)below(world, 4);
	if (below(world, 5) == 0)
		limit->sentiments = (unsigned)below(world, 8);
	if (below(world, 4) == 0)
		limit->look_ahead_s = lengths_s[below(world, 4)];
	switch (below(world, 8)) {
	case 0:
		limit->form = TACT_LIMIT_SINCE;
		break;
	case 1:
		limit->form = TACT_LIMIT_AT_LEAST;
		break;
	case 2:
		limit->form = TACT_LIMIT_RECIPIENT;
		break;
	case 3:
	case 4:
		limit->rest_s = limit->at_most_milli > 0 ? lengths_s[below(world, 4)] : 0;
		break;
	default:
		break;
	}
}

/* What the recipient asked for, as text for the policy and as a limit for the oracle. */
static void random_wish(struct world *world, size_t rules)
{
	static const char *const periods[] = {"day", "week", "month", "quarter", "year"};
	int64_t most = below(world, 4), days = 1 + below(world, 6);
	bool calendar = below(world, 3) == 0;
	enum tact_period period = (enum tact_period)below(world, 5);

	world->dossier.profile.own_limit =
	    calendar ? tact_arena_printf(world->arena, "%" PRId64 " per calendar-%s", most, periods[period])
		     : tact_arena_printf(world->arena, "%" PRId64 "/%" PRId64 "d", most, days);
	for (size_t i = 0; i < rules; i++) {
		world->meant[i] = world->rules[i].limit;
		if (world->meant[i].form != TACT_LIMIT_RECIPIENT)
			continue;
		world->rules[i].limit.zone = world->meant[i].zone = zones[below(world, ZONES)];
		world->meant[i].form = TACT_LIMIT_AT_MOST;
		world->meant[i].at_most_milli = most * 1000;
		world->meant[i].window_s = calendar ? 0 : days * 86400;
		world->meant[i].period = period;
	}
}

static void random_contact(struct world *world, size_t i)
{
	struct tact_contact *contact = &world->contacts[i];
	struct tact_facts facts;

	random_facts(world, &facts);
	*contact = (struct tact_contact){.time_us = random_time(world),
	    .count = 1 + (uint32_t)(below(world, 8) == 0),
	    .channel = facts.channel,
	    .direction = below(world, 5) == 0 ? TACT_IN : TACT_OUT,
	    .sentiment = below(world, 3) == 0 ? (enum tact_sentiment)below(world, 3) : TACT_NEUTRAL,
	    .purpose = facts.purpose,
	    .stream = facts.stream,
	    .owner = facts.owner,
	    .brand = facts.brand,
	    .campaign = facts.campaign,
	    .offer = facts.offer,
	    .list = facts.list,
	    .counts = facts.counts};
	contact->id.b[0] = (uint8_t)(i + 1);
	if (i > 0 && below(world, 6) == 0)
		contact->time_us = world->contacts[i - 1].time_us;
	if (below(world, 8) == 0) {
		contact->span_us = DAY_US;
		contact->time_us -= contact->time_us % DAY_US;
	}
}

static void random_claim(struct world *world, size_t i)
{
	struct tact_claim *claim = &world->claims[i];

	*claim = (struct tact_claim){.relay = "", .ring = "s1", .text = "", .code = ""};
	random_facts(world, &claim->facts);
	claim->priority = claim->facts.priority;
	claim->made_us = random_time(world);
	if (i > 0 && below(world, 3) == 0) {
		claim->made_us = world->claims[i - 1].made_us;
		claim->priority = claim->facts.priority = world->claims[i - 1].priority;
	}
	claim->not_after_us = claim->made_us + (below(world, 3) == 0 ? 5 : 4000) * DAY_US;
	for (int k = 0; k < 8; k++)
		claim->id.b[k] = (uint8_t)below(world, 256);
	claim->id.b[15] = (uint8_t)(i + 1);
}

static void random_world(struct world *world, size_t contacts, size_t claims, size_t rules)
{
	world->arena = tact_arena_new();
	world->base_us = bases_us[below(world, sizeof bases_us / sizeof *bases_us)];
	tact_dossier_init(&world->dossier);
	for (size_t i = 0; i < rules; i++) {
		random_limit(world, &world->rules[i]);
		random_form(world, &world->rules[i]);
	}
	random_wish(world, rules);
	world->dossier.history_since_us = below(world, 4) == 0 ? 0 : random_time(world);
	for (size_t i = 0; i < contacts; i++)
		random_contact(world, i);
	for (size_t i = 0; i < claims; i++)
		random_claim(world, i);
	world->set = (struct tact_rule_set){.rules = world->rules, .rules_count = rules};
	world->dossier.contacts = world->contacts;
	world->dossier.contacts_count = contacts;
	world->dossier.claims = world->claims;
	world->dossier.claims_count = claims;
}

/* ---- what was exercised -------------------------------------------------------------------------- */

enum cover {
	COVER_SLIDING,
	COVER_DAY,
	COVER_WEEK,
	COVER_MONTH,
	COVER_QUARTER,
	COVER_YEAR,
	COVER_SINCE,
	COVER_RECIPIENT,
	COVER_AT_LEAST,
	COVER_AT_LEAST_CALENDAR,
	COVER_REST,
	COVER_REST_CALENDAR,
	COVER_LOOK_AHEAD,
	COVER_LOOK_AHEAD_CALENDAR,
	COVER_WEIGHTS,
	COVER_SAME_OWNER,
	COVER_OTHER_OWNER,
	COVER_SAME,
	COVER_LISTS,
	COVER_PURPOSES,
	COVER_SENTIMENTS,
	COVER_DIRECTIONS,
	COVER_CHANNELS,
	COVER_UNCOUNTED,
	COVER_FORWARD,
	COVER_BACK,
	COVER_LEAP_DAY,
	COVER_NEW_YEAR,
	COVERS
};
static const char *const cover_names[COVERS] = {"sliding windows", "calendar days", "calendar weeks",
    "calendar months", "calendar quarters", "calendar years", "since an answer", "the recipient's own",
    "at_least", "at_least of a calendar", "rest", "rest of a calendar", "look_ahead",
    "look_ahead in a calendar", "weights", "by same-owner", "by other-owner", "same", "lists of names",
    "purposes", "sentiments", "directions", "channels", "mail that does not count",
    "a calendar while clocks go forward", "a calendar while clocks go back", "a calendar over 29 February",
    "a calendar over the turn of the year"};

/* How often one was asked about, and how often it moved the mail, or refused it for good. */
struct coverage {
	size_t asked[COVERS], moved[COVERS], never[COVERS];
};

/* What the clocks did between the two, where the limit's calendar hangs. */
static unsigned list_turns(const struct tact_limit *limit, int64_t t_us, int64_t earliest_us)
{
	struct tact_local_time from, to;
	bool leap;

	tact_zone_local(limit->zone, t_us / SECOND_US, &from);
	tact_zone_local(limit->zone, earliest_us / SECOND_US, &to);
	leap = from.year == 2028 && from.month <= 2 && to.month > 2;
	return (unsigned)(to.offset_s > from.offset_s) << COVER_FORWARD |
	       (unsigned)(to.offset_s < from.offset_s) << COVER_BACK | (unsigned)leap << COVER_LEAP_DAY |
	       (unsigned)(to.year > from.year) << COVER_NEW_YEAR;
}

static unsigned list_forms(const struct tact_limit *written, const struct tact_limit *limit)
{
	bool calendar = limit->window_s == 0, most = limit->form == TACT_LIMIT_AT_MOST;
	unsigned forms = 0;

	if (written->form == TACT_LIMIT_RECIPIENT)
		forms |= 1U << COVER_RECIPIENT;
	if (limit->form == TACT_LIMIT_SINCE)
		forms |= 1U << COVER_SINCE;
	if (limit->form == TACT_LIMIT_AT_LEAST)
		forms |= 1U << (calendar ? COVER_AT_LEAST_CALENDAR : COVER_AT_LEAST);
	if (most)
		forms |= 1U << (calendar ? COVER_DAY + (unsigned)limit->period : COVER_SLIDING);
	if (most && limit->rest_s > 0)
		forms |= 1U << (calendar ? COVER_REST_CALENDAR : COVER_REST);
	if (most && limit->look_ahead_s > 0)
		forms |= 1U << (calendar ? COVER_LOOK_AHEAD_CALENDAR : COVER_LOOK_AHEAD);
	return forms;
}

static unsigned list_filters(const struct tact_limit *limit, const struct tact_facts *facts)
{
	return (unsigned)(limit->weight_milli[TACT_SMS] != 1000) << COVER_WEIGHTS |
	       (unsigned)(limit->by == TACT_BY_SAME_OWNER) << COVER_SAME_OWNER |
	       (unsigned)(limit->by == TACT_BY_OTHER_OWNER) << COVER_OTHER_OWNER |
	       (unsigned)(limit->same != TACT_SAME_NONE) << COVER_SAME |
	       (unsigned)(limit->streams.count + limit->owners.count + limit->brands.count > 0)
		   << COVER_LISTS |
	       (unsigned)(limit->purposes != 0) << COVER_PURPOSES |
	       (unsigned)(limit->sentiments != 0) << COVER_SENTIMENTS |
	       (unsigned)(limit->directions != 0) << COVER_DIRECTIONS |
	       (unsigned)(limit->channels != 0) << COVER_CHANNELS |
	       (unsigned)!facts->counts << COVER_UNCOUNTED;
}

static void cover(struct coverage *coverage, const struct world *world, const struct tact_facts *facts,
    int64_t t_us, int64_t earliest_us)
{
	const struct tact_limit *limit = &world->meant[0];
	bool moved = earliest_us > t_us && earliest_us != INT64_MAX;
	unsigned all = list_forms(&world->rules[0].limit, limit) | list_filters(limit, facts);

	if (moved && limit->form == TACT_LIMIT_AT_MOST && limit->window_s == 0)
		all |= list_turns(limit, t_us, earliest_us);
	for (unsigned i = 0; i < COVERS; i++) {
		coverage->asked[i] += all >> i & 1;
		coverage->moved[i] += moved && (all >> i & 1);
		coverage->never[i] += earliest_us == INT64_MAX && (all >> i & 1);
	}
}

static void tell_coverage(const struct coverage *coverage)
{
	for (int i = 0; i < COVERS; i++)
		printf("%-38s %5zu asked, %5zu moved, %5zu never\n", cover_names[i], coverage->asked[i],
		    coverage->moved[i], coverage->never[i]);
	for (int i = 0; i < COVERS; i++)
		ck_assert_msg(
		    coverage->moved[i] >= 5, "%s: moved %zu, want 5", cover_names[i], coverage->moved[i]);
}

/* ---- earliest ----------------------------------------------------------------------------------- */

static bool abstains(const struct tact_limit *limit, const struct tact_facts *facts)
{
	return (limit->same == TACT_SAME_CAMPAIGN && *facts->campaign == '\0') ||
	       (limit->same == TACT_SAME_OFFER && *facts->offer == '\0') ||
	       (limit->same == TACT_SAME_LIST && *facts->list == '\0');
}

/* No time in [from, to) may fit: asked at every time at which anything changes, a microsecond beside it,
 * every hour, and at random. */
static void check_none_fits(struct world *world, const struct oracle *oracle, int64_t from_us, int64_t to_us)
{
	int64_t length_us = oracle->limit->window_s * SECOND_US, step_us = HOUR_US;
	int64_t rest_us = oracle->limit->rest_s * SECOND_US;

	for (int64_t t_us = from_us; t_us < to_us && t_us < from_us + 40 * DAY_US; t_us += step_us)
		ck_assert_msg(!oracle_fits(oracle, t_us), "there was room at %" PRId64 ", answered %" PRId64,
		    t_us, to_us);
	for (size_t i = 0; i < oracle->contacts_count + oracle->placed_count; i++) {
		int64_t at_us = i < oracle->contacts_count
				    ? oracle->contacts[i].time_us + oracle->contacts[i].span_us
				    : oracle->placed[i - oracle->contacts_count].place_us;

		for (int k = -2; k <= 12; k++) {
			int64_t t_us = at_us + (k <= 2 ? length_us + k : k <= 7 ? rest_us + k - 5 : k - 10);

			ck_assert_msg(t_us < from_us || t_us >= to_us || !oracle_fits(oracle, t_us),
			    "there was room at %" PRId64 ", answered %" PRId64, t_us, to_us);
		}
	}
	for (int k = 0; k < 20 && to_us > from_us; k++) {
		int64_t most_us = to_us - from_us > 400 * DAY_US ? 400 * DAY_US : to_us - from_us;
		int64_t t_us = k == 0 && to_us != INT64_MAX ? to_us - 1 : from_us + below(world, most_us);

		ck_assert_msg(!oracle_fits(oracle, t_us), "there was room at %" PRId64 ", answered %" PRId64,
		    t_us, to_us);
	}
}

static void check_earliest(struct world *world, struct coverage *coverage)
{
	const struct tact_rule *rule = &world->rules[0];
	struct tact_placed placed[CLAIMS_MAX];
	struct tact_facts facts;
	struct oracle oracle = {&world->meant[0], &facts, world->contacts, world->dossier.contacts_count,
	    placed, 0, world->dossier.history_since_us};
	int64_t t_us = random_time(world), earliest_us, later_us;

	random_facts(world, &facts);
	for (size_t i = 0; i < world->dossier.claims_count; i++)
		placed[i] =
		    (struct tact_placed){&world->claims[i].facts, random_time(world), world->claims[i].id};
	oracle.placed_count = world->dossier.claims_count;
	earliest_us =
	    tact_policy_earliest(rule, &facts, &world->dossier, NULL, placed, oracle.placed_count, t_us);
	if (abstains(&rule->limit, &facts)) {
		ck_assert_int_eq(earliest_us, t_us);
		return;
	}
	cover(coverage, world, &facts, t_us, earliest_us);
	ck_assert_int_ge(earliest_us, t_us);
	check_none_fits(world, &oracle, t_us, earliest_us);
	if (earliest_us == INT64_MAX)
		return;
	ck_assert_msg(oracle_fits(&oracle, earliest_us), "%" PRId64 " does not fit", earliest_us);
	ck_assert_int_eq(tact_policy_earliest(
			     rule, &facts, &world->dossier, NULL, placed, oracle.placed_count, earliest_us),
	    earliest_us);
	later_us = t_us + below(world, earliest_us - t_us + DAY_US);
	ck_assert_int_ge(
	    tact_policy_earliest(rule, &facts, &world->dossier, NULL, placed, oracle.placed_count, later_us),
	    later_us <= earliest_us ? earliest_us : later_us);
}

START_TEST(earliest_is_least_idempotent_and_monotone)
{
	struct world world = {.seed = oracle_seed("earliest")};
	struct coverage coverage = {.asked = {0}};

	for (int i = 0; i < 20000; i++) {
		random_world(&world, (size_t)below(&world, CONTACTS_MAX + 1), (size_t)below(&world, 4), 1);
		check_earliest(&world, &coverage);
		tact_arena_free(&world.arena);
	}
	tell_coverage(&coverage);
}
END_TEST

/* ---- places ------------------------------------------------------------------------------------- */

/* A rule of another kind, that has no oracle here. */
static void add_night(struct world *world)
{
	static const struct tact_span nights[] = {{0, 480}, {1260, 1920}, {2700, 3360}, {4140, 4800},
	    {5580, 6240}, {7020, 7680}, {8460, 9120}, {9900, 10080}};

	if (world->set.rules_count == RULES_MAX)
		return;
	world->rules[world->set.rules_count++] = (struct tact_rule){.name = "night",
	    .kind = TACT_RULE_QUIET_HOURS,
	    .action = TACT_DELAY,
	    .quiet_hours = {.spans = nights,
		.spans_count = sizeof nights / sizeof *nights,
		.zone = zones[below(world, ZONES)]}};
}

/* How many claims have a place and an equal: of the same time and the same priority. */
static size_t count_equals(const struct world *world, const int64_t *places)
{
	size_t count = 0;

	for (size_t i = 0; i < world->dossier.claims_count; i++)
		for (size_t k = 0; k < i; k++)
			count += places[i] != 0 && places[i] != INT64_MAX && places[k] != places[i] &&
				 world->claims[i].made_us == world->claims[k].made_us &&
				 world->claims[i].priority == world->claims[k].priority;
	return count;
}

static bool goes_first(const struct tact_claim *a, const struct tact_claim *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	if (a->made_us != b->made_us)
		return a->made_us < b->made_us;
	return memcmp(&a->id, &b->id, sizeof a->id) < 0;
}

static bool fits_all(const struct world *world, const struct tact_facts *facts,
    const struct tact_placed *placed, size_t placed_count, int64_t t_us)
{
	for (size_t i = 0; i < world->set.rules_count; i++) {
		struct oracle oracle = {&world->meant[i], facts, world->dossier.contacts,
		    world->dossier.contacts_count, placed, placed_count, world->dossier.history_since_us};

		if (!abstains(&world->rules[i].limit, facts) && !oracle_fits(&oracle, t_us))
			return false;
	}
	return true;
}

/* Those that go before claim I, in their places. */
static size_t list_outranking(
    const struct world *world, const int64_t *places, size_t i, struct tact_placed *ret)
{
	size_t n = 0;

	for (size_t k = 0; k < world->dossier.claims_count; k++)
		if (k != i && goes_first(&world->claims[k], &world->claims[i]) && places[k] != INT64_MAX)
			ret[n++] =
			    (struct tact_placed){&world->claims[k].facts, places[k], world->claims[k].id};
	return n;
}

static void check_place(struct world *world, const int64_t *places, size_t i)
{
	const struct tact_claim *claim = &world->claims[i];
	struct tact_placed placed[CLAIMS_MAX];
	size_t placed_count = list_outranking(world, places, i, placed);
	int64_t to_us = places[i];

	if (to_us == INT64_MAX)
		to_us = claim->not_after_us + 1;
	else
		ck_assert_msg(fits_all(world, &claim->facts, placed, placed_count, to_us),
		    "claim %zu at %" PRId64, i, to_us);
	ck_assert_int_ge(to_us, claim->made_us);
	ck_assert_int_le(to_us, claim->not_after_us + 1);
	for (int64_t t_us = claim->made_us; t_us < to_us && t_us < claim->made_us + 30 * DAY_US;
	     t_us += HOUR_US)
		ck_assert_msg(!fits_all(world, &claim->facts, placed, placed_count, t_us),
		    "claim %zu could have gone at %" PRId64 ", was given %" PRId64, i, t_us, places[i]);
	if (to_us > claim->made_us && places[i] != INT64_MAX)
		ck_assert(!fits_all(world, &claim->facts, placed, placed_count, to_us - 1));
}

/* The mail of a claim is told, whenever it asks, what the claim's place is at that time. */
static void check_same_as_asked(struct world *world, size_t i, int64_t now_us)
{
	const struct tact_claim *claim = &world->claims[i];
	struct tact_question question = {.rules = &world->set,
	    .facts = &claim->facts,
	    .dossier = &world->dossier,
	    .now_us = now_us,
	    .made_us = claim->made_us,
	    .not_after_us = claim->not_after_us,
	    .claim = claim->id};
	struct tact_opinion opinion;
	int64_t places[CLAIMS_MAX];

	tact_policy_places(world->arena, &world->set, NULL, &world->dossier, now_us, places);
	tact_policy_ask(world->arena, &question, &opinion);
	if (places[i] == INT64_MAX) {
		ck_assert_int_eq(opinion.verdict, TACT_REJECT);
	} else if (places[i] > now_us) {
		ck_assert_int_eq(opinion.verdict, TACT_DELAY);
		ck_assert_int_eq(opinion.until_us, places[i]);
		ck_assert_ptr_nonnull(opinion.rule);
	} else if (places[i] == now_us) {
		ck_assert_int_eq(opinion.verdict, TACT_ACCEPT);
	}
}

START_TEST(places_fit_and_are_the_least)
{
	struct world world = {.seed = oracle_seed("places")};
	int64_t places[CLAIMS_MAX];

	for (int i = 0; i < 2500; i++) {
		random_world(&world, (size_t)below(&world, CONTACTS_MAX + 1),
		    1 + (size_t)below(&world, CLAIMS_MAX), 1 + (size_t)below(&world, RULES_MAX));
		/* Before anything lapses. */
		tact_policy_places(
		    world.arena, &world.set, NULL, &world.dossier, world.base_us - 40 * DAY_US, places);
		for (size_t k = 0; k < world.dossier.claims_count; k++) {
			check_place(&world, places, k);
			check_same_as_asked(&world, k, world.claims[k].made_us);
			check_same_as_asked(&world, k, world.claims[k].made_us + below(&world, 20 * DAY_US));
			if (places[k] != INT64_MAX)
				check_same_as_asked(&world, k, places[k]);
		}
		tact_arena_free(&world.arena);
	}
}
END_TEST

static void shuffle(struct world *world, void *array, size_t count, size_t size)
{
	unsigned char *bytes = array, hold[sizeof(struct tact_claim) + sizeof(struct tact_contact)];

	for (size_t i = count; i > 1; i--) {
		size_t k = (size_t)below(world, (int64_t)i);

		memcpy(hold, bytes + (i - 1) * size, size);
		memmove(bytes + (i - 1) * size, bytes + k * size, size);
		memcpy(bytes + k * size, hold, size);
	}
}

START_TEST(places_do_not_depend_on_the_order_of_the_record)
{
	struct world world = {.seed = oracle_seed("order")};
	int64_t before[CLAIMS_MAX], after[CLAIMS_MAX];
	struct tact_claim claims[CLAIMS_MAX];
	size_t equals = 0;

	for (int i = 0; i < 3000; i++) {
		int64_t now_us;

		random_world(&world, (size_t)below(&world, CONTACTS_MAX + 1),
		    1 + (size_t)below(&world, CLAIMS_MAX), 1 + (size_t)below(&world, RULES_MAX));
		add_night(&world);
		world.set.release_spread_s = below(&world, 2) * 900;
		now_us = random_time(&world);
		tact_policy_places(world.arena, &world.set, NULL, &world.dossier, now_us, before);
		equals += count_equals(&world, before);
		memcpy(claims, world.claims, sizeof claims);
		shuffle(&world, world.contacts, world.dossier.contacts_count, sizeof world.contacts[0]);
		shuffle(&world, world.claims, world.dossier.claims_count, sizeof world.claims[0]);
		tact_policy_places(world.arena, &world.set, NULL, &world.dossier, now_us, after);
		for (size_t k = 0; k < world.dossier.claims_count; k++)
			for (size_t m = 0; m < world.dossier.claims_count; m++)
				if (tact_id_equal(&claims[k].id, &world.claims[m].id))
					ck_assert_int_eq(before[k], after[m]);
		tact_arena_free(&world.arena);
	}
	printf("%zu pairs of claims were equal in time and priority, and had different places\n", equals);
	ck_assert_msg(equals >= 100, "only %zu pairs were equal", equals);
}
END_TEST

START_TEST(a_lower_claim_moves_nobody)
{
	struct world world = {.seed = oracle_seed("inversion")};
	int64_t before[CLAIMS_MAX], after[CLAIMS_MAX];

	for (int i = 0; i < 2000; i++) {
		size_t last = 0;
		struct tact_claim lowest;

		random_world(&world, (size_t)below(&world, CONTACTS_MAX + 1),
		    2 + (size_t)below(&world, CLAIMS_MAX - 1), 1 + (size_t)below(&world, RULES_MAX));
		for (size_t k = 1; k < world.dossier.claims_count; k++)
			if (goes_first(&world.claims[last], &world.claims[k]))
				last = k;
		lowest = world.claims[last];
		world.claims[last] = world.claims[world.dossier.claims_count - 1];
		world.claims[world.dossier.claims_count - 1] = lowest;
		tact_policy_places(world.arena, &world.set, NULL, &world.dossier, world.base_us, before);
		world.dossier.claims_count--;
		tact_policy_places(world.arena, &world.set, NULL, &world.dossier, world.base_us, after);
		for (size_t k = 0; k < world.dossier.claims_count; k++)
			ck_assert_int_eq(before[k], after[k]);
		tact_arena_free(&world.arena);
	}
}
END_TEST

/* A mail that went at its place has left those that go first where they were. */
static void check_disturbs_nobody(struct world *world, const int64_t *places, size_t i)
{
	const struct tact_claim *claim = &world->claims[i];
	struct tact_contact *contact = &world->contacts[world->dossier.contacts_count];
	int64_t after[CLAIMS_MAX];

	*contact = (struct tact_contact){.time_us = places[i],
	    .count = 1,
	    .channel = claim->facts.channel,
	    .purpose = claim->facts.purpose,
	    .stream = claim->facts.stream,
	    .owner = claim->facts.owner,
	    .brand = claim->facts.brand,
	    .campaign = claim->facts.campaign,
	    .offer = claim->facts.offer,
	    .list = claim->facts.list,
	    .counts = claim->facts.counts};
	contact->id.b[1] = 1;
	world->claims[i].state = TACT_CLAIM_PASSED;
	world->dossier.contacts_count++;
	tact_policy_places(
	    world->arena, &world->set, NULL, &world->dossier, world->base_us - 40 * DAY_US, after);
	for (size_t k = 0; k < world->dossier.claims_count; k++)
		if (k != i && goes_first(&world->claims[k], claim))
			ck_assert_msg(after[k] == places[k],
			    "claim %zu was moved from %" PRId64 " to %" PRId64
			    " by one that went at %" PRId64,
			    k, places[k], after[k], places[i]);
}

/* Mail that a limit does not count cannot be seen by mail that it counts, and is moved by it. Here every
 * limit counts every claim. */
static void count_all(struct world *world)
{
	for (size_t i = 0; i < world->set.rules_count; i++) {
		struct tact_limit *limit = &world->rules[i].limit;

		limit->purposes = limit->sentiments = limit->channels = 0;
		limit->streams.count = limit->owners.count = limit->brands.count = 0;
		limit->directions |= limit->directions != 0 ? 1U << TACT_OUT : 0;
		limit->form = limit->form == TACT_LIMIT_AT_LEAST ? TACT_LIMIT_AT_MOST : limit->form;
		limit->look_ahead_s = 0;
		limit->by = limit->by == TACT_BY_OTHER_OWNER ? TACT_BY_ANY : limit->by;
		limit->weight_milli[TACT_SMS] += 1;
	}
	for (size_t i = 0; i < world->dossier.claims_count; i++)
		world->claims[i].facts.counts = true;
	/* Nobody goes in a day that is folded already. */
	for (size_t i = 0; i < world->dossier.contacts_count; i++)
		world->contacts[i].span_us = 0;
}

/* Does nobody who goes first have an earlier place? One that is overdue may be moved by what went after it.
 */
static bool is_early(const struct world *world, const int64_t *places, size_t i)
{
	for (size_t k = 0; k < world->dossier.claims_count; k++)
		if (k != i && goes_first(&world->claims[k], &world->claims[i]) && places[k] < places[i])
			return false;
	return places[i] != INT64_MAX;
}

START_TEST(a_mail_at_its_place_disturbs_nobody)
{
	struct world world = {.seed = oracle_seed("disturbance")};
	int64_t places[CLAIMS_MAX];

	for (int i = 0; i < 20000; i++) {
		size_t one;

		random_world(&world, (size_t)below(&world, CONTACTS_MAX),
		    2 + (size_t)below(&world, CLAIMS_MAX - 1), 1 + (size_t)below(&world, RULES_MAX));
		count_all(&world);
		tact_policy_places(
		    world.arena, &world.set, NULL, &world.dossier, world.base_us - 40 * DAY_US, places);
		one = (size_t)below(&world, (int64_t)world.dossier.claims_count);
		if (is_early(&world, places, one))
			check_disturbs_nobody(&world, places, one);
		tact_arena_free(&world.arena);
	}
}
END_TEST

/* ---- deciders whose clocks differ --------------------------------------------------------------- */

#define TURNS 80

/* Each reads its clock, which may be behind, and then decides over what the others have written. */
struct turns {
	struct tact_contact contacts[TURNS];
	struct tact_claim claims[TURNS];
	int64_t clock_us, behind_us;
};

static void begin_turns(struct world *world, struct turns *turns)
{
	static const int64_t behind_us[] = {0, 5 * SECOND_US, HOUR_US / 6, 3 * HOUR_US, 2 * DAY_US};

	random_world(world, 0, 0, 1 + (size_t)below(world, 3));
	for (size_t i = 0; i < world->set.rules_count; i++) {
		struct tact_rule *rule = &world->rules[i];

		if (rule->limit.form == TACT_LIMIT_AT_LEAST)
			rule->limit.form = world->meant[i].form = TACT_LIMIT_AT_MOST;
		if (rule->limit.form == TACT_LIMIT_SINCE)
			rule->limit.rest_s = world->meant[i].rest_s =
			    below(world, 4) * HOUR_US / 2 / SECOND_US;
		rule->action = below(world, 4) == 0 ? TACT_REJECT : TACT_DELAY;
	}
	world->set.release_spread_s = below(world, 3) == 0 ? 300 : 0;
	turns->clock_us = world->base_us;
	turns->behind_us = behind_us[below(world, 5)];
	world->dossier.contacts = turns->contacts;
	world->dossier.claims = turns->claims;
}

static struct tact_contact contact_at(const struct tact_facts *facts, int64_t time_us, size_t number)
{
	struct tact_contact contact = {.time_us = time_us,
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

	contact.id.b[0] = (uint8_t)(number + 1);
	return contact;
}

static void answer(struct world *world, int64_t now_us)
{
	struct tact_dossier *dossier = &world->dossier;
	struct tact_contact *contact = &dossier->contacts[dossier->contacts_count];
	struct tact_facts facts;

	random_facts(world, &facts);
	*contact = contact_at(&facts, now_us, dossier->contacts_count++);
	contact->direction = TACT_IN;
	contact->sentiment = TACT_POSITIVE;
}

static struct tact_claim fresh_claim(struct world *world, int64_t now_us)
{
	struct tact_claim claim = {.relay = "", .ring = "s1", .text = "", .code = ""};

	random_facts(world, &claim.facts);
	claim.priority = claim.facts.priority;
	claim.made_us = now_us;
	claim.not_after_us = now_us + 5 * DAY_US;
	claim.tempfail = below(world, 4) == 0;
	for (int i = 0; i < 8; i++)
		claim.id.b[i] = (uint8_t)below(world, 256);
	claim.id.b[15] = (uint8_t)(world->dossier.claims_count + 1);
	return claim;
}

/* With what is there already, whenever it was: mail that does not count exceeds nothing. */
static void check_went(const struct world *world, const struct tact_facts *facts, int64_t now_us)
{
	for (size_t i = 0; i < world->set.rules_count; i++) {
		struct oracle oracle = {.limit = &world->meant[i],
		    .facts = facts,
		    .contacts = world->dossier.contacts,
		    .contacts_count = world->dossier.contacts_count};

		ck_assert_msg(abstains(&world->rules[i].limit, facts) || oracle_fits(&oracle, now_us),
		    "what went at %" PRId64 " was too much for rule %zu", now_us, i);
	}
}

static bool is_passed_by(const struct world *world, int64_t now_us)
{
	for (size_t i = 0; i < world->dossier.contacts_count; i++)
		if (world->dossier.contacts[i].time_us > now_us)
			return true;
	return false;
}

/* CLAIM: which one asks; NULL: new mail does. Answers whether it went although others had gone later. */
static bool ask_in_turn(struct world *world, struct tact_claim *claim, int64_t now_us)
{
	struct tact_dossier *dossier = &world->dossier;
	struct tact_claim asks = claim != NULL ? *claim : fresh_claim(world, now_us);
	struct tact_question question = {.rules = &world->set,
	    .facts = &asks.facts,
	    .dossier = dossier,
	    .now_us = now_us,
	    .made_us = asks.made_us,
	    .not_after_us = asks.not_after_us,
	    .claim = asks.id};
	struct tact_opinion opinion;
	bool late = is_passed_by(world, now_us);

	tact_policy_ask(world->arena, &question, &opinion);
	if (opinion.verdict == TACT_ACCEPT) {
		check_went(world, &asks.facts, now_us);
		dossier->contacts[dossier->contacts_count] =
		    contact_at(&asks.facts, now_us, dossier->contacts_count);
		dossier->contacts_count++;
	}
	if (claim == NULL && opinion.verdict == TACT_DELAY)
		dossier->claims[dossier->claims_count++] = asks;
	else if (claim != NULL && opinion.verdict == TACT_DELAY)
		claim->asked_us = now_us;
	else if (claim != NULL)
		claim->state = TACT_CLAIM_PASSED;
	return late && opinion.verdict == TACT_ACCEPT;
}

/* One that waits; time goes on to its place, or somewhat beyond. NULL: none. */
static struct tact_claim *pick_claim(struct world *world, struct turns *turns)
{
	struct tact_dossier *dossier = &world->dossier;
	int64_t places[TURNS];
	size_t i;

	if (dossier->claims_count == 0 || below(world, 2) == 0)
		return NULL;
	i = (size_t)below(world, (int64_t)dossier->claims_count);
	if (dossier->claims[i].state != TACT_CLAIM_WAITING)
		return NULL;
	tact_policy_places(world->arena, &world->set, NULL, dossier, turns->clock_us, places);
	if (places[i] > turns->clock_us && places[i] < turns->clock_us + DAY_US && below(world, 2) == 0)
		turns->clock_us = places[i] + below(world, 2) * below(world, HOUR_US + HOUR_US / 6);
	return &dossier->claims[i];
}

static bool take_turn(struct world *world, struct turns *turns)
{
	struct tact_claim *claim = pick_claim(world, turns);
	int64_t now_us;

	if (claim == NULL)
		turns->clock_us += below(world, below(world, 4) == 0 ? 5 * HOUR_US : HOUR_US / 6);
	now_us = turns->clock_us;
	if (turns->behind_us > 0 && below(world, 2) == 0)
		now_us -= below(world, turns->behind_us);
	if (claim != NULL || below(world, 12) > 0)
		return ask_in_turn(world, claim, now_us);
	answer(world, now_us);
	return false;
}

START_TEST(nobody_goes_too_many_whoever_wrote_first)
{
	struct world world = {.seed = oracle_seed("turns")};
	size_t late = 0;

	for (int i = 0; i < 4000; i++) {
		struct turns turns = {.clock_us = 0};

		begin_turns(&world, &turns);
		for (int turn = 0; turn < TURNS; turn++)
			late += take_turn(&world, &turns);
		tact_arena_free(&world.arena);
	}
	printf("%zu mails went although others had gone at a later time\n", late);
	ck_assert_msg(late >= 1000, "only %zu went late", late);
}
END_TEST

/* Records that only a damaged store can hold: no crash, no endless search. */
START_TEST(impossible_records_are_survived)
{
	static const int64_t wild[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
	struct world world = {.seed = oracle_seed("damage")};

	for (int i = 0; i < 3000; i++) {
		struct tact_question question = {.rules = &world.set, .dossier = &world.dossier};
		struct tact_opinion opinion;
		struct tact_facts facts;
		int64_t places[CLAIMS_MAX];

		random_world(&world, CONTACTS_MAX, CLAIMS_MAX, RULES_MAX);
		for (size_t k = 0; k < CONTACTS_MAX; k++) {
			world.contacts[k].time_us = wild[below(&world, 7)];
			world.contacts[k].span_us = wild[below(&world, 7)];
			world.contacts[k].count = (uint32_t)below(&world, 3) * UINT32_MAX;
			world.contacts[k].channel = (enum tact_channel)below(&world, 9);
			world.contacts[k].direction = (enum tact_direction)below(&world, 4);
			world.contacts[k].sentiment = (enum tact_sentiment)below(&world, 6);
		}
		for (size_t k = 0; k < CLAIMS_MAX; k++) {
			world.claims[k].made_us = wild[below(&world, 7)];
			world.claims[k].not_after_us = wild[below(&world, 7)];
		}
		world.rules[0].limit.weight_milli[0] = INT64_MAX;
		world.rules[1].limit.rest_s = below(&world, 3) * (INT64_MAX / 2);
		world.rules[1].limit.look_ahead_s = below(&world, 3) * 183 * 86400;
		world.dossier.history_since_us = wild[below(&world, 7)];
		random_facts(&world, &facts);
		question.facts = &facts;
		question.now_us = wild[below(&world, 7)];
		question.made_us = wild[below(&world, 7)];
		question.not_after_us = wild[below(&world, 7)];
		tact_policy_ask(world.arena, &question, &opinion);
		ck_assert_ptr_nonnull(opinion.text);
		tact_policy_places(world.arena, &world.set, NULL, &world.dossier, question.now_us, places);
		tact_arena_free(&world.arena);
	}
}
END_TEST

static void open_zones(void)
{
	for (size_t i = 0; i < ZONES; i++) {
		zones[i] = tact_zone_open(zone_names[i]);
		ck_assert_ptr_nonnull(zones[i]);
	}
}

static void close_zones(void)
{
	for (size_t i = 0; i < ZONES; i++)
		tact_zone_free(&zones[i]);
}

int main(void)
{
	Suite *suite = suite_create("policy properties");
	TCase *tcase = tcase_create("properties");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, open_zones, close_zones);
	tcase_add_test(tcase, earliest_is_least_idempotent_and_monotone);
	tcase_add_test(tcase, places_fit_and_are_the_least);
	tcase_add_test(tcase, places_do_not_depend_on_the_order_of_the_record);
	tcase_add_test(tcase, a_lower_claim_moves_nobody);
	tcase_add_test(tcase, a_mail_at_its_place_disturbs_nobody);
	tcase_add_test(tcase, nobody_goes_too_many_whoever_wrote_first);
	tcase_add_test(tcase, impossible_records_are_survived);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

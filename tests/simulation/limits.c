/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The oracle on limits: sums over everything that was handed over, window by window.
 */
#include <config.h>

#include <string.h>

#include "oracle_private.h"

/* ---- whose is it -------------------------------------------------------------------------------- */

struct waiting *oracle_find_claim(const struct person *person, const unsigned char id[16])
{
	for (int i = person->claims_count - 1; i >= 0; i--)
		if (memcmp(person->claims[i].id, id, 16) == 0)
			return &person->claims[i];
	return NULL;
}

/* The claim's own contact: an earlier attempt of it, or the same mail just before it was made to wait. */
bool oracle_becomes_claims(const struct touch *touch, const struct asked *asked, int64_t made_us)
{
	if (touch->by_claim && memcmp(touch->claim, asked->claim, 16) == 0)
		return true;
	return touch->time_us <= made_us && made_us - touch->time_us < HOUR_US;
}

/* Is this touch the mail's own, which tact leaves out when it asks? */
static bool is_own(const struct touch *touch, const struct asked *asked, int64_t made_us)
{
	if (touch->mail != asked->mail)
		return false;
	return asked->claim != NULL ? oracle_becomes_claims(touch, asked, made_us)
				    : asked->now_us - touch->time_us < HOUR_US;
}

/* What is written first says since when tact knows him, be its clock behind that of whoever writes next. */
void oracle_perhaps_wrote(struct person *person, int64_t now_us)
{
	if (!person->known && now_us > person->known_since_us)
		person->known_since_us = now_us;
}

void oracle_wrote(struct person *person, int64_t now_us)
{
	oracle_perhaps_wrote(person, now_us);
	person->known = true;
}

/* ---- surely ------------------------------------------------------------------------------------- */

int64_t oracle_sum(const struct person *person, const struct rule_spec *rule, const struct facts_spec *facts,
    uint64_t sequence, int64_t end_us, int skip)
{
	int64_t sum = 0;

	for (int i = 0; i < person->touches_count; i++) {
		const struct touch *touch = &person->touches[i];

		if (i != skip && touch->delivered && touch->sequence < sequence && touch->time_us <= end_us &&
		    rule_concerns(rule, facts, &touch->facts) &&
		    rule_sees(rule, touch->time_us, end_us, false) &&
		    (touch->late_us == 0 ||
			(touch->late_us <= end_us && rule_sees(rule, touch->late_us, end_us, false))))
			sum += rule_weight(rule, &touch->facts);
	}
	return sum;
}

/* The fullest window with TIME in it: it ends there, or with what another decision of the same moment let
 * pass a little later. */
static int64_t fullest(const struct person *person, const struct rule_spec *rule, const struct asked *asked,
    int64_t time_us, int skip)
{
	int64_t most = oracle_sum(person, rule, asked->facts, asked->sequence, time_us, skip);

	for (int i = 0; i < person->touches_count; i++) {
		int64_t end_us = person->touches[i].time_us, sum;

		if (end_us <= time_us || !rule_sees(rule, time_us, end_us, false))
			continue;
		sum = oracle_sum(person, rule, asked->facts, asked->sequence, end_us, skip);
		most = sum > most ? sum : most;
	}
	return most;
}

/* The end of a rest that was surely earned, or 0. */
static int64_t rests_until(const struct person *person, const struct rule_spec *rule,
    const struct asked *asked, int64_t time_us, int skip)
{
	int64_t until_us = 0;

	for (int i = 0; rule->rest_s > 0 && i < person->touches_count; i++) {
		const struct touch *touch = &person->touches[i];
		int64_t end_us = touch->time_us + rule->rest_s * SECOND_US;

		if (i == skip || !touch->delivered || touch->late_us != 0 ||
		    touch->sequence >= asked->sequence || touch->time_us > time_us || end_us <= time_us ||
		    !rule_concerns(rule, asked->facts, &touch->facts) ||
		    rule_weight(rule, &touch->facts) == 0)
			continue;
		if (oracle_sum(person, rule, asked->facts, asked->sequence, touch->time_us, skip) >=
			rule->at_most_milli &&
		    end_us > until_us)
			until_us = end_us;
	}
	return until_us;
}

/* When the person answered last, perhaps or surely. */
static int64_t answered_us(const struct person *person, const struct asked *asked, bool perhaps)
{
	int64_t latest_us = INT64_MIN;

	for (int i = 0; i < person->touches_count; i++) {
		const struct touch *touch = &person->touches[i];

		if (touch->facts.sentiment == POSITIVE && !touch->gone && touch->time_us <= asked->now_us &&
		    (perhaps || (touch->delivered && touch->sequence < asked->sequence)) &&
		    touch->time_us > latest_us)
			latest_us = touch->time_us;
	}
	return latest_us;
}

static int64_t sum_since(const struct person *person, const struct rule_spec *rule, const struct asked *asked,
    int64_t since_us, int skip)
{
	int64_t sum = 0;

	for (int i = 0; i < person->touches_count; i++) {
		const struct touch *touch = &person->touches[i];

		if (i != skip && touch->delivered && touch->sequence < asked->sequence &&
		    touch->time_us > since_us && touch->time_us <= asked->now_us &&
		    rule_concerns(rule, asked->facts, &touch->facts))
			sum += rule_weight(rule, &touch->facts);
	}
	return sum;
}

/* The most that can have come before: at_least is missed only when even that is too little. */
static int64_t most_before(
    const struct person *person, const struct rule_spec *rule, const struct asked *asked)
{
	int64_t sum = 0;

	for (int i = 0; i < person->touches_count; i++) {
		const struct touch *touch = &person->touches[i];

		if (!touch->gone && touch->time_us <= asked->now_us &&
		    rule_concerns(rule, asked->facts, &touch->facts) &&
		    (rule_sees(rule, touch->time_us, asked->now_us, true) ||
			(touch->late_us != 0 && rule_sees(rule, touch->late_us, asked->now_us, true))))
			sum += rule_weight(rule, &touch->facts);
	}
	return sum;
}

static bool knows_the_window(
    const struct person *person, const struct rule_spec *rule, const struct asked *asked)
{
	return person->known && !rule_sees(rule, person->known_since_us, asked->now_us, false);
}

static bool is_exceeded(
    const struct person *person, const struct rule_spec *rule, const struct asked *asked, int skip)
{
	int64_t own = rule_weight(rule, asked->facts);

	if (rule->form == SINCE_POSITIVE)
		return sum_since(person, rule, asked, answered_us(person, asked, true), skip) + own >
		       rule->at_most_milli;
	if (rule->form == AT_LEAST)
		return knows_the_window(person, rule, asked) &&
		       most_before(person, rule, asked) < rule->at_most_milli;
	return fullest(person, rule, asked, asked->now_us, skip) + own > rule->at_most_milli ||
	       rests_until(person, rule, asked, asked->now_us, skip) > asked->now_us;
}

/* The rule as this person asked for it. False: he asked for nothing. */
static bool as_asked(const struct rule_spec *rule, const struct profile_spec *profile, struct rule_spec *ret)
{
	*ret = *rule;
	ret->form = AT_MOST;
	ret->at_most_milli = profile->own_at_most_milli;
	ret->window_s = profile->own_window_s;
	return profile->own_window_s > 0;
}

bool oracle_limit_surely(
    const struct person *person, const struct rule_spec *rule, const struct asked *asked, int skip)
{
	bool known = false;

	if (rule_abstains(rule, asked->facts))
		return false;
	if (rule->form != AS_RECIPIENT_ASKED)
		return is_exceeded(person, rule, asked, skip);
	for (int i = 0; i < person->profiles_count; i++) {
		const struct profile *profile = &person->profiles[i];
		struct rule_spec own;

		if (!oracle_profile_may_be(profile, asked))
			continue;
		known = known || profile->sure;
		if (!as_asked(rule, &profile->spec, &own) || !is_exceeded(person, &own, asked, skip))
			return false;
	}
	return known;
}

/* ---- perhaps ------------------------------------------------------------------------------------ */

/* The most that tact may count before END: whatever may have been. */
static int64_t possible_touches(const struct person *person, const struct rule_spec *rule,
    const struct asked *asked, int64_t end_us, int64_t made_us)
{
	int64_t sum = 0;

	for (int i = 0; i < person->touches_count; i++) {
		const struct touch *touch = &person->touches[i];

		if (!touch->gone && !is_own(touch, asked, made_us) &&
		    rule_concerns(rule, asked->facts, &touch->facts) &&
		    (rule_sees(rule, touch->time_us, end_us, true) ||
			(touch->late_us != 0 && rule_sees(rule, touch->late_us, end_us, true))))
			sum += rule_weight(rule, &touch->facts);
	}
	return sum;
}

/* Is a place from EARLIEST on near enough to be seen by a mail that goes now? */
static bool is_in_reach(const struct rule_spec *rule, int64_t earliest_us, int64_t now_us)
{
	if (rule->action != DELAY || rule->form != AT_MOST || rule->rest_s > 0 ||
	    earliest_us <= now_us + rule->look_ahead_s * SECOND_US)
		return true;
	if (rule->window_s > 0)
		return earliest_us < now_us + rule->window_s * SECOND_US;
	return period_number(rule->period, rule->zone, earliest_us) ==
	       period_number(rule->period, rule->zone, now_us);
}

/* Can the claim hold its place? That of a campaign that was stopped does not. */
static bool may_hold(const struct oracle *oracle, const struct rule_spec *rule, const struct asked *asked,
    const struct waiting *claim)
{
	bool goes = asked->deaf || oracle_course_may_be(oracle, claim->facts.campaign, GOES, asked);

	if (claim->planned)
		return goes && claim->not_after_us > asked->now_us &&
		       is_in_reach(rule, claim->planned_us, asked->now_us);
	return goes || oracle_course_may_be(oracle, claim->facts.campaign, DONE, asked);
}

/* Every claim that goes first, wherever it is. */
static int64_t possible_claims(
    const struct oracle *oracle, const struct rule_spec *rule, const struct asked *asked)
{
	const struct person *person = &oracle->people[asked->person];
	struct rank worst = oracle_asked_rank(oracle, asked, false);
	int64_t sum = 0;

	for (int i = 0; i < person->claims_count; i++) {
		const struct waiting *claim = &person->claims[i];

		if (!claim->over && claim->not_after_us + 25 * HOUR_US > asked->now_us &&
		    (asked->claim == NULL || memcmp(claim->id, asked->claim, 16) != 0) &&
		    oracle_goes_before(oracle_claim_rank(person, claim, true), worst, true) &&
		    may_hold(oracle, rule, asked, claim) && rule_concerns(rule, asked->facts, &claim->facts))
			sum += rule_weight(rule, &claim->facts);
	}
	return sum;
}

static bool may_rest(const struct person *person, const struct rule_spec *rule, const struct asked *asked,
    int64_t claims, int64_t made_us)
{
	int64_t from_us = asked->now_us - rule->rest_s * SECOND_US;

	if (rule->rest_s == 0)
		return false;
	/* What a campaign planned for a time that is past, or a client does not fetch, may have filled a
	 * window then. */
	for (int i = 0; i < person->claims_count; i++) {
		const struct waiting *claim = &person->claims[i];
		int64_t place_us = claim->planned ? claim->planned_us : claim->until_us;

		if (claims > 0 && place_us <= asked->now_us && oracle_is_alive(claim, asked->now_us))
			return true;
	}
	/* A mail may also not fill a window before a claim that goes first. */
	if (claims > 0 && possible_touches(person, rule, asked, asked->now_us, made_us) + claims +
				  rule_weight(rule, asked->facts) >=
			      rule->at_most_milli)
		return true;
	for (int i = 0; i < person->touches_count; i++) {
		const struct touch *touch = &person->touches[i];
		int64_t last_us = touch->late_us > touch->time_us ? touch->late_us : touch->time_us;

		if (asked->now_us - last_us > FOLDED_US)
			last_us += DAY_US;
		if (touch->gone || last_us <= from_us || is_own(touch, asked, made_us) ||
		    !rule_concerns(rule, asked->facts, &touch->facts) ||
		    rule_weight(rule, &touch->facts) == 0)
			continue;
		if (possible_touches(person, rule, asked, touch->time_us, made_us) + claims >=
			rule->at_most_milli ||
		    possible_touches(person, rule, asked, last_us, made_us) + claims >= rule->at_most_milli)
			return true;
	}
	return false;
}

static bool may_be_exceeded(
    const struct oracle *oracle, const struct rule_spec *rule, const struct asked *asked)
{
	const struct person *person = &oracle->people[asked->person];
	int64_t made_us = oracle_made_us(person, asked), own = rule_weight(rule, asked->facts);
	int64_t claims = possible_claims(oracle, rule, asked);
	struct rule_spec since = *rule;

	if (rule->form == AT_LEAST)
		return oracle_sum(person, rule, asked->facts, asked->sequence, asked->now_us, -1) <
			   rule->at_most_milli ||
		       person->touches_count > 0; /* and later at its place */
	if (rule->form == SINCE_POSITIVE) {
		int64_t answered = answered_us(person, asked, false);

		/* A window that reaches back to the answer, whenever it surely was. */
		since.window_s = answered == INT64_MIN ? INT64_C(10000) * 86400
						       : (asked->now_us - answered) / SECOND_US + 1;
		return possible_touches(person, &since, asked, asked->now_us, made_us) + claims + own >
		       rule->at_most_milli;
	}
	return possible_touches(person, rule, asked, asked->now_us, made_us) + claims + own >
		   rule->at_most_milli ||
	       may_rest(person, rule, asked, claims, made_us);
}

bool oracle_limit_perhaps(
    const struct oracle *oracle, const struct rule_spec *rule, const struct asked *asked)
{
	const struct person *person = &oracle->people[asked->person];

	if (rule_abstains(rule, asked->facts))
		return false;
	if (rule->form != AS_RECIPIENT_ASKED)
		return may_be_exceeded(oracle, rule, asked);
	for (int i = 0; i < person->profiles_count; i++) {
		struct rule_spec own;

		if (oracle_profile_may_be(&person->profiles[i], asked) &&
		    as_asked(rule, &person->profiles[i].spec, &own) && may_be_exceeded(oracle, &own, asked))
			return true;
	}
	return false;
}

/* ---- room --------------------------------------------------------------------------------------- */

static bool has_room(
    const struct person *person, const struct rule_spec *rule, const struct asked *asked, int64_t t_us)
{
	return oracle_sum(person, rule, asked->facts, asked->sequence, t_us, -1) +
		       rule_weight(rule, asked->facts) <=
		   rule->at_most_milli &&
	       rests_until(person, rule, asked, t_us, -1) <= t_us;
}

static int64_t next_change_us(const struct person *person, const struct rule_spec *rule, int64_t t_us)
{
	int64_t next_us = rule->window_s == 0 ? period_end_us(rule->period, rule->zone, t_us) : NEVER_US;

	for (int i = 0; i < person->touches_count; i++) {
		int64_t leaves_us = person->touches[i].time_us + rule->window_s * SECOND_US;
		int64_t rested_us = person->touches[i].time_us + rule->rest_s * SECOND_US;

		if (rule->window_s > 0 && leaves_us > t_us && leaves_us < next_us)
			next_us = leaves_us;
		if (rule->rest_s > 0 && rested_us > t_us && rested_us < next_us)
			next_us = rested_us;
	}
	return next_us;
}

int64_t oracle_limit_room(
    const struct person *person, const struct rule_spec *rule, const struct asked *asked, int64_t t_us)
{
	struct rule_spec own = *rule;

	if (rule->form == AS_RECIPIENT_ASKED) {
		if (person->profiles_count == 0 || !as_asked(rule, &person->profiles[0].spec, &own))
			return t_us;
	}
	if (rule->form == AT_LEAST)
		return t_us;
	if (rule->form == SINCE_POSITIVE)
		return sum_since(person, rule, asked, answered_us(person, asked, false), -1) +
				   rule_weight(rule, asked->facts) >
			       rule->at_most_milli
			   ? NEVER_US
			   : t_us;
	if (rule_weight(&own, asked->facts) > own.at_most_milli)
		return NEVER_US;
	while (t_us <= asked->not_after_us && !has_room(person, &own, asked, t_us)) {
		t_us = next_change_us(person, &own, t_us);
		if (t_us == NEVER_US)
			break;
	}
	return t_us;
}

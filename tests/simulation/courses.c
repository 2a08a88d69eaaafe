/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The oracle on campaigns: what people made of them, in which order, and what tact can think of it, who reads
 * it anew now and then.
 */
#include <config.h>

#include <stdlib.h>

#include "oracle_private.h"

int oracle_deed(struct oracle *oracle, int campaign, enum course course, int64_t now_us)
{
	struct campaign *of = &oracle->campaigns[campaign];

	of->deeds = oracle_grow(of->deeds, &of->deeds_count, sizeof *of->deeds);
	of->deeds[of->deeds_count - 1] = (struct deed){.course = course, .begun_us = now_us};
	oracle_unsettle(oracle, -1);
	return of->deeds_count - 1;
}

void oracle_deed_ended(struct oracle *oracle, int campaign, int deed, int64_t now_us)
{
	oracle->campaigns[campaign].deeds[deed].ended_us = now_us;
	oracle->deed_us = now_us;
	oracle_unsettle(oracle, -1);
}

void oracle_deed_sure(struct oracle *oracle, int campaign, int deed, int64_t now_us, uint64_t sequence)
{
	if (oracle->campaigns[campaign].deeds[deed].course == GOES)
		oracle->campaigns[campaign].stopped = false;
	oracle->campaigns[campaign].deeds[deed].sure_us = now_us;
	oracle->campaigns[campaign].deeds[deed].sequence = sequence;
	oracle_deed_ended(oracle, campaign, deed, now_us);
}

void oracle_deed_void(struct oracle *oracle, int campaign, int deed)
{
	oracle->campaigns[campaign].deeds[deed].nothing = true;
}

/* ---- what comes back ---------------------------------------------------------------------------- */

/* Until what was counted is written and read by everybody. */
static int64_t visible_us(const struct asked *asked)
{
	return asked->now_us - asked->stale_us - 3 * SECOND_US / 2;
}

static int add_mark(struct oracle *oracle, int campaign, int what, int64_t now_us, bool sure)
{
	struct campaign *of = &oracle->campaigns[campaign];

	of->marks = oracle_grow(of->marks, &of->marks_count, sizeof *of->marks);
	of->marks[of->marks_count - 1] = (struct mark){.what = what, .time_us = now_us, .sure = sure};
	return of->marks_count - 1;
}

void oracle_sent(struct oracle *oracle, int campaign, int64_t now_us, bool sure)
{
	if (campaign >= 0)
		(void)add_mark(oracle, campaign, BACKS, now_us, sure);
}

int oracle_back(struct oracle *oracle, int campaign, enum back what, int64_t now_us)
{
	for (int i = 0; campaign < 0 && i < CAMPAIGNS; i++)
		(void)add_mark(oracle, i, (int)what, now_us, false);
	return campaign < 0 ? -1 : add_mark(oracle, campaign, (int)what, now_us, false);
}

void oracle_back_sure(struct oracle *oracle, int campaign, int back)
{
	if (back >= 0)
		oracle->campaigns[campaign].marks[back].sure = true;
}

void oracle_back_void(struct oracle *oracle, int campaign, int back)
{
	if (back >= 0)
		oracle->campaigns[campaign].marks[back].nothing = true;
}

void oracle_uncounted(struct oracle *oracle, int64_t since_us)
{
	for (int i = 0; i < CAMPAIGNS; i++)
		for (int k = 0; k < oracle->campaigns[i].marks_count; k++)
			if (oracle->campaigns[i].marks[k].time_us >= since_us)
				oracle->campaigns[i].marks[k].sure = false;
}

/* The latest resume that may have been, or that surely was: what was counted before it counts no more. */
static int64_t resumed_us(const struct campaign *campaign, bool surely)
{
	int64_t latest_us = INT64_MIN;

	for (int i = 1; i < campaign->deeds_count; i++) {
		const struct deed *deed = &campaign->deeds[i];
		int64_t at_us = deed->begun_us;

		if (deed->course != GOES || deed->nothing || (surely && deed->sure_us == 0))
			continue;
		if (!surely && deed->sure_us > at_us)
			at_us = deed->sure_us;
		latest_us = at_us > latest_us ? at_us : latest_us;
	}
	return latest_us;
}

/* least: what surely counts; else what may. */
static int64_t count_marks(const struct campaign *campaign, const struct rule_spec *rule,
    const struct asked *asked, int what, bool least)
{
	int64_t since_us = resumed_us(campaign, !least), sum = 0;

	/* Counted, and not yet known when it was let go on: it counts afterwards. */
	if (!least && since_us != INT64_MIN)
		since_us -= KNOWN_LATE_US;
	for (int i = 0; i < campaign->marks_count; i++) {
		const struct mark *mark = &campaign->marks[i];

		if (mark->what != what || mark->nothing || mark->time_us <= since_us ||
		    (least && (!mark->sure || mark->time_us > visible_us(asked))) ||
		    (rule->window_s > 0 && (mark->time_us / HOUR_US + 1) * HOUR_US <=
					       asked->now_us - rule->window_s * SECOND_US))
			continue;
		sum++;
	}
	return sum;
}

/* Is the rate past the threshold, surely or perhaps? */
static bool is_past(
    const struct oracle *oracle, const struct rule_spec *rule, const struct asked *asked, bool surely)
{
	const struct campaign *campaign = &oracle->campaigns[asked->facts->campaign];
	int64_t least = count_marks(campaign, rule, asked, BACKS, true);
	int64_t most = count_marks(campaign, rule, asked, BACKS, false);
	int64_t enough = rule->at_least > 1 ? rule->at_least : 1;

	if ((surely ? least : most) < enough)
		return false;
	for (int i = 0; i < BACKS; i++)
		if (rule->rates_milli[i] >= 0 && count_marks(campaign, rule, asked, i, surely) * 100000 >
						     rule->rates_milli[i] * (surely ? most : least))
			return true;
	return false;
}

static bool is_judged(const struct rule_spec *rule, const struct asked *asked)
{
	return rule->kind == RULE_BREAKER && !rule->monitor && rule_applies(rule, asked->facts) &&
	       asked->facts->campaign >= 0;
}

void oracle_judge_rates(struct oracle *oracle, const struct asked *asked)
{
	for (int i = 0; i < asked->house->rules_count; i++)
		if (is_judged(&asked->house->rules[i], asked) &&
		    is_past(oracle, &asked->house->rules[i], asked, false)) {
			oracle->campaigns[asked->facts->campaign].stopped = true;
			oracle_unsettle(oracle, -1);
		}
}

static void check_rates(struct oracle *oracle, const struct asked *asked)
{
	for (int i = 0; i < asked->house->rules_count; i++) {
		const struct rule_spec *rule = &asked->house->rules[i];

		if (!is_judged(rule, asked) ||
		    (rule->action == QUARANTINE && asked->released.message != NOT_RELEASED))
			continue;
		oracle->figures.rates++;
		if (is_past(oracle, rule, asked, true))
			oracle_complain(oracle, "person %d got mail %d of campaign %d, which k%d stops",
			    asked->person, asked->mail, asked->facts->campaign, i);
	}
}

/* ---- deeds -------------------------------------------------------------------------------------- */

/* Did another deed surely take its place by then? */
static bool is_over(const struct campaign *campaign, const struct deed *deed, int64_t time_us)
{
	for (int i = 0; i < campaign->deeds_count; i++) {
		const struct deed *other = &campaign->deeds[i];

		if (other == deed || other->sure_us == 0 || other->sure_us > time_us)
			continue;
		if (deed->sure_us != 0 ? other->sequence > deed->sequence
				       : deed->ended_us != 0 && other->begun_us >= deed->ended_us)
			return true;
	}
	return false;
}

bool oracle_course_may_be(
    const struct oracle *oracle, int campaign, enum course course, const struct asked *asked)
{
	const struct campaign *of;
	int64_t time_us = asked->now_us - asked->stale_us;

	if (campaign < 0)
		return course == GOES;
	of = &oracle->campaigns[campaign];
	/* One that a breaker stopped is as good as paused, or cancelled. */
	if (of->stopped && (course == PAUSED || course == CANCELLED))
		return true;
	for (int i = 0; i < of->deeds_count; i++)
		if (of->deeds[i].course == course && !of->deeds[i].nothing &&
		    of->deeds[i].begun_us <= asked->now_us && !is_over(of, &of->deeds[i], time_us))
			return true;
	return false;
}

bool oracle_course_is(
    const struct oracle *oracle, int campaign, enum course course, const struct asked *asked)
{
	for (int i = 0; i < COURSES; i++)
		if ((enum course)i != course && oracle_course_may_be(oracle, campaign, (enum course)i, asked))
			return false;
	return oracle_course_may_be(oracle, campaign, course, asked);
}

bool oracle_was_given_up(const struct oracle *oracle, int campaign, int64_t now_us)
{
	const struct campaign *of = &oracle->campaigns[campaign];

	for (int i = 0; i < of->deeds_count; i++)
		if ((of->deeds[i].course == CANCELLED || of->deeds[i].course == DONE) &&
		    !of->deeds[i].nothing && of->deeds[i].begun_us <= now_us)
			return true;
	return false;
}

bool oracle_is_alive(const struct waiting *claim, int64_t now_us)
{
	return !claim->over && claim->not_after_us + 25 * HOUR_US > now_us;
}

/* Does a campaign's claim surely stand and hold its place? */
bool oracle_surely_holds(const struct oracle *oracle, const struct waiting *claim, const struct asked *asked)
{
	return claim->sure && claim->not_after_us > asked->now_us &&
	       oracle_course_is(oracle, claim->facts.campaign, GOES, asked) &&
	       !oracle_was_given_up(oracle, claim->facts.campaign, asked->now_us);
}

/* ---- plans -------------------------------------------------------------------------------------- */

static struct waiting *find_plan(struct person *person, int campaign)
{
	for (int i = 0; i < person->claims_count; i++)
		if (person->claims[i].planned && person->claims[i].facts.campaign == campaign)
			return &person->claims[i];
	return NULL;
}

void oracle_plan(struct oracle *oracle, int number, const struct plan_spec *plan, int64_t now_us)
{
	struct person *person = &oracle->people[number];
	struct waiting *claim = find_plan(person, plan->campaign);

	oracle_unsettle(oracle, number);
	person->decisions++;
	if (claim == NULL) {
		person->claims = oracle_grow(person->claims, &person->claims_count, sizeof *person->claims);
		claim = &person->claims[person->claims_count - 1];
		*claim = (struct waiting){.mail = -1,
		    .facts = plan->facts,
		    .made_us = now_us,
		    .planned_us = plan->planned_us,
		    .not_after_us = plan->not_after_us,
		    .decisions = person->decisions,
		    .firm_after = plan->firm_after,
		    .planned = true};
	}
	/* One that its mail took is not made again. */
	if (!claim->sure)
		claim->made_last_us = now_us;
}

void oracle_plan_sure(struct oracle *oracle, int number, int campaign)
{
	struct waiting *claim = find_plan(&oracle->people[number], campaign);

	claim->sure = !claim->lost;
	oracle_unsettle(oracle, number);
}

/* ---- a campaign's place ------------------------------------------------------------------------- */

/* Is everything known that came to pass? */
static bool is_clear(const struct person *person, const struct asked *asked, int contact)
{
	for (int i = 0; i < person->touches_count; i++) {
		const struct touch *touch = &person->touches[i];

		if (i != contact && !touch->gone &&
		    (!touch->delivered || touch->late_us != 0 || touch->time_us > asked->now_us ||
			asked->now_us - touch->time_us > FOLDED_US))
			return false;
	}
	return person->profiles_count == 0 || (person->profiles_count == 1 && person->profiles[0].sure);
}

/* Where the claim stands that goes before all others, or NEVER_US when that is hard to tell. */
static int64_t planned_place_us(
    const struct oracle *oracle, const struct waiting *claim, const struct asked *asked, int contact)
{
	const struct person *person = &oracle->people[asked->person];
	struct asked as_claim = *asked;
	int64_t from_us = claim->planned_us > claim->made_last_us ? claim->planned_us : claim->made_last_us;
	int64_t place_us;

	as_claim.facts = &claim->facts;
	as_claim.now_us = from_us;
	as_claim.not_after_us = claim->not_after_us;
	as_claim.claim = NULL;
	for (int i = 0; i < person->touches_count; i++)
		if (i != contact && person->touches[i].time_us > from_us)
			return NEVER_US;
	for (int i = 0; i < person->claims_count; i++)
		if (&person->claims[i] != claim && oracle_is_alive(&person->claims[i], asked->now_us) &&
		    !oracle_goes_before(oracle_claim_rank(person, claim, false),
			oracle_claim_rank(person, &person->claims[i], true), false))
			return NEVER_US;
	if (oracle_has_occasion(&as_claim))
		return NEVER_US;
	place_us = oracle_expected_place_us(person, &as_claim);
	return place_us > claim->not_after_us || (place_us > from_us && asked->house->release_spread_s > 0)
		   ? NEVER_US
		   : place_us;
}

static void check_against_plan(struct oracle *oracle, const struct asked *asked, int contact,
    const struct waiting *claim, int64_t place_us)
{
	const struct person *person = &oracle->people[asked->person];
	const struct waiting *its_own = asked->claim == NULL ? NULL : oracle_find_claim(person, asked->claim);
	int64_t begin_us = place_us > asked->now_us ? asked->now_us : place_us;

	/* Who was told a place and comes a little later keeps it: those behind its windows give way. */
	if (its_own != NULL && its_own->until_us != 0 && its_own->until_us < begin_us)
		begin_us = its_own->until_us;

	for (int i = 0; i < asked->house->rules_count; i++) {
		const struct rule_spec *rule = &asked->house->rules[i];
		int64_t own = rule_weight(rule, asked->facts), its = rule_weight(rule, &claim->facts);
		int64_t end_us = place_us > asked->now_us ? place_us : asked->now_us;

		bool ahead = asked->claim == NULL && place_us > asked->now_us &&
			     place_us <= asked->now_us + rule->look_ahead_s * SECOND_US;
		bool together = own > 0 && rule_sees(rule, begin_us, end_us, false);

		if (rule->kind != RULE_LIMIT || rule->form != AT_MOST || !oracle_is_asked(rule, asked) ||
		    rule_abstains(rule, asked->facts) || its == 0 || (!ahead && !together) ||
		    !rule_concerns(rule, asked->facts, &claim->facts))
			continue;
		oracle->figures.planned += together;
		oracle->figures.ahead += ahead;
		if (!together)
			end_us = asked->now_us;
		if (oracle_sum(person, rule, asked->facts, asked->sequence, end_us, contact) + own + its >
		    rule->at_most_milli)
			oracle_complain(oracle,
			    "mail %d took the place in l%d that campaign %d has of person %d", asked->mail, i,
			    claim->facts.campaign, asked->person);
	}
}

/* Lower mail gives way to what a campaign planned. */
void oracle_check_plans(struct oracle *oracle, const struct asked *asked, int contact)
{
	const struct person *person = &oracle->people[asked->person];
	struct rank best = person->touches[contact].best;

	if (oracle_has_occasion(asked) || !is_clear(person, asked, contact))
		return;
	for (int i = 0; i < person->claims_count; i++) {
		const struct waiting *claim = &person->claims[i];
		int64_t place_us;

		if (!claim->planned || !oracle_is_alive(claim, asked->now_us) ||
		    !oracle_surely_holds(oracle, claim, asked) ||
		    !oracle_goes_before(oracle_claim_rank(person, claim, false), best, false))
			continue;
		place_us = planned_place_us(oracle, claim, asked, contact);
		if (place_us != NEVER_US)
			check_against_plan(oracle, asked, contact, claim, place_us);
	}
}

void oracle_check_course(struct oracle *oracle, const struct asked *asked)
{
	static const enum course stops[] = {PAUSED, CANCELLED};

	oracle->figures.stopped += asked->facts->campaign >= 0;
	check_rates(oracle, asked);
	if (oracle_course_may_be(oracle, asked->facts->campaign, GOES, asked) ||
	    oracle_course_may_be(oracle, asked->facts->campaign, DONE, asked))
		return;
	for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
		if (oracle_course_may_be(oracle, asked->facts->campaign, stops[i], asked))
			oracle_complain(oracle, "person %d got mail %d of campaign %d, which was %s",
			    asked->person, asked->mail, asked->facts->campaign,
			    stops[i] == PAUSED ? "paused" : "cancelled");
}

/* What its campaign claimed is the mail's now, or may be. */
void oracle_take_planned(struct oracle *oracle, const struct asked *asked, bool known)
{
	bool surely;
	struct waiting *planned = oracle_find_planned(oracle, asked, &surely);

	if (planned == NULL)
		return;
	/* What is known may be found again by what it left, and leave the plan alone. */
	planned->over = surely && !known;
	planned->lost = true;
	planned->sure = false;
}

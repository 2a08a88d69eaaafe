/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The oracle's judgement. Slow, plain, and of its own making.
 */
#include <config.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle_private.h"

struct oracle *oracle_new(int people)
{
	struct oracle *oracle = calloc(1, sizeof *oracle);

	if (oracle != NULL)
		oracle->people = calloc((size_t)people, sizeof *oracle->people);
	if (oracle == NULL || oracle->people == NULL)
		abort();
	oracle->people_count = people;
	for (int i = 0; i < CAMPAIGNS; i++)
		oracle_deed_sure(oracle, i, oracle_deed(oracle, i, GOES, 0), 1, 0);
	oracle->deed_us = INT64_MIN / 2;
	return oracle;
}

void oracle_free(struct oracle **oracle)
{
	for (int i = 0; i < (*oracle)->people_count; i++) {
		free((*oracle)->people[i].touches);
		free((*oracle)->people[i].claims);
		free((*oracle)->people[i].wishes);
		free((*oracle)->people[i].permissions);
		free((*oracle)->people[i].profiles);
	}
	for (int i = 0; i < CAMPAIGNS; i++) {
		free((*oracle)->campaigns[i].deeds);
		free((*oracle)->campaigns[i].marks);
	}
	free((*oracle)->people);
	free((*oracle)->complaint);
	free(*oracle);
	*oracle = NULL;
}

const char *oracle_complaint(const struct oracle *oracle)
{
	return oracle->complaint;
}

void oracle_complain(struct oracle *oracle, const char *format, ...)
{
	va_list arguments;

	if (oracle->complaint != NULL)
		return;
	va_start(arguments, format);
	if (vasprintf(&oracle->complaint, format, arguments) < 0)
		abort();
	va_end(arguments);
}

struct oracle_figures oracle_figures(const struct oracle *oracle)
{
	return oracle->figures;
}

void *oracle_grow(void *items, int *count, size_t size)
{
	void *grown = items;

	if ((*count & (*count - 1)) == 0)
		grown = realloc(items, (size_t)(*count == 0 ? 1 : 2 * *count) * size);
	if (grown == NULL)
		abort();
	memset((char *)grown + (size_t)*count * size, 0, size);
	++*count;
	return grown;
}

/* ---- two who are one -------------------------------------------------------------------------------- */

int oracle_whose(const struct oracle *oracle, int number)
{
	return oracle->people[number].joined ? oracle->people[number].whose : number;
}

struct person *oracle_find_person(struct oracle *oracle, int number, int *index, size_t before)
{
	struct person *person = &oracle->people[number];

	if (!person->joined)
		return person;
	*index += *(int *)(void *)((char *)person + before);
	return &oracle->people[person->whose];
}

void oracle_joining(struct oracle *oracle, int number, int other)
{
	oracle->people[number].blurred = oracle->people[other].blurred = true;
	oracle->people[other].unclear = true;
	oracle_unsettle(oracle, number);
	oracle_unsettle(oracle, other);
}

static uint64_t not_before(uint64_t sequence, uint64_t least)
{
	return sequence > least ? sequence : least;
}

/* A mail to both of them went to one twice. */
static bool share_mail(const struct person *person, const struct person *other)
{
	for (int i = 0; i < other->claims_count; i++)
		for (int k = 0; k < person->claims_count; k++)
			if (other->claims[i].mail >= 0 && other->claims[i].mail == person->claims[k].mail)
				return true;
	return false;
}

static void join_touches(struct person *person, const struct person *other, uint64_t sequence)
{
	for (int i = 0; i < other->touches_count; i++) {
		person->touches =
		    oracle_grow(person->touches, &person->touches_count, sizeof *person->touches);
		person->touches[person->touches_count - 1] = other->touches[i];
	}
	for (int i = 0; i < person->touches_count; i++)
		person->touches[i].sequence = not_before(person->touches[i].sequence, sequence);
}

static void join_claims(struct person *person, const struct person *other)
{
	for (int i = 0; i < other->claims_count; i++) {
		struct waiting *claim;

		person->claims = oracle_grow(person->claims, &person->claims_count, sizeof *person->claims);
		claim = &person->claims[person->claims_count - 1];
		*claim = other->claims[i];
		claim->begun += claim->begun != 0 ? other->touches_before : 0;
	}
	person->decisions += other->decisions; /* each may have moved somebody */
}

static void join_wishes(struct person *person, const struct person *other, uint64_t sequence)
{
	for (int i = 0; i < other->wishes_count; i++) {
		person->wishes = oracle_grow(person->wishes, &person->wishes_count, sizeof *person->wishes);
		person->wishes[person->wishes_count - 1] = other->wishes[i];
	}
	for (int i = 0; i < person->wishes_count; i++)
		person->wishes[i].sequence = not_before(person->wishes[i].sequence, sequence);
	/* By the name they were given to they permit, by the other they do not. */
	for (int i = 0; i < other->permissions_count; i++) {
		person->permissions =
		    oracle_grow(person->permissions, &person->permissions_count, sizeof *person->permissions);
		person->permissions[person->permissions_count - 1] = other->permissions[i];
		person->permissions[person->permissions_count - 1].sure = false;
	}
}

void oracle_joined(
    struct oracle *oracle, int number, int which, int64_t now_us, uint64_t sequence, bool at_once)
{
	struct person *person = &oracle->people[number], *other = &oracle->people[which];

	other->joined = true;
	other->whose = number;
	other->touches_before = person->touches_count;
	other->wishes_before = person->wishes_count;
	other->permissions_before = person->permissions_count;
	person->joined_sequence = sequence;
	person->blurred = (person->blurred && !at_once) || share_mail(person, other);
	join_touches(person, other, sequence);
	join_claims(person, other);
	join_wishes(person, other, sequence);
	oracle->figures.joined++;
	oracle_wrote(person, now_us);
	oracle_unsettle(oracle, number);
}

/* ---- was it right to let it pass? --------------------------------------------------------------- */

static bool is_about_people(const struct rule_spec *rule)
{
	return rule->kind == RULE_SUPPRESSION || rule->kind == RULE_CONSENT || rule->kind == RULE_TERRITORY;
}

/* Whoever let the message or campaign go looked at it, and not at who gets it. */
static enum release release_of(const struct rule_spec *rule, const struct asked *asked)
{
	return is_about_people(rule) ? asked->released.people : asked->released.message;
}

bool oracle_is_asked(const struct rule_spec *rule, const struct asked *asked)
{
	return !rule->monitor && rule_applies(rule, asked->facts) &&
	       !(rule->action == QUARANTINE && release_of(rule, asked) != NOT_RELEASED);
}

static void check_wishes(struct oracle *oracle, const struct person *person, const struct asked *asked)
{
	const struct wish *wish = oracle_covering(person, asked, true);

	if (wish == NULL)
		return;
	for (int i = 0; i < asked->house->rules_count; i++)
		if (asked->house->rules[i].kind == RULE_SUPPRESSION &&
		    oracle_is_asked(&asked->house->rules[i], asked))
			oracle_complain(oracle,
			    "person %d got mail %d although a wish of scope %d:%d was acknowledged",
			    asked->person, asked->mail, (int)wish->spec.scope, wish->spec.value);
}

/* For whoever reads the complaint: what was handed over, and how long ago. */
static const char *list_touches(const struct person *person, const struct asked *asked)
{
	static char text[600];
	size_t length = 0;

	for (int i = 0; i < person->touches_count && length + 60 < sizeof text; i++)
		if (person->touches[i].delivered)
			length += (size_t)snprintf(text + length, sizeof text - length, " %d:%" PRId64 "s",
			    person->touches[i].mail,
			    (asked->now_us - person->touches[i].time_us) / SECOND_US);
	return text;
}

static void check_people(struct oracle *oracle, const struct person *person, const struct asked *asked)
{
	static const char *const words[] = {[RULE_BREAKER] = "",
	    [RULE_CONTENT] = "without what must be in it",
	    [RULE_CONSENT] = "without a permission",
	    [RULE_QUIET_HOURS] = "in quiet hours",
	    [RULE_OCCASION] = "not on the day",
	    [RULE_TERRITORY] = "and belongs to another"};

	for (int i = 0; i < asked->house->rules_count; i++) {
		const struct rule_spec *rule = &asked->house->rules[i];

		if (rule->kind == RULE_SUPPRESSION || rule->kind == RULE_LIMIT ||
		    rule->kind == RULE_BREAKER || !oracle_is_asked(rule, asked))
			continue;
		oracle->figures.people++;
		if (oracle_people_rule(person, rule, asked, true))
			oracle_complain(oracle, "person %d got mail %d %s", asked->person, asked->mail,
			    words[rule->kind]);
	}
}

static void check_limits(
    struct oracle *oracle, const struct person *person, const struct asked *asked, int contact)
{
	for (int i = 0; i < asked->house->rules_count; i++) {
		const struct rule_spec *rule = &asked->house->rules[i];

		if (rule->kind != RULE_LIMIT || !oracle_is_asked(rule, asked))
			continue;
		oracle->figures.windows++;
		if (oracle_limit_surely(person, rule, asked, contact))
			oracle_complain(oracle, "person %d got mail %d against l%d:%s", asked->person,
			    asked->mail, i, list_touches(person, asked));
	}
}

/* Does the claim fit at that time, counting what was handed over, without or with the mail just passed? */
static bool claim_fits(const struct person *person, const struct rule_spec *rule, const struct waiting *claim,
    int64_t time_us, int contact, bool with)
{
	int64_t sum = oracle_sum(person, rule, &claim->facts, UINT64_MAX, time_us, contact) +
		      rule_weight(rule, &claim->facts);
	const struct touch *touch = &person->touches[contact];

	if (with && rule_concerns(rule, &claim->facts, &touch->facts) &&
	    rule_sees(rule, touch->time_us, time_us, false))
		sum += rule_weight(rule, &touch->facts);
	return sum <= rule->at_most_milli;
}

/* A claim of which nobody knows what became, or that may have lapsed: who waits behind it has another place.
 */
static bool has_doubtful(const struct oracle *oracle, const struct asked *asked)
{
	const struct person *person = &oracle->people[asked->person];

	if (person->blurred)
		return true;
	for (int i = 0; i < person->claims_count; i++) {
		const struct waiting *claim = &person->claims[i];

		if (!oracle_is_alive(claim, asked->now_us))
			continue;
		if (claim->planned ? !oracle_surely_holds(oracle, claim, asked)
				   : !claim->sure || claim->until_us + LAPSE_US <= asked->now_us ||
					 !oracle_course_is(oracle, claim->facts.campaign, GOES, asked))
			return true;
	}
	return false;
}

/* A claim that goes first, and was told its place with nothing happening since that could move it, must still
 * fit there when a lower one has passed. With by = other-owner the two see different sums, and who fits need
 * not see that he fills the other's. */
static void check_order(
    struct oracle *oracle, const struct person *person, const struct asked *asked, int contact)
{
	struct rank best = person->touches[contact].best;

	if (has_doubtful(oracle, asked))
		return;
	for (int i = 0; i < person->claims_count; i++) {
		const struct waiting *claim = &person->claims[i];
		int64_t at_us = claim->until_us > asked->now_us ? claim->until_us : asked->now_us;
		bool first = oracle_goes_before(oracle_claim_rank(person, claim, false), best, false);

		if (claim->over || !claim->sure || claim->stale || !first || claim->mail == asked->mail ||
		    claim->until_us == 0 || asked->now_us >= claim->until_us + LAPSE_US)
			continue;
		for (int k = 0; k < asked->house->rules_count; k++) {
			const struct rule_spec *rule = &asked->house->rules[k];

			if (rule->kind != RULE_LIMIT || rule->form != AT_MOST || rule->rest_s > 0 ||
			    rule->look_ahead_s > 0 || rule->action != DELAY ||
			    !oracle_is_asked(rule, asked) || !rule_applies(rule, &claim->facts) ||
			    rule_abstains(rule, &claim->facts) || rule_abstains(rule, asked->facts) ||
			    rule_weight(rule, asked->facts) == 0 || rule->by == BY_OTHER_OWNER)
				continue;
			oracle->figures.arbitrated++;
			if (claim_fits(person, rule, claim, at_us, contact, false) &&
			    !claim_fits(person, rule, claim, at_us, contact, true))
				oracle_complain(oracle,
				    "mail %d took the place in l%d of mail %d, which goes first, of person "
				    "%d",
				    asked->mail, k, claim->mail, asked->person);
		}
	}
}

/* What claims ahead bring counts where a limit looks ahead. A claim that was due when it was asked about
 * keeps what it was given, and is not asked here. */
static int64_t sum_ahead(
    const struct person *person, const struct rule_spec *rule, const struct asked *asked, struct rank best)
{
	int64_t sum = 0;

	for (int i = 0; i < person->claims_count; i++) {
		const struct waiting *claim = &person->claims[i];

		if (!claim->over && claim->sure && !claim->stale && claim->mail != asked->mail &&
		    claim->until_us > asked->now_us &&
		    claim->until_us <= asked->now_us + rule->look_ahead_s * SECOND_US &&
		    oracle_goes_before(oracle_claim_rank(person, claim, false), best, false) &&
		    rule_concerns(rule, asked->facts, &claim->facts))
			sum += rule_weight(rule, &claim->facts);
	}
	return sum;
}

static void check_ahead(struct oracle *oracle, const struct asked *asked, int contact)
{
	const struct person *person = &oracle->people[asked->person];

	if (asked->claim != NULL || has_doubtful(oracle, asked))
		return;
	for (int i = 0; i < asked->house->rules_count; i++) {
		const struct rule_spec *rule = &asked->house->rules[i];
		int64_t ahead;

		if (rule->kind != RULE_LIMIT || rule->form != AT_MOST || rule->look_ahead_s == 0 ||
		    !oracle_is_asked(rule, asked) || rule_abstains(rule, asked->facts))
			continue;
		ahead = sum_ahead(person, rule, asked, person->touches[contact].best);
		oracle->figures.ahead += ahead > 0;
		if (ahead > 0 &&
		    oracle_sum(person, rule, asked->facts, asked->sequence, asked->now_us, contact) + ahead +
			    rule_weight(rule, asked->facts) >
			rule->at_most_milli)
			oracle_complain(oracle, "mail %d of person %d went before what l%d sees ahead of it",
			    asked->mail, asked->person, i);
	}
}

/* Does a limit on the waiting one count the mail, which itself is not held to give way by that limit? */
static bool is_free_to(const struct asked *asked, const struct waiting *claim)
{
	for (int i = 0; i < asked->house->rules_count; i++) {
		const struct rule_spec *rule = &asked->house->rules[i];

		if (rule->kind != RULE_LIMIT || !rule_applies(rule, &claim->facts) ||
		    rule_weight(rule, asked->facts) == 0 || !rule_concerns(rule, &claim->facts, asked->facts))
			continue;
		if (!oracle_is_asked(rule, asked) || rule->action != DELAY || rule->form != AT_MOST ||
		    rule->rest_s > 0 || rule_abstains(rule, asked->facts) ||
		    rule_weight(rule, &claim->facts) == 0 ||
		    !rule_concerns(rule, asked->facts, &claim->facts))
			return true;
	}
	return false;
}

/* Is it free to any of those who wait? Who is moved moves others. */
static bool is_free(const struct person *person, const struct asked *asked)
{
	for (int i = 0; i < person->claims_count; i++)
		if (oracle_is_alive(&person->claims[i], asked->now_us) &&
		    is_free_to(asked, &person->claims[i]))
			return true;
	return false;
}

/* Whatever goes before a claim may move it, and so may mail that no limit holds. */
static void unsettle_lower(struct oracle *oracle, const struct asked *asked, struct rank best)
{
	struct person *person = &oracle->people[asked->person];
	bool unbound = is_free(person, asked);

	for (int i = 0; i < person->claims_count; i++) {
		struct waiting *claim = &person->claims[i];
		bool first = oracle_goes_before(oracle_claim_rank(person, claim, false), best, false);

		claim->stale = claim->stale || !first || asked->facts->exempt || unbound;
	}
}

/* What this mail counted as already: a retry within the hour is counted when it was first. What was handed
 * over goes before what only may have been. */
static int find_contact(const struct person *person, const struct asked *asked, int64_t made)
{
	int perhaps = -1;

	for (int i = person->touches_count - 1; i >= 0; i--) {
		const struct touch *touch = &person->touches[i];

		if (touch->mail != asked->mail || touch->gone || touch->open ||
		    (asked->claim != NULL ? !oracle_becomes_claims(touch, asked, made)
					  : asked->now_us - touch->time_us >= HOUR_US))
			continue;
		if (touch->delivered)
			return i;
		perhaps = i; /* the earliest: if it was written, the later ones found it */
	}
	return perhaps;
}

static bool has_claim(const struct person *person, int mail)
{
	for (int i = 0; i < person->claims_count; i++)
		if (person->claims[i].mail == mail && person->claims[i].begun == 0)
			return true;
	return false;
}

/* Mail that is written down may move claims behind it: a bump when its priority is higher. What takes the
 * place that its campaign planned for it held that place before, and moves nobody but by coming late. */
static void stir(struct person *person, const struct asked *asked, const struct waiting *but, bool took_place)
{
	bool free_one = is_free(person, asked);

	for (int i = 0; i < person->claims_count; i++) {
		struct waiting *claim = &person->claims[i];

		if (claim == but)
			continue;
		if (claim->took == TOOK_NOTHING && !took_place && !asked->facts->exempt &&
		    asked->facts->priority > claim->facts.priority)
			claim->stirs++;
		else
			claim->stirred = true;
		claim->pushed = claim->pushed || free_one;
	}
}

int oracle_passed(struct oracle *oracle, const struct asked *asked)
{
	struct person *person = &oracle->people[asked->person];
	int64_t made = oracle_made_us(person, asked);
	struct rank best = oracle_asked_rank(oracle, asked, true);
	const struct waiting *own = asked->claim == NULL ? NULL : oracle_find_claim(person, asked->claim);
	struct touch *touch;
	bool surely, took_place = own != NULL ? own->took != TOOK_NOTHING
					      : oracle_find_planned(oracle, asked, &surely) != NULL;
	int known;

	oracle_perhaps_wrote(person, asked->now_us);
	oracle_take_planned(oracle, asked, has_claim(person, asked->mail));
	for (int i = 0; i < person->claims_count; i++) {
		struct waiting *claim = &person->claims[i];

		if (asked->claim == NULL && claim->mail == asked->mail)
			claim->sure = false; /* it may have been this one's */
		else if (asked->claim != NULL && memcmp(claim->id, asked->claim, 16) == 0)
			claim->over = true;
	}
	stir(person, asked, own, took_place);
	known = find_contact(person, asked, made);
	if (known >= 0 && asked->claim != NULL) {
		touch = &person->touches[known];
		touch->time_us = asked->now_us; /* handed on once more: it leaves now */
		touch->sequence = not_before(asked->sequence, person->joined_sequence);
		touch->by_claim = true;
		memcpy(touch->claim, asked->claim, 16);
	}
	if (known >= 0) {
		touch = &person->touches[known];
		touch->best = best;
		if (!touch->delivered || touch->late_us != 0)
			touch->late_us = asked->now_us;
		return known;
	}
	if (asked->facts->null != NULL_AUTOMATIC)
		oracle_sent(oracle, asked->facts->campaign, asked->now_us, true);
	person->touches = oracle_grow(person->touches, &person->touches_count, sizeof *person->touches);
	touch = &person->touches[person->touches_count - 1];
	*touch = (struct touch){.mail = asked->mail,
	    .time_us = asked->now_us,
	    .sequence = not_before(asked->sequence, person->joined_sequence),
	    .facts = *asked->facts,
	    .best = best,
	    .by_claim = asked->claim != NULL};
	if (asked->claim != NULL)
		memcpy(touch->claim, asked->claim, 16);
	return person->touches_count - 1;
}

/* Under review until somebody let it go on: his time is no delay. */
static bool was_held(const struct person *person, const struct asked *asked)
{
	const struct waiting *own = oracle_find_claim(person, asked->claim);

	return (asked->released.message != NOT_RELEASED || asked->released.people != NOT_RELEASED) &&
	       own != NULL && own->over;
}

void oracle_delivered(struct oracle *oracle, const struct asked *asked, int contact)
{
	struct person *person = &oracle->people[asked->person];

	oracle->figures.delivered++;
	if (!asked->house->monitor && asked->facts->null != NULL_AUTOMATIC) {
		check_limits(oracle, person, asked, contact);
		oracle_check_course(oracle, asked);
		if (!person->unclear)
			check_wishes(oracle, person, asked);
		if (!person->unclear && asked->sequence > person->joined_sequence) {
			check_people(oracle, person, asked);
			check_order(oracle, person, asked, contact);
			check_ahead(oracle, asked, contact);
			oracle_check_plans(oracle, asked, contact);
		}
	}
	if (!asked->house->monitor && asked->claim != NULL &&
	    asked->now_us > asked->not_after_us + LAPSE_US && !was_held(person, asked))
		oracle_complain(oracle, "person %d got mail %d %" PRId64 " s too late", asked->person,
		    asked->mail, (asked->now_us - asked->not_after_us) / SECOND_US);
	person->touches[contact].delivered = true;
	oracle_wrote(person, asked->now_us);
	unsettle_lower(oracle, asked, person->touches[contact].best);
}

/* ---- was it right to hold it back? -------------------------------------------------------------- */

/* May a rule of this action have fired? */
static bool may_fire(const struct oracle *oracle, const struct asked *asked, enum action action)
{
	const struct person *person = &oracle->people[asked->person];

	if (asked->facts->campaign >= 0 &&
	    ((action == DELAY && oracle_course_may_be(oracle, asked->facts->campaign, PAUSED, asked)) ||
		(action == REJECT &&
		    oracle_course_may_be(oracle, asked->facts->campaign, CANCELLED, asked)) ||
		(action == QUARANTINE && oracle->campaigns[asked->facts->campaign].stopped)))
		return true;
	for (int i = 0; i < asked->house->rules_count; i++) {
		const struct rule_spec *rule = &asked->house->rules[i];

		if (rule->action != action || rule->monitor || !rule_applies(rule, asked->facts) ||
		    (action == QUARANTINE && !is_about_people(rule) && asked->released.message == RELEASED))
			continue;
		if (rule->kind == RULE_BREAKER)
			continue;
		if (rule->kind != RULE_SUPPRESSION && rule->kind != RULE_LIMIT) {
			/* It may be asked about the place of a mail that has to wait. */
			if (oracle_people_rule(person, rule, asked, false) ||
			    (action != DELAY && may_fire(oracle, asked, DELAY)))
				return true;
			continue;
		}
		if (rule->kind == RULE_SUPPRESSION) {
			if (oracle_covering(person, asked, false) != NULL)
				return true;
		} else if (oracle_limit_perhaps(oracle, rule, asked)) {
			return true;
		}
	}
	return false;
}

/* Is all that tact can know of the person known here? */
static bool is_plain(const struct person *person, const struct asked *asked)
{
	for (int i = 0; i < person->touches_count; i++)
		if (!person->touches[i].gone &&
		    (!person->touches[i].delivered || person->touches[i].late_us != 0 ||
			person->touches[i].time_us > asked->now_us ||
			asked->now_us - person->touches[i].time_us > FOLDED_US))
			return false;
	if (person->blurred || person->profiles_count > 1 ||
	    (person->profiles_count == 1 && !person->profiles[0].sure))
		return false;
	for (int i = 0; i < person->claims_count; i++)
		if (!person->claims[i].over && person->claims[i].not_after_us + 25 * HOUR_US > asked->now_us)
			return false;
	return true;
}

bool oracle_has_occasion(const struct asked *asked)
{
	for (int i = 0; i < asked->house->rules_count; i++)
		if (asked->house->rules[i].kind == RULE_OCCASION &&
		    oracle_is_asked(&asked->house->rules[i], asked))
			return true;
	return false;
}

int64_t oracle_expected_place_us(const struct person *person, const struct asked *asked)
{
	int64_t t_us = asked->now_us, before_us;

	do {
		before_us = t_us;
		for (int i = 0; i < asked->house->rules_count && t_us <= asked->not_after_us; i++) {
			const struct rule_spec *rule = &asked->house->rules[i];

			if (rule->action != DELAY || !oracle_is_asked(rule, asked))
				continue;
			if (rule->kind == RULE_QUIET_HOURS)
				t_us = oracle_quiet_until(person, rule, *asked, t_us);
			else if (rule->kind == RULE_LIMIT && !rule_abstains(rule, asked->facts))
				t_us = oracle_limit_room(person, rule, asked, t_us);
		}
	} while (t_us != before_us && t_us <= asked->not_after_us);
	return t_us;
}

static void check_place(
    struct oracle *oracle, const struct person *person, const struct asked *asked, int64_t until_us)
{
	int64_t expected_us;

	if (until_us <= asked->now_us || until_us > asked->not_after_us)
		oracle_complain(oracle,
		    "mail %d of person %d was given a place %" PRId64 " s from now, %" PRId64
		    " s before its end",
		    asked->mail, asked->person, (until_us - asked->now_us) / SECOND_US,
		    (asked->not_after_us - until_us) / SECOND_US);
	if (asked->claim != NULL || oracle_course_may_be(oracle, asked->facts->campaign, PAUSED, asked) ||
	    asked->house->release_spread_s > 0 || oracle_has_occasion(asked) || !is_plain(person, asked))
		return;
	expected_us = oracle_expected_place_us(person, asked);
	oracle->figures.exact++;
	if (expected_us != until_us)
		oracle_complain(oracle,
		    "mail %d of person %d was given a place %" PRId64 " µs from now, there was room after "
		    "%" PRId64,
		    asked->mail, asked->person, until_us - asked->now_us, expected_us - asked->now_us);
}

/* A retry of a mail whose time has run out since it was told to wait first. */
static bool is_overdue(const struct person *person, const struct asked *asked)
{
	for (int i = 0; i < person->claims_count; i++)
		if (person->claims[i].mail == asked->mail &&
		    (asked->now_us > person->claims[i].not_after_us ||
			(person->claims[i].took_not_after_us != 0 &&
			    asked->now_us > person->claims[i].took_not_after_us)))
			return true;
	return false;
}

static bool has_waited(const struct person *person, const struct asked *asked)
{
	for (int i = 0; i < person->claims_count; i++)
		if (person->claims[i].mail == asked->mail && person->claims[i].made_us < asked->now_us)
			return true;
	return false;
}

static void check_reason(
    struct oracle *oracle, const struct person *person, const struct asked *asked, enum fate fate)
{
	bool waits = fate != FATE_REJECT;
	bool late = asked->now_us > asked->not_after_us || is_overdue(person, asked), right;

	oracle_judge_rates(oracle, asked);
	if (person->blurred)
		return;
	oracle->figures.justified++;
	switch (fate) {
	case FATE_DELAY:
		/* A place that was spread is later than the rules say. */
		right = may_fire(oracle, asked, DELAY) || oracle_may_be_firm(oracle, asked) ||
			(asked->house->release_spread_s > 0 && has_waited(person, asked));
		break;
	case FATE_QUARANTINE:
		right = may_fire(oracle, asked, QUARANTINE);
		break;
	default:
		/* The firm place of a plan may be later than its mail can wait. */
		right = late || may_fire(oracle, asked, REJECT) || may_fire(oracle, asked, DELAY) ||
			oracle_may_be_firm(oracle, asked);
	}
	/* What has no sender cannot wait, and what a machine answers is nobody's matter. */
	if (asked->facts->null == NULL_OTHER)
		right = !waits && (right || may_fire(oracle, asked, QUARANTINE));
	else if (asked->facts->null == NULL_AUTOMATIC)
		right = false;
	if (asked->house->monitor || !right)
		oracle_complain(oracle,
		    "mail %d of campaign %d of person %d was %s at %" PRId64 " and no rule can have said so",
		    asked->mail, asked->facts->campaign, asked->person,
		    fate == FATE_DELAY	      ? "delayed"
		    : fate == FATE_QUARANTINE ? "quarantined"
					      : "refused",
		    asked->now_us);
}

/* tact takes a contact that it remembers of this very mail along: to now. */
static void carry_contact(struct person *person, const struct asked *asked)
{
	for (int i = 0, n = person->touches_count; i < n; i++) {
		struct touch touch = person->touches[i];

		if (touch.mail != asked->mail || asked->claim != NULL ||
		    asked->now_us - touch.time_us >= 5 * DAY_US)
			continue;
		touch.time_us = asked->now_us;
		touch.delivered = false;
		touch.mail = -1;
		person->touches = oracle_grow(person->touches, &person->touches_count, sizeof touch);
		person->touches[person->touches_count - 1] = touch;
	}
}

static struct waiting *add_claim(struct oracle *oracle, const struct asked *asked, const unsigned char id[16])
{
	struct person *person = &oracle->people[asked->person];
	bool surely;
	const struct waiting *planned = oracle_find_planned(oracle, asked, &surely);
	struct waiting took = planned != NULL ? *planned : (struct waiting){0}, *claim;

	person->claims = oracle_grow(person->claims, &person->claims_count, sizeof *person->claims);
	claim = &person->claims[person->claims_count - 1];
	memcpy(claim->id, id, 16);
	claim->mail = asked->mail;
	claim->facts = *asked->facts;
	claim->made_us = asked->now_us;
	claim->not_after_us = asked->not_after_us;
	claim->decisions = person->decisions;
	claim->firm_after = asked->house->streams[asked->facts->stream].firm_after;
	if (planned != NULL) {
		claim->took = surely ? TOOK_SURELY : TOOK_PERHAPS;
		claim->decisions = took.decisions;
		claim->firm_after = took.firm_after > 0 ? took.firm_after : claim->firm_after;
		claim->took_not_after_us = took.not_after_us;
		claim->took_priority = took.facts.priority;
		claim->took_made_us = took.made_us;
		claim->took_made_last_us = took.made_last_us;
	}
	return claim;
}

void oracle_held(struct oracle *oracle, const struct asked *asked, enum fate fate, int64_t until_us,
    const unsigned char id[16])
{
	struct person *person = &oracle->people[asked->person];
	struct waiting *claim = oracle_find_claim(person, id);
	struct asked again = *asked;
	bool known = has_claim(person, asked->mail);

	oracle_perhaps_wrote(person, asked->now_us);
	if (claim != NULL && claim->refused) { /* it did not wait so far */
		claim->made_us = asked->now_us;
		claim->not_after_us = asked->not_after_us;
	}
	if (claim != NULL && claim->lost && fate == FATE_DELAY) {
		claim->renewed_us = asked->now_us;
		claim->not_after_us = asked->claim == NULL && asked->not_after_us > claim->not_after_us
					  ? asked->not_after_us
					  : claim->not_after_us;
		claim->lost = false;
	}
	if (claim != NULL) { /* known from an earlier attempt */
		again.claim = claim->id;
		again.not_after_us = claim->not_after_us;
	}
	check_reason(oracle, person, &again, fate);
	if (fate == FATE_DELAY)
		check_place(oracle, person, &again, until_us);
	carry_contact(person, asked);
	if (claim == NULL)
		claim = add_claim(oracle, asked, id);
	oracle_take_planned(oracle, asked, known);
	claim->refused = fate == FATE_REJECT;
	if (asked->claim == NULL)
		claim->held_us = asked->now_us;
	if (fate != FATE_DELAY) {
		claim->over = true; /* it holds no place */
		oracle_unsettle(oracle, asked->person);
		return;
	}
	claim->sure = true;
	claim->over = false;
	claim->stale = asked->now_us < oracle->deed_us + KNOWN_LATE_US;
	claim->until_us = until_us;
	claim->stirs = 0;
	claim->stirred = claim->stale;
	claim->pushed = false;
	stir(person, asked, claim, claim->took != TOOK_NOTHING);
	for (int i = 0; i < person->claims_count; i++) {
		struct waiting *other = &person->claims[i];

		if (other != claim && !oracle_goes_before(oracle_claim_rank(person, other, false),
					  oracle_claim_rank(person, claim, true), false))
			other->stale = true;
	}
}

/* Can another one have become firm meanwhile, and go before this one from now on? */
static bool has_rival(const struct person *person, const struct waiting *claim, int64_t now_us)
{
	for (int i = 0; i < person->claims_count; i++) {
		const struct waiting *other = &person->claims[i];

		if (other != claim && oracle_is_alive(other, now_us) && other->firm_after > 0 &&
		    !oracle_is_firm(other))
			return true;
	}
	return false;
}

void oracle_told(struct oracle *oracle, const struct asked *asked, int64_t until_us)
{
	struct person *person = &oracle->people[asked->person];
	struct waiting *claim = oracle_find_claim(person, asked->claim);

	check_reason(oracle, person, asked, FATE_DELAY);
	if (until_us > asked->not_after_us)
		oracle_complain(oracle, "mail %d of person %d is told to wait longer than it may",
		    asked->mail, asked->person);
	if (claim == NULL || claim->over)
		return;
	if (claim->sure && claim->until_us != 0 && until_us > claim->until_us && claim->stirs > 0 &&
	    !claim->stirred && !has_rival(person, claim, asked->now_us) && !has_doubtful(oracle, asked)) {
		if (oracle_is_firm(claim) && !claim->pushed)
			oracle_complain(oracle, "the firm place of mail %d of person %d was moved",
			    asked->mail, asked->person);
		claim->bumps += claim->stirs == 1;
	}
	oracle->figures.firm += oracle_is_firm(claim) && claim->stirs > 0 && !claim->pushed;
	claim->until_us = until_us;
	claim->stale = asked->now_us < oracle->deed_us + KNOWN_LATE_US;
	claim->stirs = 0;
	claim->stirred = claim->stale;
	claim->pushed = false;
}

int oracle_begun(struct oracle *oracle, const struct asked *asked)
{
	struct person *person = &oracle->people[asked->person];
	struct touch *touch;

	person->touches = oracle_grow(person->touches, &person->touches_count, sizeof *person->touches);
	touch = &person->touches[person->touches_count - 1];
	*touch = (struct touch){
	    .mail = asked->mail, .time_us = asked->now_us, .facts = *asked->facts, .open = true};
	if (asked->claim != NULL) {
		touch->by_claim = true;
		memcpy(touch->claim, asked->claim, 16);
	}
	oracle_perhaps_wrote(person, asked->now_us);
	oracle_judge_rates(oracle, asked);
	person->decisions++;
	add_claim(oracle, asked, (const unsigned char[16]){0})->begun = person->touches_count;
	return person->touches_count - 1;
}

void oracle_lost(struct oracle *oracle, int number, int begun)
{
	struct person *person = FIND_PERSON(oracle, number, &begun, touches);

	person->touches[begun].open = false;
	oracle_sent(oracle, person->touches[begun].facts.campaign, person->touches[begun].time_us, false);
	for (int i = 0; i < person->claims_count; i++)
		if (person->claims[i].planned && !person->touches[begun].by_claim &&
		    person->claims[i].facts.campaign == person->touches[begun].facts.campaign) {
			person->claims[i].sure = false; /* taken, or not */
			person->claims[i].lost = true;
		}
	/* What waited may have been refused, and what was refused may wait anew. */
	for (int i = 0; i < person->claims_count; i++)
		if (person->claims[i].mail == person->touches[begun].mail && person->claims[i].begun == 0)
			person->claims[i].lost = true;
	oracle_unsettle(oracle, oracle_whose(oracle, number));
}

void oracle_settled(struct oracle *oracle, int number, int begun)
{
	struct person *person = FIND_PERSON(oracle, number, &begun, touches);

	person->touches[begun].gone = true;
	for (int i = 0; i < person->claims_count; i++)
		if (person->claims[i].begun == begun + 1)
			person->claims[i].over = true;
}

void oracle_claim_over(struct oracle *oracle, int number, const unsigned char id[16])
{
	struct waiting *claim;

	number = oracle_whose(oracle, number);
	claim = oracle_find_claim(&oracle->people[number], id);
	if (claim == NULL || claim->over)
		return;
	claim->over = true;
	oracle_unsettle(oracle, number);
}

void oracle_unsettle(struct oracle *oracle, int number)
{
	for (int i = 0; i < oracle->people_count; i++)
		for (int k = 0; (number < 0 || i == number) && k < oracle->people[i].claims_count; k++)
			oracle->people[i].claims[k].stale = oracle->people[i].claims[k].stirred = true;
}

/* ---- what people do ----------------------------------------------------------------------------- */

int oracle_contact(struct oracle *oracle, int number, const struct facts_spec *facts, int64_t time_us)
{
	struct person *person = &oracle->people[number];

	person->touches = oracle_grow(person->touches, &person->touches_count, sizeof *person->touches);
	person->touches[person->touches_count - 1] =
	    (struct touch){.mail = -1, .time_us = time_us, .facts = *facts};
	oracle_perhaps_wrote(person, time_us);
	oracle_unsettle(oracle, number);
	return person->touches_count - 1;
}

void oracle_contact_sure(struct oracle *oracle, int number, int contact, int64_t now_us, uint64_t sequence)
{
	struct person *person = FIND_PERSON(oracle, number, &contact, touches);
	struct touch *touch = &person->touches[contact];

	touch->delivered = true;
	touch->sequence = not_before(sequence, person->joined_sequence);
	oracle_wrote(person, now_us);
}

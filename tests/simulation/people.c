/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The oracle on people: what they wished and allowed, where they live, whose they are; and what the rules
 * make of that. Each question has two answers: surely, and perhaps.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "oracle_private.h"

/* ---- scopes ------------------------------------------------------------------------------------- */

static bool scope_means(enum scope scope, int value, const struct facts_spec *facts)
{
	const int values[SCOPES] = {value, facts->brand, facts->owner, facts->list, facts->stream,
	    facts->purpose, facts->channel, facts->campaign, facts->offer};

	return values[scope] == value;
}

/* ---- permissions -------------------------------------------------------------------------------- */

static bool is_newer(const struct permission *a, const struct permission *b)
{
	return a->spec.basis == b->spec.basis && a->spec.scope == b->spec.scope &&
	       a->spec.value == b->spec.value && a->spec.time_us > b->spec.time_us;
}

/* Was it replaced by a newer one of its kind? */
static bool is_replaced(
    const struct person *person, const struct permission *permission, const struct asked *asked, bool surely)
{
	for (int i = 0; i < person->permissions_count; i++) {
		const struct permission *other = &person->permissions[i];

		if (is_newer(other, permission) && other->spec.time_us <= asked->now_us &&
		    (!surely || (other->sure && other->sequence < asked->sequence)))
			return true;
	}
	return false;
}

static bool has_run_out(
    const struct rule_spec *rule, const struct permission *permission, const struct asked *asked)
{
	const struct consent_spec *spec = &permission->spec;
	int days;

	if (spec->until_us != 0 && spec->until_us <= asked->now_us)
		return true;
	if (rule == NULL)
		return false;
	if (rule->expires_s[spec->basis] > 0)
		return asked->now_us >= spec->time_us + rule->expires_s[spec->basis] * SECOND_US;
	days = rule->expires_days[spec->basis];
	return days > 0 && period_number(DAY, rule->zone, asked->now_us) >=
			       period_number(DAY, rule->zone, spec->time_us) + days;
}

/* RULE NULL: to lift a wish, which has no expiry of its own. */
static bool allows(const struct person *person, const struct rule_spec *rule,
    const struct permission *permission, const struct asked *asked, bool surely)
{
	if (!scope_means(permission->spec.scope, permission->spec.value, asked->facts) ||
	    (rule != NULL && permission->spec.time_us > asked->now_us) ||
	    has_run_out(rule, permission, asked))
		return false;
	if (rule != NULL && rule->bases != 0 && !(rule->bases >> permission->spec.basis & 1))
		return false;
	if (surely)
		return permission->sure && permission->sequence < asked->sequence && !permission->over &&
		       !permission->perhaps_over && !is_replaced(person, permission, asked, false);
	return (!permission->over || asked->sequence < permission->over_sequence ||
		   asked->now_us < permission->over_us) &&
	       !is_replaced(person, permission, asked, true);
}

static bool is_permitted(
    const struct person *person, const struct rule_spec *rule, const struct asked *asked, bool surely)
{
	for (int i = 0; i < person->permissions_count; i++)
		if (allows(person, rule, &person->permissions[i], asked, surely))
			return true;
	return false;
}

int oracle_consent(struct oracle *oracle, int number, const struct consent_spec *consent)
{
	struct person *person = &oracle->people[number];

	person->permissions =
	    oracle_grow(person->permissions, &person->permissions_count, sizeof *person->permissions);
	person->permissions[person->permissions_count - 1] = (struct permission){.spec = *consent};
	oracle_perhaps_wrote(person, consent->time_us);
	return person->permissions_count - 1;
}

void oracle_consent_sure(struct oracle *oracle, int number, int which, uint64_t sequence)
{
	bool joined = oracle->people[number].joined;
	struct person *person = FIND_PERSON(oracle, number, &which, permissions);
	struct permission *permission = &person->permissions[which];

	permission->sure = !joined; /* noted under the other name, which is one more by now */
	permission->sequence = sequence;
	oracle_wrote(person, permission->spec.time_us);
}

void oracle_consent_ends(struct oracle *oracle, int number, enum scope scope, int value)
{
	struct person *person = &oracle->people[oracle_whose(oracle, number)];

	for (int i = 0; i < person->permissions_count; i++)
		if (person->permissions[i].spec.scope == scope && person->permissions[i].spec.value == value)
			person->permissions[i].perhaps_over = true;
}

void oracle_consent_over(
    struct oracle *oracle, int number, enum scope scope, int value, int64_t now_us, uint64_t sequence)
{
	struct person *person = &oracle->people[oracle_whose(oracle, number)];

	for (int i = 0; i < person->permissions_count; i++) {
		struct permission *permission = &person->permissions[i];

		if (permission->spec.scope != scope || permission->spec.value != value || permission->over)
			continue;
		permission->perhaps_over = true;
		if (!permission->sure || permission->sequence > sequence || permission->spec.time_us > now_us)
			continue;
		permission->over = true;
		permission->over_us = now_us;
		permission->over_sequence = sequence;
	}
}

/* ---- wishes ------------------------------------------------------------------------------------- */

static unsigned purposes_of(const struct wish_spec *wish)
{
	if (wish->purposes != 0)
		return wish->purposes;
	switch (wish->reason) {
	case HARD_BOUNCE:
	case MANUAL:
	case ERASURE:
		return (1U << PURPOSES) - 1;
	default:
		return 1U << PROMOTIONAL | 1U << NEWSLETTER | 1U << APPRECIATION | 1U << OCCASION;
	}
}

/* By the person's own later and express word. */
static bool is_lifted(
    const struct person *person, const struct wish *wish, const struct asked *asked, bool surely)
{
	if (wish->spec.reason == HARD_BOUNCE || wish->spec.reason == MANUAL || wish->spec.reason == ERASURE)
		return false;
	for (int i = 0; i < person->permissions_count; i++) {
		const struct permission *permission = &person->permissions[i];

		if (permission->spec.basis == EXPRESS && permission->spec.time_us > wish->spec.time_us &&
		    allows(person, NULL, permission, asked, surely) &&
		    (!surely || permission->spec.until_us == 0))
			return true;
	}
	return false;
}

/* Surely: acknowledged, not over. Perhaps: it may be in the store, and need not be over. */
static bool wish_covers(
    const struct person *person, const struct wish *wish, const struct asked *asked, bool surely)
{
	if (!(purposes_of(&wish->spec) >> asked->facts->purpose & 1) ||
	    !scope_means(wish->spec.scope, wish->spec.value, asked->facts) ||
	    (wish->spec.until_us != 0 && wish->spec.until_us <= asked->now_us))
		return false;
	if (surely)
		return wish->sure && !wish->over && !wish->perhaps_over && wish->sequence < asked->sequence &&
		       !is_lifted(person, wish, asked, false);
	return (!wish->over || asked->sequence < wish->over_sequence || asked->now_us < wish->over_us) &&
	       !is_lifted(person, wish, asked, true);
}

const struct wish *oracle_covering(const struct person *person, const struct asked *asked, bool surely)
{
	for (int i = 0; i < person->wishes_count; i++)
		if (wish_covers(person, &person->wishes[i], asked, surely))
			return &person->wishes[i];
	return NULL;
}

int oracle_wish(struct oracle *oracle, int number, const struct wish_spec *wish)
{
	struct person *person = &oracle->people[number];

	person->wishes = oracle_grow(person->wishes, &person->wishes_count, sizeof *person->wishes);
	person->wishes[person->wishes_count - 1] = (struct wish){.spec = *wish};
	oracle_perhaps_wrote(person, wish->time_us);
	return person->wishes_count - 1;
}

void oracle_wish_sure(struct oracle *oracle, int number, int which, uint64_t sequence)
{
	struct person *person = FIND_PERSON(oracle, number, &which, wishes);
	struct wish *wish = &person->wishes[which];

	wish->sure = true;
	wish->sequence = sequence > person->joined_sequence ? sequence : person->joined_sequence;
}

void oracle_wish_ends(struct oracle *oracle, int number, enum scope scope, int value)
{
	struct person *person = &oracle->people[oracle_whose(oracle, number)];

	for (int i = 0; i < person->wishes_count; i++)
		if (person->wishes[i].spec.scope == scope && person->wishes[i].spec.value == value)
			person->wishes[i].perhaps_over = true;
}

void oracle_wish_over(
    struct oracle *oracle, int number, enum scope scope, int value, int64_t now_us, uint64_t sequence)
{
	struct person *person = &oracle->people[oracle_whose(oracle, number)];

	for (int i = 0; i < person->wishes_count; i++) {
		struct wish *wish = &person->wishes[i];

		if (wish->spec.scope != scope || wish->spec.value != value || wish->over)
			continue;
		wish->perhaps_over = true;
		if (wish->sure && wish->sequence > sequence)
			wish->perhaps_over = false; /* made since */
		if (!wish->perhaps_over || !wish->sure)
			continue;
		wish->over = true;
		wish->over_us = now_us;
		wish->over_sequence = sequence;
	}
}

/* ---- profiles ----------------------------------------------------------------------------------- */

int oracle_profile(struct oracle *oracle, int number, const struct profile_spec *profile)
{
	struct person *person = &oracle->people[number];

	person->profiles = oracle_grow(person->profiles, &person->profiles_count, sizeof *person->profiles);
	person->profiles[person->profiles_count - 1] =
	    (struct profile){.spec = *profile, .until_sequence = UINT64_MAX};
	return person->profiles_count - 1;
}

/* From now on it is this one, unless a later one was written meanwhile. */
void oracle_profile_sure(struct oracle *oracle, int number, int which, uint64_t sequence)
{
	struct person *person = &oracle->people[number];

	person->profiles[which].sequence = sequence;
	person->profiles[which].sure = true;
	for (int i = 0; i < person->profiles_count; i++) {
		struct profile *other = &person->profiles[i];

		if (i == which || other->until_sequence < sequence)
			continue;
		if (!other->sure && i > which)
			continue; /* perhaps written since */
		if (other->sure && other->sequence > sequence)
			person->profiles[which].until_sequence = other->sequence;
		else
			other->until_sequence = sequence;
	}
}

bool oracle_profile_may_be(const struct profile *profile, const struct asked *asked)
{
	return profile->sequence < asked->sequence && asked->sequence <= profile->until_sequence;
}

/* ---- the rules ---------------------------------------------------------------------------------- */

static bool is_quiet(const struct rule_spec *rule, int zone, int64_t time_us)
{
	struct clock clock;
	int yesterday;

	zone_clock(zone, time_us, &clock);
	yesterday = (clock.weekday + 6) % 7;
	if ((rule->quiet_days >> clock.weekday & 1) ||
	    (clock.month == rule->holiday_month && clock.day == rule->holiday_day))
		return true;
	if (rule->from_minute < rule->to_minute)
		return (rule->hours_days >> clock.weekday & 1) && clock.minute >= rule->from_minute &&
		       clock.minute < rule->to_minute;
	return ((rule->hours_days >> clock.weekday & 1) && clock.minute >= rule->from_minute) ||
	       ((rule->hours_days >> yesterday & 1) && clock.minute < rule->to_minute);
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool is_birthday(
    const struct rule_spec *rule, const struct profile_spec *profile, int zone, int64_t time_us)
{
	struct clock clock;
	int month = profile->birth_month, day = profile->birth_day;

	zone_clock(zone, time_us, &clock);
	if (month == 2 && day == 29 && !is_leap(clock.year)) {
		month = rule->leap_day_after ? 3 : 2;
		day = rule->leap_day_after ? 1 : 28;
	}
	return clock.month == month && clock.day == day;
}

static bool holds_back(
    const struct rule_spec *rule, const struct profile_spec *profile, const struct asked *asked)
{
	const struct facts_spec *facts = asked->facts;
	int zone = profile->zone >= 0 ? profile->zone : rule->zone;

	switch (rule->kind) {
	case RULE_QUIET_HOURS:
		return is_quiet(rule, zone, asked->now_us);
	case RULE_CONTENT:
		return facts->bare;
	case RULE_TERRITORY:
		if (!(asked->house->local_owners >> facts->owner & 1) || profile->home == facts->owner)
			return false;
		return profile->home >= 0 || rule->reject_unknown;
	case RULE_OCCASION:
		if (asked->house->sensitive_owners >> facts->owner & 1)
			return true;
		if (!facts->birthday || profile->birth_month == 0)
			return !rule->accept_unknown;
		return !is_birthday(rule, profile, zone, asked->now_us);
	default:
		return false;
	}
}

bool oracle_people_rule(
    const struct person *person, const struct rule_spec *rule, const struct asked *asked, bool surely)
{
	static const struct profile_spec nothing = {-1, -1, 0, 0, 0, 0};
	bool any = false, all = true, known = false;

	if (rule->kind == RULE_CONSENT)
		return !is_permitted(person, rule, asked, !surely);
	for (int i = 0; i < person->profiles_count; i++) {
		bool one;

		if (!oracle_profile_may_be(&person->profiles[i], asked))
			continue;
		known = known || person->profiles[i].sure;
		one = holds_back(rule, &person->profiles[i].spec, asked);
		any = any || one;
		all = all && one;
	}
	if (!known) { /* nothing was ever surely written */
		bool one = holds_back(rule, &nothing, asked);

		any = any || one;
		all = all && one;
	}
	return surely ? all : any;
}

int64_t oracle_quiet_until(
    const struct person *person, const struct rule_spec *rule, struct asked asked, int64_t t_us)
{
	for (asked.now_us = t_us; oracle_people_rule(person, rule, &asked, false);
	     asked.now_us = (asked.now_us / MINUTE_US + 1) * MINUTE_US)
		if (asked.now_us > asked.not_after_us)
			break;
	return asked.now_us;
}

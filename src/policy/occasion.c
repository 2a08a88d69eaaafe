/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The rule "occasion": mail for a day of the recipient's goes on that day where he is, and never late. The
 * day meant is the one next to when the mail was made, so that a late one does not wait for next year's. The
 * date itself is in no reply.
 */
#include <config.h>

#include "engine.h"

static const struct tact_occasion_rule *rule_of(const struct asker *asker, size_t rule)
{
	return &asker->book->rules->rules[rule].occasion;
}

/* ---- which day ---------------------------------------------------------------------------------- */

static bool is_date(const struct tact_occasion *occasion)
{
	/* 2000 had a 29th of February. */
	return occasion->day >= 1 && occasion->day <= tact_date_days_in_month(2000, occasion->month);
}

static const struct tact_occasion *find_date(const struct asker *asker, const char *name)
{
	const struct tact_profile *profile = &asker->book->dossier->profile;

	for (size_t i = 0; i < profile->occasions_count; i++)
		if (tact_text_equal_nocase(profile->occasions[i].name, name) &&
		    is_date(&profile->occasions[i]))
			return &profile->occasions[i];
	return NULL;
}

static int64_t start_us(const struct tact_zone *zone, int year, int month, int day)
{
	return tact_zone_from_local(zone, year, month, day, 0, 0, 0) * POLICY_SECOND_US;
}

static void set_day(struct seat *seat, const struct tact_occasion *occasion, bool leap_day_after, int year)
{
	int month = occasion->month, day = occasion->day;

	if (day > tact_date_days_in_month(year, month) && leap_day_after) {
		month = 3;
		day = 1;
	} else if (day > tact_date_days_in_month(year, month)) {
		day = 28;
	}
	seat->day_us = start_us(seat->zone, year, month, day);
	seat->day_end_us = start_us(seat->zone, year, month, day + 1);
}

static int64_t distance_us(const struct seat *seat, int64_t t_us)
{
	if (t_us < seat->day_us)
		return seat->day_us - t_us;
	return t_us < seat->day_end_us ? 0 : t_us - seat->day_end_us;
}

/* Of the days of three years, the one next to t_us; the earlier of two that are equally near. */
static void find_day(
    struct seat *seat, const struct tact_occasion *occasion, bool leap_day_after, int64_t t_us)
{
	struct tact_local_time now;
	struct seat best = *seat;
	bool first = true;

	tact_zone_local(seat->zone, policy_floor_divide(t_us, POLICY_SECOND_US), &now);
	for (int year = now.year - 1; year <= now.year + 1; year++) {
		if (year < 1 || year > 9999)
			continue;
		set_day(seat, occasion, leap_day_after, year);
		if (first || distance_us(seat, t_us) < distance_us(&best, t_us))
			best = *seat;
		first = false;
	}
	*seat = best;
}

/* ---- what the mail is for ----------------------------------------------------------------------- */

/* The stream says; or the rule, when it knows but one. */
static const char *occasion_of(const struct asker *asker, size_t rule)
{
	const struct tact_names *names = &rule_of(asker, rule)->occasions;
	const char *named = asker->facts->occasion == NULL ? "" : asker->facts->occasion;

	return *named == '\0' && names->count == 1 ? names->names[0] : named;
}

static bool is_sensitive(const struct asker *asker)
{
	const struct tact_owner *owner = policy_find_owner(asker->book->rules, asker->facts->owner);

	return owner != NULL && owner->sensitive;
}

void policy_occasion_prepare(struct asker *asker, size_t rule, int64_t from_us)
{
	const struct tact_occasion_rule *occasion = rule_of(asker, rule);
	struct seat *seat = &asker->seats[rule];
	const char *name = occasion_of(asker, rule);
	const struct tact_occasion *date = find_date(asker, name);

	if (*name != '\0' && occasion->occasions.count > 0 && !policy_names_have(&occasion->occasions, name))
		seat->abstains = "the mail is for another occasion";
	else if (is_sensitive(asker))
		seat->refuses = "this owner does not write on occasions";
	else if (date == NULL && occasion->accept_unknown)
		seat->abstains = *name == '\0' ? "it is not known which occasion the mail is for"
					       : "no date is known, and the rule lets that be";
	else if (date == NULL)
		seat->refuses = *name == '\0' ? "it is not known which occasion the mail is for"
					      : "no date is known for this occasion";
	if (seat->abstains != NULL || seat->refuses != NULL)
		return;
	seat->zone = policy_person_zone(asker, occasion->zone);
	find_day(seat, date, occasion->leap_day_after, from_us);
}

/* ---- what it says ------------------------------------------------------------------------------- */

int64_t policy_occasion_earliest(const struct asker *asker, size_t rule, int64_t t_us)
{
	const struct seat *seat = &asker->seats[rule];

	if (seat->abstains != NULL)
		return t_us;
	/* A day that was left out when the clocks were set over the date line never came. */
	if (seat->refuses != NULL || t_us >= seat->day_end_us || seat->day_us >= seat->day_end_us)
		return POLICY_NEVER;
	return t_us < seat->day_us ? seat->day_us : t_us;
}

void policy_occasion_judge(const struct asker *asker, size_t rule, int64_t t_us, struct tact_finding *ret)
{
	const struct seat *seat = &asker->seats[rule];
	int64_t earliest_us = policy_occasion_earliest(asker, rule, t_us);
	const char *when = earliest_us == t_us		 ? "today is the day in "
			   : earliest_us == POLICY_NEVER ? "the day has passed in "
							 : "the day is still to come in ";

	if (seat->abstains != NULL) {
		ret->why = seat->abstains;
		return;
	}
	ret->fired = earliest_us != t_us;
	if (ret->fired)
		ret->until_us = earliest_us;
	ret->why = seat->refuses != NULL
		       ? seat->refuses
		       : JOIN(asker->book->arena, when, tact_zone_name(seat->zone),
			     seat->zone == rule_of(asker, rule)->zone ? ", the zone of the rule" : "");
}

const char *policy_occasion_words(const struct asker *asker, const struct tact_finding *finding, int64_t t_us)
{
	const struct seat *seat = &asker->seats[finding->rule - asker->book->rules->rules];
	const char *words = seat->refuses;

	if (words == NULL)
		words = t_us >= seat->day_end_us ? "the day has passed" : "the day is still to come";
	return JOIN(asker->book->arena, finding->rule->name, ": ", words);
}

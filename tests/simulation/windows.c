/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The oracle's own arithmetic: what a limit counts, and which window a time is in. Calendars come from the C
 * library, one zone at a time, found out once as a list of changes.
 */
#include <config.h>

#include <stdlib.h>
#include <time.h>

#include "oracle_private.h"

/* ---- what counts -------------------------------------------------------------------------------- */

static bool in_set(unsigned set, int number)
{
	return set == 0 || (number >= 0 && (set >> number & 1));
}

bool rule_applies(const struct rule_spec *rule, const struct facts_spec *facts)
{
	return in_set(rule->for_streams, facts->stream) && in_set(rule->for_purposes, facts->purpose) &&
	       in_set(rule->for_owners, facts->owner) && in_set(rule->for_brands, facts->brand);
}

bool rule_abstains(const struct rule_spec *rule, const struct facts_spec *facts)
{
	return facts->exempt || (rule->same == SAME_CAMPAIGN && facts->campaign < 0) ||
	       (rule->same == SAME_OFFER && facts->offer < 0) || (rule->same == SAME_LIST && facts->list < 0);
}

static bool goes_its_way(const struct rule_spec *rule, const struct facts_spec *facts)
{
	unsigned directions = rule->directions;

	if (directions == 0)
		directions = rule->sentiments == 0 ? 1U << OUT : 1U << OUT | 1U << IN;
	return (directions >> facts->direction & 1) && in_set(rule->sentiments, (int)facts->sentiment);
}

int64_t rule_weight(const struct rule_spec *rule, const struct facts_spec *facts)
{
	if (!facts->counts || !goes_its_way(rule, facts) || !in_set(rule->count, facts->purpose) ||
	    !in_set(rule->channels, facts->channel) || !in_set(rule->count_streams, facts->stream) ||
	    !in_set(rule->count_owners, facts->owner) || !in_set(rule->count_brands, facts->brand))
		return 0;
	return rule->weight_milli[facts->channel];
}

bool rule_concerns(
    const struct rule_spec *rule, const struct facts_spec *mine, const struct facts_spec *other)
{
	if (rule->by == BY_SAME_OWNER && mine->owner != other->owner)
		return false;
	if (rule->by == BY_OTHER_OWNER && mine->owner == other->owner)
		return false;
	switch (rule->same) {
	case SAME_NONE:
		return true;
	case SAME_STREAM:
		return mine->stream == other->stream;
	case SAME_OWNER:
		return mine->owner == other->owner;
	case SAME_BRAND:
		return mine->brand == other->brand;
	case SAME_CAMPAIGN:
		return mine->campaign == other->campaign;
	case SAME_OFFER:
		return mine->offer == other->offer;
	default:
		return mine->list == other->list;
	}
}

/* ---- zones -------------------------------------------------------------------------------------- */

#define FIRST_S INT64_C(1735689600) /* 2025-01-01 */
#define LAST_S INT64_C(1924992000)  /* 2031-01-01 */
#define CHANGES_MAX 32

static struct zone {
	bool ready;
	int count;
	int64_t from_s[CHANGES_MAX], offset_s[CHANGES_MAX];
} zones[ZONES];

static int64_t ask_offset_s(int64_t time_s)
{
	time_t time = (time_t)time_s;
	struct tm local;

	return localtime_r(&time, &local) != NULL ? local.tm_gmtoff : 0;
}

/* The first second in (low, high] with another offset than low. */
static int64_t find_change_s(int64_t low_s, int64_t high_s)
{
	int64_t before_s = ask_offset_s(low_s);

	while (high_s - low_s > 1) {
		int64_t middle_s = low_s + (high_s - low_s) / 2;

		if (ask_offset_s(middle_s) == before_s)
			low_s = middle_s;
		else
			high_s = middle_s;
	}
	return high_s;
}

static void learn_zone(int number)
{
	struct zone *zone = &zones[number];

	(void)setenv("TZ", zone_words[number], 1);
	tzset();
	zone->from_s[0] = INT64_MIN;
	zone->offset_s[0] = ask_offset_s(FIRST_S);
	zone->count = 1;
	for (int64_t day_s = FIRST_S; day_s < LAST_S && zone->count < CHANGES_MAX; day_s += 86400) {
		if (ask_offset_s(day_s + 86400) == zone->offset_s[zone->count - 1])
			continue;
		zone->from_s[zone->count] = find_change_s(day_s, day_s + 86400);
		zone->offset_s[zone->count++] = ask_offset_s(day_s + 86400);
	}
	zone->ready = true;
}

static int64_t local_s(int number, int64_t time_us)
{
	struct zone *zone = &zones[number];
	int64_t time_s = time_us / SECOND_US;
	int i;

	if (!zone->ready)
		learn_zone(number);
	for (i = zone->count - 1; zone->from_s[i] > time_s; i--)
		;
	return time_s + zone->offset_s[i];
}

void zone_clock(int zone, int64_t time_us, struct clock *ret)
{
	int64_t local = local_s(zone, time_us);
	time_t as_utc = (time_t)local;
	struct tm date;

	(void)gmtime_r(&as_utc, &date);
	*ret = (struct clock){.year = date.tm_year + 1900,
	    .month = date.tm_mon + 1,
	    .day = date.tm_mday,
	    .weekday = (date.tm_wday + 6) % 7,
	    .minute = date.tm_hour * 60 + date.tm_min};
}

int64_t period_number(enum period period, int zone, int64_t time_us)
{
	int64_t local = local_s(zone, time_us), days = local / 86400;
	time_t as_utc = (time_t)local;
	struct tm date;

	if (period == DAY)
		return days;
	if (period == WEEK)
		return (days + 3) / 7; /* 1970-01-01 was a Thursday */
	(void)gmtime_r(&as_utc, &date);
	if (period == MONTH)
		return date.tm_year * 12 + date.tm_mon;
	return period == QUARTER ? date.tm_year * 4 + date.tm_mon / 3 : date.tm_year;
}

int64_t period_end_us(enum period period, int zone, int64_t time_us)
{
	int64_t number = period_number(period, zone, time_us), low_s = time_us / SECOND_US, high_s = low_s;

	while (period_number(period, zone, high_s * SECOND_US) == number) {
		low_s = high_s;
		high_s += 20 * 3600;
	}
	while (high_s - low_s > 1) {
		int64_t middle_s = low_s + (high_s - low_s) / 2;

		if (period_number(period, zone, middle_s * SECOND_US) == number)
			low_s = middle_s;
		else
			high_s = middle_s;
	}
	return high_s * SECOND_US;
}

bool rule_sees(const struct rule_spec *rule, int64_t happened_us, int64_t time_us, bool perhaps)
{
	int64_t first_us = happened_us, last_us = happened_us;

	if (perhaps && time_us - happened_us > FOLDED_US) {
		first_us -= happened_us % DAY_US;
		last_us = first_us + DAY_US;
	}
	if (rule->window_s > 0)
		return last_us > time_us - rule->window_s * SECOND_US;
	return period_number(rule->period, rule->zone, first_us) <=
		   period_number(rule->period, rule->zone, time_us) &&
	       period_number(rule->period, rule->zone, last_us) >=
		   period_number(rule->period, rule->zone, time_us);
}

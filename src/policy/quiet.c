/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The rule "quiet_hours": nobody is written to at night, on his free days and on holidays, by the clocks
 * where he is. An hour that the clocks show twice is quiet both times.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>

#include "engine.h"

#define MINUTE_S 60
#define DAY_S INT64_C(86400)
/* 1970-01-01 was a Thursday, Monday being 0; the calendar holds the years 1 to 9999. */
#define EPOCH_WEEKDAY 3
#define FIRST_DAY INT64_C(-719162)
#define LAST_DAY INT64_C(2932896)
#define NO_TIME INT64_MAX

/* ---- by the clock on the wall, in seconds since its 1970-01-01 00:00 ----------------------------- */

static bool has_date(const struct tact_quiet_hours *quiet, int year, int month, int day)
{
	const struct tact_date wanted = {year, month, day};

	return quiet->holidays_count > 0 && bsearch(&wanted, quiet->holidays, quiet->holidays_count,
						sizeof wanted, tact_policy_compare_dates) != NULL;
}

static bool is_holiday(const struct tact_quiet_hours *quiet, int64_t day)
{
	int year, month, month_day;

	if (quiet->holidays_count == 0)
		return false;
	tact_date_of_day(day, &year, &month, &month_day);
	return has_date(quiet, 0, month, month_day) || has_date(quiet, year, month, month_day);
}

static const struct tact_span *find_span(const struct tact_quiet_hours *quiet, int64_t minute)
{
	for (size_t i = 0; i < quiet->spans_count; i++)
		if (minute >= quiet->spans[i].from_minute && minute < quiet->spans[i].to_minute)
			return &quiet->spans[i];
	return NULL;
}

/* The first second from local_s on that is not quiet. */
static int64_t next_free(const struct tact_quiet_hours *quiet, int64_t local_s)
{
	if (local_s < FIRST_DAY * DAY_S)
		local_s = FIRST_DAY * DAY_S;
	for (;;) {
		int64_t day = policy_floor_divide(local_s, DAY_S);
		int64_t monday = day - ((day + EPOCH_WEEKDAY) % 7 + 7) % 7;
		const struct tact_span *span;

		if (day > LAST_DAY)
			return NO_TIME;
		if (is_holiday(quiet, day)) {
			local_s = (day + 1) * DAY_S;
			continue;
		}
		span = find_span(quiet, (local_s - monday * DAY_S) / MINUTE_S);
		if (span == NULL)
			return local_s;
		local_s = monday * DAY_S + span->to_minute * INT64_C(60);
	}
}

/* ---- a year of nothing but quiet ------------------------------------------------------------------ */

static bool is_quiet_all_day(const struct tact_quiet_hours *quiet, int weekday)
{
	for (size_t i = 0; i < quiet->spans_count; i++)
		if (quiet->spans[i].from_minute <= weekday * 1440 &&
		    quiet->spans[i].to_minute >= (weekday + 1) * 1440)
			return true;
	return false;
}

static bool is_quiet_year(const struct tact_quiet_hours *quiet, int year)
{
	int64_t last = tact_date_day(year, 12, 31);

	for (int64_t day = tact_date_day(year, 1, 1); day <= last; day++) {
		int of_year, month, month_day;

		tact_date_of_day(day, &of_year, &month, &month_day);
		if (!has_date(quiet, 0, month, month_day) &&
		    !is_quiet_all_day(quiet, (int)((day + EPOCH_WEEKDAY) % 7)))
			return false;
	}
	return true;
}

/* Every calendar a year may have comes up within 28 years. */
bool tact_policy_is_always_quiet(const struct tact_quiet_hours *quiet)
{
	for (int year = 2000; year < 2028; year++)
		if (is_quiet_year(quiet, year))
			return true;
	return false;
}

/* ---- the rule ------------------------------------------------------------------------------------- */

static const struct tact_quiet_hours *quiet_of(const struct asker *asker, size_t rule)
{
	return &asker->book->rules->rules[rule].quiet_hours;
}

void policy_quiet_prepare(struct asker *asker, size_t rule, int64_t from_us)
{
	(void)from_us;
	asker->seats[rule].zone = policy_person_zone(asker, quiet_of(asker, rule)->zone);
}

/* As long as the clocks are not changed, what they show and what is are the same distance apart; then it is
 * looked at again. */
int64_t policy_quiet_earliest(const struct asker *asker, size_t rule, int64_t t_us)
{
	const struct tact_zone *zone = asker->seats[rule].zone;
	int64_t from_s = policy_floor_divide(t_us, POLICY_SECOND_US), time_s = from_s, end_s;

	for (;;) {
		int offset_s = tact_zone_offset(zone, time_s, time_s, &end_s);
		int64_t free_s = next_free(quiet_of(asker, rule), time_s + offset_s);

		if (free_s == NO_TIME)
			return POLICY_NEVER;
		free_s -= offset_s;
		if (free_s == from_s)
			return t_us;
		(void)tact_zone_offset(zone, time_s, free_s + 1, &end_s);
		if (free_s == time_s || end_s > free_s)
			return free_s * POLICY_SECOND_US;
		time_s = end_s;
	}
}

static const char *clock_words(struct tact_arena *arena, const struct tact_zone *zone, int64_t t_us)
{
	static const char *const days[] = {"", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	struct tact_local_time t;

	tact_zone_local(zone, policy_floor_divide(t_us, POLICY_SECOND_US), &t);
	return tact_arena_printf(arena, "%s %04d-%02d-%02d %02d:%02d:%02d", days[t.weekday], t.year, t.month,
	    t.day, t.hour, t.minute, t.second);
}

void policy_quiet_judge(const struct asker *asker, size_t rule, int64_t t_us, struct tact_finding *ret)
{
	struct tact_arena *arena = asker->book->arena;
	const struct tact_zone *zone = asker->seats[rule].zone;
	const char *where = zone == quiet_of(asker, rule)->zone ? ", the zone of the rule" : "";
	int64_t earliest_us = policy_quiet_earliest(asker, rule, t_us);

	ret->has_numbers = true;
	ret->window = JOIN(arena, "quiet hours in ", tact_zone_name(zone));
	ret->why = JOIN(arena, "not quiet in ", tact_zone_name(zone), where);
	if (earliest_us == t_us)
		return;
	ret->fired = true;
	ret->count_milli = 1000;
	ret->until_us = earliest_us;
	ret->frees_at_us = earliest_us == POLICY_NEVER ? 0 : earliest_us;
	ret->why = JOIN(arena, "quiet at ", clock_words(arena, zone, t_us), " in ", tact_zone_name(zone),
	    where, ret->frees_at_us == 0 ? "" : "; over at ",
	    ret->frees_at_us == 0 ? "" : clock_words(arena, zone, earliest_us));
}

const char *policy_quiet_words(const struct asker *asker, const struct tact_finding *finding, int64_t t_us)
{
	(void)t_us;
	return JOIN(asker->book->arena, finding->rule->name, ": quiet hours where the recipient is");
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Time zones and the calendar periods in them; reading and writing of times is in time.c.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "zone.h"

#define DAY_S INT64_C(86400)
/* GDate counts days from 1 = 0001-01-01; this is 1970-01-01. The last is 9999-12-31. */
#define EPOCH_DAY INT64_C(719163)
#define LAST_DAY INT64_C(3652059)
#define LAST_MONTH (INT64_C(9999) * 12 + 11)
/* No place on earth was ever further from UTC. */
#define FARTHEST_OFFSET_S (26 * INT64_C(3600))

/* ---- opening ----------------------------------------------------------------------------------------- */

/* GLib also takes "+01:00", "EST5EDT4,M3.2.0,M11.1.0" and absolute names; a person who writes one of those in
 * a configuration has no tz database zone in mind, so only plain relative names are looked up at all. */
static bool is_plain_name(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";

	return name != NULL && *name != '\0' && *name != '/' && strlen(name) < 128 &&
	       name[strspn(name, letters)] == '\0';
}

const char *zone_folder(void)
{
	const char *folder = getenv("TZDIR"); /* GLib reads below the same one */

	return folder == NULL ? "/usr/share/zoneinfo" : folder;
}

/* The folder also holds tables and, below right/, zones that count leap seconds, which our time does not. */
bool zone_is_file(const char *folder, const char *name)
{
	char path[4096], magic[4];
	struct stat st;
	FILE *file;
	bool found;

	if (strncmp(name, "right/", 6) == 0)
		return false;
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	if (!is_plain_name(name) || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	found = fread(magic, 1, sizeof magic, file) == sizeof magic && memcmp(magic, "TZif", 4) == 0;
	(void)fclose(file);
	return found;
}

struct tact_zone *tact_zone_open(const char *name)
{
	struct tact_zone *zone;
	GTimeZone *rules;

	if (!is_plain_name(name))
		return NULL;
	if (strcmp(name, "UTC") == 0)
		rules = g_time_zone_new_utc();
	else
		rules = zone_is_file(zone_folder(), name) ? g_time_zone_new_identifier(name) : NULL;
	if (rules == NULL)
		return NULL;
	zone = tact_calloc(1, sizeof *zone);
	zone->rules = rules;
	zone->name = tact_strdup(name);
	return zone;
}

void tact_zone_free(struct tact_zone **zone)
{
	if (zone == NULL || *zone == NULL)
		return;
	g_time_zone_unref((*zone)->rules);
	free((char *)(uintptr_t)(*zone)->name);
	free(*zone);
	*zone = NULL;
}

const char *tact_zone_name(const struct tact_zone *zone)
{
	return zone->name;
}

/* ---- seconds and days -------------------------------------------------------------------------------- */

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

static int64_t floor_divide(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int find_change(const struct tact_zone *zone, int64_t time_s)
{
	size_t low = 0, high = zone->changes_count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (zone->changes[middle].time_s <= time_s)
			low = middle;
		else
			high = middle;
	}
	return (int)low;
}

int zone_interval_at(const struct tact_zone *zone, int64_t time_s)
{
	if (zone->rules == NULL)
		return find_change(zone, time_s);
	return g_time_zone_find_interval(zone->rules, G_TIME_TYPE_UNIVERSAL, time_s);
}

static int64_t interval_offset_s(const struct tact_zone *zone, int interval)
{
	if (zone->rules == NULL)
		return zone->changes[interval].offset_s;
	return g_time_zone_get_offset(zone->rules, interval);
}

int64_t zone_interval_end(const struct tact_zone *zone, int64_t low_s, int64_t high_s)
{
	int interval = zone_interval_at(zone, low_s);

	while (high_s - low_s > 1) {
		int64_t middle_s = low_s + (high_s - low_s) / 2;

		if (zone_interval_at(zone, middle_s) == interval)
			low_s = middle_s;
		else
			high_s = middle_s;
	}
	return high_s;
}

/* The first second at which the clocks show local_s or more: walks the intervals (nearly always one, seldom
 * two) that it may lie in. In a gap that is the end of an interval, in an overlap it lies in the earlier one.
 */
static int64_t from_local_seconds(const struct tact_zone *zone, int64_t local_s)
{
	int64_t start_s = local_s - FARTHEST_OFFSET_S, last_s = local_s + FARTHEST_OFFSET_S;
	int last = zone_interval_at(zone, last_s);

	for (;;) {
		int interval = zone_interval_at(zone, start_s);
		int64_t time_s = local_s - interval_offset_s(zone, interval);
		int64_t end_s;

		if (time_s < start_s)
			time_s = start_s;
		if (interval == last)
			return time_s;
		end_s = zone_interval_end(zone, start_s, last_s);
		if (time_s < end_s)
			return time_s;
		start_s = end_s;
	}
}

/* Both within the calendar, where the zone's rules can be asked. */
static int64_t clamp_time(int64_t time_s)
{
	return clamp(time_s, (2 - EPOCH_DAY) * DAY_S, (LAST_DAY - 1 - EPOCH_DAY) * DAY_S);
}

int tact_zone_offset(const struct tact_zone *zone, int64_t time_s, int64_t until_s, int64_t *ret_end_s)
{
	int64_t from_s = clamp_time(time_s), to_s = clamp_time(until_s);
	int interval = zone_interval_at(zone, from_s);

	/* Beyond the calendar nothing is changed: an end that is cut would lie before what was asked about.
	 */
	*ret_end_s = to_s <= from_s || zone_interval_at(zone, to_s) == interval
			 ? until_s
			 : zone_interval_end(zone, from_s, to_s);
	return (int)interval_offset_s(zone, interval);
}

static int64_t to_local_seconds(const struct tact_zone *zone, int64_t time_s)
{
	time_s = clamp_time(time_s);
	return time_s + interval_offset_s(zone, zone_interval_at(zone, time_s));
}

static GDate date_of_day(int64_t day)
{
	GDate date;

	g_date_clear(&date, 1);
	g_date_set_julian(&date, (guint32)clamp(day, 1, LAST_DAY));
	return date;
}

/* First day of a month counted from the (never met) January of the year 0. */
static int64_t day_of_month_start(int64_t month)
{
	GDate date;

	month = clamp(month, 12, LAST_MONTH);
	g_date_clear(&date, 1);
	g_date_set_dmy(&date, 1, (GDateMonth)(month % 12 + 1), (GDateYear)(month / 12));
	return g_date_get_julian(&date);
}

/* ---- periods ----------------------------------------------------------------------------------------- */

static int64_t months_in(enum tact_period period)
{
	return period == TACT_MONTH ? 1 : period == TACT_QUARTER ? 3 : 12;
}

/* First day of the period OFFSET periods after the one that holds the day. */
static int64_t period_day(enum tact_period period, int64_t day, int64_t offset)
{
	GDate date = date_of_day(day);
	int64_t month, months;

	if (period == TACT_DAY)
		return day + offset;
	if (period == TACT_WEEK)
		return day - ((int64_t)g_date_get_weekday(&date) - 1) + 7 * offset;
	months = months_in(period);
	month = (int64_t)g_date_get_year(&date) * 12 + ((int64_t)g_date_get_month(&date) - 1);
	return day_of_month_start((month / months + offset) * months);
}

static int64_t day_start(const struct tact_zone *zone, int64_t day)
{
	return from_local_seconds(zone, (clamp(day, 1, LAST_DAY) - EPOCH_DAY) * DAY_S);
}

int64_t tact_zone_period_start(
    const struct tact_zone *zone, enum tact_period period, int64_t time_s, int offset)
{
	int64_t day = floor_divide(to_local_seconds(zone, time_s), DAY_S) + EPOCH_DAY;
	int64_t next_day = period_day(period, day, 1);

	/* Clocks set back over midnight show the old day again; but the new one has begun, and periods must
	 * not overlap. */
	if (day_start(zone, next_day) <= time_s && next_day < LAST_DAY)
		day = next_day;
	return day_start(zone, period_day(period, day, offset));
}

void tact_zone_local(const struct tact_zone *zone, int64_t time_s, struct tact_local_time *ret)
{
	int64_t local_s = to_local_seconds(zone, time_s), day = floor_divide(local_s, DAY_S);
	int second = (int)(local_s - day * DAY_S);
	GDate date = date_of_day(day + EPOCH_DAY);

	ret->year = g_date_get_year(&date);
	ret->month = (int)g_date_get_month(&date);
	ret->day = g_date_get_day(&date);
	ret->hour = second / 3600;
	ret->minute = second / 60 % 60;
	ret->second = second % 60;
	ret->weekday = (int)g_date_get_weekday(&date);
	ret->offset_s = (int)interval_offset_s(zone, zone_interval_at(zone, time_s));
}

/* Months and days past their ends run on into the next, so that "day + 1" is always a question that has an
 * answer. */
int64_t tact_zone_from_local(
    const struct tact_zone *zone, int year, int month, int day, int hour, int minute, int second)
{
	int64_t first = day_of_month_start((int64_t)year * 12 + month - 1);
	int64_t local_s = (clamp(first + day - 1, 1, LAST_DAY) - EPOCH_DAY) * DAY_S;

	return from_local_seconds(zone, local_s + hour * INT64_C(3600) + minute * INT64_C(60) + second);
}

/* ---- dates ------------------------------------------------------------------------------------------- */

int tact_date_days_in_month(int year, int month)
{
	if (month < 1 || month > 12 || year < 1 || year > 9999)
		return 0;
	return g_date_get_days_in_month((GDateMonth)month, (GDateYear)year);
}

int64_t tact_date_day(int year, int month, int day)
{
	return day_of_month_start((int64_t)year * 12 + month - 1) - EPOCH_DAY + day - 1;
}

void tact_date_of_day(int64_t day, int *ret_year, int *ret_month, int *ret_day)
{
	GDate date = date_of_day(clamp(day, -EPOCH_DAY, LAST_DAY) + EPOCH_DAY);

	*ret_year = g_date_get_year(&date);
	*ret_month = (int)g_date_get_month(&date);
	*ret_day = g_date_get_day(&date);
}

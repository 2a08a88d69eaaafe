/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Points in time read from text and written as text; which zone a place keeps is in zone.c.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <glib.h>

#include <tact/base.h>

#define SECOND_US 1000000
/* 0001-01-01 and the last second of 9999: what RFC 3339 can write, and GLib can hold. */
#define FIRST_S INT64_C(-62135596800)
#define LAST_S INT64_C(253402300799)

/* In the shape a 0 is any digit; anything else is itself. Answers how many characters fit, or 0. */
static size_t match_shape(const char *text, const char *shape)
{
	size_t i;

	for (i = 0; shape[i] != '\0'; i++)
		if (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
			return 0;
	return i;
}

/* Takes ".FRACTION" where there is one. What is finer than a microsecond is cut off. Answers what follows it.
 */
static const char *take_fraction(const char *p, int64_t *ret_us)
{
	int64_t weight = SECOND_US / 10;

	*ret_us = 0;
	if (p[0] != '.' || p[1] < '0' || p[1] > '9')
		return p;
	for (p++; *p >= '0' && *p <= '9'; p++, weight /= 10)
		*ret_us += (*p - '0') * weight;
	return p;
}

static int parse_seconds(const char *text, int64_t *ret_us)
{
	char number[24];
	int64_t seconds, fraction_us;
	size_t length = strcspn(text, ".");

	if (length >= sizeof number || *take_fraction(text + length, &fraction_us) != '\0')
		return TACT_INVALID;
	memcpy(number, text, length);
	number[length] = '\0';
	if (tact_text_parse_int(number, FIRST_S, LAST_S, &seconds, NULL) != TACT_OK)
		return TACT_INVALID;
	*ret_us = seconds * SECOND_US + (number[0] == '-' ? -fraction_us : fraction_us);
	return TACT_OK;
}

static int two_digits(const char *text)
{
	return 10 * (text[0] - '0') + text[1] - '0';
}

/* UTC counted out, since files of millions of rows have a time in each. False of whatever is out of the
 * ordinary. */
static bool count_seconds(const char *date, const char *time_of_day, int64_t *ret_s)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
	int year = 100 * two_digits(date) + two_digits(date + 2), month = two_digits(date + 5),
	    day = two_digits(date + 8), hour = two_digits(time_of_day), minute = two_digits(time_of_day + 3),
	    second = two_digits(time_of_day + 6), years = year - 1;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int64_t days;

	if (year < 1 || month < 1 || month > 12 || day < 1 ||
	    day > before[month] - before[month - 1] + (leap && month == 2) || hour > 23 || minute > 59 ||
	    second > 59)
		return false;
	days = 365 * (int64_t)years + years / 4 - years / 100 + years / 400 + before[month - 1] +
	       (leap && month > 2) + day - 1;
	*ret_s = FIRST_S + 86400 * days + 3600 * hour + 60 * minute + second;
	return true;
}

/* GLib knows the calendar; it is handed one canonical form, because it would take many more than we promise.
 * It turns the second 60 of a leap second into 59, which is right, and 61 too, which is not. */
static int parse_canonical(const char *date, const char *time_of_day, const char *offset, int64_t *ret_s)
{
	char text[40];
	GDateTime *when;

	if (strcmp(offset, "Z") == 0 && count_seconds(date, time_of_day, ret_s))
		return TACT_OK;
	if (memcmp(time_of_day + 6, "60", 2) > 0)
		return TACT_INVALID;
	(void)snprintf(text, sizeof text, "%.10sT%.8s%s", date, time_of_day, offset);
	when = g_date_time_new_from_iso8601(text, NULL);
	if (when == NULL)
		return TACT_INVALID;
	*ret_s = g_date_time_to_unix(when);
	g_date_time_unref(when);
	return TACT_OK;
}

/* "Z" or "+01:00", and nothing behind it. GLib's limit of 24 hours is more than RFC 3339 allows. */
static bool is_offset(const char *text)
{
	if (strcmp(text, "Z") == 0)
		return true;
	return (match_shape(text, "+00:00") == 6 || match_shape(text, "-00:00") == 6) && text[6] == '\0' &&
	       memcmp(text + 1, "24", 2) < 0 && text[4] < '6';
}

static int parse_calendar(const char *text, int64_t *ret_us)
{
	const char *time_of_day = "00:00:00", *offset = "Z";
	int64_t seconds, fraction_us = 0;

	if (match_shape(text, "0000-00-00") == 0)
		return TACT_INVALID;
	if (text[10] != '\0') {
		time_of_day = text + 11;
		if (strchr("Tt ", text[10]) == NULL || match_shape(time_of_day, "00:00:00") == 0)
			return TACT_INVALID;
		offset = take_fraction(time_of_day + 8, &fraction_us);
		if ((*offset == '\0' && text[10] == ' ') || strcmp(offset, "z") == 0)
			offset = "Z";
	}
	if (!is_offset(offset) || parse_canonical(text, time_of_day, offset, &seconds) != TACT_OK)
		return TACT_INVALID;
	*ret_us = seconds * SECOND_US + fraction_us;
	return TACT_OK;
}

int tact_text_parse_time(const char *text, int64_t *ret_us, struct tact_error *err)
{
	int result = TACT_INVALID;

	if (text != NULL)
		result = *text == '@' ? parse_seconds(text + 1, ret_us) : parse_calendar(text, ret_us);
	if (result != TACT_OK)
		return tact_error_set(err, result,
		    "\"%.64s\" is not a time: 2026-11-24T09:00:00Z, 2026-11-24 09:00:00 (UTC), 2026-11-24 or "
		    "@SECONDS is wanted",
		    text == NULL ? "" : text);
	return TACT_OK;
}

char *tact_text_format_time(struct tact_arena *arena, int64_t time_us)
{
	int64_t fraction_us = time_us % SECOND_US;
	time_t seconds = (time_t)(time_us / SECOND_US);
	struct tm tm;
	char text[80];

	if (fraction_us < 0) {
		fraction_us += SECOND_US;
		seconds--;
	}
	(void)gmtime_r(&seconds, &tm);
	(void)snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (fraction_us == 0)
		return tact_arena_printf(arena, "%sZ", text);
	return tact_arena_printf(arena, "%s.%06" PRId64 "Z", text, fraction_us);
}

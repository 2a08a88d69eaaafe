/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Days, hours and lengths of time as rules are told of them, read and written. What a rule makes of them is
 * the matter of its own file.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

#define DAY_MINUTES 1440
#define WEEK_MINUTES (7 * DAY_MINUTES)

static bool is_digits(const char *text, size_t count)
{
	return strspn(text, "0123456789") >= count;
}

static int two_digits(const char *text)
{
	return (text[0] - '0') * 10 + (text[1] - '0');
}

/* ---- days of the week --------------------------------------------------------------------------- */

static const char *const weekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* Monday 0; -1 for none. */
static int weekday_of(const char *text)
{
	for (int i = 0; i < 7; i++)
		if (strncmp(text, weekdays[i], 3) == 0)
			return i;
	return -1;
}

int tact_policy_parse_weekdays(const char *text, unsigned *days, struct tact_error *err)
{
	size_t length = strlen(text);
	int first = weekday_of(text), last = first;

	if (length == 7 && text[3] == '-')
		last = weekday_of(text + 4);
	else if (length != 3)
		first = -1;
	if (first < 0 || last < 0)
		return tact_error_set(err, TACT_INVALID, "not a day of the week such as sat or mon-fri");
	for (int day = first;; day = (day + 1) % 7) {
		*days |= 1U << day;
		if (day == last)
			return TACT_OK;
	}
}

/* ---- hours -------------------------------------------------------------------------------------- */

/* "08:00"; -1 when it is none. */
static int minute_of(const char *text)
{
	int hour, minute;

	if (!is_digits(text, 2) || text[2] != ':' || !is_digits(text + 3, 2))
		return -1;
	hour = two_digits(text);
	minute = two_digits(text + 3);
	return minute > 59 || hour > 24 || (hour == 24 && minute > 0) ? -1 : hour * 60 + minute;
}

static void add_span(struct tact_arena *arena, struct tact_span **spans, size_t *count, int from, int to)
{
	if (from < to)
		*TACT_PUSH(arena, *spans, *count) = (struct tact_span){from, to};
}

/* What runs past Sunday is the beginning of Monday. */
static void add_day(
    struct tact_arena *arena, struct tact_span **spans, size_t *count, int day, int from, int to)
{
	int start = day * DAY_MINUTES + from, end = day * DAY_MINUTES + (to > from ? to : to + DAY_MINUTES);

	add_span(arena, spans, count, start, end > WEEK_MINUTES ? WEEK_MINUTES : end);
	add_span(arena, spans, count, 0, end - WEEK_MINUTES);
}

int tact_policy_parse_hours(struct tact_arena *arena, const char *text, struct tact_span **spans,
    size_t *spans_count, struct tact_error *err)
{
	const char *blank = strchr(text, ' '), *hours = blank == NULL ? text : blank + 1;
	unsigned days = blank == NULL ? 0x7f : 0;
	int from, to;

	if (blank != NULL &&
	    tact_policy_parse_weekdays(tact_arena_strndup(arena, text, (size_t)(blank - text)), &days, err) !=
		TACT_OK)
		return TACT_INVALID;
	from = strlen(hours) == 11 && hours[5] == '-' ? minute_of(hours) : -1;
	to = from < 0 ? -1 : minute_of(hours + 6);
	if (to < 0 || from == DAY_MINUTES)
		return tact_error_set(err, TACT_INVALID, "without hours such as 21:00-08:00");
	if (from == to)
		return tact_error_set(err, TACT_INVALID, "no time, or all day: it begins when it ends");
	for (int day = 0; day < 7; day++)
		if (days >> day & 1)
			add_day(arena, spans, spans_count, day, from, to);
	return TACT_OK;
}

static int compare_spans(const void *a, const void *b)
{
	return ((const struct tact_span *)a)->from_minute - ((const struct tact_span *)b)->from_minute;
}

size_t tact_policy_join_spans(struct tact_span *spans, size_t count)
{
	size_t joined = 0;

	if (count > 0)
		qsort(spans, count, sizeof *spans, compare_spans);
	for (size_t i = 0; i < count; i++) {
		struct tact_span *last = joined > 0 ? &spans[joined - 1] : NULL;

		if (last == NULL || spans[i].from_minute > last->to_minute)
			spans[joined++] = spans[i];
		else if (spans[i].to_minute > last->to_minute)
			last->to_minute = spans[i].to_minute;
	}
	return joined;
}

/* ---- dates -------------------------------------------------------------------------------------- */

int tact_policy_parse_date(const char *text, struct tact_date *ret)
{
	struct tact_date date = {0};
	const char *rest = text;

	if (strlen(text) == 10 && is_digits(text, 4) && text[4] == '-') {
		date.year = two_digits(text) * 100 + two_digits(text + 2);
		rest = text + 5;
	}
	if (strlen(rest) != 5 || !is_digits(rest, 2) || rest[2] != '-' || !is_digits(rest + 3, 2) ||
	    (rest != text && date.year < 1970))
		return TACT_INVALID;
	date.month = two_digits(rest);
	date.day = two_digits(rest + 3);
	/* A day of every year may be the 29th of February. */
	if (date.day < 1 || date.day > tact_date_days_in_month(date.year == 0 ? 2000 : date.year, date.month))
		return TACT_INVALID;
	*ret = date;
	return TACT_OK;
}

int tact_policy_compare_dates(const void *a, const void *b)
{
	const struct tact_date *left = a, *right = b;

	if (left->year != right->year)
		return left->year - right->year;
	return left->month != right->month ? left->month - right->month : left->day - right->day;
}

/* ---- how long a permission lasts ---------------------------------------------------------------- */

static const char *const periods[] = {"day", "week", "month", "quarter", "year"};

static int parse_basis(
    struct tact_arena *arena, const char *text, struct tact_expiry *ret, struct tact_error *err)
{
	const char *colon = strchr(text, ':'), *basis;

	basis = colon == NULL ? text : tact_arena_strndup(arena, text, (size_t)(colon - text));
	basis = tact_text_trim(arena, basis);
	ret->source = colon == NULL ? NULL : tact_text_trim(arena, colon + 1);
	if (ret->source != NULL && *ret->source == '\0')
		return tact_error_set(err, TACT_INVALID, "without a source after the colon");
	if (tact_dossier_parse_basis(basis, &ret->basis) == TACT_OK)
		return TACT_OK;
	return tact_error_set(err, TACT_INVALID, "without a basis: express, implied or soft-opt-in");
}

/* "2 calendar-years", "1 calendar-year". */
static bool parse_periods(struct tact_arena *arena, const char *text, struct tact_expiry *ret)
{
	static const char calendar[] = " calendar-";
	const char *word = strstr(text, calendar);
	int64_t count;

	if (word == NULL || tact_text_parse_int(tact_arena_strndup(arena, text, (size_t)(word - text)), 1,
				9999, &count, NULL) != TACT_OK)
		return false;
	word += sizeof calendar - 1;
	for (size_t i = 0; i < sizeof periods / sizeof *periods; i++) {
		size_t length = strlen(periods[i]);

		if (strncmp(word, periods[i], length) != 0 ||
		    strcmp(word + length, count == 1 ? "" : "s") != 0)
			continue;
		ret->period = (enum tact_period)i;
		ret->periods = (int)count;
		return true;
	}
	return false;
}

int tact_policy_parse_expiry(
    struct tact_arena *arena, const char *text, struct tact_expiry *ret, struct tact_error *err)
{
	struct tact_expiry expiry = {.source = NULL};
	const char *equal = strchr(text, '='), *length;

	if (equal == NULL)
		return tact_error_set(err, TACT_INVALID, "without a =");
	if (parse_basis(arena, tact_text_trim(arena, tact_arena_strndup(arena, text, (size_t)(equal - text))),
		&expiry, err) != TACT_OK)
		return TACT_INVALID;
	length = tact_text_trim(arena, equal + 1);
	if (!parse_periods(arena, length, &expiry) &&
	    (tact_text_parse_duration(length, &expiry.length_s, NULL) != TACT_OK || expiry.length_s == 0))
		return tact_error_set(err, TACT_INVALID, "without a length such as 180d or 2 calendar-years");
	*ret = expiry;
	return TACT_OK;
}

char *tact_policy_format_expiry(struct tact_arena *arena, const struct tact_expiry *expiry)
{
	const char *colon = expiry->source == NULL ? "" : ":",
		   *source = expiry->source == NULL ? "" : expiry->source,
		   *basis = tact_dossier_basis_name(expiry->basis);

	if (expiry->periods == 0)
		return tact_arena_printf(arena, "%s%s%s = %s", basis, colon, source,
		    tact_text_format_duration(arena, expiry->length_s));
	return tact_arena_printf(arena, "%s%s%s = %d calendar-%s%s", basis, colon, source, expiry->periods,
	    periods[expiry->period], expiry->periods == 1 ? "" : "s");
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What a rule is told in words, read and written at every boundary; and the small questions that other rooms
 * put to this one without asking for an opinion.
 */
#include <config.h>

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tact/policy.h>

#include "fence.h"

#define HOUR_US INT64_C(3600000000)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct tact_arena *arena;

static void setup(void)
{
	arena = tact_arena_new();
}

static void teardown(void)
{
	fence_remove_all();
	tact_arena_free(&arena);
}

static void want_int(const char *what, int64_t got, int64_t want)
{
	ck_assert_msg(got == want, "%s: got %" PRId64 ", want %" PRId64, what, got, want);
}

static void want_text(const char *what, const char *got, const char *want)
{
	ck_assert_msg(
	    got != NULL && strcmp(got, want) == 0, "%s: got %s, want %s", what, got ? got : "(null)", want);
}

/* Words that end where what can be read ends: a look beyond is a fault that shows. */
static const char *exact(const char *text)
{
	return fence_copy(FENCE_TEXT, text, strlen(text) + 1);
}

/* ---- names of verdicts and kinds ---------------------------------------------------------------- */

START_TEST(verdicts_have_names)
{
	static const char *const names[] = {"accept", "delay", "quarantine", "reject"};

	for (int i = 0; i < 4; i++)
		want_text("verdict", tact_policy_verdict_name((enum tact_verdict)i), names[i]);
	want_text("one more", tact_policy_verdict_name((enum tact_verdict)4), "unknown");
	want_text("far beyond", tact_policy_verdict_name((enum tact_verdict)1000000), "unknown");
	want_text("one less", tact_policy_verdict_name((enum tact_verdict) - 1), "unknown");
}
END_TEST

START_TEST(kinds_have_names)
{
	static const char *const names[] = {
	    "suppression", "limit", "breaker", "consent", "quiet_hours", "occasion", "territory", "content"};
	enum tact_rule_kind kind;

	want_int("kinds", TACT_RULE_KINDS, COUNT(names));
	for (int i = 0; i < TACT_RULE_KINDS; i++) {
		want_text("kind", tact_policy_rule_kind_name((enum tact_rule_kind)i), names[i]);
		kind = TACT_RULE_KINDS;
		want_int(names[i], tact_policy_parse_rule_kind(names[i], &kind), TACT_OK);
		want_int(names[i], kind, i);
	}
	want_text("one more", tact_policy_rule_kind_name(TACT_RULE_KINDS), "unknown");
	want_text("one less", tact_policy_rule_kind_name((enum tact_rule_kind) - 1), "unknown");
	want_int("Limit", tact_policy_parse_rule_kind("Limit", &kind), TACT_INVALID);
	want_int("limits", tact_policy_parse_rule_kind("limits", &kind), TACT_INVALID);
	want_int("nothing", tact_policy_parse_rule_kind("", &kind), TACT_INVALID);
}
END_TEST

/* ---- numbers ------------------------------------------------------------------------------------ */

/* With the length given; what follows is not looked at. */
START_TEST(numbers_have_at_most_three_decimals)
{
	static const struct {
		const char *text;
		int64_t milli; /* -1: none */
	} cases[] = {
	    {"0", 0},
	    {"1", 1000},
	    {"4", 4000},
	    {"007", 7000},
	    {"10", 10000},
	    {"999999", 999999000},
	    {"1000000", -1},
	    {"00000999999", 999999000},
	    {"000000999999", -1}, /* no more than eleven digits */
	    {"123456789012345678901234567890", -1},
	    {"0.5", 500},
	    {"0.05", 50},
	    {"0.005", 5},
	    {"1.5", 1500},
	    {"1.234", 1234},
	    {"9.876", 9876},
	    {"1.000", 1000},
	    {"999999.999", 999999999},
	    {"1.2345", -1},
	    {"1.0000", -1},
	    {"1.", -1},
	    {".5", -1},
	    {".", -1},
	    {"", -1},
	    {"-1", -1},
	    {"+1", -1},
	    {" 1", -1},
	    {"1 ", -1},
	    {"1a", -1},
	    {"a", -1},
	    {"1.a", -1},
	    {"1.0a", -1},
	    {"1.00a", -1},
	    {"1.2.3", -1},
	    {"1..2", -1},
	    {"1,5", -1},
	    {"1.-5", -1},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *longer = tact_arena_printf(arena, "%s7", cases[i].text);
		size_t length = strlen(cases[i].text);
		int64_t milli = -1;
		int result = tact_policy_parse_milli(longer, length, &milli);

		want_int(cases[i].text, milli, cases[i].milli);
		want_int(cases[i].text, result, cases[i].milli < 0 ? TACT_INVALID : TACT_OK);
	}
}
END_TEST

START_TEST(limits_are_read)
{
	static const struct {
		const char *text, *window;
		int64_t milli, window_s;
		enum tact_period period;
	} cases[] = {
	    {"4/7d", "7d", 4000, 604800, TACT_DAY},
	    {"0/5d", "5d", 0, 432000, TACT_DAY},
	    {"1/1s", "1s", 1000, 1, TACT_DAY},
	    {"1.5/20h", "20h", 1500, 72000, TACT_DAY},
	    {"999999/2w", "2w", 999999000, 1209600, TACT_DAY},
	    {"2 per calendar-day", "calendar-day", 2000, 0, TACT_DAY},
	    {"3 per calendar-week", "calendar-week", 3000, 0, TACT_WEEK},
	    {"3 per calendar-month", "calendar-month", 3000, 0, TACT_MONTH},
	    {"3 per calendar-quarter", "calendar-quarter", 3000, 0, TACT_QUARTER},
	    {"0.5 per calendar-year", "calendar-year", 500, 0, TACT_YEAR},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct tact_limit limit = {.window_s = 77, .period = TACT_DAY, .rest_s = 5};
		struct tact_error err;

		want_int(
		    cases[i].text, tact_policy_parse_at_most(exact(cases[i].text), &limit, &err), TACT_OK);
		want_int(cases[i].text, limit.at_most_milli, cases[i].milli);
		want_int(cases[i].text, limit.window_s, cases[i].window_s);
		want_int(cases[i].text, limit.period, cases[i].period);
		want_text(cases[i].text, limit.window, cases[i].window);
		want_int("the rest is left alone", limit.rest_s, 5);
	}
}
END_TEST

START_TEST(what_is_no_limit_touches_nothing)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
	    {"", "not a limit"},
	    {"4", "not a limit"},
	    {"4 in 7d", "not a limit"},
	    {"4per calendar-day", "not a limit"},
	    {"/7d", "without a number of contacts below a million"},
	    {"x/7d", "without a number of contacts below a million"},
	    {"1000000/7d", "without a number of contacts below a million"},
	    {" per calendar-day", "without a number of contacts below a million"},
	    {"4/", "without a window such as 20h, 7d or 2w after the /"},
	    {"4/7", "without a window such as 20h, 7d or 2w after the /"},
	    {"4/0", "without a window such as 20h, 7d or 2w after the /"},
	    {"4/0s", "without a window such as 20h, 7d or 2w after the /"},
	    {"4/calendar-day", "without a window such as 20h, 7d or 2w after the /"},
	    {"4 per ", "without a calendar window after per"},
	    {"4 per 7d", "without a calendar window after per"},
	    {"4 per calendar-", "without a calendar window after per"},
	    {"4 per calendar-decade", "without a calendar window after per"},
	    {"4 per calendar-years", "without a calendar window after per"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct tact_limit limit = {.at_most_milli = 11, .window_s = 77, .window = "w"};
		struct tact_error err;

		want_int(cases[i].text, tact_policy_parse_at_most(exact(cases[i].text), &limit, &err),
		    TACT_INVALID);
		want_text(cases[i].text, err.text, cases[i].why);
		want_int(cases[i].text, limit.at_most_milli, 11);
		want_int(cases[i].text, limit.window_s, 77);
		want_text(cases[i].text, limit.window, "w");
	}
}
END_TEST

/* ---- days and hours ----------------------------------------------------------------------------- */

static unsigned days_of(const char *text)
{
	unsigned days = 0x100; /* adds to what is there */
	struct tact_error err;

	return tact_policy_parse_weekdays(exact(text), &days, &err) == TACT_OK ? days : 0;
}

START_TEST(weekdays_are_read)
{
	static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
	static const char *const none[] = {"", "m", "mo", "Mon", "monday", "xyz", "mox", "moo-sun", "mon-",
	    "mon-x", "mon-sa", "mon-satu", "mon-sat ", "xon-sat", "mon_sat", "monxsat", "mon-xat", "-mon",
	    "mon-tuewed"};

	for (unsigned from = 0; from < 7; from++) {
		want_int(names[from], days_of(names[from]), 0x100 | 1U << from);
		for (unsigned to = 0; to < 7; to++) {
			unsigned want = 0x100;

			for (unsigned day = from; day != to; day = (day + 1) % 7)
				want |= 1U << day;
			want |= 1U << to;
			want_int(
			    "days", days_of(tact_arena_printf(arena, "%s-%s", names[from], names[to])), want);
		}
	}
	for (size_t i = 0; i < COUNT(none); i++)
		want_int(none[i], days_of(none[i]), 0);
}
END_TEST

/* "0-540 1080-1440"; what was wrong when it is not understood. */
static const char *hours_of(const char *text)
{
	struct tact_span *spans = NULL;
	size_t count = 0;
	struct tact_error err = {.text = "nothing was wrong"};
	const char *told = "";

	if (tact_policy_parse_hours(arena, exact(text), &spans, &count, &err) != TACT_OK)
		return tact_arena_strdup(arena, err.text);
	for (size_t i = 0; i < count; i++)
		told = tact_arena_printf(
		    arena, "%s%s%d-%d", told, i > 0 ? " " : "", spans[i].from_minute, spans[i].to_minute);
	return told;
}

START_TEST(hours_are_read)
{
	static const char wrong[] = "without hours such as 21:00-08:00",
			  same[] = "no time, or all day: it begins when it ends",
			  day[] = "not a day of the week such as sat or mon-fri";
	static const struct {
		const char *text, *want;
	} cases[] = {
	    {"mon 08:00-21:00", "480-1260"},
	    {"mon 21:00-08:00", "1260-1920"},
	    {"tue 00:00-24:00", "1440-2880"},
	    {"mon 23:59-00:00", "1439-1440"},
	    {"mon 00:00-00:01", "0-1"},
	    {"mon 00:01-00:00", "1-1440"},
	    {"sun 00:00-24:00", "8640-10080"},
	    {"sun 23:59-24:00", "10079-10080"},
	    {"sun 20:00-00:00", "9840-10080"},
	    {"sun 20:00-00:01", "9840-10080 0-1"},
	    {"sun 20:00-06:00", "9840-10080 0-360"},
	    {"sun 20:00-19:59", "9840-10080 0-1199"},
	    {"sat-sun 09:30-12:59", "7770-7979 9210-9419"},
	    {"12:34-13:45", "754-825 2194-2265 3634-3705 5074-5145 6514-6585 7954-8025 9394-9465"},
	    {"10:00-09:59", "600-2039 2040-3479 3480-4919 4920-6359 6360-7799 7800-9239 9240-10080 0-599"},
	    {"21:00-21:00", same},
	    {"00:00-00:00", same},
	    {"24:00-08:00", wrong},
	    {"24:01-08:00", wrong},
	    {"25:00-08:00", wrong},
	    {"21:60-08:00", wrong},
	    {"21:00-08:60", wrong},
	    {"21:00-24:01", wrong},
	    {"21:00-25:00", wrong},
	    {"21:00-8:00", wrong},
	    {"21:00-08:0", wrong},
	    {"21:00-08:000", wrong},
	    {"21:00", wrong},
	    {"", wrong},
	    {"mon", wrong},
	    {"2x:00-08:00", wrong},
	    {"1/:00-08:00", wrong}, /* '/' stands before the digits */
	    {"21:1/-08:00", wrong},
	    {"x1:00-08:00", wrong},
	    {"21:0x-08:00", wrong},
	    {"21:x0-08:00", wrong},
	    {"21.00-08:00", wrong},
	    {"21:00_08:00", wrong},
	    {"21:00-x8:00", wrong},
	    {"21:00-08.00", wrong},
	    {"21:00-08:x0", wrong},
	    {"mon  08:00-21:00", wrong},
	    {"monday 08:00-21:00", day},
	    {" 08:00-21:00", day},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		want_text(cases[i].text, hours_of(cases[i].text), cases[i].want);
	want_text("the last minute of an hour", hours_of("mon 00:59-23:59"), "59-1439");
}
END_TEST

static const char *join(size_t count, ...)
{
	struct tact_span spans[8];
	const char *told = "";
	va_list args;

	va_start(args, count);
	for (size_t i = 0; i < count; i++) {
		spans[i].from_minute = va_arg(args, int);
		spans[i].to_minute = va_arg(args, int);
	}
	va_end(args);
	count = tact_policy_join_spans(spans, count);
	for (size_t i = 0; i < count; i++)
		told = tact_arena_printf(
		    arena, "%s%s%d-%d", told, i > 0 ? " " : "", spans[i].from_minute, spans[i].to_minute);
	return told;
}

START_TEST(spans_that_touch_are_one)
{
	want_int("no spans", (int64_t)tact_policy_join_spans(NULL, 0), 0);
	want_text("one", join(1, 5, 10), "5-10");
	want_text("apart", join(2, 5, 10, 11, 20), "5-10 11-20");
	want_text("in order", join(2, 11, 20, 5, 10), "5-10 11-20");
	want_text("touching", join(2, 5, 10, 10, 20), "5-20");
	want_text("overlapping", join(2, 5, 10, 9, 20), "5-20");
	want_text("within", join(2, 5, 20, 9, 12), "5-20");
	want_text("within, same end", join(2, 5, 20, 9, 20), "5-20");
	want_text("the same", join(2, 5, 20, 5, 20), "5-20");
	want_text("same beginning", join(2, 5, 20, 5, 25), "5-25");
	want_text("a chain", join(4, 30, 40, 0, 10, 10, 20, 20, 30), "0-40");
	want_text("from nothing", join(3, 0, 1, 2, 3, 1, 2), "0-3");
	want_text("two and two", join(4, 30, 40, 0, 10, 41, 50, 5, 29), "0-29 30-40 41-50");
}
END_TEST

/* ---- a year of nothing but quiet ----------------------------------------------------------------- */

static bool is_always_quiet(size_t count, ...)
{
	struct tact_span spans[8];
	struct tact_quiet_hours quiet = {.spans = spans, .spans_count = count};
	va_list args;

	va_start(args, count);
	for (size_t i = 0; i < count; i++) {
		spans[i].from_minute = va_arg(args, int);
		spans[i].to_minute = va_arg(args, int);
	}
	va_end(args);
	return tact_policy_is_always_quiet(&quiet);
}

/* Every day of the year but for those left out; February has 29. */
static struct tact_date *all_days(size_t *ret_count, int but_month, int but_day)
{
	struct tact_date *dates = tact_arena_alloc(arena, 366 * sizeof *dates);

	*ret_count = 0;
	for (int month = 1; month <= 12; month++)
		for (int day = 1; day <= tact_date_days_in_month(2000, month); day++)
			if (month != but_month || day != but_day)
				dates[(*ret_count)++] = (struct tact_date){0, month, day};
	return dates;
}

START_TEST(a_week_of_nothing_but_quiet_is_found)
{
	want_int("the whole week", is_always_quiet(1, 0, 10080), true);
	want_int("but its first minute", is_always_quiet(1, 1, 10080), false);
	want_int("but its last", is_always_quiet(1, 0, 10079), false);
	want_int("but a minute within", is_always_quiet(2, 0, 5000, 5001, 10080), false);
	want_int("but the first of a Tuesday", is_always_quiet(2, 0, 1440, 1441, 10080), false);
	want_int("but the last of a Monday", is_always_quiet(2, 0, 1439, 1440, 10080), false);
	want_int("no hours at all", is_always_quiet(0), false);
	want_int("a year with a day that is not", is_always_quiet(1, 0, 8640), false);
}
END_TEST

START_TEST(a_year_of_nothing_but_quiet_is_found)
{
	static const struct tact_span weekend = {7200, 10080}, week = {0, 7200};
	struct tact_quiet_hours quiet = {0};

	quiet.holidays = all_days(&quiet.holidays_count, 0, 0);
	want_int("every day a holiday", tact_policy_is_always_quiet(&quiet), true);
	/* Most years have none. */
	quiet.holidays = all_days(&quiet.holidays_count, 2, 29);
	want_int("but 29 February", tact_policy_is_always_quiet(&quiet), true);
	for (int month = 1; month <= 12; month++) {
		int last = tact_date_days_in_month(2001, month);

		quiet.spans_count = 0;
		quiet.holidays = all_days(&quiet.holidays_count, month, 1);
		want_int("but the first of a month", tact_policy_is_always_quiet(&quiet), false);
		quiet.holidays = all_days(&quiet.holidays_count, month, last);
		want_int("but the last of a month", tact_policy_is_always_quiet(&quiet), false);
		/* There is a year in which that day is on a weekend, and one in which it is not. */
		quiet.spans_count = 1;
		quiet.spans = &weekend;
		want_int("but on a weekend", tact_policy_is_always_quiet(&quiet), true);
		quiet.spans = &week;
		want_int("but in the week", tact_policy_is_always_quiet(&quiet), true);
	}
	/* The year before may be as loud as it likes. */
	quiet.holidays = all_days(&quiet.holidays_count, 12, 31);
	for (int weekday = 0; weekday < 7; weekday++) {
		const struct tact_span span = {weekday * 1440, (weekday + 1) * 1440};

		quiet.spans = &span;
		want_int("but 31 December", tact_policy_is_always_quiet(&quiet), true);
	}
}
END_TEST

/* Three days that are no holidays, and two weekdays that are quiet: together they are all quiet in one of the
 * fourteen calendars that a year may have, and each of those comes up. */
START_TEST(years_are_looked_at_until_every_calendar_was_met)
{
	for (int first = 0; first < 7; first++)
		for (int leap = 0; leap < 2; leap++) {
			/* What 1 March is when 1 January is the first. */
			int second = (first + 3 + leap) % 7;
			const struct tact_span spans[] = {
			    {first * 1440, (first + 1) * 1440}, {second * 1440, (second + 1) * 1440}};
			struct tact_quiet_hours quiet = {.spans = spans, .spans_count = 2};
			struct tact_date *dates = tact_arena_alloc(arena, 366 * sizeof *dates);

			for (int month = 1; month <= 12; month++)
				for (int day = 1; day <= tact_date_days_in_month(2000, month); day++)
					if ((month != 1 || (day != 1 && day != 4 + leap)) &&
					    (month != 3 || day != 1))
						dates[quiet.holidays_count++] =
						    (struct tact_date){0, month, day};
			quiet.holidays = dates;
			want_int("a year", tact_policy_is_always_quiet(&quiet), true);
		}
}
END_TEST

/* ---- dates -------------------------------------------------------------------------------------- */

START_TEST(dates_are_read)
{
	static const struct {
		const char *text;
		int year, month, day; /* month 0: none */
	} cases[] = {
	    {"2026-12-25", 2026, 12, 25},
	    {"12-25", 0, 12, 25},
	    {"01-01", 0, 1, 1},
	    {"12-31", 0, 12, 31},
	    {"02-29", 0, 2, 29},
	    {"02-30", 0, 0, 0},
	    {"2024-02-29", 2024, 2, 29},
	    {"2026-02-29", 0, 0, 0},
	    {"2026-02-28", 2026, 2, 28},
	    {"1970-01-01", 1970, 1, 1},
	    {"1969-12-31", 0, 0, 0},
	    {"0000-01-01", 0, 0, 0},
	    {"9999-12-31", 9999, 12, 31},
	    {"04-31", 0, 0, 0},
	    {"04-30", 0, 4, 30},
	    {"00-10", 0, 0, 0},
	    {"13-10", 0, 0, 0},
	    {"10-00", 0, 0, 0},
	    {"10-01", 0, 10, 1},
	    {"", 0, 0, 0},
	    {"1-1", 0, 0, 0},
	    {"12-5", 0, 0, 0},
	    {"12-255", 0, 0, 0},
	    {"12.25", 0, 0, 0},
	    {"1x-25", 0, 0, 0},
	    {"1/-25", 0, 0, 0},
	    {"12-1/", 0, 0, 0},
	    {"x2-25", 0, 0, 0},
	    {"12-x5", 0, 0, 0},
	    {"12-2x", 0, 0, 0},
	    {"2026-12-2", 0, 0, 0},
	    {"2026-12-255", 0, 0, 0},
	    {"2026.12-25", 0, 0, 0},
	    {"2026-12.25", 0, 0, 0},
	    {"20x6-12-25", 0, 0, 0},
	    {"x026-12-25", 0, 0, 0},
	    {"202x-12-25", 0, 0, 0},
	    {"1234567890", 0, 0, 0},
	    {"2026-12-25x", 0, 0, 0},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct tact_date date = {0, 0, 0};
		int result = tact_policy_parse_date(exact(cases[i].text), &date);

		want_int(cases[i].text, result, cases[i].month == 0 ? TACT_INVALID : TACT_OK);
		want_int(cases[i].text, date.year, cases[i].year);
		want_int(cases[i].text, date.month, cases[i].month);
		want_int(cases[i].text, date.day, cases[i].day);
	}
}
END_TEST

static int sign(int number)
{
	return (number > 0) - (number < 0);
}

START_TEST(dates_have_an_order)
{
	static const struct tact_date dates[] = {{0, 1, 31}, {0, 2, 1}, {0, 2, 2}, {0, 12, 1}, {1999, 12, 31},
	    {2000, 1, 1}, {2000, 1, 2}, {2000, 2, 1}};

	for (int a = 0; a < (int)COUNT(dates); a++)
		for (int b = 0; b < (int)COUNT(dates); b++)
			want_int("order", sign(tact_policy_compare_dates(&dates[a], &dates[b])), sign(a - b));
}
END_TEST

/* ---- how long a permission lasts ----------------------------------------------------------------- */

/* As it is written again; what was wrong when it is not understood. */
static const char *expiry_of(const char *text)
{
	struct tact_expiry expiry;
	struct tact_error err = {.text = "nothing was wrong"};

	if (tact_policy_parse_expiry(arena, exact(text), &expiry, &err) != TACT_OK)
		return tact_arena_strdup(arena, err.text);
	if ((expiry.periods == 0) != (expiry.length_s != 0))
		return "neither a length nor periods, or both";
	return tact_policy_format_expiry(arena, &expiry);
}

START_TEST(lengths_of_permissions_are_read)
{
	static const char length[] = "without a length such as 180d or 2 calendar-years",
			  basis[] = "without a basis: express, implied or soft-opt-in",
			  source[] = "without a source after the colon", equal[] = "without a =";
	static const struct {
		const char *text, *want;
	} cases[] = {
	    {"implied = 180d", "implied = 180d"},
	    {"express=1s", "express = 1s"},
	    {"  soft-opt-in  =  2w  ", "soft-opt-in = 14d"},
	    {"implied:purchase = 2 calendar-years", "implied:purchase = 2 calendar-years"},
	    {"implied : web form = 6 calendar-months", "implied:web form = 6 calendar-months"},
	    {"implied = 1 calendar-year", "implied = 1 calendar-year"},
	    {"implied = 1 calendar-day", "implied = 1 calendar-day"},
	    {"implied = 2 calendar-days", "implied = 2 calendar-days"},
	    {"implied = 3 calendar-weeks", "implied = 3 calendar-weeks"},
	    {"implied = 1 calendar-quarter", "implied = 1 calendar-quarter"},
	    {"implied = 9999 calendar-days", "implied = 9999 calendar-days"},
	    {"implied = 10000 calendar-days", length},
	    {"implied = 0 calendar-days", length},
	    {"implied = -1 calendar-days", length},
	    {"implied = 1 calendar-years", length},
	    {"implied = 2 calendar-year", length},
	    {"implied = 2 calendar-decades", length},
	    {"implied = calendar-year", length},
	    {"implied = 2 calendar-", length},
	    {"implied = 0", length},
	    {"implied = 0d", length},
	    {"implied = ", length},
	    {"implied = 5", length},
	    {"implied = 5d 2", length},
	    {"implied: = 5d", source},
	    {"implied:  = 5d", source},
	    {"implicit = 5d", basis},
	    {" = 5d", basis},
	    {":purchase = 5d", basis},
	    {"implied", equal},
	    {"", equal},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		want_text(cases[i].text, expiry_of(cases[i].text), cases[i].want);
}
END_TEST

/* ---- campaigns ---------------------------------------------------------------------------------- */

START_TEST(names_of_campaigns_have_an_order)
{
	/* '@' and '[' stand on either side of the capitals, '`' and '{' of the small letters. */
	static const char *const names[] = {
	    "", "@", "A", "AA", "b", "y", "Z", "za", "[", "_", "`", "{", "\xc3\xa4"};
	static const int order[] = {0, 1, 5, 6, 7, 8, 9, 10, 2, 3, 4, 11, 12};

	for (size_t a = 0; a < COUNT(names); a++)
		for (size_t b = 0; b < COUNT(names); b++)
			want_int(tact_arena_printf(arena, "%s and %s", names[a], names[b]),
			    sign(tact_policy_compare_campaigns(names[a], names[b])),
			    sign(order[a] - order[b]));
	want_int("case", tact_policy_compare_campaigns("AZaz", "azAZ"), 0);
	want_int("longer", sign(tact_policy_compare_campaigns("spring", "spring-2")), -1);
}
END_TEST

START_TEST(a_campaign_is_found_among_any_number)
{
	static const char *const names[] = {"b", "D", "f", "H", "j"};
	struct tact_campaign_view views[COUNT(names)] = {0};

	for (size_t count = 0; count <= COUNT(names); count++) {
		struct tact_campaigns campaigns = {.views = views, .count = count};

		for (size_t i = 0; i < count; i++)
			views[i].record.name = names[i];
		for (char c = 'a'; c <= 'k'; c++) {
			const char name[] = {c, '\0'};
			size_t at = (size_t)(c - 'b') / 2;
			const struct tact_campaign_view *want =
			    c != 'a' && (c - 'b') % 2 == 0 && at < count ? &views[at] : NULL;

			ck_assert_msg(tact_policy_find_campaign(&campaigns, name) == want,
			    "%s among %zu: got another, want %s", name, count, want ? "it" : "none");
		}
		ck_assert_ptr_null(tact_policy_find_campaign(&campaigns, ""));
	}
	ck_assert_ptr_null(tact_policy_find_campaign(NULL, "b"));
	views[0].record.name = "";
	ck_assert_ptr_null(
	    tact_policy_find_campaign(&(struct tact_campaigns){.views = views, .count = 1}, ""));
}
END_TEST

START_TEST(a_campaign_is_known_unless_its_record_could_not_be_read)
{
	bool unread[256] = {false};
	struct tact_campaigns all = {0}, some = {.unread = unread};

	unread[tact_dossier_campaign_id("spring").b[0]] = true;
	want_int("none read", tact_policy_knows_campaign(NULL, "spring"), 0);
	want_int("all read", tact_policy_knows_campaign(&all, "spring"), 1);
	want_int("its part not", tact_policy_knows_campaign(&some, "spring"), 0);
	want_int("whatever the case", tact_policy_knows_campaign(&some, "SPRING"), 0);
	memset(unread, true, sizeof unread);
	unread[tact_dossier_campaign_id("spring").b[0]] = false;
	want_int("others not", tact_policy_knows_campaign(&some, "spring"), 1);
}
END_TEST

START_TEST(planned_claims_hold_while_the_record_says_so)
{
	static const struct {
		enum tact_campaign_state state;
		int64_t tripped_us;
		bool want;
	} cases[] = {
	    {TACT_CAMPAIGN_PLANNED, 0, true},
	    {TACT_CAMPAIGN_RUNNING, 0, true},
	    {TACT_CAMPAIGN_PAUSED, 0, false},
	    {TACT_CAMPAIGN_CANCELLED, 0, false},
	    {TACT_CAMPAIGN_DONE, 0, false},
	    {TACT_CAMPAIGN_PLANNED, 1, false},
	    {TACT_CAMPAIGN_RUNNING, 1, false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct tact_campaign_view view = {
		    .record = {.state = cases[i].state, .tripped_us = cases[i].tripped_us}};

		want_int("holds", tact_policy_campaign_holds(&view), cases[i].want);
	}
	want_int("not known", tact_policy_campaign_holds(NULL), false);
}
END_TEST

static struct tact_campaign_health health_of(
    const struct tact_campaign_view *view, int64_t window_s, int64_t now_us)
{
	struct tact_campaign_health health = {-1, -1, -1, -1};

	tact_policy_campaign_health(view, window_s, now_us, &health);
	return health;
}

static void want_health(const char *what, struct tact_campaign_health got, int64_t sent, int64_t complaints,
    int64_t unsubscribes, int64_t bounces)
{
	want_int(what, got.sent, sent);
	want_int(what, got.complaints, complaints);
	want_int(what, got.unsubscribes, unsubscribes);
	want_int(what, got.bounces, bounces);
}

START_TEST(an_hour_counts_as_long_as_any_of_it_is_in_the_window)
{
	static const struct tact_campaign_hour hours[] = {
	    {10, {100, 1, 2, 3}}, {11, {200, 10, 20, 30}}, {12, {400, 100, 200, 300}}};
	const struct tact_campaign_view view = {.hours = hours, .hours_count = 3};

	want_health("no window", health_of(&view, 0, 1000 * HOUR_US), 700, 111, 222, 333);
	want_health("all in it", health_of(&view, 3 * 3600, 13 * HOUR_US), 700, 111, 222, 333);
	want_health(
	    "the first to its last µs", health_of(&view, 2 * 3600, 13 * HOUR_US - 1), 700, 111, 222, 333);
	want_health("the first is over", health_of(&view, 2 * 3600, 13 * HOUR_US), 600, 110, 220, 330);
	want_health("a second of a window", health_of(&view, 1, 13 * HOUR_US + 999999), 400, 100, 200, 300);
	want_health("no more", health_of(&view, 1, 13 * HOUR_US + 1000000), 0, 0, 0, 0);
	want_health("an hour before 1970",
	    health_of(
		&(const struct tact_campaign_view){
		    .hours = &(const struct tact_campaign_hour){-1, {100, 1, 2, 3}}, .hours_count = 1},
		0, HOUR_US),
	    100, 1, 2, 3);
	want_health("nothing sent",
	    health_of(&(const struct tact_campaign_view){.hours_count = 0}, 0, HOUR_US), 0, 0, 0, 0);
}
END_TEST

START_TEST(what_was_counted_before_it_was_let_go_on_is_left_out)
{
	static const struct tact_campaign_hour hours[] = {
	    {10, {100, 1, 2, 3}}, {11, {200, 10, 20, 30}}, {12, {400, 100, 200, 300}}};
	struct tact_campaign_view view = {.hours = hours, .hours_count = 3};

	view.record.resumed_us = 11 * HOUR_US;
	view.record.resumed_at = (struct tact_campaign_health){50, 3, 7, 11};
	want_health("of that hour what came after", health_of(&view, 0, 13 * HOUR_US), 550, 107, 213, 319);
	view.record.resumed_us = 12 * HOUR_US - 1;
	want_health("at its end", health_of(&view, 0, 13 * HOUR_US), 550, 107, 213, 319);
	view.record.resumed_us = 12 * HOUR_US;
	want_health("an hour later", health_of(&view, 0, 13 * HOUR_US), 350, 97, 193, 289);
	/* Another relay's count may be behind. */
	view.record.resumed_at = (struct tact_campaign_health){400, 101, 200, 1000};
	want_health("never below nothing", health_of(&view, 0, 13 * HOUR_US), 0, 0, 0, 0);
	view.record.resumed_at = (struct tact_campaign_health){399, 99, 199, 299};
	want_health("one more", health_of(&view, 0, 13 * HOUR_US), 1, 1, 1, 1);
}
END_TEST

START_TEST(sums_never_wrap)
{
	static const int64_t most = INT64_C(10000000000000);
	static const struct tact_campaign_hour hours[] = {
	    {10, {INT64_MAX, most - 1, most, 7}}, {11, {INT64_MAX, 1, 1, most - 8}}};
	const struct tact_campaign_view view = {.hours = hours, .hours_count = 2};

	want_health("far more than anybody sends", health_of(&view, 0, 0), most, most, most, most - 1);
}
END_TEST

/* ---- what other rooms ask ------------------------------------------------------------------------ */

/* One like it each hour, the latest first. */
static const struct tact_dossier *backwards(const struct tact_contact *contact, int64_t count)
{
	struct tact_dossier *dossier = tact_arena_alloc(arena, sizeof *dossier);

	tact_dossier_init(dossier);
	dossier->contacts = tact_arena_alloc(arena, (size_t)count * sizeof *contact);
	for (int64_t hour = count; hour > 0; hour--) {
		struct tact_contact *copy = &dossier->contacts[dossier->contacts_count++];

		*copy = *contact;
		copy->time_us = hour * HOUR_US;
	}
	return dossier;
}

START_TEST(one_rule_is_asked_alone)
{
	const struct tact_facts facts = {.purpose = TACT_PROMOTIONAL,
	    .stream = "",
	    .owner = "",
	    .brand = "",
	    .campaign = "spring",
	    .offer = "",
	    .list = "",
	    .counts = true};
	const struct tact_contact contact = {.time_us = HOUR_US,
	    .count = 1,
	    .stream = "",
	    .owner = "",
	    .brand = "",
	    .campaign = "",
	    .offer = "",
	    .list = "",
	    .counts = true};
	struct tact_rule rule = {.kind = TACT_RULE_LIMIT,
	    .limit = {.at_most_milli = 1000, .window_s = 3600, .weight_milli = {1000}}};
	struct tact_dossier dossier;

	tact_dossier_init(&dossier);
	tact_dossier_add_contact(arena, &dossier, &contact);
	for (int action = TACT_DELAY; action <= TACT_REJECT; action++) {
		rule.action = (enum tact_verdict)action;
		want_int("whatever its action",
		    tact_policy_earliest(fence_copy(FENCE_RULES, &rule, sizeof rule), &facts, &dossier, NULL,
			NULL, 0, HOUR_US + 1),
		    2 * HOUR_US);
	}
	want_int("a long record in the wrong order",
	    tact_policy_earliest(&rule, &facts, backwards(&contact, 60), NULL, NULL, 0, 20 * HOUR_US + 1),
	    61 * HOUR_US);
	dossier.contacts[0].channel = TACT_CHANNELS;
	want_int("a channel that there is not counts as mail",
	    tact_policy_earliest(&rule, &facts, &dossier, NULL, NULL, 0, HOUR_US + 1), 2 * HOUR_US);
	for (int64_t at = 0; at < 2; at++) {
		const struct tact_placed placed[] = {
		    {&facts, (2 + 9 * at) * HOUR_US, {{1}}}, {&facts, (11 - 9 * at) * HOUR_US, {{2}}}};

		want_int("with claims, in whatever order",
		    tact_policy_earliest(&rule, &facts, &dossier, NULL, placed, 2, HOUR_US + 1), 3 * HOUR_US);
	}
	rule.applies.purposes = 1U << TACT_NEWSLETTER;
	want_int("of other mail", tact_policy_earliest(&rule, &facts, &dossier, NULL, NULL, 0, HOUR_US + 1),
	    HOUR_US + 1);
	rule = (struct tact_rule){
	    .kind = TACT_RULE_BREAKER, .action = TACT_DELAY, .breaker = {.about = TACT_BREAKER_PAUSED}};
	want_int("a campaign that is not known",
	    tact_policy_earliest(&rule, &facts, &dossier, NULL, NULL, 0, HOUR_US), INT64_MAX);
}
END_TEST

/* Times and lengths that only a damaged record has: sums stop at the ends. */
START_TEST(no_time_wraps)
{
	const struct tact_facts facts = {.purpose = TACT_PROMOTIONAL,
	    .stream = "",
	    .owner = "",
	    .brand = "",
	    .campaign = "",
	    .offer = "",
	    .list = "",
	    .counts = true};
	struct tact_contact contact = {.count = 1,
	    .stream = "",
	    .owner = "",
	    .brand = "",
	    .campaign = "",
	    .offer = "",
	    .list = "",
	    .counts = true};
	struct tact_rule rule = {.kind = TACT_RULE_LIMIT,
	    .action = TACT_DELAY,
	    .limit = {.at_most_milli = 1000, .weight_milli = {1000}}};
	struct tact_dossier dossier;
	static const struct {
		int64_t window_s, contact_us, t_us, want_us;
	} cases[] = {
	    {3600, INT64_MAX - 2, INT64_MAX - 1, INT64_MAX},
	    {3600, INT64_MAX - HOUR_US, INT64_MAX - 1, INT64_MAX},
	    {3600, INT64_MAX - HOUR_US - 1, INT64_MAX - 2, INT64_MAX - 1},
	    {3600, INT64_MIN + 1, INT64_MIN + 2, INT64_MIN + 1 + HOUR_US},
	    {INT64_MAX / 1000000, 0, 1, INT64_MAX / 1000000 * 1000000},
	    {INT64_MAX / 1000000 + 1, 0, 1, INT64_MAX},
	    {INT64_MAX, 0, 1, INT64_MAX},
	};

	tact_dossier_init(&dossier);
	dossier.contacts = &contact;
	dossier.contacts_count = 1;
	for (size_t i = 0; i < COUNT(cases); i++) {
		rule.limit.window_s = cases[i].window_s;
		contact.time_us = cases[i].contact_us;
		want_int("earliest",
		    tact_policy_earliest(&rule, &facts, &dossier, NULL, NULL, 0, cases[i].t_us),
		    cases[i].want_us);
	}
}
END_TEST

START_TEST(zones_are_read_for_those_who_ask_what_time_it_is)
{
	for (int kind = 0; kind < TACT_RULE_KINDS; kind++) {
		struct tact_rule rules[3] = {
		    {.kind = TACT_RULE_LIMIT}, {.kind = TACT_RULE_CONTENT}, {.kind = TACT_RULE_TERRITORY}};
		bool want = kind == TACT_RULE_QUIET_HOURS || kind == TACT_RULE_OCCASION;

		for (size_t at = 0; at < 3; at++) {
			enum tact_rule_kind was = rules[at].kind;
			const struct tact_rule_set set = {.rules = rules, .rules_count = 3},
						   shorter = {.rules = rules, .rules_count = at};

			rules[at].kind = (enum tact_rule_kind)kind;
			want_int("reads zones", tact_policy_reads_zones(&set), want);
			want_int("not for what is not there", tact_policy_reads_zones(&shorter), false);
			rules[at].kind = was;
		}
	}
}
END_TEST

START_TEST(a_body_is_wanted_where_a_rule_searches_it)
{
	static const char *const name = "generic-salutation";
	static const struct tact_names one = {&name, 1};
	const struct tact_facts facts = {.purpose = TACT_PROMOTIONAL,
	    .stream = "",
	    .owner = "",
	    .brand = "",
	    .campaign = "",
	    .offer = "",
	    .list = ""};
	struct tact_rule rules[2] = {{.kind = TACT_RULE_CONTENT}, {.kind = TACT_RULE_CONTENT}};
	struct tact_rule_set set = {.rules = rules, .rules_count = 2};

	rules[1].content.headers_must = rules[1].content.add_headers = one;
	want_int("headers alone", tact_policy_wants_content(&set, &facts), false);
	rules[1].content.must = one;
	want_int("must", tact_policy_wants_content(&set, &facts), true);
	want_int("must, any mail", tact_policy_wants_content(&set, NULL), true);
	rules[1].content.where = TACT_WHERE_TEXT;
	want_int("of the text", tact_policy_wants_content(&set, &facts), true);
	rules[1].content.where = TACT_WHERE_SUBJECT;
	want_int("of the subject", tact_policy_wants_content(&set, &facts), false);
	rules[1].content = (struct tact_content_rule){.must_not = one};
	want_int("must_not", tact_policy_wants_content(&set, &facts), true);
	rules[1].applies.purposes = 1U << TACT_NEWSLETTER;
	want_int("for other mail", tact_policy_wants_content(&set, &facts), false);
	want_int("for any mail", tact_policy_wants_content(&set, NULL), true);
	rules[1].applies.purposes = 0;
	rules[1].kind = TACT_RULE_LIMIT;
	want_int("another kind", tact_policy_wants_content(&set, &facts), false);
	rules[0].content.must = one;
	want_int("the first", tact_policy_wants_content(&set, &facts), true);
	set.rules_count = 0;
	want_int("no rules", tact_policy_wants_content(&set, &facts), false);
}
END_TEST

/* What one rule with one pattern says of a text in which it is found. */
static const char *words_of(const char *pattern, const char *text)
{
	static const char *const name = "odd";
	static const struct tact_names names = {&name, 1};
	struct tact_pattern *compiled = NULL;
	struct tact_pattern_set set = {name, (const struct tact_pattern *const *)&compiled, 1};
	struct tact_rule rule = {
	    .kind = TACT_RULE_CONTENT, .content = {.must_not = names, .must_not_sets = &set}};
	const struct tact_rule_set rules = {.rules = &rule, .rules_count = 1};
	const struct tact_envelope envelope = {.listener = "", .sender = ""};
	const struct tact_content content = {.subject = "", .text = text, .text_bytes = strlen(text)};
	const char *words;

	want_int("pattern", tact_facts_compile_search(pattern, &compiled, NULL), TACT_OK);
	words =
	    tact_policy_read_content(arena, &rules, NULL, tact_facts_new_message(arena, &envelope), &content)
		->answers[0]
		.words;
	tact_facts_free_pattern(&compiled);
	return words;
}

START_TEST(what_was_found_is_told_in_what_smtp_can_carry)
{
	want_text("the last of ASCII that can be seen", words_of("a.b", "a~b"), "odd a~b");
	want_text("the first that cannot",
	    words_of("a.b", "a\x7f"
			    "b"),
	    "odd a?b");
	want_text("of two bytes, one mark",
	    words_of("a..?b", "a\xc3\xa4"
			      "b"),
	    "odd a?b");
	want_text("the first after the blank", words_of("a.b", "a!b"), "odd a!b");
	want_text("a control character is a blank",
	    words_of("a.b", "a\x01"
			    "b"),
	    "odd a b");
}
END_TEST

static TCase *all_tests(void)
{
	TCase *tcase = tcase_create("words");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, verdicts_have_names);
	tcase_add_test(tcase, kinds_have_names);
	tcase_add_test(tcase, numbers_have_at_most_three_decimals);
	tcase_add_test(tcase, limits_are_read);
	tcase_add_test(tcase, what_is_no_limit_touches_nothing);
	tcase_add_test(tcase, weekdays_are_read);
	tcase_add_test(tcase, hours_are_read);
	tcase_add_test(tcase, spans_that_touch_are_one);
	tcase_add_test(tcase, a_week_of_nothing_but_quiet_is_found);
	tcase_add_test(tcase, a_year_of_nothing_but_quiet_is_found);
	tcase_add_test(tcase, years_are_looked_at_until_every_calendar_was_met);
	tcase_add_test(tcase, dates_are_read);
	tcase_add_test(tcase, dates_have_an_order);
	tcase_add_test(tcase, lengths_of_permissions_are_read);
	tcase_add_test(tcase, names_of_campaigns_have_an_order);
	tcase_add_test(tcase, a_campaign_is_found_among_any_number);
	tcase_add_test(tcase, a_campaign_is_known_unless_its_record_could_not_be_read);
	tcase_add_test(tcase, planned_claims_hold_while_the_record_says_so);
	tcase_add_test(tcase, an_hour_counts_as_long_as_any_of_it_is_in_the_window);
	tcase_add_test(tcase, what_was_counted_before_it_was_let_go_on_is_left_out);
	tcase_add_test(tcase, sums_never_wrap);
	tcase_add_test(tcase, one_rule_is_asked_alone);
	tcase_add_test(tcase, no_time_wraps);
	tcase_add_test(tcase, zones_are_read_for_those_who_ask_what_time_it_is);
	tcase_add_test(tcase, a_body_is_wanted_where_a_rule_searches_it);
	tcase_add_test(tcase, what_was_found_is_told_in_what_smtp_can_carry);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("policy: words");
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, all_tests());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

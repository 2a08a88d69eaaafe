/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The date of an occasion as text. When it comes round, and in which zone, is a rule's matter.
 */
#include <config.h>

#include <string.h>

#include "record.h"

/* DIGITS of them, and no sign, which strtol would take. */
static bool read_digits(const char **text, int digits, int *ret)
{
	int value = 0;

	for (int i = 0; i < digits; i++, (*text)++) {
		if (**text < '0' || **text > '9')
			return false;
		value = 10 * value + (**text - '0');
	}
	*ret = value;
	return true;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Of February in an unknown year, 29. */
static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && (year == 0 || is_leap(year)));
}

static bool exists(const struct tact_occasion *date, bool has_year)
{
	return (!has_year || date->year > 0) && date->month >= 1 && date->month <= 12 && date->day >= 1 &&
	       date->day <= days_in(date->year, date->month);
}

int tact_dossier_parse_date(const char *text, struct tact_occasion *ret, struct tact_error *err)
{
	struct tact_occasion date = {0};
	const char *at = text;
	bool has_year = strlen(text) == strlen("1980-05-17");
	bool whole;

	if (!has_year && strncmp(at, "--", 2) == 0)
		at += 2;
	whole = (!has_year || (read_digits(&at, 4, &date.year) && *at++ == '-')) &&
		read_digits(&at, 2, &date.month) && *at++ == '-' && read_digits(&at, 2, &date.day) &&
		*at == '\0';
	if (!whole)
		return tact_error_set(err, TACT_INVALID,
		    "\"%.40s\" is not a date; write it as 1980-05-17, or without a year as --05-17", text);
	if (!exists(&date, has_year))
		return tact_error_set(err, TACT_INVALID, "there is no day %s", text);
	ret->year = date.year;
	ret->month = date.month;
	ret->day = date.day;
	return TACT_OK;
}

char *tact_dossier_format_date(struct tact_arena *arena, const struct tact_occasion *occasion)
{
	if (occasion->year == 0)
		return tact_arena_printf(arena, "--%02d-%02d", occasion->month, occasion->day);
	return tact_arena_printf(arena, "%04d-%02d-%02d", occasion->year, occasion->month, occasion->day);
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * "N in a window" as people write it: in a configuration, and of themselves in a profile.
 */
#include <config.h>

#include <string.h>

#include "engine.h"

#define UNITS_MOST 999999

static const char *const periods[] = {
    "calendar-day", "calendar-week", "calendar-month", "calendar-quarter", "calendar-year"};

int tact_policy_parse_milli(const char *text, size_t length, int64_t *ret_milli)
{
	char whole[12], fraction[4] = "000";
	const char *dot = memchr(text, '.', length);
	size_t digits = dot != NULL ? (size_t)(dot - text) : length,
	       after = dot != NULL ? length - digits - 1 : 0;
	int64_t units, rest;

	if (digits == 0 || digits >= sizeof whole || after > 3 || (dot != NULL && after == 0))
		return TACT_INVALID;
	memcpy(whole, text, digits);
	whole[digits] = '\0';
	if (after > 0)
		memcpy(fraction, dot + 1, after);
	if (strspn(whole, "0123456789") != digits || strspn(fraction, "0123456789") != 3)
		return TACT_INVALID;
	if (tact_text_parse_int(whole, 0, UNITS_MOST, &units, NULL) != TACT_OK)
		return TACT_INVALID;
	rest = (fraction[0] - '0') * 100 + (fraction[1] - '0') * 10 + (fraction[2] - '0');
	*ret_milli = units * 1000 + rest;
	return TACT_OK;
}

static int parse_sliding(const char *window, struct tact_limit *ret, struct tact_error *err)
{
	int64_t seconds;

	if (tact_text_parse_duration(window, &seconds, NULL) != TACT_OK || seconds < 1)
		return tact_error_set(
		    err, TACT_INVALID, "without a window such as 20h, 7d or 2w after the /");
	ret->window_s = seconds;
	ret->window = window;
	return TACT_OK;
}

static int parse_calendar(const char *window, struct tact_limit *ret, struct tact_error *err)
{
	for (size_t i = 0; i < sizeof periods / sizeof *periods; i++)
		if (strcmp(periods[i], window) == 0) {
			ret->window_s = 0;
			ret->period = (enum tact_period)i;
			ret->window = periods[i];
			return TACT_OK;
		}
	return tact_error_set(err, TACT_INVALID, "without a calendar window after per");
}

int tact_policy_parse_at_most(const char *text, struct tact_limit *ret, struct tact_error *err)
{
	const char *slash = strchr(text, '/'), *per = strstr(text, " per ");
	const char *end = slash != NULL ? slash : per;
	struct tact_limit limit = *ret;
	int result;

	if (end == NULL)
		return tact_error_set(err, TACT_INVALID, "not a limit");
	if (tact_policy_parse_milli(text, (size_t)(end - text), &limit.at_most_milli) != TACT_OK)
		return tact_error_set(err, TACT_INVALID, "without a number of contacts below a million");
	result = slash != NULL ? parse_sliding(slash + 1, &limit, err) : parse_calendar(per + 5, &limit, err);
	if (result == TACT_OK)
		*ret = limit;
	return result;
}

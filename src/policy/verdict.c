/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Words: the names of verdicts, and numbers and times as people read them.
 */
#include <config.h>

#include <inttypes.h>

#include "engine.h"

#define MINUTE_US (60 * POLICY_SECOND_US)

const char *tact_policy_verdict_name(enum tact_verdict verdict)
{
	static const char *const names[] = {"accept", "delay", "quarantine", "reject"};

	return (size_t)verdict < sizeof names / sizeof names[0] ? names[verdict] : "unknown";
}

char *policy_format_minute(struct tact_arena *arena, int64_t time_us)
{
	int64_t over_us = (time_us % MINUTE_US + MINUTE_US) % MINUTE_US;
	char *text;

	/* Rounded up: who comes at the minute he was told is never too early. */
	if (over_us != 0)
		time_us = policy_add(time_us, MINUTE_US - over_us);
	text = tact_text_format_time(arena, time_us);
	return tact_arena_printf(arena, "%.10s %.5s UTC", text, text + 11);
}

char *policy_format_milli(struct tact_arena *arena, int64_t milli)
{
	int digits = 3;
	int64_t fraction = milli % 1000;

	if (fraction == 0)
		return tact_arena_printf(arena, "%" PRId64, milli / 1000);
	for (; fraction % 10 == 0; fraction /= 10)
		digits--;
	return tact_arena_printf(arena, "%" PRId64 ".%0*" PRId64, milli / 1000, digits, fraction);
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Words: the names of verdicts, and numbers and times as people read them.
 */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "engine.h"

#define MINUTE_US (60 * POLICY_SECOND_US)

const char *tact_policy_verdict_name(enum tact_verdict verdict)
{
	static const char *const names[] = {"accept", "delay", "quarantine", "reject"};

	return (size_t)verdict < sizeof names / sizeof *names ? names[verdict] : "unknown";
}

char *policy_join(struct tact_arena *arena, const char *const *parts, size_t count)
{
	size_t length = 0;
	char *text, *p;

	for (size_t i = 0; i < count; i++)
		length += strlen(parts[i]);
	text = p = tact_arena_alloc(arena, length + 1);
	for (size_t i = 0; i < count; i++)
		p = stpcpy(p, parts[i]);
	return text;
}

char *policy_format_minute(struct tact_arena *arena, int64_t time_us)
{
	int64_t over_us = (time_us % MINUTE_US + MINUTE_US) % MINUTE_US;
	char *text;

	/* Rounded up: who comes at the minute he was told is never too early. */
	if (over_us != 0)
		time_us = policy_add(time_us, MINUTE_US - over_us);
	text = tact_text_format_time(arena, time_us);
	text[10] = text[16] = '\0';
	return JOIN(arena, text, " ", text + 11, " UTC");
}

char *policy_format_milli(struct tact_arena *arena, int64_t milli)
{
	int digits = 3;
	int64_t fraction = milli % 1000;

	if (milli >= 0 && milli < 10000 && fraction == 0)
		return tact_arena_strndup(arena, &"0123456789"[milli / 1000], 1);
	if (fraction == 0)
		return tact_arena_printf(arena, "%" PRId64, milli / 1000);
	for (; fraction % 10 == 0; fraction /= 10)
		digits--;
	return tact_arena_printf(arena, "%" PRId64 ".%0*" PRId64, milli / 1000, digits, fraction);
}

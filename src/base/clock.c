/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The two clocks of the machine, and the door for tests; only the ends call these.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <tact/base.h>

static int64_t read_clock_us(clockid_t clock)
{
	struct timespec now = {0};

	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t tact_clock_monotonic_ms(void)
{
	return read_clock_us(CLOCK_MONOTONIC) / 1000;
}

#ifdef TACT_TEST_CLOCK

#define TRIES 200

static void read_line(const char *path, char *line, int size_bytes)
{
	FILE *file = fopen(path, "re");

	line[0] = '\0';
	if (file == NULL)
		return;
	if (fgets(line, size_bytes, file) == NULL)
		line[0] = '\0';
	(void)fclose(file);
	line[strcspn(line, "\r\n")] = '\0';
}

static int parse_test_time(const char *line, int64_t *ret_us)
{
	int64_t offset_s;

	if (line[0] == '@')
		return tact_text_parse_time(line, ret_us, NULL);
	if (line[0] != '+' && line[0] != '-')
		return TACT_INVALID;
	if (tact_text_parse_int(line + (line[0] == '+'), -INT32_MAX, INT32_MAX, &offset_s, NULL) != TACT_OK)
		return TACT_INVALID;
	*ret_us = read_clock_us(CLOCK_REALTIME) + offset_s * 1000000;
	return TACT_OK;
}

/* A file that is just being written over is empty for a moment, so it is read again for a while. A scenario
 * that ran on in real time would prove nothing, so a file that stays wrong ends the process. */
static int64_t read_test_clock_us(const char *path)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	char line[64];
	int64_t now_us;

	for (int i = 0; i < TRIES; i++) {
		read_line(path, line, sizeof line);
		if (parse_test_time(line, &now_us) == TACT_OK)
			return now_us;
		(void)nanosleep(&moment, NULL);
	}
	tact_log(TACT_LOG_ERROR, "test clock %s: \"%s\" is not @SECONDS, +SECONDS or -SECONDS", path, line);
	_exit(EX_CONFIG);
}

int64_t tact_clock_now_us(void)
{
	const char *path = getenv("TACT_TEST_CLOCK");

	return path == NULL ? read_clock_us(CLOCK_REALTIME) : read_test_clock_us(path);
}

#else

int64_t tact_clock_now_us(void)
{
	return read_clock_us(CLOCK_REALTIME);
}

#endif

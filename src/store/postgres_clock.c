/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The database's clock. Asks nobody: it is heard with every load, and carried on in between. A load that took
 * long tells little about it.
 */
#include <config.h>

#include "postgres.h"

#include <stdlib.h>
#include <time.h>

static int64_t read_clock_us(clockid_t id)
{
	struct timespec now;
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t pg_clock_monotonic_us(void)
{
	return read_clock_us(CLOCK_MONOTONIC);
}

/* It was read at some moment of the call: what is in keeping with that stays, and is moved no further than it
 * must be otherwise. */
void pg_clock_hear(struct pg_clock *clock, int64_t store_now_us, int64_t asked_us)
{
	int64_t most_us = store_now_us - asked_us, least_us = store_now_us - pg_clock_monotonic_us();
	int64_t ahead_us = atomic_load(&clock->ahead_us);

	if (ahead_us < least_us)
		atomic_store(&clock->ahead_us, least_us);
	else if (ahead_us > most_us)
		atomic_store(&clock->ahead_us, most_us);
}

static int64_t carried_on_us(const struct pg_clock *clock)
{
	return read_clock_us(CLOCK_MONOTONIC) + atomic_load(&clock->ahead_us);
}

int64_t pg_clock_skew_us(const struct pg_clock *clock)
{
	return carried_on_us(clock) - read_clock_us(CLOCK_REALTIME);
}

/* With a clock that is read from a file, the database's is as far from it as it is from the real one. */
int64_t pg_clock_now_us(const struct pg_clock *clock)
{
#ifdef TACT_TEST_CLOCK
	if (getenv("TACT_TEST_CLOCK")) {
		int64_t skew_us = pg_clock_skew_us(clock);
		return tact_clock_now_us() + (skew_us > 1000000 || skew_us < -1000000 ? skew_us : 0);
	}
#endif
	return carried_on_us(clock);
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The threads that ask, while a group is not asked by others, whether it answers again. Each makes a
 * connection for the one question, so that it finds out about the whole way, and keeps none.
 */
#include <config.h>

#include "postgres_pool.h"

#include <time.h>

/* A key of the group: the first byte of one. */
static uint8_t byte_of_group(struct pg_worker *me)
{
	struct pg_pool *pool = me->lane->pool;
	uint8_t byte = 0;

	pthread_mutex_lock(&pool->lock);
	while (byte < PG_GROUPS - 1 && pool->groups[byte] != me->group)
		byte++;
	pthread_mutex_unlock(&pool->lock);
	return byte;
}

static bool is_answered(struct pg_worker *me)
{
	enum pg_outcome outcome;

	if (!pg_worker_ensure_link(me))
		return false;
	outcome = pg_batch_probe(
	    me->link, me->lane->writes, byte_of_group(me), tact_clock_monotonic_ms() + PG_ASK_OTHERS_MS);
	if (outcome == PG_LATE)
		outcome = pg_worker_wait(me);
	if (outcome == PG_DONE && !pg_link_noticed(me->link))
		return true;
	tact_store_report(me->lane->pool->store, TACT_UNAVAILABLE, NULL,
	    "the database does not answer yet: %s", pg_link_words(me->link));
	return false;
}

static void sleep_until(struct pg_lane *lane, int64_t at_ms)
{
	struct timespec at = {.tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000};

	if (at_ms == 0)
		pthread_cond_wait(&lane->trouble, &lane->pool->lock);
	else
		pthread_cond_timedwait(&lane->trouble, &lane->pool->lock, &at);
}

/* Lock held at both ends. */
static void probe_once(struct pg_worker *me)
{
	struct pg_lane *lane = me->lane;
	int64_t look_at_ms;
	bool answered;

	if (!pg_circuit_take_probe(me, &look_at_ms)) {
		sleep_until(lane, look_at_ms);
		return;
	}
	pthread_mutex_unlock(&lane->pool->lock);
	answered = is_answered(me);
	pg_circuit_settle_probe(me, answered);
	pg_worker_drop_link(me);
	pthread_mutex_lock(&lane->pool->lock);
}

void *pg_prober_main(void *context)
{
	struct pg_worker *me = context;
	struct pg_pool *pool = me->lane->pool;

	pthread_mutex_lock(&pool->lock);
	while (!pool->stopping)
		probe_once(me);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

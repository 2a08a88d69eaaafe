/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What waits for a lane's threads, and what one of them takes of it for its next batch: all that may share a
 * call, in the order in which it came. Waits for nothing more to come.
 */
#include <config.h>

#include "postgres_pool.h"

#define LOOK_MOST 4096 /* steps looked at for one batch */

void pg_queue_take_out(struct pg_lane *lane, struct pg_step *step)
{
	TAILQ_REMOVE(&lane->queue, step, link);
	lane->queued--;
}

void pg_queue_add(struct pg_lane *lane, struct pg_step *step)
{
	step->state = PG_QUEUED;
	TAILQ_INSERT_TAIL(&lane->queue, step, link);
	lane->queued++;
}

void pg_queue_add_again(struct pg_lane *lane, struct pg_step *step)
{
	step->state = PG_QUEUED;
	TAILQ_INSERT_HEAD(&lane->queue, step, link);
	lane->queued++;
}

uint8_t pg_group_of(const struct pg_pool *pool, const struct pg_step *step)
{
	return pool->groups[step->key.id.b[0]];
}

void pg_queue_fail(struct pg_lane *lane, uint8_t group, struct pg_request_list *woken)
{
	struct pg_step *step, *next;

	for (step = TAILQ_FIRST(&lane->queue); step; step = next) {
		next = TAILQ_NEXT(step, link);
		if (pg_group_of(lane->pool, step) == group) {
			pg_queue_take_out(lane, step);
			step->answer.result = TACT_UNAVAILABLE;
			pg_step_settle(step, woken);
		}
	}
}

static bool is_taken(const struct pg_worker *me, const struct tact_store_key *key)
{
	const struct pg_lane *lane = me->lane;

	if (!lane->writes)
		return false;
	for (size_t i = 0; i < lane->workers_count; i++)
		if (&lane->workers[i] != me && pg_batch_holds(&lane->workers[i].batch, key))
			return true;
	return false;
}

static bool may_take(const struct pg_worker *me, const struct pg_step *step)
{
	const struct pg_lane *lane = me->lane;
	uint8_t group = pg_group_of(lane->pool, step);

	if (me->batch.count > 0 ? group != me->group : lane->circuits[group].busy >= lane->share)
		return false;
	return !is_taken(me, &step->key);
}

static void mark_taken(struct pg_batch *batch)
{
	int64_t now_ms = tact_clock_monotonic_ms();

	for (size_t i = 0; i < batch->count; i++)
		batch->steps[i]->taken_ms = now_ms;
}

bool pg_queue_take(struct pg_worker *me)
{
	struct pg_lane *lane = me->lane;
	struct pg_step *step, *next;
	size_t looked = 0, most = lane->alone > 0 ? 1 : PG_BATCH_STEPS;

	me->batch.count = me->batch.cells_count = 0;
	for (step = TAILQ_FIRST(&lane->queue); step && me->batch.count < most && looked < LOOK_MOST;
	     step = next, looked++) {
		next = TAILQ_NEXT(step, link);
		if (!may_take(me, step))
			continue;
		me->group = pg_group_of(lane->pool, step);
		pg_queue_take_out(lane, step);
		step->state = PG_LOADING;
		me->batch.steps[me->batch.count++] = step;
	}
	if (me->batch.count == 0)
		return false;
	mark_taken(&me->batch);
	pg_batch_sort(&me->batch);
	lane->alone -= lane->alone > 0;
	lane->circuits[me->group].busy++;
	return true;
}

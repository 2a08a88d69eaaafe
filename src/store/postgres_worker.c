/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One of a lane's threads and its connection: takes a batch, loads it, runs it, commits it.
 */
#include <config.h>

#include "postgres_pool.h"

#include <string.h>

#define BATCH_WAIT_MS 20000 /* no call is waited for longer, whatever its deadline */
#define GROUPS_FOR_MS 60000 /* after that the database is asked again which keys may share a call */

/* ---- a worker's connection ---- */

static void set_link(struct pg_worker *me, struct pg_link *link)
{
	struct pg_pool *pool = me->lane->pool;

	pthread_mutex_lock(&pool->lock);
	me->link = link;
	me->renew = false;
	me->opened_ms = tact_clock_monotonic_ms();
	if (link && pool->stopping)
		pg_link_stop(link);
	pthread_mutex_unlock(&pool->lock);
}

void pg_worker_drop_link(struct pg_worker *me)
{
	struct pg_link *link = me->link;

	set_link(me, NULL);
	pg_link_close(&link);
}

static bool learn_groups(struct pg_worker *me)
{
	struct pg_pool *pool = me->lane->pool;
	int64_t now_ms = tact_clock_monotonic_ms();
	const void *bytes;
	size_t size;

	if (me->groups_at_ms != 0 && now_ms < me->groups_at_ms + GROUPS_FOR_MS)
		return true;
	if (pg_link_call(me->link, PG_FIND_GROUPS, NULL, 0, now_ms + BATCH_WAIT_MS) != PG_DONE)
		return false;
	bytes = pg_link_value(me->link, 0, 0, &size);
	if (size != PG_GROUPS)
		return false;
	pthread_mutex_lock(&pool->lock);
	memcpy(pool->groups, bytes, size);
	pthread_mutex_unlock(&pool->lock);
	me->groups_at_ms = now_ms;
	return true;
}

static bool open_link(struct pg_worker *me, struct tact_error *err)
{
	struct pg_link *link = NULL;

	if (pg_link_open(me->lane->pool->url, me->lane->pool->origins, &link, err) != TACT_OK)
		return false;
	me->groups_at_ms = 0;
	set_link(me, link);
	if (pg_link_greet(link, err) == TACT_OK)
		return true;
	pg_worker_drop_link(me);
	return false;
}

bool pg_worker_ensure_link(struct pg_worker *me)
{
	struct pg_pool *pool = me->lane->pool;
	struct tact_error err = {""};
	const char *advice;

	if (me->link && (!pg_link_alive(me->link) || pg_link_deposed(me->link)))
		pg_worker_drop_link(me);
	if (!me->link && !open_link(me, &err)) {
		tact_store_report(pool->store, TACT_UNAVAILABLE, NULL, "%s", err.text);
		return false;
	}
	if (learn_groups(me))
		return true;
	advice = pg_state_advice(pg_link_state(me->link));
	tact_store_report(pool->store, TACT_UNAVAILABLE, NULL,
	    "the database does not tell its groups: %s%s%s", pg_link_words(me->link), advice ? ": " : "",
	    advice ? advice : "");
	pg_worker_drop_link(me);
	return false;
}

/* Nobody wants the answer any more. */
static bool is_given_up(struct pg_worker *me)
{
	struct pg_pool *pool = me->lane->pool;
	bool given_up;

	pthread_mutex_lock(&pool->lock);
	given_up = pool->stopping || me->renew;
	pthread_mutex_unlock(&pool->lock);
	return given_up;
}

enum pg_outcome pg_worker_wait(struct pg_worker *me)
{
	enum pg_outcome outcome;

	do
		outcome = pg_link_wait(me->link, tact_clock_monotonic_ms() + PG_ASK_OTHERS_MS);
	while (outcome == PG_LATE && !is_given_up(me) && !pg_link_ask_deposed(me->link));
	return outcome;
}

/* ---- one batch ---- */

/* When all have left. Who has little time left has joined a batch that has more: from how long the database
 * takes for so little, nothing would follow. */
static int64_t batch_deadline(const struct pg_batch *batch)
{
	int64_t now_ms = tact_clock_monotonic_ms(), latest_ms = now_ms + PG_LATE_LEAST_MS;

	for (size_t i = 0; i < batch->count; i++) {
		if (!batch->steps[i])
			continue;
		int64_t deadline_ms = batch->steps[i]->request->deadline_ms;
		if (deadline_ms == 0 || deadline_ms > now_ms + BATCH_WAIT_MS)
			return now_ms + BATCH_WAIT_MS;
		latest_ms = deadline_ms > latest_ms ? deadline_ms : latest_ms;
	}
	return latest_ms;
}

/* Steps whose callers have left are let go before they RUN. True: some are left. */
static bool enter(struct pg_worker *me, enum pg_step_state state)
{
	struct pg_pool *pool = me->lane->pool;
	size_t left = 0;

	pthread_mutex_lock(&pool->lock);
	for (size_t i = 0; i < me->batch.count; i++) {
		struct pg_step *step = me->batch.steps[i];
		if (step && step->request->abandoned && state == PG_RUNNING) {
			step->state = PG_SETTLED;
			pg_request_unref(step->request, 1);
			me->batch.steps[i] = NULL;
		} else if (step) {
			step->state = state;
			left++;
		}
		if (step && state != PG_RUNNING)
			pg_request_nudge(step->request);
	}
	pthread_mutex_unlock(&pool->lock);
	return left > 0;
}

static void write_batch(struct pg_worker *me)
{
	enum pg_outcome outcome;

	if (enter(me, PG_RUNNING))
		pg_batch_run(&me->batch);
	if (!enter(me, PG_COMMITTING)) {
		pg_fate_end_batch(me, pg_fate_unavailable, PG_CIRCUIT_STAYS);
		return;
	}
	tact_edge("store.before-commit");
	outcome = pg_batch_commit(&me->batch, me->link, batch_deadline(&me->batch));
	if (outcome == PG_DONE)
		tact_edge("store.after-commit");
	pg_fate_of_commit(me, outcome);
}

static void read_batch(struct pg_worker *me)
{
	if (enter(me, PG_RUNNING))
		pg_batch_deliver(&me->batch);
	pg_fate_end_batch(me, pg_fate_delivered, PG_CIRCUIT_CLOSES);
}

static void do_batch(struct pg_worker *me)
{
	if (!pg_worker_ensure_link(me)) {
		pg_fate_end_batch(me, pg_fate_unavailable, PG_CIRCUIT_OPENS);
		return;
	}
	if (!pg_fate_of_load(me, pg_batch_load(&me->batch, me->link, batch_deadline(&me->batch))))
		return;
	if (me->lane->writes)
		write_batch(me);
	else
		read_batch(me);
}

/* ---- the thread ---- */

/* Lock held at both ends. A new connection, where an old one must not be used, is made before there is a
 * batch that would wait for it: it may take long until a host that hangs is passed over. */
static void work_once(struct pg_worker *me)
{
	struct pg_lane *lane = me->lane;

	if (me->renew) {
		pthread_mutex_unlock(&lane->pool->lock);
		pg_worker_drop_link(me);
		(void)pg_worker_ensure_link(me);
		pthread_mutex_lock(&lane->pool->lock);
		return;
	}
	if (!pg_queue_take(me)) {
		pthread_cond_wait(&lane->work, &lane->pool->lock);
		return;
	}
	/* What it left in the queue may be another's. */
	if (!TAILQ_EMPTY(&lane->queue))
		pthread_cond_signal(&lane->work);
	pthread_mutex_unlock(&lane->pool->lock);
	do_batch(me);
	pthread_mutex_lock(&lane->pool->lock);
	lane->circuits[me->group].busy--;
	if (!TAILQ_EMPTY(&lane->queue))
		pthread_cond_broadcast(&lane->work);
}

void *pg_worker_main(void *context)
{
	struct pg_worker *me = context;
	struct pg_pool *pool = me->lane->pool;

	pthread_mutex_lock(&pool->lock);
	while (!pool->stopping)
		work_once(me);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

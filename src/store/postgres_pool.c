/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The connections that load and commit for all callers, a thread each, in two lanes: one reads, one writes,
 * so that a stalled standby holds up no read. Here: how a caller hands over what it wants, waits, and leaves
 * at its deadline; and the lanes' beginning and end.
 */
#include <config.h>

#include "postgres_pool.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define READERS 1 /* for each group: what comes while it asks shares its next call */
#define QUEUE_MOST 100000

/* ---- callers ---- */

/* Under the lock. An unchanged step rested on what is not known to be durable: ask again. */
static void give_up_step(
    struct pg_lane *lane, struct pg_step *step, unsigned *refs, struct pg_request_list *woken)
{
	bool late = step->state == PG_LOADING || step->state == PG_COMMITTING;

	if (late && tact_clock_monotonic_ms() >= step->taken_ms + PG_LATE_LEAST_MS)
		pg_circuit_open(lane, pg_group_of(lane->pool, step), woken);

	if (step->state == PG_QUEUED) {
		pg_queue_take_out(lane, step);
		step->state = PG_SETTLED;
		++*refs;
	} else if (step->state == PG_COMMITTING && step->answer.result == TACT_OK) {
		step->answer.result = step->changed ? TACT_UNCERTAIN : TACT_UNAVAILABLE;
		step->answer.version = 0;
	} else if (step->state == PG_LOADING) {
		step->answer = (struct tact_store_answer){.result = TACT_UNAVAILABLE};
	}
}

/* The deadline has passed. True: there is an outcome. */
static bool give_up(struct pg_lane *lane, struct pg_request *r)
{
	struct pg_pool *pool = lane->pool;
	struct pg_request_list woken = TAILQ_HEAD_INITIALIZER(woken);
	unsigned refs = 0;
	bool known = false;

	pthread_mutex_lock(&pool->lock);
	if (r->open > 0 && pg_request_is_running(r)) {
		r->impatient = true;
	} else if (r->open > 0) {
		r->abandoned = known = true;
		for (size_t i = 0; i < r->count; i++)
			give_up_step(lane, &r->steps[i], &refs, &woken);
	}
	pthread_mutex_unlock(&pool->lock);
	pg_request_wake(&woken);
	pg_request_unref(r, refs);
	return known;
}

/* False at the deadline. */
static bool wait_for_post(struct pg_request *r, int64_t deadline_ms)
{
	struct timespec at = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
	int code;

	do
		code =
		    deadline_ms == 0 ? sem_wait(&r->moved) : sem_clockwait(&r->moved, CLOCK_MONOTONIC, &at);
	while (code != 0 && errno == EINTR);
	return code == 0;
}

static void wait_for_answers(struct pg_lane *lane, struct pg_request *r)
{
	bool posted = wait_for_post(r, r->deadline_ms);

	while (!(posted && atomic_load(&r->over))) {
		if (give_up(lane, r)) {
			tact_store_report(lane->pool->store, TACT_UNAVAILABLE, NULL,
			    "no answer from the database before the deadline: it is slow, it waits for a "
			    "standby, "
			    "or somebody holds a lock (pg_stat_activity tells)");
			return;
		}
		posted = wait_for_post(r, 0);
	}
}

/* Under the lock: all steps, or those of groups that can be asked. */
static void enqueue_request(struct pg_lane *lane, struct pg_request *r, struct pg_request_list *woken)
{
	bool full = lane->queued + r->count > QUEUE_MOST && lane->queued > 0;

	for (size_t i = 0; i < r->count; i++) {
		struct pg_step *step = &r->steps[i];
		if (full || lane->pool->stopping || lane->circuits[pg_group_of(lane->pool, step)].open)
			pg_step_settle(step, woken);
		else
			pg_queue_add(lane, step);
	}
	if (full)
		tact_store_report(lane->pool->store, TACT_UNAVAILABLE, NULL,
		    "%zu changes wait for the database already: it is too slow for this traffic, or stuck",
		    lane->queued);
}

static void do_request(struct pg_lane *lane, struct pg_request *r)
{
	struct pg_request_list woken = TAILQ_HEAD_INITIALIZER(woken);

	pthread_mutex_lock(&lane->pool->lock);
	enqueue_request(lane, r, &woken);
	pthread_cond_signal(&lane->work);
	pthread_mutex_unlock(&lane->pool->lock);
	pg_request_wake(&woken);
	wait_for_answers(lane, r);
	pg_request_copy_answers(r);
}

void pg_pool_read(struct pg_pool *pool, const struct tact_store_key *keys, size_t count,
    struct tact_arena *arena, struct tact_record *ret_records, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	struct pg_request *r = pg_request_new(keys, count);

	r->answers = ret_answers;
	r->deadline_ms = deadline_ms;
	do_request(&pool->reads, r);
	for (size_t i = 0; i < count; i++) {
		if (ret_answers[i].result != TACT_OK)
			continue;
		ret_records[i] = r->steps[i].record;
		if (ret_records[i].size > 0)
			ret_records[i].bytes =
			    tact_arena_copy(arena, ret_records[i].bytes, ret_records[i].size);
	}
	pg_request_unref(r, 1);
}

void pg_pool_update(struct pg_pool *pool, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, tact_store_after_fn after, void *context, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	struct pg_request *r = pg_request_new(keys, count);

	r->fn = fn;
	r->after = after;
	r->context = context;
	r->answers = ret_answers;
	r->deadline_ms = deadline_ms;
	do_request(&pool->writes, r);
	pg_request_unref(r, 1);
}

void pg_pool_groups(struct pg_pool *pool, uint8_t ret[PG_GROUPS])
{
	pthread_mutex_lock(&pool->lock);
	memcpy(ret, pool->groups, PG_GROUPS);
	pthread_mutex_unlock(&pool->lock);
}

void pg_pool_set_groups(struct pg_pool *pool, const uint8_t groups[PG_GROUPS])
{
	pthread_mutex_lock(&pool->lock);
	memcpy(pool->groups, groups, PG_GROUPS);
	pthread_mutex_unlock(&pool->lock);
}

uint64_t pg_pool_commits(struct pg_pool *pool)
{
	return atomic_load(&pool->commits);
}

struct pg_clock *pg_pool_clock(struct pg_pool *pool)
{
	return &pool->clock;
}

/* ---- life ---- */

static size_t count_groups(const uint8_t groups[PG_GROUPS])
{
	bool seen[PG_GROUPS] = {false};
	size_t count = 0;

	for (size_t i = 0; i < PG_GROUPS; i++) {
		count += !seen[groups[i]];
		seen[groups[i]] = true;
	}
	return count;
}

static void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attributes);
	pthread_condattr_destroy(&attributes);
}

static void lane_init(struct pg_lane *lane, struct pg_pool *pool, bool writes, size_t workers)
{
	size_t groups = count_groups(pool->groups);

	lane->pool = pool;
	lane->writes = writes;
	lane->workers_made = workers > groups ? workers : groups;
	lane->probers_made = groups;
	lane->share = lane->workers_made / groups;
	TAILQ_INIT(&lane->queue);
	cond_init(&lane->work);
	cond_init(&lane->trouble);
	lane->workers = tact_calloc(lane->workers_made, sizeof *lane->workers);
	lane->probers = tact_calloc(lane->probers_made, sizeof *lane->probers);
	for (size_t i = 0; i < lane->workers_made; i++) {
		lane->workers[i].lane = lane;
		lane->workers[i].batch.arena = tact_arena_new();
	}
	for (size_t i = 0; i < lane->probers_made; i++)
		lane->probers[i].lane = lane;
}

static bool start(struct pg_worker *workers, size_t made, void *(*main)(void *context), size_t *count)
{
	for (size_t i = 0; i < made; i++) {
		if (pthread_create(&workers[i].thread, NULL, main, &workers[i]) != 0)
			return false;
		pthread_mutex_lock(&workers[i].lane->pool->lock);
		++*count;
		pthread_mutex_unlock(&workers[i].lane->pool->lock);
	}
	return true;
}

static bool lane_start(struct pg_lane *lane)
{
	return start(lane->workers, lane->workers_made, pg_worker_main, &lane->workers_count) &&
	       start(lane->probers, lane->probers_made, pg_prober_main, &lane->probers_count);
}

/* Under the lock. */
static void stop_links(struct pg_worker *workers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (workers[i].link)
			pg_link_stop(workers[i].link);
}

static void end(struct pg_worker *workers, size_t made, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pthread_join(workers[i].thread, NULL);
	for (size_t i = 0; i < made; i++) {
		pg_link_close(&workers[i].link);
		tact_arena_free(&workers[i].batch.arena);
	}
	free(workers);
}

static void lane_stop(struct pg_lane *lane)
{
	pthread_mutex_lock(&lane->pool->lock);
	stop_links(lane->workers, lane->workers_count);
	stop_links(lane->probers, lane->probers_count);
	pthread_cond_broadcast(&lane->work);
	pthread_cond_broadcast(&lane->trouble);
	pthread_mutex_unlock(&lane->pool->lock);
	end(lane->workers, lane->workers_made, lane->workers_count);
	end(lane->probers, lane->probers_made, lane->probers_count);
	pthread_cond_destroy(&lane->work);
	pthread_cond_destroy(&lane->trouble);
}

struct pg_pool *pg_pool_new(struct tact_store *store, const struct pg_url *url, struct pg_origins *origins,
    const uint8_t groups[PG_GROUPS])
{
	struct pg_pool *pool = tact_calloc(1, sizeof *pool);
	sigset_t all, before;
	bool started;

	pool->store = store;
	pool->url = url;
	pool->origins = origins;
	memcpy(pool->groups, groups, PG_GROUPS);
	pthread_mutex_init(&pool->lock, NULL);
	lane_init(&pool->reads, pool, false, READERS);
	lane_init(&pool->writes, pool, true, (size_t)url->writers);
	/* Signals are for the program's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = lane_start(&pool->reads) && lane_start(&pool->writes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!started)
		pg_pool_free(&pool);
	return pool;
}

void pg_pool_free(struct pg_pool **pool)
{
	struct pg_pool *p = *pool;

	*pool = NULL;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_mutex_unlock(&p->lock);
	lane_stop(&p->reads);
	lane_stop(&p->writes);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

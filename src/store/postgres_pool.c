/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The connections that load and commit for all callers, a thread each, in two lanes: one reads, one writes,
 * so that a stalled standby holds up no read. A free thread takes all that waits and may share a call, and
 * waits for nothing more to come. A key is in one batch of the process at a time; what else wants to change
 * it joins the next one, in memory, so that a much wanted record costs one commit for many changes.
 *
 * A batch that is late opens the circuit of its group: what waits or comes is unavailable at once. The late
 * connection is not given up, for its backend would stay in its wait for the standby and hold its rows, and
 * another would take its place: it goes on waiting, at most one more asks for the group, and the first answer
 * that comes closes the circuit.
 */
#include <config.h>

#include "postgres_batch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define READERS 2
#define QUEUE_MOST 100000
#define LOOK_MOST 4096	    /* steps looked at for one batch */
#define BATCH_WAIT_MS 20000 /* no call is waited for longer, whatever its deadline */
#define GROUPS_FOR_MS 60000 /* after that the database is asked again which keys may share a call */
#define LATE_LEAST_MS 250   /* what had less time tells nothing about the database */
#define PROBE_FIRST_MS 100
#define PROBE_MOST_MS 5000

struct circuit {
	bool open, probing;
	int64_t probe_at_ms, back_off_ms;
	size_t busy; /* threads that work or wait for the group */
};

struct worker;

struct lane {
	struct pg_pool *pool;
	bool writes;
	struct pg_step_list queue;
	size_t queued;
	pthread_cond_t work;
	size_t open_circuits;
	size_t alone; /* keys to be tried each by itself: one of them spoils a commit for the others */
	struct circuit circuits[PG_GROUPS];
	struct worker *workers;
	size_t workers_made, workers_count; /* those with a thread */
	size_t share;			    /* threads that one group may have */
};

struct worker {
	struct lane *lane;
	pthread_t thread;
	struct pg_link *link; /* changed under the lock */
	int64_t groups_at_ms;
	uint8_t group;
	struct pg_batch batch; /* its cells are looked at by other workers, under the lock */
};

struct pg_pool {
	struct tact_store *store;
	struct pg_url url;
	pthread_mutex_t lock;
	bool stopping;
	uint8_t groups[PG_GROUPS];
	struct lane reads, writes;
	atomic_uint_fast64_t commits;
	struct pg_clock clock;
};

/* ---- the database's clock ---- */

static int64_t read_clock_us(clockid_t id)
{
	struct timespec now;
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void pg_clock_hear(struct pg_clock *clock, int64_t store_now_us)
{
	atomic_store(&clock->ahead_us, store_now_us - read_clock_us(CLOCK_MONOTONIC));
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

struct pg_clock *pg_pool_clock(struct pg_pool *pool)
{
	return &pool->clock;
}

/* ---- requests ---- */

static void resume(struct tact_store_turn *turn);

static struct pg_request *request_new(const struct tact_store_key *keys, size_t count)
{
	struct pg_request *r = tact_calloc(1, sizeof *r + count * sizeof *r->steps);

	atomic_init(&r->refs, (unsigned)count + 1);
	r->turn.resume = resume;
	r->count = r->open = count;
	r->began_ms = tact_clock_monotonic_ms();
	sem_init(&r->moved, 0, 0);
	pthread_mutex_init(&r->fn_lock, NULL);
	for (size_t i = 0; i < count; i++) {
		r->steps[i].request = r;
		r->steps[i].key = keys[i];
		r->steps[i].answer.result = TACT_UNAVAILABLE;
	}
	return r;
}

static void request_unref(struct pg_request *r, unsigned refs)
{
	if (refs == 0 || atomic_fetch_sub(&r->refs, refs) > refs)
		return;
	for (size_t i = 0; i < r->count; i++)
		free((void *)r->steps[i].record.bytes);
	pthread_mutex_destroy(&r->fn_lock);
	sem_destroy(&r->moved);
	free(r);
}

static void copy_answers(struct pg_request *r)
{
	for (size_t i = 0; i < r->count; i++)
		r->answers[i] = r->steps[i].answer;
}

static void resume(struct tact_store_turn *turn)
{
	struct pg_request *r = (struct pg_request *)turn;

	atomic_store(&r->over, true);
	sem_post(&r->moved);
	request_unref(r, 1);
}

/* Under the lock. Who could not leave at his deadline may try again. */
static void nudge(struct pg_request *r)
{
	if (!r->impatient)
		return;
	r->impatient = false;
	sem_post(&r->moved);
}

/* Under the lock. The request goes to WOKEN once its last step is settled. */
static void settle_step(struct pg_step *step, struct pg_request_list *woken)
{
	struct pg_request *r = step->request;

	step->state = PG_SETTLED;
	if (step->answer.result != TACT_OK)
		step->answer.version = 0;
	if (--r->open > 0) {
		nudge(r);
		request_unref(r, 1);
		return;
	}
	TAILQ_INSERT_TAIL(woken, r, link); /* with the reference of this step */
}

/* Without the lock. */
static void wake(struct pg_request_list *woken)
{
	struct pg_request *r;

	while ((r = TAILQ_FIRST(woken))) {
		TAILQ_REMOVE(woken, r, link);
		if (r->after) {
			copy_answers(r);
			r->after(r->context, &r->turn);
		} else {
			resume(&r->turn);
		}
	}
}

static bool is_running(const struct pg_request *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->steps[i].state == PG_RUNNING)
			return true;
	return false;
}

/* ---- the queue, under the lock ---- */

static void dequeue(struct lane *lane, struct pg_step *step)
{
	TAILQ_REMOVE(&lane->queue, step, link);
	lane->queued--;
}

static void enqueue(struct lane *lane, struct pg_step *step)
{
	step->state = PG_QUEUED;
	TAILQ_INSERT_TAIL(&lane->queue, step, link);
	lane->queued++;
}

static void enqueue_again(struct lane *lane, struct pg_step *step)
{
	step->state = PG_QUEUED;
	TAILQ_INSERT_HEAD(&lane->queue, step, link);
	lane->queued++;
}

static uint8_t group_of(const struct pg_pool *pool, const struct pg_step *step)
{
	return pool->groups[step->key.id.b[0]];
}

static void fail_group(struct lane *lane, uint8_t group, struct pg_request_list *woken)
{
	struct pg_step *step, *next;

	for (step = TAILQ_FIRST(&lane->queue); step; step = next) {
		next = TAILQ_NEXT(step, link);
		if (group_of(lane->pool, step) == group) {
			dequeue(lane, step);
			step->answer.result = TACT_UNAVAILABLE;
			settle_step(step, woken);
		}
	}
}

static void open_circuit(struct lane *lane, uint8_t group, struct pg_request_list *woken)
{
	struct circuit *circuit = &lane->circuits[group];
	unsigned jitter;

	tact_random_bytes(&jitter, sizeof jitter);
	if (!circuit->open)
		lane->open_circuits++;
	circuit->open = true;
	circuit->back_off_ms *= 2;
	if (circuit->back_off_ms < PROBE_FIRST_MS)
		circuit->back_off_ms = PROBE_FIRST_MS;
	if (circuit->back_off_ms > PROBE_MOST_MS)
		circuit->back_off_ms = PROBE_MOST_MS;
	circuit->probe_at_ms = tact_clock_monotonic_ms() + circuit->back_off_ms / 2 +
			       (int64_t)(jitter % (unsigned)(circuit->back_off_ms / 2 + 1));
	fail_group(lane, group, woken);
}

static void close_circuit(struct lane *lane, uint8_t group)
{
	struct circuit *circuit = &lane->circuits[group];

	if (circuit->open)
		lane->open_circuits--;
	circuit->open = false;
	circuit->back_off_ms = 0;
}

static bool is_taken(const struct worker *me, const struct tact_store_key *key)
{
	const struct lane *lane = me->lane;

	if (!lane->writes)
		return false;
	for (size_t i = 0; i < lane->workers_count; i++)
		if (&lane->workers[i] != me && pg_batch_holds(&lane->workers[i].batch, key))
			return true;
	return false;
}

static bool may_take(const struct worker *me, const struct pg_step *step)
{
	const struct lane *lane = me->lane;
	uint8_t group = group_of(lane->pool, step);

	if (me->batch.count > 0 ? group != me->group : lane->circuits[group].busy >= lane->share)
		return false;
	return !is_taken(me, &step->key);
}

/* False when there is nothing that may be done now. */
static bool take_batch(struct worker *me)
{
	struct lane *lane = me->lane;
	struct pg_step *step, *next;
	size_t looked = 0, most = lane->alone > 0 ? 1 : PG_BATCH_STEPS;

	me->batch.count = me->batch.cells_count = 0;
	for (step = TAILQ_FIRST(&lane->queue); step && me->batch.count < most && looked < LOOK_MOST;
	     step = next, looked++) {
		next = TAILQ_NEXT(step, link);
		if (!may_take(me, step))
			continue;
		me->group = group_of(lane->pool, step);
		dequeue(lane, step);
		step->state = PG_LOADING;
		me->batch.steps[me->batch.count++] = step;
	}
	if (me->batch.count == 0)
		return false;
	pg_batch_sort(&me->batch);
	lane->alone -= lane->alone > 0;
	lane->circuits[me->group].busy++;
	return true;
}

/* ---- callers ---- */

/* Under the lock. An unchanged step rested on what is not known to be durable: ask again. */
static void give_up_step(
    struct lane *lane, struct pg_step *step, unsigned *refs, struct pg_request_list *woken)
{
	bool late = step->state == PG_LOADING || step->state == PG_COMMITTING;

	if (late && tact_clock_monotonic_ms() >= step->request->began_ms + LATE_LEAST_MS)
		open_circuit(lane, group_of(lane->pool, step), woken);

	if (step->state == PG_QUEUED) {
		dequeue(lane, step);
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
static bool give_up(struct lane *lane, struct pg_request *r)
{
	struct pg_pool *pool = lane->pool;
	struct pg_request_list woken = TAILQ_HEAD_INITIALIZER(woken);
	unsigned refs = 0;
	bool known = false;

	pthread_mutex_lock(&pool->lock);
	if (r->open > 0 && is_running(r)) {
		r->impatient = true;
	} else if (r->open > 0) {
		r->abandoned = known = true;
		for (size_t i = 0; i < r->count; i++)
			give_up_step(lane, &r->steps[i], &refs, &woken);
	}
	pthread_mutex_unlock(&pool->lock);
	wake(&woken);
	request_unref(r, refs);
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

static void wait_for_answers(struct lane *lane, struct pg_request *r)
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
static void enqueue_request(struct lane *lane, struct pg_request *r, struct pg_request_list *woken)
{
	bool full = lane->queued + r->count > QUEUE_MOST && lane->queued > 0;

	for (size_t i = 0; i < r->count; i++) {
		struct pg_step *step = &r->steps[i];
		if (full || lane->pool->stopping || lane->circuits[group_of(lane->pool, step)].open)
			settle_step(step, woken);
		else
			enqueue(lane, step);
	}
	if (full)
		tact_store_report(lane->pool->store, TACT_UNAVAILABLE, NULL,
		    "%zu changes wait for the database already: it is too slow for this traffic, or stuck",
		    lane->queued);
}

static void do_request(struct lane *lane, struct pg_request *r)
{
	struct pg_request_list woken = TAILQ_HEAD_INITIALIZER(woken);

	pthread_mutex_lock(&lane->pool->lock);
	enqueue_request(lane, r, &woken);
	pthread_cond_signal(&lane->work);
	pthread_mutex_unlock(&lane->pool->lock);
	wake(&woken);
	wait_for_answers(lane, r);
	copy_answers(r);
}

void pg_pool_read(struct pg_pool *pool, const struct tact_store_key *keys, size_t count,
    struct tact_arena *arena, struct tact_record *ret_records, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	struct pg_request *r = request_new(keys, count);

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
	request_unref(r, 1);
}

void pg_pool_update(struct pg_pool *pool, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, tact_store_after_fn after, void *context, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	struct pg_request *r = request_new(keys, count);

	r->fn = fn;
	r->after = after;
	r->context = context;
	r->answers = ret_answers;
	r->deadline_ms = deadline_ms;
	do_request(&pool->writes, r);
	request_unref(r, 1);
}

uint64_t pg_pool_commits(struct pg_pool *pool)
{
	return atomic_load(&pool->commits);
}

/* ---- a worker's connection ---- */

static void set_link(struct worker *me, struct pg_link *link)
{
	struct pg_pool *pool = me->lane->pool;

	pthread_mutex_lock(&pool->lock);
	me->link = link;
	if (link && pool->stopping)
		pg_link_stop(link);
	pthread_mutex_unlock(&pool->lock);
}

static void drop_link(struct worker *me)
{
	struct pg_link *link = me->link;

	set_link(me, NULL);
	pg_link_close(&link);
}

static bool learn_groups(struct worker *me)
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

static bool open_link(struct worker *me, struct tact_error *err)
{
	struct pg_link *link = NULL;

	if (pg_link_open(&me->lane->pool->url, &link, err) != TACT_OK)
		return false;
	me->groups_at_ms = 0;
	set_link(me, link);
	if (pg_link_greet(link, err) == TACT_OK)
		return true;
	drop_link(me);
	return false;
}

static bool ensure_link(struct worker *me)
{
	struct pg_pool *pool = me->lane->pool;
	struct tact_error err = {""};

	if (me->link && !pg_link_alive(me->link))
		drop_link(me);
	if (!me->link && !open_link(me, &err)) {
		tact_store_report(pool->store, TACT_UNAVAILABLE, NULL, "%s", err.text);
		return false;
	}
	if (learn_groups(me))
		return true;
	tact_store_report(pool->store, TACT_UNAVAILABLE, NULL, "the database does not tell its groups: %s",
	    pg_link_words(me->link));
	drop_link(me);
	return false;
}

/* ---- what became of a batch ---- */

enum fate { FATE_ANSWER, FATE_AGAIN };

static bool may_again(const struct worker *me)
{
	return !me->lane->pool->stopping && !me->lane->circuits[me->group].open;
}

/* Under the lock, from the last to the first, so that the order stays. */
static void end_batch(struct worker *me, enum fate (*judge)(struct worker *me, struct pg_step *step),
    struct pg_request_list *woken)
{
	struct lane *lane = me->lane;

	for (size_t i = me->batch.count; i-- > 0;) {
		struct pg_step *step = me->batch.steps[i];
		if (!step)
			continue;
		if (step->request->abandoned) {
			step->state = PG_SETTLED;
			request_unref(step->request, 1);
		} else if (judge(me, step) == FATE_AGAIN && may_again(me)) {
			enqueue_again(lane, step);
		} else {
			settle_step(step, woken);
		}
	}
	me->batch.count = me->batch.cells_count = 0;
	tact_arena_reset(me->batch.arena);
}

enum circuit_move { CIRCUIT_STAYS, CIRCUIT_OPENS, CIRCUIT_CLOSES };

static void end_batch_with(
    struct worker *me, enum fate (*judge)(struct worker *me, struct pg_step *step), enum circuit_move move)
{
	struct lane *lane = me->lane;
	struct pg_request_list woken = TAILQ_HEAD_INITIALIZER(woken);

	pthread_mutex_lock(&lane->pool->lock);
	if (move == CIRCUIT_OPENS)
		open_circuit(lane, me->group, &woken);
	else if (move == CIRCUIT_CLOSES)
		close_circuit(lane, me->group);
	end_batch(me, judge, &woken);
	if (!TAILQ_EMPTY(&lane->queue))
		pthread_cond_broadcast(&lane->work);
	pthread_mutex_unlock(&lane->pool->lock);
	wake(&woken);
}

static enum fate judge_unavailable(struct worker *me, struct pg_step *step)
{
	(void)me;
	step->answer.result = TACT_UNAVAILABLE;
	return FATE_ANSWER;
}

static enum fate judge_again(struct worker *me, struct pg_step *step)
{
	(void)me;
	step->answer.result = TACT_UNAVAILABLE;
	return FATE_AGAIN;
}

/* A connection that was found dead before anything was sent to be committed: once more with a new one. */
static enum fate judge_retry(struct worker *me, struct pg_step *step)
{
	bool first = !step->request->retried;

	(void)me;
	step->request->retried = true;
	step->answer.result = TACT_UNAVAILABLE;
	return first ? FATE_AGAIN : FATE_ANSWER;
}

static enum fate judge_delivered(struct worker *me, struct pg_step *step)
{
	(void)me, (void)step;
	return FATE_ANSWER;
}

static void doubt(struct pg_step *step)
{
	if (step->answer.result == TACT_OK)
		step->answer.result = step->changed ? TACT_UNCERTAIN : TACT_UNAVAILABLE;
}

static enum fate judge_uncertain(struct worker *me, struct pg_step *step)
{
	(void)me;
	doubt(step);
	return FATE_ANSWER;
}

static enum fate judge_committed(struct worker *me, struct pg_step *step)
{
	const struct pg_cell *cell = &me->batch.cells[step->cell];

	if (step->answer.result != TACT_OK || cell->done)
		return FATE_ANSWER;
	if (!cell->refused)
		doubt(step);
	else
		step->answer.result = TACT_UNAVAILABLE;
	return cell->refused ? FATE_AGAIN : FATE_ANSWER;
}

/* ---- waiting on ---- */

static void settle_circuit(struct worker *me, bool answered)
{
	struct lane *lane = me->lane;
	struct pg_request_list woken = TAILQ_HEAD_INITIALIZER(woken);

	pthread_mutex_lock(&lane->pool->lock);
	if (answered)
		close_circuit(lane, me->group);
	else
		open_circuit(lane, me->group, &woken);
	pthread_mutex_unlock(&lane->pool->lock);
	wake(&woken);
}

/* The callers have their answers. */
static void wait_on(struct worker *me)
{
	enum pg_outcome outcome = pg_link_wait(me->link, 0);

	if (outcome == PG_DONE || outcome == PG_REFUSED)
		settle_circuit(me, true);
	else
		drop_link(me);
}

static void report_refused(struct worker *me)
{
	const char *advice = pg_state_advice(pg_link_state(me->link));

	tact_store_report(me->lane->pool->store, TACT_UNAVAILABLE, NULL, "the database says %s %s%s%s",
	    pg_link_state(me->link), pg_link_words(me->link), advice ? ": " : "", advice ? advice : "");
}

/* Nothing was to be committed yet. True: the batch goes on. */
static bool settle_load(struct worker *me, enum pg_outcome outcome)
{
	switch (outcome) {
	case PG_DONE:
		pg_clock_hear(&me->lane->pool->clock, me->batch.store_now_us);
		me->batch.store_now_us = pg_clock_now_us(&me->lane->pool->clock);
		return true;
	case PG_LATE:
		end_batch_with(me, judge_unavailable, CIRCUIT_OPENS);
		wait_on(me);
		return false;
	case PG_LOST:
		drop_link(me);
		end_batch_with(me, judge_retry, CIRCUIT_STAYS);
		return false;
	case PG_REFUSED:
		report_refused(me);
		drop_link(me);
		end_batch_with(me, judge_unavailable, CIRCUIT_OPENS);
	}
	return false;
}

/* The error is about one record, and nobody knows which. */
static void try_alone(struct worker *me)
{
	struct pg_pool *pool = me->lane->pool;

	pthread_mutex_lock(&pool->lock);
	me->lane->alone = me->batch.count;
	pthread_mutex_unlock(&pool->lock);
	end_batch_with(me, judge_again, CIRCUIT_STAYS);
}

static void settle_refused(struct worker *me)
{
	enum pg_meaning meaning = pg_state_meaning(pg_link_state(me->link));

	report_refused(me);
	if (meaning == PG_MEANS_AGAIN) {
		end_batch_with(me, judge_again, CIRCUIT_STAYS);
	} else if (meaning == PG_MEANS_NOT_COMMITTED && me->batch.cells_count > 1) {
		try_alone(me);
	} else if (meaning == PG_MEANS_NOT_COMMITTED) {
		end_batch_with(me, judge_unavailable, CIRCUIT_STAYS);
	} else {
		drop_link(me);
		end_batch_with(
		    me, meaning == PG_MEANS_ELSEWHERE ? judge_unavailable : judge_uncertain, CIRCUIT_STAYS);
	}
}

static void settle_done(struct worker *me)
{
	struct pg_pool *pool = me->lane->pool;

	if (pg_link_noticed(me->link)) {
		tact_store_report(pool->store, TACT_UNCERTAIN, NULL,
		    "the database spoke during a commit, which may not be replicated: %s",
		    pg_link_words(me->link));
		end_batch_with(me, judge_uncertain, CIRCUIT_STAYS);
		return;
	}
	atomic_fetch_add(&pool->commits, 1);
	end_batch_with(me, judge_committed, CIRCUIT_CLOSES);
}

static void settle_commit(struct worker *me, enum pg_outcome outcome)
{
	switch (outcome) {
	case PG_DONE:
		settle_done(me);
		break;
	case PG_REFUSED:
		settle_refused(me);
		break;
	case PG_LATE:
		end_batch_with(me, judge_uncertain, CIRCUIT_OPENS);
		wait_on(me);
		break;
	case PG_LOST:
		tact_store_report(me->lane->pool->store, TACT_UNCERTAIN, NULL,
		    "the connection to the database broke during a commit: %s", pg_link_words(me->link));
		drop_link(me);
		end_batch_with(me, judge_uncertain, CIRCUIT_STAYS);
	}
}

/* ---- the threads ---- */

/* When all have left. */
static int64_t batch_deadline(const struct pg_batch *batch)
{
	int64_t most_ms = tact_clock_monotonic_ms() + BATCH_WAIT_MS, latest_ms = 0;

	for (size_t i = 0; i < batch->count; i++) {
		int64_t deadline_ms = batch->steps[i]->request->deadline_ms;
		if (deadline_ms == 0)
			return most_ms;
		latest_ms = deadline_ms > latest_ms ? deadline_ms : latest_ms;
	}
	return latest_ms < most_ms ? latest_ms : most_ms;
}

/* Steps whose callers have left are let go before they RUN. True: some are left. */
static bool enter(struct worker *me, enum pg_step_state state)
{
	struct pg_pool *pool = me->lane->pool;
	size_t left = 0;

	pthread_mutex_lock(&pool->lock);
	for (size_t i = 0; i < me->batch.count; i++) {
		struct pg_step *step = me->batch.steps[i];
		if (step && step->request->abandoned && state == PG_RUNNING) {
			step->state = PG_SETTLED;
			request_unref(step->request, 1);
			me->batch.steps[i] = NULL;
		} else if (step) {
			step->state = state;
			left++;
		}
		if (step && state != PG_RUNNING)
			nudge(step->request);
	}
	pthread_mutex_unlock(&pool->lock);
	return left > 0;
}

static void write_batch(struct worker *me, int64_t deadline_ms)
{
	enum pg_outcome outcome;

	if (enter(me, PG_RUNNING))
		pg_batch_run(&me->batch);
	if (!enter(me, PG_COMMITTING)) {
		end_batch_with(me, judge_unavailable, CIRCUIT_STAYS);
		return;
	}
	tact_edge("store.before-commit");
	outcome = pg_batch_commit(&me->batch, me->link, deadline_ms);
	if (outcome == PG_DONE)
		tact_edge("store.after-commit");
	settle_commit(me, outcome);
}

static void read_batch(struct worker *me)
{
	if (enter(me, PG_RUNNING))
		pg_batch_deliver(&me->batch);
	end_batch_with(me, judge_delivered, CIRCUIT_CLOSES);
}

static void do_batch(struct worker *me)
{
	int64_t deadline_ms = batch_deadline(&me->batch);

	if (!ensure_link(me)) {
		end_batch_with(me, judge_unavailable, CIRCUIT_OPENS);
		return;
	}
	if (!settle_load(me, pg_batch_load(&me->batch, me->link, deadline_ms)))
		return;
	if (me->lane->writes)
		write_batch(me, deadline_ms);
	else
		read_batch(me);
}

static void do_probe(struct worker *me)
{
	struct lane *lane = me->lane;
	uint8_t byte = 0;
	enum pg_outcome outcome = PG_LOST;

	if (ensure_link(me)) {
		while (byte < PG_GROUPS - 1 && lane->pool->groups[byte] != me->group)
			byte++;
		outcome = pg_batch_probe(me->link, lane->writes, byte);
		if (outcome != PG_DONE || pg_link_noticed(me->link)) {
			tact_store_report(lane->pool->store, TACT_UNAVAILABLE, NULL,
			    "the database does not answer yet: %s", pg_link_words(me->link));
			drop_link(me);
			outcome = PG_LOST;
		}
	}
	settle_circuit(me, outcome == PG_DONE);
}

/* Under the lock. *ret_at_ms: when to look again. */
static bool take_probe(struct worker *me, int64_t *ret_at_ms)
{
	struct lane *lane = me->lane;
	int64_t now_ms = tact_clock_monotonic_ms();

	for (size_t group = 0; lane->open_circuits > 0 && group < PG_GROUPS; group++) {
		struct circuit *circuit = &lane->circuits[group];
		if (!circuit->open || circuit->probing || circuit->busy >= lane->share)
			continue;
		if (circuit->probe_at_ms <= now_ms) {
			circuit->probing = true;
			circuit->busy++;
			me->group = (uint8_t)group;
			return true;
		}
		*ret_at_ms =
		    *ret_at_ms == 0 || circuit->probe_at_ms < *ret_at_ms ? circuit->probe_at_ms : *ret_at_ms;
	}
	return false;
}

static void sleep_until(struct lane *lane, int64_t at_ms)
{
	struct timespec at = {.tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000};

	if (at_ms == 0)
		pthread_cond_wait(&lane->work, &lane->pool->lock);
	else
		pthread_cond_timedwait(&lane->work, &lane->pool->lock, &at);
}

/* Lock held at both ends. */
static void work_once(struct worker *me)
{
	struct lane *lane = me->lane;
	int64_t look_at_ms = 0;
	bool probe = take_probe(me, &look_at_ms);

	if (!probe && !take_batch(me)) {
		sleep_until(lane, look_at_ms);
		return;
	}
	/* What it left in the queue may be another's. */
	if (!TAILQ_EMPTY(&lane->queue))
		pthread_cond_signal(&lane->work);
	pthread_mutex_unlock(&lane->pool->lock);
	if (probe)
		do_probe(me);
	else
		do_batch(me);
	pthread_mutex_lock(&lane->pool->lock);
	lane->circuits[me->group].busy--;
	if (probe)
		lane->circuits[me->group].probing = false;
	if (!TAILQ_EMPTY(&lane->queue) || lane->open_circuits > 0)
		pthread_cond_broadcast(&lane->work);
}

static void *worker_main(void *context)
{
	struct worker *me = context;
	struct pg_pool *pool = me->lane->pool;

	pthread_mutex_lock(&pool->lock);
	while (!pool->stopping)
		work_once(me);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
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

static void lane_init(struct lane *lane, struct pg_pool *pool, bool writes, size_t workers)
{
	size_t groups = count_groups(pool->groups);
	pthread_condattr_t attributes;

	lane->pool = pool;
	lane->writes = writes;
	lane->workers_made = workers > groups ? workers : groups;
	lane->share = lane->workers_made / groups;
	TAILQ_INIT(&lane->queue);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&lane->work, &attributes);
	pthread_condattr_destroy(&attributes);
	lane->workers = tact_calloc(lane->workers_made, sizeof *lane->workers);
	for (size_t i = 0; i < lane->workers_made; i++) {
		lane->workers[i].lane = lane;
		lane->workers[i].batch.arena = tact_arena_new();
	}
}

static bool lane_start(struct lane *lane)
{
	for (size_t i = 0; i < lane->workers_made; i++) {
		if (pthread_create(&lane->workers[i].thread, NULL, worker_main, &lane->workers[i]) != 0)
			return false;
		pthread_mutex_lock(&lane->pool->lock);
		lane->workers_count++;
		pthread_mutex_unlock(&lane->pool->lock);
	}
	return true;
}

static void lane_stop(struct lane *lane)
{
	pthread_mutex_lock(&lane->pool->lock);
	for (size_t i = 0; i < lane->workers_count; i++)
		if (lane->workers[i].link)
			pg_link_stop(lane->workers[i].link);
	pthread_cond_broadcast(&lane->work);
	pthread_mutex_unlock(&lane->pool->lock);
	for (size_t i = 0; i < lane->workers_count; i++)
		pthread_join(lane->workers[i].thread, NULL);
	for (size_t i = 0; i < lane->workers_made; i++) {
		pg_link_close(&lane->workers[i].link);
		tact_arena_free(&lane->workers[i].batch.arena);
	}
	pthread_cond_destroy(&lane->work);
	free(lane->workers);
}

struct pg_pool *pg_pool_new(
    struct tact_store *store, const struct pg_url *url, const uint8_t groups[PG_GROUPS])
{
	struct pg_pool *pool = tact_calloc(1, sizeof *pool);
	sigset_t all, before;
	bool started;

	pool->store = store;
	pool->url = *url;
	pool->url.conninfo = tact_strdup(url->conninfo);
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
	pg_url_clear(&p->url);
	free(p);
}

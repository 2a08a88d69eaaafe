/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The writer thread and its queue: see writer.h. One mutex guards the queue and every request's state; it is
 * never held while the engine works, nor while somebody is woken: who is woken runs at once, and would only
 * go to sleep again on it. Once DONE a request is its caller's, who needs no lock to read the answers.
 */
#include <config.h>

#include "writer.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <time.h>

#define BEFORE 10 /* of what nice(1) counts */

enum request_state {
	QUEUED,	    /* nobody works on it: it may be taken out */
	RUNNING,    /* its steps are being done: the caller must wait, for µs */
	COMMITTING, /* some steps are done, not yet durable */
	DONE,
};

struct outcome {
	struct tact_store_answer answer;
	bool changed;
};

/* On the heap, because the caller may leave before the commit answers. */
struct request {
	struct tact_store_turn turn;
	TAILQ_ENTRY(request) link; /* in the queue or in the batch, never in both */
	atomic_uint refs;	   /* the caller's and the batch's */
	enum request_state state;  /* changed under the mutex */
	bool abandoned, impatient;
	atomic_bool over; /* nothing more is to be waited for */
	sem_t moved;	  /* posted when it is DONE, and when an impatient caller may look again */
	const struct tact_store_work *work;
	struct tact_store_answer *answers; /* the caller's: not to be touched once it has given up */
	size_t count, first, next;	   /* steps: all; first not settled; first not done */
	struct outcome outcomes[];
};

TAILQ_HEAD(request_list, request);

struct batch {
	struct request_list requests;
	size_t steps, bytes;
	int64_t until_ms;
	bool wrote, lost;
};

struct tact_store_writer {
	const struct tact_store_writer_calls *calls;
	struct tact_store_writer_limits limits;
	void *engine;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work, ended_cond;
	struct request_list queue;
	size_t queued;
	bool sleeps;	/* for want of work */
	bool goes_late; /* it is still to go first */
	bool stopping, ended, orphaned;
	bool alone; /* a transaction was lost: one request each until one goes through, so that one cannot
		       spoil the others again */
	int64_t idle_at_ms;
};

static void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attributes);
	pthread_condattr_destroy(&attributes);
}

static struct timespec time_of(int64_t ms)
{
	return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
}

/* False at the deadline. */
static bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline_ms)
{
	struct timespec at = time_of(deadline_ms);
	return pthread_cond_timedwait(cond, lock, &at) == 0 || tact_clock_monotonic_ms() < deadline_ms;
}

/* ---- requests ---------------------------------------------------------------------------------------- */

static void resume(struct tact_store_turn *turn);

static struct request *request_new(
    const struct tact_store_work *work, size_t count, struct tact_store_answer *answers)
{
	struct request *r = tact_calloc(1, sizeof *r + count * sizeof *r->outcomes);
	atomic_init(&r->refs, 1);
	r->turn.resume = resume;
	r->work = work;
	r->answers = answers;
	r->count = count;
	sem_init(&r->moved, 0, 0);
	for (size_t i = 0; i < count; i++)
		r->outcomes[i].answer.result = TACT_UNAVAILABLE;
	return r;
}

static void request_unref(struct request *r)
{
	if (atomic_fetch_sub(&r->refs, 1) > 1)
		return;
	sem_destroy(&r->moved);
	free(r);
}

static void copy_answers(struct request *r)
{
	for (size_t i = 0; i < r->count; i++)
		r->answers[i] = r->outcomes[i].answer;
}

/* The batch is done with it; the caller goes on. */
static void resume(struct tact_store_turn *turn)
{
	struct request *r = (struct request *)turn;

	atomic_store(&r->over, true);
	sem_post(&r->moved);
	request_unref(r);
}

static void enqueue(struct tact_store_writer *w, struct request *r)
{
	r->state = QUEUED;
	TAILQ_INSERT_TAIL(&w->queue, r, link);
	w->queued++;
}

static void dequeue(struct tact_store_writer *w, struct request *r)
{
	TAILQ_REMOVE(&w->queue, r, link);
	w->queued--;
}

/* The commit's result for the steps that were done under it. An unchanged step rested on what is not durable
 * now: ask again. */
static void settle(struct request *r, int result)
{
	for (size_t i = r->first; i < r->next; i++) {
		struct outcome *outcome = &r->outcomes[i];
		if (result == TACT_OK || outcome->answer.result != TACT_OK)
			continue;
		outcome->answer.version = 0;
		outcome->answer.result =
		    result == TACT_UNCERTAIN && outcome->changed ? TACT_UNCERTAIN : TACT_UNAVAILABLE;
	}
	r->first = r->next;
}

/* False at the deadline. */
static bool wait_for_post(struct request *r, int64_t deadline_ms)
{
	struct timespec at = time_of(deadline_ms);
	int code;

	do
		code =
		    deadline_ms == 0 ? sem_wait(&r->moved) : sem_clockwait(&r->moved, CLOCK_MONOTONIC, &at);
	while (code != 0 && errno == EINTR);
	return code == 0;
}

/* The deadline has passed. True: there is an outcome. */
static bool give_up(struct tact_store_writer *w, struct request *r, enum tact_store_outcome *ret)
{
	bool known = true;

	pthread_mutex_lock(&w->lock);
	switch (r->state) {
	case QUEUED:
		dequeue(w, r);
		*ret = TACT_STORE_LATE;
		break;
	case RUNNING:
		r->impatient = true;
		known = false;
		break;
	case COMMITTING:
		r->abandoned = true;
		settle(r, TACT_UNCERTAIN);
		*ret = TACT_STORE_LATE_COMMIT;
		break;
	case DONE: /* what comes after it has no deadline of ours */
		known = false;
		break;
	}
	pthread_mutex_unlock(&w->lock);
	return known;
}

static enum tact_store_outcome wait_for_answer(
    struct tact_store_writer *w, struct request *r, int64_t deadline_ms)
{
	enum tact_store_outcome outcome = TACT_STORE_ANSWERED;
	bool posted = wait_for_post(r, deadline_ms);

	while (!(posted && atomic_load(&r->over)) && !give_up(w, r, &outcome))
		posted = wait_for_post(r, 0);
	return outcome;
}

enum tact_store_outcome tact_store_writer_do(struct tact_store_writer *w, const struct tact_store_work *work,
    size_t count, struct tact_store_answer *ret_answers, int64_t deadline_ms)
{
	struct request *r = request_new(work, count, ret_answers);
	enum tact_store_outcome outcome = TACT_STORE_QUEUE_FULL;
	bool taken, sleeps;

	pthread_mutex_lock(&w->lock);
	taken = w->queued < w->limits.queue && !w->stopping;
	sleeps = w->sleeps;
	if (taken)
		enqueue(w, r);
	pthread_mutex_unlock(&w->lock);
	if (taken && sleeps)
		pthread_cond_signal(&w->work);
	if (taken)
		outcome = wait_for_answer(w, r, deadline_ms);
	copy_answers(r);
	request_unref(r);
	return outcome;
}

size_t tact_store_writer_queued(struct tact_store_writer *w)
{
	pthread_mutex_lock(&w->lock);
	size_t queued = w->queued;
	pthread_mutex_unlock(&w->lock);
	return queued;
}

/* ---- the thread -------------------------------------------------------------------------------------- */

static bool batch_is_full(const struct tact_store_writer *w, const struct batch *batch)
{
	return batch->lost || batch->steps >= w->limits.batch_steps ||
	       batch->bytes >= w->limits.batch_bytes ||
	       (batch->steps > 0 && tact_clock_monotonic_ms() >= batch->until_ms);
}

/* Without the lock: the request is RUNNING, so nobody else touches it. */
static void run_steps(struct tact_store_writer *w, struct batch *batch, struct request *r)
{
	while (r->next < r->count && !batch_is_full(w, batch)) {
		struct tact_store_step step = {.answer.result = TACT_UNAVAILABLE};
		size_t i = r->next++;
		batch->lost = r->work->step(w->engine, r->work, i, &step) != TACT_OK;
		if (batch->lost && step.answer.result == TACT_OK)
			step.answer.result = TACT_UNAVAILABLE;
		r->outcomes[i].answer = step.answer;
		r->outcomes[i].changed = step.changed;
		batch->wrote |= step.changed;
		batch->bytes += step.bytes;
		batch->steps++;
	}
}

static void run_batch(struct tact_store_writer *w, struct batch *batch)
{
	struct request *r;
	batch->until_ms = tact_clock_monotonic_ms() + w->limits.batch_ms;
	while (!batch_is_full(w, batch) && (r = TAILQ_FIRST(&w->queue))) {
		dequeue(w, r);
		r->state = RUNNING;
		atomic_fetch_add(&r->refs, 1);
		TAILQ_INSERT_TAIL(&batch->requests, r, link);
		pthread_mutex_unlock(&w->lock);
		run_steps(w, batch, r);
		pthread_mutex_lock(&w->lock);
		r->state = COMMITTING;
		if (r->impatient) {
			r->impatient = false; /* its deadline has passed: it wakes and leaves */
			sem_post(&r->moved);
		}
		if (w->alone)
			break;
	}
}

/* What stays in the batch is to be woken. */
static void settle_batch(struct tact_store_writer *w, struct batch *batch, int result)
{
	struct request *r, *next;

	for (r = TAILQ_FIRST(&batch->requests); r; r = next) {
		next = TAILQ_NEXT(r, link);
		if (!r->abandoned)
			settle(r, result);
		if (!r->abandoned && (result != TACT_OK || r->next == r->count)) {
			r->state = DONE;
			continue;
		}
		TAILQ_REMOVE(&batch->requests, r, link);
		if (!r->abandoned)
			enqueue(w, r);
		request_unref(r);
	}
}

/* Without the lock. */
static void wake(struct request_list *requests)
{
	struct request *r;

	while ((r = TAILQ_FIRST(requests))) {
		TAILQ_REMOVE(requests, r, link);
		if (r->work->after) {
			copy_answers(r);
			r->work->after(r->work->after_context, &r->turn);
		} else {
			resume(&r->turn);
		}
	}
}

/* Nobody is to find one in the queue that is done: its caller may be about to give up. */
static void fail_queue(struct tact_store_writer *w)
{
	struct request_list failed = TAILQ_HEAD_INITIALIZER(failed);
	struct request *r;

	while ((r = TAILQ_FIRST(&w->queue))) {
		dequeue(w, r);
		atomic_fetch_add(&r->refs, 1);
		r->state = DONE;
		TAILQ_INSERT_TAIL(&failed, r, link);
	}
	pthread_mutex_unlock(&w->lock);
	wake(&failed);
	pthread_mutex_lock(&w->lock);
}

/* Lock held at both ends. */
static void write_once(struct tact_store_writer *w)
{
	struct batch batch = {.requests = TAILQ_HEAD_INITIALIZER(batch.requests)};
	int result;

	pthread_mutex_unlock(&w->lock);
	result = w->calls->begin(w->engine);
	pthread_mutex_lock(&w->lock);
	if (result != TACT_OK) {
		fail_queue(w);
		return;
	}
	run_batch(w, &batch);
	pthread_mutex_unlock(&w->lock);
	if (batch.lost)
		w->calls->abort(w->engine);
	else
		result = w->calls->end(w->engine, batch.wrote);
	pthread_mutex_lock(&w->lock);
	if (batch.lost)
		result = TACT_UNAVAILABLE;
	if (result != TACT_OK)
		w->alone = true;
	else if (batch.wrote)
		w->alone = false;
	settle_batch(w, &batch, result);
	pthread_mutex_unlock(&w->lock);
	wake(&batch.requests);
	pthread_mutex_lock(&w->lock);
}

static void idle_when_due(struct tact_store_writer *w)
{
	if (tact_clock_monotonic_ms() < w->idle_at_ms)
		return;
	pthread_mutex_unlock(&w->lock);
	w->calls->idle(w->engine);
	pthread_mutex_lock(&w->lock);
	w->idle_at_ms = tact_clock_monotonic_ms() + w->limits.idle_ms;
}

static void writer_free(struct tact_store_writer *w)
{
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->ended_cond);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* Everybody waits for this thread, and what it does for each is little: it goes before those who queue, where
 * that is allowed (setpriority(2) is of one thread on Linux). */
static void go_first(struct tact_store_writer *w)
{
	int now = getpriority(PRIO_PROCESS, 0);

	(void)setpriority(PRIO_PROCESS, 0, now - BEFORE);
	w->goes_late = false;
}

static void *writer_main(void *context)
{
	struct tact_store_writer *w = context;
	bool orphaned;

	pthread_mutex_lock(&w->lock);
	while (!w->stopping || !TAILQ_EMPTY(&w->queue)) {
		if (w->goes_late)
			go_first(w);
		w->sleeps = TAILQ_EMPTY(&w->queue);
		if (w->sleeps)
			cond_wait_until(&w->work, &w->lock, w->idle_at_ms);
		else
			write_once(w);
		idle_when_due(w);
	}
	w->ended = true;
	orphaned = w->orphaned;
	pthread_cond_signal(&w->ended_cond);
	pthread_mutex_unlock(&w->lock);
	if (orphaned) {
		w->calls->orphaned(w->engine);
		writer_free(w);
	}
	return NULL;
}

struct tact_store_writer *tact_store_writer_new(
    const struct tact_store_writer_calls *calls, const struct tact_store_writer_limits *limits, void *engine)
{
	struct tact_store_writer *w = tact_calloc(1, sizeof *w);
	sigset_t all, before;

	w->calls = calls;
	w->limits = *limits;
	w->engine = engine;
	w->idle_at_ms = tact_clock_monotonic_ms() + limits->idle_ms;
	TAILQ_INIT(&w->queue);
	pthread_mutex_init(&w->lock, NULL);
	cond_init(&w->work);
	cond_init(&w->ended_cond);
	/* Signals are for the program's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&w->thread, NULL, writer_main, w) != 0) {
		writer_free(w);
		w = NULL;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return w;
}

void tact_store_writer_go_first(struct tact_store_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->goes_late = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

bool tact_store_writer_stop(struct tact_store_writer **writer, int64_t wait_ms)
{
	struct tact_store_writer *w = *writer;
	int64_t deadline_ms = tact_clock_monotonic_ms() + wait_ms;
	bool ended;

	*writer = NULL;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->work);
	while (!w->ended && cond_wait_until(&w->ended_cond, &w->lock, deadline_ms))
		continue;
	ended = w->ended;
	w->orphaned = !ended;
	pthread_t thread = w->thread;
	pthread_mutex_unlock(&w->lock);
	if (!ended) {
		pthread_detach(thread);
		return false;
	}
	pthread_join(thread, NULL);
	writer_free(w);
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A thread that asks the store about nobody, when there is doubt, until it answers.
 */
#include <config.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "health.h"

#define NOBODIES 12

struct health {
	struct tact_decider *decider;
	int64_t timeout_s;
	void (*back)(void *context);
	void *context;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool suspect, stop;
	atomic_bool down;
};

/* Looked for as a delayed recipient is. */
static bool answers_about(struct health *health, size_t nobody, struct tact_error *err)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_waiting waiting = {
	    .claim = tact_id_random(), .given = tact_arena_printf(arena, "nobody%zu@tact.invalid", nobody)};

	tact_decide_look(health->decider, arena, &waiting, tact_clock_now_us(),
	    tact_clock_monotonic_ms() + 1000 * health->timeout_s, err);
	tact_arena_free(&arena);
	return waiting.look != TACT_LOOK_FAIL;
}

/* A store of several parts answers while any of them does: enough nobodies are asked about to stand in more
 * than one. */
static bool store_answers(struct health *health, struct tact_error *err)
{
	struct tact_store_layout layout;
	bool answers = false;

	if (tact_decide_layout(health->decider, &layout, err) != TACT_OK)
		return false;
	for (size_t i = 0; !answers && i < (layout.parts > 1 ? NOBODIES : 1); i++)
		answers = answers_about(health, i, err);
	return answers;
}

static void wait_a_second(struct health *health)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	while (!health->stop && pthread_cond_timedwait(&health->wake, &health->lock, &until) == 0)
		;
}

/* With the lock held, given up while the store is asked. */
static void examine(struct health *health)
{
	struct tact_error err = {""};
	bool answers;

	health->suspect = false;
	(void)pthread_mutex_unlock(&health->lock);
	answers = store_answers(health, &err);
	if (!answers && !atomic_exchange(&health->down, true))
		tact_log(TACT_LOG_ERROR,
		    "gate: the store does not answer: %s; Postfix is greeted with 421 until "
		    "it does, delayed mail stays queued",
		    err.text);
	else if (answers && atomic_exchange(&health->down, false)) {
		tact_log(TACT_LOG_WARNING, "gate: the store answers again; everything due is rung");
		health->back(health->context);
	}
	(void)pthread_mutex_lock(&health->lock);
	if (!answers)
		wait_a_second(health);
}

static void *run(void *context)
{
	struct health *health = context;

	(void)pthread_mutex_lock(&health->lock);
	while (!health->stop) {
		if (health->suspect || atomic_load(&health->down))
			examine(health);
		else
			(void)pthread_cond_wait(&health->wake, &health->lock);
	}
	(void)pthread_mutex_unlock(&health->lock);
	return NULL;
}

struct health *health_start(
    struct tact_decider *decider, int64_t timeout_s, void (*back)(void *context), void *context)
{
	struct health *health = tact_calloc(1, sizeof *health);
	pthread_condattr_t attributes;

	*health =
	    (struct health){.decider = decider, .timeout_s = timeout_s, .back = back, .context = context};
	(void)pthread_mutex_init(&health->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&health->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	if (pthread_create(&health->thread, NULL, run, health) == 0)
		return health;
	(void)pthread_cond_destroy(&health->wake);
	(void)pthread_mutex_destroy(&health->lock);
	free(health);
	return NULL;
}

void health_stop(struct health **health)
{
	if (*health == NULL)
		return;
	(void)pthread_mutex_lock(&(*health)->lock);
	(*health)->stop = true;
	(void)pthread_cond_signal(&(*health)->wake);
	(void)pthread_mutex_unlock(&(*health)->lock);
	(void)pthread_join((*health)->thread, NULL);
	(void)pthread_cond_destroy(&(*health)->wake);
	(void)pthread_mutex_destroy(&(*health)->lock);
	free(*health);
	*health = NULL;
}

void health_suspect(struct health *health)
{
	(void)pthread_mutex_lock(&health->lock);
	health->suspect = true;
	(void)pthread_cond_signal(&health->wake);
	(void)pthread_mutex_unlock(&health->lock);
}

bool health_is_down(struct health *health)
{
	return atomic_load(&health->down);
}

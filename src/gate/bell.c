/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The bell's thread: has what is due read, rings, gives up what nobody fetches.
 */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bell.h"
#include "byid.h"
#include "etrn.h"
#include "plan.h"
#include "reader.h"

#define GIVE_UP_MOST 500   /* a second */
#define SAY_MS (60 * 1000) /* between two log lines of one kind */

struct bell {
	struct bell_parts parts;
	pthread_t thread;
	pthread_mutex_t lock; /* over plan and what follows */
	pthread_cond_t wake;
	struct plan *plan;
	bool stop, ring_all;

	/* The thread's own. */
	struct tact_arena *arena;
	struct reader *reader;
	bool silent; /* the thread has ended */
	int64_t said_etrn_ms, said_byid_ms;
};

static void lock(struct bell *bell)
{
	(void)pthread_mutex_lock(&bell->lock);
}

static void unlock(struct bell *bell)
{
	(void)pthread_mutex_unlock(&bell->lock);
}

/* Once a minute is enough for what goes on until somebody mends it. */
static void complain(int64_t *said_ms, const char *what, const struct tact_error *err)
{
	int64_t now_ms = tact_clock_monotonic_ms();

	if (*said_ms != 0 && now_ms - *said_ms < SAY_MS)
		return;
	*said_ms = now_ms;
	tact_log(TACT_LOG_WARNING, "bell: %s: %s", what, err->text);
}

/* For the timetable's intervals. */
static int64_t steady_us(void)
{
	return 1000 * tact_clock_monotonic_ms();
}

/* ---- ringing ---- */

static void ring(struct bell *bell)
{
	struct plan_ring rings[ETRN_MAX];
	bool heard[ETRN_MAX];
	struct tact_error err = {""};
	size_t count;

	lock(bell);
	count = plan_rings(bell->plan, steady_us(), rings, ETRN_MAX);
	unlock(bell);
	if (count == 0)
		return;
	if (etrn_ring(&bell->parts.terms, bell->parts.pass_socket, bell->parts.gate_domain,
		bell->parts.review_domain, rings, count, heard, &err) != TACT_OK)
		complain(&bell->said_etrn_ms, "Postfix was not rung", &err);
	lock(bell);
	for (size_t i = 0; i < count; i++)
		plan_rang(bell->plan, &rings[i], heard[i], steady_us());
	unlock(bell);
	for (size_t i = 0; i < count; i++)
		if (heard[i])
			tact_log(TACT_LOG_INFO, "bell: rung=%s.%s", rings[i].label,
			    rings[i].review ? bell->parts.review_domain : bell->parts.gate_domain);
}

/* Those that no ring reached. */
static void ask_by_id(struct bell *bell)
{
	struct kept_id ids[BYID_MAX];
	struct tact_error err = {""};
	size_t count;

	lock(bell);
	count = plan_missing(bell->plan, steady_us(), ids, BYID_MAX);
	unlock(bell);
	if (count == 0)
		return;
	if (byid_ring(byid_socket(bell->arena, bell->parts.pass_socket), bell->parts.terms.end_ms,
		bell->parts.terms.step_ms, ids, count, &err) != TACT_OK) {
		complain(&bell->said_byid_ms, "single messages could not be asked for", &err);
		return;
	}
	for (size_t i = 0; i < count; i++)
		tact_log(TACT_LOG_INFO, "%s: bell: asked for by its id", ids[i].text);
}

static void give_up(struct bell *bell)
{
	struct tact_store_key keys[GIVE_UP_MOST];
	size_t count;

	lock(bell);
	count = plan_give_up(bell->plan, steady_us(), keys, GIVE_UP_MOST);
	unlock(bell);
	reader_put_right(bell->reader, keys, count);
}

/* ---- the thread ---- */

static void note_rules(struct bell *bell)
{
	const struct tact_rule_set *rules = tact_decider_take_rules(bell->parts.decider);

	lock(bell);
	plan_set_slot_length(bell->plan, rules->slot_length_s);
	unlock(bell);
	tact_decider_put_rules(bell->parts.decider, rules);
}

static void tick(struct bell *bell)
{
	int64_t now_us = tact_clock_now_us();

	lock(bell);
	if (bell->ring_all)
		plan_ring_all(bell->plan, steady_us());
	bell->ring_all = false;
	unlock(bell);
	note_rules(bell);
	reader_run(bell->reader, now_us);
	ring(bell);
	ask_by_id(bell);
	give_up(bell);
	tact_arena_reset(bell->arena);
}

/* True: the daemon ends. */
static bool wait_a_second(struct bell *bell)
{
	struct timespec until;
	bool stop;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	lock(bell);
	while (
	    !bell->stop && !bell->ring_all && pthread_cond_timedwait(&bell->wake, &bell->lock, &until) == 0)
		;
	stop = bell->stop;
	unlock(bell);
	return stop;
}

static void *run(void *context)
{
	struct bell *bell = context;

	do
		tick(bell);
	while (!wait_a_second(bell));
	return NULL;
}

static void free_bell(struct bell **bell)
{
	reader_free(&(*bell)->reader);
	(void)pthread_cond_destroy(&(*bell)->wake);
	(void)pthread_mutex_destroy(&(*bell)->lock);
	plan_free(&(*bell)->plan);
	tact_arena_free(&(*bell)->arena);
	free(*bell);
	*bell = NULL;
}

struct bell *bell_start(const struct bell_parts *parts)
{
	struct bell *bell = tact_calloc(1, sizeof *bell);
	pthread_condattr_t attributes;
	int64_t now_us = tact_clock_now_us();

	bell->parts = *parts;
	bell->plan = plan_new(now_us, steady_us());
	bell->arena = tact_arena_new();
	bell->reader = reader_new(&(struct reader_terms){.decider = parts->decider,
				      .plan = bell->plan,
				      .lock = &bell->lock,
				      .store_timeout_s = parts->store_timeout_s},
	    now_us);
	(void)pthread_mutex_init(&bell->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&bell->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	if (pthread_create(&bell->thread, NULL, run, bell) != 0)
		free_bell(&bell);
	return bell;
}

void bell_silence(struct bell *bell)
{
	if (bell->silent)
		return;
	lock(bell);
	bell->stop = true;
	(void)pthread_cond_signal(&bell->wake);
	unlock(bell);
	(void)pthread_join(bell->thread, NULL);
	bell->silent = true;
}

void bell_free(struct bell **bell)
{
	if (*bell == NULL)
		return;
	bell_silence(*bell);
	free_bell(bell);
}

void bell_saw(struct bell *bell, const struct tact_id *claim)
{
	lock(bell);
	plan_saw(bell->plan, claim, steady_us());
	unlock(bell);
}

void bell_taken(struct bell *bell, const struct tact_id *claim, const char *label, bool review)
{
	lock(bell);
	plan_taken(bell->plan, claim, label, review, steady_us());
	unlock(bell);
}

void bell_waits(struct bell *bell, const struct tact_id *claim, int64_t until_us)
{
	lock(bell);
	if (until_us != 0)
		plan_waits(bell->plan, claim, until_us, steady_us());
	plan_ended(bell->plan, claim, steady_us());
	unlock(bell);
}

void bell_ended(struct bell *bell, const struct tact_id *claim)
{
	lock(bell);
	plan_ended(bell->plan, claim, steady_us());
	unlock(bell);
}

void bell_met(struct bell *bell, const char *label, bool review, const char *queue_id)
{
	lock(bell);
	plan_met(bell->plan, label, review, queue_id, steady_us());
	unlock(bell);
}

void bell_left(struct bell *bell, const char *label, bool review, const char *queue_id)
{
	lock(bell);
	plan_left(bell->plan, label, review, queue_id);
	unlock(bell);
}

void bell_ring_all(struct bell *bell)
{
	lock(bell);
	bell->ring_all = true;
	(void)pthread_cond_signal(&bell->wake);
	unlock(bell);
}

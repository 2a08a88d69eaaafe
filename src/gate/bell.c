/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The bell's thread: reads what is due, rings, puts records right that nobody fetches.
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

#define PAGE 500		   /* records read at a time */
#define OVERLAP_US (5 * 1000000LL) /* a wake time may be written a little after it was computed */
#define WHOLE_MS (60 * 1000)	   /* between readings of the whole index */
#define SWEEP_MS (600 * 1000)	   /* between searches for what was never queued */
#define SAY_MS (60 * 1000)	   /* between two log lines of one kind */

struct bell {
	struct bell_parts parts;
	pthread_t thread;
	pthread_mutex_t lock; /* over plan and what follows */
	pthread_cond_t wake;
	struct plan *plan;
	bool stop, ring_all;

	/* The thread's own. */
	struct tact_arena *arena;
	bool recounted;
	size_t store_parts;
	int64_t read_until_us[TACT_STORE_PARTS_MOST]; /* of each part */
	int64_t read_at_us, read_whole_ms;	      /* when last, by the clock; the whole index */
	int64_t sweep_ms, sweep_at_us, sweep_from_us, sweep_now_us;
	bool sweeping;
	uint64_t campaigns_mark; /* of the campaigns that wake times were last put right for */
	int64_t rewake_at_us;
	bool rewaking;
	bool silent; /* the thread has ended */
	int64_t said_store_ms, said_etrn_ms, said_byid_ms;
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

static int64_t store_deadline_ms(const struct bell *bell)
{
	return tact_clock_monotonic_ms() + 1000 * bell->parts.store_timeout_s;
}

/* ---- reading the due index ---- */

typedef void (*page_fn)(
    struct bell *bell, const struct tact_bell_claim *claims, size_t count, int64_t now_us);

#define EVERY_PART SIZE_MAX

static int read_page(
    struct bell *bell, size_t part, int64_t *after_us, int64_t until_us, int64_t now_us, page_fn fn)
{
	struct tact_error err = {""};
	struct tact_bell_claim *claims;
	size_t count;
	int64_t next_us;
	int result;

	tact_arena_reset(bell->arena);
	if (part == EVERY_PART)
		result = tact_decide_due_page(bell->parts.decider, bell->arena, *after_us, until_us, PAGE,
		    now_us, &claims, &count, &next_us, &err);
	else
		result = tact_decide_due_part(bell->parts.decider, bell->arena, part, *after_us, until_us,
		    PAGE, now_us, &claims, &count, &next_us, &err);
	if (result != TACT_OK) {
		complain(&bell->said_store_ms, "cannot read what is due", &err);
		return result;
	}
	fn(bell, claims, count, now_us);
	*after_us = next_us;
	return TACT_OK;
}

static void refresh(struct bell *bell, const struct tact_store_key *key, const struct tact_id *withdraw,
    size_t count, int64_t now_us)
{
	struct tact_error err = {""};

	if (tact_decide_refresh(bell->parts.decider, bell->arena, key, withdraw, count, now_us,
		store_deadline_ms(bell), &err) != TACT_OK)
		complain(&bell->said_store_ms, "cannot put a record right", &err);
}

static bool same_record(const struct tact_store_key *a, const struct tact_store_key *b)
{
	return a->kind == b->kind && tact_id_equal(&a->id, &b->id);
}

static void add_page(struct bell *bell, const struct tact_bell_claim *claims, size_t count, int64_t now_us)
{
	for (size_t i = 0, end; i < count; i = end) {
		bool due = false;

		lock(bell);
		for (end = i; end < count && same_record(&claims[i].key, &claims[end].key); end++)
			due = (plan_add(bell->plan, &claims[end], now_us, steady_us()) == PLAN_KEPT) || due;
		unlock(bell);
		/* Every place has moved on. */
		if (!due)
			refresh(bell, &claims[i].key, NULL, 0, now_us);
	}
}

static bool read_part(struct bell *bell, size_t part, bool whole, int64_t now_us)
{
	int64_t after_us = whole ? 0 : bell->read_until_us[part] - OVERLAP_US;

	if (after_us < 0)
		after_us = 0;
	while (after_us < now_us)
		if (read_page(bell, part, &after_us, now_us, now_us, add_page) != TACT_OK)
			return false;
	bell->read_until_us[part] = now_us;
	return true;
}

/* Parts of the store that do not answer keep their mail waiting, and no other. */
static size_t read_parts(struct bell *bell, bool whole, int64_t now_us)
{
	size_t read = 0;

	for (size_t part = 0; part < bell->store_parts; part++)
		read += read_part(bell, part, whole, now_us);
	return read;
}

static bool has_new_parts(struct bell *bell)
{
	size_t parts = tact_decide_parts(bell->parts.decider);

	if (parts == bell->store_parts)
		return false;
	bell->store_parts = parts;
	return true;
}

static void read_due(struct bell *bell, int64_t now_us)
{
	int64_t now_ms = tact_clock_monotonic_ms();
	bool whole = has_new_parts(bell) || bell->read_whole_ms == 0 ||
		     now_ms - bell->read_whole_ms >= WHOLE_MS || now_us < bell->read_at_us;
	size_t read;

	lock(bell);
	plan_begin_reading(bell->plan, whole);
	unlock(bell);
	read = read_parts(bell, whole, now_us);
	if (read == 0)
		return;
	bell->read_at_us = now_us;
	if (!whole)
		return;
	bell->read_whole_ms = now_ms;
	if (read < bell->store_parts)
		return;
	lock(bell);
	plan_end_reading(bell->plan);
	unlock(bell);
}

/* ---- what was never queued ---- */

static void sweep_page(struct bell *bell, const struct tact_bell_claim *claims, size_t count, int64_t now_us)
{
	for (size_t i = 0, end; i < count; i = end) {
		struct tact_id *gone = NULL;
		size_t gone_count = 0;

		lock(bell);
		for (end = i; end < count && same_record(&claims[i].key, &claims[end].key); end++)
			if (plan_was_never_queued(bell->plan, &claims[end], bell->sweep_from_us, now_us))
				*TACT_PUSH(bell->arena, gone, gone_count) = claims[end].claim;
		unlock(bell);
		if (gone_count == 0)
			continue;
		tact_log(TACT_LOG_INFO,
		    "bell: withdrawn=%zu reason=\"never came to the gate within an hour\"", gone_count);
		refresh(bell, &claims[i].key, gone, gone_count, now_us);
	}
}

/* One page a tick, so that the bell is never late for it. */
static void sweep(struct bell *bell, int64_t now_us)
{
	int64_t now_ms = tact_clock_monotonic_ms();

	if (!bell->sweeping) {
		if (now_ms - bell->sweep_ms < SWEEP_MS)
			return;
		bell->sweeping = true;
		bell->sweep_at_us = 0;
		bell->sweep_now_us = now_us;
	}
	if (read_page(bell, EVERY_PART, &bell->sweep_at_us, INT64_MAX, bell->sweep_now_us, sweep_page) !=
	    TACT_OK)
		return;
	if (bell->sweep_at_us != INT64_MAX)
		return;
	bell->sweeping = false;
	bell->sweep_ms = now_ms;
	bell->sweep_from_us = bell->sweep_now_us - PLAN_SHOW_UP_US;
}

/* ---- campaigns that gave up places, or took them ---- */

#define REWAKE_MS 300 /* of a tick */

static int rewake_page(struct bell *bell, int64_t now_us)
{
	struct tact_error err = {""};
	int result = tact_decide_rewake(
	    bell->parts.decider, bell->arena, bell->rewake_at_us, PAGE, now_us, &bell->rewake_at_us, &err);

	tact_arena_reset(bell->arena);
	if (result != TACT_OK)
		complain(&bell->said_store_ms, "cannot put right when mail is woken", &err);
	return result;
}

/* Whatever waits is looked at again, from the start when campaigns change meanwhile. */
static void rewake(struct bell *bell, int64_t now_us)
{
	int64_t until_ms = tact_clock_monotonic_ms() + REWAKE_MS;
	uint64_t mark = tact_decide_campaigns_mark(bell->parts.decider);

	if (mark != bell->campaigns_mark) {
		bell->campaigns_mark = mark;
		lock(bell);
		plan_forget_waits(bell->plan);
		unlock(bell);
		bell->rewaking = true;
		bell->rewake_at_us = 0;
	}
	while (bell->rewaking && tact_clock_monotonic_ms() < until_ms) {
		if (rewake_page(bell, now_us) != TACT_OK)
			return;
		bell->rewaking = bell->rewake_at_us != INT64_MAX;
	}
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

static void give_up(struct bell *bell, int64_t now_us)
{
	struct tact_store_key keys[PAGE];
	size_t count;

	lock(bell);
	count = plan_give_up(bell->plan, steady_us(), keys, PAGE);
	unlock(bell);
	for (size_t i = 0; i < count; i++)
		refresh(bell, &keys[i], NULL, 0, now_us);
}

/* ---- the thread ---- */

static void recount(struct bell *bell, int64_t now_us)
{
	struct tact_error err = {""};

	if (bell->recounted)
		return;
	bell->recounted = tact_decide_recount(bell->parts.decider, now_us, &err) == TACT_OK;
	if (!bell->recounted)
		complain(&bell->said_store_ms, "cannot count what waits", &err);
}

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
	recount(bell, now_us);
	rewake(bell, now_us);
	read_due(bell, now_us);
	ring(bell);
	ask_by_id(bell);
	give_up(bell, now_us);
	sweep(bell, now_us);
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
	bell->sweep_from_us = now_us;
	bell->sweep_ms = tact_clock_monotonic_ms();
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

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * See reader.h. A part is gone through by a thread of its own, which the bell waits for as long as it answers
 * in time; a store of one part by the bell itself.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "reader.h"

#define PAGE 500		   /* records read at a time */
#define OVERLAP_US (5 * 1000000LL) /* a wake time may be written a little after it was computed */
#define WHOLE_MS (60 * 1000)	   /* between readings of the whole index */
#define SWEEP_MS (600 * 1000)	   /* between searches for what was never queued */
#define SAY_MS (60 * 1000)	   /* between two log lines of one kind */
#define REWAKE_MS 300		   /* of a run */
#define PATIENCE_MS 1000	   /* with a part that answered before */

/* A part, and how far its reading has come. Whoever goes through it has it for himself. */
struct part {
	struct reader *reader;
	size_t number;
	pthread_t thread;
	bool has_thread; /* to be joined */
	bool busy;	 /* it runs: under the lock */
	bool answers;	 /* as it was gone through last */

	struct tact_arena *arena;
	int64_t now_us;
	bool whole;		 /* the whole index is to be read */
	int64_t read_until_us;	 /* of the index */
	int64_t again_us;	 /* then the whole of it is to be read, for somebody's place has come */
	int64_t recounted_us;	 /* up to which wake time; INT64_MAX: all */
	uint64_t campaigns_mark; /* of the campaigns that wake times were last put right for */
	bool rewaking;
	int64_t rewake_at_us;
	bool sweeping;
	int64_t sweep_ms, sweep_at_us, sweep_from_us, sweep_now_us;
	struct tact_store_key *wrong; /* records to be put right */
	size_t wrong_count;
};

struct reader {
	struct reader_terms terms;
	pthread_cond_t done; /* a part is no longer busy */
	struct tact_store_layout layout;
	struct part *parts;		   /* one for each part of the layout; NULL: not known yet */
	int64_t read_at_us, read_whole_ms; /* when last, by the clock; the whole index */
	uint64_t campaigns_mark;
	int64_t start_us, said_ms;
};

static void lock(struct reader *reader)
{
	(void)pthread_mutex_lock(reader->terms.lock);
}

static void unlock(struct reader *reader)
{
	(void)pthread_mutex_unlock(reader->terms.lock);
}

static int64_t steady_us(void)
{
	return 1000 * tact_clock_monotonic_ms();
}

/* Once a minute is enough for what goes on until somebody mends it. */
static void complain(struct reader *reader, const char *what, const struct tact_error *err)
{
	int64_t now_ms = tact_clock_monotonic_ms();
	bool says;

	lock(reader);
	says = reader->said_ms == 0 || now_ms - reader->said_ms >= SAY_MS;
	if (says)
		reader->said_ms = now_ms;
	unlock(reader);
	if (says)
		tact_log(TACT_LOG_WARNING, "bell: %s: %s", what, err->text);
}

/* ---- reading the due index ---- */

typedef void (*page_fn)(
    struct part *part, const struct tact_bell_claim *claims, size_t count, int64_t now_us);

static int read_page(struct part *part, int64_t *after_us, int64_t until_us, int64_t now_us, page_fn fn)
{
	struct reader *reader = part->reader;
	struct tact_error err = {""};
	struct tact_bell_claim *claims;
	size_t count;
	int64_t next_us;
	int result;

	tact_arena_reset(part->arena);
	result = tact_decide_due_part(reader->terms.decider, part->arena, &reader->layout, part->number,
	    *after_us, until_us, PAGE, now_us, &claims, &count, &next_us, &err);
	if (result != TACT_OK) {
		complain(reader, "cannot read what is due", &err);
		return result;
	}
	fn(part, claims, count, now_us);
	*after_us = next_us;
	return TACT_OK;
}

static void refresh(struct part *part, const struct tact_store_key *key, const struct tact_id *withdraw,
    size_t count, int64_t now_us)
{
	struct reader *reader = part->reader;
	struct tact_error err = {""};

	if (tact_decide_refresh(reader->terms.decider, part->arena, key, withdraw, count, now_us,
		tact_clock_monotonic_ms() + 1000 * reader->terms.store_timeout_s, &err) != TACT_OK)
		complain(reader, "cannot put a record right", &err);
}

static bool same_record(const struct tact_store_key *a, const struct tact_store_key *b)
{
	return a->kind == b->kind && tact_id_equal(&a->id, &b->id);
}

/* The record goes on waking for another relay's claim, which is due; ours has its time. */
static void look_again(struct part *part, const struct tact_bell_claim *claim)
{
	if (claim->place_us < part->again_us)
		part->again_us = claim->place_us;
}

static void add_page(struct part *part, const struct tact_bell_claim *claims, size_t count, int64_t now_us)
{
	struct reader *reader = part->reader;

	for (size_t i = 0, end; i < count; i = end) {
		bool right = false;

		lock(reader);
		for (end = i; end < count && same_record(&claims[i].key, &claims[end].key); end++) {
			bool kept =
			    plan_add(reader->terms.plan, &claims[end], now_us, steady_us()) == PLAN_KEPT;

			if (!kept && claims[end].shared)
				look_again(part, &claims[end]);
			right |= kept || claims[end].shared;
		}
		unlock(reader);
		/* Every place has moved on. */
		if (!right)
			refresh(part, &claims[i].key, NULL, 0, now_us);
	}
}

static bool read_due(struct part *part)
{
	int64_t after_us, now_us = part->now_us;

	part->whole |= now_us >= part->again_us;
	after_us = part->whole || part->read_until_us < OVERLAP_US ? 0 : part->read_until_us - OVERLAP_US;
	if (part->whole)
		part->again_us = INT64_MAX;
	while (after_us < now_us)
		if (read_page(part, &after_us, now_us, now_us, add_page) != TACT_OK)
			return false;
	part->read_until_us = now_us;
	part->whole = false;
	return true;
}

/* ---- what was never queued ---- */

static void sweep_page(struct part *part, const struct tact_bell_claim *claims, size_t count, int64_t now_us)
{
	struct reader *reader = part->reader;

	for (size_t i = 0, end; i < count; i = end) {
		struct tact_id *gone = NULL;
		size_t gone_count = 0;

		lock(reader);
		for (end = i; end < count && same_record(&claims[i].key, &claims[end].key); end++)
			if (plan_was_never_queued(
				reader->terms.plan, &claims[end], part->sweep_from_us, now_us))
				*TACT_PUSH(part->arena, gone, gone_count) = claims[end].claim;
		unlock(reader);
		if (gone_count == 0)
			continue;
		tact_log(TACT_LOG_INFO,
		    "bell: withdrawn=%zu reason=\"never came to the gate within an hour\"", gone_count);
		refresh(part, &claims[i].key, gone, gone_count, now_us);
	}
}

/* One page a run, so that the bell is never late for it. */
static void sweep(struct part *part)
{
	int64_t now_ms = tact_clock_monotonic_ms();

	if (!part->sweeping) {
		if (now_ms - part->sweep_ms < SWEEP_MS)
			return;
		part->sweeping = true;
		part->sweep_at_us = 0;
		part->sweep_now_us = part->now_us;
	}
	if (read_page(part, &part->sweep_at_us, INT64_MAX, part->sweep_now_us, sweep_page) != TACT_OK ||
	    part->sweep_at_us != INT64_MAX)
		return;
	part->sweeping = false;
	part->sweep_ms = now_ms;
	part->sweep_from_us = part->sweep_now_us - PLAN_SHOW_UP_US;
}

/* ---- campaigns that gave up places, or took them ---- */

static int rewake_page(struct part *part)
{
	struct reader *reader = part->reader;
	struct tact_error err = {""};
	int result;

	tact_arena_reset(part->arena);
	result = tact_decide_rewake(reader->terms.decider, part->arena, &reader->layout, part->number,
	    part->rewake_at_us, PAGE, part->now_us, &part->rewake_at_us, &err);
	if (result != TACT_OK)
		complain(reader, "cannot put right when mail is woken", &err);
	return result;
}

/* Whatever waits is looked at again, from the start when campaigns change meanwhile; and then rung for,
 * though its time may be long past. */
static void rewake(struct part *part)
{
	int64_t until_ms = tact_clock_monotonic_ms() + REWAKE_MS;
	uint64_t mark = tact_decide_campaigns_mark(part->reader->terms.decider);

	if (mark != part->campaigns_mark) {
		part->campaigns_mark = mark;
		part->rewaking = true;
		part->rewake_at_us = 0;
	}
	while (part->rewaking && tact_clock_monotonic_ms() < until_ms) {
		if (rewake_page(part) != TACT_OK)
			return;
		part->rewaking = part->rewake_at_us != INT64_MAX;
		part->whole |= !part->rewaking;
	}
}

/* ---- one part ---- */

static void recount(struct part *part)
{
	struct reader *reader = part->reader;
	struct tact_error err = {""};

	if (part->recounted_us != INT64_MAX &&
	    tact_decide_recount(reader->terms.decider, &reader->layout, part->number, &part->recounted_us,
		part->now_us, &err) != TACT_OK)
		complain(reader, "cannot count what waits", &err);
}

static void put_right(struct part *part)
{
	for (size_t i = 0; i < part->wrong_count; i++) {
		tact_arena_reset(part->arena);
		refresh(part, &part->wrong[i], NULL, 0, part->now_us);
	}
	part->wrong_count = 0;
}

static void go_through(struct part *part)
{
	recount(part);
	rewake(part);
	part->answers = read_due(part);
	if (part->answers) {
		put_right(part);
		sweep(part);
	}
	tact_arena_reset(part->arena);
}

static void set_busy(struct part *part, bool busy)
{
	lock(part->reader);
	part->busy = busy;
	(void)pthread_cond_signal(&part->reader->done);
	unlock(part->reader);
}

static void *run_part(void *context)
{
	go_through(context);
	set_busy(context, false);
	return NULL;
}

/* True: it has been gone through. */
static bool await(struct part *part, int64_t most_ms)
{
	struct reader *reader = part->reader;
	int64_t until_ms = tact_clock_monotonic_ms() + most_ms;
	const struct timespec at = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
	bool busy;

	lock(reader);
	while (part->busy && tact_clock_monotonic_ms() < until_ms)
		(void)pthread_cond_timedwait(&reader->done, reader->terms.lock, &at);
	busy = part->busy;
	unlock(reader);
	return !busy;
}

static void join(struct part *part)
{
	if (part->has_thread)
		(void)pthread_join(part->thread, NULL);
	part->has_thread = false;
}

/* True when it was gone through, and answered. */
static bool run(struct part *part, bool whole, int64_t now_us)
{
	int64_t patience_ms = part->answers ? PATIENCE_MS : 0;

	join(part);
	part->now_us = now_us;
	part->whole |= whole;
	set_busy(part, true);
	if (part->reader->layout.parts > 1)
		part->has_thread = pthread_create(&part->thread, NULL, run_part, part) == 0;
	if (!part->has_thread)
		(void)run_part(part);
	return await(part, patience_ms) && part->answers;
}

/* ---- all parts ---- */

static size_t count_busy(struct reader *reader)
{
	size_t busy = 0;

	lock(reader);
	for (size_t i = 0; reader->parts != NULL && i < reader->layout.parts; i++)
		busy += reader->parts[i].busy;
	unlock(reader);
	return busy;
}

static void free_parts(struct reader *reader)
{
	for (size_t i = 0; reader->parts != NULL && i < reader->layout.parts; i++) {
		join(&reader->parts[i]);
		tact_arena_free(&reader->parts[i].arena);
		free(reader->parts[i].wrong);
	}
	free(reader->parts);
	reader->parts = NULL;
}

/* Those that records were moved to and from begin where the last of all was. */
static int64_t swept_from(const struct reader *reader)
{
	int64_t from_us = reader->start_us;

	for (size_t i = 0; reader->parts != NULL && i < reader->layout.parts; i++)
		if (i == 0 || reader->parts[i].sweep_from_us < from_us)
			from_us = reader->parts[i].sweep_from_us;
	return from_us;
}

static bool is_counted(const struct reader *reader)
{
	bool counted = reader->parts != NULL;

	for (size_t i = 0; counted && i < reader->layout.parts; i++)
		counted = reader->parts[i].recounted_us == INT64_MAX;
	return counted;
}

static void make_parts(struct reader *reader, const struct tact_store_layout *layout)
{
	int64_t from_us = swept_from(reader);
	bool counted = is_counted(reader);

	free_parts(reader);
	reader->layout = *layout;
	reader->parts = tact_calloc(layout->parts, sizeof *reader->parts);
	for (size_t i = 0; i < layout->parts; i++)
		reader->parts[i] = (struct part){.reader = reader,
		    .number = i,
		    .answers = true,
		    .arena = tact_arena_new(),
		    .whole = true,
		    .again_us = INT64_MAX,
		    .recounted_us = counted ? INT64_MAX : 0,
		    .sweep_ms = tact_clock_monotonic_ms(),
		    .sweep_from_us = from_us};
	if (!counted)
		tact_decide_forget_counts(reader->terms.decider);
}

/* A new layout waits until nobody goes by the old one any more. False: none is known yet. */
static bool learn_layout(struct reader *reader)
{
	struct tact_store_layout layout;
	struct tact_error err = {""};

	if (tact_decide_layout(reader->terms.decider, &layout, &err) != TACT_OK)
		complain(reader, "cannot read where records stand", &err);
	else if (reader->parts == NULL ||
		 (!tact_store_same_layout(&layout, &reader->layout) && count_busy(reader) == 0))
		make_parts(reader, &layout);
	return reader->parts != NULL;
}

/* What was said of campaigns' mail may be wrong by now. */
static void note_campaigns(struct reader *reader)
{
	uint64_t mark = tact_decide_campaigns_mark(reader->terms.decider);

	if (mark == reader->campaigns_mark)
		return;
	reader->campaigns_mark = mark;
	lock(reader);
	plan_forget_waits(reader->terms.plan);
	unlock(reader);
}

static size_t run_all(struct reader *reader, bool whole, int64_t now_us)
{
	size_t read = 0;

	for (size_t i = 0; i < reader->layout.parts; i++)
		if (await(&reader->parts[i], 0))
			read += run(&reader->parts[i], whole, now_us);
	return read;
}

void reader_run(struct reader *reader, int64_t now_us)
{
	int64_t now_ms = tact_clock_monotonic_ms();
	bool whole = reader->read_whole_ms == 0 || now_ms - reader->read_whole_ms >= WHOLE_MS ||
		     now_us < reader->read_at_us;
	bool together;
	size_t read;

	if (!learn_layout(reader))
		return;
	note_campaigns(reader);
	/* What ends is remembered for those who are still on their way: they may yet name it. */
	together = count_busy(reader) == 0;
	if (together) {
		lock(reader);
		plan_begin_reading(reader->terms.plan, whole);
		unlock(reader);
	}
	read = run_all(reader, whole, now_us);
	if (read == 0)
		return;
	reader->read_at_us = now_us;
	if (!whole)
		return;
	reader->read_whole_ms = now_ms;
	if (!together || read < reader->layout.parts)
		return;
	lock(reader);
	plan_end_reading(reader->terms.plan);
	unlock(reader);
}

void reader_put_right(struct reader *reader, const struct tact_store_key *keys, size_t count)
{
	for (size_t i = 0; i < count && reader->parts != NULL; i++) {
		struct part *part = &reader->parts[reader->layout.part_of[keys[i].id.b[0]]];

		if (!await(part, 0))
			continue; /* given up again when it is read again */
		part->wrong = tact_realloc(part->wrong, (part->wrong_count + 1) * sizeof *part->wrong);
		part->wrong[part->wrong_count++] = keys[i];
	}
}

struct reader *reader_new(const struct reader_terms *terms, int64_t start_us)
{
	struct reader *reader = tact_calloc(1, sizeof *reader);
	pthread_condattr_t attributes;

	reader->terms = *terms;
	reader->start_us = start_us;
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&reader->done, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return reader;
}

void reader_free(struct reader **reader)
{
	if (*reader == NULL)
		return;
	free_parts(*reader);
	(void)pthread_cond_destroy(&(*reader)->done);
	free(*reader);
	*reader = NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The sweep: what nobody writes is trimmed too. A scan picks what would change, small updates change it, and
 * as long as each took the sweep rests.
 */
#include <config.h>

#include <string.h>
#include <time.h>

#include "private.h"

#define BATCH 64
#define BATCH_TIMEOUT_MS 30000

struct sweep {
	struct tact_decider *decider;
	struct tact_arena *arena; /* of the batch */
	struct record_terms terms;
	const atomic_bool *stop;
	void (*progress)(void *context, const struct tact_swept *swept);
	void *context;
	struct tact_store_key keys[BATCH];
	bool removed[BATCH], trimmed[BATCH];
	size_t count;
	struct tact_swept swept;
	int result;
};

/* Emptied so long ago that no writer and no relay can still hold an older version of it. */
static bool is_bygone(const struct sweep *sweep, const struct tact_record *record)
{
	return record->size == 0 && record->version > 0 &&
	       (int64_t)record->version + sweep->terms.rules->history_s * 1000000 < sweep->terms.now_us;
}

static bool tidy(struct sweep *sweep, struct tact_dossier *dossier)
{
	bool given_up = record_withdraw_given_up(&sweep->terms, dossier);

	return tact_dossier_tidy(sweep->arena, dossier, sweep->terms.now_us, sweep->terms.rules->history_s) ||
	       given_up;
}

static bool would_change(struct sweep *sweep, const struct tact_record *record)
{
	struct tact_dossier dossier;

	if (record->size == 0)
		return is_bygone(sweep, record);
	if (tact_dossier_decode(sweep->arena, record->bytes, record->size, &dossier, NULL) != TACT_OK)
		return false; /* `tact store check` tells of those */
	return tidy(sweep, &dossier);
}

static bool trim_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct sweep *sweep = context;
	struct tact_dossier dossier;

	(void)store_now_us;
	sweep->trimmed[index] = false;
	sweep->removed[index] = is_bygone(sweep, now);
	if (sweep->removed[index])
		return ret->remove = true;
	if (now->size == 0 ||
	    tact_dossier_decode(sweep->arena, now->bytes, now->size, &dossier, NULL) != TACT_OK)
		return false;
	if (!tidy(sweep, &dossier))
		return false;
	record_finish(sweep->arena, &sweep->terms, NULL, &dossier, ret);
	return sweep->trimmed[index] = true;
}

static void rest(int64_t milliseconds)
{
	struct timespec time = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};

	(void)nanosleep(&time, NULL);
}

static void write_batch(struct sweep *sweep)
{
	struct tact_store_answer answers[BATCH];
	int64_t begun_ms = tact_clock_monotonic_ms();

	if (sweep->count == 0)
		return;
	sweep->result =
	    worst(sweep->result, tact_store_update(sweep->decider->parts.store, sweep->keys, sweep->count,
				     trim_one, sweep, answers, begun_ms + BATCH_TIMEOUT_MS));
	for (size_t i = 0; i < sweep->count; i++) {
		sweep->swept.trimmed += answers[i].result == TACT_OK && sweep->trimmed[i];
		sweep->swept.removed += answers[i].result == TACT_OK && sweep->removed[i];
	}
	sweep->count = 0;
	tact_arena_reset(sweep->arena);
	rest(tact_clock_monotonic_ms() - begun_ms);
}

static bool look_at(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct sweep *sweep = context;

	sweep->swept.records++;
	if (would_change(sweep, record))
		sweep->keys[sweep->count++] = *key;
	if (sweep->count == BATCH)
		write_batch(sweep);
	else if (sweep->count == 0)
		tact_arena_reset(sweep->arena);
	if (sweep->progress != NULL)
		sweep->progress(sweep->context, &sweep->swept);
	return (sweep->stop == NULL || !*sweep->stop) && sweep->result != TACT_UNAVAILABLE;
}

int tact_decide_sweep(struct tact_decider *decider, int64_t now_us, const atomic_bool *stop,
    void (*progress)(void *context, const struct tact_swept *swept), void *context, struct tact_swept *ret,
    struct tact_error *err)
{
	struct sweep sweep = {.decider = decider,
	    .arena = tact_arena_new(),
	    .stop = stop,
	    .progress = progress,
	    .context = context,
	    .terms = {.rules = tact_decider_take_rules(decider),
		.campaigns = tact_decider_take_campaigns(decider, NULL),
		.host = decider->parts.host,
		.now_us = now_us}};
	int result = tact_store_scan(decider->parts.store, TACT_STORE_DOSSIER, look_at, &sweep, err);

	write_batch(&sweep);
	if (result == TACT_OK)
		result = identity_age_recovery(decider->parts.store, now_us, err);
	if (result == TACT_OK && sweep.result != TACT_OK)
		tact_store_last_error(decider->parts.store, err);
	tact_decider_put_campaigns(decider, sweep.terms.campaigns);
	tact_decider_put_rules(decider, sweep.terms.rules);
	tact_arena_free(&sweep.arena);
	*ret = sweep.swept;
	return worst(result, sweep.result);
}

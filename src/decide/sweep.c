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
#define HOUR_US INT64_C(3600000000)
#define COUNTS_S (TACT_CAMPAIGN_HOURS_MAX * INT64_C(3600))

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

/* ---- campaigns ---- */

/* Whatever mail still names it finds it as it would one that nobody knows. */
static bool is_nobodys(const struct tact_campaign *campaign, int64_t since_us)
{
	return campaign->state == TACT_CAMPAIGN_DONE && campaign->tripped_us == 0 &&
	       campaign->changed_us < since_us && campaign->planned_us < since_us &&
	       campaign->not_after_us < since_us;
}

static bool counted_nothing(const struct tact_campaign_count *count, int64_t since_us)
{
	return count->hours_count == 0 || count->hours[count->hours_count - 1].hour < since_us / HOUR_US;
}

static bool is_spent(struct sweep *sweep, const struct tact_record *record)
{
	int64_t kept_s = sweep->terms.rules->history_s, since_us;
	struct tact_campaign_record one;

	if (tact_dossier_decode_campaign(sweep->arena, record->bytes, record->size, &one, NULL) != TACT_OK)
		return false; /* tactd tells of those */
	if (kept_s < COUNTS_S)
		kept_s = COUNTS_S;
	since_us = sweep->terms.now_us - kept_s * 1000000;
	return one.counts ? counted_nothing(&one.count, since_us) : is_nobodys(&one.campaign, since_us);
}

/* ---- dossiers ---- */

static bool tidy(struct sweep *sweep, struct tact_dossier *dossier)
{
	bool given_up = record_withdraw_given_up(&sweep->terms, dossier);

	return tact_dossier_tidy(sweep->arena, dossier, sweep->terms.now_us, sweep->terms.rules->history_s) ||
	       given_up;
}

static bool would_change(struct sweep *sweep, enum tact_store_kind kind, const struct tact_record *record)
{
	struct tact_dossier dossier;

	if (record->size == 0)
		return is_bygone(sweep, record);
	if (kind == TACT_STORE_CAMPAIGN)
		return is_spent(sweep, record);
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
	if (now->size == 0)
		return false;
	if (sweep->keys[index].kind == TACT_STORE_CAMPAIGN)
		return sweep->trimmed[index] = is_spent(sweep, now);
	if (tact_dossier_decode(sweep->arena, now->bytes, now->size, &dossier, NULL) != TACT_OK)
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

static bool may_go_on(const struct sweep *sweep)
{
	return (sweep->stop == NULL || !*sweep->stop) && sweep->result != TACT_UNAVAILABLE;
}

static bool look_at(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct sweep *sweep = context;

	sweep->swept.records++;
	if (would_change(sweep, key->kind, record))
		sweep->keys[sweep->count++] = *key;
	if (sweep->count == BATCH)
		write_batch(sweep);
	else if (sweep->count == 0)
		tact_arena_reset(sweep->arena);
	if (sweep->progress != NULL)
		sweep->progress(sweep->context, &sweep->swept);
	return may_go_on(sweep);
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

	if ((result == TACT_OK || result == TACT_CORRUPT) && may_go_on(&sweep))
		result = worst(
		    result, tact_store_scan(decider->parts.store, TACT_STORE_CAMPAIGN, look_at, &sweep, err));
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

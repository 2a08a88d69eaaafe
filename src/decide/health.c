/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What comes of campaigns, counted by this process and written as absolute values into records of its own:
 * written twice is written once, and nobody else's counts are touched.
 */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "campaigns.h"

#define HOUR_US INT64_C(3600000000)
#define BUCKETS 1024
#define CELLS_MAX 4096
#define QUIET_HOURS 24 /* a cell that counted nothing for so long is let go */
#define BATCH 64
#define FLUSH_TIMEOUT_MS 10000

/* One campaign as this process counted it. */
struct cell {
	struct cell *next;
	char *name;
	/* What this writer's record holds, once it was read, as last written. */
	struct tact_campaign_hour *known;
	size_t known_count;
	bool loaded, dirty;
	uint64_t failed_round; /* the flush that could not write it, which goes on with others */
	/* Since the last writing. */
	struct tact_campaign_hour *fresh;
	size_t fresh_count;
	int64_t used_hour;
};

struct health {
	pthread_mutex_t lock;
	pthread_mutex_t flushing; /* one writes at a time */
	struct cell *buckets[BUCKETS];
	size_t count;
	uint64_t uncounted; /* for want of room */
	uint64_t round;	    /* of flushing, from 1 */
};

struct health *health_new(void)
{
	struct health *health = tact_calloc(1, sizeof *health);

	pthread_mutex_init(&health->lock, NULL);
	pthread_mutex_init(&health->flushing, NULL);
	return health;
}

static void free_cell(struct cell *cell)
{
	free(cell->name);
	free(cell->known);
	free(cell->fresh);
	free(cell);
}

void health_free(struct health **health)
{
	if (*health == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while ((*health)->buckets[i] != NULL) {
			struct cell *cell = (*health)->buckets[i];

			(*health)->buckets[i] = cell->next;
			free_cell(cell);
		}
	pthread_mutex_destroy(&(*health)->lock);
	pthread_mutex_destroy(&(*health)->flushing);
	free(*health);
	*health = NULL;
}

/* ---- counting ----------------------------------------------------------------------------------- */

static struct cell **bucket_of(struct health *health, const char *name)
{
	uint32_t digest = 2166136261U;

	for (; *name != '\0'; name++) {
		unsigned char c = (unsigned char)*name;

		digest = (digest ^ (c >= 'A' && c <= 'Z' ? c + 32U : c)) * 16777619U;
	}
	return &health->buckets[digest % BUCKETS];
}

/* NULL when there is no room for another. */
static struct cell *find(struct health *health, const char *name)
{
	struct cell **bucket = bucket_of(health, name), *cell;

	for (cell = *bucket; cell != NULL; cell = cell->next)
		if (tact_text_equal_nocase(cell->name, name))
			return cell;
	if (health->count == CELLS_MAX)
		return NULL;
	cell = tact_calloc(1, sizeof *cell);
	cell->name = tact_strdup(name);
	cell->next = *bucket;
	*bucket = cell;
	health->count++;
	return cell;
}

/* The hours that are counted in are few: the present one, and those of counts that came late. */
static struct tact_campaign_health *fresh_hour(struct cell *cell, int64_t hour)
{
	for (size_t i = 0; i < cell->fresh_count; i++)
		if (cell->fresh[i].hour == hour)
			return &cell->fresh[i].health;
	cell->fresh = tact_realloc(cell->fresh, (cell->fresh_count + 1) * sizeof *cell->fresh);
	cell->fresh[cell->fresh_count] = (struct tact_campaign_hour){.hour = hour};
	return &cell->fresh[cell->fresh_count++].health;
}

void health_count(struct tact_decider *decider, const char *campaign, enum health_count what, int64_t now_us)
{
	struct health *health = decider->health;
	struct cell *cell;

	if (campaign == NULL || *campaign == '\0' || now_us < 0)
		return;
	pthread_mutex_lock(&health->lock);
	cell = find(health, campaign);
	if (cell == NULL) {
		health->uncounted++;
	} else {
		struct tact_campaign_health *hour = fresh_hour(cell, now_us / HOUR_US);

		hour->sent += what == HEALTH_SENT;
		hour->complaints += what == HEALTH_COMPLAINT;
		hour->unsubscribes += what == HEALTH_UNSUBSCRIBE;
		hour->bounces += what == HEALTH_BOUNCE;
		cell->dirty = true;
		cell->used_hour = now_us / HOUR_US;
	}
	pthread_mutex_unlock(&health->lock);
}

bool health_of_reason(enum tact_reason reason, enum health_count *ret)
{
	switch (reason) {
	case TACT_COMPLAINT:
		*ret = HEALTH_COMPLAINT;
		return true;
	case TACT_UNSUBSCRIBE:
		*ret = HEALTH_UNSUBSCRIBE;
		return true;
	case TACT_HARD_BOUNCE:
		*ret = HEALTH_BOUNCE;
		return true;
	default:
		return false;
	}
}

const char *count_writer(struct tact_arena *arena, const struct tact_decider *decider)
{
	const char *writer = decider->parts.writer != NULL ? decider->parts.writer : "tact";

	return tact_arena_printf(arena, "%s/%s", decider->parts.host, writer);
}

/* ---- writing ------------------------------------------------------------------------------------ */

/* One cell on its way into the store. */
struct writing {
	struct cell *cell;		  /* changed by nobody else but in its fresh counts: see flushing */
	struct tact_campaign_hour *fresh; /* what is added this time */
	size_t fresh_count;
	struct tact_campaign_hour *hours; /* as written */
	size_t hours_count;
	bool ran;
};

struct flush {
	struct tact_arena *arena;
	const char *writer;
	struct writing *list;
};

static void add_all(
    struct tact_arena *arena, struct writing *writing, const struct tact_campaign_hour *hours, size_t count)
{
	for (size_t i = 0; i < count; i++)
		tact_dossier_add_hour(
		    arena, &writing->hours, &writing->hours_count, hours[i].hour, &hours[i].health);
}

/* The record counts only until it has been read: afterwards this process knows better. */
static bool write_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct flush *flush = context;
	struct writing *writing = &flush->list[index];
	struct tact_campaign_record record = {.counts = true};

	(void)store_now_us;
	writing->hours = NULL;
	writing->hours_count = 0;
	writing->ran = false;
	if (now->size > 0 &&
	    (tact_dossier_decode_campaign(flush->arena, now->bytes, now->size, &record, NULL) != TACT_OK ||
		!record.counts))
		return false;
	if (writing->cell->loaded)
		add_all(flush->arena, writing, writing->cell->known, writing->cell->known_count);
	else
		add_all(flush->arena, writing, record.count.hours, record.count.hours_count);
	add_all(flush->arena, writing, writing->fresh, writing->fresh_count);
	writing->ran = true;
	record.count.name = writing->cell->name;
	record.count.writer = flush->writer;
	record.count.hours = writing->hours;
	record.count.hours_count = writing->hours_count;
	tact_dossier_encode_campaign(flush->arena, &record, &ret->bytes, &ret->size);
	return true;
}

/* Takes out what is to be written; counting goes on meanwhile. */
static size_t take_dirty(struct health *health, struct tact_arena *arena, struct writing *ret)
{
	size_t count = 0;

	pthread_mutex_lock(&health->lock);
	for (size_t i = 0; i < BUCKETS && count < BATCH; i++)
		for (struct cell *cell = health->buckets[i]; cell != NULL && count < BATCH;
		     cell = cell->next) {
			if (!cell->dirty || cell->failed_round == health->round)
				continue;
			cell->dirty = false;
			ret[count++] = (struct writing){.cell = cell,
			    .fresh =
				tact_arena_copy(arena, cell->fresh, cell->fresh_count * sizeof *cell->fresh),
			    .fresh_count = cell->fresh_count};
			cell->fresh_count = 0;
		}
	pthread_mutex_unlock(&health->lock);
	return count;
}

static void put_back(struct writing *writing)
{
	for (size_t i = 0; i < writing->fresh_count; i++) {
		struct tact_campaign_health *to = fresh_hour(writing->cell, writing->fresh[i].hour);
		const struct tact_campaign_health *from = &writing->fresh[i].health;

		to->sent += from->sent;
		to->complaints += from->complaints;
		to->unsubscribes += from->unsubscribes;
		to->bounces += from->bounces;
	}
	writing->cell->dirty = true;
}

/* What was computed is what this process counted, whether or not it arrived: written again, it is the same.
 */
static void settle(struct health *health, struct writing *writing, int result)
{
	struct cell *cell = writing->cell;

	pthread_mutex_lock(&health->lock);
	if (!writing->ran || result != TACT_OK)
		cell->failed_round = health->round;
	if (!writing->ran || (result == TACT_UNAVAILABLE && !cell->loaded)) {
		put_back(writing);
	} else {
		free(cell->known);
		cell->known = tact_malloc((writing->hours_count + 1) * sizeof *cell->known);
		memcpy(cell->known, writing->hours, writing->hours_count * sizeof *cell->known);
		cell->known_count = writing->hours_count;
		cell->loaded = true;
		cell->dirty |= result != TACT_OK;
	}
	pthread_mutex_unlock(&health->lock);
}

/* WROTE: some of it. */
static int write_batch(struct tact_decider *decider, struct tact_arena *arena, struct writing *list,
    size_t count, bool *ret_wrote, struct tact_error *err)
{
	struct flush flush = {.arena = arena, .list = list, .writer = count_writer(arena, decider)};
	struct tact_store_key keys[BATCH];
	struct tact_store_answer answers[BATCH];
	int result;

	for (size_t i = 0; i < count; i++)
		keys[i] = (struct tact_store_key){.kind = TACT_STORE_CAMPAIGN,
		    .id = tact_dossier_campaign_count_id(list[i].cell->name, flush.writer)};
	result = tact_store_update(decider->parts.store, keys, count, write_one, &flush, answers,
	    tact_clock_monotonic_ms() + FLUSH_TIMEOUT_MS);
	*ret_wrote = false;
	for (size_t i = 0; i < count; i++) {
		*ret_wrote |= answers[i].result == TACT_OK || answers[i].result == TACT_CORRUPT;
		if (answers[i].result == TACT_OK && !list[i].ran)
			result = worst(
			    result, tact_error_set(err, TACT_CORRUPT,
					"the counts of campaign %s cannot be read: run \"tact store check\"",
					list[i].cell->name));
		settle(decider->health, &list[i], answers[i].result);
	}
	if (result != TACT_OK && result != TACT_CORRUPT)
		tact_store_last_error(decider->parts.store, err);
	return result;
}

/* Those that nobody counted in for a day; and a verb's, because another verb may count in the same record. */
static void forget(struct health *health, int64_t hour, bool all)
{
	pthread_mutex_lock(&health->lock);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct cell **at = &health->buckets[i]; *at != NULL;) {
			struct cell *cell = *at;

			if (cell->dirty || (!all && cell->used_hour > hour - QUIET_HOURS)) {
				at = &cell->next;
				continue;
			}
			*at = cell->next;
			free_cell(cell);
			health->count--;
		}
	pthread_mutex_unlock(&health->lock);
}

static int tell_uncounted(struct health *health, struct tact_error *err)
{
	uint64_t uncounted;

	pthread_mutex_lock(&health->lock);
	uncounted = health->uncounted;
	health->uncounted = 0;
	pthread_mutex_unlock(&health->lock);
	if (uncounted == 0)
		return TACT_OK;
	return tact_error_set(err, TACT_REFUSED,
	    "more than %d campaigns at a time: %llu mails were not counted; has each its own name?",
	    CELLS_MAX, (unsigned long long)uncounted);
}

int health_flush(struct tact_decider *decider, int64_t now_us, struct tact_error *err)
{
	struct health *health = decider->health;
	struct tact_arena *arena = tact_arena_new();
	struct writing list[BATCH];
	int result = TACT_OK;
	bool wrote = true;
	size_t count;

	pthread_mutex_lock(&health->flushing);
	health->round++;
	/* What cannot be read, or stands in a part of the store that does not answer, keeps nothing behind it
	 * from being written. */
	while (wrote && (count = take_dirty(health, arena, list)) > 0) {
		result = worst(result, write_batch(decider, arena, list, count, &wrote, err));
		tact_arena_reset(arena);
	}
	forget(health, now_us / HOUR_US, decider->parts.writer == NULL);
	pthread_mutex_unlock(&health->flushing);
	tact_arena_free(&arena);
	return result == TACT_OK ? tell_uncounted(health, err) : result;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What is known of campaigns at the moment: every record of the kind read at once, counts of all writers
 * summed, lent out unchangeable. Who writes the records is campaign.c's and health.c's matter.
 *
 * Of a part of the store that does not answer, what was read last goes on for TACT_CAMPAIGNS_STALE_MS. Counts
 * do not: they are of one moment or of none, for a rate of what some counted now and others earlier may be
 * far too high or too low. What is too old is left out when it is asked for, not only when somebody reads
 * anew.
 */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "campaigns.h"

#define RETRY_MS 1000 /* a store that did not answer is not asked again sooner, nor waited for longer */
#define REST_MS 5000  /* nor a part that hung: each time the others would wait for it, too */
/* A part was away for longer than that, is there again, and some have not yet come to write what they counted
 * meanwhile: each does so every second, but asks for a server that was gone every five. */
#define GAP_MS 5000
#define SETTLE_MS 10000
#define BYTES 256 /* values of the first byte of an id, by which records stand in parts of the store */

/* A record as it was read. */
struct kept {
	struct tact_id id;
	const void *bytes;
	size_t size;
};

/* One reading, and how many stand on it. Its first member is what is lent out. */
struct reading {
	struct tact_campaigns campaigns;
	struct tact_arena *arena;
	size_t held;
	int64_t began_ms;
	int64_t read_ms[BYTES]; /* when; 0: not known */
	int64_t rest_ms[BYTES]; /* until when the part is not asked again; 0: it may be */
	int64_t counted_ms;	/* when the counts were read; 0: they are not whole */
	int64_t oldest_ms;	/* of all these that are known */
	size_t parts;		/* of the store */
	bool partial;		/* some of them did not answer now */
	bool missing[BYTES];	/* nor lately */
	struct kept *records, *counts;
	size_t records_count, counts_count;
	uint64_t marks[BYTES];
	size_t unread; /* counts that were left out */
};

struct campaigns {
	pthread_mutex_t lock; /* over everything here */
	pthread_cond_t ended; /* a reading did */
	bool reading;	      /* one reads at a time for those that need it, besides campaigns_read */
	int64_t reading_since_ms;
	pthread_t reader; /* who read latest for those that have a deadline */
	bool has_reader;
	struct reading *current;
	int64_t tried_ms;
	uint64_t mark, marks[BYTES]; /* as last known, whatever is missing now */
	uint64_t returns;	     /* of what was missing */
	bool was_partial;	     /* the latest reading, or there was none */
	int64_t whole_ms, back_ms;   /* the latest whole one; the first after a gap; 0: none */
	struct tact_error err;	     /* of the latest attempt */
	struct campaign_stop stops[CAMPAIGN_STOPS_MAX];
	size_t stops_count;
};

struct campaigns *campaigns_new(void)
{
	struct campaigns *campaigns = tact_calloc(1, sizeof *campaigns);

	pthread_condattr_t attributes;

	pthread_mutex_init(&campaigns->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&campaigns->ended, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return campaigns;
}

static void free_reading(struct reading *reading)
{
	struct tact_arena *arena = reading != NULL ? reading->arena : NULL; /* it lies in there itself */

	tact_arena_free(&arena);
}

/* With the lock held: one holder fewer; answers the reading when it was the last. */
static struct reading *drop(struct reading *reading)
{
	return reading != NULL && --reading->held == 0 ? reading : NULL;
}

void campaigns_free(struct campaigns **campaigns)
{
	if (*campaigns == NULL)
		return;
	if ((*campaigns)->has_reader)
		(void)pthread_join((*campaigns)->reader, NULL);
	free_reading(drop((*campaigns)->current));
	pthread_mutex_destroy(&(*campaigns)->lock);
	pthread_cond_destroy(&(*campaigns)->ended);
	free(*campaigns);
	*campaigns = NULL;
}

/* ---- reading ------------------------------------------------------------------------------------ */

struct gathering {
	struct tact_arena *arena;
	struct tact_campaign_view *views;
	size_t count;
	struct tact_campaign_count *counts;
	size_t counts_count;
	struct kept *kept_records, *kept_counts; /* what these were made from */
	size_t kept_records_count, kept_counts_count;
	struct tact_id *unread; /* records that do not decode */
	size_t unread_count;
	uint64_t marks[BYTES];
	struct tact_error why; /* of the latest */
};

/* What makes claims hold their places or give them up. */
static uint64_t add_mark(uint64_t mark, const struct tact_campaign *record)
{
	const int64_t parts[] = {
	    record->made_us, record->state, record->tripped_us, record->resumed_us, record->planned_us};

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		mark = (mark ^ (uint64_t)parts[i]) * UINT64_C(1099511628211);
	return mark;
}

static void gather_kept(struct gathering *gathering, const struct kept *kept)
{
	struct tact_campaign_record one;

	if (tact_dossier_decode_campaign(gathering->arena, kept->bytes, kept->size, &one, &gathering->why) !=
	    TACT_OK) {
		*TACT_PUSH(gathering->arena, gathering->unread, gathering->unread_count) = kept->id;
	} else if (one.counts) {
		*TACT_PUSH(gathering->arena, gathering->counts, gathering->counts_count) = one.count;
		*TACT_PUSH(gathering->arena, gathering->kept_counts, gathering->kept_counts_count) = *kept;
	} else {
		uint64_t *mark = &gathering->marks[kept->id.b[0]];

		TACT_PUSH(gathering->arena, gathering->views, gathering->count)->record = one.campaign;
		*TACT_PUSH(gathering->arena, gathering->kept_records, gathering->kept_records_count) = *kept;
		*mark = add_mark(*mark, &one.campaign);
	}
}

static void gather(struct gathering *gathering, const struct tact_id *id, const void *bytes, size_t size)
{
	struct kept kept = {.id = *id, .bytes = tact_arena_copy(gathering->arena, bytes, size), .size = size};

	gather_kept(gathering, &kept);
}

static bool gather_one(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	if (record->size > 0)
		gather(context, &key->id, record->bytes, record->size);
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct tact_campaign_view *left = a, *right = b;

	return tact_policy_compare_campaigns(left->record.name, right->record.name);
}

static struct tact_campaign_view *find(struct gathering *gathering, size_t count, const char *name)
{
	const struct tact_campaigns campaigns = {.views = gathering->views, .count = count};

	return (struct tact_campaign_view *)(uintptr_t)tact_policy_find_campaign(&campaigns, name);
}

static int by_counted_name(const void *a, const void *b)
{
	const struct tact_campaign_count *left = a, *right = b;

	return tact_policy_compare_campaigns(left->name, right->name);
}

/* Mail of a campaign that nobody planned is counted all the same. */
static void add_unplanned(struct gathering *gathering)
{
	size_t known = gathering->count;

	for (size_t i = 0; i < gathering->counts_count; i++) {
		const char *name = gathering->counts[i].name;

		if (find(gathering, known, name) != NULL ||
		    (i > 0 && tact_policy_compare_campaigns(gathering->counts[i - 1].name, name) == 0))
			continue;
		TACT_PUSH(gathering->arena, gathering->views, gathering->count)->record =
		    (struct tact_campaign){.name = name,
			.state = TACT_CAMPAIGN_RUNNING,
			.stream = "",
			.owner = "",
			.brand = "",
			.offer = "",
			.by = "",
			.why = "",
			.tripped_by = "",
			.tripped_why = ""};
	}
	qsort(gathering->views, gathering->count, sizeof *gathering->views, by_name);
}

static void add_count(struct gathering *gathering, const struct tact_campaign_count *count)
{
	struct tact_campaign_view *view = find(gathering, gathering->count, count->name);
	struct tact_campaign_hour *hours = (struct tact_campaign_hour *)(uintptr_t)view->hours;

	for (size_t i = 0; i < count->hours_count; i++)
		tact_dossier_add_hour(gathering->arena, &hours, &view->hours_count, count->hours[i].hour,
		    &count->hours[i].health);
	view->hours = hours;
}

static void sum_up(struct gathering *gathering)
{
	if (gathering->count > 1)
		qsort(gathering->views, gathering->count, sizeof *gathering->views, by_name);
	if (gathering->counts_count > 1)
		qsort(gathering->counts, gathering->counts_count, sizeof *gathering->counts, by_counted_name);
	if (gathering->counts_count > 0)
		add_unplanned(gathering);
	for (size_t i = 0; i < gathering->counts_count; i++)
		add_count(gathering, &gathering->counts[i]);
}

/* ---- what cannot be read ------------------------------------------------------------------------ */

static bool counts_campaign(const struct gathering *gathering, const struct tact_id *id, const char *writer)
{
	for (size_t i = 0; i < gathering->count; i++) {
		struct tact_id of = tact_dossier_campaign_count_id(gathering->views[i].record.name, writer);

		if (tact_id_equal(&of, id))
			return true;
	}
	return false;
}

/* Whether it can only be what a writer that is known counted of a campaign that is known. */
static bool is_count(
    struct tact_decider *decider, const struct gathering *gathering, const struct tact_id *id)
{
	if (counts_campaign(gathering, id, count_writer(gathering->arena, decider)))
		return true;
	for (size_t i = 0; i < gathering->counts_count; i++) {
		const char *writer = gathering->counts[i].writer;
		bool again = false;

		for (size_t j = 0; j < i && !again; j++)
			again = strcmp(gathering->counts[j].writer, writer) == 0;
		if (!again && counts_campaign(gathering, id, writer))
			return true;
	}
	return false;
}

/* Counts are left out, at the price of a breaker that counts less. Any other record may be the one that says
 * stop. */
static int pass_over_unread(
    struct tact_decider *decider, const struct gathering *gathering, struct tact_error *err)
{
	for (size_t i = 0; i < gathering->unread_count; i++)
		if (!is_count(decider, gathering, &gathering->unread[i]))
			return tact_error_set(err, TACT_CORRUPT, "record %s: %s",
			    tact_id_format(gathering->arena, &gathering->unread[i]), gathering->why.text);
	return TACT_OK;
}

/* ---- from part to part -------------------------------------------------------------------------- */

static void note(const struct tact_store_layout *layout, size_t part, int64_t of[BYTES], int64_t ms)
{
	for (size_t byte = 0; byte < BYTES; byte++)
		if (layout->part_of[byte] == part)
			of[byte] = ms;
}

static bool rests(
    const struct tact_store_layout *layout, size_t part, const struct reading *reading, int64_t now_ms)
{
	for (size_t byte = 0; byte < BYTES; byte++)
		if (layout->part_of[byte] == part && now_ms < reading->rest_ms[byte])
			return true;
	return false;
}

struct part_scan {
	struct gathering *gathering;
	const struct tact_store_layout *layout;
	size_t part;
};

/* A server may still have what was moved away from it, as it was then. */
static bool gather_its_own(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	const struct part_scan *scan = context;

	return scan->layout->part_of[key->id.b[0]] != scan->part || gather_one(scan->gathering, key, record);
}

static int scan_part(struct tact_store *store, const struct tact_store_layout *layout, size_t part,
    struct gathering *gathering, struct reading *reading, struct tact_error *err)
{
	struct part_scan scan = {.gathering = gathering, .layout = layout, .part = part};
	int64_t began_ms = tact_clock_monotonic_ms(), ended_ms;
	int result;

	if (rests(layout, part, reading, began_ms))
		return tact_error_set(
		    err, TACT_UNAVAILABLE, "a part of the store gave no answer a moment ago");
	result = tact_store_scan_part(store, layout, part, TACT_STORE_CAMPAIGN, gather_its_own, &scan, err);
	ended_ms = tact_clock_monotonic_ms();
	if (result == TACT_OK)
		note(layout, part, reading->read_ms, reading->began_ms);
	else if (ended_ms - began_ms >= RETRY_MS)
		note(layout, part, reading->rest_ms, ended_ms + REST_MS);
	return result;
}

/* TACT_OK also when some of several parts could not be read. */
static int scan_parts(struct tact_store *store, const struct tact_store_layout *layout,
    struct gathering *gathering, struct reading *reading, struct tact_error *err)
{
	size_t missing = 0;
	int result = TACT_OK;

	for (size_t part = 0; part < layout->parts; part++) {
		struct gathering before = *gathering;
		int scanned = scan_part(store, layout, part, gathering, reading, err);

		if (scanned == TACT_CORRUPT)
			return scanned;
		if (scanned == TACT_OK)
			continue;
		*gathering = before; /* a piece of it is not what stands there */
		result = scanned;
		missing++;
	}
	return missing < layout->parts ? TACT_OK : result;
}

static int scan_all(struct tact_store *store, const struct tact_store_layout *layout,
    struct gathering *gathering, struct reading *reading, struct tact_error *err)
{
	int result;

	if (layout->parts > 1)
		return scan_parts(store, layout, gathering, reading, err);
	result = tact_store_scan(store, TACT_STORE_CAMPAIGN, gather_one, gathering, err);
	if (result == TACT_OK)
		note(layout, 0, reading->read_ms, reading->began_ms);
	return result;
}

#define TRIES 3

/* What is moved from one server to another meanwhile may be on neither when it is looked at. */
static int scan_unmoved(
    struct tact_store *store, struct gathering *gathering, struct reading *reading, struct tact_error *err)
{
	const struct gathering nothing = *gathering;
	struct tact_store_layout layout, after = {0};
	int result = tact_store_layout(store, &layout, err);

	for (int i = 0; i < TRIES && result == TACT_OK; i++) {
		*gathering = nothing;
		reading->parts = layout.parts;
		memset(reading->read_ms, 0, sizeof reading->read_ms);
		result = scan_all(store, &layout, gathering, reading, err);
		if (result == TACT_OK)
			result = tact_store_layout(store, &after, err);
		if (result == TACT_OK && tact_store_same_layout(&layout, &after))
			return TACT_OK;
		layout = after;
	}
	return result != TACT_OK
		   ? result
		   : tact_error_set(err, TACT_UNAVAILABLE, "records are being moved from server to server");
}

/* ---- what was known before ---------------------------------------------------------------------- */

static bool is_usable(int64_t read_ms, int64_t now_ms)
{
	return read_ms != 0 && now_ms - read_ms < TACT_CAMPAIGNS_STALE_MS;
}

/* Of parts that do not answer. */
static void keep_records(struct gathering *gathering, const struct reading *before, struct reading *reading)
{
	for (size_t byte = 0; byte < BYTES; byte++) {
		reading->partial |= reading->read_ms[byte] == 0;
		reading->missing[byte] =
		    reading->read_ms[byte] == 0 &&
		    (before == NULL || !is_usable(before->read_ms[byte], reading->began_ms));
		if (reading->missing[byte])
			reading->campaigns.unread = reading->missing;
	}
	for (size_t i = 0; before != NULL && i < before->records_count; i++) {
		const struct kept *kept = &before->records[i];

		if (reading->read_ms[kept->id.b[0]] == 0 && !reading->missing[kept->id.b[0]])
			gather(gathering, &kept->id, kept->bytes, kept->size);
	}
	for (size_t byte = 0; byte < BYTES; byte++)
		if (reading->read_ms[byte] == 0 && !reading->missing[byte])
			reading->read_ms[byte] = before->read_ms[byte];
}

/* SETTLED: parts of the store have not been missing for a while. One of a single part needs no such time: no
 * mail passed anywhere while it was away. */
static void keep_counts(
    struct gathering *gathering, const struct reading *before, bool settled, struct reading *reading)
{
	if (!reading->partial && (settled || reading->parts == 1)) {
		reading->counted_ms = reading->began_ms;
		return;
	}
	reading->campaigns.uncounted = before == NULL || !is_usable(before->counted_ms, reading->began_ms);
	if (reading->campaigns.uncounted)
		return;
	reading->counted_ms = before->counted_ms;
	gathering->counts_count = gathering->kept_counts_count = 0;
	gathering->counts = NULL;
	gathering->kept_counts = NULL;
	for (size_t i = 0; i < before->counts_count; i++)
		gather(gathering, &before->counts[i].id, before->counts[i].bytes, before->counts[i].size);
}

static void note_oldest(struct reading *reading)
{
	reading->oldest_ms = reading->counted_ms != 0 ? reading->counted_ms : reading->began_ms;
	for (size_t byte = 0; byte < BYTES; byte++)
		if (reading->read_ms[byte] != 0 && reading->read_ms[byte] < reading->oldest_ms)
			reading->oldest_ms = reading->read_ms[byte];
}

static void fill_reading(const struct gathering *gathering, struct reading *reading)
{
	reading->campaigns.views = gathering->views;
	reading->campaigns.count = gathering->count;
	reading->records = gathering->kept_records;
	reading->records_count = gathering->kept_records_count;
	reading->counts = gathering->kept_counts;
	reading->counts_count = gathering->kept_counts_count;
	memcpy(reading->marks, gathering->marks, sizeof reading->marks);
	reading->unread = gathering->unread_count;
	reading->arena = gathering->arena;
	reading->held = 1;
	note_oldest(reading);
}

static struct reading *new_reading(struct tact_arena *arena, const struct reading *before)
{
	struct reading *reading = tact_arena_alloc(arena, sizeof *reading);

	*reading = (struct reading){.began_ms = tact_clock_monotonic_ms()};
	if (before != NULL)
		memcpy(reading->rest_ms, before->rest_ms, sizeof reading->rest_ms);
	return reading;
}

static int make_reading(struct tact_decider *decider, const struct reading *before, bool settled,
    struct reading **ret, struct tact_error *err)
{
	struct gathering gathering = {.arena = tact_arena_new()};
	struct reading *reading = new_reading(gathering.arena, before);
	int result = scan_unmoved(decider->parts.store, &gathering, reading, err);

	if (result == TACT_OK) {
		keep_records(&gathering, before, reading);
		keep_counts(&gathering, before, settled, reading);
		sum_up(&gathering);
		result = pass_over_unread(decider, &gathering, err);
	}
	if (result != TACT_OK) {
		tact_arena_free(&gathering.arena);
		return result;
	}
	fill_reading(&gathering, reading);
	*ret = reading;
	return TACT_OK;
}

/* What may still be used of one that was read. */
static struct reading *make_aged(const struct reading *before)
{
	struct gathering gathering = {.arena = tact_arena_new()};
	struct reading *aged = new_reading(gathering.arena, before);

	keep_records(&gathering, before, aged);
	keep_counts(&gathering, before, false, aged);
	sum_up(&gathering);
	aged->began_ms = before->began_ms;
	aged->parts = before->parts;
	aged->partial = before->partial;
	fill_reading(&gathering, aged);
	aged->unread = before->unread;
	return aged;
}

/* ---- taking and putting back -------------------------------------------------------------------- */

/* With the lock held. */
static bool is_younger(const struct campaigns *campaigns, int64_t most_ms)
{
	return campaigns->current != NULL &&
	       tact_clock_monotonic_ms() - campaigns->current->began_ms < most_ms;
}

/* With the lock held. */
static bool may_be_used(const struct campaigns *campaigns)
{
	return campaigns->current != NULL &&
	       is_usable(campaigns->current->began_ms, tact_clock_monotonic_ms());
}

/* With the lock held. What was missing may have been decided upon as not known meanwhile: when it is back,
 * whatever waits is looked at again, though nothing was changed. */
static void note_marks(struct campaigns *campaigns, const struct reading *fresh)
{
	const struct reading *before = campaigns->current;
	bool back = false;

	campaigns->mark = 0;
	for (size_t byte = 0; byte < BYTES; byte++) {
		back |= before != NULL && before->missing[byte] && !fresh->missing[byte];
		if (!fresh->missing[byte])
			campaigns->marks[byte] = fresh->marks[byte];
		campaigns->mark = (campaigns->mark ^ campaigns->marks[byte]) * UINT64_C(1099511628211);
	}
	campaigns->returns += back;
	campaigns->mark += campaigns->returns;
	if (campaigns->mark == 0)
		campaigns->mark = 1;
}

/* With the lock held. */
static bool ends_gap(const struct campaigns *campaigns, int64_t now_ms)
{
	return campaigns->was_partial && now_ms - campaigns->whole_ms >= GAP_MS;
}

/* With the lock held. */
static bool is_settled(const struct campaigns *campaigns)
{
	int64_t now_ms = tact_clock_monotonic_ms();

	return !ends_gap(campaigns, now_ms) &&
	       (campaigns->back_ms == 0 || now_ms - campaigns->back_ms >= SETTLE_MS);
}

/* With the lock held. */
static void note_gap(struct campaigns *campaigns, const struct reading *fresh)
{
	if (!fresh->partial && ends_gap(campaigns, fresh->began_ms))
		campaigns->back_ms = fresh->began_ms;
	if (!fresh->partial)
		campaigns->whole_ms = fresh->began_ms;
	campaigns->was_partial = fresh->partial;
}

/* With the lock held, and something there that may be used: what may not any more is not known, which happens
 * once for each part that is lost. */
static void let_age(struct campaigns *campaigns)
{
	struct reading *before = campaigns->current;

	if (is_usable(before->oldest_ms, tact_clock_monotonic_ms()))
		return;
	struct reading *aged = make_aged(before);
	note_marks(campaigns, aged);
	campaigns->current = aged;
	free_reading(drop(before));
}

/* Unless another one, begun later, came first. */
static void replace(struct campaigns *campaigns, struct reading *fresh)
{
	struct reading *gone;
	bool late;

	pthread_mutex_lock(&campaigns->lock);
	late = campaigns->current != NULL && campaigns->current->began_ms > fresh->began_ms;
	gone = drop(late ? fresh : campaigns->current);
	if (!late) {
		note_marks(campaigns, fresh);
		campaigns->current = fresh;
	}
	note_gap(campaigns, fresh);
	pthread_mutex_unlock(&campaigns->lock);
	free_reading(gone);
}

/* One that nobody but us holds from here on is kept by that until it is dropped. */
static struct reading *hold_current(struct campaigns *campaigns, bool *ret_settled)
{
	struct reading *current;

	pthread_mutex_lock(&campaigns->lock);
	current = campaigns->current;
	if (current != NULL)
		current->held++;
	*ret_settled = is_settled(campaigns);
	pthread_mutex_unlock(&campaigns->lock);
	return current;
}

int campaigns_read(struct tact_decider *decider, struct tact_error *err)
{
	struct campaigns *campaigns = decider->campaigns;
	struct reading *fresh = NULL;
	struct tact_error why = {""};
	bool settled, partial;
	struct reading *before = hold_current(campaigns, &settled);
	int result = make_reading(decider, before, settled, &fresh, &why);

	partial = result == TACT_OK && fresh->partial;
	tact_decider_put_campaigns(decider, before == NULL ? NULL : &before->campaigns);
	pthread_mutex_lock(&campaigns->lock);
	campaigns->tried_ms = tact_clock_monotonic_ms();
	campaigns->err = why;
	campaigns->was_partial |= result != TACT_OK;
	pthread_mutex_unlock(&campaigns->lock);
	if (result == TACT_OK)
		replace(campaigns, fresh);
	if (partial)
		result = TACT_UNAVAILABLE;
	if (result != TACT_OK)
		tact_error_set(err, result, "campaigns cannot be read: %s", why.text);
	return result;
}

bool campaigns_are_counted(const struct tact_campaigns *campaigns)
{
	const struct reading *reading = (const struct reading *)campaigns; /* its first member */

	return reading->counted_ms == reading->began_ms;
}

int campaigns_tell_unread(struct tact_decider *decider, struct tact_error *err)
{
	struct campaigns *campaigns = decider->campaigns;
	size_t unread;

	pthread_mutex_lock(&campaigns->lock);
	unread = campaigns->current != NULL ? campaigns->current->unread : 0;
	pthread_mutex_unlock(&campaigns->lock);
	if (unread == 0)
		return TACT_OK;
	return tact_error_set(err, TACT_CORRUPT,
	    "counts left out because their records cannot be read: %zu; run \"tact store check\"", unread);
}

/* With the lock held. */
static bool is_fresh(const struct campaigns *campaigns)
{
	return is_younger(campaigns, TACT_CAMPAIGNS_FRESH_MS) ||
	       (campaigns->tried_ms != 0 && tact_clock_monotonic_ms() - campaigns->tried_ms < RETRY_MS);
}

static void *read_for_all(void *context)
{
	struct tact_decider *decider = context;
	struct campaigns *campaigns = decider->campaigns;

	(void)campaigns_read(decider, NULL);
	pthread_mutex_lock(&campaigns->lock);
	campaigns->reading = false;
	pthread_cond_broadcast(&campaigns->ended);
	pthread_mutex_unlock(&campaigns->lock);
	return NULL;
}

/* With the lock held, which is let go meanwhile when this thread itself reads: the store bounds no scan, so
 * who has a deadline leaves it to another. */
static void begin_reading(struct tact_decider *decider, bool here)
{
	struct campaigns *campaigns = decider->campaigns;

	campaigns->reading = true;
	campaigns->reading_since_ms = tact_clock_monotonic_ms();
	if (!here) {
		if (campaigns->has_reader)
			(void)pthread_join(campaigns->reader, NULL); /* it has ended its reading */
		campaigns->has_reader = pthread_create(&campaigns->reader, NULL, read_for_all, decider) == 0;
		here = !campaigns->has_reader;
	}
	if (!here)
		return;
	pthread_mutex_unlock(&campaigns->lock);
	(void)read_for_all(decider);
	pthread_mutex_lock(&campaigns->lock);
}

/* With the lock held: until the reading ends; who has a deadline, until that or RETRY_MS. */
static void await_reading(struct campaigns *campaigns, int64_t deadline_ms)
{
	int64_t most_ms = campaigns->reading_since_ms + RETRY_MS;
	int64_t until_ms = deadline_ms == 0 ? INT64_MAX : deadline_ms < most_ms ? deadline_ms : most_ms;
	const struct timespec at = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};

	while (campaigns->reading && tact_clock_monotonic_ms() < until_ms)
		(void)pthread_cond_timedwait(&campaigns->ended, &campaigns->lock, &at);
}

/* With the lock held. Who comes while one reads takes what there is, if there is any that may be used. A
 * store that stalls costs each mail RETRY_MS at most, and only those that come within that of its beginning.
 */
static void read_if_old(struct tact_decider *decider, int64_t deadline_ms)
{
	struct campaigns *campaigns = decider->campaigns;
	bool begun = false;

	if (is_fresh(campaigns))
		return;
	if (!campaigns->reading) {
		begin_reading(decider, deadline_ms == 0);
		begun = true;
	}
	if (begun || !may_be_used(campaigns))
		await_reading(campaigns, deadline_ms);
}

const struct tact_campaigns *campaigns_take(
    struct tact_decider *decider, int64_t deadline_ms, struct tact_error *err)
{
	struct campaigns *campaigns = decider->campaigns;
	struct reading *reading = NULL;

	pthread_mutex_lock(&campaigns->lock);
	read_if_old(decider, deadline_ms);
	if (may_be_used(campaigns)) {
		let_age(campaigns);
		reading = campaigns->current;
		reading->held++;
	} else {
		tact_error_set(err, TACT_UNAVAILABLE, "campaigns cannot be read: %s",
		    campaigns->reading ? "the store has not answered yet" : campaigns->err.text);
	}
	pthread_mutex_unlock(&campaigns->lock);
	return reading == NULL ? NULL : &reading->campaigns;
}

const char *campaigns_doubt(
    const struct tact_rule_set *rules, const struct tact_campaigns *campaigns, const struct tact_facts *facts)
{
	if (*facts->campaign == '\0')
		return NULL;
	if (campaigns == NULL)
		return "campaigns cannot be read";
	if (!tact_policy_knows_campaign(campaigns, facts->campaign))
		return "the part of the store in which it stands does not answer";
	if (tact_policy_lacks_counts(rules, campaigns, facts))
		return "a breaker wants its counts, and a part of the store with some is away or just back";
	return NULL;
}

void campaigns_say_doubt(
    struct tact_arena *arena, const char *campaign, const char *doubt, struct tact_error *err)
{
	tact_error_set(err, TACT_UNAVAILABLE, "it is not known whether campaign \"%s\" may go on: %s",
	    tact_text_printable(arena, campaign, 100), doubt);
}

const struct tact_campaigns *tact_decider_take_campaigns(struct tact_decider *decider, struct tact_error *err)
{
	const struct tact_campaigns *taken = campaigns_take(decider, 0, err);

	if (taken == NULL || taken->unread == NULL)
		return taken;
	tact_decider_put_campaigns(decider, taken);
	tact_error_set(
	    err, TACT_UNAVAILABLE, "campaigns cannot all be read: a part of the store does not answer");
	return NULL;
}

void tact_decider_put_campaigns(struct tact_decider *decider, const struct tact_campaigns *campaigns)
{
	struct reading *gone;

	if (campaigns == NULL)
		return;
	pthread_mutex_lock(&decider->campaigns->lock);
	gone = drop((struct reading *)(uintptr_t)campaigns); /* its first member */
	pthread_mutex_unlock(&decider->campaigns->lock);
	free_reading(gone);
}

uint64_t tact_decide_campaigns_mark(struct tact_decider *decider)
{
	uint64_t mark;

	pthread_mutex_lock(&decider->campaigns->lock);
	mark = decider->campaigns->mark;
	pthread_mutex_unlock(&decider->campaigns->lock);
	return mark;
}

/* ---- what breakers stopped, until it is written down -------------------------------------------- */

static bool same_stop(const struct campaign_stop *a, const struct campaign_stop *b)
{
	return tact_policy_compare_campaigns(a->campaign, b->campaign) == 0 && strcmp(a->rule, b->rule) == 0;
}

static void copy_text(char *to, size_t size, const char *from)
{
	size_t length = strlen(from);

	length = length < size ? length : size - 1;
	memcpy(to, from, length);
	to[length] = '\0';
}

static void note_stop(struct campaigns *campaigns, const struct campaign_stop *stop)
{
	bool known = false;

	pthread_mutex_lock(&campaigns->lock);
	for (size_t i = 0; i < campaigns->stops_count; i++)
		known |= same_stop(&campaigns->stops[i], stop);
	/* No room: the next mail of it is stopped, too, and notes it again. */
	if (!known && campaigns->stops_count < CAMPAIGN_STOPS_MAX)
		campaigns->stops[campaigns->stops_count++] = *stop;
	pthread_mutex_unlock(&campaigns->lock);
}

static bool stops_it(const struct tact_finding *finding)
{
	return finding->fired && finding->has_numbers && finding->rule->kind == TACT_RULE_BREAKER &&
	       finding->rule->breaker.about == TACT_BREAKER_RATES && !finding->rule->monitor;
}

void campaigns_note(struct tact_decider *decider, const struct tact_rule_set *rules,
    const struct tact_campaigns *known, const struct tact_facts *facts, const struct tact_opinion *opinion,
    int64_t now_us)
{
	const struct tact_campaign_view *view = tact_policy_find_campaign(known, facts->campaign);

	/* What is written down for good waits until all counts are seen. */
	if (view == NULL || known->uncounted || rules->monitor || view->record.tripped_us != 0)
		return;
	for (size_t i = 0; i < opinion->findings_count; i++) {
		struct campaign_stop stop = {.now_us = now_us};

		if (!stops_it(&opinion->findings[i]))
			continue;
		copy_text(stop.campaign, sizeof stop.campaign, view->record.name);
		copy_text(stop.rule, sizeof stop.rule, opinion->findings[i].rule->name);
		copy_text(stop.why, sizeof stop.why, opinion->findings[i].why);
		copy_text(stop.window, sizeof stop.window, opinion->findings[i].window);
		stop.count_milli = opinion->findings[i].count_milli;
		stop.at_most_milli = opinion->findings[i].at_most_milli;
		note_stop(decider->campaigns, &stop);
	}
}

size_t campaigns_take_stops(struct tact_decider *decider, struct campaign_stop *ret)
{
	struct campaigns *campaigns = decider->campaigns;
	size_t count;

	pthread_mutex_lock(&campaigns->lock);
	count = campaigns->stops_count;
	memcpy(ret, campaigns->stops, count * sizeof *ret);
	campaigns->stops_count = 0;
	pthread_mutex_unlock(&campaigns->lock);
	return count;
}

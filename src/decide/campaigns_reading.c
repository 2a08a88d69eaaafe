/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One reading of the campaigns: every record of the kind read at once, part by part of the store, counts of
 * all writers summed. Who reads when, and who is lent it, is campaigns.c's matter.
 *
 * Of a part of the store that does not answer, what was read last goes on for TACT_CAMPAIGNS_STALE_MS. Counts
 * do not: they are of one moment or of none, for a rate of what some counted now and others earlier may be
 * far too high or too low.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "campaigns.h"
#include "campaigns_reading.h"

/* A part that hung is not asked again sooner: each time the others would wait for it, too. */
#define REST_MS 5000

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

bool is_usable(int64_t read_ms, int64_t now_ms)
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

int make_reading(struct tact_decider *decider, const struct reading *before, bool settled,
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

struct reading *make_aged(const struct reading *before)
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

void free_reading(struct reading *reading)
{
	struct tact_arena *arena = reading != NULL ? reading->arena : NULL; /* it lies in there itself */

	tact_arena_free(&arena);
}

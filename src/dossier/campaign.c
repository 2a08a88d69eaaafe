/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The records of campaigns, read and written: what is planned, and what one writer counted. Not what follows
 * from either.
 */
#include <config.h>

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "record.h"
#include "src/dossier/campaign.pb-c.h"

#define CAMPAIGN_SCHEMA 1
/* Of one hour. Sums and rates of what is read never wrap. */
#define COUNT_MAX INT64_C(1000000000)

_Static_assert((int)TACT__CAMPAIGN_STATE__CAMPAIGN_DONE + 1 == (int)TACT_CAMPAIGN_STATES, "campaign states");

static const char *const state_words[TACT_CAMPAIGN_STATES] = {
    [TACT_CAMPAIGN_PLANNED] = "planned",
    [TACT_CAMPAIGN_RUNNING] = "running",
    [TACT_CAMPAIGN_PAUSED] = "paused",
    [TACT_CAMPAIGN_CANCELLED] = "cancelled",
    [TACT_CAMPAIGN_DONE] = "done",
};

const char *tact_dossier_campaign_state_name(enum tact_campaign_state state)
{
	return (size_t)state < TACT_CAMPAIGN_STATES ? state_words[state] : "unknown";
}

/* ---- ids ---------------------------------------------------------------------------------------- */

/* Names are 255 bytes at most where facts are gathered; what is longer goes into the digest in pieces. */
static struct tact_id id_of(const char *what, const char *name, const char *more)
{
	char folded[256];
	struct tact_id rest = {{0}};
	char hex[2 * TACT_ID_BYTES + 1] = "";
	size_t length = 0;

	for (; name[length] != '\0' && length < sizeof folded - 1; length++) {
		char c = name[length];

		folded[length] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	folded[length] = '\0';
	if (name[length] != '\0') {
		rest = id_of(what, name + length, "");
		for (size_t i = 0; i < sizeof rest.b; i++) {
			hex[2 * i] = (char)('a' + (rest.b[i] >> 4));
			hex[2 * i + 1] = (char)('a' + (rest.b[i] & 15));
		}
	}
	const char *fields[] = {what, folded, hex, more};
	return tact_digest_id(fields, 4);
}

struct tact_id tact_dossier_campaign_id(const char *name)
{
	return id_of("campaign", name, "");
}

struct tact_id tact_dossier_campaign_count_id(const char *name, const char *writer)
{
	return id_of("campaign count", name, writer);
}

struct tact_id tact_dossier_planned_id(const char *name, const struct tact_id *key)
{
	char hex[2 * TACT_ID_BYTES + 1] = "";

	for (size_t i = 0; i < sizeof key->b; i++) {
		hex[2 * i] = (char)('a' + (key->b[i] >> 4));
		hex[2 * i + 1] = (char)('a' + (key->b[i] & 15));
	}
	return id_of("planned", name, hex);
}

/* ---- hours -------------------------------------------------------------------------------------- */

static int64_t add(int64_t a, int64_t b)
{
	return a + b < COUNT_MAX ? a + b : COUNT_MAX;
}

static void add_health(struct tact_campaign_health *to, const struct tact_campaign_health *from)
{
	to->sent = add(to->sent, from->sent);
	to->complaints = add(to->complaints, from->complaints);
	to->unsubscribes = add(to->unsubscribes, from->unsubscribes);
	to->bounces = add(to->bounces, from->bounces);
}

/* The two earliest become one, under the later hour: what is old is never missing from a sum. */
static void fold_first(struct tact_campaign_hour *hours, size_t *count)
{
	add_health(&hours[1].health, &hours[0].health);
	memmove(&hours[0], &hours[1], --*count * sizeof *hours);
}

void tact_dossier_add_hour(struct tact_arena *arena, struct tact_campaign_hour **hours, size_t *count,
    int64_t hour, const struct tact_campaign_health *health)
{
	size_t at = *count;

	while (at > 0 && (*hours)[at - 1].hour > hour)
		at--;
	if (at > 0 && (*hours)[at - 1].hour == hour) {
		add_health(&(*hours)[at - 1].health, health);
		return;
	}
	(void)TACT_PUSH(arena, *hours, *count);
	memmove(&(*hours)[at + 1], &(*hours)[at], (*count - 1 - at) * sizeof **hours);
	(*hours)[at] = (struct tact_campaign_hour){.hour = hour, .health = *health};
	if (*count > TACT_CAMPAIGN_HOURS_MAX)
		fold_first(*hours, count);
}

/* ---- reading ------------------------------------------------------------------------------------ */

static int impossible(struct tact_error *err, const char *what, int64_t value)
{
	return tact_error_set(err, TACT_CORRUPT, "campaign: impossible %s %" PRId64, what, value);
}

static int read_health(
    const Tact__CampaignHealth *from, struct tact_campaign_health *ret, struct tact_error *err)
{
	*ret = (struct tact_campaign_health){0};
	if (from == NULL)
		return TACT_OK;
	*ret = (struct tact_campaign_health){.sent = from->sent,
	    .complaints = from->complaints,
	    .unsubscribes = from->unsubscribes,
	    .bounces = from->bounces};
	const int64_t counts[] = {ret->sent, ret->complaints, ret->unsubscribes, ret->bounces};
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		if (counts[i] < 0 || counts[i] > COUNT_MAX)
			return impossible(err, "count", counts[i]);
	return TACT_OK;
}

static int check_times(const Tact__Campaign *from, struct tact_error *err)
{
	const int64_t times[] = {from->planned_us, from->not_after_us, from->made_us, from->changed_us,
	    from->tripped_us, from->resumed_us, from->recipients};

	for (size_t i = 0; i < sizeof times / sizeof *times; i++)
		if (times[i] < 0)
			return impossible(err, "time or number", times[i]);
	if ((unsigned)from->state >= TACT_CAMPAIGN_STATES)
		return impossible(err, "state", (int64_t)from->state);
	return *from->name == '\0' ? impossible(err, "length of a name", 0) : TACT_OK;
}

static int read_campaign(
    struct tact_arena *arena, const Tact__Campaign *from, struct tact_campaign *ret, struct tact_error *err)
{
	int result = check_times(from, err);

	*ret = (struct tact_campaign){
	    .name = from->name,
	    .state = (enum tact_campaign_state)from->state,
	    .stream = from->stream,
	    .owner = from->owner,
	    .brand = from->brand,
	    .offer = from->offer,
	    .priority = from->priority,
	    .planned_us = from->planned_us,
	    .not_after_us = from->not_after_us,
	    .recipients = from->recipients,
	    .made_us = from->made_us,
	    .changed_us = from->changed_us,
	    .by = from->by,
	    .why = from->why,
	    .tripped_by = from->tripped_by,
	    .tripped_why = from->tripped_why,
	    .tripped_us = from->tripped_us,
	    .resumed_us = from->resumed_us,
	};
	if (result == TACT_OK)
		result = read_health(from->resumed_at, &ret->resumed_at, err);
	if (result == TACT_OK && !dossier_read_unknown(arena, &from->base, &ret->unknown))
		return tact_error_set(err, TACT_CORRUPT, "campaign: impossible field");
	return result;
}

static int read_count(struct tact_arena *arena, const Tact__CampaignCount *from,
    struct tact_campaign_count *ret, struct tact_error *err)
{
	int result = *from->name == '\0' ? impossible(err, "length of a name", 0) : TACT_OK;

	*ret = (struct tact_campaign_count){.name = from->name,
	    .writer = from->writer,
	    .hours = dossier_new_array(arena, from->n_hours, sizeof *ret->hours),
	    .hours_count = from->n_hours};
	for (size_t i = 0; i < from->n_hours && result == TACT_OK; i++) {
		ret->hours[i].hour = from->hours[i]->hour;
		result = read_health(from->hours[i]->health, &ret->hours[i].health, err);
		if (result == TACT_OK &&
		    (ret->hours[i].hour < 0 || ret->hours[i].hour > INT64_MAX / 3600000000 ||
			(i > 0 && ret->hours[i].hour <= ret->hours[i - 1].hour)))
			result = impossible(err, "hour", ret->hours[i].hour);
	}
	if (result == TACT_OK && !dossier_read_unknown(arena, &from->base, &ret->unknown))
		return tact_error_set(err, TACT_CORRUPT, "campaign: impossible field");
	return result;
}

int tact_dossier_decode_campaign(struct tact_arena *arena, const void *bytes, size_t size,
    struct tact_campaign_record *ret, struct tact_error *err)
{
	ProtobufCAllocator allocator = dossier_allocator(arena);
	struct tact_campaign_record record = {0};
	const Tact__CampaignRecord *message;
	int result;

	if (size == 0)
		return tact_error_set(err, TACT_ABSENT, "campaign: there is none");
	message = tact__campaign_record__unpack(&allocator, size, bytes);
	if (message == NULL)
		return tact_error_set(err, TACT_CORRUPT,
		    "campaign: %zu bytes that do not parse: damaged, or of a newer tact", size);
	if (message->schema != CAMPAIGN_SCHEMA)
		return tact_error_set(err, TACT_CORRUPT, "campaign: schema %" PRIu32 ", this tact knows %d%s",
		    message->schema, CAMPAIGN_SCHEMA,
		    message->schema > CAMPAIGN_SCHEMA ? ": written by a newer tact" : "");
	if ((message->campaign != NULL) == (message->count != NULL) || message->base.n_unknown_fields > 0)
		return tact_error_set(err, TACT_CORRUPT, "campaign: neither a campaign nor its counts");
	record.counts = message->count != NULL;
	result = record.counts ? read_count(arena, message->count, &record.count, err)
			       : read_campaign(arena, message->campaign, &record.campaign, err);
	if (result == TACT_OK)
		*ret = record;
	return result;
}

/* ---- writing ------------------------------------------------------------------------------------ */

static Tact__CampaignHealth *write_health(struct tact_arena *arena, const struct tact_campaign_health *from)
{
	Tact__CampaignHealth *to = tact_arena_alloc(arena, sizeof *to);

	tact__campaign_health__init(to);
	to->sent = from->sent;
	to->complaints = from->complaints;
	to->unsubscribes = from->unsubscribes;
	to->bounces = from->bounces;
	return to;
}

static char *text_of(const char *text)
{
	return (char *)(text != NULL ? text : "");
}

static void write_campaign(struct tact_arena *arena, const struct tact_campaign *from, Tact__Campaign *to)
{
	to->name = text_of(from->name);
	to->state = (Tact__CampaignState)from->state;
	to->stream = text_of(from->stream);
	to->owner = text_of(from->owner);
	to->brand = text_of(from->brand);
	to->offer = text_of(from->offer);
	to->priority = from->priority;
	to->planned_us = from->planned_us;
	to->not_after_us = from->not_after_us;
	to->recipients = from->recipients;
	to->made_us = from->made_us;
	to->changed_us = from->changed_us;
	to->by = text_of(from->by);
	to->why = text_of(from->why);
	to->tripped_by = text_of(from->tripped_by);
	to->tripped_why = text_of(from->tripped_why);
	to->tripped_us = from->tripped_us;
	to->resumed_us = from->resumed_us;
	if (from->resumed_us != 0)
		to->resumed_at = write_health(arena, &from->resumed_at);
	dossier_write_unknown(arena, &from->unknown, &to->base);
}

static void write_count(
    struct tact_arena *arena, const struct tact_campaign_count *from, Tact__CampaignCount *to)
{
	Tact__CampaignHour *hours = tact_arena_alloc(arena, from->hours_count * sizeof *hours);

	to->name = text_of(from->name);
	to->writer = text_of(from->writer);
	to->hours = tact_arena_alloc(arena, from->hours_count * sizeof *to->hours);
	to->n_hours = from->hours_count;
	for (size_t i = 0; i < from->hours_count; i++) {
		tact__campaign_hour__init(&hours[i]);
		hours[i].hour = from->hours[i].hour;
		hours[i].health = write_health(arena, &from->hours[i].health);
		to->hours[i] = &hours[i];
	}
	dossier_write_unknown(arena, &from->unknown, &to->base);
}

void tact_dossier_encode_campaign(struct tact_arena *arena, const struct tact_campaign_record *record,
    const void **ret_bytes, size_t *ret_size)
{
	Tact__CampaignRecord message = TACT__CAMPAIGN_RECORD__INIT;
	Tact__Campaign campaign = TACT__CAMPAIGN__INIT;
	Tact__CampaignCount count = TACT__CAMPAIGN_COUNT__INIT;
	uint8_t *bytes;

	message.schema = CAMPAIGN_SCHEMA;
	if (record->counts) {
		write_count(arena, &record->count, &count);
		message.count = &count;
	} else {
		write_campaign(arena, &record->campaign, &campaign);
		message.campaign = &campaign;
	}
	bytes = tact_arena_alloc(arena, tact__campaign_record__get_packed_size(&message));
	*ret_size = tact__campaign_record__pack(&message, bytes);
	*ret_bytes = bytes;
}

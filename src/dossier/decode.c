/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A stored record to a dossier. Everything is checked, for what is read wrongly here would be allowed there.
 * Not its meaning in time.
 */
#include <config.h>

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "record.h"

/* The schema's enums are the header's. */
_Static_assert((int)TACT__PURPOSE__PURPOSE_PERSONAL + 1 == (int)TACT_PURPOSES, "purposes");
_Static_assert((int)TACT__CHANNEL__CHANNEL_WEB + 1 == (int)TACT_CHANNELS, "channels");
_Static_assert((int)TACT__DIRECTION__DIRECTION_IN == (int)TACT_IN, "directions");
_Static_assert((int)TACT__SENTIMENT__SENTIMENT_NEGATIVE == (int)TACT_NEGATIVE, "sentiments");
_Static_assert((int)TACT__SCOPE_KIND__SCOPE_OFFER == (int)TACT_SCOPE_OFFER, "scopes");
_Static_assert((int)TACT__REASON__REASON_TOPIC + 1 == (int)TACT_REASONS, "reasons");
_Static_assert((int)TACT__BASIS__BASIS_SOFT_OPT_IN == (int)TACT_SOFT_OPT_IN, "bases");
_Static_assert((int)TACT__CLAIM_STATE__CLAIM_BOUNCED + 1 == (int)TACT_CLAIM_STATES, "claim states");

/* The first impossible value is told and remembered; reading goes on and is thrown away at the end. */
struct reader {
	struct tact_arena *arena;
	char *const *strings;
	size_t strings_count;
	const char *part; /* what is being read, and which of them, for the text */
	size_t which;
	struct tact_error *err;
	int result;
};

static void refuse(struct reader *reader, const char *what, int64_t value)
{
	if (reader->result == TACT_OK)
		reader->result = tact_error_set(reader->err, TACT_CORRUPT,
		    "record: %s %zu: impossible %s %" PRId64, reader->part, reader->which + 1, what, value);
}

static const char *read_name(struct reader *reader, uint32_t place)
{
	if (place == 0)
		return "";
	if (place > reader->strings_count) {
		refuse(reader, "name", place);
		return "";
	}
	return reader->strings[place - 1];
}

static int64_t read_time(struct reader *reader, int64_t time_us)
{
	if (time_us < 0)
		refuse(reader, "time", time_us);
	return time_us;
}

static unsigned read_word(struct reader *reader, unsigned value, unsigned last, const char *what)
{
	if (value > last)
		refuse(reader, what, value);
	return value;
}

static int read_number(struct reader *reader, uint32_t value, int most, const char *what)
{
	if (value > (uint32_t)most)
		refuse(reader, what, value);
	return (int)(value & INT_MAX);
}

static struct tact_id read_id(struct reader *reader, const ProtobufCBinaryData *bytes)
{
	struct tact_id id = {0};

	if (bytes->len == sizeof id.b)
		memcpy(id.b, bytes->data, sizeof id.b);
	else if (bytes->len != 0)
		refuse(reader, "length of an id", (int64_t)bytes->len);
	return id;
}

static struct tact_scope read_scope(struct reader *reader, unsigned kind, uint32_t value)
{
	struct tact_scope scope = {.kind = (enum tact_scope_kind)kind, .value = read_name(reader, value)};

	if (!dossier_scope_is_possible(&scope))
		refuse(reader, "scope", kind);
	return scope;
}

static void read_contact(struct reader *reader, const Tact__Contact *from, struct tact_contact *ret)
{
	ret->id = read_id(reader, &from->id);
	ret->time_us = read_time(reader, from->time_us);
	ret->span_us = read_time(reader, from->span_us);
	ret->count = from->more + 1;
	ret->channel = (enum tact_channel)read_word(reader, from->channel, TACT_CHANNELS - 1, "channel");
	ret->direction = (enum tact_direction)read_word(reader, from->direction, TACT_IN, "direction");
	ret->sentiment = (enum tact_sentiment)read_word(reader, from->sentiment, TACT_NEGATIVE, "sentiment");
	ret->purpose = (enum tact_purpose)read_word(reader, from->purpose, TACT_PURPOSES - 1, "purpose");
	ret->stream = read_name(reader, from->stream);
	ret->owner = read_name(reader, from->owner);
	ret->brand = read_name(reader, from->brand);
	ret->campaign = read_name(reader, from->campaign);
	ret->offer = read_name(reader, from->offer);
	ret->list = read_name(reader, from->list);
	ret->counts = from->counts;
	ret->open = from->open;
	ret->unknown = dossier_read_unknown(reader->arena, &from->base);
	if (ret->count == 0)
		refuse(reader, "count", 0);
	if (ret->span_us > INT64_MAX - ret->time_us)
		refuse(reader, "span", ret->span_us);
}

static void read_contacts(struct reader *reader, const Tact__Record *record, struct tact_dossier *ret)
{
	ret->contacts_count = record->n_contacts;
	ret->contacts = dossier_new_array(reader->arena, ret->contacts_count, sizeof *ret->contacts);
	reader->part = "contact";
	for (reader->which = 0; reader->which < ret->contacts_count; reader->which++)
		read_contact(reader, record->contacts[reader->which], &ret->contacts[reader->which]);
}

static void read_suppression(
    struct reader *reader, const Tact__Suppression *from, struct tact_suppression *ret)
{
	ret->id = read_id(reader, &from->id);
	ret->scope = read_scope(reader, from->scope, from->scope_value);
	ret->reason = (enum tact_reason)read_word(reader, from->reason, TACT_REASONS - 1, "reason");
	ret->purposes = read_word(reader, from->purposes, (1U << TACT_PURPOSES) - 1, "purposes");
	ret->source = read_name(reader, from->source);
	ret->note = from->note;
	ret->time_us = read_time(reader, from->time_us);
	ret->until_us = read_time(reader, from->until_us);
	ret->ended_us = read_time(reader, from->ended_us);
	ret->ended_by = read_name(reader, from->ended_by);
	ret->ended_why = from->ended_why;
	ret->unknown = dossier_read_unknown(reader->arena, &from->base);
}

static void read_suppressions(struct reader *reader, const Tact__Record *record, struct tact_dossier *ret)
{
	ret->suppressions_count = record->n_suppressions;
	ret->suppressions =
	    dossier_new_array(reader->arena, ret->suppressions_count, sizeof *ret->suppressions);
	reader->part = "suppression";
	for (reader->which = 0; reader->which < ret->suppressions_count; reader->which++)
		read_suppression(
		    reader, record->suppressions[reader->which], &ret->suppressions[reader->which]);
}

static void read_consent(struct reader *reader, const Tact__Consent *from, struct tact_consent *ret)
{
	ret->id = read_id(reader, &from->id);
	ret->basis = (enum tact_basis)read_word(reader, from->basis, TACT_SOFT_OPT_IN, "basis");
	ret->scope = read_scope(reader, from->scope, from->scope_value);
	ret->source = read_name(reader, from->source);
	ret->proof = from->proof;
	ret->time_us = read_time(reader, from->time_us);
	ret->until_us = read_time(reader, from->until_us);
	ret->ended_us = read_time(reader, from->ended_us);
	ret->unknown = dossier_read_unknown(reader->arena, &from->base);
}

static void read_consents(struct reader *reader, const Tact__Record *record, struct tact_dossier *ret)
{
	ret->consents_count = record->n_consents;
	ret->consents = dossier_new_array(reader->arena, ret->consents_count, sizeof *ret->consents);
	reader->part = "consent";
	for (reader->which = 0; reader->which < ret->consents_count; reader->which++)
		read_consent(reader, record->consents[reader->which], &ret->consents[reader->which]);
}

static void read_claim_facts(struct reader *reader, const Tact__Claim *from, struct tact_facts *ret)
{
	ret->stream = read_name(reader, from->stream);
	ret->owner = read_name(reader, from->owner);
	ret->brand = read_name(reader, from->brand);
	ret->campaign = read_name(reader, from->campaign);
	ret->offer = read_name(reader, from->offer);
	ret->list = read_name(reader, from->list);
	ret->purpose = (enum tact_purpose)read_word(reader, from->purpose, TACT_PURPOSES - 1, "purpose");
	ret->channel = (enum tact_channel)read_word(reader, from->channel, TACT_CHANNELS - 1, "channel");
	ret->priority = from->priority;
	ret->exempt = from->exempt;
	ret->counts = from->counts;
}

static void read_claim(struct reader *reader, const Tact__Claim *from, struct tact_claim *ret)
{
	ret->id = read_id(reader, &from->id);
	ret->contact_id = read_id(reader, &from->contact_id);
	ret->state = (enum tact_claim_state)read_word(reader, from->state, TACT_CLAIM_STATES - 1, "state");
	ret->planned = from->planned;
	ret->priority = from->priority;
	ret->made_us = read_time(reader, from->made_us);
	ret->not_after_us = read_time(reader, from->not_after_us);
	read_claim_facts(reader, from, &ret->facts);
	ret->relay = read_name(reader, from->relay);
	ret->ring = read_name(reader, from->ring);
	ret->tempfail = from->tempfail;
	ret->notify_added = from->notify_added;
	ret->open = from->open;
	ret->bumps = read_number(reader, from->bumps, INT_MAX, "bumps");
	ret->firm = from->firm;
	ret->review = read_id(reader, &from->review);
	ret->decision = read_id(reader, &from->decision);
	ret->text = from->text;
	ret->code = read_name(reader, from->code);
	ret->done_us = read_time(reader, from->done_us);
	ret->unknown = dossier_read_unknown(reader->arena, &from->base);
}

static void read_claims(struct reader *reader, const Tact__Record *record, struct tact_dossier *ret)
{
	ret->claims_count = record->n_claims;
	ret->claims = dossier_new_array(reader->arena, ret->claims_count, sizeof *ret->claims);
	reader->part = "claim";
	for (reader->which = 0; reader->which < ret->claims_count; reader->which++)
		read_claim(reader, record->claims[reader->which], &ret->claims[reader->which]);
}

static void read_occasion(struct reader *reader, const Tact__Occasion *from, struct tact_occasion *ret)
{
	ret->name = from->name;
	ret->year = read_number(reader, from->year, 9999, "year");
	ret->month = read_number(reader, from->month, 12, "month");
	ret->day = read_number(reader, from->day, 31, "day");
	ret->unknown = dossier_read_unknown(reader->arena, &from->base);
	if (ret->month == 0 || ret->day == 0)
		refuse(reader, "date", 0);
}

static void read_profile(struct reader *reader, const Tact__Profile *from, struct tact_profile *ret)
{
	ret->zone = from->zone;
	ret->home_owner = from->home_owner;
	ret->language = from->language;
	ret->own_limit = from->own_limit;
	ret->unknown = dossier_read_unknown(reader->arena, &from->base);
	ret->occasions_count = from->n_occasions;
	ret->occasions = dossier_new_array(reader->arena, ret->occasions_count, sizeof *ret->occasions);
	reader->part = "occasion";
	for (reader->which = 0; reader->which < ret->occasions_count; reader->which++)
		read_occasion(reader, from->occasions[reader->which], &ret->occasions[reader->which]);
}

static void read_person(struct reader *reader, const Tact__Record *record, struct tact_dossier *ret)
{
	reader->part = "person";
	reader->which = 0;
	ret->history_since_us = read_time(reader, record->history_since_us);
	ret->address = record->address;
	ret->has_person_key = record->person_key.len == sizeof ret->person_key;
	if (ret->has_person_key)
		memcpy(ret->person_key, record->person_key.data, sizeof ret->person_key);
	else if (record->person_key.len != 0)
		refuse(reader, "length of a person key", (int64_t)record->person_key.len);
	ret->unknown = dossier_read_unknown(reader->arena, &record->base);
}

static void read_record(struct reader *reader, const Tact__Record *record, struct tact_dossier *ret)
{
	read_person(reader, record, ret);
	read_contacts(reader, record, ret);
	read_suppressions(reader, record, ret);
	read_consents(reader, record, ret);
	read_claims(reader, record, ret);
	if (record->profile != NULL)
		read_profile(reader, record->profile, &ret->profile);
}

int tact_dossier_decode(struct tact_arena *arena, const void *bytes, size_t size, struct tact_dossier *ret,
    struct tact_error *err)
{
	ProtobufCAllocator allocator = dossier_allocator(arena);
	struct reader reader = {.arena = arena, .err = err, .result = TACT_OK};
	struct tact_dossier dossier;
	const Tact__Record *record;

	tact_dossier_init(&dossier);
	if (size > 0) {
		record = tact__record__unpack(&allocator, size, bytes);
		if (record == NULL)
			return tact_error_set(err, TACT_CORRUPT,
			    "record: %zu bytes that do not parse: damaged, or of a newer tact", size);
		if (record->schema != RECORD_SCHEMA)
			return tact_error_set(err, TACT_CORRUPT,
			    "record: schema %" PRIu32 ", this tact knows %d%s", record->schema, RECORD_SCHEMA,
			    record->schema > RECORD_SCHEMA ? ": written by a newer tact" : "");
		reader.strings = record->strings;
		reader.strings_count = record->n_strings;
		read_record(&reader, record, &dossier);
	}
	if (reader.result == TACT_OK)
		*ret = dossier;
	return reader.result;
}

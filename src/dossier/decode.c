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
_Static_assert((int)TACT__BASIS__BASIS_SOFT_OPT_IN + 1 == (int)TACT_BASES, "bases");
_Static_assert((int)TACT__CLAIM_STATE__CLAIM_BOUNCED + 1 == (int)TACT_CLAIM_STATES, "claim states");

/* The first impossible value is told and remembered; reading goes on and is thrown away at the end. */
struct reader {
	struct tact_arena *arena;
	char *const *strings;
	size_t strings_count;
	struct tact_contact *facts; /* the rows of the table, as contacts without id and time */
	size_t facts_count;
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

static void read_unknown(struct reader *reader, const ProtobufCMessage *message, struct tact_unknown *ret)
{
	if (!dossier_read_unknown(reader->arena, message, ret))
		refuse(reader, "field", message->unknown_fields[0].tag);
}

static void read_row(struct reader *reader, const Tact__Facts *from, struct tact_contact *ret)
{
	ret->stream = read_name(reader, from->stream);
	ret->owner = read_name(reader, from->owner);
	ret->brand = read_name(reader, from->brand);
	ret->campaign = read_name(reader, from->campaign);
	ret->offer = read_name(reader, from->offer);
	ret->list = read_name(reader, from->list);
	ret->purpose = (enum tact_purpose)read_word(reader, from->purpose, TACT_PURPOSES - 1, "purpose");
	ret->channel = (enum tact_channel)read_word(reader, from->channel, TACT_CHANNELS - 1, "channel");
	ret->direction = (enum tact_direction)read_word(reader, from->direction, TACT_IN, "direction");
	ret->sentiment = (enum tact_sentiment)read_word(reader, from->sentiment, TACT_NEGATIVE, "sentiment");
	ret->counts = from->counts;
	ret->count = 1;
	if (from->base.n_unknown_fields > 0)
		refuse(reader, "field", from->base.unknown_fields[0].tag);
}

static void read_rows(struct reader *reader, const Tact__Record *record)
{
	reader->facts_count = record->n_facts;
	reader->facts = tact_arena_alloc(reader->arena, record->n_facts * sizeof *reader->facts);
	reader->part = "row of facts";
	for (reader->which = 0; reader->which < reader->facts_count; reader->which++)
		read_row(reader, record->facts[reader->which], &reader->facts[reader->which]);
}

static const struct tact_contact *read_facts(struct reader *reader, uint32_t place)
{
	static const struct tact_contact none = {.count = 1};

	if (place == 0 || place > reader->facts_count) {
		refuse(reader, "facts", place);
		return &none;
	}
	return &reader->facts[place - 1];
}

/* Are the columns of one length, so that they can be read at all? */
static bool is_run(struct reader *reader, const Tact__Contacts *run)
{
	size_t count = run->n_times_us;

	if (count == 0 || run->n_facts != count ||
	    (run->ids.len != 0 && run->ids.len != count * TACT_ID_BYTES) ||
	    (run->n_more != 0 && run->n_more != count) || (run->n_open != 0 && run->n_open != count))
		refuse(reader, "length of a column beside", (int64_t)count);
	else if (count > 1 && run->base.n_unknown_fields > 0)
		refuse(reader, "field", run->base.unknown_fields[0].tag);
	return reader->result == TACT_OK;
}

/* The next time of a run; 0 once it cannot be one. */
static int64_t read_next_time(
    struct reader *reader, int64_t before_us, int64_t difference_us, int64_t span_us)
{
	int64_t time_us, end_us;

	if (!__builtin_add_overflow(before_us, difference_us, &time_us) && time_us >= 0 &&
	    !__builtin_add_overflow(time_us, span_us, &end_us))
		return time_us;
	refuse(reader, "time, after that", difference_us);
	return 0;
}

static void read_run(struct reader *reader, const Tact__Contacts *run, struct tact_contact *ret)
{
	int64_t span_us = read_time(reader, run->span_us), time_us = 0;

	for (size_t i = 0; i < run->n_times_us; i++) {
		ret[i] = *read_facts(reader, run->facts[i]);
		ret[i].time_us = time_us = read_next_time(reader, time_us, run->times_us[i], span_us);
		ret[i].span_us = span_us;
		if (run->ids.len > 0)
			memcpy(ret[i].id.b, run->ids.data + i * TACT_ID_BYTES, TACT_ID_BYTES);
		if (run->n_more > 0)
			ret[i].count = run->more[i] + 1;
		if (run->n_open > 0)
			ret[i].open = run->open[i];
		if (ret[i].count == 0)
			refuse(reader, "count", 0);
	}
	read_unknown(reader, &run->base, &ret[0].unknown);
}

static void read_contacts(struct reader *reader, const Tact__Record *record, struct tact_dossier *ret)
{
	size_t count = 0, at = 0;

	reader->part = "run of contacts";
	for (reader->which = 0; reader->which < record->n_contacts; reader->which++)
		if (is_run(reader, record->contacts[reader->which]))
			count += record->contacts[reader->which]->n_times_us;
	if (reader->result != TACT_OK)
		return;
	ret->contacts_count = count;
	ret->contacts = dossier_new_array(reader->arena, count, sizeof *ret->contacts);
	for (reader->which = 0; reader->which < record->n_contacts; reader->which++) {
		read_run(reader, record->contacts[reader->which], &ret->contacts[at]);
		at += record->contacts[reader->which]->n_times_us;
	}
}

static void read_told(struct reader *reader, const Tact__Record *record, struct tact_dossier *ret)
{
	size_t count = record->n_told;

	reader->part = "contacts told of, column";
	reader->which = 0;
	if (record->n_told_days != count) {
		refuse(reader, "length beside", (int64_t)count);
		return;
	}
	ret->told_count = count;
	ret->told = dossier_new_array(reader->arena, count, sizeof *ret->told);
	for (size_t i = 0; i < count; i++)
		ret->told[i] = (struct tact_told){.mark = record->told[i], .day = record->told_days[i]};
}

/* The millions of an imported list stand without an id of their own. */
static struct tact_id name_suppression(struct reader *reader, const struct tact_suppression *suppression)
{
	const char *fields[] = {"suppression", tact_dossier_format_scope(reader->arena, &suppression->scope),
	    tact_dossier_reason_name(suppression->reason),
	    tact_arena_printf(reader->arena, "%" PRId64, suppression->time_us)};

	return tact_digest_id(fields, sizeof fields / sizeof *fields);
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
	read_unknown(reader, &from->base, &ret->unknown);
	if (reader->result == TACT_OK && tact_id_is_none(&ret->id))
		ret->id = name_suppression(reader, ret);
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
	ret->imported = from->imported;
	ret->ended_by = from->ended_by;
	ret->ended_why = from->ended_why;
	read_unknown(reader, &from->base, &ret->unknown);
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
	const struct tact_contact *row = read_facts(reader, from->facts);

	*ret = (struct tact_facts){
	    .stream = row->stream,
	    .owner = row->owner,
	    .brand = row->brand,
	    .campaign = row->campaign,
	    .offer = row->offer,
	    .list = row->list,
	    .occasion = from->occasion,
	    .purpose = row->purpose,
	    .channel = row->channel,
	    .priority = from->priority,
	    .exempt = from->exempt,
	    .counts = row->counts,
	};
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
	ret->asked_us = read_time(reader, from->asked_us);
	ret->rank_us = read_time(reader, from->rank_us);
	ret->firm_us = read_time(reader, from->firm_us);
	ret->contact_us = read_time(reader, from->contact_us);
	ret->held_us = read_time(reader, from->held_us);
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
	ret->queue_id = from->queue_id;
	read_unknown(reader, &from->base, &ret->unknown);
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
	read_unknown(reader, &from->base, &ret->unknown);
	if (ret->month == 0 || ret->day == 0)
		refuse(reader, "date", 0);
}

static void read_profile(struct reader *reader, const Tact__Profile *from, struct tact_profile *ret)
{
	ret->zone = from->zone;
	ret->home_owner = from->home_owner;
	ret->language = from->language;
	ret->own_limit = from->own_limit;
	read_unknown(reader, &from->base, &ret->unknown);
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
	ret->stands_for = read_id(reader, &record->stands_for);
	read_unknown(reader, &record->base, &ret->unknown);
}

static void read_record(struct reader *reader, const Tact__Record *record, struct tact_dossier *ret)
{
	read_person(reader, record, ret);
	read_rows(reader, record);
	read_contacts(reader, record, ret);
	read_told(reader, record, ret);
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

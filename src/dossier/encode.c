/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A dossier to the record that is stored. The message is laid over the dossier's own strings, so that each
 * byte is copied once. Checks nothing: what comes from outside was checked where it came in.
 */
#include <config.h>

#include <string.h>

#include "record.h"

/* A record that says nothing but its schema is empty. */
enum { SCHEMA_BYTES = 2 };

/* Most names a thing can have, see write_…: how large the table can get. */
enum { FACTS_NAMES = 6, SUPPRESSION_NAMES = 3, CONSENT_NAMES = 2, CLAIM_NAMES = 3 };

/* One row of the table of facts, as numbers: names, then words. */
enum { STREAM, OWNER, BRAND, CAMPAIGN, OFFER, LIST, PURPOSE, CHANNEL, DIRECTION, SENTIMENT, COUNTS, WORDS };
struct row {
	uint32_t word[WORDS];
};

/* A hash table with open addressing that holds places counted from 1: never more than half full. */
struct slots {
	uint32_t *place;
	size_t mask;
};

/* The two tables being made. Most names are the very same pointers again and again (they came out of one
 * table), so the latest are found by address and not even read. */
enum { RECENT = 64 };
struct tables {
	char **strings;
	size_t strings_count;
	struct slots string_slots;
	struct {
		const char *text;
		uint32_t place;
	} recent[RECENT];
	struct row *rows;
	size_t rows_count;
	struct slots row_slots;
};

static struct slots slots_new(struct tact_arena *arena, size_t most)
{
	size_t size = 8;

	while (size < 2 * most)
		size *= 2;
	return (struct slots){.place = tact_arena_alloc(arena, size * sizeof(uint32_t)), .mask = size - 1};
}

static void tables_init(struct tact_arena *arena, const struct tact_dossier *dossier, struct tables *ret)
{
	size_t rows = dossier->contacts_count + dossier->claims_count;
	size_t names = rows * FACTS_NAMES + dossier->suppressions_count * SUPPRESSION_NAMES +
		       dossier->consents_count * CONSENT_NAMES + dossier->claims_count * CLAIM_NAMES;

	*ret = (struct tables){0};
	ret->strings = tact_arena_alloc(arena, names * sizeof *ret->strings);
	ret->string_slots = slots_new(arena, names);
	ret->rows = tact_arena_alloc(arena, rows * sizeof *ret->rows);
	ret->row_slots = slots_new(arena, rows);
}

#define HASH_START UINT64_C(14695981039346656037)

/* FNV-1a, a word at a time. */
static uint64_t hash(uint64_t h, uint32_t word)
{
	return (h ^ word) * UINT64_C(1099511628211);
}

static size_t first_slot(const struct slots *slots, uint64_t h)
{
	return (size_t)(h ^ h >> 32) & slots->mask;
}

static uint32_t intern_string(struct tables *tables, const char *text)
{
	struct slots *slots = &tables->string_slots;
	uint64_t h = HASH_START;
	size_t slot;

	for (const char *c = text; *c != '\0'; c++)
		h = hash(h, (unsigned char)*c);
	for (slot = first_slot(slots, h); slots->place[slot] != 0; slot = (slot + 1) & slots->mask)
		if (strcmp(tables->strings[slots->place[slot] - 1], text) == 0)
			return slots->place[slot];
	tables->strings[tables->strings_count++] = (char *)text;
	return slots->place[slot] = (uint32_t)tables->strings_count;
}

static uint32_t intern_row(struct tables *tables, const struct row *row)
{
	struct slots *slots = &tables->row_slots;
	uint64_t h = HASH_START;
	size_t slot;

	for (size_t i = 0; i < WORDS; i++)
		h = hash(h, row->word[i]);
	for (slot = first_slot(slots, h); slots->place[slot] != 0; slot = (slot + 1) & slots->mask)
		if (memcmp(&tables->rows[slots->place[slot] - 1], row, sizeof *row) == 0)
			return slots->place[slot];
	tables->rows[tables->rows_count++] = *row;
	return slots->place[slot] = (uint32_t)tables->rows_count;
}

static uint32_t write_name(struct tables *tables, const char *text)
{
	size_t which = ((uintptr_t)text >> 4) % RECENT; /* an arena's strings are 16 bytes apart */

	if (text == NULL || *text == '\0')
		return 0;
	if (tables->recent[which].text != text) {
		tables->recent[which].place = intern_string(tables, text);
		tables->recent[which].text = text;
	}
	return tables->recent[which].place;
}

static ProtobufCBinaryData write_id(const struct tact_id *id)
{
	if (tact_id_is_none(id))
		return (ProtobufCBinaryData){0};
	return (ProtobufCBinaryData){.len = sizeof id->b, .data = (uint8_t *)id->b};
}

static uint32_t write_contact_facts(struct tables *tables, const struct tact_contact *from)
{
	return intern_row(tables, &(struct row){{
				      [STREAM] = write_name(tables, from->stream),
				      [OWNER] = write_name(tables, from->owner),
				      [BRAND] = write_name(tables, from->brand),
				      [CAMPAIGN] = write_name(tables, from->campaign),
				      [OFFER] = write_name(tables, from->offer),
				      [LIST] = write_name(tables, from->list),
				      [PURPOSE] = (uint32_t)from->purpose,
				      [CHANNEL] = (uint32_t)from->channel,
				      [DIRECTION] = (uint32_t)from->direction,
				      [SENTIMENT] = (uint32_t)from->sentiment,
				      [COUNTS] = from->counts,
				  }});
}

/* All contacts in columns; each run is a slice of them. */
struct columns {
	uint8_t *ids;
	int64_t *times_us;
	uint32_t *facts, *more;
	protobuf_c_boolean *open;
};

static void columns_init(struct tact_arena *arena, size_t count, struct columns *ret)
{
	ret->ids = tact_arena_alloc(arena, count * TACT_ID_BYTES);
	ret->times_us = tact_arena_alloc(arena, count * sizeof *ret->times_us);
	ret->facts = tact_arena_alloc(arena, count * sizeof *ret->facts);
	ret->more = tact_arena_alloc(arena, count * sizeof *ret->more);
	ret->open = tact_arena_alloc(arena, count * sizeof *ret->open);
}

/* How many of the contacts from START on can stand in one run with it. */
static size_t run_length(const struct tact_contact *start, size_t most)
{
	bool has_id = !tact_id_is_none(&start->id);
	size_t length = 1;

	if (start->unknown.size > 0)
		return 1;
	while (length < most && start[length].span_us == start->span_us && start[length].unknown.size == 0 &&
	       tact_id_is_none(&start[length].id) != has_id)
		length++;
	return length;
}

static void write_run(struct tables *tables, const struct tact_contact *from, size_t count,
    const struct columns *columns, size_t at, Tact__Contacts *to)
{
	to->span_us = from->span_us;
	to->n_times_us = to->n_facts = count;
	to->times_us = columns->times_us + at;
	to->facts = columns->facts + at;
	to->more = columns->more + at;
	to->open = columns->open + at;
	for (size_t i = 0; i < count; i++) {
		to->times_us[i] = from[i].time_us - (i > 0 ? from[i - 1].time_us : 0);
		to->facts[i] = write_contact_facts(tables, &from[i]);
		to->more[i] = from[i].count > 0 ? from[i].count - 1 : 0;
		to->open[i] = from[i].open;
		to->n_more = to->more[i] > 0 ? count : to->n_more;
		to->n_open = to->open[i] ? count : to->n_open;
		memcpy(columns->ids + (at + i) * TACT_ID_BYTES, from[i].id.b, TACT_ID_BYTES);
	}
	if (!tact_id_is_none(&from->id))
		to->ids = (ProtobufCBinaryData){
		    .len = count * TACT_ID_BYTES, .data = columns->ids + at * TACT_ID_BYTES};
}

static void write_contacts(
    struct tact_arena *arena, struct tables *tables, const struct tact_dossier *dossier, Tact__Record *record)
{
	size_t count = dossier->contacts_count, length;
	struct columns columns;

	if (count == 0)
		return;
	columns_init(arena, count, &columns);
	for (size_t at = 0; at < count; at += length) {
		const struct tact_contact *start = &dossier->contacts[at];
		Tact__Contacts *run = tact_arena_alloc(arena, sizeof *run);

		length = run_length(start, count - at);
		tact__contacts__init(run);
		write_run(tables, start, length, &columns, at, run);
		dossier_write_unknown(arena, &start->unknown, &run->base);
		*TACT_PUSH(arena, record->contacts, record->n_contacts) = run;
	}
}

static void write_told(struct tact_arena *arena, const struct tact_dossier *dossier, Tact__Record *record)
{
	size_t count = dossier->told_count;

	if (count == 0)
		return;
	record->n_told = record->n_told_days = count;
	record->told = tact_arena_alloc(arena, count * sizeof *record->told);
	record->told_days = tact_arena_alloc(arena, count * sizeof *record->told_days);
	for (size_t i = 0; i < count; i++) {
		record->told[i] = dossier->told[i].mark;
		record->told_days[i] = dossier->told[i].day;
	}
}

static void write_suppression(
    struct tables *tables, const struct tact_suppression *from, Tact__Suppression *to)
{
	to->id = write_id(&from->id);
	to->scope = (Tact__ScopeKind)from->scope.kind;
	to->scope_value = write_name(tables, from->scope.value);
	to->reason = (Tact__Reason)from->reason;
	to->purposes = from->purposes;
	to->source = write_name(tables, from->source);
	to->note = (char *)from->note;
	to->time_us = from->time_us;
	to->until_us = from->until_us;
	to->ended_us = from->ended_us;
	to->ended_by = write_name(tables, from->ended_by);
	to->ended_why = (char *)from->ended_why;
}

static void write_suppressions(
    struct tact_arena *arena, struct tables *tables, const struct tact_dossier *dossier, Tact__Record *record)
{
	size_t count = dossier->suppressions_count;
	Tact__Suppression *messages;

	if (count == 0)
		return;
	messages = tact_arena_alloc(arena, count * sizeof *messages);
	record->n_suppressions = count;
	record->suppressions = tact_arena_alloc(arena, count * sizeof *record->suppressions);
	for (size_t i = 0; i < count; i++) {
		tact__suppression__init(&messages[i]);
		write_suppression(tables, &dossier->suppressions[i], &messages[i]);
		dossier_write_unknown(arena, &dossier->suppressions[i].unknown, &messages[i].base);
		record->suppressions[i] = &messages[i];
	}
}

static void write_consent(struct tables *tables, const struct tact_consent *from, Tact__Consent *to)
{
	to->id = write_id(&from->id);
	to->basis = (Tact__Basis)from->basis;
	to->scope = (Tact__ScopeKind)from->scope.kind;
	to->scope_value = write_name(tables, from->scope.value);
	to->source = write_name(tables, from->source);
	to->proof = (char *)from->proof;
	to->time_us = from->time_us;
	to->until_us = from->until_us;
	to->ended_us = from->ended_us;
	to->imported = from->imported;
	to->ended_by = (char *)from->ended_by;
	to->ended_why = (char *)from->ended_why;
}

static void write_consents(
    struct tact_arena *arena, struct tables *tables, const struct tact_dossier *dossier, Tact__Record *record)
{
	size_t count = dossier->consents_count;
	Tact__Consent *messages;

	if (count == 0)
		return;
	messages = tact_arena_alloc(arena, count * sizeof *messages);
	record->n_consents = count;
	record->consents = tact_arena_alloc(arena, count * sizeof *record->consents);
	for (size_t i = 0; i < count; i++) {
		tact__consent__init(&messages[i]);
		write_consent(tables, &dossier->consents[i], &messages[i]);
		dossier_write_unknown(arena, &dossier->consents[i].unknown, &messages[i].base);
		record->consents[i] = &messages[i];
	}
}

static uint32_t write_claim_facts(struct tables *tables, const struct tact_facts *from)
{
	return intern_row(tables, &(struct row){{
				      [STREAM] = write_name(tables, from->stream),
				      [OWNER] = write_name(tables, from->owner),
				      [BRAND] = write_name(tables, from->brand),
				      [CAMPAIGN] = write_name(tables, from->campaign),
				      [OFFER] = write_name(tables, from->offer),
				      [LIST] = write_name(tables, from->list),
				      [PURPOSE] = (uint32_t)from->purpose,
				      [CHANNEL] = (uint32_t)from->channel,
				      [COUNTS] = from->counts,
				  }});
}

static void write_claim(struct tables *tables, const struct tact_claim *from, Tact__Claim *to)
{
	to->id = write_id(&from->id);
	to->contact_id = write_id(&from->contact_id);
	to->state = (Tact__ClaimState)from->state;
	to->made_us = from->made_us;
	to->not_after_us = from->not_after_us;
	to->asked_us = from->asked_us;
	to->rank_us = from->rank_us;
	to->firm_us = from->firm_us;
	to->contact_us = from->contact_us;
	to->held_us = from->held_us;
	to->priority = from->priority;
	to->facts = write_claim_facts(tables, &from->facts);
	to->exempt = from->facts.exempt;
	to->occasion = (char *)(from->facts.occasion == NULL ? "" : from->facts.occasion);
	to->relay = write_name(tables, from->relay);
	to->ring = write_name(tables, from->ring);
	to->planned = from->planned;
	to->tempfail = from->tempfail;
	to->notify_added = from->notify_added;
	to->open = from->open;
	to->firm = from->firm;
	to->bumps = (uint32_t)from->bumps;
	to->review = write_id(&from->review);
	to->decision = write_id(&from->decision);
	to->text = (char *)from->text;
	to->code = write_name(tables, from->code);
	to->done_us = from->done_us;
	to->queue_id = (char *)from->queue_id;
}

static void write_claims(
    struct tact_arena *arena, struct tables *tables, const struct tact_dossier *dossier, Tact__Record *record)
{
	size_t count = dossier->claims_count;
	Tact__Claim *messages;

	if (count == 0)
		return;
	messages = tact_arena_alloc(arena, count * sizeof *messages);
	record->n_claims = count;
	record->claims = tact_arena_alloc(arena, count * sizeof *record->claims);
	for (size_t i = 0; i < count; i++) {
		tact__claim__init(&messages[i]);
		write_claim(tables, &dossier->claims[i], &messages[i]);
		dossier_write_unknown(arena, &dossier->claims[i].unknown, &messages[i].base);
		record->claims[i] = &messages[i];
	}
}

/* When all that refers to them is written. */
static void write_rows(struct tact_arena *arena, const struct tables *tables, Tact__Record *record)
{
	size_t count = tables->rows_count;
	Tact__Facts *messages;

	if (count == 0)
		return;
	messages = tact_arena_alloc(arena, count * sizeof *messages);
	record->n_facts = count;
	record->facts = tact_arena_alloc(arena, count * sizeof *record->facts);
	for (size_t i = 0; i < count; i++) {
		const uint32_t *word = tables->rows[i].word;

		tact__facts__init(&messages[i]);
		messages[i].stream = word[STREAM];
		messages[i].owner = word[OWNER];
		messages[i].brand = word[BRAND];
		messages[i].campaign = word[CAMPAIGN];
		messages[i].offer = word[OFFER];
		messages[i].list = word[LIST];
		messages[i].purpose = (Tact__Purpose)word[PURPOSE];
		messages[i].channel = (Tact__Channel)word[CHANNEL];
		messages[i].direction = (Tact__Direction)word[DIRECTION];
		messages[i].sentiment = (Tact__Sentiment)word[SENTIMENT];
		messages[i].counts = word[COUNTS] != 0;
		record->facts[i] = &messages[i];
	}
}

static void write_occasions(struct tact_arena *arena, const struct tact_profile *profile, Tact__Profile *to)
{
	size_t count = profile->occasions_count;
	Tact__Occasion *messages = tact_arena_alloc(arena, count * sizeof *messages);

	to->n_occasions = count;
	to->occasions = tact_arena_alloc(arena, count * sizeof *to->occasions);
	for (size_t i = 0; i < count; i++) {
		const struct tact_occasion *from = &profile->occasions[i];

		tact__occasion__init(&messages[i]);
		messages[i].name = (char *)from->name;
		messages[i].year = (uint32_t)from->year;
		messages[i].month = (uint32_t)from->month;
		messages[i].day = (uint32_t)from->day;
		dossier_write_unknown(arena, &from->unknown, &messages[i].base);
		to->occasions[i] = &messages[i];
	}
}

static void write_profile(
    struct tact_arena *arena, const struct tact_profile *from, Tact__Profile *to, Tact__Record *record)
{
	tact__profile__init(to);
	to->zone = (char *)from->zone;
	to->home_owner = (char *)from->home_owner;
	to->language = (char *)from->language;
	to->own_limit = (char *)from->own_limit;
	write_occasions(arena, from, to);
	dossier_write_unknown(arena, &from->unknown, &to->base);
	if (tact__profile__get_packed_size(to) > 0)
		record->profile = to;
}

static void write_person(struct tact_arena *arena, const struct tact_dossier *dossier, Tact__Record *record)
{
	record->history_since_us = dossier->history_since_us;
	record->address = (char *)dossier->address;
	if (dossier->has_person_key) {
		record->person_key.len = sizeof dossier->person_key;
		record->person_key.data = (uint8_t *)dossier->person_key;
	}
	record->stands_for = write_id(&dossier->stands_for);
	dossier_write_unknown(arena, &dossier->unknown, &record->base);
}

void tact_dossier_encode(
    struct tact_arena *arena, const struct tact_dossier *dossier, const void **ret_bytes, size_t *ret_size)
{
	Tact__Record record = TACT__RECORD__INIT;
	Tact__Profile profile;
	struct tables tables;
	uint8_t *bytes;
	size_t size;

	tables_init(arena, dossier, &tables);
	write_person(arena, dossier, &record);
	write_contacts(arena, &tables, dossier, &record);
	write_told(arena, dossier, &record);
	write_suppressions(arena, &tables, dossier, &record);
	write_consents(arena, &tables, dossier, &record);
	write_claims(arena, &tables, dossier, &record);
	write_profile(arena, &dossier->profile, &profile, &record);
	write_rows(arena, &tables, &record);
	record.strings = tables.strings;
	record.n_strings = tables.strings_count;
	record.schema = RECORD_SCHEMA;
	*ret_bytes = "";
	*ret_size = 0;
	size = tact__record__get_packed_size(&record);
	if (size <= SCHEMA_BYTES)
		return;
	bytes = tact_arena_alloc(arena, size);
	*ret_size = tact__record__pack(&record, bytes);
	*ret_bytes = bytes;
}

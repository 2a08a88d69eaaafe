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
enum { CONTACT_NAMES = 6, SUPPRESSION_NAMES = 3, CONSENT_NAMES = 2, CLAIM_NAMES = 9 };

/* The string table being made. Slots is a hash table of places with open addressing. Most names are the very
 * same pointers again and again (they came out of one table), so the latest are found by address and not even
 * read. */
enum { RECENT = 64 };
struct names {
	char **strings;
	size_t count;
	uint32_t *slots;
	size_t mask;
	struct {
		const char *text;
		uint32_t place;
	} recent[RECENT];
};

static void names_init(struct tact_arena *arena, const struct tact_dossier *dossier, struct names *ret)
{
	size_t most = dossier->contacts_count * CONTACT_NAMES +
		      dossier->suppressions_count * SUPPRESSION_NAMES +
		      dossier->consents_count * CONSENT_NAMES + dossier->claims_count * CLAIM_NAMES;
	size_t slots = 8;

	while (slots < 2 * most)
		slots *= 2;
	*ret = (struct names){.mask = slots - 1};
	ret->strings = tact_arena_alloc(arena, most * sizeof *ret->strings);
	ret->slots = tact_arena_alloc(arena, slots * sizeof *ret->slots);
}

/* FNV-1a. */
static uint64_t hash(const char *text)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return h ^ h >> 32;
}

static uint32_t intern(struct names *names, const char *text)
{
	size_t slot = hash(text) & names->mask;

	while (names->slots[slot] != 0) {
		if (strcmp(names->strings[names->slots[slot] - 1], text) == 0)
			return names->slots[slot];
		slot = (slot + 1) & names->mask;
	}
	names->strings[names->count++] = (char *)text;
	return names->slots[slot] = (uint32_t)names->count;
}

static uint32_t write_name(struct names *names, const char *text)
{
	size_t which = ((uintptr_t)text >> 4) % RECENT; /* an arena's strings are 16 bytes apart */

	if (text == NULL || *text == '\0')
		return 0;
	if (names->recent[which].text != text) {
		names->recent[which].place = intern(names, text);
		names->recent[which].text = text;
	}
	return names->recent[which].place;
}

static ProtobufCBinaryData write_id(const struct tact_id *id)
{
	if (tact_id_is_none(id))
		return (ProtobufCBinaryData){0};
	return (ProtobufCBinaryData){.len = sizeof id->b, .data = (uint8_t *)id->b};
}

static void write_contact(struct names *names, const struct tact_contact *from, Tact__Contact *to)
{
	to->id = write_id(&from->id);
	to->time_us = from->time_us;
	to->span_us = from->span_us;
	to->more = from->count > 0 ? from->count - 1 : 0;
	to->channel = (Tact__Channel)from->channel;
	to->direction = (Tact__Direction)from->direction;
	to->sentiment = (Tact__Sentiment)from->sentiment;
	to->purpose = (Tact__Purpose)from->purpose;
	to->stream = write_name(names, from->stream);
	to->owner = write_name(names, from->owner);
	to->brand = write_name(names, from->brand);
	to->campaign = write_name(names, from->campaign);
	to->offer = write_name(names, from->offer);
	to->list = write_name(names, from->list);
	to->counts = from->counts;
	to->open = from->open;
}

static void write_contacts(
    struct tact_arena *arena, struct names *names, const struct tact_dossier *dossier, Tact__Record *record)
{
	size_t count = dossier->contacts_count;
	Tact__Contact *messages = tact_arena_alloc(arena, count * sizeof *messages);

	record->n_contacts = count;
	record->contacts = tact_arena_alloc(arena, count * sizeof *record->contacts);
	for (size_t i = 0; i < count; i++) {
		tact__contact__init(&messages[i]);
		write_contact(names, &dossier->contacts[i], &messages[i]);
		dossier_write_unknown(arena, &dossier->contacts[i].unknown, &messages[i].base);
		record->contacts[i] = &messages[i];
	}
}

static void write_suppression(struct names *names, const struct tact_suppression *from, Tact__Suppression *to)
{
	to->id = write_id(&from->id);
	to->scope = (Tact__ScopeKind)from->scope.kind;
	to->scope_value = write_name(names, from->scope.value);
	to->reason = (Tact__Reason)from->reason;
	to->purposes = from->purposes;
	to->source = write_name(names, from->source);
	to->note = (char *)from->note;
	to->time_us = from->time_us;
	to->until_us = from->until_us;
	to->ended_us = from->ended_us;
	to->ended_by = write_name(names, from->ended_by);
	to->ended_why = (char *)from->ended_why;
}

static void write_suppressions(
    struct tact_arena *arena, struct names *names, const struct tact_dossier *dossier, Tact__Record *record)
{
	size_t count = dossier->suppressions_count;
	Tact__Suppression *messages = tact_arena_alloc(arena, count * sizeof *messages);

	record->n_suppressions = count;
	record->suppressions = tact_arena_alloc(arena, count * sizeof *record->suppressions);
	for (size_t i = 0; i < count; i++) {
		tact__suppression__init(&messages[i]);
		write_suppression(names, &dossier->suppressions[i], &messages[i]);
		dossier_write_unknown(arena, &dossier->suppressions[i].unknown, &messages[i].base);
		record->suppressions[i] = &messages[i];
	}
}

static void write_consent(struct names *names, const struct tact_consent *from, Tact__Consent *to)
{
	to->id = write_id(&from->id);
	to->basis = (Tact__Basis)from->basis;
	to->scope = (Tact__ScopeKind)from->scope.kind;
	to->scope_value = write_name(names, from->scope.value);
	to->source = write_name(names, from->source);
	to->proof = (char *)from->proof;
	to->time_us = from->time_us;
	to->until_us = from->until_us;
	to->ended_us = from->ended_us;
}

static void write_consents(
    struct tact_arena *arena, struct names *names, const struct tact_dossier *dossier, Tact__Record *record)
{
	size_t count = dossier->consents_count;
	Tact__Consent *messages = tact_arena_alloc(arena, count * sizeof *messages);

	record->n_consents = count;
	record->consents = tact_arena_alloc(arena, count * sizeof *record->consents);
	for (size_t i = 0; i < count; i++) {
		tact__consent__init(&messages[i]);
		write_consent(names, &dossier->consents[i], &messages[i]);
		dossier_write_unknown(arena, &dossier->consents[i].unknown, &messages[i].base);
		record->consents[i] = &messages[i];
	}
}

static void write_claim_facts(struct names *names, const struct tact_facts *from, Tact__Claim *to)
{
	to->channel = (Tact__Channel)from->channel;
	to->purpose = (Tact__Purpose)from->purpose;
	to->stream = write_name(names, from->stream);
	to->owner = write_name(names, from->owner);
	to->brand = write_name(names, from->brand);
	to->campaign = write_name(names, from->campaign);
	to->offer = write_name(names, from->offer);
	to->list = write_name(names, from->list);
	to->exempt = from->exempt;
	to->counts = from->counts;
}

static void write_claim(struct names *names, const struct tact_claim *from, Tact__Claim *to)
{
	to->id = write_id(&from->id);
	to->contact_id = write_id(&from->contact_id);
	to->state = (Tact__ClaimState)from->state;
	to->made_us = from->made_us;
	to->not_after_us = from->not_after_us;
	to->priority = from->priority;
	write_claim_facts(names, &from->facts, to);
	to->relay = write_name(names, from->relay);
	to->ring = write_name(names, from->ring);
	to->planned = from->planned;
	to->tempfail = from->tempfail;
	to->notify_added = from->notify_added;
	to->open = from->open;
	to->firm = from->firm;
	to->bumps = (uint32_t)from->bumps;
	to->review = write_id(&from->review);
	to->decision = write_id(&from->decision);
	to->text = (char *)from->text;
	to->code = write_name(names, from->code);
	to->done_us = from->done_us;
}

static void write_claims(
    struct tact_arena *arena, struct names *names, const struct tact_dossier *dossier, Tact__Record *record)
{
	size_t count = dossier->claims_count;
	Tact__Claim *messages = tact_arena_alloc(arena, count * sizeof *messages);

	record->n_claims = count;
	record->claims = tact_arena_alloc(arena, count * sizeof *record->claims);
	for (size_t i = 0; i < count; i++) {
		tact__claim__init(&messages[i]);
		write_claim(names, &dossier->claims[i], &messages[i]);
		dossier_write_unknown(arena, &dossier->claims[i].unknown, &messages[i].base);
		record->claims[i] = &messages[i];
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
	dossier_write_unknown(arena, &dossier->unknown, &record->base);
}

void tact_dossier_encode(
    struct tact_arena *arena, const struct tact_dossier *dossier, const void **ret_bytes, size_t *ret_size)
{
	Tact__Record record = TACT__RECORD__INIT;
	Tact__Profile profile;
	struct names names;
	uint8_t *bytes;
	size_t size;

	names_init(arena, dossier, &names);
	write_person(arena, dossier, &record);
	write_contacts(arena, &names, dossier, &record);
	write_suppressions(arena, &names, dossier, &record);
	write_consents(arena, &names, dossier, &record);
	write_claims(arena, &names, dossier, &record);
	write_profile(arena, &dossier->profile, &profile, &record);
	record.strings = names.strings;
	record.n_strings = names.count;
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

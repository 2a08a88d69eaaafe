/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The book: the contacts that count, sorted by time, and the claims in their places, with names made numbers
 * so that rules compare no strings. Which of them a limit counts is limit.c's matter.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "engine.h"

/* More than this many times as much as one mail is nothing a limit can tell apart, and sums must not wrap. */
#define COUNT_MAX 1000000
/* Folded contacts span a day; a damaged record may say anything. */
#define SPAN_MAX_US (INT64_C(366) * 86400 * POLICY_SECOND_US)

bool policy_names_have(const struct tact_names *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (tact_text_equal_nocase(list->names[i], name))
			return true;
	return false;
}

/* ---- names -------------------------------------------------------------------------------------- */

static uint32_t digest_of(const char *text)
{
	uint32_t digest = 2166136261U;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		digest = (digest ^ (c >= 'A' && c <= 'Z' ? c + 32U : c)) * 16777619U;
	}
	return digest;
}

static uint32_t number_of(struct tact_arena *arena, struct name_table *table, const char *text)
{
	uint32_t digest;
	struct known_name *fresh;

	/* A decoded dossier keeps each name once, so that the pointer nearly always tells. */
	for (size_t i = 0; i < table->count; i++)
		if (table->known[i].text == text)
			return (uint32_t)i;
	digest = digest_of(text);
	for (size_t i = 0; i < table->count; i++)
		if (table->known[i].digest == digest && tact_text_equal_nocase(table->known[i].text, text))
			return (uint32_t)i;
	fresh = TACT_PUSH(arena, table->known, table->count);
	*fresh = (struct known_name){.text = text, .digest = digest};
	return (uint32_t)(table->count - 1);
}

static void name_all(struct book *book, const char *const texts[NAMES], uint32_t names[NAMES])
{
	for (size_t i = 0; i < book->wanted_count; i++) {
		uint8_t name = book->wanted[i];

		names[name] = number_of(book->arena, &book->names[name], texts[name]);
	}
}

void policy_book_name(struct book *book, const struct tact_facts *facts, uint32_t names[NAMES])
{
	const char *const texts[NAMES] = {
	    facts->stream, facts->owner, facts->brand, facts->campaign, facts->offer, facts->list};

	memset(names, 0, NAMES * sizeof *names);
	name_all(book, texts, names);
}

static void want(struct book *book, enum policy_name name)
{
	for (size_t i = 0; i < book->wanted_count; i++)
		if (book->wanted[i] == name)
			return;
	book->wanted[book->wanted_count++] = (uint8_t)name;
}

static void want_names(struct book *book, const struct tact_limit *limit)
{
	static const enum policy_name of_same[] = {
	    [TACT_SAME_STREAM] = NAME_STREAM,
	    [TACT_SAME_OWNER] = NAME_OWNER,
	    [TACT_SAME_BRAND] = NAME_BRAND,
	    [TACT_SAME_CAMPAIGN] = NAME_CAMPAIGN,
	    [TACT_SAME_OFFER] = NAME_OFFER,
	    [TACT_SAME_LIST] = NAME_LIST,
	};

	if (limit->same != TACT_SAME_NONE)
		want(book, of_same[limit->same]);
	if (limit->by != TACT_BY_ANY || limit->owners.count > 0)
		want(book, NAME_OWNER);
	if (limit->streams.count > 0)
		want(book, NAME_STREAM);
	if (limit->brands.count > 0)
		want(book, NAME_BRAND);
}

static void want_contacts(struct book *book, const struct tact_limit *limit)
{
	want_names(book, limit);
	book->wants_in |= limit->directions == 0 ? limit->sentiments != 0 : limit->directions >> TACT_IN & 1;
	book->wants_answers |= limit->form == TACT_LIMIT_SINCE;
}

/* ---- contacts ----------------------------------------------------------------------------------- */

/* The id settles ties, so that the order of the record tells nothing. */
static bool is_after(const struct entry *a, const struct entry *b)
{
	if (a->time_us != b->time_us)
		return a->time_us > b->time_us;
	return memcmp(a->id, b->id, sizeof *a->id) > 0;
}

static int compare(const void *a, const void *b)
{
	return is_after(a, b) - is_after(b, a);
}

/* Nearly always sorted already. */
static void sort_entries(struct entry *entries, size_t count)
{
	size_t moves = 0;

	for (size_t i = 1; i < count; i++) {
		struct entry entry = entries[i];
		size_t j = i;

		for (; j > 0 && is_after(&entries[j - 1], &entry); j--, moves++)
			entries[j] = entries[j - 1];
		entries[j] = entry;
		if (moves > 8 * count) {
			qsort(entries, count, sizeof *entries, compare);
			return;
		}
	}
}

static const char *holder_of(const char *owner, const char *campaign)
{
	return *owner != '\0' ? owner : campaign;
}

/* Weights are looked up by it. */
static uint8_t channel_of(enum tact_channel channel)
{
	return (unsigned)channel < TACT_CHANNELS ? (uint8_t)channel : TACT_EMAIL;
}

/* So is a direction or a sentiment that only a damaged record has. */
static uint8_t way_of(const struct tact_contact *contact)
{
	unsigned sentiment = (unsigned)contact->sentiment;

	return (uint8_t)policy_way(
	    contact->direction != TACT_OUT, sentiment > TACT_NEGATIVE ? TACT_NEUTRAL : sentiment);
}

static int64_t last_moment(const struct tact_contact *contact)
{
	int64_t span_us = contact->span_us;

	span_us = span_us < 1 ? 1 : span_us > SPAN_MAX_US ? SPAN_MAX_US : span_us;
	return policy_add(contact->time_us, span_us - 1);
}

static void enter_contact(struct book *book, const struct tact_contact *contact)
{
	const char *const texts[NAMES] = {contact->stream, contact->owner, contact->brand, contact->campaign,
	    contact->offer, contact->list};
	struct entry *entry = &book->contacts[book->contacts_count++];

	entry->first_us = contact->time_us;
	entry->time_us = last_moment(contact);
	entry->count = contact->count < 1 ? 1 : contact->count > COUNT_MAX ? COUNT_MAX : contact->count;
	entry->id = &contact->id;
	entry->holder = holder_of(contact->owner, contact->campaign);
	entry->purpose = (uint8_t)contact->purpose;
	entry->channel = channel_of(contact->channel);
	entry->way = way_of(contact);
	name_all(book, texts, entry->names);
}

/* An answer is one whatever it was about, and whether or not it counts. */
static void enter_answer(struct book *book, const struct tact_contact *contact)
{
	if (contact->sentiment == TACT_POSITIVE)
		*TACT_PUSH(book->arena, book->answers, book->answers_count) =
		    (struct response){contact->time_us, last_moment(contact)};
}

int64_t policy_book_answered(const struct book *book, int64_t t_us)
{
	int64_t latest_us = INT64_MIN;

	for (size_t i = 0; i < book->answers_count; i++)
		if (book->answers[i].time_us <= t_us && book->answers[i].first_us > latest_us)
			latest_us = book->answers[i].first_us;
	return latest_us;
}

int64_t policy_book_next_answer(const struct book *book, int64_t t_us)
{
	int64_t next_us = POLICY_NEVER;

	for (size_t i = 0; i < book->answers_count; i++)
		if (book->answers[i].time_us > t_us && book->answers[i].time_us < next_us)
			next_us = book->answers[i].time_us;
	return next_us;
}

static void enter_contacts(struct book *book)
{
	const struct tact_dossier *dossier = book->dossier;

	book->contacts = tact_arena_alloc(book->arena, dossier->contacts_count * sizeof *book->contacts);
	for (size_t i = 0; i < dossier->contacts_count; i++) {
		const struct tact_contact *contact = &dossier->contacts[i];

		if (contact->counts && (contact->direction == TACT_OUT || book->wants_in))
			enter_contact(book, contact);
		if (book->wants_answers)
			enter_answer(book, contact);
	}
	sort_entries(book->contacts, book->contacts_count);
}

void policy_book_open(struct book *book, struct tact_arena *arena, const struct tact_rule_set *rules,
    const struct tact_dossier *dossier, size_t claims_room, int64_t from_us)
{
	memset(book, 0, sizeof *book);
	book->arena = arena;
	book->rules = rules;
	book->dossier = dossier;
	book->from_us = from_us;
	for (size_t i = 0; i < rules->rules_count; i++)
		if (rules->rules[i].kind == TACT_RULE_LIMIT)
			want_contacts(book, &rules->rules[i].limit);
	enter_contacts(book);
	book->claims_room = claims_room;
	book->claims = tact_arena_alloc(arena, claims_room * sizeof *book->claims);
	book->shelves = tact_arena_alloc(arena, rules->rules_count * sizeof *book->shelves);
	book->seats = tact_arena_alloc(arena, rules->rules_count * sizeof *book->seats);
}

/* ---- claims ------------------------------------------------------------------------------------- */

void policy_book_place(struct book *book, const struct tact_facts *facts, const uint32_t names[NAMES],
    const struct tact_id *id, int64_t place_us)
{
	struct entry *entry;
	size_t i = book->claims_count;

	if (!facts->counts || i == book->claims_room)
		return;
	entry = tact_arena_alloc(book->arena, sizeof *entry);
	entry->time_us = entry->first_us = place_us;
	entry->count = 1;
	entry->id = id;
	entry->holder = holder_of(facts->owner, facts->campaign);
	entry->facts = facts;
	entry->purpose = (uint8_t)facts->purpose;
	entry->channel = channel_of(facts->channel);
	entry->claim = true;
	memcpy(entry->names, names, sizeof entry->names);
	for (; i > 0 && is_after(book->claims[i - 1], entry); i--)
		book->claims[i] = book->claims[i - 1];
	book->claims[i] = entry;
	book->claims_count++;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Rows of an import as bytes, to be sorted on the disk, and back. The bytes stay on one machine until the
 * import is done: numbers stand as they are in memory, texts end with a NUL.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "private.h"

/* Of each row; then texts, and the parts of a profile or a contact. */
struct fixed {
	int64_t time_us, until_us;
	uint8_t by, also, reason, purposes, basis, more, timed;
};
enum { NO_MORE, A_PROFILE, A_CONTACT };

struct contact_numbers {
	struct tact_id id;
	int64_t time_us;
	uint8_t channel, direction, sentiment, purpose, counts;
};

/* ---- to bytes ---- */

static void put(struct cli_bytes *to, const void *from, size_t size)
{
	if (to->size + size > to->room) {
		to->room = 2 * (to->size + size) + 256;
		to->data = tact_realloc(to->data, to->room);
	}
	memcpy(to->data + to->size, from, size);
	to->size += size;
}

static void put_text(struct cli_bytes *to, const char *text)
{
	if (text == NULL)
		text = "";
	put(to, text, strlen(text) + 1);
}

/* "=VALUE", or nothing where the row says nothing. */
static void put_profile(struct cli_bytes *to, const struct tact_profile_change *profile)
{
	struct tact_profile_change *said = (struct tact_profile_change *)profile;

	for (size_t i = 0; i < CLI_PROFILE_FIELDS; i++) {
		const char *value = *cli_profile_set(said, &cli_profile_fields[i]);

		put(to, "=", value != NULL ? 1 : 0);
		put_text(to, value);
	}
	put(to, &profile->occasions_count, sizeof profile->occasions_count);
	for (size_t i = 0; i < profile->occasions_count; i++) {
		const struct tact_occasion *occasion = &profile->occasions[i];
		const int date[] = {occasion->year, occasion->month, occasion->day};

		put_text(to, occasion->name);
		put(to, date, sizeof date);
	}
}

static void put_contact(struct cli_bytes *to, const struct tact_contact *contact)
{
	struct contact_numbers numbers = {.id = contact->id,
	    .time_us = contact->time_us,
	    .channel = (uint8_t)contact->channel,
	    .direction = (uint8_t)contact->direction,
	    .sentiment = (uint8_t)contact->sentiment,
	    .purpose = (uint8_t)contact->purpose,
	    .counts = contact->counts};
	const char *const texts[] = {contact->stream, contact->owner, contact->brand, contact->campaign,
	    contact->offer, contact->list};

	put(to, &numbers, sizeof numbers);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		put_text(to, texts[i]);
}

void cli_spool_pack(const struct cli_import_row *row, struct cli_bytes *to)
{
	struct fixed fixed = {.time_us = row->time_us,
	    .until_us = row->until_us,
	    .by = (uint8_t)row->by,
	    .also = row->also,
	    .reason = (uint8_t)row->reason,
	    .purposes = row->purposes,
	    .basis = (uint8_t)row->basis,
	    .timed = row->timed,
	    .more = row->profile != NULL   ? A_PROFILE
		    : row->contact != NULL ? A_CONTACT
					   : NO_MORE};

	to->size = 0;
	put(to, &fixed, sizeof fixed);
	put_text(to, row->person);
	put_text(to, row->scope != NULL ? row->scope->text : "");
	put_text(to, row->source);
	put_text(to, row->proof);
	if (row->profile != NULL)
		put_profile(to, row->profile);
	else if (row->contact != NULL)
		put_contact(to, row->contact);
}

/* ---- and back ---- */

/* What is left of a row. We wrote it: what is not as it was written is damage. */
struct reading {
	const char *at, *end;
	bool damaged;
};

static void take(struct reading *from, void *to, size_t size)
{
	from->damaged |= (size_t)(from->end - from->at) < size;
	if (from->damaged) {
		memset(to, 0, size);
		return;
	}
	memcpy(to, from->at, size);
	from->at += size;
}

static const char *take_text(struct reading *from)
{
	const char *text = from->at,
		   *nul = from->damaged ? NULL : memchr(text, '\0', (size_t)(from->end - text));

	from->damaged |= nul == NULL;
	if (from->damaged)
		return "";
	from->at = nul + 1;
	return text;
}

static const struct tact_profile_change *take_profile(struct reading *from, struct tact_arena *arena)
{
	struct tact_profile_change *profile = tact_arena_alloc(arena, sizeof *profile);
	struct tact_occasion *occasions = NULL;
	size_t count;

	for (size_t i = 0; i < CLI_PROFILE_FIELDS; i++) {
		const char *value = take_text(from);

		if (*value == '=')
			*cli_profile_set(profile, &cli_profile_fields[i]) = value + 1;
	}
	take(from, &count, sizeof count);
	while (profile->occasions_count < count && !from->damaged) {
		struct tact_occasion *occasion = TACT_PUSH(arena, occasions, profile->occasions_count);
		int date[3];

		occasion->name = take_text(from);
		take(from, date, sizeof date);
		occasion->year = date[0];
		occasion->month = date[1];
		occasion->day = date[2];
	}
	profile->occasions = occasions;
	return profile;
}

static const struct tact_contact *take_contact(struct reading *from, struct tact_arena *arena)
{
	struct tact_contact *contact = tact_arena_alloc(arena, sizeof *contact);
	struct contact_numbers numbers;

	take(from, &numbers, sizeof numbers);
	*contact = (struct tact_contact){.id = numbers.id,
	    .time_us = numbers.time_us,
	    .channel = (enum tact_channel)numbers.channel,
	    .direction = (enum tact_direction)numbers.direction,
	    .sentiment = (enum tact_sentiment)numbers.sentiment,
	    .purpose = (enum tact_purpose)numbers.purpose,
	    .counts = numbers.counts != 0,
	    .count = 1};
	contact->stream = take_text(from);
	contact->owner = take_text(from);
	contact->brand = take_text(from);
	contact->campaign = take_text(from);
	contact->offer = take_text(from);
	contact->list = take_text(from);
	return contact;
}

/* Most rows end in the same scope, source and proof as the one before. */
static bool take_words(struct reading *from, struct cli_spool_words *words, struct cli_import *import,
    struct tact_arena *arena, struct cli_import_row *ret)
{
	size_t left = (size_t)(from->end - from->at);
	struct reading copy;
	struct tact_error err;

	if (words->size == 0 || left < words->size || memcmp(from->at, words->text, words->size) != 0) {
		words->text = tact_arena_copy(arena, from->at, left);
		copy = (struct reading){.at = words->text, .end = words->text + left};
		words->scope_text = take_text(&copy);
		words->source = take_text(&copy);
		words->proof = take_text(&copy);
		words->size = copy.damaged ? 0 : (size_t)(copy.at - words->text);
		words->scope = *words->scope_text != '\0'
				   ? cli_import_scope(import, arena, words->scope_text, &err)
				   : NULL;
	}
	ret->source = words->source;
	ret->proof = words->proof;
	ret->scope = words->scope;
	from->at += words->size;
	return words->size > 0 && (*words->scope_text == '\0' || words->scope != NULL);
}

static const char *take_person(struct reading *from, struct tact_arena *arena)
{
	const char *text = take_text(from);

	return tact_arena_copy(arena, text, from->damaged ? 1 : (size_t)(from->at - text));
}

/* What is left, where it lives as long as the row. */
static struct reading keep_rest(const struct reading *from, struct tact_arena *arena)
{
	size_t left = (size_t)(from->end - from->at);
	const char *copy = tact_arena_copy(arena, from->at, left);

	return (struct reading){.at = copy, .end = copy + left};
}

bool cli_spool_unpack(const void *bytes, size_t size, struct cli_import *import, struct tact_arena *arena,
    struct cli_spool_words *words, struct cli_import_row *ret)
{
	struct reading from = {.at = bytes, .end = (const char *)bytes + size};
	struct fixed fixed;

	take(&from, &fixed, sizeof fixed);
	*ret = (struct cli_import_row){.time_us = fixed.time_us,
	    .until_us = fixed.until_us,
	    .by = (enum cli_import_by)fixed.by,
	    .also = fixed.also != 0,
	    .reason = (enum tact_reason)fixed.reason,
	    .purposes = fixed.purposes,
	    .basis = (enum tact_basis)fixed.basis,
	    .timed = fixed.timed != 0};
	ret->person = take_person(&from, arena);
	if (from.damaged || !take_words(&from, words, import, arena, ret))
		return false;
	if (fixed.more == NO_MORE)
		return true;
	from = keep_rest(&from, arena);
	if (fixed.more == A_PROFILE)
		ret->profile = take_profile(&from, arena);
	else if (fixed.more == A_CONTACT)
		ret->contact = take_contact(&from, arena);
	return !from.damaged;
}

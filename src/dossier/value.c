/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A dossier as values: made, copied, searched, added to and merged. Not its encoding, and no judgement of
 * what stands in it.
 */
#include <config.h>

#include <string.h>

#include "record.h"

void *dossier_new_array(struct tact_arena *arena, size_t count, size_t item_bytes)
{
	size_t capacity = 1;

	if (count == 0)
		return NULL;
	while (capacity < count)
		capacity *= 2;
	return tact_arena_alloc(arena, capacity * item_bytes);
}

void *dossier_copy_array(struct tact_arena *arena, const void *from, size_t count, size_t item_bytes)
{
	void *array = dossier_new_array(arena, count, item_bytes);

	if (count > 0)
		memcpy(array, from, count * item_bytes);
	return array;
}

void tact_dossier_init(struct tact_dossier *ret)
{
	*ret = (struct tact_dossier){
	    .address = "",
	    .profile = {.zone = "", .home_owner = "", .language = "", .own_limit = ""},
	};
}

#define COPY(arena, array, count) dossier_copy_array((arena), (array), (count), sizeof *(array))

void tact_dossier_copy(struct tact_arena *arena, const struct tact_dossier *from, struct tact_dossier *ret)
{
	struct tact_dossier copy = *from;

	copy.contacts = COPY(arena, from->contacts, from->contacts_count);
	copy.told = COPY(arena, from->told, from->told_count);
	copy.suppressions = COPY(arena, from->suppressions, from->suppressions_count);
	copy.consents = COPY(arena, from->consents, from->consents_count);
	copy.claims = COPY(arena, from->claims, from->claims_count);
	copy.profile.occasions = COPY(arena, from->profile.occasions, from->profile.occasions_count);
	*ret = copy;
}

struct tact_contact *tact_dossier_find_contact(struct tact_dossier *dossier, const struct tact_id *id)
{
	struct tact_contact *latest = NULL;

	if (tact_id_is_none(id))
		return NULL;
	for (size_t i = 0; i < dossier->contacts_count; i++)
		if (tact_id_equal(&dossier->contacts[i].id, id) &&
		    (latest == NULL || dossier->contacts[i].time_us >= latest->time_us))
			latest = &dossier->contacts[i];
	return latest;
}

const struct tact_contact *tact_dossier_own_contact(
    const struct tact_dossier *dossier, const struct tact_claim *claim)
{
	if (claim->contact_us == 0 || tact_id_is_none(&claim->contact_id))
		return NULL;
	for (size_t i = 0; i < dossier->contacts_count; i++)
		if (dossier->contacts[i].time_us == claim->contact_us &&
		    tact_id_equal(&dossier->contacts[i].id, &claim->contact_id))
			return &dossier->contacts[i];
	return NULL;
}

struct tact_claim *tact_dossier_find_claim(struct tact_dossier *dossier, const struct tact_id *id)
{
	if (tact_id_is_none(id))
		return NULL;
	for (size_t i = 0; i < dossier->claims_count; i++)
		if (tact_id_equal(&dossier->claims[i].id, id))
			return &dossier->claims[i];
	return NULL;
}

/* From the end: a message decided again after its claim was withdrawn has a newer one, and that is meant. */
struct tact_claim *tact_dossier_find_claim_of_contact(
    struct tact_dossier *dossier, const struct tact_id *contact_id)
{
	if (tact_id_is_none(contact_id))
		return NULL;
	for (size_t i = dossier->claims_count; i-- > 0;)
		if (tact_id_equal(&dossier->claims[i].contact_id, contact_id))
			return &dossier->claims[i];
	return NULL;
}

struct tact_suppression *tact_dossier_find_suppression(struct tact_dossier *dossier, const struct tact_id *id)
{
	if (tact_id_is_none(id))
		return NULL;
	for (size_t i = 0; i < dossier->suppressions_count; i++)
		if (tact_id_equal(&dossier->suppressions[i].id, id))
			return &dossier->suppressions[i];
	return NULL;
}

static struct tact_consent *find_consent(struct tact_dossier *dossier, const struct tact_id *id)
{
	if (tact_id_is_none(id))
		return NULL;
	for (size_t i = 0; i < dossier->consents_count; i++)
		if (tact_id_equal(&dossier->consents[i].id, id))
			return &dossier->consents[i];
	return NULL;
}

void tact_dossier_add_contact(
    struct tact_arena *arena, struct tact_dossier *dossier, const struct tact_contact *contact)
{
	struct tact_contact added = *contact; /* it may stand in the array that moves now */

	if (added.count == 0)
		added.count = 1;
	*TACT_PUSH(arena, dossier->contacts, dossier->contacts_count) = added;
}

void tact_dossier_add_suppression(
    struct tact_arena *arena, struct tact_dossier *dossier, const struct tact_suppression *suppression)
{
	*TACT_PUSH(arena, dossier->suppressions, dossier->suppressions_count) = *suppression;
}

void tact_dossier_add_consent(
    struct tact_arena *arena, struct tact_dossier *dossier, const struct tact_consent *consent)
{
	*TACT_PUSH(arena, dossier->consents, dossier->consents_count) = *consent;
}

static bool is_pending(const struct tact_claim *claim)
{
	return claim->state == TACT_CLAIM_WAITING || claim->state == TACT_CLAIM_REVIEW;
}

static size_t count_pending(const struct tact_dossier *dossier)
{
	size_t pending = 0;

	for (size_t i = 0; i < dossier->claims_count; i++)
		pending += is_pending(&dossier->claims[i]);
	return pending;
}

bool tact_dossier_add_claim(
    struct tact_arena *arena, struct tact_dossier *dossier, const struct tact_claim *claim)
{
	/* The others wait for nothing, and a refused one must be kept: its bounce is on the way. */
	if (is_pending(claim) && count_pending(dossier) >= TACT_DOSSIER_CLAIMS_MAX)
		return false;
	*TACT_PUSH(arena, dossier->claims, dossier->claims_count) = *claim;
	return true;
}

void tact_dossier_remove_contact(struct tact_dossier *dossier, const struct tact_id *id)
{
	struct tact_contact *contact = tact_dossier_find_contact(dossier, id);

	if (contact == NULL)
		return;
	dossier->contacts_count--;
	memmove(contact, contact + 1,
	    (size_t)(dossier->contacts + dossier->contacts_count - contact) * sizeof *contact);
}

/* ---- contacts that were told of ---- */

/* Half of the id: one person's contacts are few beside that. */
static uint64_t mark_of(const struct tact_id *id)
{
	uint64_t mark = 0;

	for (size_t i = 0; i < sizeof mark; i++)
		mark = mark << 8 | id->b[i];
	return mark;
}

static bool has_mark(const struct tact_dossier *dossier, uint64_t mark)
{
	for (size_t i = 0; i < dossier->told_count; i++)
		if (dossier->told[i].mark == mark)
			return true;
	return false;
}

bool tact_dossier_was_told(const struct tact_dossier *dossier, const struct tact_id *id)
{
	return !tact_id_is_none(id) && has_mark(dossier, mark_of(id));
}

void tact_dossier_note_told(
    struct tact_arena *arena, struct tact_dossier *dossier, const struct tact_contact *contact)
{
	if (tact_id_is_none(&contact->id) || tact_dossier_was_told(dossier, &contact->id))
		return;
	*TACT_PUSH(arena, dossier->told, dossier->told_count) =
	    (struct tact_told){.mark = mark_of(&contact->id), .day = (uint32_t)(contact->time_us / DAY_US)};
}

bool tact_dossier_merge_told(
    struct tact_arena *arena, struct tact_dossier *dossier, const struct tact_dossier *other)
{
	bool changed = false;

	for (size_t i = 0; i < other->told_count; i++) {
		if (has_mark(dossier, other->told[i].mark))
			continue;
		*TACT_PUSH(arena, dossier->told, dossier->told_count) = other->told[i];
		changed = true;
	}
	return changed;
}

/* ---- two as one ---- */

/* While one of the two was known, a contact with the other would have been seen as well. */
bool tact_dossier_merge_history(struct tact_dossier *dossier, const struct tact_dossier *other)
{
	int64_t since_us = other->history_since_us;

	if (since_us == 0 || (dossier->history_since_us != 0 && dossier->history_since_us <= since_us))
		return false;
	dossier->history_since_us = since_us;
	return true;
}

static void merge_claims(
    struct tact_arena *arena, struct tact_dossier *view, const struct tact_dossier *other)
{
	/* No maximum here: a view is asked, not stored, and a claim left out would give its place away. */
	for (size_t i = 0; i < other->claims_count; i++) {
		const struct tact_claim *claim = &other->claims[i];

		if (claim->state == TACT_CLAIM_WAITING && tact_dossier_find_claim(view, &claim->id) == NULL)
			*TACT_PUSH(arena, view->claims, view->claims_count) = *claim;
	}
}

static bool has_occasion(const struct tact_profile *profile, const char *name)
{
	for (size_t i = 0; i < profile->occasions_count; i++)
		if (tact_text_equal_nocase(profile->occasions[i].name, name))
			return true;
	return false;
}

static const char *first_given(const char *a, const char *b)
{
	return *a != '\0' ? a : b;
}

static void merge_profile(
    struct tact_arena *arena, struct tact_profile *view, const struct tact_profile *other)
{
	view->zone = first_given(view->zone, other->zone);
	view->home_owner = first_given(view->home_owner, other->home_owner);
	view->language = first_given(view->language, other->language);
	view->own_limit = first_given(view->own_limit, other->own_limit);
	for (size_t i = 0; i < other->occasions_count; i++)
		if (!has_occasion(view, other->occasions[i].name))
			*TACT_PUSH(arena, view->occasions, view->occasions_count) = other->occasions[i];
}

void tact_dossier_merge(struct tact_arena *arena, struct tact_dossier *view, const struct tact_dossier *other)
{
	struct tact_dossier before =
	    *view; /* several contacts of one id are several mails that looked the same */

	for (size_t i = 0; i < other->contacts_count; i++)
		if (tact_dossier_find_contact(&before, &other->contacts[i].id) == NULL)
			tact_dossier_add_contact(arena, view, &other->contacts[i]);
	(void)tact_dossier_merge_told(arena, view, other);
	for (size_t i = 0; i < other->suppressions_count; i++)
		if (tact_dossier_find_suppression(view, &other->suppressions[i].id) == NULL)
			tact_dossier_add_suppression(arena, view, &other->suppressions[i]);
	for (size_t i = 0; i < other->consents_count; i++)
		if (find_consent(view, &other->consents[i].id) == NULL)
			tact_dossier_add_consent(arena, view, &other->consents[i]);
	merge_claims(arena, view, other);
	tact_dossier_merge_history(view, other);
	merge_profile(arena, &view->profile, &other->profile);
	view->address = first_given(view->address, other->address);
	if (!view->has_person_key && other->has_person_key) {
		view->has_person_key = true;
		memcpy(view->person_key, other->person_key, sizeof view->person_key);
	}
}

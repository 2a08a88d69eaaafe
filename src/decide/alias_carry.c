/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What goes over from one name's record to another's: contacts, suppressions, claims, what was told of them
 * and the limit of their own. Nothing is read or written here. It can be repeated: what went over already is
 * known by its id, and of what was changed since only the change goes.
 */
#include <config.h>

#include <inttypes.h>

#include "aliasing.h"

/* What was folded lost its ids. Out of its record it goes under one made of what it says, the same each time:
 * so what two people were sent alike counts twice, and what comes back to where it came from, once. */
static struct tact_id row_id(
    struct tact_arena *arena, const struct tact_id *key, const struct tact_contact *row)
{
	const char *fields[] = {"folded", tact_id_format(arena, key),
	    tact_arena_printf(arena, "%" PRId64 " %" PRId64 " %d %d %d %d %d", row->time_us, row->span_us,
		(int)row->channel, (int)row->direction, (int)row->sentiment, (int)row->purpose, row->counts),
	    row->stream, row->owner, row->brand, row->campaign, row->offer, row->list};

	return tact_digest_id(fields, sizeof fields / sizeof *fields);
}

void alias_name_rows(struct tact_arena *arena, const struct tact_id *key, struct tact_dossier *dossier)
{
	for (size_t i = 0; i < dossier->contacts_count; i++)
		if (tact_id_is_none(&dossier->contacts[i].id))
			dossier->contacts[i].id = row_id(arena, key, &dossier->contacts[i]);
}

static const struct tact_contact *find_carried(
    const struct tact_dossier *in, const struct tact_contact *contact)
{
	for (size_t i = 0; i < in->contacts_count; i++) {
		const struct tact_contact *one = &in->contacts[i];

		if (tact_id_equal(&one->id, &contact->id) && one->time_us == contact->time_us &&
		    one->span_us == contact->span_us)
			return one;
	}
	return NULL;
}

static bool went_before(const struct source *source, const struct tact_contact *contact)
{
	const struct tact_contact *earlier = source->again ? find_carried(&source->earlier, contact) : NULL;

	return earlier != NULL && earlier->count >= contact->count;
}

/* What has an id is known by it when a process died half-way and all of this is done again. */
static bool carry_contacts(
    const struct aliasing *aliasing, const struct source *source, struct tact_dossier *dossier)
{
	struct tact_dossier before;
	bool changed = false;

	tact_dossier_copy(aliasing->arena, dossier, &before);
	alias_name_rows(aliasing->arena, &aliasing->into, &before);
	for (size_t i = 0; i < source->dossier.contacts_count; i++) {
		const struct tact_contact *contact = &source->dossier.contacts[i];
		const struct tact_contact *known = find_carried(&before, contact);

		if (went_before(source, contact) || (known != NULL && known->count >= contact->count))
			continue;
		if (known != NULL)
			dossier->contacts[known - before.contacts].count = contact->count;
		else
			tact_dossier_add_contact(aliasing->arena, dossier, contact);
		changed = true;
	}
	return changed;
}

/* As it was when it went over; NULL: it did not yet. */
static const struct tact_suppression *find_earlier(const struct source *source, const struct tact_id *id)
{
	struct tact_dossier earlier = source->earlier;

	return source->again ? tact_dossier_find_suppression(&earlier, id) : NULL;
}

static bool holds_in(struct tact_dossier dossier, const struct tact_id *id)
{
	const struct tact_suppression *known = tact_dossier_find_suppression(&dossier, id);

	return known != NULL && known->ended_us == 0;
}

/* Does it hold also without those who go on? */
static bool holds_by_itself(const struct aliasing *aliasing, const struct tact_id *id)
{
	bool holds = holds_in(aliasing->found, id);

	for (size_t i = 0; i < aliasing->sources_count; i++)
		holds |= !aliasing->sources[i].stays && holds_in(aliasing->sources[i].dossier, id);
	return holds;
}

/* The longer of the two ends. */
static bool carry_until(const struct tact_suppression *wish, struct tact_suppression *known)
{
	if (known->until_us == 0 || (wish->until_us != 0 && wish->until_us <= known->until_us))
		return false;
	known->until_us = wish->until_us;
	return true;
}

/* Nobody is permitted more for standing under two names: what holds on one side holds for both. Once it went
 * over only what is new goes: it may have been ended there, or ended here by one who still found it here. Of
 * somebody who goes on that ends but what came from him. */
static bool carry_wish(const struct aliasing *aliasing, const struct source *source,
    const struct tact_suppression *wish, struct tact_dossier *dossier)
{
	const struct tact_suppression *was = find_earlier(source, &wish->id);
	struct tact_suppression *known = tact_dossier_find_suppression(dossier, &wish->id);

	if (was != NULL && was->ended_us == wish->ended_us && was->until_us == wish->until_us)
		return false;
	if (known == NULL) {
		tact_dossier_add_suppression(aliasing->arena, dossier, wish);
		return true;
	}
	if (wish->ended_us == 0 && known->ended_us == 0)
		return carry_until(wish, known);
	if (wish->ended_us != 0 &&
	    (known->ended_us != 0 || was == NULL || (source->stays && holds_by_itself(aliasing, &wish->id))))
		return false;
	*known = *wish;
	return true;
}

static bool carry_suppressions(
    const struct aliasing *aliasing, const struct source *source, struct tact_dossier *dossier)
{
	bool changed = false;

	for (size_t i = 0; i < source->dossier.suppressions_count; i++)
		changed |= carry_wish(aliasing, source, &source->dossier.suppressions[i], dossier);
	return changed;
}

/* Of two that were one, the one that got further tells what became of the mail. */
static int progress_of(const struct tact_claim *claim)
{
	static const int progress[TACT_CLAIM_STATES] = {[TACT_CLAIM_WITHDRAWN] = 1,
	    [TACT_CLAIM_REFUSED] = 2,
	    [TACT_CLAIM_PASSING] = 3,
	    [TACT_CLAIM_PASSED] = 4,
	    [TACT_CLAIM_BOUNCED] = 4};

	return progress[claim->state];
}

/* It was moved while its alias was made: by one who still found it where it was. */
static bool moved_on(const struct source *source, const struct tact_claim *claim)
{
	struct tact_dossier earlier = source->earlier;
	const struct tact_claim *was =
	    source->again && !source->stays ? tact_dossier_find_claim(&earlier, &claim->id) : NULL;

	return was != NULL && was->state != claim->state;
}

static bool has_planned(const struct tact_dossier *dossier, const struct tact_claim *claim)
{
	for (size_t i = 0; i < dossier->claims_count; i++) {
		const struct tact_claim *one = &dossier->claims[i];

		if (one->planned && one->state == TACT_CLAIM_WAITING &&
		    tact_text_equal_nocase(one->facts.campaign, claim->facts.campaign) &&
		    tact_text_equal_nocase(one->facts.owner, claim->facts.owner))
			return true;
	}
	return false;
}

/* No maximum here: one left out would be a mail that nobody finds, or a place given away. */
static bool carry_claim(struct tact_arena *arena, const struct aliasing *aliasing,
    const struct source *source, struct tact_claim claim, struct tact_dossier *dossier)
{
	struct tact_claim *known;
	bool waits = claim.state == TACT_CLAIM_WAITING || claim.state == TACT_CLAIM_PASSING;

	/* By the id that planning it again would give it. */
	if (claim.planned && claim.state == TACT_CLAIM_WAITING) {
		claim.id = tact_dossier_planned_id(claim.facts.campaign, &aliasing->into);
		if (source->stays || has_planned(dossier, &claim))
			return false;
	} else if (source->stays && waits) {
		/* Whose it is nobody knows. It holds one place only; come, it is decided again. */
		claim.state = TACT_CLAIM_WITHDRAWN;
		claim.done_us = aliasing->terms->now_us;
	}
	known = tact_dossier_find_claim(dossier, &claim.id);
	if (known == NULL)
		*TACT_PUSH(arena, dossier->claims, dossier->claims_count) = claim;
	else if (progress_of(known) < progress_of(&claim) ||
		 (progress_of(known) == progress_of(&claim) && moved_on(source, &claim)))
		*known = claim;
	else
		return false;
	return true;
}

/* Who has one keeps it, unless it came from here and is another one now, or none. */
static bool carry_own_limit(const struct source *source, bool left, struct tact_dossier *dossier)
{
	const char *from = source->dossier.profile.own_limit, **into = &dossier->profile.own_limit;
	const char *was = source->again ? source->earlier.profile.own_limit : "";

	if (left || tact_text_equal(from, was) || tact_text_equal(from, *into) ||
	    !tact_text_equal(*into, was))
		return false;
	*into = from;
	return true;
}

bool alias_carry(struct aliasing *aliasing, const struct source *source, struct tact_dossier *dossier)
{
	struct tact_arena *arena = aliasing->arena;
	const struct tact_dossier *from = &source->dossier;
	/* Left before, it has only what stayed behind as it was then. */
	bool left = !source->stays && tact_id_equal(&from->stands_for, &aliasing->into);
	bool changed = carry_contacts(aliasing, source, dossier);

	/* So that it is known when it is told of again, by either name. What both had been told of counts for
	 * both, like mail that was folded: the strict side. */
	changed |= tact_dossier_merge_told(arena, dossier, from);
	changed |= tact_dossier_merge_history(dossier, from);
	if (!left)
		changed |= carry_suppressions(aliasing, source, dossier);
	for (size_t i = 0; i < from->claims_count; i++)
		changed |= carry_claim(arena, aliasing, source, from->claims[i], dossier);
	changed |= carry_own_limit(source, left, dossier);
	return changed;
}

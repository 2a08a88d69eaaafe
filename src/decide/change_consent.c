/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Consents: what is given and ended does to a dossier. Pure. The newest event of a scope is what counts, so a
 * renewed consent takes the place of the one it renews; what was before stands in the evidence.
 */
#include <config.h>

#include "change.h"

/* What a person gives and what a file says are never one: only the former lifts a suppression. */
static struct tact_consent *find_same(struct tact_dossier *dossier, const struct tact_consent *consent)
{
	for (size_t i = 0; i < dossier->consents_count; i++) {
		struct tact_consent *known = &dossier->consents[i];

		if (known->ended_us == 0 && known->basis == consent->basis &&
		    known->imported == consent->imported && same_scope(&known->scope, &consent->scope))
			return known;
	}
	return NULL;
}

/* Taken back no earlier than it was given; and what was taken back no file gives again. */
static bool was_ended(const struct tact_dossier *view, const struct tact_consent *consent)
{
	for (size_t i = 0; i < view->consents_count; i++) {
		const struct tact_consent *known = &view->consents[i];

		if (known->ended_us != 0 && same_scope(&known->scope, &consent->scope) &&
		    (consent->imported || known->ended_us >= consent->time_us))
			return true;
	}
	return false;
}

/* Does B say no more than A? */
static bool says_the_same(const struct tact_consent *a, const struct tact_consent *b)
{
	return a->until_us == b->until_us && tact_text_equal(a->source, b->source) &&
	       (*b->proof == '\0' || tact_text_equal(a->proof, b->proof));
}

static bool is_news(const struct tact_consent *known, const struct tact_consent *consent)
{
	if (consent->time_us != known->time_us)
		return consent->time_us > known->time_us;
	return !consent->imported && !says_the_same(known, consent);
}

bool change_consent(struct tact_arena *arena, const struct tact_dossier *view, struct tact_dossier *dossier,
    const struct tact_consent *consent)
{
	struct tact_consent *known = find_same(dossier, consent), fresh = *consent;

	if (was_ended(view, consent) || (known != NULL && !is_news(known, consent)))
		return false;
	if (known != NULL && fresh.time_us == known->time_us && *fresh.proof == '\0')
		fresh.proof = known->proof; /* said again, in fewer words */
	if (tact_id_is_none(&fresh.id))
		fresh.id = tact_id_random();
	if (known != NULL)
		*known = fresh;
	else
		tact_dossier_add_consent(arena, dossier, &fresh);
	return true;
}

bool change_end_consent(struct tact_dossier *dossier, const struct tact_change *change, int64_t now_us)
{
	bool changed = false;

	for (size_t i = 0; i < dossier->consents_count; i++) {
		struct tact_consent *known = &dossier->consents[i];

		if (known->ended_us != 0 || !same_scope(&known->scope, &change->consent.scope))
			continue;
		known->ended_us = now_us;
		known->ended_by = change->by != NULL ? change->by : "";
		known->ended_why = change->why != NULL ? change->why : "";
		changed = true;
	}
	return changed;
}

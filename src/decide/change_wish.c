/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Suppressions and contacts as people and imports bring them: what they do to a dossier. Pure.
 */
#include <config.h>

#include "change.h"

bool same_scope(const struct tact_scope *a, const struct tact_scope *b)
{
	return a->kind == b->kind && tact_text_equal_nocase(a->value, b->value);
}

static bool is_active(const struct tact_suppression *suppression, int64_t now_us)
{
	return suppression->ended_us == 0 && (suppression->until_us == 0 || suppression->until_us > now_us);
}

/* Did the person permit mail after the one wish, and has thought better of it with the other? The earlier one
 * may be lifted, so it cannot stand for the later. */
static bool is_parted(const struct tact_dossier *view, int64_t earlier_us, int64_t later_us)
{
	for (size_t i = 0; i < view->consents_count; i++) {
		const struct tact_consent *consent = &view->consents[i];

		if (consent->basis == TACT_EXPRESS && !consent->imported && consent->time_us > earlier_us &&
		    consent->time_us <= later_us)
			return true;
	}
	return false;
}

/* The same wish again: what is already known and at least as strict. */
static struct tact_suppression *find_same(const struct tact_dossier *view, struct tact_dossier *dossier,
    const struct tact_suppression *wish, int64_t now_us)
{
	for (size_t i = 0; i < dossier->suppressions_count; i++) {
		struct tact_suppression *known = &dossier->suppressions[i];

		if (is_active(known, now_us) && known->reason == wish->reason &&
		    known->purposes == wish->purposes && same_scope(&known->scope, &wish->scope) &&
		    !is_parted(view, known->time_us, wish->time_us))
			return known;
	}
	return NULL;
}

/* What is wished now comes after whatever stands there, also what a clock ahead has written: at the same time
 * the wish holds. */
static int64_t wished_us(const struct tact_dossier *view, const struct tact_suppression *wish, int64_t now_us)
{
	int64_t time_us = wish->time_us;

	for (size_t i = 0; wish->time_us >= now_us && i < view->consents_count; i++)
		if (view->consents[i].time_us > time_us)
			time_us = view->consents[i].time_us;
	return time_us;
}

bool change_suppress(struct tact_arena *arena, const struct tact_dossier *view, struct tact_dossier *dossier,
    const struct tact_suppression *wish, int64_t now_us)
{
	struct tact_suppression fresh = *wish, *known;

	fresh.time_us = wished_us(view, wish, now_us);
	known = find_same(view, dossier, &fresh, now_us);
	if (known == NULL) {
		if (tact_id_is_none(&fresh.id))
			fresh.id = tact_id_random();
		tact_dossier_add_suppression(arena, dossier, &fresh);
		return true;
	}
	/* The longer of the two ends; the earlier beginning stays. */
	if (known->until_us == 0 || (wish->until_us != 0 && wish->until_us <= known->until_us))
		return false;
	known->until_us = wish->until_us;
	return true;
}

static bool is_meant(const struct tact_suppression *known, const struct tact_suppression *which)
{
	return tact_id_is_none(&which->id) ? same_scope(&known->scope, &which->scope)
					   : tact_id_equal(&known->id, &which->id);
}

bool change_unsuppress(struct tact_dossier *dossier, const struct tact_change *change, int64_t now_us)
{
	bool changed = false;

	for (size_t i = 0; i < dossier->suppressions_count; i++) {
		struct tact_suppression *known = &dossier->suppressions[i];

		if (!is_meant(known, &change->suppression) || !is_active(known, now_us))
			continue;
		known->ended_us = now_us;
		known->ended_by = change->by != NULL ? change->by : "";
		known->ended_why = change->why != NULL ? change->why : "";
		changed = true;
	}
	return changed;
}

static bool same_ending(const struct tact_change *change, int64_t ended_us, const char *by, const char *why)
{
	return ended_us != 0 && tact_text_equal(by, change->by != NULL ? change->by : "") &&
	       tact_text_equal(why, change->why != NULL ? change->why : "");
}

bool change_consent_was_ended(const struct tact_dossier *dossier, const struct tact_change *change)
{
	for (size_t i = 0; i < dossier->consents_count; i++) {
		const struct tact_consent *known = &dossier->consents[i];

		if (same_scope(&known->scope, &change->consent.scope) &&
		    same_ending(change, known->ended_us, known->ended_by, known->ended_why))
			return true;
	}
	return false;
}

bool change_was_unsuppressed(const struct tact_dossier *dossier, const struct tact_change *change)
{
	for (size_t i = 0; i < dossier->suppressions_count; i++) {
		const struct tact_suppression *known = &dossier->suppressions[i];

		if (is_meant(known, &change->suppression) &&
		    same_ending(change, known->ended_us, known->ended_by, known->ended_why))
			return true;
	}
	return false;
}

bool change_contact(struct tact_arena *arena, const struct tact_dossier *view, struct tact_dossier *dossier,
    const struct tact_contact *contact)
{
	struct tact_contact fresh = *contact;
	struct tact_dossier known = *view; /* told of under another of the names, it is told of */

	if (tact_dossier_find_contact(&known, &fresh.id) != NULL || tact_dossier_was_told(&known, &fresh.id))
		return false;
	tact_dossier_note_told(arena, dossier, &fresh);
	if (tact_id_is_none(&fresh.id))
		fresh.id = tact_id_random();
	tact_dossier_add_contact(arena, dossier, &fresh);
	return true;
}

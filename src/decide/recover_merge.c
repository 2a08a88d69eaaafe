/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the evidence tells of a person's wishes, into a dossier that may have forgotten some. Pure, and such
 * that repetition does not matter: what is ended stays ended, the newest consent of its kind counts, and
 * nothing that only the dossier knows is touched.
 */
#include <config.h>

#include <string.h>

#include "change.h"
#include "recover.h"

/* ---- suppressions ---- */

static bool lengthen(int64_t *until_us, int64_t other_us)
{
	if (*until_us == 0 || (other_us != 0 && other_us <= *until_us))
		return false;
	*until_us = other_us;
	return true;
}

static bool end_suppression(struct tact_suppression *known, const struct tact_suppression *told)
{
	if (known->ended_us != 0 || told->ended_us == 0)
		return false;
	known->ended_us = told->ended_us;
	known->ended_by = told->ended_by;
	known->ended_why = told->ended_why;
	return true;
}

/* Ended for so long that the dossier may have let go of it. */
static bool is_bygone(const struct recover_terms *terms, const struct tact_suppression *told)
{
	return !terms->gathering && told->ended_us != 0 &&
	       told->ended_us + terms->history_s * 1000000 <= terms->now_us;
}

static void merge_suppression(struct tact_arena *arena, const struct recover_terms *terms,
    const struct tact_suppression *told, struct tact_dossier *dossier, struct tact_recovered *sum)
{
	struct tact_suppression *known = tact_dossier_find_suppression(dossier, &told->id);

	if (known == NULL && !is_bygone(terms, told)) {
		tact_dossier_add_suppression(arena, dossier, told);
		sum->suppressions++;
	} else if (known != NULL && !terms->gathering) {
		sum->suppressions += lengthen(&known->until_us, told->until_us);
		sum->ended += end_suppression(known, told);
	}
}

/* ---- consents ---- */

static struct tact_consent *find_consent(struct tact_dossier *dossier, const struct tact_consent *told)
{
	for (size_t i = 0; i < dossier->consents_count; i++)
		if (tact_id_equal(&dossier->consents[i].id, &told->id))
			return &dossier->consents[i];
	return NULL;
}

static bool is_renewal(const struct tact_consent *a, const struct tact_consent *b)
{
	return a->ended_us == 0 && a->basis == b->basis && a->imported == b->imported &&
	       same_scope(&a->scope, &b->scope);
}

/* The one whose place it takes, or which has taken its own. */
static struct tact_consent *find_renewed(struct tact_dossier *dossier, const struct tact_consent *told)
{
	for (size_t i = 0; i < dossier->consents_count; i++)
		if (is_renewal(&dossier->consents[i], told))
			return &dossier->consents[i];
	return NULL;
}

/* An end is of all that had been given for the scope by then. */
static size_t end_consents(struct tact_dossier *dossier, const struct tact_consent *told)
{
	size_t ended = 0;

	for (size_t i = 0; i < dossier->consents_count; i++) {
		struct tact_consent *known = &dossier->consents[i];

		if (known->ended_us != 0 || !same_scope(&known->scope, &told->scope) ||
		    known->time_us > told->ended_us)
			continue;
		known->ended_us = told->ended_us;
		known->ended_by = told->ended_by;
		known->ended_why = told->ended_why;
		ended++;
	}
	return ended;
}

static bool was_ended_since(const struct tact_dossier *dossier, const struct tact_consent *told)
{
	for (size_t i = 0; i < dossier->consents_count; i++)
		if (dossier->consents[i].ended_us >= told->time_us && dossier->consents[i].ended_us != 0 &&
		    same_scope(&dossier->consents[i].scope, &told->scope))
			return true;
	return false;
}

static void merge_given(struct tact_arena *arena, const struct tact_consent *told,
    struct tact_dossier *dossier, struct tact_recovered *sum)
{
	struct tact_consent *known = find_renewed(dossier, told);

	if (find_consent(dossier, told) != NULL || was_ended_since(dossier, told) ||
	    (known != NULL && known->time_us >= told->time_us))
		return;
	if (known != NULL)
		*known = *told;
	else
		tact_dossier_add_consent(arena, dossier, told);
	sum->consents++;
}

static void merge_ended(struct tact_arena *arena, const struct recover_terms *terms,
    const struct tact_consent *told, struct tact_dossier *dossier, struct tact_recovered *sum)
{
	size_t ended = terms->gathering ? 0 : end_consents(dossier, told);

	if (terms->gathering && find_consent(dossier, told) != NULL)
		return;

	sum->ended += ended;
	/* An import must find that it was. */
	if (ended == 0 && !was_ended_since(dossier, told)) {
		tact_dossier_add_consent(arena, dossier, told);
		sum->ended++;
	}
}

/* ---- the profile ---- */

static bool same_occasions(const struct tact_profile *a, const struct tact_profile *b)
{
	for (size_t i = 0; i < a->occasions_count; i++) {
		const struct tact_occasion *one = &a->occasions[i], *other = &b->occasions[i];

		if (!tact_text_equal(one->name, other->name) || one->year != other->year ||
		    one->month != other->month || one->day != other->day)
			return false;
	}
	return true;
}

static bool same_profile(const struct tact_profile *a, const struct tact_profile *b)
{
	return tact_text_equal(a->zone, b->zone) && tact_text_equal(a->home_owner, b->home_owner) &&
	       tact_text_equal(a->language, b->language) && tact_text_equal(a->own_limit, b->own_limit) &&
	       a->occasions_count == b->occasions_count && same_occasions(a, b);
}

/* ---- the whole ---- */

bool recover_merge(struct tact_arena *arena, const struct recover_terms *terms,
    const struct tact_dossier *told, bool with_profile, struct tact_dossier *dossier,
    struct tact_recovered *sum)
{
	struct tact_recovered before = *sum;

	for (size_t i = 0; i < told->suppressions_count; i++)
		merge_suppression(arena, terms, &told->suppressions[i], dossier, sum);
	for (size_t i = 0; i < told->consents_count; i++)
		if (told->consents[i].ended_us != 0)
			merge_ended(arena, terms, &told->consents[i], dossier, sum);
	for (size_t i = 0; i < told->consents_count; i++)
		if (told->consents[i].ended_us == 0)
			merge_given(arena, &told->consents[i], dossier, sum);
	if (with_profile && !same_profile(&dossier->profile, &told->profile)) {
		dossier->profile = told->profile;
		sum->profiles++;
	}
	return memcmp(&before, sum, sizeof before) != 0;
}

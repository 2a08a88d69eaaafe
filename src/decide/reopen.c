/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Taking an answer back: the client was told 451 after all, so what was written must be found again however
 * late the retry comes.
 */
#include <config.h>

#include "private.h"

/* ---- taking an answer back ---- */

struct reopening {
	struct tact_arena *arena;
	struct record_terms terms;
	const struct tact_ruling **rulings;
	const struct tact_message *message;
	struct whom *people;
};

/* It waits at the client, and not in Postfix. */
static bool leaves_its_ring(const struct tact_ruling *ruling)
{
	return ruling->fate == TACT_FATE_GATE && ruling->tempfail && ruling->ring[0] != '\0';
}

/* It wrote no contact. One that an earlier attempt left, which was told 250, was only taken along. */
static bool holds_back(const struct tact_ruling *ruling)
{
	return ruling->fate == TACT_FATE_GATE || ruling->fate == TACT_FATE_REVIEW ||
	       ruling->fate == TACT_FATE_REFUSE;
}

static bool reopen_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct reopening *reopening = context;
	const struct tact_ruling *ruling = reopening->rulings[index];
	struct tact_dossier dossier;
	bool changed = false;

	(void)store_now_us;
	if (tact_dossier_decode(reopening->arena, now->bytes, now->size, &dossier, NULL) != TACT_OK)
		return false;
	struct tact_claim *claim =
	    tact_id_is_none(&ruling->claim) ? NULL : tact_dossier_find_claim(&dossier, &ruling->claim);
	const struct tact_contact *taken = claim == NULL ? NULL : tact_dossier_own_contact(&dossier, claim);
	for (size_t i = 0; !holds_back(ruling) && i < dossier.contacts_count; i++) {
		struct tact_contact *contact = &dossier.contacts[i];

		if (contact->time_us == reopening->terms.now_us && !contact->open && contact != taken &&
		    !tact_id_is_none(&contact->id))
			changed = contact->open = true;
	}
	if (claim != NULL && !claim->open) {
		changed = claim->open = true;
		if (leaves_its_ring(ruling)) {
			claim->tempfail = true;
			claim->ring = "";
		}
	}
	if (changed)
		record_finish(reopening->arena, &reopening->terms, &reopening->people[index], &dossier, ret);
	return changed;
}

/* Of mail that came in, the record is not the recipient's. */
static struct whom whose(const struct tact_ruling *ruling)
{
	return ruling->match.stream->direction == TACT_OUT ? (struct whom){.recipient = ruling->recipient}
							   : (struct whom){.key = ruling->written};
}

void tact_decide_reopen(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_ruling *rulings, size_t count, int64_t now_us, int64_t deadline_ms)
{
	struct reopening reopening = {.arena = arena,
	    .terms = {.rules = tact_decider_take_rules(decider),
		.campaigns = campaigns_take(decider, deadline_ms, NULL),
		.host = decider->parts.host,
		.now_us = now_us}};
	struct tact_store_key *keys = NULL;
	size_t n = 0, people = 0, listed = 0;

	for (size_t i = 0; i < count; i++) {
		const struct tact_ruling *ruling = &rulings[i];

		if (ruling->first != i || tact_id_is_none(&ruling->written) ||
		    (ruling->fate == TACT_FATE_GATE && ruling->tempfail && ruling->ring[0] == '\0'))
			continue;
		*TACT_PUSH(arena, keys, n) =
		    (struct tact_store_key){.kind = TACT_STORE_DOSSIER, .id = ruling->written};
		*TACT_PUSH(arena, reopening.rulings, listed) = ruling;
		*TACT_PUSH(arena, reopening.people, people) = whose(ruling);
	}
	if (n > 0) {
		struct tact_store_answer *answers = tact_arena_alloc(arena, n * sizeof *answers);
		(void)tact_store_update(
		    decider->parts.store, keys, n, reopen_one, &reopening, answers, deadline_ms);
		for (size_t i = 0; i < n; i++)
			if (answers[i].result == TACT_OK && leaves_its_ring(reopening.rulings[i]))
				tact_ledger_add(decider->parts.ledger, reopening.rulings[i]->facts.stream,
				    ring_slot(reopening.rulings[i]->ring), -1);
	}
	tact_decider_put_campaigns(decider, reopening.terms.campaigns);
	tact_decider_put_rules(decider, reopening.terms.rules);
}

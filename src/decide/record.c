/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A dossier on its way into the store: what every written record gets, whoever wrote it.
 */
#include <config.h>

#include "private.h"

/* Stands in this or another relay's Postfix under a ring of its own. One that is passing does, until the next
 * hop's 250 is written down: a kill in between must not leave it to Postfix's own patience. */
static bool on_a_ring(const struct tact_claim *claim)
{
	return (claim->state == TACT_CLAIM_WAITING || claim->state == TACT_CLAIM_PASSING) &&
	       claim->ring[0] != '\0';
}

int64_t record_wake_us(
    struct tact_arena *arena, const struct record_terms *terms, const struct tact_dossier *dossier)
{
	int64_t *places, wake = 0;
	size_t rung = 0;

	for (size_t i = 0; i < dossier->claims_count; i++)
		rung += on_a_ring(&dossier->claims[i]);
	if (rung == 0)
		return 0;
	places = tact_arena_alloc(arena, dossier->claims_count * sizeof *places);
	tact_policy_places(arena, terms->rules, NULL, dossier, terms->now_us, places);
	for (size_t i = 0; i < dossier->claims_count; i++) {
		if (!on_a_ring(&dossier->claims[i]))
			continue;
		/* Without a place, lapsed or passing: to be looked at now, so that it is refused or let go in
		 * time.
		 */
		int64_t at = places[i] == INT64_MAX || places[i] == 0 ? terms->now_us : places[i];
		if (wake == 0 || at < wake)
			wake = at;
	}
	return wake;
}

static bool waits_at_client(const struct tact_claim *claim)
{
	return claim->state == TACT_CLAIM_WAITING && claim->ring[0] == '\0';
}

void record_withdraw_lapsed(
    struct tact_arena *arena, const struct record_terms *terms, struct tact_dossier *dossier)
{
	int64_t *places;
	size_t waiting = 0;

	for (size_t i = 0; i < dossier->claims_count; i++)
		waiting += waits_at_client(&dossier->claims[i]);
	if (waiting == 0)
		return;
	places = tact_arena_alloc(arena, dossier->claims_count * sizeof *places);
	tact_policy_places(arena, terms->rules, NULL, dossier, terms->now_us, places);
	for (size_t i = 0; i < dossier->claims_count; i++) {
		struct tact_claim *claim = &dossier->claims[i];

		if (!waits_at_client(claim) || places[i] != 0)
			continue;
		claim->state = TACT_CLAIM_WITHDRAWN;
		claim->done_us = terms->now_us;
	}
}

void record_finish(struct tact_arena *arena, const struct record_terms *terms, const struct whom *whom,
    struct tact_dossier *dossier, struct tact_store_put *ret)
{
	if (!dossier->has_person_key) {
		tact_random_bytes(dossier->person_key, sizeof dossier->person_key);
		dossier->has_person_key = true;
	}
	if (dossier->history_since_us == 0)
		dossier->history_since_us = terms->now_us;
	if (terms->rules->keep_addresses && dossier->address[0] == '\0' && whom != NULL &&
	    whom->recipient.address.canonical != NULL)
		dossier->address = whom->recipient.address.canonical;
	tact_dossier_tidy(arena, dossier, terms->now_us, terms->rules->history_s);
	tact_dossier_encode(arena, dossier, &ret->bytes, &ret->size);
	ret->wake_us = record_wake_us(arena, terms, dossier);
}

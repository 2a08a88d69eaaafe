/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A dossier on its way into the store: what every written record gets, whoever wrote it.
 */
#include <config.h>

#include <limits.h>

#include "private.h"

/* Stands in this or another relay's Postfix under a ring of its own. One that is passing does, until the next
 * hop's 250 is written down: a kill in between must not leave it to Postfix's own patience. */
static bool on_a_ring(const struct tact_claim *claim)
{
	return (claim->state == TACT_CLAIM_WAITING || claim->state == TACT_CLAIM_PASSING) &&
	       claim->ring[0] != '\0';
}

static int64_t wake_within(struct tact_arena *arena, const struct record_terms *terms,
    const struct tact_dossier *dossier, size_t claims_count)
{
	int64_t *places, wake = 0;
	size_t rung = 0;

	for (size_t i = 0; i < claims_count; i++)
		rung += on_a_ring(&dossier->claims[i]);
	if (rung == 0)
		return 0;
	places = tact_arena_alloc(arena, dossier->claims_count * sizeof *places);
	tact_policy_places(arena, terms->rules, terms->campaigns, dossier, terms->now_us, places);
	for (size_t i = 0; i < claims_count; i++) {
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

int64_t record_wake_us(
    struct tact_arena *arena, const struct record_terms *terms, const struct tact_dossier *dossier)
{
	return wake_within(arena, terms, dossier, dossier->claims_count);
}

static bool waits_at_client(const struct tact_claim *claim)
{
	return claim->state == TACT_CLAIM_WAITING && claim->ring[0] == '\0' && !claim->planned;
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
	tact_policy_places(arena, terms->rules, terms->campaigns, dossier, terms->now_us, places);
	for (size_t i = 0; i < dossier->claims_count; i++) {
		struct tact_claim *claim = &dossier->claims[i];

		if (!waits_at_client(claim) || places[i] != 0)
			continue;
		claim->state = TACT_CLAIM_WITHDRAWN;
		claim->done_us = terms->now_us;
	}
}

/* ---- bumps ---- */

void record_note_places(struct tact_arena *arena, const struct record_terms *terms,
    const struct tact_dossier *dossier, struct record_places *ret)
{
	size_t waiting = 0;

	*ret = (struct record_places){.count = 0};
	for (size_t i = 0; i < dossier->claims_count; i++)
		waiting += dossier->claims[i].state == TACT_CLAIM_WAITING;
	if (waiting == 0)
		return;
	ret->count = dossier->claims_count;
	ret->places = tact_arena_alloc(arena, ret->count * sizeof *ret->places);
	ret->claims = tact_arena_alloc(arena, ret->count * sizeof *ret->claims);
	tact_policy_places(arena, terms->rules, terms->campaigns, dossier, terms->now_us, ret->places);
	for (size_t i = 0; i < ret->count; i++)
		ret->claims[i] = dossier->claims[i].id;
}

static int64_t place_before(const struct record_places *before, const struct tact_id *claim)
{
	for (size_t i = 0; i < before->count; i++)
		if (tact_id_equal(&before->claims[i], claim))
			return before->places[i];
	return 0;
}

static int firm_after(const struct tact_rule_set *rules, const struct tact_claim *claim)
{
	const struct tact_stream *stream = tact_facts_find_stream(&rules->streams, claim->facts.stream);

	return stream != NULL ? stream->firm_after : 0;
}

/* It keeps the place it has now; where it was left without any, the one it had. */
static void bump(const struct tact_rule_set *rules, int64_t was_us, int64_t is_us, struct tact_claim *claim)
{
	int most = firm_after(rules, claim);

	claim->bumps++;
	if (most == 0 || claim->bumps < most)
		return;
	claim->firm = true;
	claim->firm_us = is_us == INT64_MAX ? was_us : is_us;
}

void record_count_bumps(struct tact_arena *arena, const struct record_terms *terms,
    const struct record_places *before, int priority, struct tact_dossier *dossier)
{
	int64_t *places;

	if (before->count == 0)
		return;
	places = tact_arena_alloc(arena, dossier->claims_count * sizeof *places);
	tact_policy_places(arena, terms->rules, terms->campaigns, dossier, terms->now_us, places);
	for (size_t i = 0; i < dossier->claims_count; i++) {
		struct tact_claim *claim = &dossier->claims[i];
		int64_t was_us = place_before(before, &claim->id);

		if (claim->state == TACT_CLAIM_WAITING && !claim->firm && claim->bumps < INT_MAX &&
		    claim->priority < priority && was_us != 0 && was_us != INT64_MAX && places[i] > was_us)
			bump(terms->rules, was_us, places[i], claim);
	}
}

static bool is_over(const struct tact_campaign_view *view)
{
	return view != NULL &&
	       (view->record.state == TACT_CAMPAIGN_CANCELLED || view->record.state == TACT_CAMPAIGN_DONE);
}

bool record_withdraw_given_up(const struct record_terms *terms, struct tact_dossier *dossier)
{
	bool changed = false;

	for (size_t i = 0; i < dossier->claims_count; i++) {
		struct tact_claim *claim = &dossier->claims[i];
		const struct tact_campaign_view *view;

		if (!claim->planned || claim->state != TACT_CLAIM_WAITING)
			continue;
		view = tact_policy_find_campaign(terms->campaigns, claim->facts.campaign);
		if (!is_over(view))
			continue;
		/* Not taken away: who waited behind it has his hour from then. */
		claim->state = TACT_CLAIM_WITHDRAWN;
		claim->done_us = view->record.changed_us;
		changed = true;
	}
	return changed;
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
	(void)record_withdraw_given_up(terms, dossier);
	tact_dossier_tidy(arena, dossier, terms->now_us, terms->rules->history_s);
	tact_dossier_encode(arena, dossier, &ret->bytes, &ret->size);
	/* The person's own claims stand first in the view, and are the ones that wake this record. */
	ret->wake_us = wake_within(
	    arena, terms, whom != NULL ? whom_view(arena, whom, dossier) : dossier, dossier->claims_count);
}

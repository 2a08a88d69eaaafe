/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Planning: the campaign's record, then a claim for each of its people, in chunks that leave the store to
 * mail. The claim's id is made of campaign and person, so that a plan that is made again is the same plan.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "campaigns.h"

#define AHEAD 512 /* people whose aliases are followed at a time */

/* One of the chunk, and what became of the claim. */
struct planned_one {
	struct tact_id key;
	enum planned_as { AS_KNOWN, AS_CLAIMED, AS_FULL, AS_UNREADABLE, AS_MOVED } as;
};

struct plan {
	struct tact_decider *decider;
	const struct tact_campaign *campaign;
	const struct tact_facts *facts;
	struct record_terms terms;
	tact_plan_next_fn next;
	void (*progress)(void *context, const struct tact_planned *planned);
	void *context;
	struct tact_arena *arena;	/* of the chunk being written */
	struct tact_arena *ahead_arena; /* of those about to be */
	struct whom ahead[AHEAD];
	size_t ahead_count, ahead_at;
	bool ended;
	int result;		   /* of following aliases */
	struct planned_one *chunk; /* the people of it, in order */
	size_t chunk_count;
	uint64_t first; /* index of the chunk's first */
	struct tact_planned planned;
};

/* ---- whom --------------------------------------------------------------------------------------- */

static void look_ahead(struct plan *plan)
{
	tact_arena_reset(plan->ahead_arena);
	plan->ahead_at = plan->ahead_count = 0;
	while (!plan->ended && plan->ahead_count < AHEAD) {
		struct whom *whom = &plan->ahead[plan->ahead_count];

		*whom = (struct whom){0};
		plan->ended = !plan->next(plan->context, &whom->recipient.key);
		plan->ahead_count += !plan->ended;
	}
	whom_resolve(plan->decider, plan->ahead_arena, plan->ahead, plan->ahead_count, 0);
}

/* NULL at the end. */
static const struct whom *next_whom(struct plan *plan)
{
	if (plan->ahead_at == plan->ahead_count && !plan->ended)
		look_ahead(plan);
	return plan->ahead_at == plan->ahead_count ? NULL : &plan->ahead[plan->ahead_at++];
}

static bool is_in_chunk(const struct plan *plan, const struct tact_id *key)
{
	for (size_t i = 0; i < plan->chunk_count; i++)
		if (tact_id_equal(&plan->chunk[i].key, key))
			return true;
	return false;
}

/* Who is named twice, or by an alias besides, is one person: a chunk's keys are distinct. */
static bool next_key(void *context, struct tact_store_key *ret)
{
	struct plan *plan = context;
	const struct whom *whom;

	while ((whom = next_whom(plan)) != NULL) {
		if (whom->result != TACT_OK) {
			plan->result = whom->result;
			return false; /* it is made good by planning again */
		}
		if (is_in_chunk(plan, &whom->key)) {
			plan->planned.known++;
			continue;
		}
		*ret = (struct tact_store_key){.kind = TACT_STORE_DOSSIER, .id = whom->key};
		TACT_PUSH(plan->arena, plan->chunk, plan->chunk_count)->key = ret->id;
		return true;
	}
	return false;
}

/* ---- the claim ---------------------------------------------------------------------------------- */

static struct tact_claim claim_of(const struct plan *plan, const struct tact_id *id)
{
	return (struct tact_claim){
	    .id = *id,
	    .state = TACT_CLAIM_WAITING,
	    .planned = true,
	    .priority = plan->campaign->priority,
	    .made_us = plan->terms.now_us,
	    .not_after_us = plan->campaign->not_after_us,
	    .asked_us = plan->campaign->planned_us,
	    .facts = *plan->facts,
	    .relay = plan->terms.host,
	    .ring = "",
	    .text = "",
	    .code = "",
	};
}

static bool stands(const struct tact_claim *known, const struct tact_claim *wanted)
{
	return known->state != TACT_CLAIM_WAITING || !known->planned ||
	       (known->priority == wanted->priority && known->not_after_us == wanted->not_after_us &&
		   known->asked_us == wanted->asked_us &&
		   tact_text_equal(known->facts.offer, wanted->facts.offer));
}

static enum planned_as claim_place(struct plan *plan, const struct tact_id *key, struct tact_dossier *dossier)
{
	struct tact_id id = tact_dossier_planned_id(plan->campaign->name, key);
	struct tact_claim *known = tact_dossier_find_claim(dossier, &id), wanted = claim_of(plan, &id);

	if (known == NULL)
		return tact_dossier_add_claim(plan->arena, dossier, &wanted) ? AS_CLAIMED : AS_FULL;
	if (stands(known, &wanted))
		return AS_KNOWN;
	wanted.made_us = known->made_us; /* it keeps its rank */
	*known = wanted;
	return AS_CLAIMED;
}

static bool claim_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct plan *plan = context;
	struct planned_one *one = &plan->chunk[index - plan->first];
	struct record_places before;
	struct tact_dossier dossier;

	(void)store_now_us;
	one->as = AS_UNREADABLE;
	if (tact_dossier_decode(plan->arena, now->bytes, now->size, &dossier, NULL) != TACT_OK)
		return false;
	one->as = AS_MOVED;
	if (!tact_id_is_none(&dossier.stands_for))
		return false;
	(void)record_withdraw_given_up(&plan->terms, &dossier);
	record_note_places(plan->arena, &plan->terms, &dossier, &before);
	one->as = claim_place(plan, &one->key, &dossier);
	if (one->as != AS_CLAIMED)
		return false;
	record_count_bumps(plan->arena, &plan->terms, &before, plan->campaign->priority, &dossier);
	record_finish(plan->arena, &plan->terms, NULL, &dossier, ret);
	return true;
}

/* ---- the whole ---------------------------------------------------------------------------------- */

static void count_chunk(void *context, uint64_t done)
{
	struct plan *plan = context;

	(void)done;
	for (size_t i = 0; i < plan->chunk_count; i++) {
		plan->planned.claimed += plan->chunk[i].as == AS_CLAIMED;
		plan->planned.known += plan->chunk[i].as == AS_KNOWN;
		plan->planned.full += plan->chunk[i].as == AS_FULL;
		plan->planned.unreadable += plan->chunk[i].as == AS_UNREADABLE;
		/* It became an alias since it was looked up: made good by planning again. */
		if (plan->chunk[i].as == AS_MOVED)
			plan->result = TACT_UNAVAILABLE;
	}
	plan->first += plan->chunk_count;
	plan->chunk = NULL;
	plan->chunk_count = 0;
	tact_arena_reset(plan->arena);
	if (plan->progress != NULL)
		plan->progress(plan->context, &plan->planned);
}

static int write_claims(struct plan *plan, struct tact_error *err)
{
	int result =
	    tact_store_bulk(plan->decider->parts.store, next_key, claim_one, count_chunk, plan, NULL, err);

	if (result == TACT_OK && plan->result != TACT_OK) {
		tact_store_last_error(plan->decider->parts.store, err);
		result = plan->result;
	}
	return result;
}

/* Claims are placed among those of campaigns as they are now, this one included. */
static int claim_all(struct plan *plan, struct tact_error *err)
{
	int result = campaigns_read(plan->decider, err);

	if (result != TACT_OK)
		return result;
	plan->terms.rules = tact_decider_take_rules(plan->decider);
	plan->terms.campaigns = tact_decider_take_campaigns(plan->decider, err);
	plan->arena = tact_arena_new();
	plan->ahead_arena = tact_arena_new();
	result = plan->terms.campaigns != NULL ? write_claims(plan, err) : TACT_UNAVAILABLE;
	tact_arena_free(&plan->arena);
	tact_arena_free(&plan->ahead_arena);
	tact_decider_put_campaigns(plan->decider, plan->terms.campaigns);
	tact_decider_put_rules(plan->decider, plan->terms.rules);
	return result;
}

int tact_decide_plan(struct tact_decider *decider, const struct tact_campaign *campaign,
    const struct tact_facts *facts, tact_plan_next_fn next,
    void (*progress)(void *context, const struct tact_planned *planned), void *context, int64_t now_us,
    struct tact_planned *ret, struct tact_error *err)
{
	struct plan *plan = tact_calloc(1, sizeof *plan);
	struct tact_arena *arena = tact_arena_new();
	struct tact_campaign told = *campaign;
	uint64_t version;
	int result;

	plan->decider = decider;
	plan->campaign = campaign;
	plan->facts = facts;
	plan->terms = (struct record_terms){.host = decider->parts.host, .now_us = now_us};
	plan->next = next;
	plan->progress = progress;
	plan->context = context;
	told.recipients = 0;
	result = campaign_write_plan(decider, arena, &told, now_us, &version, err);
	if (result == TACT_OK)
		result = claim_all(plan, err);
	*ret = plan->planned;
	told.recipients = (int64_t)(plan->planned.claimed + plan->planned.known);
	if (result == TACT_OK)
		result = campaign_write_plan(decider, arena, &told, now_us, &version, err);
	if (result == TACT_OK)
		result = campaign_append(decider, campaign,
		    campaign_action(arena, "plan", campaign->by,
			tact_arena_printf(arena, "%lld recipients", (long long)told.recipients)),
		    NULL, version, now_us, err);
	tact_arena_free(&arena);
	free(plan);
	return result;
}

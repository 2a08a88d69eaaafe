/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One person and one message, asked of the policy; and what an opinion means for the recipient.
 */
#include <config.h>

#include "private.h"

/* Whoever let it go to this person did not know of that. */
static bool is_suppressed_since(const struct candidate *candidate, int64_t since_us)
{
	for (size_t i = 0; i < candidate->view->suppressions_count; i++) {
		const struct tact_suppression *one = &candidate->view->suppressions[i];

		if (one->time_us > since_us && tact_dossier_scope_covers(&one->scope, candidate->facts))
			return true;
	}
	return false;
}

void candidate_ask(struct tact_arena *arena, const struct candidate *candidate, struct tact_opinion *ret)
{
	struct tact_question question = {
	    .rules = candidate->rules,
	    .facts = candidate->facts,
	    .dossier = candidate->view,
	    .now_us = candidate->now_us,
	    .made_us = candidate->made_us,
	    .rank_us = candidate->rank_us,
	    .not_after_us = candidate->not_after_us,
	    .campaigns = candidate->campaigns,
	    .claim = candidate->claim_id,
	    .contact = candidate->contact_id,
	    .contact_from_us = candidate->contact_from_us,
	    .released = candidate->released,
	    .cleared = candidate->cleared_us != 0 && !is_suppressed_since(candidate, candidate->cleared_us),
	    .no_waiting = candidate->no_waiting,
	    .contents = candidate->contents,
	    .no_message = candidate->no_message,
	};

	if (candidate->automatic) {
		*ret = (struct tact_opinion){
		    .verdict = TACT_ACCEPT, .code = "2.0.0", .text = "answer of a mail system"};
		return;
	}
	tact_policy_ask(arena, &question, ret);
}

enum tact_fate fate_of(const struct tact_rule_set *rules, const struct tact_opinion *opinion)
{
	if (rules->monitor)
		return TACT_FATE_PASS;
	switch (opinion->verdict) {
	case TACT_ACCEPT:
		return TACT_FATE_PASS;
	case TACT_DELAY:
		return TACT_FATE_GATE;
	case TACT_QUARANTINE:
		return TACT_FATE_REVIEW;
	case TACT_REJECT:
		return TACT_FATE_REFUSE;
	}
	return TACT_FATE_UNDECIDED;
}

static const char *held_by(const struct tact_opinion *opinion)
{
	for (size_t i = 0; i < opinion->findings_count; i++)
		if (opinion->findings[i].rule == opinion->rule)
			return opinion->findings[i].held_by;
	return "";
}

const char *waiting_for(struct tact_arena *arena, const struct tact_opinion *opinion)
{
	const char *holder = held_by(opinion), *words;

	if (opinion->rule == NULL)
		return "its place";
	words = opinion->rule->text != NULL ? opinion->rule->text : opinion->rule->name;
	return *holder == '\0' ? words : tact_arena_printf(arena, "%s, place held by %s", words, holder);
}

struct tact_contact contact_of(const struct tact_facts *facts, const struct tact_id *id, int64_t now_us)
{
	return (struct tact_contact){
	    .id = *id,
	    .time_us = now_us,
	    .count = 1,
	    .channel = facts->channel,
	    .direction = TACT_OUT,
	    .sentiment = TACT_NEUTRAL,
	    .purpose = facts->purpose,
	    .stream = facts->stream,
	    .owner = facts->owner,
	    .brand = facts->brand,
	    .campaign = facts->campaign,
	    .offer = facts->offer,
	    .list = facts->list,
	    .counts = facts->counts,
	};
}

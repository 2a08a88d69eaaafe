/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The next hop said yes: the claims have passed, or bounced.
 */
#include <config.h>

#include <string.h>

#include "pass.h"

static bool pass_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct pass *pass = context;
	struct pass_result *result = &pass->results[index];
	struct tact_dossier dossier;

	(void)store_now_us;
	result->version_seen = now->version;
	result->found = false;
	result->result = tact_dossier_decode(pass->arena, now->bytes, now->size, &dossier, NULL);
	if (result->result != TACT_OK)
		return false;
	struct tact_claim *claim = tact_dossier_find_claim(&dossier, &pass->waiting[index]->claim);
	result->moved_to = claim == NULL ? dossier.stands_for : (struct tact_id){{0}};
	if (claim == NULL)
		return false;
	result->found = true;
	result->claim = *claim;
	result->has_person_key = dossier.has_person_key;
	memcpy(result->person_key, dossier.person_key, sizeof result->person_key);
	claim->state =
	    pass->waiting[index]->fate == TACT_FATE_REFUSE ? TACT_CLAIM_BOUNCED : TACT_CLAIM_PASSED;
	claim->done_us = pass->now_us;
	record_finish(pass->arena, &pass->terms, &pass->people[index], &dossier, ret);
	return true;
}

/* Whoever became an alias since the mail was handed on: the claim went along, and must be found, or the mail
 * would be handed on again. */
static void follow_moved(struct pass *pass)
{
	for (size_t i = 0; i < pass->count; i++) {
		struct pass one = *pass;

		one.waiting += i;
		one.people += i;
		one.results += i;
		one.count = 1;
		for (int hops = 0; hops < 4 && !tact_id_is_none(&one.results->moved_to); hops++) {
			one.people->key = one.results->moved_to;
			pass_update(&one, pass_one);
		}
	}
}

static int append_outcomes(
    struct pass *pass, const char *queue_id, const char *reinjected_id, struct tact_error *err)
{
	struct tact_audit_entry *entries = NULL;
	size_t count = 0;

	for (size_t i = 0; i < pass->count; i++) {
		if (pass->results[i].result != TACT_OK || !pass->results[i].found)
			continue;
		struct tact_audit_entry *entry = TACT_PUSH(pass->arena, entries, count);
		pass_fill_entry(pass, i, TACT_AUDIT_OUTCOME, "release", entry);
		entry->action = pass->waiting[i]->fate == TACT_FATE_REFUSE ? "bounced" : "reinjected";
		entry->queue_id = queue_id;
		entry->reinjected_id = reinjected_id;
	}
	return evidence_append(pass->decider, entries, count, pass->now_us, err);
}

static bool has_next_hop(const struct tact_waiting *waiting)
{
	return waiting->look == TACT_LOOK_TAKE &&
	       (waiting->fate == TACT_FATE_PASS || waiting->fate == TACT_FATE_REFUSE);
}

int tact_decide_passed(struct tact_decider *decider, struct tact_arena *arena, struct tact_waiting *waiting,
    size_t count, const char *queue_id, const char *reinjected_id, int64_t now_us, int64_t deadline_ms,
    struct tact_error *err)
{
	struct pass pass = pass_begin(decider, arena, count, now_us, deadline_ms);
	int result = TACT_OK;

	for (size_t i = 0; i < count; i++) {
		if (!has_next_hop(&waiting[i]))
			continue;
		pass.waiting[pass.count] = &waiting[i];
		pass.people[pass.count] = (struct whom){.key = waiting[i].key};
		(void)tact_facts_recipient(arena, decider->parts.identity, waiting[i].given,
		    &pass.people[pass.count].recipient, NULL);
		pass.count++;
	}
	tact_edge("gate-before-passed");
	pass_update(&pass, pass_one);
	follow_moved(&pass);
	tact_edge("gate-after-passed");
	for (size_t i = 0; i < pass.count; i++)
		result = worst(result, pass.results[i].result);
	if (result != TACT_OK)
		tact_store_last_error(decider->parts.store, err);
	else
		result = append_outcomes(&pass, queue_id, reinjected_id, err);
	tact_decider_put_campaigns(decider, pass.terms.campaigns);
	tact_decider_put_rules(decider, pass.rules);
	return result;
}

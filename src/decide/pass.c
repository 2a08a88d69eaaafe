/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What deciding again and having passed have in common: the records, their update, their evidence.
 */
#include <config.h>

#include <string.h>

#include "pass.h"

struct pass pass_begin(
    struct tact_decider *decider, struct tact_arena *arena, size_t count, int64_t now_us, int64_t deadline_ms)
{
	struct pass pass = {.decider = decider,
	    .arena = arena,
	    .now_us = now_us,
	    .deadline_ms = deadline_ms,
	    .rules = tact_decider_take_rules(decider),
	    .waiting = tact_arena_alloc(arena, (count + 1) * sizeof *pass.waiting),
	    .people = tact_arena_alloc(arena, (count + 1) * sizeof *pass.people),
	    .results = tact_arena_alloc(arena, (count + 1) * sizeof *pass.results)};

	pass.terms = (struct record_terms){.rules = pass.rules,
	    .campaigns = campaigns_take(decider, deadline_ms, NULL),
	    .host = decider->parts.host,
	    .now_us = now_us};
	return pass;
}

void pass_update(struct pass *pass, tact_store_change_fn fn)
{
	struct tact_store_key *keys = tact_arena_alloc(pass->arena, (pass->count + 1) * sizeof *keys);
	struct tact_store_answer *answers =
	    tact_arena_alloc(pass->arena, (pass->count + 1) * sizeof *answers);

	if (pass->count == 0)
		return;
	for (size_t i = 0; i < pass->count; i++)
		keys[i] = (struct tact_store_key){.kind = TACT_STORE_DOSSIER, .id = pass->people[i].key};
	(void)tact_store_update(
	    pass->decider->parts.store, keys, pass->count, fn, pass, answers, pass->deadline_ms);
	for (size_t i = 0; i < pass->count; i++) {
		struct pass_result *result = &pass->results[i];

		result->version_written = answers[i].version;
		result->result = worst(result->result, answers[i].result);
		if (result->result != TACT_OK)
			say_failure(pass->waiting[i], result->result);
	}
}

void pass_fill_entry(
    struct pass *pass, size_t i, enum tact_audit_kind kind, const char *phase, struct tact_audit_entry *entry)
{
	const struct pass_result *result = &pass->results[i];

	evidence_common(pass->rules, kind, phase, entry);
	entry->previous = tact_id_format(pass->arena, &result->claim.decision);
	entry->version_seen = result->version_seen;
	entry->version_written = result->version_written;
	if (result->has_person_key)
		evidence_person(pass->arena, result->person_key, &pass->people[i].key,
		    pass->people[i].recipient.address.domain, entry);
}

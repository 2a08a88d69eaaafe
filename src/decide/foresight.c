/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Mail that is not there yet: what would become of it, asked of the same rules over the same dossiers.
 * Nothing is written.
 */
#include <config.h>

#include "private.h"

/* Reads the people's own records; those that cannot be had say so in their result. */
static void read_records(struct tact_decider *decider, struct tact_arena *arena, struct whom *whoms,
    size_t count, struct tact_record *records)
{
	struct tact_store_key *keys = tact_arena_alloc(arena, (count + 1) * sizeof *keys);
	struct tact_store_answer *answers = tact_arena_alloc(arena, (count + 1) * sizeof *answers);

	for (size_t i = 0; i < count; i++)
		keys[i] = (struct tact_store_key){.kind = TACT_STORE_DOSSIER, .id = whoms[i].key};
	if (count > 0)
		(void)tact_store_read(decider->parts.store, keys, count, arena, records, answers, 0);
	for (size_t i = 0; i < count; i++)
		whoms[i].result = worst(whoms[i].result, answers[i].result);
}

static void foresee(struct tact_arena *arena, const struct candidate *terms, const struct whom *whom,
    const struct tact_record *record, struct tact_foresight *one)
{
	struct candidate candidate = *terms;
	struct tact_dossier own;

	one->result = whom->result;
	if (one->result == TACT_OK)
		one->result = tact_dossier_decode(arena, record->bytes, record->size, &own, NULL);
	if (one->result != TACT_OK)
		return;
	candidate.view = whom_view(arena, whom, &own);
	candidate.now_us = candidate.made_us = one->at_us;
	candidate.not_after_us = one->at_us + terms->stream->max_delay_s * 1000000;
	candidate.claim_id = whom->key; /* seeds the spread; nobody's claim */
	candidate_ask(arena, &candidate, &one->opinion);
}

int tact_decide_foresee(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_rule_set *rules, const struct tact_stream *stream, const struct tact_facts *facts,
    struct tact_foresight *list, size_t count, struct tact_error *err)
{
	struct whom *whoms = tact_arena_alloc(arena, (count + 1) * sizeof *whoms);
	struct tact_record *records = tact_arena_alloc(arena, (count + 1) * sizeof *records);
	const struct candidate terms = {.rules = rules,
	    .stream = stream,
	    .facts = facts,
	    .no_message = true,
	    .campaigns = tact_decider_take_campaigns(decider, NULL)};
	int result = TACT_OK;

	for (size_t i = 0; i < count; i++)
		whoms[i].recipient = *list[i].recipient;
	whom_resolve(decider, arena, whoms, count, 0);
	read_records(decider, arena, whoms, count, records);
	for (size_t i = 0; i < count; i++) {
		foresee(arena, &terms, &whoms[i], &records[i], &list[i]);
		result = worst(result, list[i].result);
	}
	if (result != TACT_OK)
		tact_store_last_error(decider->parts.store, err);
	tact_decider_put_campaigns(decider, terms.campaigns);
	return result;
}

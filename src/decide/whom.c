/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Which records make up a person: an alias is followed for one hop, and what stands under earlier keys,
 * earlier canonical profiles or the plain address is read along. Only the one current record is ever written.
 */
#include <config.h>

#include <string.h>

#include "private.h"

/* One extra record to read for one person. */
struct errand {
	size_t whom;
	bool alias;
};

static void push_errand(struct tact_arena *arena, struct tact_store_key **keys, size_t *keys_count,
    struct errand **errands, size_t *errands_count, struct errand errand, const struct tact_id *id)
{
	struct tact_store_key *key = TACT_PUSH(arena, *keys, *keys_count);

	*key =
	    (struct tact_store_key){.kind = errand.alias ? TACT_STORE_ALIAS : TACT_STORE_DOSSIER, .id = *id};
	*TACT_PUSH(arena, *errands, *errands_count) = errand;
}

static void list_errands(struct tact_arena *arena, const struct whom *whoms, size_t count,
    struct tact_store_key **keys, struct errand **errands, size_t *ret_count)
{
	size_t keys_count = 0, errands_count = 0;

	for (size_t i = 0; i < count; i++) {
		const struct tact_recipient *recipient = &whoms[i].recipient;

		if (whoms[i].result != TACT_OK)
			continue;
		push_errand(arena, keys, &keys_count, errands, &errands_count, (struct errand){i, true},
		    &recipient->key);
		for (size_t j = 0; j < recipient->also_count; j++)
			push_errand(arena, keys, &keys_count, errands, &errands_count,
			    (struct errand){i, false}, &recipient->also[j]);
	}
	*ret_count = keys_count;
}

static int take_alias(struct whom *whom, const struct tact_record *record)
{
	if (record->size == 0)
		return TACT_OK;
	if (record->size != TACT_ID_BYTES)
		return TACT_CORRUPT;
	memcpy(whom->key.b, record->bytes, TACT_ID_BYTES);
	return TACT_OK;
}

static int take_other(struct tact_arena *arena, struct whom *whom, const struct tact_record *record)
{
	struct tact_dossier other;
	int result;

	if (record->size == 0)
		return TACT_OK;
	result = tact_dossier_decode(arena, record->bytes, record->size, &other, NULL);
	if (result != TACT_OK)
		return result;
	if (!whom->has_others)
		tact_dossier_init(&whom->others);
	whom->has_others = true;
	tact_dossier_merge(arena, &whom->others, &other);
	return TACT_OK;
}

void whom_resolve(struct tact_decider *decider, struct tact_arena *arena, struct whom *whoms, size_t count,
    int64_t deadline_ms)
{
	struct tact_store_key *keys = NULL;
	struct errand *errands = NULL;
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		whoms[i].key = whoms[i].recipient.key;
	list_errands(arena, whoms, count, &keys, &errands, &n);
	if (n == 0)
		return;
	struct tact_record *records = tact_arena_alloc(arena, n * sizeof *records);
	struct tact_store_answer *answers = tact_arena_alloc(arena, n * sizeof *answers);
	(void)tact_store_read(decider->parts.store, keys, n, arena, records, answers, deadline_ms);
	for (size_t i = 0; i < n; i++) {
		struct whom *whom = &whoms[errands[i].whom];
		int result = answers[i].result;

		if (result == TACT_OK)
			result = errands[i].alias ? take_alias(whom, &records[i])
						  : take_other(arena, whom, &records[i]);
		whom->result = worst(whom->result, result);
	}
}

const struct tact_dossier *whom_view(
    struct tact_arena *arena, const struct whom *whom, const struct tact_dossier *own)
{
	if (!whom->has_others)
		return own;
	struct tact_dossier *view = tact_arena_alloc(arena, sizeof *view);
	tact_dossier_copy(arena, own, view);
	tact_dossier_merge(arena, view, &whom->others);
	return view;
}

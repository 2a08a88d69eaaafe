/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Which records make up a person: an alias is followed for one hop, and what stands under earlier keys,
 * earlier canonical profiles, the plain address, or the address before it became an alias is read along. Only
 * the one current record is ever written.
 */
#include <config.h>

#include <string.h>

#include "alias_record.h"

/* One more record to read for one person. */
struct errand {
	size_t whom;
	size_t
	    alias_of; /* of which of the person's keys; NO_ALIAS: a dossier, OWN_DOSSIER the one to write */
};
#define NO_ALIAS SIZE_MAX
#define OWN_KEY (SIZE_MAX - 1)
#define OWN_DOSSIER (SIZE_MAX - 2)

struct errands {
	struct tact_store_key *keys;
	struct errand *list;
	size_t keys_count, count;
	struct tact_record *records;
	struct tact_store_answer *answers;
};

static void push(
    struct tact_arena *arena, struct errands *errands, size_t whom, size_t alias_of, const struct tact_id *id)
{
	bool dossier = alias_of == NO_ALIAS || alias_of == OWN_DOSSIER;

	*TACT_PUSH(arena, errands->keys, errands->keys_count) =
	    (struct tact_store_key){.kind = dossier ? TACT_STORE_DOSSIER : TACT_STORE_ALIAS, .id = *id};
	*TACT_PUSH(arena, errands->list, errands->count) = (struct errand){whom, alias_of};
}

static void run(struct tact_decider *decider, struct tact_arena *arena, struct errands *errands,
    struct whom *whoms, int64_t deadline_ms)
{
	size_t n = errands->count;

	if (n == 0)
		return;
	errands->records = tact_arena_alloc(arena, n * sizeof *errands->records);
	errands->answers = tact_arena_alloc(arena, n * sizeof *errands->answers);
	(void)tact_store_read(
	    decider->parts.store, errands->keys, n, arena, errands->records, errands->answers, deadline_ms);
	for (size_t i = 0; i < n; i++) {
		struct whom *whom = &whoms[errands->list[i].whom];

		whom->result = worst(whom->result, errands->answers[i].result);
	}
}

/* ---- aliases ---- */

static bool is_asked(const struct whom *whom, const struct tact_id *id)
{
	for (size_t i = 0; i < whom->asked_count; i++)
		if (tact_id_equal(&whom->asked[i], id))
			return true;
	return false;
}

static void ask_too(struct tact_arena *arena, struct whom *whom, const struct tact_id *id)
{
	if (!tact_id_equal(&whom->key, id) && !is_asked(whom, id))
		*TACT_PUSH(arena, whom->asked, whom->asked_count) = *id;
}

/* The own key's alias first: it says which record is written. */
static void follow(struct tact_arena *arena, const struct errands *errands, struct whom *whoms, bool own)
{
	for (size_t i = 0; i < errands->count; i++) {
		struct whom *whom = &whoms[errands->list[i].whom];
		struct tact_id target;

		if ((errands->list[i].alias_of == OWN_KEY) != own ||
		    errands->list[i].alias_of == OWN_DOSSIER || whom->result != TACT_OK ||
		    errands->records[i].size == 0)
			continue;
		whom->result = alias_record_read(&errands->records[i], &target);
		if (whom->result == TACT_OK && own)
			whom->key = target;
		else if (whom->result == TACT_OK)
			ask_too(arena, whom, &target);
	}
}

/* Once it is known that no alias leads elsewhere. */
static void keep_own(const struct errands *errands, struct whom *whoms)
{
	for (size_t i = 0; i < errands->count; i++) {
		struct whom *whom = &whoms[errands->list[i].whom];

		if (errands->list[i].alias_of != OWN_DOSSIER)
			continue;
		whom->has_own = whom->result == TACT_OK && tact_id_equal(&whom->key, &whom->recipient.key);
		whom->own = errands->records[i];
	}
}

static void resolve_keys(struct tact_decider *decider, struct tact_arena *arena, struct whom *whoms,
    size_t count, int64_t deadline_ms)
{
	struct errands errands = {0};

	for (size_t i = 0; i < count; i++) {
		const struct tact_recipient *recipient = &whoms[i].recipient;

		whoms[i].key = recipient->key;
		if (whoms[i].result != TACT_OK)
			continue;
		push(arena, &errands, i, OWN_KEY, &recipient->key);
		if (whoms[i].wants_own)
			push(arena, &errands, i, OWN_DOSSIER, &recipient->key);
		for (size_t j = 0; j < recipient->also_count; j++)
			push(arena, &errands, i, j, &recipient->also[j]);
	}
	run(decider, arena, &errands, whoms, deadline_ms);
	follow(arena, &errands, whoms, true);
	keep_own(&errands, whoms);
	for (size_t i = 0; i < count; i++) {
		const struct tact_recipient *recipient = &whoms[i].recipient;

		ask_too(arena, &whoms[i], &recipient->key); /* before it became an alias */
		for (size_t j = 0; j < recipient->also_count; j++)
			ask_too(arena, &whoms[i], &recipient->also[j]);
	}
	follow(arena, &errands, whoms, false);
}

/* ---- dossiers ---- */

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

static void read_others(struct tact_decider *decider, struct tact_arena *arena, struct whom *whoms,
    size_t count, int64_t deadline_ms)
{
	struct errands errands = {0};

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; whoms[i].result == TACT_OK && j < whoms[i].asked_count; j++)
			push(arena, &errands, i, NO_ALIAS, &whoms[i].asked[j]);
	run(decider, arena, &errands, whoms, deadline_ms);
	for (size_t i = 0; i < errands.count; i++) {
		struct whom *whom = &whoms[errands.list[i].whom];

		if (whom->result == TACT_OK)
			whom->result = take_other(arena, whom, &errands.records[i]);
	}
}

void whom_resolve(struct tact_decider *decider, struct tact_arena *arena, struct whom *whoms, size_t count,
    int64_t deadline_ms)
{
	resolve_keys(decider, arena, whoms, count, deadline_ms);
	read_others(decider, arena, whoms, count, deadline_ms);
}

bool whom_is_alias(const struct whom *whom)
{
	return !tact_id_equal(&whom->key, &whom->recipient.key);
}

void whom_check(struct tact_decider *decider, struct tact_arena *arena, struct whom *whoms, size_t count,
    int64_t deadline_ms)
{
	struct errands errands = {0};

	for (size_t i = 0; i < count; i++)
		if (whoms[i].result == TACT_OK && whom_is_alias(&whoms[i]))
			push(arena, &errands, i, OWN_KEY, &whoms[i].recipient.key);
	run(decider, arena, &errands, whoms, deadline_ms);
	for (size_t i = 0; i < errands.count; i++) {
		struct whom *whom = &whoms[errands.list[i].whom];
		struct tact_id target;

		if (whom->result == TACT_OK && (alias_record_read(&errands.records[i], &target) != TACT_OK ||
						   !tact_id_equal(&target, &whom->key)))
			whom->result = TACT_UNAVAILABLE;
	}
}

void whom_write_to(struct tact_decider *decider, struct tact_arena *arena, struct whom *whom,
    const struct tact_id *key, int64_t deadline_ms)
{
	for (size_t i = 0; whom->result == TACT_OK && i < whom->asked_count; i++) {
		if (!tact_id_equal(&whom->asked[i], key))
			continue;
		whom->asked[i] = whom->key;
		whom->key = *key;
		whom->has_others = false;
		read_others(decider, arena, whom, 1, deadline_ms);
		return;
	}
}

int whom_find_claim(struct tact_decider *decider, struct tact_arena *arena, const struct whom *whom,
    const struct tact_id *claim, int64_t deadline_ms, struct tact_id *ret)
{
	for (size_t i = 0; i < whom->asked_count; i++) {
		struct tact_dossier dossier;
		int result = whom_read(decider, arena, &whom->asked[i], &dossier, deadline_ms);

		if (result != TACT_OK)
			return result;
		if (tact_dossier_find_claim(&dossier, claim) == NULL)
			continue;
		*ret = whom->asked[i];
		return TACT_OK;
	}
	return TACT_ABSENT;
}

int whom_read(struct tact_decider *decider, struct tact_arena *arena, const struct tact_id *key,
    struct tact_dossier *ret, int64_t deadline_ms)
{
	struct tact_store_key store_key = {.kind = TACT_STORE_DOSSIER, .id = *key};
	struct tact_record record;
	struct tact_store_answer answer;
	int result =
	    tact_store_read(decider->parts.store, &store_key, 1, arena, &record, &answer, deadline_ms);

	return result != TACT_OK ? result : tact_dossier_decode(arena, record.bytes, record.size, ret, NULL);
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

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Loading: ready dossiers of people of whom nothing is known, made in order of their keys. Whoever is known
 * is left to tact_decide_change, which undoes nothing.
 */
#include <config.h>

#include "change.h"

#include <string.h>

struct tact_load {
	struct tact_decider *decider;
	struct tact_arena *arena;
	struct tact_arena *scratch; /* of one dossier */
	struct tact_dossier_forms *forms;
	const struct tact_id *ids; /* of the rows */
	tact_load_row_fn row;
	void *context;
	struct record_terms terms;
	struct tact_changed *ret;
	size_t *first; /* row of each person, and one past the end */
	struct tact_store_key *keys;
	struct tact_store_put *puts;
	size_t *people;	     /* of each key */
	size_t count, ready; /* people; of whom a dossier is to be stored */
	size_t rows_count;
};

static void answer(struct tact_load *loading, size_t person, int result, uint64_t version)
{
	for (size_t i = loading->first[person]; i < loading->first[person + 1]; i++) {
		struct tact_changed *changed = &loading->ret[i];

		changed->result = result;
		changed->changed &= result == TACT_OK;
		changed->version = version;
	}
}

static void group_by_person(struct tact_load *loading)
{
	size_t rows = loading->rows_count;

	loading->first = tact_arena_alloc(loading->arena, (rows + 1) * sizeof *loading->first);
	for (size_t i = 0; i < rows; i++) {
		loading->ret[i] = (struct tact_changed){.result = TACT_UNAVAILABLE};
		if (i == 0 || !tact_id_equal(&loading->ids[i], &loading->ids[i - 1]))
			loading->first[loading->count++] = i;
	}
	loading->first[loading->count] = rows;
}

/* ---- who is left out ---- */

static bool there_is_one(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	(void)key;
	*(bool *)context |= record->size > 0;
	return !*(bool *)context;
}

/* What a campaign brought is counted against it. */
static bool is_counted(const struct tact_change *change)
{
	enum health_count unused;

	return change->kind == TACT_CHANGE_SUPPRESS &&
	       (change->campaign != NULL ? *change->campaign != '\0'
					 : change->suppression.scope.kind == TACT_SCOPE_CAMPAIGN) &&
	       health_of_reason(change->suppression.reason, &unused);
}

static int read_aliases(struct tact_load *loading, bool *stands_for_another, struct tact_error *err)
{
	struct tact_arena *arena = loading->arena;
	size_t n = loading->count;
	struct tact_store_key *keys = tact_arena_alloc(arena, n * sizeof *keys);
	struct tact_record *records = tact_arena_alloc(arena, n * sizeof *records);
	struct tact_store_answer *answers = tact_arena_alloc(arena, n * sizeof *answers);
	int result;

	for (size_t i = 0; i < n; i++)
		keys[i] =
		    (struct tact_store_key){.kind = TACT_STORE_ALIAS, .id = loading->ids[loading->first[i]]};
	result = tact_store_read(loading->decider->parts.store, keys, n, arena, records, answers, 0);
	if (result != TACT_OK)
		tact_store_last_error(loading->decider->parts.store, err);
	for (size_t i = 0; i < n; i++)
		stands_for_another[i] = records[i].size > 0;
	return result;
}

/* Few stores have aliases, so that most need not be asked about each person. */
static int find_aliases(struct tact_load *loading, bool **ret, struct tact_error *err)
{
	bool any = false;
	int result =
	    tact_store_scan(loading->decider->parts.store, TACT_STORE_ALIAS, there_is_one, &any, err);

	*ret = tact_arena_alloc(loading->arena, (loading->count + 1) * sizeof **ret);
	for (size_t i = 0; i < loading->count; i++)
		(*ret)[i] = false;
	return result == TACT_OK && any ? read_aliases(loading, *ret, err) : result;
}

/* ---- the dossiers ---- */

static void add_row(
    struct tact_load *loading, size_t i, struct tact_load_row *row, struct tact_dossier *dossier)
{
	const struct record_terms *terms = &loading->terms;

	row->change.suppression.id = (struct tact_id){{1}}; /* spares making one up: see below */
	loading->ret[i].changed =
	    change_apply(loading->scratch, dossier, dossier, &row->change, terms->now_us);
	if (terms->rules->keep_addresses && row->address != NULL)
		dossier->address = row->address;
}

static void encode(struct tact_load *loading, struct tact_dossier *dossier, struct tact_store_put *ret)
{
	const struct record_terms *terms = &loading->terms;
	const void *bytes;

	/* Read back they are named after what they say: sixteen bytes less for each of the millions. */
	for (size_t i = 0; i < dossier->suppressions_count; i++)
		dossier->suppressions[i].id = (struct tact_id){{0}};
	tact_dossier_tidy(loading->scratch, dossier, terms->now_us, terms->rules->history_s);
	*ret = (struct tact_store_put){0};
	tact_dossier_encode_alike(loading->scratch, loading->forms, dossier, &bytes, &ret->size);
	ret->bytes = tact_arena_copy(loading->arena, bytes, ret->size);
	ret->sum = tact_store_sum(ret->bytes, ret->size);
}

/* TACT_REFUSED: it is for a change. */
static int make_dossier(
    struct tact_load *loading, size_t person, struct tact_store_put *ret, struct tact_error *err)
{
	struct tact_dossier dossier;
	struct tact_load_row row;

	tact_arena_reset(loading->scratch);
	tact_dossier_init(&dossier);
	dossier.history_since_us = loading->terms.now_us;
	for (size_t i = loading->first[person]; i < loading->first[person + 1]; i++) {
		int result = loading->row(loading->context, i, &row, err);

		if (result != TACT_OK)
			return result;
		if (is_counted(&row.change))
			return TACT_REFUSED;
		add_row(loading, i, &row, &dossier);
	}
	encode(loading, &dossier, ret);
	return TACT_OK;
}

/* Of a person who may be loaded. */
static int make_one(struct tact_load *loading, size_t person, struct tact_error *err)
{
	size_t at = loading->ready;
	int result;

	loading->keys[at] =
	    (struct tact_store_key){.kind = TACT_STORE_DOSSIER, .id = loading->ids[loading->first[person]]};
	result = make_dossier(loading, person, &loading->puts[at], err);
	if (result == TACT_OK && loading->puts[at].size > 0)
		loading->people[loading->ready++] = person;
	else if (result == TACT_OK || result == TACT_REFUSED)
		answer(loading, person, result, 0);
	return result == TACT_REFUSED ? TACT_OK : result;
}

static int make_dossiers(struct tact_load *loading, const bool *stands_for_another, struct tact_error *err)
{
	struct tact_arena *arena = loading->arena;
	int result = TACT_OK;

	loading->people = tact_arena_alloc(arena, (loading->count + 1) * sizeof *loading->people);
	loading->keys = tact_arena_alloc(arena, (loading->count + 1) * sizeof *loading->keys);
	loading->puts = tact_arena_alloc(arena, (loading->count + 1) * sizeof *loading->puts);
	loading->scratch = tact_arena_new();
	loading->forms = tact_dossier_forms_new(arena);
	for (size_t i = 0; i < loading->count && result == TACT_OK; i++) {
		if (stands_for_another[i])
			answer(loading, i, TACT_REFUSED, 0);
		else
			result = make_one(loading, i, err);
	}
	tact_arena_free(&loading->scratch);
	return result;
}

int tact_decide_load_begin(struct tact_decider *decider, struct tact_arena *arena, const struct tact_id *ids,
    size_t count, tact_load_row_fn row, void *context, int64_t now_us, struct tact_load **ret,
    struct tact_error *err)
{
	struct tact_load *loading = tact_arena_alloc(arena, sizeof *loading);
	bool *stands_for_another;
	int result;

	*loading = (struct tact_load){.decider = decider,
	    .arena = arena,
	    .ids = ids,
	    .row = row,
	    .context = context,
	    .rows_count = count,
	    .ret = tact_arena_alloc(arena, (count + 1) * sizeof *loading->ret),
	    .terms = {
		.rules = tact_decider_take_rules(decider), .host = decider->parts.host, .now_us = now_us}};
	group_by_person(loading);
	result = find_aliases(loading, &stands_for_another, err);
	if (result == TACT_OK)
		result = make_dossiers(loading, stands_for_another, err);
	tact_decider_put_rules(decider, loading->terms.rules);
	*ret = loading;
	return result;
}

int tact_decide_load_end(
    struct tact_load *loading, struct tact_store_pace *pace, struct tact_changed *ret, struct tact_error *err)
{
	struct tact_store_answer *answers =
	    tact_arena_alloc(loading->arena, (loading->ready + 1) * sizeof *answers);
	int result = tact_store_fill(
	    loading->decider->parts.store, pace, loading->keys, loading->puts, loading->ready, answers, err);

	for (size_t i = 0; i < loading->ready; i++)
		answer(loading, loading->people[i], answers[i].result, answers[i].version);
	memcpy(ret, loading->ret, loading->rows_count * sizeof *ret);
	return result;
}

static int row_of_array(void *context, size_t index, struct tact_load_row *ret, struct tact_error *err)
{
	const struct tact_load_row *rows = context;

	(void)err;
	*ret = rows[index];
	return TACT_OK;
}

int tact_decide_load(struct tact_decider *decider, struct tact_arena *arena, struct tact_store_pace *pace,
    const struct tact_load_row *rows, size_t count, int64_t now_us, struct tact_changed *ret,
    struct tact_error *err)
{
	struct tact_id *ids = tact_arena_alloc(arena, (count + 1) * sizeof *ids);
	struct tact_load *loading;
	int result;

	for (size_t i = 0; i < count; i++)
		ids[i] = rows[i].key;
	result = tact_decide_load_begin(
	    decider, arena, ids, count, row_of_array, (void *)rows, now_us, &loading, err);
	if (result == TACT_OK)
		return tact_decide_load_end(loading, pace, ret, err);
	for (size_t i = 0; i < count; i++)
		ret[i] = (struct tact_changed){.result = TACT_UNAVAILABLE};
	return result;
}

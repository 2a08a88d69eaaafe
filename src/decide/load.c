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
	const struct tact_load_row *rows;
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
		if (i == 0 || !tact_id_equal(&loading->rows[i].key, &loading->rows[i - 1].key))
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
	       (change->campaign != NULL || change->suppression.scope.kind == TACT_SCOPE_CAMPAIGN) &&
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
		keys[i] = (struct tact_store_key){
		    .kind = TACT_STORE_ALIAS, .id = loading->rows[loading->first[i]].key};
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

static bool is_for_change(const struct tact_load *loading, size_t person)
{
	for (size_t i = loading->first[person]; i < loading->first[person + 1]; i++)
		if (is_counted(&loading->rows[i].change))
			return true;
	return false;
}

/* ---- the dossiers ---- */

static void make_dossier(struct tact_load *loading, size_t person, struct tact_store_put *ret)
{
	struct tact_arena *arena = loading->arena;
	const struct record_terms *terms = &loading->terms;
	struct tact_dossier dossier;

	tact_dossier_init(&dossier);
	dossier.history_since_us = terms->now_us;
	for (size_t i = loading->first[person]; i < loading->first[person + 1]; i++) {
		const struct tact_load_row *row = &loading->rows[i];
		struct tact_change change = row->change;

		change.suppression.id = (struct tact_id){{1}}; /* spares making one up: see below */
		loading->ret[i].changed = change_apply(arena, &dossier, &dossier, &change, terms->now_us);
		if (terms->rules->keep_addresses && row->address != NULL)
			dossier.address = row->address;
	}
	/* Read back they are named after what they say: sixteen bytes less for each of the millions. */
	for (size_t i = 0; i < dossier.suppressions_count; i++)
		dossier.suppressions[i].id = (struct tact_id){{0}};
	tact_dossier_tidy(arena, &dossier, terms->now_us, terms->rules->history_s);
	*ret = (struct tact_store_put){0};
	tact_dossier_encode(arena, &dossier, &ret->bytes, &ret->size);
}

static void make_dossiers(struct tact_load *loading, const bool *stands_for_another)
{
	struct tact_arena *arena = loading->arena;

	loading->people = tact_arena_alloc(arena, (loading->count + 1) * sizeof *loading->people);
	loading->keys = tact_arena_alloc(arena, (loading->count + 1) * sizeof *loading->keys);
	loading->puts = tact_arena_alloc(arena, (loading->count + 1) * sizeof *loading->puts);
	for (size_t i = 0; i < loading->count; i++) {
		size_t at = loading->ready;

		if (stands_for_another[i] || is_for_change(loading, i)) {
			answer(loading, i, TACT_REFUSED, 0);
			continue;
		}
		loading->keys[at] = (struct tact_store_key){
		    .kind = TACT_STORE_DOSSIER, .id = loading->rows[loading->first[i]].key};
		make_dossier(loading, i, &loading->puts[at]);
		if (loading->puts[at].size > 0)
			loading->people[loading->ready++] = i;
		else
			answer(loading, i, TACT_OK, 0);
	}
}

int tact_decide_load_begin(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_load_row *rows, size_t count, int64_t now_us, struct tact_load **ret,
    struct tact_error *err)
{
	struct tact_load *loading = tact_arena_alloc(arena, sizeof *loading);
	bool *stands_for_another;
	int result;

	*loading = (struct tact_load){.decider = decider,
	    .arena = arena,
	    .rows = rows,
	    .rows_count = count,
	    .ret = tact_arena_alloc(arena, (count + 1) * sizeof *loading->ret),
	    .terms = {
		.rules = tact_decider_take_rules(decider), .host = decider->parts.host, .now_us = now_us}};
	group_by_person(loading);
	result = find_aliases(loading, &stands_for_another, err);
	if (result == TACT_OK)
		make_dossiers(loading, stands_for_another);
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

int tact_decide_load(struct tact_decider *decider, struct tact_arena *arena, struct tact_store_pace *pace,
    const struct tact_load_row *rows, size_t count, int64_t now_us, struct tact_changed *ret,
    struct tact_error *err)
{
	struct tact_load *loading;
	int result = tact_decide_load_begin(decider, arena, rows, count, now_us, &loading, err);

	if (result == TACT_OK)
		return tact_decide_load_end(loading, pace, ret, err);
	for (size_t i = 0; i < count; i++)
		ret[i] = (struct tact_changed){.result = TACT_UNAVAILABLE};
	return result;
}

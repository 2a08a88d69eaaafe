/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * After a restore: what the evidence tells of wishes is gathered, person by person, held against the store,
 * and what it has forgotten is written again.
 */
#include <config.h>

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "alias_record.h"
#include "recover.h"

#define CHUNK 256

/* One person as the evidence tells; or, in the other tree, one alias. */
struct node {
	struct tact_id key;
	uint64_t version; /* of the latest entry */
	void *wishes;	  /* encoded */
	size_t size;
	struct tact_id target; /* of an alias; none: it ended */
};

struct tact_recovery {
	struct tact_decider *decider;
	struct tact_arena *arena; /* of an entry, or a chunk */
	struct recover_terms terms;
	void *people, *aliases; /* trees of nodes */
	struct node **list;	/* those of a tree, in order */
	size_t list_count;
	struct tact_recovered sum;
};

/* ---- gathering ---- */

static int compare_nodes(const void *a, const void *b)
{
	return memcmp(((const struct node *)a)->key.b, ((const struct node *)b)->key.b, TACT_ID_BYTES);
}

static void free_node(void *context)
{
	struct node *node = context;

	free(node->wishes);
	free(node);
}

struct tact_recovery *tact_decide_recovery_new(struct tact_decider *decider)
{
	struct tact_recovery *recovery = tact_calloc(1, sizeof *recovery);
	const struct tact_rule_set *rules = tact_decider_take_rules(decider);

	recovery->decider = decider;
	recovery->arena = tact_arena_new();
	recovery->terms.history_s = rules->history_s;
	tact_decider_put_rules(decider, rules);
	return recovery;
}

void tact_decide_recovery_free(struct tact_recovery **recovery)
{
	if (*recovery == NULL)
		return;
	tdestroy((*recovery)->people, free_node);
	tdestroy((*recovery)->aliases, free_node);
	tact_arena_free(&(*recovery)->arena);
	free(*recovery);
	*recovery = NULL;
}

static struct node *find_node(void **tree, const struct tact_id *key)
{
	struct node wanted = {.key = *key}, **found = tfind(&wanted, tree, compare_nodes), *fresh;

	if (found != NULL)
		return *found;
	fresh = tact_calloc(1, sizeof *fresh);
	fresh->key = *key;
	found = tsearch(fresh, tree, compare_nodes);
	if (found == NULL)
		abort(); /* out of memory */
	return fresh;
}

static void keep_wishes(struct tact_arena *arena, struct node *node, const struct tact_dossier *dossier)
{
	const void *bytes;

	tact_dossier_encode(arena, dossier, &bytes, &node->size);
	free(node->wishes);
	node->wishes = tact_malloc(node->size > 0 ? node->size : 1);
	memcpy(node->wishes, bytes, node->size);
}

/* Each entry tells all wishes as they were then, or a part of them beside others of the same version: the
 * latest is right, others add what it does not have. */
static int take_person(
    struct tact_recovery *recovery, const struct recovery_wishes *wishes, const struct recovery_part *part)
{
	static const struct recover_terms terms = {.gathering = true};
	struct tact_arena *arena = recovery->arena;
	struct node *node = find_node(&recovery->people, &wishes->key);
	bool latest = wishes->version >= node->version;
	struct tact_dossier known, told;
	struct tact_recovered unused = {0};

	if (tact_dossier_decode(arena, part->dossier, part->size, &told, NULL) != TACT_OK ||
	    tact_dossier_decode(arena, node->wishes, node->size, &known, NULL) != TACT_OK)
		return TACT_CORRUPT;
	if (latest) {
		(void)recover_merge(arena, &terms, &known, false, &told, &unused);
		keep_wishes(arena, node, &told);
		node->version = wishes->version;
	} else if (recover_merge(arena, &terms, &told, false, &known, &unused)) {
		keep_wishes(arena, node, &known);
	}
	return TACT_OK;
}

static void take_alias(struct tact_recovery *recovery, const struct recovery_wishes *wishes)
{
	struct node *node = find_node(&recovery->aliases, &wishes->alias);

	if (wishes->version < node->version)
		return;
	node->version = wishes->version;
	node->target = wishes->ends ? (struct tact_id){{0}} : wishes->key;
}

/* Sealed on a day before that of the store's key. */
static void count_before(struct tact_recovered *sum, const char *text)
{
	int64_t time_us = recovery_time_us(strtoll(text, NULL, 10));

	if (sum->before++ == 0 || time_us < sum->before_us)
		sum->before_us = time_us;
}

int tact_decide_recovery_take(struct tact_recovery *recovery, const char *text)
{
	struct recovery_wishes wishes;
	struct recovery_part part;
	int result;

	tact_arena_reset(recovery->arena);
	result = recovery_open(recovery->arena, recovery->decider->parts.identity, text, &wishes, &part);
	if (result == TACT_OK && !tact_id_is_none(&wishes.alias))
		take_alias(recovery, &wishes);
	/* The version of an alias is its own, and says nothing of the person's profile. */
	if (result == TACT_OK && !tact_id_is_none(&wishes.alias))
		wishes.version = 0;
	if (result == TACT_OK)
		result = take_person(recovery, &wishes, &part);
	recovery->sum.read += result == TACT_OK;
	if (result == TACT_ABSENT)
		count_before(&recovery->sum, text);
	recovery->sum.unreadable += result == TACT_CORRUPT;
	return result;
}

/* ---- people ---- */

struct person {
	int result;
	bool changed;
	uint64_t version_seen;
	uint8_t person_key[TACT_SEAL_KEY_BYTES];
	struct recovery_wishes wishes; /* as they are then */
	struct tact_recovered sum;
};

struct chunk {
	struct tact_recovery *recovery;
	struct record_terms terms;
	const char *by;
	bool apply;
	struct node *const *nodes;
	size_t count;
	struct tact_store_key keys[CHUNK];
	struct tact_store_answer answers[CHUNK];
	struct person people[CHUNK];
};

static bool recover_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct chunk *chunk = context;
	struct tact_arena *arena = chunk->recovery->arena;
	const struct node *node = chunk->nodes[index];
	struct person *person = &chunk->people[index];
	struct tact_dossier dossier, told;

	(void)store_now_us;
	*person = (struct person){.version_seen = now->version};
	person->result = tact_dossier_decode(arena, now->bytes, now->size, &dossier, NULL);
	if (person->result == TACT_OK)
		person->result = tact_dossier_decode(arena, node->wishes, node->size, &told, NULL);
	if (person->result != TACT_OK)
		return false;
	person->changed =
	    recover_merge(arena, &chunk->recovery->terms, &told, node->version > 0, &dossier, &person->sum);
	if (!person->changed)
		return false;
	if (chunk->apply)
		record_finish(arena, &chunk->terms, NULL, &dossier, ret);
	recovery_encode(arena, &dossier, &person->wishes);
	memcpy(person->person_key, dossier.person_key, sizeof person->person_key);
	return true;
}

/* Without writing. */
static void look(struct chunk *chunk)
{
	struct tact_arena *arena = chunk->recovery->arena;
	struct tact_record *records = tact_arena_alloc(arena, chunk->count * sizeof *records);
	struct tact_store_put unused;

	(void)tact_store_read(chunk->recovery->decider->parts.store, chunk->keys, chunk->count, arena,
	    records, chunk->answers, 0);

	for (size_t i = 0; i < chunk->count; i++)
		if (chunk->answers[i].result == TACT_OK)
			(void)recover_one(chunk, i, &records[i], chunk->terms.now_us, &unused);
}

/* What became of person I. */
static int result_of(const struct chunk *chunk, size_t i)
{
	return chunk->answers[i].result != TACT_OK ? chunk->answers[i].result : chunk->people[i].result;
}

/* A record that is damaged holds up nobody else. */
static int worst_but_lost(const struct chunk *chunk)
{
	int result = TACT_OK;

	for (size_t i = 0; i < chunk->count; i++)
		if (result_of(chunk, i) != TACT_CORRUPT && result_of(chunk, i) < result)
			result = result_of(chunk, i);
	return result;
}

static void describe(struct chunk *chunk, size_t i, struct tact_audit_entry **entries, size_t *count)
{
	struct tact_arena *arena = chunk->recovery->arena;
	struct person *person = &chunk->people[i];
	struct tact_audit_entry *entry = TACT_PUSH(arena, *entries, *count);

	evidence_common(chunk->terms.rules, TACT_AUDIT_CHANGE, "command", entry);
	entry->action = "recover";
	entry->text =
	    tact_arena_printf(arena, "by %s: wishes that a restored store had forgotten", chunk->by);
	entry->version_seen = person->version_seen;
	entry->version_written = chunk->answers[i].version;
	person->wishes.key = chunk->keys[i].id;
	person->wishes.version = chunk->answers[i].version;
	evidence_person(arena, person->person_key, &chunk->keys[i].id, NULL, entry);
	recovery_seal(arena, chunk->recovery->decider->parts.identity, &person->wishes, chunk->terms.now_us,
	    entries, count);
}

static int append(struct chunk *chunk, struct tact_error *err)
{
	struct tact_audit_entry *entries = NULL;
	size_t count = 0;

	for (size_t i = 0; i < chunk->count; i++)
		if (chunk->people[i].changed && result_of(chunk, i) == TACT_OK)
			describe(chunk, i, &entries, &count);
	return evidence_append(chunk->recovery->decider, entries, count, chunk->terms.now_us, err);
}

static void count(struct chunk *chunk)
{
	struct tact_recovered *sum = &chunk->recovery->sum;

	for (size_t i = 0; i < chunk->count; i++) {
		const struct person *person = &chunk->people[i];

		sum->lost += result_of(chunk, i) == TACT_CORRUPT;
		if (result_of(chunk, i) != TACT_OK)
			continue;
		sum->changed += person->changed;
		sum->suppressions += person->sum.suppressions;
		sum->ended += person->sum.ended;
		sum->consents += person->sum.consents;
		sum->profiles += person->sum.profiles;
	}
}

static int run_chunk(struct chunk *chunk, struct tact_error *err)
{
	struct tact_store *store = chunk->recovery->decider->parts.store;
	int result, appended = TACT_OK;

	memset(chunk->people, 0, sizeof chunk->people);
	for (size_t i = 0; i < chunk->count; i++)
		chunk->keys[i] =
		    (struct tact_store_key){.kind = TACT_STORE_DOSSIER, .id = chunk->nodes[i]->key};
	if (chunk->apply)
		(void)tact_store_update(
		    store, chunk->keys, chunk->count, recover_one, chunk, chunk->answers, 0);
	else
		look(chunk);
	result = worst_but_lost(chunk);
	if (result != TACT_OK)
		tact_store_last_error(store, err);
	if (chunk->apply)
		appended = append(chunk, result == TACT_OK ? err : NULL);
	count(chunk);
	return result != TACT_OK ? result : appended;
}

/* ---- aliases ---- */

static int recover_alias(struct chunk *chunk, const struct node *node, struct tact_error *err)
{
	struct tact_decider *decider = chunk->recovery->decider;
	struct tact_arena *arena = chunk->recovery->arena;
	struct tact_store_key key = {.kind = TACT_STORE_ALIAS, .id = node->key};
	struct tact_recipient recipient = {.key = node->key};
	struct tact_change change = {.kind = TACT_CHANGE_ALIAS,
	    .alias_of = node->target,
	    .by = chunk->by,
	    .why = "a restored store had forgotten it"};
	struct tact_store_answer answer;
	struct tact_record record;
	struct tact_changed changed;
	struct tact_id target;
	int result = tact_store_read(decider->parts.store, &key, 1, arena, &record, &answer, 0);

	if (result == TACT_CORRUPT) {
		chunk->recovery->sum.lost++;
		return TACT_OK;
	}
	if (result != TACT_OK) {
		tact_store_last_error(decider->parts.store, err);
		return result;
	}
	if ((alias_record_read(&record, &target) == TACT_OK && tact_id_equal(&target, &node->target)) ||
	    record.version > node->version)
		return TACT_OK;
	chunk->recovery->sum.aliases++;
	return chunk->apply ? tact_decide_change(decider, arena, &recipient, &change, 1, chunk->terms.now_us,
				  0, &changed, err)
			    : TACT_OK;
}

/* ---- all of it ---- */

static void list_node(const void *at, VISIT visit, void *context)
{
	struct tact_recovery *recovery = context;

	if (visit == postorder || visit == leaf)
		recovery->list[recovery->list_count++] = *(struct node *const *)at;
}

static void count_node(const void *at, VISIT visit, void *context)
{
	(void)at;
	*(size_t *)context += visit == postorder || visit == leaf;
}

static void list_tree(struct tact_recovery *recovery, const void *tree)
{
	size_t n = 0;

	twalk_r(tree, count_node, &n);
	free(recovery->list);
	recovery->list = tact_calloc(n + 1, sizeof *recovery->list);
	recovery->list_count = 0;
	twalk_r(tree, list_node, recovery);
}

static int recover_people(struct chunk *chunk,
    void (*progress)(void *context, const struct tact_recovered *so_far), void *context,
    struct tact_error *err)
{
	struct tact_recovery *recovery = chunk->recovery;
	struct tact_store *store = recovery->decider->parts.store;
	struct tact_store_pace pace = {0};
	int result = TACT_OK;

	list_tree(recovery, recovery->people);
	for (size_t at = 0; at < recovery->list_count && result == TACT_OK; at += chunk->count) {
		size_t left = recovery->list_count - at;

		chunk->nodes = recovery->list + at;
		chunk->count = tact_store_pace_begin(store, &pace, left < CHUNK ? left : CHUNK);
		tact_arena_reset(recovery->arena);
		result = run_chunk(chunk, err);
		tact_store_pace_end(store, &pace, chunk->count);
		recovery->sum.people = at + chunk->count;
		if (progress != NULL)
			progress(context, &recovery->sum);
	}
	return result;
}

/* Only a key that has not grown older since it was made is of a day within the last RECOVERY_KEPT_DAYS: what
 * was sealed before that day was so with another one. A day more for clocks that differ. */
static bool has_other_key(const struct tact_recovery *recovery, int64_t now_us)
{
	int64_t day = recovery->decider->parts.identity->recovery_day;

	return recovery->sum.before > 0 && (day == 0 || day > recovery_day(now_us) - RECOVERY_KEPT_DAYS + 1);
}

int tact_decide_recover(struct tact_recovery *recovery, const char *by, bool apply, int64_t now_us,
    void (*progress)(void *context, const struct tact_recovered *so_far), void *context,
    struct tact_recovered *ret, struct tact_error *err)
{
	struct chunk *chunk = tact_calloc(1, sizeof *chunk);
	int result;

	recovery->terms.now_us = now_us;
	chunk->recovery = recovery;
	chunk->by = by;
	chunk->apply = apply;
	chunk->terms = (struct record_terms){.rules = tact_decider_take_rules(recovery->decider),
	    .campaigns = tact_decider_take_campaigns(recovery->decider, NULL),
	    .host = recovery->decider->parts.host,
	    .now_us = now_us};
	result = recover_people(chunk, progress, context, err);
	list_tree(recovery, recovery->aliases);
	for (size_t i = 0; i < recovery->list_count && result == TACT_OK; i++) {
		tact_arena_reset(recovery->arena);
		result = recover_alias(chunk, recovery->list[i], err);
	}
	tact_decider_put_campaigns(recovery->decider, chunk->terms.campaigns);
	tact_decider_put_rules(recovery->decider, chunk->terms.rules);
	free(recovery->list);
	recovery->list = NULL;
	free(chunk);
	recovery->sum.other_key = has_other_key(recovery, now_us);
	*ret = recovery->sum;
	return result;
}

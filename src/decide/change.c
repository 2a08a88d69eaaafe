/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Wishes and contacts that people and imports bring: into the dossier, durable, with an entry of evidence
 * each.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "private.h"

/* One change to one record. A wish to end a suppression goes to every key the person may stand under. */
struct step {
	size_t change; /* index of the caller's */
	struct tact_id key;
	bool also; /* one of the other keys: never made there, only ended */
};

struct changing {
	struct tact_decider *decider;
	struct tact_arena *arena;
	const struct tact_recipient *recipients;
	const struct tact_change *changes;
	struct tact_changed *ret;
	struct record_terms terms;
	struct whom *people; /* as the caller's recipients */
	struct step *steps;  /* sorted by key */
	size_t steps_count;
	struct tact_store_key *keys;
	size_t keys_count;
	size_t *first_step; /* of each key, and one past the end */
	struct record_found *found;
};

struct record_found {
	int result;
	uint64_t version_seen;
	bool changed, has_person_key;
	uint8_t person_key[TACT_SEAL_KEY_BYTES];
};

/* ---- the change itself: pure ---- */

static bool same_scope(const struct tact_scope *a, const struct tact_scope *b)
{
	return a->kind == b->kind && tact_text_equal_nocase(a->value, b->value);
}

static bool is_active(const struct tact_suppression *suppression, int64_t now_us)
{
	return suppression->ended_us == 0 && (suppression->until_us == 0 || suppression->until_us > now_us);
}

/* The same wish again: what is already known and at least as strict. */
static struct tact_suppression *find_same(
    struct tact_dossier *dossier, const struct tact_suppression *wish, int64_t now_us)
{
	for (size_t i = 0; i < dossier->suppressions_count; i++) {
		struct tact_suppression *known = &dossier->suppressions[i];

		if (is_active(known, now_us) && known->reason == wish->reason &&
		    known->purposes == wish->purposes && same_scope(&known->scope, &wish->scope))
			return known;
	}
	return NULL;
}

static bool suppress(struct tact_arena *arena, struct tact_dossier *dossier,
    const struct tact_suppression *wish, int64_t now_us)
{
	struct tact_suppression *known = find_same(dossier, wish, now_us), fresh = *wish;

	if (known == NULL) {
		if (tact_id_is_none(&fresh.id))
			fresh.id = tact_id_random();
		tact_dossier_add_suppression(arena, dossier, &fresh);
		return true;
	}
	/* The longer of the two ends; the earlier beginning stays. */
	if (known->until_us == 0 || (wish->until_us != 0 && wish->until_us <= known->until_us))
		return false;
	known->until_us = wish->until_us;
	return true;
}

static bool unsuppress(struct tact_dossier *dossier, const struct tact_change *change, int64_t now_us)
{
	const struct tact_suppression *which = &change->suppression;
	bool changed = false;

	for (size_t i = 0; i < dossier->suppressions_count; i++) {
		struct tact_suppression *known = &dossier->suppressions[i];
		bool meant = tact_id_is_none(&which->id) ? same_scope(&known->scope, &which->scope)
							 : tact_id_equal(&known->id, &which->id);

		if (!meant || !is_active(known, now_us))
			continue;
		known->ended_us = now_us;
		known->ended_by = change->by != NULL ? change->by : "";
		known->ended_why = change->why != NULL ? change->why : "";
		changed = true;
	}
	return changed;
}

static bool add_contact(
    struct tact_arena *arena, struct tact_dossier *dossier, const struct tact_contact *contact)
{
	struct tact_contact fresh = *contact;

	if (!tact_id_is_none(&fresh.id) && tact_dossier_find_contact(dossier, &fresh.id) != NULL)
		return false;
	if (tact_id_is_none(&fresh.id))
		fresh.id = tact_id_random();
	tact_dossier_add_contact(arena, dossier, &fresh);
	return true;
}

static bool apply(struct changing *changing, const struct step *step, struct tact_dossier *dossier)
{
	const struct tact_change *change = &changing->changes[step->change];

	switch (change->kind) {
	case TACT_CHANGE_SUPPRESS:
		return suppress(changing->arena, dossier, &change->suppression, changing->terms.now_us);
	case TACT_CHANGE_UNSUPPRESS:
		return unsuppress(dossier, change, changing->terms.now_us);
	case TACT_CHANGE_CONTACT:
		return add_contact(changing->arena, dossier, &change->contact);
	case TACT_CHANGE_ALIAS:
		break;
	}
	return false;
}

static bool change_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct changing *changing = context;
	struct record_found *found = &changing->found[index];
	struct tact_dossier dossier;
	const struct whom *whom = NULL;

	(void)store_now_us;
	*found = (struct record_found){.version_seen = now->version};
	found->result = tact_dossier_decode(changing->arena, now->bytes, now->size, &dossier, NULL);
	if (found->result != TACT_OK)
		return false;
	for (size_t i = changing->first_step[index]; i < changing->first_step[index + 1]; i++) {
		const struct step *step = &changing->steps[i];
		bool changed = apply(changing, step, &dossier);

		found->changed |= changed;
		if (!step->also)
			whom = &changing->people[step->change];
		if (changed)
			changing->ret[step->change].changed = true;
	}
	if (found->changed)
		record_finish(changing->arena, &changing->terms, whom, &dossier, ret);
	found->has_person_key = dossier.has_person_key;
	memcpy(found->person_key, dossier.person_key, sizeof found->person_key);
	return found->changed;
}

/* ---- aliases ---- */

static bool alias_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	const struct tact_id *target = context;

	(void)index;
	(void)store_now_us;
	if (now->size == TACT_ID_BYTES && memcmp(now->bytes, target->b, TACT_ID_BYTES) == 0)
		return false;
	*ret = (struct tact_store_put){.bytes = target->b, .size = TACT_ID_BYTES};
	return true;
}

static void make_alias(struct changing *changing, size_t index, int64_t deadline_ms)
{
	struct tact_id target = changing->changes[index].alias_of;
	struct tact_store_key key = {.kind = TACT_STORE_ALIAS, .id = changing->recipients[index].key};
	struct tact_store_answer answer;

	changing->ret[index].result = tact_store_update(
	    changing->decider->parts.store, &key, 1, alias_one, &target, &answer, deadline_ms);
	changing->ret[index].version = answer.version;
	changing->ret[index].changed = changing->ret[index].result == TACT_OK;
}

/* ---- around the update ---- */

static void list_steps(struct changing *changing, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct whom *whom = &changing->people[i];

		changing->ret[i] = (struct tact_changed){.result = whom->result};
		if (whom->result != TACT_OK || changing->changes[i].kind == TACT_CHANGE_ALIAS)
			continue;
		*TACT_PUSH(changing->arena, changing->steps, changing->steps_count) =
		    (struct step){.change = i, .key = whom->key};
		for (size_t j = 0;
		     changing->changes[i].kind == TACT_CHANGE_UNSUPPRESS && j < whom->asked_count; j++)
			*TACT_PUSH(changing->arena, changing->steps, changing->steps_count) =
			    (struct step){.change = i, .key = whom->asked[j], .also = true};
	}
}

static int compare_steps(const void *a, const void *b)
{
	const struct step *left = a, *right = b;
	int order = memcmp(left->key.b, right->key.b, TACT_ID_BYTES);

	return order != 0 ? order : (left->change > right->change) - (left->change < right->change);
}

static void group_by_key(struct changing *changing)
{
	size_t n = changing->steps_count;

	if (n > 1)
		qsort(changing->steps, n, sizeof *changing->steps, compare_steps);
	changing->keys = tact_arena_alloc(changing->arena, (n + 1) * sizeof *changing->keys);
	changing->first_step = tact_arena_alloc(changing->arena, (n + 2) * sizeof *changing->first_step);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && tact_id_equal(&changing->steps[i].key, &changing->steps[i - 1].key))
			continue;
		changing->first_step[changing->keys_count] = i;
		changing->keys[changing->keys_count++] =
		    (struct tact_store_key){.kind = TACT_STORE_DOSSIER, .id = changing->steps[i].key};
	}
	changing->first_step[changing->keys_count] = n;
	changing->found =
	    tact_arena_alloc(changing->arena, (changing->keys_count + 1) * sizeof *changing->found);
}

static void take_answers(struct changing *changing, const struct tact_store_answer *answers)
{
	for (size_t k = 0; k < changing->keys_count; k++) {
		int result = worst(answers[k].result, changing->found[k].result);

		for (size_t i = changing->first_step[k]; i < changing->first_step[k + 1]; i++) {
			struct tact_changed *changed = &changing->ret[changing->steps[i].change];

			changed->result = worst(changed->result, result);
			if (!changing->steps[i].also)
				changed->version = answers[k].version;
		}
	}
}

static const char *const change_names[] = {[TACT_CHANGE_SUPPRESS] = "suppress",
    [TACT_CHANGE_UNSUPPRESS] = "unsuppress",
    [TACT_CHANGE_CONTACT] = "contact",
    [TACT_CHANGE_ALIAS] = "alias"};

static void describe(
    struct changing *changing, const struct tact_change *change, struct tact_audit_entry *entry)
{
	const struct tact_suppression *suppression = &change->suppression;
	const char *why = change->why != NULL ? change->why : "", *by = change->by != NULL ? change->by : "";

	entry->action = change_names[change->kind];
	entry->text = tact_arena_printf(changing->arena, "by %s: %s", by, why);
	if (change->kind == TACT_CHANGE_CONTACT) {
		entry->purpose = tact_facts_purpose_name(change->contact.purpose);
		entry->stream = change->contact.stream[0] != '\0' ? change->contact.stream : NULL;
		entry->owner = change->contact.owner[0] != '\0' ? change->contact.owner : NULL;
		return;
	}
	struct tact_audit_weighed *weighed = tact_arena_alloc(changing->arena, sizeof *weighed);
	*weighed = (struct tact_audit_weighed){
	    .scope = tact_dossier_format_scope(changing->arena, &suppression->scope),
	    .reason =
		change->kind == TACT_CHANGE_SUPPRESS ? tact_dossier_reason_name(suppression->reason) : NULL,
	    .time_us = suppression->time_us};
	entry->weighed = weighed;
	entry->weighed_count = 1;
	entry->until_us = suppression->until_us;
}

static int append(struct changing *changing, struct tact_error *err)
{
	struct tact_audit_entry *entries = NULL;
	size_t count = 0;

	for (size_t k = 0; k < changing->keys_count; k++) {
		const struct record_found *found = &changing->found[k];

		for (size_t i = changing->first_step[k]; found->changed && i < changing->first_step[k + 1];
		     i++) {
			const struct step *step = &changing->steps[i];
			struct tact_audit_entry *entry;

			if (changing->ret[step->change].result != TACT_OK ||
			    !changing->ret[step->change].changed)
				continue;
			entry = TACT_PUSH(changing->arena, entries, count);
			evidence_common(changing->terms.rules, TACT_AUDIT_CHANGE, "command", entry);
			describe(changing, &changing->changes[step->change], entry);
			entry->version_seen = found->version_seen;
			entry->version_written = changing->ret[step->change].version;
			if (found->has_person_key)
				evidence_person(changing->arena, found->person_key, &step->key,
				    changing->people[step->change].recipient.address.domain, entry);
		}
	}
	return evidence_append(changing->decider, entries, count, changing->terms.now_us, err);
}

static struct changing begin(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_recipient *recipients, const struct tact_change *changes, size_t count, int64_t now_us,
    int64_t deadline_ms, struct tact_changed *ret)
{
	struct changing changing = {.decider = decider,
	    .arena = arena,
	    .recipients = recipients,
	    .changes = changes,
	    .ret = ret,
	    .people = tact_arena_alloc(arena, (count + 1) * sizeof *changing.people),
	    .terms = {
		.rules = tact_decider_take_rules(decider), .host = decider->parts.host, .now_us = now_us}};

	for (size_t i = 0; i < count; i++)
		changing.people[i].recipient = recipients[i];
	whom_resolve(decider, arena, changing.people, count, deadline_ms);
	list_steps(&changing, count);
	group_by_key(&changing);
	return changing;
}

/* Ending what is not there is worth an answer of its own. */
static int sum_up(const struct changing *changing, size_t count)
{
	int result = TACT_OK;

	for (size_t i = 0; i < count; i++) {
		struct tact_changed *changed = &changing->ret[i];

		if (changed->result == TACT_OK && !changed->changed &&
		    changing->changes[i].kind == TACT_CHANGE_UNSUPPRESS)
			changed->result = TACT_ABSENT;
		result = worst(result, changed->result);
	}
	return result;
}

int tact_decide_change(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_recipient *recipients, const struct tact_change *changes, size_t count, int64_t now_us,
    int64_t deadline_ms, struct tact_changed *ret, struct tact_error *err)
{
	struct changing changing =
	    begin(decider, arena, recipients, changes, count, now_us, deadline_ms, ret);
	int result = TACT_OK, appended;

	if (changing.keys_count > 0) {
		struct tact_store_answer *answers =
		    tact_arena_alloc(arena, changing.keys_count * sizeof *answers);
		result = tact_store_update(decider->parts.store, changing.keys, changing.keys_count,
		    change_one, &changing, answers, deadline_ms);
		take_answers(&changing, answers);
	}
	for (size_t i = 0; i < count; i++)
		if (changes[i].kind == TACT_CHANGE_ALIAS && ret[i].result == TACT_OK)
			make_alias(&changing, i, deadline_ms);
	result = worst(result, sum_up(&changing, count));
	if (result == TACT_UNAVAILABLE || result == TACT_UNCERTAIN)
		tact_store_last_error(decider->parts.store, err);
	appended = append(&changing, err);
	tact_decider_put_rules(decider, changing.terms.rules);
	return worst(result, appended);
}

int tact_decide_change_preview(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_recipient *recipients, const struct tact_change *changes, size_t count, int64_t now_us,
    struct tact_changed *ret, struct tact_error *err)
{
	struct changing changing = begin(decider, arena, recipients, changes, count, now_us, 0, ret);
	size_t n = changing.keys_count;
	struct tact_record *records = tact_arena_alloc(arena, (n + 1) * sizeof *records);
	struct tact_store_answer *answers = tact_arena_alloc(arena, (n + 1) * sizeof *answers);
	struct tact_store_put unused;

	if (n > 0)
		(void)tact_store_read(decider->parts.store, changing.keys, n, arena, records, answers, 0);
	for (size_t k = 0; k < n; k++) {
		if (answers[k].result == TACT_OK)
			(void)change_one(&changing, k, &records[k], now_us, &unused);
		answers[k].version = records[k].version;
	}
	take_answers(&changing, answers);
	int result = sum_up(&changing, count);
	if (result == TACT_UNAVAILABLE)
		tact_store_last_error(decider->parts.store, err);
	tact_decider_put_rules(decider, changing.terms.rules);
	return result;
}

int tact_decide_view(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_recipient *recipient, struct tact_dossier *ret, struct tact_id *ret_key,
    uint64_t *ret_version, struct tact_error *err)
{
	struct whom whom = {.recipient = *recipient};
	struct tact_record record;
	struct tact_store_answer answer;
	struct tact_dossier own;
	int result;

	whom_resolve(decider, arena, &whom, 1, 0);
	struct tact_store_key key = {.kind = TACT_STORE_DOSSIER, .id = whom.key};
	result = whom.result;
	if (result == TACT_OK)
		result = tact_store_read(decider->parts.store, &key, 1, arena, &record, &answer, 0);
	if (result != TACT_OK) {
		tact_store_last_error(decider->parts.store, err);
		return result;
	}
	result = tact_dossier_decode(arena, record.bytes, record.size, &own, err);
	if (result != TACT_OK)
		return result;
	*ret = *whom_view(arena, &whom, &own);
	*ret_key = whom.key;
	*ret_version = record.version;
	return TACT_OK;
}

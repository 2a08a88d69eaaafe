/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One more name for a person: a second address, a phone number or an old key that from now on stands for
 * another dossier. One hop: an alias of an alias is led on, and what led to the new alias is led on with it.
 *
 * What counts is brought to the person first, then the alias leads there, and last its own record is left:
 * emptied of what went over, with a mark that makes whoever looked it up before look again. Only a record
 * that nobody wrote meanwhile is left; else it is brought anew. So nothing that counts, waits or forbids ever
 * stands where mail to the person does not look.
 *
 * Here are these steps. What goes over is alias_carry.c's matter, whom an alias leads to alias_lead.c's.
 */
#include <config.h>

#include <string.h>

#include "alias.h"
#include "aliasing.h"

/* ---- what goes over ---- */

/* On both sides alike, or what is folded on one alone is not known again. */
static void tidy(const struct aliasing *aliasing, struct tact_dossier *dossier)
{
	tact_dossier_tidy(
	    aliasing->arena, dossier, aliasing->terms->now_us, aliasing->terms->rules->history_s);
}

static bool adopt(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct aliasing *aliasing = context;
	struct tact_dossier dossier;
	bool changed;

	(void)index;
	(void)store_now_us;
	aliasing->result = tact_dossier_decode(aliasing->arena, now->bytes, now->size, &dossier, NULL);
	if (aliasing->result == TACT_OK && !aliasing->ends && !tact_id_is_none(&dossier.stands_for))
		aliasing->result = TACT_UNAVAILABLE; /* it became an alias itself, just now */
	if (aliasing->result != TACT_OK)
		return false;
	if (!aliasing->again)
		tact_dossier_copy(aliasing->arena, &dossier, &aliasing->found);
	changed = !dossier.has_person_key || !tact_id_is_none(&dossier.stands_for);
	dossier.stands_for = (struct tact_id){{0}};
	tidy(aliasing, &dossier);
	for (size_t i = 0; i < aliasing->sources_count; i++)
		changed |= alias_carry(aliasing, &aliasing->sources[i], &dossier);
	if (changed)
		record_finish(aliasing->arena, aliasing->terms, NULL, &dossier, ret);
	if (!aliasing->has_person_key)
		memcpy(aliasing->person_key, dossier.person_key, sizeof aliasing->person_key);
	recovery_encode(aliasing->arena, &dossier, &aliasing->wishes);
	return changed;
}

static int read_source(struct aliasing *aliasing, struct source *source)
{
	struct tact_store_key key = {.kind = TACT_STORE_DOSSIER, .id = source->key};
	struct tact_record record;
	struct tact_store_answer answer;
	int result =
	    tact_store_read(aliasing->decider->parts.store, &key, 1, aliasing->arena, &record, &answer, 0);

	if (result != TACT_OK)
		return result;
	source->version = record.version;
	result = tact_dossier_decode(aliasing->arena, record.bytes, record.size, &source->dossier, NULL);
	if (result != TACT_OK)
		return result;
	tidy(aliasing, &source->dossier);
	alias_name_rows(aliasing->arena, &source->key, &source->dossier);
	return TACT_OK;
}

static int bring(struct aliasing *aliasing)
{
	struct tact_store_key key = {.kind = TACT_STORE_DOSSIER, .id = aliasing->into};
	struct tact_store_answer answer;
	int result = TACT_OK;

	for (size_t i = 0; i < aliasing->sources_count && result == TACT_OK; i++)
		result = read_source(aliasing, &aliasing->sources[i]);
	if (result != TACT_OK)
		return result;
	result = tact_store_update(aliasing->decider->parts.store, &key, 1, adopt, aliasing, &answer, 0);
	aliasing->again = true;
	return worst(result, aliasing->result);
}

/* ---- what is left ---- */

/* Wishes and permissions have ids, and stay for the day it stands for itself again; what counts, or waits,
 * must stand in one place. */
static bool leave_one(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct aliasing *aliasing = context;
	struct source *source = NULL;
	struct tact_dossier left;

	(void)store_now_us;
	for (size_t i = 0, moved = 0; i < aliasing->sources_count; i++)
		if (!aliasing->sources[i].stays && moved++ == index)
			source = &aliasing->sources[i];
	source->late = now->version != source->version;
	left = source->dossier;
	if (source->late || (tact_id_equal(&left.stands_for, &aliasing->into) &&
				left.contacts_count + left.claims_count == 0))
		return false;
	left.stands_for = aliasing->into;
	left.contacts_count = left.told_count = left.claims_count = 0;
	left.profile.own_limit = "";
	record_finish(aliasing->arena, aliasing->terms, NULL, &left, ret);
	return true;
}

static int leave(struct aliasing *aliasing, bool *ret_late)
{
	size_t count = 0, n = aliasing->sources_count;
	struct tact_store_key *keys = tact_arena_alloc(aliasing->arena, (n + 1) * sizeof *keys);
	struct tact_store_answer *answers = tact_arena_alloc(aliasing->arena, (n + 1) * sizeof *answers);
	int result = TACT_OK;

	for (size_t i = 0; i < n; i++)
		if (!aliasing->sources[i].stays)
			keys[count++] = (struct tact_store_key){
			    .kind = TACT_STORE_DOSSIER, .id = aliasing->sources[i].key};
	if (count > 0)
		result = tact_store_update(
		    aliasing->decider->parts.store, keys, count, leave_one, aliasing, answers, 0);
	*ret_late = false;
	for (size_t i = 0; i < n; i++) {
		struct source *source = &aliasing->sources[i];

		*ret_late |= source->late;
		source->earlier = source->dossier;
		source->again = true;
	}
	return result;
}

static bool any_stays(const struct aliasing *aliasing)
{
	for (size_t i = 0; i < aliasing->sources_count; i++)
		if (aliasing->sources[i].stays)
			return true;
	return false;
}

#define LEAVE_TRIES 16

/* To one who goes on there came what was meant for the alias until it led elsewhere: once more is looked. */
static int leave_all(struct aliasing *aliasing, struct tact_error *err)
{
	for (int tries = 0; tries < LEAVE_TRIES; tries++) {
		bool late;
		int result = leave(aliasing, &late);

		if (result != TACT_OK || (!late && (tries > 0 || !any_stays(aliasing))))
			return result;
		result = bring(aliasing);
		if (result != TACT_OK)
			return result;
	}
	return tact_error_set(err, TACT_UNAVAILABLE, "it is written to all the time; try again");
}

/* ---- all of it ---- */

static void seal_alias(struct aliasing *aliasing, struct tact_audit_entry **entries, size_t *count)
{
	aliasing->wishes.key = aliasing->into;
	aliasing->wishes.alias = aliasing->alias;
	aliasing->wishes.ends = aliasing->ends;
	aliasing->wishes.version = aliasing->version_written;
	recovery_seal(aliasing->arena, aliasing->decider->parts.identity, &aliasing->wishes,
	    aliasing->terms->now_us, entries, count);
}

static int append(struct aliasing *aliasing, bool known, struct tact_error *err)
{
	struct tact_audit_entry *entries = NULL, *entry;
	size_t count = 0;
	const struct tact_change *change = aliasing->change;
	struct tact_arena *arena = aliasing->arena;
	const char *why = change->why != NULL ? change->why : "";

	entry = TACT_PUSH(arena, entries, count);
	evidence_common(aliasing->terms->rules, TACT_AUDIT_CHANGE, "command", entry);
	entry->action = aliasing->ends ? "alias-ended" : "alias";
	entry->text = tact_arena_printf(arena, "by %s: %s %s%s%s%s", change->by != NULL ? change->by : "",
	    tact_id_format(arena, &aliasing->alias), aliasing->ends ? "stands for itself" : "stands for this",
	    *why != '\0' ? ": " : "", why, known ? " (known already)" : "");
	entry->version_seen = aliasing->version_seen;
	entry->version_written = aliasing->version_written;
	evidence_person(arena, aliasing->person_key, &aliasing->target, NULL, entry);
	seal_alias(aliasing, &entries, &count);
	return evidence_append(aliasing->decider, entries, count, aliasing->terms->now_us, err);
}

/* Whom the alias stands for now, and whom it is to stand for. */
static int find_target(struct aliasing *aliasing, struct tact_id *ret_now, struct tact_error *err)
{
	uint64_t unused;
	struct tact_id further;
	int result = alias_read(aliasing, &aliasing->alias, ret_now, &aliasing->version_seen);

	aliasing->version_written = aliasing->version_seen;
	if (result != TACT_OK)
		return result;
	if (aliasing->ends) {
		aliasing->target = *ret_now;
		return tact_id_is_none(ret_now)
			   ? tact_error_set(err, TACT_ABSENT, "it stands for nobody else")
			   : TACT_OK;
	}
	aliasing->target = aliasing->change->alias_of;
	result = alias_read(aliasing, &aliasing->target, &further, &unused);
	if (result == TACT_OK && !tact_id_is_none(&further))
		aliasing->target = further;
	if (result == TACT_OK && tact_id_equal(&aliasing->target, &aliasing->alias))
		return tact_error_set(err, TACT_INVALID, "it cannot stand for itself");
	return result;
}

static void add_source(struct aliasing *aliasing, const struct tact_id *key, bool stays)
{
	if (tact_id_is_none(key) || tact_id_equal(key, &aliasing->into))
		return;
	for (size_t i = 0; i < aliasing->sources_count; i++)
		if (tact_id_equal(&aliasing->sources[i].key, key))
			return;
	*TACT_PUSH(aliasing->arena, aliasing->sources, aliasing->sources_count) =
	    (struct source){.key = *key, .stays = stays};
}

/* NOW: whom it stood for so far. */
static void list_sources(struct aliasing *aliasing, const struct tact_id *now)
{
	const struct tact_recipient *recipient = aliasing->recipient;
	const struct tact_change *change = aliasing->change;

	add_source(aliasing, &aliasing->alias, false);
	for (size_t i = 0; i < recipient->also_count; i++)
		add_source(aliasing, &recipient->also[i], false);
	for (size_t i = 0; i < change->alias_also_count; i++)
		add_source(aliasing, &change->alias_also[i], false);
	add_source(aliasing, now, true);
}

/* Its person goes on, and nobody can tell which of his contacts, wishes and mails were this one's: it keeps
 * them all, before it stands for itself. */
static int end_alias(struct aliasing *aliasing, struct tact_error *err)
{
	const struct tact_recipient *recipient = aliasing->recipient;
	struct tact_dossier person;
	int result = whom_read(aliasing->decider, aliasing->arena, &aliasing->target, &person, 0);

	if (result != TACT_OK)
		return result;
	aliasing->has_person_key = person.has_person_key;
	memcpy(aliasing->person_key, person.person_key, sizeof aliasing->person_key);
	aliasing->into = aliasing->alias;
	add_source(aliasing, &aliasing->target, true);
	for (size_t i = 0; i < recipient->also_count; i++)
		add_source(aliasing, &recipient->also[i], false);
	result = bring(aliasing);
	if (result == TACT_OK)
		result = alias_point_others(aliasing);
	if (result == TACT_OK)
		result = alias_point(aliasing, (struct tact_id){{0}});
	return result == TACT_OK ? leave_all(aliasing, err) : result;
}

static int make_alias(struct aliasing *aliasing, const struct tact_id *now, struct tact_error *err)
{
	int result;

	aliasing->into = aliasing->target;
	list_sources(aliasing, now);
	/* The person first: an alias must not lead away from what was known under it. */
	result = bring(aliasing);
	if (result == TACT_OK)
		result = alias_point(aliasing, aliasing->target);
	if (result == TACT_OK)
		result = alias_point_others(aliasing);
	if (result == TACT_OK)
		result = alias_lead_others_on(aliasing, err);
	if (result == TACT_OK)
		result = alias_check_target(aliasing, now, err);
	return result == TACT_OK ? leave_all(aliasing, err) : result;
}

int alias_change(struct tact_decider *decider, struct tact_arena *arena, const struct record_terms *terms,
    const struct tact_recipient *alias, const struct tact_change *change, struct tact_changed *ret,
    struct tact_error *err)
{
	struct aliasing aliasing = {.decider = decider,
	    .arena = arena,
	    .terms = terms,
	    .change = change,
	    .recipient = alias,
	    .alias = alias->key,
	    .ends = tact_id_is_none(&change->alias_of)};
	struct tact_id now;
	bool known;
	int result = find_target(&aliasing, &now, err);

	if (result != TACT_OK)
		return result;
	known = !aliasing.ends && tact_id_equal(&now, &aliasing.target);
	result = aliasing.ends ? end_alias(&aliasing, err) : make_alias(&aliasing, &now, err);
	if (result != TACT_OK) {
		if (err != NULL && err->text[0] == '\0')
			tact_store_last_error(decider->parts.store, err);
		return result;
	}
	ret->changed = !known;
	ret->version = aliasing.version_written;
	if (known && (int64_t)aliasing.version_seen <=
			 tact_store_now_us(decider->parts.store) - terms->rules->retry_window_s * 1000000)
		return TACT_OK;
	return append(&aliasing, known, err);
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One more name for a person: a second address, a phone number or an old key that from now on stands for
 * another dossier. One hop: an alias of an alias is led on, and what led to the new alias is led on with it.
 */
#include <config.h>

#include <string.h>

#include "alias.h"

struct aliasing {
	struct tact_decider *decider;
	struct tact_arena *arena;
	const struct record_terms *terms;
	const struct tact_change *change;
	struct tact_id alias, target; /* target none: there is none yet, or no more */
	bool ends;
	uint64_t version_seen, version_written;
	bool recent;
	struct recovery_wishes wishes; /* of the target, as they are now */
	struct tact_dossier
	    before; /* what stood under the alias's own key and is strict: wishes and contacts */
	bool has_before;
	uint8_t person_key[TACT_SEAL_KEY_BYTES];
	int result;		  /* of reading a dossier inside the store's update */
	struct tact_id *led_here; /* other aliases that point to this one */
	size_t led_here_count;
};

/* ---- alias records ---- */

static bool point_to(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	const struct tact_id *target = context;
	size_t size = tact_id_is_none(target) ? 0 : TACT_ID_BYTES;

	(void)index;
	(void)store_now_us;
	if (now->size == size && (size == 0 || memcmp(now->bytes, target->b, size) == 0))
		return false;
	*ret = (struct tact_store_put){.bytes = target->b, .size = size};
	return true;
}

/* The target of KEY, none when it is no alias; its version. */
static int read_alias(
    struct aliasing *aliasing, const struct tact_id *key, struct tact_id *ret, uint64_t *ret_version)
{
	struct tact_store_key store_key = {.kind = TACT_STORE_ALIAS, .id = *key};
	struct tact_record record;
	struct tact_store_answer answer;
	int result = tact_store_read(
	    aliasing->decider->parts.store, &store_key, 1, aliasing->arena, &record, &answer, 0);

	*ret = (struct tact_id){{0}};
	if (result != TACT_OK)
		return result;
	*ret_version = record.version;
	if (record.size == 0)
		return TACT_OK;
	if (record.size != TACT_ID_BYTES)
		return TACT_CORRUPT;
	memcpy(ret->b, record.bytes, TACT_ID_BYTES);
	return TACT_OK;
}

static bool note_led_here(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct aliasing *aliasing = context;

	if (record->size == TACT_ID_BYTES && memcmp(record->bytes, aliasing->alias.b, TACT_ID_BYTES) == 0)
		*TACT_PUSH(aliasing->arena, aliasing->led_here, aliasing->led_here_count) = key->id;
	return true;
}

/* This alias and, when it stands for somebody, all that led to it. */
static int write_aliases(struct aliasing *aliasing, struct tact_error *err)
{
	struct tact_store *store = aliasing->decider->parts.store;
	struct tact_store_key *keys;
	struct tact_store_answer *answers;
	size_t count;
	int result =
	    aliasing->ends ? TACT_OK : tact_store_scan(store, TACT_STORE_ALIAS, note_led_here, aliasing, err);

	if (result != TACT_OK)
		return result;
	count = aliasing->led_here_count + 1;
	keys = tact_arena_alloc(aliasing->arena, count * sizeof *keys);
	answers = tact_arena_alloc(aliasing->arena, count * sizeof *answers);
	keys[0] = (struct tact_store_key){.kind = TACT_STORE_ALIAS, .id = aliasing->alias};
	for (size_t i = 1; i < count; i++)
		keys[i] = (struct tact_store_key){.kind = TACT_STORE_ALIAS, .id = aliasing->led_here[i - 1]};
	struct tact_id target = aliasing->ends ? (struct tact_id){{0}} : aliasing->target;
	result = tact_store_update(store, keys, count, point_to, &target, answers, 0);
	aliasing->version_written = answers[0].version;
	return result;
}

/* ---- the two dossiers ---- */

/* Nobody is permitted more for standing under two names, and claims stay where their mail looks for them. */
static void keep_strict(struct tact_dossier *dossier)
{
	struct tact_dossier all = *dossier;

	tact_dossier_init(dossier);
	dossier->contacts = all.contacts;
	dossier->contacts_count = all.contacts_count;
	dossier->suppressions = all.suppressions;
	dossier->suppressions_count = all.suppressions_count;
}

static bool adopt(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct aliasing *aliasing = context;
	struct tact_dossier dossier;
	bool fresh;

	(void)index;
	(void)store_now_us;
	aliasing->result = tact_dossier_decode(aliasing->arena, now->bytes, now->size, &dossier, NULL);
	if (aliasing->result != TACT_OK)
		return false;
	fresh = !dossier.has_person_key;
	if (aliasing->has_before)
		tact_dossier_merge(aliasing->arena, &dossier, &aliasing->before);
	if (fresh || aliasing->has_before)
		record_finish(aliasing->arena, aliasing->terms, NULL, &dossier, ret);
	memcpy(aliasing->person_key, dossier.person_key, sizeof aliasing->person_key);
	recovery_encode(aliasing->arena, &dossier, &aliasing->wishes);
	return fresh || aliasing->has_before;
}

static int update_person(struct aliasing *aliasing, bool carry)
{
	struct tact_store_key key = {.kind = TACT_STORE_DOSSIER, .id = aliasing->target};
	struct tact_store_answer answer;
	int result;

	aliasing->has_before = false;
	if (carry) {
		result =
		    whom_read(aliasing->decider, aliasing->arena, &aliasing->alias, &aliasing->before, 0);
		if (result != TACT_OK)
			return result;
		keep_strict(&aliasing->before);
		aliasing->has_before =
		    aliasing->before.contacts_count + aliasing->before.suppressions_count > 0;
	}
	result = tact_store_update(aliasing->decider->parts.store, &key, 1, adopt, aliasing, &answer, 0);
	return worst(result, aliasing->result);
}

static bool was_carried(const struct tact_dossier *before, const struct tact_contact *contact)
{
	for (size_t i = 0; i < before->contacts_count; i++) {
		const struct tact_contact *one = &before->contacts[i];

		if (tact_id_equal(&one->id, &contact->id) && one->time_us == contact->time_us &&
		    one->span_us == contact->span_us && one->count == contact->count)
			return true;
	}
	return false;
}

/* The alias's own record is read along: a contact must not count in both. Wishes have ids, and stay for the
 * day it stands for itself again. */
static bool drop_carried(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct aliasing *aliasing = context;
	struct tact_dossier dossier;
	size_t kept = 0, before;

	(void)index;
	(void)store_now_us;
	aliasing->result = tact_dossier_decode(aliasing->arena, now->bytes, now->size, &dossier, NULL);
	if (aliasing->result != TACT_OK)
		return false;
	before = dossier.contacts_count;
	for (size_t i = 0; i < before; i++)
		if (!was_carried(&aliasing->before, &dossier.contacts[i]))
			dossier.contacts[kept++] = dossier.contacts[i];
	dossier.contacts_count = kept;
	if (kept == before)
		return false;
	record_finish(aliasing->arena, aliasing->terms, NULL, &dossier, ret);
	return true;
}

static int update_alias(struct aliasing *aliasing)
{
	struct tact_store_key key = {.kind = TACT_STORE_DOSSIER, .id = aliasing->alias};
	struct tact_store_answer answer;
	int result;

	if (!aliasing->has_before)
		return TACT_OK;
	result =
	    tact_store_update(aliasing->decider->parts.store, &key, 1, drop_carried, aliasing, &answer, 0);
	return worst(result, aliasing->result);
}

/* ---- all of it ---- */

static void seal_alias(struct aliasing *aliasing, struct tact_audit_entry **entries, size_t *count)
{
	aliasing->wishes.key = aliasing->target;
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
	int result = read_alias(aliasing, &aliasing->alias, ret_now, &aliasing->version_seen);

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
	result = read_alias(aliasing, &aliasing->target, &further, &unused);
	if (result == TACT_OK && !tact_id_is_none(&further))
		aliasing->target = further;
	if (result == TACT_OK && tact_id_equal(&aliasing->target, &aliasing->alias))
		return tact_error_set(err, TACT_INVALID, "it cannot stand for itself");
	return result;
}

int alias_change(struct tact_decider *decider, struct tact_arena *arena, const struct record_terms *terms,
    const struct tact_id *alias, const struct tact_change *change, struct tact_changed *ret,
    struct tact_error *err)
{
	struct aliasing aliasing = {.decider = decider,
	    .arena = arena,
	    .terms = terms,
	    .change = change,
	    .alias = *alias,
	    .ends = tact_id_is_none(&change->alias_of)};
	struct tact_id now;
	bool known;
	int result = find_target(&aliasing, &now, err);

	if (result != TACT_OK)
		return result;
	known = !aliasing.ends && tact_id_equal(&now, &aliasing.target);
	/* The person first: an alias must not lead away from what was known under it. */
	result = update_person(&aliasing, !known && !aliasing.ends);
	if (result == TACT_OK && !known)
		result = write_aliases(&aliasing, err);
	if (result == TACT_OK)
		result = update_alias(&aliasing);
	if (result != TACT_OK) {
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

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Under which keys one person was ever written, and what stands under each alone: evidence names him after
 * the record that it was about at its time, be that another's by now.
 */
#include <config.h>

#include <string.h>

#include "alias_record.h"

struct naming {
	struct tact_decider *decider;
	struct tact_arena *arena;
	struct tact_name *names;
	size_t count;
	bool all; /* no alias is left out because it cannot be read */
};

static bool is_named(const struct naming *naming, const struct tact_id *key)
{
	for (size_t i = 0; i < naming->count; i++)
		if (tact_id_equal(&naming->names[i].key, key))
			return true;
	return false;
}

static void add(struct naming *naming, const struct tact_id *key)
{
	if (!tact_id_is_none(key) && !is_named(naming, key))
		*TACT_PUSH(naming->arena, naming->names, naming->count) = (struct tact_name){.key = *key};
}

static int read_all(
    const struct naming *naming, enum tact_store_kind kind, struct tact_record **ret, struct tact_error *err)
{
	size_t n = naming->count;
	struct tact_store_key *keys = tact_arena_alloc(naming->arena, n * sizeof *keys);
	struct tact_store_answer *answers = tact_arena_alloc(naming->arena, n * sizeof *answers);
	int result;

	*ret = tact_arena_alloc(naming->arena, n * sizeof **ret);
	for (size_t i = 0; i < n; i++)
		keys[i] = (struct tact_store_key){.kind = kind, .id = naming->names[i].key};
	result = tact_store_read(naming->decider->parts.store, keys, n, naming->arena, *ret, answers, 0);
	if (result != TACT_OK)
		tact_store_last_error(naming->decider->parts.store, err);
	return result;
}

static int refuse_alias(int result, struct tact_error *err)
{
	return tact_error_set(err, result, "an alias cannot be read: run \"tact store check\"");
}

/* Whom his names stand for. */
static int add_targets(struct naming *naming, struct tact_error *err)
{
	struct tact_record *records;
	size_t n = naming->count;
	int result = read_all(naming, TACT_STORE_ALIAS, &records, err);

	for (size_t i = 0; i < n && result == TACT_OK; i++) {
		struct tact_id target;

		if (records[i].size == 0)
			continue;
		result = alias_record_read(&records[i], &target);
		if (result == TACT_OK)
			add(naming, &target);
		else
			refuse_alias(result, err);
	}
	return result;
}

static bool add_if_his(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct naming *naming = context;
	struct tact_id target;

	if (alias_record_read(record, &target) != TACT_OK)
		naming->all = false;
	else if (is_named(naming, &target))
		add(naming, &key->id);
	return true;
}

/* One that cannot be read may be his, or anybody's. What its own record says of whom it stands for is no
 * help: that is the one it was made for, and it may have been led on to another since. */
static int add_aliases(struct naming *naming, struct tact_error *err)
{
	int result = tact_store_scan(naming->decider->parts.store, TACT_STORE_ALIAS, add_if_his, naming, err);

	naming->all &= result != TACT_CORRUPT;
	return result == TACT_CORRUPT ? TACT_OK : result;
}

static int read_names(struct naming *naming, struct tact_error *err)
{
	struct tact_record *records;
	int result = read_all(naming, TACT_STORE_DOSSIER, &records, err);

	for (size_t i = 0; i < naming->count && result == TACT_OK; i++) {
		struct tact_name *name = &naming->names[i];
		struct tact_dossier dossier;

		result = tact_dossier_decode(naming->arena, records[i].bytes, records[i].size, &dossier, err);
		if (result != TACT_OK)
			break;
		name->version = records[i].version;
		name->has_person_key = dossier.has_person_key;
		memcpy(name->person_key, dossier.person_key, sizeof name->person_key);
	}
	return result;
}

int tact_decide_names(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_recipient *recipient, struct tact_name **ret, size_t *ret_count, bool *ret_all,
    struct tact_error *err)
{
	struct naming naming = {.decider = decider, .arena = arena, .all = true};
	int result;

	add(&naming, &recipient->key);
	for (size_t i = 0; i < recipient->also_count; i++)
		add(&naming, &recipient->also[i]);
	result = add_targets(&naming, err);
	if (result == TACT_OK)
		result = add_aliases(&naming, err);
	if (result == TACT_OK)
		result = read_names(&naming, err);
	if (result != TACT_OK)
		return result;
	*ret = naming.names;
	*ret_count = naming.count;
	*ret_all = naming.all;
	return TACT_OK;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Whom an alias leads to: its record, those of the other keys that go with it, and those of other aliases
 * that led to it and are led on, so that one hop is enough. And what was changed meanwhile: when whom it is
 * to stand for became an alias at the same time, all that was led on is taken back.
 */
#include <config.h>

#include <string.h>

#include "alias_record.h"
#include "aliasing.h"

/* Where some records are to lead to, and the bytes of each. */
struct pointing {
	struct alias_record alias;
	bool led_on; /* under which key they were made stays as it is */
	uint8_t (*bytes)[ALIAS_RECORD_BYTES];
};

static bool point_to(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	const struct pointing *pointing = context;
	struct alias_record alias = pointing->alias;
	uint8_t *bytes = pointing->bytes[index];
	size_t size;

	(void)store_now_us;
	if (pointing->led_on)
		alias.made_under = alias_record_made_under(now);
	size = alias_record_print(&alias, bytes);
	if (now->size == size && (size == 0 || memcmp(now->bytes, bytes, size) == 0))
		return false;
	*ret = (struct tact_store_put){.bytes = bytes, .size = size};
	return true;
}

/* Whoever is named by more than a key has one under every secret; of a mere key nobody can tell, once there
 * was more than one secret. */
static struct tact_id made_under(const struct aliasing *aliasing)
{
	const struct tact_keyring *keyring = aliasing->decider->parts.identity->keyring;

	if (aliasing->recipient->also_count == 0 && tact_facts_keyring_count(keyring) > 1)
		return (struct tact_id){{0}};
	return tact_facts_keyring_fingerprint(keyring, 0);
}

int alias_read(
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
	return alias_record_read(&record, ret);
}

static bool is_moved(const struct aliasing *aliasing, const struct tact_id *key)
{
	for (size_t i = 0; i < aliasing->sources_count; i++)
		if (!aliasing->sources[i].stays && tact_id_equal(&aliasing->sources[i].key, key))
			return true;
	return false;
}

/* Or to the one asked for, which is an alias itself: as one who was told to try again may have left it. */
static bool leads_away(const struct aliasing *aliasing, const struct tact_id *key)
{
	const struct tact_id *asked = &aliasing->change->alias_of;

	return is_moved(aliasing, key) ||
	       (!tact_id_equal(asked, &aliasing->into) && tact_id_equal(asked, key));
}

static bool note_led_here(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct aliasing *aliasing = context;
	struct tact_id target;

	if (alias_record_read(record, &target) == TACT_OK && leads_away(aliasing, &target) &&
	    !tact_id_equal(&key->id, &aliasing->into))
		*TACT_PUSH(aliasing->arena, aliasing->led_here, aliasing->led_here_count) = key->id;
	return true;
}

static int point(struct aliasing *aliasing, const struct tact_id *aliases, size_t count,
    struct tact_id target, bool led_on, struct tact_store_answer *answers)
{
	struct tact_store_key *keys = tact_arena_alloc(aliasing->arena, (count + 1) * sizeof *keys);
	struct pointing pointing = {.alias = {target, made_under(aliasing)},
	    .led_on = led_on,
	    .bytes = tact_arena_alloc(aliasing->arena, (count + 1) * sizeof *pointing.bytes)};

	for (size_t i = 0; i < count; i++)
		keys[i] = (struct tact_store_key){.kind = TACT_STORE_ALIAS, .id = aliases[i]};
	return count == 0 ? TACT_OK
			  : tact_store_update(
				aliasing->decider->parts.store, keys, count, point_to, &pointing, answers, 0);
}

int alias_point(struct aliasing *aliasing, struct tact_id target)
{
	struct tact_store_answer answer;
	int result = point(aliasing, &aliasing->alias, 1, target, false, &answer);

	aliasing->version_written = answer.version;
	return result;
}

int alias_point_others(struct aliasing *aliasing)
{
	struct tact_id *keys = NULL;
	size_t count = 0;

	for (size_t i = 0; i < aliasing->sources_count; i++)
		if (!aliasing->sources[i].stays &&
		    !tact_id_equal(&aliasing->sources[i].key, &aliasing->alias))
			*TACT_PUSH(aliasing->arena, keys, count) = aliasing->sources[i].key;
	return point(aliasing, keys, count, aliasing->into, false,
	    tact_arena_alloc(aliasing->arena, (count + 1) * sizeof(struct tact_store_answer)));
}

static int point_led_here(struct aliasing *aliasing, const struct tact_id *target)
{
	size_t count = aliasing->led_here_count;

	return point(aliasing, aliasing->led_here, count, *target, true,
	    tact_arena_alloc(aliasing->arena, (count + 1) * sizeof(struct tact_store_answer)));
}

/* Looked for only after the alias leads on: whoever makes an alias of it meanwhile finds out by himself. */
int alias_lead_others_on(struct aliasing *aliasing, struct tact_error *err)
{
	int result =
	    tact_store_scan(aliasing->decider->parts.store, TACT_STORE_ALIAS, note_led_here, aliasing, err);

	return result != TACT_OK ? result : point_led_here(aliasing, &aliasing->target);
}

/* BACK: whom it stands for after all, none for itself. Who was led on with it goes with it. */
static void take_back(struct aliasing *aliasing, const struct tact_id *back)
{
	(void)alias_point(aliasing, *back);
	(void)point_led_here(aliasing, tact_id_is_none(back) ? &aliasing->alias : back);
}

/* Somebody else may have made the person an alias at the same time, perhaps of this very one. Then all is as
 * it was; only whoever stood for the person before stands for whom that one stands for. */
int alias_check_target(struct aliasing *aliasing, const struct tact_id *now, struct tact_error *err)
{
	struct tact_id further;
	uint64_t unused;
	int result = alias_read(aliasing, &aliasing->target, &further, &unused);

	if (result != TACT_OK || tact_id_is_none(&further))
		return result;
	take_back(aliasing, tact_id_equal(now, &aliasing->target) ? &further : now);
	return tact_error_set(
	    err, TACT_UNAVAILABLE, "whom it is to stand for became an alias just now; try again");
}

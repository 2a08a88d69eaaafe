/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The store knows by which key and canonical form its records are named (DESIGN §5). A program that would
 * name them otherwise must not start: it would find nobody's unsubscribe and send.
 *
 * The identity text: a line "tact-store 1", then "key FINGERPRINT" lines and "profile TEXT" lines, the
 * current one of each last, and "recovery DAY KEY".
 */
#include <config.h>

#include <string.h>

#include "private.h"

#define FIRST_LINE "tact-store 1"
#define ATTEMPTS_MOST 8

struct identity_text {
	const char **keys, **profiles;
	size_t keys_count, profiles_count;
	const char *recovery; /* NULL: none yet */
};

static int parse_line(struct tact_arena *arena, const char *line, struct identity_text *text)
{
	if (strncmp(line, "key ", 4) == 0)
		*TACT_PUSH(arena, text->keys, text->keys_count) = line + 4;
	else if (strncmp(line, "profile ", 8) == 0)
		*TACT_PUSH(arena, text->profiles, text->profiles_count) = line + 8;
	else if (strncmp(line, "recovery ", 9) == 0)
		text->recovery = line + 9;
	else
		return TACT_CORRUPT;
	return TACT_OK;
}

static int parse(
    struct tact_arena *arena, const char *stored, struct identity_text *ret, struct tact_error *err)
{
	char *rest = tact_arena_strdup(arena, stored), *line;

	*ret = (struct identity_text){0};
	if (stored[0] == '\0')
		return TACT_OK;
	line = strsep(&rest, "\n");
	if (!tact_text_equal(line, FIRST_LINE))
		return tact_error_set(err, TACT_CORRUPT,
		    "the store's identity begins with \"%.40s\", not \"" FIRST_LINE "\": %s", line,
		    strncmp(line, "tact-copy", 9) == 0
			? "a \"tact store copy\" into it was not finished; run that again"
			: "made by a newer tact, or damaged");
	while (rest != NULL && *rest != '\0')
		if (parse_line(arena, strsep(&rest, "\n"), ret) != TACT_OK)
			return tact_error_set(err, TACT_CORRUPT, "the store's identity cannot be read");
	if (ret->keys_count == 0 || ret->profiles_count == 0)
		return tact_error_set(
		    err, TACT_CORRUPT, "the store's identity lists no key or no canonical options");
	return TACT_OK;
}

static const char *print(struct tact_arena *arena, const struct identity_text *text)
{
	const char *all = FIRST_LINE "\n";

	for (size_t i = 0; i < text->keys_count; i++)
		all = tact_arena_printf(arena, "%skey %s\n", all, text->keys[i]);
	for (size_t i = 0; i < text->profiles_count; i++)
		all = tact_arena_printf(arena, "%sprofile %s\n", all, text->profiles[i]);
	if (text->recovery != NULL)
		all = tact_arena_printf(arena, "%srecovery %s\n", all, text->recovery);
	return all;
}

static bool in_keyring(struct tact_arena *arena, const struct tact_keyring *keyring, const char *fingerprint)
{
	for (size_t i = 0; i < tact_facts_keyring_count(keyring); i++) {
		struct tact_id id = tact_facts_keyring_fingerprint(keyring, i);

		if (tact_text_equal(tact_id_format(arena, &id), fingerprint))
			return true;
	}
	return false;
}

/* Makes TEXT the last of the list: moved there, or added. */
static void make_last(struct tact_arena *arena, const char ***list, size_t *count, const char *text)
{
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++)
		if (!tact_text_equal((*list)[i], text))
			(*list)[kept++] = (*list)[i];
	*count = kept;
	*(const char **)tact_arena_push(arena, (void **)list, count, sizeof **list) = text;
}

static int check_keys(struct tact_arena *arena, const struct identity_text *text,
    const struct tact_keyring *keyring, struct tact_error *err)
{
	for (size_t i = 0; i < text->keys_count; i++)
		if (!in_keyring(arena, keyring, text->keys[i]))
			return tact_error_set(err, TACT_REFUSED,
			    "wrong key: the store holds records under the key with fingerprint %s, which the "
			    "key file does not list; "
			    "restore the key file this store was made with",
			    text->keys[i]);
	return TACT_OK;
}

static int check_current(
    const struct identity_text *text, const char *key, const char *profile, struct tact_error *err)
{
	if (!tact_text_equal(text->keys[text->keys_count - 1], key))
		return tact_error_set(err, TACT_REFUSED,
		    "the key file's first key (%s) is not the store's current one (%s); run `tact store "
		    "adopt` to go over to it",
		    key, text->keys[text->keys_count - 1]);
	if (!tact_text_equal(text->profiles[text->profiles_count - 1], profile))
		return tact_error_set(err, TACT_REFUSED,
		    "the canonical options are \"%s\" and the store was made with \"%s\"; put them back, or "
		    "run `tact store adopt` to go "
		    "over to them",
		    profile, text->profiles[text->profiles_count - 1]);
	return TACT_OK;
}

static int fill(struct tact_arena *arena, const struct identity_text *text,
    const struct tact_keyring *keyring, struct tact_identity *ret, struct tact_error *err)
{
	struct tact_canonical_profile *profiles =
	    tact_arena_alloc(arena, text->profiles_count * sizeof *profiles);

	for (size_t i = 0; i < text->profiles_count; i++) {
		int result = tact_facts_parse_profile(
		    arena, text->profiles[text->profiles_count - 1 - i], &profiles[i], err);
		if (result != TACT_OK)
			return result;
	}
	*ret = (struct tact_identity){
	    .keyring = keyring, .profiles = profiles, .profiles_count = text->profiles_count};
	return text->recovery == NULL ? TACT_OK : recovery_parse(text->recovery, ret, err);
}

static bool is_current(const struct identity_text *text, enum tact_opening opening)
{
	return text->keys_count > 0 && opening != TACT_OPEN_ADOPT;
}

/* What should stand in the store; STORED itself where that does. */
static const char *complete(struct tact_store *store, struct tact_arena *arena, const char *stored,
    enum tact_opening opening, const char *key, const char *profile, struct identity_text *text)
{
	struct tact_identity fresh = {.recovery_day = recovery_day(tact_store_now_us(store))};
	const char *whole;

	if (is_current(text, opening) && (text->recovery != NULL || opening == TACT_OPEN_READ))
		return stored;
	make_last(arena, &text->keys, &text->keys_count, key);
	make_last(arena, &text->profiles, &text->profiles_count, profile);
	if (text->recovery == NULL) {
		tact_random_bytes(fresh.recovery_key, sizeof fresh.recovery_key);
		text->recovery = recovery_print(arena, &fresh);
	}
	whole = print(arena, text);
	return tact_text_equal(whole, stored) ? stored : whole;
}

/* What was uncertain once is made certain by being written again. */
static int write_identity(struct tact_store *store, const char *stored, const char *whole, bool uncertain,
    bool may_lack, struct identity_text *text, struct tact_error *err)
{
	int result = TACT_OK;

	if (whole != stored || uncertain)
		result = tact_store_set_identity(store, stored, whole, err);
	if (result != TACT_SYSTEM || !may_lack)
		return result;
	text->recovery = NULL; /* whoever may not set it goes without */
	return TACT_OK;
}

/* One attempt. ret_again says that what stands in the store must be read again: somebody else wrote it
 * meanwhile, or we may have. */
static int open_once(struct tact_store *store, const struct tact_keyring *keyring,
    const struct tact_canonical_profile *profile, enum tact_opening opening, struct tact_arena *arena,
    struct tact_identity *ret, bool *again, struct tact_error *err)
{
	struct tact_id fingerprint = tact_facts_keyring_fingerprint(keyring, 0);
	const char *key = tact_id_format(arena, &fingerprint),
		   *profile_text = tact_facts_format_profile(arena, profile), *whole;
	struct identity_text text;
	bool uncertain = *again, may_lack;
	char *stored;
	int result = tact_store_identity(store, arena, &stored, err);

	*again = false;
	if (result == TACT_OK)
		result = parse(arena, stored, &text, err);
	if (result == TACT_OK)
		result = check_keys(arena, &text, keyring, err);
	if (result == TACT_OK && is_current(&text, opening))
		result = check_current(&text, key, profile_text, err);
	if (result != TACT_OK)
		return result;
	may_lack = is_current(&text, opening) && text.recovery == NULL;
	whole = complete(store, arena, stored, opening, key, profile_text, &text);
	result = write_identity(store, stored, whole, uncertain, may_lack, &text, err);
	*again = result == TACT_REFUSED || result == TACT_UNCERTAIN;
	return result == TACT_OK ? fill(arena, &text, keyring, ret, err) : result;
}

int tact_decide_open_identity(struct tact_store *store, const struct tact_keyring *keyring,
    const struct tact_canonical_profile *profile, enum tact_opening opening, struct tact_arena *arena,
    struct tact_identity *ret, struct tact_error *err)
{
	bool again = false;
	int result = open_once(store, keyring, profile, opening, arena, ret, &again, err);

	/* The processes of one tactd find a new store unused at the same time; the first to write it is
	 * right. Each refusal is another's progress, and there is little to write. */
	for (int attempts = 0; again && attempts < ATTEMPTS_MOST; attempts++)
		result = open_once(store, keyring, profile, opening, arena, ret, &again, err);
	return result;
}

/* ---- the recovery key grows older ---- */

int identity_age_recovery(struct tact_store *store, int64_t now_us, struct tact_error *err)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_identity identity = {0};
	struct identity_text text;
	char *stored;
	int64_t day = recovery_day(now_us) - RECOVERY_KEPT_DAYS;
	int result = tact_store_identity(store, arena, &stored, err);

	if (result == TACT_OK)
		result = parse(arena, stored, &text, err);
	if (result == TACT_OK && text.recovery != NULL)
		result = recovery_parse(text.recovery, &identity, err);
	if (result == TACT_OK && identity.recovery_day > 0 && identity.recovery_day < day) {
		recovery_age(&identity, day);
		text.recovery = recovery_print(arena, &identity);
		result = tact_store_set_identity(store, stored, print(arena, &text), err);
		if (result == TACT_REFUSED)
			result = TACT_OK; /* another relay did */
	}
	tact_arena_free(&arena);
	return result;
}

/* ---- a new store beside old evidence ---- */

static bool find_use(void *context, const char *host, uint64_t seq, const char *json, size_t length)
{
	bool *used = context;

	(void)host;
	(void)seq;
	(void)length;
	*used = strstr(json, "\"kind\":\"decision\"") != NULL || strstr(json, "\"kind\":\"change\"") != NULL;
	return !*used;
}

int tact_decide_check_new_store(struct tact_store *store, const char *audit_dir, struct tact_error *err)
{
	struct tact_arena *arena = tact_arena_new();
	bool used = false;
	char *stored;
	int result = tact_store_identity(store, arena, &stored, err);

	if (result == TACT_OK && stored[0] == '\0') {
		/* Evidence that cannot be read is told of where it is opened. */
		(void)tact_audit_scan(audit_dir, NULL, find_use, &used, NULL);
		if (used)
			result = tact_error_set(err, TACT_REFUSED,
			    "the store is new and empty, and the evidence in %s tells of an earlier one: "
			    "mail would go to people who "
			    "unsubscribed. Put the store back, or run `tact store adopt --yes` to begin "
			    "without it",
			    audit_dir);
	}
	tact_arena_free(&arena);
	return result;
}

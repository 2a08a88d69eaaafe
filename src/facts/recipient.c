/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Under which keys one person may stand in the store: each secret over each canonical form, and over the
 * plain form that hashed lists use.
 */
#include <config.h>

#include "internal.h"

#include <string.h>

struct keys {
	struct tact_id key;
	struct tact_id *also;
	size_t also_count;
};

static void add_also(struct tact_arena *arena, struct keys *keys, const struct tact_id *id)
{
	if (tact_id_equal(id, &keys->key))
		return;
	for (size_t i = 0; i < keys->also_count; i++) {
		if (tact_id_equal(id, &keys->also[i]))
			return;
	}
	*TACT_PUSH(arena, keys->also, keys->also_count) = *id;
}

static void add_digest(struct tact_arena *arena, const struct tact_keyring *keyring, size_t first,
    struct keys *keys, const uint8_t sha256[TACT_SHA256_BYTES])
{
	for (size_t i = first; i < tact_facts_keyring_count(keyring); i++) {
		struct tact_id id = tact_facts_key(keyring, i, sha256);
		add_also(arena, keys, &id);
	}
}

static void add_text(
    struct tact_arena *arena, const struct tact_keyring *keyring, struct keys *keys, const char *text)
{
	uint8_t sha256[TACT_SHA256_BYTES];
	tact_digest_sha256(text, strlen(text), sha256);
	add_digest(arena, keyring, 0, keys, sha256);
}

/* Until one literal was one mailbox, a v4-mapped one stood under a key of its own. */
static void add_former(struct tact_arena *arena, const struct tact_keyring *keyring, struct keys *keys,
    const struct tact_address *address)
{
	if (address->domain[0] == '[' && strchr(address->domain, ':') == NULL)
		add_text(arena, keyring, keys,
		    tact_arena_printf(arena, "%s@[IPv6:::ffff:%s", address->local, address->domain + 1));
}

/* Mail has the domain as the wire does, and a hashed list as people write it; the local part as it came, or
 * without what its domain ignores. */
static void add_displayed(struct tact_arena *arena, const struct tact_keyring *keyring, struct keys *keys,
    const struct tact_address *address)
{
	const char *domain = facts_displayed_domain(arena, address->domain),
		   *at = strrchr(address->plain, '@');
	if (domain == NULL)
		return;
	add_text(arena, keyring, keys, tact_arena_printf(arena, "%s@%s", address->local, domain));
	add_text(arena, keyring, keys,
	    tact_arena_printf(arena, "%.*s@%s", (int)(at - address->plain), address->plain, domain));
}

/* The key of the canonical form under the current secret, and the others of it. */
static struct keys first_keys(
    struct tact_arena *arena, const struct tact_keyring *keyring, const uint8_t sha256[TACT_SHA256_BYTES])
{
	struct keys keys = {.key = tact_facts_key(keyring, 0, sha256)};
	add_digest(arena, keyring, 1, &keys, sha256);
	return keys;
}

static void finish(const struct keys *keys, struct tact_recipient *ret)
{
	ret->key = keys->key;
	ret->also = keys->also;
	ret->also_count = keys->also_count;
}

int tact_facts_recipient(struct tact_arena *arena, const struct tact_identity *identity, const char *text,
    struct tact_recipient *ret, struct tact_error *err)
{
	struct tact_address address, earlier;
	int result = tact_facts_parse_address(arena, text, &identity->profiles[0], &address, err);
	if (result != TACT_OK)
		return result;
	uint8_t sha256[TACT_SHA256_BYTES];
	tact_digest_sha256(address.canonical, strlen(address.canonical), sha256);
	struct keys keys = first_keys(arena, identity->keyring, sha256);
	add_former(arena, identity->keyring, &keys, &address);
	for (size_t i = 1; i < identity->profiles_count; i++) {
		result = tact_facts_parse_address(arena, text, &identity->profiles[i], &earlier, err);
		if (result != TACT_OK)
			return result;
		add_text(arena, identity->keyring, &keys, earlier.canonical);
		add_former(arena, identity->keyring, &keys, &earlier);
	}
	/* Most often it is the same text. */
	if (address.plain != address.canonical && strcmp(address.plain, address.canonical) != 0)
		add_text(arena, identity->keyring, &keys, address.plain);
	add_displayed(arena, identity->keyring, &keys, &address);
	ret->address = address;
	finish(&keys, ret);
	return TACT_OK;
}

int tact_facts_recipient_of_sha256(struct tact_arena *arena, const struct tact_identity *identity,
    const char *hex, struct tact_recipient *ret, struct tact_error *err)
{
	uint8_t sha256[TACT_SHA256_BYTES];
	if (tact_hex_decode(hex, sha256, sizeof sha256) != TACT_OK)
		return tact_error_set(
		    err, TACT_INVALID, "not a SHA-256: %d hex digits are one", 2 * TACT_SHA256_BYTES);
	struct keys keys = first_keys(arena, identity->keyring, sha256);
	const char *given = tact_hex_encode(arena, sha256, sizeof sha256);
	ret->address =
	    (struct tact_address){.given = given, .canonical = "", .plain = "", .local = "", .domain = ""};
	finish(&keys, ret);
	return TACT_OK;
}

#define PHONE_DIGITS_LEAST 7
#define PHONE_DIGITS_MOST 15 /* ITU-T E.164 */

bool tact_facts_is_phone(const char *text)
{
	return text[0] == '+' ? strchr(text, '@') == NULL : tact_text_starts_nocase(text, "tel:");
}

/* "tel:+" and the digits, without what people write between them. */
static int canonical_phone(
    struct tact_arena *arena, const char *text, const char **ret, struct tact_error *err)
{
	char digits[PHONE_DIGITS_MOST + 1];
	size_t count = 0;

	text += tact_text_starts_nocase(text, "tel:") ? 4 : 0;
	if (*text++ != '+')
		return tact_error_set(err, TACT_INVALID, "a phone number starts with + and its country code");
	for (; *text != '\0'; text++) {
		if (strchr(" -./()", *text) != NULL)
			continue;
		if (*text < '0' || *text > '9')
			return tact_error_set(err, TACT_INVALID, "a phone number has digits only");
		if (count == PHONE_DIGITS_MOST)
			return tact_error_set(
			    err, TACT_INVALID, "a phone number has at most %d digits", PHONE_DIGITS_MOST);
		digits[count++] = *text;
	}
	digits[count] = '\0';
	if (count < PHONE_DIGITS_LEAST || digits[0] == '0')
		return tact_error_set(err, TACT_INVALID,
		    "a phone number has a country code (no 0 first) and at least %d digits",
		    PHONE_DIGITS_LEAST);
	*ret = tact_arena_printf(arena, "tel:+%s", digits);
	return TACT_OK;
}

int tact_facts_recipient_of_phone(struct tact_arena *arena, const struct tact_identity *identity,
    const char *text, struct tact_recipient *ret, struct tact_error *err)
{
	const char *canonical = "";
	uint8_t sha256[TACT_SHA256_BYTES];
	int result = canonical_phone(arena, text, &canonical, err);

	if (result != TACT_OK)
		return result;
	tact_digest_sha256(canonical, strlen(canonical), sha256);
	struct keys keys = first_keys(arena, identity->keyring, sha256);
	ret->address = (struct tact_address){.given = tact_arena_strdup(arena, text),
	    .canonical = canonical,
	    .plain = canonical,
	    .local = "",
	    .domain = ""};
	finish(&keys, ret);
	return TACT_OK;
}

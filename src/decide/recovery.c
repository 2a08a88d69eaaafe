/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Wishes sealed into the evidence for a store that is restored from a backup and has forgotten them. The key
 * that a person's entries are sealed with stands in the person's record alone, which such a store may have
 * forgotten too; so there is one key for the store, in its identity and thereby in each backup. It moves on
 * from day to day by a digest: from the key of a day that of every later day follows, and of no earlier one.
 * A backup therefore opens what was sealed after it was made, while the store itself keeps the key as it was
 * RECOVERY_KEPT_DAYS ago: then nobody can tie an entry to a person any more whose own key is erased. The
 * secret of the key file goes into the key as well, so that evidence and database together open nothing.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

#define DAY_US (86400 * INT64_C(1000000))
#define FORMAT_VERSION 1
#define HEAD_BYTES (2 + 2 * TACT_ID_BYTES + 8)
#define SEALED_MOST 20000 /* what has room in an entry beside all else: audit/entry.c counts on it */
#define DAYS_MOST 100000

enum { PLAIN, ALIAS, ALIAS_ENDS };

int64_t recovery_day(int64_t time_us)
{
	return time_us / DAY_US;
}

int64_t recovery_time_us(int64_t day)
{
	return day * DAY_US;
}

int recovery_parse(const char *text, struct tact_identity *ret, struct tact_error *err)
{
	char *end;
	long long day = strtoll(text, &end, 10);

	if (day <= 0 || *end != ' ' ||
	    tact_hex_decode(end + 1, ret->recovery_key, sizeof ret->recovery_key) != TACT_OK)
		return tact_error_set(err, TACT_CORRUPT, "the store's recovery key cannot be read");
	ret->recovery_day = day;
	return TACT_OK;
}

const char *recovery_print(struct tact_arena *arena, const struct tact_identity *identity)
{
	return tact_arena_printf(arena, "%" PRId64 " %s", identity->recovery_day,
	    tact_hex_encode(arena, identity->recovery_key, sizeof identity->recovery_key));
}

void recovery_age(struct tact_identity *identity, int64_t day)
{
	for (; identity->recovery_day < day; identity->recovery_day++)
		tact_digest_sha256(
		    identity->recovery_key, sizeof identity->recovery_key, identity->recovery_key);
}

/* By the secret of the key file that was the first when it was sealed. */
static void derive(const struct tact_identity *identity, size_t secret, uint8_t ret[TACT_SEAL_KEY_BYTES])
{
	static const char what[] = "tact recovery";
	uint8_t digest[TACT_SHA256_BYTES];
	struct tact_id of_secret;

	tact_digest_sha256(what, sizeof what - 1, digest);
	of_secret = tact_facts_key(identity->keyring, secret, digest);
	tact_digest_hmac(
	    identity->recovery_key, sizeof identity->recovery_key, of_secret.b, sizeof of_secret.b, ret);
}

/* ---- in ---- */

static void encode(struct tact_arena *arena, const struct tact_dossier *wishes, struct recovery_part *ret)
{
	tact_dossier_encode(arena, wishes, &ret->dossier, &ret->size);
}

/* One wish that no entry has room for: without what was only written beside it. If its scope alone is too
 * long, nothing that is sent has such a name. */
static void add_shortened(
    struct tact_arena *arena, const struct tact_dossier *wishes, struct recovery_wishes *ret)
{
	struct tact_dossier shortened;
	struct recovery_part part;

	tact_dossier_copy(arena, wishes, &shortened);
	for (size_t i = 0; i < shortened.suppressions_count; i++) {
		struct tact_suppression *one = &shortened.suppressions[i];
		one->source = one->note = one->ended_by = one->ended_why = "";
	}
	for (size_t i = 0; i < shortened.consents_count; i++) {
		struct tact_consent *one = &shortened.consents[i];
		one->source = one->proof = one->ended_by = one->ended_why = "";
	}
	encode(arena, &shortened, &part);
	if (part.size <= SEALED_MOST)
		*TACT_PUSH(arena, ret->parts, ret->parts_count) = part;
}

/* In as many parts as it takes, each with the profile. */
static void add_parts(
    struct tact_arena *arena, const struct tact_dossier *wishes, struct recovery_wishes *ret)
{
	struct tact_dossier first = *wishes, second = *wishes;
	struct recovery_part part;

	encode(arena, wishes, &part);
	if (part.size <= SEALED_MOST) {
		*TACT_PUSH(arena, ret->parts, ret->parts_count) = part;
	} else if (wishes->suppressions_count + wishes->consents_count < 2) {
		add_shortened(arena, wishes, ret);
	} else {
		first.suppressions_count = (wishes->suppressions_count + 1) / 2;
		first.consents_count = wishes->consents_count / 2;
		second.suppressions += first.suppressions_count;
		second.suppressions_count -= first.suppressions_count;
		second.consents += first.consents_count;
		second.consents_count -= first.consents_count;
		add_parts(arena, &first, ret);
		add_parts(arena, &second, ret);
	}
}

/* Nobody has so many days to be congratulated on; what is left of them leaves room for wishes. */
static void shorten_profile(struct tact_arena *arena, struct tact_dossier *wishes)
{
	struct recovery_part part;

	encode(arena, wishes, &part);
	while (part.size > SEALED_MOST / 2 && wishes->profile.occasions_count > 0) {
		wishes->profile.occasions_count /= 2;
		encode(arena, wishes, &part);
	}
}

void recovery_encode(
    struct tact_arena *arena, const struct tact_dossier *dossier, struct recovery_wishes *ret)
{
	struct tact_dossier wishes;

	tact_dossier_init(&wishes);
	wishes.profile = dossier->profile;
	shorten_profile(arena, &wishes);
	wishes.suppressions = dossier->suppressions;
	wishes.suppressions_count = dossier->suppressions_count;
	wishes.consents = dossier->consents;
	wishes.consents_count = dossier->consents_count;
	ret->parts = NULL;
	ret->parts_count = 0;
	add_parts(arena, &wishes, ret);
}

static uint8_t *print_wishes(struct tact_arena *arena, const struct recovery_wishes *wishes,
    const struct recovery_part *part, size_t *ret_bytes)
{
	uint8_t *plain = tact_arena_alloc(arena, HEAD_BYTES + part->size), *to = plain;

	*to++ = FORMAT_VERSION;
	*to++ = tact_id_is_none(&wishes->alias) ? PLAIN : wishes->ends ? ALIAS_ENDS : ALIAS;
	memcpy(to, wishes->key.b, TACT_ID_BYTES);
	memcpy(to + TACT_ID_BYTES, wishes->alias.b, TACT_ID_BYTES);
	to += 2 * TACT_ID_BYTES;
	for (size_t i = 0; i < 8; i++)
		*to++ = (uint8_t)(wishes->version >> (8 * i));
	if (part->size > 0)
		memcpy(to, part->dossier, part->size);
	*ret_bytes = HEAD_BYTES + part->size;
	return plain;
}

static const char *seal(struct tact_arena *arena, const struct tact_identity *identity,
    const struct recovery_wishes *wishes, const struct recovery_part *part, int64_t now_us)
{
	struct tact_identity then = *identity;
	uint8_t key[TACT_SEAL_KEY_BYTES], *plain;
	const char *day;
	size_t bytes;
	void *sealed;

	if (recovery_day(now_us) < then.recovery_day + DAYS_MOST)
		recovery_age(&then, recovery_day(now_us));
	derive(&then, 0, key);
	plain = print_wishes(arena, wishes, part, &bytes);
	day = tact_arena_printf(arena, "%" PRId64, then.recovery_day);
	sealed = tact_seal(arena, key, plain, bytes, day, strlen(day), &bytes);
	return tact_arena_printf(arena, "%s.%s", day, tact_base64_encode(arena, sealed, bytes));
}

/* Says no more than that it belongs to that one. */
static struct tact_audit_entry more_of(const struct tact_audit_entry *entry)
{
	return (struct tact_audit_entry){.kind = entry->kind,
	    .phase = entry->phase,
	    .action = "wishes",
	    .pseudonym = entry->pseudonym,
	    .version_seen = entry->version_seen,
	    .version_written = entry->version_written,
	    .policy = entry->policy,
	    .software = entry->software,
	    .mode = entry->mode};
}

void recovery_seal(struct tact_arena *arena, const struct tact_identity *identity,
    const struct recovery_wishes *wishes, int64_t now_us, struct tact_audit_entry **entries, size_t *count)
{
	size_t of = *count - 1;

	if (identity->recovery_day == 0)
		return;
	for (size_t i = 0; i < wishes->parts_count; i++) {
		const char *sealed = seal(arena, identity, wishes, &wishes->parts[i], now_us);

		if (i > 0) {
			struct tact_audit_entry more = more_of(&(*entries)[of]);
			*TACT_PUSH(arena, *entries, *count) = more;
		}
		(*entries)[*count - 1].recover = sealed;
	}
}

/* ---- and out ---- */

static int read_wishes(
    const uint8_t *plain, size_t bytes, struct recovery_wishes *ret, struct recovery_part *ret_part)
{
	if (bytes < HEAD_BYTES || plain[0] != FORMAT_VERSION || plain[1] > ALIAS_ENDS)
		return TACT_CORRUPT;
	*ret = (struct recovery_wishes){.ends = plain[1] == ALIAS_ENDS};
	memcpy(ret->key.b, plain + 2, TACT_ID_BYTES);
	memcpy(ret->alias.b, plain + 2 + TACT_ID_BYTES, TACT_ID_BYTES);
	for (size_t i = 0; i < 8; i++)
		ret->version |= (uint64_t)plain[HEAD_BYTES - 8 + i] << (8 * i);
	*ret_part = (struct recovery_part){plain + HEAD_BYTES, bytes - HEAD_BYTES};
	return TACT_OK;
}

int recovery_open(struct tact_arena *arena, const struct tact_identity *identity, const char *text,
    struct recovery_wishes *ret, struct recovery_part *ret_part)
{
	struct tact_identity then = *identity;
	char *end;
	long long day = strtoll(text, &end, 10);
	size_t bytes, sealed_bytes;
	void *sealed, *plain;

	if (day <= 0 || *end != '.' || tact_base64_decode(arena, end + 1, &sealed, &sealed_bytes) != TACT_OK)
		return TACT_CORRUPT;
	if (identity->recovery_day == 0 || day < identity->recovery_day)
		return TACT_ABSENT;
	if (day - identity->recovery_day > DAYS_MOST)
		return TACT_CORRUPT;
	recovery_age(&then, day);
	for (size_t i = 0; i < tact_facts_keyring_count(identity->keyring); i++) {
		uint8_t key[TACT_SEAL_KEY_BYTES];

		derive(&then, i, key);
		if (tact_unseal(arena, key, sealed, sealed_bytes, text, (size_t)(end - text), &plain,
			&bytes) == TACT_OK)
			return read_wishes(plain, bytes, ret, ret_part);
	}
	return TACT_CORRUPT;
}

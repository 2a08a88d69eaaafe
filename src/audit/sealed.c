/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The part of an entry that only the person key opens. It is bound to its own entry: put into another one it
 * does not open.
 */
#include <config.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

/* host ‖ NUL ‖ salt ‖ NUL ‖ pseudonym */
static char *bond(
    struct tact_arena *arena, const char *host, const char *salt, const char *pseudonym, size_t *ret_bytes)
{
	size_t h = strlen(host) + 1, s = strlen(salt) + 1, p = pseudonym != NULL ? strlen(pseudonym) : 0;
	char *text = tact_arena_alloc(arena, h + s + p + 1);

	memcpy(text, host, h);
	memcpy(text + h, salt, s);
	if (p > 0)
		memcpy(text + h + s, pseudonym, p);
	*ret_bytes = h + s + p;
	return text;
}

char *audit_seal(struct tact_arena *arena, const char *host, const char *salt, const char *pseudonym,
    const struct tact_audit_entry *entry, size_t string_max, bool *cut)
{
	struct audit_writer w = {.string_max = string_max};
	size_t bond_bytes, sealed_bytes;
	char *with, *text = NULL;
	void *sealed;

	if (entry->person_key == NULL)
		return NULL;
	audit_put(&w, "{", 1);
	audit_put_string(&w, "recipient_domain", entry->recipient_domain);
	audit_put_string(&w, "message_id", entry->message_id);
	audit_put_string(&w, "sender", entry->sender);
	audit_put_string(&w, "from", entry->from);
	audit_put_string(&w, "sasl_user", entry->sasl_user);
	audit_put_string(&w, "subject", entry->subject);
	audit_put_string(&w, "text", entry->text);
	audit_put(&w, "}", 1);
	*cut |= w.cut;
	if (w.length > 2) {
		with = bond(arena, host, salt, pseudonym, &bond_bytes);
		sealed =
		    tact_seal(arena, entry->person_key, w.data, w.length, with, bond_bytes, &sealed_bytes);
		text = tact_base64_encode(arena, sealed, sealed_bytes);
	}
	audit_writer_clear(&w);
	return text;
}

static const char *member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

/* Puts the opened object in the place of the sealed text. */
static int open_sealed(struct tact_arena *arena, json_t *entry, const char *text, const uint8_t *person_key)
{
	size_t sealed_bytes, plain_bytes, bond_bytes;
	void *sealed, *plain;
	json_t *opened;
	char *with = bond(
	    arena, member(entry, "host"), member(entry, "salt"), member(entry, "pseudonym"), &bond_bytes);

	if (tact_base64_decode(arena, text, &sealed, &sealed_bytes) != TACT_OK)
		return TACT_CORRUPT;
	if (tact_unseal(arena, person_key, sealed, sealed_bytes, with, bond_bytes, &plain, &plain_bytes) !=
	    TACT_OK)
		return TACT_CORRUPT;
	opened = json_loadb(plain, plain_bytes, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(opened)) {
		json_decref(opened);
		return TACT_CORRUPT;
	}
	return json_object_set_new(entry, "sealed", opened) == 0 ? TACT_OK : TACT_SYSTEM;
}

int tact_audit_open_entry(
    struct tact_arena *arena, const char *json, const uint8_t *person_key, char **ret, struct tact_error *err)
{
	json_error_t why;
	json_t *entry = json_loads(json, JSON_REJECT_DUPLICATES, &why);
	const char *sealed = json_string_value(json_object_get(entry, "sealed"));
	int result = TACT_OK;
	char *text = NULL;

	if (!json_is_object(entry)) {
		result = tact_error_set(
		    err, TACT_CORRUPT, "not an entry: %s", entry == NULL ? why.text : "no object");
		goto out;
	}
	if (sealed != NULL && person_key != NULL)
		result = open_sealed(arena, entry, sealed, person_key);
	if (result != TACT_OK) {
		tact_error_set(err, result,
		    "the sealed part does not open: another person's key, or the entry was altered");
		goto out;
	}
	text = json_dumps(entry,
	    JSON_COMPACT | JSON_REAL_PRECISION(15)); /* or 0.1 would come back as 0.10000000000000001 */
	if (text == NULL) {
		result = tact_error_set(err, TACT_SYSTEM, "the entry cannot be written out");
		goto out;
	}
	*ret = tact_arena_strdup(arena, text);
out:
	free(text);
	json_decref(entry);
	return result;
}

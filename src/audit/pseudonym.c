/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The name a person has in the log: it needs the person key, so erasing that key cuts the tie between log and
 * person.
 */
#include <config.h>

#include <tact/audit.h>

char *tact_audit_pseudonym(struct tact_arena *arena, const uint8_t person_key[TACT_SEAL_KEY_BYTES],
    const struct tact_id *recipient_key)
{
	uint8_t digest[TACT_SHA256_BYTES];

	tact_digest_hmac(person_key, TACT_SEAL_KEY_BYTES, recipient_key->b, sizeof recipient_key->b, digest);
	return tact_hex_encode(arena, digest, TACT_ID_BYTES);
}

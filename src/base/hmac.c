/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * HMAC under a secret that repeats: its pads are hashed once, not for each text. A context that is set up
 * with a secret hangs on that secret and goes with it, so that none is ever taken for another's. Where a
 * secret is used but once, see digest.c.
 */
#include <config.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <tact/base.h>

#include "crypto.h"

#define PLACES 16
#define CACHE_LINE 64

/* A context between two uses, or NULL. No two stand in one line of a processor's cache. */
struct place {
	_Atomic(EVP_MAC_CTX *) context;
	char apart[CACHE_LINE - sizeof(EVP_MAC_CTX *)];
};

struct tact_hmac {
	struct place places[PLACES];
	size_t secret_bytes;
	uint8_t secret[]; /* one byte more, so that an empty one is somewhere */
};

static size_t struct_bytes(size_t secret_bytes)
{
	return sizeof(struct tact_hmac) + secret_bytes + 1;
}

struct tact_hmac *tact_digest_hmac_new(const void *secret, size_t secret_bytes)
{
	struct tact_hmac *hmac = tact_calloc(1, struct_bytes(secret_bytes));

	hmac->secret_bytes = secret_bytes;
	if (secret_bytes > 0)
		memcpy(hmac->secret, secret, secret_bytes);
	return hmac;
}

/* libcrypto wipes what a context had of the secret. */
void tact_digest_hmac_free(struct tact_hmac **hmac)
{
	if (*hmac == NULL)
		return;
	for (size_t i = 0; i < PLACES; i++)
		EVP_MAC_CTX_free(atomic_load(&(*hmac)->places[i].context));
	explicit_bzero(*hmac, struct_bytes((*hmac)->secret_bytes));
	free(*hmac);
	*hmac = NULL;
}

/* A thread has the same one of every secret, and mostly to itself. */
static struct place *place_of_thread(struct tact_hmac *hmac)
{
	static atomic_uint threads;
	static _Thread_local unsigned number; /* 0: none yet */

	if (number == 0)
		number = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % PLACES + 1;
	return &hmac->places[number - 1];
}

/* Ready for a text. CONTEXT NULL: another thread has the one of this place just now, or nobody made one. */
static EVP_MAC_CTX *begin(const struct tact_hmac *hmac, EVP_MAC_CTX *context)
{
	bool again = context != NULL && crypto_get()->hmac_goes_again;

	if (context == NULL)
		context = crypto_hmac_new();
	if (EVP_MAC_init(context, again ? NULL : hmac->secret, again ? 0 : hmac->secret_bytes, NULL) != 1)
		crypto_fail("HMAC-SHA-256");
	return context;
}

void tact_digest_hmac_by(
    struct tact_hmac *hmac, const void *data, size_t size_bytes, uint8_t ret[TACT_SHA256_BYTES])
{
	struct place *place = place_of_thread(hmac);
	EVP_MAC_CTX *context = begin(hmac, atomic_exchange(&place->context, NULL));
	size_t length;

	if (EVP_MAC_update(context, data, size_bytes) != 1 ||
	    EVP_MAC_final(context, ret, &length, TACT_SHA256_BYTES) != 1)
		crypto_fail("HMAC-SHA-256");
	EVP_MAC_CTX_free(atomic_exchange(&place->context, context));
}

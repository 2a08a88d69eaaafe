/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What libcrypto hands out, fetched once and kept per thread; private to the room.
 */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include <openssl/evp.h>

/* Contexts belong to the calling thread and may be set up anew by every function that uses one. */
struct crypto {
	const EVP_MD *sha256;
	const EVP_CIPHER *aes256gcm;
	EVP_MD_CTX *digest;
	EVP_MAC_CTX *hmac;
	EVP_CIPHER_CTX *cipher;
	bool hmac_goes_again; /* a context can be begun anew with the secret that it has */
};

/* Never NULL. */
const struct crypto *crypto_get(void);

/* For HMAC-SHA-256, without a secret yet; the caller's to free. Never NULL. */
EVP_MAC_CTX *crypto_hmac_new(void);

/* libcrypto or the kernel cannot do what we stand on: says so and ends the process like a lack of memory
 * does. */
_Noreturn void crypto_fail(const char *what);

#endif

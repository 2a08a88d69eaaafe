/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Fetches algorithms from libcrypto once, and keeps their contexts per thread; computes nothing.
 */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <tact/base.h>

#include "crypto.h"

/* Fetching costs more than hashing an address, hence once per process; contexts cannot be shared, hence per
 * thread. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;
static EVP_MD *sha256;
static EVP_MAC *hmac;
static EVP_CIPHER *aes256gcm;
static bool hmac_goes_again;

static _Thread_local struct crypto *mine;

_Noreturn void crypto_fail(const char *what)
{
	tact_log(TACT_LOG_ERROR, "%s is not to be had from the system", what);
	_exit(EX_OSERR);
}

static void crypto_free(void *data)
{
	struct crypto *crypto = data;

	EVP_MD_CTX_free(crypto->digest);
	EVP_MAC_CTX_free(crypto->hmac);
	EVP_CIPHER_CTX_free(crypto->cipher);
	free(crypto);
	mine = NULL;
}

static EVP_MAC_CTX *hmac_new(void)
{
	EVP_MAC_CTX *context = EVP_MAC_CTX_new(hmac);
	char name[] = "SHA256";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_construct_end()};

	if (context == NULL || EVP_MAC_CTX_set_params(context, params) != 1)
		crypto_fail("memory for libcrypto");
	return context;
}

/* Of a text, under SECRET or, if that is NULL, under the one before. */
static bool try_hmac(EVP_MAC_CTX *context, const char *secret, uint8_t ret[TACT_SHA256_BYTES])
{
	static const uint8_t text[TACT_SHA256_BYTES] = "as long as what is keyed";
	size_t length;

	return EVP_MAC_init(context, (const uint8_t *)secret, secret != NULL ? strlen(secret) : 0, NULL) ==
		   1 &&
	       EVP_MAC_update(context, text, sizeof text) == 1 &&
	       EVP_MAC_final(context, ret, &length, TACT_SHA256_BYTES) == 1;
}

/* libcrypto 3.0.0 to 3.0.2 say that they begin anew and do not, so that a wrong HMAC comes of it: then the
 * secret is handed over each time. */
static bool see_whether_hmac_goes_again(void)
{
	EVP_MAC_CTX *context = hmac_new();
	uint8_t first[TACT_SHA256_BYTES], second[TACT_SHA256_BYTES];
	bool good = try_hmac(context, "secret", first) && try_hmac(context, NULL, second) &&
		    memcmp(first, second, sizeof first) == 0;

	EVP_MAC_CTX_free(context);
	return good;
}

static void fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	aes256gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	if (sha256 == NULL || hmac == NULL || aes256gcm == NULL)
		crypto_fail("SHA-256, HMAC or AES-256-GCM");
	hmac_goes_again = see_whether_hmac_goes_again();
	if (pthread_key_create(&at_thread_end, crypto_free) != 0)
		crypto_fail("a thread key");
}

static struct crypto *crypto_new(void)
{
	struct crypto *crypto = tact_calloc(1, sizeof *crypto);

	(void)pthread_once(&once, fetch);
	crypto->sha256 = sha256;
	crypto->aes256gcm = aes256gcm;
	crypto->digest = EVP_MD_CTX_new();
	crypto->hmac = hmac_new();
	crypto->hmac_goes_again = hmac_goes_again;
	crypto->cipher = EVP_CIPHER_CTX_new();
	if (crypto->digest == NULL || crypto->cipher == NULL)
		crypto_fail("memory for libcrypto");
	if (pthread_setspecific(at_thread_end, crypto) != 0)
		crypto_fail("a thread key");
	return crypto;
}

EVP_MAC_CTX *crypto_hmac_new(void)
{
	(void)pthread_once(&once, fetch);
	return hmac_new();
}

const struct crypto *crypto_get(void)
{
	if (mine == NULL)
		mine = crypto_new();
	return mine;
}

void tact_digest_leave(void)
{
	if (mine != NULL) {
		(void)pthread_setspecific(at_thread_end, NULL);
		crypto_free(mine);
	}
	OPENSSL_thread_stop(); /* libcrypto's own, such as its errors */
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Fetches algorithms from libcrypto once, and keeps their contexts per thread; computes nothing.
 */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>
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

static void fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	aes256gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	if (sha256 == NULL || hmac == NULL || aes256gcm == NULL)
		crypto_fail("SHA-256, HMAC or AES-256-GCM");
	if (pthread_key_create(&at_thread_end, crypto_free) != 0)
		crypto_fail("a thread key");
}

static struct crypto *crypto_new(void)
{
	struct crypto *crypto = tact_calloc(1, sizeof *crypto);
	char name[] = "SHA256";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_construct_end()};

	(void)pthread_once(&once, fetch);
	crypto->sha256 = sha256;
	crypto->aes256gcm = aes256gcm;
	crypto->digest = EVP_MD_CTX_new();
	crypto->hmac = EVP_MAC_CTX_new(hmac);
	crypto->cipher = EVP_CIPHER_CTX_new();
	if (crypto->digest == NULL || crypto->hmac == NULL || crypto->cipher == NULL ||
	    EVP_MAC_CTX_set_params(crypto->hmac, params) != 1)
		crypto_fail("memory for libcrypto");
	if (pthread_setspecific(at_thread_end, crypto) != 0)
		crypto_fail("a thread key");
	return crypto;
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

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * SHA-256, HMAC, ids, and random bytes; encryption is in seal.c.
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <openssl/evp.h>

#include <tact/base.h>

#include "crypto.h"

#define FILE_BLOCK ((size_t)1 << 20)

void tact_digest_sha256(const void *data, size_t size_bytes, uint8_t ret[TACT_SHA256_BYTES])
{
	const struct crypto *crypto = crypto_get();

	if (EVP_DigestInit_ex2(crypto->digest, crypto->sha256, NULL) != 1 ||
	    EVP_DigestUpdate(crypto->digest, data, size_bytes) != 1 ||
	    EVP_DigestFinal_ex(crypto->digest, ret, NULL) != 1)
		crypto_fail("SHA-256");
}

int tact_digest_sha256_file(int fd, uint8_t ret[TACT_SHA256_BYTES])
{
	const struct crypto *crypto = crypto_get();
	bool good = EVP_DigestInit_ex2(crypto->digest, crypto->sha256, NULL) == 1;
	char *block = tact_malloc(FILE_BLOCK);
	ssize_t got = 0;

	while (good && ((got = read(fd, block, FILE_BLOCK)) > 0 || (got < 0 && errno == EINTR)))
		if (got > 0)
			good = EVP_DigestUpdate(crypto->digest, block, (size_t)got) == 1;
	free(block);
	if (!good || EVP_DigestFinal_ex(crypto->digest, ret, NULL) != 1)
		crypto_fail("SHA-256");
	return got == 0 ? TACT_OK : TACT_SYSTEM;
}

struct tact_sha256 {
	EVP_MD_CTX *context;
};

struct tact_sha256 *tact_digest_sha256_begin(void)
{
	struct tact_sha256 *digest = tact_malloc(sizeof *digest);

	digest->context = EVP_MD_CTX_new();
	if (digest->context == NULL || EVP_DigestInit_ex2(digest->context, crypto_get()->sha256, NULL) != 1)
		crypto_fail("SHA-256");
	return digest;
}

void tact_digest_sha256_more(struct tact_sha256 *digest, const void *data, size_t size_bytes)
{
	if (EVP_DigestUpdate(digest->context, data, size_bytes) != 1)
		crypto_fail("SHA-256");
}

void tact_digest_sha256_end(struct tact_sha256 **digest, uint8_t ret[TACT_SHA256_BYTES])
{
	if (*digest == NULL)
		return;
	if (ret != NULL && EVP_DigestFinal_ex((*digest)->context, ret, NULL) != 1)
		crypto_fail("SHA-256");
	EVP_MD_CTX_free((*digest)->context);
	free(*digest);
	*digest = NULL;
}

void tact_digest_hmac(const void *secret, size_t secret_bytes, const void *data, size_t size_bytes,
    uint8_t ret[TACT_SHA256_BYTES])
{
	const struct crypto *crypto = crypto_get();
	size_t length;

	/* A NULL key would mean "the last one". */
	if (EVP_MAC_init(crypto->hmac, secret_bytes == 0 ? (const void *)"" : secret, secret_bytes, NULL) !=
		1 ||
	    EVP_MAC_update(crypto->hmac, data, size_bytes) != 1 ||
	    EVP_MAC_final(crypto->hmac, ret, &length, TACT_SHA256_BYTES) != 1)
		crypto_fail("HMAC-SHA-256");
}

/* Little endian on every machine: ids are compared between machines. */
static void put_u64(uint8_t to[8], uint64_t value)
{
	for (int i = 0; i < 8; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

struct tact_id tact_digest_id(const char *const *fields, size_t count)
{
	const struct crypto *crypto = crypto_get();
	uint8_t digest[TACT_SHA256_BYTES], prefix[8];
	struct tact_id id;
	bool good = EVP_DigestInit_ex2(crypto->digest, crypto->sha256, NULL) == 1;

	for (size_t i = 0; good && i < count; i++) {
		/* A field that is not there differs from an empty one: no text is that long. */
		size_t length = fields[i] == NULL ? 0 : strlen(fields[i]);

		put_u64(prefix, fields[i] == NULL ? UINT64_MAX : length);
		good = EVP_DigestUpdate(crypto->digest, prefix, sizeof prefix) == 1 &&
		       EVP_DigestUpdate(crypto->digest, fields[i], length) == 1;
	}
	if (!good || EVP_DigestFinal_ex(crypto->digest, digest, NULL) != 1)
		crypto_fail("SHA-256");
	memcpy(id.b, digest, sizeof id.b);
	return id;
}

/* ---- random bytes ------------------------------------------------------------------------------------ */

/* Each byte of the pool is given out once and wiped. */
static _Thread_local struct {
	size_t left_bytes;
	uint8_t bytes[512];
} pool;

/* A child must not give out the bytes its parent will. */
static void forget_pool(void)
{
	memset(&pool, 0, sizeof pool);
}

static void watch_forks(void)
{
	if (pthread_atfork(NULL, NULL, forget_pool) != 0)
		crypto_fail("pthread_atfork");
}

static void ask_kernel(uint8_t *to, size_t size_bytes)
{
	while (size_bytes > 0) {
		ssize_t n = getrandom(to, size_bytes, 0);

		if (n < 0 && errno != EINTR)
			crypto_fail("getrandom");
		if (n > 0) {
			to += n;
			size_bytes -= (size_t)n;
		}
	}
}

void tact_random_bytes(void *ret, size_t size_bytes)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	uint8_t *from;

	if (size_bytes == 0)
		return;
	if (size_bytes > sizeof pool.bytes / 4) {
		ask_kernel(ret, size_bytes);
		return;
	}
	(void)pthread_once(&once, watch_forks);
	if (pool.left_bytes < size_bytes) {
		ask_kernel(pool.bytes, sizeof pool.bytes);
		pool.left_bytes = sizeof pool.bytes;
	}
	pool.left_bytes -= size_bytes;
	from = pool.bytes + pool.left_bytes;
	memcpy(ret, from, size_bytes);
	memset(from, 0, size_bytes);
}

/* ---- ids --------------------------------------------------------------------------------------------- */

bool tact_id_equal(const struct tact_id *a, const struct tact_id *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool tact_id_is_none(const struct tact_id *id)
{
	static const struct tact_id none;

	return tact_id_equal(id, &none);
}

struct tact_id tact_id_random(void)
{
	struct tact_id id;

	tact_random_bytes(id.b, sizeof id.b);
	return id;
}

char *tact_id_format(struct tact_arena *arena, const struct tact_id *id)
{
	return tact_hex_encode(arena, id->b, sizeof id->b);
}

int tact_id_parse(const char *text, struct tact_id *ret)
{
	return tact_hex_decode(text, ret->b, sizeof ret->b);
}

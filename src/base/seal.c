/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Seals a small secret text with AES-256-GCM; knows nothing of what is in it.
 */
#include <config.h>

#include <limits.h>
#include <string.h>

#include <openssl/evp.h>

#include <tact/base.h>

#include "crypto.h"

#define NONCE_BYTES 12
#define TAG_BYTES 16

/* EVP counts in int. */
static bool fits_int(size_t size_bytes)
{
	return size_bytes <= INT_MAX - NONCE_BYTES - TAG_BYTES;
}

static bool add_associated(EVP_CIPHER_CTX *cipher, const void *associated, size_t associated_bytes)
{
	int n;

	return associated_bytes == 0 ||
	       EVP_CipherUpdate(cipher, NULL, &n, associated, (int)associated_bytes) == 1;
}

void *tact_seal(struct tact_arena *arena, const uint8_t key[TACT_SEAL_KEY_BYTES], const void *plain,
    size_t plain_bytes, const void *associated, size_t associated_bytes, size_t *ret_bytes)
{
	const struct crypto *crypto = crypto_get();
	EVP_CIPHER_CTX *cipher = crypto->cipher;
	uint8_t *sealed, *text;
	int n = 0;

	if (!fits_int(plain_bytes) || !fits_int(associated_bytes))
		crypto_fail("a seal over 2 GiB");
	sealed = tact_arena_alloc(arena, NONCE_BYTES + plain_bytes + TAG_BYTES);
	text = sealed + NONCE_BYTES;
	tact_random_bytes(sealed, NONCE_BYTES);
	if (EVP_EncryptInit_ex2(cipher, crypto->aes256gcm, key, sealed, NULL) != 1 ||
	    !add_associated(cipher, associated, associated_bytes) ||
	    (plain_bytes > 0 && EVP_EncryptUpdate(cipher, text, &n, plain, (int)plain_bytes) != 1) ||
	    EVP_EncryptFinal_ex(cipher, text + n, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, text + plain_bytes) != 1)
		crypto_fail("AES-256-GCM");
	*ret_bytes = NONCE_BYTES + plain_bytes + TAG_BYTES;
	return sealed;
}

/* Nothing is handed out before the tag is checked. */
int tact_unseal(struct tact_arena *arena, const uint8_t key[TACT_SEAL_KEY_BYTES], const void *sealed,
    size_t sealed_bytes, const void *associated, size_t associated_bytes, void **ret_plain, size_t *ret_bytes)
{
	const struct crypto *crypto = crypto_get();
	EVP_CIPHER_CTX *cipher = crypto->cipher;
	const uint8_t *nonce = sealed;
	uint8_t *plain, tag[TAG_BYTES];
	size_t plain_bytes;
	int n = 0;

	if (sealed_bytes < NONCE_BYTES + TAG_BYTES || !fits_int(sealed_bytes) || !fits_int(associated_bytes))
		return TACT_CORRUPT;
	plain_bytes = sealed_bytes - NONCE_BYTES - TAG_BYTES;
	plain =
	    tact_arena_alloc(arena, plain_bytes + 1); /* a NUL past the end: most of what is sealed is text */
	memcpy(tag, nonce + NONCE_BYTES + plain_bytes, TAG_BYTES);
	if (EVP_DecryptInit_ex2(cipher, crypto->aes256gcm, key, nonce, NULL) != 1 ||
	    !add_associated(cipher, associated, associated_bytes) ||
	    (plain_bytes > 0 &&
		EVP_DecryptUpdate(cipher, plain, &n, nonce + NONCE_BYTES, (int)plain_bytes) != 1) ||
	    EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) != 1 ||
	    EVP_DecryptFinal_ex(cipher, plain + n, &n) != 1) {
		memset(plain, 0, plain_bytes);
		return TACT_CORRUPT;
	}
	*ret_plain = plain;
	*ret_bytes = plain_bytes;
	return TACT_OK;
}

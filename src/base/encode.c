/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Bytes as text and back: hex, base32, base64; all strict, so that one value has one text.
 */
#include <config.h>

#include <string.h>

#include <openssl/evp.h>

#include <tact/base.h>

static const char hex_digits[] = "0123456789abcdef";
static const char base32_digits[] = "abcdefghijklmnopqrstuvwxyz234567";

/* ---- values of digits, -1 for what is none ------------------------------------------------------------ */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int base32_value(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Digits of `bits` bits each to bytes. Refuses a foreign digit, one digit too many, and bits left over that
 * are not zero: two texts would mean the same. */
static int decode_bits(struct tact_arena *arena, const char *text, size_t length, unsigned bits,
    int (*value_of)(char), void **ret, size_t *ret_bytes)
{
	uint8_t *out = tact_arena_alloc(arena, length / 8 * bits + bits + 1);
	uint32_t held = 0;
	unsigned held_bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		int value = value_of(text[i]);

		if (value < 0)
			return TACT_INVALID;
		held = (held << bits | (uint32_t)value) & 0xffff;
		held_bits += bits;
		if (held_bits >= 8) {
			held_bits -= 8;
			out[n++] = (uint8_t)(held >> held_bits);
		}
	}
	if (held_bits >= bits || (held & ((1U << held_bits) - 1)) != 0)
		return TACT_INVALID;
	out[n] = '\0';
	*ret = out;
	*ret_bytes = n;
	return TACT_OK;
}

/* ---- hex --------------------------------------------------------------------------------------------- */

char *tact_hex_encode(struct tact_arena *arena, const void *data, size_t size_bytes)
{
	const uint8_t *bytes = data;
	char *text = tact_arena_alloc(arena, 2 * size_bytes + 1);

	for (size_t i = 0; i < size_bytes; i++) {
		text[2 * i] = hex_digits[bytes[i] >> 4];
		text[2 * i + 1] = hex_digits[bytes[i] & 15];
	}
	return text;
}

int tact_hex_decode(const char *text, void *ret, size_t size_bytes)
{
	uint8_t *bytes = ret;

	/* Twice over the text, because nothing is written when it is wrong. */
	if (text == NULL || strnlen(text, 2 * size_bytes + 1) != 2 * size_bytes)
		return TACT_INVALID;
	for (size_t i = 0; i < 2 * size_bytes; i++)
		if (hex_value(text[i]) < 0)
			return TACT_INVALID;
	for (size_t i = 0; i < size_bytes; i++)
		bytes[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
	return TACT_OK;
}

/* ---- base32 ------------------------------------------------------------------------------------------ */

char *tact_base32_encode(struct tact_arena *arena, const void *data, size_t size_bytes)
{
	const uint8_t *bytes = data;
	char *text = tact_arena_alloc(arena, size_bytes / 5 * 8 + 8 + 1);
	uint32_t held = 0;
	unsigned held_bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < size_bytes; i++) {
		held = (held << 8 | bytes[i]) & 0xffff;
		for (held_bits += 8; held_bits >= 5; held_bits -= 5)
			text[n++] = base32_digits[held >> (held_bits - 5) & 31];
	}
	if (held_bits > 0)
		text[n++] = base32_digits[held << (5 - held_bits) & 31];
	text[n] = '\0';
	return text;
}

int tact_base32_decode(
    struct tact_arena *arena, const char *text, size_t length, void **ret, size_t *ret_bytes)
{
	return decode_bits(arena, text, length, 5, base32_value, ret, ret_bytes);
}

/* ---- base64 ------------------------------------------------------------------------------------------ */

/* EVP_EncodeBlock counts in int, so long data goes in pieces that need no padding. */
char *tact_base64_encode(struct tact_arena *arena, const void *data, size_t size_bytes)
{
	const size_t piece_bytes = 3 * 1024;
	const uint8_t *from = data;
	char *text = tact_arena_alloc(arena, size_bytes / 3 * 4 + 4 + 1), *to = text;

	while (size_bytes > 0) {
		size_t n = size_bytes < piece_bytes ? size_bytes : piece_bytes;

		to += EVP_EncodeBlock((unsigned char *)to, from, (int)n);
		from += n;
		size_bytes -= n;
	}
	*to = '\0';
	return text;
}

/* EVP_DecodeBlock would take white space and bits left over. */
int tact_base64_decode(struct tact_arena *arena, const char *text, void **ret, size_t *ret_bytes)
{
	size_t length = text == NULL ? 1 : strlen(text);

	if (length % 4 != 0)
		return TACT_INVALID;
	if (length > 0 && text[length - 1] == '=')
		length -= text[length - 2] == '=' ? 2 : 1;
	return decode_bits(arena, text, length, 6, base64_value, ret, ret_bytes);
}

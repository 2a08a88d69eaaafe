/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * CRC-32. zlib's is made for long texts and takes short ones byte by byte; most that we have are the frames
 * of small records, each checked whenever it is read. Those go eight bytes at a time, by tables made of
 * zlib's own.
 */
#include <config.h>

#include <endian.h>
#include <string.h>

#include <zlib.h>

#include <tact/base.h>

#define LONG_BYTES 64 /* from here on zlib is as fast, and soon faster */
#define WORD 8

/* by_place[p][b]: what byte b comes to with p bytes behind it */
static uint32_t by_place[WORD][256];

/* Before main: nothing to be asked for each small sum. */
__attribute__((constructor)) static void make_tables(void)
{
	const z_crc_t *zlib = get_crc_table();

	for (size_t b = 0; b < 256; b++)
		by_place[0][b] = (uint32_t)zlib[b];
	for (size_t p = 1; p < WORD; p++)
		for (size_t b = 0; b < 256; b++)
			by_place[p][b] = by_place[p - 1][b] >> 8 ^ by_place[0][by_place[p - 1][b] & 255];
}

static uint32_t crc_word(uint32_t crc, const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, WORD);
	word = le64toh(word) ^ crc;
	return by_place[7][word & 255] ^ by_place[6][word >> 8 & 255] ^ by_place[5][word >> 16 & 255] ^
	       by_place[4][word >> 24 & 255] ^ by_place[3][word >> 32 & 255] ^ by_place[2][word >> 40 & 255] ^
	       by_place[1][word >> 48 & 255] ^ by_place[0][word >> 56];
}

static uint32_t crc_half(uint32_t crc, const uint8_t *at)
{
	uint32_t half;

	memcpy(&half, at, sizeof half);
	half = le32toh(half) ^ crc;
	return by_place[3][half & 255] ^ by_place[2][half >> 8 & 255] ^ by_place[1][half >> 16 & 255] ^
	       by_place[0][half >> 24];
}

static uint32_t crc_short(uint32_t crc, const uint8_t *at, size_t size_bytes)
{
	for (; size_bytes >= WORD; at += WORD, size_bytes -= WORD)
		crc = crc_word(crc, at);
	if (size_bytes >= WORD / 2) {
		crc = crc_half(crc, at);
		at += WORD / 2;
		size_bytes -= WORD / 2;
	}
	for (; size_bytes > 0; at++, size_bytes--)
		crc = crc >> 8 ^ by_place[0][(crc ^ *at) & 255];
	return crc;
}

uint32_t tact_digest_crc32_more(uint32_t before, const void *data, size_t size_bytes)
{
	if (size_bytes >= LONG_BYTES)
		return (uint32_t)crc32_z(before, data, size_bytes);
	return ~crc_short(~before, data, size_bytes);
}

uint32_t tact_digest_crc32(const void *data, size_t size_bytes)
{
	return tact_digest_crc32_more(0, data, size_bytes);
}

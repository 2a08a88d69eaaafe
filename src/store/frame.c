/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The frame around a record: see frame.h. Knows no engine.
 */
#include <config.h>

#include "frame.h"

#include <string.h>

#define FRAME_VERSION 1
#define CRC_AT 17

static void put_le(uint8_t *to, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_le(const uint8_t *from, size_t bytes)
{
	uint64_t value = 0;
	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)from[i] << (8 * i);
	return value;
}

void tact_store_put_u64_be(uint8_t *to, uint64_t value)
{
	for (size_t i = 0; i < 8; i++)
		to[i] = (uint8_t)(value >> (56 - 8 * i));
}

uint64_t tact_store_get_u64_be(const uint8_t *from)
{
	uint64_t value = 0;
	for (size_t i = 0; i < 8; i++)
		value = value << 8 | from[i];
	return value;
}

static uint32_t frame_crc(const uint8_t *frame, size_t payload, const struct tact_store_key *key)
{
	uint8_t all[1 + TACT_ID_BYTES + CRC_AT + 8 + 4], *to = all;

	*to++ = (uint8_t)key->kind;
	memcpy(to, key->id.b, TACT_ID_BYTES);
	to += TACT_ID_BYTES;
	memcpy(to, frame, CRC_AT);
	to += CRC_AT;
	put_le(to, payload, 8);
	put_le(to + 8, tact_digest_crc32(frame + TACT_STORE_FRAME_BYTES, payload), 4);
	return tact_digest_crc32(all, sizeof all);
}

void tact_store_frame_write(void *to, const struct tact_store_key *key, const struct tact_record *record)
{
	uint8_t *frame = to;

	frame[0] = FRAME_VERSION;
	put_le(frame + 1, record->version, 8);
	put_le(frame + 9, (uint64_t)record->wake_us, 8);
	if (record->size > 0)
		memcpy(frame + TACT_STORE_FRAME_BYTES, record->bytes, record->size);
	put_le(frame + CRC_AT, frame_crc(frame, record->size, key), 4);
}

int tact_store_frame_read(const void *from, size_t size, const struct tact_store_key *key,
    struct tact_record *ret, const char **ret_why)
{
	const uint8_t *frame = from;
	const char *why = NULL;

	if (size < TACT_STORE_FRAME_BYTES)
		why = "the record is too short";
	else if (frame[0] != FRAME_VERSION)
		why = "the record was written by another version of tact, or is damaged";
	else if (get_le(frame + CRC_AT, 4) != frame_crc(frame, size - TACT_STORE_FRAME_BYTES, key))
		why = "the record's checksum is wrong";
	if (ret_why)
		*ret_why = why;
	if (why)
		return TACT_CORRUPT;
	ret->size = size - TACT_STORE_FRAME_BYTES;
	ret->bytes = ret->size > 0 ? frame + TACT_STORE_FRAME_BYTES : NULL;
	ret->version = get_le(frame + 1, 8);
	ret->wake_us = (int64_t)get_le(frame + 9, 8);
	return TACT_OK;
}

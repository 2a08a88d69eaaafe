/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The frame around a record: see frame.h. Knows no engine.
 */
#include <config.h>

#include "frame.h"

#include <string.h>

#define FRAME_WAKING 1
#define FRAME_ASLEEP 2
#define CRC_BYTES 4

/* Where the checksum stands; 0 of a frame that is not ours. */
static size_t crc_at(uint8_t frame_version)
{
	return frame_version == FRAME_WAKING ? 17 : frame_version == FRAME_ASLEEP ? 9 : 0;
}

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

static uint32_t more_le(uint32_t crc, uint64_t value, size_t bytes)
{
	uint8_t le[8];

	put_le(le, value, sizeof le);
	return tact_digest_crc32_more(crc, le, bytes);
}

/* Each part from where it stands: put together first, it would be read before it is written. */
static uint32_t frame_crc(
    const uint8_t *frame, size_t payload, uint32_t inner, const struct tact_store_key *key)
{
	size_t head = crc_at(frame[0]);
	uint32_t crc = more_le(0, (uint64_t)key->kind, 1);

	crc = tact_digest_crc32_more(crc, key->id.b, TACT_ID_BYTES);
	crc = tact_digest_crc32_more(crc, frame, 1);
	crc = tact_digest_crc32_more(crc, frame + 1, head - 1);
	crc = more_le(crc, payload, 8);
	return more_le(crc, inner, CRC_BYTES);
}

static uint8_t frame_version(const struct tact_record *record)
{
	return record->wake_us != 0 ? FRAME_WAKING : FRAME_ASLEEP;
}

size_t tact_store_frame_bytes(const struct tact_record *record)
{
	return crc_at(frame_version(record)) + CRC_BYTES + record->size;
}

uint32_t tact_store_sum(const void *bytes, size_t size)
{
	return tact_digest_crc32(bytes, size);
}

void tact_store_frame_write_summed(
    void *to, const struct tact_store_key *key, const struct tact_record *record, uint32_t sum)
{
	uint8_t *frame = to;
	size_t head;

	frame[0] = frame_version(record);
	head = crc_at(frame[0]);
	put_le(frame + 1, record->version, 8);
	if (frame[0] == FRAME_WAKING)
		put_le(frame + 9, (uint64_t)record->wake_us, 8);
	if (record->size > 0)
		memcpy(frame + head + CRC_BYTES, record->bytes, record->size);
	if (sum == 0)
		sum = tact_store_sum(frame + head + CRC_BYTES, record->size);
	put_le(frame + head, frame_crc(frame, record->size, sum, key), CRC_BYTES);
}

void tact_store_frame_write(void *to, const struct tact_store_key *key, const struct tact_record *record)
{
	tact_store_frame_write_summed(to, key, record, 0);
}

int tact_store_frame_read(const void *from, size_t size, const struct tact_store_key *key,
    struct tact_record *ret, const char **ret_why)
{
	const uint8_t *frame = from;
	size_t head = size > 0 ? crc_at(frame[0]) : 0, all = head + CRC_BYTES;
	const char *why = NULL;

	if (size == 0 || (head != 0 && size < all))
		why = "the record is too short";
	else if (head == 0)
		why = "the record was written by another version of tact, or is damaged";
	else if (get_le(frame + head, CRC_BYTES) !=
		 frame_crc(frame, size - all, tact_store_sum(frame + all, size - all), key))
		why = "the record's checksum is wrong";
	if (ret_why)
		*ret_why = why;
	if (why)
		return TACT_CORRUPT;
	ret->size = size - all;
	ret->bytes = ret->size > 0 ? frame + all : NULL;
	ret->version = get_le(frame + 1, 8);
	ret->wake_us = frame[0] == FRAME_WAKING ? (int64_t)get_le(frame + 9, 8) : 0;
	return TACT_OK;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The frame around a record inside an engine that keeps bytes:
 *
 *	1 byte   frame version: 1, or 2 of a record that never wakes
 *	8 bytes  version, little endian
 *	8 bytes  wake_us, little endian; not in frames of version 2
 *	4 bytes  CRC-32, little endian, of: kind, id, the bytes before, size of the payload (8 bytes), CRC-32
 *of the payload (so that neither needs a copy, and a record that strayed under another key is noticed) …
 *payload
 *
 * Most records of a large store are wishes of people who get no mail: they never wake, and each byte counts.
 */
#ifndef TACT_STORE_FRAME_H
#define TACT_STORE_FRAME_H

#include <tact/store.h>

#define TACT_STORE_FRAME_BYTES 21 /* at most */

/* What the record takes in its frame. */
size_t tact_store_frame_bytes(const struct tact_record *record);
/* Writes frame and payload to TO, which has that many bytes. */
void tact_store_frame_write(void *to, const struct tact_store_key *key, const struct tact_record *record);
/* The same with the record's tact_store_sum; 0: nobody has made it. */
void tact_store_frame_write_summed(
    void *to, const struct tact_store_key *key, const struct tact_record *record, uint32_t sum);
/* TACT_OK or TACT_CORRUPT; *ret_why (may be NULL) is a static text. ret->bytes points into FROM, or is NULL
 * when the size is 0. */
int tact_store_frame_read(const void *from, size_t size, const struct tact_store_key *key,
    struct tact_record *ret, const char **ret_why);

void tact_store_put_u64_be(uint8_t *to, uint64_t value);
uint64_t tact_store_get_u64_be(const uint8_t *from);

#endif

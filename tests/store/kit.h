/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the store's tests share: folders, keys, and change functions that count.
 */
#ifndef TACT_TESTS_STORE_KIT_H
#define TACT_TESTS_STORE_KIT_H

#include <tact/store.h>

/* A new folder below TMPDIR; the text is the caller's to hand to kit_remove. */
char *kit_folder(void);
void kit_remove(char **folder);
/* "lmdb:FOLDER/db" + options, in a static buffer for each thread. */
const char *kit_lmdb_url(const char *folder, const char *options);
/* Opens or fails the test with the words. */
struct tact_store *kit_open(const char *url);

/* Takes away all that stands in it, its identity too. */
void kit_empty(struct tact_store *store);

/* Distinct keys whose order is the order of n. */
struct tact_store_key kit_key(enum tact_store_kind kind, uint64_t n);

/* Change functions. */
struct kit_put {
	const void *bytes;
	size_t size;
	int64_t wake_us;
};
bool kit_change_put(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret);
/* The record is a decimal number (absent or empty: 0); writes the next one. context: NULL. Any thread. */
bool kit_change_count(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret);
bool kit_change_nothing(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret);

/* One key each; the answer's result, *ret_version may be NULL. */
int kit_write(struct tact_store *store, struct tact_store_key key, const char *text, int64_t wake_us,
    uint64_t *ret_version);
int kit_count(struct tact_store *store, struct tact_store_key key);
/* The number in the record; -1 when it cannot be read. */
long kit_number(struct tact_store *store, struct tact_store_key key);
/* The text in the record in a static buffer; "(absent)", "(empty)" or the result's name. */
const char *kit_text(struct tact_store *store, struct tact_store_key key);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the store's tests share: see kit.h.
 */
#include <config.h>

#include "kit.h"

#include <check.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *kit_folder(void)
{
	const char *parent = getenv("TMPDIR");
	char path[512];

	snprintf(path, sizeof path, "%s/tact-store-XXXXXX", parent ? parent : "/tmp");
	ck_assert_msg(mkdtemp(path) != NULL, "mkdtemp %s: %m", path);
	return tact_strdup(path);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
	(void)status, (void)type, (void)at;
	return remove(path);
}

void kit_remove(char **folder)
{
	nftw(*folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	free(*folder);
	*folder = NULL;
}

const char *kit_lmdb_url(const char *folder, const char *options)
{
	static _Thread_local char url[600];
	snprintf(url, sizeof url, "lmdb:%s/db%s", folder, options);
	return url;
}

struct tact_store *kit_open(const char *url)
{
	struct tact_store *store = NULL;
	struct tact_error err = {""};
	int result = tact_store_open(url, &store, &err);
	ck_assert_msg(
	    result == TACT_OK, "open %s: got %s (%s), want ok", url, tact_result_name(result), err.text);
	return store;
}

struct found {
	struct tact_store_key keys[512];
	size_t count;
};

static bool find_key(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct found *found = context;
	(void)record;
	found->keys[found->count++] = *key;
	return found->count < sizeof found->keys / sizeof *found->keys;
}

static bool change_remove(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret)
{
	(void)context, (void)index, (void)now, (void)now_us;
	ret->remove = true;
	return true;
}

static void empty_kind(struct tact_store *store, enum tact_store_kind kind)
{
	struct found found;
	struct tact_store_answer answers[512];

	do {
		found.count = 0;
		ck_assert_int_eq(tact_store_scan(store, kind, find_key, &found, NULL), TACT_OK);
		ck_assert_int_eq(
		    tact_store_update(store, found.keys, found.count, change_remove, NULL, answers, 0),
		    TACT_OK);
	} while (found.count > 0);
}

void kit_empty(struct tact_store *store)
{
	struct tact_arena *arena = tact_arena_new();
	char *identity;

	for (int kind = TACT_STORE_DOSSIER; kind <= TACT_STORE_ALIAS; kind++)
		empty_kind(store, (enum tact_store_kind)kind);
	ck_assert_int_eq(tact_store_identity(store, arena, &identity, NULL), TACT_OK);
	ck_assert_int_eq(tact_store_set_identity(store, identity, "", NULL), TACT_OK);
	tact_arena_free(&arena);
}

struct tact_store_key kit_key(enum tact_store_kind kind, uint64_t n)
{
	struct tact_store_key key = {.kind = kind, .id.b = {[0] = 0x7a}};
	for (size_t i = 0; i < 8; i++)
		key.id.b[1 + i] = (uint8_t)(n >> (56 - 8 * i));
	return key;
}

bool kit_change_put(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret)
{
	const struct kit_put *put = context;
	(void)index, (void)now, (void)now_us;
	*ret = (struct tact_store_put){.bytes = put->bytes, .size = put->size, .wake_us = put->wake_us};
	return true;
}

static long number_of(const struct tact_record *record)
{
	char text[32] = "0";
	ck_assert_uint_lt(record->size, sizeof text);
	if (record->size > 0)
		memcpy(text, record->bytes, record->size);
	return strtol(text, NULL, 10);
}

/* The text must outlive the call: one buffer a thread is enough, since the engine copies before it calls
 * again. */
bool kit_change_count(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret)
{
	static _Thread_local char text[32];
	(void)context, (void)index, (void)now_us;
	ret->size = (size_t)snprintf(text, sizeof text, "%ld", number_of(now) + 1);
	ret->bytes = text;
	return true;
}

bool kit_change_nothing(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret)
{
	(void)context, (void)index, (void)now, (void)now_us, (void)ret;
	return false;
}

int kit_write(struct tact_store *store, struct tact_store_key key, const char *text, int64_t wake_us,
    uint64_t *ret_version)
{
	struct kit_put put = {text, strlen(text), wake_us};
	struct tact_store_answer answer;
	int worst = tact_store_update(store, &key, 1, kit_change_put, &put, &answer, 0);
	ck_assert_int_eq(worst, answer.result);
	if (ret_version)
		*ret_version = answer.version;
	return answer.result;
}

int kit_count(struct tact_store *store, struct tact_store_key key)
{
	struct tact_store_answer answer;
	return tact_store_update(store, &key, 1, kit_change_count, NULL, &answer, 0);
}

long kit_number(struct tact_store *store, struct tact_store_key key)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_store_answer answer;
	struct tact_record record;
	long number = -1;
	if (tact_store_read(store, &key, 1, arena, &record, &answer, 0) == TACT_OK)
		number = number_of(&record);
	tact_arena_free(&arena);
	return number;
}

const char *kit_text(struct tact_store *store, struct tact_store_key key)
{
	static _Thread_local char text[256];
	struct tact_arena *arena = tact_arena_new();
	struct tact_store_answer answer;
	struct tact_record record;
	int result = tact_store_read(store, &key, 1, arena, &record, &answer, 0);

	if (result != TACT_OK)
		snprintf(text, sizeof text, "%s", tact_result_name(result));
	else if (record.version == 0)
		snprintf(text, sizeof text, "(absent)");
	else if (record.size == 0)
		snprintf(text, sizeof text, "(empty)");
	else
		snprintf(text, sizeof text, "%.*s", (int)record.size, (const char *)record.bytes);
	tact_arena_free(&arena);
	return text;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The engine that opens and then always answers unavailable, so that an admin and a test can see what a
 * failing store does to the mail.
 */
#include <config.h>

#include "engine.h"

#include <stdlib.h>

#define WORDS "the store is \"fail:\", which answers every call with unavailable: give store a real url"

static int fail_check_url(const char *rest, struct tact_error *err)
{
	return *rest ? tact_error_set(err, TACT_INVALID, "nothing may follow \"fail:\", got \"%s\"", rest)
		     : TACT_OK;
}

static int fail_open(const char *rest, struct tact_store **ret, struct tact_error *err)
{
	int result = fail_check_url(rest, err);
	if (result != TACT_OK)
		return result;
	*ret = tact_calloc(1, sizeof **ret);
	tact_store_init(*ret, &tact_store_fail);
	return TACT_OK;
}

static void fail_close(struct tact_store *store)
{
	tact_store_clear(store);
	free(store);
}

/* The answers say unavailable already. */
static void fail_read(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    struct tact_arena *arena, struct tact_record *ret_records, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	(void)keys, (void)count, (void)arena, (void)ret_records, (void)ret_answers, (void)deadline_ms;
	tact_store_report(store, TACT_UNAVAILABLE, NULL, WORDS);
}

static void fail_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms)
{
	(void)keys, (void)count, (void)fn, (void)context, (void)ret_answers, (void)deadline_ms;
	tact_store_report(store, TACT_UNAVAILABLE, NULL, WORDS);
}

static int fail_scan(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn,
    void *context, struct tact_error *err)
{
	(void)kind, (void)fn, (void)context;
	return tact_store_report(store, TACT_UNAVAILABLE, err, WORDS);
}

static int fail_due(struct tact_store *store, int64_t after_us, int64_t until_us, size_t limit,
    tact_store_scan_fn fn, void *context, struct tact_error *err)
{
	(void)after_us, (void)until_us, (void)limit, (void)fn, (void)context;
	return tact_store_report(store, TACT_UNAVAILABLE, err, WORDS);
}

static int fail_identity(
    struct tact_store *store, struct tact_arena *arena, char **ret, struct tact_error *err)
{
	(void)arena, (void)ret;
	return tact_store_report(store, TACT_UNAVAILABLE, err, WORDS);
}

static int fail_set_identity(
    struct tact_store *store, const char *expected, const char *text, struct tact_error *err)
{
	(void)expected, (void)text;
	return tact_store_report(store, TACT_UNAVAILABLE, err, WORDS);
}

static int64_t fail_now_us(struct tact_store *store)
{
	(void)store;
	return tact_clock_now_us();
}

static int fail_check(struct tact_store *store, struct tact_store_figures *ret,
    void (*report)(void *context, const struct tact_store_key *key, const char *why), void *context,
    struct tact_error *err)
{
	(void)ret, (void)report, (void)context;
	return tact_store_report(store, TACT_UNAVAILABLE, err, WORDS);
}

static uint64_t fail_commits(struct tact_store *store)
{
	(void)store;
	return 0;
}

const struct tact_store_engine tact_store_fail = {
    .scheme = "fail:",
    .check_url = fail_check_url,
    .open = fail_open,
    .close = fail_close,
    .read = fail_read,
    .update = fail_update,
    .scan = fail_scan,
    .due = fail_due,
    .identity = fail_identity,
    .set_identity = fail_set_identity,
    .now_us = fail_now_us,
    .check = fail_check,
    .commits = fail_commits,
};

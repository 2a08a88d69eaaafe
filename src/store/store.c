/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The store's public calls: chooses the engine by its url, and what is the same for all of them. Touches no
 * disk.
 */
#include <config.h>

#include "engine.h"

#include <assert.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct tact_store_engine *const engines[] = {
    &tact_store_lmdb, &tact_store_postgres, &tact_store_memory, &tact_store_fail};

static const struct tact_store_engine *find_engine(
    const char *url, const char **ret_rest, struct tact_error *err)
{
	for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
		size_t length = strlen(engines[i]->scheme);
		if (strncmp(url, engines[i]->scheme, length) == 0) {
			*ret_rest = url + length;
			return engines[i];
		}
	}
	/* Not the rest: a password may stand in it. */
	tact_error_set(err, TACT_INVALID,
	    "\"%.*s\" is not a store url: lmdb:/FOLDER, postgres:CONNINFO, memory: or fail: would be",
	    (int)strcspn(url, ":/"), url);
	return NULL;
}

int tact_store_check_url(const char *url, struct tact_error *err)
{
	const char *rest;
	const struct tact_store_engine *engine = find_engine(url, &rest, err);
	return engine ? engine->check_url(rest, err) : TACT_INVALID;
}

bool tact_store_warns_of_url(const char *url, struct tact_error *ret)
{
	const char *rest;
	const struct tact_store_engine *engine = find_engine(url, &rest, NULL);
	return engine && engine->warns_of_url && engine->warns_of_url(rest, ret);
}

int tact_store_open(const char *url, struct tact_store **ret, struct tact_error *err)
{
	const char *rest;
	const struct tact_store_engine *engine = find_engine(url, &rest, err);
	return engine ? engine->open(rest, ret, err) : TACT_INVALID;
}

int tact_store_create(const char *url, struct tact_error *err)
{
	struct tact_store *store;
	const char *rest;
	const struct tact_store_engine *engine = find_engine(url, &rest, err);
	int result = TACT_INVALID;

	if (engine && engine->create)
		return engine->create(rest, err);
	if (engine)
		result = engine->open(rest, &store, err);
	if (result == TACT_OK)
		tact_store_close(&store);
	return result;
}

void tact_store_close(struct tact_store **store)
{
	if (!store || !*store)
		return;
	(*store)->engine->close(*store);
	*store = NULL;
}

void tact_store_go_first(struct tact_store *store)
{
	if (store->engine->go_first)
		store->engine->go_first(store);
}

void tact_store_init(struct tact_store *store, const struct tact_store_engine *engine)
{
	store->engine = engine;
	store->last_error.text[0] = '\0';
	pthread_mutex_init(&store->error_lock, NULL);
}

void tact_store_clear(struct tact_store *store)
{
	pthread_mutex_destroy(&store->error_lock);
}

int tact_store_report(struct tact_store *store, int result, struct tact_error *err, const char *format, ...)
{
	struct tact_error words;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(words.text, sizeof words.text, format, arguments);
	va_end(arguments);
	pthread_mutex_lock(&store->error_lock);
	store->last_error = words;
	pthread_mutex_unlock(&store->error_lock);
	if (err)
		*err = words;
	return result;
}

void tact_store_last_error(struct tact_store *store, struct tact_error *ret)
{
	if (!ret)
		return;
	pthread_mutex_lock(&store->error_lock);
	*ret = store->last_error;
	pthread_mutex_unlock(&store->error_lock);
}

bool tact_store_is_over(struct tact_store *store)
{
	return store->engine->is_over != NULL && store->engine->is_over(store);
}

const char *tact_store_kind_name(enum tact_store_kind kind)
{
	static const char *const names[] = {"none", "dossier", "campaign", "review", "alias"};
	return names[kind];
}

int tact_store_key_compare(const struct tact_store_key *a, const struct tact_store_key *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return memcmp(a->id.b, b->id.b, TACT_ID_BYTES);
}

/* Kinds come from our own code, never from outside. */
static void expect_kinds(const struct tact_store_key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert(keys[i].kind >= TACT_STORE_DOSSIER && keys[i].kind <= TACT_STORE_ALIAS);
	(void)keys, (void)count;
}

static void doubt_all(struct tact_store_answer *answers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		answers[i] = (struct tact_store_answer){.result = TACT_UNAVAILABLE};
}

/* The results stand in order: TACT_OK is the greatest. */
static int worst_answer(const struct tact_store_answer *answers, size_t count)
{
	int worst = TACT_OK;
	for (size_t i = 0; i < count; i++)
		worst = answers[i].result < worst ? answers[i].result : worst;
	return worst;
}

int tact_store_read(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    struct tact_arena *arena, struct tact_record *ret_records, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	expect_kinds(keys, count);
	doubt_all(ret_answers, count);
	for (size_t i = 0; i < count; i++)
		ret_records[i] = (struct tact_record){0};
	if (count > 0)
		store->engine->read(store, keys, count, arena, ret_records, ret_answers, deadline_ms);
	return worst_answer(ret_answers, count);
}

int tact_store_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms)
{
	expect_kinds(keys, count);
	doubt_all(ret_answers, count);
	if (count > 0)
		store->engine->update(store, keys, count, fn, context, ret_answers, deadline_ms);
	return worst_answer(ret_answers, count);
}

/* For engines that work in the caller's own thread. */
struct own_turn {
	struct tact_store_turn turn;
	sem_t over;
};

static void resume_own(struct tact_store_turn *turn)
{
	sem_post(&((struct own_turn *)turn)->over);
}

static void take_own_turn(tact_store_after_fn after, void *context)
{
	struct own_turn own = {.turn.resume = resume_own};

	sem_init(&own.over, 0, 0);
	after(context, &own.turn);
	while (sem_wait(&own.over) != 0)
		continue; /* a signal */
	sem_destroy(&own.over);
}

int tact_store_update_then(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, tact_store_after_fn after, void *context, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	bool own = count == 0 || store->engine->update_then == NULL;

	expect_kinds(keys, count);
	doubt_all(ret_answers, count);
	if (!own)
		store->engine->update_then(store, keys, count, fn, after, context, ret_answers, deadline_ms);
	else if (count > 0)
		store->engine->update(store, keys, count, fn, context, ret_answers, deadline_ms);
	if (own)
		take_own_turn(after, context);
	return worst_answer(ret_answers, count);
}

void tact_store_resume(struct tact_store_turn *turn)
{
	turn->resume(turn);
}

int tact_store_scan(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn, void *context,
    struct tact_error *err)
{
	return store->engine->scan(store, kind, fn, context, err);
}

int tact_store_due(struct tact_store *store, int64_t after_us, int64_t until_us, size_t limit,
    tact_store_scan_fn fn, void *context, struct tact_error *err)
{
	/* What wakes at 0 never wakes. */
	if (after_us < 0)
		after_us = 0;
	if (until_us <= after_us || limit == 0)
		return TACT_OK;
	return store->engine->due(store, after_us, until_us, limit, fn, context, err);
}

int tact_store_layout(struct tact_store *store, struct tact_store_layout *ret, struct tact_error *err)
{
	if (store->engine->layout)
		return store->engine->layout(store, ret, err);
	*ret = (struct tact_store_layout){.parts = 1};
	return TACT_OK;
}

bool tact_store_same_layout(const struct tact_store_layout *a, const struct tact_store_layout *b)
{
	return a->parts == b->parts && memcmp(a->part_of, b->part_of, sizeof a->part_of) == 0 &&
	       memcmp(a->name, b->name, a->parts) == 0;
}

int tact_store_scan_part(struct tact_store *store, const struct tact_store_layout *layout, size_t part,
    enum tact_store_kind kind, tact_store_scan_fn fn, void *context, struct tact_error *err)
{
	return layout->parts == 1 ? tact_store_scan(store, kind, fn, context, err)
				  : store->engine->scan_part(store, layout, part, kind, fn, context, err);
}

int tact_store_due_part(struct tact_store *store, const struct tact_store_layout *layout, size_t part,
    int64_t after_us, int64_t until_us, size_t limit, tact_store_scan_fn fn, void *context,
    struct tact_error *err)
{
	if (layout->parts == 1)
		return tact_store_due(store, after_us, until_us, limit, fn, context, err);
	after_us = after_us < 0 ? 0 : after_us;
	if (until_us <= after_us || limit == 0)
		return TACT_OK;
	return store->engine->due_part(store, layout, part, after_us, until_us, limit, fn, context, err);
}

int tact_store_identity(
    struct tact_store *store, struct tact_arena *arena, char **ret, struct tact_error *err)
{
	return store->engine->identity(store, arena, ret, err);
}

int tact_store_set_identity(
    struct tact_store *store, const char *expected, const char *text, struct tact_error *err)
{
	return store->engine->set_identity(store, expected, text, err);
}

int64_t tact_store_now_us(struct tact_store *store)
{
	return store->engine->now_us(store);
}

int tact_store_check_clock(struct tact_store *store, int64_t most_us, struct tact_error *err)
{
	int64_t skew_us = store->engine->skew_us && most_us > 0 ? store->engine->skew_us(store) : 0;

	if (skew_us <= most_us && -skew_us <= most_us)
		return TACT_OK;
	return tact_store_report(store, TACT_REFUSED, err,
	    "the store's clock is %lld s %s this machine's, more than max_skew: set both by NTP",
	    (long long)(skew_us < 0 ? -skew_us : skew_us) / 1000000, skew_us < 0 ? "behind" : "ahead of");
}

int tact_store_check(struct tact_store *store, struct tact_store_figures *ret,
    void (*report)(void *context, const struct tact_store_key *key, const char *why), void *context,
    struct tact_error *err)
{
	return store->engine->check(store, ret, report, context, err);
}

uint64_t tact_store_commits(struct tact_store *store)
{
	return store->engine->commits(store);
}

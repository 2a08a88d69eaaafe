/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The engine for several relays: a PostgreSQL server, a synchronous pair, or a partitioned cluster behind the
 * same functions (contrib/postgresql/schema.sql). Reads and updates go through the pool; what is long or rare
 * has a connection aside, so that it takes none from the mail. Knows no SQL and no libpq.
 */
#include <config.h>

#include "postgres_engine.h"

#include <stdlib.h>
#include <string.h>

#define ASIDE_WAIT_MS 30000
#define SCHEMA_WAIT_MS 600000

static const char schema[] = {
#include "src/store/postgres_schema.inc"
    , '\0'};

static int postgres_check_url(const char *rest, struct tact_error *err)
{
	struct pg_url url;
	int result = pg_url_parse(rest, &url, err);
	if (result == TACT_OK)
		pg_url_clear(&url);
	return result;
}

static const char *danger_of(const char *sslmode)
{
	static const struct {
		const char *mode, *words;
	} dangers[] = {
	    {"disable", "nothing is encrypted"},
	    {"allow", "nothing is encrypted unless the server insists, and any server is believed"},
	    {"require", "any server is believed that takes the connection, and whoever stands between"},
	    {"verify-ca", "any server is believed that has a certificate of the same signer"},
	};

	for (size_t i = 0; i < sizeof dangers / sizeof *dangers; i++)
		if (strcmp(sslmode, dangers[i].mode) == 0)
			return dangers[i].words;
	return "it is not verify-full";
}

static bool postgres_warns_of_url(const char *rest, struct tact_error *ret)
{
	struct pg_url url;
	bool weak = false;

	if (pg_url_parse(rest, &url, NULL) != TACT_OK)
		return false;
	if (pg_link_protect(&url, NULL) == TACT_OK && url.weak[0] != '\0') {
		tact_error_set(ret, TACT_REFUSED,
		    "the database is on another machine and sslmode=%s: %s; without sslmode=, or with "
		    "verify-full, the server must prove who it is",
		    url.weak, danger_of(url.weak));
		weak = true;
	}
	pg_url_clear(&url);
	return weak;
}

int postgres_ask(struct postgres *p, enum pg_statement statement, const struct pg_param *params, size_t count,
    struct pg_link **ret_link, struct tact_error *err)
{
	return pg_aside_ask(p->aside, PG_ALL_PARTS, statement, params, count, ASIDE_WAIT_MS, ret_link, err);
}

/* ---- read and update --------------------------------------------------------------------------------- */

static void postgres_read(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    struct tact_arena *arena, struct tact_record *ret_records, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	struct postgres *p = (struct postgres *)store;
	pg_pool_read(p->pool, keys, count, arena, ret_records, ret_answers, deadline_ms);
}

static void postgres_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms)
{
	struct postgres *p = (struct postgres *)store;
	pg_pool_update(p->pool, keys, count, fn, NULL, context, ret_answers, deadline_ms);
}

static void postgres_update_then(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, tact_store_after_fn after, void *context, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	struct postgres *p = (struct postgres *)store;
	pg_pool_update(p->pool, keys, count, fn, after, context, ret_answers, deadline_ms);
}

static void postgres_fill(struct tact_store *store, const struct tact_store_key *keys,
    const struct tact_store_put *puts, size_t count, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	struct postgres *p = (struct postgres *)store;
	pg_fill_chunk(p->fill, p->pool, keys, puts, count, ret_answers, deadline_ms);
}

static uint64_t postgres_others(struct tact_store *store)
{
	return pg_fill_others(((struct postgres *)store)->fill);
}

/* ---- parts ------------------------------------------------------------------------------------------- */

/* Which keys may share a call, as the database says now. */
static int find_groups(struct postgres *p, int64_t wait_ms, uint8_t ret[PG_GROUPS], struct tact_error *err)
{
	struct pg_link *link;
	const void *bytes;
	size_t size;
	int result = pg_aside_ask(p->aside, PG_NO_PART, PG_FIND_GROUPS, NULL, 0, wait_ms, &link, err);

	if (result != TACT_OK)
		return result;
	bytes = pg_link_value(link, 0, 0, &size);
	if (size == PG_GROUPS)
		memcpy(ret, bytes, size);
	else
		result = tact_store_report(&p->store, TACT_SYSTEM, err,
		    "tact_groups() answers %zu bytes, not %d: run \"tact store upgrade\"", size, PG_GROUPS);
	pg_aside_return(p->aside, PG_NO_PART, link);
	return result;
}

/* Parts are numbered in the order in which their groups come first. */
static void lay_out(const uint8_t groups[PG_GROUPS], struct tact_store_layout *ret)
{
	*ret = (struct tact_store_layout){.parts = 0};
	for (size_t byte = 0; byte < PG_GROUPS; byte++) {
		size_t part = 0;

		while (part < ret->parts && ret->name[part] != groups[byte])
			part++;
		if (part == ret->parts)
			ret->name[ret->parts++] = groups[byte];
		ret->part_of[byte] = (uint8_t)part;
	}
}

static int postgres_layout(struct tact_store *store, struct tact_store_layout *ret, struct tact_error *err)
{
	struct postgres *p = (struct postgres *)store;
	uint8_t groups[PG_GROUPS];
	int result = find_groups(p, POSTGRES_PART_WAIT_MS, groups, err);

	if (result != TACT_OK)
		return result == TACT_SYSTEM ? TACT_UNAVAILABLE : result;
	pg_pool_set_groups(p->pool, groups);
	lay_out(groups, ret);
	return TACT_OK;
}

/* ---- identity, clock --------------------------------------------------------------------------------- */

static int postgres_identity(
    struct tact_store *store, struct tact_arena *arena, char **ret, struct tact_error *err)
{
	struct postgres *p = (struct postgres *)store;
	struct pg_link *link;
	const char *text;
	size_t size;
	int result = postgres_ask(p, PG_IDENTITY, NULL, 0, &link, err);

	if (result != TACT_OK)
		return result;
	text = pg_link_value(link, 0, 0, &size);
	*ret = tact_arena_strndup(arena, text, size);
	pg_aside_return(p->aside, PG_ALL_PARTS, link);
	return TACT_OK;
}

/* What a call that writes came to, which did not end well. */
static int judge_write(const struct pg_link *link, enum pg_outcome outcome)
{
	if (outcome != PG_REFUSED)
		return TACT_UNCERTAIN;
	if (tact_text_equal(pg_link_state(link), "42501"))
		return TACT_SYSTEM;
	return pg_state_meaning(pg_link_state(link)) == PG_MEANS_UNCERTAIN ? TACT_UNCERTAIN
									   : TACT_UNAVAILABLE;
}

static int postgres_set_identity(
    struct tact_store *store, const char *expected, const char *text, struct tact_error *err)
{
	struct postgres *p = (struct postgres *)store;
	const struct pg_param params[] = {{expected, strlen(expected)}, {text, strlen(text)}};
	struct pg_link *link;
	enum pg_outcome outcome;
	int result = pg_aside_take(p->aside, PG_ALL_PARTS, &link, err);

	if (result != TACT_OK)
		return result;
	outcome = pg_link_call(link, PG_SET_IDENTITY, params, 2, tact_clock_monotonic_ms() + ASIDE_WAIT_MS);
	if (outcome != PG_DONE) {
		result = judge_write(link, outcome);
		(void)pg_aside_fail(p->aside, PG_ALL_PARTS, link, outcome, err);
		return result;
	}
	if (pg_link_noticed(link))
		result = tact_store_report(store, TACT_UNCERTAIN, err,
		    "the identity may not be replicated: %s", pg_link_words(link));
	else if (pg_link_integer(link, 0, 0) != 1)
		result = tact_store_report(
		    store, TACT_REFUSED, err, "the identity of the database is not the one expected");
	pg_aside_return(p->aside, PG_ALL_PARTS, link);
	return result;
}

static int64_t postgres_now_us(struct tact_store *store)
{
	return pg_clock_now_us(pg_pool_clock(((struct postgres *)store)->pool));
}

static int64_t postgres_skew_us(struct tact_store *store)
{
	return pg_clock_skew_us(pg_pool_clock(((struct postgres *)store)->pool));
}

static uint64_t postgres_commits(struct tact_store *store)
{
	return pg_pool_commits(((struct postgres *)store)->pool);
}

/* ---- open and close ---------------------------------------------------------------------------------- */

static void postgres_close(struct tact_store *store)
{
	struct postgres *p = (struct postgres *)store;

	if (p->pool)
		pg_pool_free(&p->pool);
	pg_fill_free(&p->fill);
	pg_aside_free(&p->aside);
	pg_origins_free(&p->origins);
	pg_url_clear(&p->url);
	tact_store_clear(store);
	free(p);
}

static int learn_clock(struct postgres *p, struct tact_error *err)
{
	struct pg_link *link;
	int64_t asked_us = pg_clock_monotonic_us();
	int result = postgres_ask(p, PG_NOW, NULL, 0, &link, err);

	if (result != TACT_OK)
		return result;
	pg_clock_hear(pg_pool_clock(p->pool), pg_link_integer(link, 0, 0), asked_us);
	pg_aside_return(p->aside, PG_ALL_PARTS, link);
	return TACT_OK;
}

static int open_all(struct postgres *p, struct tact_error *err)
{
	uint8_t groups[PG_GROUPS];
	int result = find_groups(p, ASIDE_WAIT_MS, groups, err);

	if (result != TACT_OK)
		return result;
	p->pool = pg_pool_new(&p->store, &p->url, p->origins, groups);
	if (!p->pool)
		return tact_store_report(&p->store, TACT_SYSTEM, err,
		    "no threads can be made for the database's connections: raise LimitNPROC= or TasksMax=");
	return learn_clock(p, err);
}

static struct postgres *postgres_new(const struct pg_url *url)
{
	struct postgres *p = tact_calloc(1, sizeof *p);

	tact_store_init(&p->store, &tact_store_postgres);
	p->url = *url;
	p->origins = pg_origins_new();
	p->aside = pg_aside_new(&p->store, &p->url, p->origins);
	p->fill = pg_fill_new(&p->store, p->aside);
	return p;
}

static int postgres_open(const char *rest, struct tact_store **ret, struct tact_error *err)
{
	struct pg_url url;
	struct postgres *p;
	int result = pg_url_parse(rest, &url, err);

	if (result != TACT_OK)
		return result;
	p = postgres_new(&url);
	result = pg_link_protect(&p->url, err);
	if (result == TACT_OK)
		result = open_all(p, err);
	if (result == TACT_OK)
		*ret = &p->store;
	else
		postgres_close(&p->store);
	return result;
}

/* The text can be run again: it makes what is not there, and the functions anew. */
static int postgres_create(const char *rest, struct tact_error *err)
{
	struct pg_link *link = NULL;
	struct pg_url url;
	int result = pg_url_parse(rest, &url, err);

	if (result != TACT_OK)
		return result;
	result = pg_link_protect(&url, err);
	if (result == TACT_OK)
		result = pg_link_open(&url, NULL, &link, err);
	if (result == TACT_OK &&
	    pg_link_run(link, schema, tact_clock_monotonic_ms() + SCHEMA_WAIT_MS) != PG_DONE)
		result =
		    tact_error_set(err, TACT_SYSTEM, "the schema cannot be made: %s%s", pg_link_words(link),
			tact_text_equal(pg_link_state(link), "42501")
			    ? "; the login must own the database and may need CREATEROLE"
			    : "");
	pg_link_close(&link);
	pg_url_clear(&url);
	return result;
}

const struct tact_store_engine tact_store_postgres = {
    .scheme = "postgres:",
    .check_url = postgres_check_url,
    .warns_of_url = postgres_warns_of_url,
    .open = postgres_open,
    .create = postgres_create,
    .close = postgres_close,
    .read = postgres_read,
    .update = postgres_update,
    .update_then = postgres_update_then,
    .fill = postgres_fill,
    .others = postgres_others,
    .fill_is_aside = true, /* it holds its own rows only, which nobody else has seen yet */
    .scan = postgres_scan,
    .due = postgres_due,
    .layout = postgres_layout,
    .scan_part = postgres_scan_part,
    .due_part = postgres_due_part,
    .identity = postgres_identity,
    .set_identity = postgres_set_identity,
    .now_us = postgres_now_us,
    .skew_us = postgres_skew_us,
    .check = postgres_check,
    .commits = postgres_commits,
};

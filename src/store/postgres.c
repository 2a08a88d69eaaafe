/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The engine for several relays: a PostgreSQL server, a synchronous pair, or a partitioned cluster behind the
 * same functions (contrib/postgresql/schema.sql). Reads and updates go through the pool; what is long or rare
 * has a connection aside, so that it takes none from the mail. Knows no SQL and no libpq.
 */
#include <config.h>

#include "engine.h"
#include "frame.h"
#include "postgres.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ASIDE_WAIT_MS 30000
#define PART_WAIT_MS 5000 /* mail waits for what is asked of one part */
#define PAGE_FIRST 64
#define PAGE_MOST 1000
#define PAGE_BYTES ((size_t)1 << 20)
#define SCHEMA_WAIT_MS 600000

struct postgres {
	struct tact_store store;
	struct pg_url url;
	struct pg_origins *origins;
	struct pg_pool *pool;
	struct pg_aside *aside;
	struct pg_fill *fill;
};

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

/* One call with an answer of one row. *ret_link is to be given back. */
static int ask(struct postgres *p, enum pg_statement statement, const struct pg_param *params, size_t count,
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

/* Which servers a call asks: all, or those of one group, by a first byte that belongs to it. */
struct whom {
	int group; /* or PG_ALL_PARTS */
	uint8_t byte;
};
static const struct whom everybody = {.group = PG_ALL_PARTS};

/* The first byte of those that stand in a part; the last there is for a part that is no more. */
static struct whom whom_of(const struct tact_store_layout *layout, size_t part)
{
	struct whom whom = {.group = layout->name[part]};

	while (whom.byte < PG_GROUPS - 1 && layout->part_of[whom.byte] != part)
		whom.byte++;
	return whom;
}

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
	pg_aside_return(p->aside, link);
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
	int result = find_groups(p, PART_WAIT_MS, groups, err);

	if (result != TACT_OK)
		return result == TACT_SYSTEM ? TACT_UNAVAILABLE : result;
	pg_pool_set_groups(p->pool, groups);
	lay_out(groups, ret);
	return TACT_OK;
}

/* ---- pages ------------------------------------------------------------------------------------------- */

static void put_be(uint8_t *to, int64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)((uint64_t)value >> (8 * (bytes - 1 - i)));
}

struct page {
	struct whom whom;
	enum tact_store_kind kind;
	struct tact_id after;
	size_t after_bytes, rows; /* 0: from the beginning; how many rows are asked for */
	bool more;
	uint64_t corrupt;
	struct tact_store_figures *figures;
	void (*report)(void *context, const struct tact_store_key *key, const char *why);
	tact_store_scan_fn fn;
	void *context;
};

static int ask_page(struct postgres *p, const struct page *page, struct pg_link **ret, struct tact_error *err)
{
	uint8_t kind[2], rows[4], byte[4];
	const struct pg_param params[] = {
	    {kind, 2}, {page->after.b, page->after_bytes}, {rows, 4}, {byte, 4}};

	put_be(kind, (int64_t)page->kind, 2);
	put_be(rows, (int64_t)page->rows, 4);
	put_be(byte, page->whom.byte, 4);
	if (page->whom.group == PG_ALL_PARTS)
		return ask(p, PG_SCAN, params, 3, ret, err);
	return pg_aside_ask(p->aside, page->whom.group, PG_SCAN_PART, params, 4, PART_WAIT_MS, ret, err);
}

static const char *read_row(const struct pg_link *link, size_t row, const struct tact_store_key *key,
    struct tact_record *ret, size_t *ret_bytes)
{
	const void *bytes = pg_link_value(link, row, 3, ret_bytes);
	const char *why = NULL;

	if (tact_store_frame_read(bytes, *ret_bytes, key, ret, &why) != TACT_OK)
		return why;
	if (ret->version != (uint64_t)pg_link_integer(link, row, 1))
		return "the record's version is not the one beside it";
	if (ret->wake_us != pg_link_integer(link, row, 2))
		return "the record's wake time is not the one beside it";
	return NULL;
}

static void count_row(struct page *page, const struct tact_record *record, const char *why)
{
	page->corrupt += why != NULL;
	if (!page->figures)
		return;
	page->figures->records[page->kind]++;
	page->figures->corrupt += why != NULL;
	page->figures->emptied[page->kind] += !why && record->size == 0;
	page->figures->waking += !why && record->wake_us != 0;
}

static void look_at_row(struct page *page, const struct pg_link *link, size_t row, size_t *bytes)
{
	struct tact_store_key key = {.kind = page->kind};
	struct tact_record record = {0};
	const char *why;
	size_t size;
	const void *id = pg_link_value(link, row, 0, &size);

	memcpy(key.id.b, id, size < TACT_ID_BYTES ? size : TACT_ID_BYTES);
	page->after = key.id;
	page->after_bytes = TACT_ID_BYTES;
	why = read_row(link, row, &key, &record, &size);
	*bytes += size;
	count_row(page, &record, why);
	if (why && page->report)
		page->report(page->context, &key, why);
	if (!why && page->fn)
		page->more = page->fn(page->context, &key, &record);
}

/* A page is read whole before anybody looks at it: no transaction is open while a caller works. */
static int walk_page(struct postgres *p, struct page *page, struct tact_error *err)
{
	struct pg_link *link;
	size_t bytes = 0, rows;
	int result = ask_page(p, page, &link, err);

	if (result != TACT_OK)
		return result;
	rows = pg_link_rows(link);
	for (size_t row = 0; row < rows && page->more; row++)
		look_at_row(page, link, row, &bytes);
	if (rows < page->rows)
		page->more = false;
	if (bytes < PAGE_BYTES / 2 && page->rows < PAGE_MOST)
		page->rows = page->rows * 2 < PAGE_MOST ? page->rows * 2 : PAGE_MOST;
	else if (bytes > PAGE_BYTES && page->rows > 1)
		page->rows /= 2;
	pg_aside_return(p->aside, link);
	return TACT_OK;
}

static int walk(struct postgres *p, struct page *page, enum tact_store_kind kind, struct tact_error *err)
{
	int result = TACT_OK;

	page->kind = kind;
	page->after_bytes = 0;
	page->rows = PAGE_FIRST;
	page->more = true;
	while (page->more && result == TACT_OK)
		result = walk_page(p, page, err);
	return result;
}

static int scan_whom(struct tact_store *store, struct whom whom, enum tact_store_kind kind,
    tact_store_scan_fn fn, void *context, struct tact_error *err)
{
	struct page page = {.whom = whom, .fn = fn, .context = context};
	int result = walk((struct postgres *)store, &page, kind, err);

	if (result == TACT_OK && page.corrupt > 0)
		result = tact_store_report(store, TACT_CORRUPT, err,
		    "%" PRIu64
		    " %s records in the database cannot be read and were left out: run \"tact store "
		    "check\"",
		    page.corrupt, tact_store_kind_name(kind));
	return result;
}

static int postgres_scan(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn,
    void *context, struct tact_error *err)
{
	return scan_whom(store, everybody, kind, fn, context, err);
}

static int postgres_scan_part(struct tact_store *store, const struct tact_store_layout *layout, size_t part,
    enum tact_store_kind kind, tact_store_scan_fn fn, void *context, struct tact_error *err)
{
	return scan_whom(store, whom_of(layout, part), kind, fn, context, err);
}

static int postgres_check(struct tact_store *store, struct tact_store_figures *ret,
    void (*report)(void *context, const struct tact_store_key *key, const char *why), void *context,
    struct tact_error *err)
{
	struct postgres *p = (struct postgres *)store;
	struct tact_store_figures figures = {0};
	struct page page = {.whom = everybody, .figures = &figures, .report = report, .context = context};
	struct pg_link *link;
	int result = TACT_OK;

	for (int kind = TACT_STORE_DOSSIER; kind <= TACT_STORE_ALIAS && result == TACT_OK; kind++)
		result = walk(p, &page, (enum tact_store_kind)kind, err);
	if (result == TACT_OK)
		result = ask(p, PG_SIZE, NULL, 0, &link, err);
	if (result != TACT_OK)
		return result;
	figures.size_bytes = (uint64_t)pg_link_integer(link, 0, 0);
	pg_aside_return(p->aside, link);
	*ret = figures;
	return TACT_OK;
}

/* ---- due --------------------------------------------------------------------------------------------- */

struct due {
	struct whom whom;
	int64_t after_us, until_us;
	struct tact_store_key after;
	size_t after_bytes, left;
	bool more;
	tact_store_scan_fn fn;
	void *context;
};

static int ask_due(
    struct postgres *p, const struct due *due, size_t rows, struct pg_link **ret, struct tact_error *err)
{
	uint8_t after[8], kind[2], until[8], most[4], byte[4];
	const struct pg_param params[] = {
	    {after, 8}, {kind, 2}, {due->after.id.b, due->after_bytes}, {until, 8}, {most, 4}, {byte, 4}};

	put_be(after, due->after_us, 8);
	put_be(kind, (int64_t)due->after.kind, 2);
	put_be(until, due->until_us, 8);
	put_be(most, (int64_t)rows, 4);
	put_be(byte, due->whom.byte, 4);
	if (due->whom.group == PG_ALL_PARTS)
		return ask(p, PG_DUE, params, 5, ret, err);
	return pg_aside_ask(p->aside, due->whom.group, PG_DUE_PART, params, 6, PART_WAIT_MS, ret, err);
}

static void look_at_due(struct due *due, const struct pg_link *link, size_t row)
{
	struct tact_record record = {.wake_us = pg_link_integer(link, row, 0)};
	size_t size;
	const void *id = pg_link_value(link, row, 2, &size);

	due->after_us = record.wake_us;
	due->after.kind = (enum tact_store_kind)pg_link_integer(link, row, 1);
	memcpy(due->after.id.b, id, size < TACT_ID_BYTES ? size : TACT_ID_BYTES);
	due->after_bytes = TACT_ID_BYTES;
	due->left--;
	due->more = due->fn(due->context, &due->after, &record);
}

static int walk_due(struct postgres *p, struct due *due, struct tact_error *err)
{
	size_t rows = due->left < PAGE_MOST ? due->left : PAGE_MOST;
	struct pg_link *link;
	int result = ask_due(p, due, rows, &link, err);

	if (result != TACT_OK)
		return result;
	for (size_t row = 0; row < pg_link_rows(link) && due->more; row++)
		look_at_due(due, link, row);
	if (pg_link_rows(link) < rows)
		due->more = false;
	pg_aside_return(p->aside, link);
	return TACT_OK;
}

static int due_of_whom(struct tact_store *store, struct whom whom, int64_t after_us, int64_t until_us,
    size_t limit, tact_store_scan_fn fn, void *context, struct tact_error *err)
{
	/* No kind comes after this one: the first page begins behind all that wakes at after_us. */
	struct due due = {.whom = whom,
	    .after_us = after_us,
	    .until_us = until_us,
	    .after.kind = (enum tact_store_kind)99,
	    .left = limit,
	    .more = true,
	    .fn = fn,
	    .context = context};
	int result = TACT_OK;

	while (due.more && due.left > 0 && result == TACT_OK)
		result = walk_due((struct postgres *)store, &due, err);
	return result;
}

static int postgres_due(struct tact_store *store, int64_t after_us, int64_t until_us, size_t limit,
    tact_store_scan_fn fn, void *context, struct tact_error *err)
{
	return due_of_whom(store, everybody, after_us, until_us, limit, fn, context, err);
}

static int postgres_due_part(struct tact_store *store, const struct tact_store_layout *layout, size_t part,
    int64_t after_us, int64_t until_us, size_t limit, tact_store_scan_fn fn, void *context,
    struct tact_error *err)
{
	return due_of_whom(store, whom_of(layout, part), after_us, until_us, limit, fn, context, err);
}

/* ---- identity, clock --------------------------------------------------------------------------------- */

static int postgres_identity(
    struct tact_store *store, struct tact_arena *arena, char **ret, struct tact_error *err)
{
	struct postgres *p = (struct postgres *)store;
	struct pg_link *link;
	const char *text;
	size_t size;
	int result = ask(p, PG_IDENTITY, NULL, 0, &link, err);

	if (result != TACT_OK)
		return result;
	text = pg_link_value(link, 0, 0, &size);
	*ret = tact_arena_strndup(arena, text, size);
	pg_aside_return(p->aside, link);
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
	pg_aside_return(p->aside, link);
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
	int result = ask(p, PG_NOW, NULL, 0, &link, err);

	if (result != TACT_OK)
		return result;
	pg_clock_hear(pg_pool_clock(p->pool), pg_link_integer(link, 0, 0), asked_us);
	pg_aside_return(p->aside, link);
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

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Walks over the database in pages, over all of it or over one part: scan, what is due, check. A page is a
 * call of its own, aside from the mail.
 */
#include <config.h>

#include "frame.h"
#include "postgres_engine.h"

#include <inttypes.h>
#include <string.h>

#define PAGE_FIRST 64
#define PAGE_MOST 1000
#define PAGE_BYTES ((size_t)1 << 20)

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
		return postgres_ask(p, PG_SCAN, params, 3, ret, err);
	return pg_aside_ask(
	    p->aside, page->whom.group, PG_SCAN_PART, params, 4, POSTGRES_PART_WAIT_MS, ret, err);
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
	pg_aside_return(p->aside, page->whom.group, link);
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

int postgres_scan(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn, void *context,
    struct tact_error *err)
{
	return scan_whom(store, everybody, kind, fn, context, err);
}

int postgres_scan_part(struct tact_store *store, const struct tact_store_layout *layout, size_t part,
    enum tact_store_kind kind, tact_store_scan_fn fn, void *context, struct tact_error *err)
{
	return scan_whom(store, whom_of(layout, part), kind, fn, context, err);
}

int postgres_check(struct tact_store *store, struct tact_store_figures *ret,
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
		result = postgres_ask(p, PG_SIZE, NULL, 0, &link, err);
	if (result != TACT_OK)
		return result;
	figures.size_bytes = (uint64_t)pg_link_integer(link, 0, 0);
	pg_aside_return(p->aside, PG_ALL_PARTS, link);
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
		return postgres_ask(p, PG_DUE, params, 5, ret, err);
	return pg_aside_ask(
	    p->aside, due->whom.group, PG_DUE_PART, params, 6, POSTGRES_PART_WAIT_MS, ret, err);
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
	pg_aside_return(p->aside, due->whom.group, link);
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

int postgres_due(struct tact_store *store, int64_t after_us, int64_t until_us, size_t limit,
    tact_store_scan_fn fn, void *context, struct tact_error *err)
{
	return due_of_whom(store, everybody, after_us, until_us, limit, fn, context, err);
}

int postgres_due_part(struct tact_store *store, const struct tact_store_layout *layout, size_t part,
    int64_t after_us, int64_t until_us, size_t limit, tact_store_scan_fn fn, void *context,
    struct tact_error *err)
{
	return due_of_whom(store, whom_of(layout, part), after_us, until_us, limit, fn, context, err);
}

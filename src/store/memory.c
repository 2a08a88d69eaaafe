/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The engine for tests and for `tact explain`: a hash table under one mutex, gone when closed. Not for mail:
 * nothing is durable. Scan and due sort what they find each time, which is cheap for what tests hold.
 */
#include <config.h>

#include "engine.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 64

struct cell {
	struct cell *next;
	struct tact_store_key key;
	struct tact_record record; /* bytes are ours */
};

struct memory {
	struct tact_store store;
	pthread_mutex_t lock; /* everything below; cells are never removed */
	struct cell **buckets;
	size_t bucket_count, cell_count;
	char *identity;
	uint64_t commits;
};

static int memory_check_url(const char *rest, struct tact_error *err)
{
	return *rest ? tact_error_set(err, TACT_INVALID, "nothing may follow \"memory:\", got \"%s\"", rest)
		     : TACT_OK;
}

static int memory_open(const char *rest, struct tact_store **ret, struct tact_error *err)
{
	struct memory *m;
	int result = memory_check_url(rest, err);
	if (result != TACT_OK)
		return result;
	m = tact_calloc(1, sizeof *m);
	tact_store_init(&m->store, &tact_store_memory);
	pthread_mutex_init(&m->lock, NULL);
	m->bucket_count = BUCKETS_FIRST;
	m->buckets = tact_calloc(m->bucket_count, sizeof(struct cell *));
	m->identity = tact_strdup("");
	*ret = &m->store;
	return TACT_OK;
}

static void memory_close(struct tact_store *store)
{
	struct memory *m = (struct memory *)store;
	for (size_t i = 0; i < m->bucket_count; i++) {
		for (struct cell *cell = m->buckets[i], *next; cell; cell = next) {
			next = cell->next;
			free((void *)cell->record.bytes);
			free(cell);
		}
	}
	free(m->buckets);
	free(m->identity);
	pthread_mutex_destroy(&m->lock);
	tact_store_clear(&m->store);
	free(m);
}

/* FNV-1a over all bytes: tests use keys that differ in one place only. */
static struct cell **find_bucket(struct memory *m, const struct tact_store_key *key)
{
	uint64_t hash = 14695981039346656037u ^ (uint64_t)key->kind;
	for (size_t i = 0; i < TACT_ID_BYTES; i++)
		hash = (hash ^ key->id.b[i]) * 1099511628211u;
	return &m->buckets[hash & (m->bucket_count - 1)];
}

static struct cell *find_cell(struct memory *m, const struct tact_store_key *key)
{
	for (struct cell *cell = *find_bucket(m, key); cell; cell = cell->next)
		if (tact_store_key_compare(&cell->key, key) == 0)
			return cell;
	return NULL;
}

static void grow(struct memory *m)
{
	struct cell **old = m->buckets;
	size_t old_count = m->bucket_count;

	m->bucket_count *= 2;
	m->buckets = tact_calloc(m->bucket_count, sizeof(struct cell *));
	for (size_t i = 0; i < old_count; i++) {
		for (struct cell *cell = old[i], *next; cell; cell = next) {
			struct cell **bucket = find_bucket(m, &cell->key);
			next = cell->next;
			cell->next = *bucket;
			*bucket = cell;
		}
	}
	free(old);
}

static struct cell *add_cell(struct memory *m, const struct tact_store_key *key)
{
	struct cell *cell = tact_calloc(1, sizeof *cell), **bucket;
	if (m->cell_count >= m->bucket_count)
		grow(m);
	bucket = find_bucket(m, key);
	cell->key = *key;
	cell->next = *bucket;
	*bucket = cell;
	m->cell_count++;
	return cell;
}

static void memory_read(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    struct tact_arena *arena, struct tact_record *ret_records, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	struct memory *m = (struct memory *)store;
	(void)deadline_ms;
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < count; i++) {
		const struct cell *cell = find_cell(m, &keys[i]);
		if (cell) {
			ret_records[i] = cell->record;
			if (cell->record.size > 0)
				ret_records[i].bytes =
				    tact_arena_copy(arena, cell->record.bytes, cell->record.size);
		}
		ret_answers[i] =
		    (struct tact_store_answer){.result = TACT_OK, .version = ret_records[i].version};
	}
	pthread_mutex_unlock(&m->lock);
}

/* What is put may point into what was read: the old bytes go last. */
static void write_cell(struct cell *cell, const struct tact_store_put *put, int64_t now_us)
{
	void *old = (void *)cell->record.bytes, *bytes = NULL;
	if (put->size > 0) {
		bytes = tact_malloc(put->size);
		memcpy(bytes, put->bytes, put->size);
	}
	cell->record = (struct tact_record){
	    .bytes = bytes,
	    .size = put->size,
	    .version = tact_store_next_version(cell->record.version, now_us),
	    .wake_us = tact_store_wake(put->wake_us),
	};
	free(old);
}

static void remove_cell(struct memory *m, const struct tact_store_key *key)
{
	struct cell **at = find_bucket(m, key);

	while (*at != NULL && tact_store_key_compare(&(*at)->key, key) != 0)
		at = &(*at)->next;
	if (*at == NULL)
		return;
	struct cell *cell = *at;
	*at = cell->next;
	free((void *)cell->record.bytes);
	free(cell);
	m->cell_count--;
}

static void memory_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms)
{
	struct memory *m = (struct memory *)store;
	bool wrote = false;
	(void)deadline_ms;
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < count; i++) {
		struct cell *cell = find_cell(m, &keys[i]);
		struct tact_record now = cell ? cell->record : (struct tact_record){0};
		struct tact_store_put put = {.wake_us = now.wake_us};
		int64_t now_us = tact_clock_now_us();
		ret_answers[i] = (struct tact_store_answer){.result = TACT_OK, .version = now.version};
		if (!fn(context, i, &now, now_us, &put))
			continue;
		wrote = true;
		ret_answers[i].version = tact_store_next_version(now.version, now_us);
		if (put.remove) {
			remove_cell(m, &keys[i]);
			continue;
		}
		cell = cell ? cell : add_cell(m, &keys[i]);
		write_cell(cell, &put, now_us);
	}
	m->commits += wrote;
	pthread_mutex_unlock(&m->lock);
}

static int compare_keys(const void *a, const void *b)
{
	return tact_store_key_compare(&(*(struct cell *const *)a)->key, &(*(struct cell *const *)b)->key);
}

/* What due sorts: the wake time as it was when it was found. */
struct waking {
	int64_t wake_us;
	struct tact_store_key key;
};

static int compare_waking(const void *a, const void *b)
{
	const struct waking *x = a, *y = b;
	if (x->wake_us != y->wake_us)
		return x->wake_us < y->wake_us ? -1 : 1;
	return tact_store_key_compare(&x->key, &y->key);
}

/* All cells of the kind in key order; the caller frees. Cells are never removed, so the pointers stay good
 * without the lock. */
static struct cell **list_cells(struct memory *m, enum tact_store_kind kind, size_t *ret_count)
{
	struct cell **list;
	size_t count = 0;

	pthread_mutex_lock(&m->lock);
	list = tact_malloc((m->cell_count + 1) * sizeof(struct cell *));
	for (size_t i = 0; i < m->bucket_count; i++)
		for (struct cell *cell = m->buckets[i]; cell; cell = cell->next)
			if (cell->key.kind == kind)
				list[count++] = cell;
	pthread_mutex_unlock(&m->lock);
	qsort(list, count, sizeof(struct cell *), compare_keys);
	*ret_count = count;
	return list;
}

static struct tact_record copy_record(struct memory *m, const struct cell *cell)
{
	struct tact_record record;
	pthread_mutex_lock(&m->lock);
	record = cell->record;
	if (record.size > 0) {
		void *bytes = tact_malloc(record.size);
		memcpy(bytes, record.bytes, record.size);
		record.bytes = bytes;
	}
	pthread_mutex_unlock(&m->lock);
	return record;
}

static int memory_scan(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn,
    void *context, struct tact_error *err)
{
	struct memory *m = (struct memory *)store;
	size_t count;
	struct cell **list = list_cells(m, kind, &count);
	bool more = true;

	(void)err;
	for (size_t i = 0; i < count && more; i++) {
		struct tact_record record = copy_record(m, list[i]);
		more = fn(context, &list[i]->key, &record);
		free((void *)record.bytes);
	}
	free(list);
	return TACT_OK;
}

static int memory_due(struct tact_store *store, int64_t after_us, int64_t until_us, size_t limit,
    tact_store_scan_fn fn, void *context, struct tact_error *err)
{
	struct memory *m = (struct memory *)store;
	struct waking *list;
	size_t count = 0;

	(void)err;
	pthread_mutex_lock(&m->lock);
	list = tact_malloc((m->cell_count + 1) * sizeof *list);
	for (size_t i = 0; i < m->bucket_count; i++)
		for (struct cell *cell = m->buckets[i]; cell; cell = cell->next)
			if (cell->record.wake_us > after_us && cell->record.wake_us <= until_us)
				list[count++] = (struct waking){cell->record.wake_us, cell->key};
	pthread_mutex_unlock(&m->lock);
	qsort(list, count, sizeof *list, compare_waking);
	for (size_t i = 0; i < count && i < limit; i++) {
		struct tact_record record = {.wake_us = list[i].wake_us};
		if (!fn(context, &list[i].key, &record))
			break;
	}
	free(list);
	return TACT_OK;
}

static int memory_identity(
    struct tact_store *store, struct tact_arena *arena, char **ret, struct tact_error *err)
{
	struct memory *m = (struct memory *)store;
	(void)err;
	pthread_mutex_lock(&m->lock);
	*ret = tact_arena_strdup(arena, m->identity);
	pthread_mutex_unlock(&m->lock);
	return TACT_OK;
}

static int memory_set_identity(
    struct tact_store *store, const char *expected, const char *text, struct tact_error *err)
{
	struct memory *m = (struct memory *)store;
	bool same;

	pthread_mutex_lock(&m->lock);
	same = strcmp(m->identity, expected) == 0;
	if (same) {
		free(m->identity);
		m->identity = tact_strdup(text);
		m->commits++;
	}
	pthread_mutex_unlock(&m->lock);
	if (!same)
		return tact_store_report(
		    store, TACT_REFUSED, err, "the store's identity is not the one expected");
	return TACT_OK;
}

static int64_t memory_now_us(struct tact_store *store)
{
	(void)store;
	return tact_clock_now_us();
}

static int memory_check(struct tact_store *store, struct tact_store_figures *ret,
    void (*report)(void *context, const struct tact_store_key *key, const char *why), void *context,
    struct tact_error *err)
{
	struct memory *m = (struct memory *)store;
	struct tact_store_figures figures = {0};

	(void)report, (void)context, (void)err;
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < m->bucket_count; i++) {
		for (const struct cell *cell = m->buckets[i]; cell; cell = cell->next) {
			figures.records[cell->key.kind]++;
			figures.emptied[cell->key.kind] += cell->record.size == 0;
			figures.waking += cell->record.wake_us != 0;
			figures.size_bytes += sizeof *cell + cell->record.size;
		}
	}
	pthread_mutex_unlock(&m->lock);
	*ret = figures;
	return TACT_OK;
}

static uint64_t memory_commits(struct tact_store *store)
{
	struct memory *m = (struct memory *)store;
	pthread_mutex_lock(&m->lock);
	uint64_t commits = m->commits;
	pthread_mutex_unlock(&m->lock);
	return commits;
}

const struct tact_store_engine tact_store_memory = {
    .scheme = "memory:",
    .check_url = memory_check_url,
    .open = memory_open,
    .close = memory_close,
    .read = memory_read,
    .update = memory_update,
    .scan = memory_scan,
    .due = memory_due,
    .identity = memory_identity,
    .set_identity = memory_set_identity,
    .now_us = memory_now_us,
    .check = memory_check,
    .commits = memory_commits,
};

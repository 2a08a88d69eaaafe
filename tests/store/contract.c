/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The contract of <tact/store.h>, asked of every engine alike, and the fail engine's own. What only one
 * engine can do is in its own test.
 */
#include <config.h>

#include "kit.h"

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 32
#define ROUNDS 60

/* A row for each engine; NULL stands for an LMDB folder made for the test. With TACT_STORE_URL set there is
 * one: the store there, emptied before each test. */
static const char *engines[] = {"memory:", NULL};
static int engines_count = 2;
static bool emptied_first;
#define ENGINES engines_count

static char *folder;
static struct tact_store *store;

static void setup(int engine)
{
	if (engines[engine]) {
		store = kit_open(engines[engine]);
		if (emptied_first)
			kit_empty(store);
	} else {
		folder = kit_folder();
		store = kit_open(kit_lmdb_url(folder, "?map_size=1G"));
	}
}

static void teardown(void)
{
	tact_store_close(&store);
	ck_assert_ptr_null(store);
	if (folder)
		kit_remove(&folder);
}

#define D(n) kit_key(TACT_STORE_DOSSIER, (n))

static bool remove_it(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret)
{
	(void)context, (void)index, (void)now, (void)now_us;
	ret->remove = true;
	return true;
}

static bool unexpected(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	(void)context, (void)key, (void)record;
	ck_abort_msg("a removed record is still due");
	return false;
}

START_TEST(absent_is_version_0_and_no_error)
{
	struct tact_store_key key = D(1);
	struct tact_store_answer answer = {-9, 9};
	struct tact_record record = {"x", 1, 9, 9};
	struct tact_arena *arena;

	setup(_i);
	arena = tact_arena_new();
	ck_assert_int_eq(tact_store_read(store, &key, 1, arena, &record, &answer, 0), TACT_OK);
	ck_assert_int_eq(answer.result, TACT_OK);
	ck_assert_uint_eq(answer.version, 0);
	ck_assert_uint_eq(record.version, 0);
	ck_assert_uint_eq(record.size, 0);
	ck_assert_int_eq(record.wake_us, 0);
	tact_arena_free(&arena);
	teardown();
}
END_TEST

START_TEST(versions_rise_from_write_over_empty_to_rewrite)
{
	uint64_t first, second, third;
	int64_t before_us = tact_clock_now_us();

	setup(_i);
	ck_assert_int_eq(kit_write(store, D(1), "one", 0, &first), TACT_OK);
	ck_assert_uint_ge(first, (uint64_t)before_us);
	ck_assert_str_eq(kit_text(store, D(1)), "one");
	ck_assert_int_eq(kit_write(store, D(1), "", 0, &second), TACT_OK);
	ck_assert_uint_gt(second, first);
	ck_assert_str_eq(kit_text(store, D(1)), "(empty)");
	ck_assert_int_eq(kit_write(store, D(1), "three", 0, &third), TACT_OK);
	ck_assert_uint_gt(third, second);
	ck_assert_str_eq(kit_text(store, D(1)), "three");
	ck_assert_str_eq(kit_text(store, D(2)), "(absent)");
	teardown();
}
END_TEST

START_TEST(removed_is_absent_and_comes_back_with_a_later_version)
{
	struct tact_store_key keys[] = {D(1), D(2)};
	struct tact_store_answer answers[2];
	uint64_t before, after;
	setup(_i);
	kit_write(store, D(1), "one", 500, &before);
	kit_write(store, D(3), "three", 0, NULL);
	ck_assert_int_eq(tact_store_update(store, keys, 2, remove_it, NULL, answers, 0), TACT_OK);
	ck_assert_str_eq(kit_text(store, D(1)), "(absent)");
	ck_assert_str_eq(kit_text(store, D(3)), "three");
	ck_assert_int_eq(tact_store_due(store, 0, INT64_MAX, 9, unexpected, NULL, NULL), TACT_OK);
	ck_assert_int_eq(kit_write(store, D(1), "again", 0, &after), TACT_OK);
	ck_assert_uint_gt(after, before);
	teardown();
}
END_TEST

START_TEST(kinds_do_not_share_keys)
{
	setup(_i);
	for (int kind = TACT_STORE_DOSSIER; kind <= TACT_STORE_ALIAS; kind++) {
		char text[2] = {(char)('0' + kind), '\0'};
		ck_assert_int_eq(
		    kit_write(store, kit_key((enum tact_store_kind)kind, 7), text, 0, NULL), TACT_OK);
	}
	ck_assert_str_eq(kit_text(store, kit_key(TACT_STORE_DOSSIER, 7)), "1");
	ck_assert_str_eq(kit_text(store, kit_key(TACT_STORE_ALIAS, 7)), "4");
	teardown();
}
END_TEST

struct seen {
	size_t calls, size;
	uint64_t version;
	int64_t wake_us, now_us;
	char text[64];
	bool keep;
};

static bool change_look(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret)
{
	struct seen *seen = context;
	ck_assert_uint_eq(index, 0);
	seen->calls++;
	seen->size = now->size;
	seen->version = now->version;
	seen->wake_us = now->wake_us;
	seen->now_us = now_us;
	memcpy(seen->text, now->bytes ? now->bytes : "", now->size);
	if (!seen->keep)
		return false;
	ret->bytes = now->bytes; /* what is put may be what was shown */
	ret->size = now->size;
	ret->wake_us = 77;
	return true;
}

START_TEST(fn_sees_the_newest_and_may_decline)
{
	struct tact_store_key key = D(1);
	struct tact_store_answer answer;
	struct seen seen = {0};
	uint64_t version;

	setup(_i);
	ck_assert_int_eq(tact_store_update(store, &key, 1, change_look, &seen, &answer, 0), TACT_OK);
	ck_assert_uint_ge(seen.calls, 1);
	ck_assert_uint_eq(seen.version, 0);
	ck_assert_uint_eq(answer.version, 0);
	ck_assert_str_eq(kit_text(store, key), "(absent)");

	kit_write(store, key, "newest", 55, &version);
	ck_assert_int_eq(tact_store_update(store, &key, 1, change_look, &seen, &answer, 0), TACT_OK);
	ck_assert_str_eq(seen.text, "newest");
	ck_assert_uint_eq(seen.version, version);
	ck_assert_int_eq(seen.wake_us, 55);
	ck_assert_int_gt(seen.now_us, 1600000000000000);
	ck_assert_uint_eq(answer.version, version);
	teardown();
}
END_TEST

START_TEST(fn_may_put_what_it_was_shown)
{
	struct tact_store_key key = D(1);
	struct tact_store_answer answer;
	struct seen seen = {.keep = true};
	uint64_t version;

	setup(_i);
	kit_write(store, key, "kept bytes", 0, &version);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(tact_store_update(store, &key, 1, change_look, &seen, &answer, 0), TACT_OK);
	ck_assert_str_eq(kit_text(store, key), "kept bytes");
	ck_assert_int_eq(seen.wake_us, 77);
	ck_assert_uint_gt(answer.version, version);
	teardown();
}
END_TEST

static bool change_odd(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret)
{
	(void)context, (void)now, (void)now_us;
	ret->bytes = "odd";
	ret->size = 3;
	return index % 2 == 1;
}

static void answer_for_each_of(size_t count)
{
	struct tact_store_key *keys = tact_calloc(count, sizeof *keys);
	struct tact_store_answer *answers = tact_calloc(count, sizeof *answers);
	struct tact_record *records = tact_calloc(count, sizeof *records);
	struct tact_arena *arena = tact_arena_new();

	for (size_t i = 0; i < count; i++)
		keys[i] = kit_key(TACT_STORE_REVIEW, count * 10000 + (count - i)); /* falling order */
	ck_assert_int_eq(tact_store_update(store, keys, count, change_odd, NULL, answers, 0), TACT_OK);
	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(answers[i].result, TACT_OK);
		ck_assert_msg(
		    (answers[i].version > 0) == (i % 2 == 1), "%zu keys: wrong version at %zu", count, i);
	}
	ck_assert_int_eq(tact_store_read(store, keys, count, arena, records, answers, 0), TACT_OK);
	for (size_t i = 0; i < count; i++) {
		ck_assert_msg(
		    records[i].size == (i % 2 == 1 ? 3 : 0), "%zu keys: wrong size at %zu", count, i);
		ck_assert_uint_eq(answers[i].version, records[i].version);
	}
	tact_arena_free(&arena);
	free(records);
	free(answers);
	free(keys);
}

START_TEST(one_to_a_thousand_keys_get_an_answer_each)
{
	static const size_t counts[] = {1, 2, 31, 511, 512, 513, 1000, 2000};
	setup(_i);
	ck_assert_int_eq(tact_store_update(store, NULL, 0, change_odd, NULL, NULL, 0), TACT_OK);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		answer_for_each_of(counts[i]);
	teardown();
}
END_TEST

START_TEST(records_of_every_size)
{
	static const size_t sizes[] = {1, 100, 2000, 4075, 4096, 65536, 1 << 20};
	struct tact_arena *arena;

	setup(_i);
	arena = tact_arena_new();
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct tact_store_key key = D(i);
		struct tact_store_answer answer;
		struct tact_record record;
		uint8_t *bytes = tact_malloc(sizes[i]);
		for (size_t at = 0; at < sizes[i]; at++)
			bytes[at] = (uint8_t)(at * 31 + i);
		struct kit_put put = {bytes, sizes[i], 0};
		ck_assert_int_eq(
		    tact_store_update(store, &key, 1, kit_change_put, &put, &answer, 0), TACT_OK);
		ck_assert_int_eq(tact_store_read(store, &key, 1, arena, &record, &answer, 0), TACT_OK);
		ck_assert_uint_eq(record.size, sizes[i]);
		ck_assert_int_eq(memcmp(record.bytes, bytes, sizes[i]), 0);
		free(bytes);
	}
	tact_arena_free(&arena);
	teardown();
}
END_TEST

struct scanned {
	size_t count, emptied, stop_after, wrong_order;
	uint64_t last;
	bool any;
	unsigned char times[4096];
};

static uint64_t number_in(const struct tact_store_key *key)
{
	uint64_t n = 0;
	for (size_t i = 0; i < 8; i++)
		n = n << 8 | key->id.b[1 + i];
	return n;
}

static bool scan_one(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct scanned *scanned = context;
	uint64_t n = number_in(key);

	scanned->wrong_order += scanned->any && n <= scanned->last;
	scanned->last = n;
	scanned->any = true;
	scanned->emptied += record->size == 0;
	if (n < sizeof scanned->times)
		scanned->times[n]++;
	ck_assert_uint_gt(record->version, 0);
	return ++scanned->count != scanned->stop_after;
}

START_TEST(scan_sees_all_of_a_kind_in_key_order)
{
	struct scanned scanned = {0}, some = {.stop_after = 5};
	struct tact_error err;

	setup(_i);
	ck_assert_int_eq(tact_store_scan(store, TACT_STORE_DOSSIER, scan_one, &scanned, &err), TACT_OK);
	ck_assert_uint_eq(scanned.count, 0);
	for (uint64_t i = 0; i < 100; i++)
		kit_write(store, D(i * 37 % 100), i % 10 == 0 ? "" : "text", 0, NULL);
	kit_write(store, kit_key(TACT_STORE_ALIAS, 5), "another kind", 0, NULL);
	ck_assert_int_eq(tact_store_scan(store, TACT_STORE_DOSSIER, scan_one, &scanned, &err), TACT_OK);
	ck_assert_uint_eq(scanned.count, 100);
	ck_assert_uint_eq(scanned.emptied, 10);
	ck_assert_uint_eq(scanned.wrong_order, 0);
	ck_assert_int_eq(tact_store_scan(store, TACT_STORE_DOSSIER, scan_one, &some, &err), TACT_OK);
	ck_assert_uint_eq(some.count, 5);
	teardown();
}
END_TEST

static bool next_of_3000(void *context, struct tact_store_key *ret)
{
	uint64_t *next = context;
	*ret = D(*next);
	return (*next)++ < 3000;
}

static void fill_3000(void)
{
	uint64_t next = 0, done = 0;
	struct tact_error err = {""};
	int result = tact_store_bulk(store, next_of_3000, kit_change_count, NULL, &next, &done, &err);
	ck_assert_msg(result == TACT_OK, "bulk: got %s (%s), want ok", tact_result_name(result), err.text);
	ck_assert_uint_eq(done, 3000);
}

static atomic_bool busy;

static void *keep_writing(void *context)
{
	(void)context;
	for (uint64_t i = 0; atomic_load(&busy); i++) {
		kit_count(store, D(i * 7 % 3000));
		kit_count(store, D(100000 + i)); /* new ones, behind */
	}
	return NULL;
}

/* The write from inside the scan shows that no lock is held while a caller looks. */
static bool scan_and_write(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	if (number_in(key) % 500 == 0 && number_in(key) < 3000)
		ck_assert_int_eq(kit_count(store, *key), TACT_OK);
	return scan_one(context, key, record);
}

START_TEST(scan_while_others_write_sees_each_once)
{
	struct scanned scanned = {0};
	struct tact_error err;
	pthread_t writer;

	setup(_i);
	fill_3000();
	atomic_store(&busy, true);
	pthread_create(&writer, NULL, keep_writing, NULL);
	ck_assert_int_eq(tact_store_scan(store, TACT_STORE_DOSSIER, scan_and_write, &scanned, &err), TACT_OK);
	atomic_store(&busy, false);
	pthread_join(writer, NULL);
	for (size_t i = 0; i < 3000; i++)
		ck_assert_msg(scanned.times[i] == 1, "key %zu: got %d times, want once", i, scanned.times[i]);
	ck_assert_uint_eq(scanned.wrong_order, 0);
	teardown();
}
END_TEST

struct rung {
	size_t count;
	char text[512];
};

/* "time:number " for each. */
static bool ring(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct rung *rung = context;
	size_t used = strlen(rung->text);
	ck_assert_ptr_null(record->bytes);
	snprintf(rung->text + used, sizeof rung->text - used, "%lld:%llu ", (long long)record->wake_us,
	    (unsigned long long)number_in(key));
	rung->count++;
	return true;
}

static const char *due_text(int64_t after_us, int64_t until_us, size_t limit)
{
	static struct rung rung;
	struct tact_error err;
	rung = (struct rung){0};
	ck_assert_int_eq(tact_store_due(store, after_us, until_us, limit, ring, &rung, &err), TACT_OK);
	return rung.text;
}

START_TEST(due_is_ordered_bounded_and_limited)
{
	setup(_i);
	ck_assert_str_eq(due_text(0, INT64_MAX, 100), "");
	kit_write(store, D(1), "a", 300, NULL);
	kit_write(store, D(2), "b", 100, NULL);
	kit_write(store, D(3), "c", 200, NULL);
	kit_write(store, D(4), "d", 0, NULL);
	kit_write(store, D(5), "", 200, NULL);
	kit_write(store, kit_key(TACT_STORE_REVIEW, 6), "f", 70000, NULL);
	ck_assert_str_eq(due_text(0, INT64_MAX, 100), "100:2 200:3 200:5 300:1 70000:6 ");
	ck_assert_str_eq(due_text(100, 300, 100), "200:3 200:5 300:1 ");
	ck_assert_str_eq(due_text(99, 100, 100), "100:2 ");
	ck_assert_str_eq(due_text(100, 199, 100), "");
	ck_assert_str_eq(due_text(-5, INT64_MAX, 2), "100:2 200:3 ");
	ck_assert_str_eq(due_text(0, INT64_MAX, 0), "");
	ck_assert_str_eq(due_text(INT64_MAX, INT64_MAX, 9), "");
	teardown();
}
END_TEST

START_TEST(due_follows_rewrites_and_clearing)
{
	setup(_i);
	kit_write(store, D(1), "a", 300, NULL);
	kit_write(store, D(1), "a", 200, NULL);
	ck_assert_str_eq(due_text(0, INT64_MAX, 100), "200:1 ");
	kit_write(store, D(1), "a", 200, NULL);
	ck_assert_str_eq(due_text(0, INT64_MAX, 100), "200:1 ");
	kit_write(store, D(1), "", 0, NULL);
	ck_assert_str_eq(due_text(0, INT64_MAX, 100), "");
	kit_write(store, D(1), "a", -1000, NULL); /* a mistake: due at once rather than never */
	ck_assert_str_eq(due_text(0, INT64_MAX, 100), "1:1 ");
	kit_write(store, D(1), "a", INT64_MAX, NULL);
	ck_assert_str_eq(due_text(0, INT64_MAX, 100), "9223372036854775807:1 ");
	teardown();
}
END_TEST

START_TEST(due_goes_on_beyond_one_chunk)
{
	struct rung rung = {0};
	struct tact_error err;
	setup(_i);
	for (uint64_t i = 0; i < 2500; i += 500) {
		struct tact_store_key keys[500];
		struct tact_store_answer answers[500];
		struct kit_put put = {"x", 1, 4000};
		for (size_t k = 0; k < 500; k++)
			keys[k] = D(i + k);
		ck_assert_int_eq(
		    tact_store_update(store, keys, 500, kit_change_put, &put, answers, 0), TACT_OK);
	}
	ck_assert_int_eq(tact_store_due(store, 0, 5000, SIZE_MAX, ring, &rung, &err), TACT_OK);
	ck_assert_uint_eq(rung.count, 2500);
	teardown();
}
END_TEST

struct bulk_case {
	uint64_t next, count, last_index, progress, progress_calls;
};

static bool bulk_next(void *context, struct tact_store_key *ret)
{
	struct bulk_case *bulk = context;
	if (bulk->next == bulk->count)
		return false;
	*ret = D(bulk->next++);
	return true;
}

static bool bulk_change(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret)
{
	struct bulk_case *bulk = context;
	bulk->last_index = index;
	return kit_change_count(NULL, index, now, now_us, ret);
}

static void bulk_progress(void *context, uint64_t done)
{
	struct bulk_case *bulk = context;
	bulk->progress = done;
	bulk->progress_calls++;
}

START_TEST(bulk_does_all_with_a_running_index)
{
	static const uint64_t counts[] = {0, 1, 31, 32, 33, 1000};
	struct tact_error err;
	setup(_i);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		struct bulk_case bulk = {.count = counts[i]};
		uint64_t done = 99;
		ck_assert_int_eq(
		    tact_store_bulk(store, bulk_next, bulk_change, bulk_progress, &bulk, &done, &err),
		    TACT_OK);
		ck_assert_uint_eq(done, counts[i]);
		ck_assert_uint_eq(bulk.progress, counts[i]);
		if (counts[i] > 0)
			ck_assert_uint_eq(bulk.last_index, counts[i] - 1);
	}
	ck_assert_int_eq(kit_number(store, D(0)), 5);
	ck_assert_int_eq(kit_number(store, D(32)), 2);
	ck_assert_int_eq(kit_number(store, D(999)), 1);
	teardown();
}
END_TEST

static bool bulk_next_of_two(void *context, struct tact_store_key *ret)
{
	struct bulk_case *bulk = context;
	*ret = D(bulk->next % 2);
	return bulk->next++ < bulk->count;
}

static bool change_drop_first_byte(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret)
{
	(void)context, (void)index, (void)now_us;
	ret->bytes = (const char *)now->bytes + 1;
	ret->size = now->size - 1;
	return true;
}

/* A list may name one person twice, and then all changes fall into one transaction, whose pages move under
 * what was read. */
START_TEST(bulk_may_name_a_key_again)
{
	struct bulk_case bulk = {.count = 18};
	struct tact_error err;
	uint64_t done;

	setup(_i);
	kit_write(store, D(1), "123456789 and the rest", 0, NULL);
	kit_write(store, D(0), "987654321, a neighbour on the same page", 0, NULL);
	ck_assert_int_eq(
	    tact_store_bulk(store, bulk_next_of_two, change_drop_first_byte, NULL, &bulk, &done, &err),
	    TACT_OK);
	ck_assert_uint_eq(done, 18);
	ck_assert_str_eq(kit_text(store, D(1)), " and the rest");
	ck_assert_str_eq(kit_text(store, D(0)), ", a neighbour on the same page");
	teardown();
}
END_TEST

#define FILLED 3000

/* Puts for keys FIRST, FIRST + STEP …, each with its number as text; every third wakes. */
static void fill_numbers(uint64_t first, uint64_t step, struct tact_store_answer *answers)
{
	static _Thread_local struct tact_store_key keys[FILLED];
	static _Thread_local struct tact_store_put puts[FILLED];
	static _Thread_local char texts[FILLED][24];
	struct tact_store_pace pace = {0};
	struct tact_error err = {""};
	int result;

	for (size_t i = 0; i < FILLED; i++) {
		keys[i] = D(first + i * step);
		puts[i] = (struct tact_store_put){.bytes = texts[i],
		    .size = (size_t)snprintf(
			texts[i], sizeof texts[i], "%llu", (unsigned long long)(first + i * step)),
		    .wake_us = i % 3 == 0 ? 1000 : 0};
		if (i % 2 == 0) /* brought along, or made there */
			puts[i].sum = tact_store_sum(puts[i].bytes, puts[i].size);
	}
	result = tact_store_fill(store, &pace, keys, puts, FILLED, answers, &err);
	ck_assert_msg(result == TACT_OK, "fill: got %s (%s), want ok", tact_result_name(result), err.text);
}

/* Each letter is one step with the same key, all in one batch: r removes, e empties, . leaves it, a digit
 * writes itself and a wake time of as many microseconds. */
static const struct sequence {
	const char *before, *steps; /* before: "" is absent */
	const char *want;	    /* "" is absent */
	const char *seen;	    /* by each step: - absent, e empty, b what stood before, else the digit */
} sequences[] = {
    {"b", "r1", "1", "b-"},
    {"b", "r1r", "", "b-1"},
    {"b", "r1r2", "2", "b-1-"},
    {"b", "rr1", "1", "b--"},
    {"b", "1r2", "2", "b1-"},
    {"b", "er1", "1", "be-"},
    {"b", "r.1.", "1", "b--1"},
    {"b", "r.", "", "b-"},
    {"b", "re", "e", "b-"},
    {"b", "r1e", "e", "b-1"},
    {"", "1r", "", "-1"},
    {"", "1r2", "2", "-1-"},
    {"", "r1", "1", "--"},
    {"e", "r1", "1", "e-"},
    {"e", "r", "", "e"},
};
#define SEQUENCES ((int)(sizeof sequences / sizeof *sequences))

struct following_steps {
	const char *steps;
	size_t next;
	char seen[8];
	uint64_t latest; /* version that a step saw */
};

static bool next_step(void *context, struct tact_store_key *ret)
{
	struct following_steps *following = context;

	*ret = D(1);
	return following->steps[following->next++] != '\0';
}

static char letter_of(const struct tact_record *record)
{
	if (record->version == 0)
		return '-';
	return record->size == 0 ? 'e' : *(const char *)record->bytes;
}

static bool take_step(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret)
{
	struct following_steps *following = context;
	char step = following->steps[index];

	(void)now_us;
	following->seen[index] = letter_of(now);
	following->latest = now->version > following->latest ? now->version : following->latest;
	*ret = (struct tact_store_put){.remove = step == 'r'};
	if (step >= '0' && step <= '9')
		*ret = (struct tact_store_put){
		    .bytes = following->steps + index, .size = 1, .wake_us = step - '0'};
	return step != '.';
}

static bool take_wake(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	(void)key;
	*(int64_t *)context += record->wake_us;
	return true;
}

START_TEST(removed_and_made_again_in_one_batch)
{
	const struct sequence *sequence = &sequences[_i % SEQUENCES];
	struct following_steps following = {.steps = sequence->steps};
	struct tact_error err = {""};
	const char *got, *want = *sequence->want == 'e' ? "(empty)" : sequence->want;
	uint64_t before = 0, after, done;
	int64_t wakes_us = 0;
	int result;

	setup(_i / SEQUENCES);
	if (*sequence->before != '\0')
		ck_assert_int_eq(
		    kit_write(store, D(1), *sequence->before == 'b' ? "b" : "", 500, &before), TACT_OK);
	kit_write(store, D(2), "beside", 0, NULL);
	result = tact_store_bulk(store, next_step, take_step, NULL, &following, &done, &err);
	ck_assert_msg(
	    result == TACT_OK, "%s: got %s (%s)", sequence->steps, tact_result_name(result), err.text);
	ck_assert_uint_eq(done, strlen(sequence->steps));
	ck_assert_msg(strcmp(following.seen, sequence->seen) == 0, "\"%s\" then %s: steps saw %s, want %s",
	    sequence->before, sequence->steps, following.seen, sequence->seen);
	got = kit_text(store, D(1));
	ck_assert_msg(strcmp(got, *want ? want : "(absent)") == 0, "\"%s\" then %s: got %s, want %s",
	    sequence->before, sequence->steps, got, *want ? want : "(absent)");
	ck_assert_str_eq(kit_text(store, D(2)), "beside");
	ck_assert_int_eq(tact_store_due(store, 0, INT64_MAX, 9, take_wake, &wakes_us, NULL), TACT_OK);
	ck_assert_int_eq(wakes_us, *want >= '0' && *want <= '9' ? *want - '0' : 0);
	/* A stale writer, who read it before the batch or within it, finds another version for ever. */
	ck_assert_int_eq(kit_write(store, D(1), "later", 0, &after), TACT_OK);
	ck_assert_msg(after > before && after > following.latest, "version %llu after %llu and %llu",
	    (unsigned long long)after, (unsigned long long)before, (unsigned long long)following.latest);
	teardown();
}
END_TEST

START_TEST(fill_makes_what_is_not_there_and_leaves_what_is)
{
	static struct tact_store_answer answers[FILLED];
	struct tact_store_figures figures;
	struct tact_error err;
	uint64_t version;

	setup(_i);
	ck_assert_int_eq(kit_write(store, D(4), "a wish", 0, &version), TACT_OK);
	ck_assert_int_eq(kit_write(store, D(6), "", 0, NULL), TACT_OK);
	fill_numbers(0, 2, answers);
	for (size_t i = 0; i < FILLED; i++) {
		int want = i == 2 || i == 3 ? TACT_REFUSED : TACT_OK;
		ck_assert_msg(answers[i].result == want, "key %zu: got %s, want %s", 2 * i,
		    tact_result_name(answers[i].result), tact_result_name(want));
		ck_assert_msg((answers[i].version > 0) == (want == TACT_OK), "key %zu: version %llu", 2 * i,
		    (unsigned long long)answers[i].version);
	}
	ck_assert_str_eq(kit_text(store, D(4)), "a wish");
	ck_assert_str_eq(kit_text(store, D(6)), "(empty)");
	ck_assert_int_eq(kit_number(store, D(0)), 0);
	ck_assert_int_eq(kit_number(store, D(5998)), 5998);
	/* Between and beside what stands. */
	fill_numbers(1, 1, answers);
	for (size_t i = 0; i < FILLED; i++)
		ck_assert_int_eq(answers[i].result, i % 2 == 1 ? TACT_REFUSED : TACT_OK);
	ck_assert_int_eq(kit_number(store, D(2999)), 2999);
	ck_assert_int_eq(tact_store_check(store, &figures, NULL, NULL, &err), TACT_OK);
	ck_assert_uint_eq(figures.records[TACT_STORE_DOSSIER], 4500);
	ck_assert_uint_eq(figures.corrupt, 0);
	ck_assert_uint_eq(figures.waking, 999 + 500);
	ck_assert_int_eq(kit_count(store, D(2999)), TACT_OK);
	ck_assert_int_eq(kit_number(store, D(2999)), 3000);
	teardown();
}
END_TEST

/* Two load the same list: each key is made once, by one of them. */
static void *fill_all(void *context)
{
	fill_numbers(0, 1, context);
	return NULL;
}

START_TEST(fill_by_two_makes_each_once)
{
	static struct tact_store_answer answers[2][FILLED];
	pthread_t other;

	setup(_i);
	ck_assert_int_eq(pthread_create(&other, NULL, fill_all, answers[0]), 0);
	fill_all(answers[1]);
	pthread_join(other, NULL);
	for (size_t i = 0; i < FILLED; i++)
		ck_assert_msg((answers[0][i].result == TACT_OK) != (answers[1][i].result == TACT_OK),
		    "key %zu: got %s and %s, want ok once", i, tact_result_name(answers[0][i].result),
		    tact_result_name(answers[1][i].result));
	teardown();
}
END_TEST

START_TEST(identity_is_compared_and_set)
{
	struct tact_arena *arena;
	struct tact_error err;
	char *text = NULL;

	setup(_i);
	arena = tact_arena_new();
	ck_assert_int_eq(tact_store_identity(store, arena, &text, &err), TACT_OK);
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(tact_store_set_identity(store, "other", "first", &err), TACT_REFUSED);
	ck_assert_int_eq(tact_store_set_identity(store, "", "first", &err), TACT_OK);
	ck_assert_int_eq(tact_store_set_identity(store, "", "second", &err), TACT_REFUSED);
	ck_assert_msg(
	    strstr(err.text, "identity") != NULL, "got \"%s\", want words about the identity", err.text);
	ck_assert_int_eq(tact_store_set_identity(store, "firs", "second", &err), TACT_REFUSED);
	ck_assert_int_eq(tact_store_set_identity(store, "first", "second, longer", &err), TACT_OK);
	ck_assert_int_eq(tact_store_identity(store, arena, &text, &err), TACT_OK);
	ck_assert_str_eq(text, "second, longer");
	tact_arena_free(&arena);
	teardown();
}
END_TEST

/* Each thread counts on keys shared with all others and on its own. */
static void *count_many(void *context)
{
	uint64_t me = *(const uint64_t *)context;
	struct tact_store_key keys[4] = {D(0), D(1 + me % 4), D(100 + me), D(200 + me)};
	struct tact_store_answer answers[4];
	for (int i = 0; i < ROUNDS; i++)
		if (tact_store_update(store, keys, 4, kit_change_count, NULL, answers, 0) != TACT_OK)
			return context;
	return NULL;
}

START_TEST(no_update_is_lost_among_threads)
{
	pthread_t threads[THREADS];
	uint64_t numbers[THREADS];

	setup(_i);
	for (uint64_t i = 0; i < THREADS; i++) {
		numbers[i] = i;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, count_many, &numbers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		void *answer;
		pthread_join(threads[i], &answer);
		ck_assert_ptr_null(answer);
	}
	ck_assert_int_eq(kit_number(store, D(0)), THREADS * ROUNDS);
	ck_assert_int_eq(kit_number(store, D(1)), THREADS * ROUNDS / 4);
	ck_assert_int_eq(kit_number(store, D(100)), ROUNDS);
	ck_assert_int_eq(kit_number(store, D(200 + THREADS - 1)), ROUNDS);
	teardown();
}
END_TEST

START_TEST(a_deadline_ahead_changes_nothing)
{
	struct tact_store_key key = D(1);
	struct tact_store_answer answer;
	struct tact_arena *arena;
	struct tact_record record;
	int64_t deadline_ms = tact_clock_monotonic_ms() + 60000;

	setup(_i);
	arena = tact_arena_new();
	ck_assert_int_eq(
	    tact_store_update(store, &key, 1, kit_change_count, NULL, &answer, deadline_ms), TACT_OK);
	ck_assert_int_eq(tact_store_read(store, &key, 1, arena, &record, &answer, deadline_ms), TACT_OK);
	ck_assert_uint_eq(record.size, 1);
	tact_arena_free(&arena);
	teardown();
}
END_TEST

START_TEST(check_counts_what_is_there)
{
	struct tact_store_figures figures = {0};
	struct tact_error err;
	setup(_i);
	kit_write(store, D(1), "a", 10, NULL);
	kit_write(store, D(2), "b", 20, NULL);
	kit_write(store, D(3), "", 0, NULL);
	kit_write(store, kit_key(TACT_STORE_ALIAS, 1), "d", 30, NULL);
	ck_assert_int_eq(tact_store_check(store, &figures, NULL, NULL, &err), TACT_OK);
	ck_assert_uint_eq(figures.records[TACT_STORE_DOSSIER], 3);
	ck_assert_uint_eq(figures.emptied[TACT_STORE_DOSSIER], 1);
	ck_assert_uint_eq(figures.records[TACT_STORE_ALIAS], 1);
	ck_assert_uint_eq(figures.records[TACT_STORE_REVIEW], 0);
	ck_assert_uint_eq(figures.waking, 3);
	ck_assert_uint_eq(figures.corrupt, 0);
	ck_assert_uint_gt(figures.size_bytes, 0);
	teardown();
}
END_TEST

#ifdef TACT_TEST_CLOCK
static void set_clock(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

START_TEST(versions_rise_when_the_clock_goes_back)
{
	uint64_t first, second, third;
	char path[600], *clock_folder = kit_folder();

	snprintf(path, sizeof path, "%s/clock", clock_folder);
	set_clock(path, "@2000000000");
	setenv("TACT_TEST_CLOCK", path, 1);
	setup(_i);
	kit_write(store, D(1), "a", 0, &first);
	ck_assert_uint_eq(first, 2000000000000000);
	ck_assert_int_eq(tact_store_now_us(store), 2000000000000000);
	set_clock(path, "@1999996400");
	kit_write(store, D(1), "b", 0, &second);
	ck_assert_uint_eq(second, first + 1);
	set_clock(path, "@2000003600");
	kit_write(store, D(1), "c", 0, &third);
	ck_assert_uint_eq(third, 2000003600000000);
	teardown();
	unsetenv("TACT_TEST_CLOCK");
	kit_remove(&clock_folder);
}
END_TEST
#endif

static const struct {
	const char *url;
	int result;
} urls[] = {
    {"memory:", TACT_OK},
    {"fail:", TACT_OK},
    {"lmdb:/var/lib/tact/db", TACT_OK},
    {"lmdb:/d?map_size=64G", TACT_OK},
    {"lmdb:/d?map_size=128K", TACT_OK},
    {"lmdb:/d?map_size=64T", TACT_OK},
    {"", TACT_INVALID},
    {"memory", TACT_INVALID},
    {"memory:x", TACT_INVALID},
    {"fail:x", TACT_INVALID},
    {"mysql:/x", TACT_INVALID},
    {"lmdb:", TACT_INVALID},
    {"lmdb:/", TACT_INVALID},
    {"lmdb:relative", TACT_INVALID},
    {"lmdb:?map_size=1G", TACT_INVALID},
    {"lmdb:/d?", TACT_INVALID},
    {"lmdb:/d?map_size", TACT_INVALID},
    {"lmdb:/d?map_size=", TACT_INVALID},
    {"lmdb:/d?map_size=G", TACT_INVALID},
    {"lmdb:/d?map_size=64", TACT_INVALID},
    {"lmdb:/d?map_size=64g", TACT_INVALID},
    {"lmdb:/d?map_size=-1G", TACT_INVALID},
    {"lmdb:/d?map_size=1.5G", TACT_INVALID},
    {"lmdb:/d?map_size=127K", TACT_INVALID},
    {"lmdb:/d?map_size=65T", TACT_INVALID},
    {"lmdb:/d?map_size=99999999999999999999G", TACT_INVALID},
    {"lmdb:/d?map_size=1G&map_size=2G", TACT_INVALID},
    {"lmdb:/d?nosync=1", TACT_INVALID},
    {"postgres:", TACT_OK}, /* libpq has its environment */
    {"postgres:host=a,b port=5432 dbname=tact sslmode=verify-full passfile=/etc/tact/pass", TACT_OK},
    {"postgres:service=tact prepared=no connections=8", TACT_OK},
    {"postgres: host = 'a b' user='it\\'s' prepared = yes ", TACT_OK},
    {"postgres:host", TACT_INVALID},
    {"postgres:=x", TACT_INVALID},
    {"postgres:host='a", TACT_INVALID},
    {"postgres:host=a password=secret", TACT_INVALID},
    {"postgres:host=a password = 'se cret'", TACT_INVALID},
    {"postgres:host=a sslpassword=secret", TACT_INVALID},
    {"postgres:host=a passwd=secret", TACT_INVALID},
    {"postgres:host=a secret", TACT_INVALID},
    {"postgresql:host=a password=secret", TACT_INVALID},
    {"postgres://relay:secret@a/tact", TACT_INVALID},
    {"postgres:host=a sslmode=full", TACT_INVALID},
    {"postgres:host=a sslmode=disable sslrootcert=system", TACT_OK},
    {"postgres:host=a sslrootcert=root.crt", TACT_INVALID},
    {"postgres:host=a target_session_attrs=any", TACT_INVALID},
    {"postgres:host=a,b port=5432,5433 target_session_attrs=read-write", TACT_OK},
    {"postgres:host=a,b port=5432,", TACT_OK},
    {"postgres:host=a,b port=5432,5433,5434", TACT_INVALID},
    {"postgres:host=a,b hostaddr=127.0.0.1", TACT_INVALID},
    {"postgres:port=1,2", TACT_INVALID},
    {"postgres:port=0", TACT_INVALID},
    {"postgres:port=65536", TACT_INVALID},
    {"postgres:port=5432x", TACT_INVALID},
    {"postgres:host=a prepared=maybe", TACT_INVALID},
    {"postgres:host=a connections=0", TACT_INVALID},
    {"postgres:host=a connections=65", TACT_INVALID},
    {"postgres:host=a connections=two", TACT_INVALID},
    {"postgres://relay@host/tact", TACT_INVALID},
    {"postgres:postgresql://relay@host/tact", TACT_INVALID},
};

START_TEST(urls_are_checked)
{
	struct tact_error err = {""};
	int got = tact_store_check_url(urls[_i].url, &err);
	ck_assert_msg(got == urls[_i].result, "url \"%s\": got %s (%s), want %s", urls[_i].url,
	    tact_result_name(got), err.text, tact_result_name(urls[_i].result));
	if (got != TACT_OK) {
		struct tact_store *none = NULL;
		ck_assert_msg(err.text[0] != '\0', "url \"%s\": no words", urls[_i].url);
		ck_assert_msg(!strstr(err.text, "secret"), "url \"%s\" is shown: %s", urls[_i].url, err.text);
		ck_assert_int_eq(tact_store_open(urls[_i].url, &none, &err), got);
		ck_assert_ptr_null(none);
	}
}
END_TEST

START_TEST(fail_always_answers_unavailable)
{
	struct tact_store *failing = kit_open("fail:");
	struct tact_store_key keys[2] = {D(1), D(2)};
	struct tact_store_answer answers[2];
	struct tact_record records[2];
	struct tact_store_figures figures;
	struct tact_error err = {""};
	struct tact_arena *arena = tact_arena_new();
	struct bulk_case bulk = {.count = 100};
	uint64_t done = 9;
	char *text;

	ck_assert_int_eq(tact_store_read(failing, keys, 2, arena, records, answers, 0), TACT_UNAVAILABLE);
	ck_assert_int_eq(answers[1].result, TACT_UNAVAILABLE);
	ck_assert_int_eq(
	    tact_store_update(failing, keys, 2, kit_change_count, NULL, answers, 0), TACT_UNAVAILABLE);
	ck_assert_int_eq(answers[0].result, TACT_UNAVAILABLE);
	ck_assert_int_eq(tact_store_scan(failing, TACT_STORE_ALIAS, scan_one, NULL, &err), TACT_UNAVAILABLE);
	ck_assert_int_eq(tact_store_due(failing, 0, 1, 1, ring, NULL, &err), TACT_UNAVAILABLE);
	ck_assert_int_eq(
	    tact_store_bulk(failing, bulk_next, bulk_change, NULL, &bulk, &done, &err), TACT_UNAVAILABLE);
	ck_assert_uint_eq(done, 0);
	ck_assert_int_eq(tact_store_identity(failing, arena, &text, &err), TACT_UNAVAILABLE);
	ck_assert_int_eq(tact_store_set_identity(failing, "", "x", &err), TACT_UNAVAILABLE);
	ck_assert_int_eq(tact_store_check(failing, &figures, NULL, NULL, &err), TACT_UNAVAILABLE);
	ck_assert_msg(strstr(err.text, "fail:") != NULL, "got \"%s\", want words about fail:", err.text);
	tact_store_last_error(failing, &err);
	ck_assert_msg(strstr(err.text, "fail:") != NULL, "got \"%s\", want words about fail:", err.text);
	tact_arena_free(&arena);
	tact_store_close(&failing);
	tact_store_close(&failing);
	tact_store_close(NULL);
}
END_TEST

/* ---- what follows an update ---- */

struct following {
	struct tact_store_answer answers[3];
	int called, worst;
	long number; /* in the record, read by another thread before it lets the call end */
	struct tact_store_turn *turn;
	pthread_t other;
};

static void *read_and_resume(void *context)
{
	struct following *following = context;

	following->number = kit_number(store, D(2));
	tact_store_resume(following->turn);
	return NULL;
}

static void follow(void *context, struct tact_store_turn *turn)
{
	struct following *following = context;

	following->called++;
	for (size_t i = 0; i < 3; i++)
		if (following->answers[i].result != TACT_OK || following->answers[i].version == 0)
			following->worst = -1;
	following->turn = turn;
	if (pthread_create(&following->other, NULL, read_and_resume, following) != 0)
		abort();
}

static bool count_and_follow(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret)
{
	(void)context;
	return kit_change_count(NULL, index, now, now_us, ret);
}

START_TEST(what_follows_an_update_finds_it_done_and_ends_the_call)
{
	struct tact_store_key keys[3] = {D(1), D(2), D(3)};

	setup(_i);
	for (int round = 1; round <= 20; round++) {
		struct following following = {.number = -1};
		int got = tact_store_update_then(
		    store, keys, 3, count_and_follow, follow, &following, following.answers, 0);

		ck_assert_int_eq(got, TACT_OK);
		ck_assert_msg(following.number == round, "got %ld when the call ended, want %d",
		    following.number, round);
		ck_assert_int_eq(following.called, 1);
		ck_assert_msg(following.worst == 0, "the answers did not stand yet");
		pthread_join(following.other, NULL);
	}
	teardown();
}
END_TEST

static void count_call(void *context, struct tact_store_turn *turn)
{
	++*(int *)context;
	tact_store_resume(turn);
}

START_TEST(something_follows_nothing_and_failure_too)
{
	struct tact_store *failing = kit_open("fail:");
	struct tact_store_key key = D(1);
	struct tact_store_answer answer;
	int calls = 0;

	ck_assert_int_eq(
	    tact_store_update_then(failing, &key, 1, kit_change_count, count_call, &calls, &answer, 0),
	    TACT_UNAVAILABLE);
	ck_assert_int_eq(answer.result, TACT_UNAVAILABLE);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(
	    tact_store_update_then(failing, NULL, 0, kit_change_count, count_call, &calls, NULL, 0), TACT_OK);
	ck_assert_int_eq(calls, 2);
	tact_store_close(&failing);
}
END_TEST

static Suite *store_suite(void)
{
	Suite *suite = suite_create("store contract");
	TCase *tc = tcase_create("every engine");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, absent_is_version_0_and_no_error, 0, ENGINES);
	tcase_add_loop_test(tc, versions_rise_from_write_over_empty_to_rewrite, 0, ENGINES);
	tcase_add_loop_test(tc, removed_is_absent_and_comes_back_with_a_later_version, 0, ENGINES);
	tcase_add_loop_test(tc, kinds_do_not_share_keys, 0, ENGINES);
	tcase_add_loop_test(tc, fn_sees_the_newest_and_may_decline, 0, ENGINES);
	tcase_add_loop_test(tc, fn_may_put_what_it_was_shown, 0, ENGINES);
	tcase_add_loop_test(tc, one_to_a_thousand_keys_get_an_answer_each, 0, ENGINES);
	tcase_add_loop_test(tc, records_of_every_size, 0, ENGINES);
	tcase_add_loop_test(tc, scan_sees_all_of_a_kind_in_key_order, 0, ENGINES);
	tcase_add_loop_test(tc, scan_while_others_write_sees_each_once, 0, ENGINES);
	tcase_add_loop_test(tc, due_is_ordered_bounded_and_limited, 0, ENGINES);
	tcase_add_loop_test(tc, due_follows_rewrites_and_clearing, 0, ENGINES);
	tcase_add_loop_test(tc, due_goes_on_beyond_one_chunk, 0, ENGINES);
	tcase_add_loop_test(tc, bulk_does_all_with_a_running_index, 0, ENGINES);
	tcase_add_loop_test(tc, bulk_may_name_a_key_again, 0, ENGINES);
	tcase_add_loop_test(tc, removed_and_made_again_in_one_batch, 0, ENGINES * SEQUENCES);
	tcase_add_loop_test(tc, fill_makes_what_is_not_there_and_leaves_what_is, 0, ENGINES);
	tcase_add_loop_test(tc, fill_by_two_makes_each_once, 0, ENGINES);
	tcase_add_loop_test(tc, identity_is_compared_and_set, 0, ENGINES);
	tcase_add_loop_test(tc, no_update_is_lost_among_threads, 0, ENGINES);
	tcase_add_loop_test(tc, a_deadline_ahead_changes_nothing, 0, ENGINES);
	tcase_add_loop_test(tc, what_follows_an_update_finds_it_done_and_ends_the_call, 0, ENGINES);
	tcase_add_loop_test(tc, check_counts_what_is_there, 0, ENGINES);
#ifdef TACT_TEST_CLOCK
	tcase_add_loop_test(tc, versions_rise_when_the_clock_goes_back, 0, ENGINES);
#endif
	suite_add_tcase(suite, tc);

	tc = tcase_create("urls and fail");
	tcase_add_loop_test(tc, urls_are_checked, 0, sizeof urls / sizeof *urls);
	tcase_add_test(tc, fail_always_answers_unavailable);
	tcase_add_test(tc, something_follows_nothing_and_failure_too);
	suite_add_tcase(suite, tc);
	return suite;
}

int main(void)
{
	if (getenv("TACT_STORE_URL")) {
		engines[0] = getenv("TACT_STORE_URL");
		engines_count = 1;
		emptied_first = true;
	}
	SRunner *runner = srunner_create(store_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * How long it takes to read one dossier out of a store of so many.
 *
 *     reads FOLDER DOSSIERS
 *
 * Makes the store in FOLDER if it is not there, in the order of keys, and reads dossiers at random, one a
 * call. Once over brings the pages in; then two things are measured: reads one after the other, where a small
 * store stays in the processor's caches and a large one cannot, and reads that find none of either there.
 * Prints one JSON object for run.py.
 */
#include <config.h>

#include <string.h>
#include <sysexits.h>

#include "bench.h"
#include "house.h"
#include "sample.h"

#define KEYS_PER_CALL 512
#define READS 200000
#define BATCH 100
#define COLD 1000
#define OTHER_BYTES (48 << 20) /* more than a processor keeps */
#define KEPT_RECORDS 16	       /* different ones in the store */

struct making {
	struct tact_store_key keys[KEYS_PER_CALL];
	struct tact_store_answer answers[KEYS_PER_CALL];
	struct tact_store_put puts[KEPT_RECORDS];
};

static bool put_ready(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	const struct making *making = context;

	(void)now;
	(void)store_now_us;
	*ret = making->puts[index % KEPT_RECORDS];
	return true;
}

/* Spread evenly, in order, as digests are when sorted. */
static struct tact_store_key key_of(uint64_t i, uint64_t count)
{
	struct tact_store_key key = {.kind = TACT_STORE_DOSSIER};
	uint64_t place = UINT64_MAX / count * i, rest = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	for (size_t b = 0; b < 8; b++) {
		key.id.b[b] = (uint8_t)(place >> (56 - 8 * b));
		key.id.b[8 + b] = (uint8_t)(rest >> (8 * b));
	}
	return key;
}

static void make(struct tact_store *store, uint64_t count)
{
	struct tact_arena *arena = tact_arena_new();
	struct making *making = tact_arena_alloc(arena, sizeof *making);
	struct tact_dossier dossier;
	struct tact_error err = {""};

	for (size_t i = 0; i < KEPT_RECORDS; i++) {
		sample_dossier(
		    arena, BENCH_CONTACTS, i % BENCH_SUPPRESSED == 0, tact_clock_now_us(), &dossier);
		tact_dossier_encode(arena, &dossier, &making->puts[i].bytes, &making->puts[i].size);
	}
	for (uint64_t at = 0; at < count; at += KEYS_PER_CALL) {
		size_t n = count - at < KEYS_PER_CALL ? (size_t)(count - at) : KEYS_PER_CALL;

		for (size_t i = 0; i < n; i++)
			making->keys[i] = key_of(at + i, count);
		int result = tact_store_update(store, making->keys, n, put_ready, making, making->answers, 0);
		if (result != TACT_OK)
			tact_store_last_error(store, &err);
		house_need(result, "making the store", &err);
	}
	tact_arena_free(&arena);
}

static bool is_there(struct tact_store *store, struct tact_arena *arena, const struct tact_store_key *key)
{
	struct tact_record record;
	struct tact_store_answer answer;

	house_need(tact_store_read(store, key, 1, arena, &record, &answer, 0), "read", NULL);
	return record.size > 0;
}

/* Time by the clock, since what is waited for is memory and disk. Batches, so that the clock costs nothing.
 */
static void read_all(struct tact_store *store, uint64_t count, double *ret_batches)
{
	struct tact_arena *arena = tact_arena_new();

	for (uint64_t i = 0; i < READS / BATCH; i++) {
		int64_t began_us = bench_now_us();

		for (uint64_t j = 0; j < BATCH; j++) {
			struct tact_store_key key = key_of(bench_scatter(i * BATCH + j, count), count);

			tact_arena_reset(arena);
			if (!is_there(store, arena, &key))
				house_need(TACT_ABSENT, "read", NULL);
		}
		ret_batches[i] = (double)(bench_now_us() - began_us) / BATCH;
	}
	tact_arena_free(&arena);
}

static double now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Goes over so much memory that nothing of the store is left in the caches. */
static void empty_caches(void)
{
	static volatile unsigned char memory[OTHER_BYTES];

	for (size_t i = 0; i < sizeof memory; i += 64)
		memory[i]++;
}

/* µs, the median. */
static double read_cold(struct tact_store *store, uint64_t count)
{
	static double times[COLD];
	struct tact_arena *arena = tact_arena_new();

	for (uint64_t i = 0; i < COLD; i++) {
		struct tact_store_key key = key_of(bench_scatter(i, count), count);

		tact_arena_reset(arena);
		empty_caches();
		double began_ns = now_ns();
		if (!is_there(store, arena, &key))
			house_need(TACT_ABSENT, "read", NULL);
		times[i] = (now_ns() - began_ns) / 1000;
	}
	tact_arena_free(&arena);
	return bench_quantile(times, COLD, 0.5);
}

int main(int argc, char **argv)
{
	static double batches[READS / BATCH];
	struct tact_arena *arena = tact_arena_new();
	struct tact_store *store = NULL;
	struct tact_error err = {""};

	if (argc != 3) {
		fprintf(stderr, "usage: reads FOLDER DOSSIERS\n");
		return EX_USAGE;
	}
	uint64_t count = strtoull(argv[2], NULL, 10);
	struct tact_store_key last = key_of(count - 1, count);
	int64_t began_us = bench_now_us();
	house_need(tact_store_open(tact_arena_printf(arena, "lmdb:%s", argv[1]), &store, &err), "open", &err);
	if (!is_there(store, arena, &last))
		make(store, count);
	double made_s = (double)(bench_now_us() - began_us) / 1e6;
	read_all(store, count, batches);
	read_all(store, count, batches);
	double cold_us = read_cold(store, count);
	printf("{\"dossiers\": %llu, \"made_s\": %.1f, \"cold_us\": %.2f, \"read_us\": %.2f, "
	       "\"least_us\": %.2f, \"p99_us\": "
	       "%.2f}\n",
	    (unsigned long long)count, made_s, cold_us, bench_quantile(batches, READS / BATCH, 0.5),
	    bench_quantile(batches, READS / BATCH, 0), bench_quantile(batches, READS / BATCH, 0.99));
	tact_store_close(&store);
	tact_arena_free(&arena);
	return EX_OK;
}

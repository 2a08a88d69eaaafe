/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * How fast the LMDB engine is on the disk it is pointed at. Not a test: prints figures, judges nothing.
 *
 *	bench_store FOLDER [RECORDS [SECONDS]]
 */
#include <config.h>

#include "src/store/engine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RECORD_BYTES 400
#define THREADS_MOST 64

static struct tact_store *store;
static uint64_t records = 100000;
static atomic_bool stop;

struct worker {
	pthread_t thread;
	uint64_t seed, done, slowest_us;
	bool reads;
};

static int64_t clock_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t mix(uint64_t n)
{
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9u;
	n = (n ^ n >> 27) * 0x94d049bb133111ebu;
	return n ^ n >> 31;
}

/* Spread like real keys, which are digests. */
static struct tact_store_key key_of(uint64_t n)
{
	struct tact_store_key key = {.kind = TACT_STORE_DOSSIER};
	uint64_t high = mix(n + 1), low = mix(high);
	memcpy(key.id.b, &high, 8);
	memcpy(key.id.b + 8, &low, 8);
	return key;
}

static bool change(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret)
{
	static const uint8_t bytes[RECORD_BYTES];
	(void)context, (void)index, (void)now, (void)now_us;
	*ret = (struct tact_store_put){.bytes = bytes, .size = sizeof bytes};
	return true;
}

static int compare_keys(const void *a, const void *b)
{
	return tact_store_key_compare(a, b);
}

/* In key order, which is several times faster. */
static void fill(void)
{
	struct tact_store_key *keys = tact_calloc(records, sizeof *keys);
	struct tact_store_answer *answers = tact_calloc(10000, sizeof *answers);

	for (uint64_t n = 0; n < records; n++)
		keys[n] = key_of(n);
	qsort(keys, records, sizeof *keys, compare_keys);
	for (uint64_t n = 0; n < records; n += 10000) {
		size_t count = records - n < 10000 ? records - n : 10000;
		if (tact_store_update(store, &keys[n], count, change, NULL, answers, 0) != TACT_OK)
			exit(1);
	}
	free(answers);
	free(keys);
}

static void *work(void *context)
{
	struct worker *worker = context;
	struct tact_arena *arena = tact_arena_new();
	while (!atomic_load(&stop)) {
		struct tact_store_key key = key_of(mix(worker->seed++) % records);
		struct tact_store_answer answer;
		struct tact_record record;
		int64_t began_us = clock_us();
		int result = worker->reads ? tact_store_read(store, &key, 1, arena, &record, &answer, 0)
					   : tact_store_update(store, &key, 1, change, NULL, &answer, 0);
		uint64_t took_us = (uint64_t)(clock_us() - began_us);
		if (result != TACT_OK)
			exit(1);
		worker->slowest_us = took_us > worker->slowest_us ? took_us : worker->slowest_us;
		worker->done++;
		if (worker->done % 1024 == 0)
			tact_arena_reset(arena);
	}
	tact_arena_free(&arena);
	return NULL;
}

static void measure(bool reads, size_t threads, long seconds)
{
	static struct worker workers[THREADS_MOST];
	uint64_t commits = tact_store_commits(store), done = 0, slowest_us = 0;
	int64_t began_us = clock_us();

	atomic_store(&stop, false);
	for (size_t i = 0; i < threads; i++) {
		workers[i] = (struct worker){.seed = (uint64_t)began_us ^ i << 48, .reads = reads};
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	nanosleep(&(struct timespec){.tv_sec = seconds}, NULL);
	atomic_store(&stop, true);
	for (size_t i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		done += workers[i].done;
		slowest_us = workers[i].slowest_us > slowest_us ? workers[i].slowest_us : slowest_us;
	}
	double took_s = (double)(clock_us() - began_us) / 1e6;
	printf("%-7s %2zu threads %10.0f/s %8.0f commits/s  %8.2f us each  slowest %llu us\n",
	    reads ? "reads" : "updates", threads, (double)done / took_s,
	    (double)(tact_store_commits(store) - commits) / took_s, took_s * 1e6 / (double)done,
	    (unsigned long long)slowest_us);
}

int main(int argc, char **argv)
{
	static const size_t threads[] = {1, 8, 64};
	struct tact_error err;
	char url[512];
	long seconds = argc > 3 ? strtol(argv[3], NULL, 10) : 3;

	if (argc < 2) {
		fprintf(stderr, "usage: bench_store FOLDER [RECORDS [SECONDS]]\n");
		return 64;
	}
	if (argc > 2)
		records = strtoull(argv[2], NULL, 10);
	snprintf(url, sizeof url, "lmdb:%s", argv[1]);
	if (records == 0 || tact_store_open(url, &store, &err) != TACT_OK) {
		fprintf(stderr, "%s\n", records == 0 ? "no records" : err.text);
		return 1;
	}
	tact_store_go_first(store); /* as tactd does */
	int64_t began_us = clock_us();
	fill();
	printf("%llu records of %d bytes written in %.1f s\n", (unsigned long long)records, RECORD_BYTES,
	    (double)(clock_us() - began_us) / 1e6);
	for (size_t i = 0; i < 3; i++)
		measure(true, threads[i], seconds);
	for (size_t i = 0; i < 3; i++)
		measure(false, threads[i], seconds);
	tact_store_close(&store);
	return 0;
}

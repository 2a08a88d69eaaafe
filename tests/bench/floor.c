/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the disk and the two rooms that write to it allow, whoever asks them: a loop of one store update and
 * one append to the evidence, both ready made, by as many threads as there would be connections, so that as
 * many share a flush. Figures (b) of `make bench`.
 *
 *     floor [-r] TACT.CONF THREADS SECONDS PEOPLE FIRST
 *
 * Each update writes one dossier's own bytes again. -r: appends only, which is all that a refusal at RCPT
 * writes.
 */
#include <config.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench.h"
#include "house.h"

#define WARM_US 500000
#define KEYS 131072 /* prepared: taken again from the first when used up */
#define RULES 5

struct floor {
	struct house house;
	struct tact_id *keys;
	struct tact_audit_rule rules[RULES];
	struct tact_audit_entry entry;
	bool appends_only;
	int64_t from_us, until_us;
	atomic_uint_fast64_t next;
};

struct worker {
	struct floor *floor;
	pthread_t thread;
	double *latencies;
	size_t count, room;
};

static bool write_same(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	(void)context;
	(void)index;
	(void)store_now_us;
	*ret = (struct tact_store_put){.bytes = now->bytes, .size = now->size, .wake_us = now->wake_us};
	return true;
}

static void update_and_append(struct floor *floor)
{
	struct tact_store_key key = {
	    .kind = TACT_STORE_DOSSIER, .id = floor->keys[atomic_fetch_add(&floor->next, 1) % KEYS]};
	struct tact_store_answer answer;
	struct tact_error err = {""};

	if (!floor->appends_only)
		house_need(tact_store_update(floor->house.store, &key, 1, write_same, NULL, &answer, 0),
		    "update", NULL);
	house_need(tact_audit_append(floor->house.audit, &floor->entry, 1, tact_clock_now_us(), NULL, &err),
	    "append", &err);
}

static void *work(void *context)
{
	struct worker *worker = context;
	int64_t began_us, now_us = bench_now_us();

	while (now_us < worker->floor->until_us) {
		began_us = now_us;
		update_and_append(worker->floor);
		now_us = bench_now_us();
		if (began_us < worker->floor->from_us)
			continue;
		if (worker->count == worker->room) {
			worker->room = worker->room > 0 ? 2 * worker->room : 4096;
			worker->latencies =
			    tact_realloc(worker->latencies, worker->room * sizeof *worker->latencies);
		}
		worker->latencies[worker->count++] = (double)(now_us - began_us);
	}
	return NULL;
}

/* An entry as an accepted mail has it under run.py's rules. */
static void make_entry(struct floor *floor)
{
	static uint8_t person_key[TACT_SEAL_KEY_BYTES];
	static const char *const names[RULES] = {"wishes", "weekly", "yearly", "breathing", "same-campaign"};

	for (size_t i = 0; i < RULES; i++)
		floor->rules[i] = (struct tact_audit_rule){.name = names[i],
		    .kind = i == 0 ? "suppression" : "limit",
		    .verdict = "accept",
		    .mode = "enforce",
		    .numbers = {
			.present = i > 0, .count_milli = 4000, .at_most_milli = 1000000, .window = "7d"}};
	tact_random_bytes(person_key, sizeof person_key);
	floor->entry = (struct tact_audit_entry){.kind = TACT_AUDIT_DECISION,
	    .phase = "end-of-message",
	    .pseudonym = tact_audit_pseudonym(floor->house.arena, person_key, &floor->keys[0]),
	    .decision = "0123456789abcdef0123456789abcdef",
	    .version_seen = 1795000000000000,
	    .version_written = 1795000000000001,
	    .policy = floor->house.config->rules.digest,
	    .software = "tact " PACKAGE_VERSION,
	    .mode = "enforce",
	    .verdict = "accept",
	    .action = "continue",
	    .code = "2.0.0",
	    .stream = "offers",
	    .purpose = "newsletter",
	    .owner = "corporate",
	    .brand = "brand",
	    .priority = 500,
	    .has_priority = true,
	    .queue_id = "4Xy00000012345",
	    .rules = floor->rules,
	    .rules_count = RULES,
	    .person_key = person_key,
	    .recipient_domain = "customers.example",
	    .message_id = "<123456.1795000000@desk.example.com>",
	    .sender = "news@brand.example",
	    .from = "news@brand.example",
	    .sasl_user = "desk",
	    .subject = "Autumn’s best offers for our dear customers"};
}

static void make_keys(struct floor *floor, uint64_t people, uint64_t first)
{
	struct tact_arena *arena = tact_arena_new();

	floor->keys = tact_calloc(KEYS, sizeof *floor->keys);
	for (uint64_t i = 0; i < KEYS; i++) {
		tact_arena_reset(arena);
		floor->keys[i] = house_key(&floor->house, arena, bench_person(first + i, people, false));
	}
	tact_arena_free(&arena);
}

static void gather(struct worker *workers, size_t count, double seconds, int64_t cpu_us)
{
	size_t sum = 0, at = 0;
	double *all;

	for (size_t i = 0; i < count; i++)
		sum += workers[i].count;
	all = tact_calloc(sum + 1, sizeof *all);
	for (size_t i = 0; i < count; i++) {
		if (workers[i].count > 0)
			memcpy(all + at, workers[i].latencies, workers[i].count * sizeof *all);
		at += workers[i].count;
		free(workers[i].latencies);
	}
	bench_report(all, sum, seconds, cpu_us, 0);
	free(all);
}

static void run(struct floor *floor, size_t threads, double seconds)
{
	struct worker *workers = tact_calloc(threads, sizeof *workers);
	int64_t cpu_us;

	floor->from_us = bench_now_us() + WARM_US;
	floor->until_us = floor->from_us + (int64_t)(seconds * 1e6);
	for (size_t i = 0; i < threads; i++) {
		workers[i].floor = floor;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			exit(EX_OSERR);
	}
	usleep(WARM_US);
	cpu_us = bench_own_cpu_us();
	for (size_t i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	gather(workers, threads, seconds, bench_own_cpu_us() - cpu_us);
	free(workers);
}

int main(int argc, char **argv)
{
	struct floor floor = {.appends_only = argc > 1 && strcmp(argv[1], "-r") == 0};
	char **args = argv + 1 + floor.appends_only;

	if (argc != 6 + floor.appends_only) {
		fprintf(stderr, "usage: floor [-r] TACT.CONF THREADS SECONDS PEOPLE FIRST\n");
		return EX_USAGE;
	}
	house_open(args[0], true, &floor.house);
	make_keys(&floor, strtoull(args[3], NULL, 10), strtoull(args[4], NULL, 10));
	make_entry(&floor);
	run(&floor, strtoul(args[1], NULL, 10), strtod(args[2], NULL));
	free(floor.keys);
	house_close(&floor.house);
	return EX_OK;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Makes the key file and the store that tactd is measured on.
 *
 *     fill TACT.CONF PEOPLE
 *
 * In the order of the keys, as a store that was ever compacted lies on the disk, and by update with many
 * callers: it has the store for itself, so it need not rest as an import does.
 */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "bench.h"
#include "house.h"
#include "sample.h"

#define KEYS_PER_CALL 512

struct person {
	struct tact_id key;
	bool suppressed;
};

struct filling {
	struct house house;
	struct person *people;
	size_t count;
	int64_t now_us;
};

/* One call's worth of records, ready. */
struct chunk {
	struct tact_store_key keys[KEYS_PER_CALL];
	struct tact_store_put puts[KEYS_PER_CALL];
	struct tact_store_answer answers[KEYS_PER_CALL];
};

static bool put_ready(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	const struct chunk *chunk = context;

	(void)now;
	(void)store_now_us;
	*ret = chunk->puts[index];
	return true;
}

static int compare_people(const void *a, const void *b)
{
	return memcmp(((const struct person *)a)->key.b, ((const struct person *)b)->key.b, TACT_ID_BYTES);
}

static void make_people(struct filling *filling)
{
	struct tact_arena *arena = tact_arena_new();

	filling->people = tact_calloc(filling->count, sizeof *filling->people);
	for (size_t i = 0; i < filling->count; i++) {
		tact_arena_reset(arena);
		filling->people[i] = (struct person){
		    .key = house_key(&filling->house, arena, i), .suppressed = i % BENCH_SUPPRESSED == 0};
	}
	qsort(filling->people, filling->count, sizeof *filling->people, compare_people);
	tact_arena_free(&arena);
}

static void fill_chunk(struct filling *filling, size_t from, size_t count)
{
	struct tact_arena *arena = tact_arena_new();
	struct chunk *chunk = tact_arena_alloc(arena, sizeof *chunk);
	struct tact_dossier dossier;
	struct tact_error err = {""};

	for (size_t i = 0; i < count; i++) {
		const struct person *person = &filling->people[from + i];

		chunk->keys[i] = (struct tact_store_key){.kind = TACT_STORE_DOSSIER, .id = person->key};
		sample_dossier(arena, BENCH_CONTACTS, person->suppressed, filling->now_us, &dossier);
		tact_dossier_encode(arena, &dossier, &chunk->puts[i].bytes, &chunk->puts[i].size);
	}
	int result =
	    tact_store_update(filling->house.store, chunk->keys, count, put_ready, chunk, chunk->answers, 0);
	if (result != TACT_OK)
		tact_store_last_error(filling->house.store, &err);
	house_need(result, "filling the store", &err);
	tact_arena_free(&arena);
}

static void fill_all(struct filling *filling)
{
	for (size_t at = 0; at < filling->count; at += KEYS_PER_CALL)
		fill_chunk(
		    filling, at, filling->count - at < KEYS_PER_CALL ? filling->count - at : KEYS_PER_CALL);
}

static void make_key(const char *config_path)
{
	struct tact_config_mistakes mistakes = {.arena = tact_arena_new()};
	struct tact_config *config = NULL;
	struct tact_error err = {""};

	if (tact_config_load(config_path, NULL, &config, &mistakes) == TACT_OK &&
	    access(config->key_file, F_OK) != 0)
		house_need(tact_facts_create_key_file(config->key_file, false, &err), "key", &err);
	tact_config_free(&config);
	tact_arena_free(&mistakes.arena);
}

int main(int argc, char **argv)
{
	struct filling filling = {.now_us = tact_clock_now_us()};

	if (argc != 3) {
		fprintf(stderr, "usage: fill TACT.CONF PEOPLE\n");
		return EX_USAGE;
	}
	make_key(argv[1]);
	house_open(argv[1], false, &filling.house);
	filling.count = strtoull(argv[2], NULL, 10);
	make_people(&filling);
	fill_all(&filling);
	free(filling.people);
	house_close(&filling.house);
	return EX_OK;
}

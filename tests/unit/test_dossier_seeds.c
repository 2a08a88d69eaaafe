/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The fuzz target over its seeds, and over records with bytes changed, cut and doubled by a generator with a
 * known seed. What fails aborts: the seed and the round are told first.
 */
#include <config.h>

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dossier_help.h"

#define SEED_BYTES_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t run_file(const char *path)
{
	uint8_t *data = tact_malloc(SEED_BYTES_MAX);
	FILE *file = fopen(path, "rb");
	size_t size;

	ck_assert_msg(file != NULL, "%s: cannot be read", path);
	size = fread(data, 1, SEED_BYTES_MAX, file);
	(void)fclose(file);
	(void)fprintf(stderr, "seed %s\n", path);
	ck_assert_int_eq(LLVMFuzzerTestOneInput(data, size), 0);
	free(data);
	return size;
}

START_TEST(test_seeds)
{
	struct tact_arena *arena = tact_arena_new();
	const char *top = getenv("srcdir");
	const char *folder = tact_arena_printf(arena, "%s/tests/fuzz/seeds/dossier", top != NULL ? top : ".");
	DIR *seeds = opendir(folder);
	struct dirent *entry;
	int count = 0;

	ck_assert_msg(seeds != NULL, "%s: cannot be opened", folder);
	while ((entry = readdir(seeds)) != NULL)
		if (entry->d_name[0] != '.') {
			(void)run_file(tact_arena_printf(arena, "%s/%s", folder, entry->d_name));
			count++;
		}
	(void)closedir(seeds);
	ck_assert_msg(count >= 10, "got %d seeds, want at least 10", count);
	tact_arena_free(&arena);
}
END_TEST

static size_t mutate(uint64_t *state, uint8_t *data, size_t size)
{
	size_t at = random_below(state, size);

	switch (random_below(state, 5)) {
	case 0:
		data[at] = (uint8_t)random_next(state);
		return size;
	case 1:
		data[at] ^= (uint8_t)(1U << random_below(state, 8));
		return size;
	case 2:
		return at + 1;
	case 3:
		memmove(data + at, data + at + 1, size - at - 1);
		return size > 1 ? size - 1 : size;
	default:
		memmove(data + at + 1, data + at, size - at);
		return size + 1;
	}
}

/* Room for one byte more for each of the changes. */
enum { CHANGES = 4 };

START_TEST(test_changed_records)
{
	struct tact_arena *arena = tact_arena_new();

	for (uint64_t seed = 1; seed <= 4000; seed++) {
		struct tact_dossier dossier;
		uint64_t state = seed;
		const void *bytes;
		uint8_t *data;
		size_t size;

		random_dossier(arena, seed % 50, &dossier);
		tact_dossier_encode(arena, &dossier, &bytes, &size);
		if (size == 0)
			continue;
		data = tact_arena_alloc(arena, size + CHANGES);
		memcpy(data, bytes, size);
		for (uint64_t n = 1 + random_below(&state, CHANGES); n > 0; n--)
			size = mutate(&state, data, size);
		if (seed % 1000 == 0)
			(void)fprintf(stderr, "up to seed %d\n", (int)seed);
		ck_assert_int_eq(LLVMFuzzerTestOneInput(data, size), 0);
		tact_arena_reset(arena);
	}
	tact_arena_free(&arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dossier: seeds");
	TCase *tc = tcase_create("seeds");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_seeds);
	tcase_add_test(tc, test_changed_records);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

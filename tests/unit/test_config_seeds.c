/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The seeds of the fuzz target, run once each: what a fuzzer found once is never lost.
 */
#include <config.h>

#include <check.h>
#include <dirent.h>

#include "../fuzz/fuzz_config.c"

static void replay_file(const char *path)
{
	static uint8_t data[1 << 16];
	FILE *file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "got no file %s", path);
	size_t length = fread(data, 1, sizeof data, file);
	fclose(file);
	/* Exactly as long as the seed, so that reading past it is seen. */
	uint8_t *exact = malloc(length == 0 ? 1 : length);
	memcpy(exact, data, length);
	ck_assert_int_eq(LLVMFuzzerTestOneInput(exact, length), 0);
	free(exact);
}

START_TEST(test_seeds)
{
	const char *source = getenv("srcdir");
	char folder[512], path[1024];
	size_t count = 0;
	snprintf(folder, sizeof folder, "%s/tests/fuzz/seeds/config", source == NULL ? "." : source);
	DIR *seeds = opendir(folder);
	ck_assert_msg(seeds != NULL, "got no folder %s", folder);
	for (struct dirent *seed = readdir(seeds); seed != NULL; seed = readdir(seeds)) {
		if (seed->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, seed->d_name);
		replay_file(path);
		count++;
	}
	closedir(seeds);
	ck_assert_msg(count >= 15, "got %zu seeds, want at least 15", count);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config: seeds");
	TCase *tcase = tcase_create("seeds");
	tcase_add_test(tcase, test_seeds);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

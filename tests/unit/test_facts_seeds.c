/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The fuzz seeds, run once each: what a fuzzer found once is never lost.
 */
#include <config.h>

#include <check.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int fuzz_address_one(const uint8_t *data, size_t size_bytes);
int fuzz_message_one(const uint8_t *data, size_t size_bytes);
int fuzz_content_one(const uint8_t *data, size_t size_bytes);

/* The targets all have one name: each is taken in here under its own. */
#define LLVMFuzzerTestOneInput fuzz_address_one
#define domains address_domains
#include "../fuzz/fuzz_address.c"
#undef LLVMFuzzerTestOneInput
#undef domains
#define LLVMFuzzerTestOneInput fuzz_message_one
#include "../fuzz/fuzz_message.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_content_one
#include "../fuzz/fuzz_content.c"

static size_t replay_file(const char *path, int (*target)(const uint8_t *, size_t))
{
	static uint8_t data[65536];
	FILE *file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "got no file %s", path);
	size_t length = fread(data, 1, sizeof data, file);
	fclose(file);
	/* Exactly as long as the seed, so that reading past it is seen. */
	uint8_t *exact = malloc(length == 0 ? 1 : length);
	memcpy(exact, data, length);
	ck_assert_int_eq(target(exact, length), 0);
	free(exact);
	return 1;
}

static size_t replay(const char *name, int (*target)(const uint8_t *, size_t))
{
	const char *source = getenv("srcdir");
	char folder[4096], path[8192];
	size_t count = 0;
	snprintf(folder, sizeof folder, "%s/tests/fuzz/seeds/%s", source == NULL ? "." : source, name);
	DIR *seeds = opendir(folder);
	ck_assert_msg(seeds != NULL, "got no folder %s", folder);
	for (struct dirent *seed = readdir(seeds); seed != NULL; seed = readdir(seeds)) {
		snprintf(path, sizeof path, "%s/%s", folder, seed->d_name);
		count += seed->d_name[0] == '.' ? 0 : replay_file(path, target);
	}
	closedir(seeds);
	return count;
}

START_TEST(address_seeds_pass)
{
	size_t count = replay("address", fuzz_address_one);
	ck_assert_msg(count >= 15, "got %zu seeds, want at least 15", count);
}
END_TEST

START_TEST(message_seeds_pass)
{
	size_t count = replay("message", fuzz_message_one);
	ck_assert_msg(count >= 13, "got %zu seeds, want at least 13", count);
}
END_TEST

START_TEST(content_seeds_pass)
{
	size_t count = replay("content", fuzz_content_one);
	ck_assert_msg(count >= 15, "got %zu seeds, want at least 15", count);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("facts: seeds");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_test(all, address_seeds_pass);
	tcase_add_test(all, message_seeds_pass);
	tcase_add_test(all, content_seeds_pass);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

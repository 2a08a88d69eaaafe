/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the tests of the audit room share: a folder that goes away, an opened log, and all entries read back.
 */
#ifndef TEST_AUDIT_HELP_H
#define TEST_AUDIT_HELP_H

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tact/audit.h>

#include "../../src/audit/private.h"

#define HOST "relay1"
#define NOW_US INT64_C(1764000000123456)

/* One test for each row of a table. */
#define ADD_ROWS(tests, test, rows) tcase_add_loop_test(tests, test, 0, (int)(sizeof rows / sizeof rows[0]))

static char folder[256];

static inline int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status, (void)type, (void)ftw;
	return remove(path);
}

static inline void folder_make(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, sizeof folder, "%s/tact-audit-XXXXXX", tmp != NULL ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static inline void folder_remove(void)
{
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline struct tact_audit *open_log(void)
{
	struct tact_audit *audit = NULL;
	struct tact_error err = {.text = ""};
	int got = tact_audit_open(folder, HOST, &audit, NULL, &err);

	ck_assert_msg(got == TACT_OK, "open: got %d (%s), want 0", got, err.text);
	return audit;
}

static inline uint64_t append_one(struct tact_audit *audit, const char *decision)
{
	struct tact_audit_entry entry = {.kind = TACT_AUDIT_DECISION, .phase = "rcpt", .decision = decision};
	struct tact_error err = {.text = ""};
	uint64_t seq = UINT64_MAX;
	int got = tact_audit_append(audit, &entry, 1, NOW_US, &seq, &err);

	ck_assert_msg(got == TACT_OK, "append: got %d (%s), want 0", got, err.text);
	return seq;
}

struct texts {
	char **json;
	size_t count;
	bool dense;
};

static inline bool collect_one(void *context, const char *host, uint64_t seq, const char *json, size_t length)
{
	struct texts *all = context;

	ck_assert_str_eq(host, HOST);
	ck_assert_uint_eq(strlen(json), length);
	if (seq != all->count)
		all->dense = false;
	all->json = tact_realloc(all->json, (all->count + 1) * sizeof *all->json);
	all->json[all->count++] = tact_strdup(json);
	return true;
}

static inline struct texts collect(void)
{
	struct texts all = {.dense = true};
	struct tact_error err = {.text = ""};
	int got = tact_audit_scan(folder, HOST, collect_one, &all, &err);

	ck_assert_msg(got == TACT_OK, "scan: got %d (%s), want 0", got, err.text);
	ck_assert_msg(all.dense, "got a gap in the numbers, want 0 … %zu", all.count);
	return all;
}

static inline void texts_clear(struct texts *all)
{
	for (size_t i = 0; i < all->count; i++)
		free(all->json[i]);
	free(all->json);
	*all = (struct texts){0};
}

static inline size_t count_entries(void)
{
	struct texts all = collect();
	size_t count = all.count;

	texts_clear(&all);
	return count;
}

static inline json_t *parse(const char *json)
{
	json_error_t why;
	json_t *entry = json_loads(json, JSON_REJECT_DUPLICATES, &why);

	ck_assert_msg(entry != NULL, "got %s in %.200s, want JSON", why.text, json);
	return entry;
}

static inline const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "(none)";
}

static inline int run_suite(const char *name, void (*add)(TCase *tests))
{
	Suite *suite = suite_create(name);
	TCase *tests = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, folder_make, folder_remove);
	tcase_set_timeout(tests, 120);
	add(tests);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What becomes of a store's identity when it cannot be written, or nobody knows whether it was.
 */
#include <config.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "decide_help.h"

static const char configuration[] =
    "listener smtp { socket = \"inet:8891@127.0.0.1\" }\n"
    "owner head {}\nstream all { owner = head purpose = promotional senders = {\"@head.example\"} }\n";

/* ---- a store whose identity is hard to write ---- */

static struct {
	int answer;	/* in place of its own */
	bool writes;	/* and it is written all the same */
	unsigned times; /* so often; then as ever */
	unsigned calls;
} fault;

int __real_tact_store_set_identity(
    struct tact_store *store, const char *expected, const char *text, struct tact_error *err);
int __wrap_tact_store_set_identity(
    struct tact_store *store, const char *expected, const char *text, struct tact_error *err);

int __wrap_tact_store_set_identity(
    struct tact_store *store, const char *expected, const char *text, struct tact_error *err)
{
	fault.calls++;
	if (fault.calls > fault.times)
		return __real_tact_store_set_identity(store, expected, text, err);
	if (fault.writes)
		ck_assert_int_eq(__real_tact_store_set_identity(store, expected, text, err), TACT_OK);
	return tact_error_set(err, fault.answer, "as the test says");
}

static char *stored(void)
{
	char *text = NULL;

	ck_assert_int_eq(tact_store_identity(b.store, b.arena, &text, NULL), TACT_OK);
	return text;
}

/* As an older tact left it. */
static void make_keyless(void)
{
	const char *text = stored(), *line = strstr(text, "recovery ");

	ck_assert_ptr_nonnull(line);
	ck_assert_int_eq(__real_tact_store_set_identity(b.store, text,
			     tact_arena_printf(b.arena, "%.*s", (int)(line - text), text), NULL),
	    TACT_OK);
}

static void setup(void)
{
	memset(&fault, 0, sizeof fault);
	bench_open(NULL, configuration);
	fault.calls = 0;
}

static int open_for(enum tact_opening opening, struct tact_identity *ret)
{
	struct tact_error err = {""};

	*ret = (struct tact_identity){0};
	return tact_decide_open_identity(b.store, b.keyring, &b.config->profile, opening, b.arena, ret, &err);
}

/* ---- the tests ---- */

START_TEST(a_reader_gives_no_store_a_recovery_key)
{
	struct tact_identity identity;
	const char *before;

	make_keyless();
	before = stored();
	ck_assert_int_eq(open_for(TACT_OPEN_READ, &identity), TACT_OK);
	ck_assert_int_eq(identity.recovery_day, 0);
	ck_assert_str_eq(stored(), before);
	ck_assert_int_eq(open_for(TACT_OPEN_CHANGE, &identity), TACT_OK);
	ck_assert_int_gt(identity.recovery_day, 0);
	ck_assert_msg(strstr(stored(), "recovery ") != NULL, "got %s", stored());
}
END_TEST

/* Otherwise tactd would seal no wishes for recovering as long as it runs. */
START_TEST(a_store_that_fails_just_then_is_not_opened_without_a_key)
{
	static const int answers[] = {TACT_UNAVAILABLE, TACT_CORRUPT};
	struct tact_identity identity;

	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		make_keyless();
		memset(&fault, 0, sizeof fault);
		fault.answer = answers[i];
		fault.times = 1;
		ck_assert_int_eq(open_for(TACT_OPEN_CHANGE, &identity), answers[i]);
		ck_assert_int_eq(open_for(TACT_OPEN_CHANGE, &identity), TACT_OK);
		ck_assert_int_gt(identity.recovery_day, 0);
	}
}
END_TEST

START_TEST(whoever_may_not_set_it_goes_without)
{
	struct tact_identity identity;

	make_keyless();
	fault.answer = TACT_SYSTEM;
	fault.times = 1;
	ck_assert_int_eq(open_for(TACT_OPEN_CHANGE, &identity), TACT_OK);
	ck_assert_int_eq(identity.recovery_day, 0);
	ck_assert_uint_eq(identity.profiles_count, 1);
}
END_TEST

START_TEST(an_unused_store_that_may_not_be_taken_on_is_not_opened)
{
	struct tact_identity identity;

	ck_assert_int_eq(__real_tact_store_set_identity(b.store, stored(), "", NULL), TACT_OK);
	fault.answer = TACT_SYSTEM;
	fault.times = 1;
	ck_assert_int_eq(open_for(TACT_OPEN_CHANGE, &identity), TACT_SYSTEM);
}
END_TEST

/* It happened or it did not: what stands there afterwards is what is used, and it was acknowledged once. */
START_TEST(what_is_uncertain_is_read_again)
{
	struct tact_identity identity, later;

	make_keyless();
	fault.answer = TACT_UNCERTAIN;
	fault.writes = _i == 1;
	fault.times = 1;
	ck_assert_int_eq(open_for(TACT_OPEN_CHANGE, &identity), TACT_OK);
	ck_assert_uint_eq(fault.calls, 2);
	ck_assert_int_gt(identity.recovery_day, 0);
	ck_assert_int_eq(open_for(TACT_OPEN_CHANGE, &later), TACT_OK);
	ck_assert_uint_eq(fault.calls, 2);
	ck_assert_mem_eq(identity.recovery_key, later.recovery_key, sizeof later.recovery_key);
}
END_TEST

START_TEST(what_stays_uncertain_is_told)
{
	struct tact_identity identity;

	make_keyless();
	fault.answer = TACT_UNCERTAIN;
	fault.writes = true;
	fault.times = 1000;
	ck_assert_int_eq(open_for(TACT_OPEN_CHANGE, &identity), TACT_UNCERTAIN);
	ck_assert_uint_lt(fault.calls, 20);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("identity");
	TCase *tcase = tcase_create("identity");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, bench_close);
	tcase_add_test(tcase, a_reader_gives_no_store_a_recovery_key);
	tcase_add_test(tcase, a_store_that_fails_just_then_is_not_opened_without_a_key);
	tcase_add_test(tcase, whoever_may_not_set_it_goes_without);
	tcase_add_test(tcase, an_unused_store_that_may_not_be_taken_on_is_not_opened);
	tcase_add_loop_test(tcase, what_is_uncertain_is_read_again, 0, 2);
	tcase_add_test(tcase, what_stays_uncertain_is_told);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

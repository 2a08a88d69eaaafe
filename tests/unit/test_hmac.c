/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * HMAC under secrets that repeat: whatever came before, and whoever else is at it, each secret makes its own.
 */
#include <config.h>

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tact/base.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* RFC 4231, cases 1 to 4, 6 and 7 (5 is cut short); what no secret makes of no text is Python's hmac. */
static const struct {
	const char *secret, *data; /* hexadecimal */
	const char *want;
} rows[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
	"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"dddddddddddddddddddddddddddddddddddddddddddddddddd"
	"dddddddddddddddddddddddddddddddddddddddddddddddddd",
	"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"0102030405060708090a0b0c0d0e0f10111213141516171819",
	"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
	"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
	"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {"131 aa",
	"54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a"
	"65204b6579202d2048617368204b6579204669727374",
	"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"131 aa",
	"5468697320697320612074657374207573696e672061206c6172676572207468"
	"616e20626c6f636b2d73697a65206b657920616e642061206c61726765722074"
	"68616e20626c6f636b2d73697a6520646174612e20546865206b6579206e6565"
	"647320746f20626520686173686564206265666f7265206265696e6720757365"
	"642062792074686520484d414320616c676f726974686d2e",
	"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    {"", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
};

struct row {
	uint8_t secret[131], data[152], want[TACT_SHA256_BYTES];
	size_t secret_bytes, data_bytes;
	struct tact_hmac *hmac;
};
static struct row made[COUNT(rows)];

static void make_row(size_t i, struct row *ret)
{
	if (strcmp(rows[i].secret, "131 aa") == 0) {
		ret->secret_bytes = 131;
		memset(ret->secret, 0xaa, sizeof ret->secret);
	} else {
		ret->secret_bytes = strlen(rows[i].secret) / 2;
		ck_assert_int_eq(tact_hex_decode(rows[i].secret, ret->secret, ret->secret_bytes), TACT_OK);
	}
	ret->data_bytes = strlen(rows[i].data) / 2;
	ck_assert_int_eq(tact_hex_decode(rows[i].data, ret->data, ret->data_bytes), TACT_OK);
	ck_assert_int_eq(tact_hex_decode(rows[i].want, ret->want, sizeof ret->want), TACT_OK);
	ret->hmac = tact_digest_hmac_new(ret->secret, ret->secret_bytes);
}

static void set_up(void)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		make_row(i, &made[i]);
}

static void tear_down(void)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		tact_digest_hmac_free(&made[i].hmac);
		ck_assert_msg(made[i].hmac == NULL, "got a freed one, want NULL");
	}
	tact_digest_hmac_free(&made[0].hmac);
}

static bool is_right(const struct row *row)
{
	uint8_t got[TACT_SHA256_BYTES];

	tact_digest_hmac_by(row->hmac, row->data, row->data_bytes, got);
	return memcmp(got, row->want, sizeof got) == 0;
}

static void expect_right(size_t i, size_t time)
{
	struct tact_arena *arena = tact_arena_new();
	uint8_t got[TACT_SHA256_BYTES];

	tact_digest_hmac_by(made[i].hmac, made[i].data, made[i].data_bytes, got);
	ck_assert_msg(memcmp(got, made[i].want, sizeof got) == 0, "row %zu, time %zu: got %s, want %s", i,
	    time, tact_hex_encode(arena, got, sizeof got), rows[i].want);
	tact_arena_free(&arena);
}

START_TEST(the_same_again)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t time = 0; time < 5; time++)
			expect_right(i, time);
}
END_TEST

/* Each after each other. */
START_TEST(secrets_in_turns)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t j = 0; j < COUNT(rows); j++) {
			expect_right(i, j);
			expect_right(j, i);
		}
}
END_TEST

/* It may stand where the one before did. */
START_TEST(a_secret_after_one_that_was_freed)
{
	for (size_t time = 0; time < 50; time++)
		for (size_t i = 0; i < COUNT(rows); i++) {
			expect_right(i, time);
			tact_digest_hmac_free(&made[i].hmac);
			made[i].hmac = tact_digest_hmac_new(made[i].secret, made[i].secret_bytes);
			expect_right(i, time);
		}
}
END_TEST

/* One that is used but once, of another secret, between two of this. */
START_TEST(beside_one_that_does_not_repeat)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *other = &made[(i + 1) % COUNT(rows)];
		uint8_t got[TACT_SHA256_BYTES];

		expect_right(i, 0);
		tact_digest_hmac(other->secret, other->secret_bytes, other->data, other->data_bytes, got);
		ck_assert_msg(memcmp(got, other->want, sizeof got) == 0, "got another beside row %zu", i);
		expect_right(i, 1);
	}
}
END_TEST

/* What the caller does with his own bytes is nothing to it. */
START_TEST(the_secret_is_copied)
{
	memset(made[1].secret, 0, made[1].secret_bytes);
	expect_right(1, 0);
	expect_right(1, 1);
}
END_TEST

START_TEST(a_secret_of_no_bytes_may_be_null)
{
	tact_digest_hmac_free(&made[6].hmac);
	made[6].hmac = tact_digest_hmac_new(NULL, 0);
	expect_right(6, 0);
	expect_right(1, 0);
	expect_right(6, 1);
}
END_TEST

START_TEST(goes_on_after_what_the_thread_kept_was_let_go)
{
	expect_right(0, 0);
	tact_digest_leave();
	expect_right(0, 1);
	expect_right(4, 0);
}
END_TEST

/* ---- several threads ---- */

#define THREADS 40 /* more than there are places for their contexts */
#define TIMES 3000

static void *use_all(void *context)
{
	size_t *wrong = context;

	for (size_t time = 0; time < TIMES; time++)
		*wrong += !is_right(&made[time % COUNT(rows)]);
	tact_digest_leave();
	return NULL;
}

static void use_in_threads(void)
{
	pthread_t threads[THREADS];
	size_t wrong[THREADS] = {0};

	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, use_all, &wrong[i]), 0);
	for (size_t i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_msg(
		    wrong[i] == 0, "thread %zu: got %zu wrong of %d, want none", i, wrong[i], TIMES);
	}
}

START_TEST(by_many_threads_at_once)
{
	use_in_threads();
	use_in_threads(); /* others have their places */
}
END_TEST

/* ---- a child ---- */

static int wrong_in_child(void)
{
	int wrong = 0;

	for (size_t time = 0; time < 3; time++)
		for (size_t i = 0; i < COUNT(rows); i++)
			wrong += !is_right(&made[i]);
	return wrong;
}

static void expect_right_in_child(void)
{
	int status;
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0)
		_exit(wrong_in_child());
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "got status %d, want 0", status);
}

START_TEST(a_child_after_a_fork)
{
	expect_right(0, 0);
	expect_right_in_child();
	expect_right(0, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hmac");
	TCase *tcase = tcase_create("hmac");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, the_same_again);
	tcase_add_test(tcase, secrets_in_turns);
	tcase_add_test(tcase, a_secret_after_one_that_was_freed);
	tcase_add_test(tcase, beside_one_that_does_not_repeat);
	tcase_add_test(tcase, the_secret_is_copied);
	tcase_add_test(tcase, a_secret_of_no_bytes_may_be_null);
	tcase_add_test(tcase, goes_on_after_what_the_thread_kept_was_let_go);
	tcase_add_test(tcase, by_many_threads_at_once);
	tcase_add_test(tcase, a_child_after_a_fork);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The bell's reading of a store of three parts, of which one hangs or fails: the others are read in time,
 * what hung is caught up with, and nothing is asked twice at once.
 */
#include <config.h>

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "src/gate/reader.h"

#define NOW_US (INT64_C(1795510800) * 1000000)
#define SECOND_US 1000000
#define PARTS 3

/* ---- what stands before the decider ---- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool hangs[PARTS], fails[PARTS], moved;
	int inside[PARTS];		      /* calls that hang */
	int due[PARTS], whole[PARTS];	      /* readings; of those, of the whole index */
	int rewoken[PARTS], recounted[PARTS]; /* to the end */
	int refreshed, cleared;
	struct tact_store_key refreshed_key;
	bool shared; /* part 0 has a claim of ours that comes later, beside one of another relay's */
	uint64_t mark;
} world = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

int __wrap_tact_decide_layout(
    struct tact_decider *decider, struct tact_store_layout *ret, struct tact_error *err);
int __wrap_tact_decide_due_part(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_store_layout *layout, size_t part, int64_t after_us, int64_t until_us, size_t limit,
    int64_t now_us, struct tact_bell_claim **ret, size_t *ret_count, int64_t *ret_next_us,
    struct tact_error *err);
int __wrap_tact_decide_refresh(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_store_key *key, const struct tact_id *withdraw, size_t withdraw_count, int64_t now_us,
    int64_t deadline_ms, struct tact_error *err);
int __wrap_tact_decide_rewake(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_store_layout *layout, size_t part, int64_t after_us, size_t limit, int64_t now_us,
    int64_t *ret_next_us, struct tact_error *err);
int __wrap_tact_decide_recount(struct tact_decider *decider, const struct tact_store_layout *layout,
    size_t part, int64_t *at_us, int64_t now_us, struct tact_error *err);
void __wrap_tact_decide_forget_counts(struct tact_decider *decider);
uint64_t __wrap_tact_decide_campaigns_mark(struct tact_decider *decider);

int __wrap_tact_decide_layout(
    struct tact_decider *decider, struct tact_store_layout *ret, struct tact_error *err)
{
	(void)decider, (void)err;
	*ret = (struct tact_store_layout){.parts = PARTS, .name = {0, 1, 2}};
	for (size_t i = 0; i < sizeof ret->part_of; i++)
		ret->part_of[i] = (uint8_t)(i % PARTS);
	if (world.moved)
		ret->part_of[5] = 0;
	return TACT_OK;
}

/* As a server that stands still: the call ends when it goes on, and has failed. */
static int answer(size_t part)
{
	int result = TACT_OK;

	pthread_mutex_lock(&world.lock);
	if (world.fails[part] || world.hangs[part])
		result = TACT_UNAVAILABLE;
	world.inside[part]++;
	pthread_cond_broadcast(&world.changed);
	while (world.hangs[part])
		pthread_cond_wait(&world.changed, &world.lock);
	world.inside[part]--;
	pthread_mutex_unlock(&world.lock);
	return result;
}

/* Part N has claim N on ring N, due since a minute. */
int __wrap_tact_decide_due_part(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_store_layout *layout, size_t part, int64_t after_us, int64_t until_us, size_t limit,
    int64_t now_us, struct tact_bell_claim **ret, size_t *ret_count, int64_t *ret_next_us,
    struct tact_error *err)
{
	struct tact_bell_claim *claim = tact_arena_alloc(arena, sizeof *claim);
	int result = answer(part);

	(void)decider, (void)layout, (void)limit;
	if (result != TACT_OK)
		return tact_error_set(err, result, "part %zu hangs", part);
	*claim = (struct tact_bell_claim){.claim.b = {(uint8_t)(part + 1)},
	    .key = {.kind = TACT_STORE_DOSSIER, .id.b = {(uint8_t)part}},
	    .ring = tact_arena_printf(arena, "s%zu", part + 1),
	    .queue_id = "",
	    .stream = "news",
	    .place_us = NOW_US - 60 * SECOND_US,
	    .made_us = NOW_US - 7200 * (int64_t)SECOND_US};
	if (part == 0 && world.shared) {
		claim->place_us = NOW_US + 10 * SECOND_US;
		claim->shared = true;
	}
	pthread_mutex_lock(&world.lock);
	world.due[part]++;
	world.whole[part] += after_us == 0;
	pthread_mutex_unlock(&world.lock);
	*ret = claim;
	*ret_count = after_us == 0 && until_us == now_us;
	*ret_next_us = until_us;
	return TACT_OK;
}

int __wrap_tact_decide_refresh(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_store_key *key, const struct tact_id *withdraw, size_t withdraw_count, int64_t now_us,
    int64_t deadline_ms, struct tact_error *err)
{
	(void)decider, (void)arena, (void)withdraw, (void)withdraw_count, (void)now_us, (void)deadline_ms;
	(void)err;
	world.refreshed++;
	world.refreshed_key = *key;
	return TACT_OK;
}

int __wrap_tact_decide_rewake(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_store_layout *layout, size_t part, int64_t after_us, size_t limit, int64_t now_us,
    int64_t *ret_next_us, struct tact_error *err)
{
	(void)decider, (void)arena, (void)layout, (void)after_us, (void)limit, (void)now_us;
	if (answer(part) != TACT_OK)
		return tact_error_set(err, TACT_UNAVAILABLE, "part %zu hangs", part);
	world.rewoken[part]++;
	*ret_next_us = INT64_MAX;
	return TACT_OK;
}

int __wrap_tact_decide_recount(struct tact_decider *decider, const struct tact_store_layout *layout,
    size_t part, int64_t *at_us, int64_t now_us, struct tact_error *err)
{
	(void)decider, (void)layout, (void)now_us;
	if (answer(part) != TACT_OK)
		return tact_error_set(err, TACT_UNAVAILABLE, "part %zu hangs", part);
	world.recounted[part]++;
	*at_us = INT64_MAX;
	return TACT_OK;
}

void __wrap_tact_decide_forget_counts(struct tact_decider *decider)
{
	(void)decider;
	world.cleared++;
}

uint64_t __wrap_tact_decide_campaigns_mark(struct tact_decider *decider)
{
	(void)decider;
	return world.mark;
}

/* ---- the bench ---- */

static pthread_mutex_t plan_lock = PTHREAD_MUTEX_INITIALIZER;
static struct plan *plan;
static struct reader *reader;

static void setup(void)
{
	plan = plan_new(NOW_US, 1000 * tact_clock_monotonic_ms());
	reader = reader_new(
	    &(struct reader_terms){.decider = NULL, .plan = plan, .lock = &plan_lock, .store_timeout_s = 5},
	    NOW_US);
}

static void teardown(void)
{
	reader_free(&reader);
	plan_free(&plan);
}

static void set_hangs(size_t part, bool hangs)
{
	pthread_mutex_lock(&world.lock);
	world.hangs[part] = hangs;
	pthread_cond_broadcast(&world.changed);
	pthread_mutex_unlock(&world.lock);
}

static void set_fails(size_t part, bool fails)
{
	pthread_mutex_lock(&world.lock);
	world.fails[part] = fails;
	pthread_mutex_unlock(&world.lock);
}

/* Answers how long it took. */
static int64_t run_ms(int64_t now_us)
{
	int64_t began_ms = tact_clock_monotonic_ms();

	reader_run(reader, now_us);
	return tact_clock_monotonic_ms() - began_ms;
}

static int whole_readings(size_t part)
{
	int whole;

	pthread_mutex_lock(&world.lock);
	whole = world.whole[part];
	pthread_mutex_unlock(&world.lock);
	return whole;
}

/* Which parts' rings the plan knows of as due: "013". */
static void want_rings(const char *what, const char *want)
{
	struct plan_ring rings[8];
	char got[8] = "";
	size_t count;

	pthread_mutex_lock(&plan_lock);
	count = plan_rings(plan, 1000 * tact_clock_monotonic_ms(), rings, 8);
	pthread_mutex_unlock(&plan_lock);
	for (char part = '1'; part <= '3'; part++)
		for (size_t i = 0; i < count; i++)
			if (rings[i].label[1] == part)
				strncat(got, &rings[i].label[1], 1);
	ck_assert_msg(strcmp(got, want) == 0, "%s: got rings \"%s\", want \"%s\"", what, got, want);
}

/* ---- tests ---- */

START_TEST(all_parts_are_read_and_looked_after)
{
	world.mark = 7;
	(void)run_ms(NOW_US);
	want_rings("at first", "123");
	for (size_t part = 0; part < PARTS; part++) {
		ck_assert_int_eq(world.recounted[part], 1);
		ck_assert_int_eq(world.rewoken[part], 1);
	}
	ck_assert_int_eq(world.cleared, 1);
	(void)run_ms(NOW_US + SECOND_US);
	for (size_t part = 0; part < PARTS; part++) {
		ck_assert_int_eq(world.recounted[part], 1);
		ck_assert_int_eq(world.rewoken[part], 1);
		ck_assert_int_eq(world.due[part], 2);
		ck_assert_int_eq(world.whole[part], 1);
	}
}
END_TEST

/* The call into the part ends only when this test lets it. */
START_TEST(a_part_that_hangs_makes_no_other_late)
{
	int64_t took_ms;

	set_hangs(1, true);
	(void)run_ms(NOW_US); /* it is waited for, within bounds */
	want_rings("while the second hangs", "13");
	for (int i = 1; i < 5; i++) {
		took_ms = run_ms(NOW_US + i * SECOND_US);
		ck_assert_msg(took_ms < 900, "run %d: got %lld ms, want no waiting", i, (long long)took_ms);
		ck_assert_msg(world.due[0] == i + 1 && world.due[2] == i + 1,
		    "readings of the others after %d: got %d and %d", i + 1, world.due[0], world.due[2]);
	}
	pthread_mutex_lock(&world.lock);
	ck_assert_int_eq(world.inside[1], 1); /* asked once, not five times */
	pthread_mutex_unlock(&world.lock);
	set_hangs(1, false);
	for (int i = 5; whole_readings(1) == 0; i++)
		(void)run_ms(NOW_US + i * SECOND_US);
	(void)run_ms(NOW_US + 60 * SECOND_US); /* waits for what is on its way */
	want_rings("when it is back", "123");
	ck_assert_int_eq(world.recounted[1], 1);
}
END_TEST

START_TEST(a_part_that_fails_is_caught_up_with)
{
	set_fails(2, true);
	world.mark = 7;
	(void)run_ms(NOW_US);
	want_rings("while the third fails", "12");
	world.mark = 8; /* a campaign was resumed */
	(void)run_ms(NOW_US + SECOND_US);
	ck_assert_int_eq(world.rewoken[0], 2);
	ck_assert_int_eq(world.rewoken[2], 0);
	set_fails(2, false);
	for (int i = 2; whole_readings(2) == 0; i++)
		(void)run_ms(NOW_US + i * SECOND_US);
	(void)run_ms(NOW_US + 60 * SECOND_US);
	want_rings("when it is back", "123");
	ck_assert_int_eq(world.rewoken[2], 1);
	ck_assert_int_eq(world.recounted[2], 1);
}
END_TEST

START_TEST(a_wake_long_past_is_found_after_rewaking)
{
	world.mark = 7;
	(void)run_ms(NOW_US);
	ck_assert_int_eq(world.whole[0], 1);
	world.mark = 8;
	(void)run_ms(NOW_US + SECOND_US);
	ck_assert_int_eq(world.whole[0], 2);
	(void)run_ms(NOW_US + 2 * SECOND_US);
	ck_assert_int_eq(world.whole[0], 2);
}
END_TEST

START_TEST(a_record_shared_with_another_relay_is_left_alone)
{
	world.shared = true;
	(void)run_ms(NOW_US);
	want_rings("ours comes later", "23");
	ck_assert_int_eq(world.refreshed, 0);
	(void)run_ms(NOW_US + 9 * SECOND_US);
	ck_assert_int_eq(world.whole[0], 1);
	(void)run_ms(NOW_US + 10 * SECOND_US);
	ck_assert_int_eq(world.whole[0], 2);
	want_rings("its time has come", "123");
	ck_assert_int_eq(world.refreshed, 0);
}
END_TEST

START_TEST(records_are_put_right_in_their_part)
{
	const struct tact_store_key key = {.kind = TACT_STORE_DOSSIER, .id.b = {4}};

	(void)run_ms(NOW_US);
	reader_put_right(reader, &key, 1);
	ck_assert_int_eq(world.refreshed, 0);
	(void)run_ms(NOW_US + SECOND_US);
	ck_assert_int_eq(world.refreshed, 1);
	ck_assert_int_eq(world.refreshed_key.id.b[0], 4);
	(void)run_ms(NOW_US + 2 * SECOND_US);
	ck_assert_int_eq(world.refreshed, 1);
}
END_TEST

START_TEST(another_layout_is_read_from_the_beginning)
{
	(void)run_ms(NOW_US);
	world.moved = true;
	(void)run_ms(NOW_US + SECOND_US);
	for (size_t part = 0; part < PARTS; part++) {
		ck_assert_int_eq(world.whole[part], 2);
		ck_assert_int_eq(world.recounted[part], 1);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("reader");
	TCase *tcase = tcase_create("all");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, all_parts_are_read_and_looked_after);
	tcase_add_test(tcase, a_part_that_hangs_makes_no_other_late);
	tcase_add_test(tcase, a_part_that_fails_is_caught_up_with);
	tcase_add_test(tcase, a_wake_long_past_is_found_after_rewaking);
	tcase_add_test(tcase, a_record_shared_with_another_relay_is_left_alone);
	tcase_add_test(tcase, records_are_put_right_in_their_part);
	tcase_add_test(tcase, another_layout_is_read_from_the_beginning);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

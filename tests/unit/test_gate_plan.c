/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The bell's timetable, with the time handed in: what is rung when, what is given up, what was never queued.
 */
#include <config.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/gate/plan.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define NOW (INT64_C(29500000) * MINUTE) /* the instant of slot s29500000 */

static struct plan *plan;

static void setup(void)
{
	plan = plan_new(NOW - 5 * HOUR, NOW - 5 * HOUR);
	plan_begin_reading(plan, true);
}

static void teardown(void)
{
	plan_free(&plan);
}

static struct tact_id id(unsigned n)
{
	struct tact_id ret = {{0}};

	memcpy(ret.b, &n, sizeof n);
	ret.b[15] = 1;
	return ret;
}

static struct tact_bell_claim claim(unsigned n, const char *ring, int64_t place_us)
{
	return (struct tact_bell_claim){.claim = id(n),
	    .key = {.kind = TACT_STORE_DOSSIER, .id = id(1000000 + n)},
	    .ring = ring,
	    .queue_id = "",
	    .stream = "",
	    .place_us = place_us,
	    .made_us = place_us - HOUR};
}

static enum plan_answer add(unsigned n, const char *ring, int64_t place_us, int64_t now_us)
{
	struct tact_bell_claim one = claim(n, ring, place_us);

	return plan_add(plan, &one, now_us, now_us);
}

/* Rings what is to be rung and names it: "s1,s2". */
static const char *ring_now(int64_t now_us)
{
	static char text[1024];
	struct plan_ring rings[50];
	size_t count = plan_rings(plan, now_us, rings, 50);

	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		strncat(text, rings[i].review ? "R" : "", sizeof text - strlen(text) - 1);
		strncat(text, rings[i].label, sizeof text - strlen(text) - 1);
		strncat(text, i + 1 < count ? "," : "", sizeof text - strlen(text) - 1);
		plan_rang(plan, &rings[i], true, now_us);
	}
	return text;
}

static void ended(unsigned n, int64_t now_us)
{
	struct tact_id one = id(n);

	plan_ended(plan, &one, now_us);
}

START_TEST(due_is_rung_at_once_then_after_10_s_then_each_minute)
{
	ck_assert_int_eq(add(1, "s29500000", NOW, NOW), PLAN_KEPT);
	ck_assert_str_eq(ring_now(NOW), "s29500000");
	ck_assert_str_eq(ring_now(NOW + 1), "");
	ck_assert_str_eq(ring_now(NOW + 10 * SECOND - 1), "");
	ck_assert_str_eq(ring_now(NOW + 10 * SECOND), "s29500000");
	ck_assert_str_eq(ring_now(NOW + 69 * SECOND), "");
	ck_assert_str_eq(ring_now(NOW + 70 * SECOND), "s29500000");
	ck_assert_str_eq(ring_now(NOW + 130 * SECOND), "s29500000");
	ended(1, NOW + 131 * SECOND);
	ck_assert_str_eq(ring_now(NOW + 190 * SECOND), "");
	ck_assert_str_eq(ring_now(NOW + HOUR), "");
}
END_TEST

START_TEST(many_claims_of_a_slot_are_one_ring)
{
	for (unsigned i = 0; i < 200; i++)
		ck_assert_int_eq(add(i, i % 2 == 0 ? "s29500000" : "s29499000", NOW, NOW), PLAN_KEPT);
	ck_assert_str_eq(ring_now(NOW), "s29499000,s29500000");
	ck_assert_str_eq(ring_now(NOW + SECOND), "");
}
END_TEST

START_TEST(the_same_label_under_both_domains_is_two_rings)
{
	struct tact_bell_claim review = claim(2, "s29500000", NOW);

	review.review = true;
	add(1, "s29500000", NOW, NOW);
	plan_add(plan, &review, NOW, NOW);
	ck_assert_str_eq(ring_now(NOW), "s29500000,Rs29500000");
}
END_TEST

START_TEST(later_claims_of_a_slot_wait_for_its_instant)
{
	int64_t early = NOW - 50 * SECOND;

	add(1, "s29500000", early, early);
	ck_assert_str_eq(ring_now(early), "s29500000");
	ended(1, early + SECOND);
	for (unsigned i = 2; i < 40; i++) {
		add(i, "s29500000", early + i * SECOND, early + i * SECOND);
		ck_assert_str_eq(ring_now(early + i * SECOND), "");
	}
	ck_assert_str_eq(ring_now(NOW), "s29500000");
	/* Afterwards, what comes late waits ten seconds at most. */
	add(50, "s29500000", NOW + 2 * SECOND, NOW + 2 * SECOND);
	ck_assert_str_eq(ring_now(NOW + 2 * SECOND), "");
	ck_assert_str_eq(ring_now(NOW + 10 * SECOND), "s29500000");
}
END_TEST

START_TEST(a_bumped_claim_is_rung_under_its_old_name)
{
	add(1, "s29000000", NOW, NOW);
	ck_assert_str_eq(ring_now(NOW), "s29000000");
}
END_TEST

START_TEST(a_later_place_puts_the_record_right)
{
	ck_assert_int_eq(add(1, "s29500000", NOW + 1, NOW), PLAN_REFRESH);
	ck_assert_str_eq(ring_now(NOW), "");
	add(1, "s29500000", NOW, NOW);
	ck_assert_int_eq(add(1, "s29500000", NOW + HOUR, NOW + 1), PLAN_REFRESH);
	ck_assert_str_eq(ring_now(NOW + 1), "");
}
END_TEST

START_TEST(what_the_index_no_longer_names_is_not_rung)
{
	add(1, "s29500000", NOW, NOW);
	add(2, "s29500001", NOW, NOW);
	plan_begin_reading(plan, true);
	add(2, "s29500001", NOW, NOW);
	plan_end_reading(plan);
	ck_assert_str_eq(ring_now(NOW), "s29500001");
}
END_TEST

START_TEST(what_ended_while_the_index_was_read_stays_ended)
{
	add(1, "s29500000", NOW, NOW);
	plan_begin_reading(plan, false);
	ended(1, NOW);
	add(1, "s29500000", NOW, NOW);
	ck_assert_str_eq(ring_now(NOW), "");
	plan_begin_reading(plan, false);
	add(1, "s29500000", NOW, NOW);
	ck_assert_str_eq(ring_now(NOW), "s29500000");
}
END_TEST

START_TEST(a_deaf_postfix_is_asked_again)
{
	struct plan_ring ring;

	add(1, "s29500000", NOW, NOW);
	ck_assert_uint_eq(plan_rings(plan, NOW, &ring, 1), 1);
	plan_rang(plan, &ring, false, NOW);
	ck_assert_str_eq(ring_now(NOW + 9 * SECOND), "");
	ck_assert_str_eq(ring_now(NOW + 10 * SECOND), "s29500000");
	/* That was the first one heard: the second comes ten seconds later. */
	ck_assert_str_eq(ring_now(NOW + 20 * SECOND), "s29500000");
}
END_TEST

START_TEST(a_taken_claim_is_rung_for_until_it_ended)
{
	struct tact_id one = id(1), two = id(2);

	add(1, "s29500000", NOW, NOW);
	ck_assert_str_eq(ring_now(NOW), "s29500000");
	plan_taken(plan, &one, "s29500000", false, NOW + SECOND);
	plan_taken(plan, &two, "s29500007", false, NOW + SECOND);
	/* Its record has no wake time any more, and the next hop said 4xx. */
	plan_begin_reading(plan, true);
	plan_end_reading(plan);
	ck_assert_str_eq(ring_now(NOW + 10 * SECOND), "s29500000");
	ck_assert_str_eq(ring_now(NOW + 61 * SECOND), "s29500007");
	ended(1, NOW + 62 * SECOND);
	ended(2, NOW + 62 * SECOND);
	ck_assert_str_eq(ring_now(NOW + HOUR), "");
}
END_TEST

START_TEST(lapsed_claims_are_rung_for_an_hour_and_given_up)
{
	struct tact_bell_claim one = claim(1, "s29490000", NOW);
	struct tact_store_key keys[4];

	one.lapsed = true;
	ck_assert_int_eq(plan_add(plan, &one, NOW, NOW), PLAN_KEPT);
	ck_assert_str_eq(ring_now(NOW), "s29490000");
	ck_assert_str_eq(ring_now(NOW + 10 * SECOND), "s29490000");
	ck_assert_str_eq(ring_now(NOW + 70 * SECOND), "s29490000");
	ck_assert_uint_eq(plan_give_up(plan, NOW + HOUR - SECOND, keys, 4), 0);
	ck_assert_uint_eq(plan_give_up(plan, NOW + HOUR, keys, 4), 1);
	ck_assert(tact_id_equal(&keys[0].id, &one.key.id));
	ck_assert_str_eq(ring_now(NOW + 2 * HOUR), "");
}
END_TEST

START_TEST(ended_reviews_are_rung_for_ten_minutes)
{
	struct tact_bell_claim one = claim(1, "s29490000", NOW);
	struct tact_store_key keys[4];
	int rung = 0;

	one.review = true;
	one.key.kind = TACT_STORE_REVIEW;
	plan_add(plan, &one, NOW, NOW);
	for (int64_t at = NOW; at < NOW + 10 * MINUTE; at += SECOND) {
		if (*ring_now(at) != '\0')
			rung++;
		ck_assert_uint_eq(plan_give_up(plan, at, keys, 4), 0);
	}
	ck_assert_int_eq(rung, 11); /* 0, 10 s, and each minute from there */
	ck_assert_uint_eq(plan_give_up(plan, NOW + 10 * MINUTE, keys, 4), 1);
	ck_assert_int_eq(keys[0].kind, TACT_STORE_REVIEW);
}
END_TEST

/* Postfix's active queue is not flooded: a full slot drains before the next is rung. */
START_TEST(a_full_slot_drains_before_the_next)
{
	for (unsigned i = 0; i < 1000; i++)
		add(i, i < 500 ? "s29499999" : "s29500000", NOW - (i < 500 ? SECOND : 0), NOW);
	ck_assert_str_eq(ring_now(NOW), "s29499999");
	ck_assert_str_eq(ring_now(NOW + SECOND), "");
	for (unsigned i = 0; i < 199; i++)
		ended(i, NOW + 2 * SECOND);
	ck_assert_str_eq(ring_now(NOW + 2 * SECOND), "");
	ended(200, NOW + 2 * SECOND);
	ck_assert_str_eq(ring_now(NOW + 3 * SECOND), "s29500000");
}
END_TEST

START_TEST(a_slot_that_does_not_move_holds_nobody_up)
{
	for (unsigned i = 0; i < 1000; i++)
		add(i, i < 500 ? "s29499999" : "s29500000", NOW, NOW);
	ck_assert_str_eq(ring_now(NOW), "s29499999");
	ck_assert_str_eq(ring_now(NOW + 10 * SECOND), "s29499999");
	ended(1, NOW + 20 * SECOND);
	ck_assert_str_eq(ring_now(NOW + 49 * SECOND), "");
	ck_assert_str_eq(ring_now(NOW + 50 * SECOND), "s29500000");
}
END_TEST

START_TEST(at_most_so_many_rings_a_time)
{
	char labels[120][16];
	struct plan_ring rings[50];

	for (unsigned i = 0; i < 120; i++) {
		snprintf(labels[i], sizeof labels[i], "s%u", 100 + i);
		add(i, labels[i], NOW, NOW);
	}
	ck_assert_uint_eq(plan_rings(plan, NOW, rings, 50), 50);
	ck_assert_str_eq(rings[0].label, "s100");
	ck_assert_str_eq(rings[49].label, "s149");
	for (size_t i = 0; i < 50; i++)
		plan_rang(plan, &rings[i], true, NOW);
	ck_assert_uint_eq(plan_rings(plan, NOW + SECOND, rings, 50), 50);
	ck_assert_str_eq(rings[0].label, "s150");
}
END_TEST

START_TEST(when_the_store_is_back_everything_due_is_rung)
{
	add(1, "s29500000", NOW, NOW);
	add(2, "s29500001", NOW, NOW);
	(void)ring_now(NOW);
	(void)ring_now(NOW + 10 * SECOND);
	plan_ring_all(plan, NOW + 15 * SECOND);
	ck_assert_str_eq(ring_now(NOW + 15 * SECOND), "s29500000,s29500001");
	ck_assert_str_eq(ring_now(NOW + 25 * SECOND), "s29500000,s29500001");
}
END_TEST

START_TEST(what_never_came_was_never_queued)
{
	struct tact_bell_claim one = claim(1, "s29500000", NOW);
	struct tact_id seen = id(2);

	one.made_us = NOW - 2 * HOUR;
	ck_assert(plan_was_never_queued(plan, &one, NOW - 5 * HOUR, NOW));
	ck_assert(!plan_was_never_queued(plan, &one, NOW - HOUR, NOW)); /* looked at before */
	one.made_us = NOW - HOUR + 1;
	ck_assert(!plan_was_never_queued(plan, &one, NOW - 5 * HOUR, NOW)); /* may still come */
	one.made_us = NOW - 6 * HOUR;
	ck_assert(!plan_was_never_queued(plan, &one, NOW - 7 * HOUR, NOW)); /* before this tactd */
	one.made_us = NOW - 2 * HOUR;
	one.claim = seen;
	plan_saw(plan, &seen, NOW - 2 * HOUR + SECOND);
	ck_assert(!plan_was_never_queued(plan, &one, NOW - 5 * HOUR, NOW));
	/* What was seen is remembered over one turn of the memory, and forgotten after the second. */
	seen = id(3);
	plan_saw(plan, &seen, NOW + HOUR);
	ck_assert(!plan_was_never_queued(plan, &one, NOW - 5 * HOUR, NOW + HOUR));
}
END_TEST

START_TEST(a_label_is_only_a_label)
{
	static const char *const bad[] = {"", "s1 x", "s1\r\nQUIT", "s1.evil.example", "a_b",
	    "s12345678901234567890123456789012345678901234567890123456789012345"};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_int_eq(add((unsigned)i, bad[i], NOW, NOW), PLAN_KEPT);
	ck_assert_str_eq(ring_now(NOW), "");
	add(9, "some-label", NOW, NOW);
	ck_assert_str_eq(ring_now(NOW), "some-label");
}
END_TEST

/* The index knows one record of a person, the gate all of them: what it said is not asked every ten seconds.
 */
START_TEST(what_was_told_to_wait_is_not_rung_before)
{
	struct tact_id one = id(1), other = id(2);

	add(1, "s29500000", NOW, NOW);
	ck_assert_str_eq(ring_now(NOW), "s29500000");
	plan_waits(plan, &one, NOW + 5 * MINUTE, NOW + SECOND);
	for (int64_t at = NOW + 2 * SECOND; at < NOW + 5 * MINUTE; at += SECOND) {
		plan_begin_reading(plan, true);
		ck_assert_int_eq(add(1, "s29500000", NOW, at), PLAN_KEPT);
		plan_end_reading(plan);
		ck_assert_str_eq(ring_now(at), "");
	}
	plan_begin_reading(plan, true);
	add(1, "s29500000", NOW, NOW + 5 * MINUTE);
	ck_assert_str_eq(ring_now(NOW + 5 * MINUTE), "s29500000");
	/* However late it is to be, it is asked again after ten minutes: places also come nearer. */
	plan_waits(plan, &one, NOW + 9 * HOUR, NOW + 6 * MINUTE);
	plan_begin_reading(plan, true);
	add(1, "s29500000", NOW, NOW + 16 * MINUTE - SECOND);
	ck_assert_str_eq(ring_now(NOW + 16 * MINUTE - SECOND), "");
	plan_begin_reading(plan, true);
	add(1, "s29500000", NOW, NOW + 16 * MINUTE);
	ck_assert_str_eq(ring_now(NOW + 16 * MINUTE), "s29500000");
	/* A campaign that waited is let go on. */
	plan_waits(plan, &one, NOW + 9 * HOUR, NOW + 16 * MINUTE);
	plan_forget_waits(plan);
	plan_begin_reading(plan, true);
	add(1, "s29500000", NOW, NOW + 16 * MINUTE + 11 * SECOND);
	ck_assert_str_eq(ring_now(NOW + 16 * MINUTE + 11 * SECOND), "s29500000");
	/* Of whom nobody rang for, nothing is remembered. */
	plan_waits(plan, &other, NOW + 9 * HOUR, NOW + 16 * MINUTE);
	plan_begin_reading(plan, true);
	add(2, "s29500001", NOW, NOW + 17 * MINUTE);
	ck_assert_str_eq(ring_now(NOW + 17 * MINUTE), "s29500000,s29500001");
}
END_TEST

/* What plan_missing names, in order: "A B". */
static const char *missing_now(int64_t now_us, size_t max)
{
	static char text[1024];
	struct kept_id ids[20];
	size_t count = plan_missing(plan, now_us, ids, max);

	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		strncat(text, i > 0 ? " " : "", sizeof text - strlen(text) - 1);
		strncat(text, ids[i].text, sizeof text - strlen(text) - 1);
	}
	return text;
}

static void add_of_message(unsigned n, const char *ring, const char *queue_id, int64_t now_us)
{
	struct tact_bell_claim one = claim(n, ring, now_us);

	one.queue_id = queue_id;
	ck_assert_int_eq(plan_add(plan, &one, now_us, now_us), PLAN_KEPT);
}

/* The ring fell into a delivery attempt: nothing came for ten seconds, so the message is asked for by name.
 */
START_TEST(what_no_ring_reached_is_asked_for_by_name)
{
	add_of_message(1, "s29500000", "4fB1", NOW);
	ck_assert_str_eq(missing_now(NOW, 20), "");
	ck_assert_str_eq(ring_now(NOW), "s29500000");
	ck_assert_str_eq(missing_now(NOW + 10 * SECOND - 1, 20), "");
	ck_assert_str_eq(missing_now(NOW + 10 * SECOND, 20), "4fB1");
	ck_assert_str_eq(missing_now(NOW + 19 * SECOND, 20), "");
	for (int i = 2; i <= 6; i++)
		ck_assert_str_eq(missing_now(NOW + i * 10 * SECOND, 20), "4fB1");
	/* It goes on more slowly. */
	ck_assert_str_eq(missing_now(NOW + 70 * SECOND, 20), "4fB1");
	ck_assert_str_eq(missing_now(NOW + 129 * SECOND, 20), "");
	ck_assert_str_eq(missing_now(NOW + 130 * SECOND, 20), "4fB1");
	ended(1, NOW + 131 * SECOND);
	plan_left(plan, "s29500000", false, "4fB1");
	ck_assert_str_eq(missing_now(NOW + 400 * SECOND, 20), "");
}
END_TEST

START_TEST(what_came_since_the_ring_is_not_asked_for)
{
	add_of_message(1, "s29500000", "A", NOW);
	add_of_message(2, "s29500000", "B", NOW);
	plan_met(plan, "s29500000", false, "C", NOW - HOUR); /* waits there too, and was not due */
	ck_assert_str_eq(ring_now(NOW), "s29500000");
	plan_met(plan, "s29500000", false, "A", NOW + SECOND);
	ended(1, NOW + 2 * SECOND); /* A went; its ring moved just now */
	plan_left(plan, "s29500000", false, "A");
	ck_assert_str_eq(missing_now(NOW + 11 * SECOND, 20), "");
	plan_met(plan, "s29500000", false, "C", NOW + 3 * SECOND);
	ck_assert_str_eq(missing_now(NOW + 12 * SECOND, 20), "B");
	/* The other domain's ring of that name is another. */
	plan_met(plan, "s29500000", true, "B", NOW + 13 * SECOND);
	ck_assert_str_eq(missing_now(NOW + 22 * SECOND, 20), "B");
	plan_met(plan, "s29500000", false, "B", NOW + 23 * SECOND);
	ck_assert_str_eq(missing_now(NOW + 40 * SECOND, 20), "");
}
END_TEST

START_TEST(a_review_s_messages_are_asked_for_as_the_gate_met_them)
{
	struct tact_bell_claim one = claim(1, "s29490000", NOW);

	one.review = true;
	one.key.kind = TACT_STORE_REVIEW;
	plan_met(plan, "s29490000", true, "R1", NOW - MINUTE);
	plan_met(plan, "s29490000", true, "R2", NOW - MINUTE);
	plan_add(plan, &one, NOW, NOW);
	ck_assert_str_eq(ring_now(NOW), "Rs29490000");
	ck_assert_str_eq(missing_now(NOW + 10 * SECOND, 1), "R2");
	ck_assert_str_eq(missing_now(NOW + 10 * SECOND, 20), "R1");
}
END_TEST

START_TEST(only_a_queue_id_is_asked_for)
{
	static const char *const bad[] = {
	    "", "../active/A", "A B", "A\n", "12345678901234567890123456789012"};

	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		add_of_message(i, "s29500000", bad[i], NOW);
	ck_assert_str_eq(ring_now(NOW), "s29500000");
	ck_assert_str_eq(missing_now(NOW + MINUTE, 20), "");
}
END_TEST

/* Messages that left by another way (postsuper -d) are not remembered for ever. */
START_TEST(what_was_not_met_for_hours_is_forgotten)
{
	plan_met(plan, "s29500000", false, "A", NOW - 3 * HOUR);
	plan_met(plan, "s29500000", false, "B", NOW - HOUR);
	ck_assert_str_eq(ring_now(NOW), "");
	add(1, "s29500000", NOW, NOW);
	ck_assert_str_eq(ring_now(NOW), "s29500000");
	ck_assert_str_eq(missing_now(NOW + 10 * SECOND, 20), "B");
}
END_TEST

/* A clock that stands still (or is set) stops no interval. */
START_TEST(intervals_are_steady)
{
	struct tact_bell_claim one = claim(1, "s29500000", NOW), two = claim(2, "s29500001", NOW);

	plan_add(plan, &one, NOW, 1000);
	plan_add(plan, &two, NOW, 1000);
	ck_assert_str_eq(ring_now(1000), "s29500000,s29500001");
	ck_assert_str_eq(ring_now(1000 + 10 * SECOND), "s29500000,s29500001");
	one.claim = id(3);
	one.ring = "s29500001";
	plan_add(plan, &one, NOW, 1000 + 20 * SECOND);
	ck_assert_str_eq(ring_now(1000 + 70 * SECOND), "s29500000,s29500001");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gate_plan");
	TCase *tcase = tcase_create("plan");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, due_is_rung_at_once_then_after_10_s_then_each_minute);
	tcase_add_test(tcase, many_claims_of_a_slot_are_one_ring);
	tcase_add_test(tcase, the_same_label_under_both_domains_is_two_rings);
	tcase_add_test(tcase, later_claims_of_a_slot_wait_for_its_instant);
	tcase_add_test(tcase, a_bumped_claim_is_rung_under_its_old_name);
	tcase_add_test(tcase, a_later_place_puts_the_record_right);
	tcase_add_test(tcase, what_the_index_no_longer_names_is_not_rung);
	tcase_add_test(tcase, what_ended_while_the_index_was_read_stays_ended);
	tcase_add_test(tcase, a_deaf_postfix_is_asked_again);
	tcase_add_test(tcase, a_taken_claim_is_rung_for_until_it_ended);
	tcase_add_test(tcase, lapsed_claims_are_rung_for_an_hour_and_given_up);
	tcase_add_test(tcase, ended_reviews_are_rung_for_ten_minutes);
	tcase_add_test(tcase, a_full_slot_drains_before_the_next);
	tcase_add_test(tcase, a_slot_that_does_not_move_holds_nobody_up);
	tcase_add_test(tcase, at_most_so_many_rings_a_time);
	tcase_add_test(tcase, when_the_store_is_back_everything_due_is_rung);
	tcase_add_test(tcase, what_never_came_was_never_queued);
	tcase_add_test(tcase, intervals_are_steady);
	tcase_add_test(tcase, a_label_is_only_a_label);
	tcase_add_test(tcase, what_was_told_to_wait_is_not_rung_before);
	tcase_add_test(tcase, what_no_ring_reached_is_asked_for_by_name);
	tcase_add_test(tcase, what_came_since_the_ring_is_not_asked_for);
	tcase_add_test(tcase, a_review_s_messages_are_asked_for_as_the_gate_met_them);
	tcase_add_test(tcase, only_a_queue_id_is_asked_for);
	tcase_add_test(tcase, what_was_not_met_for_hours_is_forgotten);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

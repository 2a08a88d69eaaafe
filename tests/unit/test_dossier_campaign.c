/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The records of campaigns: what is written is read again, damage is refused, names have one id in any case,
 * hours add up.
 */
#include <config.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <tact/dossier.h>

static struct tact_arena *arena;

static void setup(void)
{
	arena = tact_arena_new();
}

static void teardown(void)
{
	tact_arena_free(&arena);
}

static struct tact_campaign_record again(const struct tact_campaign_record *record)
{
	struct tact_campaign_record got;
	struct tact_error err = {""};
	const void *bytes;
	size_t size;
	int result;

	tact_dossier_encode_campaign(arena, record, &bytes, &size);
	result = tact_dossier_decode_campaign(arena, bytes, size, &got, &err);
	ck_assert_msg(result == TACT_OK, "decode: got %s (%s), want ok", tact_result_name(result), err.text);
	return got;
}

static struct tact_campaign_record a_campaign(void)
{
	return (struct tact_campaign_record){.campaign = {.name = "Autumn-Launch",
						 .state = TACT_CAMPAIGN_PAUSED,
						 .stream = "news",
						 .owner = "corporate",
						 .brand = "acme",
						 .offer = "ten-off",
						 .priority = 500,
						 .planned_us = 11,
						 .not_after_us = 12,
						 .recipients = 13,
						 .made_us = 14,
						 .changed_us = 15,
						 .by = "anna",
						 .why = "wrong price",
						 .tripped_by = "stop",
						 .tripped_why = "0.4% complaints",
						 .tripped_us = 16,
						 .resumed_us = 17,
						 .resumed_at = {1, 2, 3, 4}}};
}

START_TEST(test_campaign_round_trip)
{
	struct tact_campaign_record want = a_campaign(), got = again(&want);
	const struct tact_campaign *a = &got.campaign, *b = &want.campaign;

	ck_assert(!got.counts);
	ck_assert_str_eq(a->name, b->name);
	ck_assert_int_eq(a->state, b->state);
	ck_assert_str_eq(a->stream, b->stream);
	ck_assert_str_eq(a->owner, b->owner);
	ck_assert_str_eq(a->brand, b->brand);
	ck_assert_str_eq(a->offer, b->offer);
	ck_assert_int_eq(a->priority, b->priority);
	ck_assert_int_eq(a->planned_us, b->planned_us);
	ck_assert_int_eq(a->not_after_us, b->not_after_us);
	ck_assert_int_eq(a->recipients, b->recipients);
	ck_assert_int_eq(a->made_us, b->made_us);
	ck_assert_int_eq(a->changed_us, b->changed_us);
	ck_assert_str_eq(a->by, b->by);
	ck_assert_str_eq(a->why, b->why);
	ck_assert_str_eq(a->tripped_by, b->tripped_by);
	ck_assert_str_eq(a->tripped_why, b->tripped_why);
	ck_assert_int_eq(a->tripped_us, b->tripped_us);
	ck_assert_int_eq(a->resumed_us, b->resumed_us);
	ck_assert_mem_eq(&a->resumed_at, &b->resumed_at, sizeof a->resumed_at);
}
END_TEST

START_TEST(test_count_round_trip)
{
	struct tact_campaign_hour hours[] = {{400000, {9, 8, 7, 6}}, {400001, {5, 0, 0, 0}}};
	struct tact_campaign_record want = {.counts = true,
	    .count = {.name = "spring", .writer = "r1/gate", .hours = hours, .hours_count = 2}};
	struct tact_campaign_record got = again(&want);

	ck_assert(got.counts);
	ck_assert_str_eq(got.count.name, "spring");
	ck_assert_str_eq(got.count.writer, "r1/gate");
	ck_assert_int_eq(got.count.hours_count, 2);
	ck_assert_mem_eq(got.count.hours, hours, sizeof hours);
}
END_TEST

static int decode_bytes(const void *bytes, size_t size)
{
	struct tact_campaign_record got;

	return tact_dossier_decode_campaign(arena, bytes, size, &got, NULL);
}

static void refuse(const struct tact_campaign_record *record, const char *what)
{
	const void *bytes;
	size_t size;
	int got;

	tact_dossier_encode_campaign(arena, record, &bytes, &size);
	got = decode_bytes(bytes, size);
	ck_assert_msg(got == TACT_CORRUPT, "%s: got %s, want corrupt", what, tact_result_name(got));
}

START_TEST(test_impossible_values_are_refused)
{
	struct tact_campaign_hour backwards[] = {{5, {1, 0, 0, 0}}, {5, {1, 0, 0, 0}}},
				  negative[] = {{5, {-1, 0, 0, 0}}}, late[] = {{INT64_MAX, {1, 0, 0, 0}}},
				  many[] = {{5, {0, INT64_MAX, 0, 0}}};
	struct tact_campaign_record record = a_campaign();

	record.campaign.state = TACT_CAMPAIGN_STATES;
	refuse(&record, "state");
	record = a_campaign();
	record.campaign.name = "";
	refuse(&record, "no name");
	record = a_campaign();
	record.campaign.tripped_us = -1;
	refuse(&record, "time");
	record = a_campaign();
	record.campaign.resumed_at.sent = -1;
	refuse(&record, "count");
	record = (struct tact_campaign_record){
	    .counts = true, .count = {.name = "x", .writer = "w", .hours = backwards, .hours_count = 2}};
	refuse(&record, "hours out of order");
	record.count.hours_count = 1;
	record.count.hours = negative;
	refuse(&record, "negative");
	record.count.hours = late;
	refuse(&record, "hour");
	record.count.hours = many;
	refuse(&record, "too many");
	ck_assert_int_eq(decode_bytes(NULL, 0), TACT_ABSENT);
	ck_assert_int_eq(decode_bytes("\x08\x01", 2), TACT_CORRUPT); /* schema 1 and nothing in it */
	ck_assert_int_eq(decode_bytes("\x08\x02", 2), TACT_CORRUPT); /* a newer schema */
}
END_TEST

/* Any cut and any flipped byte is refused or is another valid record: never a crash. */
START_TEST(test_damage)
{
	struct tact_campaign_record record = a_campaign();
	const void *bytes;
	size_t size;

	tact_dossier_encode_campaign(arena, &record, &bytes, &size);
	for (size_t i = 0; i < size; i++)
		ck_assert_int_ne(decode_bytes(bytes, i), 1);
	for (size_t i = 0; i < size * 8; i++) {
		uint8_t *copy = tact_arena_copy(arena, bytes, size);

		copy[i / 8] ^= (uint8_t)(1 << i % 8);
		(void)decode_bytes(copy, size);
	}
}
END_TEST

/* What a newer tact adds is carried along. */
START_TEST(test_unknown_fields_are_kept)
{
	struct tact_campaign_record record = a_campaign(), got;
	const void *bytes;
	size_t size;
	uint8_t *more;

	record.campaign.unknown = (struct tact_unknown){.bytes = "\xf8\x3f\x07", .size = 3};
	tact_dossier_encode_campaign(arena, &record, &bytes, &size);
	got = again(&record);
	ck_assert_int_eq(got.campaign.unknown.size, 3);
	ck_assert_mem_eq(got.campaign.unknown.bytes, "\xf8\x3f\x07", 3);
	more = tact_arena_alloc(arena, size + 3);
	memcpy(more, bytes, size);
	memcpy(more + size, "\xf8\x3f\x07", 3);
	ck_assert_int_eq(decode_bytes(more, size + 3), TACT_CORRUPT); /* a third kind of record */
}
END_TEST

START_TEST(test_ids)
{
	struct tact_id key = {{1}}, other = {{2}};
	struct tact_id a = tact_dossier_campaign_id("Spring"), b = tact_dossier_campaign_id("sPRING"),
		       c = tact_dossier_campaign_id("springs");
	char *long_name = tact_arena_alloc(arena, 2000), *longer;
	struct tact_id d, e;

	ck_assert(tact_id_equal(&a, &b));
	ck_assert(!tact_id_equal(&a, &c));
	a = tact_dossier_campaign_count_id("Spring", "r1/gate");
	b = tact_dossier_campaign_count_id("spring", "r1/gate");
	c = tact_dossier_campaign_count_id("spring", "r2/gate");
	ck_assert(tact_id_equal(&a, &b) && !tact_id_equal(&a, &c));
	a = tact_dossier_planned_id("SPRING", &key);
	b = tact_dossier_planned_id("spring", &key);
	c = tact_dossier_planned_id("spring", &other);
	ck_assert(tact_id_equal(&a, &b) && !tact_id_equal(&a, &c));
	memset(long_name, 'x', 1000);
	longer = tact_arena_strdup(arena, long_name);
	d = tact_dossier_campaign_id(long_name);
	longer[999] = 'y';
	e = tact_dossier_campaign_id(longer);
	ck_assert(!tact_id_equal(&d, &e));
	longer[999] = 'X';
	e = tact_dossier_campaign_id(longer);
	ck_assert(tact_id_equal(&d, &e));
}
END_TEST

START_TEST(test_hours_add_up)
{
	struct tact_campaign_hour *hours = NULL;
	struct tact_campaign_health one = {1, 2, 3, 4};
	size_t count = 0;
	int64_t order[] = {5, 3, 9, 5, 4}, want[] = {3, 4, 5, 9};

	for (size_t i = 0; i < 5; i++)
		tact_dossier_add_hour(arena, &hours, &count, order[i], &one);
	ck_assert_int_eq(count, 4);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(hours[i].hour, want[i]);
		ck_assert_int_eq(hours[i].health.sent, want[i] == 5 ? 2 : 1);
		ck_assert_int_eq(hours[i].health.bounces, want[i] == 5 ? 8 : 4);
	}
}
END_TEST

START_TEST(test_old_hours_are_folded_and_not_lost)
{
	struct tact_campaign_hour *hours = NULL;
	struct tact_campaign_health one = {1, 1, 1, 1};
	size_t count = 0;
	int64_t sent = 0;

	for (int64_t i = 0; i < TACT_CAMPAIGN_HOURS_MAX + 10; i++)
		tact_dossier_add_hour(arena, &hours, &count, i, &one);
	for (size_t i = 0; i < count; i++)
		sent += hours[i].health.sent;
	ck_assert_int_eq(count, TACT_CAMPAIGN_HOURS_MAX);
	ck_assert_int_eq(sent, TACT_CAMPAIGN_HOURS_MAX + 10);
	ck_assert_int_eq(hours[0].hour, 10);
	ck_assert_int_eq(hours[0].health.sent, 11);
}
END_TEST

START_TEST(test_state_names)
{
	ck_assert_str_eq(tact_dossier_campaign_state_name(TACT_CAMPAIGN_CANCELLED), "cancelled");
	ck_assert_str_eq(tact_dossier_campaign_state_name(TACT_CAMPAIGN_STATES), "unknown");
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("campaign records");
	TCase *tcase = tcase_create("all");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_campaign_round_trip);
	tcase_add_test(tcase, test_count_round_trip);
	tcase_add_test(tcase, test_impossible_values_are_refused);
	tcase_add_test(tcase, test_damage);
	tcase_add_test(tcase, test_unknown_fields_are_kept);
	tcase_add_test(tcase, test_ids);
	tcase_add_test(tcase, test_hours_add_up);
	tcase_add_test(tcase, test_old_hours_are_folded_and_not_lost);
	tcase_add_test(tcase, test_state_names);
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

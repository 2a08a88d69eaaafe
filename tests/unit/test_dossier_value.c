/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A dossier as values: found, added, removed and merged; and the record of a review.
 */
#include <config.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "dossier_help.h"

static struct tact_arena *arena;
static struct tact_dossier dossier;

static void setup(void)
{
	arena = tact_arena_new();
	tact_dossier_init(&dossier);
}

static void teardown(void)
{
	tact_arena_free(&arena);
}

static void add_contact(struct tact_dossier *to, int64_t time_us, uint8_t id)
{
	struct tact_contact contact = contact_at(time_us, id);

	tact_dossier_add_contact(arena, to, &contact);
}

static bool add_claim(struct tact_dossier *to, uint8_t id, enum tact_claim_state state)
{
	struct tact_claim claim = claim_of(id, state);

	return tact_dossier_add_claim(arena, to, &claim);
}

static void add_suppression(struct tact_dossier *to, uint8_t id)
{
	struct tact_suppression suppression = suppression_of(id);

	tact_dossier_add_suppression(arena, to, &suppression);
}

START_TEST(test_claims_max)
{
	for (int i = 0; i < TACT_DOSSIER_CLAIMS_MAX; i++)
		ck_assert_msg(
		    add_claim(&dossier, (uint8_t)(i + 1), i % 2 ? TACT_CLAIM_WAITING : TACT_CLAIM_REVIEW),
		    "claim %d: got no place, want one", i + 1);
	ck_assert_msg(!add_claim(&dossier, 65, TACT_CLAIM_WAITING), "65th waiting: got a place, want none");
	ck_assert_msg(!add_claim(&dossier, 65, TACT_CLAIM_REVIEW), "65th in review: got a place, want none");
	ck_assert_uint_eq(dossier.claims_count, TACT_DOSSIER_CLAIMS_MAX);
	ck_assert_msg(
	    add_claim(&dossier, 66, TACT_CLAIM_REFUSED), "a refused one waits for nothing and must be kept");
	dossier.claims[0].state = TACT_CLAIM_PASSED;
	ck_assert_msg(add_claim(&dossier, 67, TACT_CLAIM_WAITING), "one has passed: got no place, want one");
	ck_assert_msg(!add_claim(&dossier, 68, TACT_CLAIM_WAITING), "full again: got a place, want none");
}
END_TEST

START_TEST(test_find_and_remove)
{
	struct tact_id none = {{0}}, two = id_of(2);

	for (uint8_t i = 0; i < 5; i++)
		add_contact(&dossier, NOW_US + i, i);
	ck_assert_ptr_null(tact_dossier_find_contact(&dossier, &none));
	ck_assert_ptr_eq(tact_dossier_find_contact(&dossier, &two), &dossier.contacts[2]);
	tact_dossier_remove_contact(&dossier, &none);
	ck_assert_uint_eq(dossier.contacts_count, 5);
	tact_dossier_remove_contact(&dossier, &two);
	ck_assert_uint_eq(dossier.contacts_count, 4);
	ck_assert_ptr_null(tact_dossier_find_contact(&dossier, &two));
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(dossier.contacts[i].time_us, NOW_US + (int64_t)(i < 2 ? i : i + 1));
	add_suppression(&dossier, 3);
	two = id_of(3);
	ck_assert_ptr_eq(tact_dossier_find_suppression(&dossier, &two), &dossier.suppressions[0]);
	ck_assert_ptr_null(tact_dossier_find_suppression(&dossier, &none));
}
END_TEST

START_TEST(test_find_claims)
{
	struct tact_id none = {{0}}, contact = id_of(9), two = id_of(2);

	(void)add_claim(&dossier, 1, TACT_CLAIM_WITHDRAWN);
	(void)add_claim(&dossier, 2, TACT_CLAIM_WAITING);
	(void)add_claim(&dossier, 3, TACT_CLAIM_WAITING);
	ck_assert_ptr_null(tact_dossier_find_claim_of_contact(&dossier, &none));
	ck_assert_ptr_null(tact_dossier_find_claim_of_contact(&dossier, &contact));
	dossier.claims[0].contact_id = dossier.claims[1].contact_id = contact;
	ck_assert_msg(tact_dossier_find_claim_of_contact(&dossier, &contact) == &dossier.claims[1],
	    "decided again after it was withdrawn: want the newer claim");
	ck_assert_ptr_eq(tact_dossier_find_claim(&dossier, &two), &dossier.claims[1]);
	ck_assert_ptr_null(tact_dossier_find_claim(&dossier, &none));
}
END_TEST

START_TEST(test_add_one_of_its_own)
{
	for (uint8_t i = 1; i <= 8; i++)
		add_contact(&dossier, NOW_US + i, i);
	tact_dossier_add_contact(arena, &dossier, &dossier.contacts[0]);
	ck_assert_int_eq(dossier.contacts[8].time_us, NOW_US + 1);
}
END_TEST

START_TEST(test_merge_is_a_union)
{
	struct tact_dossier other;

	tact_dossier_init(&other);
	add_contact(&dossier, NOW_US, 1);
	add_contact(&dossier, NOW_US - 90 * DAY_US, 0);
	add_contact(&other, NOW_US + 5, 1); /* the same one */
	add_contact(&other, NOW_US + 1, 2);
	add_contact(&other, NOW_US - 90 * DAY_US, 0); /* folded: cannot be told, so it counts */
	add_suppression(&dossier, 1);
	add_suppression(&other, 1);
	add_suppression(&other, 2);
	tact_dossier_add_consent(arena, &dossier, &(struct tact_consent){.id = id_of(1)});
	tact_dossier_add_consent(arena, &other, &(struct tact_consent){.id = id_of(1)});
	tact_dossier_add_consent(arena, &other, &(struct tact_consent){.id = id_of(2)});
	(void)add_claim(&dossier, 1, TACT_CLAIM_PASSED);
	(void)add_claim(&other, 1, TACT_CLAIM_WAITING);
	(void)add_claim(&other, 2, TACT_CLAIM_WAITING);
	(void)add_claim(&other, 3, TACT_CLAIM_PASSED);
	(void)add_claim(&other, 4, TACT_CLAIM_REVIEW);
	tact_dossier_merge(arena, &dossier, &other);
	ck_assert_msg(dossier.contacts_count == 4, "contacts: got %zu, want 4", dossier.contacts_count);
	ck_assert_int_eq(dossier.contacts[0].time_us, NOW_US);
	ck_assert_msg(
	    dossier.suppressions_count == 2, "suppressions: got %zu, want 2", dossier.suppressions_count);
	ck_assert_msg(dossier.consents_count == 2, "consents: got %zu, want 2", dossier.consents_count);
	ck_assert_msg(dossier.claims_count == 2, "claims: got %zu, want 2", dossier.claims_count);
	ck_assert_int_eq(dossier.claims[0].state, TACT_CLAIM_PASSED);
	ck_assert(tact_id_equal(&dossier.claims[1].id, &(struct tact_id){{0x1d, [15] = 2}}));
	ck_assert_msg(other.contacts_count == 3 && other.claims_count == 4, "the other one was changed");
}
END_TEST

/* Nothing of the other's is left out for want of room: a claim left out would give its place away. */
START_TEST(test_merge_more_than_64_claims)
{
	struct tact_dossier other;

	tact_dossier_init(&other);
	for (int i = 0; i < 60; i++) {
		ck_assert(add_claim(&dossier, (uint8_t)(i + 1), TACT_CLAIM_WAITING));
		ck_assert(add_claim(&other, (uint8_t)(i + 101), TACT_CLAIM_WAITING));
	}
	tact_dossier_merge(arena, &dossier, &other);
	ck_assert_msg(dossier.claims_count == 120, "got %zu claims, want 120", dossier.claims_count);
}
END_TEST

START_TEST(test_merge_fills_what_is_missing)
{
	struct tact_dossier other;
	struct tact_occasion mine = {.name = "birthday", .month = 2, .day = 29};
	struct tact_occasion theirs[] = {
	    {.name = "Birthday", .month = 3, .day = 1}, {.name = "joined", .month = 5, .day = 5}};

	tact_dossier_init(&other);
	dossier.profile.zone = "Europe/London";
	*TACT_PUSH(arena, dossier.profile.occasions, dossier.profile.occasions_count) = mine;
	other.profile = (struct tact_profile){"Asia/Tokyo", "leeds-branch", "en", "4/7d", theirs, 2, {0}};
	other.address = "ann@example.com";
	other.has_person_key = true;
	memset(other.person_key, 7, sizeof other.person_key);
	tact_dossier_merge(arena, &dossier, &other);
	ck_assert_str_eq(dossier.profile.zone, "Europe/London");
	ck_assert_str_eq(dossier.profile.home_owner, "leeds-branch");
	ck_assert_str_eq(dossier.profile.language, "en");
	ck_assert_str_eq(dossier.profile.own_limit, "4/7d");
	ck_assert_str_eq(dossier.address, "ann@example.com");
	ck_assert_uint_eq(dossier.profile.occasions_count, 2);
	ck_assert_int_eq(dossier.profile.occasions[0].day, 29);
	ck_assert_str_eq(dossier.profile.occasions[1].name, "joined");
	ck_assert(dossier.has_person_key && dossier.person_key[31] == 7);
	memset(other.person_key, 8, sizeof other.person_key);
	tact_dossier_merge(arena, &dossier, &other);
	ck_assert_msg(dossier.person_key[31] == 7, "person key: got the other's, want the own");
}
END_TEST

/* Who was known under an earlier key, or by another name, is known since then. */
START_TEST(test_merge_takes_the_earlier_history)
{
	static const struct {
		int64_t own_us, other_us, want_us;
	} rows[] = {{0, 0, 0}, {0, 7, 7}, {7, 0, 7}, {7, 9, 7}, {9, 7, 7}, {7, 7, 7}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tact_dossier own, other;

		tact_dossier_init(&own);
		tact_dossier_init(&other);
		own.history_since_us = rows[i].own_us;
		other.history_since_us = rows[i].other_us;
		tact_dossier_merge(arena, &own, &other);
		ck_assert_msg(own.history_since_us == rows[i].want_us, "row %zu: got %lld, want %lld", i,
		    (long long)own.history_since_us, (long long)rows[i].want_us);
	}
}
END_TEST

/* Merged with itself, what has an id stays what it is. */
START_TEST(test_merge_with_itself)
{
	struct tact_dossier copy;

	for (uint8_t i = 1; i <= 9; i++) {
		add_contact(&dossier, NOW_US, i);
		add_suppression(&dossier, i);
		(void)add_claim(&dossier, i, TACT_CLAIM_WAITING);
	}
	tact_dossier_copy(arena, &dossier, &copy);
	tact_dossier_merge(arena, &dossier, &copy);
	ck_assert_ptr_null(difference(arena, &dossier, &copy));
}
END_TEST

START_TEST(test_copy_is_deep)
{
	struct tact_dossier copy;

	add_contact(&dossier, NOW_US, 1);
	add_suppression(&dossier, 1);
	(void)add_claim(&dossier, 1, TACT_CLAIM_WAITING);
	tact_dossier_copy(arena, &dossier, &copy);
	copy.contacts[0].count = 9;
	copy.suppressions[0].ended_us = 9;
	copy.claims[0].state = TACT_CLAIM_PASSED;
	ck_assert_uint_eq(dossier.contacts[0].count, 1);
	ck_assert_int_eq(dossier.suppressions[0].ended_us, 0);
	ck_assert_int_eq(dossier.claims[0].state, TACT_CLAIM_WAITING);
}
END_TEST

/* ---- reviews ------------------------------------------------------------------------------------------- */

static const char *rings[] = {"s29921760", "s29921761", "s29921762"};

static struct tact_review review_of(enum tact_review_state state)
{
	return (struct tact_review){
	    .id = id_of(3),
	    .state = state,
	    .stream = "weekly",
	    .owner = "corporate",
	    .campaign = "autumn",
	    .sender = "news@example.com",
	    .subject = "Gr\xc3\xbc\xc3\x9f Gott",
	    .excerpt = "Dear customer",
	    .why = "generic salutation",
	    .relay = "relay1",
	    .rings = rings,
	    .rings_count = 3,
	    .made_us = NOW_US,
	    .done_us = state == TACT_REVIEW_HELD ? 0 : NOW_US + 5,
	    .by = state == TACT_REVIEW_HELD ? "" : "pat",
	    .note = "",
	    .about_people = true,
	    .unknown = {"\xa0\x06\x2a", 3},
	};
}

static struct tact_review review_again(const struct tact_review *review)
{
	struct tact_review got = {0};
	struct tact_error err = {""};
	const void *bytes;
	size_t size;
	int result;

	tact_dossier_encode_review(arena, review, &bytes, &size);
	result = tact_dossier_decode_review(arena, bytes, size, &got, &err);
	ck_assert_msg(result == TACT_OK, "got %s (%s), want ok", tact_result_name(result), err.text);
	return got;
}

START_TEST(test_review_round_trip)
{
	struct tact_review want = review_of(TACT_REVIEW_HELD), got = review_again(&want);

	got = review_again(&got);
	ck_assert(tact_id_equal(&got.id, &want.id) && got.state == want.state);
	ck_assert_str_eq(got.stream, want.stream);
	ck_assert_str_eq(got.owner, want.owner);
	ck_assert_str_eq(got.campaign, want.campaign);
	ck_assert_str_eq(got.sender, want.sender);
	ck_assert_str_eq(got.subject, want.subject);
	ck_assert_str_eq(got.excerpt, want.excerpt);
	ck_assert_str_eq(got.why, want.why);
	ck_assert_str_eq(got.relay, want.relay);
	ck_assert_uint_eq(got.rings_count, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_str_eq(got.rings[i], rings[i]);
	*TACT_PUSH(arena, got.rings, got.rings_count) = "s29921763";
	ck_assert_str_eq(got.rings[2], rings[2]);
	ck_assert_int_eq(got.made_us, want.made_us);
	ck_assert_int_eq(got.done_us, 0);
	ck_assert_str_eq(got.by, "");
	ck_assert(got.about_people);
	ck_assert(got.unknown.size == 3 && memcmp(got.unknown.bytes, want.unknown.bytes, 3) == 0);
}
END_TEST

/* What was kept for the reviewer's eyes goes with the review, also when nobody took it out. */
START_TEST(test_review_ended)
{
	struct tact_review want = review_of((enum tact_review_state)_i), got = review_again(&want);

	ck_assert_str_eq(got.sender, "");
	ck_assert_str_eq(got.subject, "");
	ck_assert_str_eq(got.excerpt, "");
	ck_assert_str_eq(got.stream, want.stream);
	ck_assert_str_eq(got.by, "pat");
	ck_assert_int_eq(got.done_us, want.done_us);
	ck_assert_int_eq(got.state, want.state);
}
END_TEST

START_TEST(test_review_corrupt)
{
	static const struct {
		const char *bytes;
		size_t size;
		int want;
	} rows[] = {
	    {"", 0, TACT_ABSENT},
	    {"\x08", 1, TACT_CORRUPT},
	    {"\x22\x01x", 3, TACT_CORRUPT},
	    {"\x08\x02", 2, TACT_CORRUPT},
	    {"\x08\x01\x12\x01x", 5, TACT_CORRUPT},
	    {"\x08\x01\x18\x03", 4, TACT_CORRUPT},
	    {"\x08\x01\x68\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13, TACT_CORRUPT},
	    {"\x08\x01\x70\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13, TACT_CORRUPT},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct tact_review review = {.stream = "untouched"};
		struct tact_error err = {""};
		int got = tact_dossier_decode_review(arena, rows[i].bytes, rows[i].size, &review, &err);

		ck_assert_msg(got == rows[i].want && err.text[0] != '\0', "row %zu: got %s \"%s\", want %s",
		    i, tact_result_name(got), err.text, tact_result_name(rows[i].want));
		ck_assert_str_eq(review.stream, "untouched");
	}
}
END_TEST

/* ---- dates ---- */

static const struct {
	const char *text, *want; /* "": refused */
} dates[] = {
    {"1980-05-17", "1980-05-17"},
    {"--05-17", "--05-17"},
    {"05-17", "--05-17"},
    {"2024-02-29", "2024-02-29"},
    {"2000-02-29", "2000-02-29"},
    {"1900-02-29", ""},
    {"2023-02-29", ""},
    {"--02-29", "--02-29"},
    {"--02-30", ""},
    {"04-30", "--04-30"},
    {"04-31", ""},
    {"12-31", "--12-31"},
    {"12-32", ""},
    {"00-10", ""},
    {"13-01", ""},
    {"01-00", ""},
    {"0000-01-01", ""},
    {"0001-01-01", "0001-01-01"},
    {"9999-12-31", "9999-12-31"},
    {"10000-01-01", ""},
    {"1980-5-17", ""},
    {"1980-05-1x", ""},
    {"1980/05/17", ""},
    {"-1980-05-17", ""},
    {"--1980-05-17", ""},
    {"-05-17", ""},
    {"+5-17", ""},
    {"05-17 ", ""},
    {"", ""},
    {"17.05.1980", ""},
};

START_TEST(test_dates)
{
	struct tact_occasion got = {.name = "birthday", .year = 7, .month = 7, .day = 7};
	struct tact_error err = {""};
	bool good = *dates[_i].want != '\0';
	int result = tact_dossier_parse_date(dates[_i].text, &got, &err);

	ck_assert_msg(
	    (result == TACT_OK) == good, "\"%s\": got %s", dates[_i].text, tact_result_name(result));
	ck_assert_msg(
	    strcmp(tact_dossier_format_date(arena, &got), good ? dates[_i].want : "0007-07-07") == 0,
	    "\"%s\": got %s", dates[_i].text, tact_dossier_format_date(arena, &got));
	ck_assert_str_eq(got.name, "birthday");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dossier: values");
	TCase *tc = tcase_create("values");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_claims_max);
	tcase_add_test(tc, test_find_and_remove);
	tcase_add_test(tc, test_find_claims);
	tcase_add_test(tc, test_add_one_of_its_own);
	tcase_add_test(tc, test_merge_is_a_union);
	tcase_add_test(tc, test_merge_more_than_64_claims);
	tcase_add_test(tc, test_merge_fills_what_is_missing);
	tcase_add_test(tc, test_merge_takes_the_earlier_history);
	tcase_add_test(tc, test_merge_with_itself);
	tcase_add_test(tc, test_copy_is_deep);
	tcase_add_test(tc, test_review_round_trip);
	tcase_add_loop_test(tc, test_review_ended, TACT_REVIEW_RELEASED, TACT_REVIEW_STATES);
	tcase_add_test(tc, test_review_corrupt);
	tcase_add_loop_test(tc, test_dates, 0, sizeof dates / sizeof *dates);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

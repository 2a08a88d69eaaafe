/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Housekeeping at its edges: what folds, into which row, and what goes, to the microsecond.
 */
#include <config.h>

#include <check.h>
#include <inttypes.h>
#include <stdlib.h>

#include "dossier_help.h"

#define HISTORY_S (INT64_C(400) * 86400)
#define FOLD_US (35 * DAY_US)
#define WEEK_US (7 * DAY_US)
#define MONTH_US (30 * DAY_US)

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

static int64_t time_of(const char *text)
{
	int64_t us = -1;

	ck_assert_int_eq(tact_text_parse_time(text, &us, NULL), TACT_OK);
	return us;
}

static struct tact_contact *add(int64_t time_us, uint8_t id)
{
	struct tact_contact contact = contact_at(time_us, id);

	tact_dossier_add_contact(arena, &dossier, &contact);
	return &dossier.contacts[dossier.contacts_count - 1];
}

/* Tidy, and once more: what is tidy stays as it is. */
static bool tidy(int64_t now_us)
{
	bool changed = tact_dossier_tidy(arena, &dossier, now_us, HISTORY_S);

	ck_assert_msg(
	    !tact_dossier_tidy(arena, &dossier, now_us, HISTORY_S), "tidied twice: got a change, want none");
	return changed;
}

static void check_row(size_t which, const char *start, uint32_t count)
{
	const struct tact_contact *row = &dossier.contacts[which];

	ck_assert_msg(which < dossier.contacts_count, "got %zu contacts, want more than %zu",
	    dossier.contacts_count, which);
	ck_assert_msg(row->time_us == time_of(start) && row->span_us == DAY_US && row->count == count,
	    "row %zu: got %u at %s with span %" PRId64 ", want %u at %s with span a day", which, row->count,
	    tact_text_format_time(arena, row->time_us), row->span_us, count, start);
	ck_assert_msg(tact_id_is_none(&row->id) && !row->open,
	    "row %zu: folded, and still has an id or is open", which);
}

START_TEST(test_fold_at_35_days)
{
	static const struct {
		int64_t age_us;
		bool folds;
	} rows[] = {
	    {FOLD_US - 1, false}, {FOLD_US, false}, {FOLD_US + 1, true}, {0, false}, {-DAY_US, false}};

	add(NOW_US - rows[_i].age_us, 1);
	ck_assert_msg(tidy(NOW_US) == rows[_i].folds, "age 35 d %+" PRId64 " us: got %s, want %s",
	    rows[_i].age_us - FOLD_US, rows[_i].folds ? "unchanged" : "folded",
	    rows[_i].folds ? "folded" : "unchanged");
	if (rows[_i].folds)
		check_row(0, "2026-10-14", 1);
	else
		ck_assert(dossier.contacts[0].span_us == 0 && !tact_id_is_none(&dossier.contacts[0].id));
}
END_TEST

/* Days are UTC's, from midnight to the last microsecond. */
START_TEST(test_fold_by_day)
{
	int64_t now = time_of("2026-06-01");

	add(time_of("2026-02-28T00:00:00Z"), 1);
	add(time_of("2026-02-28T23:59:59.999999Z"), 2);
	add(time_of("2026-03-01T00:00:00Z"), 3);
	add(time_of("2026-03-31T23:59:59.999999Z"), 4);
	add(time_of("2026-04-01T00:00:00Z"), 5);
	add(time_of("2026-04-01T12:00:00Z"), 6)->open = true;
	add(time_of("2026-05-31T12:00:00Z"), 7);
	ck_assert(tidy(now));
	ck_assert_uint_eq(dossier.contacts_count, 5);
	check_row(0, "2026-02-28", 2);
	check_row(1, "2026-03-01", 1);
	check_row(2, "2026-03-31", 1);
	check_row(3, "2026-04-01", 2);
	ck_assert(tact_dossier_find_contact(&dossier, &(struct tact_id){0}) == NULL);
	ck_assert_msg(dossier.contacts[4].span_us == 0, "yesterday's contact folded");
}
END_TEST

/* A leap day is a day. */
START_TEST(test_fold_leap_day)
{
	add(time_of("2024-02-29T23:59:59.999999Z"), 1);
	add(time_of("2024-03-01T00:00:00Z"), 2);
	ck_assert(tidy(time_of("2024-06-01")));
	check_row(0, "2024-02-29", 1);
	check_row(1, "2024-03-01", 1);
}
END_TEST

START_TEST(test_fold_into_existing_row)
{
	int64_t now = time_of("2026-04-10T12:00:00Z");

	add(time_of("2026-03-06T09:00:00Z"), 1);
	ck_assert(tidy(now));
	check_row(0, "2026-03-06", 1);
	/* The afternoon of that day comes of age later, beside a row that is still exact. */
	add(time_of("2026-03-06T15:00:00Z"), 2)->count = 3;
	add(time_of("2026-03-07T15:00:00Z"), 3);
	ck_assert(!tidy(now));
	ck_assert(tidy(now + DAY_US / 2));
	ck_assert_uint_eq(dossier.contacts_count, 2);
	check_row(0, "2026-03-06", 4);
	ck_assert_int_eq(dossier.contacts[1].span_us, 0);
}
END_TEST

/* Any fact that a rule reads keeps two contacts apart. */
START_TEST(test_fold_alike_only)
{
	static const struct tact_unknown field = {"\xa0\x06\x2a", 3};
	int64_t day = time_of("2026-03-06");

	add(day, 1);
	add(day + 1, 2)->channel = TACT_SMS;
	add(day + 2, 3)->direction = TACT_IN;
	add(day + 3, 4)->sentiment = TACT_NEGATIVE;
	add(day + 4, 5)->purpose = TACT_OCCASION;
	add(day + 5, 6)->stream = "daily";
	add(day + 6, 7)->owner = "leeds-branch";
	add(day + 7, 8)->brand = "beta";
	add(day + 8, 9)->campaign = "autumn";
	add(day + 9, 10)->offer = "ten-percent";
	add(day + 10, 11)->list = "example.com";
	add(day + 11, 12)->counts = false;
	add(day + 12, 13)->unknown = field;
	add(day + 13, 14)->unknown = field;
	add(day + 14, 15)->offer = tact_arena_strdup(arena, "ten-percent");
	ck_assert(tidy(NOW_US));
	ck_assert_msg(dossier.contacts_count == 13, "got %zu rows, want 13", dossier.contacts_count);
	for (size_t i = 0; i < 13; i++)
		check_row(i, "2026-03-06", i == 9 || i == 12 ? 2 : 1);
	ck_assert_uint_eq(dossier.contacts[12].unknown.size, 3);
}
END_TEST

/* What somebody typed in with another span, or with an id, is no folded row and none is made of it. */
START_TEST(test_fold_leaves_spans)
{
	int64_t day = time_of("2026-03-06");

	add(day, 0)->span_us = 2 * DAY_US;
	add(day, 1)->span_us = DAY_US;
	add(day + 1, 0)->span_us = DAY_US;
	add(day + 2, 2);
	ck_assert(tidy(NOW_US));
	ck_assert_uint_eq(dossier.contacts_count, 4);
	for (size_t i = 0; i < 3; i++)
		ck_assert_msg(dossier.contacts[i].count == 1, "contact %zu: got count %u, want 1", i,
		    dossier.contacts[i].count);
	check_row(3, "2026-03-06", 1);
}
END_TEST

START_TEST(test_fold_never_overflows)
{
	int64_t day = time_of("2026-03-06");

	add(day, 1)->count = UINT32_MAX - 1;
	add(day, 2);
	add(day, 3);
	ck_assert(tidy(NOW_US));
	check_row(0, "2026-03-06", UINT32_MAX);
}
END_TEST

/* The end of a contact decides, and a folded one's is the end of its day. */
START_TEST(test_history_end)
{
	static const struct {
		int64_t span_us, beyond_us;
		bool stays;
	} rows[] = {{0, 0, true}, {0, 1, false}, {0, -1, true}, {DAY_US, 0, true}, {DAY_US, 1, false},
	    {DAY_US, DAY_US, false}};
	int64_t now = time_of("2026-11-18"), oldest = now - HISTORY_S * SECOND_US;
	bool stays;

	add(oldest - rows[_i].span_us - rows[_i].beyond_us, 0)->span_us = rows[_i].span_us;
	(void)tidy(now);
	stays = dossier.contacts_count == 1;
	ck_assert_msg(stays == rows[_i].stays, "row %d: got %s, want %s", _i, stays ? "kept" : "gone",
	    rows[_i].stays ? "kept" : "gone");
}
END_TEST

/* Folding rounds to the strict side: what was in history the day before it folds is not lost by folding. */
START_TEST(test_history_of_a_folded_day)
{
	int64_t day = time_of("2026-03-06");

	add(day + 1, 1);
	add(day + DAY_US - 1, 2);
	ck_assert(tidy(day + 2 * FOLD_US));
	check_row(0, "2026-03-06", 2);
	ck_assert(!tidy(day + DAY_US + HISTORY_S * SECOND_US));
	ck_assert(tidy(day + DAY_US + HISTORY_S * SECOND_US + 1));
	ck_assert_uint_eq(dossier.contacts_count, 0);
}
END_TEST

/* Mail's ids go when it is folded; of what was told of, the mark stays as long as the row does. */
START_TEST(test_told_is_known_when_folded)
{
	int64_t day = time_of("2026-03-06"), end = day + DAY_US + HISTORY_S * SECOND_US;
	struct tact_id told = id_of(1), mail = id_of(2);
	struct tact_contact *contact = add(day + 1, 1);

	told.b[0] = contact->id.b[0] = 7; /* the mark is of the first bytes */
	tact_dossier_note_told(arena, &dossier, contact);
	tact_dossier_note_told(arena, &dossier, contact);
	ck_assert_uint_eq(dossier.told_count, 1);
	add(day + 2, 2);
	ck_assert(tidy(day + 2 * FOLD_US));
	check_row(0, "2026-03-06", 2);
	ck_assert_msg(tact_dossier_was_told(&dossier, &told), "told of, and folded: got new, want known");
	ck_assert_msg(!tact_dossier_was_told(&dossier, &mail), "mail, folded: got known, want new");
	ck_assert(!tact_dossier_was_told(&dossier, &(struct tact_id){{0}}));
	ck_assert(!tidy(end));
	ck_assert_msg(tact_dossier_was_told(&dossier, &told), "on the last day: got new, want known");
	ck_assert(tidy(end + 1));
	ck_assert_uint_eq(dossier.contacts_count + dossier.told_count, 0);
}
END_TEST

START_TEST(test_history_since_stays)
{
	dossier.history_since_us = 5;
	ck_assert(!tidy(NOW_US));
	ck_assert_int_eq(dossier.history_since_us, 5);
}
END_TEST

START_TEST(test_claims)
{
	static const struct {
		enum tact_claim_state state;
		int64_t done_us, not_after_us;
		bool stays;
	} rows[] = {
	    {TACT_CLAIM_PASSED, NOW_US - WEEK_US, 0, false},
	    {TACT_CLAIM_PASSED, NOW_US - WEEK_US + 1, 0, true},
	    {TACT_CLAIM_WITHDRAWN, 0, NOW_US - WEEK_US, false},
	    {TACT_CLAIM_WITHDRAWN, 0, NOW_US - WEEK_US + 1, true},
	    {TACT_CLAIM_BOUNCED, NOW_US - 2 * WEEK_US, NOW_US - WEEK_US, false},
	    {TACT_CLAIM_BOUNCED, NOW_US - 2 * WEEK_US, NOW_US, true},
	    {TACT_CLAIM_PASSED, NOW_US, NOW_US - 2 * WEEK_US, true},
	    {TACT_CLAIM_WITHDRAWN, 0, INT64_MAX, true},
	    {TACT_CLAIM_WAITING, 0, NOW_US - MONTH_US + 1, true},
	    {TACT_CLAIM_WAITING, 0, NOW_US - MONTH_US, false},
	    {TACT_CLAIM_REVIEW, 0, NOW_US - MONTH_US + 1, true},
	    {TACT_CLAIM_REVIEW, 0, NOW_US - MONTH_US, false},
	    {TACT_CLAIM_REFUSED, 0, NOW_US - MONTH_US + 1, true},
	    {TACT_CLAIM_REFUSED, 0, NOW_US - MONTH_US, false},
	    {TACT_CLAIM_PASSING, 0, NOW_US - MONTH_US + 1, true},
	    {TACT_CLAIM_PASSING, 0, NOW_US - MONTH_US, false},
	};
	struct tact_claim claim = claim_of(1, rows[_i].state);
	bool stays;

	claim.done_us = rows[_i].done_us;
	claim.not_after_us = rows[_i].not_after_us;
	ck_assert(tact_dossier_add_claim(arena, &dossier, &claim));
	(void)tidy(NOW_US);
	stays = dossier.claims_count == 1;
	ck_assert_msg(stays == rows[_i].stays, "row %d, %s: got %s, want %s", _i,
	    tact_dossier_claim_state_name(rows[_i].state), stays ? "kept" : "gone",
	    rows[_i].stays ? "kept" : "gone");
}
END_TEST

/* Wishes stay for ever; ended ones a history longer, and ended consents for ever, or an old file would give
 * them again. */
START_TEST(test_wishes)
{
	int64_t oldest = NOW_US - HISTORY_S * SECOND_US;
	const struct {
		int64_t until_us, ended_us;
		bool stays;
	} rows[] = {{0, 0, true}, {1, 0, true}, {0, oldest, true}, {0, oldest - 1, false}, {1, oldest, true},
	    {0, NOW_US, true}};
	struct tact_suppression suppression = suppression_of(1);
	struct tact_consent consent = {.scope.value = "", .source = "", .proof = "", .time_us = 1};

	suppression.time_us = 1;
	suppression.until_us = consent.until_us = rows[_i].until_us;
	suppression.ended_us = consent.ended_us = rows[_i].ended_us;
	tact_dossier_add_suppression(arena, &dossier, &suppression);
	tact_dossier_add_consent(arena, &dossier, &consent);
	ck_assert_int_eq(tidy(NOW_US), !rows[_i].stays);
	ck_assert_msg(dossier.suppressions_count == rows[_i].stays && dossier.consents_count == 1,
	    "row %d: got %zu suppressions and %zu consents, want %d and 1", _i, dossier.suppressions_count,
	    dossier.consents_count, rows[_i].stays);
}
END_TEST

/* Whatever order they come in, nobody is lost and nobody is counted twice. */
START_TEST(test_sums)
{
	for (uint64_t seed = 1; seed <= 100; seed++) {
		uint64_t state = seed, want = 0, got = 0;

		tact_dossier_init(&dossier);
		for (int i = 0; i < 200; i++) {
			struct tact_contact *contact =
			    add(NOW_US - (int64_t)random_below(&state, (uint64_t)(60 * DAY_US)),
				(uint8_t)(i + 1));

			contact->count = 1 + (uint32_t)random_below(&state, 3);
			contact->purpose = (enum tact_purpose)random_below(&state, 2);
			want += contact->count;
			if (random_below(&state, 10) == 0)
				(void)tidy(NOW_US);
		}
		(void)tidy(NOW_US);
		for (size_t i = 0; i < dossier.contacts_count; i++)
			got += dossier.contacts[i].count;
		ck_assert_msg(got == want, "seed %d: got %d contacts together, want %d", (int)seed, (int)got,
		    (int)want);
		tact_arena_reset(arena);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dossier: tidy");
	TCase *tc = tcase_create("tidy");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_fold_at_35_days, 0, 5);
	tcase_add_test(tc, test_fold_by_day);
	tcase_add_test(tc, test_fold_leap_day);
	tcase_add_test(tc, test_fold_into_existing_row);
	tcase_add_test(tc, test_fold_alike_only);
	tcase_add_test(tc, test_fold_leaves_spans);
	tcase_add_test(tc, test_fold_never_overflows);
	tcase_add_loop_test(tc, test_history_end, 0, 6);
	tcase_add_test(tc, test_history_of_a_folded_day);
	tcase_add_test(tc, test_told_is_known_when_folded);
	tcase_add_test(tc, test_history_since_stays);
	tcase_add_loop_test(tc, test_claims, 0, 16);
	tcase_add_loop_test(tc, test_wishes, 0, 6);
	tcase_add_test(tc, test_sums);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

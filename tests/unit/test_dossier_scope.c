/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The words: scopes and what they cover, reasons and their purposes, states.
 */
#include <config.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <tact/dossier.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct tact_arena *arena;

static void setup(void)
{
	arena = tact_arena_new();
}

static void teardown(void)
{
	tact_arena_free(&arena);
}

static const struct {
	const char *text;
	enum tact_scope_kind kind;
	const char *value;
	const char *formatted; /* NULL: as the text */
} scopes[] = {
    {"global", TACT_SCOPE_GLOBAL, "", NULL},
    {"brand:alpha", TACT_SCOPE_BRAND, "alpha", NULL},
    {"owner:Leeds-Branch", TACT_SCOPE_OWNER, "Leeds-Branch", NULL},
    {"list:customers.example.com", TACT_SCOPE_LIST, "customers.example.com", NULL},
    {"stream:weekly", TACT_SCOPE_STREAM, "weekly", NULL},
    {"purpose:newsletter", TACT_SCOPE_PURPOSE, "newsletter", NULL},
    {"channel:sms", TACT_SCOPE_CHANNEL, "sms", NULL},
    {"campaign:autumn: 2026", TACT_SCOPE_CAMPAIGN, "autumn: 2026", NULL},
    {"offer:\xc3\xa4", TACT_SCOPE_OFFER, "\xc3\xa4", NULL},
    {" brand : alpha beta ", TACT_SCOPE_BRAND, "alpha beta", "brand:alpha beta"},
};

START_TEST(test_parse_and_format)
{
	struct tact_scope got;
	struct tact_error err = {""};
	const char *want = scopes[_i].formatted != NULL ? scopes[_i].formatted : scopes[_i].text, *formatted;
	int result = tact_dossier_parse_scope(arena, scopes[_i].text, &got, &err);

	ck_assert_msg(result == TACT_OK, "%s: got %s (%s), want ok", scopes[_i].text,
	    tact_result_name(result), err.text);
	ck_assert_msg(got.kind == scopes[_i].kind && strcmp(got.value, scopes[_i].value) == 0,
	    "%s: got kind %d \"%s\", want kind %d \"%s\"", scopes[_i].text, (int)got.kind, got.value,
	    (int)scopes[_i].kind, scopes[_i].value);
	formatted = tact_dossier_format_scope(arena, &got);
	ck_assert_msg(strcmp(formatted, want) == 0, "got \"%s\", want \"%s\"", formatted, want);
}
END_TEST

static const char *const not_scopes[] = {"", " ", ":", "global:", "global:x", "brand",
    "brand:", "brand: ", "brands:x", "Global:", ":alpha", "purpose:", "purpose:marketing", "channel:pigeon",
    "alpha", "brand=alpha"};

START_TEST(test_parse_refuses)
{
	struct tact_scope got = {TACT_SCOPE_OFFER, "untouched"};
	struct tact_error err = {""};
	int result = tact_dossier_parse_scope(arena, not_scopes[_i], &got, &err);

	ck_assert_msg(
	    result == TACT_INVALID, "\"%s\": got %s, want invalid", not_scopes[_i], tact_result_name(result));
	ck_assert_msg(strstr(err.text, "write ") != NULL, "\"%s\": got \"%s\", want what would be right",
	    not_scopes[_i], err.text);
	ck_assert_str_eq(got.value, "untouched");
}
END_TEST

/* One mail, asked about each scope. */
static const struct {
	const char *scope;
	bool covers;
} covered[] = {
    {"global", true},
    {"brand:alpha", true},
    {"brand:ALPHA", true},
    {"brand:alph", false},
    {"brand:alphas", false},
    {"brand:weekly", false},
    {"owner:corporate", true},
    {"owner:Corporate", true},
    {"owner:leeds-branch", false},
    {"list:Customers.Example.com", true},
    {"list:example.com", false},
    {"stream:weekly", true},
    {"stream:daily", false},
    {"purpose:newsletter", true},
    {"purpose:promotional", false},
    {"channel:email", true},
    {"channel:sms", false},
    {"campaign:Autumn", true},
    {"campaign:winter", false},
    {"offer:ten-percent", true},
    {"offer:twenty-percent", false},
};

START_TEST(test_covers)
{
	static const struct tact_facts facts = {
	    .stream = "weekly",
	    .owner = "corporate",
	    .brand = "Alpha",
	    .campaign = "autumn",
	    .offer = "ten-percent",
	    .list = "customers.example.com",
	    .purpose = TACT_NEWSLETTER,
	    .channel = TACT_EMAIL,
	};
	static const struct tact_facts bare = {.stream = "",
	    .owner = "",
	    .brand = "",
	    .campaign = "",
	    .offer = "",
	    .list = "",
	    .purpose = TACT_PERSONAL,
	    .channel = TACT_PHONE};
	struct tact_scope scope;
	bool got;

	ck_assert_int_eq(tact_dossier_parse_scope(arena, covered[_i].scope, &scope, NULL), TACT_OK);
	got = tact_dossier_scope_covers(&scope, &facts);
	ck_assert_msg(
	    got == covered[_i].covers, "%s: got %d, want %d", covered[_i].scope, got, covered[_i].covers);
	got = tact_dossier_scope_covers(&scope, &bare);
	ck_assert_msg(got == (scope.kind == TACT_SCOPE_GLOBAL), "%s, mail without names: got %d",
	    covered[_i].scope, got);
}
END_TEST

#define WISH (1U << TACT_PROMOTIONAL | 1U << TACT_NEWSLETTER | 1U << TACT_APPRECIATION | 1U << TACT_OCCASION)
#define EVERYTHING (WISH | 1U << TACT_TRANSACTIONAL | 1U << TACT_PERSONAL)

static const struct {
	const char *name;
	enum tact_reason reason;
	unsigned purposes;
} reasons[] = {
    {"unsubscribe", TACT_UNSUBSCRIBE, WISH},
    {"complaint", TACT_COMPLAINT, WISH},
    {"pause", TACT_PAUSE, WISH},
    {"topic", TACT_TOPIC, WISH},
    {"hard_bounce", TACT_HARD_BOUNCE, EVERYTHING},
    {"erasure", TACT_ERASURE, EVERYTHING},
    {"manual", TACT_MANUAL, EVERYTHING},
};

START_TEST(test_reasons)
{
	enum tact_reason got = TACT_REASONS;
	unsigned purposes = tact_dossier_reason_purposes(reasons[_i].reason);

	ck_assert_int_eq(tact_dossier_parse_reason(reasons[_i].name, &got), TACT_OK);
	ck_assert_msg(got == reasons[_i].reason, "%s: got %d, want %d", reasons[_i].name, (int)got,
	    (int)reasons[_i].reason);
	ck_assert_str_eq(tact_dossier_reason_name(got), reasons[_i].name);
	ck_assert_msg(purposes == reasons[_i].purposes, "%s: got purposes 0x%x, want 0x%x", reasons[_i].name,
	    purposes, reasons[_i].purposes);
}
END_TEST

START_TEST(test_words)
{
	static const char *const states[] = {
	    "waiting", "review", "refused", "passing", "passed", "withdrawn", "bounced"};
	static const char *const reviews[] = {"held", "released", "discarded"};
	enum tact_reason untouched = TACT_TOPIC;

	ck_assert_uint_eq(COUNT(reasons), TACT_REASONS);
	ck_assert_uint_eq(COUNT(states), TACT_CLAIM_STATES);
	ck_assert_uint_eq(COUNT(reviews), TACT_REVIEW_STATES);
	for (size_t i = 0; i < COUNT(states); i++)
		ck_assert_str_eq(tact_dossier_claim_state_name((enum tact_claim_state)i), states[i]);
	for (size_t i = 0; i < COUNT(reviews); i++)
		ck_assert_str_eq(tact_dossier_review_state_name((enum tact_review_state)i), reviews[i]);
	ck_assert_str_eq(tact_dossier_claim_state_name(TACT_CLAIM_STATES), "unknown");
	ck_assert_str_eq(tact_dossier_review_state_name(TACT_REVIEW_STATES), "unknown");
	ck_assert_str_eq(tact_dossier_reason_name(TACT_REASONS), "unknown");
	for (int i = 0; i < TACT_BASES; i++) {
		enum tact_basis basis = TACT_BASES;

		ck_assert_int_eq(tact_dossier_parse_basis(tact_dossier_basis_name(i), &basis), TACT_OK);
		ck_assert_int_eq(basis, i);
	}
	ck_assert_str_eq(tact_dossier_basis_name(TACT_SOFT_OPT_IN), "soft-opt-in");
	ck_assert_str_eq(tact_dossier_basis_name(TACT_BASES), "unknown");
	ck_assert_int_eq(tact_dossier_parse_basis("Express", &(enum tact_basis){0}), TACT_INVALID);
	ck_assert_int_eq(tact_dossier_parse_reason("Unsubscribe ", &untouched), TACT_INVALID);
	ck_assert_int_eq(tact_dossier_parse_reason("", &untouched), TACT_INVALID);
	ck_assert_int_eq(untouched, TACT_TOPIC);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dossier: words");
	TCase *tc = tcase_create("words");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_parse_and_format, 0, COUNT(scopes));
	tcase_add_loop_test(tc, test_parse_refuses, 0, COUNT(not_scopes));
	tcase_add_loop_test(tc, test_covers, 0, COUNT(covered));
	tcase_add_loop_test(tc, test_reasons, 0, COUNT(reasons));
	tcase_add_test(tc, test_words);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

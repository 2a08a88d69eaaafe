/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Properties of the rules that are neither limits nor about people's clocks: suppression, territory, breaker,
 * content. Each is held against what its words say, over random records; and how often each let a mail go,
 * made it wait and refused it for good is told, and must not be never.
 */
#include <config.h>

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oracle.h"

#define HOUR_US INT64_C(3600000000)
#define DAY_US (24 * HOUR_US)
#define BASE_US (20000 * DAY_US)
#define MOST 6

static const char *const names[] = {"leeds", "Leeds", "york", ""};

struct world {
	uint64_t seed;
	struct tact_arena *arena;
	struct tact_rule rule;
	struct tact_rule_set set;
	struct tact_owner owners[3];
	struct tact_facts facts;
	struct tact_dossier dossier;
	struct tact_suppression suppressions[MOST];
	struct tact_consent consents[MOST];
	struct tact_campaign_hour hours[MOST];
	struct tact_campaign_view view;
};

struct outcome {
	size_t at_once, later, never;
};

static int64_t below(struct world *world, int64_t limit)
{
	return oracle_below(&world->seed, limit);
}

static const char *pick(struct world *world)
{
	return names[below(world, 4)];
}

/* Whole days, now and then a microsecond beside. */
static int64_t random_time(struct world *world)
{
	return BASE_US + below(world, 12) * DAY_US + (below(world, 3) == 0 ? below(world, 3) - 1 : 0);
}

static void open_world(struct world *world, enum tact_rule_kind kind)
{
	world->arena = tact_arena_new();
	tact_dossier_init(&world->dossier);
	world->facts = (struct tact_facts){.stream = "",
	    .owner = pick(world),
	    .brand = pick(world),
	    .campaign = "spring",
	    .offer = "",
	    .list = "",
	    .purpose = (enum tact_purpose)below(world, 6),
	    .counts = true};
	world->rule = (struct tact_rule){.name = "r", .kind = kind, .action = TACT_DELAY};
	world->set = (struct tact_rule_set){
	    .rules = &world->rule, .rules_count = 1, .owners = world->owners, .owners_count = 3};
}

static int64_t earliest(const struct world *world, int64_t t_us)
{
	return tact_policy_earliest(&world->rule, &world->facts, &world->dossier, NULL, NULL, 0, t_us);
}

static void note(struct outcome *outcome, int64_t t_us, int64_t earliest_us)
{
	outcome->at_once += earliest_us == t_us;
	outcome->later += earliest_us > t_us && earliest_us != INT64_MAX;
	outcome->never += earliest_us == INT64_MAX;
}

static void tell(const char *kind, const struct outcome *outcome, bool waits)
{
	printf("%-12s %5zu at once, %5zu later, %5zu never\n", kind, outcome->at_once, outcome->later,
	    outcome->never);
	ck_assert_msg(outcome->at_once >= 100, "%s: at once %zu, want 100", kind, outcome->at_once);
	ck_assert_msg(!waits || outcome->later >= 100, "%s: later %zu, want 100", kind, outcome->later);
	ck_assert_msg(outcome->never >= 100, "%s: never %zu, want 100", kind, outcome->never);
}

/* ---- suppressions ------------------------------------------------------------------------------- */

static struct tact_scope random_scope(struct world *world)
{
	switch (below(world, 4)) {
	case 0:
		return (struct tact_scope){TACT_SCOPE_BRAND, names[below(world, 3)]};
	case 1:
		return (struct tact_scope){TACT_SCOPE_OWNER, names[below(world, 3)]};
	default:
		return (struct tact_scope){TACT_SCOPE_GLOBAL, ""};
	}
}

static int64_t random_end(struct world *world)
{
	return below(world, 2) == 0 ? random_time(world) : 0;
}

static void random_wishes(struct world *world)
{
	world->dossier.suppressions = world->suppressions;
	world->dossier.suppressions_count = (size_t)below(world, 4);
	for (size_t i = 0; i < world->dossier.suppressions_count; i++)
		world->suppressions[i] = (struct tact_suppression){.id = {{(uint8_t)(i + 1)}},
		    .scope = random_scope(world),
		    .reason = (enum tact_reason)below(world, TACT_REASONS),
		    .purposes = below(world, 4) == 0 ? (unsigned)below(world, 64) : 0,
		    .time_us = random_time(world),
		    .until_us = random_end(world),
		    .ended_us = random_end(world),
		    .source = "",
		    .note = "",
		    .ended_by = "",
		    .ended_why = ""};
	world->dossier.consents = world->consents;
	world->dossier.consents_count = (size_t)below(world, 3);
	for (size_t i = 0; i < world->dossier.consents_count; i++)
		world->consents[i] = (struct tact_consent){.id = {{(uint8_t)(i + 1)}},
		    .scope = random_scope(world),
		    .basis = (enum tact_basis)below(world, 3),
		    .imported = below(world, 3) == 0,
		    .time_us = random_time(world),
		    .until_us = random_end(world),
		    .ended_us = random_end(world),
		    .source = "",
		    .proof = "",
		    .ended_by = "",
		    .ended_why = ""};
}

static bool is_about(const struct world *world, const struct tact_scope *scope)
{
	const char *own = scope->kind == TACT_SCOPE_BRAND ? world->facts.brand : world->facts.owner;

	return scope->kind == TACT_SCOPE_GLOBAL || strcasecmp(scope->value, own) == 0;
}

static bool is_past(int64_t end_us, int64_t t_us)
{
	return end_us != 0 && t_us >= end_us;
}

/* The person's own express word, later than the suppression. */
static bool answers(const struct world *world, const struct tact_consent *consent,
    const struct tact_suppression *suppression, int64_t t_us)
{
	return consent->basis == TACT_EXPRESS && !consent->imported &&
	       consent->time_us > suppression->time_us && !is_past(consent->until_us, t_us) &&
	       !is_past(consent->ended_us, t_us) && is_about(world, &consent->scope);
}

static bool is_suppressed(const struct world *world, int64_t t_us)
{
	for (size_t i = 0; i < world->dossier.suppressions_count; i++) {
		const struct tact_suppression *suppression = &world->suppressions[i];
		unsigned purposes = suppression->purposes;
		bool forever = suppression->reason == TACT_HARD_BOUNCE ||
			       suppression->reason == TACT_MANUAL || suppression->reason == TACT_ERASURE,
		     answered = false;

		if (purposes == 0)
			purposes = tact_dossier_reason_purposes(suppression->reason);
		for (size_t k = 0; k < world->dossier.consents_count && !forever; k++)
			answered = answered || answers(world, &world->consents[k], suppression, t_us);
		if ((purposes & 1U << world->facts.purpose) && !answered &&
		    is_about(world, &suppression->scope) && !is_past(suppression->until_us, t_us) &&
		    !is_past(suppression->ended_us, t_us))
			return true;
	}
	return false;
}

static void check_none_before(const struct world *world, int64_t from_us, int64_t to_us)
{
	for (int64_t day = 0; day < 14; day++)
		for (int64_t k = -1; k <= 1; k++) {
			int64_t t_us = BASE_US + day * DAY_US + k;

			ck_assert_msg(t_us < from_us || t_us >= to_us || is_suppressed(world, t_us),
			    "free at %" PRId64 ", answered %" PRId64, t_us, to_us);
		}
}

START_TEST(suppressions_hold_until_the_last_ends)
{
	struct world world = {.seed = oracle_seed("suppression")};
	struct outcome outcome = {0};

	for (int i = 0; i < 6000; i++) {
		int64_t t_us, earliest_us, later_us;

		open_world(&world, TACT_RULE_SUPPRESSION);
		random_wishes(&world);
		t_us = random_time(&world);
		earliest_us = earliest(&world, t_us);
		note(&outcome, t_us, earliest_us);
		ck_assert_int_eq(earliest_us == t_us, !is_suppressed(&world, t_us));
		check_none_before(&world, t_us, earliest_us);
		later_us = t_us + below(&world, 3 * DAY_US);
		if (later_us <= earliest_us)
			ck_assert_int_eq(earliest(&world, later_us), earliest_us);
		if (earliest_us != INT64_MAX) {
			ck_assert(!is_suppressed(&world, earliest_us));
			ck_assert_int_eq(earliest(&world, earliest_us), earliest_us);
		}
		tact_arena_free(&world.arena);
	}
	tell("suppression", &outcome, true);
}
END_TEST

/* ---- territories -------------------------------------------------------------------------------- */

static bool is_local(const struct world *world)
{
	for (size_t i = 0; i < world->set.owners_count; i++)
		if (strcasecmp(world->owners[i].name, world->facts.owner) == 0)
			return world->owners[i].local;
	return false;
}

START_TEST(territories_know_no_time)
{
	struct world world = {.seed = oracle_seed("territory")};
	struct outcome outcome = {0};

	for (int i = 0; i < 3000; i++) {
		const char *home;
		int64_t t_us = random_time(&world), earliest_us;
		bool may;

		open_world(&world, TACT_RULE_TERRITORY);
		world.owners[0] = (struct tact_owner){.name = "LEEDS", .local = below(&world, 4) != 0};
		world.owners[1] = (struct tact_owner){.name = "York", .local = below(&world, 4) != 0};
		world.owners[2] = (struct tact_owner){.name = "head"};
		world.set.owners_count = (size_t)below(&world, 4);
		world.rule.territory.reject_unknown = below(&world, 2) == 0;
		home = world.dossier.profile.home_owner = pick(&world);
		may = !is_local(&world) || (*home == '\0' ? !world.rule.territory.reject_unknown
							  : strcasecmp(home, world.facts.owner) == 0);
		{
			struct tact_question question = {.rules = &world.set,
			    .facts = &world.facts,
			    .dossier = &world.dossier,
			    .now_us = t_us,
			    .made_us = t_us,
			    .not_after_us = t_us + DAY_US};
			struct tact_opinion opinion;

			tact_policy_ask(world.arena, &question, &opinion);
			earliest_us = opinion.verdict == TACT_ACCEPT ? t_us : INT64_MAX;
			ck_assert_int_eq(opinion.findings[0].until_us, may ? 0 : INT64_MAX);
		}
		note(&outcome, t_us, earliest_us);
		ck_assert_int_eq(earliest_us == t_us, may);
		tact_arena_free(&world.arena);
	}
	tell("territory", &outcome, false);
}
END_TEST

/* ---- breakers ----------------------------------------------------------------------------------- */

static void random_health(struct world *world)
{
	struct tact_breaker *breaker = &world->rule.breaker;
	static const int64_t windows_s[] = {0, 3600, 5 * 3600, 86400};

	breaker->about = (enum tact_breaker_about)below(world, 3);
	breaker->complaints_milli = below(world, 3) == 0 ? -1 : below(world, 4) * 1000;
	breaker->unsubscribes_milli = below(world, 3) == 0 ? -1 : below(world, 4) * 1000;
	breaker->bounces_milli = -1;
	breaker->at_least = 1 + below(world, 300);
	breaker->window_s = windows_s[below(world, 4)];
	world->view = (struct tact_campaign_view){.record = {.name = "Spring",
						      .state = (enum tact_campaign_state)below(world, 5),
						      .made_us = 1,
						      .by = "",
						      .why = "",
						      .tripped_by = "",
						      .tripped_why = ""},
	    .hours = world->hours,
	    .hours_count = (size_t)below(world, MOST + 1)};
	for (size_t i = 0; i < world->view.hours_count; i++)
		world->hours[i] = (struct tact_campaign_hour){
		    .hour = BASE_US / HOUR_US + (int64_t)i * 3,
		    .health = {.sent = below(world, 3) * 100,
			.complaints = below(world, 6),
			.unsubscribes = below(world, 6)},
		};
}

static bool is_too_much(int64_t count, int64_t sent, int64_t most_milli)
{
	return most_milli >= 0 && (double)count / (double)sent * 100000 > (double)most_milli + 1e-6;
}

static bool is_stopped(const struct world *world, int64_t now_us)
{
	const struct tact_breaker *breaker = &world->rule.breaker;
	int64_t sent = 0, complaints = 0, unsubscribes = 0;

	if (breaker->about != TACT_BREAKER_RATES)
		return world->view.record.state == (breaker->about == TACT_BREAKER_PAUSED
							   ? TACT_CAMPAIGN_PAUSED
							   : TACT_CAMPAIGN_CANCELLED);
	for (size_t i = 0; i < world->view.hours_count; i++) {
		int64_t end_us = (world->hours[i].hour + 1) * HOUR_US;

		if (breaker->window_s != 0 && end_us <= now_us - breaker->window_s * 1000000)
			continue;
		sent += world->hours[i].health.sent;
		complaints += world->hours[i].health.complaints;
		unsubscribes += world->hours[i].health.unsubscribes;
	}
	return sent >= breaker->at_least && (is_too_much(complaints, sent, breaker->complaints_milli) ||
						is_too_much(unsubscribes, sent, breaker->unsubscribes_milli));
}

START_TEST(breakers_hold_until_the_latest_time_there_is)
{
	struct world world = {.seed = oracle_seed("breaker")};
	struct outcome outcome = {0};

	for (int i = 0; i < 4000; i++) {
		struct tact_campaigns campaigns = {.views = &world.view, .count = 1};
		struct tact_question question = {.rules = &world.set,
		    .facts = &world.facts,
		    .dossier = &world.dossier,
		    .campaigns = &campaigns};
		struct tact_opinion opinion;
		int64_t now_us;

		open_world(&world, TACT_RULE_BREAKER);
		random_health(&world);
		now_us = BASE_US + below(&world, 40) * HOUR_US + below(&world, 3) - 1;
		question.now_us = question.made_us = now_us;
		question.not_after_us = now_us + below(&world, 3) * DAY_US;
		tact_policy_ask(world.arena, &question, &opinion);
		if (!is_stopped(&world, now_us)) {
			ck_assert_int_eq(opinion.verdict, TACT_ACCEPT);
			note(&outcome, now_us, now_us);
		} else if (question.not_after_us == now_us) {
			ck_assert_int_eq(opinion.verdict, TACT_REJECT);
			note(&outcome, now_us, INT64_MAX);
		} else {
			ck_assert_int_eq(opinion.verdict, TACT_DELAY);
			ck_assert_int_eq(opinion.until_us, question.not_after_us);
			note(&outcome, now_us, opinion.until_us);
		}
		tact_arena_free(&world.arena);
	}
	tell("breaker", &outcome, true);
}
END_TEST

/* ---- content ------------------------------------------------------------------------------------ */

/* One letter to a set; the text is made of letters. */
static struct tact_pattern *patterns[3];
static const char *const letters[] = {"a", "b", "c"};

static void random_sets(
    struct world *world, struct tact_names *names_of, const struct tact_pattern_set **sets)
{
	struct tact_pattern_set *array = tact_arena_alloc(world->arena, 2 * sizeof *array);
	const char **words = tact_arena_alloc(world->arena, 2 * sizeof *words);

	names_of->count = (size_t)below(world, 3);
	for (size_t i = 0; i < names_of->count; i++) {
		int64_t which = below(world, 3);

		words[i] = letters[which];
		array[i] = (struct tact_pattern_set){
		    words[i], (const struct tact_pattern *const *)&patterns[which], 1};
	}
	names_of->names = words;
	*sets = array;
}

static enum tact_answer fires(const struct world *world, const struct tact_content *content)
{
	const struct tact_content_rule *rule = &world->rule.content;
	bool broken = false, lacks = false;

	for (size_t i = 0; i < rule->must_not.count; i++)
		broken = broken || strstr(content->text, rule->must_not.names[i]) != NULL;
	for (size_t i = 0; i < rule->must.count; i++)
		lacks = lacks || strstr(content->text, rule->must.names[i]) == NULL;
	if (broken || (lacks && content->unreadable == NULL))
		return TACT_YES;
	return content->unreadable != NULL && rule->must.count + rule->must_not.count > 0 ? TACT_CANNOT_TELL
											  : TACT_NO;
}

START_TEST(what_a_message_says_does_not_change_with_time)
{
	static const char *const texts[] = {"", "a", "b", "xay", "abc", "xyz"};
	static const enum tact_verdict unreadable[] = {TACT_ACCEPT, TACT_REJECT};
	struct world world = {.seed = oracle_seed("content")};
	struct outcome outcome = {0};

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(tact_facts_compile_search(letters[i], &patterns[i], NULL), TACT_OK);
	for (int i = 0; i < 3000; i++) {
		const struct tact_envelope envelope = {.listener = "", .sender = ""};
		struct tact_content content = {.subject = "", .text = texts[below(&world, 6)]};
		int64_t t_us = random_time(&world);
		struct tact_question question = {
		    .rules = &world.set, .facts = &world.facts, .dossier = &world.dossier, .now_us = t_us};
		struct tact_opinion opinion;
		enum tact_answer answer;

		open_world(&world, TACT_RULE_CONTENT);
		random_sets(&world, &world.rule.content.must_not, &world.rule.content.must_not_sets);
		random_sets(&world, &world.rule.content.must, &world.rule.content.must_sets);
		world.rule.content.on_unreadable = unreadable[below(&world, 2)];
		content.text_bytes = strlen(content.text);
		content.unreadable = below(&world, 4) == 0 ? "it is torn" : NULL;
		question.contents = tact_policy_read_content(world.arena, &world.set, &world.facts,
		    tact_facts_new_message(world.arena, &envelope), &content);
		question.made_us = t_us;
		question.not_after_us = t_us + below(&world, 9) * DAY_US;
		tact_policy_ask(world.arena, &question, &opinion);
		answer = fires(&world, &content);
		note(&outcome, t_us, opinion.verdict == TACT_ACCEPT ? t_us : INT64_MAX);
		ck_assert_int_eq(opinion.verdict,
		    answer == TACT_NO ||
			    (answer == TACT_CANNOT_TELL && world.rule.content.on_unreadable == TACT_ACCEPT)
			? TACT_ACCEPT
			: TACT_REJECT);
		ck_assert_int_eq(earliest(&world, t_us), t_us);
		tact_arena_free(&world.arena);
	}
	for (int i = 0; i < 3; i++)
		tact_facts_free_pattern(&patterns[i]);
	tell("content", &outcome, false);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy: kinds");
	TCase *tcase = tcase_create("properties");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 300);
	tcase_add_test(tcase, suppressions_hold_until_the_last_ends);
	tcase_add_test(tcase, territories_know_no_time);
	tcase_add_test(tcase, breakers_hold_until_the_latest_time_there_is);
	tcase_add_test(tcase, what_a_message_says_does_not_change_with_time);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

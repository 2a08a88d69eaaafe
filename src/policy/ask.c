/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The one that asks every rule and sums up: findings, the place, the verdict and the words of the reply. What
 * a rule means is the matter of its own file.
 */
#include <config.h>

#include "engine.h"

/* A reply has 200 characters; what is put before and behind the first part has less than 60. */
#define FIRST_PART_MAX 140

/* Where in time a mail stands. */
struct course {
	int64_t place_us; /* what is held against not_after */
	/* when it would go: now or its place; rules for cadence are asked here. Now, too, when nobody knows:
	 * the place of what is stopped is only the latest there is */
	int64_t at_us;
	int64_t since_us; /* it has been due since then; NEVER when it is not a claim that is due */
	bool waits;	  /* its place is still to come */
	bool late;	  /* there is no place in time */
};

/* ---- the place ---------------------------------------------------------------------------------- */

/* A claim that is due has been promised its place: it is not asked again about what lies behind the windows
 * it was given. */
static bool is_still_due(const struct asker *asker, int64_t since_us, int64_t now_us)
{
	const struct tact_rule_set *rules = asker->book->rules;

	for (size_t i = 0; i < rules->rules_count; i++) {
		const struct kind *kind = &policy_kinds[rules->rules[i].kind];

		if (!asker->seats[i].applies || !policy_delays(&rules->rules[i]))
			continue;
		if (kind->holds != NULL && kind->holds(asker, i, since_us, now_us))
			continue;
		if (kind->earliest(asker, i, now_us) > now_us)
			return false;
	}
	return true;
}

/* The mail's own, or NULL. */
static const struct tact_claim *own_claim(const struct tact_question *question)
{
	for (size_t i = 0; i < question->dossier->claims_count; i++)
		if (tact_id_equal(&question->dossier->claims[i].id, &question->claim))
			return &question->dossier->claims[i];
	return NULL;
}

static bool is_tempfail(const struct tact_question *question)
{
	const struct tact_claim *own = own_claim(question);

	return own != NULL && own->tempfail;
}

/* What is firm keeps its place: it goes neither later nor earlier. */
static int64_t sought_from(const struct tact_question *question)
{
	const struct tact_claim *own = own_claim(question);
	int64_t from_us = question->made_us < question->now_us ? question->made_us : question->now_us;

	return own != NULL && own->firm && own->firm_us > from_us ? own->firm_us : from_us;
}

static void find_course(const struct tact_question *question, struct asker *asker, struct course *ret)
{
	int64_t now_us = question->now_us;
	int64_t from_us = sought_from(question);
	int64_t place_us = policy_place(asker, &question->claim, from_us, question->not_after_us);
	const struct tact_rule_set *rules = asker->book->rules;

	*ret = (struct course){.place_us = place_us, .at_us = now_us, .since_us = POLICY_NEVER};
	if (from_us < now_us && place_us <= now_us) {
		if (place_us <= question->not_after_us &&
		    now_us < policy_lapse(place_us, asker->book->freed_us, question->not_after_us,
				 is_tempfail(question)) &&
		    is_still_due(asker, place_us, now_us)) {
			ret->since_us = place_us;
			return;
		}
		for (size_t i = 0; i < rules->rules_count; i++)
			if (policy_delays(&rules->rules[i]))
				asker->seats[i].pushed_us = POLICY_NEVER;
		ret->place_us = policy_place(asker, &question->claim, now_us, question->not_after_us);
	}
	ret->late = ret->place_us > question->not_after_us;
	ret->waits = !ret->late && ret->place_us > now_us;
	if (ret->waits && !asker->stopped)
		ret->at_us = ret->place_us;
}

/* ---- the findings ------------------------------------------------------------------------------- */

/* Answers the time at which the rule was asked. */
static int64_t judge(const struct asker *asker, size_t rule, const struct course *course, int64_t now_us,
    struct tact_finding *ret)
{
	const struct seat *seat = &asker->seats[rule];
	const struct kind *kind = &policy_kinds[ret->rule->kind];
	int64_t again_us = course->at_us, t_us = now_us;

	if (policy_delays(ret->rule)) {
		if (course->since_us != POLICY_NEVER && kind->holds != NULL &&
		    kind->holds(asker, rule, course->since_us, now_us))
			t_us = course->since_us;
		again_us = course->waits && seat->pushed_us != POLICY_NEVER ? seat->pushed_us : t_us;
	} else if (ret->rule->monitor) {
		again_us = t_us;
	} else if (!kind->now_too) {
		t_us = again_us;
	}
	kind->judge(asker, rule, t_us, ret);
	if (ret->fired || again_us == t_us)
		return t_us;
	kind->judge(asker, rule, again_us, ret);
	return again_us;
}

static void find(const struct asker *asker, const struct course *course, int64_t now_us,
    struct tact_opinion *ret, int64_t *ret_asked_us)
{
	const struct tact_rule_set *rules = asker->book->rules;

	ret->findings = tact_arena_alloc(asker->book->arena, rules->rules_count * sizeof *ret->findings);
	for (size_t i = 0; i < rules->rules_count; i++) {
		struct tact_finding *finding;

		if (!asker->seats[i].applies)
			continue;
		finding = &ret->findings[ret->findings_count];
		*finding =
		    (struct tact_finding){.rule = &rules->rules[i], .why = "", .holder = "", .held_by = ""};
		ret_asked_us[ret->findings_count++] = judge(asker, i, course, now_us, finding);
		if (!finding->fired)
			finding->verdict = TACT_ACCEPT;
		else if (finding->verdict == TACT_ACCEPT)
			finding->verdict = finding->rule->action;
		if (finding->verdict != TACT_DELAY)
			finding->until_us = 0;
	}
}

static void weigh(struct tact_arena *arena, const struct tact_question *question, struct tact_opinion *ret)
{
	const struct tact_dossier *dossier = question->dossier;

	ret->weighed = tact_arena_alloc(arena, dossier->suppressions_count * sizeof *ret->weighed);
	for (size_t i = 0; i < dossier->suppressions_count; i++)
		if (tact_dossier_scope_covers(&dossier->suppressions[i].scope, question->facts))
			ret->weighed[ret->weighed_count++] = &dossier->suppressions[i];
}

/* ---- the sum ------------------------------------------------------------------------------------ */

/* Who looked at the message has not looked at who gets it. */
static bool is_forgiven(const struct tact_finding *finding, const struct tact_question *question)
{
	return policy_kinds[finding->rule->kind].about_people ? question->cleared : question->released;
}

/* What a finding does here and now. turned: it is a reject only because it cannot be what it says. */
static enum tact_verdict effect(const struct tact_finding *finding, const struct tact_question *question,
    const struct course *course, bool *ret_turned)
{
	*ret_turned = false;
	if (!finding->fired || finding->rule->monitor)
		return TACT_ACCEPT;
	if (finding->verdict == TACT_QUARANTINE && is_forgiven(finding, question))
		return TACT_ACCEPT;
	if (finding->verdict == TACT_DELAY && !course->waits && !course->late)
		return TACT_ACCEPT;
	if (finding->verdict == TACT_REJECT)
		return TACT_REJECT;
	*ret_turned = question->no_waiting || (finding->verdict == TACT_DELAY && course->late);
	return *ret_turned ? TACT_REJECT : finding->verdict;
}

/* Which finding makes the verdict: the first of the strictest; one that means to reject before one that must,
 * and of those one that no time would satisfy before one that time would. */
static size_t find_strictest(const struct tact_question *question, const struct course *course,
    struct tact_opinion *ret, bool *ret_turned)
{
	size_t strictest = ret->findings_count;
	int most = 0;

	*ret_turned = false;
	for (size_t i = 0; i < ret->findings_count; i++) {
		bool turned;
		enum tact_verdict verdict = effect(&ret->findings[i], question, course, &turned);
		int strictness = 4 * (int)verdict - 2 * turned;

		if (turned && course->late && ret->findings[i].until_us == POLICY_NEVER)
			strictness++;

		if (strictness <= most)
			continue;
		most = strictness;
		strictest = i;
		ret->verdict = verdict;
		*ret_turned = turned;
	}
	return strictest;
}

static const char *first_part(const struct asker *asker, const struct tact_finding *finding, int64_t asked_us)
{
	struct tact_arena *arena = asker->book->arena;
	const char *words = finding->rule->text;

	if (words == NULL)
		words = policy_kinds[finding->rule->kind].words(asker, finding, asked_us);
	return tact_text_printable(arena, words, FIRST_PART_MAX);
}

static bool is_open_ended(const struct tact_opinion *opinion)
{
	return opinion->rule != NULL && policy_kinds[opinion->rule->kind].open_ended;
}

static bool is_discreet(const struct tact_finding *finding)
{
	return policy_kinds[finding->rule->kind].discreet;
}

/* A place that such a rule gave tells what day it is. */
static bool gives_away(const struct tact_opinion *opinion)
{
	for (size_t i = 0; i < opinion->findings_count; i++)
		if (opinion->findings[i].verdict == TACT_DELAY && !opinion->findings[i].rule->monitor &&
		    is_discreet(&opinion->findings[i]))
			return true;
	return false;
}

static const char *place_words(struct tact_arena *arena, const char *first, const struct course *course,
    const struct tact_opinion *opinion)
{
	const char *comma = *first == '\0' ? "" : ", ";

	if (gives_away(opinion))
		return JOIN(arena, first, comma, "kept for its time");
	if (is_open_ended(opinion))
		return JOIN(arena, first, comma, "waits until ",
		    policy_format_minute(arena, course->place_us), " at the latest");
	return JOIN(arena, first, comma, "next place ", policy_format_minute(arena, course->place_us));
}

static const char *late_words(struct tact_arena *arena, const struct tact_question *question,
    const char *first, const struct tact_finding *finding)
{
	const char *comma = *first == '\0' ? "" : ", ";

	if (finding != NULL && is_discreet(finding))
		return finding->until_us == POLICY_NEVER ? first : JOIN(arena, first, ", no place in time");
	return JOIN(
	    arena, first, comma, "no place before ", policy_format_minute(arena, question->not_after_us));
}

static void put_into_words(struct tact_arena *arena, const struct tact_question *question,
    const struct course *course, const char *first, const struct tact_finding *finding, bool turned,
    struct tact_opinion *ret)
{
	const char *text = first;

	ret->code = ret->verdict == TACT_REJECT ? "5.7.1" : "4.7.1";
	switch (ret->verdict) {
	case TACT_ACCEPT:
		ret->code = "2.0.0";
		text = "accepted";
		break;
	case TACT_DELAY:
		text = place_words(arena, first, course, ret);
		break;
	case TACT_QUARANTINE:
		text = JOIN(arena, "held for review: ", first);
		break;
	case TACT_REJECT:
		if (turned && course->late)
			text = late_words(arena, question, first, finding);
		break;
	}
	ret->text = text;
}

static void conclude(const struct asker *asker, const struct tact_question *question,
    const struct course *course, const int64_t *asked_us, struct tact_opinion *ret)
{
	bool turned;
	size_t i = find_strictest(question, course, ret, &turned);
	const struct tact_finding *finding = i < ret->findings_count ? &ret->findings[i] : NULL;
	const char *first = "";

	if (finding != NULL) {
		ret->rule = finding->rule;
		first = first_part(asker, finding, asked_us[i]);
	} else if (course->late) {
		/* A mail that comes after its time is stale, whether or not a rule still holds it. */
		ret->verdict = TACT_REJECT;
		turned = true;
	} else if (course->waits) {
		/* No rule holds it now, but it is firm, and its place is still to come. */
		ret->verdict = TACT_DELAY;
	}
	if (ret->verdict == TACT_DELAY)
		ret->until_us = course->place_us;
	put_into_words(asker->book->arena, question, course, first, finding, turned, ret);
}

void tact_policy_ask(struct tact_arena *arena, const struct tact_question *question, struct tact_opinion *ret)
{
	const struct tact_claim *own = own_claim(question);
	const struct rank rank = {.priority = question->facts->priority,
	    .made_us = question->rank_us != 0 ? question->rank_us : question->made_us,
	    .id = &question->claim,
	    .firm = own != NULL && own->firm,
	    .firm_us = own != NULL ? own->firm_us : 0};
	int64_t *asked_us = tact_arena_alloc(arena, question->rules->rules_count * sizeof *asked_us);
	struct book book;
	struct asker asker;
	struct course course;
	uint32_t names[NAMES];
	int64_t from_us = question->made_us < question->now_us ? question->made_us : question->now_us;

	*ret = (struct tact_opinion){.verdict = TACT_ACCEPT};
	policy_book_open(&book, arena, question->rules, question->dossier, question->dossier->claims_count,
	    policy_first_made(question->dossier, from_us));
	book.campaigns = question->campaigns;
	policy_book_name(&book, question->facts, names);
	policy_place_claims(&book, &rank, question->now_us, NULL);
	policy_sit(
	    &asker, &book, question->facts, &question->contact, question->contact_from_us, from_us, true);
	asker.question = question;
	find_course(question, &asker, &course);
	find(&asker, &course, question->now_us, ret, asked_us);
	weigh(arena, question, ret);
	conclude(&asker, question, &course, asked_us, ret);
}

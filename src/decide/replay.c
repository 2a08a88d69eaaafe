/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One person's past under other rules: the mails of a period asked again, each with what could be known then,
 * and each counted from when it would have gone.
 */
#include <config.h>

#include <string.h>

#include "private.h"

#define BUMPS_MAX 1000 /* of one mail: then it is left waiting */

/* Which campaigns ran at that time is not known any more: none is held to have been stopped, none planned. */
static const struct tact_campaigns no_campaigns;

struct replay {
	struct tact_arena *arena;
	const struct tact_rule_set *rules;
	const struct tact_dossier *known; /* as it stands now */
	struct tact_dossier then;	  /* as it would stand at now_us */
	int64_t from_us, until_us, now_us;
	struct tact_past *past;
	size_t count, next;
};

/* ---- what was known ---- */

/* A mail of this relay's, which the replay decides anew. */
static bool is_ours(const struct tact_contact *contact)
{
	return contact->channel == TACT_EMAIL && contact->direction == TACT_OUT && *contact->stream != '\0';
}

static void recall_contacts(struct replay *replay)
{
	const struct tact_dossier *known = replay->known;
	struct tact_dossier *then = &replay->then;

	then->contacts = tact_arena_alloc(
	    replay->arena, (known->contacts_count + replay->count + 1) * sizeof *then->contacts);
	then->contacts_count = 0;
	for (size_t i = 0; i < known->contacts_count; i++)
		if (known->contacts[i].time_us < replay->from_us || !is_ours(&known->contacts[i]))
			then->contacts[then->contacts_count++] = known->contacts[i];
}

/* Calls and visits of which nobody could know yet. */
static void forget_the_future(struct replay *replay, struct tact_dossier *view)
{
	size_t kept = 0;

	view->contacts = tact_arena_copy(replay->arena, replay->then.contacts,
	    replay->then.contacts_count * sizeof *replay->then.contacts);
	for (size_t i = 0; i < view->contacts_count; i++)
		if (view->contacts[i].time_us <= replay->now_us)
			view->contacts[kept++] = view->contacts[i];
	view->contacts_count = kept;
}

static int64_t ended_then(int64_t ended_us, int64_t now_us)
{
	return ended_us > now_us ? 0 : ended_us;
}

static void recall_wishes(const struct replay *replay, struct tact_dossier *view)
{
	const struct tact_dossier *known = replay->known;

	view->suppressions =
	    tact_arena_alloc(replay->arena, (known->suppressions_count + 1) * sizeof *view->suppressions);
	view->suppressions_count = 0;
	for (size_t i = 0; i < known->suppressions_count; i++) {
		struct tact_suppression one = known->suppressions[i];

		if (one.time_us > replay->now_us)
			continue;
		one.ended_us = ended_then(one.ended_us, replay->now_us);
		view->suppressions[view->suppressions_count++] = one;
	}
}

static void recall_consents(const struct replay *replay, struct tact_dossier *view)
{
	const struct tact_dossier *known = replay->known;

	view->consents =
	    tact_arena_alloc(replay->arena, (known->consents_count + 1) * sizeof *view->consents);
	view->consents_count = 0;
	for (size_t i = 0; i < known->consents_count; i++) {
		struct tact_consent one = known->consents[i];

		if (one.time_us > replay->now_us)
			continue;
		one.ended_us = ended_then(one.ended_us, replay->now_us);
		view->consents[view->consents_count++] = one;
	}
}

static struct tact_dossier view_of(struct replay *replay)
{
	struct tact_dossier view = replay->then;

	forget_the_future(replay, &view);
	recall_wishes(replay, &view);
	recall_consents(replay, &view);
	return view;
}

/* ---- one question ---- */

/* Names the mail's claim: all replays of one past give the same. */
static struct tact_id id_of(size_t index)
{
	struct tact_id id = {{0}};
	uint64_t number = index + 1;

	memcpy(id.b + sizeof id.b - sizeof number, &number, sizeof number);
	return id;
}

static bool fired_then(const struct tact_past *mail, const struct tact_rule *rule)
{
	for (size_t i = 0; i < mail->content.count; i++)
		if (rule->kind == TACT_RULE_CONTENT &&
		    tact_text_equal_nocase(mail->content.names[i], rule->name))
			return true;
	return false;
}

/* A domain that no rule finds foreign. */
static const char *domain_of(const struct tact_rule_set *rules, const char *brand)
{
	for (size_t i = 0; i < rules->brands_count; i++)
		if (tact_text_equal_nocase(rules->brands[i].name, brand) &&
		    rules->brands[i].domains.count > 0)
			return rules->brands[i].domains.names[0];
	return "";
}

static const struct tact_contents *content_then(struct replay *replay, const struct tact_past *mail)
{
	size_t count = replay->rules->rules_count;
	struct tact_content_answer *answers = tact_arena_alloc(replay->arena, count * sizeof *answers);
	struct tact_contents *contents = tact_arena_alloc(replay->arena, sizeof *contents);

	for (size_t i = 0; i < count; i++)
		answers[i] = fired_then(mail, &replay->rules->rules[i])
				 ? (struct tact_content_answer){.fires = TACT_YES,
				       .words = "as it was then",
				       .why = "as it was then"}
				 : (struct tact_content_answer){.fires = TACT_NO, .words = "", .why = ""};
	contents->answers = answers;
	contents->from_domain = domain_of(replay->rules, mail->facts.brand);
	return contents;
}

static void ask(struct replay *replay, size_t index, const struct tact_claim *claim, struct tact_opinion *ret)
{
	const struct tact_past *mail = &replay->past[index];
	struct tact_dossier view = view_of(replay);
	const struct candidate candidate = {
	    .rules = replay->rules,
	    .stream = mail->stream,
	    .facts = &mail->facts,
	    .view = &view,
	    .claim_id = id_of(index),
	    .now_us = replay->now_us,
	    .made_us = mail->at_us,
	    .not_after_us =
		claim != NULL ? claim->not_after_us : mail->at_us + mail->stream->max_delay_s * 1000000,
	    .campaigns = &no_campaigns,
	    .contents = content_then(replay, mail),
	};

	candidate_ask(replay->arena, &candidate, ret);
}

static const char *holder_of(const struct tact_opinion *opinion)
{
	for (size_t i = 0; i < opinion->findings_count; i++)
		if (opinion->findings[i].rule == opinion->rule)
			return opinion->findings[i].holder;
	return "";
}

static void take_first(struct tact_past *mail, const struct tact_opinion *opinion)
{
	mail->verdict = opinion->verdict;
	mail->rule = opinion->rule != NULL ? opinion->rule->name : "";
	mail->holder = holder_of(opinion);
	mail->until_us = opinion->verdict == TACT_DELAY ? opinion->until_us : 0;
}

/* ---- what comes of it ---- */

static void let_wait(struct replay *replay, size_t index)
{
	const struct tact_past *mail = &replay->past[index];
	struct tact_claim claim = {
	    .id = id_of(index),
	    .state = TACT_CLAIM_WAITING,
	    .priority = mail->facts.priority,
	    .made_us = mail->at_us,
	    .not_after_us = mail->at_us + mail->stream->max_delay_s * 1000000,
	    .facts = mail->facts,
	    .relay = "",
	    .ring = "",
	    .text = "",
	    .code = "",
	};

	if (!tact_dossier_add_claim(replay->arena, &replay->then, &claim))
		replay->past[index].end = TACT_REJECT; /* too much waits already */
}

static void settle(struct replay *replay, size_t index, const struct tact_opinion *opinion)
{
	struct tact_past *mail = &replay->past[index];

	mail->end = opinion->verdict;
	mail->end_us =
	    opinion->verdict == TACT_ACCEPT || opinion->verdict == TACT_REJECT ? replay->now_us : 0;
	if (opinion->verdict == TACT_ACCEPT) {
		struct tact_id id = id_of(index);

		replay->then.contacts[replay->then.contacts_count++] =
		    contact_of(&mail->facts, &id, replay->now_us);
	}
}

static void remove_claim(struct tact_dossier *dossier, size_t at)
{
	dossier->claims_count--;
	memmove(&dossier->claims[at], &dossier->claims[at + 1],
	    (dossier->claims_count - at) * sizeof *dossier->claims);
}

static size_t index_of(const struct tact_claim *claim)
{
	uint64_t number;

	memcpy(&number, claim->id.b + sizeof claim->id.b - sizeof number, sizeof number);
	return (size_t)number - 1;
}

/* The claim whose place comes first, and when; claims_count when none has one before UNTIL_US. */
static size_t first_due(struct replay *replay, int64_t *ret_at_us)
{
	struct tact_dossier view = view_of(replay);
	size_t n = view.claims_count, first = n;
	int64_t *places = tact_arena_alloc(replay->arena, (n + 1) * sizeof *places);

	tact_policy_places(replay->arena, replay->rules, &no_campaigns, &view, replay->now_us, places);
	for (size_t i = 0; i < n; i++) {
		/* None in time, or lapsed while others were looked at: asked now, to be told so. */
		int64_t at_us =
		    places[i] == INT64_MAX || places[i] < replay->now_us ? replay->now_us : places[i];

		if (at_us >= replay->until_us || (first < n && at_us >= *ret_at_us))
			continue;
		first = i;
		*ret_at_us = at_us;
	}
	return first;
}

static void ask_at_place(struct replay *replay, size_t at)
{
	struct tact_claim claim = replay->then.claims[at];
	size_t index = index_of(&claim);
	struct tact_opinion opinion;

	ask(replay, index, &claim, &opinion);
	if (opinion.verdict == TACT_DELAY && ++claim.bumps < BUMPS_MAX) {
		claim.asked_us = replay->now_us; /* bumped: its place is another now */
		replay->then.claims[at] = claim;
		return;
	}
	remove_claim(&replay->then, at);
	settle(replay, index, &opinion);
}

static void ask_next_mail(struct replay *replay)
{
	size_t index = replay->next++;
	struct tact_past *mail = &replay->past[index];
	struct tact_opinion opinion;

	replay->now_us = mail->at_us;
	ask(replay, index, NULL, &opinion);
	take_first(mail, &opinion);
	settle(replay, index, &opinion);
	if (opinion.verdict == TACT_DELAY)
		let_wait(replay, index);
}

void tact_decide_replay(struct tact_arena *arena, const struct tact_rule_set *rules,
    const struct tact_dossier *dossier, int64_t from_us, int64_t until_us, struct tact_past *past,
    size_t count)
{
	struct replay replay = {.arena = arena,
	    .rules = rules,
	    .known = dossier,
	    .then = *dossier,
	    .from_us = from_us,
	    .until_us = until_us,
	    .now_us = from_us,
	    .past = past,
	    .count = count};

	recall_contacts(&replay);
	replay.then.claims = NULL;
	replay.then.claims_count = 0;
	for (;;) {
		int64_t due_us = until_us;
		size_t due = replay.then.claims_count > 0 ? first_due(&replay, &due_us) : 0;
		bool some_due = due < replay.then.claims_count;

		if (some_due && (replay.next == count || due_us <= past[replay.next].at_us)) {
			replay.now_us = due_us;
			ask_at_place(&replay, due);
		} else if (replay.next < count) {
			ask_next_mail(&replay);
		} else {
			return;
		}
	}
}

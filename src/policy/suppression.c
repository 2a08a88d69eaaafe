/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The rule "suppression": what the recipient, or who speaks for him, does not want to be sent. Limits and
 * places are elsewhere.
 */
#include <config.h>

#include <string.h>

#include "engine.h"

/* ---- does one suppression cover? ---------------------------------------------------------------- */

static bool is_over(int64_t end_us, int64_t t_us)
{
	return end_us != 0 && end_us <= t_us;
}

/* An erasure, a hard bounce or an officer's entry is nothing that a new opt-in answers. */
static bool can_be_lifted(enum tact_reason reason)
{
	return reason == TACT_UNSUBSCRIBE || reason == TACT_COMPLAINT || reason == TACT_PAUSE ||
	       reason == TACT_TOPIC;
}

/* The person's own word, later than the suppression, and for its own scope only. A file is nobody's word. */
static bool is_lifted(const struct tact_suppression *suppression, const struct tact_dossier *dossier,
    const struct tact_facts *facts, int64_t t_us)
{
	if (!can_be_lifted(suppression->reason))
		return false;
	for (size_t i = 0; i < dossier->consents_count; i++) {
		const struct tact_consent *consent = &dossier->consents[i];

		if (consent->basis == TACT_EXPRESS && !consent->imported &&
		    consent->time_us > suppression->time_us && !is_over(consent->until_us, t_us) &&
		    !is_over(consent->ended_us, t_us) && tact_dossier_scope_covers(&consent->scope, facts))
			return true;
	}
	return false;
}

/* When it was made does not matter: a wish recorded by a clock that is ahead is a wish. */
bool tact_policy_suppression_covers(const struct tact_suppression *suppression,
    const struct tact_dossier *dossier, const struct tact_facts *facts, int64_t t_us)
{
	unsigned purposes = suppression->purposes;

	if (purposes == 0)
		purposes = tact_dossier_reason_purposes(suppression->reason);
	return (purposes >> (unsigned)facts->purpose & 1) && !is_over(suppression->until_us, t_us) &&
	       !is_over(suppression->ended_us, t_us) &&
	       tact_dossier_scope_covers(&suppression->scope, facts) &&
	       !is_lifted(suppression, dossier, facts, t_us);
}

/* ---- the rule ----------------------------------------------------------------------------------- */

static int64_t end_of(const struct tact_suppression *suppression)
{
	int64_t until_us = suppression->until_us == 0 ? POLICY_NEVER : suppression->until_us;

	return suppression->ended_us != 0 && suppression->ended_us < until_us ? suppression->ended_us
									      : until_us;
}

/* Which of two is cited: the one that covers longer, then the earlier, then the smaller id. */
static bool is_stronger(const struct tact_suppression *a, const struct tact_suppression *b)
{
	if (end_of(a) != end_of(b))
		return end_of(a) > end_of(b);
	if (a->time_us != b->time_us)
		return a->time_us < b->time_us;
	return memcmp(&a->id, &b->id, sizeof a->id) < 0;
}

static const struct tact_suppression *find_strongest(const struct asker *asker, int64_t t_us)
{
	const struct tact_dossier *dossier = asker->book->dossier;
	const struct tact_suppression *strongest = NULL;

	for (size_t i = 0; i < dossier->suppressions_count; i++) {
		const struct tact_suppression *suppression = &dossier->suppressions[i];

		if (tact_policy_suppression_covers(suppression, dossier, asker->facts, t_us) &&
		    (strongest == NULL || is_stronger(suppression, strongest)))
			strongest = suppression;
	}
	return strongest;
}

int64_t policy_suppression_earliest(const struct asker *asker, size_t rule, int64_t t_us)
{
	const struct tact_suppression *suppression;

	(void)rule;
	while (t_us != POLICY_NEVER && (suppression = find_strongest(asker, t_us)) != NULL)
		t_us = end_of(suppression);
	return t_us;
}

/* Enough for a sender to know which of his lists is meant; a name that looks like an address is not repeated.
 */
static const char *scope_words(struct tact_arena *arena, const struct tact_scope *scope)
{
	struct tact_scope bare = *scope;
	char *text;

	if (strchr(scope->value, '@') == NULL)
		return tact_dossier_format_scope(arena, scope);
	bare.value = "";
	text = tact_dossier_format_scope(arena, &bare);
	text[strcspn(text, ":")] = '\0';
	return text;
}

void policy_suppression_judge(const struct asker *asker, size_t rule, int64_t t_us, struct tact_finding *ret)
{
	struct tact_arena *arena = asker->book->arena;
	const struct tact_suppression *suppression = find_strongest(asker, t_us);

	ret->why = "no suppression covers this mail";
	if (suppression == NULL)
		return;
	ret->fired = true;
	ret->until_us = policy_suppression_earliest(asker, rule, t_us);
	ret->why = JOIN(arena, tact_dossier_reason_name(suppression->reason), " for ",
	    scope_words(arena, &suppression->scope), " since ",
	    tact_text_format_time(arena, suppression->time_us),
	    ret->until_us == POLICY_NEVER ? "" : ", until ",
	    ret->until_us == POLICY_NEVER ? "" : tact_text_format_time(arena, ret->until_us));
}

const char *policy_suppression_words(
    const struct asker *asker, const struct tact_finding *finding, int64_t t_us)
{
	static const char *const words[TACT_REASONS] = {
	    [TACT_UNSUBSCRIBE] = "recipient unsubscribed",
	    [TACT_COMPLAINT] = "recipient complained",
	    [TACT_HARD_BOUNCE] = "recipient's mailbox refused mail for good",
	    [TACT_MANUAL] = "recipient is not to be mailed",
	    [TACT_ERASURE] = "recipient asked to be erased",
	    [TACT_PAUSE] = "recipient paused mail",
	    [TACT_TOPIC] = "recipient left this topic",
	};
	const struct tact_suppression *suppression = find_strongest(asker, t_us);

	(void)finding;
	if (suppression == NULL || (size_t)suppression->reason >= TACT_REASONS)
		return "recipient is not to be mailed";
	return JOIN(asker->book->arena, words[suppression->reason], " (",
	    scope_words(asker->book->arena, &suppression->scope), ")");
}

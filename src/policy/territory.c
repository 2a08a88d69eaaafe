/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The rule "territory": a recipient belongs to one branch, and other branches do not write to him. Who is no
 * branch may.
 */
#include <config.h>

#include "engine.h"

enum answer { CENTRAL, OWN, UNKNOWN, OTHERS };

static const char *home_of(const struct asker *asker)
{
	const char *home = asker->book->dossier->profile.home_owner;

	return home == NULL ? "" : home;
}

static enum answer ask(const struct asker *asker)
{
	const struct tact_owner *owner = policy_find_owner(asker->book->rules, asker->facts->owner);
	const char *home = home_of(asker);

	if (owner == NULL || !owner->local)
		return CENTRAL;
	if (*home == '\0')
		return UNKNOWN;
	return tact_text_equal_nocase(home, owner->name) ? OWN : OTHERS;
}

static bool is_satisfied(const struct asker *asker, size_t rule, enum answer answer)
{
	if (answer == UNKNOWN)
		return !asker->book->rules->rules[rule].territory.reject_unknown;
	return answer != OTHERS;
}

int64_t policy_territory_earliest(const struct asker *asker, size_t rule, int64_t t_us)
{
	return is_satisfied(asker, rule, ask(asker)) ? t_us : POLICY_NEVER;
}

void policy_territory_judge(const struct asker *asker, size_t rule, int64_t t_us, struct tact_finding *ret)
{
	const struct tact_owner *home = policy_find_owner(asker->book->rules, home_of(asker));
	enum answer answer = ask(asker);

	(void)t_us;
	switch (answer) {
	case CENTRAL:
		ret->why = "the owner is no branch";
		break;
	case OWN:
		ret->why = "the recipient belongs to this branch";
		break;
	case UNKNOWN:
		ret->why = "the recipient belongs to nobody that is known";
		break;
	case OTHERS:
		ret->why = JOIN(asker->book->arena, "the recipient belongs to ", home_of(asker),
		    home == NULL ? ", which is no owner of this configuration" : "");
		break;
	}
	ret->fired = !is_satisfied(asker, rule, answer);
	if (!ret->fired)
		return;
	ret->until_us = POLICY_NEVER;
	if (answer == OTHERS && home != NULL)
		ret->holder = home->name;
}

const char *policy_territory_words(
    const struct asker *asker, const struct tact_finding *finding, int64_t t_us)
{
	struct tact_arena *arena = asker->book->arena;

	(void)t_us;
	if (*home_of(asker) == '\0')
		return JOIN(arena, finding->rule->name, ": it is not known whose this recipient is");
	if (*finding->holder == '\0')
		return JOIN(arena, finding->rule->name, ": recipient belongs to another owner");
	return JOIN(
	    arena, finding->rule->name, ": recipient belongs to ", finding->holder, ", which may write");
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The table of rule kinds. A new kind is a file of its own and a row here.
 */
#include <config.h>

#include "engine.h"

const struct kind policy_kinds[TACT_RULE_KINDS] = {
    [TACT_RULE_SUPPRESSION] =
	{
	    .name = "suppression",
	    .about_people = true,
	    .now_too = true,
	    .earliest = policy_suppression_earliest,
	    .judge = policy_suppression_judge,
	    .words = policy_suppression_words,
	},
    [TACT_RULE_LIMIT] =
	{
	    .name = "limit",
	    .prepare = policy_limit_prepare,
	    .earliest = policy_limit_earliest,
	    .holds = policy_limit_holds,
	    .judge = policy_limit_judge,
	    .words = policy_limit_words,
	},
    [TACT_RULE_BREAKER] =
	{
	    .name = "breaker",
	    .now_too = true,
	    .open_ended = true,
	    .concerns = policy_breaker_concerns,
	    .prepare = policy_breaker_prepare,
	    .earliest = policy_breaker_earliest,
	    .judge = policy_breaker_judge,
	    .words = policy_breaker_words,
	},
    [TACT_RULE_CONSENT] =
	{
	    .name = "consent",
	    .about_people = true,
	    .now_too = true,
	    .earliest = policy_consent_earliest,
	    .judge = policy_consent_judge,
	    .words = policy_consent_words,
	},
    [TACT_RULE_QUIET_HOURS] =
	{
	    .name = "quiet_hours",
	    .prepare = policy_quiet_prepare,
	    .earliest = policy_quiet_earliest,
	    .judge = policy_quiet_judge,
	    .words = policy_quiet_words,
	},
    [TACT_RULE_OCCASION] =
	{
	    .name = "occasion",
	    .discreet = true,
	    .prepare = policy_occasion_prepare,
	    .earliest = policy_occasion_earliest,
	    .judge = policy_occasion_judge,
	    .words = policy_occasion_words,
	},
    [TACT_RULE_TERRITORY] =
	{
	    .name = "territory",
	    .about_people = true,
	    .earliest = policy_territory_earliest,
	    .judge = policy_territory_judge,
	    .words = policy_territory_words,
	},
    [TACT_RULE_CONTENT] =
	{
	    .name = "content",
	    .earliest = policy_content_earliest,
	    .judge = policy_content_judge,
	    .words = policy_content_words,
	},
};

const char *tact_policy_rule_kind_name(enum tact_rule_kind kind)
{
	return (size_t)kind < TACT_RULE_KINDS ? policy_kinds[kind].name : "unknown";
}

bool tact_policy_is_about_people(enum tact_rule_kind kind)
{
	return (size_t)kind < TACT_RULE_KINDS && policy_kinds[kind].about_people;
}

int tact_policy_parse_rule_kind(const char *text, enum tact_rule_kind *ret)
{
	for (size_t i = 0; i < TACT_RULE_KINDS; i++)
		if (tact_text_equal(policy_kinds[i].name, text)) {
			*ret = (enum tact_rule_kind)i;
			return TACT_OK;
		}
	return TACT_INVALID;
}

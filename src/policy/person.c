/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What rules ask of the recipient's profile: where he is, and whose he is.
 */
#include <config.h>

#include "engine.h"

/* A zone that this machine does not know is none. */
const struct tact_zone *policy_person_zone(const struct asker *asker, const struct tact_zone *otherwise)
{
	const struct tact_zone *zone = tact_zone_find(asker->book->dossier->profile.zone);

	return zone == NULL ? otherwise : zone;
}

const struct tact_owner *policy_find_owner(const struct tact_rule_set *rules, const char *name)
{
	for (size_t i = 0; i < rules->owners_count; i++)
		if (tact_text_equal_nocase(rules->owners[i].name, name))
			return &rules->owners[i];
	return NULL;
}

bool tact_policy_reads_zones(const struct tact_rule_set *rules)
{
	for (size_t i = 0; i < rules->rules_count; i++)
		if (rules->rules[i].kind == TACT_RULE_QUIET_HOURS ||
		    rules->rules[i].kind == TACT_RULE_OCCASION)
			return true;
	return false;
}

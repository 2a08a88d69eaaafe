/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * When somebody who stands in for the bell looks at a dossier again.
 */
#ifndef TESTS_POLICY_WAKE_H
#define TESTS_POLICY_WAKE_H

#include <tact/policy.h>

/* The least place of a waiting claim that is on a ring, 0 for none. */
static inline int64_t wake_of(struct tact_arena *arena, const struct tact_rule_set *rules,
    const struct tact_campaigns *campaigns, const struct tact_dossier *dossier, int64_t now_us)
{
	int64_t *places = tact_arena_alloc(arena, (dossier->claims_count + 1) * sizeof *places), least_us = 0;

	tact_policy_places(arena, rules, campaigns, dossier, now_us, places);
	for (size_t i = 0; i < dossier->claims_count; i++)
		if (*dossier->claims[i].ring != '\0' && places[i] != 0 && places[i] != INT64_MAX &&
		    (least_us == 0 || places[i] < least_us))
			least_us = places[i];
	return least_us;
}

#endif

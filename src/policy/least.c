/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * at_least: how much stood in the window before the mail, and whether the history goes back far enough to
 * tell. Only what has surely happened there counts: a claim is a wish, and a folded contact may have been a
 * day earlier.
 */
#include <config.h>

#include "engine.h"

/* The window before t_us: what began at START or later is in it. */
static int64_t window_start(const struct window *window, int64_t t_us)
{
	if (window->limit->window_s > 0)
		return policy_add(policy_add(t_us, -policy_window_length(window->limit)), 1);
	return policy_window_period(window, t_us)->start_us;
}

void policy_least_tally(const struct window *window, int64_t t_us, struct least *ret)
{
	int64_t start_us = window_start(window, t_us),
		history_since_us = window->book->dossier->history_since_us;

	*ret = (struct least){.count_milli = 0};
	for (size_t i = 0; i < window->count; i++) {
		const struct entry *item = window->items[i];

		if (!item->claim && item->first_us >= start_us && item->time_us <= t_us)
			ret->count_milli += policy_window_weight(window->limit, item);
	}
	ret->satisfied = ret->count_milli >= window->limit->at_most_milli;
	ret->unknown = !ret->satisfied && (history_since_us == 0 || history_since_us > start_us);
}

/* Time takes contacts away and brings none, but for those a clock ahead has written. */
int64_t policy_least_earliest(const struct window *window, int64_t t_us)
{
	struct least least;

	for (size_t i = 0;; i++) {
		policy_least_tally(window, t_us, &least);
		if (least.satisfied || least.unknown)
			return t_us;
		while (i < window->count && window->items[i]->time_us <= t_us)
			i++;
		if (i == window->count)
			return POLICY_NEVER;
		t_us = window->items[i]->time_us;
	}
}

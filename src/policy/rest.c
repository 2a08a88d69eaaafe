/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Rest: once a limit was reached, nothing more for a time. What filled a window in the past holds mail back
 * long after that window is empty.
 *
 * An item fills a window when it makes it hold at_most or more; from then on, and until rest later, nothing
 * goes. Mail that counts must also not fill a window so shortly before a claim ahead that the claim, which
 * goes first, would have to rest; nor before a contact of a later time.
 */
#include <config.h>

#include "engine.h"

static int64_t rest_us(const struct window *window)
{
	return policy_seconds(window->limit->rest_s);
}

/* What the window that ends at t_us holds of the first COUNT items, until it is enough; and when it has not
 * that much any more. */
static int64_t sum_behind(
    const struct window *window, int64_t t_us, size_t count, int64_t enough_milli, int64_t *ret_leaves_us)
{
	const struct tact_limit *limit = window->limit;
	struct period *period = limit->window_s > 0 ? NULL : policy_window_period(window, t_us);
	int64_t length_us = policy_window_length(limit), sum_milli = 0;
	int64_t from_us = period == NULL ? policy_add(policy_add(t_us, -length_us), 1) : period->start_us;

	*ret_leaves_us = POLICY_NEVER;
	for (size_t i = count; i > 0 && sum_milli < enough_milli; i--) {
		const struct entry *item = window->items[i - 1];

		if (item->time_us < from_us)
			break;
		if (period != NULL && !policy_window_is_in(item, period, t_us))
			continue;
		sum_milli += policy_window_weight(limit, item);
		*ret_leaves_us =
		    period == NULL ? policy_add(item->time_us, length_us) : policy_window_period_end(period);
	}
	return sum_milli;
}

/* The most that a window which item I ends can hold, wherever in its span it happened. */
static int64_t sum_ended_by(const struct window *window, size_t i, int64_t enough_milli)
{
	const struct entry *item = window->items[i];
	int64_t leaves_us, early_milli = sum_behind(window, item->first_us, i + 1, enough_milli, &leaves_us);
	int64_t late_milli;

	if (item->first_us == item->time_us)
		return early_milli;
	late_milli = sum_behind(window, item->time_us, i + 1, enough_milli, &leaves_us);
	return late_milli > early_milli ? late_milli : early_milli;
}

static bool is_filled_by(const struct window *window, size_t i)
{
	int64_t at_most_milli = window->limit->at_most_milli;

	return sum_ended_by(window, i, at_most_milli) >= at_most_milli;
}

static void tally_resting(const struct window *window, int64_t t_us, size_t now, struct tally *ret)
{
	int64_t from_us = policy_add(t_us, -rest_us(window));

	for (size_t i = now; i > 0 && window->items[i - 1]->time_us > from_us; i--) {
		const struct entry *item = window->items[i - 1];

		if (!is_filled_by(window, i - 1))
			continue;
		ret->satisfied = false;
		ret->next_us = policy_add(item->time_us, rest_us(window));
		ret->count_milli = sum_ended_by(window, i - 1, INT64_MAX);
		ret->holder = item->holder;
		ret->held_by = item->facts;
		return;
	}
}

/* ---- what is ahead ----------------------------------------------------------------------------- */

/* The first from item I on that is later than END and before its rest is over, or COUNT. Contacts too: of two
 * who decide at once, the one whose clock reads later may be the first to write. */
static size_t find_disturbed(const struct window *window, size_t i, int64_t end_us)
{
	while (i < window->count && window->items[i]->time_us <= end_us)
		i++;
	return i < window->count && window->items[i]->time_us < policy_add(end_us, rest_us(window))
		   ? i
		   : window->count;
}

static void forbid_until(struct tally *tally, int64_t next_us)
{
	tally->satisfied = false;
	if (next_us > tally->next_us)
		tally->next_us = next_us;
}

/* The mail itself ends the window: it must wait until less stands behind it, or that is behind it too. */
static void tally_as_end(const struct window *window, int64_t t_us, size_t now, struct tally *ret)
{
	int64_t room_milli = window->limit->at_most_milli - window->own_milli, leaves_us, until_us;
	size_t disturbed = find_disturbed(window, now, t_us);

	if (disturbed == window->count || sum_behind(window, t_us, now, room_milli, &leaves_us) < room_milli)
		return;
	until_us = window->items[disturbed]->time_us;
	forbid_until(ret, leaves_us < until_us ? leaves_us : until_us);
}

/* What is ahead ends a window that the mail stands in before it. */
static void tally_before_end(const struct window *window, int64_t t_us, size_t now, struct tally *ret)
{
	int64_t room_milli = window->limit->at_most_milli - window->own_milli, leaves_us;
	int64_t reach_us = window->limit->window_s > 0
			       ? policy_add(t_us, policy_window_length(window->limit))
			       : policy_window_period_end(policy_window_period(window, t_us));

	for (size_t i = now; i < window->count; i++) {
		const struct entry *item = window->items[i];

		if (item->first_us < reach_us &&
		    sum_behind(window, item->first_us, i + 1, room_milli, &leaves_us) >= room_milli &&
		    find_disturbed(window, i + 1, item->time_us) < window->count)
			forbid_until(ret, item->time_us);
	}
}

void policy_rest_tally(const struct window *window, int64_t t_us, struct tally *ret)
{
	size_t now = window->count;

	*ret = (struct tally){.satisfied = true, .next_us = t_us, .holder = ""};
	while (now > 0 && window->items[now - 1]->time_us > t_us)
		now--;
	tally_resting(window, t_us, now, ret);
	if (window->own_milli == 0 || now == window->count)
		return;
	tally_as_end(window, t_us, now, ret);
	tally_before_end(window, t_us, now, ret);
}

bool policy_rest_began(const struct window *window, int64_t since_us, int64_t t_us)
{
	int64_t from_us = policy_add(t_us, -rest_us(window));

	for (size_t i = window->count; i > 0 && window->items[i - 1]->time_us > since_us; i--) {
		const struct entry *item = window->items[i - 1];

		if (!item->claim && item->time_us <= t_us && item->time_us > from_us &&
		    is_filled_by(window, i - 1))
			return true;
	}
	return false;
}

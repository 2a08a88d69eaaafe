/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The window engine: how much stands in a window, and when there is room again. Exact to the microsecond.
 * Which contacts are in it at all is limit.c's matter.
 *
 * A sliding window of length W is half open: what happened at s is in the windows that end in [s, s + W). A
 * mail at t may stand in no window that, with it, holds more than at_most: neither in one that ends at t, nor
 * in one that reaches to a claim ahead.
 */
#include <config.h>

#include "engine.h"

#define DAY_US (86400 * POLICY_SECOND_US)

int64_t policy_window_length(const struct tact_limit *limit)
{
	return policy_seconds(limit->window_s);
}

/* A little more than the longest there is, wherever clocks were changed. */
static int64_t longest_period_us(enum tact_period period)
{
	switch (period) {
	case TACT_DAY:
		return 3 * DAY_US;
	case TACT_WEEK:
		return 9 * DAY_US;
	case TACT_MONTH:
		return 33 * DAY_US;
	case TACT_QUARTER:
		return 94 * DAY_US;
	default:
		return 368 * DAY_US;
	}
}

int64_t policy_window_horizon(const struct book *book, const struct tact_limit *limit, int64_t t_us)
{
	if (limit->form == TACT_LIMIT_SINCE)
		return policy_book_answered(book, t_us);
	t_us = policy_add(
	    t_us, limit->window_s > 0 ? -policy_window_length(limit) : -longest_period_us(limit->period));
	if (limit->rest_s == 0)
		return t_us;
	/* What filled a window may be folded: up to a day earlier than it says. */
	return policy_add(policy_add(t_us, -policy_seconds(limit->rest_s)), -DAY_US);
}

/* A mail that does not count takes no place from a claim ahead of it. */
static bool is_present(const struct window *window, const struct entry *entry, int64_t t_us)
{
	return !entry->claim || window->own_milli > 0 || entry->time_us <= t_us;
}

static void hold(struct tally *tally, const struct entry *entry)
{
	tally->holder = entry->holder;
	tally->held_by = entry->facts;
}

/* Is it seen because it comes within look_ahead? Only claims are: a contact later than a place is of mail
 * that went after it. */
static bool is_ahead(const struct window *window, const struct entry *entry, int64_t t_us)
{
	return window->limit->look_ahead_s > 0 && entry->claim && entry->time_us > t_us &&
	       entry->time_us <= policy_add(t_us, policy_seconds(window->limit->look_ahead_s));
}

static bool is_counted_ahead(const struct window *window, const struct entry *entry, int64_t t_us)
{
	return is_present(window, entry, t_us) || is_ahead(window, entry, t_us);
}

void policy_window_join(struct tally *tally, const struct tally *other)
{
	if (other->count_milli > tally->count_milli) {
		tally->count_milli = other->count_milli;
		tally->holder = other->holder;
		tally->held_by = other->held_by;
	}
	if (!other->satisfied && (tally->satisfied || other->next_us > tally->next_us))
		tally->next_us = other->next_us;
	tally->satisfied = tally->satisfied && other->satisfied;
}

/* ---- sliding ------------------------------------------------------------------------------------ */

/* Takes in one window: it begins at start_us, the items up to and without END are in it. */
static void judge_window(const struct window *window, int64_t t_us, int64_t start_us, int64_t sum_milli,
    size_t end, struct tally *ret)
{
	if (sum_milli > ret->count_milli) {
		while (!is_present(window, window->items[end - 1], t_us))
			end--;
		ret->count_milli = sum_milli;
		hold(ret, window->items[end - 1]);
	}
	if (sum_milli + window->own_milli > window->limit->at_most_milli && ret->satisfied) {
		ret->satisfied = false;
		/* Until then the mail stands in this very window, wherever it stands. */
		ret->next_us = policy_add(start_us, policy_window_length(window->limit));
	}
}

/* With nothing ahead of it, the fullest window that the mail can stand in is the one that ends with it. NOW:
 * how many items are not later than t. */
static void tally_behind(const struct window *window, int64_t from_us, size_t now, struct tally *ret)
{
	int64_t room_milli = window->limit->at_most_milli - window->own_milli, sum_milli = 0;
	size_t i = now;

	for (; i > 0 && window->items[i - 1]->time_us > from_us; i--) {
		sum_milli += policy_window_weight(window->limit, window->items[i - 1]);
		if (sum_milli <= room_milli || !ret->satisfied)
			continue;
		ret->satisfied = false;
		ret->next_us = policy_add(window->items[i - 1]->time_us, policy_window_length(window->limit));
	}
	ret->count_milli = sum_milli;
	if (i < now)
		hold(ret, window->items[now - 1]);
}

/* The windows that begin at t itself or at an item before it, the latest first: every other window holds no
 * more than one of these. NOW: how many items are not later than t; END: how many are in some window with it
 * or before. */
static void tally_around(const struct window *window, int64_t t_us, size_t now, size_t end, struct tally *ret)
{
	const struct entry *const *items = window->items;
	int64_t length = policy_window_length(window->limit), from_us = policy_add(t_us, -length),
		sum_milli = 0;
	int64_t first_us = POLICY_NEVER;

	for (size_t i = end; i > now; i--) {
		if (!is_present(window, items[i - 1], t_us))
			continue;
		first_us = items[i - 1]->time_us;
		sum_milli += policy_window_weight(window->limit, items[i - 1]);
	}
	if (sum_milli > 0)
		judge_window(window, t_us, first_us, sum_milli, end, ret);
	for (size_t i = now; i > 0 && items[i - 1]->time_us > from_us; i--) {
		const struct entry *first = items[i - 1];

		sum_milli += policy_window_weight(window->limit, first);
		for (; end > i && items[end - 1]->time_us >= policy_add(first->time_us, length); end--)
			if (is_present(window, items[end - 1], t_us))
				sum_milli -= policy_window_weight(window->limit, items[end - 1]);
		judge_window(window, t_us, first->time_us, sum_milli, end, ret);
	}
}

/* What comes within look_ahead, as if it were there already: the window reaches as far ahead. */
static void tally_ahead(const struct window *window, int64_t t_us, struct tally *ret)
{
	int64_t length = policy_window_length(window->limit), from_us = policy_add(t_us, -length);
	int64_t room_milli = window->limit->at_most_milli - window->own_milli;
	struct tally ahead = {.satisfied = true, .next_us = t_us, .holder = ""};

	for (size_t i = window->count; i > 0 && window->items[i - 1]->time_us > from_us; i--) {
		const struct entry *entry = window->items[i - 1];

		if (entry->time_us > t_us && !is_ahead(window, entry, t_us))
			continue;
		if (ahead.count_milli == 0)
			hold(&ahead, entry);
		ahead.count_milli += policy_window_weight(window->limit, entry);
		if (ahead.count_milli > room_milli && ahead.satisfied) {
			ahead.satisfied = false;
			ahead.next_us = policy_add(entry->time_us, length);
		}
	}
	policy_window_join(ret, &ahead);
}

static void tally_sliding(const struct window *window, int64_t t_us, struct tally *ret)
{
	int64_t length = policy_window_length(window->limit);
	size_t now = window->count, end;

	while (now > 0 && window->items[now - 1]->time_us > t_us)
		now--;
	end = now;
	while (end < window->count && window->items[end]->time_us < policy_add(t_us, length))
		end++;
	if (end == now)
		tally_behind(window, policy_add(t_us, -length), now, ret);
	else
		tally_around(window, t_us, now, end, ret);
	if (window->limit->look_ahead_s > 0)
		tally_ahead(window, t_us, ret);
}

/* ---- calendar ----------------------------------------------------------------------------------- */

static int64_t floor_seconds(int64_t t_us)
{
	return t_us / POLICY_SECOND_US - (t_us % POLICY_SECOND_US < 0);
}

int64_t policy_window_period_end(struct period *period)
{
	if (period->end_us == 0)
		period->end_us = POLICY_SECOND_US * tact_zone_period_start(period->zone, period->length,
							floor_seconds(period->start_us), 1);
	return period->end_us;
}

/* Asking the zone is dear: most limits share zone and period, and most mails need no period's end. */
struct period *policy_window_period(const struct window *window, int64_t t_us)
{
	const struct tact_limit *limit = window->limit;
	struct book *book = window->book;
	struct period *period;

	for (size_t i = 0; i < POLICY_PERIODS; i++) {
		period = &book->periods[i];
		if (period->zone != limit->zone || period->length != limit->period || t_us < period->start_us)
			continue;
		if (t_us <= period->known_us || t_us < policy_window_period_end(period))
			goto found;
	}
	period = &book->periods[book->periods_next++ % POLICY_PERIODS];
	*period = (struct period){.zone = limit->zone, .length = limit->period, .known_us = t_us};
	period->start_us =
	    POLICY_SECOND_US * tact_zone_period_start(limit->zone, limit->period, floor_seconds(t_us), 0);
found:
	if (period->known_us < t_us)
		period->known_us = t_us;
	return period;
}

/* What was folded counts in every period that it may have happened in. T_US is in the period. */
bool policy_window_is_in(const struct entry *entry, struct period *period, int64_t t_us)
{
	return entry->time_us >= period->start_us &&
	       (entry->first_us <= t_us || entry->first_us < policy_window_period_end(period));
}

static void tally_calendar(const struct window *window, int64_t t_us, struct tally *ret)
{
	struct period *period = window->count > 0 ? policy_window_period(window, t_us) : NULL;

	for (size_t i = window->count; i > 0; i--) {
		const struct entry *entry = window->items[i - 1];

		if (entry->time_us < period->start_us)
			break;
		if (!is_ahead(window, entry, t_us) &&
		    !(is_present(window, entry, t_us) && policy_window_is_in(entry, period, t_us)))
			continue;
		if (ret->count_milli == 0)
			hold(ret, entry);
		ret->count_milli += policy_window_weight(window->limit, entry);
	}
	if (ret->count_milli + window->own_milli > window->limit->at_most_milli) {
		ret->satisfied = false;
		ret->next_us = policy_window_period_end(policy_window_period(window, t_us));
	}
}

/* ---- since an answer ---------------------------------------------------------------------------- */

/* Who does not answer still hears from us now and then: what is too much goes all the same when nothing that
 * counts has gone, or goes ahead of it, for a rest. Answers the time from which ITEM is that far away, or
 * t_us. */
static int64_t rested_from(const struct window *window, const struct entry *item, int64_t t_us)
{
	int64_t rest_us = policy_seconds(window->limit->rest_s);
	bool near = item->time_us <= t_us ? policy_add(item->time_us, rest_us) > t_us
					  : policy_add(t_us, rest_us) > item->time_us;

	return near ? policy_add(item->time_us, rest_us) : t_us;
}

/* What may have happened after the answer before the mail, and not surely after the next one. */
static void tally_since(const struct window *window, int64_t t_us, struct tally *ret)
{
	int64_t from_us = policy_book_answered(window->book, t_us), rested_us = t_us, free_us;

	ret->next_us = policy_book_next_answer(window->book, t_us);
	for (size_t i = window->count; i > 0 && window->items[i - 1]->time_us > from_us; i--) {
		const struct entry *entry = window->items[i - 1];

		if (entry->first_us > ret->next_us || !is_counted_ahead(window, entry, t_us))
			continue;
		if (ret->count_milli == 0)
			hold(ret, entry);
		ret->count_milli += policy_window_weight(window->limit, entry);
		free_us = rested_from(window, entry, t_us);
		rested_us = free_us > rested_us ? free_us : rested_us;
	}
	if (ret->count_milli + window->own_milli <= window->limit->at_most_milli ||
	    (window->limit->rest_s > 0 && rested_us == t_us)) {
		ret->next_us = t_us;
		return;
	}
	ret->satisfied = false;
	if (window->limit->rest_s > 0 && rested_us < ret->next_us)
		ret->next_us = rested_us;
}

/* ---- all of them -------------------------------------------------------------------------------- */

void policy_window_tally(const struct window *window, int64_t t_us, struct tally *ret)
{
	struct tally rest;

	*ret = (struct tally){.next_us = t_us, .holder = ""};
	ret->satisfied = window->own_milli <= window->limit->at_most_milli;
	if (window->limit->form == TACT_LIMIT_SINCE)
		tally_since(window, t_us, ret);
	else if (window->limit->window_s > 0)
		tally_sliding(window, t_us, ret);
	else
		tally_calendar(window, t_us, ret);
	if (window->limit->rest_s > 0 && window->limit->form != TACT_LIMIT_SINCE) {
		policy_rest_tally(window, t_us, &rest);
		policy_window_join(ret, &rest);
	}
	if (ret->satisfied)
		return;
	/* A mail heavier than the limit never passes; and at the end of the calendar no period follows. */
	if (window->own_milli > window->limit->at_most_milli || ret->next_us <= t_us)
		ret->next_us = POLICY_NEVER;
}

int64_t policy_window_earliest(const struct window *window, int64_t t_us)
{
	struct tally tally;

	if (window->easy)
		return t_us;
	if (window->own_milli > window->limit->at_most_milli)
		return POLICY_NEVER;
	while (t_us != POLICY_NEVER) {
		policy_window_tally(window, t_us, &tally);
		if (tally.satisfied)
			break;
		t_us = tally.next_us;
	}
	return t_us;
}

/* Of two who decide at once, the one whose clock reads later may be the first to write: to him this mail's
 * place lay behind, so that he did not count it. */
static bool is_passed_by(const struct window *window, int64_t t_us)
{
	for (size_t i = window->count; i > 0 && window->items[i - 1]->time_us > t_us; i--)
		if (!window->items[i - 1]->claim)
			return true;
	return false;
}

/* What went since the mail's place counts there too, up to the next answer; and whoever goes a rest after it
 * is near to it no more. */
static bool holds_since(const struct window *window, int64_t since_us, int64_t t_us)
{
	if (policy_book_answered(window->book, t_us) > since_us)
		return false;
	return window->limit->rest_s == 0 ||
	       (t_us < policy_add(since_us, policy_seconds(window->limit->rest_s)) &&
		   !is_passed_by(window, t_us));
}

/* Every window that the mail stands in at t and that began after since_us lies in the one that began then,
 * but for what is placed behind its end: claims that were given their places knowing nothing of this mail,
 * and give way. Contacts do not: the place was found without those that a clock ahead has written there. */
bool policy_window_holds(const struct window *window, int64_t since_us, int64_t t_us)
{
	if (window->limit->form == TACT_LIMIT_SINCE)
		return holds_since(window, since_us, t_us);
	if (window->own_milli > 0 && is_passed_by(window, t_us))
		return false;
	if (window->limit->rest_s > 0 && policy_rest_began(window, since_us, t_us))
		return false;
	if (window->limit->window_s > 0) {
		int64_t end_us = policy_add(since_us, policy_window_length(window->limit));

		return t_us < end_us && !is_passed_by(window, end_us - 1);
	}
	return t_us < policy_window_period_end(policy_window_period(window, since_us));
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The oracle: slow, plain, and independent of what it judges.
 */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oracle.h"

#define SECOND_US INT64_C(1000000)

/* ---- what counts -------------------------------------------------------------------------------- */

static bool listed(const struct tact_names *names, const char *name)
{
	if (names->count == 0)
		return true;
	for (size_t i = 0; i < names->count; i++)
		if (strcasecmp(names->names[i], name) == 0)
			return true;
	return false;
}

/* Of mail that asks to be sent, the way is TACT_OUT and neutral. */
static bool goes_that_way(
    const struct tact_limit *limit, enum tact_direction direction, enum tact_sentiment sentiment)
{
	if (limit->sentiments != 0 && !(limit->sentiments & 1U << sentiment))
		return false;
	if (limit->directions != 0)
		return limit->directions & 1U << direction;
	return limit->sentiments != 0 || direction == TACT_OUT;
}

static bool in_filter(const struct tact_limit *limit, const struct tact_facts *facts)
{
	return facts->counts && (limit->purposes == 0 || (limit->purposes & 1U << facts->purpose)) &&
	       (limit->channels == 0 || (limit->channels & 1U << facts->channel)) &&
	       listed(&limit->streams, facts->stream) && listed(&limit->owners, facts->owner) &&
	       listed(&limit->brands, facts->brand);
}

int64_t oracle_weight(const struct tact_limit *limit, const struct tact_facts *facts)
{
	return in_filter(limit, facts) && goes_that_way(limit, TACT_OUT, TACT_NEUTRAL)
		   ? limit->weight_milli[facts->channel]
		   : 0;
}

static bool counts_contact(
    const struct tact_limit *limit, const struct tact_contact *contact, const struct tact_facts *facts)
{
	return in_filter(limit, facts) && goes_that_way(limit, contact->direction, contact->sentiment);
}

static bool is_other(
    const struct tact_limit *limit, const struct tact_facts *mine, const struct tact_facts *other)
{
	const char *const own[] = {
	    NULL, mine->stream, mine->owner, mine->brand, mine->campaign, mine->offer, mine->list};
	const char *const its[] = {
	    NULL, other->stream, other->owner, other->brand, other->campaign, other->offer, other->list};

	if (limit->by == TACT_BY_SAME_OWNER && strcasecmp(mine->owner, other->owner) != 0)
		return true;
	if (limit->by == TACT_BY_OTHER_OWNER && strcasecmp(mine->owner, other->owner) == 0)
		return true;
	return limit->same != TACT_SAME_NONE && strcasecmp(own[limit->same], its[limit->same]) != 0;
}

static struct tact_facts facts_of(const struct tact_contact *contact)
{
	return (struct tact_facts){.stream = contact->stream,
	    .owner = contact->owner,
	    .brand = contact->brand,
	    .campaign = contact->campaign,
	    .offer = contact->offer,
	    .list = contact->list,
	    .purpose = contact->purpose,
	    .channel = contact->channel,
	    .counts = contact->counts};
}

/* Everything the limit counts for this mail, one after the other. */
struct item {
	int64_t first_us, last_us, weight_milli;
	bool claim;
};

static size_t list_items(const struct oracle *oracle, struct item *ret)
{
	const struct tact_limit *limit = oracle->limit;
	size_t n = 0;

	for (size_t i = 0; i < oracle->contacts_count; i++) {
		const struct tact_contact *contact = &oracle->contacts[i];
		struct tact_facts facts = facts_of(contact);

		if (!counts_contact(limit, contact, &facts) || is_other(limit, oracle->facts, &facts))
			continue;
		ret[n].first_us = contact->time_us;
		ret[n].last_us = contact->time_us + (contact->span_us > 0 ? contact->span_us - 1 : 0);
		ret[n].weight_milli = limit->weight_milli[contact->channel] * contact->count;
		ret[n].claim = false;
		n += ret[n].weight_milli > 0; /* what weighs nothing is not there */
	}
	for (size_t i = 0; i < oracle->placed_count; i++) {
		const struct tact_placed *placed = &oracle->placed[i];

		if (oracle_weight(limit, placed->facts) == 0 || is_other(limit, oracle->facts, placed->facts))
			continue;
		ret[n].first_us = ret[n].last_us = placed->place_us;
		ret[n].weight_milli = limit->weight_milli[placed->facts->channel];
		ret[n++].claim = true;
	}
	return n;
}

/* ---- windows ------------------------------------------------------------------------------------ */

static int64_t sum_within(const struct item *items, size_t n, int64_t from_us, int64_t to_us)
{
	int64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		if (items[i].last_us >= from_us && items[i].last_us < to_us)
			sum += items[i].weight_milli;
	return sum;
}

/* Every window [start, start + W) with t in it that could be the fullest: those that start at an item, at t,
 * or as early as can be. */
static int64_t fullest_sliding(const struct item *items, size_t n, int64_t length_us, int64_t t_us)
{
	int64_t most = sum_within(items, n, t_us, t_us + length_us), sum;

	sum = sum_within(items, n, t_us - length_us + 1, t_us + 1);
	if (sum > most)
		most = sum;
	for (size_t i = 0; i < n; i++) {
		if (items[i].last_us <= t_us - length_us || items[i].last_us > t_us)
			continue;
		sum = sum_within(items, n, items[i].last_us, items[i].last_us + length_us);
		if (sum > most)
			most = sum;
	}
	return most;
}

/* The name of the period a time is in, from what a calendar on the wall there says. */
static int64_t period_name(const struct tact_limit *limit, int64_t t_us)
{
	int64_t t_s = t_us / SECOND_US - (t_us % SECOND_US < 0), days;
	struct tact_local_time local;

	tact_zone_local(limit->zone, t_s, &local);
	days = (t_s + local.offset_s) / 86400 - ((t_s + local.offset_s) % 86400 < 0);
	switch (limit->period) {
	case TACT_DAY:
		return days;
	case TACT_WEEK:
		return days - (local.weekday - 1);
	case TACT_MONTH:
		return local.year * 12 + local.month - 1;
	case TACT_QUARTER:
		return local.year * 4 + (local.month - 1) / 3;
	default:
		return local.year;
	}
}

static bool touches(const struct tact_limit *limit, const struct item *item, int64_t name)
{
	for (int64_t t_us = item->first_us; t_us < item->last_us; t_us += 3600 * SECOND_US)
		if (period_name(limit, t_us) == name)
			return true;
	return period_name(limit, item->last_us) == name;
}

static int64_t sum_period(const struct tact_limit *limit, const struct item *items, size_t n, int64_t name)
{
	int64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		if (touches(limit, &items[i], name))
			sum += items[i].weight_milli;
	return sum;
}

/* ---- rest ---------------------------------------------------------------------------------------- */

/* What the window, or the period, that ends at END holds of what is not later than LAST. */
static int64_t sum_ending(
    const struct tact_limit *limit, const struct item *items, size_t n, int64_t end_us, int64_t last_us)
{
	int64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		if (items[i].last_us > last_us)
			continue;
		if (limit->window_s > 0 ? items[i].last_us > end_us - limit->window_s * SECOND_US
					: touches(limit, &items[i], period_name(limit, end_us)))
			sum += items[i].weight_milli;
	}
	return sum;
}

static bool rests(const struct tact_limit *limit, const struct item *items, size_t n, int64_t t_us)
{
	for (size_t i = 0; i < n; i++) {
		const struct item *end = &items[i];

		if (end->last_us > t_us || end->last_us + limit->rest_s * SECOND_US <= t_us)
			continue;
		if (sum_ending(limit, items, n, end->first_us, end->last_us) >= limit->at_most_milli ||
		    sum_ending(limit, items, n, end->last_us, end->last_us) >= limit->at_most_milli)
			return true;
	}
	return false;
}

static bool comes_within(const struct item *items, size_t n, int64_t from_us, int64_t length_us)
{
	for (size_t i = 0; i < n; i++)
		if (items[i].last_us > from_us && items[i].last_us < from_us + length_us)
			return true;
	return false;
}

static bool reaches(const struct tact_limit *limit, int64_t t_us, int64_t to_us)
{
	return limit->window_s > 0 ? to_us < t_us + limit->window_s * SECOND_US
				   : period_name(limit, to_us) <= period_name(limit, t_us);
}

/* Would a mail that weighs OWN fill a window so that something ahead had to rest? */
static bool disturbs(
    const struct tact_limit *limit, const struct item *items, size_t n, int64_t own, int64_t t_us)
{
	int64_t rest_us = limit->rest_s * SECOND_US;

	if (sum_ending(limit, items, n, t_us, t_us) + own >= limit->at_most_milli &&
	    comes_within(items, n, t_us, rest_us))
		return true;
	for (size_t i = 0; i < n; i++)
		if (items[i].last_us > t_us && reaches(limit, t_us, items[i].first_us) &&
		    sum_ending(limit, items, n, items[i].first_us, items[i].last_us) + own >=
			limit->at_most_milli &&
		    comes_within(items, n, items[i].last_us, rest_us))
			return true;
	return false;
}

/* ---- the forms ---------------------------------------------------------------------------------- */

static bool comes_soon(const struct tact_limit *limit, const struct item *item, int64_t t_us)
{
	return item->claim && item->last_us > t_us && item->last_us <= t_us + limit->look_ahead_s * SECOND_US;
}

/* Everything there is at t, and what look_ahead shows, in the window of t. */
static int64_t sum_ahead(
    const struct tact_limit *limit, const struct item *items, size_t n, int64_t own, int64_t t_us)
{
	int64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		bool there = own > 0 || !items[i].claim || items[i].last_us <= t_us;

		if (limit->window_s > 0)
			there =
			    items[i].last_us <= t_us && items[i].last_us > t_us - limit->window_s * SECOND_US;
		else
			there = there && touches(limit, &items[i], period_name(limit, t_us));
		if (there || comes_soon(limit, &items[i], t_us))
			sum += items[i].weight_milli;
	}
	return sum;
}

static bool fits_windows(
    const struct tact_limit *limit, const struct item *items, size_t n, int64_t own, int64_t t_us)
{
	struct item *kept = tact_calloc(n + 1, sizeof *kept);
	size_t count = 0;
	int64_t most;

	/* A mail that does not count is not held by claims ahead of it. */
	for (size_t i = 0; i < n; i++)
		if (own > 0 || !items[i].claim || items[i].last_us <= t_us)
			kept[count++] = items[i];
	most = limit->window_s > 0 ? fullest_sliding(kept, count, limit->window_s * SECOND_US, t_us)
				   : sum_period(limit, kept, count, period_name(limit, t_us));
	free(kept);
	if (most + own > limit->at_most_milli ||
	    (limit->look_ahead_s > 0 && sum_ahead(limit, items, n, own, t_us) + own > limit->at_most_milli))
		return false;
	return limit->rest_s == 0 ||
	       (!rests(limit, items, n, t_us) && (own == 0 || !disturbs(limit, items, n, own, t_us)));
}

/* Is it less than a rest away, before or ahead? */
static bool is_near(const struct tact_limit *limit, const struct item *item, int64_t t_us)
{
	int64_t rest_us = limit->rest_s * SECOND_US;

	return item->last_us <= t_us ? item->last_us + rest_us > t_us : t_us + rest_us > item->last_us;
}

static bool fits_since(
    const struct oracle *oracle, const struct item *items, size_t n, int64_t own, int64_t t_us)
{
	int64_t from_us = INT64_MIN, to_us = INT64_MAX, sum = own;
	bool near = false;

	for (size_t i = 0; i < oracle->contacts_count; i++) {
		const struct tact_contact *contact = &oracle->contacts[i];
		int64_t last_us = contact->time_us + (contact->span_us > 0 ? contact->span_us - 1 : 0);

		if (contact->sentiment != TACT_POSITIVE)
			continue;
		if (last_us <= t_us && contact->time_us > from_us)
			from_us = contact->time_us;
		if (last_us > t_us && last_us < to_us)
			to_us = last_us;
	}
	for (size_t i = 0; i < n; i++)
		if (items[i].last_us > from_us && items[i].first_us <= to_us &&
		    (own > 0 || !items[i].claim || items[i].last_us <= t_us ||
			comes_soon(oracle->limit, &items[i], t_us))) {
			sum += items[i].weight_milli;
			near = near || is_near(oracle->limit, &items[i], t_us);
		}
	return own <= oracle->limit->at_most_milli &&
	       (sum <= oracle->limit->at_most_milli || (oracle->limit->rest_s > 0 && !near));
}

/* Enough, or not known. */
static bool fits_least(const struct oracle *oracle, const struct item *items, size_t n, int64_t t_us)
{
	const struct tact_limit *limit = oracle->limit;
	int64_t sum = 0, since_us = oracle->history_since_us,
		start_us = t_us - limit->window_s * SECOND_US + 1;

	for (size_t i = 0; i < n; i++)
		if (!items[i].claim && items[i].last_us <= t_us &&
		    (limit->window_s > 0 ? items[i].first_us >= start_us
					 : period_name(limit, items[i].first_us) == period_name(limit, t_us)))
			sum += items[i].weight_milli;
	if (sum >= limit->at_most_milli || since_us == 0)
		return true;
	if (limit->window_s > 0)
		return since_us > start_us;
	return period_name(limit, since_us - 1) >= period_name(limit, t_us);
}

bool oracle_fits(const struct oracle *oracle, int64_t t_us)
{
	const struct tact_limit *limit = oracle->limit;
	struct item *items = tact_calloc(oracle->contacts_count + oracle->placed_count + 1, sizeof *items);
	size_t n = list_items(oracle, items);
	int64_t own = oracle_weight(limit, oracle->facts);
	bool fits;

	if (limit->form == TACT_LIMIT_SINCE)
		fits = fits_since(oracle, items, n, own, t_us);
	else if (limit->form == TACT_LIMIT_AT_LEAST)
		fits = fits_least(oracle, items, n, t_us);
	else
		fits = fits_windows(limit, items, n, own, t_us);
	free(items);
	return fits;
}

int64_t oracle_fullest(
    const struct tact_limit *limit, const struct tact_contact *contacts, size_t contacts_count)
{
	struct item *items = tact_calloc(contacts_count + 1, sizeof *items);
	int64_t most = 0;
	size_t n = 0;

	for (size_t i = 0; i < contacts_count; i++) {
		struct tact_facts facts = facts_of(&contacts[i]);

		if (counts_contact(limit, &contacts[i], &facts))
			items[n++] = (struct item){contacts[i].time_us, contacts[i].time_us,
			    limit->weight_milli[contacts[i].channel] * contacts[i].count, false};
	}
	for (size_t i = 0; i < n; i++) {
		int64_t sum = limit->window_s > 0
				  ? sum_within(items, n, items[i].last_us,
					items[i].last_us + limit->window_s * SECOND_US)
				  : sum_period(limit, items, n, period_name(limit, items[i].last_us));

		if (sum > most)
			most = sum;
	}
	free(items);
	return most;
}

/* ---- chance ------------------------------------------------------------------------------------- */

/* splitmix64 */
uint64_t oracle_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

int64_t oracle_below(uint64_t *state, int64_t limit)
{
	return (int64_t)(oracle_random(state) % (uint64_t)limit);
}

uint64_t oracle_seed(const char *test)
{
	const char *text = getenv("TACT_SEED");
	uint64_t seed = text == NULL ? UINT64_C(20261124) : strtoull(text, NULL, 10);

	printf("%s: TACT_SEED=%" PRIu64 "\n", test, seed);
	return seed;
}

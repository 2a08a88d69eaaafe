/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What is known of campaigns at the moment: the latest reading of their records (campaigns_reading.c), lent
 * out unchangeable, and who reads anew when. Who writes the records is campaign.c's and health.c's matter.
 *
 * What is too old is left out when it is asked for, not only when somebody reads anew.
 */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "campaigns.h"
#include "campaigns_reading.h"

/* A part was away for longer than that, is there again, and some have not yet come to write what they counted
 * meanwhile: each does so every second, but asks for a server that was gone every five. */
#define GAP_MS 5000
#define SETTLE_MS 10000

struct campaigns {
	pthread_mutex_t lock; /* over everything here */
	pthread_cond_t ended; /* a reading did */
	bool reading;	      /* one reads at a time for those that need it, besides campaigns_read */
	int64_t reading_since_ms;
	pthread_t reader; /* who read latest for those that have a deadline */
	bool has_reader;
	struct reading *current;
	int64_t tried_ms;
	uint64_t mark, marks[BYTES]; /* as last known, whatever is missing now */
	uint64_t returns;	     /* of what was missing */
	bool was_partial;	     /* the latest reading, or there was none */
	int64_t whole_ms, back_ms;   /* the latest whole one; the first after a gap; 0: none */
	struct tact_error err;	     /* of the latest attempt */
	struct campaign_stop stops[CAMPAIGN_STOPS_MAX];
	size_t stops_count;
};

struct campaigns *campaigns_new(void)
{
	struct campaigns *campaigns = tact_calloc(1, sizeof *campaigns);

	pthread_condattr_t attributes;

	pthread_mutex_init(&campaigns->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&campaigns->ended, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return campaigns;
}

/* With the lock held: one holder fewer; answers the reading when it was the last. */
static struct reading *drop(struct reading *reading)
{
	return reading != NULL && --reading->held == 0 ? reading : NULL;
}

void campaigns_free(struct campaigns **campaigns)
{
	if (*campaigns == NULL)
		return;
	if ((*campaigns)->has_reader)
		(void)pthread_join((*campaigns)->reader, NULL);
	free_reading(drop((*campaigns)->current));
	pthread_mutex_destroy(&(*campaigns)->lock);
	pthread_cond_destroy(&(*campaigns)->ended);
	free(*campaigns);
	*campaigns = NULL;
}

/* ---- taking and putting back -------------------------------------------------------------------- */

/* With the lock held. */
static bool is_younger(const struct campaigns *campaigns, int64_t most_ms)
{
	return campaigns->current != NULL &&
	       tact_clock_monotonic_ms() - campaigns->current->began_ms < most_ms;
}

/* With the lock held. */
static bool may_be_used(const struct campaigns *campaigns)
{
	return campaigns->current != NULL &&
	       is_usable(campaigns->current->began_ms, tact_clock_monotonic_ms());
}

/* With the lock held. What was missing may have been decided upon as not known meanwhile: when it is back,
 * whatever waits is looked at again, though nothing was changed. */
static void note_marks(struct campaigns *campaigns, const struct reading *fresh)
{
	const struct reading *before = campaigns->current;
	bool back = false;

	campaigns->mark = 0;
	for (size_t byte = 0; byte < BYTES; byte++) {
		back |= before != NULL && before->missing[byte] && !fresh->missing[byte];
		if (!fresh->missing[byte])
			campaigns->marks[byte] = fresh->marks[byte];
		campaigns->mark = (campaigns->mark ^ campaigns->marks[byte]) * UINT64_C(1099511628211);
	}
	campaigns->returns += back;
	campaigns->mark += campaigns->returns;
	if (campaigns->mark == 0)
		campaigns->mark = 1;
}

/* With the lock held. */
static bool ends_gap(const struct campaigns *campaigns, int64_t now_ms)
{
	return campaigns->was_partial && now_ms - campaigns->whole_ms >= GAP_MS;
}

/* With the lock held. */
static bool is_settled(const struct campaigns *campaigns)
{
	int64_t now_ms = tact_clock_monotonic_ms();

	return !ends_gap(campaigns, now_ms) &&
	       (campaigns->back_ms == 0 || now_ms - campaigns->back_ms >= SETTLE_MS);
}

/* With the lock held. */
static void note_gap(struct campaigns *campaigns, const struct reading *fresh)
{
	if (!fresh->partial && ends_gap(campaigns, fresh->began_ms))
		campaigns->back_ms = fresh->began_ms;
	if (!fresh->partial)
		campaigns->whole_ms = fresh->began_ms;
	campaigns->was_partial = fresh->partial;
}

/* With the lock held, and something there that may be used: what may not any more is not known, which happens
 * once for each part that is lost. */
static void let_age(struct campaigns *campaigns)
{
	struct reading *before = campaigns->current;

	if (is_usable(before->oldest_ms, tact_clock_monotonic_ms()))
		return;
	struct reading *aged = make_aged(before);
	note_marks(campaigns, aged);
	campaigns->current = aged;
	free_reading(drop(before));
}

/* Unless another one, begun later, came first. */
static void replace(struct campaigns *campaigns, struct reading *fresh)
{
	struct reading *gone;
	bool late;

	pthread_mutex_lock(&campaigns->lock);
	late = campaigns->current != NULL && campaigns->current->began_ms > fresh->began_ms;
	gone = drop(late ? fresh : campaigns->current);
	if (!late) {
		note_marks(campaigns, fresh);
		campaigns->current = fresh;
	}
	note_gap(campaigns, fresh);
	pthread_mutex_unlock(&campaigns->lock);
	free_reading(gone);
}

/* One that nobody but us holds from here on is kept by that until it is dropped. */
static struct reading *hold_current(struct campaigns *campaigns, bool *ret_settled)
{
	struct reading *current;

	pthread_mutex_lock(&campaigns->lock);
	current = campaigns->current;
	if (current != NULL)
		current->held++;
	*ret_settled = is_settled(campaigns);
	pthread_mutex_unlock(&campaigns->lock);
	return current;
}

int campaigns_read(struct tact_decider *decider, struct tact_error *err)
{
	struct campaigns *campaigns = decider->campaigns;
	struct reading *fresh = NULL;
	struct tact_error why = {""};
	bool settled, partial;
	struct reading *before = hold_current(campaigns, &settled);
	int result = make_reading(decider, before, settled, &fresh, &why);

	partial = result == TACT_OK && fresh->partial;
	tact_decider_put_campaigns(decider, before == NULL ? NULL : &before->campaigns);
	pthread_mutex_lock(&campaigns->lock);
	campaigns->tried_ms = tact_clock_monotonic_ms();
	campaigns->err = why;
	campaigns->was_partial |= result != TACT_OK;
	pthread_mutex_unlock(&campaigns->lock);
	if (result == TACT_OK)
		replace(campaigns, fresh);
	if (partial)
		result = TACT_UNAVAILABLE;
	if (result != TACT_OK)
		tact_error_set(err, result, "campaigns cannot be read: %s", why.text);
	return result;
}

bool campaigns_are_counted(const struct tact_campaigns *campaigns)
{
	const struct reading *reading = (const struct reading *)campaigns; /* its first member */

	return reading->counted_ms == reading->began_ms;
}

int campaigns_tell_unread(struct tact_decider *decider, struct tact_error *err)
{
	struct campaigns *campaigns = decider->campaigns;
	size_t unread;

	pthread_mutex_lock(&campaigns->lock);
	unread = campaigns->current != NULL ? campaigns->current->unread : 0;
	pthread_mutex_unlock(&campaigns->lock);
	if (unread == 0)
		return TACT_OK;
	return tact_error_set(err, TACT_CORRUPT,
	    "counts left out because their records cannot be read: %zu; run \"tact store check\"", unread);
}

/* With the lock held. */
static bool is_fresh(const struct campaigns *campaigns)
{
	return is_younger(campaigns, TACT_CAMPAIGNS_FRESH_MS) ||
	       (campaigns->tried_ms != 0 && tact_clock_monotonic_ms() - campaigns->tried_ms < RETRY_MS);
}

static void *read_for_all(void *context)
{
	struct tact_decider *decider = context;
	struct campaigns *campaigns = decider->campaigns;

	(void)campaigns_read(decider, NULL);
	pthread_mutex_lock(&campaigns->lock);
	campaigns->reading = false;
	pthread_cond_broadcast(&campaigns->ended);
	pthread_mutex_unlock(&campaigns->lock);
	return NULL;
}

/* With the lock held, which is let go meanwhile when this thread itself reads: the store bounds no scan, so
 * who has a deadline leaves it to another. */
static void begin_reading(struct tact_decider *decider, bool here)
{
	struct campaigns *campaigns = decider->campaigns;

	campaigns->reading = true;
	campaigns->reading_since_ms = tact_clock_monotonic_ms();
	if (!here) {
		if (campaigns->has_reader)
			(void)pthread_join(campaigns->reader, NULL); /* it has ended its reading */
		campaigns->has_reader = pthread_create(&campaigns->reader, NULL, read_for_all, decider) == 0;
		here = !campaigns->has_reader;
	}
	if (!here)
		return;
	pthread_mutex_unlock(&campaigns->lock);
	(void)read_for_all(decider);
	pthread_mutex_lock(&campaigns->lock);
}

/* With the lock held: until the reading ends; who has a deadline, until that or RETRY_MS. */
static void await_reading(struct campaigns *campaigns, int64_t deadline_ms)
{
	int64_t most_ms = campaigns->reading_since_ms + RETRY_MS;
	int64_t until_ms = deadline_ms == 0 ? INT64_MAX : deadline_ms < most_ms ? deadline_ms : most_ms;
	const struct timespec at = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};

	while (campaigns->reading && tact_clock_monotonic_ms() < until_ms)
		(void)pthread_cond_timedwait(&campaigns->ended, &campaigns->lock, &at);
}

/* With the lock held. Who comes while one reads takes what there is, if there is any that may be used. A
 * store that stalls costs each mail RETRY_MS at most, and only those that come within that of its beginning.
 */
static void read_if_old(struct tact_decider *decider, int64_t deadline_ms)
{
	struct campaigns *campaigns = decider->campaigns;
	bool begun = false;

	if (is_fresh(campaigns))
		return;
	if (!campaigns->reading) {
		begin_reading(decider, deadline_ms == 0);
		begun = true;
	}
	if (begun || !may_be_used(campaigns))
		await_reading(campaigns, deadline_ms);
}

const struct tact_campaigns *campaigns_take(
    struct tact_decider *decider, int64_t deadline_ms, struct tact_error *err)
{
	struct campaigns *campaigns = decider->campaigns;
	struct reading *reading = NULL;

	pthread_mutex_lock(&campaigns->lock);
	read_if_old(decider, deadline_ms);
	if (may_be_used(campaigns)) {
		let_age(campaigns);
		reading = campaigns->current;
		reading->held++;
	} else {
		tact_error_set(err, TACT_UNAVAILABLE, "campaigns cannot be read: %s",
		    campaigns->reading ? "the store has not answered yet" : campaigns->err.text);
	}
	pthread_mutex_unlock(&campaigns->lock);
	return reading == NULL ? NULL : &reading->campaigns;
}

const char *campaigns_doubt(
    const struct tact_rule_set *rules, const struct tact_campaigns *campaigns, const struct tact_facts *facts)
{
	if (*facts->campaign == '\0')
		return NULL;
	if (campaigns == NULL)
		return "campaigns cannot be read";
	if (!tact_policy_knows_campaign(campaigns, facts->campaign))
		return "the part of the store in which it stands does not answer";
	if (tact_policy_lacks_counts(rules, campaigns, facts))
		return "a breaker wants its counts, and a part of the store with some is away or just back";
	return NULL;
}

void campaigns_say_doubt(
    struct tact_arena *arena, const char *campaign, const char *doubt, struct tact_error *err)
{
	tact_error_set(err, TACT_UNAVAILABLE, "it is not known whether campaign \"%s\" may go on: %s",
	    tact_text_printable(arena, campaign, 100), doubt);
}

const struct tact_campaigns *tact_decider_take_campaigns(struct tact_decider *decider, struct tact_error *err)
{
	const struct tact_campaigns *taken = campaigns_take(decider, 0, err);

	if (taken == NULL || taken->unread == NULL)
		return taken;
	tact_decider_put_campaigns(decider, taken);
	tact_error_set(
	    err, TACT_UNAVAILABLE, "campaigns cannot all be read: a part of the store does not answer");
	return NULL;
}

void tact_decider_put_campaigns(struct tact_decider *decider, const struct tact_campaigns *campaigns)
{
	struct reading *gone;

	if (campaigns == NULL)
		return;
	pthread_mutex_lock(&decider->campaigns->lock);
	gone = drop((struct reading *)(uintptr_t)campaigns); /* its first member */
	pthread_mutex_unlock(&decider->campaigns->lock);
	free_reading(gone);
}

uint64_t tact_decide_campaigns_mark(struct tact_decider *decider)
{
	uint64_t mark;

	pthread_mutex_lock(&decider->campaigns->lock);
	mark = decider->campaigns->mark;
	pthread_mutex_unlock(&decider->campaigns->lock);
	return mark;
}

/* ---- what breakers stopped, until it is written down -------------------------------------------- */

static bool same_stop(const struct campaign_stop *a, const struct campaign_stop *b)
{
	return tact_policy_compare_campaigns(a->campaign, b->campaign) == 0 && strcmp(a->rule, b->rule) == 0;
}

static void copy_text(char *to, size_t size, const char *from)
{
	size_t length = strlen(from);

	length = length < size ? length : size - 1;
	memcpy(to, from, length);
	to[length] = '\0';
}

static void note_stop(struct campaigns *campaigns, const struct campaign_stop *stop)
{
	bool known = false;

	pthread_mutex_lock(&campaigns->lock);
	for (size_t i = 0; i < campaigns->stops_count; i++)
		known |= same_stop(&campaigns->stops[i], stop);
	/* No room: the next mail of it is stopped, too, and notes it again. */
	if (!known && campaigns->stops_count < CAMPAIGN_STOPS_MAX)
		campaigns->stops[campaigns->stops_count++] = *stop;
	pthread_mutex_unlock(&campaigns->lock);
}

static bool stops_it(const struct tact_finding *finding)
{
	return finding->fired && finding->has_numbers && finding->rule->kind == TACT_RULE_BREAKER &&
	       finding->rule->breaker.about == TACT_BREAKER_RATES && !finding->rule->monitor;
}

void campaigns_note(struct tact_decider *decider, const struct tact_rule_set *rules,
    const struct tact_campaigns *known, const struct tact_facts *facts, const struct tact_opinion *opinion,
    int64_t now_us)
{
	const struct tact_campaign_view *view = tact_policy_find_campaign(known, facts->campaign);

	/* What is written down for good waits until all counts are seen. */
	if (view == NULL || known->uncounted || rules->monitor || view->record.tripped_us != 0)
		return;
	for (size_t i = 0; i < opinion->findings_count; i++) {
		struct campaign_stop stop = {.now_us = now_us};

		if (!stops_it(&opinion->findings[i]))
			continue;
		copy_text(stop.campaign, sizeof stop.campaign, view->record.name);
		copy_text(stop.rule, sizeof stop.rule, opinion->findings[i].rule->name);
		copy_text(stop.why, sizeof stop.why, opinion->findings[i].why);
		copy_text(stop.window, sizeof stop.window, opinion->findings[i].window);
		stop.count_milli = opinion->findings[i].count_milli;
		stop.at_most_milli = opinion->findings[i].at_most_milli;
		note_stop(decider->campaigns, &stop);
	}
}

size_t campaigns_take_stops(struct tact_decider *decider, struct campaign_stop *ret)
{
	struct campaigns *campaigns = decider->campaigns;
	size_t count;

	pthread_mutex_lock(&campaigns->lock);
	count = campaigns->stops_count;
	memcpy(ret, campaigns->stops, count * sizeof *ret);
	campaigns->stops_count = 0;
	pthread_mutex_unlock(&campaigns->lock);
	return count;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The rule "breaker": a campaign that people complain about, leave or cannot be reached by is stopped, and so
 * is one that somebody paused or cancelled. What is known of campaigns comes in with the question; who wrote
 * it down is decide's matter.
 */
#include <config.h>

#include <string.h>

#include "engine.h"

#define HOUR_US (3600 * POLICY_SECOND_US)
#define NAME_MAX_SHOWN 60

/* ---- campaigns ---------------------------------------------------------------------------------- */

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : (unsigned char)c;
}

int tact_policy_compare_campaigns(const char *a, const char *b)
{
	while (*a != '\0' && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) - lower(*b);
}

const struct tact_campaign_view *tact_policy_find_campaign(
    const struct tact_campaigns *campaigns, const char *name)
{
	size_t low = 0, high = campaigns != NULL && *name != '\0' ? campaigns->count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = tact_policy_compare_campaigns(campaigns->views[middle].record.name, name);

		if (order == 0)
			return &campaigns->views[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool tact_policy_knows_campaign(const struct tact_campaigns *campaigns, const char *name)
{
	return campaigns != NULL &&
	       (campaigns->unread == NULL || !campaigns->unread[tact_dossier_campaign_id(name).b[0]]);
}

/* A breaker that wrote down that it stopped the campaign needs no counts any more. */
static bool is_stopped_by(const struct tact_rule *rule, const struct tact_campaign_view *view)
{
	return view != NULL && view->record.tripped_us != 0 &&
	       tact_text_equal_nocase(rule->name, view->record.tripped_by);
}

bool tact_policy_lacks_counts(
    const struct tact_rule_set *rules, const struct tact_campaigns *campaigns, const struct tact_facts *facts)
{
	const struct tact_campaign_view *view = tact_policy_find_campaign(campaigns, facts->campaign);

	if (campaigns == NULL || !campaigns->uncounted || *facts->campaign == '\0' || rules->monitor)
		return false;
	for (size_t i = 0; i < rules->rules_count; i++) {
		const struct tact_rule *rule = &rules->rules[i];

		if (rule->kind == TACT_RULE_BREAKER && rule->breaker.about == TACT_BREAKER_RATES &&
		    !rule->monitor && policy_applies(&rule->applies, facts) && !is_stopped_by(rule, view))
			return true;
	}
	return false;
}

bool tact_policy_campaign_holds(const struct tact_campaign_view *view)
{
	return view != NULL && view->record.tripped_us == 0 &&
	       (view->record.state == TACT_CAMPAIGN_PLANNED || view->record.state == TACT_CAMPAIGN_RUNNING);
}

/* Far more than anybody sends; rates of it never wrap. */
#define SUM_MAX INT64_C(10000000000000)

static int64_t sum(int64_t a, int64_t b)
{
	return policy_add(a, b) < SUM_MAX ? a + b : SUM_MAX;
}

static int64_t without(int64_t counted, int64_t before)
{
	return counted > before ? counted - before : 0;
}

/* What was counted of an hour since the campaign was let go on. */
static struct tact_campaign_health since_resumed(
    const struct tact_campaign *record, const struct tact_campaign_hour *hour)
{
	struct tact_campaign_health health = hour->health;
	int64_t resumed = record->resumed_us / HOUR_US;

	if (record->resumed_us == 0 || hour->hour > resumed)
		return health;
	if (hour->hour < resumed)
		return (struct tact_campaign_health){0};
	health.sent = without(health.sent, record->resumed_at.sent);
	health.complaints = without(health.complaints, record->resumed_at.complaints);
	health.unsubscribes = without(health.unsubscribes, record->resumed_at.unsubscribes);
	health.bounces = without(health.bounces, record->resumed_at.bounces);
	return health;
}

/* An hour counts as long as any part of it lies in the window. */
void tact_policy_campaign_health(
    const struct tact_campaign_view *view, int64_t window_s, int64_t now_us, struct tact_campaign_health *ret)
{
	int64_t from_us = policy_add(now_us, -window_s * POLICY_SECOND_US);

	*ret = (struct tact_campaign_health){0};
	for (size_t i = 0; i < view->hours_count; i++) {
		const struct tact_campaign_hour *hour = &view->hours[i];
		struct tact_campaign_health health = since_resumed(&view->record, hour);

		if (window_s > 0 && (hour->hour + 1) * HOUR_US <= from_us)
			continue;
		ret->sent = sum(ret->sent, health.sent);
		ret->complaints = sum(ret->complaints, health.complaints);
		ret->unsubscribes = sum(ret->unsubscribes, health.unsubscribes);
		ret->bounces = sum(ret->bounces, health.bounces);
	}
}

/* ---- rates -------------------------------------------------------------------------------------- */

struct rate {
	const char *what;
	int64_t count, sent;
	int64_t at_most_milli; /* negative: not looked at */
};

/* Thousandths of a percent, cut. More came back than was sent: everything did. */
static int64_t rate_milli(const struct rate *rate)
{
	return rate->count >= rate->sent ? 100000 : rate->count * 100000 / rate->sent;
}

static bool is_past(const struct rate *rate)
{
	return rate->at_most_milli >= 0 && rate->count * 100000 > rate->at_most_milli * rate->sent;
}

/* How near to its threshold: the nearest is the one that is told of. */
static bool is_nearer(const struct rate *a, const struct rate *b)
{
	if (b == NULL)
		return true;
	if (is_past(a) != is_past(b))
		return is_past(a);
	return rate_milli(a) * (b->at_most_milli + 1) > rate_milli(b) * (a->at_most_milli + 1);
}

/* False when too little was sent for a rate to tell anything, or no rate is looked at. */
static bool worst_rate(const struct tact_breaker *breaker, const struct tact_campaign_view *view,
    int64_t now_us, struct rate *ret)
{
	struct tact_campaign_health health;
	const struct rate *worst = NULL;

	tact_policy_campaign_health(view, breaker->window_s, now_us, &health);
	const struct rate rates[] = {
	    {"complaints", health.complaints, health.sent, breaker->complaints_milli},
	    {"unsubscribes", health.unsubscribes, health.sent, breaker->unsubscribes_milli},
	    {"bounces", health.bounces, health.sent, breaker->bounces_milli},
	};
	if (health.sent < breaker->at_least || health.sent < 1)
		return false;
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
		if (rates[i].at_most_milli >= 0 && is_nearer(&rates[i], worst))
			worst = &rates[i];
	if (worst == NULL)
		return false;
	*ret = *worst;
	return true;
}

/* ---- is it stopped? ----------------------------------------------------------------------------- */

static bool is_breaker_of(const struct tact_rule *rule, const char *name)
{
	return rule->kind == TACT_RULE_BREAKER && rule->breaker.about == TACT_BREAKER_RATES &&
	       tact_text_equal_nocase(rule->name, name);
}

static bool is_configured(const struct tact_rule_set *rules, const char *name)
{
	for (size_t i = 0; i < rules->rules_count; i++)
		if (is_breaker_of(&rules->rules[i], name))
			return true;
	return false;
}

static void put_rate(struct tact_arena *arena, const struct rate *rate, struct tact_finding *ret)
{
	ret->has_numbers = true;
	ret->count_milli = rate_milli(rate);
	ret->at_most_milli = rate->at_most_milli;
	ret->window = JOIN(arena, rate->what, " of ", policy_format_milli(arena, rate->sent * 1000), " sent");
}

static const char *rate_words(struct tact_arena *arena, const struct tact_finding *finding)
{
	return JOIN(arena, policy_format_milli(arena, finding->count_milli), "% ", finding->window);
}

static void judge_counts(const struct asker *asker, const struct tact_rule *rule,
    const struct tact_campaign_view *view, int64_t t_us, struct tact_finding *ret)
{
	struct tact_arena *arena = asker->book->arena;
	struct rate rate;

	ret->why = "too little was sent for a rate to tell anything";
	if (worst_rate(&rule->breaker, view, t_us, &rate)) {
		put_rate(arena, &rate, ret);
		ret->fired = is_past(&rate);
		ret->why = JOIN(arena, rate_words(arena, ret), ret->fired ? ", more than " : ", at most ",
		    policy_format_milli(arena, ret->at_most_milli), "%");
	}
}

static void judge_rates(const struct asker *asker, const struct tact_rule *rule,
    const struct tact_campaign_view *view, int64_t t_us, struct tact_finding *ret)
{
	struct tact_arena *arena = asker->book->arena;

	if (asker->book->campaigns->uncounted)
		ret->why = "it is not known what came of this campaign: some counts could not be read";
	else if (view == NULL)
		ret->why = "nothing was sent of this campaign";
	else
		judge_counts(asker, rule, view, t_us, ret);
	if (!is_stopped_by(rule, view))
		return;
	ret->fired = true;
	ret->why = JOIN(arena, "stopped since ", tact_text_format_time(arena, view->record.tripped_us), ": ",
	    view->record.tripped_why);
}

static const char *since_words(struct tact_arena *arena, const struct tact_campaign *record, const char *what)
{
	return JOIN(arena, what, " since ", tact_text_format_time(arena, record->changed_us), " by ",
	    record->by, *record->why == '\0' ? "" : ": ", record->why);
}

static void judge_word(const struct asker *asker, const struct tact_rule *rule,
    const struct tact_campaign_view *view, struct tact_finding *ret)
{
	struct tact_arena *arena = asker->book->arena;
	const struct tact_campaign *record = &view->record;
	bool pauses = rule->breaker.about == TACT_BREAKER_PAUSED;

	ret->why = pauses ? "the campaign is not paused" : "the campaign was not cancelled";
	if (record->state == (pauses ? TACT_CAMPAIGN_PAUSED : TACT_CAMPAIGN_CANCELLED)) {
		ret->fired = true;
		ret->why = since_words(arena, record, pauses ? "paused" : "cancelled");
	} else if (!pauses && record->tripped_us != 0 &&
		   !is_configured(asker->book->rules, record->tripped_by)) {
		ret->fired = true;
		ret->why = JOIN(arena, "stopped since ", tact_text_format_time(arena, record->tripped_us),
		    " by ", record->tripped_by, ", which is configured no longer: ", record->tripped_why);
	}
}

/* Not to know is no leave to send: until it is known the mail waits. */
static void judge_unknown(const struct tact_rule *rule, struct tact_finding *ret)
{
	ret->fired = rule->breaker.about == TACT_BREAKER_PAUSED;
	ret->why = "it is not known whether this campaign may go on";
}

/* Claims that are only put into their places stay where they are. */
static bool is_doubtful(const struct asker *asker, const struct tact_rule *rule)
{
	return asker->asks && rule->breaker.about == TACT_BREAKER_PAUSED &&
	       tact_policy_lacks_counts(asker->book->rules, asker->book->campaigns, asker->facts);
}

/* ---- the rule ----------------------------------------------------------------------------------- */

/* Those that are in every rule set say nothing of mail that has no campaign. */
bool policy_breaker_concerns(const struct tact_rule *rule, const struct tact_facts *facts)
{
	return rule->breaker.about == TACT_BREAKER_RATES || *facts->campaign != '\0';
}

void policy_breaker_judge(const struct asker *asker, size_t rule, int64_t t_us, struct tact_finding *ret)
{
	const struct tact_rule *of = &asker->book->rules->rules[rule];

	if (*asker->facts->campaign == '\0')
		ret->why = "mail has no campaign";
	else if (!tact_policy_knows_campaign(asker->book->campaigns, asker->facts->campaign))
		judge_unknown(of, ret);
	else if (of->breaker.about == TACT_BREAKER_RATES)
		judge_rates(asker, of, asker->campaign, t_us, ret);
	else if (asker->campaign == NULL)
		ret->why = "nothing was sent of this campaign";
	else
		judge_word(asker, of, asker->campaign, ret);
	if (!ret->fired && is_doubtful(asker, of))
		judge_unknown(of, ret);
	if (ret->fired)
		ret->until_us = POLICY_NEVER;
}

/* One that delays: the mail waits for a person. Time alone does not let it go on. While campaigns cannot be
 * read claims stay where they are. */
void policy_breaker_prepare(struct asker *asker, size_t rule, int64_t from_us)
{
	const struct tact_rule *of = &asker->book->rules->rules[rule];
	struct tact_finding finding = {.rule = of};

	if (!policy_delays(of) ||
	    (!asker->asks && !tact_policy_knows_campaign(asker->book->campaigns, asker->facts->campaign)))
		return;
	policy_breaker_judge(asker, rule, from_us, &finding);
	asker->stopped |= finding.fired;
	asker->seats[rule].stopped = finding.fired;
}

int64_t policy_breaker_earliest(const struct asker *asker, size_t rule, int64_t t_us)
{
	return asker->seats[rule].stopped ? POLICY_NEVER : t_us;
}

/* A name that looks like an address is not repeated. */
static const char *name_words(struct tact_arena *arena, const char *name)
{
	return strchr(name, '@') != NULL
		   ? "this campaign"
		   : JOIN(arena, "campaign ", tact_text_printable(arena, name, NAME_MAX_SHOWN));
}

const char *policy_breaker_words(const struct asker *asker, const struct tact_finding *finding, int64_t t_us)
{
	struct tact_arena *arena = asker->book->arena;
	const char *name = name_words(arena, asker->facts->campaign);

	(void)t_us;
	if (asker->campaign != NULL && asker->campaign->record.state == TACT_CAMPAIGN_PAUSED &&
	    finding->rule->breaker.about == TACT_BREAKER_PAUSED)
		return JOIN(arena, name, " is paused");
	if (asker->campaign == NULL || finding->rule->breaker.about == TACT_BREAKER_PAUSED)
		return JOIN(arena, "it is not known whether ", name, " may go on");
	if (asker->campaign->record.state == TACT_CAMPAIGN_CANCELLED &&
	    finding->rule->breaker.about == TACT_BREAKER_CANCELLED)
		return JOIN(arena, name, " was cancelled");
	return JOIN(arena, name, " was stopped: ",
	    finding->has_numbers ? rate_words(arena, finding) : asker->campaign->record.tripped_why);
}

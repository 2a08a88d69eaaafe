/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The decider: its parts, and the rules in force. A reload swaps the rules; decisions under way finish under
 * the old ones.
 */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>

#include "private.h"

/* One rule set and how many decisions stand on it. */
struct rules_hold {
	const struct tact_decider *decider; /* whose; two may decide under the same rules */
	const struct tact_rule_set *rules;
	void (*release)(void *owner);
	void *owner;
	size_t held;
	struct rules_hold *next;
};

/* Every set still held, the current one first; one list for all deciders of the process. */
static pthread_mutex_t holds_lock = PTHREAD_MUTEX_INITIALIZER;
static struct rules_hold *holds;

struct tact_decider *tact_decider_new(const struct tact_decider_parts *parts)
{
	struct tact_decider *decider = tact_calloc(1, sizeof *decider);

	decider->parts = *parts;
	decider->volume = volume_new();
	decider->campaigns = campaigns_new();
	decider->health = health_new();
	return decider;
}

/* Takes HOLD off the list and lets its owner go. Called without the lock. */
static void release_hold(struct rules_hold *hold)
{
	if (hold == NULL)
		return;
	if (hold->release != NULL)
		hold->release(hold->owner);
	free(hold);
}

/* With the lock held: one holder fewer; answers the hold when it was the last, unlinked. */
static struct rules_hold *drop(struct rules_hold *hold)
{
	if (--hold->held > 0)
		return NULL;
	for (struct rules_hold **at = &holds; *at != NULL; at = &(*at)->next) {
		if (*at == hold) {
			*at = hold->next;
			break;
		}
	}
	return hold;
}

void tact_decider_set_rules(struct tact_decider *decider, const struct tact_rule_set *rules,
    void (*release)(void *owner), void *owner)
{
	struct rules_hold *fresh = tact_calloc(1, sizeof *fresh), *old;

	*fresh = (struct rules_hold){
	    .decider = decider, .rules = rules, .release = release, .owner = owner, .held = 1};
	pthread_mutex_lock(&holds_lock);
	old = decider->current;
	fresh->next = holds;
	holds = fresh;
	decider->current = fresh;
	old = old != NULL ? drop(old) : NULL;
	pthread_mutex_unlock(&holds_lock);
	release_hold(old);
}

const struct tact_rule_set *tact_decider_take_rules(struct tact_decider *decider)
{
	const struct tact_rule_set *rules;

	pthread_mutex_lock(&holds_lock);
	decider->current->held++;
	rules = decider->current->rules;
	pthread_mutex_unlock(&holds_lock);
	return rules;
}

void tact_decider_put_rules(struct tact_decider *decider, const struct tact_rule_set *rules)
{
	struct rules_hold *last = NULL;

	pthread_mutex_lock(&holds_lock);
	for (struct rules_hold *hold = holds; hold != NULL; hold = hold->next) {
		if (hold->decider == decider && hold->rules == rules) {
			last = drop(hold);
			break;
		}
	}
	pthread_mutex_unlock(&holds_lock);
	release_hold(last);
}

void tact_decider_free(struct tact_decider **decider)
{
	struct rules_hold *last = NULL;

	if (*decider == NULL)
		return;
	pthread_mutex_lock(&holds_lock);
	if ((*decider)->current != NULL)
		last = drop((*decider)->current);
	pthread_mutex_unlock(&holds_lock);
	release_hold(last);
	volume_free(&(*decider)->volume);
	campaigns_free(&(*decider)->campaigns);
	health_free(&(*decider)->health);
	free(*decider);
	*decider = NULL;
}

bool can_quarantine(const struct tact_rule_set *rules)
{
	for (size_t i = 0; i < rules->rules_count; i++)
		if (rules->rules[i].action == TACT_QUARANTINE ||
		    (rules->rules[i].kind == TACT_RULE_CONTENT &&
			rules->rules[i].content.on_unreadable == TACT_QUARANTINE))
			return true;
	return false;
}

bool can_hold_people(const struct tact_rule_set *rules)
{
	for (size_t i = 0; i < rules->rules_count; i++)
		if (rules->rules[i].action == TACT_QUARANTINE &&
		    tact_policy_is_about_people(rules->rules[i].kind))
			return true;
	return false;
}

size_t tact_decide_wants_body(struct tact_decider *decider)
{
	const struct tact_rule_set *rules = tact_decider_take_rules(decider);
	size_t wants = tact_policy_wants_content(rules, NULL) ? (size_t)rules->content_max
		       : can_quarantine(rules)		      ? TACT_EXCERPT_BYTES
							      : 0;

	tact_decider_put_rules(decider, rules);
	return wants;
}

bool tact_decide_wants_edits(struct tact_decider *decider)
{
	const struct tact_rule_set *rules = tact_decider_take_rules(decider);
	bool wants = false;

	for (size_t i = 0; i < rules->rules_count; i++)
		wants = wants || rules->rules[i].content.add_headers.count > 0 ||
			rules->rules[i].content.strip_headers.count > 0;
	tact_decider_put_rules(decider, rules);
	return wants;
}

void undecided_words(int result, const char **ret_code, const char **ret_text)
{
	*ret_code = "4.3.0";
	*ret_text = result == TACT_CORRUPT ? "contact record cannot be read, try again later"
					   : "policy store cannot answer, try again later";
}

/* Results grow more negative with trouble except UNCERTAIN, which outweighs CORRUPT: it asks for a retry of
 * the same ids. */
int worst(int a, int b)
{
	static const int order[] = {TACT_OK, TACT_ABSENT, TACT_INVALID, TACT_REFUSED, TACT_CORRUPT,
	    TACT_SYSTEM, TACT_UNAVAILABLE, TACT_UNCERTAIN};
	size_t rank_a = 0, rank_b = 0;

	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		if (order[i] == a)
			rank_a = i;
		if (order[i] == b)
			rank_b = i;
	}
	return rank_a >= rank_b ? a : b;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The rule "consent": a permission is needed whose basis will do and that has not run out. Of each scope the
 * newest event counts: the newest permission of a basis, and what ended later ends those of every basis.
 */
#include <config.h>

#include <string.h>

#include "engine.h"

static const struct tact_consent_rule *rule_of(const struct asker *asker, size_t rule)
{
	return &asker->book->rules->rules[rule].consent;
}

/* ---- how long one permission lasts -------------------------------------------------------------- */

/* A length for this source goes before one for all of the basis. */
static const struct tact_expiry *find_expiry(
    const struct tact_consent_rule *rule, const struct tact_consent *consent)
{
	const struct tact_expiry *found = NULL;

	for (size_t i = 0; i < rule->expiries_count; i++) {
		const struct tact_expiry *expiry = &rule->expiries[i];

		if (expiry->basis != consent->basis)
			continue;
		if (expiry->source != NULL && tact_text_equal_nocase(expiry->source, consent->source))
			return expiry;
		if (expiry->source == NULL)
			found = expiry;
	}
	return found;
}

/* The first second of the day so many periods later. A month that is too short gives its last day: what was
 * given on 29 February is over on 28 February. */
static int64_t anniversary_us(const struct tact_zone *zone, const struct tact_expiry *expiry, int64_t time_us)
{
	static const int months_in[] = {[TACT_MONTH] = 1, [TACT_QUARTER] = 3, [TACT_YEAR] = 12};
	struct tact_local_time t;
	int64_t month;
	int days = 0, year, most;

	tact_zone_local(zone, policy_floor_divide(time_us, POLICY_SECOND_US), &t);
	month = (int64_t)t.year * 12 + t.month - 1;
	if (expiry->period == TACT_DAY || expiry->period == TACT_WEEK)
		days = expiry->periods * (expiry->period == TACT_WEEK ? 7 : 1);
	else
		month += (int64_t)expiry->periods * months_in[expiry->period];
	year = (int)(month / 12);
	if (year > 9999)
		return POLICY_NEVER;
	most = tact_date_days_in_month(year, (int)(month % 12) + 1);
	return POLICY_SECOND_US * tact_zone_from_local(zone, year, (int)(month % 12) + 1,
				      (t.day > most ? most : t.day) + days, 0, 0, 0);
}

static int64_t earlier(int64_t end_us, int64_t other_us)
{
	return other_us != 0 && other_us < end_us ? other_us : end_us;
}

/* From when on it no longer counts, whatever was done about it. */
static int64_t runs_out_us(const struct tact_consent_rule *rule, const struct tact_consent *consent)
{
	const struct tact_expiry *expiry = find_expiry(rule, consent);
	int64_t end_us = POLICY_NEVER;

	if (expiry != NULL && expiry->periods == 0)
		end_us = policy_add(consent->time_us, expiry->length_s * POLICY_SECOND_US);
	else if (expiry != NULL)
		end_us = anniversary_us(rule->zone, expiry, consent->time_us);
	return earlier(end_us, consent->until_us);
}

static bool is_same_scope(const struct tact_scope *a, const struct tact_scope *b)
{
	return a->kind == b->kind && tact_text_equal_nocase(a->value, b->value);
}

/* Who ended one permission of a scope has ended all that were given before. */
static int64_t ended_us(const struct tact_dossier *dossier, const struct tact_consent *consent)
{
	int64_t end_us = POLICY_NEVER;

	for (size_t i = 0; i < dossier->consents_count; i++) {
		const struct tact_consent *other = &dossier->consents[i];

		if (other == consent ||
		    (other->ended_us >= consent->time_us && is_same_scope(&other->scope, &consent->scope)))
			end_us = earlier(end_us, other->ended_us);
	}
	return end_us;
}

static bool will_do(const struct tact_consent_rule *rule, const struct tact_consent *consent)
{
	return rule->bases == 0 || (rule->bases >> (unsigned)consent->basis & 1);
}

/* ---- which of them counts ----------------------------------------------------------------------- */

/* Of two at the same time the one that allows less counts. */
static bool goes_before(
    const struct tact_consent_rule *rule, const struct tact_consent *a, const struct tact_consent *b)
{
	int64_t a_us, b_us;

	if (a->time_us != b->time_us)
		return a->time_us > b->time_us;
	a_us = runs_out_us(rule, a);
	b_us = runs_out_us(rule, b);
	return a_us != b_us ? a_us < b_us : memcmp(&a->id, &b->id, sizeof a->id) < 0;
}

static bool is_newest(
    const struct asker *asker, size_t rule, const struct tact_consent *consent, int64_t t_us)
{
	const struct tact_dossier *dossier = asker->book->dossier;

	for (size_t i = 0; i < dossier->consents_count; i++) {
		const struct tact_consent *other = &dossier->consents[i];

		if (other != consent && other->basis == consent->basis && other->time_us <= t_us &&
		    is_same_scope(&other->scope, &consent->scope) &&
		    goes_before(rule_of(asker, rule), other, consent))
			return false;
	}
	return true;
}

/* What counts at t_us. */
struct permissions {
	size_t count;			  /* those that are good */
	unsigned bases;			  /* of them */
	const struct tact_consent *cited; /* the good one that lasts longest, or the last that was good */
	int64_t end_us; /* from when on it does not count; INT64_MIN: its basis will not do */
	bool others;	/* there are some for other mail */
};

static void count(const struct asker *asker, size_t rule, const struct tact_consent *consent, int64_t t_us,
    struct permissions *to)
{
	const struct tact_consent_rule *needs = rule_of(asker, rule);
	int64_t end_us = INT64_MIN;

	if (will_do(needs, consent))
		end_us = earlier(runs_out_us(needs, consent), ended_us(asker->book->dossier, consent));
	if (to->cited == NULL || end_us > to->end_us) {
		to->cited = consent;
		to->end_us = end_us;
	}
	if (end_us <= t_us)
		return;
	to->count++;
	to->bases |= 1U << (unsigned)consent->basis;
}

static void look(const struct asker *asker, size_t rule, int64_t t_us, struct permissions *ret)
{
	const struct tact_dossier *dossier = asker->book->dossier;

	*ret = (struct permissions){.cited = NULL};
	for (size_t i = 0; i < dossier->consents_count; i++) {
		const struct tact_consent *consent = &dossier->consents[i];

		if (!tact_dossier_scope_covers(&consent->scope, asker->facts))
			ret->others = true;
		else if (consent->time_us <= t_us && is_newest(asker, rule, consent, t_us))
			count(asker, rule, consent, t_us, ret);
	}
}

/* ---- what it says ------------------------------------------------------------------------------- */

/* Only an event that is still to come can make good what is not. */
int64_t policy_consent_earliest(const struct asker *asker, size_t rule, int64_t t_us)
{
	const struct tact_dossier *dossier = asker->book->dossier;
	int64_t earliest_us = POLICY_NEVER;
	struct permissions permissions;

	look(asker, rule, t_us, &permissions);
	if (permissions.count > 0)
		return t_us;
	for (size_t i = 0; i < dossier->consents_count; i++) {
		int64_t time_us = dossier->consents[i].time_us;

		if (time_us <= t_us || time_us >= earliest_us)
			continue;
		look(asker, rule, time_us, &permissions);
		if (permissions.count > 0)
			earliest_us = time_us;
	}
	return earliest_us;
}

static const char *list_bases(struct tact_arena *arena, unsigned bases)
{
	const char *text = "";

	for (unsigned i = 0; i < TACT_BASES; i++)
		if (bases >> i & 1)
			text = JOIN(arena, text, *text == '\0' ? "" : ", ",
			    tact_dossier_basis_name((enum tact_basis)i));
	return *text == '\0' ? "consent" : JOIN(arena, "consent (", text, ")");
}

/* Why the one that is cited does not count, for the sender; dates are none of his business. */
static const char *complaint(const struct tact_consent_rule *rule, const struct permissions *permissions)
{
	if (permissions->cited == NULL)
		return permissions->others ? "permission is for other mail" : "no permission is on record";
	if (permissions->end_us == INT64_MIN)
		return "permission is of another kind";
	return permissions->end_us < runs_out_us(rule, permissions->cited) ? "permission was ended"
									   : "permission has run out";
}

static const char *explain(const struct asker *asker, size_t rule, const struct permissions *permissions)
{
	struct tact_arena *arena = asker->book->arena;
	const struct tact_consent *consent = permissions->cited;
	bool ends = permissions->end_us != POLICY_NEVER && permissions->end_us != INT64_MIN;

	return JOIN(arena, permissions->count > 0 ? "" : complaint(rule_of(asker, rule), permissions),
	    permissions->count > 0 ? "" : ": ", tact_dossier_basis_name(consent->basis), " for ",
	    tact_dossier_format_scope(arena, &consent->scope), " since ",
	    tact_text_format_time(arena, consent->time_us), *consent->source == '\0' ? "" : " from ",
	    consent->source, ends ? ", until " : "",
	    ends ? tact_text_format_time(arena, permissions->end_us) : "");
}

void policy_consent_judge(const struct asker *asker, size_t rule, int64_t t_us, struct tact_finding *ret)
{
	struct permissions permissions;

	look(asker, rule, t_us, &permissions);
	ret->has_numbers = true;
	ret->count_milli = (int64_t)permissions.count * 1000;
	ret->window = list_bases(asker->book->arena, permissions.bases);
	ret->fired = permissions.count == 0;
	if (ret->fired)
		ret->until_us = policy_consent_earliest(asker, rule, t_us);
	ret->why = permissions.cited == NULL ? complaint(rule_of(asker, rule), &permissions)
					     : explain(asker, rule, &permissions);
}

const char *policy_consent_words(const struct asker *asker, const struct tact_finding *finding, int64_t t_us)
{
	size_t rule = (size_t)(finding->rule - asker->book->rules->rules);
	struct permissions permissions;

	look(asker, rule, t_us, &permissions);
	return JOIN(
	    asker->book->arena, finding->rule->name, ": ", complaint(rule_of(asker, rule), &permissions));
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Places: when a mail may go, who goes first, and where every waiting claim of a person stands. Always
 * derived, never stored.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "engine.h"

#define LAPSE_US (3600 * POLICY_SECOND_US)
#define LAPSE_TEMPFAIL_US (86400 * POLICY_SECOND_US)

/* ---- one asker ---------------------------------------------------------------------------------- */

bool policy_delays(const struct tact_rule *rule)
{
	return rule->action == TACT_DELAY && !rule->monitor;
}

bool policy_applies(const struct tact_applies *to, const struct tact_facts *facts)
{
	return (to->purposes == 0 || (to->purposes >> (unsigned)facts->purpose & 1)) &&
	       (to->streams.count == 0 || policy_names_have(&to->streams, facts->stream)) &&
	       (to->brands.count == 0 || policy_names_have(&to->brands, facts->brand)) &&
	       (to->owners.count == 0 || policy_names_have(&to->owners, facts->owner));
}

static const char *not_for(
    struct tact_arena *arena, const struct tact_names *names, const char *what, const char *name)
{
	if (names->count == 0 || policy_names_have(names, name))
		return NULL;
	return *name != '\0' ? JOIN(arena, "is not for ", what, " ", name)
			     : JOIN(arena, "is not for mail without ", what);
}

const char *tact_policy_why_not_asked(
    struct tact_arena *arena, const struct tact_rule *rule, const struct tact_facts *facts)
{
	const struct tact_applies *to = &rule->applies;
	const char *why = NULL;

	if (to->purposes != 0 && (to->purposes >> (unsigned)facts->purpose & 1) == 0)
		why = JOIN(arena, "is not for purpose ", tact_facts_purpose_name(facts->purpose));
	if (why == NULL)
		why = not_for(arena, &to->streams, "stream", facts->stream);
	if (why == NULL)
		why = not_for(arena, &to->brands, "brand", facts->brand);
	if (why == NULL)
		why = not_for(arena, &to->owners, "owner", facts->owner);
	if (why == NULL && policy_kinds[rule->kind].concerns != NULL &&
	    !policy_kinds[rule->kind].concerns(rule, facts))
		why = "is not for mail without campaign";
	return why;
}

void policy_sit(struct asker *asker, struct book *book, const struct tact_facts *facts,
    const struct tact_id *contact, int64_t contact_from_us, int64_t from_us, bool all)
{
	asker->book = book;
	asker->facts = facts;
	asker->question = NULL;
	asker->contact_from_us = contact_from_us;
	asker->contact = contact == NULL || tact_id_is_none(contact) ? NULL : contact;
	asker->seats = book->seats;
	asker->campaign = tact_policy_find_campaign(book->campaigns, facts->campaign);
	asker->stopped = false;
	asker->asks = all;
	policy_book_name(book, facts, asker->names);
	for (size_t i = 0; i < book->rules->rules_count; i++) {
		const struct tact_rule *rule = &book->rules->rules[i];
		struct seat *seat = &asker->seats[i];

		*seat = (struct seat){.pushed_us = POLICY_NEVER};
		seat->applies = (all || policy_delays(rule)) && policy_applies(&rule->applies, facts) &&
				(policy_kinds[rule->kind].concerns == NULL ||
				    policy_kinds[rule->kind].concerns(rule, facts));
		if (seat->applies && policy_kinds[rule->kind].prepare != NULL)
			policy_kinds[rule->kind].prepare(asker, i, from_us);
	}
}

/* Every rule moves the time on until none does: as each is monotone, that is the least time that suits them
 * all. */
static int64_t settle(struct asker *asker, int64_t t_us, int64_t stop_us)
{
	const struct tact_rule_set *rules = asker->book->rules;
	int64_t before_us;

	do {
		before_us = t_us;
		for (size_t i = 0; i < rules->rules_count && t_us <= stop_us; i++) {
			struct seat *seat = &asker->seats[i];
			int64_t earliest_us;

			if (!policy_delays(&rules->rules[i]) || !seat->applies)
				continue;
			earliest_us = policy_kinds[rules->rules[i].kind].earliest(asker, i, t_us);
			if (earliest_us > t_us && seat->pushed_us == POLICY_NEVER)
				seat->pushed_us = t_us;
			t_us = earliest_us;
		}
	} while (t_us != before_us && t_us <= stop_us);
	return t_us;
}

/* The first eight bytes as a number, the same on every machine. */
static int64_t spread_us(const struct tact_id *claim, int64_t most_s)
{
	uint64_t number = 0;

	for (size_t i = 0; i < 8; i++)
		number = number << 8 | claim->b[i];
	return most_s <= 0 ? 0 : (int64_t)(number % ((uint64_t)most_s + 1)) * POLICY_SECOND_US;
}

int64_t policy_place(struct asker *asker, const struct tact_id *claim, int64_t from_us, int64_t not_after_us)
{
	int64_t place_us = settle(asker, from_us, not_after_us), spread_place_us;

	/* Nobody knows when it is let go on: it waits as long as it may. */
	if (asker->stopped && place_us > not_after_us && from_us < not_after_us)
		return not_after_us;
	if (place_us <= from_us || place_us > not_after_us)
		return place_us;
	spread_place_us = policy_add(place_us, spread_us(claim, asker->book->rules->release_spread_s));
	if (spread_place_us == place_us)
		return place_us;
	spread_place_us = settle(asker, spread_place_us, not_after_us);
	/* Spreading eases the load; it is no reason to refuse anybody. */
	return spread_place_us > not_after_us ? place_us : spread_place_us;
}

/* ---- all claims --------------------------------------------------------------------------------- */

bool policy_outranks(const struct rank *a, const struct rank *b)
{
	if (a->firm != b->firm)
		return a->firm;
	if (a->firm && a->firm_us != b->firm_us)
		return a->firm_us < b->firm_us;
	if (a->priority != b->priority)
		return a->priority > b->priority;
	if (a->made_us != b->made_us)
		return a->made_us < b->made_us;
	return memcmp(a->id, b->id, sizeof *a->id) < 0;
}

int64_t policy_lapse(int64_t place_us, int64_t freed_us, int64_t not_after_us, bool tempfail)
{
	int64_t since_us = freed_us > place_us && freed_us <= not_after_us ? freed_us : place_us;

	return policy_add(since_us, tempfail ? LAPSE_TEMPFAIL_US : LAPSE_US);
}

static struct rank rank_of(const struct tact_claim *claim)
{
	return (struct rank){.priority = claim->priority,
	    .made_us = claim->rank_us != 0 ? claim->rank_us : claim->made_us,
	    .id = &claim->id,
	    .firm = claim->firm,
	    .firm_us = claim->firm_us};
}

static int compare(const void *a, const void *b)
{
	struct rank ra = rank_of(*(const struct tact_claim *const *)a),
		    rb = rank_of(*(const struct tact_claim *const *)b);

	return policy_outranks(&rb, &ra) - policy_outranks(&ra, &rb);
}

int64_t policy_first_made(const struct tact_dossier *dossier, int64_t t_us)
{
	for (size_t i = 0; i < dossier->claims_count; i++)
		if (dossier->claims[i].state == TACT_CLAIM_WAITING && dossier->claims[i].made_us < t_us)
			t_us = dossier->claims[i].made_us;
	return t_us;
}

/* A claim that a campaign made for mail that is still to come, and gave up. */
static bool is_given_up(const struct book *book, const struct tact_claim *claim)
{
	return claim->planned && *claim->facts.campaign != '\0' &&
	       tact_policy_knows_campaign(book->campaigns, claim->facts.campaign) &&
	       !tact_policy_campaign_holds(tact_policy_find_campaign(book->campaigns, claim->facts.campaign));
}

/* The waiting claims that go first, in order. */
static size_t line_up(const struct book *book, const struct rank *least, const struct tact_claim **ret)
{
	const struct tact_dossier *dossier = book->dossier;
	size_t count = 0;

	for (size_t i = 0; i < dossier->claims_count; i++) {
		const struct tact_claim *claim = &dossier->claims[i];
		struct rank rank = rank_of(claim);

		if (claim->state == TACT_CLAIM_WAITING && !is_given_up(book, claim) &&
		    (least == NULL ||
			(policy_outranks(&rank, least) && !tact_id_equal(&claim->id, least->id))))
			ret[count++] = claim;
	}
	qsort(ret, count, sizeof(const struct tact_claim *), compare);
	return count;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* When a claim gave up its place: withdrawn, refused at the gate, or its campaign was stopped. One that
 * passed is a contact. */
static int64_t given_up_us(const struct book *book, const struct tact_claim *claim)
{
	const struct tact_campaign_view *view;

	if (claim->state == TACT_CLAIM_WITHDRAWN || claim->state == TACT_CLAIM_REFUSED ||
	    claim->state == TACT_CLAIM_BOUNCED)
		return claim->done_us;
	if (claim->state != TACT_CLAIM_WAITING || !is_given_up(book, claim))
		return 0;
	view = tact_policy_find_campaign(book->campaigns, claim->facts.campaign);
	return view == NULL ? 0 : later(view->record.changed_us, view->record.tripped_us);
}

/* When a claim that went before RANK gave up its place last. */
static int64_t last_given_up(const struct book *book, const struct rank *rank)
{
	int64_t last_us = 0;

	for (size_t i = 0; i < book->dossier->claims_count; i++) {
		const struct tact_claim *claim = &book->dossier->claims[i];
		struct rank before = rank_of(claim);
		int64_t given_us = given_up_us(book, claim);

		if (given_us > last_us && policy_outranks(&before, rank))
			last_us = given_us;
	}
	return last_us;
}

/* A claim of mail that will be refused: it is to be asked about now. */
static bool is_cancelled(const struct asker *asker)
{
	return asker->campaign != NULL && asker->campaign->record.state == TACT_CAMPAIGN_CANCELLED;
}

/* From when on its place is sought: since it is let go on, if it was stopped meanwhile. */
static int64_t sought_from(const struct asker *asker, const struct tact_claim *claim, int64_t from_us)
{
	if (claim->firm)
		from_us = later(from_us, claim->firm_us);
	if (claim->planned || asker->campaign == NULL)
		return from_us;
	return later(from_us, asker->campaign->record.resumed_us);
}

/* Answers what is told of the claim's place (tact_policy_places), having put it there if it holds it. */
static int64_t place_claim(struct book *book, const struct tact_claim *claim, int64_t now_us)
{
	const struct tact_contact *own = tact_dossier_own_contact(book->dossier, claim);
	struct rank rank = rank_of(claim);
	struct asker asker;
	int64_t from_us = later(claim->made_us, claim->asked_us), place_us, lapse_us;

	policy_sit(&asker, book, &claim->facts, own != NULL ? &own->id : NULL, own != NULL ? own->time_us : 0,
	    from_us, false);
	if (is_cancelled(&asker))
		return POLICY_NEVER;
	place_us = policy_place(&asker, &claim->id, sought_from(&asker, claim, from_us), claim->not_after_us);
	if (place_us > claim->not_after_us)
		return POLICY_NEVER;
	lapse_us = claim->planned ? claim->not_after_us
				  : policy_lapse(place_us, later(book->freed_us, last_given_up(book, &rank)),
					claim->not_after_us, claim->tempfail);
	if (now_us >= lapse_us) {
		book->freed_us = later(book->freed_us, lapse_us);
		return 0;
	}
	if (!asker.stopped)
		policy_book_place(book, &claim->facts, asker.names, &claim->id, place_us);
	return place_us;
}

void policy_place_claims(struct book *book, const struct rank *least, int64_t now_us, int64_t *ret_places)
{
	const struct tact_dossier *dossier = book->dossier;
	const struct tact_claim **line =
	    tact_arena_alloc(book->arena, dossier->claims_count * sizeof(const struct tact_claim *));
	size_t count = line_up(book, least, line);
	uint32_t names[NAMES];

	for (size_t i = 0; i < count; i++)
		policy_book_name(book, &line[i]->facts, names);
	for (size_t i = 0; i < count; i++) {
		int64_t place_us = place_claim(book, line[i], now_us);

		if (ret_places != NULL)
			ret_places[line[i] - dossier->claims] = place_us;
	}
	if (least != NULL)
		book->freed_us = later(book->freed_us, last_given_up(book, least));
}

void tact_policy_places(struct tact_arena *arena, const struct tact_rule_set *rules,
    const struct tact_campaigns *campaigns, const struct tact_dossier *dossier, int64_t now_us,
    int64_t *ret_places)
{
	struct book book;

	for (size_t i = 0; i < dossier->claims_count; i++)
		ret_places[i] = 0;
	policy_book_open(
	    &book, arena, rules, dossier, dossier->claims_count, policy_first_made(dossier, now_us));
	book.campaigns = campaigns;
	policy_place_claims(&book, NULL, now_us, ret_places);
}

/* ---- one rule ----------------------------------------------------------------------------------- */

int64_t tact_policy_earliest(const struct tact_rule *rule, const struct tact_facts *facts,
    const struct tact_dossier *dossier, const struct tact_id *own_contact, const struct tact_placed *placed,
    size_t placed_count, int64_t t_us)
{
	const struct tact_rule_set rules = {.rules = rule, .rules_count = 1};
	struct tact_arena *arena = tact_arena_new();
	struct book book;
	struct asker asker;
	uint32_t names[NAMES];

	policy_book_open(&book, arena, &rules, dossier, placed_count, t_us);
	for (size_t i = 0; i < placed_count; i++) {
		policy_book_name(&book, placed[i].facts, names);
		policy_book_place(&book, placed[i].facts, names, &placed[i].claim, placed[i].place_us);
	}
	policy_sit(&asker, &book, facts, own_contact, INT64_MIN, t_us, true);
	if (asker.seats[0].applies)
		t_us = policy_kinds[rule->kind].earliest(&asker, 0, t_us);
	tact_arena_free(&arena);
	return t_us;
}

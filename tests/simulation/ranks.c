/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The oracle on who goes first. What it does not know for sure it says as a best and a worst rank.
 */
#include <config.h>

#include "oracle_private.h"

bool oracle_goes_before(struct rank a, struct rank b, bool ties)
{
	if (a.firm != b.firm)
		return a.firm;
	/* Of two that are firm the one with the earlier place goes first: that is not told here. */
	if (a.firm)
		return ties;
	if (a.priority != b.priority)
		return a.priority > b.priority;
	return ties ? a.made_us <= b.made_us : a.made_us < b.made_us;
}

static struct rank better(struct rank a, struct rank b, bool best)
{
	return oracle_goes_before(a, b, true) == best ? a : b;
}

int64_t oracle_made_us(const struct person *person, const struct asked *asked)
{
	const struct waiting *own = asked->claim == NULL ? NULL : oracle_find_claim(person, asked->claim);

	if (own == NULL)
		return asked->now_us;
	return own->held_us > own->made_us ? own->held_us : own->made_us;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Moved to a later place often enough; each decision may have done so. */
static bool may_be_firm(const struct person *person, const struct waiting *claim)
{
	return claim->firm_after > 0 && person->decisions - claim->decisions >= claim->firm_after;
}

/* Has the mail a claim already, by which tact knows it again? */
static const struct waiting *own_claim(const struct person *person, const struct asked *asked)
{
	if (asked->claim != NULL)
		return oracle_find_claim(person, asked->claim);
	for (int i = person->claims_count - 1; i >= 0; i--)
		if (person->claims[i].mail == asked->mail && person->claims[i].begun == 0)
			return &person->claims[i];
	return NULL;
}

bool oracle_is_firm(const struct waiting *claim)
{
	return claim->firm_after > 0 && claim->bumps >= claim->firm_after;
}

struct rank oracle_claim_rank(const struct person *person, const struct waiting *claim, bool best)
{
	/* Of the worst it is never said that it is firm: who saw it moved may have seen something else. */
	struct rank rank = {.firm = best && may_be_firm(person, claim),
	    .priority = claim->facts.priority,
	    .made_us =
		best ? claim->made_us : later(later(claim->made_us, claim->renewed_us), claim->made_last_us)};
	struct rank planned = {.firm = rank.firm,
	    .priority = claim->took_priority,
	    .made_us = best ? claim->took_made_us : claim->took_made_last_us};

	if (claim->took == TOOK_SURELY)
		return planned;
	return claim->took == TOOK_PERHAPS ? better(rank, planned, best) : rank;
}

struct waiting *oracle_find_planned(const struct oracle *oracle, const struct asked *asked, bool *ret_surely)
{
	const struct person *person = &oracle->people[asked->person];

	for (int i = 0; i < person->claims_count && asked->claim == NULL && asked->facts->campaign >= 0;
	     i++) {
		struct waiting *claim = &person->claims[i];

		if (!claim->planned || claim->over || claim->facts.campaign != asked->facts->campaign ||
		    claim->facts.owner != asked->facts->owner || claim->not_after_us <= asked->now_us)
			continue;
		*ret_surely =
		    claim->sure && !oracle_was_given_up(oracle, claim->facts.campaign, asked->now_us);
		return claim;
	}
	*ret_surely = false;
	return NULL;
}

bool oracle_may_be_firm(const struct oracle *oracle, const struct asked *asked)
{
	const struct person *person = &oracle->people[asked->person];
	const struct waiting *own = own_claim(person, asked), *planned;
	bool surely;

	if (own != NULL && may_be_firm(person, own))
		return true;
	planned = oracle_find_planned(oracle, asked, &surely);
	return planned != NULL && may_be_firm(person, planned);
}

struct rank oracle_asked_rank(const struct oracle *oracle, const struct asked *asked, bool best)
{
	const struct person *person = &oracle->people[asked->person];
	const struct waiting *own = own_claim(person, asked), *planned;
	struct rank rank = {.priority = asked->facts->priority, .made_us = asked->now_us}, other;
	bool surely;

	if (own != NULL && asked->claim != NULL)
		return oracle_claim_rank(person, own, best);
	if (own != NULL) /* a retry: it may be found again, or be a new one */
		rank = better(rank, oracle_claim_rank(person, own, best), best);
	planned = oracle_find_planned(oracle, asked, &surely);
	if (planned == NULL)
		return rank;
	other = oracle_claim_rank(person, planned, best);
	return surely && own == NULL ? other : better(rank, other, best);
}

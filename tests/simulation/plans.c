/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Campaigns: somebody plans one for many, its mail comes, or some of it; meanwhile somebody pauses it, lets
 * it go on, cancels it.
 */
#include <config.h>

#include <string.h>

#include "world.h"

/* Read every two seconds; what was read is used for thirty when it cannot be. */
int64_t plans_stale_us(const struct world *world)
{
	return plans_deaf(world) ? 31 * SECOND_US : 2 * SECOND_US + 2000;
}

bool plans_deaf(const struct world *world)
{
	return world->faults.now_us - world->faults.deaf_us < 32 * SECOND_US;
}

/* ---- each second -------------------------------------------------------------------------------- */

/* Claims may have got or lost their places: whatever waits is looked at again. */
static void rewake(struct world *world, struct relay *relay, struct tact_arena *arena)
{
	uint64_t mark = tact_decide_campaigns_mark(relay->decider);
	struct tact_store_layout layout;
	int64_t after_us = 0;
	int result;

	if (mark == relay->mark)
		return;
	result = tact_decide_layout(relay->decider, &layout, NULL);
	while (result == TACT_OK && after_us != INT64_MAX)
		result = tact_decide_rewake(
		    relay->decider, arena, &layout, 0, after_us, 100, world->faults.now_us, &after_us, NULL);
	relay->mark = result == TACT_OK ? mark : 0;
}

static void tend(struct world *world, struct relay *relay)
{
	struct tact_arena *arena;
	struct entry entry;

	if (relay->machine.dead || relay->depth > 0 || world->faults.now_us - relay->tended_us < SECOND_US)
		return;
	arena = tact_arena_new();
	relay->counted_us = relay->tended_us;
	relay->tended_us = world->faults.now_us;
	world_enter(world, relay, &entry);
	(void)tact_decide_tend_campaigns(relay->decider, world->faults.now_us, NULL, NULL, NULL);
	rewake(world, relay, arena);
	(void)world_leave(world, relay, &entry);
	tact_arena_free(&arena);
}

/* The others do so, too, whether or not anything happens at them. */
void plans_tend(struct world *world, struct relay *relay)
{
	for (int i = 0; i < world->relays_count; i++)
		if (&world->relays[i] != relay)
			tend(world, &world->relays[i]);
	tend(world, relay);
}

static void tend_soon(struct world *world, int64_t at_us)
{
	for (int i = 0; i < world->relays_count; i++)
		for (int k = 1; k < 4; k++)
			world_plan(world, at_us + k * SECOND_US, EVENT_TEND, NULL, i);
}

/* ---- plans -------------------------------------------------------------------------------------- */

struct naming {
	struct world *world;
	struct tact_arena *arena;
	const struct plan *plan;
	const struct tact_identity *identity;
	int at;
};

static bool name_next(void *context, struct tact_id *ret_key)
{
	struct naming *naming = context;
	struct tact_recipient recipient;

	while (naming->at < PEOPLE_MAX && !naming->plan->people[naming->at])
		naming->at++;
	if (naming->at == PEOPLE_MAX)
		return false;
	if (tact_facts_recipient(naming->arena, naming->identity,
		world_any_address(naming->world, naming->at++), &recipient, NULL) != TACT_OK)
		return false;
	*ret_key = recipient.key;
	return true;
}

static int claim_all(
    struct world *world, struct relay *relay, const struct plan *plan, const char *name, bool *ret_whole)
{
	struct tact_arena *arena = tact_arena_new();
	const struct plan_spec *spec = &plan->spec;
	const char *offer = spec->facts.offer < 0 ? "" : tact_arena_printf(arena, "f%d", spec->facts.offer);
	const struct tact_stream *stream = tact_facts_find_stream(
	    &relay->config->rules.streams, world->house->streams[spec->facts.stream].name);
	struct tact_campaign campaign = {.name = name,
	    .stream = stream->name,
	    .owner = stream->owner,
	    .brand = stream->brand,
	    .offer = offer,
	    .priority = spec->facts.priority,
	    .planned_us = spec->planned_us,
	    .not_after_us = spec->not_after_us,
	    .by = "somebody",
	    .why = ""};
	struct naming naming = {.world = world, .arena = arena, .plan = plan, .identity = &relay->identity};
	struct tact_planned planned = {0};
	struct tact_facts facts;
	int result;

	tact_facts_of_stream(stream, name, offer, "", &facts);
	facts.priority = spec->facts.priority;
	result = tact_decide_plan(relay->decider, &campaign, &facts, name_next, NULL, &naming,
	    world->faults.now_us, &planned, NULL);
	*ret_whole = planned.full == 0 && planned.unreadable == 0;
	tact_arena_free(&arena);
	return result;
}

static bool told_rightly(const struct world *world)
{
	return world->options->breakage != BREAK_PLAN;
}

static void note_claims(struct world *world, const struct plan *plan, bool sure)
{
	for (int i = 0; i < world->people; i++)
		if (plan->people[i] && sure)
			oracle_plan_sure(world->oracle, i, plan->spec.campaign);
		else if (plan->people[i])
			oracle_plan(world->oracle, i, &plan->spec, world->faults.now_us);
}

void plans_tell(struct world *world, struct plan *plan)
{
	struct relay *relay = &world->relays[chance_below(&world->chance, world->relays_count)];
	char name[8];
	bool whole = true;
	int result = TACT_OK;
	struct entry entry;

	plan->tries++;
	(void)snprintf(name, sizeof name, "c%d", plan->spec.campaign);
	plans_tend(world, relay);
	world->figures.plans++;
	note_claims(world, plan, false);
	world_enter(world, relay, &entry);
	if (told_rightly(world))
		result = claim_all(world, relay, plan, name, &whole);
	if (world_leave(world, relay, &entry))
		result = TACT_UNCERTAIN;
	if (result == TACT_OK && whole)
		note_claims(world, plan, true);
	world_trace(world, "campaign %d is planned at %lld: %d", plan->spec.campaign,
	    (long long)plan->spec.planned_us, result);
	tend_soon(world, world->faults.now_us);
	if (result != TACT_OK && result != TACT_REFUSED && plan->tries < 5)
		world_plan(world, world->faults.now_us + MINUTE_US, EVENT_PLAN, plan, 0);
}

/* ---- making them -------------------------------------------------------------------------------- */

static void random_plan(struct world *world, int campaign, struct plan *ret)
{
	struct chance *chance = &world->chance;
	int number = (int)chance_below(chance, world->house->streams_count);
	const struct stream_spec *stream;
	int64_t begin_us;

	for (int i = 0; i < 5 && world->house->streams[number].exempt; i++)
		number = (int)chance_below(chance, world->house->streams_count);
	if (world->house->streams[number].purpose == PERSONAL) /* a campaign's would be bulk */
		number = 0;
	stream = &world->house->streams[number];
	ret->spec.campaign = campaign;
	ret->spec.firm_after = stream->firm_after;
	ret->spec.facts = (struct facts_spec){.stream = number,
	    .owner = stream->owner,
	    .brand = stream->brand,
	    .purpose = stream->purpose,
	    .channel = EMAIL,
	    .campaign = campaign,
	    .offer = chance_of(chance, 1, 3) ? (int)chance_below(chance, OFFERS) : -1,
	    .list = -1,
	    .priority = chance_of(chance, 1, 3) ? stream->priority : 100 * (int)chance_below(chance, 10),
	    .counts = stream->counts,
	    .exempt = stream->exempt,
	    .birthday = stream->purpose == OCCASION};
	begin_us = world->start_us + chance_below(chance, 3 * (world->end_us - world->start_us) / 4);
	ret->spec.planned_us = begin_us + HOUR_US * chance_between(chance, 1, 72);
	ret->spec.not_after_us = ret->spec.planned_us + HOUR_US * chance_between(chance, 2, 72);
	for (int i = 0; i < world->people; i++)
		ret->people[i] = chance_of(chance, 2, 3);
	world_plan(world, begin_us, EVENT_PLAN, ret, 0);
	if (chance_of(chance, 1, 4))
		world_plan(world, begin_us + HOUR_US, EVENT_PLAN, ret, 0); /* the same once more */
	tend_soon(world, ret->spec.not_after_us);
}

/* Most of what was planned comes, about the time that was said. */
static void send_mail(struct world *world, const struct plan *plan)
{
	struct chance *chance = &world->chance;

	for (int i = 0; i < world->people; i++) {
		struct mail *mail;
		struct job *job;

		if (!plan->people[i] || chance_of(chance, 1, 4))
			continue;
		mail = tact_arena_alloc(world->arena, sizeof *mail);
		mail->number = (int)world->mails_count;
		mail->facts = plan->spec.facts;
		mail->facts.priority = world->house->streams[mail->facts.stream].priority;
		mail->people[0] = i;
		mail->given[0] = world_any_address(world, i);
		mail->count = 1;
		*TACT_PUSH(world->arena, world->mails, world->mails_count) = mail;
		world->figures.mails++;
		job = tact_arena_alloc(world->arena, sizeof *job);
		job->mail = mail;
		job->relay = (int)chance_below(chance, world->relays_count);
		job->left[0] = true;
		int64_t at_us = plan->spec.planned_us + MINUTE_US * chance_between(chance, -30, 240);
		job->give_up_us = at_us + HOUR_US * chance_between(chance, 1, 120);
		world_plan(world, at_us, EVENT_JOB, job, 0);
	}
}

void plans_make(struct world *world)
{
	struct chance *chance = &world->chance;
	int64_t length_us = world->end_us - world->start_us;
	bool crowded = world->house->crowded;
	int count = !crowded && chance_of(chance, 1, 3) ? 0 : (int)chance_between(chance, 1, 3);

	for (int i = 0; i < count; i++) {
		struct plan *plan = tact_arena_alloc(world->arena, sizeof *plan);
		int campaign = (int)chance_below(chance, CAMPAIGNS);

		if (world->plans[campaign] != NULL)
			continue;
		random_plan(world, campaign, plan);
		world->plans[campaign] = plan;
		send_mail(world, plan);
		for (int64_t deeds = chance_below(chance, 4); deeds > 0; deeds--)
			world_plan(world, plan->spec.planned_us + HOUR_US * chance_between(chance, -48, 24),
			    EVENT_DEED, NULL, 0);
	}
	for (int64_t i = chance_of(chance, 1, 2) ? chance_below(chance, 6) : 0; i > 0; i--)
		world_plan(world, world->start_us + chance_below(chance, length_us), EVENT_DEED, NULL, 0);
}

/* ---- deeds -------------------------------------------------------------------------------------- */

static int pick_campaign(struct world *world)
{
	int campaign = (int)chance_below(&world->chance, CAMPAIGNS);

	for (int i = 0; i < 4 && world->plans[campaign] == NULL; i++)
		campaign = (int)chance_below(&world->chance, CAMPAIGNS);
	return campaign;
}

static void conclude(struct world *world, int campaign, int deed, int result, uint64_t sequence)
{
	int64_t now_us = world->faults.now_us;

	if (result == TACT_OK)
		oracle_deed_sure(world->oracle, campaign, deed, now_us, sequence);
	else if (result == TACT_REFUSED || result == TACT_ABSENT)
		oracle_deed_void(world->oracle, campaign, deed);
	else
		oracle_deed_ended(world->oracle, campaign, deed, now_us);
}

/* What is told wrongly for BREAK_HOLD: the claims stay, under another name. */
static void hold_on(struct world *world, struct relay *relay, int campaign)
{
	char name[8];
	bool whole;

	(void)snprintf(name, sizeof name, "x%d", campaign);
	if (world->options->breakage == BREAK_HOLD && world->plans[campaign] != NULL)
		(void)claim_all(world, relay, world->plans[campaign], name, &whole);
}

void plans_deed(struct world *world)
{
	static const enum tact_campaign_deed what[COURSES] = {[GOES] = TACT_CAMPAIGN_RESUME,
	    [PAUSED] = TACT_CAMPAIGN_PAUSE,
	    [CANCELLED] = TACT_CAMPAIGN_CANCEL,
	    [DONE] = TACT_CAMPAIGN_FINISH};
	static const enum course often[] = {PAUSED, PAUSED, PAUSED, GOES, GOES, GOES, CANCELLED, DONE};
	struct relay *relay = &world->relays[chance_below(&world->chance, world->relays_count)];
	int campaign = pick_campaign(world), deed, result = TACT_OK;
	enum course course = often[chance_below(&world->chance, sizeof often / sizeof *often)];
	struct tact_arena *arena = tact_arena_new();
	struct tact_campaign changed;
	struct entry entry;
	bool any;

	plans_tend(world, relay);
	if (course == PAUSED)
		hold_on(world, relay, campaign);
	world->figures.deeds++;
	deed = oracle_deed(world->oracle, campaign, course, world->faults.now_us);
	world_enter(world, relay, &entry);
	if (world->options->breakage == BREAK_PAUSE)
		entry.sequence = ++world->faults.sequence;
	else
		result = tact_decide_campaign(relay->decider, arena,
		    tact_arena_printf(arena, chance_of(&world->chance, 1, 2) ? "c%d" : "C%d", campaign),
		    what[course], "somebody", "because", world->faults.now_us, &changed, &any, NULL);
	if (world_leave(world, relay, &entry))
		result = TACT_UNCERTAIN;
	conclude(world, campaign, deed, result, entry.sequence);
	world_trace(world, "campaign %d: deed %d: %d", campaign, (int)what[course], result);
	tend_soon(world, world->faults.now_us);
	tact_arena_free(&arena);
}

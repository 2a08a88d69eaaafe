/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What people do: wish, wish no longer, telephone; and what reviewers say.
 */
#include <config.h>

#include <stdlib.h>

#include "world.h"

/* ---- wishes ------------------------------------------------------------------------------------- */

static int random_value(struct world *world, enum scope scope)
{
	const int most[SCOPES] = {
	    1, BRANDS, OWNERS, LISTS, world->house->streams_count, PURPOSES, CHANNELS, CAMPAIGNS, OFFERS};

	return (int)chance_below(&world->chance, most[scope]);
}

/* Names compare in any case. */
static const char *value_text(struct world *world, struct tact_arena *arena, enum scope scope, int value)
{
	static const char *const formats[SCOPES][2] = {[FOR_BRAND] = {"b%d", "B%d"},
	    [FOR_OWNER] = {"o%d", "O%d"},
	    [FOR_LIST] = {"list%d.example", "List%d.Example"},
	    [FOR_STREAM] = {"s%d", "S%d"},
	    [FOR_CAMPAIGN] = {"c%d", "C%d"},
	    [FOR_OFFER] = {"f%d", "F%d"}};
	const char *format = formats[scope][chance_below(&world->chance, 2)];

	if (scope == FOR_PURPOSE)
		return purpose_words[value];
	if (scope == FOR_CHANNEL)
		return channel_words[value];
	if (format == NULL)
		return "";
	size_t before = 0;
	while (format[before] != '%')
		before++;
	return tact_arena_printf(arena, "%.*s%d%s", (int)before, format, value, format + before + 2);
}

static int apply_to(struct world *world, struct tact_arena *arena, const char *address,
    struct tact_change *change, uint64_t *ret_sequence, bool *ret_changed)
{
	struct relay *relay = &world->relays[chance_below(&world->chance, world->relays_count)];
	struct tact_recipient recipient;
	struct tact_changed changed;
	struct entry entry;
	int result;

	change->by = "somebody";
	change->why = "because";
	world->figures.changes++;
	if (relay->machine.dead ||
	    tact_facts_recipient(arena, &relay->identity, address, &recipient, NULL) != TACT_OK)
		return TACT_UNAVAILABLE;
	world_enter(world, relay, &entry);
	result = tact_decide_change(
	    relay->decider, arena, &recipient, change, 1, world->faults.now_us, 0, &changed, NULL);
	*ret_sequence = entry.sequence;
	*ret_changed = changed.changed;
	return world_leave(world, relay, &entry) ? TACT_UNCERTAIN : result;
}

static int apply(struct world *world, struct tact_arena *arena, int person, struct tact_change *change,
    uint64_t *ret_sequence, bool *ret_changed)
{
	return apply_to(world, arena, world_any_address(world, person), change, ret_sequence, ret_changed);
}

/* Against which campaign is it counted, if it is? -1: nobody knows. */
static int blame(struct world *world, struct tact_arena *arena, const struct wish_spec *spec,
    struct tact_change *change, int *ret_back)
{
	static const int backs[REASONS] = {
	    [UNSUBSCRIBE] = LEFT, [COMPLAINT] = COMPLAINED, [HARD_BOUNCE] = BOUNCED_BACK};
	int campaign = -1;

	*ret_back = -1;
	if (spec->reason != UNSUBSCRIBE && spec->reason != COMPLAINT && spec->reason != HARD_BOUNCE)
		return -1;
	if (chance_of(&world->chance, 4, 5)) {
		campaign = (int)chance_below(&world->chance, CAMPAIGNS);
		change->campaign = tact_arena_printf(arena, "c%d", campaign);
	}
	*ret_back =
	    oracle_back(world->oracle, campaign, (enum back)backs[spec->reason], world->faults.now_us);
	return campaign;
}

static void wish(struct world *world, struct tact_arena *arena, int person)
{
	struct chance *chance = &world->chance;
	struct wish_spec spec = {
	    .scope = chance_of(chance, 1, 3) ? FOR_ALL : (enum scope)chance_below(chance, SCOPES),
	    .reason = (enum reason)chance_below(chance, REASONS)};
	struct tact_change change = {.kind = TACT_CHANGE_SUPPRESS};
	uint64_t sequence = 0, lost;
	int number, result, campaign, back;
	bool changed;

	spec.value = random_value(world, spec.scope);
	if (chance_of(chance, 1, 5))
		spec.purposes = (unsigned)chance_between(chance, 1, (1 << PURPOSES) - 1);
	if (chance_of(chance, 1, 3))
		spec.until_us = world->faults.now_us + HOUR_US * chance_between(chance, 1, 24 * 20);
	spec.time_us = world->faults.now_us;
	if (spec.scope == FOR_ALL)
		spec.value = 0;
	change.suppression = (struct tact_suppression){
	    .scope = {(enum tact_scope_kind)spec.scope, value_text(world, arena, spec.scope, spec.value)},
	    .reason = (enum tact_reason)spec.reason,
	    .purposes = spec.purposes,
	    .source = "simulation",
	    .note = "",
	    .time_us = world->faults.now_us,
	    .until_us = spec.until_us,
	    .ended_by = "",
	    .ended_why = ""};
	number = oracle_wish(world->oracle, person, &spec);
	campaign = blame(world, arena, &spec, &change, &back);
	lost = world->faults.lost;
	result = apply(world, arena, person, &change, &sequence, &changed);
	if (result == TACT_OK) {
		oracle_wish_sure(world->oracle, person, number, sequence);
		if (!changed)
			oracle_back_void(world->oracle, campaign, back);
		else if (world->faults.lost == lost)
			oracle_back_sure(world->oracle, campaign, back);
	}
	oracle_unsettle(world->oracle, person);
	world_trace(world, "%d wishes %d:%d reason %d purposes %x until %lld: %d", person, (int)spec.scope,
	    spec.value, (int)spec.reason, spec.purposes, (long long)spec.until_us, result);
}

/* Of a second address: the person for whom tact may take it already, as it was told so and did not say that
 * it had understood. Else -1. */
static int half_joined(const struct world *world, int person)
{
	int owner = person - world->people;

	return owner >= 0 && world->joining[owner] > 0 && !world->aliased[owner] ? owner : -1;
}

static void unwish(struct world *world, struct tact_arena *arena, int person)
{
	enum scope scope =
	    chance_of(&world->chance, 1, 2) ? FOR_ALL : (enum scope)chance_below(&world->chance, SCOPES);
	int value = scope == FOR_ALL ? 0 : random_value(world, scope), result;
	struct tact_change change = {.kind = TACT_CHANGE_UNSUPPRESS,
	    .suppression = {.scope = {(enum tact_scope_kind)scope, value_text(world, arena, scope, value)},
		.source = "",
		.note = "",
		.ended_by = "",
		.ended_why = ""}};
	uint64_t sequence = 0;
	bool changed;
	int64_t now_us = world->faults.now_us;

	oracle_wish_ends(world->oracle, person, scope, value);
	if (half_joined(world, person) >= 0)
		oracle_wish_ends(world->oracle, half_joined(world, person), scope, value);
	result = apply(world, arena, person, &change, &sequence, &changed);
	if (result == TACT_OK)
		oracle_wish_over(world->oracle, person, scope, value, now_us, sequence);
	oracle_unsettle(world->oracle, person);
	world_trace(world, "%d wishes %d:%d no longer: %d", person, (int)scope, value, result);
}

/* ---- permissions and profiles ------------------------------------------------------------------- */

static void permit(struct world *world, struct tact_arena *arena, int person)
{
	struct chance *chance = &world->chance;
	struct consent_spec spec = {.basis = (enum basis)chance_below(chance, BASES),
	    .scope = chance_of(chance, 1, 2) ? FOR_ALL : (enum scope)chance_below(chance, SCOPES),
	    .time_us = world->faults.now_us};
	struct tact_change change = {.kind = TACT_CHANGE_CONSENT};
	uint64_t sequence = 0;
	bool changed;
	int number, result;

	spec.value = spec.scope == FOR_ALL ? 0 : random_value(world, spec.scope);
	if (chance_of(chance, 1, 4))
		spec.until_us = world->faults.now_us + HOUR_US * chance_between(chance, 1, 24 * 20);
	change.consent = (struct tact_consent){.basis = (enum tact_basis)spec.basis,
	    .scope = {(enum tact_scope_kind)spec.scope, value_text(world, arena, spec.scope, spec.value)},
	    .source = "simulation",
	    .proof = "",
	    .time_us = spec.time_us,
	    .until_us = spec.until_us};
	number = oracle_consent(world->oracle, person, &spec);
	result = apply(world, arena, person, &change, &sequence, &changed);
	if (result == TACT_OK)
		oracle_consent_sure(world->oracle, person, number, sequence);
	oracle_unsettle(world->oracle, person);
	world_trace(world, "%d permits basis %d %d:%d until %lld: %d", person, (int)spec.basis,
	    (int)spec.scope, spec.value, (long long)spec.until_us, result);
}

static void forbid(struct world *world, struct tact_arena *arena, int person)
{
	enum scope scope =
	    chance_of(&world->chance, 1, 2) ? FOR_ALL : (enum scope)chance_below(&world->chance, SCOPES);
	int value = scope == FOR_ALL ? 0 : random_value(world, scope), result;
	struct tact_change change = {.kind = TACT_CHANGE_END_CONSENT,
	    .consent = {.scope = {(enum tact_scope_kind)scope, value_text(world, arena, scope, value)},
		.source = "",
		.proof = ""}};
	uint64_t sequence = 0;
	bool changed;
	int64_t now_us = world->faults.now_us;

	oracle_consent_ends(world->oracle, person, scope, value);
	if (half_joined(world, person) >= 0)
		oracle_consent_ends(world->oracle, half_joined(world, person), scope, value);
	result = apply(world, arena, person, &change, &sequence, &changed);
	if (result == TACT_OK)
		oracle_consent_over(world->oracle, person, scope, value, now_us, sequence);
	oracle_unsettle(world->oracle, person);
	world_trace(world, "%d permits %d:%d no longer: %d", person, (int)scope, value, result);
}

static void random_birthday(struct world *world, struct profile_spec *profile)
{
	struct chance *chance = &world->chance;

	profile->birth_month = (int)chance_between(chance, 1, 12);
	profile->birth_day = (int)chance_between(chance, 1, profile->birth_month == 2 ? 29 : 30);
	if (chance_of(chance, 1, 10)) { /* the leap day */
		profile->birth_month = 2;
		profile->birth_day = 29;
	}
}

void change_who(struct world *world, int person)
{
	struct chance *chance = &world->chance;
	struct tact_arena *arena = tact_arena_new();
	struct profile_spec spec = {.zone = (int)chance_between(chance, -1, ZONES - 1),
	    .home = (int)chance_between(chance, -1, OWNERS - 1)};
	struct tact_occasion birthday = {.name = "birthday"};
	struct tact_change change = {.kind = TACT_CHANGE_PROFILE};
	uint64_t sequence = 0;
	bool changed;
	int number, result;

	if (chance_of(chance, 4, 5))
		random_birthday(world, &spec);
	if (chance_of(chance, 2, 3)) {
		spec.own_at_most_milli = 1000 * chance_between(chance, 1, 4);
		spec.own_window_s = 3600 * chance_between(chance, 4, 24 * 14);
	}
	birthday.month = spec.birth_month;
	birthday.day = spec.birth_day;
	change.profile = (struct tact_profile_change){.zone = spec.zone < 0 ? "" : zone_words[spec.zone],
	    .home_owner = spec.home < 0 ? "" : tact_arena_printf(arena, "o%d", spec.home),
	    .own_limit = spec.own_window_s == 0
			     ? ""
			     : tact_arena_printf(arena, "%d/%ds", (int)(spec.own_at_most_milli / 1000),
				   (int)spec.own_window_s),
	    .occasions = &birthday,
	    .occasions_count = 1};
	number = oracle_profile(world->oracle, person, &spec);
	result = apply(world, arena, person, &change, &sequence, &changed);
	if (result == TACT_OK)
		oracle_profile_sure(world->oracle, person, number, sequence);
	oracle_unsettle(world->oracle, person);
	world_trace(world, "%d lives in zone %d, belongs to %d, was born on %d-%d: %d", person, spec.zone,
	    spec.home, spec.birth_month, spec.birth_day, result);
	tact_arena_free(&arena);
}

static void join(struct world *world, int person)
{
	int other = person + world->people;

	oracle_joined(world->oracle, person, other, world->faults.now_us, world->faults.sequence,
	    world->joining[person] == 1);
	for (size_t i = 0; i < world->mails_count; i++)
		world->mails[i]->handed[person] |= world->mails[i]->handed[other];
}

/* It was written to before, as if it were another's, or nobody does before it is known. */
void change_alias(struct world *world, int person)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_change change = {.kind = TACT_CHANGE_ALIAS};
	struct tact_recipient whose;
	uint64_t sequence = 0;
	bool changed;
	int result = tact_facts_recipient(
	    arena, &world->relays[0].identity, world_any_address(world, person), &whose, NULL);

	change.alias_of = whose.key;
	change.alias_also = whose.also;
	change.alias_also_count = whose.also_count;
	if (world->second[person] && !world->aliased[person]) {
		oracle_joining(world->oracle, person, person + world->people);
		world->joining[person]++;
	}
	if (result == TACT_OK && world->options->breakage != BREAK_ALIAS)
		result =
		    apply_to(world, arena, world_address(world, person, 3), &change, &sequence, &changed);
	if (result == TACT_OK && !world->aliased[person] && world->second[person])
		join(world, person);
	world->aliased[person] = world->aliased[person] || result == TACT_OK;
	world_trace(world, "%d has a second address: %d", person, result);
	tact_arena_free(&arena);
}

/* ---- contacts ----------------------------------------------------------------------------------- */

static void telephone(struct world *world, struct tact_arena *arena, int person)
{
	struct chance *chance = &world->chance;
	struct facts_spec facts = {.stream = -1,
	    .owner = (int)chance_below(chance, OWNERS),
	    .brand = (int)chance_below(chance, BRANDS),
	    .purpose = (int)chance_below(chance, PURPOSES),
	    .channel = (int)chance_below(chance, CHANNELS),
	    .campaign = -1,
	    .offer = -1,
	    .list = -1,
	    .counts = true,
	    .direction = chance_of(chance, 1, 3) ? IN : OUT,
	    .sentiment = chance_of(chance, 1, 3) ? (enum sentiment)chance_between(chance, 1, 2) : NEUTRAL};
	int64_t time_us = world->faults.now_us - HOUR_US * chance_below(chance, 30);
	struct tact_change change = {.kind = TACT_CHANGE_CONTACT,
	    .contact = {.time_us = time_us,
		.count = 1,
		.channel = (enum tact_channel)facts.channel,
		.direction = (enum tact_direction)facts.direction,
		.sentiment = (enum tact_sentiment)facts.sentiment,
		.purpose = (enum tact_purpose)facts.purpose,
		.stream = "",
		.owner = tact_arena_printf(arena, "o%d", facts.owner),
		.brand = tact_arena_printf(arena, "b%d", facts.brand),
		.campaign = "",
		.offer = "",
		.list = "",
		.counts = true}};
	uint64_t sequence = 0;
	bool changed;
	int number = oracle_contact(world->oracle, person, &facts, time_us);
	int result = apply(world, arena, person, &change, &sequence, &changed);

	if (result == TACT_OK)
		oracle_contact_sure(world->oracle, person, number, world->faults.now_us, sequence);
	oracle_unsettle(world->oracle, person);
	world_trace(world, "%d was contacted by channel %d at %lld: %d", person, facts.channel,
	    (long long)time_us, result);
}

void change_something(struct world *world)
{
	struct tact_arena *arena = tact_arena_new();
	int person = world_random_person(world);

	switch (chance_below(&world->chance, 12)) {
	case 0:
	case 1:
		wish(world, arena, person);
		break;
	case 2:
		unwish(world, arena, person);
		break;
	case 3:
	case 4:
	case 5:
		permit(world, arena, person);
		break;
	case 6:
		forbid(world, arena, person);
		break;
	case 7:
		if (person < world->people)
			change_who(world, person);
		break;
	case 8:
		change_alias(world, person % world->people);
		break;
	case 9:
		if (world->second[person % world->people] && !world->aliased[person % world->people]) {
			change_alias(world, person % world->people);
			break;
		} /* fall through */
	default:
		telephone(world, arena, person);
	}
	tact_arena_free(&arena);
}

/* ---- reviews ------------------------------------------------------------------------------------ */

struct held {
	struct tact_arena *arena;
	struct tact_id *ids;
	int *streams, *campaigns, *mails;
	bool *about_people;
	size_t count, streams_count, campaigns_count, mails_count, about_people_count;
};

static int number_after(const char *text, size_t skip)
{
	return text[0] == '\0' ? -1 : atoi(text + skip);
}

static bool note_held(void *context, const struct tact_review *review)
{
	struct held *held = context;

	if (review->state != TACT_REVIEW_HELD)
		return true;
	*TACT_PUSH(held->arena, held->ids, held->count) = review->id;
	*TACT_PUSH(held->arena, held->about_people, held->about_people_count) = review->about_people;
	*TACT_PUSH(held->arena, held->streams, held->streams_count) = number_after(review->stream, 1);
	*TACT_PUSH(held->arena, held->campaigns, held->campaigns_count) = number_after(review->campaign, 1);
	*TACT_PUSH(held->arena, held->mails, held->mails_count) = number_after(review->subject, 5);
	return true;
}

static void end_one(struct world *world, struct tact_arena *arena, const struct held *held, size_t i)
{
	struct relay *relay = &world->relays[0];
	bool release = chance_of(&world->chance, 2, 3);
	struct releases *both;
	enum release *released;
	struct entry entry;
	int result;

	both = world_release(world, world->mails[held->mails[i]]);
	released = held->about_people[i] ? &both->people : &both->message;
	if (release && *released == NOT_RELEASED)
		*released = PERHAPS_RELEASED;
	world_enter(world, relay, &entry);
	result = tact_decide_end_review(relay->decider, arena, &held->ids[i],
	    release ? TACT_REVIEW_RELEASED : TACT_REVIEW_DISCARDED, "somebody", "because",
	    world->faults.now_us, NULL);
	if (!world_leave(world, relay, &entry) && release && result == TACT_OK)
		*released = RELEASED;
	oracle_unsettle(world->oracle, -1);
	world_trace(world, "review of stream %d campaign %d mail %d: %s: %d", held->streams[i],
	    held->campaigns[i], held->mails[i], release ? "release" : "discard", result);
}

void change_review(struct world *world)
{
	struct tact_arena *arena = tact_arena_new();
	struct held held = {.arena = arena};
	struct entry entry;
	struct relay *relay = &world->relays[0];

	world_enter(world, relay, &entry);
	(void)tact_decide_list_reviews(relay->decider, arena, note_held, &held, NULL);
	(void)world_leave(world, relay, &entry);
	for (size_t i = 0; i < held.count; i++)
		if (world->faults.off || chance_of(&world->chance, 2, 3))
			end_one(world, arena, &held, i);
	tact_arena_free(&arena);
}

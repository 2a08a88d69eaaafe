/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Postfix's queue before the gate, the next hop behind it, and the bell between them.
 */
#include <config.h>

#include <string.h>

#include "world.h"

#define LIFETIME_US (10 * DAY_US)

/* ---- one attempt to deliver --------------------------------------------------------------------- */

struct attempt {
	struct world *world;
	struct copy *copy;
	struct relay *relay;
	struct tact_arena *arena;
	const struct house_spec *house;
	struct tact_waiting waiting[RECIPIENTS_MAX];
	struct leg *legs[RECIPIENTS_MAX];
	int begun[RECIPIENTS_MAX], who[RECIPIENTS_MAX], contacts[RECIPIENTS_MAX];
	int count;
	uint64_t sequence;
	int64_t now_us;
	struct releases released;
};

static struct asked ask(const struct attempt *attempt, const struct leg *leg)
{
	return (struct asked){.person = world_whose(attempt->world, leg->person),
	    .mail = attempt->copy->mail->number,
	    .sequence = attempt->sequence,
	    .now_us = attempt->now_us,
	    .not_after_us = leg->not_after_us,
	    .facts = &attempt->copy->mail->facts,
	    .house = attempt->house,
	    .claim = leg->claim.b,
	    .released = attempt->released,
	    .stale_us = plans_stale_us(attempt->world),
	    .deaf = plans_deaf(attempt->world)};
}

static void later(const struct attempt *attempt, struct leg *leg)
{
	/* maximal_backoff_time; where much waits for long somebody made it longer */
	int64_t most_us = attempt->house->crowded ? 4 * HOUR_US : 66 * MINUTE_US;
	int64_t wait_us = 5 * MINUTE_US << (leg->tries < 6 ? leg->tries : 6);

	leg->tries++;
	leg->next_us = attempt->world->faults.now_us + (wait_us > most_us ? most_us : wait_us);
}

static void done(struct attempt *attempt, struct leg *leg, const char *how)
{
	leg->done = true;
	attempt->copy->mail->handed[world_whose(attempt->world, leg->person)] = true;
	world_trace(attempt->world, "mail %d to %d %s", attempt->copy->mail->number, leg->person, how);
}

/* Answered 250 and forgotten: right only when this mail got somewhere before. */
static void drop(struct attempt *attempt, struct leg *leg)
{
	struct asked asked = ask(attempt, leg);

	if (!attempt->copy->mail->handed[world_whose(attempt->world, leg->person)])
		oracle_complain(attempt->world->oracle,
		    "mail %d for person %d was taken and dropped, and never delivered", asked.mail,
		    asked.person);
	done(attempt, leg, "dropped: it passed before");
}

static void look(struct attempt *attempt, struct leg *leg)
{
	struct world *world = attempt->world;
	struct tact_waiting waiting = {.claim = leg->claim, .given = leg->given, .ring = leg->ring};
	struct asked asked;
	struct entry entry;

	world_enter(world, attempt->relay, &entry);
	tact_decide_look(attempt->relay->decider, attempt->arena, &waiting, attempt->now_us, 0, NULL);
	if (world_leave(world, attempt->relay, &entry))
		waiting.look = TACT_LOOK_FAIL;
	asked = ask(attempt, leg);
	asked.sequence = world->faults.sequence + 1;
	switch (waiting.look) {
	case TACT_LOOK_WAIT:
		leg->held = waiting.until_us == 0;
		if (!leg->held) {
			world->figures.told++;
			oracle_told(world->oracle, &asked, waiting.until_us);
		}
		world_trace(world, "mail %d to %d waits until %lld", asked.mail, leg->person,
		    (long long)waiting.until_us);
		later(attempt, leg);
		break;
	case TACT_LOOK_TAKE:
		attempt->legs[attempt->count] = leg;
		attempt->waiting[attempt->count++] = waiting;
		break;
	case TACT_LOOK_DROP:
		drop(attempt, leg);
		break;
	case TACT_LOOK_REFUSE: /* nobody here writes to what is no address */
	case TACT_LOOK_UNKNOWN:
		oracle_complain(world->oracle, "mail %d for person %d waits and tact does not know it",
		    asked.mail, leg->person);
		later(attempt, leg);
		break;
	case TACT_LOOK_FAIL:
		later(attempt, leg);
		break;
	}
}

/* ---- decided again ------------------------------------------------------------------------------ */

static void hold_on(struct attempt *attempt, int i)
{
	struct world *world = attempt->world;
	struct leg *leg = attempt->legs[i];
	struct asked asked = ask(attempt, leg);

	oracle_settled(world->oracle, attempt->who[i], attempt->begun[i]);
	if (attempt->waiting[i].fate == TACT_FATE_REVIEW) {
		world->figures.quarantined++;
		oracle_held(world->oracle, &asked, FATE_QUARANTINE, 0, leg->claim.b);
	} else {
		world->figures.delayed++;
		oracle_held(world->oracle, &asked, FATE_DELAY, attempt->waiting[i].until_us, leg->claim.b);
	}
	later(attempt, leg);
}

/* What the gate decided about one of them. Nothing is known when there was no answer. */
static void take_note(struct attempt *attempt, int i)
{
	const struct tact_waiting *waiting = &attempt->waiting[i];
	struct leg *leg = attempt->legs[i];
	struct oracle *oracle = attempt->world->oracle;
	struct asked asked = ask(attempt, leg);

	attempt->contacts[i] = -1;
	oracle_lost(oracle, attempt->who[i], attempt->begun[i]); /* unless it is settled below */
	world_trace(attempt->world, "mail %d to %d at the gate: look %d fate %d %s", asked.mail, leg->person,
	    (int)waiting->look, (int)waiting->fate, waiting->text == NULL ? "" : waiting->text);
	if (waiting->look != TACT_LOOK_TAKE) {
		if (waiting->look == TACT_LOOK_DROP || waiting->look == TACT_LOOK_UNKNOWN)
			oracle_settled(oracle, attempt->who[i], attempt->begun[i]);
		if (waiting->look == TACT_LOOK_DROP)
			drop(attempt, leg);
		else if (waiting->look == TACT_LOOK_WAIT && waiting->fate == TACT_FATE_GATE)
			hold_on(attempt, i);
		else
			later(attempt, leg);
		return;
	}
	switch (waiting->fate) {
	case TACT_FATE_PASS:
		oracle_settled(oracle, attempt->who[i], attempt->begun[i]);
		attempt->contacts[i] = oracle_passed(oracle, &asked);
		break;
	case TACT_FATE_GATE:
	case TACT_FATE_REVIEW:
		hold_on(attempt, i);
		break;
	case TACT_FATE_REFUSE:
		oracle_settled(oracle, attempt->who[i], attempt->begun[i]);
		break;
	case TACT_FATE_UNDECIDED:
		later(attempt, leg);
		break;
	}
}

static bool is_handed_on(const struct tact_waiting *waiting)
{
	return waiting->look == TACT_LOOK_TAKE &&
	       (waiting->fate == TACT_FATE_PASS || waiting->fate == TACT_FATE_REFUSE);
}

/* The next hop has them, and tact is told; it is asked a few times and then Postfix hears 250 anyway. */
static bool record_passed(struct attempt *attempt)
{
	struct world *world = attempt->world;
	struct tact_waiting passed[RECIPIENTS_MAX];
	struct entry entry;
	int result = TACT_UNAVAILABLE;

	for (int tries = 0; tries < 3 && result != TACT_OK; tries++) {
		memcpy(passed, attempt->waiting, sizeof passed);
		world_enter(world, attempt->relay, &entry);
		result = tact_decide_passed(attempt->relay->decider, attempt->arena, passed,
		    (size_t)attempt->count, "QUEUEID", NULL, attempt->now_us, 0, NULL);
		if (world_leave(world, attempt->relay, &entry))
			return false;
	}
	return true;
}

static void arrive(struct attempt *attempt, int i)
{
	struct world *world = attempt->world;
	struct leg *leg = attempt->legs[i];
	struct asked asked = ask(attempt, leg);

	world_trace(world, "mail %d to %d reaches the next hop", asked.mail, leg->person);
	attempt->copy->mail->handed[world_whose(attempt->world, leg->person)] = true;
	if (attempt->waiting[i].fate == TACT_FATE_REFUSE) {
		world->figures.bounced++;
		return;
	}
	world->figures.delivered++;
	oracle_delivered(world->oracle, &asked, attempt->contacts[i]);
}

static void hand_on(struct attempt *attempt)
{
	struct world *world = attempt->world;
	bool calm = world->faults.off;
	int64_t luck = chance_below(&world->chance, 100);
	bool heard;

	if (!calm && luck < 5) { /* the next hop is busy, or we died before it heard */
		for (int i = 0; i < attempt->count; i++)
			if (is_handed_on(&attempt->waiting[i]))
				later(attempt, attempt->legs[i]);
		return;
	}
	for (int i = 0; i < attempt->count; i++)
		if (is_handed_on(&attempt->waiting[i]))
			arrive(attempt, i);
	heard = calm || luck >= 8; /* else its 250 is lost, or we died before it was written down */
	heard = heard && record_passed(attempt);
	for (int i = 0; i < attempt->count; i++) {
		if (!is_handed_on(&attempt->waiting[i]))
			continue;
		if (!heard) {
			world->figures.doubled++;
			later(attempt, attempt->legs[i]);
			continue;
		}
		oracle_claim_over(world->oracle, attempt->legs[i]->person, attempt->legs[i]->claim.b);
		done(attempt, attempt->legs[i],
		    attempt->waiting[i].fate == TACT_FATE_REFUSE ? "bounced" : "passed");
	}
}

static void take(struct attempt *attempt)
{
	struct world *world = attempt->world;
	bool died, any = false;
	struct entry entry;

	attempt->house = world->house;
	attempt->released = *world_release(world, attempt->copy->mail);
	attempt->sequence = 0;
	for (int i = 0; i < attempt->count; i++) {
		struct asked asked = ask(attempt, attempt->legs[i]);

		attempt->who[i] = asked.person;
		attempt->begun[i] = oracle_begun(world->oracle, &asked);
	}
	world_enter(world, attempt->relay, &entry);
	tact_decide_take(attempt->relay->decider, attempt->arena,
	    world_message(world, attempt->arena, attempt->copy->mail), NULL, "hello", attempt->waiting,
	    (size_t)attempt->count, attempt->now_us, 0, NULL);
	attempt->sequence = entry.sequence;
	died = world_leave(world, attempt->relay, &entry);
	for (int i = 0; i < attempt->count; i++) {
		if (died) {
			oracle_lost(world->oracle, attempt->who[i], attempt->begun[i]);
			later(attempt, attempt->legs[i]);
			continue;
		}
		take_note(attempt, i);
		any = any || is_handed_on(&attempt->waiting[i]);
	}
	if (!died && any)
		hand_on(attempt);
}

static void expire(struct attempt *attempt)
{
	for (int i = 0; i < attempt->copy->count; i++) {
		struct leg *leg = &attempt->copy->legs[i];

		if (leg->done)
			continue;
		if (!leg->held) /* what no reviewer looked at ends so */
			oracle_complain(attempt->world->oracle,
			    "mail %d for person %d stayed in the queue until Postfix gave it up",
			    attempt->copy->mail->number, leg->person);
		attempt->world->figures.bounced++;
		done(attempt, leg, "expired");
	}
}

static void plan_next(struct attempt *attempt)
{
	int64_t next_us = INT64_MAX;

	for (int i = 0; i < attempt->copy->count; i++)
		if (!attempt->copy->legs[i].done && attempt->copy->legs[i].next_us < next_us)
			next_us = attempt->copy->legs[i].next_us;
	if (next_us == INT64_MAX)
		return;
	if (next_us <= attempt->world->faults.now_us)
		next_us = attempt->world->faults.now_us + SECOND_US;
	world_plan(attempt->world, next_us, EVENT_QUEUE, attempt->copy, attempt->copy->relay);
}

void queue_attempt(struct world *world, struct copy *copy)
{
	struct attempt attempt = {.world = world,
	    .copy = copy,
	    .relay = &world->relays[copy->relay],
	    .house = world->house,
	    .now_us = world->faults.now_us};
	bool due = false;

	plans_tend(world, attempt.relay);
	if (copy->busy || attempt.relay->machine.dead)
		return;
	for (int i = 0; i < copy->count; i++)
		due = due || (!copy->legs[i].done && copy->legs[i].next_us <= world->faults.now_us);
	if (!due)
		return;
	copy->busy = true; /* Postfix gives a recipient to one client at a time */
	attempt.arena = tact_arena_new();
	for (int i = 0; i < copy->count; i++)
		if (!copy->legs[i].done && copy->legs[i].next_us <= attempt.now_us)
			look(&attempt, &copy->legs[i]);
	if (attempt.count > 0)
		take(&attempt);
	if (world->faults.now_us - copy->queued_us > LIFETIME_US)
		expire(&attempt);
	plan_next(&attempt);
	copy->busy = false;
	tact_arena_free(&attempt.arena);
}

/* ---- the bell ----------------------------------------------------------------------------------- */

/* ETRN: what waits under the ring is tried at once. */
static bool ring(struct world *world, const struct relay *relay, const struct tact_bell_claim *claim)
{
	bool any = false;

	if (world->faults.now_us < relay->silent_until_us)
		return true;
	for (size_t i = 0; i < world->copies_count; i++) {
		struct copy *copy = world->copies[i];
		bool rung = false;

		for (int k = 0; k < copy->count && &world->relays[copy->relay] == relay; k++) {
			struct leg *leg = &copy->legs[k];

			if (leg->done || leg->review != claim->review ||
			    !tact_text_equal(leg->ring, claim->ring))
				continue;
			leg->next_us = world->faults.now_us;
			rung = true;
		}
		if (rung)
			world_plan(world, world->faults.now_us, EVENT_QUEUE, copy, copy->relay);
		any = any || rung;
	}
	return any;
}

static bool is_queued(const struct world *world, const struct tact_id *claim)
{
	for (size_t i = 0; i < world->copies_count; i++)
		for (int k = 0; k < world->copies[i]->count; k++)
			if (tact_id_equal(&world->copies[i]->legs[k].claim, claim))
				return true;
	return false;
}

static bool note_wake(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	(void)key;
	*(int64_t *)context = record->wake_us;
	return true;
}

static void plan_bell(struct world *world, struct relay *relay, bool waits)
{
	int64_t now_us = world->faults.now_us, next_us = INT64_MAX;

	(void)tact_store_due(world->shared, now_us, INT64_MAX, 1, note_wake, &next_us, NULL);
	if (waits) {
		int64_t again_us = now_us + (MINUTE_US << (relay->idle < 9 ? relay->idle : 9));

		relay->idle++;
		next_us = next_us < again_us ? next_us : again_us;
	} else {
		relay->idle = 0;
	}
	relay->bell_us = next_us;
	if (next_us != INT64_MAX)
		world_plan(world, next_us, EVENT_BELL, NULL, (int)(relay - world->relays));
}

void queue_bell(struct world *world, struct relay *relay)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_bell_claim *claims = NULL;
	size_t count = 0;
	int64_t now_us = world->faults.now_us, next_us;
	struct entry entry;

	plans_tend(world, relay);
	world->figures.rings++;
	world_enter(world, relay, &entry);
	if (tact_decide_due_page(relay->decider, arena, 0, now_us, 1000000, now_us, &claims, &count, &next_us,
		NULL) != TACT_OK)
		count = 0;
	for (size_t i = 0, end; i < count; i = end) {
		struct tact_id *gone = NULL;
		size_t gone_count = 0;
		bool due = false;

		for (end = i; end < count && tact_id_equal(&claims[i].key.id, &claims[end].key.id); end++) {
			if (claims[end].place_us > now_us && !claims[end].lapsed)
				continue;
			due = ring(world, relay, &claims[end]) || due;
			if (!claims[end].review && claims[end].made_us < now_us - HOUR_US &&
			    !is_queued(world, &claims[end].claim))
				*TACT_PUSH(arena, gone, gone_count) = claims[end].claim;
		}
		if (!due || gone_count > 0) {
			(void)tact_decide_refresh(
			    relay->decider, arena, &claims[i].key, gone, gone_count, now_us, 0, NULL);
			oracle_unsettle(world->oracle, -1);
		}
	}
	(void)world_leave(world, relay, &entry);
	relay->rung_us = count > 0 ? now_us : 0;
	plan_bell(world, relay, count > 0);
	tact_arena_free(&arena);
}

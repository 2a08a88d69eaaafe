/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Deciders that truly ask at once: threads over one store, for few people. Nobody looks on meanwhile: each
 * thread writes down what it was told, and the number under which the store made each change. Afterwards
 * everything is put before the oracle in that order, so that it judges as if one had asked after the other,
 * which is what the store promises.
 */
#include <config.h>

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "src/store/engine.h"
#include "world.h"

enum { THREADS_MAX = 16, STEPS = 120, DECIDERS = 2, LEGS_MAX = 400, LAGS_EVERY = 20, LAG_YIELDS = 2000 };

/* What came to pass with one person, in the order of the store. */
enum happening { ANSWERED, UNHEARD, ARRIVED, BOUNCED, WISHED, CONTACTED };
struct record {
	enum happening what;
	uint64_t sequence, before; /* the last that was made before it was asked */
	int person;
	const struct mail *mail;
	int64_t now_us, until_us, not_after_us;
	enum tact_fate fate;
	bool delivered, at_gate, sure;
	struct tact_id claim;
	struct wish_spec wish;
	struct facts_spec contact;
};

struct post { /* one recipient that waits at the gate */
	const struct mail *mail;
	int person;
	const char *given, *ring;
	struct tact_id claim;
	int64_t not_after_us;
	bool done;
};

/* One update on its way through the front: which number each of its keys got. */
struct numbering {
	tact_store_change_fn fn;
	tact_store_after_fn after;
	void *context;
	uint64_t sequences[RECIPIENTS_MAX + 1];
};

struct crew {
	struct world *world; /* what all share: house, people, options */
	atomic_uint_fast64_t sequence, reruns;
	struct tact_identity identity;
	struct tact_ledger *ledger;
	struct tact_decider *deciders[DECIDERS];
	struct machine machines[DECIDERS];
	struct tact_store *front;
};

struct worker {
	struct crew *crew;
	struct world world; /* its own chance and arena */
	struct tact_decider *decider;
	pthread_t thread;
	int number;
	struct record *records;
	size_t records_count;
	struct post posts[LEGS_MAX];
	size_t posts_count;
	struct mail *again; /* the client has to come again with it */
	uint64_t submissions, undecided;
};

/* ---- the front: numbers what is changed ---------------------------------------------------------- */

struct numbering_store {
	struct tact_store store;
	struct tact_store *behind;
	struct crew *crew;
};

/* Of the latest update that this thread asked for. */
static _Thread_local struct {
	uint64_t sequences[RECIPIENTS_MAX + 1];
	struct tact_id keys[RECIPIENTS_MAX + 1];
	size_t count;
	int lose; /* per mille */
	struct chance *chance;
} mine;

static struct crew *crew_at_work;

static bool number_change(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	struct numbering *numbering = context;

	if (index <= RECIPIENTS_MAX) {
		if (numbering->sequences[index] != 0)
			atomic_fetch_add(&crew_at_work->reruns, 1);
		numbering->sequences[index] = atomic_fetch_add(&crew_at_work->sequence, 1) + 1;
	}
	return numbering->fn(numbering->context, index, now, store_now_us, ret);
}

static void number_after(void *context, struct tact_store_turn *turn)
{
	const struct numbering *numbering = context;

	numbering->after(numbering->context, turn);
}

/* The first update of a question is the one that decides. */
static void keep_numbers(const struct numbering *numbering, const struct tact_store_key *keys, size_t count)
{
	if (count == 0 || count > RECIPIENTS_MAX || keys[0].kind != TACT_STORE_DOSSIER || mine.count > 0)
		return;
	mine.count = count;
	for (size_t i = 0; i < count; i++) {
		mine.keys[i] = keys[i].id;
		mine.sequences[i] = numbering->sequences[i];
	}
}

static bool is_lost(const struct tact_store_key *keys, size_t count)
{
	return count > 0 && keys[0].kind == TACT_STORE_DOSSIER && mine.lose > 0 &&
	       chance_of(mine.chance, mine.lose, 1000);
}

/* It happened, or it did not; nobody hears. */
static bool lose(const struct numbering_store *front, struct numbering *numbering,
    const struct tact_store_key *keys, size_t count, struct tact_store_answer *ret)
{
	bool happened = chance_of(mine.chance, 2, 3);

	if (happened)
		front->behind->engine->update(front->behind, keys, count, number_change, numbering, ret, 0);
	for (size_t i = 0; i < count; i++)
		ret[i] = (struct tact_store_answer){.result = happened ? TACT_UNCERTAIN : TACT_UNAVAILABLE};
	return happened;
}

/* For BREAK_RACE: what a store would do that does not keep two who ask at once apart. */
struct stale_put {
	struct tact_store_put put;
	bool write;
};

static bool write_stale(void *context, size_t index, const struct tact_record *now, int64_t store_now_us,
    struct tact_store_put *ret)
{
	const struct stale_put *puts = context;

	(void)now;
	(void)store_now_us;
	*ret = puts[index].put;
	return puts[index].write;
}

static void race(const struct numbering_store *front, struct numbering *numbering,
    const struct tact_store_key *keys, size_t count, struct tact_store_answer *ret_answers)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_record *records = tact_arena_alloc(arena, count * sizeof *records);
	struct stale_put *puts = tact_arena_alloc(arena, count * sizeof *puts);

	front->behind->engine->read(front->behind, keys, count, arena, records, ret_answers, 0);
	sched_yield();
	for (size_t i = 0; i < count; i++) {
		puts[i].put.wake_us = records[i].wake_us;
		puts[i].write =
		    number_change(numbering, i, &records[i], machine_faults->now_us, &puts[i].put);
	}
	front->behind->engine->update(front->behind, keys, count, write_stale, puts, ret_answers, 0);
	tact_arena_free(&arena);
}

static void number_update(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, void *context, struct tact_store_answer *ret_answers, int64_t deadline_ms)
{
	const struct numbering_store *front = (const struct numbering_store *)store;
	struct numbering numbering = {.fn = fn, .context = context};

	if (is_lost(keys, count))
		(void)lose(front, &numbering, keys, count, ret_answers);
	else if (front->crew->world->options->breakage == BREAK_RACE && count > 0)
		race(front, &numbering, keys, count, ret_answers);
	else
		front->behind->engine->update(
		    front->behind, keys, count, number_change, &numbering, ret_answers, deadline_ms);
	keep_numbers(&numbering, keys, count);
}

static void number_update_then(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, tact_store_after_fn after, void *context, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	const struct numbering_store *front = (const struct numbering_store *)store;
	struct numbering numbering = {.fn = fn, .after = after, .context = context};

	if (front->crew->world->options->breakage == BREAK_RACE && count > 0) {
		number_update(store, keys, count, fn, context, ret_answers, deadline_ms);
		return; /* whoever asked goes on by himself */
	}
	(void)tact_store_update_then(
	    front->behind, keys, count, number_change, number_after, &numbering, ret_answers, deadline_ms);
	keep_numbers(&numbering, keys, count);
}

static void number_read(struct tact_store *store, const struct tact_store_key *keys, size_t count,
    struct tact_arena *arena, struct tact_record *ret_records, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	const struct numbering_store *front = (const struct numbering_store *)store;

	front->behind->engine->read(front->behind, keys, count, arena, ret_records, ret_answers, deadline_ms);
}

static int number_scan(struct tact_store *store, enum tact_store_kind kind, tact_store_scan_fn fn,
    void *context, struct tact_error *err)
{
	const struct numbering_store *front = (const struct numbering_store *)store;

	return front->behind->engine->scan(front->behind, kind, fn, context, err);
}

static int number_due(struct tact_store *store, int64_t after_us, int64_t until_us, size_t limit,
    tact_store_scan_fn fn, void *context, struct tact_error *err)
{
	const struct numbering_store *front = (const struct numbering_store *)store;

	return front->behind->engine->due(front->behind, after_us, until_us, limit, fn, context, err);
}

static int64_t number_now_us(struct tact_store *store)
{
	(void)store;
	return machine_faults->now_us;
}

static void number_close(struct tact_store *store)
{
	tact_store_clear(store);
	free(store);
}

static const struct tact_store_engine numbering_engine = {
    .scheme = "numbering:",
    .close = number_close,
    .read = number_read,
    .update = number_update,
    .update_then = number_update_then,
    .scan = number_scan,
    .due = number_due,
    .now_us = number_now_us,
};

static struct tact_store *open_front(struct crew *crew)
{
	struct numbering_store *front = tact_calloc(1, sizeof *front);

	tact_store_init(&front->store, &numbering_engine);
	front->behind = crew->world->shared;
	front->crew = crew;
	return &front->store;
}

/* ---- writing down -------------------------------------------------------------------------------- */

/* Who has read the clock may have to wait for a processor while others go on, and writes behind them. */
static void lag(int64_t now_us, int64_t by_us)
{
	for (int i = 0; i < LAG_YIELDS && atomic_load(&machine_faults->now_us) < now_us + by_us; i++)
		sched_yield();
}

/* Time goes on with whatever anybody does: some minutes. */
static int64_t next_time_us(struct worker *worker)
{
	int64_t step_us = chance_between(&worker->world.chance, 1, 10 * MINUTE_US);
	int64_t now_us = atomic_fetch_add(&machine_faults->now_us, step_us) + step_us;

	if (chance_of(&worker->world.chance, 1, LAGS_EVERY))
		lag(now_us, chance_between(&worker->world.chance, 1, 3 * HOUR_US));
	return now_us;
}

static struct record *note(struct worker *worker, enum happening what, int person, int64_t now_us)
{
	struct record *record = TACT_PUSH(worker->world.arena, worker->records, worker->records_count);

	*record = (struct record){.what = what, .person = person, .now_us = now_us};
	return record;
}

static void begin(struct worker *worker, uint64_t *ret_before)
{
	mine.count = 0;
	*ret_before = atomic_load(&worker->crew->sequence);
}

/* 0: it was not even tried. */
static uint64_t number_of(const struct tact_id *key)
{
	for (size_t i = 0; i < mine.count; i++)
		if (tact_id_equal(&mine.keys[i], key))
			return mine.sequences[i];
	return 0;
}

/* ---- the client ---------------------------------------------------------------------------------- */

static struct mail *write_mail(struct worker *worker)
{
	struct world *world = &worker->world;
	struct mail *mail = worker->again;

	worker->again = NULL;
	if (mail != NULL && chance_of(&world->chance, 3, 4))
		return mail;
	mail = tact_arena_alloc(world->arena, sizeof *mail);
	mail->number = worker->number * 100000 + (int)world->mails_count++;
	client_random_facts(world, &mail->facts);
	mail->count = (int)chance_between(&world->chance, 1, 3);
	for (int i = 0; i < mail->count; i++) {
		mail->people[i] = (int)chance_below(&world->chance, world->people);
		mail->given[i] = world_address(world, mail->people[i], (int)chance_below(&world->chance, 3));
	}
	return mail;
}

static void queue(struct worker *worker, const struct mail *mail, int i, const struct tact_ruling *ruling,
    int64_t not_after_us)
{
	if (worker->posts_count == LEGS_MAX)
		abort();
	worker->posts[worker->posts_count++] = (struct post){.mail = mail,
	    .person = mail->people[i],
	    .given = ruling->given,
	    .ring = tact_arena_strdup(worker->world.arena, ruling->ring),
	    .claim = ruling->claim,
	    .not_after_us = not_after_us};
}

static void take_note(struct worker *worker, const struct mail *mail, int i, const struct tact_ruling *ruling,
    enum tact_sum sum, int64_t now_us, uint64_t before)
{
	struct record *record = note(worker, ANSWERED, mail->people[i], now_us);
	bool accepted = sum == TACT_SUM_CONTINUE || sum == TACT_SUM_EDIT;

	record->mail = mail;
	record->sequence =
	    number_of(tact_id_is_none(&ruling->written) ? &ruling->recipient.key : &ruling->written);
	record->before = before;
	record->fate = ruling->fate;
	record->until_us = ruling->opinion.until_us;
	record->claim = ruling->claim;
	record->not_after_us =
	    now_us + worker->world.house->streams[mail->facts.stream].max_delay_s * SECOND_US;
	record->delivered = accepted && ruling->fate == TACT_FATE_PASS;
	if (ruling->fate == TACT_FATE_UNDECIDED)
		record->what = UNHEARD;
	else if (accepted && ruling->fate != TACT_FATE_PASS)
		queue(worker, mail, i, ruling, record->not_after_us);
}

static void submit(struct worker *worker)
{
	struct tact_arena *arena = tact_arena_new();
	struct mail *mail = write_mail(worker);
	int64_t now_us = next_time_us(worker);
	struct tact_asked asked[RECIPIENTS_MAX] = {{0}};
	struct tact_ruling rulings[RECIPIENTS_MAX];
	enum tact_sum sum;
	uint64_t before;

	for (int i = 0; i < mail->count; i++)
		asked[i].given = mail->given[i];
	begin(worker, &before);
	tact_decide_message(worker->decider, arena,
	    &(struct tact_decide_request){.message = world_message(&worker->world, arena, mail),
		.asked = asked,
		.asked_count = (size_t)mail->count,
		.excerpt = "hello",
		.now_us = now_us},
	    rulings, NULL);
	sum = tact_decide_sum(rulings, (size_t)mail->count);
	worker->submissions++;
	for (int i = 0; i < mail->count; i++) {
		worker->undecided += rulings[i].fate == TACT_FATE_UNDECIDED;
		if (rulings[i].first == (size_t)i)
			take_note(worker, mail, i, &rulings[i], sum, now_us, before);
	}
	if (sum == TACT_SUM_TEMPFAIL)
		worker->again = mail;
	tact_arena_free(&arena);
}

/* ---- the gate ------------------------------------------------------------------------------------ */

static void hand_on(struct worker *worker, struct tact_arena *arena, struct post *post,
    struct tact_waiting *waiting, int64_t now_us)
{
	if (waiting->fate != TACT_FATE_PASS && waiting->fate != TACT_FATE_REFUSE)
		return;
	/* Until tact knows that it passed it is asked about again, and must say so. */
	while (tact_decide_passed(worker->decider, arena, waiting, 1, "QUEUEID", NULL, now_us, 0, NULL) !=
	       TACT_OK)
		continue;
	post->done = true;
}

static void attempt(struct worker *worker, struct post *post)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_waiting waiting = {.claim = post->claim, .given = post->given, .ring = post->ring};
	int64_t now_us = next_time_us(worker);
	struct record *record;
	uint64_t before;

	tact_decide_look(worker->decider, arena, &waiting, now_us, 0, NULL);
	if (waiting.look == TACT_LOOK_TAKE) {
		begin(worker, &before);
		tact_decide_take(worker->decider, arena, world_message(&worker->world, arena, post->mail),
		    NULL, "hello", &waiting, 1, now_us, 0, NULL);
		record = note(worker, ANSWERED, post->person, now_us);
		record->mail = post->mail;
		record->sequence = number_of(&waiting.key);
		record->before = before;
		record->fate = waiting.fate;
		record->until_us = waiting.until_us;
		record->claim = post->claim;
		record->not_after_us = post->not_after_us;
		record->at_gate = true;
		record->delivered = waiting.look == TACT_LOOK_TAKE && waiting.fate == TACT_FATE_PASS;
		if (waiting.look == TACT_LOOK_FAIL || waiting.fate == TACT_FATE_UNDECIDED)
			record->what = UNHEARD;
		else
			hand_on(worker, arena, post, &waiting, now_us);
	} else if (waiting.look == TACT_LOOK_DROP || waiting.look == TACT_LOOK_UNKNOWN) {
		record = note(worker, BOUNCED, post->person, now_us);
		record->mail = post->mail;
		post->done = true;
	}
	tact_arena_free(&arena);
}

static void attempt_some(struct worker *worker)
{
	for (int tries = 0; tries < 4 && worker->posts_count > 0; tries++) {
		struct post *post =
		    &worker->posts[chance_below(&worker->world.chance, (int64_t)worker->posts_count)];

		if (!post->done)
			attempt(worker, post);
	}
}

/* ---- people -------------------------------------------------------------------------------------- */

static void fill_wish(struct worker *worker, int64_t now_us, struct tact_arena *arena, struct wish_spec *ret,
    struct tact_change *ret_change)
{
	struct chance *chance = &worker->world.chance;

	*ret = (struct wish_spec){.scope = chance_of(chance, 1, 4) ? FOR_ALL : FOR_BRAND,
	    .reason = chance_of(chance, 1, 2) ? UNSUBSCRIBE : MANUAL,
	    .time_us = now_us};
	ret->value = ret->scope == FOR_ALL ? 0 : (int)chance_below(chance, BRANDS);
	if (chance_of(chance, 1, 2))
		ret->until_us = now_us + HOUR_US * chance_between(chance, 1, 24);
	*ret_change = (struct tact_change){.kind = TACT_CHANGE_SUPPRESS,
	    .suppression = {.scope = {(enum tact_scope_kind)ret->scope,
				ret->scope == FOR_ALL ? "" : tact_arena_printf(arena, "b%d", ret->value)},
		.reason = (enum tact_reason)ret->reason,
		.source = "simulation",
		.note = "",
		.time_us = now_us,
		.until_us = ret->until_us,
		.ended_by = "",
		.ended_why = ""},
	    .by = "somebody",
	    .why = "because"};
}

static void fill_contact(struct worker *worker, int64_t now_us, struct tact_arena *arena,
    struct facts_spec *ret, struct tact_change *ret_change)
{
	struct chance *chance = &worker->world.chance;

	*ret = (struct facts_spec){.stream = -1,
	    .owner = (int)chance_below(chance, OWNERS),
	    .brand = (int)chance_below(chance, BRANDS),
	    .purpose = (int)chance_below(chance, PURPOSES),
	    .channel = (int)chance_below(chance, CHANNELS),
	    .campaign = -1,
	    .offer = -1,
	    .list = -1,
	    .counts = true};
	*ret_change = (struct tact_change){.kind = TACT_CHANGE_CONTACT,
	    .contact = {.time_us = now_us,
		.count = 1,
		.channel = (enum tact_channel)ret->channel,
		.purpose = (enum tact_purpose)ret->purpose,
		.stream = "",
		.owner = tact_arena_printf(arena, "o%d", ret->owner),
		.brand = tact_arena_printf(arena, "b%d", ret->brand),
		.campaign = "",
		.offer = "",
		.list = "",
		.counts = true},
	    .by = "somebody",
	    .why = "because"};
}

static void change(struct worker *worker)
{
	struct world *world = &worker->world;
	struct tact_arena *arena = tact_arena_new();
	int person = (int)chance_below(&world->chance, world->people);
	int64_t now_us = next_time_us(worker);
	bool wishes = chance_of(&world->chance, 1, 2);
	struct record *record = note(worker, wishes ? WISHED : CONTACTED, person, now_us);
	struct tact_recipient recipient;
	struct tact_changed changed;
	struct tact_change what;
	int result;

	if (tact_facts_recipient(
		arena, &worker->crew->identity, world_address(world, person, 0), &recipient, NULL) != TACT_OK)
		abort();
	if (wishes)
		fill_wish(worker, now_us, arena, &record->wish, &what);
	else
		fill_contact(worker, now_us, arena, &record->contact, &what);
	begin(worker, &record->before);
	result = tact_decide_change(worker->decider, arena, &recipient, &what, 1, now_us, 0, &changed, NULL);
	record->sequence = number_of(&recipient.key);
	record->sure = result == TACT_OK;
	tact_arena_free(&arena);
}

/* ---- all at once --------------------------------------------------------------------------------- */

static void *work(void *context)
{
	struct worker *worker = context;

	mine.chance = &worker->world.chance;
	mine.lose = worker->crew->world->seed % 3 == 0 ? 0 : 15;
	for (int step = 0; step < STEPS; step++) {
		int64_t luck = chance_below(&worker->world.chance, 10);

		if (luck < 5)
			submit(worker);
		else if (luck < 9)
			attempt_some(worker);
		else
			change(worker);
	}
	return NULL;
}

/* Nobody else is there any more, and nothing gets lost: what waits comes to its end. */
static void drain(struct worker *worker, struct oracle *oracle)
{
	bool waits = true;

	mine.lose = 0;
	for (int day = 0; waits && day < 60; day++) {
		waits = false;
		machine_faults->now_us += DAY_US / 4;
		for (size_t i = 0; i < worker->posts_count; i++) {
			if (!worker->posts[i].done)
				attempt(worker, &worker->posts[i]);
			waits = waits || !worker->posts[i].done;
		}
	}
	for (size_t i = 0; i < worker->posts_count; i++)
		if (!worker->posts[i].done)
			oracle_complain(oracle, "mail %d for person %d was taken and is stuck in the queue",
			    worker->posts[i].mail->number, worker->posts[i].person);
}

/* ---- the judgement ------------------------------------------------------------------------------- */

static int by_sequence(const void *a, const void *b)
{
	const struct record *left = a, *right = b;

	return (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

static void judge_answer(struct oracle *oracle, const struct record *record, const struct asked *asked)
{
	const unsigned char *claim = record->claim.b;
	int contact;

	switch (record->fate) {
	case TACT_FATE_PASS:
		contact = oracle_passed(oracle, asked);
		if (record->delivered)
			oracle_delivered(oracle, asked, contact);
		break;
	case TACT_FATE_GATE:
		oracle_held(oracle, asked, FATE_DELAY, record->until_us, claim);
		break;
	case TACT_FATE_REFUSE:
		if (!record->at_gate)
			oracle_held(oracle, asked, FATE_REJECT, 0, claim);
		break;
	default:
		oracle_complain(oracle, "mail %d was held for a reviewer whom nobody asked for", asked->mail);
	}
	if (record->at_gate && record->fate != TACT_FATE_GATE)
		oracle_claim_over(oracle, record->person, claim);
}

static void judge_mail(struct oracle *oracle, const struct record *record, const struct house_spec *house)
{
	struct asked asked = {.person = record->person,
	    .mail = record->mail->number,
	    .sequence = record->sequence,
	    .now_us = record->now_us,
	    .not_after_us = record->not_after_us,
	    .facts = &record->mail->facts,
	    .house = house,
	    .claim = record->at_gate ? record->claim.b : NULL};

	if (record->what == UNHEARD)
		oracle_lost(oracle, record->person, oracle_begun(oracle, &asked));
	else
		judge_answer(oracle, record, &asked);
}

static void judge_one(struct oracle *oracle, const struct record *record, const struct house_spec *house)
{
	int number;

	switch (record->what) {
	case ANSWERED:
	case UNHEARD:
		judge_mail(oracle, record, house);
		break;
	case WISHED:
		number = oracle_wish(oracle, record->person, &record->wish);
		if (record->sure)
			oracle_wish_sure(oracle, record->person, number, record->sequence);
		oracle_unsettle(oracle, record->person);
		break;
	case CONTACTED:
		number = oracle_contact(oracle, record->person, &record->contact, record->now_us);
		if (record->sure)
			oracle_contact_sure(oracle, record->person, number, record->now_us, record->sequence);
		break;
	case BOUNCED:
		oracle_complain(oracle,
		    "mail %d for person %d waits, and tact thinks it passed or knows nothing",
		    record->mail->number, record->person);
		break;
	case ARRIVED:
		break;
	}
}

/* A refusal that changed nothing rests on what was read, which another change may have followed before it was
 * numbered: it is not known which of them it saw. */
static bool is_unclear(const struct record *records, size_t count, const struct record *record)
{
	if (record->what != ANSWERED || record->fate != TACT_FATE_REFUSE || record->at_gate)
		return false;
	for (size_t i = 0; i < count; i++)
		if (&records[i] != record && records[i].person == record->person &&
		    records[i].sequence > record->before && records[i].sequence < record->sequence)
			return true;
	return false;
}

static void judge(struct crew *crew, struct worker *workers, int threads, struct figures *figures)
{
	struct tact_arena *arena = tact_arena_new();
	struct record *all;
	size_t count = 0, at = 0;

	for (int i = 0; i < threads; i++)
		count += workers[i].records_count;
	all = tact_arena_alloc(arena, (count + 1) * sizeof *all);
	for (int i = 0; i < threads; i++) {
		for (size_t k = 0; k < workers[i].records_count; k++)
			all[at++] = workers[i].records[k];
		figures->submissions += workers[i].submissions;
		figures->undecided += workers[i].undecided;
		figures->mails += workers[i].world.mails_count;
	}
	qsort(all, count, sizeof *all, by_sequence);
	for (size_t i = 0; i < count; i++) {
		if (all[i].sequence == 0) /* never got as far as the store */
			continue;
		if (!is_unclear(all, count, &all[i]))
			judge_one(crew->world->oracle, &all[i], crew->world->house);
		figures->recipients += all[i].what == ANSWERED;
		figures->changes += all[i].what == WISHED || all[i].what == CONTACTED;
		figures->lost += all[i].what == UNHEARD;
	}
	tact_arena_free(&arena);
}

/* ---- beginning and end --------------------------------------------------------------------------- */

/* Reviews, campaigns and their counts are other records, and no part of what is numbered: a breaker knows of
 * what the oracle is told later. */
static void simplify(struct house_spec *house)
{
	house->monitor = false;
	for (int i = 0; i < house->rules_count; i++) {
		house->rules[i].monitor = house->rules[i].monitor || house->rules[i].kind == RULE_BREAKER;
		if (house->rules[i].action == QUARANTINE)
			house->rules[i].action = REJECT;
	}
	for (int i = 0; i < house->streams_count; i++)
		house->streams[i].firm_after = 0;
}

static void open_crew(struct crew *crew, struct world *world)
{
	struct tact_config *config;

	world->arena = tact_arena_new();
	machine_faults = &world->faults;
	world->faults = (struct faults){.chance = &world->chance,
	    .off = true,
	    .threads = true,
	    .now_us = SECOND_US * (INT64_C(1767225600) + chance_below(&world->chance, 790 * INT64_C(86400))),
	    .secrets = {.state = ~world->seed}};
	world->house = tact_arena_alloc(world->arena, sizeof *world->house);
	rules_random_streams(&world->chance, world->house);
	rules_random_rules(&world->chance, world->house);
	simplify(world->house);
	world->people = (int)chance_between(&world->chance, 1, 6);
	world->oracle = oracle_new(world->people);
	world->shared = world_open_store(world);
	config = world->relays[0].config = world_load(world);
	*crew = (struct crew){.world = world};
	crew_at_work = crew;
	crew->front = open_front(crew);
	crew->ledger = tact_ledger_new();
	if (tact_decide_open_identity(world->shared, world->options->keyring, &config->profile,
		TACT_OPEN_CHANGE, world->arena, &crew->identity, NULL) != TACT_OK)
		abort();
	for (int i = 0; i < DECIDERS; i++) {
		crew->deciders[i] = tact_decider_new(&(struct tact_decider_parts){.store = crew->front,
		    .audit = (struct tact_audit *)&crew->machines[i],
		    .identity = &crew->identity,
		    .host = i == 0 ? "relay0" : "relay1",
		    .ledger = crew->ledger});
		tact_decider_set_rules(crew->deciders[i], &config->rules, NULL, NULL);
	}
}

static void close_crew(struct crew *crew)
{
	struct world *world = crew->world;

	for (int i = 0; i < DECIDERS; i++)
		tact_decider_free(&crew->deciders[i]);
	tact_ledger_free(&crew->ledger);
	tact_store_close(&crew->front);
	tact_store_close(&world->shared);
	for (size_t i = 0; i < world->configs_count; i++)
		tact_config_free(&world->configs[i]);
	oracle_free(&world->oracle);
	tact_arena_free(&world->arena);
}

static void prepare(struct crew *crew, struct worker *worker, int number)
{
	worker->crew = crew;
	worker->number = number;
	worker->decider = crew->deciders[number % DECIDERS];
	worker->world = *crew->world;
	worker->world.arena = tact_arena_new();
	worker->world.chance.state =
	    chance_next(&crew->world->chance); /* near to another's it would repeat it */
	worker->world.mails_count = 0;
}

static void run(struct crew *crew, struct worker *workers, int threads, struct figures *figures)
{
	struct oracle_figures judged;

	for (int i = 0; i < threads; i++)
		prepare(crew, &workers[i], i);
	for (int i = 0; i < threads; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			abort();
	for (int i = 0; i < threads; i++)
		(void)pthread_join(workers[i].thread, NULL);
	for (int i = 0; i < threads; i++)
		drain(&workers[i], crew->world->oracle);
	judge(crew, workers, threads, figures);
	judged = oracle_figures(crew->world->oracle);
	figures->seeds++;
	figures->repeated += crew->reruns;
	figures->delivered += judged.delivered;
	figures->windows += judged.windows;
	figures->justified += judged.justified;
	figures->exact += judged.exact;
	figures->arbitrated += judged.arbitrated;
}

char *threads_run(uint64_t seed, const struct options *options, int threads, struct figures *figures)
{
	struct world *world = tact_calloc(1, sizeof *world);
	struct worker *workers = tact_calloc(THREADS_MAX, sizeof *workers);
	struct crew *crew = tact_calloc(1, sizeof *crew);
	char *complaint = NULL;

	world->seed = seed;
	world->options = options;
	world->chance.state = seed * UINT64_C(0x2545f4914f6cdd1d);
	open_crew(crew, world);
	run(crew, workers, threads < THREADS_MAX ? threads : THREADS_MAX, figures);
	if (oracle_complaint(world->oracle) != NULL)
		complaint = tact_strdup(oracle_complaint(world->oracle));
	for (int i = 0; i < THREADS_MAX; i++)
		tact_arena_free(&workers[i].world.arena);
	close_crew(crew);
	free(crew);
	free(workers);
	free(world);
	return complaint;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Makes a world from a seed, lets events happen in their order, and at the end waits until nothing waits any
 * more.
 */
#include <config.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

/* ---- the record of what happened ---------------------------------------------------------------- */

void world_trace(struct world *world, const char *format, ...)
{
	char line[512];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	for (const char *p = line; *p != '\0'; p++)
		world->hash = (world->hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
	world->hash = (world->hash ^ (uint64_t)world->faults.now_us) * UINT64_C(1099511628211);
	if (!world->options->verbose)
		return;
	struct tact_arena *arena = tact_arena_new();
	printf("%s %*s%s\n", tact_text_format_time(arena, world->faults.now_us), 2 * world->depth, "", line);
	tact_arena_free(&arena);
}

/* ---- events ------------------------------------------------------------------------------------- */

static bool comes_before(const struct event *a, const struct event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->number < b->number;
}

void world_plan(struct world *world, int64_t at_us, enum event_kind kind, void *what, int relay)
{
	struct event event = {at_us, world->events_made++, kind, what, relay};
	size_t i = world->events_count;

	(void)TACT_PUSH(world->arena, world->events, world->events_count);
	for (; i > 0 && comes_before(&event, &world->events[(i - 1) / 2]); i = (i - 1) / 2)
		world->events[i] = world->events[(i - 1) / 2];
	world->events[i] = event;
}

static struct event take_next(struct world *world)
{
	struct event first = world->events[0], last = world->events[--world->events_count];
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < world->events_count; i = child) {
		if (child + 1 < world->events_count &&
		    comes_before(&world->events[child + 1], &world->events[child]))
			child++;
		if (comes_before(&last, &world->events[child]))
			break;
		world->events[i] = world->events[child];
	}
	world->events[i] = last;
	return first;
}

/* ---- words that tact reads ---------------------------------------------------------------------- */

const char *world_address(struct world *world, int person, int spelling)
{
	static const char *const usual[] = {"p%d@example.com", "P%d@example.com", "p%d@EXAMPLE.com"};
	static const char *const tagged[] = {
	    "p%d@plus.example", "p%d+shop@plus.example", "P%d+News@Plus.example"};
	const char *format =
	    spelling == 3 ? "q%d@second.example" : (person % 4 == 3 ? tagged : usual)[spelling];
	char *address = tact_arena_alloc(world->arena, 48);

	const char *number = strstr(format, "%d");
	(void)snprintf(address, 48, "%.*s%d%s", (int)(number - format), format, person, number + 2);
	return address;
}

int world_random_person(struct world *world)
{
	int person = (int)chance_below(&world->chance, world->people);

	return world->second[person] && !world->aliased[person] && chance_of(&world->chance, 1, 2)
		   ? person + world->people
		   : person;
}

int world_whose(const struct world *world, int person)
{
	return oracle_whose(world->oracle, person);
}

const char *world_any_address(struct world *world, int person)
{
	if (person >= world->people)
		return world_address(world, person - world->people, 3);
	return world_address(
	    world, person, (int)chance_below(&world->chance, world->aliased[person] ? 4 : 3));
}

struct tact_message *world_envelope(struct tact_arena *arena, const struct mail *mail)
{
	struct tact_envelope envelope = {.listener = "smtp", .smtp = true, .client_ip = "192.0.2.1"};

	envelope.sender = mail->facts.null != SENDER_NAMED
			      ? ""
			      : tact_arena_printf(arena, "desk@s%d.example", mail->facts.stream);
	return tact_facts_new_message(arena, &envelope);
}

struct tact_message *world_message(struct world *world, struct tact_arena *arena, const struct mail *mail)
{
	const struct facts_spec *facts = &mail->facts;
	struct tact_message *message = world_envelope(arena, mail);

	tact_facts_add_header(
	    arena, message, "From", tact_arena_printf(arena, "<desk@s%d.example>", facts->stream));
	if (!facts->bare)
		tact_facts_add_header(arena, message, "X-Postal-Address", "1 High Street, Leeds");
	if (facts->null == NULL_AUTOMATIC ||
	    (facts->null == NULL_OTHER && world->options->breakage == BREAK_NULL))
		tact_facts_add_header(arena, message, "Auto-Submitted", "auto-replied");
	tact_facts_add_header(arena, message, "Subject", tact_arena_printf(arena, "mail %d", mail->number));
	tact_facts_add_header(
	    arena, message, "Message-ID", tact_arena_printf(arena, "<%d@x.example>", mail->number));
	tact_facts_add_header(arena, message, "Date", "Mon, 5 Jan 2026 09:00:00 +0000");
	if (facts->campaign >= 0)
		tact_facts_add_header(
		    arena, message, "X-Campaign", tact_arena_printf(arena, "c%d", facts->campaign));
	if (facts->offer >= 0)
		tact_facts_add_header(
		    arena, message, "X-Offer", tact_arena_printf(arena, "f%d", facts->offer));
	if (facts->list >= 0)
		tact_facts_add_header(
		    arena, message, "List-Id", tact_arena_printf(arena, "<list%d.example>", facts->list));
	tact_facts_finish_message(arena, message, &world->relays[0].config->profile);
	return message;
}

struct releases *world_release(struct world *world, struct mail *mail)
{
	return mail->facts.campaign >= 0 ? &world->released[mail->facts.stream][mail->facts.campaign]
					 : &mail->released;
}

/* ---- relays ------------------------------------------------------------------------------------- */

struct tact_config *world_load(struct world *world)
{
	struct tact_config_mistakes mistakes = {.arena = world->arena};
	struct tact_config *config = NULL;
	char *text = rules_text(world->house, world->options->breakage);

	if (world->options->verbose)
		printf("%s", text);
	if (tact_config_load("simulation.conf", text, &config, &mistakes) != TACT_OK) {
		fprintf(stderr, "seed %" PRIu64 ": %s\n%s", world->seed,
		    mistakes.count > 0 ? mistakes.texts[0] : "?", text);
		abort();
	}
	free(text);
	world->configs[world->configs_count++] = config;
	return config;
}

static void start_tact(struct world *world, struct relay *relay)
{
	struct tact_store_layout layout;
	int64_t counted_us = 0;

	relay->ledger = tact_ledger_new();
	relay->decider = tact_decider_new(&(struct tact_decider_parts){.store = relay->machine.store,
	    .audit = relay->machine.audit,
	    .identity = &relay->identity,
	    .host = relay->host,
	    .ledger = relay->ledger});
	tact_decider_set_rules(relay->decider, &relay->config->rules, NULL, NULL);
	tact_decide_forget_counts(relay->decider);
	if (tact_decide_layout(relay->decider, &layout, NULL) == TACT_OK)
		(void)tact_decide_recount(
		    relay->decider, &layout, 0, &counted_us, world->faults.now_us, NULL);
	relay->tended_us = relay->counted_us = relay->rung_us = 0;
	relay->mark = 0;
	relay->bell_us = world->faults.now_us + SECOND_US;
	world_plan(world, relay->bell_us, EVENT_BELL, NULL, (int)(relay - world->relays));
}

static void stop_tact(struct relay *relay)
{
	tact_decider_free(&relay->decider);
	tact_ledger_free(&relay->ledger);
}

static void open_relay(struct world *world, int number)
{
	struct relay *relay = &world->relays[number];
	struct tact_error err = {""};

	(void)snprintf(relay->host, sizeof relay->host, "relay%d", number);
	machine_open(&relay->machine, &world->faults, world->shared);
	relay->config = world_load(world);
	if (world->seed % 16 == 0 && tact_audit_open(world->options->folder, relay->host,
					 &relay->machine.really, NULL, &err) != TACT_OK)
		abort();
	if (tact_decide_open_identity(relay->machine.store, world->options->keyring, &relay->config->profile,
		TACT_OPEN_CHANGE, world->arena, &relay->identity, &err) != TACT_OK) {
		fprintf(stderr, "identity: %s\n", err.text);
		abort();
	}
	start_tact(world, relay);
}

void world_enter(struct world *world, struct relay *relay, struct entry *entry)
{
	if (relay->depth++ == 0 && !world->faults.off && !world->faults.alive &&
	    chance_of(&world->chance, 1, 150))
		relay->machine.steps = (int)chance_between(&world->chance, 1, 6);
	*entry = (struct entry){.before = relay->machine.note};
	relay->machine.note = &entry->sequence;
}

bool world_leave(struct world *world, struct relay *relay, const struct entry *entry)
{
	bool died = relay->machine.dead;

	if (died || world->faults.uncounted)
		oracle_uncounted(world->oracle, relay->counted_us);
	world->faults.uncounted = false;
	relay->machine.note = entry->before;
	if (--relay->depth > 0)
		return died;
	relay->machine.steps = 0;
	if (!died)
		return false;
	world->figures.crashes++;
	world_trace(world, "%s died", relay->host);
	relay->machine.dead = false;
	stop_tact(relay);
	start_tact(world, relay);
	return true;
}

static void reload(struct world *world)
{
	if (world->configs_count + RELAYS_MAX > sizeof world->configs / sizeof *world->configs)
		return;
	struct house_spec *house = tact_arena_copy(world->arena, world->house, sizeof *house);
	rules_random_rules(&world->chance, house);
	world->house = house;
	for (int i = 0; i < world->relays_count; i++) {
		struct relay *relay = &world->relays[i];

		relay->config = world_load(world);
		tact_decider_set_rules(relay->decider, &relay->config->rules, NULL, NULL);
	}
	oracle_unsettle(world->oracle, -1);
	world->figures.reloads++;
	world_trace(world, "reload");
}

/* ---- what happens ------------------------------------------------------------------------------- */

static void sweep(struct world *world)
{
	struct relay *relay = &world->relays[0];
	struct tact_swept swept;
	struct entry entry;

	world_enter(world, relay, &entry);
	(void)tact_decide_sweep(relay->decider, world->faults.now_us, NULL, NULL, NULL, &swept, NULL);
	(void)world_leave(world, relay, &entry);
}

static void happen(struct world *world, const struct event *event)
{
	switch (event->kind) {
	case EVENT_JOB:
		client_submit(world, event->what);
		break;
	case EVENT_QUEUE:
		queue_attempt(world, event->what);
		break;
	case EVENT_BELL:
		if (event->at_us == world->relays[event->relay].bell_us)
			queue_bell(world, &world->relays[event->relay]);
		break;
	case EVENT_CHANGE:
		change_something(world);
		break;
	case EVENT_RELOAD:
		reload(world);
		break;
	case EVENT_REVIEWER:
		change_review(world);
		break;
	case EVENT_PLAN:
		plans_tell(world, event->what);
		break;
	case EVENT_DEED:
		plans_deed(world);
		break;
	case EVENT_TEND:
		plans_tend(world, &world->relays[event->relay]);
		break;
	case EVENT_SWEEP:
		sweep(world);
		break;
	}
}

/* Between two steps of one decision another one begins and ends. */
static void meanwhile(void *context)
{
	struct world *world = context;

	if (world->depth >= 2 || world->events_count == 0)
		return;
	world->depth++;
	world->figures.meanwhile++;
	world->faults.now_us += chance_between(&world->chance, 1, 1000);
	if (chance_of(&world->chance, 1, 3))
		change_something(world);
	else if (chance_of(&world->chance, 1, 2))
		client_invent(world);
	else if (world->copies_count > 0)
		queue_attempt(
		    world, world->copies[chance_below(&world->chance, (int64_t)world->copies_count)]);
	world->depth--;
}

static void ring_for_what_was_written(struct world *world)
{
	int64_t wake_us = world->faults.wake_us;

	world->faults.wake_us = 0;
	if (wake_us == 0)
		return;
	if (wake_us < world->faults.now_us + SECOND_US)
		wake_us = world->faults.now_us + SECOND_US;
	for (int i = 0; i < world->relays_count; i++) {
		struct relay *relay = &world->relays[i];
		int64_t next_us = wake_us;

		if (next_us < relay->rung_us + MINUTE_US)
			next_us = relay->rung_us + MINUTE_US;
		if (relay->bell_us > world->faults.now_us && relay->bell_us <= next_us)
			continue;
		relay->bell_us = next_us;
		relay->idle = 0;
		world_plan(world, next_us, EVENT_BELL, NULL, i);
	}
}

static void run_until(struct world *world, int64_t end_us)
{
	while (world->events_count > 0 && world->events[0].at_us <= end_us &&
	       oracle_complaint(world->oracle) == NULL) {
		struct event event = take_next(world);

		/* No two things happen in the same microsecond. */
		world->faults.now_us =
		    event.at_us > world->faults.now_us ? event.at_us : world->faults.now_us + 1;
		happen(world, &event);
		ring_for_what_was_written(world);
	}
}

/* ---- beginning and end -------------------------------------------------------------------------- */

static void plan_all(struct world *world)
{
	int64_t mails = chance_between(&world->chance, world->house->crowded ? 200 : 40, 300),
		length_us = world->end_us - world->start_us;
	struct chance *chance = &world->chance;

	for (int64_t i = 0, at_us = 0; i < mails; i++) {
		/* Now and then many at once. */
		if (i == 0 || !chance_of(chance, 1, 3))
			at_us = world->start_us + chance_below(chance, length_us);
		else
			at_us += SECOND_US * chance_below(chance, 120);
		world_plan(world, at_us, EVENT_JOB, NULL, 0);
	}
	for (int64_t i = chance_below(chance, world->house->breaks ? 120 : 40); i > 0; i--)
		world_plan(world, world->start_us + chance_below(chance, length_us), EVENT_CHANGE, NULL, 0);
	for (int64_t i = chance_of(chance, 1, 2) ? chance_below(chance, 4) : 0; i > 0; i--)
		world_plan(world, world->start_us + chance_below(chance, length_us), EVENT_RELOAD, NULL, 0);
	for (int64_t at_us = world->start_us; at_us < world->end_us;
	     at_us += HOUR_US * chance_between(chance, 5, 40))
		world_plan(world, at_us, EVENT_REVIEWER, NULL, 0);
	if (chance_of(chance, 1, 3))
		world_plan(world, world->start_us + chance_below(chance, length_us), EVENT_SWEEP, NULL, 0);
	plans_make(world);
	for (int i = 0; i < world->relays_count; i++)
		if (chance_of(chance, 1, 4))
			world->relays[i].silent_until_us =
			    world->start_us + chance_below(chance, length_us / 2);
}

static void set_faults(struct world *world)
{
	struct chance *chance = &world->chance;
	bool calm = world->house->crowded ? chance_of(chance, 3, 4) : chance_of(chance, 1, 4);

	world->faults = (struct faults){.chance = chance,
	    .store_per_mille = calm ? 0 : (int)chance_below(chance, 25),
	    .audit_per_mille = calm ? 0 : (int)chance_below(chance, 12),
	    .again_per_mille = (int)chance_below(chance, 100),
	    .meanwhile_per_mille = calm || chance_of(chance, 1, 3) ? 0 : (int)chance_below(chance, 60),
	    .meanwhile = meanwhile,
	    .alive = calm && world->house->crowded,
	    .context = world,
	    .now_us = world->start_us,
	    .deaf_us = INT64_MIN / 2,
	    .secrets = {.state = ~world->seed}};
}

struct found {
	struct tact_store_key keys[256];
	size_t count;
};

static bool find_key(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct found *found = context;

	(void)record;
	found->keys[found->count++] = *key;
	return found->count < 256;
}

static bool take_away(
    void *context, size_t index, const struct tact_record *now, int64_t now_us, struct tact_store_put *ret)
{
	(void)context, (void)index, (void)now, (void)now_us;
	ret->remove = true;
	return true;
}

/* What another world left. */
static void empty_store(struct tact_store *store, struct tact_arena *arena)
{
	struct tact_store_answer answers[256];
	struct found found;
	char *identity;
	int result = TACT_OK;

	for (int kind = TACT_STORE_DOSSIER; kind <= TACT_STORE_ALIAS; kind++) {
		do {
			found.count = 0;
			result |= tact_store_scan(store, (enum tact_store_kind)kind, find_key, &found, NULL);
			result |=
			    tact_store_update(store, found.keys, found.count, take_away, NULL, answers, 0);
		} while (found.count > 0 && result == TACT_OK);
	}
	if (result != TACT_OK || tact_store_identity(store, arena, &identity, NULL) != TACT_OK ||
	    tact_store_set_identity(store, identity, "", NULL) != TACT_OK)
		abort();
}

struct tact_store *world_open_store(struct world *world)
{
	struct tact_error err = {""};
	struct tact_store *store = NULL;
	const char *url = "memory:";

	if (world->options->lmdb)
		url = tact_arena_printf(
		    world->arena, "lmdb:%s/db-%" PRIu64 "?map_size=64M", world->options->folder, world->seed);
	if (world->options->url)
		url = world->options->url;
	if (tact_store_open(url, &store, &err) != TACT_OK) {
		fprintf(stderr, "store: %s\n", err.text);
		abort();
	}
	if (world->options->url)
		empty_store(store, world->arena);
	return store;
}

static void open_world(struct world *world)
{
	world->arena = tact_arena_new();
	machine_faults = &world->faults;
	/* 2026-01-01 and two years on; whole seconds as clients keep them, and microseconds as we do */
	world->start_us =
	    SECOND_US * (INT64_C(1767225600) + chance_below(&world->chance, 790 * INT64_C(86400)));
	world->house = tact_arena_alloc(world->arena, sizeof *world->house);
	rules_random_streams(&world->chance, world->house);
	world->end_us =
	    world->start_us + DAY_US * chance_between(&world->chance, 7, world->house->crowded ? 14 : 56);
	set_faults(world);
	world->people = (int)chance_between(&world->chance, 2, world->house->crowded ? 6 : PEOPLE_MAX);
	world->oracle = oracle_new(2 * world->people);
	rules_random_rules(&world->chance, world->house);
	world->shared = world_open_store(world);
	world->relays_count = chance_of(&world->chance, 1, 3) ? 2 : 1;
	world->faults.off = true;
	for (int i = 0; i < world->relays_count; i++)
		open_relay(world, i);
	for (int i = 0; i < world->people; i++) {
		if (chance_of(&world->chance, 2, 3))
			change_who(world, i);
		if (chance_of(&world->chance, 1, 5))
			change_alias(world, i);
		else
			world->second[i] = chance_of(&world->chance, 1, 3);
	}
	world->faults.off = false;
	plan_all(world);
}

static void close_world(struct world *world)
{
	for (int i = 0; i < world->relays_count; i++) {
		stop_tact(&world->relays[i]);
		tact_audit_close(&world->relays[i].machine.really);
		machine_close(&world->relays[i].machine);
	}
	tact_store_close(&world->shared);
	for (size_t i = 0; i < world->configs_count; i++)
		tact_config_free(&world->configs[i]);
	oracle_free(&world->oracle);
	tact_arena_free(&world->arena);
}

/* Nothing new comes and nothing fails any more: what waits must come to its end. */
static void drain(struct world *world)
{
	world->faults.off = true;
	world_trace(world, "nothing new from here on");
	for (int i = 0; i < 3 && oracle_complaint(world->oracle) == NULL; i++) {
		change_review(world);
		run_until(world, world->end_us + (int64_t)(i + 1) * 4 * DAY_US);
		world->faults.now_us = world->end_us + (int64_t)(i + 1) * 4 * DAY_US;
	}
	for (size_t i = 0; i < world->copies_count; i++)
		for (int k = 0; k < world->copies[i]->count; k++)
			if (!world->copies[i]->legs[k].done)
				oracle_complain(world->oracle,
				    "mail %d for person %d was taken and is stuck in the queue",
				    world->copies[i]->mail->number, world->copies[i]->legs[k].person);
}

static void sum_up(struct world *world, struct figures *figures)
{
	struct oracle_figures judged = oracle_figures(world->oracle);
	uint64_t *to = (uint64_t *)figures;
	const uint64_t *from = (const uint64_t *)&world->figures;

	world->figures.seeds = 1;
	world->figures.lost = world->faults.lost;
	world->figures.repeated = world->faults.repeated;
	world->figures.people = judged.people;
	world->figures.windows = judged.windows;
	world->figures.exact = judged.exact;
	world->figures.arbitrated = judged.arbitrated;
	world->figures.justified = judged.justified;
	world->figures.planned = judged.planned;
	world->figures.stopped = judged.stopped;
	world->figures.firm = judged.firm;
	world->figures.ahead = judged.ahead;
	world->figures.rates = judged.rates;
	world->figures.joined = judged.joined;
	for (size_t i = 0; i < sizeof *figures / sizeof *to; i++)
		to[i] += from[i];
}

char *world_run(uint64_t seed, const struct options *options, struct figures *figures, uint64_t *ret_hash)
{
	struct world *world = tact_calloc(1, sizeof *world);
	char *complaint = NULL;

	world->seed = seed;
	world->hash = UINT64_C(14695981039346656037);
	world->options = options;
	world->chance.state = seed * UINT64_C(0x2545f4914f6cdd1d);
	open_world(world);
	run_until(world, world->end_us);
	drain(world);
	if (oracle_complaint(world->oracle) != NULL)
		complaint = tact_strdup(oracle_complaint(world->oracle));
	sum_up(world, figures);
	*ret_hash = world->hash;
	close_world(world);
	free(world);
	return complaint;
}

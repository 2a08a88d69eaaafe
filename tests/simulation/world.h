/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One seed's world: relays with tact inside and Postfix around, one store, people, and the order in which
 * things happen.
 */
#ifndef SIMULATION_WORLD_H
#define SIMULATION_WORLD_H

#include <tact/config.h>
#include <tact/decide.h>

#include "chance.h"
#include "machine.h"
#include "oracle.h"
#include "rules.h"

/* Each of the people may have a second address that is taken for somebody else's at first: then its number is
 * his and as many more as there are people. */
enum { PEOPLE_MAX = 40, NAMES_MAX = 2 * PEOPLE_MAX, RECIPIENTS_MAX = 6, RELAYS_MAX = 2 };

struct options {
	enum breakage breakage;
	bool verbose, lmdb;
	int threads; /* 0: one after the other, by the seed alone */
	const struct tact_keyring *keyring;
	const char *folder; /* for stores and logs */
	const char *url;    /* of a store that is emptied for each world; NULL: memory, or lmdb */
};

struct figures {
	uint64_t seeds, mails, submissions, recipients, delivered, delayed, quarantined, refused, undecided,
	    bounced;
	uint64_t retries, crashes, lost, repeated, meanwhile, changes, reloads, rings, doubled, told;
	uint64_t people, windows, exact, arbitrated, justified, planned, stopped, firm, ahead, rates;
	uint64_t plans, deeds, joined;
};

struct mail {
	int number;
	struct facts_spec facts;
	int people[RECIPIENTS_MAX], count;
	const char *given[RECIPIENTS_MAX];
	struct releases released;
	bool handed[NAMES_MAX]; /* passed or bounced once, or perhaps */
};

/* A campaign's mail that is still to come. */
struct plan {
	struct plan_spec spec;
	bool people[PEOPLE_MAX];
	int tries;
};

/* What a client still has to hand in. */
struct job {
	struct mail *mail;
	int relay, tries;
	bool left[RECIPIENTS_MAX];
	int64_t give_up_us;
};

/* One recipient in Postfix's queue, waiting at the gate. */
struct leg {
	int person;
	const char *given, *ring;
	struct tact_id claim;
	int64_t next_us, not_after_us;
	int tries;
	bool done, review; /* review: queued under that domain */
	bool held;	   /* for a reviewer, when it was looked at last */
};
struct copy {
	struct mail *mail;
	int relay, count;
	int64_t queued_us;
	bool busy;
	struct leg legs[RECIPIENTS_MAX];
};

struct relay {
	char host[24];
	struct machine machine;
	struct tact_identity identity;
	struct tact_ledger *ledger;
	struct tact_decider *decider;
	struct tact_config *config;
	int64_t bell_us, silent_until_us; /* next tick; Postfix does not hear before */
	int idle;			  /* ticks in vain */
	int64_t rung_us;		  /* something was due then: not again for a while */
	int depth;			  /* calls under way */
	int64_t tended_us, counted_us;	  /* what is done each second was done then, and the time before */
	uint64_t mark;			  /* of the campaigns that wake times were put right for */
};

/* One call of tact. */
struct entry {
	uint64_t sequence; /* of its first update; 0: there was none */
	uint64_t *before;  /* what a call around it waits to hear */
};

enum event_kind {
	EVENT_JOB,
	EVENT_QUEUE,
	EVENT_BELL,
	EVENT_CHANGE,
	EVENT_RELOAD,
	EVENT_REVIEWER,
	EVENT_PLAN,
	EVENT_DEED,
	EVENT_TEND,
	EVENT_SWEEP
};
struct event {
	int64_t at_us;
	uint64_t number;
	enum event_kind kind;
	void *what;
	int relay;
};

struct world {
	uint64_t seed, hash, events_made;
	const struct options *options;
	struct chance chance;
	struct faults faults;
	struct tact_arena *arena; /* lives as long as the world */
	struct house_spec *house;
	struct tact_config *configs[64];
	size_t configs_count;
	struct tact_store *shared;
	struct relay relays[RELAYS_MAX];
	int relays_count, people, depth;
	bool aliased[PEOPLE_MAX]; /* the second address is known to be theirs */
	bool second[PEOPLE_MAX];  /* which was written to before */
	int joining[PEOPLE_MAX];  /* how often it was tried to tell tact so */
	int64_t start_us, end_us;
	struct oracle *oracle;
	struct event *events;
	size_t events_count;
	struct mail **mails;
	size_t mails_count;
	struct copy **copies;
	size_t copies_count;
	struct releases released[STREAMS_MAX][CAMPAIGNS];
	struct plan *plans[CAMPAIGNS]; /* NULL: nobody planned it */
	struct figures figures;
};

/* Runs one seed. NULL when nothing was wrong, else the complaint (the caller frees); adds to *figures. */
char *world_run(uint64_t seed, const struct options *options, struct figures *figures, uint64_t *ret_hash);

/* The same with so many deciders that truly ask at once, in threads: another course each time. */
char *threads_run(uint64_t seed, const struct options *options, int threads, struct figures *figures);

/* ---- world.c, for its neighbours ---- */

/* The configuration of the world's house; it lives as long as the world. */
struct tact_config *world_load(struct world *world);
/* The store that the options name, emptied. */
struct tact_store *world_open_store(struct world *world);

void world_trace(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_plan(struct world *world, int64_t at_us, enum event_kind kind, void *what, int relay);
const char *world_address(struct world *world, int person, int spelling);
/* One of the people, or of the second addresses that are still taken for others'. */
int world_random_person(struct world *world);
/* Whose name is that by now? */
int world_whose(const struct world *world, int person);
/* In one of the ways in which people may write it. */
const char *world_any_address(struct world *world, int person);
/* A relay is entered and left around every call of tact; one that died meanwhile starts anew when the last
 * call has returned. */
void world_enter(struct world *world, struct relay *relay, struct entry *entry);
/* True: it died, and nobody heard the answer. */
bool world_leave(struct world *world, struct relay *relay, const struct entry *entry);
struct tact_message *world_envelope(struct tact_arena *arena, const struct mail *mail);
struct tact_message *world_message(struct world *world, struct tact_arena *arena, const struct mail *mail);
struct releases *world_release(struct world *world, struct mail *mail);

/* ---- client.c: mail comes in ---- */

void client_random_facts(struct world *world, struct facts_spec *ret);
void client_invent(struct world *world);
void client_submit(struct world *world, struct job *job);

/* ---- plans.c: campaigns that are planned, and what becomes of them ---- */

void plans_make(struct world *world);
/* An attempt to tell tact of it. */
void plans_tell(struct world *world, struct plan *plan);
void plans_deed(struct world *world);
/* What a relay does each second, if it is time. */
void plans_tend(struct world *world, struct relay *relay);
/* How old the relay's knowledge of campaigns may be. */
int64_t plans_stale_us(const struct world *world);
bool plans_deaf(const struct world *world);

/* ---- queue.c: Postfix keeps mail, and the bell ---- */

void queue_attempt(struct world *world, struct copy *copy);
void queue_bell(struct world *world, struct relay *relay);

/* ---- change.c: what people do ---- */

void change_something(struct world *world);
void change_who(struct world *world, int person);
/* He has a second address. */
void change_alias(struct world *world, int person);
void change_review(struct world *world);

#endif

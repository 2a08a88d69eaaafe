/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The files of the postgres engine among themselves: postgres_url.c reads the url, postgres_link.c and its
 * files (postgres_link.h, which alone knows libpq) are one connection, postgres_state.c what a server's error
 * means, postgres_clock.c the database's clock, postgres_request.c one call, postgres_batch.c what many calls
 * load and commit together, postgres_pool.c and its files (postgres_pool.h) the connections that do so for
 * all callers, postgres_walk.c what goes over many records, postgres.c the rest.
 *
 * Results beside enum tact_result are enum pg_outcome. Deadlines are tact_clock_monotonic_ms(); 0 means none.
 */
#ifndef TACT_STORE_POSTGRES_H
#define TACT_STORE_POSTGRES_H

#include <tact/store.h>

#include <stdatomic.h>

#define PG_SCHEMA_VERSION 1
#define PG_GROUPS 256 /* the first byte of an id chooses */

/* ---- url ---- */

/* May statements be prepared? Not through a pooler that hands out transactions: the next one is another
 * connection's. */
enum pg_prepare {
	PG_PREPARE_ALONE, /* where no pooler stands between */
	PG_PREPARE_YES,
	PG_PREPARE_NO
};

struct pg_url {
	char *conninfo; /* without our own words */
	int writers;	/* connections that commit */
	enum pg_prepare prepare;
	/* All set by pg_link_protect: ask for sslmode=verify-full; the sslmode that protects less and is
	 * asked for all the same, or ""; the lists in force, wherever they stand, or NULL. */
	bool verify;
	char weak[16];
	char *hosts, *addresses, *ports;
};
/* TACT_OK or TACT_INVALID; no password is in the words, nor what might be one. Asks no network and no file.
 */
int pg_url_parse(const char *rest, struct pg_url *ret, struct tact_error *err);
void pg_url_clear(struct pg_url *url);

/* ---- origin: which of two servers that take writes is the one ---- */

struct pg_origin {
	int64_t database; /* the system identifier: a primary and its standbys share it */
	int64_t timeline; /* each promotion raises it */
};

struct pg_origins;

struct pg_origins *pg_origins_new(void);
void pg_origins_free(struct pg_origins **origins);
/* From any thread. False when a later timeline of its database was heard of before. */
bool pg_origins_hear(struct pg_origins *origins, const struct pg_origin *origin);
/* From any thread. 0: nothing was heard of that database. */
int64_t pg_origins_latest(struct pg_origins *origins, int64_t database);

/* ---- link: one connection. One thread at a time. ---- */

enum pg_statement {
	PG_LOAD,
	PG_COMMIT,
	PG_FILL,
	PG_MAY_COPY,
	PG_FIND_GROUPS,
	PG_NOW,
	PG_SCAN,
	PG_SCAN_PART,
	PG_DUE,
	PG_DUE_PART,
	PG_IDENTITY,
	PG_SET_IDENTITY,
	PG_SIZE,
	PG_HELLO, /* schema version, client_min_messages, synchronous_commit, origin, the server's process */
	PG_STATEMENTS
};

/* Everything travels as PostgreSQL's binary form. */
struct pg_param {
	const void *bytes;
	size_t size;
};

enum pg_outcome {
	PG_DONE,    /* the transaction has ended and the server is ready for the next: rows may be read */
	PG_REFUSED, /* the server said no: pg_link_state tells why */
	PG_LATE,    /* no answer yet: pg_link_wait goes on waiting, nothing else may be called */
	PG_LOST,    /* no connection any more */
};

struct pg_link;

/* Are all of its words libpq's? TACT_OK or TACT_INVALID. */
int pg_link_check_words(const char *conninfo, struct tact_error *err);
/* sslmode=prefer, which is what libpq does when url, service file and environment say nothing, protects from
 * nobody: where a host is not this machine, verify-full is asked for in its place. Looks at what libpq has
 * made of the url; no word is exchanged with a server. TACT_OK, or TACT_INVALID: a service that is not there,
 * a value that libpq does not take. */
int pg_link_protect(struct pg_url *url, struct tact_error *err);
/* TACT_OK, TACT_UNAVAILABLE or TACT_SYSTEM (what is wrong will not pass by itself). Several hosts are asked
 * all at once, for two seconds or so, and the latest primary is taken; if none answers, and where there is
 * one only, it blocks for as long as connect_timeout says for each. URL and ORIGINS outlive the link. */
int pg_link_open(
    const struct pg_url *url, struct pg_origins *origins, struct pg_link **ret, struct tact_error *err);
/* Is there a schema of our version, and does the server acknowledge what cannot be lost? Where there are
 * several hosts and this one is not known to be the latest primary, the others are asked once more, and the
 * latest is taken; one that is known not to be is TACT_UNAVAILABLE. As above. */
int pg_link_greet(struct pg_link *link, struct tact_error *err);
/* Has another server been promoted since, as far as this process knows? */
bool pg_link_deposed(const struct pg_link *link);
/* The same, and the other hosts are asked first, for two seconds or so. */
bool pg_link_ask_deposed(struct pg_link *link);
void pg_link_close(struct pg_link **link);
/* False when the server has hung up meanwhile. */
bool pg_link_alive(struct pg_link *link);
/* From any thread: everything that waits on this link, now or later, is PG_LATE at once. */
void pg_link_stop(struct pg_link *link);

enum pg_outcome pg_link_call(struct pg_link *link, enum pg_statement statement, const struct pg_param *params,
    size_t count, int64_t deadline_ms);
enum pg_outcome pg_link_wait(struct pg_link *link, int64_t deadline_ms);
/* A transaction of COPY into the table of records, in its binary form: kind, id, version, wake, frame. It
 * begins; takes rows as often as there are some, of which few wait here; and ends, which acknowledges what
 * tact_fill does. Anything but PG_DONE ends it, and nothing was done unless the end says so: PG_LATE is
 * answered by the end only. What the server has against a row, the end tells. */
enum pg_outcome pg_link_copy_begin(struct pg_link *link, int64_t deadline_ms);
enum pg_outcome pg_link_copy_rows(struct pg_link *link, const void *rows, size_t size, int64_t deadline_ms);
enum pg_outcome pg_link_copy_end(struct pg_link *link, int64_t deadline_ms);
/* As that COPY began: the number that the database gives to the next transaction that writes. */
uint64_t pg_link_next_transaction(const struct pg_link *link);
/* A text of many statements, for the schema. */
enum pg_outcome pg_link_run(struct pg_link *link, const char *text, int64_t deadline_ms);

/* Of the last call that was PG_DONE, until the next. A value that is NULL or is not there has size 0. */
size_t pg_link_rows(const struct pg_link *link);
const void *pg_link_value(const struct pg_link *link, size_t row, int column, size_t *ret_size);
int64_t pg_link_integer(const struct pg_link *link, size_t row, int column);
/* Did the server say anything beside the answer? During a commit that means: nobody knows. */
bool pg_link_noticed(const struct pg_link *link);
/* Five characters, "" when the server said nothing. */
const char *pg_link_state(const struct pg_link *link);
/* One line: the latest error or notice. */
const char *pg_link_words(const struct pg_link *link);

/* ---- aside: connections for what is long or rare ---- */

#define PG_ALL_PARTS (-1)
#define PG_NO_PART (-2) /* what is asked of the database alone, which asks none of them */

struct pg_aside;

/* What is given must outlive it. */
struct pg_aside *pg_aside_new(struct tact_store *store, const struct pg_url *url, struct pg_origins *origins);
void pg_aside_free(struct pg_aside **aside);
/* A greeted connection for a call to PART, a group or one of these; to be given back by return or fail. While
 * an earlier call to the same is late (for PG_ALL_PARTS: to anything), TACT_UNAVAILABLE at once; but for one
 * caller, after a while. */
int pg_aside_take(struct pg_aside *aside, int part, struct pg_link **ret, struct tact_error *err);
/* The call to PART was answered: what was asked of it before and is late is given up. */
void pg_aside_return(struct pg_aside *aside, int part, struct pg_link *link);
/* With the outcome of a call that was not PG_DONE, or that is not believed. TACT_UNAVAILABLE, with words. */
int pg_aside_fail(
    struct pg_aside *aside, int part, struct pg_link *link, enum pg_outcome outcome, struct tact_error *err);
/* The call as well: on TACT_OK the rows can be read until the link is given back. */
int pg_aside_ask(struct pg_aside *aside, int part, enum pg_statement statement, const struct pg_param *params,
    size_t count, int64_t wait_ms, struct pg_link **ret_link, struct tact_error *err);

/* ---- state ---- */

enum pg_meaning {
	PG_MEANS_NOT_COMMITTED, /* it did not happen */
	PG_MEANS_AGAIN,		/* it did not happen, and another attempt may go through at once */
	PG_MEANS_ELSEWHERE,	/* it did not happen: this server is not the one that writes */
	PG_MEANS_UNCERTAIN,	/* everything that stands in no table */
};
enum pg_meaning pg_state_meaning(const char *state);
/* What to do about it, or NULL. */
const char *pg_state_advice(const char *state);

/* ---- clock ---- */

/* The database's clock, carried on by our monotonic one since it was last heard. */
struct pg_clock {
	atomic_int_fast64_t ahead_us; /* the store's clock − the monotonic one */
};
int64_t pg_clock_monotonic_us(void);
/* ASKED_US: pg_clock_monotonic_us() when the call was made whose answer is at hand now. */
void pg_clock_hear(struct pg_clock *clock, int64_t store_now_us, int64_t asked_us);
int64_t pg_clock_now_us(const struct pg_clock *clock);
/* It − this machine's. */
int64_t pg_clock_skew_us(const struct pg_clock *clock);

/* The same for the words of libpq when there is no connection. */
const char *pg_words_advice(const char *words);
/* Did it find a mistake in what it was told, before it asked anybody? */
bool pg_words_are_of_url(const char *words);

/* ---- pool ---- */

struct pg_pool;

/* ORIGINS outlives the pool. */
struct pg_pool *pg_pool_new(struct tact_store *store, const struct pg_url *url, struct pg_origins *origins,
    const uint8_t groups[PG_GROUPS]);
/* Ends all threads; nobody may be waiting any more. */
void pg_pool_free(struct pg_pool **pool);

void pg_pool_read(struct pg_pool *pool, const struct tact_store_key *keys, size_t count,
    struct tact_arena *arena, struct tact_record *ret_records, struct tact_store_answer *ret_answers,
    int64_t deadline_ms);
/* AFTER may be NULL. */
void pg_pool_update(struct pg_pool *pool, const struct tact_store_key *keys, size_t count,
    tact_store_change_fn fn, tact_store_after_fn after, void *context, struct tact_store_answer *ret_answers,
    int64_t deadline_ms);
/* Which keys may share a call, as the database told it last; it told somebody else. */
void pg_pool_groups(struct pg_pool *pool, uint8_t ret[PG_GROUPS]);
void pg_pool_set_groups(struct pg_pool *pool, const uint8_t groups[PG_GROUPS]);
uint64_t pg_pool_commits(struct pg_pool *pool);
struct pg_clock *pg_pool_clock(struct pg_pool *pool);

/* ---- fill: many records where none stand ---- */

struct pg_fill;

/* What is given must outlive it. */
struct pg_fill *pg_fill_new(struct tact_store *store, struct pg_aside *aside);
void pg_fill_free(struct pg_fill **fill);
/* One chunk of tact_store_fill; the answers were set to TACT_UNAVAILABLE. */
void pg_fill_chunk(struct pg_fill *fill, struct pg_pool *pool, const struct tact_store_key *keys,
    const struct tact_store_put *puts, size_t count, struct tact_store_answer *ret_answers,
    int64_t deadline_ms);
/* How many chunks have found that others wrote since the chunk before. */
uint64_t pg_fill_others(struct pg_fill *fill);

#endif

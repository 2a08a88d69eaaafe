/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Making many records where none stand: a chunk is cut into pieces, each a transaction of its own, and two
 * connections take them in turn, so that one computes while the other waits for its flush.
 *
 * COPY straight into the table is what the database takes fastest, but it passes no PL/Proxy, and it makes
 * all of its rows or none. So it is for those who reach the table and meet nothing in it: a piece that meets
 * a record goes by the call, which passes everywhere and says under which keys something stands, and so do
 * the pieces behind it until it has met none for a while. Never a table beside it to COPY into: every row
 * would be written twice.
 */
#include <config.h>

#include "engine.h"
#include "postgres_ready.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_MOST 32768 /* each COPY makes a thousand slots for rows, and is flushed */
#define PIECE_LEAST 1024 /* for less another connection is not worth its while */
#define CAREFUL_FOR 16	 /* pieces by the call since one has met a record */

#define CALL_TRANSACTIONS 3 /* with the one that it gives up inside */
#define OTHERS_LEAST 2	    /* the database's own housekeeping is nobody who waits */

enum way { WAY_UNKNOWN, WAY_CALL, WAY_COPY };

struct pg_fill {
	struct tact_store *store;
	struct pg_aside *aside;
	pthread_mutex_t lock;
	enum way way;
	unsigned careful;
	/* How the chunk before began, and how many transactions it had. */
	uint64_t next, own;
	bool beside; /* others have written since: they share the processors, so one connection does */
	uint64_t others;
};

/* One chunk, which two threads work at. */
struct work {
	struct pg_fill *fill;
	struct pg_ready all;
	uint8_t groups[PG_GROUPS];
	size_t piece; /* at most; the first has half as many, so that the two do not wait at the same time */
	int64_t deadline_ms;
	size_t at; /* under the lock, as all below */
	bool stopped;
	uint64_t next, own; /* next: of the first piece, 0 when it went by the call */
};

struct piece {
	int group;
	struct pg_ready ready;
};

struct pg_fill *pg_fill_new(struct tact_store *store, struct pg_aside *aside)
{
	struct pg_fill *fill = tact_calloc(1, sizeof *fill);

	fill->store = store;
	fill->aside = aside;
	pthread_mutex_init(&fill->lock, NULL);
	return fill;
}

void pg_fill_free(struct pg_fill **fill)
{
	if (!*fill)
		return;
	pthread_mutex_destroy(&(*fill)->lock);
	free(*fill);
	*fill = NULL;
}

/* ---- which way --------------------------------------------------------------------------------------- */

static void set_way(struct pg_fill *fill, enum way way)
{
	pthread_mutex_lock(&fill->lock);
	fill->way = way;
	pthread_mutex_unlock(&fill->lock);
}

static enum way next_way(struct pg_fill *fill)
{
	pthread_mutex_lock(&fill->lock);
	enum way way = fill->way == WAY_COPY && fill->careful > 0 ? WAY_CALL : fill->way;
	pthread_mutex_unlock(&fill->lock);
	return way;
}

static void note_met(struct pg_fill *fill, bool met)
{
	pthread_mutex_lock(&fill->lock);
	if (met)
		fill->careful = CAREFUL_FOR;
	else if (fill->careful > 0)
		fill->careful--;
	pthread_mutex_unlock(&fill->lock);
}

/* Is there a table behind this connection, and may this login add to it? An older schema knows no answer. */
static enum pg_outcome learn_way(struct pg_fill *fill, struct pg_link *link, int64_t deadline_ms)
{
	enum pg_outcome outcome = pg_link_call(link, PG_MAY_COPY, NULL, 0, deadline_ms);

	if (outcome == PG_DONE)
		set_way(fill, pg_link_integer(link, 0, 0) == 1 ? WAY_COPY : WAY_CALL);
	else if (outcome == PG_REFUSED)
		set_way(fill, WAY_CALL);
	return outcome == PG_REFUSED ? PG_DONE : outcome;
}

/* ---- a piece ----------------------------------------------------------------------------------------- */

static bool meets_one(const struct pg_link *link)
{
	return strcmp(pg_link_state(link), "23505") == 0;
}

/* Rights that were taken away meanwhile, or a table that is another's: without COPY, or with more columns. */
static bool may_not(const struct pg_link *link)
{
	const char *state = pg_link_state(link);

	return strncmp(state, "42", 2) == 0 || strncmp(state, "0A", 2) == 0 || strcmp(state, "23502") == 0;
}

static void count_own(struct work *work, const struct pg_ready *ready, uint64_t next, unsigned transactions)
{
	pthread_mutex_lock(&work->fill->lock);
	work->own += transactions;
	if (ready->keys == work->all.keys)
		work->next = next;
	pthread_mutex_unlock(&work->fill->lock);
}

static enum pg_outcome send_call(struct work *work, struct pg_link *link, const struct pg_ready *ready)
{
	enum pg_outcome outcome = pg_ready_call(link, ready, work->deadline_ms);

	count_own(work, ready, 0, CALL_TRANSACTIONS);
	if (outcome == PG_DONE)
		note_met(work->fill, pg_link_rows(link) > 0);
	return outcome;
}

static enum pg_outcome send_copy(struct work *work, struct pg_link *link, const struct pg_ready *ready)
{
	enum pg_outcome outcome = pg_ready_copy(link, ready, work->deadline_ms);

	count_own(work, ready, pg_link_next_transaction(link), 1);
	if (outcome != PG_REFUSED || !(meets_one(link) || may_not(link)))
		return outcome;
	if (may_not(link))
		set_way(work->fill, WAY_CALL);
	return send_call(work, link, ready);
}

static enum pg_outcome send_piece(struct work *work, struct pg_link *link, const struct pg_ready *ready)
{
	if (next_way(work->fill) == WAY_UNKNOWN) {
		enum pg_outcome outcome = learn_way(work->fill, link, work->deadline_ms);
		if (outcome != PG_DONE)
			return outcome;
	}
	return next_way(work->fill) == WAY_COPY ? send_copy(work, link, ready) : send_call(work, link, ready);
}

/* What became of a piece that was not done, or that nobody vouches for. */
static int fail_piece(
    struct work *work, const struct piece *piece, struct pg_link *link, enum pg_outcome outcome)
{
	bool happened = outcome != PG_REFUSED || pg_state_meaning(pg_link_state(link)) == PG_MEANS_UNCERTAIN;

	pg_aside_fail(work->fill->aside, piece->group, link, outcome, NULL);
	return happened ? TACT_UNCERTAIN : TACT_UNAVAILABLE;
}

/* False: no more of them. */
static bool do_piece(struct work *work, const struct piece *piece)
{
	struct pg_aside *aside = work->fill->aside;
	enum pg_outcome outcome;
	struct pg_link *link;
	int result;

	if (pg_aside_take(aside, piece->group, &link, NULL) != TACT_OK)
		return false;
	tact_edge("store.before-commit");
	outcome = send_piece(work, link, &piece->ready);
	tact_edge("store.after-commit");
	if (outcome == PG_DONE && !pg_link_noticed(link) && !pg_link_deposed(link)) {
		pg_aside_return(aside, piece->group, link);
		return true;
	}
	result = fail_piece(work, piece, link, outcome);
	for (size_t i = 0; i < piece->ready.count; i++)
		piece->ready.answers[i] = (struct tact_store_answer){.result = result};
	return false;
}

/* ---- a chunk ----------------------------------------------------------------------------------------- */

static int group_of(const struct work *work, size_t i)
{
	return work->groups[work->all.keys[i].id.b[0]];
}

/* Keys stand in order, so those of one group stand together or nearly so. */
static bool take_piece(struct work *work, struct piece *ret)
{
	size_t from, to, most;

	pthread_mutex_lock(&work->fill->lock);
	from = to = work->stopped ? work->all.count : work->at;
	most = from == 0 && work->piece < work->all.count ? work->piece / 2 : work->piece;
	while (to < work->all.count && to - from < most && group_of(work, to) == group_of(work, from))
		to++;
	work->at = to;
	pthread_mutex_unlock(&work->fill->lock);
	if (from == to)
		return false;
	*ret = (struct piece){.group = group_of(work, from),
	    .ready = {.keys = work->all.keys + from,
		.puts = work->all.puts + from,
		.answers = work->all.answers + from,
		.count = to - from,
		.now_us = work->all.now_us}};
	return true;
}

static void *do_pieces(void *context)
{
	struct work *work = context;
	struct piece piece;
	bool done = true;

	while (done && take_piece(work, &piece))
		done = do_piece(work, &piece);
	if (!done) {
		pthread_mutex_lock(&work->fill->lock);
		work->stopped = true;
		pthread_mutex_unlock(&work->fill->lock);
	}
	return NULL;
}

static bool are_others_beside(struct pg_fill *fill)
{
	pthread_mutex_lock(&fill->lock);
	bool beside = fill->beside;
	pthread_mutex_unlock(&fill->lock);
	return beside;
}

/* Signals are for the program's own threads. */
static bool start_second(struct work *work, pthread_t *ret)
{
	sigset_t all, before;
	bool started;

	if (work->all.count < 2 * PIECE_LEAST || are_others_beside(work->fill))
		return false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = pthread_create(ret, NULL, do_pieces, work) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

/* As many for the one as for the other, since the chunk ends with the slower. */
static size_t piece_of(size_t count)
{
	size_t pieces = count < 2 * PIECE_LEAST ? 1 : 2 * ((count + 2 * PIECE_MOST - 1) / (2 * PIECE_MOST));
	return (count + pieces - 1) / pieces;
}

/* Transactions are numbered as they begin to write: what is not ours is another's. */
static void look_for_others(const struct work *work)
{
	struct pg_fill *fill = work->fill;

	pthread_mutex_lock(&fill->lock);
	fill->beside = fill->next != 0 && work->next > fill->next + fill->own + OTHERS_LEAST;
	fill->others += fill->beside;
	fill->next = work->next;
	fill->own = work->own;
	pthread_mutex_unlock(&fill->lock);
}

uint64_t pg_fill_others(struct pg_fill *fill)
{
	pthread_mutex_lock(&fill->lock);
	uint64_t others = fill->others;
	pthread_mutex_unlock(&fill->lock);
	return others;
}

void pg_fill_chunk(struct pg_fill *fill, struct pg_pool *pool, const struct tact_store_key *keys,
    const struct tact_store_put *puts, size_t count, struct tact_store_answer *ret_answers,
    int64_t deadline_ms)
{
	struct work work = {.fill = fill,
	    .all = {.keys = keys,
		.puts = puts,
		.answers = ret_answers,
		.count = count,
		.now_us = pg_clock_now_us(pg_pool_clock(pool))},
	    .piece = piece_of(count),
	    .deadline_ms = deadline_ms};
	pthread_t second;
	bool two;

	pg_pool_groups(pool, work.groups);
	two = start_second(&work, &second);
	do_pieces(&work);
	if (two)
		pthread_join(second, NULL);
	look_for_others(&work);
}

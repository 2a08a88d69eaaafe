/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Calls and their steps as the pool keeps them, and the batch in which steps of many calls are loaded,
 * changed and committed together.
 */
#ifndef TACT_STORE_POSTGRES_BATCH_H
#define TACT_STORE_POSTGRES_BATCH_H

#include "engine.h"
#include "postgres.h"

#include <semaphore.h>
#include <sys/queue.h>

#define PG_BATCH_STEPS 512

enum pg_step_state {
	PG_QUEUED,     /* nobody works on it: it may be taken out */
	PG_LOADING,    /* is being read: the caller may leave */
	PG_RUNNING,    /* the caller's function or memory is in use: it must wait, for µs */
	PG_COMMITTING, /* changed and not yet acknowledged */
	PG_SETTLED,
};

struct pg_request;

struct pg_step {
	TAILQ_ENTRY(pg_step) link; /* in the queue */
	struct pg_request *request;
	struct tact_store_key key;
	enum pg_step_state state; /* under the pool's lock */
	size_t cell;		  /* in its batch */
	struct tact_store_answer answer;
	bool changed;
	struct tact_record record; /* of a read; the bytes are the step's */
};
TAILQ_HEAD(pg_step_list, pg_step);

/* On the heap, because the caller may leave before the database answers. */
struct pg_request {
	struct tact_store_turn turn;
	TAILQ_ENTRY(pg_request) link; /* of those to be woken */
	atomic_uint refs;	      /* the caller's, and one for each step that is not settled */
	size_t count, open;	      /* steps: all, not settled */
	bool abandoned, impatient;
	bool retried; /* a connection was found dead under it, once */
	atomic_bool over;
	sem_t moved;
	pthread_mutex_t fn_lock; /* fn is never called by two threads at once */
	tact_store_change_fn fn; /* NULL: a read */
	tact_store_after_fn after;
	void *context;
	struct tact_store_answer *answers; /* the caller's */
	int64_t began_ms, deadline_ms;
	struct pg_step steps[];
};
TAILQ_HEAD(pg_request_list, pg_request);

/* What stands under one key, however many steps want to change it. */
struct pg_cell {
	struct tact_store_key key;
	struct tact_record now; /* as it was read; then as the last step left it */
	uint64_t read_version;
	bool loaded, corrupt;
	bool ran; /* a step looked at it: it belongs into the commit */
	bool changed;
	bool done, refused; /* the commit's answer; neither: none came */
};

struct pg_batch {
	struct pg_step
	    *steps[PG_BATCH_STEPS]; /* in the order in which they came; NULL: its caller has left */
	size_t count;
	struct pg_cell cells[PG_BATCH_STEPS]; /* in key order */
	size_t cells_count;
	struct tact_arena *arena;
	int64_t store_now_us;
};

/* The cells for the steps. */
void pg_batch_sort(struct pg_batch *batch);
bool pg_batch_holds(const struct pg_batch *batch, const struct tact_store_key *key);
enum pg_outcome pg_batch_load(struct pg_batch *batch, struct pg_link *link, int64_t deadline_ms);
/* Calls the functions of all steps, those of one key each with what the one before left. */
void pg_batch_run(struct pg_batch *batch);
/* Hands each read its record. */
void pg_batch_deliver(struct pg_batch *batch);
enum pg_outcome pg_batch_commit(struct pg_batch *batch, struct pg_link *link, int64_t deadline_ms);
/* A commit that changes nothing and waits like any other, or a read, in the group of FIRST_BYTE. */
enum pg_outcome pg_batch_probe(struct pg_link *link, bool writes, uint8_t first_byte);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Calls and their steps as the pool keeps them. What is called under the lock is called under the pool's.
 */
#ifndef TACT_STORE_POSTGRES_REQUEST_H
#define TACT_STORE_POSTGRES_REQUEST_H

#include "engine.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <sys/queue.h>

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
	int64_t taken_ms;	  /* into a batch */
	size_t cell;		  /* in its batch */
	struct tact_store_answer answer;
	bool changed;
	bool retried;		   /* a connection was found dead under it, once */
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
	atomic_bool over;
	sem_t moved;
	pthread_mutex_t fn_lock; /* fn is never called by two threads at once */
	tact_store_change_fn fn; /* NULL: a read */
	tact_store_after_fn after;
	void *context;
	struct tact_store_answer *answers; /* the caller's */
	int64_t deadline_ms;
	struct pg_step steps[];
};
TAILQ_HEAD(pg_request_list, pg_request);

/* With the caller's reference and one for each of its COUNT steps. Every answer is TACT_UNAVAILABLE until
 * something else is known. */
struct pg_request *pg_request_new(const struct tact_store_key *keys, size_t count);
/* Lets go of that many references; with the last of them the request is freed. */
void pg_request_unref(struct pg_request *r, unsigned refs);
/* From the steps to where the caller wants them. */
void pg_request_copy_answers(struct pg_request *r);
/* Under the lock: does one of its steps use what is the caller's? */
bool pg_request_is_running(const struct pg_request *r);
/* Under the lock. Who could not leave at his deadline may try again. */
void pg_request_nudge(struct pg_request *r);
/* Under the lock: the step's answer stands, and its reference is gone. With the last step the request goes to
 * WOKEN. */
void pg_step_settle(struct pg_step *step, struct pg_request_list *woken);
/* Without the lock: tells the callers, or calls what follows; takes the requests out of the list. */
void pg_request_wake(struct pg_request_list *woken);

#endif

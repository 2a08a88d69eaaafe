/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The pool's own files among themselves: postgres_pool.c the callers, postgres_queue.c what waits,
 * postgres_worker.c the threads and their connections, postgres_fate.c what an outcome means for a batch,
 * postgres_circuit.c when a group is not asked, postgres_probe.c who asks meanwhile.
 *
 * One lock is over all: the queues, the circuits, the state of every step, the cells' keys of every batch and
 * where a worker's link is. "Under the lock" means that the caller holds it; all else takes it itself.
 */
#ifndef TACT_STORE_POSTGRES_POOL_H
#define TACT_STORE_POSTGRES_POOL_H

#include "postgres_batch.h"

#define PG_ASK_OTHERS_MS 5000 /* what is late for so long may wait for standbys that have left */
#define PG_LATE_LEAST_MS 250  /* what had less time tells nothing about the database */

struct pg_circuit {
	bool open, probing;
	int64_t probe_at_ms, back_off_ms; /* while it is open */
	int64_t asked_ms;		  /* the latest probe */
	size_t busy;			  /* threads that work or wait for the group */
};

struct pg_worker;

struct pg_lane {
	struct pg_pool *pool;
	bool writes;
	struct pg_step_list queue;
	size_t queued;
	pthread_cond_t work;
	size_t open_circuits;
	size_t alone; /* keys to be tried each by itself: one of them spoils a commit for the others */
	struct pg_circuit circuits[PG_GROUPS];
	struct pg_worker *workers, *probers;
	size_t workers_made, workers_count; /* those with a thread */
	size_t probers_made, probers_count; /* one for each group */
	size_t share;			    /* workers that one group may have */
	pthread_cond_t trouble;		    /* a circuit was opened */
};

struct pg_worker {
	struct pg_lane *lane;
	pthread_t thread;
	struct pg_link *link; /* changed under the lock */
	int64_t opened_ms, groups_at_ms;
	uint8_t group;
	bool late;	       /* waits on for an answer that its callers did not wait for; under the lock */
	bool renew;	       /* its link is not to be used again; under the lock */
	struct pg_batch batch; /* its cells are looked at by other workers, under the lock */
};

struct pg_pool {
	struct tact_store *store;
	const struct pg_url *url;
	struct pg_origins *origins;
	pthread_mutex_t lock;
	bool stopping;
	uint8_t groups[PG_GROUPS];
	struct pg_lane reads, writes;
	atomic_uint_fast64_t commits;
	struct pg_clock clock;
};

/* ---- queue: all under the lock ---- */

uint8_t pg_group_of(const struct pg_pool *pool, const struct pg_step *step);
void pg_queue_add(struct pg_lane *lane, struct pg_step *step);
/* Before all others: it has waited already. */
void pg_queue_add_again(struct pg_lane *lane, struct pg_step *step);
void pg_queue_take_out(struct pg_lane *lane, struct pg_step *step);
/* What waits for the group is unavailable. */
void pg_queue_fail(struct pg_lane *lane, uint8_t group, struct pg_request_list *woken);
/* The worker's next batch, its steps PG_LOADING, one more thread busy for its group. A key that is in another
 * batch stays. False when there is nothing that may be done now. */
bool pg_queue_take(struct pg_worker *me);

/* ---- circuit ---- */

/* Under the lock. What waits for the group is unavailable; a probe is due soon, unless it was open already.
 */
void pg_circuit_open(struct pg_lane *lane, uint8_t group, struct pg_request_list *woken);
/* Under the lock. */
void pg_circuit_close(struct pg_lane *lane, uint8_t group);
/* Under the lock. True: the prober is to ask for its group. False: *ret_at_ms is when to look again, 0
 * meaning when there is trouble. */
bool pg_circuit_take_probe(struct pg_worker *me, int64_t *ret_at_ms);
/* The prober's group has answered, or is asked again later: after twice as long, up to a most, with jitter.
 */
void pg_circuit_settle_probe(struct pg_worker *me, bool answered);

/* ---- fate ---- */

enum pg_circuit_move { PG_CIRCUIT_STAYS, PG_CIRCUIT_OPENS, PG_CIRCUIT_CLOSES };
/* Of one step: it is answered, or waits again if that makes sense. */
enum pg_fate { PG_FATE_ANSWER, PG_FATE_AGAIN };
enum pg_fate pg_fate_unavailable(struct pg_worker *me, struct pg_step *step);
/* It has its answer already. */
enum pg_fate pg_fate_delivered(struct pg_worker *me, struct pg_step *step);
/* Judges each step of the worker's batch and leaves the batch empty. */
void pg_fate_end_batch(struct pg_worker *me,
    enum pg_fate (*judge)(struct pg_worker *me, struct pg_step *step), enum pg_circuit_move move);
/* Nothing was to be committed yet. True: the batch goes on; else it has ended. */
bool pg_fate_of_load(struct pg_worker *me, enum pg_outcome outcome);
/* The batch has ended. A commit that is late is waited on, as long as it takes. */
void pg_fate_of_commit(struct pg_worker *me, enum pg_outcome outcome);

/* ---- worker ---- */

/* A thread's whole life; CONTEXT is its pg_worker. */
void *pg_worker_main(void *context);
/* False when there is no connection that can be used; why is reported. */
bool pg_worker_ensure_link(struct pg_worker *me);
void pg_worker_drop_link(struct pg_worker *me);
/* Waits for what is late as long as it takes. PG_LATE: the pool ends, a newer connection was
 * answered, or another server was promoted meanwhile, which the other hosts are asked for now and then. */
enum pg_outcome pg_worker_wait(struct pg_worker *me);

/* ---- probe ---- */

/* A prober's whole life; CONTEXT is its pg_worker. */
void *pg_prober_main(void *context);

#endif

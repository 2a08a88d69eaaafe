/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One thread that writes for all others: whatever waits when a transaction begins shares it and its flush
 * (group commit). Knows deadlines and answers, not what a transaction is: the engine says that in five calls.
 */
#ifndef TACT_STORE_WRITER_H
#define TACT_STORE_WRITER_H

#include <tact/store.h>

#include "engine.h"

struct tact_store_step {
	struct tact_store_answer answer;
	bool changed;
	size_t bytes; /* written by this step */
};

/* Work of some steps, one for each key. Belongs to the caller, who may leave at its deadline: it is touched
 * by the writer only inside step, and the caller waits for that. An engine makes it the first member of what
 * its steps need. */
struct tact_store_work {
	/* Does step INDEX in the open transaction. TACT_OK, or anything else when the whole transaction is
	 * lost; ret->answer of the step that lost it is kept when it is TACT_CORRUPT. */
	int (*step)(
	    void *engine, const struct tact_store_work *work, size_t index, struct tact_store_step *ret);
	/* As tact_store_update_then has it, called by the writer with no lock held; may be NULL. */
	tact_store_after_fn after;
	void *after_context;
};

/* All called in the writer's thread, with no lock of the writer held. */
struct tact_store_writer_calls {
	int (*begin)(void *
		engine); /* may block for long; not TACT_OK: everything queued is answered TACT_UNAVAILABLE */
	int (*end)(void *engine, bool wrote); /* TACT_OK, TACT_UNAVAILABLE or TACT_UNCERTAIN; wrote = false:
						 nothing to make durable */
	void (*abort)(void *engine);
	void (*idle)(void *engine); /* each idle_ms */
	void (*orphaned)(
	    void *engine); /* the thread ends after tact_store_writer_stop gave up waiting for it */
};

struct tact_store_writer_limits {
	size_t queue, batch_steps, batch_bytes;
	int64_t batch_ms, idle_ms;
};

struct tact_store_writer;

struct tact_store_writer *tact_store_writer_new(
    const struct tact_store_writer_calls *calls, const struct tact_store_writer_limits *limits, void *engine);

enum tact_store_outcome {
	TACT_STORE_ANSWERED,	/* look at the answers */
	TACT_STORE_QUEUE_FULL,	/* nothing was tried */
	TACT_STORE_LATE,	/* the deadline came before the writer: some steps did not happen */
	TACT_STORE_LATE_COMMIT, /* the deadline came during the commit: some changes are uncertain */
};
/* Queues COUNT steps of work and waits for the answers (one each; all written), at most until the deadline
 * (0: for ever); once there is something after them, for its end. */
enum tact_store_outcome tact_store_writer_do(struct tact_store_writer *writer,
    const struct tact_store_work *work, size_t count, struct tact_store_answer *ret_answers,
    int64_t deadline_ms);

/* It goes ten steps before who made it (setpriority(2)) before its next transaction, where the system allows
 * that. To be asked once. */
void tact_store_writer_go_first(struct tact_store_writer *writer);

/* Calls that wait for a transaction now. */
size_t tact_store_writer_queued(struct tact_store_writer *writer);

/* Lets the thread finish what is queued. True: it has ended and the writer is freed. False: it is stuck
 * (after wait_ms); it will free the writer and call orphaned when it comes back. */
bool tact_store_writer_stop(struct tact_store_writer **writer, int64_t wait_ms);

#endif

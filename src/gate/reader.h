/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the bell reads: each part of the store by itself, so that one that hangs makes nobody late but those
 * whose records stand in it. Finds what is due and tells the plan, puts records right that nobody fetches.
 */
#ifndef TACT_GATE_READER_H
#define TACT_GATE_READER_H

#include <pthread.h>

#include "plan.h"

struct reader_terms {
	struct tact_decider *decider;
	struct plan *plan; /* borrowed, as is the lock over it */
	pthread_mutex_t *lock;
	int64_t store_timeout_s;
};
struct reader;
/* What was made before start_us was seen by whoever rang before. */
struct reader *reader_new(const struct reader_terms *terms, int64_t start_us);
/* Waits for parts that are still on their way: seconds. */
void reader_free(struct reader **reader);
/* Goes through all parts once: to be called every second, by one thread. A part that does not answer is left
 * alone after a second, and while it does not it is not waited for at all. */
void reader_run(struct reader *reader, int64_t now_us);
/* These records are put right when their parts are gone through the next time. Same thread. */
void reader_put_right(struct reader *reader, const struct tact_store_key *keys, size_t count);

#endif

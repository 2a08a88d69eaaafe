/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Ready records on their way into the database.
 */
#ifndef TACT_STORE_POSTGRES_READY_H
#define TACT_STORE_POSTGRES_READY_H

#include "postgres.h"

/* Borrowed. The keys are of one group. */
struct pg_ready {
	const struct tact_store_key *keys;
	const struct tact_store_put *puts;
	struct tact_store_answer *answers; /* written when it is PG_DONE */
	size_t count;
	int64_t now_us; /* becomes their version */
};

/* Makes records where none stand, and answers TACT_REFUSED where one does. */
enum pg_outcome pg_ready_call(struct pg_link *link, const struct pg_ready *ready, int64_t deadline_ms);
/* Makes them all, or none: where something stands under one of the keys it is PG_REFUSED, with the state of a
 * unique violation. */
enum pg_outcome pg_ready_copy(struct pg_link *link, const struct pg_ready *ready, int64_t deadline_ms);

#endif

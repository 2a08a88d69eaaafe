/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The batch in which steps of many calls are loaded, changed and committed together.
 */
#ifndef TACT_STORE_POSTGRES_BATCH_H
#define TACT_STORE_POSTGRES_BATCH_H

#include "postgres.h"
#include "postgres_request.h"

#define PG_BATCH_STEPS 512

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
	int64_t asked_us, store_now_us; /* of the load: ours when it was asked, and what it said */
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
enum pg_outcome pg_batch_probe(struct pg_link *link, bool writes, uint8_t first_byte, int64_t deadline_ms);

#endif

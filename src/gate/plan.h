/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * When which ring is rung: a state machine that is told of due claims, of those fetched, and what time it is.
 * Pure: no clock, no socket, no store, no lock.
 *
 * A ring is rung when its first claim falls due. Claims of the same ring that fall due later wait for the
 * slot's own instant, so that a slot is not rung for each of them: every ring makes Postfix try all that
 * waits there. Then again after 10 s, then each minute, while a due claim is not fetched; and what was not
 * met since is asked for by name. While more than a few hundred rung claims are under way, no other ring is
 * rung.
 */
#ifndef TACT_GATE_PLAN_H
#define TACT_GATE_PLAN_H

#include <tact/decide.h>

#include "kept.h"

struct plan;
/* Claims made before start_us count as seen. */
struct plan *plan_new(int64_t start_us, int64_t steady_us);
void plan_free(struct plan **plan);
void plan_set_slot_length(struct plan *plan, int64_t slot_length_s);

/* ---- what the due index says ---- */

enum plan_answer {
	PLAN_KEPT,   /* rung when its time comes */
	PLAN_REFRESH /* its place is later than its record's wake time: put the record right */
};
enum plan_answer plan_add(
    struct plan *plan, const struct tact_bell_claim *claim, int64_t now_us, int64_t steady_us);
/* Before the index is read; what ends meanwhile is not added again. After a reading of the whole index: what
 * it no longer names is not waited for any more, but for claims that are being taken. */
void plan_begin_reading(struct plan *plan, bool whole);
void plan_end_reading(struct plan *plan);

/* ---- what the gate saw ---- */

/* Postfix asked for this claim, whatever it was told. */
void plan_saw(struct plan *plan, const struct tact_id *claim, int64_t steady_us);
/* It was told to send the body: until plan_ended is heard, it is rung for again. */
void plan_taken(
    struct plan *plan, const struct tact_id *claim, const char *ring, bool review, int64_t steady_us);
/* It was told to wait until then: not rung for before, though the index says it is due (what stands under a
 * person's other keys is known to the gate alone); but asked again after ten minutes. */
void plan_waits(struct plan *plan, const struct tact_id *claim, int64_t until_us, int64_t steady_us);
/* A campaign changed: what was told so may be wrong by now. */
void plan_forget_waits(struct plan *plan);
/* It passed, bounced, or waits for somebody. */
void plan_ended(struct plan *plan, const struct tact_id *claim, int64_t steady_us);
/* Postfix asked about a recipient of this message under this ring, whatever it was told; the message left
 * with all it had under it. */
void plan_met(struct plan *plan, const char *ring, bool review, const char *queue_id, int64_t steady_us);
void plan_left(struct plan *plan, const char *ring, bool review, const char *queue_id);
/* Was this claim made in (from_us, now - an hour] and never asked for? Then nobody queued it. */
bool plan_was_never_queued(
    const struct plan *plan, const struct tact_bell_claim *claim, int64_t from_us, int64_t now_us);
#define PLAN_SHOW_UP_US (3600LL * 1000000)

/* ---- what is to be done ---- */

#define PLAN_LABEL_BYTES 64
struct plan_ring {
	char label[PLAN_LABEL_BYTES]; /* letters, digits and hyphens only */
	bool review;
};
/* Rings to be rung now, most urgent first, at most MAX. Each is told of by plan_rang before the next call. */
size_t plan_rings(struct plan *plan, int64_t steady_us, struct plan_ring *ret, size_t max);
void plan_rang(struct plan *plan, const struct plan_ring *ring, bool heard, int64_t steady_us);
/* Messages of rings that were rung in vain for ten seconds: an ETRN that fell into their delivery attempt was
 * lost. To be asked for by name, at most MAX. */
size_t plan_missing(struct plan *plan, int64_t steady_us, struct kept_id *ret, size_t max);
/* Records whose claims were rung for long enough (lapsed ones, ended reviews): to be refreshed; forgotten
 * here. At most MAX. */
size_t plan_give_up(struct plan *plan, int64_t steady_us, struct tact_store_key *ret, size_t max);
/* The gate answers again after a time when it did not: everything due is rung once more. */
void plan_ring_all(struct plan *plan, int64_t steady_us);

#endif

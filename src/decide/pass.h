/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A delivery attempt at the gate: looked at in look.c, decided again in take.c, over in passed.c.
 */
#ifndef TACT_DECIDE_PASS_H
#define TACT_DECIDE_PASS_H

#include "private.h"

/* One delivery attempt at the gate being decided. */
struct pass {
	struct tact_decider *decider;
	struct tact_arena *arena;
	const struct tact_rule_set *rules;
	struct record_terms terms;
	const struct tact_message *message; /* NULL when only passing is recorded */
	struct content_reading reading;
	const char *excerpt;
	int64_t now_us, deadline_ms;
	struct tact_waiting **waiting; /* those asked about, one per person[] */
	struct whom *people;
	size_t count;
	struct pass_result *results;
	const char *doubt, *doubtful; /* why somebody was left undecided for which campaign; or NULL */
};

struct pass_result {
	int result;
	struct tact_claim claim; /* as found, then as written; strings in the arena */
	struct tact_opinion opinion;
	struct tact_facts facts;
	bool found, released, discarded;
	int64_t cleared_us;	 /* when a reviewer let it go to this person, or 0 */
	const char *reviewed;	 /* who released or discarded it, and why; or NULL */
	struct tact_id moved_to; /* not found: the person became an alias since it was looked up */
	bool sent;		 /* a contact was written that was not there before */
	int waiting_change;	 /* goes to the ledger */
	struct tact_id decision;
	uint8_t person_key[TACT_SEAL_KEY_BYTES];
	bool has_person_key;
	uint64_t version_seen, version_written;
};

/* ---- look.c ---- */

void say_look(struct tact_waiting *waiting, enum tact_look look, const char *code, const char *text);
/* FAIL and UNDECIDED, in the words for that answer of the store. */
void say_failure(struct tact_waiting *waiting, int result);
/* WAIT until the place: the rule's words, and the time in place of the one they were said with. */
void say_place(struct tact_arena *arena, struct tact_waiting *waiting, const char *why, int64_t place_us);
/* TACT_OK, TACT_INVALID: nobody's address, or as the store answered. */
int read_person(struct tact_decider *decider, struct tact_arena *arena, const char *given, struct whom *whom,
    int64_t deadline_ms);

/* ---- pass.c: around the store's update ---- */

struct pass pass_begin(struct tact_decider *decider, struct tact_arena *arena, size_t count, int64_t now_us,
    int64_t deadline_ms);
/* FN over every person's record; whose is not TACT_OK is left undecided. */
void pass_update(struct pass *pass, tact_store_change_fn fn);
/* What every entry about person I has. */
void pass_fill_entry(struct pass *pass, size_t i, enum tact_audit_kind kind, const char *phase,
    struct tact_audit_entry *entry);

#endif

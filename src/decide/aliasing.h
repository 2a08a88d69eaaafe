/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One alias while it is made or ended: alias.c takes the steps in their order, alias_carry.c says what goes
 * over from one record to another, alias_lead.c writes whom an alias leads to.
 */
#ifndef TACT_DECIDE_ALIASING_H
#define TACT_DECIDE_ALIASING_H

#include "private.h"

/* One record whose contents go over. */
struct source {
	struct tact_id key;
	bool stays; /* it is somebody's who goes on: copied, not moved */
	uint64_t version;
	struct tact_dossier dossier, earlier; /* as read last, and the time before */
	bool again;			      /* earlier went over already */
	bool late;			      /* it was written since it was read */
};

struct aliasing {
	struct tact_decider *decider;
	struct tact_arena *arena;
	const struct record_terms *terms;
	const struct tact_change *change;
	const struct tact_recipient *recipient; /* the alias, with its other keys */
	struct tact_id alias, target;		/* target none: there is none yet, or no more */
	struct tact_id into; /* whom it is brought to: the target, or the alias that ends */
	bool ends;
	uint64_t version_seen, version_written;
	struct recovery_wishes wishes; /* of into, as they are now */
	bool has_person_key;	       /* the target's, before anything went over */
	uint8_t person_key[TACT_SEAL_KEY_BYTES];
	int result;		   /* of reading a dossier inside the store's update */
	struct tact_dossier found; /* into, before anything went over */
	bool again;		   /* something did */
	struct source *sources;
	size_t sources_count;
	struct tact_id *led_here; /* other aliases that point to one of those that move */
	size_t led_here_count;
};

/* ---- alias_carry.c ---- */

/* What SOURCE has and DOSSIER lacks, into DOSSIER, which is written under aliasing->into. Pure. Answers
 * whether anything went over; what it points to is the source's or the arena's. */
bool alias_carry(struct aliasing *aliasing, const struct source *source, struct tact_dossier *dossier);
/* Gives what was folded in KEY's record the ids by which it goes over. */
void alias_name_rows(struct tact_arena *arena, const struct tact_id *key, struct tact_dossier *dossier);

/* ---- alias_lead.c: each answers TACT_OK or as the store did ---- */

/* The target of KEY, none when it is no alias; its version. TACT_CORRUPT also. */
int alias_read(
    struct aliasing *aliasing, const struct tact_id *key, struct tact_id *ret, uint64_t *ret_version);
/* To the target, or with none to nobody else. Sets version_written. */
int alias_point(struct aliasing *aliasing, struct tact_id target);
/* All else that moves, to aliasing->into: the other keys. */
int alias_point_others(struct aliasing *aliasing);
/* Other aliases that led to one that moves: to the target. */
int alias_lead_others_on(struct aliasing *aliasing, struct tact_error *err);
/* TACT_UNAVAILABLE when the target became an alias meanwhile: what was led on is taken back then. NOW: whom
 * the alias stood for before. */
int alias_check_target(struct aliasing *aliasing, const struct tact_id *now, struct tact_error *err);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What a relay's process stands on, and all that can go wrong with it: a store whose answers get lost, an
 * evidence log that cannot be written, a death between any two steps, and others who act meanwhile. Also the
 * clock and the chance that tact would take from the system.
 */
#ifndef SIMULATION_MACHINE_H
#define SIMULATION_MACHINE_H

#include <tact/audit.h>
#include <tact/store.h>

#include "chance.h"

/* Shared by all machines of a run. */
struct faults {
	struct chance *chance;
	int store_per_mille, audit_per_mille, again_per_mille, meanwhile_per_mille;
	bool off;   /* nothing goes wrong any more */
	bool alive; /* nobody dies */
	/* another actor does something between two steps */
	void (*meanwhile)(void *context);
	void *context;
	uint64_t sequence;	 /* counts updates, in the order in which they took effect */
	_Atomic int64_t now_us;	 /* everybody's clock */
	bool threads;		 /* several ask at once, and what is kept for seconds is kept for real ones */
	struct chance secrets;	 /* keys and ids that tact draws */
	int64_t wake_us;	 /* the least wake time written since it was last set to 0 */
	bool uncounted;		 /* an answer about campaigns was lost */
	int64_t deaf_us;	 /* a reading of campaigns failed then */
	uint64_t lost, repeated; /* answers that failed; changes tried a second time */
};
extern struct faults *machine_faults; /* of the run at work: what tact asks of the system */

struct machine {
	struct tact_store *store;  /* for a decider */
	struct tact_audit *audit;  /* for a decider: only appending works */
	struct tact_audit *really; /* the log behind it, or NULL: entries are only counted */
	bool dead;		   /* from now on nothing happens */
	int steps;		   /* until it dies; 0: it does not */
	uint64_t *note;		   /* gets the number of the next update */
	_Atomic uint64_t entries;
};
void machine_open(struct machine *machine, struct faults *faults, struct tact_store *shared);
void machine_close(struct machine *machine);

#endif

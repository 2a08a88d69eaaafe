/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Random houses: streams and rules, and the configuration that says them to tact.
 */
#ifndef SIMULATION_RULES_H
#define SIMULATION_RULES_H

#include "chance.h"
#include "spec.h"

/* What tact is told wrongly, so that the oracle can be seen to notice. */
enum breakage {
	BREAK_NOTHING,
	BREAK_MORE,	 /* limits allow one more */
	BREAK_LESS,	 /* limits allow one less */
	BREAK_SHORT,	 /* sliding windows are a second shorter */
	BREAK_LONG,	 /* sliding windows are a second longer */
	BREAK_ZONE,	 /* calendar windows stand in another zone */
	BREAK_WISHES,	 /* suppressions are not asked */
	BREAK_PRIORITY,	 /* who goes first goes last */
	BREAK_LATE,	 /* mail may wait longer */
	BREAK_QUIET,	 /* quiet hours end a minute early */
	BREAK_CONSENT,	 /* permissions last longer */
	BREAK_TERRITORY, /* territories are not asked */
	BREAK_REST,	 /* a rest is half as long */
	BREAK_OCCASION,	 /* days are not asked */
	BREAK_ALIAS,	 /* a second address is another person */
	BREAK_FIRM,	 /* nothing becomes firm */
	BREAK_AHEAD,	 /* nobody looks ahead */
	BREAK_PLAN,	 /* campaigns are not planned */
	BREAK_PAUSE,	 /* campaigns are neither paused nor cancelled */
	BREAK_HOLD,	 /* those that are paused hold their places */
	BREAK_BREAKER,	 /* rates are not asked */
	BREAK_CONTENT,	 /* what must be in a message is not asked for */
	BREAK_NULL,	 /* whatever has no sender says that a machine answers */
	BREAK_RACE,	 /* the store does not keep those apart who ask at once: for threads */
	BREAKAGES
};
const char *rules_breakage_name(enum breakage breakage);

void rules_random_streams(struct chance *chance, struct house_spec *house);
void rules_random_rules(struct chance *chance, struct house_spec *house);
/* The caller frees. */
char *rules_text(const struct house_spec *house, enum breakage breakage);

#endif

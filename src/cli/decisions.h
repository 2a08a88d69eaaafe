/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The decisions of a period as the evidence tells of them, for verbs that sum them up.
 */
#ifndef TACT_CLI_DECISIONS_H
#define TACT_CLI_DECISIONS_H

#include <jansson.h>

#include "private.h"

struct cli_decisions {
	int64_t from_us, to_us; /* half open */
	/* An entry, and when it was made; borrowed for the call. */
	void (*entry)(void *context, json_t *entry, int64_t time_us);
	void *context;
	uint64_t damaged; /* set by the scan: entries that are none */
};
/* Options --from and --to (30 days ago, now). EX_OK or EX_USAGE (told). */
#define CLI_DECISIONS_OPTIONS                                                                                \
	{"from", "TIME", "where the period begins (default: 30 days ago)", false},                           \
	{                                                                                                    \
		"to", "TIME", "where it ends (default: now)", false                                          \
	}
int cli_decisions_period(struct cli *cli, struct cli_decisions *decisions);
/* Each mail the first time it was decided about a person, all logs one after the other: not one whose sender
 * was told to come again for another's sake, since that comes again and is here again. EX_OK, or told: after
 * EX_DATAERR all that could be read was given. */
int cli_decisions_scan(struct cli *cli, struct cli_decisions *decisions);

/* "" where there is no such member. */
const char *cli_decision_text(json_t *object, const char *name);
bool cli_decision_is(json_t *object, const char *name, const char *value);
/* The member "verdict" of an entry or of a rule in it. TACT_OK or TACT_INVALID. */
int cli_decision_verdict(json_t *object, enum tact_verdict *ret);

#endif

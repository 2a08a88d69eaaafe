/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The oracle: what a limit means, counted out the long way. Shares no code with src/policy, and is meant to
 * be read beside DESIGN.md.
 */
#ifndef TESTS_POLICY_ORACLE_H
#define TESTS_POLICY_ORACLE_H

#include <tact/policy.h>

/* One question to one limit: may a mail of these facts stand at a time, beside these contacts and placed
 * claims? */
struct oracle {
	const struct tact_limit *limit;
	const struct tact_facts *facts;
	const struct tact_contact *contacts;
	size_t contacts_count;
	const struct tact_placed *placed;
	size_t placed_count;
	int64_t history_since_us;
};
bool oracle_fits(const struct oracle *oracle, int64_t t_us);
/* What a mail of these facts counts; 0: nothing. */
int64_t oracle_weight(const struct tact_limit *limit, const struct tact_facts *facts);
/* How much the limit counts in its fullest window over these contacts, whoever sent them (by and same left
 * aside). */
int64_t oracle_fullest(
    const struct tact_limit *limit, const struct tact_contact *contacts, size_t contacts_count);

/* A small generator, the same on every machine. */
uint64_t oracle_random(uint64_t *state);
int64_t oracle_below(uint64_t *state, int64_t limit); /* 0 … limit - 1 */
/* TACT_SEED of the environment, or a fixed one; printed, so that a failure can be had again. */
uint64_t oracle_seed(const char *test);

#endif

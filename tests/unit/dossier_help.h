/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * For the dossier's tests: dossiers made at random from a seed, and what two of them differ in.
 */
#ifndef TESTS_DOSSIER_HELP_H
#define TESTS_DOSSIER_HELP_H

#include <tact/dossier.h>

#define NOW_US INT64_C(1795000000123456) /* 2026-11-18T12:26:40.123456Z */
#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)

/* The next number of a sequence that its seed alone decides. */
uint64_t random_next(uint64_t *state);
/* Less than LIMIT. */
uint64_t random_below(uint64_t *state, uint64_t limit);
/* An id that is not none. */
struct tact_id id_of(uint8_t n);

/* With some of everything, each value possible. */
void random_dossier(struct tact_arena *arena, uint64_t seed, struct tact_dossier *ret);
/* Filled, with no name NULL. */
struct tact_contact contact_at(int64_t time_us, uint8_t id);
struct tact_claim claim_of(uint8_t id, enum tact_claim_state state);
struct tact_suppression suppression_of(uint8_t id);

/* NULL, or words for the first thing that is not the same. */
const char *difference(struct tact_arena *arena, const struct tact_dossier *a, const struct tact_dossier *b);

#endif

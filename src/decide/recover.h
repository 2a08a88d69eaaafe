/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Recovering: recover.c gathers and writes, recover_merge.c says what is missing.
 */
#ifndef TACT_DECIDE_RECOVER_H
#define TACT_DECIDE_RECOVER_H

#include "private.h"

struct recover_terms {
	int64_t now_us, history_s;
	bool gathering; /* DOSSIER is what a later entry tells: of that nothing changes */
};
/* Adds what is missing in DOSSIER of what is TOLD, and counts it. Answers whether anything was. */
bool recover_merge(struct tact_arena *arena, const struct recover_terms *terms,
    const struct tact_dossier *told, bool with_profile, struct tact_dossier *dossier,
    struct tact_recovered *sum);

#endif

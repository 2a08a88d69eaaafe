/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One more name for a person.
 */
#ifndef TACT_DECIDE_ALIAS_H
#define TACT_DECIDE_ALIAS_H

#include "private.h"

/* TACT_CHANGE_ALIAS: ALIAS stands for change->alias_of, or with none for itself again. What counts, waits or
 * forbids under any of its keys (and under change->alias_also) is moved to the person; with none it gets a
 * copy of the person's. Made again, it mends what was half made. Durable with an entry. TACT_OK;
 * TACT_INVALID: it would stand for itself; TACT_ABSENT: there is nothing to end; TACT_UNAVAILABLE also when
 * others made aliases of these at the same time (it stands for whom it stood for before, then): ask again; or
 * as store and evidence answered. */
int alias_change(struct tact_decider *decider, struct tact_arena *arena, const struct record_terms *terms,
    const struct tact_recipient *alias, const struct tact_change *change, struct tact_changed *ret,
    struct tact_error *err);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One more name for a person.
 */
#ifndef TACT_DECIDE_ALIAS_H
#define TACT_DECIDE_ALIAS_H

#include "private.h"

/* TACT_CHANGE_ALIAS: ALIAS stands for change->alias_of (and what is known of it is carried over), or with
 * none for itself again. Durable with an entry. TACT_OK; TACT_INVALID: it would stand for itself;
 * TACT_ABSENT: there is nothing to end; or as store and evidence answered. */
int alias_change(struct tact_decider *decider, struct tact_arena *arena, const struct record_terms *terms,
    const struct tact_id *alias, const struct tact_change *change, struct tact_changed *ret,
    struct tact_error *err);

#endif

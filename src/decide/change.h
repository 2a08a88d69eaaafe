/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Changes that people and imports bring, each kind for itself: what it does to a dossier (pure; answers
 * whether anything changed), and how the evidence words it. Around them is change.c.
 */
#ifndef TACT_DECIDE_CHANGE_H
#define TACT_DECIDE_CHANGE_H

#include "private.h"

bool same_scope(const struct tact_scope *a, const struct tact_scope *b);

/* ---- change.c ---- */

/* Any of them but aliases. view: the person as one. */
bool change_apply(struct tact_arena *arena, const struct tact_dossier *view, struct tact_dossier *dossier,
    const struct tact_change *change, int64_t now_us);

/* ---- change_wish.c: suppressions and contacts ---- */

/* view: the person as one, whose permissions may part two wishes that say the same. */
bool change_suppress(struct tact_arena *arena, const struct tact_dossier *view, struct tact_dossier *dossier,
    const struct tact_suppression *wish, int64_t now_us);
bool change_unsuppress(struct tact_dossier *dossier, const struct tact_change *change, int64_t now_us);
/* Has what CHANGE would end been ended already, by the same person for the same reason? */
bool change_was_unsuppressed(const struct tact_dossier *dossier, const struct tact_change *change);
bool change_consent_was_ended(const struct tact_dossier *dossier, const struct tact_change *change);
/* view: as above; what was told of already is known under any of the person's names. */
bool change_contact(struct tact_arena *arena, const struct tact_dossier *view, struct tact_dossier *dossier,
    const struct tact_contact *contact);

/* ---- change_profile.c ---- */

bool change_profile(
    struct tact_arena *arena, struct tact_profile *profile, const struct tact_profile_change *change);
/* What CHANGE clears, and nothing else: for a record that is not written but still read. */
struct tact_profile_change change_profile_clearing(
    struct tact_arena *arena, const struct tact_profile_change *change);
/* "zone=Europe/London birthday=--05-17 language cleared" */
const char *change_profile_words(struct tact_arena *arena, const struct tact_profile_change *change);

/* ---- change_consent.c ---- */

/* view: the person as one, who may have ended it under another name. */
bool change_consent(struct tact_arena *arena, const struct tact_dossier *view, struct tact_dossier *dossier,
    const struct tact_consent *consent);
bool change_end_consent(struct tact_dossier *dossier, const struct tact_change *change, int64_t now_us);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * With XVERP Postfix writes the recipient into the sender; what it writes for a delayed one is the gate's
 * address. Pure.
 */
#ifndef TACT_GATE_VERP_H
#define TACT_GATE_VERP_H

#include <tact/base.h>

/* When SENDER is "owner" ‖ D1 ‖ GATE's local part ‖ D2 ‖ GATE's domain ‖ "@domain", answers true: ret_sender
 * has REAL in GATE's place between the same delimiters, ret_original is "owner@domain". Else false, and
 * nothing is written. */
bool verp_restore(struct tact_arena *arena, const char *sender, const char *gate, const char *real,
    const char **ret_sender, const char **ret_original);

#endif

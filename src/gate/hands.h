/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Which claims are being handed on at this moment, so that none is in two hands: Postfix may have given up
 * one attempt, and begun the next, while the next hop is still at work on the first.
 */
#ifndef TACT_GATE_HANDS_H
#define TACT_GATE_HANDS_H

#include <stdbool.h>

#include <tact/base.h>

/* Any thread may call these. */
struct hands;
struct hands *hands_new(void);
void hands_free(struct hands **hands);

/* False: another has it. */
bool hands_take(struct hands *hands, const struct tact_id *claim);
void hands_put(struct hands *hands, const struct tact_id *claim);

#endif

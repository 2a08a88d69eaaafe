/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Does the store answer? A gate that is slow holds up fresh mail (DESIGN §3 "Never slow"), so somebody else
 * waits for the store.
 */
#ifndef TACT_GATE_HEALTH_H
#define TACT_GATE_HEALTH_H

#include <tact/decide.h>

struct health;
/* back(context) is called, from health's own thread, each time the store answers again after it did not. */
struct health *health_start(
    struct tact_decider *decider, int64_t timeout_s, void (*back)(void *context), void *context);
void health_stop(struct health **health);
/* Somebody was not answered: find out whether it is the store, or only one record. Returns at once. */
void health_suspect(struct health *health);
bool health_is_down(struct health *health);

#endif

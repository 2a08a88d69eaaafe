/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The bell: wakes what is due by saying ETRN to our Postfix. The timetable is plan.h's; here are its thread,
 * its lock and its errands.
 */
#ifndef TACT_GATE_BELL_H
#define TACT_GATE_BELL_H

#include "smtp.h"

#include <tact/decide.h>

struct bell_parts {
	struct tact_decider *decider;
	const char *pass_socket, *gate_domain, *review_domain;
	struct smtp_terms terms;
	int64_t store_timeout_s;
};
struct bell;
struct bell *bell_start(const struct bell_parts *parts);
/* Ends the ringing; the connections may go on telling. Called by the thread that started it. */
void bell_silence(struct bell *bell);
void bell_free(struct bell **bell);

/* Told by the connections; any thread, at once. */
void bell_saw(struct bell *bell, const struct tact_id *claim);
void bell_taken(struct bell *bell, const struct tact_id *claim, const char *ring, bool review);
void bell_waits(struct bell *bell, const struct tact_id *claim, int64_t until_us);
void bell_ended(struct bell *bell, const struct tact_id *claim);
void bell_met(struct bell *bell, const char *ring, bool review, const char *queue_id);
void bell_left(struct bell *bell, const char *ring, bool review, const char *queue_id);
void bell_ring_all(struct bell *bell);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The messages that Postfix keeps under one ring, by queue id, and when each was last met: an ETRN that falls
 * into a delivery attempt is lost, and with it what Postfix knew of the ring; what does not come is then
 * asked for by name. Pure, like plan.h.
 */
#ifndef TACT_GATE_KEPT_H
#define TACT_GATE_KEPT_H

#include <tact/base.h>

#define KEPT_ID_BYTES 32 /* a long queue id has 15 letters */
struct kept_id {
	char text[KEPT_ID_BYTES]; /* letters and digits only */
};

struct kept_message;
struct kept { /* all zero: nothing */
	void *tree;
	struct kept_message *first;
};
void kept_clear(struct kept *kept);

/* Postfix asked about a recipient of this message. What is no queue id is passed over. */
void kept_met(struct kept *kept, const char *queue_id, int64_t steady_us);
/* It is there, says the store: added as met now unless it is known. */
void kept_expect(struct kept *kept, const char *queue_id, int64_t steady_us);
void kept_left(struct kept *kept, const char *queue_id);
/* What was not met for so long that it will have left. */
void kept_forget(struct kept *kept, int64_t steady_us);

/* Messages not met since the ring was rung at rung_us, at most MAX: to be asked for now. Each is named again
 * after ten seconds, later after a minute. */
size_t kept_missing(struct kept *kept, int64_t rung_us, int64_t steady_us, struct kept_id *ret, size_t max);

#endif

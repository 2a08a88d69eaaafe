/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Asks Postfix for single messages by queue id, as "postqueue -i" does.
 */
#ifndef TACT_GATE_BYID_H
#define TACT_GATE_BYID_H

#include "kept.h"
#include "wire.h"

#define BYID_MAX 50 /* a second */

/* Postfix's flush service beside PASS_SOCKET, which stands in the same folder. */
char *byid_socket(struct tact_arena *arena, const char *pass_socket);
/* Tells the flush service at SOCKET to try each message again now; one that is being delivered, or has left,
 * is no failure. TACT_OK, or TACT_UNAVAILABLE with the first trouble in err; the rest is not asked then. */
int byid_ring(const char *socket, const atomic_llong *end_ms, int64_t timeout_ms, const struct kept_id *ids,
    size_t count, struct tact_error *err);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * gate: the LMTP listener Postfix offers delayed mail to, the SMTP client that passes it on, and the bell
 * that wakes it (DESIGN §3).
 *
 * Thread rule: a thread per connection and one for the bell; run blocks until stop.
 */
#ifndef TACT_GATE_H
#define TACT_GATE_H

#include <tact/decide.h>

struct tact_gate_parts {
	struct tact_decider *decider; /* borrowed */
	const char *host;	      /* in greetings */
	const char *gate_socket, *pass_socket, *refuse_socket, *socket_group;
	const char *gate_domain, *review_domain;
	int64_t gate_timeout_s;	   /* answers at RCPT come within this */
	int64_t message_timeout_s; /* decisions after the body */
	const struct tact_canonical_profile *profile;
	void (*ready)(void *context);
	void *context;
};
struct tact_gate;
/* Listens (socket 0660, group socket_group; a stale socket file is replaced, a live one is an error). */
int tact_gate_open(const struct tact_gate_parts *parts, struct tact_gate **ret, struct tact_error *err);
/* Serves and rings until tact_gate_stop (from any thread or a signal handler); connections under way are
 * finished first (30 s at most). */
int tact_gate_run(struct tact_gate *gate, struct tact_error *err);
void tact_gate_stop(struct tact_gate *gate);
void tact_gate_close(struct tact_gate **gate);

#endif

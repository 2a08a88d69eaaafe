/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * milter: the end Postfix talks to. libmilter's callbacks collect, ask decide, and turn rulings into edits
 * and replies (DESIGN §3).
 *
 * Thread rule: one milter a process (libmilter has one listening socket a process); run blocks until SIGTERM
 * or SIGINT.
 */
#ifndef TACT_MILTER_H
#define TACT_MILTER_H

#include <tact/decide.h>

struct tact_milter_parts {
	struct tact_decider *decider; /* borrowed */
	const char *listener;	      /* section name */
	const char *socket;	      /* libmilter's form */
	bool smtp;		      /* false: nothing is refused at RCPT */
	const char *socket_group;     /* "" leaves it */
	const char *gate_domain, *review_domain;
	int64_t rcpt_timeout_s, message_timeout_s;
	const struct tact_canonical_profile *profile;
	void (*ready)(void *context); /* called once the socket listens */
	void *context;
};
/* TACT_OK after an orderly end; TACT_SYSTEM with a text when the socket cannot be had. */
int tact_milter_run(const struct tact_milter_parts *parts, struct tact_error *err);

#endif

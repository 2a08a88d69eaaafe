/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The SMTP client: hands a message to one of our Postfix's own listeners over a unix socket, or says ETRN
 * there. Knows no claim.
 */
#ifndef TACT_GATE_SMTP_H
#define TACT_GATE_SMTP_H

#include "body.h"
#include "wire.h"
#include "xforward.h"

struct smtp_reply {
	int code;	  /* 0: no answer (no connection, broken off, timed out, not SMTP); text says which */
	const char *text; /* of the last line, without the code; printable */
};
bool smtp_is_good(const struct smtp_reply *reply); /* 2xx */

/* What every connection of this daemon has in common. */
struct smtp_terms {
	const char *host; /* for EHLO */
	const atomic_llong *end_ms;
	int64_t step_ms;  /* longest wait for the answer to one command */
	int64_t final_ms; /* … to the final dot */
};

struct smtp;
/* Connects, reads the greeting, says EHLO. NULL with *ret filled when any of that failed. */
struct smtp *smtp_open(
    struct tact_arena *arena, const struct smtp_terms *terms, const char *path, struct smtp_reply *ret);
/* Says QUIT when the dialog still stands. */
void smtp_close(struct smtp **smtp);
/* One command, one answer. LINE has no line end; one with a line break inside is not sent. */
struct smtp_reply smtp_say(struct smtp *smtp, struct tact_arena *arena, const char *line);

struct smtp_recipient {
	const char *address, *args;
	struct smtp_reply reply; /* to RCPT; code 0 when it was not asked */
};
struct smtp_job {
	const struct xforward *xforward;
	const char *sender, *mail_args;
	struct smtp_recipient *recipients;
	size_t count;
	const struct body *body;
};
struct smtp_outcome {
	struct smtp_reply reply; /* of the step that decided for all: MAIL, DATA or the final dot; 250 counts
				    for those whose RCPT got 2xx */
	const char *queue_id;	 /* from "queued as …", or NULL */
};
void smtp_deliver(
    struct smtp *smtp, struct tact_arena *arena, const struct smtp_job *job, struct smtp_outcome *ret);

#endif

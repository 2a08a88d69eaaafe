/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the files of the gate room share with each other and with nobody else.
 */
#ifndef TACT_GATE_PRIVATE_H
#define TACT_GATE_PRIVATE_H

#include <tact/gate.h>

#include "bell.h"
#include "body.h"
#include "hands.h"
#include "health.h"
#include "smtp.h"
#include "wire.h"
#include "xforward.h"

/* What every connection sees of the gate. Unchanging while connections live, but for end_ms. */
struct gate {
	struct tact_gate_parts parts; /* strings are our own */
	struct tact_canonical_profile profile;
	struct smtp_terms terms;
	int stop_fd;	     /* readable from tact_gate_stop on */
	atomic_llong end_ms; /* 0, or when the time of grace ends */
	struct bell *bell;
	struct hands *hands;
	struct health *health;
};

/* ---- lmtp.c ---- */

/* One connection from its greeting to its end; closes FD. */
void lmtp_serve(struct gate *gate, int fd);
/* A short no, for one connection too many; closes FD. */
void lmtp_turn_away(struct gate *gate, int fd);

/* ---- session.c: one delivery ---- */

struct delivery_recipient {
	const char *gate_address; /* as Postfix gave it, without <> */
	const char *args;	  /* of RCPT, verbatim */
	bool review;
	bool in_hand;	  /* nobody else hands it on meanwhile */
	int code;	  /* answer to Postfix: 250, 451, 452 */
	const char *text; /* with its enhanced code */
};
struct delivery {
	struct gate *gate;
	struct tact_arena *arena;
	struct xforward xforward;
	const char *sender, *mail_args; /* of MAIL, verbatim; sender without <> */
	struct tact_waiting *waiting;	/* those whose look was TAKE or DROP */
	struct delivery_recipient *recipients;
	size_t count;
	struct body body;
};
/* Decides, hands on, records; leaves code and text for each recipient. */
void delivery_run(struct delivery *delivery);

const char *delivery_queue_id(struct delivery *delivery); /* of the first pass, or "NOQUEUE" */
/* The one line about one recipient's outcome. next: queue id after the gate, or NULL. */
void delivery_log(struct delivery *delivery, const struct tact_waiting *waiting, const char *action,
    const char *reason, const char *next);

#endif

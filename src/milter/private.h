/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the files of the milter room share: one SMTP connection of a client, and the message under way on it.
 */
#ifndef TACT_MILTER_PRIVATE_H
#define TACT_MILTER_PRIVATE_H

#include <libmilter/mfapi.h>

#include <tact/milter.h>

struct recipient {
	const char *given;		    /* without <> */
	const char *meant;		    /* where Postfix takes it: that or another address */
	const char *args;		    /* ESMTP arguments as they came, joined by blanks */
	const char *notify, *orcpt;	    /* values, or NULL */
	const struct tact_recipient *known; /* as found out at RCPT, or NULL */
};

/* Lives from negotiation to close; what belongs to one message lives in arena and is forgotten at MAIL, end
 * of message and abort. */
struct connection {
	const struct tact_milter_parts *parts;
	unsigned long protocol;
	struct tact_arena *lasting;
	struct tact_envelope envelope;
	struct tact_arena *arena;
	struct tact_message *message; /* NULL between messages */
	struct recipient *recipients;
	size_t recipients_count;
	bool names_gate;
	int64_t now_us;	 /* when the message was decided */
	size_t body_max; /* how much of a body is kept; 0: it is not asked for */
	char *body;	 /* not in the arena: bodies of many messages share it */
	size_t body_bytes, body_room;
	bool body_cut; /* there was more */
};

/* libmilter takes char * where it changes nothing. */
static inline char *unchanged(const char *text)
{
	return (char *)(uintptr_t)text;
}

/* ---- session.c ---- */

/* Before libmilter runs. */
void sessions_begin(void);
/* In the thread of a connection, each time before it is read from: whether it may still be. */
bool sessions_may_read(int fd);
/* After libmilter has ended, and decisions have: nothing more is read from any connection, what came is
 * answered, and all threads of connections let go of what they have. Waits for that, but for a client that
 * does not take its answers only a few seconds. */
void sessions_end(void);

/* ---- packets.c ---- */

/* In the thread of a connection, before it is read from. */
void packets_begin(void);

/* ---- sender.c ---- */

/* SENDER: as Postfix tells it, without <>; "" is taken. Where it is not certain: false. */
bool sender_is_taken(struct tact_arena *arena, const char *sender);

/* ---- actions.c ---- */

/* Sets the reply and answers what libmilter is to be told ("4xx" tempfail, "5xx" reject). */
sfsistat answer(
    SMFICTX *ctx, struct connection *connection, const char *reply, const char *code, const char *text);
/* CONTINUE, or the refusal already set. Fills recipient->known when it came to know. */
sfsistat ask_at_rcpt(SMFICTX *ctx, struct connection *connection, struct recipient *recipient);
sfsistat decide_and_act(SMFICTX *ctx, struct connection *connection);
/* Marks the message as undecided, which Postfix's settings send on to where it will be; 451 where it would
 * not be taken there. */
sfsistat mark(SMFICTX *ctx, struct connection *connection);

#endif

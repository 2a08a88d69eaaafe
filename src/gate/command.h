/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One command line of the gate's LMTP, taken apart. Pure; the fuzzer stands on this alone.
 */
#ifndef TACT_GATE_COMMAND_H
#define TACT_GATE_COMMAND_H

#include <tact/base.h>

enum verb {
	VERB_LHLO,
	VERB_HELO, /* HELO and EHLO: LMTP has neither */
	VERB_XFORWARD,
	VERB_MAIL,
	VERB_RCPT,
	VERB_DATA,
	VERB_RSET,
	VERB_NOOP,
	VERB_QUIT,
	VERB_REFUSED, /* known and not done here: VRFY, EXPN, HELP, STARTTLS, BDAT … */
	VERB_UNKNOWN,
	VERB_BROKEN /* no command line at all, or its arguments do not fit the verb */
};

struct command {
	enum verb verb;
	const char *address; /* MAIL, RCPT: what stands between < and >, byte for byte */
	const char *args;    /* MAIL, RCPT: what follows, without leading space; others: the argument */
};
/* LINE has no line end; LENGTH counts its bytes, so that a NUL inside is seen. Strings live in the arena.
 * Never fails: what cannot be read is VERB_BROKEN or VERB_UNKNOWN. */
void command_parse(struct tact_arena *arena, const char *line, size_t length, struct command *ret);

/* RFC 3461 xtext ("+3D" for "="). NULL when it is not. */
char *xtext_decode(struct tact_arena *arena, const char *text);

#endif

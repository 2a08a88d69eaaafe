/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The two ends of a message on the wire: dots taken off on the way in, put on on the way out. Pure.
 */
#ifndef TACT_GATE_DOTS_H
#define TACT_GATE_DOTS_H

#include <stdbool.h>
#include <stddef.h>

typedef void (*dots_fn)(void *context, const char *data, size_t size);

/* Only CR LF ends a line here, and only CR LF "." CR LF the message: nothing else can be smuggled as an end.
 */
struct dots_in {
	enum { DOTS_LINE_START, DOTS_DOT, DOTS_DOT_CR, DOTS_INSIDE, DOTS_CR, DOTS_DONE } state;
};
/* Hands the message's bytes to FN; answers how many of SIZE were used: all, unless the end came (state
 * DOTS_DONE). */
size_t dots_feed(struct dots_in *dots, const char *data, size_t size, dots_fn fn, void *context);

/* On the way out a bare LF starts a line too: the next hop may take it for one, and then a dot after it would
 * end the message. */
struct dots_out {
	char last[2]; /* the two bytes before */
	bool inside;  /* not at the start of a line */
};
void dots_write(struct dots_out *dots, const char *data, size_t size, dots_fn fn, void *context);
void dots_end(struct dots_out *dots, dots_fn fn, void *context);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Dot stuffing (RFC 5321 §4.5.2), both ways.
 */
#include <config.h>

#include <string.h>

#include "dots.h"

/* One byte that is not simply inside a line. */
static void step(struct dots_in *dots, char c, dots_fn fn, void *context)
{
	switch (dots->state) {
	case DOTS_LINE_START:
		if (c == '.') {
			dots->state = DOTS_DOT;
			return;
		}
		break;
	case DOTS_DOT:
		if (c == '\r') {
			dots->state = DOTS_DOT_CR;
			return;
		}
		break;
	case DOTS_DOT_CR:
		if (c == '\n') {
			dots->state = DOTS_DONE;
			return;
		}
		fn(context, "\r", 1);
		break;
	case DOTS_CR:
		if (c == '\n') {
			fn(context, "\n", 1);
			dots->state = DOTS_LINE_START;
			return;
		}
		break;
	case DOTS_INSIDE:
	case DOTS_DONE:
		break;
	}
	fn(context, &c, 1);
	dots->state = c == '\r' ? DOTS_CR : DOTS_INSIDE;
}

size_t dots_feed(struct dots_in *dots, const char *data, size_t size, dots_fn fn, void *context)
{
	size_t at = 0;

	while (at < size && dots->state != DOTS_DONE) {
		const char *cr;
		size_t run;

		if (dots->state != DOTS_INSIDE) {
			step(dots, data[at++], fn, context);
			continue;
		}
		cr = memchr(data + at, '\r', size - at);
		run = (cr == NULL ? size : (size_t)(cr - data)) - at;
		if (run > 0)
			fn(context, data + at, run);
		at += run;
		if (cr != NULL)
			step(dots, data[at++], fn, context);
	}
	return at;
}

void dots_write(struct dots_out *dots, const char *data, size_t size, dots_fn fn, void *context)
{
	while (size > 0) {
		const char *lf = memchr(data, '\n', size);
		size_t run = lf == NULL ? size : (size_t)(lf - data) + 1;

		if (!dots->inside && data[0] == '.')
			fn(context, ".", 1);
		fn(context, data, run);
		dots->inside = lf == NULL;
		dots->last[0] = run > 1 ? data[run - 2] : dots->last[1];
		dots->last[1] = data[run - 1];
		data += run;
		size -= run;
	}
}

void dots_end(struct dots_out *dots, dots_fn fn, void *context)
{
	bool empty = dots->last[1] == '\0' && !dots->inside;

	if (!empty && (dots->last[0] != '\r' || dots->last[1] != '\n'))
		fn(context, "\r\n", 2);
	fn(context, ".\r\n", 3);
}

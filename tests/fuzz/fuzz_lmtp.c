/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Fuzz target: any bytes as lines of LMTP, and as a message. What is parsed holds no line break and lies
 * inside its line; what is received and sent again ends where it should, and only there.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/gate/body.h"
#include "../../src/gate/command.h"
#include "../../src/gate/dots.h"
#include "../../src/gate/verp.h"
#include "../../src/gate/xforward.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void want(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void try_line(struct tact_arena *arena, const char *line, size_t size)
{
	struct command command;
	struct xforward xforward = {0};
	const char *sender = "", *original = "";

	command_parse(arena, line, size, &command);
	want(command.address != NULL && command.args != NULL, "a part is missing");
	if (command.verb == VERB_BROKEN)
		return;
	want(strpbrk(command.address, "\r\n") == NULL && strpbrk(command.args, "\r\n") == NULL,
	    "a line break came through");
	want(strlen(command.address) + strlen(command.args) <= size, "more than was there");
	if (command.verb == VERB_XFORWARD && xforward_read(arena, command.args, &xforward))
		for (size_t i = 0; i < XF_COUNT; i++)
			(void)xforward_value(arena, &xforward, i);
	if (verp_restore(arena, command.address, "c.d@s1.gate.invalid", command.args, &sender, &original))
		want(strchr(sender, '@') != NULL && strchr(original, '@') != NULL, "VERP lost its domain");
}

static void collect(void *context, const char *data, size_t size)
{
	body_append(context, data, size);
}

static void try_message(const char *data, size_t size)
{
	struct dots_in in = {.state = DOTS_LINE_START};
	struct dots_out out = {0};
	struct body body, wire, back;
	size_t used;

	body_init(&body);
	body_init(&wire);
	body_init(&back);
	used = dots_feed(&in, data, size, collect, &body);
	want(used == size || in.state == DOTS_DONE, "bytes were left before the end");
	want(body.size <= used, "more than was there");
	if (body.size > 0)
		dots_write(&out, body.memory, body.memory_size, collect, &wire);
	dots_end(&out, collect, &wire);
	in = (struct dots_in){.state = DOTS_LINE_START};
	used = dots_feed(&in, wire.memory, wire.memory_size, collect, &back);
	want(in.state == DOTS_DONE && used == wire.memory_size, "the end is not where it should be");
	want(memmem(wire.memory, wire.memory_size - 3, "\n.\r\n", 4) == NULL &&
		 memmem(wire.memory, wire.memory_size - 3, "\n.\n", 3) == NULL,
	    "an end inside");
	body_clear(&body);
	body_clear(&wire);
	body_clear(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tact_arena *arena = tact_arena_new();
	const char *text = (const char *)data, *end = text + size;

	if (size > 65536)
		size = 65536;
	try_message(text, size);
	while (text < end) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((lf == NULL ? end : lf) - text);

		try_line(arena, text, length > 0 && text[length - 1] == '\r' ? length - 1 : length);
		text += length + 1;
		if (lf == NULL)
			break;
	}
	tact_arena_free(&arena);
	return 0;
}

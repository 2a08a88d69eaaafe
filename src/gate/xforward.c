/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Reads XFORWARD's attributes.
 */
#include <config.h>

#include <string.h>

#include "command.h"
#include "xforward.h"

const char *const xforward_names[XF_COUNT] = {"NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE"};

static bool read_one(struct tact_arena *arena, const char *word, size_t length, struct xforward *xforward)
{
	const char *equals = memchr(word, '=', length);

	if (equals == NULL)
		return false;
	for (size_t i = 0; i < XF_COUNT; i++) {
		if ((size_t)(equals - word) != strlen(xforward_names[i]) ||
		    !tact_text_starts_nocase(word, xforward_names[i]))
			continue;
		xforward->raw[i] =
		    tact_arena_strndup(arena, equals + 1, length - (size_t)(equals + 1 - word));
		return xtext_decode(arena, xforward->raw[i]) != NULL;
	}
	return false;
}

bool xforward_read(struct tact_arena *arena, const char *args, struct xforward *xforward)
{
	bool good = true;

	while (*args != '\0') {
		size_t length = strcspn(args, " \t");

		if (length > 0)
			good = read_one(arena, args, length, xforward) && good;
		args += length;
		args += strspn(args, " \t");
	}
	return good;
}

const char *xforward_value(struct tact_arena *arena, const struct xforward *xforward, size_t which)
{
	const char *value = xforward->raw[which] == NULL ? NULL : xtext_decode(arena, xforward->raw[which]);

	if (value == NULL || *value == '\0' || tact_text_equal_nocase(value, "[UNAVAILABLE]") ||
	    tact_text_equal_nocase(value, "[TEMPUNAVAIL]"))
		return NULL;
	if (which == XF_ADDR && tact_text_starts_nocase(value, "IPV6:"))
		value += strlen("IPV6:");
	return value;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Puts the real recipient back into a VERP sender.
 */
#include <config.h>

#include <string.h>
#include <strings.h>

#include "verp.h"

struct parts {
	char *local; /* without its quotes */
	const char *domain;
};

static void unquote(char *local)
{
	size_t length = strlen(local);
	char *to = local;

	if (length < 2 || local[0] != '"' || local[length - 1] != '"')
		return;
	local[length - 1] = '\0';
	for (const char *from = local + 1; *from != '\0'; from++) {
		if (*from == '\\' && from[1] != '\0')
			from++;
		*to++ = *from;
	}
	*to = '\0';
}

static bool split(struct tact_arena *arena, const char *address, struct parts *ret)
{
	const char *at = strrchr(address, '@');

	if (at == NULL)
		return false;
	ret->local = tact_arena_strndup(arena, address, (size_t)(at - address));
	ret->domain = at + 1;
	unquote(ret->local);
	return true;
}

/* RFC 5321 §4.1.2: does the local part stand without quotes? */
static bool is_dot_string(const char *local)
{
	char before = '.';

	for (; *local != '\0'; before = *local++) {
		unsigned char c = (unsigned char)*local;

		if (c <= ' ' || c == 0x7f || strchr("()<>[]:;@\\,\"", c) != NULL ||
		    (c == '.' && before == '.'))
			return false;
	}
	return before != '.';
}

static const char *quoted(struct tact_arena *arena, const char *local)
{
	char *ret, *to;

	if (is_dot_string(local))
		return local;
	ret = to = tact_arena_alloc(arena, 2 * strlen(local) + 3);
	*to++ = '"';
	for (; *local != '\0'; local++) {
		if (*local == '"' || *local == '\\')
			*to++ = '\\';
		*to++ = *local;
	}
	*to++ = '"';
	*to = '\0';
	return ret;
}

static bool ends_with(const char *text, size_t length, const char *tail)
{
	size_t size = strlen(tail);

	return length >= size && strncasecmp(text + length - size, tail, size) == 0;
}

bool verp_restore(struct tact_arena *arena, const char *sender, const char *gate, const char *real,
    const char **ret_sender, const char **ret_original)
{
	struct parts owner, wrong, right;
	size_t length, owner_length;

	if (!split(arena, sender, &owner) || !split(arena, gate, &wrong) || !split(arena, real, &right))
		return false;
	length = strlen(owner.local);
	if (!ends_with(owner.local, length, wrong.domain))
		return false;
	length -= strlen(wrong.domain);
	if (length == 0 || !ends_with(owner.local, length - 1, wrong.local))
		return false;
	char second = owner.local[length - 1];
	length -= 1 + strlen(wrong.local);
	if (length < 2)
		return false;
	owner_length = length - 1;
	char first = owner.local[owner_length];
	const char *name = tact_arena_strndup(arena, owner.local, owner_length);
	*ret_original = tact_arena_printf(arena, "%s@%s", quoted(arena, name), owner.domain);
	*ret_sender = tact_arena_printf(arena, "%s@%s",
	    quoted(arena,
		tact_arena_printf(arena, "%s%c%s%c%s", name, first, right.local, second, right.domain)),
	    owner.domain);
	return true;
}

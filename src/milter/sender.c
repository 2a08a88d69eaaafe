/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Whether Postfix's smtpd takes a sender that its cleanup took: of mail of sendmail(1) anything is taken, and
 * what smtpd then refuses is bounced to a sender whom no bounce reaches.
 *
 * smtpd (3.7) refuses what is no UTF-8, and whose domain is no name: a dot or hyphen too many, a label over
 * 63 octets, nothing but digits, a literal of no IP address. And a local part that begins with '-', which
 * would be an option to some program. In a domain of its own it looks on behind '%', '!' and a quoted '@'.
 * What our own parser refuses beyond that is waited with as well.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "private.h"

#define OPERATORS "%!@"

/* Beyond what our parser finds: IPv6 with a '::' for no field at all, and IPv4 that begins with 0. */
static bool is_postfix_literal(const char *literal)
{
	const char *four = literal + 1, *at = literal;
	size_t colons = 0;

	for (; *at != '\0'; at++)
		if (*at == ':') {
			four = at + 1;
			colons++;
		}
	if (colons > 1 + 7) /* one is of "IPv6:" */
		return false;
	return strchr(four, '.') == NULL || strtol(four, NULL, 10) != 0 ||
	       strspn(four, "0.") + 1 == strlen(four);
}

static bool is_postfix_name(const char *name)
{
	return name[strspn(name, "0123456789.")] != '\0';
}

/* A part of a local part, where one that Postfix sends on elsewhere may have a domain. */
static bool may_be_domain(struct tact_arena *arena, const char *part)
{
	char *name;
	struct tact_error err;

	return tact_facts_parse_domain(arena, part, &name, &err) == TACT_OK && is_postfix_name(name);
}

/* All that stands behind '%' or '@', or before '!', and where nothing begins with '-'. Of both kinds at once
 * nobody knows which comes first, and what needs quotes besides is read anew without them. */
static bool is_postfix_local(struct tact_arena *arena, const char *local)
{
	char before = '\0';

	if ((strchr(local, '!') != NULL && strpbrk(local, "%@") != NULL) ||
	    (strpbrk(local, OPERATORS) != NULL && strpbrk(local, "\"\\()<>[]:;, ") != NULL))
		return false;
	for (;;) {
		size_t length = strcspn(local, OPERATORS);
		bool names = before == '%' || before == '@' || local[length] == '!';

		if (*local == '-')
			return false;
		if (names && !may_be_domain(arena, tact_arena_strndup(arena, local, length)))
			return false;
		if (local[length] == '\0')
			return true;
		before = local[length];
		local += length + 1;
	}
}

/* Of the canonical form: without its quotes; what was escaped stays so. */
static const char *unquoted(struct tact_arena *arena, const char *local)
{
	size_t length = strlen(local);

	return *local == '"' && length >= 2 ? tact_arena_strndup(arena, local + 1, length - 2) : local;
}

bool sender_is_taken(struct tact_arena *arena, const char *sender)
{
	static const struct tact_canonical_profile as_it_is;
	struct tact_address address;
	struct tact_error err;

	if (*sender == '\0')
		return true;
	if (tact_facts_parse_address(arena, sender, &as_it_is, &address, &err) != TACT_OK)
		return false;
	if (address.domain[0] == '[' ? !is_postfix_literal(strrchr(sender, '@') + 1)
				     : !is_postfix_name(address.domain))
		return false;
	return is_postfix_local(arena, unquoted(arena, address.local));
}

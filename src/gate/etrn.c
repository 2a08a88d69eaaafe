/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Asks our Postfix, over its re-injection listener, to try again what waits in some slots.
 */
#include <config.h>

#include "etrn.h"

static int first_trouble(int result, struct tact_error *err, const char *what, const struct smtp_reply *reply)
{
	if (result != TACT_OK)
		return result;
	return tact_error_set(err, TACT_UNAVAILABLE, "%s: %d %s", what, reply->code, reply->text);
}

int etrn_ring(const struct smtp_terms *terms, const char *socket, const char *gate_domain,
    const char *review_domain, const struct plan_ring *rings, size_t count, bool *heard,
    struct tact_error *err)
{
	struct tact_arena *arena = tact_arena_new();
	struct smtp_reply reply;
	struct smtp *smtp = smtp_open(arena, terms, socket, &reply);
	int result = smtp == NULL ? first_trouble(TACT_OK, err, "no connection", &reply) : TACT_OK;

	for (size_t i = 0; i < count; i++) {
		const char *line = tact_arena_printf(
		    arena, "ETRN %s.%s", rings[i].label, rings[i].review ? review_domain : gate_domain);

		heard[i] = false;
		if (smtp == NULL)
			continue;
		reply = smtp_say(smtp, arena, line);
		heard[i] = smtp_is_good(&reply);
		if (!heard[i])
			result = first_trouble(result, err, line, &reply);
	}
	smtp_close(&smtp);
	tact_arena_free(&arena);
	return result;
}

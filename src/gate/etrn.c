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

/* A ring under one domain. */
static bool say(struct smtp *smtp, struct tact_arena *arena, const struct plan_ring *ring, const char *domain,
    int *result, struct tact_error *err)
{
	const char *line = tact_arena_printf(arena, "ETRN %s.%s", ring->label, domain);
	struct smtp_reply reply = smtp_say(smtp, arena, line);

	if (smtp_is_good(&reply))
		return true;
	*result = first_trouble(*result, err, line, &reply);
	return false;
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
		heard[i] = smtp != NULL && say(smtp, arena, &rings[i], gate_domain, &result, err);
		/* What was held at the gate waits under the address of its slot still. */
		if (heard[i] && rings[i].review)
			heard[i] = say(smtp, arena, &rings[i], review_domain, &result, err);
	}
	smtp_close(&smtp);
	tact_arena_free(&arena);
	return result;
}

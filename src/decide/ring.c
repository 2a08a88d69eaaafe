/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The slot whose bell wakes a delayed mail, and the address under which Postfix keeps it (DESIGN §3).
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "private.h"

#define SLOTS_TRIED_MAX 10000 /* full slots passed over before one is overfilled */

static const char *label_of(struct tact_arena *arena, int64_t slot)
{
	return tact_arena_printf(arena, "s%lld", (long long)slot);
}

/* The least of the message's slots that is not before SLOT, else its latest: a ring is a name, and a claim is
 * rung when its place comes. */
static int64_t nearest(const struct rings *rings, int64_t slot)
{
	int64_t best = -1, latest = rings->slots[0];

	for (size_t i = 0; i < rings->count; i++) {
		int64_t one = rings->slots[i];

		if (one >= slot && (best < 0 || one < best))
			best = one;
		if (one > latest)
			latest = one;
	}
	return best >= 0 ? best : latest;
}

const char *ring_choose(struct tact_arena *arena, const struct tact_rule_set *rules,
    const struct tact_ledger *ledger, struct rings *rings, int64_t place_us)
{
	int64_t length_us = rules->slot_length_s * 1000000;
	int64_t slot = (place_us + length_us - 1) / length_us;

	for (int tried = 0; tried < SLOTS_TRIED_MAX && tact_ledger_slot(ledger, slot) >= rules->slot_size;
	     tried++)
		slot++;
	for (size_t i = 0; i < rings->count; i++)
		if (rings->slots[i] == slot)
			return label_of(arena, slot);
	if (rings->count == RINGS_MAX)
		return label_of(arena, nearest(rings, slot));
	rings->slots[rings->count++] = slot;
	return label_of(arena, slot);
}

int64_t ring_slot(const char *label)
{
	int64_t slot;

	if (label[0] != 's' || tact_text_parse_int(label + 1, 0, INT64_MAX, &slot, NULL) != TACT_OK)
		return -1;
	return slot;
}

char *tact_decide_gate_address(struct tact_arena *arena, const struct tact_id *claim, const char *given,
    const char *ring, const char *domain)
{
	return tact_arena_printf(arena, "%s.%s@%s.%s", tact_id_format(arena, claim),
	    tact_base32_encode(arena, given, strlen(given)), ring, domain);
}

/* Does TEXT end in ".DOMAIN"? Answers where the dot stands, or NULL. */
static const char *before_domain(const char *text, const char *domain)
{
	size_t length = strlen(text), tail = strlen(domain);

	if (length <= tail + 1 || text[length - tail - 1] != '.' ||
	    !tact_text_equal_nocase(text + length - tail, domain))
		return NULL;
	return text + length - tail - 1;
}

int tact_decide_read_gate_address(struct tact_arena *arena, const char *address, const char *domain,
    struct tact_id *ret_claim, const char **ret_given, const char **ret_ring)
{
	const char *at = strrchr(address, '@'), *end;
	const size_t digits = 2 * TACT_ID_BYTES;
	void *given;
	size_t given_bytes;

	if (at == NULL || (size_t)(at - address) <= digits + 1 || address[digits] != '.')
		return TACT_INVALID;
	end = before_domain(at + 1, domain);
	if (end == NULL || tact_id_parse(tact_arena_strndup(arena, address, digits), ret_claim) != TACT_OK)
		return TACT_INVALID;
	if (tact_base32_decode(arena, address + digits + 1, (size_t)(at - address) - digits - 1, &given,
		&given_bytes) != TACT_OK ||
	    memchr(given, '\0', given_bytes) != NULL)
		return TACT_INVALID;
	*ret_given = given;
	*ret_ring = tact_arena_strndup(arena, at + 1, (size_t)(end - at - 1));
	return TACT_OK;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * How many came to what, by name: for preflight, replay and reports.
 */
#include <config.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

static const enum tact_verdict shown[] = {TACT_ACCEPT, TACT_DELAY, TACT_QUARANTINE, TACT_REJECT};
#define SHOWN (sizeof shown / sizeof *shown)

/* ---- finding ---- */

static struct cli_tally **slot_of(struct cli_tally **slots, size_t count, const char *name)
{
	size_t at = tact_digest_crc32(name, strlen(name)) % count;

	while (slots[at] != NULL && strcmp(slots[at]->name, name) != 0)
		at = (at + 1) % count;
	return &slots[at];
}

static void grow(struct cli_tallies *tallies)
{
	tallies->slots_count = tallies->slots_count == 0 ? 64 : 4 * tallies->slots_count;
	tallies->slots = tact_arena_alloc(tallies->arena, tallies->slots_count * sizeof(struct cli_tally *));
	for (size_t i = 0; i < tallies->count; i++)
		*slot_of(tallies->slots, tallies->slots_count, tallies->rows[i]->name) = tallies->rows[i];
}

struct cli_tally *cli_tally(struct cli_tallies *tallies, const char *name)
{
	struct cli_tally **slot;

	if (2 * tallies->count >= tallies->slots_count)
		grow(tallies);
	slot = slot_of(tallies->slots, tallies->slots_count, name);
	if (*slot != NULL)
		return *slot;
	*slot = tact_arena_alloc(tallies->arena, sizeof **slot);
	(*slot)->name = tact_arena_strdup(tallies->arena, name);
	*TACT_PUSH(tallies->arena, tallies->rows, tallies->count) = *slot;
	return *slot;
}

/* ---- telling ---- */

uint64_t cli_tally_sum(const struct cli_tally *tally)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < SHOWN; i++)
		sum += tally->verdicts[shown[i]];
	return sum;
}

static int compare(const void *a, const void *b)
{
	const struct cli_tally *left = *(struct cli_tally *const *)a, *right = *(struct cli_tally *const *)b;
	uint64_t left_sum = cli_tally_sum(left), right_sum = cli_tally_sum(right);

	return left_sum != right_sum ? (left_sum < right_sum) - (left_sum > right_sum)
				     : strcmp(left->name, right->name);
}

void cli_tally_sort(struct cli_tallies *tallies)
{
	if (tallies->count > 1)
		qsort(tallies->rows, tallies->count, sizeof(struct cli_tally *), compare);
}

void cli_tally_put(
    struct cli_json *in, const char *name, const char *heading, const struct cli_tallies *tallies)
{
	struct cli_json *list = cli_json_put_list(in, name);

	for (size_t i = 0; i < tallies->count; i++) {
		struct cli_json *object = cli_json_put_object(list, NULL);

		cli_json_put_text(object, heading, tallies->rows[i]->name);
		for (size_t j = 0; j < SHOWN; j++)
			cli_json_put_integer(object, tact_policy_verdict_name(shown[j]),
			    (int64_t)tallies->rows[i]->verdicts[shown[j]]);
	}
}

void cli_tally_print(struct tact_arena *arena, const char *heading, const struct cli_tallies *tallies)
{
	if (tallies->count == 0)
		return;
	printf("\n%-40s", heading);
	for (size_t j = 0; j < SHOWN; j++)
		printf(" %10s", tact_policy_verdict_name(shown[j]));
	putchar('\n');
	for (size_t i = 0; i < tallies->count; i++) {
		printf("  %-38s", cli_safe(arena, tallies->rows[i]->name));
		for (size_t j = 0; j < SHOWN; j++)
			printf(" %10" PRIu64, tallies->rows[i]->verdicts[shown[j]]);
		putchar('\n');
	}
}

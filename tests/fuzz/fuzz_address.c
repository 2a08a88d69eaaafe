/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Fuzz target: any bytes as an address. What is accepted must be canonical a second time.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <tact/facts.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static const char *const domains[] = {"example.com"};

static void check_profile(
    struct tact_arena *arena, const char *text, const struct tact_canonical_profile *profile)
{
	struct tact_address once, twice;
	struct tact_error err;
	if (tact_facts_parse_address(arena, text, profile, &once, &err) != TACT_OK)
		return;
	if (tact_facts_parse_address(arena, once.canonical, profile, &twice, &err) != TACT_OK ||
	    strcmp(once.canonical, twice.canonical) != 0 || once.local[0] == '\0' || once.domain[0] == '\0')
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	static const struct tact_canonical_profile folding = {true, domains, 1, domains, 1},
						   keeping = {.fold_local_case = false};
	struct tact_arena *arena = tact_arena_new();
	const char *text = tact_arena_strndup(arena, (const char *)data, size_bytes);
	check_profile(arena, text, &folding);
	check_profile(arena, text, &keeping);
	tact_arena_free(&arena);
	return 0;
}

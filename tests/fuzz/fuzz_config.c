/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Fuzz target: any bytes as a configuration file. What is refused says why, with a line; what is accepted
 * prints to what loads to the same.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tact/config.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void want(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void check_mistakes(const struct tact_config_mistakes *mistakes)
{
	want(mistakes->count > 0, "refused without a mistake");
	for (size_t i = 0; i < mistakes->count; i++) {
		const char *text = mistakes->texts[i];
		want(strncmp(text, "f:", 2) == 0 && atoi(text + 2) > 0, text);
		want(strchr(text, '\n') == NULL, text);
	}
}

static void check_round_trip(struct tact_arena *arena, const struct tact_config *config)
{
	struct tact_config_mistakes mistakes = {.arena = arena};
	struct tact_config *again = NULL;
	int result = tact_config_load("printed", config->rules.text, &again, &mistakes);
	want(result == TACT_OK, mistakes.count > 0 ? mistakes.texts[0] : "printed text does not load");
	want(strcmp(again->rules.text, config->rules.text) == 0, "the text printed again differs");
	tact_config_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct tact_arena *arena = tact_arena_new();
	const char *text = tact_arena_strndup(arena, (const char *)data, size_bytes);
	struct tact_config_mistakes mistakes = {.arena = arena};
	struct tact_config *config = NULL;
	int result = tact_config_load("f", text, &config, &mistakes);
	want((result == TACT_OK) == (config != NULL),
	    "a configuration beside a refusal, or none beside success");
	if (result == TACT_OK)
		check_round_trip(arena, config);
	else
		check_mistakes(&mistakes);
	tact_config_free(&config);
	tact_arena_free(&arena);
	return 0;
}

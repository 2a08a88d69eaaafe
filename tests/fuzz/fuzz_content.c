/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Fuzz target: any bytes as a message, read as a reader sees it, and searched.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include <tact/facts.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static const struct tact_canonical_profile content_profile = {.fold_local_case = true};
static const struct tact_envelope content_envelope = {.listener = "main", .sender = "a@example.com"};

/* Every set over the text, compiled once: what is read must be fit to be searched. */
static void search(const struct tact_content *content)
{
	static struct tact_pattern *sets[16];
	static size_t count;
	size_t at, length;
	const char *name;

	for (size_t i = 0; count == i && (name = tact_facts_pattern_set_name(i)) != NULL; i++)
		if (tact_facts_compile_set(name, &sets[count++], NULL) != TACT_OK)
			abort();
	for (size_t i = 0; i < count; i++)
		if (tact_facts_search(sets[i], content->text, content->text_bytes, &at, &length) ==
			TACT_YES &&
		    (at > content->text_bytes || length > content->text_bytes - at))
			abort();
}

static struct tact_pattern *any;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct tact_arena *arena = tact_arena_new();
	const char *text = tact_arena_copy(arena, data, size_bytes);
	struct tact_message *message;
	struct tact_content content;
	size_t offset, at, length;

	if (any == NULL && tact_facts_compile_search("^", &any, NULL) != TACT_OK)
		abort();
	if (tact_facts_read_message(arena, &content_envelope, text, size_bytes, &content_profile, &message,
		&offset, NULL) == TACT_OK) {
		struct tact_body body = {
		    .bytes = text + offset, .size_bytes = size_bytes - offset, .whole = true};
		tact_facts_read_content(arena, message, &body, &content);
		/* UTF-8 throughout, without NUL. */
		if (strlen(content.text) != content.text_bytes ||
		    tact_facts_search(any, content.text, content.text_bytes, &at, &length) != TACT_YES ||
		    tact_facts_search(any, content.subject, strlen(content.subject), &at, &length) !=
			TACT_YES ||
		    (message->ambiguous != NULL && content.unreadable == NULL))
			abort();
		search(&content);
	}
	tact_arena_free(&arena);
	return 0;
}

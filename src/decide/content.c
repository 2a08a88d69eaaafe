/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A message read for the rules that look into it, once, before anybody's dossier is: what they make of it,
 * and the first words for a reviewer.
 */
#include <config.h>

#include <string.h>

#include "private.h"

/* The first words that a reader would see, without breaking a character. */
static const char *first_words(struct tact_arena *arena, const struct tact_content *content)
{
	size_t length = content->text_bytes < TACT_EXCERPT_BYTES ? content->text_bytes : TACT_EXCERPT_BYTES;
	char *words = tact_arena_strndup(arena, content->text, length);

	while (length > 0 && length < content->text_bytes &&
	       ((unsigned char)content->text[length] & 0xC0) == 0x80)
		words[--length] = '\0';
	for (char *c = words; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7F)
			*c = ' ';
	return words;
}

char *tact_decide_excerpt(struct tact_arena *arena, const char *body, size_t size_bytes)
{
	size_t length = size_bytes < TACT_EXCERPT_BYTES ? size_bytes : TACT_EXCERPT_BYTES, n = 0;
	char *words = tact_arena_alloc(arena, length + 1);

	for (size_t i = 0; i < length; i++) {
		bool blank = strchr(" \t\r\n", body[i]) != NULL; /* and a NUL */

		if (!blank || (n > 0 && words[n - 1] != ' '))
			words[n++] = blank ? ' ' : body[i];
	}
	words[n] = '\0';
	return tact_text_printable(arena, words, TACT_EXCERPT_BYTES);
}

static bool has_content_rule(const struct tact_rule_set *rules)
{
	for (size_t i = 0; i < rules->rules_count; i++)
		if (rules->rules[i].kind == TACT_RULE_CONTENT)
			return true;
	return false;
}

void content_read(struct tact_arena *arena, const struct tact_rule_set *rules, const struct tact_facts *facts,
    const struct tact_message *message, const struct tact_body *body, struct content_reading *ret)
{
	struct tact_content content;
	struct tact_body part;
	size_t most = (size_t)rules->content_max;

	*ret = (struct content_reading){.contents = NULL};
	if (!has_content_rule(rules))
		return;
	if (!tact_policy_wants_content(rules, facts))
		body = NULL; /* none of them looks into it */
	if (body != NULL && body->size_bytes > most) {
		part = (struct tact_body){.bytes = body->bytes, .size_bytes = most, .whole = false};
		body = &part;
	}
	tact_facts_read_content(arena, message, body, &content);
	ret->contents = tact_policy_read_content(arena, rules, facts, message, &content);
	if (content.text_bytes > 0)
		ret->excerpt = first_words(arena, &content);
}

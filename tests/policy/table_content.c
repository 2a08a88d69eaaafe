/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What tables say of messages: content rules, patterns, brands, and the message itself as it was read.
 */
#include <config.h>

#include <string.h>

#include "table.h"

#define PATTERNS_MAX 64

/* ---- patterns ----------------------------------------------------------------------------------- */

/* Compiled once for the whole run; of two with one name, the later. */
static struct {
	char name[64];
	struct tact_pattern *pattern;
} known[PATTERNS_MAX];
static size_t known_count;

static struct tact_pattern **remember(const struct line *line, const char *name)
{
	if (known_count == PATTERNS_MAX || strlen(name) >= sizeof known[0].name)
		line_fail(line, "too many patterns, or too long a name");
	memcpy(known[known_count].name, name, strlen(name) + 1);
	return &known[known_count++].pattern;
}

void line_pattern(struct line *line)
{
	const char *match = line_value(line, "match");
	struct tact_error err;

	if (match == NULL)
		line_fail(line, "match is missing");
	if (tact_facts_compile_search(match, remember(line, line_bare(line, "the pattern's name")), &err) !=
	    TACT_OK)
		line_fail(line, "%s", err.text);
	line_end(line);
}

void table_free_patterns(void)
{
	while (known_count > 0)
		tact_facts_free_pattern(&known[--known_count].pattern);
}

static struct tact_pattern **find_pattern(const struct line *line, const char *name)
{
	struct tact_pattern **made;
	struct tact_error err;

	for (size_t i = known_count; i > 0; i--)
		if (strcmp(known[i - 1].name, name) == 0)
			return &known[i - 1].pattern;
	made = remember(line, name);
	if (tact_facts_compile_set(name, made, &err) != TACT_OK)
		line_fail(line, "\"%s\": %s", name, err.text);
	return made;
}

static struct tact_pattern_set find_set(const struct line *line, const char *name)
{
	return (struct tact_pattern_set){.name = name,
	    .patterns = (const struct tact_pattern *const *)find_pattern(line, name),
	    .count = 1};
}

static const struct tact_pattern_set *find_sets(const struct line *line, const struct tact_names *names)
{
	struct tact_pattern_set *sets = tact_arena_alloc(line->arena, (names->count + 1) * sizeof *sets);

	for (size_t i = 0; i < names->count; i++)
		sets[i] = find_set(line, names->names[i]);
	return sets;
}

/* ---- rules -------------------------------------------------------------------------------------- */

static enum tact_where read_where(struct line *line)
{
	const char *word = line_value(line, "where");

	if (word == NULL)
		return TACT_WHERE_BOTH;
	if (strcmp(word, "subject") != 0 && strcmp(word, "text") != 0)
		line_fail(line, "where=%s: subject or text is wanted", word);
	return *word == 's' ? TACT_WHERE_SUBJECT : TACT_WHERE_TEXT;
}

void line_content(struct line *line, struct tact_rule *ret)
{
	struct tact_content_rule *content = &ret->content;
	const char *from = line_value(line, "from"), *unreadable = line_value(line, "on_unreadable");

	*ret = (struct tact_rule){.kind = TACT_RULE_CONTENT};
	line_rule(line, TACT_QUARANTINE, ret);
	line_names(line, "must_not", &content->must_not);
	line_names(line, "must", &content->must);
	line_names(line, "headers_must", &content->headers_must);
	line_names(line, "headers_must_not", &content->headers_must_not);
	line_names(line, "add", &content->add_headers);
	line_names(line, "strip", &content->strip_headers);
	content->must_not_sets = find_sets(line, &content->must_not);
	content->must_sets = find_sets(line, &content->must);
	content->where = read_where(line);
	content->from_brand = from != NULL && strcmp(from, "brand") == 0;
	content->on_unreadable =
	    unreadable == NULL ? ret->action : (enum tact_verdict)line_verdict(line, unreadable);
	line_end(line);
}

void line_brand(struct line *line, struct tact_brand *ret)
{
	line_names(line, "domains", &ret->domains);
	ret->name = line_bare(line, "the brand's name");
	line_end(line);
}

/* ---- the message -------------------------------------------------------------------------------- */

static const char *value_or(struct line *line, const char *key, const char *otherwise)
{
	const char *value = line_value(line, key);

	return value == NULL ? otherwise : value;
}

/* "\\n" is the end of a line. */
static const char *with_lines(struct tact_arena *arena, const char *text)
{
	char *out = tact_arena_strdup(arena, text), *to = out;

	for (; *text != '\0'; text++) {
		bool newline = text[0] == '\\' && text[1] == 'n';

		*to++ = newline ? '\n' : *text;
		text += newline;
	}
	*to = '\0';
	return out;
}

static void read_headers(struct line *line, struct tact_message *message)
{
	const char *field;

	while ((field = line_value(line, "header")) != NULL) {
		size_t name = strcspn(field, ":");

		tact_facts_add_header(line->arena, message, tact_arena_strndup(line->arena, field, name),
		    field + name + (field[name] == ':'));
	}
}

void line_message(struct line *line, struct tact_message **ret_message, struct tact_content **ret_content)
{
	static const struct tact_envelope envelope = {.listener = "", .sender = ""};
	struct tact_message *message = tact_facts_new_message(line->arena, &envelope);
	struct tact_content *content = tact_arena_alloc(line->arena, sizeof *content);
	const char *from = value_or(line, "from", "acme.example");

	read_headers(line, message);
	message->from_domain = strcmp(from, "none") == 0 ? NULL : from;
	message->ambiguous = line_value(line, "ambiguous");
	content->subject = value_or(line, "subject", "");
	content->text = with_lines(line->arena, value_or(line, "text", ""));
	content->text_bytes = strlen(content->text);
	content->unreadable = value_or(line, "unreadable", message->ambiguous);
	content->subject_unreadable = value_or(line, "subject_unreadable", message->ambiguous);
	line_end(line);
	*ret_message = message;
	*ret_content = content;
}

char *table_show_edits(struct tact_arena *arena, const struct tact_header_edits *edits)
{
	char *text = tact_arena_strdup(arena, "");

	for (size_t i = 0; i < edits->add_count; i++)
		text = tact_arena_printf(arena, "%s+%s: %s ", text, edits->add[i].name, edits->add[i].value);
	for (size_t i = 0; i < edits->strip_count; i++)
		text = tact_arena_printf(arena, "%s-%s ", text, edits->strip[i]);
	return text;
}

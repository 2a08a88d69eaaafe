/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Takes one LMTP command line apart. Decides nothing about the dialog.
 */
#include <config.h>

#include <ctype.h>
#include <string.h>

#include "command.h"

static const struct {
	const char *name;
	enum verb verb;
} verbs[] = {
    {"LHLO", VERB_LHLO},
    {"HELO", VERB_HELO},
    {"EHLO", VERB_HELO},
    {"XFORWARD", VERB_XFORWARD},
    {"MAIL", VERB_MAIL},
    {"RCPT", VERB_RCPT},
    {"DATA", VERB_DATA},
    {"RSET", VERB_RSET},
    {"NOOP", VERB_NOOP},
    {"QUIT", VERB_QUIT},
    {"VRFY", VERB_REFUSED},
    {"EXPN", VERB_REFUSED},
    {"HELP", VERB_REFUSED},
    {"STARTTLS", VERB_REFUSED},
    {"AUTH", VERB_REFUSED},
    {"BDAT", VERB_REFUSED},
    {"XCLIENT", VERB_REFUSED},
    {"ETRN", VERB_REFUSED},
    {"TURN", VERB_REFUSED},
};

static enum verb verb_of(const char *word)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (tact_text_equal_nocase(word, verbs[i].name))
			return verbs[i].verb;
	return VERB_UNKNOWN;
}

/* A control character has no business in a command, and passed on it could become a line of its own. */
static bool is_clean(const char *line, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)line[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* The '>' that closes the path at TEXT (just after '<'), minding quoted local parts; NULL when there is none.
 */
static const char *path_end(const char *text)
{
	bool quoted = false;

	for (; *text != '\0'; text++) {
		if (*text == '\\' && text[1] != '\0')
			text++;
		else if (*text == '"')
			quoted = !quoted;
		else if (*text == '>' && !quoted)
			return text;
	}
	return NULL;
}

static const char *skip_space(const char *text)
{
	while (*text == ' ' || *text == '\t')
		text++;
	return text;
}

/* "FROM:<path> args", "TO:<path> args" */
static bool parse_path(struct tact_arena *arena, const char *text, const char *keyword, struct command *ret)
{
	const char *start, *end;

	if (!tact_text_starts_nocase(text, keyword))
		return false;
	start = skip_space(text + strlen(keyword));
	if (*start != '<')
		return false;
	end = path_end(start + 1);
	if (end == NULL || (end[1] != '\0' && end[1] != ' ' && end[1] != '\t'))
		return false;
	ret->address = tact_arena_strndup(arena, start + 1, (size_t)(end - start) - 1);
	ret->args = tact_text_trim(arena, end + 1);
	return true;
}

void command_parse(struct tact_arena *arena, const char *line, size_t length, struct command *ret)
{
	char *text = tact_arena_strndup(arena, line, length);
	size_t word = strcspn(text, " \t");
	const char *rest = skip_space(text + word);

	*ret = (struct command){.verb = VERB_BROKEN, .address = "", .args = ""};
	if (!is_clean(line, length))
		return;
	ret->verb = verb_of(tact_arena_strndup(arena, text, word));
	ret->args = tact_text_trim(arena, rest);
	if (ret->verb == VERB_MAIL && !parse_path(arena, rest, "FROM:", ret))
		ret->verb = VERB_BROKEN;
	else if (ret->verb == VERB_RCPT && !parse_path(arena, rest, "TO:", ret))
		ret->verb = VERB_BROKEN;
	else if ((ret->verb == VERB_LHLO || ret->verb == VERB_XFORWARD) && *ret->args == '\0')
		ret->verb = VERB_BROKEN;
}

char *xtext_decode(struct tact_arena *arena, const char *text)
{
	char *ret = tact_arena_strdup(arena, text), *to = ret;

	for (; *text != '\0'; text++) {
		if (*text != '+') {
			*to++ = *text;
			continue;
		}
		char hex[3] = {text[1], text[1] == '\0' ? '\0' : text[2], '\0'};
		uint8_t byte;
		if (tact_hex_decode(hex, &byte, 1) != TACT_OK || byte == 0)
			return NULL;
		*to++ = (char)byte;
		text += 2;
	}
	*to = '\0';
	return ret;
}

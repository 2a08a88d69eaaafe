/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The header of a message that comes as one piece of text. Only lines are told apart here; what a field means
 * is message.c's.
 */
#include <config.h>

#include <tact/facts.h>

#include <string.h>

/* What is left of the text. */
struct rest {
	const char *at;
	const char *end;
};

/* The next line with its end. */
static size_t line_length(const struct rest *rest)
{
	const char *newline = memchr(rest->at, '\n', (size_t)(rest->end - rest->at));
	return (size_t)((newline == NULL ? rest->end : newline + 1) - rest->at);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_empty_line(const struct rest *rest)
{
	size_t length = line_length(rest);
	return (length == 1 && rest->at[0] == '\n') ||
	       (length == 2 && rest->at[0] == '\r' && rest->at[1] == '\n');
}

/* Length of a field's name, or 0 when the line is no field (RFC 5322 §2.2; a blank before the colon is its
 * obsolete form). */
static size_t name_length(const struct rest *rest, size_t length, size_t *ret_colon)
{
	size_t name = 0;
	while (name < length && rest->at[name] > 32 && rest->at[name] < 127 && rest->at[name] != ':')
		name++;
	size_t colon = name;
	while (colon < length && is_blank(rest->at[colon]))
		colon++;
	*ret_colon = colon;
	return colon < length && rest->at[colon] == ':' ? name : 0;
}

/* A line and the folded ones behind it. */
static size_t field_length(const struct rest *rest)
{
	struct rest next = *rest;
	do
		next.at += line_length(&next);
	while (next.at < next.end && is_blank(*next.at));
	return (size_t)(next.at - rest->at);
}

static bool take_field(struct tact_arena *arena, struct tact_message *message, struct rest *rest)
{
	size_t colon;
	size_t name = name_length(rest, line_length(rest), &colon);
	if (name == 0)
		return false;
	size_t length = field_length(rest);
	tact_facts_add_header(arena, message, tact_arena_strndup(arena, rest->at, name),
	    tact_arena_strndup(arena, rest->at + colon + 1, length - colon - 1));
	rest->at += length;
	return true;
}

/* Up to and over the empty line. */
static void take_header(struct tact_arena *arena, struct tact_message *message, struct rest *rest)
{
	while (rest->at < rest->end) {
		if (is_empty_line(rest)) {
			rest->at += line_length(rest);
			return;
		}
		if (!take_field(arena, message, rest)) {
			message->ambiguous = "the header ends without an empty line";
			return;
		}
	}
}

/* "From ann Sat Nov 21 …", as mailbox files have it; but "From : ann" is the obsolete spelling of a field. */
static void pass_over_mailbox_line(struct rest *rest)
{
	size_t colon;
	bool starts = rest->end - rest->at >= 5 && memcmp(rest->at, "From ", 5) == 0;
	if (starts && name_length(rest, line_length(rest), &colon) == 0)
		rest->at += line_length(rest);
}

int tact_facts_read_message(struct tact_arena *arena, const struct tact_envelope *envelope, const char *data,
    size_t size_bytes, const struct tact_canonical_profile *profile, struct tact_message **ret,
    size_t *ret_body_offset, struct tact_error *err)
{
	struct rest rest = {.at = data, .end = data + size_bytes};
	struct tact_message *message = tact_facts_new_message(arena, envelope);
	pass_over_mailbox_line(&rest);
	take_header(arena, message, &rest);
	size_t body_offset = (size_t)(rest.at - data);
	if (memchr(data, '\0', body_offset) != NULL)
		return tact_error_set(err, TACT_INVALID, "the message has a NUL byte in its header");
	tact_facts_finish_message(arena, message, profile);
	*ret = message;
	*ret_body_offset = body_offset;
	return TACT_OK;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Where in a text a pattern may match that begins where words begin: a table of the first three bytes, asked
 * of the pattern itself. It knows no pattern: one that may begin with some bytes says so.
 */
#include <config.h>

#include "internal.h"

/* The bytes of one class are not told apart, so letters of both cases stand for one another. */
enum {
	OTHER,	    /* of ASCII */
	LETTER = 1, /* and the 25 behind it */
	DIGIT = 27,
	BLANK,
	DOLLAR,
	HYPHEN,
	ANY, /* NUL, no ASCII, or past the end: never looked up, always possible */
};
#define CLASS_BITS 5

static unsigned class_of(unsigned char c)
{
	if (c == '\0' || c >= 0x80)
		return ANY;
	if (c >= 'A' && c <= 'Z')
		return LETTER + (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return LETTER + (unsigned)(c - 'a');
	if (c >= '0' && c <= '9')
		return DIGIT;
	return c == ' ' || c == '\t' ? BLANK : c == '$' ? DOLLAR : c == '-' ? HYPHEN : OTHER;
}

/* ---- the table ----------------------------------------------------------------------------------------- */

struct maker {
	struct facts_heads *heads;
	facts_may_begin *may_begin;
	const void *pattern;
	char head[3];
};

static bool has(const struct facts_heads *heads, size_t key)
{
	return (heads->possible[key >> 3] >> (key & 7) & 1) != 0;
}

/* All keys that begin with the LENGTH classes of KEY. */
static void set(struct facts_heads *heads, size_t key, size_t length)
{
	size_t free_bits = CLASS_BITS * (sizeof((struct maker *)0)->head - length);

	for (size_t i = key << free_bits; i < (key + 1) << free_bits; i++)
		heads->possible[i >> 3] |= (uint8_t)(1u << (i & 7));
}

/* As deep as a head is long. */
static void try_heads(struct maker *maker, size_t key, size_t length)
{
	set(maker->heads, key << CLASS_BITS | ANY, length + 1);
	for (int c = 1; c < 0x80; c++) {
		size_t longer = key << CLASS_BITS | class_of((unsigned char)c);
		bool last = length + 1 == sizeof maker->head;
		maker->head[length] = (char)c;
		if ((last && has(maker->heads, longer)) ||
		    !maker->may_begin(maker->pattern, maker->head, length + 1))
			continue;
		if (last)
			set(maker->heads, longer, length + 1);
		else
			try_heads(maker, longer, length + 1);
	}
}

/* Characters of two bytes are told apart, or every accented letter would be a head. */
static void try_characters(struct maker *maker)
{
	for (unsigned c = 0x80; c < 0x800; c++) {
		const char utf8[2] = {(char)(0xC0 | c >> 6), (char)(0x80 | (c & 0x3F))};
		if (maker->may_begin(maker->pattern, utf8, sizeof utf8))
			maker->heads->characters[c >> 3] |= (uint8_t)(1u << (c & 7));
	}
}

void facts_heads_make(struct facts_heads *ret, facts_may_begin *may_begin, const void *pattern)
{
	struct maker maker = {.heads = ret, .may_begin = may_begin, .pattern = pattern};

	*ret = (struct facts_heads){.possible = {0}};
	for (int c = 0; c < 0x100; c++)
		ret->classes[c] = (uint8_t)class_of((unsigned char)c);
	try_heads(&maker, 0, 0);
	try_characters(&maker);
}

/* ---- the text ------------------------------------------------------------------------------------------ */

static bool is_word(const struct facts_heads *heads, char c)
{
	unsigned class = heads->classes[(unsigned char)c];
	return class >= LETTER && class <= DIGIT;
}

static size_t class_at(const struct facts_heads *heads, const char *text, size_t length, size_t at)
{
	return at < length ? heads->classes[(unsigned char)text[at]] : ANY;
}

/* What the table does not tell of AT, where it says "possible". */
static bool is_head(const struct facts_heads *heads, const char *text, size_t length, size_t at)
{
	unsigned char c = (unsigned char)text[at];
	if (at > 0 && is_word(heads, text[at - 1]) && is_word(heads, text[at]))
		return false;
	if (c < 0x80 || c >= 0xE0)
		return true;
	if (c < 0xC0 || at + 1 == length) /* within a character */
		return false;
	size_t character = (size_t)(c & 0x1F) << 6 | ((unsigned char)text[at + 1] & 0x3F);
	return (heads->characters[character >> 3] >> (character & 7) & 1) != 0;
}

size_t facts_heads_next(const struct facts_heads *heads, const char *text, size_t length, size_t from)
{
	const size_t mask = ((size_t)1 << 3 * CLASS_BITS) - 1;
	size_t key =
	    class_at(heads, text, length, from) << CLASS_BITS | class_at(heads, text, length, from + 1);
	for (size_t at = from; at < length; at++) {
		key = (key << CLASS_BITS | class_at(heads, text, length, at + 2)) & mask;
		if (has(heads, key) && is_head(heads, text, length, at))
			return at;
	}
	return length;
}

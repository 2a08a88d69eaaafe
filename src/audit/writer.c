/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Writes JSON text straight into a buffer. Building jansson's tree first costs several times as much for the
 * same bytes, on the path of every mail; strings that need escaping still go through jansson. Knows nothing
 * of what an entry is.
 */
#include <config.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static char *reserve(struct audit_writer *w, size_t more)
{
	if (w->capacity - w->length < more) {
		w->capacity = 2 * w->capacity + more + 1024;
		w->data = tact_realloc(w->data, w->capacity);
	}
	return w->data + w->length;
}

void audit_writer_clear(struct audit_writer *w)
{
	free(w->data);
	*w = (struct audit_writer){0};
}

void audit_put(struct audit_writer *w, const char *bytes, size_t length)
{
	memcpy(reserve(w, length), bytes, length);
	w->length += length;
}

void audit_put_name(struct audit_writer *w, const char *name)
{
	char last = w->length > 0 ? w->data[w->length - 1] : '{';

	if (last != '{' && last != '[')
		audit_put(w, ",", 1);
	if (name == NULL)
		return;
	audit_put(w, "\"", 1);
	audit_put(w, name, strlen(name));
	audit_put(w, "\":", 2);
}

static bool continues(unsigned char c, unsigned char least, unsigned char most)
{
	return c >= least && c <= most;
}

/* Bytes of the well-formed character at S (RFC 3629 §4), 0 where there is none. S ends with NUL, which
 * continues nothing. */
static size_t character(const unsigned char *s)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	if (s[0] < 0xe0)
		return continues(s[1], 0x80, 0xbf) ? 2 : 0;
	if (s[0] < 0xf0)
		return continues(s[1], s[0] == 0xe0 ? 0xa0 : 0x80, s[0] == 0xed ? 0x9f : 0xbf) &&
			       continues(s[2], 0x80, 0xbf)
			   ? 3
			   : 0;
	return continues(s[1], s[0] == 0xf0 ? 0x90 : 0x80, s[0] == 0xf4 ? 0x8f : 0xbf) &&
		       continues(s[2], 0x80, 0xbf) && continues(s[3], 0x80, 0xbf)
		   ? 4
		   : 0;
}

static size_t escaped_bytes(unsigned char c, size_t length)
{
	if (length != 1)
		return length == 0 ? sizeof REPLACEMENT - 1 : length;
	if (c == '"' || c == '\\')
		return 2;
	return c < 0x20 ? 6 : 1; /* \u0001; some have short forms, which only leaves room over */
}

size_t audit_clean(const char *text, size_t max_escaped_bytes, char *out, size_t *ret_length)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t at = 0, used = 0, length = 0;

	while (s[at] != '\0') {
		size_t n = character(s + at), cost = escaped_bytes(s[at], n);

		if (used + cost > max_escaped_bytes)
			break;
		used += cost;
		if (n > 0)
			memcpy(out + length, s + at, n);
		else
			memcpy(out + length, REPLACEMENT, sizeof REPLACEMENT - 1);
		length += n > 0 ? n : sizeof REPLACEMENT - 1;
		at += n > 0 ? n : 1;
	}
	out[length] = '\0';
	*ret_length = length;
	return at;
}

/* Bytes at the start of TEXT that stand for themselves in JSON. */
static size_t plain_bytes(const char *text)
{
	size_t n = 0;

	while (text[n] >= 0x20 && text[n] < 0x7f && text[n] != '"' && text[n] != '\\')
		n++;
	return n;
}

static void put_escaped(struct audit_writer *w, const char *text)
{
	size_t length, all = strlen(text), most = all < w->string_max ? all : w->string_max;
	char *clean = tact_malloc(3 * most + 1);
	json_t *json;

	w->cut |= audit_clean(text, w->string_max, clean, &length) < all;
	json = json_stringn_nocheck(clean, length);
	if (json == NULL)
		abort(); /* out of memory: tact_malloc would have ended us likewise */
	reserve(w, 6 * length + 2);
	w->length += json_dumpb(json, w->data + w->length, w->capacity - w->length, JSON_ENCODE_ANY);
	json_decref(json);
	free(clean);
}

void audit_put_string(struct audit_writer *w, const char *name, const char *value)
{
	size_t plain;

	if (value == NULL)
		return;
	audit_put_name(w, name);
	plain = plain_bytes(value);
	if (value[plain] != '\0' || plain > w->string_max) {
		put_escaped(w, value);
		return;
	}
	audit_put(w, "\"", 1);
	audit_put(w, value, plain);
	audit_put(w, "\"", 1);
}

/* printf is half the price of an entry otherwise. */
static void put_digits(struct audit_writer *w, uint64_t value, size_t least)
{
	char digits[20];
	size_t at = sizeof digits;

	for (; value > 0 || sizeof digits - at < least; value /= 10)
		digits[--at] = (char)('0' + value % 10);
	audit_put(w, digits + at, sizeof digits - at);
}

static uint64_t put_sign(struct audit_writer *w, int64_t value)
{
	if (value < 0)
		audit_put(w, "-", 1);
	return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

void audit_put_integer(struct audit_writer *w, const char *name, int64_t value)
{
	audit_put_name(w, name);
	put_digits(w, put_sign(w, value), 1);
}

void audit_put_milli(struct audit_writer *w, const char *name, int64_t milli)
{
	uint64_t size;

	audit_put_name(w, name);
	size = put_sign(w, milli);
	put_digits(w, size / 1000, 1);
	if (size % 1000 == 0)
		return;
	audit_put(w, ".", 1);
	put_digits(w, size % 1000, 3);
	while (w->data[w->length - 1] == '0')
		w->length--;
}

void audit_put_time(struct audit_writer *w, struct tact_arena *arena, const char *name, int64_t time_us)
{
	if (time_us == 0)
		return;
	if (time_us != w->time_us) { /* the rules of an entry mostly name the same moment */
		snprintf(w->time_text, sizeof w->time_text, "%s", tact_text_format_time(arena, time_us));
		w->time_us = time_us;
	}
	audit_put_string(w, name, w->time_text);
}

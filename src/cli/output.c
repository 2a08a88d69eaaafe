/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What is printed: JSON objects in the order their members were put, and text that does a terminal no harm.
 */
#include <config.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

int cli_fail(int code, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("tact: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

/* ---- text ---- */

/* C0, DEL, and C1 as UTF-8 writes it. */
static bool is_control(const unsigned char *at)
{
	return *at < 0x20 || *at == 0x7f || (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0);
}

static bool is_utf8(const char *text)
{
	json_t *value = json_string(text); /* NULL for what is not */
	bool valid = value != NULL;

	json_decref(value);
	return valid;
}

bool cli_is_clean(const char *text)
{
	unsigned char all = 0;

	for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; all |= *at++)
		if (is_control(at))
			return false;
	return all < 0x80 || is_utf8(text); /* ASCII is */
}

const char *cli_safe(struct tact_arena *arena, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	char *safe, *to;

	if (text == NULL)
		return "";
	if (cli_is_clean(text))
		return text;
	if (!is_utf8(text))
		return tact_text_printable(arena, text, 4096);
	safe = to = tact_arena_alloc(arena, 4 * strlen(text) + 1);
	for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
		if (!is_control(at)) {
			*to++ = (char)*at;
			continue;
		}
		at += *at == 0xc2; /* the second byte tells which one it is */
		*to++ = '\\';
		*to++ = 'x';
		*to++ = digits[*at >> 4];
		*to++ = digits[*at & 15];
	}
	return safe;
}

const char *cli_milli(struct tact_arena *arena, int64_t milli)
{
	char *text;
	size_t length;

	if (milli % 1000 == 0)
		return tact_arena_printf(arena, "%" PRId64, milli / 1000);
	text = tact_arena_printf(arena, "%" PRId64 ".%03d", milli / 1000, (int)(milli % 1000));
	for (length = strlen(text); text[length - 1] == '0'; length--)
		text[length - 1] = '\0';
	return text;
}

const char *cli_when(struct tact_arena *arena, int64_t time_us, const char *other)
{
	return time_us == 0 || time_us == INT64_MAX ? other : tact_text_format_time(arena, time_us);
}

/* ---- JSON ---- */

static json_t *inside(struct cli_json *json)
{
	return (json_t *)json;
}

static void put(struct cli_json *in, const char *name, json_t *value)
{
	int failed = name != NULL ? json_object_set_new(inside(in), name, value)
				  : json_array_append_new(inside(in), value);

	if (failed != 0)
		abort(); /* names are ours and memory does not run out: our own bug */
}

struct cli_json *cli_json_object(void)
{
	return (struct cli_json *)json_object();
}

struct cli_json *cli_json_put_object(struct cli_json *in, const char *name)
{
	json_t *object = json_object();

	put(in, name, object);
	return (struct cli_json *)object;
}

struct cli_json *cli_json_put_list(struct cli_json *in, const char *name)
{
	json_t *list = json_array();

	put(in, name, list);
	return (struct cli_json *)list;
}

/* What is not UTF-8 is shown byte by byte, not lost. */
void cli_json_put_text(struct cli_json *in, const char *name, const char *value)
{
	json_t *text = value != NULL ? json_string(value) : json_null();

	if (text == NULL) {
		struct tact_arena *arena = tact_arena_new();
		text = json_string(tact_text_printable(arena, value, 4096));
		tact_arena_free(&arena);
	}
	put(in, name, text);
}

void cli_json_put_time(struct cli_json *in, const char *name, int64_t time_us)
{
	struct tact_arena *arena = tact_arena_new();

	cli_json_put_text(in, name, cli_when(arena, time_us, NULL));
	tact_arena_free(&arena);
}

void cli_json_put_integer(struct cli_json *in, const char *name, int64_t value)
{
	put(in, name, json_integer(value));
}

void cli_json_put_milli(struct cli_json *in, const char *name, int64_t milli)
{
	put(in, name, milli % 1000 == 0 ? json_integer(milli / 1000) : json_real((double)milli / 1000));
}

void cli_json_put_bool(struct cli_json *in, const char *name, bool value)
{
	put(in, name, json_boolean(value));
}

/* A failed write shows when the run ends. */
void cli_json_print(struct cli_json *object)
{
	(void)json_dumpf(inside(object), stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
	putchar('\n');
	json_decref(inside(object));
}

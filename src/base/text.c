/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Comparing, cleaning, and reading small texts: numbers and durations; points in time are in time.c.
 */
#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <tact/base.h>

#define LONGEST_DURATION_S ((int64_t)400 * 100 * 86400)

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool tact_text_equal(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

/* Not strcasecmp, whose answer depends on the locale. */
bool tact_text_equal_nocase(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	while (*a != '\0' && lower(*a) == lower(*b))
		a++, b++;
	return lower(*a) == lower(*b);
}

bool tact_text_starts_nocase(const char *text, const char *start)
{
	if (text == NULL || start == NULL)
		return false;
	while (*start != '\0' && lower(*text) == lower(*start))
		text++, start++;
	return *start == '\0';
}

bool tact_text_is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text > 0x7f)
			return false;
	return true;
}

bool tact_text_is_host(const char *text)
{
	static const char usual[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t length = strlen(text);

	return length > 0 && length <= 253 && *text != '.' && strspn(text, usual) == length;
}

char *tact_text_trim(struct tact_arena *arena, const char *text)
{
	size_t length;

	while (is_space(*text))
		text++;
	length = strlen(text);
	while (length > 0 && is_space(text[length - 1]))
		length--;
	return tact_arena_strndup(arena, text, length);
}

/* The backslash is escaped too, or what comes out could have come from two texts. */
static bool is_harmless(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static bool is_harmless_in_path(unsigned char c)
{
	return is_harmless(c) && c != ' ' && c != '<' && c != '>';
}

static char *escape(struct tact_arena *arena, const char *text, size_t max, bool (*may_stay)(unsigned char c))
{
	static const char digits[] = "0123456789abcdef";
	size_t length = text == NULL ? 0 : strnlen(text, max), n = 0;
	char *out = tact_arena_alloc(arena, (length > max / 4 ? max : 4 * length) + 1);

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		size_t width = may_stay(c) ? 1 : 4;

		if (width > max - n)
			break;
		if (width == 1) {
			out[n] = (char)c;
		} else {
			const char escape[4] = {'\\', 'x', digits[c >> 4], digits[c & 15]};

			memcpy(out + n, escape, sizeof escape);
		}
		n += width;
	}
	out[n] = '\0';
	return out;
}

char *tact_text_printable(struct tact_arena *arena, const char *text, size_t max)
{
	return escape(arena, text, max, is_harmless);
}

char *tact_text_path(struct tact_arena *arena, const char *text, size_t max)
{
	return escape(arena, text, max, is_harmless_in_path);
}

/* Seconds in a unit; 0 for what is none. */
static int64_t unit_seconds(char unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return (int64_t)7 * 86400;
	default:
		return 0;
	}
}

int tact_text_parse_duration(const char *text, int64_t *ret_seconds, struct tact_error *err)
{
	const char *p = text == NULL ? "" : text;
	int64_t number = 0, unit;

	for (; *p >= '0' && *p <= '9'; p++)
		if (number <=
		    LONGEST_DURATION_S) /* stops growing there: too long already, and never overflows */
			number = 10 * number + (*p - '0');
	if (text != NULL && strcmp(text, "0") == 0) {
		*ret_seconds = 0;
		return TACT_OK;
	}
	unit = p == text || *p == '\0' || p[1] != '\0' ? 0 : unit_seconds(*p);
	if (unit == 0)
		return tact_error_set(err, TACT_INVALID,
		    "\"%.64s\" is not a duration: a whole number and one of s m h d w are wanted, as in 20h "
		    "or 7d",
		    text == NULL ? "" : text);
	if (number > LONGEST_DURATION_S / unit)
		return tact_error_set(err, TACT_INVALID, "\"%.64s\" is too long: 40000d is the most", text);
	*ret_seconds = number * unit;
	return TACT_OK;
}

/* Weeks are read but not written: people say 7d and 14d. */
char *tact_text_format_duration(struct tact_arena *arena, int64_t seconds)
{
	static const char units[] = "dhms";

	if (seconds == 0)
		return tact_arena_strdup(arena, "0");
	for (const char *unit = units;; unit++)
		if (seconds % unit_seconds(*unit) == 0)
			return tact_arena_printf(
			    arena, "%" PRId64 "%c", seconds / unit_seconds(*unit), *unit);
}

int tact_text_parse_int(const char *text, int64_t least, int64_t most, int64_t *ret, struct tact_error *err)
{
	const char *digits = text == NULL ? "" : text + (*text == '-');
	intmax_t value;

	/* strtoimax alone would also take white space, a plus sign and what follows the number. */
	if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		return tact_error_set(
		    err, TACT_INVALID, "\"%.64s\" is not a whole number", text == NULL ? "" : text);
	errno = 0;
	value = strtoimax(text, NULL, 10);
	if (errno != 0 || value < least || value > most)
		return tact_error_set(err, TACT_INVALID,
		    "\"%.64s\" is out of range: %" PRId64 " to %" PRId64 " is wanted", text, least, most);
	*ret = value;
	return TACT_OK;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The bytes of one part made text: transfer encoding off, character set off, what nobody sees left out. GMime
 * decodes; it is lenient, so what it would pass over is looked for here. Which parts there are is
 * content.c's.
 */
#include <config.h>

#include "internal.h"

#include <errno.h>
#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>
#include <uninorm.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* ---- growing text -------------------------------------------------------------------------------------- */

static void reserve(struct facts_text *text, size_t more)
{
	if (text->room - text->size > more)
		return;
	text->room = 2 * (text->size + more + 1);
	text->data = tact_realloc(text->data, text->room);
}

void facts_text_put(struct facts_text *text, const char *data, size_t size)
{
	reserve(text, size);
	if (size > 0)
		memcpy(text->data + text->size, data, size);
	text->size += size;
	text->data[text->size] = '\0';
}

void facts_text_free(struct facts_text *text)
{
	free(text->data);
	*text = (struct facts_text){NULL, 0, 0};
}

/* ---- transfer encodings -------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* RFC 2045 §6.8: its alphabet and line ends; padding at the end, where it is needed. */
static bool is_base64(const char *data, size_t size)
{
	size_t digits = 0, padding = 0;
	for (size_t i = 0; i < size; i++) {
		char c = data[i];
		if (is_blank(c))
			continue;
		bool digit = g_ascii_isalnum(c) || c == '+' || c == '/';
		if ((!digit && c != '=') || (digit && padding > 0))
			return false;
		digits += digit;
		padding += c == '=';
	}
	return (digits + padding) % 4 == 0 && padding <= 2;
}

/* RFC 2045 §6.7: behind every '=' two digits, or the end of its line. */
static bool is_quoted_printable(const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] != '=')
			continue;
		size_t at = i + 1;
		if (at + 1 < size && g_ascii_isxdigit(data[at]) && g_ascii_isxdigit(data[at + 1]))
			continue;
		while (at < size && (data[at] == ' ' || data[at] == '\t' || data[at] == '\r'))
			at++;
		if (at < size && data[at] != '\n')
			return false;
	}
	return true;
}

const char *facts_take_off_encoding(
    const char *data, size_t size, const char *encoding, struct facts_text *ret)
{
	GMimeContentEncoding kind =
	    encoding == NULL ? GMIME_CONTENT_ENCODING_8BIT : g_mime_content_encoding_from_string(encoding);
	const char *wrong = NULL;
	GMimeEncoding state;
	switch (kind) {
	case GMIME_CONTENT_ENCODING_7BIT:
	case GMIME_CONTENT_ENCODING_8BIT:
	case GMIME_CONTENT_ENCODING_BINARY:
		facts_text_put(ret, data, size);
		return NULL;
	case GMIME_CONTENT_ENCODING_BASE64:
		wrong = is_base64(data, size) ? NULL : "base64 of a part is broken";
		break;
	case GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE:
		wrong = is_quoted_printable(data, size) ? NULL : "quoted-printable of a part is broken";
		break;
	case GMIME_CONTENT_ENCODING_DEFAULT:
	case GMIME_CONTENT_ENCODING_UUENCODE:
		return "transfer encoding of a part is not known";
	}
	g_mime_encoding_init_decode(&state, kind);
	reserve(ret, g_mime_encoding_outlen(&state, size) + 1);
	ret->size += g_mime_encoding_flush(&state, data, size, ret->data + ret->size);
	ret->data[ret->size] = '\0';
	return wrong;
}

/* ---- character sets ------------------------------------------------------------------------------------ */

/* Appends valid UTF-8; what is not becomes U+FFFD. */
static bool put_utf8(struct facts_text *ret, const char *data, size_t size)
{
	bool valid = true;
	while (size > 0) {
		const char *end;
		bool rest = g_utf8_validate_len(data, size, &end);
		facts_text_put(ret, data, (size_t)(end - data));
		if (rest)
			break;
		valid = valid && *end == '\0'; /* a NUL is no character that is missed */
		facts_text_put(ret, *end == '\0' ? " " : REPLACEMENT, *end == '\0' ? 1 : 3);
		size -= (size_t)(end - data) + 1;
		data = end + 1;
	}
	return valid;
}

static bool convert(iconv_t cd, struct facts_text *ret, char *data, size_t size)
{
	bool valid = true;
	while (size > 0) {
		reserve(ret, 4 * size + 16);
		char *to = ret->data + ret->size;
		size_t room = ret->room - ret->size - 1;
		size_t done = iconv(cd, &data, &size, &to, &room);
		ret->size = (size_t)(to - ret->data);
		if (done != (size_t)-1 || errno == E2BIG)
			continue;
		valid = false;
		facts_text_put(ret, REPLACEMENT, 3);
		data++;
		size--;
	}
	return valid;
}

/* Nobody means the control characters of ISO 8859-1 above 127, and every reader shows windows-1252 for it. */
static const char *meant(const char *charset)
{
	return tact_text_equal_nocase(charset, "iso-8859-1") ? "windows-1252" : charset;
}

static bool is_utf8_name(const char *charset)
{
	return charset == NULL || tact_text_equal_nocase(charset, "utf-8") ||
	       tact_text_equal_nocase(charset, "utf8") || tact_text_equal_nocase(charset, "us-ascii") ||
	       tact_text_equal_nocase(charset, "ascii");
}

/* Many a program says us-ascii, or nothing, and writes UTF-8. */
static const char *take_off_charset(struct facts_text *decoded, const char *charset, struct facts_text *ret)
{
	static const char undecodable[] = "a part has bytes that its character set does not have";
	if (is_utf8_name(charset))
		return put_utf8(ret, decoded->data, decoded->size) ? NULL : undecodable;
	iconv_t cd = (iconv_t)-1;
	if (facts_is_known_charset(charset, strlen(charset)))
		cd = g_mime_iconv_open("UTF-8", meant(charset));
	if (cd == (iconv_t)-1) {
		put_utf8(ret, decoded->data, decoded->size);
		return "character set of a part is not known";
	}
	struct facts_text wide = {NULL, 0, 0};
	bool valid = convert(cd, &wide, decoded->data, decoded->size);
	valid = put_utf8(ret, wide.data, wide.size) && valid;
	facts_text_free(&wide);
	g_mime_iconv_close(cd);
	return valid ? NULL : undecodable;
}

const char *facts_decode_part(
    const char *data, size_t size, const char *encoding, const char *charset, struct facts_text *ret)
{
	struct facts_text decoded = {NULL, 0, 0};
	const char *wrong = facts_take_off_encoding(data, size, encoding, &decoded);
	const char *foreign = take_off_charset(&decoded, charset, ret);
	facts_text_free(&decoded);
	return wrong != NULL ? wrong : foreign;
}

/* ---- what is seen -------------------------------------------------------------------------------------- */

/* U+200E and U+200F, U+202A to U+202E, U+2066 to U+2069: which way to write, three bytes each. */
static bool is_direction(const char *data)
{
	unsigned char last = (unsigned char)data[2];

	if (memcmp(data, "\xE2\x80", 2) == 0)
		return last == 0x8E || last == 0x8F || (last >= 0xAA && last <= 0xAE);
	return memcmp(data, "\xE2\x81", 2) == 0 && last >= 0xA6 && last <= 0xA9;
}

/* Length of the character at DATA when it takes no room on paper (soft hyphen, zero-width space and joiners,
 * grapheme joiner, word joiner, byte order mark, directions), else 0. */
static size_t invisible_length(const char *data, size_t size)
{
	static const char *const invisible[] = {"\xC2\xAD", "\xE2\x80\x8B", "\xE2\x80\x8C", "\xE2\x80\x8D",
	    "\xCD\x8F", "\xE2\x81\xA0", "\xEF\xBB\xBF"};
	if (*data == '\r')
		return 1;
	for (size_t i = 0; i < sizeof invisible / sizeof *invisible; i++) {
		size_t length = strlen(invisible[i]);
		if (size >= length && memcmp(data, invisible[i], length) == 0)
			return length;
	}
	return size >= 3 && is_direction(data) ? 3 : 0;
}

/* U+00A0, U+202F, U+2007. */
static size_t no_break_length(const char *data, size_t size)
{
	if (size >= 2 && memcmp(data, "\xC2\xA0", 2) == 0)
		return 2;
	return size >= 3 && (memcmp(data, "\xE2\x80\xAF", 3) == 0 || memcmp(data, "\xE2\x80\x87", 3) == 0)
		   ? 3
		   : 0;
}

static bool is_plain(char c)
{
	return (unsigned char)c < 0x80 && c != '\r';
}

/* Combining marks begin with these bytes in UTF-8. */
static bool has_marks(const char *data, size_t size)
{
	return memchr(data, 0xCC, size) != NULL || memchr(data, 0xCD, size) != NULL;
}

static void put_composed(struct facts_text *ret, const char *data, size_t size)
{
	size_t length = 0;
	uint8_t *composed = has_marks(data, size)
				? u8_normalize(UNINORM_NFC, (const uint8_t *)data, size, NULL, &length)
				: NULL;
	facts_text_put(
	    ret, composed == NULL ? data : (const char *)composed, composed == NULL ? size : length);
	free(composed);
}

void facts_put_visible(struct facts_text *ret, const char *data, size_t size)
{
	const char *end = data + size;
	struct facts_text seen = {NULL, 0, 0};
	while (data < end) {
		const char *from = data;
		while (data < end && is_plain(*data))
			data++;
		facts_text_put(&seen, from, (size_t)(data - from));
		if (data == end)
			break;
		size_t left = (size_t)(end - data), gone = invisible_length(data, left);
		size_t space = gone > 0 ? 0 : no_break_length(data, left);
		if (space > 0)
			facts_text_put(&seen, " ", 1);
		else if (gone == 0)
			facts_text_put(&seen, data, 1);
		data += gone > 0 ? gone : space > 0 ? space : 1;
	}
	put_composed(ret, seen.size > 0 ? seen.data : "", seen.size);
	facts_text_free(&seen);
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Header values that need a MIME library: encoded words, mailbox lists, content types. What is collected from
 * which header is message.c's, and what stands in the body content.c's.
 */
#include <config.h>

#include "internal.h"

#include <gmime/gmime.h>
#include <pthread.h>
#include <string.h>

/* Nobody writes these by hand longer than this; GMime's time for a From grows faster than its length. */
#define VALUE_MAX 16384

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start(void)
{
	g_mime_init();
}

void facts_start_gmime(void)
{
	pthread_once(&once, start);
}

/* ---- character sets ------------------------------------------------------------------------------------ */

/* GMime remembers every name of a character set it ever met, so names from outside would fill the memory:
 * others are read as UTF-8. */
static const char *const charsets[] = {"us-ascii", "ascii", "utf-8", "utf8", "iso-8859-1", "iso-8859-2",
    "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8", "iso-8859-8-i",
    "iso-8859-9", "iso-8859-10", "iso-8859-11", "iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16",
    "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1255",
    "windows-1256", "windows-1257", "windows-1258", "windows-874", "cp1250", "cp1251", "cp1252", "cp437",
    "cp850", "cp866", "koi8-r", "koi8-u", "gb2312", "gbk", "gb18030", "hz-gb-2312", "big5", "big5-hkscs",
    "euc-jp", "euc-kr", "euc-tw", "iso-2022-jp", "iso-2022-kr", "shift_jis", "shift-jis", "sjis",
    "ks_c_5601-1987", "tis-620", "macintosh"};

bool facts_is_known_charset(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof charsets / sizeof *charsets; i++) {
		if (strlen(charsets[i]) == length && tact_text_starts_nocase(name, charsets[i]))
			return true;
	}
	return false;
}

/* Copies from just behind "=?" the name up to the next '?', or "utf-8" for one not known. RFC 2231 lets
 * "*language" follow it. */
static const char *copy_charset(const char *from, char **to)
{
	size_t length = strcspn(from, "? \t");
	bool word = from[length] == '?';
	bool known = !word || facts_is_known_charset(from, strcspn(from, "*? \t"));
	*to = mempcpy(*to, known ? from : "utf-8", known ? length : 5);
	return from + length;
}

/* The value with no character set in its encoded words that we do not know. */
static char *with_known_charsets(struct tact_arena *arena, const char *raw)
{
	char *copy = tact_arena_alloc(arena, 4 * strlen(raw) + 1); /* "=??" grows most: to "=?utf-8?" */
	char *to = copy;
	while (*raw != '\0') {
		bool word = raw[0] == '=' && raw[1] == '?';
		to = mempcpy(to, raw, word ? 2 : 1);
		raw += word ? 2 : 1;
		if (word)
			raw = copy_charset(raw, &to);
	}
	return copy;
}

/* ---- text ---------------------------------------------------------------------------------------------- */

/* An encoded word can hide a line end. */
static const char *without_controls(char *text)
{
	for (char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7F)
			*c = ' ';
	}
	return text;
}

const char *facts_decode_text(struct tact_arena *arena, const char *raw)
{
	if (tact_text_is_ascii(raw) && strstr(raw, "=?") == NULL)
		return without_controls(tact_arena_strdup(arena, raw));
	facts_start_gmime();
	char *decoded = strlen(raw) > VALUE_MAX
			    ? g_strdup(raw)
			    : g_mime_utils_header_decode_text(NULL, with_known_charsets(arena, raw));
	char *valid = g_utf8_make_valid(decoded, -1);
	char *copy = tact_arena_strdup(arena, valid);
	g_free(valid);
	g_free(decoded);
	return without_controls(copy);
}

/* ---- mailboxes ----------------------------------------------------------------------------------------- */

/* Walks over a value as RFC 5322 tokens: what stands in quoted strings and comments is passed over. */
struct walk {
	const char *at;
	size_t comments; /* how deep */
	bool quoted, in_angle;
	bool broken; /* something is closed that was not open, or opened twice */
};

static void step_outside(struct walk *walk, size_t *ats)
{
	char c = *walk->at;
	*ats += c == '@';
	if (c == '<' || c == '>') {
		walk->broken = walk->broken || walk->in_angle != (c == '>');
		walk->in_angle = c == '<';
	} else if (c == '(') {
		walk->comments++;
	} else if (c == '"') {
		walk->quoted = true;
	}
}

static void step(struct walk *walk, size_t *ats)
{
	char c = *walk->at;
	bool inside = walk->quoted || walk->comments > 0;
	if (!inside)
		step_outside(walk, ats);
	else if (c == '\\' && walk->at[1] != '\0')
		walk->at++;
	else if (walk->quoted)
		walk->quoted = c != '"';
	else if (c == '(')
		walk->comments++;
	else if (c == ')')
		walk->comments--;
	walk->at++;
}

/* How many '@' stand in a value, or 0 when its quotes, comments and brackets are not in order. GMime is
 * lenient: it passes over what stands behind "a@b; c@d" and "a@b@c". Its strict mode would not do: it leaks
 * memory with each value it refuses. */
static size_t count_ats(const char *raw)
{
	struct walk walk = {.at = raw};
	size_t ats = 0;
	while (*walk.at != '\0')
		step(&walk, &ats);
	return walk.quoted || walk.comments > 0 || walk.in_angle || walk.broken ? 0 : ats;
}

/* 0 as soon as a group is among them: RFC 6854 lets one stand in From, but nobody is named by it. */
static size_t count_mailboxes(InternetAddressList *list)
{
	int length = list == NULL ? 0 : internet_address_list_length(list);
	for (int i = 0; i < length; i++) {
		if (!INTERNET_ADDRESS_IS_MAILBOX(internet_address_list_get_address(list, i)))
			return 0;
	}
	return (size_t)length;
}

/* One mailbox has one '@'; more were written than GMime read, or it read more than were written. */
size_t facts_parse_mailboxes(struct tact_arena *arena, const char *raw, const char **ret_first)
{
	size_t ats = strlen(raw) > VALUE_MAX ? 0 : count_ats(raw);
	if (ats != 1)
		return ats;
	facts_start_gmime();
	InternetAddressList *list = internet_address_list_parse(NULL, with_known_charsets(arena, raw));
	size_t count = count_mailboxes(list);
	if (count == 1) {
		InternetAddress *first = internet_address_list_get_address(list, 0);
		const char *address = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(first));
		count = strstr(address, "=?") == NULL; /* an address has no encoded words (RFC 2047 §5) */
		*ret_first = tact_arena_strdup(arena, address);
	}
	if (list != NULL)
		g_object_unref(list);
	return count;
}

/* ---- content type -------------------------------------------------------------------------------------- */

/* Of the type alone: parameters could name character sets without end. */
bool facts_is_report(struct tact_arena *arena, const char *content_type)
{
	size_t length = strcspn(content_type, ";");
	if (length > VALUE_MAX || strcasestr(content_type, "report") == NULL) /* the most by far */
		return false;
	facts_start_gmime();
	GMimeContentType *type =
	    g_mime_content_type_parse(NULL, tact_arena_strndup(arena, content_type, length));
	bool report = g_mime_content_type_is_type(type, "multipart", "report");
	g_object_unref(type);
	return report;
}

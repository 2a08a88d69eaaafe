/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * One mail address: is it one, and what is its canonical form (RFC 5321 §4.1.2, RFC 6531 §3.3). Knows nothing
 * of header syntax: display names, comments and lists are header.c's; what follows the '@' is domain.c's.
 */
#include <config.h>

#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

#define ADDRESS_MAX 4096

/* An address taken apart: the local part without its quotes and escapes. */
struct parts {
	char *local;
	size_t local_length;
	const char *domain;
};

static int refuse(struct tact_error *err, const char *text)
{
	return tact_error_set(err, TACT_INVALID, "%s", text);
}

/* ---- text ---------------------------------------------------------------------------------------------- */

bool facts_is_utf8(const char *text)
{
	return u8_check((const uint8_t *)text, strlen(text)) == NULL;
}

static bool is_ascii(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)text[i] >= 0x80)
			return false;
	}
	return true;
}

static char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Takes over what libunistring made: those buffers have no final NUL. */
static char *adopt(struct tact_arena *arena, uint8_t *made, size_t length)
{
	if (made == NULL)
		return NULL;
	char *copy = tact_arena_strndup(arena, (const char *)made, length);
	free(made);
	return copy;
}

char *facts_lower(struct tact_arena *arena, const char *text, size_t length, bool nfc)
{
	size_t made = 0;
	if (!is_ascii(text, length)) {
		uninorm_t form = nfc ? UNINORM_NFC : NULL;
		uint8_t *lower = u8_tolower((const uint8_t *)text, length, NULL, form, NULL, &made);
		return adopt(arena, lower, made);
	}
	char *copy = tact_arena_strndup(arena, text, length);
	for (size_t i = 0; i < length; i++)
		copy[i] = ascii_lower(copy[i]);
	return copy;
}

static char *normalise(struct tact_arena *arena, const char *text, size_t length)
{
	size_t made = 0;
	if (is_ascii(text, length))
		return tact_arena_strndup(arena, text, length);
	uint8_t *normal = u8_normalize(UNINORM_NFC, (const uint8_t *)text, length, NULL, &made);
	return adopt(arena, normal, made);
}

/* C0, DEL, C1, and the two separators that some programs take for line ends. */
static bool is_control(ucs4_t c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029;
}

static int check_characters(const char *text, size_t length, struct tact_error *err)
{
	const uint8_t *at = (const uint8_t *)text;
	const uint8_t *end = at + length;
	while (at < end) {
		ucs4_t c;
		int step = u8_mbtoucr(&c, at, (size_t)(end - at));
		if (step <= 0)
			return refuse(err, "the address is not valid UTF-8");
		if (is_control(c))
			return refuse(err, "the address has a control character");
		at += step;
	}
	return TACT_OK;
}

bool facts_is_clean(const char *text)
{
	return check_characters(text, strlen(text), NULL) == TACT_OK;
}

/* ---- taking apart -------------------------------------------------------------------------------------- */

/* Letters and digits first: nearly all are. */
static bool is_ascii_atext(char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'))
		return true;
	switch (c) {
	case '!':
	case '#':
	case '$':
	case '%':
	case '&':
	case '\'':
	case '*':
	case '+':
	case '-':
	case '/':
	case '=':
	case '?':
	case '^':
	case '_':
	case '`':
	case '{':
	case '|':
	case '}':
	case '~':
		return true;
	default:
		return false;
	}
}

static bool is_atext(char c)
{
	return (unsigned char)c >= 0x80 || is_ascii_atext(c);
}

static bool is_dot_atom(const char *text)
{
	char before = '.';
	for (; *text != '\0'; before = *text++) {
		if (*text == '.' ? before == '.' : !is_atext(*text))
			return false;
	}
	return before != '.';
}

static int refuse_in_local(char c, struct tact_error *err)
{
	if (c == '\0')
		return refuse(err, "the address has no '@'");
	if (c == '(' || c == ')')
		return refuse(err, "comments are not accepted in an address");
	if (c == '"')
		return refuse(err, "a quoted local part must be quoted as a whole");
	return tact_error_set(err, TACT_INVALID, "'%c' must be quoted in a local part", c);
}

/* local@ up to the '@'; on TACT_OK *ret_at stands on it. */
static int take_dot_atom(char *text, struct parts *parts, const char **ret_at, struct tact_error *err)
{
	size_t length = 0;
	while (is_atext(text[length]) || text[length] == '.')
		length++;
	if (text[length] != '@')
		return refuse_in_local(text[length], err);
	if (length == 0)
		return refuse(err, memchr(text, ':', strcspn(text, "[")) != NULL
				       ? "source routes are not accepted"
				       : "nothing stands before the '@'");
	*ret_at = text + length;
	parts->local = text;
	parts->local_length = length;
	if (text[0] == '.' || text[length - 1] == '.' || memmem(text, length, "..", 2) != NULL)
		return refuse(
		    err, "a dot at the start, at the end or beside another in the local part must be quoted");
	return TACT_OK;
}

/* "local"@: the quotes and backslashes go, in place, so that all spellings of one mailbox become one. */
static int take_quoted(char *text, struct parts *parts, const char **ret_at, struct tact_error *err)
{
	const char *from = text + 1;
	char *to = text;
	for (; *from != '"'; from++) {
		bool escaped = *from == '\\';
		if (escaped)
			from++;
		if (*from == '\0')
			return refuse(err, "the quoted local part does not end");
		if (escaped && (unsigned char)*from >= 0x80)
			return refuse(err, "only ASCII can follow a backslash");
		*to++ = *from;
	}
	parts->local = text;
	parts->local_length = (size_t)(to - text);
	*ret_at = from + 1;
	if (from[1] == '.')
		return refuse(err, "a local part of several words is an obsolete form and not accepted");
	return from[1] == '@' ? TACT_OK : refuse(err, "the quoted local part must be followed by '@'");
}

static int take_apart(char *text, struct parts *parts, struct tact_error *err)
{
	const char *at = text;
	int result =
	    text[0] == '"' ? take_quoted(text, parts, &at, err) : take_dot_atom(text, parts, &at, err);
	if (result == TACT_OK)
		parts->domain = at + 1;
	return result;
}

/* ---- the local part ------------------------------------------------------------------------------------ */

static bool is_listed(const char *const *domains, size_t count, const char *domain)
{
	for (size_t i = 0; i < count; i++) {
		if (tact_text_equal_nocase(domains[i], domain))
			return true;
	}
	return false;
}

static void cut_tag(char *local)
{
	char *plus = strchr(local, '+');
	if (plus != NULL && plus != local)
		*plus = '\0';
}

static void drop_dots(char *local)
{
	if (strspn(local, ".") == strlen(local))
		return; /* never leave nothing */
	char *to = local;
	for (const char *from = local; *from != '\0'; from++) {
		if (*from != '.')
			*to++ = *from;
	}
	*to = '\0';
}

static char *quote(struct tact_arena *arena, const char *local)
{
	char *quoted = tact_arena_alloc(arena, 2 * strlen(local) + 3);
	char *to = quoted;
	*to++ = '"';
	for (; *local != '\0'; local++) {
		if (*local == '"' || *local == '\\')
			*to++ = '\\';
		*to++ = *local;
	}
	*to = '"';
	return quoted;
}

/* In normal form before folding, so that '+' and '.' are what they look like, and again after, since a dot
 * may have stood between a letter and its accent. Quoted or not is asked of the result: NFC can turn a letter
 * into ';' (U+037E), and folding can take the dot away that needed quotes. */
static int canonical_local(struct tact_arena *arena, const struct parts *parts, const char *domain,
    const struct tact_canonical_profile *profile, char **ret, struct tact_error *err)
{
	char *local = normalise(arena, parts->local, parts->local_length);
	if (local != NULL && is_listed(profile->plus_domains, profile->plus_domains_count, domain))
		cut_tag(local);
	if (local != NULL && is_listed(profile->dot_domains, profile->dot_domains_count, domain))
		drop_dots(local);
	if (local != NULL)
		local = profile->fold_local_case ? facts_lower(arena, local, strlen(local), true)
						 : normalise(arena, local, strlen(local));
	if (local == NULL)
		return refuse(err, "the local part cannot be normalised");
	int result = facts_check_local_is_seen(local, err);
	if (result == TACT_OK)
		*ret = is_dot_atom(local) ? local : quote(arena, local);
	return result;
}

/* ---- ordinary addresses ---------------------------------------------------------------------------------
 */

/* What each octet may be in one: asked of every octet of millions of addresses. */
enum { ATEXT = 1, LABEL = 2 };
static uint8_t octet_uses[256];

/* Before main: nothing to be asked for each address. */
__attribute__((constructor)) static void find_octet_uses(void)
{
	for (int c = 0; c < 256; c++)
		octet_uses[c] = (uint8_t)((is_ascii_atext((char)c) ? ATEXT : 0) |
					  (facts_is_label_character(ascii_lower((char)c)) ? LABEL : 0));
}

static bool may_be(char c, int use)
{
	return (octet_uses[(unsigned char)c] & use) != 0;
}

/* Of a dot-atom in ASCII before an '@'; 0 of anything else. */
static size_t ordinary_local(const char *text)
{
	size_t n = 0;

	while (may_be(text[n], ATEXT) || (text[n] == '.' && n > 0 && text[n - 1] != '.'))
		n++;
	return text[n] == '@' && n > 0 && text[n - 1] != '.' ? n : 0;
}

/* Of a domain that is what it looks like, in any case; 0 of anything else. Two hyphens may be IDNA's. */
static size_t ordinary_domain(const char *text)
{
	size_t n = 0, label = 0;

	for (;; n++) {
		if (may_be(text[n], LABEL) && (text[n] != '-' || (label > 0 && text[n - 1] != '-'))) {
			label++;
			continue;
		}
		if ((text[n] != '.' && text[n] != '\0') || label == 0 || label > FACTS_LABEL_MAX ||
		    text[n - 1] == '-')
			return 0;
		if (text[n] == '\0')
			return n <= FACTS_DOMAIN_MAX ? n : 0;
		label = 0;
	}
}

/* A length that is known lets the compiler take many at a time. */
static void lower_ascii(char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		text[i] = ascii_lower(text[i]);
}

/* The local part without what its domain ignores. False when that is no dot-atom any more. */
static bool strip_local(
    struct tact_arena *arena, const struct tact_canonical_profile *profile, struct tact_address *address)
{
	bool plus = is_listed(profile->plus_domains, profile->plus_domains_count, address->domain),
	     dots = is_listed(profile->dot_domains, profile->dot_domains_count, address->domain);
	char *local = (char *)address->local;

	if (!plus && !dots)
		return true;
	if (plus)
		cut_tag(local);
	if (dots)
		drop_dots(local);
	address->canonical = tact_arena_printf(arena, "%s@%s", local, address->domain);
	return is_dot_atom(local);
}

/* What nearly all addresses are, in one look: exactly what the long way makes of them, which takes all for
 * which this answers false. */
static bool parse_ordinary(struct tact_arena *arena, const char *given,
    const struct tact_canonical_profile *profile, struct tact_address *ret)
{
	size_t local = ordinary_local(given), domain = local > 0 ? ordinary_domain(given + local + 1) : 0;
	struct tact_address address = {.given = given};
	char *lower, *canonical;

	if (domain == 0)
		return false;
	lower = canonical = tact_arena_copy(arena, given, local + 1 + domain + 1);
	lower_ascii(lower, local + 1 + domain);
	if (!profile->fold_local_case) {
		canonical = tact_arena_copy(arena, lower, local + 1 + domain + 1);
		memcpy(canonical, given, local);
	}
	address.plain = lower;
	address.canonical = canonical;
	address.domain = canonical + local + 1;
	address.local = tact_arena_strndup(arena, canonical, local);
	if (!strip_local(arena, profile, &address))
		return false;
	*ret = address;
	return true;
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The address without blanks around it and without <>. */
static int unwrap(struct tact_arena *arena, const char *text, char **ret, struct tact_error *err)
{
	while (is_blank(*text))
		text++;
	size_t length = strlen(text);
	while (length > 0 && is_blank(text[length - 1]))
		length--;
	if (length > 0 && text[0] == '<') {
		if (length < 2 || text[length - 1] != '>')
			return refuse(err, "'<' without '>' at the end");
		text++;
		length -= 2;
	}
	if (length == 0)
		return refuse(err, "the address is empty");
	if (length > ADDRESS_MAX)
		return refuse(err, "the address is longer than 4096 octets");
	*ret = tact_arena_strndup(arena, text, length);
	return TACT_OK;
}

static int make_canonical(struct tact_arena *arena, const struct parts *parts,
    const struct tact_canonical_profile *profile, struct tact_address *address, struct tact_error *err)
{
	char *domain = NULL, *local = NULL;
	int result = parts->domain[0] == '[' ? facts_canonical_literal(arena, parts->domain, &domain, err)
					     : tact_facts_parse_domain(arena, parts->domain, &domain, err);
	if (result == TACT_OK)
		result = canonical_local(arena, parts, domain, profile, &local, err);
	if (result != TACT_OK)
		return result;
	/* Normal forms can be longer than what they came from; the canonical form must itself be an address.
	 */
	if (strlen(local) + 1 + strlen(domain) > ADDRESS_MAX)
		return refuse(err, "the address is longer than 4096 octets");
	address->local = local;
	address->domain = domain;
	address->canonical = tact_arena_printf(arena, "%s@%s", local, domain);
	return TACT_OK;
}

static int parse_any(struct tact_arena *arena, const char *given,
    const struct tact_canonical_profile *profile, struct tact_address *ret, struct tact_error *err)
{
	struct tact_address address = {0};
	struct parts parts = {0};
	int result = check_characters(given, strlen(given), err);
	if (result == TACT_OK)
		result = take_apart(tact_arena_strdup(arena, given), &parts, err);
	if (result == TACT_OK)
		result = make_canonical(arena, &parts, profile, &address, err);
	if (result != TACT_OK)
		return result;
	address.given = given;
	address.plain = facts_lower(arena, given, strlen(given), false);
	if (address.plain == NULL)
		return refuse(err, "the address cannot be lower-cased");
	*ret = address;
	return TACT_OK;
}

int tact_facts_parse_address(struct tact_arena *arena, const char *text,
    const struct tact_canonical_profile *profile, struct tact_address *ret, struct tact_error *err)
{
	char *given = NULL;
	int result = unwrap(arena, text, &given, err);
	if (result != TACT_OK || parse_ordinary(arena, given, profile, ret))
		return result;
	return parse_any(arena, given, profile, ret, err);
}

int facts_parse_address_the_long_way(struct tact_arena *arena, const char *text,
    const struct tact_canonical_profile *profile, struct tact_address *ret, struct tact_error *err)
{
	char *given = NULL;
	int result = unwrap(arena, text, &given, err);
	return result == TACT_OK ? parse_any(arena, given, profile, ret, err) : result;
}

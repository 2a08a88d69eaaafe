/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the files of the facts room tell one another. No other room includes this.
 */
#ifndef FACTS_INTERNAL_H
#define FACTS_INTERNAL_H

#include <tact/facts.h>

/* ---- address.c ---- */

/* Unicode lower case of valid UTF-8, in no particular language; with NFC when asked. NULL when the text
 * cannot be mapped. */
char *facts_lower(struct tact_arena *arena, const char *text, size_t length, bool nfc);
bool facts_is_utf8(const char *text);
/* Valid UTF-8 without control characters. */
bool facts_is_clean(const char *text);

/* tact_facts_parse_address without its short cut for ordinary addresses: what a test holds that against. */
int facts_parse_address_the_long_way(struct tact_arena *arena, const char *text,
    const struct tact_canonical_profile *profile, struct tact_address *ret, struct tact_error *err);

/* ---- domain.c ---- */

/* Octets, RFC 5321 §4.5.3.1.2 and RFC 1035 §2.3.4. */
#define FACTS_DOMAIN_MAX 253
#define FACTS_LABEL_MAX 63

/* Of an A-label or one that needs none, in lower case. */
bool facts_is_label_character(char c);

/* A canonical domain as people write it, in U-labels; NULL when that is the same, or cannot be told. */
char *facts_displayed_domain(struct tact_arena *arena, const char *domain);
/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 §4.1.3), in the one spelling inet_ntop gives; TACT_INVALID
 * for what is neither. */
int facts_canonical_literal(struct tact_arena *arena, const char *text, char **ret, struct tact_error *err);

/* ---- unseen.c ---- */

/* TACT_INVALID, with the code point named, for a local part with a blank other than ASCII's or a character
 * that is not seen: formats (Cf), what is ignored by default, separators (Z), no characters. The joiners
 * U+200C and U+200D may stand where RFC 5892 lets them, U+200D and U+FE0F where a picture needs them, and
 * formats that are drawn anywhere. Both take valid UTF-8. */
int facts_check_local_is_seen(const char *local, struct tact_error *err);
/* The same for a blank in a domain, where IDNA passes over what is not seen. */
int facts_check_domain_has_no_blank(const char *domain, struct tact_error *err);

/* ---- key.c ---- */

/* Lower-case hex without an arena, since secrets must not stay in one. ret holds 2 × size_bytes + 1. */
void facts_format_hex(const uint8_t *data, size_t size_bytes, char *ret);

/* ---- network.c ---- */

/* Text of an IPv4 or IPv6 address, IPv4 mapped into IPv6. */
bool facts_parse_ip(const char *text, uint8_t ret[16], bool *ret_is_ipv4);

/* ---- message.c ---- */

size_t facts_count_header(const struct tact_message *message, const char *name);

/* ---- header.c: what only GMime can read of a header value ---- */

/* RFC 2047 decoded unless longer than 16 KiB; valid UTF-8, control characters made spaces. */
const char *facts_decode_text(struct tact_arena *arena, const char *raw);
/* How many mailboxes a From value names, and the address of the first. Groups and what cannot be read count
 * as none. */
size_t facts_parse_mailboxes(struct tact_arena *arena, const char *raw, const char **ret_first);
bool facts_is_report(struct tact_arena *arena, const char *content_type);
/* GMime may be used from here on. */
void facts_start_gmime(void);
/* Of those that GMime is let know; in any case. */
bool facts_is_known_charset(const char *name, size_t length);

/* ---- decode.c: the bytes of one part made text ---- */

/* Text on its way, growing; freed by its owner. Always NUL-terminated once something was put. */
struct facts_text {
	char *data;
	size_t size, room;
};
void facts_text_put(struct facts_text *text, const char *data, size_t size);
void facts_text_free(struct facts_text *text);

/* Takes off a transfer encoding alone (NULL: none). Answers what was wrong, or NULL. */
const char *facts_take_off_encoding(
    const char *data, size_t size, const char *encoding, struct facts_text *ret);
/* Takes off a transfer encoding (NULL: none) and the character set (NULL: none named), appending UTF-8
 * without NUL bytes. Answers why some of it could not be decoded, or NULL; then the rest was put all the
 * same. */
const char *facts_decode_part(
    const char *data, size_t size, const char *encoding, const char *charset, struct facts_text *ret);
/* Appends without what nobody sees (carriage returns, zero-width characters), with plain spaces for no-break
 * ones, composed (NFC). */
void facts_put_visible(struct facts_text *ret, const char *data, size_t size);

/* ---- heads.c: where a pattern may match ---- */

struct facts_heads {
	uint8_t classes[256];
	uint8_t possible[4096];	 /* a bit for each three classes */
	uint8_t characters[256]; /* a bit for each character of two bytes of UTF-8 */
};
/* May a match begin with these bytes, whatever stands behind them? They are whole characters; nothing stands
 * before them. */
typedef bool facts_may_begin(const void *pattern, const char *head, size_t length);
void facts_heads_make(struct facts_heads *ret, facts_may_begin *may_begin, const void *pattern);
/* The first place at or after FROM in valid UTF-8 where a match may begin, not within a word ([A-Za-z0-9]);
 * LENGTH when there is none. */
size_t facts_heads_next(const struct facts_heads *heads, const char *text, size_t length, size_t from);

/* ---- sets.c ---- */

/* Patterns, and what is found sooner than they are. */
struct facts_group {
	/* A pattern that is found wherever one of the group is; NULL: none. */
	const char *gate;
	/* The gate's match is not empty and begins where no word ([A-Za-z0-9]) goes on; of what stands before
	 * it the gate asks for nothing but what must not. */
	bool heads;
	const char *const *patterns;
	size_t count;
};
#define FACTS_GROUPS_MAX 2
struct facts_set {
	const char *name;
	struct facts_group groups[FACTS_GROUPS_MAX];
};
/* NULL for a name that is none. */
const struct facts_set *facts_find_set(const char *name);

/* ---- html.c ---- */

/* Appends what a reader sees of valid UTF-8. Answers why some of it could not be read, or NULL. */
const char *facts_html_to_text(const char *html, size_t size, struct facts_text *ret);

#endif

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Characters that nobody sees: what makes two addresses of one that looks the same. Knows nothing of what
 * else an address may be.
 *
 * RFC 6531 lets a local part have nearly any character. What may name somebody is PRECIS's matter (RFC 8264),
 * whose IdentifierClass no mail system is held to; of it this is the part without which a person gets lost.
 */
#include <config.h>

#include "internal.h"

#include <unictype.h>
#include <unistr.h>

#define NON_JOINER 0x200C
#define JOINER 0x200D
#define EMOJI_STYLE 0xFE0F /* the variation that asks for the picture in colour */
#define KEYCAP 0x20E3

static bool is_blank(ucs4_t c)
{
	return c >= 0x80 && uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Z);
}

/* Formats that are drawn, beneath or before what follows: Prepended_Concatenation_Mark, a property that
 * libunistring does not tell. */
static bool is_drawn(ucs4_t c)
{
	return (c >= 0x0600 && c <= 0x0605) || c == 0x06DD || c == 0x070F || c == 0x0890 || c == 0x0891 ||
	       c == 0x08E2 || c == 0x110BD || c == 0x110CD;
}

/* The byte order mark read the wrong way round is no character at all. */
static bool is_unseen(ucs4_t c)
{
	return c >= 0x80 && !is_drawn(c) &&
	       (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Z | UC_CATEGORY_MASK_Cf) ||
		   uc_is_property_default_ignorable_code_point(c) || uc_is_property_not_a_character(c));
}

static bool follows_virama(const uint8_t *at, const uint8_t *start)
{
	ucs4_t before;

	return u8_prev(&before, at, start) != NULL && uc_combining_class(before) == UC_CCC_VR;
}

/* Letters on both sides would join but for it, whatever marks stand between. */
static bool parts_letters(const uint8_t *at, const uint8_t *behind, const uint8_t *start)
{
	int left = UC_JOINING_TYPE_T, right = UC_JOINING_TYPE_T;
	ucs4_t c;

	while (left == UC_JOINING_TYPE_T && (at = u8_prev(&c, at, start)) != NULL)
		left = uc_joining_type(c);
	while (right == UC_JOINING_TYPE_T && (behind = u8_next(&c, behind)) != NULL)
		right = uc_joining_type(c);
	return (left == UC_JOINING_TYPE_L || left == UC_JOINING_TYPE_D) &&
	       (right == UC_JOINING_TYPE_R || right == UC_JOINING_TYPE_D);
}

/* A picture, whatever skin and style are asked of it (UAX #29, GB11). */
static bool follows_picture(const uint8_t *at, const uint8_t *start)
{
	ucs4_t before = EMOJI_STYLE;

	while ((before == EMOJI_STYLE || uc_is_property_emoji_modifier(before)) && at != NULL)
		at = u8_prev(&before, at, start);
	return at != NULL && uc_is_property_extended_pictographic(before);
}

static bool joins_pictures(const uint8_t *at, const uint8_t *behind, const uint8_t *start)
{
	ucs4_t after;

	return u8_next(&after, behind) != NULL && uc_is_property_extended_pictographic(after) &&
	       follows_picture(at, start);
}

/* Right behind a picture, or within a keycap, whose digit alone would hide it. */
static bool may_style(const uint8_t *at, const uint8_t *behind, const uint8_t *start)
{
	ucs4_t before, after;

	if (u8_prev(&before, at, start) == NULL)
		return false;
	return uc_is_property_extended_pictographic(before) ||
	       (uc_is_property_emoji(before) && u8_next(&after, behind) != NULL && after == KEYCAP);
}

/* The joiners show in what stands beside them, and names are written with them (RFC 5892, A.1 and A.2), as
 * are pictures. */
static bool may_stand(ucs4_t c, const uint8_t *at, const uint8_t *behind, const uint8_t *start)
{
	if (c == EMOJI_STYLE)
		return may_style(at, behind, start);
	if (c == JOINER && joins_pictures(at, behind, start))
		return true;
	if (c == NON_JOINER || c == JOINER)
		return follows_virama(at, start) || (c == NON_JOINER && parts_letters(at, behind, start));
	return !is_unseen(c);
}

static int refuse(ucs4_t c, const char *where, struct tact_error *err)
{
	return tact_error_set(err, TACT_INVALID, "U+%04X in the %s is %s: write the address without it",
	    (unsigned)c, where, is_blank(c) ? "a blank that no address has" : "not to be seen");
}

int facts_check_local_is_seen(const char *local, struct tact_error *err)
{
	const uint8_t *start = (const uint8_t *)local, *behind;
	ucs4_t c;

	for (const uint8_t *at = start; (behind = u8_next(&c, at)) != NULL; at = behind)
		if (!may_stand(c, at, behind, start))
			return refuse(c, "local part", err);
	return TACT_OK;
}

int facts_check_domain_has_no_blank(const char *domain, struct tact_error *err)
{
	ucs4_t c;

	for (const uint8_t *at = (const uint8_t *)domain; (at = u8_next(&c, at)) != NULL;)
		if (is_blank(c))
			return refuse(c, "domain", err);
	return TACT_OK;
}

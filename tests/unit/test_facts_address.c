/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Addresses: tables of what is legal, awkward and refused; canonical forms; profiles.
 */
#include <config.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/facts/internal.h"

static struct tact_arena *arena;

static const char *const plus_domains[] = {"plus.example", "both.example"};
static const char *const dot_domains[] = {"dots.example", "both.example"};
static const struct tact_canonical_profile folding = {true, plus_domains, 2, dot_domains, 2};
static const struct tact_canonical_profile keeping = {.fold_local_case = false};

static void set_up(void)
{
	arena = tact_arena_new();
}

static void tear_down(void)
{
	tact_arena_free(&arena);
}

/* ---- legal --------------------------------------------------------------------------------------------- */

static const struct {
	const char *given, *canonical;
} legal[] = {
    {"ann@example.com", "ann@example.com"},
    {"<ann@example.com>", "ann@example.com"},
    {" \tann@example.com ", "ann@example.com"},
    {"Ann.Smith@Example.COM", "ann.smith@example.com"},
    {"a@b", "a@b"},
    {"a@localhost", "a@localhost"},
    {"a@1.2.3.4", "a@1.2.3.4"},
    {"!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com"},
    {"ann+news@example.com", "ann+news@example.com"},
    {"a@under_score.example.com", "a@under_score.example.com"},
    {"a@x--y.example.com", "a@x--y.example.com"},
    /* quoted local parts */
    {"\"ann\"@example.com", "ann@example.com"},
    {"\"Ann.Smith\"@example.com", "ann.smith@example.com"},
    {"\"\\a\\n\\n\"@example.com", "ann@example.com"},
    {"\"ann smith\"@example.com", "\"ann smith\"@example.com"},
    {"<\"ann smith\"@example.com>", "\"ann smith\"@example.com"},
    {"\"ann\\ smith\"@example.com", "\"ann smith\"@example.com"},
    {"\"a\\\"b\"@example.com", "\"a\\\"b\"@example.com"},
    {"\"a\\\\b\"@example.com", "\"a\\\\b\"@example.com"},
    {"\"a@b\"@example.com", "\"a@b\"@example.com"},
    {"\"<a>\"@example.com", "\"<a>\"@example.com"},
    {"\"a(b)\"@example.com", "\"a(b)\"@example.com"},
    {"\"a,b;c:d\"@example.com", "\"a,b;c:d\"@example.com"},
    {"\"..\"@example.com", "\"..\"@example.com"},
    {"\".ann\"@example.com", "\".ann\"@example.com"},
    {"\"ann.\"@example.com", "\"ann.\"@example.com"},
    {"\"a..b\"@example.com", "\"a..b\"@example.com"},
    {"\"\"@example.com", "\"\"@example.com"},
    {"\" \"@example.com", "\" \"@example.com"},
    {"\"ANN SMITH\"@example.com", "\"ann smith\"@example.com"},
    {"\"\\\\\xc3\xb6\"@example.com", "\"\\\\\xc3\xb6\"@example.com"},
    /* UTF-8: upper case, decomposed, and letters whose normal form is ASCII */
    {"J\xc3\x96RG@example.com", "j\xc3\xb6rg@example.com"},
    {"jo\xcc\x88rg@example.com", "j\xc3\xb6rg@example.com"},
    {"\"j\xc3\xb6rg\"@example.com", "j\xc3\xb6rg@example.com"},
    {"\"j\xc3\xb6rg m\"@example.com", "\"j\xc3\xb6rg m\"@example.com"},
    {"\xe2\x84\xaa@example.com", "k@example.com"},
    {"a\xcd\xbe\x62@example.com", "\"a;b\"@example.com"},
    {"\xe7\x94\xa8\xe6\x88\xb7@example.com", "\xe7\x94\xa8\xe6\x88\xb7@example.com"},
    {"\xc4\xb0@example.com", "i\xcc\x87@example.com"},
    {"\xf0\x9f\x98\x80@example.com", "\xf0\x9f\x98\x80@example.com"},
    /* joiners where they show: Sinhala sri, Persian mikhaham, with a mark between, Bengali */
    {"\xe0\xb7\x81\xe0\xb7\x8a\xe2\x80\x8d\xe0\xb6\xbb@example.com",
	"\xe0\xb7\x81\xe0\xb7\x8a\xe2\x80\x8d\xe0\xb6\xbb@example.com"},
    {"\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae@example.com", "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae@example.com"},
    {"\xd9\x85\xd9\x8e\xe2\x80\x8c\xd9\x8e\xd8\xae@example.com",
	"\xd9\x85\xd9\x8e\xe2\x80\x8c\xd9\x8e\xd8\xae@example.com"},
    {"\xe0\xa6\x95\xe0\xa7\x8d\xe2\x80\x8c\xe0\xa6\xb7@example.com",
	"\xe0\xa6\x95\xe0\xa7\x8d\xe2\x80\x8c\xe0\xa6\xb7@example.com"},
    /* pictures: a heart, one on fire, a family, an astronaut with a skin, a keycap */
    {"i\u2764\ufe0fny@example.com", "i\u2764\ufe0fny@example.com"},
    {"\u2764\ufe0f\u200d\U0001f525@example.com", "\u2764\ufe0f\u200d\U0001f525@example.com"},
    {"\U0001f468\u200d\U0001f469\u200d\U0001f467@example.com",
	"\U0001f468\u200d\U0001f469\u200d\U0001f467@example.com"},
    {"\U0001f469\U0001f3fd\u200d\U0001f680@example.com", "\U0001f469\U0001f3fd\u200d\U0001f680@example.com"},
    {"ann1\ufe0f\u20e3@example.com", "ann1\ufe0f\u20e3@example.com"},
    /* formats that are drawn */
    {"\u0600\u0661@example.com", "\u0600\u0661@example.com"},
    {"\u06dd\u0661@example.com", "\u06dd\u0661@example.com"},
    {"\u070f\u0710@example.com", "\u070f\u0710@example.com"},
    {"\u08e2\u0661@example.com", "\u08e2\u0661@example.com"},
    {"\U000110bd\U00011083@example.com", "\U000110bd\U00011083@example.com"},
    /* domains */
    {"a@b\xc3\xbc"
     "cher.example",
	"a@xn--bcher-kva.example"},
    {"a@B\xc3\x9c"
     "CHER.example",
	"a@xn--bcher-kva.example"},
    {"a@bu\xcc\x88"
     "cher.example",
	"a@xn--bcher-kva.example"},
    {"a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example"},
    {"a@stra\xc3\x9f"
     "e.example",
	"a@xn--strae-oqa.example"},
    {"a@\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "a@xn--r8jz45g.xn--zckzah"},
    {"a@\xef\xbd\x85xample.com", "a@example.com"},
    {"a@a\xe3\x80\x82"
     "b.example",
	"a@a.b.example"},
    /* literals */
    /* IDNA passes over what is not seen */
    {"a@ex\xc2\xad"
     "ample.com",
	"a@example.com"},
    {"a@example.com\xef\xbb\xbf", "a@example.com"},
    {"a@[192.0.2.1]", "a@[192.0.2.1]"},
    {"a@[IPv6:2001:DB8:0:0::1]", "a@[IPv6:2001:db8::1]"},
    {"a@[ipv6:::1]", "a@[IPv6:::1]"},
    /* one host, whichever way it is written */
    {"a@[IPv6:::ffff:192.0.2.1]", "a@[192.0.2.1]"},
    {"a@[ipv6:0:0:0:0:0:FFFF:c000:201]", "a@[192.0.2.1]"},
    {"a@[IPv6:::192.0.2.1]", "a@[IPv6:::192.0.2.1]"},
    /* no name by IDNA2008, and one that gets mail: U+2603, U+1F4A9, and beside others */
    {"ann@xn--n3h.net", "ann@xn--n3h.net"},
    {"ann@XN--LS8H.la", "ann@xn--ls8h.la"},
    {"ann@www.xn--n3h.xn--bcher-kva.example", "ann@www.xn--n3h.xn--bcher-kva.example"},
    /* folding of listed domains only */
    {"ann+news@plus.example", "ann@plus.example"},
    {"Ann+News+More@PLUS.example", "ann@plus.example"},
    {"+news@plus.example", "+news@plus.example"},
    {"+@plus.example", "+@plus.example"},
    {"a.n.n@plus.example", "a.n.n@plus.example"},
    {"a.n.n@dots.example", "ann@dots.example"},
    {"ann+news@dots.example", "ann+news@dots.example"},
    {"a.n.n+n.e@both.example", "ann@both.example"},
    {"\"a..n\"@dots.example", "an@dots.example"},
    {"\".\"@dots.example", "\".\"@dots.example"},
    {"jo.\xcc\x88rg@dots.example", "j\xc3\xb6rg@dots.example"},
    {"=.\xcc\xb8@dots.example", "\xe2\x89\xa0@dots.example"},
    {"\".+x\"@both.example", "\".\"@both.example"},
    {"\"+.\"@both.example", "+@both.example"},
    {"\"a b+c\"@plus.example", "\"a b\"@plus.example"},
    {"ann+news@sub.plus.example", "ann+news@sub.plus.example"},
};

static void check_canonical(const char *given, const struct tact_canonical_profile *profile, const char *want)
{
	struct tact_address address;
	struct tact_error err = {""};
	int result = tact_facts_parse_address(arena, given, profile, &address, &err);
	ck_assert_msg(
	    result == TACT_OK, "%s: got %s (%s), want %s", given, tact_result_name(result), err.text, want);
	ck_assert_msg(
	    strcmp(address.canonical, want) == 0, "%s: got %s, want %s", given, address.canonical, want);
	const char *joined = tact_arena_printf(arena, "%s@%s", address.local, address.domain);
	ck_assert_msg(strcmp(joined, want) == 0, "%s: got local@domain %s, want %s", given, joined, want);
}

START_TEST(legal_addresses_have_one_canonical_form)
{
	check_canonical(legal[_i].given, &folding, legal[_i].canonical);
	check_canonical(legal[_i].canonical, &folding, legal[_i].canonical);
}
END_TEST

START_TEST(case_is_kept_when_the_profile_says_so)
{
	check_canonical("Ann.Smith+X@Example.COM", &keeping, "Ann.Smith+X@example.com");
	check_canonical("\"Ann\"@Example.COM", &keeping, "Ann@example.com");
	check_canonical("JO\xcc\x88RG@example.com", &keeping, "J\xc3\x96RG@example.com");
}
END_TEST

/* ---- refused ------------------------------------------------------------------------------------------- */

#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123"

static const struct {
	const char *given, *words;
} refused[] = {
    {"", "empty"},
    {"   ", "empty"},
    {"<>", "empty"},
    {"< >", "quoted"},
    {"<ann@example.com", "'>'"},
    {"ann@example.com>", "no domain"},
    {"<<ann@example.com>>", "quoted"},
    {"ann", "no '@'"},
    {"postmaster", "no '@'"},
    {"@", "before the '@'"},
    {"@example.com", "before the '@'"},
    {"@[IPv6:::1]", "before the '@'"},
    {"ann@", "after the '@'"},
    {"@relay.example:ann@example.com", "source routes"},
    {"<@a.example,@b.example:ann@example.com>", "source routes"},
    {"ann(comment)@example.com", "comments"},
    {"(comment)ann@example.com", "comments"},
    {"ann@(comment)example.com", "comments"},
    {"ann@example.com(comment)", "comments"},
    {"ann@example.com (comment)", "comments"},
    {"Ann <ann@example.com>", "quoted"},
    {"ann smith@example.com", "quoted"},
    {"ann @example.com", "quoted"},
    {"ann@ example.com", "no domain"},
    {"ann@example .com", "no domain"},
    {"ann,bob@example.com", "quoted"},
    {"ann;bob@example.com", "quoted"},
    {"ann:bob@example.com", "quoted"},
    {"ann[1]@example.com", "quoted"},
    {"ann\\bob@example.com", "quoted"},
    {"ann>@example.com", "quoted"},
    {"a\"b\"@example.com", "as a whole"},
    {"\"a\".b@example.com", "obsolete"},
    {"a.\"b\"@example.com", "as a whole"},
    {"\"a\"b@example.com", "followed by '@'"},
    {"\"a\"", "followed by '@'"},
    {"\"a@example.com", "does not end"},
    {"\"a\\", "does not end"},
    {"\"a\\\"@example.com", "does not end"},
    {"\"", "does not end"},
    {"\"a\\\xc3\xb6\"@example.com", "only ASCII"},
    {".ann@example.com", "dot"},
    {"ann.@example.com", "dot"},
    {"a..b@example.com", "dot"},
    {".@example.com", "dot"},
    {"ann@bob@example.com", "no domain"},
    {"ann@@example.com", "no domain"},
    {"ann@.example.com", "dot too many"},
    {"ann@example.com.", "dot too many"},
    {"ann@example..com", "dot too many"},
    {"ann@.", "dot too many"},
    {"ann@-example.com", "'-'"},
    {"ann@example-.com", "'-'"},
    {"ann@exa!mple.com", "no domain"},
    {"ann@exa/mple.com", "no domain"},
    {"ann@\"example\".com", "no domain"},
    {"ann@" L63 "4.com", "63"},
    {"ann@xn--a.example", "IDNA"},
    {"ann@\xe2\x98\x83.net", "IDNA"},
    {"ann@\xe2\x98\x83.xn--n3h.net", "IDNA"},
    {"ann@xn--.example", "IDNA"},
    {"ann@xn--example.", "IDNA"},
    {"ann@[192.0.2.1", "']'"},
    {"ann@[192.0.2.1]x", "']'"},
    {"ann@[192.0.2.256]", "literal"},
    {"ann@[192.0.2]", "literal"},
    {"ann@[2001:db8::1]", "literal"},
    {"ann@[IPv6:2001:db8::g]", "literal"},
    {"ann@[IPv6:192.0.2.1]", "literal"},
    {"ann@[IPv6:fe80::1%eth0]", "literal"},
    {"ann@[x-tag:content]", "literal"},
    {"ann@[]", "literal"},
    {"ann@[", "']'"},
    {"an\nn@example.com", "control"},
    {"ann@example.com\r\n", "control"},
    {"ann\x01@example.com", "control"},
    {"ann\x7f@example.com", "control"},
    {"\"a\tb\"@example.com", "control"},
    {"\"a\nb\"@example.com", "control"},
    {"ann\xc2\x85@example.com", "control"},
    {"ann\xe2\x80\xa8@example.com", "control"},
    {"ann\xff@example.com", "UTF-8"},
    {"ann\xc3@example.com", "UTF-8"},
    {"ann@ex\xc3(.com", "UTF-8"},
    {"ann\xed\xa0\x80@example.com", "UTF-8"},
    {"ann\xc0\xaf@example.com", "UTF-8"},
    {"J\xd6RG@example.com", "UTF-8"},
    /* what is not seen, first, between and last; and in quotes */
    {"\xef\xbb\xbf"
     "ann@example.com",
	"U+FEFF in the local part is not to be seen"},
    {"<\xe2\x80\x8b"
     "ann@example.com>",
	"U+200B"},
    {"an\xe2\x80\x8bn@example.com", "U+200B"},
    {"ann\xe2\x80\x8b@example.com", "U+200B"},
    {"\"ann\xe2\x80\x8b\"@example.com", "U+200B"},
    {"\"ann smith\xe2\x81\xa0\"@example.com", "U+2060"},
    {"ann\xc2\xad@example.com", "U+00AD"},
    {"ann\xcd\x8f@example.com", "U+034F"},
    {"ann\xd8\x9c@example.com", "U+061C"},
    {"ann\xe1\x85\x9f@example.com", "U+115F"},
    {"ann\xe2\x80\x8e@example.com", "U+200E"},
    {"\xe2\x80\xaa"
     "ann@example.com",
	"U+202A"},
    {"ann\xe3\x85\xa4@example.com", "U+3164"},
    {"ann\xef\xbf\xbe@example.com", "U+FFFE"},
    {"ann\xf3\xa0\x81\xa1@example.com", "U+E0061"},
    /* blanks */
    {"\xc2\xa0"
     "ann@example.com",
	"U+00A0 in the local part is a blank"},
    {"ann\xc2\xa0@example.com", "U+00A0"},
    {"\"ann\xc2\xa0smith\"@example.com", "U+00A0"},
    {"ann\xe1\x9a\x80@example.com", "U+1680"},
    {"ann\xe2\x80\x80@example.com", "a blank"},
    {"ann\xe2\x80\xaf@example.com", "U+202F"},
    {"ann\xe3\x80\x80@example.com", "U+3000"},
    {"ann@example.com\xc2\xa0", "U+00A0 in the domain is a blank"},
    {"ann@\xe3\x80\x80"
     "example.com",
	"U+3000"},
    /* joiners where they do not show */
    {"ann\xe2\x80\x8c@example.com", "U+200C"},
    {"an\xe2\x80\x8cn@example.com", "U+200C"},
    {"an\xe2\x80\x8dn@example.com", "U+200D"},
    {"\xe2\x80\x8d"
     "ann@example.com",
	"U+200D"},
    {"\xd9\x85\xe2\x80\x8d\xd8\xae@example.com", "U+200D"},
    {"\xd9\x85\xe2\x80\x8c@example.com", "U+200C"},
    {"\xe2\x80\x8c\xd9\x85@example.com", "U+200C"},
    {"\xd8\xaf\xe2\x80\x8c\xd8\xae@example.com", "U+200C"},
    /* what is not between pictures, or not behind one */
    {"ann\ufe0f@example.com", "U+FE0F"},
    {"ann1\ufe0f@example.com", "U+FE0F"},
    {"\ufe0f"
     "ann@example.com",
	"U+FE0F"},
    {"\u2764\ufe0f\ufe0f@example.com", "U+FE0F"},
    {"\U0001f468\u200d@example.com", "U+200D"},
    {"\U0001f468\u200d"
     "ann@example.com",
	"U+200D"},
    {"ann\u200d\U0001f468@example.com", "U+200D"},
    {"\u200d\U0001f468@example.com", "U+200D"},
    {"\U0001f468\u200d\u200d\U0001f469@example.com", "U+200D"},
    {"\U0001f3fd\u200d\U0001f680@example.com", "U+200D"},
    {"\u2764\ufe0e@example.com", "U+FE0E"},
    {"\u0604\u061c@example.com", "U+061C"},
};

START_TEST(what_is_no_address_is_refused_with_words)
{
	struct tact_address address;
	struct tact_error err = {""};
	int result = tact_facts_parse_address(arena, refused[_i].given, &folding, &address, &err);
	ck_assert_msg(result == TACT_INVALID, "%s: got %s as %s, want invalid", refused[_i].given,
	    tact_result_name(result), result == TACT_OK ? address.canonical : "-");
	ck_assert_msg(strstr(err.text, refused[_i].words) != NULL, "%s: got \"%s\", want words \"%s\"",
	    refused[_i].given, err.text, refused[_i].words);
	ck_assert_msg(
	    tact_facts_parse_address(arena, refused[_i].given, &folding, &address, NULL) == TACT_INVALID,
	    "%s: got another answer without a place for words", refused[_i].given);
}
END_TEST

/* ---- the three forms ----------------------------------------------------------------------------------- */

START_TEST(given_and_plain_stay_near_what_came)
{
	static const struct {
		const char *text, *given, *plain;
	} rows[] = {
	    {"<Ann@Example.COM>", "Ann@Example.COM", "ann@example.com"},
	    {" Ann@Example.COM\t", "Ann@Example.COM", "ann@example.com"},
	    {"\"Ann\"@Example.COM", "\"Ann\"@Example.COM", "\"ann\"@example.com"},
	    {"Ann+X@Plus.Example", "Ann+X@Plus.Example", "ann+x@plus.example"},
	    {"J\xc3\x96rg@B\xc3\x9c"
	     "cher.example",
		"J\xc3\x96rg@B\xc3\x9c"
		"cher.example",
		"j\xc3\xb6rg@b\xc3\xbc"
		"cher.example"},
	    {"jo\xcc\x88rg@example.com", "jo\xcc\x88rg@example.com", "jo\xcc\x88rg@example.com"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tact_address address;
		ck_assert_int_eq(
		    tact_facts_parse_address(arena, rows[i].text, &folding, &address, NULL), TACT_OK);
		ck_assert_str_eq(address.given, rows[i].given);
		ck_assert_str_eq(address.plain, rows[i].plain);
	}
}
END_TEST

/* ---- lengths ------------------------------------------------------------------------------------------- */

static char *repeat(char c, size_t count)
{
	char *text = tact_arena_alloc(arena, count + 1);
	memset(text, c, count);
	return text;
}

/* LOCAL octets, '@', a domain of two labels. */
static int parse_of_lengths(size_t local, size_t label, struct tact_address *ret)
{
	const char *text = tact_arena_printf(arena, "%s@%s.com", repeat('a', local), repeat('b', label));
	return tact_facts_parse_address(arena, text, &folding, ret, NULL);
}

START_TEST(lengths_of_local_parts_and_labels)
{
	static const struct {
		size_t local, label;
		int want;
	} rows[] = {
	    {0, 7, TACT_INVALID},
	    {1, 1, TACT_OK},
	    {63, 7, TACT_OK},
	    {64, 7, TACT_OK},
	    {65, 7, TACT_OK},
	    {254 - 12, 7, TACT_OK},
	    {255 - 12, 7, TACT_OK},
	    {4096 - 12, 7, TACT_OK},
	    {4097 - 12, 7, TACT_INVALID},
	    {1, 0, TACT_INVALID},
	    {1, 62, TACT_OK},
	    {1, 63, TACT_OK},
	    {1, 64, TACT_INVALID},
	    {1024 * 1024, 7, TACT_INVALID},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tact_address address;
		int got = parse_of_lengths(rows[i].local, rows[i].label, &address);
		ck_assert_msg(got == rows[i].want, "local %zu, label %zu: got %s, want %s", rows[i].local,
		    rows[i].label, tact_result_name(got), tact_result_name(rows[i].want));
	}
}
END_TEST

START_TEST(lengths_of_domains)
{
	static const struct {
		size_t last;
		int want;
	} rows[] = {{61, TACT_OK}, {62, TACT_INVALID}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tact_address address;
		const char *text =
		    tact_arena_printf(arena, "a@" L63 "." L63 "." L63 ".%s", repeat('b', rows[i].last));
		int got = tact_facts_parse_address(arena, text, &folding, &address, NULL);
		ck_assert_msg(got == rows[i].want, "domain of %zu: got %s, want %s", strlen(text) - 2,
		    tact_result_name(got), tact_result_name(rows[i].want));
	}
}
END_TEST

START_TEST(a_canonical_form_never_outgrows_an_address)
{
	/* U+1D160 has a normal form of three times its length; '\"' grows by its backslash. */
	struct tact_address address;
	char *text = repeat(' ', 4096 - 12);
	memset(text + 1, '\\', 4082);
	text[0] = text[4083] = '"';
	int got = tact_facts_parse_address(
	    arena, tact_arena_printf(arena, "%s@example.com", text), &folding, &address, NULL);
	ck_assert_int_eq(got, TACT_OK);
	char *local = tact_arena_alloc(arena, 4 * 1000 + 1);
	for (size_t i = 0; i < 1000; i++)
		memcpy(local + 4 * i, "\xf0\x9d\x85\xa0", 4);
	got = tact_facts_parse_address(
	    arena, tact_arena_printf(arena, "%s@example.com", local), &folding, &address, NULL);
	ck_assert_int_eq(got, TACT_INVALID);
}
END_TEST

/* ---- a property ---------------------------------------------------------------------------------------- */

static const char *const pieces[] = {"a", "B", ".", "+", "\"", "\\", " ", "@", "plus.example", "both.example",
    "b\xc3\xbc"
    "cher.example",
    "\xc3\x96", "o\xcc\x88", "\xcd\xbe", "\xce\xa3", "\xc4\xb0", "xn--", "[192.0.2.1]", "-", "<", ">",
    "\xe1\xba\x9e", "\xe2\x80\x8d", "\xef\xbc\x8e", "\xe3\x80\x82", "\xc2\xad", "x@both.example", "\xff"};

START_TEST(canonical_of_canonical_is_canonical)
{
	uint32_t state = 20261122;
	size_t parsed = 0;
	for (int round = 0; round < 40000; round++) {
		const char *text = "";
		for (int i = 0; i < 6; i++) {
			state = state * 1664525U + 1013904223U;
			text = tact_arena_printf(
			    arena, "%s%s", text, pieces[(state >> 8) % (sizeof pieces / sizeof *pieces)]);
		}
		if (round % 2 == 0)
			text = tact_arena_printf(arena, "\"%s\"@both.example", text);
		struct tact_address once, twice;
		const struct tact_canonical_profile *profile = round % 3 == 0 ? &keeping : &folding;
		if (tact_facts_parse_address(arena, text, profile, &once, NULL) == TACT_OK) {
			parsed++;
			int got = tact_facts_parse_address(arena, once.canonical, profile, &twice, NULL);
			ck_assert_msg(got == TACT_OK && strcmp(once.canonical, twice.canonical) == 0,
			    "%s: got %s of %s", text,
			    got == TACT_OK ? twice.canonical : tact_result_name(got), once.canonical);
		}
		tact_arena_reset(arena);
	}
	ck_assert_msg(parsed > 1000, "got only %zu addresses to look at", parsed);
}
END_TEST

/* ---- domains and profiles ------------------------------------------------------------------------------ */

/* ---- the short cut for ordinary addresses ----------------------------------------------------------------
 */

static void want_same_text(const char *given, const char *what, const char *got, const char *want)
{
	ck_assert_msg(strcmp(got, want) == 0, "%s: %s: got %s, want %s", given, what, got, want);
}

/* True: it is an address. */
static bool check_both_ways(const char *given, const struct tact_canonical_profile *profile)
{
	struct tact_address got = {0}, want = {0};
	struct tact_error got_err = {""}, want_err = {""};
	int result = tact_facts_parse_address(arena, given, profile, &got, &got_err),
	    long_result = facts_parse_address_the_long_way(arena, given, profile, &want, &want_err);

	ck_assert_msg(result == long_result, "%s: got %s, want %s", given, tact_result_name(result),
	    tact_result_name(long_result));
	want_same_text(given, "words", got_err.text, want_err.text);
	if (result != TACT_OK)
		return false;
	want_same_text(given, "given", got.given, want.given);
	want_same_text(given, "canonical", got.canonical, want.canonical);
	want_same_text(given, "plain", got.plain, want.plain);
	want_same_text(given, "local", got.local, want.local);
	want_same_text(given, "domain", got.domain, want.domain);
	return true;
}

static uint32_t next_number(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Of parts that meet every branch, more often than bytes would. */
static void make_address(uint32_t *seed, char *ret, size_t room)
{
	static const char *const parts[] = {"a", "B", "z9", ".", "+", "-", "_", "--", "xn--", "xn--bcher-kva",
	    "@", "@", "\"", " ", "<", ">", "[", "]", "(", "/", "\\", "\xc3\xb6", "o\xcc\x88", "\xff", "\x7f",
	    "ann", "Example.COM", "@example.com", "@plus.example", "@DOTS.example", "@both.example",
	    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"};
	size_t count = 1 + next_number(seed) % 9, length = 0;

	for (size_t i = 0; i < count; i++)
		length += (size_t)snprintf(ret + length, room - length, "%s",
		    parts[next_number(seed) % (sizeof parts / sizeof *parts)]);
}

START_TEST(the_short_cut_is_the_long_way)
{
	static const struct tact_canonical_profile keeping_listed = {false, plus_domains, 2, dot_domains, 2};
	static const struct tact_canonical_profile *const profiles[] = {&folding, &keeping, &keeping_listed};
	uint32_t seed = 4;
	char given[1024];
	size_t legals = 0;

	for (size_t i = 0; i < sizeof legal / sizeof *legal; i++)
		for (size_t j = 0; j < 3; j++)
			check_both_ways(legal[i].given, profiles[j]);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		check_both_ways(refused[i].given, &folding);
	for (int i = 0; i < 300000; i++) {
		if (i % 1000 == 0)
			tact_arena_reset(arena);
		make_address(&seed, given, sizeof given);
		legals += check_both_ways(given, profiles[i % 3]);
	}
	ck_assert_msg(legals > 5000, "got %zu legal ones, want more", legals);
}
END_TEST

START_TEST(domains_alone)
{
	char *domain = NULL;
	ck_assert_int_eq(tact_facts_parse_domain(arena,
			     "B\xc3\xbc"
			     "cher.Example",
			     &domain, NULL),
	    TACT_OK);
	ck_assert_str_eq(domain, "xn--bcher-kva.example");
	static const char *const bad[] = {"", ".", "a.", "a@b", "[192.0.2.1]", "a b", "\xff"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(tact_facts_parse_domain(arena, bad[i], &domain, NULL) == TACT_INVALID,
		    "got a domain of \"%s\"", bad[i]);
}
END_TEST

START_TEST(a_profile_is_one_stable_line)
{
	static const char *const mixed[] = {"gmail.com", "Example.org", "gmail.com"};
	struct tact_canonical_profile profile = {true, mixed, 3, mixed, 1};
	ck_assert_str_eq(tact_facts_format_profile(arena, &profile),
	    "case=fold plus=example.org,gmail.com dots=gmail.com");
	ck_assert_str_eq(tact_facts_format_profile(arena, &keeping), "case=keep");
}
END_TEST

START_TEST(a_profile_is_read_back)
{
	static const char *const lines[] = {"case=fold", "case=keep", "case=fold plus=a.example",
	    "case=keep dots=a.example,b.example", "case=fold plus=example.org,gmail.com dots=gmail.com"};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct tact_canonical_profile profile;
		struct tact_error err = {""};
		int got = tact_facts_parse_profile(arena, lines[i], &profile, &err);
		ck_assert_msg(got == TACT_OK, "%s: got %s (%s)", lines[i], tact_result_name(got), err.text);
		ck_assert_str_eq(tact_facts_format_profile(arena, &profile), lines[i]);
	}
}
END_TEST

START_TEST(a_profile_in_another_spelling_is_refused)
{
	static const char *const lines[] = {"", "case=", "case=Fold", "plus=a.example", "case=fold ",
	    "case=fold  plus=a.example", "case=fold plus=", "case=fold plus=b.example,a.example",
	    "case=fold plus=a.example,a.example", "case=fold plus=A.example",
	    "case=fold dots=a.example plus=a.example", "case=fold plus=a.example plus=b.example",
	    "case=fold other=a.example", "case=fold plus=a.example,", "case=fold plus",
	    "case=fold plus=\xc3\xbc.example"};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct tact_canonical_profile profile;
		struct tact_error err = {""};
		int got = tact_facts_parse_profile(arena, lines[i], &profile, &err);
		ck_assert_msg(got == TACT_INVALID && err.text[0] != '\0', "\"%s\": got %s (%s)", lines[i],
		    tact_result_name(got), err.text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("facts: addresses");
	TCase *tables = tcase_create("all");
	tcase_set_timeout(tables, 60);
	tcase_add_checked_fixture(tables, set_up, tear_down);
	tcase_add_loop_test(tables, legal_addresses_have_one_canonical_form, 0, sizeof legal / sizeof *legal);
	tcase_add_loop_test(
	    tables, what_is_no_address_is_refused_with_words, 0, sizeof refused / sizeof *refused);
	tcase_add_test(tables, case_is_kept_when_the_profile_says_so);
	tcase_add_test(tables, given_and_plain_stay_near_what_came);
	tcase_add_test(tables, lengths_of_local_parts_and_labels);
	tcase_add_test(tables, lengths_of_domains);
	tcase_add_test(tables, a_canonical_form_never_outgrows_an_address);
	tcase_add_test(tables, canonical_of_canonical_is_canonical);
	tcase_add_test(tables, the_short_cut_is_the_long_way);
	tcase_add_test(tables, domains_alone);
	tcase_add_test(tables, a_profile_is_one_stable_line);
	tcase_add_test(tables, a_profile_is_read_back);
	tcase_add_test(tables, a_profile_in_another_spelling_is_refused);
	suite_add_tcase(suite, tables);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Networks, patterns, and which stream carries a message.
 */
#include <config.h>

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <tact/facts.h>

static struct tact_arena *arena;

static const struct tact_canonical_profile profile = {.fold_local_case = true};

/* ---- networks ------------------------------------------------------------------------------------------ */

static const struct {
	const char *network, *ip;
	bool has;
} networks[] = {
    {"192.0.2.0/24", "192.0.2.0", true},
    {"192.0.2.0/24", "192.0.2.255", true},
    {"192.0.2.0/24", "192.0.3.0", false},
    {"192.0.2.0/24", "::ffff:192.0.2.9", true},
    {"192.0.2.128/25", "192.0.2.127", false},
    {"192.0.2.128/25", "192.0.2.128", true},
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1/32", "192.0.2.2", false},
    {"0.0.0.0/0", "203.0.113.9", true},
    {"0.0.0.0/0", "2001:db8::1", false},
    {"::ffff:192.0.2.0/120", "192.0.2.77", true},
    {"2001:db8::/32", "2001:db8:ffff::1", true},
    {"2001:db8::/32", "2001:db9::1", false},
    {"2001:db8::/33", "2001:db8:8000::", false},
    {"2001:db8::1", "2001:DB8:0::1", true},
    {"2001:db8::1/128", "2001:db8::2", false},
    {"::/0", "2001:db8::1", true},
    {"192.0.2.0/24", NULL, false},
    {"192.0.2.0/24", "", false},
    {"192.0.2.0/24", "unknown", false},
    {"192.0.2.0/24", "192.0.2.1 ", false},
};

START_TEST(addresses_lie_in_networks)
{
	struct tact_network network;
	struct tact_error err = {""};
	int got = tact_facts_parse_network(networks[_i].network, &network, &err);
	ck_assert_msg(
	    got == TACT_OK, "%s: got %s (%s)", networks[_i].network, tact_result_name(got), err.text);
	bool has = tact_facts_network_has(&network, 1, networks[_i].ip);
	ck_assert_msg(has == networks[_i].has, "%s has %s: got %d, want %d", networks[_i].network,
	    networks[_i].ip == NULL ? "nothing" : networks[_i].ip, has, networks[_i].has);
	ck_assert(!tact_facts_network_has(&network, 0, networks[_i].ip));
}
END_TEST

START_TEST(what_is_no_network_is_refused)
{
	static const char *const bad[] = {"", "/", "/24", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1",
	    "192.0.2.0/x", "192.0.2.0/24/8", "192.0.2.1/24", "192.0.2", "192.0.2.0 /24", "192.0.2.0/ 24",
	    "2001:db8::/129", "2001:db8::1/32", "example.com", "[2001:db8::]/32", "fe80::1%eth0",
	    "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/0"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct tact_network network;
		struct tact_error err = {""};
		int got = tact_facts_parse_network(bad[i], &network, &err);
		ck_assert_msg(got == TACT_INVALID && err.text[0] != '\0', "\"%s\": got %s (%s)", bad[i],
		    tact_result_name(got), err.text);
	}
}
END_TEST

/* ---- patterns ------------------------------------------------------------------------------------------ */

static struct tact_pattern *pattern_of(const char *text)
{
	struct tact_pattern *pattern = NULL;
	struct tact_error err = {""};
	int got = tact_facts_compile_pattern(text, &pattern, &err);
	ck_assert_msg(got == TACT_OK, "%s: got %s (%s)", text, tact_result_name(got), err.text);
	return pattern;
}

static char *repeat(char c, size_t count)
{
	char *text = tact_arena_alloc(arena, count + 1);
	memset(text, c, count);
	return text;
}

START_TEST(patterns_answer)
{
	const struct {
		const char *pattern, *text;
		enum tact_answer want;
	} rows[] = {
	    {"^birthday", "birthday-7", TACT_YES},
	    {"^birthday", "a birthday", TACT_NO},
	    {"^Birthday", "birthday", TACT_NO},
	    {"(?i)^Birthday", "birthday", TACT_YES},
	    {"", "", TACT_YES},
	    {"\xc3\xbc", "f\xc3\xbcr", TACT_YES},
	    {"(*UTF)^.$", "\xc3\xbc", TACT_YES},
	    {"(*UTF)^.$", "\xff", TACT_CANNOT_TELL},
	    {"(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", TACT_CANNOT_TELL},
	    {"(a+)+\\1$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", TACT_CANNOT_TELL},
	    {"b", repeat('a', 16384), TACT_NO},
	    {"a", repeat('a', 16384), TACT_YES},
	    {"a", repeat('a', 16385), TACT_CANNOT_TELL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tact_pattern *pattern = pattern_of(rows[i].pattern);
		enum tact_answer got = tact_facts_match_pattern(pattern, rows[i].text);
		ck_assert_msg(got == rows[i].want, "%s on %.20s: got %d, want %d", rows[i].pattern,
		    rows[i].text, (int)got, (int)rows[i].want);
		tact_facts_free_pattern(&pattern);
		ck_assert_ptr_null(pattern);
		tact_facts_free_pattern(&pattern);
	}
}
END_TEST

START_TEST(bad_patterns_are_refused_with_their_place)
{
	static const struct {
		const char *pattern, *words;
	} rows[] = {
	    {"a(b", "character 4"}, {"[", "character 2"}, {"*", "character 1"}, {"\\C", "character 3"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tact_pattern *pattern = NULL;
		struct tact_error err = {""};
		int got = tact_facts_compile_pattern(rows[i].pattern, &pattern, &err);
		ck_assert_msg(got == TACT_INVALID && pattern == NULL, "%s: got %s", rows[i].pattern,
		    tact_result_name(got));
		ck_assert_msg(strstr(err.text, rows[i].words) != NULL, "%s: got \"%s\", want \"%s\"",
		    rows[i].pattern, err.text, rows[i].words);
	}
}
END_TEST

static void *match_many(void *pattern)
{
	size_t wrong = 0;
	for (int i = 0; i < 2000; i++)
		wrong += tact_facts_match_pattern(pattern, i % 2 == 0 ? "birthday-7" : "weekly") !=
			 (i % 2 == 0 ? TACT_YES : TACT_NO);
	return (void *)wrong;
}

START_TEST(a_pattern_belongs_to_many_threads)
{
	struct tact_pattern *pattern = pattern_of("^(birth|name)day-[0-9]+$");
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, match_many, pattern), 0);
	for (int i = 0; i < 4; i++) {
		void *wrong;
		pthread_join(threads[i], &wrong);
		ck_assert_msg(wrong == NULL, "got %zu wrong answers, want 0", (size_t)wrong);
	}
	tact_facts_free_pattern(&pattern);
}
END_TEST

/* ---- a set of streams ---------------------------------------------------------------------------------- */

static struct tact_pattern *birthday, *slow, *subject_word;
static struct tact_network office, platform_net;
static struct tact_header_match birthday_headers[2], slow_headers[1], subject_headers[1];
static struct tact_stream streams[12];
static struct tact_stream_set set;

static struct tact_stream *add_stream(const char *name, enum tact_purpose purpose)
{
	struct tact_stream *stream = &streams[set.streams_count++];
	*stream = (struct tact_stream){
	    .name = name, .owner = "corporate", .brand = "acme", .purpose = purpose, .priority = 500};
	return stream;
}

#define SET_LIST(stream, field, ...)                                                                         \
	do {                                                                                                 \
		static const char *const words_[] = {__VA_ARGS__};                                           \
		(stream)->field = words_;                                                                    \
		(stream)->field##_count = sizeof words_ / sizeof *words_;                                    \
	} while (0)

static void add_header_streams(void)
{
	birthday_headers[0] = (struct tact_header_match){"X-Kind", "^birthday", birthday};
	birthday_headers[1] = (struct tact_header_match){"X-Job", "^birthday", birthday};
	slow_headers[0] = (struct tact_header_match){"X-Slow", "(a+)+$", slow};
	subject_headers[0] = (struct tact_header_match){"Subject", "Gr\xc3\xbc", subject_word};
	struct tact_stream *stream = add_stream("birthdays", TACT_OCCASION);
	SET_LIST(stream, sasl_users, "robot");
	stream->headers = birthday_headers;
	stream->headers_count = 2;
	stream = add_stream("slow", TACT_TRANSACTIONAL);
	SET_LIST(stream, listeners, "slow");
	stream->headers = slow_headers;
	stream->headers_count = 1;
	stream = add_stream("greetings", TACT_APPRECIATION);
	stream->headers = subject_headers;
	stream->headers_count = 1;
	SET_LIST(stream, from_domains, "greet.example", "xn--bcher-kva.example");
}

static void add_envelope_streams(void)
{
	struct tact_stream *stream = add_stream("robot", TACT_PROMOTIONAL);
	SET_LIST(stream, sasl_users, "robot", "robot2", "robot4");
	stream->campaign_header = "X-Campaign-Name";
	stream->offer_header = "X-Offer";
	stream = add_stream("office", TACT_PERSONAL);
	stream->networks = &office;
	stream->networks_count = 1;
	stream = add_stream("platform", TACT_NEWSLETTER);
	stream->networks = &platform_net;
	stream->networks_count = 1;
	SET_LIST(stream, senders, "bounce@news.example", "@mail.example");
	stream = add_stream("scripts", TACT_TRANSACTIONAL);
	SET_LIST(stream, listeners, "local");
	stream->exempt = true;
	stream = add_stream("answers", TACT_PERSONAL);
	SET_LIST(stream, listeners, "inbound");
	stream->direction = TACT_IN;
	add_stream("nothing", TACT_TRANSACTIONAL);
	stream = add_stream("strict", TACT_PROMOTIONAL);
	SET_LIST(stream, sasl_users, "never-used");
	set.strictest = stream;
}

static void set_up(void)
{
	arena = tact_arena_new();
	birthday = pattern_of("^birthday");
	slow = pattern_of("(a+)+$");
	subject_word = pattern_of("Gr\xc3\xbc");
	ck_assert_int_eq(tact_facts_parse_network("10.0.0.0/8", &office, NULL), TACT_OK);
	ck_assert_int_eq(tact_facts_parse_network("192.0.2.0/24", &platform_net, NULL), TACT_OK);
	set = (struct tact_stream_set){.streams = streams};
	SET_LIST(&set, trusted_sasl_users, "robot", "robot2");
	SET_LIST(&set, trusted_listeners, "slow", "trusted");
	set.trusted_networks = &platform_net;
	set.trusted_networks_count = 1;
	add_header_streams();
	add_envelope_streams();
}

static void tear_down(void)
{
	tact_facts_free_pattern(&birthday);
	tact_facts_free_pattern(&slow);
	tact_facts_free_pattern(&subject_word);
	tact_arena_free(&arena);
}

/* ---- the table ----------------------------------------------------------------------------------------- */

#define FROM "From: shop@example.com\n"
#define AAA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"

static const struct {
	const char *listener, *user, *ip, *sender, *header; /* header NULL: only the envelope is known */
	const char *stream, *why;
	bool certain, strictest, bulk;
} rows[] = {
    /* by one kind of condition */
    {"main", "robot2", "203.0.113.1", "a@b.example", FROM, "robot", "envelope", true, false, false},
    {"main", "Robot2", "203.0.113.1", "a@b.example", FROM, "strict", "no stream", true, true, false},
    {"main", NULL, "203.0.113.1", "a@b.example", FROM, "strict", "no stream", true, true, false},
    {"local", NULL, NULL, "a@b.example", FROM, "scripts", "envelope", true, false, false},
    {"main", NULL, "10.1.2.3", "a@b.example", FROM, "office", "envelope", true, false, false},
    /* several kinds must all hold; lists are alternatives */
    {"main", NULL, "192.0.2.9", "bounce@news.example", FROM, "platform", "envelope", true, false, false},
    {"main", NULL, "192.0.2.9", "Bounce@News.EXAMPLE", FROM, "platform", "envelope", true, false, false},
    {"main", NULL, "192.0.2.9", "any@mail.example", FROM, "platform", "envelope", true, false, false},
    {"main", NULL, "192.0.2.9", "any@sub.mail.example", FROM, "strict", "no stream", true, true, false},
    {"main", NULL, "192.0.2.9", "any@notmail.example", FROM, "strict", "no stream", true, true, false},
    {"main", NULL, "192.0.2.9", "", FROM, "strict", "no stream", true, true, false},
    {"main", NULL, "203.0.113.1", "bounce@news.example", FROM, "strict", "no stream", true, true, false},
    /* file order: an earlier stream with headers, then the one without */
    {"main", "robot", NULL, "a@b.example", FROM "X-Kind: birthday-7\n", "birthdays", "headers", true, false,
	false},
    {"main", "robot", NULL, "a@b.example", FROM "X-Job: birthday-7\n", "birthdays", "headers", true, false,
	false},
    {"main", "robot", NULL, "a@b.example", FROM "x-kind: other\nX-KIND: birthday\n", "birthdays", "headers",
	true, false, false},
    {"main", "robot", NULL, "a@b.example", FROM "X-Kind: weekly\n", "robot", "envelope", true, false, false},
    {"main", "robot", NULL, "a@b.example", FROM, "robot", "envelope", true, false, false},
    /* headers of untrusted submitters choose nothing */
    {"main", NULL, "203.0.113.1", "a@b.example", "From: a@greet.example\nSubject: Gr\xc3\xbc\n", "strict",
	"no stream", true, true, false},
    {"main", "robot3", NULL, "a@b.example", "From: a@greet.example\nSubject: Gr\xc3\xbc\n", "strict",
	"no stream", true, true, false},
    {"trusted", NULL, NULL, "a@b.example", "From: a@greet.example\nSubject: =?utf-8?q?Gr=C3=BC?=\n",
	"greetings", "headers", true, false, false},
    {"trusted", NULL, NULL, "a@b.example", "From: a@GREET.example\nSubject: Gr\xc3\xbc\n", "greetings",
	"headers", true, false, false},
    {"trusted", NULL, NULL, "a@b.example",
	"From: a@b\xc3\xbc"
	"cher.example\nSubject: Gr\xc3\xbc\n",
	"greetings", "headers", true, false, false},
    {"trusted", NULL, NULL, "a@b.example", "From: a@x.greet.example\nSubject: Gr\xc3\xbc\n", "strict",
	"no stream", true, true, false},
    {"trusted", NULL, NULL, "a@b.example", "From: a@greet.example\n", "strict", "no stream", true, true,
	false},
    {"main", NULL, "192.0.2.9", "x@y.example", "From: a@greet.example\nSubject: Gr\xc3\xbc\n", "greetings",
	"headers", true, false, false},
    /* what cannot be told is strict */
    {"slow", NULL, NULL, "a@b.example", FROM "X-Slow: " AAA "\n", "strict", "no answer", true, true, false},
    {"slow", NULL, NULL, "a@b.example", FROM "X-Slow: " AAA "\nX-Slow: aaa\n", "slow", "headers", true, false,
	false},
    {"main", "robot", NULL, "a@b.example", "Subject: x\n", "strict", "From is missing", true, true, false},
    {"main", "robot", NULL, "a@b.example", FROM FROM, "strict", "header From", true, true, false},
    {"main", "robot", NULL, "a@b.example", "From: a@b.example, c@d.example\n", "strict", "several", true,
	true, false},
    {"main", "robot", NULL, "a@b.example", FROM "X-Campaign-Name: a\nX-Campaign-Name: b\n", "strict",
	"campaign", true, true, false},
    {"main", "robot", NULL, "a@b.example", FROM "X-Offer: a\nX-Offer: a\n", "strict", "offer", true, true,
	false},
    /* what comes in may be as odd as it likes, unless an earlier stream takes it */
    {"inbound", NULL, "203.0.113.1", "a@b.example", FROM, "answers", "comes in", true, false, false},
    {"inbound", NULL, "203.0.113.1", "", NULL, "answers", "comes in", true, false, false},
    {"inbound", NULL, "203.0.113.1", "a@b.example", FROM FROM, "answers", "comes in", true, false, false},
    {"inbound", NULL, "203.0.113.1", "a@b.example", "Subject: x\n", "answers", "comes in", true, false,
	false},
    {"inbound", NULL, "203.0.113.1", "a@b.example", FROM "List-Unsubscribe: <mailto:x@y>\n", "answers",
	"comes in", true, false, false},
    {"inbound", NULL, "10.1.2.3", "a@b.example", FROM, "office", "envelope", true, false, false},
    {"inbound", NULL, "10.1.2.3", "a@b.example", FROM FROM, "strict", "header From", true, true, false},
    {"inbound", "robot", NULL, "a@b.example", FROM FROM, "strict", "header From", true, true, false},
    /* personal and not */
    {"main", NULL, "10.1.2.3", "a@b.example", FROM "List-Unsubscribe: <mailto:x@y>\n", "strict", "personal",
	true, true, true},
    {"main", NULL, "10.1.2.3", "a@b.example", FROM "Precedence: bulk\n", "strict", "personal", true, true,
	true},
    {"main", "robot2", NULL, "a@b.example", FROM "Precedence: bulk\n", "robot", "envelope", true, false,
	false},
    /* only the envelope is known */
    {"main", "robot4", NULL, "a@b.example", NULL, "robot", "envelope", true, false, false},
    {"main", "robot2", NULL, "a@b.example", NULL, "greetings", "not known yet", false, false, false},
    {"main", "robot", NULL, "a@b.example", NULL, "birthdays", "not known yet", false, false, false},
    {"main", NULL, "10.1.2.3", "a@b.example", NULL, "office", "personal", false, false, false},
    {"local", NULL, NULL, "a@b.example", NULL, "scripts", "envelope", true, false, false},
    {"main", NULL, "203.0.113.1", "a@b.example", NULL, "strict", "no stream", true, true, false},
    {"trusted", NULL, NULL, "a@b.example", NULL, "greetings", "not known yet", false, false, false},
};

static struct tact_message *message_of(
    const char *listener, const char *user, const char *ip, const char *sender, const char *header)
{
	struct tact_envelope envelope = {
	    .listener = listener, .smtp = true, .sasl_user = user, .client_ip = ip, .sender = sender};
	struct tact_message *message = NULL;
	size_t body;
	if (header == NULL)
		return tact_facts_new_message(arena, &envelope);
	ck_assert_int_eq(tact_facts_read_message(
			     arena, &envelope, header, strlen(header), &profile, &message, &body, NULL),
	    TACT_OK);
	return message;
}

START_TEST(a_message_is_carried_by)
{
	const struct tact_message *message =
	    message_of(rows[_i].listener, rows[_i].user, rows[_i].ip, rows[_i].sender, rows[_i].header);
	struct tact_match match;
	tact_facts_match_stream(&set, message, rows[_i].header != NULL, &match);
	ck_assert_msg(strcmp(match.stream->name, rows[_i].stream) == 0 &&
			  match.strictest == rows[_i].strictest && match.certain == rows[_i].certain &&
			  match.bulk == rows[_i].bulk && strstr(match.why, rows[_i].why) != NULL,
	    "%s: got %s strictest %d certain %d bulk %d (%s), want %s %d %d %d (%s)",
	    rows[_i].header == NULL ? "-" : rows[_i].header, match.stream->name, match.strictest,
	    match.certain, match.bulk, match.why, rows[_i].stream, rows[_i].strictest, rows[_i].certain,
	    rows[_i].bulk, rows[_i].why);
}
END_TEST

/* ---- facts --------------------------------------------------------------------------------------------- */

static struct tact_facts gather(const char *user, const char *header)
{
	const struct tact_message *message =
	    message_of("main", user, user == NULL ? "10.1.2.3" : NULL, "a@b.example", header);
	struct tact_match match;
	struct tact_facts facts;
	tact_facts_match_stream(&set, message, true, &match);
	tact_facts_gather(arena, &set, message, &match, &facts);
	return facts;
}

START_TEST(facts_are_gathered)
{
	struct tact_facts facts = gather("robot",
	    FROM "X-Campaign-Name: spring\nX-Offer: ten\nFeedback-ID: camp:::s\nList-Id: <News.example>\n");
	ck_assert_str_eq(facts.stream, "robot");
	ck_assert_str_eq(facts.owner, "corporate");
	ck_assert_str_eq(facts.brand, "acme");
	ck_assert_str_eq(facts.campaign, "spring");
	ck_assert_str_eq(facts.offer, "ten");
	ck_assert_str_eq(facts.list, "news.example");
	ck_assert_int_eq(facts.purpose, TACT_PROMOTIONAL);
	ck_assert_int_eq(facts.channel, TACT_EMAIL);
	ck_assert_int_eq(facts.priority, 500);
	facts = gather("robot", FROM "X-Kind: birthday\nFeedback-ID: camp:::s\n");
	ck_assert_str_eq(facts.stream, "birthdays");
	ck_assert_str_eq(facts.campaign, "camp");
	ck_assert_str_eq(facts.offer, "");
	ck_assert_str_eq(facts.list, "");
}
END_TEST

/* Each platform encodes them its own way, and nobody types them so. */
START_TEST(encoded_names_are_what_people_type)
{
	static const char *const spellings[] = {"fr\xc3\xbchling",
	    "=?utf-8?q?fr=C3=BChling?=", "=?UTF-8?B?ZnLDvGhsaW5n?=", "=?iso-8859-1?q?fr=FChling?=",
	    "=?utf-8?q?fr=C3=BC?=\n =?utf-8?q?hling?="};

	for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
		struct tact_facts facts =
		    gather("robot", tact_arena_printf(arena, FROM "X-Campaign-Name: %s\nX-Offer: %s\n",
					spellings[i], spellings[i]));
		ck_assert_str_eq(facts.campaign, "fr\xc3\xbchling");
		ck_assert_str_eq(facts.offer, "fr\xc3\xbchling");
	}
	ck_assert_str_eq(gather("robot", FROM "X-Offer: =?utf-8?q?half_price_?=\n").offer, "half price");
	ck_assert_str_eq(gather("robot", FROM "X-Offer: is 1 =? 2\n").offer, "is 1 =? 2");
	ck_assert_msg(tact_text_is_ascii(gather("robot", FROM "X-Offer: =?utf-8?q?a=00=0A=FF?=\n").offer),
	    "got bytes that are no text, want ASCII");
}
END_TEST

START_TEST(untrusted_submitters_name_no_campaign)
{
	struct tact_facts facts =
	    gather(NULL, FROM "Feedback-ID: camp:::s\nX-Offer: ten\nList-Id: <news.example>\n");
	ck_assert_str_eq(facts.stream, "strict");
	ck_assert_str_eq(facts.campaign, "");
	ck_assert_str_eq(facts.offer, "");
	ck_assert_str_eq(facts.list, "news.example");
}
END_TEST

START_TEST(long_or_unclean_names_become_short_and_stay_distinct)
{
	const char *long_a = tact_arena_printf(arena, "%sa", repeat('x', 255)),
		   *long_b = tact_arena_printf(arena, "%sb", repeat('x', 255));
	const char *got_a = gather("robot", tact_arena_printf(arena, FROM "X-Offer: %s\n", long_a)).offer;
	const char *got_b = gather("robot", tact_arena_printf(arena, FROM "X-Offer: %s\n", long_b)).offer;
	ck_assert_uint_eq(strlen(got_a), 233);
	ck_assert_str_ne(got_a, got_b);
	const char *whole = repeat('x', 255);
	ck_assert_str_eq(gather("robot", tact_arena_printf(arena, FROM "X-Offer: %s\n", whole)).offer, whole);
	ck_assert_str_eq(gather("robot", FROM "X-Offer: \xc3\xbc\n").offer, "\xc3\xbc");
	ck_assert_msg(tact_text_is_ascii(gather("robot", FROM "X-Offer: \xff\n").offer),
	    "got bytes that are no text, want ASCII");
	ck_assert_msg(tact_text_is_ascii(gather("robot", FROM "X-Offer: a\tb\n").offer),
	    "got bytes that are no text, want ASCII");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("facts: streams");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_add_loop_test(all, addresses_lie_in_networks, 0, sizeof networks / sizeof *networks);
	tcase_add_test(all, what_is_no_network_is_refused);
	tcase_add_test(all, patterns_answer);
	tcase_add_test(all, bad_patterns_are_refused_with_their_place);
	tcase_add_test(all, a_pattern_belongs_to_many_threads);
	tcase_add_loop_test(all, a_message_is_carried_by, 0, sizeof rows / sizeof *rows);
	tcase_add_test(all, facts_are_gathered);
	tcase_add_test(all, encoded_names_are_what_people_type);
	tcase_add_test(all, untrusted_submitters_name_no_campaign);
	tcase_add_test(all, long_or_unclean_names_become_short_and_stay_distinct);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

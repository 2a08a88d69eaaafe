/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Content rules and patterns in the configuration: what becomes of every option, every mistake that they can
 * hold, and that they print as they load.
 */
#include <config.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tact/config.h>

#define LISTENER "listener \"smtp\" { socket = \"inet:8891@127.0.0.1\" }\n"

static struct tact_arena *arena;

static void begin(void)
{
	arena = tact_arena_new();
}

static void end(void)
{
	tact_arena_free(&arena);
}

static struct tact_config *load(const char *text)
{
	struct tact_config_mistakes mistakes = {.arena = arena};
	struct tact_config *config = NULL;
	int result =
	    tact_config_load("t", tact_arena_printf(arena, "%s%s", text, LISTENER), &config, &mistakes);

	ck_assert_msg(
	    result == TACT_OK, "%s: got %s", text, mistakes.count > 0 ? mistakes.texts[0] : "nothing");
	return config;
}

static const struct tact_rule *rule_of(const struct tact_config *config, const char *name)
{
	for (size_t i = 0; i < config->rules.rules_count; i++)
		if (strcmp(config->rules.rules[i].name, name) == 0)
			return &config->rules.rules[i];
	ck_abort_msg("got no rule %s", name);
}

/* ---- values ---- */

START_TEST(what_is_not_written_has_its_default)
{
	struct tact_config *config = load("content \"a\" { must_not = \"generic-salutation\" }\n");
	const struct tact_rule *rule = rule_of(config, "a");

	ck_assert_int_eq(config->rules.content_max, 1048576);
	ck_assert_int_eq(rule->kind, TACT_RULE_CONTENT);
	ck_assert_int_eq(rule->action, TACT_QUARANTINE);
	ck_assert_int_eq(rule->content.on_unreadable, TACT_QUARANTINE);
	ck_assert_int_eq(rule->content.where, TACT_WHERE_BOTH);
	ck_assert(!rule->content.from_brand);
	ck_assert_uint_eq(rule->content.must_not.count, 1);
	ck_assert_str_eq(rule->content.must_not_sets[0].name, "generic-salutation");
	ck_assert_uint_gt(rule->content.must_not_sets[0].count, 0);
	tact_config_free(&config);
}
END_TEST

START_TEST(unreadable_takes_the_action_unless_told)
{
	struct tact_config *config =
	    load("content \"a\" { must_not = \"offer-language\" action = reject }\n"
		 "content \"b\" { must_not = \"offer-language\" action = reject on_unreadable = accept }\n"
		 "content \"c\" { must_not = \"offer-language\" on_unreadable = reject }\n");

	ck_assert_int_eq(rule_of(config, "a")->content.on_unreadable, TACT_REJECT);
	ck_assert_int_eq(rule_of(config, "b")->content.on_unreadable, TACT_ACCEPT);
	ck_assert_int_eq(rule_of(config, "c")->content.on_unreadable, TACT_REJECT);
	tact_config_free(&config);
}
END_TEST

static bool matches(const struct tact_pattern_set *set, const char *text)
{
	size_t at, length;

	for (size_t i = 0; i < set->count; i++)
		if (tact_facts_search(set->patterns[i], text, strlen(text), &at, &length) == TACT_YES)
			return true;
	return false;
}

START_TEST(every_option)
{
	struct tact_config *config =
	    load("content_max = 4096\n"
		 "brand \"acme\" { domains = {\"acme.example\", \"Acme.Example.net\"} }\n"
		 "pattern \"draw\" { match = {'(?i)prize draw', '\\bwon\\b'} }\n"
		 "content \"a\" {\n"
		 " must_not = {\"Draw\", \"unfilled-merge-tag\"} must = {\"postal-address\"}\n"
		 " where = text headers_must = {\"List-Unsubscribe\"} headers_must_not = {\"X-*\"}\n"
		 " from_domains = brand add_headers = {\"X-A:  b c \"} strip_headers = {\"X-I-*\"}\n"
		 "}\n");
	const struct tact_content_rule *content = &rule_of(config, "a")->content;

	ck_assert_int_eq(config->rules.content_max, 4096);
	ck_assert_uint_eq(config->rules.brands_count, 1);
	ck_assert_str_eq(config->rules.brands[0].domains.names[1], "acme.example.net");
	ck_assert_uint_eq(content->must_not.count, 2);
	ck_assert(matches(&content->must_not_sets[0], "a Prize DRAW"));
	ck_assert(matches(&content->must_not_sets[0], "you won it"));
	ck_assert(!matches(&content->must_not_sets[0], "wonder"));
	ck_assert(matches(&content->must_not_sets[1], "Dear *|FNAME|*,"));
	ck_assert(matches(&content->must_sets[0], "Acme Ltd, Leeds LS1 4AB"));
	ck_assert_int_eq(content->where, TACT_WHERE_TEXT);
	ck_assert(content->from_brand);
	ck_assert_str_eq(content->headers_must.names[0], "List-Unsubscribe");
	ck_assert_str_eq(content->headers_must_not.names[0], "X-*");
	ck_assert_str_eq(content->add_headers.names[0], "X-A: b c");
	ck_assert_str_eq(content->strip_headers.names[0], "X-I-*");
	tact_config_free(&config);
}
END_TEST

START_TEST(it_prints_as_it_loads)
{
	struct tact_config *config =
	    load("brand \"acme\" { domains = \"acme.example\" }\n"
		 "pattern \"draw\" { match = {'(?i)\\bprize \"draw\"', 'it\\'s'} }\n"
		 "content \"a\" { must_not = {\"draw\", \"offer-language\"} from_domains = brand\n"
		 " add_headers = {'X-A: \"b\"'} on_unreadable = accept }\n");
	char *once = tact_config_print(arena, config);
	struct tact_config_mistakes mistakes = {.arena = arena};
	struct tact_config *again = NULL;

	ck_assert_msg(tact_config_load("t", once, &again, &mistakes) == TACT_OK, "got %s in\n%s",
	    mistakes.count > 0 ? mistakes.texts[0] : "nothing", once);
	ck_assert_str_eq(tact_config_print(arena, again), once);
	tact_config_free(&again);
	tact_config_free(&config);
}
END_TEST

/* ---- mistakes ---- */

#define WANTS "must_not, must, headers_must, headers_must_not, from_domains, add_headers or strip_headers"
static const struct {
	const char *text, *mistake;
} rows[] = {
    {"content \"a\" { }\n", "t:1: content \"a\" asks for nothing; write " WANTS},
    {"content \"a\" {\n must_not = \"generic-salutations\"\n}\n",
	"t:2: must_not: there is no pattern \"generic-salutations\"; did you mean generic-salutation?"},
    {"content \"a\" { must = \"imprint\" }\n",
	"t:1: must: there is no pattern \"imprint\"; add the section pattern \"imprint\" { }"},
    {"content \"a\" { must = \"drew\" }\npattern \"draw\" { match = \"x\" }\n",
	"t:1: must: there is no pattern \"drew\"; did you mean draw?"},
    {"pattern \"draw\" {\n match = {'(a', 'b'}\n}\n",
	"t:2: match: \"(a\" is not a pattern (pattern: missing closing parenthesis at character 3); write "
	"patterns as in "
	"pcre2pattern(3)"},
    {"pattern \"draw\" { match = 'a\\Cb' }\n", "t:1: match: \"a\\x5cCb\" is not a pattern (pattern: using "
					       "\\x5cC is disabled by the application at character 4); write "
					       "patterns as in pcre2pattern(3)"},
    {"pattern \"draw\" { }\n",
	"t:1: pattern \"draw\" has no match; write match = patterns as in pcre2pattern(3)"},
    {"pattern \"Offer-Language\" { match = \"x\" }\n",
	"t:1: pattern \"Offer-Language\" is one that tact brings along; give this one another name"},
    {"content \"a\" { from_domains = brand }\n",
	"t:1: from_domains: no brand has domains; add domains = {\"DOMAIN\"} to the section brand"},
    {"content \"a\" { must_not = \"offer-language\" action = delay }\n",
	"t:1: action: \"delay\" is not known here; write quarantine or reject"},
    {"content \"a\" { must_not = \"offer-language\" on_unreadable = pass }\n",
	"t:1: on_unreadable: \"pass\" is not known here; write quarantine, reject or accept"},
    {"content \"a\" { must_not = \"offer-language\" where = body }\n",
	"t:1: where: \"body\" is not known here; write both, subject or text"},
    {"content \"a\" { headers_must = \"List Unsubscribe\" }\n",
	"t:1: headers_must: \"List Unsubscribe\" is not the name of a header field; write names of header "
	"fields; "
	"X-INTERNAL-* means all that begin so"},
    {"content \"a\" { strip_headers = \"*\" }\n",
	"t:1: strip_headers: \"*\" is not the name of a header field; write names of header fields; "
	"X-INTERNAL-* means all "
	"that begin so"},
    {"content \"a\" { strip_headers = \"X-*-Id\" }\n",
	"t:1: strip_headers: \"X-*-Id\" is not the name of a header field; write names of header fields; "
	"X-INTERNAL-* means "
	"all that begin so"},
    {"content \"a\" { strip_headers = {\"X-A\",\n \"content-type\"} }\n",
	"t:1: strip_headers: \"content-type\" would take off a field that mail needs; name others"},
    {"content \"a\" { strip_headers = \"Mess*\" }\n",
	"t:1: strip_headers: \"Mess*\" would take off a field that mail needs; name others"},
    {"content \"a\" { add_headers = \"From: x@acme.example\" }\n",
	"t:1: add_headers: \"From\" is for the sender to write; name others"},
    {"content \"a\" { add_headers = \"X-A\" }\n",
	"t:1: add_headers: \"X-A\" is without a colon; write 'NAME: VALUE'"},
    {"content \"a\" { add_headers = \"X A: b\" }\n",
	"t:1: add_headers: \"X A: b\" is without the name of a header field; write 'NAME: VALUE'"},
    {"content \"a\" { add_headers = \"X-A: \" }\n", "t:1: add_headers: \"X-A: \" is without a value in plain "
						    "ASCII, of at most 900 characters; write 'NAME: VALUE'"},
    {"content \"a\" { add_headers = \"X-A: gr\xc3\xbc\xc3\x9f\" }\n",
	"t:1: add_headers: \"X-A: gr\\xc3\\xbc\\xc3\\x9f\" is without a value in plain ASCII, of at most 900 "
	"characters; "
	"write 'NAME: VALUE'"},
    {"content_max = 4095\n", "t:1: content_max: \"4095\" is out of range; write 4096 to 1048576"},
    {"content_max = 1048577\n", "t:1: content_max: \"1048577\" is out of range; write 4096 to 1048576"},
};

START_TEST(every_mistake)
{
	struct tact_config_mistakes mistakes = {.arena = arena};
	struct tact_config *config = NULL;

	ck_assert_int_eq(tact_config_load("t", tact_arena_printf(arena, "%s%s", rows[_i].text, LISTENER),
			     &config, &mistakes),
	    TACT_INVALID);
	ck_assert_msg(mistakes.count == 1 && strcmp(mistakes.texts[0], rows[_i].mistake) == 0,
	    "%s: got %zu mistakes, the first\n%s\nwant\n%s", rows[_i].text, mistakes.count, mistakes.texts[0],
	    rows[_i].mistake);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config: content");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, begin, end);
	tcase_add_test(all, what_is_not_written_has_its_default);
	tcase_add_test(all, unreadable_takes_the_action_unless_told);
	tcase_add_test(all, every_option);
	tcase_add_test(all, it_prints_as_it_loads);
	tcase_add_loop_test(all, every_mistake, 0, sizeof rows / sizeof *rows);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

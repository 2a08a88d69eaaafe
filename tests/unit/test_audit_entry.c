/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What an entry says: each field of version 1, the sealed part, pseudonyms, and texts that are too long or
 * not UTF-8.
 */
#include <config.h>

#include "test_audit_help.h"

static const uint8_t key[TACT_SEAL_KEY_BYTES] = {1, 2, 3};
static const uint8_t other_key[TACT_SEAL_KEY_BYTES] = {1, 2, 4};

static const struct tact_audit_rule two_rules[] = {
    {.name = "weekly",
	.kind = "limit",
	.verdict = "delay",
	.mode = "enforce",
	.until_us = INT64_C(1764061200000000),
	.numbers = {true, 4000, 1500, "7d", INT64_C(1764061200000000)}},
    {.name = "wishes", .kind = "suppression", .verdict = "accept"},
};
static const struct tact_audit_weighed one_weighed[] = {
    {.id = "0a", .scope = "brand:shoes", .reason = "unsubscribe", .time_us = INT64_C(1763999999000000)},
};
static const struct tact_audit_entry full = {
    .kind = TACT_AUDIT_DECISION,
    .phase = "end-of-message",
    .pseudonym = "00112233445566778899aabbccddeeff",
    .decision = "d1",
    .previous = "d0",
    .version_seen = 1763999999000001,
    .version_written = 1764000000000001,
    .policy = "p1",
    .policy_text = "stream \"x\" { }\n",
    .software = "tact 0.1.0",
    .mode = "enforce",
    .verdict = "delay",
    .action = "queue",
    .code = "451 4.7.1",
    .until_us = INT64_C(1764061200000000),
    .not_after_us = INT64_C(1764147600500000),
    .stream = "news",
    .purpose = "newsletter",
    .owner = "corporate",
    .brand = "shoes",
    .campaign = "spring",
    .priority = -5,
    .has_priority = true,
    .queue_id = "4Xyz",
    .reinjected_id = "4Xyw",
    .rules = two_rules,
    .rules_count = 2,
    .weighed = one_weighed,
    .weighed_count = 1,
    .person_key = key,
    .recipient_domain = "example.com",
    .message_id = "<1@example.com>",
    .sender = "news@example.net",
    .from = "Äpfel <news@example.net>",
    .sasl_user = "desk",
    .subject = "A \"quoted\" subject\r\n",
    .text = "free",
};

/* Appends ENTRY alone and gives back its text. */
static char *written(const struct tact_audit_entry *entry)
{
	struct tact_audit *audit = open_log();
	struct tact_error err = {.text = ""};
	struct texts all;
	char *text;
	int got = tact_audit_append(audit, entry, 1, NOW_US, NULL, &err);

	ck_assert_msg(got == TACT_OK, "append: got %d (%s), want 0", got, err.text);
	tact_audit_close(&audit);
	all = collect();
	ck_assert_uint_ge(all.count, 1);
	text = tact_strdup(all.json[all.count - 1]);
	ck_assert_uint_le(strlen(text), AUDIT_ENTRY_MAX_BYTES);
	texts_clear(&all);
	return text;
}

static void check_without_salt_and_seal(const char *json, const char *want)
{
	json_t *entry = parse(json);
	char *got;

	ck_assert_uint_eq(strlen(text_of(entry, "salt")), 32);
	ck_assert_str_ne(text_of(entry, "sealed"), "(none)");
	json_object_set_new(entry, "salt", json_string("S"));
	json_object_set_new(entry, "sealed", json_string("X"));
	got = json_dumps(entry, JSON_COMPACT);
	ck_assert_str_eq(got, want);
	free(got);
	json_decref(entry);
}

START_TEST(test_every_field_in_order)
{
	char *json = written(&full);

	check_without_salt_and_seal(json,
	    "{\"v\":1,\"kind\":\"decision\",\"host\":\"relay1\",\"seq\":0,\"time_us\":1764000000123456,"
	    "\"salt\":\"S\","
	    "\"pseudonym\":\"00112233445566778899aabbccddeeff\",\"phase\":\"end-of-message\",\"decision\":"
	    "\"d1\","
	    "\"previous\":\"d0\",\"version_seen\":1763999999000001,\"version_written\":1764000000000001,"
	    "\"policy\":\"p1\",\"configuration\":\"stream \\\"x\\\" { }\\n\",\"software\":\"tact 0.1.0\","
	    "\"mode\":\"enforce\",\"verdict\":\"delay\",\"action\":\"queue\",\"code\":\"451 4.7.1\","
	    "\"until\":\"2025-11-25T09:00:00Z\",\"not_after\":\"2025-11-26T09:00:00.500000Z\",\"stream\":"
	    "\"news\","
	    "\"purpose\":\"newsletter\",\"owner\":\"corporate\",\"brand\":\"shoes\",\"campaign\":\"spring\","
	    "\"priority\":-5,\"queue_id\":\"4Xyz\",\"reinjected_id\":\"4Xyw\",\"rules\":[{\"name\":"
	    "\"weekly\","
	    "\"kind\":\"limit\",\"verdict\":\"delay\",\"until\":\"2025-11-25T09:00:00Z\",\"mode\":"
	    "\"enforce\","
	    "\"numbers\":{\"count\":4,\"at_most\":1.5,\"window\":\"7d\",\"frees_at\":\"2025-11-25T09:00:"
	    "00Z\"}},"
	    "{\"name\":\"wishes\",\"kind\":\"suppression\",\"verdict\":\"accept\"}],\"weighed\":[{\"id\":"
	    "\"0a\","
	    "\"scope\":\"brand:shoes\",\"reason\":\"unsubscribe\",\"time\":\"2025-11-24T15:59:59Z\"}],"
	    "\"sealed\":\"X\"}");
	free(json);
}
END_TEST

/* The text on disk is what jansson itself would write. */
START_TEST(test_text_is_canonical)
{
	char *json = written(&full), *got;
	json_t *entry = parse(json);

	got = json_dumps(entry, JSON_COMPACT | JSON_REAL_PRECISION(15));
	ck_assert_str_eq(got, json);
	free(got);
	free(json);
	json_decref(entry);
}
END_TEST

START_TEST(test_nothing_set_nothing_written)
{
	struct tact_audit_entry entry = {.kind = TACT_AUDIT_START};
	char *json = written(&entry);
	json_t *got = parse(json);

	ck_assert_uint_eq(json_object_size(got), 6); /* v kind host seq time_us salt */
	ck_assert_str_eq(text_of(got, "kind"), "start");
	json_decref(got);
	free(json);
}
END_TEST

START_TEST(test_kind_names)
{
	static const char *const want[] = {"decision", "change", "outcome", "policy", "start", "stop"};

	for (int kind = TACT_AUDIT_DECISION; kind <= TACT_AUDIT_STOP; kind++)
		ck_assert_str_eq(tact_audit_kind_name((enum tact_audit_kind)kind), want[kind]);
}
END_TEST

static const struct {
	int64_t milli;
	const char *want;
} milli_rows[] = {{0, "0"}, {4000, "4"}, {1500, "1.5"}, {1, "0.001"}, {250, "0.25"}, {10000, "10"},
    {-1500, "-1.5"}, {100, "0.1"}, {1000000, "1000"}, {INT64_MAX, "9223372036854775.807"},
    {INT64_MIN, "-9223372036854775.808"}};

START_TEST(test_milli)
{
	struct audit_writer w = {.string_max = 100};

	audit_put_milli(&w, NULL, milli_rows[_i].milli);
	audit_put(&w, "", 1);
	ck_assert_str_eq(w.data, milli_rows[_i].want);
	audit_writer_clear(&w);
}
END_TEST

/* ---- sealed -------------------------------------------------------------------------------------------- */

START_TEST(test_sealed_opens_with_its_key)
{
	struct tact_arena *arena = tact_arena_new();
	char *json = written(&full), *opened = NULL, *got;
	json_t *entry;

	ck_assert_ptr_null(strstr(json, "example"));
	ck_assert_int_eq(tact_audit_open_entry(arena, json, key, &opened, NULL), TACT_OK);
	entry = parse(opened);
	got = json_dumps(json_object_get(entry, "sealed"), JSON_COMPACT);
	ck_assert_str_eq(got, "{\"recipient_domain\":\"example.com\",\"message_id\":\"<1@example.com>\","
			      "\"sender\":\"news@example.net\","
			      "\"from\":\"Äpfel <news@example.net>\",\"sasl_user\":\"desk\","
			      "\"subject\":\"A \\\"quoted\\\" subject\\r\\n\",\"text\":\"free\"}");
	free(got);
	json_decref(entry);
	free(json);
	tact_arena_free(&arena);
}
END_TEST

START_TEST(test_without_key_stays_sealed)
{
	struct tact_arena *arena = tact_arena_new();
	char *json = written(&full), *opened = NULL;

	ck_assert_int_eq(tact_audit_open_entry(arena, json, NULL, &opened, NULL), TACT_OK);
	ck_assert_str_eq(opened, json);
	free(json);
	tact_arena_free(&arena);
}
END_TEST

START_TEST(test_sealed_stays_shut_for_another_key)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_error err = {.text = ""};
	char *json = written(&full), *opened = NULL;

	ck_assert_int_eq(tact_audit_open_entry(arena, json, other_key, &opened, &err), TACT_CORRUPT);
	ck_assert_ptr_null(opened);
	ck_assert_str_ne(err.text, "");
	free(json);
	tact_arena_free(&arena);
}
END_TEST

static const char *const bonds[] = {"host", "salt", "pseudonym", "sealed"};

/* A sealed part moved to an entry that differs in one of these does not open. */
START_TEST(test_sealed_stays_shut_elsewhere)
{
	struct tact_arena *arena = tact_arena_new();
	char *json = written(&full), *opened = NULL, *moved;
	json_t *entry = parse(json);
	char *text = tact_strdup(text_of(entry, bonds[_i]));

	text[0] = text[0] == 'A' ? 'B' : 'A';
	json_object_set_new(entry, bonds[_i], json_string(text));
	moved = json_dumps(entry, JSON_COMPACT);
	ck_assert_int_eq(tact_audit_open_entry(arena, moved, key, &opened, NULL), TACT_CORRUPT);
	free(text);
	free(moved);
	free(json);
	json_decref(entry);
	tact_arena_free(&arena);
}
END_TEST

static const char *const no_entries[] = {"", "{", "[]", "{\"sealed\":\"!\",\"sealed\":\"!\"}",
    "{\"sealed\":\"!\"}", "{\"sealed\":\"\"}", "{\"sealed\":\"AAAA\",\"host\":3}"};

START_TEST(test_open_refuses_what_is_no_entry)
{
	struct tact_arena *arena = tact_arena_new();
	char *opened = NULL;

	ck_assert_int_eq(tact_audit_open_entry(arena, no_entries[_i], key, &opened, NULL), TACT_CORRUPT);
	tact_arena_free(&arena);
}
END_TEST

START_TEST(test_key_without_texts_seals_nothing)
{
	struct tact_audit_entry entry = {.kind = TACT_AUDIT_DECISION, .person_key = key};
	char *json = written(&entry);

	ck_assert_ptr_null(strstr(json, "sealed"));
	free(json);
}
END_TEST

START_TEST(test_pseudonym)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_id ann = {{1}}, bob = {{2}};
	char *first = tact_audit_pseudonym(arena, key, &ann);

	ck_assert_uint_eq(strlen(first), 32);
	ck_assert_str_eq(tact_audit_pseudonym(arena, key, &ann), first);
	ck_assert_str_ne(tact_audit_pseudonym(arena, key, &bob), first);
	ck_assert_str_ne(tact_audit_pseudonym(arena, other_key, &ann), first);
	tact_arena_free(&arena);
}
END_TEST

/* ---- bad and long texts -------------------------------------------------------------------------------- */

#define BAD "\xef\xbf\xbd"
static const struct {
	const char *text, *want;
} utf8_rows[] = {
    {"plain", "plain"},
    {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"},
    {"caf\xe9", "caf" BAD},
    {"\xff\xfe", BAD BAD},
    {"\xc0\xaf", BAD BAD},			   /* overlong */
    {"\xe0\x80\xaf", BAD BAD BAD},		   /* overlong */
    {"\xed\xa0\x80", BAD BAD BAD},		   /* surrogate */
    {"\xf4\x90\x80\x80", BAD BAD BAD BAD},	   /* beyond U+10FFFF */
    {"\xf8\x88\x80\x80\x80", BAD BAD BAD BAD BAD}, /* five bytes */
    {"\xe2\x82", BAD BAD},			   /* ends too early */
    {"\xe2\x82z", BAD BAD "z"},			   /* broken off */
    {"\xf0\x9f\x98", BAD BAD BAD},		   /* ends too early */
    {"\x01\x1f\x7f\t\"\\/", "\x01\x1f\x7f\t\"\\/"},
};

START_TEST(test_utf8)
{
	struct tact_audit_entry entry = {.kind = TACT_AUDIT_CHANGE, .queue_id = utf8_rows[_i].text};
	char *json = written(&entry);
	json_t *got = parse(json);

	ck_assert_str_eq(text_of(got, "queue_id"), utf8_rows[_i].want);
	json_decref(got);
	free(json);
}
END_TEST

/* What the seal is bound to must be what the reader finds in the entry. */
START_TEST(test_seal_survives_a_strange_pseudonym)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_audit_entry entry = {
	    .kind = TACT_AUDIT_CHANGE, .pseudonym = "\xff\"\x01", .person_key = key, .text = "\xfe"};
	char *json = written(&entry), *opened = NULL;

	ck_assert_int_eq(tact_audit_open_entry(arena, json, key, &opened, NULL), TACT_OK);
	ck_assert_ptr_nonnull(strstr(opened, "\"text\":\"" BAD "\""));
	free(json);
	tact_arena_free(&arena);
}
END_TEST

static char *repeated(const char *piece, size_t times)
{
	size_t n = strlen(piece);
	char *text = tact_malloc(n * times + 1);

	for (size_t i = 0; i < times; i++)
		memcpy(text + i * n, piece, n);
	text[n * times] = '\0';
	return text;
}

/* Sealed texts give way before anything else. */
START_TEST(test_long_subject_is_cut)
{
	struct tact_arena *arena = tact_arena_new();
	struct tact_audit_entry entry = full;
	char *subject = repeated("\xc3\xa4", 100000), *json, *opened = NULL;
	json_t *got;

	entry.subject = subject;
	json = written(&entry);
	ck_assert_int_eq(tact_audit_open_entry(arena, json, key, &opened, NULL), TACT_OK);
	got = parse(opened);
	ck_assert(json_is_true(json_object_get(got, "cut")));
	ck_assert_uint_eq(json_array_size(json_object_get(got, "rules")), 2);
	ck_assert_uint_eq(strlen(text_of(json_object_get(got, "sealed"), "subject")), 16000);
	ck_assert_str_eq(text_of(json_object_get(got, "sealed"), "message_id"), "<1@example.com>");
	json_decref(got);
	free(json);
	free(subject);
	tact_arena_free(&arena);
}
END_TEST

START_TEST(test_many_rules_are_dropped)
{
	struct tact_audit_entry entry = full;
	struct tact_audit_rule *rules = tact_calloc(5000, sizeof *rules);
	char *json;
	json_t *got;
	size_t kept;

	for (size_t i = 0; i < 5000; i++)
		rules[i] = two_rules[0];
	entry.rules = rules;
	entry.rules_count = 5000;
	json = written(&entry);
	got = parse(json);
	kept = json_array_size(json_object_get(got, "rules"));
	ck_assert_msg(kept > 100 && kept < 5000, "got %zu rules, want some hundred", kept);
	ck_assert(json_is_true(json_object_get(got, "cut")));
	ck_assert_str_eq(text_of(got, "verdict"), "delay");
	json_decref(got);
	free(json);
	free(rules);
}
END_TEST

static const char *const pieces[] = {"x", "\x01", "\xff", "\"", "\xf0\x9f\x98\x80"};

/* All texts too long at once, in each way that a byte can grow: still one entry that fits and parses and
 * opens. */
START_TEST(test_everything_too_long)
{
	struct tact_arena *arena = tact_arena_new();
	char *t = repeated(pieces[_i], 70000), *json, *opened = NULL;
	struct tact_audit_rule rule = {t, t, t, t, 1, {true, INT64_MIN, INT64_MIN, t, 1}}, rules[40];
	struct tact_audit_rule good = two_rules[0];
	struct tact_audit_weighed weighed[40];
	struct tact_audit_entry entry = full;
	json_t *got;

	for (size_t i = 0; i < 40; i++) {
		rules[i] = i < 20 ? good : rule;
		weighed[i] = (struct tact_audit_weighed){t, t, t, 1};
	}
	entry.phase = entry.decision = entry.previous = entry.policy = entry.software = entry.mode = t;
	entry.verdict = entry.action = entry.code = entry.stream = entry.purpose = entry.owner = entry.brand =
	    t;
	entry.campaign = entry.queue_id = entry.reinjected_id = entry.pseudonym = entry.policy_text = t;
	entry.recipient_domain = entry.message_id = entry.sender = entry.from = entry.sasl_user = t;
	entry.subject = entry.text = t;
	entry.rules = rules;
	entry.weighed = weighed;
	entry.rules_count = entry.weighed_count = 40;
	json = written(&entry);
	ck_assert_int_eq(tact_audit_open_entry(arena, json, key, &opened, NULL), TACT_OK);
	got = parse(opened);
	ck_assert(json_is_true(json_object_get(got, "cut")));
	ck_assert_uint_ge(json_array_size(json_object_get(got, "rules")), 20);
	ck_assert_uint_ge(strlen(text_of(got, "verdict")), 80);
	json_decref(got);
	free(json);
	free(t);
	tact_arena_free(&arena);
}
END_TEST

/* A long configuration stands in several entries, whole. */
START_TEST(test_long_configuration_is_told_in_parts)
{
	struct tact_audit *audit = open_log();
	char *text = repeated("stream \"\xc3\xa4\" {\n\tpurpose = newsletter\n}\n", 5000), *joined;
	struct tact_audit_entry entries[] = {{.kind = TACT_AUDIT_START},
	    {.kind = TACT_AUDIT_POLICY, .policy = "p1", .policy_text = text}, {.kind = TACT_AUDIT_STOP}};
	struct texts all;
	uint64_t first = 9;

	ck_assert_int_eq(tact_audit_append(audit, entries, 3, NOW_US, &first, NULL), TACT_OK);
	ck_assert_uint_eq(first, 0);
	tact_audit_close(&audit);
	all = collect();
	ck_assert_uint_gt(all.count, 6);
	joined = tact_calloc(1, strlen(text) + 1);
	for (size_t i = 1; i + 1 < all.count; i++) {
		json_t *got = parse(all.json[i]);

		ck_assert_uint_le(strlen(all.json[i]), AUDIT_ENTRY_MAX_BYTES);
		ck_assert_str_eq(text_of(got, "policy"), "p1");
		ck_assert_int_eq(json_is_true(json_object_get(got, "more")), i + 2 < all.count);
		ck_assert_ptr_null(json_object_get(got, "cut"));
		strncat(joined, text_of(got, "configuration"), strlen(text) - strlen(joined));
		json_decref(got);
	}
	ck_assert_str_eq(joined, text);
	texts_clear(&all);
	free(joined);
	free(text);
}
END_TEST

START_TEST(test_salts_differ)
{
	struct tact_audit *audit = open_log();
	struct tact_audit_entry entries[2] = {{.kind = TACT_AUDIT_START}, {.kind = TACT_AUDIT_START}};
	struct texts all;
	json_t *a, *b;

	ck_assert_int_eq(tact_audit_append(audit, entries, 2, NOW_US, NULL, NULL), TACT_OK);
	tact_audit_close(&audit);
	all = collect();
	a = parse(all.json[0]);
	b = parse(all.json[1]);
	ck_assert_str_ne(text_of(a, "salt"), text_of(b, "salt"));
	json_decref(a);
	json_decref(b);
	texts_clear(&all);
}
END_TEST

static void add(TCase *tests)
{
	tcase_add_test(tests, test_every_field_in_order);
	tcase_add_test(tests, test_text_is_canonical);
	tcase_add_test(tests, test_nothing_set_nothing_written);
	tcase_add_test(tests, test_kind_names);
	ADD_ROWS(tests, test_milli, milli_rows);
	tcase_add_test(tests, test_sealed_opens_with_its_key);
	tcase_add_test(tests, test_without_key_stays_sealed);
	tcase_add_test(tests, test_sealed_stays_shut_for_another_key);
	ADD_ROWS(tests, test_sealed_stays_shut_elsewhere, bonds);
	ADD_ROWS(tests, test_open_refuses_what_is_no_entry, no_entries);
	tcase_add_test(tests, test_key_without_texts_seals_nothing);
	tcase_add_test(tests, test_pseudonym);
	ADD_ROWS(tests, test_utf8, utf8_rows);
	tcase_add_test(tests, test_seal_survives_a_strange_pseudonym);
	tcase_add_test(tests, test_long_subject_is_cut);
	tcase_add_test(tests, test_many_rules_are_dropped);
	ADD_ROWS(tests, test_everything_too_long, pieces);
	tcase_add_test(tests, test_long_configuration_is_told_in_parts);
	tcase_add_test(tests, test_salts_differ);
}

int main(void)
{
	return run_suite("audit entry", add);
}

/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Words, key files, keys and recipients. The key vectors were computed with Python's hashlib and hmac.
 */
#include <config.h>

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tact/facts.h>

#define SECRET_RANGE "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SECRET_11 "1111111111111111111111111111111111111111111111111111111111111111"

static struct tact_arena *arena;
static char folder[64];
static const char *path;

static void set_up(void)
{
	arena = tact_arena_new();
	snprintf(folder, sizeof folder, "%s", "/tmp/tact-key-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	path = tact_arena_printf(arena, "%s/key", folder);
}

static void tear_down(void)
{
	unlink(path);
	unlink(tact_arena_printf(arena, "%s/link", folder));
	ck_assert_msg(rmdir(folder) == 0, "got files left in %s, want none", folder);
	tact_arena_free(&arena);
}

/* ---- words --------------------------------------------------------------------------------------------- */

START_TEST(words_are_read_as_written)
{
	for (int i = 0; i < TACT_PURPOSES; i++) {
		enum tact_purpose got = TACT_PURPOSES;
		ck_assert_int_eq(
		    tact_facts_parse_purpose(tact_facts_purpose_name((enum tact_purpose)i), &got), TACT_OK);
		ck_assert_int_eq((int)got, i);
	}
	for (int i = 0; i < TACT_CHANNELS; i++) {
		enum tact_channel got = TACT_CHANNELS;
		ck_assert_int_eq(
		    tact_facts_parse_channel(tact_facts_channel_name((enum tact_channel)i), &got), TACT_OK);
		ck_assert_int_eq((int)got, i);
	}
	ck_assert_str_eq(tact_facts_purpose_name(TACT_OCCASION), "occasion");
	ck_assert_str_eq(tact_facts_channel_name(TACT_SMS), "sms");
}
END_TEST

START_TEST(other_words_are_refused)
{
	static const char *const bad[] = {
	    "", "Promotional", "promotional ", "promo", "emails", "unknown", NULL};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		enum tact_purpose purpose;
		enum tact_channel channel;
		ck_assert_int_eq(tact_facts_parse_purpose(bad[i], &purpose), TACT_INVALID);
		ck_assert_int_eq(tact_facts_parse_channel(bad[i], &channel), TACT_INVALID);
	}
	ck_assert_str_eq(tact_facts_purpose_name(TACT_PURPOSES), "unknown");
	ck_assert_str_eq(tact_facts_channel_name((enum tact_channel) - 1), "unknown");
}
END_TEST

/* ---- key files ----------------------------------------------------------------------------------------- */

static void write_bytes(const char *text, size_t length, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, length), (ssize_t)length);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static struct tact_keyring *load(const char *text)
{
	struct tact_keyring *keyring = NULL;
	struct tact_error err = {""};
	write_bytes(text, strlen(text), 0600);
	int got = tact_facts_load_keyring(path, &keyring, &err);
	ck_assert_msg(got == TACT_OK, "got %s (%s), want ok", tact_result_name(got), err.text);
	return keyring;
}

static void check_refused(const char *what, int want, const char *words)
{
	struct tact_keyring *keyring = NULL;
	struct tact_error err = {""};
	int got = tact_facts_load_keyring(path, &keyring, &err);
	ck_assert_msg(got == want && keyring == NULL, "%s: got %s, want %s", what, tact_result_name(got),
	    tact_result_name(want));
	ck_assert_msg(strstr(err.text, words) != NULL, "%s: got \"%s\", want \"%s\"", what, err.text, words);
}

START_TEST(a_key_file_may_have_comments_and_crlf)
{
	struct tact_keyring *keyring = load("# note\r\n\n" SECRET_RANGE "\r\n# earlier\n" SECRET_11);
	ck_assert_uint_eq(tact_facts_keyring_count(keyring), 2);
	struct tact_id id = tact_facts_keyring_fingerprint(keyring, 0);
	ck_assert_str_eq(tact_id_format(arena, &id), "3c07d2abb777f9936bd12e188ead07bf");
	id = tact_facts_keyring_fingerprint(keyring, 1);
	ck_assert_str_eq(tact_id_format(arena, &id), "e50811680ab5271fafff5ce5c86dcd00");
	tact_facts_free_keyring(&keyring);
	ck_assert_ptr_null(keyring);
	tact_facts_free_keyring(&keyring);
}
END_TEST

START_TEST(a_bad_key_file_is_refused_by_line)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
	    {"", "no secret"},
	    {"# only a note\n", "no secret"},
	    {SECRET_RANGE "\nabc\n", "line 2"},
	    {SECRET_RANGE "0\n", "line 1"},
	    {"x" SECRET_RANGE "\n", "line 1"},
	    {" " SECRET_RANGE "\n", "line 1"},
	    {SECRET_RANGE "\n" SECRET_11 "\n" SECRET_RANGE "\n", "line 3"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		write_bytes(rows[i].text, strlen(rows[i].text), 0600);
		check_refused(rows[i].text, TACT_INVALID, rows[i].words);
	}
	write_bytes(SECRET_RANGE "\n\0", sizeof SECRET_RANGE + 1, 0600);
	check_refused("NUL", TACT_INVALID, "NUL");
	char *big = tact_arena_alloc(arena, 65538);
	memset(big, '#', 65537);
	write_bytes(big, 65537, 0600);
	check_refused("65537 bytes", TACT_INVALID, "65536");
}
END_TEST

START_TEST(a_key_file_that_others_reach_is_refused)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0602, 0644, 0666, 0610, 0601};
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		write_bytes(SECRET_RANGE "\n", 65, modes[i]);
		check_refused("mode", TACT_REFUSED, "mode");
	}
	write_bytes(SECRET_RANGE "\n", 65, 0400);
	struct tact_keyring *keyring = NULL;
	ck_assert_int_eq(tact_facts_load_keyring(path, &keyring, NULL), TACT_OK);
	tact_facts_free_keyring(&keyring);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
	check_refused("absent", TACT_REFUSED, "tact key new");
	write_bytes(SECRET_RANGE "\n", 65, 0600);
	const char *file = path;
	path = tact_arena_printf(arena, "%s/link", folder);
	ck_assert_int_eq(symlink(file, path), 0);
	check_refused("link", TACT_REFUSED, "symbolic link");
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	check_refused("FIFO", TACT_REFUSED, "regular file");
	path = file;
}
END_TEST

/* ---- making and rotating ------------------------------------------------------------------------------- */

static struct tact_id current_fingerprint(size_t want_count, size_t which)
{
	struct tact_keyring *keyring = NULL;
	struct tact_error err = {""};
	int got = tact_facts_load_keyring(path, &keyring, &err);
	ck_assert_msg(got == TACT_OK, "got %s (%s), want ok", tact_result_name(got), err.text);
	ck_assert_uint_eq(tact_facts_keyring_count(keyring), want_count);
	struct tact_id id = tact_facts_keyring_fingerprint(keyring, which);
	tact_facts_free_keyring(&keyring);
	return id;
}

START_TEST(a_key_file_is_made_once)
{
	struct tact_error err = {""};
	struct stat st;
	mode_t before = umask(0);
	ck_assert_int_eq(tact_facts_create_key_file(path, false, &err), TACT_OK);
	umask(before);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_msg((st.st_mode & 07777) == 0600, "got mode %o, want 600", st.st_mode & 07777U);
	struct tact_id first = current_fingerprint(1, 0);
	ck_assert_int_eq(tact_facts_create_key_file(path, false, &err), TACT_REFUSED);
	struct tact_id still = current_fingerprint(1, 0);
	ck_assert(tact_id_equal(&first, &still));
}
END_TEST

START_TEST(a_key_file_is_not_made_through_a_link)
{
	const char *file = path;
	path = tact_arena_printf(arena, "%s/link", folder);
	ck_assert_int_eq(symlink(file, path), 0);
	ck_assert_int_eq(tact_facts_create_key_file(path, false, NULL), TACT_REFUSED);
	ck_assert_int_ne(access(file, F_OK), 0);
	ck_assert_int_eq(tact_facts_create_key_file(path, true, NULL), TACT_REFUSED);
	path = file;
	ck_assert_int_eq(tact_facts_create_key_file("/nonexistent/folder/key", false, NULL), TACT_SYSTEM);
}
END_TEST

START_TEST(rotation_puts_a_new_secret_first)
{
	struct tact_error err = {""};
	struct stat st;
	ck_assert_int_eq(tact_facts_create_key_file(path, true, &err), TACT_REFUSED);
	ck_assert_int_eq(tact_facts_create_key_file(path, false, &err), TACT_OK);
	struct tact_id first = current_fingerprint(1, 0);
	for (size_t count = 2; count <= 64; count++) {
		ck_assert_int_eq(tact_facts_create_key_file(path, true, &err), TACT_OK);
		struct tact_id last = current_fingerprint(count, count - 1),
			       now = current_fingerprint(count, 0);
		ck_assert(tact_id_equal(&first, &last));
		ck_assert(!tact_id_equal(&first, &now));
	}
	ck_assert_int_eq(tact_facts_create_key_file(path, true, &err), TACT_REFUSED);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_msg((st.st_mode & 07777) == 0600, "got mode %o, want 600", st.st_mode & 07777U);
}
END_TEST

START_TEST(a_bad_key_file_is_not_rotated)
{
	write_bytes("abc\n", 4, 0600);
	ck_assert_int_eq(tact_facts_create_key_file(path, true, NULL), TACT_INVALID);
	write_bytes(SECRET_RANGE "\n", 65, 0644);
	ck_assert_int_eq(tact_facts_create_key_file(path, true, NULL), TACT_REFUSED);
}
END_TEST

/* ---- keys and recipients ------------------------------------------------------------------------------- */

static const char *const plus_domains[] = {"example.com"};
static const struct tact_canonical_profile profiles[] = {
    {.fold_local_case = true, .plus_domains = plus_domains, .plus_domains_count = 1},
    {.fold_local_case = true},
    {.fold_local_case = false},
};

static void check_recipient(
    const struct tact_recipient *recipient, const char *key, const char *const *also, size_t count)
{
	ck_assert_str_eq(tact_id_format(arena, &recipient->key), key);
	ck_assert_msg(
	    recipient->also_count == count, "got %zu other keys, want %zu", recipient->also_count, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_str_eq(tact_id_format(arena, &recipient->also[i]), also[i]);
}

START_TEST(a_recipient_has_the_key_of_the_design)
{
	struct tact_keyring *keyring = load(SECRET_RANGE "\n");
	struct tact_identity identity = {.keyring = keyring, .profiles = profiles, .profiles_count = 1};
	struct tact_recipient recipient;
	ck_assert_int_eq(
	    tact_facts_recipient(arena, &identity, "<Ann@Example.com>", &recipient, NULL), TACT_OK);
	check_recipient(&recipient, "69c8dfcfcc581277cd9a201ca6faf941", NULL, 0);
	ck_assert_str_eq(recipient.address.given, "Ann@Example.com");
	tact_facts_free_keyring(&keyring);
}
END_TEST

START_TEST(a_recipient_is_asked_for_under_every_key)
{
	static const char *const also[] = {
	    "a4740a1f142a61a8045ad48ef3b6e63f", /* earlier secret, ann@example.com */
	    "e452efc5d7c57ddd54f06a7806ac8839", /* ann+news@example.com: second profile, and plain */
	    "d0c8d84726793e208a82e4ba33e306a4",
	    "5e9253ce578c743a3db358671da11e0b", /* Ann+News@example.com: third profile */
	    "556eaedd1f6f06ff867a9e51aaa33964",
	};
	struct tact_keyring *keyring = load(SECRET_RANGE "\n" SECRET_11 "\n");
	struct tact_identity identity = {.keyring = keyring, .profiles = profiles, .profiles_count = 3};
	struct tact_recipient recipient;
	ck_assert_int_eq(
	    tact_facts_recipient(arena, &identity, "Ann+News@Example.com", &recipient, NULL), TACT_OK);
	check_recipient(&recipient, "69c8dfcfcc581277cd9a201ca6faf941", also, 5);
	tact_facts_free_keyring(&keyring);
}
END_TEST

START_TEST(the_plain_form_is_asked_where_it_differs)
{
	static const char *const also[] = {"b44d6f119b576743da58fb7f275e4689"};
	struct tact_keyring *keyring = load(SECRET_RANGE "\n");
	struct tact_identity identity = {.keyring = keyring, .profiles = profiles, .profiles_count = 1};
	struct tact_recipient recipient;
	const char *text = "J\xc3\xb6rg@B\xc3\xbc"
			   "cher.example";
	ck_assert_int_eq(tact_facts_recipient(arena, &identity, text, &recipient, NULL), TACT_OK);
	check_recipient(&recipient, "2e6b0c1d0043f948d15b468511bdd98c", also, 1);
	ck_assert_int_eq(tact_facts_recipient(arena, &identity, "ann", &recipient, NULL), TACT_INVALID);
	tact_facts_free_keyring(&keyring);
}
END_TEST

static void expect_asked(const struct tact_recipient *recipient, const struct tact_keyring *keyring,
    size_t secret, const char *former, const char *text)
{
	uint8_t sha256[TACT_SHA256_BYTES];
	bool found = false;

	tact_digest_sha256(former, strlen(former), sha256);
	struct tact_id key = tact_facts_key(keyring, secret, sha256);
	for (size_t i = 0; i < recipient->also_count; i++)
		found = found || tact_id_equal(&key, &recipient->also[i]);
	ck_assert_msg(found, "%s, secret %zu: got no question for %s", text, secret, former);
}

/* Before one literal was one mailbox, a v4-mapped one had a key of its own. */
START_TEST(a_literal_is_asked_under_its_former_key)
{
	static const char *const texts[] = {"Ann@[192.0.2.1]", "ann@[IPv6:::ffff:192.0.2.1]",
	    "ann@[ipv6:0:0:0:0:0:FFFF:c000:201]", "\"ann\"@[192.0.2.1]"};
	static const char *const profile_texts[] = {
	    "Ann@[IPv6:::ffff:192.0.2.1]", "ann@[IPv6:::ffff:192.0.2.1]"};
	struct tact_keyring *keyring = load(SECRET_RANGE "\n" SECRET_11 "\n");
	struct tact_identity identity = {.keyring = keyring, .profiles = &profiles[1], .profiles_count = 2};
	struct tact_recipient recipient;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		ck_assert_int_eq(tact_facts_recipient(arena, &identity, texts[i], &recipient, NULL), TACT_OK);
		ck_assert_str_eq(recipient.address.canonical, "ann@[192.0.2.1]");
		for (size_t secret = 0; secret < 2; secret++) {
			expect_asked(&recipient, keyring, secret, profile_texts[1], texts[i]);
			if (i == 0)
				expect_asked(&recipient, keyring, secret, profile_texts[0], texts[i]);
		}
	}
	ck_assert_int_eq(
	    tact_facts_recipient(arena, &identity, "ann@[IPv6:2001:db8::1]", &recipient, NULL), TACT_OK);
	ck_assert_uint_eq(recipient.also_count, 3);
	tact_facts_free_keyring(&keyring);
}
END_TEST

/* A list of addresses as people write them was hashed, and mail comes as the wire has it. */
START_TEST(a_domain_is_asked_as_people_write_it)
{
	static const char *const texts[] = {"Ann@xn--bcher-kva.example", "ann@XN--BCHER-KVA.Example",
	    "ann@B\xc3\x9c"
	    "CHER.example",
	    "ann@bu\xcc\x88"
	    "cher.example"};
	static const char displayed[] = "ann@b\xc3\xbc"
					"cher.example";
	static const char *const folding[] = {"xn--bcher-kva.example"};
	const struct tact_canonical_profile plus = {
	    .fold_local_case = true, .plus_domains = folding, .plus_domains_count = 1};
	struct tact_keyring *keyring = load(SECRET_RANGE "\n" SECRET_11 "\n");
	struct tact_identity identity = {.keyring = keyring, .profiles = &profiles[1], .profiles_count = 1};
	struct tact_recipient recipient;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		ck_assert_int_eq(tact_facts_recipient(arena, &identity, texts[i], &recipient, NULL), TACT_OK);
		for (size_t secret = 0; secret < 2; secret++)
			expect_asked(&recipient, keyring, secret, displayed, texts[i]);
	}
	identity.profiles = &plus;
	ck_assert_int_eq(
	    tact_facts_recipient(arena, &identity, "Ann+x@xn--bcher-kva.example", &recipient, NULL), TACT_OK);
	expect_asked(&recipient, keyring, 0, displayed, "folded");
	expect_asked(&recipient, keyring, 0,
	    "ann+x@b\xc3\xbc"
	    "cher.example",
	    "as it came");
	ck_assert_int_eq(
	    tact_facts_recipient(arena, &identity, "ann@xn--ls8h.example", &recipient, NULL), TACT_OK);
	ck_assert_int_eq(
	    tact_facts_recipient(arena, &identity, "ann@example.com", &recipient, NULL), TACT_OK);
	ck_assert_uint_eq(recipient.also_count, 1);
	tact_facts_free_keyring(&keyring);
}
END_TEST

START_TEST(a_listed_sha256_is_the_same_person)
{
	static const char *const also[] = {"a4740a1f142a61a8045ad48ef3b6e63f"};
	static const char *const bad[] = {"", "71d4",
	    "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b1669647600",
	    "g1d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476", "ann@example.com"};
	struct tact_keyring *keyring = load(SECRET_RANGE "\n" SECRET_11 "\n");
	struct tact_identity identity = {.keyring = keyring, .profiles = profiles, .profiles_count = 3};
	struct tact_recipient recipient;
	const char *hex = "71D4F55F72FA128DFB468A1A3901507C804B74316488744D769D7F4B16696476";
	ck_assert_int_eq(tact_facts_recipient_of_sha256(arena, &identity, hex, &recipient, NULL), TACT_OK);
	check_recipient(&recipient, "69c8dfcfcc581277cd9a201ca6faf941", also, 1);
	ck_assert_str_eq(
	    recipient.address.given, "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476");
	ck_assert_str_eq(recipient.address.canonical, "");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_int_eq(
		    tact_facts_recipient_of_sha256(arena, &identity, bad[i], &recipient, NULL), TACT_INVALID);
	tact_facts_free_keyring(&keyring);
}
END_TEST

START_TEST(a_phone_number_is_one_however_it_is_written)
{
	static const char *const same[] = {"+441134960000", "+44 113 496 0000", "tel:+44-113-496-0000",
	    "TEL:+44 (113) 496.0000", "+44/113/4960000"};
	static const char *const bad[] = {"", "+", "tel:", "441134960000", "+44113", "+0113496000",
	    "+4411349600001234", "+44 113 496x", "tel:+44+113496000", "+441134960000;ext=1"};
	struct tact_keyring *keyring = load(SECRET_RANGE "\n" SECRET_11 "\n");
	struct tact_identity identity = {.keyring = keyring, .profiles = profiles, .profiles_count = 3};
	struct tact_recipient recipient;
	uint8_t sha256[TACT_SHA256_BYTES];

	tact_digest_sha256("tel:+441134960000", 17, sha256);
	struct tact_id key = tact_facts_key(keyring, 0, sha256), also = tact_facts_key(keyring, 1, sha256);
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		ck_assert(tact_facts_is_phone(same[i]));
		ck_assert_int_eq(
		    tact_facts_recipient_of_phone(arena, &identity, same[i], &recipient, NULL), TACT_OK);
		ck_assert_str_eq(recipient.address.canonical, "tel:+441134960000");
		ck_assert(tact_id_equal(&recipient.key, &key));
		ck_assert_uint_eq(recipient.also_count, 1);
		ck_assert(tact_id_equal(&recipient.also[0], &also));
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(
		    tact_facts_recipient_of_phone(arena, &identity, bad[i], &recipient, NULL) == TACT_INVALID,
		    "\"%s\" was taken", bad[i]);
	ck_assert(!tact_facts_is_phone("+tag@example.com"));
	ck_assert(!tact_facts_is_phone("ann@example.com"));
	tact_facts_free_keyring(&keyring);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("facts: keys");
	TCase *all = tcase_create("all");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_add_test(all, words_are_read_as_written);
	tcase_add_test(all, other_words_are_refused);
	tcase_add_test(all, a_key_file_may_have_comments_and_crlf);
	tcase_add_test(all, a_bad_key_file_is_refused_by_line);
	tcase_add_test(all, a_key_file_that_others_reach_is_refused);
	tcase_add_test(all, what_is_no_file_is_refused);
	tcase_add_test(all, a_key_file_is_made_once);
	tcase_add_test(all, a_key_file_is_not_made_through_a_link);
	tcase_add_test(all, rotation_puts_a_new_secret_first);
	tcase_add_test(all, a_bad_key_file_is_not_rotated);
	tcase_add_test(all, a_recipient_has_the_key_of_the_design);
	tcase_add_test(all, a_recipient_is_asked_for_under_every_key);
	tcase_add_test(all, the_plain_form_is_asked_where_it_differs);
	tcase_add_test(all, a_literal_is_asked_under_its_former_key);
	tcase_add_test(all, a_listed_sha256_is_the_same_person);
	tcase_add_test(all, a_domain_is_asked_as_people_write_it);
	tcase_add_test(all, a_phone_number_is_one_however_it_is_written);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

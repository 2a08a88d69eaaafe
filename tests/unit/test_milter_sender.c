/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Which senders Postfix's smtpd takes. What is refused here, Postfix 3.7 answers with 501, or 500 where it is
 * no UTF-8.
 */
#include <config.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/milter/private.h"

static struct tact_arena *arena;

static void setup(void)
{
	arena = tact_arena_new();
}

static void teardown(void)
{
	tact_arena_free(&arena);
}

#define EIGHT "dddddddd"
#define LABEL_63 EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT "ddddddd"

static const char *const taken[] = {"", "root@relay.test", "A@Person.Test", "a+ext@person.test",
    "a=b@person.test", "b+ann=person.test@leeds.test", "\"a b\"@person.test", "\"a..b\"@person.test",
    "\"a\\\"b\"@person.test", "\"a@b\"@person.test", "\"\"@foo.test", "|cmd@person.test", "a@[192.0.2.1]",
    "a@[127.0.0.1]", "a@[0.0.0.0]", "a@[IPv6:2001:db8::1]", "a@[ipv6:::1]", "a@[IPv6:::]",
    "a@[IPv6:::ffff:1.2.3.4]", "gr\xC3\xBC\xC3\x9F@person.test", "a@gr\xC3\xBC\xC3\x9F.test",
    "a@xn--mnchen-3ya.test", "a@1a", "a@0x1", "a@3com.test", "a@und_er.test", "a@" LABEL_63 ".test",
    "a%b@x.test", "u!v@x.test", "a%b%c@localhost", "a!@localhost", "1%b@x.test", "a-b@x.test", "a-@x.test"};

static const char *const refused[] = {"cron@10.1.2.3", "foo@", "foo", "@", "-dash@person.test",
    "\"-dash\"@person.test", "\"-\"@x.test", "\"-a b\"@x.test", "-@x.test", "app@node-.cluster.test",
    "x@-b.test", "x@b..test", "user@.test", "user@test..", "a@.", "a@-", "a@1", "a@1.2.3.4.5",
    "a@d" LABEL_63 ".test", "a@" LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63 ".test", "a@[0.1.2.3]",
    "a@[1.2.3]", "a@[256.1.1.1]", "a@[2001:db8::1]", "a@[IPv6:1::2::3]", "a@[IPv6:1:2:3:4:5:6:7::]",
    "a@[IPv6:::ffff:0.1.2.3]", "a@[x-tag:foo]", "a@[]", "a@[", "a@gr\xC3\xBC\xC3\x9F..test",
    "gr\xC3\xBC\xC3\x9F@10.1.2.3",
    "a@1\xE3\x80\x82"
    "2",
    "a@-\xC3\xBC.test", "a@\xC3\xBC-.test", "a\xFF@person.test", "a@b\xFF.test", "\"a@b\"@", "a%b@1.2.3.4",
    "\"a%b..c\"@localhost", "\"b..c!a\"@localhost", "\"a@b..c\"@localhost", "\"a@1\"@localhost",
    "\"a@\"@localhost", "a%@localhost", "a%1@localhost", "!a@localhost", "a%-b@localhost", "b!-a@localhost",
    "-a%b@localhost", "\"%b.test!\"@localhost", "a%b!c@localhost", "\"b!\\\\-\"@localhost",
    "\"b! -a\"@localhost", "\"b!\\\"-a\\\"\"@localhost"};

START_TEST(what_smtpd_takes)
{
	ck_assert_msg(sender_is_taken(arena, taken[_i]), "<%s>: got false, want true", taken[_i]);
}
END_TEST

START_TEST(what_smtpd_refuses)
{
	ck_assert_msg(!sender_is_taken(arena, refused[_i]), "<%s>: got true, want false", refused[_i]);
}
END_TEST

/* Whatever the length: neither read beyond its end nor taken beyond our own limit. */
START_TEST(any_length)
{
	static const size_t lengths[] = {1, 64, 65, 4000, 4097, 1024 * 1024};
	size_t length = lengths[_i];
	char *sender = tact_arena_alloc(arena, length + sizeof "@x.test");

	memset(sender, 'a', length);
	ck_assert(!sender_is_taken(arena, sender));
	strcpy(sender + length, "@x.test");
	ck_assert_int_eq(sender_is_taken(arena, sender), length <= 4000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("milter_sender");
	TCase *tcase = tcase_create("senders");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, what_smtpd_takes, 0, sizeof taken / sizeof *taken);
	tcase_add_loop_test(tcase, what_smtpd_refuses, 0, sizeof refused / sizeof *refused);
	tcase_add_loop_test(tcase, any_length, 0, 6);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

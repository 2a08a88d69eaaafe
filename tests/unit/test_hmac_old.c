/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * HMAC with a libcrypto of 3.0.0 to 3.0.2, which says that it begins a context anew and does not (its issue
 * 17811): that is noticed, and no HMAC is wrong for it. The calls go through one here that does as those did.
 */
#include <config.h>

#include <check.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <tact/base.h>

static size_t begun_anew, begun_with_a_secret;

int EVP_MAC_init(EVP_MAC_CTX *context, const unsigned char *key, size_t length, const OSSL_PARAM params[])
{
	int (*real)(EVP_MAC_CTX *, const unsigned char *, size_t, const OSSL_PARAM[]);
	void *found = dlsym(RTLD_NEXT, "EVP_MAC_init");

	if (key == NULL) {
		begun_anew++;
		return 1;
	}
	begun_with_a_secret++;
	ck_assert_ptr_nonnull(found);
	memcpy(&real, &found, sizeof real);
	return real(context, key, length, params);
}

START_TEST(no_hmac_is_wrong)
{
	struct tact_hmac *hmac = tact_digest_hmac_new("Jefe", 4);
	struct tact_arena *arena = tact_arena_new();

	for (int time = 0; time < 5; time++) {
		static const char text[] = "what do ya want for nothing?";
		uint8_t got[TACT_SHA256_BYTES];

		tact_digest_hmac_by(hmac, text, sizeof text - 1, got);
		ck_assert_str_eq(tact_hex_encode(arena, got, sizeof got),
		    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	}
	tact_arena_free(&arena);
	tact_digest_hmac_free(&hmac);
	ck_assert_msg(begun_anew == 1, "got %zu without a secret, want the one that tries it", begun_anew);
	ck_assert_msg(
	    begun_with_a_secret == 1 + 5, "got %zu with one, want that one's and 5", begun_with_a_secret);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hmac_old");
	TCase *tcase = tcase_create("hmac_old");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, no_hmac_is_wrong);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

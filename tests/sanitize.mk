# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# The same tests under sanitizers, and the fuzzers: each in a build of its own below the build folder, from a copy of what would be shipped.
# `make check-asan TESTS="tests/unit/test_gate tests/postfix/test_gate.py"` runs these alone; the folder stays for a look at the logs.
# A report ends a program with 99, which nothing else answers; the harness of tests/postfix looks into every log too.

SANITIZED_CONFIGURE = --enable-werror --enable-test-clock --enable-edges
SANITIZED_ENVIRONMENT = TACT_SANITIZED=yes UBSAN_OPTIONS=print_stacktrace=1:exitcode=99 LSAN_OPTIONS=exitcode=99 \
	ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:allocator_may_return_null=1:exitcode=99
ASAN_FLAGS = -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
TSAN_FLAGS = -g -O1 -fno-omit-frame-pointer -fsanitize=thread
FUZZ_SECONDS = 30

.PHONY: check-asan check-tsan fuzz

check-asan:
	rm -rf build-asan && $(MKDIR_P) build-asan
	$(MAKE) $(AM_MAKEFLAGS) distdir distdir=build-asan/tact
	cd build-asan/tact && ./configure $(SANITIZED_CONFIGURE) CFLAGS="$(ASAN_FLAGS)"
	cd build-asan/tact && $(SANITIZED_ENVIRONMENT) $(MAKE) $(AM_MAKEFLAGS) check

check-tsan:
	rm -rf build-tsan && $(MKDIR_P) build-tsan
	$(MAKE) $(AM_MAKEFLAGS) distdir distdir=build-tsan/tact
	cd build-tsan/tact && ./configure $(SANITIZED_CONFIGURE) CFLAGS="$(TSAN_FLAGS)"
	cd build-tsan/tact && $(SANITIZED_ENVIRONMENT) \
	  TSAN_OPTIONS="halt_on_error=1 allocator_may_return_null=1 exitcode=99 suppressions=$(abs_srcdir)/tests/tsan.supp" $(MAKE) $(AM_MAKEFLAGS) check

# Each fuzzer for FUZZ_SECONDS over its seeds; a crash leaves its input in build-fuzz and fails.
fuzz:
	rm -rf build-fuzz && $(MKDIR_P) build-fuzz
	$(MAKE) $(AM_MAKEFLAGS) distdir distdir=build-fuzz/tact
	cd build-fuzz/tact && ./configure --enable-fuzz CC=clang CFLAGS="-g -O1 -fsanitize=fuzzer-no-link,address,undefined"
	cd build-fuzz/tact && $(MAKE) $(FUZZERS)
	cd build-fuzz/tact && for fuzzer in $(FUZZERS); do name=$${fuzzer##*/fuzz_}; echo "fuzz $$name"; \
	  $(MKDIR_P) corpus/$$name && ./$$fuzzer -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=4096 -verbosity=0 \
	    corpus/$$name tests/fuzz/seeds/$$name || exit 1; done

clean-local:
	rm -rf build-asan build-tsan build-fuzz

FUZZERS = tests/fuzz/fuzz_address tests/fuzz/fuzz_message tests/fuzz/fuzz_content tests/fuzz/fuzz_dossier tests/fuzz/fuzz_config tests/fuzz/fuzz_lmtp
EXTRA_DIST += tests/tsan.supp tests/fuzz/seeds
if FUZZING
EXTRA_PROGRAMS += $(FUZZERS)
endif
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer,address,undefined
tests_fuzz_fuzz_address_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_address_LDADD = $(FACTS)
tests_fuzz_fuzz_message_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_message_LDADD = $(FACTS)
tests_fuzz_fuzz_content_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_content_LDADD = $(FACTS)
tests_fuzz_fuzz_dossier_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_dossier_LDADD = $(DOSSIER)
tests_fuzz_fuzz_config_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_config_LDADD = $(CONFIG)
tests_fuzz_fuzz_lmtp_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)
tests_fuzz_fuzz_lmtp_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_lmtp_LDADD = src/gate/libgate.a $(DECIDE)

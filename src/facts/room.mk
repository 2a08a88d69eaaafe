# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# facts: what is being sent. Stands on base.
FACTS = src/facts/libfacts.a $(GMIME_LIBS) $(IDN2_LIBS) $(UNISTRING_LIBS) $(PCRE2_LIBS) $(BASE)
noinst_LIBRARIES += src/facts/libfacts.a
src_facts_libfacts_a_CFLAGS = $(AM_CFLAGS) $(GMIME_CFLAGS) $(IDN2_CFLAGS) $(PCRE2_CFLAGS)
src_facts_libfacts_a_SOURCES = include/tact/facts.h src/facts/internal.h \
	src/facts/word.c src/facts/address.c src/facts/profile.c src/facts/key.c src/facts/recipient.c

check_PROGRAMS += tests/unit/test_facts_address tests/unit/test_facts_key
TESTS += tests/unit/test_facts_address tests/unit/test_facts_key
tests_unit_test_facts_address_SOURCES = tests/unit/test_facts_address.c
tests_unit_test_facts_address_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_facts_address_LDADD = $(FACTS) $(CHECK_LIBS)
tests_unit_test_facts_key_SOURCES = tests/unit/test_facts_key.c
tests_unit_test_facts_key_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_facts_key_LDADD = $(FACTS) $(CHECK_LIBS)

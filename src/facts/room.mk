# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# facts: what is being sent. Stands on base.
FACTS = src/facts/libfacts.a $(GMIME_LIBS) $(XML_LIBS) $(IDN2_LIBS) $(UNISTRING_LIBS) $(PCRE2_LIBS) $(BASE)
noinst_LIBRARIES += src/facts/libfacts.a
src_facts_libfacts_a_CFLAGS = $(AM_CFLAGS) $(GMIME_CFLAGS) $(XML_CFLAGS) $(IDN2_CFLAGS) $(PCRE2_CFLAGS)
src_facts_libfacts_a_SOURCES = include/tact/facts.h src/facts/internal.h \
	src/facts/word.c src/facts/address.c src/facts/domain.c src/facts/unseen.c src/facts/profile.c src/facts/key.c src/facts/recipient.c \
	src/facts/pattern.c src/facts/network.c src/facts/header.c src/facts/message.c src/facts/read.c \
	src/facts/stream.c src/facts/contact_id.c src/facts/content.c src/facts/decode.c src/facts/html.c src/facts/heads.c src/facts/sets.c

FACTS_TESTS = tests/unit/test_facts_address tests/unit/test_facts_key tests/unit/test_facts_message \
	tests/unit/test_facts_stream tests/unit/test_facts_seeds \
	tests/unit/test_facts_content tests/unit/test_facts_sets
check_PROGRAMS += $(FACTS_TESTS)
TESTS += $(FACTS_TESTS)
tests_unit_test_facts_address_SOURCES = tests/unit/test_facts_address.c
tests_unit_test_facts_address_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_facts_address_LDADD = $(FACTS) $(CHECK_LIBS)
tests_unit_test_facts_key_SOURCES = tests/unit/test_facts_key.c
tests_unit_test_facts_key_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_facts_key_LDADD = $(FACTS) $(CHECK_LIBS)
tests_unit_test_facts_message_SOURCES = tests/unit/test_facts_message.c
tests_unit_test_facts_message_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_facts_message_LDADD = $(FACTS) $(CHECK_LIBS)
tests_unit_test_facts_stream_SOURCES = tests/unit/test_facts_stream.c
tests_unit_test_facts_stream_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_facts_stream_LDADD = $(FACTS) $(CHECK_LIBS)
tests_unit_test_facts_seeds_SOURCES = tests/unit/test_facts_seeds.c
tests_unit_test_facts_seeds_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_facts_seeds_LDADD = $(FACTS) $(CHECK_LIBS)
tests_unit_test_facts_content_SOURCES = tests/unit/test_facts_content.c
tests_unit_test_facts_content_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_facts_content_LDADD = $(FACTS) $(CHECK_LIBS)
tests_unit_test_facts_sets_SOURCES = tests/unit/test_facts_sets.c
tests_unit_test_facts_sets_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_facts_sets_LDADD = $(FACTS) $(CHECK_LIBS)
EXTRA_DIST += tests/mails

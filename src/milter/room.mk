# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# milter: the end that Postfix talks to. Stands on decide and what decide stands on.
MILTER = src/milter/libtactmilter.a $(DECIDE) $(MILTER_LIBS)
noinst_LIBRARIES += src/milter/libtactmilter.a
src_milter_libtactmilter_a_CFLAGS = $(AM_CFLAGS) 
src_milter_libtactmilter_a_SOURCES = include/tact/milter.h src/milter/private.h \
	src/milter/actions.c src/milter/milter.c src/milter/packets.c src/milter/sender.c \
	src/milter/session.c

check_PROGRAMS += tests/unit/test_milter_end tests/unit/test_milter_packets tests/unit/test_milter_sender
TESTS += tests/unit/test_milter_end tests/unit/test_milter_packets tests/unit/test_milter_sender
tests_unit_test_milter_end_SOURCES = tests/unit/test_milter_end.c $(decide_help)
tests_unit_test_milter_end_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_milter_end_LDADD = $(MILTER) $(CONFIG) $(CHECK_LIBS)
tests_unit_test_milter_packets_SOURCES = tests/unit/test_milter_packets.c
tests_unit_test_milter_packets_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_milter_packets_LDADD = $(MILTER) $(CHECK_LIBS)
tests_unit_test_milter_sender_SOURCES = tests/unit/test_milter_sender.c
tests_unit_test_milter_sender_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_milter_sender_LDADD = $(MILTER) $(CHECK_LIBS)

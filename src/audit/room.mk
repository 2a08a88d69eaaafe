# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# audit: the evidence. Stands on base.
AUDIT = src/audit/libaudit.a $(JANSSON_LIBS) $(BASE)
noinst_LIBRARIES += src/audit/libaudit.a
src_audit_libaudit_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
src_audit_libaudit_a_SOURCES = include/tact/audit.h src/audit/entry.c src/audit/frames.c src/audit/kind.c src/audit/log.c src/audit/queue.c \
	src/audit/private.h src/audit/pseudonym.c src/audit/scan.c src/audit/sealed.c src/audit/tail.c src/audit/writer.c

dist_man_MANS += src/audit/tact-audit.7

check_PROGRAMS += tests/unit/test_audit_entry tests/unit/test_audit_log tests/unit/test_audit_many
TESTS += tests/unit/test_audit_entry tests/unit/test_audit_log tests/unit/test_audit_many
tests_unit_test_audit_entry_SOURCES = tests/unit/test_audit_entry.c tests/unit/test_audit_help.h
tests_unit_test_audit_entry_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_audit_entry_LDADD = $(AUDIT) $(CHECK_LIBS)
tests_unit_test_audit_log_SOURCES = tests/unit/test_audit_log.c tests/unit/test_audit_help.h
tests_unit_test_audit_log_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_audit_log_LDADD = $(AUDIT) $(CHECK_LIBS)
tests_unit_test_audit_many_SOURCES = tests/unit/test_audit_many.c tests/unit/test_audit_help.h
tests_unit_test_audit_many_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_audit_many_LDADD = $(AUDIT) $(CHECK_LIBS)

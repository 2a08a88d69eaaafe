# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# base: knows nothing of mail. Stands on nothing.
BASE = src/base/libbase.a $(OPENSSL_LIBS) $(GLIB_LIBS) $(ZLIB_LIBS) 
noinst_LIBRARIES += src/base/libbase.a
src_base_libbase_a_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS) $(GLIB_CFLAGS) $(ZLIB_CFLAGS)
src_base_libbase_a_SOURCES = include/tact/base.h \
	src/base/arena.c src/base/clock.c src/base/crc.c src/base/crypto.c src/base/crypto.h src/base/digest.c \
	src/base/edge.c src/base/encode.c src/base/errors.c src/base/hmac.c src/base/log.c src/base/memory.c \
	src/base/seal.c src/base/streams.c src/base/text.c src/base/time.c src/base/user.c src/base/zone.c \
	src/base/zone.h src/base/zone_table.c

check_PROGRAMS += tests/unit/test_base
TESTS += tests/unit/test_base
tests_unit_test_base_SOURCES = tests/unit/test_base.c
tests_unit_test_base_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_base_LDADD = $(BASE) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/test_hmac tests/unit/test_hmac_old
TESTS += tests/unit/test_hmac tests/unit/test_hmac_old
tests_unit_test_hmac_SOURCES = tests/unit/test_hmac.c
tests_unit_test_hmac_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_hmac_LDADD = $(BASE) $(CHECK_LIBS)
tests_unit_test_hmac_old_SOURCES = tests/unit/test_hmac_old.c
tests_unit_test_hmac_old_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(OPENSSL_CFLAGS)
tests_unit_test_hmac_old_LDADD = $(BASE) $(CHECK_LIBS)

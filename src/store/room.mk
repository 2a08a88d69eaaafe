# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# store: records under keys. Stands on base.
STORE = src/store/libstore.a $(LMDB_LIBS) $(BASE)
noinst_LIBRARIES += src/store/libstore.a
src_store_libstore_a_CFLAGS = $(AM_CFLAGS)
src_store_libstore_a_SOURCES = include/tact/store.h src/store/bulk.c src/store/engine.h src/store/fail.c src/store/frame.c src/store/frame.h \
	src/store/lmdb.c src/store/memory.c src/store/store.c src/store/writer.c src/store/writer.h

check_PROGRAMS += tests/store/contract tests/store/lmdb tests/store/writer
TESTS += tests/store/contract tests/store/lmdb tests/store/writer
tests_store_contract_SOURCES = tests/store/contract.c tests/store/kit.c tests/store/kit.h
tests_store_contract_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_contract_LDADD = $(STORE) $(CHECK_LIBS)
tests_store_lmdb_SOURCES = tests/store/lmdb.c tests/store/kit.c tests/store/kit.h
tests_store_lmdb_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)
tests_store_lmdb_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_lmdb_LDADD = $(STORE) $(CHECK_LIBS)
tests_store_writer_SOURCES = tests/store/writer.c
tests_store_writer_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)
tests_store_writer_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_writer_LDADD = $(STORE) $(CHECK_LIBS)

# Figures, not a test.
check_PROGRAMS += tests/bench/bench_store
tests_bench_bench_store_SOURCES = tests/bench/bench_store.c
tests_bench_bench_store_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)
tests_bench_bench_store_LDADD = $(STORE)

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# store: records under keys. Stands on base.
STORE = src/store/libstore.a $(STORE_LIBS) $(BASE)
STORE_LIBS = $(LMDB_LIBS) $(PQ_LIBS)
noinst_LIBRARIES += src/store/libstore.a
src_store_libstore_a_CFLAGS = $(AM_CFLAGS) $(PQ_CFLAGS)
src_store_libstore_a_SOURCES = include/tact/store.h src/store/bulk.c src/store/engine.h src/store/fail.c src/store/frame.c src/store/frame.h \
	src/store/lmdb.c src/store/lmdb_engine.h src/store/lmdb_fill.c src/store/lmdb_read.c src/store/lmdb_walk.c src/store/lmdb_words.c src/store/lmdb_write.c \
	src/store/memory.c src/store/postgres.c src/store/postgres.h src/store/postgres_aside.c src/store/postgres_batch.c src/store/postgres_batch.h \
	src/store/postgres_circuit.c src/store/postgres_clock.c src/store/postgres_connect.c src/store/postgres_engine.h src/store/postgres_fate.c src/store/postgres_fill.c \
	src/store/postgres_hosts.c src/store/postgres_link.c src/store/postgres_link.h src/store/postgres_list.c src/store/postgres_list.h \
	src/store/postgres_origin.c src/store/postgres_pool.c src/store/postgres_pool.h src/store/postgres_probe.c \
	src/store/postgres_queue.c src/store/postgres_ready.c src/store/postgres_ready.h src/store/postgres_request.c src/store/postgres_request.h src/store/postgres_state.c src/store/postgres_url.c \
	src/store/postgres_walk.c src/store/postgres_worker.c src/store/store.c src/store/writer.c src/store/writer.h

# The schema of the database as the bytes of a C array: one text, for people and for the program.
BUILT_SOURCES += src/store/postgres_schema.inc
CLEANFILES += src/store/postgres_schema.inc
src/store/postgres_schema.inc: contrib/postgresql/schema.sql
	$(AM_V_at)$(MKDIR_P) src/store
	$(AM_V_GEN)od -An -v -tx1 $(srcdir)/contrib/postgresql/schema.sql | $(SED) 's/ \(..\)/0x\1,/g; $$s/,$$//' >$@
$(src_store_libstore_a_OBJECTS): src/store/postgres_schema.inc

check_PROGRAMS += tests/store/contract tests/store/drive tests/store/lmdb tests/store/writer
TESTS += tests/store/contract tests/store/lmdb tests/store/writer tests/store/test_postgres.py tests/store/test_postgres_fill.py tests/store/test_postgres_guide.py tests/store/test_postgres_setup.py
EXTRA_DIST += tests/store/guide.py tests/store/servers.py tests/store/test_postgres.py tests/store/test_postgres_fill.py tests/store/test_postgres_guide.py tests/store/test_postgres_setup.py
tests_store_contract_SOURCES = tests/store/contract.c tests/store/kit.c tests/store/kit.h
tests_store_contract_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_contract_LDADD = $(STORE) $(CHECK_LIBS)
tests_store_drive_SOURCES = tests/store/drive.c
tests_store_drive_LDADD = $(STORE)
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

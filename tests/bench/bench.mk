# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# `make bench`: how fast, beside what is possible. Not part of `make check`: figures want a machine of their own.
#   BENCH_SECONDS=5  for each cell        BENCH_FOLDER=DIR  on the disk to be measured (default: the build folder; tmpfs is refused)
#   BENCH_CONNECTIONS="1 8 64"            the aims are held against the last
#   BENCH_ONLY=one|databases|bulk  that part   BENCH_CALLERS="128"  the aims are held against the last
#   BENCH_DATABASE_PEOPLE=50000           the databases are left out without PostgreSQL (Debian: postgresql-15-plproxy)
#   BENCH_ROWS=1000000    of an import; 10000000 is what the aims are about (some 20 minutes, 12 GB)
#   BENCH_PEOPLE=1000000  dossiers        BENCH_READS=10000000  dossiers of the large store for reads (8 GB, a minute or two to make)

BENCH = tests/bench/load tests/bench/nothing tests/bench/fill tests/bench/floor tests/bench/decision tests/bench/decisions tests/bench/reads \
	tests/bench/bulk tests/bench/bulk_parts
EXTRA_PROGRAMS += $(BENCH)
CLEANFILES += $(BENCH) bench.json
EXTRA_DIST += tests/bench/bulk.py tests/bench/databases.py tests/bench/run.py

bench_house = tests/bench/bench.h tests/bench/house.h tests/bench/house.c
bench_sample = tests/bench/sample.h tests/bench/sample.c
tests_bench_load_SOURCES = tests/bench/load.c tests/bench/bench.h
tests_bench_nothing_SOURCES = tests/bench/nothing.c
tests_bench_nothing_LDADD = $(MILTER_LIBS)
tests_bench_fill_SOURCES = tests/bench/fill.c $(bench_house) $(bench_sample)
tests_bench_fill_LDADD = $(DECIDE) $(CONFIG)
tests_bench_floor_SOURCES = tests/bench/floor.c $(bench_house)
tests_bench_floor_LDADD = $(DECIDE) $(CONFIG)
tests_bench_decision_SOURCES = tests/bench/decision.c $(bench_house) $(bench_sample)
tests_bench_decision_LDADD = $(DECIDE) $(CONFIG)
tests_bench_decisions_SOURCES = tests/bench/decisions.c $(bench_house)
tests_bench_decisions_LDADD = $(DECIDE) $(CONFIG)
tests_bench_reads_SOURCES = tests/bench/reads.c $(bench_house) $(bench_sample)
tests_bench_reads_LDADD = $(DECIDE) $(CONFIG)

tests_bench_bulk_SOURCES = tests/bench/bulk.c $(bench_house)
tests_bench_bulk_LDADD = $(DECIDE) $(CONFIG)
tests_bench_bulk_parts_SOURCES = tests/bench/bulk_parts.c tests/bench/bench.h
tests_bench_bulk_parts_LDADD = $(CLI)

.PHONY: bench
bench: src/tactd src/tact $(BENCH)
	$(AM_V_at)TACT_BUILD='$(abs_builddir)' TACT_SOURCE='$(abs_srcdir)' $(PYTHON3) -B $(srcdir)/tests/bench/run.py

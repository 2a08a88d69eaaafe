# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# dossier: the record of one recipient. Stands on base, facts.
DOSSIER = src/dossier/libdossier.a $(PROTOBUFC_LIBS) $(FACTS)
noinst_LIBRARIES += src/dossier/libdossier.a
src_dossier_libdossier_a_CFLAGS = $(AM_CFLAGS) $(PROTOBUFC_CFLAGS)
src_dossier_libdossier_a_SOURCES = include/tact/dossier.h src/dossier/record.h \
	src/dossier/alike.c src/dossier/campaign.c src/dossier/decode.c src/dossier/encode.c src/dossier/occasion.c src/dossier/review.c src/dossier/scope.c src/dossier/tidy.c \
	src/dossier/unknown.c src/dossier/value.c
nodist_src_dossier_libdossier_a_SOURCES = $(dossier_generated)

# The generated files belong to the build folder and are never shipped. One run makes a pair; the header's rule only mends a header that was
# deleted alone.
dossier_generated = src/dossier/dossier.pb-c.c src/dossier/dossier.pb-c.h src/dossier/review.pb-c.c src/dossier/review.pb-c.h \
	src/dossier/campaign.pb-c.c src/dossier/campaign.pb-c.h
dossier_protoc = $(PROTOC_C) --c_out=src/dossier --proto_path=$(srcdir)/src/dossier
BUILT_SOURCES += src/dossier/dossier.pb-c.h src/dossier/review.pb-c.h src/dossier/campaign.pb-c.h
CLEANFILES += $(dossier_generated)
EXTRA_DIST += src/dossier/dossier.proto src/dossier/review.proto src/dossier/campaign.proto
src/dossier/dossier.pb-c.c: src/dossier/dossier.proto
	$(AM_V_at)$(MKDIR_P) src/dossier
	$(AM_V_GEN)$(dossier_protoc) $(srcdir)/src/dossier/dossier.proto
src/dossier/review.pb-c.c: src/dossier/review.proto
	$(AM_V_at)$(MKDIR_P) src/dossier
	$(AM_V_GEN)$(dossier_protoc) $(srcdir)/src/dossier/review.proto
src/dossier/campaign.pb-c.c: src/dossier/campaign.proto
	$(AM_V_at)$(MKDIR_P) src/dossier
	$(AM_V_GEN)$(dossier_protoc) $(srcdir)/src/dossier/campaign.proto
src/dossier/dossier.pb-c.h: src/dossier/dossier.pb-c.c
	$(AM_V_at)test -f $@ || { rm -f src/dossier/dossier.pb-c.c && $(MAKE) $(AM_MAKEFLAGS) src/dossier/dossier.pb-c.c; }
src/dossier/review.pb-c.h: src/dossier/review.pb-c.c
	$(AM_V_at)test -f $@ || { rm -f src/dossier/review.pb-c.c && $(MAKE) $(AM_MAKEFLAGS) src/dossier/review.pb-c.c; }
src/dossier/campaign.pb-c.h: src/dossier/campaign.pb-c.c
	$(AM_V_at)test -f $@ || { rm -f src/dossier/campaign.pb-c.c && $(MAKE) $(AM_MAKEFLAGS) src/dossier/campaign.pb-c.c; }
# Before there are dependency files, `make src/dossier/libdossier.a` must know too.
$(src_dossier_libdossier_a_OBJECTS): src/dossier/dossier.pb-c.h src/dossier/review.pb-c.h src/dossier/campaign.pb-c.h

check_PROGRAMS += tests/unit/test_dossier_campaign tests/unit/test_dossier_record tests/unit/test_dossier_scope tests/unit/test_dossier_tidy \
	tests/unit/test_dossier_value tests/unit/test_dossier_seeds tests/bench/bench_dossier
TESTS += tests/unit/test_dossier_campaign tests/unit/test_dossier_record tests/unit/test_dossier_scope tests/unit/test_dossier_tidy \
	tests/unit/test_dossier_value tests/unit/test_dossier_seeds
dossier_help = tests/unit/dossier_help.c tests/unit/dossier_help.h
tests_unit_test_dossier_record_SOURCES = tests/unit/test_dossier_record.c $(dossier_help)
tests_unit_test_dossier_record_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dossier_record_LDADD = $(DOSSIER) $(CHECK_LIBS)
tests_unit_test_dossier_campaign_SOURCES = tests/unit/test_dossier_campaign.c
tests_unit_test_dossier_campaign_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dossier_campaign_LDADD = $(DOSSIER) $(CHECK_LIBS)
tests_unit_test_dossier_scope_SOURCES = tests/unit/test_dossier_scope.c
tests_unit_test_dossier_scope_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dossier_scope_LDADD = $(DOSSIER) $(CHECK_LIBS)
tests_unit_test_dossier_tidy_SOURCES = tests/unit/test_dossier_tidy.c $(dossier_help)
tests_unit_test_dossier_tidy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dossier_tidy_LDADD = $(DOSSIER) $(CHECK_LIBS)
tests_unit_test_dossier_value_SOURCES = tests/unit/test_dossier_value.c $(dossier_help)
tests_unit_test_dossier_value_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dossier_value_LDADD = $(DOSSIER) $(CHECK_LIBS)
tests_unit_test_dossier_seeds_SOURCES = tests/unit/test_dossier_seeds.c tests/fuzz/fuzz_dossier.c $(dossier_help)
tests_unit_test_dossier_seeds_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_dossier_seeds_LDADD = $(DOSSIER) $(CHECK_LIBS)
tests_bench_bench_dossier_SOURCES = tests/bench/bench_dossier.c
tests_bench_bench_dossier_LDADD = $(DOSSIER)

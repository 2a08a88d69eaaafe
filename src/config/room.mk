# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# config: the one table of options. Stands on base, facts, dossier, policy, store.
CONFIG = src/config/libconfig.a $(CONFUSE_LIBS) $(STORE) $(POLICY)
noinst_LIBRARIES += src/config/libconfig.a
src_config_libconfig_a_CFLAGS = $(AM_CFLAGS) $(CONFUSE_CFLAGS)
src_config_libconfig_a_SOURCES = include/tact/config.h src/config/private.h src/config/values.h src/config/rows.h \
	src/config/table.c src/config/table_rules.c src/config/scan.c src/config/reading.c src/config/load.c src/config/scalars.c \
	src/config/lists.c src/config/days.c src/config/sets.c src/config/build.c src/config/check.c src/config/sockets.c \
	src/config/config.c

check_PROGRAMS += tests/unit/test_config tests/unit/test_config_mistakes tests/unit/test_config_rules tests/unit/test_config_seeds
TESTS += tests/unit/test_config tests/unit/test_config_mistakes tests/unit/test_config_rules tests/unit/test_config_seeds
tests_unit_test_config_SOURCES = tests/unit/test_config.c
tests_unit_test_config_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_config_LDADD = $(CONFIG) $(CHECK_LIBS)
tests_unit_test_config_mistakes_SOURCES = tests/unit/test_config_mistakes.c
tests_unit_test_config_mistakes_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_config_mistakes_LDADD = $(CONFIG) $(CHECK_LIBS)
tests_unit_test_config_rules_SOURCES = tests/unit/test_config_rules.c
tests_unit_test_config_rules_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_config_rules_LDADD = $(CONFIG) $(CHECK_LIBS)
tests_unit_test_config_seeds_SOURCES = tests/unit/test_config_seeds.c
tests_unit_test_config_seeds_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_config_seeds_LDADD = $(CONFIG) $(CHECK_LIBS)

# conf/ is this room's too: the sample file and the manual page say what the table says, and tests/lint holds them to it.
dist_man_MANS += conf/tact.conf.5
dist_doc_DATA = conf/tact.conf
examplesdir = $(docdir)/examples
dist_examples_DATA = \
	conf/examples/casl.conf \
	conf/examples/esp-relay.conf \
	conf/examples/head-office-and-branches.conf \
	conf/examples/single-host.conf
check_PROGRAMS += tests/lint/options
tests_lint_options_SOURCES = tests/lint/options.c
tests_lint_options_LDADD = $(CONFIG)
TESTS += tests/lint/documents.py tests/lint/rooms.py
EXTRA_DIST += tests/lint/documents.py tests/lint/rooms.py

check_PROGRAMS += tests/unit/test_config_content
TESTS += tests/unit/test_config_content
tests_unit_test_config_content_SOURCES = tests/unit/test_config_content.c
tests_unit_test_config_content_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_config_content_LDADD = $(CONFIG) $(CHECK_LIBS)

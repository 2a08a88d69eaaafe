# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# cli: one file per verb of tact. Stands on decide and what decide stands on, and on config.
CLI = src/cli/libcli.a $(CSV_LIBS) $(CONFIG) $(DECIDE)
noinst_LIBRARIES += src/cli/libcli.a
src_cli_libcli_a_CPPFLAGS = $(AM_CPPFLAGS) -DSYSCONFDIR='"$(sysconfdir)"'
src_cli_libcli_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
src_cli_libcli_a_SOURCES = include/tact/cli.h src/cli/decisions.h src/cli/private.h src/cli/trail.h \
	src/cli/alias.c \
	src/cli/arguments.c \
	src/cli/campaign.c \
	src/cli/campaign_plan.c \
	src/cli/canonical.c \
	src/cli/check.c \
	src/cli/check_postfix.c \
	src/cli/check_sendmail.c \
	src/cli/check_services.c \
	src/cli/consent.c \
	src/cli/contact.c \
	src/cli/context.c \
	src/cli/csv.c \
	src/cli/csv_reader.h \
	src/cli/csv_shared.c \
	src/cli/decisions.c \
	src/cli/explain.c \
	src/cli/export.c \
	src/cli/import.c \
	src/cli/import_bulk.c \
	src/cli/import_chunks.c \
	src/cli/import_chunks.h \
	src/cli/import_contact.c \
	src/cli/import_file.c \
	src/cli/import_mark.c \
	src/cli/import_profile.c \
	src/cli/import_sort.c \
	src/cli/import_spool.c \
	src/cli/key.c \
	src/cli/output.c \
	src/cli/people.c \
	src/cli/postconf.c \
	src/cli/preflight.c \
	src/cli/profile.c \
	src/cli/profile_fields.c \
	src/cli/quarantine.c \
	src/cli/replay.c \
	src/cli/report_monitor.c \
	src/cli/report_pressure.c \
	src/cli/rules.c \
	src/cli/run.c \
	src/cli/show.c \
	src/cli/store.c \
	src/cli/store_copy.c \
	src/cli/store_recover.c \
	src/cli/store_make.c \
	src/cli/suppress.c \
	src/cli/tally.c \
	src/cli/trail.c \
	src/cli/trail_origin.c

check_PROGRAMS += tests/cli/deliver
tests_cli_deliver_SOURCES = tests/cli/deliver.c
tests_cli_deliver_LDADD = $(CONFIG) $(DECIDE)
TESTS += tests/cli/test_bulk.py tests/cli/test_check.py tests/cli/test_cli.py tests/cli/test_examples.py tests/cli/test_foresight.py tests/cli/test_recover.py
EXTRA_DIST += tests/cli/test_bulk.py tests/cli/test_check.py tests/cli/test_cli.py tests/cli/test_examples.py tests/cli/test_foresight.py tests/cli/test_recover.py

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# policy: the rules. Pure. Stands on base, facts, dossier.
POLICY = src/policy/libpolicy.a $(DOSSIER)
noinst_LIBRARIES += src/policy/libpolicy.a
src_policy_libpolicy_a_CFLAGS = $(AM_CFLAGS)
src_policy_libpolicy_a_SOURCES = include/tact/policy.h src/policy/engine.h src/policy/ask.c src/policy/book.c \
	src/policy/breaker.c src/policy/calendar.c src/policy/consent.c src/policy/content.c src/policy/kind.c \
	src/policy/least.c src/policy/limit.c src/policy/occasion.c src/policy/person.c src/policy/place.c src/policy/quiet.c \
	src/policy/rest.c src/policy/suppression.c src/policy/territory.c src/policy/verdict.c src/policy/window.c \
	src/policy/wish.c

check_PROGRAMS += tests/policy/run
TESTS += tests/policy/run
tests_policy_run_SOURCES = tests/policy/run.c tests/policy/fence.c tests/policy/fence.h tests/policy/wake.h tests/policy/table.c tests/policy/table.h
tests_policy_run_CFLAGS = $(AM_CFLAGS)
tests_policy_run_LDADD = $(POLICY)
EXTRA_DIST += tests/policy/README tests/policy/mutate.py tests/policy/at_least.table tests/policy/breaker.table tests/policy/uncounted.table \
	tests/policy/calendar.table tests/policy/claims.table tests/policy/consent.table tests/policy/counting.table \
	tests/policy/direction.table tests/policy/due.table tests/policy/edges.table tests/policy/firm.table \
	tests/policy/look_ahead.table tests/policy/occasion.table tests/policy/planned.table \
	tests/policy/quiet_hours.table tests/policy/recipient.table tests/policy/rest.table tests/policy/since.table tests/policy/sliding.table \
	tests/policy/suppression.table tests/policy/territory.table tests/policy/verdict.table

check_PROGRAMS += tests/policy/measure
TESTS += tests/policy/measure
tests_policy_measure_SOURCES = tests/policy/measure.c
tests_policy_measure_CFLAGS = $(AM_CFLAGS)
tests_policy_measure_LDADD = $(POLICY)

check_PROGRAMS += tests/policy/test_properties
TESTS += tests/policy/test_properties
tests_policy_test_properties_SOURCES = tests/policy/test_properties.c tests/policy/oracle.c tests/policy/oracle.h
tests_policy_test_properties_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_policy_test_properties_LDADD = $(POLICY) $(CHECK_LIBS)

check_PROGRAMS += tests/time/test_weeks
TESTS += tests/time/test_weeks
tests_time_test_weeks_SOURCES = tests/time/test_weeks.c tests/policy/oracle.c tests/policy/oracle.h tests/policy/wake.h
tests_time_test_weeks_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_time_test_weeks_LDADD = $(POLICY) $(CHECK_LIBS)

check_PROGRAMS += tests/policy/test_people
TESTS += tests/policy/test_people
tests_policy_test_people_SOURCES = tests/policy/test_people.c tests/policy/oracle.c tests/policy/oracle.h
tests_policy_test_people_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_policy_test_people_LDADD = $(POLICY) $(CHECK_LIBS)

check_PROGRAMS += tests/policy/test_kinds
TESTS += tests/policy/test_kinds
tests_policy_test_kinds_SOURCES = tests/policy/test_kinds.c tests/policy/oracle.c tests/policy/oracle.h
tests_policy_test_kinds_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_policy_test_kinds_LDADD = $(POLICY) $(CHECK_LIBS)

check_PROGRAMS += tests/policy/test_words
TESTS += tests/policy/test_words
tests_policy_test_words_SOURCES = tests/policy/test_words.c tests/policy/fence.c tests/policy/fence.h
tests_policy_test_words_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_policy_test_words_LDADD = $(POLICY) $(CHECK_LIBS)

# What tables say of messages.
tests_policy_run_SOURCES += tests/policy/table_content.c
EXTRA_DIST += tests/policy/content.table

# Each comparison and constant of this room changed, one at a time: takes a quarter of an hour, so not part of check. FILES names some of them
# alone; MUTATE may be --fresh, --thorough, "--record REVISION".
EXTRA_DIST += tests/policy/SURVIVORS tests/policy/MUTATIONS
.PHONY: mutate
mutate: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS=
	$(PYTHON3) -B $(srcdir)/tests/policy/mutate.py $(abs_builddir) $(FILES:%=--file %) $(MUTATE)

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# The seeded simulation. The linker puts the simulation's clock, chance and evidence in the place of tact's.
SIMULATION_SOURCES = tests/simulation/chance.c tests/simulation/chance.h tests/simulation/change.c tests/simulation/client.c tests/simulation/courses.c tests/simulation/limits.c \
	tests/simulation/machine.c tests/simulation/machine.h tests/simulation/oracle.c tests/simulation/oracle.h \
	tests/simulation/oracle_private.h tests/simulation/people.c tests/simulation/plans.c tests/simulation/queue.c tests/simulation/ranks.c tests/simulation/rules.c tests/simulation/rules.h \
	tests/simulation/spec.h tests/simulation/threads.c tests/simulation/windows.c tests/simulation/world.c tests/simulation/world.h
check_PROGRAMS += tests/simulation/simulation
TESTS += tests/simulation/simulation
tests_simulation_simulation_SOURCES = tests/simulation/simulation.c $(SIMULATION_SOURCES)
tests_simulation_simulation_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)
tests_simulation_simulation_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=tact_clock_now_us,--wrap=tact_clock_monotonic_ms,--wrap=tact_random_bytes \
	-Wl,--wrap=tact_id_random,--wrap=tact_audit_append,--wrap=tact_audit_append_later
tests_simulation_simulation_LDADD = $(CONFIG) $(DECIDE)
EXTRA_DIST += tests/simulation/10000-seeds.txt

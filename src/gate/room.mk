# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# gate: LMTP in, SMTP out, the bell. Stands on decide and what decide stands on.
GATE = src/gate/libgate.a  $(DECIDE)
noinst_LIBRARIES += src/gate/libgate.a
src_gate_libgate_a_CFLAGS = $(AM_CFLAGS) 
src_gate_libgate_a_SOURCES = include/tact/gate.h src/gate/private.h \
	src/gate/bell.c src/gate/bell.h src/gate/byid.c src/gate/byid.h src/gate/body.c src/gate/body.h src/gate/command.c src/gate/command.h \
	src/gate/dots.c src/gate/dots.h src/gate/etrn.c src/gate/etrn.h src/gate/hands.c src/gate/hands.h src/gate/health.c src/gate/health.h \
	src/gate/kept.c src/gate/kept.h src/gate/lmtp.c src/gate/plan.c src/gate/plan.h src/gate/reader.c src/gate/reader.h src/gate/server.c src/gate/session.c \
	src/gate/smtp.c src/gate/smtp.h src/gate/verp.c src/gate/verp.h src/gate/wire.c src/gate/wire.h \
	src/gate/xforward.c src/gate/xforward.h

check_PROGRAMS += tests/unit/test_gate tests/unit/test_gate_command tests/unit/test_gate_plan tests/unit/test_gate_reader tests/unit/test_gate_smtp
TESTS += tests/unit/test_gate tests/unit/test_gate_command tests/unit/test_gate_plan tests/unit/test_gate_reader tests/unit/test_gate_smtp
EXTRA_DIST += tests/fuzz/seeds/lmtp
tests_unit_test_gate_command_SOURCES = tests/unit/test_gate_command.c tests/fuzz/fuzz_lmtp.c
tests_unit_test_gate_command_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_gate_command_LDADD = $(GATE) $(CHECK_LIBS)
tests_unit_test_gate_plan_SOURCES = tests/unit/test_gate_plan.c
tests_unit_test_gate_plan_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_gate_plan_LDADD = $(GATE) $(CHECK_LIBS)
tests_unit_test_gate_reader_SOURCES = tests/unit/test_gate_reader.c
tests_unit_test_gate_reader_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_gate_reader_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=tact_decide_layout,--wrap=tact_decide_due_part,--wrap=tact_decide_refresh \
	-Wl,--wrap=tact_decide_rewake,--wrap=tact_decide_recount,--wrap=tact_decide_forget_counts,--wrap=tact_decide_campaigns_mark
tests_unit_test_gate_reader_LDADD = $(GATE) $(CHECK_LIBS)
tests_unit_test_gate_smtp_SOURCES = tests/unit/test_gate_smtp.c
tests_unit_test_gate_smtp_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_gate_smtp_LDADD = $(GATE) $(CHECK_LIBS)
# Rules as a file has them: the test reads a configuration, the room does not.
tests_unit_test_gate_SOURCES = tests/unit/test_gate.c
tests_unit_test_gate_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_gate_LDADD = $(CONFIG) $(GATE) $(CHECK_LIBS)

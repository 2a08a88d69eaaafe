# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# gate: LMTP in, SMTP out, the bell. Stands on decide and what decide stands on.
GATE = src/gate/libgate.a  $(DECIDE)
noinst_LIBRARIES += src/gate/libgate.a
src_gate_libgate_a_CFLAGS = $(AM_CFLAGS) 
src_gate_libgate_a_SOURCES = include/tact/gate.h

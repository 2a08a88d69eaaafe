# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# milter: the end that Postfix talks to. Stands on decide and what decide stands on.
MILTER = src/milter/libmilter.a $(MILTER_LIBS) $(DECIDE)
noinst_LIBRARIES += src/milter/libmilter.a
src_milter_libmilter_a_CFLAGS = $(AM_CFLAGS) 
src_milter_libmilter_a_SOURCES = include/tact/milter.h

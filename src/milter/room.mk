# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# milter: the end that Postfix talks to. Stands on decide and what decide stands on.
MILTER = src/milter/libtactmilter.a $(DECIDE) $(MILTER_LIBS)
noinst_LIBRARIES += src/milter/libtactmilter.a
src_milter_libtactmilter_a_CFLAGS = $(AM_CFLAGS) 
src_milter_libtactmilter_a_SOURCES = include/tact/milter.h src/milter/private.h \
	src/milter/actions.c src/milter/milter.c src/milter/session.c

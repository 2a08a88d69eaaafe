# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# The programs: contents pages over the rooms.
sbin_PROGRAMS += src/tactd
src_tactd_SOURCES = src/tactd.c
src_tactd_CPPFLAGS = $(AM_CPPFLAGS) -DSYSCONFDIR='"$(sysconfdir)"'
src_tactd_LDADD = $(DAEMON)

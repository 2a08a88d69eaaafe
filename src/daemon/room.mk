# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# daemon: the processes of tactd. Stands on config, milter and gate: the only room that knows both ends it starts.
DAEMON = src/daemon/libdaemon.a src/milter/libtactmilter.a src/gate/libgate.a $(DECIDE) $(CONFIG) $(MILTER_LIBS) $(SYSTEMD_LIBS)
noinst_LIBRARIES += src/daemon/libdaemon.a
src_daemon_libdaemon_a_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)
src_daemon_libdaemon_a_SOURCES = include/tact/daemon.h src/daemon/private.h \
	src/daemon/family.c src/daemon/owed.c src/daemon/service.c src/daemon/tender.c

TESTS += tests/daemon/test_daemon.py tests/daemon/test_unit.py
EXTRA_DIST += tests/daemon/test_daemon.py tests/daemon/test_unit.py

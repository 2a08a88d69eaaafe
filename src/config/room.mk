# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# config: the one table of options. Stands on base, facts, dossier, policy.
CONFIG = src/config/libconfig.a $(CONFUSE_LIBS) $(POLICY)
noinst_LIBRARIES += src/config/libconfig.a
src_config_libconfig_a_CFLAGS = $(AM_CFLAGS) $(CONFUSE_CFLAGS)
src_config_libconfig_a_SOURCES = include/tact/config.h src/config/private.h src/config/values.h \
	src/config/table.c src/config/scan.c src/config/reading.c src/config/load.c src/config/scalars.c \
	src/config/lists.c src/config/build.c src/config/check.c src/config/config.c

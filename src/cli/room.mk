# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# cli: one file per verb of tact. Stands on decide and what decide stands on, and on config.
CLI = src/cli/libcli.a $(CSV_LIBS) $(CONFIG) $(DECIDE)
noinst_LIBRARIES += src/cli/libcli.a
src_cli_libcli_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
src_cli_libcli_a_SOURCES = include/tact/cli.h

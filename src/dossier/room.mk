# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# dossier: the record of one recipient. Stands on base, facts.
DOSSIER = src/dossier/libdossier.a $(PROTOBUFC_LIBS) $(FACTS)
noinst_LIBRARIES += src/dossier/libdossier.a
src_dossier_libdossier_a_CFLAGS = $(AM_CFLAGS) $(PROTOBUFC_CFLAGS)
src_dossier_libdossier_a_SOURCES = include/tact/dossier.h

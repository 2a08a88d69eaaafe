# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# decide: the pipeline. Stands on base, facts, dossier, policy, store, audit.
DECIDE = src/decide/libdecide.a  $(POLICY) src/store/libstore.a $(LMDB_LIBS) src/audit/libaudit.a $(JANSSON_LIBS) $(BASE)
noinst_LIBRARIES += src/decide/libdecide.a
src_decide_libdecide_a_CFLAGS = $(AM_CFLAGS) 
src_decide_libdecide_a_SOURCES = include/tact/decide.h

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# store: records under keys. Stands on base.
STORE = src/store/libstore.a $(LMDB_LIBS) $(BASE)
noinst_LIBRARIES += src/store/libstore.a
src_store_libstore_a_CFLAGS = $(AM_CFLAGS) 
src_store_libstore_a_SOURCES = include/tact/store.h

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# audit: the evidence. Stands on base.
AUDIT = src/audit/libaudit.a $(JANSSON_LIBS) $(BASE)
noinst_LIBRARIES += src/audit/libaudit.a
src_audit_libaudit_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
src_audit_libaudit_a_SOURCES = include/tact/audit.h

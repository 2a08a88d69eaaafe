# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# policy: the rules. Pure. Stands on base, facts, dossier.
POLICY = src/policy/libpolicy.a  $(DOSSIER)
noinst_LIBRARIES += src/policy/libpolicy.a
src_policy_libpolicy_a_CFLAGS = $(AM_CFLAGS) 
src_policy_libpolicy_a_SOURCES = include/tact/policy.h

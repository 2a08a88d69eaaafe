# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# facts: what is being sent. Stands on base.
FACTS = src/facts/libfacts.a $(GMIME_LIBS) $(IDN2_LIBS) $(UNISTRING_LIBS) $(PCRE2_LIBS) $(BASE)
noinst_LIBRARIES += src/facts/libfacts.a
src_facts_libfacts_a_CFLAGS = $(AM_CFLAGS) $(GMIME_CFLAGS) $(IDN2_CFLAGS) $(PCRE2_CFLAGS)
src_facts_libfacts_a_SOURCES = include/tact/facts.h

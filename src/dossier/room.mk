# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# dossier: the record of one recipient. Stands on base, facts.
DOSSIER = src/dossier/libdossier.a $(PROTOBUFC_LIBS) $(FACTS)
noinst_LIBRARIES += src/dossier/libdossier.a
src_dossier_libdossier_a_CFLAGS = $(AM_CFLAGS) $(PROTOBUFC_CFLAGS)
src_dossier_libdossier_a_SOURCES = include/tact/dossier.h src/dossier/record.h \
	src/dossier/decode.c src/dossier/encode.c src/dossier/review.c src/dossier/scope.c src/dossier/tidy.c \
	src/dossier/unknown.c src/dossier/value.c
nodist_src_dossier_libdossier_a_SOURCES = $(dossier_generated)

# The generated files belong to the build folder and are never shipped. One run makes a pair; the header's rule only mends a header that was
# deleted alone.
dossier_generated = src/dossier/dossier.pb-c.c src/dossier/dossier.pb-c.h src/dossier/review.pb-c.c src/dossier/review.pb-c.h
dossier_protoc = $(PROTOC_C) --c_out=src/dossier --proto_path=$(srcdir)/src/dossier
BUILT_SOURCES += src/dossier/dossier.pb-c.h src/dossier/review.pb-c.h
CLEANFILES += $(dossier_generated)
EXTRA_DIST += src/dossier/dossier.proto src/dossier/review.proto
src/dossier/dossier.pb-c.c: src/dossier/dossier.proto
	$(AM_V_at)$(MKDIR_P) src/dossier
	$(AM_V_GEN)$(dossier_protoc) $(srcdir)/src/dossier/dossier.proto
src/dossier/review.pb-c.c: src/dossier/review.proto
	$(AM_V_at)$(MKDIR_P) src/dossier
	$(AM_V_GEN)$(dossier_protoc) $(srcdir)/src/dossier/review.proto
src/dossier/dossier.pb-c.h: src/dossier/dossier.pb-c.c
	$(AM_V_at)test -f $@ || { rm -f src/dossier/dossier.pb-c.c && $(MAKE) $(AM_MAKEFLAGS) src/dossier/dossier.pb-c.c; }
src/dossier/review.pb-c.h: src/dossier/review.pb-c.c
	$(AM_V_at)test -f $@ || { rm -f src/dossier/review.pb-c.c && $(MAKE) $(AM_MAKEFLAGS) src/dossier/review.pb-c.c; }
# Before there are dependency files, `make src/dossier/libdossier.a` must know too.
$(src_dossier_libdossier_a_OBJECTS): src/dossier/dossier.pb-c.h src/dossier/review.pb-c.h

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# The programs: contents pages over the rooms.
sbin_PROGRAMS += src/tactd
src_tactd_SOURCES = src/tactd.c
src_tactd_CPPFLAGS = $(AM_CPPFLAGS) -DSYSCONFDIR='"$(sysconfdir)"'
src_tactd_LDADD = $(DAEMON)
dist_man_MANS += src/tactd.8

systemdunitdir = $(SYSTEMD_UNIT_DIR)
nodist_systemdunit_DATA = contrib/systemd/tactd.service
EXTRA_DIST += contrib/systemd/tactd.service.in
CLEANFILES += contrib/systemd/tactd.service
contrib/systemd/tactd.service: contrib/systemd/tactd.service.in Makefile
	$(AM_V_at)$(MKDIR_P) contrib/systemd
	$(AM_V_GEN)$(SED) 's|@sbindir[@]|$(sbindir)|g' $(srcdir)/contrib/systemd/tactd.service.in > $@

bin_PROGRAMS += src/tact
src_tact_SOURCES = src/tact.c
src_tact_LDADD = $(CLI)
dist_man_MANS += src/tact.1

# A host without a configuration gets the sample; one that has it keeps its own. What nobody changed goes again with the rest, and so do the
# folders that are ours alone.
configfile = $(DESTDIR)$(sysconfdir)/tact/tact.conf
install-data-local:
	test -f "$(configfile)" || { $(MKDIR_P) "$(DESTDIR)$(sysconfdir)/tact" && $(INSTALL_DATA) $(srcdir)/conf/tact.conf "$(configfile)"; }
uninstall-local:
	if cmp -s $(srcdir)/conf/tact.conf "$(configfile)"; then rm -f "$(configfile)"; fi
uninstall-hook:
	for folder in "$(sysconfdir)/tact" "$(postfixdatadir)" "$(pkgdatadir)" "$(examplesdir)" "$(docdir)"; do \
	  test ! -d "$(DESTDIR)$$folder" || rmdir "$(DESTDIR)$$folder" 2>/dev/null || :; done

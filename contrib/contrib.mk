# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors

postfixdatadir = $(pkgdatadir)/postfix
dist_postfixdata_SCRIPTS = contrib/postfix/setup
postgresqldatadir = $(pkgdatadir)/postgresql
dist_postgresqldata_DATA = contrib/postgresql/README contrib/postgresql/citus.sql contrib/postgresql/cockroachdb.sql contrib/postgresql/plproxy.sql \
	contrib/postgresql/schema.sql contrib/postgresql/watch.sql contrib/postgresql/yugabytedb.sql
EXTRA_DIST += contrib/check.sh contrib/debian-packages.sh contrib/try.sh

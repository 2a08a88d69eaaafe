# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors

postfixdatadir = $(pkgdatadir)/postfix
dist_postfixdata_SCRIPTS = contrib/postfix/setup

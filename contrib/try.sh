#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# Shows tact at work on a new Debian 12, as root or through sudo: installs what is missing, builds a copy of this tree in a temporary folder,
# and sends the mails of two stories through a private Postfix. Prints what each sender was told, what waits and why, what was delivered, and
# the evidence. No system Postfix is touched; nothing is left but the installed packages.

set -eu
umask 022
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || { echo 'try.sh: needs root (a private Postfix is started), and sudo is not there' >&2; exit 77; }
	exec sudo -n COLUMNS="${COLUMNS:-}" bash contrib/try.sh
fi
unset TMPDIR MAKEFLAGS MAKELEVEL
export LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# shellcheck source=contrib/debian-packages.sh
. contrib/debian-packages.sh

SOURCE=$PWD
DIR=$(mktemp -d /tmp/tact-try.XXXXXX)
chmod 755 "$DIR"
trap 'cd / && rm -rf "$DIR"' EXIT
trap 'exit 130' INT TERM HUP

# phase WHAT COMMAND…: runs it quietly; shows the end of what it said when it fails.
phase()
{
	local start=$SECONDS what=$1
	shift
	printf '%s ...' "$what"
	if ! "$@" >"$DIR/log" 2>&1; then
		printf ' failed\n'
		tail -n 60 "$DIR/log"
		exit 1
	fi
	printf ' %d s\n' $((SECONDS - start))
}

build()
{
	mkdir "$DIR/tact" && copy_source "$SOURCE" "$DIR/tact" && cd "$DIR/tact" && autoreconf -fi && ./configure -q && make -s -j"$(nproc)"
}

# shellcheck disable=SC2086
phase 'Installing what is needed' install_packages $BUILD_PACKAGES $RUN_PACKAGES
phase 'Building tact' build
cd "$DIR/tact"
TACT_SOURCE=$PWD TACT_BUILD=$PWD python3 -B tests/postfix/demo.py

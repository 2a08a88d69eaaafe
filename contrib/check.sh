#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# Builds and tests everything on a new Debian 12, as root or through sudo: installs what is missing, builds a copy of this tree in a temporary
# folder with warnings as errors, runs make check, and builds what would be shipped once more to see that no test door is in it. The
# last line is "N passed, N failed"; the exit status is 0 only when nothing failed. Nothing is left but the installed packages.
#
# CHECK_MINUTES (25) bounds make check; CHECK_JOBS (2, as most of them wait most of the time) is how many tests run at once.

# shellcheck disable=SC2317  # phase and trap call what seems not to be reached
set -u
umask 022
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || { echo 'check.sh: needs root (a private Postfix is started), and sudo is not there' >&2; exit 77; }
	exec sudo -n CI="${CI:-}" CHECK_MINUTES="${CHECK_MINUTES:-25}" CHECK_JOBS="${CHECK_JOBS:-2}" bash contrib/check.sh
fi
unset TMPDIR MAKEFLAGS MAKELEVEL
export LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# shellcheck source=contrib/debian-packages.sh
. contrib/debian-packages.sh

SOURCE=$PWD
DIR=$(mktemp -d /tmp/tact-check.XXXXXX) || exit 1
chmod 755 "$DIR"
JOBS=$(nproc)
passed=0
failed=0

finish()
{
	cd / && rm -rf "$DIR"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

verdict()
{
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
	exit
}

# phase NAME COMMAND…: runs it quietly, says how long it took; shows the end of what it said and gives up when it fails.
phase()
{
	local name=$1 start=$SECONDS
	shift
	if "$@" >"$DIR/log" 2>&1; then
		printf '== %s: %d s\n' "$name" $((SECONDS - start))
		return
	fi
	tail -n 100 "$DIR/log"
	printf '== %s FAILED after %d s\n' "$name" $((SECONDS - start))
	failed=$((failed + 1))
	verdict
}

prepare()
{
	mkdir "$DIR/source" "$DIR/build" && copy_source "$SOURCE" "$DIR/source" && cd "$DIR/source" && autoreconf -fi
}

configure_tests()
{
	cd "$DIR/build" && ../source/configure -q --enable-werror --enable-test-clock --enable-edges
}

build_all()
{
	make -s -j"$JOBS" && make -s -j"$JOBS" check TESTS=
}

# Results as automake wrote them, one line each: RESULT TEST.
results()
{
	find . -name '*.trs' | sort | while read -r trs; do
		sed -n "s|^:test-result: \([A-Z]*\).*|\1 ${trs#./}|p" "$trs"
	done | sed 's/\.trs$//'
}

count()
{
	results | grep -cE "^($1) "
}

# Tests against a real Postfix or PostgreSQL wait for what other processes do, and a machine that stands still for seconds can fail one of them.
# Up to four that failed run once more, alone, and are named; what fails twice has failed. True when everything has passed then.
run_again()
{
	local again test
	again=$(results | sed -nE 's#^FAIL (tests/(postfix/[a-z_]*|store/test_postgres[a-z_]*|store/cluster/test_[a-z]*|time/test_relay_weeks))$#\1.py#p')
	[ -n "$again" ] && [ "$(echo "$again" | wc -l)" -le 4 ] || return 1
	for test in $again; do
		printf -- '---- failed the first time, runs again alone: %s\n' "$test"
		tail -n 60 "${test%.py}.log"
	done
	timeout -k 60 600 make -k check TESTS="$(echo "$again" | tr '\n' ' ')" >"$DIR/again.log" 2>&1
	local ended=$?
	grep -E '^(PASS|FAIL|ERROR): ' "$DIR/again.log"
	[ "$ended" -eq 0 ] && [ "$(count 'FAIL|ERROR|XPASS')" -eq 0 ]
}

run_tests()
{
	local start=$SECONDS status=0
	timeout -k 60 $((${CHECK_MINUTES:-25} * 60)) make -k -j"${CHECK_JOBS:-2}" check >"$DIR/check.log" 2>&1 || status=$?
	grep -E '^(PASS|FAIL|SKIP|XFAIL|XPASS|ERROR): ' "$DIR/check.log"
	# Only where make came to its end: tests that never ran are not made good by others that pass.
	[ "$status" -eq 2 ] && run_again && status=0
	passed=$((passed + $(count 'PASS|XFAIL')))
	failed=$((failed + $(count 'FAIL|ERROR|XPASS')))
	results | grep -E '^(FAIL|ERROR|XPASS) ' | while read -r result test; do
		printf -- '---- %s %s\n' "$result" "$test"
		tail -n 300 "$test.log"
	done
	results | grep '^SKIP ' | while read -r _ test; do
		printf -- '---- SKIP %s: %s\n' "$test" "$(head -n 1 "$test.log")"
	done
	if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
		tail -n 60 "$DIR/check.log"
		[ "$status" -ne 124 ] || echo "make check was ended after ${CHECK_MINUTES:-25} minutes"
		failed=$((failed + 1))
	fi
	printf '== make check: %d s\n' $((SECONDS - start))
}

# What would be shipped, built as a distribution does.
build_release()
{
	make -s distdir distdir="$DIR/release" && cd "$DIR/release" && ./configure -q && make -s -j"$JOBS"
}

no_test_door()
{
	local program status=0
	for program in src/tactd src/tact; do
		[ -x "$program" ] || { echo "$program was not built"; status=1; continue; }
		! grep -aqE 'TACT_TEST_CLOCK|TACT_KILL_AT' "$program" || { echo "$program has a test door"; status=1; }
	done
	return "$status"
}

# shellcheck disable=SC2086
if [ -n "$(missing_packages $BUILD_PACKAGES $RUN_PACKAGES $CHECK_PACKAGES)" ]; then
	phase 'install packages' install_packages $BUILD_PACKAGES $RUN_PACKAGES $CHECK_PACKAGES
fi
phase 'autoreconf' prepare
phase 'configure' configure_tests
cd "$DIR/build" || exit 1
phase 'build' build_all
run_tests
phase 'release build' build_release
cd "$DIR/release" || exit 1
phase 'no test door in the release' no_test_door
passed=$((passed + 1))
verdict

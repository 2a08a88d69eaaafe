# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# Sourced by check.sh and try.sh: what a new Debian 12 needs, and its installation without a question and without starting a service. A Postfix
# that is there already is left as it is; where another mail server is installed, nothing is put in its place.

# shellcheck shell=bash disable=SC2034
BUILD_PACKAGES="gcc libc6-dev make autoconf automake pkgconf protobuf-c-compiler libmilter-dev libconfuse-dev libssl-dev check liblmdb-dev
	libpcre2-dev libidn2-dev libunistring-dev libglib2.0-dev libgmime-3.0-dev libxml2-dev libjansson-dev libprotobuf-c-dev libcsv-dev libpq-dev zlib1g-dev libsystemd-dev"
RUN_PACKAGES="postfix python3 procps tzdata"
CHECK_PACKAGES="postgresql-15 postgresql-15-plproxy pgbouncer openssl iproute2 clang libclang-rt-14-dev lmdb-utils mandoc universal-ctags shellcheck systemd xz-utils"

# The packages of $* that are not installed.
missing_packages()
{
	for package; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
	done
}

# Installs what is missing of $*. Needs root.
install_packages()
{
	local missing policy=/usr/sbin/policy-rc.d ours=no status=0
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	export DEBIAN_FRONTEND=noninteractive
	case " $missing" in
	*' postfix '*) echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections ;;
	esac
	if [ ! -e "$policy" ]; then
		ours=yes
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	apt-get -qq update || echo 'apt-get update failed; trying with the lists that are there' >&2
	# shellcheck disable=SC2086
	apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends --no-remove $missing || status=$?
	[ "$ours" = no ] || rm -f "$policy"
	return "$status"
}

# The files of the source tree $1, without what builds leave in it, into the empty folder $2. Git knows which; without it (or when it will
# not answer) the usual names are left out.
copy_source()
{
	if [ -e "$1/.git" ] && command -v git >/dev/null; then
		(cd "$1" && git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
			tar -c --null --ignore-failed-read -T -) | tar -x --no-same-owner -C "$2"
	fi
	[ ! -f "$2/configure.ac" ] || return 0
	tar -c -C "$1" --exclude=./.git --exclude='./build*' --exclude='*.o' --exclude='*.a' --exclude=./config.status --exclude=./config.h \
		--exclude=./Makefile --exclude=./autom4te.cache . | tar -x --no-same-owner -C "$2"
}

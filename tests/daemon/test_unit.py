#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""The systemd unit's own words about whom tactd runs as and which system calls it may make, laid on the real tactd without a systemd."""

import ctypes
import grp
import os
import platform
import pwd
import re
import shutil
import stat
import struct
import subprocess
import sys
import unittest

from test_daemon import BUILD, TACTD, Case

UNIT = os.path.join(BUILD, "contrib", "systemd", "tactd.service")
NUMBERS = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"
AUDIT_ARCH_X86_64 = 0xC000003E
PR_SET_SECCOMP, SECCOMP_MODE_FILTER, PR_SET_NO_NEW_PRIVS = 22, 2, 38
RET_ALLOW, RET_ERRNO = 0x7FFF0000, 0x00050000
EPERM = 1
LOAD_WORD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06  # of classic BPF
GROUP = "games"  # stands for postfix, which need not be there


def settings(name):
    with open(UNIT, encoding="utf-8") as file:
        return [value.split() for value in re.findall(r"^%s=(.*)$" % name, file.read(), re.MULTILINE)]


def members(name):
    """Of a set of systemd's, and of the sets in it."""
    if not name.startswith("@"):
        return {name}
    told = subprocess.run(["systemd-analyze", "syscall-filter", name], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = set()
    for line in told.splitlines()[1:]:
        word = line.split("#")[0].strip()
        found |= members(word) if word else set()
    return found


def allowed():
    """As systemd.exec(5) has it: the first setting says whether what is named may be called; each later one adds or takes away."""
    calls = members("@default")
    for words in settings("SystemCallFilter"):
        takes_away, words[0] = words[0].startswith("~"), words[0].lstrip("~")
        named = set().union(*(members(word) for word in words))
        calls = calls - named if takes_away else calls | named
    return calls


def filter_of(calls):
    """A program for seccomp(2): these calls, and EPERM for all others."""
    with open(NUMBERS, encoding="ascii") as file:
        numbers = dict(re.findall(r"^#define __NR_(\w+) (\d+)$", file.read(), re.MULTILINE))
    steps = [(LOAD_WORD, 0, 0, 4), (JUMP_EQUAL, 1, 0, AUDIT_ARCH_X86_64), (RETURN, 0, 0, RET_ERRNO | EPERM), (LOAD_WORD, 0, 0, 0)]
    for number in sorted(int(numbers[call]) for call in calls if call in numbers):
        steps += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, RET_ALLOW)]
    steps.append((RETURN, 0, 0, RET_ERRNO | EPERM))
    return len(steps), b"".join(struct.pack("=HBBI", *step) for step in steps)


class Unit(Case):
    def setUp(self):
        super().setUp()
        person = pwd.getpwnam("nobody")
        self.write(self.read().replace(b'socket_group = ""', b'socket_group = "%s"' % GROUP.encode()))
        for name in os.listdir(self.dir) + [""]:
            os.chown(self.path(name), person.pw_uid, person.pw_gid)

    def spawn_filtered(self):
        length, program = filter_of(allowed())
        code = ctypes.create_string_buffer(program)
        fprog = struct.pack("HxxxxxxP", length, ctypes.addressof(code))
        libc = ctypes.CDLL(None, use_errno=True)

        def confine():
            if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, fprog, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), "prctl")

        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([TACTD, "-f", "-c", self.conf], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                                            env=self.env, user="nobody", group="nogroup", extra_groups=[GROUP], preexec_fn=confine)
        self.addCleanup(self.end, self.process)

    def test_it_starts_reloads_and_ends_with_the_calls_it_may_make(self):
        self.spawn_filtered()
        before = self.wait_ready()
        made = os.stat(self.path("gate"))
        self.assertEqual((grp.getgrgid(made.st_gid).gr_name, stat.S_IMODE(made.st_mode)), (GROUP, 0o660))
        self.write(self.read() + b'suppression "wishes" { }\n')
        self.assertNotEqual(self.reload(), before)
        self.assertEqual(self.end(), 0, self.log())
        self.assertNotIn("Operation not permitted", self.log())

    def test_the_filter_refuses(self):
        """That the calls are refused which nobody allows: otherwise the other test shows nothing."""
        self.assertTrue({"openat", "chown", "setpriority", "fdatasync"} <= allowed())
        self.assertFalse({"setuid", "mount", "reboot", "ptrace", "init_module"} & allowed())


if __name__ == "__main__":
    if os.geteuid() != 0 or os.environ.get("TACT_SANITIZED") or platform.machine() != "x86_64" or not shutil.which("systemd-analyze"):
        print("needs root, x86_64, systemd-analyze, and a build without sanitizers, which make calls of their own")
        sys.exit(77)
    unittest.main(verbosity=2)

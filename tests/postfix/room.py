# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""A temporary folder and everything that lives in it: processes, sockets, logs. Closing it ends the processes by their own ids and
removes the folder, whatever happened before: a guard, a shell that reads the ids of our processes from a pipe, does it when we are
killed. Knows neither Postfix nor tactd.
"""

import atexit
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.abspath(os.environ.get("TACT_SOURCE") or os.path.join(HERE, "..", ".."))
BUILD = os.path.abspath(os.environ.get("TACT_BUILD") or (os.getcwd() if os.path.exists("src/tactd") else SOURCE))
TAIL_LINES = 60

# What a sanitizer says when it found something, and whether the programs were built with one: then everything takes its time.
REPORT = re.compile(r"(?:Address|Leak|Thread|UndefinedBehavior)Sanitizer|: runtime error: ")
SANITIZED = bool(os.environ.get("TACT_SANITIZED"))
PATIENCE = 4 if SANITIZED else 1

# (A death signal of the kernel's would not do: it is lost when Postfix's master changes its user.)
GUARD = """
pids=
while read -r word pid; do
	if [ "$word" = add ]; then
		pids="$pids $pid"
	else
		left=
		for p in $pids; do [ "$p" = "$pid" ] || left="$left $p"; done
		pids=$left
	fi
done
for p in $pids; do kill -KILL "-$p"; done
rm -rf -- "$1"
"""


class Failed(AssertionError):
    """What was waited for did not come, or a tool said no."""


def wait_for(condition, what, timeout_s=15, every_s=0.01):
    """The first true answer of condition(), asked again and again; Failed with WHAT (text or callable) when the time is over."""
    timeout_s *= PATIENCE
    deadline = time.monotonic() + timeout_s
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > deadline:
            raise Failed("waited %g s for %s" % (timeout_s, what() if callable(what) else what))
        time.sleep(every_s)


def run(argv, stdin=b"", check=True, env=None, timeout_s=120, cwd=None):
    """Runs a tool to its end. With check, a status other than 0 is Failed and shows what the tool said; a sanitizer's report always is."""
    if isinstance(stdin, str):
        stdin = stdin.encode()
    done = subprocess.run(argv, input=stdin, capture_output=True, env=env, timeout=timeout_s * PATIENCE, cwd=cwd)
    if check and done.returncode != 0 or REPORT.search(done.stderr.decode(errors="replace")):
        raise Failed("%s: status %d\n%s%s" % (" ".join(argv), done.returncode, done.stdout.decode(errors="replace"),
                                              done.stderr.decode(errors="replace")))
    return done


_ports = set()


def free_port():
    """A TCP port of loopback nobody listens on, outside the range from which the kernel takes those of outgoing connections."""
    for _ in range(1000):
        port = random.randrange(20000, 32000)
        if port in _ports:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _ports.add(port)
        return port
    raise Failed("no free port between 20000 and 32000")


def connect(address, timeout_s=30):
    """A connected socket; ADDRESS is a port of loopback or the path of a unix socket."""
    if isinstance(address, int):
        return socket.create_connection(("127.0.0.1", address), timeout_s)
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(timeout_s)
    try:
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def answers(address, banner=False):
    """Does somebody accept connections at ADDRESS (and greet, with banner)?"""
    try:
        with connect(address, 5) as sock:
            return bool(sock.recv(512)) if banner else True
    except OSError:
        return False


def group_members(group):
    """The live processes of a process group; zombies, which only their parent can end, are not counted."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name, encoding="utf-8", errors="replace") as file:
                state, _, pgrp = file.read().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(pgrp) == group and state not in "ZX":
            found.append(int(name))
    return found


class Process:
    """One child, leader of its own session and process group."""

    def __init__(self, argv, log_path, env=None, cwd=None, ended=lambda process: None):
        self.argv = argv
        self.ended = ended  # called once the process and its group are gone
        with open(log_path, "ab") as log:
            self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=cwd,
                                          start_new_session=True)
        self.pid = self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def signal(self, number):
        if self.running():
            os.kill(self.pid, number)

    def kill(self):
        """SIGKILL to the process and all it started."""
        self._kill_group()
        status = self.popen.wait()
        self.ended(self)
        return status

    def stop(self, timeout_s=30):
        """SIGTERM to the process; what is left of its group after TIMEOUT_S is killed. Answers the exit status."""
        self.signal(signal.SIGTERM)
        try:
            self.popen.wait(timeout_s * PATIENCE)
            wait_for(lambda: not group_members(self.pid), "group %d" % self.pid, 5)
        except (subprocess.TimeoutExpired, Failed):
            pass
        return self.kill()

    def _kill_group(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        if self.popen.poll() is None:
            self.popen.wait()
        wait_for(lambda: not group_members(self.pid), "the end of process group %d" % self.pid, 10)


class Room:
    """The folder. `run` inside it is writable for user postfix, which tactd may run as; all of it is traversable."""

    def __init__(self, prefix="tact-"):
        self.dir = tempfile.mkdtemp(prefix=prefix)
        os.chmod(self.dir, 0o755)
        self._closers = []
        self._logs = []
        self._last_words = None
        self._guard = subprocess.Popen(["/bin/sh", "-c", GUARD, "guard", self.dir], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, cwd="/", start_new_session=True)
        _open_rooms.append(self)
        self.mkdir("run", owner="postfix")

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def mkdir(self, *parts, owner=None, mode=0o755):
        path = self.path(*parts)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)
        if owner and os.geteuid() == 0:
            user = pwd.getpwnam(owner)
            os.chown(path, user.pw_uid, user.pw_gid)
        return path

    def write(self, name, data, mode=0o644):
        """Writes a file whole or not at all: readers never see half of it."""
        path = self.path(name)
        with open(path + ".new", "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
        os.chmod(path + ".new", mode)
        os.rename(path + ".new", path)
        return path

    def spawn(self, argv, log, env=None, cwd=None):
        process = Process(argv, self.path(log), env=env, cwd=cwd, ended=lambda ended: self._tell_guard("del", ended.pid))
        self._tell_guard("add", process.pid)
        self.on_close(process.kill)
        self.watch(self.path(log))
        return process

    def _tell_guard(self, word, pid):
        if not self._guard.stdin.closed:
            self._guard.stdin.write(b"%s %d\n" % (word.encode(), pid))
            self._guard.stdin.flush()

    def on_close(self, closer):
        """closer() is called when the room closes, the last one first."""
        self._closers.append(closer)

    def watch(self, log_path):
        """The end of this file is shown when a test fails."""
        if log_path not in self._logs:
            self._logs.append(log_path)

    def last_words(self):
        """The tails of the watched logs, also after close."""
        if self._last_words is not None:
            return self._last_words
        parts = []
        for path in self._logs:
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    lines = file.read().splitlines()[-TAIL_LINES:]
            except OSError:
                continue
            if lines:
                parts.append("---- %s\n%s\n" % (os.path.relpath(path, self.dir), "\n".join(lines)))
        return "".join(parts)

    def reports(self):
        """What sanitizers said in the watched logs, each from its first line to the end of the log."""
        found = []
        for path in self._logs:
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    text = file.read()
            except OSError:
                continue
            report = REPORT.search(text)
            if report:
                start = text.rfind("\n", 0, report.start()) + 1
                found.append("---- %s\n%s" % (os.path.relpath(path, self.dir), text[start:start + 20000]))
        return "\n".join(found)

    def close(self):
        """Failed, once all is ended and removed, when a sanitizer has spoken."""
        if self._last_words is not None:
            return
        self._last_words = self.last_words()
        while self._closers:
            closer = self._closers.pop()
            try:
                closer()
            except Exception as error:  # the others must be ended all the same
                print("closing %s: %s" % (self.dir, error), file=sys.stderr)
        reports = self.reports()
        shutil.rmtree(self.dir, ignore_errors=True)
        self._guard.stdin.close()
        self._guard.wait()
        _open_rooms.remove(self)
        if reports:
            raise Failed("a sanitizer reports:\n" + reports)


_open_rooms = []


def _close_all():
    for room in list(_open_rooms):
        room.close()


def _leave(number, _frame):
    sys.exit(128 + number)


atexit.register(_close_all)
for _number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(_number, _leave)

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""tactd and tact, run against a room: writes the configuration and the key, starts the daemon under the test clock, waits until its doors
are open, and ends it in every way a daemon can end."""

import datetime
import json
import os
import re
import signal

import evidence
from relay import GATE_DOMAIN, REVIEW_DOMAIN
from room import BUILD, SANITIZED, Failed, answers, free_port, run, wait_for

DOORS_TIMEOUT_S = 20


def value_text(value):
    """A value as libconfuse reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return "{%s}" % ", ".join(value_text(item) for item in value)
    if isinstance(value, int):
        return str(value)
    return '"%s"' % str(value).replace("\\", "\\\\").replace('"', '\\"')


def section_text(kind, name, options):
    """`kind "name" { … }`; an option whose value is None is left out."""
    title = "%s %s" % (kind, value_text(name)) if name else kind
    lines = ["\t%s = %s" % (option, value_text(value)) for option, value in options.items() if value is not None]
    return "%s {\n%s\n}\n" % (title, "\n".join(lines))


def section(kind_, name="", **options):
    """A section for Tactd's sections: section("limit", "weekly", at_most="4/7d", count=["promotional"])."""
    return kind_, name, options


class Tactd:
    """settings: top-level options over the usual ones. sections: a list of section(…) or text. text: the whole file, instead of all that.
    user: whom tactd becomes ("" stays root)."""

    def __init__(self, room, relay=None, settings=None, sections=(), text=None, user="", clock="+0", name="tactd", env=None):
        self.room = room
        self.relay = relay
        self.name = name
        self.dir = room.mkdir(name, owner="postfix", mode=0o750 if user else 0o755)
        self.conf = room.path(name, "tact.conf")
        self.key_file = room.path(name, "key")
        self.audit = room.path(name, "audit")
        self.store = room.path(name, "db")
        self.gate_socket = relay.gate_socket if relay else room.path("run", name + "-gate")
        self.local_socket = room.path("run", name + "-local")
        self.port = free_port()
        self.log_path = room.path(name, "log")
        self.clock_path = room.path(name, "clock")
        self.env = dict(os.environ, TACT_TEST_CLOCK=self.clock_path, **(env or {}))
        self.process = None
        self.user = user
        self._frozen = None
        self.set_clock(clock)
        self.settings = dict(self._usual(), **(settings or {}))
        self.sections = list(sections)
        self.configure(text=text)
        if not os.path.exists(self.key_file):
            self.make_key()

    # ---- configuration --------------------------------------------------------------------------------------

    def _usual(self):
        return {
            "store": "lmdb:" + self.store, "audit": self.audit, "key_file": self.key_file, "host": "relay.test", "zone": "UTC",
            "log": "stderr", "log_level": "debug", "user": self.user, "socket_group": "postfix", "gate_socket": self.gate_socket,
            "pass_socket": self.relay.pass_socket if self.relay else self.room.path("run", "pass"),
            "refuse_socket": self.relay.refuse_socket if self.relay else self.room.path("run", "refuse"),
        }

    def _listeners(self):
        return [section("listener", "smtp", socket="inet:%d@127.0.0.1" % self.port),
                section("listener", "local", socket="unix:" + self.local_socket, kind="non-smtp")]

    @property
    def milter_settings(self):
        """What Postfix needs to know of the milter listeners."""
        return {"smtpd_milters": "inet:127.0.0.1:%d" % self.port, "non_smtpd_milters": "unix:" + self.local_socket}

    def configure(self, settings=None, sections=None, text=None):
        """Writes the file: SETTINGS over those in use (None takes an option out), SECTIONS in place of those in use."""
        self.settings.update(settings or {})
        if sections is not None:
            self.sections = list(sections)
        if text is None:
            lines = ["%s = %s\n" % (name, value_text(value)) for name, value in self.settings.items() if value is not None]
            parts = [part if isinstance(part, str) else section_text(*part) for part in self._listeners() + self.sections]
            text = "".join(lines) + "".join(parts)
        self.room.write(os.path.join(self.name, "tact.conf"), text)

    def make_key(self):
        """A new key, by the tool that makes them."""
        if os.path.exists(self.key_file):
            os.unlink(self.key_file)
        self.tact("key", "new", self.key_file)
        if self.user:
            run(["chown", self.user, self.key_file])

    # ---- the clock ------------------------------------------------------------------------------------------

    def set_clock(self, when):
        """"+SECONDS" or "-SECONDS" runs on, shifted; a datetime, a number of seconds since 1970 or "2026-11-24 09:00" (UTC) stands still."""
        if isinstance(when, str) and when[:1] in "+-":
            self._frozen = None
            self.room.write(os.path.relpath(self.clock_path, self.room.dir), when + "\n")
            return
        if isinstance(when, str):
            when = datetime.datetime.fromisoformat(when).replace(tzinfo=datetime.timezone.utc)
        if isinstance(when, datetime.datetime):
            when = when.timestamp()
        self._frozen = when
        self.room.write(os.path.relpath(self.clock_path, self.room.dir), "@%d.%06d\n" % (int(when), round(when % 1 * 1e6)))

    def advance(self, days=0, hours=0, minutes=0, seconds=0):
        """Moves a standing clock on."""
        if self._frozen is None:
            raise Failed("the clock runs; only a standing one can be moved on")
        self.set_clock(self._frozen + days * 86400 + hours * 3600 + minutes * 60 + seconds)

    @property
    def now(self):
        """A standing clock's time as a datetime."""
        return datetime.datetime.fromtimestamp(self._frozen, datetime.timezone.utc)

    # ---- life -----------------------------------------------------------------------------------------------

    def spawn(self, env=None):
        """Starts without waiting: for a tactd that is expected to refuse."""
        argv = [os.path.join(BUILD, "src", "tactd"), "-f", "-c", self.conf]
        self.process = self.room.spawn(argv, os.path.join(self.name, "log"), env=dict(self.env, **(env or {})))
        if SANITIZED:
            self.room.on_close(self.stop)  # leaks are told at an orderly end
        return self

    def start(self, env=None):
        self.spawn(env)
        try:
            wait_for(lambda: not self.process.running() or self.ready(), "tactd's doors", DOORS_TIMEOUT_S)
        except Failed as error:
            raise Failed("%s\n%s" % (error, self.log())) from None
        if not self.process.running():
            raise Failed("tactd ended with status %s\n%s" % (self.process.popen.returncode, self.log()))
        return self

    def ready(self):
        """Are both milter listeners and the gate there?"""
        return answers(self.port) and answers(self.local_socket) and answers(self.gate_socket, banner=True)

    def stop(self):
        """SIGTERM; the exit status."""
        process, self.process = self.process, None
        return process.stop() if process else None

    def kill9(self):
        """SIGKILL to all of it at once, as when the power goes."""
        process, self.process = self.process, None
        if process:
            process.kill()

    def wait_end(self, timeout_s=30):
        """The exit status of a tactd that ends by itself: refused to start, or killed at an edge. Whatever it started is killed."""
        process, self.process = self.process, None
        wait_for(lambda: not process.running(), "the end of tactd", timeout_s)
        return process.kill()

    def restart(self, env=None):
        self.stop()
        return self.start(env)

    def reload(self):
        """SIGUSR1, and no waiting: what it leads to stands in the log."""
        self.process.signal(signal.SIGUSR1)

    # ---- what it says ---------------------------------------------------------------------------------------

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def grep(self, pattern):
        return [line for line in self.log().splitlines() if re.search(pattern, line)]

    def wait_log(self, pattern, count=1, timeout_s=30):
        wait_for(lambda: len(self.grep(pattern)) >= count, lambda: "%d lines with %s in tactd's log:\n%s" % (count, pattern, self.log()),
                 timeout_s, 0.03)
        return self.grep(pattern)

    def entries(self, **fields):
        """The evidence, all of it or the entries with these values."""
        return evidence.select(evidence.read(self.audit), **fields)

    # ---- tact -----------------------------------------------------------------------------------------------

    def tact(self, *args, stdin=b"", check=True, timeout_s=120):
        """`tact ARGS` with this configuration; the completed process."""
        return run([os.path.join(BUILD, "src", "tact"), "-c", self.conf] + list(args), stdin=stdin, env=self.env, check=check,
                   timeout_s=timeout_s)

    def tact_json(self, *args, **options):
        """`tact ARGS --json`: the object it prints, or the list of them when it prints several lines."""
        text = self.tact(*args, "--json", **options).stdout.decode()
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return [json.loads(line) for line in text.splitlines() if line.strip()]

    def domain(self, review=False):
        return REVIEW_DOMAIN if review else GATE_DOMAIN

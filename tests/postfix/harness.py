# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""What tests against a real Postfix stand on: a test file says `from harness import *`, derives from Case and ends with main().

    class Table(Case):
        def test_all_accepted(self):
            site = self.site()                                          # sink, Postfix and tactd, wired and started
            sent = site.relay.send("a@desk.test", ["b@person.test"], mail())
            self.assertEqual(sent.code, 250)
            site.sink.wait_to("b@person.test")

Everything is ended and removed when the test (or, with class_site, the class) is over; a failure shows the ends of the logs. Needs root and
an installed Postfix; without them the file is skipped (77). Nothing waits for time to pass, only for things to happen."""

import itertools
import os
import shutil
import signal
import sys
import unittest

import evidence
from client import Client, Reply, Sent, stuffed
from daemon import Tactd, section
from relay import GATE_DOMAIN, REVIEW_DOMAIN, Relay
from room import BUILD, PATIENCE, SOURCE, Failed, Room, answers, free_port, group_members, run, wait_for
from sinks import Mail, PostfixSink, Sink

__all__ = ["BUILD", "SOURCE", "GATE_DOMAIN", "REVIEW_DOMAIN", "Case", "Client", "Failed", "Mail", "PostfixSink", "Relay", "Reply", "Room",
           "Sent", "Sink", "Site", "Tactd", "answers", "evidence", "free_port", "group_members", "mail", "main", "run", "section",
           "stuffed", "unittest", "wait_for"]

_numbers = itertools.count(1)


def mail(subject="A word with you", body="Hello,\r\n\r\nthis is a test.\r\n", sender="Ada Desk <ada@desk.test>", to="Bo <bo@person.test>",
         date="Mon, 02 Nov 2026 09:00:00 +0000", message_id=None, headers=""):
    """A whole message as bytes, with a Message-ID nobody else has. headers: further lines, each ending in CRLF."""
    message_id = message_id or "<%d.%d@desk.test>" % (os.getpid(), next(_numbers))
    text = ("From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: %s\r\n%s\r\n%s"
            % (sender, to, subject, date, message_id, headers, body))
    return text.encode()


class Site:
    """A sink, a relay and a tactd that know each other. main: over the relay's main.cf; the rest is Tactd's."""

    def __init__(self, room, main=None, sink=None, name="", **tactd):
        self.relay = Relay(room, sink=sink, main=main, name=name + "relay", gate_socket=room.path("run", name + "gate"))
        self.sink = self.relay.sink
        self.tactd = Tactd(room, relay=self.relay, name=name + "tactd", **tactd)
        self.relay.configure({key: value for key, value in self.tactd.milter_settings.items() if key not in (main or {})}, restart=False)

    def start(self):
        self.tactd.start()
        self.relay.start()
        return self

    def restart_tactd(self, env=None):
        self.tactd.restart(env)
        return self


class TooLong(Exception):
    """A test that took longer than its time_limit_s."""


def _too_long(_number, _frame):
    raise TooLong("took longer than its time limit")


class Case(unittest.TestCase):
    """Rooms that end with the test or the class, the logs after a failure, and a time limit."""

    maxDiff = None
    time_limit_s = 180
    _class_rooms = ()

    @classmethod
    def class_room(cls):
        """A room for all tests of the class: call it in setUpClass."""
        room = Room()
        cls.addClassCleanup(room.close)
        cls._class_rooms = cls._class_rooms + (room,)
        return room

    @classmethod
    def class_site(cls, **options):
        return Site(cls.class_room(), **options).start()

    def room(self):
        """A room for this test."""
        room = Room()
        self.addCleanup(room.close)
        self._rooms.append(room)
        return room

    def site(self, **options):
        """A started Site for this test."""
        return Site(self.room(), **options).start()

    def run(self, result=None):
        self._rooms = []
        before = _bad(result)
        signal.signal(signal.SIGALRM, _too_long)
        signal.alarm(self.time_limit_s * PATIENCE)
        try:
            return super().run(result)
        finally:
            signal.alarm(0)
            if _bad(result) > before:
                for room in self._rooms + list(self._class_rooms):
                    print("\n==== %s, %s\n%s" % (self.id(), room.dir, room.last_words()), file=sys.stderr, flush=True)


def _bad(result):
    return len(result.failures) + len(result.errors) if result is not None else 0


def missing():
    """Why tests against Postfix cannot run here, or None."""
    if os.geteuid() != 0:
        return "not root: Postfix's master will not start"
    for tool in ("postfix", "postqueue", "smtp-sink"):
        if not shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin:/bin"):
            return tool + " is not installed"
    return None


def main():
    reason = missing()
    if reason:
        print("skipped: " + reason)
        sys.exit(77)
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin:" + os.environ.get("PATH", "")
    unittest.main(module="__main__", verbosity=2)

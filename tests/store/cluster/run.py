# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""One run: two relays on one store, those who send and unsubscribe, the history of it and its judgement."""

import os
import sys

import checker
from gated import in_memory
from harness import Case, Site, section, wait_for
from history import History, now
from load import Load, Watcher, note_arrivals

SECTIONS = [section("owner", "head")] + [
    section("stream", "offers", owner="head", purpose="promotional", senders=["@offers.test"]),
    section("stream", "letters", owner="head", purpose="newsletter", senders=["@letters.test"]),
    section("stream", "orders", owner="head", purpose="transactional", senders=["@orders.test"]),
    section("suppression", "unsubscribed", action="reject"),
    section("limit", "weekly", at_most="2/7d", count=["promotional"], purposes=["promotional"], action="reject"),
    section("limit", "breathing", at_most="1/20h", count=["newsletter"], purposes=["newsletter"]),
]
RULES = checker.Rules(covered=["offers", "letters"], limits={"offers": 2, "letters": 1})
SETTINGS = {"rcpt_timeout": "2s", "message_timeout": "4s", "log_level": "info"}
PROCESSES = 6  # two relays with two listeners and a gate


class Run(Case):
    """A history, two relays on one store, and the judgement."""

    time_limit_s = 240

    @classmethod
    def setUpClass(cls):
        in_memory(cls)

    def begin(self, url, watched):
        """watched: a function that names the servers to be looked at."""
        self.history = History()
        room = self.room()
        left = Site(room, name="left", sections=SECTIONS, settings=dict(SETTINGS, store=url, host="left.test"))
        right = Site(room, name="right", sections=SECTIONS,
                     settings=dict(SETTINGS, store=url, host="right.test", key_file=left.tactd.key_file))
        self.sites = {"left": left.start(), "right": right.start()}
        self.load = Load(self.history, self.sites).start()
        self.addCleanup(self.load.stop)
        self.watcher = Watcher(self.history, watched)
        self.addCleanup(self.watcher.stop)
        self.wait_served("the start")

    def end(self):
        """All that was put off is answered, all who unsubscribed are written to once more, all that arrived is noted."""
        self.load.finish()
        asked = self.load.ask_all_who_unsubscribed()
        self.watcher.stop()
        note_arrivals(self.history, self.sites)
        self.figures()
        self.assertGreater(len(asked), 20)

    def phase(self, name, seconds):
        start = now()
        self.pass_time(seconds)
        self.history.add("phase", name=name, start=start, end=now())

    def pass_time(self, seconds):
        """The load goes on for so long."""
        self.load.over.wait(seconds)

    def answered_since(self, start, name, least=5):
        return sum(send["start"] > start and send["relay"] == name and checker.taken(send["code"]) and send["body"] is not None
                   for send in self.history.of("send")) >= least

    def wait_served(self, what):
        """Both relays take mail again."""
        start = now()
        for name in self.sites:
            wait_for(lambda: self.answered_since(start, name), "mail to be taken by %s after %s" % (name, what), 30)

    def count_put_off(self, start):
        return sum(send["start"] >= start and checker.put_off(send["code"]) for send in self.history.of("send"))

    def fault(self, name, start, end=None, **fields):
        """It has been mended, now or at END."""
        self.history.add("fault", name=name, start=start, end=end or now(), **fields)
        self.assertGreater(self.count_put_off(start), 0, "%s was not felt by anybody" % name)
        self.wait_served(name)

    def judge(self, *more):
        """By what holds for every run, and by MORE: pairs of a judge and the rest of its arguments."""
        judges = [(checker.judge_unsubscribes, ()), (checker.judge_survival, (list(self.sites),)), (checker.judge_limits, ()),
                  (checker.judge_refusals, ()), (checker.judge_deliveries, ()), (checker.judge_throughput, (0.4,))] + list(more)
        found = [line for judge, args in judges for line in judge(self.history, RULES, *args)]
        if found and "TACT_KEEP_HISTORY" in os.environ:
            self.history.save(os.environ["TACT_KEEP_HISTORY"])
        self.assertEqual(found, [], "%d violations" % len(found))

    def figures(self):
        sends = self.history.of("send")
        wishes = self.history.of("unsubscribe")
        print("%d attempts, %d put off, %d arrived, %d bounced; %d of %d unsubscribes acknowledged; rates %s; most backends %d"
              % (len(sends), sum(checker.put_off(send["code"]) for send in sends), len(self.history.of("arrived")), len(self.history.of("bounced")),
                 sum(wish["status"] == 0 for wish in wishes), len(wishes),
                 ", ".join("%s %.1f/s" % (phase["name"], checker.rate(self.history, phase)) for phase in self.history.of("phase")),
                 max([sample["backends"] for sample in self.history.of("sample")] or [0])), file=sys.stderr, flush=True)

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Two relays on a primary and two standbys, under load while everything happens to the servers that can; the history is judged afterwards."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..", "postfix")]

import checker
from cluster import Pair
from gated import in_memory
from harness import Case, Site, main, section, wait_for
from history import History, now
from load import Load, Watcher, note_arrivals
from servers import skip_without_servers

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
BACKENDS_EACH = 8  # contrib/postgresql/README


class Run(Case):
    """A history, two relays on one store, and the judgement."""

    time_limit_s = 240

    def begin(self, url):
        self.history = History()
        room = self.room()
        left = Site(room, name="left", sections=SECTIONS, settings=dict(SETTINGS, store=url, host="left.test"))
        right = Site(room, name="right", sections=SECTIONS,
                     settings=dict(SETTINGS, store=url, host="right.test", key_file=left.tactd.key_file))
        self.sites = {"left": left.start(), "right": right.start()}
        self.load = Load(self.history, self.sites).start()
        self.addCleanup(self.load.stop)

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

    def judge(self, *judges):
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


class PrimaryAndStandbys(Run):
    @classmethod
    def setUpClass(cls):
        in_memory(cls)

    def setUp(self):
        self.pair = Pair()
        self.addCleanup(self.pair.close)

    def test_everything_that_happens_to_a_pair(self):
        self.begin("postgres:" + self.pair.conninfo)
        watcher = Watcher(self.history, lambda: [self.pair.primary])
        self.addCleanup(watcher.stop)
        self.wait_served("the start")
        self.phase("health", 5)
        self.a_standby_stalls()
        self.all_standbys_stall_and_the_waits_are_cancelled()
        self.phase("the standbys again", 4)
        self.the_primary_is_killed_while_waits_are_cancelled()
        self.phase("the new primary", 4)
        self.the_old_primary_comes_back()
        self.phase("with an old primary", 4)
        self.the_network_is_cut()
        self.phase("the network again", 4)
        self.load.finish()
        asked = self.load.ask_all_who_unsubscribed()
        watcher.stop()
        note_arrivals(self.history, self.sites)
        self.figures()
        self.assertGreater(len(asked), 5)
        self.judge((checker.judge_unsubscribes, ()), (checker.judge_survival, (list(self.sites),)), (checker.judge_limits, ()),
                   (checker.judge_refusals, ()), (checker.judge_deliveries, ()), (checker.judge_throughput, (0.4,)),
                   (checker.judge_backends, (PROCESSES * BACKENDS_EACH, PROCESSES * 4)))

    def fault(self, name, start):
        """It has been mended."""
        self.history.add("fault", name=name, start=start, end=now())
        self.assertGreater(self.count_put_off(start), 0, "%s was not felt by anybody" % name)
        self.wait_served(name)

    def a_standby_stalls(self):
        """One of two may be missing: nobody notices."""
        self.pair.stall(1)
        start = now()
        self.phase("one standby", 4)
        self.assertEqual(self.count_put_off(start), 0, "with one standby left")
        self.pair.go_on()

    def cancel_on(self, seconds):
        """Nobody acknowledges, and an admin cancels whatever waits."""
        self.pair.stall_all_and_hang_up()
        end, cancelled = now() + seconds, 0
        while now() < end:
            cancelled += self.pair.cancel_waits()
            self.pass_time(0.3)
        self.assertGreater(cancelled, 0, "nothing was there to be cancelled")

    def all_standbys_stall_and_the_waits_are_cancelled(self):
        start = now()
        self.pass_time(1)
        self.cancel_on(3)
        self.pair.go_on()
        self.fault("all standbys stall", start)

    def the_primary_is_killed_while_waits_are_cancelled(self):
        """What was written then is on no other server, and everybody could read it."""
        start = now()
        self.cancel_on(3)
        self.pair.primary.kill()
        self.pair.go_on()
        self.pass_time(1)
        self.old = self.pair.fail_over()
        self.fault("the primary is killed", start)

    def the_network_is_cut(self):
        """In silence: what was asked may have been done."""
        start = now()
        self.pair.servers.network.cut()
        self.pass_time(6)
        self.pair.servers.network.mend()
        self.fault("the network is cut", start)

    def the_old_primary_comes_back(self):
        """As it was: it takes writes, and is the first that every relay asks. Each connection is made anew; one relay knows nothing of before."""
        def looks():
            return self.old.sql("SELECT count(*), max(version), (SELECT pg_is_in_recovery()) FROM tact.tact_record")
        self.old.start()
        before, start = looks(), now()
        self.sites["right"].restart_tactd()
        self.pair.primary.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tact'")
        self.wait_served("the old primary is back")
        self.history.add("fault", name="the old primary is back", start=start, end=now())
        wait_for(lambda: not self.old.backends(), "nobody to stay with the old primary")
        self.assertEqual(looks(), before)
        self.assertTrue(before.endswith("|f"), "it takes writes")


if __name__ == "__main__":
    skip_without_servers()
    main()

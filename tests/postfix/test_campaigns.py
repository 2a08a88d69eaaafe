#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Campaigns at a real Postfix: a planned one holds its places and its own mail takes them; cancelled, paused and resumed, and stopped by a
breaker while it runs."""

import json
import time

from gated import Gated, SeenElsewhere, people, person
from harness import Case, Site, mail, main, section, wait_for

SECTIONS = [
    section("owner", "corporate"), section("owner", "leeds"),
    section("trusted", listeners=["smtp"]),
    section("stream", "launch", owner="corporate", purpose="promotional", priority=500, senders=["@head.test"], max_delay="4d"),
    section("stream", "branch", owner="leeds", purpose="promotional", priority=300, senders=["@leeds.test"], max_delay="4d"),
    section("limit", "breathing", at_most="1/20h", count=["promotional"], purposes=["promotional"]),
    section("breaker", "stop", complaints="20%", at_least=4),
]


class Campaigns(Gated):
    sections = SECTIONS

    def campaign(self, name, sender="a@head.test", **options):
        """A mail of the campaign."""
        return mail(sender="Desk <%s>" % sender, headers="Feedback-ID: %s:x:y:desk\r\n" % name, **options)

    def send_of(self, name, *rcpts, sender="a@head.test"):
        return self.send(sender, *rcpts, body=self.campaign(name, sender))

    def plan(self, name, *addresses, options=()):
        """For in an hour; tactd's clock runs ahead of ours."""
        when = "@%d" % (time.time() + self.shift + 3600)
        self.tactd.tact("campaign", "plan", name, "-", "--plain", "--stream", "launch", "--at", when, *options,
                        stdin="".join("%s\n" % address for address in addresses).encode())

    def show(self, name):
        return self.tactd.tact_json("campaign", "show", name)

    def wait_sent(self, name, count):
        """What was counted is written within a second, and there is nothing to show before."""
        def counted():
            shown = [one for one in json.loads("[%s]" % ",".join(self.tactd.tact("campaign", "list", "--json").stdout.decode().splitlines())) if one["campaign"] == name]
            return shown and shown[0]["counted"]["sent"] == count
        wait_for(counted, "%d sent of %s, counted" % (count, name))

    def wait_seen(self):
        """Every process has read what was written: two seconds, by their own clocks."""
        began = time.monotonic()
        wait_for(lambda: time.monotonic() - began > 2.1, "two seconds", 10)

    def test_a_planned_campaign_holds_the_place_and_its_mail_takes_it(self):
        address, other = people(2)
        self.plan("autumn-launch", address, other)
        self.wait_seen()
        sent = self.accepted(self.send("b@leeds.test", address))
        ((_, why),) = self.wait_parked(sent.queue_id, 1)
        self.assertIn("place held by autumn-launch of corporate", why)
        self.assertIn("next place", why)
        (decision,) = self.decisions(sent.queue_id)
        self.assertEqual(decision["verdict"], "delay")
        self.accepted(self.send_of("autumn-launch", address))
        self.sink.wait_to(address)
        claims = self.tactd.tact_json("show", address)["claims"]
        self.assertEqual(sorted((claim["campaign"], claim["state"]) for claim in claims), [("", "waiting"), ("autumn-launch", "passed")])
        wait_for(lambda: self.show("autumn-launch")["state"] == "running", "the campaign running")
        self.assertEqual(self.show("autumn-launch")["counted"]["sent"], 1)
        self.fall_due(30 * 3600)
        self.sink.wait_to(address, 2)
        self.wait_gone(sent.queue_id)

    def test_cancelling_frees_the_place_at_once(self):
        address = person()
        self.plan("gone", address)
        self.wait_seen()
        sent = self.accepted(self.send("b@leeds.test", address))
        self.wait_parked(sent.queue_id, 1)
        began = time.monotonic()
        self.tactd.tact("campaign", "cancel", "gone", "--reason", "wrong price")
        self.sink.wait_to(address)
        self.assertLess(time.monotonic() - began, 15, "from the cancellation to the mailbox")
        self.wait_gone(sent.queue_id)
        refused = self.send_of("gone", address)
        self.assertEqual((refused.code, refused.status), (550, "5.7.1"), refused)
        self.assertIn("campaign gone was cancelled", refused.text)
        self.assertTrue(self.tactd.entries(kind="change", campaign="gone"))

    def test_mail_that_waits_is_bounced_when_its_campaign_is_cancelled(self):
        address = person()
        self.tactd.tact("campaign", "pause", "stale")
        self.wait_seen()
        sent = self.accepted(self.send_of("stale", address))
        self.wait_parked(sent.queue_id, 1)
        self.tactd.tact("campaign", "cancel", "stale")
        _, (block,) = self.wait_bounce("a@head.test", b"stale")
        self.assertIn(address, block["Final-Recipient"])
        self.tactd.wait_log("gate=bounced .*campaign stale was cancelled")
        self.wait_gone(sent.queue_id)

    def test_pause_and_resume(self):
        address = person()
        self.accepted(self.send_of("spring", address))
        self.sink.wait_to(address)
        later = person()
        self.tactd.tact("campaign", "pause", "spring", "--reason", "wrong price")
        self.wait_seen()
        sent = self.accepted(self.send_of("spring", later))
        ((_, why),) = self.wait_parked(sent.queue_id, 1)
        self.assertIn("paused-campaign", why)
        self.tactd.tact("campaign", "resume", "spring")
        self.sink.wait_to(later)
        self.wait_gone(sent.queue_id)

    def test_a_campaign_stops_itself_while_it_runs(self):
        first = people(5, "reader")
        for address in first:
            self.accepted(self.send_of("loud", address))
        self.sink.wait_to(first[4])
        self.wait_sent("loud", 5)
        self.tactd.tact("suppress", first[0], "--reason", "complaint")
        self.wait_seen()
        self.accepted(self.send_of("loud", person()))
        self.tactd.tact("suppress", person("elsewhere"), "--reason", "complaint", "--campaign", "loud")
        self.wait_seen()
        victim = person()
        refused = self.send_of("loud", victim)
        self.assertEqual((refused.code, refused.status), (550, "5.7.1"), refused)
        self.assertIn("campaign loud was stopped: 33.333% complaints of 6 sent", refused.text)
        (line,) = self.tactd.wait_log('campaign="loud" stopped_by="stop"')
        self.assertIn("33.333% complaints of 6 sent", line)
        wait_for(lambda: self.show("loud")["stopped"], "the stop written down")
        self.assertEqual(len([one for one in self.tactd.entries(kind="change", campaign="loud") if "campaign-stop" in one["action"]]), 1)
        self.accepted(self.send("a@head.test", victim))  # mail of no campaign goes on
        self.tactd.tact("campaign", "resume", "loud", "--reason", "they meant another mail")
        self.wait_seen()
        again = person()
        self.accepted(self.send_of("loud", again))
        self.sink.wait_to(again)

    def test_counts_outlive_a_restart_and_a_kill(self):
        self.accepted(self.send_of("steady", person()))
        self.wait_sent("steady", 1)
        self.tactd.restart()
        self.accepted(self.send_of("steady", person()))
        self.wait_sent("steady", 2)
        self.tactd.kill9()
        self.tactd.start()
        self.accepted(self.send_of("steady", person()))
        self.wait_sent("steady", 3)


class TwoOnOneStore(SeenElsewhere, Case):
    """Two tactd, each before a Postfix of its own, on one embedded store."""

    @classmethod
    def setUpClass(cls):
        room = cls.class_room()
        cls.left = Site(room, name="left", sections=SECTIONS, settings={"host": "left.test"}).start()
        cls.right = Site(room, name="right", sections=SECTIONS, settings={"host": "right.test", "store": "lmdb:" + cls.left.tactd.store,
                                                                          "key_file": cls.left.tactd.key_file}).start()

    def test_what_is_done_to_a_campaign_is_seen_by_the_other_within_two_seconds(self):
        self.watch_all("everywhere")


if __name__ == "__main__":
    main()

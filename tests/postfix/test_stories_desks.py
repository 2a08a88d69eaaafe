#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Stories of one company with many desks, under conf/examples/head-office-and-branches.conf: raving-fan."""

import json

from harness import main
from test_stories import Northmoor


class RavingFan(Northmoor):
    """raving-fan: a client of eight years, marketed at by phone, e-mail, post and fax, each desk counting only its own."""

    story = "raving-fan"
    jo = "jo.whitlock@customer.example"

    def may(self, channel, owner, status=0):
        """What a CRM is told before somebody rings, writes or faxes."""
        done = self.tactd.tact("contact", "--may", "--channel", channel, "--purpose", "promotional", "--owner", owner, self.jo, "--json",
                               check=False)
        self.assertEqual(done.returncode, status, done)
        return json.loads(done.stdout)

    def did(self, channel, owner, name):
        self.tactd.tact("contact", "--channel", channel, "--purpose", "promotional", "--owner", owner, "--id", name, self.jo)

    def test_raving_fan(self):
        self.begin("2026-10-12 08:00")
        self.assertGoes(self.send("offers", "1-spring-offer.eml", self.jo), "offers", self.jo, 1)

        # Leeds asks before it rings: not on the same day, but on the next; and says afterwards that it did.
        self.tactd.set_clock("2026-10-12 15:00")
        answer = self.may("phone", "leeds-branch", status=1)
        self.assertEqual((answer["verdict"], answer["until"]), ("delay", "2026-10-13T04:00:00Z"), answer)
        self.tactd.set_clock("2026-10-13 08:00")
        self.assertTrue(self.may("phone", "leeds-branch")["allowed"])
        self.did("phone", "leeds-branch", "call-1204")
        self.did("phone", "leeds-branch", "call-1204")  # told twice, counted once

        # A mail and a call that weighs two: the week is full, for every desk and on every channel.
        event = self.send("leeds", "2-branch-event.eml", self.jo, at="2026-10-14 08:30")
        self.assertRefused(event, "weekly: 3 of 3 in 7d")
        for channel in ("fax", "post", "sms", "visit"):
            answer = self.may(channel, "corporate", status=1)
            numbers = next(rule["numbers"] for rule in answer["rules"] if rule["name"] == "weekly")
            self.assertEqual((numbers["count"], numbers["at_most"], numbers["frees_at"]), (3, 3, "2026-10-19T08:00:00Z"), answer)
        letter = self.send("letter", "3-letter.eml", self.jo, at="2026-10-15 06:00")
        self.assertWaits(letter, "2026-10-19 08:00", "weekly")

        # The person who knows the client may always write, and marketing waits for the end of it.
        self.assertGoes(self.send("tom", "4-from-sales.eml", self.jo, at="2026-10-15 10:12"), "sales", self.jo, 2)
        self.assertBumped(letter, "2026-10-20 10:12")
        self.assertReleased(letter, "2026-10-20 10:12", self.jo, 3)
        self.relay.wait_empty()

        # What marketing is shown of it: every desk and channel, and who hears the most.
        report = self.tactd.tact_json("report", "pressure")
        self.assertEqual({desk["owner"]: desk["contacts"] for desk in report["owners"]}, {"corporate": 2, "leeds-branch": 1, "sales": 1})
        self.assertEqual({channel["channel"]: channel["contacts"] for channel in report["channels"]}, {"email": 3, "phone": 1})
        self.assertEqual([(person["contacts"], person["owners"]) for person in report["most_pressed"]], [(4, 3)])

    def test_raving_fan_on_all_channels_together(self):
        """Each desk alone would be within the limit; together they are not, in whatever order."""
        self.begin("2026-10-12 08:00")
        for day, (channel, owner) in enumerate((("post", "corporate"), ("fax", "leeds-branch"), ("visit", "sales")), 12):
            self.tactd.set_clock("2026-10-%d 08:00" % day)
            self.assertTrue(self.may(channel, owner)["allowed"])
            self.did(channel, owner, "touch-%d" % day)
        letter = self.send("letter", "3-letter.eml", self.jo, at="2026-10-15 06:00")
        self.assertWaits(letter, "2026-10-19 08:00", "weekly")
        self.assertEqual(len(self.tactd.tact_json("show", self.jo)["contacts"]), 3)


if __name__ == "__main__":
    main()

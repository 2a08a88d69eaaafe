#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""The story prove-it, under conf/examples/single-host.conf: what was sent to one person after an opt-out, and what the company knew."""

import datetime

from harness import main
from story import Story


class ProveIt(Story):
    """prove-it: a regulator asks what was sent to one person after an opt-out, and what the company knew at that moment."""

    story = "prove-it"
    example_name = "single-host.conf"
    desks = {
        "letter": ("letter@harbourbooks.example", "192.0.2.5"),
        "orders": ("till@harbourbooks.example", "192.0.2.5"),
    }
    chris = "chris.vale@reader.example"

    def entries_of(self, address):
        found = self.tactd.tact_json("audit", "trail", address)
        return found if isinstance(found, list) else [found]

    def test_prove_it(self):
        self.begin("2026-10-01 09:00")
        self.assertGoes(self.send("letter", "1-oct.eml", self.chris), "letter", self.chris, 1)
        # A second letter on the same day would wait for its place; before that, the person rings and opts out.
        second = self.send("letter", "2-nov.eml", self.chris, at="2026-10-01 12:00")
        self.assertWaits(second, "2026-10-02 05:00", "daily")
        self.tactd.set_clock("2026-10-01 15:30")
        self.tactd.tact("suppress", self.chris, "--reason", "unsubscribe", "--source", "phone", "--by", "agent 7", "--note", "no more letters")
        self.tactd.set_clock("2026-10-02 05:00")
        self.assertBounced(second, self.chris, "wishes")
        refused = self.send("letter", "2-nov.eml", self.chris, at="2026-11-01 09:00")
        self.assertRefused(refused, "recipient unsubscribed (global)")
        self.assertGoes(self.send("orders", "3-o-77.eml", self.chris, at="2026-11-05 10:00"), "orders", self.chris, 2)
        self.assertGoes(self.send("letter", "1-oct.eml", "someone@reader.example"), "letter", "someone@reader.example", 1)
        self.relay.wait_empty()

        trail = self.entries_of(self.chris)
        told = [(entry["kind"], entry.get("verdict") or entry["action"], entry.get("stream")) for entry in trail]
        self.assertEqual(told, [("decision", "accept", "letter"), ("decision", "delay", "letter"), ("change", "suppress", None),
                                ("decision", "reject", "letter"), ("outcome", "bounced", None),
                                ("decision", "reject", "letter"), ("decision", "accept", "orders")])
        self.assertAfterOptOut(trail)
        self.assertReadable(trail)

    def assertAfterOptOut(self, trail):
        """What went out after the wish was what it does not cover; and whoever was refused, was for this wish."""
        (wish,) = [entry for entry in trail if entry["kind"] == "change"]
        after = [entry for entry in trail if entry["time_us"] > wish["time_us"] and entry["kind"] == "decision"]
        self.assertEqual([(entry["verdict"], entry["purpose"]) for entry in after],
                         [("reject", "newsletter"), ("reject", "newsletter"), ("accept", "transactional")])
        for entry in after:
            self.assertEqual([(weighed["reason"], weighed["scope"]) for weighed in entry["weighed"]], [("unsubscribe", "global")])
            known = datetime.datetime.fromisoformat(entry["weighed"][0]["time"].replace("Z", "+00:00"))
            self.assertEqual(known, datetime.datetime(2026, 10, 1, 15, 30, tzinfo=datetime.timezone.utc))
            self.assertTrue(entry["policy"] and entry["version_seen"], "which rules, and which state of the person, it rested on")
        before = [entry for entry in trail if entry["time_us"] < wish["time_us"]]
        self.assertEqual([entry.get("weighed") for entry in before], [None, None], "nobody knew of the wish before it was made")

    def assertReadable(self, trail):
        """What is sealed opens for the one who holds the store; the folder alone names nobody; the rules in force stand in it."""
        self.assertEqual(trail[0]["sealed"]["subject"], "What we read in October")
        self.assertEqual({entry["sealed"]["recipient_domain"] for entry in trail if entry["kind"] == "decision"}, {"reader.example"})
        raw = "".join(str(entry) for entry in self.tactd.entries())
        for words in ("chris.vale", "reader.example", "What we read"):
            self.assertNotIn(words, raw)
        policies = {entry["policy"]: entry["configuration"] for entry in self.tactd.entries(kind="policy")}
        self.assertIn('limit "daily"', policies[trail[0]["policy"]])


if __name__ == "__main__":
    main()

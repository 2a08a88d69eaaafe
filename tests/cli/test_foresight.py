# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""preflight, replay and report against the built program: what would be, what would have been, and what was."""

import csv
import io
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from test_cli import Case, NOW  # noqa: E402

DAY = 86400


class Foresight(Case):
    def at(self, seconds):
        """The clock from here on."""
        self.write("clock", "@%d\n" % seconds)

    def list(self, *addresses, name="list.csv"):
        return self.write(name, "name,email\n" + "".join("Somebody,%s\n" % address for address in addresses))

    def mail(self, number, sender="news@shop.example"):
        return ("From: News <%s>\nSubject: Hello %d\nMessage-ID: <%d@shop.example>\nDate: Tue, 24 Nov 2026 08:00:00 +0000\n\nDear Ann\n"
                % (sender, number, number)).encode()

    def evidence_and_store(self):
        """All bytes that a verb which writes nothing must leave alone."""
        found = {}
        for folder, _, files in os.walk(self.path("audit")):
            for name in files:
                with open(os.path.join(folder, name), "rb") as file:
                    found[os.path.join(folder, name)] = file.read()
        return found, self.export()

    def counts(self, rows, name):
        return {row[name]: tuple(row[word] for word in ("accept", "delay", "quarantine", "reject")) for row in rows}


class Preflight(Foresight):
    def setUp(self):
        super().setUp()
        self.tact("suppress", "ann@example.com", "--reason", "unsubscribe")
        for number in (1, 2):
            self.deliver("news@shop.example", "bob@example.com", mail=self.mail(number))
        self.names = self.list("ann@example.com", "bob@example.com", "cat@example.com", "Bob@example.com")

    def test_sums(self):
        before = self.evidence_and_store()
        (got,) = self.json("preflight", "--stream", "shop", self.names)
        self.assertEqual((got["recipients"], got["duplicates"], got["undecided"]), (3, 1, 0))
        self.assertEqual((got["accept"], got["delay"], got["quarantine"], got["reject"]), (1, 0, 0, 2))
        self.assertEqual(self.counts(got["rules"], "rule"), {"wishes": (0, 0, 0, 1), "weekly": (0, 0, 0, 1)})
        self.assertEqual(self.counts(got["holders"], "holder"), {"corporate": (0, 0, 0, 1)})
        self.assertEqual(self.evidence_and_store(), before)
        text = self.tact("preflight", "--stream", "shop", self.names).out
        for words in ("3 recipients", '"shop"', "1 more lines name somebody again", "33.3 %", "the place is held by"):
            self.assertIn(words, text)

    def test_rate_moves_the_later_ones_beyond_the_window(self):
        """Bob's two mails of today leave his week after seven days: the second of the list comes a week later."""
        (got,) = self.json("preflight", "--stream", "shop", "--rate", "1/7d", "--at", "2026-11-24T10:00:00Z", self.names)
        self.assertEqual((got["from"], got["to"]), ("2026-11-24T10:00:00Z", "2026-12-08T10:00:00Z"))
        self.assertEqual((got["accept"], got["reject"]), (2, 1))

    def test_delayed_to_when(self):
        """Five days on, the place is two days ahead and within max_delay."""
        (got,) = self.json("preflight", "--stream", "shop", "--at", "2026-11-29T09:00:00Z", self.names)
        self.assertEqual((got["accept"], got["delay"], got["reject"]), (1, 1, 1))
        self.assertEqual(self.counts(got["days"], "day"), {"2026-12-01": (0, 1, 0, 0)})

    def test_day_in_the_zone_of_the_configuration(self):
        self.edit('log = stderr', 'log = stderr\nzone = "Pacific/Kiritimati"')
        (got,) = self.json("preflight", "--stream", "shop", "--at", "2026-11-29T11:00:00Z", self.names)
        self.assertEqual(list(self.counts(got["days"], "day")), ["2026-12-01"])  # 09:00 UTC is 23:00 there
        self.write("clock", "@%d\n" % (NOW + 3600))
        self.deliver("news@shop.example", "dan@example.com", mail=self.mail(5))
        self.deliver("news@shop.example", "dan@example.com", mail=self.mail(6))
        (got,) = self.json("preflight", "--stream", "shop", "--at", "2026-11-29T11:00:00Z", self.list("dan@example.com"))
        self.assertEqual(list(self.counts(got["days"], "day")), ["2026-12-02"])  # 10:00 UTC is the next day's midnight

    def test_each(self):
        each = self.path("each.csv")
        self.tact("preflight", "--stream", "shop", "--at", "2026-11-29T09:00:00Z", "--each", each, self.names)
        rows = list(csv.DictReader(io.StringIO(self.read("each.csv").decode())))
        self.assertEqual([(row["email"], row["verdict"], row["rule"], row["holder"], row["until"]) for row in rows],
                         [("ann@example.com", "reject", "wishes", "", ""),
                          ("bob@example.com", "delay", "weekly", "corporate", "2026-12-01T09:00:00Z"),
                          ("cat@example.com", "accept", "", "", "")])
        self.assertEqual(rows[2]["at"], "2026-11-29T09:00:00Z")

    def test_monitored_rules_are_told_apart(self):
        self.edit('limit "weekly" {', 'limit "strict" { at_most = 0/1d mode = monitor action = reject streams = {"shop"} }\nlimit "weekly" {')
        (got,) = self.json("preflight", "--stream", "shop", self.list("cat@example.com"))
        self.assertEqual(got["accept"], 1)
        self.assertEqual(self.counts(got["monitored"], "rule"), {"strict": (0, 0, 0, 1)})

    def test_mistakes_sum_up_nothing(self):
        names = self.write("bad.csv", "email\nann@example.com\nnobody\n\"x\ny@example.com\"\nann@@example.com\n")
        done = self.tact("preflight", "--stream", "shop", "--each", self.path("each.csv"), names, code=65)
        self.assertEqual(done.out, "")
        for line in ("bad.csv:3: email:", "bad.csv:4: email:", "bad.csv:6: email:", "3 mistakes; nothing was summed up"):
            self.assertIn(line, done.err)
        self.assertEqual([name for name in os.listdir(self.dir) if name.startswith("each")], [])

    def test_wrong_command_lines(self):
        for args, words in (((), "FILE"), ((self.names,), "--stream"), (("--stream", "nope", self.names), "no stream"),
                            (("--stream", "shop", "--rate", "5", self.names), "--rate"), (("--stream", "shop", "--rate", "0/1h", self.names), "--rate"),
                            (("--stream", "shop", "--rate", "5/0", self.names), "--rate")):
            self.assertIn(words, self.tact("preflight", *args, code=64).err)
        self.tact("preflight", "--stream", "shop", self.path("missing.csv"), code=66)
        self.tact("preflight", "--stream", "shop", "--each", self.path("no/where.csv"), self.names, code=73)

    def test_a_damaged_record_is_undecided(self):
        key = self.json("canonical", "cat@example.com")[0]["key"]
        self.run_program([os.path.join(os.environ.get("TACT_BUILD", "."), "tests", "cli", "deliver"), self.conf, "damage", key])
        (got,) = self.json("preflight", "--stream", "shop", self.names, code=65)
        self.assertEqual((got["undecided"], got["accept"], got["reject"]), (1, 0, 2))

    def test_plain_list_from_standard_input(self):
        (got,) = self.json("preflight", "--stream", "shop", "--plain", "-", stdin=b"cat@example.com\ndan@example.com\n")
        self.assertEqual((got["recipients"], got["accept"]), (2, 2))


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""preflight, replay and report against the built program: what would be, what would have been, and what was."""

import csv
import io
import json
import os
import pwd
import signal
import re
import stat
import subprocess
import time
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from test_cli import Case, NOW, TACT  # noqa: E402

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

    def test_the_stream_that_is_built_in(self):
        (got,) = self.json("preflight", "--stream", "Unmatched", self.names)
        self.assertEqual((got["stream"], got["reject"]), ("unmatched", 1))

    def test_not_in_the_past(self):
        self.assertIn("--at: 2026-11-24T08:59:59Z has passed",
                      self.tact("preflight", "--stream", "shop", "--at", "2026-11-24T08:59:59Z", self.names, code=64).err)
        self.tact("preflight", "--stream", "shop", "--at", "2026-11-24T09:00:00Z", self.names)

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

    def test_a_file_that_is_there_is_whole(self):
        each = self.write("each.csv", "of old")
        for name in ("each.csv.fresh", "each.csv.killed"):
            self.write(name, "of one that was killed")
        bad = self.write("bad.csv", "email\nann\n")
        self.tact("preflight", "--stream", "shop", "--each", each, bad, code=65)
        self.tact("preflight", "--stream", "nope", "--each", each, self.names, code=64)
        self.assertEqual(self.read("each.csv"), b"of old")
        self.tact("preflight", "--stream", "shop", "--each", each, self.names)
        self.assertEqual((self.read("each.csv").count(b"\n"), stat.S_IMODE(os.stat(each).st_mode)), (4, 0o600))
        self.assertIn("Is a directory", self.tact("preflight", "--stream", "shop", "--each", self.path("audit"), self.names, code=73).err)
        self.assertEqual(sorted(name for name in os.listdir(self.dir) if name.startswith(("each", "audit"))),
                         ["audit", "each.csv", "each.csv.fresh", "each.csv.killed"])
        self.assertIn("No such file", self.tact("preflight", "--stream", "shop", "--each", self.path("no/each.csv"), self.names, code=73).err)

    def test_broken_off_it_leaves_nothing(self):
        """Nothing with people's names in it; and a signal that whoever started it has it pass over is passed over."""
        each = self.write("each.csv", "of old")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal=number):
                flight = subprocess.Popen([TACT, "-c", self.conf, "preflight", "--stream", "shop", "--plain", "--each", each, "-"],
                                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.env,
                                          preexec_fn=lambda number=number: signal.signal(number, signal.SIG_DFL))
                self.addCleanup(flight.stdout.close)
                deadline = time.monotonic() + 60
                while len([name for name in os.listdir(self.dir) if name.startswith("each")]) < 2 and time.monotonic() < deadline:
                    time.sleep(0.01)
                flight.send_signal(number)
                self.assertEqual(flight.wait(60), -number)
                flight.stdin.close()
                self.assertEqual([name for name in os.listdir(self.dir) if name.startswith("each")], ["each.csv"])
        flight = subprocess.Popen(["/bin/sh", "-c", "trap '' HUP; exec \"$@\"", "sh", TACT, "-c", self.conf, "preflight", "--stream", "shop", "--plain",
                                   "--each", each, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.env)
        while len([name for name in os.listdir(self.dir) if name.startswith("each")]) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        flight.send_signal(signal.SIGHUP)
        flight.communicate(b"ann@example.com\n", timeout=60)
        self.assertEqual((flight.returncode, self.read("each.csv").count(b"\n")), (0, 2))

    def test_only_a_file_is_replaced(self):
        os.symlink("/dev/null", self.path("each"))
        os.mkfifo(self.path("pipe"))
        for name in ("each", "pipe"):
            err = self.tact("preflight", "--stream", "shop", "--each", self.path(name), self.names, code=73).err
            self.assertIn("%s: is no file, and would be replaced by one" % self.path(name), err)
        self.assertTrue(os.path.islink(self.path("each")) and stat.S_ISFIFO(os.stat(self.path("pipe")).st_mode))

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_root_writes_where_the_user_may_not(self):
        nobody = pwd.getpwnam("nobody")
        for folder, _, files in os.walk(self.dir):
            for name in [folder] + [os.path.join(folder, name) for name in files]:
                os.chown(name, nobody.pw_uid, nobody.pw_gid)
        self.edit('user = ""', 'user = "nobody"')
        os.chown(self.conf, 0, 0)
        home = self.path("home")
        os.mkdir(home, 0o700)
        each = os.path.join(home, "each.csv")
        self.tact("preflight", "--stream", "shop", "--each", each, self.names)
        self.assertEqual((self.read("home/each.csv").count(b"\n"), os.stat(each).st_uid, os.listdir(home)), (4, 0, ["each.csv"]))
        self.tact("preflight", "--stream", "shop", "--each", each, self.write("bad.csv", "email\nann\n"), code=65)
        self.assertEqual((self.read("home/each.csv").count(b"\n"), os.listdir(home)), (4, ["each.csv"]))
        with open("/dev/full", "wb") as full:
            done = subprocess.run([TACT, "-c", self.conf, "preflight", "--stream", "shop", "--each", each, self.names], stdout=full, stderr=subprocess.PIPE,
                                  env=self.env, timeout=120)
        self.assertEqual(done.returncode, 74, done.stderr)
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([TACT, "-c", self.conf, "preflight", "--stream", "shop", "--each", each, self.names], stdout=writer, stderr=subprocess.PIPE,
                              env=self.env, timeout=120)
        os.close(writer)
        self.assertEqual((done.returncode, done.stderr, os.listdir(home)), (141, b"", ["each.csv"]), "whoever reads no more is told nothing")

    def test_rates_at_their_bounds(self):
        """The last of 300,000 goes 300,000/100,000,000 of a year later; and one a century has no time for all."""
        many = self.write("many.txt", "".join("p%d@example.com\n" % number for number in range(300000)))
        (got,) = self.json("preflight", "--stream", "shop", "--plain", "--rate", "100000000/365d", "--at", "2026-11-24T10:00:00Z", many)
        self.assertEqual((got["recipients"], got["to"]), (300000, "2026-11-25T12:16:47.684640Z"))
        (got,) = self.json("preflight", "--stream", "shop", "--rate", "1000000000/40000d", "--at", "2026-11-24T10:00:00Z", self.names)
        self.assertEqual(got["to"], "2026-11-24T10:00:06.912000Z")
        (got,) = self.json("preflight", "--stream", "shop", "--plain", "--rate", "1/36500d", "--at", "2026-11-24T10:00:00Z", "-",
                           stdin=b"".join(b"p%d@example.com\n" % number for number in range(79)))
        self.assertTrue(got["to"].startswith("98"), got)
        err = self.tact("preflight", "--stream", "shop", "--plain", "--rate", "1/36500d", many, code=65).err
        self.assertIn("many.txt:80: --rate: this one would go after the year 9999", err)

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

    def test_a_list_of_keys(self):
        keys = [self.json("canonical", address)[0]["key"] for address in ("ann@example.com", "bob@example.com", "cat@example.com")]
        with open(self.path("keys.csv"), "w") as file:
            file.write("key\n%s\n" % "\n".join(keys))
        (got,) = self.json("preflight", "--stream", "shop", self.path("keys.csv"))
        self.assertEqual((got["recipients"], got["accept"], got["reject"]), (3, 1, 2))
        with open(self.path("mixed.csv"), "w") as file:
            file.write("key,email\n%s,\n,bob@example.com\n%s,cat@example.com\n" % (keys[0], keys[0]))
        (got,) = self.json("preflight", "--stream", "shop", self.path("mixed.csv"))
        self.assertEqual((got["recipients"], got["accept"], got["reject"]), (3, 1, 2))
        with open(self.path("bad.csv"), "w") as file:
            file.write("key\n%s\n" % keys[0][:-1])
        self.assertIn("key: ", self.tact("preflight", "--stream", "shop", self.path("bad.csv"), code=65).err)

    def test_plain_list_from_standard_input(self):
        (got,) = self.json("preflight", "--stream", "shop", "--plain", "-", stdin=b"cat@example.com\ndan@example.com\n")
        self.assertEqual((got["recipients"], got["accept"]), (2, 2))


class Replay(Foresight):
    """Four mails to Bob and one to Ann in a week; the rules in force let two a week pass."""

    def setUp(self):
        super().setUp()
        self.fates = []
        for number, (hours, who) in enumerate(((0, "bob"), (1, "bob"), (2, "bob"), (24, "ann"), (200, "bob")), 1):
            self.at(NOW + hours * 3600)
            self.fates += self.deliver("news@shop.example", who + "@example.com", mail=self.mail(number))
        self.at(NOW + 300 * 3600)

    def other(self, old, new):
        with open(self.conf, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        return self.write("other.conf", text.replace(old, new))

    def replay(self, *args, **options):
        (got,) = self.json("replay", *args, **options)
        return got

    def differences(self, got):
        return {(was, would): count for was, row in got["was"].items() for would, count in row.items() if was != would and count}

    def test_same_rules_change_nothing(self):
        self.assertEqual(self.fates, ["pass", "pass", "refuse", "pass", "pass"])  # no place for the third within max_delay
        before = self.evidence_and_store()
        got = self.replay("--from", "2026-11-01")
        self.assertEqual((got["mails"], got["asked"], got["alike"], got["different"]), (5, 5, 5, 0))
        self.assertEqual(self.differences(got), {})
        self.assertEqual(self.evidence_and_store(), before)

    def test_damaged_evidence(self):
        """Replay and report lack one mail, say where, and have the others."""
        path = "audit/relay.test/entries/000000000000"
        good = self.read(path)
        at = [found.start() - 2 for found in re.finditer(rb'\{"v":1,"kind":"decision"', good)][1]
        for place, byte, words in ((at, b"\xff", "damaged at offset %d" % at), (at + 5, b"?", "1 entries of the evidence are damaged")):
            with self.subTest(words):
                self.write(path, good[:place] + byte + good[place + 1:])
                for verb, name in (("replay", "mails"), ("report monitor", "decisions")):
                    done = self.tact(*verb.split(), "--from", "2026-11-01", "--json", code=65)
                    self.assertEqual(json.loads(done.out)[name], 4)
                    self.assertIn(words, done.err)

    def test_stricter_rule(self):
        """One a week: the second is refused too, and counts no more."""
        got = self.replay("--with", self.other('at_most = "2/7d"', 'at_most = "1/7d"'), "--from", "2026-11-01")
        self.assertEqual(self.differences(got), {("accept", "reject"): 1})
        self.assertEqual(self.counts(got["rules"], "rule"), {"weekly": (0, 0, 0, 1)})
        self.assertEqual(self.counts(got["owners"], "owner"), {"corporate": (0, 0, 0, 1)})
        self.assertEqual(self.counts(got["streams"], "stream"), {"shop": (0, 0, 0, 1)})

    def test_looser_rule(self):
        got = self.replay("--with", self.other('at_most = "2/7d"', 'at_most = "3/7d"'), "--from", "2026-11-01")
        self.assertEqual(self.differences(got), {("reject", "accept"): 1})
        self.assertEqual(self.counts(got["no_longer"], "rule"), {"weekly": (1, 0, 0, 0)})

    def test_what_is_delayed_goes_at_its_place_and_counts_from_then(self):
        """One in two hours: the second waits an hour; the third then finds it there and waits for two."""
        got = self.replay("--with", self.other('at_most = "2/7d"', 'at_most = "1/2h"'), "--from", "2026-11-01")
        self.assertEqual(self.differences(got), {("accept", "delay"): 1, ("reject", "delay"): 1})
        self.assertEqual(got["delayed_ends"], {"accept": 2, "delay": 0, "quarantine": 0, "reject": 0})

    def test_content_is_what_it_was_then(self):
        """A greeting that was held is held again by the rule of that name, on monitor or not, and by no other."""
        rule = 'content "greeting" { must_not = generic-salutation from_domains = brand %s }\nlimit "weekly"'
        self.edit('limit "weekly"', rule % "")
        self.edit('brand "alpha" { }', 'brand "alpha" { domains = {"shop.example"} }')
        mail = self.mail(40).replace(b"Dear Ann", b"Dear Sir or Madam,")
        self.assertEqual(self.deliver("news@shop.example", "eve@example.com", mail=mail), ["review"])
        self.at(NOW + 301 * 3600)
        (same,) = self.json("replay")
        self.assertEqual((same["different"], same["was"]["quarantine"]["quarantine"]), (0, 1))
        held = self.read("tact.conf").decode()
        (renamed,) = self.json("replay", "--with", self.write("other.conf", held.replace('content "greeting"', 'content "other"')))
        self.assertEqual((renamed["different"], self.counts(renamed["no_longer"], "rule")), (1, {"greeting": (1, 0, 0, 0)}))
        self.write("tact.conf", held.replace(rule % "", rule % "mode = monitor"))
        self.assertEqual(self.deliver("news@shop.example", "fay@example.com", mail=mail), ["pass"])
        self.at(NOW + 302 * 3600)
        (enforced,) = self.json("replay", "--with", self.write("other.conf", held))
        self.assertEqual(self.counts(enforced["rules"], "rule"), {"greeting": (0, 0, 1, 0)})

    def test_a_wish_counts_from_when_it_was_made(self):
        """Under the same rules Bob's unsubscribe of today does not reach back."""
        self.tact("suppress", "bob@example.com", "--reason", "unsubscribe")
        got = self.replay("--from", "2026-11-01")
        self.assertEqual(self.differences(got), {})
        self.at(NOW + 310 * 3600)
        self.assertEqual(self.deliver("news@shop.example", "bob@example.com", mail=self.mail(9)), ["refuse"])
        self.at(NOW + 310 * 3600 + 60)
        self.tact("unsuppress", "bob@example.com", "--why", "asked on the phone")
        self.at(NOW + 311 * 3600)
        self.assertEqual(self.differences(self.replay("--from", "2026-11-01")), {})

    def test_campaigns_are_not_held_to_have_been_stopped(self):
        self.edit("log = stderr", 'log = stderr\ntrusted { listeners = {"smtp"} }')
        self.at(NOW + 301 * 3600)
        mail = b"Feedback-ID: spring:a:b:shop\n" + self.mail(6)
        self.assertEqual(self.deliver("news@shop.example", "cat@example.com", mail=mail), ["pass"])
        self.at(NOW + 302 * 3600)
        got = self.replay("--from", "2026-12-06T20:00:00Z")
        self.assertEqual((got["asked"], self.differences(got)), (1, {}))

    def test_period(self):
        got = self.replay("--from", "2026-11-24T09:30:00Z", "--to", "2026-11-24T11:30:00Z")
        self.assertEqual((got["mails"], got["from"], got["to"]), (2, "2026-11-24T09:30:00Z", "2026-11-24T11:30:00Z"))
        self.assertEqual(self.differences(got), {})

    def test_an_unknown_stream_is_told(self):
        with open(self.conf, encoding="utf-8") as file:
            text = file.read().replace('"shop"', '"store"')
        got = self.replay("--with", self.write("other.conf", text), "--from", "2026-11-01")
        self.assertEqual((got["mails"], got["asked"], got["unknown_stream"]), (5, 0, 5))

    def test_monitored_mail_was_accepted(self):
        self.edit("log = stderr", "log = stderr\nmode = monitor")
        self.at(NOW + 301 * 3600)
        self.assertEqual(self.deliver("news@shop.example", "bob@example.com", mail=self.mail(6)), ["pass"])
        self.assertEqual(self.deliver("news@shop.example", "bob@example.com", mail=self.mail(7)), ["pass"])
        self.at(NOW + 302 * 3600)
        got = self.replay("--from", "2026-12-06T20:00:00Z")
        self.assertEqual(self.differences(got), {("accept", "delay"): 1})  # two of the week before stand behind it

    def test_other_configuration_with_mistakes(self):
        other = self.other('at_most = "2/7d"', 'at_most = "many"')
        self.assertIn("other.conf:", self.tact("replay", "--with", other, code=78).err)
        self.tact("replay", "--with", self.path("missing.conf"), code=66)
        self.assertIn("--from", self.tact("replay", "--from", "2026-12-01", "--to", "2026-11-01", code=64).err)

    def test_text(self):
        out = self.tact("replay", "--with", self.other('at_most = "2/7d"', 'at_most = "1/7d"'), "--from", "2026-11-01").out
        for words in ("5 mails", "as it was", "different by rule", "weekly"):
            self.assertIn(words, out)


class Reports(Foresight):
    def test_monitored_rules(self):
        self.edit('limit "weekly" {', 'limit "daily" { at_most = 1/1d mode = monitor action = reject streams = {"shop"} }\nlimit "weekly" {')
        for number in (1, 2, 3):
            self.deliver("news@shop.example", "bob@example.com", mail=self.mail(number))
        (got,) = self.json("report", "monitor", "--to", "2026-11-24T09:00:01Z")
        # The second would have been refused; the third was refused anyway.
        self.assertEqual((got["decisions"], got["different"]), (3, 1))
        self.assertEqual(self.counts(got["rules"], "rule"), {"daily": (0, 0, 0, 2)})
        self.assertEqual(self.counts(got["streams"], "stream"), {"shop": (0, 0, 0, 1)})

    def test_a_tactd_on_monitor(self):
        self.edit("log = stderr", "log = stderr\nmode = monitor")
        for number in (1, 2, 3):
            self.deliver("news@shop.example", "bob@example.com", mail=self.mail(number))
        (got,) = self.json("report", "monitor", "--to", "2026-11-24T09:00:01Z")
        self.assertEqual((got["decisions"], got["different"]), (3, 1))
        self.assertEqual(self.counts(got["rules"], "rule"), {"weekly": (0, 0, 0, 1)})
        self.assertIn("would have been stricter", self.tact("report", "monitor", "--to", "2026-11-25").out)

    def test_pressure(self):
        self.deliver("news@shop.example", "bob@example.com", "cat@example.com", mail=self.mail(1))
        self.deliver("tom@leeds.example", "bob@example.com", mail=self.mail(2, "tom@leeds.example"))
        self.tact("contact", "bob@example.com", "--channel", "phone", "--purpose", "promotional", "--owner", "leeds")
        self.tact("contact", "bob@example.com", "--channel", "phone", "--purpose", "personal", "--direction", "in")
        self.tact("contact", "dan@example.com", "--channel", "post", "--purpose", "promotional", "--at", "2026-09-01")
        (got,) = self.json("report", "pressure")
        self.assertEqual((got["contacts"], got["reached"], got["known"]), (4, 2, 3))
        self.assertEqual(got["people"][:5], [1, 1, 0, 1, 0])
        self.assertEqual([(row["owner"], row["contacts"], row["people"], row["most"]) for row in got["owners"]],
                         [("corporate", 2, 2, 1), ("leeds", 2, 1, 2)])
        self.assertEqual([(row["channel"], row["contacts"]) for row in got["channels"]], [("email", 3), ("phone", 1)])
        self.assertEqual([(row["contacts"], row["owners"]) for row in got["most_pressed"]], [(3, 2), (1, 1)])
        (got,) = self.json("report", "pressure", "--window", "90d", "--top", "1")
        self.assertEqual((got["contacts"], len(got["most_pressed"])), (5, 1))
        self.assertIn("the most pressed", self.tact("report", "pressure").out)
        self.tact("report", "pressure", "--window", "many", code=64)
        self.tact("report", "pressure", "--top", "-1", code=64)


if __name__ == "__main__":
    unittest.main()

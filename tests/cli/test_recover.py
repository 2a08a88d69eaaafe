# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Restore, over lmdb: an older copy of the store beside newer evidence; after tact store recover every wish since is in force again."""

import json
import os
import re
import shutil
import unittest

import test_cli

SHOP = "news@shop.example"


class Recover(test_cli.Case):
    people = ["%s@x.example" % name for name in ("ann", "bob", "cid", "dan", "eve", "fay", "gil", "hal", "ivy", "jan")]

    def setUp(self):
        super().setUp()
        self.now = test_cli.NOW
        self.mails = 0

    def later(self, seconds):
        self.now += seconds
        self.write("clock", "@%d\n" % self.now)

    def backup(self):
        shutil.copytree(self.path("db"), self.path("backup"))

    def restore(self):
        shutil.rmtree(self.path("db"))
        shutil.copytree(self.path("backup"), self.path("db"))

    def wishes(self):
        found = {}
        for address in self.people + ["+441134960000"]:
            one = json.loads(self.tact("show", address, "--json").out) if "@" in address else {"suppressions": [], "consents": [], "profile": {}}
            found[address] = [sorted(json.dumps(wish) for wish in one["suppressions"]), sorted(json.dumps(one_consent) for one_consent in one["consents"]),
                              one["profile"]]
        return found

    def recover(self, *args, code=0):
        return json.loads(self.tact("store", "recover", "--from-log", "--json", *args, code=code).out)

    def verdict(self, address):
        self.mails += 1
        return self.deliver(SHOP, address, mail=test_cli.MAIL.replace(b"<1@", b"<%d@" % self.mails))[0]

    def before(self):
        self.tact("suppress", "ann@x.example", "--reason", "unsubscribe")
        self.tact("suppress", "bob@x.example", "--reason", "manual", "--scope", "brand:alpha")
        self.tact("consent", "cid@x.example", "--basis", "express", "--scope", "brand:alpha", "--source", "form")
        self.tact("profile", "dan@x.example", "--zone", "Europe/London", "--language", "en")
        self.tact("suppress", "jan@x.example", "--reason", "unsubscribe", "--until", "2027-01-01T00:00:00Z")
        self.assertEqual(self.verdict("hal@x.example"), "pass")

    def since(self):
        """One of each: new people, known ones, ends by somebody who may."""
        self.tact("suppress", "eve@x.example", "--reason", "unsubscribe", "--source", "form", "--note", "by phone")
        self.tact("suppress", "hal@x.example", "--reason", "complaint")
        self.tact("unsuppress", "ann@x.example", "--why", "asked for it again", "--by", "rita")
        self.tact("suppress", "bob@x.example", "--reason", "unsubscribe", "--scope", "purpose:newsletter")
        self.tact("consent", "cid@x.example", "--end", "--scope", "brand:alpha", "--reason", "asked")
        self.tact("consent", "fay@x.example", "--basis", "express", "--scope", "purpose:newsletter", "--source", "form", "--proof", "IP 192.0.2.1")
        self.tact("profile", "dan@x.example", "--pause", "30d", "--zone", "Europe/Berlin", "--occasion", "birthday=1980-05-17")
        self.tact("profile", "gil@x.example", "--own-limit", "1/7d")
        self.tact("suppress", "jan@x.example", "--reason", "unsubscribe")
        self.tact("alias", "eve@x.example", "ivy@x.example")
        self.tact("campaign", "pause", "spring", "--reason", "wrong price")

    def test_every_wish_since_is_in_force_again(self):
        self.before()
        self.backup()
        self.later(3 * 86400)
        self.since()
        want = self.wishes()
        self.later(3600)
        self.restore()
        self.assertNotEqual(self.wishes(), want)
        self.assertEqual(self.verdict("eve@x.example"), "pass", "forgotten: this is what recovering is for")
        dry = self.recover()
        self.assertFalse(dry["applied"])
        self.assertNotEqual(self.wishes(), want, "without --yes nothing is written")
        done = self.recover("--yes", "--by", "rita")
        figures = ("people", "changed", "suppressions", "ended", "consents", "profiles", "aliases", "campaigns", "unreadable")
        self.assertEqual([dry[name] for name in figures], [done[name] for name in figures])
        self.assertEqual([done[name] for name in figures], [9, 9, 5, 2, 1, 2, 1, 1, 0])
        self.assertEqual(self.wishes(), want)
        for address in ("eve@x.example", "ivy@x.example", "hal@x.example", "dan@x.example", "jan@x.example"):
            self.assertEqual(self.verdict(address), "refuse", address)
        self.assertEqual(self.verdict("ann@x.example"), "pass", "somebody who may had ended it")
        self.assertIn("paused", self.tact("campaign", "list").out)
        again = self.recover("--yes")
        self.assertEqual([again[name] for name in figures[1:]], [0] * 8, "done again it changes nothing")
        self.assertIn("damaged: 0", self.tact("store", "check").out)

    def test_it_leaves_evidence_and_is_recovered_itself(self):
        self.before()
        self.backup()
        self.since()
        want = self.wishes()
        self.restore()
        self.recover("--yes", "--by", "rita")
        entry = json.loads(self.tact("audit", "trail", "hal@x.example", "--json").out.splitlines()[-1])
        self.assertEqual((entry["action"], entry["phase"], entry["sealed"]["text"]),
                         ("recover", "command", "by rita: wishes that a restored store had forgotten"))
        self.restore()
        self.recover("--yes")
        self.assertEqual(self.wishes(), want)

    def test_what_the_store_knows_better_stays(self):
        self.before()
        self.backup()
        self.later(60)
        self.since()
        self.later(60)
        self.restore()
        self.tact("profile", "dan@x.example", "--zone", "Asia/Tokyo")
        self.tact("unsuppress", "bob@x.example", "--scope", "brand:alpha", "--why", "asked")
        self.tact("suppress", "ann@x.example", "--reason", "unsubscribe")
        self.tact("campaign", "cancel", "spring")
        self.recover("--yes")
        self.assertEqual(json.loads(self.tact("show", "dan@x.example", "--json").out)["profile"]["zone"], "Asia/Tokyo")
        ended = [wish for wish in json.loads(self.tact("show", "bob@x.example", "--json").out)["suppressions"] if wish["ended"]]
        self.assertEqual([wish["scope"] for wish in ended], ["brand:alpha"])
        self.assertEqual(self.verdict("ann@x.example"), "refuse", "she said it again after the restore: its end was before that")
        self.assertIn("cancelled", self.tact("campaign", "list", "--all").out)

    def test_an_alias_that_ended_keeps_what_it_was_told_meanwhile(self):
        self.before()
        self.backup()
        self.tact("alias", "eve@x.example", "ivy@x.example")
        self.tact("suppress", "ivy@x.example", "--reason", "unsubscribe")
        self.tact("alias", "--end", "ivy@x.example")
        for address in ("eve@x.example", "ivy@x.example"):
            self.assertEqual(self.verdict(address), "refuse", address)
        self.restore()
        self.assertEqual(self.verdict("ivy@x.example"), "pass", "forgotten")
        self.recover("--yes")
        for address in ("eve@x.example", "ivy@x.example"):
            self.assertEqual(self.verdict(address), "refuse", address)

    def test_nothing_forgotten_changes_nothing(self):
        self.before()
        self.since()
        want = self.wishes()
        done = self.recover("--yes")
        self.assertEqual((done["people"], done["changed"], done["aliases"], done["campaigns"]), (9, 0, 0, 0))
        self.assertEqual(self.wishes(), want)

    def test_more_wishes_than_an_entry_holds(self):
        """They go into further entries, which belong to the person as the first does."""
        self.before()
        self.backup()
        for number in range(36):
            self.tact("suppress", "eve@x.example", "--reason", "unsubscribe", "--scope", "campaign:c%02d" % number, "--note", "%d" % number * 500)
        self.tact("suppress", "fay@x.example", "--reason", "complaint", "--note", "n" * 4096, "--source", "form")
        self.tact("profile", "eve@x.example", "--zone", "Asia/Tokyo")
        self.tact("unsuppress", "eve@x.example", "--scope", "campaign:c03", "--why", "w" * 3000)
        self.tact("consent", "eve@x.example", "--basis", "express", "--scope", "brand:alpha", "--source", "form", "--proof", "p" * 4096)
        want = self.wishes()
        size = os.path.getsize(self.path("audit/relay.test/entries/000000000000"))
        entries = [json.loads(line) for line in self.tact("audit", "trail", "eve@x.example", "--json").out.splitlines()]
        more = [entry for entry in entries if entry["action"] == "wishes"]
        self.assertGreater(len(more), 10)
        self.assertEqual([entry["action"] for entry in entries if "recover" not in entry], [])
        self.assertNotIn("cut", "".join(entries[-1]) + "".join(more[-1]))
        self.assertLess(size, 30 * 60000)
        self.restore()
        done = self.recover("--yes")
        self.assertEqual((done["suppressions"], done["ended"], done["consents"], done["profiles"], done["unreadable"]), (37, 0, 1, 1, 0))
        self.assertEqual(self.wishes(), want)
        self.restore()
        self.recover("--yes")
        self.assertEqual(self.wishes()["eve@x.example"], want["eve@x.example"], "of what recovering wrote, too")

    def test_a_file_that_names_one_person_often(self):
        """What she wants since is sealed once for each step of the import, and not into the entry of each row."""
        self.before()
        self.backup()
        before = os.path.getsize(self.path("audit/relay.test/entries/000000000000"))
        rows = "".join("eve@x.example,unsubscribe,list:topic-%03d\n" % number for number in range(400))
        self.tact("import", self.write("topics.csv", "email,reason,scope\n" + rows))
        self.assertLess(os.path.getsize(self.path("audit/relay.test/entries/000000000000")) - before, 400 * 1500)
        want = self.wishes()
        self.restore()
        self.assertEqual(self.recover("--yes")["suppressions"], 400)
        self.assertEqual(self.wishes(), want)

    def make_keyless(self):
        """As an older tact left it."""
        drive = os.path.join(test_cli.BUILD, "tests", "store", "drive")
        done = self.run_program([drive, "lmdb:%s?map_size=64M" % self.path("db")], b"keyless\n")
        self.assertEqual(done.out.splitlines(), ["open", "ok"])

    def test_a_backup_of_before_there_was_a_key_is_not_given_one_of_today(self):
        """It opens nothing, neither before tactd gave it a key of its own nor afterwards; one that is made later opens all."""
        self.before()
        self.make_keyless()
        self.backup()
        self.tact("suppress", "eve@x.example", "--reason", "unsubscribe")
        self.tact("campaign", "pause", "spring", "--reason", "wrong price")
        shutil.copytree(self.path("db"), self.path("later"))
        self.later(2 * 86400)
        self.tact("suppress", "gil@x.example", "--reason", "unsubscribe")
        want = self.wishes()
        self.restore()
        self.tact("show", "eve@x.example")
        for words in ([], ["--yes"], []):
            got = self.recover(*words, code=65)
            self.assertEqual((got["before"], got["before_first"], got["other_key"]), (7, "2026-11-24T00:00:00Z", True))
            self.assertIn("7 entries with wishes cannot be opened: the first was sealed on 2026-11-24, with a key that the backup does not hold; "
                          "this store has none", self.tact("store", "recover", "--from-log", code=65).out)
        self.assertIn("paused", self.tact("campaign", "list").out, "that is not sealed")
        self.tact("suppress", "hal@x.example", "--reason", "unsubscribe")
        got = self.recover(code=65)
        self.assertEqual((got["entries"], got["before"], got["unreadable"], got["other_key"]), (1, 6, 1, True))
        self.assertIn("this store got its own on 2026-11-26", self.tact("store", "recover", "--from-log", code=65).out)
        shutil.rmtree(self.path("backup"))
        os.rename(self.path("later"), self.path("backup"))
        self.restore()
        got = self.recover("--yes", code=65)
        self.assertEqual((got["suppressions"], got["unreadable"], got["other_key"]), (1, 6, False), "what other keys have sealed stays closed")
        self.assertEqual(self.wishes(), want)

    def test_a_store_of_before_there_were_keys_is_not_missing_any(self):
        self.verdict("hal@x.example")
        self.make_keyless()
        self.assertIn("no recovery key", self.tact("store", "recover", "--from-log").out)

    def test_the_key_grows_old(self):
        """What was sealed more than 35 days ago only a backup of that time opens."""
        self.before()
        self.backup()
        self.since()
        want = self.wishes()
        self.later(40 * 86400)
        self.tact("store", "sweep")
        now = self.recover()
        self.assertEqual((now["entries"], now["unreadable"]), (0, 0))
        self.assertGreater(now["before"], 10)
        self.assertFalse(now["other_key"])
        self.restore()
        self.assertEqual(self.recover("--yes")["unreadable"], 0)
        self.assertEqual(self.wishes(), want)

    def test_long_imports_are_named(self):
        self.before()
        self.backup()
        path = self.write("list.csv", "email\nkim@x.example\n")
        self.tact("import", path, "--bulk")
        self.restore()
        told = self.recover()["imports"]
        self.assertEqual(len(told), 1)
        self.assertIn(path, told[0])
        self.assertIn("import again", self.tact("store", "recover", "--from-log").out)
        self.assertEqual(self.recover("--since", "2026-12-01T00:00:00Z")["imports"], [])

    def test_damage_costs_only_what_it_hit(self):
        """What was told behind it is not lost, and the next writer leaves it where it is."""
        self.before()
        self.backup()
        for name in ("eve", "fay", "gil", "hal"):
            self.tact("suppress", name + "@x.example", "--reason", "unsubscribe")
        self.restore()
        path = self.path("audit/relay.test/entries/000000000000")
        with open(path, "rb") as file:
            good = file.read()
        at = [found.start() for found in re.finditer(rb'\{"v":1,"kind":"change"', good)][-4] - 2
        damages = {"its length": (at, b"\xff"), "its text": (at + 40, b"\0"), "its last byte": (at + 1 + int.from_bytes(good[at:at + 2], "big"), b"?")}
        for what, (place, byte) in damages.items():
            with self.subTest(what):
                self.restore()
                shutil.rmtree(self.path("audit/relay.test"))
                os.makedirs(os.path.dirname(path))
                self.write("audit/relay.test/entries/000000000000", good[:place] + byte + good[place + 1:])
                told = self.recover(code=65)
                self.assertEqual((told["damaged"], told["changed"]), (1, 3))
                self.assertIn("000000000000 is damaged at offset %d" % at, told["damaged_first"])
                self.assertIn("torn or damaged in 1 places", self.tact("store", "recover", "--from-log", code=65).out)
                self.assertEqual(self.recover("--yes", code=65)["changed"], 3)
                self.assertEqual([self.verdict(name + "@x.example") for name in ("fay", "gil", "hal")], ["refuse"] * 3)
                self.assertEqual(self.recover(code=65)["changed"], 0)

    def test_damage_far_from_the_end_is_read_past(self):
        self.before()
        self.backup()
        self.tact("suppress", "eve@x.example", "--reason", "unsubscribe")
        self.restore()
        path = self.path("audit/relay.test/entries/000000000000")
        with open(path, "r+b") as file:
            entry = file.read()
            last = entry.rindex(b'{"v":1') - 2
            body = entry[last + 2:]
            number = int(re.search(rb',"seq":(\d+),', body).group(1))
            file.seek(last)
            for more in range(3000):  # others of another kind, over a megabyte of them
                other = b'{"v":1,"kind":"outcome","seq":%d,"text":"%s"}' % (number + more, b"x" * 500)
                file.write(len(other).to_bytes(2, "big") + other)
            body = body.replace(b',"seq":%d,' % number, b',"seq":%d,' % (number + 3000))
            file.write(len(body).to_bytes(2, "big") + body)
            file.seek(30)
            file.write(b"\0")
        self.assertEqual(self.recover(code=65)["changed"], 1)
        told = self.recover("--yes", code=65)
        self.assertEqual((told["damaged"], told["changed"], told["applied"]), (1, 1, True))
        self.assertEqual(self.verdict("eve@x.example"), "refuse")

    def test_command_line_and_another_store(self):
        self.before()
        self.assertIn("--from-log", self.tact("store", "recover", code=64).err)
        shutil.rmtree(self.path("db"))
        self.tact("store", "adopt", "--yes")
        self.assertGreater(self.recover(code=65)["unreadable"], 3)
        self.assertIn("cannot be opened", self.tact("store", "recover", "--from-log", code=65).out)

    def test_evidence_alone_names_nobody(self):
        self.tact("suppress", "eve@x.example", "--reason", "unsubscribe", "--source", "form", "--note", "by phone")
        segment = os.listdir(self.path("audit/relay.test/entries"))
        text = b"".join(self.read("audit/relay.test/entries/" + name) for name in segment)
        self.assertIn(b'"recover":"', text)
        key = json.loads(self.tact("show", "eve@x.example", "--json").out)["key"]
        self.assertNotIn(key.encode(), text)
        self.assertIsNone(re.search(rb"by phone|eve@", text))


if __name__ == "__main__":
    unittest.main()

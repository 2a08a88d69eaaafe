#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""SIGUSR1 on a working relay: the whole new file from the next message on, or none of it; never a mail lost, and the evidence holds what
was in force."""

import os
import re
import signal
import threading

from harness import Case, group_members, mail, main, section, wait_for

SERVICES = 3  # the gate and two listeners


def sections(at_most="1/20h", stream="news", senders=("@desk.test",)):
    return [
        section("owner", "head"),
        section("stream", stream, owner="head", purpose="newsletter", senders=list(senders)),
        section("suppression", "wishes", action="reject"),
        section("limit", "some", at_most=at_most, count=["newsletter"], streams=[stream], action="reject"),
    ]


class Reload(Case):
    def setUp(self):
        self.site = self.site(sections=sections())
        self.relay, self.sink, self.tactd = self.site.relay, self.site.sink, self.site.tactd
        self.family = sorted(group_members(self.tactd.process.pid))

    def offer(self, address, sender="a@desk.test"):
        return self.relay.send(sender, address, mail(sender="Desk <%s>" % sender))

    def reload(self):
        """Until every process works by the new file."""
        before = len(self.tactd.grep(r"service=\w+ reloaded policy="))
        self.tactd.reload()
        self.tactd.wait_log(r"service=\w+ reloaded policy=", before + SERVICES)
        self.assertEqual(sorted(group_members(self.tactd.process.pid)), self.family)

    def refused(self, *words):
        """Nothing changes, and each of WORDS stands in a line of its own."""
        before, policies = len(self.tactd.grep("reload refused")), len(self.tactd.entries(kind="policy"))
        self.tactd.reload()
        lines = self.tactd.wait_log("reload refused", before + max(1, len(words)))[before:]
        for word in words:
            self.assertTrue([line for line in lines if re.search(word, line)], "%s in %s" % (word, lines))
        self.assertEqual(len(lines), max(1, len(words)), lines)
        self.assertEqual(self.tactd.grep("reloaded policy="), [])
        self.assertEqual(len(self.tactd.entries(kind="policy")), policies)
        self.assertEqual(sorted(group_members(self.tactd.process.pid)), self.family)

    def line_of(self, text):
        with open(self.tactd.conf, encoding="utf-8") as file:
            return next(number for number, line in enumerate(file, 1) if text in line)

    # ---- taken ----------------------------------------------------------------------------------------------

    def test_a_limit_holds_for_the_next_message(self):
        self.assertEqual([self.offer("a@person.test").code for _ in range(2)], [250, 550])
        self.tactd.configure(sections=sections("3/20h"))
        self.reload()
        self.assertEqual([self.offer("a@person.test").code for _ in range(3)], [250, 250, 550])
        self.tactd.configure(sections=sections("0/20h"))
        self.reload()
        self.assertEqual(self.offer("b@person.test").code, 550)
        self.sink.wait_to("a@person.test", 3)
        self.assertEqual(self.sink.count(), 3)

    def test_on_an_open_connection(self):
        with self.relay.client() as client:
            self.assertEqual(client.send("a@desk.test", "a@person.test", mail()).code, 250)
            self.tactd.configure(sections=sections("0/20h"))
            self.reload()
            self.assertEqual(client.send("a@desk.test", "b@person.test", mail()).code, 550)

    def test_a_stream(self):
        self.assertEqual(self.offer("a@person.test", "a@fresh.test").code, 250)
        self.assertEqual(self.tactd.entries(kind="decision")[-1]["stream"], "unmatched")
        self.tactd.configure(sections=sections(stream="fresh", senders=["@fresh.test"]))
        self.reload()
        self.assertEqual(self.offer("a@person.test", "a@fresh.test").code, 250)
        self.assertEqual(self.tactd.entries(kind="decision")[-1]["stream"], "fresh")

    def test_the_evidence_holds_the_new_configuration(self):
        self.offer("a@person.test")
        self.tactd.configure(sections=sections("7/9d"))
        self.reload()
        self.offer("a@person.test")
        (first, second) = wait_for(lambda: len(self.tactd.entries(kind="policy")) > 1 and self.tactd.entries(kind="policy"), "the policy's entry")
        self.assertNotIn("at_most = 7/9d", first["configuration"])
        self.assertIn("at_most = 7/9d", second["configuration"])
        self.assertEqual(second["action"], "reload")
        self.assertNotEqual(first["policy"], second["policy"])
        self.assertEqual([entry["policy"] for entry in self.tactd.entries(kind="decision")], [first["policy"], second["policy"]])

    def test_mail_that_waits_meets_the_new_rules(self):
        """Delayed by one limit, and when it rings another one refuses it."""
        wait = [part for part in sections("1/3s") if part[0] != "limit"] + [section("limit", "some", at_most="1/3s", count=["newsletter"])]
        self.tactd.configure({"slot_length": "1s"}, sections=wait)
        self.tactd.kill9()
        self.tactd.start()
        self.family = sorted(group_members(self.tactd.process.pid))
        self.assertEqual([self.offer("a@person.test").code for _ in range(2)], [250, 250])
        self.relay.wait_deferred()
        self.tactd.configure(sections=[part for part in wait if part[0] != "limit"] + [section("limit", "none", at_most="0/20h", count=["newsletter"], action="reject")])
        self.reload()
        (bounce,) = self.sink.wait_to("a@desk.test", timeout_s=40)
        self.assertIn(b"a@person.test", bounce.data)
        self.assertEqual(len(self.sink.to("a@person.test")), 1)

    # ---- refused --------------------------------------------------------------------------------------------

    def test_every_mistake_is_named_and_nothing_changes(self):
        wrong = sections("0/20h") + [
            section("limit", "worse", at_most="many", count=["newsletter"]), section("limit", "other", at_most="1/2d", count=["gossip"]),
            section("stream", "lost", owner="nobody", purpose="newsletter", senders=["@x.test"]), 'frobnicate = 1\n']
        self.tactd.configure({"max_delay": "soon"}, sections=wrong)
        where = [r"tact\.conf:%d: .*" % self.line_of(text) for text in ("soon", "many", "gossip", "nobody", "frobnicate")]
        self.refused(*where)
        self.assertEqual([self.offer("a@person.test").code for _ in range(2)], [250, 550], "the earlier limit")
        self.tactd.configure({"max_delay": None}, sections=sections("2/20h"))
        self.reload()
        self.assertEqual(self.offer("a@person.test").code, 250)

    def test_what_needs_a_restart_is_refused_whole(self):
        for settings in ({"store": "lmdb:/nowhere/else"}, {"audit": "/nowhere/audit"}, {"key_file": self.tactd.key_file + "2"}, {"host": "other.test"},
                         {"gate_socket": self.tactd.gate_socket + "2"}):
            with self.subTest(settings):
                before = {name: self.tactd.settings[name] for name in settings}
                if "key_file" in settings:
                    self.tactd.tact("key", "new", settings["key_file"])
                self.tactd.configure(settings, sections=sections("9/20h"))
                self.refused(r"%s.*restart" % next(iter(settings)))
                self.tactd.configure(before)
        address = "whole@person.test"
        self.assertEqual([self.offer(address).code for _ in range(2)], [250, 550], "the limit of that file was not taken either")

    def test_another_canonical_form_is_refused(self):
        self.tactd.configure(sections=sections("9/20h") + [section("canonical", plus_domains=["person.test"])])
        self.refused("canonical.*restart|plus_domains.*restart")

    def test_no_file_and_no_text(self):
        kept = self.tactd.conf + ".kept"
        os.rename(self.tactd.conf, kept)
        self.refused(r"tact\.conf: cannot be read")
        os.mkdir(self.tactd.conf)
        self.refused(r"tact\.conf")
        os.rmdir(self.tactd.conf)
        for content in (b"", b"\0\0\0\0", b"limit {", b'stream "x" {' * 1000, b"\xff" * 100000):
            with self.subTest(content[:20]):
                with open(self.tactd.conf, "wb") as file:
                    file.write(content)
                before = len(self.tactd.grep("reload refused"))
                self.tactd.reload()
                self.tactd.wait_log("reload refused", before + 1)
                self.assertEqual(sorted(group_members(self.tactd.process.pid)), self.family)
        self.assertEqual(self.offer("a@person.test").code, 250)
        os.rename(kept, self.tactd.conf)
        self.reload()
        self.assertEqual(self.offer("b@person.test").code, 250)

    # ---- under load -----------------------------------------------------------------------------------------

    def test_under_load_nothing_is_lost_or_mixed(self):
        """Two files in turn, whose streams differ: each entry's stream is the one of the policy it names."""
        people, answers = 60, []

        def send(number):
            with self.relay.client() as client:
                for index in range(people):
                    answers.append(client.send("a@desk.test", "t%d.%d@person.test" % (number, index), mail(sender="Desk <a@desk.test>")).code)

        threads = [threading.Thread(target=send, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        rounds = 0
        while any(thread.is_alive() for thread in threads) or rounds < 6:
            rounds += 1
            self.tactd.configure(sections=sections("5/20h", "odd" if rounds % 2 else "even"))
            self.reload()
        for thread in threads:
            thread.join()
        print("%d reloads under %d messages" % (rounds, len(answers)))
        self.assertEqual(answers, [250] * (6 * people))
        self.sink.wait_count(6 * people)
        self.assertEqual(self.sink.count(), 6 * people)
        decisions = self.tactd.entries(kind="decision", verdict="accept")
        self.assertEqual(len(decisions), 6 * people)
        streams = {}
        for entry in decisions:
            streams.setdefault(entry["policy"], set()).add(entry["stream"])
        self.assertTrue(all(len(names) == 1 for names in streams.values()), streams)
        self.assertGreater(len(streams), 1)
        self.assertEqual(set(streams) - {entry["policy"] for entry in self.tactd.entries(kind="policy")}, set())

    def test_a_storm_of_signals(self):
        for number in range(200):
            if number % 20 == 0:
                self.tactd.configure(sections=sections("%d/20h" % (number + 5)))
            self.tactd.reload()
        self.tactd.configure(sections=sections("2/20h"))
        self.reload()
        wait_for(lambda: [self.offer("s%d@person.test" % n).code for n in (1, 1, 1)], "answers")
        self.assertEqual(sorted(group_members(self.tactd.process.pid)), self.family)
        self.assertEqual(self.sink.wait_to("s1@person.test", 2)[0].sender, "a@desk.test")

    def test_while_it_starts(self):
        for _ in range(3):
            self.tactd.kill9()
            log = len(self.tactd.grep("ready host="))
            self.tactd.spawn()
            # Once it waits for signals the kernel shows them as not blocked: too late for this round is no failure.
            wait_for(lambda: self.masks_signals() or len(self.tactd.grep("ready host=")) > log or not self.tactd.process.running(),
                     "a parent that minds its signals", 10, 0.001)
            while len(self.tactd.grep("ready host=")) == log and self.tactd.process.running():
                self.tactd.process.signal(signal.SIGUSR1)
            self.tactd.wait_log("ready host=", log + 1)
        wait_for(self.tactd.ready, "the doors")
        self.assertEqual(self.offer("started@person.test").code, 250)

    def masks_signals(self):
        """Is SIGUSR1 blocked in the parent?"""
        with open("/proc/%d/status" % self.tactd.process.pid, encoding="ascii") as file:
            blocked = int(re.search(r"SigBlk:\s*([0-9a-f]+)", file.read()).group(1), 16)
        return bool(blocked >> (signal.SIGUSR1 - 1) & 1)


if __name__ == "__main__":
    main()

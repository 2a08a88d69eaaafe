#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Stories of a mailing platform, under conf/examples/esp-relay.conf: nobody-listens and is-it-worth-it."""

import csv
import datetime

from harness import main
from room import wait_for
from story import Story, utc

CAMPAIGNS = ("1-skarv", "2-lomvi", "3-compass", "4-autumn", "5-wool", "6-hut")


def another(number):
    """The same mail as another: a campaign writes each of its mails once."""
    return lambda mail: mail.replace(b"Message-ID: <", b"Message-ID: <n%d." % number)


class Platform(Story):
    example_name = "esp-relay.conf"
    main = {"maximal_queue_lifetime": "8d"}
    desks = {
        "fjordfell": ("bounce@post.example", "198.51.100.40", "platform"),
        "guides": ("bounce@post.example", "198.51.100.40", "platform"),
    }
    kim = "kim.dahl@reader.example"


class NobodyListens(Platform):
    """nobody-listens: bounces, complaints, replies and silence change what is sent, while it is still being sent."""

    story = "nobody-listens"

    def readers(self, first, count):
        return ["reader%d@reader.example" % number for number in range(first, first + count)]

    def complain(self, person):
        self.tactd.tact("suppress", person, "--reason", "complaint", "--source", "feedback loop", "--campaign", "skarv")

    def wait_refused(self, name, words, first):
        """What was complained about reaches the next message within seconds: sends until one is refused, and tells how many got through."""
        for number in range(first, first + 200):
            sent = self.send("fjordfell", name, "reader%d@reader.example" % number, change=another(number))
            if sent.code == 550:
                self.assertIn(words, sent.text)
                return number - first
            self.assertEqual(sent.code, 250, sent)
        self.fail("not refused: %s" % self.tactd.tact("campaign", "show", "skarv").stdout.decode())

    def test_nobody_listens_to_complaints(self):
        """One complaint in three hundred is more than 0.3 %: the campaign stops itself while it runs; another goes on."""
        self.tactd.set_clock("+0")  # counters are written by the second
        self.site.start()
        for first in range(0, 300, 50):
            sent = self.send("fjordfell", "1-skarv.eml", self.readers(first, 50), change=another(first))
            self.assertEqual(sent.code, 250, sent)
        self.sink.wait_count(300)
        self.complain("reader7@reader.example")
        self.wait_refused("1-skarv.eml", "skarv", 1000)
        shown = self.tactd.tact_json("campaign", "show", "skarv")
        self.assertEqual(shown["counted"]["complaints"], 1, shown)
        self.assertGreaterEqual(shown["counted"]["sent"], 300)
        wait_for(lambda: self.tactd.tact("campaign", "list").stdout.decode().startswith("stopped"), "the campaign to be shown as stopped")
        self.assertGoes(self.send("fjordfell", "2-lomvi.eml", "reader2000@reader.example"), "fjordfell-promo", "reader2000@reader.example", 1)
        # Somebody looks at it and lets it go on.
        self.tactd.tact("campaign", "resume", "skarv", "--reason", "a mistaken click; asked the reader", "--by", "desk")
        sent = None
        for number in range(100):
            sent = self.send("fjordfell", "1-skarv.eml", "reader%d@reader.example" % (3000 + number), change=another(3000 + number))
            if sent.code == 250:
                break
        self.assertEqual(sent.code, 250, sent)
        actions = [entry["action"] for entry in self.tactd.entries(kind="change")]
        self.assertEqual(actions.count("suppress"), 1, actions)
        self.assertTrue([action for action in actions if "resume" in action], actions)

    def mail_on(self, day, number):
        """One of the shop's campaigns, under a name of its own, on a day at six in the morning."""
        def change(mail):
            return another(number)(mail).replace(b"Feedback-ID: ", b"Feedback-ID: n%d-" % number)
        return self.send("fjordfell", CAMPAIGNS[number % 6] + ".eml", self.kim, at=day.strftime("%Y-%m-%d 06:00"), change=change)

    def test_nobody_listens_to_silence(self):
        """From the fourth unanswered mail on one in two weeks, after the twelfth none; a sign of life, and all is as before."""
        self.begin("2026-01-01 06:00")
        day = utc("2026-01-06")
        for number in range(4):
            self.assertEqual(self.mail_on(day, number).code, 250)
            self.assertEqual(len(self.sink.wait_to(self.kim, number + 1)), number + 1)
            day += datetime.timedelta(weeks=1)
        # A week later is too early: the next place is a week ahead, further than mail of this platform may wait.
        refused = self.mail_on(day, 4)
        self.assertRefused(refused, "less: 4 of 4 since positive")
        # Three days before the place it waits for it.
        early = self.mail_on(utc("2026-02-07"), 5)
        self.relay.wait_log(r"%s: .*status=deferred.*next place 2026-02-10 06:0\d(?::\d\d)? UTC" % early.queue_id)
        self.tactd.set_clock("2026-02-10 06:20")
        self.assertEqual(len(self.sink.wait_to(self.kim, 5)), 5)
        day = utc("2026-03-01")
        for number in range(6, 13):
            self.assertEqual(self.mail_on(day, number).code, 250, number)
            self.assertEqual(len(self.sink.wait_to(self.kim, number)), number)
            day += datetime.timedelta(days=15)
        self.assertRefused(self.mail_on(day + datetime.timedelta(days=60), 13), "has not answered for a long time")
        self.tactd.tact("contact", self.kim, "--channel", "web", "--direction", "in", "--sentiment", "positive", "--purpose", "promotional")
        for number in (14, 15):
            day += datetime.timedelta(days=1 if number == 15 else 61)
            self.assertEqual(self.mail_on(day, number).code, 250)
        self.sink.wait_to(self.kim, 14)

    def test_nobody_listens_to_anger(self):
        """Two angry answers in a month, by mail and by phone: two months of rest from everybody, counted from the second."""
        self.begin("2026-03-02 08:00")
        for channel, when in (("email", "2026-03-02 08:00"), ("phone", "2026-03-20 10:00")):
            self.assertEqual(self.mail_on(utc(when[:10]), 1 if channel == "email" else 2).code, 250)
            self.tactd.set_clock(when)
            self.tactd.tact("contact", self.kim, "--channel", channel, "--direction", "in", "--sentiment", "negative", "--purpose", "promotional")
        self.assertRefused(self.mail_on(utc("2026-03-21"), 3), "was annoyed lately")
        self.assertRefused(self.mail_on(utc("2026-05-19"), 4), "was annoyed lately")  # at six; the call came at ten
        self.assertEqual(self.mail_on(utc("2026-05-20"), 5).code, 250)

    def test_nobody_listens_to_bounces(self):
        """A mailbox that is gone for good is written to by nobody any more, whatever the mail is."""
        self.begin("2026-03-02 08:00")
        self.tactd.tact("suppress", self.kim, "--reason", "hard_bounce", "--source", "bounce", "--campaign", "skarv")
        for desk, name in (("fjordfell", "1-skarv.eml"), ("fjordfell", "2-lomvi.eml")):
            self.assertRefused(self.send(desk, name, self.kim), "mailbox refused mail for good")


class IsItWorthIt(Platform):
    """is-it-worth-it: what a campaign would come to is told before it goes, and then it comes to that."""

    story = "is-it-worth-it"
    people = {"kim.dahl@reader.example": "delay", "bo.moen@reader.example": "accept", "liv.aas@reader.example": "reject",
              "per.vik@reader.example": "delay"}

    def mails(self):
        """The shop's sale is planned for Monday at six, and one of its mails went to Kim and Per on Sunday."""
        self.tactd.set_clock("2026-11-20 09:00")
        self.tactd.tact("suppress", "liv.aas@reader.example", "--reason", "unsubscribe", "--scope", "brand:fellguides", "--source", "link")
        people = ["kim.dahl@reader.example", "per.vik@reader.example"]
        listed = self.tactd.room.write("list.csv", "name,email\n" + "".join("Somebody,%s\n" % person for person in people))
        self.tactd.tact("campaign", "plan", "winter-sale", "--stream", "fjordfell-promo", "--at", "2026-11-30T06:00:00Z", listed)
        self.site.start()
        sent = self.send("fjordfell", "4-autumn.eml", people, at="2026-11-29 20:00", story="nobody-listens")
        self.assertEqual(sent.code, 250, sent)
        self.sink.wait_count(2)
        return self.tactd.room.write("guides.csv", "email\n" + "".join("%s\n" % person for person in self.people))

    def test_is_it_worth_it(self):
        guides = self.mails()
        self.tactd.set_clock("2026-11-30 05:00")
        each = self.tactd.room.path("each.csv")
        told = self.tactd.tact_json("preflight", "--stream", "fellguides-promo", "--campaign", "guide-evening", "--at", "2026-11-30T05:00:00Z",
                                    "--each", each, guides)
        self.assertEqual((told["recipients"], told["accept"], told["delay"], told["reject"]), (4, 1, 2, 1), told)
        self.assertEqual([(row["holder"], row["delay"]) for row in told["holders"]], [("fjordfell", 2)], "which desk holds the place")
        self.assertEqual({row["rule"]: (row["delay"], row["reject"]) for row in told["rules"]}, {"daily": (2, 0), "wishes": (0, 1)})
        with open(each, encoding="utf-8") as file:
            rows = {row["email"]: row for row in csv.DictReader(file)}
        self.assertEqual({person: row["verdict"] for person, row in rows.items()}, self.people)
        self.assertEqual(self.sink.count(), 2, "asking sends nothing")
        self.assertEqual(len(self.tactd.entries(kind="decision")), 2, "and leaves nothing")

        # They send all the same, and it comes to what was told.
        for person, verdict in self.people.items():
            sent = self.send("guides", "2-guide-evening.eml", person)
            if verdict == "reject":
                self.assertRefused(sent, "unsubscribed")
                continue
            entry = self.decision(sent)
            until = entry.get("until", "")[:len("2026-11-30T20")]  # the minute is spread by the claim's id
            self.assertEqual((entry["verdict"], until), (verdict, rows[person]["until"][:len(until)]), person)
        # The sale that held the place goes when it was planned, whoever mailed before it.
        sale = self.send("fjordfell", "1-winter-sale.eml", "kim.dahl@reader.example", at="2026-11-30 06:00")
        self.assertEqual((sale.code, self.decision(sale)["verdict"]), (250, "accept"))

    def test_is_it_worth_it_once_the_other_is_cancelled(self):
        """The sale is called off: its places are free at once, and the evening may be announced to all who want it."""
        guides = self.mails()
        self.tactd.set_clock("2026-11-30 05:00")
        self.tactd.tact("campaign", "cancel", "winter-sale", "--reason", "no stock")
        told = self.tactd.tact_json("preflight", "--stream", "fellguides-promo", "--campaign", "guide-evening", "--at", "2026-11-30T05:00:00Z", guides)
        self.assertEqual((told["accept"], told["delay"], told["reject"]), (3, 0, 1), told)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Two stories of customers, told with real message files under conf/examples/head-office-and-branches.conf, over days of simulated time:
four-mails-in-eight-hours and ignored-unsubscribe. What counts is what arrived at the sink."""

import hashlib
import json
import os

from harness import main
from story import MAILS, Story, utc

# Each desk: its envelope sender and the machine that submits.
DESKS = {
    "tom": ("tom.fairley@sales.northmoor.example", "192.0.2.61"),
    "leeds": ("showroom@leeds.northmoor.example", "192.0.2.88"),
    "launches": ("news@northmoor.example", "198.51.100.17"),
    "letter": ("letter@northmoor.example", "198.51.100.18"),
    "offers": ("offers@northmoor.example", "198.51.100.18"),
    "calder": ("letter@calder.example", "198.51.100.18"),
    "orders": ("orders@till.northmoor.example", "192.0.2.40"),
}


class Northmoor(Story):
    """Head office, a branch, sales people and a platform."""

    desks = DESKS
    main = {"maximal_queue_lifetime": "8d"}


class FourMailsInEightHours(Northmoor):
    """four-mails-in-eight-hours: a generic follow-up, a branch's "visit today", and two launches of head office."""

    story = "four-mails-in-eight-hours"
    pat = "pat.ellery@customer.example"

    def test_four_mails_in_eight_hours(self):
        self.begin("2026-11-02 08:41")
        first = self.send("tom", "1-just-following-up.eml", self.pat)
        entry = self.assertGoes(first, "anything-else", self.pat, 1)
        self.assertEqual(entry["purpose"], "promotional", "a mailing opens no conversation, whatever it calls itself")

        second = self.send("leeds", "2-visit-today.eml", self.pat, at="2026-11-02 10:15")
        self.assertRefused(second, "breathing: 1 of 1 in 20h, no place before 2026-11-02 18:15 UTC")
        third = self.send("launches", "3-new-ovens.eml", self.pat, at="2026-11-02 13:00")
        entry = self.assertWaits(third, "2026-11-03 04:41", "breathing")
        self.assertEqual(self.rule(entry, "breathing")["numbers"],
                         {"count": 1, "at_most": 1, "window": "20h", "frees_at": "2026-11-03T04:41:00Z"})
        self.assertEqual((entry["campaign"], entry["owner"], entry["priority"]), ("calder-ovens", "corporate", 800))
        fourth = self.send("launches", "4-new-taps.eml", self.pat, at="2026-11-02 16:30")
        self.assertWaits(fourth, "2026-11-04 00:41", "breathing")

        self.tactd.set_clock("2026-11-02 16:41")  # the eight hours are over
        self.ask_again()
        self.assertEqual(self.subjects(self.pat), ["Just following up"])

        self.assertReleased(third, "2026-11-03 04:41", self.pat, 2)
        self.assertReleased(fourth, "2026-11-04 00:41", self.pat, 3)
        self.relay.wait_empty()
        self.assertEqual(self.subjects(self.pat), ["Just following up", "The new Calder ovens are here", "One tap, four kinds of water"])
        self.assertEqual(self.sink.count(), 3)
        told = [("decision", "accept"), ("decision", "reject"), ("decision", "delay"), ("decision", "delay")]
        self.assertEqual(self.trail(self.pat), told + [("decision", "accept"), ("outcome", "reinjected")] * 2)

    def test_four_mails_in_eight_hours_by_priority(self):
        """A letter that waits gives way to the launches, twice, and comes at last when the week has room for it."""
        self.begin("2026-11-02 08:41")
        self.assertGoes(self.send("tom", "1-just-following-up.eml", self.pat), "anything-else", self.pat, 1)
        letter = self.send("letter", "3-november-letter.eml", self.pat, at="2026-11-02 09:00", story="ignored-unsubscribe")
        self.assertWaits(letter, "2026-11-03 04:41", "breathing")
        ovens = self.send("launches", "3-new-ovens.eml", self.pat, at="2026-11-02 13:00")
        self.assertWaits(ovens, "2026-11-03 04:41")
        self.assertBumped(letter, "2026-11-04 00:41")
        taps = self.send("launches", "4-new-taps.eml", self.pat, at="2026-11-02 16:30")
        self.assertWaits(taps, "2026-11-04 00:41")
        # Three a week: the place after the launches is a week after the first mail.
        self.assertBumped(letter, "2026-11-09 08:41")
        self.assertEqual(self.claims(self.pat)["letter"], "2026-11-09T08:41:00Z")

        self.assertReleased(ovens, "2026-11-03 04:41", self.pat, 2)
        self.assertReleased(taps, "2026-11-04 00:41", self.pat, 3)
        for day in (5, 6, 7, 8):
            self.tactd.set_clock("2026-11-%02d 12:00" % day)
            self.ask_again()
        self.assertReleased(letter, "2026-11-09 08:41", self.pat, 4)
        self.relay.wait_empty()
        self.assertEqual(self.subjects(self.pat)[3], "Your November letter from Northmoor")

    def test_four_mails_in_eight_hours_but_a_conversation(self):
        """What the sales person writes himself always goes, and marketing waits until the two are done."""
        self.begin("2026-11-02 08:41")
        self.assertGoes(self.send("tom", "1-just-following-up.eml", self.pat), "anything-else", self.pat, 1)
        plan = self.send("tom", "5-your-plan.eml", self.pat, at="2026-11-02 09:02")
        self.assertEqual(self.assertGoes(plan, "sales", self.pat, 2)["purpose"], "personal")
        offer = self.send("offers", "2-autumn-offer.eml", self.pat, at="2026-11-02 10:00", story="ignored-unsubscribe")
        entry = self.assertWaits(offer, "2026-11-07 09:02", "conversation")
        self.assertEqual(self.rule(entry, "conversation")["numbers"]["frees_at"], "2026-11-07T09:02:00Z")
        # "Visit today" does not fit in: stale before the conversation is over.
        self.assertRefused(self.send("leeds", "2-visit-today.eml", self.pat, at="2026-11-02 10:15"), "no place before 2026-11-02 18:15 UTC")
        (refusal,) = self.tactd.entries(kind="decision", stream="leeds-today")
        self.assertEqual(self.rule(refusal, "conversation")["until"], "2026-11-07T09:02:00Z")
        samples = self.send("tom", "6-the-samples.eml", self.pat, at="2026-11-03 15:00")
        self.assertGoes(samples, "sales", self.pat, 3)
        self.assertBumped(offer, "2026-11-08 15:00")
        order = self.send("orders", "4-your-order.eml", self.pat, at="2026-11-05 09:00", story="ignored-unsubscribe")
        self.assertGoes(order, "orders", self.pat, 4)
        self.assertReleased(offer, "2026-11-08 15:00", self.pat, 5)
        # An hour after marketing, a person still may write.
        self.tactd.set_clock("2026-11-08 16:00")
        again = self.relay.send(self.desks["tom"][0], [self.pat], self.read("6-the-samples.eml").replace(b"71b9", b"71c0"))
        self.assertEqual(again.code, 250)
        self.assertEqual(self.decision(again)["purpose"], "personal")
        self.sink.wait_to(self.pat, 6)
        self.relay.wait_empty()

    def test_four_mails_in_eight_hours_and_a_call_typed_in(self):
        """A conversation by phone counts like one by mail; one that goes on too long makes the offer stale: refused, never late."""
        self.begin("2026-11-02 09:00")
        self.tactd.tact("contact", self.pat, "--channel", "phone", "--purpose", "personal", "--owner", "sales", "--id", "call-81")
        offer = self.send("offers", "2-autumn-offer.eml", self.pat, at="2026-11-02 10:00", story="ignored-unsubscribe")
        self.assertWaits(offer, "2026-11-07 09:00", "conversation")
        self.assertGoes(self.send("tom", "6-the-samples.eml", self.pat, at="2026-11-06 11:00"), "sales", self.pat, 1)
        # Friday and five days are past the offer's seven.
        self.tactd.set_clock("2026-11-07 09:00")
        self.assertBounced(offer, self.pat, "conversation")
        self.relay.wait_empty()
        self.assertEqual(self.subjects(self.pat), ["Re: The island, and where the sink goes"])

    def test_four_mails_in_eight_hours_personal_to_too_many(self):
        """No header tells on it, but the same line to more than personal_max people in a day is a mailing."""
        self.begin("2026-11-02 08:41")
        self.assertGoes(self.send("letter", "3-november-letter.eml", self.pat, story="ignored-unsubscribe"), "letter", self.pat, 1)
        others = ["prospect%d@customer.example" % i for i in range(20)]
        few = self.send("tom", "7-following-up-by-hand.eml", others, at="2026-11-02 11:30")
        self.assertEqual(few.code, 250, few)
        self.sink.wait_count(21)
        self.assertEqual({(entry["stream"], entry["purpose"]) for entry in self.tactd.entries(kind="decision", queue_id=few.queue_id)},
                         {("sales", "personal")})
        one_more = self.send("tom", "7-following-up-by-hand.eml", self.pat, at="2026-11-02 11:31")
        entry = self.assertWaits(one_more, "2026-11-03 04:41", "breathing")
        self.assertEqual((entry["stream"], entry["purpose"]), ("anything-else", "promotional"))
        self.assertReleased(one_more, "2026-11-03 04:41", self.pat, 2)
        contacts = self.tactd.tact_json("show", self.pat)["contacts"]
        self.assertEqual([contact["purpose"] for contact in contacts], ["newsletter", "promotional"])


class IgnoredUnsubscribe(Northmoor):
    """ignored-unsubscribe: said once, by whatever road, and it holds until the person says otherwise."""

    story = "ignored-unsubscribe"
    robin = "robin.ohara@customer.example"
    words = "this person has asked not to get such mail"

    def path(self, name):
        return os.path.join(MAILS, self.story, name)

    def by_phone(self):
        self.tactd.tact("suppress", self.robin, "--reason", "unsubscribe", "--source", "phone", "--by", "agent 12", "--note", "asked twice")

    def by_platform(self, *options):
        return self.tactd.tact_json("import", "--source", "letters.example", *options, self.path("platform-export.csv"))

    def by_digests(self):
        people = ["someone.else@customer.example", self.robin]
        rows = "".join("%s,unsubscribe\n" % hashlib.sha256(person.encode()).hexdigest() for person in people)
        return self.tactd.tact_json("import", "--source", "agency", self.tactd.room.write("digests.csv", "sha256,reason\n" + rows))

    def assertOutOfReach(self, delivered):
        """No marketing gets in, from whatever desk, spelled however; an order and a person do."""
        before = len(self.tactd.entries(kind="decision", verdict="reject"))
        self.assertRefused(self.send("letter", "3-november-letter.eml", self.robin), self.words)
        self.assertRefused(self.send("offers", "2-autumn-offer.eml", "ROBIN.OHara@Customer.Example"), self.words)
        self.assertRefused(self.send("calder", "5-calder-letter.eml", self.robin), self.words)
        self.assertRefused(self.send("launches", "4-new-taps.eml", self.robin, story="four-mails-in-eight-hours"), self.words)
        self.assertRefused(self.send("tom", "1-just-following-up.eml", self.robin, story="four-mails-in-eight-hours"), self.words)
        refusals = self.tactd.entries(kind="decision", verdict="reject")[before:]
        self.assertEqual(len(refusals), 5, refusals)
        for entry in refusals:
            self.assertEqual(self.rule(entry, "wishes")["verdict"], "reject")
            self.assertEqual([weighed["reason"] for weighed in entry["weighed"]], ["unsubscribe"])
        self.assertGoes(self.send("orders", "4-your-order.eml", self.robin), "orders", self.robin, delivered + 1)
        letter = self.send("tom", "6-the-samples.eml", self.robin, story="four-mails-in-eight-hours")
        self.assertGoes(letter, "sales", self.robin, delivered + 2)

    def test_ignored_unsubscribe_typed_in_by_an_agent(self):
        self.begin("2026-10-01 07:00")
        self.assertGoes(self.send("letter", "1-october-letter.eml", self.robin), "letter", self.robin, 1)
        self.tactd.set_clock("2026-10-02 10:00")
        self.by_phone()
        self.assertOutOfReach(1)
        self.tactd.set_clock("2026-11-01 07:00")  # the contacts are gone from every window, the wish is not
        self.assertRefused(self.send("letter", "3-november-letter.eml", self.robin), self.words)
        (change,) = self.tactd.entries(kind="change", action="suppress")
        self.assertEqual([(w["scope"], w["reason"]) for w in change["weighed"]], [("global", "unsubscribe")])
        self.assertIn(("change", "suppress"), self.trail(self.robin))
        # A restart does not forget it.
        self.site.restart_tactd()
        self.assertRefused(self.send("letter", "3-november-letter.eml", self.robin), self.words)

    def test_ignored_unsubscribe_in_a_platforms_export(self):
        self.begin("2026-10-02 07:00")
        looked = self.by_platform("--dry-run")
        self.assertEqual((looked["rows"], looked["new"], looked["applied"]), (3, 3, False), looked)
        self.assertGoes(self.send("letter", "1-october-letter.eml", self.robin), "letter", self.robin, 1)
        done = self.by_platform()
        self.assertEqual((done["rows"], done["new"], done["known"], done["applied"]), (3, 3, 0, True), done)
        self.assertOutOfReach(1)
        for other in ("noor.haddad@customer.example", "sam+kitchen@customer.example"):
            self.assertRefused(self.send("letter", "3-november-letter.eml", other), self.words)
        self.assertEqual(len(self.tactd.entries(kind="change")), 3)

    def test_ignored_unsubscribe_in_a_list_of_digests(self):
        self.begin("2026-10-02 07:00")
        done = self.by_digests()
        self.assertEqual((done["rows"], done["new"]), (2, 2), done)
        self.assertOutOfReach(0)
        self.assertRefused(self.send("letter", "3-november-letter.eml", "Someone.Else@customer.example"), self.words)

    def test_ignored_unsubscribe_until_the_person_says_otherwise(self):
        """No list brought in again takes a wish back: not the platform's old one, not one that has ended, not one of another scope."""
        self.begin("2026-10-02 07:00")
        self.by_phone()
        before = self.tactd.tact_json("show", self.robin)["suppressions"]
        again = self.by_platform()
        self.assertEqual((again["new"], again["known"]), (2, 1), again)
        ended = self.room_file("ended.csv", "email,reason,scope,created_at,expires_at\r\n%s,unsubscribe,global,2026-01-01T00:00:00Z,"
                               "2026-02-01T00:00:00Z\r\n" % self.robin)
        self.assertEqual(self.tactd.tact_json("import", ended)["expired"], 1)
        shorter = self.room_file("shorter.csv", "email,reason,expires_at\r\n%s,unsubscribe,2026-10-03T00:00:00Z\r\n" % self.robin)
        self.tactd.tact("import", shorter)
        self.assertEqual(self.tactd.tact_json("show", self.robin)["suppressions"], before)
        bad = self.room_file("bad.csv", "email,reason\r\n%s,resubscribed\r\n" % self.robin)
        self.assertEqual(self.tactd.tact("import", bad, check=False).returncode, 65)
        self.tactd.set_clock("2026-10-04 07:00")
        self.assertOutOfReach(0)

        self.tactd.set_clock("2026-10-20 07:00")
        self.assertEqual(self.tactd.tact("unsuppress", self.robin, check=False).returncode, 64, "not without a reason")
        self.tactd.tact("unsuppress", self.robin, "--why", "asked for the letter again by phone, ticket 4711", "--by", "agent 12")
        self.assertGoes(self.send("letter", "1-october-letter.eml", self.robin), "letter", self.robin, 3)
        self.assertEqual(self.trail(self.robin).count(("change", "unsuppress")), 1)

    def room_file(self, name, text):
        return self.tactd.room.write(name, text)

    def test_ignored_unsubscribe_by_scope(self):
        """A wish stops what it covers, and nothing else."""
        mails = [("letter", "1-october-letter.eml"), ("offers", "2-autumn-offer.eml"), ("calder", "5-calder-letter.eml"),
                 ("orders", "4-your-order.eml")]
        covered = {
            "global": {"letter", "offers", "calder"},
            "brand:northmoor": {"letter", "offers"},
            "list:letter.northmoor.example": {"letter"},
            "stream:offers": {"offers"},
            "owner:corporate": {"letter", "offers", "calder"},
            "purpose:newsletter": {"letter", "calder"},
            "channel:email": {"letter", "offers", "calder"},
            "channel:phone": set(),
        }
        self.begin("2026-10-05 07:00")
        for number, (scope, refused) in enumerate(covered.items()):
            for desk, name in mails:
                person = "%s%d@customer.example" % (desk, number)
                with self.subTest(scope=scope, desk=desk):
                    self.tactd.tact("suppress", person, "--scope", scope, "--reason", "unsubscribe", "--source", "phone")
                    sent = self.send(desk, name, person)
                    if desk in refused:
                        self.assertRefused(sent, self.words)
                    else:
                        self.assertEqual(sent.code, 250, sent)
                        self.sink.wait_to(person)
        self.relay.wait_empty()
        self.assertEqual(self.sink.count(), len(covered) * len(mails) - sum(len(refused) for refused in covered.values()))

    def test_ignored_unsubscribe_while_the_mail_waits(self):
        """What was delayed before the call never arrives; its sender gets a bounce that names the person."""
        self.begin("2026-10-01 07:00")
        self.assertGoes(self.send("letter", "1-october-letter.eml", self.robin), "letter", self.robin, 1)
        offer = self.send("offers", "2-autumn-offer.eml", self.robin, at="2026-10-01 15:00")
        self.assertWaits(offer, "2026-10-02 03:00", "breathing")
        self.by_phone()
        self.ask_again()
        self.assertEqual(len(self.sink.to(self.robin)), 1)
        self.tactd.set_clock("2026-10-02 03:00")
        self.assertBounced(offer, self.robin, "wishes")
        self.assertGoes(self.send("orders", "4-your-order.eml", self.robin, at="2026-11-02 09:12"), "orders", self.robin, 2)
        self.relay.wait_empty()
        self.assertEqual(self.subjects(self.robin), ["Your October letter from Northmoor", "Your order 2026-40117 leaves us tomorrow"])

    def test_ignored_unsubscribe_while_under_review(self):
        """The same letter twice is held for a reviewer; he releases it after the call, and it is refused all the same."""
        self.begin("2026-10-01 07:00")
        self.assertGoes(self.send("letter", "1-october-letter.eml", self.robin), "letter", self.robin, 1)
        again = self.send("letter", "6-october-letter-again.eml", self.robin, at="2026-10-08 07:00")
        self.assertEqual(again.code, 250, again)
        self.relay.wait_log(r"%s: .*status=deferred.*held for review" % again.queue_id)
        entry = self.decision(again)
        self.assertEqual((entry["verdict"], self.rule(entry, "same-campaign")["verdict"]), ("quarantine", "quarantine"))
        review = self.tactd.tact_json("quarantine", "list")
        self.assertEqual((review["state"], review["stream"], review["subject"]), ("held", "letter", "Your October letter from Northmoor"))
        self.by_phone()
        self.tactd.tact("quarantine", "release", review["id"], "--by", "reviewer")
        self.assertBounced(again, self.robin, "wishes")
        self.relay.wait_empty()
        self.assertEqual(len(self.sink.to(self.robin)), 1)

    def test_ignored_unsubscribe_by_those_who_ring_at_weekends(self):
        """Asked not to be rung any more: whoever asks before a call is told no; mail still comes."""
        self.begin("2026-11-06 17:00")  # a Friday
        self.assertTrue(self.may("phone")["allowed"])
        self.tactd.tact("suppress", self.robin, "--scope", "channel:phone", "--reason", "unsubscribe", "--source", "phone",
                        "--note", "not at weekends")
        for when in ("2026-11-06 17:01", "2026-11-07 10:00", "2026-11-08 10:00", "2027-05-01 10:00"):
            self.tactd.set_clock(when)
            answer = self.may("phone", status=1)
            self.assertEqual((answer["allowed"], answer["verdict"]), (False, "reject"), answer)
            self.assertIn(self.words, answer["text"])
        self.assertTrue(self.may("email")["allowed"])
        self.assertTrue(self.may("post")["allowed"])
        self.tactd.set_clock("2026-11-07 10:00")
        self.assertGoes(self.send("letter", "3-november-letter.eml", self.robin), "letter", self.robin, 1)
        self.assertEqual(len(self.tactd.entries(kind="decision")), 1, "asking leaves nothing")

    def may(self, channel, status=0):
        done = self.tactd.tact("contact", "--may", "--channel", channel, "--purpose", "promotional", "--owner", "sales", self.robin,
                               "--json", check=False)
        self.assertEqual(done.returncode, status, done)
        return json.loads(done.stdout)


if __name__ == "__main__":
    main()

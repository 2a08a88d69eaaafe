#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""People through a real Postfix: who writes to us by a listener of its own, what a person asked for and permits, and what a file may say of
it. Over days of simulated time; what counts is what arrived at the sink."""

import os

from harness import Case, Client, Site, free_port, main, section
from story import MAILS

TOM, PAT, JUERGEN = "tom.fairley@sales.northmoor.example", "pat.ellery@customer.example", "juergen.mueller@kunde.example"
OFFERS = "offers@northmoor.example"
OFFER = (b"From: Northmoor <offers@northmoor.example>\nSubject: Half price\nMessage-ID: <%s@northmoor.example>\nList-Id: <%s>\n"
         b"Date: Mon, 02 Nov 2026 09:00:00 +0000\n\nToday only.\n")


class People(Case):
    sections = [
        section("owner", "sales"), section("owner", "corporate"),
        section("stream", "sales", owner="sales", purpose="personal", senders=["@sales.northmoor.example"], personal_max=3),
        section("stream", "offers", owner="corporate", senders=["@northmoor.example"], max_delay="7d"),
        section("suppression", "wishes"),
    ]

    def setUp(self):
        inbound = free_port()
        self.site = Site(self.room(), main={"maximal_queue_lifetime": "8d"}, sections=[
            section("listener", "inbound", socket="inet:%d@127.0.0.1" % inbound),
            section("stream", "answers", direction="in", owner="sales", listeners=["inbound"])] + self.sections)
        self.tactd, self.relay, self.sink = self.site.tactd, self.site.relay, self.site.sink
        self.door = free_port()
        self.relay.master("127.0.0.1:%d inet n - n - - smtpd\n  -o syslog_name=postfix/inbound -o smtpd_milters=inet:127.0.0.1:%d\n"
                          % (self.door, inbound), restart=False)

    def begin(self, when):
        self.tactd.set_clock(when)
        self.site.start()

    def read(self, name):
        with open(os.path.join(MAILS, "conversation", name), "rb") as file:
            return file.read()

    def receive(self, sender, name, *rcpts):
        """A message file by the inbound listener."""
        with Client(self.door) as client:
            return client.send(sender, list(rcpts or (TOM,)), self.read(name))

    def offer(self, rcpt=PAT, number=b"1", list_id=b"offers.northmoor.example"):
        return self.relay.send(OFFERS, [rcpt], OFFER % (number, list_id))

    def contacts(self, address):
        return [(one["direction"], one["purpose"], one["owner"]) for one in self.tactd.tact_json("show", address)["contacts"]]


class WhoWritesToUs(People):
    def test_what_comes_in_is_remembered_as_the_writers(self):
        self.begin("2026-11-04 12:00")
        self.tactd.tact("suppress", TOM, "--reason", "manual")  # he is not to be mailed; those who answer him do not know that
        sent = self.receive(PAT, "1-her-answer.eml", TOM, "showroom@leeds.northmoor.example")
        self.assertEqual(sent.code, 250, sent)
        self.sink.wait_to(TOM)
        self.sink.wait_to("showroom@leeds.northmoor.example")
        self.assertEqual(self.contacts(PAT), [("in", "personal", "sales")])
        self.assertEqual(self.contacts(TOM), [])
        (entry,) = self.tactd.entries(kind="decision", queue_id=sent.queue_id)
        self.assertEqual((entry["phase"], entry["verdict"], entry["action"], entry["stream"]), ("inbound", "accept", "continue", "answers"))
        told = self.tactd.tact_json("audit", "trail", PAT)
        self.assertEqual(told["sealed"]["text"], "direction in: a conversation")
        self.assertEqual(self.receive(PAT, "1-her-answer.eml").code, 250)
        self.assertEqual(len(self.contacts(PAT)), 1, "a retry counts once")

        sent = self.receive(JUERGEN, "4-frage-de.eml")
        self.assertEqual(sent.code, 250, sent)
        self.assertEqual(self.contacts(JUERGEN), [("in", "personal", "sales")])

        # By the door for mail that goes out the same is refused: the rules hold there.
        self.assertEqual(self.relay.send(PAT, [TOM], self.read("1-her-answer.eml")).code, 550)

    def test_machines_open_no_conversation(self):
        self.begin("2026-11-05 09:01")
        for sender, name in ((PAT, "2-out-of-office.eml"), ("", "2-out-of-office.eml"), (JUERGEN, "3-urlaub-de.eml"), ("", "1-her-answer.eml")):
            self.assertEqual(self.receive(sender, name).code, 250, name)
        self.sink.wait_to(TOM, 4)
        self.assertEqual((self.contacts(PAT), self.contacts(JUERGEN)), ([], []))
        entries = self.tactd.entries(kind="decision", phase="inbound")
        self.assertEqual(len(entries), 4)
        self.assertFalse([entry for entry in entries if "pseudonym" in entry], entries)

    def test_nothing_passes_while_it_cannot_be_written_down(self):
        self.begin("2026-11-04 12:00")
        self.tactd.configure(settings={"store": "fail:"})
        self.tactd.restart()
        self.assertEqual(self.receive(PAT, "1-her-answer.eml").code, 451)


class AConversation(People):
    """Marketing waits while a desk and a person write to each other, whoever wrote last."""

    sections = People.sections + [
        section("limit", "conversation", at_most="0/5d", count=["personal"], direction="any", streams=["offers"])]

    def wants_place(self, offer, place):
        """Postfix asks for what waits, and is told PLACE."""
        self.relay.flush()
        self.relay.wait_log(r"%s: .*status=deferred.*next place %s UTC" % (offer.queue_id, place))
        (claim,) = [one for one in self.tactd.tact_json("show", PAT)["claims"] if one["state"] == "waiting"]
        self.assertEqual(claim["place"], place.replace(" ", "T") + ":00Z")

    def letter(self, number):
        sent = self.relay.send(TOM, [PAT], b"From: %s\nSubject: The samples\nMessage-ID: <%d@sales.northmoor.example>\n\nHello Pat.\n"
                               % (TOM.encode(), number))
        self.assertEqual(sent.code, 250, sent)

    def test_each_letter_renews_it_and_no_machine_does(self):
        self.begin("2026-11-02 09:00")
        self.letter(1)
        self.sink.wait_to(PAT, 1)
        self.tactd.set_clock("2026-11-03 10:00")
        offer = self.offer()
        self.assertEqual(offer.code, 250, offer)
        self.wants_place(offer, "2026-11-07 09:00")
        self.tactd.set_clock("2026-11-04 12:00")
        self.assertEqual(self.receive(PAT, "1-her-answer.eml").code, 250)
        self.wants_place(offer, "2026-11-09 12:00")
        self.tactd.set_clock("2026-11-05 09:01")
        self.assertEqual(self.receive(PAT, "2-out-of-office.eml").code, 250)
        self.wants_place(offer, "2026-11-09 12:00")
        self.tactd.set_clock("2026-11-09 11:59")
        self.wants_place(offer, "2026-11-09 12:00")
        self.assertEqual(len(self.sink.to(PAT)), 1)
        self.tactd.set_clock("2026-11-09 12:00")
        self.sink.wait_to(PAT, 2)
        self.relay.wait_empty()
        self.assertEqual(sorted(self.contacts(PAT)), [("in", "personal", "sales"), ("out", "personal", "sales"), ("out", "promotional", "corporate")])

    def test_her_question_opens_it(self):
        self.begin("2026-11-04 12:00")
        self.assertEqual(self.receive(PAT, "1-her-answer.eml").code, 250)
        self.tactd.set_clock("2026-11-04 12:01")
        offer = self.offer()
        self.assertEqual(offer.code, 250, offer)
        self.wants_place(offer, "2026-11-09 12:00")
        (entry,) = self.tactd.entries(kind="decision", queue_id=offer.queue_id, phase="end-of-message")
        (rule,) = [rule for rule in entry["rules"] if rule["name"] == "conversation"]
        self.assertEqual(rule["numbers"], {"count": 1, "at_most": 0, "window": "5d", "frees_at": "2026-11-09T12:00:00Z"})

    def test_a_call_that_an_agent_types_in(self):
        self.begin("2026-11-04 12:00")
        self.tactd.tact("contact", PAT, "--channel", "phone", "--direction", "in", "--owner", "sales", "--sentiment", "negative")
        offer = self.offer()
        self.assertEqual(offer.code, 250, offer)
        self.wants_place(offer, "2026-11-09 12:00")
        done = self.tactd.tact("contact", "--may", PAT, "--channel", "email", "--stream", "offers", check=False)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn(b"not before 2026-11-09T12:00:00Z", done.stdout)

    def test_what_calls_itself_personal_and_is_not_opens_none(self):
        self.begin("2026-11-04 12:00")
        people = [PAT] + ["prospect%d@customer.example" % i for i in range(3)]
        mailing = b"From: %s\nSubject: Just following up\nMessage-ID: <f@sales.northmoor.example>\n\nHello.\n" % TOM.encode()
        self.assertEqual(self.relay.send(TOM, people, mailing).code, 250)
        platform = mailing.replace(b"Message-ID: <f", b"List-Unsubscribe: <mailto:u@northmoor.example>\nMessage-ID: <g")
        self.assertEqual(self.relay.send(TOM, [PAT], platform).code, 250)
        self.sink.wait_to(PAT, 2)
        self.assertEqual({purpose for _, purpose, _ in self.contacts(PAT)}, {"promotional"})
        self.assertEqual(self.offer().code, 250)
        self.sink.wait_to(PAT, 3)


class WhatAPersonAskedFor(People):
    def test_a_pause_and_a_topic(self):
        self.begin("2026-11-02 09:00")
        self.tactd.tact("profile", PAT, "--pause", "30d", "--source", "preference page")
        refused = self.offer()
        self.assertEqual(refused.code, 550, refused)
        self.assertIn("recipient paused mail", refused.text)
        self.assertEqual(self.relay.send(TOM, [PAT], b"From: %s\nMessage-ID: <a@x>\n\nHello.\n" % TOM.encode()).code, 250, "a person still writes")
        self.tactd.tact("profile", PAT, "--no-pause", "--topic", "list:clearance.northmoor.example")
        self.assertEqual(self.offer(number=b"2").code, 250)
        self.assertEqual(self.offer(number=b"3", list_id=b"clearance.northmoor.example").code, 550)
        self.sink.wait_to(PAT, 2)
        self.tactd.tact("profile", PAT, "--pause-until", "2026-12-01")
        self.assertEqual(self.offer(number=b"4").code, 550)
        self.tactd.set_clock("2026-12-01 00:00")
        self.assertEqual(self.offer(number=b"5").code, 250, "a pause ends by its date")

    def test_only_what_a_person_says_lifts_and_only_there(self):
        self.begin("2026-11-02 09:00")
        self.tactd.tact("suppress", PAT, "--reason", "unsubscribe")
        self.assertEqual(self.offer().code, 550)
        self.tactd.set_clock("2026-11-03 09:00")
        path = self.tactd.room.write("consents.csv", "email,basis,scope,source,created_at\n%s,express,global,form,2026-11-03\n" % PAT)
        self.tactd.tact("import", "--consent", path)
        self.assertEqual(self.offer(number=b"2").code, 550, "an import never resubscribes")
        self.tactd.tact("consent", PAT, "--basis", "express", "--scope", "list:offers.northmoor.example", "--source", "form")
        self.assertEqual(self.offer(number=b"3").code, 250)
        self.assertEqual(self.offer(number=b"4", list_id=b"clearance.northmoor.example").code, 550, "for its scope only")
        self.tactd.tact("consent", PAT, "--end", "--scope", "list:offers.northmoor.example", "--reason", "call")
        self.assertEqual(self.offer(number=b"5").code, 550)
        self.assertEqual(len(self.sink.wait_to(PAT)), 1)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""What Postfix is told: each row of the table in the design, against a real Postfix, with the mail that comes out at the other end."""

from harness import Case, GATE_DOMAIN, mail, main, section

SECTIONS = [
    section("owner", "head"), section("owner", "leeds"), section("trusted", networks=["127.0.0.0/8"]),
    section("stream", "launch", owner="head", purpose="promotional", priority=800, senders=["@head.test"]),
    section("stream", "branch", owner="leeds", purpose="promotional", priority=300, senders=["@leeds.test"]),
    section("stream", "quick", owner="leeds", purpose="newsletter", senders=["@quick.test"], delay_by="tempfail"),
    section("stream", "odd", owner="leeds", purpose="newsletter", senders=["@odd.test"]),
    section("stream", "held", owner="leeds", purpose="newsletter", senders=["@held.test"], quarantine_by="hold"),
    section("stream", "till", owner="head", purpose="transactional", senders=["@till.test"]),
    section("suppression", "unsubscribed", action="reject"),
    # known by its header only, so that nobody is refused at RCPT
    section("stream", "late", owner="leeds", purpose="newsletter", from_domains=["late.test"], delay_by="tempfail"),
    section("limit", "breathing", at_most="1/20h", count=["promotional", "newsletter"], streams=["launch", "branch", "quick", "late"]),
    section("limit", "review", at_most="0/5d", count=["promotional"], streams=["odd", "held"], action="quarantine"),
]


class Verdicts(Case):
    @classmethod
    def setUpClass(cls):
        cls.site = cls.class_site(sections=SECTIONS, settings={"slot_length": "1s"})

    def send(self, sender, *rcpts, **options):
        return self.site.relay.send(sender, list(rcpts), mail(sender="Desk <%s>" % sender, **options.pop("mail", {})), **options)

    def fill(self, *rcpts):
        """A first promotional mail for each, so that the next waits."""
        for rcpt in rcpts:
            self.assertEqual(self.send("a@head.test", rcpt).code, 250)

    def suppress(self, address):
        self.site.tactd.tact("suppress", address, "--reason", "unsubscribe")

    def waiting_reasons(self, queue_id):
        return {r["address"]: r.get("delay_reason", "") for q in self.site.relay.queue() if q["queue_id"] == queue_id
                for r in q["recipients"]}

    def test_all_accepted(self):
        sent = self.send("a@head.test", "all1@person.test", "all2@person.test")
        self.assertEqual(sent.code, 250)
        self.site.sink.wait_to("all1@person.test")
        self.site.sink.wait_to("all2@person.test")
        self.assertEqual([e["verdict"] for e in self.site.tactd.entries(kind="decision", queue_id=sent.queue_id)], ["accept"] * 2)

    def test_suppressed_is_refused_at_rcpt(self):
        self.suppress("gone@person.test")
        with self.site.relay.client() as client:
            self.assertTrue(client.mail("a@head.test").ok)
            reply = client.rcpt("Gone@Person.test")
            self.assertEqual((reply.code, reply.status), (550, "5.7.1"), reply)
            self.assertTrue(client.rcpt("stays@person.test").ok)
            self.assertTrue(client.data(mail()).ok)
        self.site.sink.wait_to("stays@person.test")
        self.assertEqual(self.site.sink.to("gone@person.test"), [])

    def test_all_delayed(self):
        self.fill("d1@person.test", "d2@person.test")
        sent = self.send("b@leeds.test", "d1@person.test", "d2@person.test")
        self.assertEqual(sent.code, 250)
        self.site.relay.wait_deferred(2)
        reasons = self.waiting_reasons(sent.queue_id)
        self.assertEqual(len(reasons), 2, reasons)
        for address, reason in reasons.items():
            self.assertIn(".later.tact.invalid", address)
            self.assertIn("next place", reason)
            self.assertIn("451 4.7.1 <d", reason)

    def test_all_delayed_by_tempfail(self):
        self.fill("t1@person.test")
        sent = self.send("q@quick.test", "t1@person.test")
        self.assertEqual((sent.code, sent.status), (451, "4.7.1"), sent)
        self.assertIn("next place", sent.text)

    def test_delayed_by_tempfail_beside_no_address(self):
        """The one is to be refused, and so the other can no longer wait at the client: it must do so at the gate."""
        self.fill("t2@person.test")
        sent = self.send("l@late.test", "t2@person.test", "bad..x@person.test")
        self.assertEqual(sent.code, 250, sent)
        self.site.relay.wait_log(r"%s: to=<[^>]*@s[0-9]+\.later\.tact\.invalid>.*status=deferred.*next place" % sent.queue_id)
        bounce = self.site.sink.wait_to("l@late.test")[0]
        self.assertIn(b"5.1.3", bounce.data)
        self.assertNotIn(b"t2@", bounce.data.split(b"Content-Type: message/delivery-status")[1].split(b"Content-Type: ")[0])
        self.assertEqual(len(self.site.sink.to("t2@person.test")), 1)
        waits = [one["state"] for one in self.site.tactd.tact_json("show", "t2@person.test")["claims"]]
        self.assertEqual(waits, ["waiting"])

    def test_a_gate_address_is_refused_alone(self):
        with self.site.relay.client() as client:
            self.assertTrue(client.mail("a@head.test").ok)
            self.assertTrue(client.rcpt("fine@person.test").ok)
            reply = client.rcpt("x@s1." + GATE_DOMAIN)
            self.assertEqual((reply.code, reply.status), (550, "5.7.1"), reply)
            self.assertEqual(client.data(mail(sender="a@head.test")).code, 250)
        self.site.sink.wait_to("fine@person.test")

    def test_no_address_forges_a_log_line(self):
        sent = self.send('"x> verdict=forged to=<ceo"@head.test', '"a> verdict=forged x=<y"@person.test', "plain@person.test")
        self.assertEqual(sent.code, 250, sent)
        with self.site.relay.client() as client:
            client.mail('"x> verdict=forged to=<ceo"@head.test')
            self.suppress("forger@person.test")
            self.assertEqual(client.rcpt("forger@person.test").code, 550)
        lines = self.site.tactd.grep("verdict=[a-z]+.*forged")
        self.assertEqual(len(lines), 3, lines)
        for line in lines:
            self.assertRegex(line, r" verdict=(accept|reject) to=<[^ <>]*> from=<[^ <>]*> stream=launch ")

    def test_all_quarantined(self):
        self.fill("q1@person.test")
        sent = self.send("o@odd.test", "q1@person.test")
        self.assertEqual(sent.code, 250)
        self.site.relay.wait_log(r"review\.tact\.invalid.*status=deferred.*held for review")
        self.site.sink.wait_to("q1@person.test")
        self.assertEqual(len(self.site.sink.to("q1@person.test")), 1)

    def test_all_quarantined_by_hold(self):
        self.fill("h1@person.test")
        sent = self.send("h@held.test", "h1@person.test")
        self.assertEqual(sent.code, 250)
        held = [q for q in self.site.relay.queue() if q["queue_id"] == sent.queue_id]
        self.assertEqual([q["queue_name"] for q in held], ["hold"])

    def test_mixed(self):
        self.fill("m1@person.test", "m4@person.test")
        with self.site.relay.client() as client:
            client.mail("b@leeds.test")
            for name in ("m1", "m2", "m3"):
                self.assertTrue(client.rcpt(name + "@person.test").ok)
            self.suppress("m3@person.test")  # after RCPT: only the end of the message can refuse it
            reply = client.data(mail(sender="b@leeds.test"))
        self.assertEqual(reply.code, 250)
        self.site.sink.wait_to("m2@person.test")
        bounce = self.site.sink.wait_to("b@leeds.test")[0]
        self.assertIn(b"Final-Recipient: rfc822; m3@person.test", bounce.data)
        self.assertNotIn(b"tact.invalid", bounce.data.split(b"Content-Type: message/delivery-status")[1].split(b"Action")[0])
        reasons = self.waiting_reasons(reply.queue_id)
        self.assertEqual(len(reasons), 1, reasons)
        self.assertEqual(self.site.sink.to("m3@person.test"), [])

    def test_all_rejected_at_end_of_message(self):
        with self.site.relay.client() as client:
            client.mail("b@leeds.test")
            self.assertTrue(client.rcpt("r1@person.test").ok)
            self.suppress("r1@person.test")
            reply = client.data(mail(sender="b@leeds.test"))
        self.assertEqual((reply.code, reply.status), (550, "5.7.1"), reply)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""The gate and the bell with a real Postfix on both sides: what waits, what wakes it, what comes out, and what a hostile client gets."""

import os
import re

from harness import GATE_DOMAIN, Case, Client, Sink, Site, mail, main, section, stuffed, wait_for

SECTIONS = [
    section("owner", "head"), section("owner", "leeds"),
    section("stream", "launch", owner="head", purpose="promotional", priority=800, senders=["@head.test"]),
    section("stream", "branch", owner="leeds", purpose="promotional", priority=300, senders=["@leeds.test"]),
    section("stream", "odd", owner="leeds", purpose="newsletter", senders=["@odd.test"]),
    section("suppression", "unsubscribed", action="reject"),
    section("limit", "breathing", at_most="1/20h", count=["promotional"], streams=["launch", "branch"]),
    section("limit", "review", at_most="0/5d", count=["promotional"], streams=["odd"], action="quarantine"),
]
DUE = "+%d" % (20 * 3600 + 120)  # past every place these tests make


class Gated(Case):
    main = {}

    def setUp(self):
        self.open_site({"slot_length": "1s"})

    def open_site(self, settings):
        self.site = Site(self.room(), sections=SECTIONS, settings=settings, main=dict(self.main)).start()

    def send(self, sender, *rcpts, body=None, **options):
        message = body or mail(sender="Desk <%s>" % sender)
        return self.site.relay.send(sender, list(rcpts), message, **options)

    def delay(self, *rcpts, **options):
        """A mail for each that waits until DUE."""
        for rcpt in rcpts:
            address = rcpt if isinstance(rcpt, str) else rcpt[0]
            self.assertEqual(self.send("a@head.test", address).code, 250)
            self.site.sink.wait_to(address.strip("<>"))
        sent = self.send("b@leeds.test", *rcpts, **options)
        self.assertEqual(sent.code, 250, sent)
        self.site.relay.wait_deferred(len(rcpts))
        return sent

    def fall_due(self):
        self.site.tactd.set_clock(DUE)


class Released(Gated):
    def test_at_its_ring_byte_for_byte(self):
        body = "Dots:\r\n.\r\n..two\r\nbare \r cr, 8 bit \u00e4 and a line of %s\r\nend\r\n" % ("x" * 3000)
        message = mail(sender="b@leeds.test", body=body, headers="MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                                                 "Content-Transfer-Encoding: 8bit\r\n")
        wire = message.replace(b"\r\n.", b"\r\n..") + b".\r\n"
        sent = self.delay("bo@person.test", body=wire, raw=True, mail_args="BODY=8BITMIME RET=HDRS ENVID=abc")
        self.fall_due()
        got = self.site.sink.wait_to("bo@person.test", 2)[1]
        # What Postfix itself does to such a body on its way, it does to one that was never delayed.
        self.assertEqual(self.send("a@head.test", "fresh@person.test", body=wire, raw=True, mail_args="BODY=8BITMIME").code, 250)
        self.assertEqual(got.body, self.site.sink.wait_to("fresh@person.test")[0].body)
        self.assertEqual(got.sender, "b@leeds.test")
        self.assertIn("RET=HDRS", got.mail_args)
        self.assertIn("ENVID=abc", got.mail_args)
        self.assertNotIn("NOTIFY", got.rcpts[0].args)
        self.assertIn("ORCPT=rfc822;bo@person.test", got.rcpts[0].args)
        self.site.relay.wait_empty()
        line = self.site.tactd.wait_log(r"%s: gate=passed claim=[0-9a-f]{32} to=<bo@person.test>" % sent.queue_id)[0]
        again = re.search(r"next=(\w+)", line).group(1)
        self.site.relay.wait_log(r"%s: .*orig_queue_id=%s" % (again, sent.queue_id))
        outcomes = self.site.tactd.entries(kind="outcome", action="reinjected")
        self.assertEqual([(e["queue_id"], e["reinjected_id"]) for e in outcomes], [(sent.queue_id, again)])

    def test_a_notify_of_the_clients_own(self):
        self.delay(("nv@person.test", "NOTIFY=NEVER"))
        self.fall_due()
        got = self.site.sink.wait_to("nv@person.test", 2)[1]
        self.assertIn("NOTIFY=NEVER", got.rcpts[0].args)

    def test_several_recipients_at_once(self):
        names = ["n%d@person.test" % i for i in range(20)]
        self.delay(*names)
        self.fall_due()
        for name in names:
            self.site.sink.wait_to(name, 2)
        self.site.relay.wait_empty()
        self.assertEqual(len(self.site.tactd.entries(kind="outcome", action="reinjected")), 20)

    def test_what_fell_due_while_tactd_was_down(self):
        self.delay("down@person.test")
        self.site.tactd.kill9()
        self.fall_due()
        self.site.tactd.start()
        self.site.sink.wait_to("down@person.test", 2)
        self.site.relay.wait_empty()

    def test_what_lapsed_while_tactd_was_down(self):
        self.delay("lapsed@person.test")
        self.site.tactd.stop()
        self.site.tactd.set_clock("+%d" % (26 * 3600))
        self.site.tactd.start()
        self.site.sink.wait_to("lapsed@person.test", 2)
        self.site.relay.wait_empty()

    def test_unsubscribed_meanwhile(self):
        self.delay("gone@person.test")
        self.site.tactd.tact("suppress", "gone@person.test", "--reason", "unsubscribe")
        self.fall_due()
        bounce = self.site.sink.wait_to("b@leeds.test")[0]
        self.assertIn(b"Final-Recipient: rfc822; gone@person.test", bounce.data)
        self.assertEqual(bounce.sender, "")
        self.assertEqual(len(self.site.sink.to("gone@person.test")), 1)
        self.site.relay.wait_empty()

    def test_a_review_released_and_one_discarded(self):
        for name in ("good", "bad"):
            self.assertEqual(self.send("a@head.test", name + "@person.test").code, 250)
            sent = self.send("o@odd.test", name + "@person.test", body=mail(subject=name, sender="o@odd.test"))
            self.assertEqual(sent.code, 250)
        self.site.relay.wait_deferred(2)
        reviews = self.site.tactd.tact_json("quarantine", "list")
        reviews = reviews if isinstance(reviews, list) else [reviews]
        ids = {review["subject"]: review["id"] for review in reviews}
        self.site.tactd.tact("quarantine", "release", ids["good"])
        self.site.sink.wait_to("good@person.test", 2)
        self.site.tactd.tact("quarantine", "discard", ids["bad"])
        self.site.sink.wait_to("o@odd.test")
        self.site.relay.wait_empty()
        self.assertEqual(len(self.site.sink.to("bad@person.test")), 1)


class Verp(Gated):
    main = {"smtpd_authorized_verp_clients": "127.0.0.0/8"}

    def test_xverp(self):
        self.delay("v1@person.test", "v2@person.test", mail_args="XVERP")
        self.fall_due()
        for name in ("v1", "v2"):
            got = self.site.sink.wait_to(name + "@person.test", 2)[1]
            self.assertEqual(got.sender, "b+%s=person.test@leeds.test" % name)


class NextHop(Gated):
    """The re-injection listener is a sink of ours."""

    def open_site(self, settings):
        room = self.room()
        self.next = Sink(room, path=room.path("run", "next"))
        super().open_site(dict(settings, pass_socket=self.next.address))

    def take(self):
        """Postfix tries again, by hand: the sink knows no ETRN. A flush passes over what is still in the queue of an earlier attempt."""
        self.site.relay.wait_queue(lambda queue: queue and all(one["queue_name"] == "deferred" for one in queue), "all of it deferred")
        self.site.relay.flush()

    def test_refusals_keep_the_mail_queued(self):
        self.delay("bo@person.test")
        self.fall_due()
        for stage, reply, said in (("MAIL", "451 4.3.0 no", "451 4.3.0 no"), ("RCPT", "550 5.1.1 who", "550 5.1.1 who"),
                                   ("DATA", "554 5.7.1 no", "554 5.7.1 no"), ("END", "552 5.3.4 big", "552 5.3.4 big")):
            self.next.on(stage, reply=reply)
            self.take()
            self.site.tactd.wait_log("gate=failed .*%s" % re.escape(said))
            if reply.startswith("5"):
                self.site.tactd.wait_log("ALARM.*%s" % re.escape(said))
            self.site.relay.wait_queue(lambda queue: any("re-injection listener: " + said in rcpt.get("delay_reason", "")
                                                         for one in queue for rcpt in one["recipients"]), "the reason " + said)
            self.next.relent()
        self.next.on("END", drop=True)
        self.take()
        self.site.tactd.wait_log("gate=failed .*connection lost")
        self.next.relent()
        self.next.clear()
        self.take()
        self.assertEqual(len(self.next.wait_to("bo@person.test")), 1)
        self.site.relay.wait_empty()

    def test_a_slow_one_holds_no_fresh_mail_up(self):
        self.delay("slow@person.test")
        self.fall_due()
        held = self.next.hold("END")
        self.take()
        wait_for(lambda: self.next.bodies > 0, "the body at the next hop")
        self.assertEqual(self.send("a@head.test", "fresh@person.test").code, 250)
        self.site.sink.wait_to("fresh@person.test", timeout_s=5)
        held.set()
        self.next.wait_to("slow@person.test")
        self.site.relay.wait_empty()

    def test_an_attempt_that_postfix_gave_up_is_not_handed_on_twice(self):
        self.site.relay.configure({"lmtp_data_done_timeout": "1s"})
        self.delay("bo@person.test")
        self.fall_due()
        held = self.next.hold("END")
        self.take()
        self.site.relay.wait_log("status=deferred.*timed out while sending end of data")
        self.take()
        self.site.tactd.wait_log("gate=undecided .*an earlier attempt is still being handed on")
        held.set()
        self.site.tactd.wait_log("gate=passed")
        self.take()
        self.site.relay.wait_empty()
        self.assertEqual((self.next.bodies, len(self.next.to("bo@person.test"))), (1, 1))


class Hostile(Gated):
    """The gate's socket, spoken to directly."""

    def lmtp(self):
        return Client(self.site.tactd.gate_socket, lmtp=True)

    def test_what_is_announced(self):
        with self.lmtp() as client:
            for word in ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN", "SIZE", "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"):
                self.assertIn(word, client.ehlo.text.split("\n"))

    def test_nobody_is_refused_for_good(self):
        claim = "0" * 31 + "1"
        with self.lmtp() as client:
            client.mail("a@b.test")
            for address in ("bo@person.test", "x@" + GATE_DOMAIN, "%s.mfxg4@s1.%s" % (claim, GATE_DOMAIN), "%s.!@s1.%s" % (claim, GATE_DOMAIN),
                            "%s.mfxg4@%s" % (claim, GATE_DOMAIN), "%s.@s1.%s" % (claim, GATE_DOMAIN), '"a b"@s1.' + GATE_DOMAIN):
                self.assertEqual(client.rcpt(address).code, 451, address)
            self.assertEqual(client.command("DATA").code, 503)

    def test_a_wrong_claim_for_the_right_person(self):
        self.delay("bo@person.test")
        address = next(iter(self.site.relay.waiting()))
        wrong = ("0" if address[0] != "0" else "1") + address[1:]
        with self.lmtp() as client:
            client.mail("a@b.test")
            self.assertIn("next place", client.rcpt(address).text)
            self.assertEqual(client.rcpt(wrong).text, "not known here as waiting; ask the operator of this relay")

    def test_any_bytes(self):
        for junk in (b"\0\0\0\r\n", b"\xff" * 1000 + b"\r\n", b"A" * 10_000_000 + b"\r\n", b"MAIL FROM:<" + b"a" * 70000 + b">\r\n",
                     b"RCPT TO:<\r\n", b"\r\n"):
            with self.lmtp() as client:
                client.write(junk)
                self.assertIn(client.read().code, (500, 501, 503))
                self.assertEqual(client.command("NOOP").code, 250)
        with self.lmtp() as client:
            self.assertEqual(client.command("NOOP").code, 250)

    def test_a_body_that_breaks_off(self):
        self.delay("bo@person.test")
        self.fall_due()
        address = next(iter(self.site.relay.waiting()), None)
        self.site.sink.wait_to("bo@person.test", 2)
        self.assertIsNotNone(address)
        with self.lmtp() as client:
            client.mail("a@b.test")
            self.assertEqual(client.rcpt(address).code, 250)  # passed before: taken and dropped
            self.assertEqual(client.command("DATA").code, 354)
            client.write(b"Subject: x\r\n\r\nhalf a li")
            client.drop()
        with self.lmtp() as client:
            client.mail("a@b.test")
            self.assertEqual(client.rcpt(address).code, 250)
            self.assertEqual(client.data(stuffed(mail()), raw=True).text, "Ok: passed before")
        self.assertEqual(len(self.site.sink.to("bo@person.test")), 2)

    def test_the_socket_is_for_the_group_only(self):
        status = os.stat(self.site.tactd.gate_socket)
        self.assertEqual(oct(status.st_mode & 0o777), oct(0o660))
        self.site.tactd.stop()
        self.assertFalse(os.path.exists(self.site.tactd.gate_socket))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Holds the harness, and what the design was told of Postfix, against Postfix itself: no tactd anywhere. A failure here means that the other
tests of this folder prove nothing."""

import base64
import email
import email.policy
import os
import struct
import subprocess

from harness import *

RING = "s29921760." + GATE_DOMAIN
LATER = "not due, 451 4.7.1 next place 2026-11-24 09:00"


def gate_address(person, claim="0" * 32, ring=RING):
    return "%s.%s@%s" % (claim, base64.b32encode(person.encode()).decode().rstrip("=").lower(), ring)


def wait_quietly(condition, timeout_s=1):
    """Did it come in time?"""
    try:
        return wait_for(condition, "it", timeout_s)
    except Failed:
        return None


class Passing(Case):
    """Mail goes through, byte for byte, and everything about it can be read."""

    @classmethod
    def setUpClass(cls):
        cls.relay = Relay(cls.class_room()).start()
        cls.sink = cls.relay.sink

    def setUp(self):
        self.sink.relent()
        self.sink.clear()

    def test_mail_passes_with_envelope_arguments(self):
        sent = self.relay.send("a@desk.test", [("b@person.test", "NOTIFY=NEVER ORCPT=rfc822;b@person.test")], mail(), mail_args="ENVID=e1 RET=HDRS")
        self.assertEqual(sent.code, 250, sent)
        (got,) = self.sink.wait_to("b@person.test")
        self.assertEqual(got.sender, "a@desk.test")
        self.assertIn("ENVID=e1", got.mail_args)
        self.assertIn("NOTIFY=NEVER", got.rcpts[0].args)
        self.assertTrue(self.relay.wait_log(sent.queue_id + ".*status=sent"))
        self.relay.wait_empty()

    def test_body_is_byte_identical(self):
        body = ".dot\r\n..\r\n\r\n" + "é" * 300 + "\r\n\r\n"
        self.relay.send("a@desk.test", "bytes@person.test", mail(body=body), mail_args="BODY=8BITMIME")
        self.assertEqual(self.sink.wait_to("bytes@person.test")[0].body, body.encode())

    def test_several_messages_a_connection_and_rset(self):
        with self.relay.client() as client:
            client.mail("x@desk.test")
            client.rcpt("never@person.test")
            self.assertEqual(client.rset().code, 250)
            for number in range(3):
                self.assertEqual(client.send("a@desk.test", "n%d@person.test" % number, mail()).code, 250)
        self.sink.wait_count(3)
        self.assertEqual(self.sink.to("never@person.test"), [])

    def test_raw_bytes(self):
        with self.relay.client() as client:
            sent = client.send("a@desk.test", "raw@person.test", mail() + b"bare\rcr and nul\x00here\r\n.\r\n", raw=True)
        self.assertEqual(sent.code, 250, sent)
        self.assertIn(b"nul\x00here", self.sink.wait_to("raw@person.test")[0].body)

    def test_refusals_are_shown(self):
        sent = self.relay.send("a@desk.test", "b@person.test", mail(), helo="c.test", xclient={"ADDR": "192.0.2.1"})
        self.assertEqual((sent.code, sent.status), (454, "4.7.1"), sent)
        self.assertIn("Relay access denied", sent.text)

    def test_xclient_makes_a_sasl_user(self):
        self.relay.configure({"smtpd_sasl_authenticated_header": "yes"})
        self.addCleanup(self.relay.configure, {"smtpd_sasl_authenticated_header": None})
        sent = self.relay.send("a@desk.test", "sasl@person.test", mail(), xclient={"ADDR": "10.1.2.3", "LOGIN": "crm"})
        self.assertEqual(sent.code, 250, sent)
        received = " ".join(self.sink.wait_to("sasl@person.test")[0].header("Received"))
        self.assertIn("10.1.2.3", received)
        self.assertEqual(len(self.relay.grep("sasl_username=crm")), 1)

    def test_sendmail_submission(self):
        self.relay.sendmail(mail(), "local@person.test", sender="a@desk.test")
        self.assertEqual(self.sink.wait_to("local@person.test", timeout_s=5)[0].sender, "a@desk.test")

    def test_sink_says_no(self):
        self.sink.on("RCPT", "<full@", "452 4.2.2 mailbox full")
        self.sink.on("RCPT", "<gone@", "550 5.1.1 no such person")
        self.sink.on("END", "<?late@", "451 4.3.0 later")
        for name in ("full", "gone", "late"):
            self.relay.send("a@desk.test", name + "@person.test", mail())
        (bounce,) = self.sink.wait_to("a@desk.test")
        self.assertEqual(bounce.sender, "")
        self.assertIn(b"no such person", bounce.data)
        self.relay.wait_deferred(2)
        waiting = self.relay.waiting()
        self.assertIn("452 4.2.2 mailbox full", waiting["full@person.test"])
        self.assertIn("451 4.3.0 later", waiting["late@person.test"])
        self.sink.relent()
        self.relay.flush()
        self.sink.wait_to("full@person.test")
        self.sink.wait_to("late@person.test")
        self.relay.wait_empty()

    def test_sink_holds_its_answer(self):
        release = self.sink.hold("DATA")
        self.relay.send("a@desk.test", "held@person.test", mail())
        wait_for(lambda: self.sink.saw("^DATA"), "DATA")
        self.assertEqual(self.sink.count(), 0)
        self.assertEqual(len(self.relay.queue()), 1)
        release.set()
        self.sink.wait_to("held@person.test")

    def test_reconfigure_restart_and_stop(self):
        self.assertEqual(self.relay.setting("always_bcc"), "")
        self.relay.configure({"always_bcc": "archive@desk.test"})
        self.relay.send("a@desk.test", "bcc@person.test", mail())
        self.sink.wait_to("archive@desk.test")
        self.relay.configure({"always_bcc": None})
        group = self.relay.process.pid
        self.relay.stop()
        self.assertEqual(group_members(group), [])
        self.relay.start()


class SmtpSink(Case):
    def test_dumps_are_read(self):
        room = self.room()
        sink = PostfixSink(room)
        with Client(sink.port) as client:
            wanted = mail(body="one\r\n\r\n.two\r\n\r\n")
            client.send("a@desk.test", [("b@person.test", ""), "\"odd > one\"@person.test"], wanted)
        sink.wait_count(1)
        sink.stop()
        (got,) = sink.mails()
        self.assertEqual((got.sender, got.addresses), ("a@desk.test", ["b@person.test", "\"odd > one\"@person.test"]))
        self.assertEqual(got.data, wanted)

    def test_load(self):
        room = self.room()
        relay = Relay(room, sink=PostfixSink(room)).start()
        run(["smtp-source", "-s", "5", "-m", "60", "-l", "2000", "-f", "a@desk.test", "-t", "b@person.test", "127.0.0.1:%d" % relay.port])
        relay.wait_empty()
        self.assertEqual(relay.sink.count(), 60)


class Gate(Case):
    """The settings of the gate, with a server of our own in tactd's place."""

    @classmethod
    def setUpClass(cls):
        room = cls.class_room()
        cls.relay = Relay(room).start()
        cls.sink = cls.relay.sink
        cls.gate = Sink(room, path=cls.relay.gate_socket, lmtp=True)

    def setUp(self):
        for sink in (self.sink, self.gate):
            sink.relent()
            sink.clear()
        self.relay.tool("postsuper", "-d", "ALL")

    def wait(self, address, **options):
        """One mail waiting at the gate for ADDRESS."""
        self.gate.on("RCPT", reply="451 4.7.1 " + LATER)
        sent = self.relay.send("a@desk.test", address, mail(), **options)
        self.assertEqual(sent.code, 250, sent)
        self.relay.wait_deferred(1)
        return sent

    def ring(self, domain, address, **options):
        """Rings until the mail is fetched: an ETRN during a delivery attempt is lost."""
        def fetched():
            self.assertEqual(self.relay.etrn(domain, **options).code, 250)
            return wait_quietly(lambda: self.gate.to(address))
        wait_for(fetched, "the mail for " + address, 30)

    def test_reason_shows_in_the_queue_and_no_body_travels(self):
        address = gate_address("ann@person.test")
        sent = self.wait(address)
        self.assertIn("451 4.7.1 " + LATER, self.relay.waiting()[address])
        self.assertIn(LATER, self.relay.mailq())
        self.assertEqual(self.gate.bodies, 0)
        self.assertTrue(self.relay.grep(sent.queue_id + ".*relay=relay.test.*status=deferred"))

    def test_etrn_flushes_one_slot(self):
        other = gate_address("bea@person.test", ring="s1." + GATE_DOMAIN)
        self.wait(gate_address("ann@person.test"))
        self.relay.send("a@desk.test", other, mail())
        self.relay.wait_deferred(2)
        self.gate.relent()
        self.ring(RING, gate_address("ann@person.test"))
        self.relay.wait_queue(lambda queue: len(queue) == 1, "one mail left")
        self.assertEqual(list(self.relay.waiting()), [other])
        self.ring("s1." + GATE_DOMAIN, other, through_pass=True)

    def test_esmtp_arguments_and_xforward_arrive(self):
        self.gate.on("RCPT", reply="250 2.1.5 Ok")
        address = gate_address("ann@person.test")
        sent = self.relay.send("a@desk.test", [(address, "NOTIFY=FAILURE ORCPT=rfc822;ann@person.test")], mail(), mail_args="ENVID=e7")
        (got,) = self.gate.wait_to(address)
        self.assertIn("ENVID=e7", got.mail_args)
        self.assertIn("NOTIFY=FAILURE", got.rcpts[0].args)
        self.assertIn("ORCPT=rfc822;ann@person.test", got.rcpts[0].args)
        self.assertEqual(got.xforward.get("IDENT"), sent.queue_id)

    def test_review_domain_goes_to_the_gate_too(self):
        address = gate_address("ann@person.test", ring="r1." + REVIEW_DOMAIN)
        self.wait(address)
        self.gate.relent()
        self.ring("r1." + REVIEW_DOMAIN, address)

    def test_pass_listener_skips_the_milter(self):
        """With a milter that is not there, smtpd temp-fails and the re-injection listener passes."""
        self.relay.configure({"smtpd_milters": "unix:" + self.relay.room.path("run", "nobody")})
        self.addCleanup(self.relay.configure, {"smtpd_milters": None})
        self.assertEqual(self.relay.send("a@desk.test", "b@person.test", mail()).code, 451)
        with Client(self.relay.pass_socket) as client:
            self.assertEqual(client.send("a@desk.test", "passed@person.test", mail()).code, 250)
        self.sink.wait_to("passed@person.test")

    def test_refuse_listener_bounces_with_the_real_person(self):
        with Client(self.relay.refuse_socket) as client:
            sent = client.send("a@desk.test", [("ann@person.test", "NOTIFY=FAILURE ORCPT=rfc822;ann@person.test"), ("bea@person.test", "NOTIFY=NEVER")],
                               mail(subject="Stop this"), mail_args="ENVID=e9")
        self.assertEqual(sent.code, 250, sent)
        (bounce,) = self.sink.wait_to("a@desk.test")
        report = email.message_from_bytes(bounce.data, policy=email.policy.default)
        (status,) = [part for part in report.walk() if part.get_content_type() == "message/delivery-status"]
        blocks = [block for block in status.get_payload() if "Final-Recipient" in block]
        self.assertEqual([block["Final-Recipient"] for block in blocks], ["rfc822; ann@person.test"])
        self.assertEqual(blocks[0]["Status"], "5.7.1")
        self.assertIn("refused by send policy", blocks[0]["Diagnostic-Code"])
        self.relay.wait_empty()
        self.assertEqual(self.sink.to("ann@person.test"), [])

    def test_who_reaches_the_listeners(self):
        """public/ is open to Postfix's setgid group, which tactd's user must be in; Postfix's own group is not enough."""
        code = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        for group, reached in (("postdrop", True), ("postfix", False)):
            done = subprocess.run(["/usr/bin/python3", "-c", code, self.relay.pass_socket], user="nobody", group="nogroup", extra_groups=[group],
                                  cwd="/", capture_output=True)
            self.assertEqual(done.returncode == 0, reached, (group, done.stderr))
            self.assertTrue(reached or b"PermissionError" in done.stderr, done.stderr)

    def test_a_550_at_the_gate_names_the_gate_address(self):
        """Why tact-refuse exists."""
        self.gate.on("RCPT", reply="550 5.7.1 refused")
        self.relay.send("a@desk.test", [(gate_address("ann@person.test"), "ORCPT=rfc822;ann@person.test")], mail())
        (bounce,) = self.sink.wait_to("a@desk.test")
        text = bounce.data.decode().replace("\r\n    ", "")
        self.assertIn("Original-Recipient: rfc822;ann@person.test", text)
        self.assertNotIn("Final-Recipient: rfc822; ann@person.test", text)


class Evidence(Case):
    """The reader of evidence, on files written here."""

    def write(self, *segments):
        room = self.room()
        folder = room.mkdir("audit", "h1", "entries")
        for first, texts, tail in segments:
            data = b"".join(struct.pack(">H", len(text)) + text for text in texts) + tail
            with open(os.path.join(folder, "%012d" % first), "wb") as file:
                file.write(data)
        return room.path("audit")

    def test_segments_are_read_in_order(self):
        folder = self.write((0, [b'{"seq":0,"kind":"start"}', b'{"seq":1,"kind":"decision"}'], b""), (2, [b'{"seq":2,"kind":"stop"}'], b""))
        self.assertEqual([entry["seq"] for entry in evidence.read(folder)], [0, 1, 2])
        self.assertEqual(len(evidence.select(evidence.read(folder), kind="decision")), 1)

    def test_torn_tail_gap_and_wrong_name_are_seen(self):
        good = b'{"seq":0}'
        for segments in ([(0, [good], b"\x00")], [(0, [good], b"\x00\x09{}")], [(0, [good, b'{"seq":2}'], b"")], [(7, [good], b"")]):
            with self.subTest(segments=segments), self.assertRaises(evidence.Torn):
                evidence.read(self.write(*segments))


class Endings(Case):
    def test_a_closed_room_leaves_nothing(self):
        room = Room()
        relay = Relay(room).start()
        group = relay.process.pid
        relay.send("a@desk.test", "b@person.test", mail())
        relay.sink.wait_count(1)
        room.close()
        self.assertEqual(group_members(group), [])
        self.assertFalse(os.path.exists(room.dir))
        self.assertIn("daemon started", room.last_words())

    def test_a_killed_test_takes_its_postfix_along(self):
        code = "from harness import *; r = Relay(Room()).start(); print(r.process.pid, r.room.dir, flush=True); import os; os.kill(os.getpid(), 9)"
        done = run(["python3", "-B", "-c", code], cwd=os.path.dirname(os.path.abspath(__file__)), check=False)
        self.assertEqual(done.returncode, -9, done)
        pid, folder = done.stdout.decode().split()
        wait_for(lambda: not group_members(int(pid)), "the end of the orphaned Postfix", 10)
        wait_for(lambda: not os.path.exists(folder), "the end of its folder", 10)


if __name__ == "__main__":
    main()

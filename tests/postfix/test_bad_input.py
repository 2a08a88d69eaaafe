#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""What nobody should send and somebody does: each gets a reply, no process of tactd ends, what is ambiguous is treated by the strictest
stream, and bodies arrive as Postfix alone would have passed them on. The replies are printed."""

import os
import random
import re
import socket
import struct
import threading
import time

from harness import Case, Client, GATE_DOMAIN, group_members, mail, main, section, wait_for
from room import connect

SECTIONS = [
    section("owner", "head"),
    section("stream", "desk", owner="head", purpose="newsletter", senders=["@desk.test"]),
    section("suppression", "wishes", action="reject"),
]
MAIN = {
    "message_size_limit": "0", "smtpd_hard_error_limit": "1000000", "smtpd_soft_error_limit": "1000000",
    "local_header_rewrite_clients": "",  # or Postfix adds the From that is missing
}
FROM = b"From: Desk <a@desk.test>\r\n"
PLAIN = b"\r\nHello,\r\n.. dots\r\n\r\n"
END = b".\r\n"
SEED = int(os.environ.get("TACT_TEST_SEED", "20261122"))


class Bad(Case):
    @classmethod
    def setUpClass(cls):
        cls.site = cls.class_site(sections=SECTIONS, main=MAIN)
        cls.relay, cls.sink, cls.tactd = cls.site.relay, cls.site.sink, cls.site.tactd
        cls.numbers = iter(range(1, 1 << 30))

    def setUp(self):
        self.family = sorted(group_members(self.tactd.process.pid))
        self.assertEqual(len(self.family), 4)

    def tearDown(self):
        """Alive, the same processes, and still at work."""
        self.assertEqual(sorted(group_members(self.tactd.process.pid)), self.family, self.tactd.log()[-4000:])
        address = self.person()
        self.assertEqual(self.relay.send("a@desk.test", address, mail(sender="Desk <a@desk.test>")).code, 250)
        self.sink.wait_to(address)

    def person(self):
        return "p%d@person.test" % next(self.numbers)

    def tell(self, what, reply):
        print("%-44s %s" % (what[:44], str(reply).replace("\n", " ")[:100]), flush=True)


class Messages(Bad):
    """WIRE is what follows DATA, without the end of data."""

    def both(self, what, wire, stream):
        """Through bare Postfix (the re-injection listener has no milter) and through tact: the same body, and the stream it fell to."""
        bare, through = self.person(), self.person()
        with Client(self.relay.pass_socket) as client:
            self.assertEqual(client.send("a@desk.test", bare, wire + END, raw=True).code, 250)
        sent = self.relay.send("a@desk.test", through, wire + END, raw=True)
        self.tell(what, sent.final)
        self.assertEqual(sent.code, 250, sent)
        want, got = self.sink.wait_to(bare)[0], self.sink.wait_to(through)[0]
        self.assertTrue(got.body == want.body, "%s: got %d bytes, want %d" % (what, len(got.body), len(want.body)))
        (entry,) = self.tactd.entries(kind="decision", queue_id=sent.queue_id)
        self.assertEqual((entry["verdict"], entry["stream"]), ("accept", stream), what)
        return got

    def test_as_it_should_be(self):
        self.both("a good message", FROM + PLAIN, "desk")

    def test_from(self):
        for what, header in (
                ("no From", b"Subject: x\r\n"), ("two From", FROM + b"From: Other <o@other.test>\r\n"), ("the same From twice", FROM + FROM),
                ("From of two mailboxes", b"From: a@desk.test, b@desk.test\r\n"), ("From of nobody", b"From: \r\n"),
                ("From of a group", b"From: Desk: a@desk.test, b@desk.test;\r\n"), ("From of undisclosed", b"From: undisclosed:;\r\n"),
                ("From without a domain", b"From: somebody\r\n"), ("From of garbage", b"From: <<<>>>,,;\r\n"),
                ("From folded into two", b"From: a@desk.test,\r\n\t<b@other.test>\r\n"),
                ("two Subjects", FROM + b"Subject: one\r\nSubject: two\r\n"), ("two Message-IDs", FROM + b"Message-ID: <1@x>\r\nMessage-ID: <2@x>\r\n"),
                ("two Dates", FROM + b"Date: x\r\nDate: y\r\n"), ("nothing but a body", b"\r\nbody\r\n"), ("nothing at all", b"")):
            with self.subTest(what):
                self.both(what, header + (PLAIN if header[-1:] == b"\n" and not header.startswith(b"\r\n") else b""), "unmatched")

    def test_harmless_and_odd(self):
        for what, wire in (
                ("no body", FROM + b"\r\n"), ("no empty line", FROM), ("8-bit subject", FROM + b"Subject: \xff\xfe\x80 caf\xe9\r\n" + PLAIN),
                ("8-bit name", b"From: J\xf6rg <a@desk.test>\r\n" + PLAIN), ("UTF-8 name", "From: Jörg <a@desk.test>\r\n".encode() + PLAIN),
                ("8-bit field name", FROM + b"X-\xff\xfe: y\r\n" + PLAIN),
                ("broken RFC 2047", FROM + b"Subject: =?utf-8?b?!!!?= =?no-such?q?=zz?= =?utf-8?q?\r\n" + PLAIN),
                ("broken RFC 2047 name", b"From: =?utf-8?b?/////?= <a@desk.test>\r\n" + PLAIN),
                ("multipart without boundary", FROM + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\n" + PLAIN),
                ("two boundaries", FROM + b"Content-Type: multipart/mixed; boundary=a; boundary=b\r\n\r\n--a\r\n\r\none\r\n--b\r\n\r\ntwo\r\n"),
                ("a part that never ends", FROM + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: mul\r\n"),
                ("parts a hundred deep", FROM + b"Content-Type: multipart/mixed; boundary=b0\r\n\r\n" + b"".join(
                    b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (i, i + 1) for i in range(100))),
                ("broken base64", FROM + b"Content-Transfer-Encoding: base64\r\n\r\n=====\x80!!\r\n"),
                ("a parameter that never ends", FROM + b"Content-Type: text/plain; name=\"" + b"x" * 5000 + b"\r\n" + PLAIN),
                ("NUL in the subject", FROM + b"Subject: a\0b\r\n" + PLAIN), ("NUL in the body", FROM + b"\r\na\0b\0\r\n\0\r\n"),
                ("bare CR in the subject", FROM + b"Subject: a\rb\rFrom: x@other.test\r\n" + PLAIN),
                ("bare CR in the body", FROM + b"\r\na\rb\r\r\nc\r\n"), ("bare LF in the body", FROM + b"\r\na\nb\n\nc\r\n"),
                ("bare LF in the header", FROM[:-2] + b"\nSubject: x\n" + PLAIN), ("a body of controls", FROM + b"\r\n" + bytes(range(1, 10)) + b"\x7f\x1b\r\n"),
                ("a line without colon", FROM + b"no colon here\r\nSubject: x\r\n" + PLAIN),
                ("a folded line first", b" folded\r\n" + FROM + PLAIN), ("empty field names", FROM + b": x\r\n:\r\n" + PLAIN),
                ("dates of no calendar", FROM + b"Date: Mon, 99 Foo 99999 99:99:99 +9999\r\n" + PLAIN),
                ("a long line", FROM + b"\r\n" + b"x" * 1_000_000 + b"\r\n")):
            with self.subTest(what):
                self.odd(what, wire)

    def odd(self, what, wire):
        """Either stream; what is missing because Postfix sees no header any more is ambiguous."""
        lost = what in ("a folded line first",)
        self.both(what, wire, "unmatched" if lost else "desk")

    def test_no_colon_before_from(self):
        self.both("a line without colon before From", b"no colon here\r\n" + FROM + PLAIN, "unmatched")

    def test_a_field_of_ten_megabytes(self):
        self.both("one field of 10 MB", FROM + b"X-Big: " + b"x" * 10_000_000 + b"\r\n" + PLAIN, "desk")
        self.both("one folded field of 10 MB", FROM + b"X-Big: x\r\n" + b" yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 200_000 + PLAIN, "desk")
        self.both("a From of 10 MB", b"From: " + b"x" * 10_000_000 + b" <a@desk.test>\r\n" + PLAIN, "unmatched")

    def test_fields_of_ten_megabytes(self):
        self.both("200 fields of 50 KB", FROM + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 50_000) for i in range(200)) + PLAIN, "unmatched")

    def test_five_thousand_fields(self):
        started = time.monotonic()
        self.both("5,000 fields", FROM + b"".join(b"X-%d: y\r\n" % i for i in range(5000)) + PLAIN, "unmatched")
        self.both("5,000 fields before From", b"".join(b"X-%d: y\r\n" % i for i in range(5000)) + FROM + PLAIN, "unmatched")
        self.both("a thousand addresses in From", b"From: " + b",\r\n ".join(b"a%d@desk.test" % i for i in range(1000)) + b"\r\n" + PLAIN, "unmatched")
        self.assertLess(time.monotonic() - started, 20)


class Addresses(Bad):
    def rcpt(self, line):
        with self.relay.client() as client:
            self.assertTrue(client.mail("a@desk.test").ok)
            reply = client.command(line)
            self.tell(repr(line), reply)
            if reply.ok:
                final = client.data(mail(sender="Desk <a@desk.test>"))
                self.tell("  and its message", final)
                reply = final
            self.assertEqual(client.command("NOOP").code, 250)
        return reply

    def test_recipients(self):
        long_local, long_domain = b"l" * 64, b".".join([b"d" * 60] * 4) + b".test"
        for line, codes in (
                (b"RCPT TO:<>", (501, 550, 553)), (b"RCPT TO:<@>", (501, 550, 553)), (b"RCPT TO:", (501,)), (b"RCPT TO:< >", (501, 550, 553)),
                (b"RCPT TO:<@a.test,@b.test:route@person.test>", (250, 550)), (b"RCPT TO:<a(note)@person.test>", (250, 501, 550)),
                (b"RCPT TO:<a@b@person.test>", (250, 550, 553, 554)), (b'RCPT TO:<"two words"@person.test>', (250,)),
                (b'RCPT TO:<"a\\"b"@person.test>', (250,)), (b"RCPT TO:<.a..b.@person.test>", (250, 501, 550)), (b"RCPT TO:<a@[127.0.0.1]>", (250, 550)),
                (b"RCPT TO:<a@person..test>", (250, 450, 501, 550, 553)), (b"RCPT TO:<a@-person-.test>", (250, 450, 501, 550)),
                (b"RCPT TO:<a%b@person.test>", (250, 550, 554)), (b"RCPT TO:<b!a@person.test>", (250, 550)), (b"RCPT TO:<a@person.test.>", (250, 550)),
                (b"RCPT TO:<\xc3\xa9@person.test>", (250, 501, 550, 553)), (b"RCPT TO:<\xff\xfe@person.test>", (250, 500, 501, 550, 553)),
                (b"RCPT TO:<a\0b@person.test>", (250, 501, 550, 553)), (b"RCPT TO:<a\x01\x7fb@person.test>", (250, 501, 550, 553)),
                (b"RCPT TO:<" + long_local + b"@person.test>", (250,)), (b"RCPT TO:<" + long_local * 20 + b"@person.test>", (250, 501, 550)),
                (b"RCPT TO:<a@" + long_domain + b">", (250, 501, 550)), (b"RCPT TO:<a@" + long_domain * 5 + b">", (250, 450, 501, 550)),
                (b"RCPT TO:<" + b"x" * 100_000 + b"@person.test>", (250, 500, 501, 550)), (b"RCPT TO:<a@xn--a.test>", (250, 550)),
                (b"RCPT TO:<a@1.2.3.4>", (250, 501, 550)), (b"RCPT TO:<x@s1." + GATE_DOMAIN.encode() + b">", (550,))):
            with self.subTest(line[:60]):
                reply = self.rcpt(line)
                self.assertIn(reply.code, codes, reply)
                self.assertNotEqual(reply.code // 100, 4 if 450 not in codes else 0, "an address that cannot be read is no reason to try again")

    def test_senders(self):
        for line in (b"MAIL FROM:<\xff\xfe\x80@desk.test>", b"MAIL FROM:<a\0b@desk.test>", b"MAIL FROM:<a\x01b@desk.test>", b"MAIL FROM:<a@b@desk.test>",
                     b"MAIL FROM:<\"a b\"@desk.test>", b"MAIL FROM:<@x.test:a@desk.test>", b"MAIL FROM:<a(c)@desk.test>", b"MAIL FROM:<nobody>",
                     b"MAIL FROM:<" + b"s" * 5000 + b"@desk.test>", b"MAIL FROM:<a@" + b"d." * 1000 + b"test>", b"MAIL FROM:<a%s%n%x@desk.test>"):
            with self.subTest(line[:60]), self.relay.client() as client:
                reply = client.command(line)
                self.tell(repr(line), reply)
                self.assertIn(reply.code, (250, 500, 501, 550, 553))
                if reply.ok:
                    address = self.person()
                    taken = client.rcpt(address)
                    if taken.ok:
                        final = client.data(mail())
                        self.tell("  and its message", final)
                        self.assertEqual(final.code, 250, final)
                        self.sink.wait_to(address)
                self.assertEqual(client.command("NOOP").code, 250)


class Crowds(Bad):
    COUNT = 100_000

    def test_a_hundred_thousand_recipients(self):
        """Only what Postfix takes reaches us: 1,000, and then 452."""
        started = time.monotonic()
        with self.relay.client(timeout_s=100) as client:
            self.assertTrue(client.mail("a@desk.test").ok)
            lines = b"".join(b"RCPT TO:<r%d@crowd.test>\r\n" % i for i in range(self.COUNT))
            writer = threading.Thread(target=client.write, args=(lines,), daemon=True)
            writer.start()
            codes = [client.read().code for _ in range(self.COUNT)]
            writer.join()
            self.assertEqual({code: codes.count(code) for code in set(codes)}, {250: 1000, 452: self.COUNT - 1000})
            reply = client.data(mail(sender="Desk <a@desk.test>"))
        self.tell("100,000 recipients", reply)
        self.assertEqual(reply.code, 250)
        wait_for(lambda: sum(a.endswith("@crowd.test") for m in list(self.sink.mails) for a in m.taken) == 1000, "1,000 at the sink", 30, 0.1)
        self.assertEqual(len(self.tactd.entries(kind="decision", queue_id=reply.queue_id)), 1000)
        took = time.monotonic() - started
        print("100,000 recipients took %.1f s" % took)
        self.assertLess(took, 90, "under 20 on an idle machine of two cores")


def packet(data):
    return struct.pack(">I", len(data)) + data


class Protocols(Bad):
    """tactd's own doors, spoken to by somebody who is not Postfix."""

    NEGOTIATE = packet(b"O" + struct.pack(">III", 6, 0x1ff, 0x1fffff))

    def throw(self, address, data, answer=False):
        """Sends, hangs up; with answer, reads what comes until the other side says something or hangs up."""
        sock = connect(address, 10)
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while answer and sock.recv(65536):
                pass
        except OSError:
            pass
        finally:
            sock.close()

    def test_milter(self):
        dice = random.Random(SEED)
        print("seed", SEED)
        connected = self.NEGOTIATE + packet(b"C" + b"client.test\0" + b"4" + struct.pack(">H", 25) + b"127.0.0.1\0")
        packets = [
            b"", b"\0", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xffO", b"\0\0\0\1", b"\0\0\0\x0dO\0\0", packet(b"O"), packet(b"\0" * 13),
            self.NEGOTIATE + packet(b"C"), self.NEGOTIATE + packet(b"C\0\0"), self.NEGOTIATE + packet(b"CnoNUL"), self.NEGOTIATE + packet(b"Chost\0" + b"Z"),
            self.NEGOTIATE + packet(b"Chost\0" + b"4\0"), self.NEGOTIATE + packet(b"E"), connected + packet(b"M"), connected + packet(b"M\0"),
            connected + packet(b"Mno NUL"), connected + packet(b"R<a@b.test>\0"), connected + packet(b"E"), connected + packet(b"B" + b"x" * 65535),
            connected + packet(b"L"), connected + packet(b"LFrom"), connected + packet(b"LFrom\0") + packet(b"LFrom\0x"), connected + packet(b"N") * 3,
            connected + packet(b"A") * 50 + packet(b"E"), connected + packet(b"D") + packet(b"DM") + packet(b"DMi\0") + packet(b"DMi"),
            connected + packet(b"M<a@desk.test>\0") + packet(b"M<b@desk.test>\0") + packet(b"R<p@person.test>\0") + packet(b"E"),
            connected + packet(b"M<a@desk.test>\0") + packet(b"R\0") + packet(b"R<>\0") + packet(b"R<\xff\xfe@\x80>\0") + packet(b"E"),
            connected + packet(b"M<a@desk.test>\0") + packet(b"L\0\0") + packet(b"L\xff\0\xff\0") * 3000 + packet(b"E"),
            connected + packet(b"M\0A=\0B\0") + packet(b"R" + b"x" * 60000 + b"\0") + packet(b"E"),
        ]
        packets += [dice.randbytes(dice.randrange(1, 400)) for _ in range(150)]
        packets += [connected + b"".join(packet(bytes([dice.choice(b"ABCDEHKLMNOQRTUx")]) + dice.randbytes(dice.randrange(60)))
                                         for _ in range(dice.randrange(1, 12))) for _ in range(150)]
        for address in (self.tactd.port, self.tactd.local_socket):
            for data in packets:
                self.throw(address, data, answer=True)

    def test_milter_connections(self):
        many = [connect(self.tactd.port, 10) for _ in range(300)]
        for index, sock in enumerate(many):
            sock.sendall(self.NEGOTIATE[:index % len(self.NEGOTIATE)])
        address = self.person()
        self.assertEqual(self.relay.send("a@desk.test", address, mail(sender="Desk <a@desk.test>")).code, 250, "half-open ones hold nobody up")
        for sock in many:
            sock.close()

    def test_lmtp(self):
        dice = random.Random(SEED)
        print("seed", SEED)
        claim = b"%032x.mfxg4@s1." % 1 + GATE_DOMAIN.encode()
        words = [b"LHLO x", b"MAIL FROM:<a@b.test>", b"RCPT TO:<" + claim + b">", b"DATA", b".", b"RSET", b"NOOP", b"XFORWARD NAME=+", b"XFORWARD IDENT=" + b"+" * 500,
                 b"MAIL FROM:<> SIZE=99999999999999999999 BODY=9BIT ENVID=+XX RET=", b"RCPT TO:<" + claim + b"> NOTIFY=,,, ORCPT=rfc822;+", b"BDAT 1", b"EHLO", b"VRFY a"]
        lines = [b"x" * 1048576 + b"\r\n", b"x" * 1048576, b"\r\n" * 5000, b"\n" * 5000, b"\0" * 5000 + b"\r\n", b"MAIL FROM:<" + b"a" * 1048576 + b">\r\n",
                 b"LHLO x\r\nMAIL FROM:<a@b.test>\r\n" + b"RCPT TO:<" + claim + b">\r\n", b"LHL", b"LHLO x\r\nDATA\r\n.\r\n"]
        lines += [dice.randbytes(dice.randrange(1, 400)) for _ in range(100)]
        lines += [b"\r\n".join(dice.choice(words) for _ in range(dice.randrange(1, 15))) + b"\r\n" for _ in range(100)]
        lines += [b"LHLO x\r\nMAIL FROM:<a@b.test>\r\n" + b"".join(b"RCPT TO:<%032x.mfxg4@s1.%s>\r\n" % (i, GATE_DOMAIN.encode()) for i in range(2000))]
        started = time.monotonic()
        for data in lines:
            self.throw(self.tactd.gate_socket, data, answer=True)
        self.assertLess(time.monotonic() - started, 60)
        self.greets()

    def greets(self):
        def ask():
            with Client(self.tactd.gate_socket, lmtp=True) as client:
                return client.banner.code == 220 and client.command("NOOP").code == 250
        wait_for(ask, "the gate's greeting", 10, 0.1)

    def test_lmtp_connections(self):
        many = []
        for index in range(400):
            sock = connect(self.tactd.gate_socket, 10)
            sock.sendall((b"LHLO x\r\nMAIL FROM:<a@b.test>\r\n")[:index % 30])
            many.append(sock)
        first = b"".join(sock.recv(4) for sock in many[::40])
        self.assertTrue(re.fullmatch(rb"(?:220 |421 )+", first), first)
        for sock in many:
            sock.close()
        self.greets()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""The gate when something around it is wrong: the store slow or gone, the gate dead, the next hop down or refusing, a main.cf that refuses
everything, clients that speak of the gate's domains."""

import base64
import ctypes
import os
import re
import signal
import subprocess
import time

from gated import Gated, people, person
from harness import GATE_DOMAIN, REVIEW_DOMAIN, Client, free_port, mail, main, wait_for

MDB_NOTLS = 0x200000


class StoreLock:
    """Another process at work on an LMDB store: holds its only write lock until released."""

    def __init__(self, folder):
        self.lmdb = ctypes.CDLL("liblmdb.so.0")
        self.env, self.txn = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("mdb_env_create", ctypes.byref(self.env))
        self.call("mdb_env_set_maxdbs", self.env, ctypes.c_uint(16))
        self.call("mdb_env_open", self.env, folder.encode(), ctypes.c_uint(MDB_NOTLS), ctypes.c_int(0o600))
        self.call("mdb_txn_begin", self.env, None, ctypes.c_uint(0), ctypes.byref(self.txn))

    def call(self, name, *args):
        status = getattr(self.lmdb, name)(*args)
        if status:
            raise OSError("%s: status %d" % (name, status))

    def release(self):
        if self.env:
            self.lmdb.mdb_txn_abort(self.txn)
            self.lmdb.mdb_env_close(self.env)
            self.env = None


class Faults(Gated):
    settings = {"rcpt_timeout": "1s", "message_timeout": "3s", "gate_timeout": "2s"}
    main = {"minimal_backoff_time": "2s", "maximal_backoff_time": "2s", "queue_run_delay": "2s"}

    def gate_pid(self):
        """The process that serves the gate, as it signs its log lines."""
        return int(re.match(r"tactd\[(\d+)\]", self.tactd.grep("gate=waits")[-1]).group(1))

    def test_a_slow_store(self):
        address, late = people(2)
        sent = self.delay(late)
        lock = StoreLock(self.tactd.store)
        self.addCleanup(lock.release)
        body = mail(sender="a@head.test")
        began = time.monotonic()
        reply = self.send("a@head.test", address, body=body)
        took = time.monotonic() - began
        self.assertEqual((reply.code, reply.status), (451, "4.3.0"), reply)
        self.assertLess(took, 5, "within message_timeout")
        began = time.monotonic()
        with self.relay.client() as client:
            client.mail("a@head.test")
            self.assertEqual(client.rcpt(address).code, 250, "an answer at RCPT is a read")
        self.assertLess(time.monotonic() - began, 1)
        with Client(self.tactd.gate_socket, lmtp=True) as gate:
            gate.mail("b@leeds.test")
            self.assertIn("next place", gate.rcpt(self.queued(sent.queue_id)[0][0]).text)
        lock.release()
        self.assertEqual(self.send("a@head.test", address, body=body).code, 250)
        self.sink.wait_to(address)
        self.assertEqual(len(self.tactd.tact_json("show", address)["contacts"]), 1, "the retry is the same mail")
        self.fall_due()
        self.sink.wait_to(late, 2)
        self.wait_gone(sent.queue_id)

    def test_a_dead_gate_holds_up_nobody_else(self):
        late = people(30)
        self.delay(late[0])
        self.meet(*late[1:])
        pid = self.gate_pid()
        os.kill(pid, signal.SIGSTOP)
        self.addCleanup(os.kill, pid, signal.SIGCONT)
        for address in late[1:]:
            self.accepted(self.send("b@leeds.test", address))
        self.relay.wait_queue(lambda queue: sum(one["queue_name"] == "active" for one in queue) >= 20, "mails stuck at the gate")
        for _ in range(5):
            fresh, began = person("fresh"), time.monotonic()
            self.accepted(self.send("a@head.test", fresh))
            self.sink.wait_to(fresh, timeout_s=5)
            self.assertLess(time.monotonic() - began, 2)
        os.kill(pid, signal.SIGCONT)
        self.relay.wait_queue(lambda queue: all("delay_reason" in rcpt for one in queue for rcpt in one["recipients"]), "all of them waiting", 60)
        self.fall_due()
        for address in late:
            self.sink.wait_to(address, 2, 60)
        self.relay.wait_empty()

    def test_with_the_store_down_the_gate_greets_421(self):
        late = person()
        sent = self.delay(late)
        store = self.tactd.settings["store"]
        self.tactd.stop()
        self.tactd.configure({"store": "fail:"})
        self.tactd.spawn()
        try:
            wait_for(lambda: os.path.exists(self.tactd.gate_socket), "the gate's door")
            self.relay.wait_log(r"refused to talk to me: 421 4\.3\.0 the store does not answer")
            reply = self.send("a@head.test", person())
            self.assertEqual((reply.code, reply.status[:2]), (451, "4."), reply)
        finally:
            self.tactd.stop()
            self.tactd.configure({"store": store})
            self.tactd.start()
        self.fall_due()
        self.sink.wait_to(late, 2, 60)
        self.wait_gone(sent.queue_id)

    def test_a_pass_listener_that_is_down(self):
        late = person()
        sent = self.delay(late)
        hidden = self.relay.pass_socket + ".away"
        os.rename(self.relay.pass_socket, hidden)
        try:
            self.fall_due()
            self.tactd.wait_log("bell: Postfix was not rung")
            self.relay.wait_log(r"%s: .*status=deferred .*said: 451 4\.4\.1 re-injection listener" % sent.queue_id)
            self.assertIsNotNone(self.queued(sent.queue_id))
            self.assertEqual([one for one in self.sink.to("b@leeds.test") if late.encode() in one.data], [])
        finally:
            os.rename(hidden, self.relay.pass_socket)
        self.sink.wait_to(late, 2)
        self.wait_gone(sent.queue_id)
        self.assertEqual(len(self.sink.to(late)), 2)

    def test_a_pass_listener_that_refuses(self):
        late = person()
        sent = self.delay(late)
        self.relay.tool("postconf", "-P", "tact-pass/unix/smtpd_recipient_restrictions=reject")
        self.relay.settle()
        self.relay.reload()
        self.fall_due()
        self.relay.wait_log(r"%s: .*status=deferred .*said: 451 4\.3\.0 re-injection listener: 554 5\.7\.1" % sent.queue_id)
        self.tactd.wait_log(r"ALARM: the re-injection listener .*refuses mail for <%s>: 554 5\.7\.1" % re.escape(late))
        self.assertEqual([one for one in self.sink.to("b@leeds.test") if late.encode() in one.data], [], "never a bounce")
        self.relay.tool("postconf", "-P", "tact-pass/unix/smtpd_recipient_restrictions=permit_mynetworks,reject")
        self.relay.settle()
        self.relay.reload()
        self.sink.wait_to(late, 2)
        self.wait_gone(sent.queue_id)
        self.assertEqual(len(self.sink.to(late)), 2)

    def test_an_unknown_claim_stays_queued(self):
        address = "%s.mfxg4qdymvzhg33ofz2gk43u@s1.%s" % ("7" * 32, GATE_DOMAIN)
        with Client(self.relay.pass_socket) as client:
            sent = self.accepted(client.send("b@leeds.test", address, mail()))
        self.relay.wait_log(r"%s: .*status=deferred .*said: 451 4\.7\.1 not known here as waiting" % sent.queue_id)
        self.assertEqual([one[0] for one in self.queued(sent.queue_id)], [address])
        self.relay.tool("postsuper", "-d", sent.queue_id)

    def test_a_client_naming_a_gate_domain_is_refused(self):
        with self.relay.client() as client:
            client.mail("a@head.test")
            for address in ("x@s1." + GATE_DOMAIN, "x@" + GATE_DOMAIN, "x@S1." + GATE_DOMAIN.upper(), "x@r1." + REVIEW_DOMAIN,
                            "%s.mfxg4@s1.%s" % ("0" * 32, GATE_DOMAIN)):
                reply = client.rcpt(address)
                self.assertEqual((reply.code, reply.status), (550, "5.7.1"), (address, reply))
            self.assertEqual(client.rcpt(person(domain="nearly" + GATE_DOMAIN)).code, 250)
        self.assertEqual(self.relay.queue(), [])

    def test_other_users_cannot_reach_the_sockets(self):
        code = ("import socket, sys\n"
                "for path in sys.argv[1:]:\n"
                "    try:\n        socket.socket(socket.AF_UNIX).connect(path); print('open')\n"
                "    except OSError as error: print(error.errno)\n")
        paths = [self.tactd.gate_socket, self.tactd.local_socket, self.relay.pass_socket, self.relay.refuse_socket]
        done = subprocess.run(["python3", "-c", code] + paths, user="nobody", group="nogroup", extra_groups=[], capture_output=True, check=True)
        self.assertEqual(done.stdout.split(), [b"13"] * 4, "EACCES for each of %r" % paths)

    def test_a_gate_that_answers_is_quick(self):
        late = people(100)
        sent = self.delay(*late)
        with Client(self.tactd.gate_socket, lmtp=True) as gate:
            gate.mail("b@leeds.test")
            worst = 0
            for address, _ in self.queued(sent.queue_id):
                began = time.monotonic()
                self.assertIn("next place", gate.rcpt(address).text)
                worst = max(worst, time.monotonic() - began)
        self.assertLess(worst, 2)
        self.relay.tool("postsuper", "-d", sent.queue_id)


REJECT = {"smtpd_%s_restrictions" % stage: "reject" for stage in ("client", "helo", "sender", "relay", "recipient", "data", "end_of_data", "etrn")}
HARD = dict(REJECT, **{
    "smtpd_delay_reject": "no", "smtpd_helo_required": "yes", "smtpd_tls_security_level": "encrypt",
    "smtpd_discard_ehlo_keywords": "dsn, 8bitmime, smtputf8, pipelining, etrn, xforward, enhancedstatuscodes, size",
    "lmtp_discard_lhlo_keywords": "dsn, 8bitmime, smtputf8, pipelining, xforward", "lmtp_tls_security_level": "encrypt",
    "lmtp_line_length_limit": "100", "header_checks": "regexp:{ { /^Subject:/ REJECT not this } }", "body_checks": "regexp:{ { /./ REJECT nor this } }",
    "content_filter": "error:5.7.1 the content filter", "smtpd_proxy_filter": "127.0.0.1:9", "message_size_limit": "8000",
    "mynetworks": "192.0.2.0/24", "smtpd_recipient_limit": "3", "smtpd_sasl_auth_enable": "no", "smtpd_reject_unlisted_sender": "yes",
    "smtpd_authorized_xforward_hosts": "", "smtpd_authorized_xclient_hosts": "", "local_header_rewrite_clients": "permit_mynetworks",
    "smtpd_client_connection_rate_limit": "5", "smtpd_client_message_rate_limit": "5", "smtpd_client_recipient_rate_limit": "5",
    "smtpd_junk_command_limit": "1",
})
ENTRY = """127.0.0.1:%d inet n - n - - smtpd
  -o smtpd_tls_security_level=none -o content_filter= -o smtpd_proxy_filter= -o smtpd_delay_reject=yes -o mynetworks=127.0.0.0/8
  -o smtpd_client_restrictions= -o smtpd_helo_restrictions= -o smtpd_sender_restrictions= -o smtpd_relay_restrictions=permit_mynetworks,reject
  -o smtpd_recipient_restrictions= -o smtpd_data_restrictions= -o smtpd_end_of_data_restrictions= -o smtpd_discard_ehlo_keywords=
  -o receive_override_options=no_header_body_checks -o message_size_limit=0 -o smtpd_recipient_limit=1000 -o smtpd_helo_required=no
  -o cleanup_service_name=entry-cleanup -o smtpd_client_event_limit_exceptions=127.0.0.0/8
entry-cleanup unix n - n - 0 cleanup
  -o message_size_limit=0
"""


class Misfits(Gated):
    """What Postfix takes for an address and tact does not: refused, and bounced at once where others of the message are not."""

    def test_among_others_it_bounces(self):
        """Not even the listener for refusals takes such a recipient, so the bounce is Postfix's own."""
        for number, odd in enumerate(("odd%d@-person.test", "odd%d@person-.test", "odd%d@xn--a.test")):
            good, bad, sender = person("fine"), odd % number, "odd%d@leeds.test" % number
            self.relay.sendmail(mail(sender=sender), good, bad, sender=sender)
            self.sink.wait_to(good)
            _, (block,) = self.wait_bounce(sender, bad.encode())
            self.assertEqual((block["Original-Recipient"], block["Status"]), ("rfc822;" + bad, "5.1.3"))
            self.assertEqual(self.sink.to(bad), [])
        self.relay.wait_empty()
        refused = self.tactd.entries(kind="decision", verdict="reject", code="5.1.3", action="bounce")
        self.assertEqual(len(refused), 3)

    def test_what_was_never_refused_so_stays_queued(self):
        """The same words under another ring are not believed: a mistake of ours must not bounce anybody's mail."""
        with Client(self.tactd.gate_socket, lmtp=True) as gate:
            gate.mail("b@leeds.test")
            made = "%s.%s@%%s.%s" % ("0" * 32, base64.b32encode(b"odd@-person.test").decode().rstrip("=").lower(), GATE_DOMAIN)
            self.assertEqual(gate.rcpt(made % "s1").code, 451)
            self.assertEqual(gate.rcpt("nonsense@s1." + GATE_DOMAIN).code, 451)
            fine = "%s.%s@no-address.%s" % ("0" * 32, base64.b32encode(b"ann@person.test").decode().rstrip("=").lower(), GATE_DOMAIN)
            self.assertEqual(gate.rcpt(fine).code, 451, "an address after all: its claim is unknown")


class Hardened(Gated):
    """A main.cf that refuses everything; mail comes in by a service of its own, and released mail must pass all the same."""
    main = HARD

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.entry = free_port()
        cls.relay.master(ENTRY % cls.entry)

    def send(self, sender, *rcpts, body=None, **options):
        with Client(self.entry) as client:
            return client.send(sender, list(rcpts), body or mail(sender="Desk <%s>" % sender), **options)

    def test_the_front_door_is_shut(self):
        with self.relay.client() as client:
            self.assertFalse(client.mail("a@head.test").ok)

    def test_released_mail_passes(self):
        late = people(10)
        body = mail(sender="b@leeds.test", body="A long \u00e4 line: %s\r\n" % ("x" * 900) + "y" * 60 + "\r\n" * 10 + ("z" * 78 + "\r\n") * 150 + "end\r\n")
        sent = self.delay(*[(address, "NOTIFY=FAILURE,DELAY") for address in late], body=body, mail_args="BODY=8BITMIME ENVID=hard")
        self.fall_due()
        for address in late:
            got = self.sink.wait_to(address, 2)[1]
            self.assertIn("ENVID=hard", got.mail_args)
            (own,) = [rcpt for rcpt in got.rcpts if rcpt.address == address]
            self.assertRegex(own.args, "NOTIFY=(FAILURE,DELAY|DELAY,FAILURE)")
        self.wait_gone(sent.queue_id)
        again = [entry for entry in self.tactd.entries(kind="outcome", action="reinjected") if entry["queue_id"] == sent.queue_id]
        self.assertEqual(len(again), 10, "XFORWARD told the first queue id")

    def test_a_wide_address_passes(self):
        address = "\u00e4\u00f6@b\u00fccher.test"
        sent = self.delay(address, mail_args="SMTPUTF8")
        self.fall_due()
        self.sink.wait_to(address, 2)
        self.wait_gone(sent.queue_id)

    def test_a_refusal_bounces(self):
        late = person()
        sent = self.delay(late)
        self.suppress(late)
        self.fall_due()
        _, (block,) = self.wait_bounce("b@leeds.test", late.encode())
        self.assertEqual(block["Final-Recipient"], "rfc822; " + late)
        self.wait_gone(sent.queue_id)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Two relays on one database: what one counts or learns the other obeys at its next message, each keeps and rings what it took itself, and
the evidence of each names it."""

import os
import subprocess
import sys
import threading
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "store"))

from client import Client, stuffed
from gated import SECTIONS, STEP_S, SeenElsewhere, person
from harness import GATE_DOMAIN, Case, Site, Tactd, mail, main, section, wait_for
from servers import PATIENCE, Servers, skip_without_servers


TRUSTING = SECTIONS + [section("trusted", listeners=["smtp"])]  # a header may name a campaign


class TwoRelays(SeenElsewhere, Case):
    time_limit_s = 120

    @classmethod
    def setUpClass(cls):
        cls.servers = Servers()
        cls.addClassCleanup(cls.servers.close)
        cls.database = cls.servers.store("main")
        cls.room_ = cls.class_room()
        settings = {"store": cls.database.url(), "slot_length": "1s", "rcpt_timeout": "2s", "message_timeout": "4s"}
        cls.left = Site(cls.room_, name="left", sections=TRUSTING, settings=dict(settings, host="left.test")).start()
        cls.right = Site(cls.room_, name="right", sections=TRUSTING,
                         settings=dict(settings, host="right.test", key_file=cls.left.tactd.key_file)).start()
        cls.shift = 0

    def send(self, site, sender, rcpt, body=None):
        return site.relay.send(sender, [rcpt], body or mail(sender="Desk <%s>" % sender))

    def accepted(self, sent):
        self.assertEqual(sent.code, 250, sent)
        return sent

    def fall_due(self):
        type(self).shift += STEP_S
        for site in (self.left, self.right):
            site.tactd.set_clock("+%d" % self.shift)

    def delay(self, address):
        """A mail that the left relay sent, and one that waits at the right one for it."""
        self.accepted(self.send(self.left, "a@head.test", address))
        self.left.sink.wait_to(address)
        sent = self.accepted(self.send(self.right, "b@leeds.test", address))
        self.right.relay.wait_queue(lambda queue: [one for one in queue if one["queue_id"] == sent.queue_id and one["queue_name"] == "deferred"],
                                    "%s parked" % sent.queue_id)
        return sent

    def test_an_unsubscribe_is_obeyed_by_the_other_at_its_next_message(self):
        address = person()
        self.accepted(self.send(self.right, "a@head.test", address))
        self.left.tactd.tact("suppress", "--reason", "unsubscribe", address)
        self.assertEqual(self.send(self.right, "b@leeds.test", address).code, 550)
        self.assertEqual(self.send(self.left, "b@leeds.test", address).code, 550)
        self.assertEqual({entry["host"] for entry in self.right.tactd.entries(kind="decision")}, {"right.test"})

    def test_what_one_relay_sent_counts_at_the_other_and_its_own_bell_wakes_the_mail(self):
        address = person()
        sent = self.delay(address)
        (entry,) = self.right.tactd.entries(kind="decision", queue_id=sent.queue_id)
        self.assertEqual((entry["verdict"], entry["host"]), ("delay", "right.test"))
        self.assertEqual(self.right.sink.to(address), [])
        self.fall_due()
        self.assertEqual(len(self.right.sink.wait_to(address)), 1)
        self.right.relay.wait_empty()
        self.assertEqual(len(self.left.sink.to(address)), 1, "the other relay has nothing of it")
        self.assertEqual(len(self.left.tactd.tact_json("show", address)["contacts"]), 2)

    def test_an_unsubscribe_learned_elsewhere_stops_what_waits(self):
        address, sender = person(), "b@leeds.test"
        sent = self.delay(address)
        self.left.tactd.tact("suppress", "--reason", "unsubscribe", address)
        self.fall_due()
        wait_for(lambda: [one for one in self.right.sink.to(sender) if one.sender == "" and address.encode() in one.data], "a bounce", 30)
        self.right.relay.wait_queue(lambda queue: all(one["queue_id"] != sent.queue_id for one in queue), "it to be gone")
        self.assertEqual(self.right.sink.to(address), [])

    def test_what_is_done_to_a_campaign_is_seen_by_the_other_within_two_seconds(self):
        self.watch_all("everywhere")

    def test_clocks_that_differ_stop_the_mail_for_now(self):
        now = "CREATE OR REPLACE FUNCTION tact.tact_now() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT (extract(epoch FROM clock_timestamp() %s) * 1000000)::bigint'"
        self.accepted(self.send(self.left, "a@head.test", person()))
        self.database.sql(now % "+ interval ''10 minutes''")
        try:
            sent = self.send(self.left, "a@head.test", person())
            self.assertEqual((sent.code, sent.status), (451, "4.3.0"), sent)
            self.assertIn("clock", sent.text)
            self.left.tactd.wait_log(r"600 s ahead of this machine|599 s ahead of this machine")
        finally:
            self.database.sql(now % "")
        wait_for(lambda: self.send(self.left, "a@head.test", person()).code == 250, "mail to go again")

    def test_clocks_that_differ_keep_what_is_due_at_the_gate(self):
        address = person()
        sent = self.delay(address)
        now = "CREATE OR REPLACE FUNCTION tact.tact_now() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT (extract(epoch FROM clock_timestamp() %s) * 1000000)::bigint'"
        self.database.sql(now % "+ interval ''10 minutes''")
        try:
            self.fall_due()
            self.right.relay.wait_queue(lambda queue: [rcpt for one in queue if one["queue_id"] == sent.queue_id for rcpt in one["recipients"]
                                                       if "451" in rcpt.get("delay_reason", "") and "clock" in rcpt["delay_reason"]],
                                        "the gate's 451 for the clock")
            self.assertEqual(self.right.sink.to(address), [])
        finally:
            self.database.sql(now % "")
        self.assertEqual(len(self.right.sink.wait_to(address, timeout_s=60)), 1)
        self.right.relay.wait_empty()

    def test_the_evidence_of_each_relay_names_it_and_tells_of_its_own_mail_only(self):
        address = person()
        sent = {site: self.accepted(self.send(site, "n@news.test", address)) for site in (self.left, self.right)}
        for site, host in ((self.left, "left.test"), (self.right, "right.test")):
            for queue_id in (one.queue_id for one in sent.values()):
                hosts = [entry["host"] for entry in site.tactd.entries(kind="decision", queue_id=queue_id)]
                self.assertEqual(hosts, [host] if queue_id == sent[site].queue_id else [], queue_id)
        self.assertEqual(len(self.left.tactd.tact_json("show", address)["contacts"]), 2, "and both tell of one person")

    def test_a_wrong_key_is_refused(self):
        stranger = Tactd(self.room_, name="stranger", sections=SECTIONS, settings={"store": self.database.url(), "host": "stranger.test"})
        stranger.spawn()
        self.assertNotEqual(stranger.wait_end(), 0)
        self.assertTrue(stranger.grep("wrong key"), stranger.log())

    def test_without_the_database_mail_waits_at_its_sender(self):
        address, body = person(), mail(sender="a@head.test")
        self.accepted(self.send(self.left, "a@head.test", person()))
        self.database.stop()
        sent = self.send(self.left, "a@head.test", address, body)
        self.assertEqual((sent.code, sent.status), (451, "4.3.0"), sent)
        self.database.start()
        wait_for(lambda: self.send(self.left, "a@head.test", address, body).code == 250, "mail to go again by itself", 30)
        self.assertEqual(len(self.left.tactd.tact_json("show", address)["contacts"]), 1)


class AtTheEnd(Case):
    time_limit_s = 120

    def setUp(self):
        servers = Servers()
        self.addCleanup(servers.close)
        self.database = servers.store("main")
        settings = {"store": self.database.url(), "rcpt_timeout": "2s", "message_timeout": "8s"}
        self.site_ = self.site(sections=SECTIONS, settings=settings)

    def hold_writes(self):
        """A session that lets nobody write, as long as it is there."""
        lock = subprocess.Popen(["psql", "-XAtq", "-h", self.database.servers.dir, "-p", str(self.database.port), "-U", "postgres", "tact"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(lock.communicate)
        self.addCleanup(lock.kill)
        lock.stdin.write(b"BEGIN; LOCK TABLE tact.tact_record IN EXCLUSIVE MODE; SELECT 1;\n")
        lock.stdin.flush()
        self.assertEqual(lock.stdout.readline(), b"1\n")

    def writers_wait(self):
        return int(self.database.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tact' AND wait_event_type = 'Lock'"
                                     " AND query LIKE '%tact_commit%'"))

    def waiting_address(self):
        """Of a mail that waits, as Postfix names it at the gate."""
        rcpt = person()
        for sender in ("a@head.test", "b@leeds.test"):
            self.assertEqual(self.site_.relay.send(sender, [rcpt], mail(sender=sender)).code, 250)
        self.site_.relay.wait_deferred(1)
        (address,) = (one["address"] for message in self.site_.relay.queue() for one in message["recipients"] if GATE_DOMAIN in one["address"])
        return address

    def client_at_the_body(self):
        client = self.site_.relay.client()
        self.addCleanup(client.drop)
        for reply, code in ((client.mail("a@head.test"), 250), (client.rcpt(person()), 250), (client.command("DATA"), 354)):
            self.assertEqual(reply.code, code, reply)
        return client

    def test_asked_to_end_while_decisions_hang_it_answers_them_and_ends(self):
        waits = self.waiting_address()
        clients = [self.client_at_the_body() for _ in range(6)]
        idle = self.site_.relay.client()
        self.addCleanup(idle.drop)
        self.assertEqual(idle.send("a@head.test", [person()], mail(sender="a@head.test")).code, 250)
        self.assertEqual(idle.mail("a@head.test").code, 250)
        gate = Client(self.site_.tactd.gate_socket, lmtp=True)
        self.addCleanup(gate.drop)
        self.assertEqual(gate.mail("a@head.test").code, 250)
        self.hold_writes()
        for client in clients:
            client.write(stuffed(mail(sender="a@head.test")))
        wait_for(self.writers_wait, "decisions to hang")
        self.database.stall()
        gate.write("RCPT TO:<%s>\r\n" % waits)
        told = []
        asking = threading.Thread(target=lambda: (told.append(gate.read()), gate.close()))
        asking.start()
        began = time.monotonic()
        self.assertEqual(self.site_.tactd.stop(), 0)
        took_s = time.monotonic() - began
        print("ended %.1f s after it was asked to" % took_s, file=sys.stderr)
        self.assertEqual([(reply.code, reply.status) for reply in (client.read() for client in clients)], [(451, "4.3.0")] * len(clients))
        asking.join()
        self.assertEqual((told[0].code, told[0].status), (451, "4.3.0"), told)
        self.assertEqual(self.site_.tactd.grep("does not end|was killed"), [])
        self.assertLess(took_s, 28 * PATIENCE)


if __name__ == "__main__":
    skip_without_servers()
    main()

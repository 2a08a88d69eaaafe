#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""What was seen of Postfix and libmilter, each where it concerns us; and what had not been tried: a chroot, Postfix's own upgrades, more mails
in one slot than its flush service remembers. (Aliases, copies, VERP, `<>`, DSN options and double addresses are test_envelope's matter.)"""

import os
import re
import shutil
import time

from gated import Gated, in_memory, in_review, people, person
from harness import GATE_DOMAIN, Case, PostfixSink, Relay, mail, main, run, section, wait_for
from test_gate import StoreLock


class Seen(Gated):
    main = {"milter_content_timeout": "2s", "minimal_backoff_time": "5s", "queue_run_delay": "5s"}
    settings = {"message_timeout": "20s"}

    def test_the_queue_id_is_absent_at_the_first_rcpt_and_there_at_the_end(self):
        first, second, gone = people(3)
        self.suppress(gone)
        with self.relay.client() as client:
            client.mail("a@head.test")
            self.assertEqual(client.rcpt(gone).code, 550)
            self.assertEqual(client.rcpt(first).code, 250)
            self.assertEqual(client.rcpt(second).code, 250)
            queue_id = client.data(mail()).queue_id
        (refused,) = [one for one in self.tactd.entries(kind="decision", phase="rcpt", verdict="reject")][-1:]
        self.assertFalse(refused.get("queue_id"))
        self.tactd.wait_log(r"NOQUEUE: milter=smtp phase=rcpt verdict=reject to=<%s>" % re.escape(gone))
        self.assertEqual(len(self.decisions(queue_id)), 2)
        self.sink.wait_to(second)

    def test_queue_ids_change_under_requeue_and_the_mail_is_released_all_the_same(self):
        late = people(2)
        sent = self.delay(*late, mail_args="ENVID=keep")
        self.relay.tool("postsuper", "-r", sent.queue_id)
        self.relay.kick()

        def requeued():
            return [one for one in self.relay.queue() if one["queue_name"] == "deferred" and len(one["recipients"]) == 2]
        (again,) = wait_for(requeued, "the requeued mail waiting again", 30)
        self.assertNotEqual(again["queue_id"], sent.queue_id)
        self.assertEqual(len(self.decisions(again["queue_id"])), 0, "no milter was asked")
        self.fall_due()
        for address in late:
            self.assertEqual(self.sink.wait_to(address, 2)[1].sender, "b@leeds.test")
        self.relay.wait_empty()

    def test_what_postfix_releases_from_hold_passes_no_milter(self):
        """And the manual says so: an unsubscribe meanwhile is not seen."""
        address = person()
        self.read_news(address)
        self.sink.wait_to(address)
        sent = self.accepted(self.send("h@held.test", address))
        self.assertEqual([one["queue_name"] for one in self.relay.queue() if one["queue_id"] == sent.queue_id], ["hold"])
        self.suppress(address)
        before = len(self.tactd.entries(kind="decision"))
        self.relay.tool("postsuper", "-H", sent.queue_id)
        self.relay.flush(sent.queue_id)
        self.sink.wait_to(address, 2)
        self.assertEqual(len(self.tactd.entries(kind="decision")), before)
        done = run(["man", "-P", "cat", "-l", os.path.join(os.environ.get("TACT_SOURCE", "."), "src", "tactd.8")], check=False, env={"PATH": "/usr/bin:/bin"})
        if done.returncode == 0:
            self.assertIn(b"passes no milter", re.sub(rb".\x08|\s+", lambda found: b" " if found.group().isspace() else b"", done.stdout))

    def test_a_mixed_message_holds_no_innocent(self):
        innocent, odd = people(2)
        self.read_news(odd)
        sent = self.accepted(self.send("h@held.test", innocent, odd))
        self.sink.wait_to(innocent)
        ((address, _),) = self.wait_parked(sent.queue_id, 1)
        self.assertTrue(in_review(address), address)
        self.relay.tool("postsuper", "-d", sent.queue_id)

    def test_a_long_lived_client_hears_451_until_it_reconnects(self):
        with self.relay.client() as client:
            self.accepted(client.send("a@head.test", person(), mail()))
            self.tactd.restart()
            for _ in range(2):
                sent = client.send("a@head.test", person(), mail())
                self.assertEqual(sent.code, 451, sent)
        self.accepted(self.send("a@head.test", person()))

    def test_no_tactd_no_mail(self):
        """milter_default_action = tempfail."""
        self.tactd.stop()
        try:
            for sender in ("a@head.test", ""):
                self.assertEqual(self.send(sender, person()).code, 451)
            local = person("local")
            self.relay.sendmail(mail(), local, sender="a@head.test")
        finally:
            self.tactd.start()
        self.relay.kick()
        wait_for(lambda: self.relay.kick() or self.sink.to(local), "what sendmail(1) left in maildrop", 30, 0.5)

    def test_reload_is_usr1_and_is_seen_on_old_connections(self):
        address = person()
        self.addCleanup(self.reload_with, self.sections)
        with self.relay.client() as client:
            self.accepted(client.send("a@head.test", person(), mail()))
            self.reload_with(list(self.sections) + [section("limit", "none", at_most="0/7d", count=["newsletter"], streams=["launch"], action="reject",
                                                            text="read enough")])
            self.read_news(address)
            sent = client.send("a@head.test", address, mail())
            self.assertEqual((sent.code, sent.text), (550, "read enough"), sent)

    def reload_with(self, sections):
        count = len(self.tactd.grep("reloaded"))
        self.tactd.configure(sections=sections)
        self.tactd.reload()
        self.tactd.wait_log("reloaded", count + 1)

    def test_after_a_milter_timeout_the_retry_is_found_by_its_id(self):
        address, late = people(2)
        self.meet(late)
        lock = StoreLock(self.tactd.store)
        self.addCleanup(lock.release)
        body = mail(sender="b@leeds.test")
        reply = self.send("b@leeds.test", address, late, body=body)
        self.assertEqual(reply.code, 451, reply)
        self.relay.wait_log("milter .*(timed out|timeout)|can't read SMFIC_BODYEOB reply")
        lock.release()
        self.tactd.wait_log(r"action=\w+ verdict=\w+ to=<%s>" % re.escape(address))  # too late: nobody listens
        sent = self.accepted(self.send("b@leeds.test", address, late, body=body))
        self.sink.wait_to(address)
        self.wait_parked(sent.queue_id, 1)
        self.assertEqual(len(self.tactd.tact_json("show", address)["contacts"]), 1)
        self.assertEqual(len(self.tactd.tact_json("show", late)["claims"]), 1)
        self.fall_due()
        self.sink.wait_to(late, 2)
        self.wait_gone(sent.queue_id)
        self.assertEqual((len(self.sink.to(address)), len(self.sink.to(late))), (1, 2))

    def test_a_message_without_recipients_left_is_not_lost(self):
        """Postfix answers 250 to a message whose last recipient was deleted, and it is gone: we never do that."""
        gone = people(3)
        with self.relay.client() as client:
            client.mail("b@leeds.test")
            for address in gone:
                client.rcpt(address)
            self.suppress(*gone)
            reply = client.data(mail())
        self.assertEqual((reply.code, reply.status), (550, "5.7.1"), reply)

    def test_replies_are_short_ascii_and_one_line(self):
        address = "\u00e4\u00f6%s@person.test" % ("\u00fc" * 200)
        self.suppress(address)
        with self.relay.client() as client:
            client.mail("a@head.test", "SMTPUTF8")
            reply = client.rcpt(address)
        self.assertEqual((reply.code, reply.status), (550, "5.7.1"), reply)
        self.assertNotIn("\n", reply.text)
        self.assertTrue(reply.raw.isascii(), reply.raw)
        self.assertLess(len(reply.raw), 512)

    def test_two_thousand_edits_come_in_time(self):
        """Deleting a recipient costs Postfix time proportional to their number: the milter reports progress, or Postfix would give up."""
        late = people(1000)
        self.meet(*late)
        sent = self.accepted(self.send("b@leeds.test", *late))
        left = self.wait_parked(sent.queue_id, 1000, 60)
        self.assertEqual(len({address for address, _ in left}), 1000)
        self.relay.tool("postsuper", "-d", sent.queue_id)


class Probes(Gated):
    main = {"smtpd_recipient_restrictions": "reject_unverified_recipient, permit_mynetworks, reject", "address_verify_map": "",
            "address_verify_poll_count": "10", "address_verify_poll_delay": "1s", "unverified_recipient_reject_code": "550"}

    def test_address_verification_reaches_no_milter_and_counts_for_nobody(self):
        address, gone = people(2)
        self.sink.on("RCPT", re.escape(gone), "550 5.1.1 no such person")
        self.addCleanup(self.sink.relent)
        with self.relay.client(timeout_s=30) as client:
            client.mail("a@head.test")
            self.assertEqual(client.rcpt(gone).code, 550)
            self.assertEqual(client.rcpt(address).code, 250)
            self.accepted(client.send("a@head.test", address, mail())) if not client.rset().ok else None
        probes = [line for line in self.sink.saw("^RCPT") if address in line or gone in line]
        self.assertEqual(len(probes), 2, probes)
        self.assertEqual(self.tactd.entries(kind="decision"), [])


class Chroot(Gated):
    """Postfix's daemons in a chroot, as Debian has them."""
    main = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        path = os.path.join(cls.relay.etc, "master.cf")
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        jailed = []
        for at, line in enumerate(lines):
            fields = line.split()
            if re.match(r"[a-z0-9]", line) and len(fields) >= 8 and fields[7] in ("smtpd", "cleanup", "qmgr", "trivial-rewrite", "bounce", "flush", "smtp",
                                                                                  "pickup", "error"):
                fields[4] = "y"
                lines[at] = " ".join(fields)
                jailed.append(fields[0])
        cls.jailed = jailed
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        cls.tactd.stop()
        os.makedirs(os.path.join(cls.relay.spool, "tact"), exist_ok=True)
        cls.tactd.local_socket = os.path.join(cls.relay.spool, "tact", "local")
        cls.tactd.configure()
        cls.tactd.start()
        cls.relay.configure({"non_smtpd_milters": "unix:tact/local"})

    def test_accept_delay_release_and_refuse(self):
        self.assertIn("tact-pass", self.jailed)
        late, gone = people(2)
        sent = self.delay(late, gone)
        self.suppress(gone)
        self.fall_due()
        self.sink.wait_to(late, 2)
        _, (block,) = self.wait_bounce("b@leeds.test", gone.encode())
        self.assertEqual(block["Final-Recipient"], "rfc822; " + gone)
        self.wait_gone(sent.queue_id)

    def test_sendmail(self):
        address = person()
        self.meet(address)
        self.relay.sendmail(mail(sender="b@leeds.test"), address, sender="b@leeds.test")
        self.wait_all_parked(1)
        self.fall_due()
        self.sink.wait_to(address, 2)


class Upgrade(Gated):
    """`postfix set-permissions` and `upgrade-configuration`, with a list of files that names nothing outside this instance."""

    def test_they_keep_the_setup(self):
        late = person()
        sent = self.delay(late)
        keep = ("transport_maps", "fast_flush_domains", "smtpd_milters", "non_smtpd_milters", "milter_default_action")
        before = {name: self.relay.setting(name) for name in keep}
        services = self.relay.tool("postconf", "-M", "tact-pass/unix", "tact-refuse/unix", "tact-cleanup/unix", "tact-gate/unix").stdout
        self.own_file_list()
        for verb in ("set-permissions", "upgrade-configuration"):
            self.relay.tool("postfix", verb)
        self.assertEqual({name: self.relay.setting(name) for name in keep}, before)
        self.assertEqual(self.relay.tool("postconf", "-M", "tact-pass/unix", "tact-refuse/unix", "tact-cleanup/unix", "tact-gate/unix").stdout, services)
        self.relay.settle()
        self.relay.restart()
        self.fall_due()
        self.sink.wait_to(late, 2)
        self.wait_gone(sent.queue_id)

    def own_file_list(self):
        meta = self.relay.room.mkdir("meta")
        for name in os.listdir("/etc/postfix"):
            if name in ("postfix-script", "post-install"):
                shutil.copy(os.path.join("/etc/postfix", name), meta)
        source = next(path for path in ("/usr/share/postfix/postfix-files", "/etc/postfix/postfix-files", "/usr/lib/postfix/postfix-files",
                                        "/usr/lib/postfix/sbin/postfix-files") if os.path.exists(path))
        with open(source, encoding="utf-8") as file:
            own = [line for line in file if re.match(r"\$(queue|data)_directory", line)]
        self.assertGreater(len(own), 10, source)
        self.relay.room.write("meta/postfix-files", "".join(own))
        self.relay.configure({"meta_directory": meta}, restart=False)


class ManyIds(Case):
    """More messages of one slot than the flush service's filter for duplicates holds (10,000): one ETRN, and all of them come."""
    time_limit_s = 170
    COUNT = 10500

    @classmethod
    def setUpClass(cls):
        in_memory(cls)

    def test_one_ring_wakes_them_all(self):
        room = self.room()
        relay = Relay(room, main={"default_process_limit": "200", "qmgr_message_active_limit": "20000"}).start()
        ring = "s1." + GATE_DOMAIN
        late = PostfixSink(room, dump=False, lmtp=True, path=relay.gate_socket, args=["-r", "rcpt"])
        began = time.monotonic()
        run(["smtp-source", "-s", "20", "-m", str(self.COUNT), "-l", "300", "-f", "a@desk.test", "-t", "x@" + ring, "unix:" + relay.pass_socket])
        relay.wait_queue(lambda queue: len(queue) == self.COUNT and all(one["queue_name"] == "deferred" for one in queue), "all waiting", 100)
        taken_s = time.monotonic() - began
        late.stop()
        os.unlink(relay.gate_socket)
        PostfixSink(room, dump=False, lmtp=True, path=relay.gate_socket)
        began = time.monotonic()
        self.assertEqual(relay.etrn(ring, through_pass=True).code, 250)
        relay.wait_empty(60)
        print("\n%d messages in one slot: taken in %.1f s, released by one ETRN in %.1f s" % (self.COUNT, taken_s, time.monotonic() - began))


if __name__ == "__main__":
    main()

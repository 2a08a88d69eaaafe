# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""contrib/postfix/setup on a private Postfix: what it prints, what --apply makes of mail, and that --undo leaves nothing."""

import os
import re
import shutil
import socket

from harness import *
from relay import PASS_OPTIONS, master_cf

SETUP = os.path.join(SOURCE, "contrib", "postfix", "setup")


def read(relay, name):
    with open(os.path.join(relay.etc, name), "rb") as file:
        return file.read()


def append(relay, name, text):
    with open(os.path.join(relay.etc, name), "a", encoding="utf-8") as file:
        file.write(text)


# A main.cf that lets nothing through, and a door that it does not close.
HOSTILE = {
    "smtpd_client_restrictions": "reject", "smtpd_helo_restrictions": "reject", "smtpd_sender_restrictions": "reject",
    "smtpd_relay_restrictions": "reject", "smtpd_recipient_restrictions": "reject", "smtpd_data_restrictions": "reject",
    "smtpd_end_of_data_restrictions": "reject", "smtpd_etrn_restrictions": "reject", "smtpd_tls_security_level": "encrypt",
    "smtpd_discard_ehlo_keywords": "dsn, xforward, etrn, 8bitmime, pipelining, enhancedstatuscodes", "smtpd_proxy_filter": "127.0.0.1:1",
    "smtpd_upstream_proxy_protocol": "haproxy", "smtpd_recipient_limit": "1", "smtpd_junk_command_limit": "1",
    "smtpd_helo_required": "yes", "content_filter": "smtp:[127.0.0.1]:1", "message_size_limit": "2000", "mynetworks": "192.0.2.0/24",
    "header_checks": "regexp:{{/^Subject:/ REJECT}}", "always_bcc": "archive@desk.test", "lmtp_line_length_limit": "100",
    "lmtp_tls_security_level": "encrypt", "lmtp_discard_lhlo_keywords": "dsn, xforward, pipelining",
    "lmtp_tls_policy_maps": "static:encrypt", "lmtp_tls_per_site": "static:MUST", "lmtp_tls_wrappermode": "yes",
    "lmtp_body_checks": "regexp:{{/./ REPLACE changed}}", "lmtp_mime_header_checks": "regexp:{{/./ IGNORE}}",
    "lmtp_nested_header_checks": "regexp:{{/./ IGNORE}}", "lmtp_reply_filter": "regexp:{{/^4(.*)/ 5$$1}}",
    "lmtp_delivery_status_filter": "regexp:{{/^4(.*)/ 5$$1}}", "default_delivery_status_filter": "regexp:{{/^4(.*)/ 5$$1}}",
    "smtpd_milter_maps": "static:inet:127.0.0.1:1", "smtpd_tls_wrappermode": "yes",
    "default_destination_rate_delay": "1h", "default_transport_rate_delay": "1h", "default_destination_concurrency_limit": "1",
    "default_destination_recipient_limit": "5000",
    "smtp_destination_rate_delay": "0s", "smtp_transport_rate_delay": "0s",
}
DOOR = ("127.0.0.1:{port} inet n - n - - smtpd" + PASS_OPTIONS.format(name="door", filter="-o content_filter=")
        .replace(" -o smtpd_milters=", "").replace("cleanup_service_name=tact-cleanup", "cleanup_service_name=door")
        + "door unix n - n - 0 cleanup -o message_size_limit=0\n")


class Setup(Case):
    def relay(self, main=None, master="", text=""):
        relay = Relay(self.room(), gate=False, main=main, master=master)
        append(relay, "main.cf", text)
        return relay

    def setup(self, relay, *args, status=0):
        """Runs it (as if main.cf had rested: Postfix's tools wait for that); its standard output, or what it says when it should end with another status."""
        relay.settle()
        options = ["--gate", relay.gate_socket]
        done = run(["sh", SETUP, "-c", relay.etc] + options + list(args), check=False, env=relay.env)
        self.assertEqual(done.returncode, status, done.stdout.decode() + done.stderr.decode())
        return (done.stderr if status else done.stdout).decode()

    def undo_restores(self, relay, *args):
        before = {name: read(relay, name) for name in ("main.cf", "master.cf")}
        self.setup(relay, "--apply", *args)
        for name, text in before.items():
            self.assertNotEqual(read(relay, name), text)
        self.setup(relay, "--undo")
        for name, text in before.items():
            self.assertEqual(read(relay, name), text)
        self.assertEqual([name for name in os.listdir(relay.etc) if name.startswith("tact-")], [])


    def site(self, main=None, master=""):
        """A relay without the gate's settings and a tactd for it, neither of them started, and the options that join them."""
        relay = self.relay(main, master)
        tactd = Tactd(relay.room, relay, settings={"slot_length": "1s"}, sections=[
            section("stream", "news", purpose="newsletter", senders=["@desk.test"]), section("limit", "breathing", at_most="1/3s"),
            section("suppression", "unsubscribed")])
        milters = tactd.milter_settings
        return relay, tactd, ["--smtp-milter", milters["smtpd_milters"], "--local-milter", milters["non_smtpd_milters"], "--submit", "127.0.0.1:%d" % free_port()]


class Printing(Setup):
    def test_prints_and_changes_nothing(self):
        relay = self.relay()
        before = read(relay, "main.cf"), read(relay, "master.cf")
        text = self.setup(relay)
        for word in ("smtpd_milters=inet:127.0.0.1:8891", "non_smtpd_milters=inet:127.0.0.1:8892", "tact-gate:unix:" + relay.gate_socket,
                     "fast_flush_domains=$relay_domains, later.tact.invalid, .later.tact.invalid", "pass_socket", "pickup/unix/cleanup_service_name=tact-sendmail", "tact-submit:[127.0.0.1]:10893"):
            self.assertIn(word, text)
        self.assertNotIn("swap_bangpath", text)
        text = self.setup(relay, "--submit", "none")
        self.assertIn("tactd(8)): swap_bangpath = yes", text)
        self.assertNotIn("tact-sendmail", text)
        self.assertEqual((read(relay, "main.cf"), read(relay, "master.cf")), before)
        self.assertEqual(sorted(os.listdir(relay.etc)), ["main.cf", "master.cf"])

    def test_printed_lines_do_what_apply_does(self):
        by_hand, by_apply = self.relay(), self.relay()
        lines = [line for line in self.setup(by_hand).splitlines() if not line.startswith("#")]
        run(["sh", "-e"], stdin="\n".join(lines), env=by_hand.env)
        self.setup(by_apply, "--apply")
        for arguments in (["-n"], ["-M"], ["-P"]):
            texts = [re.sub(r"/tmp/tact-[^/]*|\d{5}", "", relay.tool("postconf", *arguments).stdout.decode()) for relay in (by_hand, by_apply)]
            self.assertEqual(*texts)
        self.assertIn("nothing to do", self.setup(by_hand))

    def test_help_and_clear_errors(self):
        relay = self.relay()
        self.assertIn("--undo", self.setup(relay, "--help"))
        for status, args, words in ((64, ["--nonsense"], "--nonsense is not an option"), (64, ["--apply", "--undo"], "exclude each other"),
                                    (64, ["--gate"], "needs a value"), (64, ["--gate", "relative"], "absolute"),
                                    (64, ["--gate", "/" + "x" * 107], "107"), (64, ["--smtp-milter", "a b"], "characters"),
                                    (64, ["--smtp-milter", "8891"], "inet:HOST:PORT"),
                                    (64, ["--submit", "0.0.0.0:10893"], "127.0.0.1:PORT"), (64, ["--submit", "127.0.0.1:"], "127.0.0.1:PORT"),
                                    (64, ["--submit", "127.0.0.1:smtp"], "127.0.0.1:PORT"), (64, ["--submit", "10893"], "127.0.0.1:PORT"),
                                    (78, ["--local-milter", "inet:127.0.0.1:8891"], "listener of its own"),
                                    (78, ["--review-domain", GATE_DOMAIN], "the same"), (78, ["--before", "x"], "does not name"),
                                    (66, ["--undo"], "nothing was applied"), (66, ["-c", "/nonexistent"], "not a folder")):
            with self.subTest(args=args):
                self.assertIn(words, self.setup(relay, *args, status=status))

    def test_an_old_postfix_is_refused(self):
        relay = self.relay()
        tools = relay.room.mkdir("tools")
        relay.room.write("tools/postconf", "#!/bin/sh\ncase \"$*\" in *mail_version*) echo 3.1.4 ;; *) exec /usr/sbin/postconf \"$@\" ;; esac\n", 0o755)
        shutil.copy(SETUP, relay.room.path("setup"))
        run(["sed", "-i", "s|^PATH=|PATH=%s:|" % tools, relay.room.path("setup")])
        done = run(["sh", relay.room.path("setup"), "-c", relay.etc], check=False)
        self.assertEqual(done.returncode, 69, done)
        self.assertIn(b"3.1.4 is too old", done.stderr)

    def test_a_chroot_out_of_reach_is_named(self):
        relay = self.relay()
        text = master_cf(relay.port).replace("cleanup unix n - n - 0 cleanup", "cleanup unix n - y - 0 cleanup")
        relay.room.write("relay/etc/master.cf", text)
        self.assertIn("chroot", self.setup(relay, "--local-milter", "unix:/run/tact/local", status=78))
        self.setup(relay, "--local-milter", "unix:%s/tact/local" % relay.spool)
        relay.configure({"non_smtpd_milters": "{ unix:/nowhere/filter, default_action=accept }"}, restart=False)
        self.assertIn("write unix:nowhere/filter, which smtpd finds too", self.setup(relay, status=78))
        self.setup(relay, "--submit", "none")
        for there in ("unix:" + relay.room.mkdir("filter"), "unix:nowhere/filter"):
            relay.configure({"non_smtpd_milters": there}, restart=False)
            self.setup(relay)

    def test_what_the_port_opens_is_said(self):
        relay = self.relay()
        self.assertNotIn("every process", self.setup(relay))
        relay.configure({"authorized_submit_users": "root", "mynetworks": "10.0.0.0/8"}, restart=False)
        for words in ("authorized_submit_users names", "mynetworks lacks 127.0.0.0/8"):
            self.assertIn(words, self.setup(relay))
            self.assertNotIn(words, self.setup(relay, "--submit", "none"))
        relay.configure({"mynetworks": None, "mynetworks_style": "host"}, restart=False)
        self.assertNotIn("mynetworks lacks", self.setup(relay))

    def test_tactd_is_to_be_restarted_first(self):
        """Said before anything is done, and after."""
        relay = self.relay()
        self.assertNotIn("restart tactd", self.setup(relay, "--apply", "--submit", "none"))
        said = self.setup(relay, "--apply").splitlines()
        told = [i for i, line in enumerate(said) if line.startswith("# restart tactd FIRST")]
        self.assertEqual((len(told), told[0], said[told[-1] + 1].startswith("# then: postfix stop")), (2, 0, True), said)


    def test_a_port_of_somebody_else_is_refused(self):
        """Postfix does not start where one of its ports is taken."""
        relay = self.relay({"smtpd_milters": "inet:localhost:8893"}, master="[::1]:9997 inet n - n - - smtpd\n"
                           "submission inet n - n - - smtpd -o smtpd_milters={inet:[::1]:9996,default_action=accept}\n")
        with socket.create_server(("127.0.0.1", 0)) as server:
            taken = server.getsockname()[1]
            for port, words in ((8893, "a milter is at that port"), (9996, "a milter is at that port"), (9997, "master.cf has [::1]:9997/inet"),
                                (relay.port, "master.cf has 127.0.0.1:%d/inet" % relay.port), (taken, "somebody listens at that port")):
                with self.subTest(words, port=port):
                    self.assertIn(words, self.setup(relay, "--apply", "--submit", "127.0.0.1:%d" % port, status=78))
        self.setup(relay, "--apply", "--submit", "127.0.0.1:%d" % taken)
        with socket.create_server(("127.0.0.1", taken)):  # which is Postfix, as far as can be told
            self.assertIn("nothing to do", self.setup(relay, "--apply", "--submit", "127.0.0.1:%d" % taken))


class Undoing(Setup):
    def test_plain_main_cf(self):
        self.undo_restores(self.relay())

    def test_folded_lines_comments_and_own_lists(self):
        self.undo_restores(self.relay(text="# theirs\nsmtpd_milters = inet:localhost:11332,\n   { inet:h:8, default_action=accept }\n"
                                           "non_smtpd_milters = $smtpd_milters\ntransport_maps =\n  hash:/etc/t\nfast_flush_domains = example.org\n"))

    def test_twice_is_once_and_other_options_change_it(self):
        relay = self.relay()
        before = read(relay, "main.cf"), read(relay, "master.cf")
        self.setup(relay, "--apply")
        once = read(relay, "main.cf"), read(relay, "master.cf")
        self.assertIn("nothing to do", self.setup(relay, "--apply"))
        self.assertEqual((read(relay, "main.cf"), read(relay, "master.cf")), once)
        self.setup(relay, "--apply", "--smtp-milter", "inet:127.0.0.1:9999", "--gate", "/run/other/gate")
        self.assertEqual(relay.setting("smtpd_milters"), "inet:127.0.0.1:9999")
        self.assertEqual(relay.setting("transport_maps").count("inline:"), 1)
        self.setup(relay, "--undo")
        self.assertEqual((read(relay, "main.cf"), read(relay, "master.cf")), before)

    def test_mail_of_sendmail_one_way_and_the_other(self):
        """--submit moves its listener, and none takes all of it back; pickup is what it was."""
        relay = self.relay()
        relay.tool("postconf", "-Pe", "pickup/unix/content_filter=smtp:[127.0.0.1]:10024", "pickup/unix/receive_override_options=no_milters,no_address_mappings")
        before = relay.tool("postconf", "-M").stdout
        self.setup(relay, "--apply", "--submit", "127.0.0.1:9998")
        overrides = relay.tool("postconf", "-P").stdout.decode()
        for words in ("pickup/unix/receive_override_options = no_address_mappings\n", "127.0.0.1:9998/inet/content_filter = smtp:[127.0.0.1]:10024\n",
                      "127.0.0.1:9998/inet/receive_override_options = no_address_mappings,no_unknown_recipient_checks\n"):
            self.assertIn(words, overrides)
        self.setup(relay, "--apply", "--submit", "127.0.0.1:9999")
        self.assertNotIn(":9998", relay.tool("postconf", "-M").stdout.decode())
        self.assertIn("nothing to do", self.setup(relay, "--apply", "--submit", "127.0.0.1:9999"))
        self.setup(relay, "--apply", "--submit", "none")
        now = relay.tool("postconf", "-M").stdout.decode()
        self.assertTrue(now.startswith(before.decode()), now)
        for words in ("tact-sendmail", "tact-submit", "tact-decided", ":9999"):
            self.assertNotIn(words, now)
        self.assertNotIn(b"tact-submit_", read(relay, "main.cf"))
        append(relay, "master.cf", "extra unix - - n - - smtp\n")
        self.setup(relay, "--apply")
        self.setup(relay, "--undo")
        self.assertEqual(relay.tool("postconf", "-M").stdout.decode().split("\nextra")[0] + "\n", before.decode())

    def test_what_cleanup_is_told_is_told_again(self):
        relay = self.relay()
        relay.tool("postconf", "-Pe", "cleanup/unix/header_checks=regexp:/etc/x", "cleanup/unix/body_checks=")
        self.setup(relay, "--apply")
        self.assertIn("nothing to do", self.setup(relay, "--apply"))
        overrides = relay.tool("postconf", "-P").stdout.decode()
        self.assertIn("tact-decided/unix/header_checks = regexp:/etc/x\n", overrides)
        relay.tool("postconf", "-Pe", "pickup/unix/cleanup_service_name=cleanup2")
        self.assertIn("a cleanup of its own, cleanup2", self.setup(relay, "--apply", status=78))

    def test_changes_made_since_are_kept(self):
        relay = self.relay({"smtpd_milters": "inet:h:1", "non_smtpd_milters": "$smtpd_milters"})
        self.setup(relay, "--apply")
        append(relay, "main.cf", "always_bcc = archive@desk.test\n")
        append(relay, "master.cf", "extra unix - - n - - smtp\n")
        relay.tool("postconf", "-e", "smtpd_milters=" + relay.setting("smtpd_milters") + ", inet:h:2")
        self.setup(relay, "--apply", "--smtp-milter", "inet:127.0.0.1:9999")
        self.assertIn("was changed since", self.setup(relay, "--undo"))
        self.assertEqual(relay.setting("smtpd_milters"), "inet:h:1, inet:h:2")
        self.assertEqual(relay.setting("non_smtpd_milters"), "$smtpd_milters")
        self.assertEqual(relay.setting("always_bcc"), "archive@desk.test")
        set_there = relay.tool("postconf", "-n").stdout.decode()
        self.assertNotIn("transport_maps", set_there)
        self.assertNotIn("fast_flush", set_there)
        # (postconf -P writes pickup's line with blanks of its own.)
        self.assertEqual(read(relay, "master.cf").split(), (master_cf(relay.port) + "extra unix - - n - - smtp\n").encode().split())

    def test_a_failed_apply_leaves_all_as_it_was(self):
        relay = self.relay()
        before = read(relay, "main.cf"), read(relay, "master.cf")
        relay.room.mkdir("tools")
        relay.room.write("tools/postconf", "#!/bin/sh\ncase \"$*\" in *smtpd_milters=inet*) exit 1 ;; *) exec /usr/sbin/postconf \"$@\" ;; esac\n", 0o755)
        shutil.copy(SETUP, relay.room.path("setup"))
        run(["sed", "-i", "s|^PATH=|PATH=%s:|" % relay.room.path("tools"), relay.room.path("setup")])
        done = run(["sh", relay.room.path("setup"), "-c", relay.etc, "--apply"], check=False)
        self.assertEqual(done.returncode, 69, done)
        self.assertEqual((read(relay, "main.cf"), read(relay, "master.cf")), before)
        self.assertEqual(sorted(os.listdir(relay.etc)), ["main.cf", "master.cf"])


class Lists(Setup):
    def test_what_stood_there_stays(self):
        relay = self.relay({"smtpd_milters": "inet:localhost:11332, unix:opendkim/opendkim.sock", "non_smtpd_milters": "$smtpd_milters",
                            "transport_maps": "regexp:/etc/all, hash:/etc/t", "fast_flush_domains": "example.org"})
        text = self.setup(relay, "--apply")
        self.assertEqual(relay.setting("smtpd_milters"), "inet:localhost:11332, inet:127.0.0.1:8891, unix:opendkim/opendkim.sock")
        self.assertEqual(relay.setting("non_smtpd_milters"), "inet:localhost:11332, inet:127.0.0.1:8892, unix:opendkim/opendkim.sock")
        self.assertRegex(relay.setting("transport_maps"), r"^regexp:\{\{[^,]*tact-gate[^,]*\}\}, inline:\{[^,]*tact-gate[^,]*\}, regexp:/etc/all, hash:/etc/t$")
        self.assertRegex(relay.setting("fast_flush_domains"), r"^example\.org, later\.tact\.invalid, \.later")
        self.assertIn("order of milters", text)

    def test_a_signer_that_is_named(self):
        relay = self.relay({"smtpd_milters": "inet:a:1, inet:b:2, inet:c:3"})
        self.setup(relay, "--apply", "--before", "inet:b:2")
        self.assertEqual(relay.setting("smtpd_milters"), "inet:a:1, inet:127.0.0.1:8891, inet:b:2, inet:c:3")

    def test_a_lenient_default_action_is_not_ours(self):
        relay = self.relay({"milter_default_action": "accept"})
        self.setup(relay, "--apply")
        self.assertEqual(relay.setting("smtpd_milters"), "{ inet:127.0.0.1:8891, default_action=tempfail }")
        self.assertIn("nothing to do", self.setup(relay, "--apply"))

    def test_services_with_milters_of_their_own_are_named(self):
        relay = self.relay(master="submission inet n - n - - smtpd -o smtpd_milters=inet:x:1\n")
        self.assertIn("submission/inet/smtpd_milters = inet:x:1", self.setup(relay))


class Working(Setup):
    """Applied to a running Postfix, with a server of our own at the gate. The milters are taken out again where tactd is not the matter."""

    def test_the_gate_works_and_undo_waits_for_it(self):
        relay = self.relay()
        gate = Sink(relay.room, path=relay.gate_socket, lmtp=True)
        gate.on("RCPT", reply="451 4.7.1 not due")
        before = read(relay, "main.cf"), read(relay, "master.cf")
        self.setup(relay, "--apply", "--smtp-milter", "inet:127.0.0.1:%d" % free_port(), "--submit", "127.0.0.1:%d" % free_port())
        relay.start()
        self.assertEqual(relay.send("a@desk.test", "b@person.test", mail()).code, 451, "no milter, no mail")
        self.setup(relay, "--drain")
        relay.restart()
        address = "x.y@s1." + GATE_DOMAIN
        relay.send("a@desk.test", [address, "fresh@person.test"], mail())
        relay.sink.wait_to("fresh@person.test")
        relay.wait_deferred()
        self.assertIn("1 messages wait", self.setup(relay, "--undo", status=75))
        gate.relent()
        wait_for(lambda: relay.etrn("s1." + GATE_DOMAIN, through_pass=True) and (gate.to(address) or None), "the mail at the gate", 30, 0.5)
        relay.wait_empty()
        self.setup(relay, "--undo")
        relay.restart()
        self.assertEqual((read(relay, "main.cf"), read(relay, "master.cf")), before)
        self.assertEqual(relay.send("a@desk.test", "after@person.test", mail()).code, 250)
        relay.sink.wait_to("after@person.test")

    def test_refused_mail_bounces_with_the_real_person(self):
        relay = self.relay()
        self.setup(relay, "--apply", "--submit", "127.0.0.1:%d" % free_port())
        relay.start()
        with Client(relay.refuse_socket) as client:
            client.send("a@desk.test", [("ann@person.test", "NOTIFY=FAILURE")], mail())
        (bounce,) = relay.sink.wait_to("a@desk.test")
        self.assertIn(b"Final-Recipient: rfc822; ann@person.test", bounce.data)
        self.assertIn(b"refused by send policy", bounce.data)

    def two_mails(self, relay, port):
        """Two large mails for one person, of which the second waits, is rung for and comes."""
        for subject in ("first", "second"):
            with Client(port) as client:
                sent = client.send("a@desk.test", "b@person.test", mail(subject=subject, body="x" * 150 + "\r\n" + "line\r\n" * 1000))
            self.assertEqual(sent.code, 250, sent)
        relay.wait_deferred()
        got = relay.sink.wait_to("b@person.test", 2)
        self.assertEqual([one.header("Subject") for one in got], [["first"], ["second"]])
        self.assertGreaterEqual(got[1].time - got[0].time, 2.5)
        relay.wait_empty()

    def test_with_tactd(self):
        relay, tactd, options = self.site()
        tactd.start()
        self.setup(relay, "--apply", *options)
        relay.start()
        self.two_mails(relay, relay.port)
        relay.sendmail(mail(), "c@person.test", sender="a@desk.test")
        relay.sink.wait_to("c@person.test")
        self.assertEqual(len(tactd.grep("milter=local action=resubmit")), 1)
        self.setup(relay, "--drain")
        relay.restart()
        relay.sendmail(mail(), "d@person.test", sender="a@desk.test")
        relay.sink.wait_to("d@person.test")
        self.assertEqual(tactd.grep("to=<d@person.test>"), [])
        self.setup(relay, "--apply", *options)
        self.assertEqual(len(tactd.entries(kind="decision", phase="gate", verdict="accept")), 1)
        found = tactd.tact_json("check", "--postfix", relay.etc, check=False)
        self.assertEqual([finding for finding in found if finding.get("severity") == "error"], [])

    def test_a_hostile_main_cf_lets_released_mail_through(self):
        port = free_port()
        relay, tactd, options = self.site(HOSTILE, DOOR.format(port=port))
        relay.configure({"transport_maps": "static:smtp:[127.0.0.1]:%d" % relay.sink.port}, restart=False)
        tactd.start()
        self.setup(relay, "--apply", *options)
        relay.port = port  # the other one greets nobody
        relay.start()
        self.two_mails(relay, port)
        self.assertEqual(len(relay.sink.to("archive@desk.test")), 2, "one copy a mail")
        self.assertEqual(len(relay.grep("status=bounced")), 0)
        self.assertEqual(relay.sink.saw("RCPT TO:.*tact.invalid"), [])
        self.assertEqual(relay.setting("tact-gate_destination_recipient_limit"), "50")
        self.assertTrue(all(one.body.endswith(b"line\r\n") for one in relay.sink.to("b@person.test")))


if __name__ == "__main__":
    main()

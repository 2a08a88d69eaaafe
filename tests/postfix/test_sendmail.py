#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Mail of sendmail(1) on a Postfix that contrib/postfix/setup has set up: it is decided as if it had come by SMTP. However a person is written,
only what the sink received counts."""

import os
import time

from gated import Gated, SECTIONS, people, person
from harness import GATE_DOMAIN, Relay, Tactd, free_port, mail, main, run, wait_for
from test_setup import SETUP, Setup, append, read

SENDER = "b@leeds.test"
MARK = "Tact-Undecided"


def unix(message):
    """As programs hand it to sendmail(1)."""
    return message.replace(b"\r\n", b"\n")


class Submitted(Gated):
    """A site that setup made; extra: further options of its."""

    extra = ()
    master = ""

    @classmethod
    def setUpClass(cls):
        cls.shift = 0
        room = cls.class_room()
        cls.relay = Relay(room, gate=False, main=dict({"minimal_backoff_time": "1s"}, **cls.main), master=cls.master)
        cls.sink = cls.relay.sink
        cls.tactd = Tactd(room, cls.relay, sections=cls.sections, settings=dict({"slot_length": "1s"}, **cls.settings))
        cls.port = free_port()
        cls.setup("--apply")
        cls.tactd.start()
        cls.relay.start()

    @classmethod
    def setup(cls, *args, check=True):
        """The completed process."""
        milters = cls.tactd.milter_settings
        cls.relay.settle()
        done = run(["sh", SETUP, "-c", cls.relay.etc, "--gate", cls.relay.gate_socket, "--smtp-milter", milters["smtpd_milters"], "--local-milter",
                    milters["non_smtpd_milters"], "--submit", "127.0.0.1:%d" % cls.port] + list(cls.extra) + list(args), check=check, env=cls.relay.env)
        cls.relay.settle()
        return done

    def local(self, *rcpts, subject="local", sender=SENDER, body=None, **options):
        message = mail(subject=subject, sender=sender or "robot@leeds.test") if body is None else body
        return self.relay.sendmail(unix(message), *rcpts, sender=sender, **options)

    def arrived(self, address, subject):
        return [one for one in self.sink.to(address) if one.header("Subject") == [subject]]

    def wait_arrived(self, address, subject):
        return wait_for(lambda: self.arrived(address, subject), lambda: "%s to <%s>, came: %r" % (subject, address, self.sink.mails), 30)

    def undecided(self):
        """What waits for its decision: {queue id: its whole file}."""
        found = {}
        for one in self.relay.queue():
            text = self.relay.tool("postcat", "-q", one["queue_id"], check=False).stdout.decode("utf-8", "replace")
            if MARK.lower() in text.lower():
                found[one["queue_id"]] = text
        return found


class Spellings(Submitted):
    main = {"mydestination": "localhost.test", "local_transport": "smtp", "local_recipient_maps": "", "myorigin": "person.test", "mydomain": "test",
            "append_dot_mydomain": "yes", "always_bcc": "archive@desk.test",
            "virtual_alias_maps": "regexp:{{/^alias-(.*)@old\\.test$$/ $$1@person.test}}",
            "canonical_maps": "regexp:{{/^canonical-(.*)@old\\.test$$/ $$1@person.test}}",
            "recipient_canonical_maps": "regexp:{{/^mapped-(.*)@old\\.test$$/ $$1@person.test}}"}

    def each(self, spelling):
        """An unsubscribed person, one who waits and an innocent one, all written so in one call."""
        gone, late, fresh = (person(name) for name in ("gone", "late", "fresh"))
        self.suppress(gone)
        self.meet(late)
        self.relay.wait_empty()
        subject = "to %s as %s" % (fresh, spelling)
        self.local(*(spelling.format(address.partition("@")[0]) for address in (gone, late, fresh)), subject=subject)
        self.wait_arrived(fresh, subject)
        self.wait_all_parked(1)
        self.assertEqual([self.arrived(address, subject) for address in (gone, late)], [[], []])
        self.fall_due()
        self.wait_arrived(late, subject)
        self.relay.wait_empty()
        self.assertEqual([len(self.arrived(address, subject)) for address in (gone, late, fresh)], [0, 1, 1])
        self.assertEqual(len(self.arrived("archive@desk.test", subject)), 1, "one copy")
        bounce, (block,) = self.wait_bounce(SENDER, subject.encode())
        self.assertEqual(block["Final-Recipient"].lower(), "rfc822; " + gone)
        self.assertIn(b"refused by send policy", bounce.data)
        for one in self.arrived(late, subject) + self.arrived(fresh, subject):
            self.assertEqual(one.header(MARK), [])

    def test_plain(self):
        self.each("{0}@person.test")

    def test_percent(self):
        self.each("{0}%person.test@localhost")

    def test_percent_alone(self):
        self.each("{0}%person.test")

    def test_bang(self):
        self.each("person.test!{0}@localhost")

    def test_bang_alone(self):
        self.each("person.test!{0}")

    def test_quoted(self):
        self.each('"{0}@person.test"@localhost')

    def test_quoted_alone(self):
        self.each('"{0}@person.test"')

    def test_source_route(self):
        self.each("@hop.test,@other.test:{0}@person.test")

    def test_source_route_and_percent(self):
        self.each("@hop.test:{0}%person.test@localhost")

    def test_name_alone(self):
        self.each("{0}")

    def test_host_without_domain(self):
        self.each("{0}@person")

    def test_dot_at_the_end(self):
        self.each("{0}@person.test.")

    def test_canonical_maps(self):
        self.each("canonical-{0}@old.test")

    def test_recipient_canonical_maps(self):
        self.each("mapped-{0}@old.test")

    def test_comment_and_angles(self):
        self.each("The Person <{0}@Person.Test> (her)")


class Kept(Submitted):
    """What a message is must not change on the way, nor what its sender asked for."""

    main = {"always_bcc": "archive@desk.test", "message_size_limit": "100000", "smtp_line_length_limit": "500"}

    def same(self, body, subject, rcpt, **options):
        """How it arrives: with the body that was handed in."""
        self.local(rcpt, body=mail(subject=subject, sender=SENDER, body="") + body, **options)
        (got,) = self.wait_arrived(rcpt, subject)
        self.assertEqual(got.body, body)
        self.assertEqual(got.header(MARK), [])
        return got

    def test_bodies(self):
        for number, body in enumerate((b"", b"one line\r\n", b".\r\n..\r\n.a\r\n", b"blank at the end \t \r\n\r\n\r\n", b"From here\r\n>From there\r\n",
                                       "Grüße, 8 bit\r\n".encode(),
                                       b"\xe4\xff latin\r\n", b"tab\there\r\n" * 500)):
            self.same(body, "body %d" % number, person())

    def both_ways(self, whole, subject):
        """The same message by sendmail(1) and by SMTP, as they arrive; but for Received fields."""
        local, other = people(2, "both")
        self.accepted(self.send(SENDER, other, body=whole))
        self.local(local, body=whole)
        (got,), (want,) = self.wait_arrived(local, subject), self.wait_arrived(other, subject)
        return [one.data[one.data.index(b"From: "):] for one in (got, want)]

    def test_long_lines_are_not_folded_on_the_way(self):
        """Postfix's limit for the world is 500 here: what is folded is folded once, by it."""
        got, want = self.both_ways(mail(subject="folded", body="x" * 1300 + "\r\n"), "folded")
        self.assertEqual(got, want)

    def test_a_header_of_many_kinds(self):
        headers = "X-Long: " + "word " * 300 + "\r\nX-Folded: a\r\n\tb\r\n c\r\nX-Wide: Grüße\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\nX-Last: yes\r\n"
        got, want = self.both_ways(mail(subject="header", sender=SENDER, headers=headers), "header")
        self.assertEqual(got, want)

    def test_a_mail_as_large_as_may_be(self):
        """The largest that sendmail(1) takes does not become too large on the way."""
        address = person("large")
        head = mail(subject="large", sender=SENDER, body="")
        for size in range(99000, 90000, -100):
            whole = head + (b"z" * 98 + b"\r\n") * (size // 100)
            if self.local(address, body=whole, check=False).returncode == 0:
                break
        (got,) = self.wait_arrived(address, "large")
        self.assertTrue(got.data.endswith(whole))

    def test_wide_addresses(self):
        address = "grüße%d@person.test" % os.getpid()
        got = self.same(b"wide\r\n", "wide", address)
        self.assertIn("SMTPUTF8", got.mail_args)

    def test_what_is_asked_of_reports(self):
        address, = people(1, "dsn")
        self.local(address, subject="dsn", args=["-N", "success,failure", "-R", "hdrs"])
        (got,) = self.wait_arrived(address, "dsn")
        (rcpt,) = [rcpt for rcpt in got.rcpts if rcpt.address == address]
        self.assertIn("NOTIFY=SUCCESS,FAILURE", rcpt.args)
        self.assertIn("ORCPT=rfc822;" + address, rcpt.args)
        self.assertIn("RET=HDRS", got.mail_args)
        self.assertEqual([one for one in self.sink.to(SENDER) if b"dsn" in one.data], [], "nobody was told of success on the way")

    def test_never_tell(self):
        gone, = people(1, "never")
        self.suppress(gone)
        self.local(gone, subject="never tell", args=["-N", "never"])
        wait_for(lambda: self.tactd.grep("to=<%s>" % gone), "its decision", 30)
        self.relay.wait_empty()
        self.assertEqual([one for one in self.sink.to(SENDER) if b"never tell" in one.data], [])
        self.assertEqual(self.sink.to(gone), [])

    def test_verp(self):
        address, = people(1, "verp")
        self.local(address, subject="verp", args=["-V"])
        (got,) = self.wait_arrived(address, "verp")
        self.assertEqual(got.sender, "b+%s@leeds.test" % address.replace("@", "="))

    def test_from_nobody(self):
        address, gone = people(2, "null")
        self.suppress(gone)
        self.local(address, gone, subject="from nobody", sender="")
        self.wait_arrived(address, "from nobody")
        self.relay.wait_empty()
        self.assertEqual(self.sink.to(gone), [])

    def test_a_thousand(self):
        crowd = people(997, "crowd")
        gone, late = people(2, "of")
        self.suppress(gone)
        self.meet(late)
        self.local(*crowd, gone, late, subject="crowd")
        wait_for(lambda: sum(len(one.taken) for one in list(self.sink.mails) if one.header("Subject") == ["crowd"]) >= 998, "the crowd", 60)
        self.wait_all_parked(1)
        got = [rcpt for one in self.sink.mails if one.header("Subject") == ["crowd"] for rcpt in one.taken]
        self.assertEqual(sorted(got), sorted(crowd + ["archive@desk.test"]))
        self.fall_due()
        self.wait_arrived(late, "crowd")
        self.assertEqual(len(self.arrived("archive@desk.test", "crowd")), 1)
        self.relay.wait_empty()

    def test_the_gate_is_named(self):
        address = "%s.mfxg4@s1.%s" % ("0" * 32, GATE_DOMAIN)
        self.local(address, subject="forged")
        bounce, _ = self.wait_bounce(SENDER, b"Subject: forged")
        self.assertIn(b"no mail is taken", bounce.data)

    def test_it_is_known_whence_it_came(self):
        address, = people(1, "whence")
        self.local(address, subject="whence")
        self.wait_arrived(address, "whence")
        (line,) = self.tactd.grep("milter=local action=continue .*to=<%s>" % address)
        self.assertEqual(len(self.relay.grep(r"tact-submit/smtpd\[\d+\]: \w+: client=localhost\[127")) > 0, True, line)


class Senders(Submitted):
    """Whoever sends it: what smtpd would refuse for its sender's syntax waits in maildrop, and a line in the log says why."""

    main = {"mydestination": "localhost, localhost.test", "local_transport": "smtp", "local_recipient_maps": "", "smtp_host_lookup": "native"}

    taken = {"": "", "<>": "", "MAILER-DAEMON": "", "root": "root@relay.test", "a@1a.test": None, "A+ext@Person.Test": None, "b+c=d.test@und_er.test": None,
             "a b": "a@relay.test", '"a b"@person.test': None, "a..b@person.test": '"a..b"@person.test', '"a@b"@person.test': None,
             "x@y@person.test": '"x@y"@person.test', "@foo.test": '""@foo.test', '"a\\"b"@person.test': None, "a@[192.0.2.1]": None,
             "a@[IPv6:2001:db8::1]": None, "grüß@person.test": None, "a@grüß.test": None, "grüß@grüß.test": None, "a@xn--mnchen-3ya.test": None,
             "a@%s.test" % ("d" * 63): None, "%s@person.test" % ("L" * 300): None, "a%b": "a@b", "a%b@localhost": None, "@hop.test:a@x.test": "a@x.test",
             "a@person.": "a@person"}
    left = ("cron@10.1.2.3", "foo@", "-dash@person.test", '"-dash"@person.test', "app@node-.cluster.test", "x@-b.test", "x@b..test", "user@.test",
            "user@test..", "a@1", "a@[0.1.2.3]", "a@[1.2.3]", "a@[2001:db8::1]", "a@[IPv6:1:2:3:4:5:6:7::]", "a@[x-tag:foo]", "a@%s.test" % ("d" * 64),
            "a@%s.test" % ".".join(["d" * 60] * 5), "a@grüß..test", "grüß@10.1.2.3", "a@1\u30022", "a@-ü.test", "a@%s.test" % ("ü" * 60), "a%b@1.2.3.4",
            "a%b..c@localhost", "b..c!a@localhost", '"a@1"@localhost', "a%@localhost", "!a@localhost", "a%-b@localhost", "a%b..c",
            os.fsdecode(b"a\xff@person.test"), os.fsdecode(b"a@b\xff.test"))

    def test_senders_that_are_addresses(self):
        for number, sender in enumerate(self.taken):
            self.relay.sendmail(unix(mail(subject="taken %d" % number)), "taken-%d@person.test" % number, sender=sender)
        for number, (sender, want) in enumerate(self.taken.items()):
            (got,) = self.wait_arrived("taken-%d@person.test" % number, "taken %d" % number)
            self.assertEqual(got.sender, sender if want is None else want)

    def told(self):
        return self.tactd.grep("milter=local action=tempfail from=<.*>: .*stays in maildrop.*sendmail -f")

    def left_alone(self, sender):
        """It waits, the log names its sender, and nothing else becomes of it."""
        before = len(self.told())
        self.relay.sendmail(unix(mail(subject="left")), "left@person.test", sender=sender)
        lines = wait_for(lambda: self.told()[before:], "a line of %a" % sender, 30)
        (waiting,) = self.relay.queue()
        self.assertEqual(waiting["queue_name"], "maildrop", ascii(sender))
        self.relay.tool("postsuper", "-d", waiting["queue_id"], "maildrop")
        return lines[0].split(" from=<")[1].split(">")[0]

    def test_senders_that_smtpd_refuses(self):
        self.relay.wait_empty()
        named = {sender: self.left_alone(sender) for sender in self.left}
        self.assertEqual([named[sender] for sender in ("cron@10.1.2.3", "foo@", "-dash@person.test")], ["cron@10.1.2.3", "foo@", "-dash@person.test"])
        self.assertEqual(named[os.fsdecode(b"a\xff@person.test")], "a\\xff@person.test")
        self.assertEqual(self.relay.grep("Bad sender address syntax|bad UTF-8 syntax"), [])
        self.assertEqual(self.sink.to("left@person.test"), [])
        self.assertEqual([one.data for one in self.sink.mails if b"Subject: left" in one.data], [], "not bounced either")


class Faults(Submitted):
    def test_no_store(self):
        """It stays in the queue, and goes once that is there again."""
        address, = people(1, "store")
        self.relay.wait_empty()
        os.rename(self.tactd.store, self.tactd.store + ".away")
        try:
            self.local(address, subject="no store")
            self.relay.wait_deferred()
            self.assertEqual(self.sink.to(address), [])
            (queue_id,) = self.undecided()
            self.relay.tool("postsuper", "-r", queue_id)
            self.relay.kick()
            self.relay.wait_log(r"orig_id=%s" % queue_id)
            self.relay.wait_deferred()
            self.assertEqual(len(self.undecided()), 1, "put back, and as undecided as before")
            self.assertEqual(self.sink.to(address), [])
        finally:
            os.rename(self.tactd.store + ".away", self.tactd.store)
        self.restart()
        self.relay.flush()
        self.wait_arrived(address, "no store")
        self.relay.wait_empty()
        self.assertEqual(len(self.sink.to(address)), 1)

    def restart(self):
        self.tactd.restart()
        self.relay.restart()

    def test_no_tactd(self):
        address, = people(1, "tactd")
        self.tactd.stop()
        try:
            self.local(address, subject="no tactd")
            self.relay.wait_log("milter-reject: .*4.7.1|Service unavailable")
            self.assertEqual(self.sink.to(address), [])
            self.assertEqual([one["queue_name"] for one in self.relay.queue()], ["maildrop"])
        finally:
            self.tactd.start()
        wait_for(lambda: self.relay.kick() or self.sink.to(address), "what waited in maildrop", 30, 0.5)
        self.relay.wait_empty()

    def test_a_waiting_mail_is_put_back(self):
        """postsuper -r passes no milter, before as now: a mail that was decided is not decided anew."""
        late, = people(1, "back")
        self.meet(late)
        self.local(late, subject="put back")
        (one,) = self.wait_all_parked(1)
        decided = len(self.tactd.entries(kind="decision"))
        self.relay.tool("postsuper", "-r", "ALL")
        self.relay.kick()
        self.relay.wait_log("orig_id=" + one["queue_id"])
        (again,) = self.wait_all_parked(1)
        self.assertNotEqual(again["queue_id"], one["queue_id"])
        self.assertEqual(again["recipients"][0]["address"], one["recipients"][0]["address"])
        self.assertEqual(len(self.tactd.entries(kind="decision")), decided)
        self.assertEqual(self.undecided(), {})
        self.fall_due()
        self.relay.flush()
        self.wait_arrived(late, "put back")
        self.relay.wait_empty()
        self.assertEqual(len(self.arrived(late, "put back")), 1)
        self.assertEqual([mail for mail in self.sink.to(SENDER) if b"put back" in mail.data], [])

    def test_a_mail_that_its_next_hop_put_off_is_put_back(self):
        address, = people(1, "hop")
        self.sink.on("RCPT", address, "451 4.2.0 later")
        self.local(address, subject="put off")
        (one,) = self.relay.wait_deferred()
        self.sink.relent()
        self.relay.tool("postsuper", "-r", "ALL")
        self.relay.kick()
        self.wait_arrived(address, "put off")
        self.relay.wait_empty()
        self.assertEqual(len(self.tactd.grep("to=<%s>" % address)), 1, "decided once")

    def test_nobody_else_marks(self):
        """Who writes the mark himself is asked about all the same, by sendmail(1) and by SMTP."""
        gone, = people(1, "mark")
        self.suppress(gone)
        for way in (self.local, lambda *rcpts, body: self.relay.send(SENDER, list(rcpts), body)):
            way(gone, body=mail(subject="marked", sender=SENDER, headers=MARK + ": yes\r\n"))
        wait_for(lambda: len(self.tactd.grep("verdict=reject to=<%s>" % gone)) >= 2, "two refusals", 30)
        self.relay.wait_empty()
        self.assertEqual(self.sink.to(gone), [])

    def test_a_mark_that_comes_by_smtp_is_taken_off(self):
        """It would be believed of mail that is put back, whether it waits behind the gate or for its next hop."""
        late, slow = people(2, "forged")
        self.meet(late)
        self.sink.on("RCPT", slow, "451 4.2.0 later")
        marks = "tact-undecided: yes\r\nX-Between: kept\r\n%s: no\r\n" % MARK
        for address in (late, slow):
            self.accepted(self.send(SENDER, address, body=mail(subject="forged", sender=SENDER, headers=marks)))
        self.relay.wait_deferred(2)
        self.assertEqual(self.undecided(), {})
        self.sink.relent()
        self.relay.tool("postsuper", "-r", "ALL")
        self.relay.kick()
        self.wait_arrived(slow, "forged")
        self.wait_all_parked(1)
        self.fall_due()
        self.relay.flush()
        (got,) = self.wait_arrived(late, "forged")
        self.assertEqual([got.header(MARK), got.header("X-Between")], [[], ["kept"]])
        self.relay.wait_empty()
        self.assertEqual([one.data for one in self.sink.to(SENDER) if b"Subject: forged" in one.data], [], "nobody bounced")


class Streams(Submitted):
    """Streams that name the listener of kind non-smtp know such mail as before, and no other."""

    sections = SECTIONS[:2] + [("stream", "desk", {"owner": "leeds", "purpose": "personal", "listeners": ["local"]})] + SECTIONS[2:]

    def test_by_listener(self):
        address, other = people(2, "listener")
        self.local(address, subject="by listener")
        self.accepted(self.send(SENDER, other))
        self.wait_arrived(address, "by listener")
        self.sink.wait_to(other)
        self.assertEqual([len(self.tactd.grep("to=<%s> .*stream=%s " % pair)) for pair in ((address, "desk"), (other, "branch"))], [1, 1])


class Told(Setup):
    """What master.cf tells pickup and cleanup is told to those that do their work now."""

    def test_an_empty_option_of_pickup_is_one(self):
        """It stands for what main.cf says: a loop's end, often. It goes with the mail, and comes back."""
        relay = self.relay({"content_filter": "scan:dummy", "receive_override_options": "no_address_mappings"})
        relay.tool("postconf", "-Pe", "pickup/unix/content_filter=", "pickup/unix/receive_override_options=")
        before = read(relay, "master.cf")
        self.setup(relay, "--apply", "--submit", "127.0.0.1:9998")
        self.assertIn("nothing to do", self.setup(relay, "--apply", "--submit", "127.0.0.1:9998"))
        overrides = relay.tool("postconf", "-P").stdout.decode().replace("= \n", "=\n")
        for words in ("9998/inet/content_filter =\n", "9998/inet/receive_override_options = no_unknown_recipient_checks\n", "pickup/unix/receive_override_options =\n"):
            self.assertIn(words, overrides)
        append(relay, "master.cf", "extra unix - - n - - smtp\n")
        self.setup(relay, "--undo")
        self.assertEqual(read(relay, "master.cf").split(), before.split() + b"extra unix - - n - - smtp".split())

    def test_a_filter_given_to_pickup_later_is_asked(self):
        relay = self.relay()
        self.setup(relay, "--apply", "--submit", "127.0.0.1:9998")
        relay.tool("postconf", "-Pe", "pickup/unix/content_filter=smtp:[127.0.0.1]:10024")
        self.setup(relay, "--apply", "--submit", "127.0.0.1:9998")
        self.assertIn("127.0.0.1:9998/inet/content_filter = smtp:[127.0.0.1]:10024\n", relay.tool("postconf", "-P").stdout.decode())
        self.assertIn("nothing to do", self.setup(relay, "--apply", "--submit", "127.0.0.1:9998"))

    def test_what_an_older_setup_made_is_brought_up_to_date(self):
        """It wrote nothing down of pickup and of the client that hands over."""
        relay = self.relay()
        relay.tool("postconf", "-Pe", "pickup/unix/content_filter=", "pickup/unix/receive_override_options=no_header_body_checks")
        before = read(relay, "master.cf")
        self.setup(relay, "--apply", "--submit", "none")
        run(["sed", "-i", "/tact-submit\\|pickup/d", os.path.join(relay.etc, "tact-setup.state")])
        self.setup(relay, "--apply")
        self.assertIn("nothing to do", self.setup(relay, "--apply"))
        for name in ("main.cf", "master.cf"):
            append(relay, name, "# theirs\n")
        self.setup(relay, "--undo")
        self.assertEqual(read(relay, "master.cf").split(), before.split() + b"# theirs".split())
        self.assertNotIn(b"tact-submit", read(relay, "main.cf"))

    def test_what_cleanup_is_told_of_addresses_is_done_first(self):
        relay = self.relay({"cleanup_service_name": "own"}, "own unix n - n - 0 cleanup -o {canonical_maps=inline:{ a=b }}"
                           " -o masquerade_domains=own.test -o always_bcc=own@desk.test\n")
        relay.tool("postconf", "-Pe", "cleanup/unix/always_bcc=other@desk.test")
        self.setup(relay, "--apply")
        self.assertIn("nothing to do", self.setup(relay, "--apply"))
        first, last = (relay.tool("postconf", "-M", name + "/unix").stdout.decode() for name in ("tact-sendmail", "tact-decided"))
        for words in ("{canonical_maps=inline:{ a=b }}", "masquerade_domains=own.test", "always_bcc= "):
            self.assertIn(" -o " + words, first)
        for words in ("canonical_maps= ", "masquerade_domains=\n", "always_bcc=own@desk.test "):
            self.assertIn(" -o " + words, last)
        for words in ("own.test", "inline", "other@"):
            self.assertNotIn(words, last.replace("own@", ""))
        relay.configure({"cleanup_service_name": "none"}, restart=False)
        self.assertIn("no cleanup none/unix", self.setup(relay, "--apply", status=78))


class Handing(Submitted):
    """What main.cf is strict or slow with is not meant for mail that goes from Postfix to itself."""

    main = {"default_destination_rate_delay": "20s", "default_transport_rate_delay": "20s", "relay_destination_rate_delay": "0s",
            "relay_transport_rate_delay": "0s", "smtp_destination_rate_delay": "0s", "smtp_transport_rate_delay": "0s",
            "default_destination_concurrency_limit": "2", "smtpd_hard_error_limit": "20", "smtpd_soft_error_limit": "10", "smtpd_error_sleep_time": "1s",
            "smtp_never_send_ehlo": "yes", "minimal_backoff_time": "300s",
            "virtual_alias_domains": "aaa.test zzz.test", "virtual_alias_maps": "inline:{info@aaa.test=ann@person.test info@zzz.test=ann@person.test}"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.relay.tool("postconf", "-Pe", "127.0.0.1:%d/inet/smtpd_tls_wrappermode=no" % cls.relay.port)  # start() waits for its greeting
        cls.relay.configure({"smtpd_tls_wrappermode": "yes"}, restart=False)
        cls.relay.restart()

    def test_many_that_cannot_be_written_to(self):
        good = people(3, "good")
        self.local(*("bad%d@x..test" % i for i in range(45)), *good, subject="errors")
        for address in good:
            self.wait_arrived(address, "errors")
        self.relay.wait_empty()
        self.wait_bounce(SENDER, b"bad44@x..test")

    def test_no_pace_is_kept(self):
        began = time.monotonic()
        crowd = people(3, "pace")
        for address in crowd:
            self.local(address, subject="pace")
        for address in crowd:
            self.wait_arrived(address, "pace")
        self.assertLess(time.monotonic() - began, 15)

    def test_what_is_asked_of_reports(self):
        gone, = people(1, "silent")
        self.sink.on("RCPT", gone, "550 5.1.1 nobody")
        self.local(gone, subject="silent", args=["-N", "never"])
        self.relay.wait_log("to=<%s>.*status=bounced" % gone)
        self.relay.wait_empty()
        self.assertEqual([one for one in self.sink.to(SENDER) if b"Subject: silent" in one.data], [])

    def test_a_person_twice_among_many(self):
        self.local("info@aaa.test", *people(1500, "many"), "info@zzz.test", subject="many")
        wait_for(lambda: sum(len(one.taken) for one in list(self.sink.mails) if one.header("Subject") == ["many"]) >= 1501, "the crowd", 60)
        self.relay.wait_empty()
        self.assertEqual(len(self.arrived("ann@person.test", "many")), 1)


class Leaving(Submitted):
    """What takes mail to its decision stays until all of it is decided, whatever it waits for."""

    main = {"defer_transports": "tact-submit"}

    def test_undecided_mail_is_waited_for(self):
        address, other = people(2, "leave")
        self.sink.on("RCPT", other, "451 4.2.0 later")
        self.accepted(self.relay.send(SENDER, [other], mail(subject="not meant", body="tact-submit:[127.0.0.1]:1\r\n")))
        self.local(address, subject="undecided")
        self.relay.wait_deferred(2)
        for args in (["--undo"], ["--apply", "--submit", "none"], ["--apply", "--submit", "127.0.0.1:%d" % free_port()]):
            with self.subTest(args=args):
                done = self.setup(*args, check=False)
                self.assertEqual((done.returncode, done.stdout), (75, b""), done)
                self.assertIn(b"1 messages of sendmail(1) still wait for their decision", done.stderr)
        self.relay.configure({"defer_transports": None})
        self.relay.flush()
        self.wait_arrived(address, "undecided")
        self.assertEqual(len(self.tactd.grep("milter=local .*to=<%s>" % address)), 1)
        self.relay.wait_queue(lambda queue: len(queue) == 1, "the other one alone")
        # Postfix still runs as it was told before, and what is handed in now finds no way once it is started anew.
        self.relay.configure({"defer_transports": "tact-submit"}, restart=False)
        self.relay.reload()
        self.assertIn(b"postsuper -r ALL", self.setup("--undo").stdout)
        self.assertNotIn("tact-", self.relay.tool("postconf", "-M").stdout.decode())
        self.local(address, subject="meanwhile")
        self.relay.wait_queue(lambda queue: len(queue) == 2, "both")
        self.relay.configure({"defer_transports": None})
        self.assertEqual(self.arrived(address, "meanwhile"), [])
        self.relay.tool("postsuper", "-r", "ALL")
        self.relay.kick()
        self.wait_arrived(address, "meanwhile")


if __name__ == "__main__":
    main()

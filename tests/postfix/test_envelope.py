#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""What a message brings and what must come out of it unchanged: its recipients, one to a thousand of them, their addresses and DSN options,
its body; and what Postfix itself adds to or makes of them (aliases, copies, VERP, bounces)."""

import re

from gated import Gated, in_gate, in_review, people, person, status_blocks, status_text
from harness import GATE_DOMAIN, Client, main, mail, stuffed, wait_for

UNUSUAL = [
    "plain@person.test", "Mixed.Case@person.test", "MIXED@Person.Test", "plus+tag@person.test", "eq=ual@person.test", "b!ang@person.test",
    "host!user@person.test", "per%cent@person.test", "o'brien@person.test", "a.b.c@person.test", "under_score@person.test", "-dash@person.test",
    "#hash$dollar&and*star/slash?q^caret`back{brace|pipe}tilde~@person.test", '"two words"@person.test', '"dot..dot"@person.test',
    '".lead"@person.test', '"at@sign"@person.test', '"a>b<c"@person.test', '"quo\\"te"@person.test', '"back\\\\slash"@person.test',
    '"comma,semi;colon:"@person.test', '"(paren)[sq]"@person.test', "digits@[192.0.2.7]", "six@[IPv6:2001:db8::7]", "%s@person.test" % ("l" * 64),
    "x@%s.%s.test" % ("d" * 63, "e" * 63), "n@xn--bcher-kva.test", "0@person.test", "a=b=c+d=e@person.test", "list-bounces+x=y.test@person.test",
    "tact.invalid@person.test", "later.tact.invalid.x@person.test",
]
WIDE = ["jos\u00e9@person.test", "\u00fcser@b\u00fccher.test", "\u7528\u6237@\u4f8b\u5b50.test", '"sp \u00e4"@person.test', "\u0434+\u0442\u0435\u0433@person.test",
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3@person.test", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645@person.test"]


class Many(Gated):
    """From one to a thousand recipients, every verdict in one message."""

    def mixed(self, count):
        fresh = people(max(1, count // 4), "fresh")
        late, gone, held = (people(count // 4 or (count > i), name) for i, name in ((1, "late"), (2, "gone"), (3, "held")))
        if late:
            self.meet(*late)
        if held:
            self.read_news(*held)
        rcpts = (fresh + late + gone + held)[:count]
        with self.relay.client() as client:
            client.mail("b@leeds.test")
            for rcpt in rcpts:
                self.assertEqual(client.rcpt(rcpt).code, 250)
            if gone:  # after RCPT: only the end of the message can refuse them
                path = self.site.tactd.room.write("gone-%d" % count, "".join(address + "\n" for address in gone))
                self.tactd.tact("import", "--plain", "--reason", "unsubscribe", path)
            reply = client.data(mail(subject="mixed %d" % count, sender="b@leeds.test"))
        self.assertEqual(reply.code, 250, reply)
        for address in fresh:
            self.sink.wait_to(address)
        left = self.wait_parked(reply.queue_id, len(late) + len(held), 60)
        self.assertEqual(sum(in_gate(address) for address, _ in left), len(late))
        self.assertEqual(sum(in_review(address) for address, _ in left), len(held))
        wait_for(lambda: self.bounced(count) >= set(gone), "a bounce for each of %d" % len(gone), 30)
        self.assertEqual(self.bounced(count), set(gone))
        verdicts = [entry["verdict"] for entry in self.decisions(reply.queue_id, phase="end-of-message")]
        self.assertEqual({word: verdicts.count(word) for word in set(verdicts)},
                         {word: len(who) for word, who in (("accept", fresh), ("delay", late), ("reject", gone), ("quarantine", held)) if who})
        self.fall_due()
        for address in late:
            self.sink.wait_to(address, 2, 60)
        self.wait_parked(reply.queue_id, len(held), 60)
        for address in gone:
            self.assertEqual(self.sink.to(address), [])
        for address in held:
            self.assertEqual(len(self.sink.to(address)), 1, "only the newsletter")
        self.relay.tool("postsuper", "-d", reply.queue_id)

    def bounced(self, count):
        """Who is named in bounces of that message."""
        words = b"Subject: mixed %d\r\n" % count
        return {block["Final-Recipient"].partition(";")[2].strip() for one in self.sink.to("b@leeds.test") if words in one.data for block in status_blocks(one)}

    def test_one(self):
        address = person()
        self.meet(address)
        sent = self.accepted(self.send("b@leeds.test", address))
        self.wait_parked(sent.queue_id, 1)
        self.fall_due()
        self.sink.wait_to(address, 2)
        self.wait_gone(sent.queue_id)

    def test_two(self):
        fresh, late = people(2)
        self.meet(late)
        sent = self.accepted(self.send("b@leeds.test", fresh, late))
        self.sink.wait_to(fresh)
        self.wait_parked(sent.queue_id, 1)
        self.assertEqual(len(self.sink.to(late)), 1)
        self.fall_due()
        self.sink.wait_to(late, 2)
        self.assertEqual(len(self.sink.to(fresh)), 1)

    def test_a_hundred_mixed(self):
        self.mixed(100)

    def test_a_thousand_mixed(self):
        self.mixed(1000)

    def test_three_messages_on_one_connection(self):
        never, fresh, late, gone = people(4)
        self.meet(late)
        self.suppress(gone)
        with self.relay.client() as client:
            client.mail("b@leeds.test")
            client.rcpt(never)
            self.assertEqual(client.rset().code, 250)
            ids = [client.send("b@leeds.test", late, mail()).queue_id]
            client.mail("b@leeds.test")
            self.assertEqual(client.rcpt(gone).code, 550)
            self.assertEqual(client.rcpt("x@" + GATE_DOMAIN).code, 550)
            client.rset()
            ids.append(client.send("b@leeds.test", fresh, mail()).queue_id)
            ids.append(client.send("a@head.test", person("last"), mail()).queue_id)
        self.sink.wait_to(fresh)
        self.wait_parked(ids[0], 1)
        self.assertEqual([[entry["verdict"] for entry in self.decisions(one)] for one in ids], [["delay"], ["accept"], ["accept"]])
        self.assertEqual(self.sink.to(never) + self.sink.to(gone), [])
        self.relay.tool("postsuper", "-d", ids[0])

    def test_duplicates_and_two_cases_are_one(self):
        address = person("twin")
        self.meet(address)
        sent = self.accepted(self.send("b@leeds.test", address, address, address.upper(), address.capitalize()))
        left = self.wait_parked(sent.queue_id, 1)
        self.assertEqual(len(left), 1, left)
        self.assertEqual([entry["verdict"] for entry in self.decisions(sent.queue_id)], ["delay"])
        self.assertEqual(len(self.tactd.tact_json("show", address)["claims"]), 1)
        self.fall_due()
        self.sink.wait_to(address, 2)
        self.wait_gone(sent.queue_id)
        self.assertEqual(len(self.sink.to(address)), 2)

    def test_duplicates_accepted_count_once(self):
        address = person("twin")
        sent = self.accepted(self.send("b@leeds.test", address, address.upper()))
        self.sink.wait_to(address)
        self.assertEqual([entry["verdict"] for entry in self.decisions(sent.queue_id)], ["accept"])
        self.assertEqual(len(self.tactd.tact_json("show", address)["contacts"]), 1)


class Resolved(Gated):
    """Where Postfix takes an address is who it is: wishes and limits are not got round by another spelling of the way."""

    main = {"mydestination": "localhost, relay.test", "local_transport": "smtp", "local_recipient_maps": ""}

    def test_refused_by_any_way(self):
        gone, = people(1, "gone")
        name = gone.partition("@")[0]
        self.suppress(gone, "postmaster@relay.test", "ops@relay.test")
        with self.relay.client() as client:
            client.mail("b@leeds.test")
            for way in (gone, name + "%person.test@localhost", "person.test!" + name + "@relay.test", '"%s"@localhost' % gone, name + "%person.test",
                        "ops@relay.test", "Postmaster", "ops"):
                reply = client.rcpt(way)
                self.assertEqual((reply.code, reply.status), (550, "5.7.1"), way)
            for way in ("x%s1." + GATE_DOMAIN + "@localhost", '"x@s1.%s"@relay.test' % GATE_DOMAIN):
                self.assertIn("no mail is taken", client.rcpt(way).text, way)

    def test_no_domain_is_one_of_postfixs_own(self):
        sent = self.accepted(self.send("b@leeds.test", "root"))
        self.assertEqual([entry["verdict"] for entry in self.decisions(sent.queue_id)], ["accept"])
        self.assertIn("to=<root@relay.test>", self.tactd.log())

    def test_refused_by_any_way_within_a_domain(self):
        self.suppress("ops@relay.test")
        with self.relay.client() as client:
            client.mail("b@leeds.test")
            for way in ("ops%relay.test@relay.test", "relay.test!ops@relay.test", '"ops@relay.test"@relay.test'):
                reply = client.rcpt(way)
                self.assertEqual((reply.code, reply.status), (550, "5.7.1"), way)

    def test_what_could_not_be_taken_off_is_refused(self):
        """It would go at once, and wait as well."""
        late, = people(1, "late")
        name = late.partition("@")[0]
        self.meet(late)
        with self.relay.client() as client:
            client.mail("b@leeds.test")
            for way in ("@relay.test:" + late, "@relay.test:" + name + "%person.test@localhost", "@relay.test:" + name + "%person.test",
                        name + "(x)%person.test@localhost", '"%s"' % late, late + "@localhost"):
                reply = client.rcpt(way)
                self.assertEqual((reply.code, reply.status), (550, "5.1.3"), way)
        self.assertEqual(len(self.sink.to(late)), 1)

    def test_a_domain_that_postfix_completes(self):
        self.relay.configure({"append_dot_mydomain": "yes", "mydomain": "test"})
        self.addCleanup(self.relay.configure, {"append_dot_mydomain": "no", "mydomain": "relay.test"})
        gone, late, fresh = people(3, "short")
        self.suppress(gone)
        self.meet(late)
        with self.relay.client() as client:
            client.mail("b@leeds.test")
            reply = client.rcpt(gone.removesuffix(".test"))
            self.assertEqual((reply.code, reply.status), (550, "5.7.1"), reply)
        sent = self.accepted(self.send("b@leeds.test", late.removesuffix(".test"), fresh.removesuffix(".test")))
        self.wait_parked(sent.queue_id, 1)
        self.assertEqual(sorted(entry["verdict"] for entry in self.decisions(sent.queue_id)), ["accept", "delay"])
        self.sink.wait_to(fresh)
        self.relay.tool("postsuper", "-d", sent.queue_id)
        self.relay.sendmail(mail(sender="b@leeds.test").replace(b"\r\n", b"\n"), late.removesuffix(".test"), sender="b@leeds.test")
        (one,) = self.wait_all_parked(1)
        self.relay.tool("postsuper", "-d", one["queue_id"])
        self.assertEqual([len(self.sink.to(gone)), len(self.sink.to(late)), len(self.sink.to(fresh))], [0, 1, 1])

    def test_each_way_waits(self):
        """What is taken off the message is what was written."""
        for domain, ways in (("person.test", ("{0}%person.test", "person.test!{0}@relay.test", '"{0}@person.test"@localhost', '"{0}"@person.test')),
                             ("relay.test", ("{0}", "{0}%relay.test@relay.test", "relay.test!{0}@relay.test", '"{0}@relay.test"@relay.test'))):
            for way in ways:
                name = person("way").partition("@")[0]
                self.accepted(self.send("a@head.test", name + "@" + domain))
                sent = self.accepted(self.send("b@leeds.test", way.format(name)))
                self.wait_parked(sent.queue_id, 1)
                self.assertEqual([entry["verdict"] for entry in self.decisions(sent.queue_id)], ["delay"], way)
                self.assertEqual(self.relay.grep(r"%s: to=<[^>]*@(person|relay)\.test>" % sent.queue_id), [], way)
                self.relay.tool("postsuper", "-d", sent.queue_id)

    def test_sendmail_names_somebody_without_a_domain(self):
        """Postfix tells her with one, and takes off whom it was told without."""
        late, fresh, other = (person(name).partition("@")[0] for name in ("late", "fresh", "other"))
        self.accepted(self.send("a@head.test", late + "@relay.test"))
        self.meet(other + "@person.test")
        self.relay.wait_empty()
        for rcpts, waits, goes in (([late], 1, []), ([fresh, late], 1, [fresh]), ([other, other + "@person.test"], 1, [other])):
            self.relay.sendmail(mail(sender="b@leeds.test").replace(b"\r\n", b"\n"), *rcpts, sender="b@leeds.test")
            (one,) = self.wait_all_parked(waits)
            self.assertTrue(in_gate(one["recipients"][0]["address"]), one)
            went = self.relay.grep(r"%s: to=<[^>]*@(person|relay)\.test>" % one["queue_id"])
            self.assertEqual([re.search(r"to=<([^@>]*)@relay", line).group(1) for line in went], goes)
            self.relay.tool("postsuper", "-d", one["queue_id"])
        self.assertEqual(len(self.sink.to(other + "@person.test")), 1)

    def test_sendmail_names_somebody_whose_name_begins_another(self):
        """By the shorter one nobody else is meant, whatever follows it in the longer one."""
        self.relay.configure({"myorigin": "person.test", "append_dot_mydomain": "yes", "mydomain": "test"})
        self.addCleanup(self.relay.configure, {"myorigin": "relay.test", "append_dot_mydomain": "no", "mydomain": "relay.test"})
        for end in "", "@person":
            gone = person("ann")
            name = gone.partition("@")[0]
            longer = [name + ".smith@person.test", name + "x@person.test", name + "+a@person.test"]
            self.suppress(gone)
            self.relay.sendmail(mail(sender="b@leeds.test").replace(b"\r\n", b"\n"), name + end, *longer, sender="b@leeds.test")
            for address in longer:
                self.sink.wait_to(address)
            _, (block,) = self.wait_bounce("b@leeds.test", gone.encode())
            self.assertEqual(block["Final-Recipient"], "rfc822; " + gone)
            self.relay.wait_empty()
            self.assertEqual(self.sink.to(gone), [], end)

    def test_waits_and_comes(self):
        late, = people(1, "late")
        way = late.replace("@", "%") + "@localhost"
        self.meet(late)
        sent = self.accepted(self.send("b@leeds.test", way, late))
        self.wait_parked(sent.queue_id, 1)
        self.fall_due()
        self.sink.wait_to(late, 2)
        self.wait_gone(sent.queue_id)
        self.assertEqual(len(self.sink.to(late)), 2)

    def test_passes_as_it_was_written_and_counts_once(self):
        """Two addresses may be two mailboxes to who takes them next: none that may pass is taken off."""
        fresh, = people(1, "fresh")
        sent = self.accepted(self.send("b@leeds.test", fresh.replace("@", "%") + "@localhost", fresh, fresh.capitalize()))
        self.wait_gone(sent.queue_id)
        got, = self.sink.wait_to(fresh)
        self.assertEqual(got.addresses, [fresh, fresh], "as a way to it, and as itself in whatever case")
        self.assertEqual([entry["verdict"] for entry in self.decisions(sent.queue_id)], ["accept"])


class ResolvedHere(Gated):
    """The same by sendmail(1), of which Postfix tells what was written only: what tact check says to set, and what comes of it."""

    main = {"mydestination": "localhost, relay.test", "local_transport": "smtp", "local_recipient_maps": ""}
    names = "allow_percent_hack", "swap_bangpath", "resolve_dequoted_address"

    def ways(self, address):
        name = address.partition("@")[0]
        return name + "%person.test@localhost", "person.test!" + name + "@relay.test", '"%s"@localhost' % address

    def written(self, *ways, subject):
        self.relay.sendmail(mail(subject=subject, sender="b@leeds.test").replace(b"\r\n", b"\n"), *ways, sender="b@leeds.test")

    def warned_of(self):
        found = self.tactd.tact_json("check", "--postfix", self.relay.etc, check=False)
        found = [found] if isinstance(found, dict) else found  # one alone
        return [one for one in found if one.get("severity") == "warning" and one["what"].split()[0] in self.names]

    def test_no_way_round_once_set_as_told(self):
        gone = person("gone")
        self.suppress(gone)
        self.written(gone, subject="plainly")
        self.wait_bounce("b@leeds.test", b"Subject: plainly")
        self.assertEqual(self.sink.to(gone), [])
        self.written(*self.ways(gone), subject="unset")
        self.assertEqual([one.header("Subject") for one in self.sink.wait_to(gone)], [["unset"]], "why it is warned of")
        warned = self.warned_of()
        self.assertEqual([one["mend"] for one in warned], ["postconf -e %s=no" % name for name in self.names])
        self.relay.configure(dict(one["mend"].split()[2].split("=") for one in warned))
        self.fall_due()
        self.assertEqual(self.warned_of(), [])
        self.written(*self.ways(gone), subject="set")
        _, blocks = self.wait_bounce("b@leeds.test", b"Subject: set")
        self.assertEqual(len(blocks), 3, "nobody has these addresses")
        self.relay.wait_empty()
        self.assertEqual([one.header("Subject") for one in self.sink.to(gone)], [["unset"]])


class Addresses(Gated):
    main = {"allow_min_user": "yes"}

    def through_the_gate(self, addresses, mail_args=""):
        for at in range(0, len(addresses), 10):
            for address in addresses[at:at + 10]:
                self.assertEqual(self.send("a@head.test", address, mail_args=mail_args).code, 250, address)
        fresh = {address: self.wait_subject(address, 1) for address in addresses}
        for address in addresses:
            self.accepted(self.send("b@leeds.test", address, mail_args=mail_args, body=mail(sender="b@leeds.test", subject="again")))
        self.wait_all_parked(len(addresses))
        for address in self.relay.waiting():
            self.assertRegex(address, r"^[0-9a-f]{32}\.[a-z2-7]+@s\d+\.later\.tact\.invalid$")
        self.fall_due()
        again = {address: self.wait_subject(address, 2) for address in addresses}
        for address in addresses:
            with self.subTest(address=address):
                self.assertEqual(again[address].rcpts[0].address, fresh[address].rcpts[0].address, "as when it never waited")
                self.assertEqual(again[address].rcpts[0].address, address)
        self.relay.wait_empty()

    def wait_subject(self, address, count):
        def arrived():
            return [one for one in list(self.sink.mails) if one.addresses == [address]]
        wait_for(lambda: len(arrived()) >= count, lambda: "%d mails for <%s>; came: %r; waiting: %r" % (
            count, address, [one.addresses for one in self.sink.mails][-50:], self.relay.waiting()), 30)
        return arrived()[count - 1]

    def test_every_kind_there_and_back(self):
        self.through_the_gate(UNUSUAL)

    def test_utf8_there_and_back(self):
        self.through_the_gate(WIDE, "SMTPUTF8")

    def test_what_only_looks_like_one_is_refused(self):
        """It would be somebody else, of whose wishes nothing is known."""
        for mark in "\u200b\ufeff\u00a0":
            address = mark + person("odd")
            sent = self.send("a@head.test", address, mail_args="SMTPUTF8")
            self.assertEqual((sent.code, sent.status), (550, "5.1.3"), sent)
            self.assertIn("U+%04X" % ord(mark), sent.text)
            self.assertEqual(self.sink.to(address), [])

    def test_beyond_the_limits_of_the_rfc(self):
        """Postfix passes them on; so do we, or refuse with words, but nothing is lost."""
        address = "%s@%s.test" % ("v" * 200, "w" * 50)
        first = self.send("a@head.test", address)
        if first.code != 250:
            self.assertRegex(str(first.code), "^5", first)
            self.assertNotEqual(first.text, "")
            return
        self.sink.wait_to(address)
        sent = self.accepted(self.send("b@leeds.test", address))
        self.wait_parked(sent.queue_id, 1)
        self.fall_due()
        self.sink.wait_to(address, 2)


class Options(Gated):
    """DSN options on the second pass."""

    def second(self, rcpt_args="", mail_args=""):
        """How the mail arrived that waited."""
        address = person("dsn")
        sent = self.delay((address, rcpt_args.replace("@@", address)), mail_args=mail_args)
        self.fall_due()
        got = self.sink.wait_to(address, 2)[1]
        self.wait_gone(sent.queue_id)
        return address, got

    def reports(self):
        return [one for one in self.sink.to("b@leeds.test") if one.sender == ""]

    def test_notify_as_given(self):
        for notify in ("NEVER", "SUCCESS", "DELAY", "FAILURE", "SUCCESS,FAILURE,DELAY"):
            with self.subTest(notify=notify):
                address, got = self.second("NOTIFY=" + notify)
                args = dict(word.split("=", 1) for word in got.rcpts[0].args.split())
                self.assertEqual(set(args["NOTIFY"].split(",")), set(notify.split(",")))
                self.assertFalse([one for one in self.reports() if address.encode() in one.data], "the next hop knows DSN: it is for it to report")

    def test_our_own_notify_is_taken_off_again(self):
        _, got = self.second()
        self.assertNotIn("NOTIFY", got.rcpts[0].args)

    def test_orcpt_as_given(self):
        _, got = self.second("ORCPT=rfc822;Some+2BOne@old.test")
        self.assertIn("ORCPT=rfc822;Some+2BOne@old.test", got.rcpts[0].args)

    def test_orcpt_absent_names_the_real_person(self):
        address, got = self.second()
        self.assertIn("ORCPT=rfc822;" + address, got.rcpts[0].args)

    def test_ret_and_envid(self):
        for ret in ("HDRS", "FULL"):
            _, got = self.second(mail_args="RET=%s ENVID=Q+2B%s" % (ret, ret))
            self.assertIn("RET=" + ret, got.mail_args)
            self.assertIn("ENVID=Q+2B" + ret, got.mail_args)

    def test_never_is_never_bounced(self):
        address, other = people(2)
        sent = self.delay((address, "NOTIFY=NEVER"))
        self.suppress(address)
        self.fall_due()
        self.wait_gone(sent.queue_id)
        second = self.delay(other)  # a bounce that comes after this one's would have come by now
        self.suppress(other)
        self.fall_due()
        self.wait_bounce("b@leeds.test", other.encode())
        self.wait_gone(second.queue_id)
        self.assertFalse([one for one in self.reports() if address.encode() in one.data])

    def test_a_sink_that_knows_no_dsn_makes_one_report_of_success(self):
        """Postfix itself relays into the unknown and says so, once, naming the person: never of the gate."""
        address = person("plain")
        without = [word for word in self.sink.extensions if word != "DSN"]
        self.addCleanup(setattr, self.sink, "extensions", self.sink.extensions)
        self.sink.extensions = without
        self.meet(address)
        sent = self.accepted(self.send("b@leeds.test", (address, "NOTIFY=SUCCESS")))
        self.wait_parked(sent.queue_id, 1)
        self.assertFalse([one for one in self.reports() if address.encode() in one.data], "no success before it left")
        self.fall_due()
        self.sink.wait_to(address, 2)
        report, blocks = self.wait_bounce("b@leeds.test", address.encode())
        self.assertEqual([(block["Final-Recipient"], block["Action"]) for block in blocks], [("rfc822; " + address, "relayed")])
        self.assertNotIn("tact.invalid", status_text(report))
        self.relay.wait_empty()
        self.assertEqual(len([one for one in self.reports() if address.encode() in one.data]), 1)

    def test_a_refusal_at_the_gate_names_the_real_person(self):
        address = person("Real.Person+x")
        sent = self.delay((address, "ORCPT=rfc822;first@old.test"), mail_args="ENVID=e77")
        self.suppress(address)
        self.fall_due()
        bounce, (block,) = self.wait_bounce("b@leeds.test", address.encode())
        self.assertEqual(block["Final-Recipient"], "rfc822; " + address)
        self.assertEqual(block["Original-Recipient"], "rfc822;first@old.test")
        self.assertEqual((block["Action"], block["Status"]), ("failed", "5.7.1"))
        self.assertNotIn("tact.invalid", status_text(bounce))
        self.assertIn("Original-Envelope-Id: e77", status_text(bounce))
        self.assertNotIn(b"tact.invalid", bounce.data.partition(b"message/delivery-status")[0], "nor what a person reads")
        self.wait_gone(sent.queue_id)

    def test_a_refusal_without_orcpt(self):
        address = person("NoOrcpt")
        self.delay(address)
        self.suppress(address)
        self.fall_due()
        bounce, (block,) = self.wait_bounce("b@leeds.test", address.encode())
        self.assertEqual(block["Final-Recipient"], "rfc822; " + address)
        self.assertEqual(block["Original-Recipient"], "rfc822;" + address)
        self.assertNotIn("tact.invalid", status_text(bounce))

    def test_a_bounce_of_the_world_after_the_gate(self):
        address = person("away")
        self.delay(address)
        self.sink.on("RCPT", re.escape(address), "550 5.1.1 no such person")
        self.addCleanup(self.sink.relent)
        self.fall_due()
        bounce, (block,) = self.wait_bounce("b@leeds.test", address.encode())
        self.assertEqual((block["Final-Recipient"], block["Original-Recipient"], block["Status"]), ("rfc822; " + address, "rfc822;" + address, "5.1.1"))
        self.assertNotIn("tact.invalid", status_text(bounce))


class Verp(Gated):
    main = {"smtpd_authorized_verp_clients": "127.0.0.0/8"}

    def test_xverp(self):
        fresh, late, other = people(3)
        self.meet(late, other)
        sent = self.accepted(self.send("b@leeds.test", fresh, late, other, mail_args="XVERP"))
        self.wait_parked(sent.queue_id, 2)
        self.fall_due()
        for address, count in ((fresh, 1), (late, 2), (other, 2)):
            got = self.sink.wait_to(address, count)[-1]
            self.assertEqual(got.sender, "b+%s@leeds.test" % address.replace("@", "="))


class Bodies(Gated):
    """Byte for byte what Postfix makes of them without us."""

    def compare(self, wire, mail_args=""):
        """WIRE through bare Postfix (the re-injection listener has no milter), through accept, and through the gate."""
        bare, fresh, late = people(3)
        with Client(self.relay.pass_socket, timeout_s=60) as client:
            self.assertEqual(client.send("b@leeds.test", bare, wire, raw=True, mail_args=mail_args).code, 250)
        self.meet(late)
        sent = self.accepted(self.send("b@leeds.test", fresh, late, body=wire, raw=True, mail_args=mail_args))
        self.wait_parked(sent.queue_id, 1)
        self.fall_due()
        want = self.sink.wait_to(bare)[0].body
        for got in (self.sink.wait_to(fresh)[0], self.sink.wait_to(late, 2)[1]):
            self.assertTrue(got.body == want, "got %d bytes, want %d: %r … %r" % (len(got.body), len(want), got.body[:200], want[:200]))
        return want

    def test_dots(self):
        self.assertIn(b"\r\n.\r\n", self.compare(stuffed(mail(body=".\r\n.\r\n..\r\n...three\r\n.x\r\n\r\n.\r\n"))))

    def test_eight_bit(self):
        body = bytes(range(0x80, 0x100)).decode("latin1").encode("latin1")
        self.assertIn(body, self.compare(mail(headers="MIME-Version: 1.0\r\nContent-Type: text/plain; charset=latin1\r\n"
                                                      "Content-Transfer-Encoding: 8bit\r\n", body="") + body + b"\r\n.\r\n", "BODY=8BITMIME"))

    def test_bare_cr_nul_and_controls(self):
        self.assertIn(b"\x00", self.compare(mail(body="") + b"bare \r cr, nul \x00, \x01\x02\x7f\x1b\r\r\nend\r\n.\r\n"))

    def test_long_lines(self):
        self.compare(mail(body="x" * 990 + "\r\n" + "y" * 5000 + "\r\n" + ("word " * 3000) + "\r\n") + b".\r\n")

    def test_no_final_line_and_empty(self):
        self.compare(mail(body="") + b".\r\n")
        self.compare(mail(body="\r\n\r\n\r\n") + b".\r\n")

    def test_ten_megabytes(self):
        block = b"".join(b"%07d %s\r\n" % (i, b"z" * 60) for i in range(1000))
        self.assertGreater(len(self.compare(mail(body="") + block * 142 + b".\r\n")), 9_900_000)

    def test_headers_that_were_not_ours_to_change(self):
        fresh, late = people(2)
        text = mail(sender="b@leeds.test", headers="X-Odd:   two  blanks \r\nx-fold: a\r\n\tb\r\n c\r\nReceived: from old by older; Mon, 2 Nov 2026 00:00:00 +0000\r\n")
        self.meet(late)
        self.accepted(self.send("b@leeds.test", fresh, late, body=text))
        self.wait_all_parked(1)
        self.fall_due()
        first, second = self.sink.wait_to(fresh)[0], self.sink.wait_to(late, 2)[1]
        own = text.partition(b"\r\n\r\n")[0]
        for got in (first, second):
            self.assertIn(own, got.data)
            self.assertNotIn(b"tact.invalid", got.data)


class Aliases(Gated):
    main = {"virtual_alias_maps": "inline:{ { team@desk.test = ann@person.test bea@person.test }, { one@desk.test = solo@person.test } }"}

    def test_suppression_is_asked_of_the_address_as_given(self):
        self.suppress("solo@person.test")
        self.accepted(self.send("a@head.test", "one@desk.test"))
        self.sink.wait_to("solo@person.test")
        self.suppress("one@desk.test")
        self.assertEqual(self.send("a@head.test", "one@desk.test").code, 550)
        self.assertEqual(len(self.sink.to("solo@person.test")), 1)

    def test_a_delayed_alias_waits_whole_and_is_expanded_later(self):
        self.accepted(self.send("a@head.test", "team@desk.test"))
        for name in ("ann", "bea"):
            self.sink.wait_to(name + "@person.test")
        sent = self.accepted(self.send("b@leeds.test", "team@desk.test"))
        self.wait_parked(sent.queue_id, 1)
        self.assertEqual((len(self.sink.to("ann@person.test")), len(self.sink.to("bea@person.test"))), (1, 1))
        self.fall_due()
        for name in ("ann", "bea"):
            self.sink.wait_to(name + "@person.test", 2)
        self.wait_gone(sent.queue_id)
        self.relay.wait_empty()
        self.assertEqual((len(self.sink.to("ann@person.test")), len(self.sink.to("bea@person.test"))), (2, 2))


class Copies(Gated):
    main = {"always_bcc": "archive@desk.test", "recipient_bcc_maps": "inline:{ { boss@person.test = shadow@desk.test } }"}

    def copies(self, address, subject):
        return [one for one in self.sink.to(address) if one.header("Subject") == [subject]]

    def test_once_only(self):
        self.accepted(self.send("a@head.test", "boss@person.test", body=mail(subject="first", sender="a@head.test")))
        self.sink.wait_to("boss@person.test")
        self.accepted(self.send("b@leeds.test", "boss@person.test", body=mail(subject="second", sender="b@leeds.test")))
        for who in ("archive@desk.test", "shadow@desk.test"):
            wait_for(lambda: self.copies(who, "first"), "the copy of what was accepted for " + who)
        self.wait_all_parked(1)
        self.fall_due()
        self.sink.wait_to("boss@person.test", 2)
        self.relay.wait_empty()
        for who in ("archive@desk.test", "shadow@desk.test"):
            self.assertEqual((len(self.copies(who, "first")), len(self.copies(who, "second"))), (1, 1), who)


REPORT = ("MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
          "--b\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x.test\r\n\r\n--b--\r\n")


class NullSender(Gated):
    def test_reports_pass_and_do_not_count(self):
        address = person("desk")
        self.meet(address)
        for _ in range(3):
            sent = self.accepted(self.send("", address, body=mail(headers=REPORT[0], body=REPORT[1], sender="MAILER-DAEMON@x.test")))
            self.assertEqual([entry["verdict"] for entry in self.decisions(sent.queue_id)], ["accept"])
        self.sink.wait_to(address, 4)
        contacts = self.tactd.tact_json("show", address)["contacts"]
        self.assertEqual(sum(one["counts"] for one in contacts), 1, contacts)

    def test_automatic_replies_pass(self):
        address = person("desk")
        self.meet(address)
        self.accepted(self.send("", address, body=mail(headers="Auto-Submitted: auto-replied\r\n", sender="x@x.test")))
        self.sink.wait_to(address, 2)

    def test_anything_else_over_a_limit_is_rejected_and_never_delayed(self):
        address = person()
        self.accepted(self.send("", address))
        self.sink.wait_to(address)
        sent = self.send("", address)
        self.assertEqual((sent.code, sent.status), (550, "5.7.1"), sent)
        self.assertEqual([entry["verdict"] for entry in self.tactd.entries(kind="decision", verdict="delay")], [])
        self.assertEqual(self.relay.queue(), [])

    def test_suppressed_is_refused(self):
        address = person()
        self.suppress(address)
        self.assertEqual(self.send("", address).code, 550)


class Sendmail(Gated):
    """sendmail(1), through the non-SMTP listener."""

    def local(self, *rcpts, subject="local", sender="b@leeds.test", **options):
        return self.relay.sendmail(mail(subject=subject, sender=sender).replace(b"\r\n", b"\n"), *rcpts, sender=sender, **options)

    def arrived(self, address, subject):
        return [one for one in self.sink.to(address) if one.header("Subject") == [subject]]

    def test_accepted(self):
        address = person()
        self.local(address)
        self.sink.wait_to(address)
        self.relay.wait_empty()

    def test_delayed(self):
        address = person()
        self.meet(address)
        self.local(address)
        (one,) = self.wait_all_parked(1)
        self.assertTrue(in_gate(one["recipients"][0]["address"]), one)
        self.fall_due()
        got = self.sink.wait_to(address, 2)[1]
        self.assertEqual((got.sender, got.rcpts[0].address), ("b@leeds.test", address))
        self.relay.wait_empty()
        (first,) = self.decisions(one["queue_id"], phase="end-of-message")
        (second,) = self.tactd.entries(kind="decision", previous=first["decision"])
        (outcome,) = self.tactd.entries(kind="outcome", previous=second["decision"])
        # Postfix forwards no queue id of what sendmail(1) brought; the claim knows it.
        self.assertEqual([entry["queue_id"] for entry in (second, outcome)], [one["queue_id"]] * 2)

    def test_mixed(self):
        fresh, late, gone = people(3)
        self.meet(late)
        self.suppress(gone)
        self.local(fresh, late, gone, subject="local mixed")
        self.sink.wait_to(fresh)
        bounce, (block,) = self.wait_bounce("b@leeds.test", b"Subject: local mixed")
        self.assertEqual(block["Final-Recipient"], "rfc822; " + gone)
        self.assertNotIn("tact.invalid", status_text(bounce))
        self.wait_all_parked(1)
        self.fall_due()
        self.sink.wait_to(late, 2)
        self.relay.wait_empty()
        self.assertEqual(self.sink.to(gone), [])

    def test_all_rejected_comes_back_as_a_bounce(self):
        gone = people(2)
        self.suppress(*gone)
        done = self.local(*gone, subject="local refused")
        self.assertEqual(done.returncode, 0, "sendmail(1) has handed it over before anybody is asked")
        bounce, blocks = self.wait_bounce("b@leeds.test", b"Subject: local refused")
        self.assertEqual(sorted(block["Final-Recipient"] for block in blocks), sorted("rfc822; " + address for address in gone))
        self.assertIn("5.7.1", blocks[0]["Status"] + blocks[0]["Diagnostic-Code"])
        self.assertNotIn("tact.invalid", status_text(bounce))
        self.relay.wait_empty()
        self.assertEqual([one for address in gone for one in self.sink.to(address)], [])

    def test_a_gate_domain_is_refused(self):
        address = "%s.mfxg4@s1.%s" % ("0" * 32, GATE_DOMAIN)
        self.local(address, subject="local forged")
        bounce, _ = self.wait_bounce("b@leeds.test", b"Subject: local forged")
        self.assertIn(b"no mail is taken", bounce.data)
        self.relay.wait_empty()


if __name__ == "__main__":
    main()

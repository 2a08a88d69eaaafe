#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""What stands in a message, through a real Postfix: what is held and refused for its words, what is done to the header, and that the body
arrives as it was sent."""

import os

from gated import Gated, person
from harness import Case, mail, main, section
from story import MAILS

BASE = [
    section("owner", "head"),
    section("brand", "acme", domains=["acme.test"]),
    section("stream", "letter", owner="head", purpose="newsletter", senders=["@letter.test"]),
    section("stream", "thanks", owner="head", purpose="appreciation", senders=["@thanks.test"]),
    section("stream", "own", owner="head", brand="acme", purpose="promotional", senders=["@own.test"]),
    section("stream", "waits", owner="head", purpose="promotional", senders=["@waits.test"]),
    section("stream", "held", owner="head", purpose="newsletter", senders=["@held.test"], quarantine_by="hold"),
    section("stream", "free", owner="head", purpose="promotional", senders=["@free.test"]),
    section("stream", "other", owner="head", purpose="promotional", senders=["@other.test"]),
    section("limit", "breathing", at_most="1/20h", streams=["waits"]),
]
TIDY = section("content", "tidy", streams=["free", "waits"], add_headers=["X-Abuse: https://acme.test/abuse"],
               strip_headers=["X-Internal-*", "X-Draft"])
SECTIONS = BASE + [
    section("content", "somebody", must_not=["generic-salutation", "unfilled-merge-tag"], streams=["letter", "held"]),
    section("content", "no-catch", must_not=["offer-language"], purposes=["appreciation"], action="reject", on_unreadable="quarantine"),
    section("content", "own-name", from_domains="brand", brands=["acme"], action="reject"),
    TIDY,
]


def story(folder, name):
    with open(os.path.join(MAILS, folder, name), "rb") as file:
        return file.read()


class Content(Gated):
    sections = SECTIONS
    settings = {"content_max": "65536"}

    def held(self, sent, words=""):
        """Held for review, which says WORDS in Postfix's queue. The decision (its text is sealed)."""
        self.accepted(sent)
        self.relay.wait_log(r"%s: .*review\.tact\.invalid.*status=deferred" % sent.queue_id)
        (entry,) = self.decisions(sent.queue_id, phase="end-of-message")
        self.assertEqual((entry["verdict"], entry["action"]), ("quarantine", "review"))
        self.assertIn("451 4.7.1 held for review: " + words, self.queued(sent.queue_id)[0][1])
        return entry

    def review(self, word):
        listed = self.tactd.tact_json("quarantine", "list")
        (found,) = [one for one in (listed if isinstance(listed, list) else [listed]) if word in one.get("subject", "") + one.get("campaign", "")]
        return found

    def firing(self, entry):
        return [rule["name"] for rule in entry["rules"] if rule["verdict"] != "accept"]

    # ---- the stories, as far as they are about words --------------------------------------------------------

    def test_dear_sir_or_madam(self):
        wanted = {"01": "generic salutation Dear Sir or Madam", "02": "generic salutation Dear Valued Customer",
                  "03": "generic salutation Sehr geehrte Damen und Herren", "04": "generic salutation Madame, Monsieur",
                  "05": "generic salutation Estimado cliente", "06": "unfilled merge tag *|FNAME|*",
                  "07": "unfilled merge tag {{first_name}}", "08": "unfilled merge tag %%first_name%%",
                  "09": "unfilled merge tag [[vorname]]", "10": "unfilled merge tag ${contact.firstName}",
                  "11": "unfilled merge tag {% if customer.name %}", "12": "unfilled merge tag *|FNAME|*"}
        for name in sorted(os.listdir(os.path.join(MAILS, "dear-sir-or-madam"))):
            with self.subTest(name):
                address = person()
                sent = self.send("letter@letter.test", address, body=story("dear-sir-or-madam", name))
                if name[:2] not in wanted:
                    self.accepted(sent)
                    (got,) = self.sink.wait_to(address)
                    self.assertEqual(got.body, story("dear-sir-or-madam", name).replace(b"\n", b"\r\n").partition(b"\r\n\r\n")[2])
                    continue
                entry = self.held(sent, wanted[name[:2]])
                self.assertEqual(self.firing(entry), ["somebody"])
                self.assertEqual([rule["numbers"] for rule in entry["rules"] if "numbers" in rule and rule["name"] == "somebody"], [])
                self.assertEqual(self.sink.to(address), [])

    def test_thank_you_with_a_catch(self):
        wanted = {"2": "offer language 20% off", "4": "offer language 15 % Rabatt", "6": "offer language -30 %",
                  "8": "offer language 25 % de descuento", "9": "offer language Half price"}
        for name in sorted(os.listdir(os.path.join(MAILS, "thank-you-with-a-catch"))):
            with self.subTest(name):
                address = person()
                sent = self.send("tom@thanks.test", address, body=story("thank-you-with-a-catch", name))
                if name[0] not in wanted:
                    self.accepted(sent)
                    self.sink.wait_to(address)
                    continue
                self.assertEqual((sent.code, sent.status, sent.text), (550, "5.7.1", wanted[name[0]]))
                self.assertEqual([rcpt.code for rcpt in sent.rcpts], [250], "words are not known at RCPT")
                self.assertEqual(self.sink.to(address), [])

    # ---- what a reviewer sees -------------------------------------------------------------------------------

    def test_the_reviewer_sees_words_not_base64(self):
        address = person()
        body = ("MIME-Version: 1.0\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: base64\r\n",
                "PHA+U2VociBnZWVocnRlIERhbWVuIHVuZCBIZXJyZW4sPC9wPjxwPkdy/N9lPC9wPg==\r\n")
        self.held(self.send("letter@letter.test", address, body=mail(subject="Nr. 4711 in words", headers=body[0], body=body[1])))
        review = self.review("Nr. 4711")
        self.assertEqual(review["excerpt"], "Sehr geehrte Damen und Herren, Grüße")
        self.assertEqual(review["why"], "held for review: generic salutation Sehr geehrte Damen und Herren")
        self.tactd.tact("quarantine", "release", review["id"])
        self.sink.wait_to(address)

    def test_discarded_it_bounces(self):
        address, sender = person(), "letter%s@letter.test" % os.getpid()
        sent = self.send(sender, address, body=mail(subject="Nr. 4712", body="Dear customer,\r\n", sender=sender))
        self.held(sent)
        self.tactd.tact("quarantine", "discard", self.review("Nr. 4712")["id"])
        self.wait_bounce(sender, address.encode())
        self.assertEqual(self.sink.to(address), [])

    # ---- what cannot be read --------------------------------------------------------------------------------

    def test_what_cannot_be_read_is_held(self):
        broken = {
            "base64 of a part is broken": ("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n", "SGVsbG8s\r\n_____\r\n"),
            "encrypted": ("Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\nContent-Transfer-Encoding: base64\r\n", "eHl6\r\n"),
            "a multipart has no end": ("Content-Type: multipart/mixed; boundary=b\r\n", "--b\r\n\r\nDear Ann,\r\n"),
            "header Content-Type stands more than once": ("Content-Type: text/plain\r\nContent-Type: text/html\r\n", "Dear Ann,\r\n"),
            "character set of a part is not known": ("Content-Type: text/plain; charset=x-none\r\n", "Dear Ann,\r\n"),
            "the body is too large": ("", "Dear Ann, nothing here.\r\n" * 3000),
        }
        for reason, (headers, body) in broken.items():
            with self.subTest(reason):
                sender = "tom@thanks.test" if "stands" not in reason else "letter@letter.test"
                sent = self.send(sender, person(), body=mail(headers="MIME-Version: 1.0\r\n" + headers, body=body, sender=sender))
                if "stands" in reason:  # ambiguous mail falls to the strictest stream, which these rules do not concern
                    self.accepted(sent)
                    continue
                entry = self.held(sent, "message cannot be read: " + reason)
                self.assertEqual(self.firing(entry), ["no-catch"])

    def test_as_large_as_is_read(self):
        line = b"Dear Ann, nothing is for sale here.\r\n"
        fits = line * (65536 // len(line)) + b"x" * (65536 % len(line) - 2) + b"\r\n"
        self.assertEqual(len(fits), 65536)
        address = person()
        self.accepted(self.send("tom@thanks.test", address, body=mail(body="") + fits))
        self.assertEqual(self.sink.wait_to(address)[0].body, fits)
        self.held(self.send("tom@thanks.test", person(), body=mail(body="") + b"x\r\n" + fits))

    def test_a_foreign_from_domain(self):
        sent = self.send("a@own.test", person(), body=mail(sender="Acme <acme@gmail.test>"))
        self.assertEqual((sent.code, sent.text), (550, "From domain gmail.test is not the brand's"))
        self.accepted(self.send("a@own.test", person(), body=mail(sender="Acme <news@acme.test>")))

    def test_held_in_postfix_own_hold_queue(self):
        sent = self.accepted(self.send("a@held.test", person(), body=mail(body="Dear Sir,\r\n", sender="a@held.test")))
        (held,) = [one for one in self.relay.queue() if one["queue_id"] == sent.queue_id]
        self.assertEqual(held["queue_name"], "hold")

    # ---- the header -----------------------------------------------------------------------------------------

    def test_fields_are_added_and_taken_off(self):
        address = person()
        headers = ("X-Internal-Id: 1\r\nX-Keep: a\r\nx-internal-id: 2\r\nX-Draft: folded\r\n over two lines\r\nX-Keep: b\r\n"
                   "X-Internal-Note: 3\r\nX-INTERNAL-ID: 4\r\nX-Drafts: stays\r\n")
        sent = self.accepted(self.send("a@free.test", address, body=mail(headers=headers, sender="a@free.test")))
        (got,) = self.sink.wait_to(address)
        self.assertEqual(got.header("X-Keep"), ["a", "b"])
        self.assertEqual(got.header("X-Drafts"), ["stays"])
        self.assertEqual(got.header("X-Draft") + got.header("X-Internal-Id") + got.header("X-Internal-Note"), [])
        self.assertEqual(got.header("X-Abuse"), ["https://acme.test/abuse"])
        self.assertEqual(got.header("Subject"), ["A word with you"])
        (entry,) = self.decisions(sent.queue_id)
        self.assertEqual((entry["verdict"], entry["action"]), ("accept", "continue"))

    def test_a_field_that_is_there_is_not_added(self):
        address = person()
        self.accepted(self.send("a@free.test", address, body=mail(headers="x-abuse: other\r\n", sender="a@free.test")))
        self.assertEqual(self.sink.wait_to(address)[0].header("X-Abuse"), ["other"])

    def test_other_streams_keep_their_header(self):
        address = person()
        self.accepted(self.send("a@other.test", address, body=mail(headers="X-Internal-Id: 1\r\n", sender="a@other.test")))
        (got,) = self.sink.wait_to(address)
        self.assertEqual((got.header("X-Internal-Id"), got.header("X-Abuse")), (["1"], []))

    def test_the_body_is_not_touched(self):
        bodies = [b"8 bit: \xe9\xff\x80 and \xc3\xa9\r\n", b"x" * 990 + b"\r\n" + b"y" * 990 + b"\r\n", b"\r\n\r\n\r\n", b".\r\n..\r\n. \r\n",
                  b"trailing blanks  \t\r\n \r\n", b"X-Internal-Id: in the body\r\n\r\nX-Draft: too\r\n", b""]
        for body in bodies:
            with self.subTest(body[:30]):
                address = person()
                whole = mail(body="", headers="X-Internal-Id: 1\r\n", sender="a@free.test") + body
                self.accepted(self.send("a@free.test", address, body=whole, mail_args="BODY=8BITMIME"))
                (got,) = self.sink.wait_to(address)
                self.assertEqual(got.body, body)
                self.assertEqual((got.header("X-Internal-Id"), len(got.header("X-Abuse"))), ([], 1))

    def test_without_a_final_newline_by_sendmail(self):
        address = person()
        whole = mail(body="no end of line", headers="X-Internal-Id: 1\r\n", sender="a@free.test").replace(b"\r\n", b"\n")
        self.relay.sendmail(whole, address, sender="a@free.test")
        (got,) = self.sink.wait_to(address)
        self.assertEqual(got.body, b"no end of line\r\n")
        self.assertEqual((got.header("X-Internal-Id"), got.header("X-Abuse")), ([], ["https://acme.test/abuse"]))

    def test_delayed_mail_is_edited_once(self):
        address = person()
        self.accepted(self.send("a@waits.test", address))
        self.sink.wait_to(address)
        sent = self.accepted(self.send("a@waits.test", address, body=mail(headers="X-Internal-Id: 1\r\n", sender="a@waits.test", subject="Later")))
        self.wait_parked(sent.queue_id, 1)
        self.fall_due()
        got = self.sink.wait_to(address, 2)[1]
        self.assertEqual(got.header("Subject"), ["Later"])
        self.assertEqual((got.header("X-Internal-Id"), got.header("X-Abuse")), ([], ["https://acme.test/abuse"]))
        self.assertEqual(got.body, b"Hello,\r\n\r\nthis is a test.\r\n")

    # ---- machines -------------------------------------------------------------------------------------------

    def test_answers_of_machines_pass_unread(self):
        address = person()
        body = mail(sender="MAILER-DAEMON@free.test", headers="Auto-Submitted: auto-replied\r\nX-Internal-Id: 1\r\n", body="Dear Sir,\r\n")
        self.accepted(self.send("", address, body=body))
        (got,) = self.sink.wait_to(address)
        self.assertEqual((got.header("X-Internal-Id"), got.header("X-Abuse")), (["1"], []))

    # ---- explain --------------------------------------------------------------------------------------------

    def test_explain_says_the_same(self):
        for name, verdict in (("07-handlebars-only-in-html.eml", "quarantine"), ("13-named-en.eml", "accept")):
            got = self.tactd.tact_json("explain", "--sender", "letter@letter.test", "--rcpt", person(), stdin=story("dear-sir-or-madam", name))
            self.assertEqual(got["verdict"], verdict, got)


class Changing(Case):
    """Rules that come into force while mail is under way. A site for each test."""

    def site_with(self, *sections, **settings):
        return self.site(sections=BASE + list(sections), settings=dict({"slot_length": "1s"}, **settings))

    def test_the_gate_reads_again_with_the_rules_of_the_day(self):
        site = self.site_with()
        for number in (1, 2):
            sent = site.relay.send("a@waits.test", ["later@person.test"],
                                   mail(sender="a@waits.test", body="Dear Ann,\r\nYou have won.\r\n", message_id="<%d@waits.test>" % number))
            self.assertEqual(sent.code, 250)
        site.relay.wait_log(r"%s: .*status=deferred.*next place" % sent.queue_id)
        site.tactd.configure(sections=BASE + [section("pattern", "lottery", match=["(?i)you have won"]),
                                              section("content", "no-lottery", must_not=["lottery"], action="reject")])
        site.tactd.reload()
        site.tactd.set_clock("+%d" % (21 * 3600))
        site.relay.wait_log(r"%s: .*status=(bounced|sent)" % sent.queue_id, timeout_s=60)
        entry = site.tactd.entries(kind="decision", queue_id=sent.queue_id, phase="gate")[-1]
        self.assertEqual((entry["verdict"], [rule["name"] for rule in entry["rules"] if rule["verdict"] == "reject"]), ("reject", ["no-lottery"]))
        self.assertEqual(len(site.tactd.grep(r"gate=bounced .*lottery You have won")), 1)
        self.assertEqual(len(site.sink.to("later@person.test")), 1)

    def test_a_connection_from_before_is_told_to_come_again(self):
        site = self.site_with()
        body = mail(sender="a@other.test", body="Dear Sir,\r\n")
        with site.relay.client() as client:
            self.assertEqual(client.send("a@other.test", ["one@person.test"], mail(sender="a@other.test")).code, 250)
            site.tactd.configure(sections=BASE + [section("content", "somebody", must_not=["generic-salutation"], action="reject")])
            site.tactd.reload()
            sent = client.send("a@other.test", ["two@person.test"], body)
            self.assertEqual((sent.code, sent.status), (451, "4.3.0"), sent)
            self.assertIn("came into force", sent.text)
        sent = site.relay.send("a@other.test", ["two@person.test"], body)
        self.assertEqual((sent.code, sent.text), (550, "generic salutation Dear Sir"))
        self.assertEqual(site.sink.to("two@person.test"), [])

    def test_on_monitor_nothing_is_done(self):
        for where in ("rule", "daemon"):
            with self.subTest(where):
                monitor = {"mode": "monitor"} if where == "rule" else {}
                site = self.site_with(
                    section("content", "somebody", must_not=["generic-salutation"], action="reject", add_headers=["X-Abuse: a"],
                            strip_headers=["X-Draft"], **monitor), **({"mode": "monitor"} if where == "daemon" else {}))
                sent = site.relay.send("a@other.test", ["m@person.test"], mail(sender="a@other.test", body="Dear Sir,\r\n", headers="X-Draft: 1\r\n"))
                self.assertEqual(sent.code, 250)
                (got,) = site.sink.wait_to("m@person.test")
                self.assertEqual((got.header("X-Draft"), got.header("X-Abuse")), (["1"], []))
                (entry,) = site.tactd.entries(kind="decision", queue_id=sent.queue_id)
                self.assertEqual([rule["verdict"] for rule in entry["rules"] if rule["name"] == "somebody"], ["reject"])


if __name__ == "__main__":
    main()

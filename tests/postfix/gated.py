# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""A site whose rules can make any verdict for anybody, shared by the tests of one class: each test takes persons of its own, and the clock
only goes on."""

import email
import email.policy
import itertools
import os
import tempfile
import time

from harness import GATE_DOMAIN, REVIEW_DOMAIN, Case, mail, section, wait_for

SECTIONS = [
    section("owner", "head"), section("owner", "leeds"),
    section("stream", "launch", owner="head", purpose="promotional", priority=800, senders=["@head.test"]),
    section("stream", "branch", owner="leeds", purpose="promotional", priority=300, senders=["@leeds.test"]),
    section("stream", "news", owner="leeds", purpose="newsletter", senders=["@news.test"]),
    section("stream", "held", owner="leeds", purpose="appreciation", senders=["@held.test"], quarantine_by="hold"),
    section("suppression", "unsubscribed", action="reject"),
    section("limit", "breathing", at_most="1/20h", count=["promotional"], purposes=["promotional"]),
    section("limit", "review", at_most="0/5d", count=["newsletter"], streams=["branch", "held"], action="quarantine"),
]
STEP_S = 20 * 3600 + 120  # past every place that one more mail makes

_numbers = itertools.count(1)


def person(name="p", domain="person.test"):
    """An address nobody else has."""
    return "%s%d@%s" % (name, next(_numbers), domain)


def people(count, name="p"):
    return [person(name) for _ in range(count)]


class SeenElsewhere:
    """What is done to a campaign at one relay is seen by the other within two seconds of the verb's end: whatever is handed in later than
    that is decided so. Needs self.left and self.right, and a header that names campaigns."""

    SEEN_S = 2.0  # promised, and no margin is needed: a mail is decided after it was begun, and the verb ends after its commit

    def verdict_of(self, site, campaign):
        body = mail(sender="Desk <a@head.test>", headers="Feedback-ID: %s:x:y:desk\r\n" % campaign)
        sent = site.relay.send("a@head.test", [person()], body)
        if sent.code == 550:
            return "reject"
        self.assertEqual(sent.code, 250, sent)
        # Once the campaign goes on the gate decides about what waited, too.
        return site.tactd.entries(kind="decision", queue_id=sent.queue_id)[0]["verdict"]

    def watch(self, does, sees, campaign, deed, verdict):
        """Hands mail in without a pause while the deed spreads."""
        does.tactd.tact("campaign", deed, campaign, "--reason", "to see how soon")
        ended, first, last = time.monotonic(), None, 0.0
        while first is None or time.monotonic() - ended < self.SEEN_S + 0.5:
            began = time.monotonic() - ended
            if self.verdict_of(sees, campaign) == verdict:
                first = began if first is None else first
            else:
                self.assertIsNone(first, "%s was seen, and then it was not" % deed)
                last = began
                self.assertLess(last, self.SEEN_S, "%s at one relay, and mail begun %.2f s later at the other was decided as before" % (deed, last))
        print("campaign %s: seen elsewhere %.2f s after the verb's end (the last mail before it was begun after %.2f s)" % (deed, first, last))

    def watch_all(self, campaign):
        self.assertEqual(self.verdict_of(self.right, campaign), "accept")
        self.watch(self.left, self.right, campaign, "pause", "delay")
        self.watch(self.right, self.left, campaign, "resume", "accept")
        self.watch(self.left, self.right, campaign, "cancel", "reject")


class Gated(Case):
    main = {}
    settings = {}
    sections = SECTIONS
    options = {}

    @classmethod
    def setUpClass(cls):
        cls.shift = 0
        cls.site = cls.class_site(sections=cls.sections, settings=dict({"slot_length": "1s"}, **cls.settings), main=dict(cls.main), **cls.options)
        cls.relay, cls.sink, cls.tactd = cls.site.relay, cls.site.sink, cls.site.tactd

    def fall_due(self, seconds=STEP_S):
        """The clock goes on, and runs on."""
        type(self).shift += seconds
        self.tactd.set_clock("+%d" % self.shift)

    # ---- sending --------------------------------------------------------------------------------------------

    def send(self, sender, *rcpts, body=None, **options):
        return self.relay.send(sender, list(rcpts), body or mail(sender="Desk <%s>" % sender), **options)

    def accepted(self, sent):
        self.assertEqual(sent.code, 250, sent)
        return sent

    def meet(self, *rcpts, **options):
        """A first promotional mail for each, so that the next one waits. How each arrived."""
        addresses = [rcpt if isinstance(rcpt, str) else rcpt[0] for rcpt in rcpts]
        self.accepted(self.send("a@head.test", *addresses, **options))
        return [self.sink.wait_to(address)[0] for address in addresses]

    def read_news(self, *rcpts):
        """A newsletter for each, so that a branch's mail is held for review."""
        self.accepted(self.send("n@news.test", *rcpts))

    def suppress(self, *addresses):
        self.tactd.tact("suppress", "--reason", "unsubscribe", *addresses)

    def delay(self, *rcpts, **options):
        """One mail to all of them that waits; they have been met."""
        self.meet(*rcpts, mail_args="SMTPUTF8" if "SMTPUTF8" in options.get("mail_args", "") else "")
        sent = self.accepted(self.send("b@leeds.test", *rcpts, **options))
        self.wait_parked(sent.queue_id, len(rcpts))
        return sent

    # ---- looking --------------------------------------------------------------------------------------------

    def queued(self, queue_id):
        """The recipients of one message in the queue: [(address, why it waits)], or None when it has left."""
        for one in self.relay.queue():
            if one["queue_id"] == queue_id:
                return [(rcpt["address"], rcpt.get("delay_reason", "")) for rcpt in one["recipients"]]
        return None

    def wait_parked(self, queue_id, count, timeout_s=30):
        """Its recipients once it has COUNT of them left and no delivery attempt is under way: from then on an ETRN is heard."""
        def parked(queue):
            return [one for one in queue if one["queue_id"] == queue_id and one["queue_name"] == "deferred" and len(one["recipients"]) == count]
        self.relay.wait_queue(parked, "%s parked with %d recipients" % (queue_id, count), timeout_s)
        return self.queued(queue_id)

    def wait_all_parked(self, count):
        """The same for the whole queue."""
        def parked(queue):
            return all(one["queue_name"] == "deferred" for one in queue) and sum(len(one["recipients"]) for one in queue) == count
        return self.relay.wait_queue(parked, "%d recipients parked" % count)

    def wait_gone(self, queue_id, timeout_s=30):
        self.relay.wait_queue(lambda queue: all(one["queue_id"] != queue_id for one in queue), "%s gone" % queue_id, timeout_s)

    def decisions(self, queue_id, **fields):
        return self.tactd.entries(kind="decision", queue_id=queue_id, **fields)

    def wait_bounce(self, sender, words=b""):
        """The bounce to SENDER that holds WORDS, and its delivery-status blocks that name a recipient."""
        found = wait_for(lambda: [one for one in self.sink.to(sender) if one.sender == "" and words in one.data], "a bounce to <%s>" % sender, 30)
        return found[0], status_blocks(found[0])


def in_memory(case):
    """Rooms of this class are made in memory: for crowds, where Postfix's flushing of thousands of files would be all there is to see."""
    if os.path.isdir("/dev/shm"):
        case.addClassCleanup(setattr, tempfile, "tempdir", tempfile.tempdir)
        tempfile.tempdir = "/dev/shm"


def status_blocks(bounce):
    report = email.message_from_bytes(bounce.data, policy=email.policy.default)
    (status,) = [part for part in report.walk() if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status")]
    return [block for block in status.get_payload() if "Final-Recipient" in block]


def status_text(bounce):
    """The delivery-status part as it travelled."""
    text = bounce.data.decode("utf-8", "replace")
    return text.split("delivery-status")[-1].split("\r\n--")[0]


def in_gate(address):
    return address.endswith("." + GATE_DOMAIN)


def in_review(address):
    return address.endswith("." + REVIEW_DOMAIN)

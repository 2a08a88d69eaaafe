# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""What the stories of customers have in common: real message files under an example configuration, over simulated time, judged by what
arrived at the sink, what each sender was told, and what the evidence says."""

import datetime
import email
import email.policy
import os
import re

import evidence
from daemon import value_text
from harness import SOURCE, Case, Site

EXAMPLES = os.path.join(SOURCE, "conf", "examples")
MAILS = os.path.join(SOURCE, "tests", "postfix", "mails")

def utc(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)


class Story(Case):
    """One relay for all desks, under an example: only its sockets are others here, and the paths are a test's."""

    story = None
    example_name = "head-office-and-branches.conf"
    desks = {}  # name: envelope sender, the machine that submits, and whom it logs in as, if it does
    main = {}   # settings of Postfix over the usual ones

    def setUp(self):
        self.site = Site(self.room(), main=dict(self.main, mynetworks="127.0.0.0/8 192.0.2.0/24 198.51.100.0/24"))
        self.tactd, self.relay, self.sink = self.site.tactd, self.site.relay, self.site.sink
        self.tactd.configure(text=self.example())

    def example(self):
        with open(os.path.join(EXAMPLES, self.example_name), encoding="utf-8") as file:
            text = file.read()
        for shipped, ours in (("inet:8891@127.0.0.1", "inet:%d@127.0.0.1" % self.tactd.port),
                              ("inet:8892@127.0.0.1", "unix:" + self.tactd.local_socket)):
            self.assertEqual(text.count('"%s"' % shipped), 1, "the example has another socket")
            text = text.replace('"%s"' % shipped, '"%s"' % ours)
        usual = {name: value for name, value in self.tactd.settings.items() if not re.search(r"(?m)^%s =" % name, text)}
        return "".join("%s = %s\n" % (name, value_text(value)) for name, value in usual.items()) + text

    def begin(self, when):
        self.tactd.set_clock(when)
        self.site.start()

    # ---- what happens ---------------------------------------------------------------------------------------

    def read(self, name, story=None):
        with open(os.path.join(MAILS, story or self.story, name), "rb") as file:
            return file.read()

    def send(self, desk, name, rcpt, at=None, story=None, change=lambda mail: mail):
        """One file of the story, as its desk sends it, and no later than Postfix knows where to put it. CHANGE makes another mail of it."""
        if at:
            self.tactd.set_clock(at)
        sender, *client = self.desks[desk]
        sent = self.relay.send(sender, [rcpt] if isinstance(rcpt, str) else rcpt, change(self.read(name, story)),
                               xclient=dict(zip(("ADDR", "LOGIN"), client)))
        sent.desk, sent.name, sent.story = desk, name, story or self.story
        return sent

    # ---- what came of it ------------------------------------------------------------------------------------

    def decision(self, sent, phase="end-of-message"):
        """The one decision of that phase about that mail."""
        found = self.tactd.entries(kind="decision", queue_id=sent.queue_id, phase=phase)
        self.assertEqual(len(found), 1, "%r: %r" % (sent, found))
        return found[0]

    def rule(self, entry, name):
        (found,) = [rule for rule in entry["rules"] if rule["name"] == name]
        return found

    def subjects(self, address):
        """The subjects of all that arrived, in order."""
        return [str(email.message_from_bytes(mail.data, policy=email.policy.default)["Subject"]) for mail in self.sink.to(address)]

    def assertGoes(self, sent, stream, rcpt, count):
        """Accepted, delivered as the COUNTth for RCPT with its body as it was, and in the evidence."""
        self.assertEqual(sent.code, 250, sent)
        got = self.sink.wait_to(rcpt, count)
        self.assertEqual(len(got), count, got)
        self.assertEqual(got[-1].body, self.read(sent.name, sent.story).replace(b"\n", b"\r\n").partition(b"\r\n\r\n")[2])
        entry = self.decision(sent)
        self.assertEqual((entry["verdict"], entry["action"], entry["stream"]), ("accept", "continue", stream))
        return entry

    def assertWaits(self, sent, place, rule=None):
        """Taken, and waits in Postfix's queue for PLACE with the reason; nothing of it arrived."""
        self.assertEqual(sent.code, 250, sent)
        self.relay.wait_log(r"%s: .*status=deferred.*next place %s UTC" % (sent.queue_id, place))
        entry = self.decision(sent)
        self.assertEqual((entry["verdict"], entry["action"], entry["until"]), ("delay", "gate", place.replace(" ", "T") + ":00Z"))
        if rule:
            self.assertEqual(self.rule(entry, rule)["verdict"], "delay", entry)
        return entry

    def assertBumped(self, sent, place):
        """Postfix asks for all that waits; this one is told a new place."""
        self.ask_again()
        self.relay.wait_log(r"%s: .*status=deferred.*next place %s UTC" % (sent.queue_id, place))

    def assertRefused(self, sent, words):
        """Nobody took it: its sender knows at once, with a reason."""
        self.assertEqual((sent.code, sent.status), (550, "5.7.1"), sent)
        self.assertIn(words, sent.text)

    def assertReleased(self, sent, place, rcpt, count):
        """A minute before its place it still waits, even when Postfix asks; at its place the bell brings it."""
        self.tactd.set_clock(utc(place) - datetime.timedelta(minutes=1))
        self.ask_again()
        self.assertEqual(len(self.sink.to(rcpt)), count - 1, self.sink.to(rcpt))
        self.tactd.set_clock(place)
        self.assertEqual(len(self.sink.wait_to(rcpt, count)), count)
        got = self.sink.to(rcpt)[-1]
        self.assertEqual(got.sender, self.desks[sent.desk][0])
        self.assertEqual(got.body, self.read(sent.name, sent.story).replace(b"\n", b"\r\n").partition(b"\r\n\r\n")[2])
        self.assertNotIn(b"tact.invalid", got.headers)
        self.relay.wait_queue(lambda queue: sent.queue_id not in [mail["queue_id"] for mail in queue], sent.name + " out of the queue")
        self.assertOutcome(sent, "reinjected")
        self.assertEqual(self.decision(sent, "gate")["verdict"], "accept")

    def assertOutcome(self, sent, action):
        self.assertEqual([entry["action"] for entry in self.tactd.entries(kind="outcome", queue_id=sent.queue_id)], [action])

    def assertHeld(self, sent, rule, words):
        """Taken, and held for a reviewer; its sender reads why, as far as he asks, and nothing of it arrived."""
        self.assertEqual(sent.code, 250, sent)
        (line,) = self.relay.wait_log(r"%s: .*status=deferred.*held for review" % sent.queue_id)[:1]
        self.assertIn(words, line)
        entry = self.decision(sent)
        self.assertEqual((entry["verdict"], entry["action"], self.rule(entry, rule)["verdict"]), ("quarantine", "review", "quarantine"), entry)

    def review(self):
        """The one that is held."""
        found = self.tactd.tact_json("quarantine", "list")
        self.assertIsInstance(found, dict, found)
        return found

    def assertBounced(self, sent, rcpt, rule=None):
        """Its sender has a bounce that names the person; the evidence names the rule."""
        (bounce,) = self.sink.wait_to(self.desks[sent.desk][0])
        self.assertEqual(bounce.sender, "")
        report = bounce.data.partition(b"Content-Type: message/delivery-status")[2].partition(b"Content-Type: message/rfc822")[0]
        self.assertIn(b"Final-Recipient: rfc822; %s\r\n" % rcpt.encode(), report)
        self.assertIn(b"Status: 5.7.1\r\n", report)
        self.assertNotIn(b"tact.invalid", report)
        if rule is None:
            return
        entry = self.decision(sent, "gate")
        self.assertEqual((entry["verdict"], entry["code"]), ("reject", "5.7.1"))
        self.assertNotEqual(self.rule(entry, rule)["verdict"], "accept", entry)

    def ask_again(self):
        """Postfix tries everything that waits, and has its answers."""
        waiting = [mail["queue_id"] for mail in self.relay.queue()]
        seen = {queue_id: len(self.relay.grep(r"%s: to=.*status=" % queue_id)) for queue_id in waiting}
        self.relay.flush()
        for queue_id, count in seen.items():
            self.relay.wait_log(r"%s: to=.*status=" % queue_id, count + 1)

    def claims(self, address):
        """The places of what waits: {stream: place}."""
        return {claim["stream"]: claim["place"] for claim in self.tactd.tact_json("show", address)["claims"] if claim["state"] == "waiting"}

    def told(self, address, sent):
        """What the evidence of a person says of that mail at the gate, unsealed."""
        (found,) = evidence.select(self.tactd.tact_json("audit", "trail", address), kind="decision", phase="gate", queue_id=sent.queue_id)
        return found["sealed"]["text"]

    def trail(self, address):
        """What one command tells of a person: [(kind, verdict or action)], refusals and rings included."""
        found = self.tactd.tact_json("audit", "trail", address)
        return [(entry["kind"], entry.get("verdict") or entry["action"]) for entry in (found if isinstance(found, list) else [found])]

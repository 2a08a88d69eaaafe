# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Every configuration below conf/examples, asked through tact explain: it loads, each of its streams takes its mail, each of its rules is told of
with a reason, and fires when it should and not before. Only paths and sockets are a test's own. The stories below tests/postfix show them at work."""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from test_cli import NOW, SOURCE, Case  # noqa: E402

EXAMPLES = os.path.join(SOURCE, "conf", "examples")
NAMES = sorted(name for name in os.listdir(EXAMPLES) if name.endswith(".conf"))
PATHS = """\
store = "lmdb:%(dir)s/db?map_size=64M"
audit = "%(dir)s/audit"
key_file = "%(dir)s/key"
user = ""
socket_group = ""
log = stderr
"""
KINDS = "suppression|limit|breaker|consent|quiet_hours|occasion|territory|content"
DAY = 86400
ANN = "ann@client.example"


def sections(text, kinds):
    """name: body of every section of these kinds."""
    return dict(re.findall(r'(?ms)^(?:%s) "([^"]+)" \{\n(.*?)^\}' % kinds, text))


def values(body, option):
    """The texts that an option of a section is set to; none without it."""
    found = re.search(r"(?m)^\s*%s = (.*)$" % option, body)
    return re.findall(r'"([^"]*)"', found.group(1)) if found else []


class Example(Case):
    name = None

    def setUp(self):
        super().setUp()
        self.use(self.name)

    def use(self, name):
        with open(os.path.join(EXAMPLES, name), encoding="utf-8") as file:
            self.text = file.read()
        self.write("tact.conf", PATHS % {"dir": self.dir} + self.text)

    def at(self, seconds):
        self.write("clock", "@%d\n" % seconds)

    def mail(self, sender, text="Dear Ann,\n\nthe new catalogue is there.\n", **more):
        header = {"From": sender, "To": ANN, "Subject": "A letter", "Message-ID": "<1@client.example>", "Date": "Tue, 24 Nov 2026 08:00:00 +0000"}
        header.update((name.replace("_", "-"), value) for name, value in more.items())
        return ("".join("%s: %s\n" % field for field in header.items()) + "\n" + text).encode()

    def explain(self, sender, *args, mail=None, rcpt=ANN):
        got, = self.json("explain", "--sender", sender, "--rcpt", rcpt, *args, stdin=mail or self.mail(sender))
        return got

    def rule(self, name, *args, **more):
        """What that rule says of the mail."""
        found, = [rule for rule in self.explain(*args, **more)["rules"] if rule["name"] == name]
        self.assertTrue(found["why"])
        return found["verdict"]

    def contact(self, days, *args, rcpt=ANN):
        """A contact so many days ago."""
        self.tact("contact", rcpt, "--channel", "email", "--at", "@%d" % (NOW - int(days * DAY)), *args)


class Every(Example):
    name = NAMES[0]

    def test_setup_tells_postfix_of_the_sockets_of_each(self):
        """Who copies one and calls contrib/postfix/setup as the README says has a Postfix that asks."""
        with open(os.path.join(SOURCE, "contrib", "postfix", "setup"), encoding="utf-8") as file:
            told = re.findall(r"(?m)^(?:smtp|local)_milter=inet:([^:]+):(\d+)$", file.read())
        for name in NAMES + ["../tact.conf"]:
            self.use(name)
            self.assertEqual(re.findall(r'(?m)^#?\s*socket = "inet:(\d+)@([^"]+)"', self.text), [(port, host) for host, port in told], name)

    def test_each_loads_and_is_whole(self):
        for name in NAMES:
            with self.subTest(name):
                self.use(name)
                self.assertEqual(self.tact("check", "--no-postfix").out, "0 errors, 0 warnings\n")

    def test_each_is_installed(self):
        with open(os.path.join(SOURCE, "src", "config", "room.mk"), encoding="utf-8") as file:
            listed = re.findall(r"conf/examples/(\S+)", file.read())
        self.assertEqual(sorted(listed), NAMES)

    def test_each_is_explained_to_a_reader(self):
        """Every section stands below a comment, be it of the sections around it."""
        for name in NAMES:
            self.use(name)
            self.assertTrue(self.text.startswith("# "), name)
            comments = len(re.findall(r"(?m)^# ", self.text))
            self.assertGreaterEqual(comments, len(sections(self.text, KINDS)), name)

    def envelope(self, stream, trusted):
        """Of mail that this stream is made for."""
        sender = (values(stream, "senders") or ["somebody@client.example"])[0]
        sender = "somebody" + sender if sender.startswith("@") else sender
        domain = values(stream, "from_domains")
        user = (values(stream, "sasl_users") or values(trusted, "sasl_users"))[:1]
        client = (values(stream, "networks") or values(trusted, "networks"))[:1]
        args = [word for name in user for word in ("--sasl", name)] + [word for net in client for word in ("--client", re.sub(r"0/\d+$", "7", net))]
        return sender, args, self.mail("somebody@" + domain[0] if domain else sender)

    def test_each_stream_takes_its_mail_and_each_rule_is_told_of(self):
        for name in NAMES:
            self.use(name)
            trusted = "".join(re.findall(r"(?ms)^trusted \{\n(.*?)^\}", self.text))
            rules, streams = sections(self.text, KINDS), sections(self.text, "stream")
            self.assertTrue(rules and streams, name)
            for stream, body in streams.items():
                sender, args, mail = self.envelope(body, trusted)
                got = self.explain(sender, *args, mail=mail)
                with self.subTest(example=name, stream=stream):
                    self.assertEqual(got["stream"], stream)
                    self.assertEqual(set(rules) - {rule["name"] for rule in got["rules"] + got["not_asked"]}, set())
                    self.assertEqual([rule for rule in got["rules"] + got["not_asked"] if not rule["why"]], [])

    def test_each_rule_of_these_has_a_test(self):
        self.assertEqual(sorted(example.name for example in (SingleHost, HeadOffice, EspRelay, Casl)), NAMES)
        for example in (SingleHost, HeadOffice, EspRelay, Casl):
            self.use(example.name)
            tests = {name[len("test_rule_"):] for name in dir(example) if name.startswith("test_rule_")}
            self.assertEqual(tests, {rule.replace("-", "_") for rule in sections(self.text, KINDS)}, example.name)


class SingleHost(Example):
    name = "single-host.conf"
    LETTER, OFFERS, TILL = "letter@harbourbooks.example", "offers@harbourbooks.example", "till@harbourbooks.example"

    def test_rule_wishes(self):
        self.assertEqual(self.explain(self.LETTER)["verdict"], "accept")
        self.tact("suppress", ANN, "--reason", "unsubscribe")
        self.assertEqual(self.rule("wishes", self.LETTER), "reject")
        self.assertEqual(self.explain(self.TILL)["verdict"], "accept")

    def test_rule_daily(self):
        self.contact(1, "--stream", "offers")
        self.assertEqual(self.rule("daily", self.LETTER), "accept")
        self.contact(0, "--stream", "offers")
        self.assertEqual(self.rule("daily", self.LETTER), "delay")
        self.assertEqual(self.rule("daily", self.TILL), "accept")

    def test_rule_weekly(self):
        for days in (2, 4):
            self.contact(days, "--stream", "letter")
        self.assertEqual(self.rule("weekly", self.OFFERS), "accept")
        self.contact(6, "--stream", "letter")
        self.assertEqual(self.rule("weekly", self.OFFERS), "delay")

    def test_rule_offers(self):
        for days in (8, 16, 24, 32, 40, 60):  # the sixth is of the quarter before
            self.contact(days, "--stream", "offers")
        self.assertEqual(self.rule("offers", self.OFFERS), "accept")
        self.contact(48, "--stream", "offers")
        self.assertEqual(self.rule("offers", self.OFFERS), "reject")


class HeadOffice(Example):
    name = "head-office-and-branches.conf"
    NEWS = ("news@northmoor.example", "--client", "198.51.100.7")
    OFFERS, LETTER, THANKS, CARDS = "offers@northmoor.example", "letter@northmoor.example", "thanks@northmoor.example", "cards@northmoor.example"
    LEEDS, PLYMOUTH = "showroom@leeds.northmoor.example", "showroom@plymouth.northmoor.example"

    def birthday(self, *args):
        self.tact("profile", ANN, "--zone", "Europe/Stockholm", "--occasion", "birthday=11-24", *args)

    def test_rule_wishes(self):
        self.assertEqual(self.rule("wishes", *self.NEWS), "accept")
        self.tact("suppress", ANN, "--reason", "complaint", "--scope", "brand:northmoor")
        self.assertEqual(self.explain(*self.NEWS)["text"], "this person has asked not to get such mail")
        self.assertEqual(self.rule("wishes", "letter@calder.example"), "accept")

    def test_rule_home(self):
        self.assertEqual(self.rule("home", self.PLYMOUTH), "accept")
        self.tact("profile", ANN, "--home", "leeds-branch")
        self.assertEqual(self.explain(self.PLYMOUTH)["text"], "home: recipient belongs to leeds-branch, which may write")
        self.assertEqual(self.rule("home", self.LEEDS), "accept")
        self.assertEqual(self.rule("home", *self.NEWS), "accept")

    def test_rule_breathing(self):
        self.contact(1, "--stream", "leeds-today")
        self.assertEqual(self.rule("breathing", *self.NEWS), "accept")
        self.contact(0, "--stream", "leeds-today")
        self.assertEqual(self.rule("breathing", *self.NEWS), "delay")

    def test_rule_weekly(self):
        self.contact(2, "--stream", "letter")
        self.assertEqual(self.rule("weekly", self.OFFERS), "accept")
        self.tact("contact", ANN, "--channel", "phone", "--stream", "offers", "--at", "@%d" % (NOW - 3 * DAY))
        self.assertEqual(self.rule("weekly", self.OFFERS), "delay")

    def test_rule_conversation(self):
        self.contact(5, "--stream", "sales")
        self.assertEqual(self.rule("conversation", self.OFFERS), "accept")
        self.contact(4, "--stream", "sales")
        self.assertEqual(self.rule("conversation", self.OFFERS), "delay")

    def test_rule_same_campaign(self):
        mail = self.mail(self.NEWS[0], Feedback_ID="autumn:a:b:c")
        self.contact(29, "--stream", "launches", "--campaign", "spring")
        self.assertEqual(self.rule("same-campaign", *self.NEWS, mail=mail), "accept")
        self.contact(29, "--stream", "launches", "--campaign", "autumn")
        self.assertEqual(self.rule("same-campaign", *self.NEWS, mail=mail), "quarantine")
        self.assertEqual(self.rule("same-campaign", self.OFFERS, mail=mail), "accept", "only the platform is believed")

    def test_rule_thanks(self):
        self.contact(200, "--stream", "thanks")
        self.contact(330, "--stream", "thanks")  # last year's
        self.assertEqual(self.rule("thanks", self.THANKS), "accept")
        self.contact(100, "--stream", "thanks")
        self.assertEqual(self.rule("thanks", self.THANKS), "reject")

    def test_rule_birthday(self):
        self.assertEqual(self.explain(self.CARDS)["text"], "birthday: no date is known for this occasion")
        self.birthday()
        self.assertEqual(self.rule("birthday", self.CARDS), "accept")
        self.assertEqual(self.rule("birthday", self.CARDS, "--at", "2026-11-23T22:59:59Z"), "delay")
        self.assertEqual(self.explain(self.CARDS, "--at", "2026-11-24T23:00:00Z")["text"], "birthday: the day has passed")
        self.assertEqual(self.explain("cards@imaging.northmoor.example")["text"], "birthday: this owner does not write on occasions")

    def test_rule_one_card(self):
        self.birthday()
        self.assertEqual(self.rule("one-card", self.CARDS), "accept")
        self.contact(0, "--stream", "leeds-cards")
        self.assertEqual(self.rule("one-card", self.CARDS), "reject")

    def test_rule_not_only(self):
        self.at(NOW - 380 * DAY)
        self.birthday()
        self.at(NOW)
        self.assertEqual(self.rule("not-only", self.CARDS), "reject")
        self.contact(300, "--stream", "letter")
        self.assertEqual(self.rule("not-only", self.CARDS), "accept")

    def test_rule_card_hours(self):
        self.birthday()
        self.assertEqual(self.rule("card-hours", self.CARDS, "--at", "2026-11-24T06:00:00Z"), "accept")
        self.assertEqual(self.rule("card-hours", self.CARDS, "--at", "2026-11-24T05:59:59Z"), "delay")

    def test_rule_by_name(self):
        self.assertEqual(self.rule("by-name", self.LETTER), "accept")
        for text in ("Dear Sir or Madam,\n", "Dear {{first_name}},\n"):
            self.assertEqual(self.rule("by-name", self.LETTER, mail=self.mail(self.LETTER, text)), "quarantine", text)

    def test_rule_no_catch(self):
        self.assertEqual(self.rule("no-catch", self.THANKS), "accept")
        self.assertEqual(self.rule("no-catch", self.THANKS, mail=self.mail(self.THANKS, "Dear Ann,\n\nthank you! Here is 20% off.\n")), "quarantine")


class EspRelay(Example):
    name = "esp-relay.conf"
    PLATFORM = ("bounces@post.example", "--sasl", "platform")
    WOOL = ("--stream", "fjordfell-promo")

    def rule_of_promotion(self, name, rcpt=ANN):
        return self.rule(name, *self.PLATFORM, mail=self.mail("sale@fjordfell.example", Feedback_ID="winter:a:b:c"), rcpt=rcpt)

    def answered(self, days, *args, rcpt=ANN):
        """Something came from the person so many days ago."""
        self.tact("contact", rcpt, "--channel", "web", "--direction", "in", "--at", "@%d" % (NOW - int(days * DAY)), *args)

    def test_rule_wishes(self):
        self.tact("suppress", ANN, "--reason", "unsubscribe", "--scope", "brand:fellguides")
        self.assertEqual(self.rule_of_promotion("wishes"), "accept")
        self.tact("suppress", ANN, "--reason", "complaint")
        self.assertEqual(self.rule_of_promotion("wishes"), "reject")

    def test_rule_daily(self):
        self.contact(0, *self.WOOL)
        self.assertEqual(self.rule_of_promotion("daily"), "accept")
        self.contact(0.9, "--stream", "fellguides-promo")
        self.assertEqual(self.rule_of_promotion("daily"), "delay")

    def test_rule_weekly(self):
        for days in (1, 2, 3, 4):
            self.contact(days, *self.WOOL)
        self.assertEqual(self.rule_of_promotion("weekly"), "accept")
        self.contact(5, "--stream", "fellguides-promo")
        self.assertEqual(self.rule_of_promotion("weekly"), "delay")

    def test_rule_less(self):
        for days in (10, 20, 30):
            self.contact(days, *self.WOOL)
        self.assertEqual(self.rule_of_promotion("less"), "accept")
        self.contact(40, *self.WOOL)
        self.assertEqual(self.rule_of_promotion("less"), "delay")
        self.answered(25, "--sentiment", "positive", "--purpose", "promotional")
        self.assertEqual(self.rule_of_promotion("less"), "accept")

    def test_rule_silence(self):
        for days in range(20, 31):
            self.contact(days, *self.WOOL)
        self.assertEqual(self.rule_of_promotion("silence"), "accept")
        self.contact(31, *self.WOOL)
        self.assertEqual(self.rule_of_promotion("silence"), "reject")

    def test_rule_cool_off(self):
        self.answered(20, "--sentiment", "negative")
        self.assertEqual(self.rule_of_promotion("cool-off"), "accept")
        self.answered(40, "--sentiment", "negative")
        self.assertEqual(self.rule_of_promotion("cool-off"), "reject")

    def test_rule_health(self):
        self.edit('sasl_users = {"platform"}', 'sasl_users = {"platform"} listeners = {"smtp"}')  # the helper that delivers logs in as nobody
        people = ["p%d@client.example" % number for number in range(200)]
        mail = self.mail("sale@fjordfell.example", Feedback_ID="winter:a:b:c")
        self.assertEqual(set(self.deliver("bounces@post.example", *people, mail=mail)), {"pass"})
        self.assertEqual(self.rule_of_promotion("health"), "accept")
        self.tact("suppress", people[0], "--reason", "complaint")
        self.assertEqual(self.rule_of_promotion("health"), "reject")


class Casl(Example):
    name = "casl.conf"
    NEWS, TILL, PEOPLE = "news@maple.example", "till@maple.example", "pat@maple.example"
    DAYTIME = ("--at", "2026-11-24T17:00:00Z")

    def permit(self, basis, source, when, rcpt=ANN):
        self.tact("consent", rcpt, "--basis", basis, "--source", source, "--scope", "global", "--at", when)

    def test_rule_withdrawn(self):
        self.permit("express", "web-form", "2026-01-05")
        self.assertEqual(self.explain(self.NEWS, *self.DAYTIME)["verdict"], "accept")
        self.tact("suppress", ANN, "--reason", "unsubscribe")
        self.assertEqual(self.rule("withdrawn", self.NEWS, *self.DAYTIME), "reject")

    def test_rule_permission(self):
        self.assertEqual(self.rule("permission", self.NEWS), "reject")
        for sender in (self.TILL, self.PEOPLE):
            self.assertEqual(self.explain(sender)["verdict"], "accept")
        for source, given in (("purchase", "2024-11-25T15:00:00Z"), ("inquiry", "2026-05-25T15:00:00Z")):
            rcpt = source + "@client.example"
            self.permit("implied", source, given, rcpt)
            self.assertEqual(self.rule("permission", self.NEWS, *self.DAYTIME, rcpt=rcpt), "accept")
            # Its last second is in the night: the mail would wait for the morning, and then it has run out.
            self.assertEqual(self.rule("permission", self.NEWS, "--at", "2026-11-25T04:59:59Z", rcpt=rcpt), "reject")
            self.assertEqual(self.rule("permission", self.NEWS, "--at", "2026-11-25T17:00:00Z", rcpt=rcpt), "reject")

    def test_rule_nights(self):
        self.assertEqual(self.rule("nights", self.NEWS, *self.DAYTIME), "accept")
        self.assertEqual(self.rule("nights", self.NEWS, "--at", "2026-11-24T12:59:59Z"), "delay")
        self.tact("profile", ANN, "--zone", "America/St_Johns")
        self.assertEqual(self.rule("nights", self.NEWS, "--at", "2026-11-24T12:59:59Z"), "accept")
        for day in ("2026-11-29", "2026-12-25"):  # a Sunday, and Christmas
            self.assertEqual(self.rule("nights", self.NEWS, "--at", day + "T17:00:00Z"), "delay", day)

    def test_rule_weekly(self):
        for days in (1, 3):
            self.contact(days, "--stream", "news")
        self.assertEqual(self.rule("weekly", self.NEWS), "accept")
        self.contact(6, "--stream", "shop")
        self.assertEqual(self.rule("weekly", self.NEWS), "delay")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)

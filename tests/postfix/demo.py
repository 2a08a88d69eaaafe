# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Shows two stories on a private Postfix: what each sender was told, what waits in the queue and why, what was delivered, and the evidence.
An hour of the story takes a second. Ends with status 1 when something went otherwise than it should. contrib/try.sh calls it."""

import os
import re
import shutil
import sys
import textwrap
import time
import unicodedata

from harness import SOURCE, Failed, Room, Site, missing

MAILS = os.path.join(SOURCE, "tests", "postfix", "mails")
CONFIGURATION = """
# One history for all desks: whoever wrote last, the next marketing mail comes ten hours later (here: ten seconds).
limit "breathing" { at_most = "1/10s" count = {"promotional", "newsletter"} }
# What somebody no longer wants is refused at the wire, whatever the platforms do.
suppression "unsubscribed" { text = "this person has unsubscribed" }

owner "sales" { }
owner "leeds-branch" { }
owner "corporate" { }
stream "sales" { owner = "sales" purpose = "personal" senders = {"@sales.northmoor.example"} }
# "Visit today" is stale tonight: rather refused than late.
stream "leeds" { owner = "leeds-branch" purpose = "promotional" priority = 300 max_delay = "6s" senders = {"@leeds.northmoor.example"} }
stream "launches" { owner = "corporate" purpose = "promotional" priority = 800 senders = {"news@northmoor.example"} }
stream "letter" { owner = "corporate" purpose = "newsletter" senders = {"letter@northmoor.example"} }
stream "offers" { owner = "corporate" purpose = "promotional" senders = {"offers@northmoor.example"} }
stream "orders" { owner = "corporate" purpose = "transactional" senders = {"@till.northmoor.example"} }
# Where mail falls that calls itself personal and carries the marks of a mailing.
stream "anything-else" { owner = "corporate" purpose = "promotional" priority = 100 }
"""
SETTINGS = {"slot_length": "1s", "max_delay": "1h", "strictest_stream": "anything-else"}
WIDTH = 118


def title(text):
    print("\n%s\n%s" % (text, "=" * len(text)))


def under(text):
    print("\n" + text)


def padded(text, width):
    """The text, cut or filled to the columns it takes on a terminal."""
    text = text if len(text) <= width else text[:width - 3] + "..."
    return text + " " * (width - len(text) - sum(unicodedata.east_asian_width(c) in "WF" for c in text))


def row(*cells):
    """Cells of (text, width); the last one is folded where it does not fit."""
    indent = sum(width + 2 for _, width in cells[:-1])
    words, lines = str(cells[-1][0]).split(), [""]
    for word in words:
        if lines[-1] and indent + len(lines[-1]) + len(word) > WIDTH:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    start = "".join(padded(text, width) + "  " for text, width in cells[:-1])
    print("  " + ("\n  " + " " * indent).join([start + lines[0]] + lines[1:]))


def read(story, name):
    with open(os.path.join(MAILS, story, name), "rb") as file:
        return file.read()


def field(message, name):
    """A header field, decoded for the eye."""
    import email
    import email.policy
    return str(email.message_from_bytes(message, policy=email.policy.default)[name])


class Story:
    def __init__(self, site, name, person):
        self.site = site
        self.name = name
        self.person = person
        self.start = time.time()
        self.told = []

    def send(self, sender, name):
        """Sends one file of the story as its sender does. The reply."""
        message = read(self.name, name)
        sent = self.site.relay.send(sender, [self.person], message)
        self.told.append((sender, field(message, "Subject"), sent))
        return sent

    def since(self, when):
        return "+%2d h" % max(0, round(when - self.start))

    def show_told(self):
        under("What each sender was told")
        for sender, subject, sent in self.told:
            row((sender, 36), (subject, 40), (sent.final.raw, 0))

    def show_queue(self):
        under("What waits in Postfix's queue, and why (postqueue)")
        for mail in self.site.relay.queue():
            for rcpt in mail["recipients"]:
                row((mail["queue_id"], 12), (mail["sender"], 26), (rcpt.get("delay_reason", "").partition("said: ")[2].partition(" (in reply")[0], 0))

    def show_delivered(self):
        under("What arrived, and when")
        for mail in sorted(self.site.sink.mails, key=lambda mail: mail.time):
            row((self.since(mail.time), 6), (" ".join(mail.taken), 34), (field(mail.data, "Subject"), 0))
            for line in re.findall(rb"(?:Final-Recipient|Diagnostic-Code): [^\r]*", mail.data):
                row(("", 6), ("", 34), (line.decode(), 0))

    def show_evidence(self):
        under("The evidence: tact audit trail " + self.person)
        for line in self.site.tactd.tact("audit", "trail", self.person).stdout.decode().splitlines():
            indent = "  " + " " * (len(line) - len(line.lstrip()))
            print(textwrap.fill(line.strip(), WIDTH, initial_indent=indent, subsequent_indent=indent + "    ", break_long_words=False))

    def expect(self, what, is_so):
        if not is_so:
            raise Failed("not as it should be: " + what)


def four_mails(site):
    title("four-mails-in-eight-hours")
    print("Pat Ellery gets four mails of one company in eight hours: a \"just following up\" that is a mailing, a branch's \"visit today\",\n"
          "and two launches of head office. Nobody there knows what the others do.")
    story = Story(site, "four-mails-in-eight-hours", "pat.ellery@customer.example")
    first = story.send("tom.fairley@sales.northmoor.example", "1-just-following-up.eml")
    second = story.send("showroom@leeds.northmoor.example", "2-visit-today.eml")
    third = story.send("news@northmoor.example", "3-new-ovens.eml")
    fourth = story.send("news@northmoor.example", "4-new-taps.eml")
    site.relay.wait_deferred(2)
    story.show_told()
    story.show_queue()
    story.expect("the first mail goes, the stale one is refused, the launches wait",
                 (first.code, second.code, third.code, fourth.code) == (250, 550, 250, 250))
    site.sink.wait_to(story.person, 3, timeout_s=90)
    site.relay.wait_empty()
    story.show_delivered()
    story.show_evidence()
    times = [mail.time for mail in site.sink.to(story.person)]
    story.expect("ten hours between two mails, the launches in their order",
                 all(later - earlier >= 9.5 for earlier, later in zip(times, times[1:]))
                 and [field(mail.data, "Subject")[:7] for mail in site.sink.to(story.person)] == ["Just fo", "The new", "One tap"])


def ignored_unsubscribe(site):
    title("ignored-unsubscribe")
    print("Robin O'Hara gets the letter, then rings and asks to be left alone. The agent types it in once. The platforms go on as before.")
    site.sink.clear()
    story = Story(site, "ignored-unsubscribe", "robin.ohara@customer.example")
    letter = story.send("letter@northmoor.example", "1-october-letter.eml")
    offer = story.send("offers@northmoor.example", "2-autumn-offer.eml")
    site.relay.wait_deferred(1)
    story.show_queue()
    under("The call: tact suppress %s --reason unsubscribe --source phone" % story.person)
    site.tactd.tact("suppress", story.person, "--reason", "unsubscribe", "--source", "phone", "--by", "agent 12", "--note", "asked on the phone")
    november = story.send("letter@northmoor.example", "3-november-letter.eml")
    order = story.send("orders@till.northmoor.example", "4-your-order.eml")
    story.show_told()
    story.expect("the next letter is refused at the wire, the order goes", (letter.code, offer.code, november.code, order.code) == (250, 250, 550, 250))
    site.sink.wait_to("offers@northmoor.example", timeout_s=90)
    site.relay.wait_empty()
    story.show_delivered()
    story.show_evidence()
    (bounce,) = site.sink.to("offers@northmoor.example")
    story.expect("only the letter before the call and the order arrived",
                 [field(mail.data, "Subject")[:12] for mail in site.sink.to(story.person)] == ["Your October", "Your order 2"])
    story.expect("the offer that waited came back and names the person", b"Final-Recipient: rfc822; robin.ohara@customer.example" in bounce.data)


def main():
    global WIDTH
    WIDTH = max(80, min(160, shutil.get_terminal_size((WIDTH + 2, 24)).columns - 2))
    reason = missing()
    if reason:
        print(reason, file=sys.stderr)
        return 77
    room = Room("tact-try-")
    try:
        site = Site(room, settings=SETTINGS, sections=[CONFIGURATION]).start()
        for story in (four_mails, ignored_unsubscribe):
            story(site)
        print("\nAll as it should be.")
        return 0
    except Failed as error:
        print("\n%s\n%s" % (error, room.last_words()), file=sys.stderr)
        return 1
    finally:
        room.close()


if __name__ == "__main__":
    sys.exit(main())

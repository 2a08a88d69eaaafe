#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Stories of one company with many desks, under conf/examples/head-office-and-branches.conf: raving-fan,
two-hundred-miles, birthday-only, dear-sir-or-madam and thank-you-with-a-catch."""

import json

from harness import main
from test_stories import DESKS, Northmoor


class RavingFan(Northmoor):
    """raving-fan: a client of eight years, marketed at by phone, e-mail, post and fax, each desk counting only its own."""

    story = "raving-fan"
    jo = "jo.whitlock@customer.example"

    def may(self, channel, owner, status=0):
        """What a CRM is told before somebody rings, writes or faxes."""
        done = self.tactd.tact("contact", "--may", "--channel", channel, "--purpose", "promotional", "--owner", owner, self.jo, "--json",
                               check=False)
        self.assertEqual(done.returncode, status, done)
        return json.loads(done.stdout)

    def did(self, channel, owner, name):
        self.tactd.tact("contact", "--channel", channel, "--purpose", "promotional", "--owner", owner, "--id", name, self.jo)

    def test_raving_fan(self):
        self.begin("2026-10-12 08:00")
        self.assertGoes(self.send("offers", "1-spring-offer.eml", self.jo), "offers", self.jo, 1)

        # Leeds asks before it rings: not on the same day, but on the next; and says afterwards that it did.
        self.tactd.set_clock("2026-10-12 15:00")
        answer = self.may("phone", "leeds-branch", status=1)
        self.assertEqual((answer["verdict"], answer["until"]), ("delay", "2026-10-13T04:00:00Z"), answer)
        self.tactd.set_clock("2026-10-13 08:00")
        self.assertTrue(self.may("phone", "leeds-branch")["allowed"])
        self.did("phone", "leeds-branch", "call-1204")
        self.did("phone", "leeds-branch", "call-1204")  # told twice, counted once

        # A mail and a call that weighs two: the week is full, for every desk and on every channel.
        event = self.send("leeds", "2-branch-event.eml", self.jo, at="2026-10-14 08:30")
        self.assertRefused(event, "weekly: 3 of 3 in 7d")
        for channel in ("fax", "post", "sms", "visit"):
            answer = self.may(channel, "corporate", status=1)
            numbers = next(rule["numbers"] for rule in answer["rules"] if rule["name"] == "weekly")
            self.assertEqual((numbers["count"], numbers["at_most"], numbers["frees_at"]), (3, 3, "2026-10-19T08:00:00Z"), answer)
        letter = self.send("letter", "3-letter.eml", self.jo, at="2026-10-15 06:00")
        self.assertWaits(letter, "2026-10-19 08:00", "weekly")

        # The person who knows the client may always write, and marketing waits for the end of it.
        self.assertGoes(self.send("tom", "4-from-sales.eml", self.jo, at="2026-10-15 10:12"), "sales", self.jo, 2)
        self.assertBumped(letter, "2026-10-20 10:12")
        self.assertReleased(letter, "2026-10-20 10:12", self.jo, 3)
        self.relay.wait_empty()

        # What marketing is shown of it: every desk and channel, and who hears the most.
        report = self.tactd.tact_json("report", "pressure")
        self.assertEqual({desk["owner"]: desk["contacts"] for desk in report["owners"]}, {"corporate": 2, "leeds-branch": 1, "sales": 1})
        self.assertEqual({channel["channel"]: channel["contacts"] for channel in report["channels"]}, {"email": 3, "phone": 1})
        self.assertEqual([(person["contacts"], person["owners"]) for person in report["most_pressed"]], [(4, 3)])

    def test_raving_fan_on_all_channels_together(self):
        """Each desk alone would be within the limit; together they are not, in whatever order."""
        self.begin("2026-10-12 08:00")
        for day, (channel, owner) in enumerate((("post", "corporate"), ("fax", "leeds-branch"), ("visit", "sales")), 12):
            self.tactd.set_clock("2026-10-%d 08:00" % day)
            self.assertTrue(self.may(channel, owner)["allowed"])
            self.did(channel, owner, "touch-%d" % day)
        letter = self.send("letter", "3-letter.eml", self.jo, at="2026-10-15 06:00")
        self.assertWaits(letter, "2026-10-19 08:00", "weekly")
        self.assertEqual(len(self.tactd.tact_json("show", self.jo)["contacts"]), 3)


class TwoHundredMiles(Northmoor):
    """two-hundred-miles: a showroom 300 miles away writes to somebody who has one in his town."""

    story = "two-hundred-miles"
    desks = dict(DESKS, plymouth=("showroom@plymouth.northmoor.example", "192.0.2.90"))
    lee = "lee.barker@customer.example"

    def test_two_hundred_miles(self):
        self.begin("2026-11-02 09:00")
        self.tactd.tact("profile", self.lee, "--home", "leeds-branch")
        far = self.send("plymouth", "1-plymouth.eml", self.lee)
        self.assertRefused(far, "leeds-branch")
        (entry,) = self.tactd.entries(kind="decision")
        self.assertEqual((self.rule(entry, "home")["verdict"], entry["owner"]), ("reject", "plymouth-branch"))
        # The branch in town may, and so may head office; whoever fits the kitchen says when he comes.
        self.assertGoes(self.send("leeds", "2-leeds.eml", self.lee, at="2026-11-03 09:00"), "leeds-today", self.lee, 1)
        self.assertGoes(self.send("launches", "3-launches.eml", self.lee, at="2026-11-04 09:00"), "launches", self.lee, 2)
        self.assertGoes(self.send("orders", "4-your-appointment.eml", self.lee, at="2026-11-05 09:00"), "orders", self.lee, 3)

    def test_two_hundred_miles_after_moving(self):
        """He moves to Plymouth; what Leeds already had waiting is refused at its place, and Plymouth may."""
        self.begin("2026-11-02 09:00")
        self.tactd.tact("profile", self.lee, "--home", "leeds-branch")
        self.assertGoes(self.send("leeds", "2-leeds.eml", self.lee), "leeds-today", self.lee, 1)
        other = self.send("leeds", "2-leeds.eml", self.lee, at="2026-11-03 00:00", change=lambda mail: mail.replace(b"20261103.4", b"20261103.5"))
        self.assertWaits(other, "2026-11-03 05:00", "breathing")
        self.tactd.tact("profile", self.lee, "--home", "plymouth-branch")
        self.tactd.set_clock("2026-11-03 05:00")
        self.assertBounced(other, self.lee, "home")
        self.assertGoes(self.send("plymouth", "1-plymouth.eml", self.lee, at="2026-11-04 09:00"), "plymouth", self.lee, 2)

    def test_two_hundred_miles_nobody_knows_where(self):
        """Who belongs to no branch that is known may hear from either."""
        self.begin("2026-11-02 09:00")
        self.assertGoes(self.send("plymouth", "1-plymouth.eml", self.lee), "plymouth", self.lee, 1)


class BirthdayOnly(Northmoor):
    """birthday-only: cards from four desks, a day late, from the clinic, as the only word of the year, or as an advertisement."""

    story = "birthday-only"
    desks = dict(DESKS, cards=("cards@northmoor.example", "192.0.2.61"), leeds_cards=("cards@leeds.northmoor.example", "192.0.2.88"),
                 clinic=("cards@imaging.northmoor.example", "192.0.2.99"))
    maria = "maria.lindqvist@customer.example"

    def acquainted(self):
        """A year in which Maria hears of us, and tells us her birthday: 17 May, in Stockholm."""
        self.begin("2026-04-01 09:00")
        self.tactd.tact("profile", self.maria, "--zone", "Europe/Stockholm", "--occasion", "birthday=1984-05-17")
        self.assertGoes(self.send("letter", "3-november-letter.eml", self.maria, at="2026-11-02 09:00", story="ignored-unsubscribe"),
                        "letter", self.maria, 1)

    def test_birthday_only(self):
        self.acquainted()
        # Sent the evening before: it waits for the morning of the day where she lives.
        card = self.send("cards", "1-card-corporate.eml", self.maria, at="2027-05-16 18:00")
        self.assertWaits(card, "2027-05-17 05:00")  # 07:00 in Stockholm
        # A second desk's card is one too many: the first has the place.
        self.assertRefused(self.send("leeds_cards", "2-card-leeds.eml", self.maria, at="2027-05-16 19:00"), "sent its wishes already")
        self.assertReleased(card, "2027-05-17 05:00", self.maria, 2)
        for desk, name in (("leeds_cards", "2-card-leeds.eml"), ("cards", "3-card-sales.eml"), ("cards", "6-geburtstag-de.eml")):
            self.assertRefused(self.send(desk, name, self.maria, at="2027-05-17 09:00"), "sent its wishes already")
        self.relay.wait_empty()
        self.assertEqual(self.subjects(self.maria)[1:], ["Happy birthday, Maria!"])

    def test_birthday_only_never_late(self):
        """Half past ten in the evening of the day in London is already the next day in Stockholm."""
        self.acquainted()
        late = self.send("cards", "1-card-corporate.eml", self.maria, at="2027-05-17 22:30")
        self.assertEqual(late.code, 550, late)
        self.assertNotIn("17", late.text.split("no place")[0], "her birthday is nobody's business")
        (entry,) = self.tactd.entries(kind="decision", stream="cards")
        self.assertEqual(self.rule(entry, "birthday")["verdict"] != "accept", True, entry)

    def test_birthday_only_not_from_everybody_and_not_as_the_only_word(self):
        self.acquainted()
        self.assertEqual(self.send("clinic", "5-card-from-the-clinic.eml", self.maria, at="2027-05-17 08:00").code, 550)
        # Two years later nothing else has been said for a year and more.
        alone = self.send("cards", "1-card-corporate.eml", self.maria, at="2028-05-17 08:00")
        self.assertRefused(alone, "a card alone would be odd")
        # Whoever never told us a date gets no card.
        self.assertEqual(self.send("cards", "1-card-corporate.eml", "somebody@customer.example").code, 550)
        self.assertEqual(self.sink.count(), 1)

    def test_birthday_only_and_no_advertisement(self):
        """A card with an offer is held; once a colleague has discarded it, the sender knows, and a clean one still may come."""
        self.acquainted()
        offer = self.send("cards", "4-card-with-an-offer.eml", self.maria, at="2027-05-17 08:00")
        self.assertHeld(offer, "no-catch", "30% off")
        self.tactd.tact("quarantine", "discard", self.review()["id"], "--by", "reviewer", "--note", "a card is a card")
        self.assertBounced(offer, self.maria)
        self.assertEqual(self.told(self.maria, offer), "discarded by reviewer: a card is a card")
        self.assertGoes(self.send("cards", "1-card-corporate.eml", self.maria, at="2027-05-17 09:00"), "cards", self.maria, 2)


class DearSirOrMadam(Northmoor):
    """dear-sir-or-madam: "you are supposed to know them"; merge fields left unfilled, in four languages and every encoding."""

    story = "dear-sir-or-madam"
    nadia = "nadia.amari@customer.example"
    found = {
        "01-dear-sir-en.eml": "Dear Sir or Madam", "02-dear-customer-html-en.eml": "Dear Valued Customer",
        "03-sehr-geehrte-damen-de.eml": "Sehr geehrte Damen und Herren", "04-madame-monsieur-fr.eml": "Madame, Monsieur",
        "05-estimado-cliente-es.eml": "Estimado cliente", "06-mailchimp-tag.eml": "*|FNAME|*",
        "07-handlebars-only-in-html.eml": "{{first_name}}", "08-percent-tag-base64.eml": "%%first_name%%",
        "09-bracket-tag-in-encoded-subject.eml": "[[vorname]]", "10-dollar-tag-html.eml": "${contact.firstName}",
        "11-liquid-tag.eml": "{%", "12-tag-split-by-markup.eml": "*|FNAME|*",
    }
    clean = ("13-named-en.eml", "14-named-de.eml", "15-named-fr.eml", "16-named-es.eml", "17-code-and-prices.eml", "18-nested-forward.eml")

    def test_dear_sir_or_madam(self):
        """None of them reaches a customer, and each sender is told what to mend."""
        self.begin("2026-11-09 08:00")
        for number, (name, words) in enumerate(self.found.items()):
            with self.subTest(name):
                sent = self.send("letter", name, "reader%d@customer.example" % number)
                self.assertHeld(sent, "by-name", words)
        self.assertEqual(len(self.tactd.tact_json("quarantine", "list")), len(self.found))
        self.assertEqual(self.sink.count(), 0)

    def test_dear_sir_or_madam_but_those_who_are_known(self):
        """Mails that call a person by name go, with their bodies as they were, whatever code or prices they show."""
        self.begin("2026-11-09 08:00")
        for number, name in enumerate(self.clean):
            with self.subTest(name):
                person = "reader%d@customer.example" % number
                self.assertGoes(self.send("letter", name, person), "letter", person, 1)

    def test_dear_sir_or_madam_seen_by_a_colleague(self):
        """He sees sender, subject and the first words; what he releases is decided again and goes, byte for byte."""
        self.begin("2026-11-09 08:00")
        sent = self.send("letter", "01-dear-sir-en.eml", self.nadia)
        self.assertHeld(sent, "by-name", "Dear Sir or Madam")
        review = self.review()
        self.assertEqual((review["sender"], review["subject"]), (self.desks["letter"][0], "Kitchens for the way you live"))
        self.assertIn("Dear Sir or Madam", self.tactd.tact_json("quarantine", "show", review["id"])["excerpt"])
        self.tactd.tact("quarantine", "release", review["id"], "--by", "reviewer", "--note", "a trade fair; they are strangers")
        self.assertEqual(len(self.sink.wait_to(self.nadia, 1)), 1)
        self.assertEqual(self.told(self.nadia, sent), "accepted; released by reviewer: a trade fair; they are strangers")
        self.assertEqual(self.sink.to(self.nadia)[0].body, self.read(sent.name).replace(b"\n", b"\r\n").partition(b"\r\n\r\n")[2])
        self.relay.wait_empty()


class ThankYouWithACatch(Northmoor):
    """thank-you-with-a-catch: thanks once or twice a year, and without an offer attached."""

    story = "thank-you-with-a-catch"
    desks = dict(DESKS, thanks=("thanks@northmoor.example", "192.0.2.61"))
    ann = "ann.pryce@customer.example"

    def test_thank_you_with_a_catch(self):
        """Held in four languages, where the offer stands in the HTML alone, too; honest thanks go."""
        self.begin("2026-12-01 09:00")
        catches = {"2-thank-you-but-an-offer-en.eml": "20% off", "4-danke-aber-rabatt-de.eml": "Rabatt", "6-merci-mais-remise-fr.eml": "",
                   "8-gracias-pero-descuento-es.eml": "descuento", "9-thank-you-offer-only-in-html.eml": ""}
        for number, (name, words) in enumerate(catches.items()):
            with self.subTest(name):
                self.assertHeld(self.send("thanks", name, "client%d@customer.example" % number), "no-catch", words)
        for number, name in enumerate(("1-thank-you-en.eml", "3-danke-de.eml", "5-merci-fr.eml", "7-gracias-es.eml")):
            with self.subTest(name):
                person = "friend%d@customer.example" % number
                self.assertGoes(self.send("thanks", name, person), "thanks", person, 1)
        self.assertEqual(self.sink.count(), 4)

    def test_thank_you_with_a_catch_twice_a_year(self):
        """The third of a calendar year is refused, from whatever desk; with the new year it is welcome again."""
        self.begin("2026-02-01 09:00")
        self.assertGoes(self.send("thanks", "1-thank-you-en.eml", self.ann), "thanks", self.ann, 1)
        self.assertGoes(self.send("thanks", "3-danke-de.eml", self.ann, at="2026-06-01 09:00"), "thanks", self.ann, 2)
        third = self.send("thanks", "5-merci-fr.eml", self.ann, at="2026-12-31 23:59")
        self.assertRefused(third, "thanks: 2 of 2 in calendar-year")
        self.assertGoes(self.send("thanks", "5-merci-fr.eml", self.ann, at="2027-01-01 00:00"), "thanks", self.ann, 3)


if __name__ == "__main__":
    main()

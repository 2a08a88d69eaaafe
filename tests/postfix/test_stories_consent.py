#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""The story no-permission, under conf/examples/casl.conf: mail without permission is refused, and permission runs out on the day."""

from harness import main
from story import Story


class NoPermission(Story):
    """no-permission: a shop in Canada, mails in two languages, and permissions that nobody recorded, or that ran out."""

    story = "no-permission"
    example_name = "casl.conf"
    desks = {
        "news": ("news@maple.example", "198.51.100.30"),
        "shop": ("shop@maple.example", "198.51.100.30"),
        "till": ("till@maple.example", "192.0.2.9"),
        "camille": ("camille@maple.example", "192.0.2.9"),
    }
    alex = "alex.roy@client.example"
    words = "no permission is recorded for this person, or it has run out"

    def consent(self, basis, source, *more):
        self.tactd.tact("consent", self.alex, "--basis", basis, "--scope", "global", "--source", source, *more)

    def test_no_permission(self):
        """Without a record nothing commercial goes; what is none goes all the same; with the record it goes."""
        self.begin("2026-11-10 15:00")
        refused = self.send("news", "1-newsletter-en.eml", self.alex)
        self.assertRefused(refused, self.words)
        self.assertRefused(self.send("news", "2-infolettre-fr.eml", self.alex), self.words)
        self.assertRefused(self.send("shop", "3-offer-en.eml", self.alex), self.words)
        self.assertGoes(self.send("till", "4-receipt.eml", self.alex), "till", self.alex, 1)
        self.assertGoes(self.send("camille", "5-quote.eml", self.alex), "people", self.alex, 2)
        self.consent("express", "web-form", "--proof", "form 17, 203.0.113.9")
        entry = self.assertGoes(self.send("news", "1-newsletter-en.eml", self.alex, at="2026-11-11 15:00"), "news", self.alex, 3)
        self.assertEqual(self.rule(entry, "permission")["verdict"], "accept")
        # The proof is there for whoever asks.
        (consent,) = self.tactd.tact_json("show", self.alex)["consents"]
        self.assertEqual((consent["basis"], consent["source"], consent["proof"]), ("express", "web-form", "form 17, 203.0.113.9"))

    def test_no_permission_after_two_years_to_the_day(self):
        """A purchase on 10 November 2026 in Toronto implies permission for the last time on 9 November 2028."""
        self.begin("2026-11-10 15:00")
        self.consent("implied", "purchase", "--proof", "order 5520")
        self.assertGoes(self.send("shop", "3-offer-en.eml", self.alex), "shop", self.alex, 1)
        last = self.send("news", "1-newsletter-en.eml", self.alex, at="2028-11-09 15:00")
        self.assertGoes(last, "news", self.alex, 2)
        self.assertRefused(self.send("news", "2-infolettre-fr.eml", self.alex, at="2028-11-10 15:00"), self.words)
        (entry,) = self.tactd.entries(kind="decision", verdict="reject")
        self.assertEqual(self.rule(entry, "permission")["verdict"], "reject")

    def test_no_permission_six_months_after_a_question(self):
        """31 August and six months: the last day is 27 February, for there is no 31st."""
        self.begin("2026-08-31 15:00")
        self.consent("implied", "inquiry", "--proof", "mail of today")
        self.assertGoes(self.send("shop", "3-offer-en.eml", self.alex, at="2027-02-27 15:00"), "shop", self.alex, 1)
        self.assertRefused(self.send("news", "2-infolettre-fr.eml", self.alex, at="2027-02-28 15:00"), self.words)
        # Asked again, bought something: a later event begins the time anew.
        self.consent("implied", "purchase", "--proof", "order 6001")
        self.assertGoes(self.send("news", "2-infolettre-fr.eml", self.alex, at="2027-03-01 15:00"), "news", self.alex, 2)

    def test_no_permission_once_it_is_taken_back(self):
        """Unsubscribing outweighs a permission; a list brought in afterwards brings none back; the person's own new word does."""
        self.begin("2026-11-10 15:00")
        self.consent("express", "web-form", "--proof", "form 17")
        self.tactd.set_clock("2026-11-11 15:00")
        self.tactd.tact("suppress", self.alex, "--reason", "unsubscribe", "--source", "link")
        self.assertRefused(self.send("news", "1-newsletter-en.eml", self.alex), "recipient unsubscribed")
        listed = self.tactd.room.write("consents.csv", "email,basis,scope,source,proof,created_at\n%s,express,global,list,partner list,"
                                       "2026-11-12T10:00:00Z\n" % self.alex)
        self.tactd.set_clock("2026-11-13 15:00")
        self.tactd.tact("import", "--consent", listed)
        self.assertRefused(self.send("news", "1-newsletter-en.eml", self.alex), "recipient unsubscribed")
        self.consent("express", "web-form", "--proof", "form 18, 203.0.113.9")
        self.assertGoes(self.send("news", "1-newsletter-en.eml", self.alex, at="2026-11-13 15:01"), "news", self.alex, 1)

    def test_no_permission_at_night_where_the_person_lives(self):
        """Half past four in the afternoon in London is half past eight in Vancouver; a letter of the night waits for eight there."""
        self.begin("2026-11-10 06:30")  # 22:30 the evening before in Vancouver
        self.consent("express", "web-form", "--proof", "form 17")
        self.tactd.tact("profile", self.alex, "--zone", "America/Vancouver")
        letter = self.send("news", "1-newsletter-en.eml", self.alex)
        self.assertWaits(letter, "2026-11-10 16:00", "nights")
        self.assertReleased(letter, "2026-11-10 16:00", self.alex, 1)
        # Saturday evening, and Sunday is quiet: Monday at eight.
        offer = self.send("shop", "3-offer-en.eml", self.alex, at="2026-11-15 05:30")
        self.assertWaits(offer, "2026-11-16 16:00", "nights")
        self.assertReleased(offer, "2026-11-16 16:00", self.alex, 2)


if __name__ == "__main__":
    main()

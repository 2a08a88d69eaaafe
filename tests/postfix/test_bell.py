#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""When delayed mail leaves: rings, claims that outrank one another, restarts, reviews, crowds."""

import re
import time

from gated import SECTIONS, STEP_S, Gated, in_memory, in_review, people, person
from harness import GATE_DOMAIN, REVIEW_DOMAIN, main, mail, section, wait_for


class Rings(Gated):
    def test_released_at_its_ring_within_seconds(self):
        address = person()
        sent = self.delay(address)
        self.fall_due()
        began = time.monotonic()
        self.sink.wait_to(address, 2)
        self.assertLess(time.monotonic() - began, 5)
        self.wait_gone(sent.queue_id)

    def test_bumped_by_a_higher_claim_and_released_at_its_new_place(self):
        address = person("bumped")
        low = self.delay(address)
        high = self.accepted(self.send("a@head.test", address, body=mail(sender="a@head.test", subject="the higher")))
        self.wait_parked(high.queue_id, 1)
        self.fall_due()
        self.assertEqual(self.sink.wait_to(address, 2)[1].header("Subject"), ["the higher"])
        self.wait_gone(high.queue_id)
        # It was offered at its old place (or is not rung at all) and still waits.
        self.wait_parked(low.queue_id, 1)
        self.assertEqual(len(self.sink.to(address)), 2)
        self.fall_due()
        self.sink.wait_to(address, 3)
        self.wait_gone(low.queue_id)

    def test_what_waits_says_where_it_went(self):
        """postqueue shows the new place once Postfix asked again."""
        address = person("told")
        low = self.delay(address)
        ((_, before),) = self.queued(low.queue_id)
        self.assertEqual(before.count("next place"), 1, before)
        high = self.accepted(self.send("a@head.test", address))
        self.wait_parked(high.queue_id, 1)

        def after():
            self.relay.flush(low.queue_id)
            rows = self.queued(low.queue_id) or [("", before)]
            return rows[0][1] != before and rows[0][1].count("next place") == 1
        wait_for(after, "another place than %s" % before, 30, 0.5)
        for one in (low, high):
            self.relay.tool("postsuper", "-d", one.queue_id)

    def test_unsubscribed_while_delayed(self):
        address = person()
        sent = self.delay(address)
        self.suppress(address)
        self.fall_due()
        _, (block,) = self.wait_bounce("b@leeds.test", address.encode())
        self.assertEqual(block["Final-Recipient"], "rfc822; " + address)
        self.wait_gone(sent.queue_id)
        self.assertEqual(len(self.sink.to(address)), 1)

    def test_restarted_between_delay_and_due(self):
        address = person()
        sent = self.delay(address)
        self.assertEqual(self.tactd.stop(), 0)
        self.tactd.start()
        self.wait_parked(sent.queue_id, 1)
        self.fall_due()
        self.sink.wait_to(address, 2)
        self.wait_gone(sent.queue_id)

    def test_due_while_tactd_was_down(self):
        """Several places, hours apart, all of them past."""
        late = people(3)
        sent = []
        for address in late:
            sent.append(self.delay(address))
            self.fall_due(3600)
        self.tactd.kill9()
        self.fall_due()
        self.tactd.start()
        for address, one in zip(late, sent):
            self.sink.wait_to(address, 2)
            self.wait_gone(one.queue_id)

    def test_due_while_postfix_was_down(self):
        address = person()
        sent = self.delay(address)
        self.relay.stop()
        self.fall_due()
        self.tactd.wait_log(r"bell: Postfix was not rung")
        self.relay.start()
        self.sink.wait_to(address, 2, 60)
        self.wait_gone(sent.queue_id)


class Deaf(Gated):
    """An ETRN that comes while its message is being delivered elsewhere is lost, and Postfix's flush service forgets the message with it: later
    rings find nothing. The bell then asks for the message by its queue id, so that it need not wait for Postfix's own back-off (five minutes
    at least), which has its usual length here."""

    def deliver_slowly(self, address, slow, submit):
        """One mail to both of them, whose delivery to SLOW is under way and stays so. Its queue id, and what lets it end."""
        self.meet(address)
        held = self.sink.hold("END", re.escape(slow))
        self.addCleanup(self.sink.relent)
        submit()
        wait_for(lambda: self.sink.saw("RCPT.*" + re.escape(slow)), "the slow one at the sink")
        (sent,) = [one for one in self.relay.queue() if slow in [rcpt["address"] for rcpt in one["recipients"]]]
        self.relay.wait_log("%s: .*status=deferred" % sent["queue_id"])
        return sent["queue_id"], held

    def rung_in_vain(self, queue_id, address, ring_domain=GATE_DOMAIN, already=1):
        (ring,) = {re.search(r"@(.*)", one).group(1) for one, _ in self.queued(queue_id) if one.endswith("." + ring_domain)}
        self.tactd.wait_log("bell: rung=%s" % re.escape(ring), 2)
        self.tactd.wait_log("%s: bell: asked for by its id" % queue_id, 1)
        self.assertEqual(len(self.sink.to(address)), already, "both rings were lost, and it is still being delivered")

    def arrives_soon(self, queue_id, address, held, count=2):
        asked = len(self.tactd.grep("%s: bell: asked for by its id" % queue_id))
        began = time.monotonic()
        held.set()
        self.sink.wait_to(address, count, 30)
        took_s = time.monotonic() - began
        self.assertLess(took_s, 25)
        self.wait_gone(queue_id)
        print("\n%s came %.1f s after its delivery attempt ended (asked for by its id %d times before)" % (address, took_s, asked), flush=True)

    def test_a_ring_during_a_delivery_attempt(self):
        address, slow = person(), person("slow")
        queue_id, held = self.deliver_slowly(address, slow, lambda: self.accepted(self.send("b@leeds.test", address, slow)))
        self.fall_due()
        self.rung_in_vain(queue_id, address)
        self.arrives_soon(queue_id, address, held)

    def test_the_same_with_mail_of_sendmail(self):
        """Postfix does not tell the gate its queue id, but the claim knows it."""
        address, slow = person(), person("slow")
        queue_id, held = self.deliver_slowly(
            address, slow, lambda: self.relay.sendmail(mail(sender="b@leeds.test"), address, slow, sender="b@leeds.test"))
        self.fall_due()
        self.rung_in_vain(queue_id, address)
        self.arrives_soon(queue_id, address, held)

    def test_the_same_after_a_restart(self):
        address, slow = person(), person("slow")
        queue_id, held = self.deliver_slowly(address, slow, lambda: self.accepted(self.send("b@leeds.test", address, slow)))
        self.tactd.restart()
        self.fall_due()
        self.rung_in_vain(queue_id, address)
        self.arrives_soon(queue_id, address, held)

    def test_a_review_released_during_a_delivery_attempt(self):
        address, slow = person(), person("slow")
        self.read_news(address)
        held = self.sink.hold("END", re.escape(slow))
        self.addCleanup(self.sink.relent)
        sent = self.accepted(self.send("b@leeds.test", address, slow, body=mail(sender="b@leeds.test", subject="look " + address)))
        wait_for(lambda: self.sink.saw("RCPT.*" + re.escape(slow)), "the slow one at the sink")
        self.relay.wait_log("%s: .*status=deferred" % sent.queue_id)
        reviews = self.tactd.tact_json("quarantine", "list")
        (review,) = [one for one in (reviews if isinstance(reviews, list) else [reviews]) if one["subject"] == "look " + address]
        self.tactd.tact("quarantine", "release", review["id"])
        self.rung_in_vain(sent.queue_id, address, REVIEW_DOMAIN)
        self.arrives_soon(sent.queue_id, address, held)


class Real(Gated):
    """The clock stands nowhere: a limit of seconds, as it passes."""
    sections = SECTIONS[:4] + [section("suppression", "s", action="reject"),
                               section("limit", "breathing", at_most="1/5s", count=["promotional"], purposes=["promotional"])]

    def test_within_seconds_of_its_place(self):
        first, other = people(2)
        self.meet(first, other)
        began = time.time()
        sent = self.accepted(self.send("b@leeds.test", first, other))
        until = [entry["until"] for entry in self.decisions(sent.queue_id)]
        self.assertEqual(len(until), 2, until)
        for address in (first, other):
            got = self.sink.wait_to(address, 2)[1]
            before = self.sink.to(address)[0].time
            self.assertGreater(got.time - before, 4.5, "the limit holds at the sink too")
            self.assertLess(got.time - began, 12)
        self.wait_gone(sent.queue_id)

    def test_three_in_a_row_keep_their_distance(self):
        address = person("row")
        for _ in range(3):
            self.accepted(self.send("b@leeds.test", address))
        times = [one.time for one in self.sink.wait_to(address, 3)]
        for earlier, later in zip(times, times[1:]):
            self.assertGreater(later - earlier, 4.5, times)
        self.relay.wait_empty()


class Reviews(Gated):
    def held(self, *rcpts):
        self.read_news(*rcpts)
        subject = "please look %s" % rcpts[0]
        sent = self.accepted(self.send("b@leeds.test", *rcpts, body=mail(sender="b@leeds.test", subject=subject)))
        left = self.wait_parked(sent.queue_id, len(rcpts))
        for address, why in left:
            self.assertTrue(in_review(address), address)
            self.assertIn("held for review", why)
        reviews = self.tactd.tact_json("quarantine", "list")
        reviews = reviews if isinstance(reviews, list) else [reviews]
        (review,) = [one for one in reviews if one["subject"] == subject]
        return sent, review["id"]

    def test_released_by_another_process(self):
        address, other = people(2)
        sent, review = self.held(address, other)
        self.tactd.tact("quarantine", "release", review)
        for one in (address, other):
            self.sink.wait_to(one, 2)
        self.wait_gone(sent.queue_id)
        self.assertEqual([one for one in self.sink.to("b@leeds.test") if address.encode() in one.data], [])

    def test_held_at_the_gate_then_released(self):
        """It waits under the address of its slot: that is what must be rung."""
        address = person()
        subject = "please look %s" % address
        sent = self.delay(address, body=mail(sender="b@leeds.test", subject=subject))
        self.read_news(address)
        self.fall_due()
        self.relay.wait_log("%s: .*held for review" % sent.queue_id)
        ((left, _),) = self.wait_parked(sent.queue_id, 1)
        self.assertFalse(in_review(left), left)
        reviews = self.tactd.tact_json("quarantine", "list")
        (review,) = [one for one in (reviews if isinstance(reviews, list) else [reviews]) if one["subject"] == subject]
        self.tactd.tact("quarantine", "release", review["id"])
        self.sink.wait_to(address, 3)
        self.wait_gone(sent.queue_id)

    def test_discarded_by_another_process(self):
        address = person()
        sent, review = self.held(address)
        self.tactd.tact("quarantine", "discard", review)
        _, (block,) = self.wait_bounce("b@leeds.test", address.encode())
        self.assertEqual(block["Final-Recipient"], "rfc822; " + address)
        self.wait_gone(sent.queue_id)
        self.assertEqual(len(self.sink.to(address)), 1)

    def test_unsubscribed_while_under_review_then_released(self):
        address, other = people(2)
        sent, review = self.held(address, other)
        self.suppress(address)
        self.tactd.tact("quarantine", "release", review)
        self.sink.wait_to(other, 2)
        _, (block,) = self.wait_bounce("b@leeds.test", address.encode())
        self.assertEqual(block["Final-Recipient"], "rfc822; " + address)
        self.wait_gone(sent.queue_id)
        self.assertEqual(len(self.sink.to(address)), 1)

    def test_released_while_tactd_was_down(self):
        address = person()
        sent, review = self.held(address)
        self.tactd.stop()
        self.tactd.tact("quarantine", "release", review)
        self.tactd.start()
        self.sink.wait_to(address, 2, 60)
        self.wait_gone(sent.queue_id)


class Lifetime(Gated):
    """Nothing is ever stuck: what cannot come in time is refused at once, and what nobody reviews bounces when Postfix's patience ends."""
    main = {"maximal_queue_lifetime": "8s", "minimal_backoff_time": "2s", "maximal_backoff_time": "2s", "queue_run_delay": "2s"}
    sections = SECTIONS + [section("stream", "short", owner="leeds", purpose="promotional", senders=["@short.test"], max_delay="1h")]

    def test_no_place_in_time_is_a_refusal(self):
        address = person()
        self.meet(address)
        sent = self.send("s@short.test", address)
        self.assertEqual((sent.code, sent.status), (550, "5.7.1"), sent)
        (entry,) = self.tactd.entries(kind="decision", stream="short")
        self.assertEqual((entry["verdict"], entry["action"]), ("reject", "reject"))
        self.assertIn("breathing", sent.text)

    def test_what_nobody_reviews_bounces(self):
        address, sender = person(), "never%d@leeds.test" % id(self)
        self.read_news(address)
        sent = self.accepted(self.send(sender, address, body=mail(sender=sender)))
        self.wait_parked(sent.queue_id, 1)
        bounce, (block,) = self.wait_bounce(sender, address.encode())
        self.assertEqual(block["Original-Recipient"], "rfc822;" + address)
        self.assertIn(b"held for review", bounce.data)
        self.wait_gone(sent.queue_id)
        self.assertEqual(len(self.sink.to(address)), 1)


class Waiting(Gated):
    settings = {"slot_length": "10s"}
    main = {"delay_warning_time": "1s", "minimal_backoff_time": "1s", "queue_run_delay": "1s"}
    sections = SECTIONS + [section("stream", "few", owner="leeds", purpose="promotional", senders=["@few.test"], max_waiting=2)]

    def test_one_etrn_for_many_claims_of_a_slot(self):
        late = people(50)
        self.meet(*late)
        sent = [self.accepted(self.send("b@leeds.test", *late[at:at + 10])) for at in range(0, 50, 10)]
        for one in sent:
            self.wait_parked(one.queue_id, 10)
        rings = {re.search(r"@(s\d+)\.", address).group(1) for one in sent for address, _ in self.queued(one.queue_id)}
        self.assertLessEqual(len(rings), 2, rings)
        before = len(self.relay.grep("tact-pass/smtpd.*disconnect"))
        self.fall_due()
        for address in late:
            self.sink.wait_to(address, 2)
        for one in sent:
            self.wait_gone(one.queue_id)
        rung = [int(number) for line in self.relay.grep("tact-pass/smtpd.*disconnect")[before:] for number in re.findall(r"etrn=(?:\d+/)?(\d+)", line)]
        self.assertTrue(rung, "no ETRN in the log")
        self.assertLessEqual(sum(rung), len(rings) + 1, rung)

    def test_no_delay_warning_for_what_we_delay(self):
        late, stuck = person(), person("stuck")
        sent = self.delay(late)
        self.sink.on("RCPT", re.escape(stuck), "450 4.2.0 not now")
        self.addCleanup(self.sink.relent)
        self.accepted(self.send("c@head.test", stuck))
        warning, (block,) = self.wait_bounce("c@head.test", stuck.encode())
        self.assertEqual(block["Action"], "delayed", "the control: Postfix does warn of what others delay")
        tries = len(self.relay.grep("%s: .*status=deferred" % sent.queue_id))
        self.relay.wait_log("%s: .*status=deferred" % sent.queue_id, tries + 2)
        self.assertEqual([one for one in self.sink.to("b@leeds.test") if late.encode() in one.data], [])
        self.relay.tool("postsuper", "-d", "ALL")

    def test_max_waiting(self):
        late = people(4)
        self.meet(*late)
        ids = []
        for address in late[:2]:
            ids.append(self.accepted(self.send("f@few.test", address)).queue_id)
        for address in late[2:]:
            sent = self.send("f@few.test", address)
            self.assertEqual((sent.code, sent.status[:2]), (451, "4."), sent)
        self.accepted(self.send("f@few.test", person("fresh")))
        for one in ids:
            self.wait_parked(one, 1)
        self.fall_due()
        for address in late[:2]:
            self.sink.wait_to(address, 2)
        self.accepted(self.send("f@few.test", late[2]))


class Spread(Gated):
    settings = {"slot_length": "60s", "release_spread": "1h"}

    def test_mails_due_together_are_spread(self):
        late = people(60)
        self.meet(*late)
        sent = [self.accepted(self.send("b@leeds.test", address)) for address in late]
        until = sorted(entry["until"] for one in sent for entry in self.decisions(one.queue_id))
        minutes = {text[:16] for text in until}
        self.assertEqual(len(until), 60)
        self.assertGreater(len(minutes), 20, "over an hour, and not all at once: %s … %s" % (until[0], until[-1]))
        rings = {re.search(r"@(s\d+)\.", address).group(1) for address in self.relay.waiting()}
        self.assertGreater(len(rings), 20)
        self.fall_due(20 * 3600 + 30 * 60)
        wait_for(lambda: sum(len(self.sink.to(address)) == 2 for address in late) >= 10, "some of them")
        self.relay.wait_queue(lambda queue: not [one for one in queue if one["queue_name"] != "deferred"], "quiet")
        left = sum(len(self.sink.to(address)) == 1 for address in late)
        self.assertGreater(left, 10, "half of them have to wait")
        self.fall_due(3600)
        for address in late:
            self.sink.wait_to(address, 2)
        self.relay.wait_empty()


class Crowd(Gated):
    """Twenty thousand recipients due in one slot, and fresh mail beside them."""
    settings = {"slot_length": "1h", "slot_size": 20000}
    time_limit_s = 170
    MESSAGES, EACH = 200, 100

    @classmethod
    def setUpClass(cls):
        in_memory(cls)
        super().setUpClass()

    def test_twenty_thousand_in_one_slot(self):
        late = ["crowd%d@crowd.test" % i for i in range(self.MESSAGES * self.EACH)]
        before = self.sink.count()
        for at in range(0, len(late), 1000):
            self.accepted(self.send("a@head.test", *late[at:at + 1000]))
        self.sink.wait_count(before + len(late), 60)
        began = time.monotonic()
        with self.relay.client() as client:
            for at in range(0, len(late), self.EACH):
                self.accepted(client.send("b@leeds.test", late[at:at + self.EACH], mail(sender="b@leeds.test")))
        delayed_s = time.monotonic() - began
        self.relay.wait_queue(lambda queue: len(queue) == self.MESSAGES and all(one["queue_name"] == "deferred" for one in queue), "all waiting", 60)
        rings = {re.search(r"@(s\d+)\.", address).group(1) for address in self.relay.waiting()}
        self.assertLessEqual(len(rings), 2, rings)
        before = self.sink.count()
        began = time.monotonic()
        self.fall_due(STEP_S + 7200)
        answers, arrivals = [], []
        while self.sink.count() - before - len(arrivals) < len(late):
            address, start = person("fresh"), time.monotonic()
            self.accepted(self.send("a@head.test", address))
            answers.append(time.monotonic() - start)
            self.sink.wait_to(address, timeout_s=60)
            arrivals.append(time.monotonic() - start)
            self.assertLess(time.monotonic() - began, 90, "%d of %d came" % (self.sink.count() - before, len(late)))
        released_s = time.monotonic() - began
        self.relay.wait_empty()
        counts = {}
        for one in self.sink.mails:
            for address in one.taken:
                counts[address] = counts.get(address, 0) + 1
        self.assertEqual([(address, counts[address]) for address in late if counts[address] != 2], [], "each of them once more, nobody twice")
        print("\n20,000 recipients: taken in %.1f s, released in %.1f s; %d fresh mails beside them: answered in %.3f s (median), %.3f s at most; "
              "arrived in %.3f s, %.3f s at most" % (delayed_s, released_s, len(answers), sorted(answers)[len(answers) // 2], max(answers),
                                                     sorted(arrivals)[len(arrivals) // 2], max(arrivals)))
        self.assertLess(max(answers), 5)


if __name__ == "__main__":
    main()

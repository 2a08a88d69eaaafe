#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""The checker sees each kind of wrong, in histories made by hand, and nothing wrong in those that are right."""

import copy
import unittest

import checker
from history import History

RULES = checker.Rules(covered=["offers", "letters"], limits={"offers": 2, "letters": 1})
RELAYS = ["left", "right"]


def send(one, start, rcpts=("a",), relay="left", stream="offers", code=250, codes=None, took=0.1):
    rcpts = list(rcpts)
    codes = dict({rcpt: 250 for rcpt in rcpts}, **(codes or {}))
    kept = [rcpt for rcpt in rcpts if codes[rcpt] == 250]
    return {"what": "send", "id": one, "relay": relay, "stream": stream, "rcpts": rcpts, "start": start, "body": start + took / 2 if kept else None,
            "end": start + took, "rcpt_codes": codes, "code": code if kept else codes[rcpts[-1]], "text": "words"}


def arrived(one, rcpt="a"):
    return {"what": "arrived", "id": one, "rcpt": rcpt}


def unsubscribe(start, rcpt="a", status=0):
    return {"what": "unsubscribe", "rcpt": rcpt, "relay": "left", "start": start, "end": start + 0.1, "status": status}


def fault(start, end, **fields):
    return dict({"what": "fault", "name": "a fault", "start": start, "end": end}, **fields)


def places(**rcpts):
    return [{"what": "place", "rcpt": rcpt, "partition": partition} for rcpt, partition in rcpts.items()]


class Judged(unittest.TestCase):
    def judge(self, judge, events, *args):
        return list(judge(History(copy.deepcopy(events)), RULES, *args))

    def right(self, judge, events, *args):
        self.assertEqual(self.judge(judge, events, *args), [])

    def wrong(self, words, judge, events, *args):
        found = self.judge(judge, events, *args)
        self.assertEqual(len(found), 1, found)
        self.assertIn(words, found[0])


class Unsubscribes(Judged):
    def test_what_was_on_its_way_may_arrive(self):
        self.right(checker.judge_unsubscribes, [unsubscribe(10), send("1", 10.02), arrived("1")])

    def test_what_was_sent_after_the_acknowledgement_may_not(self):
        self.wrong("0.050 s after", checker.judge_unsubscribes, [unsubscribe(10), send("1", 10.1), arrived("1")])

    def test_the_other_relay_is_bound_too(self):
        self.wrong("by right", checker.judge_unsubscribes, [unsubscribe(10), send("1", 11, relay="right"), arrived("1")])

    def test_one_recipient_of_many_counts(self):
        events = [unsubscribe(10), send("1", 11, rcpts=["b", "a"]), arrived("1", "b")]
        self.right(checker.judge_unsubscribes, events)
        self.wrong("a got 1", checker.judge_unsubscribes, events + [arrived("1", "a")])

    def test_without_an_acknowledgement_nothing_is_promised(self):
        self.right(checker.judge_unsubscribes, [unsubscribe(10, status=75), send("1", 11), arrived("1")])

    def test_other_streams_go_on(self):
        self.right(checker.judge_unsubscribes, [unsubscribe(10), send("1", 11, stream="orders"), arrived("1")])

    def test_a_later_attempt_is_judged_by_its_own_time(self):
        self.wrong("0.050 s after", checker.judge_unsubscribes, [send("1", 9, code=451), unsubscribe(10), send("1", 10.1), arrived("1")])


class Survival(Judged):
    asked = [send("1", 31, code=550), send("2", 31, relay="right", code=550)]

    def test_each_relay_refuses_after_the_last_fault(self):
        self.right(checker.judge_survival, [unsubscribe(10), fault(20, 30)] + self.asked, RELAYS)

    def test_a_forgotten_one_is_seen(self):
        self.wrong("at right: [250]", checker.judge_survival, [unsubscribe(10), fault(20, 30), self.asked[0], send("2", 31, relay="right")], RELAYS)

    def test_nobody_asked_is_not_alive(self):
        self.wrong("at right: not asked", checker.judge_survival, [unsubscribe(10), fault(20, 30), self.asked[0]], RELAYS)

    def test_a_temporary_refusal_shows_nothing(self):
        events = [unsubscribe(10), self.asked[0], send("2", 31, relay="right", codes={"a": 451})]
        self.wrong("at right: [451]", checker.judge_survival, events, RELAYS)

    def test_an_answer_from_before_the_fault_shows_nothing(self):
        self.wrong("at left: not asked", checker.judge_survival, [unsubscribe(10), send("0", 15, code=550), fault(20, 30), self.asked[1]], RELAYS)


class Limits(Judged):
    def test_up_to_the_limit(self):
        self.right(checker.judge_limits, [send("1", 1), send("2", 2, relay="right"), arrived("1"), arrived("2")])

    def test_one_above_by_the_other_relay(self):
        events = [send("1", 1), send("2", 2), send("3", 3, relay="right"), arrived("1"), arrived("2"), arrived("3")]
        self.wrong("a got 3 messages of offers, 2 are allowed", checker.judge_limits, events)

    def test_streams_are_counted_apart(self):
        events = [send("1", 1), send("2", 2), send("3", 3, stream="letters"), arrived("1"), arrived("2"), arrived("3")]
        self.right(checker.judge_limits, events)
        self.wrong("of letters", checker.judge_limits, events + [send("4", 4, stream="letters"), arrived("4")])

    def test_one_message_twice(self):
        self.wrong("got 1 2 times", checker.judge_limits, [send("1", 1), arrived("1"), arrived("1")])


class Refusals(Judged):
    def test_put_off_is_no_refusal(self):
        self.right(checker.judge_refusals, [fault(0, 9), send("1", 1, code=451), send("2", 2, codes={"a": 451})])

    def test_for_good_without_a_reason(self):
        self.wrong("for no reason", checker.judge_refusals, [fault(0, 9), send("1", 1, code=550)])
        self.wrong("for no reason", checker.judge_refusals, [fault(0, 9), send("1", 1, codes={"a": 550})])
        self.wrong("b of 1 for no reason", checker.judge_refusals, [send("1", 1, rcpts=["a", "b"], codes={"b": 550})])

    def test_an_unsubscribe_is_a_reason_from_when_it_is_asked_for(self):
        self.right(checker.judge_refusals, [unsubscribe(1, status=75), send("1", 1, codes={"a": 550})])
        self.wrong("no reason", checker.judge_refusals, [send("1", 1, codes={"a": 550}), unsubscribe(2)])
        self.wrong("no reason", checker.judge_refusals, [unsubscribe(1), send("1", 2, stream="orders", codes={"a": 550})])

    def test_a_full_limit_is_a_reason(self):
        self.right(checker.judge_refusals, [send("1", 1), send("2", 2), send("3", 3, code=550)])
        self.wrong("no reason", checker.judge_refusals, [send("1", 1), send("1", 1.5), send("3", 3, code=550)])
        self.wrong("no reason", checker.judge_refusals, [send("1", 1), send("2", 4), send("3", 3, code=550)])

    def test_a_bounce_needs_a_reason_too(self):
        bounce = {"what": "bounced", "id": "1", "rcpt": "a", "time": 5}
        self.right(checker.judge_refusals, [unsubscribe(0), send("1", 1, rcpts=["a", "b"]), bounce])
        self.wrong("bounced for no reason", checker.judge_refusals, [send("1", 1, rcpts=["a", "b"]), bounce])

    def test_no_answer_at_all(self):
        event = send("1", 1)
        event.update(code=None, rcpt_codes={})
        self.wrong("no answer", checker.judge_refusals, [event])


class Deliveries(Judged):
    def test_what_was_promised_arrives(self):
        order = send("1", 1, stream="orders", rcpts=["a", "b"])
        self.right(checker.judge_deliveries, [order, arrived("1", "a"), arrived("1", "b")])
        self.wrong("promised to b", checker.judge_deliveries, [order, arrived("1", "a")])

    def test_what_was_put_off_does_not(self):
        order = send("1", 1, stream="orders", code=451)
        self.right(checker.judge_deliveries, [order])
        self.wrong("nobody was told", checker.judge_deliveries, [order, arrived("1")])


class Healthy(Judged):
    base = places(a=0, b=1) + [fault(10, 20, partitions=[1])]
    served = [send("1", 12), send("2", 13, rcpts=["a", "b"], codes={"b": 451})]

    def judge(self, judge, events, *args):
        return super().judge(checker.judge_healthy, self.base + events, 1, 3, 1)

    def test_served_alone_and_beside_others(self):
        self.right(None, self.served)

    def test_put_off_alone(self):
        self.wrong("was not served", None, self.served + [send("3", 10.1, code=451)])
        self.wrong("was not served", None, self.served + [send("3", 10.1, codes={"a": 451})])

    def test_put_off_because_of_another_recipient(self):
        self.wrong("a of 3 has a healthy server and was not served", None, self.served + [send("3", 13, rcpts=["a", "b"], code=451)])
        self.right(None, self.served + [send("3", 10.5, rcpts=["a", "b"], code=451)])

    def test_the_sick_server_owes_nothing(self):
        self.right(None, self.served + [send("3", 13, rcpts=["b"], code=451)])

    def test_slow(self):
        self.wrong("took 3.5 s", None, self.served + [send("3", 13, took=3.5)])

    def test_nothing_sent_shows_nothing(self):
        self.wrong("too few", None, self.served[:1])


class BackendsAndThroughput(Judged):
    def test_backends_pile_up(self):
        samples = [{"what": "sample", "time": at, "server": "db1", "backends": 8 + at, "waiting": at} for at in range(3)]
        self.right(checker.judge_backends, samples, 10, 2)
        self.wrong("db1 had 10 backends, 9 are allowed", checker.judge_backends, samples, 9, 2)
        self.wrong("2 backends waiting", checker.judge_backends, samples, 10, 1)
        self.wrong("nobody looked", checker.judge_backends, [], 10, 2)

    def test_throughput_stays_away(self):
        phases = [{"what": "phase", "name": name, "start": start, "end": start + 2} for name, start in (("before", 0), ("after", 10))]
        before = [send(str(at), at / 10) for at in range(15)]
        self.right(checker.judge_throughput, phases + before + [send("a%d" % at, 10 + at / 10) for at in range(8)], 0.5)
        self.wrong("2.5 messages/s in after", checker.judge_throughput, phases + before + [send("a%d" % at, 10 + at / 10) for at in range(5)], 0.5)
        late = [send("a%d" % at, 10 + at / 10, code=451) for at in range(15)]
        self.wrong("0.0 messages/s in after", checker.judge_throughput, phases + before + late, 0.5)
        self.wrong("no two phases", checker.judge_throughput, phases[:1] + before, 0.5)


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""tactd killed with -9, under load at random moments and at each edge named in the code, and started again. What must hold is counted from
what the sink received and what the clients were told: no mail lost, nobody above a limit, every delivered mail with its entry, and
doubled at most what was on its way through the gate at the kill."""

import collections
import os
import random
import re
import threading
import time

from harness import Case, mail, main, section, wait_for

SECTIONS = [
    section("owner", "head"),
    section("stream", "launch", owner="head", purpose="promotional", senders=["@head.test"]),
    section("suppression", "unsubscribed", action="reject"),
    section("limit", "hourly", at_most="2/1h", count=["promotional"]),
]
AT_MOST = 2
START = "2026-11-24 09:00"
SEED = int(os.environ.get("TACT_SEED", "0")) or int(time.time())

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "edges"), encoding="ascii") as file:
    EDGES = file.read().split()
GATE_EDGES = [edge for edge in EDGES if edge.startswith("gate-")]
MILTER_EDGES = [edge for edge in EDGES if not edge.startswith("gate-")]
SOURCE = os.environ.get("TACT_SOURCE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


class Load:
    """Clients that behave as a mail server does: a message is offered again, with the same Message-ID, until it is told 250 or 550."""

    def __init__(self, relay, people, messages, threads=4, rcpts=2, seed=0):
        self.relay = relay
        self.taken = {}
        self.tries = collections.Counter()
        self._lock = threading.Lock()
        chance = random.Random(seed)
        self._todo = [("<%d.%d@head.test>" % (seed, i), chance.sample(people, rcpts)) for i in range(messages)]
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        self._stop = threading.Event()

    def start(self):
        for thread in self._threads:
            thread.start()
        return self

    def finish(self, timeout_s=90):
        for thread in self._threads:
            thread.join(timeout_s)
        alive = any(thread.is_alive() for thread in self._threads)
        self._stop.set()
        if alive:
            raise AssertionError("clients still at work: %d messages taken, %d left" % (len(self.taken), len(self._todo)))
        return self

    def _next(self):
        with self._lock:
            return self._todo.pop() if self._todo else None

    def _work(self):
        while not self._stop.is_set():
            one = self._next()
            if one is None:
                return
            self._offer(*one)

    def _offer(self, message_id, rcpts):
        text = mail(sender="Desk <desk@head.test>", message_id=message_id)
        while not self._stop.is_set():
            self.tries[message_id] += 1
            try:
                sent = self.relay.send("desk@head.test", rcpts, text)
                if sent.code == 250:
                    with self._lock:
                        self.taken[message_id] = rcpts
                    return
            except (ConnectionError, OSError):
                pass
            time.sleep(0.05)  # as a client that backs off; nothing waits for this


class Kills(Case):
    time_limit_s = 240

    def setUp(self):
        self.site_ = self.site(sections=SECTIONS, settings={"slot_length": "1s", "max_delay": "2d"}, clock=START)
        self.loads = []
        self.per_hour = []
        self.kills = 0

    def load(self, people, messages, **options):
        load = Load(self.site_.relay, people, messages, seed=SEED + len(self.loads), **options)
        self.loads.append(load)
        return load.start()

    def deliveries(self):
        """{(Message-ID, person): copies that came out}."""
        counted = collections.Counter()
        for one in list(self.site_.sink.mails):
            for person in one.taken:
                counted[one.header("Message-ID")[0], person.lower()] += 1
        return counted

    def promised(self):
        return {(message_id, person) for load in self.loads for message_id, rcpts in load.taken.items() for person in rcpts}

    def settle(self):
        """Everything that may leave now has left: what is queued waits with a reason, and the sink has been quiet."""
        before = [-1]

        def quiet():
            count = self.site_.sink.count()
            waiting = self.site_.relay.queue()
            same = count == before[0] and all(q["queue_name"] == "deferred" for q in waiting)
            before[0] = count
            time.sleep(0.3)
            return same
        wait_for(quiet, "a quiet sink", 60, 0.05)

    def revive(self):
        self.site_.tactd.start()

    def rung_out(self, flush=False):
        """All that was due at this standing hour has been fetched: what waits is told a later place. What is not due met a dead gate and
        is asked again by Postfix only after minutes: flush asks at once, where the bell is not what is tested."""
        flushed = [0.0]
        now = self.site_.tactd.now.strftime("%Y-%m-%d %H:%M UTC")

        def later():
            if flush and time.monotonic() > flushed[0] + 3:
                self.site_.relay.flush()
                flushed[0] = time.monotonic()
            reasons = self.site_.relay.waiting().values()
            return all("next place" in reason and reason.split("next place ")[1][:20] > now for reason in reasons)
        wait_for(later, lambda: "everything due at %s to leave: %r" % (now, self.site_.relay.waiting()), 90, 0.1)
        self.settle()

    def drain(self, flush):
        """Hour after hour until nothing waits; each hour nobody may get more than the limit."""
        per_hour = []
        for _ in range(30):
            self.rung_out(flush)
            before = self.deliveries()
            per_hour.append(before)
            if not self.site_.relay.queue():
                break
            self.site_.tactd.advance(hours=1)
        self.assertEqual(self.site_.relay.queue(), [])
        return per_hour

    def check(self, most_doubled, per_hour=(), flush=True):
        per_hour = list(per_hour) + self.drain(flush)
        final, promised = self.deliveries(), self.promised()
        lost = promised - set(final)
        self.assertEqual(lost, set(), "lost (seed %d)" % SEED)
        doubled = sum(copies - 1 for pair, copies in final.items() if copies > 1)
        print("  kills=%d promised=%d delivered=%d doubled=%d seed=%d" % (self.kills, len(promised), sum(final.values()), doubled, SEED), flush=True)
        self.assertLessEqual(doubled, most_doubled)
        self.check_limits(per_hour)
        self.check_evidence()

    def check_limits(self, per_hour):
        """Different mails to one person within an hour that stands still: a doubled copy of one mail is counted above, not here."""
        before = set()
        for snapshot in per_hour:
            fresh = collections.Counter(person for message_id, person in set(snapshot) - before)
            over = {person: count for person, count in fresh.items() if count > AT_MOST}
            self.assertEqual(over, {}, "above the limit (seed %d)" % SEED)
            before = set(snapshot)

    def check_evidence(self):
        """The first queue id a delivered mail had, in its oldest Received line of this relay, stands in a decision."""
        decided = {entry.get("queue_id") for entry in self.site_.tactd.entries(kind="decision")}
        for one in self.site_.sink.mails:
            ids = [found.group(1) for found in (re.search(r"by relay\.test .* id (\w+)", line) for line in one.header("Received")) if found]
            self.assertTrue(ids, one.headers)
            self.assertIn(ids[-1], decided, "delivered without an entry: %r" % one)

    # ---- at random ----

    def test_at_random_under_load(self):
        people = ["p%d@person.test" % i for i in range(60)]
        chance = random.Random(SEED)
        load = self.load(people, 150, threads=8)
        for _ in range(5):
            time.sleep(chance.uniform(0.05, 0.7))  # the moment of the kill is the point
            self.site_.tactd.kill9()
            self.kills += 1
            self.revive()
        load.finish()
        self.check(most_doubled=0)  # nothing passed the gate while we killed

    def test_at_random_while_the_gate_passes(self):
        people = ["p%d@person.test" % i for i in range(40)]
        chance = random.Random(SEED + 1)
        self.load(people, 120, threads=8).finish()
        self.settle()
        in_flight, per_hour = 0, [self.deliveries()]
        for _ in range(4):
            self.site_.tactd.advance(hours=1)
            time.sleep(chance.uniform(0.2, 1.2))  # the moment of the kill is the point
            in_flight += self.passing()
            self.site_.tactd.kill9()
            self.kills += 1
            self.revive()
            self.rung_out(flush=True)
            per_hour.append(self.deliveries())
        print("  in flight at the kills: %d" % in_flight, flush=True)
        self.check(most_doubled=20 * self.kills, per_hour=per_hour)  # Postfix keeps at most 20 deliveries to the gate at a time

    def passing(self):
        """Deliveries to the re-injection listener that are open at this moment."""
        return len([line for line in os.popen("ss -xH state established 2>/dev/null") if "tact-pass" in line])

    # ---- at each edge ----

    def test_every_edge_in_the_code_is_listed(self):
        named = set()
        for folder, _, files in os.walk(os.path.join(SOURCE, "src")):
            for name in files:
                if name.endswith(".c"):
                    with open(os.path.join(folder, name), encoding="utf-8") as source:
                        named |= set(re.findall(r'tact_edge\("([^"]+)"\)', source.read()))
        self.assertEqual(sorted(named), sorted(EDGES))

    def kill_at_milter_edge(self, edge):
        self.site_.tactd.kill9()  # libmilter takes up to five seconds over SIGTERM
        self.site_.tactd.start(env={"TACT_KILL_AT": edge + ":3"})
        load = self.load(["%s%d@person.test" % (edge.replace(".", "-"), i) for i in range(6)], 12, threads=3)
        self.site_.tactd.wait_end()
        self.kills += 1
        self.revive()
        load.finish()

    def test_at_each_edge_of_the_milter(self):
        for edge in MILTER_EDGES:
            with self.subTest(edge=edge):
                self.kill_at_milter_edge(edge)
        self.check(most_doubled=0)

    def kill_at_gate_edge(self, edge):
        self.load(["%s%d@person.test" % (edge, i) for i in range(4)], 6, threads=3).finish()
        self.settle()
        self.per_hour.append(self.deliveries())
        self.assertTrue(self.site_.relay.queue(), "nothing waits, so nothing can be killed at " + edge)
        self.site_.tactd.kill9()  # libmilter takes up to five seconds over SIGTERM
        self.site_.tactd.advance(hours=1)
        self.site_.tactd.spawn(env={"TACT_KILL_AT": edge})
        self.site_.tactd.wait_end(60)
        self.kills += 1
        self.revive()
        self.rung_out(flush=edge == "gate-after-passed")  # that one is delivered; Postfix offers it again in its own time, and it is dropped
        self.per_hour.append(self.deliveries())

    def test_at_each_edge_of_the_gate(self):
        for edge in GATE_EDGES:
            with self.subTest(edge=edge):
                self.kill_at_gate_edge(edge)
        self.check(most_doubled=20 * self.kills, per_hour=self.per_hour, flush=False)


if __name__ == "__main__":
    main()

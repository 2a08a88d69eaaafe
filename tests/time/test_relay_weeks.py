#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Weeks of mail through real daemons and real Postfixes in a minute: sliding windows and calendar ones, over changes of the clocks in three
zones and over the ends of weeks, months, quarters and years.

The oracle is brute force over the mails that the sink received, each with the simulated time at which it came, and shares nothing with
src/policy: it holds every window against its limit, and works out for every mail that waits the least time at which it may come. A mail that
comes earlier, or later than that by more than a slot, is a failure."""

import datetime
import os
import random
import re
import sys
import threading
import time
import zoneinfo

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "postfix"))

from harness import Case, Failed, Site, mail, main, section, wait_for  # noqa: E402

HOUR, DAY = 3600, 86400
SLOT_S = 60
PATIENCE_S = 60
ADS = ("promotional", "newsletter")

# name: (purpose, priority, days it may wait). Personal and transactional mail is never held back; transactional does not count.
STREAMS = {
    "launch": ("promotional", 800, 12), "offer": ("promotional", 500, 2), "letter": ("newsletter", 300, 12),
    "thanks": ("appreciation", 600, 12), "greeting": ("appreciation", 200, 5),
    "note": ("personal", 500, None), "notice": ("transactional", 500, None),
}
# How often each is sent.
WEIGHTS = {"launch": 4, "offer": 3, "letter": 4, "thanks": 5, "greeting": 4, "note": 1, "notice": 1}

# Each site has a zone and lives through some of its days: changes of the clocks, ends of a month, a quarter and a year, a leap day.
SITES = [
    ("Europe/London", "2026-03-27", "2026-04-02"), ("Europe/London", "2026-10-23", "2026-10-27"),
    ("America/New_York", "2026-03-06", "2026-03-11"), ("America/New_York", "2026-10-29", "2026-11-04"),
    ("Pacific/Auckland", "2026-04-03", "2026-04-08"), ("Pacific/Auckland", "2026-09-25", "2026-10-02"),
    ("UTC", "2026-12-28", "2027-01-03"), ("UTC", "2028-02-27", "2028-03-03"),
]


class Limit:
    """at_most a window; window: seconds, or the name of a calendar period. Applies to mail of PURPOSES, counts that of COUNT."""

    def __init__(self, name, at_most, window, purposes, count):
        self.name, self.at_most, self.window, self.purposes, self.count = name, at_most, window, purposes, count

    def section(self, zone):
        if isinstance(self.window, str):
            text = "%d per calendar-%s" % (self.at_most, self.window)
        else:
            text = "%d/%dh" % (self.at_most, self.window // HOUR)
        return section("limit", self.name, at_most=text, purposes=list(self.purposes), count=list(self.count),
                       zone=zone if isinstance(self.window, str) else None)


LIMITS = [
    Limit("breathing", 1, 20 * HOUR, ADS, ADS),
    Limit("weekly", 3, 7 * DAY, ADS, ADS),
    Limit("conversation", 0, 36 * HOUR, ADS, ("personal",)),
    Limit("month", 5, "month", ADS, ADS),
    Limit("day", 1, "day", ("appreciation",), ("appreciation",)),
    Limit("week", 3, "week", ("appreciation",), ("appreciation",)),
    Limit("quarter", 5, "quarter", ("appreciation",), ("appreciation",)),
    Limit("year", 12, "year", ("appreciation",), ("appreciation",)),
]


class Item:
    """One mail to one person: sent at MADE, and come at CAME or still waiting."""

    def __init__(self, number, rcpt, stream, made):
        self.number, self.rcpt, self.stream, self.made = number, rcpt, stream, made
        self.purpose, self.priority, days = STREAMS[stream]
        self.free = days is None
        self.not_after = made if self.free else made + days * DAY
        self.came = None

    def __repr__(self):
        return "mail %d of %s to %s, sent %s" % (self.number, self.stream, self.rcpt, show(self.made))


def show(time_s):
    return datetime.datetime.fromtimestamp(time_s, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


class Oracle:
    """What may come when, as a patient clerk with a calendar on the wall would say."""

    def __init__(self, zone):
        self.zone = zoneinfo.ZoneInfo(zone)

    def first_day(self, period, day):
        if period == "day":
            return day
        if period == "week":
            return day - datetime.timedelta(days=day.weekday())
        month = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}[period]
        return day.replace(month=month, day=1)

    def period(self, period, time_s):
        """The first day of the period that a time is in."""
        return self.first_day(period, datetime.datetime.fromtimestamp(time_s, self.zone).date())

    def midnights(self, from_s, days):
        """The beginnings of the next days, as people there see them."""
        day = datetime.datetime.fromtimestamp(from_s, self.zone).date()
        for _ in range(days):
            day += datetime.timedelta(days=1)
            yield int(datetime.datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp())

    def fits(self, limit, item, time_s, others):
        """others: (time, purpose) of what came, and of what goes before this one."""
        if item.purpose not in limit.purposes:
            return True
        own = item.purpose in limit.count
        times = [other for other, purpose in others if purpose in limit.count and (own or other <= time_s)]
        if isinstance(limit.window, str):
            here = self.period(limit.window, time_s)
            return sum(self.period(limit.window, other) == here for other in times) + own <= limit.at_most
        # Any window with this mail in it begins at a mail, or with it ends.
        starts = [other for other in times if time_s - limit.window < other <= time_s] + [time_s, time_s - limit.window + 1]
        return all(sum(start <= other < start + limit.window for other in times) + own <= limit.at_most for start in starts)

    def least(self, item, now, others):
        """The least time ≥ now at which the mail may come, or None when that is too late for it."""
        if item.free:
            return now
        times = {now} | {other + limit.window for other, _ in others for limit in LIMITS if not isinstance(limit.window, str)}
        times.update(self.midnights(now, 14))
        for time_s in sorted(t for t in times if now <= t <= item.not_after):
            if all(self.fits(limit, item, time_s, others) for limit in LIMITS):
                return time_s
        return None

    def places(self, history, waiting, now):
        """{item: least time} for all that wait for one person: the higher priority first, then the earlier."""
        others = [(item.came, item.purpose) for item in history if item.purpose != "transactional"]
        found = {}
        for item in sorted(waiting, key=lambda item: (-item.priority, item.made)):
            found[item] = self.least(item, now, others)
            if found[item] is not None:
                others.append((found[item], item.purpose))
        return found

    def too_many(self, items):
        """What one person received, against every window: a text for each that is too full."""
        for limit in LIMITS:
            times = sorted((item.came, item) for item in items if item.purpose in limit.count and item.purpose in limit.purposes)
            for start, item in times:
                if isinstance(limit.window, str):
                    inside = [t for t, _ in times if self.period(limit.window, t) == self.period(limit.window, start)]
                else:
                    inside = [t for t, _ in times if start <= t < start + limit.window]
                if len(inside) > limit.at_most:
                    yield "%s: %d in one %s: %s" % (limit.name, len(inside), limit.window, [show(t) for t in inside])
            for item in items:
                if limit.name == "conversation" and item.purpose in ADS:
                    talks = [other.came for other in items if other.purpose == "personal" and item.came - limit.window < other.came < item.came]
                    if talks:
                        yield "conversation: %r came at %s, letters at %s" % (item, show(item.came), [show(t) for t in talks])


class Log:
    """Counts in Postfix's log, read on from where it was left, how often each queued mail was given an answer."""

    def __init__(self, path):
        self.file = open(path, encoding="utf-8", errors="replace")
        self.tail, self.answers = "", {}

    def count(self, queue_id):
        lines = (self.tail + self.file.read()).split("\n")
        self.tail = lines.pop()
        for line in lines:
            found = re.search(r": (\w+): to=<.*status=", line)
            if found:
                self.answers[found.group(1)] = self.answers.get(found.group(1), 0) + 1
        return self.answers.get(queue_id, 0)


class Weeks(threading.Thread):
    """One site and its people, from the first day to the last."""

    def __init__(self, site, zone, first, last):
        super().__init__(name="%s %s" % (zone, first), daemon=True)
        self.site, self.days, self.oracle = site, (first, last), Oracle(zone)
        self.random = random.Random(self.name)
        self.log = Log(site.relay.maillog_path)
        self.people = ["p%d@person.test" % i for i in range(12)]
        self.history = {person: [] for person in self.people}
        self.waiting = {person: [] for person in self.people}
        self.items = {}
        self.queued = {}
        self.seen = 0
        self.now = 0
        self.number = 0
        self.error = None
        self.told = {"sent": 0, "at once": 0, "later": 0, "refused": 0, "stale": 0, "moved": 0, "steps": 0}

    def run(self):
        try:
            self.site.start()
            self.live(self.plan(*self.days))
            self.end()
            for person in self.people:
                for text in self.oracle.too_many(self.history[person]):
                    raise Failed("%s: %s" % (person, text))
        except BaseException as error:  # the test's thread shows it
            self.error = error
        finally:
            self.log.file.close()

    def plan(self, first, last):
        """When what is sent to whom: steps of hours, at any minute and second."""
        time_s, end_s = (datetime.datetime.fromisoformat(day).replace(tzinfo=self.oracle.zone).timestamp() for day in (first, last))
        found = []
        while time_s < end_s:
            stream = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            start = self.random.randrange(0, 12, 3)
            found.append((int(time_s), stream, self.people[start:start + 3] + ([self.random.choice(self.people[:start] or self.people[3:])]
                                                                            if self.random.random() < 0.3 else [])))
            time_s += self.random.choice([1, 2, 3, 5, 8]) * HOUR + self.random.randrange(-1500, 1500)
        return found

    def live(self, plan):
        while plan or any(self.waiting.values()):
            places = [place for person in self.people for place in self.places(person).values() if place is not None]
            if not places and not plan:
                break  # what is left has no place any more: refused, never late
            if places and (not plan or min(places) <= plan[0][0]):
                self.release(min(places))
            else:
                when, stream, rcpts = plan.pop(0)
                self.set_clock(max(when, self.now + 1))
                self.send(stream, rcpts)

    def end(self):
        """What found no place in its time is refused, and nothing is left in the queue."""
        self.set_clock(self.now + 13 * DAY)
        self.site.relay.wait_empty(PATIENCE_S)
        self.receive([], "later")
        self.told["stale"] += sum(len(waiting) for waiting in self.waiting.values())

    def set_clock(self, time_s):
        self.now = time_s
        self.site.tactd.set_clock(time_s)

    def places(self, person):
        return self.oracle.places(self.history[person], self.waiting[person], self.now)

    # ---- one step -------------------------------------------------------------------------------------------

    def send(self, stream, rcpts):
        """One mail to some people; each that may have it now must have it, each that may not must wait or be refused."""
        self.number += 1
        expected, refused, later = [], [], 0
        for rcpt in rcpts:
            before = self.places(rcpt)
            item = Item(self.number, rcpt, stream, self.now)
            self.items[self.number, rcpt] = item
            self.waiting[rcpt].append(item)
            after = self.places(rcpt)
            place = after[item]
            self.told["moved"] += sum(after[other] != before[other] for other in before)
            if place is None:
                refused.append(item)
                self.waiting[rcpt].remove(item)
            elif place == self.now:
                expected.append(item)
            else:
                later += 1
        sent = self.site.relay.send("desk@%s.test" % stream, rcpts, mail("Number %d" % self.number, sender="Desk <desk@%s.test>" % stream))
        want = 550 if len(refused) == len(rcpts) else 250
        if sent.code != want:
            raise Failed("%s: got %r, want %d; %s" % (show(self.now), sent, want, [self.items[self.number, rcpt] for rcpt in rcpts]))
        self.receive(expected, "at once")
        if want == 250:
            wait_for(lambda: self.log.count(sent.queue_id) >= len(rcpts), lambda: "an answer for all of %s" % sent.queue_id, PATIENCE_S)
            if later:
                self.queued[sent.queue_id] = rcpts
        self.told["sent"] += len(rcpts)
        self.told["refused"] += len(refused)

    def release(self, place):
        """A second before the place nobody comes, even when Postfix asks; a slot after it everybody whose place it was has come."""
        self.told["steps"] += 1
        if place - 1 > self.now and self.told["steps"] % 3 == 0:
            self.set_clock(place - 1)
            self.ask_again()
            self.receive([], "too early")
        self.set_clock(max(self.now, place + SLOT_S))
        expected = [item for person in self.people for item, at in self.oracle.places(self.history[person], self.waiting[person], place).items()
                    if at is not None and at <= self.now]
        self.receive(expected, "later")

    def ask_again(self):
        """Postfix tries all that waits, and has its answers."""
        waiting = {queued["queue_id"]: len(queued["recipients"]) for queued in self.site.relay.queue() if queued["queue_id"] in self.queued}
        before = {queue_id: self.log.count(queue_id) for queue_id in waiting}
        self.site.relay.flush()
        for queue_id, count in waiting.items():
            wait_for(lambda: self.log.count(queue_id) >= before[queue_id] + count, lambda: "answers for %s" % queue_id, PATIENCE_S)

    def receive(self, expected, how):
        """Waits until the sink has what is expected, and holds it against all that it has."""
        missing = set(expected)
        end = time.monotonic() + PATIENCE_S
        while True:
            for item in self.arrived():
                if item not in missing:
                    raise Failed("%s, %s: not yet: %r; its least time is %s" % (self.name, show(self.now), item, self.least(item)))
                missing.remove(item)
                self.waiting[item.rcpt].remove(item)
                self.history[item.rcpt].append(item)
                self.told[how] += 1
            if not missing:
                return
            if time.monotonic() > end:
                raise Failed("%s, %s: waits longer than needed: %r; what came before: %r" % (
                    self.name, show(self.now), missing, [(item, show(item.came)) for item in self.history[missing.pop().rcpt]]))
            time.sleep(0.01)

    def least(self, item):
        others = [other for other in self.waiting[item.rcpt] if other is not item]
        place = self.oracle.places(self.history[item.rcpt], others + [item], item.made).get(item)
        return show(place) if place else "never"

    def arrived(self):
        """What the sink received since it was last asked, with the time of now; bounces are none of it."""
        mails = self.site.sink.mails[self.seen:]
        self.seen += len(mails)
        for received in mails:
            if received.sender == "":
                continue
            number = int(received.header("Subject")[0].split()[1])
            for rcpt in received.taken:
                item = self.items[number, rcpt]
                if item.came is not None:
                    raise Failed("came twice: %r" % item)
                item.came = self.now
                yield item


def sections(zone):
    streams = [section("stream", name, purpose=purpose, priority=priority, max_delay=None if days is None else "%dd" % days,
                       senders=["@%s.test" % name]) for name, (purpose, priority, days) in STREAMS.items()]
    return streams + [limit.section(zone) for limit in LIMITS]


class SimulatedWeeks(Case):
    time_limit_s = 400

    def test_no_window_exceeded_and_nobody_waits_too_long(self):
        weeks = []
        for zone, first, last in SITES:
            site = Site(self.room(), sections=sections(zone), settings={"slot_length": "%ds" % SLOT_S, "log_level": "info"})
            site.tactd.set_clock(first)
            weeks.append(Weeks(site, zone, first, last))
        for each in weeks:
            each.start()
        for each in weeks:
            each.join()
        for each in weeks:
            print("%-27s %s" % (each.name, ", ".join("%s: %d" % item for item in each.told.items())), file=sys.stderr)
        for each in weeks:
            if each.error:
                raise each.error
        for each in weeks:
            self.assertGreater(each.told["later"], 10, each.name)
            self.assertGreater(each.told["at once"], 10, each.name)


if __name__ == "__main__":
    main()

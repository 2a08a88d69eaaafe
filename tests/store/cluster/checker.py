# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Judges a history. It knows what was sent, answered and delivered and nothing of how tact works, and shares no code with it. Each judge
yields a line for each thing that must not be."""

from collections import defaultdict


class Rules:
    """covered: the streams an unsubscribe stops. limits: {stream: how many messages a recipient may get in the whole run}."""

    def __init__(self, covered, limits):
        self.covered = frozenset(covered)
        self.limits = dict(limits)


def refused(code):
    return code is not None and 500 <= code <= 599


def put_off(code):
    return code is not None and 400 <= code <= 499


def taken(code):
    return code is not None and 200 <= code <= 399


def told(send, rcpt):
    """What its sender was told of one recipient of an attempt: the answer to it, or to the whole message."""
    code = send["rcpt_codes"].get(rcpt)
    return send["code"] if taken(code) else code


def attempts_for(history):
    """{recipient: [attempt]}"""
    found = defaultdict(list)
    for send in history.of("send"):
        for rcpt in send["rcpts"]:
            found[rcpt].append(send)
    return found


def acknowledged(history):
    """{recipient: when the first unsubscribe was acknowledged}"""
    found = {}
    for wish in history.of("unsubscribe"):
        if wish["status"] == 0:
            found[wish["rcpt"]] = min(wish["end"], found.get(wish["rcpt"], wish["end"]))
    return found


def who_got(history):
    return {(event["id"], event["rcpt"]) for event in history.of("arrived")}


def judge_unsubscribes(history, rules):
    """Whoever has unsubscribed gets nothing of which the last byte was sent after the acknowledgement."""
    got, acks, attempts = who_got(history), acknowledged(history), attempts_for(history)
    for rcpt, ack in acks.items():
        for send in attempts[rcpt]:
            late = send["stream"] in rules.covered and send["body"] is not None and send["body"] > ack
            if late and taken(told(send, rcpt)) and (send["id"], rcpt) in got:
                yield "%s got %s by %s, sent %.3f s after the unsubscribe was acknowledged" % (
                    rcpt, send["id"], send["relay"], send["body"] - ack)


def judge_survival(history, rules, relays):
    """After the last fault every relay refuses whoever has unsubscribed, and has been asked."""
    healed, attempts = max([fault["end"] for fault in history.of("fault")] or [0]), attempts_for(history)
    for rcpt, ack in acknowledged(history).items():
        for relay in relays:
            asked = [send for send in attempts[rcpt] if send["relay"] == relay and send["stream"] in rules.covered and send["start"] > max(ack, healed)]
            answers = [told(send, rcpt) for send in asked]
            if not any(refused(code) for code in answers):
                yield "the unsubscribe of %s is not shown to be alive at %s: %s" % (rcpt, relay, answers or "not asked")


def judge_limits(history, rules):
    """Nobody got more of a stream than its limit, by all relays together, nor one message twice."""
    stream_of = {send["id"]: send["stream"] for send in history.of("send")}
    got, times = defaultdict(set), defaultdict(int)
    for event in history.of("arrived"):
        got[event["rcpt"], stream_of[event["id"]]].add(event["id"])
        times[event["rcpt"], event["id"]] += 1
    for (rcpt, stream), ids in got.items():
        if len(ids) > rules.limits.get(stream, len(ids)):
            yield "%s got %d messages of %s, %d are allowed: %s" % (rcpt, len(ids), stream, rules.limits[stream], sorted(ids))
    for (rcpt, one), count in times.items():
        if count > 1:
            yield "%s got %s %d times" % (rcpt, one, count)


class Reasons:
    """Why a recipient may be refused for good: an unsubscribe was asked for, or other messages may have filled the limit."""

    def __init__(self, history, rules):
        self.rules = rules
        self.asked = {}
        for wish in history.of("unsubscribe"):
            self.asked[wish["rcpt"]] = min(wish["start"], self.asked.get(wish["rcpt"], wish["start"]))
        self.attempts = attempts_for(history)

    def may_refuse(self, stream, one, rcpt, when):
        if stream in self.rules.covered and self.asked.get(rcpt, when + 1) <= when:
            return True
        limit = self.rules.limits.get(stream)
        if limit is None:
            return False
        others = {send["id"] for send in self.attempts[rcpt] if send["stream"] == stream and send["id"] != one and send["start"] <= when
                  and send["body"] is not None and not refused(told(send, rcpt))}
        return len(others) >= limit


def judge_refusals(history, rules):
    """Whoever was refused for good had it coming; all else was put off. No question stays without an answer."""
    reasons = Reasons(history, rules)
    stream_of = {}
    for send in history.of("send"):
        stream_of[send["id"]] = send["stream"]
        if send["code"] is None:
            yield "%s had no answer from %s: %s" % (send["id"], send["relay"], send.get("text"))
        for rcpt in send["rcpts"]:
            if refused(told(send, rcpt)) and not reasons.may_refuse(send["stream"], send["id"], rcpt, send["end"]):
                yield "%s refused %s of %s for no reason: %s" % (send["relay"], rcpt, send["id"], send.get("text"))
    for event in history.of("bounced"):
        if not reasons.may_refuse(stream_of[event["id"]], event["id"], event["rcpt"], event["time"]):
            yield "%s of %s bounced for no reason" % (event["rcpt"], event["id"])


def judge_deliveries(history, rules):
    """Nothing arrives that no answer has promised, and of what was answered 250 and has no limit everything arrives."""
    got, promised = who_got(history), set()
    for send in history.of("send"):
        for rcpt in send["rcpts"]:
            if taken(told(send, rcpt)) and send["body"] is not None:
                promised.add((send["id"], rcpt))
                if send["stream"] not in rules.covered and (send["id"], rcpt) not in got:
                    yield "%s was promised to %s by %s and is not there" % (send["id"], rcpt, send["relay"])
    for one, rcpt in sorted(got - promised):
        yield "%s arrived at %s and nobody was told so" % (one, rcpt)


def judge_healthy(history, _rules, grace_s, slow_s, least):
    """While some servers are gone, recipients of the others are served: messages to them alone always, and their part of a mixed message
    from GRACE_S after the fault. LEAST messages of each sort must have been sent, or nothing is shown."""
    place = {event["rcpt"]: event["partition"] for event in history.of("place")}
    for fault in history.of("fault"):
        counts = {True: 0, False: 0}
        for send in history.of("send"):
            healthy = [rcpt for rcpt in send["rcpts"] if place.get(rcpt) not in fault.get("partitions", [])]
            alone = len(healthy) == len(send["rcpts"])
            begin = fault["start"] if alone else fault["start"] + grace_s
            if "partitions" not in fault or not healthy or send["start"] < begin or send["end"] > fault["end"]:
                continue
            counts[alone] += 1
            for rcpt in healthy:
                if told(send, rcpt) is None or put_off(told(send, rcpt)):
                    yield "%s: %s of %s has a healthy server and was not served: %s" % (fault["name"], rcpt, send["id"], send.get("text"))
            if alone and send["end"] - send["start"] > slow_s:
                yield "%s: %s to healthy recipients took %.1f s" % (fault["name"], send["id"], send["end"] - send["start"])
        if "partitions" in fault and min(counts.values()) < least:
            yield "%s: %d messages to healthy recipients alone, %d mixed: too few to show anything" % (fault["name"], counts[True], counts[False])


def judge_backends(history, _rules, most, most_waiting):
    """Connections stay within what the settings allow, also while nothing answers."""
    worst = defaultdict(lambda: (0, 0))
    for sample in history.of("sample"):
        before = worst[sample["server"]]
        worst[sample["server"]] = max(before[0], sample["backends"]), max(before[1], sample["waiting"])
    if not worst:
        yield "nobody looked at the servers"
    for server, (backends, waiting) in worst.items():
        if backends > most:
            yield "%s had %d backends, %d are allowed" % (server, backends, most)
        if waiting > most_waiting:
            yield "%s had %d backends waiting for a standby, %d are allowed" % (server, waiting, most_waiting)


def rate(history, phase):
    """Messages a second that were decided, not put off."""
    done = [send for send in history.of("send") if phase["start"] <= send["end"] < phase["end"]
            and any(taken(told(send, rcpt)) or refused(told(send, rcpt)) for rcpt in send["rcpts"])]
    return len(done) / (phase["end"] - phase["start"])


def judge_throughput(history, _rules, least_share):
    """Each phase after a fault has LEAST_SHARE of the rate of the first one."""
    phases = history.of("phase")
    if len(phases) < 2:
        yield "no two phases to compare"
        return
    before = rate(history, phases[0])
    for phase in phases[1:]:
        got = rate(history, phase)
        if got < before * least_share:
            yield "%.1f messages/s in %s, %.1f in %s" % (got, phase["name"], before, phases[0]["name"])

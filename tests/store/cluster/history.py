# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""The record of a run: what was asked, answered, delivered and done to the servers, with the times of one monotonic clock. An event is a
dictionary whose "what" says which:

    send         one attempt at a message: id relay stream rcpts start body end rcpt_codes code text; body is when its last byte was sent,
                 None without one; rcpt_codes holds a code for each recipient, code the last one; None: no answer
    arrived      id rcpt: the sink has taken this message for this recipient
    bounced      id rcpt: it came back to its sender
    unsubscribe  rcpt start end status: `tact suppress`; 0 is an acknowledgement
    fault        name start end: end is when it was mended, partitions which servers it took (absent: all)
    place        rcpt partition: the server of a recipient
    sample       time server backends waiting: connections of tact, and those that wait for a standby
    phase        name start end: a span of time whose throughput is compared
"""

import json
import threading
import time


class History:
    def __init__(self, events=()):
        self._events = list(events)
        self._lock = threading.Lock()

    def add(self, what, **fields):
        with self._lock:
            self._events.append(dict(fields, what=what))

    def of(self, what):
        with self._lock:
            return [event for event in self._events if event["what"] == what]

    def save(self, path):
        with self._lock, open(path, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(event) + "\n" for event in self._events)

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as file:
            return cls(json.loads(line) for line in file)


def now():
    return time.monotonic()

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Those who send, those who unsubscribe and those who look on, each a thread that writes into the history what it did and saw. Recipients
come in a stream of their own, so that some who were never written to meet every fault, and all threads write to the same ones at once."""

import random
import re
import threading

from harness import Failed, mail
from history import now

STREAMS = {"orders": 4, "offers": 3, "letters": 3}  # how often each is chosen
WIDTH = 24  # recipients that are written to at one time
STEP = 2.5  # messages until the next one comes in


class Crowd:
    def __init__(self, seed=1):
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.sent = 0

    def __len__(self):
        return int(self.sent / STEP) + WIDTH

    def address(self, number):
        return "r%d@person.test" % number

    def choose(self, count):
        with self.lock:
            self.sent += 1
            first = int(self.sent / STEP)
            return [self.address(first + number) for number in self.random.sample(range(WIDTH), count)]

    def everybody(self):
        return [self.address(number) for number in range(len(self))]


class Job:
    """One message until every recipient of it has a final answer."""

    def __init__(self, number, stream, rcpts):
        self.id = "<%d@load.test>" % number
        self.stream = stream
        self.left = list(rcpts)
        self.at = 0
        self.body = mail(sender="Desk <desk@%s.test>" % stream, message_id=self.id, subject="Number %d" % number)


class Load:
    """sites: {name: Site}. threads: how many send at each. pause_s: the least time between two messages of one thread."""

    def __init__(self, history, sites, threads=4, pause_s=0.05, seed=1):
        self.history = history
        self.sites = sites
        self.crowd = Crowd(seed)
        self.random = random.Random(seed)
        self.pause_s = pause_s
        self.again = []  # jobs that were put off
        self.lock = threading.Lock()
        self.number = 0
        self.over = threading.Event()  # nothing new is sent
        self.done = threading.Event()  # nothing is sent at all
        self.wishes = set()
        self.failures = []
        self.threads = [threading.Thread(target=self._guarded, args=(self._send_on, name)) for name in sites for _ in range(threads)]
        self.threads += [threading.Thread(target=self._guarded, args=(self._unsubscribe_on,)) for _ in range(2)]

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def finish(self, timeout_s=40):
        """No new messages; what was put off is sent until it is answered."""
        self.over.set()
        end = now() + timeout_s
        while self.again and now() < end and not self.failures:
            self.done.wait(0.05)
        left = [(job.id, job.left) for job in self.again]
        self.stop()
        if left or self.failures:
            raise Failed("%d messages are put off for ever, %s ...; failures: %s" % (len(left), left[:3], self.failures))

    def stop(self):
        self.over.set()
        self.done.set()
        for thread in self.threads:
            if thread.ident is not None:
                thread.join()

    def _guarded(self, function, *args):
        try:
            function(*args)
        except Exception as error:  # told to the test, which is another thread
            self.failures.append(repr(error))
            raise

    # ---- senders --------------------------------------------------------------------------------------------

    def _next_job(self):
        with self.lock:
            for job in self.again:
                if job.at <= now():
                    self.again.remove(job)
                    return job
            if self.over.is_set():
                return None
            self.number += 1
            (stream,) = self.random.choices(list(STREAMS), STREAMS.values())
            count = 1 if self.random.random() < 0.5 else self.random.randint(2, 5)
            return Job(self.number, stream, self.crowd.choose(count))

    def _send_on(self, name):
        client = None
        while not self.done.is_set():
            job = self._next_job()
            if job:
                client = self.attempt(name, client, job)
                if job.left:
                    job.at = now() + 0.5 + self.random.random()
                    with self.lock:
                        self.again.append(job)
            self.done.wait(self.pause_s)
        if client:
            client.close()

    def attempt(self, name, client, job):
        """Sends it to those that are left, writes down what came of it, and takes out those who have their answer. The connection, or None
        when it broke."""
        send = {"id": job.id, "relay": name, "stream": job.stream, "rcpts": list(job.left), "start": now(), "body": None, "rcpt_codes": {},
                "code": None, "text": ""}
        try:
            client = client or self.sites[name].relay.client()
            self._talk(client, send, job)
        except OSError as error:
            send["text"] = repr(error)
            client = None
        send["end"] = now()
        self.history.add("send", **send)
        if client and 400 <= send["code"] < 500:  # Postfix finds a tactd that was started anew for a new connection only
            client.close()
            return None
        return client

    def _talk(self, client, send, job):
        reply = client.mail("desk@%s.test" % job.stream)
        send["code"], send["text"] = reply.code, reply.raw
        if not reply.ok:
            client.rset()
            return
        for rcpt in send["rcpts"]:
            reply = client.rcpt(rcpt)
            send["rcpt_codes"][rcpt] = send["code"] = reply.code
            send["text"] = reply.raw
        kept = [rcpt for rcpt in send["rcpts"] if send["rcpt_codes"][rcpt] == 250]
        job.left = [rcpt for rcpt in send["rcpts"] if send["rcpt_codes"][rcpt] < 500]
        if not kept:
            client.rset()
            return
        reply = client.command("DATA")
        if reply.code == 354:
            send["body"] = now()
            client.write(job.body.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n")
            reply = client.read()
        send["code"], send["text"] = reply.code, reply.raw
        if reply.ok or reply.code >= 500:
            job.left = [rcpt for rcpt in job.left if rcpt not in kept]

    # ---- unsubscribes ---------------------------------------------------------------------------------------

    def _unsubscribe_on(self):
        while not self.over.is_set():
            with self.lock:
                rcpt = self._somebody()
                self.wishes.add(rcpt)
            if rcpt:
                self.unsubscribe(self.random.choice(list(self.sites)), rcpt)
            self.over.wait(0.2)

    def _somebody(self):
        """One of those that are written to now, who has not asked yet."""
        last = len(self.crowd)
        free = [self.crowd.address(number) for number in range(max(0, last - WIDTH), last)]
        free = [rcpt for rcpt in free if rcpt not in self.wishes]
        return self.random.choice(free) if len(free) > WIDTH / 2 else None

    def unsubscribe(self, name, rcpt):
        start = now()
        done = self.sites[name].tactd.tact("suppress", "--reason", "unsubscribe", rcpt, check=False)
        self.history.add("unsubscribe", rcpt=rcpt, relay=name, start=start, end=now(), status=done.returncode,
                         text=done.stderr.decode(errors="replace").strip())

    def ask_all_who_unsubscribed(self):
        """Each of them is written to once more by each relay."""
        rcpts = sorted({event["rcpt"] for event in self.history.of("unsubscribe") if event["status"] == 0})
        for name in self.sites:
            client = None
            for rcpt in rcpts:
                with self.lock:
                    self.number += 1
                    job = Job(self.number, "offers", [rcpt])
                client = self.attempt(name, client, job)
            if client:
                client.close()
        return rcpts


class Watcher:
    """Looks at the servers that answer, several times a second. servers: a function that names them."""

    def __init__(self, history, servers):
        self.history = history
        self.servers = servers
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._look_on, daemon=True)
        self.thread.start()

    def _look_on(self):
        while not self.over.wait(0.4):
            for server in self.servers():
                try:
                    rows = server.backends()
                except Exception:  # it is down or stalled, which is what the test does to it
                    continue
                self.history.add("sample", time=now(), server=server.name, backends=len(rows), waiting=sum(row[1] == "SyncRep" for row in rows))

    def stop(self):
        self.over.set()
        self.thread.join()


def note_arrivals(history, sites):
    """What the sinks have, once no mail is left in the queues but what waits at the gate."""
    for site in sites.values():
        site.relay.wait_queue(lambda queue: all(one["queue_name"] == "deferred" for one in queue), "the queue to settle", 60)
        for one in site.sink.mails:
            if one.sender == "":
                _note_bounce(history, one)
                continue
            (message_id,) = one.header("Message-ID")
            for rcpt in one.taken:
                history.add("arrived", id=message_id, rcpt=rcpt.lower())


def _note_bounce(history, one):
    text = one.data.decode("utf-8", "replace")
    (message_id,) = set(re.findall(r"(?im)^Message-ID: (<\d+@load\.test>)", text))
    for rcpt in re.findall(r"(?im)^Final-Recipient: rfc822; *(\S+)", text):
        history.add("bounced", id=message_id, rcpt=rcpt.lower(), time=now())

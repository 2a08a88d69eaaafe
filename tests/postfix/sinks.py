# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Where mail ends up: Sink, a server of our own that records all it is told and can be made to refuse, stall or wait; and PostfixSink,
Postfix's smtp-sink with its dumps, for loads that are too much for the first. Both are what the tests count: only what arrived here was
delivered."""

import os
import re
import socketserver
import threading
import time

from room import answers, free_port, wait_for


class Rcpt:
    def __init__(self, address, args):
        self.address = address
        self.args = args

    def __repr__(self):
        return "<%s> %s" % (self.address, self.args) if self.args else "<%s>" % self.address


class Mail:
    """One message as it arrived. data: the bytes after DATA, dots undone, CRLF kept. taken: the recipients that were answered 250 at the
    end."""

    def __init__(self):
        self.sender = ""
        self.mail_args = ""
        self.rcpts = []
        self.data = b""
        self.time = 0.0
        self.helo = ""
        self.xforward = {}
        self.taken = []

    @property
    def addresses(self):
        return [rcpt.address for rcpt in self.rcpts]

    @property
    def headers(self):
        return self.data.partition(b"\r\n\r\n")[0] + b"\r\n"

    @property
    def body(self):
        return self.data.partition(b"\r\n\r\n")[2]

    def header(self, name):
        """All values of a header, unfolded, in order."""
        text = re.sub(r"\r\n(?=[ \t])", "", self.headers.decode("utf-8", "surrogateescape"))
        return [line.partition(":")[2].strip() for line in text.split("\r\n") if line.lower().startswith(name.lower() + ":")]

    def __repr__(self):
        return "Mail(from=<%s> to=%r subject=%r)" % (self.sender, self.rcpts, self.header("Subject"))


def split_path(text):
    """("a@b", "NOTIFY=NEVER") from "<a@b> NOTIFY=NEVER"; a quoted local part may hold ">"."""
    found = re.match(r'\s*<((?:"(?:\\.|[^"\\])*"|[^>"])*)>\s*(.*)', text)
    return (found.group(1), found.group(2)) if found else (text.strip(), "")


class _Rule:
    def __init__(self, stage, pattern, reply, slow_s, hold, times, drop):
        self.stage = stage
        self.pattern = re.compile(pattern, re.I)
        self.reply = reply
        self.slow_s = slow_s
        self.hold = hold
        self.left = times
        self.drop = drop


class _HangUp(Exception):
    pass


class _Session(socketserver.StreamRequestHandler):
    def setup(self):
        super().setup()
        self.sink = self.server.sink
        self.mail = Mail()
        self.helo = ""
        self.xforward = {}
        self.sink._sessions.add(self.request)

    def finish(self):
        self.sink._sessions.discard(self.request)
        try:
            super().finish()
        except OSError:
            pass

    def say(self, line):
        self.wfile.write(line.encode("utf-8", "surrogateescape") + b"\r\n")

    def handle(self):
        try:
            self.say(self.sink._answer("CONNECT", "", "220 sink.test ESMTP"))
            while True:
                line = self.rfile.readline(200000)
                if not line.endswith(b"\n"):
                    return
                text = line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
                self.sink._note(text)
                if not self.obey(text):
                    return
        except (OSError, _HangUp):
            pass

    def obey(self, text):
        verb = text.split(" ")[0].upper()
        if verb in ("EHLO", "LHLO", "HELO"):
            self.greet(verb, text)
        elif verb == "MAIL":
            self.take_mail(text)
        elif verb == "RCPT":
            self.take_rcpt(text)
        elif verb == "DATA":
            self.take_data(text)
        elif verb == "XFORWARD":
            self.xforward.update(word.split("=", 1) for word in text.split()[1:])
            self.say("250 2.0.0 Ok")
        elif verb in ("RSET", "NOOP"):
            self.say(self.sink._answer(verb, text, "250 2.0.0 Ok"))
            self.reset() if verb == "RSET" else None
        elif verb == "QUIT":
            self.say("221 2.0.0 Bye")
            return False
        else:
            self.say("502 5.5.2 what is " + verb)
        return True

    def greet(self, verb, text):
        self.helo = text.partition(" ")[2]
        words = ["sink.test"] + ([] if verb == "HELO" else self.sink.extensions)
        for word in words[:-1]:
            self.say("250-" + word)
        self.say(self.sink._answer(verb, text, "250 " + words[-1]))

    def reset(self):
        self.mail = Mail()

    def take_mail(self, text):
        reply = self.sink._answer("MAIL", text, "250 2.1.0 Ok")
        if reply.startswith("2"):
            self.reset()
            self.mail.sender, self.mail.mail_args = split_path(text.partition(":")[2])
        self.say(reply)

    def take_rcpt(self, text):
        reply = self.sink._answer("RCPT", text, "250 2.1.5 Ok")
        if reply.startswith("2"):
            self.mail.rcpts.append(Rcpt(*split_path(text.partition(":")[2])))
        self.say(reply)

    def take_data(self, text):
        if not self.mail.rcpts:
            self.say("554 5.5.1 no valid recipients")
            return
        reply = self.sink._answer("DATA", text, "354 go ahead")
        self.say(reply)
        if not reply.startswith("3"):
            return
        self.mail.data = self.read_body()
        self.sink.bodies += 1
        self.mail.helo, self.mail.xforward = self.helo, dict(self.xforward)
        if self.sink.lmtp:
            replies = [self.sink._answer("END", rcpt.address, "250 2.0.0 Ok") for rcpt in self.mail.rcpts]
        else:
            replies = [self.sink._answer("END", " ".join(self.mail.addresses), "250 2.0.0 Ok")] * len(self.mail.rcpts)
        self.mail.taken = [rcpt.address for rcpt, reply in zip(self.mail.rcpts, replies) if reply.startswith("2")]
        if self.mail.taken:
            self.sink._take(self.mail)
        for reply in replies if self.sink.lmtp else replies[:1]:
            self.say(reply)
        self.reset()

    def read_body(self):
        lines = []
        while True:
            line = self.rfile.readline()
            if not line:
                raise _HangUp
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256


class _Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 256


class Sink:
    """A recording SMTP (or LMTP) server on a port of loopback, or on a unix socket when PATH is given."""

    def __init__(self, room, path=None, lmtp=False, port=None):
        self.lmtp = lmtp
        self.extensions = ["PIPELINING", "SIZE 0", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN"]
        self.extensions += ["XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"] if lmtp else []
        self.extensions.append("SMTPUTF8")
        self.mails = []
        self.commands = []
        self.bodies = 0
        self._rules = []
        self._sessions = set()
        self._changed = threading.Condition()
        self.port = None if path else port or free_port()
        self.address = path or self.port
        self._server = None
        self.start()
        room.on_close(self.stop)

    def start(self):
        if self._server:
            return
        if self.port is None:
            self._server = _Unix(self.address, _Session)
            os.chmod(self.address, 0o666)
        else:
            self._server = _Tcp(("127.0.0.1", self.port), _Session)
        self._server.sink = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        """Closes the door and every session."""
        server, self._server = self._server, None
        for rule in self._rules:
            if rule.hold:
                rule.hold.set()
        if not server:
            return
        server.shutdown()
        server.server_close()
        for sock in list(self._sessions):
            try:
                sock.shutdown(2)
            except OSError:
                pass
        if self.port is None and os.path.exists(self.address):
            os.unlink(self.address)

    def on(self, stage, pattern="", reply=None, slow_s=0, hold=None, times=None, drop=False):
        """From now on, a command of STAGE (CONNECT EHLO MAIL RCPT DATA END RSET) whose text matches PATTERN: waits for the event HOLD or SLOW_S
        seconds, then hangs up (drop), answers REPLY, or goes on; TIMES often. The newest rule that fits decides. END is the reply to the body:
        its text is the recipients."""
        with self._changed:
            self._rules.append(_Rule(stage, pattern, reply, slow_s, hold, times, drop))

    def hold(self, stage, pattern=""):
        """An event: until it is set, commands of STAGE that match are not answered."""
        event = threading.Event()
        self.on(stage, pattern, hold=event)
        return event

    def relent(self):
        """Forgets every rule."""
        with self._changed:
            rules, self._rules = self._rules, []
        for rule in rules:
            if rule.hold:
                rule.hold.set()

    def to(self, address):
        """The mails that were taken for ADDRESS."""
        with self._changed:
            return [mail for mail in self.mails if address.lower() in (taken.lower() for taken in mail.taken)]

    def count(self):
        """Recipients taken, in all."""
        with self._changed:
            return sum(len(mail.taken) for mail in self.mails)

    def wait_count(self, count, timeout_s=30):
        wait_for(lambda: self.count() >= count, lambda: "%d recipients at the sink, got %d" % (count, self.count()), timeout_s)
        return self.mails

    def wait_to(self, address, count=1, timeout_s=30):
        """The mails for ADDRESS once there are COUNT."""
        wait_for(lambda: len(self.to(address)) >= count,
                 lambda: "%d mails for <%s>, got %d of %r" % (count, address, len(self.to(address)), self.mails), timeout_s)
        return self.to(address)

    def saw(self, pattern):
        """The commands that match, as they came."""
        with self._changed:
            return [line for line in self.commands if re.search(pattern, line, re.I)]

    def clear(self):
        with self._changed:
            self.mails.clear()
            self.commands.clear()
            self.bodies = 0

    def _note(self, text):
        with self._changed:
            self.commands.append(text)

    def _take(self, mail):
        mail.time = time.time()
        with self._changed:
            self.mails.append(mail)

    def _find(self, stage, text):
        with self._changed:
            for rule in reversed(self._rules):
                if rule.stage == stage and rule.left != 0 and rule.pattern.search(text):
                    if rule.left is not None:
                        rule.left -= 1
                    return rule
        return None

    def _answer(self, stage, text, usual):
        rule = self._find("EHLO" if stage in ("HELO", "LHLO") else stage, text)
        if rule is None:
            return usual
        if rule.hold:
            rule.hold.wait(120)
        if rule.slow_s:
            time.sleep(rule.slow_s)
        if rule.drop:
            raise _HangUp
        return rule.reply or usual


class PostfixSink:
    """smtp-sink. With dump, every message is kept with its envelope; without, it only swallows. args: "-r", "rcpt" answers RCPT 450 …"""

    def __init__(self, room, dump=True, lmtp=False, path=None, args=()):
        self.port = None if path else free_port()
        self.address = path or self.port
        where = "unix:" + path if path else "127.0.0.1:%d" % self.port
        self.dir = room.mkdir("smtp-sink-%s" % (self.port or os.path.basename(path)), owner="postfix")
        argv = ["smtp-sink", "-u", "postfix", "-R", self.dir]
        argv += ["-d", "%M."] if dump else []
        argv += ["-L"] if lmtp else []
        self.process = room.spawn(argv + list(args) + [where, "1000"], "smtp-sink.log")
        wait_for(lambda: answers(self.address, banner=True), "smtp-sink at %s" % where)

    def count(self):
        """Messages dumped so far, the one being written included."""
        return len(os.listdir(self.dir))

    def mails(self):
        """Every dumped message. smtp-sink writes LF line ends; they are CRLF again here."""
        return [read_dump(os.path.join(self.dir, name)) for name in sorted(os.listdir(self.dir))]

    def wait_count(self, count, timeout_s=60):
        wait_for(lambda: self.count() >= count, lambda: "%d dumps, got %d" % (count, self.count()), timeout_s, 0.05)

    def stop(self):
        self.process.kill()


def read_dump(path):
    """One file that smtp-sink -d wrote, as a Mail."""
    with open(path, "rb") as file:
        lines = file.read().split(b"\n")
    mail = Mail()
    mail.time = os.stat(path).st_mtime
    at = 0
    while at < len(lines) and lines[at].startswith(b"X-"):
        name, _, value = lines[at].decode("utf-8", "surrogateescape").partition(": ")
        if name == "X-Helo-Args":
            mail.helo = value
        elif name == "X-Mail-Args":
            mail.sender, mail.mail_args = split_path(value)
        elif name == "X-Rcpt-Args":
            mail.rcpts.append(Rcpt(*split_path(value)))
        elif name not in ("X-Client-Addr", "X-Client-Proto"):
            break
        at += 1
    if at < len(lines) and lines[at].startswith(b"Received: "):
        at += 1
        while at < len(lines) and lines[at][:1] in (b"\t", b" "):
            at += 1
    for _ in range(2):  # the dump ends with an empty line of its own
        if lines and lines[-1] == b"":
            lines.pop()
    mail.data = b"".join(line + b"\r\n" for line in lines[at:])
    mail.taken = mail.addresses
    return mail

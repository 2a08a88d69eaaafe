# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""An SMTP and LMTP client that sends exactly the bytes it is told to: any ESMTP argument, several messages a connection, RSET in
the middle, NUL, bare CR and bare LF. smtplib mends such things, which is why it is not used."""

import re

from room import connect


class Reply:
    """One reply: code, text without codes (lines joined by a newline), enhanced status code or ""."""

    def __init__(self, lines):
        self.raw = b"\r\n".join(lines).decode("utf-8", "replace")
        text = [line[4:].decode("utf-8", "replace") for line in lines]
        self.code = int(lines[-1][:3])
        found = re.match(r"([245]\.\d{1,3}\.\d{1,3})(?: |$)", text[-1])
        self.status = found.group(1) if found else ""
        self.text = "\n".join(line[len(self.status):].lstrip() if self.status else line for line in text)

    @property
    def ok(self):
        return 200 <= self.code < 400

    @property
    def queue_id(self):
        """As Postfix says it after the body: "queued as 4X…", or None."""
        found = re.search(r"queued as (\w+)", self.text)
        return found.group(1) if found else None

    def __repr__(self):
        return "<%s>" % self.raw


class Sent:
    """What came of one message: the reply to MAIL, one a recipient, and the final one (the first that said no, or that to the body).
    finals holds one a recipient for LMTP."""

    def __init__(self):
        self.mail = None
        self.rcpts = []
        self.final = None
        self.finals = []

    @property
    def code(self):
        return self.final.code

    @property
    def status(self):
        return self.final.status

    @property
    def text(self):
        return self.final.text

    @property
    def ok(self):
        return self.final.ok

    @property
    def queue_id(self):
        return self.final.queue_id

    def __repr__(self):
        return "Sent(mail=%r rcpts=%r final=%r)" % (self.mail, self.rcpts, self.final)


def stuffed(message):
    """The message as it travels: CRLF line ends, dots doubled, and the end of data."""
    if isinstance(message, str):
        message = message.encode()
    message = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", message) + b".\r\n"


class Client:
    """One connection. ADDRESS is a port of loopback or a unix path. xclient: {"ADDR": …, "LOGIN": …} makes Postfix believe another client
    or SASL user is there (smtpd_authorized_xclient_hosts)."""

    def __init__(self, address, helo="client.test", lmtp=False, xclient=None, timeout_s=60):
        self.sock = connect(address, timeout_s)
        self._buffer = b""
        self.lmtp = lmtp
        self.hello = "LHLO " + helo if lmtp else "EHLO " + helo
        self.banner = self.read()
        self.ehlo = self.command(self.hello)
        if xclient:
            words = ["%s=%s" % item for item in xclient.items()]
            self.banner = self.command("XCLIENT " + " ".join(words))
            self.ehlo = self.command(self.hello)

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()

    def close(self):
        try:
            self.sock.sendall(b"QUIT\r\n")
        except OSError:
            pass
        self.sock.close()

    def drop(self):
        """Hangs up without QUIT."""
        self.sock.close()

    def write(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def read(self):
        """The next reply. ConnectionError when the server hung up."""
        lines = []
        while True:
            while b"\n" not in self._buffer:
                more = self.sock.recv(65536)
                if not more:
                    raise ConnectionError("the server hung up after %r" % (lines or self._buffer))
                self._buffer += more
            line, _, self._buffer = self._buffer.partition(b"\n")
            lines.append(line.rstrip(b"\r"))
            if lines[-1][3:4] != b"-":
                return Reply(lines)

    def command(self, line):
        self.write((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        return self.read()

    def mail(self, sender, args=""):
        return self.command(("MAIL FROM:<%s> %s" % (sender, args)).rstrip())

    def rcpt(self, address, args=""):
        return self.command(("RCPT TO:<%s> %s" % (address, args)).rstrip())

    def rset(self):
        return self.command("RSET")

    def data(self, message, raw=False):
        """DATA and the body; raw sends the bytes as they are, end of data included. LMTP has more replies to read() after this one."""
        go = self.command("DATA")
        if go.code != 354:
            return go
        self.write(message if raw else stuffed(message))
        return self.read()

    def send(self, sender, rcpts, message, mail_args="", rcpt_args="", raw=False):
        """One message. A recipient is an address or (address, args). Goes on to DATA as long as one recipient was taken; after a refusal
        on the way the session is reset, so that another message may follow."""
        sent = Sent()
        sent.mail = sent.final = self.mail(sender, mail_args)
        if not sent.mail.ok:
            return sent
        for rcpt in [rcpts] if isinstance(rcpts, (str, tuple)) else rcpts:
            address, args = (rcpt, rcpt_args) if isinstance(rcpt, str) else rcpt
            sent.rcpts.append(self.rcpt(address, args))
        taken = [reply for reply in sent.rcpts if reply.ok]
        if not taken:
            sent.final = sent.rcpts[0]
            self.rset()
            return sent
        sent.final = self.data(message, raw)
        sent.finals = [sent.final]
        if self.lmtp and sent.final.code != 354:
            sent.finals += [self.read() for _ in taken[1:]]
        return sent

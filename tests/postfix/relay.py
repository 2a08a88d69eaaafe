# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""A private Postfix below a room: its own configuration, queue, ports and master, beside or without a system one. With gate (the
default) it has the settings that tact's gate needs."""

import json
import os
import re
import shutil
import signal

from client import Client
from room import Failed, answers, free_port, run, wait_for
from sinks import Sink

DAEMONS = "/usr/lib/postfix/sbin"
MASTER_DIST = "/usr/share/postfix/master.cf.dist"
GATE_DOMAIN = "later.tact.invalid"
REVIEW_DOMAIN = "review.tact.invalid"

# Every override stands for a main.cf that refused released mail without it.
PASS_OPTIONS = """
  -o syslog_name=postfix/{name} -o smtpd_milters= -o smtpd_milter_maps= {filter} -o smtpd_proxy_filter= -o smtpd_command_filter=
  -o receive_override_options=no_header_body_checks,no_unknown_recipient_checks -o local_header_rewrite_clients=
  -o mynetworks=127.0.0.0/8 -o smtpd_delay_reject=yes -o smtpd_helo_required=no -o smtpd_helo_restrictions=
  -o smtpd_client_restrictions=permit_mynetworks,reject -o smtpd_relay_restrictions=permit_mynetworks,reject
  -o smtpd_recipient_restrictions=permit_mynetworks,reject -o smtpd_etrn_restrictions=permit_mynetworks,reject
  -o smtpd_sender_restrictions= -o smtpd_data_restrictions= -o smtpd_end_of_data_restrictions=
  -o smtpd_reject_unlisted_sender=no -o smtpd_reject_unlisted_recipient=no -o smtpd_tls_security_level=none
  -o smtpd_tls_wrappermode=no -o smtpd_sasl_auth_enable=no -o smtpd_discard_ehlo_keywords= -o smtpd_discard_ehlo_keyword_address_maps=
  -o smtpd_upstream_proxy_protocol= -o smtpd_client_event_limit_exceptions=127.0.0.0/8 -o smtpd_junk_command_limit=10000
  -o smtpd_authorized_xforward_hosts=127.0.0.0/8 -o smtpd_authorized_xclient_hosts= -o smtpd_recipient_limit=1000000
  -o message_size_limit=0 -o cleanup_service_name=tact-cleanup
"""
GATE_MASTER = (
    "tact-pass unix n - n - - smtpd" + PASS_OPTIONS.format(name="tact-pass", filter="-o content_filter=")
    + "tact-refuse unix n - n - - smtpd"
    + PASS_OPTIONS.format(name="tact-refuse", filter="-o { content_filter = error:5.7.1 refused by send policy }")
    + """tact-cleanup unix n - n - 0 cleanup
  -o syslog_name=postfix/tact-pass -o message_size_limit=0 -o always_bcc= -o sender_bcc_maps= -o recipient_bcc_maps=
  -o sender_canonical_maps= -o masquerade_domains=
tact-gate unix - - n - - lmtp
  -o syslog_name=postfix/tact-gate -o lmtp_send_xforward_command=yes -o lmtp_discard_lhlo_keywords=
  -o lmtp_discard_lhlo_keyword_address_maps= -o lmtp_line_length_limit=0 -o lmtp_tls_security_level=none
  -o lmtp_fallback_relay= -o lmtp_generic_maps= -o lmtp_header_checks=
  -o lmtp_mime_header_checks= -o lmtp_nested_header_checks= -o lmtp_body_checks= -o lmtp_tls_policy_maps= -o lmtp_tls_per_site=
  -o lmtp_tls_wrappermode=no -o lmtp_reply_filter= -o lmtp_delivery_status_filter= -o default_delivery_status_filter=
""")


def gate_main(gate_socket, transport_maps="", fast_flush="$relay_domains"):
    """The gate's rows of main.cf, before what stood there."""
    rows = " ".join(".%s=tact-gate:unix:%s" % (domain, gate_socket) for domain in (GATE_DOMAIN, REVIEW_DOMAIN))
    return {
        "transport_maps": ", ".join(filter(None, ["inline:{%s}" % rows, transport_maps])),
        "fast_flush_domains": ", ".join(filter(None, [fast_flush, GATE_DOMAIN, "." + GATE_DOMAIN, REVIEW_DOMAIN, "." + REVIEW_DOMAIN])),
    }


def master_cf(port):
    """Debian's master.cf with nothing in a chroot and smtpd on our port."""
    lines = []
    with open(MASTER_DIST, encoding="utf-8") as file:
        for line in file.read().splitlines():
            fields = line.split()
            if re.match(r"[a-z0-9]", line) and len(fields) >= 8:
                if fields[0] == "smtp" and fields[1] == "inet":
                    fields[0] = "127.0.0.1:%d" % port
                fields[4] = "n"
                line = " ".join(fields)
            lines.append(line)
    return "\n".join(lines) + "\n"


class Relay:
    """main: settings over the usual ones (None leaves one out). sink: a port, an object with .port, or None for a Sink of its own, found at
    .sink. gate_socket: where the transport sends delayed mail."""

    def __init__(self, room, sink=None, main=None, gate=True, gate_socket=None, name="relay", master=""):
        self.room = room
        self.name = name
        self.dir = room.mkdir(name)
        self.etc = room.mkdir(name, "etc")
        self.spool = room.mkdir(name, "spool")
        room.mkdir(name, "data", owner="postfix")
        self.port = free_port()
        self.sink = Sink(room) if sink is None else sink
        self.gate_socket = gate_socket or room.path("run", "gate")
        self.pass_socket = os.path.join(self.spool, "public", "tact-pass")
        self.refuse_socket = os.path.join(self.spool, "public", "tact-refuse")
        self.maillog_path = os.path.join(self.dir, "maillog")
        self.env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MAIL_CONFIG": self.etc, "LC_ALL": "C.UTF-8"}
        self.process = None
        self._prepare(dict(main or {}), gate, master)
        room.watch(self.maillog_path)
        room.on_close(self.kill)

    def _prepare(self, main, gate, master):
        with open(self.maillog_path, "wb"):
            pass
        shutil.chown(self.maillog_path, "postfix")
        self._make_queue()
        settings = {
            "compatibility_level": "3.6", "queue_directory": self.spool, "data_directory": os.path.join(self.dir, "data"),
            "command_directory": "/usr/sbin", "daemon_directory": DAEMONS, "myhostname": "relay.test", "mydestination": "",
            "mynetworks": "127.0.0.0/8 10.0.0.0/8", "inet_interfaces": "loopback-only", "inet_protocols": "ipv4",
            "relayhost": "[127.0.0.1]:%d" % getattr(self.sink, "port", self.sink), "smtp_dns_support_level": "disabled",
            "maillog_file": self.maillog_path, "maillog_file_prefixes": self.dir, "alias_maps": "", "alias_database": "",
            "milter_default_action": "tempfail", "smtpd_authorized_xclient_hosts": "127.0.0.0/8",
            "smtpd_client_connection_count_limit": "0",
            # A test that is refused a thousand times must not be slowed down for it.
            "smtpd_error_sleep_time": "0", "smtpd_soft_error_limit": "10000", "smtpd_hard_error_limit": "20000",
        }
        if gate:
            settings.update(gate_main(self.gate_socket, main.pop("transport_maps", "")))
        settings.update(main)
        lines = ["%s = %s\n" % item for item in settings.items() if item[1] is not None]
        self.room.write(os.path.join(self.name, "etc", "main.cf"), "".join(lines))
        self.room.write(os.path.join(self.name, "etc", "master.cf"), master_cf(self.port) + (GATE_MASTER if gate else "") + master)

    def _make_queue(self):
        """What `postfix check` makes in several hundred processes."""
        for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"):
            self.room.mkdir(self.name, "spool", name, owner="postfix", mode=0o700)
        for name, mode in (("maildrop", 0o730), ("public", 0o710)):
            shutil.chown(self.room.mkdir(self.name, "spool", name, owner="postfix", mode=mode), group="postdrop")
        self.room.mkdir(self.name, "spool", "pid")

    def settle(self):
        """Postfix waits up to two seconds when its main.cf is younger than that, in case somebody still writes it: makes both files older."""
        for name in ("main.cf", "master.cf"):
            path = os.path.join(self.etc, name)
            before = os.stat(path).st_mtime - 10
            os.utime(path, (before, before))

    # ---- life -----------------------------------------------------------------------------------------------

    def start(self):
        self.settle()
        log = os.path.join(self.name, "master.out")
        self.process = self.room.spawn([DAEMONS + "/master", "-c", self.etc, "-s"], log, env=self.env, cwd=self.spool)
        try:
            wait_for(lambda: not self.process.running() or answers(self.port, banner=True), "Postfix on port %d" % self.port)
        except Failed as error:
            raise Failed("%s\n%s" % (error, self.room.last_words())) from None
        if not self.process.running():
            raise Failed("Postfix did not start\n" + self.room.last_words())
        return self

    def stop(self):
        if self.process:
            self.process.stop()
        self.process = None

    def kill(self):
        if self.process:
            self.process.kill()
        self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def reload(self):
        """Reads main.cf and master.cf again. Idle smtpd processes keep old milter settings: those need restart()."""
        self.tool("postfix", "reload")

    # ---- tools ----------------------------------------------------------------------------------------------

    def tool(self, name, *args, **options):
        """postfix, postqueue, postsuper, postcat, postconf … of this instance."""
        return run([name, "-c", self.etc] + list(args), env=self.env, **options)

    def setting(self, name):
        """The value in force."""
        return self.tool("postconf", "-h", name).stdout.decode().strip()

    def configure(self, settings, restart=True):
        """postconf -e for each, -X for those that are None."""
        gone = [name for name, value in settings.items() if value is None]
        if gone:
            self.tool("postconf", "-X", *gone)
        given = ["%s=%s" % (name, value) for name, value in settings.items() if value is not None]
        if given:
            self.tool("postconf", "-e", *given)
        self.settle()
        if restart and self.process:
            self.restart()

    def master(self, lines, restart=True):
        """Appends lines to master.cf."""
        with open(os.path.join(self.etc, "master.cf"), "a", encoding="utf-8") as file:
            file.write(lines)
        if restart and self.process:
            self.restart()

    def kick(self, service="pickup", class_name="public", request="W"):
        """postkick dies of SIGPIPE when the service hangs up on it at once: then it is awake, which is all that was wanted."""
        done = self.tool("postkick", class_name, service, request, check=False)
        if done.returncode not in (0, -signal.SIGPIPE):
            raise Failed("postkick %s: status %d\n%s" % (service, done.returncode, done.stderr.decode(errors="replace")))

    def sendmail(self, message, *rcpts, sender=None, args=(), check=True):
        """sendmail(1), with pickup woken. The completed process, for its status."""
        argv = ["sendmail", "-C", self.etc, "-i"] + (["-f", sender] if sender is not None else []) + list(args) + ["--"] + list(rcpts)
        done = run(argv, stdin=message, env=self.env, check=check)
        self.kick()
        return done

    def client(self, **options):
        """An SMTP connection to smtpd."""
        return Client(self.port, **options)

    def send(self, sender, rcpts, message, mail_args="", rcpt_args="", raw=False, **options):
        """One message on a connection of its own."""
        with self.client(**options) as client:
            return client.send(sender, rcpts, message, mail_args, rcpt_args, raw)

    def etrn(self, domain, through_pass=False):
        """ETRN at smtpd, or at the re-injection listener as tactd's bell does. The reply."""
        with Client(self.pass_socket if through_pass else self.port) as client:
            return client.command("ETRN " + domain)

    # ---- the queue ------------------------------------------------------------------------------------------

    def queue(self):
        """Every message in the queue, as postqueue -j shows it: once, also where it moved from one folder to another meanwhile."""
        lines = self.tool("postqueue", "-j").stdout.decode("utf-8", "replace").splitlines()
        return list({mail["queue_id"]: mail for mail in map(json.loads, lines)}.values())

    def waiting(self):
        """Every recipient in the queue: {address: why it waits}."""
        return {rcpt["address"]: rcpt.get("delay_reason", "") for mail in self.queue() for rcpt in mail["recipients"]}

    def mailq(self):
        return self.tool("postqueue", "-p").stdout.decode("utf-8", "replace")

    def flush(self, queue_id=None):
        """Tries one message, or all of them, at once."""
        self.tool("postqueue", *(["-i", queue_id] if queue_id else ["-f"]))

    def wait_queue(self, condition, what, timeout_s=30):
        """The queue, as soon as condition(queue) is true."""
        def look():
            queue = self.queue()
            return (queue,) if condition(queue) else None
        return wait_for(look, lambda: "%s; the queue:\n%s" % (what, self.mailq()), timeout_s, 0.05)[0]

    def wait_empty(self, timeout_s=30):
        self.wait_queue(lambda queue: not queue, "an empty queue", timeout_s)

    def wait_deferred(self, count=1, timeout_s=30):
        """The queue once COUNT recipients in it have a reason to wait."""
        return self.wait_queue(lambda queue: sum("delay_reason" in rcpt for mail in queue for rcpt in mail["recipients"]) >= count,
                               "%d deferred recipients" % count, timeout_s)

    # ---- the log --------------------------------------------------------------------------------------------

    def maillog(self):
        with open(self.maillog_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def grep(self, pattern):
        """The log lines that match."""
        return [line for line in self.maillog().splitlines() if re.search(pattern, line)]

    def wait_log(self, pattern, count=1, timeout_s=30):
        wait_for(lambda: len(self.grep(pattern)) >= count, "%d log lines with %s" % (count, pattern), timeout_s, 0.03)
        return self.grep(pattern)

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""A network of its own for the servers, joined to ours by one cable that can be cut: a network namespace that lives as long as its holder,
a process of ours, and a pair of virtual Ethernet devices. A cut drops what the servers answer, so that what was asked may have been done:
to us it looks as every loss of a network does, silence. Where a machine allows no namespace, a process that passes everything on and can be
stopped stands before each server instead."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys

from room import answers, free_port
from servers import end_with_the_test, wait_for

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def ip(*words):
    subprocess.run(["ip"] + list(words), check=True, capture_output=True)


HERE = os.path.dirname(os.path.abspath(__file__))


def new_network():
    try:
        return Network()
    except (OSError, subprocess.CalledProcessError) as error:
        print("NO NETWORK NAMESPACE HERE (%s): the network is cut by stopping a process in between" % error, file=sys.stderr, flush=True)
        return Forwarders()


class Network:
    def __init__(self):
        number = os.getpid() % 0x3fff * 4
        self.ours, self.theirs = ("198.18.%d.%d" % (number >> 8, (number & 255) + last) for last in (1, 2))
        self.cable = "tact%d" % os.getpid()
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "3600"], stdin=subprocess.DEVNULL, preexec_fn=end_with_the_test)
        self.path = "/proc/%d/ns/net" % self.holder.pid
        try:
            wait_for(self._is_apart, "a network namespace", 10)
            self._lay_cable()
        except Exception:
            self.close()
            raise

    def _is_apart(self):
        if self.holder.poll() is not None:
            raise OSError("this machine allows no network namespace (unshare -n fails)")
        return os.readlink(self.path) != os.readlink("/proc/self/ns/net")

    def _lay_cable(self):
        ip("link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        ip("addr", "add", self.ours + "/30", "dev", self.cable)
        ip("link", "set", self.cable, "up")
        for words in (["addr", "add", self.theirs + "/30", "dev", "eth0"], ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"]):
            self._inside("ip", *words)

    def _inside(self, *argv):
        with self.entered():
            subprocess.run(argv, check=True, capture_output=True)

    @contextlib.contextmanager
    def entered(self):
        """What this thread starts stands in the namespace."""
        with open("/proc/thread-self/ns/net", "rb") as here, open(self.path, "rb") as there:
            self._set(there)
            try:
                yield
            finally:
                self._set(here)

    @staticmethod
    def _set(file):
        if _libc.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def way_to(self, server):
        """(host, port) as a relay asks for it."""
        return self.theirs, server.port

    def cut(self):
        self._inside("ip", "route", "add", "blackhole", self.ours + "/32")

    def mend(self):
        self._inside("ip", "route", "del", "blackhole", self.ours + "/32")

    def close(self):
        """The devices go with the namespace, and it with its last process."""
        if self.holder.poll() is None:
            self.holder.send_signal(signal.SIGKILL)
        self.holder.wait()


class Forwarders:
    ours = "127.0.0.1"

    def __init__(self):
        self.processes = {}  # of a server: (port, process)

    @contextlib.contextmanager
    def entered(self):
        yield

    def way_to(self, server):
        if server.name not in self.processes:
            port = free_port()
            argv = [sys.executable, "-B", os.path.join(HERE, "forward.py"), str(port), "%s/.s.PGSQL.%d" % (server.servers.dir, server.port)]
            self.processes[server.name] = port, subprocess.Popen(argv, stdin=subprocess.DEVNULL, preexec_fn=end_with_the_test)
            wait_for(lambda: answers(port), "a forwarder", 10)
        return self.ours, self.processes[server.name][0]

    def _signal(self, number):
        for _, process in self.processes.values():
            process.send_signal(number)

    def cut(self):
        self._signal(signal.SIGSTOP)

    def mend(self):
        self._signal(signal.SIGCONT)

    def close(self):
        self._signal(signal.SIGKILL)
        for _, process in self.processes.values():
            process.wait()

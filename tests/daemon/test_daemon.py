#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""tactd by itself, without a Postfix: how it starts, refuses to, reloads and says so."""

import os
import pwd
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.abspath(os.environ.get("TACT_SOURCE") or os.path.join(HERE, "..", ".."))
BUILD = os.path.abspath(os.environ.get("TACT_BUILD") or SOURCE)
TACT = os.path.join(BUILD, "src", "tact")
TACTD = os.path.join(BUILD, "src", "tactd")
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
PATIENCE_S = 60 if os.environ.get("TACT_SANITIZED") else 20
SERVICES = 2  # the gate and one listener

CONFIG = """\
store = "lmdb:%(dir)s/db?map_size=64M"
audit = "%(dir)s/audit"
key_file = "%(dir)s/key"
host = "relay.test"
user = ""
socket_group = ""
log = stderr
gate_socket = "%(dir)s/gate"
listener "smtp" { socket = "unix:%(dir)s/milter" }
stream "shop" { purpose = promotional senders = {"@shop.example"} }
"""


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="tact-daemon-", dir=MEMORY)
        self.addCleanup(shutil.rmtree, self.dir)
        self.conf = self.path("tact.conf")
        self.log_path = self.path("log")
        self.write(CONFIG % {"dir": self.dir})
        self.env = dict(os.environ)
        self.env.pop("TACT_TEST_CLOCK", None)
        self.tact("key", "new")

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, text):
        with open(self.conf, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())

    def read(self):
        with open(self.conf, "rb") as file:
            return file.read()

    def run_program(self, *argv, **more):
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=self.env, timeout=120, **more)

    def tact(self, *args, code=0):
        done = self.run_program(TACT, "-c", self.conf, *args)
        self.assertEqual(done.returncode, code, "tact %s\n%s%s" % (" ".join(args), done.stdout, done.stderr))
        return done.stdout

    def check(self):
        return self.run_program(TACTD, "-n", "-c", self.conf)

    # ---- a running one --------------------------------------------------------------------------------------

    def wait(self, condition, what):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                self.fail("%s did not come:\n%s" % (what, self.log()))
            time.sleep(0.01)

    def spawn(self, argv=None, stdin=subprocess.DEVNULL, limit=None):
        """limit: a resource and how much of it there is."""
        if limit:  # the leak sanitizer needs a file and a process of its own
            self.env["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(argv or [TACTD, "-f", "-c", self.conf], stdin=stdin, stdout=subprocess.DEVNULL, stderr=log,
                                            env=self.env, preexec_fn=(lambda: resource.setrlimit(limit[0], (limit[1], limit[1]))) if limit else None)
        self.addCleanup(self.end, self.process)
        return self.process

    def end(self, process=None):
        process = process or self.process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        return process.wait(PATIENCE_S + 40)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def lines(self, pattern):
        return re.findall(pattern, self.log())

    def start(self):
        """Until it says that it is ready; the digest of its policy."""
        self.spawn()
        return self.wait_ready()

    def wait_ready(self):
        self.wait(lambda: self.lines(r" ready host=") or self.process.poll() is not None, "ready")
        self.assertIsNone(self.process.poll(), self.log())
        return self.lines(r"ready host=\S+ policy=(\w+)")[0]

    def refused(self, **more):
        """One that ends by itself: its exit status."""
        self.spawn(**more)
        return self.process.wait(PATIENCE_S)

    def reload(self, refused=None):
        """Until every process works by the new file, whose digest this answers, or the parent has said what is wrong with it."""
        taken, told = r"service=\w+ reloaded policy=(\w+)", r"reload refused: (.*)"
        before, said = len(self.lines(taken)), len(self.lines(told))
        self.process.send_signal(signal.SIGUSR1)
        if refused is None:
            self.wait(lambda: len(self.lines(taken)) >= before + SERVICES or len(self.lines(told)) > said, "a reload")
            self.assertEqual(self.lines(told)[said:], [])
            return self.lines(taken)[-1]
        self.wait(lambda: len(self.lines(told)) > said or len(self.lines(taken)) > before, "a refusal")
        self.assertEqual(self.lines(taken)[before:], [], "it was taken")
        self.assertRegex(self.lines(told)[said], refused)
        return None


class ClosedStreams(Case):
    """Whoever starts it may have closed the standard streams: no file of ours may become one of them."""

    def answers(self):
        for name in ("gate", "milter"):
            with socket.socket(socket.AF_UNIX) as s:
                if s.connect_ex(self.path(name)) != 0:
                    return False
        return True

    def family(self):
        tasks = "/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)
        with open(tasks, encoding="ascii") as file:
            return [self.process.pid] + [int(pid) for pid in file.read().split()]

    def test_tactd_and_its_processes(self):
        for which in ("<&- >&- 2>&-", "2>&-"):
            with self.subTest(closed=which):
                self.spawn(["/bin/sh", "-c", 'exec "$@" ' + which, "sh", TACTD, "-f", "-c", self.conf])
                self.wait(lambda: self.answers() or self.process.poll() is not None, "its doors")
                self.assertIsNone(self.process.poll(), self.log())
                self.assertEqual(len(self.family()), 1 + SERVICES)
                for pid in self.family():
                    for fd in (0, 1, 2):
                        got = os.readlink("/proc/%d/fd/%d" % (pid, fd))
                        self.assertIn(got, ("/dev/null", self.log_path), "descriptor %d of process %d, closed: %s" % (fd, pid, which))
                self.assertEqual(self.end(), 0)
                self.tact("store", "check")


class Priority(Case):
    """What writes for all who wait for their mail goes before them; what a verb writes goes before nobody."""

    def steps(self, pid):
        """Of each of its threads."""
        found = []
        for thread in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/stat" % (pid, thread), encoding="ascii") as file:
                found.append(int(file.read().rpartition(")")[2].split()[16]))
        return found

    @unittest.skipUnless(os.geteuid() == 0 and os.path.isdir("/proc/self/task"), "needs root and Linux")
    def test_of_tactd_alone(self):
        self.start()
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid), encoding="ascii") as file:
            services = [int(pid) for pid in file.read().split()]
        usual = os.getpriority(os.PRIO_PROCESS, 0)
        self.assertEqual(len(services), SERVICES)
        for pid in services:
            self.wait(lambda: sorted(self.steps(pid))[:2] == [max(usual - 10, -20), usual], "one thread that goes first")
        self.end()
        verb = subprocess.Popen([TACT, "-c", self.conf, "explain", "--sender", "a@shop.example", "--rcpt", "b@x.example"],
                                env=self.env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.addCleanup(verb.wait)
        self.addCleanup(verb.stdin.close)
        self.wait(lambda: len(self.steps(verb.pid)) > 1, "its writer")
        self.assertGreaterEqual(min(self.steps(verb.pid)), usual)


class Output(Case):
    def test_output_that_does_not_arrive(self):
        for args in (("-T", "-c", self.conf), ("-V",), ("-h",)):
            with self.subTest(args=args):
                with open("/dev/full", "wb") as full:
                    done = subprocess.run([TACTD] + list(args), stdout=full, stderr=subprocess.PIPE, env=self.env)
                self.assertEqual((done.returncode, done.stderr), (74, b"tactd: standard output: No space left on device\n"))
                self.assertEqual(self.run_program(TACTD, *args).returncode, 0)
                done = self.run_program("/bin/sh", "-c", 'exec "$@" >&-', "sh", TACTD, *args)
                self.assertEqual(done.returncode, 74, done.stderr)

    def test_a_mistake_is_told_first(self):
        self.write("mdoe = enforce\n")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([TACTD, "-T", "-c", self.conf], stdout=full, stderr=subprocess.PIPE, env=self.env)
        self.assertEqual(done.returncode, 78, done.stderr)


class Files(Case):
    """What a start and a reload read is what tactd -n judges."""

    def refused_everywhere(self, words):
        done = self.check()
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertRegex(done.stderr, words)
        self.assertEqual(self.refused(), 78, self.log())
        self.assertRegex(self.log(), words)

    def test_nothing_is_lost_behind_a_nul(self):
        good = self.read()
        bad, words = good + b"# \0\nlimit \"weekly\" { at_most = 1/7d }\n", r"tact\.conf:%d: there is a NUL byte" % (good.count(b"\n") + 1)
        self.write(bad)
        self.refused_everywhere(words)
        self.write(good)
        before = self.start()
        self.write(bad)
        self.reload(refused=words)
        self.write(bad.replace(b"\0", b""))
        self.assertNotEqual(self.reload(), before)
        self.assertEqual(self.end(), 0)

    def test_too_long(self):
        self.write(self.read() + b"#" * (1 << 20))
        self.refused_everywhere("longer than 1 MiB")

    def test_from_a_pipe(self):
        """Whose size nobody knows, and which gives what it has piece by piece."""
        whole = self.start()
        self.assertEqual(self.end(), 0)
        text = self.read()
        process = self.spawn([TACTD, "-f", "-c", "/dev/stdin"], stdin=subprocess.PIPE)
        for part in (text[:100], text[100:]):
            process.stdin.write(part)
            process.stdin.flush()
        process.stdin.close()
        self.assertEqual(self.wait_ready(), whole)

    def test_printed_it_is_longer_than_a_file_may_be(self):
        """It names a file, so that the processes are handed what it says printed out: a reload takes it as the start did."""
        with open(self.path("holidays"), "w", encoding="ascii") as file:
            file.write("12-25\n")
        self.write(self.read() + "".join('stream "s%d" { senders = {"@d%d.example"} }\n' % (i, i) for i in range(2500)).encode()
                   + b'quiet_hours "feasts" { holidays_file = "%s" }\n' % self.path("holidays").encode())
        printed = self.run_program(TACTD, "-T", "-c", self.conf).stdout
        self.assertGreater(len(printed), 1 << 20)
        before = self.start()
        self.assertEqual(self.reload(), before)
        with open(self.path("holidays"), "a", encoding="ascii") as file:
            file.write("12-26\n")
        self.assertNotEqual(self.reload(), before)


class Shortage(Case):
    """What passes by itself is never 78, after which systemd does not try again."""

    def test_files(self):
        for most in range(4, 12):
            with self.subTest(most=most):
                self.assertEqual(self.refused(limit=(resource.RLIMIT_NOFILE, most)), 71, self.log())
                self.assertRegex(self.log(), "[Tt]oo many open files")

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become somebody else")
    def test_processes(self):
        nobody = pwd.getpwnam("nobody")
        for name in ("", "key"):
            os.chown(self.path(name), nobody.pw_uid, nobody.pw_gid)
        self.write(self.read().replace(b'user = ""', b'user = "nobody"'))
        self.assertEqual(self.refused(limit=(resource.RLIMIT_NPROC, 1)), 71, self.log())
        self.assertIn("service=gate cannot be started", self.log())

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_a_user_who_is_not_there_does_not_come_by_himself(self):
        self.write(self.read().replace(b'user = ""', b'user = "nobody-of-that-name"'))
        self.assertEqual(self.refused(), 78, self.log())
        self.assertIn("no such user; make it, or set user", self.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)

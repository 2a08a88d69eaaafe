# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Real PostgreSQL servers below a folder: made, started and ended by the test, on a unix socket there and nowhere else. Root runs them as
user nobody, since a server refuses to be root. A system cluster is never touched.

    with Servers() as servers:
        primary = servers.primary("main")
        standby = servers.standby("one", primary)
        primary.sql("SELECT 1")
"""

import ctypes
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SOURCE = os.environ.get("TACT_SOURCE", ".")
BUILD = os.environ.get("TACT_BUILD", ".")
PATIENCE = float(os.environ.get("TACT_TEST_PATIENCE", "1"))
SETTINGS = {
    "listen_addresses": "", "fsync": "off", "max_connections": "60", "shared_buffers": "16MB", "log_min_messages": "log",
    "log_line_prefix": "'%m [%p] %a '", "wal_level": "replica", "max_wal_senders": "6", "hot_standby": "on", "wal_keep_size": "64MB",
    "max_wal_size": "256MB", "autovacuum": "off", "timezone": "UTC", "wal_retrieve_retry_interval": "100ms", "min_wal_size": "32MB",
}


def bindir():
    """The newest installed server's programs, or None."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
    return os.path.dirname(found[-1]) if found else None


def user_of_servers():
    """The user and group that servers run as, or None: ours."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


_libc = ctypes.CDLL(None)


def end_with_the_test():
    """In a child: a server is told to end when the test is killed."""
    _libc.prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG


class Failed(AssertionError):
    pass


def wait_for(condition, what, timeout_s=30):
    deadline = time.monotonic() + timeout_s * PATIENCE
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > deadline:
            raise Failed("waited %g s for %s" % (timeout_s, what() if callable(what) else what))
        time.sleep(0.01)


class Server:
    def __init__(self, servers, name):
        self.servers = servers
        self.name = name
        self.data = os.path.join(servers.disk, name)
        self.log = os.path.join(servers.dir, name + ".log")
        self.port = 5432 + len(servers.all)
        self.process = None
        servers.all.append(self)

    def configure(self, **settings):
        with open(os.path.join(self.data, "postgresql.auto.conf"), "a", encoding="utf-8") as file:
            for name, value in settings.items():
                file.write("%s = %s\n" % (name, value if value.startswith("'") else "'%s'" % value))

    def start(self):
        with open(self.log, "ab") as log:
            self.process = self.servers.popen(
                ["postgres", "-D", self.data, "-k", self.servers.dir, "-p", str(self.port)], stdout=log, stderr=log)
        wait_for(self.answers, lambda: "%s to start\n%s" % (self.name, self.last_words()))
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise Failed("%s ended\n%s" % (self.name, self.last_words()))
        return self.tool("pg_isready", "-q", check=False).returncode == 0

    def words_since(self, byte):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            file.seek(byte)
            return file.read()

    def last_words(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-30:])

    def signal(self, number):
        os.kill(self.process.pid, number)

    def stop(self):
        """Ends it at once, as a fast shutdown does."""
        if self.process and self.process.poll() is None:
            self.go_on()
            self.signal(signal.SIGQUIT)
            self.process.wait(30 * PATIENCE)
        self.process = None

    def pids(self):
        """The server and its children, each of which leads a group of its own."""
        found = [self.process.pid]
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/stat" % name, encoding="utf-8", errors="replace") as file:
                    if int(file.read().rpartition(")")[2].split()[1]) == self.process.pid:
                        found.append(int(name))
            except OSError:
                pass
        return found

    def stands_still(self):
        with open("/proc/%d/stat" % self.process.pid, encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] == "T"

    def signal_all(self, number):
        for pid in self.pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass  # a backend that has just ended

    def stall(self):
        """Stands still, all of it, until go_on."""
        self.signal_all(signal.SIGSTOP)

    def go_on(self):
        self.signal_all(signal.SIGCONT)

    def kill(self):
        """kill -9 for all of its processes, as a power cut does."""
        self.signal(signal.SIGSTOP)  # so that it makes no more of them
        wait_for(self.stands_still, "%s to stand still" % self.name)
        self.signal_all(signal.SIGKILL)
        self.process.wait(30 * PATIENCE)
        self.process = None

    def conninfo(self, user="relay"):
        return "host=%s port=%d dbname=tact user=%s" % (self.servers.dir, self.port, user)

    def url(self, words=""):
        return "postgres:" + self.conninfo() + words

    def tool(self, name, *args, check=True, stdin=None):
        env = dict(os.environ, PGHOST=self.servers.dir, PGPORT=str(self.port), PGUSER="postgres", PGDATABASE="tact", PGCONNECT_TIMEOUT="5")
        done = subprocess.run([os.path.join(self.servers.bin, name)] + list(args), env=env, capture_output=True, timeout=120 * PATIENCE,
                              input=stdin, check=False)
        if check and done.returncode != 0:
            raise Failed("%s %s: %s%s" % (name, " ".join(args), done.stdout.decode(), done.stderr.decode()))
        return done

    def sql(self, text, database="tact"):
        """What psql prints of it, fields separated by |."""
        return self.tool("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, stdin=text.encode()).stdout.decode().strip()

    def backends(self):
        """[(state, wait event, query)] of the connections that tact made."""
        rows = self.sql("SELECT state, coalesce(wait_event, ''), query FROM pg_stat_activity WHERE application_name = 'tact'")
        return [tuple(row.split("|", 2)) for row in rows.splitlines()]

    def promote(self):
        self.sql("SELECT pg_promote(true, 30)", database="postgres")
        return self


class Pooler:
    """pgbouncer before a server, for the login relay; it hands out transactions unless told otherwise."""

    def __init__(self, servers, server, where=None, **settings):
        """WHERE: how the pooler reaches it, if not by its socket."""
        self.servers = servers
        self.name = "pooler%d" % len(servers.all)
        self.port = 6432 + len(servers.all)
        self.log = os.path.join(servers.dir, self.name + ".log")
        self.ini = os.path.join(servers.dir, self.name + ".ini")
        self.process = None
        users = os.path.join(servers.dir, self.name + ".users")
        settings = dict({"pool_mode": "transaction", "default_pool_size": "4", "unix_socket_dir": servers.dir, "listen_port": str(self.port),
                         "auth_type": "trust", "auth_file": users}, **settings)
        with open(users, "w", encoding="utf-8") as file:
            file.write('"relay" ""\n')
        with open(self.ini, "w", encoding="utf-8") as file:
            file.write("[databases]\ntact = %s dbname=tact\n[pgbouncer]\n" % (where or "host=%s port=%d" % (servers.dir, server.port)))
            file.writelines("%s = %s\n" % row for row in settings.items())
        servers.all.append(self)

    def start(self):
        with open(self.log, "ab") as log:
            self.process = self.servers.popen(["/usr/sbin/pgbouncer", self.ini], stdout=log, stderr=log)
        wait_for(self.answers, lambda: "%s to start\n%s" % (self.name, self.last_words()))
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise Failed("%s ended\n%s" % (self.name, self.last_words()))
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex("%s/.s.PGSQL.%d" % (self.servers.dir, self.port)) == 0  # bound is not yet listening

    def last_words(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-30:])

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30 * PATIENCE)
        self.process = None

    def url(self, words=""):
        return "postgres:host=%s port=%d dbname=tact user=relay%s" % (self.servers.dir, self.port, words)


class Servers:
    def __init__(self, disk=None):
        """DISK: a folder for what the servers keep, if that is to be on a disk of its own."""
        self.bin = bindir()
        self.all = []
        self.user = user_of_servers()
        self.dir = tempfile.mkdtemp(prefix="tact-pg-")  # sockets and logs: paths of sockets are short
        self.disk = tempfile.mkdtemp(prefix="tact-pg-", dir=disk) if disk else self.dir
        for folder in {self.dir, self.disk}:
            os.chmod(folder, 0o755)
            if self.user:
                os.chown(folder, *self.user)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for server in reversed(self.all):
            try:
                server.stop()
            except Exception as error:  # the others must be ended all the same
                print("stopping %s: %s" % (server.name, error), file=sys.stderr)
        for folder in {self.dir, self.disk}:
            shutil.rmtree(folder, ignore_errors=True)

    def popen(self, argv, **options):
        user = {"user": self.user[0], "group": self.user[1], "extra_groups": []} if self.user else {}
        return subprocess.Popen([os.path.join(self.bin, argv[0])] + argv[1:], stdin=subprocess.DEVNULL, cwd="/", start_new_session=True,
                                preexec_fn=end_with_the_test, **user, **options)

    def run(self, *argv):
        process = self.popen(list(argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = process.communicate(timeout=120 * PATIENCE)[0]
        if process.returncode != 0:
            raise Failed("%s: %s" % (" ".join(argv), said.decode()))

    def empty(self, name, segment_mb=4, **settings):
        """A new server without the database. SEGMENT_MB: of its log; 16 where nobody says otherwise."""
        server = Server(self, name)
        self.run("initdb", "-D", server.data, "-U", "postgres", "-A", "trust", "-N", "--no-instructions", "--locale=C.UTF-8", "-E", "UTF8",
                 "--wal-segsize=%d" % segment_mb)
        server.configure(**dict(SETTINGS, **settings))
        server.start()
        return server

    def primary(self, name, **settings):
        """A new server with an empty database tact of owner tact, who may make roles."""
        server = self.empty(name, **settings)
        server.sql("CREATE ROLE tact LOGIN CREATEROLE", database="postgres")
        server.sql("CREATE DATABASE tact OWNER tact", database="postgres")
        return server

    def store(self, name, **settings):
        """One with tact's schema and the login relay, who has the role of a relay and nothing else."""
        server = self.primary(name, **settings)
        server.tool("psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-U", "tact", "-f", SOURCE + "/contrib/postgresql/schema.sql")
        server.sql("CREATE ROLE relay LOGIN IN ROLE tact_relay")
        return server

    def proxy(self, name, partitions, **settings):
        """One that passes everything on to the partitions, each a store or a list of a store and its standbys; its login relay has the role of a relay."""
        pairs = [partition if isinstance(partition, list) else [partition] for partition in partitions]
        for pair in pairs:
            pair[0].sql("CREATE ROLE tact_proxy LOGIN IN ROLE tact_relay")
        server = self.primary(name, **settings)
        where = (";" if max(map(len, pairs)) > 1 else ",").join(
            "host=%s port=%s dbname=tact%s" % (",".join([self.dir] * len(pair)), ",".join(str(one.port) for one in pair),
                                               " target_session_attrs=read-write" if len(pair) > 1 else "") for pair in pairs)
        server.tool("psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-v", "servers=" + where, "-v", "login=tact_proxy",
                    "-f", SOURCE + "/contrib/postgresql/plproxy.sql")
        server.sql("CREATE ROLE relay LOGIN IN ROLE tact_relay")
        return server

    def standby(self, name, primary, **settings):
        """One that follows; its name is the one in synchronous_standby_names."""
        server = Server(self, name)
        self.run("pg_basebackup", "-D", server.data, "-h", self.dir, "-p", str(primary.port), "-U", "postgres", "-c", "fast", "-N", "-X", "stream")
        server.configure(primary_conninfo="'host=%s port=%d user=postgres application_name=%s'" % (self.dir, primary.port, name), **settings)
        with open(os.path.join(server.data, "standby.signal"), "wb"):
            pass
        if self.user:
            os.chown(os.path.join(server.data, "standby.signal"), *self.user)
        return server.start()


class Drive:
    """A process that uses the store; see drive.c."""

    def __init__(self, url, env=None, user=None):
        self.process = subprocess.Popen([BUILD + "/tests/store/drive", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, user=user,
                                        env=dict(os.environ, **(env or {})))
        self.greeting = self.process.stdout.readline().decode().strip()

    def send(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()

    def answer(self):
        return self.process.stdout.readline().decode().strip()

    def ask(self, command):
        self.send(command)
        return self.answer()

    def result(self, command):
        """The first word of the answer."""
        return self.ask(command).split()[0]

    def close(self):
        self.process.stdin.close()
        status = self.process.wait(60 * PATIENCE)
        self.process.stdout.close()
        return status

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def has_pooler():
    return os.path.exists("/usr/sbin/pgbouncer")


def skip_without_servers():
    if not bindir() or not os.path.exists(os.path.join(bindir(), "../lib/plproxy.so")):
        print("skipped: no PostgreSQL server is installed (Debian: postgresql-15 postgresql-15-plproxy)")
        sys.exit(77)

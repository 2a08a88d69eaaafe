# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""What an admin sets up around the postgres engine: TLS, passwords, several hosts, a pooler, roles, an upgrade. Real servers, real certificates."""

import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from servers import BUILD, PATIENCE, Drive, Pooler, Servers, has_pooler, skip_without_servers, wait_for

SOURCE = os.environ.get("TACT_SOURCE", ".")
PASSWORD = "Sesam-0effne-d1ch"  # must not be seen anywhere
CONFIG = """\
# A comment.
store = "%(url)s"
audit = "%(dir)s/audit"
key_file = "%(dir)s/key"
host = "relay.test"
user = "%(user)s"
socket_group = ""
log = stderr
listener "smtp" { socket = "unix:%(dir)s/milter" }
gate_socket = "%(dir)s/gate"
pass_socket = "%(dir)s/pass"
refuse_socket = "%(dir)s/refuse"
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Authority:
    """Signs certificates below a folder."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=%s" % name,
                     "-keyout", self.path("key"), "-out", self.path("crt"))

    def path(self, ending, name=None):
        return os.path.join(self.folder, "%s.%s" % (name or self.name, ending))

    @staticmethod
    def openssl(*words):
        done = subprocess.run(["openssl"] + list(words), capture_output=True, timeout=60 * PATIENCE, check=False)
        if done.returncode != 0:
            raise AssertionError("openssl %s: %s" % (" ".join(words), done.stderr.decode()))

    def sign(self, name, days=2):
        """A key and a certificate for the host name; their paths. It has expired where DAYS are below zero."""
        with open(self.path("ext", name), "w", encoding="utf-8") as file:
            file.write("subjectAltName=DNS:%s\n" % name)
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=%s" % name,
                     "-keyout", self.path("key", name), "-out", self.path("csr", name))
        self.openssl("x509", "-req", "-in", self.path("csr", name), "-CA", self.path("crt"), "-CAkey", self.path("key"), "-set_serial", "1",
                     "-days", str(days), "-extfile", self.path("ext", name), "-out", self.path("crt", name))
        return self.path("key", name), self.path("crt", name)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="tact-setup-")
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        os.chmod(cls.dir, 0o755)
        cls.all = Servers()
        cls.addClassCleanup(cls.all.close)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.dir, name)

    @classmethod
    def write(cls, name, text, mode=0o600):
        path = cls.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def open(self, url, **env):
        """What drive says of the url, and drive."""
        drive = Drive(url, env=dict({"HOME": self.dir}, **env))
        self.addCleanup(drive.kill)
        return drive

    def works(self, url, **env):
        drive = self.open(url, **env)
        self.assertEqual(drive.greeting, "open")
        self.assertEqual(drive.result("look 1 10000"), "ok")
        return drive

    def refuses(self, url, *words, **env):
        drive = self.open(url, **env)
        self.assertTrue(drive.greeting.startswith("closed: "), drive.greeting)
        for word in words:
            self.assertIn(word, drive.greeting)
        self.assertNotIn(PASSWORD, drive.greeting)
        return drive.greeting

    def configure(self, url, user="", name="tact.conf"):
        conf = self.write(name, CONFIG % {"url": url, "dir": self.dir, "user": user}, 0o644)
        if not os.path.exists(self.path("key")):
            self.run_program("tact", "key", "new", self.path("key"))
        return conf

    def run_program(self, program, *words, code=0, env=None):
        done = subprocess.run([BUILD + "/src/" + program] + list(words), capture_output=True, timeout=120 * PATIENCE, check=False,
                              env=dict(os.environ, **dict({"HOME": self.dir}, **(env or {}))))
        said = (done.stdout + done.stderr).decode()
        self.assertEqual(done.returncode, code, "%s %s: %s" % (program, words, said))
        self.assertNotIn(PASSWORD, said)
        return said


class Network(Case):
    """A server that is reached by TCP, with a certificate for db.test, and asks for a password."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.right, cls.wrong = Authority(cls.dir, "right"), Authority(cls.dir, "wrong")
        cls.main = cls.all.store("main")
        cls.main.sql("ALTER ROLE relay PASSWORD '%s'" % PASSWORD)
        cls.show(*cls.right.sign("db.test"))
        with open(os.path.join(cls.main.data, "pg_hba.conf"), "w", encoding="utf-8") as file:
            file.write("local all all trust\nhost tact relay 127.0.0.1/32 scram-sha-256\n")
        cls.main.stop()
        cls.main.port = free_port()
        cls.main.configure(listen_addresses="127.0.0.1", ssl="on")
        cls.main.start()
        cls.ca = cls.right.path("crt")

    @classmethod
    def show(cls, key, certificate):
        """These are the server's."""
        for path, name in ((key, "server.key"), (certificate, "server.crt")):
            copy = os.path.join(cls.main.data, name)
            shutil.copy(path, copy)
            os.chmod(copy, 0o600)
            if cls.all.user:
                os.chown(copy, *cls.all.user)

    def setUp(self):
        self.passfile = self.write("pass", "127.0.0.1:1:*:*:nonsense\n*:%d:tact:relay:%s\n" % (self.main.port, PASSWORD))

    def url(self, host="db.test", words=""):
        return "postgres:host=%s hostaddr=127.0.0.1 port=%d dbname=tact user=relay passfile=%s %s" % (host, self.main.port, self.path("pass"), words)

    def encrypted(self):
        return self.main.sql("SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'tact'")

    def test_verify_full_with_the_right_authority(self):
        drive = self.works(self.url(words="sslmode=verify-full sslrootcert=" + self.ca))
        self.assertEqual(self.encrypted(), "t")
        drive.close()

    def test_another_authority_or_name_is_refused_and_says_what_to_do(self):
        self.refuses(self.url(words="sslmode=verify-full sslrootcert=" + self.wrong.path("crt")), "certificate verify failed", "sslrootcert=")
        self.refuses(self.url("other.test", "sslmode=verify-full sslrootcert=" + self.ca), 'for "db.test" does not match host name "other.test"',
                     "write in host= a name")
        self.refuses(self.url(words="sslmode=verify-full sslrootcert=" + self.ca).replace("host=db.test ", ""), "host name must be specified",
                     "beside hostaddr=")
        self.refuses(self.url(words="sslmode=verify-full sslrootcert=/nowhere/ca"), '"/nowhere/ca" does not exist', "sslrootcert=")

    def test_a_certificate_that_has_expired_is_said_to_be(self):
        """libpq says no more than of one that nobody knows; connections of before go on."""
        url = self.url(words="connections=1 sslrootcert=" + self.ca)
        drive = self.works(url)
        try:
            self.show(*self.right.sign("db.test", days=-1))
            self.main.sql("SELECT pg_reload_conf()")
            wait_for(lambda: self.open(url).greeting != "open", "the server to show the new certificate")
            self.refuses(url, "certificate verify failed", "or has expired", "have it renewed")
            self.assertEqual(drive.result("look 1 10000"), "ok")
        finally:
            self.show(*self.right.sign("db.test"))
            self.main.sql("SELECT pg_reload_conf()")
            wait_for(lambda: self.open(url).greeting == "open", "the server to show one that is valid")

    def test_a_name_that_begins_like_an_address_is_one_elsewhere(self):
        """127.db.test may be anybody."""
        self.refuses(self.url("127.db.test"), "root.crt")
        self.works(self.url("127.0.0.1"))

    def test_a_login_whose_password_has_expired(self):
        self.main.sql("ALTER ROLE relay VALID UNTIL '2020-01-01'")
        try:
            self.refuses(self.url(words="sslrootcert=" + self.ca), "password authentication failed", "VALID UNTIL")
        finally:
            self.main.sql("ALTER ROLE relay VALID UNTIL 'infinity'")

    def test_where_nothing_is_said_a_server_elsewhere_must_show_who_it_is(self):
        """libpq's own default, prefer, would take any server and any that stands between."""
        self.refuses(self.url(), "root certificate file", "sslrootcert=")
        self.refuses(self.url("other.test", "sslrootcert=" + self.ca), "does not match")
        self.refuses(self.url("other.test", "sslmode=prefer sslrootcert=" + self.ca), "does not match")
        self.refuses(self.url("other.test", "sslrootcert=" + self.ca), "does not match", PGSSLMODE="prefer")
        self.works(self.url(words="sslrootcert=" + self.ca))

    def test_less_must_be_asked_for(self):
        self.works(self.url("other.test", "sslmode=require"))
        drive = self.works(self.url("other.test", "sslmode=disable"))
        self.assertIn("f", self.encrypted())
        drive.close()
        self.works(self.url("other.test"), PGSSLMODE="require")
        local = "postgres:host=127.0.0.1 port=%d dbname=tact user=relay passfile=%s" % (self.main.port, self.passfile)
        self.works(local)
        self.works(local.replace("127.0.0.1", "localhost"))

    def test_a_server_without_tls(self):
        self.main.sql("ALTER SYSTEM SET ssl = off")
        self.main.sql("SELECT pg_reload_conf()")
        try:
            wait_for(lambda: "does not support SSL" in self.open(self.url(words="sslrootcert=" + self.ca)).greeting, "TLS to be off")
            self.refuses(self.url(words="sslrootcert=" + self.ca), "turn on ssl in its postgresql.conf")
            self.works(self.url(words="sslmode=disable"))
        finally:
            self.main.sql("ALTER SYSTEM SET ssl = on")
            self.main.sql("SELECT pg_reload_conf()")
        wait_for(lambda: self.open(self.url(words="sslrootcert=" + self.ca)).greeting == "open", "TLS to be back")

    def test_a_passfile_that_does_not_do_says_why(self):
        safe = "sslrootcert=" + self.ca
        self.works(self.url(words=safe))
        for mode in (0o604, 0o640):
            os.chmod(self.passfile, mode)
            self.refuses(self.url(words=safe), "no password supplied", "others may read " + self.passfile, "chmod 600")
        self.write("pass", "db.test:*:other:relay:%s\n" % PASSWORD)
        self.refuses(self.url(words=safe), self.passfile + " has no line HOST:PORT:DATABASE:LOGIN:PASSWORD")
        self.write("pass", "db.test:*:tact:relay:%sx\n" % PASSWORD)
        self.refuses(self.url(words=safe), "password authentication failed", "not the login's")
        os.unlink(self.passfile)
        self.refuses(self.url(words=safe), self.passfile + ": No such file")
        self.assertNotIn(PASSWORD, self.main.last_words())

    @unittest.skipIf(os.geteuid() != 0, "needs root to become somebody else")
    def test_a_passfile_of_somebody_else_says_whose_it_must_be(self):
        os.chmod(self.ca, 0o644)
        drive = Drive(self.url(words="sslrootcert=" + self.ca), env={"HOME": self.dir}, user="nobody")
        self.addCleanup(drive.kill)
        self.assertIn("chown it to the user of tact", drive.greeting)

    @unittest.skipIf(os.geteuid() != 0, "needs root to become somebody else")
    def test_what_stands_at_home_is_that_of_the_user_of_tact(self):
        """libpq looks for certificates and services at home; root's home may not be entered by whom root has become."""
        home = self.path("root")
        os.makedirs(home + "/.postgresql", exist_ok=True)
        os.chmod(home, 0o700)
        conf = self.configure(self.url(words="sslrootcert=" + self.ca), user="nobody")
        os.chown(self.passfile, *self.all.user)
        self.assertIn("damaged: 0", self.run_program("tact", "-c", conf, "store", "stats", env={"HOME": home}))

    def test_a_service_file_holds_it_all(self):
        def service(*words):
            return self.write("services", "[tact]\nhost=db.test\nhostaddr=127.0.0.1\nport=%d\ndbname=tact\nuser=relay\npassword=%s\n%s\n" %
                              (self.main.port, PASSWORD, "\n".join(words)))

        path = service("sslrootcert=" + self.ca)
        self.works("postgres:service=tact", PGSERVICEFILE=path)
        self.works("postgres:service=tact connections=1", PGSERVICEFILE=path)
        self.refuses("postgres:service=other", 'definition of service "other" not found', "PGSERVICEFILE", PGSERVICEFILE=path)
        self.refuses("postgres:service=tact", "service", PGSERVICEFILE="/nowhere/services")
        self.refuses("postgres:service=tact", "root certificate file", PGSERVICEFILE=service())
        self.works("postgres:service=tact", PGSERVICEFILE=service("sslmode=require"))
        self.refuses("postgres:service=tact", "sslmode", PGSERVICEFILE=service("sslmode=never"))
        self.works("postgres:service=tact host=db.test sslrootcert=" + self.ca, PGSERVICEFILE=service("sslmode=verify-full"))
        os.rename(service("sslrootcert=" + self.ca), self.path(".pg_service.conf"))
        self.addCleanup(os.unlink, self.path(".pg_service.conf"))
        self.works("postgres:service=tact")

    def test_the_password_is_seen_nowhere(self):
        conf = self.configure(self.url(words="sslrootcert=" + self.ca))
        self.run_program("tact", "-c", conf, "suppress", "ann@example.com", "--reason", "unsubscribe")
        self.run_program("tact", "-c", conf, "store", "check")
        self.run_program("tact", "-c", conf, "check", "--no-postfix")
        self.run_program("tactd", "-T", "-c", conf)
        log = self.path("tactd.log")
        with open(log, "wb") as file:
            tactd = subprocess.Popen([BUILD + "/src/tactd", "-f", "-c", conf], stdout=file, stderr=file, env=dict(os.environ, HOME=self.dir))
        self.addCleanup(lambda: tactd.poll() is None and tactd.kill())
        wait_for(lambda: os.path.exists(self.path("milter")) and os.path.exists(self.path("gate")), lambda: "tactd to be ready: " + self.text(log))
        said = subprocess.run(["ps", "axwwe"], capture_output=True, check=True).stdout
        self.assertIn(conf.encode(), said)
        self.assertNotIn(PASSWORD.encode(), said)
        tactd.send_signal(signal.SIGTERM)
        self.assertEqual(tactd.wait(60 * PATIENCE), 0, self.text(log))
        for path in glob.glob(self.dir + "/audit/**", recursive=True) + [log, conf]:
            if os.path.isfile(path):
                self.assertNotIn(PASSWORD, self.text(path), path)
        self.write("pass", "nothing\n")
        self.assertIn("HOST:PORT:DATABASE:LOGIN:PASSWORD", self.run_program("tactd", "-f", "-c", conf, code=75))

    @staticmethod
    def text(path):
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def test_a_daemon_that_may_not_start_says_what_to_do(self):
        conf = self.configure(self.url(words="sslrootcert=" + self.wrong.path("crt")))
        said = self.run_program("tactd", "-f", "-c", conf, code=75)
        self.assertRegex(said, r"(?m)^.*certificate verify failed.*name the right file")
        said = self.run_program("tact", "-c", conf, "check", "--no-postfix", code=78)
        self.assertRegex(said, r"(?m)^error: .*certificate verify failed.*name the right file")

    def test_mistakes_of_the_url_are_named_with_file_and_line(self):
        for words, mistake in (("sslmode=verify_full", "sslmode=verify_full"), ("password=" + PASSWORD, "passfile="), ("pasfile=/x", '"pasfile"'),
                               ("port=http", "port=http"), ("connections=0", "connections=0")):
            conf = self.configure("postgres:host=db.test dbname=tact " + words)
            for program, *verb in (("tact", "-c", conf, "check"), ("tactd", "-n", "-c", conf)):
                said = self.run_program(program, *verb, code=78)
                self.assertRegex(said, r"(?m)%s:2: store: .*%s" % (re.escape(conf), re.escape(mistake)))


class TwoHosts(Case):
    def test_the_first_that_only_reads_is_passed_over(self):
        main = self.all.store("main")
        standby = self.all.standby("one", main)
        hosts = "host=%s,%s" % (self.all.dir, self.all.dir)
        drive = self.works("postgres:%s port=%d,%d dbname=tact user=relay" % (hosts, standby.port, main.port))
        self.assertEqual(len(standby.backends()), 0)
        self.assertGreaterEqual(len(main.backends()), 1)
        drive.close()
        self.refuses("postgres:%s port=%d,%d dbname=tact user=relay" % (hosts, standby.port, standby.port), "read-only", "promote a standby")


class Roles(Case):
    """A login of each role does its work, with the programs and by hand, and nothing else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.main = cls.all.primary("main")
        cls.write("list", "person1@example.com\nperson2@example.com\n")

    def setUp(self):
        self.owner = self.configure("postgres:" + self.main.conninfo("tact"), name="owner.conf")
        if self.main.sql("SELECT to_regrole('tact_relay')") == "":
            self.run_program("tact", "-c", self.owner, "store", "init")
            self.main.sql("CREATE ROLE relay LOGIN IN ROLE tact_relay; CREATE ROLE web LOGIN IN ROLE tact_web;"
                          "CREATE ROLE reader LOGIN IN ROLE tact_reader")
            self.as_login("relay", "import", "--plain", self.path("list"))

    def as_login(self, login, *verb, code=0):
        conf = self.configure("postgres:" + self.main.conninfo(login), name=login + ".conf")
        return self.run_program("tact", "-c", conf, *verb, code=code)

    def refused(self, login, *verb):
        said = self.as_login(login, *verb, code=75)
        self.assertRegex(said, "permission denied|only tact_relay may|reads no reviews")

    def test_a_relay_does_all_that_tact_does(self):
        for verb in (("show", "person1@example.com"), ("suppress", "person3@example.com", "--reason", "unsubscribe"), ("store", "check"),
                     ("store", "stats"), ("store", "sweep"), ("report", "pressure"), ("quarantine", "list"), ("export",)):
            self.as_login("relay", *verb)

    def test_the_web_works_with_one_person_at_a_time(self):
        self.as_login("web", "suppress", "person2@example.com", "--reason", "unsubscribe")
        self.assertIn("suppressions: 2", self.as_login("web", "show", "person2@example.com"))
        for verb in (("report", "pressure"), ("export",), ("store", "stats")):
            self.refused("web", *verb)

    def test_a_reader_reads_dossiers_and_no_mail(self):
        self.assertIn("suppressions: 1", self.as_login("reader", "show", "person1@example.com"))
        for verb in (("report", "pressure"), ("export",)):
            self.as_login("reader", *verb)
        for verb in (("suppress", "person1@example.com", "--reason", "unsubscribe"), ("quarantine", "list"),
                     ("profile", "person1@example.com", "--zone", "Europe/London")):
            self.refused("reader", *verb)

    def test_nobody_gets_behind_the_functions(self):
        self.main.sql("CREATE ROLE stranger LOGIN")
        for login in ("relay", "web", "reader", "stranger"):
            for text in ("SELECT 1 FROM tact.tact_record", "SELECT 1 FROM tact.tact_meta", "DELETE FROM tact.tact_record", "TRUNCATE tact.tact_record",
                         "DROP TABLE tact.tact_record", "ALTER TABLE tact.tact_record DISABLE TRIGGER ALL", "CREATE INDEX ON tact.tact_record (bytes)",
                         "INSERT INTO tact.tact_meta VALUES ('identity', 'x')", "COPY tact.tact_record TO STDOUT", "BEGIN; LOCK tact.tact_record",
                         "CREATE TABLE tact.own ()", "CREATE TABLE public.own ()", "DROP FUNCTION tact.tact_now()", "DROP SCHEMA tact CASCADE",
                         "CREATE OR REPLACE FUNCTION tact.tact_schema() RETURNS integer LANGUAGE sql AS 'SELECT 2'", "CREATE ROLE other",
                         "GRANT tact_relay TO stranger", "SET ROLE tact", "DROP DATABASE tact"):
                done = self.main.tool("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", login, "-c", text, check=False)
                self.assertNotEqual(done.returncode, 0, "%s: %s" % (login, text))
                self.assertRegex(done.stderr.decode(), "permission denied|must be owner|must have admin|must be superuser", "%s: %s" % (login, text))
        self.assertGreaterEqual(int(self.main.sql("SELECT count(*) FROM tact.tact_record")), 2)

    def test_a_function_of_a_logins_own_is_not_taken_for_the_servers(self):
        """Ours run with the owner's rights: what they call must not be found in a place where others write."""
        shadow = ("CREATE FUNCTION pg_temp.pg_has_role(name, text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';"
                  "CREATE FUNCTION pg_temp.cardinality(smallint[]) RETURNS integer LANGUAGE sql AS 'SELECT 1/0';"
                  "CREATE TABLE pg_temp.tact_record (kind smallint, id bytea, version bigint, wake bigint, bytes bytea);"
                  "SET search_path = pg_temp, pg_catalog;")
        done = self.main.tool("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "web", check=False, stdin=(
            shadow + "SELECT * FROM tact.tact_commit('{1}', ARRAY['\\x00112233445566778899aabbccddeeff'::bytea], '{1}', '{-1}', '{0}', '{\"\"}')").encode())
        self.assertIn(b"only tact_relay may remove records", done.stderr)
        done = self.main.tool("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "reader", check=False,
                              stdin=(shadow + "SELECT count(*) FROM tact.tact_scan(3::smallint, '', 10)").encode())
        self.assertIn(b"tact_reader reads no reviews", done.stderr)

    def test_what_a_login_lacks_is_said(self):
        """Also by a verb that finds its database again, but has no connection left to ask it with."""
        self.addCleanup(self.main.sql, "ALTER ROLE relay CONNECTION LIMIT -1; ALTER ROLE relay RESET ALL")
        for what, words in (("CONNECTION LIMIT 0", "too many connections.*raise CONNECTION LIMIT"), ("CONNECTION LIMIT 1", "too many connections.*raise"),
                            ("CONNECTION LIMIT -1 PASSWORD NULL; ALTER ROLE relay SET statement_timeout = '1ms'", "statement timeout")):
            with self.subTest(what):
                self.main.sql("ALTER ROLE relay " + what)
                self.assertRegex(self.as_login("relay", "suppress", "person4@example.com", "--reason", "unsubscribe", code=75), words)

    def test_an_upgrade_holds_up_no_relay(self):
        drive = self.works(self.main.url())
        for _ in range(3):
            drive.send("many 8 400 500 64 20000")
            for _ in range(3):
                self.assertIn("upgraded", self.run_program("tact", "-c", self.owner, "store", "upgrade"))
            said = drive.answer()
            self.assertIn("ok=3200 unavailable=0 uncertain=0", said)
            self.assertLess(int(said.split("slowest_ms=")[1].split()[0]), 2000 * PATIENCE, said)
        programs = [subprocess.Popen([BUILD + "/src/tact", "-c", self.owner, "store", "upgrade"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                    for _ in range(4)]
        for program in programs:
            said = program.communicate(timeout=60 * PATIENCE)[0]
            self.assertEqual(program.returncode, 0, said)

    def test_an_upgrade_that_would_hold_up_relays_gives_up(self):
        """Behind a lock that is waited for, every relay would wait."""
        holder = subprocess.Popen(["psql", "-XAtq", "-h", self.all.dir, "-p", str(self.main.port), "-U", "postgres", "tact"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(holder.stdout.close)
        holder.stdin.write(b"DROP INDEX tact.tact_due;\nBEGIN; LOCK tact.tact_record IN ROW EXCLUSIVE MODE; SELECT 1;\n")
        holder.stdin.flush()
        holder.stdout.readline()
        said = self.run_program("tact", "-c", self.owner, "store", "upgrade", code=71)
        self.assertIn("lock timeout", said)
        holder.stdin.close()
        holder.wait(30)
        self.run_program("tact", "-c", self.owner, "store", "upgrade")
        self.assertEqual(self.main.sql("SELECT count(*) FROM pg_indexes WHERE indexname = 'tact_due'"), "1")


@unittest.skipUnless(has_pooler(), "pgbouncer is not installed")
class ForgetfulWay:
    """Passes on; from forget() on, connections of before are silent for ever, as behind a firewall that was started anew. New ones are not."""

    def __init__(self, path):
        self.path = path
        self.forgot = 0.0
        self.over = threading.Event()
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        self.start(self.accept)

    @staticmethod
    def start(target, *args):
        threading.Thread(target=target, args=args, daemon=True).start()

    def forget(self):
        self.forgot = time.monotonic()

    def accept(self):
        while True:
            try:
                client, _ = self.door.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.path)
            for pair in ((client, server), (server, client)):
                self.start(self.copy, time.monotonic(), *pair)

    def copy(self, born, source, target):
        try:
            while data := source.recv(65536):
                if born < self.forgot:
                    self.over.wait()
                target.sendall(data)
        except OSError:
            pass
        if born < self.forgot:
            self.over.wait()
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.over.set()
        self.door.close()


class TransactionPooler(Case):
    """A real one between: each transaction may be another connection's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.main = cls.all.store("main")

    def pooler(self, where=None, **settings):
        pooler = Pooler(self.all, self.main, where, **settings).start()
        self.addCleanup(pooler.stop)
        return pooler

    def test_the_contract_of_every_engine_holds_through_it(self):
        pooler = self.pooler()
        for words in ("", " prepared=no connections=8"):
            got = subprocess.run([BUILD + "/tests/store/contract"], env=dict(os.environ, TACT_STORE_URL=pooler.url(words)), capture_output=True,
                                 timeout=300 * PATIENCE, check=False)
            self.assertEqual(got.returncode, 0, got.stdout.decode() + got.stderr.decode() + pooler.last_words())

    def test_many_programs_share_few_backends(self):
        pooler = self.pooler(default_pool_size="2")
        drives = [self.works(pooler.url(" connections=8")) for _ in range(3)]
        for drive in drives:
            drive.send("many 16 40 1000 32 30000")
        for drive in drives:
            self.assertIn("ok=640 unavailable=0 uncertain=0", drive.answer())
        self.assertLessEqual(len(self.main.backends()), 2)
        numbers = [int(drives[0].ask("read %d 10000" % key).split()[2]) for key in range(1000, 1032)]
        self.assertEqual(sum(numbers), 3 * 640)

    def test_statements_prepared_all_the_same_are_named_as_the_mistake(self):
        pooler = self.pooler(default_pool_size="1")
        drive = self.open(pooler.url(" prepared=yes"))
        said = drive.greeting
        if said == "open":
            self.assertEqual(drive.result("count 2000 10000"), "unavailable")
            said = drive.ask("error")
        self.assertRegex(said, "prepared statement .*: a pooler hands out transactions: add prepared=no")
        self.works(pooler.url())

    def test_what_is_said_beside_an_answer_comes_through(self):
        """A cancelled wait for a standby is told by a WARNING only; without it a commit that may be lost would be taken for one that cannot."""
        pooler = self.pooler()
        drive = self.works(pooler.url())
        self.main.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        self.main.sql("SELECT pg_reload_conf()")
        waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        try:
            wait_for(lambda: self.main.sql("SHOW synchronous_standby_names") == "nobody", "the new settings")
            self.main.sql("CHECKPOINT")
            self.main.sql("CHECKPOINT")
            drive.send("count 3000 20000")
            wait_for(lambda: self.main.sql("SELECT count(*) " + waiting) != "0", "a backend that waits for a standby")
            self.main.sql("SELECT pg_cancel_backend(pid) " + waiting)
            self.assertEqual(drive.answer().split()[0], "uncertain")
        finally:
            self.main.sql("ALTER SYSTEM RESET synchronous_standby_names")
            self.main.sql("SELECT pg_reload_conf()")
        wait_for(lambda: drive.result("count 3000 3000") == "ok", "the record to be written again")

    def test_a_pooler_that_was_restarted_is_found_again(self):
        pooler = self.pooler()
        drive = self.works(pooler.url())
        pooler.stop()
        self.assertIn(drive.result("count 4000 2000"), ("unavailable", "uncertain"))
        pooler.start()
        wait_for(lambda: drive.result("count 4000 2000") == "ok", "the pooler to be found again")

    def test_a_way_that_two_ask_over_when_it_is_lost_is_found_again(self):
        """Neither of them has asked again."""
        way = ForgetfulWay("%s/.s.PGSQL.%d" % (self.all.dir, self.main.port))
        self.addCleanup(way.close)
        pooler = self.pooler("host=127.0.0.1 port=%d" % way.port)
        drive = self.works(pooler.url())
        for _ in range(5):  # until each has a connection
            self.assertEqual(drive.ask("both 0"), "ok ok")
        way.forget()
        self.assertEqual(drive.ask("both 0"), "unavailable unavailable")
        wait_for(lambda: drive.result("due 0") == "ok", "what is due to be told again")
        pooler.stop()
        way.close()

    def test_a_way_that_is_lost_in_silence_is_found_again(self):
        """The pooler waits for an answer that nobody will give, for hours where TCP is left to itself, and so would who asked; mail and all else
        go on over new connections."""
        way = ForgetfulWay("%s/.s.PGSQL.%d" % (self.all.dir, self.main.port))
        self.addCleanup(way.close)
        pooler = self.pooler("host=127.0.0.1 port=%d" % way.port)
        drive = self.works(pooler.url())
        self.assertEqual([drive.result(command) for command in ("count 5000 5000", "read 5000 5000", "due 0")], ["ok"] * 3)
        way.forget()
        self.assertEqual(drive.result("due 0"), "unavailable")
        for command in ("due 0", "count 5000 3000", "read 5000 3000", "scan 0"):
            wait_for(lambda: drive.result(command) == "ok", command + " to be answered again")
        self.assertLessEqual(len(self.main.backends()), 12)
        pooler.stop()
        way.close()
        wait_for(lambda: not self.main.backends(), "the backends of before to end")


if __name__ == "__main__":
    skip_without_servers()
    unittest.main(verbosity=2)

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""The postgres engine against real servers: the contract of every engine, and what was seen of PostgreSQL and binds us (DESIGN, store)."""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import guide
from servers import BUILD, PATIENCE, SOURCE, Drive, Servers, skip_without_servers, wait_for


def figures(text):
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", text)}


class BreakingProxy:
    """Passes on, but hangs up instead when the next requests come on connections of before."""

    def __init__(self, path):
        self.path = path
        self.left = self.broken = 0
        self.before = 0.0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.start(self.accept)

    @staticmethod
    def start(target, *args):
        threading.Thread(target=target, args=args, daemon=True).start()

    def break_next(self, count):
        self.before, self.left, self.broken = time.monotonic(), count, 0

    def accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            self.start(self.serve, client)

    def serve(self, client):
        born = time.monotonic()
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self.path)
            self.start(self.answer, server, client)
            try:
                while data := client.recv(65536):
                    if self.left and born < self.before:
                        self.left -= 1
                        self.broken += 1
                        break
                    server.sendall(data)
            except OSError:
                pass
            client.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def answer(server, client):
        try:
            while data := server.recv(65536):
                client.sendall(data)
        except OSError:
            pass

    def close(self):
        self.socket.close()


class Case(unittest.TestCase):
    def servers(self):
        servers = Servers()
        self.addCleanup(servers.close)
        return servers

    def drive(self, url):
        drive = Drive(url)
        self.addCleanup(drive.kill)
        self.assertEqual(drive.greeting, "open")
        return drive

    def lock_identity(self):
        """A session that holds it; what writes it waits."""
        lock = subprocess.Popen(["psql", "-XAtq", "-h", self.main.servers.dir, "-p", str(self.main.port), "-U", "postgres", "tact"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(lock.stdout.close)
        lock.stdin.write(b"BEGIN; SELECT 1 FROM tact.tact_meta WHERE name = 'identity' FOR UPDATE;\n")
        lock.stdin.flush()
        lock.stdout.readline()
        return lock


class OneServer(Case):
    """What one server shows; each test has keys of its own."""

    @classmethod
    def setUpClass(cls):
        cls.all = Servers()
        cls.addClassCleanup(cls.all.close)
        cls.main = cls.all.store("main")

    def test_the_contract_of_every_engine(self):
        for words in ("", " prepared=no connections=1"):
            got = subprocess.run([BUILD + "/tests/store/contract"], env=dict(os.environ, TACT_STORE_URL=self.main.url(words)),
                                 capture_output=True, timeout=300 * PATIENCE, check=False)
            self.assertEqual(got.returncode, 0, got.stdout.decode() + got.stderr.decode() + self.main.last_words())

    def simulate(self, *words):
        began = time.monotonic()
        got = subprocess.run([BUILD + "/tests/simulation/simulation", *words], capture_output=True, timeout=300 * PATIENCE, check=False)
        self.assertEqual(got.returncode, 0, got.stdout.decode() + got.stderr.decode())
        print(f"simulation {' '.join(words[:4])}: {time.monotonic() - began:.0f} s")
        return got.stdout.decode()

    def test_the_seeded_simulation_of_the_policy(self):
        self.assertRegex(self.simulate("--count", "10", "--engine", self.main.url()), r"10 seeds: [0-9]{4,} mails")

    def test_the_simulation_with_deciders_that_ask_at_once(self):
        got = self.simulate("--count", "24", "--threads", "4", "--engine", self.main.url(" connections=4"))
        self.assertRegex(got, r"24 seeds: [0-9]{4,} mails")

    def test_messages_at_work_together_share_commits(self):
        drive = self.drive(self.main.url(" connections=2"))
        before = int(drive.ask("commits"))
        got = figures(drive.ask("many 64 20 1000 64 20000"))
        commits = int(drive.ask("commits")) - before
        self.assertEqual((got["ok"], got["unavailable"], got["uncertain"]), (1280, 0, 0))
        share = 2 if os.environ.get("TACT_SANITIZED") else 4  # a program that is slowed down has fewer at work at a time
        self.assertLess(commits, 1280 / share, "64 threads at work together need far fewer commits than changes")

    def test_a_hot_key_is_counted_in_memory_and_not_raced_for(self):
        """Compare-and-set on one row falls from 3,360 commits/s with one client to 501 with 32; here they share commits instead."""
        drive = self.drive(self.main.url())
        before = int(drive.ask("commits"))
        got = figures(drive.ask("many 32 40 2000 1 20000"))
        commits = int(drive.ask("commits")) - before
        self.assertEqual((got["ok"], got["unavailable"], got["uncertain"]), (1280, 0, 0))
        self.assertEqual(drive.ask("read 2000 5000").split()[2], "1280")
        self.assertLess(commits, 1280 / 4)

    def test_two_programs_lose_no_change_of_one_key(self):
        first, second = self.drive(self.main.url()), self.drive(self.main.url())
        for drive in (first, second):
            drive.send("many 16 25 3000 3 30000")
        for drive in (first, second):
            self.assertEqual(figures(drive.answer())["ok"], 400)
        numbers = [int(first.ask("read %d 5000" % key).split()[2]) for key in (3000, 3001, 3002)]
        self.assertEqual(sum(numbers), 800)

    def test_connections_are_bounded(self):
        drive = self.drive(self.main.url(" connections=3"))
        drive.ask("many 64 10 4000 64 20000")
        self.assertLessEqual(len(self.main.backends()), 3 + 2 + 1)

    def test_a_connection_that_was_ended_is_made_anew(self):
        drive = self.drive(self.main.url(" connections=1"))
        self.assertEqual(drive.result("count 5000 5000"), "ok")
        self.main.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tact'")
        wait_for(lambda: not self.main.backends(), "the backends to end")
        self.assertEqual(drive.result("count 5000 5000"), "ok")
        self.assertEqual(drive.ask("read 5000 5000").split()[2], "2")

    def test_a_connection_that_is_lost_costs_no_key_of_a_call(self):
        """It breaks once the question was asked: each key is asked again by a new one."""
        proxy = BreakingProxy(os.path.join(self.main.servers.dir, ".s.PGSQL.%d" % self.main.port))
        self.addCleanup(proxy.close)
        drive = self.drive(self.main.url(" connections=1").replace(self.main.servers.dir, "127.0.0.1").replace(
            "port=%d" % self.main.port, "port=%d" % proxy.port))
        self.assertEqual(drive.ask("several 5100 4 5000"), "ok ok ok ok")
        said = drive.ask("error")
        proxy.break_next(1)
        self.assertEqual(drive.ask("several 5100 4 5000"), "ok ok ok ok")
        self.assertEqual(proxy.broken, 1)
        self.assertEqual(drive.ask("error"), said, "who was answered all the same is told of nothing")
        self.assertEqual([drive.ask("read %d 5000" % n).split()[2] for n in range(5100, 5104)], ["2"] * 4)

    def test_an_idle_connection_that_was_ended_fails_no_question(self):
        """Its server says why, and hangs up behind that."""
        drive = self.drive(self.main.url())
        want = drive.ask("parts")
        self.main.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tact'")
        wait_for(lambda: not self.main.backends(), "the backends to end")
        self.assertEqual(drive.ask("parts"), want)

    def test_a_record_that_is_locked_costs_its_own_key_only(self):
        drive = self.drive(self.main.url(" connections=2"))
        for key in (6000, 6001):
            self.assertEqual(drive.result("count %d 5000" % key), "ok")
        lock = subprocess.Popen(["psql", "-XAtq", "-h", self.all.dir, "-p", str(self.main.port), "-U", "postgres", "tact"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(lock.stdout.close)
        lock.stdin.write(b"BEGIN; SELECT 1 FROM tact.tact_record WHERE id = '\\x70170000000000000000000000000000' FOR UPDATE;\n")
        lock.stdin.flush()
        lock.stdout.readline()
        self.assertEqual(drive.result("count 6000 500"), "uncertain")
        wait_for(lambda: drive.result("count 6001 2000") == "ok", "another key to be written")
        lock.stdin.write(b"ROLLBACK;\n")
        lock.stdin.close()
        lock.wait(30)
        wait_for(lambda: drive.result("count 6000 2000") == "ok", "the key to be free again")

    def test_a_record_that_stays_locked_holds_up_no_other(self):
        """Row locks are not waited for as a standby is: a few mails to one recipient do not take all connections."""
        drive = self.drive(self.main.url(" connections=2"))
        for key in (6100, 6101):
            self.assertEqual(drive.result("count %d 5000" % key), "ok")
        lock = subprocess.Popen(["psql", "-XAtq", "-h", self.all.dir, "-p", str(self.main.port), "-U", "postgres", "tact"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(lock.stdout.close)
        lock.stdin.write(b"BEGIN; SELECT 1 FROM tact.tact_record WHERE id = '\\xd4170000000000000000000000000000' FOR UPDATE;\n")
        lock.stdin.flush()
        lock.stdout.readline()
        for _ in range(4):
            self.assertIn(drive.result("count 6100 400"), ("uncertain", "unavailable"))
        wait_for(lambda: drive.result("count 6101 2000") == "ok", "another key to be written", 15)
        self.assertEqual(drive.result("count 6100 5000"), "unavailable", "it is known not to have happened")
        self.assertIn("lock", drive.ask("error"))
        lock.stdin.write(b"ROLLBACK;\n")
        lock.stdin.close()
        lock.wait(30)
        self.assertEqual(drive.result("count 6100 5000"), "ok")

    def test_an_identity_whose_writing_is_broken_off_is_uncertain(self):
        drive = self.drive(self.main.url())
        before = self.main.sql("SELECT value FROM tact.tact_meta WHERE name = 'identity'")
        lock = self.lock_identity()
        drive.send("rename another")
        wait_for(lambda: self.main.sql(BREAK_OFF), "the write to wait")
        self.assertEqual(drive.answer(), "uncertain")
        lock.stdin.write(b"ROLLBACK;\n")
        lock.stdin.close()
        lock.wait(30)
        self.assertEqual(self.main.sql("SELECT value FROM tact.tact_meta WHERE name = 'identity'"), before)
        self.main.sql("REVOKE EXECUTE ON FUNCTION tact.tact_set_identity(text, text) FROM tact_relay")
        self.assertEqual(drive.ask("rename another"), "system", "it may not")
        self.main.sql("GRANT EXECUTE ON FUNCTION tact.tact_set_identity(text, text) TO tact_relay")
        self.assertEqual(drive.ask("rename another"), "ok")
        self.main.sql("UPDATE tact.tact_meta SET value = '' WHERE name = 'identity'")

    def false_commit(self, body):
        """tact_commit does that from now on; the true one is tact_commit_true."""
        words = "(kinds smallint[], ids bytea[], expected bigint[], versions bigint[], wakes bigint[], frames bytea[])"
        types = "(smallint[], bytea[], bigint[], bigint[], bigint[], bytea[])"
        self.main.sql("ALTER FUNCTION tact.tact_commit%s RENAME TO tact_commit_true; CREATE FUNCTION tact.tact_commit%s"
                      " RETURNS TABLE (changed_kind smallint, changed_id bytea, done boolean) LANGUAGE plpgsql SECURITY DEFINER AS"
                      " 'BEGIN %s END'" % (types, words, body.replace("'", "''")))
        self.addCleanup(self.main.sql, "DROP FUNCTION tact.tact_commit%s; ALTER FUNCTION tact.tact_commit_true%s RENAME TO tact_commit" % (
            types, types))

    def test_an_error_that_stands_in_no_table_is_uncertain(self):
        self.main.sql("CREATE TABLE public.state (code text); INSERT INTO public.state VALUES ('')")
        self.addCleanup(self.main.sql, "DROP TABLE public.state")
        self.false_commit("RAISE EXCEPTION USING ERRCODE = (SELECT code FROM public.state), MESSAGE = 'so it is';")
        drive = self.drive(self.main.url())
        for state, want in (
                ("XX000", "uncertain"), ("08006", "uncertain"), ("57014", "uncertain"), ("57P01", "uncertain"), ("58030", "uncertain"),
                ("53200", "uncertain"), ("40003", "uncertain"), ("0A000", "uncertain"), ("P0001", "uncertain"), ("99999", "uncertain"),
                ("23514", "unavailable"), ("22003", "unavailable"), ("42501", "unavailable"), ("53100", "unavailable"),
                ("55P03", "unavailable"), ("25006", "unavailable"), ("57P03", "unavailable")):
            self.main.sql("UPDATE public.state SET code = '%s'" % state)
            self.assertEqual(drive.result("count 8400 5000"), want, state)
            self.assertIn("so it is", drive.ask("error"), state)
        self.assertEqual(drive.ask("read 8400 5000").split()[2], "0")

    def test_a_conflict_is_tried_again_at_once(self):
        for state in ("40001", "40P01"):
            self.main.sql("CREATE SEQUENCE public.tries")
            self.false_commit("IF nextval('public.tries') < 4 THEN RAISE EXCEPTION USING ERRCODE = '%s'; END IF;"
                              " RETURN QUERY SELECT * FROM tact.tact_commit_true(kinds, ids, expected, versions, wakes, frames);" % state)
            drive = self.drive(self.main.url())
            self.assertEqual(drive.result("count 8401 5000"), "ok", state)
            self.assertEqual(self.main.sql("SELECT last_value FROM public.tries"), "4", state)
            self.doCleanups()
            self.main.sql("DROP SEQUENCE public.tries")

    def test_an_answer_without_its_keys_acknowledges_nothing(self):
        self.false_commit("PERFORM tact.tact_commit_true(kinds, ids, expected, versions, wakes, frames);")
        drive = self.drive(self.main.url())
        self.assertEqual(drive.result("count 8402 5000"), "uncertain")
        self.assertEqual(drive.result("look 8402 5000"), "unavailable")

    def slow_load(self, seconds):
        """Every load takes that long from now on, after it has read."""
        self.main.sql("ALTER FUNCTION tact.tact_load(smallint[], bytea[]) RENAME TO tact_load_fast;"
                      "CREATE FUNCTION tact.tact_load(kinds smallint[], ids bytea[])"
                      " RETURNS TABLE (found_kind smallint, found_id bytea, found_version bigint, found_bytes bytea, now_us bigint)"
                      " LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN QUERY SELECT * FROM tact.tact_load_fast(kinds, ids);"
                      " PERFORM pg_sleep(%g); END'" % seconds)
        self.addCleanup(self.main.sql, "DROP FUNCTION tact.tact_load(smallint[], bytea[]);"
                        "ALTER FUNCTION tact.tact_load_fast(smallint[], bytea[]) RENAME TO tact_load")

    def test_a_caller_with_little_time_says_nothing_about_the_database(self):
        self.slow_load(0.1)
        drive = self.drive(self.main.url(" connections=1"))
        self.assertEqual(drive.result("count 8100 5000"), "ok")
        self.assertEqual(drive.result("count 8100 40"), "unavailable")
        self.assertEqual(drive.result("count 8101 5000"), "ok", "others go on")

    def test_a_slow_answer_puts_no_clock_back(self):
        self.slow_load(3)
        drive = self.drive(self.main.url())
        self.assertEqual(drive.result("count 8200 10000"), "ok")
        self.assertLess(abs(int(drive.ask("now")) / 1e6 - time.time()), 1, "the database's clock is this machine's here")

    def test_a_group_is_asked_for_without_mail_to_ask_for_it(self):
        """And soon, however many gave up at the same time."""
        drive = self.drive(self.main.url())
        self.assertEqual(drive.result("count 8300 5000"), "ok")
        self.main.sql("ALTER SYSTEM SET log_disconnections = on")
        self.main.stall()
        self.assertEqual(figures(drive.ask("many 40 1 8300 40 400"))["ok"], 0)
        self.main.kill()
        began = os.path.getsize(self.main.log)
        self.main.start()
        wait_for(lambda: "user=relay" in self.main.words_since(began), "a connection that asked and ended")
        self.assertEqual(drive.result("count 8300 2000"), "ok", "the first mail finds the circuit closed")
        self.main.sql("ALTER SYSTEM RESET log_disconnections")

    def test_a_server_that_stands_still_is_answered_for_within_the_deadline(self):
        drive = self.drive(self.main.url())
        for command in ("count 8000 5000", "read 8000 5000"):
            self.assertEqual(drive.result(command), "ok")
        self.main.stall()
        try:
            for command in ("count 8000 400", "read 8000 400"):
                result, took_ms = drive.ask(command).split()[:2]
                self.assertEqual(result, "unavailable", command)
                self.assertLess(int(took_ms), 1500, command)
            took = [int(drive.ask("count 8000 20000").split()[1]) for _ in range(20)]
            self.assertLess(max(took), 1500, "while the circuit is open nobody waits")
        finally:
            self.main.go_on()
        for command in ("count 8000 5000", "read 8000 5000"):
            wait_for(lambda: drive.result(command) == "ok", command)
        self.assertEqual(drive.ask("read 8000 5000").split()[2], "2", "what was unavailable did not happen")

    def test_what_is_not_ready_says_what_to_do(self):
        drive = Drive(self.main.url().replace("dbname=tact", "dbname=postgres"))
        self.assertIn("tact store init", drive.greeting)
        drive.close()
        for setting, words in (("synchronous_commit = off", "synchronous_commit"), ("client_min_messages = error", "client_min_messages")):
            self.main.sql("ALTER ROLE relay SET %s" % setting)
            drive = Drive(self.main.url())
            self.main.sql("ALTER ROLE relay RESET ALL")
            self.assertIn(words, drive.greeting)
            drive.close()

    def test_roles_may_what_they_need(self):
        self.main.sql("CREATE ROLE web LOGIN IN ROLE tact_web; CREATE ROLE reader LOGIN IN ROLE tact_reader; CREATE ROLE nobody LOGIN")
        for role, call, may in (
                ("relay", "tact.tact_commit('{1}', ARRAY['\\x00112233445566778899aabbccddeeff'::bytea], '{0}', '{0}', '{0}', '{\"\"}')", True),
                ("relay", "tact.tact_set_identity('no', 'other')", True),
                ("web", "tact.tact_load('{1}', ARRAY['\\x00112233445566778899aabbccddeeff'::bytea])", True),
                ("web", "tact.tact_scan(1::smallint, '', 10)", False),
                ("web", "tact.tact_set_identity('no', 'other')", False),
                ("web", "tact.tact_commit('{1}', ARRAY['\\x00112233445566778899aabbccddeeff'::bytea], '{1}', '{-1}', '{0}', '{\"\"}')", False),
                ("reader", "tact.tact_scan(1::smallint, '', 10)", True),
                ("web", "tact.tact_fill('{}', '{}', '{}', '{}', '{}')", False),
                ("reader", "tact.tact_commit('{}', '{}', '{}', '{}', '{}', '{}')", False),
                ("nobody", "tact.tact_now()", False)):
            got = self.main.tool("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", role, "-c", "SELECT * FROM " + call, check=False)
            self.assertEqual(got.returncode == 0, may, "%s %s: %s" % (role, call, got.stderr.decode()))
        for role in ("relay", "web", "reader"):
            got = self.main.tool("psql", "-XAtq", "-U", role, "-c", "SELECT count(*) FROM tact.tact_record", check=False)
            self.assertIn(b"permission denied", got.stderr)

    def test_a_record_that_was_meddled_with_is_corrupt_and_no_other(self):
        drive = self.drive(self.main.url())
        for key in (7000, 7001):
            self.assertEqual(drive.result("count %d 5000" % key), "ok")
        self.main.sql("UPDATE tact.tact_record SET bytes = bytes || '\\x00' WHERE id = '\\x581b0000000000000000000000000000'")
        self.assertEqual(drive.result("count 7000 5000"), "corrupt")
        self.assertEqual(drive.result("read 7000 5000"), "corrupt")
        self.assertEqual(drive.result("count 7001 5000"), "ok")
        self.main.sql("DELETE FROM tact.tact_record WHERE id = '\\x581b0000000000000000000000000000'")


    def test_what_a_login_is_shown_of_the_log_stops_no_mail(self):
        """An admin who looks into something has it shown; it says nothing about a commit."""
        self.main.sql("ALTER ROLE relay SET client_min_messages = 'log'; ALTER ROLE relay SET log_duration = on;"
                      "ALTER ROLE relay SET log_statement = 'all'")
        try:
            drive = self.drive(self.main.url())
            commands = ("count 7100 5000", "look 7100 5000", "read 7100 5000", "fill 7110 20 1", "scan 0")
            self.assertEqual([drive.result(command) for command in commands], ["ok"] * 5, drive.ask("error"))
        finally:
            self.main.sql("ALTER ROLE relay RESET ALL")

    def test_an_error_tells_nobody_what_stands_in_a_record(self):
        """In the server's details stands the row, and with it the key to what is sealed about somebody."""
        drive = self.drive(self.main.url())
        self.main.sql("ALTER TABLE tact.tact_record ADD CONSTRAINT none CHECK (id <> '\\xd01b0000000000000000000000000000') NOT VALID")
        try:
            self.assertEqual(drive.result("count 7120 5000"), "unavailable")
            self.assertRegex(drive.ask("error"), r'^the database says 23514 ERROR:  new row for relation "tact_record" violates check constraint "none"$')
        finally:
            self.main.sql("ALTER TABLE tact.tact_record DROP CONSTRAINT none")

    def test_row_level_security_makes_nobody_unknown(self):
        """Where it is forced on the owner, too, a query would not fail but find nothing: all would be taken for people without a wish."""
        drive = self.drive(self.main.url())
        self.assertEqual(drive.result("count 7130 5000"), "ok")
        self.main.sql("ALTER TABLE tact.tact_record ENABLE ROW LEVEL SECURITY")
        commands = ("read 7130 5000", "look 7130 5000", "count 7130 5000", "fill 7131 20 1", "scan 0", "due 0")
        try:
            self.assertEqual([drive.result(command) for command in commands], ["ok"] * 6, "the owner passes")
            self.main.sql("ALTER TABLE tact.tact_record FORCE ROW LEVEL SECURITY")
            self.assertEqual({self.drive(self.main.url()).result(command) for command in commands}, {"unavailable"})
            self.assertIn("row-level security", self.asked(commands[0]))
        finally:
            self.main.sql("ALTER TABLE tact.tact_record NO FORCE ROW LEVEL SECURITY; ALTER TABLE tact.tact_record DISABLE ROW LEVEL SECURITY")

    def asked(self, command):
        """What is said of it by one who asks nothing else."""
        drive = self.drive(self.main.url())
        drive.ask(command)
        return drive.ask("error")


class Damage(Case):
    def test_a_page_that_cannot_be_read_costs_those_on_it_only(self):
        """A batch that one of them is in is tried again, each by itself, and nobody else waits for a sign that the database is there."""
        main = self.servers().store("main")
        drive = self.drive(main.url())
        self.assertEqual(drive.result("fill 0 600 1"), "ok")
        where = "SELECT get_byte(id, 0) + 256 * get_byte(id, 1) FROM tact.tact_record WHERE (ctid::text::point)[0] "
        lost, kept = main.sql(where + "= 2").split(), main.sql(where + "<> 2").split()
        path = "%s/%s" % (main.data, main.sql("SELECT pg_relation_filepath('tact.tact_record')"))
        drive.close()
        main.sql("CHECKPOINT")
        main.stop()
        with open(path, "r+b") as file:
            file.seek(2 * 8192 + 10)
            file.write(b"DAMAGED")  # where its header says what is free
        main.start()
        drive = self.drive(main.url())
        for verb in ("count", "read"):
            self.assertEqual(drive.result("%s %s 5000" % (verb, lost[0])), "corrupt")
            self.assertIn("invalid page", drive.ask("error"))
            self.assertEqual(drive.result("%s %s 5000" % (verb, kept[0])), "ok", "nobody else is put off")
        answers = drive.ask("several 0 600 20000").split()
        self.assertEqual([answers[int(key)] for key in lost], ["corrupt"] * len(lost))
        self.assertEqual([answers[int(key)] for key in kept], ["ok"] * len(kept))


# Ends the session that waits to write the identity; says nothing while there is none.
BREAK_OFF = ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%tact_set_identity%'"
             " AND pid <> pg_backend_pid()")


class HotKeys(Case):
    """Nothing that every mail touches is one record."""

    def test_mail_writes_to_its_recipients_only(self):
        """The database itself counts what is written under each key."""
        main = self.servers().store("main")
        main.sql("CREATE TABLE public.written (kind smallint, id bytea);"
                 "CREATE FUNCTION public.note_written() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
                 " 'BEGIN INSERT INTO public.written VALUES (NEW.kind, NEW.id); RETURN NULL; END';"
                 "CREATE TRIGGER written AFTER INSERT OR UPDATE ON tact.tact_record FOR EACH ROW EXECUTE FUNCTION public.note_written()")
        got = subprocess.run([BUILD + "/tests/unit/test_hot_keys"], env=dict(os.environ, TACT_STORE_URL=main.url()), capture_output=True,
                             timeout=120 * PATIENCE, check=False)
        self.assertEqual(got.returncode, 0, got.stdout.decode() + got.stderr.decode())
        most = dict(row.split("|") for row in main.sql("SELECT kind, max(writes) FROM (SELECT kind, count(*) AS writes FROM public.written"
                                                       " GROUP BY kind, id) AS keys GROUP BY kind").splitlines())
        people = main.sql("SELECT count(DISTINCT id) FROM public.written WHERE kind = 1")
        self.assertEqual((people, most["1"]), ("60", "2"), "each of 60 people got two mails")
        self.assertLessEqual(int(most["2"]), 6, "what is counted of a campaign is written once a second by each relay")
        self.assertEqual(sorted(most), ["1", "2"])


CONFIG = """\
store = "%(url)s"
audit = "%(dir)s/%(audit)s"
key_file = "%(dir)s/key"
host = "relay.test"
user = ""
socket_group = ""
log = stderr
listener "smtp" { socket = "inet:18891@127.0.0.1" }
"""


class Verbs(Case):
    """tact init, upgrade, stats and copy, and the other verbs on what they made."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="tact-pg-verbs-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.main = self.servers().primary("main")

    def configure(self, name, url, audit="audit"):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIG % {"dir": self.dir, "url": url, "audit": audit})
        return path

    def tact(self, conf, *words, code=0, env=None):
        done = subprocess.run([BUILD + "/src/tact", "-c", conf] + list(words), capture_output=True, timeout=120 * PATIENCE, check=False,
                              env=dict(os.environ, **(env or {})))
        self.assertEqual(done.returncode, code, "%s: %s%s" % (words, done.stdout.decode(), done.stderr.decode()))
        return (done.stdout + done.stderr).decode()

    def test_a_store_is_made_and_moved_from_one_engine_to_another(self):
        owner = "postgres:" + self.main.conninfo(user="tact")
        new = self.configure("new.conf", self.main.url())
        old = self.configure("old.conf", "lmdb:%s/db?map_size=64M" % self.dir)
        self.tact(old, "key", "new")
        self.main.sql("CREATE ROLE relay LOGIN")
        self.assertIn("tact store init", self.tact(new, "store", "check", code=71))
        self.tact(new, "store", "init", owner)
        self.assertIn("GRANT tact_relay", self.tact(new, "store", "check", code=71))
        self.main.sql("GRANT tact_relay TO relay")
        self.tact(new, "store", "upgrade", owner)
        with open(os.path.join(self.dir, "list"), "w", encoding="utf-8") as file:
            file.writelines("person%d@example.com\n" % number for number in range(5000))
        self.tact(old, "import", "--plain", os.path.join(self.dir, "list"))
        copy = ("store", "copy", "lmdb:%s/db?map_size=64M" % self.dir, self.main.url())
        self.tact(old, *copy, code=-9, env={"TACT_KILL_AT": "store.before-commit:2"})
        self.assertIn("tact-copy 1", self.tact(new, "show", "person5@example.com", code=65))
        self.assertLess(int(self.main.sql("SELECT count(*) FROM tact.tact_record")), 5000)
        self.assertIn("5000 records", self.tact(old, *copy))
        self.assertIn("in use", self.tact(old, *copy, code=78))
        self.assertIn("dossiers: 5000", self.tact(new, "store", "stats"))
        self.assertRegex(self.tact(new, "store", "check"), r"(?m)^bytes: \d+$\n^damaged: 0$")
        self.assertEqual(self.tact(new, "show", "person5@example.com"), self.tact(old, "show", "person5@example.com"))
        back = self.configure("back.conf", "lmdb:%s/back?map_size=64M" % self.dir)
        self.tact(new, "store", "copy", self.main.url(), "lmdb:%s/back?map_size=64M" % self.dir)
        self.assertEqual(self.tact(back, "show", "person4999@example.com"), self.tact(old, "show", "person4999@example.com"))

    def test_a_copy_that_is_written_to_meanwhile_is_found_out_and_repaired(self):
        """A relay that was not stopped changes a record that was copied already; the copy waits for a lock in its last part so long."""
        self.tact(self.configure("new.conf", self.main.url()), "store", "init", "postgres:" + self.main.conninfo(user="tact"))
        self.main.sql("CREATE ROLE relay LOGIN IN ROLE tact_relay")
        new = self.configure("new.conf", self.main.url())
        url = "lmdb:%s/db?map_size=64M" % self.dir
        old = self.configure("old.conf", url)
        self.tact(old, "key", "new")
        with open(os.path.join(self.dir, "list"), "w", encoding="utf-8") as file:
            file.writelines("person%d@example.com\n" % number for number in range(3000))
        self.tact(old, "import", "--bulk", "--plain", os.path.join(self.dir, "list"))
        drive = Drive(url)
        self.assertEqual(drive.result("count 0 5000"), "ok")  # the first of all, by its key
        drive.close()
        self.main.sql("CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
                      " IF EXISTS (SELECT FROM tact.tact_record WHERE id = '\\x00000000000000000000000000000000') THEN"
                      " PERFORM pg_advisory_lock_shared(1); PERFORM pg_advisory_unlock_shared(1); END IF; RETURN NULL; END $$;"
                      "CREATE TRIGGER wait BEFORE INSERT ON tact.tact_record FOR EACH STATEMENT EXECUTE FUNCTION public.wait()")
        lock = subprocess.Popen(["psql", "-XAtq", "-h", self.main.servers.dir, "-p", str(self.main.port), "-U", "postgres", "tact"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(lock.stdout.close)
        lock.stdin.write(b"SELECT 1 FROM pg_advisory_lock(1);\n")
        lock.stdin.flush()
        lock.stdout.readline()
        copy = subprocess.Popen([BUILD + "/src/tact", "-c", old, "store", "copy", url, self.main.url()], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_for(lambda: self.main.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'") != "0", "the copy to wait")
        drive = Drive(self.main.url())
        self.assertEqual(drive.result("count 0 5000"), "ok")
        drive.close()
        lock.stdin.close()
        lock.wait(30)
        _, said = copy.communicate(timeout=60 * PATIENCE)
        self.assertEqual(copy.returncode, 65, said)
        self.assertIn("record 00000000000000000000000000000000 is not the same in both stores: one of them was written to meanwhile; stop tactd on every relay"
                      " and copy again", said.decode())
        self.assertIn("tact-copy 1", self.tact(new, "show", "person5@example.com", code=65), "no program takes it")
        self.assertIn("3001 records copied and compared", self.tact(old, "store", "copy", url, self.main.url()))
        self.assertIn("person5@example.com", self.tact(new, "show", "person5@example.com"))

    def test_a_copy_into_what_holds_more_is_refused(self):
        """Whoever stands there and not here would be taken for somebody's wish."""
        urls = ["lmdb:%s/%s?map_size=64M" % (self.dir, name) for name in ("db", "other")]
        old = self.configure("old.conf", urls[0])
        self.tact(old, "key", "new")
        self.tact(old, "suppress", "ann@example.com", "--reason", "unsubscribe")
        drive = Drive(urls[1])
        self.assertEqual(drive.result("count 7 5000"), "ok")
        drive.close()
        self.assertIn("nobody has used the old store", self.tact(old, "store", "copy", "lmdb:%s/nobody" % self.dir, urls[1], code=78))
        self.assertIn("the new store holds 2 records and the old one 1", self.tact(old, "store", "copy", *urls, code=65))
        self.assertIn("tact-copy 1", self.tact(self.configure("other.conf", urls[1]), "show", "ann@example.com", code=65))

    def test_a_long_import_and_what_a_dump_has_forgotten(self):
        """--bulk over the database; then an older dump is restored beside newer evidence, and recovered."""
        self.tact(self.configure("a.conf", self.main.url()), "store", "init", "postgres:" + self.main.conninfo(user="tact"))
        self.main.sql("CREATE ROLE relay LOGIN IN ROLE tact_relay")
        conf = self.configure("a.conf", self.main.url())
        self.tact(conf, "key", "new")
        self.tact(conf, "suppress", "person7@example.com", "--reason", "unsubscribe", "--scope", "purpose:newsletter")
        path = os.path.join(self.dir, "list")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines("person%d@example.com\n" % number for number in range(20000))
        self.assertIn("20000 rows: 20000 new", self.tact(conf, "import", "--bulk", "--plain", path))
        self.assertIn("20000 rows: 0 new, 20000 known", self.tact(conf, "import", "--bulk", "--plain", path))
        self.assertEqual(self.tact(conf, "show", "person7@example.com").count("suppress"), 2)
        self.assertIn("damaged: 0", self.tact(conf, "store", "check"))
        self.main.tool("pg_dump", "-Fc", "-f", os.path.join(self.dir, "dump"), "tact")
        people = ["person%d@example.com" % number for number in range(5)] + ["new@example.com"]
        self.tact(conf, "unsuppress", people[0], "--why", "asked")
        self.tact(conf, "suppress", people[1], "--reason", "complaint", "--scope", "list:x")
        self.tact(conf, "profile", people[2], "--pause", "30d")
        self.tact(conf, "consent", people[3], "--basis", "express", "--scope", "purpose:newsletter", "--source", "form")
        self.tact(conf, "suppress", "new@example.com", "--reason", "unsubscribe")
        want = [self.tact(conf, "show", address, "--json") for address in people]
        self.main.sql("DROP SCHEMA tact CASCADE")
        self.main.tool("pg_restore", "-d", "tact", os.path.join(self.dir, "dump"))
        self.assertNotEqual([self.tact(conf, "show", address, "--json") for address in people], want)
        self.assertIn("5 people have forgotten", self.tact(conf, "store", "recover", "--from-log"))
        self.assertIn("written", self.tact(conf, "store", "recover", "--from-log", "--yes"))
        plain = lambda text: re.sub(r'"(version|history_since)": ?[^,]*,', "", text)
        self.assertEqual([plain(self.tact(conf, "show", address, "--json")) for address in people], [plain(text) for text in want])
        self.assertIn(": 0 people have forgotten", self.tact(conf, "store", "recover", "--from-log", "--yes"))

    def test_a_damaged_record_holds_up_nobody_elses_recovery(self):
        self.tact(self.configure("a.conf", self.main.url()), "store", "init", "postgres:" + self.main.conninfo(user="tact"))
        self.main.sql("CREATE ROLE relay LOGIN IN ROLE tact_relay")
        conf = self.configure("a.conf", self.main.url())
        self.tact(conf, "key", "new")
        people = ["person%d@example.com" % number for number in range(5)]
        for address in people[:3]:
            self.tact(conf, "suppress", address, "--reason", "unsubscribe")
        self.main.sql("CREATE TABLE backup AS SELECT * FROM tact.tact_record")
        for address in people:
            self.tact(conf, "suppress", address, "--reason", "complaint", "--scope", "list:x")
        self.main.sql("DELETE FROM tact.tact_record; INSERT INTO tact.tact_record SELECT * FROM backup; "
                      "UPDATE tact.tact_record SET bytes = set_byte(bytes, 20, get_byte(bytes, 20) # 1) WHERE id = (SELECT min(id::text)::bytea FROM backup)")
        self.assertIn("1 people are left as they are", self.tact(conf, "store", "recover", "--from-log", code=65))
        told = json.loads(self.tact(conf, "store", "recover", "--from-log", "--yes", "--json", code=65))
        self.assertEqual((told["people"], told["changed"], told["lost"]), (5, 4, 1))
        told = json.loads(self.tact(conf, "store", "recover", "--from-log", "--json", code=65))
        self.assertEqual((told["entries"], told["changed"], told["lost"]), (12, 0, 1), "each of the others has its entry")
        said = [subprocess.run([BUILD + "/src/tact", "-c", conf, "suppress", address, "--reason", "complaint", "--scope", "list:x"],
                               capture_output=True, check=False) for address in people]
        (lost,) = [one for one in said if one.returncode != 0]
        self.assertEqual(lost.returncode, 65)
        self.assertRegex(lost.stderr.decode(), r"corrupt: dossier [0-9a-f]{32} in the database cannot be read: run .tact store check.")

    def keys(self):
        return [line for line in self.main.sql("SELECT value FROM tact.tact_meta WHERE name = 'identity'").splitlines() if line.startswith("recovery")]

    def test_a_store_of_an_older_tact_gets_a_recovery_key_from_who_may(self):
        self.tact(self.configure("a.conf", self.main.url()), "store", "init", "postgres:" + self.main.conninfo(user="tact"))
        self.main.sql("CREATE ROLE relay LOGIN IN ROLE tact_relay; CREATE ROLE web LOGIN IN ROLE tact_web; CREATE ROLE reports LOGIN IN ROLE tact_reader")
        conf = self.configure("a.conf", self.main.url())
        self.tact(conf, "key", "new")
        self.tact(conf, "suppress", "ann@example.com", "--reason", "unsubscribe")
        self.assertEqual(len(self.keys()), 1)
        self.main.sql("UPDATE tact.tact_meta SET value = regexp_replace(value, 'recovery .*', '') WHERE name = 'identity'")
        for role in ("reports", "relay"):
            self.assertIn("unsubscribe", self.tact(self.configure("b.conf", "postgres:" + self.main.conninfo(user=role)), "show", "ann@example.com"))
        self.tact(self.configure("b.conf", "postgres:" + self.main.conninfo(user="web")), "suppress", "bob@example.com", "--reason", "unsubscribe")
        self.assertEqual(self.keys(), [], "who reads leaves it as it is, and who may not set it goes without")
        self.main.sql("CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full; END $$; "
                      "CREATE TRIGGER fail BEFORE UPDATE ON tact.tact_meta FOR EACH ROW EXECUTE FUNCTION public.fail()")
        self.assertIn("disk", self.tact(conf, "suppress", "cid@example.com", "--reason", "unsubscribe", code=75))
        self.main.sql("DROP TRIGGER fail ON tact.tact_meta")
        lock = self.lock_identity()
        tact = subprocess.Popen([BUILD + "/src/tact", "-c", conf, "suppress", "cid@example.com", "--reason", "unsubscribe"], stdout=subprocess.PIPE)
        self.addCleanup(tact.stdout.close)
        wait_for(lambda: self.main.sql(BREAK_OFF), "the write to wait")
        lock.stdin.write(b"ROLLBACK;\n")
        lock.stdin.close()
        lock.wait(30)
        self.assertEqual(tact.wait(60 * PATIENCE), 0, "it looks again, and writes again")
        self.assertEqual(len(self.keys()), 1)
        self.assertIn("unsubscribe", self.tact(conf, "show", "cid@example.com"))

    def test_a_wrong_key_is_refused(self):
        self.tact(self.configure("a.conf", self.main.url()), "store", "init", "postgres:" + self.main.conninfo(user="tact"))
        self.main.sql("CREATE ROLE relay LOGIN IN ROLE tact_relay")
        conf = self.configure("a.conf", self.main.url())
        self.tact(conf, "key", "new")
        self.tact(conf, "suppress", "ann@example.com", "--reason", "unsubscribe")
        os.rename(os.path.join(self.dir, "key"), os.path.join(self.dir, "key.right"))
        self.tact(conf, "key", "new")
        self.assertIn("wrong key", self.tact(conf, "show", "ann@example.com", code=78))


class SynchronousPair(Case):
    """A primary that waits for one of two standbys. A stalled standby is one whose processes stand still."""

    @classmethod
    def setUpClass(cls):
        cls.all = Servers()
        cls.addClassCleanup(cls.all.close)
        cls.main = cls.all.store("main")
        cls.standbys = [cls.all.standby(name, cls.main) for name in ("one", "two")]
        cls.main.sql("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (one, two)'")
        cls.main.sql("SELECT pg_reload_conf()")
        wait_for(lambda: cls.main.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum'") == "2", "two standbys")

    def stall(self):
        for standby in self.standbys:
            standby.stall()
        self.addCleanup(self.go_on)

    def go_on(self):
        for standby in self.standbys:
            standby.go_on()

    def waiting(self):
        return [row for row in self.main.backends() if row[1] == "SyncRep"]

    def test_only_the_end_of_the_wait_acknowledges(self):
        """Rows come before the wait for the standby is over (in a pipeline with a flush request 2 s before): they acknowledge nothing."""
        drive = self.drive(self.main.url())
        self.assertEqual(drive.result("count 1 5000"), "ok")
        self.stall()
        drive.send("count 1 20000")
        wait_for(self.waiting, "a backend that waits for a standby")
        self.go_on()
        result, took_ms = drive.answer().split()
        self.assertEqual(result, "ok")
        self.stall()
        self.assertEqual(drive.result("count 1 300"), "uncertain")
        self.assertEqual(drive.ask("read 1 2000").split()[0], "ok", "a stalled standby holds up no read")

    def test_a_cancelled_wait_is_uncertain(self):
        """It reports success with a WARNING."""
        drive = self.drive(self.main.url())
        self.assertEqual(drive.result("count 100 5000"), "ok")
        self.stall()
        drive.send("count 100 20000")
        wait_for(self.waiting, "a backend that waits for a standby")
        self.main.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'tact' AND wait_event = 'SyncRep'")
        self.assertEqual(drive.answer().split()[0], "uncertain")
        self.assertIn("spoke during a commit", drive.ask("error"))
        self.go_on()
        self.assertEqual(drive.result("count 100 5000"), "ok")

    def test_an_ended_wait_is_uncertain(self):
        drive = self.drive(self.main.url())
        self.assertEqual(drive.result("count 200 5000"), "ok")
        self.stall()
        drive.send("count 200 20000")
        wait_for(self.waiting, "a backend that waits for a standby")
        self.main.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tact' AND wait_event = 'SyncRep'")
        self.assertEqual(drive.answer().split()[0], "uncertain")
        self.go_on()
        self.assertEqual(drive.result("count 200 5000"), "ok")

    def test_what_changes_nothing_waits_for_the_standby_too(self):
        """What it read may not be replicated: an answer that rests on it must itself write."""
        drive, other = self.drive(self.main.url()), self.drive(self.main.url())
        for command in ("look 300 5000", "count 300 5000", "look 300 5000"):
            self.assertEqual(drive.result(command), "ok")
        self.stall()
        self.assertEqual(drive.result("look 300 300"), "unavailable")
        self.assertEqual(other.result("look 301 300"), "unavailable", "an absent one too")

    def test_a_stalled_standby_piles_up_no_backends(self):
        """Backends whose clients gave up stay in the wait, and statement_timeout does not end it: none is given up, one probes."""
        drive = self.drive(self.main.url(" connections=4"))
        self.assertEqual(drive.result("count 400 5000"), "ok")
        self.stall()
        got = figures(drive.ask("many 40 5 400 40 400"))
        self.assertEqual(got["ok"], 0)
        self.assertLess(got["slowest_ms"], 3000)
        before = int(drive.ask("commits"))
        quick = figures(drive.ask("many 40 50 400 40 400"))
        self.assertEqual(quick["ok"], 0)
        self.assertLess(quick["slowest_ms"], 3000, "while the circuit is open nobody waits")
        self.assertLessEqual(len(self.waiting()), 4 + 1)
        self.assertLessEqual(len(self.main.backends()), 4 + 2 + 1)
        self.go_on()
        wait_for(lambda: drive.result("count 400 1000") == "ok", "the circuit to close by itself")
        self.assertEqual(figures(drive.ask("many 40 5 400 40 20000"))["ok"], 200)
        self.assertGreater(int(drive.ask("commits")), before)

    def test_who_has_much_time_is_told_why_it_was_not_enough(self):
        """No call is waited for longer than 20 s, whoever asks: a verb of tact(1) has no deadline of its own."""
        drive = self.drive(self.main.url())
        self.assertEqual(drive.result("count 500 5000"), "ok")
        self.stall()
        self.assertEqual(drive.result("count 500 60000"), "uncertain")
        self.assertIn("no answer from the database in time", drive.ask("error"))

    def test_a_server_that_only_reads_is_refused(self):
        drive = Drive(self.standbys[0].url())
        self.assertIn("closed", drive.greeting)
        self.assertIn("read-only", drive.greeting)
        drive.close()


class Partitions(Case):
    """Three servers behind PL/Proxy. Key N is on server N % 256 % 3; number 0 is one that waits for a standby."""

    @classmethod
    def setUpClass(cls):
        cls.all = Servers()
        cls.addClassCleanup(cls.all.close)
        cls.parts = [cls.all.store("part%d" % number) for number in range(3)]
        cls.main = cls.all.proxy("proxy", cls.parts)

    def test_the_contract_of_every_engine(self):
        got = subprocess.run([BUILD + "/tests/store/contract"], env=dict(os.environ, TACT_STORE_URL=self.main.url()), capture_output=True,
                             timeout=300 * PATIENCE, check=False)
        self.assertEqual(got.returncode, 0, got.stdout.decode() + got.stderr.decode() + self.main.last_words())

    def test_its_functions_are_not_made_those_of_an_empty_table(self):
        """Nor the other way round: who is right to do so for a partition has named the wrong database, and is told."""
        folder = tempfile.mkdtemp(prefix="tact-pg-proxy-")
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, "tact.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIG % {"dir": folder, "url": self.main.url(), "audit": "audit"})
        for verb in ("init", "upgrade"):
            done = subprocess.run([BUILD + "/src/tact", "-c", path, "store", verb, "postgres:" + self.main.conninfo("postgres")], capture_output=True,
                                  timeout=60 * PATIENCE, check=False)
            self.assertEqual(done.returncode, 71)
            self.assertRegex(done.stderr.decode(), "passes everything on to partitions: run .tact store upgrade. on each of them, and plproxy.sql here")
        done = self.parts[0].tool("psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-v", "servers=host=x", "-v", "login=x",
                                  "-f", SOURCE + "/contrib/postgresql/plproxy.sql", check=False)
        self.assertIn("this database holds records itself", done.stderr.decode())

    def test_three_servers_are_three_groups(self):
        groups = self.main.sql("SELECT encode(tact.tact_groups(), 'hex')")
        self.assertEqual(len(groups), 512)
        self.assertEqual(len({groups[at:at + 2] for at in range(0, 512, 2)}), 3)
        drive = self.drive(self.main.url())
        self.assertEqual(figures(drive.ask("many 16 30 0 240 20000"))["ok"], 480)
        counts = [int(part.sql("SELECT count(*) FROM tact.tact_record WHERE octet_length(bytes) < 30")) for part in self.parts]
        self.assertTrue(all(count > 20 for count in counts), counts)

    def test_a_login_with_strings_of_old_is_served(self):
        """The bodies of SQL functions are read by the settings of whoever calls them."""
        self.main.sql("ALTER ROLE relay SET standard_conforming_strings = off")
        try:
            self.assertEqual(self.drive(self.main.url()).result("look 1 5000"), "ok")
        finally:
            self.main.sql("ALTER ROLE relay RESET ALL")

    def test_a_dead_partition_costs_its_own_keys_only(self):
        """A call that touches one fails whole, also for the healthy keys: none does."""
        drive = self.drive(self.main.url())
        self.assertEqual(figures(drive.ask("many 8 30 0 240 5000"))["ok"], 240)
        self.parts[1].kill()
        try:
            for key in range(60):
                result = drive.result("count %d 3000" % key)
                if key % 3 == 1:
                    self.assertIn(result, ("unavailable", "uncertain"), key)
                else:
                    self.assertEqual(result, "ok", key)
            got = figures(drive.ask("many 24 20 0 240 3000"))
            self.assertGreater(got["ok"], 280, got)
            self.assertGreater(got["unavailable"], 100, got)
        finally:
            self.parts[1].start()
        wait_for(lambda: drive.result("count 1 3000") == "ok", "the partition to be served again")

    def test_a_partition_that_stands_still_is_asked_once(self):
        """What is asked of it is not given up: its backend at the proxy would stay, and each question would add one more."""
        drive = self.drive(self.main.url())
        self.assertEqual(figures(drive.ask("many 8 30 0 240 5000"))["ok"], 240)
        self.assertEqual(drive.ask("parts").split(), ["3"] + [str(byte % 3) for byte in range(256)])
        before = [drive.ask("scan %d" % part).split() for part in range(3)]
        self.assertEqual([row[0] for row in before], ["ok"] * 3)
        self.assertEqual(sum(int(row[2]) for row in before), int(sum(int(part.sql("SELECT count(*) FROM tact.tact_record WHERE kind = 1")) for part in self.parts)))
        self.parts[2].stall()
        try:
            backends = len(self.main.backends())
            for command in ("due 2", "scan 2"):
                result, took_ms, _ = drive.ask(command).split()
                self.assertEqual(result, "unavailable")
                self.assertLess(int(took_ms), 8000)
            for _ in range(10):
                result, took_ms, _ = drive.ask("due 2").split()
                self.assertEqual(result, "unavailable")
                self.assertLess(int(took_ms), 1000, "nobody waits for what is owed already")
            for part in range(2):
                result, took_ms, count = drive.ask("scan %d" % part).split()
                self.assertEqual((result, count), ("ok", before[part][2]))
                self.assertLess(int(took_ms), 2000)
                self.assertEqual(drive.result("due %d" % part), "ok")
            self.assertLessEqual(len(self.main.backends()), backends + 1)
        finally:
            self.parts[2].go_on()
        wait_for(lambda: drive.result("due 2") == "ok", "the partition to be asked again")
        self.assertEqual(drive.ask("scan 2").split()[::2], before[2][::2])

    def steps(self, **more):
        return guide.Guide(self.all, "Partitions", dict({"db%d" % number: part for number, part in enumerate(self.parts, 1)}, **more))

    def test_with_a_fourth_server_a_partition_is_moved_while_mail_flows(self):
        """The steps of contrib/postgresql/README, as they stand there."""
        new = self.all.store("new")
        steps = self.steps(db4=new)
        steps.run("CREATE ROLE tact_proxy LOGIN", new)
        drive, other = self.drive(self.main.url()), self.drive(self.main.url())
        before = self.numbers()
        self.assertEqual(drive.ask("parts").split()[0], "3")
        drive.send("many 16 150 7 2 20000")  # keys 7 and 8: one is moved, the other stays where it is
        other.send("many 4 400 10 3 20000")  # keys 10 to 12, of which 10 shares the server of 7
        wait_for(lambda: self.numbers() > before + 50, "some to be counted")
        old = self.parts[7 % 3]
        self.assertIn(" host=%s port=%d " % (self.all.dir, old.port), steps.run("option_name = 'p7'", self.main))
        self.assertIs(steps.hosts["db2"], old)
        steps.run("ADD CONSTRAINT moved_7", old)
        steps.run("COPY (SELECT", old)
        steps.run("ALTER SERVER tact", self.main)
        steps.run("DELETE FROM tact.tact_record", old)
        one, two = figures(drive.answer()), figures(other.answer())
        self.assertEqual((two["ok"], two["unavailable"], two["uncertain"]), (1600, 0, 0), "nobody else is held up")
        self.assertEqual(one["uncertain"], 0)
        self.assertGreater(one["unavailable"], 0, "it was asked for while it was moved")
        where = drive.ask("parts").split()
        self.assertEqual((where[0], where[1:].count(where[1 + 7])), ("4", 1), "who asks where records stand is told at once")
        self.assertEqual(drive.result("count 7 5000"), "ok")
        self.assertEqual(new.sql("SELECT count(*) FROM tact.tact_record"), "1")
        self.assertEqual(self.numbers([new]) - before, one["ok"] + two["ok"] + 1)

    def test_the_proxy_passes_roles_on(self):
        """The README's mapping; without it everybody is a relay to the partitions."""
        steps = self.steps()
        steps.run("psql -v servers", self.main)  # once more: the partitions stay as they are
        self.main.sql("CREATE ROLE reports LOGIN IN ROLE tact_reader")
        for part in self.parts:
            steps.run("CREATE ROLE tact_proxy_reader", part)
        scan = ("psql", "-XAtq", "-U", "reports", "-c", "SELECT count(*) FROM tact.tact_scan(%d::smallint, '', 10)")
        steps.run("CREATE USER MAPPING", self.main)
        self.assertEqual(self.main.tool(*scan[:-1], scan[-1] % 1).returncode, 0)
        refused = self.main.tool(*scan[:-1], scan[-1] % 3, check=False)
        self.assertIn(b"reads no reviews", refused.stderr)
        self.only_relays_say_what_was_promoted()

    def only_relays_say_what_was_promoted(self):
        """Whoever could say that another server was promoted since would stop all mail."""
        known = lambda: self.main.sql("SELECT count(*), sum(timeline) FROM tact.tact_known")
        hear = lambda login, database, timeline: self.main.tool("psql", "-XAtq", "-U", login, "-c", "SELECT tact.tact_hear(%d, %d)" % (database, timeline),
                                                                check=False).stderr.decode()
        self.main.sql("CREATE ROLE web LOGIN IN ROLE tact_web; TRUNCATE tact.tact_known")
        databases = [int(part.sql("SELECT origin_database FROM tact.tact_origin()")) for part in self.parts]
        self.assertEqual([hear("relay", database, 7) for database in databases], [""] * 3)
        for login in ("reports", "web"):
            self.assertEqual((hear(login, databases[0], 2**63 - 1), hear(login, 4711, 1)), ("", ""))
            self.assertIn("timeline 6, 7 was promoted", hear(login, databases[0], 6))
            self.assertEqual(known(), "3|21", login)
        self.main.sql("TRUNCATE tact.tact_known")
        self.assertEqual(self.main.tool("psql", "-XAtq", "-U", "reports", "-c", "SELECT * FROM tact.tact_scan(1::smallint, '', 1)").returncode, 0)
        self.assertEqual(known(), "0|")
        self.assertEqual(self.drive(self.main.url()).result("count 1 5000"), "ok")
        self.assertNotEqual(known(), "0|", "relays do")

    def numbers(self, more=()):
        """The sum of all that was counted under the keys of this test."""
        query = ("SELECT coalesce(sum(convert_from(substr(bytes, 14), 'UTF8')::bigint), 0) FROM tact.tact_record"
                 " WHERE get_byte(id, 0) BETWEEN 7 AND 12 AND encode(substr(id, 2), 'hex') ~ '^0+$' AND octet_length(bytes) BETWEEN 14 AND 32")
        return sum(int(part.sql(query)) for part in self.parts + list(more))

    def test_a_partition_that_waits_for_a_standby_is_uncertain_alone(self):
        """PL/Proxy passes a WARNING on as REMOTE WARNING."""
        drive = self.drive(self.main.url())
        self.assertEqual(figures(drive.ask("many 8 30 0 240 5000"))["ok"], 240)
        part = self.parts[0]
        part.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        part.sql("SELECT pg_reload_conf()")
        # Commits wait once the checkpointer has read it, which it does before the second checkpoint that is asked for since.
        wait_for(lambda: part.sql("SHOW synchronous_standby_names") == "nobody", "the new settings")
        part.sql("CHECKPOINT")
        part.sql("CHECKPOINT")
        waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        try:
            drive.send("count 0 20000")
            wait_for(lambda: part.sql("SELECT count(*) " + waiting) != "0", "a backend that waits for a standby")
            part.sql("SELECT pg_cancel_backend(pid) " + waiting)
            self.assertEqual(drive.answer().split()[0], "uncertain")
            self.assertIn("REMOTE WARNING", drive.ask("error"))
            self.assertEqual(drive.result("count 3 500"), "uncertain")
            self.assertEqual([drive.result("count %d 3000" % key) for key in (1, 2)], ["ok", "ok"])
        finally:
            part.sql("ALTER SYSTEM RESET synchronous_standby_names")
            part.sql("SELECT pg_reload_conf()")
        wait_for(lambda: drive.result("count 0 3000") == "ok", "the partition to be served again")


    def test_a_partition_may_not_acknowledge_more_lightly(self):
        """Its settings are not the ones that a relay sees."""
        part = self.parts[0]
        part.sql("ALTER ROLE tact_proxy SET synchronous_commit = off")
        part.sql("ALTER ROLE tact_proxy SET client_min_messages = error")
        part.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        part.sql("SELECT pg_reload_conf()")
        wait_for(lambda: part.sql("SHOW synchronous_standby_names") == "nobody", "the new settings")
        part.sql("CHECKPOINT")
        part.sql("CHECKPOINT")
        part.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tact_proxy'")
        waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        drive = self.drive(self.main.url())
        try:
            drive.send("count 0 20000")
            wait_for(lambda: part.sql("SELECT count(*) " + waiting) != "0", "a backend that waits for a standby")
            part.sql("SELECT pg_cancel_backend(pid) " + waiting)
            self.assertEqual(drive.answer().split()[0], "uncertain")
            self.assertIn("REMOTE WARNING", drive.ask("error"))
        finally:
            part.sql("ALTER SYSTEM RESET synchronous_standby_names")
            part.sql("SELECT pg_reload_conf()")
            part.sql("ALTER ROLE tact_proxy RESET ALL")
        wait_for(lambda: drive.result("count 0 3000") == "ok", "the partition to be served again")


class Failover(Case):
    """The primary dies, a standby is promoted, the program goes on with it."""

    def pair(self):
        """A primary, its standby, and a url that names both, the primary first."""
        servers = self.servers()
        main = servers.store("main")
        other = servers.standby("one", main)
        main.sql("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (one)'")
        main.sql("SELECT pg_reload_conf()")
        wait_for(lambda: main.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum'") == "1", "a standby")
        return main, other, "postgres:host=%s,%s port=%d,%d dbname=tact user=relay" % (servers.dir, servers.dir, main.port, other.port)

    def test_a_primary_that_hangs_is_left(self):
        """Its sockets stay open and say nothing: all connections wait there when the standby takes over."""
        main, other, url = self.pair()
        drive = self.drive(url + " connections=1 connect_timeout=2")
        self.assertEqual(figures(drive.ask("many 8 20 1 8 5000"))["ok"], 160)
        main.stall()
        self.assertEqual(figures(drive.ask("many 8 5 1 8 400"))["ok"], 0)
        other.promote()
        wait_for(lambda: drive.result("count 1 1000") == "ok", "the new primary to be found", 60)
        wait_for(lambda: figures(drive.ask("many 8 20 1 8 5000"))["ok"] == 160, "all connections to lead there", 60)

    def test_nothing_acknowledged_is_lost(self):
        main, other, url = self.pair()
        drive = self.drive(url)
        counts = {"ok": 0, "uncertain": 0, "unavailable": 0}
        killed = threading.Event()

        def fail_over():
            main.kill()
            killed.set()
            other.promote()

        for number in range(4000):
            if number == 200:
                thread = threading.Thread(target=fail_over)
                thread.start()
            counts[drive.result("count 1 2000")] += 1
            if killed.is_set() and counts["ok"] > 400:
                break
        thread.join()
        number = int(drive.ask("read 1 5000").split()[2])
        self.assertGreaterEqual(number, counts["ok"], counts)
        self.assertLessEqual(number, counts["ok"] + counts["uncertain"], counts)

    def test_an_old_primary_that_comes_back_is_not_used(self):
        """It takes writes as before and is the first that is asked: its timeline tells."""
        main, other, url = self.pair()
        drive = self.drive(url)
        self.assertEqual(drive.result("count 1 5000"), "ok")
        main.kill()
        other.promote()
        wait_for(lambda: drive.result("count 1 5000") == "ok", "the new primary to be found")
        main.start()
        other.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tact'")
        self.assertEqual(drive.ask("read 1 5000").split()[2], "2", "a new connection")
        self.assertEqual(drive.result("count 1 5000"), "ok")
        fresh = self.drive(url)
        self.assertEqual(fresh.ask("read 1 5000").split()[2], "3", "a program that knows nothing of before")
        self.assertEqual(main.backends(), [])
        other.stop()
        for command in ("count 1 2000", "read 1 2000"):
            self.assertEqual(drive.result(command), "unavailable", "the old one alone")
            self.assertEqual(fresh.result(command), "unavailable")
        self.assertIn("was deposed", drive.ask("error"))

    def silent(self):
        """The port of a host that takes no connection and refuses none, as one that is gone."""
        door = socket.socket()
        self.addCleanup(door.close)
        door.bind(("127.0.0.1", 0))
        door.listen(0)
        for _ in range(4):  # more than it takes
            caller = socket.socket()
            self.addCleanup(caller.close)
            caller.setblocking(False)
            caller.connect_ex(door.getsockname())
        return door.getsockname()[1]

    def test_a_host_that_says_nothing_hides_no_promotion(self):
        """Nor does anybody wait for it at each connection: connect_timeout would be."""
        main, other, _ = self.pair()
        main.sql("ALTER SYSTEM RESET synchronous_standby_names")
        main.sql("SELECT pg_reload_conf()")
        other.promote()
        ways = {"old": (main.servers.dir, main.port), "silent": ("127.0.0.1", self.silent()), "new": (main.servers.dir, other.port)}
        for number, names in enumerate((("old", "silent", "new"), ("silent", "new")), 1):
            hosts, ports = zip(*(ways[name] for name in names))
            began = time.monotonic()
            drive = self.drive("postgres:host=%s port=%s dbname=tact user=relay connect_timeout=30" % (",".join(hosts), ",".join(map(str, ports))))
            self.assertEqual(drive.result("count 1 20000"), "ok", names)
            self.assertEqual(drive.ask("read 1 20000").split()[2], str(number), names)
            self.assertLess(time.monotonic() - began, 25 * PATIENCE, names)
            drive.close()
        self.assertEqual(main.sql("SELECT count(*) FROM tact.tact_record"), "0", "nothing was written to the old one")

    def test_an_old_primary_behind_a_proxy_is_not_used(self):
        """PL/Proxy takes the first host that takes writes: the proxy's functions hear of its timeline, and pass nothing on that it says."""
        main, other, _ = self.pair()
        proxy = main.servers.proxy("proxy", [[main, other], main.servers.store("second")])
        drive = self.drive(proxy.url())
        for key in (0, 0, 1):
            self.assertEqual(drive.result("count %d 5000" % key), "ok")
        main.kill()
        other.promote()
        wait_for(lambda: drive.result("count 0 5000") == "ok", "the new primary to be found")
        number = int(drive.ask("read 0 5000").split()[2])
        self.assertGreaterEqual(number, 3)
        main.start()
        main.sql("ALTER SYSTEM RESET synchronous_standby_names")
        main.sql("SELECT pg_reload_conf()")
        wait_for(lambda: main.sql("SHOW synchronous_standby_names") == "", "it to acknowledge by itself")
        fresh = self.drive(proxy.url())
        proxy.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tact'")
        for one in (drive, fresh):
            for command in ("read 0 2000", "count 0 2000", "scan 0", "due 0", "fill 2560 40 256"):
                self.assertEqual(one.result(command), "unavailable", command)
            self.assertIn("deposed", one.ask("error"))
        self.each_answer_comes_with_the_timeline(proxy)
        for one in (drive, fresh):
            wait_for(lambda: one.result("count 1 2000") == "ok", "the other partition")
        main.stop()
        wait_for(lambda: drive.result("count 0 2000") == "ok", "the new primary to be found again")
        read = lambda: drive.ask("read 0 5000").split()[2]
        wait_for(lambda: read() != "-1", "it to be read again")
        self.assertEqual(int(read()), number + 1, "nothing of what the old one was asked counts")
        self.assertEqual(drive.ask("fill 2560 40 256").split()[2:], ["made=40", "known=0"])
        self.assertEqual(drive.ask("fill 2560 41 256").split()[2:], ["made=1", "known=40"])

    def each_answer_comes_with_the_timeline(self, proxy):
        """A new connection at each call, that of the proxy to the partition, too: no load stands before it."""
        key = "'{1}', ARRAY['\\x00000000000000000000000000112233'::bytea]"
        for call in ("tact_commit(%s, '{0}', '{1}', '{0}', ARRAY['\\x00'::bytea])" % key, "tact_fill(%s, '{1}', '{0}', ARRAY['\\x00'::bytea])" % key,
                     "tact_load(%s)" % key, "tact_identity()", "tact_set_identity('', 'other')", "tact_scan(1::smallint, '', 1)", "tact_size()",
                     "tact_due(0, 0::smallint, '', 9, 1)"):
            got = proxy.tool("psql", "-XAtq", "-U", "relay", "-v", "VERBOSITY=verbose", "-c", "SELECT * FROM tact." + call, check=False)
            self.assertIn(b"TA001: a partition is asked of a server that was deposed", got.stderr, call)

    def test_a_primary_that_lost_its_standbys_is_left_for_the_one_that_was_promoted(self):
        """It is alive and waits for them for ever; so do those who asked it."""
        main, other, url = self.pair()
        drive = self.drive(url)
        self.assertEqual(figures(drive.ask("many 8 5 0 40 5000"))["ok"], 40)
        other.sql("ALTER SYSTEM SET primary_conninfo = ''", database="postgres")
        other.sql("SELECT pg_reload_conf()", database="postgres")
        wait_for(lambda: main.sql("SELECT count(*) FROM pg_stat_replication") == "0", "the standby to leave")
        got = figures(drive.ask("many 8 5 0 40 500"))
        self.assertEqual(got["ok"], 0)
        other.promote()
        wait_for(lambda: drive.result("count 1 2000") == "ok", "the new primary to be found")
        self.assertEqual(figures(drive.ask("many 8 5 0 40 5000"))["ok"], 40)
        self.assertEqual(drive.ask("read 1 2000").split()[0], "ok")
        self.assertLessEqual(len(main.backends()), 4 + 2 + 1, "those that wait stay in it, and nobody joins them")


if __name__ == "__main__":
    skip_without_servers()
    unittest.main(verbosity=2)

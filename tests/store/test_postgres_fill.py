#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Loading many records into PostgreSQL, by COPY where that can be and by tact_fill everywhere: the same is left behind, whatever the way, and
whatever mail does meanwhile."""

import os
import re
import subprocess
import unittest

from servers import Drive, Pooler, Servers, has_pooler, skip_without_servers, wait_for

# All that stands in tact's tables but the time of writing, which is a record's version, stands in its frame as well, and is part of its
# checksum. A frame that begins with 2 has no wake time.
LEFT = """
SELECT kind, encode(id, 'hex'), wake, get_byte(bytes, 0), encode(substr(bytes, CASE get_byte(bytes, 0) WHEN 2 THEN 14 ELSE 22 END), 'escape'),
	version = (SELECT sum(get_byte(bytes, 1 + place)::bigint << 8 * place) FROM generate_series(0, 7) AS place)
FROM tact.tact_record ORDER BY kind, id;
SELECT * FROM tact.tact_meta ORDER BY name;
"""
INSERT = "INSERT ON tact.tact_record"


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.all = Servers()
        cls.addClassCleanup(cls.all.close)
        cls.main = cls.all.store("main", log_statement="all")

    def setUp(self):
        self.main.sql("TRUNCATE tact.tact_record; GRANT %s TO tact_relay" % INSERT)
        self.began = os.path.getsize(self.main.log)

    def drive(self, url=None):
        drive = Drive(url or self.main.url())
        self.addCleanup(drive.kill)
        self.assertEqual(drive.greeting, "open")
        return drive

    def fill(self, drive, command):
        """(result, made, known)"""
        result, _, made, known = drive.ask("fill " + command).split()
        return result, int(made.partition("=")[2]), int(known.partition("=")[2])

    def ways(self):
        """How often COPY was begun and tact_fill called since the test began."""
        said = self.main.words_since(self.began)
        return len(re.findall(r"statement: .*COPY tact\.tact_record", said)), len(re.findall(r"execute .*tact\.tact_fill\(", said))


class OneServer(Case):
    def load(self):
        drive = self.drive()
        self.assertEqual(drive.result("count 5 5000"), "ok")
        self.assertEqual(self.fill(drive, "10 4000 3"), ("ok", 4000, 0))
        self.assertEqual(self.fill(drive, "0 5000 1"), ("ok", 5000 - 1664 - 1, 1664 + 1))
        self.assertEqual(self.fill(drive, "100000 3000 1"), ("ok", 3000, 0))
        self.assertEqual(drive.ask("read 5 5000").split()[2], "1", "what stood there is left")
        self.assertEqual(drive.close(), 0)
        return self.main.sql(LEFT).splitlines()

    def test_both_ways_leave_the_same(self):
        by_copy = self.load()
        self.assertNotEqual(self.ways()[0], 0, "COPY is used")
        self.setUp()
        self.main.sql("REVOKE %s FROM tact_relay" % INSERT)
        by_call = self.load()
        self.assertEqual(self.ways()[0], 0, "COPY is not tried without the right to it")
        self.assertEqual(len(by_copy), 1 + 4000 + 3335 + 3000 + 1)
        self.assertEqual([pair for pair in zip(by_copy, by_call) if pair[0] != pair[1]][:3], [])
        self.assertEqual([row for row in by_copy[:-1] if not row.endswith("|t")][:3], [], "every frame has the version beside it")

    def test_what_meets_many_known_ones_gives_up_copy(self):
        """For a while: a piece that fails leaves its rows behind, dead."""
        drive = self.drive()
        self.assertEqual(self.fill(drive, "0 4000 2"), ("ok", 4000, 0))
        pieces, calls = self.ways()
        self.assertGreater(pieces, 1, "two connections")
        self.assertEqual(calls, 0)
        for _ in range(5):
            self.assertEqual(self.fill(drive, "0 4000 2"), ("ok", 0, 4000))
        copies, calls = self.ways()
        self.assertLessEqual(copies, pieces + 2, "both connections may try at once")
        self.assertEqual(calls, 5 * pieces)
        for number in range(10):
            self.assertEqual(self.fill(drive, "%d 2500 1" % (100000 * (number + 1))), ("ok", 2500, 0))
        self.assertGreater(self.ways()[0], copies, "it is used again where nobody is known")
        self.assertEqual(self.main.sql("SELECT count(*) FROM tact.tact_record"), "29000")

    def connections(self, drive, command):
        """How many a fill used."""
        began = os.path.getsize(self.main.log)
        self.assertEqual(self.fill(drive, command), ("ok", 6000, 0))
        return len(set(re.findall(r"\[(\d+)\] tact LOG: .*COPY tact\.tact_record", self.main.words_since(began))))

    def test_while_others_write_one_connection_loads(self):
        drive, other = self.drive(), self.drive()
        self.assertEqual(self.connections(drive, "0 6000 1"), 2)
        self.assertEqual(self.connections(drive, "10000 6000 1"), 2, "its own transactions are nobody else's")
        for _ in range(20):
            self.assertEqual(other.result("count 999999 5000"), "ok")
        self.connections(drive, "20000 6000 1")  # finds out
        self.assertEqual(self.connections(drive, "30000 6000 1"), 1)
        self.assertEqual(self.connections(drive, "40000 6000 1"), 2, "and goes on when nobody does any more")

    def test_a_right_that_is_taken_away_meanwhile_costs_nothing(self):
        drive = self.drive()
        self.assertEqual(self.fill(drive, "0 3000 1"), ("ok", 3000, 0))
        self.main.sql("REVOKE %s FROM tact_relay" % INSERT)
        self.assertEqual(self.fill(drive, "5000 3000 1"), ("ok", 3000, 0))

    def test_a_record_that_may_not_be_made_is_an_error(self):
        """As while a partition is moved away: neither way makes it, and nobody believes that it was."""
        self.main.sql("ALTER TABLE tact.tact_record ADD CONSTRAINT moved_7 CHECK (get_byte(id, 0) <> 7) NOT VALID")
        try:
            for right in ("GRANT %s TO tact_relay", "REVOKE %s FROM tact_relay"):
                self.main.sql(right % INSERT)
                drive = self.drive()
                self.assertEqual(self.fill(drive, "0 600 1"), ("unavailable", 0, 0))
                self.assertIn("moved_7", drive.ask("error"))
        finally:
            self.main.sql("ALTER TABLE tact.tact_record DROP CONSTRAINT moved_7")
        self.assertEqual(self.main.sql("SELECT count(*) FROM tact.tact_record"), "0")

    def test_mail_loses_no_change_to_a_load(self):
        """Two load and one is the mail, all of the same keys."""
        drives = [self.drive() for _ in range(3)]
        drives[0].send("many 16 60 0 900 20000")
        for drive in drives[1:]:
            drive.send("fill 0 6000 1")
        made = 0
        for drive in drives[1:]:
            result, _, *numbers = drive.answer().split()
            self.assertEqual(result, "ok")
            numbers = [int(word.partition("=")[2]) for word in numbers]
            self.assertEqual(sum(numbers), 6000)
            made += numbers[0]
        self.assertIn("ok=960", drives[0].answer())
        got = self.main.sql("SELECT sum(convert_from(substr(bytes, CASE get_byte(bytes, 0) WHEN 2 THEN 14 ELSE 22 END), 'UTF8')::integer),"
                            " count(*) FROM tact.tact_record")
        self.assertEqual(got, "960|6000")
        self.assertLessEqual(made, 6000)

    def stuck_load(self, ending, call=None):
        """A load whose first piece, a quarter of it, waits in the midst of its rows for another's transaction that makes the first record; then
        the other ends, or CALL is made for the one that waits. (result, made, known), records there, and the same of the rest once all is over."""
        other = subprocess.Popen(["psql", "-XAtq", "-h", self.all.dir, "-p", str(self.main.port), "-U", "postgres", "tact"],
                                 stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.addCleanup(other.communicate)
        other.stdin.write(b"BEGIN; INSERT INTO tact.tact_record SELECT 1, decode(repeat('00', 16), 'hex'), 1, 0, '';\n")
        other.stdin.flush()
        wait_for(lambda: self.main.sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'") == "1", "the other's record")
        drive = self.drive()
        drive.send("fill 0 40000 1")
        wait_for(lambda: [row for row in self.main.backends() if row[1] == "transactionid" and "COPY" in row[2]], "a COPY that waits for the other")
        wait_for(lambda: self.main.sql("SELECT count(*) FROM tact.tact_record") == "30000", "all other pieces")
        if call:
            self.main.sql("SELECT %s(pid) FROM pg_stat_activity WHERE application_name = 'tact' AND wait_event = 'transactionid'" % call)
            first = drive.answer()
        other.stdin.write(ending + b";\n")
        other.stdin.flush()
        first = first if call else drive.answer()
        left = self.main.sql("SELECT count(*) FROM tact.tact_record")
        return first.split()[0], int(left), self.fill(drive, "0 40000 1")

    def test_who_made_a_record_meanwhile_is_known(self):
        self.assertEqual(self.stuck_load(b"COMMIT"), ("ok", 40000, ("ok", 0, 40000)))
        self.assertEqual(self.main.sql("SELECT count(*) FROM tact.tact_record WHERE bytes = ''"), "1", "the other's is as he left it")

    def test_who_gave_his_record_up_is_none(self):
        self.assertEqual(self.stuck_load(b"ROLLBACK"), ("ok", 40000, ("ok", 0, 40000)))

    def test_half_a_piece_is_none(self):
        """Its connection is cut, or the server gives it up, while rows are on their way: nothing is left of it, and nobody says that it is."""
        for call in ("pg_terminate_backend", "pg_cancel_backend"):
            self.setUp()
            self.assertEqual(self.stuck_load(b"ROLLBACK", call), ("uncertain", 30000, ("ok", 10000, 30000)), call)

    def test_the_right_is_to_add_and_nothing_else(self):
        self.main.sql("CREATE ROLE web LOGIN IN ROLE tact_web; CREATE ROLE reader LOGIN IN ROLE tact_reader")
        row = "(1, '\\x00112233445566778899aabbccddeeff', 1, 0, '')"
        for role, text, may in (
                ("relay", "INSERT INTO tact.tact_record VALUES " + row, True),
                ("web", "INSERT INTO tact.tact_record VALUES " + row, False),
                ("reader", "INSERT INTO tact.tact_record VALUES " + row, False),
                ("relay", "INSERT INTO tact.tact_record VALUES %s ON CONFLICT (kind, id) DO UPDATE SET version = 2" % row, False),
                ("relay", "UPDATE tact.tact_record SET version = 2", False),
                ("relay", "DELETE FROM tact.tact_record", False),
                ("relay", "SELECT 1 FROM tact.tact_record", False),
                ("relay", "COPY tact.tact_record TO STDOUT", False),
                ("relay", "INSERT INTO tact.tact_meta VALUES ('x', 'y')", False)):
            got = self.main.tool("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", role, "-c", text, check=False)
            self.assertEqual(got.returncode == 0, may, "%s %s: %s" % (role, text, got.stderr.decode()))

    @unittest.skipUnless(has_pooler(), "no pgbouncer")
    def test_through_a_pooler_that_hands_out_transactions(self):
        pooler = Pooler(self.all, self.main).start()
        drive = self.drive(pooler.url())
        self.assertEqual(self.fill(drive, "0 5000 1"), ("ok", 5000, 0))
        self.assertEqual(self.fill(drive, "4000 5000 1"), ("ok", 4000, 1000))
        self.assertEqual(self.main.sql("SELECT count(*) FROM tact.tact_record"), "9000")


class Standby(Case):
    """COPY acknowledges by the end of the wait for the standby, like all else."""

    def test_a_cancelled_wait_is_uncertain(self):
        standby = self.all.standby("one", self.main)
        self.main.sql("ALTER SYSTEM SET synchronous_standby_names = 'one'")
        self.main.sql("SELECT pg_reload_conf()")
        wait_for(lambda: self.main.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == "1", "the standby")
        drive = self.drive()
        self.assertEqual(self.fill(drive, "0 500 1"), ("ok", 500, 0))
        standby.stall()
        self.addCleanup(standby.go_on)
        drive.send("fill 1000 500 1")
        wait_for(lambda: [row for row in self.main.backends() if row[1] == "SyncRep" and "COPY" in row[2]], "a COPY that waits for the standby")
        self.main.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'tact' AND wait_event = 'SyncRep'")
        self.assertEqual(drive.answer().split()[0], "uncertain")
        standby.go_on()
        self.assertEqual(self.fill(drive, "1000 500 1"), ("ok", 0, 500))


if __name__ == "__main__":
    skip_without_servers()
    unittest.main(verbosity=1)

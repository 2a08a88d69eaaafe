# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""contrib/postgresql: the README's steps as they stand there, the queries of what to watch, and the schemas for other databases."""

import os
import re
import subprocess
import unittest

import guide
from servers import BUILD, PATIENCE, SOURCE, Drive, Servers, skip_without_servers, wait_for


def contrib(name):
    with open(os.path.join(SOURCE, "contrib/postgresql", name), encoding="utf-8") as file:
        return file.read()


class Case(unittest.TestCase):
    def setUp(self):
        self.all = Servers()
        self.addCleanup(self.all.close)

    def drive(self, url):
        drive = Drive(url)
        self.addCleanup(drive.kill)
        self.assertEqual(drive.greeting, "open")
        return drive


class Pair(Case):
    def test_it_is_made_fails_over_and_is_whole_again(self):
        db1, db2, db3 = self.all.store("db1"), self.all.empty("db2"), self.all.empty("db3")
        steps = guide.Guide(self.all, "A synchronous pair", {"db1": db1, "db2": db2, "db3": db3})
        as_db3 = lambda line: re.sub(r"application_name=db2|-S db2", lambda found: found.group(0).replace("db2", "db3"), line)
        steps.run("CREATE ROLE standby", db1)
        steps.run("host=db1 user=standby", db2)
        steps.run("host=db1 user=standby", db3, as_db3)
        for server in (db1, db2, db3):
            steps.run("SET synchronous_standby_names", server)
        wait_for(lambda: steps.run("application_name, state, sync_state", db1) == "db2|streaming|quorum\ndb3|streaming|quorum", "two standbys")
        ports = ",".join(str(server.port) for server in (db1, db2, db3))
        drive = self.drive("postgres:host=%s port=%s dbname=tact user=relay" % (",".join([self.all.dir] * 3), ports))
        for _ in range(100):
            self.assertEqual(drive.result("count 1 5000"), "ok")
        db1.kill()
        received = [steps.run("pg_last_wal_receive_lsn", server) for server in (db2, db3)]
        self.assertTrue(all(re.fullmatch(r"[0-9A-F]+/[0-9A-F]+", lsn) for lsn in received), received)
        new, other = (db2, db3) if self.lsn(received[0]) >= self.lsn(received[1]) else (db3, db2)
        names = {new: "db2" if new is db2 else "db3", other: "db3" if new is db2 else "db2"}

        def renamed(line):
            """The README's new primary is db2; here it may be db3."""
            return re.sub(r"\bdb([23])\b", lambda found: found.group(0) if new is db2 else "db%d" % (5 - int(found.group(1))), line)

        steps.run("pg_promote", new, renamed)
        self.assertIn(drive.result("count 1 1000"), ("unavailable", "uncertain"), "no standby yet")
        steps.run("SET primary_conninfo", other, renamed)
        wait_for(lambda: drive.result("count 1 5000") == "ok", "the new primary to be found")
        got = int(drive.ask("read 1 5000").split()[2])
        self.assertGreaterEqual(got, 101, "nothing acknowledged is lost")
        steps.run("-S db1", db1, renamed)
        wait_for(lambda: new.sql("SELECT application_name FROM pg_stat_replication WHERE sync_state = 'quorum' ORDER BY 1") ==
                 "db1\n" + names[other], "the old primary to follow")
        other.stop()
        self.assertEqual(drive.result("count 1 5000"), "ok", "the one that came back acknowledges")
        self.assertEqual(steps.left, [], "steps of the README that were not run")

    @staticmethod
    def lsn(text):
        high, low = text.split("/")
        return int(high, 16) << 32 | int(low, 16)


class Backup(Case):
    def tact(self, *words):
        done = subprocess.run([BUILD + "/src/tact", "-c", self.conf] + list(words), capture_output=True, timeout=60 * PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, "%s: %s%s" % (words, done.stdout.decode(), done.stderr.decode()))
        return done.stdout.decode()

    def suppress(self, *names):
        for name in names:
            self.tact("suppress", name + "@example.com", "--reason", "unsubscribe")

    def suppressed(self):
        return [name for name in ("ann", "bob", "carol", "dan") if "suppressions: 1" in self.tact("show", name + "@example.com")]

    def configure(self, url):
        self.conf = os.path.join(self.all.dir, "tact.conf")
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write('store = "%s"\naudit = "%s/audit"\nkey_file = "%s/key"\nhost = "relay.test"\nuser = ""\nsocket_group = ""\nlog = stderr\n'
                       'listener "smtp" { socket = "unix:%s/milter" }\n' % ((url,) + (self.all.dir,) * 3))
        self.tact("key", "new", self.all.dir + "/key")

    def test_a_time_before_the_damage_is_had_back(self):
        """And then, from the evidence, what people wished since."""
        db1 = self.all.store("db1")
        steps = guide.Guide(self.all, "Backup", {"db1": db1})
        self.configure(db1.url())
        steps.run("archive_mode = on", db1)
        self.suppress("ann")
        steps.run("pg_basebackup -D", db1)
        self.suppress("bob")
        then = db1.sql("SELECT clock_timestamp()")
        self.suppress("carol", "dan")
        db1.sql("DELETE FROM tact.tact_record")
        self.assertEqual(self.suppressed(), [])
        last = db1.sql("SELECT pg_walfile_name(pg_switch_wal())")
        wait_for(lambda: os.path.exists(os.path.join(steps.backup, "wal", last)), "%s to be archived\n%s" % (last, db1.last_words()))
        steps.run("recovery_target_time = '2", db1, lambda line: line.replace("2026-11-27 08:00:00+00", then))
        wait_for(lambda: db1.sql("SELECT pg_is_in_recovery()") == "f", lambda: "the end of recovery\n" + db1.last_words(), 60)
        self.assertEqual(steps.run("pg_is_in_recovery", db1).splitlines()[0], "f")
        self.assertTrue(os.path.isdir(db1.data + ".damaged"))
        self.assertEqual(self.suppressed(), ["ann", "bob"])
        self.tact(*steps.step("tact store recover").split()[1:])
        self.assertEqual(self.suppressed(), ["ann", "bob", "carol", "dan"])
        self.assertEqual(steps.left, [], "steps of the README that were not run")


class Watch(Case):
    def test_every_query_that_is_named_answers(self):
        main = self.all.store("main")
        main.sql("CREATE ROLE watcher LOGIN IN ROLE pg_monitor")
        self.all.standby("one", main)
        wait_for(lambda: main.sql("SELECT count(*) FROM pg_stat_replication") == "1", "a standby")
        drive = self.drive(main.url())
        self.assertEqual(drive.result("count 1 5000"), "ok")
        said = main.tool("psql", "-X", "-v", "ON_ERROR_STOP=1", "-U", "watcher", "-f", os.path.join(SOURCE, "contrib/postgresql/watch.sql")).stdout.decode()
        named = re.findall(r"^    ([a-z]+) {3,}", guide.section("What to watch"), re.M)
        self.assertEqual(re.findall(r"^\\echo (\w+)$", contrib("watch.sql"), re.M), named)
        answers = dict(zip(named, re.split(r"^(?:%s)\n" % "|".join(named), said, flags=re.M)[1:]))
        self.assertRegex(answers["standbys"], r"one +\| streaming +\| async")
        self.assertRegex(answers["connections"], r"relay +\| - +\| +[0-9]+ \| +[0-9]+ \| 60")
        self.assertRegex(answers["table"], r"kB +\| .* kB +\| +[0-9]+ +\| +0 ")
        self.assertIn("(0 rows)", answers["waiting"])

    def test_one_that_waits_for_a_standby_is_seen(self):
        main = self.all.store("main")
        drive = self.drive(main.url())
        main.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        main.sql("SELECT pg_reload_conf()")
        wait_for(lambda: main.sql("SHOW synchronous_standby_names") == "nobody", "the new settings")
        main.sql("CHECKPOINT")
        main.sql("CHECKPOINT")
        self.assertEqual(drive.result("count 1 500"), "uncertain")
        said = main.tool("psql", "-X", "-f", os.path.join(SOURCE, "contrib/postgresql/watch.sql")).stdout.decode()
        self.assertRegex(said, r"(?s)waiting\n.*SyncRep.*commits\n")

    def test_words_of_the_log_are_those_of_the_program(self):
        words = re.findall(r'"([^"]+)"', "\n".join(line for line in guide.section("What to watch").splitlines() if line.startswith("    tactd's log")))
        self.assertGreaterEqual(len(words), 3)
        for word in words:
            found = subprocess.run(["grep", "-rqF", word, os.path.join(SOURCE, "src")], check=False)
            self.assertEqual(found.returncode, 0, "no program says " + word)


class Logins(Case):
    def test_no_record_stands_in_the_log_of_statements(self):
        main = self.all.store("main", log_min_duration_statement="0")
        steps = guide.Guide(self.all, "Logins", {})
        before = os.path.getsize(main.log)
        self.assertEqual(self.drive(main.url()).result("count 1 5000"), "ok")
        self.assertRegex(main.words_since(before), r"(?s)tact_commit.*parameters: .*\\x02", "as it is without it")
        steps.run("log_parameter_max_length", main)
        before = os.path.getsize(main.log)
        self.assertEqual(self.drive(main.url()).result("count 1 5000"), "ok")
        said = main.words_since(before)
        self.assertIn("tact_commit", said)
        self.assertNotRegex(said, r"parameters: .*\\x0")


class OtherDatabases(unittest.TestCase):
    """Their own statements cannot be run here; the functions are those that relays will use, and keep the contract."""

    # What stands for Citus: three workers, a shard for each value.
    CITUS = """
SET allow_system_table_mods = on;
CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass);
CREATE TABLE pg_catalog.pg_dist_placement (shardid bigint, groupid integer);
INSERT INTO pg_catalog.pg_dist_placement SELECT shard, shard % 3 FROM generate_series(0, 255) AS shard;
CREATE FUNCTION pg_catalog.create_distributed_table(name regclass, field text, shard_count integer) RETURNS void LANGUAGE sql
AS 'INSERT INTO pg_dist_partition VALUES (name)';
CREATE FUNCTION pg_catalog.get_shard_id_for_distribution_column(name regclass, value anyelement) RETURNS bigint LANGUAGE sql AS 'SELECT value::bigint';
CREATE FUNCTION pg_catalog.citus_total_relation_size(name regclass) RETURNS bigint LANGUAGE sql AS 'SELECT pg_total_relation_size(name)';
"""

    @classmethod
    def setUpClass(cls):
        cls.servers = Servers()
        cls.addClassCleanup(cls.servers.close)
        cls.main = cls.servers.empty("main")

    def keeps_the_contract(self, schema, name, before=""):
        main = self.main
        main.sql("CREATE DATABASE %s" % name, database="postgres")
        main.sql(before + schema, database=name)
        main.sql(schema, database=name)  # may be run again
        main.sql("DO $$ BEGIN IF to_regrole('relay') IS NULL THEN CREATE ROLE relay LOGIN IN ROLE tact_relay;"
                 "CREATE ROLE web LOGIN IN ROLE tact_web; CREATE ROLE reader LOGIN IN ROLE tact_reader; END IF; END $$", database=name)
        url = main.url().replace("dbname=tact", "dbname=" + name)
        got = subprocess.run([BUILD + "/tests/store/contract"], env=dict(os.environ, TACT_STORE_URL=url), capture_output=True,
                             timeout=300 * PATIENCE, check=False)
        self.assertEqual(got.returncode, 0, got.stdout.decode() + got.stderr.decode() + main.last_words())
        for login, call in (("reader", "tact.tact_scan(3::smallint, '', 1)"), ("reader", "tact.tact_commit('{}', '{}', '{}', '{}', '{}', '{}')"),
                            ("web", "tact.tact_commit('{1}', ARRAY['\\x00112233445566778899aabbccddeeff'::bytea], '{1}', '{-1}', '{0}', '{\"\"}')"),
                            ("web", "tact.tact_scan(1::smallint, '', 1)")):
            done = main.tool("psql", "-XAtq", "-d", name, "-U", login, "-c", "SELECT * FROM " + call, check=False)
            self.assertRegex(done.stderr.decode(), "permission denied|only tact_relay may|reads no reviews", login + " " + call)

    def test_citus(self):
        self.keeps_the_contract(contrib("citus.sql"), "citus", self.CITUS)
        groups = self.main.sql("SELECT encode(tact.tact_groups(), 'hex')", database="citus")
        self.assertEqual(groups, "".join("%02x" % (part % 3) for part in range(256)))
        self.main.sql("DELETE FROM tact.tact_record; INSERT INTO tact.tact_record SELECT 1, decode(lpad(to_hex(n), 2, '0') || repeat('00', 15), 'hex'),"
                      " 1, 5, '', n FROM generate_series(0, 255) AS n", database="citus")
        for field, call in (("found_id", "tact.tact_scan_part(1::smallint, '', 1000, %d)"), ("due_id", "tact.tact_due_part(0, 0::smallint, '', 9, 1000, %d)")):
            query = "SELECT count(*), min(mod(get_byte(%s, 0), 3)), max(mod(get_byte(%s, 0), 3)) FROM %s" % (field, field, call)
            self.assertEqual([self.main.sql(query % part, database="citus") for part in (3, 4, 255)], ["86|0|0", "85|1|1", "86|0|0"])

    def test_yugabytedb(self):
        schema, count = re.subn(r"PRIMARY KEY \(kind ASC, id ASC\)\n\) SPLIT AT VALUES \(.*\);", "PRIMARY KEY (kind, id));", contrib("yugabytedb.sql"))
        self.assertEqual(count, 1)
        self.keeps_the_contract(schema, "yugabyte")

    def test_cockroachdb(self):
        schema, count = re.subn(r"CREATE ROLE IF NOT EXISTS (\w+);", r"DO $$ BEGIN CREATE ROLE \1; EXCEPTION WHEN duplicate_object THEN END $$;",
                                contrib("cockroachdb.sql"))
        self.assertEqual(count, 3)
        self.keeps_the_contract(schema, "cockroach")

    def test_every_schema_grants_the_same_functions(self):
        def functions(name):
            """Those that relays may call."""
            granted = "".join(re.findall(r"GRANT EXECUTE ON FUNCTION (.*?) TO ", re.sub(r"\s+", " ", contrib(name))))
            return set(re.findall(r"tact\.\w+\([^)]*\)", granted))

        # tact_durable goes with COPY, for which the others grant nothing: there tact_fill takes what is loaded.
        wanted = functions("schema.sql") - {"tact.tact_durable()"}
        self.assertGreater(len(wanted), 10)
        for name in ("citus.sql", "cockroachdb.sql", "yugabytedb.sql"):
            self.assertEqual(functions(name), wanted, name)
            self.assertIn("NOT RUN HERE", contrib(name))


if __name__ == "__main__":
    skip_without_servers()
    unittest.main(verbosity=2)

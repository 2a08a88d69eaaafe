# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""The part of `make bench` about PostgreSQL: whole decisions on one server, on a synchronous pair and on one to three partitions, beside
the same on LMDB; and what pgbench reaches on the same server with the same functions, batch size and connections. All servers stand on
this machine, so that more of them share its processors: the processor time of each is given. They keep what they acknowledge (fsync).

What is held against pgbench is measured in two ways. Shared: servers and who asks them have all processors. Then each decision that the
program makes (mail parsed, rules asked, evidence signed) takes from the server what pgbench, which makes none, leaves to it. Apart: the
servers are bound to one processor and who asks them, the program and pgbench alike, to another, as if the database had a machine of its
own. That tells how far the engine makes use of a database, so the aims are held against it."""

import json
import os
import re
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "store"))

from servers import Servers, bindir, wait_for

PEOPLE = int(os.environ.get("BENCH_DATABASE_PEOPLE", "50000"))
CALLERS = [int(word) for word in os.environ.get("BENCH_CALLERS", "128").split()]
CLIENTS = 4  # connections that commit, unless the url says otherwise
SETTINGS = {"fsync": "on", "shared_buffers": "128MB", "max_wal_size": "1GB", "autovacuum": "on", "log_min_messages": "warning"}
TICKS = os.sysconf("SC_CLK_TCK")
PLACES = {"shared": "", "apart": ", apart"}
PARTS = {"whole": "whole decisions", "share": "the store's share alone"}
SERVERS = {"local": "one server", "pair": "synchronous pair"}

# Batches of people of their own, no two with the same: a batch's arrays are ready made, so that pgbench need not send them. One script is
# what the engine does for one batch: load, and commit by the versions that were read; before it, for whole decisions, it looks for aliases.
BATCHES = """
INSERT INTO tact.tact_record SELECT kind, decode(md5(encode(id, 'hex')), 'hex'), version, wake, bytes FROM tact.tact_record WHERE kind = 1;
CREATE TABLE public.batch AS
	SELECT number::integer, array_agg(1::smallint) AS kinds, array_agg(4::smallint) AS aliases, array_agg(id ORDER BY id) AS ids,
		array_agg(0::bigint) AS wakes, array_agg(bytes ORDER BY id) AS frames
	FROM (SELECT (row_number() OVER (ORDER BY random()) - 1) / {size} AS number, r.id, r.bytes
		FROM tact.tact_record AS r JOIN (SELECT decode(md5(encode(id, 'hex')), 'hex') AS id FROM tact.tact_record) AS own USING (id)) AS people
	GROUP BY number HAVING count(*) = {size};
ALTER TABLE public.batch ADD PRIMARY KEY (number);
GRANT SELECT ON public.batch TO relay;
VACUUM ANALYZE;
"""
BEGIN = """
\\set batch random(0, {most})
"""
ALIASES = """
SELECT count(l.found_bytes) FROM public.batch AS b, tact.tact_load(b.aliases, b.ids) AS l WHERE b.number = :batch;
"""
LOAD_AND_COMMIT = """
SELECT array_agg(l.found_version ORDER BY l.found_id)::text AS versions, max(l.now_us) AS now, sum(octet_length(l.found_bytes)) AS bytes
FROM public.batch AS b, tact.tact_load(b.kinds, b.ids) AS l WHERE b.number = :batch
\\gset
SELECT count(*) FILTER (WHERE c.done) FROM public.batch AS b,
	tact.tact_commit(b.kinds, b.ids, (:versions)::bigint[], array_fill((:now)::bigint, ARRAY[{size}]), b.wakes, b.frames) AS c
WHERE b.number = :batch;
"""


def processor_s(server):
    """What a server and its processes have used, the ended ones too."""
    total = 0
    for pid in server.pids():
        try:
            with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(word) for word in fields[11:15 if pid == server.process.pid else 13])
    return total / TICKS


def per_processor(got):
    """Decisions for each second that a processor worked for the servers."""
    return got["per_second"] / max(sum(got["processors"].values()), 1 / TICKS)


class Processors:
    """Processor time of each server meanwhile, as a share of one processor."""

    def __init__(self, servers):
        self.servers, self.used = servers, {}

    def __enter__(self):
        self.began, self.before = time.monotonic(), [processor_s(server) for server in self.servers]
        return self

    def __exit__(self, *_):
        took = time.monotonic() - self.began
        self.used = {server.name: (processor_s(server) - before) / took for server, before in zip(self.servers, self.before)}


class Placed:
    """Where the servers and what is begun meanwhile may run: see above."""

    def __init__(self, servers, apart):
        self.pids = [pid for server in servers for pid in server.pids()]
        self.apart = apart

    @staticmethod
    def bind(pids, processors):
        for pid in pids:
            try:
                os.sched_setaffinity(pid, processors)
            except ProcessLookupError:
                pass  # a backend that has just ended; those to come are their server's children

    def __enter__(self):
        self.all = os.sched_getaffinity(0)
        if self.apart:
            servers, others = sorted(self.all)[:2]
            self.bind(self.pids, {servers})
            self.bind([0], {others})
        return self

    def __exit__(self, *_):
        self.bind(self.pids + [0], self.all)


class Databases:
    def __init__(self, bench, run, program, seconds):
        self.bench, self.run, self.program, self.seconds = bench, run, program, seconds

    def conf(self, name, url):
        return self.bench.write(name + ".conf", self.bench.configuration.replace("lmdb:{data}/db", url.replace("{", "{{").replace("}", "}}")))

    def fill(self, conf, servers=()):
        self.run(self.program("fill"), conf, PEOPLE)
        for server in servers:
            server.sql("VACUUM ANALYZE")

    def decisions(self, conf, servers=(), callers=CALLERS[-1], share=False, apart=False):
        with Placed(servers, apart), Processors(servers) as processors:
            got = json.loads(self.run(self.program("decisions"), *(["-s"] if share else []), conf, callers, self.seconds, PEOPLE, 0))
        return dict(got, callers=callers, processors=processors.used)

    def pgbench(self, servers, size, share, apart):
        """Transactions of a batch of SIZE each, as decisions."""
        server = servers[0]
        server.sql("DROP TABLE IF EXISTS public.batch; DELETE FROM tact.tact_record AS r USING (SELECT decode(md5(encode(id, 'hex')), 'hex') AS id"
                   " FROM tact.tact_record) AS own WHERE own.id = r.id")
        for statement in BATCHES.format(size=size).split(";\n"):
            server.sql(statement)
        most = int(server.sql("SELECT max(number) FROM public.batch"))
        path = os.path.join(server.servers.dir, "batch.pgbench")
        with open(path, "w", encoding="utf-8") as file:
            file.write((BEGIN + ("" if share else ALIASES) + LOAD_AND_COMMIT).format(most=most, size=size))
        with Placed(servers, apart), Processors(servers) as processors:
            said = server.tool("pgbench", "-n", "-U", "relay", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", "%d" % max(1, self.seconds),
                               "-f", path).stdout.decode()
        per_second = float(re.search(r"tps = ([0-9.]+)", said).group(1))
        failed = re.search(r"number of failed transactions: (\d+)", said)
        if failed and int(failed.group(1)) > 0:
            raise RuntimeError("pgbench: %s" % said)
        return {"batch": size, "commits_per_second": per_second, "per_second": per_second * size, "processors": processors.used}

    def one_beside_pgbench(self, conf, servers, callers, share, apart):
        """Decisions before and after: a shared machine changes meanwhile."""
        before = self.decisions(conf, servers, callers, share, apart)
        floor = self.pgbench(servers, max(1, round(before["batch"])), share, apart)
        after = self.decisions(conf, servers, callers, share, apart)
        got = {"per_second": (before["per_second"] + after["per_second"]) / 2,
               "per_processor": (per_processor(before) + per_processor(after)) / 2}
        return {"before": before, "pgbench": floor, "after": after, "to_pgbench": got["per_second"] / floor["per_second"],
                "per_processor_to_pgbench": got["per_processor"] / per_processor(floor)}

    def beside_pgbench(self, conf, servers, callers):
        return {place: {part: self.one_beside_pgbench(conf, servers, callers, part == "share", place == "apart") for part in PARTS}
                for place in PLACES if place == "shared" or len(os.sched_getaffinity(0)) > 1}

    def by_callers(self, conf, servers):
        self.fill(conf, servers[:1])
        return [self.beside_pgbench(conf, servers, callers) for callers in CALLERS]

    def local(self):
        with Servers(self.bench.data) as servers:
            main = servers.store("main", **SETTINGS)
            conf = self.conf("local", main.url())
            cells = self.by_callers(conf, [main])
            return cells, self.bench.tact(CALLERS[-1], False, conf, PEOPLE)

    def pair(self):
        with Servers(self.bench.data) as servers:
            main = servers.store("main", **SETTINGS)
            other = servers.standby("one", main)
            main.sql("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (one)'")
            main.sql("SELECT pg_reload_conf()")
            wait_for(lambda: main.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum'") == "1", "the standby")
            return self.by_callers(self.conf("pair", main.url()), [main, other])

    def partitions(self, count):
        with Servers(self.bench.data) as servers:
            parts = [servers.store("part%d" % number, **SETTINGS) for number in range(count)]
            proxy = servers.proxy("proxy", parts, **SETTINGS)
            conf = self.conf("partitions%d" % count, proxy.url())
            self.fill(conf, parts)
            return self.decisions(conf, [proxy] + parts)

    def all(self):
        conf = self.conf("lmdb", "lmdb:%s/decisions" % self.bench.data)
        self.fill(conf)
        lmdb = self.decisions(conf)
        result = {"people": PEOPLE, "callers": CALLERS, "clients": CLIENTS, "pair": self.pair()}
        result["local"], result["tactd"] = self.local()
        result["partitions"] = {str(count): self.partitions(count) for count in (1, 2, 3)}
        return dict(result, lmdb=lmdb, lmdb_after=self.decisions(conf))


def measure(bench, run, program, seconds):
    if not bindir() or not os.path.exists(os.path.join(bindir(), "../lib/plproxy.so")):
        print("bench: no PostgreSQL server is installed: left out")
        return None
    return Databases(bench, run, program, seconds).all()


def aims(result):
    """Held against what is measured apart, where the machine allows it. Shared, and by what the servers use: see the table."""
    if not result:
        return []
    cells = [(words, result[name][-1].get("apart") or result[name][-1]["shared"]) for name, words in SERVERS.items()]
    where = PLACES["apart" if "apart" in result["local"][-1] else "shared"]
    return [("%s%s: %s / pgbench" % (words, where, said), cell[part]["to_pgbench"], ">=", 0.7) for words, cell in cells for part, said in PARTS.items()]


def rows_beside_pgbench(words, cell):
    for place, where in PLACES.items():
        for part, got in cell.get(place, {}).items():
            said = words + where if part == "whole" else "  the store's share%s" % where
            yield said, got["before"]
            yield "    pgbench, same calls and batch", got["pgbench"]
            yield said + ", again", got["after"]


def rows(result):
    """(what, figures) for the table."""
    yield "lmdb", result["lmdb"]
    for name, words in SERVERS.items():
        for cell in result[name]:
            yield from rows_beside_pgbench("postgres, " + words, cell)
    for count, got in result["partitions"].items():
        yield "postgres, %s partition%s" % (count, "" if count == "1" else "s"), got
    yield "lmdb, again", result["lmdb_after"]


def show_row(what, got):
    times = "%9.2f %9.2f %9.1f" % (got["p50_us"] / 1000, got["p99_us"] / 1000, got["cpu_us"]) if "p50_us" in got else " " * 29
    each = "%9.0f" % per_processor(got) if got["processors"] else " " * 9
    print("%-42s %7s %11.0f %s %7.1f %s  %s" % (
        what, got.get("callers", ""), got["per_second"], times, got["batch"], each, " ".join("%s %.2f" % pair for pair in got["processors"].items())))


def show_ratios(result):
    print("\ndecisions / pgbench with the same calls and batch          each second   each second of the servers' processors")
    for name, words in SERVERS.items():
        for cell in result[name]:
            for place, parts in cell.items():
                for part, got in parts.items():
                    said = "%s, %s%s" % (words, PARTS[part], PLACES[place] or ", shared")
                    print("%-56s %13.2f %13.2f" % (said, got["to_pgbench"], got["per_processor_to_pgbench"]))
    print()


def show(result):
    print("decisions without the milter; %d dossiers; apart: the servers on one processor, who asks them on another; else both on all" % result["people"])
    print("d/s/proc: decisions for each second that a processor worked for the servers; servers: share of one processor")
    print("%-42s %7s %11s %9s %9s %9s %7s %9s  %s" % (
        "store", "callers", "decisions/s", "p50 ms", "p99 ms", "CPU us/d", "batch", "d/s/proc", "servers"))
    for what, got in rows(result):
        show_row(what, got)
    tactd = result["tactd"]
    print("accept %5d  %-22s %10.0f %9.2f %9.2f %9.1f" % (
        CALLERS[-1], "tactd, one server", tactd["per_second"], tactd["p50_us"] / 1000, tactd["p99_us"] / 1000, tactd["cpu_us"]))
    show_ratios(result)

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""
Imports, the part of `make bench` that BENCH_ONLY=bulk names: ready records into both engines beside the floor of each (mdb_put with MDB_APPEND, COPY
into a bare table), `tact import --bulk` beside its keying alone, bytes per suppressed recipient, and what an import does to the mail meanwhile.
BENCH_ROWS (1000000) is the size of everything; the postgres part is left out where there are no servers.

The PostgreSQL server is as one that has run for a while: its log goes into segments of the usual size that were used before, for a new one is
written twice, once to make it. The floor's rows are sent by a client, psql, as tact sends its own, into a logged table that stood there before.
"""

import glob
import json
import os
import shutil
import subprocess
import sys
import time

import run

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "store"))
import servers  # noqa: E402
from databases import processor_s  # noqa: E402

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))  # of each figure that is held against another: the median counts
TACT = os.path.join(run.BUILD, "src", "tact")


def median(values):
    return sorted(values)[len(values) // 2]


def ask(*words):
    return json.loads(run.run(run.program("bulk"), *words))


def list_of_suppressed(data):
    """People whom nobody knows yet."""
    path = os.path.join(data, "suppressed.csv")
    with open(path, "w", encoding="ascii") as file:
        file.write("email,reason,created_at\n")
        file.writelines("person%08d@elsewhere.example,unsubscribe,2026-01-%02dT10:%02d:00Z\n" % (number, 1 + number % 28, number % 60)
                        for number in range(ROWS))
    return path


class Import:
    """tact import --bulk while somebody watches."""

    def __init__(self, conf, path, data):
        self.began = time.monotonic()
        self.work = os.path.join(data, "work-%d" % os.getpid())
        shutil.rmtree(self.work, ignore_errors=True)
        self.process = subprocess.Popen([TACT, "-c", conf, "--json", "import", "--bulk", "--work", self.work, path], stdout=subprocess.PIPE)
        self.read_s = self.read_cpu_s = None

    def cpu_s(self):
        """Of all its threads so far."""
        with open("/proc/%d/stat" % self.process.pid, encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def is_loading(self):
        """The mark is there once all is read and sorted."""
        if self.read_s is None and glob.glob(self.work + "/*.mark"):
            self.read_s = time.monotonic() - self.began
            self.read_cpu_s = self.cpu_s()
        return self.read_s is not None

    def end(self):
        while self.process.poll() is None and not self.is_loading():
            time.sleep(0.01)
        with run.Memory([self.process.pid]) as memory:
            said = self.process.stdout.read()
        _, status, used = os.wait4(self.process.pid, 0) if self.process.returncode is None else (0, self.process.returncode, None)
        took = time.monotonic() - self.began
        self.process.returncode = status
        if status != 0:
            raise RuntimeError("import ended with %d" % status)
        done = json.loads(said)
        return {"rows": done["rows"], "new": done["new"], "known": done["known"], "seconds": took, "per_second": done["rows"] / took,
                "read_s": self.read_s, "load_s": took - (self.read_s or took), "memory_bytes": memory.most,
                "cpu_s": used.ru_utime + used.ru_stime if used else 0, "read_cpu_s": self.read_cpu_s}

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.work, ignore_errors=True)


# ---- lmdb ---------------------------------------------------------------------------------------------------


def measure_lmdb(data):
    def fresh(name):
        shutil.rmtree(os.path.join(data, name), ignore_errors=True)
        return os.path.join(data, name)

    floors, fills = [], []
    for _ in range(ROUNDS):
        floors.append(ask("floor", fresh("floor"), ROWS))
        fills.append(ask("fill", "lmdb:" + fresh("filled"), ROWS))
    result = {"floor": median([one["per_second"] for one in floors]), "fill": median([one["per_second"] for one in fills]),
              "bytes_per_record": ask("size", "lmdb:" + os.path.join(data, "filled"), ROWS)["bytes_per_record"]}
    for name in ("floor", "filled"):
        fresh(name)
    return result


def conf_of(bench, name, url):
    """The bench's configuration over another, empty store, with evidence of its own."""
    text = run.CONFIGURATION.replace("lmdb:{data}/db", url).replace("{data}/audit", "{data}/" + name + "-audit")
    return bench.write(name + ".conf", text)


def size_of(conf):
    figures = json.loads(run.run(TACT, "-c", conf, "--json", "store", "stats"))
    return figures["size_bytes"] / figures["records"]["dossiers"]


def measure_import(bench, conf, path):
    result = Import(conf, path, bench.data).end()
    result["bytes_per_recipient"] = size_of(conf)
    again = Import(conf, path, bench.data).end()
    result["again_per_second"] = again["per_second"]
    if result["new"] != ROWS or again["known"] != ROWS:
        raise RuntimeError("import: %d new of %d, then %d known" % (result["new"], ROWS, again["known"]))
    return result


# ---- postgres -----------------------------------------------------------------------------------------------


def use(server, load):
    """Rows a second of LOAD, which loads all of them, and the server's processor time for each in us."""
    server.sql("CHECKPOINT")
    cpu_s, began = processor_s(server), time.monotonic()
    load()
    return {"per_second": ROWS / (time.monotonic() - began), "server_us": (processor_s(server) - cpu_s) * 1e6 / ROWS}


def copy_bare(server, path):
    """Sent by a client, by one connection, into a table of the same columns without key or index."""
    server.sql("DROP TABLE IF EXISTS bare; CREATE TABLE bare (kind smallint, id bytea, version bigint, wake bigint, bytes bytea)")
    return use(server, lambda: server.tool("psql", "-Xq", "-c", "\\copy bare FROM '%s' (FORMAT binary)" % path))


def copy_indexed(server, path):
    """Into tact's own table, with its key, from a file that the server reads itself: what it takes for that alone."""
    server.sql("TRUNCATE tact.tact_record")
    got = use(server, lambda: server.sql("COPY tact.tact_record FROM '%s' (FORMAT binary)" % path))
    server.sql("TRUNCATE tact.tact_record")
    return got


def fill(server, right):
    """Ready records, by COPY or, without the right to it, by tact_fill as through PL/Proxy."""
    said = {}
    server.sql("TRUNCATE tact.tact_record; %s tact_relay" % right)
    got = use(server, lambda: said.update(ask("fill", server.url(), ROWS)))
    return dict(got, **said)


def median_of(rounds, name):
    return median([one[name] for one in rounds])


def ready_server(all_servers):
    """A server whose log is written over, and a file of the rows."""
    server = all_servers.store("main", segment_mb=16, fsync="on", shared_buffers="256MB", max_wal_size="4GB", min_wal_size="1GB")
    ready = os.path.join(all_servers.dir, "ready")
    with open(ready, "wb") as file:
        subprocess.run([run.program("bulk"), "copy", str(ROWS)], stdout=file, check=True)
    os.chmod(ready, 0o644)
    for _ in range(3):
        copy_indexed(server, ready)
    return server, ready


def measure_postgres(bench, all_servers):
    server, ready = ready_server(all_servers)
    floors, indexed, calls, fills = [], [], [], []
    for _ in range(ROUNDS):
        floors.append(copy_bare(server, ready))
        indexed.append(copy_indexed(server, ready))
        calls.append(fill(server, "REVOKE INSERT ON tact.tact_record FROM"))
        fills.append(fill(server, "GRANT INSERT ON tact.tact_record TO"))
    os.unlink(ready)
    size = ask("size", server.url(), ROWS)
    server.sql("DROP TABLE bare; TRUNCATE tact.tact_record")
    return server, {"floor": median_of(floors, "per_second"), "copy_indexed": median_of(indexed, "per_second"), "fill": median_of(fills, "per_second"),
                    "call": median_of(calls, "per_second"), "bytes_per_record": size["bytes_per_record"], "floor_us": median_of(floors, "server_us"),
                    "indexed_us": median_of(indexed, "server_us"), "fill_us": median_of(fills, "server_us"), "client_us": median_of(fills, "cpu_us")}


# ---- the mail meanwhile -------------------------------------------------------------------------------------


def measure_mail(bench, conf, path, connections=8):
    """Accepting without an import, while one loads, and without again. People of the list are new to this store at each round."""
    def cell():
        with bench.tactd(conf) as milter:
            return bench.load(milter, connections, False)

    without = [cell()]
    with bench.tactd(conf) as milter:
        loading = Import(conf, path, bench.data)
        while not loading.is_loading() and loading.process.poll() is None:
            time.sleep(0.01)
        beside = bench.load(milter, connections, False)
        still = loading.process.poll() is None
        loading.stop()
    without.append(cell())
    return {"connections": connections, "without": without, "during": beside, "import_lasted": still,
            "ratio": beside["p99_us"] / (sum(one["p99_us"] for one in without) / len(without))}


# ---- all of it ----------------------------------------------------------------------------------------------


def measure(bench):
    if not os.path.exists(os.path.join(bench.data, "db")):
        bench.fill()
    path = list_of_suppressed(bench.data)
    result = {"rows": ROWS, "key": ask("key", bench.conf, min(ROWS, 1000000)), "lmdb": measure_lmdb(bench.data)}
    result["parts"] = json.loads(run.run(run.program("bulk_parts"), path, bench.data))
    result["lmdb"]["mail"] = measure_mail(bench, bench.conf, path)
    result["lmdb"]["import"] = measure_import(bench, conf_of(bench, "bulk", "lmdb:{data}/bulk"), path)
    if servers.bindir():
        with servers.Servers() as all_servers:
            server, result["postgres"] = measure_postgres(bench, all_servers)
            conf = conf_of(bench, "bulk-pg", server.url())
            result["postgres"]["import"] = measure_import(bench, conf, path)
            server.sql("TRUNCATE tact.tact_record")
            result["postgres"]["mail"] = measure_mail(bench, conf, path)
    return result


def print_parts(result):
    """Where an import's time goes: what each step takes of one processor, and the whole beside what all processors could do."""
    key, parts, one, per_row = result["key"], result["parts"], result["lmdb"]["import"], 1e6 / result["rows"]
    read = (one["read_cpu_s"] or 0) * per_row
    steps = [("digest of the file", parts["digest_us"]), ("CSV and words", parts["csv_us"]), ("canonical form", key["recipient_us"] - key["own_us"]),
             ("keying", key["own_us"]), ("sorting", parts["sort_us"]), ("merging", parts["merge_us"])]
    print("of each row, us of one processor: " + ", ".join("%s %.2f" % step for step in steps))
    print("an import in all: %.2f reading, %.2f loading; %.2f us by the clock with %d processors, so that %.2f of them worked" % (
        read, one["cpu_s"] * per_row - read, 1e6 / one["per_second"], os.cpu_count(), one["cpu_s"] / one["seconds"]))
    print("HMAC alone is %.2f of that work: the ratio can be no more than %.2f here" % (
        key["hmac_us"] / (one["cpu_s"] * per_row), os.cpu_count() * key["hmac_us"] / (one["cpu_s"] * per_row)))


def print_bound(result):
    """What keeps an import into PostgreSQL from the speed of HMAC alone, where client and server share the processors."""
    hmac_us, got = result["key"]["hmac_us"], result["postgres"]
    client_us = got["import"]["cpu_s"] * 1e6 / result["rows"]
    bounds = [os.cpu_count() * hmac_us / (client_us + server_us) for server_us in (got["floor_us"], got["fill_us"])]
    print("an import into it takes %.2f us of the client: with the server's %.2f of a table without key the ratio to HMAC alone can be no more than %.2f here,"
          " with its %.2f of tact's own no more than %.2f, were no processor ever idle" % (client_us, got["floor_us"], bounds[0], got["fill_us"], bounds[1]))


def print_result(result):
    key = result["key"]
    print("import of %d suppressed recipients; keying alone: HMAC %.2f us, tact's own %.2f us, with the canonical form %.2f us" % (
        result["rows"], key["hmac_us"], key["own_us"], key["recipient_us"]))
    print("HMAC alone is the library's SHA-256 and HMAC-SHA-256 of an address with the secret handed over each time, what the aims are held against;"
          " tact's own makes the secret ready once: the key is the same")
    print("%-9s %12s %12s %6s  %9s %9s  %10s %8s %8s %8s  %12s %12s" % (
        "engine", "floor/s", "ready/s", "ratio", "bytes", "imported", "import/s", "read s", "load s", "MB", "p99 without", "p99 during"))
    for name in ("lmdb", "postgres"):
        if name not in result:
            continue
        got, one, mail = result[name], result[name]["import"], result[name]["mail"]
        print("%-9s %12.0f %12.0f %6.2f  %9.1f %9.1f  %10.0f %8.1f %8.1f %8.0f  %9.2f ms %9.2f ms%s" % (
            name, got["floor"], got["fill"], got["fill"] / got["floor"], got["bytes_per_record"], one["bytes_per_recipient"], one["per_second"],
            one["read_s"], one["load_s"], one["memory_bytes"] / 1e6, sum(cell["p99_us"] for cell in mail["without"]) / 2000, mail["during"]["p99_us"] / 1000,
            "" if mail["import_lasted"] else " (the import ended before)"))
    print_parts(result)
    if "postgres" in result:
        got = result["postgres"]
        print("postgres: COPY into tact's own table, with its key, %.0f rows/s by one connection. By tact_fill, as through PL/Proxy, %.0f rows/s" % (
            got["copy_indexed"], got["call"]))
        print("of the server's processors a row takes %.2f us in the bare table, %.2f in tact's own by one connection, and %.2f by the two that load it,"
              " whose client takes %.2f" % (got["floor_us"], got["indexed_us"], got["fill_us"], got["client_us"]))
        print_bound(result)
    print_own(result)


def print_own(result):
    """Beside what tact's own keying takes now, an import comes less near: no aim is held against that."""
    for name in ("lmdb", "postgres"):
        if name in result:
            print("%s: import end to end / tact's own keying %.2f" % (name, result[name]["import"]["per_second"] * result["key"]["own_us"] / 1e6))


def aims(result):
    got = []
    for name in ("lmdb", "postgres"):
        if name not in result:
            continue
        if name == "postgres":
            got.append(("postgres: ready records / COPY into the same table, with its key", result[name]["fill"] / result[name]["copy_indexed"], ">=", 0.5))
        got += [
            ("%s: ready records / floor" % name, result[name]["fill"] / result[name]["floor"], ">=", 0.5),
            ("%s: import end to end / HMAC alone" % name, result[name]["import"]["per_second"] * result["key"]["hmac_us"] / 1e6, ">=", 0.7),
            ("%s: p99 of mail during an import / without" % name, result[name]["mail"]["ratio"], "<=", 3.0),
        ]
    return got + [("lmdb: bytes per suppressed recipient after a load", result["lmdb"]["import"]["bytes_per_recipient"], "<=", 100.0)]

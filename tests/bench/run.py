# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# `make bench`: tactd beside (a) a milter that does nothing and (b) a bare loop of store update and evidence append, in one run on one disk,
# at 1, 8 and 64 connections. Prints one table, says which aims are met, and writes bench.json into the build folder. Figures of different
# machines, and of different hours of a shared one, do not compare; the ratios do. bench.mk names the settings.

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import databases

BUILD = os.environ.get("TACT_BUILD", ".")
SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
PEOPLE = int(os.environ.get("BENCH_PEOPLE", "1000000"))
READS_FEW, READS_MANY = 10_000, int(os.environ.get("BENCH_READS", "10000000"))
READS_BYTES = 800  # on the disk for each dossier
CONNECTIONS = tuple(int(word) for word in os.environ.get("BENCH_CONNECTIONS", "1 8 64").split())
WITHOUT_DISK = {"tmpfs", "ramfs", "devtmpfs", "hugetlbfs"}
START_PATIENCE_S = 30
ONLY = os.environ.get("BENCH_ONLY", "")

CONFIGURATION = """
listener "smtp" {{ socket = "unix:{sockets}/milter" }}
store = "lmdb:{data}/db"
audit = "{data}/audit"
key_file = "{data}/key"
host = "bench"
user = ""
socket_group = ""
gate_socket = "{sockets}/gate"
pass_socket = "{sockets}/pass"
refuse_socket = "{sockets}/refuse"
trusted {{ sasl_users = {{"desk"}} }}
owner "corporate" {{ }}
brand "brand" {{ }}
stream "offers" {{ owner = "corporate" brand = "brand" purpose = newsletter sasl_users = {{"desk"}} }}
suppression "wishes" {{ }}
limit "weekly" {{ at_most = 1000/7d count = {{promotional, newsletter}} }}
limit "yearly" {{ at_most = "10000 per calendar-year" action = reject }}
limit "breathing" {{ at_most = 1000/20h by = other-owner }}
limit "same-campaign" {{ at_most = 1000/90d same = campaign action = reject }}
"""

# What is asked on top of it with every kind of rule, and with content too. None of it holds back what is sent here.
KINDS = """
consent "permission" {{ bases = {{express, implied}} expires_after = {{"implied = 2 calendar-years"}} }}
quiet_hours "nights" {{ hours = {{"03:59-04:00"}} holidays = {{"2020-01-01"}} zone = "Europe/London" }}
occasion "birthday" {{ unknown = accept }}
territory "home" {{ }}
limit "silence" {{ at_most = "500 since positive" action = reject }}
limit "cool-off" {{ at_most = 20/30d count = negative rest = 60d action = reject }}
limit "own-wish" {{ at_most = recipient }}
limit "not-only" {{ at_least = 1/365d count = {{promotional, newsletter, personal}} action = reject }}
limit "conversation" {{ at_most = 100/5d count = personal direction = any }}
breaker "health" {{ complaints = "50%" at_least = 1000000 }}
"""
CONTENT = """
content "for-somebody" {{ must_not = {{generic-salutation, unfilled-merge-tag}} }}
content "no-offers" {{ must_not = {{offer-language}} headers_must = {{List-Unsubscribe}} }}
"""


def program(name):
    return os.path.join(BUILD, "tests", "bench", name)


# ---- the disk -----------------------------------------------------------------------------------------------


def file_system(path):
    """Kind of the file system that PATH stands on."""
    path, best, kind = os.path.realpath(path), "", "unknown"
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            fields, _, rest = line.partition(" - ")
            mount = fields.split()[4].replace("\\040", " ")
            inside = mount == "/" or path == mount or path.startswith(mount + "/")
            if inside and len(mount) >= len(best):
                best, kind = mount, rest.split()[0]
    return kind


def folder_on_disk():
    asked = os.environ.get("BENCH_FOLDER") or os.environ.get("TMPDIR") or BUILD
    kind = file_system(asked)
    if kind in WITHOUT_DISK:
        sys.exit("bench: %s is a %s: nothing there is durable; set BENCH_FOLDER to a folder on the disk to be measured" % (asked, kind))
    return asked, kind


def flushes_per_second(folder, seconds=1.0):
    path, block, done = os.path.join(folder, "flush"), b"x" * 4096, 0
    fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        os.write(fd, block)
        os.fdatasync(fd)
        done += 1
    os.close(fd)
    os.unlink(path)
    return done / seconds


# ---- processes ----------------------------------------------------------------------------------------------


def family(pid):
    """PID and its children."""
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
        return [pid] + [int(word) for word in file.read().split()]


def memory_bytes(pids):
    """What the processes hold beside mapped files: the store's map is the page cache's."""
    total = 0
    for pid in pids:
        try:
            with open("/proc/%d/status" % pid, encoding="ascii") as file:
                total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith(("RssAnon:", "RssShmem:")))
        except OSError:
            pass
    return total


class Memory(threading.Thread):
    """The most that the processes held at a time."""

    def __init__(self, pids):
        super().__init__(daemon=True)
        self.pids, self.most, self.ended = pids, 0, threading.Event()

    def run(self):
        while not self.ended.wait(0.1):
            self.most = max(self.most, memory_bytes(self.pids))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


class Milter:
    """A milter that runs for one cell of the table."""

    def __init__(self, command, path, log):
        self.path, self.log, self.command = path, log, command

    def answers(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(self.path)
            except OSError:
                return False
        return True

    def __enter__(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stderr=log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + START_PATIENCE_S
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                self.__exit__()
                sys.exit("bench: %s does not come up; its log ends:\n%s" % (self.command[0], tail(self.log)))
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def tail(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return "".join(file.readlines()[-10:])


def run(*command):
    got = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, check=False)
    if got.returncode != 0:
        raise RuntimeError("%s ended with %d" % (" ".join(str(word) for word in command), got.returncode))
    return got.stdout.decode()


# ---- the cells ----------------------------------------------------------------------------------------------


class Bench:
    configuration = CONFIGURATION

    def __init__(self, data, sockets):
        self.data, self.sockets, self.memory = data, sockets, 0
        self.log = os.path.join(data, "log")
        self.used = 0  # messages so far: each cell writes to people of its own
        self.conf = self.write("tact.conf", CONFIGURATION)
        self.kinds = self.write("kinds.conf", CONFIGURATION + KINDS)
        self.content = self.write("content.conf", CONFIGURATION + KINDS + CONTENT)

    def write(self, name, text):
        path = os.path.join(self.data, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.format(data=self.data, sockets=self.sockets))
        return path

    def fill(self):
        began = time.monotonic()
        run(program("fill"), self.conf, PEOPLE)
        return time.monotonic() - began

    def load(self, milter, connections, rejecting, people=PEOPLE):
        pids = family(milter.process.pid)
        words = ["-c", connections, "-t", SECONDS, "-n", people, "-f", self.used]
        for pid in pids:
            words += ["-p", pid]
        with Memory(pids) as memory:
            got = json.loads(run(program("load"), *words, *(["-r"] if rejecting else []), milter.path))
        got["memory_bytes"] = memory.most
        self.used += 2 * got["messages"]
        return got

    def tactd(self, conf=None):
        return Milter([os.path.join(BUILD, "src", "tactd"), "-f", "-c", conf or self.conf], self.sockets + "/milter", self.log)

    def negotiated(self):
        with self.tactd() as milter:
            return run(program("load"), "-q", milter.path).strip()

    def tact(self, connections, rejecting, conf=None, people=PEOPLE):
        with self.tactd(conf) as milter:
            got = self.load(milter, connections, rejecting, people)
        self.memory = max(self.memory, got["memory_bytes"])
        return got

    def nothing(self, connections, rejecting, steps):
        path = self.sockets + "/nothing"
        with Milter([program("nothing"), "unix:" + path, steps, "reject" if rejecting else "accept"], path, self.log) as milter:
            return self.load(milter, connections, rejecting)

    def floor(self, connections, rejecting):
        words = ["-r"] if rejecting else []
        got = json.loads(run(program("floor"), *words, self.conf, connections, SECONDS, PEOPLE, self.used))
        self.used += got["messages"]
        return got

    def cell(self, connections, rejecting, steps):
        return {
            "connections": connections, "mode": "reject" if rejecting else "accept",
            "nothing": self.nothing(connections, rejecting, steps),
            "floor": self.floor(connections, rejecting),
            "tact": self.tact(connections, rejecting),
        }


def measure_kinds(bench):
    """Accepting with every kind of rule, without and with content, beside the plain rules before and after: a shared machine changes meanwhile."""
    most = CONNECTIONS[-1]
    before = bench.tact(most, False)
    kinds, content = bench.tact(most, False, bench.kinds), bench.tact(most, False, bench.content)
    after = bench.tact(most, False)
    plain = (before["per_second"] + after["per_second"]) / 2
    return {"plain": before, "plain_after": after, "kinds": kinds, "content": content,
            "kinds_ratio": kinds["per_second"] / plain, "content_ratio": content["per_second"] / plain}


def list_of_all(bench):
    names = os.path.join(bench.data, "list.csv")
    with open(names, "w", encoding="ascii") as file:
        file.write("email\n")
        file.writelines("person%08d@customers.example\n" % number for number in range(PEOPLE))
    return names


def measure_preflight(bench):
    """A campaign to everybody in the store, asked about beforehand; per million recipients."""
    names = list_of_all(bench)
    began = time.monotonic()
    got = json.loads(run(os.path.join(BUILD, "src", "tact"), "-c", bench.kinds, "--json", "preflight", "--stream", "offers", "--rate", "50000/1h", names))
    took = time.monotonic() - began
    if got["recipients"] != PEOPLE or got["undecided"] != 0:
        raise RuntimeError("preflight asked about %d of %d, %d undecided" % (got["recipients"], PEOPLE, got["undecided"]))
    return {"recipients": PEOPLE, "seconds": took, "seconds_per_million": took * 1e6 / PEOPLE}


def measure_plan(bench):
    """The same campaign planned: a place claimed for everybody, written in chunks that leave the store to mail."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    words = ["--json", "campaign", "plan", "--stream", "offers", "--at", at, "--priority", "500", "bench", list_of_all(bench)]
    began = time.monotonic()
    got = json.loads(run(os.path.join(BUILD, "src", "tact"), "-c", bench.kinds, *words))
    took = time.monotonic() - began
    if got["claimed"] + got["without_room"] != PEOPLE or got["claimed"] < PEOPLE * 0.99:
        raise RuntimeError("campaign plan claimed %d of %d places" % (got["claimed"], PEOPLE))
    return {"recipients": PEOPLE, "seconds": took, "seconds_per_million": took * 1e6 / PEOPLE}


def measure_reads(data):
    disk = os.statvfs(data)
    most = min(READS_MANY, int(disk.f_bavail * disk.f_frsize * 0.9 / READS_BYTES))
    if most < READS_MANY:
        print("bench: the disk has room for %d dossiers only" % most)
    few, many = (json.loads(run(program("reads"), os.path.join(data, "reads-%d" % count), count)) for count in (READS_FEW, most))
    return {"few": few, "many": many, "ratio": many["read_us"] / few["read_us"], "cold_ratio": many["cold_us"] / few["cold_us"]}


# ---- what is shown ------------------------------------------------------------------------------------------


def ratios(cell):
    tact, nothing, floor = (cell[name]["per_second"] for name in ("tact", "nothing", "floor"))
    return {"to_a": tact / nothing, "to_b": tact / floor, "to_lower": tact / min(nothing, floor)}


def print_cells(cells):
    print("%-6s %5s  %-22s %10s %9s %9s %9s  %6s %6s %6s" % (
        "mode", "conns", "what", "messages/s", "p50 ms", "p99 ms", "CPU us/m", "/ (a)", "/ (b)", "/ low"))
    names = {"tact": "tactd", "nothing": "(a) do-nothing milter", "floor": "(b) update + append"}
    for cell in cells:
        for name, words in names.items():
            got = cell[name]
            if name == "floor" and cell["mode"] == "reject":
                words = "(b) append only"
            line = "%-6s %5d  %-22s %10.0f %9.2f %9.2f %9.1f" % (
                cell["mode"], cell["connections"], words, got["per_second"], got["p50_us"] / 1000, got["p99_us"] / 1000, got["cpu_us"])
            if name == "tact":
                line += "  %6.2f %6.2f %6.2f" % tuple(cell["ratios"][key] for key in ("to_a", "to_b", "to_lower"))
            print(line)


def aims(result):
    """Every aim with what came out: (what, got, sign, want). Rejecting is held against the milter that does nothing, so accepts; what one
    that only rejects would reach stands in the table above. Reads are held against each other as they come on the mail path, the work of other
    mails between them; in a row, ten thousand dossiers stay in the processor's own caches and ten million do not, whatever reads them."""
    return (aims_of_one(result) if "cells" in result else []) + databases.aims(result.get("databases")) + (
        bulk.aims(result["bulk"]) if "bulk" in result else [])


def aims_of_one(result):
    cells = {(cell["mode"], cell["connections"]): cell["ratios"] for cell in result["cells"]}
    few, many = result["reads"]["few"], result["reads"]["many"]
    decision, kinds = result["decision"]["accept"], result["decision"]["kinds"]
    most = CONNECTIONS[-1]
    return [
        ("accepting at %d connections / lower of (a) and (b)" % most, cells["accept", most]["to_lower"], ">=", 0.6),
        ("rejecting at RCPT at %d connections / (a), which accepts" % most, result["reject_to_accepting_a"], ">=", 0.9),
        ("read at %d dossiers / at %d, caches cold" % (many["dossiers"], few["dossiers"]), result["reads"]["cold_ratio"], "<=", 1.3),
        ("decision, 50 contacts and 10 rules, decoded (us)", decision["asked_us"], "<", 5.0),
        ("decision with decoding (us)", decision["decoded_us"], "<", 15.0),
        ("accepting with all kinds of rules / with limits alone", result["kinds"]["kinds_ratio"], ">=", 0.8),
        ("accepting with content too / with limits alone", result["kinds"]["content_ratio"], ">=", 0.4),
        ("decision with all kinds of rules, decoded (us)", kinds["asked_us"], "<", 15.0),
        ("preflight of a million recipients (s)", result["preflight"]["seconds_per_million"], "<", 60.0),
        ("resident memory of tactd's processes without maps (MB)", result["memory_bytes"] / 1e6, "<", 50.0),
    ]


def met(got, sign, want):
    return got >= want if sign == ">=" else got <= want if sign == "<=" else got < want


def print_result(result):
    print("disk: %s, %.0f fdatasync/s; %d dossiers; %g s a cell; %d CPUs\n" % (
        result["disk"]["kind"], result["disk"]["flushes_per_second"], PEOPLE, SECONDS, os.cpu_count() or 0))
    if "cells" in result:
        print_one(result)
    if result.get("databases"):
        databases.show(result["databases"])
    if "bulk" in result:
        bulk.print_result(result["bulk"])
    print("\n%-60s %8s    %s" % ("aim", "got", "want"))
    for what, got, sign, want in aims(result):
        print("%-60s %8.2f    %s %g  %s" % (what, got, sign, want, "met" if met(got, sign, want) else "MISSED"))


def print_one(result):
    print_cells(result["cells"])
    reads, decision = result["reads"], result["decision"]
    print()
    for name, words in (("plain", "plain rules"), ("kinds", "all kinds of rules"), ("content", "and content of 4 KB"), ("plain_after", "plain rules again")):
        got = result["kinds"][name]
        print("accept %5d  %-22s %10.0f %9.2f %9.2f %9.1f" % (
            CONNECTIONS[-1], words, got["per_second"], got["p50_us"] / 1000, got["p99_us"] / 1000, got["cpu_us"]))
    print()
    for size in ("few", "many"):
        print("read, one of %(dossiers)d dossiers: %(read_us).2f us in a row, %(cold_us).2f us with cold caches" % reads[size])
    print("preflight: %(recipients)d recipients in %(seconds).1f s" % result["preflight"])
    print("campaign plan: %(recipients)d recipients in %(seconds).1f s" % result["plan"])
    for name, got in decision.items():
        print("decision (%s): %.2f us decoded, %.2f with decoding, %.2f with decoding, a contact more and encoding; record of %d bytes" % (
            name, got["asked_us"], got["decoded_us"], got["written_us"], got["record_bytes"]))
    print()


def measure(data, sockets, kind):
    bench = Bench(data, sockets)
    result = {"disk": {"kind": kind, "flushes_per_second": flushes_per_second(data)}, "people": PEOPLE, "seconds": SECONDS}
    if ONLY in ("", "one"):
        measure_one(bench, result)
    if ONLY in ("", "databases"):
        result["databases"] = databases.measure(bench, run, program, SECONDS)
    if ONLY in ("", "bulk"):
        result["bulk"] = bulk.measure(bench)
    result["aims"] = [{"what": w, "got": g, "sign": s, "want": x, "met": met(g, s, x)} for w, g, s, x in aims(result)]
    return result


def measure_one(bench, result):
    """With the embedded store."""
    result["fill_s"] = bench.fill()
    result["protocol_steps"] = steps = bench.negotiated()
    result["cells"] = [bench.cell(connections, rejecting, steps) for rejecting in (False, True) for connections in CONNECTIONS]
    for cell in result["cells"]:
        cell["ratios"] = ratios(cell)
    accepting, rejecting = [cell for cell in result["cells"] if cell["connections"] == CONNECTIONS[-1]]
    result["reject_to_accepting_a"] = rejecting["tact"]["per_second"] / accepting["nothing"]["per_second"]
    result["kinds"] = measure_kinds(bench)
    result["preflight"] = measure_preflight(bench)
    result["plan"] = measure_plan(bench)
    result["memory_bytes"] = bench.memory
    result["decision"] = json.loads(run(program("decision")))
    result["reads"] = measure_reads(bench.data)


def main():
    folder, kind = folder_on_disk()
    data, sockets = tempfile.mkdtemp(prefix="tact-bench-", dir=folder), tempfile.mkdtemp(prefix="tact-", dir="/tmp")
    os.chmod(data, 0o711)  # database servers run as somebody else
    try:
        result = measure(data, sockets, kind)
    finally:
        shutil.rmtree(data, ignore_errors=True)
        shutil.rmtree(sockets, ignore_errors=True)
    with open(os.path.join(BUILD, "bench.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    print_result(result)


import bulk  # noqa: E402: it stands on what is above

if __name__ == "__main__":
    main()

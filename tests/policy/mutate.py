#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# Changes one comparison, connective, sign or constant of src/policy at a time, and runs the policy tables; what they do not notice is shown to the
# property tests, to the tests of the configuration and of the pipeline, and to the simulation. What nobody notices is a survivor: tests/policy/SURVIVORS says of each known one why it changes nothing that can be seen. Any other is
# printed, and fails. Not part of make check; "make mutate" runs it.
#
# Usage: mutate.py BUILD-FOLDER [--file FILE.c]… [--jobs N] [--tables-only]
import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
POLICY = os.path.join(SOURCE, "src/policy")
TOKEN = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])'|^\s*#(?!define)[^\n]*|"
                   r"->|<<|>>|\+\+|--|[+\-*/&|^]=|<=|>=|==|!=|&&|\|\||[<>!+\-]|\b\d+\b|\b(?:true|false)\b", re.S | re.M)
CHANGES = {"<": ["<=", ">"], "<=": ["<", ">"], ">": [">=", "<"], ">=": [">", "<"], "==": ["!="], "!=": ["=="],
           "&&": ["||"], "||": ["&&"], "+": ["-"], "-": ["+"], "!": [""], "true": ["false"], "false": ["true"]}
SIMULATION = ("tests/simulation/simulation", "--from", "1", "--count", "40")
CONFIG = [("tests/unit/test_config_rules",), ("tests/unit/test_config",), ("tests/unit/test_config_mistakes",)]
PEOPLE, PROPERTIES = ("tests/policy/test_people",), ("tests/policy/test_properties",)
# Who else looks at a file, the quick ones first.
SECOND_LOOK = {"calendar.c": CONFIG, "content.c": CONFIG + [("tests/unit/test_decide",)], "breaker.c": [SIMULATION, ("tests/unit/test_decide",)],
               "consent.c": [SIMULATION, PEOPLE], "occasion.c": [SIMULATION, PEOPLE], "quiet.c": CONFIG + [SIMULATION, PEOPLE],
               "person.c": [SIMULATION, PEOPLE], "territory.c": [SIMULATION], "wish.c": CONFIG + [SIMULATION]}
ELSE = [SIMULATION, PROPERTIES]


def changes(text):
    """Every (offset, old, new) worth trying."""
    for match in TOKEN.finditer(text):
        old = match.group()
        if old.isdigit():
            yield match.start(), old, str(int(old) + 1)
            if int(old) > 0:
                yield match.start(), old, str(int(old) - 1)
        for new in CHANGES.get(old, []):
            yield match.start(), old, new


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)


class Bench:
    """Compiles one changed file and links it with the others' objects."""

    def __init__(self, build, programs):
        self.build = build
        # The commands as make would run them, so that no flag is guessed here.
        tell = run(["make", "-n", "-B", "V=1", "AUTOCONF=:", "AUTOMAKE=:", "ACLOCAL=:", "AUTOHEADER=:", *programs],
                   cwd=build).stdout.decode().replace("\\\n", " ")
        self.lines = [line[line.index("gcc"):] for line in tell.splitlines() if "gcc" in line]

    def compile_command(self, name):
        for line in self.lines:
            if f"libpolicy_a-{name[:-2]}.o" in line and " -c " in line:
                return line.split(" -MT ")[0].split()
        sys.exit(f"make does not say how {name} is compiled")

    def link_command(self, program):
        for line in self.lines:
            if f"-o {program} " in line:
                return line.split()
        sys.exit(f"make does not say how {program} is linked")

    def passes(self, room, thing, seconds, program, *words):
        """Does the program, linked with the changed file, find nothing wrong?"""
        made = os.path.join(room, os.path.basename(program))
        link = [made if x == program else x for x in self.link_command(program)]
        link.insert(link.index("src/policy/libpolicy.a"), thing)
        linked = run(link, cwd=self.build)
        if linked.returncode != 0:
            sys.exit(linked.stdout.decode())
        # A change may well make it run for ever: seconds of the processor, so that a busy machine makes no difference.
        return run(["prlimit", f"--cpu={seconds}", made, *words], cwd=room,
                   env={**os.environ, "srcdir": SOURCE, "CK_FORK": "no"}).returncode == 0

    def survives(self, name, text, tables_only):
        with tempfile.TemporaryDirectory() as room:
            source, thing = os.path.join(room, name), os.path.join(room, "changed.o")
            with open(source, "w", encoding="utf-8") as file:
                file.write(text)
            compiled = run([*self.compile_command(name), "-w", "-O0", "-g0", f"-I{POLICY}", "-c", source, "-o", thing], cwd=self.build)
            if compiled.returncode != 0:
                return False
            if not self.passes(room, thing, 2, "tests/policy/run"):
                return False
            return tables_only or all(self.passes(room, thing, 60, *look) for look in SECOND_LOOK.get(name, ELSE))


def read_explained():
    """What SURVIVORS explains: {what: why}."""
    explained = {}
    try:
        with open(os.path.join(SOURCE, "tests/policy/SURVIVORS"), encoding="utf-8") as file:
            for line in file:
                what, found, why = line.strip().partition(" ## ")
                if found and not what.startswith("#"):
                    explained[what] = why
    except FileNotFoundError:
        pass
    return explained


def describe(name, text, at, old, new):
    """Independent of where the line stands: the file, the change, and the line with the place marked."""
    start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    line = f"{text[start:at].lstrip()}[{old}]{text[at + len(old):end]}"
    return f"{name}: {old} -> {new or 'nothing'}: {' '.join(line.split())}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--file", action="append")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--tables-only", action="store_true")
    arguments = parser.parse_args()
    bench = Bench(arguments.build, ["tests/policy/run", *{look[0] for looks in [ELSE, *SECOND_LOOK.values()] for look in looks}])
    explained, seen = read_explained(), set()
    tried = unexplained = 0
    started = time.monotonic()
    names = arguments.file or sorted(x for x in os.listdir(POLICY) if x.endswith(".c"))
    with ThreadPoolExecutor(max_workers=arguments.jobs) as pool:
        for name in names:
            with open(os.path.join(POLICY, name), encoding="utf-8") as file:
                text = file.read()
            jobs = [(at, old, new, pool.submit(bench.survives, name, text[:at] + new + text[at + len(old):], arguments.tables_only))
                    for at, old, new in changes(text)]
            lived = 0
            for at, old, new, job in jobs:
                if not job.result():
                    continue
                lived += 1
                what = describe(name, text, at, old, new)
                seen.add(what)
                if what not in explained:
                    unexplained += 1
                    print(f"{text.count(chr(10), 0, at) + 1}: {what}", flush=True)
            tried += len(jobs)
            print(f"# {name}: {len(jobs)} changes, {len(jobs) - lived} noticed", flush=True)
    for what in sorted(explained):
        if what.split(":")[0] in names and what not in seen:
            print(f"# explained, and noticed now: {what}")
    print(f"# {tried} changes, {len(seen)} not noticed, of which {unexplained} not explained; {time.monotonic() - started:.0f} s")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())

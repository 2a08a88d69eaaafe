#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# Changes one comparison, connective, sign or constant of src/policy at a time, and runs the policy tables and the test of words; what they do
# not notice is a survivor: tests/policy/SURVIVORS says of each known one why it changes nothing that can be seen. Any other is shown to the
# property tests, to the tests of the pipeline, and to the simulation (the known ones, too, with --thorough). What nobody notices and nobody
# explained is open: it is printed, and the run fails.
# Not part of make check; "make mutate" runs it.
#
# Each test is linked once for a file, without that file; the changed file is a library of its own that it loads. What came of a change is kept
# in the build folder with a digest of the changed file and of the test that noticed it, so that a later run tries only what is new. Such a run
# does not ask again what another file of the room has to do with it: --fresh forgets everything. --record writes the list tests/policy/MUTATIONS.
#
# Usage: mutate.py BUILD-FOLDER [--file FILE]… [--jobs N] [--quick] [--thorough] [--fresh] [--record REVISION]
import argparse
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
POLICY = os.path.join(SOURCE, "src/policy")
RECORD = os.path.join(SOURCE, "tests/policy/MUTATIONS")
TOKEN = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])'|^\s*#(?!define)[^\n]*|"
                   r"->|<<|>>|\+\+|--|[+\-*/&|^]=|<=|>=|==|!=|&&|\|\||[<>!+\-]|\b\d+\b|\b(?:true|false)\b", re.S | re.M)
CHANGES = {"<": ["<=", ">"], "<=": ["<", ">"], ">": [">=", "<"], ">=": [">", "<"], "==": ["!="], "!=": ["=="],
           "&&": ["||"], "||": ["&&"], "+": ["-"], "-": ["+"], "!": [""], "true": ["false"], "false": ["true"]}
RUN = "tests/policy/run"
# Behind what is taken from an arena stands rubbish, so that a look beyond the end is likely to be noticed; and it must stand there still when
# more is taken.
RUBBISH = """
#define tact_arena_alloc bare_alloc
#define tact_arena_free bare_free
#define tact_arena_reset bare_reset
#include "{source}/src/base/arena.c"
#undef tact_arena_alloc
#undef tact_arena_free
#undef tact_arena_reset
static const int ones[64] = {{[0 ... 63] = 1}};
static char *latest;

static void look(void)
{{
	if (latest != NULL && memcmp(latest, ones, sizeof ones) != 0)
		abort();
	latest = NULL;
}}

void *tact_arena_alloc(struct tact_arena *arena, size_t size)
{{
	char *p;

	look();
	p = bare_alloc(arena, size + sizeof ones);
	latest = memcpy(p + size, ones, sizeof ones);
	return p;
}}

void tact_arena_free(struct tact_arena **arena)
{{
	look();
	bare_free(arena);
}}

void tact_arena_reset(struct tact_arena *arena)
{{
	look();
	bare_reset(arena);
}}
"""
# What the standard does not define is noticed when it happens.
FLAGS = ["-w", "-O0", "-g0", "-fPIC", "-fsanitize=bounds,signed-integer-overflow,null,shift,pointer-overflow", "-fsanitize-undefined-trap-on-error"]
SIMULATION = ("tests/simulation/simulation", "--from", "1", "--count", "40")
WORDS = ("tests/policy/test_words",)
STRICT = (RUN, WORDS[0])
PEOPLE, PROPERTIES, DECIDE = ("tests/policy/test_people",), ("tests/policy/test_properties",), ("tests/unit/test_decide",)
# Who else looks at a file, the quick ones first.
SECOND_LOOK = {"calendar.c": [], "content.c": [DECIDE], "breaker.c": [DECIDE, SIMULATION], "consent.c": [PEOPLE], "occasion.c": [PEOPLE],
               "quiet.c": [PEOPLE], "person.c": [PEOPLE], "territory.c": [PEOPLE], "wish.c": [], "kind.c": [DECIDE], "verdict.c": [DECIDE],
               "limit.c": [DECIDE, SIMULATION, PROPERTIES]}
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


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def digest(*texts):
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:20]


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)


def must(command, **more):
    done = run(command, **more)
    if done.returncode != 0:
        sys.exit(done.stdout.decode())


class Bench:
    """Compiles one changed file, and shows it to the tests."""

    def __init__(self, build, name, programs):
        self.build, self.name = build, name
        self.tables = {path: 0 for path in sorted(glob.glob(os.path.join(SOURCE, "tests/policy/*.table")))}
        self.sources = sorted(x for x in os.listdir(POLICY) if x.endswith(".c")) if name.endswith(".h") else [name]
        self.room = tempfile.mkdtemp()
        # The commands as make would run them if this room were new, so that no flag is guessed here.
        tell = run(["make", "-n", "V=1", "-W", "src/policy/window.c", *programs], cwd=build).stdout.decode().replace("\\\n", " ")
        self.lines = [line[line.index("gcc"):] for line in tell.splitlines() if "gcc" in line]
        self.compile = self.find_line("libpolicy_a-window.o", " -c ").split(" -MT ")[0].split()
        self.prepare(programs)

    def close(self):
        shutil.rmtree(self.room)

    def find_line(self, *parts):
        for line in self.lines:
            if all(part in line for part in parts):
                return line
        sys.exit(f"make does not say how {parts[0].strip()} is made")

    def make(self, folder, text):
        """Makes the library of the file with this text. False when it cannot be compiled."""
        for source in self.sources:
            shutil.copy(os.path.join(POLICY, source), folder)
        with open(os.path.join(folder, self.name), "w", encoding="utf-8") as file:
            file.write(text)
        return run([*self.compile, *FLAGS, "-shared", "-Wl,-soname,changed.so", f"-I{POLICY}",
                    *[os.path.join(folder, x) for x in self.sources], "-o", os.path.join(folder, "changed.so")], cwd=self.build).returncode == 0

    def prepare(self, programs):
        archive, thing = os.path.join(self.room, "libpolicy.a"), os.path.join(self.room, "changed.so")
        shutil.copy(os.path.join(self.build, "src/policy/libpolicy.a"), archive)
        must(["ar", "d", archive, *[f"libpolicy_a-{x[:-2]}.o" for x in self.sources]])
        rubbish = os.path.join(self.room, "rubbish.o")
        must([*self.compile, "-w", "-x", "c", "-", "-c", "-o", rubbish], cwd=self.build, input=RUBBISH.format(source=SOURCE).encode())
        if not self.make(self.room, read(os.path.join(POLICY, self.name))):
            sys.exit(f"{self.name} cannot be compiled")
        for program in programs:
            link = [archive if x == "src/policy/libpolicy.a" else x for x in self.find_line(f" -o {program} ").split()]
            link[link.index(program)] = os.path.join(self.room, os.path.basename(program))
            must([*link[:link.index(archive)], *([rubbish] if program in STRICT else []), "-Wl,--no-as-needed", thing, *link[link.index(archive):]],
                 cwd=self.build)
        for program in STRICT:
            if not self.passes(self.room, 9, program)[0]:
                sys.exit(f"{program} fails although nothing was changed")

    def passes(self, folder, seconds, program, *words):
        """Does the test find nothing wrong? If it does, what it said."""
        # A change may well make it run for ever: seconds of the processor, so that a busy machine makes no difference.
        done = run(["prlimit", f"--cpu={seconds}", "--as=4000000000", os.path.join(self.room, os.path.basename(program)), *words], cwd=folder,
                   env={**os.environ, "LD_LIBRARY_PATH": folder, "srcdir": SOURCE, "CK_FORK": "no"})
        return done.returncode == 0, done.stdout.decode(errors="replace")

    def first_look(self, folder, known):
        """The name of a table that notices the change; "" for none. First those that noticed most."""
        tables = sorted(self.tables, key=lambda path: (not known or not path.endswith(known), -self.tables[path]))
        passed, said = self.passes(folder, 3, RUN, "--first", *tables)
        found = re.search(r"(\S+\.table):\d+", said)
        if passed:
            return ""
        if not found:
            return RUN
        self.tables[found.group(1)] += 1
        return os.path.relpath(found.group(1), SOURCE)

    def who_notices(self, text, known, looks):
        """The test that notices the text; "compiler", or "" for none. KNOWN did so before."""
        with tempfile.TemporaryDirectory() as folder:
            if not self.make(folder, text):
                return "compiler"
            if by := self.first_look(folder, known):
                return by
            for look in sorted(looks, key=lambda look: look[0] != known):
                if not self.passes(folder, 120, *look)[0]:
                    return look[0]
            return ""


class Notes:
    """What came of each change in earlier runs."""

    def __init__(self, build, name, fresh):
        self.path = os.path.join(build, "tests/policy/mutations", name + ".json")
        self.headers = "" if name.endswith(".h") else read(os.path.join(POLICY, "engine.h"))
        self.kept, self.tests = {}, {}
        if not fresh and os.path.exists(self.path):
            self.kept = json.loads(read(self.path))

    def digest_of(self, test):
        """What a verdict depends on: one table, or everything that a program is made of as far as it may tell."""
        if test not in self.tests:
            paths = [os.path.join(SOURCE, test)] if test.endswith(".table") else sorted(
                glob.glob(os.path.join(SOURCE, "tests/policy/*.[cht]*")) if test in ("", RUN) else
                glob.glob(os.path.join(SOURCE, os.path.dirname(test), "*.[ch]")))
            self.tests[test] = digest(*[read(path) for path in paths if os.path.exists(path)])
        return self.tests[test]

    def key(self, text):
        return digest(text, self.headers)

    def known(self, text, looks):
        """(Who noticed it last, does it still hold?)"""
        note = self.kept.get(self.key(text))
        if note is None:
            return "", False
        return note["by"], note["test"] == self.digest_of(note["by"]) and (note["by"] != "" or note["looks"] >= len(looks))

    def keep(self, text, by, looks):
        self.kept[self.key(text)] = {"by": by, "test": self.digest_of(by), "looks": len(looks)}

    def write(self, texts):
        """Only what is a change of the file as it is now."""
        now = {self.key(text) for text in texts}
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump({key: note for key, note in list(self.kept.items()) if key in now}, file)
        os.replace(self.path + ".new", self.path)


def read_explained():
    """What SURVIVORS explains: {what: why}."""
    explained = {}
    for line in read(os.path.join(SOURCE, "tests/policy/SURVIVORS")).splitlines():
        what, found, why = line.strip().partition(" ## ")
        if found and not what.startswith("#"):
            explained[what] = why
    return explained


def describe(name, text, at, old, new):
    """Independent of where the line stands: the file, the change, and the line with the place marked."""
    start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    line = f"{text[start:at].lstrip()}[{old}]{text[at + len(old):end]}"
    return f"{name}: {old} -> {new or 'nothing'}: {' '.join(line.split())}"


def describe_all(name, text):
    """Of lines that stand in a file more than once, the later ones are numbered."""
    met, told = {}, []
    for at, old, new in changes(text):
        what = describe(name, text, at, old, new)
        met[what] = met.get(what, 0) + 1
        told.append(what + (f" #{met[what]}" if met[what] > 1 else ""))
    return told


class Result:
    def __init__(self, name, count):
        self.name, self.count = name, count
        self.noticed, self.explained, self.open = {}, [], []

    def take(self, what, by, explained, line):
        if by != "":
            self.noticed[by] = self.noticed.get(by, 0) + 1
        elif what in explained:
            self.explained.append(what)
        else:
            self.open.append(what)
            print(f"{line}: {what}", flush=True)

    def __str__(self):
        by_tables = sum(count for by, count in self.noticed.items() if by.startswith(RUN) or by.endswith(".table"))
        return (f"{self.name}: {self.count} changes, {sum(self.noticed.values())} noticed ({by_tables} by the tables), "
                f"{len(self.explained)} explained, {len(self.open)} open")


def try_file(arguments, name, explained):
    text = read(os.path.join(POLICY, name))
    more = [] if arguments.quick else SECOND_LOOK.get(name, ELSE)
    bench = Bench(arguments.build, name, [RUN, WORDS[0], *[look[0] for look in more]])
    notes = Notes(arguments.build, name, arguments.fresh)
    tried = [(at, text[:at] + new + text[at + len(old):]) for at, old, new in changes(text)]
    result = Result(name, len(tried))

    def look(changed, what):
        looks = [WORDS, *(more if arguments.thorough or what not in explained else [])]
        known, holds = notes.known(changed, looks)
        by = known if holds else bench.who_notices(changed, known, looks)
        notes.keep(changed, by, looks)
        return by

    with ThreadPoolExecutor(max_workers=arguments.jobs) as pool:
        whats = describe_all(name, text)
        jobs = [pool.submit(look, changed, what) for (_, changed), what in zip(tried, whats)]
        for (at, changed), what, job in zip(tried, whats, jobs):
            by = job.result()
            notes.write(x for _, x in tried)
            result.take(what, by, explained, text.count("\n", 0, at) + 1)
    bench.close()
    print(f"# {result}", flush=True)
    return result


def write_record(revision, results):
    with open(RECORD, "w", encoding="utf-8") as file:
        file.write("# What tests/policy/mutate.py --record wrote of every change of src/policy, one at a time.\n"
                   f"# Revision {revision}. SURVIVORS tells why the explained ones change nothing that can be seen.\n")
        for result in results:
            file.write(f"{result}\n")
        file.write(f"all: {sum(x.count for x in results)} changes, {sum(len(x.explained) for x in results)} explained, "
                   f"{sum(len(x.open) for x in results)} open\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--file", action="append")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--thorough", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--record", metavar="REVISION")
    arguments = parser.parse_args()
    if arguments.record:
        arguments.file, arguments.quick = None, False
    explained = read_explained()
    started = time.monotonic()
    names = arguments.file or sorted(x for x in os.listdir(POLICY) if x.endswith((".c", ".h")))
    results = [try_file(arguments, name, explained) for name in names]
    survived = {what for x in results for what in x.explained}
    for what in sorted(explained):
        if what.split(":")[0] in names and what not in survived:
            print(f"# explained, and noticed or gone now: {what}")
    if arguments.record:
        write_record(arguments.record, results)
    still_open = sum(len(x.open) for x in results)
    print(f"# {sum(x.count for x in results)} changes, {len(survived)} explained, {still_open} open; {time.monotonic() - started:.0f} s")
    return 1 if still_open else 0


if __name__ == "__main__":
    sys.exit(main())

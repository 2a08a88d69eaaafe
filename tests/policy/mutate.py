#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# Changes one comparison, connective, sign or constant of src/policy at a time, and runs the policy tables: what no table notices is printed. For people
# who write tables; not part of make check. Usage: mutate.py BUILD-FOLDER [FILE.c …]
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOKEN = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])'|^\s*#[^\n]*|"
                   r"->|<<|>>|\+\+|--|[+\-*/&|^]=|<=|>=|==|!=|&&|\|\||[<>!+\-]|\b\d+\b|\b(?:true|false)\b", re.S | re.M)
CHANGES = {"<": ["<=", ">"], "<=": ["<", ">"], ">": [">=", "<"], ">=": [">", "<"], "==": ["!="], "!=": ["=="],
           "&&": ["||"], "||": ["&&"], "+": ["-"], "-": ["+"], "!": [""], "true": ["false"], "false": ["true"]}


def changes(text):
    """Every (offset, old, new) worth trying."""
    for match in TOKEN.finditer(text):
        old = match.group()
        if old.isdigit():
            yield match.start(), old, str(int(old) + 1)
        for new in CHANGES.get(old, []):
            yield match.start(), old, new


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)


class Bench:
    """Compiles one changed file and links it with the others' objects."""

    def __init__(self, build):
        self.build = build
        # The commands as make would run them, so that no flag is guessed here.
        tell = run(["make", "-n", "-B", "V=1", "AUTOCONF=:", "AUTOMAKE=:", "ACLOCAL=:", "AUTOHEADER=:",
                    "tests/policy/run"], cwd=build).stdout.decode()
        self.tell = tell.replace("\\\n", " ")

    def compile_command(self, name):
        for line in self.tell.splitlines():
            if f"libpolicy_a-{name[:-2]}.o" in line and " -c " in line and "gcc" in line:
                flags = line[line.index("gcc"):].split(" -MT ")[0]
                return flags.split()
        sys.exit(f"make does not say how {name} is compiled")

    def link_command(self):
        for line in self.tell.splitlines():
            if "-o tests/policy/run " in line:
                return line[line.index("gcc"):].split()
        sys.exit("make does not say how tests/policy/run is linked")

    def survives(self, name, text):
        with tempfile.TemporaryDirectory() as room:
            source, thing, program = (os.path.join(room, x) for x in (name, "changed.o", "run"))
            with open(source, "w", encoding="utf-8") as file:
                file.write(text)
            compiled = run([*self.compile_command(name), "-w", "-O1", f"-I{SOURCE}/src/policy", "-c", source, "-o", thing],
                           cwd=self.build)
            if compiled.returncode != 0:
                return False
            link = [program if x == "tests/policy/run" else x for x in self.link_command()]
            link.insert(link.index("src/policy/libpolicy.a"), thing)
            linked = run(link, cwd=self.build)
            if linked.returncode != 0:
                print(linked.stdout.decode(), file=sys.stderr)
                return False
            try:
                return run([program], cwd=room, env={**os.environ, "srcdir": SOURCE}, timeout=20).returncode == 0
            except subprocess.TimeoutExpired:
                return False


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: mutate.py BUILD-FOLDER [FILE.c …]")
    bench = Bench(sys.argv[1])
    folder = os.path.join(SOURCE, "src/policy")
    names = sys.argv[2:] or sorted(x for x in os.listdir(folder) if x.endswith(".c"))
    tried = survived = 0
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for name in names:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                text = file.read()
            jobs = [(at, old, new, pool.submit(bench.survives, name, text[:at] + new + text[at + len(old):]))
                    for at, old, new in changes(text)]
            for at, old, new, job in jobs:
                tried += 1
                if not job.result():
                    continue
                survived += 1
                number = text.count("\n", 0, at) + 1
                print(f"{name}:{number}: {old} -> {new or 'nothing'}: {text.splitlines()[number - 1].strip()}", flush=True)
    print(f"{tried} changes, {survived} not noticed")


if __name__ == "__main__":
    main()

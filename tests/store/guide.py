# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""The commands of contrib/postgresql/README, run as they stand there: hosts, folders and the way a server is started are those of the test."""

import os
import re
import subprocess

from servers import PATIENCE, SOURCE, Failed

README = os.path.join(SOURCE, "contrib/postgresql/README")


def section(title):
    with open(README, encoding="utf-8") as file:
        text = file.read()
    found = re.search(r"^%s\n-+\n(.*?)(?=^[^\n]+\n-----|\Z)" % re.escape(title), text, re.S | re.M)
    if not found:
        raise Failed("README has no section %s" % title)
    return found.group(1)


def is_command(line):
    return re.match(r"    (psql|echo|pg_|rm|mv|cp|mkdir|touch|words=|tact) ?", line) is not None


class Guide:
    """One section. hosts: db1 and so on, each a Server. Commands run as whoever the servers run as."""

    def __init__(self, servers, title, hosts):
        self.servers, self.hosts = servers, hosts
        self.backup = os.path.join(servers.dir, "backup")
        os.makedirs(self.backup, exist_ok=True)
        if servers.user:
            os.chown(self.backup, *servers.user)
        self.blocks = []
        for block in re.findall(r"(?:^    [^\n]*\n)+", section(title), re.M):
            if is_command(block):
                self.blocks.append(block)
        self.left = list(self.blocks)

    def step(self, words):
        """The block that has these words."""
        for block in self.blocks:
            if words in block:
                if block in self.left:
                    self.left.remove(block)
                return block
        raise Failed("README has no block with %s" % words)

    def translated(self, text, on):
        for name, server in self.hosts.items():
            text = re.sub(r"\bhost=%s\b" % name, "host=%s port=%d" % (self.servers.dir, server.port), text)
            text = re.sub(r"-h %s\b" % name, "-h %s -p %d" % (self.servers.dir, server.port), text)
        for old, new in (("/var/lib/postgresql/15/main", on.data), ("/var/lib/postgresql/15/damaged", on.data + ".damaged"),
                         ("/etc/postgresql/15/main", on.data), ("/backup", self.backup)):
            text = text.replace(old, new)
        return re.sub(r"\b(plproxy|watch)\.sql\b", lambda found: os.path.join(SOURCE, "contrib/postgresql", found.group(0)), text)

    def shell(self, text, on):
        env = dict(os.environ, PATH=self.servers.bin + ":" + os.environ["PATH"], HOME=self.servers.dir, PGHOST=self.servers.dir, PGPORT=str(on.port),
                   PGUSER="postgres", PGDATABASE="postgres", LC_ALL="C.UTF-8")
        user = {"user": self.servers.user[0], "group": self.servers.user[1], "extra_groups": []} if self.servers.user else {}
        done = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", text], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=self.servers.dir,
                              stderr=subprocess.STDOUT, timeout=120 * PATIENCE, check=False, **user)
        if done.returncode != 0:
            raise Failed("%s\n%s" % (text, done.stdout.decode()))
        return done.stdout.decode()

    def run(self, words, on, change=lambda text: text):
        """Runs the block that has these words on a server; what it said. pg_ctlcluster is the test's to do."""
        said, variables = [], ""
        for line in re.sub(r"\|\n\s+", "| ", self.step(words)).splitlines():
            line = change(line.strip())
            if line.startswith("pg_ctlcluster"):
                do = line.split()[3]
                if do in ("stop", "restart"):
                    on.stop()
                if do in ("start", "restart"):
                    on.start()
            elif line.startswith("words="):
                variables = line + "\n"
            else:
                said.append(self.shell(variables + self.translated(line, on), on))
        return "".join(said).strip()

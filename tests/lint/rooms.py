# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# The house rules that a compiler does not hold: who may include whom, which room a library belongs to, calls that are never made, a licence
# line in every source file. The rooms and their order are read from Makefile.am, what a room stands on from the first lines of its room.mk.

import os
import re
import shutil
import subprocess
import sys
import unittest

SOURCE = os.environ.get("TACT_SOURCE", ".")

SYSTEM = set("""
    assert ctype errno inttypes limits math setjmp signal stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib string time
    dirent endian fcntl fnmatch getopt glob grp libgen malloc netdb poll pthread pwd sched search semaphore spawn strings sysexits syslog termios unistd
    arpa/inet netinet/in netinet/tcp sys/epoll sys/eventfd sys/file sys/inotify sys/ioctl sys/mman sys/param sys/prctl sys/queue sys/random
    sys/resource sys/select sys/signalfd sys/socket sys/stat sys/statfs sys/statvfs sys/time sys/timerfd sys/types sys/uio sys/un
    sys/utsname sys/vfs sys/wait linux/magic
""".split())

# Library: how its headers begin. Each belongs to one room; engines of the store to one file.
LIBRARIES = {
    "libmilter": ("libmilter/",), "libconfuse": ("confuse.h",), "OpenSSL": ("openssl/",), "LMDB": ("lmdb.h",), "libpq": ("libpq-fe.h", "libpq/"),
    "PCRE2": ("pcre2.h",), "libidn2": ("idn2.h",), "libunistring": ("uni",), "GMime": ("gmime/",), "libxml2": ("libxml/",), "GLib": ("glib.h", "glib/", "gio/"),
    "libmicrohttpd": ("microhttpd.h",), "jansson": ("jansson.h",), "protobuf-c": ("protobuf-c/",), "libsystemd": ("systemd/",),
    "zlib": ("zlib.h",), "libcsv": ("csv.h",),
}
IN_ONE_FILE = {"LMDB", "libpq", "libconfuse", "libxml2", "PCRE2"}
# JSON is what evidence, command line and web all speak to the outside.
IN_MORE_ROOMS = {"jansson": {"audit", "cli", "web"}}

ENDS = {"milter", "gate", "web", "cli"}

NEVER = "popen system strcpy strcat sprintf vsprintf gets strtok tmpnam tempnam mktemp alloca asctime ctime gmtime localtime".split()
# Programs are started by the command line alone (it asks Postfix for its settings), processes by the daemon.
ONLY_IN = {
    "execl": {"cli"}, "execle": {"cli"}, "execlp": {"cli"}, "execv": {"cli"}, "execve": {"cli"}, "execvp": {"cli"}, "execvpe": {"cli"},
    "posix_spawn": {"cli"}, "posix_spawnp": {"cli"}, "fork": {"cli", "daemon"},
}


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        return file.read()


def tracked():
    """Every file of the source: what git knows, or, in a tree that came from an archive, what is there."""
    command = ["git", "-C", SOURCE, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    got = subprocess.run(command, capture_output=True, check=False) if shutil.which("git") else None
    if got and got.returncode == 0 and got.stdout:
        return sorted(path for path in got.stdout.decode().split("\0") if path and os.path.exists(os.path.join(SOURCE, path)))
    found = []
    for folder, folders, files in os.walk(SOURCE):
        folders[:] = [name for name in folders if not re.match(r"\.|autom4te|build", name)]
        found += [os.path.relpath(os.path.join(folder, name), SOURCE) for name in files if not re.search(r"\.pb-c\.[ch]$|\.inc$|^config\.h$", name)]
    return sorted(found)


FILES = tracked()


def rooms():
    return re.findall(r"^include src/(\w+)/room\.mk$", read("Makefile.am"), re.M)


ROOMS = rooms()


def named_in(room):
    """The rooms that a room says it stands on, and whether it takes all that they stand on too."""
    head = read("src/%s/room.mk" % room)
    match = re.search(r"Stands on ([^.:]*)", head)
    if not match:
        raise AssertionError("src/%s/room.mk does not say what the room stands on" % room)
    return [word for word in re.findall(r"\w+", match.group(1)) if word in ROOMS and word != room]


def stands_on(room):
    """The named rooms and all that those stand on."""
    found = set()
    for name in named_in(room):
        found |= {name} | stands_on(name)
    return found


def without_comments_and_strings(text):
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def includes(path):
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), read(path), flags=re.S)
    return re.findall(r'^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)[>"]', text, re.M)


def room_of(path):
    match = re.match(r"src/(\w+)/|include/tact/(\w+)\.h$", path)
    room = (match.group(1) or match.group(2)) if match else None
    return room if room in ROOMS else None


def library_of(header):
    if header in {name + ".h" for name in SYSTEM} or header.startswith("tact/") or header == "config.h":
        return None
    for library, beginnings in LIBRARIES.items():
        if any(header == b or (b.endswith(("/", "uni")) and header.startswith(b)) for b in beginnings):
            return library
    return "unknown"


CODE = [path for path in FILES if re.match(r"(src|include)/.*\.[ch]$", path)]


class Rooms(unittest.TestCase):
    def test_rooms_stand_on_rooms_above(self):
        for room in ROOMS:
            for name in stands_on(room):
                self.assertLess(ROOMS.index(name), ROOMS.index(room), "%s stands on %s, which comes later in Makefile.am" % (room, name))

    def test_every_source_file_has_a_room(self):
        for path in CODE:
            if not re.match(r"src/[\w-]+\.c$", path):
                self.assertIsNotNone(room_of(path), "%s: Makefile.am includes no such room" % path)

    def test_a_room_includes_what_it_stands_on(self):
        wrong = []
        for path in CODE:
            room = room_of(path)
            allowed = None if room is None else stands_on(room) | {room}
            for _, header in includes(path):
                match = re.match(r"tact/(\w+)\.h$", header)
                if match and allowed is not None and match.group(1) not in allowed:
                    wrong.append("%s includes <%s>; %s stands on %s" % (path, header, room, ", ".join(sorted(allowed - {room})) or "nothing"))
        self.assertEqual(wrong, [])

    def test_private_headers_stay_in_their_room(self):
        wrong = []
        for path in CODE:
            for how, header in includes(path):
                generated = header.endswith((".pb-c.h", ".inc"))
                if how == '"' and not generated and not os.path.exists(os.path.join(SOURCE, os.path.dirname(path), header)):
                    wrong.append("%s includes \"%s\", which is not beside it" % (path, header))
                if how == '"' and "/" in header and not generated:
                    wrong.append("%s includes \"%s\" of another folder" % (path, header))
        self.assertEqual(wrong, [])

    def test_the_ends_know_nothing_of_each_other(self):
        for end in ENDS & set(ROOMS):
            self.assertEqual(stands_on(end) & (ENDS - {end}), set(), "%s stands on another end" % end)

    def test_decide_never_sees_the_parser(self):
        self.assertNotIn("config", stands_on("decide"))
        for path in CODE:
            if room_of(path) == "decide":
                self.assertNotIn("tact/config.h", [header for _, header in includes(path)], path)


class Libraries(unittest.TestCase):
    def test_each_library_in_one_room(self):
        seen = {}
        for path in CODE:
            for how, header in includes(path):
                library = library_of(header) if how == "<" else None
                self.assertNotEqual(library, "unknown", "%s includes <%s>: name it in SYSTEM or LIBRARIES of this test" % (path, header))
                if library is not None:
                    seen.setdefault(library, {}).setdefault(room_of(path) or path, set()).add(path)
        for library, where in seen.items():
            allowed = IN_MORE_ROOMS.get(library)
            if allowed:
                self.assertLessEqual(set(where), allowed, library)
            else:
                self.assertEqual(len(where), 1, "%s appears in more than one room: %s" % (library, where))
            if library in IN_ONE_FILE:
                self.assertEqual(sum(len(paths) for paths in where.values()), 1, "%s appears in more than one file: %s" % (library, where))


class Sources(unittest.TestCase):
    def test_calls_that_are_never_made(self):
        wrong = []
        for path in [path for path in CODE if path.endswith(".c")]:
            text = without_comments_and_strings(read(path))
            for number, line in enumerate(text.split("\n"), 1):
                for call in re.findall(r"(?<![\w.>])(\w+)\s*\(", line):
                    if call in NEVER or (call in ONLY_IN and room_of(path) not in ONLY_IN[call]):
                        wrong.append("%s:%d: %s()" % (path, number, call))
        self.assertEqual(wrong, [])

    def test_config_h_comes_first(self):
        wrong = [path for path in CODE if path.endswith(".c") and (includes(path) or [("", "")])[0][1] != "config.h"]
        self.assertEqual(wrong, [])

    def test_a_licence_in_every_source_file(self):
        kinds = re.compile(r"\.(c|h|py|sh|mk|am|ac|proto|[1-8]|conf\.5)$")
        wrong = [path for path in FILES
                 if kinds.search(path) and not path.startswith("tests/fuzz/seeds/") and "SPDX-License-Identifier: BSD-2-Clause" not in read(path)[:400]]
        self.assertEqual(wrong, [])

    def test_contract_headers_only(self):
        """include/tact holds one header for each room, and nothing else."""
        headers = [path for path in FILES if path.startswith("include/")]
        wrong = [path for path in headers if not re.match(r"include/tact/\w+\.h$", path) or room_of(path) is None]
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)

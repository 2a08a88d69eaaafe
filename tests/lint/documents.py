# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
#
# Holds conf/tact.conf and conf/tact.conf.5 to the table of options, which the program beside this file prints: every option with its default
# and range, and none that does not exist. And all manual pages are clean.

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.environ.get("TACT_SOURCE", ".")
BUILD = os.environ.get("TACT_BUILD", ".")
OPTIONS = os.path.join(BUILD, "tests/lint/options")
SAMPLE = os.path.join(SOURCE, "conf/tact.conf")
MANUAL = os.path.join(SOURCE, "conf/tact.conf.5")

FIELDS = ("section", "name", "type", "unit", "range", "preset", "required", "reloadable", "help")


def table():
    text = subprocess.run([OPTIONS], check=True, capture_output=True, text=True).stdout
    return [dict(zip(FIELDS, line.split("\t"))) for line in text.splitlines()]


TABLE = table()


def title(option):
    return (option["section"] + " " + option["name"]).strip()


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def effective(text):
    """What a configuration of that text comes to, or a failure with its mistakes."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tact.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        got = subprocess.run([OPTIONS, path], capture_output=True, text=True, check=False)
    if got.returncode != 0:
        raise AssertionError("does not load:\n" + got.stderr)
    return got.stdout


class Sample(unittest.TestCase):
    """Settings stand behind a single #, explanations behind a # and a blank."""

    def settings(self):
        """(line number, section, name, value as written, whether it is in effect)"""
        section = ""
        for number, line in enumerate(read(SAMPLE).split("\n"), 1):
            commented = line.startswith("#")
            bare = line[1:] if commented else line
            if commented and bare[:1] in ("", " "):
                continue
            bare = bare.strip()
            if bare == "" or bare.startswith("#"):
                continue
            opened, closed = re.match(r'(\w+)(?: "[^"]+")? \{$', bare), bare == "}"
            setting = re.match(r"(\w+) = (.+)$", bare)
            self.assertTrue(opened or closed or setting, "conf/tact.conf:%d is neither a setting nor an explanation: %s" % (number, line))
            if opened:
                self.assertEqual(section, "", "conf/tact.conf:%d: a section inside another" % number)
                section = opened.group(1)
            elif closed:
                section = ""
            else:
                yield number, section, setting.group(1), setting.group(2), not commented

    def test_every_option_at_its_default(self):
        found = {}
        for number, section, name, value, _ in self.settings():
            found.setdefault((section, name), (number, value.strip("\"'")))
        for option in TABLE:
            place = found.pop((option["section"], option["name"]), None)
            self.assertIsNotNone(place, "conf/tact.conf does not show %s" % title(option))
            if option["preset"]:
                self.assertEqual(place[1], option["preset"], "conf/tact.conf:%d shows %s not at its default" % (place[0], title(option)))
        self.assertEqual(sorted(found), [], "conf/tact.conf shows options that do not exist")

    def test_options_of_the_top_level_stand_once(self):
        names = [name for _, section, name, _, _ in self.settings() if section == ""]
        self.assertEqual(sorted(names), sorted(set(names)))

    def test_as_shipped_it_gives_the_defaults(self):
        listeners = 'listener "smtp" { socket = "inet:8891@127.0.0.1" }\nlistener "local" { socket = "inet:8892@127.0.0.1" kind = non-smtp }\n'
        self.assertEqual(effective(read(SAMPLE)), effective(listeners))

    def test_with_every_comment_taken_away_it_loads(self):
        text = re.sub(r"^#(?=[^ \n])", "", read(SAMPLE), flags=re.M)
        for line in effective(read(SAMPLE)).split("\n\n")[0].splitlines():
            self.assertIn(line, effective(text).splitlines(), "an option of the top level is shown with another value")
        self.assertNotEqual(effective(text), effective(read(SAMPLE)))


class Manual(unittest.TestCase):
    def entries(self):
        """(section, name) → the text of the entry, as read from the mdoc source."""
        section, name, found = None, None, {}
        inside = False
        for line in read(MANUAL).split("\n"):
            if line.startswith(".Sh "):
                inside, name = line == ".Sh OPTIONS", None
            if not inside:
                continue
            if line.startswith(".Ss "):
                section = "" if line == ".Ss The top level" else line.split()[1]
                name = None
            elif line.startswith(".It Ic "):
                name = line.split()[2]
                self.assertNotIn((section, name), found, "tact.conf(5) tells of %s %s twice" % (section, name))
                found[section, name] = ""
            elif line == ".El":
                name = None
            elif name:
                found[section, name] += line + "\n"
        return found

    @staticmethod
    def facts(option):
        """The line each entry ends with."""
        parts = ["%s: %s" % (option["type"], option["range"])]
        parts += ["default " + option["preset"]] if option["preset"] else []
        parts += ["required"] if option["required"] else []
        parts += [] if option["reloadable"] else ["needs a restart"]
        return "(%s)" % "; ".join(parts)

    def test_every_option_with_default_and_range(self):
        entries = self.entries()
        for option in TABLE:
            text = entries.pop((option["section"], option["name"]), None)
            self.assertIsNotNone(text, "tact.conf(5) does not tell of %s" % title(option))
            self.assertIn(self.facts(option), text.split("\n"), "tact.conf(5) tells something else of %s" % title(option))
            self.assertIn(option["help"].split(";")[0].split(":")[0].rstrip("."), text.replace("\n", " "), title(option))
        self.assertEqual(sorted(entries), [], "tact.conf(5) tells of options that do not exist")

    def test_every_kind_of_rule_with_words_numbers_and_an_example(self):
        kinds = {option["section"] for option in TABLE if option["name"] == "mode"} - {""}
        self.assertGreaterEqual(len(kinds), 8)
        parts = {part.split()[0]: part for part in re.split(r"(?m)^\.S[sh] ", read(MANUAL))}
        for kind in sorted(kinds):
            with self.subTest(kind):
                around = re.sub(r"(?ms)^\.It Ic .*?(?=^\.El|^\.It)", "", parts[kind])  # without the options
                self.assertRegex(around, r"(?m)^(It says|The sender is told)", "what the sender is told of it")
                self.assertRegex(around, r"records?\b|recorded", "which numbers it records")
                examples = re.findall(r"(?ms)^\.Bd -literal.*?\n(.*?)^\.Ed", around)
                self.assertTrue(any(re.search(r'(?m)^%s "' % kind, example) for example in examples), "an example")

    def test_the_examples_load(self):
        for example in re.findall(r"(?ms)^\.Bd -literal -offset indent\n(.*?)^\.Ed", read(MANUAL).partition(".Sh OPTIONS")[2]):
            with self.subTest(example):
                effective('listener "smtp" { socket = "inet:8891@127.0.0.1" }\n' + example.replace("\\e", "\\"))


class Pages(unittest.TestCase):
    def test_mandoc_has_nothing_to_say(self):
        mandoc = shutil.which("mandoc")
        self.assertIsNotNone(mandoc, "mandoc is needed (Debian: mandoc)")
        pages = []
        for folder in ("src", "conf", "contrib"):
            for path, _, files in os.walk(os.path.join(SOURCE, folder)):
                pages += [os.path.join(path, name) for name in files if re.search(r"\.[1-8]$", name)]
        self.assertIn(MANUAL, pages)
        got = subprocess.run([mandoc, "-Tlint", "-W", "warning"] + sorted(pages), capture_output=True, text=True, check=False)
        self.assertEqual(got.stdout + got.stderr, "")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)

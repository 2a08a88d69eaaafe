# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Every verb of tact, good and bad, against the built program: what it prints, what it answers, what it leaves behind."""

import csv
import grp
import hashlib
import io
import json
import os
import pwd
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.abspath(os.environ.get("TACT_SOURCE") or os.path.join(HERE, "..", ".."))
BUILD = os.path.abspath(os.environ.get("TACT_BUILD") or SOURCE)
TACT = os.path.join(BUILD, "src", "tact")
DELIVER = os.path.join(BUILD, "tests", "cli", "deliver")

CONFIG = """\
store = "lmdb:%(dir)s/db?map_size=64M"
audit = "%(dir)s/audit"
key_file = "%(dir)s/key"
host = "relay.test"
user = "%(user)s"
socket_group = ""
log = stderr
%(more)s
listener "smtp" { socket = "inet:18891@127.0.0.1" }
listener "local" { socket = "inet:18892@127.0.0.1" kind = non-smtp }
owner "corporate" { }
owner "leeds" { }
brand "alpha" { }
stream "shop" { owner = "corporate" brand = "alpha" purpose = promotional senders = {"@shop.example"} }
stream "desk" { owner = "leeds" purpose = personal senders = {"@leeds.example"} }
stream "careful" { owner = "leeds" purpose = newsletter senders = {"@careful.example"} }
suppression "wishes" { streams = {"shop", "desk", "unmatched"} }
suppression "ask-first" { streams = {"careful"} action = quarantine }
limit "weekly" { at_most = "2/7d" count = {promotional, newsletter} weights = {"phone=1.5"} streams = {"shop"} }
"""
MAIL = b"From: News <news@shop.example>\nSubject: Hello\nMessage-ID: <1@shop.example>\nDate: Tue, 24 Nov 2026 08:00:00 +0000\n\nDear Ann\n"
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # what a power cut leaves is not asked here
NOW = 1795510800  # 2026-11-24 09:00 UTC


class Case(unittest.TestCase):
    more = ""
    user = ""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="tact-cli-", dir=MEMORY)
        self.addCleanup(shutil.rmtree, self.dir)
        self.conf = self.write("tact.conf", CONFIG % {"dir": self.dir, "more": self.more, "user": self.user})
        self.write("clock", "@%d\n" % NOW)
        self.env = dict(os.environ, TACT_TEST_CLOCK=self.path("clock"))
        self.env.pop("SUDO_USER", None)
        self.tact("key", "new")

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def run_program(self, argv, stdin=b""):
        done = subprocess.run(argv, input=stdin, capture_output=True, env=self.env, timeout=120)
        done.out, done.err = done.stdout.decode(), done.stderr.decode()
        return done

    def tact(self, *args, code=0, stdin=b"", conf=None):
        done = self.run_program([TACT, "-c", conf or self.conf] + list(args), stdin)
        self.assertEqual(done.returncode, code, "tact %s\n%s%s" % (" ".join(args), done.out, done.err))
        return done

    def json(self, *args, code=0, stdin=b""):
        """The objects it prints."""
        return [json.loads(line) for line in self.tact(*args, "--json", code=code, stdin=stdin).out.splitlines()]

    def deliver(self, sender, *recipients, mail=MAIL):
        done = self.run_program([DELIVER, self.conf, sender] + list(recipients), mail)
        self.assertEqual(done.returncode, 0, done.err)
        return done.out.split()

    def edit(self, old, new):
        with open(self.conf, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        self.write("tact.conf", text.replace(old, new))

    def keys(self, got, want):
        """The members of an object, in order."""
        self.assertEqual(list(got), want.split())

    def export(self):
        return self.tact("export").out


class Commands(Case):
    def test_help_and_version(self):
        self.assertRegex(self.tact("--version").out, r"^tact \d")
        self.assertIn("explain", self.tact("--help").out)
        self.assertIn("tact key new".split()[2], self.tact("key", "--help").out)

    def test_wrong_command_lines(self):
        for args, words in (((), "usage"), (("nope",), "no verb"), (("key",), "key show"), (("key", "nope"), "key show"),
                            (("show",), "ADDRESS"), (("export", "x"), "does not take"), (("suppress", "--nope", "a@b"), "nope"),
                            (("suppress", "a@b", "--scope"), "scope"), (("suppress", "a@b", "--note", "1", "--note", "2"), "twice"),
                            (("show", "--key", "--sha256", "a@b"), "exclude"), (("explain", "--sender", "a@b"), "--rcpt"),
                            (("contact", "a@b", "--channel", "phone"), "--purpose"), (("contact", "a@b", "--purpose", "personal"), "--channel"),
                            (("unsuppress", "a@b"), "--why"), (("store", "adopt"), "--yes"), (("profile",), "ADDRESS"),
                            (("profile", "a@b", "c@d"), "does not take"), (("consent", "a@b"), "--basis"),
                            (("consent", "a@b", "--basis", "express"), "--source"), (("consent", "a@b", "--basis", "express", "--source", "s"), "--scope"),
                            (("consent", "a@b", "--end", "--scope", "global"), "--reason"),
                            (("consent", "a@b", "--end", "--scope", "global", "--reason", "r", "--proof", "p"), "--proof"),
                            (("consent", "a@b", "--basis", "express", "--source", "s", "--scope", "global", "--reason", "r"), "--reason"), (("quarantine", "show", "x"), "no id")):
            with self.subTest(args=args):
                self.assertIn(words, self.tact(*args, code=64).err)

    def test_bad_option_values(self):
        for args, words in ((("suppress", "a@b", "--scope", "x:y"), "--scope"), (("suppress", "a@b", "--reason", "whim"), "whim"),
                            (("suppress", "a@b", "--purposes", "promotional,fun"), "fun"), (("suppress", "a@b", "--until", "soon"), "--until"),
                            (("suppress", "a@b", "--until", "2020-01-01"), "passed"), (("suppress", "a@b", "--at", "2030-01-01"), "future"),
                            (("suppress", "a@b", "--note", "a\nb"), "control"), (("suppress", "a@b", "--reason", "pause"), "--until"), (("unsuppress", "a@b", "--why", "x", "--id", "7"), "--id"),
                            (("contact", "a@b", "--channel", "owl", "--purpose", "personal"), "owl"),
                            (("contact", "a@b", "--channel", "phone", "--purpose", "fun"), "fun"),
                            (("contact", "a@b", "--channel", "phone", "--stream", "nope"), "nope"),
                            (("contact", "a@b", "--channel", "phone", "--stream", "shop", "--direction", "up"), "up"),
                            (("contact", "a@b", "--channel", "phone", "--stream", "shop", "--sentiment", "sad"), "sad"),
                            (("explain", "--sender", "a@b", "--rcpt", "c@d", "--client", "x"), "--client"),
                            (("explain", "--sender", "a@b", "--rcpt", "c@d", "--listener", "x"), "--listener"),
                            (("explain", "--sender", "a@b", "--rcpt", "c@d", "--at", "x"), "--at"),
                            (("consent", "a@b", "--basis", "whim", "--source", "s", "--scope", "global"), "whim"),
                            (("consent", "a@b", "--basis", "implied", "--source", "s", "--scope", "x:y"), "--scope"),
                            (("consent", "a@b", "--basis", "implied", "--source", "s", "--scope", "global", "--at", "2030-01-01"), "future"),
                            (("consent", "a@b", "--basis", "implied", "--source", "s", "--scope", "global", "--at", "2026-01-02", "--until", "2026-01-02"), "--until"),
                            (("import", "f", "--reason", "whim"), "whim"), (("import", "f", "--scope", "x"), "--scope")):
            with self.subTest(args=args):
                self.assertIn(words, self.tact(*args, code=64).err)

    def test_configuration_mistakes_are_told_with_their_lines(self):
        self.edit('host = "relay.test"', "hots = 3")
        for verb in (("show", "a@b"), ("check", "--no-postfix"), ("canonical", "a@b")):
            self.assertRegex(self.tact(*verb, code=78).err, r"tact\.conf:4: .*hots")

    def test_no_configuration(self):
        self.assertIn("nowhere", self.tact("export", code=66, conf=self.path("nowhere")).err)

    def test_output_that_does_not_arrive(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([TACT, "-c", self.conf, "export"], stdout=full, stderr=subprocess.PIPE, env=self.env)
        self.assertEqual(done.returncode, 74, done.stderr)

    def test_closed_streams(self):
        """No file of the store may become standard error: the next complaint would be written over its first page."""
        self.tact("suppress", "a@b.example")
        before = self.export()
        for which in ("<&- >&- 2>&-", ">&- 2>&-", "<&- 2>&-", "<&- >&-", "<&-", ">&-", "2>&-"):
            for args, code in ((("unsuppress", "--why", "x", "zz@example.com"), 65), (("show", "a@b.example"), 74 if ">&-" in which.split() else 0)):
                with self.subTest(closed=which, args=args):
                    done = self.run_program(["/bin/sh", "-c", 'exec "$@" ' + which, "sh", TACT, "-c", self.conf] + list(args))
                    self.assertEqual(done.returncode, code, done.err)
                    self.assertEqual(self.export(), before)
        done = self.run_program(["/bin/sh", "-c", 'exec "$@" <&-', "sh", TACT, "-c", self.conf, "import", "--plain", "--reason", "manual", "-"])
        self.assertNotEqual(done.returncode, 0, "a list that cannot be read was taken for an empty one: " + done.err)

    def test_a_store_that_fails(self):
        self.edit("lmdb:%s/db?map_size=64M" % self.dir, "fail:")
        self.assertIn("tact:", self.tact("show", "a@b.example", code=75).err)
        self.tact("suppress", "a@b.example", code=75)
        got = self.json("explain", "--sender", "x@shop.example", "--rcpt", "a@b.example", stdin=MAIL, code=75)
        self.assertEqual((got[0]["verdict"], got[0]["code"]), ("undecided", "4.3.0"))


class Documentation(Case):
    def verbs(self):
        """The verbs of tact --help, and the options of each."""
        names = re.findall(r"^  ([a-z]+(?: [a-z]+)?)  +", self.tact("--help").out, re.M)
        self.assertGreater(len(names), 15)
        return {name: re.findall(r"^  --([a-z0-9-]+)", self.tact(*name.split(), "--help").out, re.M) for name in names}

    def test_help_names_what_the_issue_names(self):
        want = {"suppress": "scope reason purposes source until note at sha256", "explain": "sender sasl client listener non-smtp rcpt at",
                "import": "dry-run reason scope source plain", "unsuppress": "scope why",
                "contact": "channel purpose direction sentiment owner brand stream campaign offer at id may", "show": "sha256 key",
                "check": "postfix no-postfix", "key new": "rotate", "quarantine release": "note by", "store adopt": "yes"}
        got = self.verbs()
        for verb, options in want.items():
            for option in options.split():
                self.assertIn(option, got[verb], verb)

    def test_the_manual_names_every_verb_and_option(self):
        with open(os.path.join(SOURCE, "src", "tact.1"), encoding="utf-8") as file:
            manual = file.read()
        parts = re.split(r"^\.Ss ", manual, flags=re.M)
        for verb, options in self.verbs().items():
            sections = [part for part in parts if part.startswith("tact %s" % verb) and part[len("tact " + verb):][:1] in (" ", "\n")]
            self.assertEqual(len(sections), 1, "sections of %s" % verb)
            for option in set(options) - {"config", "json", "help"}:
                self.assertRegex(sections[0], r"(?m)^\.It Fl \\-%s( |$)" % re.escape(option).replace("\\-", "-"), verb)
            documented = set(re.findall(r"(?m)^\.It Fl \\-([a-z0-9-]+)", sections[0]))
            self.assertEqual(documented - set(options), set(), "documented for %s, and not there" % verb)

    def test_the_manual_is_clean(self):
        mandoc = shutil.which("mandoc")
        if mandoc is None:
            self.skipTest("no mandoc here")
        done = self.run_program([mandoc, "-Tlint", "-W", "warning", os.path.join(SOURCE, "src", "tact.1")])
        self.assertEqual((done.returncode, done.out), (0, ""))


class Canonical(Case):
    more = 'canonical { plus_domains = {"plus.example"} dot_domains = {"dots.example"} }'
    table = (("Ann@Example.COM", "ann@example.com"), ("<ann@example.com>", "ann@example.com"), ('"a b"@x.example', '"a b"@x.example'),
             ('"ann"@x.example', "ann@x.example"), ("ann+tag@x.example", "ann+tag@x.example"), ("ann+tag@plus.example", "ann@plus.example"),
             ("a.n.n@dots.example", "ann@dots.example"), ("ann@münchen.example", "ann@xn--mnchen-3ya.example"), ("ann@[192.0.2.1]", "ann@[192.0.2.1]"))

    def test_table(self):
        for given, want in self.table:
            with self.subTest(given=given):
                out = self.tact("canonical", "--", given).out
                self.assertRegex(out, r"^%s\t[0-9a-f]{32}\n$" % re.escape(want))

    def test_same_person_same_key(self):
        keys = {line.split("\t")[1] for line in self.tact("canonical", "Ann@x.example", "<ANN@X.EXAMPLE>", "ann@x.example").out.splitlines()}
        self.assertEqual(len(keys), 1)

    def test_refused_ones_are_told_and_the_others_printed(self):
        done = self.tact("canonical", "ann", "bob@x.example", "(c)bob@x.example", "", code=65)
        self.assertEqual(len(done.out.splitlines()), 1)
        self.assertEqual(len(done.err.splitlines()), 3, done.err)
        self.assertIn("tact: ann: ", done.err)

    def test_standard_input(self):
        done = self.tact("canonical", stdin=b"ann@x.example\r\n\nbad\nno\0no\n\xff@x\nbob@x.example", code=65)
        self.assertEqual([line.split("\t")[0] for line in done.out.splitlines()], ["ann@x.example", "bob@x.example"])
        self.assertEqual([line.split(": ")[0] for line in done.err.splitlines()], ["stdin:3", "stdin:4", "stdin:5"])

    def test_nothing_of_a_line_is_dropped(self):
        done = self.tact("canonical", stdin=b"ann@x.example\rbob@x.example\ncid@x.example\r\r\ndan@x.example\r\n", code=65)
        self.assertEqual([line.split("\t")[0] for line in done.out.splitlines()], ["dan@x.example"])
        self.assertEqual([line.split(": ")[0] for line in done.err.splitlines()], ["stdin:1", "stdin:2"])
        self.assertEqual(done.err.count("control character"), 2, done.err)

    def test_a_byte_order_mark_is_passed_over_once(self):
        want = self.tact("canonical", "ann@x.example").out
        for stdin in (b"\xef\xbb\xbfann@x.example\n", b"\xef\xbb\xbf\r\nann@x.example"):
            self.assertEqual(self.tact("canonical", stdin=stdin).out, want)
        done = self.tact("canonical", stdin=b"\xef\xbb\xbfann@x.example\n\xef\xbb\xbfbob@x.example\n", code=65)
        self.assertEqual(done.out, want)
        self.assertIn("stdin:2", done.err)
        self.assertIn("U+FEFF", done.err)

    def test_json(self):
        good, bad = self.json("canonical", "Ann@X.example", "nope", code=65)
        for got in (good, bad):
            self.keys(got, "address canonical key error")
        self.assertEqual((good["address"], good["canonical"], good["error"]), ("Ann@X.example", "ann@x.example", None))
        self.assertEqual((bad["canonical"], bad["key"]), (None, None))
        self.assertTrue(bad["error"])

    def test_without_a_key_file(self):
        os.unlink(self.path("key"))
        self.assertIn("key new", self.tact("canonical", "a@b.example", code=78).err)


class Key(Case):
    def test_mode_and_fingerprint(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.path("key")).st_mode), 0o600)
        with open(self.path("key"), encoding="ascii") as file:
            secret = [line for line in file.read().split() if re.fullmatch("[0-9a-f]{64}", line)][0]
        shown = self.tact("key", "show").out
        self.assertRegex(shown, r"^[0-9a-f]{32}\tcurrent\n$")
        self.assertNotIn(secret[:16], shown)

    def test_never_overwritten(self):
        before = self.read("key")
        self.assertIn("overwritten", self.tact("key", "new", code=73).err)
        self.assertEqual(self.read("key"), before)

    def test_named_file_without_a_configuration(self):
        self.tact("key", "new", self.path("other"), conf=self.path("nowhere"))
        got, = self.json("key", "show", self.path("other"))
        self.keys(got, "file fingerprints")
        self.assertEqual(len(got["fingerprints"]), 1)

    def test_no_folder(self):
        self.tact("key", "new", self.path("no/key"), code=73)

    def test_readable_by_others_is_refused(self):
        os.chmod(self.path("key"), 0o640)
        for verb in (("key", "show"), ("canonical", "a@b.example"), ("export",)):
            self.assertIn("0640", self.tact(*verb, code=78).err)

    def test_rotate_and_adopt(self):
        self.tact("suppress", "ann@x.example")
        earlier = self.tact("key", "show").out.split()[0]
        self.tact("key", "new", "--rotate")
        now, before = self.tact("key", "show").out.splitlines()
        self.assertEqual(before, earlier + "\tearlier")
        self.assertIn("adopt", self.tact("show", "ann@x.example", code=78).err)
        got, = self.json("store", "adopt", "--yes")
        self.keys(got, "key canonical")
        self.assertEqual(got["key"], now.split()[0])
        shown, = self.json("show", "ann@x.example")
        self.assertEqual(len(shown["suppressions"]), 1, "what stood under the earlier key is still found")
        self.assertIn("action suppress", self.tact("audit", "trail", "ann@x.example").out)

    def test_a_wrong_key_is_refused(self):
        self.tact("suppress", "ann@x.example")
        os.unlink(self.path("key"))
        self.tact("key", "new")
        for verb in (("show", "ann@x.example"), ("suppress", "bob@x.example"), ("store", "check"), ("store", "adopt", "--yes")):
            self.assertIn("wrong key", self.tact(*verb, code=78).err)

    def test_other_canonical_options_are_refused(self):
        self.tact("suppress", "ann+a@x.example")
        self.edit('owner "leeds"', 'canonical { plus_domains = {"x.example"} }\nowner "leeds"')
        self.assertIn("canonical options", self.tact("show", "ann@x.example", code=78).err)
        self.tact("store", "adopt", "--yes")
        shown, = self.json("show", "ann+a@x.example")
        self.assertEqual((shown["recipient"], len(shown["suppressions"])), ("ann@x.example", 1))

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_root_does_not_stay_root(self):
        """What root made for a user who is not there could not be opened by him later."""
        self.edit('user = ""', 'user = "nobody-of-that-name"')
        for verb in (("suppress", "ann@x.example"), ("show", "ann@x.example"), ("store", "init"), ("store", "copy", "memory:", "memory:"),
                     ("store", "adopt", "--yes"), ("import", "--plain", "--reason", "manual", "/dev/null")):
            self.assertIn("user nobody-of-that-name: no such user", self.tact(*verb, code=78).err)
        done = self.tact("check", "--no-postfix", code=78)
        self.assertEqual(done.out.splitlines(), ["error: user nobody-of-that-name: no such user; make it, or set user", "1 error, 0 warnings"])
        self.assertEqual(sorted(os.listdir(self.dir)), ["clock", "key", "tact.conf"])

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_root_gives_it_to_the_user(self):
        self.edit('user = ""', 'user = "nobody"')
        os.chmod(self.dir, 0o777)
        os.unlink(self.path("key"))
        self.tact("key", "new")
        nobody = pwd.getpwnam("nobody")
        self.assertEqual(os.stat(self.path("key")).st_uid, nobody.pw_uid)
        self.tact("suppress", "ann@x.example")
        for name in ("db", "audit", "audit/relay.test/entries"):
            self.assertEqual(os.stat(self.path(name)).st_uid, nobody.pw_uid, name)
        self.assertTrue(grp.getgrgid(os.stat(self.path("db")).st_gid))


class Wishes(Case):
    def one(self, *args):
        got, = self.json("show", *args)
        return got

    def test_suppress_and_show(self):
        got, = self.json("suppress", "Ann@x.example", "--reason", "unsubscribe", "--scope", "brand:alpha", "--purposes", "promotional,newsletter",
                         "--source", "hotline", "--until", "2027-01-01", "--at", "2026-11-01", "--note", "Grüße")
        self.keys(got, "recipient key scope reason until changed")
        self.assertEqual((got["recipient"], got["scope"], got["reason"], got["until"], got["changed"]),
                         ("ann@x.example", "brand:alpha", "unsubscribe", "2027-01-01T00:00:00Z", True))
        shown = self.one("ann@x.example")
        self.keys(shown, "recipient key version history_since address suppressions consents contacts claims profile")
        wish, = shown["suppressions"]
        self.keys(wish, "id scope reason purposes source note time until ended ended_by ended_why")
        self.assertEqual((wish["purposes"], wish["source"], wish["note"], wish["time"], wish["ended"]),
                         (["promotional", "newsletter"], "hotline", "Grüße", "2026-11-01T00:00:00Z", None))
        self.assertIn("brand:alpha unsubscribe purposes=promotional,newsletter until=2027-01-01T00:00:00Z source=hotline note=Grüße",
                      self.tact("show", "ann@x.example").out)
        self.assertEqual(self.one("--key", got["key"])["suppressions"], shown["suppressions"])

    def test_the_same_wish_is_one(self):
        self.assertTrue(self.json("suppress", "ann@x.example")[0]["changed"])
        self.assertFalse(self.json("suppress", "ANN@x.example")[0]["changed"])
        self.assertIn("known already", self.tact("suppress", "ann@x.example").out)
        self.assertEqual(len(self.one("ann@x.example")["suppressions"]), 1)

    def test_a_wish_repeated_soon_is_evidence_again(self):
        """Its entry may have failed the first time; what was known for long needs none."""
        def actions():
            return [(entry["action"], "known already" in entry["sealed"]["text"]) for entry in self.json("audit", "trail", "ann@x.example")]
        self.tact("suppress", "ann@x.example")
        self.tact("suppress", "ann@x.example")
        self.assertEqual(actions(), [("suppress", False), ("suppress", True)])
        self.write("clock", "@%d\n" % (NOW + 6 * 86400))
        self.tact("suppress", "ann@x.example")
        self.assertEqual(len(actions()), 2)

    def test_several_at_once_or_none(self):
        self.assertIn("bad: ", self.tact("suppress", "ann@x.example", "bad", code=65).err)
        self.assertEqual(self.one("ann@x.example")["suppressions"], [])
        self.assertEqual(len(self.json("suppress", "ann@x.example", "bob@x.example")), 2)

    def test_a_digest_is_the_person(self):
        digest = hashlib.sha256(b"ann@x.example").hexdigest()
        self.tact("suppress", "--sha256", digest, "--reason", "complaint")
        self.assertEqual(self.one("Ann@x.example")["suppressions"][0]["reason"], "complaint")
        self.assertEqual(len(self.one("--sha256", digest)["suppressions"]), 1)
        self.assertIn("SHA-256", self.tact("suppress", "--sha256", "abc", code=65).err)
        self.assertIn("key", self.tact("show", "--key", "abc", code=65).err)

    def test_a_wish_under_the_former_spelling_of_a_literal_is_found(self):
        """A v4-mapped literal was another mailbox once, with a record of its own."""
        former = hashlib.sha256(b"ann@[IPv6:::ffff:192.0.2.1]").hexdigest()
        self.tact("suppress", "--sha256", former)
        for written in ("Ann@[192.0.2.1]", "ann@[IPv6:::ffff:192.0.2.1]", "ann@[ipv6:0:0:0:0:0:ffff:c000:201]"):
            self.assertEqual(len(self.one(written)["suppressions"]), 1, written)
            got, = self.json("explain", "--sender", "news@shop.example", "--rcpt", written, stdin=MAIL)
            self.assertEqual(got["verdict"], "reject", written)
        self.assertEqual(self.one("ann@[192.0.2.2]")["suppressions"], [])

    def test_a_scope_that_covers_nothing_is_told_of(self):
        for scope in ("brand:aplha", "owner:nobody", "stream:offer"):
            done = self.tact("suppress", "ann@x.example", "--scope", scope)
            self.assertEqual(done.err, "tact: %s is not in %s: no mail of this relay is covered by it\n" % (scope, self.conf))
        for scope in ("global", "brand:Alpha", "owner:LEEDS", "stream:shop", "stream:unmatched", "list:news", "purpose:newsletter", "campaign:spring", "offer:sofa", "channel:phone"):
            self.assertEqual(self.tact("suppress", "ann@x.example", "--scope", scope).err, "")
        self.assertEqual(self.tact("unsuppress", "ann@x.example", "--scope", "brand:aplha", "--why", "a slip").err, "")

    def test_a_time_before_1970_is_none(self):
        """Spreadsheets write an empty cell as 1900-01-01 or 1899-12-30. A record with such a time could not be read again."""
        self.tact("suppress", "ann@x.example", "--reason", "unsubscribe")
        files = {"wishes": "email,reason,created_at\nann@x.example,complaint,%s\n", "consents": "email,basis,scope,created_at\nann@x.example,express,global,%s\n",
                 "contacts": "email,at,purpose\nann@x.example,%s,personal\n"}
        for at in ("1899-12-30", "1900-01-01 00:00:00", "1969-12-31T23:59:59.5Z", "1970-01-01T01:00:00+02:00", "@-1", "9999-12-31T23:59:59-01:00"):
            with self.subTest(at=at):
                for args in (("suppress", "--scope", "brand:alpha", "--at"), ("suppress", "--until"), ("contact", "--channel", "phone", "--purpose", "personal", "--at"),
                             ("consent", "--basis", "express", "--scope", "global", "--source", "s", "--at"), ("profile", "--topic", "list:a", "--until")):
                    self.assertIn("is a time before 1970 or after 9999", self.tact(*args, at, "ann@x.example", code=64).err)
                for name, rows in files.items():
                    rows = self.write(name, rows % at)
                    options = {"wishes": (), "consents": ("--consent", "--source", "s"), "contacts": ("--history",)}[name]
                    for more in ((), ("--bulk",)):
                        self.assertIn("%s:2: " % name, self.tact("import", *options, *more, rows, code=65).err)
        self.assertEqual([one["reason"] for one in self.json("show", "ann@x.example")[0]["suppressions"]], ["unsubscribe"])
        self.tact("store", "check")

    def test_unsuppress_ends_its_scope_only(self):
        self.tact("suppress", "ann@x.example")
        self.tact("suppress", "ann@x.example", "--scope", "brand:alpha")
        got, = self.json("unsuppress", "ann@x.example", "--why", "asked", "--by", "Eve")
        self.keys(got, "recipient key scope changed")
        wishes = {wish["scope"]: wish for wish in self.one("ann@x.example")["suppressions"]}
        self.assertEqual((wishes["global"]["ended"], wishes["global"]["ended_by"], wishes["global"]["ended_why"]),
                         ("2026-11-24T09:00:00Z", "Eve", "asked"))
        self.assertIsNone(wishes["brand:alpha"]["ended"])
        self.assertIn("nothing to end", self.tact("unsuppress", "ann@x.example", "--why", "again", code=65).err)

    def test_unsuppress_by_id(self):
        self.tact("suppress", "ann@x.example")
        self.tact("suppress", "ann@x.example", "--reason", "complaint")
        first, second = self.one("ann@x.example")["suppressions"]
        self.tact("unsuppress", "ann@x.example", "--why", "x", "--id", first["id"])
        wishes = self.one("ann@x.example")["suppressions"]
        self.assertEqual([wish["ended"] is None for wish in wishes], [False, True])
        self.assertEqual(wishes[1]["id"], second["id"])

    def test_who_asks(self):
        self.env["SUDO_USER"] = "carol"
        self.tact("suppress", "ann@x.example")
        self.tact("suppress", "ann@x.example", "--scope", "list:l", "--by", "dave")
        texts = [entry["sealed"]["text"] for entry in self.json("audit", "trail", "ann@x.example")]
        self.assertEqual([text.split(":")[0] for text in texts], ["by carol" if os.getuid() == 0 else "by " + pwd.getpwuid(os.getuid()).pw_name,
                                                                  "by dave"])

    def test_evidence_that_cannot_be_written(self):
        self.write("audit", "no folder")
        self.assertNotEqual(self.run_program([TACT, "-c", self.conf, "suppress", "ann@x.example"]).returncode, 0)
        self.assertEqual(self.one("ann@x.example")["suppressions"], [], "no wish without evidence")


class Unseen(Case):
    """A character that nobody sees would make another person of an address, and the wish of this one would be lost."""

    unseen = (("\u200b", "U+200B"), ("\ufeff", "U+FEFF"), ("\u00a0", "U+00A0"), ("\u2060", "U+2060"))

    def test_on_the_command_line(self):
        for verb in (("suppress",), ("unsuppress", "--why", "x"), ("show",), ("profile", "--zone", "UTC"), ("canonical",), ("audit", "trail"),
                     ("consent", "--basis", "express", "--source", "s", "--scope", "global"),
                     ("contact", "--channel", "phone", "--purpose", "personal"), ("alias", "ann@x.example")):
            for mark, name in self.unseen:
                with self.subTest(verb=verb, name=name):
                    self.assertIn(name, self.tact(*verb, mark + "v@x.example", code=65).err)
        self.assertEqual(self.export().count("\n"), 1)

    def test_in_a_file(self):
        good = b"ann@x.example\n"
        for mark, name in self.unseen:
            plain = self.write("plain.txt", good + mark.encode() + b"v@x.example\n")
            csv = self.write("list.csv", b"note,email\na," + good + b"b," + mark.encode() + b"v@x.example\n")
            with self.subTest(name=name):
                for args, where in ((("import", plain, "--plain"), "plain.txt:2: email: "), (("import", csv), "list.csv:3: email: "), (("import", csv, "--bulk"), "list.csv:3: email: "),
                                    (("preflight", csv, "--stream", "shop"), "list.csv:3: email: "),
                                    (("campaign", "plan", "c1", csv, "--stream", "shop", "--at", "2026-12-01"), "list.csv:3: email: ")):
                    err = self.tact(*args, code=65).err
                    self.assertIn(where, err)
                    self.assertIn(name, err)
        self.assertEqual(self.export().count("\n"), 1, "nothing of the file was taken")

    def test_files_put_together(self):
        """The mark of the first is no part of its first line, that of the second is told."""
        one = b"\xef\xbb\xbfann@x.example\n"
        self.tact("import", self.write("one.txt", one), "--plain")
        self.assertIn("two.txt:2: email: ", self.tact("import", self.write("two.txt", one + one), "--plain", code=65).err)
        self.assertIn(self.tact("canonical", "ann@x.example").out.split()[1], self.export())

    def test_mail_to_one(self):
        got, = self.json("explain", "--sender", "news@shop.example", "--rcpt", "\u200bann@x.example", stdin=MAIL)
        self.assertEqual((got["verdict"], got["code"]), ("reject", "5.1.3"))
        self.assertIn("U+200B", got["text"])


class Profile(Case):
    def one(self, *args):
        got, = self.json("profile", "ann@x.example", *args)
        return got

    def test_set_show_and_clear(self):
        self.keys(self.one(), "recipient key zone home_owner language own_limit occasions wishes changed")
        got = self.one("--zone", "Europe/Berlin", "--home", "Leeds", "--language", "de-AT", "--own-limit", "2 per calendar-month",
                       "--occasion", "Birthday=1980-05-17", "--occasion", "name_day=--02-29")
        self.assertEqual({name: got[name] for name in "zone home_owner language own_limit occasions changed".split()},
                         {"zone": "Europe/Berlin", "home_owner": "Leeds", "language": "de-AT", "own_limit": "2 per calendar-month",
                          "occasions": {"birthday": "1980-05-17", "name_day": "--02-29"}, "changed": True})
        self.assertFalse(self.one("--zone", "Europe/Berlin", "--occasion", "birthday=1980-05-17")["changed"])
        self.assertEqual(self.tact("profile", "ann@x.example").out, "ann@x.example: zone=Europe/Berlin home_owner=Leeds language=de-AT "
                         "own_limit=2 per calendar-month birthday=1980-05-17 name_day=--02-29\n")
        got = self.one("--clear", "zone", "--clear", "own-limit", "--no-occasion", "BIRTHDAY", "--home", "corporate")
        self.assertEqual((got["zone"], got["own_limit"], got["home_owner"], got["occasions"]), ("", "", "corporate", {"name_day": "--02-29"}))
        shown, = self.json("show", "ann@x.example")
        self.assertEqual(shown["profile"], {name: got[name] for name in "zone home_owner language own_limit occasions".split()})
        self.assertIn("home_owner=corporate language=de-AT name_day=--02-29\n", self.tact("show", "ann@x.example").out)

    def test_pauses_and_topics_are_the_recipients_own_suppressions(self):
        got = self.one("--pause", "30d", "--topic", "list:News", "--topic", "purpose:newsletter", "--until", "2027-03-01", "--source", "preference page")
        self.assertEqual(got["wishes"], [{"scope": "global", "reason": "pause", "until": "2026-12-24T09:00:00Z"},
                                         {"scope": "list:News", "reason": "topic", "until": "2027-03-01T00:00:00Z"},
                                         {"scope": "purpose:newsletter", "reason": "topic", "until": "2027-03-01T00:00:00Z"}])
        self.assertIn("  pause global until=2026-12-24T09:00:00Z\n", self.tact("profile", "ann@x.example").out)
        wish = self.json("show", "ann@x.example")[0]["suppressions"][0]
        self.assertEqual((wish["reason"], wish["source"], wish["purposes"]),
                         ("pause", "preference page", ["promotional", "newsletter", "appreciation", "occasion"]))
        self.assertEqual(self.deliver("news@shop.example", "ann@x.example"), ["refuse"])
        self.assertFalse(self.one("--pause-until", "2026-12-01")["changed"], "it is never shortened")
        self.tact("suppress", "ann@x.example", "--reason", "complaint")
        got = self.one("--no-pause", "--no-topic", "LIST:NEWS".lower(), "--pause-until", "2026-12-01")
        self.assertEqual([(one["scope"], one["until"]) for one in got["wishes"]],
                         [("purpose:newsletter", "2027-03-01T00:00:00Z"), ("global", "2026-12-01T00:00:00Z")])
        complaint = [one for one in self.json("show", "ann@x.example")[0]["suppressions"] if one["reason"] == "complaint"]
        self.assertIsNone(complaint[0]["ended"], "only the pause ended")

    def test_bad_values_change_nothing(self):
        for args, code, words in ((("--zone", "Mars/Base"), 64, "Mars/Base"), (("--zone", "+01:00"), 64, "+01:00"), (("--home", "york"), 64, "york"),
                                  (("--language", "d"), 64, "language"), (("--language", "de--AT"), 64, "language"), (("--language", "d\ne"), 64, "language"),
                                  (("--own-limit", "many"), 64, "4/7d"), (("--own-limit", "1/500d"), 64, "history"),
                                  (("--occasion", "birthday"), 64, "birthday=1980"), (("--occasion", "birthday=1981-02-29"), 64, "no day"),
                                  (("--occasion", "b d=05-17"), 64, "name"), (("--occasion", "=05-17"), 64, "name"),
                                  (("--occasion", "b=05-17", "--no-occasion", "B"), 64, "twice"), (("--clear", "nose"), 64, "nose"),
                                  (("--clear", "zone", "--zone", "UTC"), 64, "contradicts"), (("--pause", "soon"), 64, "--pause"), (("--pause", "0"), 64, "--pause"),
                                  (("--pause", "1d", "--pause-until", "2027-01-01"), 64, "exclude"), (("--pause-until", "2020-01-01"), 64, "passed"),
                                  (("--topic", "global"), 64, "--pause"), (("--topic", "x:y"), 64, "--topic"), (("--until", "2027-01-01"), 64, "--topic"),
                                  (("--no-pause",), 65, "no pause"), (("--no-topic", "list:l"), 65, "not left"), (("--source", "a\nb"), 64, "control")):
            with self.subTest(args=args):
                self.assertIn(words, self.tact("profile", "ann@x.example", *args, code=code).err)
                self.assertEqual(self.json("show", "ann@x.example")[0]["version"], 0)
        self.tact("profile", "ann", "--zone", "UTC", code=65)

    def test_evidence(self):
        self.one("--zone", "UTC", "--occasion", "birthday=05-17", "--clear", "language", "--by", "eve", "--source", "call")
        entry, = self.json("audit", "trail", "ann@x.example")
        self.assertEqual((entry["action"], entry["sealed"]["text"]), ("profile", "by eve: zone=UTC language cleared birthday=--05-17; call"))

    def test_looking_needs_no_evidence(self):
        self.one()
        self.assertEqual(self.json("audit", "trail", "ann@x.example"), [])


class Consent(Case):
    given = ("consent", "ann@x.example", "--basis", "express", "--source", "form 7")

    def consents(self):
        return self.json("show", "ann@x.example")[0]["consents"]

    def test_given_and_ended(self):
        got, = self.json(*self.given, "--scope", "list:news", "--proof", "IP 192.0.2.1", "--at", "2026-10-01", "--until", "2027-10-01")
        self.keys(got, "recipient key scope basis time until changed")
        self.assertEqual((got["basis"], got["time"], got["until"], got["changed"]), ("express", "2026-10-01T00:00:00Z", "2027-10-01T00:00:00Z", True))
        one, = self.consents()
        self.keys(one, "id basis scope source proof time until ended ended_by ended_why imported")
        self.assertEqual((one["source"], one["proof"], one["ended"], one["imported"]), ("form 7", "IP 192.0.2.1", None, False))
        self.assertIn("list:news express until=2027-10-01T00:00:00Z source=form 7 proof=IP 192.0.2.1\n", self.tact("show", "ann@x.example").out)
        got, = self.json("consent", "ann@x.example", "--end", "--scope", "list:NEWS", "--reason", "letter", "--by", "eve")
        self.keys(got, "recipient key scope changed")
        one, = self.consents()
        self.assertEqual((one["ended"], one["ended_by"], one["ended_why"]), ("2026-11-24T09:00:00Z", "eve", "letter"))
        self.assertIn("nothing to end", self.tact("consent", "ann@x.example", "--end", "--scope", "list:news", "--reason", "x", code=65).err)

    def test_the_newest_counts(self):
        self.tact(*self.given, "--scope", "global", "--at", "2026-10-02")
        self.assertFalse(self.json(*self.given, "--scope", "global", "--at", "2026-10-01")[0]["changed"])
        self.tact(*self.given, "--scope", "global")
        self.assertEqual([one["time"] for one in self.consents()], ["2026-11-24T09:00:00Z"])

    def test_a_later_consent_lifts_within_its_scope_only(self):
        self.tact("suppress", "ann@x.example", "--reason", "unsubscribe", "--at", "2026-11-01")
        self.assertEqual(self.deliver("news@shop.example", "ann@x.example"), ["refuse"])
        self.tact(*self.given, "--scope", "brand:beta")
        self.assertEqual(self.deliver("news@shop.example", "ann@x.example"), ["refuse"])
        self.tact("consent", "ann@x.example", "--basis", "implied", "--source", "purchase", "--scope", "brand:alpha")
        self.assertEqual(self.deliver("news@shop.example", "ann@x.example"), ["refuse"])
        self.tact(*self.given, "--scope", "brand:alpha")
        self.assertEqual(self.deliver("news@shop.example", "ann@x.example"), ["pass"])
        self.tact("consent", "ann@x.example", "--end", "--scope", "brand:alpha", "--reason", "call")
        self.assertEqual(self.deliver("news@shop.example", "ann@x.example", mail=MAIL.replace(b"<1@", b"<2@")), ["refuse"])

    def test_evidence(self):
        self.tact(*self.given, "--scope", "global", "--proof", "p", "--by", "eve")
        self.tact("consent", "ann@x.example", "--end", "--scope", "global", "--reason", "call", "--by", "eve")
        given, ended = self.json("audit", "trail", "ann@x.example")
        self.assertEqual((given["action"], given["weighed"][0]["scope"], given["weighed"][0]["reason"], given["sealed"]["text"]),
                         ("consent", "global", "express", "by eve: form 7, proof p"))
        self.assertEqual((ended["action"], ended["sealed"]["text"]), ("end-consent", "by eve: call"))


class Scopes(Case):
    def test_of_nothing_that_is_there(self):
        """A brand mistyped, or renamed since: what was said of it was taken without a word, and was about no mail."""
        calls = (("suppress", "ann@x.example", "--scope", "%s"), ("profile", "bob@x.example", "--topic", "%s"),
                 ("consent", "eve@x.example", "--basis", "express", "--source", "form", "--scope", "%s"),
                 ("import", "--dry-run", "--plain", "--reason", "manual", "--scope", "%s", self.write("list", "dan@x.example\n")))
        for call in calls:
            for scope in ("brand:alhpa", "owner:ledes", "stream:shp"):
                done = self.tact(*[word.replace("%s", scope) for word in call])
                self.assertIn("tact: %s is not in %s: no mail of this relay is covered by it" % (scope, self.conf), done.err, call)
            for scope in ("brand:ALPHA", "owner:leeds", "stream:Shop", "stream:unmatched", "list:news", "campaign:c", "purpose:newsletter"):
                self.assertEqual(self.tact(*[word.replace("%s", scope) for word in call]).err, "", call)

    def test_a_list_as_its_header_has_it(self):
        mail = MAIL.replace(b"Subject", b"List-Id: Our News <News.shop.example>\nSubject")
        self.tact("suppress", "ann@x.example", "--scope", "list:Our News <news.shop.example>", "--reason", "unsubscribe")
        self.assertEqual(self.json("show", "ann@x.example")[0]["suppressions"][0]["scope"], "list:news.shop.example")
        self.assertEqual(self.deliver("news@shop.example", "ann@x.example", mail=mail), ["refuse"])
        self.assertEqual(self.deliver("news@shop.example", "bob@x.example", mail=mail), ["pass"])


class Aliases(Case):
    def one(self, *args):
        got, = self.json("show", *args)
        return got

    def asked(self, name):
        got, = self.json("explain", "--sender", "news@shop.example", "--rcpt", name, stdin=MAIL)
        return got["verdict"]

    def test_a_phone_number_and_a_second_address(self):
        got = self.json("alias", "ann@x.example", "ann@home.example", "+44 113 496 0000", "--why", "told by her")
        for one in got:
            self.keys(one, "recipient key stands_for changed")
        self.assertEqual([one["recipient"] for one in got], ["ann@home.example", "tel:+441134960000"])
        self.assertEqual({one["stands_for"] for one in got}, {self.one("ann@x.example")["key"]})
        self.tact("contact", "tel:+44-113-496-0000", "--channel", "phone", "--purpose", "promotional", "--owner", "leeds")
        for name in ("ann@x.example", "ann@home.example", "+441134960000"):
            self.assertEqual([contact["channel"] for contact in self.one(name)["contacts"]], ["phone"], name)
        self.tact("suppress", "ann@home.example")
        self.assertEqual(self.deliver("news@shop.example", "ann@x.example"), ["refuse"])
        entries = [entry for entry in self.json("audit", "trail", "ann@x.example") if entry["action"] == "alias"]
        self.assertEqual(len(entries), 2)
        self.assertIn("told by her", entries[0]["sealed"]["text"])

    def test_an_old_key(self):
        key = "0123456789abcdef" * 2
        self.tact("suppress", "ann@x.example")
        got, = self.json("alias", "ann@x.example", key)
        self.assertEqual((got["key"], got["changed"]), (key, True))
        self.assertEqual(len(self.one("--key", key)["suppressions"]), 1)
        self.assertIn("known already", self.tact("alias", "ann@x.example", key).out)

    def test_known_for_as_long_as_either(self):
        """Of whom nothing was known yet the rule that wants a contact first had nothing to say, whichever name was the older."""
        self.edit('suppression "wishes"', 'limit "not-only" { at_least = 1/30d streams = {"shop"} action = reject }\nsuppression "wishes"')
        for old, young in (("ann@x.example", "ann@home.example"), ("bob@home.example", "bob@x.example")):
            self.write("clock", "@%d\n" % NOW)
            self.tact("profile", "--language", "en", old)
            self.write("clock", "@%d\n" % (NOW + 40 * 86400))
            self.tact("profile", "--language", "en", young)
            self.assertEqual(self.asked(old), "reject", "silent for forty days")
            self.assertEqual(self.asked(young), "accept", "not known for long")
            self.tact("alias", *sorted((old, young), key=lambda name: "home" in name))
            self.assertEqual((self.asked(old), self.asked(young)), ("reject", "reject"))

    def test_known_under_an_earlier_key(self):
        self.edit('suppression "wishes"', 'limit "not-only" { at_least = 1/30d streams = {"shop"} action = reject }\nsuppression "wishes"')
        self.tact("profile", "--language", "en", "ann@x.example")
        self.write("clock", "@%d\n" % (NOW + 40 * 86400))
        self.tact("key", "new", "--rotate")
        self.tact("store", "adopt", "--yes")
        self.assertEqual(self.asked("ann@x.example"), "reject")
        self.tact("profile", "--language", "fr", "ann@x.example")
        self.assertEqual(self.asked("ann@x.example"), "reject")

    def test_the_end_of_one(self):
        self.tact("alias", "ann@x.example", "bob@x.example")
        self.assertIn("stands for itself", self.tact("alias", "--end", "bob@x.example").out)
        self.tact("suppress", "ann@x.example")
        self.assertEqual(self.one("bob@x.example")["suppressions"], [])
        self.assertIn("nobody else", self.tact("alias", "--end", "bob@x.example", code=65).err)

    def test_one_that_was_broken_off(self):
        """store check tells of it, with the command that mends it."""
        self.tact("suppress", "home@x.example")
        make = [TACT, "-c", self.conf, "alias", "ann@x.example", "home@x.example"]
        broken = subprocess.run(make, env=dict(self.env, TACT_KILL_AT="store.before-commit:3"), capture_output=True)
        if broken.returncode == 0:
            self.skipTest("a build without edges")
        self.assertEqual(broken.returncode, -signal.SIGKILL)
        got, = self.json("store", "check", code=65)
        one, = got["unfinished"]
        self.keys(one, "key stands_for why")
        self.assertEqual([one["stands_for"], one["key"]], [self.tact("canonical", who).out.split()[1] for who in ("ann@x.example", "home@x.example")])
        mend = re.search("^unfinished: alias .*; to mend it: tact (alias .*) \\(or tact (alias --end .*)\\)$", self.tact("store", "check", code=65).out, re.M)
        self.tact(*mend[1].split())
        self.assertIn("unfinished: 0", self.tact("store", "check").out)
        self.assertFalse(self.json("alias", "ann@x.example", "home@x.example")[0]["changed"])
        self.tact(*mend[2].split())

    def test_mistakes(self):
        self.assertIn("itself", self.tact("alias", "ann@x.example", "ann@x.example", code=65).err)
        self.assertIn("country code", self.tact("alias", "ann@x.example", "+0113 4960000", code=65).err)
        self.tact("alias", "ann@x.example", code=64)
        self.tact("alias", "--end", code=64)


class Contacts(Case):
    def test_owner_and_brand_are_of_the_configuration(self):
        call = ("contact", "eve@x.example", "--channel", "phone", "--purpose", "promotional")
        for name in ("owner", "brand"):
            self.assertIn('--%s: there is no %s "ledes" in ' % (name, name), self.tact(*call, "--" + name, "ledes", code=64).err)
        self.tact(*call, "--owner", "LEEDS", "--brand", "Alpha")
        (contact,) = self.json("show", "eve@x.example")[0]["contacts"]
        self.assertEqual((contact["owner"], contact["brand"]), ("leeds", "alpha"))

    def test_recorded_once_under_a_name(self):
        call = ("contact", "ann@x.example", "--channel", "phone", "--purpose", "promotional", "--owner", "leeds", "--brand", "alpha", "--campaign",
                "spring", "--offer", "o", "--list", "l", "--sentiment", "negative", "--at", "2026-11-20T10:00:00Z", "--id", "call-1")
        got, = self.json(*call)
        self.keys(got, "recipient key changed")
        self.assertTrue(got["changed"])
        self.assertFalse(self.json(*call)[0]["changed"])
        contact, = self.json("show", "ann@x.example")[0]["contacts"]
        self.keys(contact, "id time span_s count channel direction sentiment purpose stream owner brand campaign offer list counts")
        self.assertEqual({name: contact[name] for name in ("time", "channel", "direction", "sentiment", "owner", "campaign", "counts")},
                         {"time": "2026-11-20T10:00:00Z", "channel": "phone", "direction": "out", "sentiment": "negative", "owner": "leeds",
                          "campaign": "spring", "counts": True})
        entry, again = self.json("audit", "trail", "ann@x.example")
        for told in (entry, again):
            self.assertEqual((told["action"], told["purpose"], told["owner"], told["brand"], told["campaign"]),
                             ("contact", "promotional", "leeds", "alpha", "spring"))
        self.assertRegex(entry["sealed"]["text"], "^by .+: phone out at 2026-11-20T10:00:00Z, negative, offer o$")
        self.assertRegex(again["sealed"]["text"], r"offer o \(known already\)$")

    def test_recorded_once_when_its_day_is_folded(self):
        """Days long past are kept as sums, without the ids of their contacts: whoever told of one again had it counted again."""
        def call(number, at):
            return self.json("contact", "ann@x.example", "--channel", "phone", "--purpose", "promotional", "--at", at, "--id", "call-%d" % number)[0]["changed"]

        self.assertEqual([call(9, "2026-09-02T10:00:00Z"), call(9, "2026-09-02T10:00:00Z")], [True, False], "old when it was told")
        self.assertTrue(call(10, "2026-11-20T10:00:00Z"))
        self.write("clock", "@%d\n" % (NOW + 60 * 86400))
        self.assertTrue(call(11, "2026-11-20T11:00:00Z"), "another of the same day")
        self.assertEqual([call(9, "2026-09-02T10:00:00Z"), call(10, "2026-11-20T10:00:00Z")], [False, False], "grown old since")
        self.assertEqual(sorted((contact["time"], contact["count"]) for contact in self.json("show", "ann@x.example")[0]["contacts"]),
                         [("2026-09-02T00:00:00Z", 1), ("2026-11-20T00:00:00Z", 2)])

    def test_recorded_once_under_an_earlier_key_too(self):
        """Under the next key the same contact was recorded, and once its day was folded it counted twice."""
        def call(number, at, name="ann@x.example"):
            return self.json("contact", name, "--channel", "phone", "--purpose", "promotional", "--at", at, "--id", "call-%d" % number)[0]["changed"]

        calls = ((9, "2026-09-02T10:00:00Z"), (10, "2026-11-20T10:00:00Z"))
        for one in calls:
            self.assertTrue(call(*one))
        self.tact("key", "new", "--rotate")
        self.tact("store", "adopt", "--yes")
        self.assertEqual([call(*one) for one in calls], [False, False])
        self.assertTrue(call(11, "2026-11-21T10:00:00Z"))
        self.assertEqual(sorted(contact["time"] for contact in self.json("show", "ann@x.example")[0]["contacts"]),
                         ["2026-09-02T00:00:00Z", "2026-11-20T10:00:00Z", "2026-11-21T10:00:00Z"])

    def test_told_again_after_evidence_failed_it_counts_once(self):
        """No file may grow beyond the size that the evidence has."""
        for _ in range(2):
            self.tact("suppress", *["bob@x.example"] * 500)
        folder = self.path("audit/relay.test/entries/")
        most = max(os.path.getsize(folder + name) for name in os.listdir(folder)) + 10

        def bound():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        call = ("contact", "ann@x.example", "--channel", "phone", "--purpose", "promotional")
        for number, more in enumerate(((), ("--id", "call-1")), 1):
            done = subprocess.run([TACT, "-c", self.conf, *call, *more], capture_output=True, env=self.env, timeout=120, preexec_fn=bound)
            err = done.stderr.decode()
            self.assertEqual((done.returncode, done.stdout), (75, b""), err)
            self.assertIn("done, but the evidence could not be written", err)
            name = re.search(r"--id (\S+)\n", err).group(1)
            self.assertEqual(len(self.json("show", "ann@x.example")[0]["contacts"]), number)
            self.assertFalse(self.json(*call, "--id", name)[0]["changed"])
            self.assertEqual(len(self.json("show", "ann@x.example")[0]["contacts"]), number, "it counts once")
            self.assertEqual(len(self.json("audit", "trail", "ann@x.example")), number, "and has its evidence")
        self.tact(*call)
        self.tact(*call)
        self.assertEqual(len(self.json("show", "ann@x.example")[0]["contacts"]), 4, "without a name each is one of its own")

    def test_a_stream_says_the_rest(self):
        self.tact("contact", "ann@x.example", "--channel", "sms", "--stream", "shop")
        contact, = self.json("show", "ann@x.example")[0]["contacts"]
        self.assertEqual((contact["purpose"], contact["owner"], contact["brand"]), ("promotional", "corporate", "alpha"))

    def test_coming_in_needs_no_purpose(self):
        self.tact("contact", "ann@x.example", "--channel", "phone", "--direction", "in", "--sentiment", "positive")
        contact, = self.json("show", "ann@x.example")[0]["contacts"]
        self.assertEqual((contact["direction"], contact["purpose"]), ("in", "personal"))

    def test_not_in_the_future(self):
        self.assertIn("future", self.tact("contact", "ann@x.example", "--channel", "sms", "--stream", "shop", "--at", "2026-11-25", code=64).err)

    def test_may_we(self):
        ask = ("contact", "ann@x.example", "--may", "--channel", "phone", "--stream", "shop")
        got, = self.json(*ask)
        self.keys(got, "recipient allowed verdict until text rules not_asked")
        self.assertEqual((got["allowed"], got["verdict"], got["until"]), (True, "accept", None))
        self.assertRegex(self.tact(*ask).out, "^ann@x.example: yes\n")
        for day in (20, 22):
            self.tact("contact", "ann@x.example", "--channel", "phone", "--stream", "shop", "--at", "2026-11-%d" % day)
        got, = self.json(*ask, code=1)
        self.assertEqual((got["allowed"], got["verdict"]), (False, "delay"))
        weekly = [rule for rule in got["rules"] if rule["name"] == "weekly"][0]
        self.assertEqual((weekly["numbers"]["count"], weekly["numbers"]["at_most"], weekly["numbers"]["window"]), (3, 2, "7d"))
        self.assertRegex(self.tact(*ask, code=1).out, "^ann@x.example: no, not before 2026-11-2")
        self.tact(*ask, "--at", "2026-12-24")
        self.assertEqual(len(self.json("show", "ann@x.example")[0]["contacts"]), 2, "asking records nothing")

    def test_may_we_after_a_wish(self):
        self.tact("suppress", "ann@x.example")
        got, = self.json("contact", "ann@x.example", "--may", "--channel", "phone", "--stream", "shop", code=1)
        self.assertEqual((got["verdict"], got["until"]), ("reject", None))


class Explain(Case):
    keys_of_one = "recipient stream stream_why purpose owner priority exempt counts mode verdict until code text rules not_asked"

    def explain(self, *args, mail=MAIL, code=0):
        return self.json("explain", *args, stdin=mail, code=code)

    def test_exactly_these_members(self):
        self.tact("suppress", "ann@x.example", "--reason", "unsubscribe")
        for day in (18, 19):
            self.tact("contact", "bob@x.example", "--channel", "phone", "--stream", "shop", "--at", "2026-11-%d" % day)
        self.tact("contact", "cid@x.example", "--channel", "phone", "--stream", "shop", "--at", "2026-11-18")
        ann, bob, cid = self.explain("--sender", "news@shop.example", "--rcpt", "ann@x.example", "--rcpt", "<Bob@x.example>", "--rcpt", "cid@x.example")
        for got in (ann, bob, cid):
            self.keys(got, self.keys_of_one)
            self.assertEqual((got["stream"], got["purpose"], got["owner"]), ("shop", "promotional", "corporate"))
            self.assertEqual([rule["name"] for rule in got["rules"]], ["wishes", "weekly"])
            for rule in got["rules"]:
                self.keys(rule, "name kind mode verdict until why holder numbers")
            self.assertEqual(got["not_asked"], [
                {"name": "ask-first", "kind": "suppression", "why": "is not for stream shop"},
                {"name": "paused-campaign", "kind": "breaker", "why": "is not for mail without campaign"},
                {"name": "cancelled-campaign", "kind": "breaker", "why": "is not for mail without campaign"}])
            self.assertEqual((got["stream_why"], got["priority"], got["exempt"], got["counts"], got["mode"]),
                             ("the envelope matches", 500, False, True, "enforce"))
            self.assertEqual(got["rules"][0]["numbers"], {})
            self.keys(got["rules"][1]["numbers"], "count at_most window frees_at")
        self.assertEqual((ann["verdict"], ann["code"], ann["until"]), ("reject", "5.7.1", None))
        self.assertEqual(bob["recipient"], "<Bob@x.example>")
        self.assertEqual((bob["verdict"], bob["rules"][1]["verdict"], bob["rules"][1]["numbers"]["count"]), ("delay", "delay", 3))
        self.assertEqual(bob["until"], "2026-11-26T00:00:00Z")
        self.assertEqual([rule["why"] for rule in ann["rules"]], ["unsubscribe for global since 2026-11-24T09:00:00Z", "within the limit"])
        self.assertIn("3 of 2 in 7d, the latest of corporate", bob["rules"][1]["why"])
        self.assertEqual([rule["holder"] for rule in bob["rules"]], [None, "corporate"])
        self.assertEqual((cid["verdict"], cid["rules"][1]["numbers"]["count"]), ("delay", 1.5))

    def test_mail_that_comes_in(self):
        self.edit('stream "shop"', 'stream "answers" { direction = in owner = "leeds" listeners = {"local"} }\nstream "shop"')
        self.tact("suppress", "ann@x.example")
        got, = self.explain("--sender", "bob@x.example", "--listener", "local", "--rcpt", "ann@x.example")
        self.assertEqual((got["stream"], got["purpose"], got["verdict"], got["text"], got["rules"]), ("answers", "personal", "accept", "mail that comes in", []))
        self.assertEqual([rule["why"] for rule in got["not_asked"] if rule["name"] == "wishes"], ["is not for stream answers"])
        self.edit('streams = {"shop", "desk", "unmatched"}', "")
        got, = self.explain("--sender", "bob@x.example", "--listener", "local", "--rcpt", "ann@x.example")
        self.assertEqual([rule["why"] for rule in got["not_asked"] if rule["name"] == "wishes"], ["is not asked: mail that comes in"])
        self.assertEqual(self.deliver("bob@x.example", "ann@x.example"), ["refuse"], "by another listener")
        self.assertIn("comes in", self.tact("preflight", self.write("l", "email\nann@x.example\n"), "--stream", "answers", code=64).err)

    def test_records_nothing(self):
        self.explain("--sender", "news@shop.example", "--rcpt", "ann@x.example")
        self.assertEqual(self.json("show", "ann@x.example")[0]["contacts"], [])

    def test_plain(self):
        self.tact("suppress", "ann@x.example", "--reason", "unsubscribe")
        out = self.tact("explain", "--sender", "news@shop.example", "--rcpt", "ann@x.example", stdin=MAIL).out
        self.assertRegex(out, r"^ann@x.example: reject: 5.7.1 ")
        for words in ('stream "shop"', 'suppression "wishes": reject', 'limit "weekly": does not fire, 0 of at most 2 in 7d',
                      'suppression "ask-first": is not for stream shop'):
            self.assertIn(words, out)

    def test_the_same_person_twice(self):
        got = self.explain("--sender", "news@shop.example", "--rcpt", "ann@x.example", "--rcpt", "ANN@x.example")
        self.assertEqual([one["verdict"] for one in got], ["accept", "accept"])

    def test_no_address(self):
        got, = self.explain("--sender", "news@shop.example", "--rcpt", "ann")
        self.assertEqual((got["verdict"], got["code"], got["rules"]), ("reject", "5.1.3", []))
        self.assertIn('suppression "wishes": is not asked: the address has no \'@\'',
                      self.tact("explain", "--sender", "news@shop.example", "--rcpt", "ann", stdin=MAIL).out)

    def test_at(self):
        self.tact("suppress", "ann@x.example", "--until", "2026-12-01")
        args = ("--sender", "news@shop.example", "--rcpt", "ann@x.example")
        self.assertEqual(self.explain(*args)[0]["verdict"], "reject")
        self.assertEqual(self.explain(*args, "--at", "2026-12-02")[0]["verdict"], "accept")

    def test_envelope(self):
        args = ("--rcpt", "ann@x.example", "--client", "192.0.2.1", "--sasl", "joe")
        self.assertEqual(self.explain("--sender", "<joe@leeds.example>", *args)[0]["stream"], "desk")
        self.assertEqual(self.explain("--sender", "joe@leeds.example", "--non-smtp", *args)[0]["stream"], "desk")
        self.assertEqual(self.explain("--sender", "joe@leeds.example", "--listener", "local", *args)[0]["stream"], "desk")
        self.assertNotIn(self.explain("--sender", "<>", *args)[0]["stream"], ("desk", "shop"))

    def test_a_message_that_is_too_long(self):
        ask = ("explain", "--sender", "news@shop.example", "--rcpt", "ann@x.example")
        long = MAIL + b"x" * ((64 << 20) - len(MAIL))
        self.assertEqual(self.json(*ask, stdin=long)[0]["verdict"], "accept")
        self.assertIn("longer than 64 MiB", self.tact(*ask, stdin=long + b"x", code=65).err)

    def test_messages_that_are_none(self):
        self.assertIn("message", self.tact("explain", "--sender", "a@shop.example", "--rcpt", "b@x.example", stdin=b"Subject: a\0b\n\n", code=65).err)
        self.explain("--sender", "a@shop.example", "--rcpt", "b@x.example", mail=b"")

    def test_monitor_is_said(self):
        self.edit('host = "relay.test"', 'host = "relay.test"\nmode = monitor')
        self.tact("suppress", "ann@x.example")
        self.assertIn("monitor", self.tact("explain", "--sender", "a@shop.example", "--rcpt", "ann@x.example", stdin=MAIL).out)
        got, = self.explain("--sender", "a@shop.example", "--rcpt", "ann@x.example")
        self.assertEqual((got["mode"], got["verdict"]), ("monitor", "reject"))


class ExplainPeople(Case):
    """What the rules that ask who the recipient is and when say, and why."""
    more = """\
owner "head" { }
owner "york" { local = yes }
owner "bath" { local = yes }
owner "clinic" { sensitive = yes }
stream "york" { owner = "york" senders = {"@york.example"} }
stream "cards" { owner = "head" purpose = occasion occasion = birthday senders = {"@cards.example"} }
stream "clinic" { owner = "clinic" purpose = occasion occasion = birthday senders = {"@clinic.example"} }
consent "permission" { bases = {express, implied} expires_after = {"implied:purchase = 2 calendar-years", "implied:inquiry = 6 calendar-months"} streams = {york} }
quiet_hours "night" { hours = "21:00-08:00" days = sun zone = "Europe/London" holidays_file = "%(dir)s/holidays" }
occasion "birthday" { zone = "Europe/London" }
territory "branches" { }
"""

    def setUp(self):
        self.dir = ""
        more, self.more = self.more, ""
        super().setUp()
        self.write("holidays", "# bank holidays\n12-25 Christmas\n2026-12-28 in place of the 26th\n")
        self.more = more % {"dir": self.dir}
        self.write("tact.conf", CONFIG % {"dir": self.dir, "more": self.more, "user": self.user})

    def rule(self, name, sender, at, rcpt="ann@x.example"):
        args = ("explain", "--sender", sender, "--rcpt", rcpt, "--at", at)
        got, = self.json(*args, stdin=MAIL)
        line, = [line for line in self.tact(*args, stdin=MAIL).out.splitlines() if '"%s"' % name in line]
        found = [rule for rule in got["rules"] if rule["name"] == name]
        return got, found[0] if found else None, line

    def test_territory(self):
        self.tact("profile", "--home", "bath", "ann@x.example")
        self.tact("consent", "--scope", "global", "--basis", "express", "--source", "form", "ann@x.example")
        got, rule, line = self.rule("branches", "a@york.example", "2026-12-01T12:00:00Z")
        self.assertEqual((got["verdict"], got["text"]), ("reject", "branches: recipient belongs to bath, which may write"))
        self.assertEqual((rule["kind"], rule["verdict"]), ("territory", "reject"))
        self.assertIn("reject: the recipient belongs to bath; held by bath", line)
        self.assertIn("does not fire: the owner is no branch", self.rule("branches", "a@cards.example", "2026-12-01T12:00:00Z")[2])
        self.assertIn("is not for purpose personal", self.rule("branches", "a@leeds.example", "2026-12-01T12:00:00Z")[2])

    def test_quiet_hours(self):
        self.tact("profile", "--zone", "America/Los_Angeles", "ann@x.example")
        got, rule, line = self.rule("night", "a@shop.example", "2026-12-02T06:00:00Z")
        self.assertEqual((got["verdict"], got["until"]), ("delay", "2026-12-02T16:00:00Z"))
        self.assertEqual(got["text"], "night: quiet hours where the recipient is, next place 2026-12-02 16:00 UTC")
        self.assertEqual(rule["numbers"], {"count": 1, "at_most": 0, "window": "quiet hours in America/Los_Angeles", "frees_at": "2026-12-02T16:00:00Z"})
        self.assertIn("quiet at Tue 2026-12-01 22:00:00 in America/Los_Angeles; over at Wed 2026-12-02 08:00:00", line)
        self.assertIn("does not fire", self.rule("night", "a@shop.example", "2026-12-02T17:00:00Z")[2])
        got, _, line = self.rule("night", "a@shop.example", "2026-12-28T12:00:00Z", rcpt="bob@x.example")
        self.assertEqual(got["until"], "2026-12-29T08:00:00Z")
        self.assertIn("Europe/London, the zone of the rule", line)

    def test_occasion(self):
        self.tact("profile", "--occasion", "birthday=1980-12-03", "ann@x.example")
        got, rule, line = self.rule("birthday", "a@cards.example", "2026-12-02T12:00:00Z")
        # Of the two that wait the first is told, and no reply tells the day.
        self.assertEqual((got["verdict"], got["until"], got["text"]), ("delay", "2026-12-03T08:00:00Z", "night: quiet hours where the recipient is, kept for its time"))
        self.assertEqual(rule["numbers"], {})
        self.assertIn("the day is still to come in Europe/London", line)
        self.assertIn("does not fire: today is the day", self.rule("birthday", "a@cards.example", "2026-12-03T12:00:00Z")[2])
        got, _, line = self.rule("birthday", "a@cards.example", "2026-12-04T00:00:00Z")
        self.assertEqual((got["verdict"], got["text"]), ("reject", "birthday: the day has passed"))
        got = self.rule("birthday", "a@cards.example", "2026-11-25T12:00:00Z")[0]
        self.assertEqual((got["verdict"], got["text"]), ("reject", "birthday: the day is still to come, no place in time"))
        got = self.rule("birthday", "a@clinic.example", "2026-12-03T12:00:00Z")[0]
        self.assertEqual((got["verdict"], got["text"]), ("reject", "birthday: this owner does not write on occasions"))
        got = self.rule("birthday", "a@cards.example", "2026-12-03T12:00:00Z", rcpt="bob@x.example")[0]
        self.assertEqual(got["text"], "birthday: no date is known for this occasion")

    def test_consent(self):
        got, rule, line = self.rule("permission", "a@york.example", "2026-12-01T12:00:00Z")
        self.assertEqual((got["verdict"], got["text"]), ("reject", "permission: no permission is on record"))
        self.tact("consent", "--scope", "global", "--basis", "implied", "--source", "inquiry", "--at", "2026-08-01T10:00:00Z", "ann@x.example")
        got, rule, line = self.rule("permission", "a@york.example", "2027-01-30T12:00:00Z")
        self.assertEqual(got["verdict"], "accept")
        self.assertEqual(rule["numbers"], {"count": 1, "at_most": 0, "window": "consent (implied)", "frees_at": None})
        self.assertIn("implied for global since 2026-08-01T10:00:00Z from inquiry, until 2027-02-01T00:00:00Z", line)
        got, rule, line = self.rule("permission", "a@york.example", "2027-02-01T12:00:00Z")
        self.assertEqual((got["verdict"], got["text"]), ("reject", "permission: permission has run out"))
        self.tact("consent", "--scope", "global", "--basis", "soft-opt-in", "--source", "shop", "ann@x.example")
        self.assertIn("has run out", self.rule("permission", "a@york.example", "2027-02-01T12:00:00Z")[2])
        self.tact("consent", "--scope", "global", "--basis", "express", "--source", "form", "ann@x.example")
        self.assertEqual(self.rule("permission", "a@york.example", "2027-02-01T12:00:00Z")[0]["verdict"], "accept")


class Import(Case):
    def import_file(self, text, *args, code=0, name="list.csv"):
        return self.tact("import", self.write(name, text), *args, code=code)

    def test_everything_a_row_can_say(self):
        text = ("\ufeffReason,Scope, EMAIL ,Created_At,Expires_At,Name,Source\r\n"
                'complaint,brand:alpha,"Ann@x.example",2026-01-02,2027-01-02T00:00:00Z,"A ""b"",\r\nc",crm\r\n'
                "\r\n,,bob@x.example,,,,\r\nunsubscribe,list:l,cid@x.example,@1700000000,,x,")
        dry, = self.json("import", self.write("list.csv", text), "--dry-run")
        self.keys(dry, "rows new known expired by not_read applied")
        self.assertEqual((dry["rows"], dry["new"], dry["known"], dry["expired"], dry["not_read"], dry["applied"]), (3, 3, 0, 0, ["Name"], False))
        self.assertEqual(self.export().count("\n"), 1, "a dry run writes nothing")
        done, = self.json("import", self.path("list.csv"))
        for group in done["by"]:
            self.keys(group, "reason scope rows new")
        self.assertEqual({(group["reason"], group["scope"]) for group in done["by"]},
                         {("complaint", "brand:alpha"), ("manual", "global"), ("unsubscribe", "list:l")})
        wish, = self.json("show", "ann@x.example")[0]["suppressions"]
        self.assertEqual((wish["scope"], wish["reason"], wish["source"], wish["time"], wish["until"]),
                         ("brand:alpha", "complaint", "crm", "2026-01-02T00:00:00Z", "2027-01-02T00:00:00Z"))
        wish, = self.json("show", "bob@x.example")[0]["suppressions"]
        self.assertEqual((wish["scope"], wish["reason"], wish["source"], wish["until"]), ("global", "manual", "import list.csv", None))

    def test_every_name_of_the_column(self):
        for i, name in enumerate(("email", "Address", "RECIPIENT")):
            self.import_file("%s\np%d@x.example\n" % (name, i))
        self.assertEqual(self.export().count("\n"), 4)

    def test_defaults(self):
        self.import_file("email\nann@x.example\n", "--reason", "hard_bounce", "--scope", "channel:email", "--source", "old system")
        wish, = self.json("show", "ann@x.example")[0]["suppressions"]
        self.assertEqual((wish["reason"], wish["scope"], wish["source"]), ("hard_bounce", "channel:email", "old system"))

    def test_digests(self):
        self.import_file("sha256,reason\n%s,unsubscribe\n" % hashlib.sha256(b"ann@x.example").hexdigest().upper())
        self.assertEqual(self.json("show", "Ann@x.example")[0]["suppressions"][0]["reason"], "unsubscribe")

    def test_plain(self):
        text = "ann@x.example\nbob@x.example\n"
        self.assertIn("--plain", self.import_file(text, code=65).err)
        self.import_file(text, "--plain")
        self.assertEqual(self.export().count("\n"), 3)

    def test_standard_input_and_several_files(self):
        one = self.write("one.csv", "email\nann@x.example\n")
        self.tact("import", one, "-", stdin=b"email\nbob@x.example\n")
        self.assertEqual(self.export().count("\n"), 3)

    def test_repeated_rows_are_one(self):
        done, = self.json("import", self.write("l", "email\n" + "ann@x.example\nANN@x.example\n" * 700))
        self.assertEqual((done["rows"], done["new"], done["known"]), (1400, 1, 1399))

    def test_many(self):
        text = "email,reason\n" + "".join("p%d@x.example,unsubscribe\n" % i for i in range(2500))
        self.assertIn("2500 rows: 2500 new", self.import_file(text).out)
        self.assertIn("2500 rows: 0 new, 2500 known", self.import_file(text).out)
        self.assertEqual(self.export().count("\n"), 2501)

    def test_expired_rows_are_left_out(self):
        done, = self.json("import", self.write("l", "email,created_at,expires_at\nann@x.example,2020-01-01,2021-01-01\n"))
        self.assertEqual((done["new"], done["expired"]), (0, 1))
        done, = self.json("import", self.write("l", "email,expires_at\nann@x.example,2021-01-01\nbob@x.example,\n"))
        self.assertEqual((done["new"], done["expired"]), (1, 1))
        self.assertEqual(self.export().count("\n"), 2)

    def test_an_export_with_a_pause_that_never_ends_is_taken_back(self):
        """As older stores hold it; a row without a time is somebody's slip of today."""
        self.import_file("email,reason,created_at,expires_at\nann@x.example,pause,2026-01-05T10:00:00Z,\nbob@x.example,unsubscribe,2026-01-05T10:00:00Z,\n")
        before = self.export()
        self.assertIn('"global","pause"', before)
        other = self.write("other.conf", self.read("tact.conf").decode().replace("/db?", "/other?").replace("/audit\"", "/other-audit\""))
        path = self.write("exported.csv", before)
        for more in ((), ("--bulk",)):
            self.tact("import", path, *more, conf=other)
            again = list(csv.DictReader(io.StringIO(self.tact("export", conf=other).out)))
            want = list(csv.DictReader(io.StringIO(before)))
            for row in again + want:
                del row["source"]
            self.assertEqual(sorted(again, key=str), sorted(want, key=str), more)

    def test_evidence_of_each(self):
        self.import_file("email\nann@x.example\n", "--by", "eve")
        entry, = self.json("audit", "trail", "ann@x.example")
        self.assertEqual((entry["kind"], entry["sealed"]["text"]), ("change", "by eve: import list.csv"))

    bad = (
        ("an open quotation mark", 'email,reason\nann@x.example,"unsub\nbob@x.example,manual\n', ":2: ", "never closed"),
        ("a stray quotation mark", 'email,reason\nann@x.example,"a"b\n', ":2: ", "quotation mark"),
        ("a bad address", "email\nann@x.example\nann\n", ":3: email: ", "'@'"),
        ("no address", "email,reason\n,manual\n", ":2: email: ", ""),
        ("a bad date", "email,created_at\nann@x.example,yesterday\n", ":2: created_at: ", "yesterday"),
        ("a date to come", "email,created_at\nann@x.example,2030-01-01\n", ":2: created_at: ", "future"),
        ("a bad end", "email,expires_at\nann@x.example,31.12.2026\n", ":2: expires_at: ", "31.12.2026"),
        ("an end before the beginning", "email,created_at,expires_at\nann@x.example,2026-02-01,2026-01-01\n", ":2: expires_at: ", "later"),
        ("an unknown reason", "email,reason\nann@x.example,whim\n", ":2: reason: ", "whim"),
        ("an unknown scope", "email,scope\nann@x.example,planet:mars\n", ":2: scope: ", "planet"),
        ("a pause without an end", "email,reason\nann@x.example,pause\n", ":2: expires_at: ", "a pause needs an end"),
        ("semicolons", "email;reason\nann@x.example;manual\n", ":1: email: ", "parted by semicolons"),
        ("semicolons, and quotes", '"email";"reason"\n"ann@x.example";"manual"\n', ":1: email: ", "parted by semicolons"),
        ("semicolons, and quotes around some", 'email;"reason"\nann@x.example;"manual"\n', ":1: email: ", "parted by semicolons"),
        ("tabs, and quotes", '"email"\t"reason"\n"ann@x.example"\t"manual"\n', ":1: email: ", "parted by tabs"),
        ("tabs, and quotes around some", '"email"\treason\nann@x.example\tmanual\n', ":1: email: ", "parted by tabs"),
        ("quotes within a header", '"e"mail,reason\nann@x.example,manual\n', ":1: ", "a quotation mark stands inside"),
        ("semicolons behind quotes in a row", 'email,reason\n"ann@x.example";manual\n', ":2: ", "a quotation mark stands inside"),
        ("tabs", "email\treason\nann@x.example\tmanual\n", ":1: email: ", "parted by tabs"),
        ("carriage returns alone", "email\rann@x.example\rbob@x.example\rbad\rcid@x.example\r", ":4: email: ", "no '@'"),
        ("a carriage return among others", "email\nann@x.example\rbob@x.example\r\nbad\ncid@x.example\n", ":4: email: ", "no '@'"),
        ("control characters", "email,source\nann@x.example,a\x1bb\n", ":2: source: ", "control"),
        ("a NUL", "email\nann@x.example\nbob\0@x.example\n", ":3: ", "NUL"),
        ("a long field", "email,name\nann@x.example,%s\n" % ("x" * 5000), ":2: ", "4096"),
        ("a huge line", "email,name\nann@x.example,%s\n" % ("x" * (1 << 20)), ":2: ", "bytes"),
        ("a huge line without an end", "x" * (1 << 20), ":1: ", "bytes"),
        ("a header that says it twice", "email,reason,Email\nann@x.example,manual,b@x.example\n", ":1: Email: ", "again"),
        ("an address and a digest", "email,sha256\nann@x.example,\n", ":1: sha256: ", "again"),
        ("a bad digest", "sha256\nabc\n", ":2: sha256: ", "64"),
        ("too few fields", "email,reason\nann@x.example\n", ":2: ", "fields"),
        ("too many fields", "email\nann@x.example,x\n", ":2: ", "fields"),
        ("no header that is known", "who,why\nann@x.example,manual\n", ":1: email: ", "--plain"),
        ("nothing at all", "", ":1: ", "empty"),
        ("UTF-16", "email\nann@x.example\n".encode("utf-16"), ":1: ", "NUL"),
    )

    def test_a_bad_file_changes_nothing(self):
        self.tact("suppress", "old@x.example")
        before = self.export()
        for what, text, where, words in self.bad:
            with self.subTest(what):
                err = self.import_file(text, code=65).err
                self.assertIn("list.csv" + where, err)
                self.assertIn(words, err)
                self.assertIn("nothing was changed", err)
                self.assertEqual(self.export(), before)

    def test_a_bad_file_beside_a_good_one_changes_nothing(self):
        before = self.export()
        self.tact("import", self.write("good", "email\nann@x.example\n"), self.write("bad", "email\nann\n"), code=65)
        self.tact("import", self.path("good"), self.path("none"), code=66)
        self.assertEqual(self.export(), before)

    def test_lines_are_those_of_the_file(self):
        text = 'email,name\nann@x.example,"a\nb\nc"\n\nbad,x\nbob@x.example,"\n"\nworse,y\n'
        self.assertEqual(re.findall(r"list\.csv:(\d+):", self.import_file(text, code=65).err), ["6", "9"])

    def test_lines_are_those_of_a_long_file(self):
        """Whatever ends them, in whatever blocks and by whichever thread they are read."""
        for end in ("\n", "\r", "\r\n", "\r\r\n"):
            lines = ["email,source"] + ["p%d@x.example,%s" % (number, "x" * (number % 50)) for number in range(30000)]
            wrong = (2, 9000, 17001, 29999)
            for number in wrong:
                lines[number - 1] = "bad,%d" % number
            path = self.write("list.csv", end.join(lines) + end)
            want = [2 * number - 1 if end == "\r\r\n" else number for number in wrong]
            for more in ((), ("--bulk",)):
                got = re.findall(r"list.csv:(\d+): email: ", self.tact("import", path, "--dry-run", *more, code=65).err)
                self.assertEqual([int(one) for one in got], want, (end, more))

    def test_a_hundred_mistakes_and_a_count(self):
        err = self.import_file("email\n" + "bad\n" * 250, code=65).err
        self.assertEqual(len(err.splitlines()), 101)
        self.assertIn("250 mistakes", err)

    def test_never_undoes(self):
        self.tact("suppress", "ann@x.example", "--reason", "unsubscribe")
        self.tact("suppress", "bob@x.example", "--reason", "unsubscribe", "--until", "2027-06-01")
        before = self.export()
        self.import_file("email,reason,expires_at\nann@x.example,unsubscribe,2026-12-01\nbob@x.example,unsubscribe,2026-12-01\n")
        self.assertEqual(self.export(), before, "no end, and the later end, stay")
        self.import_file("email,reason,scope\nann@x.example,manual,list:l\n")
        self.assertTrue(set(before.splitlines()) < set(self.export().splitlines()))

    def test_the_store_stops_it(self):
        self.edit("lmdb:%s/db?map_size=64M" % self.dir, "fail:")
        self.assertIn("import again", self.import_file("email\nann@x.example\n", code=75).err)


class ImportPeople(Case):
    """Files of profiles and of consents."""

    profiles = ("Email,ZONE,home_owner,Language,own_limit,birthday,Occasion_Wedding,name\n"
                'ann@x.example,Europe/London,Leeds,en-GB,"2 per calendar-month",1980-05-17,--02-29,Ann\n'
                "bob@x.example,,,,,,,Bob\ncid@x.example,America/New_York,,,4/7d,05-18,,\n")
    consents = ("address,basis,scope,source,proof,created_at,expires_at\n"
                'ann@x.example,express,list:news,form,"IP, ""x""",2026-10-01,2027-10-01\n'
                "bob@x.example,Implied,global,,,2024-01-01,2026-01-01\n").replace("Implied", "implied")

    def import_file(self, kind, text, *args, code=0):
        return self.tact("import", kind, self.write("list.csv", text), *args, code=code)

    def test_profiles(self):
        path = self.write("list.csv", self.profiles)
        dry, = self.json("import", "--profile", path, "--dry-run")
        self.keys(dry, "rows new known expired by not_read applied")
        self.assertEqual((dry["rows"], dry["new"], dry["known"], dry["not_read"], dry["applied"]), (3, 2, 1, ["name"], False))
        self.assertEqual({one["field"]: one["rows"] for one in dry["by"]},
                         {"zone": 2, "home_owner": 1, "language": 1, "own_limit": 2, "occasions": 2})
        self.assertEqual(self.tact("export", "--profile").out.count("\n"), 1, "a dry run writes nothing")
        self.tact("import", "--profile", path, "--by", "eve")
        self.assertEqual(self.json("profile", "ann@x.example")[0]["occasions"], {"birthday": "1980-05-17", "wedding": "--02-29"})
        got, = self.json("profile", "cid@x.example")
        self.assertEqual((got["zone"], got["own_limit"], got["home_owner"], got["occasions"]), ("America/New_York", "4/7d", "", {"birthday": "--05-18"}))
        self.assertEqual(self.json("show", "bob@x.example")[0]["version"], 0, "a row that says nothing changes nothing")
        self.assertEqual(self.json("audit", "trail", "cid@x.example")[0]["sealed"]["text"],
                         "by eve: zone=America/New_York own_limit=4/7d birthday=--05-18; import list.csv")
        again, = self.json("import", "--profile", path)
        self.assertEqual((again["new"], again["known"]), (0, 3))
        self.import_file("--profile", "email,zone,language,birthday\nann@x.example,,de,\n")
        got, = self.json("profile", "ann@x.example")
        self.assertEqual((got["zone"], got["language"], got["occasions"]["birthday"]), ("Europe/London", "de", "1980-05-17"), "an empty cell takes nothing away")

    def test_consents(self):
        path = self.write("list.csv", self.consents)
        dry, = self.json("import", "--consent", path, "--dry-run")
        self.assertEqual((dry["rows"], dry["new"], dry["expired"], dry["applied"]), (2, 2, 0, False))
        self.assertEqual({(one["basis"], one["scope"], one["rows"], one["new"]) for one in dry["by"]},
                         {("express", "list:news", 1, 1), ("implied", "global", 1, 1)})
        self.assertEqual(self.json("show", "ann@x.example")[0]["consents"], [], "a dry run writes nothing")
        self.tact("import", "--consent", path)
        one, = self.json("show", "ann@x.example")[0]["consents"]
        self.assertEqual({name: one[name] for name in "basis scope source proof time until imported".split()},
                         {"basis": "express", "scope": "list:news", "source": "form", "proof": 'IP, "x"', "time": "2026-10-01T00:00:00Z",
                          "until": "2027-10-01T00:00:00Z", "imported": True})
        one, = self.json("show", "bob@x.example")[0]["consents"]
        self.assertEqual((one["source"], one["until"]), ("import list.csv", "2026-01-01T00:00:00Z"), "what has run out is the newest word, too")
        self.assertEqual(self.json("import", "--consent", path)[0]["known"], 2)
        self.import_file("--consent", "email,created_at\ncid@x.example,2026-11-01\n", "--basis", "soft-opt-in", "--scope", "brand:alpha", "--source", "shop")
        one, = self.json("show", "cid@x.example")[0]["consents"]
        self.assertEqual((one["basis"], one["scope"], one["source"]), ("soft-opt-in", "brand:alpha", "shop"))

    def test_an_import_never_resubscribes(self):
        self.tact("suppress", "ann@x.example", "--reason", "unsubscribe", "--at", "2026-11-01")
        text = "email,basis,scope,created_at\nann@x.example,express,%s,2026-11-20\n"
        self.import_file("--consent", text % "global")
        self.assertEqual(self.deliver("news@shop.example", "ann@x.example"), ["refuse"])
        self.tact("consent", "ann@x.example", "--basis", "express", "--source", "form", "--scope", "brand:alpha", "--at", "2026-11-20")
        self.assertEqual(self.deliver("news@shop.example", "ann@x.example"), ["pass"])
        self.tact("consent", "ann@x.example", "--end", "--scope", "brand:alpha", "--reason", "call")
        got, = self.json("import", "--consent", self.write("l", text % "brand:alpha"))
        self.assertEqual((got["new"], got["known"]), (0, 1), "what she ended, no file gives again")

    bad = (
        ("--profile", "a zone that is none", "email,zone\nann@x.example,Mars\n", ":2: zone: ", "Mars"),
        ("--profile", "an owner that is none", "email,home_owner\nann@x.example,york\n", ":2: home_owner: ", "york"),
        ("--profile", "no language", "email,language\nann@x.example,q\n", ":2: language: ", "pt-BR"),
        ("--profile", "no limit", "email,own_limit\nann@x.example,lots\n", ":2: own_limit: ", "4/7d"),
        ("--profile", "no date", "email,birthday\nann@x.example,17.05.1980\n", ":2: birthday: ", "17.05.1980"),
        ("--profile", "no such day", "email,occasion_name-day\nann@x.example,2023-02-29\n", ":2: name-day: ", "no day"),
        ("--profile", "a date said twice", "email,birthday,occasion_Birthday\nann@x.example,05-17,05-18\n", ":1: occasion_Birthday: ", "again"),
        ("--profile", "a bad address", "email,zone\nann,UTC\n", ":2: email: ", "'@'"),
        ("--profile", "a bad address that says nothing", "email,zone\nann,\n", ":2: email: ", "'@'"),
        ("--profile", "a bad key", "key,zone\nabc,UTC\n", ":2: key: ", "32"),
        ("--profile", "control characters", "email,language\nann@x.example,d\x1be\n", ":2: language: ", "language"),
        ("--consent", "no basis", "email,scope,created_at\nann@x.example,global,2026-01-01\n", ":2: basis: ", "--basis"),
        ("--consent", "an unknown basis", "email,basis,scope,created_at\nann@x.example,whim,global,2026-01-01\n", ":2: basis: ", "whim"),
        ("--consent", "no scope", "email,basis,created_at\nann@x.example,express,2026-01-01\n", ":2: scope: ", "--scope"),
        ("--consent", "an unknown scope", "email,basis,scope,created_at\nann@x.example,express,x:y,2026-01-01\n", ":2: scope: ", "x"),
        ("--consent", "no time", "email,basis,scope,created_at\nann@x.example,express,global,\n", ":2: created_at: ", "time"),
        ("--consent", "no column of the time", "email,basis,scope\nann@x.example,express,global\n", ":2: created_at: ", "time"),
        ("--consent", "a time to come", "email,basis,scope,created_at\nann@x.example,express,global,2030-01-01\n", ":2: created_at: ", "future"),
        ("--consent", "an end before", "email,basis,scope,created_at,expires_at\nann@x.example,express,global,2026-01-01,2025-01-01\n", ":2: expires_at: ", "later"),
        ("--consent", "a proof of control characters", "email,basis,scope,created_at,proof\nann@x.example,express,global,2026-01-01,a\x1bb\n", ":2: proof: ", "control"),
        ("--dry-run", "consents taken for suppressions", "email,basis,scope\nann@x.example,express,global\n", ":1: basis: ", "--consent"),
    )

    def test_a_bad_file_changes_nothing(self):
        self.tact("profile", "old@x.example", "--zone", "UTC")
        before = [self.tact("export", kind).out for kind in ("--profile", "--consent", "--suppressions")]
        for kind, what, text, where, words in self.bad:
            with self.subTest(what):
                good = {"--profile": "good@x.example", "--consent": "good@x.example"}.get(kind)
                err = self.import_file(kind, text, code=65).err
                self.assertIn("list.csv" + where, err)
                self.assertIn(words, err)
                self.assertIn("nothing was changed", err)
                self.assertEqual([self.tact("export", each).out for each in ("--profile", "--consent", "--suppressions")], before, good)

    def test_a_row_that_is_refused_and_blank(self):
        """It is taken back once, wherever it stands."""
        bad, good, end = "bad,\n", "ann@x.example,Europe/London\n", "bob@x.example,UTC\n"
        for rows, lines in ((bad + good, (2,)), (good + bad + end, (3,)), (bad + bad + good, (2, 3)), (good + bad, (3,)), (bad, (2,))):
            for more in ((), ("--bulk",), ("--bulk", "--dry-run"), ("--dry-run",)):
                with self.subTest(rows=rows, more=more):
                    err = self.import_file("--profile", "email,zone\n" + rows, *more, code=65).err
                    for line in lines:
                        self.assertIn("list.csv:%d: email" % line, err)
                    self.assertIn("%d mistake" % len(lines), err)
        self.assertEqual(self.tact("export", "--profile").out.count("\n"), 1)

    def test_one_bad_row_among_good_ones(self):
        self.import_file("--profile", self.profiles + "dan@x.example,Mars,,,,,,\n", code=65)
        self.assertEqual(self.tact("export", "--profile").out.count("\n"), 1)

    def test_options_that_say_nothing(self):
        for args in (("--profile", "--consent"), ("--profile", "--scope", "global"), ("--profile", "--plain"), ("--consent", "--reason", "manual"),
                     ("--profile", "--basis", "express"), ("--basis", "express"), ("--consent", "--basis", "whim")):
            self.tact("import", self.write("l", "email\n"), *args, code=64)

    def test_many(self):
        text = "email,zone,birthday\n" + "".join("p%d@x.example,Europe/Berlin,%02d-%02d\n" % (i, i % 12 + 1, i % 28 + 1) for i in range(2500))
        self.assertIn("2500 rows: 2500 new", self.import_file("--profile", text).out)
        self.assertEqual(self.tact("export", "--profile").out.count("\n"), 2501)

    def test_what_is_exported_is_read_back(self):
        """By key and without an address, into another store with the same key file; and by address where they are kept."""
        for more in ("", "keep_addresses = yes\n"):
            self.edit('listener "smtp"', more + 'listener "smtp"')
            self.tact("import", "--profile", self.write("p", self.profiles))
            self.tact("import", "--consent", self.write("c", self.consents))
            self.tact("suppress", "ann@x.example", "--reason", "unsubscribe", "--scope", "list:l")
            kinds = ("--profile", "--consent", "--suppressions")
            before = [self.tact("export", kind).out for kind in kinds]
            self.assertEqual([out.count("\n") for out in before], [3, 2, 2])
            self.assertEqual(before[0].split("\n")[0], '"key","zone","home_owner","language","own_limit","birthday","occasion_wedding"' +
                             (',"address"' if more else ""))
            self.assertEqual([len(self.json("export", kind)) for kind in kinds], [2, 1, 1])
            with open(self.conf, encoding="utf-8") as file:
                self.write("other.conf", file.read().replace("/db?", "/other%d?" % len(more)).replace('/audit"', '/log%d"' % len(more)))
            for kind, out in zip(kinds, before):
                args = () if kind == "--suppressions" else (kind,)
                self.tact("import", *args, self.write("out.csv", out), conf=self.path("other.conf"))
            self.assertEqual([self.tact("export", kind, conf=self.path("other.conf")).out for kind in kinds], before)
            shutil.rmtree(self.path("db"))
            shutil.rmtree(self.path("audit"))

    def test_export_one_kind_at_a_time(self):
        self.assertIn("exclude", self.tact("export", "--profile", "--consent", code=64).err)
        self.assertEqual(self.tact("export").out, self.tact("export", "--suppressions").out)
        self.tact("consent", "ann@x.example", "--basis", "express", "--source", "s", "--scope", "global")
        self.tact("consent", "ann@x.example", "--end", "--scope", "global", "--reason", "r")
        self.assertEqual(self.tact("export", "--consent").out, '"key","basis","scope","source","proof","created_at","expires_at"\n')


class Export(Case):
    def test_columns(self):
        self.tact("suppress", "ann@x.example", "--source", 'a "b", c', "--until", "2027-01-01")
        key = self.tact("canonical", "ann@x.example").out.split()[1]
        self.assertEqual(self.export(), '"key","scope","reason","source","created_at","expires_at","purposes"\n'
                         '"%s","global","manual","a ""b"", c","2026-11-24T09:00:00Z","2027-01-01T00:00:00Z",""\n' % key)
        got, = self.json("export", "--suppressions")
        self.keys(got, "key scope reason source created_at expires_at purposes")

    def test_no_text_that_could_not_be_read_back(self):
        for option in ("--source", "--scope"):
            text = "list:" + "x" * 4092
            self.assertIn("at most 4096 bytes", self.tact("suppress", "ann@x.example", option, text, code=64).err)
            self.tact("suppress", "ann@x.example", option, text[:-1])
        done, = self.json("import", self.write("back.csv", self.export()))
        self.assertEqual((done["rows"], done["known"]), (2, 2))

    def test_only_what_is_in_force(self):
        self.tact("suppress", "ann@x.example")
        self.tact("suppress", "bob@x.example", "--until", "2026-11-25")
        self.tact("unsuppress", "ann@x.example", "--why", "x")
        self.assertEqual(self.export().count("\n"), 2)
        self.write("clock", "@%d\n" % (NOW + 86400))
        self.assertEqual(self.export().count("\n"), 1)

    def another(self, name):
        """The configuration of another store, with the same key file."""
        text = self.read("tact.conf").decode()
        return self.write(name + ".conf", text.replace("/db?", "/%s?" % name).replace('/audit"', '/%s-audit"' % name))

    def carry(self, conf, *options):
        """What is exported here is imported there; the words of each import."""
        return [self.tact("import", *args, *options, self.write("carried" + "".join(args) + ".csv", self.tact("export", *args).out), conf=conf).out
                for args in ((), ("--consent",), ("--profile",))]

    def test_purposes_of_their_own_go_over(self):
        """Every set there is, and none, which is what the reason says."""
        words = "promotional newsletter appreciation occasion transactional personal".split()
        sets = [",".join(word for i, word in enumerate(words) if bits >> i & 1) for bits in range(1 << len(words))]
        for i, one in enumerate(sets):
            self.tact("suppress", "p%d@x.example" % i, "--reason", "unsubscribe", *(("--purposes", one) if one else ()))
        out = self.export()
        self.assertEqual(sorted(line["purposes"] or "" for line in self.json("export")), sorted(sets))
        shown = {i: self.json("show", "p%d@x.example" % i)[0]["suppressions"][0]["purposes"] for i in range(len(sets))}
        self.assertEqual(shown[0], words[:4])
        self.assertEqual([shown[i] for i in range(1, len(sets))], [one.split(",") for one in sets[1:]])
        for name, options in (("plain", ()), ("bulk", ("--bulk",))):
            with self.subTest(name):
                conf = self.another(name)
                path = self.write("out.csv", out)
                self.tact("import", path, "--dry-run", *options, conf=conf)
                self.assertEqual(self.tact("export", conf=conf).out.count("\n"), 1, "a dry run writes nothing")
                self.tact("import", path, *options, conf=conf)
                self.assertEqual(self.tact("export", conf=conf).out, out)
                for i, want in shown.items():
                    wish, = json.loads(self.tact("show", "p%d@x.example" % i, "--json", conf=conf).out)["suppressions"]
                    self.assertEqual(wish["purposes"], want)
                self.assertIn(" 0 new", self.tact("import", path, *options, conf=conf).out)

    def test_a_wish_about_personal_mail_holds_in_another_store(self):
        self.tact("suppress", "--reason", "unsubscribe", "--purposes", "promotional,personal", "ann@x.example")
        conf = self.another("next")
        self.carry(conf)
        done = self.run_program([DELIVER, conf, "me@leeds.example", "ann@x.example"], MAIL)
        self.assertEqual(done.stdout.decode().split(), ["refuse"], done.err)

    def test_purposes_in_a_file(self):
        wrong = self.write("list.csv", 'email,PURPOSES\nann@x.example,"personal, Promotional"\nbob@x.example,"personal,fun"\ncid@x.example,"personal,"\n')
        good = self.write("good.csv", "email,purposes,reason\nann@x.example,\" occasion , personal \",unsubscribe\nbob@x.example,,unsubscribe\n")
        for options in ((), ("--bulk",), ("--dry-run",)):
            err = self.tact("import", wrong, *options, code=65).err
            self.assertRegex(err, 'list.csv:3: purposes: there is no purpose "fun"; promotional')
            self.assertRegex(err, 'list.csv:4: purposes: there is no purpose ""')
            self.assertEqual(self.export().count("\n"), 1)
        self.tact("import", good)
        self.assertEqual([one["purposes"] for name in ("ann", "bob") for one in self.json("show", name + "@x.example")[0]["suppressions"]],
                         [["occasion", "personal"], ["promotional", "newsletter", "appreciation", "occasion"]])
        done, = self.json("import", "--consent", self.write("c.csv", "email,basis,scope,created_at,purposes\ncid@x.example,express,global,2026-01-01,fun\n"))
        self.assertEqual(done["not_read"], ["purposes"], "consents have none")

    def test_what_goes_over_and_what_does_not(self):
        """All that can be known of a person, before and after: but what the manual says is left out."""
        self.edit('host = "relay.test"', 'host = "relay.test"\nkeep_addresses = yes')
        for args in ("suppress --reason unsubscribe --scope list:l --purposes personal,occasion --source form --until 2027-02-01T10:20:30Z --at 2026-03-01",
                     "suppress --reason complaint --scope campaign:spring --source loop --note said-so",
                     "suppress --reason hard_bounce --scope channel:email", "suppress --reason manual --scope owner:leeds --until 2026-12-24",
                     "suppress --reason erasure", "suppress --reason unsubscribe --scope brand:alpha",
                     "consent --basis express --scope list:l --source form --proof page-7 --at 2026-02-03T04:05:06Z --until 2027-01-01",
                     "consent --basis implied --scope global --source order --at 2026-03-03", "consent --basis soft-opt-in --scope brand:alpha --source shop",
                     "consent --basis express --scope purpose:newsletter --source form",
                     "profile --zone Europe/Berlin --home leeds --language de-AT --occasion birthday=1980-05-17 --occasion wedding=--02-29",
                     "profile --pause 30d --topic list:Old --until 2027-03-01", "contact --channel phone --purpose promotional --owner leeds --id c1"):
            self.tact(*args.split(), "ann@x.example")
        self.tact("profile", "ann@x.example", "--own-limit", "2 per calendar-month")
        self.tact("unsuppress", "ann@x.example", "--scope", "brand:alpha", "--why", "asked")
        self.tact("consent", "ann@x.example", "--end", "--scope", "purpose:newsletter", "--reason", "asked")
        self.tact("suppress", "home@x.example")
        self.tact("alias", "ann@x.example", "home@x.example")
        before, = self.json("show", "ann@x.example")
        for name, options in (("next", ()), ("bulk", ("--bulk",))):
            conf = self.another(name)
            self.carry(conf, *options)
            self.same_but_what_is_left_out(before, json.loads(self.tact("show", "ann@x.example", "--json", conf=conf).out))
            self.assertNotEqual(json.loads(self.tact("show", "home@x.example", "--json", conf=conf).out)["key"], before["key"])
            self.assertEqual(self.wishes(json.loads(self.tact("show", "home@x.example", "--json", conf=conf).out)), self.wishes(before))
            self.tact("alias", "ann@x.example", "home@x.example", conf=conf)
            self.assertEqual(self.wishes(json.loads(self.tact("show", "home@x.example", "--json", conf=conf).out)), self.wishes(before))

    def test_a_wish_holds_for_every_address_in_another_store(self):
        """Told after the other address became an alias, it stands with the person only; not for one who stands for himself again."""
        self.edit('host = "relay.test"', 'host = "relay.test"\nkeep_addresses = yes')
        self.tact("suppress", "bob@x.example", "--scope", "list:before")
        self.tact("alias", "ann@x.example", "home@x.example", "+441134960000", "bob@x.example")
        self.tact("alias", "--end", "bob@x.example")
        self.tact("suppress", "ann@x.example", "--reason", "unsubscribe")
        conf = self.another("next")
        self.carry(conf)
        for name, want in (("ann@x.example", 2), ("home@x.example", 2), ("+441134960000", 2), ("bob@x.example", 1)):
            self.assertEqual(len(json.loads(self.tact("show", name, "--json", conf=conf).out)["suppressions"]), want, name)
        self.assertEqual(json.loads(self.tact("show", "home@x.example", "--json", conf=conf).out)["address"], None)
        done, = self.json("import", self.write("back.csv", self.export()))
        self.assertEqual((done["rows"], done["new"]), (7, 0), "it is known here")

    def wishes(self, person):
        return {(one["scope"], one["reason"], one["until"]) for one in person["suppressions"] if one["ended"] is None}

    def same_but_what_is_left_out(self, before, after):
        self.assertEqual(list(after), list(before))
        self.assertEqual((len(before["contacts"]), after["contacts"], after["claims"]), (1, [], []))
        for name in ("recipient", "key", "address", "profile"):
            self.assertEqual(after[name], before[name], name)
        for name, left_out in (("suppressions", ("id", "note")), ("consents", ("id", "imported"))):
            had, has = ([{part: value for part, value in one.items() if part not in left_out} for one in person[name] if one["ended"] is None]
                        for person in (before, after))
            self.assertEqual(sorted(has, key=json.dumps), sorted(had, key=json.dumps), name)
        self.assertEqual({one["note"] for one in after["suppressions"]}, {""})
        self.assertTrue(all(one["imported"] for one in after["consents"]))

    def test_a_consent_that_another_replaced_does_not_come_back(self):
        """The newest of a scope had run out; the older one came from a file, so that it still stands beside it."""
        self.tact("import", "--consent", self.write("c", "email,basis,scope,created_at\nann@x.example,express,list:l,2024-01-01\nbob@x.example,express,list:l,2024-01-01\n"))
        self.tact("consent", "ann@x.example", "--basis", "express", "--scope", "list:l", "--source", "form", "--until", "2026-11-25")
        self.write("clock", "@%d\n" % (NOW + 2 * 86400))
        self.assertEqual(len(self.json("show", "ann@x.example")[0]["consents"]), 2)
        got, = self.json("export", "--consent")
        self.assertEqual(got["key"], self.json("show", "bob@x.example")[0]["key"])

    def test_kept_addresses_come_along_and_go_back(self):
        self.edit('host = "relay.test"', 'host = "relay.test"\nkeep_addresses = yes')
        self.tact("suppress", "Ann@x.example")
        self.assertIn(',"ann@x.example"\n', self.export())
        done, = self.json("import", self.write("back.csv", self.export()))
        self.assertEqual((done["rows"], done["known"]), (1, 1))


class Campaigns(Case):
    more = 'trusted { listeners = {"smtp"} }'
    AUTUMN = MAIL.replace(b"Subject:", b"Feedback-ID: autumn:x:y:shop\nSubject:")

    def setUp(self):
        super().setUp()
        self.list = self.write("list.csv", "email,name\n" + "".join("p%d@x.example,P\n" % i for i in range(20)) + "P1@X.example,again\n")

    def plan(self, *more, code=0, at="2026-11-25T09:00:00Z"):
        return self.tact("campaign", "plan", "autumn", self.list, "--stream", "shop", "--at", at, *more, code=code)

    def show(self):
        shown, = self.json("campaign", "show", "autumn")
        return shown

    def claims(self, address):
        shown, = self.json("show", address)
        return shown["claims"]

    def actions(self):
        """What the evidence says of campaigns, in order."""
        found = []
        for folder, _, files in os.walk(self.path("audit")):
            for name in sorted(files):
                with open(os.path.join(folder, name), "rb") as file:
                    found += re.findall(rb'"action":"(campaign-[^"]*)"', file.read())
        return [action.decode() for action in found]

    def mail(self, number, campaign=b"autumn"):
        return self.AUTUMN.replace(b"autumn", campaign).replace(b"<1@", b"<%d@" % number)

    def test_a_plan_and_again(self):
        done = json.loads(self.plan("--json", "--priority", "700", "--by", "anna").out)
        self.keys(done, "campaign rows recipients claimed known without_room unreadable applied")
        self.assertEqual((done["rows"], done["recipients"], done["claimed"], done["known"], done["applied"]), (21, 20, 20, 0, True))
        self.assertIn("20 recipients: 0 claimed, 20 known already, 0 without room", self.plan("--priority", "700").out)
        shown = self.show()
        self.keys(shown, "campaign state stopped stopped_by stopped_why stopped_at planned not_after stream owner brand offer priority recipients "
                         "made changed resumed by why counted since_resumed")
        self.assertEqual((shown["campaign"], shown["state"], shown["planned"], shown["not_after"], shown["stream"], shown["owner"],
                          shown["priority"], shown["recipients"]),
                         ("autumn", "planned", "2026-11-25T09:00:00Z", "2026-11-28T09:00:00Z", "shop", "corporate", 700, 20))
        claim, = self.claims("p3@x.example")
        self.assertEqual((claim["state"], claim["campaign"], claim["priority"], claim["place"]), ("waiting", "autumn", 700, "2026-11-25T09:00:00Z"))
        self.assertEqual(self.actions(), ["campaign-plan by anna: 20 recipients", self.actions()[-1]])

    def test_planned_anew_for_another_time(self):
        self.plan()
        made = self.claims("p3@x.example")[0]["made"]
        self.write("clock", "@%d\n" % (NOW + 60))
        self.assertIn("20 claimed", self.plan(at="2026-11-26T09:00:00Z").out)
        claim, = self.claims("p3@x.example")
        self.assertEqual((claim["made"], claim["place"]), (made, "2026-11-26T09:00:00Z"))

    def test_a_dry_run_writes_nothing(self):
        self.assertIn("nothing was written", self.plan("--dry-run").out)
        self.tact("campaign", "show", "autumn", code=65)
        self.assertEqual(self.actions(), [])

    def test_mistakes_plan_nothing(self):
        self.list = self.write("bad.csv", "email\np1@x.example\nnobody\n")
        self.assertIn("bad.csv:3: email", self.plan(code=65).err)
        self.tact("campaign", "show", "autumn", code=65)
        for arguments, words in ((("campaign", "plan", "autumn", self.list, "--at", "2026-11-25"), "--stream"),
                                 (("campaign", "plan", "autumn", self.list, "--stream", "shop"), "--at"),
                                 (("campaign", "plan", "autumn", self.list, "--stream", "nope", "--at", "2026-11-25"), "no stream"),
                                 (("campaign", "plan", "autumn", self.list, "--stream", "shop", "--at", "2020-01-01"), "has passed"),
                                 (("campaign", "plan", "autumn", self.list, "--stream", "shop", "--at", "2026-11-25", "--not-after", "2026-11-25"), "not-after"),
                                 (("campaign", "plan", "autumn", self.list, "--stream", "shop", "--at", "2026-11-25", "--priority", "1001"), "priority"),
                                 (("campaign", "plan", "", self.list, "--stream", "shop", "--at", "2026-11-25"), "1 to 255"),
                                 (("campaign", "plan", "x" * 256, self.list, "--stream", "shop", "--at", "2026-11-25"), "1 to 255"),
                                 (("campaign", "plan", "autumn", "--stream", "shop", "--at", "2026-11-25"), "NAME FILE")):
            with self.subTest(arguments):
                self.assertIn(words, self.tact(*arguments, code=64).err)

    def test_what_became_of_a_plan_cannot_be_planned(self):
        self.plan()
        self.tact("campaign", "pause", "autumn")
        self.assertIn("is paused; resume it, or plan another", self.plan(code=65).err)
        self.tact("campaign", "cancel", "AUTUMN")
        self.assertIn("is cancelled; plan another", self.plan(code=65).err)
        self.tact("campaign", "pause", "spring")
        self.tact("campaign", "resume", "spring")
        self.tact("campaign", "plan", "spring", self.list, "--stream", "shop", "--at", "2026-11-25")
        self.assertIn("stream shop", self.tact("campaign", "plan", "spring", self.list, "--stream", "desk", "--at", "2026-11-25", code=65).err)

    def test_full_calendars_are_told(self):
        for i in range(64):
            self.tact("campaign", "plan", "c%d" % i, "-", "--plain", "--stream", "shop", "--at", "2026-11-25", stdin=b"p1@x.example\n")
        self.assertIn("19 claimed, 0 known already, 1 without room", self.plan().out)
        self.tact("campaign", "cancel", "c7")
        self.assertIn("1 claimed, 19 known already, 0 without room", self.plan().out)

    def test_another_desk_is_held_up_and_the_mail_of_the_plan_is_not(self):
        self.edit("at_most = \"2/7d\"", "at_most = \"1/7d\"")
        self.edit("purpose = promotional", "purpose = promotional max_delay = 20d")
        self.plan("--priority", "700")
        self.assertEqual(self.deliver("joe@shop.example", "p1@x.example"), ["gate"])
        self.assertEqual([claim["state"] for claim in self.claims("p1@x.example")], ["waiting", "waiting"])
        explained, = self.json("explain", "--sender", "joe@shop.example", "--rcpt", "p2@x.example", stdin=MAIL)
        self.assertEqual(explained["text"], "weekly: 1 of 1 in 7d, place held by autumn of corporate, next place 2026-12-02 09:00 UTC")
        self.write("clock", "@%d\n" % (NOW + 86400))
        self.assertEqual(self.deliver("joe@shop.example", "p1@x.example", mail=self.mail(7)), ["pass"])
        taken = [claim for claim in self.claims("p1@x.example") if claim["campaign"] == "autumn"]
        self.assertEqual([claim["state"] for claim in taken], ["passed"])
        self.assertEqual((self.show()["state"], self.show()["counted"]["sent"]), ("running", 1))
        self.assertIn("campaign-running by tactd: its mail passes", self.actions())

    def test_cancelled(self):
        self.edit("at_most = \"2/7d\"", "at_most = \"1/7d\"")
        self.plan("--priority", "700")
        self.assertEqual(self.tact("campaign", "cancel", "autumn", "--reason", "wrong price", "--by", "anna").out, "autumn: cancelled\n")
        self.assertEqual(self.tact("campaign", "cancel", "autumn").out, "autumn: cancelled already\n")
        self.assertEqual(self.deliver("joe@shop.example", "p1@x.example"), ["pass"])
        self.assertEqual(self.deliver("joe@shop.example", "p2@x.example", mail=self.mail(7)), ["refuse"])
        explained, = self.json("explain", "--sender", "joe@shop.example", "--rcpt", "p2@x.example", stdin=self.mail(7))
        self.assertEqual(explained["text"], "campaign autumn was cancelled")
        self.assertEqual(self.json("campaign", "list"), [])
        self.assertEqual([one["state"] for one in self.json("campaign", "list", "--all")], ["cancelled"])
        self.assertIn("cancelled", self.tact("campaign", "resume", "autumn", code=65).err)
        self.assertIn("campaign-cancel by anna: wrong price", self.actions())
        self.tact("store", "sweep")
        self.assertEqual(self.claims("p9@x.example")[0]["state"], "withdrawn")

    def test_paused_and_resumed(self):
        self.tact("campaign", "pause", "autumn", "--reason", "wrong price")
        self.assertEqual(self.deliver("joe@shop.example", "p1@x.example", mail=self.mail(7)), ["gate"])
        claim, = self.claims("p1@x.example")
        self.assertEqual((claim["state"], claim["place"]), ("waiting", "2026-11-27T09:00:00Z"))
        resumed, = self.json("campaign", "resume", "autumn")
        self.assertEqual((resumed["state"], resumed["changed"], resumed["resumed"]), ("running", True, "2026-11-24T09:00:00Z"))
        self.assertEqual(self.claims("p1@x.example")[0]["place"], "2026-11-24T09:00:00Z")
        self.assertEqual(self.json("campaign", "resume", "autumn")[0]["changed"], False)
        self.assertIn("neither", self.tact("campaign", "resume", "autumn", "--reason", "right price", code=65).err)
        self.tact("campaign", "resume", "nothing", code=65)
        self.tact("campaign", "done", "nothing", code=65)

    def test_done_by_itself(self):
        self.plan()
        self.write("clock", "@%d\n" % (NOW + 4 * 86400))
        self.deliver("joe@shop.example", "someone@x.example")
        self.assertEqual((self.show()["state"], self.show()["why"]), ("done", "its time is over"))

    def test_a_campaign_stops_itself(self):
        self.edit("limit \"weekly\"", "breaker \"stop\" { complaints = \"20%\" at_least = 4 }\nlimit \"weekly\"")
        for i in range(5):
            self.assertEqual(self.deliver("joe@shop.example", "p%d@x.example" % i, mail=self.mail(i)), ["pass"])
        self.tact("suppress", "p1@x.example", "--reason", "complaint")
        self.tact("suppress", "p1@x.example", "--reason", "complaint")
        self.assertEqual(self.show()["counted"], {"sent": 5, "complaints": 1, "unsubscribes": 0, "hard_bounces": 0})
        self.assertEqual(self.deliver("joe@shop.example", "p5@x.example", mail=self.mail(5)), ["pass"])
        self.tact("suppress", "elsewhere@x.example", "--reason", "complaint", "--campaign", "Autumn", "--until", "2027-01-01")
        self.assertEqual(self.deliver("joe@shop.example", "p6@x.example", mail=self.mail(6)), ["refuse"])
        shown = self.show()
        self.assertEqual((shown["stopped"], shown["stopped_by"], shown["stopped_why"]),
                         (True, "stop", "33.333% complaints of 6 sent, more than 20%"))
        self.assertEqual(self.actions(), ["campaign-stop by stop: 33.333% complaints of 6 sent, more than 20%"])
        self.assertIn("stopped", self.tact("campaign", "list").out)
        self.assertIn("needs a reason", self.tact("campaign", "resume", "autumn", code=65).err)
        self.tact("campaign", "resume", "autumn", "--reason", "were of another mail")
        self.assertEqual(self.show()["since_resumed"], {"sent": 0, "complaints": 0, "unsubscribes": 0, "hard_bounces": 0})
        self.assertEqual(self.deliver("joe@shop.example", "p6@x.example", mail=self.mail(6)), ["pass"])
        self.assertEqual(self.actions()[1:], ["campaign-resume by %s: were of another mail" % self.show()["by"]])

    def test_what_counts_against_a_campaign(self):
        self.assertEqual(self.deliver("joe@shop.example", "ann@x.example", mail=self.mail(1)), ["pass"])
        self.assertEqual(self.deliver("joe@shop.example", "bob@x.example", mail=self.mail(2)), ["pass"])
        self.tact("suppress", "ann@x.example", "--reason", "unsubscribe", "--at", "2026-11-24T08:59:59Z")  # before the mail
        self.tact("suppress", "ann@x.example", "--reason", "manual")
        self.assertEqual(self.show()["counted"]["unsubscribes"], 0)
        self.write("clock", "@%d\n" % (NOW + 29 * 86400))
        self.tact("suppress", "ann@x.example", "--reason", "hard_bounce")
        self.write("clock", "@%d\n" % (NOW + 30 * 86400))
        self.tact("suppress", "bob@x.example", "--reason", "unsubscribe")  # too late
        self.tact("suppress", "cid@x.example", "--reason", "complaint", "--scope", "campaign:autumn")
        self.assertEqual(self.show()["counted"], {"sent": 2, "complaints": 1, "unsubscribes": 0, "hard_bounces": 1})

    def test_an_old_list_counts_against_no_campaign(self):
        """When its wishes were made nobody knows: not after the mail that is going out just now."""
        for i, name in enumerate(("ann", "bob", "cid", "dan", "eve", "fay")):
            self.assertEqual(self.deliver("joe@shop.example", name + "@x.example", mail=self.mail(i)), ["pass"])
        rows = "email,reason,scope,created_at\n%s@x.example,unsubscribe,,\n%s@x.example,complaint,brand:alpha,2026-11-24T08:59:59Z\n%s@x.example,%s\n"
        self.write("clock", "@%d\n" % (NOW + 3600))
        self.tact("import", self.write("list.csv", rows % ("ann", "bob", "cid", "hard_bounce,,2026-11-24T09:00:01Z")))
        self.assertEqual(self.show()["counted"], {"sent": 6, "complaints": 0, "unsubscribes": 0, "hard_bounces": 1})
        self.tact("import", self.write("bulk.csv", rows % ("dan", "eve", "fay", "unsubscribe,campaign:autumn,")), "--bulk")
        self.assertEqual(self.show()["counted"], {"sent": 6, "complaints": 0, "unsubscribes": 1, "hard_bounces": 1})
        self.tact("import", self.write("plain.txt", "bob@x.example\nnew@x.example\n"), "--plain", "--reason", "unsubscribe", "--bulk")
        self.assertEqual(self.show()["counted"]["unsubscribes"], 1)

    def test_nothing_is_known(self):
        self.assertEqual(self.json("campaign", "list"), [])
        self.assertIn("no such campaign", self.tact("campaign", "show", "autumn", code=65).err)

    def test_the_store_fails(self):
        self.edit("lmdb:%s/db?map_size=64M" % self.dir, "fail:")
        self.assertIn("cannot be read", self.tact("campaign", "list", code=75).err)
        self.tact("campaign", "pause", "autumn", code=75)
        self.plan(code=75)


class Quarantine(Case):
    def setUp(self):
        super().setUp()
        self.tact("suppress", "ann@x.example", "--reason", "unsubscribe")
        self.assertEqual(self.deliver("joe@careful.example", "ann@x.example"), ["review"])

    def test_list_and_show(self):
        members = "id state stream owner campaign sender subject excerpt why relay made done by note"
        listed, = self.json("quarantine", "list")
        self.keys(listed, members)
        self.assertEqual((listed["state"], listed["stream"], listed["sender"], listed["subject"], listed["relay"]),
                         ("held", "careful", "joe@careful.example", "Hello", "relay.test"))
        self.assertIn("Hello", self.tact("quarantine", "list").out)
        shown, = self.json("quarantine", "show", listed["id"])
        self.assertEqual(shown, listed)
        self.assertIn("Dear Ann", self.tact("quarantine", "show", listed["id"]).out)
        self.assertIn("no such review", self.tact("quarantine", "show", "0" * 31 + "1", code=65).err)

    def test_release_and_discard_once(self):
        one = self.json("quarantine", "list")[0]["id"]
        got, = self.json("quarantine", "release", one, "--note", "fine", "--by", "eve")
        self.keys(got, "id state")
        self.assertEqual(got["state"], "released")
        self.assertIn("ended already", self.tact("quarantine", "discard", one, code=65).err)
        self.assertEqual(self.json("quarantine", "list"), [])
        ended, = self.json("quarantine", "list", "--all")
        self.assertEqual((ended["state"], ended["by"], ended["note"], ended["subject"]), ("released", "eve", "fine", ""))
        self.assertIn("no such review", self.tact("quarantine", "discard", "0" * 31 + "1", code=65).err)

    def test_discard(self):
        one = self.json("quarantine", "list")[0]["id"]
        self.assertIn("discarded", self.tact("quarantine", "discard", one).out)

    def test_evidence_names_who_let_it_go(self):
        """The rules alone would not explain why what one of them held went; and no note stands in the clear."""
        one = self.json("quarantine", "list")[0]["id"]
        self.write("clock", "@%d\n" % (NOW + 60))
        self.tact("quarantine", "release", one, "--note", "fine for Ann", "--by", "eve")
        self.assertEqual(self.deliver("joe@careful.example", "ann@x.example"), ["pass"])
        entry = self.json("audit", "trail", "ann@x.example")[-1]
        self.assertEqual((entry["verdict"], entry["rules"][0]["verdict"], entry["sealed"]["text"]),
                         ("accept", "quarantine", "accepted; released by eve: fine for Ann"))
        self.assertEqual(self.deliver("joe@careful.example", "bob@x.example"), ["pass"])
        self.assertEqual(self.json("audit", "trail", "bob@x.example")[-1]["sealed"]["text"], "accepted")
        log = self.read("audit/relay.test/entries/000000000000")
        self.assertIn(b'"action":"release by eve","stream":"careful"', log)
        self.assertNotIn(b"fine for Ann", log)


class Trail(Case):
    def test_decisions_and_changes(self):
        self.assertEqual(self.deliver("news@shop.example", "ann@x.example", "bob@x.example"), ["pass", "pass"])
        self.tact("suppress", "ann@x.example", "--reason", "unsubscribe", "--note", "by phone")
        self.write("clock", "@%d\n" % (NOW + 60))
        second = MAIL.replace(b"<1@", b"<2@").replace(b"Hello", b"Again")
        self.assertEqual(self.deliver("news@shop.example", "ann@x.example", mail=second), ["refuse"])
        entries = self.json("audit", "trail", "ann@x.example")
        self.assertEqual([entry["kind"] for entry in entries], ["decision", "change", "decision"])
        self.assertEqual([entry.get("verdict") for entry in entries], ["accept", None, "reject"])
        self.assertEqual(entries[2]["sealed"]["subject"], "Again")
        self.assertEqual(entries[2]["weighed"][0]["reason"], "unsubscribe")
        self.assertLessEqual(entries[0]["time_us"], entries[2]["time_us"])
        text = self.tact("audit", "trail", "ann@x.example").out
        for words in ("2026-11-24T09:01:00Z decision (end-of-message) relay.test#", "verdict reject", 'rule suppression "wishes": reject',
                      "wish: scope global, reason unsubscribe", "sender news@shop.example", "text by "):
            self.assertIn(words, text)
        self.assertEqual(len(self.json("audit", "trail", "bob@x.example")), 1)
        key = self.tact("canonical", "ann@x.example").out.split()[1]
        self.assertEqual(self.json("audit", "trail", "--key", key), entries)

    def test_what_was_told_of_an_alias_before_it_was_one(self):
        told = (("suppress", "home@x.example", "--scope", "brand:alpha", "--reason", "unsubscribe"), ("profile", "office@x.example", "--zone", "UTC"),
                ("suppress", "ann@x.example", "--scope", "list:news"))
        for verb in told:
            self.tact(*verb)
        self.tact("alias", "ann@x.example", "home@x.example", "office@x.example", "+441134960000")
        self.tact("suppress", "+441134960000", "--scope", "channel:phone")
        for name in ("ann@x.example", "home@x.example", "office@x.example"):
            got = [(one["action"], one["weighed"][0]["scope"] if one.get("weighed") else "") for one in self.json("audit", "trail", name)]
            for want in (("suppress", "brand:alpha"), ("profile", ""), ("suppress", "list:news"), ("suppress", "channel:phone")):
                self.assertEqual(got.count(want), 1, (name, want, got))
        self.tact("alias", "--end", "home@x.example")
        home = [one["weighed"][0]["scope"] for one in self.json("audit", "trail", "home@x.example") if one.get("weighed")]
        self.assertIn("brand:alpha", home)
        self.assertNotIn("list:news", home, "it is nobody else's name any more")

    def test_an_alias_that_cannot_be_read_may_be_anybodys(self):
        """All that is known is told, and that there may be more."""
        self.tact("suppress", "ann@x.example", "bob@x.example", "--reason", "unsubscribe")
        key = self.json("alias", "bob@x.example", "+441134960000")[0]["key"]
        self.tact("alias", "ann@x.example", "home@x.example")
        before = self.json("audit", "trail", "ann@x.example")
        self.assertEqual(self.run_program([DELIVER, self.conf, "damage-alias", key]).returncode, 0)
        done = self.tact("audit", "trail", "ann@x.example", "--json", code=65)
        self.assertEqual([json.loads(line) for line in done.out.splitlines()], before)
        self.assertIn("ann@x.example: an alias cannot be read", done.err)
        self.assertIn("tact store check", done.err)
        self.tact("audit", "trail", "+441134960000", code=65)
        got, = self.json("store", "check", code=65)
        self.assertEqual([(one["kind"], one["key"]) for one in got["damaged"]], [("aliases", key)])
        self.assertEqual(got["unfinished"], [])

    def test_nobody(self):
        done = self.tact("audit", "trail", "nobody@x.example")
        self.assertEqual(done.out, "")
        self.assertIn("no entries", done.err)
        self.tact("audit", "trail", "bad", code=65)

    def test_damaged_evidence_is_said(self):
        self.tact("suppress", "ann@x.example")
        folder = self.path("audit/relay.test/entries")
        name = os.path.join(folder, os.listdir(folder)[0])
        with open(name, "ab") as file:
            file.write(b"\xff" * (20 << 20))
        self.assertIn("damaged", self.tact("audit", "trail", "ann@x.example", code=65).err)

    def many(self):
        """Five entries of hers; answers the segment's path, its bytes, and where each entry begins."""
        for scope in "abcde":
            self.tact("suppress", "ann@x.example", "--scope", "list:" + scope)
        path = "audit/relay.test/entries/000000000000"
        good, begins, at = self.read(path), [], 0
        while at < len(good):
            begins.append(at)
            at += 2 + int.from_bytes(good[at:at + 2], "big")
        self.assertEqual(len(begins), 5)
        return path, good, begins

    def scopes(self, code=0):
        done = self.tact("audit", "trail", "ann@x.example", "--json", code=code)
        return "".join(json.loads(line)["weighed"][0]["scope"][-1] for line in done.out.splitlines()), done.err

    def test_one_byte_costs_one_entry(self):
        """Trail shows the others and says where it is; whoever opens the log to write moves nothing and goes on in a new segment."""
        path, good, begins = self.many()
        begin, end = begins[2], begins[3]
        where = "000000000000 is damaged at offset %d, where entry 2 should stand" % begin
        self.write("new", good)
        for place, byte in ((begin, b"\xff"), (begin + 1, b"\0"), (begin + 2, b"?"), (begin + 40, b"\0"), (end - 1, b"?")):
            with self.subTest(place - begin):
                bad = good[:place] + byte + good[place + 1:]
                self.write(path, bad)
                found, said = self.scopes(code=65)
                self.assertEqual(found, "abde")
                self.assertIn(where, said)
                for _ in range(2):  # it says so again
                    self.assertRegex(self.tact("check", "--no-postfix", code=78).out, "error: .*" + where)
                self.assertEqual(self.read(path), bad)
                self.assertEqual(os.listdir(self.path("audit/relay.test/entries")), ["000000000000"])
        self.assertIn(where, self.tact("suppress", "ann@x.example", "--scope", "list:f").err)
        self.assertEqual(self.tact("suppress", "ann@x.example", "--scope", "list:g").err, "")
        self.assertEqual(self.scopes(code=65)[0], "abdefg")
        self.assertEqual(self.read(path), bad)
        self.assertEqual(sorted(os.listdir(self.path("audit/relay.test"))), ["entries", "lock"])
        self.assertEqual(sorted(os.listdir(self.path("audit/relay.test/entries"))), ["000000000000", "000000000005"])
        self.assertIn(where, self.tact("check", "--no-postfix", code=78).out)
        self.write(path, good)  # restored from a copy
        self.assertEqual(self.scopes(), ("abcdefg", ""))
        self.tact("check", "--no-postfix")

    def test_a_tear_is_no_damage(self):
        path, good, begins = self.many()
        for end in (begins[4] + 1, begins[4] + 2, len(good) - 1):
            self.write(path, good[:end])
            self.assertEqual(self.scopes(), ("abcd", ""))
        self.assertIn("set aside", self.tact("check", "--no-postfix").out)
        self.assertEqual(self.scopes(), ("abcd", ""))
        self.assertEqual(self.read("audit/relay.test/torn-4"), good[begins[4]:end])

    def test_an_entry_that_is_no_json(self):
        path, good, begins = self.many()
        at = good.index(b'"action"', begins[1])
        self.write(path, good[:at] + b"?" + good[at + 1:])
        found, said = self.scopes(code=65)
        self.assertEqual(found, "acde")
        self.assertIn("entry relay.test#1 cannot be opened", said)


class Store(Case):
    members = "store key canonical records emptied waking size_bytes limit_bytes damaged unfinished"

    def test_figures(self):
        self.tact("suppress", "ann@x.example", "bob@x.example")
        got, = self.json("store", "check")
        self.keys(got, self.members)
        self.assertEqual((got["records"]["dossiers"], got["damaged"], got["canonical"]), (2, [], ["case=fold"]))
        self.assertIn("dossiers: 2, emptied 0", self.tact("store", "check").out)

    def test_a_damaged_record_is_listed(self):
        self.tact("suppress", "ann@x.example", "bob@x.example")
        key = self.tact("canonical", "ann@x.example").out.split()[1]
        done = self.run_program([DELIVER, self.conf, "damage", key])
        self.assertEqual(done.returncode, 0, done.err)
        got, = self.json("store", "check", code=65)
        damaged, = got["damaged"]
        self.keys(damaged, "kind key why")
        self.assertEqual((damaged["kind"], damaged["key"]), ("dossiers", key))
        self.assertIn("damaged: dossiers " + key, self.tact("store", "check", code=65).out)
        self.tact("show", "ann@x.example", code=65)
        self.assertIn(key, self.tact("export", code=65).err)
        self.assertNotEqual(self.run_program([TACT, "-c", self.conf, "suppress", "ann@x.example"]).returncode, 0)
        self.tact("show", "bob@x.example")

    def test_a_damaged_store_is_copied_only_when_told_so(self):
        """And never without saying what is missing."""
        self.tact("suppress", "ann@x.example", "--reason", "unsubscribe", "--source", "form 4711")
        self.tact("suppress", "bob@x.example", "--reason", "unsubscribe")
        key = self.tact("canonical", "ann@x.example").out.split()[1]
        self.write("db/data.mdb", self.read("db/data.mdb").replace(b"form 4711", b"form 4712"))
        urls = ["lmdb:%s?map_size=64M" % self.path(name) for name in ("db", "new")]
        for how, words in (([], "no program takes the new store"), (["--leave-damaged"], "tact store recover --from-log")):
            done = self.tact("store", "copy", *how, *urls, code=65)
            self.assertRegex(done.err, "(?m)^tact: damaged: dossiers %s: .*checksum" % key)
            self.assertIn(words, done.err)
            self.assertEqual(done.out, "1 records copied and compared, and some not copied\n" if how else "")
            self.edit(*urls)
            self.tact("show", "bob@x.example", code=0 if how else 65)
            self.edit(*reversed(urls))
        self.edit(*urls)
        self.assertEqual(self.json("show", "ann@x.example")[0]["suppressions"], [])
        self.tact("store", "recover", "--from-log", "--yes")
        self.assertEqual([one["source"] for one in self.json("show", "ann@x.example")[0]["suppressions"]], ["form 4711"])
        self.assertEqual(len(self.json("show", "bob@x.example")[0]["suppressions"]), 1)


if __name__ == "__main__":
    sys.argv[1:] = sys.argv[1:] or ["-v"]
    unittest.main()

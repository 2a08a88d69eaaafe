# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""tact check: key, store, evidence and listeners; and a Postfix that was set up, with one thing after another made wrong."""

import hashlib
import os
import re
import shutil
import sys
import tempfile
import unittest

import test_cli

POSTCONF = next((path for path in ("/usr/sbin/postconf", "/usr/local/sbin/postconf") if os.access(path, os.X_OK)), None)


class Check(test_cli.Case):
    def findings(self, *args, code=0):
        out = self.tact("check", *args, code=code).out.splitlines()
        return out[:-1], out[-1]

    def test_nothing_wrong(self):
        self.assertEqual(self.findings("--no-postfix"), ([], "0 errors, 0 warnings"))

    def test_no_key(self):
        os.unlink(self.path("key"))
        found, last = self.findings("--no-postfix", code=78)
        self.assertIn("key new", found[0])
        self.assertEqual(last, "1 error, 0 warnings")

    def test_wrong_key(self):
        self.tact("suppress", "ann@x.example")
        os.unlink(self.path("key"))
        self.tact("key", "new")
        found, _ = self.findings("--no-postfix", code=78)
        self.assertIn("wrong key", found[0])

    def test_aliases_of_an_earlier_key(self):
        """Each is told of until it is made again, also where another of the same person was."""
        aliases = "ann@home.example", "+44 113 496 0000", hashlib.sha256(b"ann@work.example").hexdigest()
        self.tact("alias", "ann@x.example", *aliases)
        self.tact("alias", "bob@x.example", "bob@home.example")
        self.tact("alias", "--end", "bob@home.example")
        self.assertEqual(self.findings("--no-postfix")[0], [], "one key")
        self.tact("key", "new", "--rotate")
        self.tact("store", "adopt", "--yes")
        for i, alias in enumerate(aliases):
            (found,), last = self.findings("--no-postfix")
            self.assertRegex(found, "^warning: %d alias.* made under an earlier key; make .* again with `tact alias" % (len(aliases) - i))
            self.assertEqual(last, "0 errors, 1 warning")
            self.tact("alias", "ann@x.example", alias)
        self.assertEqual(self.findings("--no-postfix"), ([], "0 errors, 0 warnings"), "made again")
        self.tact("alias", "ann@x.example", "ann@club.example")
        self.assertEqual(self.findings("--no-postfix")[0], [], "a new one")

    def test_evidence_that_cannot_be_written(self):
        self.write("audit", "no folder")
        found, _ = self.findings("--no-postfix", code=78)
        self.assertIn("audit", found[0])

    def test_a_database_that_need_not_show_who_it_is(self):
        """Nobody listens at that port: what is asked for is known before. What nothing is said of is verify-full."""
        url = "postgres:hostaddr=127.0.0.1 port=1 dbname=tact user=relay host="
        self.edit("lmdb:%s?map_size=64M" % self.path("db"), url)
        for words, warns in (("db.test sslmode=require", "any server is believed"), ("db.test sslmode=disable", "nothing is encrypted"),
                             ("db.test sslmode=allow", "unless the server insists"), ("db.test sslmode=verify-ca", "of the same signer"),
                             ("db.test", ""), ("db.test sslmode=prefer", ""), ("db.test sslmode=verify-full", ""), ("localhost sslmode=disable", "")):
            self.edit(url, url + words)
            found, last = self.findings("--no-postfix", code=78)
            self.assertEqual(len(found), 2 if warns else 1, words + "\n" + "\n".join(found))
            self.assertRegex(found[-1], "^error: ")
            if warns:
                mode = words.split()[1]
                self.assertRegex(found[0], r"^warning: %s:1: store: the database is on another machine and %s: .*%s" % (re.escape(self.conf), mode, warns))
            done = self.run_program([os.path.join(test_cli.BUILD, "src", "tactd"), "-f", "-c", self.conf])
            self.assertEqual(done.returncode, 75, done.err)
            self.assertEqual(done.err.count("the database is on another machine"), 1 if warns else 0, done.err)
            self.edit(url + words, url)
        self.edit(url, "postgres:host=%s dbname=tact sslmode=disable" % self.dir)
        found, last = self.findings("--no-postfix", code=78)
        self.assertEqual(last, "1 error, 0 warnings", "a socket")

    def test_a_listener_for_everybody(self):
        self.edit("18891@127.0.0.1", "18891@0.0.0.0")
        found, last = self.findings("--no-postfix")
        self.assertRegex(found[0], 'warning: listener "smtp".*other machines')
        self.assertEqual(last, "0 errors, 1 warning")

    def test_json(self):
        os.unlink(self.path("key"))
        found, = self.json("check", "--no-postfix", code=78)
        self.keys(found, "severity what mend")

    def test_both_at_once(self):
        self.tact("check", "--no-postfix", "--postfix", "/x", code=64)


SETUP = "contrib/postfix/setup --apply --smtp-milter inet:127.0.0.1:18891 --local-milter inet:127.0.0.1:18892"


@unittest.skipUnless(POSTCONF, "no Postfix here")
class CheckPostfix(test_cli.Case):
    """A Postfix that contrib/postfix/setup made right; then one thing after another is made wrong."""

    made = None

    def setUp(self):
        super().setUp()
        self.postfix = self.path("postfix")
        os.chmod(self.dir, 0o755)
        if not self.made:
            self.make()
        shutil.copytree(self.made, self.postfix)
        self.settle()

    def make(self):
        """Once for all: setup asks Postfix much."""
        os.mkdir(self.postfix)
        shutil.copy("/usr/share/postfix/master.cf.dist", os.path.join(self.postfix, "master.cf"))
        self.write("postfix/main.cf", "compatibility_level = 3.6\nqueue_directory = /var/spool/postfix\nmail_owner = postfix\n"
                   "default_process_limit = 100\n")
        self.setup()
        folder = tempfile.mkdtemp(prefix="tact-check-")
        self.addClassCleanup(shutil.rmtree, folder)
        CheckPostfix.made = shutil.move(self.postfix, os.path.join(folder, "postfix"))

    def setup(self, *options):
        done = self.run_program([os.path.join(test_cli.SOURCE, "contrib", "postfix", "setup"), "-c", self.postfix, "--apply", "--smtp-milter",
                                 "inet:127.0.0.1:18891", "--local-milter", "inet:127.0.0.1:18892"] + list(options))
        self.assertEqual(done.returncode, 0, done.out + done.err)

    def postconf(self, *args):
        self.settle()
        done = self.run_program([POSTCONF, "-c", self.postfix] + list(args))
        self.assertEqual(done.returncode, 0, done.err)
        self.settle()

    def settle(self):
        """Postfix waits before it believes a main.cf that was changed this very second."""
        os.utime(os.path.join(self.postfix, "main.cf"), (test_cli.NOW, 0))

    def one(self, pattern, code=78):
        """Exactly one finding, and that one; with how to mend it."""
        lines = self.tact("check", "--postfix", self.postfix, code=code).out.splitlines()[:-1]
        self.assertEqual(len(lines), 1, "\n".join(lines))
        self.assertRegex(lines[0], pattern)
        self.assertRegex(lines[0], "; .+")

    def test_what_setup_made_is_right(self):
        self.assertEqual(self.tact("check", "--postfix", self.postfix).out, "0 errors, 0 warnings\n")

    def test_before_setup_all_is_missing(self):
        self.write("postfix/main.cf", "compatibility_level = 3.6\n")
        shutil.copy("/usr/share/postfix/master.cf.dist", os.path.join(self.postfix, "master.cf"))
        out = self.tact("check", "--postfix", self.postfix, code=78).out
        for words in ("smtpd_milters does not name", "non_smtpd_milters does not name", "no row for .later.tact.invalid",
                      "no row for .review.tact.invalid", "fast_flush_domains", "no service tact-pass/unix", "no service tact-refuse/unix"):
            self.assertIn(words, out)

    def test_settings(self):
        for setting, pattern, code in (
                ("milter_default_action=accept", None, 78),
                ("maximal_queue_lifetime=3d", "^error: maximal_queue_lifetime .*max_delay", 78),
                ("maximal_queue_lifetime=2", "^error: maximal_queue_lifetime .*max_delay", 78),
                ("milter_content_timeout=20s", "^error: milter_content_timeout", 78),
                ("bounce_queue_lifetime=0", "^warning: bounce_queue_lifetime", 0),
                ("qmgr_message_active_limit=19999", "^error: qmgr_message_active_limit.*postconf -e qmgr_message_active_limit=20000", 78),
                ("smtpd_recipient_limit=2001", "^warning: smtpd_recipient_limit", 0),
                ("soft_bounce=yes", "^error: soft_bounce", 78),
                ("milter_rcpt_macros=i {rcpt_host}", "^warning: milter_rcpt_macros .*lacks {rcpt_addr}", 0),
                ("smtpd_milter_maps=static:DISABLE", "^warning: master.cf: smtp/inet has smtpd_milter_maps=static:DISABLE", 0),
                ("content_filter=smtp:[127.0.0.1]:10024", "^warning: content_filter", 0),
                ("fast_flush_domains=later.tact.invalid, .later.tact.invalid", "^error: fast_flush_domains does not hold .review", 78)):
            with self.subTest(setting):
                shutil.copy(self.path("postfix/main.cf"), self.path("main.cf.kept"))
                self.postconf("-e", setting)
                if pattern:
                    self.one(pattern, code)
                else:
                    out = self.tact("check", "--postfix", self.postfix, code=code).out
                    self.assertEqual(out.count("accept"), 2, out)
                shutil.copy(self.path("main.cf.kept"), self.path("postfix/main.cf"))

    def test_mail_of_sendmail_that_is_decided_early(self):
        """What Postfix tells of it then misses people, by these settings most of all."""
        ways = (("allow_percent_hack", "yes", "ann%person.*; postconf -e allow_percent_hack=no$"), ("swap_bangpath", "yes", "!ann@.*; postconf -e swap_bangpath=no$"),
                ("resolve_dequoted_address", "yes", "; postconf -e resolve_dequoted_address=no$"),
                ("canonical_maps", "inline:{a@b.example=c@b.example}", "virtual_alias_maps"),
                ("recipient_canonical_maps", "inline:{a@b.example=c@b.example}", "virtual_alias_maps"))
        self.postconf("-e", *("%s=%s" % (name, value) for name, value, _ in ways))
        self.assertEqual(self.tact("check", "--postfix", self.postfix).out, "0 errors, 0 warnings\n")
        self.postconf("-PX", "pickup/unix/cleanup_service_name")
        turned = self.tact("check", "--postfix", self.postfix).out
        self.setup()
        self.setup("--submit", "none")
        lines = self.tact("check", "--postfix", self.postfix).out.splitlines()[:-1]
        self.assertEqual(lines, turned.splitlines()[:-1])
        self.assertEqual(len(lines), 1 + len(ways), lines)
        self.assertRegex(lines[0], "^warning: mail of sendmail.1. is decided before smtpd sees it.*; %s hands it to smtpd first$" % SETUP)
        for line, (name, _, pattern) in zip(lines[1:], ways):
            self.assertRegex(line, "^warning: %s .*%s" % (name, pattern))

    def test_mail_of_sendmail(self):
        for edit, pattern, code in (
                (("-Pe", "pickup/unix/receive_override_options=no_milters"), "^error: .*pickup/unix has receive_override_options=no_milters.*undecided", 78),
                (("-Pe", "tact-sendmail/unix/non_smtpd_milters="), "^error: .*tact-sendmail/unix has non_smtpd_milters= without tact.*undecided.*; %s writes it$" % SETUP, 78),
                (("-Pe", "tact-sendmail/unix/header_checks="), "^error: .*tact-sendmail/unix has header_checks=.*postsuper -r", 78),
                (("-Pe", "tact-sendmail/unix/milter_header_checks="), "^error: .*milter_header_checks=.* goes out undecided", 78),
                (("-Pe", "tact-sendmail/unix/virtual_alias_maps=hash:/etc/x"), "^error: .*tact-sendmail/unix has virtual_alias_maps", 78),
                (("-Pe", "127.0.0.1:10893/inet/smtpd_milters="), "^error: .*127.0.0.1:10893/inet has smtpd_milters= without tact.*undecided.*; %s writes it$" % SETUP, 78),
                (("-Pe", "127.0.0.1:10893/inet/receive_override_options=no_milters"), "^error: .*10893/inet has receive_override_options.*undecided", 78),
                (("-MX", "127.0.0.1:10893/inet"), "^error: .*no smtpd at 127.0.0.1:10893/inet", 78),
                (("-MX", "tact-submit/unix"), "^error: .*no smtp client tact-submit/unix", 78),
                (("-Pe", "tact-submit/unix/smtp_line_length_limit=998"), "^warning: .*tact-submit/unix has smtp_line_length_limit=998", 0),
                (("-MX", "tact-decided/unix"), "^error: .*no cleanup tact-decided/unix", 78),
                (("-PX", "tact-decided/unix/message_size_limit"), "^warning: .*tact-decided/unix has message_size_limit", 0),
                (("-Pe", "cleanup/unix/canonical_maps=hash:/etc/x"), "^warning: .*cleanup/unix has canonical_maps=hash:/etc/x, and tact-sendmail/unix has not", 0),
                (("-Pe", "cleanup/unix/masquerade_domains=x.example"), "^warning: .*cleanup/unix has masquerade_domains=x.example, and tact-sendmail", 0),
                (("-Pe", "pickup/unix/content_filter=scan:dummy"), "^error: .*pickup/unix has content_filter=scan:dummy, and 127.0.0.1:10893/inet none", 78),
                (("-Pe", "127.0.0.1:10893/inet/content_filter=scan:dummy"), "^error: .*pickup/unix has content_filter=, and 127.0.0.1:10893/inet scan:dummy", 78),
                (("-Pe", "pickup/unix/receive_override_options=no_address_mappings"), "^warning: .*=no_address_mappings, and 127.0.0.1:10893/inet .*aliases", 0),
                (("-PX", "127.0.0.1:10893/inet/smtpd_hard_error_limit"), "^warning: .*127.0.0.1:10893/inet has smtpd_hard_error_limit", 0),
                (("-Pe", "127.0.0.1:10893/inet/smtpd_tls_wrappermode=yes"), "^error: .*127.0.0.1:10893/inet has smtpd_tls_wrappermode=yes", 78)):
            with self.subTest(edit):
                kept = shutil.copy(self.path("postfix/master.cf"), self.path("master.cf.kept"))
                self.postconf(*edit)
                try:
                    self.one(pattern, code)
                finally:
                    shutil.copy(kept, self.path("postfix/master.cf"))

    def test_all_that_setup_tells_the_services_of_sendmail_mail(self):
        """Each is told of when it says something else; but for a name in the log, and for what makes the way itself."""
        others = {"syslog_name", "cleanup_service_name", "smtpd_milters", "receive_override_options", "non_smtpd_milters", "milter_macro_defaults",
                  "milter_end_of_data_macros", "milter_header_checks", "header_checks"}
        said = {}
        for line in self.run_program([POSTCONF, "-c", self.postfix, "-P"]).out.splitlines():
            service, name, value = re.match("(.*)/([a-z_0-9]+) = *(.*)", line).groups()
            if service in ("tact-sendmail/unix", "tact-submit/unix", "tact-decided/unix", "127.0.0.1:10893/inet") and name not in others:
                said[service, name] = value
        self.assertGreater(len(said), 60)
        wrong = {"yes": "no", "no": "yes"}
        self.postconf("-Pe", *("%s/%s=%s" % (service, name, wrong.get(value, "7")) for (service, name), value in said.items()))
        out = self.tact("check", "--postfix", self.postfix, code=78).out
        unsaid = ["/".join(both) for both in said if not re.search("master.cf: %s has %s=.*setup does" % both, out)]
        self.assertEqual(unsaid, [], " ".join(unsaid))

    def test_mail_of_sendmail_against_main_cf(self):
        """What was set in main.cf after setup was called, or does not hold of mail that comes by SMTP."""
        for setting, pattern, code in (
                ("tact-submit_destination_rate_delay=2s", "^warning: tact-submit_destination_rate_delay is 2s: .*postconf -e tact-submit_d.*=0s", 0),
                ("tact-submit_transport_rate_delay=1s", "^warning: tact-submit_transport_rate_delay is 1s: ", 0),
                ("tact-submit_destination_recipient_limit=50", "^warning: tact-submit_destination_recipient_limit is 50: .*; postconf -e tact-submit_d.*=20000", 0),
                ("tact-submit_destination_concurrency_limit=1", "^warning: tact-submit_destination_concurrency_limit is 1: .*; postconf -e .*=20 ", 0),
                ("authorized_submit_users=!bob, static:all", "^warning: authorized_submit_users is !bob, static:all, and 127.0.0.1:10893/inet takes mail from every", 0),
                ("non_smtpd_milters={ inet:127.0.0.1:18892, default_action=tempfail }, { inet:127.0.0.1:18899, default_action=accept }",
                 "^warning: non_smtpd_milters names inet:127.0.0.1:18899, and master.cf: smtpd_milters of 127.0.0.1:10893/inet does not", 0)):
            with self.subTest(setting):
                kept = shutil.copy(self.path("postfix/main.cf"), self.path("main.cf.kept"))
                self.postconf("-e", setting)
                self.one(pattern, code)
                shutil.copy(kept, self.path("postfix/main.cf"))
        self.postconf("-e", "non_smtpd_milters=inet:127.0.0.1:18892, inet:127.0.0.1:18899", "default_destination_rate_delay=3s",
                      "default_destination_recipient_limit=5", "default_destination_concurrency_limit=1", "content_filter=")
        self.setup()
        self.assertEqual(self.tact("check", "--postfix", self.postfix).out, "0 errors, 0 warnings\n")
        self.postconf("-e", "tact-submit_destination_recipient_limit=0", "tact-submit_destination_concurrency_limit=0")  # no limit
        self.assertEqual(self.tact("check", "--postfix", self.postfix).out, "0 errors, 0 warnings\n")
        self.postconf("-e", "non_smtpd_milters=inet:127.0.0.1:18892")
        self.one("^warning: master.cf: smtpd_milters of 127.0.0.1:10893/inet names inet:127.0.0.1:18899, and non_smtpd_milters does not", 0)

    def test_an_open_door_for_mail_of_sendmail(self):
        path = self.path("postfix/master.cf")
        with open(path, encoding="utf-8") as file:
            text = file.read().replace("127.0.0.1:10893", "192.0.2.1:10893").replace("[127.0.0.1]:10893", "[192.0.2.1]:10893")
        self.write("postfix/master.cf", text)
        self.one("^error: .*192.0.2.1:10893/inet takes mail of sendmail.1., and can be reached from other machines")

    def test_milters(self):
        for value, pattern, code in (
                ("inet:localhost:11332", "^error: smtpd_milters does not name tact", 78),
                ("inet:localhost:18891", None, 0),
                ("{ inet:127.0.0.1:18891, connect_timeout=5s, default_action=accept }", "^error: smtpd_milters.*accept", 78),
                ("{ inet:127.0.0.1:18891, default_action=reject }", "^warning: smtpd_milters.*reject", 0),
                ("unix:/run/opendkim/opendkim.sock inet:127.0.0.1:18891", "^warning: smtpd_milters: unix:/run/opendkim.* before tact", 0),
                ("inet:127.0.0.1:18891, unix:/run/opendkim/opendkim.sock", None, 0),
                ("inet:127.0.0.1:18891 inet:127.0.0.1:11332", "^warning: smtpd_milters: inet:127.0.0.1:11332.* behind tact", 0),
                ("inet:127.0.0.1:18892", "^error: smtpd_milters names listener \"local\"", 78)):
            with self.subTest(value):
                self.postconf("-e", "smtpd_milters=" + value)
                if pattern:
                    self.one(pattern, code)
                else:
                    self.assertEqual(self.tact("check", "--postfix", self.postfix).out, "0 errors, 0 warnings\n")

    def test_sendmail_through_the_smtp_listener(self):
        self.postconf("-e", "non_smtpd_milters=inet:127.0.0.1:18891")
        self.one("^error: non_smtpd_milters names listener \"smtp\".*maildrop")

    def test_out_of_reach_of_a_chroot(self):
        self.edit("inet:18891@127.0.0.1", "unix:%s/milter" % self.dir)
        self.postconf("-e", "smtpd_milters=unix:%s/milter" % self.dir)
        self.postconf("-F", "smtp/inet/chroot=y")
        self.one("^error: smtpd_milters: unix:.*chroot")

    def test_transport(self):
        row = "inline:{.later.tact.invalid=tact-gate:unix:/run/tact/gate .review.tact.invalid=tact-gate:unix:/run/tact/gate}"
        harmless = "regexp:" + self.write("harmless", "/@nowhere$/ smtp:[x]\n")
        greedy = "regexp:" + self.write("greedy", "/@s[0-9]/ smtp:[x]\n")
        for maps, patterns in ((row + ", " + harmless, []),
                               (harmless + ", " + row, ["warning: .*before the row of .later", "warning: .*before the row of .review"]),
                               (row + ", " + greedy, ["error: .*below later", "error: .*below review"]),
                               ("", ["error: .*no row for .later", "error: .*no row for .review"]),
                               (row.replace("review.tact.invalid=tact-gate:unix:/run/tact/gate", "review.tact.invalid=tact-gate:unix:/run/x"),
                                ["error: .*/run/x"])):
            with self.subTest(maps):
                self.postconf("-e", "transport_maps=" + maps)
                code = 78 if any(pattern.startswith("error") for pattern in patterns) else 0
                lines = self.tact("check", "--postfix", self.postfix, code=code).out.splitlines()[:-1]
                self.assertEqual(len(lines), len(patterns), lines)
                for line, pattern in zip(lines, patterns):
                    self.assertRegex(line, pattern)

    def test_services(self):
        for edit, pattern, code in (
                (("-Pe", "tact-pass/unix/smtpd_milters=inet:127.0.0.1:18891"), "^error: master.cf: tact-pass/unix has smtpd_milters", 78),
                (("-Pe", "tact-pass/unix/content_filter=smtp:x"), "^error: master.cf: tact-pass/unix has a content_filter", 78),
                (("-Pe", "tact-pass/unix/smtpd_recipient_restrictions=reject"), "^error: .*smtpd_recipient_restrictions", 78),
                (("-Pe", "tact-pass/unix/mynetworks=192.0.2.0/24"), "^error: .*mynetworks", 78),
                (("-Pe", "tact-pass/unix/cleanup_service_name=cleanup"), "^warning: .*shares Postfix's cleanup", 0),
                (("-Pe", "tact-pass/unix/cleanup_service_name=nope"), "^error: .*no service nope/unix", 78),
                (("-Pe", "tact-refuse/unix/content_filter="), "^error: .*would deliver what tact refused", 78),
                (("-Pe", "tact-gate/unix/lmtp_send_xforward_command=no"), "^warning: .*lmtp_send_xforward_command", 0),
                (("-Pe", "tact-gate/unix/lmtp_tls_policy_maps=static:encrypt"), "^error: .*lmtp_tls_policy_maps", 78),
                (("-Pe", "tact-gate/unix/lmtp_body_checks=regexp:/x"), "^warning: .*lmtp_body_checks", 0),
                (("-Pe", "tact-refuse/unix/smtpd_milter_maps=static:DISABLE"), "^error: .*smtpd_milter_maps", 78),
                (("-F", "tact-pass/unix/private=y"), "^error: pass_socket is .*private", 78),
                (("-MX", "tact-refuse/unix"), "^error: master.cf has no service tact-refuse/unix", 78),
                (("-Me", "tact-gate/unix=tact-gate unix - - n - - smtp"), "^error: .*runs smtp, not lmtp", 78)):
            with self.subTest(edit):
                shutil.copy(self.path("postfix/master.cf"), self.path("master.cf.kept"))
                self.postconf(*edit)
                self.one(pattern, code)
                shutil.copy(self.path("master.cf.kept"), self.path("postfix/master.cf"))

    def test_submitters_that_nobody_tells(self):
        self.postconf("-e", "milter_mail_macros=i {mail_addr}")
        self.assertEqual(self.tact("check", "--postfix", self.postfix).out, "0 errors, 0 warnings\n")
        self.edit('senders = {"@shop.example"}', 'sasl_users = {"shop"}')
        self.one("^error: milter_mail_macros .*lacks {auth_authen}")

    def test_pace_of_the_gate(self):
        self.postconf("-e", "tact-gate_destination_rate_delay=1s")
        self.one("^warning: tact-gate_destination_rate_delay is 1s: all delayed mail is paced", 0)

    def test_more_people_than_the_gate_hears(self):
        for number in ("1001", "0"):
            self.postconf("-e", "tact-gate_destination_recipient_limit=" + number)
            self.one("^warning: tact-gate_destination_recipient_limit is %s: .*beyond 1000" % number, 0)
        self.postconf("-e", "tact-gate_destination_recipient_limit=1000")
        self.assertEqual(self.tact("check", "--postfix", self.postfix).out, "0 errors, 0 warnings\n")

    def test_open_listeners(self):
        for service, pattern, code in (
                ("submission/inet=submission inet n - n - - smtpd -o smtpd_milters=", "^error: .*submission/inet.*bypasses", 78),
                ("10025/inet=10025 inet n - n - - smtpd -o smtpd_milters=inet:127.0.0.1:9", "^error: .*10025/inet.*bypasses", 78),
                ("127.0.0.1:10026/inet=127.0.0.1:10026 inet n - n - - smtpd -o smtpd_milters=", "^warning: .*10026.*bypasses", 0),
                ("587/inet=587 inet n - n - - smtpd -o receive_override_options=no_milters", "^error: .*no_milters", 78)):
            with self.subTest(service):
                shutil.copy(self.path("postfix/master.cf"), self.path("master.cf.kept"))
                self.postconf("-Me", service)
                self.one(pattern, code)
                shutil.copy(self.path("master.cf.kept"), self.path("postfix/master.cf"))

    def test_no_such_folder(self):
        self.assertIn("run it to see why", self.tact("check", "--postfix", self.path("none"), code=78).out)

if __name__ == "__main__":
    sys.argv[1:] = sys.argv[1:] or ["-v"]
    unittest.main()

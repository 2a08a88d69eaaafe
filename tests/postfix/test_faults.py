#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Each fault that tactd(8) lists, on a real Postfix: the client is told 451 and nothing passes meanwhile, the log says what to do, and once
the fault is mended the same message, offered again, goes through once."""

import fcntl
import glob
import os
import resource
import shutil

import meddle
from harness import Case, GATE_DOMAIN, Sink, Site, group_members, mail, main, section, wait_for
from room import SANITIZED

SECTIONS = [
    section("owner", "head"),
    section("stream", "news", owner="head", purpose="newsletter", senders=["@news.test"]),
    section("stream", "due", owner="head", purpose="promotional", senders=["@due.test"]),
    section("stream", "once", owner="head", purpose="appreciation", senders=["@once.test"]),
    section("suppression", "wishes", action="reject"),
    section("limit", "breathing", at_most="1/2s", count=["promotional"], streams=["due"]),
    section("limit", "one", at_most="1/20h", count=["appreciation"], streams=["once"], action="reject"),
]
SETTINGS = {"slot_length": "1s", "message_timeout": "2s", "rcpt_timeout": "1s"}
MOUNTS = False
EX_SOFTWARE, EX_OSERR, EX_TEMPFAIL, EX_CONFIG = 70, 71, 75, 78


class Faults(Case):
    def make(self, **options):
        """A started site, and the first mail through it."""
        options["settings"] = dict(SETTINGS, **options.get("settings", {}))
        site = self.site(sections=options.pop("sections", SECTIONS), **options)
        self.passes(site, "first@person.test")
        return site

    def offer(self, site, message, *rcpts, sender="a@news.test"):
        return site.relay.send(sender, list(rcpts), message)

    def refuses(self, site, *rcpts, log=None, status="4.3.0", sender="a@news.test", message=None):
        """451, and nothing of it at the sink. The message, for a second try."""
        message = message or mail(sender="Desk <%s>" % sender)
        sent = self.offer(site, message, *rcpts, sender=sender)
        self.assertEqual((sent.code, sent.status), (451, status), sent)
        if log:
            site.tactd.wait_log(log, timeout_s=10)
        self.assertEqual([m for r in rcpts for m in site.sink.to(r) if m.header("Message-ID")[0].encode() in message], [])
        return message

    def passes(self, site, *rcpts, message=None, sender="a@news.test"):
        """250 and one copy for each."""
        message = message or mail(sender="Desk <%s>" % sender)
        sent = self.offer(site, message, *rcpts, sender=sender)
        self.assertEqual(sent.code, 250, sent)
        for rcpt in rcpts:
            wait_for(lambda rcpt=rcpt: self.copies(site, rcpt, message), "the mail to %s" % rcpt)
            self.assertEqual(self.copies(site, rcpt, message), 1)

    def copies(self, site, rcpt, message):
        return len([m for m in site.sink.to(rcpt) if m.header("Message-ID")[0].encode() in message])

    def need_mounts(self):
        if not MOUNTS:
            self.skipTest("mounts of our own are not allowed here")

    def restart(self, site):
        site.tactd.kill9()  # libmilter takes up to five seconds over SIGTERM
        site.tactd.start()

    def will_not_start(self, site, status, log):
        """tactd says why and ends; Postfix says 451."""
        site.tactd.spawn()
        self.assertEqual(site.tactd.wait_end(), status, site.tactd.log())
        self.assertTrue(site.tactd.grep(log), site.tactd.log())
        return self.refuses(site, "later@person.test", status="4.7.1")

    def starts_again(self, site, message):
        site.tactd.start()
        self.passes(site, "later@person.test", message=message)


class Store(Faults):
    def test_folder_moved_away_at_run_time(self):
        site = self.make()
        away = site.tactd.store + ".away"
        os.rename(site.tactd.store, away)
        message = self.refuses(site, "gone@person.test", log=r"/tactd/db.*(gone|moved)")
        self.assertFalse(os.path.exists(site.tactd.store), "nobody makes a new store while tactd runs")
        os.rename(away, site.tactd.store)
        self.passes(site, "gone@person.test", message=message)

    def test_folder_deleted_and_made_anew(self):
        site = self.make()
        shutil.rmtree(site.tactd.store)
        site.tactd.tact("store", "adopt", "--yes")
        site.tactd.tact("suppress", "wish@person.test", "--reason", "unsubscribe")
        self.refuses(site, "wish@person.test", log=r"/tactd/db.*restart")
        self.restart(site)
        self.assertEqual(self.offer(site, mail(), "wish@person.test").code, 550, "the wish in the new store counts")
        self.passes(site, "other@person.test")

    def test_lost_store_is_not_taken_for_a_new_one(self):
        site = self.make()
        site.tactd.tact("suppress", "wish@person.test", "--reason", "unsubscribe")
        site.tactd.kill9()
        away = site.tactd.store + ".away"
        os.rename(site.tactd.store, away)
        message = self.will_not_start(site, EX_CONFIG, r"the store is new and empty, and the evidence .*tact store adopt --yes")
        self.assertEqual(site.tactd.tact("suppress", "x@person.test", check=False).returncode, EX_CONFIG)
        shutil.rmtree(site.tactd.store)
        os.rename(away, site.tactd.store)
        self.starts_again(site, message)
        self.assertEqual(self.offer(site, mail(), "wish@person.test").code, 550)
        site.tactd.kill9()
        shutil.rmtree(site.tactd.store)
        site.tactd.tact("store", "adopt", "--yes")
        site.tactd.start()

    def test_not_there_at_start(self):
        site = self.make()
        site.tactd.kill9()
        site.tactd.configure({"store": "lmdb:" + os.path.join(site.tactd.dir, "volume", "db")})
        message = self.will_not_start(site, EX_OSERR, r"volume/db cannot be made: its parent folder must exist")
        os.makedirs(os.path.join(site.tactd.dir, "volume"))
        site.tactd.tact("store", "adopt", "--yes")
        self.starts_again(site, message)

    def test_locked(self):
        site = self.make()
        holder = meddle.hold_lock(site.tactd.room, site.tactd.store)
        message = self.refuses(site, "locked@person.test", log=r"another program holds its lock \(fuser .*/db/lock\.mdb")
        holder.kill()
        self.passes(site, "locked@person.test", message=message)

    def test_map_full(self):
        site = self.make()
        site.tactd.configure({"store": "lmdb:%s?map_size=256K" % site.tactd.store})
        self.restart(site)
        message, rcpts = self.fill(site)
        self.assertTrue(site.tactd.grep(r"the map of .*/db is full: raise map_size"), site.tactd.log())
        site.tactd.configure({"store": "lmdb:%s?map_size=1M" % site.tactd.store})
        self.restart(site)
        self.passes(site, *rcpts, message=message)

    def fill(self, site, most=100):
        """Sends to ever more people until it is refused; the refused message and its people."""
        for i in range(most):
            rcpts = ["p%d.%d@person.test" % (i, n) for n in range(50)]
            message = mail()
            sent = self.offer(site, message, *rcpts)
            if sent.code != 250:
                self.assertEqual((sent.code, sent.status), (451, "4.3.0"), sent)
                self.assertEqual(sum(self.copies(site, rcpt, message) for rcpt in rcpts), 0)
                return message, rcpts
        self.fail("never full")
        return None

    def test_disk_full(self):
        self.need_mounts()
        room = self.room()
        disk = meddle.Disk(room, "disk")
        site = self.site_on(room, store="lmdb:%s/db?map_size=64M" % disk.path)
        disk.fill()
        message, rcpts = self.fill(site)
        self.assertTrue(site.tactd.grep(r"disk full: free space below .*/disk/db"), site.tactd.log())
        disk.empty()
        self.passes(site, *rcpts, message=message)

    def site_on(self, room, **settings):
        site = Site(room, sections=SECTIONS, settings=dict(SETTINGS, **settings)).start()
        self.passes(site, "first@person.test")
        return site

    def test_file_size_limit(self):
        site = self.make()
        size = os.path.getsize(os.path.join(site.tactd.store, "data.mdb")) + 8192
        pids = sorted(group_members(site.tactd.process.pid))
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        message, rcpts = self.fill(site)
        self.assertTrue(site.tactd.grep(r"raise LimitFSIZE="), site.tactd.log())
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.passes(site, *rcpts, message=message)
        self.assertEqual(sorted(group_members(site.tactd.process.pid)), pids)

    def test_read_only_at_start(self):
        self.need_mounts()
        site = self.make()
        site.tactd.kill9()
        with meddle.ReadOnly(site.tactd.store):
            message = self.will_not_start(site, EX_TEMPFAIL, r"/db is on a read-only file system: mount it writable")
        self.starts_again(site, message)

    def test_flush_that_fails(self):
        """Nobody knows whether it happened, so LMDB does nothing more until it is opened again: tactd ends for that, and its family with it."""
        if SANITIZED:
            self.skipTest("a sanitizer's library must be the first")
        room = self.room()
        flush = meddle.FailingFlush(room, "data.mdb")
        site = Site(room, sections=SECTIONS, settings=SETTINGS, env=flush.env).start()
        self.passes(site, "first@person.test", sender="a@once.test")
        flush.fail_next()
        message = self.refuses(site, "during@person.test", sender="a@once.test")
        self.assertEqual(site.tactd.wait_end(), EX_TEMPFAIL)
        self.assertTrue(site.tactd.grep(r"service=smtp the store cannot be used any more by this process, which ends: .*check the disk"))
        site.tactd.start()
        self.passes(site, "during@person.test", message=message, sender="a@once.test")

    def test_one_damaged_record(self):
        site = self.make()
        self.passes(site, "bad@person.test")
        key = bytes.fromhex(site.tactd.tact_json("canonical", "bad@person.test")["key"])
        shutil.copytree(site.tactd.store, site.tactd.store + ".copy")
        meddle.flip_record(site.tactd.store, key)
        message = self.refuses(site, "bad@person.test", log=r"dossier %s in .*/db: .*run \"tact store check\"" % key.hex())
        self.passes(site, "good@person.test")
        checked = site.tactd.tact("store", "check", check=False)
        self.assertNotEqual(checked.returncode, 0)
        self.assertIn(key.hex(), (checked.stdout + checked.stderr).decode())
        meddle.flip_record(site.tactd.store, key)
        self.passes(site, "bad@person.test", message=message)

    def test_damaged_file(self):
        site = self.make()
        site.tactd.kill9()
        data = os.path.join(site.tactd.store, "data.mdb")
        shutil.copy(data, data + ".backup")
        with open(data, "r+b") as file:
            file.write(b"\xa5" * 8192)
        message = self.will_not_start(site, EX_OSERR, r"data\.mdb is not a store, or its header is damaged: restore it from a backup")
        os.replace(data + ".backup", data)
        self.starts_again(site, message)

    def test_file_cut_at_run_time(self):
        """LMDB reads a map: what is not there any more is a signal, which ends tactd whole."""
        quiet = {name: os.environ.get(name, "") + ":handle_sigbus=0" for name in ("ASAN_OPTIONS", "TSAN_OPTIONS")}
        site = self.make(env=quiet)
        data = os.path.join(site.tactd.store, "data.mdb")
        shutil.copy(data, data + ".backup")
        os.truncate(data, 8192)
        message = mail()
        sent = self.offer(site, message, "cut@person.test")
        self.assertEqual(sent.code, 451, sent)
        self.assertEqual(site.tactd.wait_end(), EX_SOFTWARE)
        self.assertTrue(site.tactd.grep("was killed by signal 7"), site.tactd.log())
        os.replace(data + ".backup", data)
        site.tactd.start()
        self.passes(site, "cut@person.test", message=message)

    def test_the_store_that_always_fails(self):
        site = self.make()
        site.tactd.configure({"store": "fail:"})
        self.restart(site)
        message = self.refuses(site, "fail@person.test", log=r"the store is \"fail:\".*give store a real url")
        site.tactd.configure({"store": "lmdb:" + site.tactd.store})
        self.restart(site)
        self.passes(site, "fail@person.test", message=message)

    def test_delayed_mail_waits_for_the_store(self):
        site = self.make()
        self.passes(site, "wait@person.test", sender="a@due.test")
        message = mail(sender="Desk <b@due.test>")
        self.assertEqual(self.offer(site, message, "wait@person.test", sender="b@due.test").code, 250)
        away = site.tactd.store + ".away"
        os.rename(site.tactd.store, away)
        site.relay.wait_deferred()
        site.relay.flush()
        site.tactd.wait_log(r"(gone|moved)", timeout_s=10)
        self.assertEqual(self.copies(site, "wait@person.test", message), 0)
        os.rename(away, site.tactd.store)
        site.relay.wait_empty(40)
        self.assertEqual(self.copies(site, "wait@person.test", message), 1)


class Identity(Faults):
    def test_wrong_key(self):
        site = self.make()
        site.tactd.kill9()
        right = site.tactd.key_file + ".right"
        os.rename(site.tactd.key_file, right)
        site.tactd.make_key()
        message = self.will_not_start(site, EX_CONFIG, r"wrong key: .* fingerprint [0-9a-f]{32}")
        os.replace(right, site.tactd.key_file)
        self.starts_again(site, message)

    def test_other_canonical_options(self):
        site = self.make()
        site.tactd.kill9()
        sections = site.tactd.sections
        site.tactd.configure(sections=sections + [section("canonical", plus_domains=["person.test"])])
        message = self.will_not_start(site, EX_CONFIG, r"the canonical options are .* and the store was made with .* put them back")
        site.tactd.configure(sections=sections)
        self.starts_again(site, message)

    def test_key_file_that_others_can_read(self):
        site = self.make()
        site.tactd.kill9()
        os.chmod(site.tactd.key_file, 0o644)
        message = self.will_not_start(site, EX_CONFIG, r"/key.*chmod")
        os.chmod(site.tactd.key_file, 0o600)
        self.starts_again(site, message)

    def test_no_key_file(self):
        site = self.make()
        site.tactd.kill9()
        os.rename(site.tactd.key_file, site.tactd.key_file + ".away")
        message = self.will_not_start(site, EX_CONFIG, r"/key: open \(tact key new makes one\)")
        os.rename(site.tactd.key_file + ".away", site.tactd.key_file)
        self.starts_again(site, message)


class Evidence(Faults):
    def test_disk_full(self):
        self.need_mounts()
        room = self.room()
        disk = meddle.Disk(room, "disk", "1m")
        site = Site(room, sections=SECTIONS, settings=dict(SETTINGS, audit=disk.path + "/audit"))
        site.tactd.audit = disk.path + "/audit"
        site.start()
        self.passes(site, "first@person.test")
        disk.fill()
        for number in range(50):  # the last block has room for a few
            message = mail(sender="Desk <a@once.test>")
            sent = self.offer(site, message, "full%d@person.test" % number, sender="a@once.test")
            if sent.code != 250:
                break
        self.assertEqual((sent.code, sent.status), (451, "4.3.0"), sent)
        address = "full%d@person.test" % number
        self.assertTrue(site.tactd.grep(r"no space left: free space below .*/disk/audit"), site.tactd.log())
        self.refuses(site, address, message=message, sender="a@once.test")
        self.assertEqual(site.sink.to(address), [])
        disk.empty()
        self.passes(site, address, message=message, sender="a@once.test")  # found again by its id: it is not its own second
        self.assertEqual(self.offer(site, mail(sender="Desk <a@once.test>"), address, sender="a@once.test").code, 550)
        accepted = site.tactd.entries(kind="decision", verdict="accept")
        self.assertEqual(len(accepted), site.sink.count(), "every mail at the sink has its entry")

    def test_lock_that_is_not_let_go(self):
        """By a program that was stopped in the middle: nobody stands still with it, and tactd can end."""
        site = self.make()
        site.tactd.tact("suppress", "gone@person.test", "--reason", "unsubscribe")
        with open(os.path.join(site.tactd.audit, "relay.test", "lock"), "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            message = self.refuses(site, "held@person.test", log=r"/relay\.test/lock is held .*fuser")
            with site.relay.client() as client:
                client.mail("a@news.test")
                self.assertEqual(client.rcpt("gone@person.test").code, 451)
            fcntl.flock(lock, fcntl.LOCK_UN)
            self.passes(site, "held@person.test", message=message)
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertEqual(site.tactd.stop(), 0)

    def test_read_only_at_start(self):
        self.need_mounts()
        site = self.make()
        site.tactd.kill9()
        with meddle.ReadOnly(site.tactd.audit):
            message = self.will_not_start(site, EX_OSERR, r"read-only.*mount it read-write again")
        self.starts_again(site, message)

    def test_disk_full_at_start_and_at_a_reload(self):
        """What tactd has to say of itself is written once there is room."""
        self.need_mounts()
        room = self.room()
        disk = meddle.Disk(room, "disk", "1m")
        site = Site(room, sections=SECTIONS, settings=dict(SETTINGS, audit=disk.path + "/audit"))
        site.tactd.audit = disk.path + "/audit"
        site.start()
        self.passes(site, "first@person.test")
        self.fill_up(site, disk)
        site.tactd.kill9()
        site.tactd.start()
        message = self.refuses(site, "later@person.test", log=r"service=gate the evidence cannot be written: .*no space left")
        self.assertEqual(len(site.tactd.entries(kind="policy")), 1, "the second is owed")
        disk.empty()
        wait_for(lambda: len(site.tactd.entries(kind="policy")) == 2, "the start's entries", 10)
        self.assertEqual([entry["kind"] for entry in site.tactd.entries() if entry["kind"] != "decision"], ["start", "policy"] * 2)
        self.passes(site, "later@person.test", message=message)
        self.fill_up(site, disk)
        for at_most in ("7/9d", "8/9d"):
            site.tactd.configure(sections=SECTIONS + [section("limit", "later", at_most=at_most)])
            site.tactd.reload()
            site.tactd.wait_log("new policy cannot be written to the evidence yet: .*no space left", 1 if at_most == "7/9d" else 2)
        self.refuses(site, "third@person.test")
        disk.empty()
        wait_for(lambda: len(site.tactd.entries(kind="policy")) == 3, "the reload's entry", 10)
        (entry,) = site.tactd.entries(kind="policy")[2:]
        self.assertEqual(entry["action"], "reload")
        self.assertIn("at_most = 8/9d", entry["configuration"], "the policy in force")
        self.passes(site, "third@person.test")
        self.assertEqual(site.tactd.entries(kind="decision")[-1]["policy"], entry["policy"])
        site.tactd.stop()
        self.assertEqual(site.tactd.entries()[-1]["kind"], "stop")

    def fill_up(self, site, disk):
        """Until an entry of a few hundred bytes finds no room; a configuration is longer."""
        disk.fill()
        for _ in range(50):  # the last block has room for a few
            if self.offer(site, mail(), "filler@person.test").code != 250:
                return
        self.fail("the disk does not fill up")

    def test_file_size_limit_at_run_time(self):
        """The limit reaches the evidence alone: the store is smaller."""
        site = self.make()
        for _ in range(20):
            self.offer(site, mail(), *["g%d@person.test" % n for n in range(50)])
        segment = sorted(glob.glob(site.tactd.audit + "/*/entries/*"))[-1]
        pids = group_members(site.tactd.process.pid)
        size = os.path.getsize(segment)
        self.assertGreater(size, os.path.getsize(site.tactd.store + "/data.mdb"))
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
        message = self.refuses(site, "limit@person.test", log=r"file size limit reached: raise LimitFSIZE=")
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.passes(site, "limit@person.test", message=message)
        self.assertEqual(len(site.tactd.entries(kind="decision", verdict="accept")), site.sink.count())

    def test_torn_tail_is_set_aside(self):
        site = self.make()
        before = len(site.tactd.entries())
        site.tactd.kill9()
        segment = sorted(glob.glob(site.tactd.audit + "/*/entries/*"))[-1]
        with open(segment, "ab") as file:
            file.write(b"\x02\x00" + b'{"v":1,"kind":"deci')
        site.tactd.start()
        self.passes(site, "torn@person.test")
        self.assertEqual(len(site.tactd.entries(kind="start")), 2)
        self.assertGreater(len(site.tactd.entries()), before)
        torn = glob.glob(site.tactd.audit + "/*/torn-*") + glob.glob(site.tactd.audit + "/*/entries/torn-*")
        self.assertEqual(len(torn), 1, "what was torn off is kept")
        self.assertIn("torn tail", str(site.tactd.entries(kind="start")[-1]) + site.tactd.log())

    def test_damage_is_left_and_mail_goes_on(self):
        site = self.make()
        for number in range(3):
            self.passes(site, "before%d@person.test" % number)
        site.tactd.kill9()
        segment = sorted(glob.glob(site.tactd.audit + "/*/entries/*"))[-1]
        with open(segment, "rb") as file:
            good = file.read()
        at = good.index(b'{"v":1,"kind":"decision"') - 2
        bad = good[:at] + b"\xff" + good[at + 1:]
        with open(segment, "wb") as file:
            file.write(bad)
        site.tactd.start()
        self.passes(site, "behind@person.test")
        with open(segment, "rb") as file:
            self.assertEqual(file.read(), bad, "nothing was moved")
        self.assertEqual(glob.glob(site.tactd.audit + "/*/torn-*"), [])
        self.assertEqual(len(glob.glob(site.tactd.audit + "/*/entries/*")), 2)
        self.assertIn("the evidence is damaged: %s is damaged at offset %d" % (segment, at), site.tactd.log())
        with open(sorted(glob.glob(site.tactd.audit + "/*/entries/*"))[-1], "rb") as file:
            self.assertIn(b'"action":"earlier entries are damaged"', file.read())


class Clock(Faults):
    SENDER = "a@tick.test"
    SECTIONS = [
        section("owner", "head"),
        section("stream", "tick", owner="head", purpose="promotional", senders=["@tick.test"]),
        section("suppression", "wishes", action="reject"),
        section("limit", "two", at_most="2/2h", count=["promotional"], action="reject"),
    ]
    WINDOW_US = 2 * 3600 * 1000000

    def test_back_and_forward_an_hour(self):
        site = self.site(sections=self.SECTIONS, settings=SETTINGS, clock="2026-11-24 09:00")
        answers = []
        for step in (0, 0, 0, -60, 0, 60, 60, 59, 1, 0, 0, -60, 0, 60, 60, 60, 0, 0):
            if step:
                site.tactd.advance(minutes=step)
            answers.append(self.offer(site, mail(sender="Desk <a@tick.test>"), "tick@person.test", sender=self.SENDER).code)
        site.sink.wait_to("tick@person.test", answers.count(250))
        entries = site.tactd.entries(kind="decision")
        self.assertEqual([250 if entry["verdict"] == "accept" else 550 for entry in entries], answers)
        accepted = []
        for entry in entries:
            held = [t for t in accepted if t > entry["time_us"] - self.WINDOW_US]  # those that lie ahead count as now
            if entry["verdict"] == "accept":
                self.assertLess(len(held), 2, (entry, held))
                accepted.append(entry["time_us"])
            else:
                self.assertGreaterEqual(len(held), 2, "refused without need")
        self.assertEqual(len(accepted), len(site.sink.to("tick@person.test")))
        self.assertEqual(answers[:4], [250, 250, 550, 550])
        self.assertGreater(answers.count(250), 4)
        times = [entry["time_us"] for entry in entries]
        self.assertNotEqual(times, sorted(times), "the evidence shows that the clock went back")
        versions = [entry["version_written"] for entry in entries if entry.get("version_written")]
        self.assertEqual(versions, sorted(versions), "versions never go back")


class Neighbours(Faults):
    def delayed(self, site, address):
        """One that waits at the gate, and due soon."""
        self.passes(site, address, sender="a@due.test")
        message = mail(sender="Desk <b@due.test>")
        self.assertEqual(self.offer(site, message, address, sender="b@due.test").code, 250)
        return message

    def comes(self, site, address, message):
        """By the bell, which rings each minute, or by a run of the queue, for which this does not wait."""
        wait_for(lambda: self.copies(site, address, message) or site.relay.flush(), "the mail to " + address, 40, 1)
        site.relay.wait_empty()

    def test_reinjection_down(self):
        site = self.make()
        os.rename(site.relay.pass_socket, site.relay.pass_socket + ".away")
        message = self.delayed(site, "pass@person.test")
        site.relay.wait_deferred()
        wait_for(lambda: site.relay.flush() or site.relay.grep(r"status=deferred.*451 4\.4\.1"), "the gate's 451", 20, 0.5)
        self.assertTrue(site.tactd.grep(r"tact-pass|pass_socket"), site.tactd.log())
        self.assertEqual(self.copies(site, "pass@person.test", message), 0)
        self.assertEqual(len(site.relay.queue()), 1)
        os.rename(site.relay.pass_socket + ".away", site.relay.pass_socket)
        self.comes(site, "pass@person.test", message)
        self.assertEqual(self.copies(site, "pass@person.test", message), 1)

    def test_reinjection_refuses(self):
        """A 5xx from it is an alarm and never a bounce."""
        site = self.make()
        aside = site.relay.pass_socket + ".away"
        os.rename(site.relay.pass_socket, aside)
        wrong = Sink(site.tactd.room, path=site.relay.pass_socket)
        wrong.on("MAIL", reply="550 5.7.1 not here")
        message = self.delayed(site, "alarm@person.test")
        site.relay.wait_deferred()
        wait_for(lambda: site.relay.flush() or site.relay.grep(r"status=deferred.*451 4\.3\.0"), "the gate's 451", 20, 0.5)
        self.assertTrue(site.tactd.grep(r"error: .*550"), site.tactd.log())
        wrong.stop()
        os.rename(aside, site.relay.pass_socket)
        self.comes(site, "alarm@person.test", message)
        self.assertEqual(self.copies(site, "alarm@person.test", message), 1)
        self.assertEqual(site.relay.grep("status=bounced"), [])

    def test_refusing_listener_down(self):
        site = self.make()
        os.rename(site.relay.refuse_socket, site.relay.refuse_socket + ".away")
        with site.relay.client() as client:
            client.mail("a@news.test")
            self.assertTrue(client.rcpt("stays@person.test").ok)
            self.assertTrue(client.rcpt("no@person.test").ok)
            site.tactd.tact("suppress", "no@person.test", "--reason", "unsubscribe")
            self.assertEqual(client.data(mail(sender="Desk <a@news.test>")).code, 250)
        site.sink.wait_to("stays@person.test")
        site.relay.wait_deferred()
        self.assertTrue(site.relay.grep(GATE_DOMAIN + r".*status=deferred.*451 4\.4\.1"), site.relay.maillog())
        self.assertTrue(site.tactd.grep(r"tact-refuse|refuse_socket"), site.tactd.log())
        os.rename(site.relay.refuse_socket + ".away", site.relay.refuse_socket)
        site.relay.flush()
        (bounce,) = site.sink.wait_to("a@news.test")
        self.assertIn(b"Final-Recipient: rfc822; no@person.test", bounce.data)
        site.relay.wait_empty()
        self.assertEqual(site.sink.to("no@person.test"), [])

    def test_tactd_killed(self):
        site = self.make()
        site.tactd.kill9()
        message = self.refuses(site, "killed@person.test", status="4.7.1")
        site.tactd.start()
        self.passes(site, "killed@person.test", message=message)

    def test_one_process_killed_ends_all(self):
        site = self.make()
        children = [pid for pid in group_members(site.tactd.process.pid) if pid != site.tactd.process.pid]
        self.assertEqual(len(children), 3)
        os.kill(children[0], 9)
        self.assertEqual(site.tactd.wait_end(), EX_SOFTWARE)
        self.assertTrue(site.tactd.grep(r"was killed by signal 9"))
        message = self.refuses(site, "one@person.test", status="4.7.1")
        site.tactd.start()
        self.passes(site, "one@person.test", message=message)

    def test_open_connection_over_a_restart(self):
        """A long-lived client gets 451 until it reconnects, and nothing is lost."""
        site = self.make()
        with site.relay.client() as client:
            self.assertEqual(client.send("a@news.test", "long1@person.test", mail()).code, 250)
            self.restart(site)
            message = mail()
            self.assertEqual(client.send("a@news.test", "long2@person.test", message).code, 451)
        self.assertEqual(site.sink.to("long2@person.test"), [])
        self.passes(site, "long2@person.test", message=message)


if __name__ == "__main__":
    MOUNTS = os.geteuid() == 0 and meddle.own_mounts()
    main()

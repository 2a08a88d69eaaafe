#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Two relays on a primary and two standbys, under load while everything happens to the servers that can; the history is judged afterwards."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..", "postfix")]

import checker
from cluster import Pair
from harness import main, wait_for
from history import now
from run import PROCESSES, Run
from servers import skip_without_servers

WRITERS, BACKENDS_EACH = 4, 10  # contrib/postgresql/README


class PrimaryAndStandbys(Run):
    def setUp(self):
        self.pair = Pair()
        self.addCleanup(self.pair.close)

    def test_everything_that_happens_to_a_pair(self):
        self.begin("postgres:" + self.pair.conninfo, lambda: [self.pair.primary])
        self.phase("health", 5)
        self.a_standby_stalls()
        self.all_standbys_stall_and_the_waits_are_cancelled()
        self.phase("the standbys again", 4)
        self.the_primary_is_killed_while_waits_are_cancelled()
        self.phase("the new primary", 4)
        self.the_old_primary_comes_back()
        self.phase("with an old primary", 4)
        self.the_network_is_cut()
        self.phase("the network again", 4)
        self.end()
        self.judge((checker.judge_backends, (PROCESSES * BACKENDS_EACH, PROCESSES * WRITERS)))

    def a_standby_stalls(self):
        """One of two may be missing: nobody notices."""
        self.pair.stall(1)
        start = now()
        self.phase("one standby", 4)
        self.assertEqual(self.count_put_off(start), 0, "with one standby left")
        self.pair.go_on()

    def cancel_on(self, seconds):
        """Nobody acknowledges, and an admin cancels whatever waits."""
        self.pair.stall_all_and_hang_up()
        end, cancelled = now() + seconds, 0
        while now() < end:
            cancelled += self.pair.cancel_waits()
            self.pass_time(0.3)
        self.assertGreater(cancelled, 0, "nothing was there to be cancelled")

    def all_standbys_stall_and_the_waits_are_cancelled(self):
        start = now()
        self.pass_time(1)
        self.cancel_on(3)
        self.pair.go_on()
        self.fault("all standbys stall", start)

    def the_primary_is_killed_while_waits_are_cancelled(self):
        """What was written then is on no other server, and everybody could read it."""
        start = now()
        self.cancel_on(3)
        self.pair.primary.kill()
        self.pair.go_on()
        self.pass_time(1)
        self.old = self.pair.fail_over()
        self.fault("the primary is killed", start)

    def the_network_is_cut(self):
        """In silence: what was asked may have been done."""
        start = now()
        self.pair.servers.network.cut()
        self.pass_time(6)
        self.pair.servers.network.mend()
        self.fault("the network is cut", start)

    def the_old_primary_comes_back(self):
        """As it was: it takes writes, and is the first that every relay asks. Each connection is made anew; one relay knows nothing of before."""
        def looks():
            return self.old.sql("SELECT count(*), max(version), (SELECT pg_is_in_recovery()) FROM tact.tact_record")
        self.old.start()
        before, start = looks(), now()
        self.sites["right"].restart_tactd()
        self.pair.primary.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tact'")
        self.wait_served("the old primary is back")
        self.history.add("fault", name="the old primary is back", start=start, end=now())
        wait_for(lambda: not self.old.backends(), "nobody to stay with the old primary")
        self.assertEqual(looks(), before)
        self.assertTrue(before.endswith("|f"), "it takes writes")


if __name__ == "__main__":
    skip_without_servers()
    main()

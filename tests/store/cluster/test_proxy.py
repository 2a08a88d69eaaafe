#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""Two relays on three partitions behind PL/Proxy: the proxy itself is killed, twice, while mail flows and people unsubscribe."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..", "postfix")]

import checker
from harness import main, wait_for
from history import now
from run import PROCESSES, Run
from servers import Servers, skip_without_servers

BACKENDS_EACH = 4 + 3 + 2 + 2 * 3  # that commit, that read (one for each server), for long work; that ask while there is trouble


class ProxyOfThree(Run):
    def setUp(self):
        self.servers = Servers()
        self.addCleanup(self.servers.close)
        self.parts = [self.servers.store("part%d" % number, max_connections="120") for number in range(3)]
        self.proxy = self.servers.proxy("proxy", self.parts, max_connections="120")

    def test_the_proxy_is_killed_and_comes_back(self):
        """All that was asked of it may have been done: what a partition commits, it commits whether the proxy lives to tell or not."""
        self.begin(self.proxy.url(), lambda: [self.proxy])
        self.phase("health", 5)
        self.proxy_is_gone("the proxy is killed", 4)
        self.phase("the proxy again", 4)
        self.proxy_is_gone("the proxy is killed and started at once", 0)
        self.phase("the proxy once more", 4)
        self.end()
        self.judge((checker.judge_backends, (PROCESSES * BACKENDS_EACH, 0)))
        wishes = {wish["status"] for wish in self.history.of("unsubscribe")}
        self.assertEqual(wishes, {0, os.EX_TEMPFAIL}, "a wish is acknowledged, or to be made again")
        self.no_backend_is_left_over()

    def proxy_is_gone(self, name, seconds):
        start = now()
        self.proxy.kill()
        self.pass_time(seconds)
        self.proxy.start()
        self.fault(name, start)

    def no_backend_is_left_over(self):
        """Of the proxy's, at the partitions: each serves a backend of the proxy that is there now."""
        lives = int(self.proxy.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('tact', 'psql')"))

        def left():
            return [int(part.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'tact_proxy'")) for part in self.parts]
        wait_for(lambda: max(left()) <= lives, lambda: "%s backends at the partitions to become %d" % (left(), lives))


if __name__ == "__main__":
    skip_without_servers()
    main()

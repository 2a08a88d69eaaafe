# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""The servers of a run: three that are a primary and its two standbys, as contrib/postgresql/README sets them up, in a network of their
own; and what an admin does with them."""

from network import new_network
from servers import Servers, wait_for

NAMES = ("db1", "db2", "db3")
QUORUM = "ANY 1 (%s)" % ", ".join(NAMES)  # the same on each: no server is its own standby


class NetworkServers(Servers):
    """Servers that listen in a network of their own, beside their sockets, by which the test speaks to them whatever the network does."""

    def __init__(self):
        self.network = new_network()
        try:
            super().__init__()
        except BaseException:
            self.network.close()
            raise

    def close(self):
        super().close()
        self.network.close()

    def popen(self, argv, **options):
        with self.network.entered():
            return super().popen(argv, **options)

    def empty(self, name, **settings):
        server = super().empty(name, listen_addresses="*", **settings)
        with open(server.data + "/pg_hba.conf", "a", encoding="utf-8") as file:
            file.write("host all all %s/32 trust\n" % self.network.ours)
        server.sql("SELECT pg_reload_conf()", database="postgres")
        return server


class Pair:
    """A primary and two standbys, one of which may be missing."""

    def __init__(self, **settings):
        self.servers = NetworkServers()
        try:
            self.primary = self.servers.store("db1", **dict({"synchronous_commit": "on", "max_connections": "120"}, **settings))
            self.standbys = [self.servers.standby(name, self.primary, synchronous_standby_names="'%s'" % QUORUM) for name in NAMES[1:]]
            self.primary.sql("ALTER SYSTEM SET synchronous_standby_names = '%s'" % QUORUM)
            self.primary.sql("SELECT pg_reload_conf()")
            self.wait_for_standbys(self.primary, 2)
        except BaseException:
            self.close()
            raise

    def close(self):
        self.servers.close()

    @property
    def conninfo(self):
        """Of a relay: all hosts, the first primary first."""
        ways = [self.servers.network.way_to(server) for server in self.servers.all]
        return "host=%s port=%s dbname=tact user=relay sslmode=disable connect_timeout=2" % (",".join(host for host, _ in ways), ",".join(str(port) for _, port in ways))

    @staticmethod
    def wait_for_standbys(primary, count):
        wait_for(lambda: int(primary.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum'")) >= count, "standbys")

    def stall(self, count):
        for standby in self.standbys[:count]:
            standby.stall()

    def stall_all_and_hang_up(self):
        """What the primary writes from here on is nowhere else, not even on its way."""
        self.stall(2)
        self.primary.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")

    def cancel_waits(self):
        """As an admin does who wonders what hangs. How many were cancelled."""
        return int(self.primary.sql("SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity"
                                    " WHERE application_name = 'tact' AND wait_event = 'SyncRep'"))

    def go_on(self):
        for standby in self.standbys:
            standby.go_on()

    def fail_over(self):
        """The primary is dead. Whichever standby has more is promoted, the other follows it: every acknowledged commit is on one of them."""
        for standby in self.standbys:
            wait_for(lambda: standby.sql("SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'") == "0", "the end of the stream")
        old = self.primary
        self.primary, other = sorted(self.standbys, key=lambda server: int(server.sql("SELECT pg_last_wal_receive_lsn() - '0/0'")), reverse=True)
        self.primary.promote()
        other.sql("ALTER SYSTEM SET primary_conninfo = 'host=%s port=%d user=postgres application_name=%s'"
                  % (self.servers.dir, self.primary.port, other.name))
        other.sql("SELECT pg_reload_conf()")
        self.standbys = [other]
        self.wait_for_standbys(self.primary, 1)
        return old

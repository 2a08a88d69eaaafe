# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""The postgres engine against real servers: the contract of every engine, and what was seen of PostgreSQL and binds us (DESIGN, store)."""

import os
import subprocess
import unittest

from servers import PATIENCE, Servers, skip_without_servers, wait_for

BUILD = os.environ.get("TACT_BUILD", ".")
SOURCE = os.environ.get("TACT_SOURCE", ".")


class Contract(unittest.TestCase):
    def test_the_contract_of_every_engine(self):
        with Servers() as servers:
            primary = servers.store("main")
            got = subprocess.run([BUILD + "/tests/store/contract"], env=dict(os.environ, TACT_STORE_URL=primary.url()), capture_output=True,
                                 timeout=300 * PATIENCE, check=False)
            self.assertEqual(got.returncode, 0, got.stdout.decode() + got.stderr.decode() + primary.last_words())


if __name__ == "__main__":
    skip_without_servers()
    unittest.main(verbosity=2)

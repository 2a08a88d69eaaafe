# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 The tact authors
"""That a test cannot pass while a sanitizer says something."""

from harness import *

SAYS = "echo 'info: all is well'; echo '==7==ERROR: %s: what it found' >&2; exit 0"


class Sanitizers(Case):
    def test_a_report_in_a_log_fails_the_room(self):
        for name in ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "UndefinedBehaviorSanitizer", "a.c:7:1: runtime error"):
            with self.subTest(name=name):
                room = Room()
                process = room.spawn(["sh", "-c", SAYS % name], "log")
                wait_for(lambda: not process.running(), "the end of a shell")
                with self.assertRaisesRegex(Failed, "(?s)---- log\n==7==ERROR: %s: what it found" % name):
                    room.close()

    def test_a_report_of_a_tool_fails_even_with_status_0(self):
        with self.assertRaisesRegex(Failed, "LeakSanitizer"):
            run(["sh", "-c", SAYS % "LeakSanitizer"], check=False)

    def test_other_words_do_not(self):
        room = self.room()
        process = room.spawn(["sh", "-c", "echo ordinary words >&2"], "log")
        wait_for(lambda: not process.running(), "the end of a shell")
        self.assertEqual(room.reports(), "")


main()

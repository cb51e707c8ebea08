# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest in which nothing runs does not run: a sandbox of gVisor that only waits costs no processor, and whoever calls it does not notice (SX-6, P7)."""

import glob
import time

from support.appliance import TAGS, wait_until
from support.case import ApplianceCase


class Rest(ApplianceCase):
    tier = "gvisor"
    changes = {"sandbox": {"warm_pool": 1}}

    def one(self, **wanted):
        return next(each for each in self.appliance.ctl("sessions")["sessions"] if all(each[key] == value for key, value in wanted.items()))

    def stopped(self, session):
        """Whether its cgroup is frozen: the older controller's word, or the newer one's."""
        names = [f"/sys/fs/cgroup/**/{tag}/s{session['slot']}/" for tag in TAGS]
        for path in [each for name in names for file in ("freezer.state", "cgroup.freeze") for each in glob.glob(name + file, recursive=True)]:
            with open(path, encoding="utf-8") as file:
                if file.read().strip() in ("FROZEN", "1"):
                    return True
        return False

    def test_one_that_waits_is_stopped_and_the_next_call_is_answered_as_ever(self):
        self.assertEqual(self.client.bash("echo $$ >/workspace/x; echo begun").strip(), "begun")
        mine = self.one(chat=self.client.chat)
        self.assertTrue(wait_until(lambda: self.stopped(mine), 10))
        started = time.monotonic()
        self.assertEqual(self.client.bash("cat /workspace/x | wc -l").strip(), "1")
        self.assertLess(time.monotonic() - started, 5)
        self.assertFalse(self.stopped(mine))
        self.assertTrue(wait_until(lambda: self.stopped(mine), 10))
        self.appliance.ctl("kill", mine["id"])
        self.assertTrue(wait_until(lambda: mine["id"] not in {each["id"] for each in self.appliance.ctl("sessions")["sessions"]}, 10))

    def test_one_in_the_warm_pool_is_stopped_and_whoever_comes_gets_it(self):
        self.assertTrue(wait_until(lambda: self.appliance.ctl("status")["warm_pool"]["ready"] == 1, 30))
        kept = self.one(state="pooled")
        self.assertTrue(wait_until(lambda: self.stopped(kept), 10))
        self.assertEqual(self.client.bash("echo mine").strip(), "mine")
        self.assertEqual(self.one(chat=self.client.chat)["id"], kept["id"])

    def test_one_in_which_anything_runs_is_not(self):
        self.client.bash("(while :; do date +%s%N >/tmp/now; sleep 0.2; done) >/dev/null 2>&1 &")
        mine = self.one(chat=self.client.chat)
        started = self.client.call("process_start", command="sleep 300")
        self.assertNotIn("isError", str(started)[:20])
        # It would have been by now: nothing can be waited for.
        self.assertFalse(wait_until(lambda: self.stopped(mine), 4))
        self.client.bash("kill %1; pkill -f 'date +%s' ; pkill sleep; pkill -f while; kill -9 -1")
        self.assertTrue(wait_until(lambda: self.stopped(mine), 10))


if __name__ == "__main__":
    import unittest

    unittest.main()

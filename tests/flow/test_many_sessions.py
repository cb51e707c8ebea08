# SPDX-License-Identifier: GPL-3.0-or-later
"""SX-6, T-13: sandboxes made and ended one after the other leave nothing: no process, mount, cgroup, namespace, file or descriptor. A few
dozen; a thousand on each tier with `scripts/test --long --only flow/many_sessions`."""

import os

from support import leftovers
from support.appliance import wait_until
from support.case import ApplianceCase, on_gvisor
from support.mcp import Refused

ROUNDS = 1000 if os.environ.get("OCU_LONG") else 24
WARM = 4  # what is made at first need is made by then


class ManySessions(ApplianceCase):
    rounds = ROUNDS

    def helpers_now(self):
        return {name: sorted(pids) for name, pids in self.appliance.helpers().items()}

    def descriptors(self):
        """How many each standing process of the appliance has open."""
        pids = [self.appliance.pid, *(pid for pids in self.appliance.helpers().values() for pid in pids)]
        return {pid: len(os.listdir(f"/proc/{pid}/fd")) for pid in pids}

    def none_is_left(self):
        return not self.appliance.ctl("sessions")["sessions"]

    def one(self, number):
        client = self.chat(f"many-{number}")
        process = "sleep 1000 & echo x > /mnt/user-data/outputs/f; mkfifo p; (setsid sleep 1000 &); echo made"
        self.assertEqual(client.bash(process).strip(), "made")
        client.call("process_start", command="exec sleep 1000", wait_s=0)
        if number % 3 == 0:
            try:
                client.bash("kill -9 -1")  # all that it may end: what is left is the agent
            except Refused:
                pass
        client.close()
        session = self.appliance.ctl("sessions")["sessions"][0]["id"]
        self.appliance.ctl("kill", session)
        self.assertTrue(wait_until(self.none_is_left, 20), session)

    def test_nothing_is_left_of_any_of_them(self):
        for number in range(WARM):
            self.one(number)
        before, helpers, open_before = leftovers.snapshot(), self.helpers_now(), self.descriptors()
        for number in range(WARM, self.rounds):
            self.one(number)
        self.assertEqual(leftovers.settle(before, 20), {})
        self.assertTrue(wait_until(lambda: self.helpers_now() == helpers, 10), "a standing process died on the way, or one of a session is left")
        # A connection that is just closing may be counted on either side; one for each session would be dozens.
        more = {pid: (open_before[pid], count) for pid, count in self.descriptors().items() if count > open_before[pid] + 6}
        self.assertEqual(more, {})
        self.assertEqual(self.appliance.verify_audit().returncode, 0)


ManySessionsOnGvisor = on_gvisor(ManySessions)
ManySessionsOnGvisor.rounds = ROUNDS if ROUNDS > 24 else 12  # three times as slow

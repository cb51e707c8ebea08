# SPDX-License-Identifier: GPL-3.0-or-later
"""Every helper is killed in turn: noticed, closed, restarted, on record; and when the core dies nothing is left (CT-1, EG-12, AU-3, T-13, T-14)."""

import os
import signal
import time
import unittest

from support import leftovers
from support.appliance import Appliance, wait_until
from support.audit import find_events, says
from support.case import ApplianceCase
from support.mcp import Mcp, Refused

STANDING = ("gateway-front", "operator-front", "files-front", "parser", "custody", "launcher", "uplink", "storage-lane", "audit-writer", "notifier")
ON_RECORD_MS_MAX = 100


class HelperDeath(ApplianceCase):
    def kill_and_follow(self, name):
        pid = self.appliance.helpers()[name][0]
        killed_at = time.time()
        os.kill(pid, signal.SIGKILL)
        self.assertTrue(wait_until(lambda: self.appliance.helpers().get(name, [pid])[0] != pid, 10), f"{name} was not restarted")
        self.assertTrue(wait_until(self.healthy, 10), f"not healthy again after {name}")
        died = find_events(self.appliance, lambda e: says(e, "helper_death", name) and e["time"] >= killed_at * 1000 - 50, seconds=5)
        self.assertTrue(died, f"the death of {name} is not on record")
        return died[0]["time"] - killed_at * 1000

    def healthy(self):
        try:
            return self.client.http(method="GET", path="/health", headers={}).status == 200
        except OSError:
            return False

    def works_again(self):
        def works():
            try:
                return self.client.bash("echo works").strip() == "works"
            except (Refused, OSError):
                return False
        return wait_until(works, 15, every=0.2)

    def test_each_standing_helper_is_noticed_restarted_and_recorded(self):
        self.assertTrue(self.works_again())
        for name in STANDING:
            with self.subTest(helper=name):
                noticed_ms = self.kill_and_follow(name)
                if name != "audit-writer":  # its death can only be written by its successor
                    self.assertLess(noticed_ms, ON_RECORD_MS_MAX + 50)
                self.assertTrue(self.works_again(), f"no tool call works after {name} died")
        done = self.appliance.verify_audit()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_helpers_of_a_session_die_with_it_and_only_with_it(self):
        for name in ("broker", "exec"):
            with self.subTest(helper=name):
                self.assertTrue(self.works_again())
                bystander = self.chat("bystander-" + name)
                bystander.bash("echo mine > /workspace/x")
                before = set(self.appliance.helpers()[name])
                fresh = self.chat("victim-" + name)
                fresh.bash("echo mine > /workspace/x")
                victim = (set(self.appliance.helpers()[name]) - before).pop()
                os.kill(victim, signal.SIGKILL)
                self.assertTrue(wait_until(lambda c=fresh: self.lost(c), 10), f"a session lives on without its {name}")
                self.assertEqual(bystander.bash("cat /workspace/x").strip(), "mine")

    @staticmethod
    def lost(client):
        try:
            return "mine" not in client.bash("cat /workspace/x")
        except (Refused, OSError):
            return False

    def test_a_call_that_runs_while_audit_dies_is_not_acknowledged_without_a_record(self):
        self.assertTrue(self.works_again())
        os.kill(self.appliance.helpers()["audit-writer"][0], signal.SIGKILL)
        marks = []
        for number in range(20):
            mark = f"audit-gap-{number}"
            try:
                if mark in self.client.bash(f"echo {mark}"):
                    marks.append(mark)
            except (Refused, OSError):
                continue
        for mark in marks:
            self.assertTrue(find_events(self.appliance, lambda e, m=mark: says(e, "tool_call_begin", m)), mark)


class CoreDeath(unittest.TestCase):
    tier = "runc"

    def test_nothing_is_left_when_the_core_is_killed(self):
        before = leftovers.snapshot()
        appliance = Appliance(tier=self.tier).start()
        self.addCleanup(appliance.remove)
        clients = [Mcp(appliance, chat=f"chat-{number}") for number in range(3)]
        for client in clients:
            client.bash("sleep 600 >/dev/null 2>&1 & cd /mnt/user-data/outputs && echo x > x")
        running = clients[0].open_call("bash_tool", command="sleep 600")
        self.addCleanup(running.close)
        # What is looked for later is seen while it is there.
        self.assertGreaterEqual(set(leftovers.added(before)), {"processes", "namespaces", "cgroups", "run"})
        appliance.signal(signal.SIGKILL)
        appliance.wait()
        self.assertEqual(leftovers.settle(before, 10), {})
        # And it starts again on what it left on disk.
        appliance.start()
        self.addCleanup(appliance.stop)
        client = Mcp(appliance)
        self.assertEqual(client.bash("echo again").strip(), "again")
        done = appliance.verify_audit()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_many_sessions_leave_nothing(self):
        before = leftovers.snapshot()
        appliance = Appliance(tier=self.tier).start()
        self.addCleanup(appliance.remove)
        self.addCleanup(appliance.stop)
        Mcp(appliance, chat="first").bash("true")
        appliance.ctl("kill-all")
        standing = leftovers.snapshot()
        for number in range(self.rounds):
            Mcp(appliance, chat=f"round-{number}").bash("true")
            if number % 8 == 7:
                appliance.ctl("kill-all")
        appliance.ctl("kill-all")
        self.assertEqual(leftovers.settle(standing, 10), {})
        appliance.stop()
        self.assertEqual(leftovers.settle(before, 10), {})

    rounds = 1000 if os.environ.get("OCU_LONG") else 40


class CoreDeathOnGvisor(CoreDeath):
    tier = "gvisor"
    rounds = 200 if os.environ.get("OCU_LONG") else 10

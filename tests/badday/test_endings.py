# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad ends and bad beginnings: told to stop during a call, two on one state, a port that is taken (CT-1, T-10, T-13)."""

import signal
import time
import unittest

from support import leftovers
from support.appliance import Appliance, run_binary
from support.audit import find_events, says
from support.mcp import Mcp, read_response


class Endings(unittest.TestCase):
    tier = "runc"

    def start(self, **options):
        appliance = Appliance(tier=self.tier, **options)
        self.addCleanup(appliance.remove)
        appliance.start()
        self.addCleanup(appliance.stop)
        return appliance

    def test_told_to_stop_during_a_call(self):
        before = leftovers.snapshot()
        appliance = self.start()
        client = Mcp(appliance)
        client.bash("true")
        with client.open_call("bash_tool", command="sleep 600 # last words") as running:
            self.assertTrue(find_events(appliance, lambda e: says(e, "tool_call_begin", "last words"), seconds=5))
            client.close()
            started = time.monotonic()
            appliance.signal(signal.SIGTERM)
            try:
                self.assertIn(b"shutting_down", read_response(running).body)
            except Exception as error:  # the connection may be closed instead; it may not stay open
                self.assertNotIsInstance(error, TimeoutError)
        self.assertEqual(appliance.wait(), 0)
        self.assertLess(time.monotonic() - started, 10)
        self.assertEqual(leftovers.settle(before, 10), {})
        self.assertTrue(find_events(appliance, lambda e: says(e, "appliance_stop")))
        done = appliance.verify_audit()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_interrupt_key(self):
        appliance = self.start()
        Mcp(appliance).bash("true")
        appliance.signal(signal.SIGINT)
        self.assertEqual(appliance.wait(), 0)

    def test_second_one_on_the_same_state_is_refused(self):
        appliance = self.start()
        done = run_binary(*appliance.arguments()[1:], timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertIn("state", done.stderr)
        self.assertEqual(Mcp(appliance).bash("echo fine").strip(), "fine")

    def test_port_that_is_taken_is_said(self):
        appliance = self.start()
        other = Appliance()
        self.addCleanup(other.remove)
        other.manifest.value["mcp"]["listen"] = f"127.0.0.1:{appliance.port}"
        other.manifest.write()
        done = run_binary(*other.arguments()[1:], timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertIn("in use", done.stderr)


class EndingsOnGvisor(Endings):
    tier = "gvisor"
    test_port_that_is_taken_is_said = None
    test_second_one_on_the_same_state_is_refused = None

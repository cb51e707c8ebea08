# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that is full under the log: calls stop with a reason, kill still works, and it recovers (CT-2, CT-6, AU-7, T-10, T-17)."""

import os
import subprocess
import unittest

from support.appliance import Appliance, wait_until
from support.mcp import Mcp, Refused


class DiskFull(unittest.TestCase):
    """audit/ lies on a small file system of its own, and somebody fills it."""

    def setUp(self):
        self.appliance = Appliance(prepare_state=self.mount_small)
        self.addCleanup(self.appliance.remove)
        self.addCleanup(subprocess.run, ["umount", "-l", self.appliance.audit_dir()], check=False)
        self.appliance.start()
        self.addCleanup(self.appliance.stop)

    @staticmethod
    def mount_small(state):
        folder = os.path.join(state, "audit")
        os.mkdir(folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=0755", "ocu-test-audit", folder], check=True)

    def fill(self):
        path = os.path.join(self.appliance.audit_dir(), "ballast")
        with open(path, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 65536)
            except OSError:
                pass
            try:
                while True:
                    file.write(b"x" * 512)
            except OSError:
                pass
        return path

    def test_calls_stop_with_a_reason_and_kill_still_works(self):
        client = Mcp(self.appliance)
        client.bash("true")
        ballast = self.fill()
        reason = ""
        for number in range(40_000):
            try:
                client.bash(f"true {'x' * 900} {number}")
            except Refused as error:
                reason = str(error)
                break
        self.assertIn("audit_unavailable", reason)
        # Kill is never kept waiting by a record that cannot be written.
        with_sessions = self.appliance.ctl("sessions")["sessions"]
        self.assertTrue(with_sessions)
        self.appliance.ctl("kill-all")
        self.assertTrue(wait_until(lambda: not self.appliance.ctl("sessions")["sessions"], 5))
        # Freezing is a privileged action: without its record it does not happen.
        self.assertEqual(self.appliance.ctl("freeze", expect=None).returncode, 1)
        os.unlink(ballast)

        def recovered():
            try:
                return client.bash("echo recovered").strip() == "recovered"
            except (Refused, OSError):
                return False

        self.assertTrue(wait_until(recovered, 20, every=0.5))
        done = self.appliance.verify_audit()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that is full under the log: calls stop with a reason, kill still works, and it recovers (CT-2, CT-6, AU-7, T-10, T-17)."""

import json
import os
import subprocess
import unittest

from support.appliance import Appliance, run_binary, wait_until
from support.audit import events, find_events
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

    def disk(self):
        return self.appliance.ctl("status")["audit_disk"]

    def test_a_disk_that_fills_is_an_alarm_long_before_it_is_full_and_once(self):
        self.assertEqual(self.disk()["state"], "well")
        client = Mcp(self.appliance)
        client.bash("true")
        path = os.path.join(self.appliance.audit_dir(), "ballast")
        with open(path, "wb") as file:
            room = os.statvfs(path)
            file.truncate(0)
            file.write(b"x" * (room.f_bavail - room.f_blocks * 12 // 100) * room.f_frsize)
        self.assertTrue(wait_until(lambda: self.disk()["state"] == "filling", 5), self.disk())
        self.assertGreaterEqual(self.disk()["used_percent"], 80)
        self.assertLess(self.disk()["used_percent"], 95)
        self.assertEqual(client.bash("echo works").strip(), "works")
        doctor = run_binary("doctor", "--json", "--state", self.appliance.state)
        self.assertIn("the record's disk is", doctor.stdout)
        self.assertTrue(any(each["health"] == "note" and "the record's disk" in each["what"] for each in json.loads(doctor.stdout)))
        os.unlink(path)
        self.assertTrue(wait_until(lambda: self.disk()["state"] == "well", 5))
        told = find_events(self.appliance, lambda e: e["message"] == "audit_disk_watermark" and e["unmapped"]["outcome"] == "success", seconds=5)
        self.assertEqual(len(told), 1)
        passed = [each["unmapped"] for each in events(self.appliance) if each["message"] == "audit_disk_watermark"]
        self.assertEqual([each["outcome"] for each in passed], ["failure", "success"])
        self.assertEqual(passed[0]["detail"], "watermark=80")
        self.assertGreaterEqual(passed[0]["number"], 80)

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

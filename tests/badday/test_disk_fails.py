# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that fails under the log, as a cable that is pulled: every write and sync is an error from then on, and the file system is read-only.
Calls stop with a reason, kill still works, no failed sync is tried again, and what was acknowledged is there when the disk is back (AU-3, AU-7, T-10)."""

import fcntl
import os
import struct
import subprocess
import unittest

from support.appliance import Appliance, wait_until
from support.audit import events
from support.mcp import Mcp, Refused

EXT4_SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN
WITHOUT_LOG = struct.pack("I", 2)  # EXT4_GOING_FLAGS_NOLOGFLUSH: nothing more reaches the disk


class DiskFails(unittest.TestCase):
    """audit/ lies on a file system of its own, on a loop device."""

    def setUp(self):
        self.appliance = Appliance(prepare_state=self.mount)
        self.addCleanup(self.appliance.remove)
        self.addCleanup(self.unmount)
        self.appliance.start()
        self.addCleanup(self.appliance.stop)

    def image(self):
        return os.path.join(self.appliance.state, "disk")

    def mount(self, state):
        folder, image = os.path.join(state, "audit"), os.path.join(state, "disk")
        os.makedirs(folder, exist_ok=True)
        if not os.path.exists(image):
            with open(image, "wb") as file:
                file.truncate(48 << 20)
            subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, folder], check=True)
        os.chmod(folder, 0o755)

    def unmount(self):
        subprocess.run(["umount", "-l", self.appliance.audit_dir()], check=False, stderr=subprocess.DEVNULL)

    def no_longer_mounted(self):
        """Nor on a loop device any more, which a second mount would be given again, with the file system that has failed."""
        if os.path.ismount(self.appliance.audit_dir()):
            subprocess.run(["umount", self.appliance.audit_dir()], check=False, stderr=subprocess.DEVNULL)
        left = subprocess.run(["losetup", "-j", self.image()], check=True, text=True, stdout=subprocess.PIPE).stdout
        return not left.strip()

    def fail_disk(self):
        folder = os.open(self.appliance.audit_dir(), os.O_RDONLY)
        try:
            fcntl.ioctl(folder, EXT4_SHUTDOWN, WITHOUT_LOG)
        finally:
            os.close(folder)

    def test_nothing_acknowledged_is_lost_and_nothing_more_is_acknowledged(self):
        # Without any signed head on the disk nothing could be verified, and that is right. It is brought there before what is acknowledged.
        self.assertTrue(wait_until(lambda: os.path.exists(os.path.join(self.appliance.audit_dir(), "checkpoint")), 20))
        subprocess.run(["sync", "-f", self.appliance.audit_dir()], check=True)
        client = Mcp(self.appliance)
        for number in range(20):
            self.assertEqual(client.bash(f"echo answered-{number}").strip(), f"answered-{number}")
        self.fail_disk()
        for _ in range(3):
            with self.assertRaises(Refused) as refused:
                client.bash("echo must-not-run > /mnt/user-data/outputs/ran")
            self.assertIn("audit_unavailable", str(refused.exception))
        self.appliance.ctl("kill-all")
        self.assertTrue(wait_until(lambda: not self.appliance.ctl("sessions")["sessions"], 20))
        self.assertEqual(self.appliance.ctl("freeze", expect=None).returncode, 1)
        client.close()
        self.appliance.stop()
        self.assertTrue(wait_until(self.no_longer_mounted, 20), "somebody still has the log open")
        self.mount(self.appliance.state)
        done = self.appliance.verify_audit()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.appliance.start()
        told = [each["unmapped"]["detail"] for each in events(self.appliance) if each["message"] == "tool_call_end"]
        for number in range(20):
            self.assertEqual(sum(f"echo answered-{number} " in each + " " for each in told), 1, number)
        self.assertFalse([each for each in told if "must-not-run" in each])
        again = Mcp(self.appliance)
        self.assertEqual(again.bash("echo works; ls /mnt/user-data/outputs").split(), ["works"])
        again.close()
        done = self.appliance.verify_audit()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator ships (`sandbox.mounts`): read-only in every sandbox, on both tiers, and only if it is what the manifest names (SB-1, T-34)."""

import atexit
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
import unittest

from support.appliance import Appliance
from support.case import ApplianceCase, on_gvisor

TOOL = "#!/bin/sh\necho tool-ran\n"
TREE = tempfile.mkdtemp(prefix="ocu-shipped.", dir="/var/tmp")


def make_tree():
    """A directory with what a shipped one may have, and what must be of no use in a sandbox."""
    source = os.path.join(TREE, "skills")
    os.makedirs(os.path.join(source, "docx"))
    for name, text, mode in (("docx/SKILL.md", "how to write\n", 0o644), ("tool", TOOL, 0o755), ("suid", TOOL, 0o6755), ("private", "root's\n", 0o600)):
        path = os.path.join(source, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
    os.mknod(os.path.join(source, "null"), 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    os.symlink("/etc/shadow", os.path.join(source, "link"))
    return image_of(source, "skills")


def image_of(source, name):
    folder = os.path.join(TREE, "mounts")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name + ".erofs")
    subprocess.run(["mkfs.erofs", "--quiet", "--all-root", "-zlz4hc", path, source], check=True, stdout=subprocess.DEVNULL)
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


DIGEST = make_tree()
atexit.register(shutil.rmtree, TREE, ignore_errors=True)


def ship(state):
    """Where the files are looked for: beside the manifest."""
    shutil.copytree(os.path.join(TREE, "mounts"), os.path.join(os.path.dirname(state), "mounts"))


class Shipped(ApplianceCase):
    changes = {"sandbox": {"mounts": [{"name": "skills", "sha256": DIGEST}]}}
    prepare_state = staticmethod(ship)

    def test_is_there_and_runs(self):
        text = self.client.bash("cd /mnt/ocu/skills && cat docx/SKILL.md && ./tool && ls")
        for each in ("how to write", "tool-ran", "docx"):
            self.assertIn(each, text)

    def test_cannot_be_changed(self):
        text = self.client.bash("cd /mnt/ocu/skills; touch new; echo x >> tool; rm tool; chmod 777 tool; mkdir ../more; echo x > ../y; "
                                "mount -o remount,rw /mnt/ocu/skills; ls; ls ..")
        self.assertIn("Read-only file system", text)
        self.assertNotIn("new", text.splitlines())
        self.assertNotIn("more", text.splitlines())
        with open(os.path.join(self.appliance.folder, "mounts", "skills.erofs"), "rb") as file:
            self.assertEqual(hashlib.sha256(file.read()).hexdigest(), DIGEST)

    def test_gives_no_right_and_no_device(self):
        """T-04: neither a set-user-id bit nor a device node in it is worth anything, and root's own files stay closed."""
        text = self.client.bash("cd /mnt/ocu/skills; for each in null private link; do cat $each && echo read-$each; done 2>&1; echo x > null && echo wrote")
        self.assertEqual(text.count("Permission denied"), 3, text)
        for each in ("read-", "wrote", "root's", "root:"):
            self.assertNotIn(each, text)

    def test_its_mounts_say_so(self):
        mounts = self.client.bash("grep ' /mnt/ocu' /proc/self/mounts").splitlines()
        self.assertGreaterEqual(len(mounts), 1)
        for each in mounts:
            options = each.split()[3].split(",")
            self.assertIn("ro", options)
            if self.tier == "runc":
                self.assertTrue({"nosuid", "nodev"} <= set(options), each)

    def test_every_session_has_it_and_hears_of_it(self):
        other = self.chat("shipped-" + self.client.chat)
        self.assertIn("how to write", other.bash("cat /mnt/ocu/skills/docx/SKILL.md"))
        self.assertIn("/mnt/ocu/skills", other.bash("cat /usr/share/ocu/README.md"))

    def test_where_the_host_keeps_it_is_not_told(self):
        self.assertNotIn("ocu-test.", self.client.bash("cat /proc/self/mountinfo /proc/self/mounts"))


ShippedOnGvisor = on_gvisor(Shipped)


class Refused(unittest.TestCase):
    def refused(self, mounts, change=lambda folder: None):
        appliance = Appliance(changes={"sandbox": {"mounts": mounts}}, prepare_state=ship)
        try:
            change(os.path.join(appliance.folder, "mounts"))
            done = subprocess.run(appliance.arguments(), capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 1)
            return done.stderr
        finally:
            appliance.remove()

    def test_another_file_than_the_one_named(self):
        self.assertIn("sandbox.mounts[0].sha256", self.refused([{"name": "skills", "sha256": "0" * 64}]))

    def test_one_changed_byte(self):
        def change(folder):
            with open(os.path.join(folder, "skills.erofs"), "r+b") as file:
                file.seek(-1, os.SEEK_END)
                last = file.read(1)[0]
                file.seek(-1, os.SEEK_END)
                file.write(bytes([last ^ 1]))
        self.assertIn("sandbox.mounts[0].sha256", self.refused([{"name": "skills", "sha256": DIGEST}], change))

    def test_no_such_file_and_no_file(self):
        self.assertIn("sandbox.mounts[0].name", self.refused([{"name": "missing", "sha256": DIGEST}]))
        self.assertIn("sandbox.mounts[0].name",
                      self.refused([{"name": "pipe", "sha256": DIGEST}], lambda folder: os.mkfifo(os.path.join(folder, "pipe.erofs"))))

# SPDX-License-Identifier: GPL-3.0-or-later
"""AP-3, T-22: one changed byte in kernel image, command line or root, and the machine does not start. Each case changes a copy of the
real image and boots it; the unchanged image boots in test_machine.py."""

import os
import shutil
import subprocess
import tempfile
import unittest

from support import boot_image
from support.emulator import Emulator

FIRMWARE_SECONDS_MAX = 240
REFUSED_BY_FIRMWARE = r"Access Denied|Security Violation|Secure Boot.*(fail|denied)|Verification failed"


def at(data, needle, start=0):
    found = data.find(needle, start)
    assert found >= 0, "the byte to change was not found in the image"
    return found


class Tampered(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ocu-tamper.", dir="/var/tmp")
        self.addCleanup(lambda: subprocess.run(["rm", "-rf", "--one-file-system", self.folder], check=True))

    def changed(self, change):
        """A copy of the image in which `change(bytes)` named an offset and its new bytes."""
        path = os.path.join(self.folder, "changed.iso")
        shutil.copy(boot_image.image(), path)
        with open(path, "r+b") as file:
            offset, new = change(file.read())
            file.seek(offset)
            file.write(new)
        return path

    def boots(self, path):
        machine = Emulator(path, boot_image.variables()).start()
        self.addCleanup(machine.stop)
        return machine

    def part(self, name):
        with open(os.path.join(os.path.dirname(boot_image.image()), name), "rb") as file:
            return file.read()

    def refused_by_firmware(self, path):
        machine = self.boots(path)
        machine.wait_for(REFUSED_BY_FIRMWARE, FIRMWARE_SECONDS_MAX)
        self.assertNotIn("ocu: first root", machine.text())

    def test_changed_byte_in_the_kernel_is_refused_by_the_firmware(self):
        boot = self.part("boot.efi")
        middle = len(boot) // 2
        needle = boot[middle:middle + 64]
        self.refused_by_firmware(self.changed(lambda data: (at(data, needle), bytes([needle[0] ^ 1]))))

    def test_changed_command_line_is_refused_by_the_firmware(self):
        wanted, instead = b"lockdown=confidentiality", b"lockdown=none           "
        self.refused_by_firmware(self.changed(lambda data: (at(data, wanted), instead)))

    def test_changed_byte_in_the_root_stops_the_first_root(self):
        # The program lies in the root as it lies in the first root; the root's copy is compressed, so a byte of its blocks is changed.
        def change(data):
            size = len(self.part("root.erofs"))
            start = at(data, self.part("root.erofs")[:4096][1024:1536]) - 1024
            place = start + size // 2
            return place, bytes([data[place] ^ 1])
        machine = self.boots(self.changed(change))
        machine.wait_for(r"^ocu: first root", FIRMWARE_SECONDS_MAX)
        machine.wait_for(r"corrupted|does not match|root cannot be|Kernel panic", FIRMWARE_SECONDS_MAX)
        machine.wait_off(60)  # a panic restarts the machine, which this emulator takes for its end
        self.assertNotIn("ocu: root verified", machine.text())
        self.assertNotIn("READY", machine.text())

    def test_image_that_nobody_signed_is_refused_by_the_firmware(self):
        # The same firmware with other keys: the deployment's image is a stranger there.
        other = os.path.join(self.folder, "keys")
        boot_image.shell(f"$ISO/keys {other}")
        machine = Emulator(boot_image.image(), os.path.join(other, "vars.fd")).start()
        self.addCleanup(machine.stop)
        machine.wait_for(REFUSED_BY_FIRMWARE, FIRMWARE_SECONDS_MAX)
        self.assertNotIn("ocu: first root", machine.text())


class Signature(unittest.TestCase):
    def test_stock_minisign_verifies_the_image_and_refuses_a_changed_one(self):
        from support.emulator import inside, tools, tools_command
        folder = os.path.dirname(boot_image.image())
        public = f"{os.environ['OCU_BOOT_KEYS']}/minisign.pub"
        with tempfile.TemporaryDirectory(prefix="ocu-minisign.", dir="/var/tmp") as work:
            for each in (boot_image.image(), boot_image.image() + ".minisig", public):
                shutil.copy(each, work)
            name = os.path.join(work, os.path.basename(boot_image.image()))
            words = ["minisign", "-V", "-m", inside(name), "-p", inside(f"{work}/minisign.pub")]
            self.assertIn(b"verified", tools(work, *words))
            with open(name, "r+b") as file:
                file.seek(5_000_000)
                byte = file.read(1)
                file.seek(5_000_000)
                file.write(bytes([byte[0] ^ 1]))
            done = subprocess.run(tools_command(work, *words), capture_output=True, check=False)
            self.assertNotEqual(done.returncode, 0)
        done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

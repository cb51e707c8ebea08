# SPDX-License-Identifier: GPL-3.0-or-later
"""AP-3, AP-5, T-15, T-19: an image without a built-in key, booted from a stick on other hardware (USB medium, e1000e card, TPM). The first
manifest's key is enrolled by a person at the keyboard, and only by a person."""

import json
import os
import subprocess
import tempfile
import unittest

from support import boot_image
from support.emulator import Emulator
from support.sticks import Signer, manifest, read_back, signed_stick

BOOT_SECONDS_MAX = 420


class Enrolment(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ocu-sticks.", dir="/var/tmp")
        cls.signer = Signer(cls.folder, "ours")
        cls.stick = signed_stick(cls.folder, "first", manifest(1), cls.signer, public=cls.signer)
        cls.machine = Emulator(boot_image.image_without_key(), boot_image.variables(), medium="stick", card="e1000e", sticks=[cls.stick],
                               tpm=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.machine.stop()
        subprocess.run(["rm", "-rf", "--one-file-system", cls.folder], check=True)

    def picture(self, name):
        if folder := os.environ.get("OCU_BOOT_PICTURES"):
            self.machine.picture(os.path.join(folder, f"{name}.png"))

    def test_1_asks_before_it_trusts(self):
        self.machine.wait_for(r"^ocu: first root", BOOT_SECONDS_MAX)
        self.machine.wait_for(r"Press Enter", BOOT_SECONDS_MAX)
        self.picture("enrolment")
        self.assertNotIn("applied", self.machine.text())
        with self.assertRaises(AssertionError):
            read_back(self.stick, "report.json")

    def test_2_no_is_no(self):
        since = self.machine.mark()
        self.machine.send_keys("n", "o", "ret")
        self.machine.wait_for(r"^ocu: .*(declined|not trusted|refused)", 90, since)
        self.assertNotIn("READY", self.machine.text())

    def test_3_yes_on_the_screen_enrols_and_the_machine_serves(self):
        since = self.machine.mark()
        self.machine.plug_in(self.stick, "again")
        self.machine.wait_for(r"Press Enter", 90, since)
        # A yes counts once the question has been on the screen for two seconds; one that comes too early answers nothing.
        for _ in range(12):
            self.machine.send_keys("y", "e", "s", "ret")
            try:
                self.machine.wait_for(r"^ocu: manifest serial 1: ", 4, since)
                break
            except AssertionError:
                continue
        self.machine.wait_for(r"^ocu: manifest serial 1 applied", 180, since)
        self.machine.wait_for(r"^ocu: READY", BOOT_SECONDS_MAX, since)
        self.machine.wait_for(r"^ocu: report written", 60, since)
        report = json.loads(read_back(f"{self.machine.folder}/again.img", "report.json"))
        self.assertEqual(report["result"], "applied")
        self.assertEqual(report["vault_key"], "sealed to this machine's TPM")
        self.picture("enrolled")

    def test_4_shutdown_from_the_screen(self):
        since = self.machine.mark()
        self.machine.send_keys("s")
        self.machine.send_keys("y", "e", "s", "ret")
        self.machine.wait_for(r"^ocu: power off", 120, since)
        self.machine.wait_off(60)

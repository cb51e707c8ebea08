# SPDX-License-Identifier: GPL-3.0-or-later
"""AP-3, T-21: a machine whose battery was empty wakes in 2019, believes no moment before its manifest, and is put right, with its hardware
clock, by a time server that the manifest names (NTS, chrony). Both live in a network namespace that leads nowhere."""

import datetime
import json
import os
import subprocess
import tempfile
import time
import unittest

from support import boot_image
from support.appliance import new_key
from support.emulator import Emulator
from support.sticks import manifest, read_back, signed_stick

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NEIGHBOUR = "10.0.2.2"  # the namespace's loopback, as the machine sees it
SECONDS_MAX = 420
FLOOR = "2026-02-01T00:00:00Z"


class Clock(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ocu-clock.", dir="/var/tmp")
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", "--one-file-system", cls.folder], check=True)
        cls.namespace = f"ocu-clock-{os.getpid()}"
        subprocess.run(["ip", "netns", "add", cls.namespace], check=True)
        cls.addClassCleanup(subprocess.run, ["ip", "netns", "del", cls.namespace], check=True)
        subprocess.run(["ip", "-n", cls.namespace, "link", "set", "lo", "up"], check=True)
        subprocess.run([f"{ROOT}/tests/process/time/make_certificates", cls.folder], check=True)
        cls.serve_time()
        with open(f"{cls.folder}/authority.pem", encoding="utf-8") as file:
            authority = file.read()
        value = manifest(1, key=new_key(), network={"not_before": FLOOR, "time": [{"host": "ntp.test", "address": NEIGHBOUR, "ca": authority}]})
        cls.stick = signed_stick(cls.folder, "time", value, boot_image.signer())
        cls.machine = Emulator(boot_image.image(), boot_image.variables(), sticks=[cls.stick], namespace=cls.namespace,
                               clock="2019-02-03T04:05:06").start()
        cls.addClassCleanup(cls.machine.stop)

    @classmethod
    def serve_time(cls):
        chronyd = subprocess.run([f"{ROOT}/scripts/toolchain/chrony"], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
        conf = os.path.join(cls.folder, "chrony.conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(f"bindaddress 127.0.0.1\nallow 127.0.0.1\nlocal stratum 5\ncmdport 0\nbindcmdaddress /\nuser root\nntsprocesses 0\n"
                       f"pidfile {cls.folder}/pid\nntsserverkey {cls.folder}/good.key\nntsservercert {cls.folder}/good.pem\n")
        server = subprocess.Popen(["ip", "netns", "exec", cls.namespace, chronyd, "-d", "-x", "-f", conf], stderr=subprocess.DEVNULL)
        cls.addClassCleanup(lambda: (server.terminate(), server.wait()))

    def hardware_clock(self):
        said = self.machine.qmp("qom-get", path="/machine", property="rtc-time")
        return datetime.datetime(1900 + said["tm_year"], 1 + said["tm_mon"], said["tm_mday"], said["tm_hour"], said["tm_min"], said["tm_sec"])

    def test_1_machine_that_woke_in_the_past_serves_with_the_floor_s_date(self):
        self.assertEqual(self.hardware_clock().year, 2019)
        self.machine.wait_for(r"^ocu: READY", SECONDS_MAX)
        self.machine.wait_for(r"^ocu: report written", 60)
        report = json.loads(read_back(self.stick, "report.json"))
        self.assertEqual(report["result"], "applied")
        self.assertEqual(report["when"][:10], FLOOR[:10], report["when"])

    def test_2_authenticated_answer_sets_the_hardware_clock_too(self):
        end = time.monotonic() + 120
        while (far := abs(self.hardware_clock() - datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None))) > datetime.timedelta(seconds=5):
            self.assertLess(time.monotonic(), end, f"the hardware clock is {far} off:\n{self.machine.text()[-2000:]}")
            time.sleep(1)

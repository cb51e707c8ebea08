# SPDX-License-Identifier: GPL-3.0-or-later
"""AP-3: the manifest's network on a machine with three cards: the service on one of them by its own address, operators on a VLAN over a bond
of the other two, with fixed addresses of both families."""

import json
import subprocess
import tempfile
import unittest

from support import boot_image
from support.appliance import new_key
from support.emulator import Emulator
from support.sticks import manifest, read_back, signed_stick

SECONDS_MAX = 420
FIRST, SECOND, THIRD = "52:54:00:0c:0a:01", "52:54:00:0c:0a:02", "52:54:00:0c:0a:03"
INTERFACES = [
    {"name": "service", "mac": FIRST, "addresses": ["10.0.2.15/24"], "gateway": "10.0.2.2"},
    {"name": "desk", "role": "operator", "bond": [SECOND, THIRD], "vlan": 7, "addresses": ["192.0.2.5/24", "2001:db8:7::5/64"], "mtu": 1400},
]


def card(number, mac, model):
    return ["-netdev", f"user,id=net{number},restrict=on", "-device", f"{model},netdev=net{number},mac={mac},romfile="]


class Network(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ocu-network.", dir="/var/tmp")
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", "--one-file-system", cls.folder], check=True)
        cls.stick = signed_stick(cls.folder, "network", manifest(1, key=new_key(), network={"interfaces": INTERFACES}), boot_image.signer())
        cls.machine = Emulator(boot_image.image(), boot_image.variables(), sticks=[cls.stick], card="e1000e",
                               extra=[*card(2, SECOND, "virtio-net-pci"), *card(3, THIRD, "e1000")]).start()
        cls.addClassCleanup(cls.machine.stop)

    def test_cards_bond_vlan_and_fixed_addresses_are_as_the_manifest_says(self):
        self.machine.wait_for(r"^ocu: READY mcp=https://10\.0\.2\.15:8443/mcp", SECONDS_MAX)
        self.machine.wait_for(r"^ocu: report written", 60)
        report = json.loads(read_back(self.stick, "report.json"))
        have = {each["name"]: each for each in report["machine"]["interfaces"]}
        self.assertEqual(sorted(have), ["desk", "service"])
        self.assertEqual(have["service"]["addresses"], ["10.0.2.15/24"])
        self.assertEqual((have["desk"]["role"], sorted(have["desk"]["addresses"])), ("operator", ["192.0.2.5/24", "2001:db8:7::5/64"]))
        self.assertEqual([(each["carrier"], each["trouble"]) for each in have.values()], [(True, ""), (True, "")])
        self.assertEqual(sorted(each.split()[1] for each in report["machine"]["network_cards"]), [FIRST, SECOND, THIRD])

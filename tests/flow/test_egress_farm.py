# SPDX-License-Identifier: GPL-3.0-or-later
"""On bump, an upstream that is set up wrongly is refused before a byte of a request, with the word for what is wrong (EG-9)."""

import os
import unittest

from support import farm
from support.appliance import Appliance
from support.audit import find_events
from support.world import RESOLVER, World

WORDS = {
    "expired": "dates", "early": "dates", "other-name": "name", "parent-name": "name", "common-name": "name", "common-name-beside": "name",
    "partial": "name", "partial-end": "name", "deep.label": "name", "bare-wildcard": "name", "double-wildcard": "name", "address-name": "name",
    "self-signed": "chain", "stranger": "chain", "no-intermediate": "chain", "by-leaf": "chain", "outside-constraint": "chain",
    "for-clients": "chain", "short-rsa": "weak", "sha1": "weak", "sha1-intermediate": "weak",
}
GOOD = [name for name in farm.LEAVES if name.startswith("good")]
# Of a whole server: what it offers is not taken, or it asks for what nobody has.
BAD_PORTS = {4401: "protocol|grammar", 4402: "protocol|grammar", 4403: "grammar", 4404: "grammar", 4405: "grammar"}
GOOD_PORTS = (4406, 4407)


class Farm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World(servers=farm.__file__)
        cls.addClassCleanup(cls.world.remove)
        with open(f"{cls.world.folder}/farm/root.crt", encoding="ascii") as file:
            rules = [{"name": "farm", "hosts": ["*.farm.example"], "ports": [443, *farm.SERVERS], "rung": "bump"}]
            changes = {"egress": {"rules": rules, "ca_bundle": file.read()}, "network": {"dns": [RESOLVER]}}
        cls.appliance = Appliance(prefix=cls.world.enter, changes=changes).start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)

    def ask(self, places):
        """What curl in the guest got from each place, in order."""
        lines = " ".join(f"'https://{each}/mark-{each.split(':')[0]}'" for each in places)
        text = self.world.text_of(self.world.call(self.appliance, f"for u in {lines}; do curl -sS -i -m 20 $u 2>&1 | tr '\\r\\n' '  '; echo; done"))
        return dict(zip(places, text.splitlines()))

    def seen(self):
        with open(f"{self.world.folder}/seen", encoding="utf-8") as file:
            return file.read()

    def test_each_wrong_certificate_is_refused_with_its_word(self):
        self.assertEqual(set(WORDS) | set(GOOD), set(farm.LEAVES))
        answers = self.ask([f"{name}.farm.example" for name in WORDS])
        for name, word in WORDS.items():
            with self.subTest(name=name):
                self.assertIn("x-deny-reason: upstream_unverified", answers[f"{name}.farm.example"].lower())
                self.assertIn(f": {word} (", answers[f"{name}.farm.example"])
                self.assertNotIn(f"mark-{name}.farm", self.seen())
                self.assertTrue(find_events(self.appliance, lambda e, n=name: e["message"] == "egress_denied" and e.get("status_code") == "upstream_unverified"
                                            and e["unmapped"]["resource"] == f"{n}.farm.example:443", seconds=3))

    def test_good_ones_are_taken(self):
        answers = self.ask([f"{name}.farm.example" for name in GOOD])
        for name in GOOD:
            with self.subTest(name=name):
                self.assertIn("hello from farm", answers[f"{name}.farm.example"])
                self.assertIn(f"mark-{name}.farm", self.seen())

    def test_old_versions_weak_suites_and_a_demand_for_a_certificate_are_refused(self):
        answers = self.ask([f"x.farm.example:{port}" for port in (*BAD_PORTS, *GOOD_PORTS)])
        for port in BAD_PORTS:
            with self.subTest(port=port):
                # In TLS 1.3 a server says only after the handshake that it misses a certificate: then nothing but an error comes back.
                answer = answers[f"x.farm.example:{port}"]
                self.assertTrue("upstream_unverified" in answer or (port == 4405 and " 502 " in answer), answer)
        for port in GOOD_PORTS:
            self.assertIn(" 200 ", answers[f"x.farm.example:{port}"], port)


if __name__ == "__main__":
    os.umask(0o022)
    unittest.main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""An upstream that wants a client's certificate: reached only by who presents the session's token, with a key that never leaves custody
(EG-7, CU-2, T-12)."""

import json
import os
import sys
import unittest

from support import mutual_tls
from support.appliance import Appliance, wait_until
from support.audit import find_events
from support.world import PUBLIC, RESOLVER, World

PORT = 9443
RULES = [{"name": "bank", "hosts": ["api.example"], "ports": [PORT], "rung": "bump",
          "inject": {"credential": "bank", "as": "client_certificate", "header": "x-token", "environment": "BANK_TOKEN"}}]
URL = f"https://api.example:{PORT}"


class ClientCertificate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.remove)
        cls.identity = mutual_tls.ClientIdentity(cls.world.folder)
        cls.world.spawn([sys.executable, "-B", os.path.abspath(mutual_tls.__file__), PUBLIC, str(PORT), cls.world.folder])
        assert wait_until(lambda: os.path.exists(f"{cls.world.folder}/bank"), 15)
        cls.appliance = Appliance(prefix=cls.world.enter).start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)
        cls.appliance.stop()
        sealed = cls.appliance.sealed(cls.identity.pem)
        with open(cls.world.certificate, encoding="ascii") as file:
            cls.appliance.manifest.value["egress"] = {"rules": RULES, "ca_bundle": file.read()}
        cls.appliance.manifest.value["network"] = {"dns": [RESOLVER]}
        cls.appliance.manifest.value["credentials"] = [{"name": "bank", "kind": "client_certificate", "sealed": sealed}]
        cls.appliance.manifest.value["serial"] += 1
        cls.appliance.manifest.write()
        cls.appliance.start()

    def bash(self, command, chat="world"):
        return self.world.text_of(self.world.call(self.appliance, command, chat))

    def seen(self):
        with open(f"{self.world.folder}/bank", encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def test_with_the_token_the_bank_knows_who_comes_and_never_sees_the_token(self):
        text = self.bash(f'curl -sS -m 20 -H "X-Token: $BANK_TOKEN" "{URL}/one" "{URL}/two" 2>&1')
        self.assertEqual(text.count(f"the bank knows {mutual_tls.SUBJECT}"), 2, text)
        seen = [each for each in self.seen() if each["path"] in ("/one", "/two")]
        self.assertEqual([each["who"] for each in seen], [mutual_tls.SUBJECT] * 2)
        self.assertEqual(len({each["port"] for each in seen}), 1)  # one connection, and each of its requests had the token
        self.assertEqual({each["version"] for each in seen}, {"TLSv1.3"})
        self.assertNotIn("ocu-scoped", json.dumps(seen))
        self.assertNotIn("x-token", json.dumps(seen).lower())
        lent = find_events(self.appliance, lambda e: e["message"] == "lease_granted", seconds=5)
        self.assertIn("credential=bank rule=bank", lent[0]["unmapped"]["detail"])

    def test_without_the_token_nothing_reaches_the_bank(self):
        before = len(self.seen())
        other = self.bash("echo $BANK_TOKEN", "other").strip()
        for words in ("", "-H 'X-Token: ocu-scoped-guessed'", '-H "Authorization: Bearer $BANK_TOKEN"', f"-H 'X-Token: {other}'"):
            text = self.bash(f'curl -sS -m 20 -i {words} "{URL}/none" 2>&1')
            self.assertIn("x-deny-reason: scoped_token_missing", text, words)
        # Nor on a connection that has shown the certificate for another request.
        text = self.bash(f'curl -sS -m 20 -H "X-Token: $BANK_TOKEN" "{URL}/first" --next -sS -m 20 -i "{URL}/second" 2>&1')
        self.assertIn("the bank knows", text)
        self.assertIn("x-deny-reason: scoped_token_missing", text)
        self.assertEqual([each["path"] for each in self.seen()[before:]], ["/first"])

    def test_the_key_is_in_custody_and_nowhere_else(self):
        self.assertIn("the bank knows", self.bash(f'curl -sS -m 20 -H "X-Token: $BANK_TOKEN" "{URL}/key" 2>&1'))
        helpers = self.appliance.helpers()
        self.assertGreater(sum(self.identity.in_memory_of(pid) for pid in helpers["custody"]), 0)  # the search finds what is there
        self.assertTrue(helpers["edge"])
        for name, pids in {**helpers, "core": [self.appliance.pid]}.items():
            for pid in pids if name != "custody" else ():
                self.assertEqual(self.identity.in_memory_of(pid), 0, name)


class Refusals(unittest.TestCase):
    def test_a_credential_that_is_no_identity_is_refused_by_name(self):
        appliance = Appliance()
        self.addCleanup(appliance.remove)
        appliance.start().stop()
        appliance.manifest.value["egress"] = {"rules": RULES}
        appliance.manifest.value["credentials"] = [{"name": "bank", "kind": "client_certificate", "sealed": appliance.sealed("no certificate")}]
        appliance.manifest.value["serial"] += 1
        appliance.manifest.write()
        with self.assertRaisesRegex(AssertionError, r"manifest refused: credentials\[0\]\.sealed: is not a private key in PEM"):
            appliance.start()

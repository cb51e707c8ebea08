# SPDX-License-Identifier: GPL-3.0-or-later
"""A credential is redeemed over a real bumped connection: the upstream gets it, the guest never does, whatever the upstream does with it
(EG-7, CU-2, T-12)."""

import json
import unittest

from support import lender
from support.appliance import Appliance
from support.audit import find_events
from support.world import RESOLVER, World

SECRET = "upstream-secret-4711"
RULE = {"name": "api", "hosts": ["api.example"], "rung": "bump", "inject": {"credential": "key", "environment": "API_TOKEN"}}


class Redeeming(unittest.TestCase):
    tier = "runc"

    @classmethod
    def setUpClass(cls):
        cls.world = World(servers=lender.__file__)
        cls.addClassCleanup(cls.world.remove)
        cls.appliance = Appliance(tier=cls.tier, prefix=cls.world.enter, changes={"network": {"dns": [RESOLVER]}}).start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)
        with open(cls.world.certificate, encoding="ascii") as file:
            cls.appliance.restart_with_credential("key", SECRET, egress={"rules": [RULE], "ca_bundle": file.read()})

    def bash(self, command, chat="one"):
        return self.world.text_of(self.world.call(self.appliance, command, chat))

    def curl(self, path, words='-H "Authorization: Bearer $API_TOKEN"', chat="one"):
        return self.bash(f"curl -sS -i -m 15 --raw {words} https://api.example{path} 2>&1", chat)

    def heads(self, path):
        return [each["head"] for each in self.world.seen() if each.get("path") == path]

    def test_the_upstream_gets_the_credential_and_the_guest_does_not(self):
        self.assertIn("hello from the lender", self.curl("/plain"))
        self.assertIn(f"Authorization: Bearer {SECRET}\r\n", self.heads("/plain")[0])
        self.assertNotIn("ocu-scoped-", json.dumps(self.world.seen()))
        granted = find_events(self.appliance, lambda e: e["message"] == "lease_granted", seconds=3)
        self.assertTrue(granted)
        self.assertNotIn(SECRET, json.dumps(granted))
        self.assertEqual(self.bash(f"env | grep -c {SECRET}; cat /proc/[0-9]*/environ 2>/dev/null | grep -c {SECRET}; true").split(), ["0", "0"])

    def test_what_an_upstream_reflects_is_stripped(self):
        for path in ("/header", "/body", "/json", "/redirect", "/trailer", "/base64", "/percent", "/cookie", "/error", "/slowly"):
            with self.subTest(path=path):
                text = self.curl(path)
                self.assertTrue(self.heads(path), text)
                self.assertIn(SECRET, self.heads(path)[0])
                for form in lender.forms(SECRET):
                    self.assertNotIn(form, text)
        self.assertIn("protocol_denied", self.curl("/compressed"))

    def test_following_the_redirect_takes_nothing_along(self):
        text = self.bash('curl -sS -L -m 15 -H "Authorization: Bearer $API_TOKEN" https://api.example/redirect 2>&1')
        self.assertNotIn(SECRET, text)

    def test_without_the_sessions_own_token_nothing_goes_out(self):
        mine, other = self.bash("echo $API_TOKEN").strip(), self.bash("echo $API_TOKEN", chat="two").strip()
        self.assertNotEqual(mine, other)
        for name, words in (("none", ""), ("other", f'-H "Authorization: Bearer {other}"'), ("made-up", '-H "Authorization: Bearer ocu-scoped-AAAA"'),
                            ("known", f'-H "Authorization: Bearer {SECRET}"'), ("elsewhere", '-H "X-Key: $API_TOKEN"')):
            with self.subTest(name=name):
                self.assertIn("x-deny-reason: scoped_token_missing", self.curl(f"/refused-{name}", words).lower())
                self.assertEqual(self.heads(f"/refused-{name}"), [])
        self.assertIn("hello from the lender", self.curl("/two", chat="two"))


class RedeemingOnGvisor(Redeeming):
    tier = "gvisor"

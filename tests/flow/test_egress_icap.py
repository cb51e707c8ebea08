# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and answers are shown to a real ICAP server, which lets them through, refuses and changes them; without it nothing goes (EG-11)."""

import hashlib
import unittest

from support import lender
from support.appliance import Appliance, wait_until
from support.audit import find_events
from support.icap import Icap, forget_shared_memory, shared_memory
from support.world import INTERNAL, RESOLVER, World

SECRET = "upstream-secret-4711"
LARGE = hashlib.sha256(b"0123456789abcdef" * (4 << 16)).hexdigest()


def rules(icap):
    """The first that fits decides: paths tell the services apart."""
    def rule(name, request, response, **more):
        shown = {side: icap.url(service) for side, service in (("request", request), ("response", response)) if service}
        return {"name": name, "hosts": ["api.example"], "rung": "bump", "paths": [f"/{name}*"], "icap": shown, **more}
    lent = {"inject": {"credential": "key", "environment": "API_TOKEN"}}
    return [rule("closed", "url_check", None), rule("open", "url_check", None), rule("say", None, "content"), rule("large", "echo", "echo"),
            rule("body", "echo", "echo", **lent), rule("nobody", "no-such-service", None), rule("answers", None, "no-such-service")]


class Shown(unittest.TestCase):
    tier = "runc"

    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(forget_shared_memory, shared_memory())  # after the world is gone
        cls.world = World(servers=lender.__file__)
        cls.addClassCleanup(cls.world.remove)
        cls.icap = Icap(cls.world, INTERNAL)
        cls.appliance = Appliance(tier=cls.tier, prefix=cls.world.enter, changes={"network": {"dns": [RESOLVER]}}).start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)
        with open(cls.world.certificate, encoding="ascii") as file:
            egress = {"rules": rules(cls.icap), "ca_bundle": file.read()}
        cls.icap.start()
        cls.appliance.restart_with_credential("key", SECRET, egress=egress)

    def bash(self, command):
        return self.world.text_of(self.world.call(self.appliance, command))

    def curl(self, path, words=""):
        return self.bash(f"curl -sS -i -m 30 {words} 'https://api.example{path}' 2>&1")

    def arrived(self, path):
        return [each["head"] for each in self.world.seen() if each.get("path") == path]

    def done(self, path, reason):
        """A record of that request, ended for that reason."""
        self.assertTrue(find_events(self.appliance, lambda e: e["message"] == "http_request" and path in e["unmapped"]["detail"]
                                    and e.get("status_code") == reason, seconds=5), f"no record of {path} refused as {reason}")

    def test_what_the_server_lets_through_arrives(self):
        self.assertIn("hello from the lender", self.curl("/open"))
        self.assertIn("REQMOD 204 https://api.example/open", self.icap.log())

    def test_what_the_server_refuses_never_reaches_the_upstream(self):
        self.assertIn("x-deny-reason: icap_denied", self.curl("/closed").lower())
        self.assertEqual(self.arrived("/closed"), [])
        self.done("/closed", "icap_denied")

    def test_an_answer_is_looked_at_refused_and_changed(self):
        self.assertIn("a fine day", self.curl("/say?a%20fine%20day"))
        text = self.curl("/say?some%20forbidden%20words%20here")
        self.assertIn("x-deny-reason: icap_denied", text.lower())
        self.assertNotIn("forbidden words", text)
        self.done("/say", "icap_denied")
        text = self.curl("/say?a%20rude%20answer")
        self.assertIn("a kind answer", text)
        self.assertNotIn("rude", text)

    def test_large_bodies_stream_through_it_both_ways(self):
        self.assertIn(LARGE, self.bash("curl -sS -m 60 https://api.example/large | sha256sum"))
        text = self.bash("head -c 5000000 /dev/zero > /tmp/z; curl -sS -m 60 -H 'Expect:' --data-binary @/tmp/z https://api.example/large-upload; sha256sum < /tmp/z")
        said, own = text.split()[:2]
        self.assertEqual(said, own)

    def test_the_server_sees_the_sessions_token_and_never_the_credential(self):
        text = self.curl("/body", '-H "Authorization: Bearer $API_TOKEN"')
        self.assertNotIn(SECRET, text)
        self.assertIn("[redacted]", text)
        self.assertIn(f"Authorization: Bearer {SECRET}\r\n", self.arrived("/body")[0])
        self.assertIn("Bearer ocu-scoped-", self.icap.log())
        self.assertNotIn(SECRET, self.icap.log())

    def test_a_service_that_is_not_there_refuses(self):
        self.assertIn("x-deny-reason: icap_unavailable", self.curl("/nobody").lower())
        self.assertEqual(self.arrived("/nobody"), [])
        text = self.curl("/answers")
        self.assertIn("x-deny-reason: icap_unavailable", text.lower())
        self.assertNotIn("hello from the lender", text)
        self.done("/answers", "icap_unavailable")

    def test_zz_without_the_server_nothing_goes(self):
        self.assertIn("hello from the lender", self.curl("/open-before"))
        self.icap.kill()
        self.assertIn("x-deny-reason: icap_unavailable", self.curl("/open-after").lower())
        self.assertEqual(self.arrived("/open-after"), [])
        self.assertNotIn("0123456789abcdef", self.curl("/large"))
        self.done("/open-after", "icap_unavailable")
        self.icap.start()
        self.assertTrue(wait_until(lambda: "hello from the lender" in self.curl("/open-again"), 10, 0.5))


class ShownOnGvisor(Shown):
    tier = "gvisor"

# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything goes out by the customer's proxy, a real squid, and by nothing else: also when it refuses, and when it is gone (EG-9, EG-12)."""

import unittest

from support.appliance import Appliance, run_binary, wait_until
from support.audit import find_events
from support.case import on_gvisor
from support.chained import PORT, Squid
from support.world import INTERNAL, OTHER, PUBLIC, RESOLVER, World

NOBODY = "203.0.113.99"
DIRECT = ("198.51.100.2", "fd77::2")  # the appliance's own addresses: what a server sees that was dialled without the proxy
RULES = [
    {"name": "site", "hosts": ["allowed.example"], "ports": [80, 81, 443]},
    {"name": "mail", "hosts": ["echo.example"], "ports": [2525]},
    {"name": "api", "hosts": ["api.example"], "ports": [443], "rung": "bump", "methods": ["GET"]},
    {"name": "closed", "hosts": ["other.example"], "ports": [80, 443]},
    {"name": "numeric", "addresses": [INTERNAL], "ports": [8443]},
]


class ByAddress(unittest.TestCase):
    tier = "runc"
    resolver = RESOLVER
    proxy = {"host": INTERNAL, "port": PORT}
    named = {"allowed.example": PUBLIC, "api.example": PUBLIC, "echo.example": PUBLIC, "other.example": OTHER}

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.squid = Squid(cls.world, INTERNAL, RESOLVER, closed=OTHER, closed_name="other.example")
        cls.addClassCleanup(cls.squid.remove)
        cls.addClassCleanup(cls.world.remove)
        with open(cls.world.certificate, encoding="ascii") as file:
            egress = {"rules": RULES, "ca_bundle": file.read(), "chained_proxy": cls.proxy, "contact": "the shift"}
        cls.squid.start()
        cls.appliance = Appliance(tier=cls.tier, prefix=cls.world.enter, changes={"egress": egress, "network": {"dns": [cls.resolver]}}).start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)

    def setUp(self):
        self.before = len(self.squid.log())

    def bash(self, command):
        return self.world.text_of(self.world.call(self.appliance, command))

    def curl(self, words, url):
        return self.bash(f"curl -sS -i -m 20 {words} '{url}' 2>&1; echo; echo code=$?")

    def reached(self, words, url):
        self.assertIn("hello from the world", self.curl(words, url))

    def by_squid(self, name, port, status=200):
        """Squid's log has this test's connections to there, as the setting says that it is told them."""
        wanted = (f"{self.named[name]}:{port}", status)
        self.assertTrue(wait_until(lambda: wanted in self.squid.log()[self.before:], 10), (wanted, self.squid.log()[self.before:]))

    def arrived(self, path):
        found = [each for each in self.world.seen() if each.get("path") == path]
        for each in found:
            self.assertNotIn(each["client"], DIRECT)
        return found

    def closed(self, destination, words):
        found = find_events(self.appliance, lambda e: e["message"] == "egress_closed" and e["unmapped"]["resource"] == destination
                            and words in e["unmapped"]["detail"], seconds=5)
        self.assertTrue(found, f"no record of {destination} with {words}")
        return found[0]

    def test_tls_passes_through_unseen(self):
        self.reached("-k", "https://allowed.example/passes")
        self.assertEqual(len(self.arrived("/passes")), 1)
        self.by_squid("allowed.example", 443)
        self.closed("allowed.example:443", f"proxy={INTERNAL}:{PORT}")

    def test_tls_is_ended_here_and_made_anew(self):
        self.reached("", "https://api.example/ended")
        self.assertIn("x-deny-reason: method_denied", self.curl("-X POST -d x", "https://api.example/posted").lower())
        self.assertEqual(len(self.arrived("/ended")), 1)
        self.assertEqual(self.arrived("/posted"), [])
        self.by_squid("api.example", 443)

    def test_plain_http_goes_by_a_tunnel_too(self):
        self.reached("", "http://allowed.example/plain")
        self.assertEqual(len(self.arrived("/plain")), 1)
        self.by_squid("allowed.example", 80)

    def test_a_program_with_proxy_variables_of_its_own(self):
        self.reached("-k -x http://100.64.0.1:3128", "https://allowed.example/asked")
        self.assertEqual(len(self.arrived("/asked")), 1)

    def test_a_server_that_speaks_first_loses_no_byte(self):
        # Not with half an end: squid closes both ways then.
        text = self.bash("""python3 - <<'PY'
import socket
for i in range(20):
    with socket.create_connection(('echo.example', 2525), 15) as s:
        file = s.makefile('rwb', 0)
        first = file.readline(); file.write(b'hello\\n'); second = file.readline()
        if (first, second) != (b'220 ready\\n', b'hello\\n'): print(i, first, second)
print('all read')
PY""")
        self.assertEqual(text.strip(), "all read")
        self.by_squid("echo.example", 2525)

    def test_a_large_answer_arrives_whole(self):
        text = self.bash("curl -k -sS -m 60 https://allowed.example/large | sha256sum; head -c 8388608 /dev/zero | tr '\\0' a | sha256sum")
        one, other = text.splitlines()
        self.assertEqual(one, other)

    def test_an_address_is_told_as_it_is(self):
        self.reached("-k", f"https://{INTERNAL}:8443/numeric")
        self.assertTrue(wait_until(lambda: (f"{INTERNAL}:8443", 200) in self.squid.log()[self.before:], 10))

    def test_what_no_rule_allows_is_not_asked_of_the_proxy(self):
        self.assertIn("x-deny-reason: port_denied", self.curl("", "http://echo.example/").lower())
        self.assertIn("x-deny-reason: not_allowed", self.curl("", f"http://{OTHER}/").lower())
        self.assertEqual([row for row in self.squid.log()[self.before:] if row[0].startswith(("echo.example:80", f"{OTHER}:80"))], [])

    def test_what_the_proxy_refuses_is_said_to_be_its_refusal(self):
        text = self.curl("", "http://other.example/refused")
        self.assertIn("HTTP/1.1 403", text)
        self.assertIn("x-deny-reason: not_allowed", text.lower())
        self.assertIn("refused by the proxy", text)
        self.assertIn('"ask":"the shift"', text)
        self.assertNotIn("needed", text)
        self.assertNotIn("hello", self.curl("-k", "https://other.example/refused"))
        self.assertEqual(self.arrived("/refused"), [])
        self.by_squid("other.example", 80, 403)
        self.closed("other.example:80", "why=proxy_refused status=403")
        found = find_events(self.appliance, lambda e: e["message"] == "egress_denied" and e["unmapped"]["resource"] == "other.example:80"
                            and e.get("status_code") == "not_allowed", seconds=5)
        self.assertIn(f"step=the proxy {INTERNAL}:{PORT} refuses it: 403", found[0]["unmapped"]["detail"])

    def test_what_the_proxy_cannot_reach_is_a_502(self):
        text = self.curl("", "http://allowed.example:81/nothing-there")
        self.assertIn("HTTP/1.1 502", text)
        self.assertNotIn("x-deny-reason", text.lower())
        self.assertIn("the proxy by which", text)
        self.closed("allowed.example:81", "why=proxy_refused status=503")

    def test_an_operator_is_told_the_way(self):
        answer = self.appliance.ctl("egress", "test", "https://allowed.example/")
        way = next(each["words"] for each in answer["steps"] if each["topic"] == "way")
        self.assertIn(f"by the proxy {INTERNAL}:{PORT}, which is told the address", way)
        text = run_binary("manifest", "explain", self.appliance.manifest.path).stdout
        self.assertIn(f"Everything goes out by the proxy {INTERNAL}:{PORT}", text)

    def test_zz_without_the_proxy_nothing_goes(self):
        self.squid.kill()
        text = self.curl("", "http://allowed.example/without")
        self.assertIn("HTTP/1.1 502", text)
        for words, url in (("-k", "https://allowed.example/without"), ("", "https://api.example/without"), ("-k", f"https://{INTERNAL}:8443/without")):
            self.assertNotIn("hello", self.curl(words, url))
        self.assertEqual(self.arrived("/without"), [])
        self.closed("allowed.example:80", "why=proxy_unreachable")
        # It would have been reached from where the appliance is.
        self.squid.start()
        self.assertTrue(wait_until(lambda: "hello" in self.curl("", "http://allowed.example/again"), 10, 0.5))
        self.assertEqual([each for each in self.world.seen() if each.get("client") in DIRECT], [])


class ByName(ByAddress):
    """The same, and no resolver that answers: names are the proxy's."""

    resolver = NOBODY
    proxy = {"host": INTERNAL, "port": PORT, "names": "proxy"}
    named = {name: name for name in ByAddress.named}

    def test_an_operator_is_told_the_way(self):
        answer = self.appliance.ctl("egress", "test", "https://allowed.example/")
        way = next(each["words"] for each in answer["steps"] if each["topic"] == "way")
        self.assertIn("is told the name", way)
        self.assertIn("not judged", way)


ByAddressOnGvisor = on_gvisor(ByAddress)
ByNameOnGvisor = on_gvisor(ByName)

if __name__ == "__main__":
    unittest.main()

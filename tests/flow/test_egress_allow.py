# SPDX-License-Identifier: GPL-3.0-or-later
"""Flow F8 with rules: what they name is reached as if it were plain internet, and nothing else is (EG-1 to EG-6, EG-12, T-05, T-17)."""

import hashlib
import os
import signal
import ssl
import time
import unittest

from support.appliance import Appliance, wait_until
from support.audit import find_events
from support.case import on_gvisor
from support.world import INTERNAL, OTHER, PUBLIC, PUBLIC6, RESOLVER, World

RULES = [
    {"name": "site", "hosts": ["allowed.example", "rebinding.example"], "ports": [443]},
    {"name": "mail", "hosts": ["echo.example"], "ports": [2525]},
    {"name": "inside", "hosts": ["internal.example"], "addresses": ["203.0.113.0/24"], "ports": [443]},
    {"name": "api", "hosts": ["api.example", "wrong.example"], "ports": [80, 443], "rung": "bump", "methods": ["GET"], "paths": ["/v1/*"]},
    {"name": "numeric", "addresses": ["93.184.216.35"], "ports": [8443]},
]
PROXY = "http://100.64.0.1:3128"


class EgressAllow(unittest.TestCase):
    tier = "runc"

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.remove)
        with open(cls.world.certificate, encoding="ascii") as file:
            changes = {"egress": {"rules": RULES, "ca_bundle": file.read()}, "network": {"dns": [RESOLVER]}}
        cls.appliance = Appliance(tier=cls.tier, prefix=cls.world.enter, changes=changes).start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)

    def bash(self, command):
        return self.world.text_of(self.world.call(self.appliance, command))

    def curl(self, words, url):
        """Exit code and output of curl in the guest."""
        text = self.bash(f"curl -k -sS -m 10 {words} '{url}' 2>&1; echo; echo code=$?")
        return text

    def reached(self, words, url="https://allowed.example/"):
        self.assertIn("hello from the world", self.curl(words, url))

    def refused(self, words, url, reason=None):
        before = time.monotonic()
        text = self.curl(words, url)
        self.assertNotIn("hello from the world", text)
        self.assertLess(time.monotonic() - before, 9, text)
        if reason:
            self.assertIn(reason, text)
        return text

    def denied(self, destination, reason):
        found = find_events(self.appliance, lambda e: e["message"] == "egress_denied" and e["unmapped"]["resource"] == destination
                            and e.get("status_code") == reason, seconds=5)
        self.assertTrue(found, f"no record of {destination} refused as {reason}")

    def test_an_allowed_host_is_reached_with_its_own_certificate(self):
        self.reached("")
        with open(self.world.certificate, encoding="ascii") as file:
            own = hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()
        text = self.bash("""python3 - <<'PY'
import hashlib, socket, ssl
context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
with socket.create_connection(('allowed.example', 443), 10) as plain, context.wrap_socket(plain, server_hostname='allowed.example') as tls:
    print(hashlib.sha256(tls.getpeercert(True)).hexdigest())
PY""")
        self.assertEqual(text.strip(), own)
        opened = find_events(self.appliance, lambda e: e["message"] == "egress_opened" and e["unmapped"]["resource"] == "allowed.example:443", seconds=5)
        self.assertIn("rule=site handling=splice", opened[0]["unmapped"]["detail"])
        closed = find_events(self.appliance, lambda e: e["message"] == "egress_closed" and e["unmapped"]["resource"] == "allowed.example:443", seconds=5)
        self.assertGreater(closed[0]["traffic"]["bytes"], 500)

    def test_a_large_answer_arrives_whole(self):
        self.assertIn(str(8 << 20), self.curl("-o /dev/null -w '%{size_download}'", "https://allowed.example/large"))

    def test_what_a_session_moved_is_metered_when_it_ends(self):
        answer = self.world.text_of(self.world.call(
            self.appliance, "curl -k -sS -m 10 -o /dev/null -w '%{size_download}' https://allowed.example/large", chat="metered"))
        self.assertIn(str(8 << 20), answer)
        session = next(each["id"] for each in self.appliance.ctl("sessions")["sessions"] if each["chat"] == "metered")
        self.appliance.ctl("kill", session)
        number = session.removeprefix("s-")
        told = find_events(self.appliance, lambda e: e["message"] == "session_metered" and e["unmapped"]["session"] == number, seconds=10)
        words = dict(each.split("=", 1) for each in told[0]["unmapped"]["detail"].split(" "))
        closed = find_events(self.appliance, lambda e: e["message"] == "egress_closed" and e["unmapped"]["session"] == number)
        self.assertEqual(words["unread"], "-")
        self.assertEqual(int(words["egress_up"]) + int(words["egress_down"]), sum(each["unmapped"]["bytes"] for each in closed))
        self.assertGreater(int(words["egress_down"]), 8 << 20)
        self.assertGreater(int(words["egress_up"]), 200)

    def test_both_families_stand_for_the_name(self):
        self.reached("-4")
        self.reached("-6")

    def test_a_server_that_speaks_first_and_half_an_end(self):
        text = self.bash("""python3 - <<'PY'
import socket
s = socket.create_connection(('echo.example', 2525), 10)
print(s.recv(100)); s.sendall(b'x' * 100000); s.shutdown(socket.SHUT_WR)
got = b''
while data := s.recv(65536): got += data
print(len(got), got[-4:])
PY""")
        self.assertEqual(text.split("\n")[:2], ["b'220 ready\\n'", "100004 b'bye\\n'"])

    def test_an_internal_network_is_reached_where_a_rule_names_it(self):
        self.reached("", "https://internal.example/")
        self.reached("", f"https://{OTHER}:8443/")

    def test_another_host_port_or_address_is_refused(self):
        self.refused("", "https://other.example/", "Could not resolve")
        self.refused("", "https://allowed.example:8443/")
        self.denied("allowed.example:8443", "port_denied")
        self.refused("", f"https://{PUBLIC}/")
        self.denied(f"{PUBLIC}:443", "not_allowed")
        self.refused("", f"https://{INTERNAL}/")
        self.denied(f"{INTERNAL}:443", "no_sni")  # a rule has it, for a name
        self.refused("", "https://10.1.2.3/")
        self.denied("10.1.2.3:443", "address_denied")
        self.refused("", f"https://[{PUBLIC6}]/")
        self.denied(f"[{PUBLIC6}]:443", "not_allowed")
        self.refused("", "http://allowed.example/", "port_denied")

    def test_what_the_guest_says_a_name_resolves_to_is_not_used(self):
        self.refused(f"--resolve allowed.example:443:{OTHER}", "https://allowed.example/")
        self.denied(f"{OTHER}:443", "name_mismatch")

    def test_a_name_that_resolves_to_a_closed_address_is_refused(self):
        self.refused("", "https://rebinding.example/")
        self.denied("rebinding.example:443", "address_denied")

    def test_no_name_and_another_name_inside_are_refused(self):
        text = self.bash("""python3 - <<'PY'
import socket, ssl
context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
for name in (None, 'other.example'):
    try:
        with socket.create_connection(('allowed.example', 443), 10) as plain, context.wrap_socket(plain, server_hostname=name): print('REACHED')
    except OSError as error: print('REFUSED')
PY""")
        self.assertEqual(text.split(), ["REFUSED"] * 2)
        self.denied("allowed.example:443", "no_sni")
        self.denied("allowed.example:443", "name_mismatch")

    def test_a_proxy_serves_what_rules_allow(self):
        self.reached(f"-x {PROXY}")
        self.refused(f"-x {PROXY}", "https://other.example/", "403")
        text = self.bash(f"curl -sS -k -v -m 10 -x {PROXY} https://other.example/ 2>&1")
        self.assertIn("x-deny-reason: not_allowed", text)
        text = self.bash(f"curl -sS -k -v -m 10 -x {PROXY} https://allowed.example:8443/ 2>&1")
        self.assertIn("x-deny-reason: port_denied", text)
        text = self.bash(f"curl -sS -i -m 10 -x {PROXY} http://other.example/ 2>&1")
        self.assertIn("x-deny-reason: not_allowed", text)
        text = self.bash(f"curl -sS -i -m 10 {PROXY}/ 2>&1")
        self.assertIn("x-deny-reason: protocol_denied", text)

    def test_no_query_leaves_for_a_name_that_no_rule_names(self):
        self.bash("getent hosts never.example; getent hosts a.allowed.example; getent ahosts allowed.example; curl -k -s -m 5 https://allowed.example/")
        asked = self.world.asked_names()
        self.assertIn("allowed.example", asked)
        self.assertEqual(asked - {"allowed.example", "echo.example", "internal.example", "rebinding.example", "api.example", "wrong.example"}, set())

    def test_names_have_no_records_but_addresses(self):
        text = self.bash("""python3 - <<'PY'
import socket, struct
for name, kind in (('allowed.example', 1), ('allowed.example', 28), ('allowed.example', 65), ('allowed.example', 16), ('never.example', 1)):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3); s.connect(('100.64.0.1', 53))
    s.send(b'\\x00\\x07\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00' + b''.join(bytes([len(x)]) + x.encode() for x in name.split('.')) + b'\\x00' + struct.pack('>HH', kind, 1))
    r = s.recv(512); print(r[3] & 15, r[7])
PY""")
        self.assertEqual(text.split("\n")[:5], ["0 1", "0 1", "0 0", "0 0", "3 0"])

    def test_requests_are_looked_at_where_a_rule_says_so(self):
        for url in ("https://api.example", "http://api.example"):
            with self.subTest(url=url):
                self.assertIn("hello from the world", self.bash(f"curl -sS -m 10 {url}/v1/x?key=hidden 2>&1"))  # trusts what it is shown
                self.assertIn("x-deny-reason: path_denied", self.bash(f"curl -sS -i -m 10 {url}/admin 2>&1").lower())
                self.assertIn("x-deny-reason: method_denied", self.bash(f"curl -sS -i -m 10 -d x {url}/v1/x 2>&1").lower())
        done = find_events(self.appliance, lambda e: e["message"] == "http_request" and e["http_request"]["url"]["hostname"] == "api.example", seconds=5)
        self.assertEqual({(e["http_request"]["http_method"], e["http_request"]["url"]["path"], e["http_response"]["code"]) for e in done}, {("GET", "/v1/x", 200)})
        self.assertNotIn("hidden", str([e for e in find_events(self.appliance, lambda e: e["class_uid"] // 1000 == 4, seconds=1)]))
        self.assertIn("upstream_unverified", self.bash("curl -sS -i -m 10 https://wrong.example/v1/x 2>&1"))
        self.denied("wrong.example:443", "upstream_unverified")

    def test_kill_severs_a_running_download_at_once(self):
        before = {each["id"] for each in self.appliance.ctl("sessions")["sessions"]}
        call = self.world.call(self.appliance, "curl -k -s -m 60 -o /dev/null https://allowed.example/endless", chat="to-be-killed")
        self.assertTrue(wait_until(lambda: any(each.get("path") == "/endless" for each in self.world.seen()), 20))
        session = next(each["id"] for each in self.appliance.ctl("sessions")["sessions"] if each["id"] not in before)
        killed = time.monotonic()
        self.appliance.ctl("kill", session)
        self.assertTrue(wait_until(lambda: any(each["kind"] == "endless over" for each in self.world.seen()), 5))
        over = next(each for each in self.world.seen() if each["kind"] == "endless over")
        self.assertLess(over["at"] - killed, 1.0)
        self.world.text_of(call)
        found = find_events(self.appliance, lambda e: e["message"] == "egress_closed" and e.get("status_code") == "session_denied", seconds=5)
        self.assertTrue(found)

    def test_a_helper_that_dies_ends_its_connections_and_is_started_again(self):
        self.reached("")
        pids = self.appliance.helpers()["edge"]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.assertTrue(wait_until(lambda: not set(pids) & set(self.appliance.helpers().get("edge", [])), 5))
        self.reached("--retry 3 --retry-all-errors")
        self.assertTrue(find_events(self.appliance, lambda e: e["message"] == "helper_death" and "edge" in str(e["unmapped"]["resource"]), seconds=5))

    def test_a_session_that_says_nothing_has_no_process(self):
        before = len(self.appliance.helpers().get("edge", []))
        self.world.text_of(self.world.call(self.appliance, "true", chat="quiet"))
        self.assertEqual(len(self.appliance.helpers().get("edge", [])), before)


EgressAllowOnGvisor = on_gvisor(EgressAllow)

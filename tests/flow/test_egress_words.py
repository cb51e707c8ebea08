# SPDX-License-Identifier: GPL-3.0-or-later
"""Flow F8, in words: what an operator is told beforehand (`ctl egress test`), what a refused program reads, and DNS over TCP (EG-3, EG-4, EG-6, CT-6)."""

import json
import unittest

from support.appliance import Appliance, run_binary
from support.audit import find_events
from support.world import RESOLVER, World

RULES = [
    {"name": "site", "hosts": ["allowed.example", "rebinding.example"], "ports": [443], "budget": {"session_mib": 4}},
    {"name": "api", "hosts": ["api.example"], "ports": [443], "rung": "bump", "methods": ["GET"], "paths": ["/v1/*"]},
    {"name": "registry", "hosts": ["other.example"], "ports": [80, 443], "rung": "bump"},
]
CONTACT = "the shift, shift@corp.example"
DNS = """python3 - <<'PY'
import socket, struct
def question(name, kind):
    words = b''.join(bytes([len(x)]) + x.encode() for x in name.split('.'))
    body = b'\\x00\\x07\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00' + words + b'\\x00' + struct.pack('>HH', kind, 1)
    return struct.pack('>H', len(body)) + body
def answer(s):
    data = b''
    while len(data) < 2 or len(data) < 2 + struct.unpack('>H', data[:2])[0]:
        more = s.recv(1 if len(data) < 2 else 2 + struct.unpack('>H', data[:2])[0] - len(data))
        if not more: return 'closed'
        data += more
    return f'{data[5] & 15} {data[9]}'
for family, address in ((socket.AF_INET, '100.64.0.1'),):
    s = socket.create_connection((address, 53), 5)
    both = question('allowed.example', 1) + question('never.example', 1)
    s.sendall(both[:7]); s.sendall(both[7:])
    print(sorted([answer(s), answer(s)]))
    s.sendall(b'\\xff\\xff' + b'x' * 100)
    try: print(answer(s))
    except ConnectionError: print('closed')
PY"""


class EgressWords(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.remove)
        with open(cls.world.certificate, encoding="ascii") as file:
            changes = {"egress": {"rules": RULES, "ca_bundle": file.read(), "contact": CONTACT}, "network": {"dns": [RESOLVER]}}
        cls.appliance = Appliance(prefix=cls.world.enter, changes=changes).start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)

    def bash(self, command):
        return self.world.text_of(self.world.call(self.appliance, command))

    def ask(self, *words, expect=0):
        return self.appliance.ctl("egress", "test", *words, expect=expect)

    @staticmethod
    def words(answer, topic):
        return "\n".join(each["words"] for each in answer["steps"] if each["topic"] == topic)

    def test_what_is_allowed_is_explained_and_not_dialled(self):
        before = len(self.world.seen())
        answer = self.ask("https://allowed.example/x")
        self.assertEqual((answer["verdict"], answer["rule"], answer["recorded"]), ("allowed", "site", True))
        self.assertIn("93.184.216.34 (public): may be dialled", self.words(answer, "address"))
        self.assertIn("passes through unseen", self.words(answer, "rung"))
        self.assertEqual(len(self.world.seen()), before)
        found = find_events(self.appliance, lambda e: e["message"] == "operator_action" and "egress-test https allowed.example 443 GET /x"
                            in e["unmapped"]["detail"], seconds=5)
        self.assertTrue(found)
        text = run_binary("ctl", "--socket", self.appliance.operator_socket, "egress", "test", "https://allowed.example/x")
        self.assertEqual(text.returncode, 0)
        self.assertTrue(text.stdout.endswith("ALLOWED by rule site\n"), text.stdout)

    def test_what_is_denied_says_what_a_rule_would_need_and_asks_nobody(self):
        answer = self.ask("https://never.example:8443/", expect=1)
        self.assertEqual((answer["verdict"], answer["reason"]), ("denied", "not_allowed"))
        self.assertEqual(answer["needed"], {"name": "NAME", "hosts": ["never.example"], "ports": [8443]})
        self.assertNotIn("never.example", self.world.asked_names())
        self.assertEqual(self.ask("https://rebinding.example/", expect=1)["reason"], "address_denied")
        self.assertEqual(self.ask("https://api.example/admin", expect=1)["reason"], "path_denied")
        self.assertEqual(self.ask("https://api.example/v1/x", "--method", "DELETE", expect=1)["reason"], "method_denied")
        text = run_binary("ctl", "--socket", self.appliance.operator_socket, "egress", "test", "https://never.example/")
        self.assertEqual(text.returncode, 1)
        self.assertIn('DENIED (not_allowed)\nWhat egress.rules of the manifest would need, as a rule or within one:\n  {"name":"NAME"', text.stdout)

    def test_a_session_counts(self):
        self.bash("curl -k -s -m 10 -o /dev/null https://allowed.example/large")  # 8 MiB, of 4
        session = self.appliance.ctl("sessions")["sessions"][0]["id"]
        answer = self.ask("https://allowed.example/", "--session", session, expect=1)
        self.assertEqual(answer["reason"], "budget_exceeded")
        self.assertEqual(self.ask("https://allowed.example/")["verdict"], "allowed")
        self.assertEqual(self.ask("https://allowed.example/", "--session", "s-00000000000000ff", expect=1)["reason"], "session_denied")

    def test_wrong_words(self):
        self.assertEqual(self.appliance.ctl("egress", "test", expect=None).returncode, 2)
        refused = self.appliance.ctl("egress", "test", "ftp://h/", expect=None)
        self.assertEqual((refused.returncode, json.loads(refused.stderr)["error"]["code"]), (1, "bad_request"))

    def test_a_refused_program_reads_what_would_be_needed_and_whom_to_ask(self):
        for command, reason, needed in (
                ("curl -sS -m 10 -x http://100.64.0.1:3128 http://never.example/", "not_allowed",
                 {"name": "NAME", "hosts": ["never.example"], "ports": [80]}),
                ("curl -sS -m 10 https://api.example/admin", "path_denied",
                 {"name": "NAME", "hosts": ["api.example"], "ports": [443], "rung": "bump", "paths": ["/admin"]})):
            with self.subTest(reason=reason):
                text = self.bash(command)
                error = json.loads(text[text.index("{"):text.rindex("}") + 1])["error"]
                self.assertEqual((error["code"], error["needed"], error["ask"]), (reason, needed, CONTACT))
                for internal in ("site", "registry", "uplink", "custody", "100.64."):
                    self.assertNotIn(internal, text)
        denied = find_events(self.appliance, lambda e: e["message"] == "egress_denied" and e.get("status_code") == "path_denied", seconds=5)
        self.assertIn("step=rule `api` fits, but not for this path", denied[0]["unmapped"]["detail"])

    def test_an_encoded_slash_passes_where_no_rule_has_paths(self):
        for scheme in ("http", "https"):
            self.assertIn("hello from the world", self.bash(f"curl -sS -m 10 {scheme}://other.example/@scope%2fname"))
        self.assertIn("/@scope%2Fname", {each.get("path") for each in self.world.seen()})
        self.assertIn("path_denied", self.bash("curl -sS -m 10 https://api.example/v1/@scope%2fname"))

    def test_names_are_answered_over_tcp_too(self):
        self.assertEqual(self.bash(DNS).split("\n")[:2], ["['0 1', '3 0']", "closed"])

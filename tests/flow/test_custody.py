# SPDX-License-Identifier: GPL-3.0-or-later
"""What custody gives a session, and what it does not: scoped tokens, the authority to trust, sealed credentials (EG-7, EG-8, CU-1, CU-2)."""

import subprocess
import unittest

from support.appliance import Appliance
from support.audit import find_events
from support.mcp import Mcp

SECRET = "upstream-secret-4711"
RULE = {"name": "api", "hosts": ["api.example.com"], "rung": "bump", "inject": {"credential": "key", "environment": "API_TOKEN"}}
OPENSSL_TEXT = "openssl x509 -noout -subject -ext basicConstraints,keyUsage"


def lend(appliance, text):
    appliance.manifest.value["credentials"] = [{"name": "key", "sealed": text}]
    appliance.manifest.value["egress"] = {"rules": [RULE]}
    appliance.manifest.value["serial"] += 1
    appliance.manifest.write()


class Lending(unittest.TestCase):
    tier = "runc"

    @classmethod
    def setUpClass(cls):
        cls.appliance = Appliance(tier=cls.tier).start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)
        cls.appliance.stop()
        lend(cls.appliance, cls.appliance.sealed(SECRET))
        cls.appliance.start()

    def client(self, chat):
        client = Mcp(self.appliance, chat=chat)
        self.addCleanup(client.close)
        return client

    def test_each_session_has_a_token_of_its_own_and_never_the_credential(self):
        one, two = (self.client(chat).bash("echo $API_TOKEN").strip() for chat in ("one", "two"))
        self.assertRegex(one, "^ocu-scoped-[A-Za-z0-9_-]{43}$")
        self.assertNotEqual(one, two)
        self.assertEqual(self.client("one").bash("echo $API_TOKEN").strip(), one)
        everything = self.client("one").bash("env; cat /proc/[0-9]*/environ /run/ocu/*.pem 2>/dev/null | tr '\\0' '\\n'")
        self.assertNotIn(SECRET, everything)

    def test_programs_find_the_authority_where_they_look(self):
        client = self.client("trust")
        ours = client.bash("cat /run/ocu/ca.pem")
        self.assertIn("BEGIN CERTIFICATE", ours)
        middle = ours.split("\n")[1]
        for file in ("/etc/ssl/certs/ca-certificates.crt", "$SSL_CERT_FILE", "$CURL_CA_BUNDLE", "$REQUESTS_CA_BUNDLE", "$GIT_SSL_CAINFO",
                     "$PIP_CERT", "$NODE_EXTRA_CA_CERTS"):
            self.assertEqual(client.bash(f'grep -c -F "{middle}" "{file}"').strip(), "1", file)
        self.assertGreater(int(client.bash("grep -c BEGIN $SSL_CERT_FILE")), 100)
        self.assertEqual(client.bash("echo x >> /run/ocu/ca.pem; echo $?").strip().splitlines()[-1], "1")
        count = client.bash("python3 -c 'import ssl; print(sum(b\"sandbox CA\" in c for c in "
                            "ssl.create_default_context().get_ca_certs(binary_form=True)))'")
        self.assertEqual(count.strip(), "1")
        text = subprocess.run(OPENSSL_TEXT.split(), input=ours, capture_output=True, text=True, check=True).stdout
        for each in ("ocu-appliance sandbox CA", "CA:TRUE, pathlen:0", "Certificate Sign"):
            self.assertIn(each, text)

    def test_nothing_is_lent_before_it_is_asked_for(self):
        self.client("idle").bash("true")
        self.assertEqual(self.appliance.ctl("leases"), {"leases": []})
        self.assertEqual(find_events(self.appliance, lambda e: e["message"] == "lease_granted"), [])


class LendingOnGvisor(Lending):
    tier = "gvisor"


class Refusals(unittest.TestCase):
    def test_a_credential_of_another_machine_is_refused_by_name(self):
        appliance, other = Appliance(), Appliance()
        for each in (appliance, other):
            self.addCleanup(each.remove)
            each.start().stop()
        lend(appliance, appliance.sealed(SECRET, other.state))
        with self.assertRaisesRegex(AssertionError, r"manifest refused: credentials\[0\]\.sealed: is sealed to another appliance's key"):
            appliance.start()

    def test_without_a_bump_rule_guests_trust_what_their_image_trusts(self):
        appliance = Appliance().start()
        self.addCleanup(appliance.remove)
        self.addCleanup(appliance.stop)
        client = Mcp(appliance)
        self.addCleanup(client.close)
        self.assertEqual(client.bash("ls /run/ocu; env | grep -e CA_BUNDLE -e CERT | wc -l").split(), ["agent", "0"])

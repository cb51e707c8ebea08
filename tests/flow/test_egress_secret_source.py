# SPDX-License-Identifier: GPL-3.0-or-later
"""A credential that is not in the manifest: a program of the customer's is asked for it when it is lent, by docs/formats/secret-source.md
(EG-1, CU-2, T-26)."""

import json
import os
import signal
import subprocess
import sys
import unittest

from support import lender, mutual_tls, secret_source
from support.appliance import Appliance, run_binary, wait_until
from support.audit import find_events
from support.world import INTERNAL, RESOLVER, World

PORT = 8300
PROGRAM = os.path.abspath(secret_source.__file__)
ISSUED = []  # every secret of this file's sources: none may be found where it has no business


def rule(name, credential, source, **inject):
    return {"name": name, "hosts": ["api.example"], "rung": "bump", "paths": [f"/{name}*"],
            "inject": {"credential": credential, "environment": f"{name.upper()}_TOKEN", "source": source, **inject}}


class Store:
    def __init__(self, folder, name):
        self.path = os.path.join(folder, name)
        self.kept = {}

    def put(self, name, **kept):
        ISSUED.extend(kept[each] for each in ("value", "password") if each in kept)
        self.kept[name] = kept
        with open(f"{self.path}.new", "w", encoding="utf-8") as file:
            json.dump(self.kept, file)
        os.rename(f"{self.path}.new", self.path)

    def seen(self):
        with open(f"{self.path}.seen", encoding="utf-8") as file:
            return [json.loads(line) for line in file]


class SecretSource(unittest.TestCase):
    tier = "runc"

    @classmethod
    def setUpClass(cls):
        cls.world = World(servers=lender.__file__, names=("api.example", "internal.example"))
        cls.addClassCleanup(cls.world.remove)
        folder = cls.world.folder
        cls.identity = mutual_tls.ClientIdentity(folder)
        cls.local, cls.remote = Store(folder, "local"), Store(folder, "remote")
        for store in (cls.local, cls.remote):
            store.put("nothing")
        cls.socket = f"{folder}/source.sock"
        cls.start_local()
        cls.addClassCleanup(lambda: cls.program.poll() is None and cls.stop_local())
        for port, clients in ((PORT, f"{folder}/clients.crt"), (PORT + 1, "none")):
            store = cls.remote.path if port == PORT else f"{folder}/unasked"
            cls.world.spawn([sys.executable, "-B", PROGRAM, "tls", INTERNAL, str(port), store, cls.world.certificate, f"{folder}/server.key", clients])
        assert wait_until(lambda: os.path.exists(f"{cls.remote.path}.ready") and os.path.exists(f"{folder}/unasked.ready"), 15)
        cls.appliance = Appliance(tier=cls.tier, prefix=cls.world.enter, changes={"network": {"dns": [RESOLVER]}}).start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)
        cls.appliance.stop()
        with open(cls.world.certificate, encoding="ascii") as file:
            authority = file.read()
        with open(cls.identity.authority, encoding="ascii") as file:
            stranger = file.read()
        unix = {"unix": cls.socket}
        far = {"endpoint": f"https://internal.example:{PORT}", "addresses": [INTERNAL], "ca": authority, "client": "us"}
        cls.appliance.manifest.value["egress"] = {"ca_bundle": authority, "rules": [
            rule("near", "near-key", unix), rule("basic", "near-login", unix, format="{basic}"), rule("short", "short-key", unix),
            rule("flaky", "flaky-key", unix), *(rule(f"broken{n}", f"broken-key-{n}", unix) for n in range(6)), rule("missing", "no-such-key", unix), rule("absent", "key", {"unix": f"{folder}/nobody.sock"}),
            rule("far", "far-key", far), rule("untrusted", "far-key", {**far, "ca": stranger}),
            rule("unasked", "far-key", {**far, "endpoint": f"https://internal.example:{PORT + 1}"}),
            rule("denied", "far-key", {**far, "addresses": ["10.0.0.0/8"]})]}
        cls.appliance.manifest.value["credentials"] = [{"name": "us", "kind": "client_certificate", "sealed": cls.appliance.sealed(cls.identity.pem)}]
        cls.appliance.manifest.value["serial"] += 1
        cls.appliance.manifest.write()
        cls.appliance.start()

    @classmethod
    def start_local(cls):
        cls.program = subprocess.Popen([sys.executable, "-B", PROGRAM, "unix", cls.socket, cls.local.path], stdin=subprocess.DEVNULL)
        assert wait_until(lambda: os.path.exists(cls.socket) and os.path.exists(f"{cls.local.path}.ready"), 15)

    @classmethod
    def stop_local(cls):
        cls.program.send_signal(signal.SIGKILL)
        cls.program.wait()

    def bash(self, command, chat="one"):
        return self.world.text_of(self.world.call(self.appliance, command, chat))

    def ask(self, name, path="", chat="one", form='-H "Authorization: Bearer $%s"'):
        return self.bash(f"curl -sS -i -m 15 {form % (name.upper() + '_TOKEN')} https://api.example/{name}{path} 2>&1", chat)

    def heads(self, path):
        return [each["head"] for each in self.world.seen() if each.get("path") == path]

    def events(self, message, words):
        return find_events(self.appliance, lambda e: e["message"] == message and words in e["unmapped"]["detail"], seconds=5)

    def leases(self):
        return self.appliance.ctl("leases")["leases"]

    def test_the_upstream_gets_what_a_program_on_this_host_answered(self):
        self.local.put("near-key", value="near-secret-1", expires_in=600, version="v-1")
        self.assertIn("hello from the lender", self.ask("near"))
        self.assertIn("Authorization: Bearer near-secret-1\r\n", self.heads("/near")[0])
        question = next(each for each in self.local.seen() if each["question"]["credential"] == "near-key")["question"]
        session = question.pop("session")
        self.assertRegex(session, "^s-[0-9a-f]{16}$")
        self.assertTrue(question.pop("appliance"))
        self.assertEqual(question, {"contract": "ocu-secret-source/1", "purpose": "egress", "rule": "near", "credential": "near-key", "form": "value",
                                    "destination": {"host": "api.example", "port": 443}})
        # Shared, while it lasts, by the requests of its session: the source is not asked again.
        self.assertIn("hello", self.ask("near", "/again"))
        asked = [each for each in self.local.seen() if each["question"]["credential"] == "near-key" and each["question"]["session"] == session]
        self.assertEqual(len(asked), 1)
        granted = self.events("lease_granted", "credential=near-key")
        self.assertIn(f"source=unix:{self.socket} version=v-1", granted[0]["unmapped"]["detail"])
        lent = [each for each in self.leases() if each["credential"] == "near-key"]
        self.assertEqual({each["source"] for each in lent}, {f"unix:{self.socket}"[:120]})
        self.assertLessEqual(max(each["left_s"] for each in lent), 600)
        self.assertIn("unix:", run_binary("ctl", "--socket", self.appliance.operator_socket, "leases").stdout)

    def test_a_login_becomes_basic_authentication(self):
        self.local.put("near-login", user="agent", password="near-password-1", expires_in=600)
        self.assertIn("hello", self.ask("basic", form='-u "agent:$%s"'))
        self.assertIn("Authorization: Basic YWdlbnQ6bmVhci1wYXNzd29yZC0x\r\n", self.heads("/basic")[0])

    def test_a_rotated_credential_is_in_use_with_the_next_lease(self):
        self.local.put("short-key", value="short-secret-1", expires_in=6, version="1")
        self.assertIn("hello", self.ask("short", "/1"))
        self.assertIn("Bearer short-secret-1\r\n", self.heads("/short/1")[0])
        self.local.put("short-key", value="short-secret-2", expires_in=600, version="2")

        def rotated():
            self.ask("short", "/2")
            return any("Bearer short-secret-2\r\n" in each for each in self.heads("/short/2"))
        self.assertTrue(wait_until(rotated, 20))
        self.assertTrue(self.events("lease_granted", "version=2"))

    def refused(self, name, why, chat="one", path=""):
        text = self.ask(name, path, chat)
        self.assertIn("x-deny-reason: credential_unavailable", text.lower(), name)
        self.assertEqual(self.heads(f"/{name}{path}"), [])
        self.assertTrue(self.events("lease_refused", f"rule={name} "), name)
        words = [each["unmapped"]["detail"] for each in self.events("lease_refused", f"rule={name} ")]
        self.assertTrue(any(f"why={why}" in each for each in words), words)

    def test_where_there_is_none_the_request_is_refused_and_nothing_goes_out(self):
        for name, why in (("absent", "unreachable"), ("missing", "not_found"), ("untrusted", "untrusted"), ("unasked", "unasked"), ("denied", "unreachable")):
            with self.subTest(name=name):
                self.refused(name, why)

    def test_an_answer_that_is_not_one_is_refused(self):
        good = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        split = json.dumps({"value": "x\r\nX-Injected: 1", "expires_in": 60})
        for number, (why, kept) in enumerate((("malformed", {"raw": good % (len(split), split)}), ("malformed", {"raw": good % (1, "{")}), ("status", {"status": 503}),
                                              ("too_large", {"raw": good % (1 << 20, "{")}), ("malformed", {"raw": "220 mail.example ESMTP\r\n\r\n"}),
                                              ("timed_out", {"value": "x", "expires_in": 60, "after": 6}))):
            with self.subTest(kept=kept):
                self.local.put(f"broken-key-{number}", **kept)
                self.refused(f"broken{number}", why)
        self.assertNotIn("X-Injected", json.dumps(self.world.seen()))

    def test_a_source_that_is_gone_and_comes_back(self):
        self.local.put("flaky-key", value="flaky-secret-1", expires_in=600)
        self.stop_local()
        try:
            self.refused("flaky", "unreachable")
            self.assertIn("credential_unavailable", self.ask("flaky", "/at-once"))  # and it is not asked again so soon
        finally:
            self.start_local()
        self.assertTrue(wait_until(lambda: "hello" in self.ask("flaky", "/back"), 20))
        self.assertIn("flaky-secret-1", self.heads("/flaky/back")[-1])

    def test_a_withdrawn_credential_is_taken_back_from_everybody(self):
        self.local.put("short-key", value="short-secret-3", expires_in=600)
        self.assertIn("hello", self.ask("short", "/3", "two"))
        self.local.put("short-key", status=410)
        self.refused("short", "gone", "three", "/4")
        self.assertTrue(self.events("lease_revoked", "why=gone"))
        self.assertEqual([each for each in self.leases() if each["credential"] == "short-key"], [])

    def test_an_endpoint_is_shown_our_certificate(self):
        self.remote.put("far-key", value="far-secret-1", expires_in=600)
        self.assertIn("hello from the lender", self.ask("far"))
        self.assertIn("Authorization: Bearer far-secret-1\r\n", self.heads("/far")[0])
        self.assertEqual({each["who"] for each in self.remote.seen()}, {mutual_tls.SUBJECT})
        self.assertEqual(self.remote.seen()[0]["headers"]["Host"], f"internal.example:{PORT}")
        for pid in self.appliance.helpers().get("secret-source", []):
            self.assertEqual(self.identity.in_memory_of(pid), 0)

    def test_no_process_that_asks_stays(self):
        self.assertTrue(wait_until(lambda: not self.appliance.helpers().get("secret-source"), 10))

    @classmethod
    def tearDownClass(cls):
        """None of the values is in the log, the audit log or a guest."""
        secrets = [each for each in ISSUED if len(each) > 8]
        process = cls.world.call(cls.appliance, "env; cat /proc/[0-9]*/environ 2>/dev/null", "one")
        places = [cls.world.text_of(process), json.dumps(find_events(cls.appliance, lambda e: True, seconds=1)), "\n".join([*cls.appliance.log, *cls.appliance.output])]
        for each in secrets:
            for place in places:
                assert each not in place, each


class SecretSourceOnGvisor(SecretSource):
    tier = "gvisor"

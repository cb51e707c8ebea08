# SPDX-License-Identifier: GPL-3.0-or-later
"""The record's head is shown to witnesses on the network: what they say is checked, kept and carried out; one that is away is owed one head; one that lies is in nobody's way;
one that has seen another history is an alarm (AU-9, T-12, T-40, T-41). tests/process/test_witness.py has a witness that others wrote."""

import os
import subprocess
import tempfile
import time
import unittest

from support import leftovers
from support.appliance import Appliance, run_binary, wait_until
from support.audit import find_events
from support.mutual_tls import ClientIdentity
from support.witness import Witness
from support.world import INTERNAL, World

GOOD, KEYED, LIAR, NOBODY = 7001, 7002, 7003, 7004


def of(event, name, message):
    return event["message"] == message and event["unmapped"]["resource"] == f"audit-witness {name}"


class AuditWitness(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.before = leftovers.snapshot()
        cls.world = World()
        cls.addClassCleanup(cls.world.remove)
        cls.identity = ClientIdentity(cls.world.folder)
        cls.good = Witness(cls.world, "good", INTERNAL, GOOD)
        cls.keyed = Witness(cls.world, "keyed", INTERNAL, KEYED, cls.identity.authority)
        cls.liar = Witness(cls.world, "liar", INTERNAL, LIAR)
        cls.appliance = Appliance(prefix=cls.world.enter).start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)
        assert wait_until(lambda: os.path.exists(cls.path("keys/checkpoint.pub")), 10)
        cls.appliance.stop()
        cls.log_key = cls.read("keys/checkpoint.pub")
        for each in (cls.good, cls.keyed, cls.liar):
            each.knows(cls.log_key)
        cls.appliance.manifest.value["credentials"] = [{"name": "us", "kind": "client_certificate", "sealed": cls.appliance.sealed(cls.identity.pem)}]
        cls.appliance.manifest.value["audit"] = {"transparency_log": [
            {"name": "good", "url": f"https://{INTERNAL}:{GOOD}/w/", "key": cls.good.key, "ca": cls.good.certificate},
            {"name": "keyed", "url": f"https://{INTERNAL}:{KEYED}", "key": cls.keyed.key, "ca": cls.keyed.certificate, "client_certificate": "us"},
            {"name": "liar", "url": f"https://{INTERNAL}:{LIAR}", "key": cls.liar.key, "ca": cls.liar.certificate},
        ]}
        cls.next_manifest()

    def setUp(self):
        if not self.appliance.process or self.appliance.process.poll() is not None:
            self.appliance.start()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.appliance.audit_dir(), name)

    @classmethod
    def read(cls, name):
        with open(cls.path(name), encoding="utf-8") as file:
            return file.read()

    @classmethod
    def next_manifest(cls):
        cls.appliance.manifest.value["serial"] += 1
        cls.appliance.manifest.write()

    def state(self, name):
        return {each["name"]: each for each in self.appliance.ctl("status")["audit_witnesses"]}[name]

    def is_in(self, name, state, why=None, seconds=30):
        def there():
            now = self.state(name)
            return now["state"] == state and now.get("why") == why
        self.assertTrue(wait_until(there, seconds, every=0.2), (self.state(name), self.appliance.log_text()))
        return self.state(name)

    def again(self, *witnesses):
        """A head is owed at every start."""
        self.appliance.stop()
        for each in witnesses:
            each.start()
        self.appliance.start()

    def verified(self, *words):
        return run_binary("audit", "verify", self.appliance.audit_dir(), *words)

    def test_a_head_is_witnessed_kept_and_carried_out(self):
        for name in ("good", "keyed"):
            now = self.is_in(name, "witnessed")
            self.assertGreater(now["witnessed_records"], 0)
            self.assertLess(abs(now["witnessed_at"] - time.time()), 60)
            self.assertEqual(now["owed_heads"], 0)
        self.assertEqual(self.good.told()[0]["path"], "/w/add-checkpoint")
        self.assertTrue(self.keyed.told()[0]["subject"])
        self.assertEqual(self.state("good")["witnessed_records"], self.good.state()["size"])
        first = find_events(self.appliance, lambda e: of(e, "good", "audit_head_witnessed"), 5)[0]["unmapped"]
        self.assertRegex(first["detail"], rf"^https://{INTERNAL}:{GOOD}/w/ time=\d+ cosignature=[A-Za-z0-9+/]+=*$")
        self.assertTrue(wait_until(lambda: os.path.exists(self.path("witnessed/good/head")), 5))

        before, asked = self.good.state()["size"], len(self.good.told())
        self.again()
        self.assertTrue(wait_until(lambda: len(self.good.told()) > asked and self.good.state()["size"] > before, 20))
        self.assertRegex(self.good.told()[asked]["request"], rf"^old {before}\n")  # from where it was, without asking
        self.is_in("good", "witnessed")
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            with open(f"{folder}/good.vkey", "w", encoding="ascii") as file:
                file.write(self.good.key)
            done = self.verified("--witness", f"{folder}/good.vkey")
            self.assertRegex(done.stdout, r"witnessed: the first \d+ records by good at 20\d\d-\S+Z\n")
            head = self.path("witnessed/good/head")
            done = run_binary("audit", "import-check", self.appliance.audit_dir(), head, "--witness", f"{folder}/good.vkey")
            self.assertEqual(done.returncode, 0, done.stderr)
            done = run_binary("audit", "export", self.appliance.audit_dir(), f"{folder}/out.tar.zst")
            self.assertEqual(done.returncode, 0, done.stderr)
            packed = subprocess.run(["tar", "--zstd", "-tf", f"{folder}/out.tar.zst"], check=True, capture_output=True, text=True).stdout
            self.assertIn("audit/witnessed/good/head\n", packed)

    def test_one_that_was_away_is_shown_the_newest_head_and_no_other(self):
        self.is_in("good", "witnessed")
        self.appliance.stop()
        self.good.kill()
        seen = len(self.good.told())
        self.appliance.start()
        away = self.is_in("good", "failing", "unreachable")
        self.assertEqual(away["owed_heads"], 1)
        self.assertGreater(away["lag_records"], 0)
        text = run_binary("ctl", "--socket", self.appliance.operator_socket, "status").stdout
        self.assertRegex(text, r"witness good \(https://[^)]*\): failing, \d+ records witnessed, \d+ more since, 1 head\(s\) owed since \S+, unreachable")
        self.world.text_of(self.world.call(self.appliance, "echo while it is away", "away"))
        self.good.start()
        self.is_in("good", "witnessed", seconds=60)
        self.assertEqual(len(self.good.told()), seen + 1)
        self.assertGreater(self.state("good")["witnessed_records"], away["witnessed_records"])

    def test_one_that_forgot_is_asked_from_what_it_knows(self):
        self.is_in("good", "witnessed")
        self.appliance.stop()
        os.remove(f"{self.good.folder}/state")
        seen = len(self.good.told())
        self.appliance.start()
        self.is_in("good", "witnessed")
        self.assertEqual([each["status"] for each in self.good.told()[seen:]], [409, 200])

    def test_another_history_is_an_alarm(self):
        self.is_in("good", "witnessed")
        self.appliance.stop()
        was = self.good.state()
        self.addCleanup(self.good.has_seen, was["size"], was["root"])
        self.good.has_seen(was["size"], "A" * 43 + "=")  # as long, of a log that was another
        self.appliance.start()
        self.is_in("good", "conflict", "other_history")
        found = find_events(self.appliance, lambda e: of(e, "good", "audit_head_conflict"), 10)
        self.assertEqual(found[-1]["severity_id"], 4)
        self.assertIn("why=other_history status=422", found[-1]["unmapped"]["detail"])
        self.assertIn("another history of the audit log", self.appliance.log_text())
        self.again()  # and it serves on: a witness cannot stop the machine
        self.assertIn("still here", self.world.text_of(self.world.call(self.appliance, "echo still here", "conflict")))
        self.appliance.stop()

    def test_what_is_no_cosignature_is_refused_and_in_nobodys_way(self):
        # One of each kind: all of them are in tests/unit/audit.
        cases = [("unsigned", "refused", "not_cosigned"), ("other_head", "refused", "bad_cosignature"), ("future", "refused", "wrong_time"),
                 ("endless", "refused", "too_large"), ("503", "failing", "answered"), ("ahead", "conflict", "ahead")]
        for word, state, why in cases:
            with self.subTest(word=word):
                self.appliance.stop()
                self.liar.answers(" ".join([word] * 8))
                self.appliance.start()
                self.is_in("liar", state, why)
                if state != "failing":
                    self.assertTrue(find_events(self.appliance, lambda e, w=why: "audit_head_" in e["message"] and f"why={w} " in e["unmapped"]["detail"], 5))
        self.liar.answers("hang hang")
        self.again()
        took = []
        for i in range(6):
            begun = time.monotonic()
            self.world.text_of(self.world.call(self.appliance, f"echo {i}", "hang"))
            took.append(time.monotonic() - begun)
        self.assertLess(sorted(took)[3], 2.0, took)
        self.is_in("liar", "failing", "timed_out")
        self.is_in("good", "witnessed")
        self.assertFalse(os.path.exists(self.path("witnessed/liar/head")) and "18446744073709551615" in self.read("witnessed/liar/head"))
        self.assertEqual(self.verified().returncode, 0, self.verified().stderr)

    def test_the_process_is_gone_with_its_answer(self):
        self.is_in("good", "witnessed")
        self.assertTrue(wait_until(lambda: "audit-witness" not in self.appliance.helpers(), 40, every=0.2), self.appliance.helpers())

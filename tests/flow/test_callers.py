# SPDX-License-Identifier: GPL-3.0-or-later
"""GW-3, CT-3: callers that an operator makes beside the manifest's: with keys shown once, renewed, revoked while they run, and kept (T-45, T-46)."""

import json
import os
import re
import time

from support import audit
from support.appliance import run_binary, wait_until
from support.case import ApplianceCase
from support.mcp import read_response

KEY = re.compile(r"^[A-Za-z0-9_-]{43}$")
ONE_SECOND = 1.0


class CallersCase(ApplianceCase):
    def ctl(self, *words, **options):
        return self.appliance.ctl("callers", *words, **options)

    def add(self, name, *words):
        made = self.ctl("add", name, *words)
        self.assertRegex(made["key"], KEY)
        self.assertTrue(made["recorded"])
        return made["key"]

    def as_key(self, key, chat=None):
        return self.chat(chat or self.client.chat, token=key)

    def let_in(self, key):
        return self.as_key(key).http(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode()).status == 200

    def listed(self, name):
        return next((each for each in self.ctl("list")["callers"] if each["name"] == name), None)

    def code_of(self, *words):
        done = self.ctl(*words, expect=None)
        self.assertEqual(done.returncode, 1, done.stdout)
        return json.loads(done.stderr)["error"]["code"]

    def find(self, **wanted):
        def is_it(event):
            return all(wanted[key] == value for key, value in (("message", event["message"]), ("detail", event["unmapped"].get("detail")),
                       ("reason", event["unmapped"].get("reason"))) if key in wanted) and wanted["resource"] in json.dumps(event)
        return audit.find_events(self.appliance, is_it, seconds=5)


class Callers(CallersCase):
    callers = ("dev", "ops")

    def test_one_that_is_made_calls_at_once_and_its_key_is_nowhere(self):
        key = self.add("made", "--expires", "30")
        started = time.monotonic()
        self.assertEqual(self.as_key(key).bash("echo in"), "in\n")
        self.assertLess(time.monotonic() - started, 10)
        row = self.listed("made")
        self.assertEqual((row["origin"], row["state"], row["made_by"], row["sessions"]), ("operator", "active", "root", 1))
        self.assertTrue(row["seen"] and row["expires"] > row["made"])
        found = self.find(message="operator_action", detail="callers-add days=30", resource="caller made")
        self.assertEqual(found[0]["actor"]["user"]["name"], "root")
        self.assertTrue(audit.find_events(self.appliance, lambda e: e["message"] == "tool_call_end" and e["actor"]["user"]["name"] == "made", seconds=5))
        self.appliance.ctl("policy", "explain", "--caller", "made", "--tool", "view")
        for folder, _, names in os.walk(self.appliance.state):
            for name in filter(lambda each: os.path.isfile(os.path.join(folder, each)), names):
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(key.encode(), file.read(), name)
        self.assertNotIn(key, self.appliance.log_text())

    def test_a_revoked_one_is_out_within_a_second_while_it_runs(self):
        key = self.add("runs")
        client = self.as_key(key)
        client.bash("true")
        with client.open_call("bash_tool", command="sleep 600") as running:
            self.assertTrue(audit.find_events(self.appliance, lambda e: audit.says(e, "tool_call_begin", "sleep 600"), seconds=5))
            started = time.monotonic()
            done = self.ctl("revoke", "runs")
            self.assertIn(b"session_killed", read_response(running).body)
            self.assertFalse(self.let_in(key))
            self.assertLess(time.monotonic() - started, ONE_SECOND + 1)
        self.assertEqual((done["killed"], done["pending"]), (1, 0))
        self.assertEqual(client.http(b"{}").status, 401)  # on the connection that was let in before
        self.assertEqual([each for each in self.appliance.ctl("sessions")["sessions"] if each["caller"] == "runs"], [])
        self.assertEqual((self.listed("runs")["state"], self.listed("runs")["revoked_by"]), ("revoked", "root"))
        self.assertEqual(self.client.bash("echo others"), "others\n")
        again = self.add("runs")
        self.assertTrue(self.let_in(again))
        self.assertFalse(self.let_in(key))

    def test_a_new_key_takes_the_place_of_the_one_before_at_once_or_after_the_overlap(self):
        first = self.add("rotates")
        second = self.ctl("rotate", "rotates")["key"]
        self.assertEqual((self.let_in(first), self.let_in(second)), (False, True))
        third = self.ctl("rotate", "rotates", "--overlap", "2")["key"]
        self.assertEqual((self.let_in(second), self.let_in(third)), (True, True))
        self.assertTrue(wait_until(lambda: not self.let_in(second), 2 + 2 * ONE_SECOND))
        self.assertTrue(self.let_in(third))

    def test_what_cannot_be_is_refused_in_words_and_on_record(self):
        self.add("there")
        for code, words in (("caller_exists", ("add", "there")), ("caller_of_manifest", ("add", "ops")), ("caller_of_manifest", ("rotate", "ops")),
                            ("unknown_caller", ("rotate", "nobody")), ("unknown_caller", ("revoke", "nobody")), ("bad_request", ("add", "../x")),
                            ("bad_request", ("add", ".x")), ("bad_request", ("add", "x" * 64)), ("bad_request", ("add", "x", "--expires", "0"))):
            with self.subTest(words=words):
                self.assertEqual(self.code_of(*words), code)
        self.assertTrue(self.find(message="operator_action", reason="caller_of_manifest", resource="caller ops"))
        self.assertTrue(self.find(message="operator_action", reason="unknown_caller", resource="caller nobody"))
        self.ctl("revoke", "there")
        self.assertEqual(self.code_of("rotate", "there"), "caller_over")
        for words in (("add",), ("add", "a", "b"), ("burn", "a"), ("list", "--expires", "1"), ("add", "a", "--overlap", "1"), ("add", "a", "--expires", "x")):
            self.assertEqual(self.ctl(*words, expect=None).returncode, 2, words)

    def test_a_person_reads_the_same(self):
        def text(*words):
            done = run_binary("ctl", "--socket", self.appliance.operator_socket, "callers", *words)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout
        self.assertRegex(text("add", "person"), r"^its key, shown this once \([0-9a-f]{8}\):\n[A-Za-z0-9_-]{43}\n$")
        self.assertRegex(text("list"), r"(?m)^NAME +ORIGIN +STATE +KEY +SESSIONS +SEEN +EXPIRES +BY$")
        self.assertRegex(text("list"), r"(?m)^person +operator +active +[0-9a-f]{8} +0 +- +- +root$")
        self.assertRegex(text("list"), r"(?m)^dev +manifest +active +[0-9a-f]{8} ")
        self.assertEqual(text("revoke", "person"), "revoked; 0 of its sessions ended\n")
        status = run_binary("ctl", "--socket", self.appliance.operator_socket, "status").stdout
        self.assertRegex(status, r"(?m)^callers 2 declared, \d+ made here, \d+ revoked$")

    def test_a_hundred_come_and_each_is_itself(self):
        keys = {f"many-{number}": self.add(f"many-{number}") for number in range(100)}
        self.assertEqual(len(set(keys.values())), 100)
        self.assertTrue(all(self.let_in(key) for key in keys.values()))
        self.assertLessEqual(keys.keys(), {each["name"] for each in self.ctl("list")["callers"]})


class Kept(CallersCase):
    callers = ("dev", "ops")

    def table(self):
        return os.path.join(self.appliance.state, "callers", "table")

    def test_what_was_said_holds_after_a_restart_and_a_damaged_file_lets_nobody_in(self):
        kept, gone, before = self.add("kept"), self.add("gone"), self.add("turned")
        after = self.ctl("rotate", "turned")["key"]
        self.ctl("revoke", "gone")
        ops = self.appliance.manifest.keys["ops"]
        self.assertTrue(self.let_in(ops))
        self.ctl("revoke", "ops")
        self.assertFalse(self.let_in(ops))
        self.assertEqual(os.stat(self.table()).st_mode & 0o777, 0o600)
        self.appliance.stop()
        self.appliance.start()
        self.assertEqual([self.let_in(key) for key in (kept, after, gone, before, ops, self.appliance.token)], [True, True, False, False, False, True])
        self.assertEqual((self.listed("ops")["origin"], self.listed("ops")["state"], self.listed("gone")["state"]), ("manifest", "revoked", "revoked"))
        self.appliance.stop()
        with open(self.table(), "r+b") as file:
            file.seek(-1, os.SEEK_END)
            last = file.read(1)[0]
            file.seek(-1, os.SEEK_END)
            file.write(bytes([last ^ 1]))
        self.appliance.start()
        self.assertEqual([self.let_in(key) for key in (kept, ops, self.appliance.token)], [False, False, False])
        status = self.appliance.ctl("status")
        self.assertEqual((status["status"], status["callers"]["state"]), ("degraded", "damaged"))
        self.assertTrue(self.find(message="callers_damaged", reason="callers_damaged", resource="callers/table"))
        self.assertEqual(self.code_of("add", "more"), "callers_damaged")
        self.ctl("reset")
        self.assertEqual([self.let_in(key) for key in (kept, ops, self.appliance.token)], [False, True, True])
        self.assertEqual(self.appliance.ctl("status")["status"], "healthy")
        self.appliance.stop()
        self.appliance.start()
        self.assertEqual([self.let_in(key) for key in (kept, ops)], [False, True])

    def test_what_the_disk_does_not_take_is_not_done_and_a_revocation_all_the_same(self):
        kept = self.add("held")
        os.mkdir(self.table() + ".new")  # in the way of the file that is written beside
        try:
            self.assertEqual(self.code_of("add", "never"), "callers_not_kept")
            self.assertIsNone(self.listed("never"))
            self.assertEqual(self.code_of("revoke", "held"), "callers_not_kept")
            self.assertFalse(self.let_in(kept))
        finally:
            os.rmdir(self.table() + ".new")
        self.add("later")

# SPDX-License-Identifier: GPL-3.0-or-later
"""Flow F10: every record is on disk before its answer, and nobody changes one unseen (AU-1 .. AU-4, CT-6, SX-9, T-09, T-10)."""

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import unittest

from support.appliance import run_binary
from support.audit import events, find_events, journal_files, records_in, says
from support.case import ApplianceCase


class OnDiskFirst(ApplianceCase):
    def test_begin_and_end_are_on_disk_when_the_answer_is_here(self):
        for number in range(20):
            mark = f"needle-{number}-{os.getpid()}"
            self.client.bash(f"echo {mark}")
            begun = find_events(self.appliance, lambda e, m=mark: says(e, "tool_call_begin", m))
            self.assertEqual(len(begun), 1, mark)
            trace = begun[0]["metadata"].get("correlation_uid")
            self.assertTrue(find_events(self.appliance, lambda e, t=trace: says(e, "tool_call_end", t)), mark)

    def test_begin_is_on_disk_before_the_command_runs(self):
        with self.client.open_call("bash_tool", command="sleep 1 # needle-running"):
            self.assertTrue(find_events(self.appliance, lambda e: says(e, "tool_call_begin", "needle-running"), seconds=5))
            self.assertFalse([e for e in events(self.appliance) if says(e, "tool_call_end") and says(e, "needle-running")])
            time.sleep(1.2)

    def test_the_whole_of_what_is_run_or_written_is_on_record_by_its_digest(self):
        """However long it is, and whatever it ends in (SX-9)."""
        decoy = " sha256=" + "0" * 64
        command, text, new = "true # needle-long " + "x" * 5000 + decoy, "needle text\n" * 400, "needle-new"
        self.client.bash(command)
        self.client.call("create_file", path="/workspace/needle-file", file_text=text)
        self.client.call("str_replace", path="/workspace/short", old_str="a", new_str=new)
        told = [each["unmapped"] for each in events(self.appliance) if each["message"] == "tool_call_begin"]
        for mark, whole in (("needle-long", command), ("needle-file", text), ("/workspace/short", new)):
            detail = next(each["detail"] for each in told if mark in each["detail"])
            self.assertEqual(detail.rsplit(" sha256=", 1)[1], hashlib.sha256(whole.encode()).hexdigest(), mark)
            self.assertLessEqual(len(detail), 1024)

    def test_a_call_ends_on_record_whatever_its_guest_does(self):
        for number, deed in enumerate(("kill -9 -1", "exec 1>&- 2>&-; sleep 0.1", "head -c 20000000 /dev/zero", "printf '\\377\\376{\"unmapped\":{\"exit\":0}}\\0'; exit 7",
                                       ":(){ :|:& };: 2>/dev/null; sleep 0.2; kill -9 $$")):
            self.chat(f"deed-{number}").bash(f"{deed} # needle-deed-{number}", timeout_s=5)
            ended = [e["unmapped"] for e in events(self.appliance) if e["message"] == "tool_call_end" and f"needle-deed-{number}" in e["unmapped"]["detail"]]
            self.assertEqual(len(ended), 1, deed)
            begun = [e["unmapped"] for e in events(self.appliance) if e["message"] == "tool_call_begin" and f"needle-deed-{number}" in e["unmapped"]["detail"]]
            self.assertEqual(ended[0]["session"], begun[0]["session"])

    def test_session_and_refusals_are_recorded(self):
        self.client.bash("true")
        self.chat("x", token="wrong-" + "A" * 37).http(b"{}")
        for word in ("appliance_start", "manifest_applied", "helper_start", "session_create", "session_ready", "caller_refused"):
            self.assertTrue(find_events(self.appliance, lambda e, w=word: says(e, w), seconds=3), word)

    def test_what_the_front_refuses_is_on_record_under_the_id_that_the_client_was_shown(self):
        """One of each second is written, the rest of that second is counted with the next: so each waits its turn here."""
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
        asked = (
            ("unknown_tool", json.dumps({**call, "params": {"name": "nope", "arguments": {}}}), {}),
            ("bad_arguments", json.dumps({**call, "params": {"name": "bash_tool", "arguments": {}}}), {}),
            ("chat_id_invalid", json.dumps({**call, "params": {"name": "bash_tool", "arguments": {"command": "true"}}}), {"X-Chat-Id": "a/b"}),
            ("not_json", "{", {}),
            ("origin_not_allowed", "{}", {"Origin": "http://elsewhere.example"}),
            ("unauthorized", "{}", {"Authorization": "Bearer " + "x" * 43}),
        )
        for code, body, headers in asked:
            time.sleep(1.1)
            shown = re.search(r'correlation(?:Id"\s*:\s*"| id )([0-9a-f]{16})',
                              self.client.http(body.encode(), headers=self.client.headers(**headers)).body.decode()).group(1)
            found = find_events(self.appliance, lambda e, t=shown: e["metadata"].get("correlation_uid") == t, seconds=3)
            self.assertEqual(len(found), 1, code)
            self.assertTrue(says(found[0], code), (code, found))

    def test_no_key_and_no_token_is_in_the_log(self):
        self.client.bash("true")
        for top, _, names in os.walk(self.appliance.audit_dir()):
            for name in names:
                with open(os.path.join(top, name), "rb") as file:
                    self.assertNotIn(self.appliance.token.encode(), file.read())

    def test_records_are_ocsf(self):
        self.client.bash("true")
        for each in events(self.appliance):
            for field in ("class_uid", "category_uid", "activity_id", "type_uid", "severity_id", "time", "metadata"):
                self.assertIn(field, each)
            self.assertEqual(each["type_uid"], each["class_uid"] * 100 + each["activity_id"])
            self.assertEqual(each["metadata"]["version"], "1.8.0")

    def test_log_verifies_while_it_grows(self):
        self.client.bash("true")
        done = self.appliance.verify_audit()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Tampering(unittest.TestCase):
    """A finished log, changed in every way that `audit verify` must find."""

    @classmethod
    def setUpClass(cls):
        from support.appliance import Appliance
        from support.mcp import Mcp
        cls.appliance = Appliance().start()
        client = Mcp(cls.appliance)
        for number in range(12):
            client.bash(f"echo record-{number}")
        client.close()
        cls.appliance.stop()

    @classmethod
    def tearDownClass(cls):
        cls.appliance.remove()

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ocu-audit.", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.copy = os.path.join(self.folder, "audit")
        shutil.copytree(self.appliance.audit_dir(), self.copy)
        self.journal = max(journal_files(self.copy), key=lambda p: len(self.records(p)))

    @staticmethod
    def records(path):
        with open(path, "rb") as file:
            return list(records_in(file.read()))

    def verify(self):
        return run_binary("audit", "verify", self.copy)

    def change(self, path, edit):
        with open(path, "rb") as file:
            data = bytearray(file.read())
        data = edit(data)
        with open(path, "wb") as file:
            file.write(data)

    def assert_found(self, what):
        done = self.verify()
        self.assertEqual(done.returncode, 1, f"{what} was not found: {done.stdout}")

    def test_untouched_log_is_good(self):
        done = self.verify()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_flipped_byte_is_found_wherever_it_is(self):
        found = self.records(self.journal)
        for begin, end, _ in (found[0], found[len(found) // 2], found[-1]):
            with self.subTest(at=begin):
                self.setUp()
                place = begin + (end - begin) // 2

                def flip(data, place=place):
                    data[place] ^= 1
                    return data

                self.change(self.journal, flip)
                self.assert_found("a flipped byte")

    def test_removed_record_is_found(self):
        found = self.records(self.journal)
        first, second = found[len(found) // 2], found[len(found) // 2 + 1]
        self.change(self.journal, lambda data: data[:first[0]] + data[second[0]:])
        self.assert_found("a removed record")

    def test_removed_tail_is_found(self):
        last = self.records(self.journal)[-1]
        self.change(self.journal, lambda data: data[:last[0]])
        self.assert_found("a removed last record")

    def test_swapped_records_are_found(self):
        found = self.records(self.journal)
        pairs = [(a, b) for a, b in zip(found, found[1:]) if a[2] != b[2]]
        (a0, a1, _), (b0, b1, _) = pairs[len(pairs) // 2]
        self.change(self.journal, lambda d: d[:a0] + d[b0:b1] + d[a1:b0] + d[a0:a1] + d[b1:])
        self.assert_found("two swapped records")

    def test_flipped_byte_in_a_tile_is_found(self):
        changed = 0
        for top, _, names in os.walk(os.path.join(self.copy, "tile")):
            for name in names:
                path = os.path.join(top, name)
                with self.subTest(path=os.path.relpath(path, self.copy)):
                    self.change(path, lambda d: d[:len(d) // 2] + bytes([d[len(d) // 2] ^ 1]) + d[len(d) // 2 + 1:])
                    self.assert_found("a flipped byte in a tile")
                    self.change(path, lambda d: d[:len(d) // 2] + bytes([d[len(d) // 2] ^ 1]) + d[len(d) // 2 + 1:])
                    changed += 1
        self.assertGreater(changed, 0)

    def test_forged_checkpoint_is_found(self):
        path = os.path.join(self.copy, "checkpoint")

        def forge(data):
            place = data.rindex(b" ") + 10
            data[place] = ord("B") if data[place] == ord("A") else ord("A")
            return data

        self.change(path, forge)
        self.assert_found("a forged checkpoint")

    def test_lost_checkpoint_is_found(self):
        os.unlink(os.path.join(self.copy, "checkpoint"))
        self.assert_found("a lost checkpoint")

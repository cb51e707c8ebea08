# SPDX-License-Identifier: GPL-3.0-or-later
"""`audit tail` and `audit replay`: what an operator reads of the record, against what lies on disk (F10, AU-1, T-19)."""

import json
import os
import select
import subprocess

from support.appliance import run_binary, setting, wait_until
from support.audit import events
from support.case import ApplianceCase


class Reading(ApplianceCase):
    def read(self, command, *words, code=0):
        done = run_binary("audit", command, self.appliance.audit_dir(), *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def session_of(self, mark):
        self.client.bash(f"echo {mark}")
        return next(each["unmapped"]["session"] for each in events(self.appliance) if mark in each["unmapped"]["detail"])

    def test_replay_tells_what_a_session_did_was_refused_and_who_ended_it(self):
        session = self.session_of("needle-replay")
        self.client.bash("curl -sm 5 http://not-allowed.example/; printf '\\033[2J'")
        self.chat("another").bash("echo needle-elsewhere")
        self.appliance.ctl("kill", f"s-{session}")
        self.assertTrue(wait_until(lambda: "session_destroy" in self.read("replay", f"s-{session}"), 10))
        text = self.read("replay", session)
        self.assertNotIn("needle-elsewhere", text)
        self.assertNotIn("\x1b", text)
        lines, summary = text.split("\n\n")
        at = [lines.index(word) for word in ("session_create", "needle-replay", "denied", "operator_action", "session_destroy")]
        self.assertEqual(at, sorted(at))
        self.assertRegex(summary, r"\d+ records, .* caller dev\n")
        self.assertRegex(summary, r"tool_call_end +2\n")
        self.assertRegex(summary, r"(egress|dns)_denied +\d+, \d+ of them refused or failed\n")
        self.assertRegex(summary, r"  last operator.s action on it: .* kill by \S+\n  ended: .* session_destroy, session_killed")
        self.assertIn("no record of such a session", run_binary("audit", "replay", self.appliance.audit_dir(), "s-00000000000000ff").stderr)

    def test_tail_gives_the_records_that_were_asked_for_as_they_lie_on_disk(self):
        session = self.session_of("needle-tail")
        self.chat("x", token="wrong-" + "A" * 37).http(b"{}")
        self.assertTrue(wait_until(lambda: any(each["unmapped"]["action"] == "caller_refused" for each in events(self.appliance)), 5))
        every = events(self.appliance)
        for words, holds in ((("--session", f"s-{session}"), lambda e: e["unmapped"]["session"] == session),
                             (("--outcome", "failure"), lambda e: e["unmapped"]["outcome"] == "failure"),
                             (("--event", "tool_call_begin", "--actor", "dev"), lambda e: e["unmapped"]["action"] == "tool_call_begin"),
                             (("--class", "1007", "--source", "core"), lambda e: e["class_uid"] == 1007 and e["metadata"]["log_name"] == "core"),
                             (("--since", "1h", "--until", "0s", "-n", "3"), None)):
            got = [json.loads(line) for line in self.read("tail", "--json", "-n", "1000000", *words).splitlines()]
            if holds is None:
                self.assertEqual(len(got), 3)
                continue
            expected = [each for each in every if holds(each)]
            self.assertTrue(expected, words)
            self.assertEqual(got[:len(expected)], expected, words)
            self.assertTrue(all(holds(each) for each in got), words)
        self.assertEqual(len(self.read("tail", "-n", "4").splitlines()), 4)

    def test_tail_follows_what_comes(self):
        words = [setting("OCU_BINARY"), "audit", "tail", self.appliance.audit_dir(), "-n", "1", "-f", "--event", "tool_call_begin"]
        self.client.bash("echo needle-follow-0")
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            try:
                for number in range(4):
                    if number:  # the one from before it was started says that it has come to the end
                        self.client.bash(f"echo needle-follow-{number}")
                    self.assertTrue(select.select([process.stdout], [], [], 20)[0], "nothing came")
                    self.assertIn(f"needle-follow-{number}".encode(), os.read(process.stdout.fileno(), 65536))
            finally:
                process.kill()

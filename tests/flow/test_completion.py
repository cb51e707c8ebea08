# SPDX-License-Identifier: GPL-3.0-or-later
"""CT-5: a real bash completes this program's words."""

import subprocess
import unittest

from support.appliance import run_binary

ASK = 'eval "$SCRIPT"; complete -p ocu-appliance >/dev/null || exit 3; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ocu_appliance; printf "%s\\n" "${COMPREPLY[@]}"'


class Completion(unittest.TestCase):
    def completed(self, *words):
        script = run_binary("completion", "bash")
        self.assertEqual(script.returncode, 0)
        done = subprocess.run(["bash", "--norc", "-uc", ASK, "bash", "ocu-appliance", *words], env={"SCRIPT": script.stdout, "PATH": "/usr/bin:/bin"},
                              capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return set(done.stdout.split())

    def test_the_words_that_may_come_next(self):
        self.assertLessEqual({"run", "ctl", "audit", "completion"}, self.completed(""))
        self.assertNotIn("helper", self.completed(""))
        self.assertEqual(self.completed("ct"), {"ctl"})
        self.assertLessEqual({"status", "kill-all", "callers", "--json"}, self.completed("ctl", ""))
        self.assertEqual(self.completed("ctl", "--socket", "/x", "kill"), {"kill", "kill-all"})
        self.assertEqual(self.completed("ctl", "--json", "callers", "re"), {"revoke", "reset"})
        self.assertEqual(self.completed("ctl", "callers", "add", "--e"), {"--expires"})
        self.assertEqual(self.completed("ctl", "callers", "add", ""), {"--socket", "--json", "--help", "--expires", "--overlap"})
        self.assertEqual(self.completed("ctl", "--socket", ""), set())
        self.assertEqual(self.completed("run", ""), set())

    def test_no_other_shell(self):
        self.assertEqual(run_binary("completion", "zsh").returncode, 2)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of docs/operating that are followed in a hurry: every line that they tell an operator to type is typed here, as it stands, in their order."""

import os
import re
import shutil
import subprocess
import tempfile

from support.appliance import setting, wait_until
from support.case import ApplianceCase

PAGES = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "docs", "operating")
BLOCK = re.compile(r"^```\n(.*?)^```$", re.M | re.S)


def commands(page):
    with open(os.path.join(PAGES, page), encoding="utf-8") as file:
        return [line for block in BLOCK.findall(file.read()) for line in block.splitlines()]


class OperatingPages(ApplianceCase):
    callers = ("dev", "suspect")

    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix="ocu-page.", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.folder)
        os.symlink(setting("OCU_BINARY"), os.path.join(self.folder, "ocu-appliance"))
        os.symlink(self.appliance.state, os.path.join(self.folder, "STATE"))

    def type(self, line, **words):
        for name, value in words.items():
            line = re.sub(rf"\b{name}\b", value, line)
        done = subprocess.run(["bash", "-c", line], cwd=self.folder, env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, f"{line}: {done.stdout}")
        return done.stdout

    def test_incident(self):
        self.assertEqual(self.client.bash("echo begun; curl -s -m 5 http://192.0.2.7/; true").splitlines()[0], "begun")
        session = self.appliance.ctl("sessions")["sessions"][0]["id"]
        lines = commands("incident.md")
        self.assertGreater(len(lines), 10)
        said = {line.split(" STATE/operator.sock ")[-1]: self.type(line, ID=session, CALLER="suspect") for line in lines}
        self.assertIn("egress_denied", next(text for line, text in said.items() if "egress_denied" in line))
        self.assertIn("session_kill", next(text for line, text in said.items() if "replay" in line))
        self.assertTrue(os.path.getsize(os.path.join(self.folder, "record.tar.zst")) > 1000)
        # The last word was `thaw`: a caller is served again.
        self.assertTrue(wait_until(lambda: not self.appliance.ctl("sessions")["sessions"], 10))
        self.assertEqual(self.client.bash("echo again").strip(), "again")


if __name__ == "__main__":
    import unittest

    unittest.main()

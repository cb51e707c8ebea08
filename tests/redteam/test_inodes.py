# SPDX-License-Identifier: GPL-3.0-or-later
"""Files without end and without content: who makes them is stopped, and nobody else notices (T-06)."""

import os

from support.attempts import PRELUDE
from support.case import ApplianceCase, on_gvisor

LIMIT = 2000

FILL = r"""
import sys
count, why = 0, 'none'
try:
    while count < 5000:
        os.close(os.open(sys.argv[1] + '/f%d' % count, os.O_CREAT | os.O_WRONLY))
        count += 1
except OSError as error: why = os.strerror(error.errno)
print(count, why, flush=True)
"""


class Inodes(ApplianceCase):
    changes = {"sandbox": {"limits": {"scratch_inodes": LIMIT}}}
    stopped = True  # whether the tier counts files, or only the memory that they take

    def fill(self, folder):
        self.client.call("create_file", path="/workspace/fill.py", file_text=PRELUDE + FILL)
        count, why = self.client.bash(f"python3 /workspace/fill.py {folder}", timeout_s=60).strip().split(" ", 1)
        return int(count), why

    def check(self, folder):
        def free():
            return [os.statvfs(each).f_ffree for each in ("/", self.appliance.state)]

        other = self.chat("beside-" + self.client.chat)
        other.bash("true")
        before = free()
        count, why = self.fill(folder)
        if self.stopped:
            self.assertLess(count, LIMIT)
            self.assertEqual(why, "No space left on device")
        else:
            self.assertEqual(why, "none")  # when this goes red, SECURITY.md says too little of the tier
        self.assertEqual(other.bash(f"for i in $(seq 200); do : > {folder}/g$i || exit; done; ls {folder} | grep -c g").split(), ["200"])
        self.assertTrue(all(was - now < 1500 for was, now in zip(before, free())), (before, free()))
        # Who made them can take them away again and go on.
        self.assertEqual(self.client.bash(f"cd {folder}; find . -name 'f*' -type f -delete; echo again > again; cat again").strip(), "again")

    def test_of_workspace(self):
        self.check("/workspace")

    def test_of_tmp(self):
        self.check("/tmp")


class InodesOnGvisor(on_gvisor(Inodes)):
    # gVisor's memory file system has no count of files: what holds there is the memory of the sandbox, on the host.
    stopped = False

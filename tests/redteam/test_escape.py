# SPDX-License-Identifier: GPL-3.0-or-later
"""Tries to get out, from inside a real sandbox: every attempt is refused, on each tier, and none hangs or is broken (SX-2, SX-4, SX-7, T-04, T-05, T-06, T-07, T-12, R)."""

import os

from support.attempts import not_refused, tried
from support.case import ApplianceCase, on_gvisor
from ways import ESCAPE, GRANTED_BY_GVISOR, HELP



class Escape(ApplianceCase):
    # What a tier's own kernel grants inside, because it is not the host's. No more than that, and no less: the table says so.
    granted = {}

    def test_every_way_out_is_refused(self):
        outcomes, text = tried(self, self.client, ESCAPE, HELP)
        self.assertEqual(not_refused(outcomes), dict.fromkeys(self.granted, "THROUGH"), text)

    def test_root_inside_is_nobody_outside(self):
        self.client.bash("sleep 30 >/dev/null 2>&1 &")
        agents = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    line = file.read()
                with open(f"/proc/{entry}/status", encoding="utf-8") as file:
                    uid = int(next(each for each in file if each.startswith("Uid:")).split()[1])
            except (OSError, StopIteration):
                continue
            if line.startswith(b"sleep\x0030"):
                agents.append(uid)
        self.assertTrue(all(uid >= 1_000_000 for uid in agents), agents)

    def test_other_sessions_and_host_processes_are_invisible(self):
        other = self.chat("neighbour-of-" + self.client.chat)
        other.bash("sleep 77 >/dev/null 2>&1 &")
        self.assertEqual(self.client.bash("cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c '[s]leep 77'").split()[0], "0")

    def test_nothing_tells_the_host_apart(self):
        text = self.client.bash("cat /proc/self/mountinfo /proc/self/cgroup /etc/hostname /etc/hosts; env; ls -la / /run /mnt")
        for inside in (self.appliance.state, self.appliance.folder, self.appliance.token, os.uname().nodename + " ", os.path.dirname(os.environ["OCU_IMAGE"])):
            self.assertNotIn(inside, text)

    def test_abstract_sockets_of_the_host_are_absent(self):
        self.assertIn(self.client.bash("grep -c '@' /proc/net/unix").split()[0], ("0", "[Exit", "grep:", "[No"))


class EscapeOnGvisor(on_gvisor(Escape)):
    granted = GRANTED_BY_GVISOR

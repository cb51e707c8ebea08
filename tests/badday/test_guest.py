# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest that floods, bombs, hogs, fills and kills: it is the only victim (SX-2, SX-5, T-05, T-06, T-07, T-13)."""

import threading
import time

from support.appliance import children_of, wait_until
from support.case import ApplianceCase, on_gvisor
from support.mcp import Mcp, Refused


def resident_bytes(pid):
    try:
        with open(f"/proc/{pid}/statm", encoding="utf-8") as file:
            fields = file.read().split()
        return (int(fields[1]) - int(fields[2])) * 4096
    except OSError:
        return 0


class Guest(ApplianceCase):
    changes = {"sandbox": {"limits": {"memory_mib": 256, "pids": 256, "scratch_mib": 64}}}

    def setUp(self):
        super().setUp()
        self.neighbour = self.chat("neighbour")
        self.neighbour.bash("echo here > /workspace/x")

    def tearDown(self):
        started = time.monotonic()
        self.assertEqual(self.neighbour.bash("cat /workspace/x").strip(), "here")
        self.assertLess(time.monotonic() - started, 10)
        self.appliance.ctl("status")
        for session in self.appliance.ctl("sessions")["sessions"]:
            if session["chat"] != "neighbour":
                self.appliance.ctl("kill", session["id"])

    def host_memory(self):
        helpers = [pid for pids in self.appliance.helpers().values() for pid in pids]
        return sum(map(resident_bytes, [self.appliance.pid, *helpers]))

    def answered(self, client, command, **arguments):
        """What the call came to; a guest may lose its session, but never without an answer."""
        try:
            return client.bash(command, **arguments)
        except Refused as error:
            return str(error)

    def test_output_flood_keeps_host_memory_flat(self):
        self.client.bash("true")
        before, peak, stop = self.host_memory(), [0], threading.Event()

        def watch():
            while not stop.wait(0.1):
                peak[0] = max(peak[0], self.host_memory())

        thread = threading.Thread(target=watch)
        thread.start()
        text = self.client.bash("yes", timeout_s=3)
        stop.set()
        thread.join()
        self.assertLess(len(text), 31_000)
        self.assertLess(peak[0] - before, 32 << 20)

    def test_flood_without_line_ends(self):
        self.assertLess(len(self.client.bash("head -c 100000000 /dev/zero | tr '\\0' x", timeout_s=20)), 31_000)

    def test_fork_bomb(self):
        self.answered(self.client, ":(){ :|:& };: ; sleep 2", timeout_s=4)
        self.assertTrue(wait_until(lambda: len(children_of(self.appliance.pid)) < 2000, 5))

    def test_memory_hog_is_the_one_that_dies(self):
        text = self.answered(self.client, "python3 -c \"x = bytearray(3 << 30); x[::4096] = b'x' * len(x[::4096]); print('GOT IT')\"", timeout_s=30)
        self.assertNotIn("GOT IT", text)

    def test_disk_filler_hits_its_own_limit(self):
        text = self.answered(self.client, "dd if=/dev/zero of=/workspace/fill bs=1M count=4096 2>&1; df -m /workspace | tail -1; rm -f /workspace/fill",
                             timeout_s=60)
        self.assertNotIn("4294967296 bytes", text)

    def test_many_small_files_hit_a_limit(self):
        self.answered(self.client, "cd /tmp && timeout 8 python3 -c \"\ni = 0\nwhile True:\n open(str(i), 'w').close()\n i += 1\n\" 2>&1 | tail -1; rm -rf /tmp/*",
                      timeout_s=30)

    def test_guest_cannot_kill_its_agent_or_ends_with_it(self):
        self.answered(self.client, "kill -9 1; kill -9 -1; echo survived", timeout_s=5)
        text = self.answered(self.client, "echo alive", timeout_s=10)
        self.assertTrue("alive" in text or "session" in text, text)
        self.assertEqual(self.chat(self.client.chat + "-after").bash("echo fresh").strip(), "fresh")

    def test_children_stopped_as_they_start_stop_nobody_else(self):
        # A child that is about to become the command has the agent's memory, and the agent waits for it.
        stopper = "import os, time\nprint('on', flush=True)\nend = time.monotonic() + 300\nwhile time.monotonic() < end:\n  try: os.kill(-1, 19)\n  except OSError: pass"
        self.answered(self.client, f'python3 -c "{stopper}" >/tmp/said 2>&1 & sleep 1; cat /tmp/said', timeout_s=3)
        started = time.monotonic()
        for number in range(3):
            self.answered(self.client, f"echo through-{number}", timeout_s=2)
        self.assertLess(time.monotonic() - started, 40)

    def test_background_children_that_hold_the_output_open_do_not_hang_the_call(self):
        started = time.monotonic()
        self.assertIn("begun", self.client.bash("sleep 300 & echo begun", timeout_s=20))
        self.assertLess(time.monotonic() - started, 15)

    def test_terminal_bytes_come_back_as_text(self):
        text = self.client.bash(r"printf '\033]0;x\007\033[2J\xff\xfe\x00end'")
        self.assertIn("end", text)

    def test_session_ceiling_is_refused_before_cost(self):
        clients = [Mcp(self.appliance, chat=f"many-{number}", timeout=30) for number in range(40)]
        refused = 0
        for client in clients:
            try:
                client.bash("true")
            except Refused as error:
                self.assertIn("too_many_sessions", str(error))
                refused += 1
            client.close()
        self.assertGreater(refused, 0)


class GuestOnGvisor(on_gvisor(Guest)):
    test_session_ceiling_is_refused_before_cost = None
    test_many_small_files_hit_a_limit = None

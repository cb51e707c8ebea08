# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that others wrote to bring a kernel down, inside a real sandbox of each tier: each did something, and nobody else noticed (SX-2, SX-4, SX-5,
SX-6, T-04, T-05, T-06, T-12, T-13). The list is `programs.py`."""

import hashlib
import os
import shutil
import subprocess
import time

from programs import BEFORE, FALLS, PROGRAMS, SECONDS
from support.appliance import wait_until
from support.case import ApplianceCase, on_gvisor
from support.mcp import Refused, text_of

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KILL_SECONDS_MAX = 5
TRIES = 3  # a program may well bring its own sandbox down; in one of these it has to live long enough to say what it did
TOLD = [f"/proc/sys/kernel/{each}" for each in ("core_pattern", "modprobe", "hostname", "domainname", "sysrq", "randomize_va_space", "tainted", "panic",
                                               "dmesg_restrict", "kptr_restrict")]
TOLD += ["/proc/swaps", "/proc/sys/vm/overcommit_memory", "/proc/sys/fs/protected_symlinks", "/proc/sys/net/ipv4/ip_forward"]


def fetch():
    """The file system with the programs."""
    return subprocess.run([f"{ROOT}/scripts/toolchain/adversaries"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def digest():
    with open(fetch(), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def ship(state):
    folder = os.path.join(os.path.dirname(state), "mounts")
    os.mkdir(folder)
    shutil.copyfile(fetch(), os.path.join(folder, "adversaries.erofs"))


def host_now():
    """What a guest that got through to this kernel could have changed; `tainted` is how the kernel says that it met a fault of its own."""
    told = {}
    for path in TOLD:
        try:
            with open(path, encoding="utf-8") as file:
                told[path] = file.read()
        except OSError:
            told[path] = "absent"
    return told


class Others(ApplianceCase):
    changes = {"sandbox": {"mounts": [{"name": "adversaries", "sha256": ""}], "limits": {"memory_mib": 512, "pids": 256, "scratch_mib": 128}}}
    prepare_state = staticmethod(ship)
    which = 0  # of `least`

    @classmethod
    def setUpClass(cls):
        cls.changes["sandbox"]["mounts"][0]["sha256"] = digest()
        super().setUpClass()
        cls.standing = {name: sorted(pids) for name, pids in cls.appliance.helpers().items()}

    def setUp(self):
        super().setUp()
        self.neighbour = self.chat("neighbour-of-others")
        if not getattr(type(self), "settled", False):
            self.neighbour.bash("echo here > /workspace/file; echo there > /mnt/user-data/outputs/file")
            self.neighbour.call("process_start", command="exec sleep 100000", wait_s=0)
            type(self).settled = True
        self.host, self.clock = host_now(), time.time() - time.monotonic()

    def tearDown(self):
        """Nobody but who ran it has noticed anything."""
        self.assertEqual(self.neighbour.bash("cat /workspace/file /mnt/user-data/outputs/file; ls /workspace /mnt/user-data/outputs").split(),
                         ["here", "there", "/mnt/user-data/outputs:", "file", "/workspace:", "file"])
        self.assertIn("1  is running", text_of(self.neighbour.call("process_list")))
        self.assertTrue(self.appliance.alive())
        now = self.appliance.helpers()
        self.assertEqual({name: sorted(set(now.get(name, [])) & set(pids)) for name, pids in self.standing.items()}, self.standing)
        self.assertEqual(host_now(), self.host)
        self.assertLess(abs(time.time() - time.monotonic() - self.clock), 2, "the host's clock was set")
        done = self.appliance.verify_audit()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def session_of(self, chat):
        return next((each["id"] for each in self.appliance.ctl("sessions")["sessions"] if each["chat"] == chat), None)

    def ended_by_us(self, chat, alive=False):
        """The end of a session that may still be busy, within its bound; unless `alive`, it may have ended by itself a moment before."""
        session = self.session_of(chat)
        if session is None:
            return
        started = time.monotonic()
        done = self.appliance.ctl("kill", session, expect=None)
        self.assertLess(time.monotonic() - started, KILL_SECONDS_MAX)
        self.assertTrue('"killed":1' in done.stdout or not alive and "unknown_session" in done.stderr, done.stdout + done.stderr)
        self.assertTrue(wait_until(lambda: self.session_of(chat) is None, 20))

    def run_program(self, program):
        """All that it wrote, in the first sandbox that lived until it had; nothing when none did."""
        for number in range(1 if program.least[self.which] == FALLS else TRIES):
            client = self.chat(f"{program.name.split()[-1]}-{number}", timeout=SECONDS + 100)
            try:
                return client.bash(BEFORE + program.script, timeout_s=SECONDS + 60)
            except Refused as error:
                self.assertIn("session_ended", str(error))
            finally:
                client.close()
                self.ended_by_us(client.chat)
        return None

    def check(self, program):
        text = self.run_program(program)
        if program.least[self.which] == FALLS:
            self.assertIsNone(text, "what it brought down before stands now: programs.py says too much")
            return
        self.assertIsNotNone(text, "its sandbox ended each time")
        made = program.made(text)
        self.assertEqual([each for each in program.all_of if each not in made], [], text)
        did = sorted(name for name, count in made.items() if count)
        print(f"        {program.name}: {len(did)} of {len(made)}", flush=True)
        self.assertGreaterEqual(len(did), program.least[self.which], f"{did}\n{text}")

    def test_a_sandbox_is_ended_while_a_program_is_at_it(self):
        """T-13: its end needs nothing of it, however busy it is."""
        client = self.chat("ended-meanwhile")
        script = next(each for each in PROGRAMS if each.name.endswith("calls")).script.replace(f"--timeout {SECONDS}s", "--timeout 1000s")
        heard = text_of(client.call("process_start", command=BEFORE + script, wait_s=5))
        deadline = time.monotonic() + 30
        while "dispatching hogs" not in heard:
            self.assertLess(time.monotonic(), deadline, heard)
            heard += text_of(client.call("process_read", process=1, wait_s=5))
        self.ended_by_us(client.chat, alive=True)


def test_of(program):
    def test(self):
        self.check(program)
    test.__doc__ = f"{program.threat}: {program.what}"
    return test


for each in PROGRAMS:
    setattr(Others, "test_" + each.name.replace("stress-ng: ", "stress_").replace(" ", "_").replace("-", "_"), test_of(each))
del each


class OthersOnGvisor(on_gvisor(Others)):
    which = 1
    settled = False

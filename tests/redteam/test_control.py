# SPDX-License-Identifier: GPL-3.0-or-later
"""The red team's own control: what is refused in a sandbox gets through here, as root on the host, in namespaces and on an overlay that are
thrown away. An attempt that gets through nowhere proves nothing by being refused (T-04, T-05, T-07, T-08, T-12)."""

import os
import subprocess
import sys
import tempfile
import unittest

from support.attempts import MUST, Way, not_refused, read_outcomes, script_of
from ways import ASK, ESCAPE, HELP, METADATA, MOUNT, MOUNT_TOP, NOTATIONS

# The first process stays a shell, as the agent is the first process of a sandbox; it has a pipe that can be taken from it, and leaves it
# open to the attempts. Nothing is written but into memory: the root is an overlay, and what the guest has of its own lies in memory.
STAGE = r"""
trap '' INT TERM HUP QUIT
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" overlay "$1/root" || exit 77
mkdir -p "$1/root/workspace" "$1/root/mnt" "$1/root/tmp" "$1/root/run"
for each in workspace mnt tmp run; do mount -t tmpfs none "$1/root/$each"; done
mkdir -p "$1/root/mnt/user-data"
mount -t tmpfs none "$1/root/mnt/user-data"
mkdir "$1/root/mnt/user-data/outputs" "$1/root/mnt/user-data/uploads"
mount -t proc none "$1/root/proc"
mount --rbind /sys "$1/root/sys"
mount --rbind /dev "$1/root/dev"
cat > "$1/root/workspace/attempts.py"
mkfifo "$1/root/workspace/pipe"
exec 5<>"$1/root/workspace/pipe"
chroot "$1/root" "$2" -I /workspace/attempts.py 2>&1 </dev/null
exit 0
"""

# Each attempt has mounts of its own, so that one does not take away what the next one needs, and no attempt sees the host's key rings.
ALONE = r"""
libc.syscall(ctypes.c_long(250), 1, None)
def before(): libc.unshare(0x20000)
"""

# In a network of nobody's: the loopback interface has every address that the notations name, and one server answers on all of them.
ANSWERS = r"""
subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
for address in %r:
    subprocess.run(['ip', 'address', 'replace', address, 'dev', 'lo'] + (['nodad'] if ':' in address else []), check=True)
door = socket.create_server(('::', 80), family=socket.AF_INET6, dualstack_ipv6=True)
if os.fork() == 0:
    while True:
        with door.accept()[0] as peer:
            peer.recv(4096)
            peer.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')
door.close()
"""


class Control(unittest.TestCase):
    def on_the_host(self, ways, preamble):
        """What became of each of `ways` that would not change the host."""
        ways = [way for way in ways if way.control in ("", MUST)]
        with tempfile.TemporaryDirectory(prefix="ocu-control-") as folder:
            done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--ipc", "--uts", "--net", "sh", "-euc", STAGE, "sh", folder,
                                   os.path.realpath(sys.executable)], input=script_of(ways, preamble + ALONE), capture_output=True, text=True, check=False, timeout=120)
        if done.returncode == 77:
            self.skipTest("this kernel has no overlay for a root to throw away: " + done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stderr)
        return read_outcomes(self, ways, done.stdout), done.stdout + done.stderr

    def check(self, ways, preamble, least):
        outcomes, text = self.on_the_host(ways, preamble)
        must = sorted(way.name for way in ways if way.control == MUST)
        self.assertGreaterEqual(len(must), least)
        self.assertEqual([name for name in must if outcomes[name] != "THROUGH"], [], text)
        self.assertNotIn("HUNG", not_refused(outcomes).values(), text)

    def test_ways_out_get_through_where_nothing_holds_them(self):
        self.check(ESCAPE, HELP, 45)

    def test_tricks_on_the_file_mount_work_where_nothing_holds_them(self):
        self.check(MOUNT, MOUNT_TOP, 7)

    def test_every_notation_of_the_metadata_address_leads_somewhere(self):
        hosts = [host.strip("[]") for name, host in NOTATIONS.items() if host.startswith("[") and not name.startswith("mapped")]
        hosts += [host for host in NOTATIONS.values() if host.count(".") == 3 and not host.startswith(("0", "["))]
        self.check(METADATA, ASK + ANSWERS % hosts, 25)

    def outcome_of(self, call):
        made = [Way("one", "T-04", call)]
        done = subprocess.run([sys.executable, "-I", "-c", script_of(made, "patience_s = 1\n")], capture_output=True, text=True, check=False, timeout=30)
        return read_outcomes(self, made, done.stdout)["one"]

    def test_the_four_outcomes(self):
        for call, outcome in (("1", "THROUGH"), ("0", "REFUSED"), ("os.open('/absent', 0)", "REFUSED"), ("os.kill(os.getpid(), signal.SIGSYS)", "REFUSED"),
                              ("signal.pause()", "HUNG")):
            self.assertEqual(self.outcome_of(call), outcome, call)
        for broken in ("absent()", "struct.pack('i', 'x')", "os.open(None, 0)", "ctypes.string_at(0)", "os.absent"):
            with self.assertRaises(self.failureException, msg=broken):
                self.outcome_of(broken)

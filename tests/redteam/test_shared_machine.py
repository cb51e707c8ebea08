# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest could learn of the machine and its neighbours, or take away from them (T-05, T-06, T-07, T-08, T-13)."""

import os
import time

from support.appliance import wait_until
from support.attempts import PRELUDE, not_refused, tried
from support.case import ApplianceCase, on_gvisor
from support.mcp import Refused
from ways import ASK, METADATA, MOUNT, MOUNT_TOP, REACH_FOUR, REACH_SIX

# T-05: an answer of even one byte is a way out, unless it is the lane's own refusal, by rule or because of what the address is.
REACH = r"""
import threading
said = {}
def ask(name, family, host, port):
    try:
        made = socket.socket(family, socket.SOCK_STREAM)
        made.settimeout(4)
        made.connect((host, port))
        made.sendall(b'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
        got = made.recv(4096)
        ours = any(b'\r\nx-deny-reason: ' + reason + b'\r\n' in got for reason in (b'not_allowed', b'address_denied'))
        refused = got.startswith(b'HTTP/1.1 403 ') and ours and not host.startswith('127')
        said[name] = bool(got) and not refused
    except OSError:
        said[name] = False
PORTS = [%(ports)s]
FOUR, SIX = %(four)s, %(six)s
work = [threading.Thread(target=ask, args=(host + '/' + str(port), family, host, port))
        for family, hosts in ((socket.AF_INET, FOUR), (socket.AF_INET6, SIX)) for host in hosts for port in PORTS + [22, 80]]
for each in work: each.start()
for each in work: each.join()
for name, got in said.items(): print(name, 'THROUGH' if got else 'REFUSED', flush=True)
"""

RACE = r"""
top = '/mnt/user-data/outputs/'
os.makedirs(top + 'real/in', exist_ok=True)
open(top + 'real/in/passwd', 'w').write('mine')
os.symlink('/etc', top + 'trap')
if os.fork() == 0:
    end = time.time() + 2
    while time.time() < end:
        try: libc.renameat2(-100, (top + 'real/in').encode(), -100, (top + 'trap').encode(), 2)
        except OSError: pass
    os._exit(0)
end, seen = time.time() + 2, set()
while time.time() < end:
    for name in ('real/in/new', 'trap/new'):
        try: open(top + name, 'w').write('x')
        except OSError: pass
    for at in ('real/in', 'trap'):
        try: os.chmod(top + at + '/passwd', 0o666)
        except OSError: pass
os.wait()
print('raced', sorted(os.listdir(top)))
"""


class SharedMachine(ApplianceCase):
    own_kernel = False

    def script(self, text, timeout_s=30):
        self.client.call("create_file", path="/workspace/script.py", file_text=PRELUDE + text)
        return self.client.bash("python3 /workspace/script.py 2>&1", timeout_s=timeout_s)

    # T-05: no service of the host answers, the MCP and files ports least of all.
    def test_nothing_answers_from_inside(self):
        text = self.script(REACH % {"ports": f"{self.appliance.port}, {self.appliance.files_port}", "four": REACH_FOUR, "six": REACH_SIX})
        self.assertEqual(len(text.splitlines()), len(REACH_FOUR + REACH_SIX) * 4, text)
        self.assertNotIn("THROUGH", text)

    # T-05: however the address of a cloud's credentials is written.
    def test_metadata_is_not_reached_in_any_notation(self):
        outcomes, text = tried(self, self.client, METADATA, ASK)
        self.assertEqual(not_refused(outcomes), {}, text)

    # T-05: the machine's device events must not tell a guest that a neighbour came or went.
    def test_device_events_of_the_machine_are_not_heard(self):
        self.client.call("create_file", path="/workspace/listen.py", file_text=PRELUDE + r"""
heard = []
try:
    ear = socket.socket(16, socket.SOCK_RAW, 15)
    ear.bind((0, 1))
    ear.settimeout(2)
    while True: heard.append(ear.recv(4096))
except OSError: pass
open('/workspace/heard', 'w').write(str(len(heard)))
""")
        self.client.bash("python3 /workspace/listen.py >/dev/null 2>&1 & sleep 0.5")
        self.chat("comes-and-goes").bash("true")
        self.assertTrue(wait_until(lambda: self.client.bash("cat /workspace/heard 2>/dev/null").strip().isdigit(), 5, 0.3))
        self.assertEqual(self.client.bash("cat /workspace/heard").strip(), "0")

    # T-06: terminals are counted for the whole machine.
    def test_terminals_are_bounded_for_each_guest(self):
        text = self.script(r"""
held = []
try:
    while len(held) < 1000: held.append(os.open('/dev/ptmx', os.O_RDWR | os.O_NOCTTY))
except OSError: pass
print(len(held))
""")
        if not self.own_kernel:
            self.assertLessEqual(int(text.split()[0]), 64)
            self.assertGreaterEqual(int(text.split()[0]), 8)

    # T-06: bytes in the buffers of its own connections are the guest's memory, not the machine's.
    def test_socket_buffers_do_not_fill_the_machine(self):
        def pages():
            with open("/proc/net/sockstat", encoding="ascii") as file:
                return int(next(line for line in file if line.startswith("TCP:")).split("mem ")[1])

        before = pages()
        self.client.call("create_file", path="/workspace/hoard.py", file_text=PRELUDE + r"""
door = socket.socket()
door.bind(('127.0.0.1', 0))
door.listen(1024)
held, end = [], time.time() + 2
try:
    while time.time() < end and len(held) < 400:
        pair = [socket.create_connection(door.getsockname()), door.accept()[0]]
        held += pair
        for each in pair:
            each.setblocking(False)
            try:
                while True: each.send(b'x' * 262144)
            except BlockingIOError: pass
except OSError: pass
print('hoarded', flush=True)
time.sleep(2)
""")
        self.client.bash("(python3 /workspace/hoard.py > /workspace/hoard.out 2>&1 &) ; for i in $(seq 30); do grep -q hoarded /workspace/hoard.out && break; "
                         "sleep 0.1; done", timeout_s=20)
        self.assertLess((pages() - before) * 4096, 128 << 20)
        self.assertEqual(self.chat("beside").bash("echo served").strip(), "served")

    # T-08: devices, links, owners, ids and sizes on the file mount.
    def test_tricks_on_the_file_mount(self):
        outcomes, text = tried(self, self.client, MOUNT, MOUNT_TOP)
        self.assertEqual(not_refused(outcomes), {}, text)

    # T-08: what is a directory now and a link to /etc the next moment never leads the broker out.
    def test_renames_against_the_broker(self):
        def host():
            return os.stat("/etc/passwd").st_mode, os.stat("/etc/passwd").st_mtime_ns, sorted(os.listdir("/etc"))

        before = host()
        self.assertIn("raced", self.script(RACE))
        self.assertEqual(host(), before)

    # T-08, T-06: whatever a tier's own kernel says of it, no file on the host is larger than a file may be.
    def test_huge_files_are_not_made(self):
        self.client.bash("cd /mnt/user-data/outputs; for size in 64M 1T 1P 7E; do truncate -s $size huge-$size; fallocate -l $size more-$size; "
                         "dd if=/dev/zero of=far-$size bs=1 count=1 seek=$size; done; true", timeout_s=30)
        sizes = [os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(os.path.join(self.appliance.state, "store")) for name in names]
        self.assertLess(sum(sizes), 32 << 30, sizes)

    # T-08: what is left of a guest's tree on the host has no set-id bit and is no device, socket or pipe.
    def test_nothing_special_lies_in_the_store(self):
        self.script("top = '/mnt/user-data/outputs/'\n"
                    "for make in (lambda: os.mkfifo(top + 'p'), lambda: socket.socket(socket.AF_UNIX).bind(top + 's')):\n"
                    "    try: make()\n    except OSError: pass\n"
                    "open(top + 'f', 'w').close()\n"
                    "for mode in (0o4755, 0o2755, 0o7777):\n    try: os.chmod(top + 'f', mode)\n    except OSError: pass\n")
        for folder, folders, names in os.walk(os.path.join(self.appliance.state, "store")):
            for name in folders + names:
                mode = os.lstat(os.path.join(folder, name)).st_mode
                self.assertIn(mode & 0o170000, (0o100000, 0o040000, 0o120000), name)
                self.assertFalse(mode & 0o4000, name)

    # T-12: a command is given three descriptors and an environment without a secret.
    def test_a_command_inherits_nothing(self):
        text = self.client.bash("ls /proc/self/fd | wc -l; readlink /proc/self/fd/[012]; env; ls /run/ocu")
        self.assertEqual(text.split()[0], "4")  # 0, 1, 2 and the listing's own
        self.assertNotIn("socket:", text)
        self.assertNotRegex(text, r"(?i)token|bearer|secret|key=")
        self.assertEqual(text.split()[-1], "agent")

    # T-07: a line without an end, and bytes that would steer a terminal, come back bounded and as text.
    def test_output_is_bounded_text(self):
        text = self.client.bash(r"head -c 50000000 /dev/zero | tr '\0' '\033'; printf '\xed\xa0\x80\xf5\x80'", timeout_s=20)
        self.assertLess(len(text), 31_000)
        text.encode("utf-8")

    # T-13: neither a session of its own nor deafness to signals lets a process outlive its session.
    def test_nothing_survives_a_killed_session(self):
        self.client.bash("for i in 1 2 3; do (trap '' TERM HUP INT; setsid nohup setsid sleep 31.41 >/dev/null 2>&1 &) ; done; sleep 0.2")

        def alive():
            found = 0
            for entry in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{entry}/cmdline", "rb") as file:
                        found += file.read() == b"sleep\x0031.41\x00"
                except OSError:
                    continue
            return found

        if not self.own_kernel:
            self.assertEqual(alive(), 3)
        session = next(each for each in self.appliance.ctl("sessions")["sessions"] if each["chat"] == self.client.chat)
        started = time.monotonic()
        self.appliance.ctl("kill", session["id"])
        self.assertLess(time.monotonic() - started, 3)
        self.assertEqual(alive(), 0)
        self.assertNotIn("31.41", self.client.bash("cat /proc/[0-9]*/cmdline | tr '\\0' ' '").replace("cat /proc", ""))

    # T-17: a guest that is busy with everything at once does not delay its end.
    def test_a_busy_guest_dies_at_once(self):
        try:
            self.client.bash("for i in $(seq 40); do (while :; do :; done) & (while :; do cat /mnt/user-data/outputs/x; echo y >/mnt/user-data/outputs/x; done) & "
                             "done >/dev/null 2>&1; sleep 0.3", timeout_s=2)
        except Refused:
            pass
        session = next(each for each in self.appliance.ctl("sessions")["sessions"] if each["chat"] == self.client.chat)
        started = time.monotonic()
        self.appliance.ctl("kill", session["id"])
        self.assertLess(time.monotonic() - started, 3)


class SharedMachineOnGvisor(on_gvisor(SharedMachine)):
    own_kernel = True

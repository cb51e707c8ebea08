# SPDX-License-Identifier: GPL-3.0-or-later
"""Tries to get out, from inside a real sandbox: every attempt prints REFUSED or it got through (SX-2, SX-4, SX-7, T-04, T-05, T-12, R)."""

import os

from support.case import ApplianceCase, on_gvisor

ATTEMPTS = r"""
import ctypes, os, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
def attempt(name, call):
    # Each in a process of its own: some refusals are the end of whoever asked.
    child = os.fork()
    if child == 0:
        try: got = call()
        except BaseException: got = None
        os._exit(7 if got else 0)
    status = os.waitpid(child, 0)[1]
    print(name, 'THROUGH' if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 7 else 'REFUSED', flush=True)
def ok(result): return result == 0
def opened(path, flags=os.O_RDONLY):
    def go():
        fd = os.open(path, flags)
        return os.read(fd, 16) if flags == os.O_RDONLY else True
    return go
attempt('setuid', lambda: os.setuid(0) or True)
attempt('mount', lambda: ok(libc.mount(b'none', b'/mnt', b'tmpfs', 0, None)))
attempt('umount', lambda: ok(libc.umount2(b'/mnt/user-data', 2)))
attempt('pivot', lambda: ok(libc.syscall(155, b'/tmp', b'/tmp')))
attempt('chroot', lambda: os.chroot('/tmp') or True)
attempt('mknod', lambda: os.mknod('/workspace/sda', 0o60666, os.makedev(8, 0)) or os.open('/workspace/sda', os.O_RDONLY) >= 0)
attempt('kernel-module', lambda: ok(libc.syscall(175, b'x', 1, b'')))
attempt('reboot', lambda: ok(libc.reboot(0x01234567)))
attempt('swapon', lambda: ok(libc.swapon(b'/workspace/x', 0)))
attempt('settime', lambda: ok(libc.settimeofday(struct.pack('ll', 1, 1), None)))
attempt('hostname', lambda: ok(libc.sethostname(b'x', 1)))
attempt('bpf', lambda: libc.syscall(321, 5, struct.pack('40x'), 40) >= 0)
attempt('perf', lambda: libc.syscall(298, struct.pack('112x'), 0, -1, -1, 0) >= 0)
attempt('keyring', lambda: libc.syscall(248, b'user', b'x', b'y', 1, -3) >= 0)
attempt('userfaultfd', lambda: libc.syscall(323, 0) >= 0)
attempt('open-by-handle', lambda: libc.syscall(304, -100, struct.pack('16x'), 0) >= 0)
attempt('io-uring', lambda: libc.syscall(425, 8, struct.pack('120x')) >= 0)
attempt('setns', lambda: ok(libc.setns(os.open('/proc/1/ns/net', 0), 0)))
attempt('nested-user-namespace', lambda: ok(libc.unshare(0x10000000)))
attempt('nested-network-namespace', lambda: ok(libc.unshare(0x40000000)))
attempt('ptrace-agent', lambda: ok(libc.ptrace(16, 1, 0, 0)))
attempt('agent-memory', opened('/proc/1/mem'))
attempt('agent-descriptor', opened('/proc/1/fd/0'))
attempt('sysrq', opened('/proc/sysrq-trigger', os.O_WRONLY))
attempt('core-pattern', opened('/proc/sys/kernel/core_pattern', os.O_WRONLY))
attempt('sysctl', opened('/proc/sys/vm/drop_caches', os.O_WRONLY))
attempt('kcore', opened('/proc/kcore'))
attempt('kmsg', opened('/dev/kmsg'))
attempt('mem', opened('/dev/mem'))
attempt('fuse-device', opened('/dev/fuse', os.O_RDWR))
attempt('tun', opened('/dev/net/tun', os.O_RDWR))
attempt('shadow', opened('/etc/shadow'))
attempt('cgroup-release', opened('/sys/fs/cgroup/release_agent', os.O_WRONLY))
attempt('cgroup-write', opened('/sys/fs/cgroup/cgroup.procs', os.O_WRONLY))
attempt('docker-socket', lambda: socket.socket(socket.AF_UNIX).connect('/var/run/docker.sock') or True)
attempt('raw-socket', lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 255))
attempt('packet-socket', lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
attempt('vsock', lambda: socket.socket(40, socket.SOCK_STREAM).connect((2, 1)) or True)
attempt('write-root', opened('/usr/bin/bash', os.O_WRONLY))
attempt('write-readme', opened('/usr/share/ocu/README.md', os.O_WRONLY))
"""


class Escape(ApplianceCase):
    # What a tier's own kernel may grant inside, because it is not the host's: a namespace that gVisor makes is gVisor's.
    harmless = set()

    def test_every_way_out_is_refused(self):
        self.client.call("create_file", path="/workspace/attempts.py", file_text=ATTEMPTS)
        text = self.client.bash("python3 /workspace/attempts.py 2>&1", timeout_s=60)
        lines = [line.split() for line in text.splitlines() if line.strip()]
        self.assertGreaterEqual(len(lines), 38, text)
        through = {words[0] for words in lines if "REFUSED" not in words}
        self.assertEqual(through - self.harmless, set(), text)

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
    harmless = {"nested-user-namespace", "nested-network-namespace", "userfaultfd", "kmsg", "keyring", "fuse-device"}

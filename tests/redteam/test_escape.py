# SPDX-License-Identifier: GPL-3.0-or-later
"""Tries to get out, from inside a real sandbox: every attempt prints REFUSED or it got through (SX-2, SX-4, SX-7, T-04, T-05, T-12, R)."""

import os

from support.attempts import through
from support.case import ApplianceCase, on_gvisor

ATTEMPTS = r"""
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
attempt('agent-memory-map', opened('/proc/1/maps'))
attempt('agent-channel', lambda: [fd for fd in range(3, 32) if os.path.exists('/proc/1/fd/%d' % fd) and os.open('/proc/1/fd/%d' % fd, os.O_RDWR) >= 0])
attempt('agent-descriptor-taken', lambda: call(438, libc.syscall(434, 1, 0), 0, 0))
attempt('agent-read', lambda: libc.syscall(310, 1, (ctypes.c_void_p * 2)(0x400000, 8), 1, (ctypes.c_void_p * 2)(0x400000, 8), 1, 0) > 0)
attempt('agent-seized', lambda: ok(libc.ptrace(0x4206, 1, 0, 0)))
attempt('agent-compared', lambda: call(312, 1, 1, 0, 0, 0))
attempt('agent-signalled', lambda: [number for number in range(1, 65) if ok(libc.kill(1, number))])
attempt('agent-oom', opened('/proc/1/oom_score_adj', os.O_WRONLY))
attempt('agent-limits', lambda: ok(libc.prlimit(1, 7, struct.pack('QQ', 0, 0), None)))
attempt('agent-root', lambda: os.listdir('/proc/1/root/'))
attempt('new-mount-calls', lambda: call(430, b'proc', 0) or call(428, -100, b'/', 1) or call(442, -1, b'', 0, 0, 0))
attempt('fanotify', lambda: call(300, 0, 0))
attempt('kernel-log', lambda: call(103, 3, ctypes.create_string_buffer(64), 64))
attempt('keys-asked', lambda: call(249, b'user', b'x', b'y', -3))
attempt('key-control', lambda: call(250, 0, -3, 1))
attempt('ports', lambda: call(172, 3) or call(173, 0x80, 1, 1))
attempt('kexec', lambda: call(246, 0, 0, 0, 0))
attempt('accounting', lambda: call(163, b'/workspace/x'))
attempt('quota', lambda: call(179, 0x80000700, 0, 0, 0))
attempt('no-randomization', lambda: call(135, 0x40000))
attempt('other-architecture', lambda: call(0x40000000 | 39))
attempt('real-time', lambda: call(144, 0, 1, struct.pack('i', 50)))
attempt('crypto-socket', lambda: socket.socket(38, socket.SOCK_SEQPACKET, 0))
attempt('bluetooth-socket', lambda: socket.socket(31, socket.SOCK_RAW, 1))
for number, name in {2: 'usersock', 4: 'sock-diag', 6: 'xfrm', 7: 'selinux', 9: 'audit', 11: 'connector', 12: 'netfilter', 15: 'uevent', 16: 'generic'}.items():
    attempt('netlink-' + name, lambda: socket.socket(16, socket.SOCK_RAW, number))
attempt('asynchronous-io', lambda: call(206, 20000, ctypes.byref(ctypes.c_ulong(0))))
attempt('oom-immunity', lambda: os.write(os.open('/proc/self/oom_score_adj', os.O_WRONLY), b'-1000'))
attempt('write-agent', opened('/run/ocu/agent', os.O_WRONLY))
attempt('write-hosts', opened('/etc/hosts', os.O_WRONLY))
for name in ('cmdline', 'diskstats', 'partitions', 'swaps', 'iomem', 'ioports', 'key-users', 'kallsyms', 'keys', 'interrupts', 'modules',
             'sys/kernel/random/boot_id'):
    attempt('host-' + name.split('/')[-1], opened('/proc/' + name))
"""


class Escape(ApplianceCase):
    # What a tier's own kernel may grant inside, because it is not the host's: a namespace that gVisor makes is gVisor's.
    harmless = set()

    def test_every_way_out_is_refused(self):
        got, text = through(self, self.client, ATTEMPTS, 88)
        self.assertEqual(got - self.harmless, set(), text)

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
    harmless = {"nested-user-namespace", "nested-network-namespace", "userfaultfd", "kmsg", "keyring", "key-control", "fuse-device", "kernel-log",
                "netlink-uevent", "asynchronous-io", "oom-immunity", "agent-memory-map", "host-cmdline", "host-boot_id"}

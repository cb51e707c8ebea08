# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way out that the red team tries from inside a sandbox, with the threat that it stands for (SECURITY.md). As data, because three
readers share it: the tests, the control on the host, and the table in `docs/redteam.md`."""

from support.attempts import MUST, Way

LOADS = "opening it can load a kernel module"
HOST = "it would change the host"

KERNEL = [
    Way("setuid", "T-04", "os.setuid(0) or True", MUST),
    Way("mount", "T-04", "ok(libc.mount(b'none', b'/mnt', b'tmpfs', 0, None))", MUST),
    Way("umount", "T-04", "ok(libc.umount2(b'/mnt/user-data', 2))", MUST),
    Way("pivot", "T-04", "ok(asked(155, b'/tmp', b'/tmp'))"),
    Way("chroot", "T-04", "os.chroot('/tmp') or True", MUST),
    Way("mknod", "T-04", "made('/workspace/sda', 0o60666, os.makedev(8, 0))", "it would open the host's disk"),
    Way("mknod-zero", "T-04", "made('/workspace/zero', 0o20666, os.makedev(1, 5))", MUST),
    Way("kernel-module", "T-04", "ok(asked(175, b'x', 1, b''))", HOST),
    Way("reboot", "T-04", "ok(libc.reboot(0x01234567))", HOST),
    Way("swapon", "T-06", "ok(libc.swapon(b'/workspace/x', 0))", HOST),
    Way("settime", "T-04", "ok(libc.settimeofday(struct.pack('ll', 1, 1), None))", HOST),
    Way("hostname", "T-04", "ok(libc.sethostname(b'x', 1))", MUST),
    Way("bpf", "T-04", "call(321, 0, struct.pack('IIII56x', 2, 4, 4, 1), 72)", MUST),
    Way("perf", "T-04", "call(298, struct.pack('II104x', 1, 112), 0, -1, -1, 0)", MUST),
    Way("keyring", "T-04", "call(248, b'user', b'x', b'y', 1, -3)", MUST),
    Way("userfaultfd", "T-04", "call(323, 0)"),
    Way("open-by-handle", "T-04", "by_handle('/workspace')", MUST),
    Way("io-uring", "T-04", "call(425, 8, ctypes.create_string_buffer(120))"),
    Way("setns", "T-04", "ok(libc.setns(os.open('/proc/1/ns/net', 0), 0))", MUST),
    Way("nested-user-namespace", "T-04", "ok(libc.unshare(0x10000000))"),
    Way("nested-network-namespace", "T-04", "ok(libc.unshare(0x40000000))", MUST),
    Way("sysrq", "T-04", "taken('/proc/sysrq-trigger', os.O_WRONLY)", HOST),
    Way("core-pattern", "T-04", "taken('/proc/sys/kernel/core_pattern', os.O_WRONLY)", MUST),
    Way("core-pattern-written", "T-04", "os.write(os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY), b'|/workspace/x')", HOST),
    Way("sysctl", "T-04", "taken('/proc/sys/vm/drop_caches', os.O_WRONLY)", MUST),
    Way("modprobe-path", "T-04", "taken('/proc/sys/kernel/modprobe', os.O_WRONLY)"),
    Way("uevent-helper", "T-04", "taken('/sys/kernel/uevent_helper', os.O_WRONLY)"),
    Way("binfmt-register", "T-04", "os.write(os.open('/proc/sys/fs/binfmt_misc/register', os.O_WRONLY), b':x:E::x::/bin/true:')", HOST),
    Way("binfmt-mount", "T-04", "ok(libc.mount(b'binfmt_misc', b'/tmp', b'binfmt_misc', 0, None))", LOADS),
    Way("kcore", "T-12", "opened('/proc/kcore')"),
    Way("kmsg", "T-12", "opened('/dev/kmsg')"),
    Way("mem", "T-04", "taken('/dev/mem')"),
    Way("fuse-device", "T-04", "taken('/dev/fuse', os.O_RDWR)", LOADS),
    Way("tun", "T-05", "taken('/dev/net/tun', os.O_RDWR)", LOADS),
    Way("shadow", "T-12", "opened('/etc/shadow')", MUST),
    Way("cgroup-release", "T-04", "taken('/sys/fs/cgroup/release_agent', os.O_WRONLY)"),
    Way("cgroup-write", "T-04", "taken('/sys/fs/cgroup/cgroup.procs', os.O_WRONLY)"),
    Way("docker-socket", "T-04", "socket.socket(socket.AF_UNIX).connect('/var/run/docker.sock') or True"),
    Way("write-root", "T-04", "taken('/usr/bin/bash', os.O_WRONLY)"),
    Way("write-readme", "T-04", "taken('/usr/share/ocu/README.md', os.O_WRONLY)"),
    Way("write-hosts", "T-04", "taken('/etc/hosts', os.O_WRONLY)", MUST),
    Way("new-mount-calls", "T-04", "call(430, b'proc', 0) or call(428, -100, b'/', 1) or call(442, -1, b'', 0, 0, 0)", MUST),
    Way("fanotify", "T-05", "call(300, 0, 0)", MUST),
    Way("kernel-log", "T-12", "call(103, 3, ctypes.create_string_buffer(64), 64)", MUST),
    Way("kernel-log-size", "T-12", "call(103, 10, None, 0)", MUST),
    Way("kernel-log-unread", "T-12", "call(103, 9, None, 0)", MUST),
    Way("kernel-log-cleared", "T-09", "call(103, 5, None, 0)", HOST),
    Way("kernel-log-taken", "T-09", "call(103, 4, ctypes.create_string_buffer(64), 64)", HOST),
    Way("console-off", "T-09", "call(103, 6, None, 0)", HOST),
    Way("console-level", "T-09", "call(103, 8, None, 1)", HOST),
    Way("keys-asked", "T-12", "call(249, b'user', b'x', b'y', -3)", "the host's own program would be started to look for the key"),
    Way("key-control", "T-12", "call(250, 0, -3, 1)", MUST),
    Way("ports", "T-04", "call(172, 3) or call(173, 0x80, 1, 1)"),
    Way("kexec", "T-04", "call(246, 0, 0, 0, 0)", HOST),
    Way("accounting", "T-04", "call(163, b'/workspace/x')"),
    Way("quota", "T-04", "call(179, 0x80000700, 0, 0, 0)"),
    Way("no-randomization", "T-04", "call(135, 0x40000)", MUST),
    Way("other-architecture", "T-04", "call(0x40000000 | 39)"),
    Way("real-time", "T-06", "call(144, 0, 1, struct.pack('i', 50))"),
    Way("asynchronous-io", "T-06", "call(206, 20000, ctypes.byref(ctypes.c_ulong(0)))"),
    Way("oom-immunity", "T-06", "os.write(os.open('/proc/self/oom_score_adj', os.O_WRONLY), b'-1000')"),
    Way("new-privileges", "T-04", "libc.prctl(39, 0, 0, 0, 0) == 0", MUST),
    *[Way(f"set-id-{name}", "T-04", f"set_id('{folder}/')", MUST)
      for name, folder in (("workspace", "/workspace"), ("tmp", "/tmp"), ("outputs", "/mnt/user-data/outputs"))],
    *[Way(f"file-capability-{name}", "T-04", f"capable('{folder}/')", MUST)
      for name, folder in (("workspace", "/workspace"), ("tmp", "/tmp"), ("outputs", "/mnt/user-data/outputs"))],
]

SOCKETS = [
    Way("raw-socket", "T-05", "socket.socket(socket.AF_INET, socket.SOCK_RAW, 255)", MUST),
    Way("packet-socket", "T-05", "socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)", MUST),
    Way("vsock", "T-05", "socket.socket(40, socket.SOCK_STREAM).connect((2, 1)) or True", "it would speak to what the host runs on"),
    Way("crypto-socket", "T-04", "socket.socket(38, socket.SOCK_SEQPACKET, 0)", LOADS),
    Way("bluetooth-socket", "T-05", "socket.socket(31, socket.SOCK_RAW, 1)", LOADS),
    *[Way(f"netlink-{name}", "T-05", f"socket.socket(16, socket.SOCK_RAW, {number})", MUST if name in ("uevent", "generic") else LOADS)
      for number, name in ((2, "usersock"), (4, "sock-diag"), (6, "xfrm"), (7, "selinux"), (9, "audit"), (11, "connector"), (12, "netfilter"),
                           (15, "uevent"), (16, "generic"))],
]

# The agent is the first process inside; the descriptors that it has are its session's channel.
AGENT = [
    Way("ptrace-agent", "T-07", "ok(libc.ptrace(16, 1, 0, 0))", MUST),
    Way("agent-memory", "T-07", "taken('/proc/1/mem')", MUST),
    Way("agent-descriptor", "T-07", "taken('/proc/1/fd/0')", MUST),
    Way("agent-memory-map", "T-07", "opened('/proc/1/maps')", MUST),
    Way("agent-channel", "T-07", "[fd for fd in range(3, 64) if os.path.exists('/proc/1/fd/%d' % fd) and taken('/proc/1/fd/%d' % fd, os.O_RDWR)]", MUST),
    Way("agent-descriptor-taken", "T-07", "[fd for fd in range(64) if call(438, pid_fd(1), fd, 0)]", MUST),
    Way("agent-frame-forged", "T-07", "[fd for fd in range(3, 64) if forgeable(asked(438, pid_fd(1), fd, 0))]", MUST),
    Way("own-frame-forged", "T-07", "[fd for fd in range(3, 256) if forgeable(fd)]", MUST),
    Way("agent-read", "T-07", "read_of(1) > 0", MUST),
    Way("agent-seized", "T-07", "ok(libc.ptrace(0x4206, 1, 0, 0))", MUST),
    Way("agent-compared", "T-07", "call(312, 1, 1, 0, 0, 0)"),
    Way("agent-signalled", "T-07", "[number for number in range(1, 65) if ok(libc.kill(1, number))]", MUST),
    Way("agent-oom", "T-06", "taken('/proc/1/oom_score_adj', os.O_WRONLY)", MUST),
    Way("agent-limits", "T-06", "ok(libc.prlimit(1, 7, struct.pack('QQ', 0, 0), None))", MUST),
    Way("agent-root", "T-04", "os.listdir('/proc/1/root/')", MUST),
    Way("write-agent", "T-04", "taken('/run/ocu/agent', os.O_WRONLY)"),
]

HOST_TOLD = [
    Way("host-" + name.split("/")[-1], "T-12", f"opened('/proc/{name}')", MUST if name in ("cmdline", "interrupts", "sys/kernel/random/boot_id") else "")
    for name in ("cmdline", "diskstats", "partitions", "swaps", "iomem", "ioports", "key-users", "kallsyms", "keys", "interrupts", "modules",
                 "sys/kernel/random/boot_id")
]

ESCAPE = KERNEL + SOCKETS + AGENT + HOST_TOLD

HELP = r"""
def by_handle(path):
    handle = ctypes.create_string_buffer(struct.pack('Ii', 128, 0) + bytes(128))
    number = ctypes.c_int(0)
    call(303, -100, path.encode(), handle, ctypes.byref(number), 0)
    return call(304, os.open(path, os.O_RDONLY), handle, 0)
def pid_fd(pid): return asked(434, pid, 0)
def forgeable(fd):
    # Bytes into a socket or pipe that this process was never given.
    try:
        if fd < 0 or not (stat.S_ISSOCK(os.fstat(fd).st_mode) or stat.S_ISFIFO(os.fstat(fd).st_mode)): return False
        os.set_blocking(fd, False)
        return os.write(fd, bytes(32)) > 0
    except OSError: return False
def read_of(pid):
    try: at = int(open('/proc/%d/maps' % pid).read().split('-')[0], 16)
    except (OSError, ValueError): at = 0x400000
    here = ctypes.create_string_buffer(8)
    words = ctypes.c_void_p * 2
    return asked(310, pid, words(ctypes.addressof(here), 8), 1, words(at, 8), 1, 0)
def set_id(folder):
    # An effect is that the program is somebody else than who started it.
    path = folder + 'who'
    shutil.copy('/usr/bin/id', path)
    for owner in (0, 1, 1234):
        try: os.chown(path, owner, owner)
        except OSError:
            if owner: continue
        os.chmod(path, 0o6755)
        said = [subprocess.run([path, word], capture_output=True, text=True, timeout=3).stdout.strip() for word in ('-u', '-g')]
        if said != [str(os.getuid()), str(os.getgid())] and said != ['', '']: return said
def capable(folder):
    path = folder + 'able'
    shutil.copy('/usr/bin/id', path)
    os.setxattr(path, 'security.capability', b'\1\0\0\2' + b'\xff' * 16)
    return True
"""

# What gVisor may grant inside, because it is its own kernel's and not the host's, and why that is nothing.
GRANTED_BY_GVISOR = {
    "mknod-zero": "a device of gVisor's own making; it has none of the host's",
    "nested-user-namespace": "a namespace of gVisor's own",
    "kernel-log-size": "gVisor's own log, which is made up",
    "key-control": "a key ring of gVisor's own",
    "fuse-device": "gVisor's own FUSE, inside the sandbox",
    "kernel-log": "gVisor's own log, which is made up",
    "netlink-uevent": "gVisor's own; no event of the host is heard",
    "asynchronous-io": "done by gVisor in the guest's own memory",
    "oom-immunity": "a number that gVisor keeps; the host's limit counts the whole sandbox",
    "agent-memory-map": "addresses inside the sandbox; the memory itself is refused",
    "host-cmdline": "gVisor's own answer",
    "host-boot_id": "gVisor's own answer",
}

# On the file mount, each by name.
MOUNT_TOP = r"""
top = '/mnt/user-data/outputs/'
os.makedirs(top + 'd', exist_ok=True)
open(top + 'f', 'w').write('#!/bin/sh\nid -u\n')
"""
MOUNT = [
    Way("block-device", "T-08", "made(top + 'b', 0o60666, os.makedev(7, 0))", LOADS),
    Way("memory-device", "T-08", "made(top + 'c', 0o20666, os.makedev(1, 1))"),
    Way("null-device", "T-08", "made(top + 'n', 0o20666, os.makedev(1, 3))", MUST),
    Way("hard-link-in", "T-08", "os.link('/etc/passwd', top + 'h') or True"),
    Way("set-id", "T-08", "(os.chmod(top + 'f', 0o6755), os.stat(top + 'f').st_mode & 0o6000)[1]", MUST),
    Way("owner", "T-08", "os.chown(top + 'f', 0, 0) or True", MUST),
    Way("attribute", "T-08", "os.setxattr(top + 'f', 'security.capability', b'\\1\\0\\0\\2' + b'\\xff' * 16) or True", MUST),
    Way("uploads-written", "T-08", "open('/mnt/user-data/uploads/x', 'w')", MUST),
    Way("uploads-replaced", "T-08", "os.rename(top + 'd', '/mnt/user-data/uploads') or True"),
    Way("out-of-outputs", "T-08", "os.rename(top + 'd', '/mnt/user-data/d') or True", MUST),
    Way("huge-hole", "T-08", "os.pwrite(os.open(top + 'f', os.O_WRONLY), b'x', 1 << 44)", MUST),
    Way("dot-dot", "T-08", "os.path.exists('/mnt/user-data/outputs/../../../../var/tmp/ocu-test')"),
]

# What answers from inside: each of these, on the ports of the appliance's own fronts and on 22 and 80. An answer of even one byte is a way out.
REACH_FOUR = ("127.0.0.1", "127.0.0.2", "0.0.0.0", "169.254.169.254", "169.254.170.2", "100.64.0.1", "10.0.0.1", "172.17.0.1", "192.168.0.1", "8.8.8.8")
REACH_SIX = ("::1", "::", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:100.64.0.1", "fe80::1", "fd00:ec2::254", "64:ff9b::7f00:1")

# The address at which clouds give out credentials, written in every way that a program may read, and what stands for it elsewhere.
NOTATIONS = {
    "dotted": "169.254.169.254",
    "decimal": "2852039166",
    "hexadecimal": "0xa9fea9fe",
    "hexadecimal-dotted": "0xa9.0xfe.0xa9.0xfe",
    "octal": "025177524776",
    "octal-dotted": "0251.0376.0251.0376",
    "octal-padded": "000251.000376.000251.000376",
    "mixed": "169.0376.0xa9fe",
    "two-parts": "169.16689662",
    "three-parts": "169.254.43518",
    "mapped": "[::ffff:169.254.169.254]",
    "mapped-hexadecimal": "[::ffff:a9fe:a9fe]",
    "mapped-in-full": "[0:0:0:0:0:ffff:a9fe:a9fe]",
    "compatible": "[::a9fe:a9fe]",
    "nat64": "[64:ff9b::169.254.169.254]",
    "nat64-local": "[64:ff9b:1::a9fe:a9fe]",
    "6to4": "[2002:a9fe:a9fe::1]",
    "teredo": "[2001:0:a9fe:a9fe::5601:5601]",
    "isatap": "[fd00::5efe:a9fe:a9fe]",
    "amazon-six": "[fd00:ec2::254]",
    "google-six": "[fd20:ce::254]",
    "containers": "169.254.170.2",
    "alibaba": "100.100.100.200",
    "oracle": "192.0.0.192",
    "azure-wire": "168.63.129.16",
}
METADATA_NAMES = {
    "google-name": "metadata.google.internal",
    "amazon-name": "instance-data.ec2.internal",
    "name-that-says-it": "169.254.169.254.nip.io",
    "host-name": "host.docker.internal",
    "full-width": "\uff11\uff16\uff19.254.169.254",
}
METADATA = [Way(f"metadata-{name}", "T-05", f"answered('http://{host}/')", MUST) for name, host in NOTATIONS.items()]
METADATA += [Way(f"metadata-{name}", "T-05", f"answered('http://{host}/')") for name, host in METADATA_NAMES.items()]

ASK = r"""
def answered(url):
    # The lane's own refusal, by rule or because of what the address is, is no answer.
    got = subprocess.run(['curl', '-g', '-s', '-i', '-m', '3', '--noproxy', '*', url], capture_output=True).stdout
    ours = any(b'\r\nx-deny-reason: ' + reason + b'\r\n' in got for reason in (b'not_allowed', b'address_denied'))
    return bool(got) and not (got.startswith(b'HTTP/1.1 403 ') and ours)
"""

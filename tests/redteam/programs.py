# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that others wrote to bring a kernel down, and what of each is run inside a sandbox (`scripts/toolchain/adversaries`). As data, because two
readers share it: the tests, and the table in `docs/redteam.md`."""

import os
import re
from dataclasses import dataclass

SECONDS = 60 if os.environ.get("OCU_LONG") else 2
CALLS = 20_000 if os.environ.get("OCU_LONG") else 300
FALLS = -1  # the sandbox of whoever runs it is brought down, each time
HOME = "/mnt/ocu/adversaries"
BEFORE = f"export LD_LIBRARY_PATH={HOME}/lib PATH=$PATH:{HOME}/bin; mkdir -p /workspace/tried && cd /workspace/tried && "

# Calls that are the end of whoever makes them (appliance/profiles/launcher.h): with one in its dice trinity loses all its children in a moment.
# That each of them is refused is tried one by one in ways.py.
ENDING = ("init_module finit_module delete_module create_module kexec_load kexec_file_load reboot iopl ioperm swapon swapoff acct quotactl quotactl_fd "
          "nfsservctl uselib _sysctl lookup_dcookie")

# Perf events are its only descriptors that it waits for until it has them.
TRINITY = f"""mkdir -p v && touch v/a v/b v/c && trinity -L >known 2>&1
left=; for each in {ENDING}; do grep -q " $each : .64-bit" known && left="$left -x $each"; done
trinity -l off -a 64 -C 4 -V $PWD/v -P PF_INET --disable-fds=perf $left >said 2>&1 & pid=$!
for i in $(seq 400); do [ $(grep -c ' = ' said) -lt {CALLS} ] || break; sleep 0.1; done
kill -INT $pid; for i in $(seq 100); do kill -0 $pid 2>/dev/null || break; sleep 0.1; done; kill -KILL $pid 2>/dev/null
echo calls $(grep -c ' = ' said); tail -n 3 said"""


@dataclass(frozen=True)
class Program:
    """`script` runs in a directory of its own. `made` says from all that it wrote what it did, as numbers by name; `least` is how many of them must
    be above zero, on runc and on gVisor, or FALLS, and `all_of` those that it must have spoken of."""

    name: str
    threat: str
    what: str
    script: str
    made: object
    least: tuple
    all_of: tuple = ()


def calls_of_trinity(text):
    """One name for each hundred calls that came back."""
    found = re.search(r"^calls (\d+)$", text, re.M)
    return {f"hundred {number}": 1 for number in range(int(found.group(1)) // 100 if found else 0)}


def tries_of_crashme(text):
    return {number: 1 for number in re.findall(r"try (\d+), Badboy", text)}


def operations_of_stress(text):
    """Stressor to what it counts of itself, from its table; one that it left out, or that it could not count, has 0."""
    ends = " ".join(re.findall(r"^stress-ng: info:  \[\d+\] (?:skipped|passed|failed): \d+: (.*)$", text, re.M))
    found = {name: 0 for name in re.findall(r"([a-z0-9-]+) \(1\)", ends)}
    found.update({name: int(count) for name, count in re.findall(r"^stress-ng: metrc: \[\d+\] ([a-z0-9-]+) +(\d+) +\d+\.\d+ +\d+\.\d+ +\d+\.\d+ ", text, re.M)})
    return found


def capabilities_of(text):
    """What `capsh` says that this process has none of, and what binds it."""
    return {name: 1 for name, line in (("none held", "Current: ="), ("no more later", "no-new-privs=1"),
                                       ("bounded", "Bounding set =cap_kill,cap_setgid,cap_setuid")) if re.search(rf"{re.escape(line)}\)?$", text, re.M)}


def stress(name, threat, what, least, stressors, folder="."):
    words = " ".join(f"--{each} 1" for each in stressors.split())
    return Program(f"stress-ng: {name}", threat, f"{what}: {', '.join(stressors.split())}",
                   f"timeout -s KILL {SECONDS + 30} stress-ng --pathological --metrics --temp-path {folder} --timeout {SECONDS}s {words} 2>&1",
                   operations_of_stress, least, tuple(stressors.split()))


PROGRAMS = [
    Program("capsh", "T-04", "says what a process may", "capsh --print", capabilities_of, (3, 3)),
    Program("trinity", "T-04", "system calls at random, with arguments that are nearly right", TRINITY, calls_of_trinity, (CALLS // 100, CALLS // 100)),
    Program("crashme", "T-04", "random bytes, executed", f"timeout {SECONDS + 1} crashme +2000 666 50 00:00:{SECONDS + 2:02} 5 2>&1; true", tries_of_crashme, (10, 10)),
    stress("privileges", "T-04", "namespaces, mounts, keys, tracing and what else asks for a privilege", (6, 6),
           "unshare clone chroot cap set bind-mount umount ramfs module key kcmp ptrace seccomp userfaultfd io-uring handle prctl personality "
           "landlock fanotify swap loop binderfs quota mknod pidfd kvm uprobe apparmor reboot"),
    stress("calls", "T-04", "calls that are not there, bad addresses, bad values, instructions of the kernel's own", (5, 5),
           "enosys sysbadaddr sysinval x86syscall usersyscall priv-instr opcode bad-ioctl bad-altstack sigill vdso syscall"),
    # Not `ioport`: asking for a port ends whoever asks, and here that is all of stress-ng before it has begun.
    stress("what tells of the host", "T-12", "each file of proc, sys and dev, the kernel's log, physical memory", (2, 2),
           "procfs sysfs dev klog rawdev physpage physmmap pci efivar rtc cpu-online memhotplug watchdog sysinfo idle-page"),
    stress("network", "T-05", "sockets of each kind", (3, 3),
           "netlink-proc netlink-task rawsock rawpkt rawudp icmp-flood ping-sock af-alg udp udp-flood sock sockdiag sockabuse sockmany tun"),
    # gVisor's kernel falls over what this one asks of an interface, and its sandbox is all that falls.
    stress("network devices", "T-06", "what can be asked of an interface", (1, FALLS), "netdev"),
    stress("exhaustion", "T-06", "processes, memory, descriptors and queues without end", (8, 5),
           "fork vfork forkheavy zombie daemon resources mq msg shm shm-sysv sem-sysv memfd oom-pipe brk pty fd-fork open timer sigq rlimit fd-abuse pthread exec"),
    stress("file mount", "T-08", "the session's files", (8, 5),
           "acl xattr rename utime chown chmod dir fallocate inode-flags fpunch fiemap lockmix getdent touch chattr file-ioctl", "/mnt/user-data/outputs --fallocate-bytes 16M"),
]

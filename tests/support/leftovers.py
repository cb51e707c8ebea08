# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session or a whole appliance could leave on the host (T-13): processes, mounts, cgroups, network names, loop devices, files."""

import glob
import os
import socket

from support.appliance import TAGS, WORLD_NUMBERS, setting, wait_until

HELPER_UID_BASE = 884_000
SESSION_UID_BASE = 1_000_000
UID_END = 1_000_000 + 4096 * 65_536


# On a machine where other appliances run beside the tests, only what is surely ours is counted: OCU_SHARED says so.
SHARED = bool(os.environ.get("OCU_SHARED"))


def is_ours(pid):
    if not SHARED:
        return True
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            groups = file.read()
        return any(tag in groups for tag in TAGS) or os.readlink(f"/proc/{pid}/exe").split(" ")[0] == os.path.realpath(setting("OCU_BINARY"))
    except OSError:
        return False


def processes():
    """Processes with an id from a range that only this program hands out, and runtimes' own."""
    found = set()
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            uid = os.stat(f"/proc/{entry}").st_uid
            with open(f"/proc/{entry}/stat", encoding="latin-1") as file:
                stat = file.read()
            name, state = stat[stat.index("(") + 1:stat.rindex(")")], stat.rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if state not in "ZX" and (HELPER_UID_BASE <= uid < UID_END or name.startswith(("runsc", "runc", "ocu"))) and is_ours(entry):
            found.add((int(entry), name))
    return found


def mounts(folder):
    """Mounts below the folder, and those whose source or type names us, as this namespace sees them."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return {line.split(" ", 1)[1] for line in file if folder in line or " ocu" in line or "fuse.ocu" in line}


def cgroups():
    found = set()
    for top, folders, _ in os.walk("/sys/fs/cgroup"):
        found.update(os.path.join(top, each) for each in folders if "ocu" in each and (not SHARED or each in TAGS))
    return found


def network_names():
    links = {name for _index, name in socket.if_nameindex()}
    named = {each for each in glob.glob("/run/netns/*") if not SHARED or number_of(each) in WORLD_NUMBERS}
    return links | named


def number_of(path):
    return int("".join(filter(str.isdigit, os.path.basename(path))) or "-1")


def network_namespaces():
    """Namespaces that a process of the program or of a session is in. A service of the machine's may well have begun in one of its own meanwhile."""
    found = set()
    program = os.path.realpath(setting("OCU_BINARY"))
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            of_session = HELPER_UID_BASE <= os.stat(f"/proc/{entry}").st_uid < UID_END
            if is_ours(entry) and (of_session or os.readlink(f"/proc/{entry}/exe").split(" ")[0] == program):
                found.add(os.readlink(f"/proc/{entry}/ns/net"))
        except OSError:
            continue
    return found


def run_directories():
    return {each for each in glob.glob("/run/ocu*") if not SHARED or os.path.basename(each) in TAGS}


def loop_devices():
    return set(glob.glob("/sys/block/loop*/loop/backing_file"))


def snapshot(folder="/var/tmp/ocu-test."):
    return {
        "processes": processes(),
        "mounts": mounts(folder),
        "cgroups": cgroups(),
        "network": network_names(),
        "namespaces": network_namespaces(),
        "loops": loop_devices(),
        "run": run_directories(),
    }


def added(before, folder="/var/tmp/ocu-test."):
    now = snapshot(folder)
    return {kind: sorted(map(str, now[kind] - before[kind])) for kind in now if now[kind] - before[kind]}


def settle(before, seconds=5.0, folder="/var/tmp/ocu-test."):
    """What is left more than before, after the kernel had its time to take things down; empty when nothing is."""
    wait_until(lambda: not added(before, folder), seconds, every=0.1)
    return added(before, folder)

# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine whose power is cut while sessions' files and the record are written: what an fsync promised, and each record that was acknowledged, is
there when it starts again, and the record verifies (SB-9, T-28, AU-3, T-10).

The machine is emulated, Debian's kernel with ext4 on a disk with a volatile write cache: every write and every flush is logged, and after the cut the
disk gets what was flushed, and of what came later each sector or not, as a die says. Then the next start checks, and works on."""

import os
import random
import re
import shutil
import stat
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from process.test_stick_formats import entry, shell

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(os.environ.get("OCU_BUILDS", f"{ROOT}/build"), "release", "process_power")
MODULES = ("crc32c_generic", "libcrc32c", "crc16", "jbd2", "mbcache", "ext4", "virtio_blk")
CUTS = 100 if os.environ.get("OCU_LONG") else 4
DISK_BYTES = 96 << 20
START_SECONDS_MAX = 240
SECTOR = 512
FLUSH, FUA, DISCARD = 1, 2, 4


def fetch():
    """Debian's kernel and the programs that start it."""
    shell("need mkfs.ext4 e2fsprogs; need bwrap bubblewrap")
    return shell(f"{ROOT}/iso/10-kernel debian"), shell("boot_tools")


def first_root(path, kernel):
    with open(f"{kernel}/modules/order", encoding="utf-8") as file:
        order = [each for each in file.read().split() if re.sub(r"\.ko.*", "", each).replace("-", "_") in MODULES]
    with open(path, "wb") as out:
        for folder in ("dev", "modules"):
            out.write(entry(folder, stat.S_IFDIR | 0o755))
        out.write(entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)))
        for name, source in [("init", PROGRAM), *[(f"modules/{i:03}-{each}", f"{kernel}/modules/{each}") for i, each in enumerate(order)]]:
            with open(source, "rb") as file:
                out.write(entry(name, stat.S_IFREG | 0o755, file.read()))
        out.write(entry("TRAILER!!!", 0))


def logged_writes(path):
    """What the disk was asked for, in order: (sector, data, flags). The log's own format is that of the kernel's dm-log-writes."""
    with open(path, "rb") as file:
        magic, _, _, sector_bytes = struct.unpack("<QQQI", file.read(28))
        assert magic == 0x6A736677736872 and sector_bytes == SECTOR, (hex(magic), sector_bytes)
        file.seek(sector_bytes)
        while True:
            head = file.read(sector_bytes)
            if len(head) < sector_bytes:
                return
            sector, sectors, flags, _ = struct.unpack("<QQQQ", head[:32])
            if not sectors and not flags:
                return
            data = b"" if flags & DISCARD else file.read(sectors * sector_bytes)
            if len(data) < (0 if flags & DISCARD else sectors * sector_bytes):
                return
            yield sector, sectors, data, flags


def cut_power(disk, log, die):
    """The disk as it is after the cut: all that was flushed, and of the rest what the die says."""
    writes = list(logged_writes(log))
    last = max((i for i, each in enumerate(writes) if each[3] & FLUSH), default=-1)
    lost = 0
    with open(disk, "r+b") as file:
        for i, (sector, sectors, data, flags) in enumerate(writes):
            if flags & DISCARD:
                data = bytes(sectors * SECTOR)
            for at in range(0, len(data), SECTOR):
                # Zeros may be a record of the log that the end of the emulator cut short: a disk keeps the old or has the new.
                if i > last and not flags & FUA and (die.random() < 0.5 or not any(data[at:at + SECTOR])):
                    lost += 1
                    continue
                file.seek(sector * SECTOR + at)
                file.write(data[at:at + SECTOR])
    return lost


class Machine:
    """One start, until its power is cut."""

    def __init__(self, work, tools, kernel, words):
        log = f"{work}/log"
        with open(log, "wb") as file:
            file.truncate(4 << 30)
        shutil.copy(f"{work}/disk", f"{work}/running")
        self.process = subprocess.Popen(
            ["bwrap", "--ro-bind", tools, "/", "--ro-bind", kernel, "/mnt", "--bind", work, "/media", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
             "--unshare-net", "--unshare-pid", "--die-with-parent", "--", "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", "max", "-m",
             "512", "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio", "-kernel", "/mnt/vmlinuz", "-initrd", "/media/initrd", "-append",
             "console=ttyS0 quiet panic=-1 loglevel=3 -- " + " ".join(map(str, words)), "-blockdev",
             "driver=blklogwrites,node-name=disk,log-sector-size=512,log-super-update-interval=1,file.driver=file,file.filename=/media/running,"
             "log.driver=file,log.filename=/media/log", "-device", "virtio-blk-pci,drive=disk"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        self.lines, self.news = [], threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            with self.news:
                self.lines.append(line.strip())
                self.news.notify_all()
        with self.news:
            self.lines.append("CLOSED")
            self.news.notify_all()

    def count(self, word):
        return sum(each.startswith(word) for each in self.lines)

    def wait(self, word, times=1):
        with self.news:
            self.news.wait_for(lambda: self.count(word) >= times or self.count("CLOSED") or self.count("END"), START_SECONDS_MAX)
            return self.count(word) >= times

    def last(self, word):
        found = [each.split()[1] for each in self.lines if each.startswith(word + " ") and each.split()[1].isdigit()]
        return int(found[-1]) if found else 0

    def cut(self):
        self.process.kill()
        self.process.wait()


class PowerCut(unittest.TestCase):
    def test_every_fsync_and_every_record_survives_it(self):
        self.assertTrue(os.path.exists(PROGRAM), "process_power is not built: scripts/test --only process builds it")
        kernel, tools = fetch()
        die = random.Random(20)
        steps, promised, logged, lost = [], None, 0, 0
        with tempfile.TemporaryDirectory(prefix="ocu-power.", dir="/var/tmp") as work:
            first_root(f"{work}/initrd", kernel)
            with open(f"{work}/disk", "wb") as file:
                file.truncate(DISK_BYTES)
            subprocess.run(["mkfs.ext4", "-q", "-F", f"{work}/disk"], check=True)
            for start in range(CUTS + 1):
                words = [start] if promised is None else [start, promised, logged, *steps]
                machine = Machine(work, tools, kernel, words)
                try:
                    self.assertTrue(machine.wait("WORKS"), f"start {start}: {machine.lines[-30:]}")
                    if start:
                        steps.append(machine.last("AT"))
                        self.assertGreaterEqual(steps[-1], promised)
                    if start < CUTS:
                        self.assertTrue(machine.wait("KEPT", die.randrange(3, 40)), f"start {start}: {machine.lines[-30:]}")
                        time.sleep(die.random() * 0.2)  # power goes when it goes, not at a line
                finally:
                    machine.cut()
                promised = machine.last("KEPT")
                if start < CUTS:
                    self.assertGreater(machine.last("LOGGED"), logged)
                    logged = machine.last("LOGGED")
                lost += cut_power(f"{work}/disk", f"{work}/log", die)
                os.unlink(f"{work}/log")
        self.assertGreater(lost, 0, "no cut lost anything: the log of writes is not what it should be")
        print(f"  {CUTS} cuts; {sum(steps)} steps and {logged} records held, {lost} sectors were lost in flight")


if __name__ == "__main__":
    unittest.main()

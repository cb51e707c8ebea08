# SPDX-License-Identifier: GPL-3.0-or-later
"""The stick tests on a kernel that knows every format a stick may have: many a host's own lacks FAT or ISO 9660, and then
tests/process/stick leaves them out. Debian's kernel, in an emulator, starts the same program as its first process (T-18, AP-2)."""

import os
import re
import stat
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(os.environ.get("OCU_BUILDS", f"{ROOT}/build"), "release", "process_stick")
MODULES = {"loop", "cdrom", "isofs", "fat", "vfat", "fuse", "ext4", "jbd2", "mbcache", "crc16", "libcrc32c", "crc32c_generic", "nls_utf8", "nls_ascii",
           "nls_cp437", "nls_iso8859-1"}
SECONDS_MAX = 600


def shell(text):
    return subprocess.run(["bash", "-c", f". {ROOT}/iso/lib.sh; {text}"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def fetch():
    """Debian's kernel and the programs that start it."""
    shell("need mkfs.vfat dosfstools; need mcopy mtools; need mkfs.ext4 e2fsprogs; need xorriso xorriso; need bwrap bubblewrap")
    return shell(f"{ROOT}/iso/10-kernel debian"), shell("boot_tools")


def entry(name, mode, content=b"", device=(0, 0)):
    """One file of a cpio archive ("newc")."""
    head = "070701" + "".join(f"{each:08x}" for each in (0, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name) + 1, 0))
    body = head.encode() + name.encode() + b"\0"
    body += b"\0" * (-len(body) % 4) + content
    return body + b"\0" * (-len(content) % 4)


def first_root(path, images, kernel):
    """The program as /init, the images, and the modules numbered in the order in which they load."""
    with open(f"{kernel}/modules/order", encoding="utf-8") as file:
        order = [each for each in file.read().split() if re.sub(r"\.ko.*", "", each).replace("-", "_") in {m.replace("-", "_") for m in MODULES}]
    with open(path, "wb") as out:
        for folder in ("dev", "images", "modules"):
            out.write(entry(folder, stat.S_IFDIR | 0o755))
        out.write(entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)))
        for name, source in [("init", PROGRAM), *[(f"modules/{i:03}-{each}", f"{kernel}/modules/{each}") for i, each in enumerate(order)],
                             *[(f"images/{each}", f"{images}/{each}") for each in sorted(os.listdir(images)) if os.path.isfile(f"{images}/{each}")]]:
            with open(source, "rb") as file:
                out.write(entry(name, stat.S_IFREG | 0o755, file.read()))
        out.write(entry("TRAILER!!!", 0))


class StickFormats(unittest.TestCase):
    def test_every_format_on_a_kernel_that_knows_them_all(self):
        self.assertTrue(os.path.exists(PROGRAM), "process_stick is not built: scripts/test --only process builds it")
        kernel, tools = fetch()
        with tempfile.TemporaryDirectory(prefix="ocu-stick.", dir="/var/tmp") as work:
            subprocess.run([sys.executable, f"{ROOT}/tests/process/stick/make_images.py", f"{work}/images"], check=True)
            first_root(f"{work}/initrd", f"{work}/images", kernel)
            done = subprocess.run(
                ["bwrap", "--ro-bind", tools, "/", "--ro-bind", kernel, "/mnt", "--ro-bind", work, "/media", "--dev", "/dev", "--proc", "/proc", "--tmpfs",
                 "/tmp", "--unshare-net", "--die-with-parent", "--", "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", "max",
                 "-smp", "2", "-m", "1536", "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio", "-kernel", "/mnt/vmlinuz", "-initrd",
                 "/media/initrd", "-append", "console=ttyS0 quiet panic=-1 loglevel=3"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=SECONDS_MAX)
        said = done.stdout.decode(errors="replace").replace("\r", "")
        self.assertIn("STICK TESTS 0\n", said, said[-6000:])
        self.assertIn("All tests passed", said, said[-6000:])
        self.assertNotIn("SKIP", said, said[-6000:])


if __name__ == "__main__":
    unittest.main()

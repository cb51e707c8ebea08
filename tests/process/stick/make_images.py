# SPDX-License-Identifier: GPL-3.0-or-later
"""Sticks as files, good and hostile, for test_sticks.cpp.   usage: make_images.py FOLDER"""

import os
import shutil
import struct
import subprocess
import sys

SHIPPED = b"shipped\n" * 30_000
MANIFEST, SIGNATURE, KEY = b'{"schema": "ocu-manifest/1", "serial": 7}\n' + b"m" * 5000, b"untrusted comment: s\n", b"untrusted comment: k\n"
SIZE = 8 << 20


def run(*words, **options):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


def blank(path, size=SIZE):
    with open(path, "wb") as file:
        file.truncate(size)


def tree(path, **changes):
    """The root directory of a good stick; a change of None leaves a file out, a callable makes it."""
    os.makedirs(path)
    files = {"manifest.json": MANIFEST, "manifest.json.minisig": SIGNATURE, "manifest.pub": KEY, **{k.replace("__", "."): v for k, v in changes.items()}}
    for name, content in files.items():
        os.makedirs(os.path.dirname(f"{path}/{name}"), exist_ok=True)
        if callable(content):
            content(f"{path}/{name}")
        elif content is not None:
            with open(f"{path}/{name}", "wb") as file:
                file.write(content)
    return path


def fat(path, source, label="OCUMANIFEST", bits="16", size=SIZE):
    blank(path, size)
    run("mkfs.vfat", "-F", bits, "-n", label, path)
    run("mcopy", "-s", "-i", path, *[f"{source}/{each}" for each in sorted(os.listdir(source))], "::", env={**os.environ, "MTOOLS_SKIP_CHECK": "1"})


def ext4(path, source, label="OCU-MANIFEST", *more):
    blank(path)
    run("mkfs.ext4", "-q", "-F", "-E", "root_owner=0:0", "-L", label, "-d", source, *more, path)


def patched(path, source, *patches):
    shutil.copy(source, path)
    with open(path, "r+b") as file:
        for offset, content in patches:
            file.seek(offset)
            file.write(content)


def fat_shape(path):
    with open(path, "rb") as file:
        sector = file.read(512)
    reserved, fats, entries = struct.unpack_from("<HBH", sector, 14)
    fat_bytes = struct.unpack_from("<H", sector, 22)[0] * 512
    return reserved * 512, fat_bytes, fats, entries


def cyclic(path, source):
    """Every cluster of every file is followed by the first one of the chain: a file without end."""
    at, size, fats, _ = fat_shape(source)
    table = struct.pack("<HH", 0xFFF8, 0xFFFF) + struct.pack("<H", 2) * ((size - 4) // 2)
    patched(path, source, *[(at + each * size, table) for each in range(fats)])


def scribbled(path, source):
    """The label stays, the rest of the root directory and the tables are noise."""
    at, size, fats, entries = fat_shape(source)
    noise = bytes((each * 167 + (each >> 8) * 31 + 13) & 0xFF for each in range(fats * size + entries * 32))
    patched(path, source, (at + 16, noise[:fats * size - 16]), (at + fats * size + 32, noise[:entries * 32 - 64]))


def main(folder):
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    good = tree("good", **{"mounts/skills.erofs": SHIPPED})
    fat("fat16.img", good, size=16 << 20)
    fat("fat12.img", good, label="OCU-MANIFES", bits="12", size=1440 << 10)
    fat("fat32.img", good, bits="32", size=34 << 20)
    ext4("ext4.img", good)
    run("xorriso", "-as", "mkisofs", "-R", "-J", "-V", "OCU-MANIFEST", "-o", "iso9660.img", good)
    ext4("unlabelled.img", good, "DATA")
    ext4("huge.img", tree("huge", manifest__json=MANIFEST * 300))
    ext4("huge_signature.img", tree("huge_signature", **{"manifest.json.minisig": b"s" * ((16 << 10) + 1)}))
    ext4("no_manifest.img", tree("no_manifest", manifest__json=None))
    ext4("no_signature.img", tree("no_signature", **{"manifest.json.minisig": None}))
    ext4("no_key.img", tree("no_key", manifest__pub=None))
    ext4("symlink.img", tree("symlink", manifest__json=lambda path: os.symlink("/etc/passwd", path)))
    ext4("directory.img", tree("directory", manifest__json=os.mkdir))
    ext4("fifo.img", tree("fifo", manifest__json=os.mkfifo))
    ext4("panics.img", good)
    run("tune2fs", "-e", "panic", "panics.img")
    ext4("options.img", good)
    run("tune2fs", "-E", "mount_opts=data=journal", "options.img")
    ext4("report_link.img", tree("report_link", **{"ocu-report": lambda path: os.symlink("/tmp", path)}))
    fat("full.img", tree("full", filler=b"f" * (1400 << 10)), bits="12", size=1440 << 10)
    cyclic("cyclic.img", "fat16.img")
    scribbled("scribbled.img", "fat16.img")
    patched("truncated.img", "ext4.img")
    os.truncate("truncated.img", 256 << 10)
    for name, content in (("expected", MANIFEST), ("shipped", SHIPPED)):
        with open(name, "wb") as file:
            file.write(content)


if __name__ == "__main__":
    main(sys.argv[1])

# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifest sticks as image files: made, signed, and read back."""

import json
import os

from support.appliance import key_hash, new_key, run_binary
from support.emulator import inside, tools

MEBIBYTE = 1 << 20


class Signer:
    """A manifest key pair in a folder."""

    def __init__(self, folder, name="manifest"):
        self.secret, self.public = os.path.join(folder, f"{name}.key"), os.path.join(folder, f"{name}.pub")
        made = run_binary("manifest", "keygen", "--secret", self.secret, "--public", self.public)
        assert made.returncode == 0, made.stderr

    def sign(self, path):
        made = run_binary("manifest", "sign", "--secret", self.secret, path)
        assert made.returncode == 0, made.stderr


def manifest(serial=1, tier="runc", key=None, **sections):
    value = {
        "schema": "ocu-manifest/1",
        "serial": serial,
        "appliance": {"name": "boot-test", "profile": "trusted_operator", "tier": tier},
        "mcp": {"hosts": ["127.0.0.1"], "callers": [{"name": "dev", "key_hash": key_hash(key or new_key())}]},
    }
    for section, values in sections.items():
        value.setdefault(section, {}).update(values)
    return value


def make_stick(folder, name, files, label="OCUMANIFEST", kind="fat"):
    """An image `name` in `folder` with `files` (name -> bytes) in its root directory, or one directory further down."""
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.truncate(64 * MEBIBYTE)
    if kind == "fat":
        tools(folder, "mkfs.vfat", "-F", "32", "-n", label, inside(path))
        for each in {os.path.dirname(each) for each in files} - {""}:
            tools(folder, "mmd", "-i", inside(path), f"::{each}")
        for each, content in files.items():
            source = os.path.join(folder, "stick.tmp")
            with open(source, "wb") as file:
                file.write(content)
            tools(folder, "mcopy", "-i", inside(path), inside(source), f"::{each}")
            os.unlink(source)
    elif kind == "ext4":
        content_folder = os.path.join(folder, f"{name}.d")
        os.makedirs(content_folder, exist_ok=True)
        for each, content in files.items():
            os.makedirs(os.path.dirname(os.path.join(content_folder, each)), exist_ok=True)
            with open(os.path.join(content_folder, each), "wb") as file:
                file.write(content)
        tools(folder, "mkfs.ext4", "-q", "-F", "-L", label, "-d", inside(content_folder), inside(path))
    return path


def shipped(folder, name, files):
    """What a manifest may ship: an EROFS file with `files` (name -> text), as bytes."""
    source, made = os.path.join(folder, f"{name}.tree"), os.path.join(folder, f"{name}.erofs")
    os.makedirs(source)
    for each, text in files.items():
        with open(os.path.join(source, each), "w", encoding="utf-8") as file:
            file.write(text)
    tools(folder, "mkfs.erofs", "--quiet", "--all-root", inside(made), inside(source))
    with open(made, "rb") as file:
        return file.read()


def signed_stick(folder, name, value, signer, public=None, kind="fat", more=(), **options):
    """A stick with a manifest that `signer` signed; `public`: whose key is on it, for enrolment; `more`: other files (name -> bytes)."""
    path = os.path.join(folder, f"{name}.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
    signer.sign(path)
    files = {"manifest.json": open(path, "rb").read(), "manifest.json.minisig": open(path + ".minisig", "rb").read()}
    if public:
        files["manifest.pub"] = open(public.public, "rb").read()
    return make_stick(folder, f"{name}.img", {**files, **dict(more)}, kind=kind, **options)


def read_back(image, name):
    """A file of the report on a FAT stick."""
    return tools(os.path.dirname(image), "mtype", "-i", inside(image), f"::ocu-report/{name}")

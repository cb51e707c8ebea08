# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the bill of materials and the licence texts. Started by 70-sbom, which says what the arguments mean."""

import argparse
import base64
import datetime
import hashlib
import json
import os
import shutil
import urllib.parse
import uuid

from debian import Root, purl
from licences import SPDX, as_cyclonedx

# What the program links statically from the sysroot: the name that the linker knows, and the package that it is from.
LINKED = {
    "boost": "libboost1.88-dev", "nl-3": "libnl-3-dev", "nl-route-3": "libnl-route-3-dev", "cap": "libcap-dev", "seccomp": "libseccomp-dev",
    "fuse3": "libfuse3-dev", "zstd": "libzstd-dev", "lzma": "liblzma-dev", "z": "zlib1g-dev", "cares": "libc-ares-dev", "expat": "libexpat1-dev", "protobuf-nanopb": "libnanopb-dev", "stb": "libstb-dev",
    "c": "libc6-dev", "stdc++": "libstdc++-14-dev", "gcc": "libgcc-14-dev",
}
EFI_STUB = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"
SPACE = uuid.UUID("0c000000-0000-4000-8000-00000000000b")


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


class Bill:
    def __init__(self, options):
        self.options = options
        self.components, self.links = {}, {}
        self.tools, self.sysroot = Root(options.tools), Root(options.sysroot)

    def keep_licence(self, folder, text):
        """Puts a licence text among those of the medium and says where."""
        where = f"licences/{folder}/copyright"
        target = os.path.join(self.options.licences, folder)
        os.makedirs(target, exist_ok=True)
        with open(f"{target}/copyright", "w", encoding="utf-8") as file:
            file.write(text)
        return where

    def add(self, reference, kind, name, version, licence, into=None, **more):
        """`licence`: the copyright file's text, None when there is none, or a ready list for what is ours. Answers the reference."""
        properties = [{"name": f"ocu:{key}", "value": value} for key, values in more.pop("notes", {}).items() for value in values]
        component = {"bom-ref": reference, "type": kind, "name": name, "version": version}
        if isinstance(licence, list):
            component["licenses"] = licence
        elif licence is not None:
            where = self.keep_licence(more.pop("folder", name), licence)
            component["licenses"] = as_cyclonedx(licence, where)
            properties.append({"name": "ocu:licence-text", "value": where})
        more.pop("folder", None)
        component.update(more)
        if properties:
            component["properties"] = properties
        if reference not in self.components:
            self.components[reference] = component
            self.links.setdefault(into or "image", []).append(reference)
        return reference

    def package(self, root, name, into=None, **more):
        fields = root.packages[name]
        reference = purl(name, fields["Version"], fields["Architecture"])
        return self.add(reference, "library", name, fields["Version"], root.copyright(name), into, purl=reference, **more)

    def source(self, name, version, into, licence=None, **more):
        reference = purl(name, version, "source")
        if reference in self.components:
            self.links.setdefault(into, []).append(reference)
            return reference
        if licence is None:
            more["licenses"] = [{"license": {"name": f"see Debian's source package {name} {version}"}}]
        return self.add(reference, "library", name, version, licence, into, purl=reference, **more)


def our_program(bill, ours, root_files):
    program = bill.add("ocu-appliance", "application", "ocu-appliance", bill.options.version, ours,
        hashes=[{"alg": "SHA-256", "content": sha256(bill.options.binary)}], purl=f"pkg:generic/ocu-appliance@{bill.options.version}",
        notes={"file": [path for path, source in root_files if source == "binary"], "boot-image": ["initramfs:/init"]})
    shutil.copy(f"{bill.options.tree}/LICENSE", f"{bill.options.licences}/ocu-appliance.txt")
    for line in read(f"{bill.options.tree}/scripts/toolchain/sources.lock").splitlines():
        if line and not line.startswith("#"):
            name, description, digest = line.split()
            version = description.removesuffix(".dsc").split("_", 1)[1]
            folder = f"{bill.sysroot.path}/usr/src/dep/{name}-{version.rsplit('-', 1)[0].split(':')[-1]}"
            bill.source(name, version, program, read(f"{folder}/debian/copyright"), notes={"linked": ["static"], "dsc-sha256": [digest]})
    for name in LINKED.values():
        bill.package(bill.sysroot, name, program, notes={"linked": ["static"]})
    page(bill, program)
    # Everything in the root that is a file of ours or made by the recipe: no code.
    data = [path for path, source in root_files if source == "made" or source.startswith(("tree:", "keys:"))]
    bill.add("ocu-root-data", "data", "ocu-appliance root files", bill.options.version, ours, notes={"file": data})


def page(bill, program):
    """The libraries whose code is in the preview page: what the bundler read (web/build.mjs)."""
    for part in json.loads(read(f"{bill.options.page}/parts.json")):
        reference = f"pkg:npm/{urllib.parse.quote(part['name'], safe='/')}@{part['version']}"
        name = part["license"].strip("()")
        licence = [{"license": {"id": name}}] if name in set(SPDX.values()) else [{"expression": part["license"]}] if " " in name else [{"license": {"name": name}}]
        algorithm, _, digest = part["integrity"].partition("-")
        hashes = {"hashes": [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}]} if algorithm == "sha512" else {}
        where = bill.keep_licence(f"npm/{part['name']}", part["text"])
        bill.add(reference, "library", part["name"], part["version"], licence, program, purl=reference,
            notes={"bundled": ["preview page"], "licence-text": [where]}, **hashes)


def kernel(bill):
    folder = bill.options.kernel
    version, release = (read(f"{folder}/{each}").strip() for each in ("source", "release"))
    modules = os.path.isdir(f"{folder}/modules")
    reference = purl("linux", version, "source")
    bill.add(reference, "operating-system", "linux", version, read(f"{folder}/copyright"), purl=reference,
        hashes=[{"alg": "SHA-256", "content": sha256(f"{folder}/vmlinuz")}],
        notes={"boot-image": ["kernel"] + ([f"modules: {len(os.listdir(f'{folder}/modules')) - 1}"] if modules else []), "release": [release],
               "config-sha256": [sha256(f"{folder}/config")]})


def root_packages(bill, root_files):
    """Programs of others in the root, the libraries that load with them, and what is compiled into them."""
    files = {}
    for path, source in root_files:
        if source.startswith("tools:"):
            files.setdefault(bill.tools.owner(source[6:]), []).append((path, sha256(bill.tools.path + source[6:])))
    references = {}
    for name, found in sorted(files.items()):
        more = {"hashes": [{"alg": "SHA-256", "content": found[0][1]}]} if len(found) == 1 else {}
        references[name] = bill.package(bill.tools, name, notes={"file": [path for path, _ in found],
            "file-sha256": [f"{digest} {path}" for path, digest in found]}, **more)
        for source, version in bill.tools.compiled_in(name):
            bill.source(source, version, references[name], notes={"linked": ["static"]})
    for program, needs in (("runc", ("libc6", "libseccomp2")),):
        bill.links.setdefault(references[program], []).extend(references[each] for each in needs)
    bill.package(bill.tools, bill.tools.owner(EFI_STUB), hashes=[{"alg": "SHA-256", "content": sha256(bill.tools.path + EFI_STUB)}],
        notes={"boot-image": ["stub"]})


def guest(bill, name, packages):
    image = packages.removesuffix(".packages") + ".erofs"
    reference = bill.add(name, "container", name, bill.options.version, None, notes={"medium": [f"ocu/{name}.erofs"]},
        hashes=[{"alg": "SHA-256", "content": sha256(image)}])
    for line in read(packages).splitlines():
        package, version, arch = line.split()
        each = purl(package, version, arch) + f"#{name}"
        text_file = f"{bill.options.guest_licences}/{name}/{package}"
        text = read(text_file) if os.path.exists(text_file) else None
        more = {} if text else {"licenses": [{"license": {"name": f"see /usr/share/doc/{package}/copyright in ocu/{name}.erofs"}}]}
        bill.add(each, "library", package, version, text, reference, purl=purl(package, version, arch), folder=f"{name}/{package}", **more)


def document(bill):
    stamp = datetime.datetime.fromtimestamp(bill.options.time, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    components = [bill.components[each] for each in sorted(bill.components)]
    image = {"bom-ref": "image", "type": "operating-system", "name": "ocu-appliance-image", "version": bill.options.version,
             "licenses": [{"license": {"id": "GPL-3.0-or-later"}}], "purl": f"pkg:generic/ocu-appliance-image@{bill.options.version}"}
    links = [{"ref": each, "dependsOn": sorted(set(bill.links[each]))} for each in sorted(bill.links)]
    bom = {"$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
           "metadata": {"timestamp": stamp, "component": image, "lifecycles": [{"phase": "build"}]}, "components": components, "dependencies": links}
    bom["serialNumber"] = uuid.uuid5(SPACE, json.dumps(bom, sort_keys=True)).urn
    return bom


def main():
    parser = argparse.ArgumentParser()
    for each in ("version", "tree", "binary", "page", "kernel", "tools", "sysroot", "guest-licences", "licences", "out"):
        parser.add_argument(f"--{each}", required=True)
    parser.add_argument("--time", required=True, type=int)
    parser.add_argument("guests", nargs="*", help="NAME=PACKAGES-FILE")
    bill = Bill(parser.parse_args())
    lines = [line.split(None, 2) for line in read(f"{bill.options.tree}/iso/root.list").splitlines() if line and not line.startswith("#")]
    root_files = [(fields[0], fields[1].removesuffix("?")) for fields in lines]
    our_program(bill, [{"license": {"id": "GPL-3.0-or-later"}}], root_files)
    kernel(bill)
    root_packages(bill, root_files)
    for each in bill.options.guests:
        guest(bill, *each.split("=", 1))
    # The copyright files point to these instead of repeating them.
    shutil.copytree(f"{bill.options.tools}/usr/share/common-licenses", f"{bill.options.licences}/common-licenses", dirs_exist_ok=True)
    with open(bill.options.out, "w", encoding="utf-8") as file:
        json.dump(document(bill), file, indent=1, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed in a Debian root: packages, who owns a file, what was compiled into a package."""

import functools
import glob
import os
import re
import urllib.parse


class Root:
    def __init__(self, path):
        self.path = path

    @functools.cached_property
    def packages(self):
        with open(f"{self.path}/var/lib/dpkg/status", encoding="utf-8") as file:
            blocks = file.read().split("\n\n")
        found = {}
        for block in blocks:
            fields = dict(re.findall(r"(?m)^([A-Za-z-]+): (.*(?:\n .*)*)", block))
            if "Package" in fields:
                found[fields["Package"]] = fields
        return found

    @functools.cached_property
    def owners(self):
        found = {}
        for name in glob.glob(f"{self.path}/var/lib/dpkg/info/*.list"):
            package = os.path.basename(name)[:-5].split(":")[0]
            with open(name, encoding="utf-8") as file:
                found.update((re.sub(r"^/(bin|sbin|lib|lib64)/", r"/usr/\1/", line.strip()), package) for line in file)
        return found

    def owner(self, path):
        """The package that a file of this root is from; links are followed inside the root."""
        real = os.path.realpath(self.path + path)[len(os.path.realpath(self.path)):]
        # Made at installation from the package's own certificates, so dpkg does not list it.
        if real == "/etc/ssl/certs/ca-certificates.crt":
            return "ca-certificates"
        if real not in self.owners:
            raise SystemExit(f"error: no package owns {path}")
        return self.owners[real]

    def copyright(self, package):
        name = f"{self.path}/usr/share/doc/{package}/copyright"
        if not os.path.exists(name):
            return None
        with open(name, encoding="utf-8", errors="replace") as file:
            return file.read()

    def compiled_in(self, package):
        """Source packages whose code is inside this one (Go programs): [(name, version)]."""
        text = " ".join(self.packages[package].get(each, "") for each in ("Built-Using", "Static-Built-Using"))
        return sorted(set(re.findall(r"(\S+) \(= ([^)\s]+)\)", text)))


def purl(name, version, arch):
    return f"pkg:deb/debian/{urllib.parse.quote(name, safe='.-_~')}@{urllib.parse.quote(version, safe='.-_~')}?arch={arch}&distro=trixie"

# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of every kind make one HTTPS request each through a bump, and trust what they are shown without being told to (EG-8). The image is
the minimal one with these programs: tests/support/clients.list."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest

from support import storehouse
from support.appliance import Appliance
from support.case import on_gvisor
from support.world import RESOLVER, World

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RULE = {"name": "api", "hosts": ["api.example"], "ports": [443], "rung": "bump"}
NODE = """node -e "require('https').get('https://api.example/node', r => { r.on('data', d => process.stdout.write(d)) }).on('error', e => console.log(e.message))" """
REQUESTS = """python3 -c "import requests; print(requests.get('https://api.example/requests', timeout=15).text)" """
ANT = """printf '<project><get src="https://api.example/java" dest="/workspace/java.txt"/></project>' > build.xml; ant -q 2>&1; cat java.txt"""
GO = "gron https://api.example/json"
PIP = "pip download --no-deps --no-binary :all: --no-build-isolation --index-url https://api.example/simple/ -d /workspace/pip nothing-there 2>&1"

# The program itself comes by the bump too: Debian's package of it would bring four hundred others into the image.
NPM_VERSION = "10.8.2"
NPM_INTEGRITY = "x/AIjFIKRllrhcb48dqUNAAZl0ig9+qMuN91RpZo3Cb2+zuibfh+KISl6+kVVyktDz230JKc208UkQwwMqyB+w=="
NPM = "cd /workspace && curl -sS -m 30 https://api.example/npm/program.tgz | tar xz && mkdir project && echo unpacked"
NPM_INSTALL = """cd /workspace/project &&
exec node ../package/bin/npm-cli.js install --no-audit --no-fund --no-update-notifier --registry https://api.example/npm/ hello-there"""
NPM_USED = """cd /workspace/project && node -e "console.log(require('hello-there'))" 2>&1"""


def image():
    made = subprocess.run([os.path.join(ROOT, "rootfs/guest/build"), os.path.join(ROOT, "tests/support/clients.list")], stdout=subprocess.PIPE, text=True, check=True)
    return made.stdout.strip().splitlines()[-1]


def fetch():
    image()
    npm_program()


def npm_program():
    """The registry's package of npm, fetched once, and what it must be."""
    path = os.path.join(os.environ["OCU_CACHE"], f"npm-{NPM_VERSION}.tgz")
    if not os.path.exists(path):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["npm", "pack", "--silent", f"npm@{NPM_VERSION}", "--pack-destination", folder], check=True, capture_output=True)
            shutil.move(f"{folder}/npm-{NPM_VERSION}.tgz", path)
    with open(path, "rb") as file:
        if base64.b64encode(hashlib.sha512(file.read()).digest()).decode() != NPM_INTEGRITY:
            os.unlink(path)
            raise AssertionError("this is another npm")
    return path


class Programs(unittest.TestCase):
    tier = "runc"

    @classmethod
    def setUpClass(cls):
        cls.world = World(servers=storehouse.__file__)
        cls.addClassCleanup(cls.world.remove)
        shutil.copy(npm_program(), f"{cls.world.folder}/www/npm/program.tgz")
        with open(cls.world.certificate, encoding="ascii") as file:
            changes = {"egress": {"rules": [RULE], "ca_bundle": file.read()}, "network": {"dns": [RESOLVER]}}
        before = os.environ["OCU_IMAGE"]
        os.environ["OCU_IMAGE"] = image()
        try:
            cls.appliance = Appliance(tier=cls.tier, prefix=cls.world.enter, changes=changes).start()
        finally:
            os.environ["OCU_IMAGE"] = before
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)

    def bash(self, command):
        return self.world.text_of(self.world.call(self.appliance, command))

    def tool(self, name, **arguments):
        return self.world.text_of(self.world.call_tool(self.appliance, name, **arguments))

    def reached(self, command, path, words="hello from the storehouse"):
        text = self.bash(command)
        self.assertIn(words, text)
        self.assertIn(path, [each["path"] for each in self.world.seen()], text)

    def test_curl(self):
        self.reached("curl -sS -m 15 https://api.example/curl 2>&1", "/curl")

    def test_wget_on_gnutls(self):
        self.reached("wget -q -O - https://api.example/wget 2>&1", "/wget")

    def test_git(self):
        self.reached("git clone -q https://api.example/repository.git /workspace/clone 2>&1; cat /workspace/clone/file", "/repository.git/info/refs")

    def test_python(self):
        self.reached("""python3 -c "import urllib.request; print(urllib.request.urlopen('https://api.example/urllib', timeout=15).read())" 2>&1 | tail -n 3""", "/urllib")

    def test_python_requests(self):
        self.reached(REQUESTS + " 2>&1", "/requests")

    def test_pip(self):
        self.reached(PIP, "/simple/nothing-there/", "nothing-there")

    def test_node(self):
        self.reached(NODE, "/node")

    def test_npm_installs_as_a_program_that_lives_on(self):
        """SX-3: begun by one call, watched on its terminal by others, and what it installed is there for the next."""
        self.assertIn("unpacked", self.bash(NPM))
        heard = self.tool("process_start", command=NPM_INSTALL, wait_s=5)
        process = int(re.search(r"\[Process (\d+) ", heard).group(1))
        deadline = time.monotonic() + 100
        while "has ended" not in heard:
            self.assertLess(time.monotonic(), deadline, heard)
            heard += self.tool("process_read", process=process, wait_s=5)
        self.assertIn("added 1 package", heard)
        self.assertIn("has ended: exit code 0", heard)
        self.reached(NPM_USED, "/npm/hello-there/-/hello-there-1.0.0.tgz")

    def test_go(self):
        self.reached(GO + " 2>&1", "/json")

    def test_java(self):
        self.reached(ANT, "/java")

    def test_keytool_reads_the_store(self):
        text = self.bash("keytool -list -keystore /run/ocu/cacerts -storepass changeit 2>&1 | head -n 5")
        self.assertRegex(text, r"Your keystore contains 1\d\d entries")

    def test_nss(self):
        # Chromium makes what is missing beside the list of modules; a program that only reads wants it there.
        text = self.bash("certutil -N --empty-password -d sql:$HOME/.pki/nssdb; ls ~/.pki/nssdb; vfyserv -d sql:$HOME/.pki/nssdb -p 443 api.example 2>&1 | head -n 20")
        self.assertIn("pkcs11.txt", text)
        self.assertIn("SERVER CONFIGURED CORRECTLY", text)
        text = self.bash("mkdir /workspace/other; certutil -N --empty-password -d sql:/workspace/other; vfyserv -d sql:/workspace/other -p 443 api.example 2>&1")
        self.assertNotIn("SERVER CONFIGURED CORRECTLY", text)


ProgramsOnGvisor = on_gvisor(Programs)

if __name__ == "__main__":
    unittest.main()

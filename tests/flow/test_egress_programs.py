# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of every kind make one HTTPS request each through a bump, and trust what they are shown without being told to (EG-8). The image is
the minimal one with these programs: tests/support/clients.list."""

import os
import subprocess
import unittest

from support import storehouse
from support.appliance import Appliance
from support.world import RESOLVER, World

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RULE = {"name": "api", "hosts": ["api.example"], "ports": [443], "rung": "bump"}
NODE = """node -e "require('https').get('https://api.example/node', r => { r.on('data', d => process.stdout.write(d)) }).on('error', e => console.log(e.message))" """
REQUESTS = """python3 -c "import requests; print(requests.get('https://api.example/requests', timeout=15).text)" """
ANT = """printf '<project><get src="https://api.example/java" dest="/workspace/java.txt"/></project>' > build.xml; ant -q 2>&1; cat java.txt"""
GO = "gron https://api.example/json"
PIP = "pip download --no-deps --no-binary :all: --no-build-isolation --index-url https://api.example/simple/ -d /workspace/pip nothing-there 2>&1"


def image():
    made = subprocess.run([os.path.join(ROOT, "rootfs/guest/build"), os.path.join(ROOT, "tests/support/clients.list")], stdout=subprocess.PIPE, text=True, check=True)
    return made.stdout.strip().splitlines()[-1]


class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World(servers=storehouse.__file__)
        cls.addClassCleanup(cls.world.remove)
        with open(cls.world.certificate, encoding="ascii") as file:
            changes = {"egress": {"rules": [RULE], "ca_bundle": file.read()}, "network": {"dns": [RESOLVER]}}
        before = os.environ["OCU_IMAGE"]
        os.environ["OCU_IMAGE"] = image()
        try:
            cls.appliance = Appliance(prefix=cls.world.enter, changes=changes).start()
        finally:
            os.environ["OCU_IMAGE"] = before
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)

    def bash(self, command):
        return self.world.text_of(self.world.call(self.appliance, command))

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


if __name__ == "__main__":
    unittest.main()

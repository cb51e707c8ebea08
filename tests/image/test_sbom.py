# SPDX-License-Identifier: GPL-3.0-or-later
"""The bill of materials: valid by the public schema, complete, equal when made again, and with the licence text of every part (AP-1)."""

import glob
import json
import os
import re
import subprocess
import tempfile
import unittest

from support import suites

ROOT = suites.ROOT
CACHE = os.environ.get("OCU_CACHE", os.path.expanduser("~/.cache/ocu-appliance"))
OURS = ("dir", "link:")  # in root.list: what has no content


def made_elsewhere(variable, command):
    """What scripts/test prepared, or the same made now."""
    found = os.environ.get(variable)
    return found or subprocess.run(["bash", "-c", f". {ROOT}/scripts/lib.sh; . {ROOT}/scripts/prepare.sh; {command} >&2; printf %s \"${variable}\""],
                                   stdout=subprocess.PIPE, text=True, check=True).stdout


class Bill(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.environ.setdefault("OCU_CACHE", CACHE)
        cls.work = tempfile.TemporaryDirectory(prefix="ocu-sbom.", dir="/var/tmp")
        cls.binary = made_elsewhere("OCU_BINARY", "prepare_binary")
        image = subprocess.run([f"{ROOT}/rootfs/guest/build", "minimal"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        cls.packages = image.removesuffix(".erofs") + ".packages"
        # Whichever kernel: the quick one.
        cls.kernel = suites.printed("iso/10-kernel", "debian")
        cls.one = cls.make("one")
        cls.bom = json.loads(cls.one)
        cls.components = cls.bom["components"]
        cls.files = {each["value"] for part in cls.components for each in part.get("properties", []) if each["name"] == "ocu:file"}

    @classmethod
    def tearDownClass(cls):
        cls.work.cleanup()

    @classmethod
    def make(cls, name):
        out, licences = f"{cls.work.name}/{name}.json", f"{cls.work.name}/{name}/licences"
        subprocess.run([f"{ROOT}/iso/70-sbom", out, licences, cls.binary, cls.kernel, cls.packages], check=True)
        with open(out, encoding="utf-8") as file:
            return file.read()

    def validate(self, text):
        folder = f"{ROOT}/tests/image/sbom"
        modules = suites.node_modules(folder)
        with tempfile.TemporaryDirectory(dir=self.work.name) as work:
            os.symlink(modules, f"{work}/node_modules")
            with open(f"{work}/bom.json", "w", encoding="utf-8") as file:
                file.write(text)
            with open(f"{folder}/validate.mjs", encoding="utf-8") as source, open(f"{work}/validate.mjs", "w", encoding="utf-8") as target:
                target.write(source.read())
            return subprocess.run([f"{modules}/node/bin/node", f"{work}/validate.mjs", f"{work}/bom.json"],
                                  stderr=subprocess.PIPE, text=True, check=False)

    def test_given_the_bill_then_the_public_schema_accepts_it(self):
        done = self.validate(self.one)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_given_a_bill_with_an_unknown_licence_id_then_the_public_schema_refuses_it(self):
        spoilt = json.loads(self.one)
        spoilt["components"][0]["licenses"] = [{"license": {"id": "GPL-3.0-or-so"}}]
        self.assertNotEqual(self.validate(json.dumps(spoilt)).returncode, 0)

    def test_given_the_same_parts_when_made_again_then_it_is_the_same_to_the_byte(self):
        self.assertEqual(self.make("two"), self.one)
        one, two = (sorted(os.path.relpath(each, top) for each in glob.glob(f"{top}/**", recursive=True))
                    for top in (f"{self.work.name}/one", f"{self.work.name}/two"))
        self.assertEqual(one, two)

    def test_given_every_file_of_the_root_then_a_component_covers_it(self):
        with open(f"{ROOT}/iso/root.list", encoding="utf-8") as file:
            lines = [line.split()[:2] for line in file if line.strip() and not line.startswith("#")]
        wanted = {path for path, source in lines if not source.startswith(OURS)}
        built = f"{ROOT}/build/iso/root.files"
        if os.path.exists(built):  # what the last image really held
            folders = {path for path, source in lines if source.startswith(OURS)}
            with open(built, encoding="utf-8") as file:
                wanted |= {line.split("\t")[0] for line in file} - folders
        self.assertTrue(wanted)
        self.assertEqual(wanted - self.files, set())

    def test_given_every_package_of_the_guest_then_it_is_in_the_bill(self):
        with open(self.packages, encoding="utf-8") as file:
            wanted = {tuple(line.split()[:2]) for line in file}
        have = {(each["name"], each["version"]) for each in self.components if "#guest-" in each["bom-ref"]}
        self.assertEqual(wanted - have, set())

    def test_given_every_package_of_the_guest_then_its_licences_lie_beside_the_image(self):
        with open(self.packages, encoding="utf-8") as file:
            wanted = [line.split()[:2] for line in file]
        with open(self.packages.removesuffix(".packages") + ".licences", encoding="utf-8") as file:
            told = [line.rstrip("\n").split("\t") for line in file]
        self.assertEqual([each[:2] for each in told], wanted)
        self.assertEqual([each for each in told if len(each) != 3 or not each[2] or each[2] == "no copyright file"], [])
        self.assertIn("GPL-3+", dict((name, licences) for name, _, licences in told)["bash"])

    def test_given_every_library_that_the_build_links_then_it_is_in_the_bill(self):
        with open(f"{ROOT}/CMakeLists.txt", encoding="utf-8") as file:
            build = file.read()
        with open(f"{ROOT}/iso/sbom/make.py", encoding="utf-8") as file:
            known = set(re.findall(r'"([\w+-]+)": "lib[\w.+-]+|"(z)": "zlib', file.read()))
        known = {word for pair in known for word in pair if word} | {"m", "pthread", "PUBLIC", "PRIVATE"}
        ours = {each["name"] for each in self.components}
        for line in re.findall(r"(?m)^(?:set\(OCU_LIBS_\w+|ocu_library\(\w+ [\w/]+) ([^)]*)\)", build):
            for word in line.split():
                archive = re.fullmatch(r"\$\{DEPS\}/lib/lib([\w-]+?)(?:-\w+)?\.a", word)
                if archive:
                    self.assertIn({"archive": "libarchive", "tss2": "tpm2-tss"}.get(archive[1], archive[1]), ours, word)
                elif not word.startswith(("ocu_", "$")):
                    self.assertIn(word, known, "a library that iso/sbom/make.py does not know")

    def test_given_every_library_in_the_preview_page_then_it_is_in_the_bill(self):
        with open(suites.printed("scripts/web") + "/parts.json", encoding="utf-8") as file:
            wanted = {(each["name"], each["version"]) for each in json.load(file)}
        self.assertLessEqual({"pdfjs-dist", "dompurify"}, {name for name, _ in wanted})
        have = {(each["name"], each["version"]) for each in self.components if each["bom-ref"].startswith("pkg:npm/") and each["hashes"]}
        self.assertEqual(wanted - have, set())

    def test_given_every_component_then_it_has_a_licence_and_its_text_is_on_the_medium(self):
        self.assertEqual([each["name"] for each in self.components if not each.get("licenses") and each["type"] != "container"], [])
        texts = [each["value"] for part in self.components for each in part.get("properties", []) if each["name"] == "ocu:licence-text"]
        self.assertGreater(len(texts), 100)
        self.assertEqual([each for each in texts if not os.path.getsize(f"{self.work.name}/one/{each}")], [])

    def test_given_the_links_then_each_end_is_a_component_and_each_component_is_reached(self):
        references = {each["bom-ref"] for each in self.components} | {"image"}
        self.assertEqual(len(references), len(self.components) + 1)
        ends = {each["ref"] for each in self.bom["dependencies"]} | {end for each in self.bom["dependencies"] for end in each["dependsOn"]}
        self.assertEqual(ends, references)

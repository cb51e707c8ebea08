# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest is refused with the exact key and reason, and nothing of it takes effect (AP-2, CT-8, CT-9, T-15)."""

import json
import os
import shutil
import tempfile
import unittest

from support.appliance import Appliance, Manifest, free_port, run_binary
from support.audit import events, says
from support.stranger import sign_anything


class Refusals(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ocu-manifest.", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.manifest = Manifest(self.folder, free_port(), free_port())

    def verify(self, public=None):
        return run_binary("manifest", "verify", "--public", public or self.manifest.public, self.manifest.path)

    def run_once(self):
        """`run` with this manifest; refused ones end by themselves."""
        return run_binary("run", "--manifest", self.manifest.path, "--trust", self.manifest.public, "--state",
                          os.path.join(self.folder, "state"), "--image", os.environ["OCU_IMAGE"], "--runc", os.environ["OCU_RUNC"],
                          "--runsc", os.environ["OCU_RUNSC"], timeout=30)

    def assert_refused(self, *words):
        done = self.run_once()
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertNotIn("READY", done.stdout)
        for word in words:
            self.assertIn(word, done.stderr)

    def change(self, edit):
        edit(self.manifest.value)
        with open(self.manifest.path, "w", encoding="utf-8") as file:
            json.dump(self.manifest.value, file)
        sign_anything(self.manifest.secret, self.manifest.path)

    def test_unsigned_is_refused(self):
        os.unlink(self.manifest.path + ".minisig")
        self.assert_refused("signature")

    def test_altered_is_refused(self):
        with open(self.manifest.path, "a", encoding="utf-8") as file:
            file.write(" ")
        self.assert_refused("signature")

    def test_signed_by_another_key_is_refused(self):
        other = os.path.join(self.folder, "other")
        os.mkdir(other)
        stranger = Manifest(other, free_port(), free_port())
        shutil.copy(stranger.path, self.manifest.path)
        shutil.copy(stranger.path + ".minisig", self.manifest.path + ".minisig")
        self.assert_refused("key")

    def test_unknown_key_is_named(self):
        self.change(lambda m: m["mcp"].update(surprise=1))
        self.assert_refused("mcp.surprise")

    def test_unknown_section_is_named(self):
        self.change(lambda m: m.update(extras={}))
        self.assert_refused("extras")

    def test_wrong_type_is_named(self):
        self.change(lambda m: m["mcp"].update(listen=8811))
        self.assert_refused("mcp.listen")

    def test_missing_key_is_named(self):
        self.change(lambda m: m.pop("serial"))
        self.assert_refused("serial")

    def test_out_of_range_is_named(self):
        self.change(lambda m: m.update(serial=-1))
        self.assert_refused("serial")

    def test_other_schema_is_refused(self):
        self.change(lambda m: m.update(schema="ocu-manifest/2"))
        self.assert_refused("schema")

    def test_duplicate_key_is_refused(self):
        with open(self.manifest.path, encoding="utf-8") as file:
            text = file.read()
        with open(self.manifest.path, "w", encoding="utf-8") as file:
            file.write(text.replace('"serial": 1', '"serial": 1, "serial": 9', 1))
        sign_anything(self.manifest.secret, self.manifest.path)
        self.assert_refused("serial")

    def test_bad_key_hash_is_named(self):
        self.change(lambda m: m["mcp"]["callers"][0].update(key_hash="sha256:00:11"))
        self.assert_refused("mcp.callers[0].key_hash")

    def test_tier_that_the_profile_may_not_have_is_refused(self):
        self.change(lambda m: m["appliance"].update(profile="internal_workforce", tier="runc"))
        self.assert_refused("tier")
        self.change(lambda m: m["appliance"].update(profile="untrusted", tier="gvisor"))
        self.assert_refused("profile")

    def test_signature_of_another_tool_is_good(self):
        sign_anything(self.manifest.secret, self.manifest.path)
        self.assertEqual(self.verify().returncode, 0)

    def test_annotated_example_is_good(self):
        folder = os.path.join(os.path.dirname(__file__), "..", "..", "appliance", "manifest")
        examples = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".json")]
        self.assertTrue(examples)
        for path in examples:
            done = run_binary("manifest", "explain", path)
            self.assertEqual(done.returncode, 0, f"{path}: {done.stderr}")

    def test_schema_is_json(self):
        done = run_binary("manifest", "schema")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["additionalProperties"], False)

    def test_verify_says_good(self):
        done = self.verify()
        self.assertEqual(done.returncode, 0, done.stderr)


class Serial(unittest.TestCase):
    def test_older_serial_is_refused(self):
        appliance = Appliance()
        self.addCleanup(appliance.remove)
        appliance.manifest.value["serial"] = 5
        appliance.manifest.write()
        appliance.start()
        appliance.stop()
        appliance.manifest.value["serial"] = 4
        appliance.manifest.write()
        done = run_binary(*appliance.arguments()[1:], timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertIn("serial", done.stderr)
        appliance.manifest.value["serial"] = 6
        appliance.manifest.write()
        appliance.start()
        appliance.stop()


class Downgrade(unittest.TestCase):
    """CT-9: a manifest that holds its guests less than the one before is good, but on record before it serves."""

    def setUp(self):
        self.appliance = Appliance()
        self.addCleanup(self.appliance.remove)
        self.addCleanup(self.appliance.stop)

    def serve(self, profile, tier):
        """Starts with the next serial, and ends; what it put on record of a downgrade, which is there by READY."""
        self.appliance.stop()
        value, before = self.appliance.manifest.value, len(self.downgrades())
        value["appliance"].update(profile=profile, tier=tier)
        value["serial"] += 1
        self.appliance.manifest.write()
        self.appliance.start()
        return self.downgrades()[before:]

    def downgrades(self):
        return [each for each in events(self.appliance) if says(each, "trust_profile_downgraded")]

    def assert_told(self, found, change):
        self.assertEqual(len(found), 1, found)
        self.assertEqual(found[0]["entity"]["name"].encode("latin-1").decode(), change)
        self.assertEqual(found[0]["severity_id"], 4)

    def test_weaker_is_on_record_and_equal_or_stricter_is_not(self):
        self.assertEqual(self.serve("trusted_operator", "runc"), [])  # the first
        self.assertEqual(self.serve("trusted_operator", "gvisor"), [])
        self.assertEqual(self.serve("internal_workforce", "gvisor"), [])
        self.assertEqual(self.serve("internal_workforce", "gvisor"), [])
        self.assert_told(self.serve("trusted_operator", "gvisor"), "internal_workforce/gvisor->trusted_operator/gvisor")
        self.assert_told(self.serve("trusted_operator", "runc"), "trusted_operator/gvisor->trusted_operator/runc")
        self.appliance.stop()
        self.appliance.start()  # the same again: it was said
        self.assertEqual(len(self.downgrades()), 2)
        self.assertEqual(self.appliance.verify_audit().returncode, 0)

    def test_damaged_note_is_a_downgrade(self):
        self.assertEqual(self.serve("trusted_operator", "runc"), [])
        self.appliance.stop()
        with open(os.path.join(self.appliance.state, "state", "manifest.trust"), "w", encoding="utf-8"):
            pass
        self.assert_told(self.serve("trusted_operator", "runc"), "unknown->trusted_operator/runc")
        self.assertEqual(self.serve("trusted_operator", "runc"), [])  # it is whole again

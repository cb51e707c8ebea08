# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of sessions in a store that is not there: nothing begins without it, nothing hangs on it, and all of it is on record (T-31, SB-9, SX-6)."""

import os
import signal
import unittest

from support.appliance import Appliance, free_port, wait_until
from support.audit import events
from support.mcp import Mcp, Refused

CREDENTIAL = "AKIDEXAMPLE:store-secret-0123456789"


class StoreElsewhere(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.port = free_port()
        cls.appliance = Appliance().start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)
        place = {"endpoint": f"http://store.example:{cls.port}", "plain": True, "addresses": ["127.0.0.1"], "bucket": "files", "prefix": "ocu/test",
                 "path_style": True, "credential": "store-key"}
        cls.appliance.restart_with_credential("store-key", CREDENTIAL, storage={"engine": "s3", "s3": place})

    def on_record(self, action, **wanted):
        return [each["unmapped"] for each in events(self.appliance)
                if each["unmapped"]["action"] == action and all(each["unmapped"][key] == value for key, value in wanted.items())]

    def refused(self, chat):
        client = Mcp(self.appliance, chat=chat)
        self.addCleanup(client.close)
        with self.assertRaises(Refused) as caught:
            client.bash("true")
        return str(caught.exception)

    def test_1_no_session_begins_without_its_store(self):
        self.assertEqual(self.appliance.ctl("status")["storage"]["engine"], "s3")
        self.assertIn("session_failed", self.refused("none"))
        given = self.on_record("key_use", resource="store credential", outcome="success")
        self.assertTrue(given)
        self.assertNotEqual(given[-1]["session"], "0" * 16)
        self.assertTrue(self.on_record("mount_detach", outcome="failure"))
        self.assertEqual(self.appliance.ctl("status")["status"], "healthy")

    def test_2_removal_is_tried_and_waits_for_nobody(self):
        self.refused("swept")
        self.assertTrue(wait_until(lambda: self.on_record("store_swept", outcome="failure"), 30))
        place = self.on_record("store_swept", outcome="failure")[0]["resource"]
        self.assertRegex(place, r"^files/ocu/test/r-[0-9a-f]{32}/s-[0-9a-f]{16}/$")

    def test_3_a_lane_that_is_killed_is_back(self):
        before = self.appliance.helpers()["storage-lane"][0]
        os.kill(before, signal.SIGKILL)
        self.assertTrue(wait_until(lambda: self.appliance.helpers().get("storage-lane", [before]) != [before], 10))
        self.assertTrue(wait_until(lambda: self.appliance.ctl("status")["storage"]["state"] in ("untried", "failing"), 10))
        tried = len(self.on_record("backend_failed"))
        self.refused("after")
        self.assertTrue(wait_until(lambda: len(self.on_record("backend_failed")) > tried, 30))

    def test_4_the_secret_is_nowhere(self):
        secret = CREDENTIAL.split(":")[1]
        self.assertNotIn(secret, "\n".join(self.appliance.log))
        for top, _, names in os.walk(self.appliance.state):
            for name in names:
                path = os.path.join(top, name)
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        self.assertNotIn(secret.encode(), file.read(), path)
        for name, pids in self.appliance.helpers().items():
            for pid in pids:
                with open(f"/proc/{pid}/environ", "rb") as environ, open(f"/proc/{pid}/cmdline", "rb") as line:
                    self.assertNotIn(secret.encode(), environ.read() + line.read(), name)

    def test_5_what_is_left_is_remembered_over_a_stop(self):
        self.refused("last")
        store = os.path.join(self.appliance.state, "store")
        marks = [each for each in os.listdir(store) if each.startswith("r-")]
        self.assertTrue(marks)
        self.appliance.stop()
        self.assertEqual([each for each in os.listdir(store) if each.startswith("r-")], marks)
        self.appliance.start()
        self.assertGreater(len([each for each in os.listdir(store) if each.startswith("r-")]), len(marks))

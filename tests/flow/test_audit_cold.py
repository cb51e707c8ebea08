# SPDX-License-Identifier: GPL-3.0-or-later
"""The record's cold tier in a real S3 store with Object Lock (Ceph's gateway): sealed segments lie there locked and whole, an outage loses nothing and lets nothing
go, a bucket without locks is an alarm, and an auditor brings segments back (AU-7, T-43, T-44)."""

import os
import shutil
import signal
import unittest

from support import leftovers, s3_client, s3_servers
from support.appliance import Appliance, run_binary, wait_until
from support.audit import events
from support.old_log import SEGMENTS, clock_is_checked, grow_old


def fetch():
    s3_servers.programs()


LOCKED, PREFIX = "record", "box"
SEALED = SEGMENTS - 1  # at least: the last one may still be written


class AuditCold(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.before = leftovers.snapshot()
        cls.store = s3_servers.Ceph(s3_servers.Here())
        cls.addClassCleanup(cls.store.close)
        assert s3_client.request(cls.store, "PUT", f"/{LOCKED}", fields={"x-amz-bucket-object-lock-enabled": "true"})[0] == 200
        cls.appliance = Appliance().start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)
        grow_old(cls.appliance)
        cls.first = os.path.join(cls.appliance.audit_dir(), "journal", "00000000.seg")
        with open(cls.first, "rb") as file:
            cls.first_bytes = file.read()

    def name_bucket(self, bucket):
        place = {"endpoint": f"http://s3.test:{self.store.port}", "plain": True, "addresses": ["127.0.0.1"], "region": s3_servers.REGION, "bucket": bucket,
                 "prefix": PREFIX, "path_style": True, "credential": "cold-key"}
        self.appliance.restart_with_credential("cold-key", f"{s3_servers.ACCESS}:{s3_servers.SECRET}", audit={"cold": place, "hot_days": 30})

    def cold(self):
        return self.appliance.ctl("status")["audit_cold"]

    def said(self, action):
        return [each["unmapped"] for each in events(self.appliance) if each["unmapped"]["action"] == action]

    def status_text(self):
        return run_binary("ctl", "--socket", self.appliance.operator_socket, "status").stdout

    def test_1_an_outage_lets_nothing_go_and_is_made_up_for(self):
        gateway = self.store.running.pop()
        os.killpg(gateway.pid, signal.SIGKILL)
        gateway.wait()
        self.name_bucket(LOCKED)
        self.assertTrue(wait_until(lambda: self.cold()["state"] == "failing" and self.cold()["why"] == "unreachable", 20), self.cold())
        self.assertGreaterEqual(self.cold()["due_segments"], SEALED)
        self.assertTrue(wait_until(lambda: self.appliance.ctl("status")["audit_retention"]["hold"] == "cold", 20))
        self.assertIn("older ones stay until the cold tier has them", self.status_text())
        self.assertTrue(os.path.exists(self.first))
        self.store.start("radosgw", "-c", "/data/ceph.conf", "-n", "client.rgw", "-f")
        self.assertTrue(wait_until(lambda: self.cold()["state"] == "keeping" and self.cold()["segments"] >= SEALED, 60), self.cold())
        self.assertTrue(wait_until(lambda: self.cold()["due_segments"] == 0, 20), self.cold())
        kept = self.said("audit_cold_kept")
        self.assertEqual([f"segment={number} " in each["detail"] for number, each in enumerate(kept)], [True] * len(kept))

    def test_2_what_lies_there_is_whole_and_cannot_be_removed(self):
        path = f"/{LOCKED}/{PREFIX}/journal/00000000.seg"
        status, fields, body = s3_client.request(self.store, "GET", path)
        self.assertEqual((status, fields["x-amz-object-lock-mode"], body), (200, "COMPLIANCE", self.first_bytes))
        status, _, _ = s3_client.request(self.store, "DELETE", path, query={"versionId": fields["x-amz-version-id"]})
        self.assertEqual(status, 403)
        head = s3_client.request(self.store, "GET", f"/{LOCKED}/{PREFIX}/heads/00000000")
        self.assertEqual((head[0], head[1]["x-amz-object-lock-mode"]), (200, "COMPLIANCE"))
        self.assertIn(b"\n\xe2\x80\x94 ", head[2])

    def test_3_segments_are_brought_back_and_verify(self):
        self.appliance.stop()
        self.appliance.start()  # goes on from where it was, and looks for what is due ten seconds later
        self.assertTrue(wait_until(lambda: self.cold()["segments"] >= SEALED, 10))
        if clock_is_checked():
            self.assertTrue(wait_until(lambda: not os.path.exists(self.first), 40))
            self.assertRegex(self.appliance.verify_audit().stdout, "they went after 30 days, since the cold tier holds them")
        self.store.s3("copy", f"s3:{LOCKED}/{PREFIX}/journal", "/data/got")
        self.appliance.stop()
        copy = os.path.join(self.appliance.folder, "copy")
        shutil.copytree(self.appliance.audit_dir(), copy)
        for number in range(3):
            path = os.path.join(copy, "journal", f"{number:08}.seg")
            if os.path.exists(path):
                os.unlink(path)
        if not clock_is_checked():
            self.assertIn("prefix_missing", self.appliance.verify_audit(copy).stdout)
        shutil.copytree(os.path.join(self.store.data, "got"), os.path.join(copy, "journal"), dirs_exist_ok=True)
        said = self.appliance.verify_audit(copy)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        with open(os.path.join(copy, "journal", "00000001.seg"), "r+b") as file:
            file.seek(600)
            file.write(b"x")
        self.assertNotEqual(self.appliance.verify_audit(copy).returncode, 0)
        shutil.rmtree(copy)

    def test_4_a_bucket_without_locks_is_refused(self):
        self.name_bucket(s3_servers.BUCKET)
        self.assertTrue(wait_until(lambda: self.cold()["state"] == "refused", 20), self.cold())
        self.assertEqual(self.cold()["why"], "not_locked")
        self.assertIn("ALARM", self.status_text())
        self.assertTrue(wait_until(lambda: any("why=not_locked" in each["detail"] for each in self.said("audit_cold_refused")), 5))
        self.assertTrue(any("use=cold" in each["detail"] for each in self.said("backend_opened")))
        self.assertEqual(self.appliance.verify_audit().returncode, 0)

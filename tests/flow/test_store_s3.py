# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions whose files lie in a real S3 store (Ceph's gateway), from the guest's call to the object and back (SB-3, SB-4, SB-9, SX-6, T-31)."""

import os
import signal
import time
import unittest

from support import leftovers, s3_servers
from support.appliance import Appliance, wait_until
from support.audit import events
from support.mcp import Mcp


def fetch():
    s3_servers.programs()


NEEDLE = "needle-in-the-bucket-7731"
PREFIX = "ocu/one"


class StoreS3(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.before = leftovers.snapshot()
        cls.store = s3_servers.Ceph(s3_servers.Here())
        cls.addClassCleanup(cls.store.close)
        cls.appliance = Appliance().start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)
        storage, secret = s3_servers.storage_of(cls.store, PREFIX)
        cls.appliance.restart_with_credential("store-key", secret, storage=storage)

    def session(self, name):
        client = Mcp(self.appliance, chat=name)
        self.addCleanup(client.close)
        return client

    def objects(self):
        return self.store.s3("lsf", "-R", "--files-only", f"s3:{s3_servers.BUCKET}/{PREFIX}").split()

    def on_record(self, action):
        return [each["unmapped"] for each in events(self.appliance) if each["unmapped"]["action"] == action]

    def test_1_what_a_guest_writes_it_reads_again(self):
        text = self.session("one").bash(f"""cd /mnt/user-data/outputs && set -e
mkdir {NEEDLE}; yes {NEEDLE} | head -c 3000000 > {NEEDLE}/text; head -c 30000000 /dev/urandom > big; sync big; sha256sum big > sum
for i in $(seq 50); do echo $i > small-$i; done; mv small-1 moved; rm small-2; truncate -s 100000 {NEEDLE}/text
git init -q r && cd r && git config user.email a@b && git config user.name n && echo x > x && git add x && git commit -qm m && git fsck && cd ..
python3 -c "import sqlite3; c = sqlite3.connect('db'); c.execute('create table t(x)'); c.execute('insert into t values(42)'); c.commit()"
sha256sum -c sum && stat -c %s {NEEDLE}/text && cat moved small-50""", timeout_s=120)
        for each in ("big: OK", "100000", "50"):
            self.assertIn(each, text)

    def test_2_the_store_knows_neither_names_nor_contents(self):
        found = self.objects()
        self.assertTrue(found)
        for each in found:
            self.assertRegex(each, r"^r-[0-9a-f]{32}/s-[0-9a-f]{16}/[0-9]{8}/[0-9]{10}$")
        every = self.store.run("sh", "-ec", f"rclone --config /data/rclone.conf copy s3:{s3_servers.BUCKET}/{PREFIX} /tmp/all; "
                                            f"du -sb /tmp/all | cut -f1; grep -rcl {NEEDLE} /tmp/all | wc -l").split()
        self.assertGreater(int(every[0]), 30_000_000)
        self.assertEqual(every[1], "0")

    def test_3_a_store_that_stops_answering_is_an_error_and_then_it_is_none(self):
        client = self.session("one")
        gateway = self.store.running[-1]
        os.killpg(gateway.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            text = client.bash("cd /mnt/user-data/outputs; head -c 9000000 /dev/urandom > late; echo closed-$?", timeout_s=90)
            self.assertLess(time.monotonic() - began, 40)
            self.assertRegex(text, "Input/output error|closed-[^0]")
        finally:
            os.killpg(gateway.pid, signal.SIGCONT)
        self.assertTrue(wait_until(lambda: "kept" in client.bash("cd /mnt/user-data/outputs; echo again > late && cat late && sha256sum -c sum && echo kept"), 60))

    def test_4_each_connection_is_on_record(self):
        opened = self.on_record("backend_opened")
        self.assertTrue(opened)
        self.assertNotEqual(opened[0]["session"], "0" * 16)

    def test_5_what_a_session_leaves_goes_with_it(self):
        self.assertTrue(self.objects())
        self.appliance.ctl("kill-all")
        self.assertTrue(wait_until(lambda: not self.objects(), 60), self.objects())
        self.assertTrue(wait_until(lambda: any(each["outcome"] == "success" for each in self.on_record("store_swept")), 20))
        self.assertTrue(self.on_record("data_key_destroyed"))

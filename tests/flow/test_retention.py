# SPDX-License-Identifier: GPL-3.0-or-later
"""Records older than policy (AU-7, T-38, T-39): a log that an earlier machine began nine years ago. It goes if this host's clock is one that somebody
keeps right, which no test can say in its place: then it is removed, with a signed word for it. If it is not, nothing goes, and that is said."""

import os

from support.appliance import run_binary, wait_until
from support.audit import find_events
from support.case import ApplianceCase
from support.old_log import RECORDS, clock_is_checked, grow_old


class Retention(ApplianceCase):
    def state(self):
        return self.appliance.ctl("status")["audit_retention"]

    def test_old_records_go_by_a_checked_clock_and_stay_by_another(self):
        grow_old(self.appliance)
        self.appliance.start()
        first = os.path.join(self.appliance.audit_dir(), "journal", "00000000.seg")
        event = "audit_retention" if clock_is_checked() else "audit_retention_held"
        self.assertTrue(find_events(self.appliance, lambda e: e["message"] == event, 40), event)
        if not clock_is_checked():
            self.assertEqual(self.state(), {"days": 2557, "removed": 0, "hold": "clock"})
            self.assertIn("nobody has checked the clock", run_binary("ctl", "--socket", self.appliance.operator_socket, "status").stdout)
            self.assertTrue(os.path.exists(first))
            self.assertEqual(self.appliance.verify_audit().returncode, 0)
            return
        self.assertTrue(wait_until(lambda: self.state()["removed"] >= 3 * RECORDS, 10))
        self.assertFalse(os.path.exists(first))
        for _ in range(2):
            said = self.appliance.verify_audit()
            self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
            self.assertRegex(said.stdout, r"records 0 to \d+ were removed under retention of 2557 days")
            self.appliance.stop()
            self.appliance.start()
        os.unlink(os.path.join(self.appliance.audit_dir(), "retention"))
        self.assertIn("prefix_missing", self.appliance.verify_audit().stdout)

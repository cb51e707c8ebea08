# SPDX-License-Identifier: GPL-3.0-or-later
"""Records older than policy (AU-7, T-38, T-39): a log that an earlier machine began nine years ago. It goes if this host's clock is one that somebody
keeps right, which no test can say in its place: then it is removed, with a signed word for it. If it is not, nothing goes, and that is said."""

import ctypes
import hashlib
import json
import os
import shutil
import struct
import time

from support.appliance import run_binary, wait_until
from support.audit import find_events
from support.case import ApplianceCase

SOURCES = ("core", "gateway", "control", "custody", "storage", "sandbox", "edge", "audit")
SEGMENTS, RECORDS, SEGMENT_BYTES = 7, 80, 65536
STA_UNSYNC = 0x40


def clock_is_checked():
    space = ctypes.create_string_buffer(512)
    return ctypes.CDLL(None).adjtimex(space) >= 0 and not struct.unpack_from("i", space, 40)[0] & STA_UNSYNC


def record(sequence, previous, moment_ms):
    prev = {"prev_event": {"uid": f"core-{sequence - 1}", "fingerprint": {"algorithm_id": 3, "value": previous.hex()}}} if sequence > 1 else {}
    value = {"class_uid": 1007, "time": moment_ms, "message": "helper_start", "metadata": {"sequence": sequence, "log_name": "core"},
             "unmapped": {"session": "", "actor": "core", "resource": "old", "action": "helper_start", "outcome": "success", "reason": "", "detail": "needle-old",
                          "number": 0, "bytes": 0, "attestation": {"authority_uid": "ocu", "chain_uid": "core", **prev}}}
    return json.dumps(value, separators=(",", ":")).encode()


def old_journal(folder, moment_ms):
    """As docs/formats/audit.md has it: all of these records are of one source."""
    sequence, previous, index = 1, bytes(32), 0
    for number in range(SEGMENTS):
        table = b"".join(struct.pack("<Q", sequence if name == "core" else 1) + (previous if name == "core" else bytes(32)) for name in SOURCES)
        head = b"OCUAUDIT" + struct.pack("<IIQ", 1, len(SOURCES), index) + table
        body = (head + hashlib.sha256(head).digest()).ljust(512, b"\0")
        for _ in range(RECORDS):
            text = record(sequence, previous, moment_ms)
            body += struct.pack("<I", len(text)) + text + hashlib.sha256(b"\0" + text).digest()
            sequence, previous, index = sequence + 1, hashlib.sha256(text).digest(), index + 1
        with open(os.path.join(folder, f"{number:08}.seg"), "wb") as file:
            file.write(body.ljust(SEGMENT_BYTES, b"\0"))


class Retention(ApplianceCase):
    def grow_old(self):
        self.appliance.stop()
        audit = self.appliance.audit_dir()
        owner = os.stat(os.path.join(audit, "journal"))
        for name in os.listdir(audit):
            shutil.rmtree(os.path.join(audit, name)) if os.path.isdir(os.path.join(audit, name)) else os.unlink(os.path.join(audit, name))
        os.mkdir(os.path.join(audit, "journal"), 0o750)
        old_journal(os.path.join(audit, "journal"), int((time.time() - 9 * 365 * 86400) * 1000))
        for top, _, names in os.walk(audit):
            for each in [top, *(os.path.join(top, name) for name in names)]:
                os.chown(each, owner.st_uid, owner.st_gid)
        self.appliance.start()

    def state(self):
        return self.appliance.ctl("status")["audit_retention"]

    def test_old_records_go_by_a_checked_clock_and_stay_by_another(self):
        self.grow_old()
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

# SPDX-License-Identifier: GPL-3.0-or-later
"""A log whose first records are nine years old, as docs/formats/audit.md has it; and whether somebody keeps this host's clock right, without which none goes."""

import ctypes
import hashlib
import json
import os
import shutil
import struct
import time

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
    """All of these records are of one source."""
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


def grow_old(appliance):
    """Starts it anew over a log that an earlier machine began nine years ago."""
    appliance.stop()
    audit = appliance.audit_dir()
    owner = os.stat(os.path.join(audit, "journal"))
    for name in os.listdir(audit):
        shutil.rmtree(os.path.join(audit, name)) if os.path.isdir(os.path.join(audit, name)) else os.unlink(os.path.join(audit, name))
    os.mkdir(os.path.join(audit, "journal"), 0o750)
    old_journal(os.path.join(audit, "journal"), int((time.time() - 9 * 365 * 86400) * 1000))
    for top, _, names in os.walk(audit):
        for each in [top, *(os.path.join(top, name) for name in names)]:
            os.chown(each, owner.st_uid, owner.st_gid)

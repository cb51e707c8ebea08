# SPDX-License-Identifier: GPL-3.0-or-later
"""The row that reads a long log (P14)."""

import os
import subprocess
import tempfile

from bench import bench as table
from support.appliance import setting

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RECORDS = 1_000_000  # 1.9 GB; the goal speaks of ten million, OCU_LONG makes them, and the ratio is that of each record


def verified(rounds):
    """`audit verify` of a whole log beside `sha256sum` of all its files, one after the other, both from the page cache."""
    records = RECORDS * (10 if os.environ.get("OCU_LONG") else 1)
    subprocess.run([os.path.join(ROOT, "scripts", "build"), "release", "process_audit"], check=True, capture_output=True)
    with tempfile.TemporaryDirectory(prefix="ocu-bench.", dir="/var/tmp") as folder:
        log = os.path.join(folder, "log")
        os.mkdir(log)
        subprocess.run([os.path.join(ROOT, "build", "release", "process_audit"), "[.make]"], check=True, capture_output=True,
                       env={**os.environ, "OCU_LOG_DIRECTORY": log, "OCU_LOG_RECORDS": str(records)})
        files = [os.path.join(path, name) for path, _folders, names in os.walk(log) for name in names]

        def ours():
            subprocess.run([setting("OCU_BINARY"), "audit", "verify", log], check=True, capture_output=True)

        def theirs():
            subprocess.run(["xargs", "-0", "sha256sum"], input="\0".join(files), text=True, check=True, stdout=subprocess.DEVNULL)

        left, right = table.interleaved(table.timed(ours), table.timed(theirs), rounds or 3)
    return [table.compare("P14", "<= 3", "ms", left, right, f"audit verify, {records:,} records", "sha256sum of the same files")]

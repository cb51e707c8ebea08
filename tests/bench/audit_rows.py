# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the record: how fast it is written, alone and beside sinks that read it (P13), and how fast a long one is verified (P14)."""

import contextlib
import json
import os
import subprocess
import tempfile

from bench import bench as table
from bench.session_rows import OperatorLine
from support.appliance import setting
from support.mcp import Mcp

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RECORDS = 1_000_000  # 1.9 GB; the goal speaks of ten million, OCU_LONG makes them, and the ratio is that of each record


# Three that keep up, in each format, and two whose receivers are not there.
SINKS = [{"name": f"file-{form}", "kind": "file", "format": form, "rotate_mib": 64, "files": 2} for form in ("ocsf", "ecs", "cef")] + [
    {"name": "no-web", "kind": "https", "url": "https://127.0.0.1:9/"}, {"name": "no-syslog", "kind": "syslog", "host": "127.0.0.1:9"}]


def appended(running, rounds):
    """The real audit-writer beside a bare file on the same disk, interleaved by the program that also tests it; then a whole appliance with sinks
    beside one without."""
    subprocess.run([os.path.join(ROOT, "scripts", "build"), "release", "process_audit"], check=True, capture_output=True)
    with tempfile.TemporaryDirectory(prefix="ocu-bench.", dir="/var/tmp") as folder:
        path = os.path.join(folder, "measured.json")
        subprocess.run([os.path.join(ROOT, "build", "release", "process_audit"), "[.measure]"], check=True, capture_output=True,
                       env={**os.environ, "TMPDIR": folder, "OCU_MEASURED": path})
        with open(path, encoding="utf-8") as file:
            measured = json.load(file)
    made = [table.compare("P13", "p50 <= 1.5", "us", measured["one"]["ours"], measured["one"]["theirs"], "one durable record, acknowledged",
                          "a thread that appends 512 bytes and syncs")]
    rates = {side: [256e6 / took for took in measured["256"][side]] for side in ("ours", "theirs")}
    made.append(table.compare("P13", ">= 0.7", "records/s", rates["ours"], rates["theirs"], "durable records a second, 256 waiters",
                              "the same thread, what waits in one sync"))
    return made + beside_sinks(running, rounds)


def acknowledged(appliance):
    """An operator's word that is on record before it is answered."""
    line = OperatorLine(appliance.operator_socket)
    line.ask("POST", "/v1/thaw")
    line.connection.close()


def beside_sinks(running, rounds):
    made = []
    with contextlib.ExitStack() as stack:
        both = [stack.enter_context(running(changes=changes)) for changes in ({"audit": {"sinks": SINKS}}, None)]
        clients = [Mcp(each) for each in both]
        for what, unit, ways in (("one record, acknowledged to an operator (`thaw`)", "ms", [lambda each=each: acknowledged(each) for each in both]),
                                 ("tool call `true`, runc", "ms", [lambda each=each: each.bash("true") for each in clients])):
            left, right = table.interleaved(*map(table.timed, ways), rounds or 200)
            made.append(table.compare("P13", "", unit, left, right, f"{what}, five sinks, two of them dead", "the same without sinks"))
        for each in clients:
            each.close()
    return made


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

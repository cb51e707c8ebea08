# SPDX-License-Identifier: GPL-3.0-or-later
"""P12: the S3 engine beside `rclone copy`, on the same server (Ceph's gateway over a store in memory) in the same run: a gibibyte up and down, and a
thousand objects of 1 KiB. Ours by `process_s3 "[speed]"`: each small one is settled before the next, as a close is."""

import json
import os
import shutil
import subprocess
import time

from bench import bench as table
from support import s3_servers
from support.appliance import setting

MIB, SMALL = 1_024, 1_000
LINES = (("up", MIB, "MiB/s", f"{MIB} MiB up"), ("down", MIB, "MiB/s", f"{MIB} MiB down"), ("small_up", SMALL, "objects/s", f"{SMALL} of 1 KiB up, each settled"),
         ("small_down", SMALL, "objects/s", f"{SMALL} of 1 KiB down"))


def ours(server):
    program = os.path.join(os.path.dirname(setting("OCU_BINARY")), "process_s3")
    values = {"OCU_S3_PORT": str(server.port), "OCU_S3_ACCESS": s3_servers.ACCESS_OF[server.name], "OCU_S3_SECRET": s3_servers.SECRET,
              "OCU_S3_REGION": s3_servers.REGION, "OCU_S3_BUCKET": s3_servers.BUCKET, "OCU_S3_MIB": str(MIB), "OCU_S3_PIECES": str(SMALL)}
    done = subprocess.run(server.namespace.command([program, "[speed]"]), env={**os.environ, **values}, capture_output=True, text=True, check=False)
    line = next((each for each in done.stdout.splitlines() if each.startswith("{")), None)
    if done.returncode != 0 or line is None:
        raise RuntimeError(f"process_s3: {done.stdout[-800:]}")
    return json.loads(line)


def rclone(server):
    os.makedirs(f"{server.data}/many", exist_ok=True)
    os.makedirs(f"{server.data}/one", exist_ok=True)
    block = os.urandom(1 << 20)
    with open(f"{server.data}/one/big", "wb") as file:
        for _ in range(MIB):
            file.write(block)
    for number in range(SMALL):
        with open(f"{server.data}/many/{number}", "wb") as file:
            file.write(block[:1024])
    made = {}
    for what, source, target in (("up", "/data/one", "one"), ("small_up", "/data/many", "many")):
        for way, pair in ((what, (source, f"s3:{s3_servers.BUCKET}/{target}")), (what.replace("up", "down"), (f"s3:{s3_servers.BUCKET}/{target}", f"/data/back-{target}"))):
            started = time.perf_counter()
            server.s3("copy", *pair, "--no-check-dest")
            made[way] = time.perf_counter() - started
        server.s3("purge", f"s3:{s3_servers.BUCKET}/{target}")
        shutil.rmtree(f"{server.data}/back-{target}")
    return made


def s3(rounds):
    namespace = s3_servers.Namespace()
    values = {}
    try:
        server = s3_servers.Ceph(namespace)
        try:
            for _ in range(rounds or 3):
                for name, measure in (("ours", ours), ("rclone", rclone)):
                    for what, value in measure(server).items():
                        values.setdefault((name, what), []).append(value)
        finally:
            server.close()
    finally:
        namespace.close()
    def rates(name, what, count):
        return [count / each for each in values[name, what]]
    return [table.compare("P12", ">= 1.0", unit, rates("ours", what, count), rates("rclone", what, count), f"S3, {text}", "rclone copy")
            for what, count, unit, text in LINES]

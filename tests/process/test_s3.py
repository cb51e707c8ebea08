# SPDX-License-Identifier: GPL-3.0-or-later
"""SB-4, SB-9: the S3 engine against Swift's S3 face and Ceph's gateway: `process_s3` in the servers' network namespace, once for each of them, and once
through something between them that breaks what passes."""

import os
import subprocess
import sys
import tempfile
import unittest

from support import s3_servers
from support.appliance import setting

HERE = os.path.dirname(os.path.abspath(__file__))
FAULTS = os.path.join(os.path.dirname(HERE), "support", "s3_faults.py")
SECONDS_MAX = 240


def fetch():
    s3_servers.programs()


def certificate(folder, name, stem):
    """A certificate that signs itself, for `name`."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}", "-keyout", f"{folder}/{stem}.key", "-out", f"{folder}/{stem}.pem"],
                   check=True, capture_output=True)


class Engine(unittest.TestCase):
    """One server, and what stands before it."""

    server = None
    pieces = 0

    @classmethod
    def setUpClass(cls):
        if cls.server is None:
            raise unittest.SkipTest("a base")
        cls.namespace = s3_servers.Namespace()
        cls.folder = tempfile.TemporaryDirectory(prefix="ocu-s3-test-")
        try:
            cls.running = cls.server(cls.namespace)
        except BaseException:
            cls.namespace.close()
            raise
        print(f"        {cls.server.name} was up after {cls.running.started_in:.1f} s", flush=True)

    @classmethod
    def tearDownClass(cls):
        cls.running.close()
        cls.namespace.close()
        cls.folder.cleanup()

    def run_tests(self, *words, env=None):
        program = os.path.join(os.path.dirname(setting("OCU_BINARY")), "process_s3")
        values = {"OCU_S3_PORT": str(self.server.port), "OCU_S3_ACCESS": s3_servers.ACCESS_OF[self.server.name], "OCU_S3_SECRET": s3_servers.SECRET,
                  "OCU_S3_REGION": s3_servers.REGION, "OCU_S3_BUCKET": s3_servers.BUCKET,
                  "OCU_S3_PIECES": str(self.pieces), **(env or {})}
        done = subprocess.run(self.namespace.command([program, *words, "--durations", "yes"]), env={**os.environ, **values}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS_MAX, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-6000:])
        print("".join(f"        {line}\n" for line in done.stdout.splitlines() if " s: " in line), end="", flush=True)

    def between(self, env):
        """The breaker, told by a file what to do; it serves until its input ends."""
        words = [sys.executable, FAULTS, "7999", str(self.server.port), f"{self.folder.name}/mode"]
        for name, value in env.items():
            words += [f"--{name}", value]
        process = subprocess.Popen(self.namespace.command(words), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"ready\n")

        def end():
            process.stdin.close()
            process.stdout.close()
            process.wait(10)
        self.addCleanup(end)


class Swift(Engine):
    server = s3_servers.Swift
    pieces = 100  # it writes each to the disk several times

    def test_engine(self):
        self.run_tests("~[faults]~[tls]")


class Ceph(Engine):
    server = s3_servers.Ceph
    pieces = 1_000

    def test_engine(self):
        self.run_tests("~[faults]~[tls]~[strict]")

    def test_faults(self):
        self.between({})
        self.run_tests("[faults]", env={"OCU_S3_FAULTS": f"{self.folder.name}/mode", "OCU_S3_FAULTS_PORT": "7999"})

    def test_tls(self):
        for name, stem in (("s3.test", "right"), ("other.test", "other")):
            certificate(self.folder.name, name, stem)
        self.between({"certificate": f"{self.folder.name}/right"})
        self.run_tests("[tls]", env={"OCU_S3_TLS_PORT": "7999", "OCU_S3_CERTIFICATES": self.folder.name})


del Engine  # only what derives from it is run

# SPDX-License-Identifier: GPL-3.0-or-later
"""A customer's proxy for a world: a real squid that only knows CONNECT, lets through all but one address and one name, and keeps a log of it."""

import glob
import os
import shutil
import signal
import subprocess
import tempfile

from support.appliance import WORLD_NUMBERS, wait_until

PORT = 3128
CONFIG = """http_port {address}:{port}
acl CONNECT method CONNECT
acl closed dst {closed}
acl closed_name dstdomain -n {closed_name}
http_access deny closed_name
http_access deny closed
http_access allow CONNECT
http_access deny all
cache deny all
cache_mem 8 MB
pinger_enable off
logformat line %rm %ru %>Hs
access_log stdio:{folder}/access.log line
cache_log {folder}/squid.log
cache_effective_user proxy
pid_filename none
shutdown_lifetime 1 second
coredump_dir {folder}
visible_hostname gate
dns_nameservers {resolver}
"""


class Squid:
    def __init__(self, world, address, resolver, closed, closed_name):
        self.world, self.address = world, address
        self.folder = tempfile.mkdtemp(prefix="ocu-squid.", dir="/var/tmp")
        shutil.chown(self.folder, "proxy")
        self.service = f"ocusquid{WORLD_NUMBERS[0]}"
        with open(f"{self.folder}/squid.conf", "w", encoding="ascii") as file:
            file.write(CONFIG.format(folder=self.folder, address=address, port=PORT, resolver=resolver, closed=closed, closed_name=closed_name))
        os.chmod(f"{self.folder}/squid.conf", 0o644)
        self.process = None

    def start(self):
        self.world.spawn(["squid", "-N", "-n", self.service, "-f", f"{self.folder}/squid.conf"])
        self.process = self.world.children[-1]
        if not wait_until(self.listens, 30, 0.1):
            raise AssertionError("squid did not come up")

    def listens(self):
        ask = ["nsenter", f"--net=/run/netns/{self.world.space}", "python3", "-c", f"import socket; socket.create_connection(('{self.address}', {PORT}), 1)"]
        return subprocess.run(ask, check=False, capture_output=True).returncode == 0

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.world.children.remove(self.process)

    def log(self):
        """[(what CONNECT named, status)], in the order in which the tunnels ended."""
        with open(f"{self.folder}/access.log", encoding="ascii", errors="replace") as file:
            rows = [line.split() for line in file]
        return [(row[1], int(row[2])) for row in rows if row[0] == "CONNECT"]

    def remove(self):
        """After the world is gone, and the process with it: what it leaves in shared memory, too."""
        for path in glob.glob(f"/dev/shm/{self.service}-*"):
            os.unlink(path)
        shutil.rmtree(self.folder, ignore_errors=True)

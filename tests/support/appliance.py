# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the real program as `scripts/run` does, on free ports and a state directory of its own, and ends it.

OCU_BINARY, OCU_IMAGE, OCU_RUNC and OCU_RUNSC name what is started; `scripts/test` sets them.
"""

import base64
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

READY = re.compile(r"^READY mcp=(\S+) token-file=(\S+) files=(\S+) operator-socket=(\S+) state=(\S+)$")
README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "rootfs", "guest", "README.guest.md")
START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 15
FIRST_NUMBER = (int(os.environ.get("OCU_CELL", "0")) or os.getpid() + 1000) * 1000  # cells have process numbers of their own
WORLD_NUMBERS = range(FIRST_NUMBER, FIRST_NUMBER + 1000)  # in the names of the network namespaces that this process makes
TAGS = set()  # the names that the appliances started here gave to their run directories and cgroups


def setting(name):
    value = os.environ.get(name)
    if not value:
        raise SystemExit(f"{name} is not set: start these tests with scripts/test --only NAME")
    return value


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_binary(*arguments, **options):
    options.setdefault("timeout", 60)
    return subprocess.run([setting("OCU_BINARY"), *map(str, arguments)], capture_output=True, text=True, check=False, **options)


def new_key():
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")


def key_hash(key):
    salt = secrets.token_bytes(16)
    return f"sha256:{salt.hex()}:{hashlib.sha256(salt + key.encode()).hexdigest()}"


def children_of(pid):
    """Every process below `pid`, nearest first."""
    parents = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="latin-1") as file:
                parents.setdefault(int(file.read().rsplit(")", 1)[1].split()[1]), []).append(int(entry))
        except OSError:
            continue
    found, queue = [], [pid]
    while queue:
        below = parents.get(queue.pop(0), [])
        found += below
        queue += below
    return found


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode(errors="replace").split("\0")
    except OSError:
        return []


def wait_until(condition, seconds=5.0, every=0.02):
    """True as soon as `condition()` is; False when the time is over."""
    end = time.monotonic() + seconds
    while True:
        if condition():
            return True
        if time.monotonic() > end:
            return False
        time.sleep(every)


class Manifest:
    """A manifest and the key pair that signs it."""

    def __init__(self, folder, port, files_port, tier="runc", profile=None, serial=1, callers=("dev",), changes=None):
        self.folder = folder
        self.path = os.path.join(folder, "manifest.json")
        self.secret = os.path.join(folder, "manifest.key")
        self.public = os.path.join(folder, "manifest.pub")
        self.keys = {name: new_key() for name in callers}
        self.value = {
            "schema": "ocu-manifest/1",
            "serial": serial,
            "appliance": {"name": "test", "profile": profile or "trusted_operator", "tier": tier},
            "mcp": {
                "listen": f"127.0.0.1:{port}",
                "callers": [{"name": name, "key_hash": key_hash(key)} for name, key in self.keys.items()],
            },
            "files": {"listen": f"127.0.0.1:{files_port}"},
        }
        for section, values in (changes or {}).items():
            self.value.setdefault(section, {}).update(values)
        made = run_binary("manifest", "keygen", "--secret", self.secret, "--public", self.public)
        assert made.returncode == 0, made.stderr
        self.write()

    def write(self):
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(self.value, file, indent=1)
        self.sign()

    def sign(self):
        made = run_binary("manifest", "sign", "--secret", self.secret, self.path)
        assert made.returncode == 0, made.stderr


class Appliance:
    def __init__(self, tier="runc", changes=None, callers=("dev",), prefix=(), prepare_state=None):
        self.tier = tier
        self.folder = tempfile.mkdtemp(prefix="ocu-test.", dir="/var/tmp")
        self.state = os.path.join(self.folder, "state")
        os.mkdir(self.state, 0o700)
        if prepare_state:
            prepare_state(self.state)
        os.makedirs(os.path.join(self.state, "callers"), mode=0o700, exist_ok=True)
        self.port, self.files_port = free_port(), free_port()
        self.manifest = Manifest(self.folder, self.port, self.files_port, tier=tier, callers=callers, changes=changes)
        self.token = self.manifest.keys[callers[0]]
        token_file = os.path.join(self.state, "callers", "dev.token")
        with open(os.open(token_file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write(self.token + "\n")
        self.prefix = list(prefix)
        self.process = None
        self.output = []
        self.log = []

    def arguments(self):
        return [
            setting("OCU_BINARY"), "run", "--manifest", self.manifest.path, "--trust", self.manifest.public, "--state", self.state,
            "--image", setting("OCU_IMAGE"), "--runc", setting("OCU_RUNC"), "--runsc", setting("OCU_RUNSC"), "--readme", README,
        ]

    def start(self):
        self.output, self.log = [], []
        self.process = subprocess.Popen(
            [*self.prefix, *self.arguments()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
            start_new_session=True)
        self._threads = [
            threading.Thread(target=self._drain, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.output), (self.process.stderr, self.log))
        ]
        for each in self._threads:
            each.start()
        wait_until(lambda: self.ready() or self.process.poll() is not None, START_SECONDS_MAX)
        found = self.ready()
        if not found:
            self.stop()
            raise AssertionError("the appliance did not become ready:\n" + self.log_text())
        self.url, self.token_file, self.files_url, self.operator_socket, _ = found.groups()
        with open(f"/proc/{self.pid}/mountinfo", encoding="utf-8") as file:
            TAGS.update(re.findall(r" /run/(ocu-[0-9a-f]+) ", file.read()))
        return self

    def ready(self):
        return next((m for m in map(READY.match, list(self.output)) if m), None)

    @staticmethod
    def _drain(stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))
            if len(lines) > 5000:
                del lines[:1000]

    def log_text(self):
        return "\n".join(self.log[-60:])

    @property
    def pid(self):
        """The core itself, also below a prefix such as `ip netns exec`."""
        if not self.prefix:
            return self.process.pid
        for each in [self.process.pid, *children_of(self.process.pid)]:
            if command_line(each)[:1] == [setting("OCU_BINARY")]:
                return each
        return self.process.pid

    def helpers(self):
        """Helper name -> pids, as the process table shows them: `ocu-appliance helper NAME`."""
        found = {}
        for pid in children_of(self.pid):
            words = command_line(pid)
            if len(words) > 2 and words[1] == "helper":
                found.setdefault(words[2], []).append(pid)
        return found

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, seconds=STOP_SECONDS_MAX):
        return self.process.wait(seconds)

    def stop(self):
        """Ends the program in order; a program that does not end within its time is a failure of the test."""
        if not self.process:
            return None
        if self.alive():
            self.signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise AssertionError("SIGTERM did not end the appliance:\n" + self.log_text()) from None

    def sealed(self, text, state=None):
        """As `manifest seal` writes it, to the key of this appliance, or of the one with that state directory."""
        path = os.path.join(self.folder, "secret")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        with open(path, encoding="utf-8") as file:
            made = run_binary("manifest", "seal", "--to", os.path.join(state or self.state, "appliance.pub"), stdin=file)
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def restart_with_credential(self, name, secret, **sections):
        """Starts anew with a manifest that also has `secret`, sealed to this machine: the key for that is made at the first start."""
        self.stop()
        self.manifest.value.update(credentials=[{"name": name, "sealed": self.sealed(secret)}], serial=self.manifest.value["serial"] + 1, **sections)
        self.manifest.write()
        return self.start()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def ctl(self, *words, expect=0):
        """`ctl --json WORDS...`: what it printed, read as JSON. `expect=None` gives the finished process instead."""
        done = run_binary("ctl", "--socket", self.operator_socket, "--json", *words)
        if expect is None:
            return done
        assert done.returncode == expect, f"ctl {' '.join(words)}: {done.returncode} {done.stdout} {done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def audit_dir(self):
        return os.path.join(self.state, "audit")

    def verify_audit(self, folder=None):
        return run_binary("audit", "verify", folder or self.audit_dir())

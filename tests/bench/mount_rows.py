# SPDX-License-Identifier: GPL-3.0-or-later
"""P11: the mount of a session beside other ways to give a sandbox a directory. The same program runs in the same image on each: in a
sandbox of ours, and in a bare `runc` container whose directory is ext4, a FUSE file system that passes everything through (bindfs) and
rclone's mount, both over that ext4."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile

from bench import bench as table
from support import s3_servers
from support.appliance import wait_until
from support.mcp import Mcp

MIB = 128
SMALL_FILES = 1_000
SMALL_FILES_IN_S3 = 200
TREE_FILES = 10_000

# Prints one JSON line: what was done in MiB/s, files/s and runs of `git status` a second. `pause` is where the host drops what it has cached.
WORKLOAD = r"""
import json, os, subprocess, sys, time
top, mib, small = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.chdir(top)
block = os.urandom(1 << 20)
def rate(count, call):
    started = time.perf_counter(); call(); return count / (time.perf_counter() - started)
def write():
    with open("big", "wb", buffering=0) as file:
        for _ in range(mib): file.write(block)
def read():
    with open("big", "rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while file.read(1 << 20): pass
def again():
    with open("big", "rb", buffering=0) as file:
        while file.read(1 << 20): pass
def create():
    os.mkdir("small")
    for number in range(small):
        with open("small/%d" % number, "wb", buffering=0) as file: file.write(block[:1024])
made = {"write": rate(mib, write), "read": rate(mib, read), "again": rate(mib, again), "create": rate(small, create)}
if os.path.isdir("tree"):
    made["status"] = rate(1, lambda: subprocess.run(["git", "status", "--porcelain"], cwd="tree", check=True, capture_output=True))
os.unlink("big")
for number in range(small): os.unlink("small/%d" % number)
os.rmdir("small")
print(json.dumps(made))
"""

TREE = r"""
import os, subprocess, sys
os.chdir(sys.argv[1]); os.mkdir("tree"); os.chdir("tree")
for number in range(int(sys.argv[2])):
    folder = "d%02d" % (number // 100)
    os.makedirs(folder, exist_ok=True)
    with open("%s/f%d" % (folder, number), "w") as file: file.write("file %d\n" % number)
git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]): subprocess.run(git + words, check=True, capture_output=True)
"""


def words(script, top, *arguments):
    return ["python3", "-c", script, top, *map(str, arguments)]


class InBareRunc:
    """The program in a bare container, with `path` of the host as its directory."""

    TOP = "/mnt"

    def __init__(self, bare, path):
        self.bare, self.path = bare, path

    def run(self, script, *arguments):
        self.bare.write(words(script, self.TOP, *arguments))
        spec_path = f"{self.bare.bundle}/config.json"
        with open(spec_path, encoding="utf-8") as file:
            spec = json.load(file)
        spec["mounts"].append({"destination": self.TOP, "source": self.path, "type": "bind", "options": ["bind", "rw", "nosuid", "nodev"]})
        spec["process"]["env"] = ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp"]
        with open(spec_path, "w", encoding="utf-8") as file:
            json.dump(spec, file)
        done = subprocess.run(self.bare.words("run", "--bundle", self.bare.bundle, self.bare.name()), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"in bare runc: {done.stderr[-400:]}")
        return done.stdout


class InOurs:
    TOP = "/mnt/user-data/outputs"

    def __init__(self, appliance):
        self.client = Mcp(appliance, chat="bench", timeout=600)

    def run(self, script, *arguments):
        self.client.call("create_file", path="/workspace/bench.py", file_text=script)
        text = self.client.bash(f"python3 /workspace/bench.py {self.TOP} {' '.join(map(str, arguments))}", timeout_s=600)
        if "Traceback" in text:
            raise RuntimeError(f"in the sandbox: {text[-400:]}")
        return text


@contextlib.contextmanager
def mounted(command, at):
    """A FUSE file system of somebody else's at `at`, in the foreground, ended by unmounting it."""
    os.mkdir(at)
    clean = {"PATH": os.environ["PATH"], "HOME": os.path.dirname(at)}  # some take an authority or a proxy from their environment
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=clean) as process:
        try:
            if not wait_until(lambda: os.path.ismount(at) or process.poll() is not None, 20) or process.poll() is not None:
                raise RuntimeError(f"{command[0]} did not mount")
            yield at
        finally:
            subprocess.run(["umount", "-l", at], check=False, capture_output=True)
            process.terminate()


LINES = (("write", "MiB/s", "sequential write, 1 MiB at a time"), ("read", "MiB/s", "sequential read, not in the guest's cache"),
         ("again", "MiB/s", "sequential read again"), ("create", "files/s", "create, write 1 KiB, close"), ("status", "runs/s", "git status, 10,000 files"))
GOALS = {"ext4": ">= 0.5", "bindfs": ">= 0.8", "rclone mount": ">= 3"}
GOALS_IN_S3 = {"s3fs": ">= 3", "rclone mount, in S3": ">= 3"}


def in_turn(sides, rounds, small_files):
    """What each of them made, by name and kind; the first round only warms up."""
    values = {}
    for number in range(rounds + 1):
        for name, side in sides.items():
            made = json.loads(side.run(WORKLOAD, MIB, small_files))
            if number:
                for what, value in made.items():
                    values.setdefault((name, what), []).append(value)
    return values


def measure(run, bare_runtime, rounds):
    folder = tempfile.mkdtemp(prefix="ocu-bench.", dir="/var/tmp")
    bare = bare_runtime("runc")
    try:
        with contextlib.ExitStack() as stack:
            plain = f"{folder}/ext4"
            behind = {name: f"{folder}/behind-{name}" for name in ("bindfs", "rclone")}
            for each in (plain, *behind.values()):
                os.mkdir(each)
                os.chown(each, 1000, 1000)
            sides = {"ext4": InBareRunc(bare, plain)}
            sides["bindfs"] = InBareRunc(bare, stack.enter_context(mounted(
                ["bindfs", "-f", "-o", "allow_other,default_permissions", behind["bindfs"], f"{folder}/bindfs"], f"{folder}/bindfs")))
            sides["rclone mount"] = InBareRunc(bare, stack.enter_context(mounted(
                ["rclone", "mount", "--config", "/dev/null", "--cache-dir", f"{folder}/cache", "--vfs-cache-mode", "writes", "--allow-other", "--uid", "1000", "--gid", "1000",
                 behind["rclone"], f"{folder}/rclone"], f"{folder}/rclone")))
            sides["ours"] = InOurs(stack.enter_context(run()))
            for name, side in sides.items():
                if name != "rclone mount":  # it needs a minute for what the others do in a second
                    side.run(TREE, TREE_FILES)
            values = in_turn(sides, rounds or 5, SMALL_FILES)
    finally:
        bare.close()
        shutil.rmtree(folder, ignore_errors=True)
    return values


def measure_in_s3(run, bare_runtime, rounds):
    """Files that lie in one S3 server (Ceph's gateway, its store in memory), behind our mount and others'. What is written is there when close returns."""
    folder = tempfile.mkdtemp(prefix="ocu-bench.", dir="/var/tmp")
    bare = bare_runtime("runc")
    try:
        with contextlib.ExitStack() as stack:
            server = s3_servers.Ceph(s3_servers.Here())
            stack.callback(server.close)
            appliance = stack.enter_context(run())
            storage, secret = s3_servers.storage_of(server, "ocu/bench")
            appliance.restart_with_credential("store-key", secret, storage=storage)
            server.s3("mkdir", "s3:plain")
            with open(os.open(f"{folder}/key", os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
                file.write(f"{s3_servers.ACCESS}:{s3_servers.SECRET}")
            sides = {"ours": InOurs(appliance)}
            sides["s3fs"] = InBareRunc(bare, stack.enter_context(mounted(
                ["s3fs", "plain", f"{folder}/s3fs", "-f", "-o", f"url=http://127.0.0.1:{server.port},use_path_request_style,passwd_file={folder}/key,allow_other,"
                 "uid=1000,gid=1000,umask=022,mp_umask=022"], f"{folder}/s3fs")))
            sides["rclone mount, in S3"] = InBareRunc(bare, stack.enter_context(mounted(
                ["rclone", "mount", "--config", f"{server.data}/rclone.conf", "--cache-dir", f"{folder}/cache", "--allow-other", "--uid", "1000", "--gid", "1000",
                 f"s3:{s3_servers.BUCKET}/rclone", f"{folder}/rclone"], f"{folder}/rclone")))
            values = in_turn(sides, rounds or 3, SMALL_FILES_IN_S3)
    finally:
        bare.close()
        shutil.rmtree(folder, ignore_errors=True)
    return values


def mount(run, bare_runtime, rounds):
    made = []
    for values, goals in ((measure(run, bare_runtime, rounds), GOALS), (measure_in_s3(run, bare_runtime, rounds), GOALS_IN_S3)):
        made += [table.compare("P11", goal, unit, values["ours", what], values[peer, what], f"mount, {text}", peer)
                 for peer, goal in goals.items() for what, unit, text in LINES if (peer, what) in values]
    return made

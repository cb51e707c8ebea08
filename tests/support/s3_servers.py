# SPDX-License-Identifier: GPL-3.0-or-later
"""S3 servers that others wrote, each with its data in a folder of its own and on the loopback of one network namespace made here: Swift's
S3 face (strict signatures) and Ceph's gateway over one store in memory. `scripts/toolchain/s3-servers` has the programs."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ACCESS, SECRET, REGION, BUCKET = "tester0access", "tester0secret0tester0secret0", "us-east-1", "sessions"
HERE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

SWIFT_CONF = "[swift-hash]\nswift_hash_path_suffix = one\nswift_hash_path_prefix = two\n"
SWIFT_PART = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
devices = /data/devices
mount_check = false
user = root
workers = {workers}
log_level = ERROR
log_address = /data/log.sock
disable_fallocate = true
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""
SWIFT_PROXY = f"""[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {{port}}
user = root
workers = 2
log_level = ERROR
log_address = /data/log.sock
[pipeline:main]
pipeline = catch_errors cache s3api tempauth bulk slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:11211
[filter:s3api]
use = egg:swift#s3api
location = {REGION}
s3_acl = false
allow_multipart_uploads = true
[filter:tempauth]
use = egg:swift#tempauth
user_{ACCESS}_me = {SECRET} .admin
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""
CEPH_CONF = """[global]
fsid = 9f6a6f0e-3c4c-4b7e-8a4e-6d1f0a5f2c11
mon host = v1:127.0.0.1:6789
mon initial members = a
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon max pg per osd = 1000
mon allow pool delete = true
mon data avail crit = 0
mon data avail warn = 0
ms bind msgr2 = false
run dir = /data/run
admin socket = /data/run/$cluster-$name.sock
log file = /data/log/$name.log
log to stderr = false
mon cluster log file = /data/log/cluster.log
err to stderr = false
[mon.a]
mon data = /data/mon
[osd]
osd objectstore = memstore
osd class dir = /usr/lib/x86_64-linux-gnu/rados-classes
memstore device bytes = 8589934592
osd data = /data/osd
osd fast shutdown = true
osd class update on start = false
osd crush update on start = false
[client.rgw]
rgw data = /data/rgw
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw thread pool size = 32
rgw enable usage log = false
rgw run sync thread = false
rgw dns name = s3.test
"""


class Namespace:
    """A network namespace with a loopback; ends with what holds it."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"], stdout=subprocess.PIPE)
        assert self.holder.stdout.readline() == b"up\n"

    def command(self, words):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", *words]

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()


class Here:
    """Where a store listens that an appliance reaches: this host's loopback."""

    def command(self, words):
        return words

    def close(self):
        pass


def storage_of(server, prefix):
    """The manifest's `storage` for sessions whose files lie in that server, and its credential."""
    place = {"endpoint": f"http://s3.test:{server.port}", "plain": True, "addresses": ["127.0.0.1"], "region": REGION, "bucket": BUCKET, "prefix": prefix,
             "path_style": True, "credential": "store-key"}
    return {"engine": "s3", "s3": place}, f"{ACCESS_OF[server.name]}:{SECRET}"


class ServerEnded(Exception):
    pass


def programs():
    """The root that they are in."""
    return subprocess.run([os.path.join(HERE, "scripts/toolchain/s3-servers")], check=True, capture_output=True, text=True).stdout.strip()


class Server:
    """Programs of the servers' root, as processes of this test's."""

    port = 0
    name = ""

    def __init__(self, namespace):
        self.root = programs()
        self.namespace, self.running = namespace, []
        self.data = tempfile.mkdtemp(prefix="ocu-s3-")
        started = time.monotonic()
        try:
            self.begin_twice()
            self.make_bucket()
        except BaseException:
            self.close()
            raise
        self.started_in = time.monotonic() - started

    def begin_twice(self):
        """A server of several programs that did not find each other the first time begins anew, in a new folder, and says so."""
        try:
            self.begin()
        except (RuntimeError, ServerEnded, subprocess.TimeoutExpired) as failure:
            print(f"        {self.name} did not come up, and begins anew: {failure}\n{self.last_words()}", flush=True)
            self.close()
            self.running = []
            self.data = tempfile.mkdtemp(prefix="ocu-s3-")
            self.begin()

    def last_words(self):
        lines = []
        for folder, _, names in os.walk(self.data):
            for name in sorted(each for each in names if each.endswith(".log")):
                with open(os.path.join(folder, name), "rb") as file:
                    lines += [f"        {name}: {line}" for line in file.read()[-1500:].decode("utf-8", "replace").splitlines()[-6:]]
        return "\n".join(lines)

    def inside(self, words, env=()):
        set_env = [word for name, value in env for word in ("--setenv", name, value)]
        return self.namespace.command(["bwrap", "--ro-bind", self.root, "/", "--bind", self.data, "/data", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
                                       "--tmpfs", "/run", "--chdir", "/", "--die-with-parent", "--clearenv", "--setenv", "PATH", "/usr/sbin:/usr/bin:/sbin:/bin", "--setenv", "HOME", "/data", *set_env, *words])

    def run(self, *words, env=(), seconds=120):
        done = subprocess.run(self.inside(words, env), capture_output=True, text=True, timeout=seconds)
        if done.returncode != 0:
            raise RuntimeError(f"{words[0]}: {done.stdout[-500:]} {done.stderr[-1500:]}")
        return done.stdout

    def run_until_ready(self, *words, ready=lambda answer: True):
        """Waits for no program that has ended: it is begun anew instead."""
        deadline = time.monotonic() + 120
        while True:
            ended = [each.args[-3:] for each in self.running if each.poll() is not None]
            if ended:
                raise ServerEnded(f"ended: {ended}")
            try:
                answer = self.run(*words, seconds=60)
                if ready(answer):
                    return answer
                raise RuntimeError(f"{words[0]}: not ready: {answer[-500:]}")
            except (RuntimeError, subprocess.TimeoutExpired):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)

    def start(self, *words):
        with open(os.path.join(self.data, f"{os.path.basename(words[0])}-{len(self.running)}.log"), "wb") as log:
            self.running.append(subprocess.Popen(self.inside(words), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True))

    def write(self, path, text):
        full = os.path.join(self.data, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def s3(self, *words):
        """An S3 client of others: rclone."""
        return self.run("rclone", "--config", "/data/rclone.conf", *words)

    def make_bucket(self):
        self.write("rclone.conf", f"[s3]\ntype = s3\nprovider = Other\naccess_key_id = {ACCESS_OF[self.name]}\nsecret_access_key = {SECRET}\nregion = {REGION}\n"
                                  f"endpoint = http://127.0.0.1:{self.port}\nforce_path_style = true\n")
        deadline = time.monotonic() + 60
        while True:
            try:
                self.s3("mkdir", f"s3:{BUCKET}", "--retries", "1", "--low-level-retries", "1", "--contimeout", "2s", "--timeout", "15s")
                return
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)

    def close(self):
        for process in self.running:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        shutil.rmtree(self.data, ignore_errors=True)


class Swift(Server):
    name, port = "swift", 6080

    def begin(self):
        parts = {"object": 6200, "container": 6201, "account": 6202}
        self.write("swift/swift.conf", SWIFT_CONF)
        os.makedirs(os.path.join(self.data, "devices/one"))
        os.makedirs(os.path.join(self.data, "swift-run"))
        for kind, port in parts.items():
            self.write(f"swift/{kind}-server.conf", SWIFT_PART.format(kind=kind, port=port, workers=2 if kind == "object" else 1))
            ring = f"/data/swift/{kind}.builder"
            self.run("sh", "-ec", f"swift-ring-builder {ring} create 4 1 1 && swift-ring-builder {ring} add r1z1-127.0.0.1:{port}/one 1 && "
                                  f"swift-ring-builder {ring} rebalance")
        self.start("memcached", "-u", "root", "-l", "127.0.0.1", "-p", "11211")
        self.write("swift/proxy-server.conf", SWIFT_PROXY.format(port=self.port))
        for kind in (*parts, "proxy"):
            self.start(f"swift-{kind}-server", f"/data/swift/{kind}-server.conf")

    def inside(self, words, env=()):
        at = super().inside(words, env)
        place = at.index("--die-with-parent")
        # Its workers are processes of their own: they end with the first of their namespace.
        return at[:place] + ["--unshare-pid", "--bind", os.path.join(self.data, "swift"), "/etc/swift"] + at[place:]


class Ceph(Server):
    name, port = "ceph", 7480

    def begin(self):
        self.write("ceph.conf", CEPH_CONF.replace("{port}", str(self.port)))
        for each in ("run", "log", "mon", "osd", "rgw"):
            os.makedirs(os.path.join(self.data, each))
        conf = ("-c", "/data/ceph.conf")
        self.run("sh", "-ec", "ceph-authtool --create-keyring /data/keyring --gen-key -n mon. --cap mon 'allow *' && "
                              "monmaptool --create --fsid 9f6a6f0e-3c4c-4b7e-8a4e-6d1f0a5f2c11 --addv a '[v1:127.0.0.1:6789]' /data/monmap && "
                              "ceph-mon -c /data/ceph.conf --mkfs -i a --monmap /data/monmap --keyring /data/keyring")
        self.start("ceph-mon", *conf, "-i", "a", "-f")
        self.run_until_ready("ceph", *conf, "--connect-timeout", "30", "osd", "new", "1b0a6e0a-0c51-4f43-9c0c-0d3a0b1c2d3e")
        self.run("ceph-osd", *conf, "-i", "0", "--mkfs", "--osd-uuid", "1b0a6e0a-0c51-4f43-9c0c-0d3a0b1c2d3e")
        # By hand: a store that puts itself there as it starts may speak before it was told the cluster's id, and ends ("wrong fsid").
        self.run_until_ready("ceph", *conf, "--connect-timeout", "30", "osd", "crush", "add", "osd.0", "1.0", "root=default", "host=one")
        self.start("ceph-osd", *conf, "-i", "0", "-f")
        # Before that, who asks for a pool waits for the store without an end.
        self.run_until_ready("ceph", *conf, "--connect-timeout", "30", "osd", "stat", "--format", "json",
                             ready=lambda answer: json.loads(answer).get("num_up_osds") == 1)
        self.run_until_ready("radosgw-admin", *conf, "-n", "client.rgw", "user", "create", "--uid", "me", "--display-name", "me", "--access-key", ACCESS, "--secret-key", SECRET)
        self.start("radosgw", *conf, "-n", "client.rgw", "-f")


ACCESS_OF = {"swift": f"{ACCESS}:me", "ceph": ACCESS}

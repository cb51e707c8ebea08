# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows: what is done, what it is compared with."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time

from bench import bench as table
from bench import audit_rows, egress_rows, growth_rows, mount_rows, s3_rows, session_rows
from bench.boot_row import power_on_to_answer
from support.appliance import Appliance, children_of, free_port, setting, wait_until
from support.mcp import Mcp

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@contextlib.contextmanager
def running(**options):
    appliance = Appliance(**options).start()
    try:
        yield appliance
    finally:
        appliance.stop()
        appliance.remove()


def host_true():
    subprocess.run(["bash", "-c", "true"], check=True)


def tool_call(rounds):
    with running() as appliance:
        client = Mcp(appliance)
        ours, theirs = table.interleaved(table.timed(lambda: client.bash("true")), table.timed(host_true), rounds or 300)
        client.close()
    return [table.compare("P1", "p50 <= 2.5, p99 <= 5", "ms", ours, theirs, "tool call `true`, runc, keep-alive, audited", "bash -c true on the host")]


class BareRuntime:
    """`runc run` or `runsc run` of the same image with a bundle of its own, to its first output. The ids inside are the host's: a user
    namespace costs next to nothing, and mapping the image's ids is what ours does beyond the bare runtime."""

    def __init__(self, tier):
        self.tier, self.count = tier, 0
        self.runtime = [setting("OCU_RUNC")] if tier == "runc" else [
            setting("OCU_RUNSC"), "--platform=systrap", "--network=none", "--directfs=false", "--ignore-cgroups", "--overlay2=root:memory"]
        self.folder = tempfile.mkdtemp(prefix="ocu-bench.", dir="/var/tmp")
        self.root, self.bundle = f"{self.folder}/image", f"{self.folder}/bundle"
        for each in (self.root, self.bundle, f"{self.folder}/runtime"):
            os.mkdir(each)
        subprocess.run(["mount", "-t", "erofs", "-o", "ro", setting("OCU_IMAGE"), self.root], check=True)
        subprocess.run([setting("OCU_RUNC"), "spec", "-b", self.bundle], check=True)
        self.write(["/bin/echo", "up"])

    def write(self, command):
        path = f"{self.bundle}/config.json"
        with open(path, encoding="utf-8") as file:
            spec = json.load(file)
        spec["root"] = {"path": self.root, "readonly": True}
        spec["process"].update(terminal=False, args=command, user={"uid": 1000, "gid": 1000}, cwd="/")
        spec["mounts"] = [each for each in spec["mounts"] if each["type"] != "cgroup"]
        spec["linux"]["resources"] = {}
        namespaces = [each for each in spec["linux"]["namespaces"] if each["type"] not in ("user", "cgroup")]
        spec["linux"]["namespaces"] = namespaces
        with open(path, "w", encoding="utf-8") as file:
            json.dump(spec, file)

    def name(self):
        self.count += 1
        return f"bench-{os.getpid()}-{self.count}"

    def words(self, *rest):
        return [*self.runtime, "--root", f"{self.folder}/runtime", *rest]

    def first_output(self):
        name = self.name()
        started = time.perf_counter()
        with subprocess.Popen(self.words("run", "--bundle", self.bundle, name), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            got = process.stdout.readline()
            took = (time.perf_counter() - started) * 1000
        if got != b"up\n":
            raise RuntimeError(f"{self.tier} gave no output")
        return took

    def close(self):
        subprocess.run(["umount", "-l", self.root], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def session_create(rounds):
    made = []
    for tier in ("runc", "gvisor"):
        bare = BareRuntime(tier)
        try:
            with running(tier=tier) as appliance:
                number = iter(range(100_000))

                def create():
                    client = Mcp(appliance, chat=f"cold-{next(number)}")
                    started = time.perf_counter()
                    client.bash("echo up")
                    took = (time.perf_counter() - started) * 1000
                    client.close()
                    appliance.ctl("kill-all")
                    return took

                ours, theirs = table.interleaved(create, bare.first_output, rounds or (20 if tier == "runc" else 8))
        finally:
            bare.close()
        made.append(table.compare("P4", "<= 1.25", "ms", ours, theirs, f"session create, cold, {tier}, to first output", f"{tier} run of the same image"))
    return made


def session_claim(rounds):
    """The first call of a caller who finds a sandbox ready, over a connection that it has, beside a shell of the host's."""
    made = []
    for tier in ("runc", "gvisor"):
        with running(tier=tier, changes={"sandbox": {"warm_pool": 4}}) as appliance:
            number = iter(range(100_000))
            client = Mcp(appliance, chat="warm")
            client.bash("true")

            def claim():
                wait_until(lambda: appliance.ctl("status")["warm_pool"]["ready"] == 4, 60)
                client.chat = f"warm-{next(number)}"
                started = time.perf_counter()
                client.bash("true")
                took = (time.perf_counter() - started) * 1000
                appliance.ctl("kill", next(each["id"] for each in appliance.ctl("sessions")["sessions"] if each["chat"] == client.chat))
                return took

            ours, theirs = table.interleaved(claim, table.timed(host_true), rounds or (40 if tier == "runc" else 15))
            client.close()
        made.append(table.compare("P5", "<= 3", "ms", ours, theirs, f"first call of a new session, warm pool, {tier}", "bash -c true on the host"))
    return made


def pss_kib(pids):
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
                total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue
    return total


def idle_memory(rounds):
    count = rounds or 5
    bare = BareRuntime("runc")
    bare.write(["/bin/sleep", "600"])
    try:
        with running() as appliance:
            standing = pss_kib([appliance.pid, *children_of(appliance.pid)])
            clients = [Mcp(appliance, chat=f"idle-{number}") for number in range(count)]
            for client in clients:
                client.bash("true")
                client.close()
            time.sleep(1)
            ours = (pss_kib([appliance.pid, *children_of(appliance.pid)]) - standing) / count
        names = [bare.name() for _ in range(count)]
        before, pids = set(), []
        for name in names:
            subprocess.run(bare.words("run", "--detach", "--bundle", bare.bundle, name), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            state = json.loads(subprocess.run(bare.words("state", name), check=True, capture_output=True, text=True).stdout)
            pids.append(state["pid"])
        theirs = pss_kib(pids) / count - len(before)
        for name in names:
            subprocess.run(bare.words("delete", "--force", name), check=False, capture_output=True)
    finally:
        bare.close()
    return [table.compare("P6", "+ <= 1024 KiB", "KiB", [ours], [theirs], "idle session, PSS of all its processes, runc", "sleep under bare runc")]


@contextlib.contextmanager
def nginx(body):
    folder = tempfile.mkdtemp(prefix="ocu-bench.", dir="/var/tmp")
    port = free_port()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=localhost",
                    "-keyout", f"{folder}/key", "-out", f"{folder}/cert"], check=True, capture_output=True)
    with open(f"{folder}/conf", "w", encoding="utf-8") as file:
        file.write(f"""daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/log; events {{ worker_connections 256; }}
http {{ access_log off; keepalive_requests 1000000; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
uwsgi_temp_path {folder}; scgi_temp_path {folder}; default_type application/json;
server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/cert; ssl_certificate_key {folder}/key; ssl_protocols TLSv1.3;
location / {{ root {folder}; try_files /body =404; error_page 405 =200 /body; }} }} }}""")
    with open(f"{folder}/body", "wb") as file:
        file.write(body)
    os.chmod(folder, 0o755)
    process = subprocess.Popen(["nginx", "-p", folder, "-c", f"{folder}/conf"], stderr=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def mcp_requests(rounds):
    with running(changes={"mcp": {"tls": True}}) as appliance:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
        headers = Mcp(appliance).headers()

        def asker(port, host_header):
            connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)

            def ask(times=200):
                started = time.perf_counter()
                for _ in range(times):
                    connection.request("POST", "/mcp", body, {**headers, "Host": host_header})
                    response = connection.getresponse()
                    last = response.read()
                    if response.status != 200:
                        raise RuntimeError(f"status {response.status}")
                return times / (time.perf_counter() - started), last
            return ask

        ours_ask = asker(appliance.port, f"127.0.0.1:{appliance.port}")
        _, answer = ours_ask(1)
        with nginx(answer) as port:
            wait_until(lambda: reachable(port))
            theirs_ask = asker(port, "localhost")
            ours, theirs = table.interleaved(lambda: ours_ask()[0], lambda: theirs_ask()[0], rounds or 10)
    return [table.compare("P15", ">= 0.5", "requests/s", ours, theirs, "tools/list over TLS keep-alive, one connection", "nginx, the same bytes")]


def reachable(port):
    import socket
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def size_and_memory(_rounds):
    with running() as appliance:
        time.sleep(1)
        memory = pss_kib([appliance.pid, *children_of(appliance.pid)]) / 1024
    size = os.path.getsize(setting("OCU_BINARY")) / (1 << 20)
    return [table.compare("P16", "<= 16 MiB", "MiB", [size], None, "size of the program", ""),
            table.compare("P16", "<= 64 MiB", "MiB", [memory], None, "core and all helpers, idle, PSS", "")]


ROWS = {"P1": tool_call, "P2": lambda rounds: session_rows.gvisor_call(running, BareRuntime, rounds), "P3": lambda rounds: session_rows.calls_at_once(running, rounds),
        "P4": session_create, "P5": session_claim, "P6": idle_memory, "P7": lambda rounds: growth_rows.alive_at_once(running, rounds),
        "P8": lambda rounds: session_rows.kill(running, rounds), "P9": egress_rows.passthrough, "P10": egress_rows.bump, "P11": lambda rounds: mount_rows.mount(running, BareRuntime, rounds),
        "P12": lambda rounds: s3_rows.s3(rounds), "P13": lambda rounds: audit_rows.appended(running, rounds), "P14": audit_rows.verified, "P15": mcp_requests, "P16": size_and_memory,
        "P17": power_on_to_answer, "P18": lambda rounds: growth_rows.growth(running, rounds)}

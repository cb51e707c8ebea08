# SPDX-License-Identifier: GPL-3.0-or-later
"""A street with two houses: in one an appliance whose guest goes out through its edge, in the other the same client behind the proxies that
others use. Both reach one nginx at the end of it. Nothing in it leads to this machine's own network."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from support import world as worlds
from support.appliance import Appliance, children_of, wait_until

SITE = "93.184.216.40"
PASS, BUMP = "pass.example", "bump.example"
GATE, CLIENT = "10.99.0.1", "10.99.0.2"  # the other house: its proxies, and its client
SQUID_PLAIN, SQUID_BUMP, SQUID_BUMP_PORT, MITM_PORT = 3128, 3127, 3129, 8080
LARGE_BYTES = 128 << 20
worlds.HOSTS.update({PASS: [SITE], BUMP: [SITE]})

NGINX = """daemon off; user root; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{ worker_connections 512; }}
http {{ access_log off; keepalive_requests 10000000; sendfile on; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
uwsgi_temp_path {folder}; scgi_temp_path {folder}; server {{ listen {site}:443 ssl; ssl_certificate {folder}/site.crt; ssl_certificate_key {folder}/site.key;
ssl_protocols TLSv1.3; root {folder}/pages; }} }}"""

HAPROXY = """global
 maxconn 512
defaults
 mode tcp
 timeout connect 5s
 timeout client 60s
 timeout server 60s
frontend front
 bind {gate}:443
 default_backend site
backend site
 server one {site}:443
"""

SQUID = """http_port {gate}:{plain}
http_port {gate}:{bump}
https_port {gate}:{bump_port} intercept ssl-bump tls-cert={folder}/ca.pem tls-key={folder}/ca.key generate-host-certificates=on dynamic_cert_mem_cache_size=4MB
sslcrtd_program /usr/lib/squid/security_file_certgen -s {folder}/certs -M 4MB
sslcrtd_children 2
tls_outgoing_options cafile={folder}/site.crt
acl step1 at_step SslBump1
ssl_bump peek step1
ssl_bump bump all
http_access allow all
cache deny all
cache_mem 8 MB
access_log none
cache_log {folder}/squid.log
cache_effective_user proxy
pid_filename {folder}/squid.pid
shutdown_lifetime 1 second
coredump_dir {folder}
visible_hostname gate
dns_nameservers {resolver}
host_verify_strict off
"""


def run(*words):
    subprocess.run(words, check=True, capture_output=True)


def openssl_ca(folder):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=other house",
        "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", f"{folder}/ca.key", "-out", f"{folder}/ca.pem")


class Street:
    def __init__(self):
        self.world = worlds.World()
        self.folder = tempfile.mkdtemp(prefix="ocu-bench.", dir="/var/tmp")
        os.chmod(self.folder, 0o755)
        number = self.world.space[4:]
        self.house, self.client = f"ocur{number}", f"ocuc{number}"
        self.children = []
        self.lay_cables()
        self.site()

    def lay_cables(self):
        ip, space = worlds.ip, self.world.space
        for each in (self.house, self.client):
            ip("netns", "add", each)
        ip("-n", space, "link", "add", "cable2", "type", "veth", "peer", "name", "uplink", "netns", self.house)
        ip("-n", self.house, "link", "add", "inner", "type", "veth", "peer", "name", "uplink", "netns", self.client)
        for where, words in ((space, "link set cable2 up"), (space, "addr add 198.51.101.1/24 dev cable2"), (space, f"addr add {SITE}/32 dev lo"),
                             (space, "route add 10.99.0.0/24 via 198.51.101.2"),
                             (self.house, "link set lo up"), (self.house, "link set uplink up"), (self.house, "addr add 198.51.101.2/24 dev uplink"),
                             (self.house, "link set inner up"), (self.house, f"addr add {GATE}/24 dev inner"), (self.house, "route add default via 198.51.101.1"),
                             (self.client, "link set lo up"), (self.client, "link set uplink up"), (self.client, f"addr add {CLIENT}/24 dev uplink"),
                             (self.client, f"route add default via {GATE}")):
            ip("-n", where, *words.split())
        run("nsenter", f"--net=/run/netns/{self.house}", "sysctl", "-qw", "net.ipv4.ip_forward=1")

    def spawn(self, where, *words):
        log = open(f"{self.folder}/{os.path.basename(words[0])}.out", "ab")
        self.children.append(subprocess.Popen(["nsenter", f"--net=/run/netns/{where}", *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        log.close()
        return self.children[-1]

    def listening(self, where, address, port):
        probe = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)"
        if not wait_until(lambda: subprocess.run(["nsenter", f"--net=/run/netns/{where}", sys.executable, "-c", probe, address, str(port)],
                                                 capture_output=True, check=False).returncode == 0, 30, 0.1):
            raise RuntimeError(f"nothing listens at {address}:{port}")

    def site(self):
        folder = self.folder
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={PASS}",
            "-addext", f"subjectAltName=DNS:{PASS},DNS:{BUMP}", "-keyout", f"{folder}/site.key", "-out", f"{folder}/site.crt")
        os.mkdir(f"{folder}/pages", 0o755)
        with open(f"{folder}/pages/small", "wb") as file:
            file.write(b"x" * 1000)
        with open(f"{folder}/pages/large", "wb") as file:
            file.truncate(LARGE_BYTES)
        with open(f"{folder}/nginx.conf", "w", encoding="utf-8") as file:
            file.write(NGINX.format(folder=folder, site=SITE))
        self.spawn(self.world.space, "nginx", "-p", folder, "-c", f"{folder}/nginx.conf")
        self.listening(self.world.space, SITE, 443)

    @contextlib.contextmanager
    def appliance(self):
        """A guest's lane as a network namespace that a client can be started in, and where names are asked there."""
        with open(f"{self.folder}/site.crt", encoding="ascii") as file:
            egress = {"rules": [{"name": "pass", "hosts": [PASS], "ports": [443]}, {"name": "bump", "hosts": [BUMP], "ports": [443], "rung": "bump"}],
                      "ca_bundle": file.read()}
        appliance = Appliance(prefix=self.world.enter, changes={"egress": egress, "network": {"dns": [worlds.RESOLVER]}}).start()
        try:
            resolver = self.world.text_of(self.world.call(appliance, "cat /etc/resolv.conf"))
            yield Client(lane_of(appliance.pid), resolv=self.file("resolv.conf", resolver), hosts=self.file("hosts.ours", "127.0.0.1 localhost\n"))
        finally:
            appliance.stop()
            appliance.remove()

    def file(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
        return f"{self.folder}/{name}"

    def behind(self, address, proxy=None):
        """The client of the other house, for whom the site's names stand for `address`."""
        hosts = self.file(f"hosts.{address}", f"127.0.0.1 localhost\n{address} {PASS} {BUMP}\n")
        return Client(f"/run/netns/{self.client}", resolv=self.file("resolv.none", ""), hosts=hosts, proxy=proxy)

    def direct(self):
        return self.behind(SITE)

    def haproxy(self):
        path = self.file("haproxy.cfg", HAPROXY.format(gate=GATE, site=SITE))
        self.spawn(self.house, "haproxy", "-db", "-f", path)
        self.listening(self.client, GATE, 443)
        return self.behind(GATE)

    def squid(self):
        openssl_ca(self.folder)
        run("/usr/lib/squid/security_file_certgen", "-c", "-s", f"{self.folder}/certs", "-M", "4MB")
        for each in (f"{self.folder}/certs", f"{self.folder}/ca.key", f"{self.folder}/squid.log", f"{self.folder}/squid.pid"):
            open(each, "ab").close() if not os.path.isdir(each) else None
            run("chown", "-R", "proxy", each)
        path = self.file("squid.conf", SQUID.format(gate=GATE, plain=SQUID_PLAIN, bump=SQUID_BUMP, bump_port=SQUID_BUMP_PORT, folder=self.folder, resolver=worlds.RESOLVER))
        self.spawn(self.house, "squid", "-N", "-n", f"ocubench{os.getpid()}", "-f", path)
        self.listening(self.client, GATE, SQUID_PLAIN)
        return self.behind(SITE, proxy=f"http://{GATE}:{SQUID_PLAIN}")

    def mitmproxy(self):
        self.spawn(self.house, "mitmdump", "--quiet", "--mode", "transparent", "--listen-host", GATE, "--listen-port", str(MITM_PORT), "--set", f"confdir={self.folder}/mitm",
                   "--set", f"ssl_verify_upstream_trusted_ca={self.folder}/site.crt", "--set", "http2=false", "--set", "stream_large_bodies=1m", "--set", "flow_detail=0")
        self.listening(self.client, GATE, MITM_PORT)

    def turn_into(self, port):
        """What the other house's client sends to port 443 arrives at `port` of the gate; 0: goes on as it is."""
        enter = ["nsenter", f"--net=/run/netns/{self.house}", "nft"]
        subprocess.run([*enter, "delete", "table", "ip", "turn"], capture_output=True, check=False)
        if port:
            run(*enter, f"add table ip turn; add chain ip turn way {{ type nat hook prerouting priority -100; }}; "
                        f"add rule ip turn way iifname inner tcp dport 443 redirect to :{port}")
        return self.behind(SITE)

    def remove(self):
        for each in reversed(self.children):
            each.send_signal(signal.SIGTERM)
        for each in self.children:
            try:
                each.wait(10)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()
        for each in (self.client, self.house):
            subprocess.run(["ip", "netns", "del", each], check=False)
        self.world.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


def lane_of(pid):
    """The network namespace of the one session below `pid`: the one that has the lane's address."""
    for each in children_of(pid):
        path = f"/proc/{each}/ns/net"
        shown = subprocess.run(["nsenter", f"--net={path}", "ip", "-o", "addr"], capture_output=True, text=True, check=False).stdout
        if " 100.64." in shown:
            return path
    raise RuntimeError("no process of a session was found")


LATENCY = """
import http.client, ssl, sys, time, json
context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
c = http.client.HTTPSConnection(sys.argv[1], 443, context=context, timeout=20)
times = []
for _ in range(int(sys.argv[2])):
    started = time.perf_counter()
    c.request("GET", "/small")
    c.getresponse().read()
    times.append((time.perf_counter() - started) * 1e6)
print(json.dumps(sorted(times)[len(times) // 2]))
"""


class Client:
    """Programs that run in a network namespace with names of their own."""

    def __init__(self, net, resolv, hosts, proxy=None):
        self.proxy = proxy
        self.enter = ["nsenter", f"--net={net}", "unshare", "--mount", "sh", "-c",
                      f"mount --bind {resolv} /etc/resolv.conf && mount --bind {hosts} /etc/hosts && exec \"$@\"", "client"]

    def output(self, *words):
        done = subprocess.run([*self.enter, *words], capture_output=True, text=True, check=False, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"{words[0]} ended with {done.returncode}: {done.stderr[-300:]} {done.stdout[-300:]}")
        return done.stdout

    def download(self, host):
        """MiB/s of one large file."""
        proxy = ["-x", self.proxy] if self.proxy else []
        size, speed = self.output("curl", "-sS", "-k", "--http1.1", *proxy, "-o", "/dev/null", "-w", "%{size_download} %{speed_download}", f"https://{host}/large").split()
        if int(float(size)) != LARGE_BYTES:
            raise RuntimeError(f"{size} bytes came of {LARGE_BYTES}")
        return float(speed) / (1 << 20)

    def wrk(self, host, *words, connections=8, seconds=3):
        """Requests a second, all answered with 200."""
        text = self.output("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", *words, f"https://{host}/small")
        if re.search(r"Non-2xx|connect [1-9]|timeout [1-9]", text):
            raise RuntimeError(f"{self.enter[1]}: {text}")
        return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])

    def connections(self, host):
        return self.wrk(host, "-H", "Connection: close")

    def latency(self, host):
        """Microseconds of a small request on a connection that is kept, the median of many."""
        return json.loads(self.output(sys.executable, "-c", LATENCY, host, "500"))

# SPDX-License-Identifier: GPL-3.0-or-later
"""The bypass corpus against squid and mitmproxy, each set up as its own documentation says to allow what the corpus' manifest allows. Started by
scripts/bypass-compare; docs/egress-compared.md says what the figures mean. It measures; it never fails a build.

What is left out, because they do not claim it: the resolver (dns), datagrams (quic), credentials (tokens), ports other than 80 and 443, and
addresses that are written into a connection past every reading of text.
"""

import collections
import contextlib
import json
import os
import subprocess
import sys
import tempfile

from bench.egress_street import openssl_ca, run
from redteam.test_egress_corpus import SECRETS, hostile_world
from support import bypass, recorder
from support.appliance import wait_until
from support.world import ip

THEMES = ("names", "addresses", "tls", "http")
GATE, GUEST, LANE = "10.99.0.1", "10.99.0.2", "100.64.0.1"
SPLICED = ["allowed.example", "six.example", "internal.example", ".wild.example", ".rebind.example"]
OPEN = ["open.example", "key.example", "key2.example"]
DENIED_RANGES = ["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15",
                 "198.51.100.0/24", "224.0.0.0/3", "::/96", "64:ff9b::/96", "2001::/32", "2002::/16", "fc00::/7", "fe80::/10", "ff00::/8"]

SQUID = """http_port {lane}:3128 ssl-bump tls-cert={folder}/ca.pem tls-key={folder}/ca.key generate-host-certificates=on
http_port 3129 intercept
https_port 3130 intercept ssl-bump tls-cert={folder}/ca.pem tls-key={folder}/ca.key generate-host-certificates=on
sslcrtd_program /usr/lib/squid/security_file_certgen -s {folder}/certs -M 4MB
tls_outgoing_options cafile={roots} min-version=1.2
host_verify_strict on
dns_nameservers {resolver}
acl denied dst {ranges}
acl ssl_port port 443
acl CONNECT method CONNECT
acl step1 at_step SslBump1
acl step2 at_step SslBump2
acl spliced ssl::server_name {spliced}
acl bumped ssl::server_name api.example {open}
ssl_bump peek step1
ssl_bump splice spliced
ssl_bump bump bumped
ssl_bump terminate all
acl spliced_host dstdomain {spliced}
acl api_host dstdomain api.example
acl open_host dstdomain {open}
acl plain_host dstdomain plain.example
acl get_post method GET POST
acl get method GET
acl api_paths urlpath_regex ^/v1/ ^/exact$ ^/exact\\?
acl plain_paths urlpath_regex ^/v1/
acl http_port_80 port 80
http_access deny denied
http_access deny CONNECT !ssl_port
http_access allow CONNECT step1 {lane_or_intercept}
http_access allow CONNECT spliced_host
http_access allow CONNECT api_host
http_access allow CONNECT open_host
http_access allow api_host get_post api_paths
http_access allow open_host
http_access allow plain_host get plain_paths http_port_80
http_access deny all
cache deny all
access_log none
cache_log {folder}/squid.log
cache_effective_user proxy
pid_filename {folder}/squid.pid
shutdown_lifetime 1 second
coredump_dir {folder}
visible_hostname gate
"""

ADDON = '''
import ipaddress
import re
from mitmproxy import http

SPLICED, OPEN, DENIED = {spliced!r}, {open!r}, [ipaddress.ip_network(each) for each in {ranges!r}]
PATHS = {{"api.example": r"/v1/.*|/exact(\\?.*)?", "plain.example": r"/v1/.*"}}


def is_one(name, names):
    return any(name == each or each.startswith(".") and name.endswith(each) for each in names)


class Allow:
    def tls_clienthello(self, data):
        name = data.client_hello.sni or ""
        if is_one(name, SPLICED):
            data.ignore_connection = True

    def server_connect(self, data):
        host, port = data.server.address[0], data.server.address[1]
        name = data.client.sni or ""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            address, name = None, name or host
        if address is not None and any(address in each for each in DENIED if each.version == address.version):
            data.server.error = "address denied"
        elif port == 443 and not is_one(name, SPLICED + OPEN + ["api.example"]):
            data.server.error = "name denied"
        elif port not in (80, 443):
            data.server.error = "port denied"

    def http_connect(self, flow):
        name = flow.request.host
        if not is_one(name, SPLICED + OPEN + ["api.example"]) or flow.request.port != 443:
            flow.response = http.Response.make(403)

    def request(self, flow):
        name = flow.request.pretty_host
        sni = flow.client_conn.sni
        good = sni is None or sni == name
        if name == "api.example":
            good = good and flow.request.method in ("GET", "POST")
        elif name == "plain.example":
            good = good and flow.request.method == "GET" and flow.request.port == 80
        elif not is_one(name, OPEN):
            good = False
        if name in PATHS and not re.fullmatch(PATHS[name], flow.request.path):
            good = False
        if not good:
            flow.response = http.Response.make(403)


addons = [Allow()]
'''


class Gate:
    """A guest whose every connection to ports 80 and 443 comes out at a proxy, and whose other packets go nowhere but to the resolver."""

    def __init__(self):
        self.world = hostile_world()
        self.folder = tempfile.mkdtemp(prefix="ocu-bench.", dir="/var/tmp")
        os.chmod(self.folder, 0o755)
        self.guest = "ocug" + self.world.space[4:]
        self.children = []
        inside = self.world.inside
        ip("netns", "add", self.guest)
        ip("-n", inside, "link", "add", "lane", "type", "veth", "peer", "name", "uplink", "netns", self.guest)
        for where, words in ((inside, "link set lane up"), (inside, f"addr add {GATE}/24 dev lane"), (inside, f"addr add {LANE}/32 dev lane"),
                             (inside, "addr add fd99::1/64 dev lane nodad"), (self.guest, "link set lo up"), (self.guest, "link set uplink up"),
                             (self.guest, f"addr add {GUEST}/24 dev uplink"), (self.guest, "addr add fd99::2/64 dev uplink nodad"),
                             (self.guest, f"route add default via {GATE}"), (self.guest, "-6 route add default via fd99::1"),
                             (self.world.space, "route add 10.99.0.0/24 via 198.51.100.2"), (self.world.space, "-6 route add fd99::/64 via fd77::2")):
            ip("-n", where, *words.split())
        run(*self.world.enter, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        run(*self.world.enter, "nft", f"""add table inet gate; add chain inet gate way {{ type filter hook forward priority 0; policy drop; }};
            add rule inet gate way ct state established,related accept; add rule inet gate way ip daddr {recorder.RESOLVER} udp dport 53 accept""")

    def turn_into(self, plain, tls):
        enter = [*self.world.enter, "nft"]
        subprocess.run([*enter, "delete", "table", "inet", "turn"], capture_output=True, check=False)
        run(*enter, f"""add table inet turn; add chain inet turn way {{ type nat hook prerouting priority -100; }};
            add rule inet turn way iifname lane ip daddr != {LANE} tcp dport 80 redirect to :{plain};
            add rule inet turn way iifname lane ip daddr != {LANE} tcp dport 443 redirect to :{tls};
            add rule inet turn way iifname lane meta nfproto ipv6 tcp dport 80 redirect to :{plain};
            add rule inet turn way iifname lane meta nfproto ipv6 tcp dport 443 redirect to :{tls}""")

    def file(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
        return f"{self.folder}/{name}"

    @contextlib.contextmanager
    def running(self, port, *words):
        with open(f"{self.folder}/{os.path.basename(words[0])}.out", "ab") as log:
            child = subprocess.Popen([*self.world.enter, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        probe = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)"
        try:
            if not wait_until(lambda: subprocess.run([*self.world.enter, sys.executable, "-c", probe, LANE, str(port)], capture_output=True, check=False).returncode == 0, 30, 0.1):
                raise RuntimeError(f"{words[0]} does not listen")
            yield
        finally:
            child.terminate()
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def squid(self):
        openssl_ca(self.folder)
        run("/usr/lib/squid/security_file_certgen", "-c", "-s", f"{self.folder}/certs", "-M", "4MB")
        self.file("squid.log", "")
        for each in ("certs", "ca.key", "squid.log"):
            run("chown", "-R", "proxy", f"{self.folder}/{each}")
        run("chown", "proxy", self.folder)
        path = self.file("squid.conf", SQUID.format(folder=self.folder, lane=LANE, roots=self.world.certificate, resolver=recorder.RESOLVER,
                                                    ranges=" ".join(DENIED_RANGES), spliced=" ".join(SPLICED), open=" ".join(OPEN), lane_or_intercept="ssl_port"))
        self.turn_into(3129, 3130)
        return self.running(3128, "squid", "-N", "-n", f"ocubench{os.getpid()}", "-f", path)

    def mitmproxy(self):
        """One process in its transparent mode; what is for an explicit proxy is left to another, since version 8 has one mode each."""
        addon = self.file("allow.py", ADDON.format(spliced=SPLICED, open=OPEN, ranges=DENIED_RANGES))
        common = ["mitmdump", "--quiet", "--set", f"ssl_verify_upstream_trusted_ca={self.world.certificate}", "--set", "connection_strategy=lazy",
                  "--set", "flow_detail=0", "--set", f"confdir={self.folder}/mitm", "-s", addon]
        self.turn_into(8080, 8080)
        stack = contextlib.ExitStack()
        stack.enter_context(self.running(8080, *common, "--mode", "transparent", "--listen-port", "8080"))
        stack.enter_context(self.running(3128, *common, "--mode", "regular", "--listen-host", LANE, "--listen-port", "3128"))
        return stack

    def results_of(self, cases):
        path = self.file("attempts.json", json.dumps([bypass.attempt(each) for each in cases]))
        resolv = self.file("resolv.conf", f"nameserver {recorder.RESOLVER}\noptions timeout:1 attempts:1\n")
        hosts = self.file("hosts", "127.0.0.1 localhost\n")
        done = subprocess.run(["nsenter", f"--net=/run/netns/{self.guest}", "unshare", "--mount", "sh", "-c",
                               f"mount --bind {resolv} /etc/resolv.conf && mount --bind {hosts} /etc/hosts && exec \"$@\"", "guest", sys.executable, "-W", "ignore",
                               bypass.__file__.replace("bypass.py", "bypass_guest.py"), path], capture_output=True, text=True, check=False, timeout=900)
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-2000:])
        return json.loads(done.stdout)

    def sent(self):
        return "\n".join(each.get("data", "") + each.get("raw", "") for each in self.world.seen())

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.guest], check=False)
        self.world.remove()
        run("rm", "-rf", self.folder)


def comparable(case):
    if "lookup" in case or "udp" in case or "sockaddr" in case or case["expect"] in ("nodata", "answer"):
        return False
    where = case.get("to") or case.get("connect") or ""
    return "proxy" in case or where.endswith((":80", ":443"))


def verdict(case, result, sent):
    """`right`; `open`: it let through what is refused; `shut`: it refused what is allowed; `either`: the corpus leaves it open."""
    wanted = case["expect"].split("|")
    if result["outcome"] == "broken":
        return "broken"
    through = result["outcome"] in bypass.THROUGH or bool(result.get("shown"))
    if wanted != ["allowed"] and case.get("outcome") in bypass.THROUGH:
        through = False  # something of it is allowed: what is not is what must not have been sent
    # A proxy that bumps may greet whoever comes, and refuse afterwards: only what went on to the upstream counts.
    if result["outcome"] == "hello" and wanted != ["allowed"]:
        through = case["marker"] in sent
    if wanted == ["allowed"]:
        arrived = all(each in sent for each in case.get("seen", [case["marker"]]))
        return "right" if through or (arrived and "outcome" in case) else "shut"
    if "allowed" in wanted:
        return "either"
    leaked = any(each in sent for each in case.get("unseen", [] if "seen" in case else [case["marker"]]))
    return "open" if through or leaked else "right"


def main():
    only, words = sys.argv[1:], {"token": "ocu-scoped-none", "token2": "ocu-scoped-none", "other": "ocu-scoped-none", "cut": "none", "capitals": "NONE", "basic": "bm9uZQ==",
                                 "secret": SECRETS["one"], "secret2": SECRETS["two"]}
    report = {}
    for name in ("squid", "mitmproxy"):
        gate = Gate()
        try:
            with getattr(gate, name)():
                report[name], number = {}, 0
                for theme in only or THEMES:
                    cases = []
                    for case in bypass.cases_of(theme):
                        number += 1
                        if comparable(case):
                            made = bypass.marked(bypass.fill(case, words), number)
                            made.get("tls", {}).pop("verify", None)  # whom the guest trusts is its own affair
                            cases.append(made)
                    results, sent = gate.results_of(cases), gate.sent()
                    report[name][theme] = {case["name"]: [verdict(case, results[case["name"]], sent), case["try"], results[case["name"]]["outcome"]] for case in cases}
        finally:
            gate.remove()
    for name, themes in report.items():
        print(f"\n{name}\n  {'theme':<12}{'cases':>6}{'right':>7}{'open':>6}{'shut':>6}{'either':>8}{'broken':>8}")
        for theme, cases in themes.items():
            count = collections.Counter(each[0] for each in cases.values())
            print(f"  {theme:<12}{len(cases):>6}" + "".join(f"{count[word]:>{width}}" for word, width in (("right", 7), ("open", 6), ("shut", 6), ("either", 8), ("broken", 8))))
        for word, what in (("open", "lets through what the rules refuse"), ("shut", "refuses what the rules allow")):
            print(f"  {what}:")
            for theme, cases in themes.items():
                for case, (judged, tried, outcome) in cases.items():
                    if judged == word:
                        print(f"    {theme}/{case}: {tried} ({outcome})")
    path = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "build", "bypass-compare.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)


if __name__ == "__main__":
    main()

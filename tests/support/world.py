# SPDX-License-Identifier: GPL-3.0-or-later
"""A world for an appliance to reach: a network namespace with addresses that look public, a resolver, and servers of TLS, HTTP and TCP; and a
namespace with one cable to it, for the appliance.

Nothing in either leads to this machine's own network. `World` makes them; below `if __name__` are the servers, run inside the world.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

from support.appliance import WORLD_NUMBERS, wait_until
from support.mcp import REVISION

NAMES = itertools.chain(WORLD_NUMBERS)
PUBLIC, PUBLIC6, OTHER, INTERNAL, RESOLVER = "93.184.216.34", "2606:2800:220:1::34", "93.184.216.35", "203.0.113.10", "93.184.216.53"
# Name -> addresses that the world's resolver says.
HOSTS = {
    "allowed.example": [PUBLIC, PUBLIC6],
    "other.example": [OTHER],
    "internal.example": [INTERNAL],
    "rebinding.example": ["127.0.0.1", "169.254.169.254", "::1"],
    "echo.example": [PUBLIC],
    "api.example": [PUBLIC],
    "wrong.example": [PUBLIC],  # not in its certificate
    "farm.example": [PUBLIC],  # and every name below it
}

CALL = """
import http.client, json, sys
port, token, chat, params = int(sys.argv[1]), sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
c = http.client.HTTPConnection("127.0.0.1", port, timeout=90)
c.request("POST", "/mcp", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}),
    {"Authorization": "Bearer " + token, "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
     "MCP-Protocol-Version": "%s", "X-Chat-Id": chat})
print(c.getresponse().read().decode())
""" % REVISION


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


class World:
    def __init__(self, servers=None, names=("allowed.example", "other.example", "internal.example", "api.example")):
        """`servers`: the program that is run in place of the servers below, with the world's folder; it makes a file `ready` in it. `names`: of
        their certificate."""
        number = next(NAMES)
        self.space, self.inside = f"ocuw{number}", f"ocui{number}"
        self.folder = tempfile.mkdtemp(prefix="ocu-world.", dir="/var/tmp")
        self.enter = ["nsenter", f"--net=/run/netns/{self.inside}"]  # where the appliance is
        self.children = []
        ip("netns", "add", self.space)
        ip("netns", "add", self.inside)
        ip("-n", self.space, "link", "add", "cable", "type", "veth", "peer", "name", "uplink", "netns", self.inside)
        for words in (["link", "set", "lo", "up"], ["link", "set", "cable", "up"], ["addr", "add", "198.51.100.1/24", "dev", "cable"],
                      ["addr", "add", "fd77::1/64", "dev", "cable", "nodad"],
                      *(["addr", "add", f"{each}/32", "dev", "lo"] for each in (PUBLIC, OTHER, INTERNAL, RESOLVER)),
                      ["addr", "add", f"{PUBLIC6}/128", "dev", "lo", "nodad"]):
            ip("-n", self.space, *words)
        for words in (["link", "set", "lo", "up"], ["link", "set", "uplink", "up"], ["addr", "add", "198.51.100.2/24", "dev", "uplink"],
                      ["addr", "add", "fd77::2/64", "dev", "uplink", "nodad"], ["route", "add", "default", "via", "198.51.100.1"],
                      ["-6", "route", "add", "default", "via", "fd77::1"]):
            ip("-n", self.inside, *words)
        self.certificate = os.path.join(self.folder, "server.crt")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=allowed.example",
                        "-addext", "subjectAltName=" + ",".join(f"DNS:{each}" for each in names), "-keyout", f"{self.folder}/server.key",
                        "-out", self.certificate], check=True, capture_output=True)
        self.spawn([sys.executable, "-B", servers or os.path.abspath(__file__), self.folder])
        names = [f"--address=/{name}/{address}" for name, addresses in HOSTS.items() for address in addresses]
        self.spawn(["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces", f"--listen-address={RESOLVER}",
                    "--user=root", "--pid-file=", "--log-queries", f"--log-facility={self.folder}/dns.log", *names])
        if not wait_until(lambda: os.path.exists(f"{self.folder}/ready") and os.path.exists(f"{self.folder}/dns.log"), 90):
            raise AssertionError("the world did not come up")

    def spawn(self, words):
        path = os.pathsep.join(filter(None, [os.path.dirname(os.path.dirname(os.path.abspath(__file__))), os.environ.get("PYTHONPATH")]))
        self.children.append(subprocess.Popen(["nsenter", f"--net=/run/netns/{self.space}", *words], stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": path}))

    def asked_names(self):
        """Every name that the world's resolver was asked for."""
        with open(f"{self.folder}/dns.log", encoding="utf-8") as file:
            return {line.split(" query[", 1)[1].split()[1].lower() for line in file if " query[" in line}

    def seen(self):
        """What the servers were told: a list of objects, in order."""
        with open(f"{self.folder}/seen", encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def call(self, appliance, command, chat="world"):
        """A call of `bash_tool` from where the appliance listens. A started process: `text_of` waits for it."""
        return self.call_tool(appliance, "bash_tool", chat, command=command, timeout_s=80)

    def call_tool(self, appliance, tool, chat="world", **arguments):
        params = json.dumps({"name": tool, "arguments": arguments})
        return subprocess.Popen([*self.enter, sys.executable, "-c", CALL, str(appliance.port), appliance.token, chat, params], stdout=subprocess.PIPE, text=True)

    @staticmethod
    def text_of(process):
        out, _ = process.communicate(timeout=120)
        answer = json.loads(out.split("data: ", 1)[1].splitlines()[0] if "data: " in out else out)
        if "error" in answer:
            return json.dumps(answer["error"])
        return "".join(each.get("text", "") for each in answer["result"]["content"])

    def remove(self):
        for each in self.children:
            each.send_signal(signal.SIGKILL)
            each.wait()
        for each in (self.space, self.inside):
            subprocess.run(["ip", "netns", "del", each], check=False)
        subprocess.run(["rm", "-rf", self.folder], check=False)


def serve(folder):
    import http.server
    import socket
    import socketserver
    import ssl

    lock = threading.Lock()

    def saw(**what):
        with lock, open(f"{folder}/seen", "a", encoding="utf-8") as file:
            file.write(json.dumps(what) + "\n")

    class Pages(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            saw(kind="request", host=self.headers.get("Host"), path=self.path, tls=isinstance(self.connection, ssl.SSLSocket), client=self.client_address[0])
            if self.path == "/endless":
                self.send_response(200)
                self.end_headers()
                sent = 0
                try:
                    while True:
                        self.wfile.write(b"x" * 65536)
                        sent += 65536
                except OSError:
                    saw(kind="endless over", at=time.monotonic(), bytes=sent)
                self.close_connection = True
                return
            body = b"a" * (8 << 20) if self.path == "/large" else b"hello from the world\n"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
        allow_reuse_address = True
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, request, client_address):
            pass  # refusals look like this from here

    class Server6(Server):
        address_family = socket.AF_INET6

    class Echo(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(b"220 ready\n")
            while data := self.request.recv(65536):
                self.request.sendall(data)
            self.request.sendall(b"bye\n")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/server.crt", f"{folder}/server.key")
    servers = []
    for address in (PUBLIC, OTHER, INTERNAL, PUBLIC6):
        kind = Server6 if ":" in address else Server
        for port in (80, 443, 8443):
            server = kind((address, port), Pages)
            if port != 80:
                server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            servers.append(server)
    servers.append(Server((PUBLIC, 2525), Echo))
    for each in servers:
        threading.Thread(target=each.serve_forever, daemon=True).start()
    saw(kind="ready")
    with open(f"{folder}/ready", "w", encoding="utf-8"):
        pass
    threading.Event().wait()


if __name__ == "__main__":
    serve(sys.argv[1])

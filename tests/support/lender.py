# SPDX-License-Identifier: GPL-3.0-or-later
"""An upstream that is given a credential and shows it in every way that it can think of. Run inside a world.

    usage: lender.py FOLDER     FOLDER/server.crt and server.key; writes FOLDER/seen and FOLDER/ready
"""

import base64
import gzip
import hashlib
import http.server
import json
import sys
import threading
import time
import urllib.parse

from support.pages import serve

lock = threading.Lock()


def forms(secret):
    """What the credential looks like in an answer: as it is, escaped for a URL, in base64 of the whole header."""
    return [secret, urllib.parse.quote(secret), base64.b64encode(f"Bearer {secret}".encode()).decode()[12:-4]]


class Lender(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        head = self.requestline + "\r\n" + "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        with lock, open(f"{sys.argv[1]}/seen", "a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": "request", "path": self.path.split("?")[0], "head": head}) + "\n")
        given = self.headers.get("Authorization", "")
        secret = given.removeprefix("Bearer ")
        answer = {
            "/header": (200, {"X-Reflected": given}, b"x"),
            "/cookie": (200, {"Set-Cookie": f"k={secret}; Path=/"}, b"x"),
            "/body": (200, {"Content-Type": "text/plain"}, head.encode()),
            "/json": (200, {"Content-Type": "application/json"}, json.dumps({"headers": dict(self.headers.items())}).encode()),
            "/redirect": (302, {"Location": f"https://api.example/landed?key={urllib.parse.quote(secret)}"}, b"moved"),
            "/base64": (200, {"Content-Type": "text/plain"}, base64.b64encode(given.encode())),
            "/percent": (200, {"Content-Type": "text/plain"}, f"key={urllib.parse.quote(secret + '/+')}".encode()),
            "/error": (500, {"Content-Type": "text/html"}, f"<p>bad key {secret}</p>".encode()),
            "/say": (200, {"Content-Type": "text/plain"}, urllib.parse.unquote(self.path.partition("?")[2]).encode()),
            "/large": (200, {"Content-Type": "application/octet-stream"}, b"0123456789abcdef" * (4 << 16)),
            "/compressed": (200, {"Content-Encoding": "gzip"}, gzip.compress(head.encode())),
        }.get(self.path.split("?")[0])
        if self.path in ("/trailer", "/slowly"):
            return self.in_chunks(given)
        status, headers, body = answer or (200, {}, b"hello from the lender\n")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def body(self):
        """What was uploaded, whichever way it was framed."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def do_POST(self):
        said = hashlib.sha256(self.body()).hexdigest().encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def in_chunks(self, given):
        self.send_response(200)
        for name, value in (("Transfer-Encoding", "chunked"), ("Content-Type", "text/plain"), ("Trailer", "X-Late")):
            self.send_header(name, value)
        self.end_headers()
        pieces = [given[at:at + 3] for at in range(0, len(given), 3)] if self.path == "/slowly" else ["hello"]
        for each in pieces:
            self.wfile.write(f"{len(each):x}\r\n{each}\r\n".encode())
            self.wfile.flush()
            time.sleep(0.01)
        self.wfile.write(f"0\r\nX-Late: {given}\r\n\r\n".encode())

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    serve(sys.argv[1], Lender)

# SPDX-License-Identifier: GPL-3.0-or-later
"""A witness of one log (C2SP tlog-witness) over TLS, as its page has it; and what one that is no good says. Run inside a world.

`Witness` starts it. Below `if __name__` is the server: FOLDER ADDRESS PORT. In FOLDER: `key.pem` and `name`, its key; `log.vkey`, whom it takes heads of; `state`, what it has
seen last; `answers`, words that it says in place of what is so, one for each request; `told`, one object a line.
"""

import base64
import hashlib
import http.server
import json
import os
import ssl
import struct
import subprocess
import sys
import time

from support.receivers import Web

NAME = "witness.example/w1"
SPKI = bytes.fromhex("302a300506032b6570032100")  # of Ed25519, before the key itself
DASH = "\u2014"


def openssl(*words, **more):
    return subprocess.run(["openssl", *words], check=True, capture_output=True, **more).stdout


def key_id(name, kind, key):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def verifier_key(name, kind, key):
    return f"{name}+{key_id(name, kind, key).hex()}+{base64.b64encode(bytes([kind]) + key).decode()}"


def public_of(pem):
    return openssl("pkey", "-in", pem, "-pubout", "-outform", "DER")[-32:]


class Witness(Web):
    program = __file__

    def __init__(self, world, name, address, port, clients=None):
        self.name = name
        super().__init__(world, name, address, port, clients)

    def prepare(self):
        openssl("genpkey", "-algorithm", "ed25519", "-out", f"{self.folder}/key.pem")
        self.key = verifier_key(NAME, 4, public_of(f"{self.folder}/key.pem"))

    def knows(self, log_key):
        with open(f"{self.folder}/log.vkey", "w", encoding="ascii") as file:
            file.write(log_key)

    def state(self):
        with open(f"{self.folder}/state", encoding="ascii") as file:
            return json.load(file)

    def has_seen(self, size, root):
        with open(f"{self.folder}/state", "w", encoding="ascii") as file:
            json.dump({"size": size, "root": root}, file)


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def consistent(old, old_root, new, new_root, proof):
    """RFC 9162, 2.1.4.2."""
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof
    if old & (old - 1) == 0:
        proof = [old_root, *proof]
    if not proof:
        return False
    first, second = old - 1, new - 1
    while first & 1:
        first, second = first >> 1, second >> 1
    got_old = got_new = proof[0]
    for each in proof[1:]:
        if second == 0:
            return False
        if first & 1 or first == second:
            got_old, got_new = node(each, got_old), node(each, got_new)
            while first and not first & 1:
                first, second = first >> 1, second >> 1
        else:
            got_new = node(got_new, each)
        first, second = first >> 1, second >> 1
    return (got_old, got_new, second) == (old_root, new_root, 0)


def cosignature(folder, name, body, when):
    """One line of an answer."""
    with open(f"{folder}/message", "wb") as file:
        file.write(f"cosignature/v1\ntime {when}\n{body}".encode())
    signature = openssl("pkeyutl", "-sign", "-inkey", f"{folder}/key.pem", "-rawin", "-in", f"{folder}/message")
    bytes_of = key_id(name, 4, public_of(f"{folder}/key.pem")) + struct.pack(">Q", when) + signature
    return f"{DASH} {name} {base64.b64encode(bytes_of).decode()}\n"


def is_of_log(folder, body, line):
    """Whether the head is signed by the log that this is a witness of."""
    with open(f"{folder}/log.vkey", encoding="ascii") as file:
        name, _, key = file.read().strip().split("+", 2)
    dash, who, signed = line.split(" ")
    key, signed = base64.b64decode(key)[1:], base64.b64decode(signed)
    for path, content in (("log.der", SPKI + key), ("log.signature", signed[4:]), ("log.message", body.encode())):
        with open(f"{folder}/{path}", "wb") as file:
            file.write(content)
    done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", f"{folder}/log.der", "-rawin", "-in", f"{folder}/log.message",
                           "-sigfile", f"{folder}/log.signature"], capture_output=True, check=False)
    return (dash, who, signed[:4]) == (DASH, name, key_id(name, 1, key)) and done.returncode == 0


def judge(folder, request):
    """Status and body for an add-checkpoint."""
    asked, note = request.split("\n\n", 1)
    old, *proof = asked.split("\n")
    body, signature = note.split("\n\n", 1)
    body += "\n"
    origin, size, root = body.splitlines()
    with open(f"{folder}/log.vkey", encoding="ascii") as file:
        if file.read().split("+")[0] != origin:
            return 404, ""
    if not is_of_log(folder, body, signature.splitlines()[0]):
        return 403, ""
    try:
        with open(f"{folder}/state", encoding="ascii") as file:
            seen = json.load(file)
    except FileNotFoundError:
        seen = {"size": 0, "root": ""}
    old, size = int(old.removeprefix("old ")), int(size)
    if old > size:
        return 400, ""
    if old != seen["size"] or (old == size and root != seen["root"]):
        return 409, f"{seen['size']}\n"
    if not consistent(old, base64.b64decode(seen["root"]), size, base64.b64decode(root), [base64.b64decode(each) for each in proof]):
        return 422, ""
    with open(f"{folder}/state", "w", encoding="ascii") as file:
        json.dump({"size": size, "root": root}, file)
    return 200, cosignature(folder, NAME, body, int(time.time()))


def no_good(word, folder, request):
    """Status and body of one that is up to something; nothing has been seen then."""
    body = request.split("\n\n")[1] + "\n"
    now = int(time.time())
    if word in ("403", "404", "429", "503"):
        return int(word), ""
    return {
        "unsigned": lambda: (200, ""),
        "other_head": lambda: (200, cosignature(folder, NAME, body.replace("\n", "x\n", 1), now)),
        "future": lambda: (200, cosignature(folder, NAME, body, now + 86400)),
        "other_name": lambda: (200, cosignature(folder, "else.example", body, now)),
        "text": lambda: (200, "<html>" * 20),
        "line": lambda: (200, "x" * 10_000_000),
        "ahead": lambda: (409, "18446744073709551615\n"),
        "no_size": lambda: (409, "many\n"),
        "endless": lambda: (200, ""),
        "hang": lambda: (200, ""),
    }[word]()


class Face(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        folder = self.server.folder
        request = self.rfile.read(int(self.headers["Content-Length"])).decode()
        word = ""
        if os.path.exists(f"{folder}/answers"):
            with open(f"{folder}/answers", encoding="ascii") as file:
                word, *left = file.read().split() or [""]
            with open(f"{folder}/answers", "w", encoding="ascii") as file:
                file.write(" ".join(left))
        if word == "hang":
            time.sleep(60)
        status, body = no_good(word, folder, request) if word else judge(folder, request)
        with open(f"{folder}/told", "a", encoding="utf-8") as file:
            file.write(json.dumps({"path": self.path, "request": request, "status": status, "word": word, "subject": bool(self.connection.getpeercert())}) + "\n")
        try:
            self.send_response(status)
            if word == "endless":
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                while True:
                    self.wfile.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())
        except OSError:
            self.close_connection = True

    def log_message(self, *_):
        pass


def serve(folder, address, port, clients=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/hook.crt", f"{folder}/hook.key")
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    server = http.server.ThreadingHTTPServer((address, int(port)), Face)
    server.folder = folder
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    serve(*sys.argv[1:])

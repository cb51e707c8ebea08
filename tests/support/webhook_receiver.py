# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is told of a tripwire: an HTTPS server that writes down what it is sent and answers as it is told to. Run inside a world.

    usage: webhook_receiver.py FOLDER ADDRESS PORT [CA]     FOLDER/hook.crt and hook.key; appends to FOLDER/told; FOLDER/answers says how

With CA nobody is let in without a certificate of it; who came is told as `subject`.

FOLDER/answers: words for the answers to come, one each: a status, or `hang`. When it is empty or not there: 200.
"""

import hashlib
import hmac
import http.server
import json
import os
import re
import socketserver
import ssl
import sys
import threading
import time

lock = threading.Lock()


def is_signed(key, header, body, tolerance_s=300):
    """By the documented rule, with nothing of the appliance's."""
    found = re.fullmatch(r"t=([0-9]+),v1=([0-9a-f]{64})", header or "")
    if not found or abs(time.time() - int(found[1])) > tolerance_s:
        return False
    return hmac.compare_digest(hmac.new(key.encode(), found[1].encode() + b"." + body, hashlib.sha256).hexdigest(), found[2])


def next_answer(folder):
    path = f"{folder}/answers"
    with lock:
        try:
            with open(path, encoding="ascii") as file:
                words = file.read().split()
        except FileNotFoundError:
            words = []
        if words:
            with open(path, "w", encoding="ascii") as file:
                file.write(" ".join(words[1:]))
    return words[0] if words else "200"


def subject_of(connection):
    return dict(pair for part in (connection.getpeercert() or {}).get("subject", ()) for pair in part).get("commonName")


class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        folder = sys.argv[1]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = next_answer(folder)
        with lock, open(f"{folder}/told", "a", encoding="utf-8") as file:
            file.write(json.dumps({"path": self.path, "headers": dict(self.headers.items()), "body": body.decode(), "answer": answer, "subject": subject_of(self.connection)}) + "\n")
        if answer == "hang":
            time.sleep(600)
        self.send_response(int(answer))
        if answer.startswith("3"):
            self.send_header("Location", "http://93.184.216.34/redirected")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


if __name__ == "__main__":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{sys.argv[1]}/hook.crt", f"{sys.argv[1]}/hook.key")
    if len(sys.argv) > 4:
        context.load_verify_locations(sys.argv[4])
        context.verify_mode = ssl.CERT_REQUIRED
    server = Server((sys.argv[2], int(sys.argv[3])), Hook)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with open(f"{sys.argv[1]}/hook-ready-{os.getpid()}", "w", encoding="ascii"):
        pass
    server.serve_forever()

# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference of docs/formats/secret-source.md: a source of credentials, over a unix socket or over mutual TLS, by Python's own HTTP server.

    usage: secret_source.py unix PATH STORE
           secret_source.py tls ADDRESS PORT STORE CERTIFICATE KEY CLIENTS

STORE is a JSON file, read at each question: {"NAME": {"value": "...", "expires_in": 600, "version": "1"}, ...} or with "user" and "password". A member
"status" in place of these is answered as it is, and "raw" is written in place of the whole answer, for what a source should never do. Each question is
appended to STORE.seen, with the client's common name where there is one. Begins with STORE.ready.
"""

import http.server
import json
import os
import socket
import socketserver
import ssl
import sys
import time

PATH = "/ocu-secret-source/1/credential"


class Source(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store = ""

    def do_POST(self):
        question = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        who = None
        if isinstance(self.connection, ssl.SSLSocket):
            who = dict(pair for part in self.connection.getpeercert().get("subject", ()) for pair in part).get("commonName")
        with open(f"{self.store}.seen", "a", encoding="utf-8") as file:
            file.write(json.dumps({"question": question, "who": who, "path": self.path, "headers": dict(self.headers)}) + "\n")
        if self.path != PATH or question.get("contract") != "ocu-secret-source/1":
            return self.answer(400)
        with open(self.store, encoding="utf-8") as file:
            kept = json.load(file).get(question["credential"])
        if kept is None:
            return self.answer(404)
        time.sleep(kept.pop("after", 0))
        if "raw" in kept:
            self.close_connection = True
            return self.wfile.write(kept["raw"].encode())
        if "status" in kept:
            return self.answer(kept["status"])
        if ("user" in kept) != (question["form"] == "basic"):
            return self.answer(409)
        return self.answer(200, json.dumps(kept).encode())

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def address_string(self):
        return "the appliance"

    def log_message(self, *_):
        pass


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


class TcpServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        pass  # who has no certificate looks like this from here


def serve(server, store):
    Source.store = store
    with open(f"{store}.seen", "a", encoding="utf-8"), open(f"{store}.ready", "w", encoding="utf-8"):
        pass
    server.serve_forever()


def main(words):
    if words[0] == "unix":
        _, path, store = words
        if os.path.exists(path):
            os.unlink(path)
        os.umask(0o177)  # the appliance's core is root
        return serve(UnixServer(path, Source), store)
    _, address, port, store, certificate, key, clients = words
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key)
    if clients != "none":
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    server = TcpServer((address, int(port)), Source)
    if ":" not in address:
        server.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return serve(server, store)


if __name__ == "__main__":
    main(sys.argv[1:])

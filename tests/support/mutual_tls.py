# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of Python's own TLS that lets nobody in without a certificate of its authority, and what an operator needs to be let in.

Below `if __name__` is the server: ADDRESS PORT FOLDER. It writes what it was told to FOLDER/bank, one object a line.
"""

import json
import os
import subprocess
import sys

SUBJECT = "agent of the workshop"


def openssl(*words):
    return subprocess.run(["openssl", *words], check=True, capture_output=True).stdout


class ClientIdentity:
    """An authority of clients in FOLDER, and a client's P-256 key and certificate."""

    def __init__(self, folder):
        self.authority, key, self.certificate = (os.path.join(folder, name) for name in ("clients.crt", "client.key", "client.crt"))
        ca_key, request, usage = (os.path.join(folder, name) for name in ("clients.key", "client.csr", "client.ext"))
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=clients", "-keyout", ca_key, "-out", self.authority)
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={SUBJECT}", "-keyout", key, "-out", request)
        with open(usage, "w", encoding="ascii") as file:
            file.write("extendedKeyUsage=clientAuth\n")
        openssl("x509", "-req", "-in", request, "-CA", self.authority, "-CAkey", ca_key, "-CAcreateserial", "-days", "2", "-extfile", usage, "-out", self.certificate)
        with open(self.certificate, encoding="ascii") as chain, open(key, encoding="ascii") as private:
            self.pem = chain.read() + private.read()
        self.number = openssl("ec", "-in", key, "-outform", "DER")[7:39]  # SEC 1: after two headers and the version

    def in_memory_of(self, pid):
        """In how many places of a process's memory the private number stands, in either order of its bytes."""
        found = 0
        with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for line in maps:
                words = line.split()
                begin, end = (int(each, 16) for each in words[0].split("-"))
                if "r" not in words[1] or words[-1] in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                    continue
                try:
                    memory.seek(begin)
                    data = memory.read(end - begin)
                except (OSError, OverflowError, ValueError):
                    continue
                found += data.count(self.number) + data.count(self.number[::-1])
        return found


def serve(address, port, folder):
    import http.server
    import ssl

    class Bank(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            subject = dict(pair for part in self.connection.getpeercert().get("subject", ()) for pair in part)
            with open(f"{folder}/bank", "a", encoding="utf-8") as file:
                file.write(json.dumps({"who": subject.get("commonName"), "path": self.path, "headers": dict(self.headers), "port": self.client_address[1],
                                       "version": self.connection.version()}) + "\n")
            body = f"the bank knows {subject.get('commonName')}\n".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/server.crt", f"{folder}/server.key")
    context.load_verify_locations(f"{folder}/clients.crt")
    context.verify_mode = ssl.CERT_REQUIRED

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            pass

    server = Server((address, port), Bank)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with open(f"{folder}/bank", "a", encoding="utf-8"):
        pass
    server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), sys.argv[3])

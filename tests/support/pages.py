# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of pages over TLS, as a program of its own that runs inside a world."""

import socketserver
import ssl

ADDRESS = "93.184.216.34"


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # refusals look like this from here


def serve(folder, handler):
    """FOLDER/server.crt and server.key are its own; FOLDER/seen is begun and FOLDER/ready says that it listens."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/server.crt", f"{folder}/server.key")
    server = Server((ADDRESS, 443), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with open(f"{folder}/seen", "w", encoding="utf-8"), open(f"{folder}/ready", "w", encoding="utf-8"):
        pass
    server.serve_forever()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands between the S3 engine and a server and breaks what passes, as a file says that is read at each connection and each piece of bytes:

    none            passes everything
    cut_up N K      the next K connections end after N bytes from the client
    cut_down N K    the same, after N bytes from the server
    slow            one byte a second to the client
    stall           accepts and answers nothing
    refuse          accepts and closes
    status CODE K   the next K requests are answered with CODE, and not passed on
    garble          bodies come back with their bytes changed
    short           bodies come back without their last bytes, under a head that fits

usage: s3_faults.py LISTEN UPSTREAM MODE_FILE [--certificate STEM]     until its input ends"""

import re
import select
import socket
import ssl
import sys
import threading
import time


class Mode:
    def __init__(self, path):
        self.path, self.used, self.lock, self.said = path, 0, threading.Lock(), None

    def words(self):
        try:
            with open(self.path, encoding="utf-8") as file:
                text = file.read()
        except OSError:
            text = ""
        with self.lock:
            if text != self.said:
                self.said, self.used = text, 0
        return text.split() or ["none"]

    def turn(self, most):
        """Whether this is one of the first `most` since the mode was set."""
        with self.lock:
            self.used += 1
            return self.used <= most


def read_head(source, data):
    while b"\r\n\r\n" not in data:
        more = source.recv(65536)
        if not more:
            return data, b""
        data += more
    at = data.index(b"\r\n\r\n") + 4
    return data[:at], data[at:]


def length_of(head):
    found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return int(found.group(1)) if found else 0


def answer(client, status, begun):
    """Takes one request whole and says `status` to it."""
    head, rest = read_head(client, begun)
    left = length_of(head) - len(rest)
    while left > 0:
        more = client.recv(65536)
        if not more:
            return
        left -= len(more)
    client.sendall(b"HTTP/1.1 %d Said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)


class Altered:
    """Answers of one connection, with their bodies changed or five bytes short."""

    def __init__(self):
        self.left = 0

    def __call__(self, mode, data):
        head = b""
        at = data.find(b"\r\n\r\n")
        if self.left == 0 and data.startswith(b"HTTP/1.1 20") and at >= 0:
            head, data = data[:at + 4], data[at + 4:]
            self.left = length_of(head)
            if mode == "short" and self.left > 10:
                head = re.sub(rb"(?i)(\r\ncontent-length: *)\d+", rb"\g<1>%d" % (self.left - 5), head)
        self.left -= len(data)
        if mode == "garble":
            return head + bytes(each ^ 0x55 for each in data)
        return head + (data[:len(data) - 5 + self.left] if self.left < 5 else data)


def serve(client, upstream, mode, begun=b""):
    words, alter = mode.words(), Altered()
    if words[0] == "refuse":
        return
    if words[0] == "stall":
        while mode.words()[0] == "stall":
            time.sleep(0.2)
        return
    if words[0] == "status" and mode.turn(int(words[2])):
        answer(client, int(words[1]), begun)
        return
    cut = words[0] in ("cut_up", "cut_down") and mode.turn(int(words[2]))
    passed = {"cut_up": 0, "cut_down": 0}
    with socket.create_connection(("127.0.0.1", upstream)) as server:
        while True:
            ready = [client] if isinstance(client, ssl.SSLSocket) and client.pending() else select.select([client, server], [], [], 60)[0]
            if not ready:
                return
            for source in ready:
                way = "cut_up" if source is client else "cut_down"
                data = source.recv(65536)
                if not data:
                    return
                now = mode.words()[0]
                if now in ("stall", "refuse") or (now == "status" and words[0] != "status"):
                    serve(client, upstream, mode, data)  # it began under another word
                    return
                if cut and words[0] == way and passed[way] + len(data) >= int(words[1]):
                    (server if source is client else client).sendall(data[:int(words[1]) - passed[way]])
                    return
                passed[way] += len(data)
                if source is client:
                    server.sendall(data)
                elif now == "slow":
                    for each in data:
                        client.sendall(bytes([each]))
                        time.sleep(1)
                        if mode.words()[0] != "slow":
                            return
                else:
                    client.sendall(alter(now, data) if now in ("garble", "short") else data)


def handle(connection, upstream, mode, context):
    try:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is None:
                serve(connection, upstream, mode)
            else:
                with context.wrap_socket(connection, server_side=True) as secure:
                    serve(secure, upstream, mode)
    except (OSError, ssl.SSLError, ValueError):
        pass


def main():
    listen, upstream, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    context = None
    if "--certificate" in sys.argv:
        stem = sys.argv[sys.argv.index("--certificate") + 1]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{stem}.pem", f"{stem}.key")
    mode = Mode(path)
    listener = socket.create_server(("127.0.0.1", listen))

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=handle, args=(connection, upstream, mode, context), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()

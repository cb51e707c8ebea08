# SPDX-License-Identifier: GPL-3.0-or-later
"""The upstream side of the bypass corpus: run inside a world, it answers on every address that there is, writes down every byte that reaches
it, and resolves names as a hostile resolver would.

    usage: recorder.py FOLDER     reads FOLDER/server.crt and server.key; writes FOLDER/seen (a JSON object a line) and FOLDER/ready
"""

import itertools
import json
import os
import re
import socket
import ssl
import struct
import sys
import threading

RESOLVER = "93.184.216.54"
PORTS = (22, 80, 443, 2525, 8080, 8443)
DATAGRAM_PORTS = (123, 443, 4433)
PUBLIC, SECOND, PUBLIC6, INTERNAL = "93.184.216.34", "93.184.216.36", "2606:2800:220:1::34", "203.0.113.10"
# Name -> records. A name that is not here and not below one that is: no such name.
NAMES = {
    "internal.example": [("A", INTERNAL)],
    "second.example": [("A", SECOND)],
    "six.example": [("AAAA", PUBLIC6)],
    "loopback.rebind.example": [("A", "127.0.0.1"), ("AAAA", "::1")],
    "zero.rebind.example": [("A", "0.0.0.0"), ("AAAA", "::")],
    "private.rebind.example": [("A", "10.0.0.5")],
    "metadata.rebind.example": [("A", "169.254.169.254")],
    "metadata6.rebind.example": [("AAAA", "fd00:ec2::254")],
    "mapped.rebind.example": [("AAAA", "::ffff:10.0.0.5")],
    "nat64.rebind.example": [("AAAA", "64:ff9b::a00:5")],
    "sixtofour.rebind.example": [("AAAA", "2002:a00:5::1")],
    "teredo.rebind.example": [("AAAA", "2001:0:a00:5::1")],
    "linklocal.rebind.example": [("AAAA", "fe80::5")],
    "ula.rebind.example": [("AAAA", "fd12:3456::5")],
    "multicast.rebind.example": [("A", "224.0.0.251")],
    "broadcast.rebind.example": [("A", "255.255.255.255")],
    "synthetic.rebind.example": [("A", "198.18.0.5")],
    "own.rebind.example": [("A", "198.51.100.2")],
    "cgnat.rebind.example": [("A", "100.64.0.1")],
    "mixed.rebind.example": [("A", "10.0.0.5"), ("A", PUBLIC), ("A", "192.168.0.5")],
    "family.rebind.example": [("A", "10.0.0.5"), ("AAAA", PUBLIC6)],
    "many.rebind.example": [("A", f"10.0.0.{n}") for n in range(1, 60)],
    "cname.rebind.example": [("CNAME", "target.hidden.example"), ("A", "10.0.0.5")],
    "chain.rebind.example": [("CNAME", "one.hidden.example"), ("CNAME", "two.hidden.example"), ("A", "192.168.1.5")],
    "elsewhere.rebind.example": [("CNAME", "target.hidden.example"), ("A", PUBLIC)],
    "empty.rebind.example": [],
}
SUFFIXES = ("allowed.example", "api.example", "other.example", "plain.example", "open.example", "key.example", "key2.example", "echo.example",
            "wild.example", "smtp.example")
TURNS = {"turn.rebind.example": (PUBLIC, "10.0.0.5"), "late.rebind.example": (PUBLIC, "127.0.0.1")}  # first answer, all later ones

lock = threading.Lock()
numbers = itertools.count(1)


def note(folder, **what):
    with lock, open(f"{folder}/seen", "a", encoding="utf-8") as file:
        file.write(json.dumps(what) + "\n")


# ---- names

def read_query(packet):
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1"))
        at += 1 + packet[at]
    return ".".join(labels).lower(), struct.unpack(">H", packet[at + 1:at + 3])[0], packet[12:at + 5]


def encode_name(name):
    return b"".join(bytes([len(each)]) + each.encode() for each in name.split(".")) + b"\0"


def records_of(name, asked):
    if name in TURNS:
        # Both families are asked for at once: the turn is that of the IPv4 question.
        if asked["A"] == 0:
            return [("A", TURNS[name][0])]
        return [("A", TURNS[name][0] if asked["A"] == 1 else TURNS[name][1])]
    if name in NAMES:
        return NAMES[name]
    if any(name == each or name.endswith("." + each) for each in SUFFIXES):
        return [("A", PUBLIC), ("AAAA", PUBLIC6)]
    return None


def answer(packet, name, kind, question, counts):
    word = {1: "A", 28: "AAAA"}.get(kind, "")
    asked = counts.setdefault(name, {"A": 0})
    if word == "A":
        asked["A"] += 1
    records = records_of(name, asked)
    if records is None:
        return packet[:2] + b"\x81\x83\0\1\0\0\0\0\0\0" + question
    out, count, owner = b"", 0, name
    for record, value in records:
        if record == "CNAME":
            data, number = encode_name(value), 5
        elif record == word:
            data, number = socket.inet_pton(socket.AF_INET6 if word == "AAAA" else socket.AF_INET, value), kind
        else:
            continue
        out += encode_name(owner) + struct.pack(">HHIH", number, 1, 0, len(data)) + data
        count += 1
        owner = value if record == "CNAME" else owner
    return packet[:2] + b"\x81\x80\0\1" + struct.pack(">H", count) + b"\0\0\0\0" + question + out


def resolve(folder):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IP, 15, 1)  # IP_FREEBIND: the world gives the address a moment later
    server.bind((RESOLVER, 53))
    counts = {}
    while True:
        packet, peer = server.recvfrom(4096)
        try:
            name, kind, question = read_query(packet)
        except (IndexError, struct.error):
            continue
        note(folder, query=name, type=kind)
        server.sendto(answer(packet, name, kind, question, counts), peer)


# ---- connections

def reply_to(head, where):
    """What the upstream says to a request: plain, or as hostile as its path asks for."""
    text = head.decode("latin-1")
    path = text.split(" ", 2)[1] if text.count(" ") > 1 else "/"
    body = b"upstream-reached " + where.encode() + b"\n"
    status, extra = "200 OK", ""
    if "/redirect-private" in path:
        status, extra = "302 Found", "Location: http://169.254.169.254/latest/meta-data/\r\n"
    elif "/redirect-other" in path:
        status, extra = "307 Temporary Redirect", "Location: https://evil.example/\r\n"
    elif "/reflect" in path:
        field = re.search(r"(?im)^(?:authorization|x-api-key): ?(.*?)\r$", text)
        body = (b"upstream-reached " + text.encode("latin-1"))
        extra = f"X-Reflected: {field.group(1) if field else ''}\r\nLocation: https://key.example/?{field.group(1) if field else ''}\r\n"
    elif "/two-lengths" in path:
        extra = "Content-Length: 5\r\n"
    elif "/upgrade-anyway" in path:
        return b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    elif "/alt-svc" in path:
        extra = 'Alt-Svc: h3="evil.example:443"; ma=86400\r\n'
    return f"HTTP/1.1 {status}\r\n{extra}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


class Conversation:
    """Reads requests the lenient way, so that what was smuggled would show."""

    def __init__(self, folder, number, where):
        self.folder, self.number, self.where, self.buffer = folder, number, where, b""

    def feed(self, data):
        note(self.folder, conn=self.number, to=self.where, data=data.decode("latin-1"))
        self.buffer += data
        out = b""
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head, rest = self.buffer[:end + 4], self.buffer[end + 4:]
            length = re.search(rb"(?im)^content-length:\s*(\d+)", head)
            chunked = re.search(rb"(?im)^transfer-encoding:.*chunked", head)
            if chunked:
                stop = rest.find(b"0\r\n\r\n")
                if stop < 0:
                    break
                self.buffer = rest[stop + 5:]
            else:
                size = int(length.group(1)) if length else 0
                if len(rest) < size:
                    break
                self.buffer = rest[size:]
            out += reply_to(head, self.where)
        return out


def speak_tls(sock, context, first, talk):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(first)
    established = False
    while True:
        try:
            if not established:
                session.do_handshake()
                established = True
            data = session.read(65536)
            if not data:
                break
            session.write(talk.feed(data) or b"")
        except ssl.SSLWantReadError:
            if outgoing.pending:
                sock.sendall(outgoing.read())
            more = sock.recv(65536)
            if not more:
                break
            if not established:
                note(talk.folder, conn=talk.number, to=talk.where, raw=more.decode("latin-1"))
            incoming.write(more)
        if outgoing.pending:
            sock.sendall(outgoing.read())


def serve_one(folder, context, sock):
    sock.settimeout(20)
    host, port = sock.getsockname()[:2]
    host = host.removeprefix("::ffff:")
    number = next(numbers)
    where = f"{host}:{port}"
    note(folder, conn=number, to=where)
    talk = Conversation(folder, number, where)
    try:
        if port in (22, 2525):
            sock.sendall(b"220 ready\r\n")
        first = sock.recv(65536)
        note(folder, conn=number, to=where, raw=first.decode("latin-1"))
        if first[:1] == b"\x16":
            speak_tls(sock, context, first, talk)
        while first:
            said = talk.feed(first)
            sock.sendall(b"echo " + first if port in (22, 2525) else said)
            first = sock.recv(65536)
    except (OSError, ssl.SSLError):
        pass
    finally:
        sock.close()


def listen(folder, context, port):
    server = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("::", port))
    server.listen(128)

    def run():
        while True:
            sock, _ = server.accept()
            threading.Thread(target=serve_one, args=(folder, context, sock), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()


def listen_datagrams(folder, port):
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind(("::", port))

    def run():
        while True:
            data, _ = server.recvfrom(65536)
            note(folder, datagram=data.decode("latin-1"), port=port)

    threading.Thread(target=run, daemon=True).start()


def main():
    folder = sys.argv[1]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/server.crt", f"{folder}/server.key")
    context.set_alpn_protocols(["http/1.1"])
    threading.Thread(target=resolve, args=(folder,), daemon=True).start()
    for port in PORTS:
        listen(folder, context, port)
    for port in DATAGRAM_PORTS:
        listen_datagrams(folder, port)
    note(folder, ready=True)
    with open(f"{folder}/ready", "w", encoding="utf-8"):
        pass
    threading.Event().wait()


if __name__ == "__main__":
    os.umask(0o022)
    main()

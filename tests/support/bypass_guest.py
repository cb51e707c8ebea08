# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside a sandbox: makes every attempt of a list and says what came back. It judges nothing.

    usage: bypass_guest.py ATTEMPTS.json     prints a JSON object: name -> {outcome, reason, text, seconds}

What an attempt does, in this order: `lookup` or `udp`, or a connection (`to`, `address` or the proxy), bytes before TLS, TLS (a real
handshake, or a hello made by hand), bytes. Outcomes: reached (the upstream's words came), hello (a ServerHello came), ready (a server's own
first words), denied (x-deny-reason), status (another refusal in HTTP), closed, silent, answer, nodata, nxdomain, unresolved.
"""

import concurrent.futures
import json
import os
import re
import socket
import ssl
import struct
import sys
import time

PROXY = ("100.64.0.1", 3128)
WAIT_SECONDS = 4
AT_ONCE = 6
EACH_SECONDS = 0.05  # the log tells 32 kinds of refusals apart in a second


def vector(body, size):
    return len(body).to_bytes(size, "big") + body


def extension(kind, body):
    return struct.pack(">H", kind) + vector(body, 2)


def hello(marker, wish):
    """A ClientHello by hand: what no TLS library sends."""
    marker = marker.encode().ljust(32, b"-")[:32]
    parts = []
    if wish.get("grease"):
        parts.append(extension(0x1a1a, b""))
    for names in wish.get("sni", []):
        entries = names if isinstance(names, list) else [names]
        kind = wish.get("sni_type", 0)
        parts.append(extension(0, vector(b"".join(bytes([kind]) + vector(each.encode("latin-1"), 2) for each in entries), 2)))
    group, share = 29, os.urandom(32)
    groups = [group, 23] + ([0x11ec] if wish.get("post_quantum") else []) + ([0x2a2a] if wish.get("grease") else [])
    parts += [extension(10, vector(b"".join(struct.pack(">H", each) for each in groups), 2)),
              extension(13, vector(struct.pack(">HHH", 0x0403, 0x0804, 0x0401), 2))]
    shares = struct.pack(">H", group) + vector(share, 2)
    if wish.get("post_quantum"):
        shares = struct.pack(">H", 0x11ec) + vector(os.urandom(1216), 2) + shares
    if wish.get("grease"):
        shares = struct.pack(">H", 0x2a2a) + vector(b"\0", 2) + shares
    parts.append(extension(51, vector(shares, 2)))
    if wish.get("versions", [0x0304, 0x0303]):
        listed = ([0x3a3a] if wish.get("grease") else []) + wish.get("versions", [0x0304, 0x0303])
        parts.append(extension(43, vector(b"".join(struct.pack(">H", each) for each in listed), 1)))
    if wish.get("alpn"):
        parts.append(extension(16, vector(b"".join(vector(each.encode("latin-1"), 1) for each in wish["alpn"]), 2)))
    if wish.get("ech"):
        parts.append(extension(wish["ech"], b"\0\0\1\0\1\x07" + vector(os.urandom(32), 2) + vector(os.urandom(208), 2)))
    if wish.get("early_data"):
        parts += [extension(45, b"\1\1"), extension(42, b"")]
        parts.append(extension(41, vector(vector(b"ticket", 2) + b"\0\0\0\0", 2) + vector(vector(os.urandom(32), 1), 2)))
    for kind, body in wish.get("extra", []):
        parts.append(extension(kind, body.encode("latin-1")))
    if wish.get("pad"):
        parts.insert(0, extension(21, bytes(wish["pad"])))
    suites = (b"\x1a\x1a" if wish.get("grease") else b"") + b"\x13\x01\x13\x02\xc0\x2b\xc0\x2f"
    body = struct.pack(">H", wish.get("legacy", 0x0303)) + os.urandom(32) + vector(marker, 1) + vector(suites, 2)
    body += vector(bytes.fromhex(wish.get("compression", "00")), 1)
    if not wish.get("no_extensions"):
        body += vector(b"".join(parts), 2)
    return records(b"\1" + vector(body, 3) + wish.get("trailing", "").encode("latin-1"), wish)


def records(message, wish):
    size = wish.get("split_records", 16384)
    if wish.get("ssl2"):
        return b"\x80\x2e\1\0\2" + message[6:50]
    pieces = [message[at:at + size] for at in range(0, len(message), size)]
    made = b"".join(b"\x16\3" + bytes([wish.get("record_minor", 1)]) + vector(each, 2) for each in pieces)
    return made + wish.get("after", "").encode("latin-1")


def send_pieces(sock, data, size):
    for at in range(0, len(data), size or max(len(data), 1)):
        sock.sendall(data[at:at + (size or len(data))])
        if size:
            time.sleep(0.01)


def http2(requests):
    """Preface, settings, and each (path, authority) as one HEADERS frame: GET and https from the static table, the rest as literals."""
    made = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    for number, (path, authority) in enumerate(requests):
        block = b"\x82\x87\x04" + vector(path.encode("latin-1"), 1) + b"\x01" + vector(authority.encode("latin-1"), 1)
        made += len(block).to_bytes(3, "big") + b"\1\5" + struct.pack(">I", 2 * number + 1) + block
    return made


class Tls:
    """A real client whose first flight can be cut into records and segments of any size."""

    @staticmethod
    def context_of(wish):
        context = ssl.create_default_context() if wish.get("verify") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if not wish.get("verify"):
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if wish.get("alpn"):
            context.set_alpn_protocols(wish["alpn"])
        if wish.get("max"):
            context.maximum_version = ssl.TLSVersion[wish["max"]]
            context.minimum_version = ssl.TLSVersion[wish.get("min", "MINIMUM_SUPPORTED")]
            context.set_ciphers("ALL:@SECLEVEL=0")
        return context

    def __init__(self, sock, wish, context):
        self.incoming, self.outgoing, self.sock = ssl.MemoryBIO(), ssl.MemoryBIO(), sock
        self.session = context.wrap_bio(self.incoming, self.outgoing, server_hostname=wish.get("sni") or None)
        self.wish, self.first = wish, True

    def flush(self):
        data = self.outgoing.read()
        if not data:
            return
        if self.first and self.wish.get("split_records"):
            size, body = self.wish["split_records"], data[5:]
            data = b"".join(data[:3] + vector(body[at:at + size], 2) for at in range(0, len(body), size))
        send_pieces(self.sock, data, self.wish.get("split_segments") if self.first else 0)
        self.first = False

    def step(self, call):
        while True:
            try:
                done = call()
                self.flush()
                return done
            except ssl.SSLWantReadError:
                self.flush()
                data = self.sock.recv(65536)
                if not data:
                    raise ConnectionError("closed") from None
                self.incoming.write(data)

    def handshake(self):
        self.step(self.session.do_handshake)

    def sendall(self, data):
        self.session.write(data)
        self.flush()

    def recv(self, size):
        try:
            return self.step(lambda: self.session.read(size))
        except (ConnectionError, ssl.SSLError):
            return b""


def read_all(sock, seconds):
    data, end = b"", time.monotonic() + seconds
    while time.monotonic() < end and len(data) < 200000:
        try:
            more = sock.recv(65536)
        except TimeoutError:
            return data, "silent"
        except OSError:
            return data, "closed"
        if not more:
            return data, "closed"
        data += more
        if b"upstream-reached" in data and data.endswith(b"\n"):
            seconds, end = 0.5, min(end, time.monotonic() + 0.5)
    return data, "silent"


def judge(data, otherwise):
    text = data.decode("latin-1")
    reason = re.findall(r"(?i)x-deny-reason: (\w+)", text)
    if "upstream-reached" in text:
        return "reached", ",".join(reason), text
    if reason:
        return "denied", reason[0], text
    if text.startswith("220 ready"):
        return "ready", "", text
    if data[:1] == b"\x16" and data[5:6] == b"\2":
        return "hello", "", ""
    found = re.match(r"HTTP/1\.[01] (\d+)", text)
    return ("status", found.group(1), text) if found else (otherwise, "", text)


def ask(name, kind):
    question = b"".join(vector(each.encode("latin-1"), 1) for each in name.split(".") if each) + b"\0" + struct.pack(">HH", kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(3)
        sock.connect(("100.64.0.1", 53))
        sock.send(b"\0\7\1\0\0\1\0\0\0\0\0\0" + question)
        try:
            reply = sock.recv(4096)
        except OSError:
            return "silent", "", ""
    code, count = reply[3] & 15, struct.unpack(">H", reply[6:8])[0]
    return {0: "answer" if count else "nodata", 3: "nxdomain"}.get(code, f"rcode {code}"), "", reply.hex()


def datagram(where):
    host, port = where.rsplit(":", 1)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.5)
        try:
            sock.connect((host.strip("[]"), int(port)))
            sock.send(b"datagram")
            return "reached", "", sock.recv(100).decode("latin-1")
        except OSError:
            return "closed", "", ""


def connection(attempt):
    if "proxy" in attempt:
        sock = socket.create_connection(PROXY, WAIT_SECONDS)
        sock.sendall(attempt["proxy"].encode("latin-1"))
        if attempt.get("tunnel"):
            got = b""
            while b"\r\n\r\n" not in got and (more := sock.recv(4096)):
                got += more
            if b" 200 " not in got[:20]:
                return sock, got
        return sock, None
    host, port = attempt["to"].rsplit(":", 1)
    host = host.strip("[]")
    if attempt.get("sockaddr"):  # as bytes, past every reading of text
        sock = socket.socket(socket.AF_INET6)
        sock.settimeout(WAIT_SECONDS)
        sock.connect((host, int(port), 0, attempt["sockaddr"]))
        return sock, None
    return socket.create_connection((host, int(port)), WAIT_SECONDS), None


def converse(attempt):
    # Made before the connection: one that is silent for 200 ms is taken for one on which the server speaks first.
    context = Tls.context_of(attempt["tls"]) if "tls" in attempt else None
    first = hello(attempt["marker"], attempt["hello"]) if "hello" in attempt else b""
    try:
        sock, early = connection(attempt)
    except (socket.gaierror, UnicodeError):
        return "unresolved", "", ""
    except OSError as error:
        return "closed", "", str(error)
    with sock:
        if early is not None:
            return judge(early, "closed")
        wait = attempt.get("wait", WAIT_SECONDS)
        sock.settimeout(wait)
        stream = sock
        try:
            if attempt.get("before"):
                sock.sendall(attempt["before"].encode("latin-1"))
            if "hello" in attempt:
                send_pieces(sock, first, attempt["hello"].get("split_segments"))
            if "tls" in attempt:
                stream = Tls(sock, attempt["tls"], context)
                stream.handshake()
            if "h2" in attempt:
                stream.sendall(http2(attempt["h2"]))
            for each in attempt.get("send", []):
                stream.sendall(each.encode("latin-1"))
                time.sleep(attempt.get("pause", 0))
            if attempt.get("half"):
                sock.shutdown(socket.SHUT_WR)
        except (OSError, ValueError, UnicodeError) as error:
            # What was answered before it was cut may still be there to read.
            try:
                data, _ = read_all(stream, 1)
            except (OSError, ValueError):
                data = b""
            outcome, reason, text = judge(data, "closed")
            return outcome, reason, text or type(error).__name__ + str(error)
        data, otherwise = read_all(stream, wait)
        return judge(data, otherwise)


def make(attempt):
    began, shown = time.monotonic(), False
    try:
        if "lookup" in attempt:
            outcome, reason, text = ask(attempt["lookup"], attempt.get("kind", 1))
        elif "udp" in attempt:
            outcome, reason, text = datagram(attempt["udp"])
        else:
            outcome, reason, text = converse(attempt)
            shown = bool(attempt.get("hidden")) and attempt["hidden"] in text
    except Exception as error:  # an attempt that cannot even be made is told, and the others go on
        outcome, reason, text = "broken", "", repr(error)
    return attempt["name"], {"outcome": outcome, "reason": reason, "text": text[:80], "shown": shown, "seconds": round(time.monotonic() - began, 2)}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        attempts = json.load(file)
    results = {}
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        begun = []
        for each in attempts:
            if not each.get("alone"):
                begun.append(pool.submit(make, each))
                time.sleep(EACH_SECONDS)
        for each in begun:
            name, result = each.result()
            results[name] = result
    for each in attempts:
        if each.get("alone"):
            name, result = make(each)
            results[name] = result
    print(json.dumps(results))


if __name__ == "__main__":
    main()

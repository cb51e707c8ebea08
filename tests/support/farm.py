# SPDX-License-Identifier: GPL-3.0-or-later
"""A farm of TLS servers that are set up wrongly, each under a name of its own below farm.example, and some that are right. Run inside a world.

    usage: farm.py FOLDER     makes FOLDER/farm (authorities, certificates), serves, writes FOLDER/seen (a line for each request) and FOLDER/ready

Certificates are chosen by SNI on port 443 (Python's ssl); what a whole server is set up for has a port of its own (openssl s_server).
"""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading

ADDRESS = "93.184.216.34"
SERVER = "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth\n"
AUTHORITY = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n"
# name -> (subject's CN, extensions, what differs). `{n}` is the full name.
LEAVES = {
    "good": ("x", SERVER + "subjectAltName=DNS:{n}", {}),
    "good-wildcard": ("x", SERVER + "subjectAltName=DNS:*.farm.example", {}),
    "good-rsa": ("x", SERVER + "subjectAltName=DNS:{n}", {"key": "rsa:2048"}),
    "good-intermediate": ("x", SERVER + "subjectAltName=DNS:{n}", {"by": "middle", "chain": ["middle"]}),
    "good-constrained": ("x", SERVER + "subjectAltName=DNS:{n}", {"by": "constrained-good", "chain": ["constrained-good"]}),
    "expired": ("x", SERVER + "subjectAltName=DNS:{n}", {"from": "20200101000000Z", "to": "20210101000000Z"}),
    "early": ("x", SERVER + "subjectAltName=DNS:{n}", {"from": "20400101000000Z", "to": "20410101000000Z"}),
    "other-name": ("x", SERVER + "subjectAltName=DNS:other.example", {}),
    "parent-name": ("x", SERVER + "subjectAltName=DNS:farm.example", {}),
    "common-name": ("{n}", SERVER, {}),
    "common-name-beside": ("{n}", SERVER + "subjectAltName=DNS:other.example", {}),
    "partial": ("x", SERVER + "subjectAltName=DNS:p*.farm.example", {}),
    "partial-end": ("x", SERVER + "subjectAltName=DNS:*-end.farm.example", {}),
    "deep.label": ("x", SERVER + "subjectAltName=DNS:*.farm.example", {}),
    "bare-wildcard": ("x", SERVER + "subjectAltName=DNS:*", {}),
    "double-wildcard": ("x", SERVER + "subjectAltName=DNS:*.*.example", {}),
    "address-name": ("x", SERVER + "subjectAltName=IP:93.184.216.34", {}),
    "self-signed": ("x", SERVER + "subjectAltName=DNS:{n}", {"by": ""}),
    "stranger": ("x", SERVER + "subjectAltName=DNS:{n}", {"by": "unknown"}),
    "no-intermediate": ("x", SERVER + "subjectAltName=DNS:{n}", {"by": "middle"}),
    "by-leaf": ("x", SERVER + "subjectAltName=DNS:{n}", {"by": "no-authority", "chain": ["no-authority"]}),
    "outside-constraint": ("x", SERVER + "subjectAltName=DNS:{n}", {"by": "constrained", "chain": ["constrained"]}),
    "for-clients": ("x", SERVER.replace("serverAuth", "clientAuth") + "subjectAltName=DNS:{n}", {}),
    "short-rsa": ("x", SERVER + "subjectAltName=DNS:{n}", {"key": "rsa:1024"}),
    "sha1": ("x", SERVER + "subjectAltName=DNS:{n}", {"digest": "sha1"}),
    "sha1-intermediate": ("x", SERVER + "subjectAltName=DNS:{n}", {"by": "middle-sha1", "chain": ["middle-sha1"]}),
}
AUTHORITIES = {
    "unknown": ("", AUTHORITY, {"by": ""}),
    "middle": ("", AUTHORITY, {}),
    "middle-sha1": ("", AUTHORITY, {"digest": "sha1"}),
    "no-authority": ("", SERVER, {}),
    "constrained": ("", AUTHORITY + "nameConstraints=critical,permitted;DNS:elsewhere.example\n", {}),
    "constrained-good": ("", AUTHORITY + "nameConstraints=critical,permitted;DNS:farm.example\n", {}),
}
# What is wrong with a whole server: port and words for s_server.
SERVERS = {4401: ["-tls1"], 4402: ["-tls1_1"], 4403: ["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"],
           4404: ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"], 4405: ["-Verify", "1"], 4406: ["-tls1_2"], 4407: ["-tls1_3"]}


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Maker:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder)
        self.write("index", "")
        self.write("index.attr", "unique_subject = no\n")
        self.write("ca.conf", f"[ca]\ndefault_ca=c\n[c]\ndatabase={folder}/index\nrand_serial=yes\nnew_certs_dir={folder}\npolicy=p\n"
                              "default_md=sha256\n[p]\ncommonName=supplied\n[req]\ndistinguished_name=d\n[d]\n")

    def write(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="ascii") as file:
            file.write(text)

    def make(self, name, subject, extensions, wish):
        base = f"{self.folder}/{name}"
        key = ["rsa:" + wish["key"][4:]] if "key" in wish else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("req", "-new", "-config", f"{self.folder}/ca.conf", "-newkey", *key, "-nodes", "-subj", f"/CN={subject}", "-keyout", f"{base}.key",
                "-out", f"{base}.csr")
        self.write(f"{name}.ext", extensions + "\n")
        by = wish.get("by", "root")
        signer = ["-selfsign", "-keyfile", f"{base}.key"] if not by else ["-cert", f"{self.folder}/{by}.crt", "-keyfile", f"{self.folder}/{by}.key"]
        openssl("ca", "-batch", "-notext", "-config", f"{self.folder}/ca.conf", *signer, "-md", wish.get("digest", "sha256"), "-extfile",
                f"{base}.ext", "-startdate", wish.get("from", "20240101000000Z"), "-enddate", wish.get("to", "20390101000000Z"), "-in", f"{base}.csr",
                "-out", f"{base}.crt")
        chain = ""
        for each in [name, *wish.get("chain", [])]:
            with open(f"{self.folder}/{each}.crt", encoding="ascii") as file:
                chain += file.read()
        self.write(f"{name}.pem", chain)


def make_all(folder):
    maker = Maker(folder)
    maker.make("root", "farm root", AUTHORITY, {"by": ""})
    for name, (_, extensions, wish) in AUTHORITIES.items():
        maker.make(name, name, extensions, wish)
    for name, (subject, extensions, wish) in LEAVES.items():
        full = f"{name}.farm.example"
        maker.make(name, subject.format(n=full), extensions.format(n=full), wish)


def serve_one(folder, context, plain):
    try:
        plain.settimeout(10)
        with context.wrap_socket(plain, server_side=True) as sock:
            head = sock.recv(65536)
            with open(f"{folder}/seen", "a", encoding="utf-8") as file:
                file.write(json.dumps({"kind": "request", "head": head.decode("latin-1")}) + "\n")
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\nhello from farm")
    except (OSError, ssl.SSLError):
        pass


def main():
    folder = sys.argv[1]
    farm = f"{folder}/farm"
    make_all(farm)
    contexts = {}
    for name in LEAVES:
        context = contexts[f"{name}.farm.example"] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # a short key is what it is there for
        context.load_cert_chain(f"{farm}/{name}.pem", f"{farm}/{name}.key")
    first = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    first.set_ciphers("DEFAULT:@SECLEVEL=0")
    first.load_cert_chain(f"{farm}/good.pem", f"{farm}/good.key")

    def choose(sock, name, _):
        if name in contexts:
            sock.context = contexts[name]

    first.sni_callback = choose
    for port, words in SERVERS.items():
        subprocess.Popen(["openssl", "s_server", "-quiet", "-www", "-accept", f"{ADDRESS}:{port}", "-cert", f"{farm}/good-wildcard.pem", "-key",
                          f"{farm}/good-wildcard.key", *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server = socket.create_server((ADDRESS, 443), backlog=64)
    with open(f"{folder}/seen", "w", encoding="utf-8"), open(f"{folder}/ready", "w", encoding="utf-8"):
        pass
    while True:
        plain, _ = server.accept()
        threading.Thread(target=serve_one, args=(folder, first, plain), daemon=True).start()


if __name__ == "__main__":
    main()

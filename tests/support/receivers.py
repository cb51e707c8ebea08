# SPDX-License-Identifier: GPL-3.0-or-later
"""Who the record is copied to: rsyslog of Debian's with mutual TLS, an HTTPS server, and some that nobody would want. Run inside a world.

Below `if __name__` are the latter: MODE ADDRESS PORT FOLDER. `mute` takes connections and nothing else; `endless` answers a head that has no end.
"""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading

from support import webhook_receiver
from support.appliance import wait_until
from support.mutual_tls import SUBJECT, openssl

HERE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RSYSLOG = """global(workDirectory="/data" maxMessageSize="64k" defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="/data/clients.crt"
  defaultNetstreamDriverCertFile="/data/hook.crt" defaultNetstreamDriverKeyFile="/data/hook.key")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/name" permittedPeer=["{subject}"])
template(name="raw" type="string" string="%rawmsg%\\n")
input(type="imtcp" address="{address}" port="{port}")
action(type="omfile" file="/data/received" template="raw")
"""


def programs():
    return subprocess.run([os.path.join(HERE, "scripts/toolchain/receivers")], check=True, capture_output=True, text=True).stdout.strip()


class Receiver:
    """In a folder of its own, with a certificate of its own, which nothing else vouches for."""

    def __init__(self, world, name, address, port, clients=None):
        self.world, self.address, self.port, self.clients, self.process = world, address, port, clients, None
        self.folder = os.path.join(world.folder, name)
        os.mkdir(self.folder)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
                f"subjectAltName=IP:{address}", "-keyout", f"{self.folder}/hook.key", "-out", f"{self.folder}/hook.crt")
        with open(f"{self.folder}/hook.crt", encoding="ascii") as file:
            self.certificate = file.read()
        if clients:
            shutil.copy(clients, f"{self.folder}/clients.crt")
        self.prepare()
        self.start()

    def prepare(self):
        pass

    def start(self):
        self.world.spawn(self.words())
        self.process = self.world.children[-1]
        assert wait_until(self.listens, 30), "a receiver does not listen"

    def listens(self):
        done = subprocess.run(["nsenter", f"--net=/run/netns/{self.world.space}", "ss", "-Hltn", f"sport = :{self.port}"], capture_output=True, text=True, check=True)
        return bool(done.stdout.strip())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert wait_until(lambda: not self.listens(), 10)


class Syslog(Receiver):
    def prepare(self):
        with open(f"{self.folder}/rsyslog.conf", "w", encoding="ascii") as file:
            file.write(RSYSLOG.format(subject=SUBJECT, address=self.address, port=self.port))

    def words(self):
        return ["bwrap", "--ro-bind", programs(), "/", "--bind", self.folder, "/data", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/run",
                "--die-with-parent", "--clearenv", "/usr/sbin/rsyslogd", "-n", "-i", "NONE", "-f", "/data/rsyslog.conf"]

    def messages(self):
        try:
            with open(f"{self.folder}/received", encoding="utf-8") as file:
                return [line for line in file.read().split("\n") if line]
        except FileNotFoundError:
            return []


class Web(Receiver):
    """A program that is told what to answer, and tells what it was asked."""

    program = webhook_receiver.__file__

    def words(self):
        ca = [f"{self.folder}/clients.crt"] if self.clients else []
        return [sys.executable, "-B", os.path.abspath(self.program), self.folder, self.address, str(self.port), *ca]

    def answers(self, words):
        with open(f"{self.folder}/answers", "w", encoding="ascii") as file:
            file.write(words)

    def told(self):
        try:
            with open(f"{self.folder}/told", encoding="utf-8") as file:
                return [json.loads(line) for line in file]
        except FileNotFoundError:
            return []


class Hostile(Receiver):
    def __init__(self, world, mode, address, port):
        self.mode = mode
        super().__init__(world, mode, address, port)

    def words(self):
        return [sys.executable, "-B", os.path.abspath(__file__), self.mode, self.address, str(self.port), self.folder]


def endless(connection, folder):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/hook.crt", f"{folder}/hook.key")
    try:
        with context.wrap_socket(connection, server_side=True) as stream:
            stream.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                stream.sendall(b"X-More: and more\r\n" * 64)
    except OSError:
        pass


def serve(mode, address, port, folder):
    kept = []
    with socket.create_server((address, int(port))) as server:
        while True:
            connection, _ = server.accept()
            kept.append(connection)  # a mute one is neither read nor closed
            if mode == "endless":
                threading.Thread(target=endless, args=(connection, folder), daemon=True).start()


if __name__ == "__main__":
    serve(*sys.argv[1:])

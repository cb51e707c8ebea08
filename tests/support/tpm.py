# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulated TPM (swtpm) behind a socket, with everything that goes over its wire kept."""

import functools
import os
import socket
import subprocess
import tempfile
import threading

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


@functools.cache
def program():
    made = subprocess.run([os.path.join(ROOT, "scripts", "toolchain", "swtpm")], capture_output=True, text=True, check=True)
    return made.stdout.strip()


class Tpm:
    """Listens on `path`; each connection is one start of the emulator on the same state, as after a reset."""

    def __init__(self, change=None):
        self.folder = tempfile.TemporaryDirectory(prefix="ocu-tpm.", dir="/var/tmp")
        self.path = os.path.join(self.folder.name, "socket")
        self.memory = os.path.join(self.folder.name, "memory")
        self.change = change  # given (direction, bytes), what is passed on instead
        self.wire = []        # (direction, bytes)
        self.connections = 0
        self.turn = threading.Lock()  # held while an emulator runs: its memory is its own for as long
        self.listener = socket.socket(socket.AF_UNIX)
        os.mkdir(self.memory)
        self.listener.bind(self.path)
        self.listener.listen()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                guest, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with guest, self.turn:
                self._connect(guest)

    def _connect(self, guest):
        ours, theirs = socket.socketpair()
        with ours:
            emulator = subprocess.Popen(
                [program(), "socket", "--tpm2", "--tpmstate", f"dir={self.memory}", "--fd", str(theirs.fileno()), "--terminate",
                 "--flags", "not-need-init,startup-clear"], pass_fds=[theirs.fileno()], stderr=subprocess.DEVNULL)
            theirs.close()
            back = threading.Thread(target=self._pump, args=(ours, guest, "from"), daemon=True)
            back.start()
            self._pump(guest, ours, "to")
            ours.shutdown(socket.SHUT_WR)
            emulator.wait(10)
            back.join(10)

    def _pump(self, source, to, direction):
        while True:
            try:
                data = source.recv(4096)
                self.wire.append((direction, data))
                if not data:
                    return
                to.sendall(self.change(direction, data) if self.change else data)
            except OSError:
                return

    def heard(self):
        """What a listener on the bus has, each direction in one piece."""
        return [b"".join(data for way, data in self.wire if way == each) for each in ("to", "from")]

    def clear(self):
        """As the firmware does: a new seed, and with it another storage key."""
        with self.turn:
            for each in os.listdir(self.memory):
                os.unlink(os.path.join(self.memory, each))

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
        self.thread.join(20)
        self.listener.close()
        self.folder.cleanup()

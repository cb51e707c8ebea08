# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the console as a person sees it: the real helper on a pseudo terminal, read by a terminal emulator that nobody here wrote.

usage: console_pictures.py PROGRAM FOLDER      PROGRAM: a built ocu-appliance, run as root. Needs python3-pyte, python3-pil, fonts-dejavu-core.
"""

import array
import fcntl
import os
import pty
import select
import signal
import socket
import struct
import sys
import termios
import time
import tty

import pyte
from PIL import Image, ImageDraw, ImageFont

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"
CELL = (9, 18)
# The Linux console's own sixteen.
PALETTE = {"black": "000000", "red": "aa0000", "green": "00aa00", "brown": "aa5500", "blue": "0000aa", "magenta": "aa00aa", "cyan": "00aaaa",
           "white": "aaaaaa", "brightblack": "555555", "brightred": "ff5555", "brightgreen": "55ff55", "brightbrown": "ffff55",
           "brightyellow": "ffff55", "brightblue": "5555ff", "brightmagenta": "ff55ff", "brightcyan": "55ffff", "brightwhite": "ffffff"}
CONFIGURE, STATE, LINE, QUESTION = 0xFF01, 0x0300, 0x0301, 0x0302
STARTING, WAITING, APPLYING, SERVING, FAILED, STOPPING = range(6)

TEXT_FIELDS = ("name", "version", "profile", "tier", "mcp_url", "files_url", "fingerprint")
SERVING_STATE = {
    "phase": SERVING, "name": "plant-7", "version": "0.1.0", "profile": "internal_workforce", "tier": "gvisor",
    "mcp_url": "https://192.0.2.7:8443/mcp", "files_url": "https://192.0.2.7:8444/",
    "fingerprint": "3F:A9:02:5C:77:E1:4B:D0:96:8A:1E:35:C4:F2:60:BD:08:5B:E7:91:2A:4D:CC:13:F0:6E:89:37:A2:54:DB:10",
    "serial": 12, "digest": "9c1185a5c5e9fc54612808977ee8f548b2258d31d7f0e1b6b2f1a6f5b2c3d4e5",
    "note": "applied from the stick, unchanged since", "trust": "key built into the image RWQf6LRCGA9i53ml",
    "clock_source": "network time, 2 of 2 servers agree", "clock_trouble": "", "state_kept": "on disk, encrypted", "secure_boot": "on",
    "time": 1795655239, "uptime": 11520, "sessions": 3, "helpers_up": 11, "helpers": 11, "frozen": False,
    "interfaces": [("service", "service", "eth0", True, "192.0.2.7/24", ""),
                   ("operator", "operator", "eth1", True, "198.51.100.7/24", "")],
    "warnings": [],
}
WAITING_STATE = {**SERVING_STATE, "phase": WAITING, "name": "", "profile": "", "tier": "", "mcp_url": "", "files_url": "", "fingerprint": "", "serial": 0,
                 "digest": "", "note": "waiting for a stick labelled OCU-MANIFEST", "trust": "", "clock_source": "this machine's own clock",
                 "clock_trouble": "not checked against any other clock", "state_kept": "in memory only: gone at power-off", "secure_boot": "OFF: turn it on in the firmware",
                 "uptime": 38, "sessions": 0, "helpers_up": 0, "helpers": 0, "interfaces": [],
                 "warnings": ["Secure Boot is off: nothing proves that this machine runs what was signed. See firmware-notes.",
                              "State is kept in memory only and is gone at power-off."]}


def text(value):
    data = value.encode()
    return struct.pack("<I", len(data)) + data


def state_body(state):
    body = struct.pack("<B", state["phase"]) + b"".join(text(state[each]) for each in TEXT_FIELDS)
    body += struct.pack("<Q", state["serial"]) + text(state["digest"]) + text(state["note"]) + text(state["trust"])
    body += text(state["clock_source"]) + text(state["clock_trouble"]) + text(state["state_kept"]) + text(state["secure_boot"])
    body += struct.pack("<qQIII?", state["time"], state["uptime"], state["sessions"], state["helpers_up"], state["helpers"], state["frozen"])
    body += struct.pack("<I", len(state["interfaces"]))
    for name, role, device, carrier, addresses, trouble in state["interfaces"]:
        body += text(name) + text(role) + text(device) + struct.pack("<?", carrier) + text(addresses) + text(trouble)
    return body + struct.pack("<I", len(state["warnings"])) + b"".join(text(each) for each in state["warnings"])


class Console:
    def __init__(self, program, rows=25, columns=80, kind=0, colours=True):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.master, terminal = pty.openpty()
        tty.setraw(terminal)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.set_blocking(terminal, False)
        self.link, theirs = socket.socketpair()
        self.pid = os.posix_spawn(program, ["ocu-appliance", "helper", "screen"], {}, file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), 3)])
        theirs.close()
        self.send(CONFIGURE, struct.pack("<B?HH", kind, colours, rows, columns), [terminal])
        os.close(terminal)
        self.link.recv(8, socket.MSG_WAITALL)  # ready

    def send(self, kind, body, descriptors=()):
        frame = struct.pack("<IHH", len(body), kind, len(descriptors)) + body
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        self.link.sendmsg([frame], rights)

    def look(self, seconds=0.6):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if select.select([self.master], [], [], 0.05)[0]:
                self.stream.feed(os.read(self.master, 65536))

    def type(self, keys):
        os.write(self.master, keys)
        self.look()

    def picture(self, path):
        width, height = CELL
        image = Image.new("RGB", (self.screen.columns * width, self.screen.lines * height), "#000000")
        pen, font = ImageDraw.Draw(image), ImageFont.truetype(FONT, 15)
        for row in range(self.screen.lines):
            for column in range(self.screen.columns):
                cell = self.screen.buffer[row][column]
                ink = PALETTE.get(cell.fg, PALETTE["white"])
                ground = PALETTE.get(cell.bg, PALETTE["black"])
                if cell.bold and cell.fg in PALETTE and not cell.fg.startswith("bright"):
                    ink = PALETTE["bright" + cell.fg]
                if cell.reverse:
                    ink, ground = ground, ink
                x, y = column * width, row * height
                pen.rectangle((x, y, x + width - 1, y + height - 1), fill="#" + ground)
                if cell.data.strip():
                    pen.text((x, y), cell.data, fill="#" + ink, font=font)
        image.quantize(32).save(path, optimize=True)
        print(path, os.path.getsize(path), flush=True)

    def end(self):
        self.link.close()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.master)


def question():
    lines = ["A stick brings a manifest that is signed with a key this machine does not know:", "", "    RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3", "",
             "Compare it, character by character, with the one you were given by another way. If it is the same, answer yes: from then on only manifests "
             "signed with this key are taken.", "", "If it is not, answer no and keep the stick for whoever investigates."]
    return struct.pack("<I", 1) + text("Is this the key of your organisation?") + text("\n".join(lines))


def main():
    program, folder = sys.argv[1:3]
    os.makedirs(folder, exist_ok=True)
    for name, state, steps in (
            ("console-serving", SERVING_STATE, ()),
            ("console-first-boot", WAITING_STATE, ()),
            ("console-question", WAITING_STATE, ("question",))):
        console = Console(program)
        console.send(STATE, state_body(state))
        if "question" in steps:
            console.send(QUESTION, question())
        console.look(1)
        console.picture(f"{folder}/{name}.png")
        console.end()
    if len(sys.argv) > 3:  # more, to look at
        more(program, folder)


def more(program, folder):
    for name, rows, columns, kind, colours, keys in (("network", 25, 80, 0, True, b"2"), ("log", 25, 80, 0, True, b"3"), ("help", 25, 80, 0, True, b"4"),
                                                     ("shutdown", 25, 80, 0, True, b"sye"), ("wide", 40, 120, 0, True, b""), ("plain", 24, 80, 1, False, b"\r"),
                                                     ("small", 12, 40, 0, True, b"")):
        console = Console(program, rows, columns, kind, colours)
        console.send(STATE, state_body({**SERVING_STATE, "warnings": ["Helper edge ended and is started again; its zone is closed until it is back."]}))
        for i in range(30):
            console.send(LINE, text(f"session s-{i:016x} was started for caller plant-agent") + b"\0")
        console.look(1)
        if keys:
            console.type(keys)
        console.picture(f"{folder}/{name}.png")
        console.end()


if __name__ == "__main__":
    main()

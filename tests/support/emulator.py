# SPDX-License-Identifier: GPL-3.0-or-later
"""A real machine, emulated: UEFI firmware with Secure Boot and the deployment's keys, the image as optical drive or stick, manifest
sticks that can be plugged in and pulled out, a serial line, a screen. Runs QEMU from the Debian 13 tools root.

OCU_BOOT_TOOLS names that root; scripts/boot-test sets it.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

CODE = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"
ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[()][0-9A-B]|[=>78cDEHM])")


def tools_command(work, *command, bind=()):
    """`command` inside the tools root, with `work` and each of `bind` at their own paths and the host's loopback."""
    root = os.environ.get("OCU_BOOT_TOOLS")
    if not root:
        raise SystemExit("OCU_BOOT_TOOLS is not set: start these tests with scripts/boot-test or scripts/test --only boot")
    words = ["bwrap", "--ro-bind", root, "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/var/tmp", "--tmpfs", "/mnt", "--die-with-parent"]
    for folder in (work, *bind):
        words += ["--bind", folder, inside(folder)]
    return [*words, "--clearenv", "--setenv", "PATH", "/usr/bin:/usr/sbin:/bin:/sbin", "--", *command]


def inside(path):
    return "/mnt" + os.path.abspath(path)


def tools(work, *command, data=None):
    done = subprocess.run(tools_command(work, *command), input=data, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.decode(errors='replace')}"
    return done.stdout


class Emulator:
    """One machine. `start()` switches it on; `stop()` pulls the plug and removes what it left."""

    def __init__(self, image, variables, medium="cdrom", card="virtio-net-pci", memory=1536, sticks=(), tpm=False, extra=(), namespace=None, clock="utc"):
        """`namespace`: a network namespace of the test's own (`ip netns`), whose loopback is then the machine's neighbour 10.0.2.2; without
        one the machine reaches nobody. `clock`: what its hardware clock says when it is switched on."""
        self.folder = tempfile.mkdtemp(prefix="ocu-boot.", dir="/var/tmp")
        self.image, self.medium, self.card, self.memory = image, medium, card, memory
        self.sticks, self.tpm, self.extra, self.namespace, self.clock = list(sticks), tpm, list(extra), namespace, clock
        shutil.copy(variables, f"{self.folder}/vars.fd")
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            two.bind(("127.0.0.1", 0))
            self.port, self.files_port = one.getsockname()[1], two.getsockname()[1]
        self.serial, self.marks, self.process, self.line, self.monitor, self.swtpm = b"", {}, None, None, None, None

    def command(self):
        drive = f"if=none,readonly=on,format=raw,file={inside(self.image)}"
        words = [
            "qemu-system-x86_64", "-machine", "q35,smm=on", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max", "-smp", "2",
            "-m", str(self.memory), "-global", "driver=cfi.pflash01,property=secure,value=on", "-global", "ICH9-LPC.disable_s3=1",
            "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={CODE}",
            "-drive", f"if=pflash,format=raw,unit=1,file={inside(self.folder)}/vars.fd",
            "-display", "none", "-vga", "std", "-no-reboot", "-no-user-config", "-nodefaults",
            "-chardev", f"socket,id=line,path={inside(self.folder)}/line,server=on,wait=on", "-serial", "chardev:line",
            "-qmp", f"unix:{inside(self.folder)}/monitor,server=on,wait=off",
            "-netdev", f"user,id=net,restrict={'off' if self.namespace else 'on'},hostfwd=tcp:127.0.0.1:{self.port}-:8443,hostfwd=tcp:127.0.0.1:{self.files_port}-:8444",
            "-device", f"{self.card},netdev=net,mac=52:54:00:0c:0a:01,romfile=", "-device", "virtio-rng-pci", "-device", "qemu-xhci,id=usb",
            "-device", "i6300esb,id=watchdog", "-action", "watchdog=reset", "-rtc", f"base={self.clock}",
        ]
        if self.medium == "cdrom":
            words += ["-drive", drive + ",id=medium,media=cdrom", "-device", "ide-cd,drive=medium,bootindex=0"]
        else:
            words += ["-drive", drive + ",id=medium", "-device", "usb-storage,bus=usb.0,drive=medium,bootindex=0"]
        for number, stick in enumerate(self.sticks):
            words += ["-drive", f"if=none,format=raw,id=stick{number},file={inside(stick)}",
                      "-device", f"usb-storage,bus=usb.0,drive=stick{number},id=plug{number},removable=on"]
        if self.tpm:
            words += ["-chardev", f"socket,id=tpm,path={inside(self.folder)}/tpm.sock", "-tpmdev", "emulator,id=tpm0,chardev=tpm",
                      "-device", "tpm-crb,tpmdev=tpm0"]
        return words + self.extra

    def start(self):
        binds = sorted({os.path.dirname(os.path.abspath(path)) for path in (self.image, *self.sticks)})
        if self.tpm:
            os.mkdir(f"{self.folder}/tpm")
            self.swtpm = subprocess.Popen(tools_command(self.folder, "swtpm", "socket", "--tpm2", "--tpmstate", f"dir={inside(self.folder)}/tpm",
                                                        "--ctrl", f"type=unixio,path={inside(self.folder)}/tpm.sock",
                                                        "--flags", "not-need-init,startup-clear"))
            self.wait_for_file("tpm.sock")
        self.errors = open(f"{self.folder}/errors", "wb")
        where = ["ip", "netns", "exec", self.namespace] if self.namespace else []
        self.process = subprocess.Popen([*where, *tools_command(self.folder, *self.command(), bind=binds)], stdin=subprocess.DEVNULL,
                                        stdout=self.errors, stderr=subprocess.STDOUT)
        self.wait_for_file("line")
        self.line = socket.socket(socket.AF_UNIX)
        self.line.connect(f"{self.folder}/line")
        self.started = time.monotonic()
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def wait_for_file(self, name, seconds=30):
        end = time.monotonic() + seconds
        while not os.path.exists(f"{self.folder}/{name}"):
            if time.monotonic() > end or (self.process and self.process.poll() is not None):
                with open(f"{self.folder}/errors", encoding="utf-8", errors="replace") as file:
                    raise AssertionError(f"the emulator did not start: {file.read()[-2000:]}")
            time.sleep(0.05)

    def _read(self):
        while True:
            try:
                data = self.line.recv(65536)
            except OSError:
                return
            if not data:
                return
            self.serial += data

    # What the machine says

    def text(self):
        return ESCAPES.sub(b"", self.serial).decode(errors="replace").replace("\r", "")

    def elapsed(self):
        return time.monotonic() - self.started

    def wait_for(self, pattern, seconds=240, since=0):
        """The first match of `pattern` in what the serial line said after position `since`; its time is kept in `marks`."""
        end = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.text()[since:], re.M)
            if found:
                self.marks.setdefault(pattern, self.elapsed())
                return found
            if time.monotonic() > end or self.process.poll() is not None:
                # What was said last may still be on its way.
                time.sleep(0.3)
                found = re.search(pattern, self.text()[since:], re.M)
                if found:
                    return found
                raise AssertionError(f"the machine did not say {pattern!r} ({'ended' if self.process.poll() is not None else 'time is over'}):\n"
                                     + self.text()[-3000:])
            time.sleep(0.1)

    def mark(self):
        return len(self.text())

    def type(self, keys):
        self.line.sendall(keys.encode())

    def wait_off(self, seconds=60):
        self.process.wait(seconds)

    # What the outside does to it

    def qmp(self, command, **arguments):
        if not self.monitor:
            self.monitor = socket.socket(socket.AF_UNIX)
            self.monitor.settimeout(20)
            self.monitor.connect(f"{self.folder}/monitor")
            self.replies = self.monitor.makefile("r", encoding="utf-8")
            self.replies.readline()
            self.qmp("qmp_capabilities")
        self.monitor.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            reply = json.loads(self.replies.readline())
            if "error" in reply:
                raise AssertionError(f"{command}: {reply['error']}")
            if "return" in reply:
                return reply["return"]

    def plug_in(self, path, name):
        """A stick image in the emulator's own folder: it is copied there."""
        copy = f"{self.folder}/{name}.img"
        shutil.copy(path, copy)
        self.qmp("blockdev-add", **{"driver": "raw", "node-name": name, "file": {"driver": "file", "filename": inside(copy)}})
        self.qmp("device_add", driver="usb-storage", bus="usb.0", drive=name, id=f"plug-{name}", removable=True)
        return copy

    def pull_out(self, name):
        self.qmp("device_del", id=f"plug-{name}")

    def press_power_button(self):
        self.qmp("system_powerdown")

    def send_keys(self, *names):
        for name in names:
            self.qmp("send-key", keys=[{"type": "qcode", "data": each} for each in name.split("-")])
            time.sleep(0.15)

    def picture(self, path):
        """The screen as PNG."""
        self.qmp("screendump", filename=inside(f"{self.folder}/screen.png"), format="png")
        shutil.copy(f"{self.folder}/screen.png", path)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for each in (self.line, self.monitor):
            if each:
                each.close()
        if self.swtpm:
            self.swtpm.terminate()
            self.swtpm.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

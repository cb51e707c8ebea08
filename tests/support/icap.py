# SPDX-License-Identifier: GPL-3.0-or-later
"""A real ICAP server, c-icap with services of Debian's, for a world: one that leaves things as they are, one that refuses addresses of the web,
one that refuses and changes what an answer says."""

import glob
import os
import signal
import subprocess

from support.appliance import wait_until

PORT = 1344
CONFIG = """PidFile {folder}/icap.pid
CommandsSocket {folder}/icap.ctl
Timeout 30
KeepAliveTimeout 60
StartServers 1
MaxServers 2
ThreadsPerChild 8
Port {address}:{port}
ServerName icap
TmpDir {folder}
MaxMemObject 131072
DebugLevel 1
Pipelining on
ModulesDir {modules}
ServicesDir {modules}
TemplateDir /usr/share/c_icap/templates/
TemplateDefaultLanguage en
LoadMagicFile /etc/c-icap/c-icap.magic
ServerLog {folder}/icap.log
LogFormat line "%im %is %huo %{{Authorization}}>ho"
AccessLog {folder}/icap-access.log line
Service echo srv_echo.so
Service url_check srv_url_check.so
url_check.LookupTableDB closed url hash:{folder}/closed.txt
url_check.Profile default block closed
url_check.Profile default pass ALL
Service content srv_content_filtering.so
srv_content_filtering.MaxBodyData 2M
srv_content_filtering.Match forbidden body /forbidden.words/i score=10
srv_content_filtering.Match rude body /rude/ig score=10 info{{INSTEAD}}=kind
srv_content_filtering.Profile default block score{{forbidden>5}}
srv_content_filtering.Profile default replace score{{rude>5}} replaceInfo=INSTEAD
"""


def shared_memory():
    return set(glob.glob("/dev/shm/c-icap-*"))


def forget_shared_memory(before):
    """What servers that were killed have left."""
    for path in shared_memory() - before:
        os.unlink(path)


class Icap:
    def __init__(self, world, address):
        self.world, self.address = world, address
        self.folder = world.folder
        modules = os.path.dirname(subprocess.run(["sh", "-c", "ls /usr/lib/*/c_icap/srv_echo.so"], check=True, capture_output=True, text=True).stdout.strip())
        with open(f"{self.folder}/closed.txt", "w", encoding="utf-8") as file:
            file.write("api.example/closed: x\n")
        with open(f"{self.folder}/icap.conf", "w", encoding="utf-8") as file:
            file.write(CONFIG.format(folder=self.folder, address=address, port=PORT, modules=modules))
        self.process = None

    def start(self):
        self.world.spawn(["c-icap", "-N", "-f", f"{self.folder}/icap.conf"])
        self.process = self.world.children[-1]
        ask = ["nsenter", f"--net=/run/netns/{self.world.space}", "c-icap-client", "-i", self.address, "-p", str(PORT), "-s", "echo"]
        if not wait_until(lambda: subprocess.run(ask, check=False, capture_output=True).returncode == 0, 20, 0.2):
            raise AssertionError("the ICAP server did not come up")

    def url(self, service):
        return f"icap://{self.address}:{PORT}/{service}"

    def kill(self):
        """All of it at once: its workers are processes below it."""
        below = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], check=False, capture_output=True, text=True).stdout.split()
        self.process.send_signal(signal.SIGKILL)
        for each in below:
            os.kill(int(each), signal.SIGKILL)
        self.process.wait()
        self.world.children.remove(self.process)

    def log(self):
        with open(f"{self.folder}/icap-access.log", encoding="utf-8", errors="replace") as file:
            return file.read()

# SPDX-License-Identifier: GPL-3.0-or-later
"""What each running helper may do, as the kernel shows it (AP-8, SX-4, CU-3, T-14)."""

import os
import socket

from support.case import ApplianceCase

PRIVILEGED = {"launcher"}
HELPER_UID_BASE, HELPER_UID_END = 884_000, 1_000_000


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def descriptors_of(pid):
    found = {}
    for each in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(each)] = os.readlink(f"/proc/{pid}/fd/{each}")
        except OSError:
            continue
    return found


class Confinement(ApplianceCase):
    def setUp(self):
        super().setUp()
        self.client.bash("curl -s -m 5 http://192.0.2.1/; true")  # the edge's process begins with the first packet
        self.helpers = self.appliance.helpers()

    def each(self):
        for name, pids in sorted(self.helpers.items()):
            for pid in pids:
                with self.subTest(helper=name):
                    yield name, pid

    def test_every_kind_runs(self):
        self.assertEqual(set(self.helpers), {"gateway-front", "operator-front", "files-front", "parser", "custody", "launcher", "uplink", "storage-lane",
                                             "audit-writer", "notifier", "broker", "exec", "edge"})

    def test_each_has_a_user_of_its_own(self):
        users = {}
        for name, pid in self.each():
            uids = {int(word) for word in status_of(pid)["Uid"].split()}
            if name in PRIVILEGED:
                continue
            self.assertEqual(len(uids), 1)
            uid = uids.pop()
            self.assertTrue(HELPER_UID_BASE <= uid < HELPER_UID_END, uid)
            self.assertEqual(users.setdefault(uid, pid), pid)
            self.assertEqual(status_of(pid)["Groups"].strip(), "")

    def test_no_capability_and_no_new_privileges(self):
        for name, pid in self.each():
            status = status_of(pid)
            self.assertEqual(status["Seccomp"], "2")
            self.assertEqual(status["NoNewPrivs"], "1")
            if name not in PRIVILEGED:
                for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                    self.assertEqual(int(status[field], 16), 0, field)
            else:
                self.assertNotEqual(int(status["CapEff"], 16), 0x1FFFFFFFFFF)

    def test_no_network_but_what_it_was_given(self):
        own = os.readlink("/proc/self/ns/net")
        for name, pid in self.each():
            if name not in PRIVILEGED | {"uplink", "storage-lane"}:
                self.assertNotEqual(os.readlink(f"/proc/{pid}/ns/net"), own)
                with open(f"/proc/{pid}/net/dev", encoding="utf-8") as file:
                    self.assertEqual([line.split(":")[0].strip() for line in file.readlines()[2:]], ["lo"])

    def test_only_the_descriptors_it_needs(self):
        for name, pid in self.each():
            files = {fd: where for fd, where in descriptors_of(pid).items() if fd > 2 and where.startswith("/")}
            where = " ".join(files.values())
            self.assertNotIn("machine.key", where)
            if name not in {"audit-writer", "launcher", "broker", "custody"}:
                # A file of memory without a name: the roots that the edge verifies against.
                self.assertEqual({w for w in files.values() if not w.startswith(("/dev/null", "/proc", "/memfd:roots"))}, set())
            if name == "audit-writer":
                self.assertTrue(all(self.appliance.audit_dir() in w or w.startswith("/dev/null") for w in files.values()), files)

    def test_no_secret_is_on_a_command_line_or_in_an_environment(self):
        for name, pid in self.each():
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                self.assertNotIn(self.appliance.token.encode(), file.read())
            with open(f"/proc/{pid}/environ", "rb") as file:
                self.assertNotRegex(file.read().decode(errors="replace"), r"(TOKEN|SECRET|PASSWORD|API_?KEY)=")

    def test_custody_is_locked_in_memory(self):
        for name, pid in self.each():
            if name == "custody":
                self.assertNotEqual(status_of(pid)["VmLck"].split()[0], "0")

    def test_nothing_listens_but_the_two_faces(self):
        for port in (self.appliance.port, self.appliance.files_port):
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        mine = {where for _, pid in self.each() for where in descriptors_of(pid).values() if where.startswith("socket:")}
        mine |= {where for where in descriptors_of(self.appliance.pid).values() if where.startswith("socket:")}
        listening = set()
        for table in ("tcp", "tcp6"):
            with open(f"/proc/net/{table}", encoding="utf-8") as file:
                for line in file.readlines()[1:]:
                    words = line.split()
                    if words[3] == "0A" and f"socket:[{words[9]}]" in mine:
                        listening.add(int(words[1].rsplit(":", 1)[1], 16))
        self.assertEqual(listening, {self.appliance.port, self.appliance.files_port})

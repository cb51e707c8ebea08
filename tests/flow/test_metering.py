# SPDX-License-Identifier: GPL-3.0-or-later
"""What sessions use is on record when they end, however that is, and `audit metering` adds it up (AU-1, T-37)."""

import json
import os
import signal
import time

from support.appliance import Appliance, run_binary
from support.audit import events, find_events
from support.case import ApplianceCase, on_gvisor

MEBI = 1 << 20
WORDS = ("cpu_us", "memory_kib_s", "mount_read", "mount_written", "egress_up", "egress_down", "calls", "denied")


def numbers(event):
    words = dict(each.split("=", 1) for each in event["unmapped"]["detail"].split(" "))
    return {**{word: int(words[word]) for word in WORDS}, "part": words["part"], "unread": words["unread"], "chat": words["chat"]}


class Metering(ApplianceCase):
    changes = {"mcp": {"policy": [{"callers": ["dev"], "tools": ["bash_tool"]}]}}

    def metered(self, session, seconds=10.0):
        wanted = session.removeprefix("s-")
        return find_events(self.appliance, lambda e: e["message"] == "session_metered" and e["unmapped"]["session"] == wanted, seconds=seconds)

    def session_of(self, chat):
        return next(each["id"] for each in self.appliance.ctl("sessions")["sessions"] if each["chat"] == chat)

    def accounts(self, *words):
        done = run_binary("audit", "metering", self.appliance.audit_dir(), "--json", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_a_session_that_is_killed_has_used_what_it_did(self):
        began = time.monotonic()
        self.client.bash("head -c 3145728 /dev/urandom > /mnt/user-data/outputs/f; sync /mnt/user-data/outputs/f")
        self.client.bash("head -c 33554432 /dev/zero > /tmp/held; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done")
        self.refused(lambda: self.client.call("create_file", path="/workspace/x", file_text="x"))
        session = self.session_of(self.client.chat)
        self.appliance.ctl("kill", session)
        told = self.metered(session)
        self.assertEqual(len(told), 1)
        used = numbers(told[0])
        self.assertEqual((used["part"], used["unread"], used["chat"], told[0]["unmapped"]["actor"]), ("end", "-", self.client.chat, "dev"))
        self.assertEqual((used["calls"], used["denied"], told[0]["unmapped"]["number"]), (2, 1, 1))
        self.assertGreater(used["cpu_us"], 20_000)
        self.assertLess(used["cpu_us"], (time.monotonic() - began) * 4e6)
        self.assertGreater(used["memory_kib_s"], 0)
        self.assertGreaterEqual(used["mount_written"], 3 * MEBI)
        self.assertLess(used["mount_written"], 4 * MEBI)
        self.assertEqual((used["egress_up"], used["egress_down"]), (0, 0))
        order = [each["message"] for each in events(self.appliance) if each["unmapped"]["session"] == session.removeprefix("s-")]
        self.assertLess(order.index("operator_action"), order.index("session_metered"))
        account = next(each for each in self.accounts()["sessions"] if each["session"] == session)
        self.assertEqual({word: account[word] for word in WORDS}, {word: used[word] for word in WORDS})
        self.assertEqual((account["caller"], account["ended"], account["records_with_something_unread"]), ("dev", True, 0))
        self.assertEqual(self.accounts("--to", "1h")["total"]["records"], 0)
        self.assertEqual(self.accounts("--caller", "somebody")["sessions"], [])

    def test_a_session_whose_broker_dies_is_metered_with_all_that_its_mount_carried(self):
        before = set(self.appliance.helpers().get("broker", []))
        self.client.bash("head -c 1048576 /dev/zero > /mnt/user-data/outputs/f")
        session = self.session_of(self.client.chat)
        own = set(self.appliance.helpers()["broker"]) - before
        self.assertEqual(len(own), 1)
        os.kill(own.pop(), signal.SIGKILL)
        used = numbers(self.metered(session)[0])
        self.assertEqual((used["part"], used["unread"], used["calls"]), ("end", "-", 1))
        self.assertGreaterEqual(used["mount_written"], MEBI)


MeteringOnGvisor = on_gvisor(Metering)


class AtTheEnd(ApplianceCase):
    @classmethod
    def setUpClass(cls):
        """Its own end is what it looks at."""

    @classmethod
    def tearDownClass(cls):
        pass

    def setUp(self):
        self.appliance = Appliance().start()
        self.addCleanup(self.appliance.remove)
        self.addCleanup(self.appliance.stop)

    def test_sessions_that_run_when_the_machine_stops_are_on_record_with_what_they_used(self):
        for chat in ("one", "two"):
            self.chat(chat).bash("head -c 1048576 /dev/zero > /mnt/user-data/outputs/f")
        self.assertEqual(self.appliance.stop(), 0)
        told = [each for each in events(self.appliance) if each["message"] == "session_metered"]
        self.assertEqual({numbers(each)["chat"] for each in told}, {"one", "two"})
        for each in told:
            self.assertEqual(numbers(each)["unread"], "-")
            self.assertGreaterEqual(numbers(each)["mount_written"], MEBI)
        table = run_binary("audit", "metering", self.appliance.audit_dir())
        self.assertRegex(table.stdout, r"dev +all its sessions +2 ")
        self.assertEqual(self.appliance.verify_audit().returncode, 0)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Sandboxes that are kept ready: whoever comes gets a whole one of their own at once, and nobody gets it after them (SX-6, P5, CT-6)."""

import threading

from support.appliance import wait_until
from support.audit import events
from support.case import ApplianceCase, on_gvisor

WANTED = 2


class WarmPool(ApplianceCase):
    changes = {"sandbox": {"warm_pool": WANTED}}

    def pool(self):
        return self.appliance.ctl("status")["warm_pool"]

    def ready(self, count=WANTED):
        self.assertTrue(wait_until(lambda: self.pool()["ready"] == count, 60), self.appliance.log_text()[-2000:])

    def sessions(self):
        return self.appliance.ctl("sessions")["sessions"]

    def told(self, name):
        return [each["unmapped"] for each in events(self.appliance) if each["message"] == name]

    def test_whoever_comes_gets_one_that_was_ready_and_it_is_on_record_as_theirs(self):
        self.ready()
        waiting = {each["id"] for each in self.sessions() if each["state"] == "pooled"}
        self.assertEqual(len(waiting), WANTED)
        self.client.bash("echo mine")
        mine = next(each for each in self.sessions() if each["chat"] == self.client.chat)
        self.assertIn(mine["id"], waiting)
        self.assertEqual((mine["state"], mine["caller"]), ("up", "dev"))
        number = mine["id"].removeprefix("s-")
        names = [each["action"] for each in (one["unmapped"] for one in events(self.appliance)) if each["session"] == number]
        order = [names.index(each) for each in ("session_pooled", "session_ready", "session_create", "tool_call_begin")]
        self.assertEqual(order, sorted(order))
        before = [each for each in self.told("session_metered") if each["session"] == number]
        self.assertEqual([(each["actor"], each["detail"].split()[0]) for each in before], [("", "part=pool")])
        self.assertEqual([each["actor"] for each in self.told("session_create") if each["session"] == number], ["dev"])
        self.ready()
        now = {each["id"] for each in self.sessions() if each["state"] == "pooled"}
        self.assertEqual((len(now), len(now - waiting)), (WANTED, 1), "another took its place")
        number = (now - waiting).pop().removeprefix("s-")
        self.assertTrue(wait_until(lambda: number in {each["session"] for each in self.told("session_ready")}, 10))

    def test_nothing_of_one_is_in_another_and_none_is_used_twice(self):
        seen = set()
        for number in range(4):
            self.ready()
            client = self.chat(f"own-{number}")
            self.assertNotIn("trace-of", client.bash("ls -A /workspace /tmp /mnt/user-data/outputs; hostname; env; ps ax"))
            client.bash(f"echo trace-of-{number} >/workspace/trace-of-{number}; cp /workspace/trace-of-{number} /tmp /mnt/user-data/outputs 2>&1; sleep 300 >/dev/null 2>&1 &")
            seen.add(next(each["id"] for each in self.sessions() if each["chat"] == f"own-{number}"))
            self.appliance.ctl("kill", next(each["id"] for each in self.sessions() if each["chat"] == f"own-{number}"))
            self.assertTrue(wait_until(lambda number=number: not any(each["chat"] == f"own-{number}" for each in self.sessions()), 20))
        self.assertEqual(len(seen), 4)

    LOOK = ("id; hostname; ls -la / /workspace | awk '{print $1, $3, $9}'; grep -E 'Cap|Seccomp|NoNew' /proc/self/status; cat /proc/self/limits; "
            "env | sed 's/=.*//' | sort")

    def test_what_is_in_one_is_the_same_as_in_one_that_was_made_for_its_caller(self):
        self.ready()
        seen, threads = {}, []
        for number in range(WANTED + 4):  # more than are ready or on their way
            client = self.chat(f"same-{number}")
            threads.append(threading.Thread(target=lambda client=client: seen.update({client.chat: client.bash(self.LOOK)})))
            threads[-1].start()
        for each in threads:
            each.join()
        self.assertEqual(len(seen), WANTED + 4)
        self.assertEqual(len(set(seen.values())), 1, seen)
        ids = {each["id"].removeprefix("s-") for each in self.sessions() if each["chat"] in seen}
        pooled = {each["session"] for each in self.told("session_pooled")}
        self.assertTrue(ids & pooled and ids - pooled, "some of each kind were compared")

    def test_kill_all_ends_what_is_ready_too_and_freeze_makes_no_more(self):
        self.ready()
        before = {each["id"] for each in self.sessions()}
        self.appliance.ctl("freeze")
        try:
            self.appliance.ctl("kill-all")
            self.assertTrue(wait_until(lambda: not self.sessions(), 20), self.sessions())
            self.assertEqual(self.pool(), {"ready": 0, "wanted": WANTED})
        finally:
            self.appliance.ctl("thaw")
        self.ready()
        self.assertFalse(before & {each["id"] for each in self.sessions()})


WarmPoolOnGvisor = on_gvisor(WarmPool)

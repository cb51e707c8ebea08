# SPDX-License-Identifier: GPL-3.0-or-later
"""SX-9, T-42, on gVisor: which programs ran is on record by the word of gVisor's kernel, whatever the guest's agent, shell or program says of itself."""

import time

from support import audit
from support.appliance import wait_until
from support.case import ApplianceCase


class RuntimeMonitor(ApplianceCase):
    tier = "gvisor"

    def session(self, client):
        return next(each["id"].removeprefix("s-") for each in self.appliance.ctl("sessions")["sessions"] if each["chat"] == client.chat)

    def told(self, session):
        return [each for each in audit.events(self.appliance) if each["message"] == "programs_run" and each["unmapped"]["session"] == session]

    def shown(self, session):
        return "; ".join(each["unmapped"]["detail"] for each in self.told(session))

    def until(self, session, word):
        self.assertTrue(wait_until(lambda: word in self.shown(session), 10), f"{word!r} is not in {self.shown(session)[:2000]!r}")

    def test_what_a_call_runs_is_on_record_with_what_it_ran_itself(self):
        self.client.bash("ls / | wc -l")
        session = self.session(self.client)
        self.until(session, "/usr/bin/wc -l")
        shown = self.shown(session)
        self.assertIn("/usr/bin/bash", shown)
        self.assertIn("/usr/bin/ls /", shown)
        self.assertTrue(all(each["class_uid"] == 1007 for each in self.told(session)))

    def test_another_name_hides_nothing(self):
        self.client.bash("(exec -a harmless /usr/bin/id -u) >/dev/null; ln -s /usr/bin/wc /workspace/innocent; /workspace/innocent -c /etc/hosts")
        session = self.session(self.client)
        self.until(session, "/usr/bin/id (as harmless) -u")
        self.until(session, "/usr/bin/wc (as /workspace/innocent) -c /etc/hosts")

    def test_a_program_that_outlives_its_call_is_told_when_it_runs_another(self):
        self.client.bash("(sleep 1; exec /usr/bin/expr 20 + 22) >/dev/null 2>&1 & echo started")
        session = self.session(self.client)
        self.until(session, "/usr/bin/expr 20 + 22")

    def test_arguments_too_long_to_be_told_hide_no_program(self):
        self.client.bash("for size in 100 100000 130000; do /usr/bin/true $(head -c $size /dev/zero | tr '\\0' x); done; for i in $(seq 30); do set -- \"$@\" "
                         "$(head -c 60000 /dev/zero | tr '\\0' y); done; /usr/bin/expr length x \"$@\" >/dev/null 2>&1; /usr/bin/seq 77 77")
        session = self.session(self.client)
        self.until(session, "/usr/bin/seq 77 77")
        # Each is either told by its path or counted among what could not be told.
        shown = self.shown(session)
        untold = sum(int(part.split(" more untold")[0].rsplit(" ", 1)[-1]) for part in shown.split("; ") if part.endswith(" more untold"))
        self.assertGreaterEqual(shown.count("/usr/bin/true x") + shown.count("/usr/bin/expr length") + untold, 4, shown[:3000])

    def test_a_flood_of_programs_is_counted_and_few_records(self):
        began = time.monotonic()
        self.client.bash("for i in $(seq 60); do /usr/bin/true; done; /usr/bin/seq 5 5", timeout_s=120)
        session = self.session(self.client)
        self.until(session, "/usr/bin/seq 5 5")
        self.assertLessEqual(len(self.told(session)), 4 * (time.monotonic() - began) + 2)
        self.assertIn(sum(each["unmapped"]["number"] for each in self.told(session)), range(63, 70))  # with the shell's, and what its profile runs
        self.assertTrue(all(len(each["unmapped"]["detail"]) <= 1024 for each in self.told(session)))

    def test_what_ran_last_before_the_guest_ended_itself_is_on_record(self):
        self.client.bash("true")
        session = self.session(self.client)
        try:
            self.client.bash("/usr/bin/expr 11 + 31; kill -9 -1")
        except Exception:  # the agent may be gone with it; that is another test's
            pass
        self.until(session, "/usr/bin/expr 11 + 31")

    def test_no_guest_reaches_the_socket(self):
        found = self.client.bash("find / -xdev \\( -name monitor -o -name monitor.json \\) 2>/dev/null; ls -l /proc/*/fd 2>/dev/null | grep -c monitor; true").split()
        self.assertEqual(found, ["0"])


class NoMonitorOnRunc(ApplianceCase):
    def test_under_runc_there_is_none(self):
        self.client.bash("ls /")
        self.assertEqual([each for each in audit.events(self.appliance) if each["message"] == "programs_run"], [])

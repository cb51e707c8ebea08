# SPDX-License-Identifier: GPL-3.0-or-later
"""Flow F2: operators ask and end by the local socket, named by the kernel (CT-2, CT-3, CT-5, CT-6, CT-7, T-03, T-11, T-17)."""

import os
import re
import socket
import stat
import subprocess
import time

from support.appliance import children_of, command_line, run_binary, wait_until
from support.audit import find_events, says
from support.case import ApplianceCase, on_gvisor
from support.mcp import read_response


class Operator(ApplianceCase):
    def tearDown(self):
        self.appliance.ctl("thaw")

    def session(self):
        return next(s for s in self.appliance.ctl("sessions")["sessions"] if s["chat"] == self.client.chat)

    def test_status_names_every_helper_and_each_is_up(self):
        status = self.appliance.ctl("status")
        self.assertEqual(status["status"], "healthy")
        standing = {"gateway-front", "operator-front", "files-front", "parser", "custody", "launcher", "uplink", "storage-lane", "audit-writer", "notifier"}
        self.assertEqual(set(status["helpers"]), standing)
        self.assertEqual(set(status["helpers"].values()), {"up"})
        self.assertEqual(status["tier"], self.tier)

    def test_sessions_are_listed_by_caller_and_chat(self):
        self.client.bash("true")
        self.assertEqual(self.session()["caller"], "dev")

    def test_kill_severs_a_running_call_at_once(self):
        self.client.bash("true")
        with self.client.open_call("bash_tool", command="sleep 600") as running:
            self.assertTrue(find_events(self.appliance, lambda e: says(e, "tool_call_begin", "sleep 600"), seconds=3))
            started = time.monotonic()
            self.appliance.ctl("kill", self.session()["id"])
            answer = read_response(running)
            self.assertLess(time.monotonic() - started, 3)
            self.assertIn(b"session_killed", answer.body)
        self.assertTrue(find_events(self.appliance, lambda e: says(e, "operator_action"), seconds=3))

    def test_killed_session_is_gone_and_the_next_call_gets_a_fresh_one(self):
        self.client.bash("echo old > /workspace/x")
        old = self.session()["id"]
        self.appliance.ctl("kill", old)
        self.assertIn("No such file", self.client.bash("cat /workspace/x"))
        self.assertNotEqual(self.session()["id"], old)

    def test_kill_ends_a_fork_bomb(self):
        self.client.bash("true")
        with self.client.open_call("bash_tool", command=":(){ :|:& };:; sleep 600"):
            time.sleep(1)
            started = time.monotonic()
            self.appliance.ctl("kill", self.session()["id"])
            self.assertLess(time.monotonic() - started, 5)
        self.assertTrue(wait_until(lambda: not [p for p in children_of(self.appliance.pid) if "bash" in command_line(p)[0:1]], 5))

    def test_kill_all_ends_every_session(self):
        for number in range(3):
            self.chat(f"{self.client.chat}-{number}").bash("true")
        self.appliance.ctl("kill-all")
        self.assertTrue(wait_until(lambda: self.appliance.ctl("sessions")["sessions"] == [], 5))

    def test_freeze_refuses_new_sessions_and_thaw_allows_them(self):
        self.client.bash("true")
        self.appliance.ctl("freeze")
        self.assertEqual(self.client.bash("echo still").strip(), "still")
        self.assertIn("sessions_frozen", self.refused(lambda: self.chat(self.client.chat + "-new").bash("true")))
        self.appliance.ctl("thaw")
        self.chat(self.client.chat + "-new").bash("true")

    def test_unknown_session_is_refused_in_words(self):
        done = self.appliance.ctl("kill", "s-00000000deadbeef", expect=None)
        self.assertEqual(done.returncode, 1)
        self.assertIn("unknown_session", done.stdout + done.stderr)

    def test_socket_is_for_operators_alone(self):
        mode = os.stat(self.appliance.operator_socket).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(mode & 0o007, 0)

    def test_another_user_is_refused_by_who_the_kernel_says_it_is(self):
        os.chmod(self.appliance.operator_socket, 0o666)
        self.addCleanup(os.chmod, self.appliance.operator_socket, 0o600)
        for folder in (self.appliance.folder, self.appliance.state):
            os.chmod(folder, 0o711)
        code = ("import socket,sys; s=socket.socket(socket.AF_UNIX); s.settimeout(5); s.connect(sys.argv[1]); "
                "s.sendall(b'POST /v1/kill-all HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 0\\r\\n\\r\\n'); print(s.recv(4096))")
        done = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "/usr/bin/python3", "-c", code,
                               self.appliance.operator_socket], capture_output=True, text=True, timeout=20, check=False)
        self.assertNotIn(" 200 ", done.stdout)

    def test_what_is_no_question_is_refused_and_on_record_under_the_operators_name(self):
        with socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(5)
            asked.connect(self.appliance.operator_socket)
            asked.sendall(b"POST /v1/sessions/nobody/promote HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            answer = asked.recv(4096).decode()
        self.assertIn(" 404 ", answer.splitlines()[0])
        shown = re.search(r"[0-9a-f]{16}", answer.split("\r\n\r\n", 1)[1]).group(0)
        found = find_events(self.appliance, lambda e: e["metadata"].get("correlation_uid") == shown, seconds=3)
        self.assertEqual(len(found), 1)
        self.assertTrue(says(found[0], "operator_refused", "root"), found)

    def test_nothing_of_the_operator_is_reachable_from_a_guest_or_the_gateway_front(self):
        self.client.bash("true")
        self.assertEqual(self.client.bash("ls /var/tmp /run/ocu* 2>/dev/null | grep -c operator; cat /proc/net/unix | grep -c operator").split()[:2],
                         ["0", "0"])
        front = self.appliance.helpers()["gateway-front"][0]
        self.assertNotEqual(os.readlink(f"/proc/{front}/ns/net"), os.readlink("/proc/self/ns/net"))
        with open(f"/proc/{front}/net/unix", encoding="utf-8") as file:
            self.assertNotIn("operator.sock", file.read())

    def test_words_it_does_not_know_are_usage_errors(self):
        self.assertEqual(run_binary("ctl", "--socket", self.appliance.operator_socket, "make-coffee").returncode, 2)


class Shutdown(ApplianceCase):
    def test_shutdown_ends_the_program_in_order(self):
        self.client.bash("true")
        self.appliance.ctl("shutdown")
        self.assertEqual(self.appliance.wait(), 0)
        self.assertTrue([e for e in find_events(self.appliance, lambda e: says(e, "appliance_stop"))])


OperatorOnGvisor = on_gvisor(Operator)

# SPDX-License-Identifier: GPL-3.0-or-later
"""SX-3: programs that live on between calls, each with a terminal, through MCP on both tiers: talked to, watched, resized, found again by
another connection, limited, ended, and on record."""

import os
import re
import subprocess
import threading
import time

from support.appliance import wait_until
from support.audit import events
from support.case import ApplianceCase, on_gvisor
from support.files_client import FilesClient
from support.mcp import text_of

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def fetch():
    """Debian's smallest vim: a test's, not the minimal image's."""
    made = subprocess.run([f"{ROOT}/scripts/toolchain/editor"], stdout=subprocess.PIPE, text=True, check=True)
    return made.stdout.strip()


class Processes(ApplianceCase):
    def start(self, command, client=None, **arguments):
        """The number of what was started, and what it has written."""
        text = text_of((client or self.client).call("process_start", command=command, **arguments))
        return int(re.search(r"\[Process (\d+) ", text).group(1)), text

    def tool(self, name, process, **arguments):
        return text_of(self.client.call(f"process_{name}", process=process, **arguments))

    def until(self, process, wanted, heard="", seconds=30, **how):
        """Reads on until `wanted` was there; all that was heard."""
        deadline = time.monotonic() + seconds
        while not re.search(wanted, heard):
            self.assertLess(time.monotonic(), deadline, heard)
            heard += "\n" + self.tool("read", process, wait_s=5, **how)
        return heard

    def test_an_interpreter_is_talked_to(self):
        process, text = self.start("exec python3 -q")
        self.until(process, ">>> ", text)
        self.tool("write", process, text="x = 6 * 7\n", wait_s=0)
        heard = self.until(process, r"answer 42", self.tool("write", process, text="print('answer', x)\n"))
        self.assertNotIn("\x1b", heard)
        self.assertIn("print('answer', x)\n", heard)  # its editor draws the line anew for each key
        self.tool("write", process, text="while True: pass\n")
        self.until(process, "KeyboardInterrupt", self.tool("write", process, text="\x03"))
        self.until(process, r"has ended: exit code 0", self.tool("write", process, text="\x04"))
        self.assertIn("process_ended", self.refused(lambda: self.tool("write", process, text="1\n")))
        self.assertIn("answer 42", self.tool("read", process, **{"from": 0}))

    def test_a_server_answers_other_calls_and_another_connection_finds_it_again(self):
        process, text = self.start("echo page > page; exec python3 -u -m http.server 8000 --bind 127.0.0.1")
        self.until(process, "Serving HTTP", text)
        again = self.chat(self.client.chat)
        self.client.close()
        self.assertEqual(again.bash("curl -sS --noproxy '*' http://127.0.0.1:8000/page").strip(), "page")
        self.assertRegex(text_of(again.call("process_list")), rf"{process}  is running  started \d+ s ago  echo page")
        self.client = again
        self.until(process, "GET /page")
        self.assertRegex(self.until(process, "has ended", self.tool("signal", process, signal="KILL")), "exit code 137")

    def test_a_terminal_has_a_size_that_changes_and_a_full_screen_program_draws_on_it(self):
        process, text = self.start("seq 1000 > f; exec less f", rows=12, columns=40, raw=True)
        heard = self.until(process, r"\b11\r?\n", text, raw=True)
        self.assertNotRegex(heard, r"\n12\r")
        self.until(process, r"\b29\b", self.tool("signal", process, signal="WINCH", rows=30, columns=100, raw=True), raw=True)
        self.tool("write", process, text="q")
        for _ in range(10):
            if "has ended" in self.tool("read", process, wait_s=2):
                break
            self.tool("write", process, text="q")  # what is typed while it draws anew is lost
        self.until(process, "has ended: exit code 0")

    def test_an_editor_writes_what_is_typed_into_it(self):
        with open(fetch(), "rb") as file:
            self.assertLess(FilesClient(self.appliance, chat=self.client.chat).put("uploads/vim", file.read()).status, 300)
        self.client.bash("cp /mnt/user-data/uploads/vim vim && chmod 755 vim")
        process, text = self.start("exec ./vim -u NONE letter", raw=True, rows=12, columns=60)
        deadline = time.monotonic() + 30
        while "[New" not in text:
            self.assertLess(time.monotonic(), deadline, text)
            text += self.tool("read", process, raw=True)
        self.tool("write", process, text="iDear reader,\nyours\u001bkA friend\u001b", raw=True)
        self.until(process, "has ended: exit code 0", self.tool("write", process, text=":wq\n"))
        self.assertEqual(self.client.bash("cat letter"), "Dear reader, friend\nyours\n")

    def test_time_and_cpu_are_limited(self):
        slow, text = self.start("echo begun; sleep 1000", timeout_s=1)
        busy, _ = self.start("while :; do :; done", cpu_s=1, wait_s=0)
        self.assertIn("has been ended: its 1 s were over", self.until(slow, "has been ended", text))
        self.assertRegex(self.until(busy, "has ended"), r"exit code 1(37|52)")

    def test_a_read_that_waits_holds_nobody_up(self):
        process, _ = self.start("read -r line; echo got-$line; exec sleep 1000")
        heard = []
        reader = threading.Thread(target=lambda: heard.append(text_of(
            self.chat(self.client.chat).call("process_read", process=process, wait_s=30, **{"from": 100000}))))
        reader.start()
        self.assertTrue(wait_until(lambda: any(e["unmapped"]["action"] == "tool_call_begin" and e["api"]["operation"] and
                                               any(r["name"] == "process_read" for r in e["resources"]) for e in events(self.appliance)), 10))
        began = time.monotonic()
        self.assertEqual(self.client.bash("echo meanwhile").strip(), "meanwhile")
        self.assertLess(time.monotonic() - began, 20)
        self.tool("signal", process, signal="KILL")
        reader.join(35)
        self.assertIn("has ended", heard[0])

    def test_as_many_as_are_held_and_what_another_chat_sees(self):
        numbers = [self.start("exec sleep 1000", wait_s=0)[0] for _ in range(16)]
        self.assertIn("too_many_processes", self.refused(lambda: self.start("true")))
        self.assertIn("unknown_process", self.refused(lambda: self.tool("read", 999)))
        self.until(numbers[3], "has ended", self.tool("signal", numbers[3], signal="TERM"))
        self.assertEqual(self.start("exec sleep 1000", wait_s=0)[0], 17)
        self.assertIn("unknown_process", self.refused(lambda: self.tool("read", numbers[3])))
        other = self.chat("another-" + self.client.chat)
        self.assertIn("No processes", text_of(other.call("process_list")))
        self.assertEqual(len(text_of(self.client.call("process_list")).splitlines()), 16)

    def test_a_flood_that_nobody_reads_costs_neither_calls_nor_the_newest_output(self):
        process, _ = self.start("yes flood | head -c 30000000; echo; echo newest; read", wait_s=0)
        self.assertEqual(self.client.bash("echo alive").strip(), "alive")
        deadline = time.monotonic() + 60
        text = ""
        while "newest" not in text:
            self.assertLess(time.monotonic(), deadline, text[-300:])
            text = self.tool("read", process, wait_s=1)
        self.assertIn("written over before they were read", self.tool("read", process, **{"from": 0}))

    def test_what_is_done_is_on_record_and_what_is_typed_is_not(self):
        process, _ = self.start("read -rs secret; exit 7")
        self.until(process, "has ended: exit code 7", self.tool("write", process, text="needle-typed\n"))
        self.assertTrue(wait_until(lambda: any(e["unmapped"]["action"] == "process_ended" and e["exit_code"] == 7 for e in events(self.appliance)), 5))
        record = str(events(self.appliance))
        self.assertIn("read -rs secret; exit 7 sha256=", record)
        self.assertRegex(record, rf"process {process} sha256=[0-9a-f]{{64}}")
        self.assertNotIn("needle-typed", record)

    def test_the_guests_user_owns_its_terminal_and_never_has_the_agents_channel(self):
        process, text = self.start("stat -c '%u %a' $(tty); exec 3<>$(tty) && echo opened >&3; exec sleep 1000")
        self.assertRegex(self.until(process, "opened", text), r"(?m)^1000 6[02]0$")
        took = "for fd in /proc/1/fd/*; do (exec 9<>$fd || exec 9<$fd) 2>/dev/null && readlink $fd; done; readlink /proc/1/fd/0; echo tried"
        taken = self.client.bash(took).split()
        self.assertEqual(taken[-1], "tried")
        # gVisor opens anew what a descriptor of its kernel's first process leads to, but no socket: docs/decisions/0031-programs-with-terminals.md.
        self.assertFalse([each for each in taken[:-1] if "socket" in each or each.isdigit()], taken)
        if self.tier == "runc":
            self.assertEqual(taken, ["tried"])


ProcessesOnGvisor = on_gvisor(Processes)

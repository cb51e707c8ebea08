# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of many sessions: how many answer at once (P7), and what one more costs where many are (P18)."""

import itertools
import subprocess
import sys
import time

from bench import bench as table
from bench.session_rows import OperatorLine
from support.mcp import Mcp, Refused

MOST = {"runc": 1024, "gvisor": 300}  # what a manifest may say; and what leaves memory to others on a machine of 24 GiB
GOAL = {"runc": 500, "gvisor": 150}
SPARE_KIB = 3 << 20  # of the machine's memory; growing stops before it is taken
STAGES = (10, 100, 500)
TIMES = {"tool call `true`": 150, "session create, cold, to first output": 15, "one durable record, acknowledged (`thaw`)": 100, "bash -c true on the host": 100}


def roomy(most):
    """Changes to a manifest, so that nothing in it is what stops growing."""
    return {"sandbox": {"limits": {"sessions": most}},
            "mcp": {"limits": {"sessions_per_caller": most, "creates_per_minute": 60_000, "calls_per_minute": 1_000_000}}}


def spare_kib():
    with open("/proc/meminfo", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("MemAvailable:"))


class Crowd:
    """Sessions of one appliance that are kept alive, each with its own number in a file of its own. One connection for all."""

    def __init__(self, appliance):
        self.appliance, self.client, self.size = appliance, Mcp(appliance, timeout=120), 0

    def ask(self, method, path):
        """An operator's word, and how many milliseconds it took on a connection of its own: the socket closes one that is silent."""
        line = OperatorLine(self.appliance.operator_socket)
        started = time.perf_counter()
        answer = line.ask(method, path)
        took = (time.perf_counter() - started) * 1000
        line.connection.close()
        return answer, took

    def names(self):
        """Chat to session, of all that are alive."""
        return {each["chat"]: each["id"] for each in self.ask("GET", "/v1/sessions")[0]["sessions"]}

    def kill(self, session):
        self.ask("POST", f"/v1/sessions/{session}/kill")

    def call(self, chat, command):
        self.client.chat = chat
        return self.client.bash(command)

    def grow(self, count):
        """Why it stopped before that many were there, or nothing."""
        while self.size < count:
            if spare_kib() < SPARE_KIB:
                return "the machine's memory"
            try:
                answer = self.call(f"crowd-{self.size}", f"echo {self.size} > /workspace/number && echo made")
            except (Refused, OSError) as error:
                return str(error)
            if answer != "made\n":
                return answer[:200]
            self.size += 1
        return ""

    def shrink(self, count):
        names = self.names()
        for number in range(count, self.size):
            self.kill(names[f"crowd-{number}"])
        self.size = count

    def answering(self):
        """How many of them answer with their own number, asked when all are there."""
        alive = self.names()
        return sum(f"crowd-{number}" in alive and self.call(f"crowd-{number}", "cat /workspace/number") == f"{number}\n" for number in range(self.size))


def alive_at_once(running, rounds):
    made = []
    for tier, most in MOST.items():
        most = rounds or most
        with running(tier=tier, changes=roomy(most)) as appliance:
            crowd = Crowd(appliance)
            before, started = spare_kib(), time.perf_counter()
            why = crowd.grow(most) or "as many as the row asks for"
            took, used = time.perf_counter() - started, (before - spare_kib()) / max(crowd.size, 1) / 1024
            count = crowd.answering()
            crowd.client.close()
            print(f"P7: {tier}: {crowd.size} made in {took:.0f} s, {count} answer, {used:.1f} MiB of the machine's memory each; stopped by: {why}",
                  file=sys.stderr, flush=True)
        made.append(table.compare("P7", f">= {GOAL[tier]}", "sessions", [count], None, f"sessions alive and answering at once, {tier}", ""))
    return made


def measures(crowd):
    """What is timed at each size, by its name. Each leaves as many sessions as it found."""
    fresh = itertools.count()

    def create():
        chat = f"fresh-{next(fresh)}"
        started = time.perf_counter()
        crowd.call(chat, "echo up")
        took = (time.perf_counter() - started) * 1000
        crowd.kill(crowd.names()[chat])
        return took

    calls = (table.timed(lambda: crowd.call("crowd-0", "true")), create,
             lambda: crowd.ask("POST", "/v1/thaw")[1], table.timed(lambda: subprocess.run(["bash", "-c", "true"], check=True)))
    return dict(zip(TIMES, calls))


def growth(running, rounds):
    """Up through the stages and down to the first again, so that each size is met at several times of the machine. In each stage all that
    is measured takes turns; a process of the host's, which knows nothing of sessions, tells how much of it is the machine's."""
    values = {name: {stage: [] for stage in STAGES} for name in TIMES}
    with running(changes=roomy(STAGES[-1] + 8)) as appliance:
        crowd = Crowd(appliance)
        ways = measures(crowd)
        for stage in [*STAGES, *STAGES[-2::-1], *(STAGES[1:] + STAGES[-2::-1]) * ((rounds or 2) - 1)]:
            if why := crowd.grow(stage):
                raise RuntimeError(f"no {stage} sessions: {why}")
            crowd.shrink(stage)
            for way in ways.values():
                way()
            for number in range(max(TIMES.values())):
                for name, way in ways.items():
                    if number * TIMES[name] // max(TIMES.values()) != (number + 1) * TIMES[name] // max(TIMES.values()):
                        values[name][stage].append(way())
        crowd.client.close()
    return [table.compare("P18", "" if "host" in name else "within 1.2", "ms", values[name][stage], values[name][STAGES[0]], f"{name}, {stage} sessions alive, runc",
                          f"the same beside {STAGES[0]}") for name in TIMES for stage in STAGES[1:]]

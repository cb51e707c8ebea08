# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of sessions at work: calls on gVisor (P2), many at once (P3), and how fast one is dead (P8)."""

import ctypes
import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time

from bench import bench as table
from support.appliance import wait_until
from support.mcp import Mcp

AT_ONCE = 16
PROCESSES = 100
CLONE_NEWPID, CLONE_NEWUSER = 0x20000000, 0x10000000


def gvisor_call(running, bare_runtime, rounds):
    """A call in a gVisor session beside `runsc exec` of the same command in a bare one."""
    bare = bare_runtime("gvisor")
    try:
        bare.write(["/bin/sleep", "3600"])
        name = bare.name()
        subprocess.run(bare.words("run", "--detach", "--bundle", bare.bundle, name), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        with running(tier="gvisor") as appliance:
            client = Mcp(appliance)
            client.bash("true")
            theirs_one = table.timed(lambda: subprocess.run(bare.words("exec", name, "/bin/bash", "-c", "true"), check=True, stdin=subprocess.DEVNULL,
                                                            stderr=subprocess.DEVNULL))
            ours, theirs = table.interleaved(table.timed(lambda: client.bash("true")), theirs_one, rounds or 30)
            client.close()
        subprocess.run(bare.words("delete", "--force", name), check=False, capture_output=True)
    finally:
        bare.close()
    return [table.compare("P2", "<= 0.1", "ms", ours, theirs, "tool call `true`, gVisor, keep-alive, audited", "runsc exec of bash -c true")]


def together(work, count):
    """Runs `work(number)` in that many threads, begun at one moment; how long until the last has ended."""
    gate = threading.Barrier(count + 1)

    def one(number):
        gate.wait()
        work(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for each in threads:
        each.start()
    gate.wait()
    started = time.perf_counter()
    for each in threads:
        each.join()
    return time.perf_counter() - started


def calls_at_once(running, rounds):
    """Sixteen sessions, each called again and again, beside sixteen shells of the host that do the same."""
    calls = 30
    with running() as appliance:
        clients = [Mcp(appliance, chat=f"at-once-{number}") for number in range(AT_ONCE)]
        for client in clients:
            client.bash("true")

        def ours():
            return AT_ONCE * calls / together(lambda number: [clients[number].bash("true") for _ in range(calls)], AT_ONCE)

        def theirs():
            return AT_ONCE * calls / together(lambda _: [subprocess.run(["bash", "-c", "true"], check=True) for _ in range(calls)], AT_ONCE)

        left, right = table.interleaved(ours, theirs, rounds or 5)
        for client in clients:
            client.close()
    return [table.compare("P3", ">= 0.6", "calls/s", left, right, f"tool calls a second, {AT_ONCE} sessions, runc", "the same by 16 host shells")]


class OperatorLine:
    """One connection to the operator's socket: what is timed is the kill and not the start of a client."""

    def __init__(self, path):
        self.connection = http.client.HTTPConnection("localhost")
        self.connection.sock = socket.socket(socket.AF_UNIX)
        self.connection.sock.connect(path)

    def ask(self, method, path):
        self.connection.request(method, path, body=b"{}" if method == "POST" else None, headers={"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {text[:200]}")
        return json.loads(text)


def bare_namespace():
    """A pid namespace with as many processes; SIGKILL to its first, until it has been waited for."""
    libc = ctypes.CDLL(None, use_errno=True)
    ready, told = os.pipe()
    outer = os.fork()
    if outer == 0:
        if libc.unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0:
            os._exit(1)
        first = os.fork()
        if first == 0:
            for _ in range(PROCESSES):
                if os.fork() == 0:
                    signal.pause()
            os.write(told, b"x")
            signal.pause()
        os.read(ready, 1)
        started = time.perf_counter()
        os.kill(first, signal.SIGKILL)
        os.waitpid(first, 0)
        os.write(told, f"{(time.perf_counter() - started) * 1000:.6f}".encode())
        os._exit(0)
    os.waitpid(outer, 0)
    took = float(os.read(ready, 64))
    os.close(ready)
    os.close(told)
    return took


def kill(running, rounds):
    made = []
    with running() as appliance:
        line = OperatorLine(appliance.operator_socket)
        number = iter(range(100_000))

        def ours():
            client = Mcp(appliance, chat=f"killed-{next(number)}")
            client.bash(f"for i in $(seq {PROCESSES}); do sleep 1000 >/dev/null 2>&1 & done")
            target = next(each["id"] for each in line.ask("GET", "/v1/sessions")["sessions"] if each["chat"] == client.chat)
            started = time.perf_counter()
            killed = line.ask("POST", f"/v1/sessions/{target}/kill")
            took = (time.perf_counter() - started) * 1000
            client.close()
            if killed.get("killed") != 1:
                raise RuntimeError(f"not confirmed: {killed}")
            return took

        left, right = table.interleaved(ours, bare_namespace, rounds or 30)
        made.append(table.compare("P8", "p99 <= 5", "ms", left, right, f"kill of a session with {PROCESSES} processes, until nothing runs, idle",
                                  "SIGKILL of a pid namespace with as many"))
        stop, bombs = threading.Event(), [Mcp(appliance, chat=f"bomb-{each}") for each in range(4)]
        for bomb in bombs:
            bomb.bash("(while :; do (sleep 0.01 &) ; (: & : & : &) ; done) >/dev/null 2>&1 &")

        def flood():
            client = Mcp(appliance, chat="flood")
            while not stop.is_set():
                try:
                    client.bash("true")
                except Exception:  # it is there to be in the way, and may be refused
                    time.sleep(0.01)
            client.close()

        floods = [threading.Thread(target=flood) for _ in range(4)]
        for each in floods:
            each.start()
        try:
            left, right = table.interleaved(ours, bare_namespace, rounds or 30)
        finally:
            stop.set()
            for each in floods:
                each.join()
        line.ask("POST", "/v1/kill-all")
        wait_until(lambda: not line.ask("GET", "/v1/sessions")["sessions"], 20)
        made.append(table.compare("P8", "p99 <= 20, never > 1 s", "ms", left, right, "the same while four sessions fork without end and four callers call",
                                  "the same, beside them"))
    return made

# SPDX-License-Identifier: GPL-3.0-or-later
"""P17: from power-on to an answer over MCP, beside the same firmware and kernel booting to a program that says one line."""

import http.client
import json
import os
import ssl
import subprocess
import tempfile
import time

from bench import bench as table
from support import boot_image
from support.appliance import new_key
from support.emulator import Emulator
from support.sticks import manifest, signed_stick

ROOT = boot_image.ROOT
SECONDS_MAX = 420


def list_tools(port, key):
    """One whole MCP call, and its answer."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # who it is does not matter here; tests/boot pins it
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    connection.request("POST", "/mcp", body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json",
                                              "Accept": "application/json, text/event-stream", "Host": f"127.0.0.1:{port}"})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status != 200 or b"bash_tool" not in text:
        raise RuntimeError(f"status {answer.status}: {text[:200]}")


def ours(folder):
    key = new_key()
    stick = signed_stick(folder, "stick", manifest(1, key=key), boot_image.signer())
    machine = Emulator(boot_image.image(), boot_image.variables(), sticks=[stick]).start()
    try:
        machine.wait_for(r"^ocu: READY", SECONDS_MAX)
        while True:
            try:
                list_tools(machine.port, key)
                return machine.elapsed()
            except OSError:
                if machine.elapsed() > SECONDS_MAX:
                    raise
                time.sleep(0.05)
    finally:
        machine.stop()


def theirs(image):
    machine = Emulator(image, boot_image.variables()).start()
    try:
        machine.wait_for(r"^one line: up", SECONDS_MAX)
        return machine.elapsed()
    finally:
        machine.stop()


def power_on_to_answer(rounds):
    boot_image.prepare()
    with tempfile.TemporaryDirectory(prefix="ocu-bench.", dir="/var/tmp") as folder:
        image = f"{folder}/one-line.iso"
        subprocess.run([f"{ROOT}/tests/bench/one_line_image", image, os.environ["OCU_BOOT_CHOSEN_KERNEL"], os.environ["OCU_BOOT_KEYS"]], check=True,
                       stdout=subprocess.DEVNULL)
        left, right = table.interleaved(lambda: ours(folder), lambda: theirs(image), rounds or 3)
    what = f"power-on to an answer over MCP, emulated ({os.environ['OCU_BOOT_CHOSEN_KERNEL']} kernel)"
    return [table.compare("P17", "<= 1.3", "s", left, right, what, "the same firmware and kernel to a one-line init")]

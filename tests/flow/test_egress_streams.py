# SPDX-License-Identifier: GPL-3.0-or-later
"""What stays open: WebSockets and events that are sent on at once (EG-7), and connections that only take up room, whose session is the only one
to notice (EG-10, T-06)."""

import os
import unittest

from support import streams
from support.appliance import Appliance, wait_until
from support.audit import find_events
from support.case import on_gvisor
from support.pages import ADDRESS
from support.world import RESOLVER, World

RULES = [{"name": "api", "hosts": ["api.example"], "ports": [443, 8443], "rung": "bump"}, {"name": "site", "hosts": ["allowed.example"], "ports": [443]}]
HOLD = """python3 - <<'PY'
import socket, time
held, refused = [], 0
for _ in range({count}):
    s = socket.socket(); s.settimeout(5)
    try:
        s.connect(('allowed.example', 443)); s.settimeout(0.02)
        if s.recv(1) == b'': refused += 1
    except TimeoutError:
        held.append(s)
    except OSError:
        refused += 1
print('held', len(held), 'refused', refused, flush=True)
time.sleep({seconds})
PY"""
SLOW = """python3 - <<'PY'
import socket, time
began = time.monotonic()
s = socket.create_connection(('allowed.example', 443), 5); s.settimeout(0.5)
for byte in b'\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xfc' + b'x' * 200:
    try:
        s.send(bytes([byte]))
        if s.recv(10) == b'': break
    except TimeoutError:
        pass
    except OSError:
        break
    if time.monotonic() - began > 30: break
print('ended after', round(time.monotonic() - began))
PY"""


class Streams(unittest.TestCase):
    tier = "runc"

    @classmethod
    def setUpClass(cls):
        cls.world = World(servers=streams.__file__)
        cls.addClassCleanup(cls.world.remove)
        cls.world.spawn(["/usr/bin/python3", "-B", streams.__file__.replace("streams.py", "web_socket.py"), cls.world.folder, ADDRESS, "8443"])
        assert wait_until(lambda: os.path.exists(f"{cls.world.folder}/socket.ready"), 10), "the WebSocket server did not start"
        with open(cls.world.certificate, encoding="ascii") as file:
            changes = {"egress": {"rules": RULES, "ca_bundle": file.read()}, "network": {"dns": [RESOLVER]}}
        cls.appliance = Appliance(tier=cls.tier, prefix=cls.world.enter, changes=changes).start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)

    def bash(self, command, chat="one"):
        return self.world.text_of(self.world.call(self.appliance, command, chat))

    def test_a_web_socket_carries_frames_both_ways(self):
        text = self.bash("curl -sS -N -m 20 -o /tmp/said wss://api.example:8443/socket 2>&1; head -n 2 /tmp/said; grep -ac '^all of it$' /tmp/said; tr -dc x < /tmp/said | wc -c")
        self.assertIn("hello over a socket\nthe pong came\n1\n1000000\n", text)
        self.assertTrue(find_events(self.appliance, lambda e: e["message"] == "http_request" and e["http_response"]["code"] == 101, seconds=5))

    def test_an_event_is_sent_on_before_the_next_one_is_there(self):
        text = self.bash(f"timeout {streams.HOLD_SECONDS // 2} curl -sS -N https://api.example/events 2>&1")
        self.assertIn("data: the first", text)
        self.assertNotIn("data: the last", text)

    def test_connections_that_say_nothing_are_their_sessions_own(self):
        holding = self.world.call(self.appliance, HOLD.format(count=320, seconds=4), "hoarder")
        self.assertTrue(find_events(self.appliance, lambda e: e["message"] == "egress_denied" and e.get("status_code") == "rate_exceeded", seconds=30))
        self.assertIn("hello", self.bash("curl -sS -m 10 https://api.example/ 2>&1", "neighbour"))
        text = self.world.text_of(holding)
        self.assertRegex(text, r"held \d+ refused [1-9]")
        # And it may go on as soon as it has let go of them.
        self.assertIn("hello", self.bash("curl -sS -m 10 --retry 5 --retry-all-errors https://api.example/ 2>&1", "hoarder"))

    def test_a_hello_that_never_ends_is_ended(self):
        text = self.bash(SLOW, "slow")
        self.assertRegex(text, r"ended after (9|1\d)\b")


StreamsOnGvisor = on_gvisor(Streams)

if __name__ == "__main__":
    unittest.main()

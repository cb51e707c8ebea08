# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole appliance in a network namespace of its own with one uplink: whatever a guest tries, no packet comes out of it (T-05, EG-3, EG-4)."""

import itertools
import os
import socket
import subprocess
import unittest

from support.appliance import Appliance
from support.mcp import REVISION

ETH_P_ALL = 3
NAMES = itertools.count(os.getpid() % 10000 * 10)
GATEWAY, INSIDE = "198.51.100.1", "198.51.100.2"

TRIES = r"""
for a in 93.184.216.34 198.51.100.1 169.254.169.254 10.1.2.3; do
  for p in 53 80 443 8811; do timeout 1 bash -c "echo x > /dev/tcp/$a/$p" 2>/dev/null; timeout 1 bash -c "echo x > /dev/udp/$a/$p" 2>/dev/null; done
done
getent hosts example.org; curl -s -m 2 https://example.org; curl -s -m 2 http://[2001:db8::1]/; git ls-remote https://example.org/x 2>/dev/null
python3 -c "
import socket
for family, kind, proto, address in ((2,2,0,('224.0.0.251',5353)), (2,2,0,('255.255.255.255',67)), (2,3,1,('198.51.100.1',0)), (10,2,0,('ff02::1',5353))):
    try:
        s = socket.socket(family, kind, proto); s.setsockopt(1, 6, 1); s.sendto(b'x' * 64, address)
    except OSError: pass
"
echo tried
"""

CALL = r"""
import http.client, json, sys
port, token, command = int(sys.argv[1]), sys.argv[2], sys.argv[3]
c = http.client.HTTPConnection("127.0.0.1", port, timeout=90)
c.request("POST", "/mcp", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
    "params": {"name": "bash_tool", "arguments": {"command": command, "timeout_s": 80}}}),
    {"Authorization": "Bearer " + token, "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
     "MCP-Protocol-Version": "%s"})
print(c.getresponse().read().decode())
""" % REVISION


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


class NoPacketLeaves(unittest.TestCase):
    tier = "runc"

    def setUp(self):
        number = next(NAMES)
        self.space, outside = f"ocut{number}", f"ocuo{number}"
        # Its mounts stay the host's (`ip netns exec` would hide the cgroups): only the network is another.
        self.enter = ["nsenter", f"--net=/run/netns/{self.space}"]
        ip("netns", "add", self.space)
        self.addCleanup(ip, "netns", "del", self.space)
        ip("link", "add", outside, "type", "veth", "peer", "name", "uplink", "netns", self.space)
        # Outside there is a router that would answer; here it only listens, and no address of its own makes noise.
        quiet = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"
        subprocess.run([*self.enter, "sh", "-c", quiet], check=True)
        subprocess.run(["sh", "-c", quiet.replace("all", outside)], check=True)
        ip("link", "set", outside, "up")
        for words in (["link", "set", "lo", "up"], ["link", "set", "uplink", "up"], ["addr", "add", f"{INSIDE}/24", "dev", "uplink"],
                      ["neigh", "add", GATEWAY, "lladdr", "02:00:00:00:00:01", "dev", "uplink"], ["route", "add", "default", "via", GATEWAY]):
            ip("-n", self.space, *words)
        self.capture = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.capture.bind((outside, ETH_P_ALL))
        self.capture.settimeout(1)
        self.addCleanup(self.capture.close)

    def captured(self):
        packets = []
        while True:
            try:
                packets.append(self.capture.recv(2048))
            except TimeoutError:
                return packets

    def test_nothing_comes_out(self):
        appliance = Appliance(tier=self.tier, prefix=self.enter).start()
        self.addCleanup(appliance.remove)
        self.addCleanup(appliance.stop)
        self.captured()
        done = subprocess.run([*self.enter, "/usr/bin/python3", "-c", CALL, str(appliance.port), appliance.token, TRIES],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertIn("tried", done.stdout, done.stderr)
        self.assertEqual([each.hex() for each in self.captured()], [])

    def test_the_capture_would_have_seen_it(self):
        subprocess.run([*self.enter, "bash", "-c", f"echo x > /dev/udp/{GATEWAY}/9"], check=False, capture_output=True)
        self.assertTrue(self.captured())


class NoPacketLeavesOnGvisor(NoPacketLeaves):
    tier = "gvisor"
    test_the_capture_would_have_seen_it = None

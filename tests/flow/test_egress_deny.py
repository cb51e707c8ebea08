# SPDX-License-Identifier: GPL-3.0-or-later
"""Flow F8: the lane ends in the edge, and without a rule the edge says no, at once and on record (EG-1, EG-3, EG-4, EG-6, SX-7, T-05)."""

import json
import socket
import threading
import time

from support.audit import find_events
from support.case import ApplianceCase, on_gvisor

TRY = """
import socket, sys, time
for family, address, port in {targets!r}:
    s = socket.socket(family, socket.SOCK_STREAM); s.settimeout(4); t = time.monotonic()
    try:
        s.connect((address, port)); s.sendall({data!r}); got = s.recv(4096)
        word = 'REFUSED' if b'403' in got[:64] or not got else 'GOT ' + repr(got[:60])
    except ConnectionError: word = 'REFUSED'
    except TimeoutError: word = 'TIMEOUT'
    except OSError as e: word = 'REFUSED'
    print(address, port, word, round(time.monotonic() - t, 1))
"""


class EgressDeny(ApplianceCase):
    def attempts(self, targets, data=b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"):
        code = TRY.format(targets=[(int(family), *rest) for family, *rest in targets], data=data)
        text = self.client.bash(f"python3 - <<'PY'\n{code}\nPY")
        return [line.split(None, 3) for line in text.splitlines()]

    def test_no_address_and_no_port_is_reached(self):
        targets = [(socket.AF_INET, each, port) for each in ("93.184.216.34", "10.0.0.1", "169.254.169.254", "192.168.1.1", "8.8.8.8")
                   for port in (80, 443, 22, 65535)]
        for address, port, word, seconds in self.attempts(targets):
            self.assertEqual(word, "REFUSED", f"{address}:{port}")
            self.assertLess(float(seconds), 2)

    def test_no_ipv6_address_is_reached_either(self):
        targets = [(socket.AF_INET6, each, port) for each in ("2606:2800:220:1::34", "fd6f:6375:1::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "fe80::1%eth0")
                   for port in (80, 443)]
        for address, port, word, seconds in self.attempts(targets):
            self.assertEqual(word, "REFUSED", f"[{address}]:{port}")
            self.assertLess(float(seconds), 2)

    def test_http_is_told_why(self):
        text = self.client.bash("curl -sS -m 5 -i http://example.org/ --resolve example.org:80:93.184.216.34 2>&1")
        if "403" in text.splitlines()[0]:
            self.assertIn("x-deny-reason: not_allowed", text.lower())
        else:
            self.assertRegex(text, "refused|reset")

    def test_host_services_are_unreachable(self):
        listener = socket.create_server(("0.0.0.0", 0))
        self.addCleanup(listener.close)
        reached = []
        listener.settimeout(3)

        def serve():
            try:
                reached.append(listener.accept()[1])
            except OSError:
                pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        own = [info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)] + ["127.0.0.1"]
        port = listener.getsockname()[1]
        gateway = self.client.bash("awk '$2==\"00000000\" {print $3}' /proc/net/route").split()
        if gateway and len(gateway[0]) == 8:
            own.append(socket.inet_ntoa(bytes.fromhex(gateway[0])[::-1]))
        self.attempts([(socket.AF_INET, each, port) for each in own] + [(socket.AF_INET, "127.0.0.1", self.appliance.port)])
        thread.join()
        self.assertEqual(reached, [])

    def test_names_are_answered_here_and_not_resolved(self):
        started = time.monotonic()
        text = self.client.bash("getent hosts never-allowed.example; echo code $?; cat /etc/resolv.conf")
        self.assertLess(time.monotonic() - started, 4)
        self.assertIn("code 2", text)

    def test_datagrams_go_nowhere(self):
        text = self.client.bash("""python3 - <<'PY'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
for port in (123, 443, 5353):
    try: s.sendto(b'x', ('192.0.2.1', port)); print(s.recvfrom(100))
    except OSError as e: print('none')
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.settimeout(1)
try: s.sendto(b'x', ('2001:db8::1', 443)); print(s.recvfrom(100))
except OSError as e: print('none')
try: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); print('RAW')
except OSError: print('none')
try: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3); print('PACKET')
except OSError: print('none')
PY""")
        self.assertEqual(text.split(), ["none"] * 6)

    def test_guest_has_one_interface(self):
        names = [line.split(":")[0].strip() for line in self.client.bash("cat /proc/net/dev").splitlines()[2:]]
        self.assertEqual(len([n for n in names if n != "lo"]), 1, names)

    def test_refusal_is_on_record(self):
        self.client.bash("curl -s -m 3 http://203.0.113.77:8080/ ; true")
        self.client.bash("curl -s -m 3 http://93.184.216.77:8080/ ; true")
        for address, reason in (("203.0.113.77", "address_denied"), ("93.184.216.77", "not_allowed")):
            found = find_events(self.appliance, lambda e: e["message"] == "egress_denied" and address in json.dumps(e), seconds=3)
            self.assertEqual([each["status_code"] for each in found], [reason])


EgressDenyOnGvisor = on_gvisor(EgressDeny)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Flow F8 with HTTP/2: on a bumped route a guest's curl and a real server speak it to us and through us, streams at once, bodies, trailers, and
another authority refused (EG-5, EG-7)."""

import os
import unittest

from support.appliance import Appliance, wait_until
from support.audit import find_events
from support.world import PUBLIC, RESOLVER, World

PORT = 9443
RULES = [{"name": "api", "hosts": ["api.example"], "ports": [PORT], "rung": "bump", "paths": ["/v1/*"]}]
SITE = f"https://api.example:{PORT}"


class EgressHttp2(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.remove)
        pages = os.path.join(cls.world.folder, "pages")
        os.makedirs(f"{pages}/v1")
        for number in range(8):
            with open(f"{pages}/v1/page{number}", "w", encoding="ascii") as file:
                file.write(f"page {number}\n")
        cls.log = os.path.join(cls.world.folder, "nghttpd.log")
        cls.world.spawn(["sh", "-c", f"exec nghttpd -v -a {PUBLIC} --echo-upload --trailer='x-trailer: yes' -d {pages} {PORT} "
                         f"{cls.world.folder}/server.key {cls.world.certificate} >{cls.log} 2>&1"])
        if not wait_until(lambda: os.path.exists(cls.log), 10):
            raise AssertionError("nghttpd did not start")
        with open(cls.world.certificate, encoding="ascii") as file:
            changes = {"egress": {"rules": RULES, "ca_bundle": file.read()}, "network": {"dns": [RESOLVER]}}
        cls.appliance = Appliance(tier="runc", prefix=cls.world.enter, changes=changes).start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)

    def bash(self, command):
        return self.world.text_of(self.world.call(self.appliance, command))

    def test_it_is_spoken_on_both_sides(self):
        text = self.bash(f"curl -sS -m 20 -w 'version=%{{http_version}}' {SITE}/v1/page1 2>&1")
        self.assertIn("page 1", text)
        self.assertIn("version=2", text)
        with open(self.log, encoding="utf-8", errors="replace") as file:
            self.assertIn(":path: /v1/page1", file.read())

    def test_a_large_body_comes_back_as_it_went(self):
        text = self.bash(f"head -c 4000000 /dev/urandom >/tmp/up; sha256sum </tmp/up; curl -sS -m 60 --data-binary @/tmp/up -o /tmp/down {SITE}/v1/echo 2>&1; sha256sum </tmp/down")
        sums = [line.split()[0] for line in text.split("\n") if line.strip().endswith("-")]
        self.assertEqual(len(sums), 2, text)
        self.assertEqual(sums[0], sums[1])

    def test_trailers_arrive(self):
        self.assertIn("x-trailer: yes", self.bash(f"curl -sS -v -m 20 {SITE}/v1/page2 2>&1").lower())

    def test_streams_at_once_share_a_connection(self):
        text = self.bash(f"curl -sS -m 40 --parallel --parallel-max 8 -w 'connects=%{{num_connects}} version=%{{http_version}}\\n' '{SITE}/v1/page[0-7]' 2>&1")
        for number in range(8):
            self.assertIn(f"page {number}", text)
        self.assertEqual(text.count("version=2"), 8, text)
        done = find_events(self.appliance, lambda e: e["message"] == "http_request" and e["http_request"]["url"]["path"].startswith("/v1/page"), seconds=5)
        self.assertGreaterEqual(len({e["http_request"]["url"]["path"] for e in done}), 8)

    def test_what_no_rule_allows_and_another_authority_are_refused(self):
        self.assertIn("x-deny-reason: path_denied", self.bash(f"curl -sS -i -m 20 {SITE}/admin 2>&1").lower())
        text = self.bash(f"curl -sS -i -m 20 -H 'Host: other.example' {SITE}/v1/page3 2>&1").lower()
        self.assertIn("http/2 403", text)
        self.assertIn("x-deny-reason: name_mismatch", text)
        self.assertTrue(find_events(self.appliance, lambda e: e["message"] == "egress_closed" and e.get("status_code") == "name_mismatch", seconds=5))


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""GW-10: the files of a session as MCP resources, the same that the mount shows, on both tiers."""

import base64
import hashlib

from support import audit
from support.case import ApplianceCase, on_gvisor


def uri(path):
    return "file:///mnt/user-data/" + path


class Resources(ApplianceCase):
    def listed(self, client, **params):
        return client.request("resources/list", params)["result"]

    def read(self, client, path):
        return client.request("resources/read", {"uri": uri(path)})

    def test_what_a_guest_writes_is_listed_and_read(self):
        self.client.bash("cd /mnt/user-data/outputs && mkdir -p d/e && printf 'gr\\303\\274n\\n' > d/e/text.md && head -c 1000 /dev/urandom > raw && md5sum raw > sum"
                         " && ln -s /etc/passwd link && mkfifo pipe 2>/dev/null; touch 'a b'")
        found = {each["uri"]: each for each in self.listed(self.client)["resources"]}
        self.assertEqual(set(found), {uri("outputs/a%20b"), uri("outputs/d/e/text.md"), uri("outputs/raw"), uri("outputs/sum")})
        self.assertEqual(found[uri("outputs/raw")]["size"], 1000)
        text = self.read(self.client, "outputs/d/e/text.md")["result"]["contents"][0]
        self.assertEqual((text["text"], text["mimeType"]), ("grün\n", "text/markdown"))
        raw = base64.b64decode(self.read(self.client, "outputs/raw")["result"]["contents"][0]["blob"])
        self.assertEqual(hashlib.md5(raw, usedforsecurity=False).hexdigest(), self.client.bash("cut -c1-32 /mnt/user-data/outputs/sum").strip())

    def test_more_than_a_page_is_listed_page_by_page(self):
        self.client.bash("cd /mnt/user-data/outputs && mkdir many && cd many && for i in $(seq 1 250); do : > f$i; done")
        names, cursor = [], {}
        while True:
            page = self.listed(self.client, **cursor)
            names += [each["name"] for each in page["resources"]]
            if "nextCursor" not in page:
                break
            cursor = {"cursor": page["nextCursor"]}
        self.assertEqual(sorted(name for name in names if name.startswith("f")), sorted(f"f{i}" for i in range(1, 251)))
        self.assertEqual(len(names), len(set(names)))

    def test_nothing_outside_is_read(self):
        self.client.bash("cd /mnt/user-data/outputs && ln -sf /etc/hostname out && ln -sf . here && mkdir -p dir && echo x > dir/x")
        for path in ("outputs/out", "outputs/here/dir/x", "outputs/dir", "outputs/../outputs/dir/x", "outputs/%2e%2e/uploads", "outputs/none", "outputs/dir/x/y"):
            with self.subTest(path=path):
                self.assertEqual(self.read(self.client, path)["error"]["message"], "resource_not_found")
        for wrong in ("file:///etc/passwd", "file:///mnt/user-data/", "http://127.0.0.1/"):
            self.assertEqual(self.client.request("resources/read", {"uri": wrong})["error"]["message"], "bad_uri")

    def test_a_file_that_is_too_large_is_refused(self):
        self.client.bash("truncate -s 4M /mnt/user-data/outputs/large; truncate -s 3M /mnt/user-data/outputs/fits")
        self.assertEqual(self.read(self.client, "outputs/large")["error"]["message"], "resource_too_large")
        self.assertEqual(self.read(self.client, "outputs/fits")["result"]["contents"][0]["blob"][:8], "AAAAAAAA")

    def test_another_chat_sees_nothing_and_starts_nothing(self):
        self.client.bash("echo mine > /mnt/user-data/outputs/mine")
        before = len(self.appliance.ctl("sessions")["sessions"])
        other = self.chat("other-" + self.client.chat)
        self.assertEqual(self.listed(other)["resources"], [])
        self.assertEqual(self.read(other, "outputs/mine")["error"]["message"], "resource_not_found")
        self.assertEqual(len(self.appliance.ctl("sessions")["sessions"]), before)

    def test_it_is_on_record(self):
        self.client.bash("echo on-record > /mnt/user-data/outputs/on-record")
        self.read(self.client, "outputs/on-record")
        read = [each for each in audit.events(self.appliance) if each["message"] == "resource_read" and each["unmapped"]["detail"] == "outputs/on-record"]
        self.assertEqual([(each["unmapped"]["outcome"], each["unmapped"]["bytes"]) for each in read], [("success", 10)])


ResourcesOnGvisor = on_gvisor(Resources)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Flow F11: the file API on its own listener, against the real appliance on both tiers (SB-2, SB-5, SB-6, SB-7, SB-8, T-01, T-02, T-08)."""

import hashlib
import io
import json
import os
import socket
import subprocess
import tempfile
import threading
import zipfile

from support.appliance import wait_until
from support.case import on_gvisor
from support.files_case import FilesCase
from support.files_client import Browser

MIB = 1 << 20


class FileApi(FilesCase):
    def test_an_upload_is_seen_by_the_guest_and_an_output_fetched(self):
        body = os.urandom(3 * MIB + 17)
        put = self.files.put("uploads/in/a b.bin", body)
        self.assertEqual(put.status, 201)
        self.assertEqual(put.json()["sha256"], hashlib.sha256(body).hexdigest())
        text = self.client.bash("cd /mnt/user-data && sha256sum 'uploads/in/a b.bin' && ls -A uploads && cp 'uploads/in/a b.bin' outputs/copy")
        self.assertIn(put.json()["sha256"], text)
        self.assertNotIn(".upload-", text)
        got = self.files.get("outputs/copy")
        self.assertEqual(got.body, body)
        self.assertEqual(got.headers["x-content-type-options"], "nosniff")
        self.assertIn("sandbox", got.headers["content-security-policy"])
        self.assertTrue(got.headers["content-disposition"].startswith("attachment"))
        self.assertEqual(self.files.put("uploads/in/a b.bin", b"new").status, 200)
        seen = lambda: self.client.bash("head -c 9 '/mnt/user-data/uploads/in/a b.bin'").strip()
        self.assertTrue(wait_until(lambda: seen() == "new", 5, every=0.2), seen())

    def test_parts_and_conditions(self):
        self.files.put("uploads/r", bytes(range(256)) * 4)
        part = self.files.get("uploads/r", Range="bytes=10-19")
        self.assertEqual((part.status, part.body), (206, bytes(range(10, 20))))
        self.assertEqual(part.headers["content-range"], "bytes 10-19/1024")
        self.assertEqual(self.files.get("uploads/r", Range="bytes=-4").body, bytes(range(252, 256)))
        beyond = self.files.get("uploads/r", Range="bytes=1024-")
        self.assertEqual((beyond.status, beyond.headers["content-range"]), (416, "bytes */1024"))
        etag = part.headers["etag"]
        self.assertEqual(self.files.get("uploads/r", If_None_Match=etag).status, 304)
        self.assertEqual(self.files.get("uploads/r", Range="bytes=0-1", If_Range='"other"').status, 200)
        self.assertEqual(self.files.get("uploads/r", Range="bytes=0-1", If_Range=etag).status, 206)
        head = self.files.ask("HEAD", "/v1/files/uploads/r")
        self.assertEqual((head.headers["content-length"], head.body), ("1024", b""))
        self.files.put("uploads/r", b"changed")
        self.assertEqual(self.files.get("uploads/r", If_None_Match=etag).status, 200)

    def test_listings_in_pages_and_the_manifest(self):
        self.client.bash("cd /mnt/user-data/outputs && mkdir -p d/e && for i in $(seq 10 34); do echo $i > d/f$i; done; echo x > d/e/deep; ln -s /etc/passwd d/link")
        names, cursor = [], ""
        while cursor is not None:
            page = self.files.ask("GET", f"/v1/files?path=outputs/d&limit=10&cursor={cursor}").json()
            names += [each["name"] for each in page["entries"]]
            cursor = page["next"]
        self.assertEqual(names, ["e"] + [f"f{i}" for i in range(10, 35)] + ["link"])
        whole = self.files.ask("GET", "/v1/manifest")
        self.assertIn("outputs/d/e/deep", [each["path"] for each in whole.json()["files"]])
        self.assertEqual(len(whole.json()["files"]), 26)
        self.assertEqual(self.files.ask("GET", "/v1/manifest", If_None_Match=whole.headers["etag"]).status, 304)
        self.client.bash("echo more >> /mnt/user-data/outputs/d/f10")
        self.assertEqual(self.files.ask("GET", "/v1/manifest", If_None_Match=whole.headers["etag"]).status, 200)
        self.assertEqual(self.files.get("outputs/d/link").code(), "not_found")

    def test_names_lead_nowhere_else(self):
        self.files.put("uploads/x", b"x")
        self.client.bash("ln -s / /mnt/user-data/outputs/root; ln -s ../uploads /mnt/user-data/outputs/up")
        for path in ("uploads/../outputs/x", "uploads/%2e%2e/x", "uploads/a%2fb", "uploads/./x", "uploads//x", "/etc/passwd", "uploads/%00", "etc/passwd",
                     "uploads/" + "n" * 256, "uploads/" + "/".join("d" * 70), "outputs/root/etc/passwd", "outputs/up/x", "uploads/%zz"):
            for method in ("GET", "PUT", "DELETE"):
                answer = self.files.ask(method, "/v1/files/" + path, b"x" if method == "PUT" else None)
                self.assertIn(answer.status, (400, 403, 404, 409), f"{method} {path}")
        self.assertEqual(self.files.manifest(), ["uploads/x"])
        self.assertEqual(self.files.put("outputs/mine", b"x").code(), "forbidden")
        self.assertEqual(self.files.delete("uploads").code(), "forbidden")

    def test_removal(self):
        self.files.put("uploads/d/f", b"x")
        self.assertEqual(self.files.delete("uploads/d").code(), "conflict")
        self.assertEqual(self.files.delete("uploads/d/f").status, 204)
        self.assertEqual(self.files.delete("uploads/d").status, 204)
        self.assertEqual(self.files.delete("uploads/d").code(), "not_found")
        self.client.bash("echo x > /mnt/user-data/outputs/o")
        self.assertEqual(self.files.delete("outputs/o").status, 204)
        self.assertNotIn("outputs/o", self.files.manifest())
        if self.tier == "runc":  # gVisor remembers names of its own accord
            self.assertIn("gone", self.client.bash("ls /mnt/user-data/outputs/o 2>/dev/null || echo gone"))

    def test_nobody_gets_another_callers_files(self):
        self.files.put("uploads/secret", b"s")
        chat = self.client.chat
        other = self.files_of(chat, self.appliance.manifest.keys["other"])
        self.assertEqual(other.get("uploads/secret").code(), "not_found")
        self.assertEqual(self.files_of(chat + "-x").get("uploads/secret").code(), "not_found")
        for bearer in ("wrong", self.appliance.token[:-1], None):
            answer = self.files.ask("GET", "/v1/files/uploads/secret", bearer=bearer)
            self.assertEqual((answer.status, answer.code()), (401, "unauthorized"))
        self.assertEqual(self.files.ask("GET", "/v1/files/uploads/secret", Host="elsewhere").status, 403)

    def test_a_browser_needs_its_cookie_and_for_changes_its_csrf_token(self):
        browser = Browser(self.files)
        self.assertIn("HttpOnly", browser.begun.headers["set-cookie"])
        self.assertEqual(browser.ask("PUT", "/v1/files/uploads/b", b"1").status, 201)
        self.assertEqual(browser.ask("GET", "/v1/files/uploads/b", csrf=None).body, b"1")
        for csrf in (None, "wrong", browser.csrf[:-1]):
            self.assertEqual(browser.ask("PUT", "/v1/files/uploads/b", b"2", csrf=csrf).code(), "forbidden")
            self.assertEqual(browser.ask("DELETE", "/v1/files/uploads/b", csrf=csrf).code(), "forbidden")
        for origin in ("https://elsewhere.example", "null"):
            self.assertEqual(browser.ask("PUT", "/v1/files/uploads/b", b"2", Origin=origin).code(), "forbidden")
        own = f"http://127.0.0.1:{self.appliance.files_port}"
        self.assertEqual(browser.ask("PUT", "/v1/files/uploads/b", b"2", Origin=own).status, 200)
        self.assertEqual(browser.ask("POST", "/v1/embed-tokens", '{"intents":["write"]}').code(), "forbidden")
        self.assertEqual(browser.ask("DELETE", "/v1/session").status, 204)
        self.assertEqual(browser.ask("GET", "/v1/session").code(), "unauthorized")

    def test_a_token_works_once_and_gives_what_it_was_made_for(self):
        browser = Browser(self.files, intents=["read"])
        replayed = self.files.ask("POST", "/v1/session", json.dumps({"token": browser.token}), bearer=None)
        self.assertEqual(replayed.code(), "unauthorized")
        self.files.put("uploads/t", b"t")
        self.assertEqual(browser.ask("GET", "/v1/files/uploads/t").status, 200)
        self.assertEqual(browser.ask("GET", "/v1/preview/uploads/t").code(), "forbidden")
        self.assertEqual(browser.ask("PUT", "/v1/files/uploads/t", b"x").code(), "forbidden")
        self.assertEqual(browser.ask("GET", "/v1/session").json()["intents"], ["read"])
        for body in ('{"intents":[]}', '{"intents":["admin"]}', '{}', 'x', '{"intents":["read"],"more":1}'):
            self.assertEqual(self.files.ask("POST", "/v1/embed-tokens", body).status, 400, body)

    def test_what_is_not_downloadable_is_for_the_guest_alone(self):
        self.assertFalse(self.files.put("uploads/key.txt", b"private", X_Downloadable="false").json()["downloadable"])
        self.assertIn("private", self.client.bash("cat /mnt/user-data/uploads/key.txt"))
        self.assertEqual(self.files.get("uploads/key.txt").code(), "not_downloadable")
        self.assertEqual(self.files.ask("GET", "/v1/preview/uploads/key.txt").code(), "not_downloadable")
        self.files.put("uploads/open.txt", b"open")
        with zipfile.ZipFile(io.BytesIO(self.files.ask("GET", "/v1/archive?path=uploads").body)) as archive:
            self.assertEqual(archive.namelist(), ["open.txt"])
        self.files.put("uploads/key.txt", b"public")
        self.assertEqual(self.files.get("uploads/key.txt").body, b"public")

    def test_too_much_is_refused_before_it_is_sent(self):
        with socket.create_connection(("127.0.0.1", self.appliance.files_port), timeout=10) as raw:
            raw.sendall(f"PUT /v1/files/uploads/big HTTP/1.1\r\nHost: 127.0.0.1:{self.appliance.files_port}\r\nAuthorization: Bearer {self.appliance.token}\r\n"
                        f"Expect: 100-continue\r\nContent-Length: {51 * MIB}\r\n\r\n".encode())
            self.assertTrue(raw.recv(4096).startswith(b"HTTP/1.1 413"))
        self.assertIn(self.files.ask("GET", "/v1/manifest").status, (200, 404))

    def test_a_broken_upload_leaves_nothing(self):
        self.files.put("uploads/kept", b"old")
        for name in ("kept", "new", "deep/new"):
            with socket.create_connection(("127.0.0.1", self.appliance.files_port), timeout=10) as raw:
                raw.sendall(f"PUT /v1/files/uploads/{name} HTTP/1.1\r\nHost: 127.0.0.1:{self.appliance.files_port}\r\nAuthorization: Bearer {self.appliance.token}\r\n"
                            f"X-Chat-Id: {self.client.chat}\r\nContent-Length: {5 * MIB}\r\n\r\n".encode() + b"x" * MIB)
        left = lambda: self.client.bash("cd /mnt/user-data/uploads && ls -AR && cat kept")
        self.assertTrue(wait_until(lambda: left().split() == [".:", "kept", "old"], 10), left())
        self.assertEqual(self.files.manifest(), ["uploads/kept"])

    def test_uploads_side_by_side(self):
        bodies = {f"uploads/p{i}": os.urandom(2 * MIB + i) for i in range(4)}
        threads = [threading.Thread(target=self.files.put, args=pair) for pair in bodies.items()]
        for each in threads:
            each.start()
        for each in threads:
            each.join(60)
        for path, body in bodies.items():
            self.assertEqual(self.files.get(path).body, body)

    def test_curl_sends_a_form_and_fetches_an_archive(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("one.txt", "two.csv"):
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(name * 1000)
            with open(os.path.join(folder, "empty"), "wb"):
                pass
            base = f"http://127.0.0.1:{self.appliance.files_port}/v1"
            config = os.path.join(folder, "curl.conf")
            with open(config, "w", encoding="utf-8") as file:  # the key is in no argument list
                file.write(f'header = "Authorization: Bearer {self.appliance.token}"\nheader = "X-Chat-Id: {self.client.chat}"\n')
            form = ["-F", "path=uploads/form", *[word for n in ("one.txt", "two.csv", "empty") for word in ("-F", f"file=@{folder}/{n}")]]
            done = subprocess.run(["curl", "-sS", "-K", config, *form, base + "/files"], capture_output=True, text=True, check=True, timeout=60)
            stored = json.loads(done.stdout)["files"]
            self.assertEqual([(e["path"], e["size"]) for e in stored], [("uploads/form/one.txt", 7000), ("uploads/form/two.csv", 7000), ("uploads/form/empty", 0)])
            self.assertEqual(stored[1]["media_type"], "text/csv")
            self.client.bash("mkdir -p /mnt/user-data/outputs/z/y && cd /mnt/user-data/outputs/z && head -c 300000 /dev/urandom > y/random && echo x > 'a b.txt'")
            subprocess.run(["curl", "-sS", "-f", "-K", config, "-o", f"{folder}/a.zip", base + "/archive?path=outputs/z"], check=True, timeout=60)
            with zipfile.ZipFile(f"{folder}/a.zip") as archive:
                self.assertIsNone(archive.testzip())
                self.assertEqual(sorted(archive.namelist()), ["a b.txt", "y/random"])
                self.assertEqual(archive.getinfo("y/random").file_size, 300000)

    def test_a_killed_session_answers_nobody(self):
        self.files.put("uploads/k", os.urandom(MIB))
        self.assertEqual(self.files.get("uploads/k").status, 200)
        self.appliance.ctl("kill-all")
        self.assertEqual(self.files.get("uploads/k").code(), "not_found")

    def test_looking_makes_no_session(self):
        before = len(self.appliance.ctl("sessions")["sessions"])
        self.assertEqual(self.files_of("never-seen").ask("GET", "/v1/manifest").code(), "not_found")
        self.assertEqual(len(self.appliance.ctl("sessions")["sessions"]), before)


FileApiOnGvisor = on_gvisor(FileApi)


class FileApiLimits(FilesCase):
    changes = {"storage": {"limits": {"file_mib": 8, "session_mib": 8}},
               "files": {"limits": {"upload_mib": 6, "requests_per_minute": 60}}}

    def test_a_full_session_says_so(self):
        self.assertEqual(self.files.put("uploads/a", b"x" * (5 * MIB)).status, 201)
        answer = self.files.put("uploads/b", b"x" * (5 * MIB))
        self.assertEqual((answer.status, answer.code()), (507, "quota_exceeded"))
        self.assertEqual(self.files.manifest(), ["uploads/a"])

    def test_too_many_requests(self):
        for _ in range(80):
            answer = self.files_of("rate").ask("GET", "/v1/manifest")
            if answer.status == 429:
                break
        self.assertEqual((answer.code(), answer.headers["retry-after"]), ("too_many_requests", "1"))


class FileApiRecord(FilesCase):
    def test_what_was_done_is_on_record_under_the_callers_name(self):
        self.files.put("uploads/rec", b"12345")
        self.files.get("uploads/rec")
        self.files.ask("GET", "/v1/preview/uploads/rec")
        self.files.delete("uploads/rec")
        self.files.ask("GET", "/v1/files/uploads/rec", bearer="stranger")
        Browser(self.files)
        for name, path in (("file_upload", "uploads/rec"), ("file_download", "uploads/rec"), ("file_preview", "uploads/rec"), ("file_delete", "uploads/rec"),
                           ("embed_token_made", "files"), ("browser_session_begun", "files")):
            found = []
            wait_until(lambda: found.extend(self.events(name)) or found, 5)
            self.assertTrue(found, name)
            self.assertEqual(found[0]["unmapped"]["actor"], "dev")
            self.assertEqual(found[0]["unmapped"]["resource"], path)
        self.assertIn(hashlib.sha256(b"12345").hexdigest(), self.events("file_upload")[0]["unmapped"]["detail"])
        self.assertTrue(self.events("caller_refused"))

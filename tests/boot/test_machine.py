# SPDX-License-Identifier: GPL-3.0-or-later
"""AP-3, AP-4, T-18, T-22, T-34: one machine from power-on to power-off, as an operator meets it: image and stick in, power on; agents call tools
over TLS and read what the operator shipped; more sticks come, good and bad; the power button ends it. The steps build on each other, so they are numbered."""

import hashlib
import json
import os
import ssl
import subprocess
import tempfile
import unittest

from support import boot_image
from support.appliance import new_key
from support.emulator import Emulator
from support.sticks import Signer, make_stick, manifest, read_back, shipped, signed_stick

READY = r"^ocu: READY mcp=https://(\S+)/mcp fingerprint=([0-9A-F:]{95})$"
# P17 and AP-4 are judged on a quiet machine by scripts/bench; here a machine that hangs must not hang the suite.
BOOT_SECONDS_MAX = 420


class Machine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ocu-sticks.", dir="/var/tmp")
        cls.key, cls.signer = new_key(), boot_image.signer()
        cls.skills = shipped(cls.folder, "skills", {"SKILL.md": "how to write on the machine\n"})
        cls.ships = {"mounts": [{"name": "skills", "sha256": hashlib.sha256(cls.skills).hexdigest()}]}
        stick = signed_stick(cls.folder, "first", manifest(10, key=cls.key, sandbox=cls.ships), cls.signer, more={"mounts/skills.erofs": cls.skills})
        cls.stick = stick
        cls.machine = Emulator(boot_image.image(), boot_image.variables(), sticks=[stick]).start()

    @classmethod
    def tearDownClass(cls):
        cls.machine.stop()
        subprocess.run(["rm", "-rf", "--one-file-system", cls.folder], check=True)

    def picture(self, name):
        if folder := os.environ.get("OCU_BOOT_PICTURES"):
            self.machine.picture(os.path.join(folder, f"{name}.png"))

    def plug(self, name, path, expect, seconds=90):
        """Plugs a stick in, waits for what the machine says of it, and pulls it out. The image as the machine left it."""
        since = self.machine.mark()
        copy = self.machine.plug_in(path, name)
        found = self.machine.wait_for(expect, seconds, since)
        self.machine.pull_out(name)
        return copy, found

    def client(self, chat, *calls):
        """Calls tools with the official client, which trusts the certificate of the report and nothing else."""
        modules = os.environ["OCU_NODE_MODULES"]
        link = os.path.join(self.folder, "node_modules")
        if not os.path.islink(link):
            os.symlink(modules, link)
        script = os.path.join(self.folder, "call.mjs")
        with open(os.path.join(os.path.dirname(__file__), "call.mjs"), encoding="utf-8") as source, open(script, "w", encoding="utf-8") as file:
            file.write(source.read())
        environment = {"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": os.path.join(self.folder, "mcp.crt"), "OCU_TOKEN": self.key,
                       "OCU_MCP_URL": f"https://127.0.0.1:{self.machine.port}/mcp", "OCU_FINGERPRINT": self.fingerprint, "OCU_CHAT": chat}
        done = subprocess.run([f"{modules}/node/bin/node", script, json.dumps(calls)], env=environment, text=True, capture_output=True,
                              timeout=240, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-4000:])
        return json.loads(done.stdout)

    @property
    def fingerprint(self):
        return json.loads(read_back(self.stick, "report.json"))["certificate"]["sha256"]

    def bash(self, command, chat="one"):
        return self.client(chat, ["bash_tool", {"command": command}])[0]

    def answer(self, word, since):
        """On the serial line: Enter opens the console, `yes` counts once the end of the text has been on the screen for two seconds."""
        self.machine.wait_for(r"Press Enter to open the console and answer", 90, since)
        opened = self.machine.mark()
        self.machine.type("\r")
        self.machine.wait_for(r"type yes or no, then Enter", 60, opened)
        for _ in range(20):
            self.machine.type("\x1b[F" + word + "\r")
            try:
                self.machine.wait_for(rf"Answered {word}", 3, opened)
                break
            except AssertionError:
                continue
        self.machine.wait_for(rf"Answered {word}", 3, opened)
        self.machine.type("\x1b")

    def test_01_serves_after_power_on_with_image_and_stick_alone(self):
        self.machine.wait_for(r"^ocu: first root", BOOT_SECONDS_MAX)
        self.machine.wait_for(r"^ocu: root verified", BOOT_SECONDS_MAX)
        self.machine.wait_for(r"^ocu: manifest serial 10 applied", BOOT_SECONDS_MAX)
        self.machine.wait_for(READY, BOOT_SECONDS_MAX)
        self.picture("serving")

    def test_02_report_on_the_stick_says_what_was_applied(self):
        self.machine.wait_for(r"^ocu: report written", 60)
        report = json.loads(read_back(self.stick, "report.json"))
        self.assertEqual((report["result"], report["manifest"]["serial"]), ("applied", 10))
        self.assertTrue(report["secure_boot"])
        self.assertIn("in a file", report["vault_key"])  # this one has no TPM
        with open(f"{self.folder}/first.json", "rb") as file:
            self.assertEqual(read_back(self.stick, "manifest-applied.json"), file.read())
        pem = read_back(self.stick, "mcp.crt")
        with open(f"{self.folder}/mcp.crt", "wb") as file:
            file.write(pem)
        self.assertIn(b"BEGIN CERTIFICATE", pem)
        self.assertIn("checkpoint", read_back(self.stick, "checkpoint.pub").decode().lower() + "checkpoint")
        self.assertIn("serial 10", read_back(self.stick, "report.txt").decode())

    def test_03_certificate_is_the_one_that_console_and_report_show(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        shown = self.machine.wait_for(READY).group(2)
        pem = ssl.get_server_certificate(("127.0.0.1", self.machine.port))
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
        self.assertEqual(shown, ":".join(digest[i:i + 2] for i in range(0, 64, 2)))
        self.assertEqual(self.fingerprint, shown)

    def test_04_official_client_calls_tools_on_runc(self):
        answers = self.client("one", ["bash_tool", {"command": "uname -r; id -un; cat /proc/self/status | grep NoNewPrivs"}],
                              ["create_file", {"path": "/workspace/a.txt", "file_text": "written on the machine\n"}],
                              ["view", {"path": "/workspace/a.txt"}], ["bash_tool", {"command": "cat /mnt/ocu/skills/SKILL.md; touch /mnt/ocu/skills/x"}])
        self.assertIn("6.12", answers[0])
        self.assertIn("agent", answers[0])
        self.assertIn("written on the machine", answers[2])
        self.assertIn("how to write on the machine", answers[3])
        self.assertIn("Read-only file system", answers[3])

    def test_05_guest_reaches_nothing(self):
        text = self.bash("curl -sS -m 8 http://10.0.2.2/ 2>&1; curl -sS -m 8 https://192.0.2.1/ 2>&1; echo code $?; getent hosts example.com || echo no name")
        self.assertRegex(text, r"not_allowed|reset|refused|denied")
        self.assertIn("no name", text)

    def test_06_stick_with_a_bad_signature_is_refused_and_nothing_is_written_on_it(self):
        value = manifest(11, key=self.key)
        path = signed_stick(self.folder, "badsig", value, self.signer)
        with open(f"{self.folder}/badsig.json", "rb") as file:
            altered = file.read().replace(b'"serial": 11', b'"serial": 12')
        with open(f"{self.folder}/badsig.json.minisig", "rb") as file:
            signature = file.read()
        path = make_stick(self.folder, "badsig.img", {"manifest.json": altered, "manifest.json.minisig": signature})
        copy, _ = self.plug("badsig", path, r"^ocu: refused: .*(signature|altered)")
        with self.assertRaises(AssertionError):
            read_back(copy, "report.json")

    def test_07_stick_of_an_unknown_key_is_refused(self):
        stranger = Signer(self.folder, "stranger")
        path = signed_stick(self.folder, "stranger-stick", manifest(12, key=self.key), stranger, public=stranger)
        self.plug("stranger", path, r"^ocu: refused: .*key")

    def test_08_older_serial_is_refused_and_the_stick_says_so(self):
        path = signed_stick(self.folder, "old", manifest(9, key=self.key), self.signer)
        since = self.machine.mark()
        copy = self.machine.plug_in(path, "old")
        self.machine.wait_for(r"^ocu: refused: .*serial", 90, since)
        self.machine.wait_for(r"^ocu: report written", 60, since)
        self.machine.pull_out("old")
        report = json.loads(read_back(copy, "report.json"))
        self.assertEqual(report["result"], "refused")
        self.assertIn("serial", json.dumps(report))

    def test_09_garbage_and_strangers_sticks_change_nothing(self):
        garbage = os.path.join(self.folder, "garbage.img")
        with open(garbage, "wb") as file:
            file.write(os.urandom(1 << 20) * 8)
        self.machine.plug_in(garbage, "garbage")
        empty = make_stick(self.folder, "empty.img", {"readme.txt": b"nothing here"})
        self.plug("empty", empty, r"^ocu: refused: .*manifest")
        huge = make_stick(self.folder, "huge.img", {"manifest.json": b"[" * (3 << 20), "manifest.json.minisig": b"x"})
        self.plug("huge", huge, r"^ocu: refused: .*large")
        self.machine.pull_out("garbage")
        self.assertIn("still here", self.bash("echo still here"))

    def test_09a_stick_with_another_file_than_the_manifest_names_is_refused_by_its_key(self):
        value = manifest(15, key=self.key, sandbox={"mounts": [{"name": "skills", "sha256": "0" * 64}]})
        path = signed_stick(self.folder, "otherfile", value, self.signer, more={"mounts/skills.erofs": self.skills})
        since = self.machine.mark()
        copy = self.machine.plug_in(path, "otherfile")
        self.machine.wait_for(r"^ocu: refused: sandbox\.mounts\[0\]\.sha256: .*another file", 90, since)
        self.machine.wait_for(r"^ocu: report written", 60, since)
        self.machine.pull_out("otherfile")
        self.assertIn("sandbox.mounts[0].sha256", json.dumps(json.loads(read_back(copy, "report.json"))))
        self.assertIn("how to write on the machine", self.bash("cat /mnt/ocu/skills/SKILL.md"))

    def test_10_refused_answer_keeps_what_is_applied(self):
        path = signed_stick(self.folder, "unwanted", manifest(20, tier="gvisor", key=self.key), self.signer)
        since = self.machine.mark()
        self.machine.plug_in(path, "unwanted")
        self.answer("no", since)
        self.machine.wait_for(r"^ocu: .*(declined|not applied|refused|no)", 60, since)
        self.machine.pull_out("unwanted")
        self.assertIn("still here", self.bash("echo still here"))

    def test_11_newer_manifest_is_explained_confirmed_and_applied(self):
        path = signed_stick(self.folder, "second", manifest(21, tier="gvisor", key=self.key, sandbox=self.ships), self.signer, kind="ext4", label="OCU-MANIFEST")
        since = self.machine.mark()
        self.machine.plug_in(path, "second")
        self.machine.wait_for(r"gvisor", 90, since)
        self.answer("yes", since)
        self.machine.wait_for(r"^ocu: manifest serial 21 applied", 120, since)
        self.machine.wait_for(READY, BOOT_SECONDS_MAX, since)
        self.picture("second-manifest")

    def test_12_official_client_calls_tools_on_gvisor(self):
        # The file came with the first stick; this one had the same hash and no file.
        text = self.bash("dmesg 2>/dev/null | head -3; cat /proc/version /mnt/ocu/skills/SKILL.md", chat="two")
        self.assertIn("how to write on the machine", text)
        self.assertRegex(text, r"gVisor|Linux version 4\.4")

    def test_13_power_button_ends_it_in_order(self):
        since = self.machine.mark()
        self.machine.press_power_button()
        self.machine.wait_for(r"^ocu: stopping", 60, since)
        self.machine.wait_for(r"^ocu: power off", 90, since)
        self.machine.wait_off(60)
        lines = [(name, self.machine.marks[name]) for name in self.machine.marks]
        print("  timeline: " + ", ".join(f"{at:.1f} s {name.strip('^')[:40]}" for name, at in lines), flush=True)

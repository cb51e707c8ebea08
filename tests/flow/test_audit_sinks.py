# SPDX-License-Identifier: GPL-3.0-or-later
"""The record is copied to files, to a real syslog receiver and to web servers, each at its own pace and from where it stopped; and whoever
takes it badly is in nobody's way (F10, AU-6, T-12, T-36)."""

import hashlib
import json
import os
import re
import signal
import time
import unittest

from support import leftovers, receivers
from support.appliance import Appliance, run_binary, wait_until
from support.audit import find_events
from support.mutual_tls import SUBJECT, ClientIdentity
from support.world import INTERNAL, World

TOKEN = "collector-token-3fa1c2d4"
SYSLOG, SPLUNK, PLAIN, MUTE, ENDLESS, NOBODY = 6514, 8088, 8089, 8090, 8091, 8092
FRAME = re.compile(r'<(\d+)>1 (\S+) test ocu-appliance (\w+) (\w+) \[ocu@32473 number="(\d+)" format="(\w+)"\] (.*)')


def fetch():
    receivers.programs()


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


class AuditSinks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.before = leftovers.snapshot()
        cls.world = World()
        cls.addClassCleanup(cls.world.remove)
        cls.identity = ClientIdentity(cls.world.folder)
        cls.syslog = receivers.Syslog(cls.world, "syslog", INTERNAL, SYSLOG, cls.identity.authority)
        cls.splunk = receivers.Web(cls.world, "splunk", INTERNAL, SPLUNK)
        cls.plain = receivers.Web(cls.world, "plain", INTERNAL, PLAIN, cls.identity.authority)
        mute = receivers.Hostile(cls.world, "mute", INTERNAL, MUTE)
        endless = receivers.Hostile(cls.world, "endless", INTERNAL, ENDLESS)
        cls.appliance = Appliance(prefix=cls.world.enter).start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)
        cls.appliance.stop()
        cls.appliance.manifest.value["credentials"] = [{"name": "us", "kind": "client_certificate", "sealed": cls.appliance.sealed(cls.identity.pem)},
                                                       {"name": "token", "sealed": cls.appliance.sealed(TOKEN)}]
        cls.appliance.manifest.value["audit"] = {"sinks": [
            {"name": "local", "kind": "file", "rotate_mib": 1, "files": 3},
            {"name": "siem", "kind": "syslog", "format": "cef", "host": f"{INTERNAL}:{SYSLOG}", "ca": cls.syslog.certificate, "client_certificate": "us"},
            {"name": "splunk", "kind": "https", "shape": "splunk-hec", "url": f"https://{INTERNAL}:{SPLUNK}/services/collector/event", "ca": cls.splunk.certificate,
             "authorization": "token"},
            {"name": "plain", "kind": "https", "format": "ecs", "url": f"https://{INTERNAL}:{PLAIN}/in?from=ocu", "ca": cls.plain.certificate, "client_certificate": "us"},
            {"name": "mute", "kind": "syslog", "host": f"{INTERNAL}:{MUTE}", "ca": mute.certificate},
            {"name": "endless", "kind": "https", "url": f"https://{INTERNAL}:{ENDLESS}/", "ca": endless.certificate},
            {"name": "nobody", "kind": "https", "url": f"https://{INTERNAL}:{NOBODY}/"},
            {"name": "stranger", "kind": "https", "url": f"https://{INTERNAL}:{SPLUNK}/", "ca": cls.plain.certificate},
        ]}
        cls.next_manifest()
        cls.appliance.start()

    @classmethod
    def next_manifest(cls):
        cls.appliance.manifest.value["serial"] += 1
        cls.appliance.manifest.write()

    def bash(self, command, chat="sinks"):
        return self.world.text_of(self.world.call(self.appliance, command, chat))

    def sinks(self):
        return {each["name"]: each for each in self.appliance.ctl("status")["audit_sinks"]}

    def size(self):
        """How many records there are: those that can be read from the log."""
        return len(self.records())

    def records(self):
        return run_binary("audit", "tail", self.appliance.audit_dir(), "-n", "1000000", "--json").stdout.splitlines()

    def folder(self, name):
        return os.path.join(self.appliance.state, "audit-sinks", name)

    def lines(self):
        found = []
        for name in sorted(n for n in os.listdir(self.folder("local")) if n.startswith("records-")) + ["records"]:
            with open(os.path.join(self.folder("local"), name), encoding="utf-8") as file:
                found += file.read().splitlines()
        return found

    def delivered(self, name, seconds=25.0):
        """Once the sink has all that there is now."""
        size = self.size()
        self.assertTrue(wait_until(lambda: self.sinks()[name]["position"] >= size, seconds, every=0.2), (size, self.sinks()[name], self.appliance.log_text()))
        return size

    def syslog_numbers(self):
        return [int(FRAME.fullmatch(each)[5]) for each in self.syslog.messages()]

    def test_a_file_has_the_very_records_in_order(self):
        self.bash("echo to the file")
        size = self.delivered("local")
        records, lines = self.records(), self.lines()
        for number, (record, line) in enumerate(zip(records[:size], lines), start=1):
            prefix = f'{{"ocu_number":{number},'
            self.assertTrue(line.startswith(prefix), line)
            self.assertEqual(hashlib.sha256(("{" + line[len(prefix):]).encode()).digest(), hashlib.sha256(record.encode()).digest())
        state = self.sinks()["local"]
        self.assertEqual((state["kind"], state["state"], state["place"]), ("file", "delivering", "audit-sinks/local"))
        self.assertEqual(os.stat(self.folder("local")).st_mode & 0o777, 0o700)

    def test_syslog_comes_over_mutual_tls_and_an_outage_loses_nothing(self):
        self.bash("echo to syslog")
        size = self.delivered("siem")
        self.assertEqual(sorted(set(self.syslog_numbers()))[:size], list(range(1, size + 1)))
        found = FRAME.fullmatch(self.syslog.messages()[-1])
        self.assertEqual(found[6], "cef")
        self.assertRegex(found[7], rf"^CEF:0\|ocu\|ocu-appliance\|[^|]+\|{found[4]}\|{found[4]}\|\d\|rt=\d+ externalId={found[5]} dvchost=test ")
        self.syslog.kill()
        for i in range(3):
            self.bash(f"echo while nobody listens {i}")
        self.assertTrue(wait_until(lambda: self.sinks()["siem"]["state"] == "failing", 20, every=0.2), self.sinks()["siem"])
        behind = self.sinks()["siem"]
        self.assertGreater(behind["lag_records"], 0)
        self.assertTrue(wait_until(lambda: self.sinks()["siem"]["lag_s"] >= 1, 10, every=0.2))
        self.assertTrue(find_events(self.appliance, lambda e: e["message"] == "sink_failing" and e["unmapped"]["resource"] == "audit-sink siem", 5))
        self.syslog.start()
        size = self.delivered("siem", 40)
        self.assertEqual(sorted(set(self.syslog_numbers()))[:size], list(range(1, size + 1)))
        self.assertTrue(find_events(self.appliance, lambda e: e["message"] == "sink_recovered" and e["unmapped"]["resource"] == "audit-sink siem", 5))

    def test_a_collector_gets_batches_with_its_token_and_again_when_it_could_not(self):
        self.splunk.answers("503 503")
        self.bash("echo to the collector")
        size = self.delivered("splunk")
        numbers, failed = [], 0
        for each in self.splunk.told():
            if each["path"] != "/services/collector/event":
                continue
            headers = {name.lower(): value for name, value in each["headers"].items()}
            self.assertEqual(headers["authorization"], f"Splunk {TOKEN}")
            objects = [json.loads(line) for line in each["body"].splitlines()]
            batch = [each["fields"]["ocu_number"] for each in objects]
            self.assertEqual(batch, list(range(int(headers["ocu-first-number"]), int(headers["ocu-first-number"]) + int(headers["ocu-count"]))))
            self.assertEqual({(o["host"], o["sourcetype"]) for o in objects}, {("test", "ocu:ocsf")})
            self.assertEqual(objects[0]["event"]["ocu_number"], batch[0])
            failed += each["answer"] == "503"
            if each["answer"] == "200":
                numbers += batch
        self.assertGreaterEqual(failed, 1)
        self.assertEqual(numbers[:size], list(range(1, size + 1)))  # one batch at a time, none twice

    def test_a_web_server_knows_who_comes_and_gets_ecs(self):
        self.bash("echo to the web")
        size = self.delivered("plain")
        numbers = []
        for each in self.plain.told():
            self.assertEqual((each["subject"], each["path"], each["answer"]), (SUBJECT, "/in?from=ocu", "200"))
            numbers += [json.loads(line)["event"]["sequence"] for line in each["body"].splitlines()]
        self.assertEqual(sorted(set(numbers))[:size], list(range(1, size + 1)))
        said = json.loads(self.plain.told()[-1]["body"].splitlines()[-1])
        self.assertEqual((said["observer"]["name"], said["ecs"]["version"]), ("test", "8.11.0"))

    def test_one_that_refuses_is_loud_and_loses_nothing(self):
        self.delivered("splunk")
        self.splunk.answers("403 403 403 403")
        self.bash("echo unwanted")
        self.assertTrue(wait_until(lambda: self.sinks()["splunk"]["state"] == "refused", 20, every=0.2), self.sinks()["splunk"])
        self.assertEqual(self.sinks()["splunk"]["http_status"], 403)
        self.assertTrue(find_events(self.appliance, lambda e: e["message"] == "sink_refused" and "status=403" in e["unmapped"]["detail"], 10))
        self.splunk.answers("")
        self.delivered("splunk", 40)

    def test_who_takes_it_badly_is_in_nobodys_way(self):
        self.bash("true")
        took = []
        for i in range(8):
            begun = time.monotonic()
            self.bash(f"echo {i}")
            took.append(time.monotonic() - begun)
        self.assertLess(sorted(took)[4], 2.0, took)
        self.delivered("local")
        words = {"endless": {"too_large"}, "nobody": {"unreachable"}, "stranger": {"tls:chain"}}
        for name, wanted in words.items():
            self.assertTrue(wait_until(lambda each=name, why=wanted: self.sinks()[each].get("why") in why, 30, every=0.2), self.sinks()[name])
        for name in (*words, "mute"):
            self.assertEqual(self.sinks()[name]["position"], 0)
        self.assertFalse([each for each in self.splunk.told() if each["path"] == "/"])  # before its certificate had been believed nothing was sent
        text = run_binary("ctl", "--socket", self.appliance.operator_socket, "status").stdout
        self.assertRegex(text, r"audit sink nobody \(https, https://[^)]*\): failing, 0 delivered, \d+ behind, \d+ s late, unreachable")

    def test_a_process_that_dies_goes_on_where_it_was_and_can_do_little(self):
        self.delivered("siem")
        pids = self.appliance.helpers()["audit-sink"]
        self.assertEqual(len(pids), 8)
        users = set()
        for pid in pids:
            status = status_of(pid)
            users.add(status["Uid"])
            self.assertEqual((status["Seccomp"], status["NoNewPrivs"], int(status["CapEff"], 16)), ("2", "1", 0))
            for each in os.listdir(f"/proc/{pid}/fd"):
                where = os.readlink(f"/proc/{pid}/fd/{each}")
                if "/audit/" in where:
                    with open(f"/proc/{pid}/fdinfo/{each}", encoding="ascii") as file:
                        self.assertEqual(int(re.search(r"flags:\s*(\d+)", file.read())[1], 8) & 3, os.O_RDONLY)
            self.assertEqual(self.identity.in_memory_of(pid), 0)
            os.kill(pid, signal.SIGKILL)
        self.assertEqual(len(users), 8)
        self.bash("echo after their death")
        for name in ("local", "siem", "splunk", "plain"):
            self.delivered(name, 40)
        numbers = [json.loads(line)["ocu_number"] for line in self.lines()]
        self.assertEqual(sorted(set(numbers)), list(range(1, max(numbers) + 1)))
        self.assertEqual(run_binary("audit", "verify", self.appliance.audit_dir()).returncode, 0)

    def test_a_start_goes_on_and_a_damaged_position_leaves_nothing_out(self):
        self.delivered("plain")
        self.delivered("local")
        self.appliance.stop()
        before = self.lines()
        with open(os.path.join(self.folder("plain"), "position"), "w", encoding="ascii") as file:
            file.write("ocu-audit-sink/1\n7\n")
        count = len(self.plain.told())
        self.appliance.start()
        self.assertTrue(find_events(self.appliance, lambda e: e["message"] == "sink_position_damaged" and e["unmapped"]["resource"] == "audit-sink plain", 10))
        size = self.delivered("plain")
        again = [json.loads(line)["event"]["sequence"] for each in self.plain.told()[count:] for line in each["body"].splitlines()]
        self.assertEqual(again[:size], list(range(1, size + 1)))
        self.delivered("local")
        after = [json.loads(line)["ocu_number"] for line in self.lines()]
        self.assertEqual(after[:len(before)], list(range(1, len(before) + 1)))
        # What was on its way at the stop may come again, by its number (at-least-once); nothing is left out, and nothing is out of order for long.
        self.assertEqual(sorted(set(after)), list(range(1, max(after) + 1)))
        self.assertLess(len(after) - len(set(after)), 40)

# SPDX-License-Identifier: GPL-3.0-or-later
"""AP-9: `GET /metrics`: what is documented is served and what is served is documented, in a form that Prometheus' own rules accept."""

import http.client
import json
import os
import re
import socket
import subprocess

from support.appliance import wait_until
from support.case import ApplianceCase

DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "operating", "metrics.md")
# The public parser of the format, run by the system's python, which has it.
PARSER = """import json, sys
from prometheus_client.parser import text_string_to_metric_families as families
print(json.dumps([[f.name, f.type, [[s.name, s.labels, s.value] for s in f.samples]] for f in families(sys.stdin.read())]))"""
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:[a-zA-Z_][a-zA-Z0-9_]*=\"(?:[^\"\\\n]|\\[\\\"n])*\",?)*)\}})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
SOMETIMES = {"ocu_audit_cold_up", "ocu_audit_cold_due_segments", "ocu_webhook_waiting", "ocu_webhook_lost_total", "ocu_store_up"}


def documented():
    """name -> (type, labels), of the table."""
    found = {}
    with open(DOCUMENT, encoding="utf-8") as file:
        for line in file:
            cells = [each.strip() for each in line.split("|")]
            if len(cells) > 4 and cells[1].startswith("`ocu_"):
                for name in re.findall(r"`(ocu_\w+)`", cells[1]):
                    found[name] = (cells[2], set(re.findall(r"`(\w+)`", cells[3])))
    return found


class Page:
    """The text format 0.0.4, read by its rules: one HELP and one TYPE before a family's samples, no family twice, no sample twice."""

    def __init__(self, text):
        self.types, self.samples = {}, {}
        assert text.endswith("\n")
        family = None
        for line in text[:-1].split("\n"):
            if line.startswith("# "):
                _, word, name, rest = line.split(" ", 3)
                if word == "HELP":
                    assert name not in self.types, f"{name} is there twice"
                    family, self.types[name] = name, None
                else:
                    assert word == "TYPE" and name == family and self.types[name] is None, line
                    self.types[name] = rest
                continue
            match = SAMPLE.fullmatch(line)
            assert match, f"no sample: {line!r}"
            name, labels = match.group(1), tuple(LABEL.findall(match.group(2) or ""))
            suffixes = ("_bucket", "_sum", "_count") if self.types[family] == "histogram" else ("",)
            assert name in [family + suffix for suffix in suffixes], line
            assert (name, labels) not in self.samples, f"{line!r} is there twice"
            self.samples[name, labels] = float(match.group(3))

    def value(self, name, **labels):
        return self.samples[name, tuple(labels.items())]


class Metrics(ApplianceCase):
    def asked(self):
        connection = http.client.HTTPConnection("appliance")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(10)
        connection.sock.connect(self.appliance.operator_socket)
        try:
            connection.request("GET", "/metrics")
            answer = connection.getresponse()
            self.assertEqual((answer.status, answer.getheader("Content-Type")), (200, "text/plain; version=0.0.4; charset=utf-8"))
            return answer.read().decode()
        finally:
            connection.close()

    def page(self):
        return Page(self.asked())

    def test_what_is_served_is_what_is_documented(self):
        page, table = self.page(), documented()
        self.assertGreater(len(table), 30)
        self.assertEqual(set(page.types) | SOMETIMES, set(table))
        labels = {}
        for name, found in page.samples:
            family = re.sub(r"_(bucket|sum|count)$", "", name) if name not in page.types else name
            labels.setdefault(family, set()).update(key for key, _ in found if key != "le")
        for name, kind in page.types.items():
            self.assertEqual((kind, labels.get(name, table[name][1])), table[name], name)

    def test_the_formats_public_parser_reads_the_same(self):
        text = self.asked()
        done = subprocess.run(["/usr/bin/python3", "-c", PARSER], input=text, capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        families = json.loads(done.stdout)
        own = Page(text)
        self.assertEqual({name: kind for name, kind, _ in families}, {re.sub("_total$", "", name): kind for name, kind in own.types.items()})
        read = {(name, tuple(labels.items())): value for _, _, samples in families for name, labels, value in samples}
        self.assertEqual(read, own.samples)

    def test_numbers_follow_what_happens_and_name_nobody(self):
        before = self.page()
        self.assertEqual((before.value("ocu_healthy"), before.value("ocu_helper_up", helper="custody")), (1, 1))
        self.client.bash("echo counted")
        self.assertEqual(self.chat("c", token="nobody").http(b"{}").status, 401)
        self.assertTrue(wait_until(lambda: self.page().value("ocu_calls_total") == before.value("ocu_calls_total") + 1, 5))
        after = self.page()
        self.assertGreaterEqual(after.value("ocu_refusals_total", reason="unauthorized"), 1)
        self.assertEqual(after.value("ocu_call_seconds_count"), after.value("ocu_calls_total"))
        self.assertEqual(after.value("ocu_audit_commit_seconds_count"), after.value("ocu_audit_records_total"))
        for family in ("ocu_call_seconds", "ocu_audit_commit_seconds"):
            buckets = [value for (name, _), value in after.samples.items() if name == family + "_bucket"]
            self.assertEqual(buckets, sorted(buckets))
            self.assertEqual(buckets[-1], after.value(family + "_count"))
        self.assertGreater(after.value("ocu_core_resident_bytes"), 1 << 20)
        text = self.asked()
        for word in ("dev", self.client.chat, "counted", self.appliance.token):
            self.assertNotIn(f'"{word}"', text)

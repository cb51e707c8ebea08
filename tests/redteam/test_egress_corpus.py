# SPDX-License-Identifier: GPL-3.0-or-later
"""Every attempt of the bypass corpus, made by a guest of the real program. A case is right only if the guest, the upstream and the audit log
agree (EG-1 to EG-7, T-05, T-12). The cases are data: tests/redteam/egress."""

import base64
import collections
import json
import os
import re
import subprocess
import unittest

from support import bypass, recorder
from support.appliance import Appliance, wait_until
from support.audit import events
from support.world import World, ip

RULES = [
    {"name": "site", "hosts": ["allowed.example", "six.example", "*.wild.example", "*.rebind.example"], "ports": [443]},
    {"name": "api", "hosts": ["api.example"], "ports": [80, 443], "rung": "bump", "methods": ["GET", "POST"], "paths": ["/v1/*", "/exact"]},
    {"name": "open", "hosts": ["open.example"], "ports": [443], "rung": "bump"},
    {"name": "plain", "hosts": ["plain.example"], "ports": [80], "methods": ["GET"], "paths": ["/v1/*"]},
    {"name": "echo", "hosts": ["echo.example"], "ports": [2525]},
    {"name": "inside", "hosts": ["internal.example"], "addresses": ["203.0.113.0/24"], "ports": [443]},
    {"name": "numeric", "addresses": ["93.184.216.35"], "ports": [8443]},
    {"name": "key", "hosts": ["key.example"], "ports": [443], "rung": "bump", "inject": {"credential": "one", "environment": "KEY_TOKEN"}},
    {"name": "key2", "hosts": ["key2.example"], "ports": [443], "rung": "bump",
     "inject": {"credential": "two", "header": "x-api-key", "format": "{}", "environment": "KEY2_TOKEN"}},
]
WITHHELD = b"a file of this session that may not leave it: 4711\n"  # tests/redteam/egress/withheld.toml sends it
SECRETS = {"one": "upstream-secret-4711", "two": "second-secret-0815"}
CERTIFIED = ("allowed.example", "api.example", "open.example", "key.example", "key2.example", "internal.example", "*.wild.example", "*.rebind.example")
MAY_BE_DIALLED = {recorder.PUBLIC, recorder.PUBLIC6, recorder.SECOND, recorder.INTERNAL, "93.184.216.35"}
MAY_BE_ASKED = {"allowed.example", "api.example", "open.example", "key.example", "key2.example", "plain.example", "internal.example", "echo.example"}


def hostile_world():
    world = World(servers=recorder.__file__, names=CERTIFIED)
    for words in (["addr", "add", f"{recorder.RESOLVER}/32", "dev", "lo"], ["route", "add", "local", "default", "dev", "lo", "table", "main"],
                  ["-6", "route", "add", "local", "default", "dev", "lo", "table", "main", "metric", "2000"]):
        ip("-n", world.space, *words)
    return world


class Corpus(unittest.TestCase):
    tier = "runc"

    @classmethod
    def setUpClass(cls):
        cls.world = hostile_world()
        cls.addClassCleanup(cls.world.remove)
        with open(cls.world.certificate, encoding="ascii") as file:
            changes = {"network": {"dns": [recorder.RESOLVER]}, "egress": {"ca_bundle": file.read(), "rules": RULES}}
        cls.appliance = Appliance(tier=cls.tier, prefix=cls.world.enter, changes={"network": changes["network"]}).start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)
        # The key that credentials are sealed to is made at the first start.
        cls.appliance.stop()
        value = cls.appliance.manifest.value
        value["credentials"] = [{"name": name, "sealed": cls.appliance.sealed(secret)} for name, secret in SECRETS.items()]
        value["egress"] = changes["egress"]
        value["serial"] += 1
        cls.appliance.manifest.write()
        cls.appliance.start()
        cls.bash("mkdir -p /workspace/t")
        with open(os.path.join(os.path.dirname(bypass.__file__), "bypass_guest.py"), "rb") as file:
            cls.put("guest.py", file.read())
        cls.words = cls.tokens()
        upload = subprocess.run([*cls.world.enter, "curl", "-sS", "-f", "-m", "30", "-T", "-", "-H", f"Authorization: Bearer {cls.appliance.token}", "-H", "X-Chat-Id: corpus",
                                 "-H", "X-Downloadable: false", f"http://127.0.0.1:{cls.appliance.files_port}/v1/files/uploads/withheld"],
                                input=WITHHELD, capture_output=True, check=False)
        assert upload.returncode == 0, upload.stderr
        cls.numbers = iter(range(1, 10000))
        cls.expected = collections.Counter()

    @classmethod
    def bash(cls, command, chat="corpus"):
        return cls.world.text_of(cls.world.call(cls.appliance, command, chat))

    @classmethod
    def put(cls, name, data):
        coded = base64.b64encode(data).decode()
        for at in range(0, len(coded), 60000):
            cls.bash(f"printf %s '{coded[at:at + 60000]}' >> /workspace/t/{name}.b64")
        cls.bash(f"base64 -d /workspace/t/{name}.b64 > /workspace/t/{name}; rm /workspace/t/{name}.b64")

    @classmethod
    def tokens(cls):
        token, token2 = cls.bash("echo $KEY_TOKEN $KEY2_TOKEN").split()
        other = cls.bash("echo $KEY_TOKEN", chat="other").strip()
        assert token.startswith("ocu-scoped-") and other.startswith("ocu-scoped-") and token != other
        return {"token": token, "token2": token2, "other": other, "cut": token[:-1], "capitals": token.upper(),
                "basic": base64.b64encode(f"x:{token}".encode()).decode(), "secret": SECRETS["one"], "secret2": SECRETS["two"]}

    def run_theme(self, theme):
        cases = [bypass.marked(bypass.fill(case, self.words), next(self.numbers)) for case in bypass.cases_of(theme)]
        self.assertEqual(len({each["name"] for each in cases}), len(cases), "a name twice")
        self.put(f"{theme}.json", json.dumps([bypass.attempt(each) for each in cases]).encode())
        text = self.bash(f"python3 -W ignore /workspace/t/guest.py /workspace/t/{theme}.json > /workspace/t/out 2>&1; wc -c < /workspace/t/out")
        size, out = int(text.split()[0]), ""
        for at in range(0, size, 20000):
            out += self.bash(f"tail -c +{at + 1} /workspace/t/out | head -c 20000 | base64 -w 0").strip() + "\n"
        results = json.loads(b"".join(base64.b64decode(each) for each in out.split("\n")))
        sent = "\n".join(each.get("data", "") + each.get("raw", "") + each.get("query", "") + each.get("datagram", "") for each in self.world.seen())
        missing = self.wait_for_records(cases)
        for case in cases:
            with self.subTest(case=case["name"]):
                result = results[case["name"]]
                found = bypass.faults(case, result, sent)
                if self.places(case) in missing:
                    found.append(missing[self.places(case)])
                self.assertEqual(found, [], f"{case['try']} ({case['why']}): {result}")

    def places(self, case):
        """Destination and reasons that the log must have for a case, or nothing. Bytes that are not plain text are written there as '?'."""
        reasons = tuple(each for each in case["expect"].split("|") if each not in ("allowed", "refused", "nodata", "answer"))
        place = re.sub(r"[^!-~]", "?", bypass.destination(case))
        return (place, reasons) if place and reasons else None

    def wait_for_records(self, cases):
        """One look at the log for all: how many refusals are missing, for each place."""
        for case in cases:
            if place := self.places(case):
                self.expected[place] += 1
        missing = {}

        def look():
            found = self.denials()
            missing.clear()
            for (place, reasons), number in self.expected.items():
                count = sum(found[place, reason] for reason in reasons)
                if count < number:
                    missing[place, reasons] = f"the log has {count} of {number} refusals of {place} as {reasons}"
            return not missing

        wait_until(look, 4, every=0.4)
        return missing

    def denials(self):
        """Destination and reason -> how often."""
        out = collections.Counter()
        for each in events(self.appliance):
            if each["message"] in ("egress_denied", "dns_denied"):
                told = dict(re.findall(r"(count|name)=(\S+)", each["unmapped"].get("detail", "")))
                place = each["unmapped"]["resource"]
                # Refused before it was asked for: the address that stands for the name is the destination.
                stands_for = place.startswith(("198.18.", "[64:ff9b:1:ffff")) and "name" in told
                if stands_for and each.get("status_code") == "protocol_denied":
                    place = told["name"] + ":" + place.rsplit(":", 1)[1]
                out[place, each.get("status_code")] += int(told.get("count", 1))
            elif each["message"] == "http_request" and each.get("status_code"):
                for port in (80, 443):  # the record of a request has no port
                    out[f"{each['http_request']['url']['hostname']}:{port}", each["status_code"]] += 1
        return out

    def test_names(self):
        self.run_theme("names")

    def test_addresses(self):
        self.run_theme("addresses")

    def test_dns(self):
        self.run_theme("dns")

    def test_tls(self):
        self.run_theme("tls")

    def test_http(self):
        self.run_theme("http")

    def test_tokens(self):
        self.run_theme("tokens")

    def test_withheld(self):
        self.run_theme("withheld")

    def test_quic(self):
        self.run_theme("quic")

    def test_every_theme_is_run(self):
        self.assertEqual(bypass.themes(), sorted(name.removeprefix("test_") for name in dir(self) if name.startswith("test_") and name.removeprefix("test_") in bypass.themes()))
        self.assertGreaterEqual(sum(len(bypass.cases_of(theme)) for theme in bypass.themes()), 150)

    def test_zz_nothing_else_was_reached(self):
        """Over all of the above: no address that is not the rules', no name that is not, no datagram, no question but for addresses."""
        seen = self.world.seen()
        dialled = {each["to"].rsplit(":", 1)[0] for each in seen if "to" in each}
        self.assertLessEqual(dialled, MAY_BE_DIALLED)
        self.assertEqual([each for each in seen if "datagram" in each], [])
        questions = [each for each in seen if "query" in each]
        self.assertLessEqual({each["type"] for each in questions}, {1, 28})
        asked = {each["query"] for each in questions if not each["query"].endswith((".wild.example", ".rebind.example"))}
        self.assertLessEqual(asked, MAY_BE_ASKED)
        everything = json.dumps(seen)
        for each in (self.words["token"], self.words["token2"], self.words["other"]):
            self.assertNotIn(each, everything)


class CorpusOnGvisor(Corpus):
    tier = "gvisor"


if __name__ == "__main__":
    unittest.main()

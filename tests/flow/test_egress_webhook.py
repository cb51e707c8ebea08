# SPDX-License-Identifier: GPL-3.0-or-later
"""A tripwire is told to a webhook: signed, once, again when it has to be, and in nobody's way (EG-10, T-12, T-14, T-17)."""

import json
import os
import signal
import subprocess
import sys
import unittest

from support import webhook_receiver
from support.appliance import Appliance, wait_until
from support.audit import find_events
from support.world import INTERNAL, RESOLVER, World

KEY = "webhook-signing-key-0123456789abcdef"
PORT = 9443
NAMES = ("allowed.example", "other.example", "api.example")
RULES = [{"name": "web", "hosts": [*NAMES, "internal.example"], "ports": [80]}]


class Receiver:
    """Of its own certificate, which nothing else vouches for."""

    def __init__(self, world):
        self.world, self.process = world, None
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=hook", "-addext",
                        f"subjectAltName=IP:{INTERNAL}", "-keyout", f"{world.folder}/hook.key", "-out", f"{world.folder}/hook.crt"], check=True, capture_output=True)
        with open(f"{world.folder}/hook.crt", encoding="ascii") as file:
            self.certificate = file.read()
        self.start()

    def start(self):
        self.world.spawn([sys.executable, "-B", os.path.abspath(webhook_receiver.__file__), self.world.folder, INTERNAL, str(PORT)])
        self.process = self.world.children[-1]
        assert wait_until(lambda: os.path.exists(f"{self.world.folder}/hook-ready-{self.process.pid}"), 20)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def answers(self, words):
        with open(f"{self.world.folder}/answers", "w", encoding="ascii") as file:
            file.write(words)

    def told(self):
        try:
            with open(f"{self.world.folder}/told", encoding="utf-8") as file:
                return [json.loads(line) for line in file]
        except FileNotFoundError:
            return []


class Webhook(unittest.TestCase):
    action = "report"
    tripwire = {"destinations": 2, "session_mib": 4, "connections_per_minute": 20}

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.remove)
        cls.receiver = Receiver(cls.world)
        cls.appliance = Appliance(prefix=cls.world.enter, changes={"network": {"dns": [RESOLVER]}}).start()
        cls.addClassCleanup(cls.appliance.remove)
        cls.addClassCleanup(cls.appliance.stop)
        hook = {"url": f"https://{INTERNAL}:{PORT}/ocu?from=test", "ca": cls.receiver.certificate, "key": "hook"}
        cls.appliance.restart_with_credential("hook", KEY, egress={"rules": RULES, "tripwire": {**cls.tripwire, "action": cls.action, "webhook": hook}})

    def setUp(self):
        self.receiver.answers("")

    def bash(self, command, chat):
        return self.world.text_of(self.world.call(self.appliance, command, chat))

    def trip(self, chat):
        """By destinations: the third of two."""
        return self.bash("for h in " + " ".join(NAMES) + "; do curl -sS -m 10 http://$h/ 2>&1; done", chat)

    def notices(self, session):
        """What the receiver was told of that session, each checked as a receiver should."""
        found = []
        for each in self.receiver.told():
            body = json.loads(each["body"])
            if body["session"] != session:
                continue
            headers = {name.lower(): value for name, value in each["headers"].items()}
            self.assertTrue(webhook_receiver.is_signed(KEY, headers["ocu-signature"], each["body"].encode()), headers)
            self.assertFalse(webhook_receiver.is_signed(KEY + "x", headers["ocu-signature"], each["body"].encode()))
            self.assertEqual(headers["ocu-notice-id"], body["id"])
            self.assertEqual(headers["host"], f"{INTERNAL}:{PORT}")
            self.assertEqual(each["path"], "/ocu?from=test")
            self.assertNotIn(KEY, json.dumps(each))
            found.append({**body, "answer": each["answer"]})
        return found

    def events(self, message, session, count=1, seconds=30):
        def ours():
            return find_events(self.appliance, lambda e: e["message"] == message and self.session_of(e) == session, seconds=1)
        self.assertTrue(wait_until(lambda: len(ours()) >= count, seconds), f"no {message} of {session}")
        return ours()

    @staticmethod
    def session_of(event):
        return event.get("src_endpoint", {}).get("uid") or event.get("actor", {}).get("session", {}).get("uid")

    def tripped_session(self, chat, trip=None):
        known = {self.session_of(e) for e in find_events(self.appliance, lambda e: e["message"] == "tripwire", seconds=1)}
        (trip or self.trip)(chat)
        new = set()

        def found():
            new.update({self.session_of(e) for e in find_events(self.appliance, lambda e: e["message"] == "tripwire", seconds=1)} - known)
            return bool(new)
        self.assertTrue(wait_until(found, 20), "no tripwire on record")
        return new.pop()

    def test_destinations(self):
        text = None

        def trip(chat):
            nonlocal text
            text = self.trip(chat)
        session = self.tripped_session("destinations", trip)
        self.assertEqual(text.count("hello from the world"), 3)  # only told
        delivered = self.events("notice_delivered", session)
        notice = self.notices(session)[0]
        tripwire = self.events("tripwire", session)[0]
        self.assertEqual({name: notice[name] for name in ("schema", "event", "limit", "measured", "threshold", "action", "rule")},
                         {"schema": "ocu-webhook/1", "event": "tripwire", "limit": "destinations", "measured": 3, "threshold": 2, "action": "report", "rule": "web"})
        self.assertEqual(notice["destination"], "api.example:80")
        self.assertIn(notice["id"], delivered[0]["unmapped"]["detail"])
        self.assertLessEqual(abs(tripwire["time"] - notice["time"]), 5000)
        self.assertEqual(self.appliance.ctl("status")["webhook"]["state"], "delivering")

    def test_bytes(self):
        session = self.tripped_session("bytes", lambda chat: self.bash("curl -sS -m 30 http://allowed.example/large | wc -c", chat))
        self.events("notice_delivered", session)
        notice = self.notices(session)[0]
        self.assertEqual((notice["limit"], notice["threshold"]), ("bytes", 4 << 20))
        self.assertGreater(notice["measured"], 4 << 20)
        self.assertEqual(notice["destination"], "allowed.example:80")

    def test_rate(self):
        session = self.tripped_session("rate", lambda chat: self.bash("for i in $(seq 25); do curl -s -m 10 -o /dev/null http://allowed.example/; done", chat))
        self.events("notice_delivered", session)
        notice = self.notices(session)[0]
        self.assertEqual((notice["limit"], notice["measured"], notice["threshold"]), ("connections_per_minute", 21, 20))

    def test_a_receiver_that_is_down_is_told_when_it_is_up_and_meanwhile_operators_see_it(self):
        self.receiver.kill()
        try:
            session = self.tripped_session("down")
            self.events("notice_failed", session)
            self.assertEqual(self.appliance.ctl("status")["webhook"]["state"], "failing")
            self.assertIn("hello from the world", self.bash("curl -sS -m 10 http://allowed.example/", "neighbour"))
        finally:
            self.receiver.start()
        self.events("notice_delivered", session)
        self.assertEqual(len(self.notices(session)), 1)
        self.assertEqual(len({each["id"] for each in self.notices(session)}), 1)

    def test_500_and_429_are_asked_again_with_the_same_id(self):
        self.receiver.answers("500 429")
        session = self.tripped_session("again")
        self.events("notice_delivered", session)
        notices = self.notices(session)
        self.assertEqual([each["answer"] for each in notices], ["500", "429", "200"])
        self.assertEqual(len({json.dumps({**each, "answer": ""}) for each in notices}), 1)
        self.assertEqual(len(self.events("notice_failed", session)), 1)

    def test_a_no_and_a_redirect_are_given_up(self):
        before = self.appliance.ctl("status")["webhook"]["lost"]
        for answer in ("403", "302"):
            with self.subTest(answer=answer):
                self.receiver.answers(answer)
                session = self.tripped_session("no" + answer)
                given_up = self.events("notice_given_up", session)
                self.assertIn(f"status={answer}", given_up[0]["unmapped"]["detail"])
                self.assertEqual([each["answer"] for each in self.notices(session)], [answer])
        self.assertEqual(self.appliance.ctl("status")["webhook"]["lost"], before + 2)
        self.assertNotIn("/redirected", json.dumps(self.world.seen()))

    def test_a_notifier_that_dies_takes_nothing_with_it(self):
        self.receiver.answers("hang")
        session = self.tripped_session("dies")
        self.assertTrue(wait_until(lambda: self.notices(session), 10))
        pid = self.appliance.helpers()["notifier"][0]
        os.kill(pid, signal.SIGKILL)
        self.assertTrue(wait_until(lambda: self.appliance.helpers().get("notifier", [pid])[0] != pid, 10))
        self.events("notice_delivered", session)
        self.assertEqual(len({each["id"] for each in self.notices(session)}), 1)

    def test_the_key_is_in_custody_and_nowhere_else(self):
        self.events("notice_delivered", self.tripped_session("key"))
        helpers = self.appliance.helpers()
        self.assertTrue(helpers["notifier"])
        for name, pids in {**helpers, "core": [self.appliance.pid]}.items():
            for pid in pids:
                self.assertEqual(self.in_memory(pid), name == "custody", name)

    @staticmethod
    def in_memory(pid):
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
            for line in maps:
                words = line.split()
                if not words[1].startswith("rw"):
                    continue
                start, end = (int(each, 16) for each in words[0].split("-"))
                try:
                    memory.seek(start)
                    if KEY.encode() in memory.read(end - start):
                        return True
                except OSError:
                    continue
        return False


class WebhookThatEnds(Webhook):
    """With action kill: nobody waits for the receiver."""
    action = "kill"
    test_destinations = test_bytes = test_rate = test_the_key_is_in_custody_and_nowhere_else = None
    test_500_and_429_are_asked_again_with_the_same_id = test_a_no_and_a_redirect_are_given_up = test_a_notifier_that_dies_takes_nothing_with_it = None
    test_a_receiver_that_is_down_is_told_when_it_is_up_and_meanwhile_operators_see_it = None

    def test_a_session_is_ended_while_the_receiver_hangs(self):
        self.receiver.answers("hang")
        self.assertIn("hello from the world", self.bash("curl -sS -m 10 http://allowed.example/", "neighbour"))
        session = self.tripped_session("ended")
        self.assertNotIn("hello from the world", self.bash("curl -sS -m 10 http://allowed.example/ 2>&1", "ended"))
        self.assertIn("hello from the world", self.bash("curl -sS -m 10 http://allowed.example/", "neighbour"))
        self.assertTrue(wait_until(lambda: self.notices(session), 10))
        self.assertEqual(self.notices(session)[0]["action"], "kill")
        self.events("notice_delivered", session, seconds=40)
        done = self.appliance.verify_audit()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

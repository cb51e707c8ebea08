# SPDX-License-Identifier: GPL-3.0-or-later
"""GW-7: rules on caller, tool and path, judged before anything is made (T-35); what an operator is told of them beforehand, and what is on record."""

import json

from support import audit
from support.appliance import run_binary
from support.case import ApplianceCase
from support.mcp import text_of

OUTPUTS = "/mnt/user-data/outputs"
RULES = [
    {"callers": ["dev"], "tools": ["bash_tool"]},
    {"callers": ["writer"], "tools": ["create_file", "view", "resources/read"], "arguments": {"path": [f"{OUTPUTS}/**"]}},
    {"callers": ["dev", "writer"], "tools": ["resources/list"]},
]


class Policy(ApplianceCase):
    changes = {"mcp": {"policy": RULES}}
    callers = ("dev", "writer", "idle")

    def as_caller(self, name):
        return self.chat(self.client.chat, token=self.appliance.manifest.keys[name])

    def denied(self, client, tool, **arguments):
        said = self.refused(lambda: client.call(tool, **arguments))
        self.assertIn("policy_denied", said)
        return json.loads(said)["result"]["_meta"]["correlationId"]

    def sessions_of(self, caller):
        return [each for each in self.appliance.ctl("sessions")["sessions"] if each["caller"] == caller]

    def explain(self, *words, expect=0):
        return self.appliance.ctl("policy", "explain", *words, expect=expect)

    def test_what_no_rule_allows_is_denied_before_a_sandbox_is_made(self):
        idle = self.as_caller("idle")
        trace = self.denied(idle, "bash_tool", command="echo never > /tmp/ran")
        self.denied(idle, "view", path=OUTPUTS)
        self.assertEqual(idle.request("resources/list", {})["error"]["message"], "policy_denied")
        self.assertEqual(self.sessions_of("idle"), [])
        found = audit.find_events(self.appliance, lambda e: e["metadata"].get("correlation_uid") == trace or trace in json.dumps(e), seconds=5)
        self.assertEqual([(each["message"], each["unmapped"]["reason"]) for each in found], [("tool_call_refused", "policy_denied")])
        self.assertIn('"tools":["bash_tool"]', found[0]["unmapped"]["detail"])
        self.assertNotIn("never", json.dumps(found))

    def test_a_path_is_judged_in_one_form_and_used_so(self):
        writer = self.as_caller("writer")
        writer.call("create_file", path=f"{OUTPUTS}/a//x/../b.txt", file_text="b\n")
        self.assertIn("b", text_of(writer.call("view", path=f"{OUTPUTS}/a/b.txt")))
        for path in (f"{OUTPUTS}/../uploads/b", f"{OUTPUTS}x/b", "/workspace/b", "b", f"{OUTPUTS}/../../../../b", f"{OUTPUTS}/" + "d/" * 600):
            with self.subTest(path=path[:60]):
                self.denied(writer, "create_file", path=path, file_text="b")
        self.denied(writer, "str_replace", path=f"{OUTPUTS}/a/b.txt", old_str="b", new_str="c")
        self.denied(writer, "bash_tool", command="cat /etc/passwd")
        read = writer.request("resources/read", {"uri": f"file://{OUTPUTS}/a/b.txt"})
        self.assertEqual(read["result"]["contents"][0]["text"], "b\n")
        self.assertEqual(writer.request("resources/read", {"uri": "file:///mnt/user-data/uploads/b"})["error"]["message"], "policy_denied")

    def test_a_caller_is_shown_the_tools_that_it_may_use(self):
        for caller, tools in (("dev", ["bash_tool"]), ("writer", ["view", "create_file"]), ("idle", [])):
            listed = self.as_caller(caller).request("tools/list", {})["result"]["tools"]
            self.assertEqual([each["name"] for each in listed], tools)
        self.assertEqual(self.client.bash("echo yes"), "yes\n")

    def test_an_operator_is_told_beforehand_and_nothing_is_called(self):
        before = len(self.appliance.ctl("sessions")["sessions"])
        asked = ("--caller", "writer", "--tool", "create_file", "--arguments")
        allowed = self.explain(*asked, json.dumps({"path": f"{OUTPUTS}/new.txt", "file_text": "x"}))
        self.assertEqual((allowed["verdict"], allowed["rule"], allowed["recorded"]), ("allowed", "2", True))
        denied = self.explain(*asked, '{"path": "/etc/hosts"}', expect=1)
        self.assertEqual((denied["verdict"], denied["reason"]), ("denied", "policy_denied"))
        self.assertEqual(denied["needed"], {"callers": ["writer"], "tools": ["create_file"], "arguments": {"path": ["/etc/hosts"]}})
        self.assertEqual(self.explain("--caller", "nobody", "--tool", "view", expect=1)["reason"], "unauthorized")
        self.assertEqual(self.explain("--caller", "dev", "--tool", "sub_agent", expect=1)["reason"], "unknown_tool")
        self.assertEqual(len(self.appliance.ctl("sessions")["sessions"]), before)
        text = run_binary("ctl", "--socket", self.appliance.operator_socket, "policy", "explain", "--caller", "dev", "--tool", "view")
        self.assertEqual(text.returncode, 1)
        self.assertIn("DENIED (policy_denied)\nWhat mcp.policy of the manifest would need", text.stdout)
        self.assertTrue(audit.find_events(self.appliance, lambda e: e["message"] == "operator_action" and
                                          e["unmapped"]["detail"] == "policy-explain writer create_file /etc/hosts", seconds=5))
        said = run_binary("manifest", "explain", self.appliance.manifest.path).stdout
        self.assertIn(f"  2. writer: view, create_file, resources/read, where path is {OUTPUTS}/**.\n", said)
        self.assertIn("  May do nothing: idle.\n", said)

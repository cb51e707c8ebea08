# SPDX-License-Identifier: GPL-3.0-or-later
"""Flow F1, F5, F6: a caller's tool call runs in its own sandbox and comes back as documented, by the program on an ordinary host (AP-6, GW-1, GW-2, GW-5, GW-6, SX-1 .. SX-8)."""

import base64
import http.client
import json
import os
import re
import ssl
import time
import unittest

from support.appliance import children_of, wait_until
from support.case import ApplianceCase, on_gvisor
from support.mcp import Mcp, raw_request, text_of

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


class ToolCall(ApplianceCase):
    def test_bash_runs_as_an_ordinary_user_in_workspace(self):
        self.assertEqual(self.client.bash("id -u; pwd; echo $HOME; echo to-stderr >&2").split(), ["1000", "/workspace", "/workspace", "to-stderr"])

    def test_exit_code_is_a_result(self):
        result = self.client.call("bash_tool", command="exit 7")
        self.assertFalse(result.get("isError", False))
        self.assertIn("[Exit code: 7]", text_of(result))

    def test_no_output_is_said(self):
        self.assertEqual(self.client.bash("true"), "[No output]")

    def test_grep_without_a_match_is_said_in_words(self):
        text = self.client.bash("echo a | grep b")
        self.assertNotEqual(text.strip(), "")
        self.assertNotIn("[No output]", text)

    def test_long_output_is_cut_in_the_middle(self):
        text = self.client.bash("seq 1 100000")
        self.assertLessEqual(len(text), 30_000 + 500)
        self.assertTrue(text.startswith("1\n2\n3\n"))
        self.assertIn("100000", text[-200:])

    def test_timeout_ends_the_whole_process_group(self):
        started = time.monotonic()
        text = self.client.bash("sleep 600 & sleep 600", timeout_s=1)
        self.assertLess(time.monotonic() - started, 6)
        self.assertRegex(text.lower(), "time")
        self.assertNotIn("sleep 600", self.client.bash("ps -eo args | grep -v grep | grep 'sleep 600' || echo none"))

    def test_environment_is_an_allow_list(self):
        names = {line.split("=", 1)[0] for line in self.client.bash("env").splitlines() if "=" in line}
        self.assertFalse([n for n in names if re.search(r"TOKEN|SECRET|PASSWORD|API_?KEY|OCU_", n)], names)

    def test_sandbox_is_confined(self):
        status = self.client.bash("grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status")
        self.assertRegex(status, r"CapEff:\s+0000000000000000")
        if self.tier == "runc":  # gVisor's own kernel does not show this line
            self.assertRegex(status, r"NoNewPrivs:\s+1")
        for command in ("touch /usr/x", "touch /etc/resolv.conf", "echo x > /etc/hosts", "mkdir /x", "rm /bin/bash"):
            self.assertIn("code: 1", self.client.bash(command), command)

    def test_root_image_is_read_only_and_holds_no_setuid(self):
        self.assertEqual(self.client.bash("find / -xdev -perm /6000 -type f 2>/dev/null | head").strip(), "[No output]")

    def test_files_survive_between_calls_of_one_chat_and_no_further(self):
        self.client.bash("echo kept > /workspace/a")
        self.assertEqual(self.client.bash("cat /workspace/a").strip(), "kept")
        other = self.chat("another-chat-" + self.client.chat)
        self.assertIn("No such file", other.bash("cat /workspace/a"))

    def test_create_view_replace(self):
        self.client.call("create_file", path="/workspace/deep/er/f.txt", file_text="one\ntwo\nthree\n")
        self.assertEqual(self.client.bash("sha256sum < deep/er/f.txt"), self.client.bash("printf 'one\\ntwo\\nthree\\n' | sha256sum"))
        self.assertRegex(text_of(self.client.call("view", path="/workspace/deep/er/f.txt")), r"1\s+one\n\s*2\s+two\n\s*3\s+three")
        ranged = text_of(self.client.call("view", path="/workspace/deep/er/f.txt", view_range=[2, -1]))
        self.assertRegex(ranged, r"2\s+two\n\s*3\s+three")
        self.assertNotIn("one", ranged)
        self.client.call("str_replace", path="/workspace/deep/er/f.txt", old_str="two", new_str="2")
        self.assertEqual(self.client.bash("cat deep/er/f.txt"), "one\n2\nthree\n")

    def test_str_replace_wants_exactly_one(self):
        self.client.call("create_file", path="/workspace/f", file_text="x x x")
        many = self.client.call("str_replace", path="/workspace/f", old_str="x", new_str="y")
        self.assertTrue(many["isError"])
        self.assertIn("3", text_of(many))
        none = self.client.call("str_replace", path="/workspace/f", old_str="absent", new_str="y")
        self.assertTrue(none["isError"])
        same = self.client.call("str_replace", path="/workspace/f", old_str="x x x", new_str="x x x")
        self.assertTrue(same["isError"])
        self.assertEqual(self.client.bash("cat f").strip(), "x x x")

    def test_str_replace_keeps_mode_and_line_endings(self):
        self.client.bash(r"printf 'a\r\nb\r\n' > f && chmod 751 f")
        self.client.call("str_replace", path="/workspace/f", old_str="b", new_str="c")
        self.assertEqual(self.client.bash("stat -c %a f; od -An -c f").split(), "751 a \\r \\n c \\r \\n".split())

    def test_view_of_a_directory_and_of_a_missing_path(self):
        self.client.bash("mkdir -p d && touch d/inside")
        self.assertIn("inside", text_of(self.client.call("view", path="/workspace/d")))
        self.assertTrue(self.client.call("view", path="/workspace/absent")["isError"])

    def test_view_of_an_image_is_an_image(self):
        self.client.bash(f"echo {base64.b64encode(PNG).decode()} | base64 -d > p.png")
        content = self.client.call("view", path="/workspace/p.png")["content"]
        image = next(part for part in content if part["type"] == "image")
        self.assertTrue(image["mimeType"].startswith("image/"))
        self.assertTrue(base64.b64decode(image["data"])[:4])

    def test_view_of_an_archive_made_by_a_stranger_is_only_looked_at(self):
        # T-16: names that lead out and contents that swell are shown or refused, and never unpacked on the host.
        self.client.bash("""python3 - <<'PY'
import io, tarfile, zipfile
with zipfile.ZipFile('bomb.zip', 'w', zipfile.ZIP_DEFLATED) as z:
    z.writestr('zeros', b'\\0' * (64 << 20))
    z.writestr('../../../../tmp/escaped-7311', 'x')
with tarfile.open('links.tar', 'w') as t:
    link = tarfile.TarInfo('up'); link.type = tarfile.SYMTYPE; link.linkname = '/etc'; t.addfile(link)
    inside = tarfile.TarInfo('up/escaped-7311'); inside.size = 1; t.addfile(inside, io.BytesIO(b'x'))
open('broken.zip', 'wb').write(open('bomb.zip', 'rb').read()[:-40])
PY""", timeout_s=60)
        for name in ("bomb.zip", "links.tar", "broken.zip"):
            self.assertTrue(text_of(self.client.call("view", path=f"/workspace/{name}")))
        self.assertFalse(os.path.exists("/tmp/escaped-7311"))
        self.assertFalse(os.path.exists("/etc/escaped-7311"))

    def test_unknown_arguments_are_ignored(self):
        self.assertEqual(self.client.bash("echo fine", toolCallId="injected", description="why").strip(), "fine")

    def test_calls_of_one_session_run_in_order(self):
        first = self.client.open_call("bash_tool", command="sleep 0.5; echo first >> order")
        self.addCleanup(first.close)
        time.sleep(0.1)
        self.assertEqual(self.client.bash("echo second >> order; cat order").split(), ["first", "second"])

    def test_progress_comes_while_the_command_runs(self):
        answer = self.client.http(json.dumps({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "bash_tool", "arguments": {"command": "echo started; sleep 3"}, "_meta": {"progressToken": "p"}}}).encode())
        progress = [m for m in answer.messages() if m.get("method") == "notifications/progress"]
        self.assertTrue(progress)
        self.assertEqual(progress[0]["params"]["progressToken"], "p")
        self.assertIn("started", json.dumps(progress))

    def test_cancelling_ends_the_command(self):
        body = json.dumps({"jsonrpc": "2.0", "id": 4711, "method": "tools/call",
                           "params": {"name": "bash_tool", "arguments": {"command": "touch begun; sleep 600"}}}).encode()
        with http_socket(self.client) as running:
            running.sendall(raw_request(self.client.headers(), body, self.client.port))
            time.sleep(0.5)
            other = self.chat(self.client.chat)
            self.assertIn(other.http(json.dumps({
                "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 4711}}).encode()).status, (200, 202))
            self.assertEqual(other.bash("ps -eo args | grep -c '^sleep 600'").split()[0], "0")

    def test_static_agent_is_pid_one_and_listens_nowhere(self):
        self.assertEqual(self.client.bash("cat /proc/1/comm").strip(), "agent")
        self.assertEqual(self.client.bash("cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 2>/dev/null | grep -vc local_address").split()[0], "0")

    def test_the_guide_is_in_the_sandbox_and_in_the_instructions(self):
        guide = self.client.bash("cat /usr/share/ocu/README.md")
        self.assertIn("/mnt/user-data/outputs", guide)
        self.assertIn("/mnt/user-data/outputs", self.client.initialize()["result"]["instructions"])


class Endpoint(ApplianceCase):
    callers = ("dev", "other")

    def test_initialize_tools_and_ping(self):
        result = self.client.initialize()["result"]
        self.assertEqual(result["protocolVersion"], "2025-06-18")
        self.assertIn("tools", result["capabilities"])
        names = {each["name"] for each in self.client.request("tools/list")["result"]["tools"]}
        self.assertLessEqual({"bash_tool", "view", "create_file", "str_replace"}, names)
        self.assertNotIn("sub_agent", names)
        self.assertEqual(self.client.request("ping")["result"], {})

    def test_get_and_delete_are_not_offered(self):
        for method in ("GET", "DELETE"):
            self.assertEqual(self.client.http(method=method).status, 405)

    def test_health_says_nothing_secret(self):
        answer = self.client.http(method="GET", path="/health", headers={})
        self.assertEqual((answer.status, json.loads(answer.body)), (200, {"status": "healthy"}))

    def test_resource_metadata_answers(self):
        answer = self.client.http(method="GET", path="/.well-known/oauth-protected-resource", headers={})
        self.assertEqual(answer.status, 200)
        self.assertIn("resource", json.loads(answer.body))

    def test_stateless_revision_discovers_and_calls(self):
        meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {}}
        headers = {"MCP_Protocol_Version": "2026-07-28"}
        found = self.client.request("server/discover", {"_meta": meta}, Mcp_Method="server/discover", **headers)
        self.assertIn("2026-07-28", json.dumps(found["result"]))
        called = self.client.request("tools/call", {"name": "bash_tool", "arguments": {"command": "echo new"}, "_meta": meta},
                                     Mcp_Method="tools/call", Mcp_Name="bash_tool", **headers)
        self.assertIn("new", json.dumps(called["result"]))
        wrong = self.client.request("tools/call", {"name": "bash_tool", "arguments": {"command": "echo new"}, "_meta": meta},
                                    Mcp_Method="tools/list", **headers)
        self.assertEqual(wrong["error"]["code"], -32020)

    def test_one_caller_never_reaches_the_sandbox_of_another(self):
        mine = self.chat("shared-name")
        theirs = self.chat("shared-name", token=self.appliance.manifest.keys["other"])
        mine.bash("echo private > /workspace/x")
        self.assertIn("No such file", theirs.bash("cat /workspace/x"))

    def test_the_agent_path_knows_no_operator_word(self):
        for method in ("kill", "sessions/kill", "shutdown", "freeze", "quota/set"):
            self.assertEqual(self.client.request(method)["error"]["code"], -32601)
        for path in ("/v1/status", "/v1/kill-all", "/operator"):
            self.assertEqual(self.client.http(path=path).status, 404)

    def test_core_shows_its_seven_roles(self):
        names = set()
        for task in os.listdir(f"/proc/{self.appliance.pid}/task"):
            with open(f"/proc/{self.appliance.pid}/task/{task}/comm", encoding="utf-8") as file:
                names.add(file.read().strip())
        roles = {f"ocu:{each}" for each in ("gateway", "control", "custody", "storage", "sandbox", "edge", "audit")}
        self.assertLessEqual(roles, names)

    def test_ended_session_leaves_no_process(self):
        self.client.bash("sleep 600 >/dev/null 2>&1 & echo")
        self.appliance.ctl("kill-all")
        self.assertTrue(wait_until(lambda: not any("sleep" in " ".join(words(p)) for p in children_of(self.appliance.pid)), 5))


class Tls(ApplianceCase):
    changes = {"mcp": {"tls": True}}

    def test_a_call_works_over_tls_and_not_without(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                           "params": {"name": "bash_tool", "arguments": {"command": "echo sealed"}}}).encode()
        for _ in range(3):
            connection = http.client.HTTPSConnection("127.0.0.1", self.appliance.port, timeout=20, context=context)
            connection.request("POST", "/mcp", body, self.client.headers())
            self.assertEqual(connection.sock.version(), "TLSv1.3")
            self.assertIn(b"sealed", connection.getresponse().read())
            connection.close()
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.client.http(body)


def words(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode(errors="replace").split("\0")
    except OSError:
        return []


def http_socket(client: Mcp):
    made = http.client.HTTPConnection(client.host, client.port, timeout=client.timeout)
    made.connect()
    return made.sock


ToolCallOnGvisor = on_gvisor(ToolCall)

if __name__ == "__main__":
    unittest.main()

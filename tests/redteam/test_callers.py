# SPDX-License-Identifier: GPL-3.0-or-later
"""A caller against another caller, and against the front's idea of where a request begins (T-01, T-02, T-05, T-12)."""

import json
import socket
import threading
import time

from support.case import ApplianceCase
from support.mcp import Mcp, Refused, raw_request, read_response

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
LOOK = {"jsonrpc": "2.0", "id": 7, "method": "tools/call",
        "params": {"name": "bash_tool", "arguments": {"command": "cat /workspace/secret /mnt/user-data/outputs/secret"}}}


class Callers(ApplianceCase):
    callers = ("alice", "mallory")

    def setUp(self):
        self.alice = self.of("alice", "shared-name")
        self.mallory = self.of("mallory", "shared-name")

    def of(self, caller, chat, **options):
        made = Mcp(self.appliance, chat=chat, token=self.appliance.manifest.keys[caller], **options)
        self.addCleanup(made.close)
        return made

    def raw(self, data, seconds=0.4):
        """Everything that comes back for these bytes until the other side closes or says nothing more."""
        out = b""
        with socket.create_connection(("127.0.0.1", self.appliance.port), timeout=seconds) as sock:
            try:
                sock.sendall(data)
                while part := sock.recv(65536):
                    out += part
            except OSError:
                pass
        return out

    def statuses(self, data):
        return [int(part[:3]) for part in self.raw(data).split(b"HTTP/1.1 ")[1:]]

    def hide_secret(self):
        self.alice.bash("echo 'the-secret' | tee /workspace/secret > /mnt/user-data/outputs/secret")

    # T-01: the chat's name is a hint within its caller.
    def test_the_same_chat_name_is_another_session(self):
        self.hide_secret()
        self.assertNotIn("the-secret", self.mallory.bash("cat /workspace/secret /mnt/user-data/outputs/secret; ls -laR /mnt /workspace"))

    # T-01: no header but the key says who somebody is.
    def test_headers_do_not_make_somebody_else(self):
        self.hide_secret()
        body = json.dumps(LOOK).encode()
        for more in ({"X_Caller": "alice"}, {"X_User_Id": "alice"}, {"X_OpenWebUI_User_Name": "alice"}, {"Mcp_Session_Id": "1"}, {"X_Forwarded_User": "alice"},
                     {"Cookie": "caller=alice"}, {"X_Chat_Id": "alice/shared-name"}, {"X_Chat_Id": "../alice/shared-name"}, {"X_Chat_Id": "alice.shared-name"}):
            answer = self.mallory.http(body, headers=self.mallory.headers(**more))
            self.assertNotIn(b"the-secret", answer.body, more)

    # T-01, T-02: two of what there may be one of is not a choice that we make.
    def test_doubled_headers_are_refused(self):
        keys = self.appliance.manifest.keys
        for double in (f"Authorization: Bearer {keys['alice']}", "X-Chat-Id: other", "Host: 127.0.0.1", "Content-Length: 1", "Content-Type: text/plain"):
            data = raw_request(self.mallory.headers(), json.dumps(LOOK).encode(), self.appliance.port).replace(b"\r\n", f"\r\n{double}\r\n".encode(), 1)
            got = self.statuses(data)
            self.assertTrue(got and got[0] in (400, 401, 415), (double, got))

    # T-02: where two readers could disagree about the end of a request, there is no request.
    def test_smuggling(self):
        head = raw_request(self.mallory.headers(), b"", self.appliance.port).replace(b"Content-Length: 0\r\n", b"")[:-2]
        chunked = b"0\r\n\r\n"
        for more, body in ((b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", chunked + b"G"), (b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", chunked),
                           (b"Transfer-Encoding : chunked\r\n", chunked), (b"Transfer-Encoding: xchunked\r\n", chunked), (b"Transfer-Encoding:\x0bchunked\r\n", chunked),
                           (b"Transfer-Encoding: identity, chunked\r\n", chunked), (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", chunked),
                           (b"Transfer-Encoding: chunked, identity\r\n", chunked), (b"Content-Length: 40\r\nContent-Length: 0\r\n", PING),
                           (b"Content-Length: +40\r\n", PING), (b"Content-Length: 0x28\r\n", PING), (b"Content-Length: 40, 40\r\n", PING),
                           (b"Content-Length: 40\n", PING), (b"Content-Length: 40\r\n X: folded\r\n", PING), (b"Content-Length: 40\rX: y\r\n", PING),
                           (b"Transfer-Encoding: chunked\r\n", b"-1\r\n"), (b"Transfer-Encoding: chunked\r\n", b"FFFFFFFFFFFFFFFFF\r\n"),
                           (b"Transfer-Encoding: chunked\r\n", b"28\n" + PING + b"\n0\n\n"), (b"Transfer-Encoding: chunked\r\n", b"0x28\r\n" + PING + b"\r\n" + chunked)):
            with self.subTest(more=more, body=body[:12]):
                self.assertIn(self.statuses(head + more + b"\r\n" + body), ([400], [501], []))

    # T-01: on one connection, each request shows its own key.
    def test_a_key_is_not_for_the_next_request_of_the_connection(self):
        good = raw_request(self.alice.headers(), PING, self.appliance.port)
        bare = raw_request(self.alice.headers(Authorization=None), json.dumps(LOOK).encode(), self.appliance.port)
        self.assertEqual(self.statuses(good + bare), [200, 401])
        self.assertEqual(self.statuses(good * 20), [200] * 20)

    # T-02: other methods, targets and versions.
    def test_other_requests_lead_nowhere(self):
        port = self.appliance.port
        for line in ("CONNECT 127.0.0.1:22 HTTP/1.1", "OPTIONS * HTTP/1.1", "TRACE /mcp HTTP/1.1", "GET http://127.0.0.1/mcp HTTP/1.1", "GET /../../etc/passwd HTTP/1.1",
                     "GET /%2e%2e/state HTTP/1.1", "POST //mcp HTTP/1.1", "GET /mcp/../health HTTP/1.1", "PRI * HTTP/2.0", "POST /mcp HTTP/1.0"):
            got = self.raw(f"{line}\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\n\r\n".encode(), 0.2)
            self.assertFalse(got.startswith(b"HTTP/1.1 2"), (line, got[:80]))

    # T-01: a call is its caller's and its chat's; nobody else ends it.
    def test_cancelling_somebody_elses_call(self):
        sock = self.alice.open_call("bash_tool", command="sleep 2; echo finished")
        others = [self.mallory, self.of("alice", "another-chat")]
        time.sleep(0.3)
        for each in others:
            for number in range(4):
                each.http(json.dumps({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}}).encode())
        self.assertIn(b"finished", read_response(sock).body)
        sock.close()

    # T-06: one caller's flood is that caller's: it is refused by name, the other is served.
    def test_a_flood_is_its_callers_own(self):
        outcomes = []

        def one():
            client = self.of("mallory", "flood", timeout=40)
            try:
                outcomes.append(client.bash("sleep 0.05; echo through").strip())
            except Refused as error:
                outcomes.append("refused" if "too_many" in str(error) else str(error))
            except OSError:
                outcomes.append("closed")

        threads = [threading.Thread(target=one) for _ in range(150)]
        for each in threads:
            each.start()
        started = time.monotonic()
        self.assertEqual(self.alice.bash("echo alive").strip(), "alive")
        self.assertLess(time.monotonic() - started, 3)
        for each in threads:
            each.join()
        self.assertEqual(set(outcomes) - {"through", "refused"}, set())
        self.assertIn("refused", outcomes)

    # T-12: a wrong key is answered with one and the same refusal, whatever is wrong with it.
    def test_wrong_keys_look_alike(self):
        key = self.appliance.manifest.keys["alice"]
        bodies = set()
        for wrong in (key[:-2] + ("AA" if key[-2:] != "AA" else "BB"), "A" * 43, "A", key + "A", key.lower()):
            answer = self.alice.http(PING, headers=self.alice.headers(Authorization=f"Bearer {wrong}"))
            reply = answer.reply()
            reply["error"]["data"].pop("correlationId")
            bodies.add((answer.status, json.dumps(reply)))
            self.assertNotIn(wrong.encode() if len(wrong) > 8 else b"\0", answer.body)
        self.assertEqual(len(bodies), 1, bodies)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile and broken bytes at F1: each is refused with the right status, nothing hangs, and the next caller is served (GW-1, GW-3, GW-4, GW-8, GW-9, T-01, T-02)."""

import json
import re
import resource
import socket
import time

from support.case import ApplianceCase
from support.mcp import raw_request, read_response

CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "bash_tool", "arguments": {"command": "true"}}}


class Bytes(ApplianceCase):
    def tearDown(self):
        # Whatever was sent, an honest caller is served afterwards.
        self.assertEqual(self.chat("honest").bash("echo served").strip(), "served")

    def connect(self, timeout=15):
        made = socket.create_connection(("127.0.0.1", self.appliance.port), timeout=timeout)
        self.addCleanup(made.close)
        return made

    def raw(self, data):
        """Status of the answer to these bytes, or 0 when the connection was only closed."""
        with self.connect() as sock:
            try:
                sock.sendall(data)
                return read_response(sock).status
            except (ConnectionError, OSError, ValueError):
                return 0
            except Exception as error:  # http.client has a family of its own for answers that are none
                self.assertIn("http.client", type(error).__module__)
                return 0

    def post(self, body, **headers):
        return self.client.http(body if isinstance(body, bytes) else json.dumps(body).encode(), headers=self.client.headers(**headers))

    def test_malformed_http(self):
        for data in (b"\r\n\r\n", b"GET\r\n\r\n", b"\x00" * 64, b"\x16\x03\x01\x02\x00\x01\x00", b"POST /mcp HTTP/9.9\r\n\r\n",
                     b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
                     b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999999999999999999999\r\n\r\n",
                     b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
                     b"POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     b"POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                     b"POST /mcp HTTP/1.1\r\nHost : a\r\n\r\n", b"POST /mcp HTTP/1.1\r\n" + b"A: b\r\n" * 5000 + b"\r\n",
                     b"POST /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", b"POST /mcp HTTP/1.1\r\nA: " + b"b" * 100_000 + b"\r\n\r\n"):
            with self.subTest(data=data[:60]):
                self.assertIn(self.raw(data), (0, 400, 401, 403, 405, 408, 411, 413, 414, 431, 501, 505))

    def test_malformed_json(self):
        for body in (b"", b"{", b"nul", b"[]", b"42", b'"x"', b'{"jsonrpc":"2.0"', b"\xff\xfe", b'{"a":1,"a":2}', b'{"jsonrpc":"2.0","id":1,"method":"\\ud800"}',
                     b'{"jsonrpc":"1.0","id":1,"method":"ping"}', b'{"jsonrpc":"2.0","id":{},"method":"ping"}', b'{"jsonrpc":"2.0","id":1,"method":7}',
                     b'{"jsonrpc":"2.0","id":1e999,"method":"ping"}', json.dumps([CALL, CALL]).encode()):
            with self.subTest(body=body[:60]):
                answer = self.post(body)
                error = (answer.reply() or {}).get("error") if answer.body else None
                self.assertTrue(answer.status >= 400 or (error and error["code"] < 0), (answer.status, answer.body[:200]))

    def test_deep_nesting(self):
        for deep in (b"[" * 100_000, b'{"a":' * 50_000, b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":' + b"[" * 2000 + b"]" * 2000 + b"}}"):
            answer = self.post(deep)
            self.assertTrue(answer.status == 400 or "error" in (answer.reply() or {}))

    def test_oversized_body_is_refused_before_it_is_sent(self):
        head = raw_request({**self.client.headers(), "Content-Length": str(500 << 20)}, b"", self.appliance.port)
        head = re.sub(rb"Content-Length: 0\r\n", b"", head)
        started = time.monotonic()
        self.assertIn(self.raw(head), (0, 413))
        self.assertLess(time.monotonic() - started, 5)

    def test_body_over_one_mebibyte_is_refused(self):
        body = json.dumps({**CALL, "params": {"name": "bash_tool", "arguments": {"command": "#" + "x" * (1 << 20)}}}).encode()
        self.assertIn(self.raw(raw_request(self.client.headers(), body, self.appliance.port)), (0, 413))

    def test_wrong_tokens(self):
        for token in (None, "", "Bearer", "Basic abc", "Bearer ", "Bearer " + "A" * 43, "Bearer " + self.appliance.token[:-1], "Bearer " + "x" * 10_000,
                      f"bearer\t{self.appliance.token}x", f"Bearer {self.appliance.token} {self.appliance.token}"):
            with self.subTest(token=str(token)[:30]):
                answer = self.post(CALL, Authorization=token)
                self.assertIn(answer.status, (400, 401, 431))
                if answer.status == 401:
                    self.assertIn("resource_metadata=", answer.headers["www-authenticate"])

    def test_token_in_the_address_is_not_taken(self):
        answer = self.client.http(json.dumps(CALL).encode(), path=f"/mcp?access_token={self.appliance.token}", headers=self.client.headers(Authorization=None))
        self.assertIn(answer.status, (400, 401, 404))

    def test_wrong_host_and_origin(self):
        body = json.dumps(CALL).encode()
        for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:80"):
            self.assertEqual(self.raw(raw_request(self.client.headers(), body, self.appliance.port, host=host)), 403)
        for origin in ("http://evil.example", "null", "http://127.0.0.1.evil.example", "file://"):
            self.assertEqual(self.post(CALL, Origin=origin).status, 403)

    def test_unsupported_revision(self):
        self.assertEqual(self.post(CALL, MCP_Protocol_Version="1999-01-01").status, 400)

    def test_unknown_tools_and_methods(self):
        reply = self.client.request("tools/call", {"name": "make_coffee", "arguments": {}})
        self.assertTrue("error" in reply or reply["result"]["isError"])
        self.assertEqual(self.client.request("no/such")["error"]["code"], -32601)

    def test_wrong_arguments(self):
        for tool, arguments in (("bash_tool", {}), ("bash_tool", {"command": 7}), ("bash_tool", {"command": "true", "timeout_s": -1}),
                                ("bash_tool", {"command": "true", "timeout_s": 1e9}), ("view", {"path": ["/"]}), ("view", {"path": "/x", "view_range": [1]}),
                                ("create_file", {"path": "/workspace/x"}), ("str_replace", {"path": "/workspace/x"}), ("bash_tool", {"command": "a\x00b"}),
                                ("view", {"path": "/" + "a" * 5000})):
            with self.subTest(tool=tool, arguments=str(arguments)[:50]):
                reply = self.client.request("tools/call", {"name": tool, "arguments": arguments})
                self.assertTrue("error" in reply or reply["result"].get("isError"), reply)

    def test_bad_chat_ids(self):
        for chat in ("../x", "a b", "x" * 129, "é".encode().decode("latin-1")):
            answer = self.post(CALL, X_Chat_Id=chat)
            self.assertTrue(answer.status == 400 or "error" in (answer.reply() or {}), (chat, answer.body[:200]))

    def test_errors_say_nothing_of_the_inside(self):
        for body in (b"{", json.dumps({**CALL, "method": "x"}).encode(), json.dumps({**CALL, "params": {}}).encode()):
            text = self.post(body).body.decode()
            for secret in (self.appliance.state, self.appliance.token, ".cpp", "/run/", "ocu-test"):
                self.assertNotIn(secret, text)

    def test_a_thousand_idle_connections(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        idle = []
        for number in range(1000):
            sock = self.connect()
            sock.sendall(b"POST /mcp HTTP/1.1\r\nHost: 127" if number % 2 else b"")
            idle.append(sock)
        started = time.monotonic()
        self.assertEqual(self.client.bash("echo through").strip(), "through")
        self.assertLess(time.monotonic() - started, 5)
        for sock in idle:
            sock.close()

    def test_client_that_stops_reading(self):
        stuck = [self.client_of(number) for number in range(8)]
        self.assertEqual(self.client.bash("echo unhindered").strip(), "unhindered")
        for sock in stuck:
            sock.close()

    def client_of(self, number):
        sock = self.chat(f"stuck-{number}").open_call("bash_tool", command="yes | head -c 1000000")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.addCleanup(sock.close)
        return sock

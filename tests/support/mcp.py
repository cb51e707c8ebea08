# SPDX-License-Identifier: GPL-3.0-or-later
"""A small MCP client for tests, on nothing but http.client: what it sends can be made wrong in every place."""

import http.client
import itertools
import json
import socket

REVISION = "2025-06-18"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def messages(self):
        """The JSON-RPC messages of the answer, whether it came as one JSON text or as an event stream."""
        if "text/event-stream" in self.headers.get("content-type", ""):
            events = self.body.decode().replace("\r\n", "\n").split("\n\n")
            data = ["\n".join(line[5:].strip() for line in event.split("\n") if line.startswith("data:")) for event in events]
            return [json.loads(each) for each in data if each]
        return [json.loads(self.body)] if self.body else []

    def reply(self):
        return next((m for m in self.messages() if "result" in m or "error" in m), None)


class Mcp:
    """One caller in one chat. Keeps its connection between calls."""

    def __init__(self, appliance, chat="default", token=None, timeout=60):
        self.host, self.port = "127.0.0.1", appliance.port
        self.chat, self.token, self.timeout = chat, token or appliance.token, timeout
        self.numbers = itertools.count(1)
        self.connection = None

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def headers(self, **more):
        made = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "X-Chat-Id": self.chat,
            "MCP-Protocol-Version": REVISION,
        }
        made.update({name.replace("_", "-"): value for name, value in more.items()})
        return {name: value for name, value in made.items() if value is not None}

    def http(self, body=b"", method="POST", path="/mcp", headers=None):
        """One HTTP exchange. A kept connection that the other side has closed meanwhile is opened again, once."""
        headers = self.headers() if headers is None else headers
        for attempt in (1, 2):
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
            try:
                self.connection.request(method, path, body, headers)
                response = self.connection.getresponse()
                answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
                if response.will_close:
                    self.close()
                return answer
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.close()
                if fresh or attempt == 2:
                    raise
            except BaseException:
                self.close()
                raise
        return None

    def request(self, method, params=None, **more):
        body = {"jsonrpc": "2.0", "id": next(self.numbers), "method": method}
        if params is not None:
            body["params"] = params
        answer = self.http(json.dumps(body).encode(), headers=self.headers(**more))
        return answer.reply() or {"http": answer.status, "body": answer.body.decode(errors="replace")}

    def initialize(self):
        return self.request("initialize", {
            "protocolVersion": REVISION, "capabilities": {}, "clientInfo": {"name": "ocu-test", "version": "1"}})

    def call(self, tool, **arguments):
        """The tool's result object; a refusal, in whichever of its forms, raises Refused."""
        reply = self.request("tools/call", {"name": tool, "arguments": arguments})
        if "result" not in reply or "code" in reply["result"].get("_meta", {}):
            raise Refused(reply)
        return reply["result"]

    def bash(self, command, **arguments):
        """The text that `bash_tool` answered."""
        return text_of(self.call("bash_tool", command=command, **arguments))

    def open_call(self, tool, **arguments):
        """Sends a call on a socket of its own and returns the socket, unread."""
        body = json.dumps({"jsonrpc": "2.0", "id": next(self.numbers), "method": "tools/call",
                           "params": {"name": tool, "arguments": arguments}}).encode()
        made = socket.create_connection((self.host, self.port), timeout=self.timeout)
        made.sendall(raw_request(self.headers(), body, self.port))
        return made


class Refused(Exception):
    def __init__(self, reply):
        super().__init__(json.dumps(reply)[:400])
        self.reply = reply


def text_of(result):
    return "".join(part.get("text", "") for part in result["content"])


def raw_request(headers, body, port, method="POST", path="/mcp", host=None):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host or f'127.0.0.1:{port}'}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def read_response(sock):
    """Status and body of one response that was asked for by hand."""
    response = http.client.HTTPResponse(sock)
    response.begin()
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

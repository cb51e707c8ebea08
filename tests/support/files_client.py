# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the file API that can be wrong in every place, and the published document that its answers are held against."""

import http.client
import json
import re
import urllib.parse

MISSING = object()


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def code(self):
        return self.json()["error"]["code"]


def quoted(path):
    return "/".join(urllib.parse.quote(each, safe="") for each in path.split("/"))


class FilesClient:
    def __init__(self, appliance, chat="default", token=None, timeout=60):
        self.appliance, self.chat, self.token, self.timeout = appliance, chat, token or appliance.token, timeout
        self.document = None

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.appliance.files_port, timeout=self.timeout)

    def ask(self, method, target, body=None, bearer=MISSING, **headers):
        """One request on a connection of its own. `bearer=None`: without a key. Answers are checked against the document."""
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        token = self.token if bearer is MISSING else bearer
        if token:
            sent.update({"Authorization": f"Bearer {token}", "X-Chat-Id": self.chat})
        connection = self.connect()
        try:
            connection.request(method, target, body, sent)
            response = connection.getresponse()
            answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()
        self.check(method, target, answer)
        return answer

    def put(self, path, body, **more):
        return self.ask("PUT", "/v1/files/" + quoted(path), body, **more)

    def get(self, path, **more):
        return self.ask("GET", "/v1/files/" + quoted(path), **more)

    def delete(self, path, **more):
        return self.ask("DELETE", "/v1/files/" + quoted(path), **more)

    def manifest(self):
        return [each["path"] for each in self.ask("GET", "/v1/manifest").json()["files"]]

    # --- the document ---

    def check(self, method, target, answer):
        if self.document is None or target == "/openapi.json":
            return
        path = target.split("?")[0]
        for template, item in self.document["paths"].items():
            if re.fullmatch(template.replace("{path}", ".+"), path) and method.lower() in item:
                break
        else:
            return  # not an operation of the document: a refusal of that is the face's own
        told = item[method.lower()]["responses"].get(str(answer.status))
        assert told is not None, f"{method} {target} answered {answer.status}, which the document does not know"
        told = self.resolved(told)
        kind = answer.headers.get("content-type", "").split(";")[0]
        content = told.get("content", {})
        if "application/json" in content:
            assert kind == "application/json", f"{method} {target}: {kind}"
            self.conforms(answer.json(), content["application/json"]["schema"], f"{method} {target}")

    def resolved(self, node):
        while "$ref" in node:
            at = self.document
            for word in node["$ref"].removeprefix("#/").split("/"):
                at = at[word]
            node = at
        return node

    def conforms(self, value, schema, where):
        """The words of JSON Schema that the document uses."""
        schema = self.resolved(schema)
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        is_a = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}
        good = not kinds or any(isinstance(value, is_a[k]) and not (k == "integer" and isinstance(value, bool)) for k in kinds)
        assert good, f"{where}: {value!r} is not {kinds}"
        assert value in schema.get("enum", [value]), f"{where}: {value!r}"
        if "pattern" in schema:
            assert re.search(schema["pattern"], value), f"{where}: {value!r}"
        if isinstance(value, list):
            for i, each in enumerate(value):
                self.conforms(each, schema.get("items", {}), f"{where}[{i}]")
        if isinstance(value, dict):
            missing = set(schema.get("required", [])) - set(value)
            assert not missing, f"{where}: without {missing}"
            known = schema.get("properties", {})
            unknown = set(value) - set(known) if schema.get("additionalProperties") is False else set()
            assert not unknown, f"{where}: {unknown} is not in the document"
            for key, each in value.items():
                if key in known:
                    self.conforms(each, known[key], f"{where}.{key}")


class Browser:
    """What a browser has after a token: a cookie and, for changes, the CSRF token."""

    def __init__(self, client, intents=("read", "preview", "write"), token=None):
        self.client = client
        made = client.ask("POST", "/v1/embed-tokens", json.dumps({"intents": list(intents)}))
        self.token = token or made.json()["token"]
        self.begun = client.ask("POST", "/v1/session", json.dumps({"token": self.token}), bearer=None)
        if self.begun.status == 200:
            self.cookie = self.begun.headers["set-cookie"].split(";")[0]
            self.csrf = self.begun.json()["csrf"]

    def ask(self, method, target, body=None, csrf=MISSING, **headers):
        headers.setdefault("Cookie", self.cookie)
        return self.client.ask(method, target, body, bearer=None, X_CSRF_Token=self.csrf if csrf is MISSING else csrf, **headers)

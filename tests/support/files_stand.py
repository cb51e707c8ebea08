# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the files front, for tests of the preview page alone: speaks the file API for one session whose files are in memory, serves
the page from its pack, and can be told to misbehave. It is in no product.   usage: files_stand.py PACK [PORT] [ANCESTOR...]"""

import hashlib
import http.server
import io
import json
import mimetypes
import re
import secrets
import sys
import threading
import time
import urllib.parse
import zipfile

from email.utils import formatdate

from support.page_pack import Pack

TYPES = {".md": "text/markdown", ".ipynb": "application/x-ipynb+json", ".csv": "text/csv", ".log": "text/plain"}


class State:
    def __init__(self, ancestors=(), upload_bytes_max=50 << 20, token_seconds=120, session_seconds=3600):
        self.key = secrets.token_urlsafe(32)
        self.ancestors = list(ancestors)
        self.upload_bytes_max = upload_bytes_max
        self.token_seconds, self.session_seconds = token_seconds, session_seconds
        self.files, self.generation, self.inside = {}, 1, set()
        self.tokens, self.sessions = {}, {}
        self.lock = threading.Lock()
        self.fault = {}  # path prefix -> [status, code], answered instead

    def put(self, path, data, inside=False):
        with self.lock:
            new = path not in self.files
            self.files[path] = (data, time.time())
            (self.inside.add if inside else self.inside.discard)(path)
            self.generation += 1
        return new

    def entry(self, path):
        data, modified = self.files[path]
        name = path.rsplit("/", 1)[-1]
        kind = TYPES.get("." + name.rsplit(".", 1)[-1].lower()) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        return {"name": name, "path": path, "type": "file", "size": len(data), "media_type": kind, "downloadable": path not in self.inside,
                "modified": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(modified)), "etag": f'"{hashlib.sha256(data).hexdigest()[:16]}"'}


class Refused(Exception):
    def __init__(self, status, code):
        super().__init__(code)
        self.status, self.code = status, code


def handler(pack, state):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self, status, body=b"", headers=(), media_type="application/json"):
            body = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
            self.send_response(status)
            sent = dict(headers)
            if body or status not in (204, 304):
                sent.setdefault("Content-Type", media_type)
                sent.setdefault("Content-Length", str(len(body)))
            sent.setdefault("Cache-Control", "no-store")
            for name, value in sent.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD" and status not in (204, 304):
                self.wfile.write(body)

        def session(self):
            found = re.search(r"ocu_files=([\w-]+)", self.headers.get("Cookie", ""))
            session = state.sessions.get(found.group(1)) if found else None
            if not session or session["ends"] < time.monotonic():
                raise Refused(401, "unauthorized")
            return session

        def may(self, intent, changes=False):
            if self.headers.get("Authorization") == f"Bearer {state.key}":
                return
            session = self.session()
            if intent not in session["intents"]:
                raise Refused(403, "forbidden")
            if changes and not secrets.compare_digest(self.headers.get("X-CSRF-Token", ""), session["csrf"]):
                raise Refused(403, "forbidden")

        def body(self):
            size = int(self.headers.get("Content-Length", "0"))
            if size > state.upload_bytes_max:
                self.close_connection = True
                raise Refused(413, "body_too_large")
            return self.rfile.read(size)

        def serve(self):
            url = urllib.parse.urlsplit(self.path)
            path, query = url.path, dict(urllib.parse.parse_qsl(url.query))
            try:
                static = pack.answer(path, self.headers.get("Host", ""), state.ancestors)
                if static and self.command in ("GET", "HEAD"):
                    headers, body = static
                    known = self.headers.get("If-None-Match") == dict(headers)["ETag"]
                    return self.answer(304 if known else 200, body, headers)
                for prefix, (status, code) in state.fault.items():
                    if path.startswith(prefix):
                        raise Refused(status, code)
                return self.api(path, query)
            except Refused as refused:
                return self.answer(refused.status, {"error": {"code": refused.code, "message": "Refused.", "trace": "0000-stand"}})

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = serve

        def api(self, path, query):
            method = self.command
            if path == "/v1/embed-tokens" and method == "POST":
                return self.make_token()
            if path == "/v1/session":
                return self.session_call(method)
            if path == "/v1/manifest":
                self.may("read")
                return self.manifest()
            if path == "/v1/archive":
                self.may("read")
                return self.archive(query.get("path", ""))
            name = urllib.parse.unquote(path.split("/", 3)[3]) if path.count("/") >= 3 else ""
            if path.startswith("/v1/preview/") and method in ("GET", "HEAD"):
                self.may("preview")
                return self.bytes_of(name, "inline")
            if path.startswith("/v1/files/"):
                if method in ("GET", "HEAD"):
                    self.may("read")
                    return self.bytes_of(name, "attachment")
                self.may("write", changes=True)
                if method == "PUT":
                    data = self.body()
                    # Outputs are the guest's to write; here the tests are the guest.
                    new = state.put(name, data, self.headers.get("X-Downloadable") == "false")
                    return self.answer(201 if new else 200, state.entry(name))
                with state.lock:
                    if state.files.pop(name, None) is None:
                        raise Refused(404, "not_found")
                    state.generation += 1
                return self.answer(204)
            if path == "/stand" and method == "POST":  # tests alone: {"fault": {...}} or {"end": true}
                wanted = json.loads(self.body())
                state.fault = wanted.get("fault", {})
                state.upload_bytes_max = wanted.get("upload_bytes_max", state.upload_bytes_max)
                if wanted.get("end"):
                    state.sessions.clear()
                return self.answer(200, {})
            raise Refused(404, "not_found")

        def make_token(self):
            if self.headers.get("Authorization") != f"Bearer {state.key}":
                raise Refused(401, "unauthorized")
            token = secrets.token_urlsafe(32)
            state.tokens[token] = (json.loads(self.body())["intents"], time.monotonic() + state.token_seconds)
            return self.answer(200, {"token": token, "expires_in": state.token_seconds, "url": f"/embed#token={token}"})

        def session_call(self, method):
            if method == "POST":
                intents, ends = state.tokens.pop(json.loads(self.body()).get("token"), (None, 0))
                if intents is None or ends < time.monotonic():
                    raise Refused(401, "unauthorized")
                made = {"intents": intents, "csrf": secrets.token_urlsafe(16), "ends": time.monotonic() + state.session_seconds}
                cookie = secrets.token_urlsafe(32)
                state.sessions[cookie] = made
                return self.answer(200, self.session_words(made), {"Set-Cookie": f"ocu_files={cookie}; Path=/; HttpOnly; SameSite=Lax"})
            return self.answer(200, self.session_words(self.session()))

        def session_words(self, session):
            return {"csrf": session["csrf"], "intents": session["intents"], "expires_in": int(session["ends"] - time.monotonic()),
                    "limits": {"upload_bytes_max": state.upload_bytes_max}}

        def manifest(self):
            etag = f'"g{state.generation}"'
            if self.headers.get("If-None-Match") == etag:
                return self.answer(304, headers={"ETag": etag})
            with state.lock:
                files = [state.entry(each) for each in sorted(state.files)]
            return self.answer(200, {"generation": state.generation, "files": files, "next": None}, {"ETag": etag})

        def bytes_of(self, name, disposition):
            if name not in state.files:
                raise Refused(404, "not_found")
            if name in state.inside:
                raise Refused(403, "not_downloadable")
            data, modified = state.files[name]
            entry = state.entry(name)
            headers = {"Content-Type": entry["media_type"], "ETag": entry["etag"], "Accept-Ranges": "bytes", "Content-Disposition": disposition,
                       "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'",
                       "Cross-Origin-Resource-Policy": "same-origin", "Last-Modified": formatdate(modified, usegmt=True)}
            wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if not wanted or self.headers.get("If-Range", entry["etag"]) != entry["etag"]:
                return self.answer(200, data, headers)
            first, last = int(wanted.group(1)), min(int(wanted.group(2) or len(data)), len(data) - 1)
            if first > last:
                return self.answer(416, b"", {**headers, "Content-Range": f"bytes */{len(data)}"})
            return self.answer(206, data[first:last + 1], {**headers, "Content-Range": f"bytes {first}-{last}/{len(data)}"})

        def archive(self, top):
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w") as made:
                for name, (data, _) in sorted(state.files.items()):
                    if name.startswith(top + "/") and name not in state.inside:
                        made.writestr(name, data)
            return self.answer(200, out.getvalue(), {"Content-Disposition": "attachment"}, "application/zip")

    return Handler


class FilesStand:
    def __init__(self, pack, port=0, address="127.0.0.1", **options):
        self.state = State(**options)
        self.server = http.server.ThreadingHTTPServer((address, port), handler(Pack(pack), self.state))
        self.server.daemon_threads = True
        self.url = f"http://{address}:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def main():
    stand = FilesStand(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0, ancestors=sys.argv[3:])
    print(stand.url, stand.state.key, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()

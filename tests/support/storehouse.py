# SPDX-License-Identifier: GPL-3.0-or-later
"""An upstream from which programs fetch things: a page, JSON, a git repository, a package of npm's. Run inside a world.

    usage: storehouse.py FOLDER     FOLDER/server.crt and server.key; writes FOLDER/seen and FOLDER/ready
"""

import base64
import hashlib
import http.server
import io
import json
import os
import subprocess
import sys
import tarfile
import threading

from support.pages import serve

lock = threading.Lock()


def make_repository(folder):
    def git(*words, where):
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@example", "-c", "init.defaultBranch=main", *words], cwd=where, check=True,
                       capture_output=True)

    work = f"{folder}/work"
    os.makedirs(work)
    git("init", "-q", where=work)
    with open(f"{work}/file", "w", encoding="ascii") as file:
        file.write("hello from the storehouse\n")
    git("add", "file", where=work)
    git("commit", "-q", "-m", "x", where=work)
    git("clone", "-q", "--bare", work, f"{folder}/www/repository.git", where=folder)
    git("update-server-info", where=f"{folder}/www/repository.git")


def make_package(folder):
    """What a registry says of a package of one file, and the package: two files below www/npm."""
    os.makedirs(f"{folder}/www/npm/hello-there/-")
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, text in (("package.json", json.dumps({"name": "hello-there", "version": "1.0.0"})), ("index.js", "module.exports = 'hello from the storehouse';\n")):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size, entry.mode = len(text), 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    with open(f"{folder}/www/npm/hello-there/-/hello-there-1.0.0.tgz", "wb") as file:
        file.write(data.getvalue())
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(data.getvalue()).digest()).decode()
    version = {"name": "hello-there", "version": "1.0.0",
               "dist": {"tarball": "https://api.example/npm/hello-there/-/hello-there-1.0.0.tgz", "integrity": integrity}}
    with open(f"{folder}/www/npm/hello-there/index", "w", encoding="ascii") as file:
        json.dump({"name": "hello-there", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}, file)


class Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.split("?")[0]
        with lock, open(f"{sys.argv[1]}/seen", "a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": "request", "path": path}) + "\n")
        status, body = 200, b"hello from the storehouse\n"
        if path == "/json":
            body = b'{"a": "hello from the storehouse"}'
        elif path.startswith(("/repository.git/", "/npm/")):
            name = os.path.realpath(f"{sys.argv[1]}/www{path}" + ("/index" if path == "/npm/hello-there" else ""))
            if name.startswith(f"{sys.argv[1]}/www/") and os.path.isfile(name):
                with open(name, "rb") as file:
                    body = file.read()
            else:
                status, body = 404, b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    make_repository(sys.argv[1])
    make_package(sys.argv[1])
    serve(sys.argv[1], Pages)

# SPDX-License-Identifier: GPL-3.0-or-later
"""An upstream from which programs fetch things: a page, JSON, a git repository. Run inside a world.

    usage: storehouse.py FOLDER     FOLDER/server.crt and server.key; writes FOLDER/seen and FOLDER/ready
"""

import http.server
import json
import os
import subprocess
import sys
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


class Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.split("?")[0]
        with lock, open(f"{sys.argv[1]}/seen", "a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": "request", "path": path}) + "\n")
        status, body = 200, b"hello from the storehouse\n"
        if path == "/json":
            body = b'{"a": "hello from the storehouse"}'
        elif path.startswith("/repository.git/"):
            name = os.path.realpath(f"{sys.argv[1]}/www{path}")
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
    serve(sys.argv[1], Pages)

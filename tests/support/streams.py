# SPDX-License-Identifier: GPL-3.0-or-later
"""An upstream that says something and then goes on: run inside a world.

    usage: streams.py FOLDER     FOLDER/server.crt and server.key; writes FOLDER/seen and FOLDER/ready
"""

import http.server
import sys
import time

from support.pages import serve

HOLD_SECONDS = 10


class Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path != "/events":
            self.send_response(200)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"hello\n")
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.event(b"data: the first\n\n")
        time.sleep(HOLD_SECONDS)  # held open: who waits for the end of it hears nothing before
        self.event(b"data: the last\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def event(self, text):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    serve(sys.argv[1], Pages)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the pack that scripts/web makes (web/build.mjs draws it), as src/storage/page_assets does."""

import gzip
import re


class Pack:
    def __init__(self, path):
        with open(path, "rb") as file:
            line, rest = file.read().split(b"\n", 1)
        word, size = line.split(b" ")
        assert word == b"ocu-page/1", line
        head, bodies = rest[:int(size)].decode(), rest[int(size):]
        self.headers, self.files = {}, {}
        for fields in (each.split("\t") for each in head.splitlines()):
            if fields[0] == "header":
                self.headers.setdefault(fields[1], []).append((fields[2], fields[3]))
            else:
                _, name, media_type, policy, cache, etag, offset, packed, _ = fields
                body = gzip.decompress(bodies[int(offset):int(offset) + int(packed)])
                self.files[name] = {"type": media_type, "policy": policy, "cache": cache, "etag": etag, "body": body}

    def answer(self, path, host, ancestors):
        """(headers, body) of a static path, or None."""
        found = self.files.get(path)
        if not found:
            return None
        name = host.split(":")[0]
        named = re.fullmatch(r"[A-Za-z0-9.-]+", name) and (name == "127.0.0.1" or not re.fullmatch(r"[0-9.]+", name))
        at = (lambda path: host + path) if named else (lambda path: "'self'")
        places = {"{assets}": at("/assets/"), "{frame}": at("/frame"), "{api}": at("/v1/"), "{ancestors}": " ".join(["'self'", *ancestors])}
        headers = [("Content-Type", found["type"]), ("ETag", found["etag"]),
                   ("Cache-Control", "public, max-age=31536000, immutable" if found["cache"] == "immutable" else "no-cache")]
        for name, value in self.headers[found["policy"]]:
            for word, place in places.items():
                value = value.replace(word, place)
            headers.append((name, value))
        return headers, found["body"]

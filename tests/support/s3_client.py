# SPDX-License-Identifier: GPL-3.0-or-later
"""A signed request to an S3 server (Signature Version 4), for what no client at hand does: buckets with Object Lock, and versions of objects."""

import hashlib
import hmac
import http.client
import time
import urllib.parse

from support import s3_servers


def request(server, method, path, query=None, fields=None, body=b""):
    """Status, fields in lower case, body."""
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"{now[:8]}/{s3_servers.REGION}/s3/aws4_request"
    host, digest = f"127.0.0.1:{server.port}", hashlib.sha256(body).hexdigest()
    signed = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": now, **(fields or {})}
    names = ";".join(sorted(signed))
    quoted = "&".join(f"{urllib.parse.quote(key, safe='')}={urllib.parse.quote(value, safe='')}" for key, value in sorted((query or {}).items()))
    canonical = "\n".join([method, path, quoted, *(f"{key}:{signed[key]}" for key in sorted(signed)), "", names, digest])
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + s3_servers.SECRET).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    signed["authorization"] = f"AWS4-HMAC-SHA256 Credential={s3_servers.ACCESS_OF[server.name]}/{scope}, SignedHeaders={names}, Signature={signature}"
    connection = http.client.HTTPConnection(host, timeout=20)
    try:
        connection.request(method, path + ("?" + quoted if quoted else ""), body=body, headers=signed)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()

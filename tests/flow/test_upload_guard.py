# SPDX-License-Identifier: GPL-3.0-or-later
"""Flow F11: what may come in and go out (SB-5, SB-7, T-32). Archives are made here and uploaded to the real appliance; kinds of files that the
manifest keeps out or in; keys of applications that embed the page (T-30)."""

import gzip
import http.client
import io
import json
import os
import signal
import stat
import struct
import subprocess
import tarfile
import zipfile
import zlib

from support.appliance import key_hash, new_key, wait_until
from support.files_case import FilesCase
from support.files_client import Browser

MIB = 1 << 20


def zipped(entries, compression=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as made:
        for name, data in entries.items():
            made.writestr(name, data)
    return out.getvalue()


def tarred(*members, mode="w"):
    """(name, data) or a TarInfo each."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as made:
        for each in members:
            if isinstance(each, tarfile.TarInfo):
                made.addfile(each)
            else:
                info = tarfile.TarInfo(each[0])
                info.size = len(each[1])
                made.addfile(info, io.BytesIO(each[1]))
    return out.getvalue()


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zipped_link(name, target):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        made.writestr(info, target)
    return out.getvalue()


def overlapping(count=40, kernel_mib=2):
    """A bomb without nesting, in the way that was published for it: every entry's data quotes the headers behind it in stored blocks and then
    ends in the same compressed kernel, so that all entries share it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    kernel = packer.compress(b"\0" * (kernel_mib * MIB)) + packer.flush()
    crc_of = lambda data: zlib.crc32(data)
    headers, records = [], []
    tail, tail_plain = kernel, b"\0" * (kernel_mib * MIB)
    for i in reversed(range(count)):
        name = f"f{i:03}".encode()
        fields = struct.pack("<HHHHHIII", 20, 0, 8, 0, 0, crc_of(tail_plain), len(tail), len(tail_plain))
        header = b"PK\x03\x04" + fields + struct.pack("<HH", len(name), 0) + name
        headers.append((header, name, fields))
        quote = struct.pack("<BHH", 0, len(header), len(header) ^ 0xFFFF)
        tail, tail_plain = quote + header + tail, header + tail_plain
    # What lies in the file: the first header, then the first entry's data, which has all others in it.
    body, offsets = b"", []
    for i, (header, name, fields) in enumerate(reversed(headers)):
        if i:
            body += struct.pack("<BHH", 0, len(header), len(header) ^ 0xFFFF)
        offsets.append(len(body))
        body += header
    body += kernel
    for (_, name, fields), offset in zip(reversed(headers), offsets):
        records.append(b"PK\x01\x02" + struct.pack("<H", 20) + fields + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, offset) + name)
    directory = b"".join(records)
    return body + directory + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(body), 0)


def many_entries(thousands):
    """A tar of that many thousand empty files, compressed on the way: the same thousand names over and over, which a tar may have."""
    block = b"".join(tarfile.TarInfo(f"f{i}").tobuf(tarfile.USTAR_FORMAT) for i in range(1000))
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as packed:
        for _ in range(thousands):
            packed.write(block)
    return out.getvalue()


class GuardCase(FilesCase):
    def events(self, name):
        return [each["unmapped"] for each in super().events(name)]

    def rule(self, data, name="uploads/a.bin"):
        answer = self.files.put(name, data)
        if answer.status in (200, 201):
            return None
        self.assertEqual((answer.status, answer.code()), (422, "archive_refused"), answer.body)
        return answer.json()["error"]["rule"]


class Archives(GuardCase):
    def test_ordinary_archives_come_in(self):
        text = os.urandom(300_000)
        kinds = {"a.zip": zipped({"d/a": text, "b": b"x"}), "a.jar": zipped({"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\n"}),
                 "a.docx": zipped({"[Content_Types].xml": b"<Types/>" * 9000, "word/document.xml": b"<w/>" * 9000}), "empty.zip": zipped({}),
                 "a.tar": tarred(("d/a", text), special("d/l", tarfile.SYMTYPE, "../d/a"), special("h", tarfile.LNKTYPE, "d/a")),
                 "a.tar.gz": tarred(("a", text), mode="w:gz"), "a.tar.xz": tarred(("a", text), mode="w:xz"), "one.csv.gz": gzip.compress(b"a,b\n" * 50_000),
                 "nested.zip": zipped({"inner.tar.gz": tarred(("x", zipped({"y": b"z"})), mode="w:gz")}), "caf\u00e9.zip": zipped({"caf\u00e9/\u20ac": b"1"})}
        kinds["a.tar.zst"] = subprocess.run(["zstd", "-qc"], input=kinds["a.tar"], stdout=subprocess.PIPE, check=True).stdout
        for name, data in kinds.items():
            answer = self.files.put("uploads/good/" + name, data)
            self.assertEqual(answer.status, 201, (name, answer.body))
        self.assertEqual(len(self.files.manifest()), len(kinds))
        self.assertIn("word/document.xml", self.client.bash("python3 -m zipfile -l /mnt/user-data/uploads/good/a.docx"))

    def test_each_rule_has_its_word_and_nothing_is_left(self):
        bad = {
            "path": [tarred(("../../etc/x", b"")), tarred(("/etc/x", b"")), zipped({"../x": b""}), zipped({"C:/x": b""}), zipped({"a\\..\\x": b""}),
                     tarred(("../x", b""), mode="w:gz"), zipped({"in/inner.zip": zipped({"../x": b""})})],
            "link": [tarred(special("l", tarfile.SYMTYPE, "/etc")), tarred(special("d/l", tarfile.SYMTYPE, "../../x")), zipped_link("l", "../x"),
                     tarred(special("h", tarfile.LNKTYPE, "../../etc/shadow")), tarred(special("l", tarfile.SYMTYPE, "d"), ("l/x", b""))],
            "device": [tarred(special("c", tarfile.CHRTYPE)), tarred(special("p", tarfile.FIFOTYPE), mode="w:xz")],
            "name": [tarred(("a\x1b[2J", b"")), tarred(("n" * 300, b""))],
            "overlap": [overlapping()],
            "ratio": [gzip.compress(b"\0" * (40 * MIB)), zipped({"z": b"\0" * (40 * MIB)}), tarred(("z", b"\0" * (40 * MIB)), mode="w:xz")],
            "unreadable": [zipped({"a": os.urandom(9000)})[:5000], gzip.compress(os.urandom(9000))[:5000], b"PK\x03\x04" + b"\7" * 300],
        }
        nested = zipped({"a": b"text"})
        for _ in range(6):
            nested = zipped({"inner": nested})
        bad["nesting"] = [nested]
        locked = bytearray(zipped({"a": b"secret words"}, zipfile.ZIP_STORED))
        locked[6] |= 1
        locked[locked.rindex(b"PK\x01\x02") + 8] |= 1
        bad["encrypted"] = [bytes(locked)]
        for rule, bodies in bad.items():
            for i, body in enumerate(bodies):
                self.assertEqual(self.rule(body), rule, f"{rule} {i}")
        self.assertEqual(self.files.manifest(), [])
        self.assertEqual(self.client.bash("ls -A /mnt/user-data/uploads").strip(), "[No output]")
        seen = lambda: {each["detail"] for each in self.events("file_refused") if each.get("reason") == "archive_refused"}
        self.assertTrue(wait_until(lambda: "path" in seen(), 5), seen())

    def test_a_replacement_that_is_refused_leaves_what_was_there(self):
        self.assertIsNone(self.rule(zipped({"a": b"1"})))
        self.assertEqual(self.rule(zipped({"../a": b"1"})), "path")
        with zipfile.ZipFile(io.BytesIO(self.files.get("uploads/a.bin").body)) as kept:
            self.assertEqual(kept.namelist(), ["a"])

    def test_more_entries_than_are_counted_are_refused_soon(self):
        directory = b"PK\x01\x02" + b"\0" * 42
        eocd = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 10_000_000, 10_000_000, len(directory), 30)
        tail = eocd + b"PK\x06\x07" + struct.pack("<IQI", 0, 30 + len(directory), 1) + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, 0xFFFFFFFF, 0xFFFFFFFF, 0)
        self.assertEqual(self.rule(b"PK\x03\x04" + b"\0" * 26 + directory + tail), "entries")
        self.assertEqual(self.rule(many_entries(101)), "entries")

    def test_a_form_is_refused_with_the_archive_in_it(self):
        boundary = "bBbB"
        part = lambda name, data: (f"--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n").encode() + data + b"\r\n"
        body = part("good.txt", b"text") + part("bad.zip", zipped({"../x": b""})) + f"--{boundary}--\r\n".encode()
        answer = self.files.ask("POST", "/v1/files", body, Content_Type=f"multipart/form-data; boundary={boundary}")
        self.assertEqual((answer.status, answer.code(), answer.json()["error"]["rule"]), (422, "archive_refused", "path"))
        self.assertEqual(self.files.manifest(), ["uploads/good.txt"])

    def test_what_is_odd_and_let_in_is_on_record(self):
        self.assertIsNone(self.rule(tarred(("a", b"1"), ("A", b"2"), ("a", b"3")), "uploads/odd.tar"))
        found = lambda: [each["detail"] for each in self.events("file_upload") if each["resource"] == "uploads/odd.tar"]
        self.assertTrue(wait_until(found, 5))
        self.assertIn("names_repeated=1", found()[0])
        self.assertIn("names_differing_by_case=1", found()[0])

    def test_a_parser_that_hangs_lets_nothing_in_and_is_replaced(self):
        parser = lambda: next(iter(self.appliance.helpers().get("parser", [])), None)
        self.assertEqual(self.files.put("uploads/warm.zip", zipped({"a": b""})).status, 201)
        first = parser()
        os.kill(first, signal.SIGSTOP)
        answer = self.files.put("uploads/dead.zip", zipped({"a": b""}))
        self.assertEqual((answer.status, answer.json()["error"].get("rule")), (422, "unchecked"))
        self.assertEqual(self.files.manifest(), ["uploads/warm.zip"])
        self.assertTrue(wait_until(lambda: parser() not in (None, first), 15))
        self.assertEqual(self.files.put("uploads/dead.zip", zipped({"a": b""})).status, 201)


class Kinds(GuardCase):
    changes = {"files": {"types": {"uploads": {"deny": ["application/x-elf", "image/*"]}, "outputs": {"allow": ["text/*"], "deny": ["text/html"]}}}}

    def test_kinds_that_are_kept_out(self):
        for name, body in (("uploads/a", b"\x7fELF" + b"x" * 2000), ("uploads/b.txt", b"\x7fELF"), ("uploads/c.png", b"\x89PNG\r\n\x1a\n" + b"x" * MIB)):
            answer = self.files.put(name, body)
            self.assertEqual((answer.status, answer.code()), (403, "type_denied"), name)
        self.assertEqual(self.files.put("uploads/d.txt", b"text").status, 201)
        self.assertEqual(self.files.manifest(), ["uploads/d.txt"])
        found = lambda: [each for each in self.events("file_refused") if each.get("reason") == "type_denied"]
        self.assertTrue(wait_until(found, 5))
        self.assertEqual(found()[0]["detail"], "application/x-elf")

    def test_outputs_that_are_not_given_out(self):
        self.client.bash("cd /mnt/user-data/outputs && echo words > note.txt && echo '<html>' > page.html && printf '\\177ELF' > tool")
        for path in ("outputs/page.html", "outputs/tool"):
            for target in (f"/v1/files/{path}", f"/v1/preview/{path}"):
                answer = self.files.ask("GET", target)
                self.assertEqual((answer.status, answer.code()), (403, "type_denied"), target)
        self.assertEqual(self.files.get("outputs/note.txt").body, b"words\n")
        listed = {each["path"]: each for each in self.files.ask("GET", "/v1/manifest").json()["files"]}
        self.assertEqual({path: each.get("withheld") for path, each in listed.items()},
                         {"outputs/note.txt": None, "outputs/page.html": "type_denied", "outputs/tool": "type_denied"})
        self.assertFalse(listed["outputs/tool"]["downloadable"])
        with zipfile.ZipFile(io.BytesIO(self.files.ask("GET", "/v1/archive?path=outputs").body)) as archive:
            self.assertEqual(archive.namelist(), ["note.txt"])
        listed = {each["name"]: each for each in self.client.request("resources/list", {})["result"]["resources"]}
        self.assertIn("type_denied", listed["tool"]["description"])
        self.assertNotIn("description", listed["note.txt"])
        self.assertIn("type_denied", json.dumps(self.client.request("resources/read", {"uri": listed["tool"]["uri"]})["error"]))
        self.assertIn("words", json.dumps(self.client.request("resources/read", {"uri": listed["note.txt"]["uri"]})))


class EmbedKeys(GuardCase):
    portal = new_key()
    changes = {"files": {"embed": {"keys": [{"name": "portal", "key_hash": key_hash(portal), "callers": ["dev"]}]}}}

    def token_for(self, caller, **more):
        body = {"intents": ["read", "preview", "write"], **({"caller": caller} if caller else {})}
        return self.files_of(self.client.chat, self.portal).ask("POST", "/v1/embed-tokens", json.dumps(body), **more)

    def test_it_makes_tokens_for_its_callers_and_nothing_else(self):
        self.files.put("uploads/mine", b"of dev")
        made = self.token_for("dev")
        self.assertEqual(made.status, 201, made.body)
        portal = self.files_of(self.client.chat, self.portal)

        class Signed(Browser):
            def __init__(self, client, token):
                self.client = client
                self.begun = client.ask("POST", "/v1/session", json.dumps({"token": token}), bearer=None)
                self.cookie = self.begun.headers["set-cookie"].split(";")[0]
                self.csrf = self.begun.json()["csrf"]

        browser = Signed(portal, made.json()["token"])
        self.assertEqual(browser.ask("GET", "/v1/files/uploads/mine").body, b"of dev")
        self.assertEqual(browser.ask("PUT", "/v1/files/uploads/two", b"2").status, 201)
        for caller in ("other", "portal", "nobody", None):
            answer = self.token_for(caller)
            self.assertEqual((answer.status, answer.code()), (403, "forbidden"), caller)
        for method, target in (("GET", "/v1/manifest"), ("GET", "/v1/files/uploads/mine"), ("PUT", "/v1/files/uploads/x"), ("DELETE", "/v1/files/uploads/mine"),
                               ("GET", "/v1/archive?path=uploads"), ("GET", "/v1/session")):
            answer = portal.ask(method, target, b"x" if method == "PUT" else None)
            self.assertIn(answer.status, (401, 403), f"{method} {target}")
        self.assertEqual(self.files.ask("POST", "/v1/embed-tokens", json.dumps({"intents": ["read"], "caller": "other"})).code(), "forbidden")
        self.assertEqual(sorted(self.files.manifest()), ["uploads/mine", "uploads/two"])
        found = lambda: [each for each in self.events("embed_token_made") if each["actor"] == "portal"]
        self.assertTrue(wait_until(found, 5))
        self.assertEqual(found()[0]["detail"], f"dev/{self.client.chat}")
        wrote = lambda: [each for each in self.events("file_upload") if each["resource"] == "uploads/two"]
        self.assertTrue(wait_until(wrote, 5))
        self.assertEqual(wrote()[0]["actor"], "dev")
        refused = lambda: [each for each in self.events("file_refused") if each["actor"] == "portal"]
        self.assertTrue(wait_until(refused, 5))

    def test_it_is_nobody_on_mcp(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.appliance.port, timeout=10)
        connection.request("POST", "/mcp", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}),
                           {"Authorization": f"Bearer {self.portal}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream"})
        self.assertEqual(connection.getresponse().status, 401)
        connection.close()

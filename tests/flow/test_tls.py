# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS on the service: who the machine is stays the same, TLS 1.3 alone, an identity that the manifest brings (AP-2, GW-1, T-12)."""

import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest

from support.appliance import Appliance, run_binary, wait_until

OPENSSL = shutil.which("openssl")


def openssl(*words, **options):
    done = subprocess.run([OPENSSL, *map(str, words)], capture_output=True, text=True, check=False, timeout=30, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Authority:
    """A certificate authority of an operator's own, with an intermediate, and what it issues."""

    def __init__(self, folder):
        self.folder = folder
        self.root = self.request("root", "/CN=Root of the house", "-x509", "-days", "30")
        self.intermediate = self.issue("middle", "/CN=Intermediate", self.root, "basicConstraints=critical,CA:TRUE")

    def path(self, name):
        return os.path.join(self.folder, name)

    def request(self, name, subject, *words):
        key, out = self.path(name + ".key"), self.path(name + ".crt" if "-x509" in words else name + ".csr")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", out, "-subj", subject, *words)
        return out, key

    def issue(self, name, subject, issuer, extension, days=20):
        request, key = self.request(name, subject)
        extensions, out = self.path(name + ".ext"), self.path(name + ".crt")
        with open(extensions, "w", encoding="utf-8") as file:
            file.write(extension + "\n")
        openssl("x509", "-req", "-in", request, "-CA", issuer[0], "-CAkey", issuer[1], "-CAcreateserial", "-days", days, "-extfile", extensions,
                "-out", out)
        return out, key

    def leaf(self, name):
        return self.issue(name, "/CN=" + name, self.intermediate, "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth")

    def chain(self, leaf):
        return read(leaf[0]) + read(self.intermediate[0])


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def shown(port, context=None):
    """The certificate that a port shows, in DER, and the TLS version."""
    context = context or ssl._create_unverified_context()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as bare, context.wrap_socket(bare, server_hostname="127.0.0.1") as secure:
        return secure.getpeercert(True), secure.version()


def tool_call(appliance, context, command="echo sealed"):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "bash_tool", "arguments": {"command": command}}})
    connection = http.client.HTTPSConnection("127.0.0.1", appliance.port, timeout=20, context=context)
    try:
        connection.request("POST", "/mcp", body, {
            "Authorization": f"Bearer {appliance.token}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream"})
        return connection.getresponse().read().decode()
    finally:
        connection.close()


class Identity(unittest.TestCase):
    """The machine's own."""

    @classmethod
    def setUpClass(cls):
        cls.appliance = Appliance(changes={"mcp": {"tls": True, "hosts": ["appliance.internal"]}, "files": {"tls": True}}).start()

    @classmethod
    def tearDownClass(cls):
        try:
            cls.appliance.stop()
        finally:
            cls.appliance.remove()

    def state(self, name):
        return os.path.join(self.appliance.state, name)

    def certificate(self):
        return ssl.PEM_cert_to_DER_cert(read(self.state("mcp.crt")))

    def trusting(self):
        return ssl.create_default_context(cafile=self.state("mcp.crt"))

    def restart(self):
        self.appliance.stop()
        self.appliance.start()

    def test_both_listeners_show_the_certificate_beside_the_state(self):
        for port in (self.appliance.port, self.appliance.files_port):
            der, version = shown(port)
            self.assertEqual(der, self.certificate())
            self.assertEqual(version, "TLSv1.3")

    def test_a_client_that_trusts_it_calls_a_tool_and_asks_for_files(self):
        self.assertIn("sealed", tool_call(self.appliance, self.trusting()))
        connection = http.client.HTTPSConnection("127.0.0.1", self.appliance.files_port, timeout=20, context=self.trusting())
        connection.request("GET", "/health")
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()
        self.assertTrue(self.appliance.files_url.startswith("https://"))

    def test_files_answer_nothing_in_the_clear(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.appliance.files_port, timeout=10)
        with self.assertRaises((OSError, http.client.HTTPException)):
            connection.request("GET", "/health")
            connection.getresponse().read()

    def test_names_of_the_manifest_are_in_it_and_it_lasts_825_days(self):
        text = openssl("x509", "-in", self.state("mcp.crt"), "-noout", "-text")
        for name in ("DNS:appliance.internal", "DNS:localhost", "IP Address:127.0.0.1", "Digital Signature", "TLS Web Server Authentication"):
            self.assertIn(name, text)
        self.assertEqual(openssl("x509", "-in", self.state("mcp.crt"), "-noout", "-checkend", 824 * 86400).strip(), "Certificate will not expire")

    def test_tls_1_2_is_refused_and_1_3_is_not(self):
        for port in (self.appliance.port, self.appliance.files_port):
            for version, good in (("-tls1_2", False), ("-tls1_3", True)):
                done = subprocess.run([OPENSSL, "s_client", "-connect", f"127.0.0.1:{port}", version, "-CAfile", self.state("mcp.crt")],
                                      stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=20)
                self.assertEqual("Verify return code: 0" in done.stdout and "TLSv1.3" in done.stdout, good, f"{version}: {done.stdout[-600:]}")

    def test_suites_and_groups_are_the_named_ones(self):
        def connects(*words):
            return subprocess.run([OPENSSL, "s_client", "-connect", f"127.0.0.1:{self.appliance.port}", "-tls1_3", *words],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=20).returncode == 0
        for suite, good in (("TLS_AES_256_GCM_SHA384", True), ("TLS_AES_128_GCM_SHA256", True), ("TLS_CHACHA20_POLY1305_SHA256", True),
                            ("TLS_AES_128_CCM_SHA256", False)):
            self.assertEqual(connects("-ciphersuites", suite), good, suite)
        for group, good in (("X25519", True), ("P-256", True), ("P-521", False)):
            self.assertEqual(connects("-groups", group), good, group)

    def test_status_says_its_fingerprint(self):
        digest = hashlib.sha256(self.certificate()).hexdigest().upper()
        expected = ":".join(digest[i:i + 2] for i in range(0, 64, 2))
        self.assertEqual(self.appliance.ctl("status")["certificate_sha256"], expected)

    def test_the_key_is_in_no_file_and_no_log(self):
        for top, _, names in os.walk(self.appliance.folder):
            for name in names:
                with open(os.path.join(top, name), "rb") as file:
                    self.assertNotIn(b"EC PRIVATE KEY", file.read(), name)
        self.assertNotIn("PRIVATE KEY", "\n".join(self.appliance.log + self.appliance.output))

    def test_it_stays_when_helpers_or_the_program_start_again(self):
        before, sealed_to = self.certificate(), read(self.state("appliance.pub"))
        for name in ("gateway-front", "files-front", "custody"):
            pid = self.appliance.helpers()[name][0]
            os.kill(pid, signal.SIGKILL)
            self.assertTrue(wait_until(lambda: self.appliance.helpers().get(name, [pid]) != [pid], 10), name)
        port = self.appliance.files_port
        self.assertTrue(wait_until(lambda: answers(port) and answers(self.appliance.port), 10))
        self.assertEqual(shown(self.appliance.port)[0], before)
        self.assertEqual(shown(port)[0], before)
        self.restart()
        self.assertEqual(shown(self.appliance.port)[0], before)
        self.assertEqual(read(self.state("appliance.pub")), sealed_to)

    def test_other_names_make_another_certificate_for_the_same_key(self):
        pin = lambda: openssl("x509", "-in", self.state("mcp.crt"), "-noout", "-pubkey")
        before, key = self.certificate(), pin()
        self.appliance.manifest.value["mcp"]["hosts"] = ["renamed.internal"]
        self.appliance.manifest.value["serial"] += 1
        self.appliance.manifest.write()
        self.restart()
        self.assertNotEqual(self.certificate(), before)
        self.assertEqual(pin(), key)
        self.assertIn("DNS:renamed.internal", openssl("x509", "-in", self.state("mcp.crt"), "-noout", "-text"))

    def test_handing_the_key_to_a_front_is_on_record(self):
        record = b""
        for top, _, names in os.walk(self.appliance.audit_dir()):
            for name in names:
                with open(os.path.join(top, name), "rb") as file:
                    record += file.read()
        self.assertIn(b"service TLS key", record)


def answers(port):
    try:
        return bool(shown(port))
    except OSError:
        return False


class Given(unittest.TestCase):
    """An identity that the manifest brings, of an authority that the operator runs."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ocu-tls.", dir="/var/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.authority = Authority(cls.folder)
        cls.appliance = Appliance()
        cls.addClassCleanup(cls.appliance.remove)
        cls.appliance.start()  # the first start makes the key to which secrets are sealed
        cls.appliance.stop()
        cls.public = os.path.join(cls.appliance.state, "appliance.pub")

    def seal(self, key, public=None):
        done = run_binary("manifest", "seal", "--to", public or self.public, key)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("PRIVATE", done.stdout)
        return done.stdout.strip()

    def bring(self, certificate, key):
        manifest = self.appliance.manifest
        manifest.value["serial"] += 1
        manifest.value["mcp"]["tls"] = {"certificate": certificate, "key": key}
        manifest.value["files"]["tls"] = True
        manifest.write()

    def assert_refused(self, certificate, key, *words):
        self.bring(certificate, key)
        with open(os.path.join(self.appliance.state, "state", "manifest.serial"), encoding="utf-8") as file:
            remembered = file.read()
        done = subprocess.run(self.appliance.arguments(), capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertNotIn("READY", done.stdout)
        for word in words:
            self.assertIn(word, done.stderr)
        with open(os.path.join(self.appliance.state, "state", "manifest.serial"), encoding="utf-8") as file:
            self.assertEqual(file.read(), remembered, "a refused manifest was remembered as applied")

    def test_a_client_that_trusts_the_authority_is_served_by_both(self):
        leaf = self.authority.leaf("served")
        self.bring(self.authority.chain(leaf), self.seal(leaf[1]))
        self.appliance.start()
        try:
            context = ssl.create_default_context(cafile=self.authority.root[0])
            self.assertIn("sealed", tool_call(self.appliance, context))
            der = ssl.PEM_cert_to_DER_cert(read(leaf[0]))
            self.assertEqual(shown(self.appliance.port, context)[0], der)
            self.assertEqual(shown(self.appliance.files_port, context)[0], der)
            self.assertEqual(read(os.path.join(self.appliance.state, "mcp.crt")), self.authority.chain(leaf))
        finally:
            self.appliance.stop()

    def test_rsa_is_served_too(self):
        key, crt = self.authority.path("rsa.key"), self.authority.path("rsa.crt")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", crt, "-days", 5, "-subj", "/CN=rsa", "-addext",
                "subjectAltName=IP:127.0.0.1")
        self.bring(read(crt), self.seal(key))
        self.appliance.start()
        try:
            self.assertIn("sealed", tool_call(self.appliance, ssl.create_default_context(cafile=crt)))
        finally:
            self.appliance.stop()

    def test_the_key_of_another_certificate_is_refused(self):
        leaf, other = self.authority.leaf("one"), self.authority.leaf("two")
        self.assert_refused(self.authority.chain(leaf), self.seal(other[1]), "mcp.tls.key", "not the key of the certificate")

    def test_a_chain_out_of_order_is_refused(self):
        leaf = self.authority.leaf("disorder")
        self.assert_refused(read(leaf[0]) + read(self.authority.root[0]), self.seal(leaf[1]), "mcp.tls.certificate", "out of order")

    def test_a_weak_key_is_refused(self):
        key, crt = self.authority.path("weak.key"), self.authority.path("weak.crt")
        openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", key, "-out", crt, "-days", 5, "-subj", "/CN=weak")
        self.assert_refused(read(crt), self.seal(key), "mcp.tls.certificate", "weak")

    def test_an_expired_certificate_is_refused(self):
        request, key = self.authority.request("late", "/CN=late")
        out = self.authority.path("late.crt")
        openssl("x509", "-req", "-in", request, "-signkey", key, "-days", -1, "-out", out)
        self.assert_refused(read(out), self.seal(key), "mcp.tls.certificate", "expired")

    def test_a_certificate_for_clients_is_refused(self):
        leaf = self.authority.issue("client", "/CN=client", self.authority.intermediate, "extendedKeyUsage=clientAuth")
        self.assert_refused(self.authority.chain(leaf), self.seal(leaf[1]), "mcp.tls.certificate", "not for servers")

    def test_a_key_sealed_to_another_appliance_is_refused(self):
        leaf = self.authority.leaf("elsewhere")
        public = self.authority.path("other.pub")
        with open(public, "w", encoding="utf-8") as file:
            file.write("ocu-appliance-key/1:j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8=\n")
        self.assert_refused(self.authority.chain(leaf), self.seal(leaf[1], public), "mcp.tls.key", "another appliance")


class Sealing(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ocu-seal.", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.folder, True)

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        return path

    def test_a_passphrase_opens_what_it_sealed_and_no_other_does(self):
        passphrase, other = self.file("p", "correct horse\n"), self.file("q", "battery staple\n")
        sealed = run_binary("manifest", "seal", "--passphrase-file", passphrase, input="hunter2")
        self.assertEqual(sealed.returncode, 0, sealed.stderr)
        text = self.file("sealed", sealed.stdout)
        self.assertEqual(run_binary("manifest", "unseal", "--passphrase-file", passphrase, text).stdout, "hunter2")
        refused = run_binary("manifest", "unseal", "--passphrase-file", other, text)
        self.assertEqual(refused.returncode, 1)
        self.assertEqual(refused.stdout, "")

    def test_what_cannot_be_sealed_is_refused(self):
        passphrase = self.file("p", "x")
        for words, given, code in (
                (("seal",), "x", 2), (("seal", "--to", "a", "--passphrase-file", passphrase), "x", 2), (("seal", "--passphrase-file", passphrase), "", 1),
                (("seal", "--passphrase-file", passphrase), "x" * 8193, 1), (("seal", "--to", self.file("bad", "no key")), "x", 1)):
            done = run_binary("manifest", *words, input=given)
            self.assertEqual(done.returncode, code, words)
            self.assertEqual(done.stdout, "")

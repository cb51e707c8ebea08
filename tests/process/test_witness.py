# SPDX-License-Identifier: GPL-3.0-or-later
"""A log of ours before a witness that others wrote (C2SP tlog-witness, sigsum's): it cosigns only a log that grew, and what it says comes back
and is checked (AU-9, AU-2, AU-4). That witness knows one log only, by a name made of its key, so the log is made here and by no appliance."""

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from support.appliance import free_port, run_binary, setting, wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MAKER = os.path.join(os.path.dirname(setting("OCU_BINARY")), "process_audit")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def grown(folder, records, origin):
    """The log in `folder` with at least that many records, all under its head; the head."""
    subprocess.run([MAKER, "[.make]"], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "OCU_LOG_DIRECTORY": folder, "OCU_LOG_RECORDS": str(records), "OCU_LOG_ORIGIN": origin})
    return read(f"{folder}/checkpoint")


class Witness:
    """On a loopback port, with a key of its own."""

    def __init__(self, folder, programs, log_key):
        self.folder, self.port = folder, free_port()
        subprocess.run([f"{programs}/sigsum-key", "generate", "-o", f"{folder}/key"], check=True)
        # As Debian builds it, it does not find its own paths without this.
        self.process = subprocess.Popen(
            [f"{programs}/sigsum-witness", "-k", f"{folder}/key", f"--log-key={log_key}", f"--state-file={folder}/state", f"127.0.0.1:{self.port}"],
            env={**os.environ, "GODEBUG": "httpmuxgo121=0"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not wait_until(self.answers, 20):
            raise RuntimeError("the witness does not answer")

    def answers(self):
        try:
            return bool(self.asked("nothing")[0])
        except OSError:
            return False

    def asked(self, request):
        """Status and body of its answer to an add-checkpoint request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("POST", "/add-checkpoint", body=request.encode())
        answer = connection.getresponse()
        got = answer.status, answer.read().decode()
        connection.close()
        return got

    def close(self):
        self.process.terminate()
        self.process.wait(20)


class Behind:
    """TLS in front of a witness, which has none."""

    def __init__(self, folder, port):
        self.certificate = f"{folder}/tls.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=w", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/tls.key", "-out", self.certificate], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, f"{folder}/tls.key")
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.serve, args=(context, port), daemon=True).start()

    def serve(self, context, port):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with context.wrap_socket(connection, server_side=True) as outer, socket.create_connection(("127.0.0.1", port)) as inner:
                head = threading.Thread(target=self.carry, args=(outer, inner), daemon=True)
                head.start()
                self.carry(inner, outer)

    @staticmethod
    def carry(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()


def fetch():
    """The folder of the witness's programs."""
    return subprocess.run([f"{ROOT}/scripts/toolchain/witness"], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


class BeforeAWitness(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ocu-witness.", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.programs = fetch()
        self.log, nameless = f"{self.folder}/log", f"{self.folder}/nameless"
        for each in (self.log, nameless):
            os.mkdir(each)
        grown(nameless, 1, "of.its.key/only")
        self.key("from-vkey", "-k", f"{nameless}/keys/checkpoint.pub", "-o", f"{self.folder}/log.pub")
        self.origin = self.key("to-vkey", "-k", f"{self.folder}/log.pub").split("+")[0]
        self.first = grown(self.log, 300, self.origin)
        self.witness = Witness(self.folder, self.programs, f"{self.folder}/log.pub")
        self.addCleanup(self.witness.close)

    def key(self, *words):
        return subprocess.run([f"{self.programs}/sigsum-key", *words], check=True, text=True, stdout=subprocess.PIPE).stdout

    def request(self, since, folder=None):
        done = run_binary("audit", "witness-request", folder or self.log, "--from", str(since))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def cosigned(self, since):
        status, answer = self.witness.asked(self.request(since))
        self.assertEqual(status, 200, answer)
        name = answer.split()[1]
        write(f"{self.folder}/witness.vkey", self.key("to-vkey", "-k", f"{self.folder}/key.pub", "-n", name, "-t", "cosignature/v1"))
        return answer

    def imported(self, text, refused=None, folder=None):
        write(f"{self.folder}/came-back", text)
        done = run_binary("audit", "import-check", folder or self.log, f"{self.folder}/came-back", "--witness", f"{self.folder}/witness.vkey")
        self.assertEqual(done.returncode, 1 if refused else 0, done.stdout + done.stderr)
        if refused:
            self.assertIn(refused, done.stderr)
        return done.stdout

    def test_a_log_that_grows_is_cosigned_and_what_comes_back_is_checked(self):
        once = self.cosigned(0)
        self.assertRegex(self.imported(self.first + once), r"continues the head of 300 records\nseen by sigsum.org/v1/witness/\S+ at 20\d\d-")
        shutil.copytree(self.log, f"{self.folder}/behind")
        second = grown(self.log, 1500, self.origin)
        again = self.cosigned(300)
        self.imported(second + again)
        self.imported(self.first + once)  # an older head, late

        self.imported(second, refused="denied")
        self.imported(second + once, refused="denied")
        self.imported(second.replace(second.split("\n")[2], self.first.split("\n")[2]) + again, refused="denied")
        self.imported(second + again, refused="not_found", folder=f"{self.folder}/behind")

    def test_a_log_that_does_not_continue_what_was_seen_is_refused_by_the_witness(self):
        self.cosigned(0)
        grown(self.log, 1500, self.origin)
        self.assertEqual(self.witness.asked(self.request(0))[0], 409, "it has seen more than nothing")
        lines = self.request(300).split("\n")
        lines[1] = lines[1][:5] + ("A" if lines[1][5] != "A" else "B") + lines[1][6:]
        self.assertEqual(self.witness.asked("\n".join(lines))[0], 422, "a proof that leads elsewhere")
        rewritten = f"{self.folder}/rewritten"
        os.mkdir(rewritten)
        grown(rewritten, 200, self.origin)  # another cut of batches, other times: another history
        grown(rewritten, 1500, self.origin)
        self.assertEqual(self.witness.asked(self.request(300, rewritten))[0], 422, "the same name and key, another history")
        self.assertEqual(self.witness.asked(self.request(300))[0], 200)

    def shown(self, since, behind, folder=None):
        """What the appliance's own process for it says of showing that log's head."""
        done = subprocess.run([MAKER, "[.show]"], check=False, capture_output=True, text=True, env={
            **os.environ, "OCU_LOG_DIRECTORY": folder or self.log, "OCU_WITNESS_OLD": str(since), "OCU_WITNESS_KEY": read(f"{self.folder}/witness.vkey").strip(),
            "OCU_WITNESS_CA": behind.certificate, "OCU_WITNESS_PORT": str(behind.port), "OCU_WITNESS_OUT": f"{self.folder}/shown"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        first, _, note = read(f"{self.folder}/shown").partition("\n")
        return first.split(), note

    def test_the_appliances_own_process_shows_a_head_and_understands_what_is_answered(self):
        behind = Behind(self.folder, self.witness.port)
        self.addCleanup(behind.close)
        self.cosigned(0)
        grown(self.log, 1500, self.origin)
        self.assertEqual(self.shown(0, behind)[0], ["other_size", "409", "300"])
        said, note = self.shown(300, behind)
        self.assertEqual(said, ["cosigned", "200", "0"])
        self.assertRegex(self.imported(note), r"continues the head of 1500 records\nseen by ")
        rewritten = f"{self.folder}/rewritten"
        os.mkdir(rewritten)
        grown(rewritten, 200, self.origin)
        grown(rewritten, 1600, self.origin)
        self.assertEqual(self.shown(1500, behind, rewritten)[0], ["answered", "422", "0"])

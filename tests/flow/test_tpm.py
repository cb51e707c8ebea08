# SPDX-License-Identifier: GPL-3.0-or-later
"""The vault's key and the machine's TPM, emulated: sealed to it, opened by it alone, and never a new key on the quiet (CU-1, T-12)."""

import os
import signal
import subprocess
import unittest

from support.appliance import Appliance, run_binary, wait_until
from support.audit import find_events
from support.mcp import Mcp, Refused
from support.tpm import Tpm, program
from test_custody import RULE, SECRET, lend


def fetch():
    program()


ANEW = "vault start-anew --state"


class OnTpm(Appliance):
    tpm = "none"

    def arguments(self):
        return [*super().arguments(), "--tpm", self.tpm, "--status-lines"]

    def at(self, name):
        return os.path.join(self.state, "state", name)

    def there(self):
        """What custody and its key have on disk."""
        return sorted(each for each in os.listdir(self.at("")) if not each.startswith("manifest."))

    def bytes_of(self, name):
        with open(self.at(name), "rb") as file:
            return file.read()

    def refused(self):
        done = subprocess.run(self.arguments(), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
        return next(line for line in done.stderr.splitlines() if line.startswith("error: "))


class TpmCase(unittest.TestCase):
    def setUp(self):
        self.tpm = Tpm()
        self.addCleanup(self.tpm.close)
        self.appliance = OnTpm()
        self.addCleanup(self.appliance.remove)
        self.addCleanup(self.appliance.stop)
        self.appliance.tpm = self.tpm.path

    def restart(self):
        self.appliance.stop()
        self.appliance.start()

    @staticmethod
    def works(client):
        try:
            return client.bash("echo works").strip() == "works"
        except Refused:
            return False

    def own_key(self):
        with open(os.path.join(self.appliance.state, "appliance.pub"), encoding="utf-8") as file:
            return file.read()


class Sealing(TpmCase):
    def test_what_was_sealed_to_the_machine_is_lent_after_a_restart(self):
        self.appliance.start()
        self.assertEqual(self.appliance.there(), ["custody.vault", "machine.tpm"])
        self.assertTrue(wait_until(lambda: any(" vault-key=tpm" in each for each in self.appliance.output)))
        self.assertIn("sealed to this machine's TPM", self.appliance.log_text())
        key = self.own_key()
        self.appliance.stop()
        lend(self.appliance, self.appliance.sealed(SECRET))
        self.appliance.start()
        self.assertEqual(self.own_key(), key)
        client = Mcp(self.appliance, chat="one")
        self.addCleanup(client.close)
        self.assertRegex(client.bash(f"echo ${RULE['inject']['environment']}").strip(), "^ocu-scoped-")
        starts = find_events(self.appliance, lambda e: e["message"] == "appliance_start")
        self.assertEqual(len(starts), 2)
        self.assertTrue(all("vault-key=tpm" in str(each) for each in starts), starts)

    def test_custody_that_died_asks_the_tpm_again(self):
        self.appliance.start()
        before = self.tpm.connections
        pid = self.appliance.helpers()["custody"][0]
        self.assertNotIn("tpm", self.appliance.helpers())
        os.kill(pid, signal.SIGKILL)
        self.assertTrue(wait_until(lambda: self.appliance.helpers().get("custody", [pid]) != [pid], 20))
        self.assertEqual(self.tpm.connections, before + 1)
        client = Mcp(self.appliance, chat="one")  # its session's token is signed by the new one
        self.addCleanup(client.close)
        self.assertTrue(wait_until(lambda: self.works(client), 20))

    def test_a_listener_on_the_wire_never_sees_the_key(self):
        key = os.urandom(32)
        os.mkdir(self.appliance.at(""), 0o700)
        with open(os.open(self.appliance.at("machine.key"), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(key)
        self.appliance.start()  # sealed now
        self.assertEqual(self.appliance.there(), ["custody.vault", "machine.tpm"])
        self.restart()          # and opened
        for heard in self.tpm.heard():
            self.assertGreater(len(heard), 500)
            self.assertNotIn(key, heard)
            self.assertFalse(any(key[i:i + 8] in heard for i in range(len(key) - 7)))
        self.assertNotIn(key[:8], self.appliance.bytes_of("machine.tpm"))

    def test_a_vault_of_a_key_file_is_taken_over_and_keeps_its_keys(self):
        self.appliance.tpm = "none"
        self.appliance.start()
        self.assertEqual(self.appliance.there(), ["custody.vault", "machine.key"])
        self.assertIn("in a file", self.appliance.log_text())
        key = self.own_key()
        self.appliance.stop()
        self.appliance.tpm = self.tpm.path
        self.appliance.start()
        self.assertEqual(self.own_key(), key)
        self.assertEqual(self.appliance.there(), ["custody.vault", "machine.tpm"])

    def test_a_takeover_that_was_cut_short_is_finished(self):
        self.appliance.tpm = "none"
        self.appliance.start()
        self.appliance.stop()
        left = self.appliance.bytes_of("machine.key")
        self.appliance.tpm = self.tpm.path
        self.appliance.start()
        self.appliance.stop()
        with open(self.appliance.at("machine.key"), "wb") as file:
            file.write(left)
        self.appliance.start()
        self.assertEqual(self.appliance.there(), ["custody.vault", "machine.tpm"])


class Refusals(TpmCase):
    def setUp(self):
        super().setUp()
        self.appliance.start()
        self.key = self.own_key()
        self.appliance.stop()
        self.before = {name: self.appliance.bytes_of(name) for name in self.appliance.there()}

    def unchanged(self):
        self.assertEqual({name: self.appliance.bytes_of(name) for name in self.appliance.there()}, self.before)

    def refused_with(self, *words):
        error = self.appliance.refused()
        for each in words:
            self.assertIn(each, error)
        self.unchanged()

    def test_another_tpm(self):
        other = Tpm()
        self.addCleanup(other.close)
        self.appliance.tpm = other.path
        self.refused_with("sealed to another TPM", ANEW)
        self.appliance.tpm = self.tpm.path
        self.appliance.start()
        self.assertEqual(self.own_key(), self.key)

    def test_a_cleared_tpm(self):
        self.tpm.clear()
        self.refused_with("cleared since", ANEW)

    def test_a_tpm_that_is_gone_or_switched_off(self):
        for self.appliance.tpm in ("none", "auto"):
            if self.appliance.tpm == "auto" and os.path.exists("/dev/tpmrm0"):
                continue
            self.refused_with("sealed to a TPM, and there is none here", "firmware", ANEW)
        self.appliance.tpm = self.tpm.path + ".not"
        self.refused_with("No such file")

    def test_with_a_key_file_of_somebody_elses_beside_it(self):
        with open(self.appliance.at("machine.key"), "wb") as file:
            file.write(bytes(32))
        self.before["machine.key"] = bytes(32)
        self.appliance.tpm = "none"
        self.refused_with("sealed to a TPM, and there is none here")

    def test_an_altered_seal(self):
        sealed_key = bytearray(self.before["machine.tpm"])
        for at in (3, len(sealed_key) - 5, 60):
            changed = bytearray(sealed_key)
            changed[at] ^= 1
            self.before["machine.tpm"] = bytes(changed)
            with open(self.appliance.at("machine.tpm"), "wb") as file:
                file.write(changed)
            self.refused_with("does not open in the TPM", "altered")

    def test_a_lost_seal_is_not_made_anew(self):
        os.unlink(self.appliance.at("machine.tpm"))
        del self.before["machine.tpm"]
        self.refused_with("there is a vault and no key for it", ANEW)

    def test_an_altered_answer_of_the_tpm(self):
        # Answers of this length are those of a session (load, unseal), and their last byte is of its HMAC.
        self.tpm.change = lambda way, data: data[:-1] + bytes([data[-1] ^ 1]) if way == "from" and 100 < len(data) < 200 else data
        self.refused_with("does not answer, or not as a TPM does")
        self.tpm.change = lambda way, data: os.urandom(len(data)) if way == "from" else data
        self.refused_with("does not answer, or not as a TPM does")

    def test_only_a_person_starts_anew(self):
        self.tpm.clear()
        self.refused_with("cleared since")
        done = run_binary("vault", "start-anew", "--state", self.appliance.state)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([each.split(".set-aside-")[0] for each in self.appliance.there()], ["custody.vault", "machine.tpm"])
        self.appliance.start()
        self.assertNotEqual(self.own_key(), self.key)
        done = run_binary("vault", "start-anew", "--state", self.appliance.state)
        self.assertEqual(done.returncode, 1)
        self.assertIn("runs on this state directory", done.stderr)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Flow F7: the mount that the broker serves, its identity and its confinement (SB-1, SB-2, T-08)."""

import os

from support import audit
from support.appliance import wait_until
from support.case import ApplianceCase, on_gvisor


class Files(ApplianceCase):
    def test_outputs_are_writable_and_uploads_are_not(self):
        text = self.client.bash("cd /mnt/user-data && echo hello > outputs/a && cat outputs/a && touch uploads/x 2>&1; stat -c '%u %g' outputs/a")
        self.assertIn("hello", text)
        self.assertIn("uploads/x", text)
        self.assertIn("1000 1000", text)

    def test_it_is_a_file_system_of_its_own(self):
        self.assertIn("/mnt/user-data", self.client.bash("grep /mnt/user-data /proc/self/mounts"))

    def test_names_cannot_leave_the_mount(self):
        text = self.client.bash(r"""cd /mnt/user-data/outputs
ln -s ../../../../etc/passwd up; ln -s /etc/shadow absolute; ln -s / root
cat up 2>&1 | head -1; cat ../../../mnt/user-data/outputs/../../user-data/outputs/up >/dev/null 2>&1
ls root/proc >/dev/null && echo own-root; mkdir 'a..b' '...' && touch "$(printf 'q\tq')" && ls""")
        # A symbolic link is followed by the guest's own kernel in the guest's own root: it never means a path of the host.
        self.assertNotIn("cloudsdk", text)
        self.assertIn("a..b", text)

    def test_store_on_the_host_says_nothing(self):
        """Neither names nor links nor contents: numbered files of sealed bytes, of the broker's own user (SB-3)."""
        needle = "needle-in-the-store-2219"
        self.client.bash(f"cd /mnt/user-data/outputs; ln -s /etc/{needle} link; mkdir {needle}; yes {needle} | head -9999 > {needle}/f; sync {needle}/f")
        found = 0
        for top, folders, names in os.walk(os.path.join(self.appliance.state, "store")):
            for name in folders + names:
                path = os.path.join(top, name)
                self.assertFalse(os.path.islink(path))
                self.assertRegex(name, r"^(s-[0-9a-f]{16}|[0-9]{8}\.seg|spare)$")
                if name in names:
                    with open(path, "rb") as file:
                        content = file.read()
                    found += len(content)
                    self.assertNotIn(needle.encode(), content)
        self.assertGreater(found, 9999 * len(needle))

    def test_everyday_operations(self):
        text = self.client.bash(r"""cd /mnt/user-data/outputs && set -e
mkdir -p t/u && echo 1 > t/u/f && mv t/u/f t/g && cp t/g t/h && ln t/g t/hard && ln -s g t/soft && chmod 640 t/h
stat -c %a t/h; cat t/soft; stat -c %h t/g; truncate -s 100000 t/h; stat -c %s t/h; rm -r t; ls -A | grep -c '^t$' || true
dd if=/dev/zero of=big bs=1M count=20 status=none && stat -c %s big && rm big
git init -q r && cd r && git config user.email a@b && git config user.name n && echo x > x && git add x && git commit -qm m && git log --oneline | wc -l
cd .. && python3 -c "
import sqlite3; c = sqlite3.connect('db'); c.execute('create table t(x)'); c.execute('insert into t values(42)'); c.commit()
print(sqlite3.connect('db').execute('select x from t').fetchone()[0])" """)
        self.assertEqual(text.split(), ["640", "1", "2", "100000", "0", "20971520", "1", "42"])

    def test_two_sessions_do_not_see_each_other(self):
        self.client.bash("echo mine > /mnt/user-data/outputs/secret")
        other = self.chat("other-" + self.client.chat)
        self.assertEqual(other.bash("ls -A /mnt/user-data/outputs").strip(), "[No output]")

    def test_files_and_their_key_go_with_the_session(self):
        self.client.bash("echo gone > /mnt/user-data/outputs/f; sync /mnt/user-data/outputs/f")
        store = os.path.join(self.appliance.state, "store")
        self.assertTrue(os.listdir(store))
        self.appliance.ctl("kill-all")
        self.assertTrue(wait_until(lambda: not os.listdir(store), 5))
        self.assertTrue(wait_until(lambda: any(each.get("message") == "data_key_destroyed" for each in audit.events(self.appliance)), 5))


FilesOnGvisor = on_gvisor(Files)

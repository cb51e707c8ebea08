# SPDX-License-Identifier: GPL-3.0-or-later
"""Flow F7: the mount that the broker serves, its identity and its confinement (SB-1, SB-2, T-08)."""

import os

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

    def test_store_on_the_host_holds_no_link_that_is_followed(self):
        self.client.bash("ln -s /etc/passwd /mnt/user-data/outputs/link; echo kept > /mnt/user-data/outputs/link 2>/dev/null; true")
        for top, _, names in os.walk(os.path.join(self.appliance.state, "store")):
            for name in names:
                path = os.path.join(top, name)
                if os.path.islink(path):
                    self.assertNotEqual(os.path.realpath(path), path)
        with open("/etc/passwd", encoding="utf-8") as file:
            self.assertNotIn("kept", file.read())

    def test_everyday_operations(self):
        text = self.client.bash(r"""cd /mnt/user-data/outputs && set -e
mkdir -p t/u && echo 1 > t/u/f && mv t/u/f t/g && cp t/g t/h && ! ln t/g t/hard 2>/dev/null && ln -s g t/soft && chmod 640 t/h
stat -c %a t/h; cat t/soft; stat -c %h t/g; truncate -s 100000 t/h; stat -c %s t/h; rm -r t; ls -A | grep -c '^t$' || true
dd if=/dev/zero of=big bs=1M count=20 status=none && stat -c %s big && rm big
git init -q r && cd r && git config user.email a@b && git config user.name n && echo x > x && git add x && git commit -qm m && git log --oneline | wc -l
cd .. && python3 -c "
import sqlite3; c = sqlite3.connect('db'); c.execute('create table t(x)'); c.execute('insert into t values(42)'); c.commit()
print(sqlite3.connect('db').execute('select x from t').fetchone()[0])" """)
        self.assertEqual(text.split(), ["640", "1", "1", "100000", "0", "20971520", "1", "42"])

    def test_two_sessions_do_not_see_each_other(self):
        self.client.bash("echo mine > /mnt/user-data/outputs/secret")
        other = self.chat("other-" + self.client.chat)
        self.assertEqual(other.bash("ls -A /mnt/user-data/outputs").strip(), "[No output]")

    def test_files_go_with_the_session(self):
        self.client.bash("echo gone > /mnt/user-data/outputs/needle-7311")
        self.appliance.ctl("kill-all")
        store = os.path.join(self.appliance.state, "store")
        self.assertTrue(wait_until(lambda: not any("needle-7311" in names for _, _, names in os.walk(store)), 5))


FilesOnGvisor = on_gvisor(Files)

# SPDX-License-Identifier: GPL-3.0-or-later
"""An unprivileged user of the same host against a running appliance (A3: T-09, T-11, T-12, T-14)."""

import glob
import json
import os
import subprocess

from support.case import ApplianceCase

PROBE = r"""
import ctypes, json, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
state, files, pids, groups = json.loads(sys.argv[1])
got = []
def attempt(name, call):
    try:
        if call() is not False: got.append(name)
    except OSError: pass
def connected(path):
    made = socket.socket(socket.AF_UNIX)
    made.connect(path)
attempt('operator.sock', lambda: connected(state + '/operator.sock'))
for name in ('callers', 'state', 'store', 'run'): attempt('list ' + name, lambda: os.listdir(state + '/' + name))
for path in files['secret']: attempt('read ' + path, lambda: open(path, 'rb').read(1))
for path in files['record']: attempt('write ' + path, lambda: os.open(path, os.O_WRONLY))
for folder in files['folders']:
    attempt('make in ' + folder, lambda: os.open(folder + '/x', os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    attempt('rename ' + folder, lambda: os.rename(folder, folder + '.x'))
for pid in pids:
    for name in ('mem', 'environ', 'maps', 'syscall', 'stack', 'auxv'): attempt('%d %s' % (pid, name), lambda: open('/proc/%d/%s' % (pid, name), 'rb').read(1))
    for name in ('fd', 'map_files'): attempt('%d %s' % (pid, name), lambda: os.listdir('/proc/%d/%s' % (pid, name)))
    for name in ('root', 'cwd', 'exe', 'ns/net', 'ns/mnt'): attempt('%d %s' % (pid, name), lambda: os.readlink('/proc/%d/%s' % (pid, name)))
    attempt('%d signal' % pid, lambda: os.kill(pid, 0))
    attempt('%d ptrace' % pid, lambda: libc.ptrace(16, pid, 0, 0) == 0)
    attempt('%d seize' % pid, lambda: libc.ptrace(0x4206, pid, 0, 0) == 0)
    attempt('%d oom' % pid, lambda: os.open('/proc/%d/oom_score_adj' % pid, os.O_WRONLY))
for group in groups:
    for name in ('cgroup.procs', 'cgroup.kill', 'freezer.state', 'pids.max'): attempt(group + name, lambda: os.open(group + name, os.O_WRONLY))
print(json.dumps(got))
"""


class CoResident(ApplianceCase):
    def probe(self, pids):
        state = self.appliance.state
        files = {
            "secret": [os.path.join(top, name) for part in ("callers", "state", "store") for top, _, names in os.walk(os.path.join(state, part)) for name in names],
            "record": [os.path.join(top, name) for top, _, names in os.walk(os.path.join(state, "audit")) for name in names][:50],
            "folders": [state, os.path.join(state, "audit"), *glob.glob("/run/ocu-*")],
        }
        groups = [each + "/" for each in glob.glob("/sys/fs/cgroup/*/ocu-*/s*") + glob.glob("/sys/fs/cgroup/ocu-*/s*")]
        # A directory that lets everybody pass, so that what refuses is the appliance's own.
        os.chmod(self.appliance.folder, 0o755)
        done = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "/usr/bin/env", "python3", "-I", "-c", PROBE,
                               json.dumps([state, files, pids, groups])], capture_output=True, text=True, check=False, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout), len(groups)

    def test_nothing_of_the_appliance_is_open_to_others(self):
        self.client.bash("echo x > /mnt/user-data/outputs/x; sleep 60 >/dev/null 2>&1 &")
        pids = [self.appliance.pid, *(pid for each in self.appliance.helpers().values() for pid in each)]
        self.assertGreaterEqual(len(pids), 11)
        got, groups = self.probe(pids)
        self.assertGreater(groups, 0)
        self.assertEqual(got, [])
        self.assertEqual(self.client.bash("echo unharmed").strip(), "unharmed")

    # T-11: the state directory that `run` makes by itself lets nobody list it, and the socket is root's.
    def test_modes(self):
        for name, mode in (("callers", 0o700), ("state", 0o700), ("store", 0o700), ("run", 0o700), ("operator.sock", 0o600)):
            self.assertEqual(os.stat(os.path.join(self.appliance.state, name)).st_mode & 0o777, mode, name)
        self.assertEqual(os.stat(os.path.join(self.appliance.state, "state", "machine.key")).st_mode & 0o777, 0o600)

    # T-14: a helper has no privilege to lose: no capability, no new one, its system calls listed, its memory its own.
    def test_helpers_have_nothing(self):
        for name, pids in self.appliance.helpers().items():
            for pid in pids:
                with open(f"/proc/{pid}/status", encoding="ascii") as file:
                    status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
                self.assertEqual(status["NoNewPrivs"], "1", name)
                if name != "launcher":
                    self.assertEqual({status[each] for each in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}, {"0" * 16}, name)
                    self.assertEqual(status["Seccomp"], "2", name)
                    self.assertGreaterEqual(int(status["Uid"].split()[0]), 884_000, name)
                    self.assertEqual(status["Groups"].strip(), "", name)

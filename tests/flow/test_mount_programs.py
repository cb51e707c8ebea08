# SPDX-License-Identifier: GPL-3.0-or-later
"""Real programs of the guest on its mount, on both tiers (SB-1): version control, databases, archives, installs, mappings and locks."""

from support.case import ApplianceCase, on_gvisor


class MountPrograms(ApplianceCase):
    def works(self, script, seconds=120):
        """Runs under `set -e`; the last line said tells that all of it did."""
        text = self.client.bash(f"cd /mnt/user-data/outputs && ( set -e\n{script}\necho all-of-it )", timeout_s=seconds)
        self.assertTrue(text.rstrip().endswith("all-of-it"), text)
        return text

    def python(self, script, seconds=120):
        return self.works(f"cat > /tmp/script.py <<'SCRIPT'\n{script}\nSCRIPT\npython3 /tmp/script.py", seconds)

    def test_git(self):
        self.works("""export HOME=/tmp GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=a@b
git init -q --bare hub.git; git clone -q hub.git work 2>/dev/null; cd work
for d in 1 2 3 4 5; do mkdir d$d; for i in $(seq 100); do echo $d $i > d$d/f$i; done; done
git add .; git commit -qm one; git push -q origin HEAD:main; test -z "$(git status --porcelain)"
git mv d1/f1 d1/g; echo more >> d2/f2; git commit -qam two; git push -q origin HEAD:main; git gc -q; git fsck --strict 2>/dev/null
cd ..; git clone -q -b main hub.git again; test "$(git -C again rev-parse HEAD)" = "$(git -C work rev-parse HEAD)"
git -C work diff --quiet; git -C again status --porcelain | wc -l | grep -qx 0; rm -rf hub.git work again""")

    def test_sqlite_with_a_log_and_with_rollback(self):
        self.python("""
import os, sqlite3
for mode in ("wal", "delete", "truncate", "persist"):
    name = f"db-{mode}"
    one = sqlite3.connect(name, isolation_level=None)
    assert one.execute(f"pragma journal_mode={mode}").fetchone()[0] == mode
    one.execute("create table t(a integer primary key, b blob)")
    other = sqlite3.connect(name, isolation_level=None)
    for i in range(100):
        one.execute("begin immediate")
        one.execute("insert into t values(?, ?)", (i, os.urandom(3000)))
        try:
            other.execute("pragma busy_timeout=0")
            other.execute("begin immediate")
            raise SystemExit("two writers at once")
        except sqlite3.OperationalError:
            pass
        one.execute("rollback" if i % 10 == 9 else "commit")
    assert other.execute("select count(*) from t").fetchone()[0] == 90
    one.execute("delete from t where a % 2"); one.execute("vacuum")
    assert one.execute("pragma integrity_check").fetchone()[0] == "ok"
    one.close(); other.close()
""")

    def test_archives_come_back_as_they_were(self):
        self.works("""mkdir -p a/b; for i in $(seq 40); do head -c $((i * 1777)) /dev/urandom > a/b/f$i; done; ln -s b a/l; ln a/b/f1 a/h; chmod 400 a/b/f2
truncate -s 3000000 a/sparse; touch -d 2001-02-03T04:05:06.789 a/b/f3
sums() { (cd $1; find . -type f | sort | xargs sha256sum; find . | sort | xargs stat -c '%n %a %Y %h'); }
sums a > 1; cp -a a c; sums c > 2; cmp 1 2; mkdir t; tar cSf - -C a . | tar xpf - -C t; sums t > 3; cmp 1 3
zip -qry z.zip a; mkdir u; unzip -q z.zip -d u; (cd u/a; sha256sum b/f*) > 4; (cd a; sha256sum b/f*) > 5; cmp 4 5; test -L u/a/l
xz -k z.zip; xz -t z.zip.xz; rm -rf a c t u z.zip z.zip.xz""")

    def test_a_python_environment_with_a_package(self):
        """Without the network: the environment is made, and a wheel that is written here is put into it as pip does."""
        self.python("""
import hashlib, os, subprocess, sys, venv, zipfile
venv.create("env", symlinks=True, with_pip=False)
with zipfile.ZipFile("thing-1-py3-none-any.whl", "w") as wheel:
    wheel.writestr("thing/__init__.py", "value = 42\\n")
    wheel.writestr("thing-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: thing\\nVersion: 1\\n")
site = subprocess.check_output(["env/bin/python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True).strip()
zipfile.ZipFile("thing-1-py3-none-any.whl").extractall(site)
assert subprocess.check_output(["env/bin/python", "-c", "import thing; print(thing.value)"], text=True).strip() == "42"
""")

    def test_mappings_locks_and_files_without_a_name(self):
        self.python("""
import fcntl, mmap, os, struct
fd = os.open("m", os.O_RDWR | os.O_CREAT, 0o600)
os.ftruncate(fd, 1 << 20)
with mmap.mmap(fd, 1 << 20) as shared:
    if os.fork() == 0:
        with mmap.mmap(fd, 1 << 20) as mine:
            mine[500_000:500_005] = b"child"
        os._exit(0)
    os.wait()
    assert shared[500_000:500_005] == b"child"
    shared[0:3] = b"abc"
    shared.flush()
assert os.pread(fd, 3, 0) == b"abc" and os.pread(fd, 5, 500_000) == b"child"
fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 0)
pid = os.fork()
if pid == 0:
    try:
        fcntl.lockf(os.open("m", os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 5)
        os._exit(1)
    except OSError:
        pass
    fcntl.lockf(os.open("m", os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 100)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
os.unlink("m")
os.pwrite(fd, b"still", 0)
assert os.pread(fd, 5, 0) == b"still"
open("old", "w").write("old"); kept = open("old"); open("new", "w").write("new"); os.replace("new", "old")
assert kept.read() == "old" and open("old").read() == "new"
before = os.statvfs(".")
with open("sparse", "wb") as sparse:
    sparse.seek(50 << 20); sparse.write(b"x")
assert (before.f_bfree - os.statvfs(".").f_bfree) * before.f_frsize < 1 << 20
""")

    def test_a_file_without_a_name_has_no_links(self):
        # gVisor goes on showing the number that it read before (docs/operating/mount.md).
        links = 1 if self.appliance.tier == "gvisor" else 0
        self.python(f"""
import os
fd = os.open("m", os.O_RDWR | os.O_CREAT, 0o600)
os.unlink("m")
assert os.fstat(fd).st_nlink == {links}
""")

    def test_churn_against_a_copy_beside_it(self):
        """The same random calls on the mount and on the sandbox's own disk: what is read is the same after each."""
        self.python("""
import os, random
random.seed(7)
names = ["/mnt/user-data/outputs/churn", "/tmp/churn"]
fds = [os.open(name, os.O_RDWR | os.O_CREAT, 0o600) for name in names]
for step in range(3000):
    at, length, what = random.randrange(300_000), random.randrange(1, 40_000), random.randrange(8)
    data = random.randbytes(length)
    for i, fd in enumerate(fds):
        if what < 3: os.pwrite(fd, data, at)
        elif what == 3: os.ftruncate(fd, at)
        elif what == 4 and step % 5 == 0: os.fsync(fd)
        elif what == 5:
            os.close(fd); fds[i] = os.open(names[i], os.O_RDWR)
        elif what == 6:
            more = os.open(names[i], os.O_WRONLY | os.O_APPEND); os.write(more, data[:5000]); os.close(more)
    assert os.fstat(fds[0]).st_size == os.fstat(fds[1]).st_size, step
    assert os.pread(fds[0], length, at) == os.pread(fds[1], length, at), step
assert open(names[0], "rb").read() == open(names[1], "rb").read()
""")

    def test_user_attributes(self):
        self.python("""
import errno, os
open("x", "w").close()
try:
    os.setxattr("x", "user.origin", b"here")
except OSError as error:
    if error.errno not in (errno.ENOTSUP, errno.ENOSYS): raise
    raise SystemExit(0)  # gVisor keeps the attributes of such a mount to itself
assert os.getxattr("x", "user.origin") == b"here" and "user.origin" in os.listxattr("x")
os.removexattr("x", "user.origin")
assert "user.origin" not in os.listxattr("x")
""")


MountProgramsOnGvisor = on_gvisor(MountPrograms)

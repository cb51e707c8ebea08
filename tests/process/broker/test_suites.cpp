// SPDX-License-Identifier: GPL-3.0-or-later
// Programs that nobody here wrote, on a broker's mount: what file systems are tested with. Each is skipped where it is not installed;
// scripts/test installs them, and OCU_POSIX_SUITES names the folder that scripts/toolchain/posix-suites made. What is left out of them is left
// out for a reason that docs/operating/mount.md gives.

#include "process/broker/broker_fixture.h"

namespace {

using namespace broker_test;

bool have(std::string const& program) { return ::access(("/usr/bin/" + program).c_str(), X_OK) == 0; }

// By descriptor, inherited by what is started: the folder may lie where the guest's user cannot go.
std::string suites()
{
    auto const* const folder = std::getenv("OCU_POSIX_SUITES");
    int const opened = folder == nullptr ? -1 : ::open(folder, O_PATH | O_DIRECTORY);
    return opened < 0 ? std::string() : "/proc/self/fd/" + std::to_string(opened);
}

}  // namespace

TEST_CASE_METHOD(
    BrokerTest, "suites: given fio, when it verifies what it wrote in many ways, then all of it is there", "[storage][SB-1][SB-9]")
{
    if (!have("fio")) SKIP("fio is not installed");
    CHECK(shell("cd outputs; fio --name=v --size=24m --rw=randrw --bsrange=512-96k --verify=crc32c --verify_fatal=1 --randrepeat=1 "
                "--end_fsync=1 "
                "--ioengine=psync --nrfiles=2 --output=/dev/null; rm v.*") == 0);
    CHECK(shell("cd outputs; fio --name=s --size=24m --rw=write --bs=4k --verify=crc32c --verify_fatal=1 --fsync=64 --ioengine=psync "
                "--output=/dev/null; rm s.*") == 0);
    CHECK(shell("cd outputs; fio --name=m --size=8m --rw=randwrite --bs=4k --verify=crc32c --verify_fatal=1 --ioengine=mmap --randrepeat=1 "
                "--output=/dev/null; rm m.*") == 0);
    CHECK(broker_lives());
}

TEST_CASE_METHOD(BrokerTest, "suites: given stress-ng, when it does what programs do to files, then its own checks hold", "[storage][SB-1]")
{
    if (!have("stress-ng")) SKIP("stress-ng is not installed");
    for (auto const* const each :
        {"rename 1 --rename-ops 3000", "link 1 --link-ops 2000", "dir 1 --dir-ops 2000", "hdd 1 --hdd-bytes 16m --hdd-ops 2000",
            "seek 1 --seek-size 8m --seek-ops 2000", "fallocate 1 --fallocate-bytes 8m --fallocate-ops 200", "fpunch 1 --fpunch-ops 200",
            "xattr 1 --xattr-ops 20", "flock 2 --flock-ops 2000", "lockf 2 --lockf-ops 2000", "symlink 1 --symlink-ops 2000",
            "utime 1 --utime-ops 2000", "chmod 1 --chmod-ops 500", "mmap 1 --mmap-file --mmap-bytes 4m --mmap-ops 50",
            "filename 1 --filename-ops 200", "dentry 1 --dentries 200 --dentry-ops 2000"}) {
        INFO(each);
        CHECK(shell("cd outputs; stress-ng --verify --temp-path . --timeout 40 --log-brief -q --" + std::string(each) +
                    " >/dev/null 2>&1") == 0);
    }
    CHECK(broker_lives());
}

TEST_CASE_METHOD(BrokerTest, "suites: given libfuse's tests of system calls, when they run on a mount, then all pass but what is refused",
    "[storage][SB-1]")
{
    auto const folder = suites();
    if (folder.empty()) SKIP("OCU_POSIX_SUITES names no folder");
    CHECK(shell("mkdir outputs/t; " + folder + "/test_syscalls \"" + mnt +
                "/outputs/t\" > outputs/said 2>&1 || true; "
                "cd outputs; grep -v 'OK$' said | grep -o '\\[[^]]*\\]' > failed || true; "
                "printf '[mkfifo]\\n[socket]\\n' | cmp - failed || { cat said >&2; exit 1; }; test $(grep -c OK said) -ge 55") == 0);
    CHECK(broker_lives());
}

TEST_CASE_METHOD(BrokerTest, "suites: given Python's tests of files, when they run on a mount, then they pass", "[storage][SB-1]")
{
    auto const folder = suites();
    if (folder.empty()) SKIP("OCU_POSIX_SUITES names no folder");
    for (auto const* const each :
        {"test_shutil", "test_mmap", "test_tempfile", "test_glob", "test_file", "test_fileio", "test_dbm_dumb", "test_filecmp"}) {
        INFO(each);
        CHECK(shell("cd outputs; rm -rf p; mkdir p; cd p; export TMPDIR=\"$PWD\" HOME=\"$PWD\" PYTHONDONTWRITEBYTECODE=1; PYTHONPATH=" +
                    suites() + "/python /usr/bin/python3 -m unittest -q test." + std::string(each) +
                    " >out 2>&1 || { cat out >&2; exit 1; }; cd ..; rm -r p") == 0);
    }
    CHECK(broker_lives());
}

TEST_CASE_METHOD(BrokerTest, "suites: given rsync, tar and cp, when trees are copied round, then every hash is the same", "[storage][SB-1]")
{
    if (!have("rsync")) SKIP("rsync is not installed");
    CHECK(shell("cd outputs; mkdir -p a/b/c; for i in $(seq 60); do head -c $((i * 777)) /dev/urandom > a/b/f$i; done; ln -s ../b a/b/c/l; "
                "ln a/b/f1 a/b/c/h; "
                "truncate -s 5000000 a/sparse; printf x | dd of=a/sparse bs=1 seek=3000000 conv=notrunc status=none; chmod 400 a/b/f2; "
                "touch -d "
                "2001-02-03T04:05:06.789 a/b/f3; sums() { (cd $1; find . -type f | sort | xargs sha256sum; find . | sort | xargs stat -c "
                "'%n %a %Y %h'); }; "
                "sums a > 1; cp -a a cp; sums cp > 2; cmp 1 2; rsync -aHSX a/ rs; sums rs > 3; cmp 1 3; rsync -aHSX --delete a/ rs; sums "
                "rs > 3; cmp 1 3; "
                "mkdir tr; tar cSf - -C a . | tar xpf - -C tr; sums tr > 4; cmp 1 4; test $(stat -c %b a/sparse) -lt 200; test $(stat -c "
                "%b tr/sparse) -lt 200; "
                "rm -rf a cp rs tr") == 0);
    CHECK(broker_lives());
}

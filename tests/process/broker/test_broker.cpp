// SPDX-License-Identifier: GPL-3.0-or-later
// The broker as a guest meets it: what a mount refuses, what it must be good enough for, and what happens when it dies.

#include "process/broker/broker_fixture.h"

#include <sys/file.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include <chrono>
#include <fstream>

#include "storage/limits.h"

namespace {

using namespace broker_test;

struct SmallBrokerTest : BrokerTest {
    SmallBrokerTest() : BrokerTest(1u << 20, 3u << 20) {}
};

bool makes(int fd) { return fd >= 0; }

}  // namespace

TEST_CASE_METHOD(
    BrokerTest, "broker: given a mount, when its top is listed, then it shows uploads and outputs of the guest's user", "[storage][SB-1]")
{
    CHECK(shell("test \"$(ls -A | sort | tr '\\n' ' ')\" = 'outputs uploads '") == 0);
    CHECK(shell("test \"$(stat -c %u:%g . uploads outputs | sort -u)\" = 1001000:1001000") == 0);
    CHECK(shell("test \"$(stat -f -c %l outputs)\" = 255") == 0);
    CHECK(broker_lives());
}

TEST_CASE_METHOD(
    BrokerTest, "broker: given uploads, when the guest writes there in any way, then it is refused as read-only", "[storage][T-08][SB-1]")
{
    CHECK(fault_of([] { return makes(::open("uploads/new", O_WRONLY | O_CREAT, 0644)); }) == EROFS);
    CHECK(fault_of([] { return ::mkdir("uploads/d", 0755) == 0; }) == EROFS);
    CHECK(fault_of([] { return ::rmdir("uploads") == 0; }) == EROFS);
    CHECK(fault_of([] { return ::symlink("x", "uploads/l") == 0; }) == EROFS);
    CHECK(fault_of([] { return ::rename("uploads", "outputs/uploads") == 0; }) == EROFS);
    CHECK(fault_of([] { return ::chmod("uploads", 0777) == 0; }) == EROFS);
    CHECK(fault_of([] { return ::utimensat(AT_FDCWD, "uploads", nullptr, 0) == 0; }) == EROFS);
    CHECK(fault_of([] { return ::setxattr("uploads", "user.x", "y", 1, 0) == 0; }) == EROFS);
    CHECK(fault_of([] { return makes(::open("beside", O_WRONLY | O_CREAT, 0644)); }) == EROFS);
    REQUIRE(shell("echo x > outputs/f") == 0);
    CHECK(fault_of([] { return ::link("outputs/f", "uploads/f") == 0; }) == EROFS);
    CHECK(fault_of([] { return ::rename("outputs/f", "uploads/f") == 0; }) == EROFS);
    CHECK(broker_lives());
}

TEST_CASE_METHOD(BrokerTest,
    "broker: given files, links and names of a guest's, when its store is looked at, then nothing of them can be read there",
    "[storage][T-08][T-14][SB-2][SB-3]")
{
    std::string const needle = "needle-in-a-name-4711";
    REQUIRE(
        shell("mkdir outputs/" + needle + "; ln -s /etc/" + needle + " outputs/link; test \"$(readlink outputs/link)\" = /etc/" + needle +
              "; for i in $(seq 5000); do echo " + needle + "; done > outputs/" + needle + "/f; sync outputs/" + needle + "/f") == 0);
    std::uint64_t bytes = 0;
    for (auto const& entry : std::filesystem::directory_iterator(stored)) {
        CHECK(entry.is_regular_file());
        struct stat is{};
        REQUIRE(::lstat(entry.path().c_str(), &is) == 0);
        CHECK(is.st_uid == kBrokerUser);
        CHECK((is.st_mode & 07777) == 0600);
        std::ifstream file(entry.path(), std::ios::binary);
        std::string const content{std::istreambuf_iterator<char>(file), {}};
        bytes += content.size();
        CHECK(content.find(needle) == content.npos);
    }
    CHECK(bytes > 5'000 * needle.size());
    struct stat is{};
    REQUIRE(::stat(stored.c_str(), &is) == 0);
    CHECK((is.st_mode & 07777) == 0700);
    CHECK(broker_lives());
}

TEST_CASE_METHOD(BrokerTest, "broker: given a store whose bytes were changed, when a guest reads them, then EIO, and storage is told",
    "[storage][T-28][SB-3][SB-9]")
{
    REQUIRE(shell("dd if=/dev/zero of=outputs/f bs=1000000 count=3 status=none; sync outputs/f") == 0);
    for (auto const& entry : std::filesystem::directory_iterator(stored)) {
        if (entry.path().extension() != ".seg") continue;
        std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
        for (int at = 100'000; at < 2'900'000; at += 10'000) file.seekp(at).put('x');
    }
    CHECK(fault_of([] {
        int const fd = ::open("outputs/f", O_RDONLY | O_DIRECT);  // not from the kernel's memory
        std::vector<char> bytes(3'000'000);
        return ::read(fd, bytes.data(), bytes.size()) == 3'000'000;
    }) == EIO);
    auto const told = helper::read_frame(link.get(), 64, std::chrono::seconds(5));
    REQUIRE(told.has_value());
    CHECK(told->type == static_cast<std::uint16_t>(proto::Type::store_damaged));
    CHECK(shell("echo x > outputs/g; test \"$(cat outputs/g)\" = x") == 0);
    CHECK(broker_lives());
}

TEST_CASE_METHOD(BrokerTest, "broker: given outputs, when the guest makes devices, fifos, sockets or set-id files, then it is refused",
    "[storage][T-04][T-08][SB-2]")
{
    CHECK(fault_of([] { return ::mkfifo("outputs/p", 0644) == 0; }) == EPERM);
    CHECK(fault_of([] { return ::mknod("outputs/s", S_IFSOCK | 0644, 0) == 0; }) == EPERM);
    // The kernel refuses devices to an ordinary user; root outside meets the broker's own refusal.
    CHECK(::mknod((mnt + "/outputs/c").c_str(), S_IFCHR | 0666, 0x103) == -1);
    CHECK(errno == EPERM);
    REQUIRE(shell("echo x > outputs/f") == 0);
    CHECK(shell("chmod 6755 outputs/f; test \"$(stat -c %a outputs/f)\" = 755") == 0);
    CHECK(fault_of([] { return ::chown("outputs/f", 0, 0) == 0; }) == EPERM);
    CHECK(::chown((mnt + "/outputs/f").c_str(), 0, 0) == -1);
    CHECK(errno == EPERM);
    CHECK(fault_of([] { return ::setxattr("outputs/f", "security.x", "y", 1, 0) == 0; }) != 0);
    CHECK(fault_of([] { return ::setxattr("outputs/f", "system.posix_acl_access", "y", 1, 0) == 0; }) != 0);
    CHECK(fault_of([] { return ::chmod("outputs", 0) == 0; }) == EPERM);
    CHECK(broker_lives());
}

TEST_CASE_METHOD(
    BrokerTest, "broker: given overlong and odd names, when they are used, then they are refused or kept exactly", "[storage][T-08][SB-2]")
{
    CHECK(fault_of([] { return ::mkdir(("outputs/" + std::string(256, 'n')).c_str(), 0755) == 0; }) == ENAMETOOLONG);
    CHECK(fault_of([] { return ::mkdir(("outputs/" + std::string(255, 'n')).c_str(), 0755) == 0; }) == 0);
    CHECK(shell("echo a > 'outputs/%2e%2e%2fsecret'; echo b > 'outputs/\xff\xfe'; echo c > 'outputs/..\\..\\x'; test \"$(ls -A outputs | "
                "wc -l)\" = 4") == 0);
    // Deeper than a path can be: as on a disk, and it can be removed again.
    CHECK(as_guest([] {
        std::string const name(200, 'd');
        int at = ::open("outputs", O_RDONLY | O_DIRECTORY);
        for (int i = 0; i < 30; ++i) {
            if (::mkdirat(at, name.c_str(), 0755) != 0) return 1;
            at = ::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY);
        }
        return ::close(::openat(at, "deep", O_WRONLY | O_CREAT, 0644)) == 0 ? 0 : 2;
    }) == 0);
    CHECK(shell("rm -r outputs/ddd*; test ! -e outputs/ddd*") == 0);
    CHECK(shell("echo still > outputs/here; test \"$(cat outputs/here)\" = still") == 0);
    CHECK(broker_lives());
}

TEST_CASE_METHOD(SmallBrokerTest, "broker: given quotas, when they are reached, then writes fail with ENOSPC or EFBIG and space comes back",
    "[storage][T-06][SB-8]")
{
    CHECK(fault_of([] { return ::truncate("outputs/none", 0) == 0; }) == ENOENT);
    CHECK(
        shell("head -c 1048576 /dev/zero > outputs/a; head -c 1048576 /dev/zero > outputs/b; head -c 1048576 /dev/zero > outputs/c") == 0);
    CHECK(shell("echo x > outputs/d 2>/dev/null") != 0);
    CHECK(fault_of([] {
        int const fd = ::open("outputs/d", O_WRONLY | O_CREAT, 0644);
        return ::pwrite(fd, "x", 1, 0) == 1;
    }) == ENOSPC);
    CHECK(fault_of([] {
        int const fd = ::open("outputs/a", O_WRONLY);
        return ::pwrite(fd, "x", 1, 1u << 20) == 1;
    }) == EFBIG);
    CHECK(fault_of([] { return ::truncate("outputs/a", 1 << 21) == 0; }) == EFBIG);
    CHECK(fault_of([] {
        int const fd = ::open("outputs/d", O_WRONLY);
        return ::fallocate(fd, 0, 0, 4096) == 0;
    }) == ENOSPC);
    // Removed while open: still counted, until the last handle goes.
    CHECK(fault_of([] {
        int const held = ::open("outputs/a", O_RDONLY);
        if (held < 0 || ::unlink("outputs/a") != 0) return false;
        int const fd = ::open("outputs/d", O_WRONLY);
        if (::pwrite(fd, "x", 1, 0) == 1) return false;
        ::close(held);
        for (int i = 0; i < 1000; ++i)  // the kernel sends a release on its own time
            if (::pwrite(fd, "x", 1, 0) == 1) return true;
        return false;
    }) == 0);
    CHECK(shell("rm outputs/b outputs/c; head -c 1048576 /dev/zero > outputs/again") == 0);
    CHECK(shell("test \"$(df --output=size -B1 outputs | tail -1 | tr -d ' ')\" = 3145728") == 0);
    CHECK(broker_lives());
}

TEST_CASE_METHOD(BrokerTest,
    "broker: given a guest that opens without end, when the ceiling is reached, then it is refused and others go on",
    "[storage][T-06][SB-8]")
{
    CHECK(as_guest([] {
        rlimit const many{10'000, 10'000};
        (void)::setrlimit(RLIMIT_NOFILE, &many);
        int opened = 0;
        while (::open(("outputs/f" + std::to_string(opened)).c_str(), O_WRONLY | O_CREAT, 0644) >= 0) ++opened;
        return errno == ENFILE && opened > 1'000 ? 0 : 1;
    }) == 0);
    CHECK(shell("echo x > outputs/after; cat outputs/after") == 0);
    CHECK(broker_lives());
}

TEST_CASE_METHOD(
    BrokerTest, "broker: given the ways in which programs use files, when they do, then it behaves as a file system", "[storage][SB-1]")
{
    SECTION("append, truncate, rename over an open file")
    {
        CHECK(shell("cd outputs; echo a > f; echo b >> f; exec 3<f; echo new > g; mv g f; test \"$(cat <&3 | tr '\\n' ' ')\" = 'a b '; "
                    "test \"$(cat f)\" = new") == 0);
        CHECK(fault_of([] { return ::truncate("outputs/f", 2) == 0; }) == 0);
        CHECK(shell("test \"$(cat outputs/f)\" = ne; mv -T outputs/f outputs/h; test ! -e outputs/f; test -e outputs/h") == 0);
    }
    SECTION("use after unlink")
    {
        CHECK(as_guest([] {
            int const fd = ::open("outputs/u", O_RDWR | O_CREAT, 0600);
            struct stat is{};
            if (::unlink("outputs/u") != 0 || ::pwrite(fd, "still", 5, 0) != 5 || ::fstat(fd, &is) != 0 || is.st_size != 5) return 1;
            if (::ftruncate(fd, 2) != 0 || ::fchmod(fd, 0644) != 0 || ::fsync(fd) != 0 || ::futimens(fd, nullptr) != 0) return 2;
            char bytes[4]{};
            return ::pread(fd, bytes, 4, 0) == 2 && std::string_view(bytes, 2) == "st" && ::access("outputs/u", F_OK) != 0 ? 0 : 3;
        }) == 0);
    }
    SECTION("shared mapping")
    {
        CHECK(as_guest([] {
            int const fd = ::open("outputs/m", O_RDWR | O_CREAT, 0600);
            if (::ftruncate(fd, 8192) != 0) return 1;
            auto* const at = static_cast<char*>(::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
            if (at == MAP_FAILED) return 2;
            at[5000] = 'x';
            if (::msync(at, 8192, MS_SYNC) != 0) return 3;
            char byte = 0;
            return ::pread(fd, &byte, 1, 5000) == 1 && byte == 'x' ? 0 : 4;
        }) == 0);
        CHECK(shell("test \"$(stat -c %s outputs/m)\" = 8192; test \"$(tr -d '\\0' < outputs/m)\" = x") == 0);
    }
    SECTION("hard links")
    {
        CHECK(shell("cd outputs; echo x > a; mkdir d; ln a d/b; test \"$(stat -c %h:%i a)\" = \"$(stat -c %h:%i d/b)\"; test \"$(stat -c "
                    "%h a)\" "
                    "= 2; echo y >> d/b; test \"$(tr '\\n' ' ' < a)\" = 'x y '; rm a; test \"$(stat -c %h d/b)\" = 1; ! ln d e") == 0);
        CHECK(fault_of([] { return ::link("outputs/d/b", "uploads/b") == 0; }) == EROFS);
    }
    SECTION("extended attributes")
    {
        CHECK(as_guest([] {
            char bytes[16]{};
            int const fd = ::open("outputs/x", O_RDWR | O_CREAT, 0600);
            if (::fsetxattr(fd, "user.a", "1234", 4, XATTR_CREATE) != 0 || ::fsetxattr(fd, "user.a", "1", 1, XATTR_CREATE) == 0) return 1;
            if (::getxattr("outputs/x", "user.a", bytes, 2) != -1 || errno != ERANGE || ::getxattr("outputs/x", "user.a", nullptr, 0) != 4)
                return 2;
            if (::getxattr("outputs/x", "user.a", bytes, 16) != 4 || ::listxattr("outputs/x", bytes, 16) != 7) return 3;
            if (::removexattr("outputs/x", "user.a") != 0 || ::getxattr("outputs/x", "user.a", bytes, 16) != -1 || errno != ENODATA)
                return 4;
            return ::getxattr("outputs/x", "security.selinux", bytes, 16) == -1 ? 0 : 5;
        }) == 0);
    }
    SECTION("holes")
    {
        CHECK(as_guest([] {
            int const fd = ::open("outputs/s", O_RDWR | O_CREAT, 0600);
            struct stat is{};
            if (::ftruncate(fd, 100 << 20) != 0 || ::pwrite(fd, "x", 1, 50 << 20) != 1 || ::fstat(fd, &is) != 0) return 1;
            if (is.st_size != 100 << 20 || is.st_blocks * 512 > 1 << 20) return 2;
            if (::lseek(fd, 0, SEEK_DATA) != 50 << 20 || ::lseek(fd, 0, SEEK_HOLE) != 0) return 3;
            if (::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 50 << 20, 1 << 20) != 0) return 4;
            if (::lseek(fd, 0, SEEK_DATA) != -1 || errno != ENXIO) return 5;
            char byte = 1;
            return ::pread(fd, &byte, 1, 50 << 20) == 1 && byte == 0 ? 0 : 6;
        }) == 0);
    }
    SECTION("locks") { CHECK(shell("cd outputs; exec 9>lock; flock -n 9; ! flock -n lock true") == 0); }
    SECTION("exchange, no-replace, directory moves with open contents")
    {
        CHECK(shell("cd outputs; mkdir -p a/b; echo x > a/b/f; exec 3<a/b/f; mv a c; test \"$(cat c/b/f)\" = x; test \"$(cat <&3)\" = x; "
                    "echo y > c/b/f; rm -r c; test ! -e c") == 0);
        CHECK(as_guest([] {
            if (::mkdir("outputs/one", 0755) != 0 || ::close(::open("outputs/one/in", O_CREAT | O_WRONLY, 0644)) != 0) return 1;
            if (::close(::open("outputs/two", O_CREAT | O_WRONLY, 0644)) != 0) return 2;
            if (::syscall(SYS_renameat2, AT_FDCWD, "outputs/one", AT_FDCWD, "outputs/two", 1u) == 0 || errno != EEXIST) return 3;
            if (::syscall(SYS_renameat2, AT_FDCWD, "outputs/one", AT_FDCWD, "outputs/two", 2u) != 0) return 4;
            return ::access("outputs/two/in", F_OK) == 0 && ::access("outputs/one", F_OK) == 0 ? 0 : 5;
        }) == 0);
    }
    SECTION("a directory of many")
    {
        CHECK(shell("cd outputs; for i in $(seq 2000); do : > f$i; done; test \"$(ls | wc -l)\" = 2000; test \"$(ls -l | wc -l)\" = 2001; "
                    "rm -f f*; test -z \"$(ls)\"") == 0);
    }
    CHECK(broker_lives());
}

TEST_CASE_METHOD(BrokerTest, "broker: given programs of every day, when they work on outputs, then they succeed", "[storage][SB-1]")
{
    auto const have = [](char const* program) { return std::filesystem::exists(std::string("/usr/bin/") + program); };
    if (have("git"))
        CHECK(shell("cd outputs; export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a "
                    "GIT_COMMITTER_EMAIL=a@b;"
                    "git init -q r; cd r; for i in $(seq 50); do echo $i > f$i; done; git add .; git commit -qm one; git mv f1 g1; git "
                    "commit -qm two;"
                    "git gc -q; git fsck --strict; git clone -q . ../r2; test -z \"$(git -C ../r2 status --porcelain)\"") == 0);
    if (have("sqlite3"))
        CHECK(shell("cd outputs; sqlite3 d.db 'pragma journal_mode=wal; create table t(a); insert into t values(1),(2);' >/dev/null;"
                    "sqlite3 d.db 'pragma journal_mode=delete; insert into t values(3);' >/dev/null; test \"$(sqlite3 d.db 'select sum(a) "
                    "from t; pragma integrity_check;' | tr '\\n' ' ')\" = '6 ok '") == 0);
    if (have("tar"))
        CHECK(shell("cd outputs; mkdir s; ln -s nowhere s/l; echo x > s/f; chmod 400 s/f; tar cf t.tar s; mkdir o; tar xf t.tar -C o; test "
                    "-L o/s/l; test \"$(stat -c %a o/s/f)\" = 400") == 0);
    if (have("python3"))
        CHECK(shell("cd outputs; python3 -c 'import tempfile,shutil,os; d=tempfile.mkdtemp(dir=\".\"); "
                    "open(d+\"/a\",\"w\").write(\"x\"*100000); shutil.copytree(d,\"c\"); os.replace(\"c/a\",\"c/b\"); assert "
                    "os.path.getsize(\"c/b\")==100000; shutil.rmtree(d)'") == 0);
    CHECK(broker_lives());
}

TEST_CASE_METHOD(BrokerTest, "broker: given files being written, when the broker is killed, then what is under way fails at once",
    "[storage][T-17][SB-9]")
{
    REQUIRE(shell("echo kept > outputs/kept") == 0);
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    pid_t const writer = ::fork();
    if (writer == 0) {
        int const fd = ::open((mnt + "/outputs/w").c_str(), O_WRONLY | O_CREAT, 0644);
        char const byte = 'x';
        if (::write(ends[1], &byte, 1) != 1) ::_exit(1);
        while (::pwrite(fd, &byte, 1, 0) == 1) {
        }
        ::_exit(errno == ENOTCONN || errno == ECONNABORTED ? 0 : 2);
    }
    char started = 0;
    REQUIRE(::read(ends[0], &started, 1) == 1);
    auto const before = std::chrono::steady_clock::now();
    kill_broker();
    int status = 0;
    REQUIRE(::waitpid(writer, &status, 0) == writer);
    auto const took = std::chrono::steady_clock::now() - before;
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(took < std::chrono::milliseconds(500));
    CHECK(fault_of([] { return makes(::open("outputs/kept", O_RDONLY)); }) == ENOTCONN);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE_METHOD(BrokerTest, "broker: given its core goes away, when the link closes, then it ends by itself", "[storage][T-13]")
{
    link.reset();
    int status = 0;
    REQUIRE(::waitpid(broker, &status, 0) == broker);
    broker = -1;
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

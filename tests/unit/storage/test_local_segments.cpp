// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/local_segments. Files of one directory and nothing beside it; a write that fails leaves the segment as it was.
#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/crypto/crypto.h"
#include "storage/limits.h"
#include "storage/local_segments.h"

namespace test_local_segments {

using namespace ocu;
using namespace ocu::storage;
namespace fs = std::filesystem;

struct LocalSegmentsTest {
    LocalSegmentsTest()
    {
        char name[] = "/tmp/ocu-segments-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        base = name;
        open();
    }
    LocalSegmentsTest(LocalSegmentsTest const&) = delete;
    LocalSegmentsTest& operator=(LocalSegmentsTest const&) = delete;
    ~LocalSegmentsTest()
    {
        std::error_code ignored;
        fs::remove_all(base, ignored);
    }
    void open() { segments.emplace(UniqueFd(::open(base.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC))); }
    std::string read_all(SegmentNumber segment)
    {
        std::vector<std::byte> into(1'000);
        auto const got = segments->read(segment, 0, into);
        REQUIRE(got.has_value());
        return {reinterpret_cast<char const*>(into.data()), *got};
    }

    std::string base;
    std::optional<LocalSegments> segments;
};

TEST_CASE_METHOD(LocalSegmentsTest,
    "local_segments: given segments, when they are written, cut and opened anew, then their bytes are there", "[storage][SB-4]")
{
    REQUIRE(segments->make(1).has_value());
    REQUIRE(segments->make(2).has_value());
    REQUIRE(segments->append(1, 0, crypto::as_bytes("hello ")).has_value());
    REQUIRE(segments->append(1, 6, crypto::as_bytes("world")).has_value());
    CHECK(read_all(1) == "hello world");
    REQUIRE(segments->cut(1, 5).has_value());
    REQUIRE(segments->sync().has_value());
    open();
    CHECK(read_all(1) == "hello");
    auto const found = segments->list();
    REQUIRE(found.has_value());
    REQUIRE(found->size() == 2);
    CHECK((found->at(0).number == 1 && found->at(0).bytes == 5 && found->at(1).number == 2 && found->at(1).bytes == 0));
    struct stat is{};
    REQUIRE(::stat((base + "/00000001.seg").c_str(), &is) == 0);
    CHECK((is.st_mode & 07777) == 0600);
}

TEST_CASE_METHOD(LocalSegmentsTest,
    "local_segments: given other files in the directory, when segments are listed, then only names of ours count", "[storage][SB-4]")
{
    for (auto const* const each : {"spare", "1.seg", "000000001.seg", "0000000x.seg", "00000000.seg", "00000002.segx", "-0000003.seg"})
        std::ofstream(base + "/" + each) << "x";
    std::ofstream(base + "/00000009.seg") << "123";
    auto const found = segments->list();
    REQUIRE(found.has_value());
    REQUIRE(found->size() == 1);
    CHECK((found->front().number == 9 && found->front().bytes == 3));
}

TEST_CASE_METHOD(LocalSegmentsTest, "local_segments: given a link in a segment's place, when it is listed or read, then it is refused",
    "[storage][T-08][SB-2]")
{
    std::ofstream(base + "-outside") << "outside";
    fs::create_symlink(base + "-outside", base + "/00000001.seg");
    std::vector<std::byte> into(10);
    CHECK_FALSE(segments->read(1, 0, into).has_value());
    CHECK_FALSE(segments->append(1, 0, into).has_value());
    CHECK_FALSE(segments->list().has_value());
    CHECK(fs::file_size(base + "-outside") == 7);
    fs::remove(base + "-outside");
}

TEST_CASE_METHOD(LocalSegmentsTest,
    "local_segments: given a segment that is not there, or that is there already, when it is used, then the fault says so",
    "[storage][SB-4]")
{
    std::vector<std::byte> into(10);
    CHECK(segments->read(3, 0, into).error() == ENOENT);
    CHECK(segments->append(3, 0, into).error() == ENOENT);
    CHECK(segments->remove(3).error() == ENOENT);
    REQUIRE(segments->make(3).has_value());
    CHECK(segments->make(3).error() == EIO);
    REQUIRE(segments->remove(3).has_value());
    CHECK(segments->make(3).has_value());
}

TEST_CASE_METHOD(LocalSegmentsTest,
    "local_segments: given more segments than files may be open, when all are written and synced, then all are there",
    "[storage][SB-4][SB-8]")
{
    auto const count = static_cast<SegmentNumber>(kSegmentFilesOpenMax + 20);
    for (SegmentNumber each = 1; each <= count; ++each) {
        REQUIRE(segments->make(each).has_value());
        REQUIRE(segments->append(each, 0, crypto::as_bytes("first ")).has_value());
    }
    for (SegmentNumber each = 1; each <= count; ++each)
        REQUIRE(segments->append(each, 6, crypto::as_bytes(std::to_string(each))).has_value());
    std::size_t open_here = 0;
    for (auto const& each : fs::directory_iterator("/proc/self/fd")) {
        std::error_code ignored;
        open_here += fs::read_symlink(each, ignored).string().starts_with(base + "/") ? 1 : 0;
    }
    CHECK(open_here == kSegmentFilesOpenMax);
    REQUIRE(segments->sync().has_value());
    for (SegmentNumber each = 1; each <= count; ++each) CHECK(read_all(each) == "first " + std::to_string(each));
}

// In a child, whose files may not grow beyond some bytes: a write is cut short there, and the next one fails.
TEST_CASE_METHOD(LocalSegmentsTest,
    "local_segments: given a write that is cut short, when it fails, then the segment ends where it ended before", "[storage][SB-9]")
{
    REQUIRE(segments->make(1).has_value());
    REQUIRE(segments->append(1, 0, crypto::as_bytes("0123456789")).has_value());
    auto const child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        rlimit const limit{100, 100};
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
        std::vector<std::byte> const large(1'000);
        auto const refused = segments->append(1, 10, large);
        if (refused.has_value()) ::_exit(3);
        if (!segments->append(1, 10, crypto::as_bytes("abc")).has_value()) ::_exit(4);
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(read_all(1) == "0123456789abc");
}

TEST_CASE_METHOD(LocalSegmentsTest,
    "local_segments: given a write that can neither be finished nor taken back, when more is written, then it is EIO",
    "[storage][SB-9][T-28]")
{
    auto const child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        // A segment whose file is open to be read only is the nearest to a disk on which nothing works any more.
        if (!segments->make(1).has_value() || !segments->make(2).has_value()) ::_exit(2);
        for (int fd = 3; fd < 1'000; ++fd) {
            std::error_code ignored;
            if (fs::read_symlink("/proc/self/fd/" + std::to_string(fd), ignored) != base + "/00000001.seg") continue;
            int const other = ::open((base + "/00000001.seg").c_str(), O_RDONLY);
            if (other < 0 || ::dup2(other, fd) != fd) ::_exit(3);
        }
        if (segments->append(1, 0, crypto::as_bytes("x")).has_value()) ::_exit(4);
        if (segments->append(2, 0, crypto::as_bytes("x")).has_value()) ::_exit(5);
        if (segments->make(3).has_value()) ::_exit(6);
        if (segments->sync().has_value()) ::_exit(7);
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE_METHOD(
    LocalSegmentsTest, "local_segments: given something kept back, when it is given up, then its bytes are free", "[storage][SB-9]")
{
    CHECK_FALSE(segments->give_up_spare());
    segments->keep_spare();
    CHECK(fs::file_size(base + "/spare") == kSpareBytes);
    segments->keep_spare();
    CHECK(segments->give_up_spare());
    CHECK_FALSE(fs::exists(base + "/spare"));
    CHECK_FALSE(segments->give_up_spare());
}

}  // namespace test_local_segments

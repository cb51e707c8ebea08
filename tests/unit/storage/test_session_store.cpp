// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/session_store and tree_removal. Directories of sessions come and go whole, whatever a guest has put into them.
#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "storage/session_store.h"

namespace test_session_store {

using namespace ocu;
using namespace ocu::storage;
namespace fs = std::filesystem;

struct SessionStoreTest {
    SessionStoreTest()
    {
        char name[] = "/tmp/ocu-store-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        base = name;
        fs::create_directory(base + "/store");
        std::ofstream(base + "/outside") << "outside";
        store.emplace(loop, UniqueFd(::open((base + "/store").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
    }
    SessionStoreTest(SessionStoreTest const&) = delete;
    SessionStoreTest& operator=(SessionStoreTest const&) = delete;
    ~SessionStoreTest()
    {
        std::error_code ignored;
        fs::remove_all(base, ignored);
    }
    void run_until_idle()
    {
        store->when_idle([this] { loop.stop(); });
        loop.run();
    }

    wire::Loop loop;
    std::string base;
    std::optional<SessionStore> store;
    SessionId session{0xabc};
    std::string path() const { return base + "/store/s-0000000000000abc"; }
};

TEST_CASE_METHOD(
    SessionStoreTest, "session_store: given a session, when its directory is made, then only the owner enters it", "[storage][T-14]")
{
    REQUIRE(store->make(session, ::getuid()).has_value());
    struct stat is{};
    REQUIRE(::stat(path().c_str(), &is) == 0);
    CHECK((is.st_mode & 07777) == 0700);
    auto const again = store->make(session, ::getuid());
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().fault == Fault::conflict);
}

TEST_CASE_METHOD(SessionStoreTest,
    "session_store: given a tree with links, depth and many entries, when it is removed, then all of it goes and nothing outside",
    "[storage][T-08][T-13]")
{
    REQUIRE(store->make(session, ::getuid()).has_value());
    auto const outputs = path() + "/outputs";
    fs::create_directory(outputs);
    fs::create_directory(path() + "/uploads");
    fs::create_symlink(base, outputs + "/out");
    fs::create_directory_symlink(base + "/store/..", path() + "/uploads/up");
    std::ofstream(outputs + "/ten") << "0123456789";
    for (int i = 0; i < 500; ++i) std::ofstream(outputs + "/f" + std::to_string(i)) << "x";
    fs::create_directory(path() + "/up0");  // the name that removal would use
    fs::create_directories(outputs + "/a/b/c");
    fs::create_directories(outputs + "/a/b/d/e");
    std::ofstream(outputs + "/a/b/d/e/f") << "12345";
    std::uint64_t bytes = 0;
    bool whole = false;
    store->remove(session, [&bytes, &whole](std::uint64_t removed, bool all) {
        bytes = removed;
        whole = all;
    });
    run_until_idle();
    CHECK(whole);
    CHECK(bytes == 515);
    CHECK(fs::is_empty(base + "/store"));
    CHECK(fs::exists(base + "/outside"));
}

TEST_CASE_METHOD(SessionStoreTest, "session_store: given a tree deeper than a path can be, when it is removed, then it goes all the same",
    "[storage][T-06][T-13]")
{
    REQUIRE(store->make(session, ::getuid()).has_value());
    UniqueFd at(::open(path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (int i = 0; i < 3'000; ++i) {
        REQUIRE(::mkdirat(at.get(), "deeper", 0700) == 0);
        at.reset(::openat(at.get(), "deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    store->remove(session, [](std::uint64_t, bool) {});
    run_until_idle();
    CHECK(fs::is_empty(base + "/store"));
}

TEST_CASE_METHOD(SessionStoreTest,
    "session_store: given leftovers of a crash, when it starts, then they go and strangers' directories stay", "[storage][T-13][CT-1]")
{
    fs::create_directories(base + "/store/s-00000000000000ff/outputs/x");
    fs::create_directories(base + "/store/s-00000000000000fe");
    fs::create_directory(base + "/store/kept");
    store->remove_leftovers();
    run_until_idle();
    CHECK_FALSE(fs::exists(base + "/store/s-00000000000000ff"));
    CHECK_FALSE(fs::exists(base + "/store/s-00000000000000fe"));
    CHECK(fs::exists(base + "/store/kept"));
}

TEST_CASE_METHOD(
    SessionStoreTest, "session_store: given a session without a directory, when it is removed, then that is no failure", "[storage]")
{
    bool whole = false;
    store->remove(session, [&whole](std::uint64_t, bool all) { whole = all; });
    run_until_idle();
    CHECK(whole);
}

}  // namespace test_session_store

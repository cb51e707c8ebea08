// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/open_beneath and, on top of it, session_tree. Each resolve rule alone, without Landlock behind it, and a stored
// component that is swapped for a link between being looked up and being opened.
#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include "storage/open_beneath.h"

namespace test_open_beneath {

using namespace ocu;
using namespace ocu::storage;
namespace fs = std::filesystem;

struct OpenBeneathTest {
    OpenBeneathTest()
    {
        char name[] = "/tmp/ocu-beneath-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        base = name;
        fs::create_directories(base + "/session/outputs/d/e");
        fs::create_directories(base + "/session/uploads");
        fs::create_directories(base + "/outside/e");
        std::ofstream(base + "/session/outputs/d/e/f") << "inside";
        std::ofstream(base + "/outside/e/f") << "outside";
        root = UniqueFd(::open((base + "/session").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    OpenBeneathTest(OpenBeneathTest const&) = delete;
    OpenBeneathTest& operator=(OpenBeneathTest const&) = delete;
    ~OpenBeneathTest()
    {
        std::error_code ignored;
        fs::remove_all(base, ignored);
    }
    // The errno of opening it; 0 if it was opened.
    int fault(std::string const& path, int flags = O_RDONLY, mode_t mode = 0) const
    {
        errno = 0;
        return open_beneath(root.get(), path, flags, mode) ? 0 : errno;
    }

    std::string base;
    UniqueFd root;
};

TEST_CASE_METHOD(
    OpenBeneathTest, "open_beneath: given a path that stays beneath, when it is opened, then it is, close-on-exec", "[storage][T-08]")
{
    auto const file = open_beneath(root.get(), "outputs/d/e/f", O_RDONLY);
    REQUIRE(file);
    CHECK((::fcntl(file.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE_METHOD(OpenBeneathTest, "open_beneath: given a path that climbs out or starts at the root, when it is opened, then it is refused",
    "[storage][T-08]")
{
    CHECK(fault("../outside/e/f") == EXDEV);
    CHECK(fault("outputs/../../outside/e/f") == EXDEV);
    CHECK(fault("..", O_PATH | O_DIRECTORY) == EXDEV);
    CHECK(fault("/etc/hostname") == EXDEV);
    CHECK(fault("../made", O_WRONLY | O_CREAT, 0600) == EXDEV);
    CHECK_FALSE(fs::exists(base + "/made"));
}

TEST_CASE_METHOD(OpenBeneathTest,
    "open_beneath: given a symbolic link anywhere in a path, when it is opened, then it is refused even if it stays beneath",
    "[storage][T-08]")
{
    fs::create_directory_symlink("outputs", base + "/session/near");
    fs::create_directory_symlink(base + "/outside", base + "/session/far");
    fs::create_symlink("d/e/f", base + "/session/outputs/file");
    CHECK(fault("near/d/e/f") == ELOOP);
    CHECK(fault("far/e/f") == ELOOP);
    CHECK(fault("outputs/file") == ELOOP);
    CHECK(fault("near", O_PATH | O_DIRECTORY) == ELOOP);
    CHECK(fault("far", O_PATH | O_DIRECTORY) == ELOOP);
}

TEST_CASE("open_beneath: given another file system below, when a path leads into it, then it is refused", "[storage][T-08]")
{
    UniqueFd const top(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    errno = 0;
    CHECK_FALSE(open_beneath(top.get(), "proc/version", O_RDONLY));
    CHECK(errno == EXDEV);
}

}  // namespace test_open_beneath

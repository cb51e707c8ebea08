// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A folder of a test's own, gone with it.

#include <stdlib.h>

#include <catch2/catch_test_macros.hpp>

#include <filesystem>
#include <string>

namespace ocu::test {

struct TemporaryFolder {
    TemporaryFolder()
    {
        char name[] = "/tmp/ocu-test-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        folder = name;
    }
    ~TemporaryFolder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }
    TemporaryFolder(TemporaryFolder const&) = delete;
    TemporaryFolder& operator=(TemporaryFolder const&) = delete;

    std::string folder;
};

}  // namespace ocu::test

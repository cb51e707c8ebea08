// SPDX-License-Identifier: GPL-3.0-or-later
// Secrets as the kernel sees them: locked, or not made at all. Here and not in tests/unit/base, because the sanitizers take mlock away.

#include <catch2/catch_test_macros.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "base/secret.h"

namespace test_secret {

using namespace ocu;

// What the kernel keeps of the mapping that an address lies in ("lo": locked, "dd": not in core files).
std::string flags_of(void const* address)
{
    std::ifstream maps("/proc/self/smaps");
    auto const wanted = reinterpret_cast<std::uintptr_t>(address);
    bool inside = false;
    for (std::string line; std::getline(maps, line);) {
        unsigned long first = 0;
        unsigned long end = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx ", &first, &end) == 2) inside = first <= wanted && wanted < end;
        if (inside && line.starts_with("VmFlags:")) return line + " ";
    }
    return {};
}

}  // namespace test_secret

using namespace test_secret;

TEST_CASE("secret: given a secret, when its memory is looked at, then it is locked and out of core files", "[base][T-12]")
{
    auto const secret = Secret::make(32);
    REQUIRE(secret);
    auto const flags = flags_of(secret->bytes().data());
    CHECK(flags.contains(" lo "));
    CHECK(flags.contains(" dd "));
}

TEST_CASE("secret: given no room to lock memory, when a secret is made, then it is refused instead of being swappable", "[base][T-12]")
{
    // In a child, because it cannot be undone; as another user, because root may lock what it likes.
    pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        rlimit const none{0, 0};
        bool const ready = ::setrlimit(RLIMIT_MEMLOCK, &none) == 0 && ::setuid(65'534) == 0;
        ::_exit(!ready ? 3 : Secret::make(32) ? 1 : 0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/base/secret. Bytes that are locked, kept out of core files, moved and never copied, and gone afterwards.

#include "base/secret.h"

#include <sys/mman.h>

#include <array>
#include <fstream>
#include <string>
#include <type_traits>

namespace test_secret {

using namespace ocu;

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);

std::span<std::byte const> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

// The flags that the kernel keeps for the mapping that an address lies in ("dd": not in core files). Whether it is locked is asked by
// tests/process/helpers/test_secret.cpp: the sanitizers take mlock away.
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

bool is_mapped(void* address)
{
    unsigned char resident = 0;
    return ::mincore(address, 1, &resident) == 0;
}

TEST_CASE("secret: given a secret, when its memory is looked at, then it is out of core files and a mapping of its own", "[base][T-12]")
{
    auto const secret = Secret::copy_of(bytes_of("a key"));
    REQUIRE(secret);
    CHECK(std::ranges::equal(secret->bytes(), bytes_of("a key")));
    auto const flags = flags_of(secret->bytes().data());
    CHECK(flags.contains(" dd "));
    CHECK(reinterpret_cast<std::uintptr_t>(secret->bytes().data()) % 4096 == 0);
}

TEST_CASE("secret: given a secret, when it ends, is assigned to or moved from, then its memory is given back and nothing is left of it",
    "[base][T-12]")
{
    auto secret = Secret::copy_of(bytes_of("first"));
    REQUIRE(secret);
    void* const first = secret->bytes().data();
    Secret moved = std::move(*secret);
    CHECK(secret->empty());
    CHECK(moved.bytes().data() == first);
    auto second = Secret::copy_of(bytes_of("second"));
    REQUIRE(second);
    void* const next = second->bytes().data();
    moved = std::move(*second);
    CHECK_FALSE(is_mapped(first));
    CHECK(std::ranges::equal(moved.bytes(), bytes_of("second")));
    Secret& same = moved;
    moved = std::move(same);
    CHECK(std::ranges::equal(moved.bytes(), bytes_of("second")));
    moved = Secret();
    CHECK(moved.empty());
    CHECK_FALSE(is_mapped(next));
}

TEST_CASE("secret: given memory, when it is wiped, then every byte is zero", "[base][T-12]")
{
    std::array<std::byte, 64> memory;
    memory.fill(std::byte{0xa5});
    wipe(std::span(memory).first(63));
    CHECK(std::ranges::all_of(std::span(memory).first(63), [](std::byte each) { return each == std::byte{}; }));
    CHECK(memory[63] == std::byte{0xa5});
    wipe({});
}

TEST_CASE("equal_constant_time: given byte strings, when they are compared, then only the same are equal", "[base][T-01]")
{
    CHECK(equal_constant_time(bytes_of("abcd"), bytes_of("abcd")));
    CHECK(equal_constant_time({}, {}));
    CHECK_FALSE(equal_constant_time(bytes_of("abcd"), bytes_of("Abcd")));
    CHECK_FALSE(equal_constant_time(bytes_of("abcd"), bytes_of("abcD")));
    CHECK_FALSE(equal_constant_time(bytes_of("abcd"), bytes_of("abc")));
    CHECK_FALSE(equal_constant_time(bytes_of("abc"), bytes_of("abcd")));
    CHECK_FALSE(equal_constant_time(bytes_of("ab"), bytes_of("ba")));  // differences that would cancel each other out
}

}  // namespace test_secret

// SPDX-License-Identifier: GPL-3.0-or-later
// The secret in the memory of who signs with it: this program's, without a sanitizer's allocator, which keeps what was freed.
#include "s3_fixture.h"

namespace ocu::test_s3 {

namespace {

constexpr std::size_t kDigits = 32;
using Flipped = std::array<char, kDigits>;  // the secret's bits turned, so that looking for it makes no copy

// "id:" and a secret that nobody has, which is in the answer alone.
Secret fresh_secret(Flipped& flipped)
{
    std::array<std::byte, kDigits> random{};
    crypto::random_bytes(random);
    auto secret = std::move(*Secret::make(3 + kDigits));
    auto const out = secret.bytes();
    out[0] = std::byte{'i'};
    out[1] = std::byte{'d'};
    out[2] = std::byte{':'};
    for (std::size_t i = 0; i < kDigits; ++i) {
        out[3 + i] = static_cast<std::byte>('a' + static_cast<unsigned>(random[i]) % 26);
        flipped[i] = static_cast<char>(~static_cast<unsigned>(out[3 + i]));
    }
    return secret;
}

// Of its second half: whoever frees a block may write into the beginning of it.
std::size_t copies_in(char const* begin, char const* end, Flipped const& flipped)
{
    constexpr std::size_t kFirst = kDigits / 2;
    std::size_t count = 0;
    for (auto const* at = begin; at + (kDigits - kFirst) <= end; ++at) {
        std::size_t same = kFirst;
        while (same < kDigits && at[same - kFirst] == static_cast<char>(~flipped[same])) ++same;
        count += same == kDigits ? 1 : 0;
    }
    return count;
}

// In all that this process may write.
std::size_t copies_of(Flipped const& flipped)
{
    std::size_t count = 0;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        unsigned long begin = 0;
        unsigned long end = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx rw-p", &begin, &end) != 2 || !line.contains(" rw-p ")) continue;
        count += copies_in(reinterpret_cast<char const*>(begin), reinterpret_cast<char const*>(end), flipped);
    }
    return count;
}

}  // namespace

TEST_CASE("s3: of the secret nothing is left behind by what was signed with it [T-12]", "[SB-4][T-12]")
{
    Store store;
    Flipped flipped{};
    auto secret = fresh_secret(flipped);
    REQUIRE(copies_of(flipped) == 1);
    {
        S3Segments engine(store.place, std::move(secret), store.connect, store.clock);
        for (int i = 0; i < 3; ++i) CHECK(engine.list().error() == EIO);  // the store knows no such secret
    }
    CHECK(copies_of(flipped) == 0);
}

}  // namespace ocu::test_s3

// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/wire/percent. RFC 3986, section 2.1.
#include "wire/percent.h"

#include <catch2/catch_test_macros.hpp>

namespace test_percent {

using namespace ocu::wire;

TEST_CASE("percent: given any bytes, when they are encoded and decoded, then they are the same", "[wire]")
{
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    CHECK(percent_decoded(percent_encoded(all)) == all);
    CHECK(percent_encoded("a/b c~") == "a%2Fb%20c~");
    CHECK(percent_encoded("a/b c~", "/") == "a/b%20c~");
    CHECK(percent_decoded("%c3%A4+") == "\xc3\xa4+");
}

TEST_CASE("percent: given an escape that is cut off or no hex, when it is decoded, then nothing", "[wire]")
{
    for (auto const* const bad : {"%", "%4", "a%", "%g0", "%0g", "%%20"}) CHECK_FALSE(percent_decoded(bad));
}

}  // namespace test_percent

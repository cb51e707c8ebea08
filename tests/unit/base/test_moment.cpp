// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: base/moment.

#include <catch2/catch_test_macros.hpp>

#include "base/moment.h"

namespace test_moment {

using namespace ocu;

TEST_CASE("moment: given moments as RFC 3339 writes them, when they are parsed, then offsets count and nonsense is refused", "[base]")
{
    CHECK(parse_moment("1970-01-01T00:00:00Z").value() == 0);
    CHECK(parse_moment("2026-01-31t13:30:00.123+01:30").value() == 1'769'860'800);
    CHECK(parse_moment("2026-01-31T10:00:00-02:00").value() == 1'769'860'800);
    CHECK(parse_moment("2024-02-29T00:00:00Z"));
    for (auto const* const text : {"", "2026-01-31", "2026-01-31T12:00:00", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
             "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2026-01-31T12:00:61Z", "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00+24:00",
             "2026-01-31T12:00:00Zx", "26-01-31T12:00:00Z", "2026-1-31T12:00:00Z"}) {
        INFO(text);
        CHECK_FALSE(parse_moment(text));
    }
}

}  // namespace test_moment

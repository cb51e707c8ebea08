// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/guest/tail. Checks that the last bytes are kept, whatever the pieces.

#include "guest/tail.h"

namespace test_tail {

TEST_CASE("tail: given more than it keeps, when read, then it is the last bytes in order", "[guest][SX-5]")
{
    for (std::size_t const step : {1u, 3u, 10u, 50u}) {
        ocu::guest::Tail tail(10);
        std::string all;
        for (int i = 0; i < 40; ++i) {
            std::string const part(step, static_cast<char>('a' + i % 26));
            tail.append(part);
            all += part;
            CHECK(tail.view() == std::string_view(all).substr(all.size() - std::min<std::size_t>(all.size(), 10)));
        }
    }
}

}  // namespace test_tail

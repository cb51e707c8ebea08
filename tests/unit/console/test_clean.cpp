// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/console/clean. Nothing but printable ASCII reaches a terminal, whoever wrote the text.

#include "console/clean.h"

namespace test_clean {

using namespace ocu;
using namespace ocu::console;

TEST_CASE("clean: given a message whose texts grow when they are made printable, when it is cleaned, then every text keeps its bound",
    "[console][T-19]")
{
    proto::ScreenState state;
    state.name = std::string(64, '\x1b');
    state.warnings.push(std::string(200, '\xff'));
    proto::ScreenInterface port;
    port.addresses = std::string(128, '\n');
    state.interfaces.push(port);
    auto const cleaned = clean(state);
    CHECK(cleaned.name.view().starts_with("\\x1b\\x1b"));
    CHECK(cleaned.name.size() == 64);
    CHECK(cleaned.warnings.items()[0].view().starts_with("\\xff"));
    CHECK(cleaned.interfaces.items()[0].addresses.view().starts_with("\\x0a"));
    CHECK(clean(proto::ScreenLine{"a\x1b[31m", true}).text.view() == "a\\x1b[31m");
}

}  // namespace test_clean

// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/guest/inbox. Checks that the agent takes whole, listed frames and nothing else.

#include "guest/inbox.h"

#include <string_view>

#include "proto/exec_to_guest.h"

namespace test_inbox {

using namespace ocu;
using ocu::guest::Inbox;

wire::Bytes frame(std::uint32_t size, std::uint16_t type, std::uint16_t descriptors, std::string_view body)
{
    wire::Bytes bytes;
    wire::Encoder encode(bytes);
    encode(size, type, descriptors);
    for (char const each : body) bytes.push_back(static_cast<std::byte>(each));
    return bytes;
}

constexpr auto kSignal = static_cast<std::uint16_t>(proto::Type::guest_signal);

TEST_CASE("inbox: given a frame byte by byte, when complete, then it is delivered once", "[guest][SX-3]")
{
    Inbox inbox;
    auto const bytes = frame(8, kSignal, 0, "12345678");
    for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
        inbox.append(std::span(bytes).subspan(i, 1));
        auto const none = inbox.next();
        REQUIRE(none.has_value());
        CHECK_FALSE(none->has_value());
    }
    inbox.append(std::span(bytes).last(1));
    auto const whole = inbox.next();
    REQUIRE(whole.has_value());
    REQUIRE(whole->has_value());
    CHECK((**whole).type == kSignal);
    CHECK((**whole).body.size() == 8);
    CHECK_FALSE(inbox.next()->has_value());
}

TEST_CASE("inbox: given two frames at once, when read, then both come in order", "[guest][SX-3]")
{
    Inbox inbox;
    inbox.append(frame(1, kSignal, 0, "a"));
    inbox.append(frame(1, kSignal, 0, "b"));
    CHECK((**inbox.next()).body[0] == std::byte{'a'});
    CHECK((**inbox.next()).body[0] == std::byte{'b'});
}

TEST_CASE("inbox: given an unlisted, too large or descriptor-bearing frame, when its head arrives, then it is refused", "[guest][SX-3]")
{
    auto const refused = [](wire::Bytes const& bytes) {
        Inbox inbox;
        inbox.append(bytes);
        auto const result = inbox.next();
        return !result && result.error().fault == Fault::malformed;
    };
    CHECK(refused(frame(0, 0x9999, 0, "")));
    CHECK(refused(frame(0, static_cast<std::uint16_t>(proto::Type::guest_output), 0, "")));
    CHECK(refused(frame(9, kSignal, 0, "")));
    CHECK(refused(frame(8, kSignal, 1, "")));
}

}  // namespace test_inbox

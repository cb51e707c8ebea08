// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/wire/codec. What a message says is what is read; what does not fit its bounds is refused whole.

#include "wire/codec.h"

#include "proto/any_to_audit.h"

namespace test_codec {

using namespace ocu;
using namespace ocu::wire;

enum class Colour : std::uint8_t { red, green, kLast = green };

struct Inner {
    std::uint16_t number = 0;
    static void fields(auto& wire, auto& m) { wire(m.number); }
};

struct Sample {
    SessionId session;
    Text<5> text;
    List<Inner, 2> list;
    Colour colour{};
    bool flag = false;
    std::int32_t below = 0;
    std::chrono::milliseconds wait{};
    static void fields(auto& wire, auto& m) { wire(m.session, m.text, m.list, m.colour, m.flag, m.below, m.wait); }
};

Sample sample()
{
    Sample s;
    s.session = SessionId{0x1122334455667788};
    s.text = Text<5>(std::string("a\0b", 3));
    s.list.push(Inner{7});
    s.colour = Colour::green;
    s.flag = true;
    s.below = -2;
    s.wait = std::chrono::milliseconds(-1);
    return s;
}

TEST_CASE("codec: given a message, when it is encoded and decoded, then every field is the same", "[wire]")
{
    auto const got = decode<Sample>(encode(sample()));
    REQUIRE(got.has_value());
    CHECK(got->session == sample().session);
    CHECK(got->text == sample().text);
    REQUIRE(got->list.items().size() == 1);
    CHECK(got->list.items()[0].number == 7);
    CHECK(got->colour == Colour::green);
    CHECK(got->flag);
    CHECK(got->below == -2);
    CHECK(got->wait.count() == -1);
}

TEST_CASE("codec: given a message cut at any byte, when it is decoded, then it is malformed", "[wire][T-14]")
{
    auto const whole = encode(sample());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        auto const got = decode<Sample>(std::span(whole).first(size));
        REQUIRE_FALSE(got.has_value());
        CHECK(got.error().fault == Fault::malformed);
    }
}

TEST_CASE("codec: given a byte too many, when it is decoded, then it is malformed", "[wire][T-14]")
{
    auto bytes = encode(sample());
    bytes.push_back(std::byte{0});
    CHECK_FALSE(decode<Sample>(bytes).has_value());
}

TEST_CASE("codec: given values out of their bounds, when they are decoded, then each is malformed", "[wire][T-14]")
{
    auto const whole = encode(sample());
    auto const with = [&](std::size_t at, std::uint8_t value) {
        auto bytes = whole;
        bytes[at] = static_cast<std::byte>(value);
        return decode<Sample>(bytes).has_value();
    };
    CHECK_FALSE(with(8, 6));         // text longer than its bound
    CHECK_FALSE(with(8 + 4 + 3, 3)); // list longer than its bound
    CHECK_FALSE(with(21, 2));        // no such colour
    CHECK_FALSE(with(22, 2));        // neither false nor true
    CHECK(with(23, 9));              // any integer is an integer
}

TEST_CASE("codec: given a huge length, when it is decoded, then nothing is allocated for it", "[wire][T-14]")
{
    Bytes bytes(8, std::byte{0});
    bytes.insert(bytes.end(), 4, std::byte{0xff});
    CHECK_FALSE(decode<Sample>(bytes).has_value());
}

}  // namespace test_codec

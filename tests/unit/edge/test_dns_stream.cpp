// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: edge/dns_stream. Messages cut out of a stream, and a stream that ends when it is misused.

#include "edge/dns_stream.h"

#include <catch2/catch_test_macros.hpp>

#include <sys/socket.h>

#include "edge/limits.h"

namespace test_dns_stream {

using namespace ocu;
using namespace ocu::edge;
using namespace std::chrono_literals;

std::vector<std::uint8_t> bytes(std::string_view text) { return {text.begin(), text.end()}; }

TEST_CASE("dns_stream: given messages in pieces, when they are added, then each comes out once it is whole", "[edge][EG-4]")
{
    DnsFrames frames;
    for (auto const byte : DnsFrames::framed(bytes("one"))) {
        REQUIRE_FALSE(frames.next().value());
        frames.add({&byte, 1});
    }
    auto two = DnsFrames::framed(bytes("two"));
    two.push_back(0);
    frames.add(two);
    CHECK(frames.next().value() == bytes("one"));
    CHECK(frames.next().value() == bytes("two"));
    CHECK_FALSE(frames.next().value());
}

TEST_CASE("dns_stream: given a length that is not served, when it is read, then nothing after it is", "[edge][T-06]")
{
    std::array<std::uint8_t, 2> const none{0, 0}, much{(kDnsDatagramBytesMax + 1) >> 8, (kDnsDatagramBytesMax + 1) & 0xff};
    for (auto const& length : {none, much}) {
        DnsFrames frames;
        frames.add(length);
        CHECK(frames.next().error().fault == Fault::over_limit);
    }
}

struct StreamTest {
    StreamTest()
    {
        auto pair = make_socket_pair().value();
        guest = std::move(pair.ours);
        DnsStream::Calls calls;
        calls.question = [this](std::span<std::uint8_t const> message) {
            asked.emplace_back(message.begin(), message.end());
            return may;
        };
        calls.over = [this] { over = true; };
        stream.emplace(loop, std::move(pair.theirs), std::move(calls));
    }
    void say(std::vector<std::uint8_t> const& text)
    {
        REQUIRE(::send(guest.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
    }
    template <class Condition>
    void until(Condition condition)
    {
        bool late = false;
        auto const guard = loop.after(15s, [&late] { late = true; });
        while (!condition() && !late) loop.run_one();
        REQUIRE_FALSE(late);
    }

    wire::Loop loop;
    UniqueFd guest;
    std::vector<std::vector<std::uint8_t>> asked;
    bool may = true;
    bool over = false;
    std::optional<DnsStream> stream;
};

TEST_CASE_METHOD(
    StreamTest, "dns_stream: given two questions at once, when they are answered, then behind their lengths, in that order", "[edge][EG-4]")
{
    auto both = DnsFrames::framed(bytes("a?"));
    auto const second = DnsFrames::framed(bytes("b?"));
    both.insert(both.end(), second.begin(), second.end());
    say(both);
    until([&] { return asked.size() == 2; });
    stream->answer(bytes("a!"));
    stream->answer(bytes("b!!"));
    std::array<char, 64> got{};
    CHECK(::recv(guest.get(), got.data(), got.size(), 0) == 9);
    CHECK(std::string_view(got.data(), 9) == std::string_view("\0\2a!\0\3b!!", 9));
    CHECK_FALSE(over);
    guest.reset();
    until([&] { return over; });
    stream->answer(bytes("late"));
}

TEST_CASE_METHOD(StreamTest,
    "dns_stream: given one that is enough, a bad length, or answers that nobody fetches, when it goes on, then it ends", "[edge][T-06]")
{
    SECTION("enough")
    {
        may = false;
        say(DnsFrames::framed(bytes("a?")));
        until([&] { return over; });
        CHECK(asked.size() == 1);
    }
    SECTION("a bad length")
    {
        say({0, 0});
        until([&] { return over; });
        CHECK(asked.empty());
    }
    SECTION("answers that are not fetched")
    {
        std::vector<std::uint8_t> const large(kDnsDatagramBytesMax);
        for (int i = 0; i < 4096 && !over; ++i) stream->answer(large);
        CHECK(over);
    }
}

}  // namespace test_dns_stream

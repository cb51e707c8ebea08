// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: edge/splice. Bytes pass both ways, unchanged; what one side does not take is held within a bound; the end of one way is not that of the other.

#include "edge/splice.h"

#include <catch2/catch_test_macros.hpp>

#include <sys/socket.h>

#include <random>

#include "base/clock.h"
#include "edge/limits.h"

namespace test_splice {

using namespace ocu;
using namespace ocu::edge;
using namespace std::chrono_literals;

struct SpliceTest {
    explicit SpliceTest(std::string already = {})
    {
        auto front = make_socket_pair().value();
        auto back = make_socket_pair().value();
        guest = std::move(front.theirs);
        site = std::move(back.theirs);
        splice.emplace(loop, clock, std::move(front.ours), std::move(already), std::move(back.ours), [this] { ++ended; });
    }

    void turn()
    {
        for (int i = 0; i < 64; ++i) {
            bool turned = false;
            loop.post([&turned] { turned = true; });
            while (!turned) loop.run_one();
        }
    }
    // Whatever comes within `turns` of the loop.
    std::string hear(UniqueFd const& at, std::size_t turns = 4)
    {
        std::string out;
        std::string piece(1u << 16, 0);
        for (std::size_t i = 0; i < turns; ++i) {
            turn();
            for (ssize_t got = 0; (got = ::recv(at.get(), piece.data(), piece.size(), MSG_DONTWAIT)) > 0;)
                out.append(piece, 0, static_cast<std::size_t>(got));
        }
        return out;
    }
    // How many of these the socket took at once.
    static std::size_t say(UniqueFd const& at, std::string_view text)
    {
        std::size_t put = 0;
        while (put < text.size()) {
            ssize_t const sent = ::send(at.get(), text.data() + put, text.size() - put, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent < 0) break;
            put += static_cast<std::size_t>(sent);
        }
        return put;
    }
    static bool over(UniqueFd const& at)
    {
        char byte = 0;
        return ::recv(at.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
    }

    wire::Loop loop;
    ManualClock clock;
    UniqueFd guest;
    UniqueFd site;
    int ended = 0;
    std::optional<Splice> splice;
};

std::string noise(std::size_t size)
{
    std::mt19937 numbers(7);
    std::string out(size, 0);
    for (char& each : out) each = static_cast<char>(numbers());
    return out;
}

TEST_CASE("splice: given what the guest said before, when it begins, then that comes first, and answers go back", "[edge][EG-1]")
{
    SpliceTest test("hello, ");
    test.say(test.guest, "site");
    CHECK(test.hear(test.site) == "hello, site");
    test.say(test.site, "hello, guest");
    CHECK(test.hear(test.guest) == "hello, guest");
    CHECK(test.splice->bytes_up() == 11);
    CHECK(test.splice->bytes_down() == 12);
    CHECK(test.ended == 0);
}

TEST_CASE("splice: given a reader that takes nothing, when much is said, then little is held, and all of it comes once it reads", "[edge][T-06]")
{
    SpliceTest test;
    auto const text = noise(8u << 20);
    std::size_t said = 0;
    for (std::size_t before = 1; said != before;) {
        before = said;
        said += test.say(test.site, std::string_view(text).substr(said));
        test.turn();
    }
    // Two sockets' buffers and what the splice itself holds: the rest waits with the one who says it.
    CHECK(said < text.size() / 2);
    std::string heard;
    while (heard.size() < text.size()) {
        auto const more = test.hear(test.guest, 1);
        auto const put = test.say(test.site, std::string_view(text).substr(said));
        said += put;
        REQUIRE(!(more.empty() && put == 0));
        heard += more;
    }
    CHECK(heard == text);
    // The other way was free all the while.
    test.say(test.guest, "up");
    CHECK(test.hear(test.site) == "up");
}

TEST_CASE("splice: given one side that has said all, when the other goes on, then it is heard, and the end is the end of both", "[edge][EG-1]")
{
    SpliceTest test;
    test.say(test.guest, "a question");
    REQUIRE(::shutdown(test.guest.get(), SHUT_WR) == 0);
    CHECK(test.hear(test.site) == "a question");
    CHECK(test.over(test.site));
    CHECK(test.ended == 0);
    test.say(test.site, "its answer");
    CHECK(test.hear(test.guest) == "its answer");
    CHECK_FALSE(test.over(test.guest));
    REQUIRE(::shutdown(test.site.get(), SHUT_WR) == 0);
    test.turn();
    CHECK(test.over(test.guest));
    CHECK(test.ended == 1);
}

TEST_CASE("splice: given bytes on the way, when it is cut, then both sides are told, and its owner once", "[edge]")
{
    SpliceTest test;
    test.say(test.guest, "on its way");
    test.turn();
    test.splice->cut();
    test.splice->cut();
    CHECK(test.ended == 0);  // never from within
    test.turn();
    CHECK(test.ended == 1);
    CHECK(test.hear(test.site) == "on its way");
    CHECK(test.over(test.site));
    CHECK(test.over(test.guest));
}

}  // namespace test_splice

// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/wire/http_post, the body of an answer: for who asks for it, in each framing, and never more than was asked for.

#include "wire/http_post.h"

#include <catch2/catch_test_macros.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include "support/loop_turns.h"

namespace test_http_post {

using namespace ocu;
using namespace ocu::wire;

constexpr std::size_t kMax = 10;

struct PostTest {
    PostTest()
    {
        int both[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) == 0);
        far = UniqueFd(both[1]);
        near = UniqueFd(both[0]);
    }
    // What is told when `says` is answered, and then, perhaps, the end.
    std::optional<PostOutcome> answered(std::string_view says, bool closes = false, std::optional<std::size_t> body_bytes_max = kMax)
    {
        std::optional<PostOutcome> told;
        HttpPost post(loop, plain_transport(loop, std::move(near)), nullptr, "POST / HTTP/1.1\r\n\r\n", [&](PostOutcome outcome) { told = std::move(outcome); },
            body_bytes_max);
        REQUIRE(::send(far.get(), says.data(), says.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(says.size()));
        if (closes) far.reset();
        test::turn_loop(loop);
        return told;
    }

    Loop loop;
    UniqueFd near, far;
};

TEST_CASE_METHOD(PostTest, "http_post: given an answer with a body, when it is asked for, then all of it", "[wire][AU-9]")
{
    std::optional<PostOutcome> told;
    SECTION("of a told length") { told = answered("HTTP/1.1 409 No\r\nContent-Length: 10\r\n\r\n0123456789more"); }
    SECTION("in chunks") { told = answered("HTTP/1.1 409 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n"); }
    SECTION("up to the end") { told = answered("HTTP/1.1 409 No\r\n\r\n0123456789", true); }
    SECTION("after an interim answer") { told = answered("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 409 No\r\nContent-Length: 10\r\n\r\n0123456789"); }
    REQUIRE(told);
    CHECK(told->failure == PostFailure::none);
    CHECK(told->status == 409);
    CHECK(told->body == "0123456789");
}

TEST_CASE_METHOD(PostTest, "http_post: given no body, when one is asked for or none, then an empty one", "[wire][AU-9]")
{
    std::optional<PostOutcome> told;
    SECTION("none there") { told = answered("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); }
    SECTION("none asked for") { told = answered("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nx", false, {}); }
    REQUIRE(told);
    CHECK(told->failure == PostFailure::none);
    CHECK(told->body.empty());
}

TEST_CASE_METHOD(PostTest, "http_post: given a body that is too much, broken or cut, when it is asked for, then which, and nothing of it", "[wire][AU-9][T-40]")
{
    std::optional<PostOutcome> told;
    auto wanted = PostFailure::too_large;
    SECTION("one byte too much") { told = answered("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890"); }
    SECTION("in chunks, without an end") { told = answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n01234567\r\n8\r\n01234567\r\n"); }
    SECTION("a chunk that is none")
    {
        told = answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
        wanted = PostFailure::grammar;
    }
    SECTION("cut")
    {
        told = answered("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n012", true);
        wanted = PostFailure::closed;
    }
    REQUIRE(told);
    CHECK(told->failure == wanted);
    CHECK(told->body.empty());
}

}  // namespace test_http_post

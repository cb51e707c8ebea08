// SPDX-License-Identifier: GPL-3.0-or-later
// The real helper, confined, and receivers that are kind, slow, wrong or hostile, at the other end of a connection that the test made.

#include <catch2/catch_test_macros.hpp>

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <chrono>

#include "base/crypto/certificate.h"
#include "edge/helpers.h"
#include "proto/edge_to_notifier.h"
#include "support/helper_process.h"
#include "support/tls_peers.h"
#include "wire/http_post.h"

namespace test_notifier_process {

using namespace ocu;
using proto::PostEnding;

enum class Tls { no, yes };

struct Notifier {
    explicit Notifier(Tls tls = Tls::no, std::string const& roots = {}) : file(::memfd_create("roots", MFD_CLOEXEC))
    {
        REQUIRE(::pwrite(file.get(), roots.data(), roots.size(), 0) == static_cast<ssize_t>(roots.size()));
        proto::NotifierConfig config{"hook.example", "hook.example:9443", "/in?x=1", tls == Tls::yes};
        helper.configure(config, {file.get()});
        (void)helper.ready();
    }
    // The receiver's end.
    UniqueFd post(std::uint64_t number = 1)
    {
        int both[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) == 0);
        UniqueFd const near(both[0]);
        helper.send(proto::PostNotice{RequestId{number}, "abcd", "t=1,v1=00", R"({"a":1})"}, {near.get()});
        return UniqueFd(both[1]);
    }
    proto::NoticePosted result(std::chrono::milliseconds wait = std::chrono::seconds(15))
    {
        auto const frame = helper.receive(wait);
        REQUIRE(frame);
        return wire::decode<proto::NoticePosted>(frame->body).value();
    }

    UniqueFd file;
    test::HelperProcess helper{"notifier", edge::notifier_main};
};

struct Odd {
    static constexpr proto::Type kType = proto::Type::post_notice;
    std::uint8_t byte = 1;
    static void fields(auto& wire, auto& m) { wire(m.byte); }
};

std::string read_until(int fd, std::string_view end)
{
    std::string out;
    char chunk[4096];
    while (!out.ends_with(end)) {
        pollfd entry{fd, POLLIN, 0};
        REQUIRE(::poll(&entry, 1, 5'000) == 1);
        auto const got = ::read(fd, chunk, sizeof chunk);
        if (got <= 0) break;
        out.append(chunk, static_cast<std::size_t>(got));
    }
    return out;
}

void say(int fd, std::string_view text)
{
    REQUIRE(::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

TEST_CASE(
    "notifier: given a connection and a notice, when it posts, then exactly one request, and what it is answered with", "[edge][EG-10]")
{
    Notifier notifier;
    auto const far = notifier.post();
    CHECK(read_until(far.get(), "}") ==
          "POST /in?x=1 HTTP/1.1\r\nHost: hook.example:9443\r\nUser-Agent: ocu-appliance\r\nContent-Type: application/json\r\n"
          "Ocu-Notice-Id: abcd\r\nOcu-Signature: t=1,v1=00\r\nContent-Length: 7\r\nConnection: close\r\n\r\n{\"a\":1}");
    say(far.get(), "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok");
    auto const posted = notifier.result();
    CHECK(posted.request == RequestId{1});
    CHECK(posted.ending == PostEnding::answered);
    CHECK(posted.status == 202);
    CHECK(read_until(far.get(), "never").empty());  // closed: the answer's body is nobody's business
}

TEST_CASE("notifier: given a redirect, when it is answered, then that is the answer, and it goes nowhere", "[edge][EG-10][T-14][T-27]")
{
    Notifier notifier;
    auto const far = notifier.post();
    (void)read_until(far.get(), "}");
    say(far.get(), "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n");
    auto const posted = notifier.result();
    CHECK(posted.ending == PostEnding::answered);
    CHECK(posted.status == 307);
}

TEST_CASE("notifier: given a receiver that is wrong, when it answers, then which way, soon, and the next notice is posted",
    "[edge][EG-10][T-14][T-27]")
{
    Notifier notifier;
    struct Case {
        std::string says;
        PostEnding ending;
    };
    std::uint64_t number = 0;
    for (auto const& [says, ending] : {Case{"SSH-2.0-OpenSSH\r\n\r\n", PostEnding::grammar}, Case{"", PostEnding::closed},
             Case{"HTTP/1.1 200 OK\r\nX: ", PostEnding::closed},
             Case{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", PostEnding::grammar},
             Case{"HTTP/1.1 101 Switching Protocols\r\n\r\n", PostEnding::grammar},
             Case{"HTTP/1.1 200 OK\r\nX: " + std::string(wire::kPostHeadBytesMax, 'x'), PostEnding::too_large}}) {
        INFO(says.substr(0, 60));
        auto far = notifier.post(++number);
        (void)read_until(far.get(), "}");
        say(far.get(), says);
        if (ending == PostEnding::closed) far.reset();
        auto const posted = notifier.result();
        CHECK(posted.request == RequestId{number});
        CHECK(posted.ending == ending);
        CHECK(posted.status == 0);
    }
}

TEST_CASE("notifier: given a receiver that says nothing, when its time is over, then that, while another is posted meanwhile",
    "[edge][EG-10][T-14][T-27]")
{
    Notifier notifier;
    auto const silent = notifier.post(1);
    auto const far = notifier.post(2);
    (void)read_until(far.get(), "}");
    say(far.get(), "HTTP/1.1 200 OK\r\n\r\n");
    CHECK(notifier.result().request == RequestId{2});
    auto const late = notifier.result();
    CHECK(late.request == RequestId{1});
    CHECK(late.ending == PostEnding::timed_out);
}

TEST_CASE("notifier: given TLS, when the peer speaks none or no root vouches for anybody, then not a byte of the notice goes out",
    "[edge][EG-9][EG-10]")
{
    test_support::TestAuthority const authority("root");
    Notifier notifier(Tls::yes, authority.pem());
    auto far = notifier.post();
    pollfd entry{far.get(), POLLIN, 0};
    REQUIRE(::poll(&entry, 1, 5'000) == 1);
    char hello[4096];
    auto const got = ::read(far.get(), hello, sizeof hello);
    REQUIRE(got > 5);
    CHECK(hello[0] == 0x16);  // a ClientHello
    CHECK_FALSE(std::string_view(hello, static_cast<std::size_t>(got)).contains("POST"));
    say(far.get(), "HTTP/1.1 200 OK\r\n\r\n");
    auto const posted = notifier.result();
    CHECK(posted.ending == PostEnding::tls);
    CHECK(posted.status == 0);
    Notifier rootless(Tls::yes);
    auto const other = rootless.post();
    auto const refused = rootless.result();
    CHECK(refused.ending == PostEnding::tls);
    CHECK(refused.word.view() == "unavailable");
}

TEST_CASE("notifier: given what is no notice, when it comes, then the helper ends", "[edge][T-14][T-27]")
{
    Notifier notifier;
    int both[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) == 0);
    UniqueFd const near(both[0]), far(both[1]);
    notifier.helper.send(Odd{}, {near.get()});
    CHECK(WIFEXITED(notifier.helper.wait()));
}

}  // namespace test_notifier_process

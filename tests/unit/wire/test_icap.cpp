// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/wire/icap, icap_adapter and http_relay_adapt: what an ICAP server is shown and when, what its answer becomes, and that nothing of a
// message goes on that it did not let through (EG-11).

#include <catch2/catch_test_macros.hpp>

#include "support/icap_peer.h"

namespace test_icap {

using namespace test_support;
using namespace std::chrono_literals;
using Kind = IcapVerdict::Kind;

std::string const kRequest = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n";
std::string const kResponse = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";

TEST_CASE("icap: given answers that are not ICAP as it is written, when they are read, then refused", "[wire][EG-11][T-24][T-02]")
{
    auto const fault = [](std::string const& head, IcapMethod asked = IcapMethod::reqmod) {
        auto const read = read_icap_head(head, asked);
        return read ? RelayFault::none : read.error();
    };
    std::string const ok = "ICAP/1.0 200 OK\r\n";
    CHECK(fault(ok + "Encapsulated: req-hdr=0, req-body=40\r\n\r\n") == RelayFault::none);
    CHECK(fault(ok + "Encapsulated: res-hdr=0,null-body=40\r\n\r\n") == RelayFault::none);
    CHECK(fault("HTTP/1.1 200 OK\r\nEncapsulated: req-hdr=0, req-body=40\r\n\r\n") == RelayFault::version);
    CHECK(fault("ICAP/1.1 200 OK\r\nEncapsulated: req-hdr=0, req-body=40\r\n\r\n") == RelayFault::version);
    CHECK(fault("ICAP/1.0 OK\r\n\r\n") != RelayFault::none);
    CHECK(fault(ok + "Encapsulated: req-hdr=0,\r\n req-body=40\r\n\r\n") == RelayFault::grammar);
    for (auto const* bad : {"", "req-hdr=0", "req-hdr=1, req-body=40", "req-hdr=0, req-body=0", "req-hdr=0, req-body=99999999", "req-hdr=0, res-body=40",
             "req-hdr=0, req-body=4x", "req-hdr=0, req-body=-4", "req-hdr=0, res-hdr=20, res-body=40", "req-body=0, req-hdr=9", "opt-body=0, null-body=9"})
        CHECK(fault(ok + "Encapsulated: " + bad + "\r\n\r\n") == RelayFault::framing);
    CHECK(fault(ok + "\r\n") == RelayFault::framing);
    CHECK(fault(ok + "Encapsulated: req-hdr=0, req-body=40\r\nEncapsulated: req-hdr=0, req-body=41\r\n\r\n") == RelayFault::framing);
    CHECK(fault(ok + "Encapsulated: req-hdr=0, req-body=40\r\n\r\n", IcapMethod::respmod) == RelayFault::framing);
}

struct Stand {
    explicit Stand(IcapMethod method = IcapMethod::reqmod, bool has_body = true, IcapLimits limits = {.buffer_bytes_max = 4096, .preview_bytes = 4})
    {
        auto pair = *make_socket_pair();
        server = FarEnd(std::move(pair.theirs));
        connection = std::make_shared<IcapConnection>(plain_transport(loop, std::move(pair.ours)));
        IcapQuestion question{method, {"icap://1.2.3.4:1344/s", "1.2.3.4:1344"}, has_body ? kRequest : "GET /a HTTP/1.1\r\nHost: h\r\n\r\n",
            method == IcapMethod::respmod ? kResponse : "", has_body};
        adapter.emplace(loop, connection, question, Asked{}, limits,
            IcapAdapter::Calls{[this](IcapVerdict told) { verdict = std::move(told); }, [this](std::shared_ptr<IcapConnection> left) { spare = std::move(left); }});
        adapter->on_moved([this] { taken += adapter->take(1u << 20); });
    }
    ~Stand()
    {
        adapter.reset();
        connection->end();
    }
    bool until(std::function<bool()> const& so)
    {
        bool late = false;
        auto const guard = loop.after(2s, [&] { late = true; });
        while (!so()) {
            if (late) return false;
            loop.run_one();
        }
        return true;
    }
    bool server_got(std::string_view end)
    {
        return until([&] { return server.heard().ends_with(end); });
    }
    bool settled()
    {
        return until([&] { return verdict.has_value(); });
    }
    bool over()
    {
        return until([&] { return adapter->state() != BodyAdapter::State::open; }) && adapter->state() == BodyAdapter::State::over;
    }
    bool broken()
    {
        return until([&] { return adapter->state() == BodyAdapter::State::broken; });
    }

    Loop loop;
    FarEnd server;
    std::shared_ptr<IcapConnection> connection, spare;
    std::optional<IcapVerdict> verdict;
    std::string taken;
    std::optional<IcapAdapter> adapter;
};

TEST_CASE("icap: given a body, when the server wants no more than a preview, then it goes on as it is and the connection is used again", "[wire][EG-11][T-24]")
{
    Stand stand;
    stand.adapter->feed("hell", false);
    REQUIRE(stand.server_got("4\r\nhell\r\n0\r\n\r\n"));
    CHECK(stand.server.heard().starts_with("REQMOD icap://1.2.3.4:1344/s ICAP/1.0\r\nHost: 1.2.3.4:1344\r\nPreview: 4\r\n"));
    CHECK(stand.server.heard().contains("Encapsulated: req-hdr=0, req-body=" + std::to_string(kRequest.size()) + "\r\n\r\n" + kRequest + "4\r\n"));
    CHECK_FALSE(stand.server.heard().contains("Allow"));
    CHECK(stand.adapter->room() == 0);
    CHECK(stand.taken.empty());
    (void)stand.server.say(kIcap204);
    REQUIRE(stand.settled());
    CHECK(stand.verdict->kind == Kind::as_it_is);
    CHECK(stand.spare);
    stand.adapter->feed("o", true);
    REQUIRE(stand.over());
    CHECK(stand.taken == "hello");
}

TEST_CASE("icap: given a short body, when it is whole in the preview, then the server is told so", "[wire][EG-11][T-24]")
{
    Stand stand;
    stand.adapter->feed("hi", true);
    REQUIRE(stand.server_got("2\r\nhi\r\n0; ieof\r\n\r\n"));
    CHECK(stand.server.heard().contains("Preview: 2\r\n"));
    (void)stand.server.say(kIcap100);  // there is no more, and it was told
    REQUIRE(stand.settled());
    CHECK(stand.verdict->kind == Kind::unusable);
}

TEST_CASE("icap: given no body, when it is shown, then without a preview, and 204 is allowed", "[wire][EG-11][T-24]")
{
    Stand stand(IcapMethod::reqmod, false);
    REQUIRE(stand.server_got("GET /a HTTP/1.1\r\nHost: h\r\n\r\n"));
    CHECK(stand.server.heard().contains("Allow: 204\r\nEncapsulated: req-hdr=0, null-body="));
    (void)stand.server.say(icap_200("req", "GET /a HTTP/1.1\r\nHost: h\r\nX-Seen: 1\r\n\r\n"));
    REQUIRE(stand.settled());
    CHECK(stand.verdict->kind == Kind::request);
    CHECK(stand.verdict->request.headers.size() == 1);
    REQUIRE(stand.over());
    CHECK(stand.taken.empty());
}

TEST_CASE("icap: given a long body, when the server goes on, then the rest is streamed to it and what it gives is taken, with a bound", "[wire][EG-11][T-24][T-02]")
{
    Stand stand;
    stand.adapter->feed("abcd", false);
    REQUIRE(stand.server_got("0\r\n\r\n"));
    (void)stand.server.say(kIcap100);
    REQUIRE(stand.until([&] { return stand.adapter->room() == 4096; }));
    std::size_t fed = 0;
    std::string const block(1024, 'x');
    while (fed < (8u << 20) && stand.adapter->room() != 0) {
        stand.adapter->feed(block, false);
        fed += block.size();
        if (stand.adapter->room() == 0) {
            bool over = false;
            auto const guard = stand.loop.after(20ms, [&] { over = true; });
            while (!over) stand.loop.run_one();
        }
    }
    CHECK(fed < (4u << 20));  // the kernel's buffers and ours
    (void)stand.server.heard();
    REQUIRE(stand.until([&] {
        (void)stand.server.heard();
        return stand.adapter->room() != 0;
    }));
    stand.adapter->feed("end", true);
    REQUIRE(stand.server_got("3\r\nend\r\n0\r\n\r\n"));
    (void)stand.server.say(icap_200("req", "POST /a HTTP/1.1\r\nHost: h\r\n\r\n", "other"));
    REQUIRE(stand.settled());
    REQUIRE(stand.over());
    CHECK(stand.taken == "other");
    CHECK(stand.verdict->request.body == BodyFraming{Framing::chunked, 0});
    CHECK(stand.spare);
}

TEST_CASE("icap: given an answer in the place of a request, when it comes, then it is one, and its page goes nowhere", "[wire][EG-11][T-24]")
{
    Stand stand;
    stand.adapter->feed("hell", false);
    REQUIRE(stand.server_got("0\r\n\r\n"));
    (void)stand.server.say(icap_200("res", "HTTP/1.1 403 Forbidden\r\n\r\n", "a page", "X-Infection-Found: Type=0; Resolution=2; Threat=T;\r\n"));
    REQUIRE(stand.settled());
    CHECK(stand.verdict->kind == Kind::response);
    CHECK(stand.verdict->found);
    CHECK(stand.taken.empty());
    CHECK_FALSE(stand.spare);
}

TEST_CASE("icap: given a server that says what it may not, when it does, then unusable, and nothing comes out", "[wire][EG-11][T-24][T-02]")
{
    std::string const page = "POST /a HTTP/1.1\r\nHost: h\r\n\r\n";
    for (auto const& bad : {std::string("ICAP/1.0 500 Bad\r\n\r\n"), std::string("ICAP/1.0 404 No such\r\n\r\n"), std::string("ICAP/1.0 206 Partial\r\n\r\n"),
             std::string("SSH-2.0-x\r\n\r\n"), std::string("ICAP/1.0 200 OK\r\n\r\n"), icap_200("req", "POST /a HTTP/1.1\r\nHost: h\r\n\r\nPOST"),
             icap_200("req", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n", "four"),
             icap_200("req", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n"), std::string(40'000, 'a')}) {
        CAPTURE(bad.substr(0, 60));
        Stand stand;
        stand.adapter->feed("hell", false);
        REQUIRE(stand.server_got("0\r\n\r\n"));
        (void)stand.server.say(bad);
        REQUIRE(stand.settled());
        CHECK(stand.verdict->kind == Kind::unusable);
        CHECK(stand.adapter->state() == BodyAdapter::State::broken);
        CHECK(stand.taken.empty());
        CHECK_FALSE(stand.spare);
    }
}

TEST_CASE("icap: given 204 after the rest was asked for, when it comes, then unusable: nobody has the body any more", "[wire][EG-11][T-24]")
{
    Stand stand;
    stand.adapter->feed("hell", false);
    REQUIRE(stand.server_got("0\r\n\r\n"));
    (void)stand.server.say(kIcap100);
    stand.adapter->feed("o", true);
    REQUIRE(stand.server_got("1\r\no\r\n0\r\n\r\n"));
    (void)stand.server.say(kIcap204);
    REQUIRE(stand.settled());
    CHECK(stand.verdict->kind == Kind::unusable);
}

TEST_CASE("icap: given a server that ends or is silent, when it owes an answer, then unusable; in the middle of a body, broken", "[wire][EG-11][T-24]")
{
    SECTION("ends before")
    {
        Stand stand;
        stand.server.leave();
        REQUIRE(stand.settled());
        CHECK(stand.verdict->kind == Kind::unusable);
    }
    SECTION("is silent")
    {
        Stand stand(IcapMethod::reqmod, true, {.preview_bytes = 4, .quiet = 20ms});
        stand.adapter->feed("hell", false);
        REQUIRE(stand.settled());
        CHECK(stand.verdict->kind == Kind::unusable);
    }
    SECTION("ends within")
    {
        Stand stand(IcapMethod::respmod);
        stand.adapter->feed("hello", true);
        REQUIRE(stand.server_got("0\r\n\r\n"));
        CHECK(stand.server.heard().contains("RESPMOD "));
        auto const whole = icap_200("res", "HTTP/1.1 200 OK\r\n\r\n", "hello");
        (void)stand.server.say(whole.substr(0, whole.size() - 3));
        REQUIRE(stand.until([&] { return stand.taken == "hello"; }));
        REQUIRE(stand.settled());
        CHECK(stand.verdict->kind == Kind::response);
        CHECK(stand.adapter->state() == BodyAdapter::State::open);
        stand.server.leave();
        CHECK(stand.broken());
    }
}

TEST_CASE("icap: given a body of another length than its head says, when it comes, then broken before a byte too many", "[wire][EG-11][T-24][T-02]")
{
    std::string const head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
    for (std::string const body : {"hello", "hel"}) {
        Stand stand(IcapMethod::respmod);
        stand.adapter->feed("hello", true);
        REQUIRE(stand.server_got("0\r\n\r\n"));
        (void)stand.server.say(icap_200("res", head, body));
        REQUIRE(stand.broken());
        CHECK(stand.taken.size() < 4);
    }
}

TEST_CASE("icap: given a preview that does not fill, when a moment has passed, then it is sent as it is", "[wire][EG-11][T-24]")
{
    Stand stand(IcapMethod::respmod, true, {.preview_bytes = 1000, .gather = 10ms});
    stand.adapter->feed("drip", false);
    REQUIRE(stand.server_got("4\r\ndrip\r\n0\r\n\r\n"));
    CHECK(stand.server.heard().contains("Preview: 4\r\n"));
}

}  // namespace test_icap

// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: bodies that may not leave, in an exchange of HTTP/1.1 and of HTTP/2, and in the thread: what the upstream gets, what the guest is told and
// what goes on record (SB-5, T-33).

#include <catch2/catch_test_macros.hpp>

#include "support/edge_stand.h"
#include "support/exchange_stand.h"
#include "support/http2_peer.h"

namespace test_exchange_withheld {

using namespace ocu;
using namespace test_support;

std::string const kSecret = "a file of this session that may not leave it\n";

proto::WithheldChange knows(std::string_view bytes)
{
    proto::WithheldChange change;
    change.more.push({bytes.size(), crypto::sha256(bytes)});
    return change;
}

std::string post(std::string const& body, std::string const& headers = {})
{
    return "POST /v1/x HTTP/1.1\r\nHost: " + kName + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

struct Stand : ExchangeStand {
    Stand()
    {
        withheld.change(knows(kSecret));
        allow();
    }
    bool is_refused()
    {
        return guest_got("x-deny-reason: not_downloadable\r\n") && until([&] { return dones.size() == 1; }) &&
               dones[0].reason == Reason::not_downloadable;
    }
};

TEST_CASE("exchange: given a withheld content, when it is sent as a body, then the upstream hears nothing of it", "[edge][SB-5][T-33]")
{
    std::string chunked =
        "POST /v1/x HTTP/1.1\r\nHost: " + kName + "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n" + kSecret.substr(0, 5) + "\r\n";
    chunked += "28\r\n" + kSecret.substr(5) + "\r\n0\r\n\r\n";
    REQUIRE(kSecret.size() - 5 == 0x28);
    std::string const form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n" + kSecret + "\r\n--b--\r\n";
    for (auto const& sent : {post(kSecret), post(kSecret, "Expect: 100-continue\r\n"), chunked,
             post(form, "Content-Type: multipart/form-data; boundary=b\r\n")}) {
        Stand stand;
        stand.open_http();
        stand.guest->say(sent);
        CHECK(stand.is_refused());
        stand.settle();
        CHECK(stand.upstream->heard().empty());
    }
}

TEST_CASE("exchange: given other bodies, when they are sent, then they go on as they are, one after the other", "[edge][T-33]")
{
    Stand stand;
    stand.open_http();
    std::string const other(kSecret.size(), 'x');
    stand.guest->say(post(other, "Expect: 100-continue\r\n"));
    REQUIRE(stand.upstream_got(other));
    CHECK(stand.upstream->heard() ==
          "POST /v1/x HTTP/1.1\r\nHost: " + kName + "\r\nContent-Length: " + std::to_string(other.size()) + "\r\n\r\n" + other);
    stand.upstream->say(kOk + "Content-Length: 2\r\n\r\nhi");
    REQUIRE(stand.guest_got("\r\n\r\nhi"));
    stand.upstream->forget();
    stand.guest->say(post(kSecret + "+"));
    REQUIRE(stand.upstream_got(kSecret + "+"));
    stand.upstream->say(kOk + "Content-Length: 2\r\n\r\nho");
    REQUIRE(stand.guest_got("\r\n\r\nho"));
    CHECK(stand.dones.size() == 2);
    CHECK(stand.dones[1].reason == Reason::none);
}

TEST_CASE("exchange: given a great body, when its end shows that it is withheld, then the upstream's connection breaks before it",
    "[edge][SB-5][T-33]")
{
    Stand stand;
    std::string const great(1u << 20, 'g');
    stand.withheld.change(knows(great));
    stand.open_http();
    stand.guest->say(post(great));
    CHECK(stand.is_refused());
    REQUIRE(stand.until([&] { return stand.upstream->closed(); }));
    CHECK(stand.upstream->heard().size() > 1000);
    CHECK(stand.upstream->heard().size() < great.size() - kHoldBytes + 1000);
    REQUIRE(stand.until([&] { return stand.ended.has_value(); }));
    CHECK(stand.ended->reason == Reason::not_downloadable);
}

TEST_CASE("exchange: given more contents than can be told, when a body is sent, then none goes, and what has none does", "[edge][T-33]")
{
    Stand stand;
    proto::WithheldChange change;
    change.overflow = true;
    stand.withheld.change(change);
    stand.open_http();
    stand.guest->say(request());
    REQUIRE(stand.upstream_got("GET /v1/x?q=1"));
    stand.upstream->say(kOk + "Content-Length: 2\r\n\r\nhi");
    REQUIRE(stand.guest_got("\r\n\r\nhi"));
    stand.upstream->forget();
    stand.guest->say(post("x"));
    REQUIRE(stand.guest_got("x-deny-reason: not_downloadable"));
    CHECK(stand.upstream->heard().empty());
}

struct Http2Stand : Stand {
    Http2Stand()
    {
        auto const key = *crypto::make_p256_key();
        open_bump_with(*crypto::p256_key_pem(key), public_authority.leaf({kName}, *crypto::p256_public(key)), wire::Alpn::h2, {true, true});
    }
    bool so(std::function<bool()> const& that)
    {
        return until([&] {
            client.hear(std::string(guest->heard()));
            guest->forget();
            server.hear(std::string(upstream->heard()));
            upstream->forget();
            if (guest->open()) guest->say(client.speak());
            if (upstream->open()) upstream->say(server.speak());
            if (that()) return true;
            ticks.push_back(loop.after(std::chrono::milliseconds(1), [] {}));
            return false;
        });
    }
    Http2StreamId send(std::string const& path, std::string body, Http2Fields const& more = {})
    {
        auto fields = Http2Peer::get(kName, path, "POST");
        fields.insert(fields.end(), more.begin(), more.end());
        auto const stream = client.ask_with_body(fields);
        client.say(stream, std::move(body), true);
        return stream;
    }
    Http2StreamId at_server(std::string_view path)
    {
        for (auto const& [id, story] : server.stories)
            if (!story.heads.empty() && Http2Peer::field(story.heads[0], ":path") == path) return id;
        return 0;
    }
    bool told(Http2StreamId stream)
    {
        return so([&] { return client.stories[stream].closed; }) && client.stories[stream].status() == "403" &&
               Http2Peer::field(client.stories[stream].heads.back(), "x-deny-reason") == "not_downloadable";
    }
    Http2Peer client{Http2Session::Side::client}, server{Http2Session::Side::server};
    std::vector<wire::Watch> ticks;
};

TEST_CASE("exchange: given HTTP/2, when a stream's body is withheld, then the upstream hears nothing of it, and others go on",
    "[edge][SB-5][T-33]")
{
    Http2Stand stand;
    auto const bad = stand.send("/bad", kSecret);
    auto const good = stand.send("/good", std::string(kSecret.size(), 'x'), {{"expect", "100-continue"}});
    CHECK(stand.told(bad));
    REQUIRE(stand.so([&] { return stand.at_server("/good") != 0 && stand.server.stories[stand.at_server("/good")].over; }));
    CHECK(stand.server.stories[stand.at_server("/good")].body == std::string(kSecret.size(), 'x'));
    CHECK(Http2Peer::field(stand.server.stories[stand.at_server("/good")].heads[0], "expect").empty());
    CHECK(stand.at_server("/bad") == 0);
    stand.server.answer(stand.at_server("/good"), {{":status", "200"}}, "ok");
    REQUIRE(stand.so([&] { return stand.client.stories[good].closed && stand.dones.size() == 2; }));
    CHECK(stand.client.stories[good].body == "ok");
    CHECK(std::ranges::count(stand.dones, Reason::not_downloadable, &proto::RequestDone::reason) == 1);
    CHECK_FALSE(stand.ended);
}

TEST_CASE("exchange: given HTTP/2, when a great body's end shows that it is withheld, then the upstream hears no more of it, and the connection goes",
    "[edge][SB-5][T-33]")
{
    Http2Stand stand;
    std::string const great(1u << 20, 'g');
    stand.withheld.change(knows(great));
    auto const bad = stand.send("/bad", great);
    CHECK(stand.told(bad));
    REQUIRE(stand.so([&] { return stand.server.stories[stand.at_server("/bad")].closed || stand.upstream->closed(); }));
    auto const& story = stand.server.stories[stand.at_server("/bad")];
    CHECK_FALSE(story.over);
    CHECK(story.body.size() > 1000);
    CHECK(story.body.size() <= great.size() - kHoldBytes);
    CHECK(stand.client.away);
}

TEST_CASE("exchange: given HTTP/2, when the guest resets a stream whose body is held, then it is over and nothing is said", "[edge][T-33]")
{
    Http2Stand stand;
    auto const stream = stand.client.ask_with_body(Http2Peer::get(kName, "/held", "POST"));
    stand.client.say(stream, "half");
    REQUIRE(stand.so([&] { return stand.asked.size() == 1; }));
    (void)stand.so([&, turns = 0]() mutable { return ++turns > 20; });
    stand.client.session().reset(stream, 8);
    REQUIRE(stand.so([&] { return stand.dones.size() == 1; }));
    CHECK(stand.dones[0].reason == Reason::none);
    CHECK(stand.dones[0].status == 0);
    CHECK(stand.at_server("/held") == 0);
}

}  // namespace test_exchange_withheld

namespace test_edge_thread {

using test_exchange_withheld::knows, test_exchange_withheld::kSecret;

TEST_CASE_METHOD(EdgeTest,
    "edge: given contents that may not leave, when its helper starts, and when they change, then it is told of them all",
    "[edge][SB-5][T-33]")
{
    auto const first = knows(kSecret);
    attach();
    storage_in.send(proto::SessionWithholds{kSession, first});
    storage_in.send(proto::SessionWithholds{SessionId{999}, first});  // ended meanwhile
    for (int i = 0; i < 100; ++i) storage_in.send(proto::SessionWithholds{kSession, knows("number " + std::to_string(i))});
    loop.settle();
    first_packet();
    CHECK(spawner.peer.take<proto::WithheldContents>().change.more.items().size() == proto::kWithheldPerMessageMax);
    CHECK(spawner.peer.take<proto::WithheldContents>().change.more.items().size() == 101 - proto::kWithheldPerMessageMax);
    proto::WithheldChange change;
    change.less = first.more;
    storage_in.send(proto::SessionWithholds{kSession, change});
    loop.settle();
    CHECK(spawner.peer.take<proto::WithheldContents>().change.less == first.more);
}

}  // namespace test_edge_thread

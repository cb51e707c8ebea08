// SPDX-License-Identifier: GPL-3.0-or-later
// Units: what custody gives to the process of a sink, what it signs for it and how often, and the thread that has the channel made.

#include <catch2/catch_test_macros.hpp>

#include <sys/socket.h>

#include <deque>

#include "base/sealed_face.h"
#include "custody/sink_channels.h"
#include "custody/vault.h"
#include "support/client_identities.h"
#include "support/custody_stand.h"

namespace test_sink_channels {

using namespace ocu;
using namespace ocu::custody;

std::string const kHash(32, 'h');

// Whether the other end has gone; what it said before is passed over.
bool closed_now(test::HelperPeer const& peer)
{
    char bytes[4096];
    ssize_t got = 0;
    while ((got = ::recv(peer.descriptor(), bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
    }
    return got == 0 || errno == ECONNRESET;
}

struct SinkChannelsTest {
    SinkChannelsTest()
    {
        put("token", "secret-token", proto::CredentialKind::value);
        put("us", client.whole(), proto::CredentialKind::client_certificate);
        config.sinks.push({"us", ""});
        config.sinks.push({"", "token"});
        config.sinks.push({"other", ""});
        REQUIRE_FALSE(credentials.open(config, keys.appliance_seed));
    }
    ~SinkChannelsTest() { loop.finish(); }
    void put(char const* name, std::string_view text, proto::CredentialKind kind)
    {
        config.credentials.push({name, *sealed::seal_to_appliance(keys.appliance_public, crypto::as_bytes(text)), kind});
    }
    test::HelperPeer& open(std::uint32_t sink)
    {
        auto& peer = peers.emplace_back();
        wire::Loop& there = loop;
        auto end = std::make_shared<UniqueFd>(peer.connect());
        there.post([this, sink, end] { channels.open(sink, std::move(*end)); });
        loop.settle();
        return peer;
    }

    Keys keys = *make_keys();
    test_support::TestAuthority authority{"clients"};
    test_support::ClientMaterial client = test_support::make_client(authority);
    proto::CustodyConfig config;
    Credentials credentials;
    ManualClock clock;
    std::deque<test::HelperPeer> peers;
    test::LoopThread loop;
    SinkChannels channels{loop, clock, credentials, {{"us", ""}, {"", "token"}, {"other", ""}, {"", "us"}}};
};

TEST_CASE_METHOD(SinkChannelsTest, "credentials: given a sink's token, when opened, then it is there for sinks, and can be lent to nobody",
    "[custody][AU-6][T-12][T-36]")
{
    REQUIRE(credentials.find_sink_token("token") != nullptr);
    CHECK(credentials.find("token") == nullptr);
    CHECK(credentials.find_sink_token("us") == nullptr);
    for (std::string const& text : {std::string("a b"), std::string("a\r\nX: y"), std::string("a\n"), std::string(1025, 'x')}) {
        proto::CustodyConfig each;
        each.credentials.push({"token", *sealed::seal_to_appliance(keys.appliance_public, crypto::as_bytes(text))});
        each.sinks.push({"", "token"});
        Credentials opened;
        auto const fault = opened.open(each, keys.appliance_seed);
        REQUIRE(fault);
        CHECK(fault->why == crypto::IdentityFault::sink_token_malformed);
        CHECK(opened.find_sink_token("token") == nullptr);
    }
}

TEST_CASE_METHOD(SinkChannelsTest, "sink_channels: given sinks, when a channel is opened, then each is told its own and no other's",
    "[custody][AU-6][T-12][T-36]")
{
    auto const shows = open(0).take<proto::SinkBegin>();
    CHECK(shows.chain_pem.view().starts_with(client.chain_pem));
    CHECK_FALSE(shows.chain_pem.view().contains("PRIVATE"));
    CHECK(shows.token.empty());
    auto const says = open(1).take<proto::SinkBegin>();
    CHECK(says.chain_pem.empty());
    CHECK(says.token.view() == "secret-token");
    for (std::uint32_t const none : {2u, 3u, 4u, 1000u}) CHECK(closed_now(open(none)));
}

TEST_CASE_METHOD(SinkChannelsTest,
    "sink_channels: given a handshake, when a proof is wanted, then it is the client's, as often as handshakes can be",
    "[custody][AU-6][T-12][T-36]")
{
    auto& peer = open(0);
    (void)peer.take<proto::SinkBegin>();
    for (std::size_t i = 0; i < proto::kSinkProofsPerMinuteMax; ++i) {
        peer.send(proto::SinkProofWanted{kHash});
        auto const proof = peer.take<proto::SinkProof>();
        if (i != 0) continue;
        auto const& bytes = proof.signature.str();
        CHECK(test_support::proves(client.public_key, kHash, {reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size()}));
    }
    SECTION("once more in that minute")
    {
        peer.send(proto::SinkProofWanted{kHash});
        loop.settle();
        CHECK(closed_now(peer));
    }
    SECTION("a minute later")
    {
        clock.advance(std::chrono::minutes(1));
        peer.send(proto::SinkProofWanted{kHash});
        CHECK_FALSE(peer.take<proto::SinkProof>().signature.empty());
    }
}

TEST_CASE_METHOD(SinkChannelsTest, "sink_channels: given a sink without a certificate, when a proof is wanted, then its channel ends",
    "[custody][AU-6][T-12][T-36]")
{
    auto& peer = open(1);
    (void)peer.take<proto::SinkBegin>();
    peer.send(proto::SinkProofWanted{kHash});
    loop.settle();
    CHECK(closed_now(peer));
}

using test_custody_thread::CustodyTest;

TEST_CASE_METHOD(CustodyTest,
    "custody: given the process of a sink, when its channel is made, then the helper has the end, and it is on record once",
    "[custody][AU-6][T-36]")
{
    for (bool const up : {false, true}) {
        if (up) helper_up();
        auto pair = make_socket_pair().value();
        audit_in.send(proto::SinkChannel{3, "siem", std::move(pair.theirs)});
        loop.settle();
        auto const& event = recorder.events.back();
        CHECK(event.what == proto::What::key_use);
        CHECK(event.resource.view() == "audit sink credentials");
        CHECK(event.detail.view() == "siem");
        CHECK((event.outcome == proto::Outcome::success) == up);
        CHECK(closed(pair.ours) == !up);
        if (!up) continue;
        std::vector<UniqueFd> descriptors;
        CHECK(peer.take<proto::OpenSinkChannel>(&descriptors).sink == 3);
        CHECK(descriptors.size() == 1);
        CHECK(recorder.events.size() == 2);
    }
}

}  // namespace test_sink_channels

// SPDX-License-Identifier: GPL-3.0-or-later
// Units: custody/edge_face, custody/edge_channels, custody/leaves, custody/scoped_token, custody/credentials.

#include <catch2/catch_test_macros.hpp>

#include "base/sealed_face.h"
#include "custody/edge_channels.h"
#include "custody/scoped_token.h"
#include "custody/vault.h"
#include "helper/helper.h"
#include "support/role_peer.h"

namespace test_edge_face {

using namespace ocu;
using namespace ocu::custody;
using namespace std::chrono_literals;
using proto::Reason;

constexpr SessionId kSession{5};
constexpr SessionId kOther{6};

struct EdgeFaceTest {
    EdgeFaceTest()
    {
        REQUIRE(renew_authority(keys, now()));
        authority.key = *Secret::copy_of(keys.authority_key.bytes());
        authority.certificate_der = *crypto::certificate_der(keys.authority.pem);
        config.credentials.push({"api-key", seal("s3cret")});
        REQUIRE_FALSE(credentials.open(config, keys.appliance_seed));
        lend(1, kSession);
    }
    std::chrono::sys_seconds now() const { return std::chrono::floor<std::chrono::seconds>(clock.wall()); }
    wire::Text<sealed::kTextBytesMax> seal(std::string_view text) const
    {
        return *sealed::seal_to_appliance(keys.appliance_public, crypto::as_bytes(text));
    }
    void lend(LeaseNumber number, SessionId session, std::string credential = "api-key", std::string rule = "api")
    {
        REQUIRE(leases.add({number, session, std::move(rule), std::move(credential), {}, clock.now() + 900s}, clock.now()));
    }
    std::string token(SessionId session = kSession, std::string_view rule = "api") const
    {
        return scoped_token(keys.scoped_key, session, rule);
    }
    template <class Answer, class Ask>
    Answer ask(Ask const& question)
    {
        auto const answer = face.answer(static_cast<std::uint16_t>(Ask::kType), wire::encode(question));
        REQUIRE(answer);
        REQUIRE(answer->type == Answer::kType);
        return *wire::decode<Answer>(answer->body);
    }
    proto::Redeemed redeem(LeaseNumber lease, std::string_view token)
    {
        auto out = ask<proto::Redeemed>(proto::Redeem{RequestId{3}, lease, wire::Text<128>(token)});
        CHECK(out.request == RequestId{3});
        CHECK(out.credential.empty() == (out.reason != Reason::none));
        return out;
    }
    proto::LeafMade leaf(std::string_view host, crypto::P256Point const& key)
    {
        return ask<proto::LeafMade>(proto::LeafWanted{RequestId{4}, wire::Text<253>(host), key});
    }

    ManualClock clock;
    Keys keys = *make_keys();
    crypto::Authority authority;
    proto::CustodyConfig config;
    Credentials credentials;
    LeaseTable leases;
    FetchedSecrets fetched;
    Shelf shelf{keys.scoped_key, authority, credentials, leases, fetched, clock};
    EdgeFace face{kSession, shelf};
    crypto::P256Point point = *crypto::p256_public(*crypto::make_p256_key());
};

TEST_CASE_METHOD(EdgeFaceTest, "redeem: given a live lease of the session and its token, when redeemed, then the credential, until it ends",
    "[custody][EG-7][CU-2][T-12][T-23]")
{
    CHECK(redeem(1, token()).credential.view() == "s3cret");
    clock.advance(900s - 1ms);
    CHECK(redeem(1, token()).credential.view() == "s3cret");
    clock.advance(1ms);
    CHECK(redeem(1, token()).reason == Reason::credential_unavailable);
}

TEST_CASE_METHOD(EdgeFaceTest, "redeem: given any other token, when redeemed, then scoped_token_missing", "[custody][EG-7][T-12][T-23]")
{
    auto const good = token();
    std::vector<std::string> const wrong{"", "x", good + "x", good.substr(1), good.substr(0, good.size() - 1), token(kOther),
        token(kSession, "other"), "ocu-scoped-", std::string(128, 'a')};
    for (auto const& each : wrong) CHECK(redeem(1, each).reason == Reason::scoped_token_missing);
    for (std::size_t i = 0; i < good.size(); ++i) {
        auto altered = good;
        altered[i] = altered[i] == 'A' ? 'B' : 'A';
        CHECK(redeem(1, altered).reason == Reason::scoped_token_missing);
    }
}

TEST_CASE_METHOD(EdgeFaceTest, "redeem: given a lease that is not the session's, or none, or revoked, when redeemed, then none",
    "[custody][CU-2][T-12][T-13][T-23]")
{
    lend(2, kOther);
    lend(3, kSession, "no such credential");
    CHECK(redeem(2, token(kOther)).reason == Reason::session_denied);
    CHECK(redeem(2, token()).reason == Reason::session_denied);
    CHECK(redeem(3, token()).reason == Reason::credential_unavailable);
    CHECK(redeem(9, token()).reason == Reason::credential_unavailable);
    (void)leases.revoke(kSession, clock.now());
    CHECK(redeem(1, token()).reason == Reason::credential_unavailable);
}

TEST_CASE_METHOD(
    EdgeFaceTest, "scoped token: given sessions, rules and keys, when derived, then each has its own, and it fits", "[custody][EG-7]")
{
    auto const one = token();
    CHECK(one.starts_with("ocu-scoped-"));
    CHECK(one.size() == 54);
    CHECK(one == token());
    CHECK(one != token(kOther));
    CHECK(one != token(kSession, "apj"));
    CHECK(one != scoped_token(make_keys()->scoped_key, kSession, "api"));
    CHECK(one.size() <= proto::kScopedTokenBytesMax);
    CHECK(proto::is_plain_value(one));
}

TEST_CASE_METHOD(EdgeFaceTest, "leaf: given a host and a key, when wanted, then one under the authority, the same when wanted again",
    "[custody][EG-8][CU-4]")
{
    auto const made = leaf("api.example.com", point);
    REQUIRE(made.good);
    CHECK(made.request == RequestId{4});
    CHECK(made.certificate.view().contains("api.example.com"));
    CHECK(leaf("api.example.com", point).certificate == made.certificate);
    CHECK_FALSE(leaf("api.example.com", *crypto::p256_public(*crypto::make_p256_key())).certificate == made.certificate);
    CHECK_FALSE(leaf("www.example.com", point).certificate == made.certificate);
    clock.advance(24h);
    auto const later = leaf("api.example.com", point);
    CHECK(later.good);
    CHECK_FALSE(later.certificate == made.certificate);
}

TEST_CASE_METHOD(EdgeFaceTest, "leaf: given what is no host, or no point, when wanted, then none", "[custody][EG-8][T-14]")
{
    std::string const label(63, 'a');
    std::vector<std::string> const good{"a", "a-b.c_d.example", "127.0.0.1", "2001:db8::1", "::ffff:192.0.2.1", label + "." + label + ".x"};
    for (auto const& each : good) CHECK(leaf(each, point).good);
    std::vector<std::string> const bad{"", ".", "a.", ".a", "a..b", "-a", "a-.b", "A.example", "a b", "*.example.com", "a/b", "1.2.3",
        "0x7f.1", "a.1", "a\n", "[::1]", "::1%eth0", "xn--\xc3\xa4", label + "a.x", "api.example.com:443"};
    for (auto const& each : bad) {
        INFO(each);
        CHECK_FALSE(leaf(each, point).good);
    }
    CHECK_FALSE(leaf(std::string("a\0b", 3), point).good);
    CHECK_FALSE(leaf("a.example", {}).good);
    authority.certificate_der.clear();
    CHECK_FALSE(leaf("b.example", point).good);
}

TEST_CASE_METHOD(EdgeFaceTest,
    "leaf: given more hosts than a minute allows, when wanted, then none until a minute has passed; old ones stay", "[custody][EG-8][T-06]")
{
    for (int i = 0; i < 256; ++i) REQUIRE(leaf("h" + std::to_string(i) + ".example", point).good);
    CHECK_FALSE(leaf("one-more.example", point).good);
    CHECK(leaf("h0.example", point).good);
    clock.advance(1min);
    CHECK(leaf("one-more.example", point).good);
}

TEST_CASE_METHOD(EdgeFaceTest, "edge face: given bytes that are no question, when heard, then malformed", "[custody][T-14]")
{
    CHECK_FALSE(face.answer(static_cast<std::uint16_t>(proto::Type::redeem), wire::Bytes(5)));
    CHECK_FALSE(face.answer(static_cast<std::uint16_t>(proto::Type::leaf_wanted), wire::Bytes(5)));
    auto body = wire::encode(proto::Redeem{RequestId{1}, 1, "x"});
    CHECK_FALSE(face.answer(static_cast<std::uint16_t>(proto::Type::leaf_wanted), body));
    CHECK_FALSE(face.answer(static_cast<std::uint16_t>(proto::Type::mint_token), body));
    body.push_back({});
    CHECK_FALSE(face.answer(static_cast<std::uint16_t>(proto::Type::redeem), body));
}

TEST_CASE_METHOD(EdgeFaceTest, "credentials: given one that does not open, when opened, then which and why, and the others are there",
    "[custody][CU-1][AP-2]")
{
    proto::CustodyConfig given;
    given.credentials.push({"one", seal("1")});
    given.credentials.push({"two", *sealed::seal_to_appliance(make_keys()->appliance_public, crypto::as_bytes("2"))});
    given.credentials.push({"three", "nonsense"});
    Credentials opened;
    auto const fault = opened.open(given, keys.appliance_seed);
    REQUIRE(fault);
    CHECK(fault->index == 1);
    CHECK(fault->why == crypto::IdentityFault::sealed_to_another);
    CHECK(opened.find("one") != nullptr);
    CHECK(opened.find("two") == nullptr);
    CHECK(opened.find("four") == nullptr);
}

TEST_CASE_METHOD(
    EdgeFaceTest, "custody config: given the most and largest of everything, when encoded, then it fits its frame", "[custody]")
{
    proto::CustodyConfig most;
    most.certificate = std::string(crypto::kChainBytesMax, 'c');
    most.sealed_key = std::string(sealed::kTextBytesMax, 'k');
    while (!most.names.full()) most.names.push(std::string(255, 'n'));
    while (!most.credentials.full()) most.credentials.push({std::string(64, 'n'), std::string(sealed::kTextBytesMax, 's')});
    while (!most.scoped.full()) most.scoped.push({std::string(64, 'r'), std::string(64, 'c'), std::string(64, 'E')});
    auto const bytes = wire::encode(most);
    CHECK(bytes.size() < helper::kConfigBytesMax);
    CHECK(wire::decode<proto::CustodyConfig>(bytes));
}

struct ChannelsTest : EdgeFaceTest {
    ~ChannelsTest() { loop.finish(); }
    void open(test::HelperPeer& peer, SessionId session = kSession)
    {
        on_loop([&] { channels.open(session, peer.connect()); });
    }
    void on_loop(std::function<void()> const& task)
    {
        static_cast<wire::Loop&>(loop).post(task);
        loop.settle();
    }
    bool answers(test::HelperPeer& peer, SessionId session = kSession, LeaseNumber lease = 1)
    {
        peer.send(proto::Redeem{RequestId{1}, lease, token(session)});
        return peer.take<proto::Redeemed>().reason == Reason::none;
    }

    test::LoopThread loop;
    EdgeChannels channels{loop, shelf};
    test::HelperPeer one;
    test::HelperPeer other;
};

TEST_CASE_METHOD(ChannelsTest, "edge channels: given one that breaks the grammar, when it does, then it ends and the other goes on",
    "[custody][T-14][T-23]")
{
    lend(2, kOther);
    open(one);
    open(other, kOther);
    CHECK(answers(one));
    one.send_raw(static_cast<std::uint16_t>(proto::Type::mint_token), {});
    CHECK(one.has_nothing());
    loop.settle();
    CHECK(channels.size() == 1);
    CHECK(answers(other, kOther, 2));
    other.send_raw(static_cast<std::uint16_t>(proto::Type::redeem), wire::Bytes(3));
    CHECK(other.has_nothing());
    loop.settle();
    CHECK(channels.size() == 0);
}

TEST_CASE_METHOD(ChannelsTest, "edge channels: given a session that is revoked, or gets a new one, when it is, then the old end closes",
    "[custody][CU-2][T-13]")
{
    open(one);
    open(other);
    CHECK(channels.size() == 1);
    CHECK(one.has_nothing());
    CHECK(answers(other));
    on_loop([&] { channels.close(kSession); });
    CHECK(channels.size() == 0);
    CHECK(other.has_nothing());
}

TEST_CASE_METHOD(ChannelsTest,
    "edge channels: given one that asks more than a second allows, when it does, then it waits, and the other does not",
    "[custody][T-06][T-23]")
{
    lend(2, kOther);
    open(one);
    open(other, kOther);
    // In lots that the socket takes, so that neither end waits for the other.
    std::size_t answered = 0;
    while (answered < kAsksPerSecondMax) {
        for (int i = 0; i < 64; ++i) one.send(proto::Redeem{RequestId{1}, 1, "x"});
        for (int i = 0; i < 64; ++i, ++answered) (void)one.take<proto::Redeemed>();
    }
    one.send(proto::Redeem{RequestId{1}, 1, "x"});
    CHECK(one.has_nothing());
    CHECK(answers(other, kOther, 2));
    CHECK(one.has_nothing());
    on_loop([&] { clock.advance(1s); });
    CHECK(one.take<proto::Redeemed>().reason == Reason::scoped_token_missing);
}

}  // namespace test_edge_face

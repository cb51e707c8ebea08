// SPDX-License-Identifier: GPL-3.0-or-later
// The two real helpers, confined: one asks a source that the test plays, the other keeps what comes of it, for who holds lease and token.

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "custody/helpers.h"
#include "proto/custody_helper_to_custody.h"
#include "proto/edge_helper_to_custody_helper.h"
#include "support/client_identities.h"
#include "support/helper_process.h"
#include "support/role_peer.h"
#include "support/vault_folder.h"

namespace {

using namespace ocu;
using proto::Reason;
using proto::SourceFailure;

constexpr SessionId kOne{41};
constexpr SessionId kTwo{42};

struct Slotted {
    static void fields(auto& wire, auto& m) { wire(m.slot, m.config); }
    std::uint32_t slot = 3;
    proto::SourceConfig config;
};

// Custody with a client's certificate `us` and a sealed value `sealed`, and a process that asks for each question.
class Bank {
public:
    Bank() : machine_key_(::memfd_create("key", MFD_CLOEXEC))
    {
        std::string const key(32, 'k');
        REQUIRE(::pwrite(machine_key_.get(), key.data(), key.size(), 0) == 32);
        start({});
        auto const recipient = wire::decode<proto::CustodyReport>(custody_->ready())->appliance_public;
        custody_.reset();
        proto::CustodyConfig config;
        config.credentials.push(
            {"us", *sealed::seal_to_appliance(recipient, crypto::as_bytes(client.whole())), proto::CredentialKind::client_certificate});
        config.credentials.push(
            {"key", *sealed::seal_to_appliance(recipient, crypto::as_bytes("sealed-value")), proto::CredentialKind::value});
        config.scoped.push({"rule", "key", "TOKEN"});
        start(config);
        REQUIRE(wire::decode<proto::CustodyReport>(custody_->ready())->credential_fault == crypto::IdentityFault::none);
    }
    // Begins a question; the test's end of the stream to the source.
    UniqueFd ask(std::uint64_t lease, SessionId session = kOne, proto::SourceConfig config = plain())
    {
        auto stream = make_socket_pair().value();
        auto channel = make_socket_pair().value();
        asker_.emplace("secret-source", custody::secret_source_main);
        auto const space = test::empty_network();
        asker_->configure(Slotted{3, config}, {space.get(), stream.theirs.get(), channel.theirs.get()});
        (void)asker_->ready();
        custody_->send(proto::OpenSourceChannel{lease, session, config.server_name.empty() ? wire::Text<64>() : wire::Text<64>("us")},
            {channel.ours.get()});
        return std::move(stream.ours);
    }
    proto::SourceHeld held() { return custody_->expect<proto::SourceHeld>(); }
    test::HelperPeer channel(SessionId session)
    {
        test::HelperPeer peer;
        auto const end = peer.connect();
        custody_->send(proto::OpenEdgeChannel{session}, {end.get()});
        return peer;
    }
    void grant(std::uint64_t lease, SessionId session = kOne, bool fetched = true, std::chrono::milliseconds life = std::chrono::minutes(5))
    {
        custody_->send(proto::GrantLease{
            lease, session, "rule", "key", "api.example.com", (std::chrono::steady_clock::now() + life).time_since_epoch(), fetched});
        CHECK(custody_->expect<proto::LeaseHeld>().lease == lease);
    }
    std::string token(SessionId session)
    {
        custody_->send(proto::MintToken{RequestId{3}, session, "ocu-s-1", std::chrono::seconds(60)});
        return custody_->expect<proto::MintedToken>().scoped.items().at(0).value.str();
    }
    static proto::Redeemed redeem(test::HelperPeer& peer, std::uint64_t lease, std::string const& token)
    {
        peer.send(proto::Redeem{RequestId{2}, lease, wire::Text<proto::kScopedTokenBytesMax>(token)});
        return peer.take<proto::Redeemed>();
    }
    static proto::SourceConfig plain() { return {"box", "rule", "key", false, "api.example.com", 443, "s-1", "localhost", {}, {}}; }
    test::HelperProcess& custody() { return *custody_; }
    test::HelperProcess& asker() { return *asker_; }

    test_support::TestAuthority authority{"clients"};
    test_support::ClientMaterial client = test_support::make_client(authority);

private:
    void start(proto::CustodyConfig const& config)
    {
        custody_.emplace("custody", custody::custody_main);
        custody_->configure(config, {folder_.fd(), machine_key_.get()});
    }

    test::VaultFolder folder_;
    UniqueFd machine_key_;
    std::optional<test::HelperProcess> custody_;
    std::optional<test::HelperProcess> asker_;
};

// All that comes until the question is whole.
std::string question(int fd)
{
    std::string text;
    char chunk[4096];
    while (!text.ends_with("}")) {
        pollfd wait{fd, POLLIN, 0};
        REQUIRE(::poll(&wait, 1, 5000) == 1);
        auto const size = ::recv(fd, chunk, sizeof chunk, 0);
        REQUIRE(size > 0);
        text.append(chunk, static_cast<std::size_t>(size));
    }
    return text;
}

void say(int fd, std::string_view text)
{
    REQUIRE(::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

std::string answer_of(std::string const& body)
{
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string const kGood = answer_of(R"({"value":"fetched-value","expires_in":60,"version":"v1"})");

}  // namespace

TEST_CASE(
    "secret source: given an answer, when its lease is granted, then redeemed by its session alone, and nothing sealed stands in for it",
    "[custody][EG-1][CU-2][T-12][T-26]")
{
    Bank bank;
    auto one = bank.channel(kOne);
    auto two = bank.channel(kTwo);
    auto const token = bank.token(kOne);
    auto const source = bank.ask(7);
    auto const text = question(source.get());
    CHECK(text.starts_with("POST /ocu-secret-source/1/credential HTTP/1.1\r\nHost: localhost\r\n"));
    CHECK(text.contains(R"("credential":"key")"));
    say(source.get(), kGood);
    auto const held = bank.held();
    CHECK(held.lease == 7);
    CHECK(held.failure == SourceFailure::none);
    CHECK(held.expires_in == std::chrono::seconds(60));
    CHECK(held.version.view() == "v1");
    CHECK(WIFEXITED(bank.asker().wait()));  // it has ended by itself
    CHECK(Bank::redeem(one, 7, token).reason == Reason::credential_unavailable);  // held, and not lent
    bank.grant(7);
    CHECK(Bank::redeem(one, 7, token).credential.view() == "fetched-value");
    CHECK(Bank::redeem(two, 7, token).reason == Reason::session_denied);
    CHECK(Bank::redeem(one, 7, bank.token(kTwo)).reason == Reason::scoped_token_missing);
    // A lease that says `fetched` and has no answer gets nothing, though one of that name is sealed.
    bank.grant(8);
    auto const none = Bank::redeem(one, 8, token);
    CHECK(none.reason == Reason::credential_unavailable);
    CHECK(none.credential.empty());
    bank.grant(9, kOne, false);
    CHECK(Bank::redeem(one, 9, token).credential.view() == "sealed-value");
    bank.custody().send(proto::RevokeLease{7});
    bank.grant(10, kOne, false);  // has been heard
    CHECK(Bank::redeem(one, 7, token).reason == Reason::credential_unavailable);
    bank.grant(7);  // granted anew it has no answer any more
    CHECK(Bank::redeem(one, 7, token).reason == Reason::credential_unavailable);
}

TEST_CASE("secret source: given a session that ends, when its source answers, then nothing is held of it", "[custody][CU-2][T-13][T-26]")
{
    Bank bank;
    auto const source = bank.ask(7);
    (void)question(source.get());
    bank.custody().send(proto::RevokeSession{kOne});
    CHECK(WIFEXITED(bank.asker().wait()));  // its channel was closed
    auto one = bank.channel(kOne);
    bank.grant(7);
    CHECK(Bank::redeem(one, 7, bank.token(kOne)).reason == Reason::credential_unavailable);
}

TEST_CASE("secret source: given answers of a hostile source, when they are read, then each is refused by what it is, and custody serves on",
    "[custody][EG-1][T-26]")
{
    Bank bank;
    struct Row {
        std::string bytes;
        SourceFailure why;
    };
    std::uint64_t lease = 100;
    for (auto const& row : {Row{"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", SourceFailure::not_found},
             Row{"HTTP/1.1 500 No\r\n\r\n", SourceFailure::status},
             Row{answer_of(R"({"value":"a\r\nb","expires_in":60})"), SourceFailure::malformed},
             Row{kGood + "more", SourceFailure::malformed}, Row{answer_of("{").substr(0, 30), SourceFailure::malformed},
             Row{std::string(9000, 'x'), SourceFailure::too_large}, Row{std::string(3000, '\0'), SourceFailure::malformed}}) {
        auto source = bank.ask(++lease);
        (void)question(source.get());
        say(source.get(), row.bytes);
        source.reset();
        auto const held = bank.held();
        CHECK(held.lease == lease);
        CHECK(held.failure == row.why);
        CHECK(held.version.empty());
        CHECK(WIFEXITED(bank.asker().wait()));
    }
    auto const source = bank.ask(7);
    say(source.get(), kGood);
    CHECK(bank.held().failure == SourceFailure::none);
}

TEST_CASE("secret source: given an endpoint that does not speak TLS, when it is asked, then no question and no signature reach it",
    "[custody][EG-9][T-26]")
{
    Bank bank;
    auto config = Bank::plain();
    config.server_name = "secrets.example";
    config.ca_pem = bank.authority.pem();
    auto source = bank.ask(7, kOne, config);
    say(source.get(), "HTTP/1.1 400 Bad\r\n\r\n");
    CHECK(bank.held().failure == SourceFailure::tls);
    char chunk[4096];
    auto const size = ::recv(source.get(), chunk, sizeof chunk, 0);
    CHECK_FALSE(std::string_view(chunk, static_cast<std::size_t>(std::max<ssize_t>(size, 0))).contains("POST"));
}

TEST_CASE(
    "secret source: given a process that asks and was taken over, when it breaks its grammar, then it has failed, and custody serves on",
    "[custody][T-14][T-26]")
{
    Bank bank;
    std::uint64_t lease = 50;
    auto const play = [&](auto what, bool with_client) {
        test::HelperPeer peer;
        auto const end = peer.connect();
        bank.custody().send(proto::OpenSourceChannel{++lease, kOne, with_client ? wire::Text<64>("us") : wire::Text<64>()}, {end.get()});
        auto const begin = peer.take<proto::SourceBegin>();
        CHECK(begin.chain_pem.empty() != with_client);
        what(peer);
        auto const held = bank.held();
        CHECK(held.lease == lease);
        CHECK(held.failure == SourceFailure::lost);
        bank.grant(lease);
    };
    proto::SourceAnswered good{SourceFailure::none, 200, std::chrono::seconds(60), "v", "value"};
    play(
        [&](auto& peer) {
            auto bad = good;
            bad.version = "a b";
            peer.send(bad);
        },
        false);
    play(
        [&](auto& peer) {
            auto bad = good;
            bad.value = "";
            peer.send(bad);
        },
        false);
    play(
        [&](auto& peer) {
            auto bad = good;
            bad.failure = SourceFailure::gone;
            peer.send(bad);
        },
        false);
    play(
        [&](auto& peer) {
            auto bad = good;
            bad.expires_in = std::chrono::seconds(-1);
            peer.send(bad);
        },
        false);
    play([&](auto& peer) { peer.send(proto::SourceProofWanted{std::string(32, 'h')}); }, false);  // no certificate is shown here
    play([&](auto& peer) { peer.send(proto::RevokeSession{kTwo}); }, false);
    play([&](auto& peer) { peer.close(); }, false);
    play(
        [&](auto& peer) {
            peer.send(proto::SourceProofWanted{std::string(32, 'h')});
            CHECK_FALSE(peer.template take<proto::SourceProof>().signature.empty());
            peer.send(proto::SourceProofWanted{std::string(32, 'i')});  // one handshake
        },
        true);
    auto one = bank.channel(kOne);
    for (std::uint64_t each = 51; each <= lease; ++each)
        CHECK(Bank::redeem(one, each, bank.token(kOne)).reason == Reason::credential_unavailable);
}

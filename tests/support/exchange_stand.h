// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An exchange between a guest and an upstream in the test's hands, with a custody that signs leaves and lends one credential.

#include <catch2/catch_test_macros.hpp>

#include <optional>

#include "base/crypto/client_identity.h"
#include "edge/exchange.h"
#include "support/tls_peers.h"

namespace test_support {

using namespace ocu::edge;
using proto::Reason;

inline std::string const kName = "api.example.com";
inline std::string const kToken = "ocu-scoped-abcdefghijklmnop";
inline std::string const kCredential = "sk-live-0123456789abcdef";
inline std::string const kOk = "HTTP/1.1 200 OK\r\n";

struct CustodyFake : Custody {
    void leaf(std::string_view host, LeafKey const& key, std::function<void(Result<std::string>)> then) override
    {
        ++leaves;
        auto der = leaf_works ? Result<std::string>(authority.leaf({std::string(host)}, key)) : fail(Fault::unavailable, "no custody");
        loop->post([then = std::move(then), der = std::move(der)]() mutable { then(std::move(der)); });
    }
    void redeem(std::uint64_t lease, std::string_view token, std::function<void(proto::Redeemed&)> then) override
    {
        proto::Redeemed answer;
        answer.reason = lease == 7 && token == kToken ? redeem_reason : Reason::scoped_token_missing;
        if (answer.reason == Reason::none) answer.credential = credential;
        loop->post([this, then = std::move(then), answer]() mutable {
            then(answer);
            wiped = answer.credential.empty();
        });
    }
    void prove(proto::ClientProofWanted wanted, std::function<void(proto::ClientProof const&)> then) override
    {
        ++proofs;
        proof_destination = wanted.destination.str();
        proto::ClientProof answer;
        answer.reason = wanted.lease == 7 && wanted.token.view() == kToken ? prove_reason : Reason::scoped_token_missing;
        if (answer.reason == Reason::none) {
            auto const signature = crypto::sign_client_proof(*identity, std::as_bytes(std::span(wanted.handshake_hash.str())));
            answer.signature = std::string(signature->begin(), signature->end());
        }
        held = [then = std::move(then), answer] { then(answer); };
        if (!hold_proofs) give_held();
    }
    void give_held() { loop->post(std::exchange(held, nullptr)); }

    wire::Loop* loop = nullptr;
    TestAuthority authority{"bump"};
    bool leaf_works = true;
    int leaves = 0;
    Reason redeem_reason = Reason::none;
    std::string credential = kCredential;
    bool wiped = false;
    std::optional<crypto::ClientIdentity> identity;
    Reason prove_reason = Reason::none;
    int proofs = 0;
    std::string proof_destination;
    bool hold_proofs = false;
    std::function<void()> held;
};

struct Pair {
    Pair()
    {
        auto made = *make_socket_pair();
        ours = std::move(made.ours);
        theirs = std::move(made.theirs);
    }
    UniqueFd ours, theirs;
};

struct ExchangeStand {
    ExchangeStand()
    {
        fakes.loop = &loop;
        tools = *ExchangeTools::make(public_authority.pem(), fakes, clock, withheld);
    }
    Exchange::Calls calls()
    {
        return {[this](proto::RequestAsked message) {
                    asked.push_back(message);
                    if (answer) answer(message);
                },
            [this](proto::RequestDone message) { dones.push_back(message); },
            [this](proto::ConnectionEnded message, std::string_view about) {
                ended = message;
                word = about;
            }};
    }
    void open_http(ExchangeRoute route, std::string already = {})
    {
        Pair a, b;
        guest = std::make_unique<Peer>(loop, wire::plain_transport(loop, std::move(a.theirs)));
        upstream = std::make_unique<Peer>(loop, wire::plain_transport(loop, std::move(b.theirs)));
        exchange =
            std::make_unique<Exchange>(tools, loop, std::move(a.ours), std::move(already), std::move(b.ours), std::move(route), calls());
    }
    void open_http() { open_http({ConnectionId{3}, proto::Handling::http, proto::RouteForm::direct, kName, 80, {}}); }

    // An upstream with that certificate for a fresh P-256 key, and a guest that trusts the bump CA.
    void open_bump(LeafWish const& wish, TestAuthority* by = nullptr)
    {
        auto const key = *crypto::make_p256_key();
        upstream_public = *crypto::p256_public(key);
        auto const der = (by ? *by : public_authority).leaf(wish, upstream_public);
        open_bump_with(*crypto::p256_key_pem(key), der);
    }
    void open_bump_with(Secret const& key_pem, std::string const& der, wire::Alpn speaks = wire::Alpn::http11, wire::AlpnOffer offers = {},
        bool http1_only = false)
    {
        Pair b;
        upstream_rules = *wire::TlsToGuest::make(key_pem);
        auto stream = upstream_rules->accept(loop, wire::plain_transport(loop, std::move(b.theirs)), der, {}, speaks);
        REQUIRE(stream.has_value());
        upstream = std::make_unique<Peer>(loop, *std::move(stream));
        open_bump_on(std::move(b.ours), kName, offers, http1_only);
    }
    void open_bump_on(UniqueFd upstream_end, std::string const& asks_for = kName, wire::AlpnOffer offers = {}, bool http1_only = false)
    {
        Pair a;
        auto client = *wire::TlsToUpstream::make(fakes.authority.pem());
        guest = std::make_unique<Peer>(loop, *client->connect(loop, wire::plain_transport(loop, std::move(a.theirs)), asks_for, offers));
        clients.push_back(client);
        ExchangeRoute route{ConnectionId{3}, proto::Handling::bump, proto::RouteForm::direct, kName, 443, kName};
        route.http1_only = http1_only;
        exchange =
            std::make_unique<Exchange>(tools, loop, std::move(a.ours), std::string{}, std::move(upstream_end), std::move(route), calls());
    }

    bool until(std::function<bool()> const& so)
    {
        bool late = false;
        auto const guard = loop.after(std::chrono::seconds(5), [&] { late = true; });
        while (!so()) {
            if (late) return false;
            loop.run_one();
        }
        return true;
    }
    void settle()
    {
        bool over = false;
        auto const guard = loop.after(std::chrono::milliseconds(50), [&] { over = true; });
        while (!over) loop.run_one();
    }
    void allow(std::uint64_t lease = 0, std::string const& format = "Bearer {}")
    {
        answer = [this, lease, format](proto::RequestAsked const& message) {
            exchange->allowed({message.connection, message.request, lease, lease ? "authorization" : "", lease ? format : ""});
        };
    }
    bool upstream_got(std::string_view part)
    {
        return until([&] { return upstream->heard().contains(part); });
    }
    bool guest_got(std::string_view part)
    {
        return until([&] { return guest->heard().contains(part); });
    }

    wire::Loop loop;
    ManualClock clock;
    WithheldSet withheld;
    CustodyFake fakes;
    TestAuthority public_authority{"public"};
    std::shared_ptr<ExchangeTools> tools;
    std::shared_ptr<wire::TlsToGuest> upstream_rules;
    LeafKey upstream_public{};
    std::vector<std::shared_ptr<wire::TlsToUpstream>> clients;
    std::unique_ptr<Peer> guest, upstream;
    std::vector<proto::RequestAsked> asked;
    std::vector<proto::RequestDone> dones;
    std::optional<proto::ConnectionEnded> ended;
    std::string word;
    std::function<void(proto::RequestAsked const&)> answer;
    std::unique_ptr<Exchange> exchange;
};

inline std::string request(std::string const& headers = {}, std::string const& target = "/v1/x?q=1", std::string const& host = kName)
{
    return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + headers + "\r\n";
}

}  // namespace test_support

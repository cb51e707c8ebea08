// SPDX-License-Identifier: GPL-3.0-or-later
// Units: custody/edge_face and custody/credentials, where the credential is a client's certificate: its key signs here and stays here.

#include <catch2/catch_test_macros.hpp>

#include "base/sealed_face.h"
#include "custody/edge_face.h"
#include "custody/limits.h"
#include "custody/scoped_token.h"
#include "custody/vault.h"
#include "support/client_identities.h"

namespace test_client_proof {

using namespace ocu;
using namespace ocu::custody;
using namespace std::chrono_literals;
using proto::Reason;

constexpr SessionId kSession{5};
constexpr SessionId kOther{6};
std::string const kBank = "bank.example.com";
std::string const kHash(32, 'h');

struct Stand {
    Stand()
    {
        put("bank", client.whole(), proto::CredentialKind::client_certificate);
        put("plain", "s3cret", proto::CredentialKind::value);
        REQUIRE_FALSE(credentials.open(config, keys.appliance_seed));
        lend(1, kSession, "bank");
        lend(2, kSession, "plain");
    }
    void put(char const* name, std::string_view text, proto::CredentialKind kind)
    {
        config.credentials.push({name, *sealed::seal_to_appliance(keys.appliance_public, crypto::as_bytes(text)), kind});
    }
    void lend(LeaseNumber number, SessionId session, std::string credential)
    {
        REQUIRE(leases.add({number, session, "rule", std::move(credential), kBank, clock.now() + 900s}, clock.now()));
    }
    std::string token(SessionId session = kSession) const { return scoped_token(keys.scoped_key, session, "rule"); }
    proto::ClientProof prove(
        std::uint64_t lease, std::string_view token_shown, std::string_view destination = kBank, std::string_view hash = kHash)
    {
        proto::ClientProofWanted const wanted{
            RequestId{3}, lease, wire::Text<128>(token_shown), wire::Text<253>(destination), wire::Text<64>(hash)};
        auto const answer = face.answer(static_cast<std::uint16_t>(proto::Type::client_proof_wanted), wire::encode(wanted));
        REQUIRE(answer);
        REQUIRE(answer->type == proto::Type::client_proof);
        auto const out = *wire::decode<proto::ClientProof>(answer->body);
        CHECK(out.request == RequestId{3});
        CHECK(out.signature.empty() == (out.reason != Reason::none));
        return out;
    }
    proto::Redeemed redeem(std::uint64_t lease)
    {
        auto const answer = face.answer(
            static_cast<std::uint16_t>(proto::Type::redeem), wire::encode(proto::Redeem{RequestId{4}, lease, wire::Text<128>(token())}));
        return *wire::decode<proto::Redeemed>(answer->body);
    }

    test_support::TestAuthority authority_of_clients{"clients"};
    test_support::ClientMaterial client = test_support::make_client(authority_of_clients);
    ManualClock clock;
    Keys keys = *make_keys();
    crypto::Authority authority;
    proto::CustodyConfig config;
    Credentials credentials;
    LeaseTable leases;
    FetchedSecrets fetched;
    Shelf shelf{keys.scoped_key, authority, credentials, leases, fetched, clock};
    EdgeFace face{kSession, shelf};
};

TEST_CASE("client proof: given a live lease, its token and destination, when wanted, then a proof that holds, until the lease ends",
    "[custody][EG-7][CU-2][T-12]")
{
    Stand stand;
    auto const proof = stand.prove(1, stand.token());
    REQUIRE(proof.reason == Reason::none);
    auto const& text = proof.signature.str();
    CHECK(test_support::proves(stand.client.public_key, kHash, {reinterpret_cast<std::uint8_t const*>(text.data()), text.size()}));
    stand.clock.advance(900s);
    CHECK(stand.prove(1, stand.token()).reason == Reason::credential_unavailable);
}

TEST_CASE("client proof: given no lease, another's, a revoked one, another token, destination or kind, when wanted, then none",
    "[custody][EG-7][CU-2][T-12][T-13][T-23]")
{
    Stand stand;
    stand.lend(3, kOther, "bank");
    CHECK(stand.prove(9, stand.token()).reason == Reason::credential_unavailable);
    CHECK(stand.prove(3, stand.token(kOther)).reason == Reason::session_denied);
    CHECK(stand.prove(1, stand.token(kOther)).reason == Reason::scoped_token_missing);
    CHECK(stand.prove(1, "").reason == Reason::scoped_token_missing);
    CHECK(stand.prove(1, stand.token(), "other.example.com").reason == Reason::session_denied);
    CHECK(stand.prove(1, stand.token(), "").reason == Reason::session_denied);
    CHECK(stand.prove(2, stand.token()).reason == Reason::credential_unavailable);
    for (std::size_t const size : {0, 31, 33, 64})
        CHECK(stand.prove(1, stand.token(), kBank, std::string(size, 'h')).reason == Reason::credential_unavailable);
    (void)stand.leases.revoke(kSession, stand.clock.now());
    CHECK(stand.prove(1, stand.token()).reason == Reason::credential_unavailable);
}

TEST_CASE("client proof: given a lease of a certificate, when redeemed, then its chain and nothing of its key", "[custody][EG-7][T-12]")
{
    Stand stand;
    auto const redeemed = stand.redeem(1);
    CHECK(redeemed.credential.view().starts_with(stand.client.chain_pem));
    CHECK_FALSE(redeemed.credential.view().contains("PRIVATE"));
    CHECK(stand.redeem(2).credential.view() == "s3cret");
    CHECK(stand.credentials.find("bank") == nullptr);
    CHECK(stand.credentials.find_identity("plain") == nullptr);
}

TEST_CASE("client proof: given a session that asks without end, when a minute's are used up, then none until it is over", "[custody][T-06]")
{
    Stand stand;
    for (std::size_t i = 0; i < kProofsPerMinuteMax; ++i) REQUIRE(stand.prove(1, stand.token()).reason == Reason::none);
    CHECK(stand.prove(1, stand.token()).reason == Reason::credential_unavailable);
    stand.clock.advance(60s);
    CHECK(stand.prove(1, stand.token()).reason == Reason::none);
}

TEST_CASE(
    "credentials: given a certificate that is none, when opened, then its fault and place, and the others are there", "[custody][CU-1]")
{
    Stand stand;
    stand.put("broken", "no certificate", proto::CredentialKind::client_certificate);
    stand.put("later", "value", proto::CredentialKind::value);
    Credentials credentials;
    auto const fault = credentials.open(stand.config, stand.keys.appliance_seed);
    REQUIRE(fault);
    CHECK(fault->index == 2);
    CHECK(fault->why == crypto::IdentityFault::key_unreadable);
    CHECK(credentials.find("later") != nullptr);
    CHECK(credentials.find("broken") == nullptr);
    CHECK(credentials.find_identity("broken") == nullptr);
}

TEST_CASE(
    "fetched: given leases that a source was asked for, when redeemed, then what it answered for that lease, and nothing sealed instead",
    "[custody][EG-1][T-12][T-26]")
{
    Stand stand;
    for (LeaseNumber number : {10u, 11u, 12u}) {
        Lease lease{number, kSession, "rule", number == 12 ? "bank" : "plain", kBank, stand.clock.now() + 900s};
        lease.source = "unix:/s";
        REQUIRE(stand.leases.add(std::move(lease), stand.clock.now()));
    }
    REQUIRE(stand.fetched.keep(10, kSession, "fetched", stand.clock.now() + 60s));
    CHECK(stand.redeem(10).credential.view() == "fetched");
    CHECK(stand.redeem(2).credential.view() == "s3cret");
    for (std::uint64_t number : {11u, 12u}) {
        auto const none = stand.redeem(number);
        CHECK(none.reason == Reason::credential_unavailable);
        CHECK(none.credential.empty());
    }
    CHECK(stand.prove(12, stand.token()).reason == Reason::credential_unavailable);
    stand.clock.advance(60s);  // the lease says more, the answer does not
    CHECK(stand.redeem(10).reason == Reason::credential_unavailable);
}

}  // namespace test_client_proof

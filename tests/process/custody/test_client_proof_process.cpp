// SPDX-License-Identifier: GPL-3.0-or-later
// The real helper, confined: a client's key signs inside it, for who holds the lease and the token, and is nowhere else.

#include <catch2/catch_test_macros.hpp>

#include <sys/mman.h>

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

constexpr SessionId kOne{41};
constexpr SessionId kTwo{42};
std::string const kBank = "bank.example.com";
std::string const kHash(48, 'h');

class Bank {
public:
    Bank() : machine_key_(::memfd_create("key", MFD_CLOEXEC))
    {
        std::string const key(32, 'k');
        REQUIRE(::pwrite(machine_key_.get(), key.data(), key.size(), 0) == 32);
        start({});
        auto const recipient = wire::decode<proto::CustodyReport>(process_->ready())->appliance_public;
        process_.reset();
        proto::CustodyConfig config;
        config.credentials.push(
            {"bank", *sealed::seal_to_appliance(recipient, crypto::as_bytes(client.whole())), proto::CredentialKind::client_certificate});
        config.scoped.push({"rule", "bank", "BANK_TOKEN"});
        start(config);
        auto const report = wire::decode<proto::CustodyReport>(process_->ready());
        REQUIRE(report);
        CHECK(report->credential_fault == crypto::IdentityFault::none);
    }
    test::HelperPeer channel(SessionId session)
    {
        test::HelperPeer peer;
        auto const end = peer.connect();
        process_->send(proto::OpenEdgeChannel{session}, {end.get()});
        return peer;
    }
    void grant(std::uint64_t lease, SessionId session)
    {
        auto const ends = std::chrono::steady_clock::now() + std::chrono::minutes(15);
        process_->send(proto::GrantLease{lease, session, "rule", "bank", kBank, ends.time_since_epoch()});
        CHECK(process_->expect<proto::LeaseHeld>().lease == lease);
    }
    std::string token(SessionId session)
    {
        process_->send(proto::MintToken{RequestId{3}, session, "ocu-s-1", std::chrono::seconds(60)});
        return process_->expect<proto::MintedToken>().scoped.items().at(0).value.str();
    }
    void revoke(SessionId session) { process_->send(proto::RevokeSession{session}); }
    static proto::ClientProof prove(test::HelperPeer& peer, std::uint64_t lease, std::string const& token, std::string const& to = kBank)
    {
        peer.send(proto::ClientProofWanted{RequestId{1}, lease, token, to, kHash});
        return peer.take<proto::ClientProof>();
    }

    test_support::TestAuthority authority{"clients"};
    test_support::ClientMaterial client = test_support::make_client(authority);

private:
    void start(proto::CustodyConfig const& config)
    {
        process_.emplace("custody", custody::custody_main);
        process_->configure(config, {folder_.fd(), machine_key_.get()});
    }

    test::VaultFolder folder_;
    UniqueFd machine_key_;
    std::optional<test::HelperProcess> process_;
};

}  // namespace

TEST_CASE("custody: given a lease of a client certificate, when a proof is wanted, then for its session, token and destination alone",
    "[custody][CU-2][EG-7][T-12][T-23]")
{
    Bank bank;
    auto one = bank.channel(kOne);
    auto two = bank.channel(kTwo);
    auto const token = bank.token(kOne);
    CHECK(Bank::prove(one, 7, token).reason == Reason::credential_unavailable);
    bank.grant(7, kOne);
    auto const proof = Bank::prove(one, 7, token);
    REQUIRE(proof.reason == Reason::none);
    auto const& text = proof.signature.str();
    CHECK(test_support::proves(bank.client.public_key, kHash, {reinterpret_cast<std::uint8_t const*>(text.data()), text.size()}));
    CHECK(Bank::prove(two, 7, token).reason == Reason::session_denied);
    CHECK(Bank::prove(one, 7, bank.token(kTwo)).reason == Reason::scoped_token_missing);
    CHECK(Bank::prove(one, 7, token, "other.example.com").reason == Reason::session_denied);
    one.send(proto::Redeem{RequestId{2}, 7, token});
    CHECK(one.take<proto::Redeemed>().credential.view() == bank.client.chain_pem + "\n");  // as it was sealed, up to the key
    bank.revoke(kOne);
    CHECK_FALSE(helper::read_frame(one.descriptor(), 64, std::chrono::seconds(5)));
    auto again = bank.channel(kOne);
    CHECK(Bank::prove(again, 7, token).reason == Reason::credential_unavailable);
}

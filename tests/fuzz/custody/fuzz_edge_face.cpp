// SPDX-License-Identifier: GPL-3.0-or-later
// Face: custody/edge_face. The first byte chooses the question; the rest is its body. No bytes redeem a lease whose token was not derived
// for them, and what decodes encodes to the same bytes.

#include <algorithm>
#include <cstdlib>

#include "custody/edge_face.h"
#include "custody/vault.h"

namespace {

using namespace ocu;

template <class Message>
void check(std::span<std::byte const> bytes)
{
    auto const message = wire::decode<Message>(bytes);
    if (message && !std::ranges::equal(wire::encode(*message), bytes)) std::abort();
}

struct Stand {
    Stand()
    {
        (void)custody::renew_authority(keys, std::chrono::floor<std::chrono::seconds>(clock.wall())).value();
        authority.key = Secret::copy_of(keys.authority_key.bytes()).value();
        authority.certificate_der = crypto::certificate_der(keys.authority.pem).value();
        (void)leases.add({1, SessionId{5}, "rule", "key", {}, clock.now() + std::chrono::minutes(15)}, clock.now());
    }
    ManualClock clock;
    custody::Keys keys = custody::make_keys().value();
    crypto::Authority authority;
    custody::Credentials credentials;
    custody::LeaseTable leases;
    custody::FetchedSecrets fetched;
    custody::Shelf shelf{keys.scoped_key, authority, credentials, leases, fetched, clock};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    static Stand const stand;  // keys are dear to make
    if (size == 0) return 0;
    auto const body = std::as_bytes(std::span(data, size)).subspan(1);
    check<proto::LeafWanted>(body);
    check<proto::Redeem>(body);
    check<proto::LeafMade>(body);
    check<proto::Redeemed>(body);
    check<proto::GrantLease>(body);
    check<proto::ClientProofWanted>(body);
    check<proto::ClientProof>(body);
    custody::EdgeFace face(SessionId{5}, stand.shelf);
    auto const types = std::array{proto::Type::leaf_wanted, proto::Type::redeem, proto::Type::mint_token, proto::Type::client_proof_wanted};
    auto const answer = face.answer(static_cast<std::uint16_t>(types[data[0] % types.size()]), body);
    if (answer && answer->type == proto::Type::client_proof) {
        auto const proof = wire::decode<proto::ClientProof>(answer->body);
        if (!proof || proof->reason == proto::Reason::none || !proof->signature.empty()) std::abort();
    }
    if (!answer || answer->type != proto::Type::redeemed) return 0;
    auto const redeemed = wire::decode<proto::Redeemed>(answer->body);
    if (!redeemed || redeemed->reason == proto::Reason::none || !redeemed->credential.empty()) std::abort();
    return 0;
}

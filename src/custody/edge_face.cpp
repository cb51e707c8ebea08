// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/edge_face.h"

#include <algorithm>

#include "custody/limits.h"
#include "custody/scoped_token.h"

namespace ocu::custody {

using proto::Reason;

Result<EdgeFace::Answer> EdgeFace::answer(std::uint16_t type, std::span<std::byte const> body)
{
    if (type == static_cast<std::uint16_t>(proto::Type::leaf_wanted))
        return Answer{proto::Type::leaf_made, leaf(OCU_TRY(wire::decode<proto::LeafWanted>(body)))};
    if (type == static_cast<std::uint16_t>(proto::Type::redeem))
        return Answer{proto::Type::redeemed, redeem(OCU_TRY(wire::decode<proto::Redeem>(body)))};
    if (type == static_cast<std::uint16_t>(proto::Type::client_proof_wanted))
        return Answer{proto::Type::client_proof, proof(OCU_TRY(wire::decode<proto::ClientProofWanted>(body)))};
    return fail(Fault::malformed, "no question of an edge");
}

wire::Bytes EdgeFace::leaf(proto::LeafWanted const& wanted)
{
    proto::LeafMade made;
    made.request = wanted.request;
    if (shelf_.authority.certificate_der.empty()) return wire::encode(made);
    if (auto const der = leaves_.leaf(wanted.host.view(), wanted.public_key); der && der->size() <= decltype(made.certificate)::kMax) {
        made.good = true;
        made.certificate = std::string(der->begin(), der->end());
    }
    return wire::encode(made);
}

std::expected<Lease const*, Reason> EdgeFace::lease_for(std::uint64_t number, std::string_view token) const
{
    Lease const* const lease = shelf_.leases.find(number, shelf_.clock.now());
    if (lease == nullptr) return std::unexpected(Reason::credential_unavailable);
    // Invariant 6: whose it is was said by the channel, not by the message.
    if (lease->session != session_) return std::unexpected(Reason::session_denied);
    if (!is_scoped_token(token, shelf_.scoped_key, session_, lease->rule)) return std::unexpected(Reason::scoped_token_missing);
    return lease;
}

std::expected<std::span<std::byte const>, Reason> EdgeFace::shown(Lease const& lease) const
{
    if (lease.fetched()) {
        Secret const* const answered = shelf_.fetched.find(lease.number, shelf_.clock.now());
        if (answered == nullptr) return std::unexpected(Reason::credential_unavailable);
        return answered->bytes();
    }
    auto const& credential = lease.credential;
    if (auto const* const identity = shelf_.credentials.find_identity(credential)) return std::as_bytes(std::span(identity->chain_pem));
    if (Secret const* const found = shelf_.credentials.find(credential)) return found->bytes();
    return std::unexpected(Reason::credential_unavailable);
}

wire::Bytes EdgeFace::redeem(proto::Redeem const& wanted)
{
    proto::Redeemed redeemed;
    redeemed.request = wanted.request;
    auto const found = lease_for(wanted.lease, wanted.token.view()).and_then([this](Lease const* lease) { return shown(*lease); });
    if (!found) {
        redeemed.reason = found.error();
        return wire::encode(redeemed);
    }
    // On the heap, however short: a short string is copied when it is moved, and what is left behind is wiped by nobody (T-12).
    std::string text;
    text.reserve(std::max<std::size_t>(found->size(), 64));
    text.assign(reinterpret_cast<char const*>(found->data()), found->size());
    redeemed.credential = std::move(text);
    auto body = wire::encode(redeemed);  // the credential is its last field: the bytes are not moved again
    text = std::move(redeemed.credential).take();
    wipe(std::as_writable_bytes(std::span(text)));
    return body;
}

std::expected<std::string, Reason> EdgeFace::prove(proto::ClientProofWanted const& wanted)
{
    auto const lease = lease_for(wanted.lease, wanted.token.view());
    if (!lease) return std::unexpected(lease.error());
    // What the asker says about where it leads is all that can be known here; an edge that only errs is stopped (T-23).
    if ((*lease)->destination != wanted.destination.view()) return std::unexpected(Reason::session_denied);
    auto const* const identity = (*lease)->fetched() ? nullptr : shelf_.credentials.find_identity((*lease)->credential);
    auto const now = shelf_.clock.now();
    while (!proofs_.empty() && now - proofs_.front() >= std::chrono::minutes(1)) proofs_.pop_front();
    if (identity == nullptr || proofs_.size() >= kProofsPerMinuteMax) return std::unexpected(Reason::credential_unavailable);
    proofs_.push_back(now);
    auto const signature = crypto::sign_client_proof(*identity, std::as_bytes(std::span(wanted.handshake_hash.str())));
    if (!signature) return std::unexpected(Reason::credential_unavailable);
    return std::string(signature->begin(), signature->end());
}

wire::Bytes EdgeFace::proof(proto::ClientProofWanted const& wanted)
{
    proto::ClientProof out;
    out.request = wanted.request;
    if (auto signature = prove(wanted))
        out.signature = *std::move(signature);
    else
        out.reason = signature.error();
    return wire::encode(out);
}

}  // namespace ocu::custody

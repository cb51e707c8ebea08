// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/edge_face.h"

#include "custody/scoped_token.h"

namespace ocu::custody {

using proto::Reason;

Result<EdgeFace::Answer> EdgeFace::answer(std::uint16_t type, std::span<std::byte const> body)
{
    if (type == static_cast<std::uint16_t>(proto::Type::leaf_wanted))
        return Answer{proto::Type::leaf_made, leaf(OCU_TRY(wire::decode<proto::LeafWanted>(body)))};
    if (type == static_cast<std::uint16_t>(proto::Type::redeem))
        return Answer{proto::Type::redeemed, redeem(OCU_TRY(wire::decode<proto::Redeem>(body)))};
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

std::expected<Secret const*, Reason> EdgeFace::credential_for(proto::Redeem const& wanted) const
{
    Lease const* const lease = shelf_.leases.find(wanted.lease, shelf_.clock.now());
    if (lease == nullptr) return std::unexpected(Reason::credential_unavailable);
    // Invariant 6: whose it is was said by the channel, not by the message.
    if (lease->session != session_) return std::unexpected(Reason::session_denied);
    if (!is_scoped_token(wanted.token.view(), shelf_.scoped_key, session_, lease->rule))
        return std::unexpected(Reason::scoped_token_missing);
    Secret const* const found = shelf_.credentials.find(lease->credential);
    if (found == nullptr) return std::unexpected(Reason::credential_unavailable);
    return found;
}

wire::Bytes EdgeFace::redeem(proto::Redeem const& wanted)
{
    proto::Redeemed redeemed;
    redeemed.request = wanted.request;
    auto const found = credential_for(wanted);
    if (!found) {
        redeemed.reason = found.error();
        return wire::encode(redeemed);
    }
    auto const secret = (*found)->bytes();
    std::string text(reinterpret_cast<char const*>(secret.data()), secret.size());
    redeemed.credential = std::move(text);
    auto body = wire::encode(redeemed);  // the credential is its last field: the bytes are not moved again
    text = std::move(redeemed.credential).take();
    wipe(std::as_writable_bytes(std::span(text)));
    return body;
}

}  // namespace ocu::custody

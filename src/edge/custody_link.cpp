// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/custody_link.h"

#include "base/log.h"

namespace ocu::edge {

void CustodyLink::connect(UniqueFd channel)
{
    lost();
    link_ = std::make_unique<wire::Link>(
        loop_, std::move(channel), wire::Link::Options{proto::kCustodyMaySendEdge, 1u << 20, wire::WipeSent::yes},
        [this](wire::Link::Frame frame) { hear(frame); }, [this](wire::Lost) { lost(); });
}

void CustodyLink::leaf(std::string_view host, LeafKey const& key, std::function<void(Result<std::string>)> then)
{
    if (!can_ask() || !wire::Text<253>::fits(host)) return refuse(std::move(then));
    last_ = RequestId{last_.value + 1};
    leaves_.emplace(last_, std::move(then));
    link_->send(proto::LeafWanted{last_, wire::Text<253>(host), key});
}

void CustodyLink::redeem(std::uint64_t lease, std::string_view token, std::function<void(proto::Redeemed&)> then)
{
    if (!can_ask() || !wire::Text<proto::kScopedTokenBytesMax>::fits(token)) return refuse(std::move(then));
    last_ = RequestId{last_.value + 1};
    credentials_.emplace(last_, std::move(then));
    link_->send(proto::Redeem{last_, lease, wire::Text<proto::kScopedTokenBytesMax>(token)});
}

void CustodyLink::prove(proto::ClientProofWanted wanted, std::function<void(proto::ClientProof const&)> then)
{
    if (!can_ask()) return refuse(std::move(then));
    last_ = RequestId{last_.value + 1};
    wanted.request = last_;
    proofs_.emplace(last_, std::move(then));
    link_->send(wanted);
}

void CustodyLink::hear(wire::Link::Frame const& frame)
{
    bool known = false;
    switch (static_cast<proto::Type>(frame.type)) {
    case proto::Type::leaf_made: known = leaf_made(frame.body); break;
    case proto::Type::redeemed: known = redeemed(frame.body); break;
    case proto::Type::client_proof: known = proved(frame.body); break;
    default: break;
    }
    if (!known) link_->violation();
}

bool CustodyLink::leaf_made(std::span<std::byte const> body)
{
    auto made = wire::decode<proto::LeafMade>(body);
    auto waiting = made ? leaves_.extract(made->request) : decltype(leaves_)::node_type();
    if (waiting.empty()) return false;
    if (made->good)
        waiting.mapped()(std::move(made->certificate).take());
    else
        waiting.mapped()(fail(Fault::denied, "custody signs no leaf for it"));
    return true;
}

bool CustodyLink::redeemed(std::span<std::byte const> body)
{
    auto message = wire::decode<proto::Redeemed>(body);
    auto waiting = message ? credentials_.extract(message->request) : decltype(credentials_)::node_type();
    if (waiting.empty()) return false;
    waiting.mapped()(*message);
    return true;
}

bool CustodyLink::proved(std::span<std::byte const> body)
{
    auto const message = wire::decode<proto::ClientProof>(body);
    auto waiting = message ? proofs_.extract(message->request) : decltype(proofs_)::node_type();
    if (waiting.empty()) return false;
    waiting.mapped()(*message);
    return true;
}

void CustodyLink::lost()
{
    // The link may be what calls this.
    if (link_) loop_.post([old = std::shared_ptr<wire::Link>(std::move(link_))] {});
    for (auto& [request, then] : std::exchange(leaves_, {})) refuse(std::move(then));
    for (auto& [request, then] : std::exchange(credentials_, {})) refuse(std::move(then));
    for (auto& [request, then] : std::exchange(proofs_, {})) refuse(std::move(then));
}

void CustodyLink::refuse(std::function<void(Result<std::string>)> then)
{
    loop_.post([then = std::move(then)] { then(fail(Fault::unavailable, "custody does not answer")); });
}

void CustodyLink::refuse(std::function<void(proto::Redeemed&)> then)
{
    loop_.post([then = std::move(then)] {
        proto::Redeemed none;
        none.reason = proto::Reason::credential_unavailable;
        then(none);
    });
}

void CustodyLink::refuse(std::function<void(proto::ClientProof const&)> then)
{
    loop_.post([then = std::move(then)] {
        proto::ClientProof none;
        none.reason = proto::Reason::credential_unavailable;
        then(none);
    });
}

}  // namespace ocu::edge

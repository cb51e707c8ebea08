// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// This session's channel to the process that holds keys and credentials (proto/edge_helper_to_custody_helper.h). While there is none, every
// question is answered with a refusal (EG-12). Threading: the loop's thread.

#include <memory>
#include <unordered_map>

#include "edge/exchange.h"
#include "wire/link.h"

namespace ocu::edge {

class CustodyLink final : public Custody {
public:
    static constexpr std::size_t kWaitingMax = 512;

    explicit CustodyLink(wire::Loop& loop) : loop_(loop) {}

    // Takes the place of the one before; what waited on that is answered with a refusal.
    void connect(UniqueFd channel);
    void leaf(std::string_view host, LeafKey const& key, std::function<void(Result<std::string>)> then) override;
    void redeem(std::uint64_t lease, std::string_view token, std::function<void(proto::Redeemed&)> then) override;
    void prove(proto::ClientProofWanted wanted, std::function<void(proto::ClientProof const&)> then) override;

private:
    void hear(wire::Link::Frame const& frame);
    bool leaf_made(std::span<std::byte const> body);
    bool redeemed(std::span<std::byte const> body);
    bool proved(std::span<std::byte const> body);
    void lost();
    bool can_ask() const { return link_ && leaves_.size() + credentials_.size() + proofs_.size() < kWaitingMax; }
    void refuse(std::function<void(Result<std::string>)> then);
    void refuse(std::function<void(proto::Redeemed&)> then);
    void refuse(std::function<void(proto::ClientProof const&)> then);

    wire::Loop& loop_;
    std::unique_ptr<wire::Link> link_;
    RequestId last_;
    std::unordered_map<RequestId, std::function<void(Result<std::string>)>> leaves_;
    std::unordered_map<RequestId, std::function<void(proto::Redeemed&)>> credentials_;
    std::unordered_map<RequestId, std::function<void(proto::ClientProof const&)>> proofs_;
};

}  // namespace ocu::edge

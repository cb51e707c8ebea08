// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/sink_channels.h"

#include "base/log.h"

namespace ocu::custody {

void SinkChannels::open(std::uint32_t sink, UniqueFd end)
{
    if (sink >= keys_.size()) return;
    auto const& keys = keys_[sink];
    auto& channel = channels_[sink];
    channel.link.reset();
    channel.number = ++last_;
    proto::SinkBegin begin;
    if (!keys.client.empty()) {
        auto const* const identity = credentials_.find_identity(keys.client.view());
        if (identity == nullptr || identity->chain_pem.size() > proto::kSinkChainBytesMax) return;
        begin.chain_pem = identity->chain_pem;
    }
    if (!keys.token.empty()) {
        auto const* const token = credentials_.find_sink_token(keys.token.view());
        if (token == nullptr) return;
        auto const bytes = token->bytes();
        begin.token = std::string(reinterpret_cast<char const*>(bytes.data()), bytes.size());
    }
    channel.link = std::make_unique<wire::Link>(
        loop_, std::move(end), wire::Link::Options{proto::kSinkMaySendCustody, 64u << 10, wire::WipeSent::yes},
        [this, sink](wire::Link::Frame frame) {
            if (!prove(sink, frame.body)) channels_[sink].link->violation();
        },
        [this, sink, number = channel.number](wire::Lost why) {
            if (why == wire::Lost::violation) log::warning("the process of a sink broke its grammar, and its channel was closed");
            // Not from within the link's own call; and one that was opened anew meanwhile is another one.
            loop_.post([this, sink, number] {
                if (channels_[sink].number == number) channels_[sink].link.reset();
            });
        });
    channel.link->send(begin);
    auto token = std::move(begin.token).take();
    wipe(std::as_writable_bytes(std::span(token)));
}

bool SinkChannels::prove(std::uint32_t sink, std::span<std::byte const> body)
{
    auto& channel = channels_[sink];
    auto const wanted = wire::decode<proto::SinkProofWanted>(body);
    auto const* const identity = credentials_.find_identity(keys_[sink].client.view());
    auto const now = clock_.now();
    while (!channel.proofs.empty() && now - channel.proofs.front() >= std::chrono::minutes(1)) channel.proofs.pop_front();
    if (!wanted || identity == nullptr || channel.proofs.size() >= proto::kSinkProofsPerMinuteMax) return false;
    channel.proofs.push_back(now);
    proto::SinkProof proof;
    if (auto const signature = crypto::sign_client_proof(*identity, std::as_bytes(std::span(wanted->handshake_hash.str()))))
        proof.signature = std::string(signature->begin(), signature->end());
    channel.link->send(proof);
    return true;
}

}  // namespace ocu::custody

// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/sink_custody.h"

#include "base/secret.h"

namespace ocu::audit {

SinkCustody::SinkCustody(wire::Loop& loop, UniqueFd channel, std::function<void()> ended, std::function<void()> begun)
    : tell_begun_(std::move(begun)), link_(std::make_unique<wire::Link>(
          loop, std::move(channel), wire::Link::Options{proto::kCustodyMaySendSink, 64u << 10},
          [this](wire::Link::Frame frame) { hear(frame); }, [ended = std::move(ended)](wire::Lost) { ended(); }))
{}

SinkCustody::~SinkCustody() { wipe(std::as_writable_bytes(std::span(token_))); }

void SinkCustody::hear(wire::Link::Frame const& frame)
{
    if (frame.type == static_cast<std::uint16_t>(proto::Type::sink_begin)) {
        auto begin = wire::decode<proto::SinkBegin>(frame.body);
        if (!begin || std::exchange(begun_, true)) return link_->violation();
        chain_pem_ = std::move(begin->chain_pem).take();
        token_ = std::move(begin->token).take();
        if (tell_begun_) tell_begun_();
        return;
    }
    auto const proof = wire::decode<proto::SinkProof>(frame.body);
    if (!proof || wanted_.empty()) return link_->violation();
    auto const then = std::move(wanted_.front());
    wanted_.pop_front();
    then(proof->signature.empty() ? std::nullopt : std::optional(proof->signature.str()));
}

wire::TlsClientIdentity SinkCustody::identity()
{
    return {chain_pem_, [weak = std::weak_ptr(self_)](std::string hash, Then then) {
                auto const self = weak.lock();
                if (!self) return;
                (*self)->wanted_.push_back(std::move(then));
                (*self)->link_->send(proto::SinkProofWanted{wire::Text<64>::cut(hash)});
            }};
}

}  // namespace ocu::audit

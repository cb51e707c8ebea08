// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/source_channels.h"

#include "base/log.h"

namespace ocu::custody {

using proto::SourceFailure;

namespace {

// What a failure may carry: no more than that it failed.
proto::SourceHeld failed(LeaseNumber lease, SourceFailure why, std::uint16_t status = 0)
{
    proto::SourceHeld held;
    held.lease = lease;
    held.failure = why;
    held.status = status;
    return held;
}

// Goes into the record: letters, digits, and what separates them (T-09).
bool is_word(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '=' && c != '"' && c != '\\'; });
}

}  // namespace

void SourceChannels::open(proto::OpenSourceChannel const& asked, UniqueFd end_of)
{
    if (channels_.size() >= kSourceChannelsMax || channels_.contains(asked.lease))
        return told_(failed(asked.lease, SourceFailure::over_limit));
    std::string chain;
    if (!asked.client.empty()) {
        auto const* const identity = credentials_.find_identity(asked.client.view());
        if (identity == nullptr || identity->chain_pem.size() > proto::kSourceChainBytesMax)
            return told_(failed(asked.lease, SourceFailure::tls));
        chain = identity->chain_pem;
    }
    auto& channel = *(channels_[asked.lease] = std::make_unique<Channel>());
    channel.asked = asked;
    channel.number = ++last_;
    channel.link = std::make_unique<wire::Link>(
        loop_, std::move(end_of), wire::Link::Options{proto::kSourceMaySendCustody, 64u << 10, wire::WipeSent::yes},
        [this, &channel](wire::Link::Frame frame) { hear(channel, frame); },
        [this, lease = asked.lease, number = channel.number](wire::Lost why) {
            if (why == wire::Lost::violation) log::warning("a process that asks a secret source broke its grammar, and was ended");
            loop_.post([this, lease, number] { end(lease, number, failed(lease, SourceFailure::lost)); });
        });
    channel.link->send(proto::SourceBegin{wire::Text<proto::kSourceChainBytesMax>(std::move(chain))});
}

void SourceChannels::close(SessionId session)
{
    std::erase_if(channels_, [session](auto const& each) { return each.second->asked.session == session; });
}

// Not from within the link's own call; and a channel that was opened anew meanwhile is another one.
void SourceChannels::end(LeaseNumber lease, std::uint64_t number, proto::SourceHeld held)
{
    auto const found = channels_.find(lease);
    if (found == channels_.end() || found->second->number != number) return;
    channels_.erase(found);
    told_(held);
}

void SourceChannels::hear(Channel& channel, wire::Link::Frame const& frame)
{
    bool const proof = frame.type == static_cast<std::uint16_t>(proto::Type::source_proof_wanted);
    if (!(proof ? prove(channel, frame.body) : answered(channel, frame.body))) channel.link->violation();
}

bool SourceChannels::prove(Channel& channel, std::span<std::byte const> body)
{
    auto const wanted = wire::decode<proto::SourceProofWanted>(body);
    auto const* const identity = credentials_.find_identity(channel.asked.client.view());
    if (!wanted || identity == nullptr || std::exchange(channel.proved, true)) return false;
    proto::SourceProof proof;
    if (auto const signature = crypto::sign_client_proof(*identity, std::as_bytes(std::span(wanted->handshake_hash.str()))))
        proof.signature = std::string(signature->begin(), signature->end());
    channel.link->send(proof);
    return true;
}

bool SourceChannels::answered(Channel& channel, std::span<std::byte const> body)
{
    auto answer = wire::decode<proto::SourceAnswered>(body);
    if (!answer) return false;
    bool const good = answer->failure == SourceFailure::none;
    // Its grammar is checked once more where it counts: it came from where a stranger's bytes are read.
    bool const sane = answer->value.empty() != good && is_word(answer->version.view()) && answer->expires_in.count() >= 0 &&
                      answer->expires_in <= proto::kSourceLifeMax && answer->status <= 999;
    auto const lease = channel.asked.lease;
    auto held = failed(lease, answer->failure, answer->status);
    if (good && sane) {
        held.expires_in = answer->expires_in;
        held.version = answer->version;
        // The thread says the exact end with the lease; without its word the value is gone when it could have ended at the latest.
        auto const ends = clock_.now() + std::min<std::chrono::seconds>(answer->expires_in, proto::kLeaseLifeMax);
        if (auto const kept = fetched_.keep(lease, channel.asked.session, answer->value.view(), ends); !kept)
            held = failed(lease, kept.error().fault == Fault::over_limit ? SourceFailure::over_limit : SourceFailure::lost);
    }
    auto value = std::move(answer->value).take();
    wipe(std::as_writable_bytes(std::span(value)));
    if (!sane) return false;
    loop_.post([this, lease, number = channel.number, held] { end(lease, number, held); });
    return true;
}

}  // namespace ocu::custody

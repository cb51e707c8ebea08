// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/edge_channels.h"

#include "base/log.h"
#include "custody/limits.h"

namespace ocu::custody {

namespace {

constexpr std::chrono::milliseconds kPace{1'000};

}  // namespace

void EdgeChannels::open(SessionId session, UniqueFd end)
{
    channels_.erase(session);
    if (channels_.size() >= kChannelsMax) return log::warning("too many channels of sessions: one was not opened");
    auto& channel = *(channels_[session] = std::make_unique<Channel>(session, shelf_));
    channel.number = ++last_;
    channel.link = std::make_unique<wire::Link>(
        loop_, std::move(end), wire::Link::Options{proto::kEdgeMaySendCustody, kChannelQueueBytesMax, wire::WipeSent::yes},
        [this, &channel](wire::Link::Frame frame) { hear(channel, frame); },
        [this, session, number = channel.number](wire::Lost why) {
            if (why != wire::Lost::closed) log::warning("a session's channel broke its grammar or does not read, and was ended");
            // Not from within the link's own call.
            loop_.post([this, session, number] { lost(session, number); });
        });
}

void EdgeChannels::lost(SessionId session, std::uint64_t number)
{
    auto const found = channels_.find(session);
    if (found != channels_.end() && found->second->number == number) channels_.erase(found);
}

void EdgeChannels::hear(Channel& channel, wire::Link::Frame const& frame)
{
    auto const now = shelf_.clock.now();
    if (now - channel.second >= kPace) {
        channel.second = now;
        channel.asks = 0;
    }
    if (++channel.asks >= kAsksPerSecondMax) {
        channel.link->pause_reading();
        channel.pause = loop_.after(
            std::chrono::ceil<std::chrono::milliseconds>(channel.second + kPace - now), [&channel] { channel.link->resume_reading(); });
    }
    auto answer = channel.face.answer(frame.type, frame.body);
    if (!answer) return channel.link->violation();
    channel.link->send_frame(static_cast<std::uint16_t>(answer->type), std::move(answer->body));
}

}  // namespace ocu::custody

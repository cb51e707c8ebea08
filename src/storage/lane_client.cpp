// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/lane_client.h"

#include <fcntl.h>

#include <algorithm>

#include "base/clock.h"
#include "helper/frame.h"
#include "proto/broker_to_storage_lane.h"

namespace ocu::storage {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kBodyBytesMax = 64;

bool make_blocking(int fd)
{
    int const flags = ::fcntl(fd, F_GETFL);
    return flags >= 0 && ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
}

// The descriptor of an answer to that question, if it is one.
UniqueFd opened(helper::RawFrame& frame, RequestId request)
{
    if (frame.type != static_cast<std::uint16_t>(proto::Type::lane_opened) || frame.descriptors.size() != 1) return {};
    auto const answer = wire::decode<proto::LaneOpened>(frame.body);
    if (!answer || answer->request != request || !make_blocking(frame.descriptors[0].get())) return {};
    return std::move(frame.descriptors[0]);
}

bool is_refusal(helper::RawFrame const& frame, RequestId request)
{
    if (frame.type != static_cast<std::uint16_t>(proto::Type::lane_failed) || !frame.descriptors.empty()) return false;
    auto const answer = wire::decode<proto::LaneFailed>(frame.body);
    return answer && answer->request == request;
}

}  // namespace

// Those that came before the newest one are of lanes that have ended.
void LaneClient::take_newest(milliseconds wait)
{
    for (;;) {
        auto frame = helper::read_frame(supply_.get(), kBodyBytesMax, wait);
        if (!frame || frame->type != static_cast<std::uint16_t>(proto::Type::lane_channel) || frame->descriptors.size() != 1) return;
        channel_ = std::move(frame->descriptors[0]);
        wait = milliseconds(0);
    }
}

// Nothing on success of neither kind: the channel is of no use any more.
Answer<UniqueFd> LaneClient::ask(milliseconds wait)
{
    proto::LaneConnect const question{RequestId{++requests_}};
    bool const sent =
        helper::write_frame(channel_.get(), static_cast<std::uint16_t>(proto::Type::lane_connect), wire::encode(question), {}).has_value();
    auto frame = sent ? helper::read_frame(channel_.get(), kBodyBytesMax, wait)
                      : Result<helper::RawFrame>(fail(Fault::unavailable, "the lane has ended"));
    if (frame) {
        if (auto stream = opened(*frame, question.request)) return stream;
        if (is_refusal(*frame, question.request)) return refuse(EIO);
    }
    channel_.reset();
    return refuse(EPIPE);
}

Answer<UniqueFd> LaneClient::connect()
{
    SystemClock const clock;
    auto const deadline = clock.now() + patience_;
    for (;;) {
        auto const left = std::max(std::chrono::ceil<milliseconds>(deadline - clock.now()), milliseconds(0));
        take_newest(channel_ || in_vain_ ? milliseconds(0) : left);
        in_vain_ = !channel_;
        if (in_vain_) return refuse(EIO);
        auto stream = ask(std::max(left, milliseconds(1)));
        if (stream || stream.error() != EPIPE) return stream;
    }
}

}  // namespace ocu::storage

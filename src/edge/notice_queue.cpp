// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/notice_queue.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace ocu::edge {

std::optional<Notice> NoticeQueue::add(Notice notice)
{
    notices_.push_back(std::move(notice));
    if (notices_.size() <= kNoticesMax) return {};
    auto const oldest = notices_.begin() + (busy_ ? 1 : 0);
    Notice gone = std::move(*oldest);
    notices_.erase(oldest);
    return gone;
}

Notice const* NoticeQueue::begin(Monotonic now)
{
    if (busy_ || notices_.empty() || now < next_) return nullptr;
    busy_ = true;
    ++notices_.front().attempts;
    return &notices_.front();
}

std::optional<std::chrono::milliseconds> NoticeQueue::wait(Monotonic now) const
{
    if (busy_ || notices_.empty()) return {};
    return std::max(std::chrono::ceil<std::chrono::milliseconds>(next_ - now), std::chrono::milliseconds(0));
}

std::optional<Notice> NoticeQueue::settle(Came came, Monotonic now)
{
    OCU_ASSERT(busy_);
    busy_ = false;
    if (came != Came::to_nothing) {
        failures_ = 0;
        next_ = now;
        return take();
    }
    next_ = now + pause();
    if (now - notices_.front().made < kNoticeLife) return {};
    return take();
}

// Between half and the whole of what has doubled: many machines that lost one receiver do not come back to it at once.
std::chrono::milliseconds NoticeQueue::pause()
{
    auto whole = kNoticePauseMin;
    for (unsigned i = 0; i < failures_ && whole < kNoticePauseMax; ++i) whole *= 2;
    ++failures_;
    whole = std::min(whole, kNoticePauseMax);
    auto const half = whole / 2;
    return half + std::chrono::milliseconds(random_() % static_cast<std::uint64_t>(half.count() + 1));
}

Notice NoticeQueue::take()
{
    Notice out = std::move(notices_.front());
    notices_.pop_front();
    return out;
}

}  // namespace ocu::edge

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Notices that wait to be delivered, in order, one at a time, and when the next attempt is due (EG-10). Bounded: when it is full the oldest that
// is not being delivered goes. Pure; time and chance come in.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/id.h"

namespace ocu::edge {

inline constexpr std::size_t kNoticesMax = 64;
inline constexpr std::chrono::milliseconds kNoticePauseMin{1'000};  // after a failure, doubled with each
inline constexpr std::chrono::milliseconds kNoticePauseMax{300'000};
inline constexpr std::chrono::hours kNoticeLife{24};  // then it is given up

static_assert(kNoticePauseMin < kNoticePauseMax && kNoticePauseMax < kNoticeLife);

struct Notice {
    std::string id;
    std::uint64_t number = 0;
    SessionId session;
    std::string body;
    Monotonic made{};
    unsigned attempts = 0;
};

class NoticeQueue {
public:
    enum class Came { to_delivery, to_refusal, to_nothing };  // to_nothing: nobody was there, or could not take it now

    explicit NoticeQueue(std::function<std::uint64_t()> random) : random_(std::move(random)) {}

    // What had to go for it.
    std::optional<Notice> add(Notice notice);
    // The one that is to be tried now; it is being delivered until settle(). Null: none, or not yet, or one is.
    Notice const* begin(Monotonic now);
    // How long until one is due; nothing: none waits, or one is being delivered.
    std::optional<std::chrono::milliseconds> wait(Monotonic now) const;
    // The notice, if it is done with: delivered, refused, or too old to be tried again.
    std::optional<Notice> settle(Came came, Monotonic now);
    // Nothing is waited for any more: something changed that makes another attempt worth while.
    void hurry(Monotonic now) { next_ = std::min(next_, now); }

    Notice const* current() const { return busy_ ? &notices_.front() : nullptr; }
    std::size_t size() const { return notices_.size(); }

private:
    std::chrono::milliseconds pause();
    Notice take();

    std::function<std::uint64_t()> random_;
    std::deque<Notice> notices_;
    Monotonic next_{};
    unsigned failures_ = 0;  // since somebody was there
    bool busy_ = false;
};

}  // namespace ocu::edge

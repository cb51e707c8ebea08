// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Waiting for one descriptor until a moment. For a process that does one thing at a time.

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace ocu::clock {

class Deadline {
public:
    explicit Deadline(std::chrono::milliseconds wait) : ends_(std::chrono::steady_clock::now() + wait) {}

    // False when the moment has come first, or the descriptor cannot be waited for.
    bool wait_for(int fd, short events) const
    {
        for (;;) {
            auto const left = std::chrono::ceil<std::chrono::milliseconds>(ends_ - std::chrono::steady_clock::now()).count();
            if (left <= 0) return false;
            pollfd entry{fd, events, 0};
            int const ready = ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
            if (ready > 0) return true;
            if (ready < 0 && errno != EINTR) return false;
        }
    }

private:
    std::chrono::steady_clock::time_point ends_;
};

}  // namespace ocu::clock

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Bytes both ways between a guest and its upstream, unseen. What one side does not take is held, at most kSpliceBytesMax in each direction,
// and the other side is not read meanwhile. The end of one direction is passed on and leaves the other open; a reset is passed on as one.
// Threading: the loop's thread.

#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "wire/loop.h"

namespace ocu::edge {

class Splice {
public:
    // Both non-blocking. `already`: what was read from the guest, at most kSpliceBytesMax. `ended` is called once, by the loop and never from
    // within a call, unless this goes first; it may destroy this.
    Splice(wire::Loop& loop, Clock const& clock, UniqueFd guest, std::string already, UniqueFd upstream, std::function<void()> ended);
    Splice(Splice const&) = delete;
    Splice& operator=(Splice const&) = delete;

    // Both sides see a reset. `ended` follows.
    void cut();
    std::uint64_t bytes_up() const { return up_.bytes; }
    std::uint64_t bytes_down() const { return down_.bytes; }
    Monotonic last_moved() const { return last_moved_; }

private:
    struct Way {
        int from = -1;
        int to = -1;
        wire::Readiness* source = nullptr;
        wire::Readiness* sink = nullptr;
        std::string held{};
        std::size_t sent = 0;      // of what is held
        std::uint64_t bytes = 0;
        bool ended = false;        // `from` has no more
        bool passed_on = false;    // and `to` knows
    };

    void pump(Way& way);
    bool flush(Way& way);
    bool move_some(Way& way);
    std::size_t send_some(Way& way, std::string_view bytes);
    void finish();

    wire::Loop& loop_;
    Clock const& clock_;
    UniqueFd guest_;
    UniqueFd upstream_;
    std::function<void()> ended_;
    Way up_;
    Way down_;
    wire::Readiness guest_ready_;
    wire::Readiness upstream_ready_;
    Monotonic last_moved_;
    bool finished_ = false;
    wire::Watch last_word_;
};

}  // namespace ocu::edge

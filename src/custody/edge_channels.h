// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The channels of all sessions, each with its own link, queue and pace. One that breaks the grammar ends alone: custody goes on for the
// others (T-23). Threading: the loop's thread.

#include <map>
#include <memory>

#include "custody/edge_face.h"
#include "wire/link.h"
#include "wire/loop.h"

namespace ocu::custody {

class EdgeChannels {
public:
    EdgeChannels(wire::Loop& loop, Shelf const& shelf) : loop_(loop), shelf_(shelf) {}

    // A new one closes the session's old one. Beyond kChannelsMax it is closed at once.
    void open(SessionId session, UniqueFd end);
    void close(SessionId session) { channels_.erase(session); }
    std::size_t size() const { return channels_.size(); }

private:
    struct Channel {
        Channel(SessionId session, Shelf const& shelf) : face(session, shelf) {}
        EdgeFace face;
        std::uint64_t number = 0;
        std::size_t asks = 0;  // since `second` began
        Monotonic second{};
        wire::Watch pause;     // until the second is over
        std::unique_ptr<wire::Link> link;
    };

    void hear(Channel& channel, wire::Link::Frame const& frame);
    void lost(SessionId session, std::uint64_t number);

    wire::Loop& loop_;
    Shelf const& shelf_;
    std::uint64_t last_ = 0;
    std::map<SessionId, std::unique_ptr<Channel>> channels_;
};

}  // namespace ocu::custody

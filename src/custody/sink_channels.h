// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Custody's ends of the channels to the processes of sinks, one for each sink at a time (proto/sink_helper_to_custody_helper.h). Such a process reads what a
// stranger's server answers: it has this sink's token, can have handshakes signed with this sink's certificate, and nothing else (T-36).
// Threading: the loop's thread.

#include <array>
#include <deque>
#include <memory>

#include "base/clock.h"
#include "custody/credentials.h"
#include "proto/sink_helper_to_custody_helper.h"
#include "wire/link.h"
#include "wire/loop.h"

namespace ocu::custody {

class SinkChannels {
public:
    SinkChannels(wire::Loop& loop, Clock const& clock, Credentials const& credentials, std::vector<proto::SinkKeys> keys)
        : loop_(loop), clock_(clock), credentials_(credentials), keys_(std::move(keys))
    {}

    // One that was open for the same sink ends. Without a key to give, `end` is closed, and the process there with it.
    void open(std::uint32_t sink, UniqueFd end);

private:
    struct Channel {
        std::unique_ptr<wire::Link> link;
        std::uint64_t number = 0;
        std::deque<Monotonic> proofs;  // within the last minute
    };

    bool prove(std::uint32_t sink, std::span<std::byte const> body);

    wire::Loop& loop_;
    Clock const& clock_;
    Credentials const& credentials_;
    std::vector<proto::SinkKeys> keys_;
    std::array<Channel, proto::kSinkPlacesMax> channels_;
    std::uint64_t last_ = 0;
};

}  // namespace ocu::custody

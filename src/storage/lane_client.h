// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How a process that works in a store elsewhere gets connections to it: it asks the storage lane, on a channel, and says not where to (T-31). Channels
// come over the supply that it was started with; the newest one counts, and when one has ended the next is waited for, so that an operation
// outlives a lane that begins anew. Blocking, for the one thread of such a process: proto/broker_to_storage_lane.h is what is spoken.

#include <chrono>

#include "base/id.h"
#include "base/unique_fd.h"
#include "storage/answer.h"

namespace ocu::storage {

class LaneClient {
public:
    // How long one connect() may take, whatever the lane does.
    explicit LaneClient(UniqueFd supply, std::chrono::milliseconds patience) : supply_(std::move(supply)), patience_(patience) {}
    LaneClient(LaneClient&&) = default;
    LaneClient& operator=(LaneClient&&) = default;

    // A stream, blocking, the caller's. EIO: there is none to be had now; asking again may help.
    Answer<UniqueFd> connect();

private:
    void take_newest(std::chrono::milliseconds wait);
    Answer<UniqueFd> ask(std::chrono::milliseconds wait);

    UniqueFd supply_;
    UniqueFd channel_;
    std::chrono::milliseconds patience_;
    std::uint64_t requests_ = 0;
    bool in_vain_ =
        false;  // a whole patience was spent: until there is a channel again nobody waits (a guest's operation has many of them)
};

}  // namespace ocu::storage

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Brokers and sweepers have a supply each, over which they get channels to the storage lane: one when they start, and one whenever the lane has
// begun anew. The thread makes each channel, gives one end to the edge's thread and one to the process, and keeps none (T-31).
// Threading: the loop's thread.

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "proto/storage_to_edge.h"
#include "wire/link.h"

namespace ocu::storage {

class LaneSupplies {
public:
    // Both outlive this.
    LaneSupplies(wire::Loop& loop, proto::StorageToEdge& edge) : loop_(loop), edge_(edge) {}

    // The process's end of a new supply, with a first channel on its way. `violated`: it said something on it. Errors: os, conflict.
    Result<UniqueFd> begin(SessionId session, proto::LaneUse use, std::function<void()> violated);
    void end(SessionId session, proto::LaneUse use);
    void lane_up();

private:
    struct Supply {
        std::unique_ptr<wire::Link> link;
        proto::LaneId lane;
    };
    using Key = std::pair<SessionId, proto::LaneUse>;

    void give_channel(Key const& key, Supply& supply);

    wire::Loop& loop_;
    proto::StorageToEdge& edge_;
    std::map<Key, Supply> supplies_;
    std::uint64_t lanes_ = 0;
};

}  // namespace ocu::storage

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Does for a session's tree what no request asks for: appends what waits too long, keeps the store's house, and says when the store is damaged.
// Threading: the loop's.

#include "base/clock.h"
#include "storage/session_tree.h"
#include "wire/loop.h"

namespace ocu::storage {

class TreeKeeper {
public:
    // All outlive this. `damaged` is called at most once in kDamageReportsApart.
    TreeKeeper(wire::Loop& loop, Clock const& clock, SessionTree& tree, std::function<void()> damaged,
        std::chrono::milliseconds settle_time = kSettleTime);
    ~TreeKeeper();
    TreeKeeper(TreeKeeper const&) = delete;
    TreeKeeper& operator=(TreeKeeper const&) = delete;

private:
    void settle();
    void keep_house(std::size_t steps);
    void report();

    wire::Loop& loop_;
    Clock const& clock_;
    SessionTree& tree_;
    std::function<void()> damaged_;
    std::chrono::milliseconds settle_time_;
    std::optional<Monotonic> reported_;
    wire::Watch settling_;
    wire::Watch housekeeping_;
};

}  // namespace ocu::storage

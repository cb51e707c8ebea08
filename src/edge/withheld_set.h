// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What this session's helper knows of contents that may not leave (T-33), as the thread has told it, and how much of requests' bodies may be
// held back at once while it is not known whether they are one of them. Threading: the loop's thread.

#include <algorithm>
#include <set>

#include "edge/limits.h"
#include "proto/withheld.h"

namespace ocu::edge {

class WithheldSet {
public:
    using Content = proto::WithheldContent;

    void change(proto::WithheldChange const& change)
    {
        for (auto const& each : change.less.items()) contents_.erase(each);
        for (auto const& each : change.more.items()) contents_.insert(each);
        overflow_ = overflow_ || change.overflow;
    }

    bool any() const { return !contents_.empty() || overflow_; }
    // There are more than can be told: every body is refused.
    bool overflow() const { return overflow_; }
    bool contains(Content const& content) const { return contents_.contains(content); }
    bool has_size(std::uint64_t size) const
    {
        auto const at = contents_.lower_bound(Content{size, {}});
        return at != contents_.end() && at->size == size;
    }

    // How much of one body may be held: as much as is wanted, less when many are. To be given back.
    std::size_t take_hold(std::size_t wanted)
    {
        auto const left = kHeldBytesMax - std::min(held_, kHeldBytesMax);
        auto const out = std::max(kHoldBytesLeast, std::min(wanted, left));
        held_ += out;
        return out;
    }
    void give_hold(std::size_t bytes) { held_ -= bytes; }

private:
    std::set<Content> contents_;  // by size first
    bool overflow_ = false;
    std::size_t held_ = 0;
};

}  // namespace ocu::edge

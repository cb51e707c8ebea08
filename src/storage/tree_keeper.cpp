// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/tree_keeper.h"

namespace ocu::storage {

namespace {

// One turn's housekeeping when so much was written that it cannot wait for a quiet moment: as much as was written.
constexpr std::size_t kUrgentSteps = kHouseEveryBytes >> 20;

}  // namespace

TreeKeeper::TreeKeeper(
    wire::Loop& loop, Clock const& clock, SessionTree& tree, std::function<void()> damaged, std::chrono::milliseconds settle_time)
    : loop_(loop), clock_(clock), tree_(tree), damaged_(std::move(damaged)), settle_time_(settle_time)
{
    tree_.on_unsettled([this] { settling_ = loop_.after(settle_time_, [this] { settle(); }); });
    tree_.on_house_due([this] { housekeeping_ = loop_.after({}, [this] { keep_house(kUrgentSteps); }); });
    tree_.on_damage([this] { report(); });
}

TreeKeeper::~TreeKeeper()
{
    tree_.on_unsettled({});
    tree_.on_house_due({});
    tree_.on_damage({});
}

void TreeKeeper::settle()
{
    // The store takes nothing now: it waits on, and whoever closes or syncs is told.
    if (!tree_.settle()) {
        settling_ = loop_.after(settle_time_, [this] { settle(); });
        return;
    }
    housekeeping_ = loop_.after({}, [this] { keep_house(1); });
}

void TreeKeeper::keep_house(std::size_t steps)
{
    for (; steps > 0; --steps) {
        auto const more = tree_.keep_house();
        if (!more || !*more) return;
    }
    housekeeping_ = loop_.after(kHousePause, [this] { keep_house(1); });
}

void TreeKeeper::report()
{
    auto const now = clock_.now();
    if (reported_ && now - *reported_ < kDamageReportsApart) return;
    reported_ = now;
    damaged_();
}

}  // namespace ocu::storage

// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/lane_supplies.h"

#include "base/log.h"

namespace ocu::storage {

namespace {

constexpr std::size_t kQueueBytesMax = 4u << 10;  // hundreds of channels that nobody took

}  // namespace

Result<UniqueFd> LaneSupplies::begin(SessionId session, proto::LaneUse use, std::function<void()> violated)
{
    Key const key{session, use};
    if (supplies_.contains(key)) return fail(Fault::conflict, "a supply is there already");
    auto pair = OCU_TRY(make_socket_pair());
    Supply& supply = supplies_[key];
    supply.link = std::make_unique<wire::Link>(
        loop_, std::move(pair.ours), wire::Link::Options{proto::kSuppliedMaySend, kQueueBytesMax}, [](wire::Link::Frame) {},
        [violated = std::move(violated)](wire::Lost why) {
            if (why == wire::Lost::violation) violated();
        });
    give_channel(key, supply);
    return std::move(pair.theirs);
}

void LaneSupplies::give_channel(Key const& key, Supply& supply)
{
    auto pair = make_socket_pair();
    if (!pair) return log::failure("no channel to the storage lane can be made", pair.error());
    if (supply.lane) edge_.send(proto::StoreLaneOver{supply.lane});
    supply.lane = proto::LaneId{++lanes_};
    edge_.send(proto::StoreLaneWanted{supply.lane, key.first, key.second, std::move(pair->ours)});
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(pair->theirs));
    supply.link->send(proto::LaneChannel{}, std::move(descriptors));
}

void LaneSupplies::end(SessionId session, proto::LaneUse use)
{
    auto const found = supplies_.find({session, use});
    if (found == supplies_.end()) return;
    edge_.send(proto::StoreLaneOver{found->second.lane});
    supplies_.erase(found);
}

void LaneSupplies::lane_up()
{
    for (auto& [key, supply] : supplies_) give_channel(key, supply);
}

}  // namespace ocu::storage

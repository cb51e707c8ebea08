// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/profiles/storage_lane.h"
#include "edge/dial_socket.h"
#include "edge/helpers.h"
#include "edge/store_lane.h"

namespace ocu::edge {

namespace {

class Server {
public:
    Server(wire::Loop& loop, StorePlaces store, StorePlaces cold, UniqueFd link)
        : loop_(loop), link_(
                           loop, std::move(link), {proto::kEdgeToStorageLane, kQueueBytesMax},
                           [this](wire::Link::Frame frame) { serve(frame); }, [this](wire::Lost) { loop_.stop(); }),
          lane_(loop, clock_, std::move(store),
              {[this](proto::LaneConnection const& report) { link_.send(report); },
                  [this](proto::LaneId lane) { link_.send(proto::LaneGone{lane}); }, begin_connection, is_own},
              std::move(cold))
    {
        keep_ticking();
    }

private:
    static constexpr std::size_t kQueueBytesMax = 1u << 20;

    void serve(wire::Link::Frame& frame)
    {
        if (frame.type == static_cast<std::uint16_t>(proto::Type::lane_open)) {
            auto const asked = wire::decode<proto::LaneOpen>(frame.body);
            if (!asked) return link_.violation();
            // Who waits at the other end sees that it is closed.
            if (!lane_.open(asked->lane, std::move(frame.descriptors.front()), asked->cold)) link_.send(proto::LaneGone{asked->lane});
            return;
        }
        auto const asked = wire::decode<proto::LaneClose>(frame.body);
        asked ? lane_.close(asked->lane) : link_.violation();
    }

    void keep_ticking()
    {
        tick_ = loop_.after(kLaneTick, [this] {
            lane_.tick();
            keep_ticking();
        });
    }

    wire::Loop& loop_;
    SystemClock clock_;
    wire::Link link_;
    StoreLane lane_;
    wire::Watch tick_;
};

// Of each connection two sockets and what watches them, of each channel one; what is being connected has no pair yet.
static_assert(6 * kLaneConnectionsMax + 3 * kLanesMax + 64 <= profiles::kStorageLane.open_files_max);

Result<StorePlaces> places_of(proto::LaneDestinations const& told)
{
    StorePlaces out{{}, told.port, told.own_addresses};
    for (auto const& each : told.addresses.items()) out.addresses.push_back(OCU_TRY(parse_address(each.view())));
    if (!out.addresses.empty() && out.port == 0) return fail(Fault::malformed, "a destination without a port");
    return out;
}

}  // namespace

Result<void> storage_lane_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::StorageLaneConfig>());
    auto store = OCU_TRY(places_of(config.store));
    auto cold = OCU_TRY(places_of(config.cold));
    auto const count = static_cast<std::uint32_t>(store.addresses.size() + cold.addresses.size());
    auto const& profile = count == 0 ? profiles::kIdleStorageLane : profiles::kStorageLane;
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profile));
    OCU_CHECK(helper.confine(profile));
    auto link = OCU_TRY(helper.report_ready(wire::encode(proto::StorageLaneReport{count})));
    wire::Loop loop;
    Server const server(loop, std::move(store), std::move(cold), std::move(link));
    loop.run();
    return {};
}

}  // namespace ocu::edge

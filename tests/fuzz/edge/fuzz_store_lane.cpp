// SPDX-License-Identifier: GPL-3.0-or-later
// What a broker that was taken over puts on its channel to the storage lane, byte for byte. Whatever it is: nothing is dialled but the declared
// address, no more often than there are whole questions in it, and a broken channel ends.

#include <sys/socket.h>

#include <cstdlib>

#include "edge/store_lane.h"
#include "support/loop_turns.h"

namespace {

using namespace ocu;

template <class Message>
void check(std::span<std::byte const> bytes)
{
    auto const message = wire::decode<Message>(bytes);
    if (message && !std::ranges::equal(wire::encode(*message), bytes)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    auto const bytes = std::as_bytes(std::span(data, size));
    check<proto::LaneConnect>(bytes);
    check<proto::LaneConnection>(bytes);
    check<proto::LaneFailed>(bytes);
    if (size > 4096) return 0;
    wire::Loop loop;
    ManualClock const clock;
    std::size_t dials = 0;
    auto const only = edge::parse_address("10.0.0.1").value();
    edge::StoreLane lane(loop, clock, {{only}, 9000, false},
        {[](proto::LaneConnection const& report) {
             if (report.place != 0 || report.deed != proto::LaneDeed::failed) std::abort();
         },
            [](proto::LaneId) {},
            [&](edge::Address const& address, std::uint16_t port) {
                if (address != only || port != 9000) std::abort();
                ++dials;
                return UniqueFd();
            },
            [](edge::Address const&) { return false; }});
    auto pair = make_socket_pair().value();
    if (!lane.open(proto::LaneId{1}, std::move(pair.theirs))) std::abort();
    (void)::send(pair.ours.get(), data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    test::turn_loop(loop, 8);
    if (dials > size / 16 || dials > edge::kLaneConnectsBurst) std::abort();
    return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The thread's side of the way to a store elsewhere: which channel is whose, and what goes on record of it (F9, T-31). It passes the storage
// thread's channels on to `storage-lane`, and no byte. Threading: the loop's thread.

#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "edge/store_endpoint.h"
#include "helper/spawner.h"
#include "proto/any_to_audit.h"
#include "proto/ask_edge.h"
#include "proto/audit_to_edge.h"
#include "proto/core_to_role.h"
#include "proto/storage_to_edge.h"
#include "wire/link.h"

namespace ocu::edge {

class StoreDesk {
public:
    struct Wires {
        proto::EdgeToStorage& storage;
        proto::EdgeToControl& control;
        proto::Recorder& recorder;
        helper::Spawner& spawner;
    };

    // All that is given outlives this. Tells control at once how the store of session files stands; of the cold tier audit does. `cold`: without
    // addresses there is none.
    StoreDesk(wire::Loop& loop, Clock const& clock, StoreEndpoint endpoint, StoreEndpoint cold, Wires wires);
    ~StoreDesk();

    void helper_up(proto::HelperUp up);
    void helper_down();
    void wanted(proto::StoreLaneWanted wanted);
    // Audit's, for the cold tier (T-43).
    void cold_wanted(proto::ColdLaneWanted wanted);
    void over(proto::LaneId lane);
    // Its channel for serving is closed; what sweeps after it goes on.
    void severed(SessionId session);
    void stop();

private:
    struct Lane {
        SessionId session;
        proto::LaneUse use{};
        std::map<ConnectionId, std::uint8_t> open;  // and which address
    };

    void said(wire::Link::Frame const& frame);
    bool hear(proto::LaneConnection const& report);
    bool hear_failure(Lane const& lane, proto::LaneConnection const& report);
    void note(Lane const& lane, proto::LaneConnection const& report, std::string_view why);
    void tell(proto::StoreHealth health);
    StoreEndpoint const& endpoint_of(proto::LaneUse use) const { return use == proto::LaneUse::cold ? cold_ : endpoint_; }

    wire::Loop& loop_;
    Clock const& clock_;
    StoreEndpoint endpoint_;
    StoreEndpoint cold_;
    Wires wires_;
    std::unique_ptr<wire::Link> link_;
    std::map<proto::LaneId, Lane> lanes_;
    proto::StoreHealth health_ = proto::StoreHealth::none;
    ConnectionId last_connection_;
    proto::LaneId last_cold_;  // audit numbers none
};

}  // namespace ocu::edge

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The thread's side of a store elsewhere: what a session's broker is given for it, and that what a session leaves there is removed. Removal is the
// work of `sweeper`, one at a time; a store that is down is tried again, and nothing waits for it but the removal itself (SX-6): what lies there
// cannot be opened any more. No credential and no byte of a file passes here. Threading: the loop's thread.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "helper/spawner.h"
#include "proto/any_to_audit.h"
#include "proto/storage_to_custody.h"
#include "proto/store_place.h"
#include "proto/sweeper_to_storage.h"
#include "storage/lane_supplies.h"
#include "storage/run_markers.h"
#include "storage/sweep_queue.h"

namespace ocu::storage {

class RemoteStore {
public:
    struct Wires {
        proto::StorageToEdge& edge;
        proto::StorageToCustody& custody;
        proto::Recorder& recorder;
        helper::Spawner& spawner;
    };
    struct Equipment {
        proto::StorePlace place;
        UniqueFd supply;
        UniqueFd credential;
    };

    // `place`: the appliance's, with its own prefix. `store`: STATE/store. What is given by reference outlives this.
    RemoteStore(wire::Loop& loop, Clock const& clock, S3Place place, UniqueFd store, Wires wires);
    ~RemoteStore();

    // Marks this run, and queues what earlier ones left. Errors: os; then no session can be served, because nothing would remember to sweep after it.
    Result<void> begin();
    // For one session's broker. `violated`: it broke the rules of its supply. Errors: os, conflict, unavailable (begin() failed).
    Result<Equipment> equip(SessionId session, std::function<void()> violated);
    // Its broker has ended: the lane is closed, and its objects go, later and by themselves.
    void session_over(SessionId session);
    void lane_up() { supplies_.lane_up(); }
    // Starts the sweep that is due, if none is under way. The loop's timer does it by itself.
    void tick();
    // What is left goes in one sweep of the whole run; `done` when nothing is under way any more. If it fails, the next start goes on.
    void stop(std::function<void()> done);

private:
    struct Running {
        Sweep sweep;
        helper::Child child;
        std::unique_ptr<wire::Link> link;
        wire::Watch deadline;
        bool ready = false;
    };

    void plan();
    Result<void> start(Sweep const& sweep);
    Result<UniqueFd> credential_for(SessionId session);
    proto::StorePlace place_under(std::string const& prefix) const;
    void sweeper_said(wire::Link::Frame const& frame);
    void finish(std::optional<proto::SweepDone> const& done);
    void note(Sweep const& sweep, std::optional<proto::SweepDone> const& done, std::string_view why);

    wire::Loop& loop_;
    Clock const& clock_;
    S3Place place_;
    UniqueFd store_;
    Wires wires_;
    LaneSupplies supplies_;
    SweepQueue queue_;
    std::string marker_;  // empty: this run is not marked
    std::unique_ptr<Running> running_;
    wire::Watch next_;
    std::function<void()> stopped_;
    bool stopping_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // owners: this; tasks on the loop hold it weakly
};

}  // namespace ocu::storage

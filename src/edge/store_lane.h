// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The way to a store elsewhere, as `storage-lane` keeps it (F9, T-31): channels, on each of which one process may ask for connections, and what goes
// through these, unseen. Where they lead is the configuration's alone: of its addresses the one that answered last is tried first, then the
// others. Who asks learns whether there is a connection, or why not, and nothing of where it leads; what goes through is TLS of others, or in the
// clear where the manifest says so, and is neither read nor ended here. A channel has a ceiling of connections, being made and open, and of
// asking; an end of the channel, or of its session, ends them all at once. Threading: the loop's thread.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "edge/address.h"
#include "edge/limits.h"
#include "edge/splice.h"
#include "proto/storage_lane_to_edge.h"
#include "wire/link.h"

namespace ocu::edge {

struct StorePlaces {
    std::vector<Address> addresses;
    std::uint16_t port = 0;
    bool own_addresses = false;
};

class StoreLane {
public:
    struct Calls {
        std::function<void(proto::LaneConnection const&)> report;
        std::function<void(proto::LaneId)> gone;  // last: nothing more is reported of it
        std::function<UniqueFd(Address const&, std::uint16_t)> begin;  // as begin_connection()
        std::function<bool(Address const&)> is_own;  // as edge::is_own()
    };

    // `loop` and `clock` outlive this. `cold`: where channels of the cold tier lead, and no other (T-43).
    StoreLane(wire::Loop& loop, Clock const& clock, StorePlaces places, Calls calls, StorePlaces cold = {});
    ~StoreLane();
    StoreLane(StoreLane const&) = delete;
    StoreLane& operator=(StoreLane const&) = delete;

    // Errors: conflict (there is one of that number), over_limit; `channel` is closed then, which tells its other end.
    Result<void> open(proto::LaneId lane, UniqueFd channel, bool cold = false);
    // Ignored for one that is not there: its end crossed this.
    void close(proto::LaneId lane);
    // What has waited too long ends. By the owner, each kLaneTick.
    void tick();

private:
    struct Store {
        StorePlaces places;
        std::size_t preferred = 0;  // index of the address that answered last
    };
    struct Connection {
        RequestId request;
        Monotonic began;
        Monotonic address_deadline;
        std::size_t place = 0;
        std::size_t tried = 0;
        proto::LaneFailure failure = proto::LaneFailure::unreachable;
        UniqueFd socket;  // while it is being connected
        wire::Watch connected;
        ConnectionId number;  // once it is
        std::unique_ptr<Splice> splice;
    };
    using Connections = std::map<std::uint64_t, std::unique_ptr<Connection>>;  // by a serial of ours
    struct Channel {
        std::unique_ptr<wire::Link> link;
        Store* store = nullptr;
        Connections connections;
        double allowance = kLaneConnectsBurst;
        Monotonic refilled;
        std::uint32_t refused = 0;  // not reported yet
    };

    void said(proto::LaneId lane, wire::Link::Frame const& frame);
    void connect(proto::LaneId lane, Channel& channel, RequestId request);
    bool may_connect(Channel& channel);
    void try_next(proto::LaneId lane, std::uint64_t serial);
    void settle(proto::LaneId lane, std::uint64_t serial);
    void join(proto::LaneId lane, std::uint64_t serial);
    void fail_connection(proto::LaneId lane, std::uint64_t serial);
    void ended(proto::LaneId lane, std::uint64_t serial, proto::LaneFailure why);
    void tick(proto::LaneId lane, Channel& channel);
    Channel* find(proto::LaneId lane);
    Connection* find(proto::LaneId lane, std::uint64_t serial);

    wire::Loop& loop_;
    Clock const& clock_;
    Store store_;
    Store cold_;
    Calls calls_;
    std::map<proto::LaneId, Channel> channels_;
    std::size_t connections_ = 0;
    std::uint64_t serials_ = 0;
    std::uint64_t numbers_ = 0;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // owners: this; tasks on the loop hold it weakly
};

}  // namespace ocu::edge

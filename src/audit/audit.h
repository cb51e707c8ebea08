// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The audit pipeline: takes events from every role, and acknowledges none before it is on disk (F10).
//
//   runs as   a thread of the core, `ocu:audit`; its helper `audit-writer` is the only writer of the log
//   hears     every role  proto/any_to_audit.h    by a Recorder made for that role: the source is the channel
//             custody     proto/ask_custody.h     signatures for checkpoints
//             edge        proto/audit_to_edge.h   a connection to a sink or a witness, a channel to the storage lane
//   starts    `audit-sink`, one for each sink of the manifest: copies the record there, at its own pace
//             `audit-witness`, for one head that is shown to one witness of the manifest
//             `audit-cold`, for one segment that is put into the cold tier of the manifest
//   tells     control     proto/audit_to_control.h  how far each sink is, what each witness has seen, what the cold tier holds, where removal by age is, and what was counted
//   never     a path that rewrites; a path back that could cause an action

#include <functional>
#include <memory>
#include <optional>

#include "audit/cold.h"
#include "audit/head.h"
#include "audit/sink.h"
#include "base/clock.h"
#include "helper/spawner.h"
#include "proto/any_to_audit.h"
#include "proto/ask_custody.h"
#include "proto/audit_to_control.h"
#include "proto/audit_to_edge.h"
#include "proto/retention.h"
#include "proto/core_to_role.h"

namespace ocu::audit {

struct Config {
    std::string appliance_name;
    std::size_t queue_per_source_max = 4096;  // events waiting for the writer; over it record() fails with over_limit
    std::vector<Sink> sinks;
    std::vector<Witness> witnesses = {};
    std::optional<Cold> cold = {};
    std::uint32_t retention_days = proto::kRetentionDaysFloor;         // never below it
    std::function<bool()> clock_is_checked = [] { return false; };     // without it nothing is ever removed
};

// The audit directory, to lend out of it, and what each sink and each witness's process is started with.
struct SinkDescriptors {
    UniqueFd log;
    std::vector<SinkGround> ground;
    std::vector<UniqueFd> witness_roots;
};

class Audit {
public:
    struct Wires {
        proto::CoreToRole& core_in;
        proto::CustodyToAudit& custody_in;
        proto::EdgeToAudit& edge_in;
        proto::AuditToCustody& custody;
        proto::AuditToEdge& edge;
        proto::AuditToControl& control;
        helper::Spawner& spawner;
        std::function<void()> stopped;
    };

    Audit(wire::Loop& loop, Clock const& clock, Config config, SinkDescriptors descriptors, Wires wires);
    ~Audit();

    // The pen of one role. `asker` is the loop on which `done` runs. Called before threads start; lives as long as this.
    proto::Recorder& recorder_for(proto::Source source, wire::Loop& asker);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ocu::audit
